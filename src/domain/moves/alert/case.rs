//! What a report comes to, for people: each case has its own words, so they are told apart here and nowhere else.

use super::super::super::arn::TaskDefinitionId;
use super::super::super::policy::RoleName;
use super::super::report::MoveReport;
use super::super::{Reason, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case<'a> {
    /// The guard moved it over a newer word, and could not take that back.
    NotPutBack(&'a TaskDefinitionId),
    /// Its owner's deployment of the original does not come to an end.
    Waits,
    /// Its deployment of the copy does not come to an end.
    Stuck,
    /// It runs the copy.
    Moved,
    /// A call of somebody has put it back on the original.
    PutBack,
    /// It is back on the original, and no call says who did it: mostly ECS itself.
    RolledBack,
    /// ECS gave its deployment of the copy up, and did not go back.
    DeploymentFailed,
    /// Only its owner may move it.
    NotMovable(Option<Reason>),
    /// ECS refused to move it.
    Refused(Option<Reason>),
}

impl<'a> Case<'a> {
    /// `ours` are the guard's own roles: what they did, nobody else did.
    pub(super) fn of(report: &'a MoveReport, ours: &[RoleName]) -> Self {
        match (report.entry.state, report.entry.reason) {
            _ if let Some(theirs) = &report.not_put_back => Self::NotPutBack(theirs),
            (State::Waiting, _) => Self::Waits,
            (State::Moving, _) => Self::Stuck,
            (State::Moved, _) => Self::Moved,
            (State::RolledBack, _) if is_pointed_by_somebody(report, ours) => Self::PutBack,
            (State::RolledBack, _) => Self::RolledBack,
            (State::Failed, Some(Reason::DeploymentFailed)) => Self::DeploymentFailed,
            (State::NotMovable, reason) => Self::NotMovable(reason),
            (State::Failed, reason) => Self::Refused(reason),
        }
    }

    /// Whether the application said no.
    pub(super) fn is_a_no(self) -> bool {
        match self {
            Self::PutBack | Self::RolledBack | Self::DeploymentFailed => true,
            Self::NotPutBack(_) | Self::Waits | Self::Stuck | Self::Moved => false,
            Self::NotMovable(_) | Self::Refused(_) => false,
        }
    }

    /// Whether the service still runs privileged tasks, by its name in JSON and in words.
    pub(super) fn still_privileged(self) -> StillPrivileged {
        match self {
            Self::Moved => StillPrivileged::No,
            Self::NotPutBack(_) | Self::Stuck | Self::DeploymentFailed => StillPrivileged::Partly,
            Self::Waits | Self::PutBack | Self::RolledBack => StillPrivileged::Yes,
            Self::NotMovable(_) | Self::Refused(_) => StillPrivileged::Yes,
        }
    }
}

/// Whether a service still runs privileged tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StillPrivileged {
    Yes,
    /// ECS takes the tasks of the original away as those of the copy start.
    Partly,
    No,
}

impl StillPrivileged {
    /// The name in JSON.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}

/// Whether the event tells of a call that points services, made by others. An event of a registration, or of the guard's
/// own call, may be what made it look; neither says who put the service back.
pub(super) fn is_pointed_by_somebody(report: &MoveReport, ours: &[RoleName]) -> bool {
    matches!(report.provenance.call.as_deref(), Some("UpdateService" | "CreateService")) && is_of_others(report, ours)
}

/// Whether the event names somebody who is not the guard itself.
pub(super) fn is_of_others(report: &MoveReport, ours: &[RoleName]) -> bool {
    report.provenance.actor.as_ref().is_some_and(|actor| ours.iter().all(|role| role.to_string() != actor.name))
}
