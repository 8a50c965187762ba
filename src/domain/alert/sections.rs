//! The alert in full, in the order of the design: found, changed, failed, who, what runs it, what remains, undo, how to
//! allow or fix it, evidence. Each section is a function of the report; an empty one is left out.

use super::super::document::Described;
use super::super::escape::{arn, phrase, plain};
use super::super::exemption::{Basis, Lapse, Verdict};
use super::super::failure::Cause;
use super::super::keys;
use super::super::observation::Starter;
use super::super::outcome::{Outcome, Reason};
use super::super::provenance::Tool;
use super::super::record::Withdrawal;
use super::super::report::{Failure, Report};
use super::super::residual;
use super::verdict::{is_known, is_taken_back, left};
use super::{Line, Section, Setting, undo, words};
use super::{recurrence, source};
use serde_json::json;

/// The headings that are never cut.
pub(in super::super) const UNDO: &str = "UNDO";
pub(in super::super) const BACK_IT_OUT: &str = "BACK IT OUT";
pub(in super::super) const FAILED: &str = "FAILED";
pub(in super::super) const BY_HAND: &str = "BY HAND";
/// Where the flag has its reason.
pub(in super::super) const NEEDS_THE_FLAG: &str = "Needs the flag (Docker in Docker, low-level agents)? A host of its \
     own, and an exemption. Many others run on Fargate, where it does not exist.";
/// What runs a family is told in this many lines.
const RUNS_MAX: usize = 6;

pub(super) fn all(report: &Report, setting: &Setting) -> Vec<Section> {
    vec![
        Section { heading: "FOUND", lines: found(report, setting) },
        Section { heading: "CHANGED", lines: changed(report) },
        Section { heading: FAILED, lines: failed(report, setting) },
        Section { heading: "WHO", lines: who(report) },
        Section { heading: "WHAT RUNS IT", lines: usage(report) },
        Section { heading: "WHAT REMAINS", lines: remains(report) },
        Section { heading: UNDO, lines: how_to_undo(report, setting) },
        Section { heading: "ALLOW OR FIX", lines: allow_or_fix(report, setting) },
        Section { heading: "EVIDENCE", lines: evidence(report, setting) },
    ]
}

fn names(containers: &[String]) -> String {
    containers.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
}

fn found(report: &Report, setting: &Setting) -> Vec<Line> {
    let containers = match report.privileged_containers() {
        // Described and not known is gone; where the look itself failed, FAILED says why.
        [] if report.finding.is_some() => "Privileged containers: not known; ECS does not describe it".to_owned(),
        [] => "Privileged containers: not known".to_owned(),
        containers => format!("Privileged containers: {}", names(containers)),
    };
    let place = format!("Account {}, Region {}", setting.home.account(), setting.home.region());
    let mut lines = vec![words(containers), words(place)];
    for key in setting.owner_tag_keys {
        if let Some(value) = report.original().and_then(|original| original.tag_value(key)) {
            lines.push(words(format!("Tag {}: {}", plain(key), plain(&value))));
        }
    }
    let exemption = report.finding.as_ref().map(|finding| &finding.plan.exemption);
    lines.extend(exemption.and_then(of_exemption).map(words));
    lines.extend(recurrence::found(report).map(words));
    lines
}

fn of_exemption(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::NotExempt(Lapse::None) | Verdict::Exempt(Basis::Family) => None,
        Verdict::NotExempt(Lapse::Expired(end)) => Some(format!("Its exemption ended {end}")),
        Verdict::NotExempt(Lapse::TooLong) => {
            Some("Its exemption is void: it would hold longer than 90 days from when it was written".into())
        }
        Verdict::NotExempt(Lapse::OtherContainers) => Some("Its exemption names other containers".into()),
        Verdict::Partly { exempt, .. } => Some(format!("Exempt are only: {}", names(exempt))),
        Verdict::Unreadable(why) => Some(format!("Its exemption: {why}")),
        Verdict::Exempt(Basis::Until(end)) => Some(format!("Exempt until {end}")),
    }
}

fn is_copied(report: &Report) -> bool {
    report.copy.is_some()
        && matches!(report.outcome, Outcome::Remediated | Outcome::AlreadyRemediated | Outcome::Failed)
}

