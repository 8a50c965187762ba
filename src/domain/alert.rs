//! The alert: what a run found and did, for people in words and for machines in JSON. Golden files hold its text; it
//! decides nothing, and shows nothing out of a container but what the design allows.

use serde_json::{Map, Value, json};

use super::arn::Home;
use super::document::Described;
use super::escape::{chat, plain, subject};
use super::exemption::{Basis, Lapse, Verdict};
use super::keys;
use super::observation::Starter;
use super::outcome::{Outcome, Reason};
use super::policy::{Mode, RoleName};
use super::record::Withdrawal;
use super::report::{Failure, Report};

/// Less than 100 characters: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const SUBJECT_MAX: usize = 99;
/// A mail is read on a phone.
const COLUMNS_MAX: usize = 76;
/// Limits of a custom notification, in characters:
/// <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>
const CHAT_TITLE_MAX: usize = 250;
const CHAT_DESCRIPTION_MAX: usize = 8_000;
const CHAT_STEP_MAX: usize = 350;
/// What runs a family is told in this many lines.
const RUNS_MAX: usize = 8;

/// One message for all subscribers.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// For people: `default` and `email`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            (Outcome::Failed, _) => Self::Critical,
            (Outcome::Alerted, Some(Reason::ExemptionUnreadable)) => Self::Critical,
            (Outcome::Alerted | Outcome::UnfaithfulCopyWithdrawn | Outcome::Superseded, _) => Self::Warning,
            (Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive | Outcome::Exempt, _) => Self::Info,
            (Outcome::AlreadyRemediated | Outcome::Remediated, _) => Self::Info,
        }
    }
}

/// Makes the message of a run.
#[must_use]
pub fn message(report: &Report, home: &Home, setting: &Setting) -> Message {
    let verdict = verdict(report);
    let sections = [
        headed("WHAT WAS FOUND", &found(report, home, setting)),
        headed("WHAT WAS CHANGED", &changed(report)),
        headed("WHAT FAILED", &failed(report, setting)),
        headed("WHO REGISTERED IT", &who(report)),
        headed("WHAT RUNS IT", &usage(report)),
        headed("UNDO", &undo(report, home, setting)),
        headed("EVIDENCE", &evidence(report, home, setting)),
    ];
    let mut lines = wrapped(&verdict, "", "");
    lines.extend(wrapped(must_act(report), "", ""));
    lines.extend(sections.into_iter().flatten());
    let severity = Severity::of(report.outcome, report.reason);
    let title = format!("[ECS privileged guard] {}", headline(report));
    let attributes = vec![
        ("outcome", report.outcome.as_str().to_owned()),
        ("severity", severity.as_str().to_owned()),
        ("mode", report.mode.as_str().to_owned()),
        ("family", report.id.family.to_string()),
        ("account", home.account().to_owned()),
        ("region", home.region().to_owned()),
    ];
    let json = machine(report, home, setting, &title, &verdict, &attributes);
    Message { subject: subject(&title, SUBJECT_MAX), text: lines.join("\n") + "\n", json, attributes }
}

fn headline(report: &Report) -> String {
    let id = &report.id;
    match (report.outcome, &report.copy) {
        (Outcome::Remediated | Outcome::AlreadyRemediated, Some(copy)) => {
            format!("{id} was privileged; {} is the same without", copy.id)
        }
        (Outcome::Failed, _) => format!("FAILED on {id}, still privileged"),
        (Outcome::Superseded, _) => format!("{id} is privileged; a newer revision superseded it"),
        (Outcome::UnfaithfulCopyWithdrawn, _) => format!("{id} is privileged; its copy was withdrawn"),
        (Outcome::Inactive, _) => format!("{id} is inactive; a copy of it was withdrawn"),
        (Outcome::Exempt, _) => format!("{id} is exempt; a copy of it was withdrawn"),
        (Outcome::Alerted | Outcome::Remediated | Outcome::AlreadyRemediated, _)
        | (Outcome::FailedRegistration | Outcome::Compliant, _) => format!("{id} is privileged; nothing was changed"),
    }
}

