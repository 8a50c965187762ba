//! `guardctl doctor`: is the pipe alive? Asks the stack what it has made, and each part how it is; the domain judges. It only
//! reads, unless `--live` has it registered something.

mod live;
mod look;
mod show;

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::pipe::{Health, Row, judge};

use self::look::look;
use self::show::{list, show, sum};
use crate::args::DoctorArgs;
use crate::exit::Exit;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;

/// Looks, says how it is, and, if that was asked for, tries it.
pub(crate) async fn run(args: &DoctorArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let pipe = look(guard, output).await?;
    let mut rows = judge(&pipe, Clock::live().now());
    // Whoever is asked sees first what is known already.
    list(&rows, output)?;
    let tried = match args.live {
        true => live::run(args, guard, output).await,
        false => Ok(None),
    };
    if let Ok(Some(row)) = &tried {
        list(std::slice::from_ref(row), output)?;
        rows.push(row.clone());
    }
    show(&rows, output)?;
    // A question that was answered with no is no failure of the pipe, but what was asked for was not done.
    let is_refused = args.live && matches!(&tried, Ok(None));
    tried?;
    output.say(&sum(&rows));
    let exit = exit_of(&rows);
    Ok(if is_refused && exit == Exit::Fine { Exit::Failed } else { exit })
}

/// What is broken counts first: it is known.
fn exit_of(rows: &[Row]) -> Exit {
    match rows {
        rows if rows.iter().any(|row| row.health == Health::Broken) => Exit::Found,
        rows if rows.iter().any(Row::is_denied) => Exit::Denied,
        rows if rows.iter().any(|row| row.health == Health::NotSeen) => Exit::Failed,
        _ => Exit::Fine,
    }
}
