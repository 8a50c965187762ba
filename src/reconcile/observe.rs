//! Reads what is, and nothing else: the original, what came after it, the records, what they name, and last the
//! exemption. This order closes the race with backout, which writes the exemption before it brings the original back or
//! takes a copy away: whoever misses a copy sees the exemption. No write, no opinion.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};

use super::presence::Presence;
use super::stop::Stop;
use super::{Guard, Run};
use crate::aws::{Listed, Object};
use crate::domain::arn::{Family, Revision, TaskDefinitionId};
use crate::domain::document::Described;
use crate::domain::exemption::Found;
use crate::domain::failure::CallFailure;
use crate::domain::keys;
use crate::domain::observation::{Held, Observation, Original};
use crate::domain::plan::STRAY_AGE_MAX;
use crate::domain::record::{MadeCopy, Record};
use crate::domain::report::Failure;

/// News of a family is not repeated within a day; an hour more allows for the clocks to differ.
const NEWS_AGE_MAX: SignedDuration = SignedDuration::from_hours(25);
/// Of records older than a stray can be, the newest ones tell whether the news was told: each carries the time of the
/// alert that told it.
const OLDER_RECORDS_MAX: usize = 20;
/// So many of them are read at the same time.
const READS_AT_ONCE: usize = 16;
/// How many earlier revisions are described to find one that is not ours.
const EARLIER_MAX: usize = 20;

/// Sees the world around one revision, with what this run has done to it so far.
///
/// # Errors
/// When something that decides could not be read. What only adds to the alert is part of the observation instead.
pub(super) async fn observe(
    guard: &Guard,
    id: &TaskDefinitionId,
    run: &Run,
    batch_by_event: bool,
    deadline: Timestamp,
) -> Result<Observation, Stop> {
    let now = guard.aws.clock.now();
    let original = match Presence::settled(guard, id).await? {
        Presence::Active(described) | Presence::Inactive(Some(described)) => Original::Described(described),
        Presence::Inactive(None) | Presence::Unknown => Original::Gone,
    };
    let seen = Observation { made: run.made.clone(), batch_by_event, ..Observation::of(id.clone(), original) };
    if seen.original.described().is_some_and(|original| original.privileged_containers().is_empty()) {
        // Nothing that could be read would change the answer.
        return Ok(seen);
    }
    let is_active = seen.original.described().is_some_and(Described::is_active);
    let decisive = async {
        let (mut later, listed) = later_revisions(guard, id, now).await?;
        let record = read_record(guard, id).await?.map(Held::of_ordinary);
        let (mut removed, mut gone) = add_unlisted(guard, id, run, record.as_ref(), &mut later, now).await?;
        let earlier = match is_active || later.is_empty() {
            true => None,
            false => nearest_foreign_before(guard, id, &listed).await?,
        };
        let family_records = family_records(guard, id, now).await?;
        let records = record.iter().map(|held| &held.record).chain(&family_records);
        look_again_at_the_condemned(guard, records.clone(), &mut later).await?;
        let exemption = exemption(guard, &id.family).await?;
        // What another run of ours withdraws is no person's no, and its reason is ours to write down.
        let by_us = |number: Revision| {
            let mut copies = records.clone().filter_map(move |record| record.made(number));
            copies.find(|copy| copy.condemned_for().is_some())
        };
        let withdrawn = |copy: &MadeCopy| MadeCopy { withdrawn: copy.withdrawn.or(Some(now)), ..copy.clone() };
        gone.extend(removed.iter().filter_map(|number| by_us(*number)).map(withdrawn));
        removed.retain(|number| by_us(*number).is_none());
        let highest_listed = listed.iter().copied().chain([id.revision]).max().unwrap_or(id.revision);
        Ok::<_, Stop>((later, highest_listed, earlier, exemption, record, removed, gone, family_records))
    };
    // Who waits for what heals by itself does not wait for this; and what was seen once is not looked for in every look.
    let walk = async { Ok(run.usage.get_or_init(|| guard.usage(&id.family, deadline)).await.clone()) };
    let (decisive, usage) = tokio::try_join!(decisive, walk)?;
    let (later, highest_listed, earlier, exemption, record, removed, gone, family_records) = decisive;
    Ok(Observation { later, earlier, removed, gone, usage, exemption, record, family_records, highest_listed, ..seen })
}

