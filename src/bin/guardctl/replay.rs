//! `guardctl replay`: an event through the guard's own code, as far as its first write: how it is understood, what would be
//! done, which calls that write would be made, and what people would be told. Nothing is written and nobody is told: what
//! foresees knows no topic, and carries no plan out.

mod show;
mod understood;

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::event::{self, Event};
use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::reconcile::Foretold;

use self::show::{Document, show};
use self::understood::{read, refused};
use crate::args::ReplayArgs;
use crate::deployed::{Deployed, PATIENCE, unforeseen};
use crate::exit::Exit;
use crate::input::Input;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;

/// Shows what the event leads to in the account.
pub(crate) async fn run(args: &ReplayArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let input = Input::typed(&args.file);
    let payload = read(&input)?;
    let event = event::parse(&payload, &guard.home).map_err(|why| refused(&input, &why))?;
    let mut document = Document::of(&event);
    let mut are_services_moved = false;
    if let Event::Look { subject, provenance, .. } = &event {
        let Deployed { reconciler, topic, .. } = Deployed::of(guard, args.function.as_deref(), args.mode).await?;
        let deadline = Clock::live().now() + PATIENCE;
        let foretold = reconciler.foretell(subject, provenance, &topic, deadline).await;
        let foretold = foretold
            .map_err(|error| unforeseen("what the guard would do about the event could not be found out", &error))?;
        are_services_moved = reconciler.policy.mode == Mode::Enforce && !matches!(foretold, Foretold::Silent(_));
        document.comes_to(&foretold, &reconciler.policy);
    }
    show(&document, output)?;
    if are_services_moved {
        output.say("What becomes of services is not foreseen: each is looked at when its turn comes.");
    }
    output.say("Nothing was changed, and nobody was told.");
    Ok(Exit::Fine)
}

/// Shows how the event is understood, in the account and Region that it says it is of.
pub(crate) fn offline(args: &ReplayArgs, output: Output) -> Result<Exit, Trouble> {
    let input = Input::typed(&args.file);
    let payload = read(&input)?;
    let event = event::home(&payload).and_then(|home| event::parse(&payload, &home));
    let event = event.map_err(|why| refused(&input, &why))?;
    show(&Document::of(&event), output)?;
    Ok(Exit::Fine)
}
