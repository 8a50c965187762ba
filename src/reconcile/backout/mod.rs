//! Undoes, at a person's word, what the guard did to one original: everything is checked before the first write; then
//! the exemption, the original, the services, the copy, the report, in this order, each step safe to repeat.

mod apply;
mod observe;

use jiff::{SignedDuration, Timestamp};

use super::stop::{Patience, Stop};
use super::{Guard, ROUNDS_MAX, RunError, TIME_TO_REPORT};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::backout::alert::{self, Told};
use crate::domain::backout::answer::{Answer, Outcome};
use crate::domain::backout::plan::{BringBack, ByHand, Plan, Refusal, Refused, Seen, Service, Steps, note, plan};
use crate::domain::backout::request::Request;
use crate::domain::escape::plain;
use crate::domain::outcome::{Alerting, ServiceState};
use crate::domain::record::{MadeCopy, Record, Withdrawal};
use crate::domain::report::Failure;

use apply::{Applied, Done, apply};
use observe::{observe, original_of};

/// No backout begins its writes with less time left.
const TIME_TO_FINISH: SignedDuration = SignedDuration::from_secs(20);

/// What a backout is asked for, until when, and what it has done so far.
struct Backout<'a> {
    guard: &'a Guard,
    request: &'a Request,
    deadline: Timestamp,
    done: Done,
}

impl Guard {
    /// Carries out a valid request.
    ///
    /// # Errors
    /// When what a retry can heal lasted longer than the run, or nobody could be told: the same request again goes on
    /// where this one stopped.
    pub async fn back_out(&self, request: &Request, deadline: Timestamp) -> Result<Answer, RunError> {
        let mut backout = Backout { guard: self, request, deadline, done: Done::default() };
        let mut patience = Patience::until(deadline - TIME_TO_REPORT, &self.aws.clock);
        for _ in 0..ROUNDS_MAX {
            match backout.round().await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(Stopped::Run(error)) => return Err(error),
                Err(Stopped::Step(Stop::Transient(failure))) => {
                    patience.wait(failure).await.map_err(RunError::Transient)?;
                }
                Err(Stopped::Step(Stop::OutOfTime)) => return Err(RunError::OutOfTime),
                Err(Stopped::Step(Stop::Failed(failure))) => return backout.failed(failure).await,
            }
        }
        Err(RunError::Unsettled)
    }
}

/// Why a round did not come to its end.
enum Stopped {
    /// A step was stopped.
    Step(Stop),
    /// The run is over.
    Run(RunError),
}

impl<E: Into<Stop>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Step(error.into())
    }
}

