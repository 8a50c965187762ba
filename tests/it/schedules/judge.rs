//! What must hold after each step and at each end, whatever the order. Written without the planner's code: it looks at
//! the account, the calls and the answers only.

use std::collections::BTreeSet;

use ecs_privileged_guard::domain::outcome::Reason;
use ecs_privileged_guard::reconcile::Said as Answered;
use serde_json::{Value, json};

use super::errand::{Ended, Errand, Said};
use super::judge_backout::judge_step_of_backout;
use super::ledger::numbers;
use super::scenario::{object, record as record_of};
use crate::account::state::ecs::Status;
use crate::account::{BACKOUT, Call, GUARD, SWEEP, Seen, State};
use crate::story::BUCKET;

pub(super) fn must(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

pub(super) fn is_by_guard(state: &State, number: usize) -> bool {
    is_registered_by_guard(state, &format!("web:{number}"))
}

/// The same of another family, where a service runs one.
fn is_registered_by_guard(state: &State, id: &str) -> bool {
    let revision = state.ecs.revision(id);
    revision.is_some_and(|revision| [GUARD, SWEEP].contains(&revision.registered_by.as_str()))
}

/// Whether none of our functions registered it.
pub(super) fn is_by_people(state: &State, number: usize) -> bool {
    let revision = state.ecs.revision(&format!("web:{number}"));
    revision.is_some_and(|revision| ![GUARD, BACKOUT, SWEEP].contains(&revision.registered_by.as_str()))
}

/// What a revision says as far as the stories differ in it, privilege and the order of its sets aside.
pub(super) fn content(state: &State, number: usize) -> Value {
    let revision = state.ecs.revision(&format!("web:{number}")).expect("a revision");
    of_document(&serde_json::from_str(&revision.input.to_json()).expect("JSON"))
}

pub(super) fn of_document(document: &Value) -> Value {
    let container = &document["containerDefinitions"][0];
    let mut environment = container["environment"].as_array().cloned().unwrap_or_default();
    environment.sort_by_key(ToString::to_string);
    json!([document["taskRoleArn"], container["name"], container["image"], container["memory"], environment])
}

/// What no step may do.
pub(super) fn judge_step(before: &State, after: &State, call: &Call) -> Result<(), String> {
    match call.principal.as_str() {
        _ if call.seen != Seen::Done => Ok(()),
        GUARD | SWEEP => judge_step_of_guard(before, after, call),
        BACKOUT => judge_step_of_backout(before, after, call),
        _ => Ok(()),
    }
}

fn judge_step_of_guard(before: &State, after: &State, call: &Call) -> Result<(), String> {
    match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            must(call.privileged != Some(true), "the guard registered privilege")?;
            let copy = numbers(after).last().expect("a revision");
            let backed_up = |original: &usize| {
                object(after, "backups", *original).is_some_and(|backup| {
                    backup["containerDefinitions"][0]["privileged"] == true
                        && of_document(&backup) == content(after, copy)
                })
            };
            must((1..copy).any(|original| backed_up(&original)), "a copy was registered without an equal backup")
        }
        "DeregisterTaskDefinition" => {
            let is_ours = is_registered_by_guard(before, &call.resource);
            must(is_ours, "the guard deregistered what it did not register")
        }
        "PutObject" => {
            must(!call.resource.contains("/exemptions/"), "the guard wrote an exemption")?;
            let key = call.resource.strip_prefix(BUCKET).expect("the bucket").trim_start_matches('/');
            let Some(held) = before.s3.object(BUCKET, key) else { return Ok(()) };
            must(!key.starts_with("backups/"), "the guard wrote a backup anew")?;
            if !key.starts_with("records/") {
                return Ok(());
            }
            let record = |text| serde_json::from_slice::<Value>(text).expect("JSON");
            nothing_lost(&record(held), &record(after.s3.object(BUCKET, key).expect("an object")))
        }
        _ => Ok(()),
    }
}

/// No run removes what a record held.
pub(super) fn nothing_lost(held: &Value, written: &Value) -> Result<(), String> {
    for member in ["copy", "backupSha256", "eventId", "backedOut"] {
        let kept = held[member].is_null() || !written[member].is_null();
        must(kept, format!("a record lost its {member}"))?;
    }
    must(copies(held).is_subset(&copies(written)), "a record lost a copy")
}

fn copies(record: &Value) -> BTreeSet<u64> {
    record["copies"].as_array().into_iter().flatten().filter_map(|copy| copy["revision"].as_u64()).collect()
}

