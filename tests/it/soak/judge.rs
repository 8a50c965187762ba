//! What must hold of families that are finished: the oracle's rules for a whole account, a record for each privileged
//! revision, and services that are where people or their copies are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::family::Family;
use super::stack::family_in;
use crate::account::state::ecs::{Revision, Status};
use crate::account::{BACKOUT, GUARD, SWEEP, State};
use crate::oracle::{judge_quiet, judge_whole};
use crate::story::BUCKET;

/// What things came to, counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Privileged revisions, by their records.
    pub(super) privileged: BTreeMap<String, usize>,
    /// Services in mode `enforce`, by their moves.
    pub(super) services: BTreeMap<String, usize>,
}

/// Judges a part of the account, and counts. `is_left`: an original was deregistered
/// under its copy, which then stays, or an exemption cannot be read, under which nothing is changed. `has_time`: what died was given the time to be taken up.
pub(super) fn judge(
    part: &State,
    families: &BTreeMap<String, Family>,
    is_left: bool,
    has_time: bool,
    tally: &mut Tally,
    findings: &mut Vec<String>,
) {
    let found_before = findings.len();
    let mut note = |verdict: Result<(), String>| findings.extend(verdict.err());
    note(judge_whole(part));
    if !is_left {
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
            *tally.privileged.entry(end).or_default() += 1;
        }
        note(judge_service(part, name, family, has_time, tally));
    }
    for finding in &mut findings[found_before..] {
        let found = family_in(finding).and_then(|name| families.get_key_value(name));
        if let Some((name, family)) = found {
            let story = family.story.join("\n    ");
            *finding = format!("{finding}\n    {}\n    {story}", described(part, name));
        }
    }
}

/// All that there is of a family, but what it says.
fn described(part: &State, name: &str) -> String {
    let revisions = part.ecs.revisions(name).map(|it| {
        let by = it.registered_by.rsplit('/').nth(1).unwrap_or_default();
        format!("{name}:{} {:?} by {by}, privileged {}", it.number, it.status, it.is_privileged())
    });
    let keys = part.s3.keys(BUCKET).into_iter().filter(|key| key.contains(name) && !key.starts_with("backups/"));
    let objects = keys.map(|key| format!("{key}: {}", object(part, key).unwrap_or_default()));
    revisions.chain(objects).collect::<Vec<_>>().join("\n    ")
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
fn judge_service(part: &State, name: &str, family: &Family, has_time: bool, tally: &mut Tally) -> Result<(), String> {
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
    if part.mode.as_deref() != Some("enforce") {
        return Ok(());
    }
    let of_move = object(part, &format!("moves/111122223333/eu-west-1/prod/{name}.json")).unwrap_or_default();
    let state = of_move["state"].as_str().unwrap_or("without a move");
    let left = why_left(part, name, revision);
    let is_stalled = service.deployments.first().is_some_and(|newest| newest.is_stalled);
    let left = if is_stalled { Some("pushed into a rollback by somebody else") } else { left };
    let why = left.map(|why| format!(", {why}")).unwrap_or_default();
    *tally.services.entry(format!("{state}{why}")).or_default() += 1;
    let has_ended = ["rolled_back", "failed", "not_movable"].contains(&state);
    match left.is_none() && has_time && revision.is_privileged() && !has_ended {
        true => Err(format!("the service {name} could be moved from {runs}, and is not: {of_move}")),
        false => Ok(()),
    }
}

/// Why a service is left where it is, if it is on an original.
fn why_left(part: &State, name: &str, original: &Revision) -> Option<&'static str> {
    let copy = record(part, name, original.number).and_then(|record| Some(record["copy"].as_str()?.to_owned()));
    let is_active = |copy: String| part.ecs.revision(&copy).is_some_and(|copy| copy.status == Status::Active);
    let exemption = format!("exemptions/111122223333/eu-west-1/{name}.json");
    match original.is_privileged() {
        false => None,
        // The contract's `inactive_in_use`: told, and nothing is changed.
        true if original.status != Status::Active => Some("on an original that was deregistered"),
        true if part.s3.object(BUCKET, &exemption).is_some() => Some("exempt"),
        true if !copy.is_some_and(is_active) => Some("on an original without a copy"),
        true => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::{Family, Tally, judge};
    use crate::account::{GUARD, PIPELINE, State};
    use crate::canaries::{CLEAN, NEWER, ORIGINAL};
    use crate::story::BUCKET;

    const RECORD: &str = "records/111122223333/eu-west-1/web/1.json";

    /// What is found in an account in which that happened to a family with a service.
    fn found(happens: impl FnOnce(&mut State)) -> String {
        let mut state = State::default();
        state.s3.bucket(BUCKET);
        state.mode = Some("enforce".to_owned());
        state.register(PIPELINE, &ORIGINAL);
        state.create_service(PIPELINE, "prod", "web", "web:1");
        happens(&mut state);
        let mut family = Family::young_for(Duration::ZERO);
        family.word = Some("web:1".to_owned());
        let (mut tally, mut findings) = (Tally::default(), Vec::new());
        judge(&state, &BTreeMap::from([("web".to_owned(), family)]), false, true, &mut tally, &mut findings);
        findings.join("; ")
    }

    fn record(state: &mut State, outcome: &str) {
        let text = format!(r#"{{"schemaVersion":1,"taskDefinition":"web:1","outcome":"{outcome}","copy":"web:2"}}"#);
        state.put_object(GUARD, BUCKET, RECORD, text.as_bytes());
    }

    #[test]
    fn a_privileged_revision_that_was_dropped_is_found() {
        assert_eq!(found(|_| {}), "web:1 is privileged, and nothing says what became of it");
        assert_eq!(found(|state| record(state, "superseded")), "");
        assert_eq!(found(|state| state.deregister(PIPELINE, "web:1")), "", "it was gone before anybody looked");
    }

    #[test]
    fn a_copy_that_no_record_names_is_found() {
        let broken = found(|state| {
            record(state, "superseded");
            state.register(GUARD, &CLEAN);
        });
        assert!(
            broken.contains("web:2 is a copy without a backup") && broken.contains("that no record names"),
            "{broken}"
        );
    }

    #[test]
    fn a_service_that_is_left_on_its_original_or_on_an_older_word_is_found() {
        let left = found(|state| {
            record(state, "remediated");
            state.register(PIPELINE, &NEWER);
        });
        assert!(left.contains("could be moved from web:1"), "{left}");
        let gone = found(|state| {
            record(state, "remediated");
            state.register(PIPELINE, &NEWER);
            state.deregister(PIPELINE, "web:1");
        });
        assert_eq!(gone, "", "people are told, and nothing is changed");
        let older = found(|state| {
            record(state, "superseded");
            state.register(PIPELINE, &NEWER);
            state.update_service(PIPELINE, "prod", "web", "web:2");
        });
        assert!(older.contains("runs web:2, and people said Some(\"web:1\") last"), "{older}");
    }

    #[test]
    fn a_secret_in_a_record_is_found() {
        let leaked = found(|state| record(state, &crate::canaries::canary("command").replace(['"', '\\'], "")));
        assert!(leaked.contains("command in records/"), "{leaked}");
    }
}
