//! Looks at single revisions: first the latest of each family, then in turn what is known to be privileged and rests on
//! something else by now, what is in use without being ACTIVE, the rest, and what failed before.

use std::vec::IntoIter;

use jiff::{SignedDuration, Timestamp};

use super::super::observe::read_record;
use super::super::report::Past;
use super::super::stop::{Stop, describe_patiently};
use super::super::{Guard, RunError};
use super::{
    COPIES_OF_EXISTING_MAX, FAILURES_MAX, LOOK_MAX, Part, SHARE_OF_SERVICES, Sweep, UNFAITHFUL_MAX, Unseen,
    WRITES_FOR_SERVICES, WRITES_MAX,
};
use crate::aws::{Aws, DescribeError};
use crate::domain::arn::{Family, Revision, TaskDefinitionId};
use crate::domain::document::Described;
use crate::domain::keys;
use crate::domain::observation::Held;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::plan::STRAY_AGE_MAX;
use crate::domain::policy::{Mode, Policy};
use crate::domain::provenance::Provenance;
use crate::domain::report::Report;
use crate::domain::sweep::span::Span;
use crate::domain::sweep::turns::{Queue, Turns, behind};
use crate::domain::sweep::watermark::Standing;

/// Lists may be this far behind: what was registered beside a revision that is younger may not be listed yet, so it is
/// not passed over.
const LISTED_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What waits for its turn.
struct Waiting {
    due: IntoIter<TaskDefinitionId>,
    in_use: IntoIter<TaskDefinitionId>,
    /// The families of which something may be left, and what is left of the one before them.
    families: IntoIter<Family>,
    left: IntoIter<TaskDefinitionId>,
    failed: IntoIter<TaskDefinitionId>,
}

impl Sweep {
    /// Looks at everything that is due, until it is done or the part of the run that revisions have is over.
    pub(super) async fn look_around(&mut self) {
        self.part = self.part_of_revisions();
        let latest = self.account.active.iter().filter_map(|(family, active)| Some(family.revision(*active.last()?)));
        let latest: Vec<TaskDefinitionId> = latest.filter(|id| !self.account.has_seen(id)).collect();
        let waiting = self.waiting();
        for id in latest {
            if self.is_over() {
                self.run_out();
                return;
            }
            self.look_at(&id).await;
        }
        self.look_in_turn(waiting).await;
    }

    /// Services come last, and what is moved must be told too.
    fn part_of_revisions(&self) -> Part {
        let time = self.stop_at.duration_since(self.guard.aws.clock.now());
        match self.guard.policy.mode {
            Mode::Enforce => {
                Part { until: self.stop_at - time / SHARE_OF_SERVICES, writes: WRITES_MAX - WRITES_FOR_SERVICES }
            }
            Mode::Alert | Mode::Remediate => Part { until: self.stop_at, writes: WRITES_MAX },
        }
    }

    /// What waits besides the latest of each family. There may be more of what is due, or failed, than a run has time for,
    /// so each run goes on where the one before ended.
    fn waiting(&self) -> Waiting {
        let Self { account, guard, .. } = self;
        let (now, mark) = (guard.aws.clock.now(), &account.mark);
        let is_due =
            |(id, standing): &(&TaskDefinitionId, &Standing)| standing.is_due(&account.foundation(guard, id), now);
        let (failed, due): (Vec<_>, Vec<_>) =
            mark.privileged.iter().filter(is_due).partition(|(_, standing)| standing.may_heal());
        let ids = |of: Vec<(&TaskDefinitionId, &Standing)>| of.into_iter().map(|(id, _)| id.clone()).collect();
        let in_use: Vec<_> = account.usage.revisions().filter(|id| !account.is_active(id)).collect();
        let families: Vec<_> = account.active.keys().cloned().collect();
        Waiting {
            due: behind(mark.looked_last.as_ref(), ids(due)).into_iter(),
            in_use: in_use.into_iter(),
            families: families.into_iter(),
            left: Vec::new().into_iter(),
            failed: behind(mark.tried_last.as_ref(), ids(failed)).into_iter(),
        }
    }

    async fn look_in_turn(&mut self, mut waiting: Waiting) {
        let mut turns = Turns::begun(self.part.writes);
        while !self.is_over()
            && let Some(queue) = turns.next(self.tally.writes)
        {
            let Some(id) = self.next_of(queue, &mut waiting) else {
                turns.close(queue);
                continue;
            };
            match queue {
                Queue::Due => self.account.mark.looked_last = Some(id.clone()),
                Queue::Failed => self.account.mark.tried_last = Some(id.clone()),
                Queue::InUse | Queue::Unseen => {}
            }
            let began = self.guard.aws.clock.now();
            self.look_at(&id).await;
            turns.took(queue, self.guard.aws.clock.now().duration_since(began));
        }
        if turns.open().into_iter().any(|queue| self.next_of(queue, &mut waiting).is_some()) {
            self.run_out();
        }
    }

