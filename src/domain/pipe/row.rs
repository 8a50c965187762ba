//! What is said of one part: how it is, what was seen, and what to do about it.

use super::super::alert::statement_for;
use super::super::failure::{CallFailure, Cause, Transient};

/// A part of the pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What made it.
    Stack,
    /// What tells of registrations.
    Trail,
    /// What hands them on.
    Rules,
    /// What looks at them.
    Functions,
    /// Whoever is told.
    Subscriptions,
    /// What got stuck.
    Queues,
    /// What finds what no event told of.
    LastSweep,
    /// What tells of all that.
    Alarms,
    /// A registration that was made to see whether the guard answers.
    Live,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Broken,
    /// It could not be asked.
    NotSeen,
}

/// What is said of it. It may quote what others have written: whoever shows it escapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Of which part.
    pub part: Part,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub says: String,
    /// What to do: a command, or a sentence. None where all is well.
    pub todo: Option<String>,
    /// Whether it was not seen because a permission is missing.
    pub is_denied: bool,
}

impl Part {
    /// For programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Trail => "trail",
            Self::Rules => "rules",
            Self::Functions => "functions",
            Self::Subscriptions => "subscriptions",
            Self::Queues => "queues",
            Self::LastSweep => "last_sweep",
            Self::Alarms => "alarms",
            Self::Live => "live",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::LastSweep => "last sweep",
            other => other.as_str(),
        }
    }
}

impl Health {
    /// For programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::NotSeen => "not_seen",
        }
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotSeen => "not seen",
            other => other.as_str(),
        }
    }
}

impl Row {
    /// All is well.
    #[must_use]
    pub fn ok(part: Part, says: impl Into<String>) -> Self {
        Self { part, health: Health::Ok, says: says.into(), todo: None, is_denied: false }
    }

    /// It works, but somebody should do something.
    #[must_use]
    pub fn warning(part: Part, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { health: Health::Warning, todo: Some(todo.into()), ..Self::ok(part, says) }
    }

    /// It does not work, and this repairs it.
    #[must_use]
    pub fn broken(part: Part, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { health: Health::Broken, todo: Some(todo.into()), ..Self::ok(part, says) }
    }

    /// It could not be asked, and this lets it be.
    #[must_use]
    pub fn not_seen(part: Part, what: &str, failure: &CallFailure) -> Self {
        let says = format!("{what}: {} failed: {}", failure.action, failure.category());
        let todo = match &failure.cause {
            Cause::AccessDenied { action } => {
                format!("your role needs this statement: {}", statement_for(action, &failure.resource, &[]))
            }
            Cause::Transient(Transient::CredentialsExpired) => {
                "the session has ended: sign in again (aws sso login)".to_owned()
            }
            Cause::Transient(_) => "it may work later: try again".to_owned(),
            Cause::InvalidParameter | Cause::LimitExceeded | Cause::Refused => {
                format!("{} on {} was refused", failure.action, failure.resource)
                    + &failure.code.as_ref().map(|code| format!(": {code}")).unwrap_or_default()
            }
        };
        let is_denied =
            matches!(failure.cause, Cause::AccessDenied { .. } | Cause::Transient(Transient::CredentialsExpired));
        Self { health: Health::NotSeen, todo: Some(todo), is_denied, ..Self::ok(part, says) }
    }
}
