//! What people are told of a backout: what came back, until when it may stay, who is said to have approved it, what is
//! left to do by hand, and how to end it early.

use serde_json::{Value, json};

use super::super::alert::{Line, Message, SUBJECT_MAX, Section, Setting, Severity, mail, words};
use super::super::arn::{Home, TaskDefinitionId};
use super::super::escape::{chat, plain, shell, subject};
use super::super::keys;
use super::super::report::Failure;
use super::answer::Outcome;
use super::plan::{ByHand, Service};
use super::request::Request;

/// Limits of a custom notification, in characters.
const DESCRIPTION_MAX: usize = 8_000;
const STEP_MAX: usize = 350;

/// The facts that an alert about a backout is made of.
pub struct Told<'a> {
    /// The original.
    pub id: &'a TaskDefinitionId,
    /// What it came to: `backed_out`, `failed`, or `refused` for a backup that was changed.
    pub outcome: Outcome,
    /// What was asked for.
    pub request: &'a Request,
    /// The revision that is in force.
    pub restored: Option<&'a TaskDefinitionId>,
    /// The copies that were deregistered.
    pub copies: &'a [TaskDefinitionId],
    /// What was done, in past-tense sentences.
    pub steps: Vec<String>,
    /// What went wrong.
    pub failure: Option<String>,
    /// A statement that a role lacks.
    pub statement: Option<String>,
    /// Services that still run the copy, and why.
    pub by_hand: &'a [(Service, ByHand)],
    /// The backup was changed.
    pub is_backup_tampered: bool,
}

