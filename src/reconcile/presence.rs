//! Whether a revision is there. ECS does not describe an INACTIVE revision that nothing uses, and what it reads from
//! may be seconds behind, so "it cannot be described" alone says nothing.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html>

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Guard;
use super::stop::Stop;
use crate::domain::arn::TaskDefinitionId;
use crate::domain::document::Described;

/// What is not visible yet is asked for again: six seconds in all.
pub(super) const PAUSES_FOR_STALE_READS: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(3)];

/// What is older is visible, if it is there.
const VISIBLE_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// What ECS says of a revision.
#[derive(Debug)]
pub(super) enum Presence {
    /// It is ACTIVE.
    Active(Box<Described>),
    /// It is INACTIVE, and that is for good. Described only while something uses it.
    Inactive(Option<Box<Described>>),
    /// ECS knows nothing of it: it was deleted, or is not visible yet.
    Unknown,
}

impl Presence {
    /// Looks once.
    pub(super) async fn of(guard: &Guard, id: &TaskDefinitionId) -> Result<Self, Stop> {
        match guard.aws.ecs.describe(&id.to_string()).await? {
            Some(described) if described.is_active() => Ok(Self::Active(Box::new(described))),
            Some(described) => Ok(Self::Inactive(Some(Box::new(described)))),
            None => match guard.aws.ecs.inactive_revisions(&id.family, id.revision).await?.contains(&id.revision) {
                true => Ok(Self::Inactive(None)),
                false => Ok(Self::Unknown),
            },
        }
    }

    /// A revision that was there at that time, if it is still ACTIVE.
    ///
    /// # Errors
    /// When it is younger than a minute and cannot be described: then it is not visible yet; an older one was deleted.
    pub(super) async fn expected(
        guard: &Guard,
        id: &TaskDefinitionId,
        since: Option<Timestamp>,
    ) -> Result<Option<Described>, Stop> {
        let is_young = |since: Timestamp| guard.aws.clock.now().duration_since(since) < VISIBLE_AFTER;
        match Self::settled(guard, id).await? {
            Self::Active(described) => Ok(Some(*described)),
            Self::Unknown if since.is_some_and(is_young) => Err(guard.aws.ecs.not_yet_visible(id).into()),
            Self::Inactive(_) | Self::Unknown => Ok(None),
        }
    }

    /// Looks until it is visible, or would have been.
    pub(super) async fn settled(guard: &Guard, id: &TaskDefinitionId) -> Result<Self, Stop> {
        for pause in PAUSES_FOR_STALE_READS {
            match Self::of(guard, id).await? {
                Self::Unknown => guard.aws.clock.sleep(pause).await,
                known @ (Self::Active(_) | Self::Inactive(_)) => return Ok(known),
            }
        }
        Self::of(guard, id).await
    }
}
