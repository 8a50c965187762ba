//! Reads what a backout decides by: the original, what came after it, its record, its backup, the family's exemption,
//! and every service of the account that has to do with the family. No write.

use super::super::Guard;
use super::super::observe::{exemption_with_etag, read_record};
use super::super::presence::Presence;
use super::super::stop::Stop;
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::backout::plan::Seen;
use crate::domain::document::{Described, RegisterInput};
use crate::domain::fidelity::{Tags, differences};
use crate::domain::keys;
use crate::domain::record::MadeCopy;

/// The copy is the original's next, or nearly: so many earlier records and backups are read to find whose copy it is.
const EARLIER_MAX: usize = 50;

/// So many revisions after the original are described, from the highest down.
const LATER_MAX: usize = 30;

/// The original that is meant: the named revision itself, or the one that it is the copy of. None: the guard knows
/// neither record nor backup of such a revision.
pub(super) async fn original_of(guard: &Guard, named: &TaskDefinitionId) -> Result<Option<TaskDefinitionId>, Stop> {
    let is_known = read_record(guard, named).await?.is_some()
        || guard.aws.bucket.get(&keys::backup(&guard.home, named)).await?.is_some();
    if is_known {
        return Ok(Some(named.clone()));
    }
    for id in earlier(guard, named, &keys::records_of(&guard.home, &named.family)).await? {
        let Some(held) = read_record(guard, &id).await? else { continue };
        let is_made = held.record.copies.iter().any(|made: &MadeCopy| made.is_revision(named.revision));
        if is_made || held.record.copy_revision() == Some(named.revision) {
            return Ok(Some(id));
        }
    }
    // Without a record, the copy is found by its content.
    let Some(copy) = guard.aws.ecs.describe(&named.to_string()).await? else { return Ok(None) };
    let copy = copy.register_input(&guard.policy.output_only);
    for id in earlier(guard, named, &keys::backups_of(&guard.home, &named.family)).await? {
        let Some(backup) = guard.aws.bucket.get(&keys::backup(&guard.home, &id)).await? else { continue };
        let is_of =
            |original: RegisterInput| differences(&original.without_privilege(), &copy, Tags::LeftOut).is_empty();
        if RegisterInput::parse(&backup.text).is_ok_and(is_of) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The revisions before the named one that have an object below a prefix, the nearest first.
async fn earlier(guard: &Guard, named: &TaskDefinitionId, prefix: &str) -> Result<Vec<TaskDefinitionId>, Stop> {
    let listed = guard.aws.bucket.list(prefix).await?;
    let numbers = listed.iter().filter_map(|object| keys::revision_below(prefix, &object.key));
    let mut numbers: Vec<Revision> = numbers.filter(|number| *number < named.revision).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.truncate(EARLIER_MAX);
    Ok(numbers.into_iter().map(|number| named.family.revision(number)).collect())
}

/// Sees the world around an original. `met` are revisions that are there, whether or not lists show them.
pub(super) async fn observe(guard: &Guard, id: &TaskDefinitionId, met: &[Revision]) -> Result<Seen, Stop> {
    let original = match Presence::settled(guard, id).await? {
        Presence::Active(described) => Some(*described),
        Presence::Inactive(described) => described.map(|described| *described),
        Presence::Unknown => None,
    };
    let record = read_record(guard, id).await?;
    let recorded = record.iter().flat_map(|held| &held.record.copies).filter_map(MadeCopy::number);
    let recorded: Vec<Revision> = recorded.chain(met.iter().copied()).collect();
    // From the highest down: the latest decides, and copies of ours that no record names are near it.
    let listed = guard.aws.ecs.active_revisions(&id.family, id.revision).await?;
    let mut numbers: Vec<Revision> = listed.into_iter().take(LATER_MAX).chain(recorded).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut later = Vec::new();
    for number in numbers.into_iter().filter(|number| *number > id.revision) {
        let described = guard.aws.ecs.describe(&id.family.revision(number).to_string()).await?;
        later.extend(described.filter(Described::is_active));
    }
    let exemption = exemption_with_etag(guard, id).await?;
    let backup = guard.aws.bucket.get(&keys::backup(&guard.home, id)).await?.map(|object| object.text);
    let services = guard.aws.ecs.services_of(&id.family).await?;
    Ok(Seen { id: id.clone(), original, later, record, backup, exemption, services })
}
