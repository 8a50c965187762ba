//! Golden alerts: the text and the JSON of each outcome, and of each tool, with a fixed clock and account. The text is
//! the product, so a change of these files is reviewed like code. `GOLDEN=write cargo test --test it alerts` writes them.

use std::fs;
use std::path::Path;

use ecs_privileged_guard::domain::alert::{Message, Setting, message};
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::document::{Described, OutputOnly};
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::failure::{CallFailure, Cause};
use ecs_privileged_guard::domain::observation::{Observation, Original, Run, Starter, Usage};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::plan::{CopyInForce, plan};
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::domain::provenance::Provenance;
use ecs_privileged_guard::domain::record::{MadeCopy, RecordError, Withdrawal};
use ecs_privileged_guard::domain::report::{Failure, Finding, Report};
use jiff::Timestamp;
use serde_json::Value;

const PRINCIPAL: &str = "arn:aws:sts::012345678912:assumed-role/deploy/build-4711";

fn now() -> Timestamp {
    "2026-11-24T08:00:05Z".parse().unwrap()
}

fn home() -> Home {
    Home::new("us-east-1", "012345678912").unwrap()
}

fn policy() -> Policy {
    Policy {
        mode: Mode::Remediate,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: vec!["team".into()],
        guard_roles: vec!["guard-GuardRole-1ABC".parse().unwrap()],
    }
}

fn described(number: u32, members: &str) -> Described {
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:us-east-1:012345678912:task-definition/web:{number}",
        "family":"web","revision":{number},"status":"ACTIVE","registeredAt":1795939200,"registeredBy":"{PRINCIPAL}",
        "taskRoleArn":"arn:aws:iam::012345678912:role/web","networkMode":"host",
        "volumes":[{{"name":"sock","host":{{"sourcePath":"/var/run/docker.sock"}}}}],
        "containerDefinitions":[{{"name":"app","image":"app","privileged":true,"mountPoints":[{{"sourceVolume":"sock"}}],
        "linuxParameters":{{"capabilities":{{"add":["SYS_PTRACE"],"drop":["MKNOD"]}}}}{members}}}]}},
        "tags":[{{"key":"team","value":"checkout"}}]}}"#
    ))
    .unwrap()
}

fn provenance(event: &str) -> Provenance {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("events/guard-{event}.json"));
    match parse(&fs::read_to_string(path).unwrap(), &home()).unwrap() {
        Event::Look { provenance, .. } | Event::Compliant { provenance, .. } | Event::FailedCall { provenance, .. } => {
            provenance
        }
    }
}

/// A privileged `web:12`, run by a service, with nothing after it.
fn observation() -> Observation {
    let original = described(12, "");
    let starter = Starter::Service { name: "web".into(), is_express: false };
    let revision = original.id().revision;
    let by_schedule = Starter::Other("events-rule/nightly".into());
    let seen = Observation::of(original.id().clone(), Original::Described(Box::new(original)));
    Observation {
        usage: Usage {
            runs: vec![
                Run { cluster: "prod".into(), starter, revision, tasks: 3 },
                Run { cluster: "batch".into(), starter: by_schedule, revision: "11".parse().unwrap(), tasks: 1 },
            ],
            ..Usage::default()
        },
        ..seen
    }
}

fn report(outcome: Outcome, reason: Option<Reason>) -> Report {
    let seen = observation();
    let plan = plan(&seen, &policy(), now());
    Report {
        id: seen.id.clone(),
        is_daemon: false,
        mode: Mode::Remediate,
        outcome,
        reason,
        copy: None,
        differences: Vec::new(),
        failure: None,
        made: Vec::new(),
        backup_sha256: None,
        daemon_containers: Vec::new(),
        provenance: provenance("assumed-role"),
        finding: Some(Finding { seen, plan }),
    }
}

fn copied(outcome: Outcome, event: &str) -> Report {
    let revision = "13".parse().unwrap();
    let base = report(outcome, None);
    Report {
        copy: Some(CopyInForce { id: base.id.family.revision(revision), is_ours: true }),
        made: if outcome == Outcome::Remediated { vec![MadeCopy::new(revision, now(), &policy())] } else { Vec::new() },
        backup_sha256: (outcome == Outcome::Remediated).then(|| "ab".repeat(32)),
        provenance: provenance(event),
        ..base
    }
}

