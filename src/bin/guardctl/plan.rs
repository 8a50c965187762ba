//! `guardctl plan`: what the guard would do about a revision and why, by its own settings and its own plan. It reads with
//! the operator's rights and writes nothing.

use std::fmt::Write as _;

use clap::builder::styling::AnsiColor;
use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::alert::reason_in_words;
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::observation::{Observation, Run, Starter};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::plan::{Plan, Then};
use ecs_privileged_guard::domain::policy::{Mode, Policy};
use ecs_privileged_guard::domain::{escape, residual};
use ecs_privileged_guard::reconcile::Guard as Reconciler;
use serde::Serialize;

use crate::args::{Format, PlanArgs};
use crate::deployed::{Deployed, PATIENCE, unforeseen};
use crate::exit::Exit;
use crate::output::{Output, csv_row};
use crate::paint::word;
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;

/// What the guard would do about a revision.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    schema_version: u32,
    pub(crate) task_definition: String,
    pub(crate) mode: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<&'static str>,
    /// Whether anything would be written to ECS. A service that runs the original counts, whatever it will say.
    changes: bool,
    why: Option<&'static str>,
    edits: Vec<Edit>,
    pub(crate) steps: Vec<String>,
    pub(crate) copy: Option<String>,
    superseded_by: Option<String>,
    capabilities: Vec<String>,
    residual_access: Vec<String>,
}

/// A member that would change. Nothing but this flag ever does, so its values are all that is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edit {
    path: String,
    from: bool,
    to: bool,
}

/// What there is and what the guard would do about it, of a revision that ECS knows.
pub(crate) async fn foresee(
    id: &TaskDefinitionId,
    reconciler: &Reconciler,
    guard: &Guard,
) -> Result<(Observation, Plan), Trouble> {
    let foreseen = reconciler.foresee(id, Clock::live().now() + PATIENCE).await;
    let (seen, plan) = foreseen
        .map_err(|error| unforeseen(&format!("what the guard would do about {id} could not be found out"), &error))?;
    if seen.original.described().is_none() {
        let what = format!("ECS does not know {id}");
        let hint = format!("{} shows what is known of it", guard.command(&format!("show {id}")));
        return Err(Trouble::new(Exit::Failed, what).hint(hint));
    }
    Ok((seen, plan))
}

/// Shows it.
pub(crate) async fn run(args: &PlanArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let id = &args.revision;
    let Deployed { reconciler, .. } = Deployed::of(guard, args.function.as_deref(), args.mode).await?;
    let mode = reconciler.policy.mode;
    let (seen, plan) = foresee(id, &reconciler, guard).await?;
    let document = document(&reconciler.policy, &seen, &plan);
    match output.format {
        Format::Table => output.data(&text(&document, output.width()))?,
        Format::Json => output.json(&document)?,
        Format::Csv => {
            let steps = document.steps.iter().map(|step| csv_row(&[step]));
            output.data(&(csv_row(&["step"]) + &steps.collect::<String>()))?;
        }
    }
    let is_privileged = seen.original.described().is_some_and(|original| !original.privileged_containers().is_empty());
    if mode == Mode::Alert && is_privileged && !document.changes {
        let command = guard.command(&format!("plan {id} --mode remediate"));
        output.say(&format!("In mode alert the guard changes nothing; {command} shows what it would do."));
    }
    Ok(if args.exit_code && document.changes { Exit::Found } else { Exit::Fine })
}

/// Whether a run looks for services afterwards, to point them to the copy.
pub(crate) fn follows_services(seen: &Observation, plan: &Plan, policy: &Policy) -> bool {
    let is_copied = matches!(end_of(plan).0, Outcome::Remediated | Outcome::AlreadyRemediated);
    is_copied && policy.moves_services_of(&seen.id.family)
}

/// How a run ends that meets what was seen, and why.
fn end_of(plan: &Plan) -> (Outcome, Option<Reason>) {
    match &plan.then {
        Then::Copy(_) => (Outcome::Remediated, None),
        Then::Finish(finish) => (finish.outcome, None),
        Then::End(outcome, reason) => (*outcome, *reason),
    }
}

