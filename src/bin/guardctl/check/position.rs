//! Where something stands in a file: line and column, both from 1, the column in characters.

use std::fmt;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Goes through a text once, from byte to byte that is asked for: a plan is one line of megabytes, in which no two
/// questions may both count from its beginning.
pub(super) struct Walker<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl<'a> Walker<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, position: Position { line: 1, column: 1 } }
    }

    /// The place of a byte that is not before the one that was asked for last.
    pub(super) fn go_to(&mut self, byte: usize) -> Position {
        let between = self.text.get(self.at..byte).unwrap_or_default();
        if let Some(end) = between.rfind('\n') {
            self.position.line += between.bytes().filter(|byte| *byte == b'\n').count();
            self.position.column = 1 + between[end + 1..].chars().count();
        } else {
            self.position.column += between.chars().count();
        }
        self.at += between.len();
        self.position
    }
}
