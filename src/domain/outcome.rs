//! How a run can end: the contract's names for outcomes and reasons. It does not say what leads to one; `plan` does.

use serde::{Deserialize, Serialize};

/// What a run came to. The names are the contract: records, answers, alerts and metrics carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[must_use]
pub enum Outcome {
    /// The event is of a call that failed.
    FailedRegistration,
    /// No container is privileged.
    Compliant,
    /// Not ACTIVE, or gone, and nothing runs it.
    Inactive,
    /// Nothing was changed, and a person should know.
    Alerted,
    /// All its privileged containers are exempt.
    Exempt,
    /// Its next is a copy.
    AlreadyRemediated,
    /// Its next is foreign, or the copy lost the race.
    Superseded,
    /// The copy is registered and proven.
    Remediated,
    /// The proof failed; the copy is withdrawn.
    UnfaithfulCopyWithdrawn,
    /// A retry cannot heal it.
    Failed,
}

impl Outcome {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailedRegistration => "failed_registration",
            Self::Compliant => "compliant",
            Self::Inactive => "inactive",
            Self::Alerted => "alerted",
            Self::Exempt => "exempt",
            Self::AlreadyRemediated => "already_remediated",
            Self::Superseded => "superseded",
            Self::Remediated => "remediated",
            Self::UnfaithfulCopyWithdrawn => "unfaithful_copy_withdrawn",
            Self::Failed => "failed",
        }
    }

    /// Whether a run that ends so leaves a record (every privileged revision that was looked at does).
    #[must_use]
    pub fn is_recorded(self) -> bool {
        match self {
            Self::FailedRegistration | Self::Compliant | Self::Inactive => false,
            Self::Alerted
            | Self::Exempt
            | Self::AlreadyRemediated
            | Self::Superseded
            | Self::Remediated
            | Self::UnfaithfulCopyWithdrawn
            | Self::Failed => true,
        }
    }
}

/// Why an outcome came about, where the outcome alone does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not ACTIVE any more, but something still runs it.
    InactiveInUse,
    /// A daemon task definition: a copy would drain and replace instances.
    DaemonTaskDefinition,
    /// AWS Batch made it: the job definition is the place to fix.
    ManagedByBatch,
    /// An Express service runs it: ECS itself manages it.
    ManagedByExpress,
    /// The exemption could not be read or understood.
    ExemptionUnreadable,
    /// Some privileged containers are exempt, others are not.
    PartlyExempt,
    /// A newer revision was registered while the copy was being made.
    Race,
    /// Somebody deregistered the copy: a person's no.
    CopyRemoved,
    /// A copy of it proved unfaithful before.
    UnfaithfulBefore,
    /// The family is not among `REMEDIATE_FAMILIES`.
    OutOfScope,
    /// The mode is `alert`.
    AlertMode,
    /// Three copies of the family within an hour.
    Repeated,
    /// AWS refused the call for lack of a permission.
    AccessDenied,
    /// AWS refused what was sent.
    InvalidParameter,
    /// A quota of AWS is used up.
    LimitExceeded,
    /// The stored backup is not the original.
    BackupTampered,
    /// A record could not be understood; it is not overwritten.
    RecordUnreadable,
    /// The described task definition could not be understood.
    MalformedDefinition,
    /// Another refusal that a retry cannot heal.
    Refused,
}

impl Reason {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InactiveInUse => "inactive_in_use",
            Self::DaemonTaskDefinition => "daemon_task_definition",
            Self::ManagedByBatch => "managed_by_batch",
            Self::ManagedByExpress => "managed_by_express",
            Self::ExemptionUnreadable => "exemption_unreadable",
            Self::PartlyExempt => "partly_exempt",
            Self::Race => "race",
            Self::CopyRemoved => "copy_removed",
            Self::UnfaithfulBefore => "unfaithful_before",
            Self::OutOfScope => "out_of_scope",
            Self::AlertMode => "alert_mode",
            Self::Repeated => "repeated",
            Self::AccessDenied => "access_denied",
            Self::InvalidParameter => "invalid_parameter",
            Self::LimitExceeded => "limit_exceeded",
            Self::BackupTampered => "backup_tampered",
            Self::RecordUnreadable => "record_unreadable",
            Self::MalformedDefinition => "malformed_definition",
            Self::Refused => "refused",
        }
    }
}

/// What happened to the alert of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alerting {
    /// Published in this run.
    Sent,
    /// The same fact was alerted before.
    AlreadySent,
    /// The outcome calls for none.
    None,
}

impl Alerting {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::AlreadySent => "already_sent",
            Self::None => "none",
        }
    }
}

/// A service that a run looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The state of its move.
    pub state: String,
}

/// What the guard answers to Lambda.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Answer {
    /// What the run came to.
    pub outcome: Outcome,
    /// Why, where the outcome alone does not say it.
    pub reason: Option<Reason>,
    /// The revision that was looked at, like `web:12`; null where a failed call named none.
    pub task_definition: Option<String>,
    /// The copy that is in force, like `web:13`.
    pub copy: Option<String>,
    /// The services that were looked at.
    pub services: Vec<ServiceState>,
    /// What happened to the alert.
    pub alert: Alerting,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_json_is_the_name_in_text() {
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
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{}\"", outcome.as_str()));
        }
        for reason in [
            Reason::InactiveInUse,
            Reason::DaemonTaskDefinition,
            Reason::ManagedByBatch,
            Reason::ManagedByExpress,
            Reason::ExemptionUnreadable,
            Reason::PartlyExempt,
            Reason::Race,
            Reason::CopyRemoved,
            Reason::UnfaithfulBefore,
            Reason::OutOfScope,
            Reason::AlertMode,
            Reason::Repeated,
            Reason::AccessDenied,
            Reason::InvalidParameter,
            Reason::LimitExceeded,
            Reason::BackupTampered,
            Reason::RecordUnreadable,
            Reason::MalformedDefinition,
            Reason::Refused,
        ] {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{}\"", reason.as_str()));
        }
        for alerting in [Alerting::Sent, Alerting::AlreadySent, Alerting::None] {
            assert_eq!(serde_json::to_string(&alerting).unwrap(), format!("\"{}\"", alerting.as_str()));
        }
    }

    #[test]
    fn what_was_not_privileged_or_is_gone_leaves_no_record() {
        for outcome in [Outcome::FailedRegistration, Outcome::Compliant, Outcome::Inactive] {
            assert!(!outcome.is_recorded(), "{outcome:?}");
        }
        for outcome in [Outcome::Alerted, Outcome::Exempt, Outcome::AlreadyRemediated, Outcome::Superseded] {
            assert!(outcome.is_recorded(), "{outcome:?}");
        }
        for outcome in [Outcome::Remediated, Outcome::UnfaithfulCopyWithdrawn, Outcome::Failed] {
            assert!(outcome.is_recorded(), "{outcome:?}");
        }
    }
}
