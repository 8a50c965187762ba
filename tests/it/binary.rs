//! The built guard as Lambda runs it, fed every file in `events/` and everything that is no event.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::account::state::ecs::CircuitBreaker;
use super::account::{Call, GUARD, PIPELINE, State};
use super::events::files;
use super::figures::reached;
use super::runtime_api::{Failure, Function};
use super::story::{BUCKET, Story, in_words};

pub(crate) const CANARY: &str = "c4n4ry-s3cr3t";

/// Those that come in mode `enforce` only, and so are answered in it; all others in mode `remediate`.
const ENFORCE: [&str; 7] = [
    "create-service",
    "deployment-completed",
    "deployment-failed",
    "deployment-in-progress",
    "deregister",
    "update-service",
    "update-service-failed",
];

/// What the guard answers to each file in its mode, or the category of the error.
const EXPECTED: [(&str, &str); 30] = [
    ("assumed-role", "remediated web:22 sent"),
    ("batch", "alerted managed_by_batch sent"),
    ("cdk", "remediated ShopStackSearchTaskDefE2A0C8D7:4 sent"),
    ("china", "event_of_another_home"),
    ("cli", "remediated web:22 sent"),
    ("cloudformation", "remediated ordersService8F3A2B1C:8 sent"),
    ("codepipeline", "remediated web:22 sent"),
    ("compliant", "compliant none"),
    ("compliant-by-request", "compliant none"),
    ("console", "remediated builder:5 sent"),
    ("create-service", "remediated web:22 sent"),
    ("daemon", "alerted daemon_task_definition sent"),
    ("daemon-compliant", "compliant none"),
    // No service is on its way to a copy.
    ("deployment-completed", "not_ours none"),
    ("deployment-failed", "not_ours none"),
    ("deployment-in-progress", "not_ours none"),
    ("deregister", "remediated web:22 sent"),
    ("failed-call", "failed_registration none"),
    ("github-action", "remediated web:22 sent"),
    ("govcloud", "event_of_another_home"),
    ("hidden-containers", "remediated web:22 sent"),
    ("identity-center", "remediated web:22 sent"),
    ("omitted-arn", "remediated web:22 sent"),
    ("omitted-members", "remediated web:22 sent"),
    ("other-account", "event_of_another_home"),
    ("other-region", "event_of_another_home"),
    ("scheduled", "event_of_another_kind"),
    ("terraform", "remediated agent:32 sent"),
    ("update-service", "remediated web:22 sent"),
    ("update-service-failed", "failed_registration none"),
];

/// An account in which each file's task definition stands where the file says.
fn account_of_the_events() -> State {
    let mut state = State::new("us-east-1", "012345678912");
    for (family, count) in [
        ("web", 21),
        ("builder", 4),
        ("ordersService8F3A2B1C", 7),
        ("ShopStackSearchTaskDefE2A0C8D7", 3),
        ("agent", 31),
        ("render-job_3", 1),
    ] {
        for number in 1..=count {
            // web:20 and web:21 are the compliant ones; each revision is another version of its application.
            let privileged = !(family == "web" && number >= 20);
            let app = format!(
                r#"{{"family":"{family}","containerDefinitions":[{{"name":"app","image":"app:{number}","privileged":{privileged},"memory":64,
                "environment":[{{"name":"TOKEN","value":"{CANARY}"}}],"command":["--token={CANARY}"]}}]}}"#
            );
            state.register(PIPELINE, &app);
        }
    }
    for privileged in [false, false, true, false] {
        let daemon = format!(
            r#"{{"family":"node-agent","containerDefinitions":[{{"name":"agent","image":"a","privileged":{privileged}}}]}}"#
        );
        state.register_daemon(PIPELINE, &daemon);
    }
    state
}