/// What a plan comes to.
pub(crate) fn document(policy: &Policy, seen: &Observation, plan: &Plan) -> Document {
    let id = &seen.id;
    let original = seen.original.described();
    let privileged = original.map(|original| original.privileged_containers().to_vec()).unwrap_or_default();
    let (outcome, reason) = end_of(plan);
    let makes_copy = matches!(plan.then, Then::Copy(_));
    let has_copy = makes_copy || plan.copy.is_some() || matches!(plan.then, Then::Finish(_));
    // What each service says is seen only then.
    let looks_at_services = follows_services(seen, plan, policy);
    let is_served = |run: &Run| run.revision == id.revision && matches!(run.starter, Starter::Service { .. });
    let services = looks_at_services
        .then(|| format!("Then look at each service that runs {id}, and point it to the copy, unless it has said no."));
    let about = |words: Vec<String>| words.iter().map(|words| escape::line(words)).collect();
    let of_original = |words: fn(&Described, &[String]) -> Vec<String>| {
        original.filter(|_| has_copy).map(|original| words(original, &privileged)).unwrap_or_default()
    };
    Document {
        schema_version: 1,
        task_definition: id.to_string(),
        mode: policy.mode.as_str(),
        outcome: outcome.as_str(),
        reason: reason.map(Reason::as_str),
        why: reason.map(reason_in_words),
        changes: makes_copy || !plan.withdraw.is_empty() || looks_at_services && seen.usage.runs.iter().any(is_served),
        edits: privileged
            .iter()
            .filter(|_| makes_copy)
            .map(|name| Edit {
                path: format!("containerDefinitions[{}].privileged", escape::line(name)),
                from: true,
                to: false,
            })
            .collect(),
        steps: about(plan.sentences().into_iter().chain(services).collect()),
        copy: plan.copy.as_ref().map(|copy| copy.id.to_string()),
        superseded_by: plan.superseded_by.as_ref().map(ToString::to_string),
        capabilities: about(of_original(residual::capabilities)),
        residual_access: about(of_original(residual::access)),
    }
}

/// The same for people.
pub(crate) fn text(document: &Document, width: Option<u16>) -> String {
    let Document { task_definition, mode, outcome, reason, .. } = document;
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut text = format!("{task_definition} in mode {mode} would end as {}{reason}\n", word(outcome));
    text.extend(document.why.map(|why| format!("why: {why}\n")));
    let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
    if !document.edits.is_empty() {
        let _ = writeln!(text, "\n--- {task_definition}\n+++ its copy");
        for Edit { path, from, to } in &document.edits {
            let _ = writeln!(text, "{red}- {path}: {from}{red:#}\n{green}+ {path}: {to}{green:#}");
        }
    }
    if let Some(copy) = &document.copy {
        let _ = writeln!(text, "\nits copy: {copy}");
    }
    if let Some(newer) = &document.superseded_by {
        let _ = writeln!(text, "\nsuperseded by: {newer}");
    }
    // The difference shows the edits already.
    let is_edit = |step: &&String| document.edits.iter().any(|edit| step.starts_with(&edit.path));
    let steps = document.steps.iter().filter(|step| !is_edit(step)).enumerate();
    let shown_above =
        |step: &String| step.replace(", with this and no other change:", ", with that change and no other.");
    let steps = steps.map(|(index, step)| vec![format!("{}.", index + 1), shown_above(step)]);
    let _ = write!(text, "\nsteps:\n{}", table(&[], steps, &[0], width));
    for (heading, words) in [
        ("what happens to capabilities", &document.capabilities),
        ("ways to the host that remain", &document.residual_access),
    ] {
        if !words.is_empty() {
            let rows = words.iter().map(|words| vec!["-".to_owned(), words.clone()]);
            let _ = write!(text, "\n{heading}:\n{}", table(&[], rows, &[0], width));
        }
    }
    text
}
