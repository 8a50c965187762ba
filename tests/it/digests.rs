//! The digests of a sweep, held by golden files beside the alerts.

use ecs_privileged_guard::domain::alert::{Message, Setting};
use ecs_privileged_guard::domain::arn::{Family, Home, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::failure::Cause;
use ecs_privileged_guard::domain::moves::report::MoveReport;
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::policy::RoleName;
use ecs_privileged_guard::domain::sweep::blind;
use ecs_privileged_guard::domain::sweep::digest::{Digest, News, message};
use ecs_privileged_guard::domain::sweep::evidence::{Evidence, FamilyRow, Look, RunRow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alerts::{call, hold_messages, keeps_the_limits};
use super::evidence::{everything, nothing, that_missed};
use super::mail::command;
use super::move_alerts::of_a_sweep;

const REPORT: &str = "reports/111122223333/eu-west-1/latest.html";

fn id(text: &str) -> TaskDefinitionId {
    text.parse().unwrap()
}

fn told(digest: &Digest, backout_function: Option<&str>) -> Message {
    let roles: [RoleName; 2] = ["guard-GuardRole-1ABC", "guard-SweepRole-1ABC"].map(|name| name.parse().unwrap());
    let setting = Setting {
        mode: digest.evidence.mode,
        home: &Home::new("eu-west-1", "111122223333").unwrap(),
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function,
        roles: &roles,
        owner_tag_keys: &[],
    };
    message(digest, &setting)
}

fn digest<'a>(evidence: &'a Evidence, news: &'a [News]) -> Digest<'a> {
    Digest {
        evidence,
        news,
        moves: &[],
        held_back: 0,
        missed_for_the_first_time: 0,
        ending: &[],
        started_over: None,
        left_for_the_next_run: 0,
        stopped_writing: false,
        report: REPORT,
    }
}

fn news(name: &str, outcome: Outcome, reason: Option<Reason>) -> News {
    News {
        id: id(name),
        outcome,
        reason,
        copy: None,
        copy_is_new: false,
        withdrawn: Vec::new(),
        left: Vec::new(),
        existed_before: false,
        failure: None,
        statement: None,
        tasks: 0,
    }
}

fn copied(name: &str, copy: &str, tasks: u32) -> News {
    News { copy: Some(id(copy)), copy_is_new: true, tasks, ..news(name, Outcome::Remediated, None) }
}

fn out_of_scope(name: &str, existed_before: bool) -> News {
    News { existed_before, ..news(name, Outcome::Alerted, Some(Reason::OutOfScope)) }
}

/// A role that may not be passed, with text of others in the answer.
fn denied(name: &str, role: &str, text: &str) -> News {
    let failure = format!(
        "ecs:RegisterTaskDefinition on arn:aws:ecs:eu-west-1:111122223333:task-definition/{text}:* failed: \
         access_denied (AccessDeniedException), request 3f1c7a52-0000-4000-8000-000000000001"
    );
    let statement = json!({
        "Effect": "Allow", "Action": "iam:PassRole", "Resource": [format!("arn:aws:iam::111122223333:role/{role}")],
        "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
    News {
        failure: Some(failure),
        statement: Some(statement.to_string()),
        ..news(name, Outcome::Failed, Some(Reason::AccessDenied))
    }
}

fn row(name: &str, outcome: Outcome, reason: Option<Reason>, tasks: u32, ways: usize) -> FamilyRow {
    let run = RunRow {
        revision: Revision::new(12).unwrap(),
        cluster: "prod".into(),
        starter: name.into(),
        is_service: true,
        tasks,
        moved: None,
    };
    FamilyRow {
        family: name.parse().unwrap(),
        latest: Some(Revision::new(12).unwrap()),
        is_newest_clean: outcome == Outcome::Remediated,
        running: if tasks > 0 { vec![run] } else { Vec::new() },
        callable: vec![Revision::new(12).unwrap()],
        containers: vec!["app".into()],
        residual: vec!["app: runs as root (Security Hub ECS.20)".into(); ways],
        look: Look::CameTo(outcome, reason),
        existed_before: false,
        copy: None,
    }
}

/// 40 families, of which these have something privileged.
fn account(families: Vec<FamilyRow>) -> Evidence {
    Evidence { families_total: 40, revisions_total: 312, revisions_looked_at: 312, families, ..nothing() }
}

/// Everything at once, with `text` in each place that others write.
fn all_at_once(text: &str) -> (Evidence, Vec<News>) {
    let withdrawn = News {
        withdrawn: vec![(id("scanner:14"), "it is not the original without privilege")],
        ..news("scanner:12", Outcome::UnfaithfulCopyWithdrawn, None)
    };
    let found = [copied("checkout:12", "checkout:13", 3), copied("api:4", "api:5", 0), withdrawn];
    let reported = [
        out_of_scope("legacy:2", true),
        out_of_scope("lab:7", false),
        news("payments:12", Outcome::Superseded, None),
        news("batch:1", Outcome::Alerted, Some(Reason::ManagedByBatch)),
        news("agent-g:12", Outcome::Alerted, Some(Reason::ExemptionUnreadable)),
        denied("builder:1", "builder", text),
    ];
    (everything(text), found.into_iter().chain(reported).collect())
}

/// That, as one message.
pub(crate) fn of_all_at_once(text: &str) -> Message {
    let (evidence, news) = all_at_once(text);
    let ending = [ends("agent-c", "2026-11-24T13:00:00Z")];
    told(
        &Digest {
            missed_for_the_first_time: 1,
            ending: &ending,
            started_over: Some("it could not be understood; the time of the first run was kept"),
            held_back: 7,
            left_for_the_next_run: 5,
            stopped_writing: true,
            ..digest(&evidence, &news)
        },
        Some("guard-Backout-1ABC"),
    )
}

fn ends(family: &str, at: &str) -> (Family, Timestamp) {
    (family.parse().unwrap(), at.parse().unwrap())
}

/// Each kind of digest.
fn cases() -> Vec<(&'static str, Message)> {
    let function = Some("guard-Backout-1ABC");
    let remediated = |name| row(name, Outcome::Remediated, None, 2, 1);
    vec![
        ("digest-first-run", {
            let names: Vec<String> = (1..=25).map(|number| format!("team-{number:02}")).collect();
            let evidence = Evidence {
                is_complete: false,
                ..account(names.iter().map(|name| row(name, Outcome::Remediated, None, 2, 3)).collect())
            };
            let news: Vec<News> =
                names.iter().map(|name| copied(&format!("{name}:12"), &format!("{name}:13"), 2)).collect();
            told(&Digest { left_for_the_next_run: 11, ..digest(&evidence, &news) }, function)
        }),
        ("digest-changed", {
            let evidence = account(vec![remediated("api"), remediated("checkout")]);
            let by_earlier = News { outcome: Outcome::AlreadyRemediated, ..copied("api:12", "api:13", 0) };
            let taken_back = News {
                withdrawn: vec![(id("web:14"), "the family moved on meanwhile")],
                ..news("web:12", Outcome::Superseded, Some(Reason::Race))
            };
            let news = [copied("checkout:12", "checkout:13", 2), by_earlier, taken_back];
            told(&Digest { held_back: 1, ..digest(&evidence, &news) }, function)
        }),
        ("digest-changed-without-backout", {
            let evidence = account(vec![remediated("checkout")]);
            told(&digest(&evidence, &[copied("checkout:12", "checkout:13", 2)]), None)
        }),
        ("digest-missed", {
            let missed = ["api", "checkout", "job"].map(|name| (name.parse().unwrap(), Revision::new(12).unwrap()));
            let evidence = Evidence { looker: that_missed(missed), ..account(vec![remediated("api")]) };
            let news = [copied("api:12", "api:13", 1)];
            told(&Digest { missed_for_the_first_time: 2, ..digest(&evidence, &news) }, function)
        }),
        ("digest-failed", {
            let failed = |name| row(name, Outcome::Failed, Some(Reason::AccessDenied), 1, 2);
            let evidence = account(vec![failed("api"), failed("job"), failed("web")]);
            let unfaithful = |name, copy| News {
                withdrawn: vec![(id(copy), "it is not the original without privilege")],
                ..news(name, Outcome::UnfaithfulCopyWithdrawn, None)
            };
            let limit = News {
                failure: Some(
                    "ecs:RegisterTaskDefinition on big:* failed: limit_exceeded (LimitExceededException)".into(),
                ),
                ..news("big:3", Outcome::Failed, Some(Reason::LimitExceeded))
            };
            let news = [
                denied("api:12", "api", "api"),
                denied("job:12", "job", "job"),
                denied("web:12", "job", "web"),
                limit,
                unfaithful("new:1", "new:2"),
                unfaithful("newer:1", "newer:2"),
            ];
            told(&Digest { stopped_writing: true, left_for_the_next_run: 4, ..digest(&evidence, &news) }, function)
        }),
        ("digest-ending", {
            let evidence = account(vec![row("agent", Outcome::Exempt, None, 40, 5)]);
            let ending = [ends("agent", "2026-11-24T13:30:00Z"), ends("builder", "2026-11-30T07:00:00Z")];
            told(&Digest { ending: &ending, ..digest(&evidence, &[]) }, function)
        }),
        ("digest-alert-mode", {
            let reported = |name, tasks| row(name, Outcome::Alerted, Some(Reason::AlertMode), tasks, 3);
            let families = vec![reported("api", 0), reported("checkout", 6), reported("job", 1)];
            let evidence = Evidence { mode: "alert", ..account(families) };
            let alerted = |name, tasks| News { tasks, ..news(name, Outcome::Alerted, Some(Reason::AlertMode)) };
            told(&digest(&evidence, &[alerted("api:12", 0), alerted("checkout:12", 6), alerted("job:12", 1)]), function)
        }),
        ("digest-existing", {
            let reported = |name, tasks| row(name, Outcome::Alerted, Some(Reason::OutOfScope), tasks, 2);
            let evidence = account(vec![reported("api", 4), reported("lab", 0), reported("web", 0)]);
            let news = [
                News { tasks: 4, ..out_of_scope("api:12", true) },
                out_of_scope("web:12", true),
                out_of_scope("web:9", true),
                out_of_scope("lab:12", false),
            ];
            told(&digest(&evidence, &news), function)
        }),
        ("digest-partly-seen", {
            let denied = "ecs:ListServices on arn:aws:ecs:eu-west-1:111122223333:cluster/legacy: access_denied";
            let evidence = Evidence {
                is_complete: false,
                unseen: vec![denied.into()],
                revisions_looked_at: 120,
                ..account(Vec::new())
            };
            let started_over = Some("it could not be understood; the time of the first run was kept");
            told(&Digest { started_over, ..digest(&evidence, &[]) }, function)
        }),
        ("digest-services", {
            let evidence = Evidence { mode: "enforce", ..account(vec![remediated("web")]) };
            let reports = of_a_sweep();
            let moves: Vec<&MoveReport> = reports.iter().collect();
            told(&Digest { moves: &moves, ..digest(&evidence, &[copied("api:4", "api:5", 1)]) }, function)
        }),
        ("digest-everything", of_all_at_once("web")),
    ]
}

/// What is told where a sweep saw nothing at all.
fn blind_cases() -> Vec<(&'static str, Message)> {
    let home = Home::new("eu-west-1", "111122223333").unwrap();
    let roles: [RoleName; 1] = ["guard-SweepRole-1ABC".parse().unwrap()];
    let setting = Setting {
        mode: "remediate",
        home: &home,
        bucket: "guard-state",
        runbook_url: Some("https://wiki.example.com/ecs-guard"),
        backout_function: None,
        roles: &roles,
        owner_tag_keys: &[],
    };
    let lists = "ecs:ListTaskDefinitions";
    let no_list = call(lists, "*", "AccessDeniedException", Cause::AccessDenied { action: lists });
    let watermark = "arn:aws:s3:::guard-state/sweeps/111122223333/eu-west-1.json";
    let no_watermark = call("s3:GetObject", watermark, "InvalidObjectState", Cause::Refused);
    let without_runbook = Setting { runbook_url: None, ..setting };
    vec![
        ("sweep-blind", blind::message(&no_list, &setting, true)),
        ("sweep-blind-not-remembered", blind::message(&no_watermark, &without_runbook, false)),
    ]
}

/// Holds the golden files, and answers their names.
pub(crate) fn hold_all() -> Vec<String> {
    hold_messages(cases().into_iter().chain(blind_cases()).collect())
}

/// Lines of a mail, however they are wrapped.
fn flowing(message: &Message) -> String {
    message.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_digest_keeps_the_limits_of_mail_sns_and_chat() {
    for (name, message) in cases().into_iter().chain(blind_cases()) {
        keeps_the_limits(name, &message, "sweep");
        assert!(!message.text.contains("(cut)"), "{name}: what is left out is counted: {}", message.text);
    }
}

#[test]
fn what_no_event_told_of_comes_first_and_what_failed_needs_somebody() {
    let message = of_all_at_once("web");
    assert!(message.text.starts_with("MISSED: no event told of 2 privileged revisions (1 not named before):"));
    let at = |words: &str| message.text.find(words).unwrap_or_else(|| panic!("{words}: {}", message.text));
    assert!(at("MISSED") < at("The sweep of account") && at("The sweep of account") < at("Act now? Yes"));
    assert!(at("Act now? Yes") < at("\nSTATE") && at("\nSTATE") < at("\nCHANGED"));
    assert_eq!(message.json["severity"], "critical");
    assert_eq!(message.json["missedByEvent"], 2);
}

/// Without the function for it nothing writes an exemption.
#[test]
fn what_a_command_does_for_a_service_that_went_back_is_said_as_it_is() {
    let evidence = Evidence { mode: "enforce", ..account(Vec::new()) };
    let reports = of_a_sweep();
    let moves: Vec<&MoveReport> = reports.iter().collect();
    for (function, says) in [
        (Some("guard-Backout-1ABC"), "To exempt it for a time: aws lambda invoke --region eu-west-1 "),
        (
            None,
            "To make the original its family's latest again: aws ecs deregister-task-definition --region eu-west-1 ",
        ),
    ] {
        let text = flowing(&told(&Digest { moves: &moves, ..digest(&evidence, &[]) }, function));
        assert!(text.contains(says), "{says}: {text}");
        assert_eq!(text.contains("exempt"), function.is_some(), "{text}");
    }
}

#[test]
fn each_change_has_one_pasteable_line_that_undoes_it() {
    let all = cases();
    let (_, message) = all.iter().find(|(name, _)| *name == "digest-changed").unwrap();
    let undo = message.json["changed"][0]["undo"].as_str().unwrap();
    assert_eq!(command(&message.text).trim(), undo);
    assert_eq!(message.text.matches("aws lambda invoke").count(), 2, "{}", message.text);
    assert!(
        undo.ends_with(r#"--payload '{"taskDefinition":"checkout:12","reason":"WHY","approvedBy":"WHO"}'"#),
        "{undo}"
    );
}

#[test]
fn what_was_not_seen_is_not_denied() {
    for (is_complete, unseen, looked_at) in [(false, false, 312), (true, true, 312), (true, false, 311)] {
        let evidence = Evidence {
            is_complete,
            unseen: if unseen { vec!["a cluster".into()] } else { Vec::new() },
            revisions_looked_at: looked_at,
            ..account(Vec::new())
        };
        let text = flowing(&told(&digest(&evidence, &[]), None));
        assert!(text.contains("Does anything run privileged? No, as far as it was seen."), "{text}");
        assert!(text.contains("Is every newest revision clean? Yes, as far as it was seen."), "{text}");
    }
    let text = flowing(&told(&digest(&account(Vec::new()), &[]), None));
    assert!(text.contains("Does anything run privileged? No.") && !text.contains("as far as"), "{text}");
}

#[test]
fn one_statement_heals_what_was_denied_alike() {
    let all = cases();
    let (_, message) = all.iter().find(|(name, _)| *name == "digest-failed").unwrap();
    assert_eq!(message.text.matches(r#""Action":"iam:PassRole""#).count(), 1, "{}", message.text);
    let line = message.text.lines().find(|line| line.contains("iam:PassRole")).unwrap();
    let statement: Value = serde_json::from_str(line.trim()).unwrap();
    let roles = ["api", "job"].map(|role| format!("arn:aws:iam::111122223333:role/{role}"));
    assert_eq!(statement["Resource"], json!(roles));
    let own: Value = serde_json::from_str(message.json["failed"][0]["statement"].as_str().unwrap()).unwrap();
    assert_eq!(own["Resource"], roles[0]);
}

/// More than a run looks at, with the longest names and texts.
#[test]
fn whatever_is_in_the_account_the_message_fits_sns_and_says_what_it_leaves_out() {
    let name = |number: usize| format!("{number:0>255}");
    let long = "<\"\u{202e}".repeat(2_000);
    let kinds: [fn(String, &str) -> News; 4] = [
        |name, _| copied(&format!("{name}:12"), &format!("{name}:13"), 9),
        |name, text| News { statement: Some(text.to_owned()), ..denied(&format!("{name}:12"), &name, text) },
        |name, _| denied(&format!("{name}:12"), &name, &name),
        |name, _| out_of_scope(&format!("{name}:12"), true),
    ];
    let all: Vec<News> = (0..4_000).map(|number| kinds[number % 4](name(number), &long)).collect();
    let only = |kind: usize| (0..4_000).map(|number| kinds[kind](name(number), &long)).collect::<Vec<_>>();
    let evidence = Evidence {
        families: (0..4_000).map(|it| row(&name(it), Outcome::Alerted, Some(Reason::AlertMode), 9, 12)).collect(),
        looker: that_missed(
            (0..4_000).map(|it| (name(it).parse().unwrap(), Revision::new(12).unwrap())).collect::<Vec<_>>(),
        ),
        unseen: vec![long.clone(); 500],
        ..nothing()
    };
    let ending: Vec<_> = (0..300).map(|number| ends(&name(number), "2026-11-25T08:00:00Z")).collect();
    for news in [all, only(0), only(1), only(2), only(3)] {
        let digest = Digest {
            missed_for_the_first_time: 4_000,
            ending: &ending,
            held_back: 4_000,
            left_for_the_next_run: 4_000,
            stopped_writing: true,
            started_over: Some("it could not be understood"),
            ..digest(&evidence, &news)
        };
        let message = told(&digest, Some(&"f".repeat(140)));
        let bytes = message.by_protocol().len();
        assert!(bytes < 200_000, "{bytes}");
        assert!(message.text.lines().count() <= 60, "{}", message.text.lines().count());
        let json = &message.json;
        for list in ["changed", "failed", "notChanged", "withdrawn", "missed", "ending", "unseen"] {
            let kept = json[list].as_array().unwrap().len();
            let left_out = usize::try_from(json["leftOut"][list].as_u64().unwrap()).unwrap();
            let all = match list {
                "missed" => 4_000,
                "ending" => 300,
                "unseen" => 500,
                "changed" => news.iter().filter(|it| it.outcome == Outcome::Remediated).count(),
                "failed" => news.iter().filter(|it| it.outcome == Outcome::Failed).count(),
                "notChanged" => news.iter().filter(|it| it.outcome == Outcome::Alerted).count(),
                _ => 0,
            };
            assert_eq!(kept + left_out, all, "{list}");
            assert!(all == 0 || kept > 0, "{list}: something of each is kept");
        }
        for changed in json["changed"].as_array().unwrap() {
            assert!(changed["undo"].as_str().unwrap().ends_with('\''), "a command is never cut");
        }
    }
}

/// The lines of a section under its heading; none if it says nothing.
fn section<'a>(message: &'a Message, heading: &str) -> Vec<&'a str> {
    let mut parts = message.text.split("\n\n").map(str::lines);
    let found = parts.find_map(|mut lines| (lines.next() == Some(heading)).then(|| lines.collect()));
    found.unwrap_or_default()
}

/// A section, however it is wrapped.
fn says(message: &Message, heading: &str) -> String {
    section(message, heading).join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn missed(count: usize) -> Evidence {
    let missed = (0..count).map(|number| (format!("f{number}").parse().unwrap(), Revision::new(1).unwrap()));
    Evidence { looker: that_missed(missed.collect::<Vec<_>>()), ..account(Vec::new()) }
}

fn withdrew(name: &str, copy: &str, outcome: Outcome) -> News {
    News { withdrawn: vec![(id(copy), "it must not stay")], ..news(name, outcome, None) }
}

/// A sweep that is not sure of what it says asks for a look, though nothing else does.
#[test]
fn each_doubt_alone_is_worth_a_look() {
    let unseen = Evidence { unseen: vec!["a cluster".into()], ..account(Vec::new()) };
    let started_over = Some("it could not be understood");
    for (evidence, started_over, severity) in [
        (account(Vec::new()), None, "info"),
        (missed(1), None, "warning"),
        (unseen, None, "warning"),
        (account(Vec::new()), started_over, "warning"),
    ] {
        let message = told(&Digest { started_over, ..digest(&evidence, &[]) }, None);
        assert_eq!(message.json["severity"], severity, "{}", message.text);
        assert_eq!(message.text.contains("Act now? No; look at it"), severity == "warning", "{}", message.text);
    }
}

#[test]
fn of_what_no_event_told_of_five_are_named_and_it_is_said_how_much_of_it_is_new() {
    let evidence = missed(7);
    for (new, says) in [(0, "all named before"), (3, "3 not named before"), (7, "not named before")] {
        let text = flowing(&told(&Digest { missed_for_the_first_time: new, ..digest(&evidence, &[]) }, None));
        let first = format!(
            "MISSED: no event told of 7 privileged revisions ({says}): f0:1, f1:1, f2:1, f3:1, f4:1 and 2 more. Check"
        );
        assert!(text.starts_with(&first), "{text}");
    }
}

/// SNS takes 99 characters; half a word would be read as another.
#[test]
fn a_subject_counts_all_that_fits_and_nothing_by_half() {
    let evidence = missed(12);
    let failed = withdrew("web:1", "web:2", Outcome::UnfaithfulCopyWithdrawn);
    for (copies, counts, length) in
        [(12, "1 FAILED, 12 missed, 12 copied, 1 withdrawn", 99), (100, "1 FAILED, 12 missed, 100 copied", 87)]
    {
        let copies = (0..copies).map(|number| copied(&format!("c{number}:1"), &format!("c{number}:2"), 0));
        let news: Vec<News> = copies.chain([failed.clone()]).collect();
        let message = told(&digest(&evidence, &news), None);
        assert_eq!(message.subject, format!("[ECS privileged guard] sweep of 111122223333 eu-west-1: {counts}"));
        assert_eq!((message.subject.len(), &message.json["content"]["title"]), (length, &json!(message.subject)));
    }
}

/// Whoever reads that nothing was changed looks no further.
#[test]
fn only_where_nothing_happened_is_it_said_that_nothing_was_changed() {
    let evidence = account(Vec::new());
    let reports = of_a_sweep();
    let moved: Vec<&MoveReport> = reports.iter().take(1).collect();
    let failed = [news("big:3", Outcome::Failed, Some(Reason::LimitExceeded))];
    let withdrawn = [withdrew("web:12", "web:14", Outcome::Inactive)];
    let no_copy = "No new copy is in force.";
    for (news, moves, says) in [
        (&[out_of_scope("lab:7", false)][..], &[][..], "Nothing was changed."),
        (&failed, &[], no_copy),
        (&withdrawn, &[], no_copy),
        (&[], &moved, no_copy),
    ] {
        let message = told(&Digest { moves, ..digest(&evidence, news) }, None);
        assert_eq!(section(&message, "CHANGED").last().map(|line| line.trim()), Some(says), "{}", message.text);
    }
}

/// A command that undoes it would undo the work of somebody else, or what was agreed to long ago.
#[test]
fn a_copy_that_is_a_persons_or_was_told_before_is_not_told_as_new() {
    let beside = News { copy: Some(id("web:13")), ..withdrew("web:12", "web:14", Outcome::AlreadyRemediated) };
    let message = told(&digest(&account(Vec::new()), &[beside]), Some("guard-Backout-1ABC"));
    assert!(message.subject.ends_with(": 1 withdrawn"), "{}", message.subject);
    assert!(message.text.contains(" withdrew 1 copy.\nAct now? No.\n"), "{}", message.text);
    let says = says(&message, "CHANGED");
    assert_eq!(says, "1. Deregistered web:14, a copy of web:12: it must not stay No new copy is in force.");
    assert_eq!(message.json["changed"], json!([]));
}

/// Whoever deploys the family's latest gets such a copy, so nobody may overlook it.
#[test]
fn a_copy_that_could_be_neither_proven_nor_withdrawn_is_told_as_active() {
    let evidence = account(Vec::new());
    let left = News { left: vec![id("web:13")], ..denied("web:12", "web", "web") };
    let message = told(&digest(&evidence, &[left, withdrew("api:1", "api:2", Outcome::Exempt)]), None);
    let left = "web:13 is still ACTIVE and not proven: the next look at web:12 deals with it";
    let withdrawn = "Deregistered api:2, a copy of api:1: it must not stay";
    assert_eq!(says(&message, "CHANGED"), format!("1. {left} 2. {withdrawn} No new copy is in force."));
    let chat = message.json["content"]["description"].as_str().unwrap();
    assert!(chat.contains(&format!("\n{left}\n{withdrawn}")), "{chat}");
}

/// What waits by the limit of a run has been seen, and is told of as such.
#[test]
fn a_run_that_ended_early_says_so_unless_it_is_told_what_waits() {
    let evidence = Evidence { is_complete: false, ..account(Vec::new()) };
    let [ended, waits] =
        [0, 1].map(|left| told(&Digest { left_for_the_next_run: left, ..digest(&evidence, &[]) }, None));
    assert_eq!(says(&ended, "NOT SEEN"), "Not everything could be done in this run; the next one goes on.");
    assert_eq!(says(&ended, "NOT CHANGED"), "");
    assert_eq!(says(&waits, "NOT SEEN"), "");
    assert!(says(&waits, "NOT CHANGED").starts_with("1 more privileged revision waits for the next runs: of what"));
}

/// The first copy that comes out different is reason enough to ask; from the second on the run makes none.
#[test]
fn a_copy_that_came_out_different_asks_whether_ecs_itself_sets_it() {
    let evidence = account(Vec::new());
    let different = [withdrew("web:1", "web:2", Outcome::UnfaithfulCopyWithdrawn)];
    let failed = [news("big:3", Outcome::Failed, Some(Reason::LimitExceeded))];
    for (news, stopped_writing, stopped, asks) in
        [(&different, false, false, true), (&different, true, true, true), (&failed, false, false, false)]
    {
        let message = told(&Digest { stopped_writing, ..digest(&evidence, news) }, None);
        let could_not = says(&message, "COULD NOT");
        assert_eq!(could_not.contains("so this run made no more"), stopped, "{could_not}");
        assert_eq!(could_not.contains("Name it in OUTPUT_ONLY_MEMBERS."), asks, "{could_not}");
        assert_eq!(could_not.contains("Each sweep tries again what failed"), !asks, "{could_not}");
    }
}

/// A statement that looks whole, and is not, is pasted in vain.
#[test]
fn a_statement_with_too_many_resources_says_how_many_it_leaves_out() {
    let evidence = account(Vec::new());
    for (roles, leaves_out) in [(8, None), (9, Some("1 more resource")), (10, Some("2 more resources"))] {
        let news: Vec<News> = (0..roles).map(|it| denied(&format!("f{it}:1"), &format!("r{it}"), "f")).collect();
        let could_not = says(&told(&digest(&evidence, &news), None), "COULD NOT");
        let expected = leaves_out.map(|what| format!("It leaves out {what} of the same kind, to be added too."));
        assert_eq!(could_not.contains("It leaves out"), expected.is_some(), "{could_not}");
        assert!(expected.is_none_or(|expected| could_not.contains(&expected)), "{could_not}");
    }
}

#[test]
fn how_far_off_an_end_is_is_said_in_the_unit_that_fits() {
    let evidence = account(Vec::new());
    for (end, left) in [
        ("2026-11-24T08:30:00Z", "30 minutes"),
        ("2026-11-26T07:59:59Z", "47 hours"),
        ("2026-11-26T08:00:00Z", "2 days"),
        ("2026-12-01T08:00:00Z", "7 days"),
    ] {
        let ending = [ends("agent", end)];
        let message = told(&Digest { ending: &ending, ..digest(&evidence, &[]) }, None);
        assert_eq!(section(&message, "ENDING")[0], format!("  agent: its exemption ends {end}, in {left}"));
    }
}

/// By turns: one order alone hides a hole that nothing uses yet, or an agent on every host.
#[test]
fn the_ten_worst_are_half_by_ways_to_the_host_and_half_by_what_runs() {
    let reported = |name: &str, tasks, ways| row(name, Outcome::Alerted, Some(Reason::AlertMode), tasks, ways);
    let worst = |families| {
        let message = told(&digest(&account(families), &[]), None);
        section(&message, "WORST").iter().map(|line| line.trim().split(' ').next().unwrap().to_owned()).collect()
    };
    let holes = (1..=6).map(|place| reported(&format!("hole-{place}"), 0, 9 - place));
    let agents = (1..=6).map(|place| reported(&format!("agent-{place}"), 50 - u32::try_from(place).unwrap(), 0));
    let both = [reported("idle", 0, 0), reported("both", 60, 12)];
    let names: Vec<String> = worst(holes.chain(agents).chain(both).collect());
    assert_eq!(
        names,
        ["both", "hole-1", "agent-1", "hole-2", "agent-2", "hole-3", "agent-3", "hole-4", "agent-4", "hole-5"]
    );
    let names: Vec<String> = worst(vec![reported("idle", 0, 0), reported("agent", 1, 0), reported("hole", 0, 1)]);
    assert_eq!(names, ["hole", "agent"], "what neither runs nor opens the host is not among the worst");
}

/// Nobody scrolls past a mail's sixty lines: what needs a person keeps more of them.
#[test]
fn what_could_not_be_done_keeps_the_most_lines_then_services_then_changes() {
    let evidence = Evidence { unseen: vec!["a cluster".into(); 200], ..account(Vec::new()) };
    let failed: Vec<News> = (0..200)
        .map(|number| {
            let statement = json!({ "Action": format!("x:{number}"), "Resource": "*" }).to_string();
            News { statement: Some(statement), ..news("web:1", Outcome::Failed, Some(Reason::AccessDenied)) }
        })
        .collect();
    let changed: Vec<News> = (1..=200).map(|number| copied(&format!("web:{number}"), "web:201", 0)).collect();
    let reports: Vec<MoveReport> = (0..40).flat_map(|_| of_a_sweep().into_iter().take(1)).collect();
    let moves: Vec<&MoveReport> = reports.iter().collect();
    // By lines, beside those of what gives way as most parts do.
    for (heading, news, moves, more) in
        [("COULD NOT", &failed, &[][..], 20), ("SERVICES", &Vec::new(), &moves, 10), ("CHANGED", &changed, &[], 5)]
    {
        let message = told(&Digest { moves, ..digest(&evidence, news) }, None);
        let [lines, others] = [heading, "NOT SEEN"].map(|heading| section(&message, heading).len());
        assert!(others > 1 && lines >= others + more, "{heading}: {lines}, {others}: {}", message.text);
        assert!(message.text.lines().count() <= 60, "{}", message.text);
    }
    let families = (0..10).map(|it| row(&format!("f{it}"), Outcome::Alerted, Some(Reason::AlertMode), 1, 1)).collect();
    let evidence = Evidence { families, ..evidence };
    let ending: Vec<_> = (0..200).map(|number| ends(&format!("f{number}"), "2026-11-25T08:00:00Z")).collect();
    let message = told(&Digest { ending: &ending, ..digest(&evidence, &[]) }, None);
    let [worst, ending, unseen] = ["WORST", "ENDING", "NOT SEEN"].map(|heading| section(&message, heading).len());
    assert!((1..10).contains(&worst) && ending > worst && unseen > worst, "{}", message.text);
}

/// Half the room would hide half of what was changed from programs; a byte too many, and SNS refuses it all.
#[test]
fn the_document_takes_what_room_the_text_leaves() {
    let name = |number: usize| format!("{number:0>255}");
    let news: Vec<News> =
        (0..100).map(|it| copied(&format!("{}:12", name(it)), &format!("{}:13", name(it)), 9)).collect();
    let message = told(&digest(&account(Vec::new()), &news), Some("guard-Backout-1ABC"));
    let (bytes, text) = (message.by_protocol().len(), message.text.len());
    assert!(text > 4_000 && (180_000..190_200).contains(&bytes), "{text} of {bytes}");
}
