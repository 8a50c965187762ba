//! Everything that is known when a service has come to a state of which people are to hear: what its alert, its line in
//! a digest, and the metrics are made of. It holds facts and no texts.

use jiff::Timestamp;

use super::super::alert::Severity;
use super::super::arn::TaskDefinitionId;
use super::super::document::Described;
use super::super::failure::CallFailure;
use super::super::provenance::Provenance;
use super::super::service::ServiceId;
use super::answer::Outcome;
use super::{Move, Reason, State};

/// The facts.
#[derive(Debug)]
pub struct MoveReport {
    /// The service.
    pub service: ServiceId,
    /// Its move, as it is to be remembered.
    pub entry: Move,
    /// What it was found on. Whoever puts it back may do so with an older original than that of its move.
    pub on: Option<TaskDefinitionId>,
    /// It has been on its way for too long.
    pub is_overdue: bool,
    /// The call that failed.
    pub failure: Option<CallFailure>,
    /// What somebody deployed in the same moment, and what could not be put back.
    pub not_put_back: Option<TaskDefinitionId>,
    /// The original as ECS describes it, where it does.
    pub original: Option<Box<Described>>,
    /// Who made the call that told of it, and with what tool; of a deployment event and a sweep that is not known.
    pub provenance: Provenance,
}

impl MoveReport {
    /// What it came to.
    pub fn outcome(&self) -> Outcome {
        match (self.entry.state, self.entry.reason) {
            _ if self.is_overdue => Outcome::MoveFailed,
            (State::Failed, Some(Reason::Gone)) | (State::Moved | State::RolledBack, _) => Outcome::MoveSettled,
            (State::Failed | State::NotMovable, _) => Outcome::MoveFailed,
            (State::Moving | State::Waiting, _) => Outcome::MoveStarted,
        }
    }

    /// Why, by the contract's names.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self.entry.state {
            _ if self.is_overdue => Some("not_settled"),
            State::RolledBack => Some("rolled_back"),
            State::NotMovable => Some("not_movable"),
            State::Moved | State::Failed | State::Moving | State::Waiting => self.entry.reason.map(Reason::as_str),
        }
    }

    /// How much it matters. What ECS gave up half-way is the guard's doing, and nothing brings it back by itself.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match (self.entry.state, self.entry.reason, self.failure.is_some()) {
            (_, _, true) | (State::Failed, Some(Reason::DeploymentFailed), _) => Severity::Critical,
            (State::Moved, ..) => Severity::Info,
            (State::Waiting | State::Moving | State::RolledBack | State::Failed | State::NotMovable, ..) => {
                Severity::Warning
            }
        }
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> Vec<(&'static str, f64)> {
        match (self.entry.state, self.entry.reason) {
            _ if self.is_overdue => vec![("Failed", 1.0)],
            (State::Moved, None) => vec![("Moved", 1.0)],
            (State::RolledBack, None) => vec![("RolledBack", 1.0)],
            (State::Failed, Some(Reason::Gone)) => Vec::new(),
            (State::Failed, _) => vec![("Failed", 1.0)],
            (State::Moved | State::RolledBack | State::Waiting | State::Moving | State::NotMovable, _) => Vec::new(),
        }
    }

    /// Since when it is in its state, in whole seconds: people read it.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        Timestamp::from_second(self.entry.since.as_second()).unwrap_or(self.entry.since)
    }

    /// The privileged revision that it is back on.
    #[must_use]
    pub fn back_on(&self) -> &TaskDefinitionId {
        self.on.as_ref().unwrap_or(&self.entry.original)
    }

    /// The privileged containers of the original, where they are known.
    #[must_use]
    pub fn privileged_containers(&self) -> &[String] {
        self.original.as_ref().map(|original| original.privileged_containers()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::failure::Cause;
    use super::*;

    fn report(state: State, reason: Option<Reason>) -> MoveReport {
        let entry = Move::new(
            "web:12".parse().unwrap(),
            Some("web:13".parse().unwrap()),
            state,
            "2026-11-24T08:00:00Z".parse().unwrap(),
        );
        MoveReport {
            service: ServiceId::new("prod", "web").unwrap(),
            entry: Move { reason, ..entry },
            on: None,
            is_overdue: false,
            failure: None,
            not_put_back: None,
            original: None,
            provenance: Provenance::default(),
        }
    }

    /// A report whose call was refused.
    fn refused(reason: Reason) -> MoveReport {
        let failure = CallFailure {
            action: "ecs:UpdateService",
            resource: "web".into(),
            code: None,
            request_id: None,
            cause: Cause::Refused,
        };
        MoveReport { failure: Some(failure), ..report(State::Failed, Some(reason)) }
    }

    /// For each state and reason: the metric, whether or not it is overdue, the severity, the outcome.
    #[test]
    fn each_state_has_its_metric_its_severity_and_its_outcome() {
        use Outcome::{MoveFailed, MoveSettled, MoveStarted};
        use Severity::{Critical, Info, Warning};
        for (state, reason, metric, severity, outcome) in [
            (State::Waiting, None, None, Warning, MoveStarted),
            (State::Moving, None, None, Warning, MoveStarted),
            (State::Moved, None, Some("Moved"), Info, MoveSettled),
            (State::Moved, Some(Reason::ByOwner), None, Info, MoveSettled),
            (State::RolledBack, None, Some("RolledBack"), Warning, MoveSettled),
            (State::RolledBack, Some(Reason::Exempt), None, Warning, MoveSettled),
            (State::Failed, Some(Reason::Gone), None, Warning, MoveSettled),
            (State::Failed, Some(Reason::DeploymentFailed), Some("Failed"), Critical, MoveFailed),
            (State::NotMovable, Some(Reason::CodeDeploy), None, Warning, MoveFailed),
            (State::NotMovable, Some(Reason::External), None, Warning, MoveFailed),
            (State::NotMovable, Some(Reason::Express), None, Warning, MoveFailed),
        ] {
            let report = report(state, reason);
            assert_eq!(report.metrics(), metric.map(|name| (name, 1.0)).into_iter().collect::<Vec<_>>(), "{state:?}");
            assert_eq!((report.severity(), report.outcome()), (severity, outcome), "{state:?} {reason:?}");
        }
        for reason in [Reason::AccessDenied, Reason::InvalidParameter, Reason::LimitExceeded, Reason::Refused] {
            let refused = refused(reason);
            assert_eq!(refused.metrics(), [("Failed", 1.0)]);
            assert_eq!((refused.severity(), refused.outcome()), (Critical, MoveFailed));
            let not_put_back = MoveReport { not_put_back: Some("web-b:1".parse().unwrap()), ..refused };
            assert_eq!((not_put_back.severity(), not_put_back.metrics()), (Critical, vec![("Failed", 1.0)]));
        }
    }

    #[test]
    fn what_does_not_settle_counts_as_failed_and_wakes_nobody() {
        for state in [State::Waiting, State::Moving] {
            let overdue = MoveReport { is_overdue: true, ..report(state, None) };
            assert_eq!(overdue.metrics(), [("Failed", 1.0)]);
            assert_eq!((overdue.severity(), overdue.outcome()), (Severity::Warning, Outcome::MoveFailed));
            assert_eq!(overdue.reason(), Some("not_settled"));
        }
    }
}
