//! How a look at a service ended: the contract's names, beside those of revisions.

use serde::Serialize;

use super::super::outcome::{Alerting, ServiceState};

/// What a service or deployment event came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// The service is on its way to the copy.
    MoveStarted,
    /// It has arrived, or is back.
    MoveSettled,
    /// It could not be moved, or does not settle.
    MoveFailed,
    /// Nothing of ours, or nothing new about it.
    NotOurs,
}

impl Outcome {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MoveStarted => "move_started",
            Self::MoveSettled => "move_settled",
            Self::MoveFailed => "move_failed",
            Self::NotOurs => "not_ours",
        }
    }
}

/// What the guard answers to Lambda about a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Answer {
    /// What it came to.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say it.
    pub reason: Option<&'static str>,
    /// The original, like `web:12`; null where the service is none of ours.
    pub task_definition: Option<String>,
    /// Its copy.
    pub copy: Option<String>,
    /// The service.
    pub services: Vec<ServiceState>,
    /// What happened to the alert.
    pub alert: Alerting,
}

impl Answer {
    /// Nothing of ours, or nothing new, told to nobody.
    pub fn not_ours(reason: Option<&'static str>) -> Self {
        let (task_definition, copy, services, alert) = (None, None, Vec::new(), Alerting::None);
        Self { outcome: Outcome::NotOurs, reason, task_definition, copy, services, alert }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_json_is_the_name_in_text() {
        for outcome in [Outcome::MoveStarted, Outcome::MoveSettled, Outcome::MoveFailed, Outcome::NotOurs] {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{}\"", outcome.as_str()));
        }
    }
}
