//! The alerts about services in mode `enforce`, held by golden files beside those of revisions, and their texts through
//! every sink.

use std::process::Command;

use ecs_privileged_guard::domain::alert::{Message, Setting};
use ecs_privileged_guard::domain::arn::{Home, TaskDefinitionId};
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::failure::{CallFailure, Cause};
use ecs_privileged_guard::domain::moves::alert::{message, undo_on_one_line};
use ecs_privileged_guard::domain::moves::report::MoveReport;
use ecs_privileged_guard::domain::moves::{Move, Reason, State};
use ecs_privileged_guard::domain::policy::RoleName;
use ecs_privileged_guard::domain::provenance::{Provenance, Tool};
use ecs_privileged_guard::domain::service::ServiceId;
use serde_json::{Value, json};

use super::alerts::{hold_messages, keeps_the_limits};
use super::canaries;

const FUNCTION: Option<&str> = Some("guard-Backout-1ABC");
const GUARD: &str = "guard-GuardRole-1ABC";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io)";

fn id(text: &str) -> TaskDefinitionId {
    text.parse().unwrap()
}

fn home() -> Home {
    Home::new("eu-west-1", "111122223333").unwrap()
}

/// What comes from outside: names, and texts.
#[derive(Clone, Copy)]
struct Outside<'a> {
    cluster: &'a str,
    service: &'a str,
    deployment: &'a str,
    container: &'a str,
    actor: &'a str,
    text: &'a str,
}

const USUAL: Outside = Outside {
    cluster: "prod",
    service: "checkout",
    deployment: "ecs-svc/8675309012345678901",
    container: "app",
    actor: "terraform",
    text: "github-actions-19321",
};