/// A run that fails with a copy in force has told of the copy already, in the alert before this one.
fn is_told(report: &Report) -> bool {
    report.outcome == Outcome::Failed && report.copy.is_some()
}

fn changed(report: &Report) -> Vec<Line> {
    let mut lines: Vec<Line> =
        steps(report).iter().enumerate().map(|(number, step)| words(format!("{}. {step}", number + 1))).collect();
    if lines.is_empty() {
        lines.push(words(match report.copy.as_ref().filter(|_| is_copied(report)) {
            Some(copy) => format!("Nothing was changed now; {} is there already.", copy.id),
            None => "Nothing was changed.".to_owned(),
        }));
    }
    let would_be = report.reason == Some(Reason::AlertMode);
    if would_be {
        lines.push(words("In mode remediate the guard would back it up, and register a copy with:"));
    }
    if is_copied(report) && !is_told(report) || would_be {
        let edit = |name: &String| format!("containerDefinitions[{}].privileged: true -> false", plain(name));
        lines.extend(report.privileged_containers().iter().map(edit).map(words));
        lines.extend(effects(report));
    }
    lines.extend(report.differences.iter().map(|path| words(format!("Different: {path}"))));
    lines
}

/// What dropping the flag does.
fn effects(report: &Report) -> Vec<Line> {
    let Some(original) = report.original() else { return Vec::new() };
    let effects = residual::capabilities(original, report.privileged_containers());
    let mut lines: Vec<Line> = effects.iter().map(|effect| words(phrase(effect))).collect();
    let copy = report.copy.as_ref().map_or_else(|| "the copy".to_owned(), |copy| copy.id.to_string());
    lines.push(words(format!("Whatever names {} without a revision uses {copy} from then on.", report.id.family)));
    lines
}

pub(super) fn steps(report: &Report) -> Vec<String> {
    let mut steps = Vec::new();
    if report.backup_sha256.is_some() {
        steps.push(format!("Backed up {} as it would be registered again", report.id));
    }
    for copy in &report.made {
        let id = format!("{}:{}", report.id.family, copy.revision);
        let why = Withdrawal::ALL.into_iter().find(|why| copy.was_withdrawn_for(*why));
        if why != Some(Withdrawal::Stray) {
            steps.push(format!("Registered {id}, the copy without privilege"));
        }
        match (why, copy.withdrawn) {
            (Some(why), Some(_)) => steps.push(format!("Deregistered {id}: {}", why.in_words())),
            (Some(why), None) => steps.push(format!("Could not deregister {id}: {}", why.in_words())),
            (None, _) => {}
        }
    }
    steps
}

fn failed(report: &Report, setting: &Setting) -> Vec<Line> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let mut lines = vec![words(phrase(&failure.to_string()))];
    match failure {
        Failure::Call(call) => {
            lines.push(words(match &report.provenance.applied_by {
                Some(person) => format!("Role: that of {}, who applied it", plain(person)),
                None => {
                    let roles = setting.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
                    format!("Role: {roles}")
                }
            }));
            if let Some(action) = call.denied_action() {
                lines.push(words("Unless a policy denies it on purpose, add this statement to the role:"));
                lines.push(Line::Verbatim(statement(action, report, &call.resource)));
            }
            match call.cause {
                Cause::LimitExceeded => lines.push(words("Raise the quota in Service Quotas, or free some of it.")),
                // AWS's message may echo what was sent, so it is not repeated here.
                Cause::InvalidParameter | Cause::Refused => {
                    lines.push(words("Why, says AWS's message in CloudTrail: look for the request id."));
                }
                Cause::AccessDenied { .. } | Cause::Transient(_) => {}
            }
        }
        Failure::BackupTampered { .. } => {
            lines.push(words("The bucket's versions say who wrote it. Nothing is registered until it is put right."));
        }
        Failure::RecordUnreadable { .. } => {
            lines.push(words("It is not overwritten. Deploy the version that wrote it, or move it away."));
        }
        // Of backout and of services, whose alerts are their own.
        Failure::Unfaithful { .. } | Failure::MoveUnreadable { .. } => {}
        Failure::Malformed { .. } => lines.push(words("Nothing is registered that cannot be understood.")),
    }
    for left in report.copies_left() {
        lines.push(words(format!(
            "{left} is still ACTIVE and not proven: the next look at {} deals with it.",
            report.id
        )));
    }
    let still = match report.copy {
        Some(_) => "Still privileged: the original yes, its copy no",
        None if is_known(report) => "Still privileged: yes",
        None => "Still privileged: not known",
    };
    lines.push(words(still));
    lines
}

