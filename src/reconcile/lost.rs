//! A registration whose answer was lost. What it registered may stand in front of a newer version, and the lists that
//! the next look begins with may not show it yet; were that look the last, nobody would withdraw it.

use super::Guard;
use super::between::{STALE_MAX, active_between};
use super::stop::Stop;
use crate::domain::arn::{Family, Revision};

/// The ACTIVE revisions above that number, listed or not: each number up to some beyond the newest that is known.
pub(super) async fn active_above(guard: &Guard, family: &Family, above: Revision) -> Result<Vec<Revision>, Stop> {
    let mut active = guard.active_revisions(family, above).await?;
    active.retain(|number| *number > above);
    let inactive = guard.aws.ecs.inactive_revisions(family, above).await?;
    let highest = active.iter().chain(&inactive).copied().fold(above, Revision::max);
    // The family has no number left.
    let Ok(end) = Revision::new(u64::from(highest.number()) + 1 + STALE_MAX as u64) else { return Ok(active) };
    let unlisted = active_between(guard, family, above, end, |number| active.iter().any(|it| it.number() == number));
    let unlisted = unlisted.await?;
    active.extend(unlisted.iter().map(|described| described.id().revision));
    Ok(active)
}
