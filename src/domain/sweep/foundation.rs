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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::document::OutputOnly;
    use crate::domain::policy::{FamilyGlobs, Mode};

    fn policy(mode: Mode) -> Policy {
        Policy {
            mode,
            remediate_families: FamilyGlobs::new(["*"]).unwrap(),
            makes_copies: true,
            remediate_existing: false,
            exempt_families: FamilyGlobs::default(),
            output_only: OutputOnly::default(),
            owner_tag_keys: Vec::new(),
            guard_roles: vec!["guard-role".parse().unwrap()],
            apply_roles: Vec::new(),
            settle: SignedDuration::from_mins(60),
        }
    }

    fn revision(number: u64) -> Revision {
        Revision::new(number).unwrap()
    }

    fn run(of: u64, tasks: u32, is_express: bool) -> Run {
        let starter = Starter::Service { name: "api".into(), is_express };
        Run { cluster: "prod".into(), starter, revision: revision(of), tasks }
    }

    fn by(runs: Vec<Run>) -> Usage {
        Usage { runs, ..Usage::default() }
    }

    /// Each of these may come to another outcome, so it is looked at again; what else is known of who runs it is none: each
    /// task that comes and goes would cost a look.
    #[test]
    fn whatever_decides_about_a_revision_is_part_of_it_and_nothing_else() {
        let (id, other) = ("web:12".parse().unwrap(), "web:9".parse().unwrap());
        let (policy, alert) = (policy(Mode::Remediate), policy(Mode::Alert));
        let active = [revision(9), revision(12)];
        let (usage, exemption, record) = (&by(Vec::new()), Some("e"), Some("r"));
        let it = Foundation { id: &id, policy: &policy, active: &active, exemption, record, usage };
        let used = |usage: &Usage| Foundation { usage, ..it }.text();
        let all = [
            it.text(),
            Foundation { id: &other, ..it }.text(),
            Foundation { policy: &alert, ..it }.text(),
            Foundation { active: &active[1..], ..it }.text(),
            Foundation { exemption: Some("r"), ..it }.text(),
            Foundation { exemption: None, ..it }.text(),
            Foundation { record: Some("e"), ..it }.text(),
            Foundation { record: None, ..it }.text(),
            used(&by(vec![run(12, 1, false)])),
            used(&by(vec![run(12, 1, true)])),
            // What ECS manages for an Express service is left alone, whichever revision that runs.
            used(&by(vec![run(9, 1, true)])),
        ];
        for (at, text) in all.iter().enumerate() {
            assert_eq!(text.len(), LENGTH);
            assert_eq!(all.iter().position(|other| other == text), Some(at), "{all:?}");
        }

        assert_eq!(used(&by(vec![run(9, 1, false)])), it.text());
        let once = used(&by(vec![run(12, 1, false)]));
        assert_eq!(used(&by(vec![run(9, 2, false), run(12, 5, false)])), once);
        // It may be run where nobody could look.
        assert_eq!(used(&Usage { clusters_left_out: 1, ..Usage::default() }), once);
    }
}
