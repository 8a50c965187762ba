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
            format!("look at {of} for {}", id.unwrap_or_default()).trim_end().to_owned()
        }
        Ok(Event::NotOurs { .. }) => "not ours".to_owned(),
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
    // So is any object on the way to it.
    let clean = format!(r#"{{"taskDefinitionArn":"{ARN}","containerDefinitions":{CLEAN}}}"#);
    let answer = format!(r#""responseElements":{{"taskDefinition":{clean}}}"#);
    for twice in [
        format!(r#","requestParameters":{clean},"requestParameters":{{}},{answer}"#),
        format!(r#",{answer},"responseElements":{{}}"#),
        format!(r#","responseElements":{{"taskDefinition":{clean},"taskDefinition":{{}}}}"#),
    ] {
        check(&event("RegisterTaskDefinition", &twice), "look web:12");
    }
    let whole = event("RegisterTaskDefinition", &format!(r#","requestParameters":{clean},{answer}"#));
    check(&whole, "compliant web:12");
    let open = whole.strip_suffix('}').unwrap();
    check(&format!(r#"{open},"detail":{{}}}}"#), "look web:12");
    // Nor does a failure that is given twice.
    let failed = format!(r#","errorCode":"AccessDenied","errorCode":null,"requestParameters":{clean},{answer}"#);
    check(&event("RegisterTaskDefinition", &failed), "look web:12");
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
    // It could be a family's name, and a look at it would find nothing, and say so of nobody's.
    let hidden = r#","requestParameters":{"family":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#;
    check(&event("RegisterTaskDefinition", hidden), "event_names_nothing");
    let hidden = hidden.replace("family", "taskDefinition");
    check(&event("DeregisterTaskDefinition", &hidden), "event_names_nothing");
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
    // Of two values one was not looked at.
    let clean = daemon(r#"[{"name":"a"}]"#);
    for twice in [r#""requestParameters":{}"#, r#""responseElements":{}"#, r#""errorCode":"X","errorCode":null"#] {
        let doubtful = format!("{},{twice}}}}}", clean.strip_suffix("}}").unwrap());
        check(&doubtful, "look daemon agent:3");
    }
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
    let of_a_task = deployment("", "{}").replace("ECS Deployment State Change", "ECS Task State Change");
    let refusal = parse(&of_a_task, &home()).unwrap_err().to_string();
    for kind in ["AWS API Call via CloudTrail", "ECS Deployment State Change"] {
        assert!(refusal.contains(kind), "{refusal}");
    }
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

const SERVICE: &str = "arn:aws:ecs:us-east-1:012345678912:service/prod/web";

fn update(request: &str, response: &str) -> String {
    event("UpdateService", &format!(r#","requestParameters":{request},"responseElements":{response}"#))
}

fn updated(arn: &str) -> String {
    update(
        r#"{"cluster":"prod","service":"web"}"#,
        &format!(r#"{{"service":{{"serviceArn":"{arn}","taskDefinition":"HIDDEN"}}}}"#),
    )
}

fn deployment(arns: &str, detail: &str) -> String {
    format!(
        r#"{{"id":"i","detail-type":"ECS Deployment State Change","source":"aws.ecs","account":"012345678912",
        "region":"us-east-1"{arns},"detail":{detail}}}"#
    )
}

fn deregistration(request: &str, response: &str) -> String {
    event("DeregisterTaskDefinition", &format!(r#","requestParameters":{request},"responseElements":{response}"#))
}

fn deregistered(arn: &str) -> String {
    deregistration(
        r#"{"taskDefinition":"other:1"}"#,
        &format!(r#"{{"taskDefinition":{{"taskDefinitionArn":"{arn}"}}}}"#),
    )
}

#[test]
fn a_service_is_looked_at_by_its_arn_and_without_one_by_the_request() {
    check(&updated(SERVICE), "look at prod/web");
    // The answer is ECS's word, the request only the caller's.
    check(&updated(SERVICE).replace("service/prod/web", "service/other/api"), "look at other/api");
    let request = r#"{"cluster":"prod","service":"web","taskDefinition":"HIDDEN"}"#;
    for hidden in [
        "null",
        "{}",
        r#""HIDDEN""#,
        r#"{"service":"HIDDEN"}"#,
        r#"{"service":{"taskDefinition":"web:12"}}"#,
        r#"{"service":{"serviceArn":"HIDDEN"}}"#,
        r#"{"service":{"serviceArn":null}}"#,
        // The old form names no cluster.
        r#"{"service":{"serviceArn":"arn:aws:ecs:us-east-1:012345678912:service/web"}}"#,
    ] {
        check(&update(request, hidden), "look at prod/web");
    }
    for (request, expected) in [
        (r#"{"cluster":"prod","serviceName":"web"}"#, "look at prod/web"),
        (r#"{"cluster":"arn:aws:ecs:us-east-1:012345678912:cluster/prod","service":"web"}"#, "look at prod/web"),
        (r#"{"cluster":"prod","service":"arn:aws:ecs:us-east-1:012345678912:service/prod/web"}"#, "look at prod/web"),
        (r#"{"cluster":"prod","service":"arn:aws:ecs:us-east-1:012345678912:service/web"}"#, "look at prod/web"),
        (r#"{"service":"web"}"#, "look at default/web"),
        (r#"{"cluster":null,"service":"web"}"#, "look at default/web"),
        (r#"{"cluster":"prod"}"#, "event_names_nothing"),
        ("{}", "event_names_nothing"),
        ("null", "event_names_nothing"),
        (r#""HIDDEN""#, "event_names_nothing"),
    ] {
        check(&update(request, "null"), expected);
    }
    check(&event("CreateService", ""), "event_names_nothing");
}

#[test]
fn a_service_that_would_leave_its_place_in_a_key_is_refused() {
    let long = "w".repeat(256);
    for odd in ["..", ".", "", "a b", r"w\u0000b", r"w\nb", "w%2fb", "w:1", &long] {
        check(&update(&format!(r#"{{"cluster":"prod","service":"{odd}"}}"#), "null"), "event_unusable");
        check(&update(&format!(r#"{{"cluster":"{odd}","service":"web"}}"#), "null"), "event_unusable");
        // An answer that cannot be used is as good as none.
        check(&updated(&SERVICE.replace("/web", &format!("/{odd}"))), "look at prod/web");
        let arn = SERVICE.replace("/web", &format!("/{odd}"));
        check(&deployment(&format!(r#","resources":["{arn}"]"#), "{}"), "event_unusable");
    }
    // Only the last part is a name, so nothing climbs.
    check(&update(r#"{"cluster":"prod/../staging","service":"../../web"}"#, "null"), "look at staging/web");
}

#[test]
fn a_service_of_another_home_is_refused() {
    const OTHERS: [&str; 3] = [
        "arn:aws:ecs:us-east-1:999999999999:service/prod/web",
        "arn:aws:ecs:eu-west-1:012345678912:service/prod/web",
        "arn:aws-cn:ecs:cn-north-1:012345678912:service/prod/web",
    ];
    for other in OTHERS {
        check(&updated(other), "event_of_another_home");
        check(&deployment(&format!(r#","resources":["{other}"]"#), "{}"), "event_of_another_home");
        let definition = other.replace("service/prod/web", "task-definition/web:12");
        check(&deregistered(&definition), "event_of_another_home");
        check(&deregistration(&format!(r#"{{"taskDefinition":"{definition}"}}"#), "null"), "event_of_another_home");
    }
    let by_request = update(r#"{"cluster":"prod","service":"web"}"#, "null");
    let by_name = deregistration(r#"{"taskDefinition":"web:12"}"#, "null");
    for good in [by_request, by_name] {
        check(&good.replace("012345678912", "999999999999"), "event_of_another_home");
        check(&good.replace("us-east-1", "eu-west-1"), "event_of_another_home");
        check(&good.replace("us-east-1", "cn-north-1"), "event_of_another_home");
    }
}

#[test]
fn a_call_about_a_service_with_an_error_code_has_failed() {
    let request = r#"{"cluster":"prod","service":"web","taskDefinition":"web:12"}"#;
    for name in ["CreateService", "UpdateService", "DeregisterTaskDefinition"] {
        let failed = |code: &str| event(name, &format!(r#","errorCode":{code},"requestParameters":{request}"#));
        check(&failed(r#""ClientException""#), "failed ");
        check(&failed(r#""ClientException""#).replace("us-east-1", "eu-west-1"), "event_of_another_home");
        let looked_at = if name == "DeregisterTaskDefinition" { "look latest web" } else { "look at prod/web" };
        check(&failed(r#""""#), looked_at);
        check(&failed("null"), looked_at);
    }
}

#[test]
fn after_a_deregistration_the_familys_latest_is_looked_at() {
    check(&deregistered(ARN), "look latest web");
    for request in [r#"{"taskDefinition":"web:12"}"#, r#"{"taskDefinition":"web"}"#] {
        check(&deregistration(request, "null"), "look latest web");
        check(&deregistration(request, r#"{"taskDefinition":"HIDDEN"}"#), "look latest web");
        check(&deregistration(request, r#"{"taskDefinition":{"taskDefinitionArn":"HIDDEN"}}"#), "look latest web");
    }
    check(&deregistration(&format!(r#"{{"taskDefinition":"{ARN}"}}"#), "null"), "look latest web");
    check(&event("DeregisterTaskDefinition", r#","requestParameters":{"taskDefinition":"web:12"}"#), "look latest web");
    check(&deregistration(r#"{"taskDefinition":"w b:12"}"#, "null"), "event_unusable");
    for nothing in ["{}", "null", r#""HIDDEN""#, r#"{"taskDefinition":null}"#] {
        check(&deregistration(nothing, "null"), "event_names_nothing");
    }
}

#[test]
fn the_event_of_a_deployment_names_its_service_in_its_resources() {
    let named = format!(r#","resources":["{SERVICE}"]"#);
    check(&deployment(&named, r#"{"deploymentId":"ecs-svc/1"}"#), "look at prod/web for ecs-svc/1");
    check(&deployment(&named, r#"{"deploymentId":null,"eventName":"LATER"}"#), "look at prod/web for");
    for none in ["", r#","resources":[]"#, r#","resources":null"#, r#","resources":"HIDDEN""#, r#","resources":[1]"#] {
        check(&deployment(none, "{}"), "event_incomplete");
    }
    check(&deployment(r#","resources":["HIDDEN"]"#, "{}"), "event_unusable");
    // The old form names no cluster, and nothing else in the event does: no move can be found, and sweep finds the service.
    check(&deployment(&named.replace("prod/", ""), "{}"), "not ours");
    check(&deployment(&named, "null"), "event_incomplete");
    check(&deployment(&named, "{}").replace("aws.ecs", "aws.s3"), "event_of_another_kind");
}

/// Neither who deregistered a revision nor who deployed says who registered what is looked at then.
#[test]
fn what_is_looked_at_on_another_occasion_has_no_author() {
    let by_jane = r#""eventID":"e-1","userAgent":"aws-cli/2.31.9","userIdentity":{"type":"IAMUser","userName":"jane"}"#;
    let read = |event: &str| match parse(&event.replace(r#""eventID":"e-1""#, by_jane), &home()) {
        Ok(Event::Look { provenance, event_id, .. }) => (provenance.actor_text(), provenance.event_id, event_id),
        other => panic!("{other:?}"),
    };
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(read(&updated(SERVICE)), (Some("IAMUser jane".into()), id("e-1"), id("e-1")));
    assert_eq!(read(&deregistered(ARN)), (None, None, id("e-1")));
    assert_eq!(read(&deployment(&format!(r#","resources":["{SERVICE}"]"#), "{}")), (None, id("i"), id("i")));
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
        event("UpdateService", r#","requestParameters":{"cluster":"can ary","service":"canary"}"#),
        event("UpdateService", r#","requestParameters":{"cluster":"canary","service":"can ary"}"#),
        event("DeregisterTaskDefinition", r#","requestParameters":{"taskDefinition":"can ary:1"}"#),
        deployment(
            r#","resources":["arn:aws:ecs:us-east-1:012345678912:service/can ary/web"]"#,
            r#"{"reason":"canary"}"#,
        ),
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

#[test]
fn an_arn_that_cannot_be_read_is_no_family() {
    let mut wrong = Vec::new();
    for odd in [
        "arn:aws:ecs:us-east-1:012345678912:task-definition/web:0",
        "arn:aws-us-gov:ecs:us-east-1:012345678912:task-definition/web:12",
        "arn:aws:ecs:us-east-1:012345678912:daemon-task-definition/web:12",
    ] {
        for event in [deregistration(&format!(r#"{{"taskDefinition":"{odd}"}}"#), "null"), deregistered(odd)] {
            let said = in_words(parse(&event, &home()));
            if said != "event_unusable" {
                wrong.push(format!("{odd}: {said}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_services_arn_names_its_cluster() {
    check(&update(r#"{"service":"arn:aws:ecs:us-east-1:012345678912:service/prod/web"}"#, "null"), "look at prod/web");
}

#[test]
fn a_daemons_revision_has_an_arn_of_its_own_kind() {
    let daemon = DaemonTaskDefinition { id: "agent:3".parse().unwrap(), privileged_by_event: Vec::new() };
    assert_eq!(daemon.arn(&home()), "arn:aws:ecs:us-east-1:012345678912:daemon-task-definition/agent:3");
}

#[test]
fn what_is_refused_is_named_all_the_same() {
    let refused = event("RegisterTaskDefinition", "").replace("aws.ecs", "aws.s3");
    assert!(parse(&refused, &home()).is_err());
    assert_eq!(id(&refused).as_deref(), Some("e-1"));
    assert_eq!([id("{}"), id("[]"), id("{")], [None, None, None]);
}
