//! `guardctl backout`: asks the backout function to undo what the guard did to an original, and follows the services until
//! they have settled. The function does the work; what is interrupted here goes on there.

mod follow;

use ecs_privileged_guard::aws::Invoked;
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::escape;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

use self::follow::{Followed, follow};
use crate::args::{BackoutArgs, DAYS, Format};
use crate::ask::ask;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::paint::cell;
use crate::session::{Function, Guard};
use crate::spell::spell;
use crate::table::{self, table};
use crate::trouble::Trouble;
use crate::when::seconds;

/// What a dry run says where nobody has said why: it writes nothing.
const NOT_SAID: &str = "dry run";

/// What the function answers; what it will say one day beyond this is shown with `-o json` only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    outcome: String,
    reason: Option<String>,
    task_definition: Option<String>,
    copy: Option<String>,
    restored: Option<String>,
    until: Option<jiff::Timestamp>,
    #[serde(default)]
    services: Vec<Service>,
    message: Option<String>,
    #[serde(default)]
    dry_run: bool,
    plan: Option<Vec<String>>,
}

/// A service that ran the copy.
#[derive(Debug, Clone, Deserialize)]
struct Service {
    cluster: String,
    #[serde(rename = "service")]
    name: String,
    state: String,
}

/// Carries it out.
pub(crate) async fn run(args: &BackoutArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let function = guard.function(Function::Backout, args.function.as_deref())?;
    if args.dry_run {
        let (answer, whole) = invoke(args, true, guard, &function).await?;
        show(&answer, whole, output)?;
        return Ok(exit_of(&answer));
    }
    if !args.yes {
        // Whoever decides sees what it comes to first; on no terminal the question ends it before anything is asked.
        if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            let (answer, _) = invoke(args, true, guard, &function).await?;
            output.say(&sentence(&answer));
            answer.plan.iter().flatten().for_each(|step| output.say(&format!("  {step}")));
            if exit_of(&answer) != Exit::Fine {
                return Ok(exit_of(&answer));
            }
        }
        if !ask(&format!("Back out {}?", args.revision), false, output)? {
            output.say("Nothing was changed.");
            return Ok(Exit::Failed);
        }
    }
    output.progress(&format!("{function} is at work"));
    // One wait for both: an interrupt between them is not lost.
    let mut interrupt = std::pin::pin!(interrupted());
    let invoked = tokio::select! {
        invoked = invoke(args, false, guard, &function) => invoked,
        () = &mut interrupt => return Err(interrupted_at_work(args, guard, &function)),
    };
    let (answer, whole) = invoked?;
    show(&answer, whole, output)?;
    let exit = exit_of(&answer);
    let moving: Vec<Service> =
        answer.services.iter().filter(|service| is_on_its_way(&service.state)).cloned().collect();
    if exit != Exit::Fine || args.no_wait || moving.is_empty() {
        return Ok(exit);
    }
    let restored = answer.restored.as_deref().and_then(|restored| restored.parse().ok());
    let followed = tokio::select! {
        followed = follow(&moving, restored.as_ref(), guard, args.minutes, output) => followed?,
        () = &mut interrupt => {
            let names: Vec<String> = moving.iter().map(|it| format!("{}/{}", it.cluster, it.name)).collect();
            return Err(Trouble::new(Exit::Interrupted, "interrupted: nobody follows the services any more")
                .hint(format!("ECS goes on by itself; how far it is: {}", look(&moving, guard)))
                .world(format!("The backout is done; on their way back: {}.", names.join(", "))));
        }
    };
    Ok(match followed {
        Followed::Settled => Exit::Fine,
        Followed::NotAll => Exit::Partly,
    })
}

/// The commands that show how far services have come: the same backout again would find nothing to do, and not follow.
fn look(moving: &[Service], guard: &Guard) -> String {
    let region = guard.home.region();
    let command = |it: &Service| {
        let (cluster, name) = (escape::shell(&it.cluster), escape::shell(&it.name));
        format!("aws ecs describe-services --region {region} --cluster {cluster} --services {name}")
    };
    moving.iter().map(command).collect::<Vec<_>>().join("; ")
}

