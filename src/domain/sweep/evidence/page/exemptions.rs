//! Who may be privileged, why, by whose word, and until when.

use jiff::Timestamp;

use super::super::{Evidence, ExemptionRow, ExemptionState};
use super::{rows, some, time, words};

const CONTAINERS_MAX: usize = 10;
const GLOBS_MAX: usize = 200;

pub(super) fn section(evidence: &Evidence) -> String {
    let stored = match evidence.exemptions.is_empty() {
        true => "<p>No exemption is stored.</p>\n".to_owned(),
        false => table(evidence),
    };
    let for_good = match evidence.exempt_families.is_empty() {
        true => "none".to_owned(),
        false => some(evidence.exempt_families.iter().map(|glob| words(glob)), GLOBS_MAX, ", "),
    };
    format!(
        "<section aria-labelledby=\"exemptions\">\n<h2 id=\"exemptions\">Exemptions</h2>\n{stored}\
         <p><strong>For good, without an end</strong> (<code>EXEMPT_FAMILIES</code>): {for_good}.</p>\n</section>\n"
    )
}

fn table(evidence: &Evidence) -> String {
    let (body, cut) = rows(evidence.exemptions.iter().map(|it| row(it, evidence.at)), &evidence.looker);
    format!(
        "<p>Who approved is a claim of whoever wrote the exemption.</p>\n{cut}\
         <table class=\"exemptions\">\n<thead><tr><th scope=\"col\">Family</th><th scope=\"col\">Ends</th>\
         <th scope=\"col\">Containers</th><th scope=\"col\">Reason</th><th scope=\"col\">Approved by (claimed)</th></tr></thead>\n\
         <tbody>\n{body}</tbody>\n</table>\n"
    )
}

fn row(row: &ExemptionRow, now: Timestamp) -> String {
    let or_dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let shown = |text: &str| if text.is_empty() { String::new() } else { words(text) };
    let cells = [
        ends(row, now),
        or_dash(some(row.containers.iter().map(|name| words(name)), CONTAINERS_MAX, ", ")),
        or_dash(shown(&row.reason)),
        or_dash(shown(&row.approved_by)),
    ];
    format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", row.family, cells.join("</td><td>"))
}

fn ends(row: &ExemptionRow, now: Timestamp) -> String {
    let end = row.ends.map(time).unwrap_or_default();
    let marked = |words: &str| format!("<strong class=\"bad\">{words}</strong>");
    match row.state(now) {
        ExemptionState::Holds => end,
        ExemptionState::EndsSoon => format!("{end} {}", marked(&soon(row.ends, now))),
        ExemptionState::Expired => format!("{end} {}", marked("Expired")),
        ExemptionState::Void => {
            format!("{end} {}: longer than 90 days, or not complete", marked("Does not hold"))
        }
        ExemptionState::NotUnderstood => {
            format!("{}: it is not the documented JSON", marked("Does not hold"))
        }
    }
}

fn soon(end: Option<Timestamp>, now: Timestamp) -> String {
    match end.map_or(0, |end| end.duration_since(now).as_hours() / 24) {
        0 => "Ends within a day".to_owned(),
        1 => "Ends in 1 day".to_owned(),
        days => format!("Ends in {days} days"),
    }
}
