//! Looks at one service, judges it, and does what follows, until nothing does. What is of no interest to people is
//! written at once; what they are to hear is handed back, and written once they have heard it.

use std::time::Duration;

use jiff::Timestamp;

use super::super::Guard;
use super::super::observe::read_record;
use super::super::presence::PAUSES_FOR_STALE_READS;
use super::super::stop::{Patience, Stop};
use super::store::{HeldMove, expected};
use crate::aws::{Expect, Written};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::backout::note;
use crate::domain::keys;
use crate::domain::moves::judge::{Pair, Standing, Step, Times, is_history, judge};
use crate::domain::moves::report::MoveReport;
use crate::domain::moves::{Move, Reason, State};
use crate::domain::outcome::ServiceState;
use crate::domain::provenance::Provenance;
use crate::domain::service::{Service, ServiceId};

/// A service that is thrown back this often is given back to whoever asked.
const ROUNDS_MAX: usize = 8;

/// What came of a look at a service.
#[derive(Debug)]
pub(in super::super) enum Tended {
    /// This. What people are to hear of comes with it.
    Done(Box<Look>),
    /// It is on another revision than the one that was judged, or what was judged has changed: judge it anew.
    Elsewhere,
}

/// What is known of a service after a look.
#[derive(Debug, Default)]
pub(in super::super) struct Look {
    /// What is remembered of it.
    pub(in super::super) entry: Option<Move>,
    /// It is privileged, and nobody but its owner may move it.
    pub(in super::super) is_left: bool,
    /// What this run did, besides what people are to hear.
    pub(in super::super) did: Did,
    /// What people are to hear.
    pub(in super::super) news: Option<News>,
}

/// What a run did about a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) enum Did {
    /// Nothing.
    #[default]
    Nothing,
    /// It asked ECS to move it.
    Start,
    /// It found the move at its end, of which nobody needs to hear.
    Settle,
    /// A call failed again as it did before: people have heard of it.
    FailAgain,
    /// It left the service where it is, which a later run is to move.
    HoldBack,
}

/// What people are to hear, and what is to be remembered once they have.
#[derive(Debug)]
pub(in super::super) struct News {
    pub(in super::super) report: MoveReport,
    pub(super) expect: Expect,
}

impl Look {
    pub(super) fn of(entry: Option<Move>) -> Self {
        Self { entry, ..Self::default() }
    }

    /// Its state, for answers.
    pub(in super::super) fn state(&self, id: &ServiceId) -> Option<ServiceState> {
        let state = match (&self.entry, self.is_left) {
            (Some(entry), _) => entry.state,
            (None, true) => State::NotMovable,
            (None, false) => return None,
        };
        let (cluster, service, state) = (id.cluster.clone(), id.name.clone(), state.as_str().to_owned());
        Some(ServiceState { cluster, service, state })
    }
}

/// One service that is looked at.
pub(in super::super) struct Tending<'a> {
    pub(in super::super) guard: &'a Guard,
    pub(in super::super) id: &'a ServiceId,
    /// What is known of revisions; none of one that was not judged.
    pub(in super::super) standing: &'a dyn Fn(&TaskDefinitionId) -> Option<Standing>,
    pub(in super::super) provenance: &'a Provenance,
    pub(in super::super) deadline: Timestamp,
    /// Whether a service may be moved that is not on its way.
    pub(in super::super) may_start: bool,
    /// When this run has begun to move it.
    pub(super) begun: Option<Timestamp>,
    /// Whether it may have asked ECS since.
    pub(super) is_sent: bool,
    /// Whether this run has moved it.
    pub(super) has_started: bool,
    pub(super) pauses: std::array::IntoIter<Duration, 3>,
}

impl<'a> Tending<'a> {
    pub(in super::super) fn new(
        guard: &'a Guard,
        id: &'a ServiceId,
        standing: &'a dyn Fn(&TaskDefinitionId) -> Option<Standing>,
        provenance: &'a Provenance,
        deadline: Timestamp,
    ) -> Self {
        Self {
            guard,
            id,
            standing,
            provenance,
            deadline,
            may_start: true,
            begun: None,
            is_sent: false,
            has_started: false,
            pauses: PAUSES_FOR_STALE_READS.into_iter(),
        }
    }

