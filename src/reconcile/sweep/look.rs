//! Looks at single revisions, in the order of their weight: the latest of each family, then what is known to be
//! privileged and rests on something else by now, then what is in use without being ACTIVE, then the rest; what failed
//! before comes last, each in its turn.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::apply::TIME_TO_FINISH;
use super::super::observe::read_record;
use super::super::report::Past;
use super::super::stop::{Stop, describe_patiently};
use super::super::{Guard, RunError};
use super::{COPIES_OF_EXISTING_MAX, FAILURES_MAX, LOOKS_MAX, Sweep, UNFAITHFUL_MAX, Unseen};
use crate::aws::{Aws, DescribeError};
use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::document::Described;
use crate::domain::keys;
use crate::domain::observation::Held;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::plan::STRAY_AGE_MAX;
use crate::domain::policy::Policy;
use crate::domain::provenance::Provenance;
use crate::domain::report::Report;
use crate::domain::sweep::span::Span;
use crate::domain::sweep::watermark::Standing;

/// Lists may be this far behind: what was registered beside a revision that is younger may not be listed yet, so it is
/// not passed over.
const LISTED_AFTER: SignedDuration = SignedDuration::from_mins(10);

impl Sweep {
    /// Looks at everything that is due, until it is done or time runs out.
    pub(super) async fn look_around(&mut self) {
        let latest = self.account.active.iter().filter_map(|(family, active)| Some(family.revision(*active.last()?)));
        let latest: Vec<TaskDefinitionId> = latest.filter(|id| !self.account.has_seen(id)).collect();
        let (due, failed) = self.due();
        self.look_at_all(latest).await;
        self.look_at_all(due).await;
        let in_use = self.account.usage.revisions();
        let in_use: Vec<TaskDefinitionId> =
            in_use.filter(|id| !self.account.is_active(id) && !self.account.has_seen_in_use(id)).collect();
        self.look_at_all(in_use).await;
        for family in self.account.active.keys().cloned().collect::<Vec<_>>() {
            let left = Span::left(self.account.mark.families.get(&family).copied(), self.account.active(&family));
            // One by one: each that is known makes the span grow for the next.
            for id in left.into_iter().map(|number| family.revision(number)) {
                if !self.knows(&id) {
                    self.look_at_all(vec![id]).await;
                }
            }
        }
        for id in failed {
            if !self.is_over() {
                self.account.mark.tried_last = Some(id.clone());
            }
            self.look_at_all(vec![id]).await;
        }
    }

    /// Whether a revision needs no look: it had one in this run, or is known to be privileged.
    fn knows(&mut self, id: &TaskDefinitionId) -> bool {
        let standing = self.account.mark.privileged.get(id);
        let is_old = standing.map(|standing| is_old(standing.registered_at, self.account.listed_at));
        let is_old = self.described.get(id).copied().or(is_old);
        if is_old == Some(true) {
            self.account.saw(id);
        }
        is_old.is_some()
    }

    /// The privileged revisions that must be looked at again, and those that were told and may have healed. There may be
    /// more of these than a run has time for, so each run goes on where the one before ended.
    fn due(&self) -> (Vec<TaskDefinitionId>, Vec<TaskDefinitionId>) {
        let now = self.guard.aws.clock.now();
        let mark = &self.account.mark;
        let is_due = |(id, standing): &(&TaskDefinitionId, &Standing)| {
            standing.is_due(&self.account.foundation(&self.guard, id), now)
        };
        let (mut failed, due): (Vec<_>, Vec<_>) =
            mark.privileged.iter().filter(is_due).partition(|(_, standing)| standing.may_heal());
        failed.sort_by_key(|(id, _)| (mark.tried_last.as_ref() >= Some(*id), *id));
        let ids = |of: Vec<(&TaskDefinitionId, &Standing)>| of.into_iter().map(|(id, _)| id.clone()).collect();
        (ids(due), ids(failed))
    }

    pub(super) fn is_over(&self) -> bool {
        self.guard.aws.clock.now() >= self.stop_at
            || self.kept.len() >= LOOKS_MAX
            || self.tally.failures_in_a_row >= FAILURES_MAX
    }

    async fn look_at_all(&mut self, ids: Vec<TaskDefinitionId>) {
        for id in ids {
            if self.is_over() {
                self.is_cut = true;
                return;
            }
            self.look_at(&id).await;
        }
    }

