//! How a backout ended: the answer, the alert, and the record, in the order alert, record.

use jiff::Timestamp;

use super::super::RunError;
use super::super::observe::read_record;
use super::super::stop::Stop;
use super::Backout;
use super::done::is_same;
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::backout::alert::{self, Told};
use crate::domain::backout::answer::{Answer, Outcome};
use crate::domain::backout::note::{self, finished};
use crate::domain::backout::plan::{BringBack, Judged, Plan, Seen, Services, Standing, Steps};
use crate::domain::backout::service::ByHand;
use crate::domain::escape::plain;
use crate::domain::outcome::{Alerting, Reason, ServiceState};
use crate::domain::record::{MadeCopy, Record, Withdrawal};
use crate::domain::service::Service;

const NO_COPY: &str = "there is no copy of the guard's any more";

impl Backout<'_> {
    /// The original, or what was named while that is not known.
    pub(super) fn id(&self) -> &TaskDefinitionId {
        self.known.id.as_ref().unwrap_or(&self.request.named)
    }

    /// Until when the family is exempt.
    pub(super) fn until(&self) -> Option<Timestamp> {
        // What was seen last counts: somebody may have made it longer since we wrote it.
        self.known.until.or(self.done.exempted.as_ref().map(|(_, until)| *until))
    }

    /// The answer that a plan leads to.
    pub(super) fn concluded(&self, judged: &Judged) -> Answer {
        let bare = |outcome| Answer {
            dry_run: self.request.dry_run,
            plan: self.request.dry_run.then(|| judged.sentences()),
            ..Answer::bare(outcome, Some(self.id().to_string()))
        };
        let is_unfaithful = judged.take_back.iter().any(|unproven| !unproven.differences.is_empty());
        match &judged.plan {
            _ if is_unfaithful => Answer { reason: Some(Reason::UnfaithfulBefore.as_str()), ..bare(Outcome::Failed) },
            Plan::Refuse(refused) => Answer {
                reason: Some(refused.why.as_str()),
                message: Some(refused.message.clone()),
                // Taking something back is a write, so it does not end as a mere refusal; nor does what a run before
                // has written and nobody was told of.
                ..bare(match judged.take_back.is_empty() && !judged.is_untold {
                    true => Outcome::Refused,
                    false => Outcome::Failed,
                })
            },
            Plan::Fail(failure) => Answer {
                reason: Some(failure.reason().as_str()),
                message: Some(failure.to_string()),
                ..bare(Outcome::Failed)
            },
            Plan::Nothing if judged.is_untold => {
                let reason = Some(Outcome::NothingToBackOut.as_str());
                Answer { reason, message: Some(NO_COPY.to_owned()), ..bare(Outcome::Failed) }
            }
            Plan::Nothing => bare(Outcome::NothingToBackOut),
            Plan::Already(standing) => {
                let Standing { restored, until, .. } = &**standing;
                let (restored, until) = (Some(restored.to_string()), Some(*until));
                Answer { restored, until, services: self.services(), ..bare(Outcome::AlreadyBackedOut) }
            }
            Plan::BackOut(steps) => Answer {
                copy: steps.deregister.first().map(ToString::to_string),
                restored: match &steps.original {
                    BringBack::Stands(restored) => Some(restored.to_string()),
                    BringBack::Register(_) => None,
                },
                until: Some(steps.until),
                services: self.services(),
                ..bare(Outcome::BackedOut)
            },
        }
    }

    /// Services that had to do with a copy, each with its state once all steps are done.
    pub(super) fn services(&self) -> Vec<ServiceState> {
        let Services { moves, moving, by_hand } = &self.known.services;
        let is_new = |service: &&Service| !self.done.has_pointed(service);
        let pointed = self.done.pointed().chain(moves.iter().filter(is_new)).chain(moving.iter().filter(is_new));
        let by_hand = by_hand.iter().map(|(service, why): &(Service, ByHand)| state(service, why.state()));
        pointed.map(|service| state(service, "moving")).chain(by_hand).collect()
    }

    /// A run that has nothing (more) to do. It is silent only if neither it nor one that died before it has changed
    /// anything, and the backup is genuine.
    pub(super) async fn ended_without_steps(&mut self, answer: Answer) -> Result<Answer, RunError> {
        let message = answer.message.clone().unwrap_or_else(|| match answer.outcome {
            Outcome::AlreadyBackedOut => "another run has finished the backout meanwhile".to_owned(),
            Outcome::NothingToBackOut => NO_COPY.to_owned(),
            Outcome::BackedOut | Outcome::Refused | Outcome::Failed => answer.outcome.as_str().to_owned(),
        });
        if self.done.has_changed_something() || self.known.is_untold {
            let reason = answer.reason.unwrap_or(answer.outcome.as_str());
            self.publish_failed(&message, None).await?;
            return Ok(self.answer_failed(reason, message));
        }
        if !self.known.is_backup_tampered {
            return Ok(answer);
        }
        let told = Told { failure: answer.message.clone(), ..self.told(answer.outcome) };
        self.publish(&told).await?;
        self.is_told = true;
        Ok(Answer { alert: Alerting::Sent, ..answer })
    }

    /// Tells and records what was done.
    pub(super) async fn tell(&mut self, seen: &Seen, steps: &Steps, answer: Answer) -> Result<Answer, RunError> {
        let restored = self.done.restored.clone().unwrap_or_else(|| seen.id.clone());
        let copies = [self.done.withdrawn.as_slice(), &self.known.gone].concat();
        let told = Told { restored: Some(&restored), copies: &copies, ..self.told(Outcome::BackedOut) };
        self.publish(&told).await?;
        self.is_told = true;

        let now = self.guard.aws.clock.now();
        let mode = self.guard.policy.mode.as_str();
        let seen_told = seen.record.as_ref().and_then(|held| held.record.exemption_told);
        let change = |held: Option<Record>, _| {
            let mut record = held.unwrap_or_else(|| Record::begun(&seen.id, mode, &steps.containers));
            record.copies = self.undone(record.copies, &seen.gone, now);
            let backed_out = Some(finished(&restored, steps.until, self.request, now));
            // Another backout may have told of a longer one meanwhile.
            let by_others = record.exemption_told.filter(|told| Some(*told) != seen_told);
            let exemption_told = by_others.max(Some(steps.until));
            Record { backed_out, exemption_told, at: Some(now), ..record }
        };
        let write = async || {
            let held = read_record(self.guard, &seen.id).await?;
            self.guard.update_record(&seen.id, held, change).await
        };
        match self.guard.until_the_end(self.deadline).repeat(write).await {
            Ok(_) => Ok(Answer {
                restored: Some(restored.to_string()),
                copy: copies.first().map(ToString::to_string),
                services: self.services(),
                alert: Alerting::Sent,
                ..answer
            }),
            Err(Stop::Transient(failure)) => Err(RunError::NotRecorded(failure.to_string())),
            Err(Stop::Failed(failure)) => Err(RunError::NotRecorded(failure.to_string())),
            Err(Stop::OutOfTime) => Err(RunError::OutOfTime),
        }
    }

    /// The record's copies with those marked that were deregistered, or are known not to be ACTIVE: a copy that somebody
    /// else deregistered before is undone with the rest, and no person's no any more.
    pub(super) fn undone(&self, held: Vec<MadeCopy>, gone: &[Revision], now: Timestamp) -> Vec<MadeCopy> {
        let is_undone = |copy: &MadeCopy| {
            copy.number().is_some_and(|number| self.done.has_deregistered(number) || gone.contains(&number))
        };
        let mark = |copy: MadeCopy| match copy.withdrawn.is_none() && is_undone(&copy) {
            true => MadeCopy { withdrawn: Some(now), why: Some(Withdrawal::BackedOut.as_str().to_owned()), ..copy },
            false => copy,
        };
        let mut copies: Vec<MadeCopy> = held.into_iter().map(mark).collect();
        for id in &self.done.withdrawn {
            if !copies.iter().any(|copy| copy.is_revision(id.revision)) {
                copies.push(mark(MadeCopy::new(id.revision, now, &self.guard.policy)));
            }
        }
        copies
    }

    pub(super) fn answer_failed(&self, reason: &'static str, message: String) -> Answer {
        let unmoved = self.unmoved().into_iter().map(|service| state(&service, "failed"));
        let by_hand = self.known.services.by_hand.iter().map(|(service, why)| state(service, why.state()));
        let moved = self.done.pointed().map(|service| state(service, "moving"));
        Answer {
            reason: Some(reason),
            message: Some(message),
            copy: self.done.withdrawn.first().map(ToString::to_string),
            restored: self.done.restored.as_ref().map(ToString::to_string),
            until: self.until(),
            services: moved.chain(unmoved).chain(by_hand).collect(),
            alert: Alerting::Sent,
            ..Answer::bare(Outcome::Failed, Some(self.id().to_string()))
        }
    }

    /// The services that were to be moved and were not.
    pub(super) fn unmoved(&self) -> Vec<Service> {
        let planned = self.known.services.moves.iter();
        let failed = self.done.unmoved.iter().map(|(service, _)| service);
        let failed = failed.filter(|failed| !self.known.services.moves.iter().any(|it| is_same(it, failed)));
        planned.chain(failed).filter(|service| !self.done.has_pointed(service)).cloned().collect()
    }

    pub(super) async fn publish_failed(&mut self, message: &str, statement: Option<String>) -> Result<(), RunError> {
        let unmoved = self.unmoved();
        let failure = Some(message.to_owned());
        let told = Told { failure, statement, unmoved: &unmoved, ..self.told(Outcome::Failed) };
        self.publish(&told).await?;
        self.is_told = true;
        self.note_that_it_is_told().await;
        Ok(())
    }

    /// Notes in the record what people were told of a backout that did not come to its end. Without that note they are
    /// told once more.
    async fn note_that_it_is_told(&self) {
        let (now, until) = (self.guard.aws.clock.now(), self.until());
        let Ok(Some(held)) = read_record(self.guard, self.id()).await else { return };
        let change = |record: Option<Record>, _| {
            let record = record.unwrap_or_else(|| held.record.clone());
            let told = record.backed_out.as_ref().and_then(|note| note::told(note, now));
            let backed_out = told.or_else(|| record.backed_out.clone());
            // Before it has begun, a copy that is missing is somebody else's doing.
            let gone = self.known.gone.iter().filter(|_| backed_out.is_some());
            let gone: Vec<Revision> = gone.map(|id| id.revision).collect();
            let copies = self.undone(record.copies, &gone, now);
            Record { copies, backed_out, exemption_told: until.or(record.exemption_told), ..record }
        };
        // Somebody was told, which is what counts.
        let _ = self.guard.update_record(self.id(), Some(held.clone()), change).await;
    }

    /// What there is to tell, whatever the run came to.
    pub(super) fn told(&self, outcome: Outcome) -> Told<'_> {
        let gone = self.known.gone.iter().map(|id| format!("{id}, the copy, was not ACTIVE any more"));
        let is_news = |id: &&TaskDefinitionId| {
            self.done.registered.as_ref() != Some(*id) && !self.done.taken_back.contains_key(*id)
        };
        let left = self.known.left.iter().filter(is_news);
        let left = left.map(|id| format!("{id} is ACTIVE: a backout that did not end had registered it"));
        let moving = self.known.services.moving.iter().filter(|service| !self.done.has_pointed(service));
        let moving = moving.map(|service| {
            let (name, cluster) = (plain(&service.id.name), plain(&service.id.cluster));
            format!("Left service {name} in cluster {cluster} alone: it was leaving the copy already")
        });
        Told {
            id: self.id(),
            outcome,
            request: self.request,
            restored: self.done.restored.as_ref(),
            until: self.until(),
            copies: &self.done.withdrawn,
            begun_at: self.known.begun_at,
            steps: gone.chain(left).chain(self.done.steps(&self.request.named)).chain(moving).collect(),
            failure: None,
            statement: None,
            by_hand: &self.known.services.by_hand,
            unmoved: &[],
            is_backup_tampered: self.known.is_backup_tampered,
        }
    }

    pub(super) async fn publish(&self, told: &Told<'_>) -> Result<(), RunError> {
        self.guard.publish(&alert::message(told, &self.guard.setting()), self.deadline).await
    }
}

fn state(service: &Service, state: &str) -> ServiceState {
    ServiceState { cluster: service.id.cluster.clone(), service: service.id.name.clone(), state: state.to_owned() }
}
