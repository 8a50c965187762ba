//! Golden alerts: what is said of each outcome and by each tool, with a fixed clock and account. The text is the product,
//! so a change of these files is reviewed like code. `GOLDEN=write cargo test --test it alerts` writes them.
//!
//! One file a case holds the whole alert, as Terraform brings it about. `tools.txt` holds what the other tools' alerts
//! say differently, case by case: only the lines that not every tool's alert has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use ecs_privileged_guard::domain::alert::{Message, Setting, message};
use ecs_privileged_guard::domain::arn::{Home, TaskDefinitionId};
use ecs_privileged_guard::domain::backup::sha256;
use ecs_privileged_guard::domain::document::{Described, DocumentError, OutputOnly};
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::exemption::Found;
use ecs_privileged_guard::domain::failure::{CallFailure, Cause};
use ecs_privileged_guard::domain::fidelity::{Tags, differences};
use ecs_privileged_guard::domain::metrics;
use ecs_privileged_guard::domain::observation::{Observation, Original, Run, Starter, Usage};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::plan::{CopyInForce, Then, plan};
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::domain::provenance::{Provenance, Tool};
use ecs_privileged_guard::domain::record::{MadeCopy, Record, RecordError, Withdrawal};
use ecs_privileged_guard::domain::report::{Failure, Finding, Report};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{backout_alerts, digests, move_alerts};

const PRINCIPAL: &str = "arn:aws:sts::012345678912:assumed-role/deploy/build-4711";

pub(crate) fn now() -> Timestamp {
    "2026-11-24T08:00:05Z".parse().unwrap()
}

fn home() -> Home {
    Home::new("us-east-1", "012345678912").unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy {
        mode: Mode::Remediate,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: vec!["team".into()],
        guard_roles: vec!["guard-GuardRole-1ABC".parse().unwrap()],
        apply_roles: Vec::new(),
        settle: jiff::SignedDuration::from_mins(60),
    }
}

/// Revision `number` of `web`: its containers, and what else differs from ACTIVE.
fn described(number: u32, status: &str, containers: &str) -> Described {
    registered(PRINCIPAL, number, status, containers)
}

fn registered(by: &str, number: u32, status: &str, containers: &str) -> Described {
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:us-east-1:012345678912:task-definition/web:{number}",
        "family":"web","revision":{number},"status":"{status}","registeredAt":1795939200,"registeredBy":"{by}",
        "taskRoleArn":"arn:aws:iam::012345678912:role/web","networkMode":"host",
        "volumes":[{{"name":"sock","host":{{"sourcePath":"/var/run/docker.sock"}}}}],
        "containerDefinitions":[{containers}]}},"tags":[{{"key":"team","value":"checkout"}}]}}"#
    ))
    .unwrap()
}

/// The container that all is about.
fn app(members: &str) -> String {
    format!(
        r#"{{"name":"app","image":"app","privileged":true,"mountPoints":[{{"sourceVolume":"sock"}}],
        "linuxParameters":{{"capabilities":{{"add":["SYS_PTRACE"],"drop":["MKNOD"]}}}}{members}}}"#
    )
}

pub(crate) fn provenance(event: &str) -> Provenance {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("events/guard-{event}.json"));
    match parse(&fs::read_to_string(path).unwrap(), &home()).unwrap() {
        Event::Look { provenance, .. } | Event::Compliant { provenance, .. } | Event::FailedCall { provenance, .. } => {
            provenance
        }
        Event::NotOurs { .. } => panic!("an event of a call"),
    }
}

