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

/// `1 day`, `2,000 days`.
#[must_use]
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// With commas: 20,000 is told from 200,000 at a glance.
#[must_use]
pub fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (20_000, "20,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!([counted(1, "day", "days"), counted(2_000, "day", "days")], ["1 day", "2,000 days"]);
    }
    #[test]
    fn a_length_is_said_in_the_unit_that_fits() {
        for (seconds, text) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (-7_200, "2 hours"),
            (30 * 3_600, "30 hours"),
            (47 * 3_600, "47 hours"),
            (48 * 3_600, "2 days"),
            (59 * 3_600, "2 days"),
            (60 * 3_600, "3 days"),
            (30 * 86_400 - 60, "30 days"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), text, "{seconds} s");
        }
    }
}
