//! The alert in full: found, failed, why, who, what may replace the flag, what is left to a person, the way back, how to
//! allow or fix it, evidence. Each section is a function of the report; an empty one is left out.

use serde_json::json;

use super::super::super::alert::source::{EXPRESS, Origin, in_words};
use super::super::super::alert::{BY_HAND, FAILED, Line, NEEDS_THE_FLAG, Section, Setting, words};
use super::super::super::document::Described;
use super::super::super::escape::{arn, phrase, plain, shell};
use super::super::super::failure::Cause;
use super::super::super::hints;
use super::super::super::keys;
use super::super::super::provenance::Tool;
use super::super::Reason;
use super::super::report::MoveReport;
use super::case::{Case, is_of_others};
use super::copy;
use super::verdict::who as who_in_short;
use super::way_back::{Way, heading, point, ways};

pub(super) fn all(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Section> {
    let lines = ways(case, report, setting).into_iter().flat_map(Way::lines).collect();
    let way_back = Section { heading: heading(case), lines };
    let by_hand = Section { heading: BY_HAND, lines: super::by_hand(report, setting) };
    let fix = Section { heading: "ALLOW OR FIX", lines: allow_or_fix(case, report, setting) };
    let replacements = Section { heading: "WHAT MAY REPLACE THE FLAG", lines: replacements(case, report) };
    let found = Section { heading: "FOUND", lines: found(report, setting) };
    let failed = Section { heading: FAILED, lines: failed(case, report, setting) };
    let why = Section { heading: "WHY", lines: why(case, report, setting) };
    let who = Section { heading: "WHO", lines: who(report, setting) };
    let evidence = Section { heading: "EVIDENCE", lines: evidence(report, setting) };
    match case {
        // What is to be pasted at night comes first.
        Case::NotPutBack(_) | Case::Waits | Case::Stuck | Case::Moved | Case::DeploymentFailed => {
            vec![by_hand, way_back, failed, found, why, who, replacements, fix, evidence]
        }
        Case::NotMovable(_) | Case::Refused(_) => vec![by_hand, failed, found, who, replacements, fix, evidence],
        Case::PutBack => vec![found, who, fix, replacements, way_back, evidence],
        Case::RolledBack => vec![found, who, why, replacements, way_back, fix, evidence],
    }
}

fn found(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let (home, entry) = (setting.home, &report.entry);
    let mut lines = Vec::new();
    if !report.privileged_containers().is_empty() {
        let names: Vec<String> = report.privileged_containers().iter().map(|name| plain(name)).collect();
        lines.push(words(format!("Privileged containers: {}", names.join(", "))));
    }
    lines.push(words(match &entry.copy {
        Some(copy) => format!("{}, privileged; {copy}, the same without that flag", entry.original),
        None => format!("{}, privileged; no copy of it", entry.original),
    }));
    lines.push(words(format!("Account {}, Region {}", home.account(), home.region())));
    for key in setting.owner_tag_keys {
        if let Some(value) = report.original.as_ref().and_then(|original| original.tag_value(key)) {
            lines.push(words(format!("Tag {}: {}", plain(key), plain(&value))));
        }
    }
    let deployment = entry.deployment_id.as_deref().map(|id| format!(", {}", plain(id))).unwrap_or_default();
    lines.push(words(format!("State {} since {}{deployment}", entry.state.as_str(), report.since())));
    lines
}

fn failed(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let said = phrase(&failure.to_string());
    let role = match &report.provenance.applied_by {
        Some(person) => format!("that of {}, who applied it", plain(person)),
        None => setting.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
    };
    let mut lines = vec![words(said), words(format!("Role: {role}"))];
    match failure.cause {
        Cause::AccessDenied { .. } => {
            lines.push(words("Unless a policy denies it on purpose, add this statement to the role:"));
            lines.extend(statement(report, setting).map(Line::Verbatim));
        }
        Cause::LimitExceeded => lines.push(words("Raise the quota in Service Quotas, or free some of it.")),
        // AWS's message may echo what was sent, so it is not repeated here.
        Cause::InvalidParameter | Cause::Refused | Cause::Transient(_) => {
            lines.push(words("Why, says AWS's message in CloudTrail: look for the request id."));
        }
    }
    if let Case::NotPutBack(_) = case {
        lines.push(words("It is not tried again."));
    }
    lines
}

/// The statement that a role lacks, where one is missing.
#[must_use]
pub fn statement(report: &MoveReport, setting: &Setting) -> Option<String> {
    let action = report.failure.as_ref()?.denied_action()?;
    let mut statement = json!({ "Effect": "Allow", "Action": action });
    match action {
        "iam:PassRole" => {
            let roles = report.original.as_ref().map(|original| original.roles()).unwrap_or_default();
            statement["Resource"] = match roles {
                [] => json!("*"),
                roles => json!(roles.iter().map(|role| arn(role)).collect::<Vec<_>>()),
            };
            statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
        }
        _ => statement["Resource"] = json!(setting.home.ecs_arn("service/*")),
    }
    Some(statement.to_string())
}

/// Where ECS itself says why, which may hold anything, so that it is not repeated here.
fn why(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let slow = "Blue/green, linear and canary deployments take as long as they are set to.";
    let first = match case {
        Case::Stuck | Case::Waits => Some(words(slow)),
        Case::RolledBack | Case::DeploymentFailed => None,
        Case::NotPutBack(_) | Case::Moved | Case::PutBack | Case::NotMovable(_) | Case::Refused(_) => {
            return Vec::new();
        }
    };
    let (region, cluster) = (setting.home.region(), shell(&report.service.cluster));
    let command = [
        words("The service's own events say more:"),
        Line::Verbatim(format!("aws ecs describe-services --region {region} --cluster {cluster} \\")),
        Line::Verbatim(format!("  --services {} --output text \\", shell(&report.service.name))),
        Line::Verbatim("  --query 'services[0].events[:9].[createdAt,message]'".into()),
    ];
    first.into_iter().chain(command).collect()
}

fn who(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(by) = report.original.as_ref().and_then(|original| original.registered_by().map(plain)) {
        lines.push(words(format!("Registered {}, says ECS: {by}", report.entry.original)));
    }
    if let Some(who) = who_in_short(&report.provenance).filter(|_| is_of_others(report, setting.roles)) {
        let provenance = &report.provenance;
        let call = provenance.call.as_deref().map_or_else(|| "A call".to_owned(), plain);
        let from = provenance.source_address.as_deref().map(|from| format!(", from {}", plain(from)));
        lines.push(words(format!("{call}, by the event's word only: {who}{}", from.unwrap_or_default())));
    }
    lines
}

/// Where the application said no, or may be about to: what the definition says of what it may need.
fn replacements(case: Case, report: &MoveReport) -> Vec<Line> {
    match (case.is_a_no() || case == Case::Stuck, report.original.is_some()) {
        (true, true) => replacing(report).iter().map(|hint| words(phrase(hint))).collect(),
        (true, false) => vec![words("The original could not be described, so the guard has no hint.")],
        (false, _) => Vec::new(),
    }
}

/// The hints, if the original could be described.
pub(super) fn replacing(report: &MoveReport) -> Vec<String> {
    let of = |original: &Described| hints::hints(original, report.privileged_containers());
    report.original.as_deref().map(of).unwrap_or_default()
}

/// What only a person may do.
pub(super) fn by_hand(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let copy = copy(report);
    match case {
        Case::NotPutBack(theirs) => {
            vec![words(format!("Puts it back on {theirs}:")), Line::Verbatim(point(report, setting, theirs))]
        }
        Case::NotMovable(Some(Reason::CodeDeploy)) => vec![
            words(format!("Deploy {copy} with CodeDeploy: in the AppSpec of the next deployment, TaskDefinition is")),
            Line::Verbatim(setting.home.ecs_arn(&format!("task-definition/{copy}"))),
        ],
        Case::NotMovable(Some(Reason::Express)) => vec![words(format!("Let its owner {EXPRESS}"))],
        Case::NotMovable(_) => vec![words(format!(
            "Have the system that deploys it create a task set of {copy}, and make that the primary one."
        ))],
        Case::Waits | Case::Stuck | Case::Moved | Case::PutBack | Case::RolledBack => Vec::new(),
        Case::DeploymentFailed | Case::Refused(_) => Vec::new(),
    }
}

fn allow_or_fix(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let Some(fix) = fix(case, report, plain) else { return Vec::new() };
    let mut lines = vec![words(format!("Fix at the source: {fix}"))];
    if case.is_a_no() {
        // The function's command writes it.
        if setting.backout_function.is_none() {
            let key = keys::exemption(setting.home, &report.entry.original.family);
            lines.push(words(format!("Allow for a time: put an exemption at s3://{}/{key}", setting.bucket)));
        }
    }
    if case == Case::RolledBack {
        lines.push(words(NEEDS_THE_FLAG));
    }
    lines
}

/// The line to change: by the tool that put it back, if one did. What only failed is fixed by what replaces the flag first.
pub(super) fn fix(case: Case, report: &MoveReport, escape: fn(&str) -> String) -> Option<String> {
    let containers = in_words(report.privileged_containers().iter(), escape);
    let (id, copy) = (&report.entry.original, report.entry.copy.as_ref());
    let by = |tool| Origin { id, copy, tool, containers: containers.clone() }.line_to_change();
    match case {
        Case::PutBack => Some(by(report.provenance.tool)),
        Case::RolledBack | Case::DeploymentFailed => {
            Some(format!("first add what replaces the flag; then, {}", by(Tool::Unknown)))
        }
        Case::NotPutBack(_) | Case::Waits | Case::Stuck | Case::Moved => None,
        Case::NotMovable(_) | Case::Refused(_) => None,
    }
}

fn evidence(report: &MoveReport, setting: &Setting) -> Vec<Line> {
    let at = |key: String| format!("s3://{}/{}", setting.bucket, phrase(&key));
    let mut lines = vec![
        words(format!("Service: {}", phrase(&report.service.arn(setting.home)))),
        words(format!("Move: {}", at(keys::service_move(setting.home, &report.service)))),
        words(format!("Record: {}", at(keys::record(setting.home, &report.entry.original)))),
    ];
    lines.extend(report.provenance.event_id.iter().map(|id| words(format!("CloudTrail event: {}", plain(id)))));
    lines.extend(setting.runbook_url.map(|url| words(format!("Runbook: {url}"))));
    lines
}
