//! The same of a whole account, for whatever looks at all of it: every family, every record, and what the watermark
//! claims to have looked at. It knows nothing of plans, looks or digests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::account::state::ecs::Status;
use super::super::account::{GUARD, SWEEP, Seen, State};
use super::super::canaries::leaks_of;
use super::super::story::BUCKET;
use super::copies::{self, Shape, has_settled, meaning_of};
use super::{Verdict, is_ours, meaning, must, records};

const WATERMARK: &str = "sweeps/111122223333/eu-west-1.json";
const LATEST: &str = "reports/111122223333/eu-west-1/latest.json";

/// What holds at any time, whoever was just killed.
pub(crate) fn judge_whole(state: &State) -> Verdict {
    judge_calls(state)?;
    records::judge(state)?;
    judge_backups(state)?;
    judge_watermark(state)?;
    let leaks = leaks_of(state);
    must(leaks.is_empty(), || format!("leaks: {leaks:?}"))
}

/// What holds when nothing is left to do.
pub(crate) fn judge_quiet(state: &State) -> Verdict {
    for family in state.ecs.families() {
        copies::judge_family(state, family)?;
    }
    let named = |family: &str, number: usize| {
        let in_force = |record: &Value| {
            let copy = records::by_number(record).remove(&(number as u64));
            copy.is_some_and(|copy| copy["withdrawn"].is_null() && !copy["told"].is_null())
        };
        all(state, &format!("records/111122223333/eu-west-1/{family}/")).any(|(_, record)| in_force(&record))
    };
    for family in state.ecs.families() {
        for copy in copies::active(state, family).filter(|revision| is_ours(&revision.registered_by)) {
            must(named(family, copy.number), || {
                format!("{family}:{} is a copy that no record names, or that nobody was told of", copy.number)
            })?;
        }
    }
    Ok(())
}

/// What two ends that are the same have in common: content, not numbers and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// What is ACTIVE of each family.
    pub(crate) active: BTreeMap<String, Vec<Shape>>,
    /// Each record of an ACTIVE original in short, and whether somebody was told.
    pub(crate) records: BTreeMap<String, (String, bool)>,
    /// The exemptions.
    pub(crate) exemptions: BTreeMap<String, Vec<u8>>,
    /// What the report says of each family, and what no event told of.
    pub(crate) report: Vec<String>,
}

pub(crate) fn whole(state: &State) -> Whole {
    let families = state.ecs.families().map(|family| (family.to_owned(), copies::shapes_of(state, family)));
    let is_active = |record: &Value| {
        let id = record["taskDefinition"].as_str().unwrap_or_default();
        state.ecs.revision(id).is_some_and(|original| original.status == Status::Active)
    };
    let in_short = |record: &Value| (records::in_short(record), !record["alertedAt"].is_null());
    let records = all(state, "records/").filter(|(_, record)| is_active(record));
    let exemptions = state.s3.keys(BUCKET).into_iter().filter(|key| key.starts_with("exemptions/"));
    let latest = object(state, LATEST).unwrap_or_default();
    let rows = latest["families"].as_array().into_iter().flatten();
    let rows = rows.map(|row| format!("{} {} {}", row["family"], row["state"], row["newestClean"]));
    Whole {
        active: families.collect(),
        records: records.map(|(key, record)| (key, in_short(&record))).collect(),
        exemptions: exemptions
            .filter_map(|key| Some((key.to_owned(), state.s3.object(BUCKET, key)?.to_vec())))
            .collect(),
        report: rows.chain([format!("missed {}", latest["missedByEvent"])]).collect(),
    }
}

/// Nothing privileged is registered, nothing of others deregistered, the backup is seen before the copy is made, and
/// each function writes only where it may: to services and moves only where mode `enforce` is or was.
fn judge_calls(state: &State) -> Verdict {
    let is_enforce = state.mode.as_deref() == Some("enforce");
    let moves_services = is_enforce || state.s3.keys(BUCKET).iter().any(|key| key.starts_with("moves/"));
    let mut backed_up = BTreeSet::new();
    for call in state.calls().iter().filter(|call| [GUARD, SWEEP].contains(&call.principal.as_str())) {
        let key = call.resource.split_once('/').map_or("", |(_, key)| key);
        let family = key.rsplit('/').nth(1).unwrap_or_default();
        match call.operation.as_str() {
            "RegisterTaskDefinition" => {
                must(call.privileged == Some(false), || "privilege was registered".to_owned())?;
                let has_backup = backed_up.contains(call.resource.as_str());
                must(has_backup, || format!("a copy of {} was registered before its backup was there", call.resource))?;
            }
            "DeregisterTaskDefinition" => {
                let revision = state.ecs.revision(&call.resource);
                let ours = revision.is_some_and(|revision| is_ours(&revision.registered_by));
                must(ours, || format!("{} is not ours, and was deregistered", call.resource))?;
            }
            "PutObject" | "GetObject" => {
                if key.starts_with("backups/") && has_settled(call) {
                    backed_up.insert(family);
                }
                let of_sweep = call.principal == SWEEP && ["reports/", "sweeps/"].iter().any(|at| key.starts_with(at));
                let of_move = moves_services && key.starts_with("moves/");
                let may = of_sweep || of_move || ["backups/", "records/"].iter().any(|at| key.starts_with(at));
                must(may || call.operation == "GetObject", || format!("{key} was written"))?;
            }
            _ => {
                let may = call.operation == "Publish" || moves_services && call.operation == "UpdateService";
                must(may || !call.is_write(), || format!("{} was called", call.action()))?;
            }
        }
    }
    Ok(())
}

