//! Mode `enforce`: services on an original are pointed at its copy, and watched until they have settled. An event names
//! one service, and that one is looked at; the walk over all clusters is sweep's.

mod send;
mod store;
mod tend;

use jiff::Timestamp;

use super::stop::Stop;
use super::{Concluded, Guard, ROUNDS_MAX, RevisionAnswer, RunError, Said};
use crate::aws::Written;
use crate::domain::arn::TaskDefinitionId;
use crate::domain::event::Occasion;
use crate::domain::moves::alert;
use crate::domain::moves::answer::{Answer, Outcome as MoveOutcome};
use crate::domain::moves::judge::{Pair, Standing};
use crate::domain::moves::{Move, Reason, State};
use crate::domain::observation::Starter;
use crate::domain::outcome::{Alerting, Outcome};
use crate::domain::policy::{Mode, Policy};
use crate::domain::provenance::Provenance;
use crate::domain::report::Report;
use crate::domain::service::ServiceId;

pub(super) use tend::{Did, Look, News, Tended, Tending};

/// Services that a registration's event is followed to. Whatever more there are, sweep finds.
pub(super) const SERVICES_MAX: usize = 10;

impl Guard {
    /// Looks at the service that an event names, and at the revision that it is on.
    ///
    /// # Errors
    /// When Lambda is to try again, or nobody could be told.
    pub(super) async fn look_at_service(
        &self,
        id: &ServiceId,
        occasion: &Occasion,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let read = async || self.read_move(id).await;
        let held = match (self.policy.mode, occasion) {
            (Mode::Enforce, _) => self.patience(deadline).repeat(read).await.map_err(RunError::of_service)?,
            // The rule that sends these is there in mode enforce only.
            (Mode::Alert | Mode::Remediate, Occasion::Deployment { .. }) => return Ok(Concluded::not_ours(None)),
            (Mode::Alert | Mode::Remediate, Occasion::Call) => None,
        };
        let before = held.map(|held| held.entry);
        if matches!(occasion, Occasion::Deployment { .. }) && before.is_none() {
            return Ok(Concluded::not_ours(None));
        }
        // It is the event of another call than the one that registered the revision, so it is not that revision's.
        let of_revision = provenance.without_event();
        // A revision that was looked at in an earlier round may have been told of.
        let mut was_told = false;
        for _ in 0..ROUNDS_MAX {
            let read = async || Ok(self.aws.ecs.service(id).await?);
            let service = self.patience(deadline).repeat(read).await.map_err(RunError::of_service)?;
            let current = service.as_ref().and_then(|service| service.current());
            let is_on_its_copy = before.as_ref().is_some_and(|before| before.copy.as_ref() == current);
            let concluded = match current {
                Some(current) if !is_on_its_copy => {
                    Some(Box::pin(self.reconcile_and_report(current, &of_revision, deadline)).await?)
                }
                Some(_) | None => None,
            };
            was_told |= concluded.as_ref().is_some_and(|concluded| concluded.said.alert() == Alerting::Sent);
            if self.policy.mode != Mode::Enforce {
                return Ok(concluded.unwrap_or_else(|| Concluded::not_ours(None)));
            }
            let judged = current.map(|current| (current, standing(concluded.as_ref(), &self.policy)));
            let known = |id: &TaskDefinitionId| {
                judged.as_ref().filter(|(judged, _)| *judged == id).map(|(_, standing)| standing.clone())
            };
            let (tended, has_told) = self.tend_and_tell(id, &known, provenance, deadline).await?;
            was_told |= has_told;
            match tended {
                Tended::Elsewhere => {}
                Tended::Done(look) => return Ok(conclude_service(id, occasion, (concluded, was_told), &look)),
            }
        }
        Err(RunError::Unsettled)
    }