/// Ends when somebody presses Ctrl-C.
pub(crate) async fn interrupted() {
    // Where no signal can be waited for, none interrupts here, and the process ends by it as ever.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The same command again: every step of a backout is safe to repeat.
fn again(args: &BackoutArgs, guard: &Guard) -> String {
    let said = |name: &str, text: &Option<String>| {
        text.as_ref().map(|text| format!(" --{name} {}", escape::shell(text))).unwrap_or_default()
    };
    let (reason, approved) = (said("reason", &args.reason), said("approved-by", &args.approved_by));
    let days = if args.days == DAYS { String::new() } else { format!(" --days {}", args.days) };
    let replace = if args.replace { " --replace" } else { "" };
    let function = said("function", &args.function);
    guard.command(&format!("backout {}{days}{replace}{reason}{approved}{function}", args.revision))
}

fn interrupted_at_work(args: &BackoutArgs, guard: &Guard, function: &str) -> Trouble {
    Trouble::new(Exit::Interrupted, "interrupted while the backout was at work")
        .hint(format!("{} goes on where it stopped, and says what was done", again(args, guard)))
        .world(format!(
            "{function} goes on without this terminal; what it has done is in the alert, and in the record."
        ))
}

/// The answer, and as it came.
async fn invoke(args: &BackoutArgs, dry_run: bool, guard: &Guard, function: &str) -> Result<(Answer, Value), Trouble> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| NOT_SAID.to_owned());
    let request = json!({
        "taskDefinition": args.revision,
        "reason": text(&args.reason),
        "approvedBy": text(&args.approved_by),
        "expiresInDays": args.days,
        "replace": args.replace,
        "dryRun": dry_run,
    });
    let failed = || format!("{function} did not back out {}", args.revision);
    let unknown = "Whether it has changed anything is not known; the alert and the record say.";
    let hint = || format!("every step is safe to repeat: {}", again(args, guard));
    let answer = match guard.session.invoke(function, &request.to_string()).await {
        Ok(Invoked::Answer(text)) => text,
        Ok(Invoked::Failed(text)) => {
            let told: Value = serde_json::from_str(&text).unwrap_or_default();
            let says = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or("it does not say why").to_owned();
            let trouble = Trouble::new(Exit::Failed, failed()).cause(&says("errorMessage")).hint(hint());
            return Err(if dry_run { trouble } else { trouble.world(unknown) });
        }
        Err(failure) if failure.may_be_done() && !dry_run => {
            return Err(trouble(failed(), &failure).hint(hint()).world(unknown));
        }
        Err(failure) => return Err(trouble(failed(), &failure)),
    };
    let garbled = |why: serde_json::Error| {
        let trouble =
            Trouble::new(Exit::Failed, format!("the answer of {function} cannot be understood")).because(&why);
        if dry_run { trouble } else { trouble.hint(hint()).world(unknown) }
    };
    let whole: Value = serde_json::from_str(&answer).map_err(garbled)?;
    Ok((Answer::deserialize(&whole).map_err(garbled)?, whole))
}

fn show(answer: &Answer, whole: Value, output: Output) -> Result<(), Trouble> {
    match output.format {
        Format::Table => {
            let width = output.width();
            let mut text = table::sentence("", &escape::line(&sentence(answer)), width);
            for step in answer.plan.iter().flatten() {
                text += &table::sentence("  ", &escape::line(step), width);
            }
            if !answer.services.is_empty() && !answer.dry_run {
                let rows = answer
                    .services
                    .iter()
                    .map(|it| vec![escape::line(&it.cluster), escape::line(&it.name), cell(&escape::line(&it.state))]);
                let _ = write!(text, "\n{}", table(&["CLUSTER", "SERVICE", "STATE"], rows, &[2], output.width()));
            }
            output.data(&text)
        }
        Format::Json => {
            let mut whole = whole;
            spell(&mut whole);
            output.json(&whole)
        }
        Format::Csv => {
            let [reason, task_definition, copy, restored] =
                [&answer.reason, &answer.task_definition, &answer.copy, &answer.restored]
                    .map(|text| text.as_deref().unwrap_or_default());
            let row = csv_row(&[&answer.outcome, reason, task_definition, copy, restored]);
            output.data(&(csv_row(&["outcome", "reason", "taskDefinition", "copy", "restored"]) + &row))
        }
    }
}

/// What it came to, in a sentence.
fn sentence(answer: &Answer) -> String {
    let reason = answer.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let of = answer.task_definition.as_ref().map(|id| format!("{id}: ")).unwrap_or_default();
    if answer.dry_run {
        let refused = answer.message.as_ref().filter(|_| answer.plan.is_none());
        let refused = refused.map(|message| format!(": {message}")).unwrap_or_default();
        return format!("{of}nothing was done; it would end as {}{reason}{refused}", answer.outcome);
    }
    let mut text = format!("{of}{}{reason}", answer.outcome);
    if let Some(restored) = &answer.restored {
        let _ = write!(text, "; {restored} is in force");
    }
    if let Some(copy) = &answer.copy {
        let _ = write!(text, "; {copy} is deregistered");
    }
    if let Some(until) = answer.until {
        let _ = write!(text, "; exempt until {}", seconds(until));
    }
    if let Some(message) = &answer.message {
        let _ = write!(text, ": {message}");
    }
    text
}

fn exit_of(answer: &Answer) -> Exit {
    // An exemption is the first that it writes. It may have been there before, which is not told apart here: to whoever
    // takes 1 for "nothing was done" the family must not be exempt.
    let is_exempt = answer.until.is_some() && !answer.dry_run;
    let has_done = is_exempt || answer.restored.is_some() || answer.copy.is_some() || !answer.services.is_empty();
    match answer.outcome.as_str() {
        "backed_out" | "already_backed_out" | "nothing_to_back_out" => Exit::Fine,
        "refused" => Exit::Refused,
        "failed" if has_done => Exit::Partly,
        _ => Exit::Failed,
    }
}

/// By the words of a backout: what was pointed back, and what was on its way already.
fn is_on_its_way(state: &str) -> bool {
    matches!(state, "moving" | "moved_back" | "moved")
}

/// For the arguments.
pub(crate) fn revision(text: &str) -> Result<TaskDefinitionId, &'static str> {
    text.parse().map_err(|_| "not FAMILY:REVISION, like web:12")
}
