//! A registration whose answer was lost. What it registered may stand in front of a newer version, and the lists that
//! the next look begins with may not show it yet; were that look the last, nobody would withdraw it. Numbers have no
//! gaps, so it is a listed one, or the next, or one of the next.

use super::Guard;
use super::presence::Presence;
use super::stop::Stop;
use crate::domain::arn::{Family, Revision};

/// The ACTIVE revisions above that number, listed or not.
pub(super) async fn active_above(guard: &Guard, family: &Family, above: Revision) -> Result<Vec<Revision>, Stop> {
    let listed = guard.active_revisions(family, above).await?.into_iter();
    let mut active: Vec<Revision> = listed.filter(|number| *number > above).collect();
    let highest = active.iter().max().unwrap_or(&above).number();
    for number in (u64::from(highest) + 1..).map_while(|number| Revision::new(number).ok()) {
        match Presence::settled(guard, &family.revision(number)).await? {
            Presence::Active(_) => active.push(number),
            Presence::Inactive(_) => {}
            Presence::Unknown => break,
        }
    }
    Ok(active)
}