/// The same at the moment of a file's event: what it names is the latest ACTIVE revision of its family, and the service
/// is at work on it if the event says so.
fn account_at(case: &str, event: &str) -> State {
    let mut state = account_of_the_events();
    let event: Value = serde_json::from_str(event).unwrap();
    let arn = event["detail"]["responseElements"]["taskDefinition"]["taskDefinitionArn"].as_str();
    let number = match (case, arn.and_then(|arn| arn.rsplit_once("/web:"))) {
        ("omitted-arn", _) => 18,
        (of_a_service, _) if ENFORCE.contains(&of_a_service) => 12,
        (_, Some((_, number))) => number.parse().unwrap(),
        (_, None) => 21,
    };
    match case {
        "create-service" => state.create_service(PIPELINE, "prod", "web", "web:12"),
        of_a_service if ENFORCE.contains(&of_a_service) => {
            state.create_service_with(PIPELINE, "prod", "web", BREAKER);
            state.complete_deployment("prod", "web");
            if case == "update-service" {
                state.update_service(PIPELINE, "prod", "web", "web:12");
            }
        }
        _ => {}
    }
    for later in number + 1..=21 {
        state.deregister(PIPELINE, &format!("web:{later}"));
    }
    state
}

/// The service before it is updated.
const BREAKER: &str = r#"{"taskDefinition":"web:11","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;

fn mode_of(case: &str) -> &'static str {
    if ENFORCE.contains(&case) { "enforce" } else { "remediate" }
}

/// The answer in words, or the `errorType` of the failed invocation.
async fn outcome(story: &mut Story, event: &str) -> String {
    match story.guard.invoke(event.as_bytes()).await {
        Ok(answer) => in_words(&serde_json::from_str(&answer).unwrap()),
        Err(Failure::Error(error)) => {
            serde_json::from_str::<Value>(&error).unwrap()["errorType"].as_str().unwrap().to_owned()
        }
        Err(other) => panic!("{event:.200}: {other:?}"),
    }
}