/// Each ACTIVE copy has the backup of what it is a copy of.
fn judge_backups(state: &State) -> Verdict {
    for family in state.ecs.families() {
        let prefix = format!("backups/111122223333/eu-west-1/{family}/");
        let keys = state.s3.keys(BUCKET).into_iter().filter(|key| key.starts_with(&prefix));
        let backups: Vec<String> = keys
            .filter_map(|key| Some(meaning::unprivileged(&String::from_utf8_lossy(state.s3.object(BUCKET, key)?))))
            .collect();
        for copy in copies::active(state, family).filter(|revision| is_ours(&revision.registered_by)) {
            let has_one = backups.contains(&meaning_of(copy));
            must(has_one, || format!("{family}:{} is a copy without a backup", copy.number))?;
        }
    }
    Ok(())
}

/// What it claims was looked at: described by a call that the sweep saw the answer of.
fn judge_watermark(state: &State) -> Verdict {
    let Some(mark) = object(state, WATERMARK) else { return Ok(()) };
    for (family, number) in active(state) {
        must(!claims(&mark, &family, number) || has_looked(state, &family, number), || {
            format!("the watermark claims {family}:{number}, and nobody looked at it")
        })?;
    }
    Ok(())
}

/// Whether everything that lists must show by now is claimed by the watermark.
pub(super) fn unclaimed(state: &State) -> Vec<String> {
    let mark = object(state, WATERMARK).unwrap_or_default();
    let is_old = |family: &str, number: usize| {
        let id = format!("{family}:{number}");
        let at = state.ecs.revision(&id).map(|revision| revision.registered_at);
        at.is_some_and(|at| state.now.duration_since(at) > jiff::SignedDuration::from_mins(25))
    };
    let unclaimed = active(state).filter(|(family, number)| is_old(family, *number) && !claims(&mark, family, *number));
    unclaimed.map(|(family, number)| format!("{family}:{number}")).collect()
}

/// A run that says it is complete has looked at everything and kept that.
pub(crate) fn judge_complete(state: &State) -> Verdict {
    let unclaimed = unclaimed(state);
    must(unclaimed.is_empty(), || format!("complete, it says, and the watermark knows nothing of {unclaimed:?}"))
}

fn claims(mark: &Value, family: &str, number: usize) -> bool {
    let of_span = |at: usize| mark["families"][family][at].as_u64().unwrap_or_default();
    let number = number as u64;
    let is_within = mark["families"][family].is_array() && (of_span(1)..=of_span(0)).contains(&number);
    is_within || mark["privileged"].get(format!("{family}:{number}")).is_some()
}

fn has_looked(state: &State, family: &str, number: usize) -> bool {
    let id = format!("{family}:{number}");
    let mut describes = state.calls().iter().filter(|call| call.operation == "DescribeTaskDefinition");
    describes.any(|call| call.principal == SWEEP && call.seen == Seen::Done && call.resource == id)
}

fn active(state: &State) -> impl Iterator<Item = (String, usize)> {
    state
        .ecs
        .families()
        .flat_map(|family| state.ecs.active(family).into_iter().map(move |number| (family.to_owned(), number)))
}

fn all<'a>(state: &'a State, prefix: &str) -> impl Iterator<Item = (String, Value)> + 'a {
    let keys: Vec<&str> = state.s3.keys(BUCKET).into_iter().filter(|key| key.starts_with(prefix)).collect();
    keys.into_iter().filter_map(|key| Some((key.to_owned(), object(state, key)?)))
}

fn object(state: &State, key: &str) -> Option<Value> {
    serde_json::from_slice(state.s3.object(BUCKET, key)?).ok()
}
