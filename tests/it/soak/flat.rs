//! Whether something that is measured again and again stays flat: the least of the last quarter against the least of the
//! second. The first quarter is left out, since whatever starts grows. The least, not the median: a megabyte of garbage
//! stays with the allocator for minutes, and goes back then; what is lost never does.

/// Fewer readings show nothing: each quarter is to hold some minutes.
const READINGS_MIN: usize = 240;

/// What a series came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarters {
    pub(super) first: u64,
    pub(super) least: [u64; 4],
    pub(super) medians: [u64; 4],
    pub(super) last: u64,
    pub(super) most: u64,
}

/// The quarters of a series; none of one that is too short.
pub(super) fn quarters(series: &[u64]) -> Option<Quarters> {
    if series.len() < READINGS_MIN {
        return None;
    }
    let parts = [0, 1, 2, 3].map(|quarter| {
        let mut part = series[series.len() * quarter / 4..series.len() * (quarter + 1) / 4].to_vec();
        part.sort_unstable();
        part
    });
    let (least, medians) = (parts.each_ref().map(|part| part[0]), parts.each_ref().map(|part| part[part.len() / 2]));
    Some(Quarters { first: series[0], least, medians, last: series[series.len() - 1], most: *series.iter().max()? })
}

/// Nothing is lost where the least of the last quarter is not more than `slack` above that of the second.
pub(super) fn judge(of: &Quarters, slack: u64) -> Result<(), String> {
    let [_, second, _, last] = of.least;
    match last <= second + slack {
        true => Ok(()),
        false => Err(format!("it grows: {second} in the second quarter, {last} in the last, {slack} allowed")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::{judge, quarters};

    const SLACK: u64 = 256;

    /// An hour of a process that is read every 15 seconds, in KiB: it warms up, and every few minutes it is handed a
    /// megabyte that the allocator keeps for a while; at last more often than before.
    fn hour(leak_in_bytes_per_event: u64) -> Vec<u64> {
        let mut chance = Chance::of(1);
        let events_between_readings = 45;
        let reading = |at: u64| {
            let keeps = at % 16 < if at < 120 { 4 } else { 12 };
            let warm = 8_000 + 2_000 * at.min(20) / 20 + 2_500 * u64::from(keeps);
            warm + chance.below(100) as u64 + at * events_between_readings * leak_in_bytes_per_event / 1024
        };
        (0..240).map(reading).collect()
    }

    #[test]
    fn what_warms_up_and_keeps_a_megabyte_for_a_while_is_flat() {
        let quarters = quarters(&hour(0)).unwrap();
        assert_eq!(judge(&quarters, SLACK), Ok(()));
        let [_, second, _, last] = quarters.medians;
        assert!(last > second + SLACK, "by its medians it would be called a leak: {quarters:?}");
    }

    #[test]
    fn what_loses_a_hundred_bytes_an_event_is_found_out() {
        let verdict = judge(&quarters(&hour(100)).unwrap(), SLACK);
        assert!(verdict.unwrap_err().starts_with("it grows: "));
    }

    #[test]
    fn what_grows_by_one_once_is_found_out_where_nothing_is_allowed() {
        let files: Vec<u64> = (0..240).map(|at| if at < 150 { 12 } else { 13 }).collect();
        assert!(judge(&quarters(&files).unwrap(), 0).is_err());
    }

    #[test]
    fn a_series_that_is_too_short_shows_nothing() {
        assert_eq!(quarters(&[1; 239]), None);
    }
}
