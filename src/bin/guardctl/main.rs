//! The operator's command line. Parses what was typed, runs one command, says what went wrong: nothing else is decided
//! here. Data goes to stdout, talk to stderr; each command is a file of its own.

mod args;
mod check;
mod completions;
mod exit;
mod help;
mod output;
mod policy;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::output::Output;
use crate::trouble::Trouble;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and the version come this way too. A closed pipe is no reason to complain.
        Err(said) => {
            let _ = said.print();
            return if said.use_stderr() { Exit::Usage } else { Exit::Fine }.into();
        }
    };
    let output = Output::new(&args.options);
    let ended = run(&args, output).unwrap_or_else(|trouble| {
        output.troubles(std::slice::from_ref(&trouble));
        trouble.exit
    });
    ended.into()
}

fn run(args: &Args, output: Output) -> Result<Exit, Trouble> {
    match &args.command {
        Command::Check(args) => check::run(args, output),
        Command::Policy(args) => policy::run(args, output),
        Command::Completions { shell } => completions::run(*shell, output),
        Command::Help { topic } => help::run(topic, output),
    }
}
