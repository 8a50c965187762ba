//! What observe saw, as one plain value. It holds no opinion; `plan` has them all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::arn::{Family, Revision, TaskDefinitionId};
use super::document::Described;
use super::exemption::Found;
use super::failure::CallFailure;
use super::record::{MadeCopy, Record, Withdrawal};
use super::service::Service;

/// The state of the world around one original, and what this run has done to it so far.
#[derive(Debug)]
pub struct Observation {
    /// The revision that is looked at.
    pub id: TaskDefinitionId,
    /// The revision itself.
    pub original: Original,
    /// ACTIVE revisions after it that decide anything, by number: the first, and all of the last six hours.
    pub later: Vec<Described>,
    /// Where the original is not ACTIVE: the nearest ACTIVE revision before it that our roles did not register.
    pub earlier: Option<Described>,
    /// Copies of this original that stood, by its record or by this run, and that are not ACTIVE any more: somebody
    /// else deregistered them.
    pub removed: Vec<Revision>,
    /// Copies that were to be withdrawn, by its record or by another of the family, and are not ACTIVE any more: a run
    /// died before it could say so, or the record of this original names what the run of another has withdrawn.
    pub gone: Vec<MadeCopy>,
    /// What runs the family.
    pub usage: Usage,
    /// The family's exemption.
    pub exemption: Found,
    /// The original's own record.
    pub record: Option<Held>,
    /// Records of other revisions of the family that were written within the last 25 hours.
    pub family_records: Vec<Record>,
    /// Copies that this run has made (and perhaps withdrawn) already.
    pub made: Vec<MadeCopy>,
    /// Who the event says made the call: AWS Batch.
    pub batch_by_event: bool,
    /// The highest number that ECS's list showed, or the original's own. Beyond it, what is known is known by chance.
    pub highest_listed: Revision,
}

/// The revision that is looked at.
#[derive(Debug)]
pub enum Original {
    /// As ECS describes it, ACTIVE or not.
    Described(Box<Described>),
    /// ECS does not know it (any more).
    Gone,
}

impl Original {
    /// The description, if there is one.
    #[must_use]
    pub fn described(&self) -> Option<&Described> {
        match self {
            Self::Described(described) => Some(described),
            Self::Gone => None,
        }
    }
}

/// A record that was read, with what compare-and-swap needs.
#[derive(Debug, Clone)]
pub struct Held {
    /// The record.
    pub record: Record,
    /// The `ETag` under which it was read.
    pub etag: String,
}

impl Held {
    /// What it says of an ordinary revision: [`Record::of_ordinary`].
    #[must_use]
    pub fn of_ordinary(self) -> Self {
        Self { record: self.record.of_ordinary(), ..self }
    }
}

/// What runs a family's revisions, as far as it could be seen.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Who runs what: one entry for each cluster, starter and revision.
    pub runs: Vec<Run>,
    /// What could not be read. Not empty means that `runs` may lack something.
    pub unread: Vec<CallFailure>,
    /// Clusters that were not looked at because there are too many, or they too slow, for one invocation.
    pub clusters_left_out: usize,
    /// Some cluster has more tasks of the family, or the account more clusters, than were listed.
    pub is_cut_short: bool,
}

/// What runs every family of an account, by one walk over it.
#[derive(Debug, Clone, Default)]
pub struct AccountUsage {
    /// Who runs what, by family.
    pub families: BTreeMap<Family, Vec<Run>>,
    /// Its services.
    pub services: Vec<Service>,
    /// What could not be read: it may run any family.
    pub unread: Vec<CallFailure>,
    /// Clusters that were not looked at for lack of time.
    pub clusters_left_out: usize,
}

impl AccountUsage {
    /// What runs one family.
    #[must_use]
    pub fn of(&self, family: &Family) -> Usage {
        Usage {
            runs: self.families.get(family).cloned().unwrap_or_default(),
            unread: self.unread.clone(),
            clusters_left_out: self.clusters_left_out,
            is_cut_short: false,
        }
    }

    /// Every revision that something runs.
    pub fn revisions(&self) -> impl Iterator<Item = TaskDefinitionId> {
        let of = |(family, runs): (&Family, &Vec<Run>)| -> Vec<TaskDefinitionId> {
            let numbers: BTreeSet<Revision> = runs.iter().map(|run| run.revision).collect();
            numbers.into_iter().map(|number| family.revision(number)).collect()
        };
        self.families.iter().flat_map(of)
    }
}

/// Tasks of one revision, started by one starter in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The cluster's name.
    pub cluster: String,
    /// Who started the tasks.
    pub starter: Starter,
    /// The revision that they run.
    pub revision: Revision,
    /// How many tasks; a service that is pointed at the revision may have none now.
    pub tasks: u32,
}

