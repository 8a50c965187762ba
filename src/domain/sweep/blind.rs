//! What is told where a sweep could not look at the account at all: a list or the watermark is out of its reach.

use serde_json::{Value, json};

use super::super::alert::notification::{Notification, members};
use super::super::alert::{Line, Message, SUBJECT_MAX, Section, Setting, Severity, mail, words, wrapped};
use super::super::backout::alert::statement;
use super::super::escape::{phrase, subject};
use super::super::report::Failure;

/// The message. Only where there is a watermark is it remembered that it was told.
#[must_use]
pub fn message(failure: &Failure, setting: &Setting, is_remembered: bool) -> Message {
    let home = setting.home;
    let title = format!("[ECS privileged guard] sweep of {} {} FAILED: it saw nothing", home.account(), home.region());
    let why = phrase(&failure.to_string());
    let in_short = [
        "The sweep could not look at the account, so nothing that no event told of is found.",
        match is_remembered {
            true => "Act now? Yes: see below. It is tried again with each sweep, without a new message.",
            false => "Act now? Yes: see below. It is tried again with each sweep, and told again.",
        },
    ];
    let mut failed = vec![words(why.clone())];
    if let Some(statement) = statement(failure, &[]) {
        failed.push(words("Unless a policy denies it on purpose, add this statement to the sweep's role:"));
        failed.push(Line::Verbatim(statement));
    }
    let place = words(format!("Account {}, Region {}", home.account(), home.region()));
    let runbook = setting.runbook_url.map(|url| words(format!("Runbook: {url}")));
    let sections = [
        Section { heading: "FAILED", lines: failed },
        Section { heading: "WHERE", lines: [place].into_iter().chain(runbook).collect() },
    ];
    let attributes = vec![
        ("outcome", "failed".to_owned()),
        ("severity", Severity::Critical.as_str().to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", "*".to_owned()),
        ("account", home.account().to_owned()),
        ("region", home.region().to_owned()),
    ];
    let mut fields = members(&attributes);
    let notification = Notification {
        title: &title,
        description: in_short.join("\n"),
        next_steps: Vec::new(),
        keywords: vec!["failed", home.account(), home.region()],
        thread: "sweep",
        context: fields.clone(),
    };
    fields.insert("reason".to_owned(), json!(failure.reason().as_str()));
    fields.insert("failure".to_owned(), json!(why));
    let json = Value::Object(notification.document(fields));
    let in_short = in_short.iter().flat_map(|line| wrapped(line, "", "  ")).collect();
    Message { subject: subject(&title, SUBJECT_MAX), text: mail(in_short, &sections), json, attributes }
}
