//! Joins observe, plan, apply and report. An event names which revision to look at, never what to do: running this
//! twice, in parallel, out of order, or again after a crash at any point ends in the same state. No lock, no lease.

mod apply;
mod observe;
mod report;
mod stop;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::aws::Aws;
use crate::domain::arn::{Family, Home, TaskDefinitionId};
use crate::domain::event::{DaemonTaskDefinition, Subject};
use crate::domain::failure::CallFailure;
use crate::domain::observation::Observation;
use crate::domain::outcome::{Alerting, Answer, Outcome};
use crate::domain::plan::{Plan, plan};
use crate::domain::policy::Policy;
use crate::domain::provenance::Provenance;
use crate::domain::record::MadeCopy;
use crate::domain::report::{Failure, Finding, Report};

use apply::{Applied, Ending, apply};
use observe::{observe, read_record};
pub use report::Texts;
use stop::Stop;

/// A run that is thrown back this often is given back to Lambda, which tries it again later.
const ROUNDS_MAX: usize = 6;
/// What is left to publish and record how a run ended.
const TIME_TO_REPORT: SignedDuration = SignedDuration::from_secs(5);

/// Everything a run needs but the event.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The ways outside.
    pub aws: Aws,
    /// What the operator asked for.
    pub policy: Policy,
    /// The account and Region that are guarded.
    pub home: Home,
    /// What alerts say besides the facts.
    pub texts: Texts,
}

/// What a run has done so far.
#[derive(Debug, Default)]
struct Run {
    made: Vec<MadeCopy>,
    backup_sha256: Option<String>,
}

/// Why a run did not come to an outcome. Lambda retries it and then keeps the event in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// What a retry can heal lasted longer than the run.
    #[error("gave up for now, Lambda tries again: {0}")]
    Transient(CallFailure),
    /// A registration could not be begun in the time that was left.
    #[error("too little time was left to register a copy and prove it; Lambda tries again")]
    OutOfTime,
    /// The world kept moving.
    #[error("the family kept changing while it was looked at; Lambda tries again")]
    Unsettled,
    /// The event names no revision, and the family's latest could not be looked up.
    #[error("the event names no revision, and the family's latest ACTIVE one could not be looked up: {0}")]
    Unreadable(Failure),
    /// Nobody could be told.
    #[error("the alert could not be published, so nobody was told: {0}")]
    NotPublished(CallFailure),
    /// What was done could not be written down.
    #[error("the alert was published, but its record could not be written: {0}")]
    NotRecorded(String),
}

impl RunError {
    /// The stable name, for `errorType` and metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Transient(failure) => failure.category(),
            Self::OutOfTime => "out_of_time",
            Self::Unsettled => "unsettled",
            Self::Unreadable(failure) => failure.reason().as_str(),
            Self::NotPublished(_) => "alert_not_published",
            Self::NotRecorded(_) => "not_recorded",
        }
    }
}

/// How a run ended: the answer, and the report behind it where there is one.
#[derive(Debug)]
pub struct Concluded {
    /// What Lambda is answered.
    pub answer: Answer,
    /// The facts, where a privileged revision was looked at.
    pub report: Option<Box<Report>>,
}

impl Concluded {
    /// An end that nobody needs to hear of and that leaves no record.
    #[must_use]
    pub fn silent(outcome: Outcome, task_definition: Option<String>) -> Self {
        let (services, alert) = (Vec::new(), Alerting::None);
        Self { answer: Answer { outcome, reason: None, task_definition, copy: None, services, alert }, report: None }
    }
}

impl Guard {
    /// Looks at what an event names.
    ///
    /// # Errors
    /// When Lambda is to try again, or nobody could be told.
    pub async fn look(
        &self,
        subject: &Subject,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        match subject {
            Subject::Revision(id) => Box::pin(self.reconcile(id, provenance, deadline)).await,
            Subject::Daemon(daemon) => Box::pin(self.look_at_daemon(daemon, provenance, deadline)).await,
            Subject::LatestOf(family) => match self.latest_of(family, deadline).await? {
                Some(id) => Box::pin(self.reconcile(&id, provenance, deadline)).await,
                // Every revision is INACTIVE or gone by now.
                None => Ok(Concluded::silent(Outcome::Inactive, Some(family.to_string()))),
            },
        }
    }

    /// The family's latest ACTIVE revision. Without one there is nothing that an alert could name, so what a retry
    /// cannot heal is an error here, and dead-lettered.
    async fn latest_of(&self, family: &Family, deadline: Timestamp) -> Result<Option<TaskDefinitionId>, RunError> {
        let mut pauses = pauses();
        loop {
            match self.aws.ecs.describe(family.as_str()).await.map_err(Stop::from) {
                Ok(described) => return Ok(described.map(|described| described.id().clone())),
                Err(Stop::Transient(failure)) => self.wait_or_give_up(failure, pauses.next(), deadline).await?,
                Err(Stop::Failed(failure)) => return Err(RunError::Unreadable(failure)),
                Err(Stop::OutOfTime) => return Err(RunError::OutOfTime),
            }
        }
    }

