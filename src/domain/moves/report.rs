//! Everything that is known when a service has come to a state of which people are to hear: what its alert, its line in
//! a digest, and the metrics are made of. It holds facts and no texts.

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

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match (self.entry.state, self.failure.is_some()) {
            (_, true) => Severity::Critical,
            (State::Moved, false) => Severity::Info,
            (State::Waiting | State::Moving | State::RolledBack | State::Failed | State::NotMovable, false) => {
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

    /// The privileged containers of the original, where they are known.
    #[must_use]
    pub fn privileged_containers(&self) -> &[String] {
        self.original.as_ref().map(|original| original.privileged_containers()).unwrap_or_default()
    }
}
