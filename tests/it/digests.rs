//! The digests of a sweep, held by golden files beside the alerts.

use ecs_privileged_guard::domain::alert::{Message, Setting};
use ecs_privileged_guard::domain::arn::{Family, Home, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::moves::report::MoveReport;
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::policy::RoleName;
use ecs_privileged_guard::domain::sweep::digest::{Digest, News, message};
use ecs_privileged_guard::domain::sweep::evidence::{Evidence, FamilyRow, Look, RunRow};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::alerts::{hold_messages, keeps_the_limits};
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
        withdrawn: Vec::new(),
        existed_before: false,
        failure: None,
        statement: None,
        tasks: 0,
    }
}

fn copied(name: &str, copy: &str, tasks: u32) -> News {
    News { copy: Some(id(copy)), tasks, ..news(name, Outcome::Remediated, None) }
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

/// Holds the golden files, and answers their names.
pub(crate) fn hold_all() -> Vec<String> {
    hold_messages(cases())
}

/// Lines of a mail, however they are wrapped.
fn flowing(message: &Message) -> String {
    message.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_digest_keeps_the_limits_of_mail_sns_and_chat() {
    for (name, message) in cases() {
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