impl Backout<'_> {
    /// One look and what follows from it; nothing if the world has moved and is to be looked at again.
    async fn round(&mut self) -> Result<Option<Answer>, Stopped> {
        let Some(original) = original_of(self.guard, &self.request.named).await? else {
            return Ok(Some(self.concluded(&self.request.named, &Plan::Nothing)));
        };
        let seen = observe(self.guard, &original, &self.done.met).await?;
        let now = self.guard.aws.clock.now();
        let plan = plan(&seen, self.request, &self.guard.policy, now);
        let answer = self.concluded(&seen.id, &plan);
        match plan {
            _ if self.request.dry_run => Ok(Some(answer)),
            Plan::Refuse(Refused { why: Refusal::BackupTampered, message }) => {
                let told =
                    Told { failure: Some(message), is_backup_tampered: true, ..self.told(&seen.id, Outcome::Refused) };
                self.publish(&told).await.map_err(Stopped::Run)?;
                Ok(Some(Answer { alert: Alerting::Sent, ..answer }))
            }
            Plan::Refuse(_) | Plan::Nothing | Plan::Already(_) => Ok(Some(answer)),
            Plan::BackOut(_) if self.deadline.duration_since(now) < TIME_TO_FINISH => Err(Stop::OutOfTime.into()),
            Plan::BackOut(steps) => match apply(self.guard, &seen, &steps, &mut self.done).await? {
                Applied::LookAgain => Ok(None),
                Applied::Done => self.tell(&seen, &steps, answer).await.map(Some).map_err(Stopped::Run),
            },
        }
    }

    /// The answer that a plan leads to.
    fn concluded(&self, id: &TaskDefinitionId, plan: &Plan) -> Answer {
        let bare = |outcome| Answer {
            dry_run: self.request.dry_run,
            plan: self.request.dry_run.then(|| plan.sentences()),
            ..Answer::bare(outcome, Some(id.to_string()))
        };
        match plan {
            Plan::Refuse(refused) => Answer {
                reason: Some(refused.why.as_str()),
                message: Some(refused.message.clone()),
                ..bare(Outcome::Refused)
            },
            Plan::Nothing => bare(Outcome::NothingToBackOut),
            Plan::Already(restored) => {
                Answer { restored: Some(restored.to_string()), ..bare(Outcome::AlreadyBackedOut) }
            }
            Plan::BackOut(steps) => Answer {
                copy: steps.deregister.first().map(ToString::to_string),
                restored: match &steps.original {
                    BringBack::Stands(restored) => Some(restored.to_string()),
                    BringBack::Register(_) => None,
                },
                services: services(steps),
                ..bare(Outcome::BackedOut)
            },
        }
    }

    /// Tells and records what was done.
    async fn tell(&self, seen: &Seen, steps: &Steps, answer: Answer) -> Result<Answer, RunError> {
        let restored = self.done.restored.as_ref().unwrap_or(&seen.id);
        let told = Told {
            restored: Some(restored),
            steps: self.steps(steps.until),
            by_hand: &steps.by_hand,
            is_backup_tampered: steps.is_backup_tampered,
            ..self.told(&seen.id, Outcome::BackedOut)
        };
        self.publish(&told).await?;

        let now = self.guard.aws.clock.now();
        let held = seen.record.as_ref().map(|held| held.record.clone());
        let mut news =
            held.unwrap_or_else(|| Record::begun(&seen.id, self.guard.policy.mode.as_str(), &steps.containers));
        let withdrawn = self.done.withdrawn.iter().map(|id| MadeCopy::new(id.revision, now, &self.guard.policy));
        let by_us = std::mem::take(&mut news.copies).into_iter().chain(withdrawn);
        // A copy that somebody else deregistered before is undone with the rest: it is no person's no any more.
        news.copies = by_us.map(|copy| undone(copy, now)).collect();
        news.backed_out = Some(note(restored, steps.until, self.request, now));
        news.at = Some(now);
        let write = async || self.guard.merge_record(&seen.id, seen.record.clone(), &news, false).await;
        match self.guard.until_the_end(self.deadline).repeat(write).await {
            Ok(()) => Ok(Answer { restored: Some(restored.to_string()), alert: Alerting::Sent, ..answer }),
            Err(Stop::Transient(failure)) => Err(RunError::NotRecorded(failure.to_string())),
            Err(Stop::Failed(failure)) => Err(RunError::NotRecorded(failure.to_string())),
            Err(Stop::OutOfTime) => Err(RunError::OutOfTime),
        }
    }

    /// What a retry cannot heal: nothing is written over a record that cannot be read, and of anything else somebody
    /// is told what was done and what was not.
    async fn failed(&self, failure: Failure) -> Result<Answer, RunError> {
        let named = &self.request.named;
        let message = failure.to_string();
        if let Failure::RecordUnreadable { .. } = failure {
            return Ok(self.concluded(named, &Plan::Refuse(Refused { why: Refusal::RecordUnreadable, message })));
        }
        let told = Told {
            restored: self.done.restored.as_ref(),
            steps: self.steps(self.guard.aws.clock.now()),
            failure: Some(message.clone()),
            statement: alert::statement(&failure),
            ..self.told(named, Outcome::Failed)
        };
        let alert = match self.request.dry_run {
            true => Alerting::None,
            false => {
                self.publish(&told).await?;
                Alerting::Sent
            }
        };
        let unmoved = self.done.unmoved.iter().map(|(service, _)| state(service, "failed"));
        Ok(Answer {
            reason: Some(failure.reason().as_str()),
            message: Some(message),
            restored: self.done.restored.as_ref().map(ToString::to_string),
            services: self.done.moved.iter().map(|service| state(service, "moving")).chain(unmoved).collect(),
            alert,
            dry_run: self.request.dry_run,
            ..Answer::bare(Outcome::Failed, Some(named.to_string()))
        })
    }

    fn told<'a>(&'a self, id: &'a TaskDefinitionId, outcome: Outcome) -> Told<'a> {
        Told {
            id,
            outcome,
            request: self.request,
            restored: None,
            copies: &self.done.withdrawn,
            steps: Vec::new(),
            failure: None,
            statement: None,
            by_hand: &[],
            is_backup_tampered: false,
        }
    }

    async fn publish(&self, told: &Told<'_>) -> Result<(), RunError> {
        self.guard.publish(&alert::message(told, &self.guard.setting()), self.deadline).await
    }

    /// What was done so far, in past-tense sentences.
    fn steps(&self, until: Timestamp) -> Vec<String> {
        let Done { exempted, restored, registered, moved, withdrawn, .. } = &self.done;
        let family = &self.request.named.family;
        let exempted = exempted.as_ref().map(|containers| {
            let containers: Vec<String> = containers.iter().map(|name| plain(name)).collect();
            format!("Exempted {family}, containers {}, until {until}", containers.join(", "))
        });
        let registered = restored.iter().filter(|_| *registered);
        let registered = registered.map(|id| format!("Registered {id} from the backup, proven equal to the original"));
        let to = restored.as_ref().map(ToString::to_string).unwrap_or_default();
        let moved = moved
            .iter()
            .map(|it| format!("Moved service {} in cluster {} to {to}", plain(&it.name), plain(&it.cluster)));
        let withdrawn = withdrawn.iter().map(|id| format!("Deregistered {id}, the copy"));
        exempted.into_iter().chain(registered).chain(moved).chain(withdrawn).collect()
    }
}

fn undone(copy: MadeCopy, now: Timestamp) -> MadeCopy {
    match copy.withdrawn {
        Some(_) => copy,
        None => MadeCopy { withdrawn: Some(now), why: Some(Withdrawal::BackedOut.as_str().to_owned()), ..copy },
    }
}

fn services(steps: &Steps) -> Vec<ServiceState> {
    let by_hand = |(service, why): &(Service, ByHand)| state(service, why.state());
    steps.moves.iter().map(|service| state(service, "moving")).chain(steps.by_hand.iter().map(by_hand)).collect()
}

fn state(service: &Service, state: &str) -> ServiceState {
    ServiceState { cluster: service.cluster.clone(), service: service.name.clone(), state: state.to_owned() }
}
