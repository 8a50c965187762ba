//! Joins observe, plan, apply and report. An event names which revision to look at, never what to do: running this
//! twice, in parallel, out of order, or again after a crash at any point ends in the same state. No lock, no lease.

mod apply;
mod at_word;
mod backout;
mod between;
mod foresee;
mod foretell;
mod lost;
mod moves;
mod observe;
mod presence;
mod report;
mod said;
mod stop;
mod sweep;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::domain::arn::{Family, Home, Revision, TaskDefinitionId};
use crate::domain::event::{DaemonTaskDefinition, Subject};
use crate::domain::failure::CallFailure;
use crate::domain::moves::answer::Answer as ServiceAnswer;
use crate::domain::observation::{AccountUsage, Held, Observation, Usage};
use crate::domain::outcome::{Alerting, Answer as RevisionAnswer, Outcome};
use crate::domain::plan::{Plan, check_plan, plan};
use crate::domain::policy::Policy;
use crate::domain::provenance::Provenance;
use crate::domain::record::{MadeCopy, Record};
use crate::domain::report::{Failure, Finding, Report};
use crate::domain::service::ServiceId;

use apply::{Applied, Ending, TIME_TO_FINISH, apply};
pub use foresee::ForeseeError;
pub use foretell::{Call, Foresight, Foretold};
use observe::{family_records, observe, read_record};
use report::Past;
pub use report::Texts;
pub use said::Said;
pub use stop::describe_patiently;
use stop::{Patience, Stop};
pub use sweep::{Answer as SweepAnswer, Swept};

/// A run that is thrown back this often is given back to Lambda, which tries it again later.
const ROUNDS_MAX: usize = 6;
/// What is left to publish and record how a run ended.
const TIME_TO_REPORT: SignedDuration = SignedDuration::from_secs(5);
/// What runs a family only adds to the alert, and the remedy waits for it: so long at most.
const WALK_MAX: SignedDuration = SignedDuration::from_secs(20);
/// What is left then to back up and register.
const TIME_TO_REMEDY: SignedDuration = SignedDuration::from_secs(TIME_TO_FINISH.as_secs() + 2);

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
    /// What runs every family, where a walk has seen that already.
    pub usage: Option<Arc<AccountUsage>>,
    /// The ACTIVE revisions of the family that is looked at, in order, where they were listed already.
    pub listed: Arc<[Revision]>,
}

/// What a run has done so far.
#[derive(Debug, Default)]
struct Run {
    made: Vec<MadeCopy>,
    backup_sha256: Option<String>,
    /// Revisions that were seen to be ACTIVE, whether or not ECS's lists show them yet.
    met: BTreeSet<Revision>,
    /// A registration was sent, and perhaps done: its answer did not come. Its number is above this one.
    lost_above: Option<Revision>,
    /// What was seen to run the family. Tasks come and go all the time, so a look a minute later knows no better.
    usage: OnceCell<Usage>,
}

/// Why a run did not come to an outcome. Who tries it again, each function says itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// What a retry can heal lasted longer than the run.
    #[error("gave up for now: {0}")]
    Transient(CallFailure),
    /// A registration could not be begun in the time that was left.
    #[error("too little time was left to go on")]
    OutOfTime,
    /// The world kept moving.
    #[error("the family kept changing while it was looked at")]
    Unsettled,
    /// The event names no revision, and the family's latest could not be looked up.
    #[error("the event names no revision, and the family's latest ACTIVE one could not be looked up: {0}")]
    Unreadable(Failure),
    /// A service, or what is remembered of its move, could not be looked at, and a retry does not help.
    #[error("the service could not be looked at: {0}")]
    ServiceUnreadable(Failure),
    /// Nobody could be told.
    #[error("the alert could not be published, so nobody was told: {0}")]
    NotPublished(CallFailure),
    /// What was done could not be written down.
    #[error("the alert was published, but its record could not be written: {0}")]
    NotRecorded(String),
}

impl RunError {
    /// Why a look at a service did not come to its end.
    fn of_service(stop: Stop) -> Self {
        match stop {
            Stop::Transient(failure) => Self::Transient(failure),
            Stop::Failed(failure) => Self::ServiceUnreadable(failure),
            Stop::OutOfTime => Self::OutOfTime,
        }
    }

    /// The stable name, for `errorType` and metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Transient(failure) => failure.category(),
            Self::OutOfTime => "out_of_time",
            Self::Unsettled => "unsettled",
            Self::Unreadable(failure) | Self::ServiceUnreadable(failure) => failure.reason().as_str(),
            Self::NotPublished(_) => "alert_not_published",
            Self::NotRecorded(_) => "not_recorded",
        }
    }
}

