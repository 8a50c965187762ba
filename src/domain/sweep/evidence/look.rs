//! What is known of the last look at a family's newest privileged revision. A sweep has looked itself. A scan goes by the
//! guard's record, and only as far as what it sees now bears that out: a record is about the day on which it was written.

use super::super::super::outcome::{Outcome, Reason};
use super::super::super::record::Record;
use super::State;

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// What it came to, and why.
    CameTo(Outcome, Option<Reason>),
    /// It came to this, by the record, and by what is seen now that is over.
    Over(Past),
    /// By the record it came to something that this version does not know.
    NotKnown(String),
    /// There is a record, and it could not be read.
    Unread,
    /// There is no record.
    NoRecord,
}

/// What was so by a record, and is not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It was exempt.
    Exempt,
    /// A copy without privilege followed.
    Copied,
    /// Somebody's newer revision followed.
    Followed,
}

/// What a scan sees of a revision now.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// It is ACTIVE.
    pub is_active: bool,
    /// What its family's exemption makes of it; none if there is none that counts.
    pub exemption: Option<(Outcome, Option<Reason>)>,
    /// A newer revision of its family is ACTIVE.
    pub is_followed: bool,
    /// The copy that its record names is ACTIVE, and not privileged.
    pub has_copy: bool,
}

impl Look {
    /// What a record says of a revision that is seen like this.
    #[must_use]
    pub fn by_record(record: Option<&Record>, sight: Sight) -> Self {
        let by_exemption =
            sight.exemption.filter(|_| sight.is_active).map(|(outcome, reason)| Self::CameTo(outcome, reason));
        // What it says of the daemon task definition of that name is not about this one.
        let Some(record) = record.filter(|record| !record.is_of_daemon()) else {
            return by_exemption.unwrap_or(Self::NoRecord);
        };
        let outcome = serde_json::from_value(record.outcome.as_str().into()).ok();
        let reason = record.reason.as_ref().map(|reason| serde_json::from_value(reason.as_str().into()).ok());
        let (outcome, reason) = match (outcome, reason) {
            (Some(outcome), None) => (outcome, None),
            (Some(outcome), Some(Some(reason))) => (outcome, Some(reason)),
            (None, _) | (Some(_), Some(None)) => {
                let reason = record.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
                return Self::NotKnown(record.outcome.clone() + &reason);
            }
        };
        // The guard leaves these to their owner before it asks whether they are exempt.
        let is_left_to_its_owner = matches!(reason, Some(Reason::ManagedByBatch | Reason::ManagedByExpress));
        let past = match outcome {
            Outcome::Exempt => Some(Past::Exempt),
            Outcome::Remediated | Outcome::AlreadyRemediated => Some(Past::Copied).filter(|_| !sight.has_copy),
            Outcome::Superseded => Some(Past::Followed).filter(|_| !sight.is_followed),
            Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive => None,
            Outcome::Alerted | Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed => None,
        };
        match (by_exemption.filter(|_| !is_left_to_its_owner), past) {
            (Some(seen), _) => seen,
            (None, Some(past)) => Self::Over(past),
            (None, None) => Self::CameTo(outcome, reason),
        }
    }

    /// What it came to, where that is known and holds.
    #[must_use]
    pub fn came_to(&self) -> Option<(Outcome, Option<Reason>)> {
        match self {
            Self::CameTo(outcome, reason) => Some((*outcome, *reason)),
            Self::Over(_) | Self::NotKnown(_) | Self::Unread | Self::NoRecord => None,
        }
    }

