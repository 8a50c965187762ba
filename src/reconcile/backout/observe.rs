//! Reads what a backout decides by: the original, what came after it, its record, its backup, the family's exemption,
//! and every service of the account that has to do with the family. No write.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::Guard;
use super::super::observe::{exemption_with_etag, read_record};
use super::super::presence::Presence;
use super::super::stop::Stop;
use super::done::Done;
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::backout::plan::Seen;
use crate::domain::document::{Described, RegisterInput};
use crate::domain::fidelity::{Tags, differences};
use crate::domain::keys;
use crate::domain::record::Record;
use crate::domain::report::Failure;

/// The copy is the original's next, or nearly: so many records and backups are read to find what belongs to what.
const NEIGHBOURS_MAX: usize = 50;

/// So many revisions after the original are described, from the highest down.
const LATER_MAX: usize = 30;

/// The original that is meant: the named revision itself, or the one that it is the copy of. None: the guard knows
/// neither record nor backup of such a revision.
pub(super) async fn original_of(guard: &Guard, named: &TaskDefinitionId) -> Result<Option<TaskDefinitionId>, Stop> {
    let own = read_record(guard, named).await?.map(|held| held.record);
    let is_original =
        |record: &Record| record.copy.is_some() || !record.copies.is_empty() || record.backed_out.is_some();
    if own.as_ref().is_some_and(is_original) || guard.aws.bucket.get(&keys::backup(&guard.home, named)).await?.is_some()
    {
        return Ok(Some(named.clone()));
    }
    let mut unreadable = None;
    for id in recorded(guard, named, &keys::records_of(&guard.home, &named.family), Side::Before).await? {
        match read_record(guard, &id).await {
            Ok(Some(held)) if names(&held.record, named.revision) => return Ok(Some(id)),
            Ok(_) => {}
            Err(Stop::Failed(failure @ Failure::RecordUnreadable { .. })) => unreadable = Some(failure),
            Err(stop) => return Err(stop),
        }
    }
    // A copy may have a record of its own, which says nothing but that it was looked at.
    if own.is_some() {
        return Ok(Some(named.clone()));
    }
    match (by_content(guard, named).await?, unreadable) {
        (Some(id), _) => Ok(Some(id)),
        (None, Some(failure)) => Err(Stop::Failed(failure)),
        (None, None) => Ok(None),
    }
}

fn names(record: &Record, copy: Revision) -> bool {
    record.made(copy).is_some() || record.copy_revision() == Some(copy)
}

