//! Asks before something is changed: on a terminal. Elsewhere nobody could answer, and `--yes` must have been typed.

use std::io::{BufRead as _, IsTerminal as _, stdin};

use crate::exit::Exit;
use crate::output::Output;
use crate::trouble::Trouble;

/// Whether to go on.
pub(crate) fn ask(question: &str, is_yes: bool, output: Output) -> Result<bool, Trouble> {
    if is_yes {
        return Ok(true);
    }
    if !stdin().is_terminal() {
        let what = "nobody can be asked: stdin is no terminal";
        return Err(Trouble::new(Exit::Usage, what).hint("--yes goes on without asking"));
    }
    output.prompt(&format!("{question} [y/N] "));
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    read.map_err(|error| Trouble::new(Exit::Failed, "the answer could not be read").because(&error))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