    async fn look_at(&mut self, id: &TaskDefinitionId) {
        if self.waits(id) {
            self.tally.left_for_the_next_run += 1;
            return;
        }
        let Aws { ecs, clock, .. } = &self.guard.aws;
        let described = match describe_patiently(ecs, id, self.stop_at, clock).await {
            Ok(Some(described)) => described,
            // It vanished since it was listed, or the description is behind the list: the next run sees which.
            Ok(None) if self.account.is_active(id) => {
                self.is_cut = true;
                return;
            }
            // Something runs it, whatever ECS says of it.
            Ok(None) => {
                self.reconcile(id, true).await;
                return;
            }
            Err(error) => {
                self.could_not_see(id, error);
                return;
            }
        };
        let is_old = is_old(described.registered_at(), self.account.listed_at);
        let is_done = match described.privileged_containers().is_empty() {
            true => self.is_clean(id, &described).await,
            false => {
                let existed_before = self.existed_before(id, &described);
                self.reconcile(id, existed_before).await;
                // What came to no end has no standing that would lead there again.
                self.account.mark.privileged.contains_key(id)
            }
        };
        self.described.insert(id.clone(), is_old && is_done);
        if is_done {
            self.tally.failures_in_a_row = 0;
        }
        self.is_cut |= !is_done && described.is_active();
        if is_old && is_done && described.is_active() {
            self.account.saw(id);
        }
    }

    /// Whether a revision is known, and has its turn in a later run.
    fn waits(&self, id: &TaskDefinitionId) -> bool {
        let held = self.account.mark.privileged.get(id).filter(|held| held.rests_on.is_empty());
        held.is_some_and(|held| self.limit(held.existed_before) == Limit::NextRun)
    }

    /// Whether a revision is older than the first run. Where ECS does not say when it was registered, it is unless the run
    /// before had seen everything, and not this one.
    fn existed_before(&self, id: &TaskDefinitionId, described: &Described) -> bool {
        match (described.registered_at(), self.account.mark.privileged.get(id)) {
            (Some(at), _) => at < self.account.mark.created_at,
            (None, Some(standing)) => standing.existed_before,
            (None, None) => !self.account.was_complete,
        }
    }

    fn could_not_see(&mut self, id: &TaskDefinitionId, error: DescribeError) {
        self.tally.failures_in_a_row += 1;
        self.is_cut = true;
        self.unseen.push(match error {
            DescribeError::Call(failure) => Unseen::of(&failure),
            DescribeError::Malformed { error, .. } => {
                Unseen { words: format!("the description of {id} cannot be understood: {error}"), lasts: true }
            }
        });
    }

    /// Whether nothing about it is left to do.
    async fn is_clean(&mut self, id: &TaskDefinitionId, described: &Described) -> bool {
        *self.tally.outcomes.entry(Outcome::Compliant.as_str()).or_default() += 1;
        self.account.mark.privileged.remove(id);
        if !described.is_active() {
            self.account.mark.clean_in_use.insert(id.clone());
            return true;
        }
        let is_latest = self.account.active(&id.family).last() == Some(&id.revision);
        let now = self.guard.aws.clock.now();
        let is_young = described.registered_at().is_some_and(|at| now.duration_since(at) < STRAY_AGE_MAX);
        let may_withdraw = self.guard.policy.mode.makes_copies();
        let may_be_left_behind =
            may_withdraw && is_latest && is_young && self.guard.policy.is_ours(described.registered_by());
        !may_be_left_behind || self.look_at_the_original_of(id).await
    }

    /// A young latest of ours may be what a run that died has left behind. Its original was backed up before; where that
    /// one is not ACTIVE any more, nothing else leads there. Answers whether nothing is left to do about it.
    async fn look_at_the_original_of(&mut self, copy: &TaskDefinitionId) -> bool {
        let prefix = keys::backups_of(&self.guard.home, &copy.family);
        let listed = match self.guard.aws.bucket.list(&prefix).await {
            Ok(listed) => listed,
            Err(failure) => {
                self.is_cut = true;
                self.unseen.push(Unseen::of(&failure));
                return false;
            }
        };
        let originals = listed.iter().filter_map(|object| keys::revision_below(&prefix, &object.key));
        let original = originals.filter(|number: &Revision| *number < copy.revision).max();
        match original.map(|original| copy.family.revision(original)) {
            Some(original) if self.account.is_active(&original) => true,
            Some(original) => self.reconcile(&original, false).await,
            // No copy is made without a backup.
            None => false,
        }
    }

