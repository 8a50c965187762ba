//! Where a list goes on. Pages may be short or empty, so only a missing token is the end; a token that comes again would
//! lead round for ever.

use std::collections::BTreeSet;

/// The tokens of a list so far.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeSet<String>);

impl Tokens {
    /// Whether a token leads to a page that was not shown yet; no token is the first page, or the end.
    pub(super) fn lead_on(&mut self, token: Option<&String>) -> bool {
        token.is_none_or(|token| self.0.insert(token.clone()))
    }
}
