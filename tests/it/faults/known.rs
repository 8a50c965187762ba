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
        scenarios: &[],
        trouble: "stale for ",
        says: "the original is ACTIVE, and called inactive",
        why: "Rule 7: a description that is behind is read as \"gone\": `inactive`, silently, with no record, although \
              the event says that the revision was registered just now. Only the sweep would find it.",
    },
    Known {
        scenarios: &["in use by an Express service"],
        trouble: "",
        says: "silently ends in",
        why: "Rule 12: where tasks or services cannot be read, an Express service is not known to be one, and its \
              definition gets a copy.",
    },
    Known {
        scenarios: &["copy without a record", "two copies without a record", "another guard comes between"],
        trouble: "",
        says: "copies in force: 0",
        why: "Rule 5: a run that may not write (the exemption was unreadable) records the unfinished copy as `copy`, \
              without `copies[]`. From then on it counts as finished: it is never proven, and never among `copies`.",
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

impl Known {
    pub(super) fn is(&self, scenario: &str, trouble: &str, verdict: &str) -> bool {
        self.is_of(scenario) && trouble.starts_with(self.trouble) && verdict.contains(self.says)
    }

    pub(super) fn is_of(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.contains(&scenario)
    }
}
