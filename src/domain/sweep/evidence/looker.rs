//! Who looked, with what that one alone can say. A sweep remembers when the first one began and what events told of; a scan
//! sees what is there, once, and so claims nothing about either.

use jiff::Timestamp;

use super::super::super::arn::{Family, Revision};
use super::Evidence;

/// Who looked.
#[derive(Debug, Clone)]
pub enum Looker {
    /// A sweep of the guard's own.
    Sweep {
        /// When the first run began: what was registered before existed already.
        first_run: Timestamp,
        /// Revisions that no event told of.
        missed_by_event: Vec<(Family, Revision)>,
    },
    /// `guardctl scan`, with the rights of whoever ran it.
    Scan {
        /// Whether it looked at the latest revision of each family only, and at what runs.
        latest_only: bool,
    },
}

impl Evidence {
    /// When the first sweep began, where that is known.
    #[must_use]
    pub fn first_run(&self) -> Option<Timestamp> {
        match &self.looker {
            Looker::Sweep { first_run, .. } => Some(*first_run),
            Looker::Scan { .. } => None,
        }
    }

    /// Revisions of which it is known that no event told of them.
    #[must_use]
    pub fn missed_by_event(&self) -> &[(Family, Revision)] {
        match &self.looker {
            Looker::Sweep { missed_by_event, .. } => missed_by_event,
            Looker::Scan { .. } => &[],
        }
    }
}
