//! The built guard as Lambda runs it, fed every file in `events/` and everything that is no event.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::account::{GUARD, PIPELINE, State};
use super::runtime_api::{Failure, Function};
use super::story::{BUCKET, Story, in_words};

const CANARY: &str = "c4n4ry-s3cr3t";

/// What the guard answers to each file in mode `remediate`, or the category of the error.
const EXPECTED: [(&str, &str); 22] = [
    ("assumed-role", "remediated web:22 sent"),
    ("batch", "alerted managed_by_batch sent"),
    ("china", "event_of_another_home"),
    ("cli", "superseded none"),
    ("cloudformation", "remediated ordersService8F3A2B1C:8 sent"),
    ("codepipeline", "superseded none"),
    ("compliant", "compliant none"),
    ("compliant-by-request", "compliant none"),
    ("console", "remediated builder:5 sent"),
    ("daemon", "alerted daemon_task_definition sent"),
    ("daemon-compliant", "compliant none"),
    ("failed-call", "failed_registration none"),
    ("github-action", "superseded none"),
    ("govcloud", "event_of_another_home"),
    ("hidden-containers", "superseded none"),
    ("identity-center", "superseded none"),
    ("omitted-arn", "compliant none"),
    ("omitted-members", "superseded none"),
    ("other-account", "event_of_another_home"),
    ("other-region", "event_of_another_home"),
    ("scheduled", "event_of_another_kind"),
    ("terraform", "remediated agent:32 sent"),
];

fn events() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = files.filter_map(|path| {
        let case = path.file_name()?.to_str()?.strip_prefix("guard-")?.strip_suffix(".json")?.to_owned();
        Some((case, fs::read_to_string(path).unwrap()))
    });
    named.collect()
}

