//! What is to be done about a service that is, or was, on an original: one `match` that reads from top to bottom. Pure.
//!
//! ECS's facts behind it: a new deployment stops the one in progress, and while a rollback runs nothing is complete, so
//! a second update is never pushed into a deployment; the circuit breaker goes back to the last complete deployment,
//! which after our move is the original.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>

use jiff::{SignedDuration, Timestamp};

use super::super::arn::TaskDefinitionId;
use super::super::service::{Controller, Rollout, Service};
use super::{Move, Reason, State};

/// A run that has written that it moves a service has asked ECS within this time, or never will. Less than the minute
/// after which Lambda hands over again what a run left that died: nobody else may come to finish it.
pub const SENDING_MAX: SignedDuration = SignedDuration::from_secs(45);

/// What is known of the revision that a service is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A copy of it is in force, which the service is to run.
    Copied(Pair),
    /// Its family is exempt.
    Exempt,
    /// It is privileged, and nothing is to be moved: it is superseded, or somebody else's, or no copy is made of it.
    NotCopied,
    /// It is not privileged, or there is none.
    Clean,
}

/// An original and the copy that is in force for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The privileged revision.
    pub original: TaskDefinitionId,
    /// Its copy.
    pub copy: TaskDefinitionId,
    /// The privileged containers of the original.
    pub containers: Vec<String>,
    /// When an operator last backed the original's copy out. A "no" from before that time has ended with its exemption.
    pub backed_out: Option<Timestamp>,
}

/// The time, and what follows from it.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// How long a move may take before people are told.
    pub settle: SignedDuration,
    /// When this very run has begun to move the service, if it has.
    pub begun: Option<Timestamp>,
    /// Whether it may have asked ECS since.
    pub is_sent: bool,
}

/// What is to be done about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, and there is nothing to remember.
    Leave,
    /// It is in this state now, for this reason.
    Note(State, Option<Reason>),
    /// It is pointed at the copy.
    Start,
    /// Somebody deployed this in the moment in which we moved the service. Theirs is the newer word.
    PutBack(TaskDefinitionId),
    /// People said no in the moment in which we moved it: it goes back to its original, as was written down before.
    TakeBack(Reason),
    /// It has been on its way for longer than a person should wait to hear of it.
    Overdue,
}