    /// The state in which it leaves a family that has a privileged revision. Of what is not known nothing good is said.
    #[must_use]
    pub fn state(&self) -> State {
        self.came_to().map_or(State::ReportedOnly, |(outcome, reason)| State::of(outcome, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXEMPT: Option<(Outcome, Option<Reason>)> = Some((Outcome::Exempt, None));
    const NOW: Sight = Sight { is_active: true, exemption: None, is_followed: true, has_copy: true };

    fn record(outcome: &str, reason: Option<&str>) -> Record {
        let begun = Record::begun(&"web:1".parse().unwrap(), "remediate", &[]);
        Record { outcome: outcome.to_owned(), reason: reason.map(str::to_owned), ..begun }
    }

    #[track_caller]
    fn looks(outcome: &str, reason: Option<&str>, sight: Sight, expected: &Look, state: State) {
        let look = Look::by_record(Some(&record(outcome, reason)), sight);
        assert_eq!((&look, look.state()), (expected, state), "{outcome} {reason:?} {sight:?}");
    }

    #[test]
    fn a_record_counts_where_what_is_seen_bears_it_out() {
        let came_to = |outcome| Look::CameTo(outcome, None);
        looks("remediated", None, NOW, &came_to(Outcome::Remediated), State::Remediated);
        looks("already_remediated", None, NOW, &came_to(Outcome::AlreadyRemediated), State::Remediated);
        looks("superseded", None, NOW, &came_to(Outcome::Superseded), State::Superseded);
        looks("failed", None, NOW, &came_to(Outcome::Failed), State::Failed);
        let alone = Sight { is_followed: false, has_copy: false, ..NOW };
        for (name, past) in [
            ("remediated", Past::Copied),
            ("already_remediated", Past::Copied),
            ("superseded", Past::Followed),
            ("exempt", Past::Exempt),
        ] {
            looks(name, None, alone, &Look::Over(past), State::ReportedOnly);
        }
        looks("failed", None, alone, &came_to(Outcome::Failed), State::Failed);
        looks("exempt", None, NOW, &Look::Over(Past::Exempt), State::ReportedOnly);
    }

    #[test]
    fn an_exemption_that_holds_is_seen_whatever_the_record_says_but_for_what_the_guard_asks_first() {
        let exempt = Sight { exemption: EXEMPT, ..NOW };
        let seen = Look::CameTo(Outcome::Exempt, None);
        for name in ["exempt", "alerted", "remediated", "failed"] {
            looks(name, None, exempt, &seen, State::Exempt);
        }
        assert_eq!(Look::by_record(None, exempt), seen);
        let batch = Look::CameTo(Outcome::Alerted, Some(Reason::ManagedByBatch));
        looks("alerted", Some("managed_by_batch"), exempt, &batch, State::ReportedOnly);
        for (reason, state) in
            [(Reason::ExemptionUnreadable, State::Failed), (Reason::PartlyExempt, State::ReportedOnly)]
        {
            let sight = Sight { exemption: Some((Outcome::Alerted, Some(reason))), ..NOW };
            looks("remediated", None, sight, &Look::CameTo(Outcome::Alerted, Some(reason)), state);
        }
        let inactive = Sight { is_active: false, ..exempt };
        looks("exempt", None, inactive, &Look::Over(Past::Exempt), State::ReportedOnly);
        assert_eq!(Look::by_record(None, inactive), Look::NoRecord);
    }

    #[test]
    fn what_is_recorded_of_a_daemon_task_definition_is_about_that_alone() {
        looks("alerted", Some("daemon_task_definition"), NOW, &Look::NoRecord, State::ReportedOnly);
    }

    #[test]
    fn what_is_not_known_is_never_good_news() {
        for sight in [NOW, Sight { exemption: EXEMPT, ..NOW }] {
            looks("blessed", None, sight, &Look::NotKnown("blessed".into()), State::ReportedOnly);
            looks("alerted", Some("moon"), sight, &Look::NotKnown("alerted (moon)".into()), State::ReportedOnly);
            looks("", None, sight, &Look::NotKnown(String::new()), State::ReportedOnly);
        }
        for look in [Look::Unread, Look::NoRecord, Look::by_record(None, NOW)] {
            assert_eq!((look.came_to(), look.state()), (None, State::ReportedOnly), "{look:?}");
        }
    }
}
