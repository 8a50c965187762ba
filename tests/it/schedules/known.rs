//! Rules that are known to be broken, until they are mended: a test fails when one of them holds. `(killed)` says that
//! a run was killed on the way.

struct Known {
    reason: &'static str,
    rule: &'static str,
    scenarios: &'static [&'static str],
}

const KNOWN: &[Known] = &[];

/// Why the rule is broken in that scenario, if it is known.
pub(super) fn known(scenario: &str, rule: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.rule == rule && known.scenarios.contains(&scenario)).map(|known| known.reason)
}

/// What is known to be broken in that scenario.
pub(super) fn known_of(scenario: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(move |known| known.scenarios.contains(&scenario)).map(|known| known.rule)
}
