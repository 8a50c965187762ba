//! Carries the steps of a backout out, each safe to repeat: whatever was done is seen by the next look.

use super::super::Guard;
use super::super::apply::deregister;
use super::super::between::active_between;
use super::super::presence::{PAUSES_FOR_STALE_READS, Presence};
use super::super::stop::Stop;
use crate::aws::{Expect, Written};
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::backout::plan::{BringBack, Seen, Service, Steps};
use crate::domain::document::RegisterInput;
use crate::domain::failure::CallFailure;
use crate::domain::fidelity::{Tags, differences};
use crate::domain::keys;
use crate::domain::report::Failure;

/// What a backout has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// An exemption was written, for these containers.
    pub(super) exempted: Option<Vec<String>>,
    /// The revision that is in force.
    pub(super) restored: Option<TaskDefinitionId>,
    /// It was registered anew.
    pub(super) registered: bool,
    /// Services that were moved.
    pub(super) moved: Vec<Service>,
    /// Services that could not be moved.
    pub(super) unmoved: Vec<(Service, CallFailure)>,
    /// Copies that were deregistered.
    pub(super) withdrawn: Vec<TaskDefinitionId>,
    /// Revisions that were seen to be there.
    pub(super) met: Vec<Revision>,
}

/// How the steps ended.
pub(super) enum Applied {
    /// All were carried out.
    Done,
    /// The world has moved: look again.
    LookAgain,
}

pub(super) async fn apply(guard: &Guard, seen: &Seen, steps: &Steps, done: &mut Done) -> Result<Applied, Stop> {
    if let Some(exemption) = &steps.exemption {
        let key = keys::exemption(&guard.home, &seen.id.family);
        let expect = seen.exemption.1.clone().map_or(Expect::Nothing, Expect::Etag);
        let text = exemption.to_json();
        match guard.aws.bucket.put(&key, &text, &expect).await? {
            Written::Yes => done.exempted = Some(exemption.containers.clone()),
            Written::Changed => return Ok(Applied::LookAgain),
        }
    }
    let restored = match &steps.original {
        BringBack::Stands(id) => id.clone(),
        BringBack::Register(input) => match register(guard, seen, input, done).await? {
            Some(id) => id,
            None => return Ok(Applied::LookAgain),
        },
    };
    done.restored = Some(restored.clone());
    for service in &steps.moves {
        match point(guard, service, &restored).await {
            Ok(()) => done.moved.push(service.clone()),
            Err(failure) if failure.is_transient() => return Err(Stop::Transient(failure)),
            // The others are moved all the same; the copy stays for this one.
            Err(failure) => done.unmoved.push((service.clone(), failure)),
        }
    }
    if let Some((_, failure)) = done.unmoved.first() {
        return Err(Stop::Failed(Failure::Call(failure.clone())));
    }
    for copy in &steps.deregister {
        deregister(guard, copy).await?;
        done.withdrawn.push(copy.clone());
    }
    Ok(Applied::Done)
}

/// Registers the original again, and proves that nothing came between and nothing was lost. None: the family has moved
/// on, so what was registered is taken back, and the next look decides.
async fn register(
    guard: &Guard,
    seen: &Seen,
    input: &RegisterInput,
    done: &mut Done,
) -> Result<Option<TaskDefinitionId>, Stop> {
    let highest = seen.later.last().map_or(seen.id.revision, |later| later.id().revision);
    let restored = guard.aws.ecs.register_original(input).await?;
    done.met.push(restored.revision);
    let between = active_between(guard, &seen.id.family, highest, restored.revision, |_| false).await?;
    // Newer than what we bring back, or the same by somebody who was faster: either way ours must go.
    let others = between.iter().filter(|between| !guard.policy.is_ours(between.registered_by()));
    let others: Vec<Revision> = others.map(|between| between.id().revision).collect();
    if !others.is_empty() {
        done.met.extend(others);
        take_back(guard, &restored).await?;
        return Ok(None);
    }
    let described = match Presence::settled(guard, &restored).await? {
        Presence::Active(described) => described,
        Presence::Inactive(_) => return Ok(None),
        Presence::Unknown => return Err(guard.aws.ecs.not_yet_visible(&restored).into()),
    };
    let differences = differences(input, &described.register_input(&guard.policy.output_only), Tags::Compared);
    if !differences.is_empty() {
        take_back(guard, &restored).await?;
        return Err(Stop::Failed(Failure::Unfaithful { what: restored.to_string(), differences }));
    }
    done.registered = true;
    Ok(Some(restored))
}

/// Deregisters what this very run has registered.
async fn take_back(guard: &Guard, restored: &TaskDefinitionId) -> Result<(), Stop> {
    deregister(guard, restored).await
}

/// Points a service at the restored revision. A lost answer is settled by looking.
async fn point(guard: &Guard, service: &Service, to: &TaskDefinitionId) -> Result<(), CallFailure> {
    let mut pauses = PAUSES_FOR_STALE_READS.into_iter();
    while let Err(failure) = guard.aws.ecs.point_service(service, to).await {
        if guard.aws.ecs.target_of(service).await?.as_ref() == Some(to) {
            break;
        }
        match pauses.next().filter(|_| failure.is_transient()) {
            Some(pause) => guard.aws.clock.sleep(pause).await,
            None => return Err(failure),
        }
    }
    Ok(())
}
