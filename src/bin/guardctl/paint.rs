//! Colour for a word by what it says: red is privileged, failed or broken; yellow half done, or about to end; green well.
//! Whether colour is wanted at all is decided where it is written (`output`).

use clap::builder::styling::{AnsiColor, Style};

/// What a style begins with in a cell, while columns are measured: it has no width, and nothing that others wrote holds it,
/// since the escaper spells it out. Escape codes would be counted. comfy-table itself can leave them out, by three more
/// crates and a second way to speak to terminals.
const MARKS: [(char, AnsiColor); 3] =
    [('\u{2061}', AnsiColor::Red), ('\u{2062}', AnsiColor::Yellow), ('\u{2063}', AnsiColor::Green)];
/// What it ends with.
const END: char = '\u{2060}';

/// The colour of a state, an outcome, or what stands before its reason.
fn colour(text: &str) -> Option<AnsiColor> {
    let word = text.split([':', ' ']).next().unwrap_or_default();
    match word {
        "privileged" | "failed" | "unfaithful_copy_withdrawn" | "exemption_unreadable" | "not_understood" | "void" => {
            Some(AnsiColor::Red)
        }
        "rolled_back" | "move_failed" => Some(AnsiColor::Red),
        "reported_only" | "alerted" | "superseded" | "partly_exempt" | "ends_soon" | "expired" | "not_looked_at" => {
            Some(AnsiColor::Yellow)
        }
        "backout_begun" | "kept" | "waiting" | "moving" | "not_movable" => Some(AnsiColor::Yellow),
        "exempt" | "holds" | "clean" | "compliant" | "remediated" | "already_remediated" => Some(AnsiColor::Green),
        "backed_out" | "already_backed_out" | "deregistered" | "moved" | "moved_back" => Some(AnsiColor::Green),
        _ => None,
    }
}

/// A word in a sentence.
pub(crate) fn word(text: &str) -> String {
    let style = colour(text).map_or_else(Style::new, AnsiColor::on_default);
    format!("{style}{text}{style:#}")
}

/// A cell of a table.
pub(crate) fn cell(text: &str) -> String {
    marked(text, colour(text))
}

/// A cell that is a warning, whatever it says.
pub(crate) fn warning(text: &str) -> String {
    marked(text, Some(AnsiColor::Yellow))
}

fn marked(text: &str, colour: Option<AnsiColor>) -> String {
    match MARKS.iter().find(|(_, known)| Some(*known) == colour) {
        Some((mark, _)) => format!("{mark}{text}{END}"),
        None => text.to_owned(),
    }
}

/// Whether a character has no width.
pub(crate) fn is_mark(c: char) -> bool {
    c == END || MARKS.iter().any(|(mark, _)| *mark == c)
}

/// A table whose columns are measured. A style ends with its line: the rest of it is another column's.
pub(crate) fn coloured(table: &str) -> String {
    let mut text = String::with_capacity(table.len());
    let mut open: Option<Style> = None;
    for c in table.chars() {
        if let Some((_, colour)) = MARKS.iter().find(|(mark, _)| *mark == c) {
            let style = colour.on_default();
            text += &style.render().to_string();
            open = Some(style);
            continue;
        }
        if matches!(c, END | '\n')
            && let Some(style) = open.take()
        {
            text += &style.render_reset().to_string();
        }
        if c != END {
            text.push(c);
        }
    }
    text
}
