//! The alert about a service that was moved, could not be, or said no. It decides nothing.

use serde_json::{Map, Value, json};

use super::super::alert::notification::{Notification, members};
use super::super::alert::{BY_HAND, FAILED, Message, SUBJECT_MAX, Section, Setting, Severity, UNDO, undo};
use super::super::alert::{Line, mail, words, wrapped};
use super::super::escape::{chat, plain, shell, subject};
use super::super::hints;
use super::super::keys;
use super::report::MoveReport;
use super::{Reason, State};

/// Makes the message.
#[must_use]
pub fn message(report: &MoveReport, setting: &Setting) -> Message {
    let title = format!("[ECS privileged guard] {}", headline(report));
    let attributes = vec![
        ("outcome", report.outcome().as_str().to_owned()),
        ("severity", report.severity().as_str().to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", report.entry.original.family.to_string()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    let json = document(report, setting, &title, &attributes);
    Message { subject: subject(&title, SUBJECT_MAX), text: text(report, setting), json, attributes }
}

fn at(report: &MoveReport) -> String {
    format!("{} in cluster {}", plain(&report.service.name), plain(&report.service.cluster))
}

fn copy(report: &MoveReport) -> String {
    report.entry.copy.as_ref().map_or_else(|| "a revision without the flag".to_owned(), ToString::to_string)
}

fn headline(report: &MoveReport) -> String {
    let (id, original, copy) = (&report.service, &report.entry.original, copy(report));
    match (report.entry.state, report.entry.reason) {
        _ if report.not_put_back.is_some() => format!("Service {id} is on {copy} by mistake: act"),
        (State::Waiting, _) if report.is_overdue => format!("Service {id} keeps deploying privileged {original}"),
        _ if report.is_overdue => format!("Service {id} does not settle on {copy}"),
        (State::Moved, _) => format!("Service {id} runs {copy}, without privilege"),
        (State::RolledBack, _) => format!("Service {id} went back to privileged {original}"),
        (State::Failed, Some(Reason::DeploymentFailed)) => format!("Service {id} failed to deploy {copy}"),
        (State::NotMovable, _) => format!("Service {id} runs privileged {original}; move it by hand"),
        (State::Failed | State::Waiting | State::Moving, _) => format!("Service {id} could not be moved to {copy}"),
    }
}

/// The verdict in one sentence.
#[must_use]
pub fn verdict(report: &MoveReport) -> String {
    let (at, original, copy) = (at(report), &report.entry.original, copy(report));
    match (report.entry.state, report.entry.reason) {
        _ if let Some(theirs) = &report.not_put_back => format!(
            "Service {at} was to go on with {theirs}, which was deployed in the moment in which the guard moved it to {copy}; \
             the guard could not put it back."
        ),
        (State::Waiting, _) if report.is_overdue => format!(
            "Service {at} has been deploying privileged {original} since {}, and the guard does not interrupt a deployment.",
            report.entry.since
        ),
        _ if report.is_overdue => {
            format!("Service {at} has been on its way from {original} to {copy} since {}.", report.entry.since)
        }
        (State::Moved, _) => {
            format!("Service {at} was moved from privileged {original} to {copy}, and has settled there.")
        }
        (State::RolledBack, _) if report.provenance.actor_text().is_some() => format!(
            "Service {at} was moved to {copy}, and somebody has put it back on privileged {original}: the guard respects \
             that."
        ),
        (State::RolledBack, _) => format!(
            "Service {at} was moved to {copy}, and is back on privileged {original}: the application needs something that \
             the flag gave it, and the guard respects that."
        ),
        (State::Failed, Some(Reason::DeploymentFailed)) => format!(
            "ECS gave up deploying {copy} to service {at}, and did not go back to {original} by itself: the application \
             needs something that the flag gave it."
        ),
        (State::NotMovable, reason) => {
            format!("Service {at} runs privileged {original}, and is not the guard's to move: {}.", why(reason))
        }
        (State::Failed | State::Waiting | State::Moving, reason) => {
            format!("Service {at} runs privileged {original}, and could not be moved to {copy}: {}.", why(reason))
        }
    }
}

/// Why, as the end of a sentence.
#[must_use]
pub fn why(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::CodeDeploy) => "AWS CodeDeploy deploys it",
        Some(Reason::External) => "another system deploys it by task sets",
        Some(Reason::Express) => "ECS itself manages it (Express)",
        Some(Reason::ByOwner) => "its owner deployed something else",
        Some(Reason::Gone) => "it is gone",
        Some(Reason::DeploymentFailed) => "its deployment failed",
        Some(Reason::Exempt) => "its family was exempted meanwhile",
        Some(Reason::CopyRemoved) => "somebody deregistered the copy meanwhile",
        Some(Reason::AccessDenied) => "a permission is missing",
        Some(Reason::InvalidParameter) => "ECS does not accept what was sent",
        Some(Reason::LimitExceeded) => "a quota of AWS is used up",
        Some(Reason::Refused) => "ECS refused the call",
        None => "it is not known why",
    }
}