/// Without a record, the copy is found by what it says.
async fn by_content(guard: &Guard, named: &TaskDefinitionId) -> Result<Option<TaskDefinitionId>, Stop> {
    let backups = recorded(guard, named, &keys::backups_of(&guard.home, &named.family), Side::Before).await?;
    if backups.is_empty() {
        return Ok(None);
    }
    let (Presence::Active(copy) | Presence::Inactive(Some(copy))) = Presence::settled(guard, named).await? else {
        return Ok(None);
    };
    let copy = copy.register_input(&guard.policy.output_only);
    for id in backups {
        let Some(backup) = guard.aws.bucket.get(&keys::backup(&guard.home, &id)).await? else { continue };
        let is_of =
            |original: RegisterInput| differences(&original.without_privilege(), &copy, Tags::LeftOut).is_empty();
        if RegisterInput::stored(&backup.text, &guard.policy.output_only).is_ok_and(is_of) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

enum Side {
    Before,
    After,
}

/// The revisions on one side of the named one that have an object below a prefix, the highest first.
async fn recorded(
    guard: &Guard,
    named: &TaskDefinitionId,
    prefix: &str,
    side: Side,
) -> Result<Vec<TaskDefinitionId>, Stop> {
    let listed = guard.aws.bucket.list(prefix).await?;
    let numbers = listed.iter().filter_map(|object| keys::revision_below(prefix, &object.key));
    let mut numbers: Vec<Revision> = numbers
        .filter(|number| match side {
            Side::Before => *number < named.revision,
            Side::After => *number > named.revision,
        })
        .collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.truncate(NEIGHBOURS_MAX);
    Ok(numbers.into_iter().map(|number| named.family.revision(number)).collect())
}

/// Sees the world around an original, with what this run has done to it so far.
pub(super) async fn observe(
    guard: &Guard,
    id: &TaskDefinitionId,
    named: &TaskDefinitionId,
    done: &Done,
) -> Result<Seen, Stop> {
    let original = match Presence::settled(guard, id).await? {
        Presence::Active(described) => Some(*described),
        Presence::Inactive(described) => described.map(|described| *described),
        Presence::Unknown => None,
    };
    let record = read_record(guard, id).await?;
    let expected = expected(record.as_ref().map(|held| &held.record), named, done, guard.aws.clock.now());
    let (later, gone) = later(guard, id, &expected, done).await?;
    let other_records = match later.is_empty() {
        true => Vec::new(),
        false => other_records(guard, id).await?,
    };
    let exemption = exemption_with_etag(guard, &id.family).await?;
    let backup = guard.aws.bucket.get(&keys::backup(&guard.home, id)).await?.map(|object| object.text);
    let services = guard.aws.ecs.services_of(&id.family).await?;
    Ok(Seen { id: id.clone(), original, later, gone, record, other_records, backup, exemption, services })
}

/// The revisions that are there by somebody's word, each with the time since when, if that is known.
fn expected(
    record: Option<&Record>,
    named: &TaskDefinitionId,
    done: &Done,
    now: Timestamp,
) -> BTreeMap<Revision, Option<Timestamp>> {
    let is_withdrawn =
        |number: Revision| record.and_then(|record| record.made(number)).is_some_and(|made| made.withdrawn.is_some());
    let made = record.into_iter().flat_map(|record| &record.copies).filter(|made| made.withdrawn.is_none());
    let made = made.filter_map(|made| Some((made.number()?, Some(made.at))));
    let named = [named.revision].into_iter().filter(|number| !is_withdrawn(*number)).map(|number| (number, None));
    // What this run has met was there seconds ago.
    named.chain(made).chain(done.met.iter().map(|number| (*number, Some(now)))).collect()
}

/// The ACTIVE revisions after the original, and the expected ones that are not ACTIVE (any more).
async fn later(
    guard: &Guard,
    id: &TaskDefinitionId,
    expected: &BTreeMap<Revision, Option<Timestamp>>,
    done: &Done,
) -> Result<(Vec<Described>, Vec<Revision>), Stop> {
    // From the highest down: the latest decides, and copies of ours that no record names are near it.
    let listed = guard.aws.ecs.active_revisions(&id.family, id.revision).await?;
    let numbers: BTreeSet<Revision> = listed.into_iter().take(LATER_MAX).chain(expected.keys().copied()).collect();
    let (mut later, mut gone) = (Vec::new(), Vec::new());
    for number in numbers.into_iter().filter(|number| *number > id.revision) {
        // INACTIVE is for good, whatever a stale read says.
        if done.has_deregistered(number) {
            gone.push(number);
            continue;
        }
        let revision = id.family.revision(number);
        let Some(since) = expected.get(&number) else {
            let described = guard.aws.ecs.describe(&revision.to_string()).await?;
            later.extend(described.filter(Described::is_active));
            continue;
        };
        match Presence::expected(guard, &revision, *since).await? {
            Some(described) => later.push(described),
            None => gone.push(number),
        }
    }
    Ok((later, gone))
}

/// The records of later revisions. One that cannot be understood says nothing, and is no hindrance.
async fn other_records(guard: &Guard, id: &TaskDefinitionId) -> Result<Vec<(TaskDefinitionId, Record)>, Stop> {
    let mut records = Vec::new();
    for other in recorded(guard, id, &keys::records_of(&guard.home, &id.family), Side::After).await? {
        match read_record(guard, &other).await {
            Ok(held) => records.extend(held.map(|held| (other, held.record))),
            Err(Stop::Failed(Failure::RecordUnreadable { .. })) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(records)
}