/// The message of a backout.
#[must_use]
pub fn message(told: &Told, setting: &Setting) -> Message {
    let title = format!("[ECS privileged guard] {}", headline(told));
    let severity = match (told.outcome, told.is_backup_tampered) {
        (_, true) | (Outcome::Failed | Outcome::Refused, _) => Severity::Critical,
        (Outcome::BackedOut | Outcome::AlreadyBackedOut | Outcome::NothingToBackOut, false) => Severity::Warning,
    };
    let attributes = vec![
        ("outcome", told.outcome.as_str().to_owned()),
        ("severity", severity.as_str().to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", told.id.family.to_string()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    let json = document(told, &title, &attributes);
    Message { subject: subject(&title, SUBJECT_MAX), text: text(told, setting, severity), json, attributes }
}

fn headline(told: &Told) -> String {
    match (told.outcome, told.restored) {
        (Outcome::BackedOut, Some(restored)) => {
            let instead = told.copies.first().map(|copy| format!(" instead of {copy}")).unwrap_or_default();
            format!("{} was backed out: {restored} is in force{instead}, privileged", told.id)
        }
        (Outcome::Refused, _) => format!("the backup of {} was changed; its backout is refused", told.id),
        (Outcome::Failed, _) | (Outcome::BackedOut | Outcome::AlreadyBackedOut | Outcome::NothingToBackOut, _) => {
            format!("FAILED to back {} out", told.id)
        }
    }
}

fn text(told: &Told, setting: &Setting, severity: Severity) -> String {
    let act = match severity {
        Severity::Critical => "Act now? Yes: see below.",
        Severity::Warning | Severity::Info if told.by_hand.is_empty() => "Act now? No.",
        Severity::Warning | Severity::Info => "Act now? Yes: services still run the copy, see BY HAND.",
    };
    let approver =
        format!("Who: {} is claimed to have approved it (nobody checks that)", plain(&told.request.approved_by));
    let first =
        [format!("{}.", headline(told)), act.to_owned(), approver, format!("Why: {}", plain(&told.request.reason))];
    let first = first.iter().flat_map(|line| super::super::alert::wrapped(line, "", "  ")).collect();

    let mut changed: Vec<Line> =
        told.steps.iter().enumerate().map(|(number, step)| words(format!("{}. {step}", number + 1))).collect();
    if changed.is_empty() {
        changed.push(words("Nothing was changed."));
    }
    let failed = told.failure.iter().map(|failure| words(plain(failure)));
    let statement = told.statement.iter().flat_map(|statement| {
        [words("Unless a policy denies it on purpose, add this to backout's role:"), Line::Verbatim(statement.clone())]
    });
    let again = told.failure.iter().map(|_| words("The same command again goes on where this one stopped."));
    let tampered = told.is_backup_tampered.then(|| {
        words("The backup in the bucket is not what was stored: somebody put or changed it. The bucket's versions say who.")
    });
    let end = match told.outcome {
        Outcome::BackedOut => vec![
            Line::Verbatim(format!(
                "aws s3 rm {}",
                shell(&format!("s3://{}/{}", setting.bucket, keys::exemption(setting.home, &told.id.family)))
            )),
            words("It ends the exemption: the next registration in the family is looked at like a new one."),
        ],
        Outcome::AlreadyBackedOut | Outcome::NothingToBackOut | Outcome::Refused | Outcome::Failed => Vec::new(),
    };
    let who = vec![words(
        "Whoever may invoke the function can name any approver. Lambda's invocations are in CloudTrail only where \
               a trail logs Lambda's data events.",
    )];
    let evidence = vec![
        words(format!("Record: s3://{}/{}", setting.bucket, keys::record(setting.home, told.id))),
        words(format!("Backup: s3://{}/{}", setting.bucket, keys::backup(setting.home, told.id))),
        words(format!("Account {}, Region {}", setting.home.account(), setting.home.region())),
    ];
    let runbook = setting.runbook_url.map(|url| words(format!("Runbook: {url}")));
    mail(
        first,
        vec![
            Section { heading: "CHANGED", lines: changed },
            Section { heading: "FAILED", lines: failed.chain(tampered).chain(statement).chain(again).collect() },
            Section { heading: "BY HAND", lines: by_hand(told, setting.home) },
            Section { heading: "END IT EARLY", lines: end },
            Section { heading: "WHO", lines: who },
            Section { heading: "EVIDENCE", lines: evidence.into_iter().chain(runbook).collect() },
        ],
    )
}

/// What to do about each service that is left on the copy.
fn by_hand(told: &Told, home: &Home) -> Vec<Line> {
    let to = told.restored.unwrap_or(told.id);
    told.by_hand
        .iter()
        .flat_map(|(service, why)| {
            let head =
                words(format!("{} in cluster {}: {}", plain(&service.name), plain(&service.cluster), why.in_words()));
            let name = format!(
                "--region {} --cluster {} --service {}",
                home.region(),
                shell(&service.cluster),
                shell(&service.name)
            );
            let then = match why {
                ByHand::Moving => vec![],
                // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
                ByHand::Deploying => vec![
                    words("Stop that deployment with a rollback; its ARN is in the answer of the first command:"),
                    Line::Verbatim(format!("aws ecs list-service-deployments {name} --status IN_PROGRESS")),
                    Line::Verbatim(format!(
                        "aws ecs stop-service-deployment --region {} --stop-type ROLLBACK --service-deployment-arn ARN",
                        home.region()
                    )),
                ],
                ByHand::CodeDeploy => vec![words(format!("Deploy {to} to it with CodeDeploy."))],
                ByHand::External => vec![words(format!("Create a task set with {to}, and make it the primary one."))],
                ByHand::Express => vec![words(format!("Update the Express service so that it runs what {to} says."))],
            };
            [head].into_iter().chain(then)
        })
        .collect()
}

fn document(told: &Told, title: &str, attributes: &[(&'static str, String)]) -> Value {
    let steps = told.steps.iter().map(|step| chat(step)).collect::<Vec<_>>().join("\n");
    let steps: String = steps.chars().take(DESCRIPTION_MAX).collect();
    let mut document = json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": match steps.is_empty() { true => "Nothing was changed.".to_owned(), false => steps },
            "nextSteps": told.failure.iter().map(|failure| chat(failure).chars().take(STEP_MAX).collect::<String>()).collect::<Vec<_>>(),
            "keywords": [told.outcome.as_str()],
        },
        "metadata": {
            "threadId": told.id.family.to_string(),
            "summary": title,
            "additionalContext": attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
        },
        "schemaVersion": 1,
        "taskDefinition": told.id.to_string(),
        "restored": told.restored.map(ToString::to_string),
        "claimedApprover": plain(&told.request.approved_by),
        "claimedReason": plain(&told.request.reason),
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    document
}

/// The statement that a role lacks for a call, where one is missing.
#[must_use]
pub fn statement(failure: &Failure) -> Option<String> {
    let Failure::Call(call) = failure else { return None };
    let action = call.denied_action()?;
    let resource = if call.resource.starts_with("arn:") { plain(&call.resource) } else { "*".to_owned() };
    Some(json!({ "Effect": "Allow", "Action": action, "Resource": resource }).to_string())
}
