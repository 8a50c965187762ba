//! What is told where a sweep could not look at the account at all: a list or the watermark is out of its reach.

use serde_json::json;

use super::super::alert::{Line, Message, SUBJECT_MAX, Section, Setting, Severity, mail, words, wrapped};
use super::super::backout::alert::statement;
use super::super::escape::{plain, subject};
use super::super::report::Failure;

/// The message.
#[must_use]
pub fn message(failure: &Failure, setting: &Setting) -> Message {
    let home = setting.home;
    let title = format!("[ECS privileged guard] sweep of {} {} FAILED: it saw nothing", home.account(), home.region());
    let why = plain(&failure.to_string());
    let in_short = [
        "The sweep could not look at the account, so nothing that no event told of is found.",
        "Act now? Yes: see below. It is tried again with each sweep, without a new message.",
    ];
    let mut failed = vec![words(why.clone())];
    if let Some(statement) = statement(failure) {
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
    let mut document = json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": in_short.join("\n"),
            "keywords": ["failed", home.account(), home.region()],
        },
        "metadata": { "threadId": "sweep", "summary": title },
        "schemaVersion": 1,
        "reason": failure.reason().as_str(),
        "failure": why,
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    let in_short = in_short.iter().flat_map(|line| wrapped(line, "", "  ")).collect();
    Message { subject: subject(&title, SUBJECT_MAX), text: mail(in_short, &sections), json: document, attributes }
}
