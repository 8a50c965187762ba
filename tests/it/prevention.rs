//! The policies that deny privileged registrations beforehand. Those in `policies/` are what the function gives;
//! `GOLDEN=write cargo test --test it prevention` writes them. Whom they meet, `tests/e2e/test_policies.py` judges.

use std::fs;
use std::path::Path;

use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::exemption::Found;
use ecs_privileged_guard::domain::failure::{CallFailure, Cause};
use ecs_privileged_guard::domain::policy::FamilyGlobs;
use ecs_privileged_guard::domain::prevention::{Exempted, Kind, PreventionError, policy_for};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alerts::writes_golden;

const NOW: Timestamp = Timestamp::constant(1_795_507_200, 0); // 2026-11-24T08:00:00Z

fn exempted(region: &str, globs: &[&str], found: Vec<(&str, Found)>) -> Exempted {
    let exempt_families = FamilyGlobs::narrow(globs.iter().copied()).unwrap();
    let found = found.into_iter().map(|(family, found)| (family.parse().unwrap(), found)).collect();
    Exempted { home: Home::new(region, "111122223333").unwrap(), exempt_families, found }
}

/// An exemption that was written a day before now.
fn until(end: &str) -> Found {
    let text = json!({"containers": ["agent"], "reason": "r", "approvedBy": "a", "expiresAt": end}).to_string();
    Found::Object { text, written_at: Some(NOW - jiff::SignedDuration::from_hours(24)) }
}

/// The account of the example: agents for good, one family until February, two until the same second in January.
fn example() -> [Exempted; 2] {
    let found = vec![
        ("web", until("2027-01-31T00:00:00.25Z")),
        ("build", until("2027-01-31T00:00:00Z")),
        ("ci", until("2027-02-20T12:30:00+01:00")),
        ("was", until("2026-11-24T08:00:00Z")),
        ("datadog-agent", until("2027-01-31T00:00:00Z")),
    ];
    [
        exempted("eu-west-1", &["falco", "datadog-*", "falco"], found),
        exempted("eu-central-1", &[], vec![("web", Found::Nothing)]),
    ]
}

fn statements(kind: Kind, exempted: &[Exempted]) -> Vec<Value> {
    let policy: Value = serde_json::from_str(&policy_for(kind, exempted, NOW).unwrap()).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    policy["Statement"].as_array().unwrap().clone()
}

fn family(name: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/{name}:*")
}

#[test]
fn the_policies_that_are_checked_in_are_those_that_the_function_gives() {
    for (name, kind, exempted) in [
        ("scp.json", Kind::ServiceControl, &[][..]),
        ("managed-policy.json", Kind::Managed, &[]),
        ("example-scp.json", Kind::ServiceControl, &example()),
    ] {
        let says = policy_for(kind, exempted, NOW).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
        if writes_golden() {
            fs::write(&file, &says).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(says, golden, "{name}: if this is meant, GOLDEN=write and review the difference");
    }
}

#[test]
fn without_exemptions_everybody_is_denied_both_ways_but_backout() {
    for found in [vec![], vec![("web", Found::Nothing)], vec![("web", until("2026-11-24T08:00:00Z"))]] {
        let [deny, roles] = statements(Kind::ServiceControl, &[exempted("eu-west-1", &[], found)]).try_into().unwrap();
        assert_eq!(
            deny,
            json!({
                "Sid": "NoPrivilege",
                "Effect": "Deny",
                "Action": ["ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"],
                "Resource": ["*"],
                "Condition": {
                    "StringEquals": {"ecs:privileged": "true"},
                    "ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/ecs-privileged-guard/*-BackoutRole-*"},
                },
            })
        );
        assert_eq!(
            (roles["Effect"].as_str(), &roles["Resource"][0]),
            (Some("Deny"), &json!("arn:*:iam::*:role/ecs-privileged-guard/*"))
        );
        assert_eq!(roles["Condition"]["ArnNotLike"], json!({"aws:PrincipalArn": "arn:*:iam::*:role/stacksets-exec-*"}));
    }
    let [deny] = statements(Kind::Managed, &[]).try_into().unwrap();
    assert_eq!(deny["Condition"], json!({"StringEquals": {"ecs:privileged": "true"}}));
}