    /// Follows a registration's event to so many of the services that run the original already: the event was late, or not
    /// the first.
    pub(super) async fn follow_to_services(
        &self,
        mut concluded: Concluded,
        services_max: usize,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let Standing::Copied(pair) = standing(Some(&concluded), &self.policy) else { return Ok(concluded) };
        let usage = concluded.report.iter().filter_map(|report| report.finding.as_ref()).map(|it| &it.seen.usage);
        let runs = usage.flat_map(|usage| &usage.runs).filter(|run| run.revision == pair.original.revision);
        let mut services: Vec<ServiceId> = runs
            .filter_map(|run| match &run.starter {
                Starter::Service { name, .. } => ServiceId::new(&run.cluster, name).ok(),
                Starter::Other(_) => None,
            })
            .collect();
        services.sort();
        services.dedup();
        let known = |id: &TaskDefinitionId| (*id == pair.original).then(|| Standing::Copied(pair.clone()));
        let mut states = Vec::new();
        let mut alert = Alerting::None;
        for id in services.iter().take(services_max) {
            let (tended, has_told) = self.tend_and_tell(id, &known, provenance, deadline).await?;
            if has_told {
                alert = Alerting::Sent;
            }
            if let Tended::Done(look) = tended {
                states.extend(look.state(id));
                concluded.metrics.extend(look.news.iter().flat_map(|news| news.report.metrics()));
                let failure = look.news.and_then(|news| news.report.failure);
                concluded.not_moved.extend(failure.map(|failure| (id.clone(), failure)));
            }
        }
        if let Said::Revision(answer) = &mut concluded.said {
            answer.services = states;
            if alert == Alerting::Sent {
                answer.alert = alert;
            }
        }
        Ok(concluded)
    }

