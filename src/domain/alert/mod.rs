//! The alert: what a run found and did, for people in words and for machines in JSON. Golden files hold its text; it
//! decides nothing, and shows nothing out of a container but what the design allows.
//!
//! `verdict` says it in short, `sections` in full, `recurrence` that it came back, `source` how to fix it where it comes from, `undo` how to take it back,
//! `machine` in JSON, as `notification` has it.

mod machine;
pub(super) mod notification;
mod recurrence;
mod sections;
pub(super) mod source;
pub(super) mod undo;
mod verdict;

use serde_json::{Value, json};

use super::arn::Home;
use super::escape::subject;
use super::outcome::{Outcome, Reason};
use super::policy::RoleName;
use super::report::Report;
pub(super) use sections::{BACK_IT_OUT, BY_HAND, FAILED, NEEDS_THE_FLAG, UNDO};
pub use sections::{missing_statement, statement_for};
pub use verdict::in_words as reason_in_words;
pub(super) use verdict::in_words;

/// Less than 100 characters: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub(super) const SUBJECT_MAX: usize = 99;
/// A mail is read on a phone.
const COLUMNS_MAX: usize = 76;
/// Nobody scrolls further at three in the morning.
pub(super) const LINES_MAX: usize = 60;

/// One message for all subscribers.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// For people: `default` and `email`. At most 60 lines of 76 columns, longer words and commands aside.
    pub text: String,
    /// For machines: `sqs`, `lambda`, `http`, `https`; also a custom notification of Amazon Q Developer in chat.
    pub json: Value,
    /// For filter policies, although SNS does not deliver them with this message structure.
    pub attributes: Vec<(&'static str, String)>,
}

impl Message {
    /// The texts by protocol, as `MessageStructure: json` wants them.
    #[must_use]
    pub fn by_protocol(&self) -> String {
        let document = self.json.to_string();
        json!({
            "default": self.text,
            "email": self.text,
            "sqs": document,
            "lambda": document,
            "http": document,
            "https": document,
        })
        .to_string()
    }
}

/// What an alert says besides the facts of the run.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The account and Region.
    pub home: &'a Home,
    /// The mode.
    pub mode: &'a str,
    /// The bucket.
    pub bucket: &'a str,
    /// Where the operator's own instructions are.
    pub runbook_url: Option<&'a str>,
    /// The function that the undo command invokes.
    pub backout_function: Option<&'a str>,
    /// Our own roles, for the statement that is missing.
    pub roles: &'a [RoleName],
    /// Tags that say who owns a definition.
    pub owner_tag_keys: &'a [String],
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be known.
    Info,
    /// To be looked at in working hours.
    Warning,
    /// To be acted on now.
    Critical,
}

impl Severity {
    /// The name in attributes and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// How much the end of a run matters.
    #[must_use]
    pub fn of(outcome: Outcome, reason: Option<Reason>) -> Self {
        match (outcome, reason) {
            (Outcome::Failed, _) | (Outcome::Alerted, Some(Reason::ExemptionUnreadable)) => Self::Critical,
            (Outcome::Alerted | Outcome::UnfaithfulCopyWithdrawn | Outcome::Superseded, _) => Self::Warning,
            (Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive | Outcome::Exempt, _) => Self::Info,
            (Outcome::AlreadyRemediated | Outcome::Remediated, _) => Self::Info,
        }
    }
}

/// Makes the message of a run.
#[must_use]
pub fn message(report: &Report, setting: &Setting) -> Message {
    let title = format!("[ECS privileged guard] {}", verdict::headline(report));
    let attributes = vec![
        ("outcome", report.outcome.as_str().to_owned()),
        ("severity", Severity::of(report.outcome, report.reason).as_str().to_owned()),
        ("mode", report.mode.as_str().to_owned()),
        ("family", report.id.family.to_string()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    let json = machine::document(report, setting, &title, &attributes);
    Message { subject: subject(&title, SUBJECT_MAX), text: text(report, setting), json, attributes }
}

fn text(report: &Report, setting: &Setting) -> String {
    mail(verdict::in_short(report, setting), &sections::all(report, setting))
}

/// The text for people: the first lines, and the sections that have something to say.
pub(super) fn mail(in_short: Vec<String>, sections: &[Section]) -> String {
    let mut parts = vec![in_short];
    parts.extend(sections.iter().filter(|section| !section.lines.is_empty()).map(rendered));
    shorten(&mut parts);
    let paragraphs: Vec<String> = parts.into_iter().map(|lines| lines.join("\n")).collect();
    paragraphs.join("\n\n") + "\n"
}

/// How many lines a section takes.
pub(super) fn height(section: &Section) -> usize {
    rendered(section).len()
}

/// A heading and what stands under it.
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) lines: Vec<Line>,
}

