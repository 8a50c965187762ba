//! The alert as one JSON document: flat fields with a `schemaVersion` for programs, and a custom notification for Amazon Q
//! Developer in chat, within its limits. What a chat renders is our own words, validated ids, and the names of cluster,
//! service and containers, which pass through the chat's escaper; all other text from outside stays in the flat fields.

use serde_json::{Map, Value, json};

use super::super::super::alert::notification::{Notification, command_step, in_the_mail, members};
use super::super::super::alert::{Setting, UNDO};
use super::super::super::escape::{chat, phrase, plain};
use super::super::super::keys;
use super::super::super::service::ServiceId;
use super::super::Reason;
use super::super::report::MoveReport;
use super::case::{Case, is_of_others};
use super::sections::{fix, replacing, statement};
use super::verdict::{changed, if_nobody_acts, must_act, of_case, still_privileged};
use super::way_back::{Way, heading, point, ways};

pub(super) fn document(
    case: Case,
    report: &MoveReport,
    setting: &Setting,
    title: &str,
    attributes: &[(&'static str, String)],
) -> Value {
    let (entry, failure) = (&report.entry, report.failure.as_ref());
    let ways = ways(case, report, setting);
    let command = |way: &Way| way.command.join("\n");
    let put_back = match case {
        Case::NotPutBack(theirs) => Some(theirs),
        Case::Waits | Case::Stuck | Case::Moved | Case::PutBack | Case::RolledBack => None,
        Case::DeploymentFailed | Case::NotMovable(_) | Case::Refused(_) => None,
    };
    let is_others = is_of_others(report, setting.roles);
    let containers: Vec<String> = report.privileged_containers().iter().map(|name| plain(name)).collect();
    let mut fields = members(attributes);
    let more = [
        ("taskDefinition", Some(entry.original.to_string())),
        ("copy", entry.copy.as_ref().map(ToString::to_string)),
        ("reason", report.reason().map(str::to_owned)),
        ("cluster", Some(plain(&report.service.cluster))),
        ("service", Some(plain(&report.service.name))),
        ("state", Some(entry.state.as_str().to_owned())),
        ("stateReason", entry.reason.map(|reason| Reason::as_str(reason).to_owned())),
        ("since", Some(entry.since.to_string())),
        ("stillPrivileged", Some(case.still_privileged().as_str().to_owned())),
        ("deploymentId", entry.deployment_id.as_deref().map(plain)),
        ("registeredBy", report.original.as_ref().and_then(|original| original.registered_by().map(plain))),
        ("call", report.provenance.call.as_deref().filter(|_| is_others).map(plain)),
        ("actor", report.provenance.actor_text().filter(|_| is_others).as_deref().map(plain)),
        ("tool", is_others.then(|| report.provenance.tool.as_str().to_owned())),
        ("eventId", report.provenance.event_id.as_deref().map(plain)),
        ("failure", failure.map(|failure| phrase(&failure.to_string()))),
        ("action", failure.map(|failure| failure.action.to_owned())),
        ("resource", failure.map(|failure| phrase(&failure.resource))),
        ("requestId", failure.and_then(|failure| failure.request_id.as_deref().map(plain))),
        ("statement", statement(report, setting)),
        ("move", Some(phrase(&keys::service_move(setting.home, &report.service)))),
        ("record", Some(keys::record(setting.home, &entry.original))),
        ("fix", fix(case, report, plain)),
        ("putBackTo", put_back.map(ToString::to_string)),
        ("putBack", put_back.map(|theirs| point(report, setting, theirs))),
        ("undo", ways.first().filter(|_| heading(case) == UNDO).map(command)),
        ("backOut", ways.iter().find(|way| way.is_backout()).map(command)),
    ];
    fields.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    // A notification's context holds strings only.
    let context: Map<String, Value> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), json!(value.as_str()?))))
        .chain((!containers.is_empty()).then(|| ("privilegedContainers".to_owned(), json!(containers.join(",")))))
        .collect();
    fields.insert("privilegedContainers".into(), json!(containers));
    let hints = if case.is_a_no() || case == Case::Stuck { replacing(report) } else { Vec::new() };
    fields.insert("mayReplaceTheFlag".into(), json!(hints.iter().map(|hint| phrase(hint)).collect::<Vec<_>>()));

    let description = [
        of_case(case, report, chat),
        format!("Changed: {}", changed(case, report)),
        format!("Still privileged: {}", still_privileged(case, report)),
        format!("If nobody acts: {}", if_nobody_acts(case, report)),
    ];
    let put_back = put_back.map(|theirs| ("Put the service back", point(report, setting, theirs)));
    let commands = put_back.into_iter().chain(ways.iter().map(|way| (way.name(), way.on_one_line())));
    let commands = commands.map(|(name, command)| step(name, &command, &report.service));
    let fix = fix(case, report, chat).map(|fix| format!("Fix at the source: {fix}"));
    let notification = Notification {
        title,
        description: description.join("\n"),
        next_steps: [must_act(case).to_owned()].into_iter().chain(commands).chain(fix).collect(),
        keywords: vec![report.outcome().as_str(), entry.original.family.as_str()],
        thread: entry.original.family.as_str(),
        context,
    };
    Value::Object(notification.document(fields))
}

/// A command to be pasted out of a chat. Escaped it would be another command, so where that threatens the mail has it.
fn step(name: &str, command: &str, service: &ServiceId) -> String {
    match ServiceId::new(&service.cluster, &service.name) {
        Ok(_) => command_step(name, command),
        Err(_) => in_the_mail(name),
    }
}
