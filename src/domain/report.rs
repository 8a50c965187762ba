//! Everything that is known at the end of a run, in one value: what the answer, the record, the alert and the metrics
//! are made of. It holds facts and no texts.

use jiff::Timestamp;

use super::arn::TaskDefinitionId;
use super::document::{Described, DocumentError};
use super::failure::CallFailure;
use super::fidelity::MemberPath;
use super::moves::MoveError;
use super::noise::Fact;
use super::observation::Observation;
use super::outcome::{Alerting, Answer, Outcome, Reason};
use super::plan::{CopyInForce, Plan};
use super::policy::Mode;
use super::provenance::Provenance;
use super::record::{MadeCopy, Record, RecordError, Withdrawal};

/// The facts of a run.
#[derive(Debug)]
pub struct Report {
    /// The revision that was looked at.
    pub id: TaskDefinitionId,
    /// Whether it is a daemon task definition.
    pub is_daemon: bool,
    /// The mode.
    pub mode: Mode,
    /// What the run came to.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The copy that is in force.
    pub copy: Option<CopyInForce>,
    /// Where a copy of ours differed from the original.
    pub differences: Vec<MemberPath>,
    /// What went wrong, for `failed`.
    pub failure: Option<Failure>,
    /// Copies that this run made or withdrew.
    pub made: Vec<MadeCopy>,
    /// SHA-256 of the backup.
    pub backup_sha256: Option<String>,
    /// The privileged containers of a daemon task definition.
    pub daemon_containers: Vec<String>,
    /// What the event says about who made the call.
    pub provenance: Provenance,
    /// What was seen and planned, unless seeing failed.
    pub finding: Option<Finding>,
}

/// What was seen, and the plan made of it.
#[derive(Debug)]
pub struct Finding {
    /// The observation.
    pub seen: Observation,
    /// The plan.
    pub plan: Plan,
}

/// What a retry cannot heal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A call was refused.
    #[error("{0}")]
    Call(CallFailure),
    /// Something else than the original lies where its backup belongs.
    #[error("the object {key} is not a backup of the original: somebody put or changed it")]
    BackupTampered {
        /// Its key.
        key: String,
    },
    /// A record that this version does not understand. It is not overwritten.
    #[error("the record {key} cannot be used: {error}")]
    RecordUnreadable {
        /// Its key.
        key: String,
        /// What is wrong with it.
        error: RecordError,
    },
    /// What is remembered of a service's move, and this version does not understand. It is not overwritten.
    #[error("the move {key} cannot be used: {error}")]
    MoveUnreadable {
        /// Its key.
        key: String,
        /// What is wrong with it.
        error: MoveError,
    },
    /// What was registered again came out different.
    #[error("{what} came out different from what was registered, and was taken back: {}", paths(.differences))]
    Unfaithful {
        /// Which revision.
        what: String,
        /// Where it differs.
        differences: Vec<MemberPath>,
    },
    /// A task definition that cannot be understood.
    #[error("the description of {what} cannot be understood: {error}")]
    Malformed {
        /// Which.
        what: String,
        /// What is wrong with it.
        error: DocumentError,
    },
}

fn paths(differences: &[MemberPath]) -> String {
    differences.iter().map(MemberPath::as_str).collect::<Vec<_>>().join(", ")
}

impl Failure {
    /// The reason of the outcome `failed`.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Call(failure) => failure.reason(),
            Self::BackupTampered { .. } => Reason::BackupTampered,
            Self::RecordUnreadable { .. } | Self::MoveUnreadable { .. } => Reason::RecordUnreadable,
            Self::Unfaithful { .. } => Reason::UnfaithfulBefore,
            Self::Malformed { .. } => Reason::MalformedDefinition,
        }
    }

    /// The action that failed or is missing.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        match self {
            Self::Call(failure) => Some(failure.denied_action().unwrap_or(failure.action)),
            Self::BackupTampered { .. }
            | Self::RecordUnreadable { .. }
            | Self::MoveUnreadable { .. }
            | Self::Unfaithful { .. }
            | Self::Malformed { .. } => None,
        }
    }
}

impl Report {
    /// The report on a privileged daemon task definition.
    #[must_use]
    pub fn of_daemon(id: TaskDefinitionId, containers: Vec<String>, provenance: Provenance, mode: Mode) -> Self {
        Self {
            id,
            is_daemon: true,
            mode,
            outcome: Outcome::Alerted,
            reason: Some(Reason::DaemonTaskDefinition),
            copy: None,
            differences: Vec::new(),
            failure: None,
            made: Vec::new(),
            backup_sha256: None,
            daemon_containers: containers,
            provenance,
            finding: None,
        }
    }

    /// The original, as ECS described it.
    #[must_use]
    pub fn original(&self) -> Option<&Described> {
        self.finding.as_ref().and_then(|finding| finding.seen.original.described())
    }

    /// The names of the original's privileged containers.
    #[must_use]
    pub fn privileged_containers(&self) -> &[String] {
        self.original().map_or(&self.daemon_containers, Described::privileged_containers)
    }

    /// Whether this run's end is to be recorded.
    #[must_use]
    pub fn leaves_a_record(&self, alert: Alerting) -> bool {
        self.outcome.is_recorded() || alert == Alerting::Sent || self.has_news_of_copies()
    }

