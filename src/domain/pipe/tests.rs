//! The pipe as it should be, and each way in which it is not.

use jiff::Timestamp;

use super::super::arn::Home;
use super::super::failure::{CallFailure, Cause, Transient};
use super::super::sweep::evidence::Shown;
use super::alarms::Alarm;
use super::functions::{Function, State};
use super::queues::Queue;
use super::rules::{Described, Rule, WAITS_FOR};
use super::stack::{Resource, Stack};
use super::topic::Subscription;
use super::trail::{Field, Selector, Selectors, Trail};
use super::{Health, Part, Pipe, Row, Typed, judge};

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:alerts";
const RULE: &str = "arn:aws:events:eu-west-1:111122223333:rule/s-Rule-1";
const PATTERN: &str = r#"{"source":["aws.ecs"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":["ecs.amazonaws.com"],"eventName":["RegisterTaskDefinition","RegisterDaemonTaskDefinition"]}}"#;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:eu-west-1:111122223333:rule/s-Rule-1"}}}]}"#;
const REPORT: &str = r#"{"schemaVersion":1,"mode":"alert","at":"2026-01-15T11:48:00Z","complete":true,"unseen":[],"missedByEvent":[],"totals":{"families":0,"revisions":0,"revisionsLookedAt":0,"byState":{},"newestPrivileged":0,"runningPrivileged":0,"callablePrivileged":0,"servicesOnPrivileged":0},"families":[],"exemptions":[],"exemptFamilies":[]}"#;

fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn denied(action: &'static str) -> CallFailure {
    failed(action, "AccessDeniedException", Cause::AccessDenied { action })
}

fn gone(action: &'static str, code: &str) -> CallFailure {
    failed(action, code, Cause::Refused)
}

fn failed(action: &'static str, code: &str, cause: Cause) -> CallFailure {
    CallFailure { action, resource: "arn:aws:x:::y".to_owned(), code: Some(code.to_owned()), request_id: None, cause }
}

fn resource(logical: &str, kind: &str) -> Resource {
    Resource {
        logical: logical.to_owned(),
        physical: format!("s-{logical}-1"),
        kind: kind.to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
    }
}

fn rule(logical: &str, target: &str) -> Rule {
    let name = format!("s-{logical}-1");
    let arn = format!("arn:aws:events:eu-west-1:111122223333:rule/{name}");
    let described = Described { arn, state: "ENABLED".to_owned(), pattern: PATTERN.to_owned() };
    Rule { logical: logical.to_owned(), name, described: Ok(described), targets: Ok(vec![target.to_owned()]) }
}

fn function(logical: &str) -> Function {
    Function {
        logical: logical.to_owned(),
        name: format!("s-{logical}-1"),
        state: Ok(State { state: "Active".to_owned(), last_update: "Successful".to_owned() }),
        reserved: Ok(Some(10)),
        policy: (logical == "Guard").then(|| Ok(Some(POLICY.to_owned()))),
    }
}

fn trail() -> Trail {
    Trail {
        arn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit".to_owned(),
        name: "audit".to_owned(),
        home_region: "eu-west-1".to_owned(),
        is_multi_region: false,
        is_logging: Ok(true),
        selectors: Ok(Selectors::default()),
    }
}

fn subscription(protocol: &str, endpoint: &str, is_confirmed: bool) -> Subscription {
    let arn = if is_confirmed { "arn:aws:sns:eu-west-1:111122223333:alerts:1" } else { "PendingConfirmation" };
    Subscription { protocol: protocol.to_owned(), endpoint: endpoint.to_owned(), arn: arn.to_owned() }
}

fn alarm(logical: &str) -> Alarm {
    Alarm {
        name: format!("s-{logical}-1"),
        state: "OK".to_owned(),
        is_enabled: true,
        actions: vec![TOPIC.to_owned()],
        description: "It is so. RUNBOOK.md#alarm-failures".to_owned(),
    }
}

fn well() -> Pipe {
    let kinds = [
        ("Rule", "AWS::Events::Rule"),
        ("Guard", "AWS::Lambda::Function"),
        ("FailureQueue", "AWS::SQS::Queue"),
        ("FailuresAlarm", "AWS::CloudWatch::Alarm"),
        ("NoSweepAlarm", "AWS::CloudWatch::Alarm"),
        ("SweepSchedule", "AWS::Scheduler::Schedule"),
    ];
    let outputs = [("SubscribeCommand", "subscribe!"), ("SweepCommand", "sweep!"), ("RedriveCommand", "redrive!")];
    Pipe {
        home: Home::new("eu-west-1", "111122223333").unwrap(),
        typed: Typed::default(),
        stack: Stack {
            name: "s".to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            parameters: [("SweepIntervalHours".to_owned(), "2".to_owned())].into(),
            outputs: outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        },
        resources: Ok(kinds.map(|(logical, kind)| resource(logical, kind)).to_vec()),
        trails: Ok(vec![trail()]),
        rules: vec![
            rule("Rule", "arn:aws:lambda:eu-west-1:111122223333:function:s-Guard-1"),
            rule("TamperedRules", TOPIC),
        ],
        functions: ["Guard", "Sweep", "Backout"].map(function).to_vec(),
        topic: (TOPIC.to_owned(), Ok(vec![subscription("email", "jane@example.com", true)])),
        queues: ["FailureQueue", "RuleDeadLetterQueue"]
            .map(|logical| Queue { logical: logical.to_owned(), messages: Ok(0) })
            .to_vec(),
        last_report: Ok(Some(Shown::read(REPORT))),
        alarms: Ok(["FailuresAlarm", "NoSweepAlarm"].map(alarm).to_vec()),
    }
}

/// What is said of a part when this much is otherwise; that all is well is left out where something is not.
#[track_caller]
fn check(part: Part, otherwise: impl FnOnce(&mut Pipe), expected: &[&str]) {
    let mut pipe = well();
    otherwise(&mut pipe);
    let rows = judge(&pipe, now());
    let of_part = |row: &&Row| row.part == part;
    let all: Vec<String> = rows.iter().filter(of_part).map(in_words).collect();
    let sick: Vec<&String> = all.iter().filter(|row| !row.starts_with("ok: ")).collect();
    let said = if sick.is_empty() { all.iter().collect() } else { sick };
    assert_eq!(said, expected);
    // Nothing else is taken for ill because of it.
    let others = rows.iter().filter(|row| row.part != part && row.health == Health::Broken);
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&Row>::new());
    assert!(rows.iter().all(|row| row.todo.is_some() == (row.health != Health::Ok)), "{rows:?}");
}

