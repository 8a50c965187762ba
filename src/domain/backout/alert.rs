//! What people are told of a backout: what came back, until when it may stay, who is said to have approved it, what is
//! left to do by hand, and how to end it early.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::alert::notification::{Notification, command_step, members};
use super::super::alert::{
    BY_HAND, Line, Message, SUBJECT_MAX, Section, Setting, Severity, mail, statement_for, words, wrapped,
};
use super::super::arn::{Home, TaskDefinitionId};
use super::super::escape::{chat, phrase, plain, shell, subject};
use super::super::keys;
use super::super::report::Failure;
use super::super::service::Service;
use super::answer::Outcome;
use super::request::Request;
use super::service::ByHand;

/// So many services are told by hand; the answer holds them all.
const BY_HAND_MAX: usize = 12;

/// The facts that an alert about a backout is made of.
#[derive(Debug)]
pub struct Told<'a> {
    /// The original.
    pub id: &'a TaskDefinitionId,
    /// What it came to.
    pub outcome: Outcome,
    /// What was asked for.
    pub request: &'a Request,
    /// The revision that is in force.
    pub restored: Option<&'a TaskDefinitionId>,
    /// Until when the family is exempt, if that is known.
    pub until: Option<Timestamp>,
    /// The copies that were deregistered.
    pub copies: &'a [TaskDefinitionId],
    /// When an earlier run began what this one went on with.
    pub begun_at: Option<Timestamp>,
    /// What was done, in past-tense sentences.
    pub steps: Vec<String>,
    /// What went wrong.
    pub failure: Option<String>,
    /// A statement that a role lacks.
    pub statement: Option<String>,
    /// Services that still run the copy, and why.
    pub by_hand: &'a [(Service, ByHand)],
    /// Services that are still to be moved.
    pub unmoved: &'a [Service],
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
    let json = document(told, setting, &title, &attributes);
    Message { subject: subject(&title, SUBJECT_MAX), text: text(told, setting, severity), json, attributes }
}

fn headline(told: &Told) -> String {
    match (told.outcome, told.restored) {
        (Outcome::BackedOut, Some(restored)) => {
            let instead = told.copies.first().map(|copy| format!(" instead of {copy}")).unwrap_or_default();
            format!("{} was backed out: {restored} is in force{instead}, privileged", told.id)
        }
        (Outcome::Refused, _) => format!("the backup of {} was changed; its backout is refused", told.id),
        (Outcome::AlreadyBackedOut | Outcome::NothingToBackOut, _) => format!("the backup of {} was changed", told.id),
        (Outcome::Failed, _) | (Outcome::BackedOut, None) => format!("FAILED to back {} out", told.id),
    }
}

fn text(told: &Told, setting: &Setting, severity: Severity) -> String {
    let act = match severity {
        Severity::Critical => "Act now? Yes: see below.",
        Severity::Warning | Severity::Info if told.by_hand.is_empty() => "Act now? No.",
        Severity::Warning | Severity::Info => "Act now? Yes: services still run the copy, see BY HAND.",
    };
    let mut first = vec![format!("{}.", headline(told)), act.to_owned()];
    first.extend(told.until.map(|until| format!("Exempt: {} until {until}", told.id.family)));
    first
        .push(format!("Who: {} is claimed to have approved it (nobody checks that)", plain(&told.request.approved_by)));
    first.push(format!("Why: {}", plain(&told.request.reason)));
    let first = first.iter().flat_map(|line| wrapped(line, "", "  ")).collect();

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
        &[
            Section { heading: "CHANGED", lines: changed(told) },
            Section { heading: "FAILED", lines: failed(told, setting) },
            Section { heading: BY_HAND, lines: by_hand(told, setting.home) },
            Section { heading: "END IT EARLY", lines: end(told, setting) },
            Section { heading: "WHO", lines: who },
            Section { heading: "EVIDENCE", lines: evidence.into_iter().chain(runbook).collect() },
        ],
    )
}

fn changed(told: &Told) -> Vec<Line> {
    let begun = told.begun_at.map(|at| words(format!("It went on with a backout that was begun at {at}.")));
    let nothing = match (told.steps.is_empty(), told.begun_at) {
        (false, _) => None,
        (true, None) => Some(words("Nothing was changed.")),
        (true, Some(_)) => Some(words("Nothing more was changed now.")),
    };
    let steps = told.steps.iter().enumerate().map(|(number, step)| words(format!("{}. {step}", number + 1)));
    begun.into_iter().chain(nothing).chain(steps).collect()
}

fn failed(told: &Told, setting: &Setting) -> Vec<Line> {
    // Word by word: the whole may be longer than what is let through of a name.
    let failure = told.failure.iter().map(|failure| words(phrase(failure)));
    // All of it is validated, so it needs no quotes.
    let tampered = told.is_backup_tampered.then(|| {
        [
            words("The backup in the bucket is not what was stored: somebody put or changed it. Its versions:"),
            Line::Verbatim(format!(
                "aws s3api list-object-versions --bucket {} --prefix {}",
                setting.bucket,
                keys::backup(setting.home, told.id)
            )),
        ]
    });
    let statement = told.statement.iter().flat_map(|statement| {
        [words("Unless a policy denies it on purpose, add this to backout's role:"), Line::Verbatim(statement.clone())]
    });
    let again =
        (told.outcome == Outcome::Failed).then(|| words("The same command again goes on where this one stopped."));
    failure.chain(tampered.into_iter().flatten()).chain(statement).chain(again).collect()
}