impl Outside<'_> {
    /// The original, with hints what may replace the flag or with none.
    fn original(&self, has_hints: bool) -> Described {
        let mut container = json!({ "name": self.container, "image": "app", "privileged": true });
        let mut volumes = json!([]);
        if has_hints {
            container["linuxParameters"] = json!({
                "devices": [{ "hostPath": "/dev/fuse" }], "capabilities": { "drop": ["ALL"], "add": [] },
            });
            container["mountPoints"] = json!([{ "sourceVolume": "sock" }]);
            volumes = json!([{ "name": "sock", "host": { "sourcePath": "/var/run/docker.sock" } }]);
        }
        if self.text != USUAL.text {
            container["linuxParameters"]["devices"] = json!([{ "hostPath": self.text }]);
            container["linuxParameters"]["capabilities"]["add"] = json!([self.text]);
        }
        describe(&json!({
            "registeredBy": format!("arn:aws:sts::111122223333:assumed-role/deploy/{}", self.text),
            "taskRoleArn": "arn:aws:iam::111122223333:role/web", "volumes": volumes, "containerDefinitions": [container],
        }))
    }

    /// Of the call of somebody.
    fn call(&self, call: &str, user_agent: &str) -> Provenance {
        let arn = format!("arn:aws:sts::111122223333:assumed-role/{}/{}", self.actor, self.text);
        let event = json!({
            "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs", "account": "111122223333",
            "region": "eu-west-1", "detail": {
                "eventSource": "ecs.amazonaws.com", "eventName": call, "awsRegion": "eu-west-1",
                "eventID": "474cc777-ebe4-5497-87d0-e75a7fd2ea6b", "userAgent": user_agent,
                "sourceIPAddress": "198.51.100.17", "recipientAccountId": "111122223333", "userIdentity": {
                    "type": "AssumedRole", "arn": arn, "accountId": "111122223333",
                    "sessionContext": { "sessionIssuer": { "userName": self.actor } },
                },
                "requestParameters": { "cluster": "prod", "service": "checkout", "taskDefinition": "web:12" },
                "responseElements": {
                    "service": { "serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/prod/checkout" },
                    "taskDefinition": { "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12" },
                },
            },
        });
        match parse(&event.to_string(), &home()).unwrap() {
            Event::Look { provenance, .. } | Event::Compliant { provenance, .. } => provenance,
            Event::FailedCall { .. } | Event::NotOurs { .. } => panic!("no such call"),
        }
    }

    fn report(&self, state: State, reason: Option<Reason>) -> MoveReport {
        let since = "2026-11-24T08:00:05Z".parse().unwrap();
        let entry = Move::new(id("web:12"), Some(id("web:13")), state, since);
        MoveReport {
            service: ServiceId { cluster: self.cluster.into(), name: self.service.into() },
            entry: Move { reason, deployment_id: Some(self.deployment.into()), ..entry },
            on: None,
            is_overdue: matches!(state, State::Waiting | State::Moving),
            failure: None,
            not_put_back: None,
            original: (state != State::Moved).then(|| Box::new(self.original(true))),
            // Of a deployment's event and of a sweep nothing is known.
            provenance: Provenance::default(),
        }
    }

    fn refused(&self, reason: Reason, code: &str, cause: Cause) -> MoveReport {
        let failure = CallFailure {
            action: "ecs:UpdateService",
            resource: format!("arn:aws:ecs:eu-west-1:111122223333:service/{}/{}", self.cluster, self.service),
            code: Some(code.into()),
            request_id: Some("3f1c7a52-0000-4000-8000-000000000001".into()),
            cause,
        };
        let provenance = self.call("UpdateService", TERRAFORM);
        MoveReport { failure: Some(failure), provenance, ..self.report(State::Failed, Some(reason)) }
    }

    fn denied(&self, action: &'static str) -> MoveReport {
        self.refused(Reason::AccessDenied, "AccessDeniedException", Cause::AccessDenied { action })
    }

    fn put_back_with(&self, user_agent: &str) -> MoveReport {
        let provenance = self.call("UpdateService", user_agent);
        MoveReport { provenance, ..self.report(State::RolledBack, None) }
    }

    fn not_put_back(&self, to: &str) -> MoveReport {
        MoveReport { not_put_back: Some(id(to)), ..self.denied("ecs:UpdateService") }
    }

    /// Each report of which people are to hear, and whether there is a function that backs out.
    fn cases(&self) -> Vec<(&'static str, MoveReport, Option<&'static str>)> {
        let rolled_back = || self.report(State::RolledBack, None);
        let not_movable = |reason| {
            let provenance = self.call("UpdateService", TERRAFORM);
            MoveReport { provenance, ..self.report(State::NotMovable, Some(reason)) }
        };
        let without_hint = MoveReport { original: Some(Box::new(self.original(false))), ..rolled_back() };
        let not_described = MoveReport { original: None, ..rolled_back() };
        let failed = || self.report(State::Failed, Some(Reason::DeploymentFailed));
        vec![
            ("move-moved", self.report(State::Moved, None), FUNCTION),
            ("move-moved-without-backout", self.report(State::Moved, None), None),
            ("move-rolled_back", rolled_back(), FUNCTION),
            ("move-rolled_back-without-backout", rolled_back(), None),
            ("move-rolled_back-no-hint", without_hint, FUNCTION),
            ("move-rolled_back-not-described", not_described, FUNCTION),
            ("move-put_back-terraform", self.put_back_with(TERRAFORM), FUNCTION),
            ("move-deployment_failed", failed(), FUNCTION),
            ("move-deployment_failed-without-backout", failed(), None),
            ("move-overdue-moving", self.report(State::Moving, None), FUNCTION),
            ("move-overdue-waiting", self.report(State::Waiting, None), FUNCTION),
            ("move-not_movable-code_deploy", not_movable(Reason::CodeDeploy), FUNCTION),
            ("move-not_movable-external", not_movable(Reason::External), FUNCTION),
            ("move-not_movable-express", not_movable(Reason::Express), FUNCTION),
            ("move-failed-access_denied", self.denied("ecs:UpdateService"), FUNCTION),
            ("move-failed-access_denied-role", self.denied("iam:PassRole"), FUNCTION),
            ("move-failed-refused", self.refused(Reason::Refused, "ClientException", Cause::Refused), FUNCTION),
            (
                "move-failed-invalid_parameter",
                self.refused(Reason::InvalidParameter, "InvalidParameterException", Cause::InvalidParameter),
                FUNCTION,
            ),
            (
                "move-failed-limit_exceeded",
                self.refused(Reason::LimitExceeded, "LimitExceededException", Cause::LimitExceeded),
                FUNCTION,
            ),
            ("move-not_put_back", self.not_put_back("web-b:1"), FUNCTION),
            ("move-not_put_back-original", self.not_put_back("web:12"), FUNCTION),
        ]
    }
}

