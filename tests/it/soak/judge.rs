//! What must hold of families that are finished: the oracle's rules for a whole account, a record for each privileged
//! revision, and services that are where people or their copies are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::family::Family;
use crate::account::state::ecs::{Revision, Status};
use crate::account::{BACKOUT, GUARD, SWEEP, State};
use crate::oracle::{judge_quiet, judge_whole};
use crate::story::BUCKET;

/// Judges a part of the account; what each privileged revision came to is counted. `is_cut`: an original was deregistered
/// under its copy, which then stays, and that is nobody's fault. `has_time`: what died was given the time to be taken up.
pub(super) fn judge(
    part: &State,
    families: &BTreeMap<String, Family>,
    is_cut: bool,
    has_time: bool,
    tally: &mut BTreeMap<String, usize>,
    findings: &mut Vec<String>,
) {
    let mut note = |verdict: Result<(), String>| findings.extend(verdict.err());
    note(judge_whole(part));
    if !is_cut {
        note(judge_quiet(part));
    }
    for (name, family) in families {
        for revision in part.ecs.revisions(name).filter(|it| it.is_privileged() && !is_ours(it)) {
            let record = record(part, name, revision.number);
            let end = match &record {
                Some(record) => in_words(record),
                None if revision.status != Status::Active => "deregistered before it was looked at".to_owned(),
                None => {
                    note(Err(format!("{name}:{} is privileged, and nothing says what became of it", revision.number)));
                    "lost".to_owned()
                }
            };
            *tally.entry(end).or_default() += 1;
        }
        note(judge_service(part, name, family, has_time));
    }
}

fn is_ours(revision: &Revision) -> bool {
    [GUARD, SWEEP].contains(&revision.registered_by.as_str())
}

fn record(part: &State, family: &str, number: usize) -> Option<Value> {
    object(part, &format!("records/111122223333/eu-west-1/{family}/{number}.json"))
}

fn object(part: &State, key: &str) -> Option<Value> {
    serde_json::from_slice(part.s3.object(BUCKET, key)?).ok()
}

fn in_words(record: &Value) -> String {
    let text = |member: &str| record[member].as_str().unwrap_or_default();
    let words = [text("outcome"), text("reason"), if record["backedOut"].is_null() { "" } else { "backed out" }];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// It runs what people said last, or a copy, or what backout brought back; no copy was deployed twice; and one that could
/// be moved and was not has said no.
fn judge_service(part: &State, name: &str, family: &Family, has_time: bool) -> Result<(), String> {
    let Some(service) = part.ecs.service("prod", name) else { return Ok(()) };
    let runs = &service.task_definition;
    let revision = part.ecs.revision(runs).ok_or_else(|| format!("the service {name} runs nothing that there is"))?;
    let is_known = family.word.as_ref() == Some(runs) || is_ours(revision) || revision.registered_by == BACKOUT;
    if !is_known {
        return Err(format!("the service {name} runs {runs}, and people said {:?} last", family.word));
    }
    let is_copy = |id: &str| part.ecs.revision(id).is_some_and(is_ours);
    for entry in service.history.iter().filter(|entry| is_copy(&entry.task_definition)) {
        let times = service.history.iter().filter(|other| other.task_definition == entry.task_definition).count();
        if times > 1 {
            return Err(format!("{} was deployed {times} times to the service {name}", entry.task_definition));
        }
    }
    let is_exempt = part.s3.object(BUCKET, &format!("exemptions/111122223333/eu-west-1/{name}.json")).is_some();
    let copy = record(part, name, revision.number).and_then(|record| Some(record["copy"].as_str()?.to_owned()));
    let copy = copy.filter(|copy| part.ecs.revision(copy).is_some_and(|copy| copy.status == Status::Active));
    let is_enforce = part.mode.as_deref() == Some("enforce");
    let may_be_moved = is_enforce && has_time && revision.is_privileged() && !is_exempt && copy.is_some();
    let of_move = object(part, &format!("moves/111122223333/eu-west-1/prod/{name}.json")).unwrap_or_default();
    let is_stalled = service.deployments.first().is_some_and(|newest| newest.is_stalled);
    let has_ended = ["rolled_back", "failed", "not_movable"].contains(&of_move["state"].as_str().unwrap_or_default());
    match may_be_moved && !is_stalled && !has_ended {
        true => Err(format!("the service {name} could be moved from {runs} to {copy:?}, and is not: {of_move}")),
        false => Ok(()),
    }
}
