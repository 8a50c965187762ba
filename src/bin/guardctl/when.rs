//! Time for people: whole seconds, and how far off.

use jiff::{SignedDuration, Timestamp};

/// Up to here hours say more than days, and minutes more than hours.
const IN_UNITS_OF: i64 = 2;

/// A time without fractions of a second.
pub(crate) fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// `12 minutes`, `3 hours`, `5 days`.
pub(crate) fn length(duration: SignedDuration) -> String {
    let duration = duration.abs();
    let (minutes, hours) = (duration.as_mins(), duration.as_hours());
    match (minutes, hours) {
        (minutes, _) if minutes < 1 => "less than a minute".to_owned(),
        (minutes, hours) if hours < IN_UNITS_OF => counted(minutes, "minute", "minutes"),
        (_, hours) if hours < IN_UNITS_OF * 24 => counted(hours, "hour", "hours"),
        // Half a day more or less is none: what was to last thirty days does.
        (_, hours) => counted((hours + 12) / 24, "day", "days"),
    }
}

/// `in 5 days`, `2 hours ago`.
pub(crate) fn from_now(at: Timestamp, now: Timestamp) -> String {
    match at > now {
        true => format!("in {}", length(at.duration_since(now))),
        false => format!("{} ago", length(now.duration_since(at))),
    }
}

/// `1 day`, `2 days`.
pub(crate) fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