    /// Looks at a service, does what follows, and tells people what they are to hear; whether it told them anything. Where
    /// somebody else has written meanwhile, what is remembered may be of an earlier look than ours: it is looked at again.
    async fn tend_and_tell(
        &self,
        id: &ServiceId,
        known: &dyn Fn(&TaskDefinitionId) -> Option<Standing>,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<(Tended, bool), RunError> {
        let mut has_told = false;
        for _ in 0..ROUNDS_MAX {
            let tended = self.tend(id, known, provenance, deadline).await?;
            let news = match &tended {
                Tended::Done(look) => look.news.as_ref(),
                Tended::Elsewhere => None,
            };
            let Some(news) = news else { return Ok((tended, has_told)) };
            has_told = true;
            if let Written::Yes(_) = self.tell_of_move(news, deadline).await? {
                return Ok((tended, has_told));
            }
        }
        Err(RunError::Unsettled)
    }

    async fn tend(
        &self,
        id: &ServiceId,
        known: &dyn Fn(&TaskDefinitionId) -> Option<Standing>,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Tended, RunError> {
        let mut tending = Tending::new(self, id, known, provenance, deadline);
        tending.look_patiently(self.patience(deadline)).await.map_err(RunError::of_service)
    }

    /// Tells people, and then remembers it.
    async fn tell_of_move(&self, news: &News, deadline: Timestamp) -> Result<Written, RunError> {
        self.publish(&alert::message(&news.report, &self.setting()), deadline).await?;
        self.remember_move(news, deadline).await.map_err(|stop| match stop {
            Stop::Transient(failure) => RunError::NotRecorded(failure.to_string()),
            Stop::Failed(failure) => RunError::NotRecorded(failure.to_string()),
            Stop::OutOfTime => RunError::OutOfTime,
        })
    }

    /// Remembers what people were told of a service, unless somebody else has written meanwhile.
    pub(super) async fn remember_move(&self, news: &News, deadline: Timestamp) -> Result<Written, Stop> {
        let News { report, expect } = news;
        let write = async || self.write_move(&report.service, &report.entry, expect).await;
        self.until_the_end(deadline).repeat(write).await
    }
}

/// Puts the answer together: what came of the service, else what came of its revision. To the event of a deployment a
/// revision of which nobody was told is no answer.
fn conclude_service(
    id: &ServiceId,
    occasion: &Occasion,
    (concluded, was_told): (Option<Concluded>, bool),
    look: &Look,
) -> Concluded {
    let services: Vec<_> = look.state(id).into_iter().collect();
    let ended = ended(look, occasion);
    let metrics = look.news.as_ref().map(|news| news.report.metrics()).unwrap_or_default();
    let is_told = was_told || look.news.is_some();
    let entry = look.entry.as_ref();
    let copy = entry.and_then(|entry| entry.copy.as_ref()).map(ToString::to_string);
    let (revision, report) = match concluded {
        Some(Concluded { said: Said::Revision(answer), report, .. }) => (Some(answer), report),
        Some(Concluded { said: Said::Service(_), report, .. }) => (None, report),
        None => (None, None),
    };
    let alert = if is_told { Alerting::Sent } else { Alerting::None };
    let is_revisions = *occasion == Occasion::Call || is_told;
    let said = match (ended, revision) {
        (Some((outcome, reason, is_known)), _) => Said::Service(Answer {
            outcome,
            reason,
            task_definition: entry.map(|entry| entry.original.to_string()),
            copy,
            services,
            alert: if is_known && !is_told { Alerting::AlreadySent } else { alert },
        }),
        (None, Some(revision)) if is_revisions => {
            let alert = if is_told { alert } else { revision.alert };
            Said::Revision(RevisionAnswer { services, alert, ..revision })
        }
        (None, None) if is_revisions => Said::Revision(RevisionAnswer {
            outcome: Outcome::Compliant,
            reason: None,
            task_definition: copy,
            copy: None,
            services,
            alert,
        }),
        (None, _) => {
            let task_definition = entry.map(|entry| entry.original.to_string());
            let nothing = Answer::not_ours(nothing_new(occasion, entry));
            Said::Service(Answer { task_definition, copy, services, alert, ..nothing })
        }
    };
    Concluded { said, report, metrics, not_moved: Vec::new() }
}

/// What it came to, if that is anything but the revision's own outcome; why; and whether people had heard of it before.
fn ended(look: &Look, occasion: &Occasion) -> Option<(MoveOutcome, Option<&'static str>, bool)> {
    let entry = look.entry.as_ref();
    let reason = entry.and_then(|entry| entry.reason).map(Reason::as_str);
    let is_its_own = |entry: &&Move| matches!(occasion, Occasion::Deployment { id } if *id == entry.deployment_id);
    match (&look.news, entry.filter(is_its_own).map(|entry| entry.state)) {
        (Some(news), _) if news.report.entry.state == State::NotMovable => None,
        (Some(news), _) => Some((news.report.outcome(), news.report.reason(), false)),
        (None, _) if look.did == Did::FailAgain => Some((MoveOutcome::MoveFailed, reason, true)),
        (None, _) if look.did == Did::Start => Some((MoveOutcome::MoveStarted, None, false)),
        (None, _) if look.did == Did::Settle => Some((MoveOutcome::MoveSettled, reason, false)),
        // Delivered again.
        (None, Some(State::Moved | State::RolledBack)) => Some((MoveOutcome::MoveSettled, reason, true)),
        (None, Some(State::Failed)) => Some((MoveOutcome::MoveFailed, reason, true)),
        (None, Some(State::Waiting | State::Moving | State::NotMovable) | None) => None,
    }
}

/// Why a deployment's event came to nothing.
fn nothing_new(occasion: &Occasion, entry: Option<&Move>) -> Option<&'static str> {
    let Occasion::Deployment { id } = occasion else { return None };
    match entry {
        Some(entry) if entry.deployment_id == *id => Some("in_progress"),
        Some(_) | None => Some("other_deployment"),
    }
}

/// What a look at a revision says of the services on it.
fn standing(concluded: Option<&Concluded>, policy: &Policy) -> Standing {
    let Some(Concluded { said: Said::Revision(answer), report, .. }) = concluded else { return Standing::Clean };
    of_outcome(answer.outcome, report.as_deref(), policy)
}

fn of_outcome(outcome: Outcome, report: Option<&Report>, policy: &Policy) -> Standing {
    let copy = report.and_then(|report| Some((report, report.copy.as_ref()?)));
    match (outcome, copy) {
        (Outcome::Compliant | Outcome::FailedRegistration | Outcome::Inactive, _) => Standing::Clean,
        (Outcome::Exempt, _) => Standing::Exempt,
        (Outcome::Remediated | Outcome::AlreadyRemediated, Some((report, copy)))
            if policy.moves_services_of(&report.id.family) =>
        {
            Standing::Copied(Pair {
                original: report.id.clone(),
                copy: copy.id.clone(),
                containers: report.privileged_containers().to_vec(),
                backed_out: None,
            })
        }
        (Outcome::Remediated | Outcome::AlreadyRemediated | Outcome::Alerted | Outcome::Superseded, _)
        | (Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed, _) => Standing::NotCopied,
    }
}
