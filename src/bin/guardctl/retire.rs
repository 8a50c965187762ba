//! `guardctl retire`: originals that nothing refers to any more are deregistered, one in two seconds, by an operator and never
//! by a function: schedules, state machines and scripts that name a number cannot be seen from here. Whatever may still be
//! needed is kept, and so is what could not be brought back.

mod look;
mod show;

use ecs_privileged_guard::aws::{Ecs, Pace};
use ecs_privileged_guard::domain::arn::TaskDefinitionId;

use self::look::{Looking, Original};
use self::show::{list, show};
use crate::args::RetireArgs;
use crate::ask::ask;
use crate::backout::interrupted;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::when::counted;

/// What deregistering means:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>
const BREAKS: [&str; 3] = [
    "What runs goes on, but a number that is deregistered never comes back.",
    "What names one of them by its number fails from then on, and cannot be seen from here: schedules, Step Functions, \
     scripts, rollbacks of stacks, Terraform's state.",
    "guardctl backout still brings each of them back, from its backup, as a new revision.",
];

/// Finds them, asks, and deregisters them.
pub(crate) async fn run(args: &RetireArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    // The pace of a sweep: five reads a second, one write in two seconds.
    let ecs = guard.session.connect(guard.home.clone(), guard.bucket.clone(), Pace::of_sweep).ecs;
    let looking = Looking::begin(guard, &ecs, args.function.as_deref(), args.family.as_ref()).await?;
    let mut originals = looking.look(output).await?;
    let count = originals.iter().filter(|original| original.is_retirable()).count();
    list(&originals, output)?;
    if count == 0 || args.dry_run {
        show(&originals, args.dry_run, output)?;
        match count {
            0 => output.say("There is no original to retire."),
            count => output.say(&format!("{} would be deregistered.", counted(count, "original", "originals"))),
        }
        return Ok(Exit::Fine);
    }
    for line in BREAKS {
        output.say(line);
    }
    if !ask(&format!("Deregister {}?", counted(count, "original", "originals")), args.yes, output)? {
        output.say("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    if !args.yes {
        // Whoever was asked may have taken an hour.
        let again = looking.look(output).await?;
        originals = again.into_iter().filter(|new| originals.iter().any(|old| old.is_the_same_as(new))).collect();
    }
    let mut at_work: Option<TaskDefinitionId> = None;
    let ended = tokio::select! {
        ended = deregister(&looking, &ecs, &mut originals, &mut at_work, output) => ended,
        () = interrupted() => Err(Trouble::new(Exit::Interrupted, "interrupted while originals were deregistered")),
    };
    show(&originals, false, output)?;
    let done: Vec<String> = originals.iter().filter(|it| it.is_done()).map(|it| it.id.to_string()).collect();
    let world = match done.as_slice() {
        [] => "Nothing was changed.".to_owned(),
        done => format!("Deregistered: {}.", done.join(", ")),
    };
    let Err(trouble) = ended else {
        output.say(&world);
        return Ok(if done.len() == count { Exit::Fine } else { Exit::Partly });
    };
    let is_partly = !done.is_empty() && trouble.exit != Exit::Interrupted;
    let exit = if is_partly { Exit::Partly } else { trouble.exit };
    let again = guard.command("retire");
    let world = match (at_work, done.is_empty()) {
        (Some(id), true) => format!("Whether {id} was deregistered is not known; {again} says, and goes on."),
        (Some(id), false) => format!("{world} Whether {id} was is not known; {again} says, and goes on."),
        (None, true) => world,
        (None, false) => format!("{world} {again} goes on."),
    };
    Err(trouble.world(world).ends(exit))
}

/// One after the other; the first that fails ends it, and what has changed since it was looked at is kept.
async fn deregister(
    looking: &Looking<'_>,
    ecs: &Ecs,
    originals: &mut [Original],
    at_work: &mut Option<TaskDefinitionId>,
    output: Output,
) -> Result<(), Trouble> {
    let count = originals.len();
    for (number, original) in originals.iter_mut().enumerate().filter(|(_, original)| original.is_retirable()) {
        output.progress(&format!("{number} of {count} looked at again; {} is next", original.id));
        if let Some(why) = looking.keeps(&original.id, &original.copy).await? {
            output.say(&format!("{} is kept: {}.", original.id, why.in_words()));
            original.keep(why);
            continue;
        }
        *at_work = Some(original.id.clone());
        if let Err(failure) = ecs.deregister(&original.id).await {
            // An answer may be lost: what counts is what is there.
            if looking.is_active(&original.id).await.unwrap_or(true) {
                if !failure.may_be_done() {
                    *at_work = None;
                }
                return Err(trouble(format!("{} could not be deregistered", original.id), &failure));
            }
        }
        *at_work = None;
        original.done();
    }
    Ok(())
}