/// One of each that a sweep can tell of.
pub(crate) fn of_a_sweep() -> Vec<MoveReport> {
    let usual = |state, reason| MoveReport { provenance: Provenance::default(), ..USUAL.report(state, reason) };
    let named = |name: &str, report: MoveReport| {
        let service = ServiceId { name: name.into(), ..report.service };
        MoveReport { service, provenance: Provenance::default(), ..report }
    };
    vec![
        usual(State::Moved, None),
        named("search", usual(State::RolledBack, None)),
        named("cart", usual(State::NotMovable, Some(Reason::CodeDeploy))),
        named("mail", USUAL.denied("ecs:UpdateService")),
        named("jobs", usual(State::Moving, None)),
    ]
}

fn describe(members: &Value) -> Described {
    let mut definition = json!({
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12", "family": "web",
        "revision": 12, "status": "ACTIVE",
    });
    for (name, value) in members.as_object().unwrap() {
        definition[name] = value.clone();
    }
    let described = json!({ "taskDefinition": definition, "tags": [{ "key": "team", "value": "checkout" }] });
    Described::parse(&described.to_string()).unwrap()
}

fn told<T>(backout_function: Option<&str>, of: impl FnOnce(&Setting) -> T) -> T {
    let roles: [RoleName; 1] = [GUARD.parse().unwrap()];
    of(&Setting {
        mode: "enforce",
        home: &home(),
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function,
        roles: &roles,
        owner_tag_keys: &["team".into()],
    })
}

fn of(report: &MoveReport, backout_function: Option<&str>) -> Message {
    told(backout_function, |setting| message(report, setting))
}

fn messages(outside: &Outside) -> Vec<(&'static str, Message)> {
    outside.cases().into_iter().map(|(name, report, function)| (name, of(&report, function))).collect()
}

/// Each alert about a service, with this text in each place that others write.
pub(crate) fn cases(text: &str) -> Vec<(&'static str, Message)> {
    messages(&Outside { cluster: text, service: text, deployment: text, container: text, actor: text, text })
}

/// Holds the golden files, and answers their names.
pub(crate) fn hold_all() -> Vec<String> {
    hold_messages(messages(&USUAL))
}