/// The statement that a role lacks, where one is missing.
#[must_use]
pub fn missing_statement(report: &Report) -> Option<String> {
    let Some(Failure::Call(call)) = &report.failure else { return None };
    Some(statement(call.denied_action()?, report, &call.resource))
}

/// The statement that a role lacks; for a single object it would heal a single revision. Actions without resource-level permissions get `*`:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>
fn statement(action: &str, report: &Report, resource: &str) -> String {
    statement_for(action, resource, report.original().map(Described::roles).unwrap_or_default())
}

/// The same for whoever else is denied something on `of`; `roles` are those that would be passed.
#[must_use]
pub fn statement_for(action: &str, of: &str, roles: &[String]) -> String {
    let resource = match action {
        "iam:PassRole" if !roles.is_empty() => json!(roles.iter().map(|role| arn(role)).collect::<Vec<_>>()),
        "iam:PassRole" => json!("*"),
        // What was called was the object, or the topic.
        "s3:ListBucket" => json!(arn(of.split('/').next().unwrap_or(of))),
        _ if action.starts_with("kms:") => json!("*"),
        _ if of.starts_with("arn:") => json!(arn(&all_families(of))),
        _ => json!("*"),
    };
    let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    if action == "iam:PassRole" {
        statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    }
    // Which key it is was not said; only that service may use it:
    // https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    if let Some(service) = of.split(':').nth(2).filter(|_| action.starts_with("kms:")) {
        statement["Condition"] = json!({ "StringLike": { "kms:ViaService": format!("{}.*", plain(service)) } });
    }
    statement.to_string()
}

/// Of an object `BUCKET/KIND/ACCOUNT/REGION/…` all its neighbours, as in the template; anything else as it is.
fn all_families(resource: &str) -> String {
    match resource.splitn(5, '/').collect::<Vec<_>>().as_slice() {
        [bucket, kind, account, region, _] => format!("{bucket}/{kind}/{account}/{region}/*"),
        _ => resource.to_owned(),
    }
}

/// ECS's own word outranks the event's.
pub(super) fn who_in_short(report: &Report) -> String {
    let tool = match report.provenance.tool == Tool::Unknown {
        true => "a tool that is not known",
        false => report.provenance.tool.as_str(),
    };
    let by_ecs = report.original().and_then(Described::registered_by).map(short);
    match (by_ecs.map(str::to_owned), report.provenance.actor_text()) {
        (Some(principal), _) => format!("{principal}, with {tool}"),
        (None, Some(actor)) => format!("{actor}, with {tool} (only the event says so)"),
        (None, None) => format!("not known, with {tool}"),
    }
}

/// An ARN without what is the same in all of an account's.
pub(super) fn short(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or(arn)
}

fn who(report: &Report) -> Vec<Line> {
    let provenance = &report.provenance;
    let mut lines = Vec::new();
    lines.push(words(match report.original().and_then(Described::registered_by) {
        Some(principal) => format!("Registered by, says ECS: {}", plain(principal)),
        None => "ECS does not say who registered it".to_owned(),
    }));
    if let Some(actor) = provenance.actor_text() {
        lines.push(words(format!("By the event's word only: {}", plain(&actor))));
    }
    let from = provenance.source_address.as_deref().map(|from| format!(", from {}", plain(from))).unwrap_or_default();
    lines.push(words(format!("Tool, by the event's word only: {}{from}", provenance.tool.as_str())));
    if let Some(person) = &provenance.applied_by {
        lines.push(words(format!("Applied from a terminal, says STS, by: {}", plain(person))));
    }
    lines
}

