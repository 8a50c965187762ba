//! Ends an exemption now. It stays where it is, with a new end, so that what was allowed can be read later; nothing is
//! deleted.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::Family;
use ecs_privileged_guard::domain::exemption::Exemption;
use jiff::Timestamp;
use serde_json::json;

use super::list::csv_of;
use super::{read, write};
use crate::args::{ExemptEndArgs, Format};
use crate::ask::ask;
use crate::exit::Exit;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::when::{from_now, seconds};

/// Ends it.
pub(crate) async fn run(args: &ExemptEndArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let (now, family) = (seconds(Clock::live().now()), &args.family);
    let Some(held) = read(guard, family).await? else {
        let what = format!("there is no exemption of {family}");
        return Err(Trouble::new(Exit::Failed, what).hint(format!("{} lists them", guard.command("exempt list"))));
    };
    let exemption = Exemption::read(&held.text).map_err(|why| {
        let what = format!("the exemption of {family} cannot be understood, so its end cannot be written");
        let add = guard.command(&format!("exempt add {family}"));
        let hint = format!("it does not hold, and stops the guard until it is gone: {add} writes it anew");
        Trouble::new(Exit::Refused, what).because(&why).hint(hint)
    })?;
    if exemption.expires_at <= now {
        let end = exemption.expires_at;
        output.say(&format!("The exemption of {family} has ended, {} ({}).", from_now(end, now), seconds(end)));
        return show(family, &exemption, now, output);
    }
    output.say(&format!(
        "{family}: {} may be privileged until {}, {}; approved by {}.",
        exemption.containers.join(", "),
        seconds(exemption.expires_at),
        from_now(exemption.expires_at, now),
        exemption.approved_by
    ));
    output.say("Once it has ended the guard treats it as if nobody had exempted it: the next sweep looks at it.");
    if !ask("End it now?", args.yes, output)? {
        output.say("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    let ended = Exemption { expires_at: now, ..exemption };
    write(guard, family, &ended, Some(&held)).await?;
    output.say(&format!("The exemption of {family} has ended."));
    show(family, &ended, now, output)
}

/// For programs, whether it has ended now or before. People have been told.
fn show(family: &Family, ended: &Exemption, now: Timestamp, output: Output) -> Result<Exit, Trouble> {
    match output.format {
        Format::Table => {}
        Format::Csv => output.data(&csv_of(family, ended, now))?,
        Format::Json => {
            output.json(&json!({ "schemaVersion": 1, "family": family, "expiresAt": ended.expires_at }))?;
        }
    }
    Ok(Exit::Fine)
}
