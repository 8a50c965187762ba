//! Why a request is refused, in the contract's names and in words that say what would work.

use super::super::arn::TaskDefinitionId;
use super::super::service::Service;
use super::plan::Seen;

/// Why a request is refused. Nothing is written then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The request itself is wrong.
    InvalidRequest,
    /// Another account or Region.
    OtherHome,
    /// A newer revision is the family's latest, and the original is not brought back over it.
    ForeignLatest,
    /// The original cannot be had from ECS, and there is no backup.
    BackupMissing,
    /// The original cannot be had from ECS, and the backup is not what was stored.
    BackupTampered,
    /// The record cannot be understood.
    RecordUnreadable,
    /// The exemption that is there cannot be read or understood.
    ExemptionUnreadable,
    /// A service is being moved from the copy to something else at this moment.
    DeploymentInProgress,
}

impl Refusal {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::OtherHome => "other_home",
            Self::ForeignLatest => "foreign_latest",
            Self::BackupMissing => "backup_missing",
            Self::BackupTampered => "backup_tampered",
            Self::RecordUnreadable => "record_unreadable",
            Self::ExemptionUnreadable => "exemption_unreadable",
            Self::DeploymentInProgress => "deployment_in_progress",
        }
    }
}

/// A refusal, with what is wrong and what would work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// In words.
    pub message: String,
}

/// The family's latest is newer than what would be brought back.
pub(super) fn foreign(seen: &Seen, latest: &TaskDefinitionId, owner: Option<&TaskDefinitionId>) -> Refused {
    let family = &seen.id.family;
    let message = match owner {
        Some(owner) => format!(
            "{latest}, the family's latest, is the copy of {owner}, which is newer than {}: back {owner} out instead",
            seen.id
        ),
        None => format!(
            "{latest} is the family's latest, and neither the original nor its copy: {original} is not brought back \
             over it. To run {original} again, register it as the family's newest from its backup, with an exemption \
             for {family}; or back out of what the guard made of {latest}",
            original = seen.id,
        ),
    };
    Refused { why: Refusal::ForeignLatest, message }
}

/// The backup is needed, and is not what was stored.
pub(super) fn tampered(id: &TaskDefinitionId) -> Refused {
    Refused {
        why: Refusal::BackupTampered,
        message: format!(
            "{id} is not ACTIVE any more, and what lies under its backup's key is not what was stored: the bucket's \
             versions hold the genuine one"
        ),
    }
}

/// The backup is needed, and there is none.
pub(super) fn no_backup(id: &TaskDefinitionId) -> Refused {
    Refused {
        why: Refusal::BackupMissing,
        message: format!("ECS does not describe {id} any more, and there is no backup of it"),
    }
}

/// A service would fall back on the copy.
pub(super) fn elsewhere(service: &Service) -> Refused {
    Refused {
        why: Refusal::DeploymentInProgress,
        message: format!(
            "service {} in cluster {} is being deployed from the copy to something else; if that fails, ECS goes back to \
             the copy. Run this again when the deployment has ended, or stop it first",
            service.id.name, service.id.cluster
        ),
    }
}
