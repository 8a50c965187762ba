//! What a look at a privileged revision rests on, in one short text: while it stays the same, another look would come to
//! the same outcome, and is spared.

use super::super::arn::{Revision, TaskDefinitionId};
use super::super::backup::sha256;
use super::super::observation::{Run, Starter, Usage};
use super::super::policy::Policy;

/// Enough of a hash to tell two states apart.
const LENGTH: usize = 16;

/// All that the outcome of a look depends on, besides time.
#[derive(Debug, Clone, Copy)]
pub struct Foundation<'a> {
    /// The revision.
    pub id: &'a TaskDefinitionId,
    /// What the operator decided.
    pub policy: &'a Policy,
    /// The family's ACTIVE revisions, in order.
    pub active: &'a [Revision],
    /// The `ETag` of the family's exemption.
    pub exemption: Option<&'a str>,
    /// The `ETag` of the revision's record.
    pub record: Option<&'a str>,
    /// What runs the family.
    pub usage: &'a Usage,
}

impl Foundation<'_> {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { id, policy, active, exemption, record, usage } = self;
        // Who runs it, and how often, changes all the time; these two decide.
        let may_run = usage.may_run(id.revision);
        let is_express = |run: &Run| matches!(run.starter, Starter::Service { is_express: true, .. });
        let express = usage.runs.iter().any(is_express);
        let version = env!("CARGO_PKG_VERSION");
        let mut hash =
            sha256(&format!("{version} {id} {policy:?} {active:?} {exemption:?} {record:?} {may_run} {express}"));
        hash.truncate(LENGTH);
        hash
    }
}