/// A line of a section.
#[derive(Clone)]
pub(super) enum Line {
    /// Words, wrapped to the width of a mail.
    Words(String),
    /// To be pasted: never wrapped.
    Verbatim(String),
}

pub(super) fn words(text: impl Into<String>) -> Line {
    Line::Words(text.into())
}

fn rendered(section: &Section) -> Vec<String> {
    let lines = section.lines.iter().flat_map(|line| match line {
        Line::Words(text) => wrapped(text, "  ", "    "),
        Line::Verbatim(text) => vec![format!("  {text}")],
    });
    [section.heading.to_owned()].into_iter().chain(lines).collect()
}

/// Cuts the longest sections until the whole fits, each by its last item. What is cut stands in the record or can be
/// looked up; the command to undo it, and what a failure or a service asks for, are never cut.
fn shorten(parts: &mut [Vec<String>]) {
    const CUT: &str = "  (cut)";
    // With an empty line between two.
    let height = |parts: &[Vec<String>]| parts.iter().map(|lines| lines.len() + 1).sum::<usize>().saturating_sub(1);
    while height(parts) > LINES_MAX {
        let is_cuttable = |lines: &Vec<String>| {
            let is_kept = |heading: &String| [UNDO, BACK_IT_OUT, FAILED, BY_HAND].contains(&heading.as_str());
            lines.len() > 4 && !lines.first().is_some_and(is_kept)
        };
        let Some(longest) = parts.iter_mut().skip(1).filter(|lines| is_cuttable(lines)).max_by_key(|lines| lines.len())
        else {
            return;
        };
        if longest.last().is_some_and(|line| line == CUT) {
            longest.pop();
        }
        // An item goes as a whole: half a sentence misleads.
        while longest.len() > 1 && longest.pop().is_some_and(|line| line.starts_with("    ")) {}
        longest.push(CUT.to_owned());
    }
}

/// Lines of at most 76 columns; a word that is longer stands alone.
pub(super) fn wrapped(text: &str, first: &str, rest: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !is_empty && line.len() + 1 + word.len() > COLUMNS_MAX {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_phone_and_a_long_word_stands_alone() {
        let long = "x".repeat(100);
        let lines = wrapped(&format!("{} {long} y", "word ".repeat(30)), "  ", "    ");
        assert!(lines.iter().all(|line| line.len() <= COLUMNS_MAX || line.trim() == long), "{lines:?}");
        assert_eq!(lines.join(" ").split_whitespace().count(), 32);
    }

    #[test]
    fn half_a_sentence_is_not_left() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let long = lines(&["RUNS", "  a", "    b", "  c", "    d", "    e"]);
        let mut parts = vec![vec![String::new(); 53], long];
        shorten(&mut parts);
        assert_eq!(parts[1], lines(&["RUNS", "  a", "    b", "  c", "    d", "    e"]), "60 lines fit");
        parts[0].push(String::new());
        shorten(&mut parts);
        assert_eq!(parts[1], lines(&["RUNS", "  a", "    b", "  (cut)"]));
        let short = lines(&["RUNS", "  a", "  b", "  c"]);
        let mut parts = vec![vec![String::new(); 60], short.clone()];
        shorten(&mut parts);
        assert_eq!(parts[1], short, "nothing is gained by it");
    }

    #[test]
    fn the_longest_sections_are_cut_and_undo_is_not() {
        let part = |heading: &str, lines: usize| {
            let lines = (0..lines).map(|number| format!("  {number}"));
            [heading.to_owned()].into_iter().chain(lines).collect::<Vec<_>>()
        };
        let (undo, failed) = (part(sections::UNDO, 10), part(sections::FAILED, 12));
        let mut parts = vec![part("short", 5), part("RUNS", 80), undo, failed, part("WHO", 3)];
        shorten(&mut parts);
        assert_eq!(parts.iter().map(Vec::len).sum::<usize>() + 4, LINES_MAX);
        assert_eq!((parts[0].len(), parts[2].len(), parts[3].len(), parts[4].len()), (6, 11, 13, 4));
        assert_eq!(parts[1].last().unwrap(), "  (cut)");
    }
}
