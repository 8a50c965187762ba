//! Asks ECS to move a service. ECS knows no conditional update. So that a move is never made twice, it is written down
//! before ECS is asked; and so that it never covers a newer word, what ECS has in hand is looked at just before, and just
//! after by the next look.

use jiff::Timestamp;

use super::super::apply::{TIME_TO_FINISH, exempted_meanwhile};
use super::super::observe::read_record;
use super::super::presence::Presence;
use super::super::stop::Stop;
use super::store::{HeldMove, expected};
use super::tend::{Look, Tended, Tending};
use crate::aws::Written;
use crate::domain::arn::TaskDefinitionId;
use crate::domain::failure::CallFailure;
use crate::domain::moves::judge::Pair;
use crate::domain::moves::{Move, Reason, State};
use crate::domain::service::{Rollout, Service};

impl Tending<'_> {
    /// Asks ECS to move the service, if nothing has changed since it was judged.
    pub(super) async fn start(
        &mut self,
        service: &Service,
        pair: &Pair,
        held: Option<&HeldMove>,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        if self.deadline.duration_since(now) < TIME_TO_FINISH {
            return Err(Stop::OutOfTime);
        }
        let before = held.map(|held| &held.entry).filter(|entry| entry.original == pair.original);
        let copy = Some(pair.copy.clone());
        let base = match before {
            // A call that was refused stays remembered: only another refusal is news.
            Some(entry) if matches!(entry.state, State::Failed | State::Waiting) => entry.clone(),
            Some(_) | None => Move::new(pair.original.clone(), None, State::Waiting, now),
        };
        let begun = Some(self.begun.unwrap_or(now));
        let entry = Move { copy, deployment_id: service.deployment.clone(), begun, ..base };
        if before != Some(&entry) {
            match self.guard.write_move(self.id, &entry, &expected(held)).await? {
                Written::Yes(_) => self.begun = begun,
                Written::Changed => return Ok(None),
            }
        }
        if !self.still_holds(pair).await? {
            return Ok(Some(Tended::Elsewhere));
        }
        if self.guard.aws.ecs.service_in_full(self.id).await?.as_ref() != Some(service) {
            return Ok(None);
        }
        match self.guard.aws.ecs.point_service(self.id, &pair.copy).await {
            Ok(()) => Ok(None),
            // What ECS has in hand says whether it was done; so soon it may not show it.
            Err(failure) if failure.is_transient() => match self.pauses.next() {
                Some(pause) => {
                    self.guard.aws.clock.sleep(pause).await;
                    Ok(None)
                }
                None => Err(failure.into()),
            },
            Err(failure) => self.refused(failure, &entry, now).await,
        }
    }

    /// Whether the original is still to be left: a backout exempts its family, and deregisters the copy.
    async fn still_holds(&self, pair: &Pair) -> Result<bool, Stop> {
        if exempted_meanwhile(self.guard, &pair.original.family, &pair.containers).await? {
            return Ok(false);
        }
        Ok(matches!(Presence::settled(self.guard, &pair.copy).await?, Presence::Active(_)))
    }

    /// A call that was refused is no "no": it is told once, and a sweep tries it again.
    async fn refused(&self, failure: CallFailure, begun: &Move, now: Timestamp) -> Result<Option<Tended>, Stop> {
        let reason = Some(Reason::of_call(&failure));
        let is_known = begun.state == State::Failed && begun.reason == reason;
        let since = if is_known { begun.since } else { now };
        let entry = Move { state: State::Failed, reason, begun: None, since, ..begun.clone() };
        let held = self.guard.read_move(self.id).await?;
        if is_known {
            let _: Written = self.guard.write_move(self.id, &entry, &expected(held.as_ref())).await?;
            return Ok(self.done(Look { failed_again: true, ..Look::of(Some(entry)) }));
        }
        let mut look = self.news(entry, held.as_ref(), false).await;
        if let Some(news) = &mut look.news {
            news.report.failure = Some(failure);
        }
        Ok(self.done(look))
    }

    /// ECS has the move in hand: from now on its deployment is watched. If the family was exempted while ECS was asked,
    /// it is taken back; the original is complete, so that is what ECS would fall back on too.
    pub(super) async fn adopt(
        &mut self,
        service: &Service,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        self.has_started |= self.begun.is_some() && held.entry.begun == self.begun;
        let deployment_id = service.deployment.clone();
        let base = Move { deployment_id, begun: None, since: now, overdue_was_told: false, ..held.entry.clone() };
        if service.rollout == Rollout::InProgress && self.is_exempt_by_now(&held.entry.original).await? {
            let back = Move { state: State::RolledBack, reason: Some(Reason::Exempt), ..base };
            return self.point_back(&held.entry.original, back, held, now).await;
        }
        let entry = Move { state: State::Moving, reason: None, ..base };
        let _: Written = self.guard.write_move(self.id, &entry, &expected(Some(held))).await?;
        Ok(None)
    }

    async fn is_exempt_by_now(&self, original: &TaskDefinitionId) -> Result<bool, Stop> {
        match read_record(self.guard, original).await? {
            Some(held) => exempted_meanwhile(self.guard, &original.family, &held.record.privileged_containers).await,
            None => Ok(false),
        }
    }

    /// The owner deployed something between our last look and ECS's work: theirs is the newer word.
    pub(super) async fn put_back(
        &mut self,
        to: TaskDefinitionId,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        let back = Move { state: State::Waiting, reason: None, begun: None, since: now, ..held.entry.clone() };
        self.point_back(&to, back, held, now).await
    }

    async fn point_back(
        &mut self,
        to: &TaskDefinitionId,
        back: Move,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        self.has_started = false;
        match self.guard.aws.ecs.point_service(self.id, to).await {
            Ok(()) => {
                let _: Written = self.guard.write_move(self.id, &back, &expected(Some(held))).await?;
                // What was known of its revision does not hold any more.
                Ok(Some(Tended::Elsewhere))
            }
            Err(failure) if failure.is_transient() => Err(failure.into()),
            Err(failure) => {
                let reason = Some(Reason::of_call(&failure));
                let entry = Move { state: State::Failed, reason, since: now, ..back };
                let mut look = self.news(entry, Some(held), false).await;
                if let Some(news) = &mut look.news {
                    (news.report.failure, news.report.not_put_back) = (Some(failure), Some(to.clone()));
                }
                Ok(self.done(look))
            }
        }
    }
}
