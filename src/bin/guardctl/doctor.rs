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
        true => Some(live::run(args, guard, output).await),
        false => None,
    };
    let (row, ended) = tried.map_or((None, Ok(Exit::Fine)), |tried| (tried.row, tried.ended));
    if let Some(row) = row {
        list(std::slice::from_ref(&row), output)?;
        rows.push(row);
    }
    // What was seen is shown, whatever came after it.
    show(&rows, output)?;
    let ended = ended?;
    output.say(&sum(&rows));
    let exit = exit_of(&rows);
    Ok(if exit == Exit::Fine { ended } else { exit })
}

/// What is broken counts first: it is known. What only others can see is no failure: nobody here could heal it.
fn exit_of(rows: &[Row]) -> Exit {
    match rows {
        rows if rows.iter().any(|row| row.health == Health::Broken) => Exit::Found,
        rows if rows.iter().any(Row::is_denied) => Exit::Denied,
        rows if rows.iter().any(Row::has_failed) => Exit::Failed,
        _ => Exit::Fine,
    }
}