/// Each file once: the answer, no call where the event alone decides, and nothing out of a container in the output,
/// not even of containers that the trail forgot to hide.
#[tokio::test]
async fn every_file_in_events_gets_its_answer() {
    let events = files();
    assert_eq!(events.keys().map(String::as_str).collect::<Vec<_>>(), EXPECTED.map(|(case, _)| case));

    for (case, expected) in EXPECTED {
        let event = events[case].replace("HIDDEN_DUE_TO_SECURITY_REASONS", CANARY);
        let settings = [("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
        let mut story = Story::set_in(account_at(case, &event), mode_of(case), &settings).await;
        story.account.state().forget_calls();
        assert_eq!(outcome(&mut story, &event).await, expected, "{case}");
        let calls: Vec<String> = story.account.state().calls().iter().map(Call::action).collect();
        match expected.split(' ').next() {
            Some("remediated" | "alerted") => assert_ne!(calls, [""; 0], "{case}"),
            Some("not_ours") => assert_eq!(calls, ["s3:GetObject"], "{case}: that there is no move costs one read"),
            Some(_) | None => assert_eq!(calls, [""; 0], "{case}: the event alone decides, without a call"),
        }
        let expected_of_service = match case {
            "create-service" | "update-service" => Some("waiting"),
            _ => None,
        };
        let kept = story.object("moves/012345678912/us-east-1/prod/web.json");
        assert_eq!(kept.as_ref().and_then(|kept| kept["state"].as_str()), expected_of_service, "{case}");
        assert_eq!(!story.writes().is_empty(), expected.starts_with("remediated"), "{case}: {:?}", story.writes());
        let output = story.guard.stop().await;
        assert!(!output.contains(CANARY), "{case}: {output}");
    }
}

#[test]
fn the_list_of_events_says_what_is_answered() {
    let list = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("events/README.md")).unwrap();
    for (case, expected) in EXPECTED {
        let start = format!("| guard-{case}.json |");
        let line = list.lines().find(|line| line.starts_with(&start)).expect(case);
        let said = line.split(" | ").last().unwrap();
        match expected.split(' ').next().unwrap() {
            error if error.starts_with("event_") => assert!(said.starts_with("refused"), "{line}"),
            outcome => assert!(said.starts_with(&format!("`{outcome}`")), "{line}"),
        }
        let reason = expected.split(' ').nth(1).filter(|_| expected.starts_with("alerted"));
        assert!(reason.is_none_or(|reason| said.contains(&format!("`{reason}`"))), "{line}");
    }
}

/// What the list says of a deployment that is awaited, or a move's own. The file names another deployment than the
/// account gives to the service, so the account's name is put in.
#[tokio::test]
async fn the_event_of_a_deployment_that_matters_gets_the_answer_of_the_list() {
    let list = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("events/README.md")).unwrap();
    let files = files();
    let of_service = |story: &Story, case: &str| {
        let state = story.account.state();
        let newest = &state.ecs.service("prod", "web").unwrap().deployments;
        // Of a rollback the event is about the one that failed.
        let deployment = newest.iter().find(|it| (case == "deployment-failed") == (it.rollout_state == "FAILED"));
        files[case].replace("ecs-svc/4669201609102990671", &deployment.unwrap().id)
    };
    let said = |case: &str, answer: String| {
        let start = format!("| guard-{case}.json |");
        let line = list.lines().find(|line| line.starts_with(&start)).unwrap();
        let outcome = answer.split(' ').next().unwrap().to_owned();
        assert!(line.contains(&format!("`{outcome}`")), "{line}: {answer}");
        answer
    };
    for breaks in [None, Some(true), Some(false)] {
        let mut state = account_at("update-service", &files["update-service"]);
        if let Some(rolls_back) = breaks {
            state.ecs.cluster("prod").services.get_mut("web").unwrap().circuit_breaker =
                CircuitBreaker { enable: true, rollback: rolls_back };
        }
        let mut story = Story::set_in(state, "enforce", &[]).await;
        story.hand_over(&files["update-service"]).await;
        let event = of_service(&story, "deployment-in-progress");
        let answer = outcome(&mut story, &event).await;
        assert_eq!(said("deployment-in-progress", answer), "not_ours in_progress web:22 none");
        assert!(story.account.state().complete_deployment("prod", "web"));
        let event = of_service(&story, "deployment-completed");
        let answer = outcome(&mut story, &event).await;
        assert_eq!(said("deployment-completed", answer), "move_started web:22 none");
        let (case, expected) = match breaks {
            None => ("deployment-completed", "move_settled web:22 sent"),
            Some(true) => ("deployment-failed", "move_settled rolled_back web:22 sent"),
            Some(false) => ("deployment-failed", "move_failed deployment_failed web:22 sent"),
        };
        assert!(match breaks {
            None => story.account.state().complete_deployment("prod", "web"),
            Some(_) => story.account.state().fail_deployment("prod", "web"),
        });
        let event = of_service(&story, case);
        let answer = outcome(&mut story, &event).await;
        assert_eq!(said(case, answer), expected);
    }
}

#[tokio::test]
async fn events_of_other_partitions_are_at_home_there() {
    for (case, region) in [("govcloud", "us-gov-west-1"), ("china", "cn-north-1")] {
        let mut state = State::new(region, "012345678912");
        state.home.partition = if case == "china" { "aws-cn".into() } else { "aws-us-gov".into() };
        for _ in 0..12 {
            state.register(
                PIPELINE,
                r#"{"family":"web","containerDefinitions":[{"name":"app","image":"a","privileged":true}]}"#,
            );
        }
        let mut story = Story::set_in(state, "remediate", &[]).await;
        let answer = story.hand_over(&files()[case]).await;
        assert_eq!(in_words(&answer), "remediated web:13 sent", "{case}");
    }
}

/// What is not JSON never reaches the function: its runtime refuses it, as Lambda itself does before.
const NOT_JSON: &str = "&lambda_runtime::deserializer::DeserializeError";

