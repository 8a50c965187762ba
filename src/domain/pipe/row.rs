//! What is said of one part: how it is, what was seen, and what to do about it.

use super::super::alert::statement_for;
use super::super::failure::{CallFailure, Cause, Transient};
use super::super::words::counted;

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
    /// What was not seen, and why; none where only others can see it.
    unseen: Option<(String, CallFailure)>,
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
        if self == Self::LastSweep { "last sweep" } else { self.as_str() }
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
        if self == Self::NotSeen { "not seen" } else { self.as_str() }
    }
}

impl Row {
    /// All is well.
    #[must_use]
    pub fn ok(part: Part, says: impl Into<String>) -> Self {
        Self { part, health: Health::Ok, says: says.into(), todo: None, unseen: None }
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
        let says = format!("{what}: {} failed: {}", failure.action, failure.category().replace('_', " "));
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
        let unseen = Some((what.to_owned(), failure.clone()));
        Self { health: Health::NotSeen, todo: Some(todo), unseen, ..Self::ok(part, says) }
    }

    /// It could not be asked, and not by any fault of ours: only others can.
    #[must_use]
    pub fn of_others(part: Part, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { health: Health::NotSeen, todo: Some(todo.into()), ..Self::ok(part, says) }
    }

    /// Whether it was not seen because a call failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.unseen.is_some()
    }

    /// Whether it was not seen because of who asks.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        let cause = self.unseen.as_ref().map(|(_, failure)| &failure.cause);
        matches!(cause, Some(Cause::AccessDenied { .. } | Cause::Transient(Transient::CredentialsExpired)))
    }
}

/// What could not be seen for the same reason, several times over, is said once: one statement lets all of it be seen. It
/// names all of a kind only where several were asked.
pub(super) fn folded(rows: Vec<Row>) -> Vec<Row> {
    let mut folded: Vec<(Row, usize)> = Vec::new();
    for row in rows {
        let alike = folded.iter_mut().find_map(|(first, others)| {
            let ((_, of_first), (_, failure)) = (first.unseen.as_mut()?, row.unseen.as_ref()?);
            let reason = |it: &CallFailure| (it.action, it.code.clone(), it.cause.clone());
            (reason(of_first) == reason(failure)).then_some((of_first, failure, others))
        });
        match alike {
            Some((of_first, failure, others)) => {
                *others += 1;
                if of_first.resource != failure.resource {
                    of_first.resource = neighbours(&of_first.resource);
                }
            }
            None => folded.push((row, 0)),
        }
    }
    let all = |(row, others): (Row, usize)| match &row.unseen {
        Some((what, failure)) if others > 0 => {
            let what = format!("{what}, and {}", counted(others, "other", "others"));
            Row::not_seen(row.part, &what, failure)
        }
        Some(_) | None => row,
    };
    folded.into_iter().map(all).collect()
}

/// All of its kind: `arn:aws:events:REGION:ACCOUNT:rule/*`.
fn neighbours(arn: &str) -> String {
    match arn.rfind(['/', ':']) {
        Some(end) => format!("{}*", &arn[..=end]),
        None => "*".to_owned(),
    }
}
