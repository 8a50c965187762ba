//! What was registered between two numbers of a family. Numbers have no gaps, so this sees every registration that
//! overtook ours, even where lists are behind.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html> (revision)

use super::Guard;
use super::presence::PAUSES_FOR_STALE_READS;
use super::stop::Stop;
use crate::domain::arn::{Family, Revision};
use crate::domain::document::Described;

/// So many of the newest numbers are asked for again.
pub(super) const STALE_MAX: usize = 10;

/// The ACTIVE revisions above `after` and below `before`, those aside that the caller knows.
pub(super) async fn active_between(
    guard: &Guard,
    family: &Family,
    after: Revision,
    before: Revision,
    is_known: impl Fn(u32) -> bool,
) -> Result<Vec<Described>, Stop> {
    let numbers = (after.number() + 1..before.number()).filter(|number| !is_known(*number));
    let mut unknown: Vec<Revision> = numbers.filter_map(|number| Revision::new(number.into()).ok()).collect();
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    // INACTIVE is for good, so these need no second look.
    let inactive = guard.aws.ecs.inactive_revisions(family, after).await?;
    unknown.retain(|number| !inactive.contains(number));
    let mut active = Vec::new();
    let mut pauses = PAUSES_FOR_STALE_READS.into_iter();
    loop {
        let mut undescribed = Vec::new();
        for number in unknown {
            match guard.aws.ecs.describe(&family.revision(number).to_string()).await? {
                None => undescribed.push(number),
                Some(described) if described.is_active() => active.push(described),
                Some(_) => {}
            }
        }
        // The newest are what a read may be behind of; older ones that are not known were deleted long ago.
        undescribed.drain(..undescribed.len().saturating_sub(STALE_MAX));
        unknown = undescribed;
        match (unknown.is_empty(), pauses.next()) {
            (false, Some(pause)) => guard.aws.clock.sleep(pause).await,
            // Neither described nor INACTIVE by now: it was deleted, perhaps long ago.
            (true, _) | (false, None) => {
                active.sort_by_key(|described| described.id().revision);
                return Ok(active);
            }
        }
    }
}
