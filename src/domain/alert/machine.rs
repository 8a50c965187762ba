//! The alert as one JSON document: flat fields with a `schemaVersion` for programs, and the members of a custom
//! notification for Amazon Q Developer in chat, within its limits. What a chat renders is our own words, validated ids,
//! and container names, which pass through the chat's escaper; all other text from outside stays in the flat fields.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use serde_json::{Map, Value, json};

use super::super::escape::{chat, phrase, plain};
use super::super::keys;
use super::super::outcome::Reason;
use super::super::report::Report;
use super::Setting;
use super::notification::{Notification, command_step, members};
use super::sections::{steps, undo_command};
use super::verdict::{must_act, verdict};
use super::{recurrence, source};

pub(super) fn document(
    report: &Report,
    setting: &Setting,
    title: &str,
    attributes: &[(&'static str, String)],
) -> Value {
    let containers: Vec<String> = report.privileged_containers().iter().map(|name| plain(name)).collect();
    let before = recurrence::revisions(report);
    let undo = undo_command(report, setting).map(|lines| lines.join("\n"));
    let mut fields = members(attributes);
    let more = [
        ("taskDefinition", Some(report.id.to_string())),
        ("reason", report.reason.map(|reason| Reason::as_str(reason).to_owned())),
        ("copy", report.copy.as_ref().map(|copy| copy.id.to_string())),
        ("tool", Some(report.provenance.tool.as_str().to_owned())),
        ("eventId", report.provenance.event_id.as_deref().map(plain)),
        ("record", Some(keys::record(setting.home, &report.id))),
        ("backup", report.backup_sha256.as_ref().map(|_| keys::backup(setting.home, &report.id))),
        ("backupSha256", report.backup_sha256.clone()),
        ("undo", undo.clone()),
    ];
    fields.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    let failure = report.failure.as_ref().map(|failure| json!(phrase(&failure.to_string())));
    fields.extend(failure.map(|failure| ("failure".to_owned(), failure)));
    // Only where a person did it, so that all other alerts stay as they are.
    let person = report.provenance.applied_by.as_deref();
    fields.extend(person.map(|person| ("appliedBy".to_owned(), json!(plain(person)))));
    // A notification's context holds strings only.
    let context: Map<String, Value> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), json!(value.as_str()?))))
        .chain([("privilegedContainers".to_owned(), json!(containers.join(",")))])
        .chain((!before.is_empty()).then(|| ("sameContentBefore".to_owned(), json!(before.join(",")))))
        .collect();
    fields.insert("privilegedContainers".into(), json!(containers));
    fields.insert("sameContentBefore".into(), json!(before));

    let undo_step = undo.map(|undo| command_step("Undo", &undo.replace("\\\n", "")));
    let fix = source::fix(report, chat).map(|fix| format!("Fix at the source: {fix}"));
    let next = [must_act(report).to_owned()].into_iter().chain(fix);
    let again = recurrence::found_in_chat(report);
    let description: Vec<String> = [verdict(report)].into_iter().chain(again).chain(steps(report)).collect();
    let notification = Notification {
        title,
        description: description.join("\n"),
        next_steps: next.chain(undo_step).collect(),
        keywords: vec![report.outcome.as_str(), report.id.family.as_str()],
        thread: report.id.family.as_str(),
        context,
    };
    Value::Object(notification.document(fields))
}
