//! Carries the steps of a backout out, each safe to repeat: whatever was done is seen by the next look.

use jiff::Timestamp;

use super::super::Guard;
use super::super::apply::{TIME_TO_FINISH, deregister};
use super::super::between::active_between;
use super::super::presence::{PAUSES_FOR_STALE_READS, Presence};
use super::super::stop::Stop;
use super::done::Done;
use crate::aws::{Expect, Written};
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::backout::note;
use crate::domain::backout::plan::{BringBack, Seen, Steps, TakeBack};
use crate::domain::backout::request::Request;
use crate::domain::backout::service::ServiceStep;
use crate::domain::document::{Described, RegisterInput};
use crate::domain::failure::CallFailure;
use crate::domain::fidelity::{MemberPath, Tags, differences};
use crate::domain::keys;
use crate::domain::record::{MadeCopy, Record};
use crate::domain::report::Failure;
use crate::domain::service::Service;

const OVERTOOK: &str = "another revision came before it";
const DIFFERED: &str = "it came out different from the original";

/// How the steps ended.
pub(super) enum Applied {
    /// All were carried out.
    Done,
    /// The world has moved: look again.
    LookAgain,
}

pub(super) async fn apply(
    guard: &Guard,
    seen: &Seen,
    steps: &Steps,
    request: &Request,
    deadline: Timestamp,
    done: &mut Done,
) -> Result<Applied, Stop> {
    if let Some(exemption) = &steps.exemption {
        let key = keys::exemption(&guard.home, &seen.id.family);
        let expect = seen.exemption.1.clone().map_or(Expect::Nothing, Expect::Etag);
        done.sent_exemption = Some(exemption.clone());
        match guard.aws.bucket.put(&key, &exemption.to_json(), &expect).await {
            Ok(Written::Yes(_)) => done.has_exempted(exemption),
            // A lost answer of ours looks like somebody else's write: the next look tells.
            Ok(Written::Changed) => return Ok(Applied::LookAgain),
            Err(failure) if failure.is_transient() => return Err(failure.into()),
            Err(failure) => {
                done.sent_exemption = None;
                return Err(failure.into());
            }
        }
    }
    note_that_it_began(guard, seen, steps, request, done).await?;
    let restored = match &steps.original {
        BringBack::Stands(id) => {
            // Its answer was lost.
            let is_found = done.has_sent_registration && *id != seen.id && done.registered.is_none();
            done.registered = done.registered.take().or_else(|| is_found.then(|| id.clone()));
            id.clone()
        }
        BringBack::Register(input) => match register(guard, seen, input, done).await? {
            Some(id) => id,
            None => return Ok(Applied::LookAgain),
        },
    };
    done.restored = Some(restored.clone());
    done.unmoved.clear();
    for service in &steps.services.moves {
        if deadline.duration_since(guard.aws.clock.now()) < TIME_TO_FINISH {
            return Err(Stop::OutOfTime);
        }
        match point(guard, service, &restored, steps, done).await {
            Ok(Pointed::Now) => done.moved.push(service.clone()),
            Ok(Pointed::Before) => done.on_the_way.push(service.clone()),
            Ok(Pointed::Elsewhere) => return Ok(Applied::LookAgain),
            Err(failure) if failure.is_transient() => return Err(Stop::Transient(failure)),
            // The others are moved all the same; the copy stays for this one.
            Err(failure) => done.unmoved.push((service.clone(), failure)),
        }
    }
    if let Some((_, failure)) = done.unmoved.first() {
        return Err(Stop::Failed(Failure::Call(failure.clone())));
    }
    // Minutes may have passed: what is back must still be there when the copy goes, or nothing is left.
    let is_watched = matches!(steps.original, BringBack::Stands(_)) && !steps.deregister.is_empty();
    if is_watched && !matches!(Presence::settled(guard, &restored).await?, Presence::Active(_)) {
        return Ok(Applied::LookAgain);
    }
    for copy in &steps.deregister {
        deregister(guard, copy).await?;
        done.withdrawn.push(copy.clone());
    }
    Ok(Applied::Done)
}

/// Notes in the record that a backout has begun, before the first write to ECS, with the copies that are to go: whoever
/// goes on with it knows what is missing then, and whose doing that is.
async fn note_that_it_began(
    guard: &Guard,
    seen: &Seen,
    steps: &Steps,
    request: &Request,
    done: &mut Done,
) -> Result<(), Stop> {
    let is_register = matches!(steps.original, BringBack::Register(_));
    if done.is_noted || !is_register && steps.services.moves.is_empty() && steps.deregister.is_empty() {
        return Ok(());
    }
    let now = guard.aws.clock.now();
    let mode = guard.policy.mode.as_str();
    let change = |held: Option<Record>, _| {
        let mut record = held.unwrap_or_else(|| Record::begun(&seen.id, mode, &steps.containers));
        for copy in steps.deregister.iter().map(|copy| copy.revision) {
            if record.made(copy).is_none() {
                let described = seen.later.iter().find(|later| later.id().revision == copy);
                let registered_at = described.and_then(Described::registered_at).unwrap_or(now);
                record.copies.push(MadeCopy::new(copy, registered_at.min(now), &guard.policy));
            }
        }
        let backed_out = note::begun(record.backed_out.as_ref(), request, now);
        Record { backed_out: Some(backed_out), at: Some(now), ..record }
    };
    guard.update_record(&seen.id, seen.record.clone(), change).await?;
    done.is_noted = true;
    Ok(())
}