/// The ACTIVE revisions after the original that decide anything, described: the first one (it is the next, unless it is
/// a stray), and from the highest down all that are young enough to be strays, with the foreign one before them.
/// Beside them the numbers that were listed.
async fn later_revisions(
    guard: &Guard,
    id: &TaskDefinitionId,
    now: Timestamp,
) -> Result<(Vec<Described>, Vec<Revision>), Stop> {
    let listed = guard.active_revisions(&id.family, id.revision).await?;
    let mut numbers: Vec<Revision> = listed.iter().copied().filter(|number| *number > id.revision).collect();
    numbers.sort_unstable();
    let mut later = Vec::new();
    while let Some(number) = numbers.pop() {
        let id = id.family.revision(number);
        let described = match Presence::settled(guard, &id).await? {
            Presence::Active(described) => *described,
            // The list is behind.
            Presence::Inactive(_) => continue,
            // The description is behind the list.
            Presence::Unknown => return Err(guard.aws.ecs.not_yet_visible(&id).into()),
        };
        let is_young = described.registered_at().is_none_or(|at| now.duration_since(at) < STRAY_AGE_MAX);
        let is_ours = guard.policy.is_ours(described.registered_by());
        later.push(described);
        if !is_young && !is_ours {
            // Everything between this one and the first is older than a stray can be.
            numbers.truncate(1);
        }
    }
    later.reverse();
    Ok((later, listed))
}

/// Adds what is known to be there without being listed (lists may be behind): what the run has made or met, and the
/// copies that the record names. Answers the copies that stood and are not ACTIVE any more, and those that were to be
/// withdrawn and are not.
async fn add_unlisted(
    guard: &Guard,
    id: &TaskDefinitionId,
    run: &Run,
    record: Option<&Held>,
    later: &mut Vec<Described>,
    now: Timestamp,
) -> Result<(Vec<Revision>, Vec<MadeCopy>), Stop> {
    let mut standing = record.map(|held| held.record.standing_copies()).unwrap_or_default();
    let made = run.made.iter().filter(|copy| copy.stands());
    standing.extend(made.filter_map(|copy| Some((copy.number()?, Some(copy.at)))));
    let condemned = record.into_iter().flat_map(|held| &held.record.copies);
    let condemned = condemned.filter(|copy| copy.withdrawn.is_none() && copy.condemned_for().is_some());
    let condemned: BTreeMap<Revision, &MadeCopy> = condemned.filter_map(|copy| Some((copy.number()?, copy))).collect();
    let known = standing.keys().chain(condemned.keys()).chain(&run.met).copied();
    let known: BTreeSet<Revision> = known.collect();

    let (mut removed, mut gone) = (Vec::new(), Vec::new());
    for number in known {
        if number <= id.revision || later.iter().any(|later| later.id().revision == number) {
            continue;
        }
        let id = id.family.revision(number);
        let stood_since = standing.get(&number);
        // What this run has met was there seconds ago.
        let since = stood_since.copied().unwrap_or_else(|| run.met.contains(&number).then_some(now));
        match (Presence::expected(guard, &id, since).await?, stood_since) {
            (Some(described), _) => later.push(described),
            (None, Some(_)) => removed.push(number),
            (None, None) => {
                let copy = condemned.get(&number).map(|copy| MadeCopy { withdrawn: Some(now), ..(*copy).clone() });
                gone.extend(copy);
            }
        }
    }
    later.sort_by_key(|later| later.id().revision);
    Ok((removed, gone))
}

/// A copy that another run withdraws may have been seen while it was ACTIVE, before the record that says so was read.
async fn look_again_at_the_condemned(
    guard: &Guard,
    records: impl Iterator<Item = &Record>,
    later: &mut Vec<Described>,
) -> Result<(), Stop> {
    let copies = records.flat_map(|record| &record.copies).filter(|copy| copy.condemned_for().is_some());
    for number in copies.filter_map(MadeCopy::number) {
        let Some(at) = later.iter().position(|later| later.id().revision == number) else { continue };
        if let Presence::Inactive(_) = Presence::of(guard, later[at].id()).await? {
            later.remove(at);
        }
    }
    Ok(())
}

