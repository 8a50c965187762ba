//! Rules that are known to be broken, until they are mended: a test fails when one of them holds. `(killed)` says that
//! a run was killed on the way.

struct Known {
    reason: &'static str,
    rule: &'static str,
    scenarios: &'static [&'static str],
}

impl Known {
    /// A third party beside the two changes nothing: "guard, backout, newer privileged".
    fn is_of(&self, scenario: &str) -> bool {
        self.scenarios.iter().any(|two| scenario.strip_suffix(two).is_some_and(|third| matches!(third, "" | "guard, ")))
    }
}

/// The next look at the newer original mends it: the event of it delivered again, or a sweep. (Were it not so, "every
/// event once more" would be broken too.)
const TAKEN_OVER: &str =
    "a run of the equal newer original takes the copy over that its own run is withdrawing: neither hears of the other";

/// Its alert names the backout that undoes that copy, and the next look at it writes down that a copy is gone.
const MADE_MEANWHILE: &str = "the same is registered again and a copy of it made between backout's look and its last call: \
     the copy stays under the exemption, or goes with the other before its record names it";

/// The alert says both, and how to end the exemption; nothing newer is overtaken.
const STOPPED_HALF_WAY: &str =
    "a backout that is stopped by a newer version leaves the exemption that it wrote, and what it brought back before";
const ONE_CALL: &str =
    "between the last look at the original and the call that deregisters the copy nothing can be done";

/// ECS says what a service runs, and not what it was asked for before that. The other answer could move one twice.
const NOT_TOLD_APART: &str = "a run died after it wrote that it moves a service and before it asked ECS, and the original was deployed anew \
     before Lambda's retry: it is taken for a person's no";

/// Whatever is done then, a copy is deployed again, or the last word is not kept.
const WORD_UPON_WORD: &str = "a version is deployed between the guard's last look and its call, and the original again between the next look and \
     the call that puts that version back";

const KNOWN: &[Known] = &[
    Known { rule: "a copy was deployed twice", reason: WORD_UPON_WORD, scenarios: &["service, version and anew"] },
    Known {
        rule: "the guard moved a service twice for the same question",
        reason: WORD_UPON_WORD,
        scenarios: &["service, version and anew"],
    },
    Known {
        rule: "the move is \"rolled_back\" null, and that is not so (killed)",
        reason: NOT_TOLD_APART,
        scenarios: &["service, deployed anew"],
    },
    Known {
        rule: "it ends as no order without overlap does",
        reason: STOPPED_HALF_WAY,
        scenarios: &["backout of inactive, newer privileged"],
    },
    Known {
        rule: "it ends as no order without overlap does (killed)",
        reason: STOPPED_HALF_WAY,
        scenarios: &[
            "backout, newer privileged",
            "backout of inactive, newer",
            "backout of inactive, newer privileged",
        ],
    },
    Known {
        rule: "every event once more: it ends as no order without overlap does",
        reason: STOPPED_HALF_WAY,
        scenarios: &["backout of inactive, newer privileged"],
    },
    Known {
        rule: "every event once more: it ends as no order without overlap does (killed)",
        reason: STOPPED_HALF_WAY,
        scenarios: &[
            "backout, newer privileged",
            "backout of inactive, newer",
            "backout of inactive, newer privileged",
        ],
    },
    Known {
        rule: "a copy was deregistered before the original was back",
        reason: ONE_CALL,
        scenarios: &["backout, original taken back"],
    },
    Known {
        rule: "a record names a copy in force that the guard withdrew",
        reason: TAKEN_OVER,
        scenarios: &["same again and its guard"],
    },
    Known {
        rule: "a record names a copy in force that the guard withdrew (killed)",
        reason: TAKEN_OVER,
        scenarios: &["same again and its guard"],
    },
    Known {
        rule: "it ends as no order without overlap does",
        reason: TAKEN_OVER,
        scenarios: &["same again and its guard"],
    },
    Known {
        rule: "it ends as no order without overlap does (killed)",
        reason: TAKEN_OVER,
        scenarios: &["same again and its guard"],
    },
    Known {
        rule: "a record names a copy in force that the guard withdrew",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
    Known {
        rule: "a record names a copy in force that the guard withdrew (killed)",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
    Known {
        rule: "it ends as no order without overlap does",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
    Known {
        rule: "it ends as no order without overlap does (killed)",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
    Known {
        rule: "every event once more: it ends as no order without overlap does",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
    Known {
        rule: "every event once more: it ends as no order without overlap does (killed)",
        reason: MADE_MEANWHILE,
        scenarios: &["sweep, backout, same again"],
    },
];

/// Why the rule is broken in that scenario, if it is known.
pub(super) fn known(scenario: &str, rule: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.rule == rule && known.is_of(scenario)).map(|known| known.reason)
}

/// What is known to be broken in that scenario.
pub(super) fn known_of(scenario: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(move |known| known.is_of(scenario)).map(|known| known.rule)
}