/// Who started tasks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Starter {
    /// A service; ECS itself manages it if it is an Express service.
    Service {
        /// The service's name.
        name: String,
        /// `resourceManagementType` is `ECS`.
        is_express: bool,
    },
    /// Something else: a schedule, a state machine, a person. The text is what ECS says in `startedBy` or `group`.
    Other(String),
}

impl Usage {
    /// Whether everything was seen.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.clusters_left_out == 0 && !self.is_cut_short
    }

    /// Whether something runs the revision, or might: what could not be read is never taken for "nothing".
    #[must_use]
    pub fn may_run(&self, revision: Revision) -> bool {
        !self.is_complete() || self.runs.iter().any(|run| run.revision == revision)
    }
}

impl Observation {
    /// The original alone, with nothing else known.
    #[must_use]
    pub fn of(id: TaskDefinitionId, original: Original) -> Self {
        Self {
            highest_listed: id.revision,
            id,
            original,
            later: Vec::new(),
            earlier: None,
            removed: Vec::new(),
            gone: Vec::new(),
            usage: Usage::default(),
            exemption: Found::Nothing,
            record: None,
            family_records: Vec::new(),
            made: Vec::new(),
            batch_by_event: false,
        }
    }

    /// The original's record merged with what this run has made.
    #[must_use]
    pub fn copies_of_original(&self) -> Vec<MadeCopy> {
        let recorded = self.record.iter().flat_map(|held| held.record.copies.iter());
        let fresh = self.made.iter();
        fresh.chain(recorded).cloned().collect()
    }

    /// Whether this is a copy of the original's record that nobody was told of. Backout tells of the ones it takes back.
    #[must_use]
    pub fn is_untold(&self, copy: Revision) -> bool {
        let record = self.record.as_ref().map(|held| &held.record).filter(|record| record.backed_out.is_none());
        record.and_then(|record| record.made(copy)).is_some_and(|copy| copy.stands() && copy.told.is_none())
    }

    /// Numbers of revisions that a record of the family names as a copy that was made and proven. (One that is named as
    /// in force only was seen by a run that did not make it.)
    #[must_use]
    pub fn recorded_copies(&self) -> BTreeSet<u32> {
        let made = self.all_records().flat_map(|record| &record.copies);
        made.filter(|copy| copy.condemned_for().is_none()).map(|copy| copy.revision).collect()
    }

    /// Why a copy must not be ACTIVE, if a record of the family says so.
    #[must_use]
    pub fn condemned_for(&self, revision: Revision) -> Option<Withdrawal> {
        self.all_records().find_map(|record| record.made(revision)?.condemned_for())
    }

    /// How many copies of the family we have registered since then, withdrawn ones included.
    #[must_use]
    pub fn copies_since(&self, since: Timestamp) -> usize {
        let recorded = self.all_records().flat_map(|record| record.copies.iter());
        let all: BTreeSet<u32> =
            recorded.chain(&self.made).filter(|copy| copy.at >= since).map(|copy| copy.revision).collect();
        all.len()
    }

    fn all_records(&self) -> impl Iterator<Item = &Record> {
        self.record.iter().map(|held| &held.record).chain(&self.family_records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walk_says_of_each_family_what_runs_it() {
        let run = |number: &str| {
            let starter = Starter::Other("me".into());
            Run { cluster: "prod".into(), starter, revision: number.parse().unwrap(), tasks: 1 }
        };
        let (web, api): (Family, Family) = ("web".parse().unwrap(), "api".parse().unwrap());
        let families = BTreeMap::from([(web.clone(), vec![run("5"), run("3"), run("5")])]);
        let account = AccountUsage { families, clusters_left_out: 2, ..AccountUsage::default() };
        let (of_web, of_api) = (account.of(&web), account.of(&api));
        assert_eq!((of_web.runs, of_web.clusters_left_out), (vec![run("5"), run("3"), run("5")], 2));
        assert_eq!((of_api.runs, of_api.clusters_left_out), (Vec::new(), 2));
        let revisions: Vec<String> = account.revisions().map(|id| id.to_string()).collect();
        assert_eq!(revisions, ["web:3", "web:5"]);
    }

    #[test]
    fn a_record_of_a_daemon_says_nothing_of_the_ordinary_revision() {
        let text = r#"{"schemaVersion":1,"mode":"alert","outcome":"alerted","reason":"daemon_task_definition",
            "failedAction":"ecs:DescribeDaemonTaskDefinition"}"#;
        let Held { record, etag } = Held { record: Record::parse(text).unwrap(), etag: "e".into() }.of_ordinary();
        assert_eq!((record.outcome.as_str(), record.mode.as_str(), etag.as_str()), ("", "", "e"));
        assert_eq!((record.reason, record.failed_action), (None, None));
    }
}
