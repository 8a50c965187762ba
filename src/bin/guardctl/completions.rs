//! `guardctl completions`: what a shell needs to complete commands and options.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;
use crate::output::Output;
use crate::trouble::Trouble;

/// Writes them.
pub(crate) fn run(shell: Shell, output: Output) -> Result<Exit, Trouble> {
    // Into memory first: a pipe that closes must end quietly, and the generator panics.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "guardctl", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
