//! What was found, and what each source is asked: one value a finding, in words that show names and paths only.

/// What kind of thing a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// A container is privileged.
    Privileged,
    /// It is, and may be.
    Exempt,
    /// Whether it is cannot be known from the file.
    Unknown,
    /// A way to the host that does not need the flag.
    Residual,
}

impl Rule {
    /// Its name for programs and people alike.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Exempt => "exempt",
            Self::Unknown => "unknown",
            Self::Residual => "residual",
        }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) rule: Rule,
    /// Where it begins in its document's root.
    pub(super) at: usize,
    /// The member, for people.
    pub(super) path: String,
    /// Of which definition.
    pub(super) of: Subject,
    /// The container's name, where it has one that is known.
    pub(super) container: Option<String>,
    /// What is said.
    pub(super) message: String,
}

/// The task definition that a finding is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    /// What the source calls it: a logical id, an address.
    pub(super) id: Option<String>,
    /// The family, where it is known.
    pub(super) family: Option<String>,
    /// Daemons' are never exempt.
    pub(super) is_daemon: bool,
}

impl Subject {
    /// For people: `web (WebTask)`.
    pub(super) fn name(&self) -> String {
        let name = match (&self.family, &self.id) {
            (Some(family), Some(id)) => format!("{family} ({id})"),
            (Some(name), None) | (None, Some(name)) => name.clone(),
            (None, None) => "a definition without a family".to_owned(),
        };
        match self.is_daemon {
            true => format!("daemon {name}"),
            false => name,
        }
    }

    /// For people: `container app of web (WebTask)`.
    pub(super) fn container(&self, name: Option<&str>) -> String {
        let of = self.name();
        name.map_or_else(|| format!("a container of {of}"), |name| format!("container {name} of {of}"))
    }
}
