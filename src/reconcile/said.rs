//! What Lambda is answered: about a revision, or about a service. Each has the members of the contract.

use serde::Serialize;

use crate::domain::moves::answer::Answer as ServiceAnswer;
use crate::domain::outcome::{Alerting, Answer as RevisionAnswer, Reason, ServiceState};

/// What Lambda is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Said {
    /// About a revision.
    Revision(RevisionAnswer),
    /// About a service.
    Service(ServiceAnswer),
}

impl Said {
    /// The contract's name of the outcome.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Revision(answer) => answer.outcome.as_str(),
            Self::Service(answer) => answer.outcome.as_str(),
        }
    }

    /// The contract's name of the reason.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Revision(answer) => answer.reason.map(Reason::as_str),
            Self::Service(answer) => answer.reason,
        }
    }

    /// The revision, like `web:12`.
    #[must_use]
    pub fn task_definition(&self) -> Option<&str> {
        match self {
            Self::Revision(answer) => answer.task_definition.as_deref(),
            Self::Service(answer) => answer.task_definition.as_deref(),
        }
    }

    /// Its copy.
    #[must_use]
    pub fn copy(&self) -> Option<&str> {
        match self {
            Self::Revision(answer) => answer.copy.as_deref(),
            Self::Service(answer) => answer.copy.as_deref(),
        }
    }

    /// What happened to the alert.
    #[must_use]
    pub fn alert(&self) -> Alerting {
        match self {
            Self::Revision(answer) => answer.alert,
            Self::Service(answer) => answer.alert,
        }
    }

    /// The services, each with the state of its move.
    #[must_use]
    pub fn services(&self) -> &[ServiceState] {
        match self {
            Self::Revision(answer) => &answer.services,
            Self::Service(answer) => &answer.services,
        }
    }

    /// The same as one text, for the log; none where there are none.
    #[must_use]
    pub fn services_in_words(&self) -> Option<String> {
        let word = |it: &ServiceState| format!("{}/{} {}", it.cluster, it.service, it.state);
        let words: Vec<String> = self.services().iter().map(word).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}