    /// Brings a privileged revision into order as an event would, within what a sweep may change. Answers whether it came
    /// to an end that another look would not change.
    async fn reconcile(&mut self, id: &TaskDefinitionId, existed_before: bool) -> bool {
        let (by_event, by_batch) = match self.word_of_its_event(id).await {
            Ok(word) => word,
            Err(unseen) => {
                self.is_cut = true;
                self.unseen.push(unseen);
                return false;
            }
        };
        // What an event told of is the guard's, whenever it was registered.
        let existed_before = existed_before && !by_event;
        let limit = self.limit(existed_before);
        let listed = self.account.active(&id.family).into();
        let policy = match limit {
            Limit::None => self.guard.policy.clone(),
            Limit::NextRun | Limit::ReportOnly => reporting(&self.guard.policy),
        };
        let guard = Guard { policy, listed, ..self.guard.clone() };
        // No registration begins after the time to stop.
        let deadline = self.stop_at + TIME_TO_FINISH;
        // Nor does a look outlast it that reads for ever: what came of the others is still to be told and written.
        let time = Duration::try_from(deadline.duration_since(guard.aws.clock.now())).unwrap_or_default();
        let provenance = if by_batch { Provenance::of_batch() } else { Provenance::default() };
        let run = Box::pin(guard.reconcile(id, &provenance, deadline));
        match guard.aws.clock.within(time, run).await.unwrap_or(Err(RunError::OutOfTime)) {
            Ok((report, past)) => {
                let past = self.record_at_once(&report, past).await;
                self.keep(report, past, existed_before, limit)
            }
            Err(error) => {
                self.tally.failures_in_a_row += 1;
                self.is_cut = true;
                let lasts = !matches!(error, RunError::Transient(_) | RunError::OutOfTime | RunError::Unsettled);
                self.unseen.push(Unseen { words: format!("{id}: {}", error.category()), lasts });
                false
            }
        }
    }

    /// A copy that was made, or withdrawn, is in its record at once, though not told: minutes may pass until then, and
    /// whoever looks meanwhile must know whose it is. Where it cannot be written, the record of the run's end says so.
    async fn record_at_once(&self, report: &Report, past: Past) -> Past {
        if report.made.is_empty() {
            return past;
        }
        let news = report.record(None, self.guard.aws.clock.now());
        match self.guard.merge_record(&report.id, past.own.clone(), &news, true).await {
            Ok(_) => Past { own: read_record(&self.guard, &report.id).await.unwrap_or_default(), ..past },
            Err(_) => past,
        }
    }

    fn limit(&self, existed_before: bool) -> Limit {
        let policy = &self.guard.policy;
        match (existed_before, policy.remediate_existing) {
            _ if !policy.mode.makes_copies() => Limit::None,
            _ if self.tally.unfaithful >= UNFAITHFUL_MAX => Limit::NextRun,
            (false, _) => Limit::None,
            (true, false) => Limit::ReportOnly,
            (true, true) if self.tally.copies_of_existing >= COPIES_OF_EXISTING_MAX => Limit::NextRun,
            (true, true) => Limit::None,
        }
    }

    /// Whether an event told of a revision, and whether it said that AWS Batch made it, by its record. One that cannot be
    /// understood is the reconciler's to tell; the event of the daemon task definition of that name told of another one.
    async fn word_of_its_event(&self, id: &TaskDefinitionId) -> Result<(bool, bool), Unseen> {
        if !self.account.records.contains_key(id) {
            return Ok((false, false));
        }
        let by_batch = Some(Reason::ManagedByBatch.as_str());
        match read_record(&self.guard, id).await {
            Ok(Some(held)) => {
                let Held { record, .. } = held.of_ordinary();
                Ok((record.event_id.is_some(), record.reason.as_deref() == by_batch))
            }
            Ok(None) | Err(Stop::Failed(_) | Stop::OutOfTime) => Ok((false, false)),
            Err(Stop::Transient(failure)) => Err(Unseen::of(&failure)),
        }
    }
}

/// Whether the lists show for sure what was registered beside it.
fn is_old(registered_at: Option<Timestamp>, listed_at: Timestamp) -> bool {
    registered_at.is_none_or(|at| listed_at.duration_since(at) > LISTED_AFTER)
}

/// What a sweep may do about a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// What the guard would.
    None,
    /// Nothing in this run; it has its turn in a later one.
    NextRun,
    /// Report it: it existed before the first run.
    ReportOnly,
}

/// The policy under which no copy is made, and every other outcome is what it would be.
fn reporting(policy: &Policy) -> Policy {
    Policy { makes_copies: false, ..policy.clone() }
}