    /// Brings the world around one revision into order: observe, plan, apply, and again while it moves; then report.
    async fn reconcile(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let mut run = Run::default();
        let mut pauses = pauses();
        let mut last = None;
        for _ in 0..ROUNDS_MAX {
            let stop = match self.round(id, provenance, deadline, &mut run, &mut last).await {
                Ok(Some(ending)) => return self.conclude(id, provenance, run, last, Ok(ending)).await,
                Ok(None) => continue,
                Err(stop) => stop,
            };
            match stop {
                Stop::OutOfTime => return Err(RunError::OutOfTime),
                Stop::Failed(failure) => return self.conclude(id, provenance, run, last, Err(failure)).await,
                Stop::Transient(failure) => self.wait_or_give_up(failure, pauses.next(), deadline).await?,
            }
        }
        Err(RunError::Unsettled)
    }

    /// One look and what follows from it; nothing if the world has moved and is to be looked at again. What was seen
    /// and planned is left in `last` for the report.
    async fn round(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
        run: &mut Run,
        last: &mut Option<(Observation, Plan)>,
    ) -> Result<Option<Ending>, Stop> {
        let seen = observe(self, id, &run.made, provenance.by_batch()).await?;
        let plan = plan(&seen, &self.policy, self.aws.clock.now());
        let (seen, plan) = last.insert((seen, plan));
        match apply(self, seen, plan, run, deadline).await? {
            Applied::Ended(ending) => Ok(Some(ending)),
            Applied::LookAgain => Ok(None),
        }
    }

    /// A daemon task definition is alerted and never changed: a copy would need `UpdateDaemon`, which drains and
    /// replaces instances. <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-daemons.html>
    async fn look_at_daemon(
        &self,
        daemon: &DaemonTaskDefinition,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let id = &daemon.id;
        let mut pauses = pauses();
        let privileged = loop {
            match self.aws.ecs.privileged_in_daemon(&daemon.arn(&self.home)).await.map_err(Stop::from) {
                Ok(Some(containers)) if containers.is_empty() => {
                    return Ok(Concluded::silent(Outcome::Compliant, Some(id.to_string())));
                }
                Ok(Some(containers)) => break containers,
                // Nothing is changed either way, so here the event's word is enough to tell somebody.
                Ok(None) | Err(Stop::Failed(_)) if !daemon.privileged_by_event.is_empty() => {
                    break daemon.privileged_by_event.clone();
                }
                Ok(None) => return Ok(Concluded::silent(Outcome::Inactive, Some(id.to_string()))),
                Err(Stop::Failed(failure)) => {
                    return self.conclude(id, provenance, Run::default(), None, Err(failure)).await;
                }
                Err(Stop::OutOfTime) => return Err(RunError::OutOfTime),
                Err(Stop::Transient(failure)) => self.wait_or_give_up(failure, pauses.next(), deadline).await?,
            }
        };
        let held = read_record(self, id).await.unwrap_or_default();
        let report = Report::of_daemon(id.clone(), privileged, provenance.clone(), self.policy.mode);
        self.report(report, held).await
    }

    /// Waits before the next attempt, if there is one and time for it.
    async fn wait_or_give_up(
        &self,
        failure: CallFailure,
        pause: Option<Duration>,
        deadline: Timestamp,
    ) -> Result<(), RunError> {
        let left = deadline.duration_since(self.aws.clock.now()) - TIME_TO_REPORT;
        match pause {
            Some(pause) if SignedDuration::try_from(pause).is_ok_and(|pause| pause < left) => {
                self.aws.clock.sleep(pause).await;
                Ok(())
            }
            Some(_) | None => Err(RunError::Transient(failure)),
        }
    }

    /// Puts together all that is known at the end, and reports it.
    async fn conclude(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        run: Run,
        last: Option<(Observation, Plan)>,
        ended: Result<Ending, Failure>,
    ) -> Result<Concluded, RunError> {
        let held = match &last {
            Some((seen, _)) => seen.record.clone(),
            // A record that cannot be read keeps nobody from being told; writing it says what is wrong with it.
            None => read_record(self, id).await.unwrap_or_default(),
        };
        let finding = last.map(|(seen, plan)| Finding { seen, plan });
        let mut report = Report {
            id: id.clone(),
            is_daemon: false,
            mode: self.policy.mode,
            outcome: Outcome::Failed,
            reason: None,
            copy: None,
            differences: Vec::new(),
            failure: None,
            made: run.made,
            backup_sha256: run.backup_sha256,
            daemon_containers: Vec::new(),
            provenance: provenance.clone(),
            finding,
        };
        match ended {
            Ok(ending) => {
                report.outcome = ending.outcome;
                report.reason = ending.reason;
                report.copy = ending.copy;
                report.differences = ending.differences;
            }
            Err(failure) => {
                report.reason = Some(failure.reason());
                report.failure = Some(failure);
            }
        }
        self.report(report, held).await
    }
}

/// Growing waits between attempts: 1, 2, 4, 8 and 8 seconds.
fn pauses() -> impl Iterator<Item = Duration> {
    [1, 2, 4, 8, 8].into_iter().map(Duration::from_secs)
}
