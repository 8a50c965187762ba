//! What must hold of backout: after each of its steps, at each end, and once it was asked again while nobody else did
//! anything. Written without the planner's code. In every story `web:1` is the original that is to come back.

use std::collections::BTreeSet;

use ecs_privileged_guard::domain::backout::answer::{Answer, Outcome};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::errand::{Ended, Said};
use super::judge::{content, is_by_guard, is_by_people, must, nothing_lost, of_document};
use super::ledger::numbers;
use super::scenario::{object, record};
use crate::account::state::ecs::{Revision, Status};
use crate::account::{BACKOUT, Call, State};
use crate::story::BUCKET;
use crate::world::EXEMPTION;

/// Whether an operator would try again who reads what came of it, or Lambda does.
pub(super) fn may_be_asked_again(ended: &Ended) -> bool {
    match ended {
        Ok(Said::Backout(answer)) => answer.outcome == Outcome::Failed,
        // The schedule asks sweep again, until it has seen everything.
        Ok(Said::Sweep(answer)) => !answer.complete,
        Ok(Said::Guard(_)) => false,
        Err(_) => true,
    }
}

fn revision(state: &State, number: usize) -> &Revision {
    state.ecs.revision(&format!("web:{number}")).expect("a revision")
}

/// Whether it says what the original says, privilege included.
fn is_original(state: &State, number: usize) -> bool {
    revision(state, number).is_privileged() && content(state, number) == content(state, 1)
}

fn exemption(state: &State) -> Option<Value> {
    serde_json::from_slice(state.s3.object(BUCKET, EXEMPTION)?).ok()
}

/// What no step of it may do.
pub(super) fn judge_step_of_backout(before: &State, after: &State, call: &Call) -> Result<(), String> {
    let number = || call.resource.rsplit_once(':').and_then(|(_, number)| number.parse().ok()).expect("a number");
    let is_exempt = || exemption(before).is_some_and(|exemption| exemption["containers"] == json!(["app"]));
    match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            let new = numbers(after).last().expect("a revision");
            must(is_original(after, new), "backout registered what is not the original")?;
            must(is_exempt(), "backout registered privilege without an exemption")?;
            let backup = object(before, "backups", 1).map(|backup| of_document(&backup));
            must(backup == Some(content(after, new)), "backout registered what is not in the backup")
        }
        "DeregisterTaskDefinition" => {
            let number = number();
            must(!is_by_people(before, number), "backout deregistered what people registered")?;
            let is_back =
                before.ecs.active("web").into_iter().any(|other| other != number && is_original(before, other));
            let is_copy = is_by_guard(before, number);
            must(!is_copy || is_exempt(), "a copy was deregistered before the exemption was there")?;
            must(!is_copy || is_back, "a copy was deregistered before the original was back")
        }
        "UpdateService" => {
            let service = after.ecs.service("prod", "web").expect("the service");
            let target = after.ecs.revision(&service.task_definition).expect("a revision");
            let is_back = target.status == Status::Active && is_original(after, target.number);
            must(is_back, "a service was moved to what is not the original")
        }
        "PutObject" => {
            must(!call.resource.contains("/backups/"), "backout wrote a backup")?;
            let key = call.resource.strip_prefix(BUCKET).expect("the bucket").trim_start_matches('/');
            let Some(held) = before.s3.object(BUCKET, key) else { return Ok(()) };
            let json = |text| serde_json::from_slice::<Value>(text).expect("JSON");
            let (held, written) = (json(held), json(after.s3.object(BUCKET, key).expect("an object")));
            match key == EXEMPTION {
                true => kept(&held, &written),
                false => nothing_lost(&held, &written),
            }
        }
        _ => Ok(()),
    }
}

/// No exemption is shortened or narrowed.
fn kept(held: &Value, written: &Value) -> Result<(), String> {
    let names = |exemption: &Value| -> BTreeSet<String> {
        exemption["containers"].as_array().into_iter().flatten().map(ToString::to_string).collect()
    };
    must(names(held).is_subset(&names(written)), "an exemption was narrowed")?;
    let end = |exemption: &Value| exemption["expiresAt"].as_str().and_then(|end| end.parse::<Timestamp>().ok());
    must(end(held) <= end(written), "an exemption was shortened")
}

/// What people were told by backout.
fn told(state: &State) -> Vec<String> {
    let by_backout = ["backed_out", "failed", "refused"];
    let is_its = |it: &&crate::account::state::sns::Published| {
        let is_its_outcome = it.attributes.get("outcome").is_some_and(|(_, it)| by_backout.contains(&it.as_str()));
        is_its_outcome && it.message.contains("is claimed to have approved it")
    };
    state.sns.messages().iter().filter(is_its).map(|it| it.message.clone()).collect()
}

