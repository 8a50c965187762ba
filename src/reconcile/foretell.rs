//! What an event would lead to, without a run: what the guard would do, the calls of it that write, and what people would
//! be told. It reads what a run would read, writes nothing, and tells nobody.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::apply::{Ending, made_copy};
use super::foresee::{ForeseeError, unforeseen};
use super::report::Past;
use super::{Concluded, Guard, Run, RunError, Said};
use crate::domain::alert::{self, Message};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::event::{Occasion, Subject};
use crate::domain::keys;
use crate::domain::noise::{Due, due};
use crate::domain::observation::{Held, Observation};
use crate::domain::outcome::{Alerting, Outcome, Reason};
use crate::domain::plan::{Plan, Then, plan};
use crate::domain::policy::{Mode, Policy};
use crate::domain::provenance::Provenance;
use crate::domain::record::{MadeCopy, Record, Withdrawal};
use crate::domain::report::{Failure, Report};
use crate::domain::service::ServiceId;

/// What an event would lead to.
#[derive(Debug)]
pub enum Foretold {
    /// A run that ends without a word or a record.
    Silent(Said),
    /// A run that looks at a service only, in mode `enforce`: what becomes of it is not foreseen.
    OfService,
    /// A run that looks at a revision.
    Run(Box<Foresight>),
}

/// A run that has not been.
#[derive(Debug)]
pub struct Foresight {
    /// Its report: of a remedy, which is known only once it is made, the one that mode `alert` gives.
    pub report: Report,
    /// What would be done; none about a daemon task definition.
    pub plan: Option<Plan>,
    /// Whether people would be told.
    pub alert: Alerting,
    /// What they would be told.
    pub message: Option<Message>,
    /// Whether that is what mode `alert` tells, instead of what the remedy will have come to.
    pub is_as_in_alert: bool,
    /// The calls that write, in order.
    pub calls: Vec<Call>,
}

/// A call that would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The IAM action.
    pub action: &'static str,
    /// The ARN of what it is made on.
    pub resource: String,
}

impl Guard {
    /// What an event of this subject would lead to; `topic` is the ARN of the topic, for its call. What becomes of services
    /// in mode `enforce` is not foreseen.
    ///
    /// # Errors
    /// When something that decides could not be read.
    pub async fn foretell(
        &self,
        subject: &Subject,
        provenance: &Provenance,
        topic: &str,
        deadline: Timestamp,
    ) -> Result<Foretold, ForeseeError> {
        match subject {
            Subject::Revision(id) => self.foretell_revision(id, provenance, topic, deadline).await,
            Subject::LatestOf(family) => match self.latest_of(family, deadline).await.map_err(unlooked)? {
                Some(id) => self.foretell_revision(&id, provenance, topic, deadline).await,
                None => Ok(silent(Concluded::silent(Outcome::Inactive, Some(family.to_string())))),
            },
            Subject::Daemon(daemon) => match self.judge_daemon(daemon, provenance, deadline).await.map_err(unlooked)? {
                ControlFlow::Break(concluded) => Ok(silent(concluded)),
                // It is whoever asks here who may not look, and not the guard.
                ControlFlow::Continue((Report { failure: Some(failure), .. }, _)) => Err(ForeseeError::Failed(failure)),
                ControlFlow::Continue((report, past)) => Ok(self.told(report, past, None, Vec::new(), topic)),
            },
            Subject::Service { id, occasion } => {
                self.foretell_service(id, occasion, &provenance.without_event(), topic, deadline).await
            }
        }
    }

    /// The revision that a service is on is looked at, as after the event.
    async fn foretell_service(
        &self,
        id: &ServiceId,
        occasion: &Occasion,
        provenance: &Provenance,
        topic: &str,
        deadline: Timestamp,
    ) -> Result<Foretold, ForeseeError> {
        let enforces = self.policy.mode == Mode::Enforce;
        let read = async || self.read_move(id).await;
        let before = match enforces {
            true => self.patience(deadline).repeat(read).await.map_err(unforeseen)?.map(|held| held.entry),
            false => None,
        };
        if matches!(occasion, Occasion::Deployment { .. }) && before.is_none() {
            return Ok(silent(Concluded::not_ours(None)));
        }
        let read = async || Ok(self.aws.ecs.service(id).await?);
        let service = self.patience(deadline).repeat(read).await.map_err(unforeseen)?;
        match service.as_ref().and_then(|service| service.current()) {
            Some(current) if before.is_none_or(|before| before.copy.as_ref() != Some(current)) => {
                self.foretell_revision(current, provenance, topic, deadline).await
            }
            Some(_) | None if enforces => Ok(Foretold::OfService),
            Some(_) | None => Ok(silent(Concluded::not_ours(None))),
        }
    }