    /// Whether this run did something that must be told. A copy that was withdrawn within seconds, because an equal one
    /// serves or the family is exempt by now, leaves the world as it was.
    #[must_use]
    pub fn has_changed_something(&self) -> bool {
        self.made
            .iter()
            .any(|copy| !copy.was_withdrawn_for(Withdrawal::Duplicate) && !copy.was_withdrawn_for(Withdrawal::Exempt))
    }

    /// Whether it is known of some copy what was not recorded before: it was made, withdrawn, or found to be gone.
    #[must_use]
    pub fn has_news_of_copies(&self) -> bool {
        !self.made.is_empty() || self.finding.iter().any(|finding| !finding.seen.gone.is_empty())
    }

    /// Whether somebody else deregistered it.
    fn was_removed(&self, made: &MadeCopy) -> bool {
        let removed = self.finding.iter().flat_map(|finding| &finding.seen.removed);
        removed.copied().any(|removed| made.is_revision(removed))
    }

    fn is_in_force(&self, made: &MadeCopy) -> bool {
        self.copy.as_ref().is_some_and(|copy| made.is_revision(copy.id.revision))
    }

    /// Whether this run made the copy that is in force, or brought it to its end for the run that did.
    #[must_use]
    pub fn has_made_the_copy(&self) -> bool {
        self.made.iter().any(|made| made.stands() && self.is_in_force(made))
    }

    /// Copies of this run that are ACTIVE, and neither proven nor withdrawn.
    pub fn copies_left(&self) -> impl Iterator<Item = TaskDefinitionId> {
        let is_left = |copy: &&MadeCopy| copy.withdrawn.is_none() && !self.is_in_force(copy) && !self.was_removed(copy);
        let left = self.made.iter().filter(is_left);
        left.filter_map(|copy| Some(self.id.family.revision(copy.number()?)))
    }

    /// The fact that alerts are decided by.
    #[must_use]
    pub fn fact(&self) -> Fact<'_> {
        Fact {
            outcome: self.outcome,
            reason: self.reason,
            failed_action: self.failure.as_ref().and_then(Failure::action),
            containers: self.privileged_containers(),
            has_changed_something: self.has_changed_something(),
            copy_told: self.copy.as_ref().and_then(|copy| self.held()?.made(copy.id.revision)?.told),
            copy_is_ours: self.copy.as_ref().is_some_and(|copy| copy.is_ours || self.was_made_by_us(copy)),
            original_may_run: self.finding.as_ref().is_none_or(|finding| finding.plan.original_may_run),
        }
    }

    /// The copies for the record. One that is neither proven nor withdrawn nor to be withdrawn stays unnamed: the next
    /// look then deals with it, as with any that a run has left behind.
    fn copies(&self, alerted_at: Option<Timestamp>) -> Vec<MadeCopy> {
        let held = self.finding.iter().filter_map(|finding| finding.seen.record.as_ref());
        let held = held.flat_map(|held| &held.record.copies).filter(|held| self.is_in_force(held));
        let made = self.made.iter().filter(|made| self.is_known(made));
        let told = |copy: &MadeCopy| copy.told.or(alerted_at.filter(|_| self.is_in_force(copy)));
        let gone = self.finding.iter().flat_map(|finding| &finding.seen.gone);
        made.chain(held).chain(gone).map(|copy| MadeCopy { told: told(copy), ..copy.clone() }).collect()
    }

    /// Whether it is known what became of the copy. One that the run could not prove before something stopped it is not in
    /// force for good; a person's no is one only where the run ended with it.
    fn is_known(&self, made: &MadeCopy) -> bool {
        let is_proven = matches!(self.outcome, Outcome::Remediated | Outcome::AlreadyRemediated);
        let is_no = self.reason == Some(Reason::CopyRemoved) && self.was_removed(made);
        !made.stands() || (is_proven && self.is_in_force(made)) || is_no
    }

    fn was_made_by_us(&self, copy: &CopyInForce) -> bool {
        self.held().is_some_and(|held| held.made(copy.id.revision).is_some())
    }

    /// The record as it was read.
    fn held(&self) -> Option<&Record> {
        self.finding.as_ref().and_then(|finding| finding.seen.record.as_ref()).map(|held| &held.record)
    }

    /// The record of this run, before it is merged with what was held.
    #[must_use]
    pub fn record(&self, alerted_at: Option<Timestamp>, now: Timestamp) -> Record {
        Record {
            outcome: self.outcome.as_str().to_owned(),
            reason: self.reason.map(|reason| reason.as_str().to_owned()),
            copy: self.copy.as_ref().map(|copy| copy.id.to_string()),
            copies: self.copies(alerted_at),
            backup_sha256: self.backup_sha256.clone(),
            registered_by: self.original().and_then(Described::registered_by).map(str::to_owned),
            event_id: self.provenance.event_id.clone(),
            applied_by: self.provenance.applied_by.clone(),
            alerted_at,
            at: Some(now),
            failed_action: self.failure.as_ref().and_then(Failure::action).map(str::to_owned),
            ..Record::begun(&self.id, self.mode.as_str(), self.privileged_containers())
        }
    }

    /// What Lambda is answered.
    pub fn answer(&self, alert: Alerting) -> Answer {
        Answer {
            outcome: self.outcome,
            reason: self.reason,
            task_definition: Some(self.id.to_string()),
            copy: self.copy.as_ref().map(|copy| copy.id.to_string()),
            services: Vec::new(),
            alert,
        }
    }
}
