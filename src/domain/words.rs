//! Counts and lengths of time in words, the same wherever somebody reads them.

use jiff::SignedDuration;

/// Up to here hours say more than days, and minutes more than hours.
const IN_UNITS_OF: i64 = 2;

/// `12 minutes`, `3 hours`, `5 days`.
#[must_use]
pub fn length(duration: SignedDuration) -> String {
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

/// `1 day`, `2 days`.
#[must_use]
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
