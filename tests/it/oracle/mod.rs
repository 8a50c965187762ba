//! What must hold at every end, whatever went wrong on the way. Written without the planner's code: it knows the
//! family, who the guard is, the account, and what Lambda was told. It knows nothing of plans.

mod copies;
mod meaning;
mod records;
mod whole;

use ecs_privileged_guard::domain::outcome::{Alerting, Answer, Outcome};
use ecs_privileged_guard::reconcile::Said;

use super::account::{GUARD, SWEEP, State};
use super::canaries::leaks_of;
use super::story::BUCKET;
use super::world::{RECORD, World};

pub(crate) use self::copies::Shape;
pub(crate) use self::meaning::unprivileged as unprivileged_meaning;
pub(crate) use self::whole::{Whole, judge_complete, judge_quiet, judge_whole, whole};

/// What does not hold. Says so in words.
pub(crate) type Verdict = Result<(), String>;

fn must(holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(what()) }
}

/// Judges the account after these answers.
pub(crate) fn judge(world: &World, answers: &[Result<Answer, String>]) -> Verdict {
    let state = world.state();
    copies::judge_calls(&state)?;
    records::judge(&state)?;
    let leaks = leaks_of(&state);
    must(leaks.is_empty(), || format!("leaks: {leaks:?}"))?;
    match answers.last().expect("a delivery") {
        Ok(answer) => {
            // Whoever was kept from working has told somebody; what is left over is seen to by a later look.
            let was_kept = matches!(answer.outcome, Outcome::Failed | Outcome::Alerted);
            if !was_kept || answer.alert == Alerting::None {
                copies::judge(&state)?;
            }
            judge_answer(&state, answer)
        }
        // Lambda delivers it again, and dead-letters it in the end: somebody will hear of it.
        Err(_) => Ok(()),
    }
}

/// Each delivery by itself: what it answered is what it did.
pub(crate) fn judge_deliveries(world: &World) -> Verdict {
    let mut alerts_so_far = 0;
    for delivered in world.deliveries().iter() {
        let leaks = super::canaries::leaks(delivered.said.as_bytes());
        must(leaks.is_empty(), || format!("leaks in what Lambda was told: {leaks:?}"))?;
        alerts_so_far += delivered.alerts;
        let Ok(answer) = &delivered.answer else { continue };
        match answer.alert() {
            Alerting::Sent => {
                must(delivered.alerts > 0, || format!("said to be alerted, and nothing was: {answer:?}"))?;
            }
            Alerting::None => must(delivered.alerts == 0, || format!("alerted, and not said so: {answer:?}"))?,
            Alerting::AlreadySent => must(delivered.alerts == 0, || format!("alerted twice: {answer:?}"))?,
        }
        let Said::Revision(of_revision) = answer else { continue };
        let is_news = match of_revision.outcome {
            Outcome::Alerted | Outcome::Remediated | Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed => true,
            Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive | Outcome::Exempt => false,
            // Of whom the copy is, and whether anything runs the original, the answer does not say.
            Outcome::AlreadyRemediated | Outcome::Superseded => false,
        };
        // What a story began with may have been told before it.
        let told = alerts_so_far > 0 || answer.alert() == Alerting::AlreadySent;
        must(!is_news || told, || format!("nobody was told: {answer:?}"))?;
    }
    Ok(())
}

/// An answer ends the matter as far as Lambda knows: it must be true, recorded, and told.
fn judge_answer(state: &State, answer: &Answer) -> Verdict {
    let record = records::newest(state, RECORD);
    let original_is_active = state.ecs.active("web").contains(&1);
    match answer.outcome {
        Outcome::Compliant | Outcome::FailedRegistration => Err(format!("the original is privileged: {answer:?}")),
        Outcome::Inactive => must(!original_is_active, || "the original is ACTIVE, and called inactive".to_owned()),
        // Why it failed may be that it cannot be recorded.
        Outcome::Failed => Ok(()),
        Outcome::Alerted
        | Outcome::Exempt
        | Outcome::AlreadyRemediated
        | Outcome::Superseded
        | Outcome::Remediated
        | Outcome::UnfaithfulCopyWithdrawn => {
            let recorded = record.as_ref().and_then(|record| record["outcome"].as_str());
            let is = |name: &str| answer.outcome.as_str() == name;
            let same =
                recorded.is_some_and(|name| is(name) || name.ends_with("remediated") && is("already_remediated"));
            must(same, || format!("{answer:?} is recorded as {recorded:?}"))
        }
    }
}

/// What an account came to, in the terms in which a run with a fault must equal one without: content, not numbers.
/// (That exemptions stay as they are is judged call by call.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) active: Vec<Shape>,
    pub(crate) record: Option<String>,
    /// Of a copy that is in force: whoever lost a race may or may not have come as far as to store one.
    pub(crate) backup: Option<String>,
}

pub(crate) fn end(world: &World) -> End {
    let state = world.state();
    let active = copies::shapes(&state);
    let record = records::newest(&state, RECORD);
    let recorded_copy = record.as_ref().is_some_and(|record| !record["copy"].is_null());
    let has_copy = recorded_copy && active.iter().any(|(is_ours, _)| *is_ours);
    let backup = state.s3.object(BUCKET, super::world::BACKUP).filter(|_| has_copy);
    // A revision that is not ACTIVE leaves no record, nor does it change one that an earlier look has left (which may
    // not have known whether something runs it).
    let is_moot = |record: &&serde_json::Value| {
        !state.ecs.active("web").contains(&1)
            && ["failed", "inactive", "alerted"].contains(&record["outcome"].as_str().unwrap_or_default())
    };
    End {
        active,
        record: record.as_ref().filter(|record| !is_moot(record)).map(records::in_short),
        backup: backup.map(|backup| meaning::of_text(&String::from_utf8_lossy(backup))),
    }
}

fn is_ours(principal: &str) -> bool {
    principal == GUARD || principal == SWEEP
}