#[test]
fn what_is_exempt_is_left_out_of_the_deny_and_denied_again_when_its_exemption_ends() {
    let [deny, january, february, _roles] = statements(Kind::ServiceControl, &example()).try_into().unwrap();
    let exempt = ["build", "ci", "datadog-*", "falco", "web"].map(family);
    assert_eq!((&deny["NotResource"], &deny["Resource"]), (&json!(exempt), &Value::Null));
    for (again, sid, end, families) in [
        (january, "Until20270131T000000Z", "2027-01-31T00:00:00Z", vec!["build", "web"]),
        (february, "Until20270220T113000Z", "2027-02-20T11:30:00Z", vec!["ci"]),
    ] {
        assert_eq!((again["Sid"].as_str(), again["Effect"].as_str()), (Some(sid), Some("Deny")));
        assert_eq!(again["Action"], json!(["ecs:RegisterTaskDefinition"]));
        assert_eq!(again["Resource"], json!(families.into_iter().map(family).collect::<Vec<_>>()));
        assert_eq!(again["Condition"]["DateGreaterThanEquals"], json!({"aws:CurrentTime": end}));
        assert_eq!(again["Condition"]["StringEquals"], deny["Condition"]["StringEquals"]);
        assert_eq!(again["Condition"]["ArnNotLike"], deny["Condition"]["ArnNotLike"]);
    }
}

#[test]
fn an_exemption_that_nobody_can_rely_on_makes_no_policy_and_names_the_object() {
    let failure = CallFailure {
        action: "s3:GetObject",
        resource: String::new(),
        code: None,
        request_id: None,
        cause: Cause::Refused,
    };
    for (found, why) in [
        (Found::Unreadable(failure), "it could not be read from the bucket"),
        (Found::Object { text: "{}".into(), written_at: Some(NOW) }, "it is not the documented JSON"),
        (Found::Object { text: "{}".into(), written_at: None }, "the bucket did not say when it was written"),
    ] {
        let says = policy_for(Kind::ServiceControl, &[exempted("eu-west-1", &[], vec![("web", found)])], NOW);
        let says = says.unwrap_err().to_string();
        assert!(says.starts_with("exemptions/111122223333/eu-west-1/web.json ") && says.contains(why), "{says}");
    }
}

#[test]
fn a_policy_is_as_long_as_aws_takes_it_and_no_longer() {
    for (kind, name, length_max) in
        [(Kind::ServiceControl, "service control policy", 10_240), (Kind::Managed, "managed policy", 6_144)]
    {
        let counted = |text: &str| match kind {
            Kind::ServiceControl => text.len(),
            Kind::Managed => text.chars().filter(|c| !c.is_whitespace()).count(),
        };
        let with = |length: usize| policy_for(kind, &[exempted("eu-west-1", &[&"x".repeat(length)], vec![])], NOW);
        let longer_by = length_max - counted(&with(3).unwrap());
        assert_eq!(counted(&with(3 + longer_by).unwrap()), length_max);
        let error = with(4 + longer_by).unwrap_err();
        assert_eq!(error, PreventionError::TooLong { kind, length: length_max + 1 });
        let says = format!("the {name} has {} characters, and AWS takes {length_max}:", length_max + 1);
        assert!(error.to_string().contains(&says), "{error}");
    }
}

#[test]
fn a_region_of_another_partition_has_its_own_arns() {
    let china: Vec<(&str, Found)> = vec![("web", until("2027-01-31T00:00:00Z"))];
    let [deny, _] = statements(Kind::Managed, &[exempted("cn-north-1", &[], china)]).try_into().unwrap();
    assert_eq!(deny["NotResource"], json!(["arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/web:*"]));
}