/// Bad input, and the `errorType` of the failed invocation.
pub(crate) fn bad_input() -> Vec<(&'static str, String, &'static str)> {
    let files = files();
    let good = |case: &str| files[case].replace("HIDDEN_DUE_TO_SECURITY_REASONS", CANARY);
    let arn = |odd: &str| good("cli").replace("task-definition/web:12", &format!("task-definition/{odd}"));
    // What names no revision is looked up by its family, which must be one.
    let family = |odd: &str| good("omitted-arn").replace(r#""family": "web""#, &format!(r#""family": "{odd}""#));
    let long = "w".repeat(256);
    let megabyte = CANARY.repeat((1 << 20) / CANARY.len());
    vec![
        ("no JSON", format!("{CANARY} is no json"), NOT_JSON),
        ("half of an event", good("cli")[..700].to_owned(), NOT_JSON),
        ("a raw NUL", arn("w\0b:1"), NOT_JSON),
        ("nothing", String::new(), NOT_JSON),
        ("null", "null".into(), "event_not_an_object"),
        ("an array", format!("[{}]", good("cli")), "event_not_an_object"),
        ("a text", format!("\"{CANARY}\""), "event_not_an_object"),
        ("an empty object", "{}".into(), "event_incomplete"),
        ("the task definition itself", format!(r#"{{"family":"web","environment":"{CANARY}"}}"#), "event_incomplete"),
        ("a megabyte", format!(r#"{{"source":"{megabyte}"}}"#), "event_incomplete"),
        ("a scheduled event", good("scheduled"), "event_of_another_kind"),
        ("another account", good("other-account"), "event_of_another_home"),
        ("another Region", good("other-region"), "event_of_another_home"),
        ("another partition", good("govcloud"), "event_of_another_home"),
        ("revision 0", arn("web:0"), "event_unusable"),
        ("revision 2^63", arn("web:9223372036854775808"), "event_unusable"),
        ("a family of 256 in an ARN", arn(&format!("{long}:1")), "event_unusable"),
        ("a family of a megabyte in an ARN", arn(&format!("{megabyte}:1")), "event_unusable"),
        ("an escaped NUL in an ARN", arn("w\\u0000b:1"), "event_unusable"),
        ("a family of 256", family(&long), "event_unusable"),
        ("a family with an escaped NUL", family("w\\u0000b"), "event_unusable"),
        ("a family with a secret", family(&format!("{CANARY}!")), "event_unusable"),
        ("3,000 deep", "[".repeat(3_000) + &"]".repeat(3_000), "event_not_an_object"),
        ("an object 3,000 deep", r#"{"detail":"#.repeat(3_000) + "1" + &"}".repeat(3_000), "event_incomplete"),
    ]
}

#[tokio::test]
async fn what_is_no_event_fails_the_invocation_and_shows_nothing() {
    let settings = [("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
    let mut story = Story::set_in(account_of_the_events(), "remediate", &settings).await;
    story.account.state().forget_calls();
    for (name, input, expected) in bad_input() {
        match story.guard.invoke(input.as_bytes()).await {
            Err(Failure::Error(error)) => {
                let error: Value = serde_json::from_str(&error).unwrap();
                assert_eq!(error["errorType"], expected, "{name}");
                assert!(error["errorMessage"].as_str().unwrap().len() > 20, "{name}: {error}");
                assert!(!error.to_string().contains("panic") && !error.to_string().contains(CANARY), "{name}: {error}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // The same process still works.
    assert_eq!(outcome(&mut story, &files()["compliant"]).await, "compliant none");
    assert_eq!(story.account.state().calls().len(), 0);
    let output = story.guard.stop().await;
    assert!(!output.contains(CANARY) && !output.contains("panicked"), "{output}");
    reached("bad inputs tried/events", bad_input().len());
}

/// An event is read only as deep as the revision and the flags lie, so what is odd elsewhere does not matter.
#[tokio::test]
async fn what_is_nested_too_deep_for_most_parsers_is_passed_over() {
    let nested = "[".repeat(3_000) + "1" + &"]".repeat(3_000);
    for member in ["userIdentity", "requestParameters", "tlsDetails"] {
        let hides = format!(r#""{member}": {nested}, "hidden": {{"#);
        let event = files()["cli"].replace(&format!(r#""{member}": {{"#), &hides);
        let mut story = Story::set_in(account_of_the_events(), "remediate", &[]).await;
        assert_eq!(outcome(&mut story, &event).await, "superseded none", "{member}");
        assert!(story.writes().is_empty());
    }
}

#[tokio::test]
async fn no_value_out_of_a_container_reaches_log_alert_or_record() {
    for mode in ["alert", "remediate", "enforce"] {
        let update = files()["update-service"].clone();
        let state = account_at("update-service", &update);
        let mut story = Story::set_in(state, mode, &[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")]).await;
        story.hand_over(&files()["terraform"]).await;
        story.hand_over(&files()["cli"]).await;
        story.hand_over(&update).await;
        for is_moved in [false, true] {
            assert!(story.account.state().complete_deployment("prod", "web"));
            let event = story.account.state().deployment_events().last().unwrap().clone();
            story.hand_over(&event).await;
            if mode != "enforce" || is_moved {
                break;
            }
        }
        {
            let state = story.account.state();
            for key in state.s3.keys(BUCKET).into_iter().filter(|key| !key.starts_with("backups/")) {
                assert!(!String::from_utf8_lossy(state.s3.object(BUCKET, key).unwrap()).contains(CANARY), "{key}");
            }
            for message in state.sns.messages() {
                assert!(!format!("{message:?}").contains(CANARY));
            }
            let is_moved = state.s3.keys(BUCKET).iter().any(|key| key.starts_with("moves/"));
            assert_eq!(is_moved, mode == "enforce");
        }
        assert!(!story.guard.stop().await.contains(CANARY));
    }
}

#[tokio::test]
async fn each_run_logs_one_line_and_one_line_of_metrics() {
    let mut story = Story::set_in(account_of_the_events(), "remediate", &[]).await;
    story.hand_over(&files()["compliant"]).await;
    story.hand_over(&files()["terraform"]).await;
    let _ = story.guard.invoke(b"null").await;
    let output = story.guard.stop().await;
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (metrics, logs): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| line["_aws"].is_object());
    assert_eq!((metrics.len(), logs.len()), (3, 3), "{output}");
    for log in &logs {
        assert!(log["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{log}");
        for member in ["level", "message", "service", "function_request_id", "mode"] {
            assert!(log[member].is_string(), "{member}: {log}");
        }
    }
    let levels: Vec<&str> = logs.iter().map(|log| log["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["INFO", "INFO", "ERROR"]);
    let cold: Vec<bool> = logs.iter().map(|log| log["cold_start"].as_bool().unwrap()).collect();
    assert_eq!(cold, [true, false, false]);
    let terraform: Value = serde_json::from_str(&files()["terraform"]).unwrap();
    assert_eq!(logs[1]["correlation_id"], terraform["detail"]["eventID"]);
    assert_eq!((metrics[1]["Found"].as_f64(), metrics[1]["Remediated"].as_f64()), (Some(1.0), Some(1.0)));
    assert!(metrics[1]["SecondsToRemedy"].is_number());
}

/// Each end of a move is counted once, however often its event comes; and the log says which service it was.
#[tokio::test]
async fn a_move_is_logged_with_its_service_and_counted_once() {
    let mut state = account_at("update-service", &files()["update-service"]);
    state.complete_deployment("prod", "web");
    let mut story = Story::set_in(state, "enforce", &[]).await;
    assert_eq!(outcome(&mut story, &files()["update-service"]).await, "move_started web:22 sent");
    story.account.state().complete_deployment("prod", "web");
    let settled = story.account.state().deployment_events().last().unwrap().clone();
    assert_eq!(outcome(&mut story, &settled).await, "move_settled web:22 sent");
    assert_eq!(outcome(&mut story, &settled).await, "move_settled web:22 already_sent");
    story.account.state().update_service(PIPELINE, "prod", "web", "web:12");
    assert_eq!(outcome(&mut story, &files()["update-service"]).await, "move_settled rolled_back web:22 sent");
    story.account.state().complete_deployment("prod", "web");
    assert_eq!(outcome(&mut story, &files()["update-service"]).await, "already_remediated web:22 already_sent");

    let output = story.guard.stop().await;
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let (metrics, logs): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| line["_aws"].is_object());
    let services: Vec<&str> = logs.iter().map(|log| log["services"].as_str().unwrap()).collect();
    let of_web = |state: &str| format!("prod/web {state}");
    let expected = ["moving", "moved", "moved", "rolled_back", "rolled_back"].map(of_web);
    assert_eq!(services, expected, "{output}");
    assert!(logs.iter().all(|log| log["copy"] == "web:22"), "{output}");
    let deployment: Value = serde_json::from_str(&settled).unwrap();
    assert_eq!(logs[1]["correlation_id"], deployment["id"]);
    let runs_with = |name: &str| -> Vec<usize> {
        let counted = metrics.iter().enumerate().filter(|(_, line)| line[name].as_f64().is_some_and(|it| it > 0.0));
        counted.map(|(run, _)| run).collect()
    };
    assert_eq!((metrics.len(), runs_with("Moved"), runs_with("RolledBack")), (5, vec![1], vec![3]), "{output}");
    assert!(metrics.iter().all(|line| line["mode"] == "enforce"), "{output}");
}

#[tokio::test]
async fn a_wrong_environment_stops_the_start_with_one_line_that_names_the_variable() {
    for (name, value) in [
        ("ENFORCEMENT_MODE", ""),
        ("ENFORCEMENT_MODE", CANARY),
        ("ENFORCEMENT_MODE", "Enforce"),
        ("SETTLE_MINUTES", "0"),
        ("SETTLE_MINUTES", "43201"),
        ("SETTLE_MINUTES", "-60"),
        ("SETTLE_MINUTES", "1.5"),
        ("SETTLE_MINUTES", CANARY),
        ("BACKUP_BUCKET", ""),
        ("BACKUP_BUCKET", "s3://c4n4ry-s3cr3t"),
        ("ALERT_TOPIC_ARN", ""),
        ("ALERT_TOPIC_ARN", CANARY),
        ("GUARD_ROLES", ""),
        ("GUARD_ROLES", "arn:aws:iam::111122223333:role/c4n4ry-s3cr3t"),
        ("EXEMPT_FAMILIES", "*"),
        ("EXEMPT_FAMILIES", "c4n4ry s3cr3t"),
        ("REMEDIATE_FAMILIES", "c4n4ry s3cr3t"),
        ("OUTPUT_ONLY_MEMBERS", "family"),
        ("OUTPUT_ONLY_MEMBERS", CANARY),
        ("RUNBOOK_URL", "javascript:alert('c4n4ry-s3cr3t')"),
        ("BACKOUT_FUNCTION", "c4n4ry-s3cr3t; rm"),
        ("AWS_REGION", ""),
    ] {
        let account = super::account::Account::start().await;
        let mut environment: BTreeMap<String, String> = account.environment(GUARD).into_iter().collect();
        let contract = [
            ("ENFORCEMENT_MODE", "alert"),
            ("BACKUP_BUCKET", BUCKET),
            ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:alerts"),
            ("GUARD_ROLES", "guard-role"),
            (name, value),
        ];
        environment.extend(contract.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let mut guard = Function::start(env!("CARGO_BIN_EXE_guard"), &environment).await;
        assert!(matches!(guard.ready().await, Err(Failure::Exited(status)) if !status.success()), "{name}={value}");
        let output = guard.stop().await;
        assert_eq!(output.lines().count(), 1, "{output}");
        let line: Value = serde_json::from_str(&output).unwrap();
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(name), "{name}={value}: {line}");
        assert!(name != "ENFORCEMENT_MODE" || message.contains("alert, remediate or enforce"), "{line}");
        // It may have been meant for another variable.
        assert!(!message.contains("c4n4ry"), "{name}={value}: {line}");
        assert_eq!(line["level"], "ERROR");
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    }
}
