//! What a look at a privileged revision rests on, in one short text: while it stays the same, another look would come to
//! the same outcome, and is spared.

use std::collections::BTreeSet;

use super::super::arn::{Revision, TaskDefinitionId};
use super::super::backup::sha256;
use super::super::observation::{Starter, Usage};
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
        // How many tasks there are changes all the time, and decides nothing.
        let runs: BTreeSet<(&str, &Starter, Revision)> =
            usage.runs.iter().map(|run| (run.cluster.as_str(), &run.starter, run.revision)).collect();
        let version = env!("CARGO_PKG_VERSION");
        let complete = usage.is_complete();
        let mut hash =
            sha256(&format!("{version} {id} {policy:?} {active:?} {exemption:?} {record:?} {complete} {runs:?}"));
        hash.truncate(LENGTH);
        hash
    }
}