/// Judges a service; none if it is gone. `standing` is that of the revision that it is on, `held` what is remembered.
#[must_use]
pub fn judge(service: Option<&Service>, standing: &Standing, held: Option<&Move>, times: &Times) -> Step {
    use State::{Failed, Moved, Moving, NotMovable, RolledBack, Waiting};
    let pair = match standing {
        Standing::Copied(pair) => Some(pair),
        Standing::Exempt | Standing::NotCopied | Standing::Clean => None,
    };
    // Somebody else is at it. What is written over now would be missed by whoever looks what came of it.
    let is_by_others = |at: &Timestamp| times.begun != Some(*at) && times.now.duration_since(*at) < SENDING_MAX;
    if service.is_some() && held.and_then(|held| held.begun).as_ref().is_some_and(is_by_others) {
        return Step::Leave;
    }
    let held = held.filter(|held| !pair.is_some_and(|pair| is_history(held, pair)));
    let state = held.map(|held| held.state);
    let Some(service) = service else {
        return match state {
            Some(Waiting | Moving) => Step::Note(Failed, Some(Reason::Gone)),
            Some(Moved | RolledBack | Failed | NotMovable) | None => Step::Leave,
        };
    };
    // What this run has not asked for yet, no deployment can be an answer to.
    let is_unsent = |at: &Timestamp| times.begun == Some(*at) && !times.is_sent;
    let is_begun = held.is_some_and(|held| held.begun.is_some());
    let begun = held.and_then(|held| held.begun).filter(|at| !is_unsent(at));
    let is_another = |id: Option<&String>| id.is_some() && id != held.and_then(|held| held.deployment_id.as_ref());
    // The original deployed anew is no other word: our deployment starts its tasks anew too.
    let is_of_ours =
        |id: &TaskDefinitionId| held.is_some_and(|held| *id == held.original || Some(id) == held.copy.as_ref());
    // Only the newest one is anybody's last word.
    let newest = service.others.iter().find(|other| is_another(other.deployment.as_ref()));
    let stranger = newest.filter(|other| !is_of_ours(&other.runs));
    let current = service.current();
    // An original that is older than the one that is remembered is no new question either.
    let is_back = held.is_some_and(|held| current == Some(&held.original) || pair.is_some());
    let is_there = held.is_some_and(|held| current.is_some() && current == held.copy.as_ref());
    let is_elsewhere = !is_back && !is_there;
    let is_busy = service.rollout == Rollout::InProgress || !service.others.is_empty();
    let is_overdue =
        held.is_some_and(|held| !held.overdue_was_told && times.now.duration_since(held.since) >= times.settle);
    let has_arrived = is_there && !is_busy && service.rollout == Rollout::Completed;
    let reason = held.and_then(|held| held.reason);

    match (state, begun, service.controller, pair) {
        // It is being taken back, which was written down before.
        (Some(RolledBack), ..) if is_begun && is_there => Step::TakeBack(reason.unwrap_or(Reason::Exempt)),
        (Some(RolledBack), ..) if is_begun && current == held.map(|held| &held.original) => {
            Step::Note(RolledBack, reason)
        }
        // ECS was asked, perhaps: what it has in hand says what came of that.
        (Some(_), Some(_), ..) if is_there => match stranger {
            Some(stranger) => Step::PutBack(stranger.runs.clone()),
            None => Step::Note(Moving, None),
        },
        (Some(_), Some(_), ..) if is_back && is_another(service.deployment.as_ref()) => no(standing),
        // Nobody has asked ECS, and nobody will.
        (Some(_), _, _, None) if is_begun && is_back => Step::Note(Waiting, None),
        // It was moved, or on its way, and is on the original again.
        (Some(Moving | Moved), ..) if is_back && reason != Some(Reason::NotMoved) => no(standing),
        (Some(Failed), ..) if is_back && reason == Some(Reason::DeploymentFailed) => no(standing),
        (Some(Moving), ..) if has_arrived => Step::Note(Moved, None),
        (Some(Moving), ..) if is_there => match service.rollout {
            Rollout::Failed => Step::Note(Failed, Some(Reason::DeploymentFailed)),
            _ if is_overdue => Step::Overdue,
            Rollout::Completed | Rollout::InProgress | Rollout::Unknown => Step::Leave,
        },
        // Somebody has deployed something else. What ECS was not asked for, nobody can say no to.
        (Some(Waiting), None, ..) if is_elsewhere => Step::Note(Moved, Some(Reason::NotMoved)),
        (Some(Failed), None, ..) if is_elsewhere && is_begun => Step::Note(Moved, Some(Reason::NotMoved)),
        (Some(Moving | Waiting), ..) if is_elsewhere => Step::Note(Moved, Some(Reason::ByOwner)),
        // ECS got there after all.
        (Some(Failed), ..) if has_arrived && reason == Some(Reason::DeploymentFailed) => Step::Note(Moved, None),
        (Some(Waiting | RolledBack | Failed), ..) if has_arrived => Step::Note(Moved, Some(Reason::ByOwner)),
        // A person's or an application's no is a no.
        (Some(RolledBack), ..) if !reason.is_some_and(Reason::is_taken_back) => Step::Leave,
        (_, _, Controller::Express, _) if pair.is_some() || *standing == Standing::NotCopied => {
            note_once(held, Reason::Express)
        }
        (.., None) => Step::Leave,
        (_, _, Controller::CodeDeploy, _) => note_once(held, Reason::CodeDeploy),
        (_, _, Controller::External | Controller::Express, _) => note_once(held, Reason::External),
        (Some(Waiting), _, Controller::Ecs, _) if is_busy && is_overdue => Step::Overdue,
        (Some(Waiting), _, Controller::Ecs, _) if is_busy && !is_begun => Step::Leave,
        (Some(RolledBack), _, Controller::Ecs, _) if is_busy => Step::Leave,
        (_, _, Controller::Ecs, _) if is_busy => Step::Note(Waiting, None),
        (_, _, Controller::Ecs, _) => Step::Start,
    }
}

/// Whether what is remembered is of no account: a newer original is a new question. So is the same one after a backout
/// whose exemption has ended.
#[must_use]
pub fn is_history(held: &Move, pair: &Pair) -> bool {
    held.original.family != pair.original.family
        || pair.original.revision > held.original.revision
        || pair.backed_out.is_some_and(|at| at >= held.since)
}

/// Back on the original. While the family is exempt that is as it should be.
fn no(standing: &Standing) -> Step {
    match standing {
        Standing::Exempt => Step::Leave,
        Standing::Copied(_) | Standing::NotCopied | Standing::Clean => Step::Note(State::RolledBack, None),
    }
}

fn note_once(held: Option<&Move>, reason: Reason) -> Step {
    match held {
        Some(held) if held.state == State::NotMovable && held.reason == Some(reason) => Step::Leave,
        Some(_) | None => Step::Note(State::NotMovable, Some(reason)),
    }
}

#[cfg(test)]
mod tests;
