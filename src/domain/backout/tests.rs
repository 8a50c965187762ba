//! Tables: what is done about a service by what runs on it, and what becomes of an exemption.

use jiff::{SignedDuration, Timestamp};

use super::allow::{Allow, NotAllowed, allow};
use super::refusal::Refusal;
use super::request::{Request, TEXT_MAX};
use super::service::{ByHand, ServiceStep};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::exemption::{Basis, Exemption, Found, Verdict, of_object};
use crate::domain::failure::{CallFailure, Cause};
use crate::domain::service::{Controller, Other, Rollout, Service, ServiceId};

fn id(text: &str) -> TaskDefinitionId {
    text.parse().unwrap()
}

/// A service under that controller, pointed at a revision; the others as `web:1 completed`.
fn service(controller: Controller, target: &str, rollout: Rollout, others: &[&str]) -> Service {
    let other = |text: &&str| {
        let (runs, state) = text.split_once(' ').unwrap_or((text, ""));
        Other { deployment: None, runs: id(runs), is_completed: state == "completed" }
    };
    Service {
        id: ServiceId::new("prod", "web").unwrap(),
        controller,
        target: Some(id(target)),
        deployment: None,
        rollout,
        others: others.iter().map(other).collect(),
    }
}

/// The copy of `web:1` is `web:2`; `web:5` is equal to `web:1`.
fn step(service: &Service) -> ServiceStep {
    service.step(&[id("web:2")], |revision| [id("web:1"), id("web:5")].contains(revision))
}

#[test]
fn a_service_is_moved_only_while_it_has_a_way_back() {
    use Rollout::{Completed, Failed, InProgress, Unknown};
    use ServiceStep::{Elsewhere, Move, Moving, None};
    let deploying = ServiceStep::ByHand(ByHand::Deploying);
    assert_eq!(ByHand::Deploying.state(), "waiting");
    for (target, rollout, others, expected) in [
        ("web:1", Completed, &[][..], None),
        ("web:9", InProgress, &["web:1 completed"], None),
        ("web:2", Completed, &[], Move),
        ("web:2", Completed, &["web:1"], Move),
        ("web:2", Failed, &["web:1"], Move),
        ("web:2", InProgress, &["web:1 completed"], Move),
        ("web:2", InProgress, &["web:9", "web:5 completed"], Move),
        ("web:2", InProgress, &[], deploying),
        ("web:2", InProgress, &["web:1"], deploying),
        ("web:2", InProgress, &["web:9 completed"], deploying),
        ("web:2", InProgress, &["web:2 completed"], deploying),
        ("web:2", Unknown, &[], Move),
        ("web:2", Unknown, &["web:1 completed"], deploying),
        ("web:1", InProgress, &["web:2 completed"], Moving),
        ("web:5", InProgress, &["web:2"], Moving),
        ("web:9", InProgress, &["web:2 completed"], Elsewhere),
        ("api:1", Completed, &["web:2"], Elsewhere),
    ] {
        let service = service(Controller::Ecs, target, rollout, others);
        assert_eq!(step(&service), expected, "{target} {rollout:?} {others:?}");
    }
}

#[test]
fn what_others_deploy_is_left_to_them() {
    for (controller, why) in [(Controller::CodeDeploy, ByHand::CodeDeploy), (Controller::External, ByHand::External)] {
        let on_copy = service(controller, "web:2", Rollout::Completed, &[]);
        assert_eq!((step(&on_copy), why.state()), (ServiceStep::ByHand(why), "not_movable"));
        let by_task_set = Service { target: None, ..service(controller, "web:2", Rollout::Unknown, &["web:2"]) };
        assert_eq!(step(&by_task_set), ServiceStep::ByHand(why));
        assert_eq!(step(&service(controller, "web:1", Rollout::Completed, &["web:1"])), ServiceStep::None);
    }
    let express = service(Controller::Express, "web:2", Rollout::Completed, &[]);
    assert_eq!(step(&express), ServiceStep::ByHand(ByHand::Express));
    assert_eq!(ByHand::Express.state(), "not_movable");
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00.5Z".parse().unwrap()
}

