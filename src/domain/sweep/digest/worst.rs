//! The ten worst families: half by the ways to the host that stay without the flag, half by what runs privileged. One
//! order alone would hide either a hole that nothing uses yet, or an agent on every host.

use std::cmp::Reverse;

use super::super::super::alert::words;
use super::super::super::words::counted;
use super::super::evidence::{Evidence, FamilyRow, State};
use super::part::Part;

const WORST_MAX: usize = 10;

pub(super) fn part(evidence: &Evidence) -> Part {
    let items = worst(&evidence.families).into_iter().map(|row| vec![words(line(row))]).collect();
    Part { items, rest_is_in: None, gives_way: 6, ..Part::new("WORST") }
}

/// Taken in turn from both orders.
fn worst(families: &[FamilyRow]) -> Vec<&FamilyRow> {
    let mut by_ways: Vec<&FamilyRow> = families.iter().filter(|row| !row.residual.is_empty()).collect();
    by_ways.sort_by_key(|row| Reverse((row.residual.len(), tasks(row))));
    let mut by_tasks: Vec<&FamilyRow> = families.iter().filter(|row| tasks(row) > 0).collect();
    by_tasks.sort_by_key(|row| Reverse((tasks(row), row.residual.len())));
    let mut worst: Vec<&FamilyRow> = Vec::new();
    for place in 0..by_ways.len().max(by_tasks.len()) {
        for row in [by_ways.get(place), by_tasks.get(place)].into_iter().flatten() {
            if worst.len() < WORST_MAX && !worst.iter().any(|known| known.family == row.family) {
                worst.push(row);
            }
        }
        if worst.len() == WORST_MAX {
            break;
        }
    }
    worst
}

fn tasks(row: &FamilyRow) -> usize {
    row.running.iter().map(|run| usize::try_from(run.tasks).unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
}

fn line(row: &FamilyRow) -> String {
    let state = match row.state() {
        State::Failed => "failed",
        State::ReportedOnly => "not changed",
        State::Superseded => "superseded",
        State::Exempt => "exempt",
        State::Remediated => "copied",
        State::NotLookedAt => "not looked at yet",
        State::Clean => "clean",
    };
    let ways = match row.residual.len() {
        0 => "no other way to the host found".to_owned(),
        ways => counted(ways, "other way to the host", "other ways to the host"),
    };
    let running = match tasks(row) {
        0 => String::new(),
        tasks => format!(", {} privileged", counted(tasks, "task", "tasks")),
    };
    format!("{} ({state}): {ways}{running}", row.family)
}
