//! What the facts come to: the state of a family, the standing of an exemption, the totals. It renders nothing; the
//! document and the page say the same because both ask here.

use jiff::{SignedDuration, Timestamp};

use super::super::super::arn::Family;
use super::super::super::exemption::{Exemption, Found, Verdict, of_object};
use super::super::super::moves::State as MoveState;
use super::super::super::observation::{Run, Starter};
use super::super::super::outcome::{Outcome, Reason};
use super::{Evidence, ExemptionRow, FamilyRow, RunRow};

/// From here on an end is near: whoever needs the exemption has to act.
pub const ENDS_SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How a family stands. In order of urgency: what needs a person comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The remedy did not work: a person must repair something.
    Failed,
    /// Privileged, and nothing was changed.
    ReportedOnly,
    /// A newer revision of somebody else's follows; what runs the older one is left to its owner.
    Superseded,
    /// Allowed to be privileged.
    Exempt,
    /// A copy without privilege follows.
    Remediated,
    /// No privileged revision was found, and not all of its ACTIVE revisions have been looked at.
    NotLookedAt,
    /// No privileged revision is ACTIVE or runs.
    Clean,
}

impl State {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::ReportedOnly,
        Self::Superseded,
        Self::Exempt,
        Self::Remediated,
        Self::NotLookedAt,
        Self::Clean,
    ];

    /// The name in the document, and in the page's style.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::ReportedOnly => "reported_only",
            Self::Superseded => "superseded",
            Self::Exempt => "exempt",
            Self::Remediated => "remediated",
            Self::NotLookedAt => "not_looked_at",
            Self::Clean => "clean",
        }
    }

    /// The state that an outcome leaves a family in which has a privileged revision: so it is never clean. Outcomes
    /// that know of no privilege are older than the revision that was seen, and say that nothing was done yet.
    #[must_use]
    pub fn of(outcome: Outcome, reason: Option<Reason>) -> Self {
        match (outcome, reason) {
            (Outcome::Failed | Outcome::UnfaithfulCopyWithdrawn, _) => Self::Failed,
            (Outcome::Alerted, Some(reason)) if needs_repair(reason) => Self::Failed,
            (Outcome::Alerted, _) => Self::ReportedOnly,
            (Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive, _) => Self::ReportedOnly,
            (Outcome::Superseded, _) => Self::Superseded,
            (Outcome::Exempt, _) => Self::Exempt,
            (Outcome::Remediated | Outcome::AlreadyRemediated, _) => Self::Remediated,
        }
    }
}

/// Whether an alert asks for a repair, rather than for a decision.
fn needs_repair(reason: Reason) -> bool {
    match reason {
        Reason::ExemptionUnreadable | Reason::UnfaithfulBefore => true,
        Reason::AccessDenied | Reason::InvalidParameter | Reason::LimitExceeded | Reason::Refused => true,
        Reason::BackupTampered | Reason::RecordUnreadable | Reason::MalformedDefinition => true,
        Reason::InactiveInUse | Reason::DaemonTaskDefinition | Reason::ManagedByBatch | Reason::ManagedByExpress => {
            false
        }
        Reason::PartlyExempt | Reason::Race | Reason::CopyRemoved | Reason::OutOfScope => false,
        Reason::AlertMode | Reason::Repeated => false,
    }
}

impl FamilyRow {
    /// How the family stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.look.state()
    }

    /// Whether its latest ACTIVE revision is privileged: what Security Hub and AWS Config look at.
    #[must_use]
    pub fn is_newest_privileged(&self) -> bool {
        self.latest.is_some() && !self.is_newest_clean
    }
}

/// How an exemption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionState {
    /// It holds.
    Holds,
    /// It holds, and ends within seven days.
    EndsSoon,
    /// It has ended.
    Expired,
    /// Its end is ahead, and it does not hold: too long, or incomplete.
    Void,
    /// It is not the documented JSON.
    NotUnderstood,
}

impl ExemptionState {
    /// The name in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::EndsSoon => "ends_soon",
            Self::Expired => "expired",
            Self::Void => "void",
            Self::NotUnderstood => "not_understood",
        }
    }
}

impl RunRow {
    /// What is shown of what runs, with how far its move has come.
    #[must_use]
    pub fn of(run: &Run, moved: Option<MoveState>) -> Self {
        let (starter, is_service) = match &run.starter {
            Starter::Service { name, .. } => (name.clone(), true),
            Starter::Other(text) => (text.clone(), false),
        };
        Self { revision: run.revision, cluster: run.cluster.clone(), starter, is_service, tasks: run.tasks, moved }
    }
}

impl ExemptionRow {
    /// What is shown of a stored exemption, if there is one. Whether it holds does not depend on the containers that it
    /// names.
    #[must_use]
    pub fn of(family: &Family, found: &Found, now: Timestamp) -> Option<Self> {
        let text = match found {
            Found::Nothing => return None,
            Found::Object { text, .. } => text.as_str(),
            Found::Unreadable(_) => "",
        };
        let nothing = Self {
            family: family.clone(),
            containers: Vec::new(),
            reason: String::new(),
            approved_by: String::new(),
            ends: None,
            holds: false,
        };
        let row = |exemption: Exemption| Self {
            holds: matches!(of_object(&exemption.containers, found, now), Verdict::Exempt(_)),
            containers: exemption.containers,
            reason: exemption.reason,
            approved_by: exemption.approved_by,
            ends: Some(exemption.expires_at),
            ..nothing.clone()
        };
        Some(Exemption::read(text).map_or_else(|_| nothing.clone(), row))
    }

