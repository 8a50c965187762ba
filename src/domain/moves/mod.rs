//! The life of a move: a service that is pointed from an original to its copy, and watched until it has settled.
//! `judge` says what is to be done about one service, from what is; this is what is remembered of it between looks.
//!
//! ECS or a person who puts a moved service back on its original has said no: the application needs the flag. Such a
//! service is not moved again until its family has a newer original.

pub mod alert;
pub mod answer;
pub mod judge;
pub mod report;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arn::TaskDefinitionId;
use super::failure::{CallFailure, Cause};
use super::json::{self, Malformed};

/// The version of the schema that this code writes.
pub const SCHEMA_VERSION: u32 = 1;

/// What is known of one service's move, as it stands under `moves/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// Of this schema.
    pub schema_version: u32,
    /// The privileged revision that the service was on.
    pub original: TaskDefinitionId,
    /// The copy that it is to run; none where there is none, because ECS itself manages the service.
    pub copy: Option<TaskDefinitionId>,
    /// The deployment that moves it, or the one before: the one that is waited for, or was there when the move was begun.
    #[serde(default)]
    pub deployment_id: Option<String>,
    /// How far it has come.
    pub state: State,
    /// Why, where the state alone does not say it.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Since when ECS may have been asked to move it: that is written first, and cleared when it is known what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Timestamp>,
    /// Whether people were told that it does not settle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdue_was_told: bool,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// How far a move has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Another deployment is in progress; when it is complete, the move starts.
    Waiting,
    /// ECS is at work on it.
    Moving,
    /// The service runs the copy.
    Moved,
    /// ECS or a person put the service back on the original: the application's no.
    RolledBack,
    /// A call was denied or failed, or ECS gave the deployment up without going back.
    Failed,
    /// Not ours to move.
    NotMovable,
}

/// Why a move is in its state, where the state alone does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// AWS CodeDeploy deploys the service.
    #[serde(rename = "CODE_DEPLOY")]
    CodeDeploy,
    /// Another system deploys it, by task sets.
    #[serde(rename = "EXTERNAL")]
    External,
    /// ECS itself manages it.
    #[serde(rename = "Express")]
    Express,
    /// Its owner has deployed something else meanwhile, or the copy: the move is over, and it was not ours.
    ByOwner,
    /// Its owner has deployed something else before it was moved: the question is closed, and nobody said no.
    NotMoved,
    /// The service is gone.
    Gone,
    /// ECS gave the deployment up, and did not go back.
    DeploymentFailed,
    /// The family was exempted while the move was made, so it was taken back.
    Exempt,
    /// Somebody deregistered the copy while the move was made, so it was taken back.
    CopyRemoved,
    /// ECS refused to move it: a permission is missing.
    AccessDenied,
    /// ECS refused to move it: it does not accept what was sent.
    InvalidParameter,
    /// ECS refused to move it: a quota is used up.
    LimitExceeded,
    /// ECS refused to move it for another reason.
    Refused,
}

impl Reason {
    /// Why a call failed that a retry cannot heal.
    #[must_use]
    pub fn of_call(failure: &CallFailure) -> Self {
        match failure.cause {
            Cause::AccessDenied { .. } => Self::AccessDenied,
            Cause::InvalidParameter => Self::InvalidParameter,
            Cause::LimitExceeded => Self::LimitExceeded,
            Cause::Refused | Cause::Transient(_) => Self::Refused,
        }
    }

    /// The name in stored moves and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
            Self::Express => "Express",
            Self::ByOwner => "by_owner",
            Self::NotMoved => "not_moved",
            Self::Gone => "gone",
            Self::DeploymentFailed => "deployment_failed",
            Self::Exempt => "exempt",
            Self::CopyRemoved => "copy_removed",
            Self::AccessDenied => "access_denied",
            Self::InvalidParameter => "invalid_parameter",
            Self::LimitExceeded => "limit_exceeded",
            Self::Refused => "refused",
        }
    }

    /// Whether the guard took the move back, for a word of people that was said while it was made.
    #[must_use]
    pub fn is_taken_back(self) -> bool {
        matches!(self, Self::Exempt | Self::CopyRemoved)
    }
}

/// Why a move cannot be used. It is an error and never "no move".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// Not the JSON of a move.
    #[error("it is not the JSON of a move (look at line {}, column {})", .0.line, .0.column)]
    Malformed(Malformed),
    /// Written by a later version of this product.
    #[error("its schemaVersion is {0}, and this version knows {SCHEMA_VERSION}")]
    UnknownSchema(u64),
}

impl State {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Moving => "moving",
            Self::Moved => "moved",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
            Self::NotMovable => "not_movable",
        }
    }
}

impl Move {
    /// The move of a service from an original, in a state.
    #[must_use]
    pub fn new(original: TaskDefinitionId, copy: Option<TaskDefinitionId>, state: State, since: Timestamp) -> Self {
        let (deployment_id, reason, begun, overdue_was_told) = (None, None, None, false);
        let (schema_version, unknown) = (SCHEMA_VERSION, BTreeMap::new());
        Self { schema_version, original, copy, deployment_id, state, reason, since, begun, overdue_was_told, unknown }
    }

    /// The text to store.
    ///
    /// # Errors
    /// When a member of the future that was kept cannot be written again.
    pub fn to_json(&self) -> Result<String, MoveError> {
        serde_json::to_string(self).map_err(|error| MoveError::Malformed(Malformed::of(&error)))
    }

    /// Reads a move.
    ///
    /// # Errors
    /// When it is not one, or of a schema that this version does not know.
    pub fn parse(text: &str) -> Result<Self, MoveError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u64,
        }
        let Version { schema_version } = json::object(text).map_err(MoveError::Malformed)?;
        match schema_version == u64::from(SCHEMA_VERSION) {
            true => json::object(text).map_err(MoveError::Malformed),
            false => Err(MoveError::UnknownSchema(schema_version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_json_is_the_name_in_text() {
        use Reason::{AccessDenied, ByOwner, CodeDeploy, DeploymentFailed, Exempt, Express, External, Gone};
        use Reason::{CopyRemoved, InvalidParameter, LimitExceeded, Refused};
        for reason in [CodeDeploy, External, Express, ByOwner, Gone, DeploymentFailed, Exempt, AccessDenied] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert_eq!(serde_json::to_value(Reason::NotMoved).unwrap(), Reason::NotMoved.as_str());
        for reason in [CopyRemoved, InvalidParameter, LimitExceeded, Refused] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        // A word of people, and not what ECS answered or an owner did.
        let taken_back = [Exempt, CopyRemoved, ByOwner, DeploymentFailed, AccessDenied].map(Reason::is_taken_back);
        assert_eq!(taken_back, [true, true, false, false, false]);
    }

    #[test]
    fn a_move_is_the_contracts_json_and_keeps_what_it_does_not_know() {
        let text = r#"{"schemaVersion":1,"original":"web:12","copy":"web:13","deploymentId":"ecs-svc/1","state":"rolled_back","reason":null,"since":"2026-11-24T08:00:00Z","later":{"a":1}}"#;
        let held = Move::parse(text).unwrap();
        assert_eq!((held.state, held.copy.as_ref().unwrap().to_string().as_str()), (State::RolledBack, "web:13"));
        let written = serde_json::to_value(&held).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(Move::parse(&held.to_json().unwrap()), Ok(held));
        assert_eq!(Move::parse(r#"{"schemaVersion":2}"#), Err(MoveError::UnknownSchema(2)));
        assert!(matches!(Move::parse("{}"), Err(MoveError::Malformed(_))));
    }
}