fn usage(report: &Report) -> Vec<Line> {
    let Some(usage) = report.finding.as_ref().map(|finding| &finding.seen.usage) else { return Vec::new() };
    let mut lines: Vec<Line> = usage
        .runs
        .iter()
        .take(RUNS_MAX)
        .map(|run| {
            let starter = match &run.starter {
                Starter::Service { name, .. } => format!("service {}", plain(name)),
                Starter::Other(text) => format!("started by {}", plain(text)),
            };
            let tasks = if run.tasks == 1 { "1 task".to_owned() } else { format!("{} tasks", run.tasks) };
            let id = report.id.family.revision(run.revision);
            words(format!("{id}: {tasks} in cluster {}, {starter}", plain(&run.cluster)))
        })
        .collect();
    match usage.runs.len() {
        0 if usage.is_complete() => lines.push(words("No running task of the family was found.")),
        more if more > RUNS_MAX => lines.push(words(format!("and {} more", more - RUNS_MAX))),
        _ => {}
    }
    lines.extend(
        usage
            .unread
            .iter()
            .take(2)
            .map(|failure| words(format!("Could not be read: {}", phrase(&failure.to_string())))),
    );
    if usage.clusters_left_out > 0 {
        lines.push(words(format!("{} more clusters were not looked at", usage.clusters_left_out)));
    }
    if usage.is_cut_short {
        lines.push(words("There is more than was listed."));
    }
    lines
}

fn remains(report: &Report) -> Vec<Line> {
    let Some(original) = report.original() else { return Vec::new() };
    if is_told(report) || matches!(report.outcome, Outcome::Exempt | Outcome::Inactive) {
        return Vec::new();
    }
    let containers = report.privileged_containers();
    let mut lines: Vec<Line> = residual::access(original, containers).iter().map(|way| words(phrase(way))).collect();
    if lines.is_empty() {
        lines.push(words("No other way to the host was found in the definition."));
    }
    if residual::fails_the_host_mode_check(original, containers) {
        lines.push(words(
            "Without the flag AWS Config's ecs-task-definition-user-for-host-mode-check turns red: host network and root.",
        ));
    }
    if is_copied(report) {
        lines.push(words("Security Hub's ECS.4 turns green now, although the original may still run."));
    }
    lines
}

/// The lines of the one command that undoes what was done, if anything was.
pub(super) fn undo_command(report: &Report, setting: &Setting) -> Option<Vec<String>> {
    let copy = report.copy.as_ref().filter(|copy| copy.is_ours && is_copied(report))?;
    Some(undo::command(&report.id, &copy.id, setting))
}

fn how_to_undo(report: &Report, setting: &Setting) -> Vec<Line> {
    let Some(command) = undo_command(report, setting) else { return Vec::new() };
    let does = match setting.backout_function {
        Some(_) => "It exempts these containers for 30 days, and brings the original back.".to_owned(),
        None if is_taken_back(report) => {
            format!("It takes the copy back; {} was deregistered, and stays so.", report.id)
        }
        None => format!(
            "It makes {} the family's latest again; the guard respects that and does not copy it a second time.",
            report.id
        ),
    };
    command.into_iter().map(Line::Verbatim).chain([words(does)]).collect()
}

fn allow_or_fix(report: &Report, setting: &Setting) -> Vec<Line> {
    let Some(fix) = source::fix(report, plain) else { return Vec::new() };
    let mut lines: Vec<Line> = first_of_all(report, setting).into_iter().map(words).collect();
    let allowing = allowing(report);
    let key = keys::exemption(setting.home, &report.id.family);
    let allow = allowing.map(|how| words(format!("Allow for a time: {how} s3://{}/{key}", setting.bucket)));
    let fix = Some(words(format!("Fix at the source: {fix}")));
    // An exemption ends no loop.
    let both = match report.reason {
        Some(Reason::Repeated) => [fix, allow],
        Some(_) | None => [allow, fix],
    };
    lines.extend(both.into_iter().flatten());
    if allowing.is_some() && !is_told(report) {
        lines.push(words(NEEDS_THE_FLAG));
    }
    lines
}