/// The command that ends the exemption.
fn end_early(told: &Told, setting: &Setting) -> Option<String> {
    told.until.map(|_| format!("aws s3 rm s3://{}/{}", setting.bucket, keys::exemption(setting.home, &told.id.family)))
}

fn end(told: &Told, setting: &Setting) -> Vec<Line> {
    let original = told.restored.unwrap_or(told.id);
    let then = match setting.mode {
        "enforce" => "copies it again, and moves its services to the copy",
        "remediate" => "copies it again",
        _ => "tells of it again",
    };
    let does = format!(
        "It ends the exemption of the whole family, whoever wrote it: the next sweep takes {original} for a new one, and {then}."
    );
    end_early(told, setting).into_iter().flat_map(|command| [Line::Verbatim(command), words(does.clone())]).collect()
}

/// What to do about each service that is left on the copy.
fn by_hand(told: &Told, home: &Home) -> Vec<Line> {
    let to = told.restored.unwrap_or(told.id);
    let at = |service: &Service| format!("{} in cluster {}", plain(&service.id.name), plain(&service.id.cluster));
    let by_hand = told.by_hand.iter().map(|(service, why)| {
        let head = words(format!("{}: {}", at(service), why.in_words()));
        let name = format!(
            "--region {} --cluster {} --service {}",
            home.region(),
            shell(&service.id.cluster),
            shell(&service.id.name)
        );
        let then = match why {
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html
            ByHand::Deploying => vec![
                words(format!(
                    "Wait until that deployment has ended, or stop it: ECS then goes back to what it ran before, which \
                     need not be {to}. Then the same backout command again moves it. To stop it, with its ARN from the \
                     answer of the first command:"
                )),
                Line::Verbatim(format!("aws ecs list-service-deployments {name} --status PENDING IN_PROGRESS")),
                Line::Verbatim(format!(
                    "aws ecs stop-service-deployment --region {} --stop-type ROLLBACK --service-deployment-arn ARN",
                    home.region()
                )),
            ],
            ByHand::CodeDeploy => vec![words(format!("Deploy {to} to it with CodeDeploy."))],
            ByHand::External => vec![words(format!("Create a task set with {to}, and make it the primary one."))],
            ByHand::Express => vec![words(format!("Update the Express service so that it runs what {to} says."))],
        };
        [head].into_iter().chain(then).collect::<Vec<_>>()
    });
    let unmoved = told.unmoved.iter();
    let unmoved = unmoved.map(|it| vec![words(format!("{}: not moved yet; the same command again does it", at(it)))]);
    let more = (told.by_hand.len() + told.unmoved.len()).saturating_sub(BY_HAND_MAX);
    let more = (more > 0).then(|| words(format!("and {more} more: see the answer")));
    by_hand.chain(unmoved).take(BY_HAND_MAX).flatten().chain(more).collect()
}

fn document(told: &Told, setting: &Setting, title: &str, attributes: &[(&'static str, String)]) -> Value {
    let begun = told.begun_at.map(|at| format!("It went on with a backout that was begun at {at}"));
    let steps = begun.into_iter().chain(told.steps.iter().map(|step| chat(step))).collect::<Vec<_>>().join("\n");
    let end_early = end_early(told, setting);
    let by_hand = told.by_hand.iter().map(|(service, why)| (service, why.in_words()));
    let by_hand = by_hand.chain(told.unmoved.iter().map(|service| (service, "it is not moved yet"))).take(BY_HAND_MAX);
    let by_hand: Vec<Value> = by_hand
        .map(|(it, why)| json!({"cluster": plain(&it.id.cluster), "service": plain(&it.id.name), "why": why}))
        .collect();
    let failure = told.failure.iter().map(|failure| chat(failure));
    let end = end_early.iter().map(|command| command_step("End it early", command));
    let mut fields = members(attributes);
    let notification = Notification {
        title,
        description: if steps.is_empty() { "Nothing was changed.".to_owned() } else { steps },
        next_steps: failure.chain(end).collect(),
        keywords: vec![told.outcome.as_str()],
        thread: told.id.family.as_str(),
        context: fields.clone(),
    };
    let more = json!({
        "taskDefinition": told.id.to_string(),
        "restored": told.restored.map(ToString::to_string),
        "copy": told.copies.first().map(ToString::to_string),
        "until": told.until,
        "endEarly": end_early,
        "byHand": by_hand,
        "byHandLeftOut": (told.by_hand.len() + told.unmoved.len()).saturating_sub(BY_HAND_MAX),
        "backupTampered": told.is_backup_tampered,
        "claimedApprover": plain(&told.request.approved_by),
        "claimedReason": plain(&told.request.reason),
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    Value::Object(notification.document(fields))
}

/// The statement that a role lacks for a call, where one is missing. `roles` are those that the original's registration
/// passes; where they are not known, none.
#[must_use]
pub fn statement(failure: &Failure, roles: &[String]) -> Option<String> {
    let Failure::Call(call) = failure else { return None };
    Some(statement_for(call.denied_action()?, &call.resource, roles))
}