/// How a run ended: the answer, and the report behind it where there is one.
#[derive(Debug)]
pub struct Concluded {
    /// What Lambda is answered.
    pub said: Said,
    /// The facts, where a revision was looked at.
    pub report: Option<Box<Report>>,
    /// The metrics of services' moves, beside those of the report.
    pub metrics: Vec<(&'static str, f64)>,
    /// Services that a registration's event was followed to, and which ECS refused to move.
    pub not_moved: Vec<(ServiceId, CallFailure)>,
}

impl Concluded {
    fn of(answer: RevisionAnswer, report: Report) -> Self {
        Self {
            said: Said::Revision(answer),
            report: Some(Box::new(report)),
            metrics: Vec::new(),
            not_moved: Vec::new(),
        }
    }

    /// An event of a service that is none of ours, or that tells nothing new.
    #[must_use]
    pub fn not_ours(reason: Option<&'static str>) -> Self {
        let said = Said::Service(ServiceAnswer::not_ours(reason));
        Self { said, report: None, metrics: Vec::new(), not_moved: Vec::new() }
    }

    /// An end that nobody needs to hear of and that leaves no record.
    #[must_use]
    pub fn silent(outcome: Outcome, task_definition: Option<String>) -> Self {
        let (services, alert) = (Vec::new(), Alerting::None);
        let answer = RevisionAnswer { outcome, reason: None, task_definition, copy: None, services, alert };
        Self { said: Said::Revision(answer), report: None, metrics: Vec::new(), not_moved: Vec::new() }
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
            Subject::Revision(id) => self.look_at_revision(id, provenance, deadline).await,
            Subject::Daemon(daemon) => Box::pin(self.look_at_daemon(daemon, provenance, deadline)).await,
            Subject::LatestOf(family) => match self.latest_of(family, deadline).await? {
                Some(id) => self.look_at_revision(&id, provenance, deadline).await,
                // Every revision is INACTIVE or gone by now.
                None => Ok(Concluded::silent(Outcome::Inactive, Some(family.to_string()))),
            },
            Subject::Service { id, occasion } => {
                Box::pin(self.look_at_service(id, occasion, provenance, deadline)).await
            }
        }
    }

    async fn look_at_revision(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let concluded = Box::pin(self.reconcile_and_report(id, provenance, deadline)).await?;
        Box::pin(self.follow_to_services(concluded, moves::SERVICES_MAX, provenance, deadline)).await
    }

    /// The family's latest ACTIVE revision. Without one there is nothing that an alert could name, so what a retry
    /// cannot heal is an error here, and dead-lettered.
    async fn latest_of(&self, family: &Family, deadline: Timestamp) -> Result<Option<TaskDefinitionId>, RunError> {
        let latest = self.patience(deadline).repeat(async || Ok(self.aws.ecs.describe(family.as_str()).await?)).await;
        match latest {
            Ok(described) => Ok(described.map(|described| described.id().clone())),
            Err(Stop::Transient(failure)) => Err(RunError::Transient(failure)),
            Err(Stop::Failed(failure)) => Err(RunError::Unreadable(failure)),
            Err(Stop::OutOfTime) => Err(RunError::OutOfTime),
        }
    }

    /// What runs a family, as far as it is seen in the time that the remedy can spare.
    async fn usage(&self, family: &Family, deadline: Timestamp) -> Usage {
        let clock = &self.aws.clock;
        match &self.usage {
            Some(walked) => walked.of(family),
            None => {
                let until = (clock.now() + WALK_MAX).min(deadline - TIME_TO_REMEDY);
                self.aws.ecs.usage(family, clock, until).await
            }
        }
    }

    /// The numbers of a family's ACTIVE revisions, all of those above `floor` and perhaps some below, from the highest.
    /// What was listed already is not listed again, only what is newer: a family may have a thousand pages.
    async fn active_revisions(&self, family: &Family, floor: Revision) -> Result<Vec<Revision>, CallFailure> {
        let newest = self.listed.last().copied().unwrap_or(floor);
        let mut revisions = self.aws.ecs.active_revisions(family, floor.max(newest)).await?;
        let lowest = revisions.last().copied();
        let listed = self.listed.iter().rev().copied();
        revisions.extend(listed.filter(|number| lowest.is_none_or(|lowest| *number < lowest)));
        Ok(revisions)
    }