/// The nearest ACTIVE revision before the original that our roles did not register.
async fn nearest_foreign_before(
    guard: &Guard,
    id: &TaskDefinitionId,
    listed: &[Revision],
) -> Result<Option<Described>, Stop> {
    // The list ends with the first page that reaches the original, which may hold nothing below it.
    let one = Revision::new(1).unwrap_or(id.revision);
    let listed = match listed.iter().any(|number| *number < id.revision) {
        true => listed.to_vec(),
        false => guard.active_revisions(&id.family, one).await?,
    };
    for number in listed.into_iter().filter(|number| *number < id.revision).take(EARLIER_MAX) {
        let described = guard.aws.ecs.describe(&id.family.revision(number).to_string()).await?;
        match described.filter(Described::is_active) {
            Some(described) if !guard.policy.is_ours(described.registered_by()) => return Ok(Some(described)),
            Some(_) | None => {}
        }
    }
    Ok(None)
}

/// The family's exemption. What a retry can heal is an error; any other refusal is a finding.
///
/// # Errors
/// When a retry may help.
pub(super) async fn exemption(guard: &Guard, family: &Family) -> Result<Found, CallFailure> {
    exemption_with_etag(guard, family).await.map(|(found, _)| found)
}

/// The same with the `ETag` under which it was read, for whoever writes it.
///
/// # Errors
/// When a retry may help.
pub(super) async fn exemption_with_etag(
    guard: &Guard,
    family: &Family,
) -> Result<(Found, Option<String>), CallFailure> {
    match guard.aws.bucket.get(&keys::exemption(&guard.home, family)).await {
        Ok(None) => Ok((Found::Nothing, None)),
        Ok(Some(object)) => Ok((Found::Object { text: object.text, written_at: object.written_at }, Some(object.etag))),
        Err(failure) if failure.is_transient() => Err(failure),
        Err(failure) => Ok((Found::Unreadable(failure), None)),
    }
}

/// The record of a revision.
///
/// # Errors
/// When it cannot be read or understood.
pub(super) async fn read_record(guard: &Guard, id: &TaskDefinitionId) -> Result<Option<Held>, Stop> {
    let key = keys::record(&guard.home, id);
    guard.aws.bucket.get(&key).await?.map(|object| record_of(key, object)).transpose()
}

fn record_of(key: String, object: Object) -> Result<Held, Stop> {
    match Record::parse(&object.text) {
        Ok(record) => Ok(Held { record, etag: object.etag }),
        Err(error) => Err(Stop::Failed(Failure::RecordUnreadable { key, error })),
    }
}

/// The other records of the family that can still matter: all that a stray could be named in, and the newest of the
/// day before. There may be hundreds, so several are read at a time.
pub(super) async fn family_records(guard: &Guard, id: &TaskDefinitionId, now: Timestamp) -> Result<Vec<Record>, Stop> {
    let prefix = keys::records_of(&guard.home, &id.family);
    let listed = guard.aws.bucket.list(&prefix).await?;
    let mut listed: Vec<(SignedDuration, Revision, Listed)> = listed
        .into_iter()
        .filter_map(|object| {
            let age = object.written_at.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
            Some((age, keys::revision_below(&prefix, &object.key)?, object))
        })
        .filter(|(age, revision, _)| *age < NEWS_AGE_MAX && *revision != id.revision)
        .collect();
    listed.sort_unstable_by_key(|(age, revision, _)| (*age, *revision));
    let young = listed.partition_point(|(age, ..)| *age < STRAY_AGE_MAX);
    listed.truncate(young + OLDER_RECORDS_MAX);
    let read = listed.into_iter().map(|(_, _, object)| async move {
        let read = guard.aws.bucket.get_listed(&object).await?;
        Ok::<_, Stop>(read.map(|read| record_of(object.key, read)).transpose()?.map(|held| held.record))
    });
    stream::iter(read).buffered(READS_AT_ONCE).try_filter_map(async |record| Ok(record)).try_collect().await
}