    /// How it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ExemptionState {
        match (self.ends, self.holds) {
            (None, _) => ExemptionState::NotUnderstood,
            (Some(end), _) if end <= now => ExemptionState::Expired,
            (Some(_), false) => ExemptionState::Void,
            (Some(end), true) if end.duration_since(now) <= ENDS_SOON => ExemptionState::EndsSoon,
            (Some(_), true) => ExemptionState::Holds,
        }
    }
}

/// Numbers of families, and of what runs.
#[derive(Debug)]
pub(in super::super) struct Totals {
    /// In the order of [`State::ALL`].
    pub(in super::super) by_state: [(State, usize); 7],
    /// Families whose latest ACTIVE revision is privileged.
    pub(in super::super) newest_privileged: usize,
    /// Families of which something privileged runs.
    pub(in super::super) running: usize,
    /// Families with a privileged revision that can be started by its number.
    pub(in super::super) callable: usize,
    /// Services on a privileged revision.
    pub(in super::super) services: usize,
}

impl Totals {
    pub(in super::super) fn of(evidence: &Evidence) -> Self {
        let families = &evidence.families;
        let count = |is_one: &dyn Fn(&FamilyRow) -> bool| families.iter().filter(|row| is_one(row)).count();
        // A family whose privileged revision is not ACTIVE any more, and runs, need not be among the families.
        let active = count(&|row| row.latest.is_some());
        let of_state = |state| match state {
            State::NotLookedAt => evidence.families_not_looked_at,
            State::Clean => evidence.families_total.saturating_sub(active + evidence.families_not_looked_at),
            State::Failed | State::ReportedOnly | State::Superseded | State::Exempt | State::Remediated => {
                count(&|row| row.state() == state)
            }
        };
        Self {
            by_state: State::ALL.map(|state| (state, of_state(state))),
            newest_privileged: count(&FamilyRow::is_newest_privileged),
            running: count(&|row| !row.running.is_empty()),
            callable: count(&|row| !row.callable.is_empty()),
            services: families.iter().flat_map(|row| &row.running).filter(|run| run.is_service).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_with_a_privileged_revision_is_never_called_clean() {
        for outcome in [
            Outcome::FailedRegistration,
            Outcome::Compliant,
            Outcome::Inactive,
            Outcome::Alerted,
            Outcome::Exempt,
            Outcome::AlreadyRemediated,
            Outcome::Superseded,
            Outcome::Remediated,
            Outcome::UnfaithfulCopyWithdrawn,
            Outcome::Failed,
        ] {
            assert_ne!(State::of(outcome, None), State::Clean, "{outcome:?}");
        }
    }

    #[test]
    fn an_alert_that_asks_for_a_repair_is_a_failure() {
        for (outcome, reason, state) in [
            (Outcome::Alerted, Some(Reason::ExemptionUnreadable), State::Failed),
            (Outcome::Alerted, Some(Reason::AlertMode), State::ReportedOnly),
            (Outcome::Alerted, Some(Reason::CopyRemoved), State::ReportedOnly),
            (Outcome::UnfaithfulCopyWithdrawn, None, State::Failed),
            (Outcome::Superseded, Some(Reason::Race), State::Superseded),
        ] {
            assert_eq!(State::of(outcome, reason), state, "{outcome:?} {reason:?}");
        }
    }

    #[test]
    fn the_end_of_an_exemption_is_seen_coming() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let row = |ends: Option<&str>, holds| ExemptionRow {
            family: "web".parse().unwrap(),
            containers: Vec::new(),
            reason: String::new(),
            approved_by: String::new(),
            ends: ends.map(|end| end.parse().unwrap()),
            holds,
        };
        for (end, holds, state) in [
            (None, false, ExemptionState::NotUnderstood),
            (Some("2026-11-24T08:00:00Z"), true, ExemptionState::Expired),
            (Some("2026-12-01T08:00:00Z"), true, ExemptionState::EndsSoon),
            (Some("2026-12-01T08:00:01Z"), true, ExemptionState::Holds),
            (Some("2028-12-01T08:00:00Z"), false, ExemptionState::Void),
        ] {
            assert_eq!(row(end, holds).state(now), state, "{end:?}");
        }
    }

    /// Whether it holds is the guard's own verdict; what cannot be read is shown, and says nothing.
    #[test]
    fn an_exemption_is_shown_as_it_is_stored() {
        let now: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        let family: Family = "web".parse().unwrap();
        let of = |found: &Found| ExemptionRow::of(&family, found, now);
        let stored = |ends: &str| Found::Object {
            text: format!(r#"{{"containers":["app","side"],"reason":"r","approvedBy":"jane","expiresAt":"{ends}"}}"#),
            written_at: Some(now),
        };
        let row = |ends: &str, holds| ExemptionRow {
            family: family.clone(),
            containers: vec!["app".into(), "side".into()],
            reason: "r".into(),
            approved_by: "jane".into(),
            ends: Some(ends.parse().unwrap()),
            holds,
        };
        for (ends, holds) in
            [("2026-12-24T08:00:00Z", true), ("2026-11-24T07:00:00Z", false), ("2028-11-24T08:00:00Z", false)]
        {
            assert_eq!(of(&stored(ends)), Some(row(ends, holds)), "{ends}");
        }
        let nothing = ExemptionRow {
            containers: Vec::new(),
            reason: String::new(),
            approved_by: String::new(),
            ends: None,
            ..row("2026-12-24T08:00:00Z", false)
        };
        let malformed = Found::Object { text: "{".into(), written_at: Some(now) };
        assert_eq!([of(&malformed), of(&Found::Nothing)], [Some(nothing), None]);
    }
}
