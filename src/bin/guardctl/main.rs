//! The operator's command line. Parses what was typed, runs one command, says what went wrong: nothing else is decided
//! here. Data goes to stdout, talk to stderr; each command is a file of its own.

mod apply;
mod args;
mod ask;
mod backout;
mod check;
mod completions;
mod deployed;
mod doctor;
mod environment;
mod exempt;
mod exit;
mod failure;
mod help;
mod history;
mod input;
mod output;
mod paint;
mod plan;
mod policy;
mod read;
mod replay;
mod retire;
mod scan;
mod session;
mod show;
mod spell;
mod status;
mod table;
mod trouble;
mod when;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command, Exempt};
use crate::exit::Exit;
use crate::output::Output;
use crate::session::{Guard, SessionArgs};
use crate::trouble::Trouble;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help and the version come this way too. A closed pipe is no reason to complain.
        Err(said) => {
            let said = args::explained(said);
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
        Command::Status { session } => with(session, async |guard| status::run(guard, output).await),
        Command::History(args) => with(&args.session, async |guard| history::run(args, guard, output).await),
        Command::Show(args) => with(&args.session, async |guard| show::run(args, guard, output).await),
        Command::Plan(args) => with(&args.session, async |guard| plan::run(args, guard, output).await),
        Command::Apply(args) => with(&args.session, async |guard| apply::run(args, guard, output).await),
        Command::Replay(args) if args.offline => replay::offline(args, output),
        Command::Replay(args) => with(&args.session, async |guard| replay::run(args, guard, output).await),
        Command::Scan(args) if args.no_guard => block_on(async {
            let (session, home) = args.session.open_bare().await?;
            scan::run(args, &session, &home, None, output).await
        }),
        Command::Scan(args) => {
            with(&args.session, async |guard| scan::run(args, &guard.session, &guard.home, Some(guard), output).await)
        }
        Command::Backout(args) => with(&args.session, async |guard| backout::run(args, guard, output).await),
        Command::Retire(args) => with(&args.session, async |guard| retire::run(args, guard, output).await),
        Command::Exempt(Exempt::List { session }) => with(session, async |guard| exempt::list(guard, output).await),
        Command::Exempt(Exempt::Add(args)) => with(&args.session, async |guard| exempt::add(args, guard, output).await),
        Command::Exempt(Exempt::End(args)) => with(&args.session, async |guard| exempt::end(args, guard, output).await),
        Command::Doctor(args) => with(&args.session, async |guard| doctor::run(args, guard, output).await),
        Command::Check(args) => check::run(args, output),
        Command::Policy(args) => match policy::place(args, output)? {
            Some(home) => policy::offline(args, home, output),
            None => with(&args.session, async |guard| policy::run(args, guard, output).await),
        },
        Command::Completions { shell } => completions::run(*shell, output),
        Command::Help { topic } => help::run(topic, output),
    }
}

/// Signs in, finds the guard, and runs a command that asks it.
fn with(session: &SessionArgs, command: impl AsyncFnOnce(&Guard) -> Result<Exit, Trouble>) -> Result<Exit, Trouble> {
    block_on(async { command(&session.open().await?).await })
}

fn block_on(command: impl Future<Output = Result<Exit, Trouble>>) -> Result<Exit, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::new(Exit::Failed, "no call can be made").because(&error))?;
    runtime.block_on(command)
}
