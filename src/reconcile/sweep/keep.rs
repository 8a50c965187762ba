//! What came of a look is kept until it is told: counted, judged as news or not, and noted in the watermark.

use super::super::report::Past;
use super::look::Limit;
use super::{Kept, Recording, Sweep};
use crate::domain::alert::missing_statement;
use crate::domain::exemption::{Basis, Found, Verdict};
use crate::domain::metrics;
use crate::domain::noise::{Due, due};
use crate::domain::observation::AccountUsage;
use crate::domain::outcome::{Alerting, Outcome, Reason};
use crate::domain::plan::CopyInForce;
use crate::domain::record::{MadeCopy, Withdrawal};
use crate::domain::report::{Failure, Finding, Report};
use crate::domain::residual;
use crate::domain::sweep::digest::News;
use crate::domain::sweep::watermark::Standing;

impl Sweep {
    /// Keeps what came of a look until it is told. Answers whether another look would come to the same.
    pub(super) fn keep(&mut self, report: Report, past: Past, existed_before: bool, limit: Limit) -> bool {
        let now = self.guard.aws.clock.now();
        let is_open = self.is_open(&report);
        self.count(&report, existed_before);
        let Past { own, family } = past;
        let before = self.account.mark.privileged.get(&report.id);
        let due = due(&report.fact(), own.as_ref().map(|held| &held.record), &family, now);
        let by_event = own.as_ref().is_some_and(|held| held.record.event_id.is_some());
        // Only the copy is missing, and that has its turn in a later run.
        let waits = limit == Limit::NextRun && report.reason == Some(Reason::OutOfScope);
        let alert = if waits { Alerting::None } else { unless_told(due, &report, before) };
        let standing = standing(&report, alert, before).map(|it| Standing { existed_before, by_event, ..it });
        match standing {
            Some(standing) => self.account.mark.privileged.insert(report.id.clone(), standing),
            None => self.account.mark.privileged.remove(&report.id),
        };
        report.copy.iter().filter(|copy| copy.is_ours).for_each(|copy| self.note(copy));
        if waits {
            self.tally.left_for_the_next_run += 1;
            return false;
        }
        self.tally.held_back += usize::from(alert == Alerting::AlreadySent);
        // A record that is not understood is not overwritten; that was told instead.
        let may_record = report.reason != Some(Reason::RecordUnreadable);
        let is_settled = !is_open && report.outcome != Outcome::Failed;
        let record = (may_record && report.leaves_a_record(alert)).then(|| Recording {
            news: report.record(due.told_at, now),
            is_news: due.told_at == Some(now) || !report.made.is_empty(),
            held: own,
        });
        self.tally.writes += usize::from(record.as_ref().is_some_and(Recording::is_written));
        self.kept.push(Kept {
            news: (alert == Alerting::Sent).then(|| news(&report, &self.account.usage, existed_before)),
            record,
            is_open,
            id: report.id,
        });
        is_settled
    }

    /// Whether something that decides was not seen, or not as the account was listed: the next run looks again.
    fn is_open(&mut self, report: &Report) -> bool {
        let Some(Finding { seen, plan }) = &report.finding else { return false };
        let highest_listed = self.account.active(&report.id.family).last().copied();
        let highest_listed = highest_listed.max(Some(report.id.revision));
        // Its own list was behind the account's.
        let is_behind = highest_listed > Some(seen.highest_listed);
        self.is_cut |= is_behind;
        // The world has moved since it was listed: what the look came to does not rest on what is known here.
        let exemption = self.account.exemptions.get(&report.id.family).map(|(found, _)| found);
        let is_ahead =
            highest_listed < Some(seen.highest_listed) || *exemption.unwrap_or(&Found::Nothing) != seen.exemption;
        // Nothing is withdrawn while nobody knows whether the family is exempt.
        let is_unsure = matches!(plan.exemption, Verdict::Unreadable(_));
        is_behind || is_ahead || is_unsure
    }

    fn count(&mut self, report: &Report, existed_before: bool) {
        *self.tally.outcomes.entry(report.outcome.as_str()).or_default() += 1;
        for (name, value) in metrics::of_report(report, self.guard.aws.clock.now()) {
            *self.tally.metrics.entry(name).or_default() += value;
        }
        self.tally.copies_of_existing += if existed_before { report.made.len() } else { 0 };
        self.tally.unfaithful += usize::from(report.outcome == Outcome::UnfaithfulCopyWithdrawn);
    }