/// What the outcome asks for before anything else.
fn first_of_all(report: &Report, setting: &Setting) -> Option<String> {
    let id = &report.id;
    match (report.outcome, report.reason) {
        (Outcome::Superseded, _) => {
            let by = report.finding.as_ref().and_then(|finding| {
                let by = finding.plan.superseded_by.as_ref()?;
                finding.seen.later.iter().find(|later| later.id() == by)
            });
            let deploys = match by.map(|by| (by.id(), by.privileged_containers())) {
                Some((by, [])) => format!("Whoever owns what runs {id} deploys {by}, which is not privileged"),
                // It has an alert of its own.
                Some((by, _)) => format!("{by} is privileged too: deploying it does not help"),
                None => format!("Whoever owns what runs {id} deploys the newer revision"),
            };
            Some(format!("{deploys}; the guard moves nothing."))
        }
        (Outcome::UnfaithfulCopyWithdrawn, _) => {
            Some("Does ECS itself set what is different? Then name that member in OUTPUT_ONLY_MEMBERS.".into())
        }
        (_, Some(Reason::InactiveInUse)) => Some(format!(
            "Whoever owns what runs {id} deploys an ACTIVE revision without the flag; the guard stops nothing that runs."
        )),
        (_, Some(Reason::CopyRemoved)) => {
            Some("Copy it after all: register the definition anew; a new revision is looked at afresh.".into())
        }
        (_, Some(Reason::ExemptionUnreadable)) => {
            let (left, key) = (left(report)?, keys::exemption(setting.home, &id.family));
            Some(format!(
                "Mend the exemption at s3://{}/{key}, or delete it: sweep then withdraws {left}. Where six hours have \
                 passed since it was registered, deregister it by hand.",
                setting.bucket
            ))
        }
        (_, Some(Reason::Repeated)) => Some(recurrence::stop_it(report)),
        _ => None,
    }
}

/// How an exemption would allow it. Not where none is asked for: a daemon, what AWS or nobody may register again, what
/// could not be looked at.
fn allowing(report: &Report) -> Option<&'static str> {
    let is_not_asked = is_taken_back(report)
        || matches!(report.reason, Some(Reason::InactiveInUse | Reason::ManagedByBatch | Reason::ManagedByExpress));
    match &report.finding.as_ref().filter(|_| !is_not_asked)?.plan.exemption {
        Verdict::NotExempt(_) | Verdict::Exempt(_) => Some("put an exemption at"),
        Verdict::Partly { .. } => Some("name the other containers too in the exemption at"),
        Verdict::Unreadable(_) => Some("mend the exemption at"),
    }
}

fn evidence(report: &Report, setting: &Setting) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(sha256) = &report.backup_sha256 {
        lines.push(words(format!("Backup: s3://{}/{}", setting.bucket, keys::backup(setting.home, &report.id))));
        lines.push(words(format!("SHA-256: {sha256}")));
    }
    lines.push(words(format!("Record: s3://{}/{}", setting.bucket, keys::record(setting.home, &report.id))));
    lines.extend(report.provenance.event_id.iter().map(|id| words(format!("CloudTrail event: {}", plain(id)))));
    lines.extend(setting.runbook_url.map(|url| words(format!("Runbook: {url}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::statement_for;

    #[test]
    fn a_statement_is_about_what_the_action_is_about() {
        let object = "arn:aws:s3:::state/records/111122223333/eu-west-1/web/1.json";
        for (action, of, expected) in [
            (
                "s3:GetObject",
                object,
                r#"{"Action":"s3:GetObject","Effect":"Allow","Resource":"arn:aws:s3:::state/records/111122223333/eu-west-1/*"}"#,
            ),
            ("s3:ListBucket", object, r#"{"Action":"s3:ListBucket","Effect":"Allow","Resource":"arn:aws:s3:::state"}"#),
            (
                "kms:Decrypt",
                object,
                r#"{"Action":"kms:Decrypt","Condition":{"StringLike":{"kms:ViaService":"s3.*"}},"Effect":"Allow","Resource":"*"}"#,
            ),
            (
                "ecs:DescribeTaskDefinition",
                "web:1",
                r#"{"Action":"ecs:DescribeTaskDefinition","Effect":"Allow","Resource":"*"}"#,
            ),
        ] {
            assert_eq!(statement_for(action, of, &[]), expected);
        }
    }
}