fn withdrawn(outcome: Outcome, reason: Option<Reason>, why: Withdrawal) -> Report {
    let mut copy = MadeCopy::new("14".parse().unwrap(), now(), &policy());
    copy.withdrawn = Some(now());
    copy.why = Some(why.as_str().to_owned());
    let differences = match why {
        Withdrawal::Unfaithful => {
            let input = |members| described(12, members).register_input(&OutputOnly::default());
            let changed = input(r#","environment":[{"name":"SECRET","value":"canary"}],"user":"1000""#);
            ecs_privileged_guard::domain::fidelity::differences(
                &input(""),
                &changed,
                ecs_privileged_guard::domain::fidelity::Tags::Compared,
            )
        }
        Withdrawal::Race | Withdrawal::Duplicate | Withdrawal::Exempt | Withdrawal::Stray | Withdrawal::Unproven => {
            Vec::new()
        }
    };
    Report { made: vec![copy], backup_sha256: Some("ab".repeat(32)), differences, ..report(outcome, reason) }
}

fn failed(failure: Failure) -> Report {
    let reason = Some(failure.reason());
    Report { failure: Some(failure), ..report(Outcome::Failed, reason) }
}

fn refused(action: &'static str, resource: &str, code: &str, cause: Cause) -> Report {
    failed(Failure::Call(CallFailure {
        action,
        resource: resource.to_owned(),
        code: Some(code.to_owned()),
        request_id: Some("3f1c7a52-0000-4000-8000-000000000001".into()),
        cause,
    }))
}

fn cases() -> Vec<(String, Report)> {
    let alerted = |reason| report(Outcome::Alerted, Some(reason));
    let register = "arn:aws:ecs:us-east-1:012345678912:task-definition/web:*";
    let mut cases = Vec::new();
    for event in [
        "assumed-role",
        "cli",
        "cloudformation",
        "codepipeline",
        "console",
        "github-action",
        "identity-center",
        "terraform",
    ] {
        cases.push((format!("remediated-{event}"), copied(Outcome::Remediated, event)));
    }
    for reason in [
        Reason::InactiveInUse,
        Reason::ManagedByBatch,
        Reason::ManagedByExpress,
        Reason::ExemptionUnreadable,
        Reason::PartlyExempt,
        Reason::CopyRemoved,
        Reason::UnfaithfulBefore,
        Reason::OutOfScope,
        Reason::AlertMode,
        Reason::Repeated,
    ] {
        cases.push((format!("alerted-{}", reason.as_str()), alerted(reason)));
    }
    let daemon =
        Report::of_daemon("node-agent:3".parse().unwrap(), vec!["agent".into()], provenance("daemon"), Mode::Alert);
    let denied = Cause::AccessDenied { action: "iam:PassRole" };
    let bucket = "arn:aws:s3:::guard-state/records/012345678912/us-east-1/web/12.json";
    let unreadable = Failure::RecordUnreadable {
        key: "records/012345678912/us-east-1/web/12.json".into(),
        error: RecordError::UnknownSchema(2),
    };
    let tampered = Failure::BackupTampered { key: "backups/012345678912/us-east-1/web/12.json".into() };
    let malformed = Failure::Malformed {
        what: "web:12".into(),
        error: ecs_privileged_guard::domain::document::DocumentError::Missing {
            path: "taskDefinition.containerDefinitions".into(),
        },
    };
    let unfinished = Report {
        made: vec![MadeCopy::new("13".parse().unwrap(), now(), &policy())],
        ..refused(
            "ecs:DeregisterTaskDefinition",
            "web:13",
            "AccessDeniedException",
            Cause::AccessDenied { action: "ecs:DeregisterTaskDefinition" },
        )
    };
    let named = vec![
        ("already_remediated", copied(Outcome::AlreadyRemediated, "terraform")),
        ("superseded-in-use", report(Outcome::Superseded, None)),
        ("superseded-race", withdrawn(Outcome::Superseded, Some(Reason::Race), Withdrawal::Race)),
        ("unfaithful_copy_withdrawn", withdrawn(Outcome::UnfaithfulCopyWithdrawn, None, Withdrawal::Unfaithful)),
        ("inactive-stray", withdrawn(Outcome::Inactive, None, Withdrawal::Stray)),
        ("exempt-stray", withdrawn(Outcome::Exempt, None, Withdrawal::Stray)),
        ("alerted-daemon_task_definition", daemon),
        ("failed-access_denied-role", refused("ecs:RegisterTaskDefinition", register, "AccessDeniedException", denied)),
        (
            "failed-access_denied-record",
            refused("s3:PutObject", bucket, "AccessDenied", Cause::AccessDenied { action: "s3:PutObject" }),
        ),
        (
            "failed-invalid_parameter",
            refused("ecs:RegisterTaskDefinition", register, "InvalidParameterException", Cause::InvalidParameter),
        ),
        (
            "failed-limit_exceeded",
            refused("ecs:RegisterTaskDefinition", register, "LimitExceededException", Cause::LimitExceeded),
        ),
        ("failed-refused", refused("ecs:RegisterTaskDefinition", register, "ClientException", Cause::Refused)),
        ("failed-copy-left", unfinished),
        ("failed-backup_tampered", failed(tampered)),
        ("failed-record_unreadable", failed(unreadable)),
        ("failed-malformed_definition", failed(malformed)),
    ];
    cases.extend(named.into_iter().map(|(name, report)| (name.to_owned(), report)));
    cases
}

fn with_setting(report: &Report, backout_function: Option<&str>) -> Message {
    let (home, policy) = (home(), policy());
    let setting = Setting {
        home: &home,
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function,
        roles: &policy.guard_roles,
        owner_tag_keys: &policy.owner_tag_keys,
    };
    message(report, &setting)
}

#[test]
fn each_alert_reads_as_it_was_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/alerts");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
    let writes = std::env::var("GOLDEN").is_ok_and(|value| value == "write");
    let mut names = Vec::new();
    for (name, report) in cases() {
        let message = with_setting(&report, None);
        let json = serde_json::to_string_pretty(&message.json).unwrap();
        let alert = format!("Subject: {}\n\n{}\n{json}\n", message.subject, message.text);
        let file = folder.join(format!("{name}.txt"));
        if writes {
            fs::write(&file, &alert).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(alert, golden, "{name}: if this is meant, GOLDEN=write and review the difference");
        names.push(format!("{name}.txt"));
    }
    let mut files: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names, "no golden file without its case");
}

