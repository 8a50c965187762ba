//! Why a command ended early: what failed, the causes down to the last, and what to do now.

use std::error::Error;
use std::fmt::Write as _;

use ecs_privileged_guard::domain::escape;

use crate::exit::Exit;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What the process answers.
    pub(crate) exit: Exit,
    what: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// The state of the world.
    world: String,
}

impl Trouble {
    /// Something that could not be done: "web.json could not be read".
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), causes: Vec::new(), hint: None, world: "Nothing was changed.".to_owned() }
    }

    /// Why, with all that is behind it.
    pub(crate) fn because(mut self, cause: &dyn Error) -> Self {
        self.causes.extend(causes(cause));
        self
    }

    /// One more cause, behind those before.
    pub(crate) fn cause(mut self, cause: &str) -> Self {
        self.causes.push(cause.to_owned());
        self
    }

    /// One that came of another, or after it: that one's causes are its own.
    pub(crate) fn after(mut self, first: &Self) -> Self {
        self.causes.push(first.what.clone());
        self.causes.extend(first.causes.iter().cloned());
        self
    }

    /// What to do now.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// More of the hint, behind what it says already.
    pub(crate) fn more_hint(mut self, more: &str) -> Self {
        self.hint.get_or_insert_default().push_str(more);
        self
    }

    /// What was changed all the same, or may have been.
    pub(crate) fn world(mut self, world: impl Into<String>) -> Self {
        self.world = world.into();
        self
    }

    /// How the process ends all the same.
    pub(crate) fn ends(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The state of the world, in a line.
    pub(crate) fn state(&self) -> String {
        format!("{}\n", escape::line(&self.world))
    }

    /// For people. Whatever is quoted was written by others.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}\n", escape::line(&self.what));
        for cause in &self.causes {
            let _ = writeln!(text, "  cause: {}", escape::line(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", escape::line(hint));
        }
        text
    }
}

/// An error and all that is behind it.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    causes
}