fn must_act(report: &MoveReport) -> &'static str {
    match (report.severity(), report.entry.state, report.entry.reason) {
        (Severity::Critical, ..) => "Act now? Yes: the guard could not do its work.",
        (_, State::Failed, Some(Reason::DeploymentFailed)) => {
            "Act now? Yes, if the service lacks tasks: nothing will bring them back by itself."
        }
        (Severity::Info, ..) => "Act now? No.",
        (Severity::Warning, State::RolledBack, _) => {
            "Act now? No: it runs as before, and is not moved again until its family has a newer revision."
        }
        (Severity::Warning, ..) => "Act now? No; look at it in working hours.",
    }
}

fn text(report: &MoveReport, setting: &Setting) -> String {
    let mut in_short = wrapped(&verdict(report), "", "");
    in_short.extend(wrapped(must_act(report), "", ""));
    in_short.extend(wrapped(&format!("Changed: {}", changed(report)), "", ""));
    let sections = [
        Section { heading: "FOUND", lines: found(report, setting) },
        Section { heading: FAILED, lines: failed(report, setting) },
        Section { heading: "WHO", lines: who(report) },
        Section { heading: "WHAT MAY REPLACE THE FLAG", lines: replacements(report) },
        Section { heading: BY_HAND, lines: by_hand(report, setting) },
        Section { heading: UNDO, lines: how_to_undo(report, setting) },
        Section { heading: "EVIDENCE", lines: evidence(report, setting) },
    ];
    mail(in_short, &sections)
}

fn changed(report: &MoveReport) -> String {
    let (original, copy) = (&report.entry.original, copy(report));
    match (report.entry.state, report.entry.reason) {
        (State::Moved, _) => format!("the service runs {copy} instead of {original}."),
        (State::RolledBack, _) => "nothing stays changed.".to_owned(),
        (State::Moving, _) | (State::Failed, Some(Reason::DeploymentFailed)) => {
            format!("the service was pointed at {copy}.")
        }
        _ if report.not_put_back.is_some() => format!("the service was pointed at {copy}."),
        (State::Waiting | State::Failed | State::NotMovable, _) => "nothing; the service is as it was.".to_owned(),
    }
}

fn found(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let mut lines = vec![words(format!("Service {}", at(report)))];
    lines.push(words(format!("Account {}, Region {}", setting.home.account(), setting.home.region())));
    lines.push(words(match &report.entry.copy {
        Some(copy) => format!("Original {}, privileged; its copy without that flag {copy}", report.entry.original),
        None => format!("Original {}, privileged", report.entry.original),
    }));
    if !report.privileged_containers().is_empty() {
        let names: Vec<String> = report.privileged_containers().iter().map(|name| plain(name)).collect();
        lines.push(words(format!("Privileged containers: {}", names.join(", "))));
    }
    if let Some(deployment) = &report.entry.deployment_id {
        lines.push(words(format!("Deployment {}", plain(deployment))));
    }
    lines
}

fn failed(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let mut lines = vec![words(plain(&failure.to_string()))];
    let roles = setting.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    lines.push(words(format!("Role: {roles}")));
    if let Some(statement) = statement(report, setting) {
        lines.push(words("Unless a policy denies it on purpose, add this statement to the role:"));
        lines.push(Line::Verbatim(statement));
    } else {
        lines.push(words("Why, says AWS's message in CloudTrail: look for the request id."));
    }
    lines.push(words("Sweep tries it again; you hear of it again only if it fails for another reason."));
    lines.push(words("Still privileged: yes"));
    lines
}

/// The statement that a role lacks, where one is missing.
#[must_use]
pub fn statement(report: &MoveReport, setting: &Setting) -> Option<String> {
    let action = report.failure.as_ref()?.denied_action()?;
    let mut statement = json!({ "Effect": "Allow", "Action": action });
    match action {
        "iam:PassRole" => {
            statement["Resource"] = json!("*");
            statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
        }
        _ => statement["Resource"] = json!(setting.home.ecs_arn("service/*")),
    }
    Some(statement.to_string())
}

fn who(report: &MoveReport) -> Vec<Line> {
    let Some(actor) = report.provenance.actor_text() else { return Vec::new() };
    vec![words(format!(
        "Pointed the service at {} last, by the event's word only: {}, with {}",
        report.entry.original,
        plain(&actor),
        report.provenance.tool.as_str()
    ))]
}

/// Where the application said no: what the definition says of what it may need.
fn replacements(report: &MoveReport) -> Vec<Line> {
    let has_said_no = match (report.entry.state, report.entry.reason) {
        (State::RolledBack, _) | (State::Failed, Some(Reason::DeploymentFailed)) => true,
        (State::Moving, _) => report.is_overdue,
        (State::Waiting | State::Moved | State::Failed | State::NotMovable, _) => false,
    };
    match (&report.original, has_said_no) {
        (Some(original), true) => {
            hints::hints(original, report.privileged_containers()).iter().map(|hint| words(plain(hint))).collect()
        }
        (None, true) => vec![words("The original could not be described, so the guard has no hint.")],
        (_, false) => Vec::new(),
    }
}

