//! Three different questions, three answers, from the evidence's totals. What was not seen is never denied.

use super::super::super::words::{counted, number};
use super::super::evidence::{Evidence, FamilyRow, State, Totals};

/// Whether there may be more than the evidence shows.
pub(super) fn is_partial(evidence: &Evidence) -> bool {
    !evidence.is_complete || !evidence.unseen.is_empty() || evidence.revisions_looked_at < evidence.revisions_total
}

/// What was looked at, and the three answers.
pub(super) fn answers(evidence: &Evidence) -> [String; 4] {
    let totals = Totals::of(evidence);
    let looked_at = match evidence.revisions_total.saturating_sub(evidence.revisions_looked_at) {
        0 => "all looked at".to_owned(),
        _ => format!("{} looked at so far", number(evidence.revisions_looked_at)),
    };
    let families = counted(evidence.families_total, "family", "families");
    let revisions = counted(evidence.revisions_total, "ACTIVE revision", "ACTIVE revisions");
    let so_far = if is_partial(evidence) { ", as far as it was seen" } else { "" };
    let of = |count: usize, is_one: &dyn Fn(&FamilyRow) -> bool| {
        let at_least = if is_partial(evidence) { "at least " } else { "" };
        let exempt = evidence.families.iter().filter(|row| is_one(row) && row.state() == State::Exempt).count();
        let exempt = if exempt > 0 { format!(" ({} exempt)", number(exempt)) } else { String::new() };
        format!("{at_least}{}{exempt}", counted(count, "family", "families"))
    };
    let tasks: usize = evidence
        .families
        .iter()
        .flat_map(|row| &row.running)
        .map(|run| usize::try_from(run.tasks).unwrap_or(usize::MAX))
        .fold(0, usize::saturating_add);
    [
        format!("{families}, {revisions}; {looked_at}."),
        match totals.newest_privileged {
            0 => format!("Is every newest revision clean? Yes{so_far}."),
            some => {
                format!(
                    "Is every newest revision clean? No; privileged in {}.",
                    of(some, &FamilyRow::is_newest_privileged)
                )
            }
        },
        match totals.running {
            0 => format!("Does anything run privileged? No{so_far}."),
            some => format!(
                "Does anything run privileged? Yes, in {}: {}.",
                of(some, &|row| !row.running.is_empty()),
                counted(tasks, "task", "tasks"),
            ),
        },
        match totals.callable {
            0 => format!("Can anything start privileged? No{so_far}."),
            some => {
                format!("Can anything start privileged? Yes, in {}.", of(some, &|row| !row.callable.is_empty()))
            }
        },
    ]
}