/// An account in which each file's task definition stands where the file says.
fn account_of_the_events() -> State {
    let mut state = State::new("us-east-1", "012345678912");
    for (family, count) in
        [("web", 21), ("builder", 4), ("ordersService8F3A2B1C", 7), ("agent", 31), ("render-job_3", 1)]
    {
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

#[tokio::test]
async fn every_file_in_events_gets_its_answer() {
    let events = events();
    let files: Vec<&str> = events.keys().map(String::as_str).collect();
    assert_eq!(files, EXPECTED.map(|(case, _)| case), "each file has its row, and each row its file");

    for (case, expected) in EXPECTED {
        let mut state = account_of_the_events();
        if case == "assumed-role" {
            // The one story in which web:15 has no later revision that matters but its own.
            for number in 16..=21 {
                state.deregister(PIPELINE, &format!("web:{number}"));
            }
        }
        let mut story = Story::set_in(state, "remediate", &[]).await;
        story.account.state().forget_calls();
        let words = match story.guard.invoke(events[case].as_bytes()).await {
            Ok(answer) => in_words(&serde_json::from_str(&answer).unwrap()),
            Err(Failure::Error(error)) => {
                serde_json::from_str::<Value>(&error).unwrap()["errorType"].as_str().unwrap().to_owned()
            }
            Err(other) => panic!("{case}: {other:?}"),
        };
        assert_eq!(words, expected, "{case}");
        if case.starts_with("compliant") {
            assert_eq!(story.account.state().calls().len(), 0, "{case}: a compliant registration costs no call");
        }
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
        let answer = story.hand_over(&events()[case]).await;
        assert_eq!(in_words(&answer), "remediated web:13 sent", "{case}");
    }
}

#[tokio::test]
async fn what_is_no_event_fails_the_invocation_and_shows_nothing() {
    let good = events()["cli"].clone();
    let arn = |odd: &str| good.replace("task-definition/web:12", &format!("task-definition/{odd}"));
    let deep = format!(
        r#"{{"detail-type":"AWS API Call via CloudTrail","source":"aws.ecs","detail":{}1{}}}"#,
        "[".repeat(3_000),
        "]".repeat(3_000)
    );
    let large = format!(r#"{{"source":"{}"}}"#, CANARY.repeat(80_000));
    let with_canary = |event: String| event.replace("HIDDEN_DUE_TO_SECURITY_REASONS", CANARY);
    let mut story = Story::set_in(
        account_of_the_events(),
        "remediate",
        &[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")],
    )
    .await;
    story.account.state().forget_calls();
    for bad in [
        "not json".to_owned(),
        "null".into(),
        "{}".into(),
        "[]".into(),
        format!("\"{CANARY}\""),
        events()["scheduled"].clone(),
        with_canary(arn("web:0")),
        with_canary(arn("web:9223372036854775808")),
        with_canary(arn(&format!("{}:1", "w".repeat(256)))),
        with_canary(arn("w\\u0000b:1")),
        with_canary(events()["other-account"].clone()),
        with_canary(events()["other-region"].clone()),
        with_canary(events()["govcloud"].clone()),
        deep,
        large,
    ] {
        match story.guard.invoke(bad.as_bytes()).await {
            Err(Failure::Error(error)) => {
                let error: Value = serde_json::from_str(&error).unwrap();
                assert!(error["errorMessage"].as_str().unwrap().len() > 20, "{error}");
                assert!(!error.to_string().contains("panic") && !error.to_string().contains(CANARY), "{error}");
            }
            other => panic!("{bad:.200}: {other:?}"),
        }
    }
    assert_eq!(story.account.state().calls().len(), 0);
    let output = story.guard.stop().await;
    assert!(!output.contains(CANARY) && !output.contains("panicked"), "{output}");
}

#[tokio::test]
async fn no_value_out_of_a_container_reaches_log_alert_or_record() {
    for mode in ["alert", "remediate"] {
        let mut story =
            Story::set_in(account_of_the_events(), mode, &[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")])
                .await;
        story.hand_over(&events()["terraform"]).await;
        story.hand_over(&events()["cli"]).await;
        {
            let state = story.account.state();
            for key in state.s3.keys(BUCKET).into_iter().filter(|key| !key.starts_with("backups/")) {
                assert!(!String::from_utf8_lossy(state.s3.object(BUCKET, key).unwrap()).contains(CANARY), "{key}");
            }
            for message in state.sns.messages() {
                assert!(!format!("{message:?}").contains(CANARY));
            }
        }
        assert!(!story.guard.stop().await.contains(CANARY));
    }
}

#[tokio::test]
async fn each_run_logs_one_line_and_one_line_of_metrics() {
    let mut story = Story::set_in(account_of_the_events(), "remediate", &[]).await;
    story.hand_over(&events()["compliant"]).await;
    story.hand_over(&events()["terraform"]).await;
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
    let terraform: Value = serde_json::from_str(&events()["terraform"]).unwrap();
    assert_eq!(logs[1]["correlation_id"], terraform["detail"]["eventID"]);
    assert_eq!((metrics[1]["Found"].as_f64(), metrics[1]["Remediated"].as_f64()), (Some(1.0), Some(1.0)));
    assert!(metrics[1]["SecondsToRemedy"].is_number());
}

#[tokio::test]
async fn a_wrong_environment_stops_the_start_with_one_line_that_names_the_variable() {
    for (name, value) in [
        ("ENFORCEMENT_MODE", "off"),
        ("ENFORCEMENT_MODE", "enforce"),
        ("ENFORCEMENT_MODE", ""),
        ("BACKUP_BUCKET", ""),
        ("ALERT_TOPIC_ARN", "alerts"),
        ("GUARD_ROLES", ""),
        ("EXEMPT_FAMILIES", "*"),
        ("REMEDIATE_FAMILIES", "a b"),
        ("OUTPUT_ONLY_MEMBERS", "family"),
        ("RUNBOOK_URL", "javascript:alert(1)"),
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
        assert!(line["message"].as_str().unwrap().starts_with(name), "{name}: {line}");
        assert_eq!(line["level"], "ERROR");
    }
}
