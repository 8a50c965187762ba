//! Time for people: whole seconds, and how far off.

pub(crate) use ecs_privileged_guard::domain::words::{counted, length};
use jiff::Timestamp;

/// A time without fractions of a second.
pub(crate) fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// `in 5 days`, `2 hours ago`.
pub(crate) fn from_now(at: Timestamp, now: Timestamp) -> String {
    match at > now {
        true => format!("in {}", length(at.duration_since(now))),
        false => format!("{} ago", length(now.duration_since(at))),
    }
}
