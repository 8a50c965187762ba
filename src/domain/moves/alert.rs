//! The alert about a service that was moved, could not be, or said no: for people in words and for machines in JSON.
//! Golden files hold its text; it decides nothing.
//!
//! `case` says what a report comes to, `verdict` says that in short, `sections` in full, `way_back` how to take it back,
//! `machine` in JSON.

mod case;
mod machine;
mod sections;
mod verdict;
mod way_back;

#[cfg(test)]
mod tests;

use super::super::alert::{Line, Message, SUBJECT_MAX, Setting, mail, wrapped};
use super::super::escape::{chat, plain, subject};
use super::report::MoveReport;
use case::Case;
pub use sections::statement;
pub use verdict::{verdict, why};
pub use way_back::undo_on_one_line;

/// Makes the message.
#[must_use]
pub fn message(report: &MoveReport, setting: &Setting) -> Message {
    let case = Case::of(report, setting.roles);
    let title = |escape| format!("[ECS privileged guard] {}", verdict::headline(case, report, escape));
    let attributes = vec![
        ("outcome", report.outcome().as_str().to_owned()),
        ("severity", report.severity().as_str().to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", report.entry.original.family.to_string()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    let json = machine::document(case, report, setting, &title(chat), &attributes);
    let in_short = verdict::in_short(case, report, setting).iter().flat_map(|line| wrapped(line, "", "  ")).collect();
    let text = mail(in_short, &sections::all(case, report, setting));
    Message { subject: subject(&title(plain), SUBJECT_MAX), text, json, attributes }
}

/// What only a person may do: a sweep's digest hands out the same.
pub(in super::super) fn by_hand(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    sections::by_hand(Case::of(report, setting.roles), report, setting)
}

/// The copy that the service is to run. There is one in each report but that of a service that ECS itself manages.
fn copy(report: &MoveReport) -> String {
    report.entry.copy.as_ref().map_or_else(|| "a revision without the flag".to_owned(), ToString::to_string)
}
