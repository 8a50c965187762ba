//! Each event is a few lines; one `check` reads it and compares with words.

use super::*;

fn home() -> Home {
    Home::new("us-east-1", "012345678912").unwrap()
}

const ARN: &str = "arn:aws:ecs:us-east-1:012345678912:task-definition/web:12";

fn event(name: &str, detail: &str) -> String {
    format!(
        r#"{{"id":"i","detail-type":"AWS API Call via CloudTrail","source":"aws.ecs","account":"012345678912",
        "region":"us-east-1","detail":{{"eventSource":"ecs.amazonaws.com","eventName":"{name}","eventID":"e-1",
        "recipientAccountId":"012345678912","awsRegion":"us-east-1"{detail}}}}}"#
    )
}

fn registration(request: &str, response: &str) -> String {
    let request = format!(r#"{{"family":"web","containerDefinitions":{request}}}"#);
    let response = format!(r#"{{"taskDefinition":{{"taskDefinitionArn":"{ARN}","containerDefinitions":{response}}}}}"#);
    event("RegisterTaskDefinition", &format!(r#","requestParameters":{request},"responseElements":{response}"#))
}

fn in_words(result: Result<Event, EventError>) -> String {
    match result {
        Ok(Event::FailedCall { task_definition, .. }) => format!("failed {}", task_definition.unwrap_or_default()),
        Ok(Event::Compliant { id, .. }) => format!("compliant {id}"),
        Ok(Event::Look { subject: Subject::Revision(id), .. }) => format!("look {id}"),
        Ok(Event::Look { subject: Subject::LatestOf(family), .. }) => format!("look latest {family}"),
        Ok(Event::Look { subject: Subject::Daemon(daemon), .. }) => {
            format!("look daemon {} {}", daemon.id, daemon.privileged_by_event.join(",")).trim_end().to_owned()
        }
        Ok(Event::Look { subject: Subject::Service { id, occasion: Occasion::Call }, .. }) => format!("look at {id}"),
        Ok(Event::Look { subject: Subject::Service { id: of, occasion: Occasion::Deployment { id } }, .. }) => {
            format!("look at {of} for {}", id.unwrap_or_default())
        }
        Err(error) => error.category().to_owned(),
    }
}

#[track_caller]
fn check(event: &str, expected: &str) {
    assert_eq!(in_words(parse(event, &home())), expected, "{event:.300}");
}

#[test]
fn only_a_complete_and_clean_list_proves_compliance() {
    const CLEAN: &str =
        r#"[{"name":"a"},{"name":"b","privileged":false,"environment":"HIDDEN"},{"name":"c","privileged":null}]"#;
    const PRIVILEGED: &str = r#"[{"name":"a","privileged":true}]"#;
    const HIDDEN: &str = r#""HIDDEN_DUE_TO_SECURITY_REASONS""#;
    for clean in [(CLEAN, CLEAN), (HIDDEN, CLEAN), (CLEAN, HIDDEN), ("{}", CLEAN), (CLEAN, "null")] {
        check(&registration(clean.0, clean.1), "compliant web:12");
    }
    for unknown in [
        HIDDEN,
        "[]",
        "{}",
        "null",
        "1",
        "[{}]",
        r#"["a"]"#,
        r#"[{"name":1}]"#,
        r#"[{"name":""}]"#,
        r#"[{"name":"a","privileged":"false"}]"#,
        r#"[{"name":"a","privileged":{}}]"#,
        r#"[{"name":"a"},null]"#,
        r#"[{"name":"a","privileged":false,"privileged":true}]"#,
        r#"[{"name":"a","privileged":true,"privileged":false}]"#,
        PRIVILEGED,
    ] {
        check(&registration(unknown, unknown), "look web:12");
        check(&registration(PRIVILEGED, unknown), "look web:12");
        check(&registration(unknown, PRIVILEGED), "look web:12");
    }
    check(&registration(PRIVILEGED, CLEAN), "look web:12");
    let twice = format!(r#"{CLEAN},"containerDefinitions":{PRIVILEGED}"#);
    check(&registration(CLEAN, &twice), "look web:12");
    check(&registration(CLEAN, PRIVILEGED), "look web:12");
}

#[test]
fn without_an_arn_the_familys_latest_is_looked_at() {
    let clean = r#"{"family":"web","containerDefinitions":[{"name":"a"}]}"#;
    for response in [
        "null",
        "{}",
        r#""HIDDEN""#,
        r#"{"taskDefinition":{"taskDefinitionArn":"HIDDEN"}}"#,
        r#"{"taskDefinition":"HIDDEN"}"#,
    ] {
        let detail = format!(r#","requestParameters":{clean},"responseElements":{response}"#);
        check(&event("RegisterTaskDefinition", &detail), "look latest web");
    }
    check(&event("RegisterTaskDefinition", ""), "event_names_nothing");
    check(&event("RegisterTaskDefinition", r#","requestParameters":null"#), "event_names_nothing");
}

#[test]
fn a_call_with_an_error_code_has_failed() {
    let detail = r#","errorCode":"AccessDenied","requestParameters":{"family":"web"},"responseElements":null"#;
    check(&event("RegisterTaskDefinition", detail), "failed web");
    check(&event("RegisterDaemonTaskDefinition", r#","errorCode":"ClientException""#), "failed ");
    check(&registration("null", "null").replace(r#""eventID""#, r#""errorCode":"","eventID""#), "look web:12");
    check(&event("RegisterTaskDefinition", r#","errorCode":"X","requestParameters":{"family":"a b"}"#), "failed ");
    check(&registration("null", "null").replace(r#""eventID""#, r#""errorCode":null,"eventID""#), "look web:12");
}

#[test]
fn a_daemon_task_definition_is_looked_at_under_its_own_name() {
    let daemon = |containers: &str| {
        let arn = "arn:aws:ecs:us-east-1:012345678912:daemon-task-definition/agent:3";
        event(
            "RegisterDaemonTaskDefinition",
            &format!(
                r#","requestParameters":{{"family":"agent","containerDefinitions":{containers}}},"responseElements":{{"daemonTaskDefinitionArn":"{arn}"}}"#
            ),
        )
    };
    check(&daemon(r#"[{"name":"a"}]"#), "compliant agent:3");
    check(&daemon(r#"[{"name":"a","privileged":true}]"#), "look daemon agent:3 a");
    check(&daemon("null"), "look daemon agent:3");
    check(&event("RegisterDaemonTaskDefinition", r#","requestParameters":{"family":"agent"}"#), "event_names_nothing");
    check(&daemon("null").replace("agent:3", "agent:0"), "event_unusable");
    check(&daemon("null").replace("daemon-task-definition/", "task-definition/"), "event_unusable");
}

#[test]
fn an_event_of_another_home_is_refused() {
    let good = registration("null", "null");
    check(&good.replace("us-east-1:012345678912", "us-east-1:999999999999"), "event_of_another_home");
    check(&good.replace("ecs:us-east-1", "ecs:eu-west-1"), "event_of_another_home");
    check(&good.replace("arn:aws:ecs:us-east-1", "arn:aws-cn:ecs:cn-north-1"), "event_of_another_home");
    check(&good.replace("arn:aws:ecs", "arn:aws-us-gov:ecs"), "event_unusable");
    let failed = event("RegisterTaskDefinition", r#","errorCode":"X""#);
    check(&failed.replace("012345678912", "999999999999"), "event_of_another_home");
    check(&failed.replace("us-east-1", "eu-west-1"), "event_of_another_home");
}

#[test]
fn what_is_no_event_is_refused_with_what_was_expected() {
    for (payload, expected) in [
        ("", "event_not_json"),
        ("{", "event_not_json"),
        ("null", "event_not_an_object"),
        ("[]", "event_not_an_object"),
        ("{}", "event_incomplete"),
        (r#"{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}"#, "event_of_another_kind"),
        (r#"{"detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":{}}"#, "event_of_another_kind"),
        (r#"{"detail-type":"AWS API Call via CloudTrail","source":"aws.ecs"}"#, "event_incomplete"),
    ] {
        check(payload, expected);
    }
    check(&event("DescribeTaskDefinition", ""), "event_of_another_kind");
}

#[test]
fn odd_identifiers_are_refused() {
    let good = registration("null", "null");
    let long = "w".repeat(256);
    for odd in ["web:0", "web:9223372036854775808", "web:-1", "web", &format!("{long}:1"), r"w\u0000b:1", "web:1:2", ""]
    {
        check(&good.replace("task-definition/web:12", &format!("task-definition/{odd}")), "event_unusable");
    }
    let family = format!(r#","requestParameters":{{"family":"{long}"}}"#);
    check(&event("RegisterTaskDefinition", &family), "event_unusable");
}

#[test]
fn size_and_depth_do_no_harm() {
    let deep = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
    check(&deep, "event_not_an_object");
    check(&registration(&deep, "null"), "look web:12");
    check(&"[".repeat(100_000), "event_not_json");
    let large = format!(r#"[{{"name":"a","command":["{}"]}}]"#, "x".repeat(1_000_000));
    check(&registration(&large, &large), "compliant web:12");
    let magic =
        r#"[{"name":"a","dockerLabels":{"$serde_json::private::RawValue":"{","$serde_json::private::Number":"1"}}]"#;
    check(&registration(magic, magic), "compliant web:12");
}

#[test]
fn an_error_shows_nothing_out_of_the_event() {
    for payload in [
        r#"{"detail-type":"canary","source":"canary","detail":"canary"}"#.to_owned(),
        event("canary", ""),
        registration("null", "null").replace("web:12", "canary:canary"),
        event("RegisterTaskDefinition", r#","requestParameters":{"family":"can ary"}"#),
        "{\"canary\":".to_owned(),
    ] {
        let error = parse(&payload, &home()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("can"), "{error}");
    }
}

#[test]
fn the_event_id_is_cloudtrails_own() {
    let Ok(Event::Look { provenance, .. }) = parse(&registration("null", "null"), &home()) else { panic!() };
    assert_eq!(provenance.event_id.as_deref(), Some("e-1"));
}