/// What only a person may do.
fn by_hand(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let (copy, region) = (copy(report), setting.home.region());
    let (cluster, name) = (shell(&report.service.cluster), shell(&report.service.name));
    let point = |to: &str| {
        let service = format!("--region {region} --cluster {cluster} --service {name}");
        Line::Verbatim(format!("aws ecs update-service {service} --task-definition {to}"))
    };
    match (report.entry.state, report.entry.reason) {
        _ if let Some(theirs) = &report.not_put_back => vec![point(&theirs.to_string())],
        (State::NotMovable, Some(Reason::CodeDeploy)) => vec![words(format!(
            "Deploy {copy} with CodeDeploy: it is the TaskDefinition in the AppSpec of the next deployment."
        ))],
        (State::NotMovable, Some(Reason::External)) => vec![words(format!(
            "Have the system that deploys it create a task set of {copy}, and make that the primary one."
        ))],
        (State::NotMovable, _) => {
            vec![words("Update the Express service without the flag (UpdateExpressGatewayService).")]
        }
        _ if report.is_overdue => vec![
            words("Look at the service's events. To stop the deployment, and go back to what was there before:"),
            Line::Verbatim(format!(
                "aws ecs list-service-deployments --region {region} --cluster {cluster} --service {name}"
            )),
            Line::Verbatim(format!(
                "aws ecs stop-service-deployment --region {region} --stop-type ROLLBACK --service-deployment-arn ARN"
            )),
        ],
        (State::Failed, Some(Reason::DeploymentFailed)) => {
            vec![words("To go back at once:"), point(&report.entry.original.to_string())]
        }
        (State::Waiting | State::Moving | State::Moved | State::RolledBack | State::Failed, _) => Vec::new(),
    }
}

fn undo_command(report: &MoveReport, setting: &Setting) -> Option<Vec<String>> {
    let copy = report.entry.copy.as_ref()?;
    match report.entry.state {
        State::Moved | State::RolledBack | State::Moving => Some(undo::command(&report.entry.original, copy, setting)),
        State::Failed if report.entry.reason == Some(Reason::DeploymentFailed) => {
            Some(undo::command(&report.entry.original, copy, setting))
        }
        State::Waiting | State::Failed | State::NotMovable => None,
    }
}

fn how_to_undo(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let Some(command) = undo_command(report, setting) else { return Vec::new() };
    let does = match (setting.backout_function, report.entry.state) {
        (None, _) => "It makes the original the family's latest again; services stay where they are.",
        (Some(_), State::RolledBack) => {
            "It exempts these containers for 30 days, and makes the original the family's latest again. Or take the flag \
             out where it comes from, with what replaces it."
        }
        (Some(_), State::Waiting | State::Moving | State::Moved | State::Failed | State::NotMovable) => {
            "It exempts these containers for 30 days, and brings the original and its services back."
        }
    };
    command.into_iter().map(Line::Verbatim).chain([words(does)]).collect()
}

fn evidence(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let bucket = setting.bucket;
    let mut lines = vec![
        words(format!("Move: s3://{bucket}/{}", keys::service_move(setting.home, &report.service))),
        words(format!("Record: s3://{bucket}/{}", keys::record(setting.home, &report.entry.original))),
    ];
    if let Some(id) = &report.provenance.event_id {
        lines.push(words(format!("Event: {}", plain(id))));
    }
    lines.extend(setting.runbook_url.map(|url| words(format!("Runbook: {url}"))));
    lines
}

fn document(report: &MoveReport, setting: &Setting, title: &str, attributes: &[(&'static str, String)]) -> Value {
    let undo = undo_command(report, setting).map(|lines| lines.join("\n"));
    let mut fields = members(attributes);
    let more = [
        ("taskDefinition", Some(report.entry.original.to_string())),
        ("copy", report.entry.copy.as_ref().map(ToString::to_string)),
        ("reason", report.reason().map(str::to_owned)),
        ("cluster", Some(report.service.cluster.clone())),
        ("service", Some(report.service.name.clone())),
        ("state", Some(report.entry.state.as_str().to_owned())),
        ("deploymentId", report.entry.deployment_id.as_deref().map(plain)),
        ("tool", report.provenance.actor_text().map(|_| report.provenance.tool.as_str().to_owned())),
        ("eventId", report.provenance.event_id.as_deref().map(plain)),
        ("move", Some(keys::service_move(setting.home, &report.service))),
        ("undo", undo.clone()),
    ];
    fields.extend(more.map(|(name, value)| (name.to_owned(), json!(value))));
    // A notification's context holds strings only.
    let context: Map<String, Value> =
        fields.iter().filter_map(|(name, value)| Some((name.clone(), json!(value.as_str()?)))).collect();
    let undo_step = undo.map(|undo| format!("Undo: {}", undo.replace("\\\n", "")));
    let notification = Notification {
        title,
        description: chat(&verdict(report)),
        next_steps: [must_act(report).to_owned()].into_iter().chain(undo_step).collect(),
        keywords: vec![report.outcome().as_str(), report.entry.original.family.as_str()],
        thread: report.entry.original.family.as_str(),
        context,
    };
    Value::Object(notification.document(fields))
}
