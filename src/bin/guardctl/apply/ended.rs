//! A run that did not do all of it: what failed, what to do now, and what stands all the same.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::failure::CallFailure;
use ecs_privileged_guard::domain::plan::{Plan, Then};
use ecs_privileged_guard::domain::report::{Failure, Report};
use ecs_privileged_guard::domain::service::ServiceId;
use ecs_privileged_guard::reconcile::{Concluded, Guard as Reconciler, RunError};

use crate::deployed::PATIENCE;
use crate::exit::Exit;
use crate::failure::{trouble, trouble_passing};
use crate::session::Guard;
use crate::trouble::Trouble;

/// A run that came to its end by a failure; `plan` is what there was to do.
pub(super) fn failed(concluded: &Concluded, plan: &Plan, guard: &Guard, again: &str) -> Option<Trouble> {
    let report = concluded.report.as_ref()?;
    let failure = report.failure.as_ref()?;
    let what = format!("{} could not be finished", report.id);
    let trouble = match failure {
        Failure::Call(call) => {
            let roles = report.original().map(Described::roles).unwrap_or_default();
            trouble_passing(what, call, roles)
        }
        Failure::BackupTampered { .. } | Failure::RecordUnreadable { .. } | Failure::MoveUnreadable { .. } => {
            let hint = format!("the versions of its objects in {} say who wrote them", guard.bucket);
            Trouble::new(Exit::Refused, what).because(failure).hint(hint)
        }
        Failure::Unfaithful { .. } | Failure::Malformed { .. } => Trouble::new(Exit::Failed, what).because(failure),
    };
    let (stands, world) = what_stands(report, plan, again);
    let exit = if stands { Exit::Partly } else { trouble.exit };
    Some(trouble.world(world).ends(exit))
}

/// The services that ECS refused to move; all else was done.
pub(super) fn not_moved(concluded: &Concluded, again: &str) -> Vec<Trouble> {
    let roles =
        concluded.report.as_ref().and_then(|report| report.original()).map(Described::roles).unwrap_or_default();
    let trouble = |(id, failure): &(ServiceId, CallFailure)| {
        let what = format!("the service {id} could not be moved");
        trouble_passing(what, failure, roles)
            .world(format!("The copy is registered, and these services still run the original. {again} goes on."))
    };
    concluded.not_moved.iter().map(trouble).collect()
}

/// Whether anything of it is still there in ECS, and in words.
fn what_stands(report: &Report, plan: &Plan, again: &str) -> (bool, String) {
    let left: Vec<String> = report.copies_left().map(|id| id.to_string()).collect();
    match (&report.copy, left.as_slice()) {
        // The copy of a run before, with which this one did not come further.
        (None, []) if matches!(plan.then, Then::Finish(_)) => {
            (true, format!("A copy that a run before made is registered, and not proven. {again} goes on."))
        }
        (Some(copy), _) => (true, format!("{} is registered, and proven. {again} goes on.", copy.id)),
        (None, []) if report.backup_sha256.is_none() && report.made.is_empty() => {
            (false, "Nothing was changed.".to_owned())
        }
        (None, []) => (false, format!("Nothing stays changed in ECS; a backup of {} is stored.", report.id)),
        (None, left) => (true, format!("Still ACTIVE, and not proven: {}. {again} deals with it.", left.join(", "))),
    }
}

/// A run that came to no end. What there is to do now says what it has done.
pub(super) async fn not_ended(
    error: &RunError,
    id: &TaskDefinitionId,
    reconciler: &Reconciler,
    guard: &Guard,
    again: &str,
) -> Trouble {
    let told = match error {
        RunError::NotPublished(failure) => trouble(format!("nobody could be told of {id}"), failure),
        RunError::Transient(failure) => trouble(format!("{id} could not be finished"), failure),
        RunError::Unreadable(Failure::Call(failure)) => trouble(format!("{id} could not be looked at"), failure),
        RunError::ServiceUnreadable(Failure::Call(failure)) => {
            trouble(format!("a service that runs {id} could not be looked at"), failure)
        }
        RunError::OutOfTime
        | RunError::Unsettled
        | RunError::Unreadable(_)
        | RunError::ServiceUnreadable(_)
        | RunError::NotRecorded(_) => Trouble::new(Exit::Failed, format!("{id} could not be finished"))
            .because(error)
            .hint(format!("{again} goes on where it stopped")),
    };
    let now = reconciler.foresee(id, Clock::live().now() + PATIENCE).await;
    let (stands, world) = match now.as_ref().map(|(_, plan)| (&plan.then, &plan.copy)) {
        Ok((Then::Finish(finish), _)) => {
            let not_yet = match error {
                RunError::NotPublished(_) => "proven, and nobody was told, nor is it recorded yet",
                RunError::NotRecorded(_) => "proven and told, and not recorded yet",
                RunError::Transient(_)
                | RunError::OutOfTime
                | RunError::Unsettled
                | RunError::Unreadable(_)
                | RunError::ServiceUnreadable(_) => "perhaps not proven, and not recorded yet",
            };
            (true, format!("{} is registered, {not_yet}. {again} goes on, and so does the next sweep.", finish.copy))
        }
        Ok((_, Some(copy))) => (true, format!("{} is registered. {again} goes on.", copy.id)),
        Ok((Then::Copy(_), None)) => (false, "Nothing was changed in ECS.".to_owned()),
        Ok((Then::End(..), None)) | Err(_) => {
            let look = guard.command(&format!("plan {id}"));
            (false, format!("What was changed is not known here. {look} shows what is left to do."))
        }
    };
    let exit = if stands { Exit::Partly } else { told.exit };
    told.world(world).ends(exit)
}
