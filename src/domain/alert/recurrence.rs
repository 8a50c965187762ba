//! That the same content came back: how often, in which revisions, by whom. What to change is said by `source`.

use super::super::escape::plain;
use super::super::plan::Plan;
use super::super::recurrence::Recurrence;
use super::super::report::Report;
use super::sections::{short, who_in_short};

/// So many revisions are named; how many there are is said anyway.
const NAMED_MAX: usize = 5;

fn of(report: &Report) -> Option<&Recurrence> {
    let plan: &Plan = &report.finding.as_ref()?.plan;
    plan.recurrence.as_ref()
}

/// The earlier revisions of the same content, the newest first.
pub(super) fn revisions(report: &Report) -> Vec<String> {
    of(report).iter().flat_map(|recurrence| &recurrence.before).map(ToString::to_string).collect()
}

/// What was found, where the same content came before.
pub(super) fn found(report: &Report) -> Option<String> {
    let recurrence = of(report)?;
    let by = recurrence.last_by.as_deref().map(|by| format!(", last by {}", plain(short(by)))).unwrap_or_default();
    Some(format!("{}{by}", before(recurrence)))
}

/// The same for a chat, which renders no principal: that may be any text.
pub(super) fn found_in_chat(report: &Report) -> Option<String> {
    Some(format!("{}; this time with {}.", before(of(report)?), report.provenance.tool.as_str()))
}

/// What breaks the loop: who keeps it going, by what tool, and how often. The line to change follows it.
pub(super) fn stop_it(report: &Report) -> String {
    let often = match of(report) {
        Some(recurrence) => {
            let times = recurrence.before.len() + 1;
            format!("the same content came at least {times} times within a day, this one included")
        }
        None => "a copy each time is no remedy".to_owned(),
    };
    format!(
        "Stop the loop first, with the fix below: {often}. Registered this time by: {}. New revisions are copied again \
         within the hour.",
        plain(&who_in_short(report)),
    )
}

fn before(recurrence: &Recurrence) -> String {
    let times = match recurrence.before.len() {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    };
    let named: Vec<String> = recurrence.before.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = match recurrence.before.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("The same content was registered at least {times} before within the last day ({}{more})", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(numbers: std::ops::Range<u32>) -> String {
        let before = numbers.rev().map(|number| format!("web:{number}").parse().unwrap()).collect();
        super::before(&Recurrence { before, last_by: None })
    }

    #[test]
    fn how_often_is_said_however_many_are_named() {
        let says = "The same content was registered at least";
        assert_eq!(before(3..4), format!("{says} once before within the last day (web:3)"));
        assert_eq!(before(3..5), format!("{says} 2 times before within the last day (web:4, web:3)"));
        let many = before(3..12);
        assert!(
            many.contains("9 times") && many.ends_with("(web:11, web:10, web:9, web:8, web:7 and 4 more)"),
            "{many}"
        );
    }
}