/// A mail, however it is wrapped.
fn flowing(message: &Message) -> String {
    message.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_alert_about_a_service_keeps_the_limits_of_mail_sns_and_chat() {
    let long = "s".repeat(255);
    let longest = Outside { cluster: &long, service: &long, container: &long, ..USUAL };
    for (name, report, _) in USUAL.cases().into_iter().chain(longest.cases()) {
        for function in [None, FUNCTION] {
            let message = of(&report, function);
            keeps_the_limits(name, &message, "web");
            // What is never cut ends with its last command.
            let is_long = report.service.name == long;
            assert!(is_long || !message.text.contains("(cut)"), "{name}: {}", message.text);
        }
    }
}

#[test]
fn the_first_lines_answer_what_whoever_is_on_call_asks() {
    for (name, report, _) in USUAL.cases() {
        for function in [None, FUNCTION] {
            let message = of(&report, function);
            let first = message.text.split("\n\n").next().unwrap().to_owned();
            assert!(first.lines().count() <= 15, "{name}: {first}");
            for answer in ["checkout", "\nAct now? ", "\nChanged: ", "\nStill privileged: ", "\nIf nobody acts: "] {
                assert!(first.contains(answer), "{name}: {answer}: {first}");
            }
            let has_way = message.json["undo"].is_string() || message.json["backOut"].is_string();
            assert_eq!(first.contains("\nUndo: ") || first.contains("\nBack it out: "), has_way, "{name}: {first}");
        }
    }
}

#[test]
fn what_still_runs_the_original_is_called_privileged() {
    for (name, message) in messages(&USUAL) {
        let (says, field) = match name {
            "move-moved" | "move-moved-without-backout" => ("Still privileged: no", "no"),
            "move-overdue-moving" | "move-not_put_back" | "move-not_put_back-original" => {
                ("Still privileged: its tasks of web:12, as long as they run", "partly")
            }
            name if name.starts_with("move-deployment_failed") => ("Still privileged: its tasks of web:12", "partly"),
            _ => ("Still privileged: yes", "yes"),
        };
        assert!(message.text.contains(says), "{name}: {}", message.text);
        assert_eq!(message.json["stillPrivileged"], field, "{name}");
    }
}

/// Where nothing was moved, or the service itself is back, nothing is offered as undo.
#[test]
fn nothing_is_undone_where_nothing_is_to_undo() {
    for (name, report, _) in USUAL.cases() {
        for function in [None, FUNCTION] {
            let message = of(&report, function);
            let is_back = report.entry.state == State::RolledBack;
            let is_moved = matches!(report.entry.state, State::Moved | State::Moving)
                || report.entry.reason == Some(Reason::DeploymentFailed);
            let backs_out = is_back || function.is_some() && is_moved && report.entry.state != State::Moving;
            assert_eq!(message.text.contains("\nUNDO\n"), is_moved, "{name}: {}", message.text);
            assert_eq!(message.text.contains("\nBACK IT OUT\n"), is_back, "{name}: {}", message.text);
            assert_eq!(message.json["undo"].is_string(), is_moved, "{name}");
            assert_eq!(message.json["backOut"].is_string(), backs_out, "{name}");
            let line = told(function, |setting| undo_on_one_line(&report, setting));
            assert_eq!(line.is_some(), is_moved || is_back, "{name}");
            assert!(line.is_none_or(|line| !line.contains(['\\', '\n'])), "{name}");
        }
    }
}

#[test]
fn a_move_that_does_not_settle_is_stopped_with_one_command() {
    let report = USUAL.report(State::Moving, None);
    let line = told(FUNCTION, |setting| undo_on_one_line(&report, setting)).unwrap();
    assert_eq!(
        line,
        "aws ecs stop-service-deployment --region eu-west-1 --stop-type ROLLBACK --service-deployment-arn \
         \"$(aws ecs list-service-deployments --region eu-west-1 --cluster prod --service checkout --status PENDING \
         IN_PROGRESS --output text --query 'serviceDeployments[0].serviceDeploymentArn')\""
    );
}

/// What a shell makes of a command: the arguments of the last `aws`, where the first answers an ARN.
fn pasted(command: &str) -> Vec<String> {
    const STUB: &str = "aws() { case $2 in list-*) echo arn:d/1;; *) printf '%s\\n' \"$@\";; esac; }\n";
    let output = Command::new("/bin/sh").arg("-c").arg(format!("{STUB}{command}")).env_clear().output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_makes_of_each_command_what_it_says() {
    let hostile = "a b'; echo pwned; '$(echo pwned)`echo pwned`\"";
    for name in ["checkout", hostile] {
        let outside = Outside { cluster: name, service: name, ..USUAL };
        let of_field = |report: &MoveReport, field: &str| {
            let message = of(report, None);
            let command = message.json[field].as_str().unwrap().to_owned();
            let lines: Vec<&str> = message.text.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(lines.join("\n").contains(&command), "the mail and the document say the same: {command}");
            pasted(&command)
        };
        let named = ["--region", "eu-west-1", "--cluster", name, "--service", name];
        let update = |to| [&["ecs", "update-service"], &named[..], &["--task-definition", to]].concat();
        let back = of_field(&outside.report(State::Moved, None), "undo");
        assert_eq!(back, update("web:12"));
        assert_eq!(of_field(&outside.not_put_back("web-b:1"), "putBack"), update("web-b:1"));
        let stop = ["--region", "eu-west-1", "--stop-type", "ROLLBACK", "--service-deployment-arn", "arn:d/1"];
        let stopped = of_field(&outside.report(State::Moving, None), "undo");
        assert_eq!(stopped, [&["ecs", "stop-service-deployment"], &stop[..]].concat());
    }
}

/// By what tool it comes, from whom, and which line to change.
#[test]
fn a_service_that_a_tool_put_back_names_the_tool_the_principal_and_the_line() {
    for (user_agent, tool, line) in [
        (TERRAFORM, "Terraform", "in the aws_ecs_task_definition of web, take privileged = true out of container app"),
        ("cloudformation.amazonaws.com", "CloudFormation (or CDK, SAM)", "in the stack's AWS::ECS::TaskDefinition"),
        ("codepipeline.amazonaws.com", "CodePipeline", "deploy web:13 to the service once"),
        ("amazon-ecs-deploy-task-definition-for-github-actions", "GitHub action", "that the workflow renders"),
        ("console.amazonaws.com", "AWS console", "create the next revision of web from web:13, not from web:12."),
        ("aws-cli/2.31.0", "AWS CLI", "in the file or script that registers web"),
        ("Boto3/1.40", "an AWS SDK", "in the file or script that registers web"),
        ("curl/8", "a tool that is not known", "where web is defined, take privileged: true out of container app"),
    ] {
        let message = of(&USUAL.put_back_with(user_agent), FUNCTION);
        let text = flowing(&message);
        for says in [
            &format!("Who: AssumedRole terraform, session github-actions-19321, with {tool} (only the event says so)"),
            "Fix at the source: ",
            line,
        ] {
            assert!(text.contains(says), "{tool}: {says}: {text}");
        }
        let is_named = tool != "a tool that is not known";
        assert_eq!(message.subject.contains(&format!(" with {tool}: ")), is_named, "{tool}: {}", message.subject);
        assert!(message.json["actor"].as_str().unwrap().contains("github-actions-19321"), "{tool}");
        assert!(text.contains(message.json["fix"].as_str().unwrap()), "{tool}");
    }
}

/// People look for the revision that runs, and an older one may have been at hand.
#[test]
fn a_service_that_is_back_on_an_older_original_is_said_to_be_on_that_one() {
    for report in [USUAL.report(State::RolledBack, None), USUAL.put_back_with(TERRAFORM)] {
        let message = of(&MoveReport { on: Some(id("web:10")), ..report }, FUNCTION);
        assert!(message.subject.contains("ack on privileged web:10"), "{}", message.subject);
        let text = flowing(&message);
        assert!(text.contains("was moved to web:13, and ") && text.contains("back on privileged web:10"), "{text}");
        assert_eq!(message.json["taskDefinition"], "web:12", "its move is remembered by the original that was moved");
    }
}

/// A registration that is looked at late, and the guard's own call, say nothing of who put it back.
#[test]
fn nobody_is_blamed_for_what_the_event_does_not_tell() {
    let of_registration = USUAL.call("RegisterTaskDefinition", TERRAFORM);
    let of_guard = Outside { actor: GUARD, ..USUAL }.call("UpdateService", "aws-sdk-rust/1.3");
    for provenance in [of_registration, of_guard.clone(), Provenance::default()] {
        let message = of(&MoveReport { provenance, ..USUAL.report(State::RolledBack, None) }, FUNCTION);
        assert!(!message.text.contains("somebody") && !message.text.contains("\nWho: "), "{}", message.text);
        assert!(message.subject.contains("Back on privileged web:12"), "{}", message.subject);
    }
    let message = of(&MoveReport { provenance: of_guard, ..USUAL.report(State::RolledBack, None) }, FUNCTION);
    assert!(!message.text.contains("AssumedRole"), "{}", message.text);
    assert_eq!((&message.json["actor"], &message.json["tool"]), (&Value::Null, &Value::Null));
    assert_eq!(Provenance::default().tool, Tool::Unknown);
}

#[test]
fn what_said_no_is_told_what_may_replace_the_flag() {
    for (name, message) in messages(&USUAL) {
        let is_no = ["move-rolled_back", "move-put_back", "move-deployment_failed", "move-overdue-moving"];
        let is_no = is_no.iter().any(|no| name.starts_with(no));
        assert_eq!(message.text.contains("\nWHAT MAY REPLACE THE FLAG\n"), is_no, "{name}: {}", message.text);
        let has_hints = is_no && name != "move-rolled_back-not-described";
        let hints = message.json["mayReplaceTheFlag"].as_array().unwrap();
        assert_eq!(!hints.is_empty(), has_hints, "{name}");
        for hint in hints {
            assert!(flowing(&message).contains(hint.as_str().unwrap()), "{name}: {hint}");
        }
    }
}

/// Whoever reads the document can do all that the mail asks for.
#[test]
fn the_document_holds_what_the_mail_relies_on() {
    for (name, report, _) in USUAL.cases() {
        for function in [None, FUNCTION] {
            let message = of(&report, function);
            let (json, text) = (&message.json, flowing(&message));
            for field in ["taskDefinition", "copy", "cluster", "service", "state", "since", "stillPrivileged"] {
                assert!(text.contains(json[field].as_str().unwrap()) || field == "stillPrivileged", "{name}: {field}");
            }
            for field in ["deploymentId", "eventId", "record", "move", "fix", "statement", "failure", "requestId"] {
                if let Some(value) = json[field].as_str() {
                    assert!(text.contains(value), "{name}: {field}: {value}: {text}");
                }
            }
            assert_eq!(json["failure"].is_string(), message.text.contains("\nFAILED\n"), "{name}");
            assert_eq!(json["fix"].is_string(), text.contains("Fix at the source: "), "{name}");
            assert_eq!(json["statement"].is_string(), text.contains("add this statement"), "{name}");
            assert_eq!(json["putBack"].is_string(), text.contains("Puts it back on"), "{name}");
            assert_eq!(json["registeredBy"].is_string(), text.contains(", says ECS: "), "{name}");
            assert_eq!(json["actor"].is_string(), text.contains("by the event's word only: "), "{name}");
            let commands = ["undo", "backOut", "putBack"].into_iter().filter_map(|field| json[field].as_str());
            for command in commands {
                let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(&command), "{name}: {command}: {text}");
            }
            let lines = message.text.lines().filter(|line| line.starts_with("  aws ecs update-service ")).count();
            let of_fields = ["undo", "putBack"].into_iter().filter_map(|field| json[field].as_str());
            let of_fields = of_fields.filter(|command| command.contains("update-service")).count();
            let is_second = report.entry.state == State::Moved && function.is_some();
            assert_eq!(lines, of_fields + usize::from(is_second), "{name}: {text}");
            assert!(json.as_object().unwrap().iter().all(|(field, value)| {
                value.is_string()
                    || value.is_null()
                    || ["content", "metadata", "schemaVersion", "privilegedContainers", "mayReplaceTheFlag"]
                        .contains(&field.as_str())
            }));
            let context = json["metadata"]["additionalContext"].as_object().unwrap();
            let is_in_context = |(field, value): (&String, &Value)| {
                !value.is_string()
                    || ["version", "source"].contains(&field.as_str())
                    || context.get(field) == Some(value)
            };
            assert!(json.as_object().unwrap().iter().all(is_in_context), "{name}");
        }
    }
}

/// A command that is cut or escaped is another command.
#[test]
fn a_chat_gets_whole_commands_or_none() {
    let long = "s".repeat(255);
    for outside in
        [USUAL, Outside { cluster: &long, service: &long, ..USUAL }, Outside { service: "a'; reboot", ..USUAL }]
    {
        for (name, message) in messages(&outside) {
            for step in message.json["content"]["nextSteps"].as_array().unwrap() {
                let step = step.as_str().unwrap();
                assert!(!step.ends_with("...") && step.chars().count() < 350, "{name}: {step}");
                assert!(!step.contains("reboot"), "{name}: {step}");
                let Some((_, command)) = step.split_once(": aws ") else { continue };
                let command = format!("aws {command}");
                let fields = ["undo", "backOut", "putBack"].into_iter().filter_map(|it| message.json[it].as_str());
                let mut fields =
                    fields.map(|it| it.replace("\\\n", " ").split_whitespace().collect::<Vec<_>>().join(" "));
                let is_way_of_one = command.contains("update-service");
                assert!(is_way_of_one || fields.any(|field| field == command), "{name}: {command}");
            }
        }
    }
}

#[test]
fn no_value_of_the_definition_leaves_it() {
    let mut input: Value = serde_json::from_str(&canaries::ORIGINAL).unwrap();
    for member in ["taskDefinitionArn", "family", "revision", "status", "tags"] {
        input.as_object_mut().unwrap().remove(member);
    }
    for function in [None, FUNCTION] {
        for (name, report, _) in USUAL.cases() {
            let original = describe(&input);
            assert!(!original.privileged_containers().is_empty());
            let message = of(&MoveReport { original: Some(Box::new(original)), ..report }, function);
            let all = format!("{}{:?}{}", message.subject, message.attributes, message.by_protocol());
            assert_eq!(canaries::leaks(all.as_bytes()), Vec::<&str>::new(), "{name}");
        }
    }
}
