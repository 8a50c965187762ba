//! The alerts of backout, held by golden files beside those of the guard, and its texts through every sink.

use ecs_privileged_guard::domain::alert::{Message, Setting};
use ecs_privileged_guard::domain::arn::{Home, TaskDefinitionId};
use ecs_privileged_guard::domain::backout::alert::{Told, message, statement};
use ecs_privileged_guard::domain::backout::answer::Outcome;
use ecs_privileged_guard::domain::backout::request::Request;
use ecs_privileged_guard::domain::backout::service::ByHand;
use ecs_privileged_guard::domain::failure::{CallFailure, Cause};
use ecs_privileged_guard::domain::report::Failure;
use ecs_privileged_guard::domain::service::{Controller, Rollout, Service, ServiceId};
use jiff::Timestamp;

use super::alerts::hold_messages;

fn id(text: &str) -> TaskDefinitionId {
    text.parse().unwrap()
}

fn service(name: &str) -> Service {
    Service {
        id: ServiceId { cluster: "prod".into(), name: name.into() },
        controller: Controller::Ecs,
        target: None,
        deployment: None,
        others: Vec::new(),
        rollout: Rollout::Completed,
    }
}

fn request(reason: &str, approved_by: &str) -> Request {
    Request {
        named: id("web:12"),
        reason: reason.into(),
        approved_by: approved_by.into(),
        days: 30,
        replace: false,
        dry_run: false,
    }
}

fn of(told: &Told) -> Message {
    set("remediate", "guard-state", told)
}

fn set(mode: &str, bucket: &str, told: &Told) -> Message {
    let setting = Setting {
        mode,
        home: &Home::new("eu-west-1", "111122223333").unwrap(),
        bucket,
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function: Some("guard-Backout-1ABC"),
        roles: &[],
        owner_tag_keys: &[],
    };
    message(told, &setting)
}

/// A backout of which nothing more is known.
fn bare<'a>(id: &'a TaskDefinitionId, outcome: Outcome, request: &'a Request) -> Told<'a> {
    Told {
        id,
        outcome,
        request,
        restored: None,
        until: None,
        copies: &[],
        begun_at: None,
        steps: Vec::new(),
        failure: None,
        statement: None,
        by_hand: &[],
        unmoved: &[],
        is_backup_tampered: false,
    }
}

/// Each alert that backout can send, with these texts from outside in it.
pub(crate) fn cases(reason: &str, approved_by: &str, name: &str) -> Vec<(&'static str, Message)> {
    let (original, restored, copies) = (id("web:12"), id("web:14"), [id("web:13")]);
    let request = request(reason, approved_by);
    let denied = Failure::Call(CallFailure {
        action: "ecs:UpdateService",
        resource: format!("arn:aws:ecs:eu-west-1:111122223333:service/prod/{name}"),
        code: Some("AccessDeniedException".into()),
        request_id: Some("00000000-0000-4000-8000-000000000001".into()),
        cause: Cause::AccessDenied { action: "ecs:UpdateService" },
    });
    let by_hand: Vec<(Service, ByHand)> = [ByHand::Deploying, ByHand::CodeDeploy, ByHand::External, ByHand::Express]
        .map(|why| (service(name), why))
        .to_vec();
    let exempted = "Exempted web, containers app, until 2026-12-24T08:00:00Z".to_owned();
    let until: Timestamp = "2026-12-24T08:00:00Z".parse().unwrap();
    let unmoved = [service(name)];
    let told = |outcome| bare(&original, outcome, &request);
    vec![
        (
            "backout-backed_out",
            of(&Told {
                restored: Some(&original),
                until: Some(until),
                copies: &copies,
                steps: vec![exempted.clone(), "Deregistered web:13, the copy".into()],
                ..told(Outcome::BackedOut)
            }),
        ),
        (
            "backout-backed_out-by-hand",
            of(&Told {
                restored: Some(&restored),
                until: Some(until),
                copies: &copies,
                begun_at: Some("2026-11-24T07:00:00Z".parse().unwrap()),
                steps: vec![
                    exempted.clone(),
                    "Registered web:14, proven equal to the original".into(),
                    "Deregistered web:13, the copy".into(),
                ],
                by_hand: &by_hand,
                is_backup_tampered: true,
                ..told(Outcome::BackedOut)
            }),
        ),
        (
            "backout-failed",
            of(&Told {
                restored: Some(&original),
                until: Some(until),
                steps: vec![exempted],
                unmoved: &unmoved,
                failure: Some(denied.to_string()),
                statement: statement(&denied, &[]),
                ..told(Outcome::Failed)
            }),
        ),
        (
            "backout-refused-backup_tampered",
            of(&Told {
                failure: Some("web:12 is not ACTIVE any more, and its backup is not what was stored".into()),
                is_backup_tampered: true,
                ..told(Outcome::Refused)
            }),
        ),
    ]
}

