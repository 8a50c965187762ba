//! What must hold of a service that is moved: at each `UpdateService` of the guard, and at each end. Written without the
//! product's code: it looks at the account, the calls and the answers only.

use serde_json::Value;

use super::judge::must;
use super::services::{is_copy, is_on_original};
use crate::account::http::{Request, Response};
use crate::account::state::ecs::{Revision, Status};
use crate::account::{BACKOUT, Call, GUARD, PIPELINE, Seen, State};
use crate::story::BUCKET;
use crate::world::EXEMPTION;

const MOVE: &str = "moves/111122223333/eu-west-1/prod/web.json";

fn stored(state: &State) -> Value {
    let body = state.s3.object(BUCKET, MOVE);
    body.map_or(Value::Null, |body| serde_json::from_slice(body).expect("JSON"))
}

/// What a call to move a service may do: `last` is the call before it of the same run, and its answer.
pub(super) fn judge_update(
    before: &State,
    after: &State,
    call: &Call,
    last: Option<(&Request, &Response)>,
) -> Result<(), String> {
    let history = |state: &State| state.ecs.service("prod", "web").map_or(0, |service| service.history.len());
    let is_move = call.principal == GUARD && call.operation == "UpdateService";
    if !is_move || call.seen != Seen::Done || history(before) == history(after) {
        return Ok(());
    }
    let looks = |request: &Request| request.header("x-amz-target").is_some_and(|it| it.ends_with(".DescribeServices"));
    let look = last.filter(|(request, _)| looks(request));
    let (_, answer) = look.ok_or("the guard did not look at a service just before it pointed it elsewhere")?;
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let deployments = answer["services"][0]["deployments"].as_array().expect("deployments");
    let runs = deployments[0]["taskDefinition"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let is_at_work = deployments.len() > 1 || deployments[0]["rolloutState"] != "COMPLETED";
    let target = &after.ecs.service("prod", "web").expect("a service").task_definition;
    let service = before.ecs.service("prod", "web").expect("a service");
    if !is_copy(before, target) {
        // What covers the word that is put back is ours too.
        let is_ours = is_copy(before, runs) || service.history.iter().any(|it| is_copy(before, &it.task_definition));
        return must(is_ours, "the guard put back what it never moved");
    }
    must(!is_at_work, "the guard pushed a move into a deployment that it saw")?;
    let is_asked = service.history.iter().all(|entry| entry.task_definition != *target);
    must(is_asked, "the guard moved a service twice for the same question")?;
    must(stored(before)["state"] != "rolled_back", "the guard moved a service that had said no")
}

/// The revision that people said last that the service is to run.
fn word(state: &State) -> String {
    let is_theirs = |event: &Value| {
        let name = event["detail"]["eventName"].as_str();
        let by = event["detail"]["userIdentity"]["arn"].as_str();
        matches!(name, Some("CreateService" | "UpdateService")) && [Some(PIPELINE), Some(BACKOUT)].contains(&by)
    };
    let mut events = state.trail().iter().map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
    let last = events.rfind(is_theirs).expect("somebody made the service");
    let named = last["detail"]["requestParameters"]["taskDefinition"].as_str().unwrap_or_default();
    named.rsplit('/').next().unwrap_or_default().to_owned()
}

/// All that does not hold when nothing is left to do. `is_kept`: somebody said, while the service was on its original,
/// that it is to stay there.
pub(super) fn judge_end(state: &State, is_kept: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let mut note = |holds: Result<(), String>| broken.extend(holds.err());
    let service = state.ecs.service("prod", "web").expect("a service");
    let (runs, word) = (&service.task_definition, word(state));
    let is_its_copy = is_copy(state, runs) && runs.split(':').next() == word.split(':').next();
    note(must(*runs == word || is_its_copy, "the service ends on an older word than people's last"));
    note(must(!is_kept || is_on_original(state), "the service left its original although somebody had said no"));
    let is_whole = service.history.iter().all(|entry| {
        let times = service.history.iter().filter(|other| other.task_definition == entry.task_definition).count();
        !is_copy(state, &entry.task_definition) || times <= 1
    });
    note(must(is_whole, "a copy was deployed twice"));
    let entry = stored(state);
    let is = |name: &str| entry["state"] == name;
    let reason = entry["reason"].as_str();
    let was_deployed = service.history.iter().any(|it| entry["copy"] == it.task_definition.as_str());
    let copy_stands = entry["copy"].as_str().and_then(|copy| state.ecs.revision(copy)).map(|copy| copy.status);
    let is_left = state.s3.object(BUCKET, EXEMPTION).is_some() || copy_stands != Some(Status::Active);
    let is_true = match (entry["state"].as_str(), reason) {
        (Some("moved"), None) => entry["copy"] == runs.as_str() || is_left && is_on_original(state),
        (Some("moved"), Some("by_owner" | "not_moved")) => !is_on_original(state),
        // A no is remembered, whatever is deployed after it.
        (Some("rolled_back"), _) => was_deployed && entry["copy"] != runs.as_str(),
        (Some("waiting"), _) => is_left && is_on_original(state),
        (Some("failed"), Some("refused")) => is_left && is_on_original(state),
        (Some(_), _) => false,
        (None, _) => !was_deployed && (is_left || !is_on_original(state)),
    };
    note(must(is_true, format!("the move is {} {}, and that is not so", entry["state"], entry["reason"])));
    note(must(entry["begun"].is_null(), "nobody moves the service any more, and the move says that it is begun"));
    let is_told = |name: &str| {
        state
            .sns
            .messages()
            .iter()
            .any(|told| told.attributes.get("outcome").is_some_and(|(_, outcome)| outcome == name))
    };
    let is_news = (is("moved") || is("rolled_back")) && reason.is_none();
    note(must(!is_news || is_told("move_settled"), "nobody was told how a move ended"));
    broken
}

/// What the service runs.
pub(super) fn shape(state: &State) -> (bool, bool, String) {
    let service = state.ecs.service("prod", "web").expect("a service");
    let is_privileged = state.ecs.revision(&service.task_definition).is_some_and(Revision::is_privileged);
    (false, is_privileged, format!("the service, on {}", service.task_definition))
}