    /// A copy that was proven just now is ACTIVE, and needs no look.
    fn note(&mut self, copy: &CopyInForce) {
        let active = self.account.active.entry(copy.id.family.clone()).or_default();
        if let Err(at) = active.binary_search(&copy.id.revision) {
            active.insert(at, copy.id.revision);
            self.described.insert(copy.id.clone(), false);
        }
    }
}

/// What is due by the records, unless the watermark knows that it was told: a record may not have been written.
fn unless_told(due: Due, report: &Report, before: Option<&Standing>) -> Alerting {
    // A copy that a run before has made and told of is taken over again as long as its record cannot be written.
    let is_taken_over = report.outcome == Outcome::AlreadyRemediated && report.made.iter().all(MadeCopy::stands);
    let is_the_same = is_taken_over || !report.has_changed_something();
    match due.alert {
        Alerting::Sent if is_the_same && before.is_some_and(|before| before.has_told(report)) => Alerting::AlreadySent,
        Alerting::Sent | Alerting::AlreadySent | Alerting::None => due.alert,
    }
}

/// What is known of the revision after that look; nothing of one that is not privileged, or gone.
fn standing(report: &Report, alert: Alerting, before: Option<&Standing>) -> Option<Standing> {
    match report.outcome {
        Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive => return None,
        Outcome::Alerted | Outcome::Exempt | Outcome::AlreadyRemediated | Outcome::Superseded => {}
        Outcome::Remediated | Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed => {}
    }
    let original = report.original();
    let until = |Finding { plan, .. }: &Finding| match plan.exemption {
        Verdict::Exempt(Basis::Until(end)) | Verdict::Partly { until: end, .. } => Some(end),
        Verdict::Exempt(Basis::Family) | Verdict::NotExempt(_) | Verdict::Unreadable(_) => None,
    };
    Some(Standing {
        rests_on: String::new(),
        outcome: report.outcome,
        reason: report.reason,
        failed_action: report.failure.as_ref().and_then(Failure::action).map(str::to_owned),
        copy: report.copy.as_ref().map(|copy| copy.id.revision),
        // A look that failed before it saw anything takes nothing away.
        containers: match (original, before) {
            (None, Some(before)) => before.containers.clone(),
            (Some(_), _) | (None, None) => report.privileged_containers().to_vec(),
        },
        residual: match (original, before) {
            (Some(original), _) => residual::access(original, report.privileged_containers()),
            (None, before) => before.map(|before| before.residual.clone()).unwrap_or_default(),
        },
        registered_at: match original {
            Some(original) => original.registered_at(),
            None => before.and_then(|before| before.registered_at),
        },
        existed_before: false,
        by_event: false,
        was_told: matches!(alert, Alerting::Sent | Alerting::AlreadySent),
        missed_was_told: before.is_some_and(|before| before.missed_was_told),
        is_missing: before.is_some_and(|before| before.is_missing),
        exempt_until: report.finding.as_ref().and_then(until),
    })
}

fn news(report: &Report, usage: &AccountUsage, existed_before: bool) -> News {
    let usage = usage.of(&report.id.family);
    let withdrawn = report.made.iter().filter(|copy| copy.withdrawn.is_some());
    let fact = report.fact();
    let why = |why: &str| Withdrawal::ALL.into_iter().find(|known| known.as_str() == why).map(Withdrawal::in_words);
    News {
        id: report.id.clone(),
        outcome: report.outcome,
        reason: report.reason,
        copy: report.copy.as_ref().map(|copy| copy.id.clone()),
        copy_is_new: fact.copy_is_ours && fact.copy_told.is_none(),
        withdrawn: withdrawn
            .filter_map(|copy| {
                let id = report.id.family.revision(copy.number()?);
                Some((id, copy.why.as_deref().and_then(why).unwrap_or("it must not stay")))
            })
            .collect(),
        left: report.copies_left().collect(),
        existed_before,
        failure: report.failure.as_ref().map(ToString::to_string),
        statement: missing_statement(report),
        tasks: usage.runs.iter().filter(|run| run.revision == report.id.revision).map(|run| run.tasks).sum(),
    }
}
