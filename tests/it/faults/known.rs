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

/// What it takes two troubles to see.
pub(super) const KNOWN_OF_PAIRS: &[Known] = &[Known {
    scenarios: &["in use by an Express service"],
    trouble: "",
    says: "does not heal: [\"theirs\", \"ours\"]",
    why: "The first of the above, when the run that did not know of the service dies before it tells of its copy. The \
          next look knows it, and its alert names the copy; that stays, as it does when its run tells of it.",
}];

impl Known {
    pub(super) fn is(&self, scenario: &str, trouble: &str, verdict: &str) -> bool {
        self.is_of(scenario) && trouble.starts_with(self.trouble) && verdict.contains(self.says)
    }

    pub(super) fn is_of(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.contains(&scenario)
    }
}