/// Registers the original again, and proves that nothing came between and nothing was lost. None: the family has moved
/// on, so what was registered is taken back, and the next look decides.
async fn register(
    guard: &Guard,
    seen: &Seen,
    input: &RegisterInput,
    done: &mut Done,
) -> Result<Option<TaskDefinitionId>, Stop> {
    let later = seen.later.iter().map(|later| later.id().revision).chain(seen.gone.iter().copied());
    let highest = later.max().map_or(seen.id.revision, |later| later.max(seen.id.revision));
    let sent = guard.aws.ecs.register_original(input).await;
    done.has_sent_registration |= sent.as_ref().map_or_else(CallFailure::may_be_done, |_| true);
    let restored = sent?;
    done.registered = Some(restored.clone());
    done.met.push(restored.revision);
    let taken_back = |number: u32| done.taken_back.keys().any(|id| id.revision.number() == number);
    let between = active_between(guard, &seen.id.family, highest, restored.revision, taken_back).await?;
    // Newer than what we bring back, or the same by somebody who was faster: either way ours must go.
    let others = between.iter().filter(|between| !guard.policy.is_ours(between.registered_by()));
    let others: Vec<Revision> = others.map(|between| between.id().revision).collect();
    if !others.is_empty() {
        done.met.extend(others);
        take_back(guard, &restored, OVERTOOK, done).await?;
        return Ok(None);
    }
    let described = match Presence::settled(guard, &restored).await? {
        Presence::Active(described) => described,
        Presence::Inactive(_) => return Ok(None),
        Presence::Unknown => return Err(guard.aws.ecs.not_yet_visible(&restored).into()),
    };
    let differences = differences(input, &described.register_input(&guard.policy.output_only), Tags::Compared);
    match differences.is_empty() {
        true => Ok(Some(restored)),
        false => Err(unfaithful(guard, &restored, differences, done).await?),
    }
}

/// Takes back what a backout before has left unproven. Its number is remembered: the next look may be stale.
pub(super) async fn take_back_unproven(guard: &Guard, unproven: &TakeBack, done: &mut Done) -> Result<(), Stop> {
    match unproven.differences.is_empty() {
        true => take_back(guard, &unproven.id, OVERTOOK, done).await,
        false => Err(unfaithful(guard, &unproven.id, unproven.differences.clone(), done).await?),
    }
}

async fn unfaithful(
    guard: &Guard,
    id: &TaskDefinitionId,
    differences: Vec<MemberPath>,
    done: &mut Done,
) -> Result<Stop, Stop> {
    take_back(guard, id, DIFFERED, done).await?;
    Ok(Stop::Failed(Failure::Unfaithful { what: id.to_string(), differences }))
}

async fn take_back(guard: &Guard, id: &TaskDefinitionId, why: &'static str, done: &mut Done) -> Result<(), Stop> {
    deregister(guard, id).await?;
    done.taken_back.insert(id.clone(), why);
    Ok(())
}

/// Where a service came to be.
enum Pointed {
    /// We pointed it at what is back.
    Now,
    /// Somebody else did.
    Before,
    /// It is not what it was when the plan was made.
    Elsewhere,
}

/// Points a service at the restored revision, as long as it is in a state in which it is to be moved: minutes may have
/// passed since it was looked at. A lost answer is settled by looking.
async fn point(
    guard: &Guard,
    service: &Service,
    to: &TaskDefinitionId,
    steps: &Steps,
    done: &mut Done,
) -> Result<Pointed, CallFailure> {
    let mut pauses = PAUSES_FOR_STALE_READS.into_iter();
    let mut is_sent = false;
    loop {
        let Some(fresh) = guard.aws.ecs.service(&service.id).await? else { return Ok(Pointed::Elsewhere) };
        if fresh.target.as_ref() == Some(to) {
            return Ok(if is_sent { Pointed::Now } else { Pointed::Before });
        }
        if fresh.step(&steps.copies, |id| id == to || steps.equals.contains(id)) != ServiceStep::Move {
            return Ok(Pointed::Elsewhere);
        }
        let sent = guard.aws.ecs.point_service(&fresh.id, to).await;
        is_sent |= sent.as_ref().map_or_else(CallFailure::may_be_done, |()| true);
        done.has_sent_update |= is_sent;
        match (sent, pauses.next()) {
            (Ok(()), _) => return Ok(Pointed::Now),
            (Err(failure), Some(pause)) if failure.is_transient() => guard.aws.clock.sleep(pause).await,
            (Err(failure), _) => return Err(failure),
        }
    }
}