fn in_days(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

fn request(days: i64, replace: bool) -> Request {
    let (reason, approved_by) = ("new".to_owned(), "new".to_owned());
    Request { named: id("web:1"), reason, approved_by, days, replace, dry_run: false }
}

/// What lies there, of so many days, written just now.
fn held(containers: &[&str], days: i64) -> Found {
    ending(containers, in_days(days))
}

fn ending(containers: &[&str], expires_at: Timestamp) -> Found {
    let containers = containers.iter().map(|name| (*name).to_owned()).collect();
    let text = |text: &str| text.to_owned();
    let exemption = Exemption { containers, reason: text("old"), approved_by: text("old"), expires_at };
    Found::Object { text: exemption.to_json(), written_at: Some(now()) }
}

/// Word for word what the request would write, but for its end.
fn same(expires_at: Timestamp) -> Found {
    let Found::Object { text, .. } = ending(&["app"], expires_at) else { panic!("an object") };
    malformed(&text.replace("\"old\"", "\"new\""))
}

fn malformed(text: &str) -> Found {
    Found::Object { text: text.to_owned(), written_at: Some(now()) }
}

/// `holds`, `refused`, `failed`, or what is written: the containers, the reason, and for how many days from now.
fn outcome(found: &Found, days: i64, replace: bool) -> String {
    let containers = ["app".to_owned()];
    match allow(found, &request(days, replace), &containers, now()) {
        Ok(Allow::Holds(_)) => "holds".to_owned(),
        Ok(Allow::Write(exemption)) => {
            // S3's clock may be behind by some seconds: it must hold all the same, by the guard's own verdict.
            let written_at = Some(now() - SignedDuration::from_secs(50));
            let stored = Found::Object { text: exemption.to_json(), written_at };
            let end = exemption.expires_at;
            assert_eq!(of_object(&containers, &stored, now()), Verdict::Exempt(Basis::Until(end)), "{exemption:?}");
            assert_eq!(end.subsec_nanosecond(), 0);
            let days = (end.duration_since(now()).as_secs_f64() / 86_400.0).round();
            format!("{} {} {days}", exemption.containers.join("+"), exemption.reason)
        }
        Err(NotAllowed::Refused(refused)) => {
            assert_eq!(refused.why, Refusal::ExemptionUnreadable);
            "refused".to_owned()
        }
        Err(NotAllowed::Failed(_)) => "failed".to_owned(),
    }
}

#[test]
fn an_exemption_counts_only_where_the_guard_would_honour_it() {
    let blank = r#"{"containers":["app"],"reason":" ","approvedBy":"a","expiresAt":"2026-12-24T08:00:00Z"}"#;
    let denied = Found::Unreadable(CallFailure {
        action: "s3:GetObject",
        resource: "key".into(),
        code: None,
        request_id: None,
        cause: Cause::AccessDenied { action: "s3:GetObject" },
    });
    for (found, days, replace, expected) in [
        (Found::Nothing, 30, false, "app new 30"),
        (Found::Nothing, 90, false, "app new 90"),
        (held(&["app"], 30), 30, false, "holds"),
        (held(&["app"], 60), 30, false, "holds"),
        // A little shorter is the same.
        (ending(&["app"], in_days(30) - SignedDuration::from_mins(59)), 30, false, "holds"),
        (ending(&["app"], in_days(30) - SignedDuration::from_mins(61)), 30, false, "app old; new 30"),
        (ending(&["app"], in_days(30) + SignedDuration::from_mins(59)), 30, true, "app new 30"),
        (held(&["app"], 10), 30, false, "app old; new 30"),
        (held(&["app"], 10), 90, false, "app old; new 90"),
        (held(&["side"], 60), 30, false, "side+app old; new 60"),
        (held(&["side"], 90), 30, false, "side+app old; new 90"),
        (held(&["app", "side"], 10), 30, false, "app+side old; new 30"),
        (held(&["app"], 60), 30, true, "app new 30"),
        (held(&["app", "side"], 30), 30, true, "app new 30"),
        (same(in_days(30) + SignedDuration::from_mins(59)), 30, true, "holds"),
        (same(in_days(60)), 30, true, "app new 30"),
        // These permit nothing, so nothing of them is kept.
        (held(&["app", "side"], -1), 30, false, "app new 30"),
        (held(&["app", "side"], 91), 30, false, "app new 30"),
        (malformed("{"), 30, false, "refused"),
        (malformed("{"), 30, true, "app new 30"),
        (malformed(blank), 30, false, "refused"),
        (malformed(blank), 30, true, "app new 30"),
        (Found::Object { text: blank.into(), written_at: None }, 30, false, "refused"),
        (denied.clone(), 30, false, "failed"),
        (denied, 30, true, "failed"),
    ] {
        assert_eq!(outcome(&found, days, replace), expected, "{found:?} {days} {replace}");
    }
}

#[test]
fn the_reasons_of_both_are_kept_within_bounds_and_not_twice() {
    let containers = ["app".to_owned()];
    let extend = |reason: &str| {
        let exemption = Exemption {
            containers: vec!["app".into()],
            reason: reason.to_owned(),
            approved_by: "new".into(),
            expires_at: in_days(1),
        };
        let found = Found::Object { text: exemption.to_json(), written_at: Some(now()) };
        match allow(&found, &request(30, false), &containers, now()) {
            Ok(Allow::Write(exemption)) => (exemption.reason, exemption.approved_by),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(extend("old; new"), ("old; new".to_owned(), "new".to_owned()));
    let (reason, _) = extend(&"x".repeat(TEXT_MAX));
    assert_eq!((reason.chars().count(), reason.ends_with("x; new")), (TEXT_MAX, true));
}