    async fn foretell_revision(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        topic: &str,
        deadline: Timestamp,
    ) -> Result<Foretold, ForeseeError> {
        let (seen, plan) = self.foresee_by(id, provenance.by_batch(), deadline).await?;
        let mut calls = self.calls(&seen, &plan);
        if let Then::End(outcome, reason) = plan.then {
            let run = Run { made: self.withdrawn(&seen, &plan), ..Run::default() };
            let ending = ending(&plan, outcome, reason);
            let (report, past) = self.conclude(id, provenance, run, Some((seen, plan.clone())), Ok(ending)).await;
            return Ok(self.told(report, past, Some(plan), calls, topic));
        }
        let policy = Policy { mode: Mode::Alert, ..self.policy.clone() };
        let telling = Self { policy, ..self.clone() };
        let in_alert = self::plan(&seen, &telling.policy, self.aws.clock.now());
        let (outcome, reason) = match in_alert.then {
            Then::End(outcome, reason) => (outcome, reason),
            // Not reached: mode `alert` changes nothing.
            Then::Copy(_) | Then::Finish(_) => (Outcome::Alerted, Some(Reason::AlertMode)),
        };
        let ending = ending(&in_alert, outcome, reason);
        let (report, _) = telling.conclude(id, provenance, Run::default(), Some((seen, in_alert)), Ok(ending)).await;
        let message = Some(alert::message(&report, &telling.setting()));
        calls.extend([publish(topic), self.put(&keys::record(&self.home, id))]);
        // A change is always told.
        let (plan, alert) = (Some(plan), Alerting::Sent);
        Ok(Foretold::Run(Box::new(Foresight { report, plan, alert, message, is_as_in_alert: true, calls })))
    }

    /// The copies as they are once the plan has withdrawn them.
    fn withdrawn(&self, seen: &Observation, plan: &Plan) -> Vec<MadeCopy> {
        let mut run = Run::default();
        for (copy, why) in &plan.withdraw {
            let made = made_copy(self, seen, &mut run, copy);
            run.made[made].why = Some(why.as_str().to_owned());
            run.made[made].withdrawn = Some(self.aws.clock.now());
        }
        run.made
    }

    /// What would be told of a report, and recorded.
    fn told(&self, report: Report, past: Past, plan: Option<Plan>, mut calls: Vec<Call>, topic: &str) -> Foretold {
        let now = self.aws.clock.now();
        let held = past.own.map(|held| held.record);
        let Due { alert, told_at } = due(&report.fact(), held.as_ref(), &past.family, now);
        let is_sent = alert == Alerting::Sent;
        calls.extend(is_sent.then(|| publish(topic)));
        if report.leaves_a_record(alert) && is_news(held.as_ref(), report.record(told_at, now)) {
            calls.push(self.put(&keys::record(&self.home, &report.id)));
        }
        let message = is_sent.then(|| alert::message(&report, &self.setting()));
        Foretold::Run(Box::new(Foresight { report, plan, alert, message, is_as_in_alert: false, calls }))
    }

    /// The calls of a plan that write, in the order of `apply`.
    fn calls(&self, seen: &Observation, plan: &Plan) -> Vec<Call> {
        let mut calls = Vec::new();
        for (copy, why) in &plan.withdraw {
            if !is_noted(seen.record.as_ref(), copy, *why) {
                calls.push(self.put(&keys::record(&self.home, &seen.id)));
            }
            calls.push(self.definition("ecs:DeregisterTaskDefinition", &copy.to_string()));
        }
        let back_up = self.put(&keys::backup(&self.home, &seen.id));
        match &plan.then {
            Then::End(..) => {}
            Then::Copy(_) => {
                let copy = format!("{}:*", seen.id.family);
                calls.extend([back_up, self.definition("ecs:RegisterTaskDefinition", &copy)]);
            }
            Then::Finish(_) => calls.push(back_up),
        }
        calls
    }

    fn put(&self, key: &str) -> Call {
        Call { action: "s3:PutObject", resource: self.aws.bucket.arn(key) }
    }

    fn definition(&self, action: &'static str, id: &str) -> Call {
        Call { action, resource: self.home.ecs_arn(&format!("task-definition/{id}")) }
    }
}

/// The end of a plan that ends with what was seen.
fn ending(plan: &Plan, outcome: Outcome, reason: Option<Reason>) -> Ending {
    Ending { outcome, reason, copy: plan.copy.clone(), differences: plan.differences.clone() }
}

fn publish(topic: &str) -> Call {
    Call { action: "sns:Publish", resource: topic.to_owned() }
}

/// Whether the record says already that this copy must go: then that is not written again.
fn is_noted(held: Option<&Held>, copy: &TaskDefinitionId, why: Withdrawal) -> bool {
    held.and_then(|held| held.record.made(copy.revision)).is_some_and(|made| made.was_withdrawn_for(why))
}

/// Whether a record says what was not held.
fn is_news(held: Option<&Record>, news: Record) -> bool {
    held.is_none_or(|held| !held.says_the_same_as(&Record::merged(Some(held.clone()), news, false)))
}

fn silent(concluded: Concluded) -> Foretold {
    Foretold::Silent(concluded.said)
}

fn unlooked(error: RunError) -> ForeseeError {
    match error {
        RunError::Transient(failure) | RunError::NotPublished(failure) => ForeseeError::Failed(Failure::Call(failure)),
        RunError::Unreadable(failure) | RunError::ServiceUnreadable(failure) => ForeseeError::Failed(failure),
        RunError::OutOfTime | RunError::Unsettled | RunError::NotRecorded(_) => ForeseeError::OutOfTime,
    }
}
