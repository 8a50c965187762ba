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
    let setting = Setting {
        mode: "remediate",
        home: &Home::new("eu-west-1", "111122223333").unwrap(),
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function: Some("guard-Backout-1ABC"),
        roles: &[],
        owner_tag_keys: &[],
    };
    message(told, &setting)
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
    let told = |outcome| Told {
        id: &original,
        outcome,
        request: &request,
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
    };
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
                statement: statement(&denied),
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
        id: &original,
        outcome: Outcome::BackedOut,
        request: &request,
        restored: Some(&original),
        until: None,
        copies: &[],
        begun_at: None,
        steps: (0..200).map(|number| format!("Moved service {number}")).collect(),
        failure: None,
        statement: None,
        by_hand: &by_hand,
        unmoved: &[],
        is_backup_tampered: false,
    });
    let commands =
        message.text.lines().filter(|line| line.trim_start().starts_with("aws ecs list-service-deployments"));
    assert_eq!(commands.count(), 12, "{}", message.text);
    assert!(message.text.contains("and 18 more: see the answer"), "{}", message.text);
    assert_eq!(message.json["byHandLeftOut"], 18);
    assert!(message.text.contains("Act now? Yes: services still run the copy, see BY HAND."), "{}", message.text);
    assert!(message.json["content"]["title"].as_str().unwrap().chars().count() <= 250);
}