    /// How long a run that looks at one thing only waits for what heals by itself.
    fn patience(&self, deadline: Timestamp) -> Patience<'_> {
        self.some_patience(deadline).lasting()
    }

    /// How long one that has others to look at does.
    fn some_patience(&self, deadline: Timestamp) -> Patience<'_> {
        Patience::until(deadline - TIME_TO_REPORT, &self.aws.clock)
    }

    async fn reconcile_and_report(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let (report, past) = self.reconcile(id, provenance, deadline, self.patience(deadline)).await?;
        self.report(report, past, deadline).await
    }

    /// Brings the world around one revision into order: observe, plan, apply, and again while it moves. What came of it
    /// is still to be told and recorded.
    async fn reconcile(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
        mut patience: Patience<'_>,
    ) -> Result<(Report, Past), RunError> {
        let mut run = Run::default();
        let mut last = None;
        for _ in 0..ROUNDS_MAX {
            let round = async || self.round(id, provenance, deadline, &mut run, &mut last).await;
            let ended = match patience.go_on(round).await {
                Ok(Some(ending)) => Ok(ending),
                Ok(None) => continue,
                Err(Stop::Transient(failure)) => return Err(RunError::Transient(failure)),
                Err(Stop::OutOfTime) => return Err(RunError::OutOfTime),
                Err(Stop::Failed(failure)) => Err(failure),
            };
            return Ok(self.conclude(id, provenance, run, last, ended).await);
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
        if let Some(highest_seen) = run.lost_above {
            run.met.extend(lost::active_above(self, &id.family, highest_seen).await?);
            run.lost_above = None;
        }
        let seen = observe(self, id, run, provenance.by_batch(), deadline).await?;
        let plan = plan(&seen, &self.policy, self.aws.clock.now());
        debug_assert_eq!(check_plan(&seen, &self.policy, &plan), Ok(()));
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
        match self.judge_daemon(daemon, provenance, deadline).await? {
            ControlFlow::Break(concluded) => Ok(concluded),
            ControlFlow::Continue((report, past)) => self.report(report, past, deadline).await,
        }
    }

    /// What is to be told of it, if anything is.
    async fn judge_daemon(
        &self,
        daemon: &DaemonTaskDefinition,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<ControlFlow<Concluded, (Report, Past)>, RunError> {
        let id = &daemon.id;
        let arn = daemon.arn(&self.home);
        let look = async || Ok(self.aws.ecs.privileged_in_daemon(&arn).await?);
        let silent = |outcome| Ok(ControlFlow::Break(Concluded::silent(outcome, Some(id.to_string()))));
        let privileged = match self.patience(deadline).repeat(look).await {
            Ok(Some(containers)) if containers.is_empty() => return silent(Outcome::Compliant),
            Ok(Some(containers)) => containers,
            // Nothing is changed either way, so here the event's word is enough to tell somebody.
            Ok(None) | Err(Stop::Failed(_)) if !daemon.privileged_by_event.is_empty() => {
                daemon.privileged_by_event.clone()
            }
            Ok(None) => return silent(Outcome::Inactive),
            Err(Stop::Failed(failure)) => {
                let concluded = self.conclude(id, provenance, Run::default(), None, Err(failure)).await;
                return Ok(ControlFlow::Continue(concluded));
            }
            Err(Stop::Transient(failure)) => return Err(RunError::Transient(failure)),
            Err(Stop::OutOfTime) => return Err(RunError::OutOfTime),
        };
        let report = Report::of_daemon(id.clone(), privileged, provenance.clone(), self.policy.mode);
        let Past { own, family } = self.past_of(id).await;
        let own = own.map(|held| Held { record: held.record.of_daemon(), ..held });
        let family = family.into_iter().map(Record::of_daemon).collect();
        Ok(ControlFlow::Continue((report, Past { own, family })))
    }

    /// What is known of a revision that could not be looked at. A record that cannot be read keeps nobody from being
    /// told; writing it says what is wrong with it.
    async fn past_of(&self, id: &TaskDefinitionId) -> Past {
        let own = read_record(self, id).await.unwrap_or_default();
        let family = family_records(self, id, self.aws.clock.now()).await.unwrap_or_default();
        Past { own, family }
    }

    /// Puts together all that is known at the end.
    async fn conclude(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        run: Run,
        last: Option<(Observation, Plan)>,
        ended: Result<Ending, Failure>,
    ) -> (Report, Past) {
        let past = match &last {
            Some((seen, _)) => Past { own: seen.record.clone(), family: seen.family_records.clone() },
            None => self.past_of(id).await,
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
        (report, past)
    }
}