/// Holds the golden files, and answers their names.
pub(crate) fn hold_all() -> Vec<String> {
    hold_messages(cases("the app does not start", "jane@example.com", "checkout"))
}

#[test]
fn what_is_left_to_do_by_hand_is_bounded_and_never_cut() {
    let (original, request) = (id("web:12"), request("r", "a"));
    let by_hand: Vec<(Service, ByHand)> = (0..30).map(|_| (service("checkout"), ByHand::Deploying)).collect();
    let message = of(&Told {
        restored: Some(&original),
        steps: (0..200).map(|number| format!("Moved service {number}")).collect(),
        by_hand: &by_hand,
        ..bare(&original, Outcome::BackedOut, &request)
    });
    let commands =
        message.text.lines().filter(|line| line.trim_start().starts_with("aws ecs list-service-deployments"));
    assert_eq!(commands.count(), 12, "{}", message.text);
    assert!(message.text.contains("and 18 more: see the answer"), "{}", message.text);
    assert_eq!(message.json["byHandLeftOut"], 18);
    assert!(message.text.contains("Act now? Yes: services still run the copy, see BY HAND."), "{}", message.text);
    assert!(message.json["content"]["title"].as_str().unwrap().chars().count() <= 250);
}

/// Whoever ends an exemption at night must not be surprised by the next sweep.
#[test]
fn what_follows_from_ending_the_exemption_is_said_as_the_mode_has_it() {
    let (original, restored, request) = (id("web:12"), id("web:14"), request("r", "a"));
    for (mode, follows) in [
        ("alert", "takes web:14 for a new one, and tells of it again."),
        ("remediate", "takes web:14 for a new one, and copies it again."),
        ("enforce", "takes web:14 for a new one, and copies it again, and moves its services to the copy."),
    ] {
        let until = Some("2026-12-24T08:00:00Z".parse().unwrap());
        let told = Told { restored: Some(&restored), until, ..bare(&original, Outcome::BackedOut, &request) };
        let text = set(mode, "guard-state", &told).text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("It ends the exemption of the whole family") && text.contains(follows), "{text}");
    }
}

/// Cut, it would remove another object, and say that it had.
#[test]
fn a_command_that_is_too_long_for_a_chat_is_left_to_the_mail() {
    let request = request("r", "a");
    for (length, is_shown) in [(200, true), (255, false)] {
        let id = id(&format!("{}:12", "f".repeat(length)));
        let until = Some("2026-12-24T08:00:00Z".parse().unwrap());
        let message = set("remediate", &"b".repeat(63), &Told { until, ..bare(&id, Outcome::BackedOut, &request) });
        let command = message.json["endEarly"].as_str().unwrap();
        let steps = message.json["content"]["nextSteps"].to_string();
        assert_eq!(steps.contains(command), is_shown, "{steps}");
        assert_eq!(steps.contains("End it early: with the command in the mail"), !is_shown, "{steps}");
        assert!(message.text.contains(command), "{}", message.text);
    }
}

/// What was called is not always what the permission is about.
#[test]
fn the_statement_that_backout_lacks_is_one_that_heals() {
    let lacks = |action, resource: &str, roles: &[String]| {
        let (resource, code, request_id) = (resource.to_owned(), None, None);
        let cause = Cause::AccessDenied { action };
        let call = CallFailure { action: "ecs:RegisterTaskDefinition", resource, code, request_id, cause };
        serde_json::from_str::<serde_json::Value>(&statement(&Failure::Call(call), roles).unwrap()).unwrap()
    };
    let revision = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:*";
    let role = "arn:aws:iam::111122223333:role/web".to_owned();
    let pass = lacks("iam:PassRole", revision, std::slice::from_ref(&role));
    assert_eq!(pass["Resource"], serde_json::json!([role]));
    assert_eq!(pass["Condition"]["StringEquals"]["iam:PassedToService"], "ecs-tasks.amazonaws.com");
    let object = "arn:aws:s3:::guard-state/backups/111122223333/eu-west-1/web/12.json";
    assert_eq!(lacks("s3:ListBucket", object, &[])["Resource"], "arn:aws:s3:::guard-state");
    assert_eq!(lacks("kms:Decrypt", object, &[])["Condition"]["StringLike"]["kms:ViaService"], "s3.*");
}