#[test]
fn every_alert_keeps_the_limits_of_mail_sns_and_chat() {
    for (name, report) in cases() {
        for function in [None, Some("guard-Backout-1ABC")] {
            let message = with_setting(&report, function);
            assert!(
                message.subject.len() < 100 && message.subject.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{name}"
            );
            assert!(message.text.lines().count() <= 60, "{name}: {} lines", message.text.lines().count());
            assert!(message.text.is_ascii(), "{name}");
            let wide = message.text.lines().filter(|line| line.len() > 76 && line.trim().contains(' '));
            let wide: Vec<&str> = wide.filter(|line| !line.contains("aws ") && !line.contains('{')).collect();
            assert_eq!(wide, Vec::<&str>::new(), "{name}: only commands and statements are wider");

            let by_protocol: Value = serde_json::from_str(&message.by_protocol()).unwrap();
            assert!(by_protocol.as_object().unwrap().values().all(Value::is_string), "{name}: only strings count");
            let json = &message.json;
            assert_eq!((json["version"].as_str(), json["source"].as_str()), (Some("1.0"), Some("custom")));
            assert_eq!(json["content"]["textType"], "client-markdown");
            let length = |value: &Value| value.as_str().unwrap().chars().count();
            assert!(length(&json["content"]["title"]) <= 250 && length(&json["content"]["description"]) <= 8_000);
            assert!(json["content"]["nextSteps"].as_array().unwrap().iter().all(|step| length(step) <= 350), "{name}");
            assert!(json["content"]["keywords"].as_array().unwrap().iter().all(|word| length(word) <= 75));
            assert!(json["metadata"]["additionalContext"].as_object().unwrap().values().all(Value::is_string));
            assert_eq!(json["metadata"]["threadId"], json["family"]);
            for (attribute, value) in &message.attributes {
                assert_eq!(json[attribute], *value, "{name}: SNS does not deliver attributes, so the body holds them");
                assert_eq!(json["metadata"]["additionalContext"][attribute], *value);
            }
        }
    }
}

#[test]
fn the_first_fifteen_lines_answer_what_whoever_is_on_call_asks() {
    let message = with_setting(&copied(Outcome::Remediated, "terraform"), None);
    let first = message.text.lines().take(15).collect::<Vec<_>>().join("\n");
    for answer in [
        "web:12 is privileged",
        "Act now? No.",
        "Changed: web:13 was registered",
        "Who: assumed-role/deploy/build-4711, with Terraform",
        "aws ecs deregister-task-definition --region us-east-1 --task-definition web:13",
    ] {
        assert!(first.contains(answer), "{answer}: {first}");
    }
}

#[test]
fn the_undo_command_invokes_backout_where_there_is_one() {
    let message = with_setting(&copied(Outcome::Remediated, "cli"), Some("guard-Backout-1ABC"));
    let undo = message.json["undo"].as_str().unwrap();
    assert!(undo.contains("aws lambda invoke --region us-east-1 --function-name guard-Backout-1ABC"), "{undo}");
    assert!(undo.contains(r#"'{"taskDefinition":"web:12","reason":"WHY","approvedBy":"WHO"}'"#), "{undo}");
}