    /// Looks until nothing follows, and waits for what heals by itself.
    ///
    /// # Errors
    /// When it lasts longer, or a retry does not help.
    pub(in super::super) async fn look_patiently(&mut self, mut patience: Patience<'_>) -> Result<Tended, Stop> {
        loop {
            match self.look().await {
                Err(Stop::Transient(failure)) => patience.wait(failure).await.map_err(Stop::Transient)?,
                ended => return ended,
            }
        }
    }

    /// Looks until nothing follows.
    ///
    /// # Errors
    /// When something that decides could not be read or written, or ECS kept moving.
    async fn look(&mut self) -> Result<Tended, Stop> {
        for _ in 0..ROUNDS_MAX {
            if let Some(tended) = self.round().await? {
                return Ok(tended);
            }
        }
        Err(Stop::Transient(self.guard.aws.bucket.conflict(&keys::service_move(&self.guard.home, self.id))))
    }

    /// One look, and what follows from it; nothing if it is to be looked at again.
    async fn round(&mut self) -> Result<Option<Tended>, Stop> {
        let held = self.guard.read_move(self.id).await?;
        let held = held.as_ref();
        let service = self.guard.aws.ecs.service_in_full(self.id).await?;
        let Some(standing) = self.standing_of(service.as_ref(), held).await? else {
            return match held.filter(|held| !self.is_sent && self.begun.is_some() && held.entry.begun == self.begun) {
                Some(held) => self.begin_nothing(&held.entry).await,
                None => Ok(Some(Tended::Elsewhere)),
            };
        };
        let now = self.guard.aws.clock.now();
        let times = Times { now, settle: self.guard.policy.settle, begun: self.begun, is_sent: self.is_sent };
        let entry = held.map(|held| &held.entry);
        match (judge(service.as_ref(), &standing, entry, &times), service, &standing, held) {
            (Step::Leave, ..) => {
                let is_left = standing == Standing::NotCopied;
                Ok(self.done(Look { is_left, ..Look::of(entry.cloned()) }))
            }
            (Step::Start, ..) if !self.may_start => {
                Ok(self.done(Look { did: Did::HoldBack, ..Look::of(entry.cloned()) }))
            }
            (Step::Start, Some(service), Standing::Copied(pair), _) => self.start(&service, pair, held, now).await,
            (Step::PutBack(to), Some(service), _, Some(held)) => self.put_back(&service, to, held, now).await,
            (Step::TakeBack(reason), Some(service), _, Some(held)) => self.take_back(&service, reason, held, now).await,
            (Step::Note(State::Moving, _), Some(service), _, Some(held)) => self.adopt(&service, held, now).await,
            (Step::Note(state, reason), service, ..) => {
                let Some(entry) = noted(held, service.as_ref(), &standing, state, reason, now) else {
                    return Ok(Some(Tended::Elsewhere));
                };
                // A revision that an Express service runs is told of as such.
                let is_told = reason == Some(Reason::Express) && standing == Standing::NotCopied;
                match is_news(&entry) && !is_told {
                    true => {
                        let mut look = self.news(entry, held, false).await;
                        if let Some(news) = &mut look.news {
                            news.report.on = service.as_ref().and_then(Service::current).cloned();
                        }
                        Ok(self.done(look))
                    }
                    false => match self.guard.write_move(self.id, &entry, &expected(held)).await? {
                        // What was known of its revision does not hold any more.
                        Written::Yes(_) | Written::Changed if reason.is_some_and(Reason::is_taken_back) => {
                            Ok(Some(Tended::Elsewhere))
                        }
                        Written::Yes(_) => {
                            let did = match entry.state {
                                State::Moved | State::Failed => Did::Settle,
                                State::Waiting | State::Moving | State::RolledBack | State::NotMovable => Did::Nothing,
                            };
                            Ok(self.done(Look { did, ..Look::of(Some(entry)) }))
                        }
                        Written::Changed => Ok(None),
                    },
                }
            }
            (Step::Overdue, _, _, Some(held)) => {
                let entry = Move { overdue_was_told: true, begun: None, ..held.entry.clone() };
                Ok(self.done(self.news(entry, Some(held), true).await))
            }
            // Not reached: what is gone is not started, and nothing is put back or overdue that is not remembered.
            (Step::Start | Step::PutBack(_) | Step::TakeBack(_) | Step::Overdue, ..) => Ok(Some(Tended::Elsewhere)),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the end of a round, which may have none")]
    pub(super) fn done(&self, look: Look) -> Option<Tended> {
        let did = if self.has_started && look.did == Did::Nothing { Did::Start } else { look.did };
        Some(Tended::Done(Box::new(Look { did, ..look })))
    }

    /// What is known of the revision that the service is on. None: it was not judged.
    async fn standing_of(&self, service: Option<&Service>, held: Option<&HeldMove>) -> Result<Option<Standing>, Stop> {
        let Some(current) = service.and_then(Service::current) else { return Ok(Some(Standing::Clean)) };
        if held.is_some_and(|held| held.entry.copy.as_ref() == Some(current)) {
            return Ok(Some(Standing::Clean));
        }
        match ((self.standing)(current), held) {
            // A "no" ends with the exemption of the backout that came after it.
            (Some(Standing::Copied(pair)), Some(_)) => {
                let record = read_record(self.guard, &pair.original).await?;
                let backed_out = record.and_then(|held| held.record.backed_out).as_ref().and_then(note::at);
                Ok(Some(Standing::Copied(Pair { backed_out, ..pair })))
            }
            (standing, _) => Ok(standing),
        }
    }

    /// What people are to hear, with what helps them.
    pub(super) async fn news(&self, entry: Move, held: Option<&HeldMove>, is_overdue: bool) -> Look {
        let original = match (entry.state, is_overdue) {
            (State::Moved, false) => None,
            // It only adds to the alert.
            _ => self.guard.aws.ecs.describe(&entry.original.to_string()).await.ok().flatten().map(Box::new),
        };
        let report = MoveReport {
            service: self.id.clone(),
            entry: entry.clone(),
            on: None,
            is_overdue,
            failure: None,
            not_put_back: None,
            original,
            provenance: self.provenance.clone(),
        };
        Look { news: Some(News { report, expect: expected(held) }), ..Look::of(Some(entry)) }
    }
}

/// The entry of a state that a service has come to. None: nothing is known that it could be an entry of.
fn noted(
    held: Option<&HeldMove>,
    service: Option<&Service>,
    standing: &Standing,
    state: State,
    reason: Option<Reason>,
    now: Timestamp,
) -> Option<Move> {
    let held = held.map(|held| &held.entry);
    let before = match (held, standing) {
        (Some(held), Standing::Copied(pair)) if is_history(held, pair) => None,
        (held, _) => held.cloned(),
    };
    let new = |original: &TaskDefinitionId, copy| Move::new(original.clone(), copy, state, now);
    let before = match (before, standing) {
        (Some(before), _) => before,
        (None, Standing::Copied(pair)) => new(&pair.original, Some(pair.copy.clone())),
        (None, Standing::Exempt | Standing::NotCopied | Standing::Clean) => new(service?.current()?, None),
    };
    // Afterwards the deployment that was ours is of interest, and before it the one that is waited for.
    let deployment_id = match state {
        State::Waiting => service.and_then(|service| service.deployment.clone()),
        State::Moving | State::Moved | State::RolledBack | State::Failed | State::NotMovable => before.deployment_id,
    };
    Some(Move { state, reason, deployment_id, since: now, begun: None, overdue_was_told: false, ..before })
}

/// Whether people are to hear of a service that is in that state now.
fn is_news(entry: &Move) -> bool {
    match (entry.state, entry.reason) {
        (State::Waiting | State::Moving, _) | (State::Failed, Some(Reason::Gone)) => false,
        (State::Moved | State::RolledBack, reason) => reason.is_none(),
        (State::Failed | State::NotMovable, _) => true,
    }
}
