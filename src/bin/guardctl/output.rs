//! Where words go: data to stdout, talk to stderr. Colour is left out where it is not wanted (`--color`, `NO_COLOR`, a pipe):
//! anstream decides. A pipe that its reader has closed ends the writing, and is no failure.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::ColorChoice;
use ecs_privileged_guard::domain::escape;
use serde::Serialize;

use crate::args::{Format, Options};
use crate::environment::variable;
use crate::exit::Exit;
use crate::trouble::Trouble;

/// How one run speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// How data is written.
    pub(crate) format: Format,
    is_quiet: bool,
    is_verbose: bool,
}

impl Output {
    /// As the options say.
    pub(crate) fn new(options: &Options) -> Self {
        match options.color {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        }
        .write_global();
        Self { format: options.output, is_quiet: options.quiet, is_verbose: options.verbose }
    }

    /// Data. Whatever in it was written by others has passed the escaper of its format.
    #[expect(clippy::unused_self, reason = "a command speaks through one thing")]
    pub(crate) fn data(self, text: &str) -> Result<(), Trouble> {
        clear();
        let mut stdout = anstream::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Trouble::new(Exit::Failed, "stdout could not be written").because(&error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Talk: a line for people, whatever it quotes.
    pub(crate) fn say(self, line: &str) {
        if !self.is_quiet {
            to_stderr(&format!("{}\n", escape::line(line)));
        }
    }

    /// What only somebody who asked for it wants to know.
    pub(crate) fn detail(self, line: &str) {
        if self.is_verbose {
            to_stderr(&format!("{}\n", escape::line(line)));
        }
    }

    /// How wide a line may be, where somebody reads it: what a program reads is not wrapped.
    #[expect(clippy::unused_self, reason = "a command speaks through one thing")]
    pub(crate) fn width(self) -> Option<u16> {
        let asked = variable("COLUMNS").and_then(|columns| columns.parse().ok());
        asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| width.0))
    }

    /// Data as JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), Trouble> {
        self.data(&json(value))
    }

    /// A question, which waits for its answer on the same line. It is asked in any case.
    #[expect(clippy::unused_self, reason = "a command speaks through one thing")]
    pub(crate) fn prompt(self, question: &str) {
        to_stderr(&escape::line(question));
    }

    /// What a command is at, on a line that whatever is written next takes the place of; nothing where nobody watches.
    pub(crate) fn progress(self, line: &str) {
        let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
        if !self.is_quiet && std::io::stderr().is_terminal() && !is_dumb {
            // A line that is wrapped cannot be taken away.
            let width = usize::from(self.width().unwrap_or(80)).saturating_sub(1);
            to_stderr(&escape::line(line).chars().take(width).collect::<String>());
            IS_AT_WORK.store(true, Ordering::Relaxed);
        }
    }

    /// All that went wrong, and, after the last, the state of the world. It is said in any case.
    #[expect(clippy::unused_self, reason = "a command speaks through one thing")]
    pub(crate) fn troubles(self, troubles: &[Trouble]) {
        let mut text: String = troubles.iter().map(Trouble::text).collect();
        text.extend(troubles.last().map(Trouble::state));
        to_stderr(&text);
    }
}

/// JSON, indented. What could steer a terminal is escaped in it, and means the same. Nothing that is given here can fail to
/// be written.
pub(crate) fn json(value: &impl Serialize) -> String {
    escape::json(&serde_json::to_string_pretty(value).unwrap_or_default()) + "\n"
}

/// A row of CSV: <https://www.rfc-editor.org/rfc/rfc4180>. A spreadsheet takes what begins like a formula for one, and so
/// could be made to run it: <https://owasp.org/www-community/attacks/CSV_Injection>.
pub(crate) fn csv_row(fields: &[&str]) -> String {
    let field = |field: &&str| {
        let text = escape::line(field);
        let is_formula = text.starts_with(['=', '+', '-', '@']);
        let text = if is_formula { format!("'{text}") } else { text };
        match text.contains([',', '"']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    };
    fields.iter().map(field).collect::<Vec<_>>().join(",") + "\r\n"
}

/// Whether the last line of the terminal says what a command is at.
static IS_AT_WORK: AtomicBool = AtomicBool::new(false);

/// Takes that line away. That is no colour, so anstream is not asked whether it may be written.
fn clear() {
    if IS_AT_WORK.swap(false, Ordering::Relaxed) {
        let _ = std::io::stderr().lock().write_all(b"\r\x1b[2K");
    }
}

/// Where stderr is gone, nobody is left to tell.
fn to_stderr(text: &str) {
    clear();
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}
