//! `guardctl help`: the help of a command, and topics that are no command.

use clap::CommandFactory as _;

use crate::args::Args;
use crate::exit::{self, Exit};
use crate::output::Output;
use crate::trouble::Trouble;

/// Shows it.
pub(crate) fn run(topic: &[String], output: Output) -> Result<Exit, Trouble> {
    let unknown = |words: &[String]| {
        let what = format!("there is no command or topic {}", words.join(" "));
        Trouble::new(Exit::Usage, what).hint("guardctl help lists them")
    };
    match topic {
        [topic] if topic == "exit-codes" => {
            output.data(exit::HELP)?;
            return Ok(Exit::Fine);
        }
        [first, ..] if first == "exit-codes" => return Err(unknown(topic)),
        _ => {}
    }
    let mut command = Args::command();
    // What is global or generated is put into the subcommands only here.
    command.build();
    let mut named = &mut command;
    for (index, name) in topic.iter().enumerate() {
        named = named.find_subcommand_mut(name).ok_or_else(|| unknown(&topic[..=index]))?;
    }
    output.data(&named.render_long_help().ansi().to_string())?;
    Ok(Exit::Fine)
}