/// The verdict in one sentence.
fn verdict(report: &Report) -> String {
    let id = &report.id;
    let what = match report.is_daemon {
        true => "Daemon task definition",
        false => "ECS task definition",
    };
    let because = match report.reason {
        None => "",
        Some(Reason::InactiveInUse) => ": it is not ACTIVE any more, but something still runs it",
        Some(Reason::DaemonTaskDefinition) => ": a copy would replace every instance that runs the daemon",
        Some(Reason::ManagedByBatch) => ": AWS Batch made it, so the job definition is the place to fix",
        Some(Reason::ManagedByExpress) => ": an Express service runs it, which ECS itself manages",
        Some(Reason::ExemptionUnreadable) => ": the family's exemption cannot be read",
        Some(Reason::PartlyExempt) => ": only some of its privileged containers are exempt",
        Some(Reason::Race) => ": a newer revision was registered first, so the copy was withdrawn",
        Some(Reason::CopyRemoved) => ": somebody deregistered the copy, and that is respected",
        Some(Reason::UnfaithfulBefore) => ": a copy of it proved unfaithful before",
        Some(Reason::OutOfScope) => ": the family is not among REMEDIATE_FAMILIES",
        Some(Reason::AlertMode) => ": the guard runs in mode alert",
        Some(Reason::Repeated) => ": three copies within an hour, so something keeps bringing privilege back",
        Some(Reason::AccessDenied) => ": a permission is missing",
        Some(Reason::InvalidParameter) => ": AWS does not accept what would be registered",
        Some(Reason::LimitExceeded) => ": a quota of AWS is used up",
        Some(Reason::BackupTampered) => ": its backup was changed by somebody",
        Some(Reason::RecordUnreadable) => ": its record cannot be understood",
        Some(Reason::MalformedDefinition) => ": its description cannot be understood",
        Some(Reason::Refused) => ": AWS refused the call",
    };
    match (report.outcome, &report.copy) {
        (Outcome::Remediated | Outcome::AlreadyRemediated, Some(copy)) => format!(
            "{what} {id} is privileged. The guard registered {} with privileged: false and nothing else changed; it is \
             proven equal but for that.",
            copy.id
        ),
        (Outcome::Failed, _) => format!("{what} {id} could not be remediated{because}. Still privileged: yes."),
        (Outcome::UnfaithfulCopyWithdrawn, _) => format!(
            "{what} {id} is privileged. Its copy was not equal to it, so the copy was deregistered. Still privileged: \
             yes."
        ),
        (Outcome::Superseded, _) => {
            format!("{what} {id} is privileged, and a newer revision supersedes it{because}.")
        }
        (Outcome::Inactive | Outcome::Exempt, _) => {
            format!(
                "{what} {id} needs no copy ({}), so one that a run had left behind was withdrawn.",
                report.outcome.as_str()
            )
        }
        (Outcome::Alerted | Outcome::Remediated | Outcome::AlreadyRemediated, _)
        | (Outcome::FailedRegistration | Outcome::Compliant, _) => {
            format!("{what} {id} is privileged, and nothing was changed{because}.")
        }
    }
}

fn must_act(report: &Report) -> &'static str {
    match Severity::of(report.outcome, report.reason) {
        Severity::Info => "Nobody has to act now.",
        Severity::Warning => "Nobody has to act tonight; somebody should look in working hours.",
        Severity::Critical => "Somebody has to act: the guard could not do its work.",
    }
}

fn found(report: &Report, home: &Home, setting: &Setting) -> Vec<String> {
    let names = report.privileged_containers().iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let containers = match names.is_empty() {
        true => "Containers: not known, ECS does not describe it any more".to_owned(),
        false => format!("Privileged containers: {names}"),
    };
    let mut lines = vec![containers, format!("Account {}, Region {}", home.account(), home.region())];
    for key in setting.owner_tag_keys {
        if let Some(value) = report.original().and_then(|original| original.tag_value(key)) {
            lines.push(format!("Tag {}: {}", plain(key), plain(&value)));
        }
    }
    match report.finding.as_ref().map(|finding| &finding.plan.exemption) {
        Some(Verdict::NotExempt(Lapse::Expired(end))) => lines.push(format!("Its exemption ended {end}")),
        Some(Verdict::NotExempt(Lapse::TooLong)) => {
            lines.push("Its exemption is void: it would hold longer than 90 days".into());
        }
        Some(Verdict::NotExempt(Lapse::OtherContainers)) => lines.push("Its exemption names other containers".into()),
        Some(Verdict::Partly { exempt }) => {
            let names = exempt.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
            lines.push(format!("Exempt are only: {names}"));
        }
        Some(Verdict::Unreadable(why)) => lines.push(format!("Its exemption: {why}")),
        Some(Verdict::Exempt(Basis::Until(end))) => lines.push(format!("Exempt until {end}")),
        Some(Verdict::Exempt(Basis::Family) | Verdict::NotExempt(Lapse::None)) | None => {}
    }
    lines
}

