//! Watches services on their way back until ECS says that they have arrived, or have not.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::service::{Rollout, ServiceId};
use jiff::SignedDuration;

use super::Service;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::when::counted;

/// Between two looks: a deployment takes minutes.
const PAUSE: Duration = Duration::from_secs(3);

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    /// Every one has arrived.
    Settled,
    /// Some have failed, are gone, or are still on their way.
    NotAll,
}

/// Watches until each has settled, for so many minutes at most. One that has come back runs `restored`: a deployment may
/// also be complete because ECS went back to what ran before, or because somebody has deployed something else.
pub(super) async fn follow(
    services: &[Service],
    restored: Option<&TaskDefinitionId>,
    guard: &Guard,
    minutes: u16,
    output: Output,
) -> Result<Followed, Trouble> {
    let clock = &guard.aws.clock;
    let end = clock.now() + SignedDuration::from_mins(minutes.into());
    let ids = services.iter().filter_map(|it| ServiceId::new(&it.cluster, &it.name).ok());
    let (mut waiting, mut all_settled): (Vec<ServiceId>, bool) = (ids.collect(), true);
    let count = waiting.len();
    let mut seen_elsewhere = BTreeSet::new();
    loop {
        let mut still = Vec::new();
        for id in waiting {
            let found = guard.aws.ecs.service_in_full(&id).await;
            let found = found.map_err(|failure| {
                let world = "The backout is done; ECS goes on with the services by itself.";
                trouble(format!("service {id} could not be looked at"), &failure).world(world)
            })?;
            let Some(service) = found else {
                all_settled = false;
                output.say(&format!("Service {id} is gone."));
                continue;
            };
            let is_there = service.target.as_ref() == restored;
            let said = match (service.rollout, service.current()) {
                (Rollout::InProgress | Rollout::Unknown, _) => {
                    still.push(id);
                    continue;
                }
                (Rollout::Completed, _) if is_there => "is back".to_owned(),
                // What is read may be behind what was done just now.
                (Rollout::Completed, _) if seen_elsewhere.insert(id.clone()) => {
                    still.push(id);
                    continue;
                }
                (Rollout::Completed, Some(other)) => format!("did not come back: it runs {other}"),
                (Rollout::Completed, None) => "did not come back: what it runs is not known".to_owned(),
                (Rollout::Failed, _) => "did not come back: its deployment has failed".to_owned(),
            };
            all_settled &= is_there && service.rollout == Rollout::Completed;
            output.say(&format!("Service {id} {said}."));
        }
        waiting = still;
        if waiting.is_empty() {
            return Ok(if all_settled { Followed::Settled } else { Followed::NotAll });
        }
        if clock.now() >= end {
            let names: Vec<String> = waiting.iter().map(ToString::to_string).collect();
            let waited = counted(minutes, "minute", "minutes");
            output.say(&format!("Still on their way after {waited}: {}. ECS goes on by itself.", names.join(", ")));
            return Ok(Followed::NotAll);
        }
        output.progress(&format!("{} of {count} services are back", count - waiting.len()));
        clock.sleep(PAUSE).await;
    }
}
