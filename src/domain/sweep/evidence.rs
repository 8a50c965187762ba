//! What a sweep or a scan knows at its end, as facts: the page and the JSON that an auditor gets are made of this and of
//! nothing else. It holds names, numbers and times only; nothing out of a container but its name.
//!
//! `standing` is what the facts come to, once for both; [`json`] is the document for programs, [`html`] the page for people;
//! [`Shown`] reads the former again. [`Looker`] is who looked, [`Look`] what is known of the last look at a family.

mod document;
mod look;
mod looker;
mod page;
mod shown;
mod standing;

use jiff::Timestamp;

use super::super::arn::{Family, Home, Revision};
use super::super::moves::State as MoveState;

pub use self::document::json;
pub(super) use self::document::totals;
pub use self::look::{Look, Past, Sight};
pub use self::looker::Looker;
pub use self::page::html;
pub use self::shown::{ExemptionShown, FamilyShown, RunShown, Shown, TotalsShown, Unreadable};
pub(super) use self::standing::Totals;
pub use self::standing::{ENDS_SOON, ExemptionState, State};

/// The state of one account and Region.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Who looked.
    pub looker: Looker,
    /// The account and Region.
    pub home: Home,
    /// The mode.
    pub mode: &'static str,
    /// When the run ended.
    pub at: Timestamp,
    /// Whether every ACTIVE revision has been looked at by now, in this run or an earlier one.
    pub is_complete: bool,
    /// What could not be read, in words that are safe to show. Not empty: the rest may be more than it seems.
    pub unseen: Vec<String>,
    /// How many families have an ACTIVE revision.
    pub families_total: usize,
    /// How many of them have an ACTIVE revision that was not looked at yet, and none that is known to be privileged.
    pub families_not_looked_at: usize,
    /// How many ACTIVE revisions there are.
    pub revisions_total: usize,
    /// How many of them have been looked at.
    pub revisions_looked_at: usize,
    /// Each family that has a privileged revision which is ACTIVE or runs, in order of its name.
    pub families: Vec<FamilyRow>,
    /// Each exemption that is stored, in order of its family.
    pub exemptions: Vec<ExemptionRow>,
    /// The globs of `EXEMPT_FAMILIES`: exempt for good.
    pub exempt_families: Vec<String>,
}

/// A family with a privileged revision. Three questions, three answers: is the newest revision clean; is something
/// running privileged; can something that is callable start privileged.
#[derive(Debug, Clone)]
pub struct FamilyRow {
    /// Its name.
    pub family: Family,
    /// Its latest ACTIVE revision, if it has one.
    pub latest: Option<Revision>,
    /// Whether the latest ACTIVE revision is without privilege.
    pub is_newest_clean: bool,
    /// What runs a privileged revision.
    pub running: Vec<RunRow>,
    /// Its privileged revisions that are ACTIVE: each can be started by its number.
    pub callable: Vec<Revision>,
    /// The names of the privileged containers of the newest privileged revision.
    pub containers: Vec<String>,
    /// Ways to the host that its copy would keep, in words.
    pub residual: Vec<String>,
    /// What is known of the last look at its newest privileged revision.
    pub look: Look,
    /// Whether its newest privileged revision was registered before the first run.
    pub existed_before: bool,
    /// The copy that is in force.
    pub copy: Option<Revision>,
}

/// Tasks or a service on a privileged revision.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The revision.
    pub revision: Revision,
    /// The cluster's name.
    pub cluster: String,
    /// The service's name, or who started the tasks; by ECS's word.
    pub starter: String,
    /// Whether it is a service.
    pub is_service: bool,
    /// How many tasks.
    pub tasks: u32,
    /// How far the service's move to the copy has come, if there is one.
    pub moved: Option<MoveState>,
}

/// A stored exemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionRow {
    /// The family.
    pub family: Family,
    /// The containers that it names; none where it cannot be understood.
    pub containers: Vec<String>,
    /// Why, by the word of whoever wrote it.
    pub reason: String,
    /// Who approved it, by the same word.
    pub approved_by: String,
    /// When it ends; none where it cannot be understood.
    pub ends: Option<Timestamp>,
    /// Whether it holds now.
    pub holds: bool,
}