    /// The next that needs a look.
    fn next_of(&mut self, queue: Queue, waiting: &mut Waiting) -> Option<TaskDefinitionId> {
        match queue {
            Queue::Due => waiting.due.next(),
            Queue::InUse => waiting.in_use.find(|id| !self.account.has_seen_in_use(id)),
            Queue::Unseen => loop {
                // One by one: each that is known makes the span grow for the next.
                if let Some(id) = waiting.left.find(|id| !self.knows(id)) {
                    return Some(id);
                }
                let family = waiting.families.next()?;
                let span = self.account.mark.families.get(&family).copied();
                let left = Span::left(span, self.account.active(&family)).into_iter();
                waiting.left = left.map(|number| family.revision(number)).collect::<Vec<_>>().into_iter();
            },
            Queue::Failed => waiting.failed.next(),
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

    /// Whether no look begins any more in this part of the run.
    pub(super) fn is_over(&self) -> bool {
        self.guard.aws.clock.now() >= self.part.until
            || self.tally.writes >= self.part.writes
            || self.tally.failures_in_a_row >= FAILURES_MAX
    }

    /// Something waits that this run does not come to.
    pub(super) fn run_out(&mut self) {
        (self.is_cut, self.ran_out) = (true, true);
    }

    /// What a look reads and does, unless that outlasts the time for it: what came of the others is still to be told and
    /// written.
    pub(super) async fn in_time<T>(&self, look: impl Future<Output = T>) -> Option<T> {
        self.guard.aws.clock.until(self.stop_at + LOOK_MAX, look).await
    }

    async fn look_at(&mut self, id: &TaskDefinitionId) {
        if self.waits(id) {
            self.tally.left_for_the_next_run += 1;
            return;
        }
        let Aws { ecs, clock, .. } = &self.guard.aws;
        let described = match self.in_time(describe_patiently(ecs, id, self.stop_at, clock)).await {
            Some(Ok(Some(described))) => described,
            // It vanished since it was listed, or the description is behind the list: the next run sees which.
            Some(Ok(None)) if self.account.is_active(id) => {
                self.is_cut = true;
                return;
            }
            // Something runs it, whatever ECS says of it.
            Some(Ok(None)) => {
                self.reconcile(id, true).await;
                return;
            }
            Some(Err(error)) => {
                self.tally.failures_in_a_row += 1;
                self.could_not_see(unseen(id, &error));
                return;
            }
            None => {
                self.could_not_see(out_of_time(id));
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

    fn could_not_see(&mut self, unseen: Unseen) {
        self.is_cut = true;
        self.unseen.push(unseen);
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
        let listed = match self.in_time(self.guard.aws.bucket.list(&prefix)).await {
            Some(Ok(listed)) => listed,
            Some(Err(failure)) => {
                self.could_not_see(Unseen::of(&failure));
                return false;
            }
            None => {
                self.could_not_see(out_of_time(copy));
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
        let word = self.in_time(self.word_of_its_event(id)).await;
        let (by_event, by_batch) = match word.unwrap_or_else(|| Err(out_of_time(id))) {
            Ok(word) => word,
            Err(unseen) => {
                self.could_not_see(unseen);
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
        let deadline = self.stop_at + LOOK_MAX;
        let provenance = if by_batch { Provenance::of_batch() } else { Provenance::default() };
        let run = Box::pin(guard.reconcile(id, &provenance, deadline, guard.some_patience(deadline)));
        match self.in_time(run).await.unwrap_or(Err(RunError::OutOfTime)) {
            Ok((report, past)) => {
                let past = self.record_at_once(&report, past).await;
                self.keep(report, past, existed_before, limit)
            }
            Err(error) => {
                self.tally.failures_in_a_row += 1;
                let lasts = !matches!(error, RunError::Transient(_) | RunError::OutOfTime | RunError::Unsettled);
                self.could_not_see(Unseen { words: format!("{id}: {}", error.category()), lasts });
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
        let write = async {
            self.guard.merge_record(&report.id, past.own.clone(), &news, true).await.ok()?;
            Some(read_record(&self.guard, &report.id).await.unwrap_or_default())
        };
        match self.in_time(write).await.flatten() {
            Some(own) => Past { own, ..past },
            None => past,
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

fn unseen(id: &TaskDefinitionId, error: &DescribeError) -> Unseen {
    match error {
        DescribeError::Call(failure) => Unseen::of(failure),
        DescribeError::Malformed { error, .. } => {
            Unseen { words: format!("the description of {id} cannot be understood: {error}"), lasts: true }
        }
    }
}

fn out_of_time(id: &TaskDefinitionId) -> Unseen {
    Unseen { words: format!("{id}: {}", RunError::OutOfTime.category()), lasts: false }
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
