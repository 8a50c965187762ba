//! `guardctl help`: the help of a command, and topics that are no command.

use clap::CommandFactory as _;

use crate::args::Args;
use crate::exit::{self, Exit};
use crate::output::Output;
use crate::trouble::Trouble;

/// Shows it.
pub(crate) fn run(topic: &[String], output: Output) -> Result<Exit, Trouble> {
    if topic == ["exit-codes"] {
        output.data(exit::HELP)?;
        return Ok(Exit::Fine);
    }
    let mut command = Args::command();
    // What is global or generated is put into the subcommands only here.
    command.build();
    let mut named = &mut command;
    for name in topic {
        named = named.find_subcommand_mut(name).ok_or_else(|| {
            Trouble::new(Exit::Usage, format!("there is no command or topic {name}")).hint("guardctl help lists them")
        })?;
    }
    output.data(&named.render_long_help().ansi().to_string())?;
    Ok(Exit::Fine)
}