fn changed(report: &Report) -> Vec<String> {
    let mut steps = Vec::new();
    if report.backup_sha256.is_some() {
        steps.push(format!("Backed up {} as it would be registered again", report.id));
    }
    for copy in &report.made {
        let id = format!("{}:{}", report.id.family, copy.revision);
        let why =
            [Withdrawal::Race, Withdrawal::Duplicate, Withdrawal::Unfaithful, Withdrawal::Exempt, Withdrawal::Stray]
                .into_iter()
                .find(|why| copy.was_withdrawn_for(*why));
        if why != Some(Withdrawal::Stray) {
            steps.push(format!("Registered {id}, the copy without privilege"));
        }
        if let Some(why) = why {
            steps.push(format!("Deregistered {id}: {}", why.in_words()));
        }
    }
    let mut lines: Vec<String> =
        steps.iter().enumerate().map(|(number, step)| format!("{}. {step}", number + 1)).collect();
    if lines.is_empty() {
        lines.push("Nothing was changed.".into());
    }
    let is_copied = matches!(report.outcome, Outcome::Remediated | Outcome::AlreadyRemediated);
    if is_copied {
        lines.extend(
            report
                .privileged_containers()
                .iter()
                .map(|name| format!("containerDefinitions[{}].privileged: true -> false", plain(name))),
        );
        lines.push(format!("What names {} without a revision uses the copy from now on.", report.id.family));
    }
    lines.extend(report.differences.iter().map(|path| format!("Differs: {path}")));
    if report.mode == Mode::Alert && report.reason == Some(Reason::AlertMode) {
        lines.push("In mode remediate the guard would:".into());
        let original = report.original();
        lines.extend(original.into_iter().flat_map(|original| {
            original
                .privileged_containers()
                .iter()
                .map(|name| format!("set containerDefinitions[{}].privileged to false in a copy", plain(name)))
        }));
    }
    lines
}

fn failed(report: &Report, setting: &Setting) -> Vec<String> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let mut lines = vec![plain(&failure.to_string())];
    match failure {
        Failure::Call(call) => {
            let roles = setting.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            lines.push(format!("Role: {roles}"));
            if let Some(action) = call.denied_action() {
                lines.push("If no policy denies it on purpose, add this statement to the role:".into());
                lines.push(statement(action, report, &call.resource));
            }
        }
        Failure::BackupTampered { .. } => lines.push(
            "Look in the bucket's versions for who wrote it; nothing is registered until the object is put right."
                .into(),
        ),
        Failure::RecordUnreadable { .. } => {
            lines.push("It is not overwritten. Deploy the version that wrote it, or move it away.".into());
        }
        Failure::Malformed { .. } => lines.push("Nothing is registered that cannot be understood.".into()),
    }
    lines.push("Still privileged: yes".into());
    lines
}