/// The first ACTIVE copy that no record names.
pub(super) fn unrecorded_copy(state: &State) -> Option<usize> {
    let recorded: BTreeSet<u64> =
        numbers(state).filter_map(|number| record_of(state, number)).flat_map(|record| copies(&record)).collect();
    let is_unrecorded = |copy: &usize| is_by_guard(state, *copy) && !recorded.contains(&(*copy as u64));
    state.ecs.active("web").into_iter().find(is_unrecorded)
}

/// What is ACTIVE: by the guard or not, privileged or not, with which image. Numbers may differ.
pub(super) type Shape = Vec<(bool, bool, String)>;

pub(super) fn shape(state: &State) -> Shape {
    let of = |number: usize| {
        let revision = state.ecs.revision(&format!("web:{number}")).expect("a revision");
        let image = content(state, number)[2].as_str().unwrap_or_default().to_owned();
        (is_by_guard(state, number), revision.is_privileged(), image)
    };
    state.ecs.active("web").into_iter().map(of).collect()
}

/// All that does not hold at an end, where each run has come to its end, the dead ones by another delivery.
pub(super) fn judge_end(state: &State, last: &[(Errand, &Ended)], somebody_removes_copies: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let mut note = |holds: Result<(), String>| broken.extend(holds.err());
    let active = state.ecs.active("web");
    let (copies_active, foreign): (Vec<usize>, Vec<usize>) =
        active.iter().partition(|number| is_by_guard(state, **number));

    let gap = |copy: &usize| foreign.iter().filter(|other| *other < copy).count();
    let gaps: BTreeSet<usize> = copies_active.iter().map(gap).collect();
    note(must(gaps.len() == copies_active.len(), "more than one copy is ACTIVE before the next foreign revision"));
    if let Some(latest) = active.last().filter(|latest| !is_by_people(state, **latest)) {
        let floor = active.iter().rfind(|number| is_by_people(state, **number)).copied().unwrap_or(1);
        let newest = (floor..*latest)
            .any(|number| is_by_people(state, number) && content(state, number) == content(state, *latest));
        note(must(newest, "the latest ACTIVE revision is older than what people registered last"));
    }
    let records: Vec<Value> = numbers(state).filter_map(|number| record_of(state, number)).collect();
    let is_recorded = |copy: &usize| {
        let names = |record: &Value| {
            record["copies"].as_array().into_iter().flatten().any(|made| made["revision"] == json!(copy))
        };
        records.iter().any(names)
    };
    note(must(copies_active.iter().all(is_recorded), "an ACTIVE copy that no record names"));
    let in_force = |record: &Value| -> Result<(), String> {
        let Some(copy) = record["copy"].as_str() else { return Ok(()) };
        // That it is to be withdrawn is written before the call: the run may have died just after that.
        let says_withdrawn = record["copies"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|made| copy.ends_with(&format!(":{}", made["revision"])) && !made["why"].is_null());
        let status = state.ecs.revision(copy).map(|copy| copy.status);
        must(
            status == Some(Status::Active) || says_withdrawn || somebody_removes_copies,
            "a record names a copy in force that the guard withdrew",
        )
    };
    for record in &records {
        note(in_force(record));
    }
    let is_told = |copy: &usize| {
        let name = format!("web:{copy}");
        state
            .sns
            .messages()
            .iter()
            .any(|told| told.message.split(|c: char| !c.is_alphanumeric() && c != ':').any(|word| word == name))
    };
    note(must(copies_active.iter().all(is_told), "an ACTIVE copy that nobody was told of"));
    let withdrawn = numbers(state).filter(|number| is_by_guard(state, *number) && !active.contains(number));
    note(must(withdrawn.into_iter().all(|copy| is_recorded(&copy)), "a withdrawn copy that no record names"));
    for (errand, ended) in last {
        match (ended, errand) {
            (Err(category), _) => note(Err(format!("nobody heals an error: {category}"))),
            (Ok(Said::Guard(Answered::Revision(answer))), Errand::Event(number)) => {
                let removed = answer.reason == Some(Reason::CopyRemoved);
                note(must(!removed || somebody_removes_copies, "the guard takes its own withdrawal for a person's no"));
                let recorded = !answer.outcome.is_recorded() || record_of(state, *number).is_some();
                note(must(recorded, "a privileged revision was looked at, and no record says so"));
            }
            (Ok(_), _) => {}
        }
    }
    broken
}