/// `web:12` as ECS describes it, run by a service (or an Express service), with nothing after it.
fn seen(original: Described, is_express: bool) -> Observation {
    let starter = Starter::Service { name: "web".into(), is_express };
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

pub(crate) fn observation() -> Observation {
    seen(described(12, "ACTIVE", &app("")), false)
}

/// Somebody deregistered `web:12`, and nothing runs it.
pub(crate) fn taken_back() -> Observation {
    Observation { usage: Usage::default(), ..seen(described(12, "INACTIVE", &app("")), false) }
}

/// `web:12` for the fourth time within the hour: each time the guard made a copy, and each time the content came back.
fn came_back() -> Observation {
    let seen = observation();
    let original = seen.original.described().unwrap();
    let sha256 = sha256(original.register_input(&OutputOnly::default()).as_str());
    let record = |(number, minutes_ago): (u32, i64)| {
        let at = now() - SignedDuration::from_mins(minutes_ago);
        let of: TaskDefinitionId = format!("web:{number}").parse().unwrap();
        let copy = number + 1;
        Record {
            outcome: "remediated".into(),
            copy: Some(format!("web:{copy}")),
            copies: vec![MadeCopy::new(copy.to_string().parse().unwrap(), at, &policy())],
            backup_sha256: Some(sha256.clone()),
            registered_by: Some(format!("{}/build-{}", PRINCIPAL.rsplit_once('/').unwrap().0, 4700 + number)),
            at: Some(at),
            ..Record::begun(&of, "remediate", original.privileged_containers())
        }
    };
    let family_records = [(10, 12), (8, 31), (6, 50)].map(record).to_vec();
    Observation { family_records, ..seen }
}

fn superseded_by(containers: &str) -> Observation {
    Observation { later: vec![described(13, "ACTIVE", containers)], ..observation() }
}

fn exempting(containers: &str) -> Found {
    let text = format!(
        r#"{{"containers":[{containers}],"reason":"r","approvedBy":"jane","expiresAt":"2026-12-01T00:00:00Z"}}"#
    );
    Found::Object { text, written_at: Some(now()) }
}

pub(crate) fn report(outcome: Outcome, reason: Option<Reason>, seen: Observation, from: &Provenance) -> Report {
    let mode = if reason == Some(Reason::AlertMode) { Mode::Alert } else { Mode::Remediate };
    let seen = Observation { batch_by_event: from.by_batch() || seen.batch_by_event, ..seen };
    let plan = plan(&seen, &Policy { mode, ..policy() }, now());
    Report {
        id: seen.id.clone(),
        is_daemon: false,
        mode,
        outcome,
        reason,
        copy: None,
        differences: Vec::new(),
        failure: None,
        made: Vec::new(),
        backup_sha256: None,
        daemon_containers: Vec::new(),
        provenance: from.clone(),
        finding: Some(Finding { seen, plan }),
    }
}

/// With `web:13` in force, the copy that this run made, or found.
pub(crate) fn copied(outcome: Outcome, from: &Provenance) -> Report {
    let revision = "13".parse().unwrap();
    let is_made = outcome == Outcome::Remediated;
    let base = report(outcome, None, observation(), from);
    Report {
        copy: Some(CopyInForce { id: base.id.family.revision(revision), is_ours: true }),
        made: is_made.then(|| MadeCopy::new(revision, now(), &policy())).into_iter().collect(),
        backup_sha256: is_made.then(|| "ab".repeat(32)),
        ..base
    }
}

/// With `web:14` withdrawn: by the run that made it, but for a stray.
pub(crate) fn withdrawn(why: Withdrawal, report: Report) -> Report {
    let mut copy = MadeCopy::new("14".parse().unwrap(), now(), &policy());
    copy.withdrawn = Some(now());
    copy.why = Some(why.as_str().to_owned());
    let backup_sha256 = (why != Withdrawal::Stray).then(|| "ab".repeat(32));
    Report { made: vec![copy], backup_sha256, ..report }
}

pub(crate) fn unfaithful(from: &Provenance) -> Report {
    let input = |members| described(12, "ACTIVE", &app(members)).register_input(&OutputOnly::default());
    let changed = input(r#","environment":[{"name":"SECRET","value":"canary"}],"user":"1000""#);
    Report {
        differences: differences(&input(""), &changed, Tags::Compared),
        ..report(Outcome::UnfaithfulCopyWithdrawn, None, observation(), from)
    }
}

/// What failed after the definition was seen, and before anything was changed.
pub(crate) fn failed(failure: Failure, from: &Provenance) -> Report {
    let reason = Some(failure.reason());
    Report { failure: Some(failure), ..report(Outcome::Failed, reason, observation(), from) }
}

/// What failed while it was looked at.
fn unseen(failure: Failure, from: &Provenance) -> Report {
    Report { finding: None, ..failed(failure, from) }
}

pub(crate) fn call(action: &'static str, resource: &str, code: &str, cause: Cause) -> Failure {
    Failure::Call(CallFailure {
        action,
        resource: resource.to_owned(),
        code: Some(code.to_owned()),
        request_id: Some("3f1c7a52-0000-4000-8000-000000000001".into()),
        cause,
    })
}

/// A registration that AWS refused, after the backup.
fn not_registered(code: &str, cause: Cause, from: &Provenance) -> Report {
    let register = "arn:aws:ecs:us-east-1:012345678912:task-definition/web:*";
    Report {
        backup_sha256: Some("ab".repeat(32)),
        ..failed(call("ecs:RegisterTaskDefinition", register, code, cause), from)
    }
}

/// The alerts of a reason. A new reason does not compile until it has its own.
pub(crate) fn of_reason(reason: Reason, from: &Provenance) -> Vec<(&'static str, Report)> {
    let alerted = |seen| report(Outcome::Alerted, Some(reason), seen, from);
    let denied = |action| Cause::AccessDenied { action };
    let deregister = "ecs:DeregisterTaskDefinition";
    let record = "records/012345678912/us-east-1/web/12.json";
    let no_record =
        || call("s3:PutObject", &format!("arn:aws:s3:::guard-state/{record}"), "AccessDenied", denied("s3:PutObject"));
    let agent = r#"{"name":"agent","image":"agent","privileged":true}"#;
    match reason {
        Reason::InactiveInUse => vec![
            ("", alerted(seen(described(12, "INACTIVE", &app("")), false))),
            ("-gone", alerted(Observation { original: Original::Gone, ..observation() })),
        ],
        Reason::DaemonTaskDefinition => {
            let id = "node-agent:3".parse().unwrap();
            vec![("", Report::of_daemon(id, vec!["agent".into()], from.clone(), Mode::Alert))]
        }
        Reason::ManagedByBatch => vec![("", alerted(Observation { batch_by_event: true, ..observation() }))],
        Reason::ManagedByExpress => vec![("", alerted(seen(described(12, "ACTIVE", &app("")), true)))],
        Reason::ExemptionUnreadable => {
            let exemption = Found::Object { text: "{".into(), written_at: Some(now()) };
            let guard = PRINCIPAL.replace("deploy/build-4711", "guard-GuardRole-1ABC/guard");
            let stray = registered(&guard, 14, "ACTIVE", r#"{"name":"app","image":"app"}"#);
            let left = Observation { exemption: exemption.clone(), later: vec![stray], ..taken_back() };
            vec![("", alerted(Observation { exemption, ..observation() })), ("-stray", alerted(left))]
        }
        Reason::PartlyExempt => {
            let both = seen(described(12, "ACTIVE", &format!("{},{agent}", app(""))), false);
            vec![("", alerted(Observation { exemption: exempting(r#""agent""#), ..both }))]
        }
        Reason::CopyRemoved | Reason::UnfaithfulBefore | Reason::OutOfScope | Reason::AlertMode => {
            vec![("", alerted(observation()))]
        }
        Reason::Repeated => vec![("", alerted(came_back()))],
        Reason::Race => {
            let lost = report(Outcome::Superseded, Some(reason), superseded_by(agent), from);
            vec![("", withdrawn(Withdrawal::Race, lost))]
        }
        Reason::AccessDenied => vec![
            ("-role", not_registered("AccessDeniedException", denied("iam:PassRole"), from)),
            (
                "-record",
                Report {
                    failure: Some(no_record()),
                    ..report(Outcome::Failed, Some(reason), superseded_by(agent), from)
                },
            ),
            (
                "-unrecorded",
                Report {
                    outcome: Outcome::Failed,
                    reason: Some(reason),
                    failure: Some(no_record()),
                    ..copied(Outcome::Remediated, from)
                },
            ),
            (
                "-copy-left",
                Report {
                    made: vec![MadeCopy::new("13".parse().unwrap(), now(), &policy())],
                    backup_sha256: Some("ab".repeat(32)),
                    ..failed(call(deregister, "web:13", "AccessDeniedException", denied(deregister)), from)
                },
            ),
        ],
        Reason::InvalidParameter => {
            vec![("", not_registered("InvalidParameterException", Cause::InvalidParameter, from))]
        }
        Reason::LimitExceeded => vec![("", not_registered("LimitExceededException", Cause::LimitExceeded, from))],
        Reason::Refused => vec![("", not_registered("ClientException", Cause::Refused, from))],
        Reason::BackupTampered => {
            let key = "backups/012345678912/us-east-1/web/12.json".into();
            vec![("", failed(Failure::BackupTampered { key }, from))]
        }
        Reason::RecordUnreadable => {
            let error = RecordError::UnknownSchema(2);
            vec![("", unseen(Failure::RecordUnreadable { key: record.into(), error }, from))]
        }
        Reason::MalformedDefinition => {
            let error = DocumentError::Missing { path: "taskDefinition.containerDefinitions".into() };
            vec![("", unseen(Failure::Malformed { what: "web:12".into(), error }, from))]
        }
    }
}

/// The alerts of an outcome that needs no reason. A new outcome does not compile until it has its own.
fn of_outcome(outcome: Outcome, from: &Provenance) -> Vec<(&'static str, Report)> {
    match outcome {
        // Nobody hears of these.
        Outcome::FailedRegistration | Outcome::Compliant => Vec::new(),
        // Never without a reason.
        Outcome::Alerted | Outcome::Failed => Vec::new(),
        Outcome::AlreadyRemediated => {
            let gone = Observation { original: Original::Gone, usage: Usage::default(), ..observation() };
            let gone = report(outcome, None, gone, from);
            let taken_back = Report { copy: copied(outcome, from).copy, ..gone };
            vec![("", copied(outcome, from)), ("-taken-back", taken_back)]
        }
        Outcome::Remediated => {
            vec![("", copied(outcome, from)), ("-enforce", Report { mode: Mode::Enforce, ..copied(outcome, from) })]
        }
        Outcome::Superseded => {
            let newer = r#"{"name":"app","image":"app"}"#;
            vec![("-in-use", report(outcome, None, superseded_by(newer), from))]
        }
        Outcome::UnfaithfulCopyWithdrawn => vec![("", withdrawn(Withdrawal::Unfaithful, unfaithful(from)))],
        Outcome::Inactive => {
            vec![("-stray", withdrawn(Withdrawal::Stray, report(outcome, None, taken_back(), from)))]
        }
        Outcome::Exempt => {
            let exempt = Observation { exemption: exempting(r#""app""#), ..observation() };
            vec![("-stray", withdrawn(Withdrawal::Stray, report(outcome, None, exempt, from)))]
        }
    }
}

/// All the names that a contract's enum has: serde lists them when it is given another.
fn all<T: DeserializeOwned>() -> Vec<T> {
    let Err(error) = serde_json::from_str::<T>("\"?\"") else { panic!("a name that nothing has") };
    let error = error.to_string();
    let names = error.split('`').skip(3).step_by(2);
    names.map(|name| serde_json::from_value(Value::from(name)).unwrap()).collect()
}

/// Each alert that this tool can bring about.
pub(crate) fn cases(from: &Provenance) -> Vec<(String, Report)> {
    let of_outcomes = all::<Outcome>().into_iter().flat_map(|outcome| of_outcome(outcome, from));
    let of_reasons = all::<Reason>().into_iter().flat_map(|reason| of_reason(reason, from));
    let named = of_outcomes.chain(of_reasons).map(|(variant, report)| {
        let reason = report.reason.map(|reason| format!("-{}", reason.as_str())).unwrap_or_default();
        (format!("{}{reason}{variant}", report.outcome.as_str()), report)
    });
    named.filter(|(_, report)| from.tool != Tool::Batch || can_be_of_batch(report)).collect()
}

/// What is told when a person applied a plan from a terminal, with rights of their own: who it was, and whose rights lack.
fn applied() -> Vec<(String, Report)> {
    let person = Provenance::of_person("arn:aws:sts::012345678912:assumed-role/operator/jane".into(), false);
    let kept = ["remediated", "failed-access_denied-copy-left"];
    let cases = cases(&person).into_iter().filter(|(name, _)| kept.contains(&name.as_str()));
    cases.map(|(name, report)| (format!("{name}-applied"), report)).collect()
}

/// What Batch registers is never copied, whatever else is true of it.
fn can_be_of_batch(report: &Report) -> bool {
    match report.finding.as_ref().map(|finding| &finding.plan.then) {
        Some(Then::End(outcome, reason)) => (*outcome, *reason) == (report.outcome, report.reason),
        Some(Then::Copy(_) | Then::Finish(_)) => false,
        None => !report.is_daemon,
    }
}

/// Each tool with an event of its own, Terraform first. A new tool does not compile until it stands here.
pub(crate) fn tools() -> Vec<(&'static str, Provenance)> {
    let following = |tool: &Tool| match tool {
        Tool::Terraform => Some(Tool::CloudFormation),
        Tool::CloudFormation => Some(Tool::CodePipeline),
        Tool::CodePipeline => Some(Tool::GitHubAction),
        Tool::GitHubAction => Some(Tool::Batch),
        Tool::Batch => Some(Tool::Console),
        Tool::Console => Some(Tool::Cli),
        Tool::Cli => Some(Tool::Sdk),
        Tool::Sdk => Some(Tool::Unknown),
        Tool::Unknown => None,
    };
    let named = std::iter::successors(Some(Tool::Terraform), following).map(|tool| {
        let event = match tool {
            Tool::Terraform => "terraform",
            Tool::CloudFormation => "cloudformation",
            Tool::CodePipeline => "codepipeline",
            Tool::GitHubAction => "github-action",
            Tool::Batch => "batch",
            Tool::Console => "console",
            Tool::Cli => "cli",
            Tool::Sdk => "assumed-role",
            Tool::Unknown => return ("an event that says nothing", Provenance::default()),
        };
        let provenance = provenance(event);
        assert_eq!(provenance.tool, tool, "{event}");
        (event, provenance)
    });
    // The same tool as `cli`, by another kind of person.
    named.chain([("identity-center", provenance("identity-center"))]).collect()
}

/// What the template calls the function that undoes.
const BACKOUT: &str = "guard-Backout-1ABC";

pub(crate) fn with_setting(report: &Report, backout_function: Option<&str>) -> Message {
    let (home, policy) = (home(), policy());
    let setting = Setting {
        mode: "remediate",
        home: &home,
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function,
        roles: &policy.guard_roles,
        owner_tag_keys: &policy.owner_tag_keys,
    };
    message(report, &setting)
}

/// The paragraphs of a mail, and the steps that a chat shows: name and lines.
fn paragraphs(report: &Report) -> Vec<(String, Vec<String>)> {
    let message = with_setting(report, None);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let mail = message.text.split("\n\n").enumerate().map(|(number, text)| match number {
        0 => ("FIRST LINES".to_owned(), lines(text)),
        _ => (lines(text)[0].clone(), lines(text)),
    });
    let steps = message.json["content"]["nextSteps"].as_array().unwrap().iter();
    let steps = steps.map(|step| step.as_str().unwrap().to_owned()).collect();
    mail.chain([("NEXT STEPS IN CHAT".to_owned(), steps)]).collect()
}

/// For each tool, what its alerts have and not every tool's alert of that case has.
fn by_tool() -> String {
    /// Lines that differ, and the cases that have them.
    type Groups = Vec<(Vec<String>, Vec<String>)>;
    // By case and paragraph.
    let mut common: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (_, from) in tools() {
        for (case, report) in cases(&from) {
            for (name, lines) in paragraphs(&report) {
                let kept = common.entry((case.clone(), name)).or_insert_with(|| lines.clone());
                kept.retain(|line| lines.contains(line));
            }
        }
    }
    let mut text = "What the alerts say by tool: the lines that not every tool's alert of that case has.\n".to_owned();
    for (tool, from) in tools() {
        writeln!(text, "\n\n=== {tool} ===").unwrap();
        // By paragraph.
        let mut differing: Vec<(String, Groups)> = Vec::new();
        for (case, report) in cases(&from) {
            for (name, mut lines) in paragraphs(&report) {
                lines.retain(|line| !common[&(case.clone(), name.clone())].contains(line));
                let at = differing.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                    differing.push((name, Vec::new()));
                    differing.len() - 1
                });
                let groups = &mut differing[at].1;
                match groups.iter_mut().find(|(known, _)| *known == lines) {
                    Some((_, cases)) => cases.push(case.clone()),
                    None => groups.push((lines, vec![case.clone()])),
                }
            }
        }
        for (name, mut groups) in differing {
            groups.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
            for (number, (lines, cases)) in groups.iter().enumerate() {
                let which = if number == 0 { "all others".to_owned() } else { cases.join(", ") };
                match lines.is_empty() {
                    true if groups.len() == 1 => {}
                    true => writeln!(text, "\n{name}, {which}: nothing of its own").unwrap(),
                    false => writeln!(text, "\n{name}, {which}:\n{}", lines.join("\n")).unwrap(),
                }
            }
        }
    }
    text
}

/// Holds a golden file for each message, subject, text and document, and answers their names.
pub(crate) fn hold_messages(cases: Vec<(&'static str, Message)>) -> Vec<String> {
    cases
        .into_iter()
        .map(|(name, message)| {
            let name = format!("{name}.txt");
            let json = serde_json::to_string_pretty(&message.json).unwrap();
            hold(&name, &format!("Subject: {}\n\n{}\n{json}\n", message.subject, message.text));
            name
        })
        .collect()
}

/// Whether what is reviewed is to be written, instead of compared.
#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
pub(crate) fn writes_golden() -> bool {
    std::env::var("GOLDEN").is_ok_and(|value| value == "write")
}

/// Compares with the golden file, or writes it.
fn hold(name: &str, says: &str) {
    hold_in(&golden_files(), name, says);
}

/// The same in another folder.
pub(crate) fn hold_in(folder: &Path, name: &str, says: &str) {
    let file = folder.join(name);
    if writes_golden() {
        fs::write(&file, says).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(says, golden, "{name}: if this is meant, GOLDEN=write and review the difference");
}

fn golden_files() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/alerts")
}

#[test]
fn each_alert_reads_as_it_was_reviewed() {
    let (_, from) = &tools()[0];
    hold("tools.txt", &by_tool());
    let mut names = BTreeSet::from(["tools.txt".to_owned()]);
    let as_deployed = cases(from).into_iter().chain(applied()).map(|(name, report)| (name, report, Some(BACKOUT)));
    let alone = ("remediated-without-backout".to_owned(), copied(Outcome::Remediated, from), None);
    for (name, report, function) in as_deployed.chain([alone]) {
        let message = with_setting(&report, function);
        let json = serde_json::to_string_pretty(&message.json).unwrap();
        let name = format!("{name}.txt");
        hold(&name, &format!("Subject: {}\n\n{}\n{json}\n", message.subject, message.text));
        assert!(names.insert(name.clone()), "{name}: two cases of one name");
    }
    names.extend(backout_alerts::hold_all());
    names.extend(digests::hold_all());
    names.extend(move_alerts::hold_all());
    let files = fs::read_dir(golden_files()).unwrap();
    let files: BTreeSet<String> = files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, names, "no golden file without its case: delete what no case writes");
}

#[test]
fn every_outcome_and_reason_that_alerts_has_its_alert() {
    let cases = cases(&tools()[0].1);
    for outcome in all::<Outcome>() {
        let is_silent = matches!(outcome, Outcome::FailedRegistration | Outcome::Compliant);
        assert_eq!(cases.iter().any(|(_, report)| report.outcome == outcome), !is_silent, "{outcome:?}");
    }
    for reason in all::<Reason>() {
        assert!(cases.iter().any(|(_, report)| report.reason == Some(reason)), "{reason:?}");
    }
    assert_eq!((all::<Outcome>().len(), all::<Reason>().len()), (10, 19), "the names are read out of serde's error");
}

#[test]
fn every_alert_keeps_the_limits_of_mail_sns_and_chat() {
    for (name, report) in tools().iter().flat_map(|(_, from)| cases(from)).chain(applied()) {
        for function in [None, Some(BACKOUT)] {
            keeps_the_limits(&name, &with_setting(&report, function), report.id.family.as_str());
        }
    }
    for (name, message) in backout_alerts::cases(&"long ".repeat(100), "jane", &"s".repeat(255)) {
        keeps_the_limits(name, &message, "web");
    }
}

/// Names as long as AWS allows take nothing away of what is said about them.
#[test]
fn nothing_is_cut_however_long_the_names_are() {
    let (_, from) = &tools()[0];
    let arn = format!("arn:aws:ecs:us-east-1:012345678912:task-definition/{}:*", "f".repeat(255));
    let refused = Cause::InvalidParameter;
    let failed = failed(call("ecs:RegisterTaskDefinition", &arn, "ClientException", refused), from);
    let message = with_setting(&failed, None);
    let words = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole =
        format!("{arn} failed: invalid_parameter (ClientException), request 3f1c7a52-0000-4000-8000-000000000001");
    assert!(words.contains(&whole), "{words}");
    assert!(message.json["failure"].as_str().unwrap().contains(&whole), "{}", message.json);
    let name = "c".repeat(255);
    let seen = seen(described(12, "ACTIVE", &app("").replace("\"app\"", &format!("\"{name}\""))), false);
    let message = with_setting(&report(Outcome::Alerted, Some(Reason::AlertMode), seen, from), None);
    let words = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for effect in ["capabilities.add SYS_PTRACE takes effect for the first time", "/var/run/docker.sock"] {
        assert!(words.contains(&format!("{name}: ")) && words.contains(effect), "{effect}: {words}");
    }
}

pub(crate) fn keeps_the_limits(name: &str, message: &Message, thread: &str) {
    assert!(message.subject.len() < 100 && message.subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{name}");
    assert!(message.text.lines().count() <= 60, "{name}: {} lines", message.text.lines().count());
    assert!(message.text.is_ascii(), "{name}");
    let wide = message.text.lines().filter(|line| line.len() > 76 && line.trim().contains(' '));
    let wide = wide.filter(|line| !line.contains("aws ") && !line.contains('{'));
    // A command goes on with its next option.
    let wide: Vec<&str> = wide.filter(|line| !line.trim_start().starts_with("--")).collect();
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
    assert_eq!(json["metadata"]["threadId"], thread);
    for (attribute, value) in &message.attributes {
        assert_eq!(json[attribute], *value, "{name}: SNS does not deliver attributes, so the body holds them");
        assert_eq!(json["metadata"]["additionalContext"][attribute], *value);
    }
}

#[test]
fn the_first_fifteen_lines_answer_what_whoever_is_on_call_asks() {
    for (name, report) in tools().iter().flat_map(|(_, from)| cases(from)) {
        for function in [None, Some(BACKOUT)] {
            let message = with_setting(&report, function);
            let first: Vec<&str> = message.text.lines().take(15).collect();
            let verdict = format!("task definition {} ", report.id);
            let undo = if message.json["undo"].is_string() { "Undo: " } else { "" };
            for answer in [verdict.as_str(), "Act now? ", "Changed: ", "Who: ", undo, "Privileged containers: "] {
                assert!(first.iter().any(|line| line.contains(answer)), "{name}: {answer}: {first:#?}");
            }
        }
    }
    let message = with_setting(&copied(Outcome::Remediated, &provenance("terraform")), None);
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

/// Advice that does nothing costs whoever is on call the night.
#[test]
fn no_exemption_is_advised_where_none_is_asked_for() {
    for (name, report) in tools().iter().flat_map(|(_, from)| cases(from)) {
        let plan = report.finding.as_ref().map(|finding| &finding.plan);
        let is_asked = match plan.map(|plan| &plan.then) {
            Some(Then::End(Outcome::Inactive | Outcome::Exempt, _)) | None => false,
            Some(Then::End(_, Some(Reason::InactiveInUse | Reason::ManagedByBatch | Reason::ManagedByExpress))) => {
                false
            }
            // Of a revision that is gone, with a copy that is to go.
            Some(_) if plan.is_some_and(|plan| !plan.left.is_empty()) => false,
            Some(Then::End(..) | Then::Copy(_) | Then::Finish(_)) => true,
        };
        let text = with_setting(&report, None).text;
        assert_eq!(text.contains("Allow for a time: "), is_asked, "{name}: {text}");
        assert!(is_asked || !text.contains("and an exemption"), "{name}: {text}");
    }
}

/// What each end counts as, what it withdrew, and how long the remedy took since the original came.
#[test]
fn each_end_is_counted() {
    let ninety_seconds_later = "2026-11-29T08:01:30Z".parse().unwrap();
    for (name, report) in cases(&provenance("terraform")) {
        let withdrawn = report.made.iter().any(|copy| copy.withdrawn.is_some());
        let counted = match report.outcome {
            Outcome::Remediated => ("Remediated", 1.0),
            Outcome::AlreadyRemediated => ("AlreadyRemediated", 1.0),
            Outcome::Superseded => ("Superseded", 1.0),
            Outcome::Exempt => ("ExemptionUsed", 1.0),
            Outcome::Failed => ("Failed", 1.0),
            Outcome::Alerted | Outcome::UnfaithfulCopyWithdrawn => ("Alerted", 1.0),
            Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive => ("Alerted", 0.0),
        };
        let found = if counted == ("Alerted", 0.0) { 0.0 } else { 1.0 };
        let mut expected = vec![("Found", found), counted];
        expected.extend(withdrawn.then_some(("Withdrawn", 1.0)));
        expected.extend((report.outcome == Outcome::Remediated).then_some(("SecondsToRemedy", 90.0)));
        assert_eq!(metrics::of_report(&report, ninety_seconds_later), expected, "{name}");
    }
}
