//! Asks ECS to move a service. ECS knows no conditional update. So that a move is never made twice, it is written down
//! before ECS is asked; and so that it never covers a newer word, what ECS has in hand is looked at just before, and just
//! after by the next look.

use jiff::{SignedDuration, Timestamp};

use super::super::apply::{TIME_TO_FINISH, exempted_meanwhile};
use super::super::observe::{exemption, read_record};
use super::super::presence::Presence;
use super::super::stop::Stop;
use super::store::{HeldMove, expected};
use super::tend::{Did, Look, Tended, Tending};
use crate::aws::Written;
use crate::domain::arn::TaskDefinitionId;
use crate::domain::exemption::{Found, Verdict, verdict};
use crate::domain::failure::CallFailure;
use crate::domain::keys;
use crate::domain::moves::judge::Pair;
use crate::domain::moves::{Move, Reason, State};
use crate::domain::service::Service;

/// So often in a row is a newer word met while one call is made.
const PUTS_BACK_MAX: usize = 4;

/// A run that has not asked ECS so long after it wrote that it will, writes it anew. With the call's own time-out that is
/// less than the time for which others leave the service to it.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_secs(30);

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
        let begun = self.begin(now);
        let entry = Move { copy, deployment_id: service.deployment.clone(), begun: Some(begun), ..base };
        if before != Some(&entry) && self.guard.write_move(self.id, &entry, &expected(held)).await? == Written::Changed
        {
            return Ok(None);
        }
        if !self.still_holds(pair).await? {
            return self.begin_nothing(&entry).await;
        }
        if !self.is_as(service).await? {
            return Ok(None);
        }
        self.is_sent = true;
        match self.guard.aws.ecs.point_service(self.id, &pair.copy).await {
            Ok(()) => Ok(None),
            Err(failure) if failure.is_transient() => self.look_what_came_of_it(failure).await,
            Err(failure) => self.refused(failure, pair, &entry, now).await,
        }
    }

    /// When this run begins to ask ECS for something: what it wrote before, while that is young enough for others to
    /// leave it to this run. Kept before it is written: the answer of that write may be lost.
    fn begin(&mut self, now: Timestamp) -> Timestamp {
        let begun = self.begun.filter(|begun| now.duration_since(*begun) < RENEWED_AFTER).unwrap_or(now);
        if self.begun != Some(begun) {
            (self.begun, self.is_sent) = (Some(begun), false);
        }
        begun
    }

    /// Whether the service is as it was, and others still leave it to this run.
    async fn is_as(&self, service: &Service) -> Result<bool, Stop> {
        let fresh = self.guard.aws.ecs.service_in_full(self.id).await?;
        let is_young = self.begun.is_some_and(|at| self.guard.aws.clock.now().duration_since(at) < RENEWED_AFTER);
        Ok(is_young && fresh.as_ref() == Some(service))
    }

    /// What ECS has in hand says whether it was done; so soon it may not show it.
    async fn look_what_came_of_it(&mut self, failure: CallFailure) -> Result<Option<Tended>, Stop> {
        match self.pauses.next() {
            Some(pause) => {
                self.guard.aws.clock.sleep(pause).await;
                Ok(None)
            }
            None => Err(failure.into()),
        }
    }

    /// It is not to be moved any more, and ECS was not asked: nobody must think it was.
    pub(super) async fn begin_nothing(&mut self, entry: &Move) -> Result<Option<Tended>, Stop> {
        let held = self.guard.read_move(self.id).await?;
        if let Some(held) = held.filter(|held| held.entry == *entry) {
            let entry = Move { begun: None, ..held.entry.clone() };
            let _: Written = self.guard.write_move(self.id, &entry, &expected(Some(&held))).await?;
        }
        Ok(Some(Tended::Elsewhere))
    }

    /// Whether the original is still to be left: a backout exempts its family, and deregisters the copy.
    async fn still_holds(&self, pair: &Pair) -> Result<bool, Stop> {
        if exempted_meanwhile(self.guard, &pair.original.family, &pair.containers).await? {
            return Ok(false);
        }
        Ok(matches!(Presence::settled(self.guard, &pair.copy).await?, Presence::Active(_)))
    }

    /// A call that was refused is no "no": it is told once, and a sweep tries it again. Unless it was refused because
    /// the copy is gone: that is a person's no.
    async fn refused(
        &mut self,
        failure: CallFailure,
        pair: &Pair,
        begun: &Move,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        self.is_sent = false;
        if !self.still_holds(pair).await? {
            return self.begin_nothing(begun).await;
        }
        let reason = Some(Reason::of_call(&failure));
        let is_known = begun.state == State::Failed && begun.reason == reason;
        let since = if is_known { begun.since } else { now };
        let entry = Move { state: State::Failed, reason, begun: None, since, ..begun.clone() };
        let held = self.guard.read_move(self.id).await?;
        if held.as_ref().is_none_or(|held| held.entry != *begun) {
            return Ok(None);
        }
        if is_known {
            let _: Written = self.guard.write_move(self.id, &entry, &expected(held.as_ref())).await?;
            return Ok(self.done(Look { did: Did::FailAgain, ..Look::of(Some(entry)) }));
        }
        let mut look = self.news(entry, held.as_ref(), false).await;
        if let Some(news) = &mut look.news {
            news.report.failure = Some(failure);
        }
        Ok(self.done(look))
    }

    /// ECS has the move in hand: from now on its deployment is watched. If people have said no while ECS was asked, by
    /// an exemption or by deregistering the copy, it is taken back.
    pub(super) async fn adopt(
        &mut self,
        service: &Service,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        self.has_started |= self.begun.is_some() && held.entry.begun == self.begun;
        if let Some(reason) = self.said_no(&held.entry).await? {
            return self.take_back(service, reason, held, now).await;
        }
        let deployment_id = service.deployment.clone();
        let base = Move { deployment_id, begun: None, since: now, overdue_was_told: false, ..held.entry.clone() };
        let entry = Move { state: State::Moving, reason: None, ..base };
        let _: Written = self.guard.write_move(self.id, &entry, &expected(Some(held))).await?;
        Ok(None)
    }

    /// Whether people have said no to a move since it was begun. An exemption that cannot be read says neither yes nor
    /// no: a good move must not be taken back for a read that failed, so somebody looks again.
    async fn said_no(&self, entry: &Move) -> Result<Option<Reason>, Stop> {
        let family = &entry.original.family;
        let record = read_record(self.guard, &entry.original).await?;
        let containers = record.map(|held| held.of_ordinary().record.privileged_containers).unwrap_or_default();
        let found = exemption(self.guard, family).await?;
        let (globs, now) = (&self.guard.policy.exempt_families, self.guard.aws.clock.now());
        match (verdict(globs, family, &containers, &found, now), found) {
            (Verdict::Unreadable(_), Found::Unreadable(failure)) => return Err(failure.into()),
            (Verdict::Unreadable(_), Found::Nothing | Found::Object { .. }) => {
                let key = keys::exemption(&self.guard.home, family);
                return Err(Stop::Transient(self.guard.aws.bucket.conflict(&key)));
            }
            (Verdict::Exempt(_) | Verdict::Partly { .. }, _) if !containers.is_empty() => {
                return Ok(Some(Reason::Exempt));
            }
            (Verdict::Exempt(_) | Verdict::Partly { .. } | Verdict::NotExempt(_), _) => {}
        }
        let Some(copy) = &entry.copy else { return Ok(None) };
        match Presence::settled(self.guard, copy).await? {
            Presence::Inactive(_) => Ok(Some(Reason::CopyRemoved)),
            Presence::Active(_) | Presence::Unknown => Ok(None),
        }
    }

    /// The service goes back to its original. That is written before ECS is asked: whoever finds it there knows then
    /// that it was the guard, and not the application's no.
    pub(super) async fn take_back(
        &mut self,
        service: &Service,
        reason: Reason,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        self.has_started = false;
        let (is_ours, begun) = (held.entry.state == State::RolledBack, Some(self.begin(now)));
        let since = if is_ours { held.entry.since } else { now };
        let deployment_id = if is_ours { held.entry.deployment_id.clone() } else { service.deployment.clone() };
        let back =
            Move { state: State::RolledBack, reason: Some(reason), deployment_id, begun, since, ..held.entry.clone() };
        if back != held.entry {
            // The next look finds it, and goes on from there.
            let _: Written = self.guard.write_move(self.id, &back, &expected(Some(held))).await?;
            return Ok(None);
        }
        if !self.is_as(service).await? {
            return Ok(None);
        }
        self.is_sent = true;
        match self.guard.aws.ecs.point_service(self.id, &held.entry.original).await {
            Ok(()) => Ok(None),
            Err(failure) if failure.is_transient() => self.look_what_came_of_it(failure).await,
            Err(failure) => Ok(self.not_put_back(failure, &held.entry.original, back, held, now).await),
        }
    }

    /// The owner deployed something between our last look and ECS's work: theirs is the newer word. While it is put back
    /// there may come another one.
    pub(super) async fn put_back(
        &mut self,
        service: &Service,
        to: TaskDefinitionId,
        held: &HeldMove,
        now: Timestamp,
    ) -> Result<Option<Tended>, Stop> {
        let back = Move { state: State::Waiting, reason: None, begun: None, since: now, ..held.entry.clone() };
        self.has_started = false;
        let (mut covered, mut to) = (service.deployment.clone(), to);
        for _ in 0..PUTS_BACK_MAX {
            match self.guard.aws.ecs.point_service(self.id, &to).await {
                Ok(()) => {}
                Err(failure) if failure.is_transient() => return Err(failure.into()),
                Err(failure) => return Ok(self.not_put_back(failure, &to, back, held, now).await),
            }
            let fresh = self.guard.aws.ecs.service_in_full(self.id).await?;
            let newest = fresh.as_ref().filter(|fresh| fresh.current() == Some(&to)).and_then(|it| it.others.first());
            match (newest, &fresh) {
                (Some(newest), Some(fresh)) if newest.deployment != covered => {
                    (covered, to) = (fresh.deployment.clone(), newest.runs.clone());
                }
                _ => break,
            }
        }
        let _: Written = self.guard.write_move(self.id, &back, &expected(Some(held))).await?;
        // What was known of its revision does not hold any more.
        Ok(Some(Tended::Elsewhere))
    }

    async fn not_put_back(
        &self,
        failure: CallFailure,
        to: &TaskDefinitionId,
        back: Move,
        held: &HeldMove,
        now: Timestamp,
    ) -> Option<Tended> {
        let reason = Some(Reason::of_call(&failure));
        let entry = Move { state: State::Failed, reason, begun: None, since: now, ..back };
        let mut look = self.news(entry, Some(held), false).await;
        if let Some(news) = &mut look.news {
            (news.report.failure, news.report.not_put_back) = (Some(failure), Some(to.clone()));
        }
        self.done(look)
    }
}
