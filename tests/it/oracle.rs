//! What must hold at every end, whatever went wrong on the way. Written without the planner's code: it looks at the
//! account and at the answers only.

use ecs_privileged_guard::domain::outcome::{Alerting, Answer, Outcome};

use super::account::GUARD;
use super::story::BUCKET;
use super::world::{BACKUP, RECORD, World, newer};

/// Judges the account after these answers.
pub(crate) fn judge(world: &World, answers: &[Result<Answer, String>]) -> Result<(), String> {
    let state = world.state();
    let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let by_guard =
        |number: &usize| state.ecs.revision(&format!("web:{number}")).unwrap().registered_by.contains("guard-role");
    let active = state.ecs.active("web");

    must(
        state.calls().iter().all(|call| call.principal != GUARD || call.privileged != Some(true)),
        "the guard registered privilege",
    )?;
    let copies: Vec<usize> = active.iter().copied().filter(by_guard).collect();
    must(copies.len() <= 1, "more than one copy is ACTIVE")?;
    if let Some(latest) = active.last().filter(|latest| by_guard(latest)) {
        let before = active.iter().rev().find(|number| !by_guard(number));
        must(
            before.is_some_and(|before| !newer(&state, *before)),
            &format!("web:{latest} brought an old version back"),
        )?;
        must(state.s3.object(BUCKET, BACKUP).is_some(), "a copy without a backup")?;
        must(state.s3.object(BUCKET, RECORD).is_some(), "a copy without a record")?;
        must(!state.sns.messages().is_empty(), "a copy that nobody was told of")?;
    }
    let last = answers.last().expect("a delivery");
    if let Ok(answer) = last {
        let told =
            answers.iter().flatten().any(|answer| answer.alert == Alerting::Sent) || !state.sns.messages().is_empty();
        let must_tell = matches!(answer.outcome, Outcome::Alerted | Outcome::Failed | Outcome::Remediated);
        must(!must_tell || told, "an outcome that nobody was told of")?;
        let is_readable =
            state.s3.object(BUCKET, RECORD).is_none_or(|record| !String::from_utf8_lossy(record).contains(":9}"));
        let must_record = answer.outcome.is_recorded() && answer.outcome != Outcome::Failed && is_readable;
        must(!must_record || state.s3.object(BUCKET, RECORD).is_some(), "an outcome without a record")?;
    }
    Ok(())
}
