//! `guardctl apply`: does what `plan` shows, with the operator's rights, by the guard's own code: backup first, proof after,
//! alert, record. It refuses where backout could not undo it.

mod ended;
mod show;
mod who;

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::observation::Observation;
use ecs_privileged_guard::domain::outcome::Outcome;
use ecs_privileged_guard::domain::plan::{Plan, Then};
use ecs_privileged_guard::domain::policy::{Mode, Policy};
use ecs_privileged_guard::domain::provenance::Provenance;
use jiff::SignedDuration;

use self::ended::{failed, not_ended, not_moved};
use self::show::{Done, show};
use self::who::somebody_of_ours;
use crate::args::{ApplyArgs, Format};
use crate::ask::ask;
use crate::backout::interrupted;
use crate::deployed::Deployed;
use crate::exit::Exit;
use crate::output::Output;
use crate::plan::{document, follows_services, foresee, text};
use crate::session::Guard;
use crate::trouble::Trouble;

/// As long as the guard's function has.
const TIME: SignedDuration = SignedDuration::from_mins(2);

/// Shows the plan, asks, and carries it out.
pub(crate) async fn run(args: &ApplyArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let id = &args.revision;
    let deployed = Deployed::of(guard, args.function.as_deref(), args.mode).await?;
    let mode = deployed.reconciler.policy.mode;
    refuse(id, &deployed, guard)?;
    let person = somebody_of_ours(guard, &deployed.reconciler.policy).await?;
    let reconciler = deployed.that_tells(guard);
    let (seen, plan) = foresee(id, &reconciler, guard).await?;
    let shown = document(&reconciler.policy, &seen, &plan);
    if output.format == Format::Table {
        output.data(&text(&shown, output.width()))?;
    }
    if let Some(outcome) = nothing_to_do(&seen, &plan, &reconciler.policy) {
        let done = Done::nothing(&shown, outcome, &person);
        show(&done, guard, output)?;
        output.say(&match done.exit == Exit::Fine {
            true => format!("There is nothing to apply to {id}."),
            false => format!("Nothing is applied to {id}: it stays privileged."),
        });
        return Ok(done.exit);
    }
    if output.format != Format::Table && !args.yes {
        shown.steps.iter().for_each(|step| output.say(&format!("  {step}")));
    }
    if !args.yes && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        output.say("");
    }
    // arn:aws:sts::111122223333:assumed-role/NAME/SESSION
    let name = person.split_once('/').map_or(person.as_str(), |(_, name)| name);
    if !ask(&format!("Apply this to {id}, as {name}?"), args.yes, output)? {
        output.say("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    let seen = match args.yes {
        true => seen,
        // Whoever was asked may have taken an hour.
        false => {
            let (seen, new) = foresee(id, &reconciler, guard).await?;
            if new.sentences() != plan.sentences() {
                let what = format!("what there is to do about {id} has changed since it was shown");
                return Err(Trouble::new(Exit::Failed, what).hint(format!("{} shows it anew", again(args, guard))));
            }
            seen
        }
    };
    output.progress(&format!("at work on {id}"));
    let provenance = Provenance::of_person(person.clone(), seen.batch_by_event);
    let ended = tokio::select! {
        ended = reconciler.remedy_at_word(id, &provenance, Clock::live().now() + TIME) => ended,
        () = interrupted() => return Err(interrupted_at_work(args, guard)),
    };
    let concluded = match ended {
        Ok(concluded) => concluded,
        Err(error) => return Err(not_ended(&error, id, &reconciler, guard, &again(args, guard)).await),
    };
    if let Some(trouble) = failed(&concluded, &plan, guard, &again(args, guard)) {
        return Err(trouble);
    }
    let done = Done::of(&concluded, mode, &person, guard);
    show(&done, guard, output)?;
    output.troubles(&not_moved(&concluded, &again(args, guard)));
    Ok(done.exit)
}

/// What is refused whatever the revision is: where the guard changes nothing, or what would be done could not be followed,
/// or not be undone.
fn refuse(id: &TaskDefinitionId, deployed: &Deployed, guard: &Guard) -> Result<(), Trouble> {
    let mode = deployed.reconciler.policy.mode;
    if mode == Mode::Alert {
        let what = "in mode alert the guard changes nothing, and neither does apply";
        let hint = format!("{} does it all the same", guard.command(&format!("apply {id} --mode remediate")));
        return Err(Trouble::new(Exit::Refused, what).hint(hint));
    }
    if mode == Mode::Enforce && deployed.own_mode != Mode::Enforce {
        let what = format!("the guard is in mode {}, so nobody would follow the services", deployed.own_mode.as_str());
        let hint =
            format!("{} makes the copy, and leaves them alone", guard.command(&format!("apply {id} --mode remediate")));
        return Err(Trouble::new(Exit::Refused, what).hint(hint));
    }
    Ok(())
}

/// What it ends as, where a run would write nothing to ECS, nor look for services to move.
fn nothing_to_do(seen: &Observation, plan: &Plan, policy: &Policy) -> Option<Outcome> {
    match plan.then {
        Then::End(outcome, _) if plan.withdraw.is_empty() && !follows_services(seen, plan, policy) => Some(outcome),
        Then::End(..) | Then::Copy(_) | Then::Finish(_) => None,
    }
}

/// The same command again: a run goes on where one has stopped.
fn again(args: &ApplyArgs, guard: &Guard) -> String {
    let mode = args.mode.map(|mode| format!(" --mode {}", Mode::from(mode).as_str())).unwrap_or_default();
    let function = args.function.as_deref().map(|name| format!(" --function {}", escape::shell(name)));
    guard.command(&format!("apply {}{mode}{}", args.revision, function.unwrap_or_default()))
}

fn interrupted_at_work(args: &ApplyArgs, guard: &Guard) -> Trouble {
    let id = &args.revision;
    Trouble::new(Exit::Interrupted, format!("interrupted at work on {id}"))
        .hint(format!("{} goes on where it stopped", again(args, guard)))
        .world(format!(
            "Until then a backup of {id} may have been stored, and a copy registered that no record names yet; where \
             nobody goes on, the next sweep does in modes remediate and enforce."
        ))
}
