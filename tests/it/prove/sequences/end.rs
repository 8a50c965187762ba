//! What must be there when nothing is left to do, whatever the sequence was. It knows what people did, the account and
//! the records, and nothing of plans.

use ecs_privileged_guard::domain::policy::Mode;
use jiff::Timestamp;
use serde_json::Value;

use super::super::super::account::State;
use super::super::super::account::state::ecs::Revision;
use super::super::super::oracle::{judge_complete, judge_quiet, unprivileged_meaning};
use super::super::super::story::BUCKET;
use super::super::super::world::EXEMPTION;
use super::account::{Facts, is_active, is_by_people, is_copy};

fn record(state: &State, number: usize) -> Value {
    let key = format!("records/111122223333/eu-west-1/web/{number}.json");
    state.s3.object(BUCKET, &key).and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default()
}

fn meaning(revision: &Revision) -> String {
    unprivileged_meaning(&revision.input.to_json())
}

fn is_exempt(state: &State) -> bool {
    let exemption = state.s3.object(BUCKET, EXEMPTION).and_then(|text| serde_json::from_slice::<Value>(text).ok());
    let end = exemption.and_then(|it| it["expiresAt"].as_str()?.parse::<Timestamp>().ok());
    end.is_some_and(|end| end > state.now)
}

pub(super) fn judge(state: &State, mode: Mode, facts: Facts) -> Result<(), String> {
    if !facts.takes_originals_back {
        judge_quiet(state)?;
    }
    judge_complete(state)?;
    latest_is_newest(state)?;
    for original in state.ecs.revisions("web").filter(|it| is_active(it) && !is_copy(it) && it.is_privileged()) {
        is_dealt_with(state, mode, facts, original)?;
    }
    Ok(())
}

/// A bare family name deploys what people registered last, privilege aside.
fn latest_is_newest(state: &State) -> Result<(), String> {
    let Some(latest) = state.ecs.revisions("web").filter(|it| is_active(it)).last() else { return Ok(()) };
    if is_by_people(latest) {
        return Ok(());
    }
    let people = || state.ecs.revisions("web").filter(|it| is_by_people(it));
    let floor = people().filter(|it| is_active(it)).last().map_or(1, |it| it.number);
    match people().any(|it| it.number >= floor && it.number < latest.number && meaning(it) == meaning(latest)) {
        true => Ok(()),
        false => Err(format!("web:{} is ACTIVE and older than what people registered last", latest.number)),
    }
}

/// A privileged revision has a copy behind it, or a word that says why not and that somebody was told.
fn is_dealt_with(state: &State, mode: Mode, facts: Facts, original: &Revision) -> Result<(), String> {
    let number = original.number;
    let after: Vec<_> = state.ecs.revisions("web").filter(|it| is_active(it) && it.number > number).collect();
    let serves = |it: &&&Revision| !it.is_privileged() && meaning(it) == meaning(original);
    let has_copy = after.iter().any(|it| serves(&it));
    // The copy of a newer version that people took back since stands for that version.
    let is_overtaken = after.iter().any(|it| !is_copy(it) || meaning(it) != meaning(original));
    let record = record(state, number);
    let text = |member: &str| record[member].as_str().unwrap_or_default().to_owned();
    let (outcome, reason, was_told) = (text("outcome"), text("reason"), !record["alertedAt"].is_null());
    let said = format!("web:{number} is {outcome} {reason}, told: {was_told}, in mode {mode:?}, {facts:?}");
    let holds = match (outcome.as_str(), reason.as_str()) {
        _ if has_copy => outcome.ends_with("remediated") || is_exempt(state) && outcome == "exempt" || is_overtaken,
        ("superseded", _) => is_overtaken,
        ("exempt", _) => is_exempt(state),
        ("alerted", "alert_mode") => mode == Mode::Alert && was_told,
        ("alerted", "copy_removed") => was_told && (facts.takes_copies_back || facts.backs_out),
        ("alerted", "out_of_scope") => was_told && facts.exists_before_the_first_sweep,
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("{said}, has a copy: {has_copy}, overtaken: {is_overtaken}")) }
}
