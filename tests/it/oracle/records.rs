//! Records never lose what they held, version by version, and never say what is not so.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::account::State;
use super::super::account::state::ecs::Status;
use super::super::story::BUCKET;
use super::{Verdict, is_ours, must};

/// What a record, once it says it, says for ever.
const FOR_GOOD: [&str; 5] = ["backupSha256", "eventId", "registeredBy", "backedOut", "ofTheFuture"];

pub(super) fn judge(state: &State) -> Verdict {
    let keys: Vec<String> = state.s3.keys(BUCKET).into_iter().map(str::to_owned).collect();
    for key in keys.iter().filter(|key| key.starts_with("records/")) {
        let mut before: Option<Value> = None;
        for version in state.s3.versions(BUCKET, key) {
            let body = version.body.as_deref().ok_or_else(|| format!("{key} was deleted"))?;
            let after: Value = serde_json::from_slice(body).map_err(|error| format!("{key}: {error}"))?;
            if let Some(before) = &before {
                // Of another schema: nobody may write over it.
                must(before["schemaVersion"] == 1, || format!("{key} of the future was overwritten"))?;
                keeps(before, &after).map_err(|what| format!("{key}: {what}"))?;
            }
            before = Some(after);
        }
        if let Some(record) = before {
            let family = key.rsplit('/').nth(1).unwrap_or_default();
            is_true(state, family, &record).map_err(|what| format!("{key}: {what}"))?;
        }
    }
    Ok(())
}

/// The record under a key, if it is one of the schema that we know.
pub(super) fn newest(state: &State, key: &str) -> Option<Value> {
    let record: Value = serde_json::from_slice(state.s3.object(BUCKET, key)?).ok()?;
    (record["schemaVersion"] == 1).then_some(record)
}

/// What two records of equal ends have in common, whatever happened on the way.
pub(super) fn in_short(record: &Value) -> String {
    let text = |member: &str| record[member].as_str().unwrap_or_default().to_owned();
    let (outcome, reason) = match (text("outcome").as_str(), text("reason").as_str()) {
        ("already_remediated", reason) => ("remediated".to_owned(), reason.to_owned()),
        // A lost race is a way to be superseded that a fault can spare us, or bring about.
        ("superseded", _) => ("superseded".to_owned(), String::new()),
        // The first look says the one, each later look the other.
        ("unfaithful_copy_withdrawn", _) => ("alerted".to_owned(), "unfaithful_before".to_owned()),
        (outcome, reason) => (outcome.to_owned(), reason.to_owned()),
    };
    let in_force = by_number(record).values().filter(|copy| copy["withdrawn"].is_null()).count();
    format!("{outcome} {reason}, copies in force: {in_force}, of {}", record["privilegedContainers"])
}

pub(super) fn by_number(record: &Value) -> BTreeMap<u64, Value> {
    let copies = record["copies"].as_array().into_iter().flatten();
    copies.filter_map(|copy| Some((copy["revision"].as_u64()?, copy.clone()))).collect()
}

fn keeps(before: &Value, after: &Value) -> Verdict {
    for member in FOR_GOOD {
        let (was, is) = (&before[member], &after[member]);
        // A backout that has begun will say how it ended, and somebody may ask once more; that there was one stays.
        let goes_on = member == "backedOut" && !is.is_null();
        must(was.is_null() || was == is || goes_on, || format!("{member} was {was} and is {is}"))?;
    }
    must(before["copy"].is_null() || !after["copy"].is_null(), || format!("{} is no copy any more", before["copy"]))?;
    let copies = by_number(after);
    for (number, was) in by_number(before) {
        let is = copies.get(&number).ok_or_else(|| format!("the copy {number} is forgotten"))?;
        for (member, was) in was.as_object().into_iter().flatten() {
            must(was.is_null() || *was == is[member], || {
                format!("copy {number}: {member} was {was}, is {}", is[member])
            })?;
        }
    }
    Ok(())
}

/// What it says of copies is so in ECS.
fn is_true(state: &State, family: &str, record: &Value) -> Verdict {
    for (number, copy) in by_number(record) {
        let revision = state.ecs.revisions(family).find(|revision| revision.number as u64 == number);
        let revision = revision.ok_or_else(|| format!("the copy {number} never was"))?;
        must(is_ours(&revision.registered_by), || format!("{number} is not ours"))?;
        let is_active = revision.status == Status::Active;
        must(copy["withdrawn"].is_null() || !is_active, || format!("{number} is said to be withdrawn, and is ACTIVE"))?;
    }
    Ok(())
}