/// Every change of backout's must have been told, at an end where nobody is at work any more.
pub(super) fn judge_told(state: &State) -> Vec<String> {
    let told = told(state);
    let is_named = |number: usize| {
        let name = format!("web:{number}");
        let has_word = |text: &String| text.split(|c: char| !c.is_alphanumeric() && c != ':').any(|word| word == name);
        told.iter().any(has_word)
    };
    let mut broken = Vec::new();
    let mut note = |holds: Result<(), String>| broken.extend(holds.err());
    for number in numbers(state) {
        // What it has taken back by itself, nobody ever saw in force.
        let found = revision(state, number);
        let is_its = found.registered_by == BACKOUT && found.status == Status::Active;
        note(must(!is_its || is_named(number), "nobody was told what backout registered"));
        let is_gone = is_by_guard(state, number) && is_deregistered_by_backout(state, number);
        note(must(!is_gone || is_named(number), "nobody was told which copy backout deregistered"));
    }
    let versions = state.s3.versions(BUCKET, EXEMPTION);
    if let Some(exemption) = exemption(state).filter(|_| !versions.is_empty()) {
        let end = exemption["expiresAt"].as_str().unwrap_or_default();
        let is_told = exemption["approvedBy"] == "a" || told.iter().any(|told| told.contains(end));
        note(must(is_told, "nobody was told of the exemption that backout wrote"));
    }
    let by_backout = numbers(state)
        .filter(|number| revision(state, *number).registered_by == BACKOUT)
        .filter(|number| revision(state, *number).status == Status::Active);
    note(must(by_backout.count() <= 1, "backout brought the original back twice"));
    broken
}

fn is_deregistered_by_backout(state: &State, number: usize) -> bool {
    let arn = format!("task-definition/web:{number}\"");
    let is_its = |event: &&String| {
        event.contains("\"DeregisterTaskDefinition\"") && event.contains(&arn) && event.contains(BACKOUT)
    };
    state.trail().iter().any(|event| is_its(&event))
}

/// What must hold after a request that nobody disturbed.
pub(super) fn judge_repeated(state: &State, answer: &Answer, now: Timestamp) -> Vec<String> {
    let mut broken = Vec::new();
    let mut note = |holds: Result<(), String>| broken.extend(holds.err());
    let active = state.ecs.active("web");
    let latest_of_people = active.iter().rfind(|number| is_by_people(state, **number)).copied().unwrap_or(1);
    let is_overtaken = latest_of_people > 1 && !is_original(state, latest_of_people);
    let copies: Vec<usize> = active.iter().copied().filter(|number| is_by_guard(state, *number)).collect();
    let is_back = active.last().is_some_and(|latest| is_original(state, *latest));
    match (is_overtaken, answer.outcome) {
        (true, Outcome::Refused | Outcome::NothingToBackOut) => {
            let in_front = active
                .iter()
                .any(|number| *number > latest_of_people && revision(state, *number).registered_by == BACKOUT);
            note(must(!in_front, "backout stands in front of what people registered last"));
        }
        (true, Outcome::BackedOut | Outcome::AlreadyBackedOut | Outcome::Failed) => {
            note(Err("backed out although something newer is in force".to_owned()));
        }
        (false, Outcome::NothingToBackOut) => {
            note(must(copies.is_empty(), "a copy stands, and there is nothing to back out"));
            note(must(is_back, "the original is not in force, and there is nothing to back out"));
        }
        (false, Outcome::BackedOut | Outcome::AlreadyBackedOut) => {
            note(must(copies.is_empty(), "a copy stands after a backout"));
            note(must(is_back, "the original is not in force after a backout"));
            let exemption = exemption(state);
            let holds = exemption.as_ref().is_some_and(|exemption| {
                let end = exemption["expiresAt"].as_str().and_then(|end| end.parse::<Timestamp>().ok());
                exemption["containers"] == json!(["app"]) && end.is_some_and(|end| end > now)
            });
            note(must(holds, "no exemption after a backout"));
            let record = record(state, 1).unwrap_or_default();
            let restored = record["backedOut"]["restored"].as_str().and_then(|id| state.ecs.revision(id));
            let is_in_force = restored.is_some_and(|it| it.status == Status::Active && is_original(state, it.number));
            note(must(is_in_force, "the record does not name what is in force after a backout"));
            let open = record["copies"].as_array().into_iter().flatten().any(|made| made["withdrawn"].is_null());
            note(must(!open, "a record does not say that its copy is gone"));
            if let Some(service) = state.ecs.service("prod", "web") {
                let target = state.ecs.revision(&service.task_definition);
                let is_back = target.is_some_and(|it| it.status == Status::Active && is_original(state, it.number));
                note(must(is_back, "a service does not run the original after a backout"));
            }
        }
        // The same was registered again, and has a copy of its own: that is to be backed out instead.
        (false, Outcome::Refused)
            if record(state, latest_of_people)
                .is_some_and(|record| latest_of_people > 1 && !record["copy"].is_null()) => {}
        (false, Outcome::Refused | Outcome::Failed) => {
            note(Err(format!("nobody disturbs backout, and it says {:?}", answer.reason)));
        }
    }
    broken
}
