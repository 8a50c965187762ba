//! Rules that are known to be broken, until they are mended: a test fails when one of them holds. `(killed)` says that
//! a run was killed on the way.

struct Known {
    reason: &'static str,
    rule: &'static str,
    scenarios: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "a record names a copy in force that the guard withdrew",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "a record names a copy in force that the guard withdrew (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "every event once more: alerts are repeated",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "every event once more: alerts are repeated (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "every event once more: the guard takes its own withdrawal for a person's no",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "every event once more: the guard takes its own withdrawal for a person's no (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "it ends as no order without overlap does",
        scenarios: &["news and its guard", "same again and its guard"],
    },
    Known {
        reason: "a copy that another run withdraws is taken for the next, though its record says so when it is read",
        rule: "it ends as no order without overlap does (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a record that was written meanwhile is merged with what an older look saw, instead of looking again",
        rule: "every event once more: alerts are repeated",
        scenarios: &["two guards, newer"],
    },
    Known {
        reason: "a record holds the alert of its last outcome only: `exempt`, which needs none, wipes that of `remediated`",
        rule: "every event once more: alerts are repeated",
        scenarios: &["two guards, exemption ends"],
    },
    Known {
        reason: "a recorded copy that a person takes back while a second copy is being made: the record is not read again",
        rule: "it ends as no order without overlap does",
        scenarios: &["two guards, copy taken back"],
    },
    Known {
        reason: "a recorded copy that a person takes back while a second copy is being made: the record is not read again",
        rule: "it ends as no order without overlap does (killed)",
        scenarios: &["two guards, copy taken back"],
    },
    Known {
        reason: "a run that dies after DeregisterTaskDefinition leaves no trace: the intent is not recorded first",
        rule: "a record names a copy in force that the guard withdrew (killed)",
        scenarios: &["two guards, exempted", "two guards, original taken back"],
    },
    Known {
        reason: "a run that dies after DeregisterTaskDefinition leaves no trace: the intent is not recorded first",
        rule: "a withdrawn copy that no record names (killed)",
        scenarios: &[
            "equal",
            "exempted",
            "newer",
            "newer privileged",
            "news and its guard",
            "original taken back",
            "same again",
            "same again and its guard",
            "two guards",
            "two guards, copy taken back",
            "two guards, equal",
            "two guards, exempted",
            "two guards, exemption ends",
            "two guards, newer",
            "two guards, original taken back",
        ],
    },
    Known {
        reason: "a run that ends `inactive` records nothing, not even the copies that it made and withdrew",
        rule: "a withdrawn copy that no record names",
        scenarios: &["two guards, original taken back"],
    },
    Known {
        reason: "a stray of an older equal original is left to the newer one's run, which is over",
        rule: "an ACTIVE copy that no record names (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a stray of an older equal original is left to the newer one's run, which is over",
        rule: "an ACTIVE copy that nobody was told of (killed)",
        scenarios: &["same again and its guard"],
    },
    Known {
        reason: "a stray of an older equal original is left to the newer one's run, which is over",
        rule: "more than one copy is ACTIVE before the next foreign revision (killed)",
        scenarios: &["same again and its guard"],
    },
];

/// Why the rule is broken in that scenario, if it is known.
pub(super) fn known(scenario: &str, rule: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.rule == rule && known.scenarios.contains(&scenario)).map(|known| known.reason)
}

/// What is known to be broken in that scenario.
pub(super) fn known_of(scenario: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(move |known| known.scenarios.contains(&scenario)).map(|known| known.rule)
}