/// The statement that a role lacks. Actions without resource-level permissions get `*`:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>
fn statement(action: &str, report: &Report, resource: &str) -> String {
    let resource = match action {
        "iam:PassRole" => report
            .original()
            .map(Described::roles)
            .filter(|roles| !roles.is_empty())
            .map_or_else(|| json!("*"), |roles| json!(roles.iter().map(|role| plain(role)).collect::<Vec<_>>())),
        _ if resource.starts_with("arn:") => json!(plain(resource)),
        _ => json!("*"),
    };
    let mut statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    if action == "iam:PassRole" {
        statement["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    }
    statement.to_string()
}

fn who(report: &Report) -> Vec<String> {
    let provenance = &report.provenance;
    let mut lines = Vec::new();
    match report.original().and_then(|original| original.registered_by()) {
        Some(principal) => lines.push(format!("By ECS's word: {}", plain(principal))),
        None => lines.push("ECS does not say who registered it".into()),
    }
    if let Some(actor) = provenance.actor_text() {
        lines.push(format!("By the event's word only: {}", plain(&actor)));
    }
    lines.push(format!("Tool, by the event's word: {}", provenance.tool.as_str()));
    lines
}

fn usage(report: &Report) -> Vec<String> {
    let Some(usage) = report.finding.as_ref().map(|finding| &finding.seen.usage) else {
        return vec!["Not looked at.".into()];
    };
    let mut lines: Vec<String> = usage
        .runs
        .iter()
        .take(RUNS_MAX)
        .map(|run| {
            let starter = match &run.starter {
                Starter::Service { name, .. } => format!("service {}", plain(name)),
                Starter::Other(text) => format!("started by {}", plain(text)),
            };
            let cluster = plain(&run.cluster);
            format!("{}:{} in {cluster}: {} task(s), {starter}", report.id.family, run.revision, run.tasks)
        })
        .collect();
    match usage.runs.len() {
        0 if usage.is_complete() => lines.push("No running task of the family was found.".into()),
        more if more > RUNS_MAX => lines.push(format!("and {} more", more - RUNS_MAX)),
        _ => {}
    }
    lines.extend(
        usage.unread.iter().take(2).map(|failure| format!("Could not be read: {}", plain(&failure.to_string()))),
    );
    if usage.clusters_left_out > 0 {
        lines.push(format!("{} clusters were not looked at", usage.clusters_left_out));
    }
    lines
}

/// The command that undoes what was done, if anything was.
fn undo(report: &Report, home: &Home, setting: &Setting) -> Vec<String> {
    let Some(copy) = report
        .copy
        .as_ref()
        .filter(|_| matches!(report.outcome, Outcome::Remediated | Outcome::AlreadyRemediated | Outcome::Failed))
    else {
        return Vec::new();
    };
    match setting.backout_function {
        Some(function) => vec![
            "aws lambda invoke --cli-binary-format raw-in-base64-out \\".into(),
            format!("  --region {} --function-name {function} \\", home.region()),
            format!(
                "  --payload '{{\"taskDefinition\":\"{}\",\"reason\":\"WHY\",\"approvedBy\":\"WHO\"}}' \\",
                report.id
            ),
            "  /dev/stdout".into(),
            "It exempts these containers for 30 days, and brings the original back.".into(),
        ],
        None => vec![
            "aws ecs deregister-task-definition \\".into(),
            format!("  --region {} --task-definition {}", home.region(), copy.id),
            format!("It makes {} the latest ACTIVE revision again. The guard respects", report.id),
            "that: it does not copy this revision a second time.".into(),
        ],
    }
}

fn evidence(report: &Report, home: &Home, setting: &Setting) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(sha256) = &report.backup_sha256 {
        lines.push(format!("Backup: s3://{}/{}", setting.bucket, keys::backup(home, &report.id)));
        lines.push(format!("SHA-256: {sha256}"));
    }
    lines.push(format!("Record: s3://{}/{}", setting.bucket, keys::record(home, &report.id)));
    lines.extend(report.provenance.event_id.iter().map(|id| format!("CloudTrail event: {}", plain(id))));
    lines.extend(setting.runbook_url.map(|url| format!("Runbook: {url}")));
    lines
}

fn headed(heading: &str, body: &[String]) -> Vec<String> {
    if body.is_empty() {
        return Vec::new();
    }
    let body = body.iter().flat_map(|line| match line.starts_with([' ', '{']) || line.ends_with('\\') {
        // A command or a statement is pasted: it is not wrapped.
        true => vec![format!("  {line}")],
        false => wrapped(line, "  ", "    "),
    });
    [String::new(), heading.to_owned()].into_iter().chain(body).collect()
}

/// Lines of at most 76 columns; a word that is longer stands alone.
fn wrapped(text: &str, first: &str, rest: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_empty = line.trim().is_empty();
        if !is_empty && line.len() + 1 + word.len() > COLUMNS_MAX {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
        }
        if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn machine(
    report: &Report,
    home: &Home,
    setting: &Setting,
    title: &str,
    verdict: &str,
    attributes: &[(&'static str, String)],
) -> Value {
    let steps =
        changed(report).into_iter().chain(undo(report, home, setting)).map(|step| chat_cut(&step, CHAT_STEP_MAX));
    let mut fields: Map<String, Value> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let copy = report.copy.as_ref().map(|copy| copy.id.to_string());
    fields.insert("taskDefinition".into(), json!(report.id.to_string()));
    fields.insert("reason".into(), json!(report.reason.map(Reason::as_str)));
    fields.insert("copy".into(), json!(copy));
    fields.insert("eventId".into(), json!(report.provenance.event_id.as_deref().map(plain)));
    fields.insert("record".into(), json!(keys::record(home, &report.id)));
    let containers = report.privileged_containers().iter().map(|name| plain(name)).collect::<Vec<_>>();
    let additional: Map<String, Value> = fields
        .iter()
        .map(|(name, value)| (name.clone(), json!(value.as_str().unwrap_or_default())))
        .chain([("privilegedContainers".to_owned(), json!(containers.join(",")))])
        .collect();
    fields.insert("privilegedContainers".into(), json!(containers));
    let mut document = json!({
        "version": "1.0",
        "source": "custom",
        "id": report.provenance.event_id.as_deref().map(plain),
        "content": {
            "textType": "client-markdown",
            "title": chat_cut(title, CHAT_TITLE_MAX),
            "description": chat_cut(&format!("{verdict} {}", must_act(report)), CHAT_DESCRIPTION_MAX),
            "nextSteps": steps.collect::<Vec<_>>(),
        },
        "metadata": {
            "threadId": report.id.family.to_string(),
            "summary": chat_cut(verdict, CHAT_TITLE_MAX),
            "additionalContext": additional,
        },
        "schemaVersion": 1,
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(fields);
    }
    document
}

fn chat_cut(text: &str, max: usize) -> String {
    chat(text).chars().take(max).collect()
}
