//! What came of services in mode `enforce`: first what failed, last what has settled.

use std::cmp::Reverse;

use super::super::super::alert::{Line, Severity, words};
use super::super::super::escape::phrase;
use super::super::super::moves::State;
use super::super::super::moves::alert::{by_hand, statement, undo_on_one_line, verdict};
use super::super::super::moves::report::MoveReport;
use super::part::Part;
use super::{Digest, Setting};

/// What is said of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not be moved, does not settle, or only its owner may move it.
    NotMoved,
    /// It was put back on its original.
    WentBack,
    /// It runs the copy.
    Moved,
}

impl Kind {
    pub(super) fn of(report: &MoveReport) -> Self {
        match report.entry.state {
            State::Moved => Self::Moved,
            State::RolledBack => Self::WentBack,
            State::Waiting | State::Moving | State::Failed | State::NotMovable => Self::NotMoved,
        }
    }
}

pub(super) fn count(digest: &Digest, kind: Kind) -> usize {
    digest.moves.iter().filter(|report| Kind::of(report) == kind).count()
}

/// The worst of them.
pub(super) fn severity(digest: &Digest) -> Severity {
    digest.moves.iter().map(|report| report.severity()).max().unwrap_or(Severity::Info)
}

/// What matters most comes first.
pub(super) fn in_order<'a>(digest: &'a Digest) -> Vec<&'a MoveReport> {
    let mut reports: Vec<&MoveReport> = digest.moves.to_vec();
    reports.sort_by_key(|report| Reverse(report.severity()));
    reports
}

pub(super) fn part(digest: &Digest, setting: &Setting) -> Part {
    let items = in_order(digest).into_iter().zip(1..).map(|(report, number)| item(report, number, setting)).collect();
    Part { items, gives_way: 2, ..Part::new("SERVICES") }
}

fn item(report: &MoveReport, number: usize, setting: &Setting) -> Vec<Line> {
    let mut lines = vec![words(format!("{number}. {}", verdict(report)))];
    if let Some(failure) = &report.failure {
        lines.push(words(phrase(&failure.to_string())));
    }
    if let Some(statement) = statement(report, setting) {
        lines.push(words("Unless a policy denies it on purpose, add this statement to the sweep's role:"));
        lines.push(Line::Verbatim(statement));
    }
    lines.extend(by_hand(report, setting));
    if let Some(command) = undo_on_one_line(report, setting) {
        let does = match (Kind::of(report), setting.backout_function) {
            (Kind::Moved, _) => "To undo that:",
            (Kind::WentBack, Some(_)) => "To exempt it for a time:",
            (Kind::WentBack, None) => "To make the original its family's latest again:",
            (Kind::NotMoved, _) => "To go back at once:",
        };
        lines.extend([words(does), Line::Verbatim(command)]);
    }
    lines
}