fn in_words(row: &Row) -> String {
    let denied = if row.is_denied() { " (denied)" } else { "" };
    let todo = row.todo.as_ref().map(|todo| format!(" -> {todo}")).unwrap_or_default();
    format!("{}{denied}: {}{todo}", row.health.in_words(), row.says)
}

#[test]
fn a_pipe_that_is_alive_has_a_row_a_part_and_nothing_to_do() {
    let rows: Vec<String> =
        judge(&well(), now()).iter().map(|row| format!("{}: {}", row.part.as_str(), in_words(row))).collect();
    let expected = [
        "stack: ok: s: UPDATE_COMPLETE, 6 resources",
        "trail: ok: audit logs management events that write",
        "rules: ok: enabled, with their targets: 2 rules",
        "functions: ok: can start: Guard, Sweep, Backout",
        "subscriptions: ok: 1 confirmed",
        "queues: ok: empty: 2 dead-letter queues",
        "last_sweep: ok: ended 12 minutes ago, complete",
        "alarms: ok: none rings: 2 alarms",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_stack_is_judged_by_its_status_and_what_it_has_made() {
    let look = "aws cloudformation describe-stack-events --region eu-west-1 --stack-name s says why";
    for (status, expected) in [
        ("CREATE_COMPLETE", "ok: s: CREATE_COMPLETE, 6 resources".to_owned()),
        (
            "UPDATE_ROLLBACK_COMPLETE",
            format!("warning: s: UPDATE_ROLLBACK_COMPLETE: the last change failed, and all is as before it -> {look}"),
        ),
        (
            "UPDATE_IN_PROGRESS",
            "warning: s: UPDATE_IN_PROGRESS: what is seen now may change -> ask again when it has come to its end"
                .to_owned(),
        ),
        ("ROLLBACK_COMPLETE", format!("broken: s: ROLLBACK_COMPLETE -> {look}")),
        ("UPDATE_ROLLBACK_FAILED", format!("broken: s: UPDATE_ROLLBACK_FAILED -> {look}")),
        ("DELETE_IN_PROGRESS", format!("broken: s: DELETE_IN_PROGRESS -> {look}")),
        ("DELETE_COMPLETE", format!("broken: s: DELETE_COMPLETE -> {look}")),
    ] {
        check(Part::Stack, |pipe| pipe.stack.status = status.to_owned(), &[&expected]);
    }
    let sick = |pipe: &mut Pipe| pipe.resources.as_mut().unwrap()[0].status = "UPDATE_FAILED".to_owned();
    check(Part::Stack, sick, &[&format!("broken: s: UPDATE_COMPLETE, but not Rule -> {look}")]);
}

#[test]
fn what_has_no_name_is_not_taken_for_gone() {
    let mut pipe = well();
    pipe.resources = Err(denied("cloudformation:ListStackResources"));
    (pipe.rules, pipe.functions, pipe.queues, pipe.alarms) = (Vec::new(), Vec::new(), Vec::new(), Ok(Vec::new()));
    let rows = judge(&pipe, now());
    let parts: Vec<Part> = rows.iter().map(|row| row.part).collect();
    assert_eq!(parts, [Part::Stack, Part::Trail, Part::Subscriptions, Part::LastSweep]);
    assert_eq!(
        in_words(&rows[0]),
        "not seen (denied): s: UPDATE_COMPLETE; rules, functions, queues and alarms were not looked at: \
         cloudformation:ListStackResources failed: access denied -> your role needs this statement: \
         {\"Action\":\"cloudformation:ListStackResources\",\"Effect\":\"Allow\",\"Resource\":\"arn:aws:x:::y\"}"
    );
}

const STOPPED: &str = "broken: audit does not log: it is stopped -> aws cloudtrail start-logging --region eu-west-1 --name \
                       arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit";

#[test]
fn a_trail_must_log_here_now_and_what_writes() {
    let none = "broken: no trail logs this Region -> create a trail that logs management events that write, in this Region \
                or in all: EventBridge hears of no registration without one";
    check(Part::Trail, |pipe| pipe.trails = Ok(Vec::new()), &[none]);
    let elsewhere = |pipe: &mut Pipe| pipe.trails.as_mut().unwrap()[0].home_region = "us-east-1".to_owned();
    check(Part::Trail, elsewhere, &[none]);
    let of_all_regions = |pipe: &mut Pipe| {
        let trail = &mut pipe.trails.as_mut().unwrap()[0];
        (trail.home_region, trail.is_multi_region) = ("us-east-1".to_owned(), true);
    };
    check(Part::Trail, of_all_regions, &["ok: audit logs management events that write"]);
    let stopped = |pipe: &mut Pipe| pipe.trails.as_mut().unwrap()[0].is_logging = Ok(false);
    check(Part::Trail, stopped, &[STOPPED]);
    let of_an_organization = |pipe: &mut Pipe| {
        stopped(pipe);
        pipe.trails.as_mut().unwrap()[0].arn = "arn:aws:cloudtrail:eu-west-1:999999999999:trail/audit".to_owned();
    };
    let ask = "it is account 999999999999's, which alone can start it; or create a trail here";
    check(Part::Trail, of_an_organization, &[&format!("broken: audit does not log: it is stopped -> {ask}")]);
    // What they have can be changed by them alone, too.
    let of_theirs = |pipe: &mut Pipe| {
        of_an_organization(pipe);
        let selector = Selector { management: true, read_write: "ReadOnly".to_owned(), excluded: Vec::new() };
        pipe.trails.as_mut().unwrap()[0].selectors = Ok(Selectors { simple: vec![selector], advanced: Vec::new() });
    };
    let ask = "it is account 999999999999's, which alone can change it; or create a trail here";
    let says = "no trail logs registrations: audit leaves out management events that write";
    check(Part::Trail, of_theirs, &[&format!("broken: {says} -> {ask}")]);
    // One of our own is put right before anybody else is asked.
    let beside_ours = |pipe: &mut Pipe| {
        of_an_organization(pipe);
        pipe.trails.as_mut().unwrap().push(Trail { is_logging: Ok(false), ..trail() });
    };
    check(Part::Trail, beside_ours, &[STOPPED]);
    let another = |pipe: &mut Pipe| {
        pipe.trails = Ok(vec![Trail { is_logging: Ok(false), ..trail() }, Trail { name: "b".to_owned(), ..trail() }]);
    };
    check(Part::Trail, another, &["ok: b logs management events that write"]);
}

#[test]
fn a_trail_that_cannot_be_asked_is_not_seen_and_never_none() {
    let list = |pipe: &mut Pipe| pipe.trails = Err(denied("cloudtrail:DescribeTrails"));
    check(
        Part::Trail,
        list,
        &[
            "not seen (denied): whether a trail logs registrations: cloudtrail:DescribeTrails failed: access denied -> your \
           role needs this statement: {\"Action\":\"cloudtrail:DescribeTrails\",\"Effect\":\"Allow\",\"Resource\":\
           \"arn:aws:x:::y\"}",
        ],
    );
    let status = |pipe: &mut Pipe| {
        pipe.trails = Ok(vec![
            Trail { is_logging: Ok(false), ..trail() },
            Trail { name: "b".to_owned(), is_logging: Err(denied("cloudtrail:GetTrailStatus")), ..trail() },
        ]);
    };
    let mut pipe = well();
    status(&mut pipe);
    let rows = judge(&pipe, now());
    let row = rows.iter().find(|row| row.part == Part::Trail).unwrap();
    assert!(row.is_denied() && row.says.starts_with("whether b logs registrations: "), "{row:?}");
    // One that is known to log nothing of use needs no permission.
    let stopped = |pipe: &mut Pipe| {
        let trail = &mut pipe.trails.as_mut().unwrap()[0];
        (trail.is_logging, trail.selectors) = (Ok(false), Err(denied("cloudtrail:GetEventSelectors")));
    };
    check(Part::Trail, stopped, &[STOPPED]);
}

#[test]
fn what_a_trail_logs_follows_from_its_selectors() {
    let simple = |management, read_write: &str, excluded: &[&str]| Selectors {
        simple: vec![Selector {
            management,
            read_write: read_write.to_owned(),
            excluded: excluded.iter().map(|it| (*it).to_owned()).collect(),
        }],
        advanced: Vec::new(),
    };
    let field = |name: &str, equals: &[&str], not: &[&str]| Field {
        name: name.to_owned(),
        equals: equals.iter().map(|it| (*it).to_owned()).collect(),
        not_equals: not.iter().map(|it| (*it).to_owned()).collect(),
        has_more: false,
    };
    let management = || field("eventCategory", &["Management"], &[]);
    let advanced = |more: Option<Field>| {
        let fields = [management()].into_iter().chain(more).collect();
        Selectors { simple: Vec::new(), advanced: vec![fields] }
    };
    for (selectors, expected) in [
        (Selectors::default(), true),
        (simple(true, "All", &[]), true),
        (simple(true, "WriteOnly", &["kms.amazonaws.com"]), true),
        (simple(true, "ReadOnly", &[]), false),
        (simple(false, "All", &[]), false),
        (simple(true, "All", &["ecs.amazonaws.com"]), false),
        (advanced(None), true),
        (advanced(Some(field("readOnly", &["false"], &[]))), true),
        (advanced(Some(field("readOnly", &["true"], &[]))), false),
        (advanced(Some(field("eventSource", &[], &["kms.amazonaws.com"]))), true),
        (advanced(Some(field("eventSource", &[], &["ecs.amazonaws.com"]))), false),
        (advanced(Some(field("eventSource", &["s3.amazonaws.com"], &[]))), false),
        (advanced(Some(field("userIdentity.arn", &["x"], &[]))), false),
        (advanced(Some(Field { has_more: true, ..field("eventSource", &[], &[]) })), false),
        (Selectors { simple: Vec::new(), advanced: vec![vec![field("eventCategory", &["Data"], &[])]] }, false),
        (Selectors { simple: Vec::new(), advanced: vec![vec![field("readOnly", &["false"], &[])]] }, false),
    ] {
        assert_eq!(selectors.log_registrations(), expected, "{selectors:?}");
    }
    let reads = |pipe: &mut Pipe| pipe.trails.as_mut().unwrap()[0].selectors = Ok(simple(true, "ReadOnly", &[]));
    check(
        Part::Trail,
        reads,
        &[
            "broken: no trail logs registrations: audit leaves out management events that write -> let it log them: aws \
           cloudtrail get-event-selectors --region eu-west-1 --trail-name \
           arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit shows what it logs, and put-event-selectors replaces all \
           of that",
        ],
    );
}

#[test]
fn a_rule_must_be_enabled_wait_for_registrations_and_reach_its_target() {
    let put_back = "a deployment that changes the rule puts it back: RUNBOOK.md#tampering-rules";
    let state =
        |state: &'static str| move |pipe: &mut Pipe| pipe.rules[0].described.as_mut().unwrap().state = state.to_owned();
    check(
        Part::Rules,
        state("DISABLED"),
        &["broken: Rule is DISABLED -> aws events enable-rule --region eu-west-1 --name s-Rule-1"],
    );
    check(
        Part::Rules,
        state("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
        &["ok: enabled, with their targets: 2 rules"],
    );
    let gone_by =
        |pipe: &mut Pipe| pipe.rules[0].described = Err(gone("events:DescribeRule", "ResourceNotFoundException"));
    check(Part::Rules, gone_by, &[&format!("broken: Rule is gone -> {put_back}")]);
    // It was deleted between the two questions.
    let meanwhile =
        |pipe: &mut Pipe| pipe.rules[0].targets = Err(gone("events:ListTargetsByRule", "ResourceNotFoundException"));
    check(Part::Rules, meanwhile, &[&format!("broken: Rule is gone -> {put_back}")]);
    let none = |pipe: &mut Pipe| _ = pipe.rules.remove(0);
    check(
        Part::Rules,
        none,
        &["broken: the stack has no rule for registrations -> deploy it again; --stack names the guard's stack"],
    );
    let no_target = |pipe: &mut Pipe| pipe.rules[0].targets = Ok(vec![TOPIC.to_owned()]);
    let says = "does not start the guard: its target is not there";
    check(Part::Rules, no_target, &[&format!("broken: Rule {says} -> {put_back}")]);
    let other_topic = |pipe: &mut Pipe| pipe.rules[1].targets = Ok(vec![format!("{TOPIC}-of-others")]);
    check(Part::Rules, other_topic, &[&format!("broken: TamperedRules does not tell the alert topic -> {put_back}")]);
}

#[test]
fn the_rule_must_let_through_all_that_the_templates_does() {
    let expected = "broken: Rule may miss registrations: its pattern is not the template's -> a deployment that changes the \
                    rule puts it back: RUNBOOK.md#tampering-rules";
    let ok = "ok: enabled, with their targets: 2 rules";
    let names = r#""eventName":["RegisterTaskDefinition","RegisterDaemonTaskDefinition"]"#;
    let with = |more: &str| PATTERN.replace(names, &format!("{names},{more}"));
    for (pattern, is_as_wide) in [
        (PATTERN.to_owned(), true),
        // Nobody misses anything by these.
        (PATTERN.replace(r#""detail-type":["AWS API Call via CloudTrail"],"#, ""), true),
        (PATTERN.replace(r#"["aws.ecs"]"#, r#"["aws.s3","aws.ecs"]"#), true),
        (String::new(), false),
        ("{}".to_owned(), false),
        ("[]".to_owned(), false),
        (r#"{"source":["aws.ecs"]}"#.to_owned(), false),
        (PATTERN.replace("RegisterTask", "DeregisterTask"), false),
        (PATTERN.replace(r#","RegisterDaemonTaskDefinition""#, ""), false),
        (PATTERN.replace(r#""RegisterTaskDefinition","#, ""), false),
        (PATTERN.replace("aws.ecs", "aws.s3"), false),
        (PATTERN.replace("ecs.amazonaws.com", "s3.amazonaws.com"), false),
        (PATTERN.replace("AWS API Call", "AWS Console Action"), false),
        (PATTERN.replace(r#"["aws.ecs"]"#, r#""aws.ecs""#), false),
        (PATTERN.replace(r#"{"source""#, r#"{"account":["111122223333"],"source""#), false),
        (with(r#""requestParameters":{"family":["one"]}"#), false),
        (with(r#""userIdentity":{"arn":[{"anything-but":"arn:aws:iam::111122223333:user/mallory"}]}"#), false),
        (with(r#""$or":[{"errorCode":[{"exists":false}]}]"#), false),
    ] {
        let changed = |pipe: &mut Pipe| pipe.rules[0].described.as_mut().unwrap().pattern.clone_from(&pattern);
        check(Part::Rules, changed, &[if is_as_wide { ok } else { expected }]);
    }
    // The others' are not compared, and nothing is said of them.
    let other = |pipe: &mut Pipe| pipe.rules[1].described.as_mut().unwrap().pattern = "{}".to_owned();
    check(Part::Rules, other, &[ok]);
}

/// What the rule is compared with.
#[test]
fn the_pattern_is_the_templates() {
    let template = include_str!("../../../template.yaml").split_once("\n  Rule:\n").unwrap().1;
    let lines = template.split_once("EventPattern:\n").unwrap().1.split_once("Targets:").unwrap().0;
    let (mut outer, mut detail) = (serde_json::Map::new(), serde_json::Map::new());
    for line in lines.lines() {
        let Some((name, listed)) = line.trim().split_once(": [") else { continue };
        let values: Vec<&str> = listed.trim_end_matches(']').split(", ").collect();
        let members = if line.starts_with("          ") { &mut detail } else { &mut outer };
        members.insert(name.to_owned(), values.into());
    }
    outer.insert("detail".to_owned(), detail.into());
    assert_eq!(serde_json::from_str::<serde_json::Value>(WAITS_FOR).unwrap(), serde_json::Value::Object(outer));
}

#[test]
fn the_functions_policy_must_let_the_rule_in() {
    let expected = format!(
        "broken: Rule may not start the guard: the function's policy does not let it in -> aws lambda add-permission \
         --region eu-west-1 --function-name s-Guard-1 --statement-id Rule --action lambda:InvokeFunction --principal \
         events.amazonaws.com --source-arn {RULE}"
    );
    let ok = "ok: enabled, with their targets: 2 rules";
    for (policy, is_let_in) in [
        (None, false),
        (Some(String::new()), false),
        (Some(POLICY.to_owned()), true),
        (Some(POLICY.replace("Rule-1", "Rule-2")), false),
        (Some(POLICY.replace("rule/s-Rule-1", "rule/s-*")), true),
        (Some(POLICY.replace("Allow", "Deny")), false),
        (Some(POLICY.replace("events.amazonaws.com", "s3.amazonaws.com")), false),
        (Some(POLICY.replace("lambda:InvokeFunction", "lambda:GetFunction")), false),
        (Some(POLICY.replace("\"lambda:InvokeFunction\"", "[\"lambda:*\"]")), true),
        (Some(POLICY.replace("ArnLike", "ArnNotLike")), false),
        (Some(POLICY.replace("ArnLike", "StringEquals")), true),
        // Only these two know what an asterisk is.
        (Some(POLICY.replace("rule/s-Rule-1", "rule/s-*").replace("ArnLike", "ArnEquals")), true),
        (Some(POLICY.replace("rule/s-Rule-1", "rule/s-*").replace("ArnLike", "StringLike")), true),
        (Some(POLICY.replace("rule/s-Rule-1", "rule/s-*").replace("ArnLike", "StringEquals")), false),
        (Some(POLICY.replace("\"Condition\"", "\"Comment\"")), true),
        (Some(POLICY.replace("AWS:SourceArn", "aws:PrincipalOrgID")), false),
        (
            Some(
                POLICY.replace("\"ArnLike\"", "\"StringEquals\":{\"AWS:SourceAccount\":\"111122223333\"},\"ArnLike\""),
            ),
            true,
        ),
        (
            Some(
                POLICY.replace("\"ArnLike\"", "\"StringEquals\":{\"AWS:SourceAccount\":\"999999999999\"},\"ArnLike\""),
            ),
            false,
        ),
    ] {
        let expected = if is_let_in { ok } else { &expected };
        check(Part::Rules, |pipe| pipe.functions[0].policy = Some(Ok(policy)), &[expected]);
    }
}

#[test]
fn a_function_must_be_able_to_start() {
    let state = |state: &'static str, update: &'static str| {
        move |pipe: &mut Pipe| {
            pipe.functions[1].state = Ok(State { state: state.to_owned(), last_update: update.to_owned() });
        }
    };
    let look = "aws lambda get-function-configuration --region eu-west-1 --function-name s-Sweep-1 says why";
    check(Part::Functions, state("Inactive", "Successful"), &["ok: can start: Guard, Sweep, Backout"]);
    check(
        Part::Functions,
        state("Pending", "InProgress"),
        &["warning: Sweep is Pending, its last update InProgress -> ask again in a minute"],
    );
    for (now, update) in [("Failed", "Successful"), ("Active", "Failed"), ("", "")] {
        let expected = format!("broken: Sweep is {now}, its last update {update} -> {look}");
        check(Part::Functions, state(now, update), &[&expected]);
    }
    check(
        Part::Functions,
        |pipe| pipe.functions[1].reserved = Ok(Some(0)),
        &[
            "broken: Sweep is stopped: its reserved concurrency is 0 -> if the stop is over, RUNBOOK.md#stop-it says how to go \
           on",
        ],
    );
    check(Part::Functions, |pipe| pipe.functions[1].reserved = Ok(None), &["ok: can start: Guard, Sweep, Backout"]);
    let lost = gone("lambda:GetFunctionConfiguration", "ResourceNotFoundException");
    check(
        Part::Functions,
        |pipe| pipe.functions[2].state = Err(lost),
        &["broken: Backout is gone -> deploy the stack again"],
    );
    let lost = gone("lambda:GetFunctionConfiguration", "ResourceNotFoundException");
    let guard = |pipe: &mut Pipe| (pipe.functions[0].state, pipe.functions[0].policy) = (Err(lost), Some(Ok(None)));
    check(Part::Functions, guard, &["broken: Guard is gone -> deploy the stack again"]);
    let none = "broken: the stack has no function Backout -> deploy it again; --stack names the guard's stack";
    check(Part::Functions, |pipe| _ = pipe.functions.remove(2), &[none]);
}

#[test]
fn somebody_must_be_told() {
    let confirm = "whoever it is confirms it, by the link in the message that SNS has sent; what is not confirmed within \
                   three days is subscribed again";
    let subscribed = |all: Vec<Subscription>| move |pipe: &mut Pipe| pipe.topic.1 = Ok(all);
    check(Part::Subscriptions, subscribed(Vec::new()), &["broken: nobody is subscribed to alerts -> subscribe!"]);
    let deleted = Subscription { arn: "Deleted".to_owned(), ..subscription("email", "x", true) };
    check(Part::Subscriptions, subscribed(vec![deleted]), &["broken: nobody is subscribed to alerts -> subscribe!"]);
    check(
        Part::Subscriptions,
        subscribed(vec![subscription("email", "jane@example.com", false)]),
        &[&format!("broken: nobody is told: 1 subscription is not confirmed: email jane@example.com -> {confirm}")],
    );
    let mut pipe = well();
    pipe.topic.1 = Ok(vec![subscription("email", "jane@example.com", false)]);
    assert!(!judge(&pipe, now()).iter().any(|row| row.part == Part::Subscriptions && row.health == Health::Ok));
    // The address of a pager is the key to it.
    let pager = "https://user:pass@events.pagerduty.com/integration/SECRET/enqueue?key=SECRET";
    check(
        Part::Subscriptions,
        subscribed(vec![subscription("email", "jane@example.com", true), subscription("https", pager, false)]),
        &[&format!("warning: 1 subscription is not confirmed: https events.pagerduty.com -> {confirm}")],
    );
    let gone = Err(gone("sns:ListSubscriptionsByTopic", "NotFound"));
    check(
        Part::Subscriptions,
        |pipe| pipe.topic.1 = gone,
        &["broken: the topic alerts is gone -> RUNBOOK.md#tampering-alerts"],
    );
}

#[test]
fn of_another_accounts_topic_only_that_account_sees_who_is_told() {
    let central = |subscriptions| {
        move |pipe: &mut Pipe| {
            pipe.topic = (TOPIC.replace("111122223333", "999999999999"), subscriptions);
            for actions in pipe.alarms.as_mut().unwrap().iter_mut().map(|alarm| &mut alarm.actions) {
                *actions = vec![pipe.topic.0.clone()];
            }
            pipe.rules[1].targets = Ok(vec![pipe.topic.0.clone()]);
        }
    };
    let action = "sns:ListSubscriptionsByTopic";
    for failure in [denied(action), failed(action, "InvalidParameter", Cause::InvalidParameter)] {
        let expected = "not seen: alerts is account 999999999999's: only that account can see who is subscribed -> in \
                        account 999999999999: aws sns list-subscriptions-by-topic --region eu-west-1 --topic-arn \
                        arn:aws:sns:eu-west-1:999999999999:alerts";
        check(Part::Subscriptions, central(Err(failure.clone())), &[expected]);
        let mut pipe = well();
        central(Err(failure))(&mut pipe);
        let rows = judge(&pipe, now());
        assert!(rows.iter().all(|row| !row.has_failed() && !row.is_denied()), "{rows:?}");
    }
    // What heals by itself, or by signing in, is no word of that account.
    let later = failed(action, "Throttling", Cause::Transient(Transient::Throttled));
    let expected = "not seen: who is subscribed to alerts: sns:ListSubscriptionsByTopic failed: throttled -> it may work \
                    later: try again";
    check(Part::Subscriptions, central(Err(later)), &[expected]);
    // It may let us see it.
    let told = Ok(vec![subscription("email", "jane@example.com", true)]);
    check(Part::Subscriptions, central(told), &["ok: 1 confirmed"]);
}

#[test]
fn what_got_stuck_is_named_with_where_to_read_on() {
    for (logical, count, expected) in [
        ("FailureQueue", 1, "holds 1 message -> RUNBOOK.md#alarm-failures says how to see why; then redrive!"),
        (
            "RuleDeadLetterQueue",
            3,
            "holds 3 messages -> RUNBOOK.md#alarm-rule-dead-letters says how to see why; then redrive!",
        ),
        ("SweepDeadLetterQueue", 2, "holds 2 messages -> RUNBOOK.md#alarm-sweep-dead-letters"),
        ("TamperDeadLetterQueue", 2, "holds 2 messages -> RUNBOOK.md#alarm-tamper-dead-letters"),
        ("QueueOfALaterVersion", 2, "holds 2 messages -> look at what it holds"),
    ] {
        let stuck = |pipe: &mut Pipe| pipe.queues[0] = Queue { logical: logical.to_owned(), messages: Ok(count) };
        check(Part::Queues, stuck, &[&format!("broken: {logical} {expected}")]);
    }
    for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
        let gone = Err(gone("sqs:GetQueueAttributes", code));
        check(
            Part::Queues,
            |pipe| pipe.queues[0].messages = gone,
            &["broken: FailureQueue is gone -> deploy the stack again: RUNBOOK.md#tampering-watch"],
        );
    }
}

#[test]
fn a_sweep_is_due_by_the_stacks_own_interval() {
    let mend = "RUNBOOK.md#alarm-no-sweep says how to see why; aws scheduler get-schedule --region eu-west-1 --name \
                s-SweepSchedule-1 is the schedule; sweep! sweeps now";
    let at = |at: &str| {
        let text = REPORT.replace("2026-01-15T11:48:00Z", at);
        move |pipe: &mut Pipe| pipe.last_report = Ok(Some(Shown::read(&text)))
    };
    // Two intervals of two hours, and a run.
    check(Part::LastSweep, at("2026-01-15T07:45:00Z"), &["ok: ended 4 hours ago, complete"]);
    let stale = format!("broken: ended 4 hours ago, one is due every 2 hours -> {mend}");
    check(Part::LastSweep, at("2026-01-15T07:44:59Z"), &[&stale]);
    let hourly = |pipe: &mut Pipe| {
        at("2026-01-15T09:30:00Z")(pipe);
        pipe.stack.parameters.clear();
    };
    check(Part::LastSweep, hourly, &[&format!("broken: ended 2 hours ago, one is due every 60 minutes -> {mend}")]);
    check(Part::LastSweep, |pipe| pipe.last_report = Ok(None), &[&format!("broken: none has ever ended -> {mend}")]);
    let young = |pipe: &mut Pipe| {
        pipe.last_report = Ok(None);
        pipe.stack.created = Some("2026-01-15T11:00:00Z".parse().unwrap());
    };
    let first = "warning: none has ended yet; one begins every 2 hours -> ask again after the first one";
    check(Part::LastSweep, young, &[first]);
    let as_long_as_it_may_take = |pipe: &mut Pipe| {
        pipe.last_report = Ok(None);
        pipe.stack.created = Some("2026-01-15T07:45:00Z".parse().unwrap());
    };
    check(Part::LastSweep, as_long_as_it_may_take, &[first]);
    let said = |from: &str, to: &str| {
        let text = REPORT.replace(from, to);
        move |pipe: &mut Pipe| pipe.last_report = Ok(Some(Shown::read(&text)))
    };
    check(
        Part::LastSweep,
        said("\"complete\":true", "\"complete\":false"),
        &[
            "warning: ended 12 minutes ago, before it had looked at everything -> the next one goes on; guardctl status shows \
           how far it is",
        ],
    );
    check(
        Part::LastSweep,
        said("\"missedByEvent\":[]", "\"missedByEvent\":[\"web:1\",\"web:2\"]"),
        &["warning: no event told of web:1, web:2 -> RUNBOOK.md#alarm-missed-events; guardctl show web:1"],
    );
    check(
        Part::LastSweep,
        said("\"unseen\":[]", "\"unseen\":[\"the clusters\"]"),
        &[
            "warning: could not read everything: the clusters -> give the sweep's role what it misses, or try again after the \
           next one",
        ],
    );
    check(
        Part::LastSweep,
        said("\"schemaVersion\":1", "\"schemaVersion\":2"),
        &[
            "broken: its report cannot be read: its schemaVersion is 2, and this version knows 1 -> a later guardctl may know \
           it; the next sweep writes it anew",
        ],
    );
}

#[test]
fn an_alarm_must_not_ring_and_must_tell() {
    let of = |alarm: Alarm| move |pipe: &mut Pipe| pipe.alarms.as_mut().unwrap()[0] = alarm;
    let rings = Alarm { state: "ALARM".to_owned(), ..alarm("FailuresAlarm") };
    check(Part::Alarms, of(rings.clone()), &["broken: FailuresAlarm rings -> RUNBOOK.md#alarm-failures"]);
    let odd = Alarm { description: "RUNBOOK.md#$(reboot)".to_owned(), ..rings };
    check(Part::Alarms, of(odd), &["broken: FailuresAlarm rings -> look at why in CloudWatch"]);
    check(
        Part::Alarms,
        of(Alarm { is_enabled: false, ..alarm("FailuresAlarm") }),
        &[
            "broken: FailuresAlarm tells nobody: its actions are disabled -> aws cloudwatch enable-alarm-actions --region \
           eu-west-1 --alarm-names s-FailuresAlarm-1",
        ],
    );
    // It does something, and whoever is subscribed does not hear of it.
    for actions in [vec![], vec![format!("{TOPIC}-of-others")], vec!["arn:aws:automate:eu-west-1:ec2:stop".to_owned()]]
    {
        let expected = "broken: FailuresAlarm does not tell the alert topic -> deploy the stack again: \
                        RUNBOOK.md#tampering-watch";
        check(Part::Alarms, of(Alarm { actions, ..alarm("FailuresAlarm") }), &[expected]);
    }
    let more = vec!["arn:aws:automate:eu-west-1:ec2:stop".to_owned(), TOPIC.to_owned()];
    check(Part::Alarms, of(Alarm { actions: more, ..alarm("FailuresAlarm") }), &["ok: none rings: 2 alarms"]);
    check(
        Part::Alarms,
        |pipe| _ = pipe.alarms.as_mut().unwrap().remove(0),
        &["broken: FailuresAlarm is gone -> deploy the stack again: RUNBOOK.md#tampering-watch"],
    );
    let silent = Alarm { state: "INSUFFICIENT_DATA".to_owned(), ..alarm("FailuresAlarm") };
    check(Part::Alarms, of(silent), &["ok: none rings: 2 alarms; 1 without data yet"]);
    let no_sweep = Alarm { state: "INSUFFICIENT_DATA".to_owned(), ..alarm("NoSweepAlarm") };
    let old = no_sweep.clone();
    check(
        Part::Alarms,
        move |pipe| pipe.alarms.as_mut().unwrap()[1] = old,
        &["warning: NoSweepAlarm has no data, and should have by now -> RUNBOOK.md#alarm-no-sweep"],
    );
    // It is not counted among those that may be without.
    let mut pipe = well();
    pipe.alarms.as_mut().unwrap()[1] = no_sweep.clone();
    assert!(judge(&pipe, now()).iter().any(|row| row.says == "none rings: 1 of 2 alarms"));
    // After three intervals of two hours.
    let young = move |pipe: &mut Pipe| {
        pipe.alarms.as_mut().unwrap()[1] = no_sweep;
        pipe.stack.created = Some("2026-01-15T06:00:00Z".parse().unwrap());
    };
    check(Part::Alarms, young, &["ok: none rings: 2 alarms; 1 without data yet"]);
    // What is still to be made has no name yet, and is not gone.
    let unmade = |pipe: &mut Pipe| pipe.resources.as_mut().unwrap()[3].physical.clear();
    check(Part::Alarms, unmade, &["ok: none rings: 1 alarm"]);
}

/// A denial anywhere is said with its statement, a call that may work later with that; neither is taken for good or bad news.
#[test]
fn what_cannot_be_asked_is_not_seen() {
    type Otherwise = fn(&mut Pipe, CallFailure);
    let all: [(Part, Otherwise); 9] = [
        (Part::Trail, |pipe, failure| pipe.trails = Err(failure)),
        (Part::Rules, |pipe, failure| pipe.rules[0].described = Err(failure)),
        (Part::Rules, |pipe, failure| pipe.rules[0].targets = Err(failure)),
        (Part::Rules, |pipe, failure| pipe.functions[0].policy = Some(Err(failure))),
        (Part::Functions, |pipe, failure| pipe.functions[0].state = Err(failure)),
        (Part::Functions, |pipe, failure| pipe.functions[0].reserved = Err(failure)),
        (Part::Subscriptions, |pipe, failure| pipe.topic.1 = Err(failure)),
        (Part::LastSweep, |pipe, failure| pipe.last_report = Err(failure)),
        (Part::Alarms, |pipe, failure| pipe.alarms = Err(failure)),
    ];
    for (failure, is_denied, todo) in [
        (denied("a:B"), true, "your role needs this statement: {\"Action\":\"a:B\""),
        (failed("a:B", "x", Cause::Transient(Transient::CredentialsExpired)), true, "the session has ended"),
        (failed("a:B", "x", Cause::Transient(Transient::TimedOut)), false, "it may work later: try again"),
        (failed("a:B", "Odd", Cause::Refused), false, "a:B on arn:aws:x:::y was refused: Odd"),
    ] {
        for (part, otherwise) in all {
            let mut pipe = well();
            otherwise(&mut pipe, failure.clone());
            let rows = judge(&pipe, now());
            let odd: Vec<&Row> = rows.iter().filter(|row| row.health != Health::Ok).collect();
            let [row] = odd.as_slice() else { panic!("{odd:?}") };
            assert_eq!((row.part, row.health, row.is_denied()), (part, Health::NotSeen, is_denied), "{row:?}");
            assert!(row.has_failed(), "{row:?}");
            assert!(row.todo.as_ref().is_some_and(|it| it.starts_with(todo)), "{row:?}");
        }
    }
}

#[test]
fn what_is_denied_all_over_is_said_once() {
    let mut pipe = well();
    let of_rule = |name: &str| CallFailure {
        resource: format!("arn:aws:events:eu-west-1:111122223333:rule/{name}"),
        ..denied("events:DescribeRule")
    };
    pipe.rules.push(rule("ServiceRule", "x"));
    for rule in &mut pipe.rules {
        rule.described = Err(of_rule(&rule.name));
    }
    for queue in &mut pipe.queues {
        let resource = format!("arn:aws:sqs:eu-west-1:1:{}", queue.logical);
        queue.messages = Err(CallFailure { resource, ..denied("sqs:GetQueueAttributes") });
    }
    let not_seen = |pipe: &Pipe| -> Vec<String> {
        judge(pipe, now()).iter().filter(|row| row.health != Health::Ok).map(in_words).collect()
    };
    let rows = not_seen(&pipe);
    let expected = [
        "not seen (denied): Rule, and 2 others: events:DescribeRule failed: access denied -> your role needs this \
         statement: {\"Action\":\"events:DescribeRule\",\"Effect\":\"Allow\",\"Resource\":\
         \"arn:aws:events:eu-west-1:111122223333:rule/*\"}",
        "not seen (denied): what FailureQueue holds, and 1 other: sqs:GetQueueAttributes failed: access denied -> your role \
         needs this statement: {\"Action\":\"sqs:GetQueueAttributes\",\"Effect\":\"Allow\",\"Resource\":\
         \"arn:aws:sqs:eu-west-1:1:*\"}",
    ];
    assert_eq!(rows, expected);
    // All of them ask for the policy of the one function.
    let mut pipe = well();
    pipe.rules.push(rule("ServiceRule", "arn:aws:lambda:eu-west-1:111122223333:function:s-Guard-1"));
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:s-Guard-1";
    let denial = CallFailure { resource: function.to_owned(), ..denied("lambda:GetPolicy") };
    pipe.functions[0].policy = Some(Err(denial));
    let expected = "not seen (denied): whether Rule may start the guard, and 1 other: lambda:GetPolicy failed: access denied \
                    -> your role needs this statement: {\"Action\":\"lambda:GetPolicy\",\"Effect\":\"Allow\",\"Resource\":\
                    \"arn:aws:lambda:eu-west-1:111122223333:function:s-Guard-1\"}";
    assert_eq!(not_seen(&pipe), [expected]);
    // What was refused for two reasons is said twice.
    let mut pipe = well();
    for (queue, code) in pipe.queues.iter_mut().zip(["One", "Another"]) {
        queue.messages = Err(failed("sqs:GetQueueAttributes", code, Cause::Refused));
    }
    let expected = [
        "FailureQueue holds: sqs:GetQueueAttributes failed: refused -> sqs:GetQueueAttributes on arn:aws:x:::y was \
         refused: One",
        "RuleDeadLetterQueue holds: sqs:GetQueueAttributes failed: refused -> sqs:GetQueueAttributes on arn:aws:x:::y was \
         refused: Another",
    ];
    assert_eq!(not_seen(&pipe), expected.map(|row| format!("not seen: what {row}")));
}

/// Whoever types it has the same account, and the same guard, before them.
#[test]
fn what_is_to_be_typed_has_what_was_typed() {
    let mut pipe = well();
    pipe.typed = Typed { guardctl: " --profile p --stack s".to_owned(), aws: " --profile p".to_owned() };
    pipe.stack.status = "ROLLBACK_COMPLETE".to_owned();
    pipe.trails.as_mut().unwrap()[0].is_logging = Ok(false);
    pipe.rules[0].described.as_mut().unwrap().state = "DISABLED".to_owned();
    pipe.rules.push(rule("ServiceRule", "arn:aws:lambda:eu-west-1:111122223333:function:s-Guard-1"));
    pipe.functions[1].state = Ok(State { state: "Failed".to_owned(), last_update: "Successful".to_owned() });
    pipe.alarms.as_mut().unwrap()[0].is_enabled = false;
    let report = REPORT
        .replace(r#""complete":true"#, r#""complete":false"#)
        .replace(r#""missedByEvent":[]"#, r#""missedByEvent":["web:1"]"#);
    pipe.last_report = Ok(Some(Shown::read(&report)));
    let said = |pipe: &Pipe| judge(pipe, now()).into_iter().filter_map(|row| row.todo).collect::<Vec<_>>();
    let mut todos = said(&pipe);
    // Of these a row has one at a time.
    pipe.last_report = Ok(None);
    pipe.trails.as_mut().unwrap()[0].selectors =
        Ok(Selectors { simple: Vec::new(), advanced: vec![vec![Field::default()]] });
    todos.extend(said(&pipe));
    todos.sort();
    todos.dedup();
    let expected = [
        "RUNBOOK.md#alarm-missed-events; guardctl show web:1 --profile p --stack s",
        "RUNBOOK.md#alarm-no-sweep says how to see why; aws scheduler get-schedule --region eu-west-1 --name \
         s-SweepSchedule-1 --profile p is the schedule; sweep! sweeps now",
        "aws cloudformation describe-stack-events --region eu-west-1 --stack-name s --profile p says why",
        "aws cloudtrail start-logging --region eu-west-1 --name \
         arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit --profile p",
        "aws cloudwatch enable-alarm-actions --region eu-west-1 --alarm-names s-FailuresAlarm-1 --profile p",
        "aws events enable-rule --region eu-west-1 --name s-Rule-1 --profile p",
        "aws lambda add-permission --region eu-west-1 --function-name s-Guard-1 --statement-id ServiceRule --action \
         lambda:InvokeFunction --principal events.amazonaws.com --source-arn \
         arn:aws:events:eu-west-1:111122223333:rule/s-ServiceRule-1 --profile p",
        "aws lambda get-function-configuration --region eu-west-1 --function-name s-Sweep-1 --profile p says why",
        "let it log them: aws cloudtrail get-event-selectors --region eu-west-1 --trail-name \
         arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit --profile p shows what it logs, and put-event-selectors \
         replaces all of that",
        "the next one goes on; guardctl status --profile p --stack s shows how far it is",
    ];
    assert_eq!(todos, expected);
}

#[test]
fn what_is_well_beside_what_is_not_is_counted() {
    let mut pipe = well();
    pipe.rules[0].described.as_mut().unwrap().state = "DISABLED".to_owned();
    pipe.queues[0].messages = Ok(1);
    pipe.alarms.as_mut().unwrap()[0].state = "ALARM".to_owned();
    let rows = judge(&pipe, now());
    let well: Vec<&str> = rows.iter().filter(|row| row.health == Health::Ok).map(|row| row.says.as_str()).collect();
    for says in
        ["enabled, with their targets: 1 of 2 rules", "empty: 1 of 2 dead-letter queues", "none rings: 1 of 2 alarms"]
    {
        assert!(well.contains(&says), "{well:?}");
    }
}

/// What lists no rule, function, queue or alarm that is the guard's is not the guard's stack, and each part says so.
#[test]
fn another_stack_is_not_taken_for_the_guards() {
    let mut pipe = well();
    pipe.resources.as_mut().unwrap().clear();
    (pipe.rules, pipe.functions, pipe.queues, pipe.alarms) = (Vec::new(), Vec::new(), Vec::new(), Ok(Vec::new()));
    let rows = judge(&pipe, now());
    let rows: Vec<String> = rows.iter().filter(|row| row.health != Health::Ok).map(in_words).collect();
    let expected = [
        "rule for registrations",
        "function Guard",
        "function Sweep",
        "function Backout",
        "dead-letter queue",
        "alarm",
    ];
    let todo = "deploy it again; --stack names the guard's stack";
    assert_eq!(rows, expected.map(|what| format!("broken: the stack has no {what} -> {todo}")));
}

#[test]
fn people_read_words_where_programs_read_names() {
    let parts = [Part::Stack, Part::Queues, Part::LastSweep, Part::Live].map(|part| (part.as_str(), part.in_words()));
    assert_eq!(parts, [("stack", "stack"), ("queues", "queues"), ("last_sweep", "last sweep"), ("live", "live")]);
    let health = [Health::Ok, Health::Warning, Health::Broken, Health::NotSeen].map(|it| (it.as_str(), it.in_words()));
    assert_eq!(health, [("ok", "ok"), ("warning", "warning"), ("broken", "broken"), ("not_seen", "not seen")]);
}
