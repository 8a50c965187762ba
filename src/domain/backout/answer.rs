//! What backout answers: the contract's names, and in words what a person at a terminal needs next.

use std::ops::Not;

use jiff::Timestamp;
use serde::Serialize;

use super::super::outcome::{Alerting, ServiceState};
use super::refusal::Refused;

/// What a backout came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// The original is in force again.
    BackedOut,
    /// It was already, by an earlier backout.
    AlreadyBackedOut,
    /// The guard has changed nothing that stands.
    NothingToBackOut,
    /// Nothing was written; the reason and the message say what would work.
    Refused,
    /// Something was tried and did not succeed.
    Failed,
}

impl Outcome {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BackedOut => "backed_out",
            Self::AlreadyBackedOut => "already_backed_out",
            Self::NothingToBackOut => "nothing_to_back_out",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Answer {
    /// What it came to.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<&'static str>,
    /// The original.
    pub task_definition: Option<String>,
    /// The copy that was deregistered.
    pub copy: Option<String>,
    /// The revision that is in force now.
    pub restored: Option<String>,
    /// Until when the family is exempt, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Services that ran the copy, and what became of each.
    pub services: Vec<ServiceState>,
    /// What happened to the alert.
    pub alert: Alerting,
    /// For a refusal or a failure: what is wrong, and what would work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether nothing was done, because only the plan was asked for.
    #[serde(skip_serializing_if = "Not::not")]
    pub dry_run: bool,
    /// The plan in sentences, where only that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<String>>,
}

impl Answer {
    /// The answer to what is no valid request.
    pub fn of_invalid(refused: Refused, is_dry_run: bool) -> Self {
        Self {
            reason: Some(refused.why.as_str()),
            plan: is_dry_run.then(|| vec![format!("Refused: {}.", refused.message)]),
            message: Some(refused.message),
            dry_run: is_dry_run,
            ..Self::bare(Outcome::Refused, None)
        }
    }

    /// An answer with nothing but an outcome.
    pub fn bare(outcome: Outcome, task_definition: Option<String>) -> Self {
        Self {
            outcome,
            reason: None,
            task_definition,
            copy: None,
            restored: None,
            until: None,
            services: Vec::new(),
            alert: Alerting::None,
            message: None,
            dry_run: false,
            plan: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::refusal::Refusal;
    use super::*;

    /// Whoever typed the request reads what is wrong with it, and that nothing was done; a dry run answers as one.
    #[test]
    fn what_is_no_valid_request_is_refused_with_what_is_wrong() {
        let answered = |is_dry_run| {
            let refused = Refused { why: Refusal::InvalidRequest, message: "reason is given twice".into() };
            serde_json::to_value(Answer::of_invalid(refused, is_dry_run)).unwrap()
        };
        let mut expected = json!({
            "outcome": "refused",
            "reason": "invalid_request",
            "taskDefinition": null,
            "copy": null,
            "restored": null,
            "services": [],
            "alert": "none",
            "message": "reason is given twice",
        });
        assert_eq!(answered(false), expected);
        expected["dryRun"] = json!(true);
        expected["plan"] = json!(["Refused: reason is given twice."]);
        assert_eq!(answered(true), expected);
    }

    #[test]
    fn an_outcome_has_one_name_in_answers_and_alerts() {
        for (outcome, name) in [
            (Outcome::BackedOut, "backed_out"),
            (Outcome::AlreadyBackedOut, "already_backed_out"),
            (Outcome::NothingToBackOut, "nothing_to_back_out"),
            (Outcome::Refused, "refused"),
            (Outcome::Failed, "failed"),
        ] {
            assert_eq!((outcome.as_str(), serde_json::to_value(outcome).unwrap()), (name, json!(name)));
        }
    }
}
