//! What is known to break a rule and is not mended yet: each with its reason. What no longer fails must go.

/// Failures that are known.
pub(super) struct Known {
    /// Empty: all of them.
    pub(super) scenarios: &'static [&'static str],
    /// What the trouble's name begins with.
    pub(super) trouble: &'static str,
    /// What the verdict says.
    pub(super) says: &'static str,
    /// What happens, and which rule it breaks.
    pub(super) why: &'static str,
}

pub(super) const KNOWN: &[Known] = &[
    Known {
        scenarios: &["in use by an Express service"],
        trouble: "",
        says: "silently ends in",
        why: "Rule 6 outranks rule 12 here: what runs a family is context, and not being able to read it never stops the \
              remedy. So an Express service is not known to be one, and its definition gets a copy.",
    },
    Known {
        scenarios: &["stray"],
        trouble: "stale for ",
        says: "is not what people registered last",
        why: "Rule 2, until the next look: a list that is behind hides the stray. The event of the run that died is \
              delivered again by Lambda, and that look withdraws it.",
    },
    Known {
        scenarios: &["two copies without a record"],
        trouble: "stale for ",
        says: "is a second ACTIVE copy",
        why: "The same of a copy that repeats another.",
    },
];

/// What it takes two troubles to see: these two, in any order.
pub(super) struct KnownOfTwo {
    /// Empty: all of them.
    scenarios: &'static [&'static str],
    /// Empty: any two.
    troubles: &'static [&'static str],
    /// One of these the verdict says.
    says: &'static [&'static str],
    /// Whether the next look puts it right; that is tried then.
    pub(super) heals: bool,
}

const KNOWN_OF_TWO: &[KnownOfTwo] = &[
    // The first of the above, when the run that could not read what runs the family cannot tell of its copy either, or
    // dies before. The next look knows the service, and its alert names the copy; that stays, as it does when its run
    // tells of it.
    KnownOfTwo {
        scenarios: &["in use by an Express service"],
        troubles: &[],
        says: &["does not heal: [\"theirs\", \"ours\"]"],
        heals: false,
    },
    // The others of the above: a run dies when it has registered, and the list that its retry reads still hides what it made.
    KnownOfTwo {
        scenarios: &[],
        troubles: &["killed after", "stale for two reads"],
        says: &[
            "is not what people registered last",
            "is a second ACTIVE copy",
            "is a copy of nothing that is ACTIVE",
            // What people registered meanwhile says the same as that copy; or they exempted the family.
            "silently ends in [\"theirs\", \"theirs\", \"ours\"] and not in [\"theirs\", \"theirs\"]",
            "silently ends in [\"theirs\", \"ours\"] and not in [\"theirs\"]",
        ],
        heals: true,
    },
];

impl KnownOfTwo {
    /// What is known of these troubles in that scenario.
    pub(super) fn of(scenario: &str, troubles: &[&str], verdict: &str) -> Option<&'static Self> {
        KNOWN_OF_TWO.iter().find(|known| {
            (known.scenarios.is_empty() || known.scenarios.contains(&scenario))
                && known.troubles.iter().all(|trouble| troubles.contains(trouble))
                && known.says.iter().any(|says| verdict.contains(says))
        })
    }
}

impl Known {
    pub(super) fn is(&self, scenario: &str, trouble: &str, verdict: &str) -> bool {
        self.is_of(scenario) && trouble.starts_with(self.trouble) && verdict.contains(self.says)
    }

    pub(super) fn is_of(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.contains(&scenario)
    }
}
