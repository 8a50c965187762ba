//! The evidence of a sweep and of a scan, rendered from samples: what the schema and a browser judge (`tests/e2e/test_evidence.py`)
//! is written to `target/tmp/evidence` here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ecs_privileged_guard::domain::arn::{Family, Home, Revision};
use ecs_privileged_guard::domain::moves::State;
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::sweep::evidence::{
    Evidence, ExemptionRow, FamilyRow, Look, Looker, Past, RunRow, html, json,
};
use jiff::SignedDuration;
use serde_json::Value;

use super::alerts::hold_in;

fn revision(number: usize) -> Revision {
    Revision::new(u64::try_from(number).unwrap()).unwrap()
}

fn revisions(numbers: impl IntoIterator<Item = usize>) -> Vec<Revision> {
    numbers.into_iter().map(revision).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const HOSTILE: &str = "<img src=https://evil.example/x onerror=alert(1)>\u{202e}\u{0} </td></table>";

/// An account in which nothing is privileged.
pub(crate) fn nothing() -> Evidence {
    Evidence {
        looker: that_missed([]),
        home: Home::new("eu-west-1", "111122223333").unwrap(),
        mode: "remediate",
        at: "2026-11-24T08:00:00Z".parse().unwrap(),
        is_complete: true,
        unseen: Vec::new(),
        families_total: 0,
        families_not_looked_at: 0,
        revisions_total: 0,
        revisions_looked_at: 0,
        families: Vec::new(),
        exemptions: Vec::new(),
        exempt_families: Vec::new(),
    }
}

/// A sweep that knows of these that no event told of them.
pub(crate) fn that_missed(missed_by_event: impl Into<Vec<(Family, Revision)>>) -> Looker {
    let first_run = "2026-10-01T06:30:00Z".parse().unwrap();
    Looker::Sweep { first_run, missed_by_event: missed_by_event.into() }
}

fn family(name: &str, outcome: Outcome, reason: Option<Reason>) -> FamilyRow {
    FamilyRow {
        family: name.parse().unwrap(),
        latest: Some(revision(12)),
        is_newest_clean: false,
        running: Vec::new(),
        callable: revisions([12]),
        containers: texts(&["app"]),
        residual: Vec::new(),
        look: Look::CameTo(outcome, reason),
        existed_before: false,
        copy: None,
    }
}

fn run(number: usize, cluster: &str, starter: &str, is_service: bool, tasks: u32) -> RunRow {
    RunRow {
        revision: revision(number),
        cluster: cluster.into(),
        starter: starter.into(),
        is_service,
        tasks,
        moved: None,
    }
}

fn exemption(name: &str, ends_in_hours: Option<i64>, holds: bool) -> ExemptionRow {
    ExemptionRow {
        family: name.parse().unwrap(),
        containers: texts(&["agent"]),
        reason: "needs the host's devices until it moves to an instance of its own (ticket OPS-4711)".into(),
        approved_by: "J\u{fc}rgen M\u{fc}ller".into(),
        ends: ends_in_hours.map(|hours| nothing().at + SignedDuration::from_hours(hours)),
        holds,
    }
}

/// An account in which everything happens once, with `text` in each place that others write.
pub(crate) fn everything(text: &str) -> Evidence {
    let open = texts(&[
        "pidMode host: it sees and signals the host's processes (Security Hub ECS.3)",
        "networkMode host: it is on the host's network (Security Hub ECS.17)",
        "app: capabilities SYS_ADMIN, NET_ADMIN",
        "app: host path /var/run/docker.sock, writable",
        "app: runs as the image's user, which is root in most (Security Hub ECS.20)",
    ]);
    let remediated = FamilyRow {
        latest: Some(revision(13)),
        is_newest_clean: true,
        running: vec![run(12, text, text, true, 3), run(11, "staging", text, false, 1)],
        callable: revisions(3..=12),
        containers: texts(&["app", text]),
        residual: [open, texts(&[text])].concat(),
        copy: Some(revision(13)),
        ..family("checkout", Outcome::AlreadyRemediated, None)
    };
    let superseded = FamilyRow {
        latest: Some(revision(14)),
        is_newest_clean: true,
        running: vec![run(12, "prod", "payments", true, 12)],
        ..family("payments", Outcome::Superseded, None)
    };
    let gone = FamilyRow {
        latest: None,
        callable: Vec::new(),
        running: vec![run(4, "prod", "events-rule/nightly", false, 2)],
        ..family("nightly-report", Outcome::Alerted, Some(Reason::InactiveInUse))
    };
    Evidence {
        unseen: texts(&[
            "ecs:ListServices was refused for the cluster legacy (AccessDeniedException): its services are not known",
            text,
        ]),
        families_total: 300,
        revisions_total: 2_450,
        revisions_looked_at: 2_450,
        families: vec![
            family("build-agent", Outcome::Alerted, Some(Reason::OutOfScope)),
            remediated,
            family("agent-b", Outcome::Exempt, None),
            FamilyRow {
                running: vec![run(12, "prod", "datadog", true, 40)],
                ..family("datadog-agent", Outcome::Exempt, None)
            },
            family(
                "image-builder-for-the-whole-company-and-its-subsidiaries_production_eu-west-1",
                Outcome::Failed,
                Some(Reason::AccessDenied),
            ),
            gone,
            superseded,
            family("scanner", Outcome::UnfaithfulCopyWithdrawn, None),
        ],
        exemptions: vec![
            exemption("agent-a", Some(24 * 60), true),
            exemption("agent-b", Some(24 * 3 + 1), true),
            exemption("agent-c", Some(5), true),
            exemption("agent-d", Some(-24), false),
            exemption("agent-e", Some(24 * 400), false),
            ExemptionRow {
                containers: Vec::new(),
                reason: String::new(),
                approved_by: String::new(),
                ..exemption("agent-f", None, false)
            },
            ExemptionRow {
                containers: texts(&[text]),
                reason: text.into(),
                approved_by: text.into(),
                ..exemption("agent-g", Some(24 * 60), true)
            },
        ],
        exempt_families: texts(&["datadog-*", "falco"]),
        looker: that_missed(["checkout", "scanner"].map(|name| (name.parse().unwrap(), revision(12)))),
        ..nothing()
    }
}

/// The same as a scan sees it, which goes by records: what they may say, and what becomes of them.
fn scanned(text: &str) -> Evidence {
    let evidence = everything(text);
    let looks = [
        ("a-no-record", Look::NoRecord),
        ("b-unread", Look::Unread),
        ("c-not-known", Look::NotKnown(text.into())),
        ("d-was-exempt", Look::Over(Past::Exempt)),
        ("e-was-copied", Look::Over(Past::Copied)),
        ("f-was-followed", Look::Over(Past::Followed)),
    ];
    let rows = looks.map(|(name, look)| FamilyRow { look, ..family(name, Outcome::Alerted, None) });
    Evidence {
        looker: Looker::Scan { latest_only: false },
        families_not_looked_at: 7,
        revisions_looked_at: 2_400,
        is_complete: false,
        families: rows.into_iter().chain(evidence.families).collect(),
        ..evidence
    }
}

/// More families than a table shows, with the longest names and texts everywhere; one has 100,000 revisions.
fn large() -> Evidence {
    let long = "<".repeat(300);
    let row = |number: usize| FamilyRow {
        family: format!("{number:0>255}").parse::<Family>().unwrap(),
        running: (0..20).map(|_| run(12, &long, &long, number.is_multiple_of(2), 9)).collect(),
        callable: if number == 7 { revisions(1..=100_000) } else { revisions([12]) },
        residual: vec![long.clone(); 12],
        containers: vec![long.clone(); 12],
        ..family("x", Outcome::Alerted, Some(Reason::AlertMode))
    };
    Evidence {
        is_complete: false,
        families_total: 20_000,
        revisions_total: 200_000,
        revisions_looked_at: 120_000,
        families: (1..=2_500).map(row).collect(),
        exemptions: (1..=3_000).map(|number| exemption(&format!("agent-{number}"), Some(24 * 60), true)).collect(),
        looker: that_missed((1..=500).map(|number| ("web".parse().unwrap(), revision(number))).collect::<Vec<_>>()),
        unseen: vec![long.clone(); 500],
        exempt_families: vec![long; 500],
        ..nothing()
    }
}

/// 20,000 families as they are, 3,000 of them privileged.
fn usual() -> Evidence {
    let row = |number: usize| FamilyRow {
        latest: Some(revision(13)),
        is_newest_clean: true,
        running: vec![run(12, "production", &format!("team-{number}-service"), true, 2)],
        residual: texts(&["app: runs as the image's user, which is root in most (Security Hub ECS.20)"]),
        copy: Some(revision(13)),
        ..family(&format!("team-{number:05}-service"), Outcome::Remediated, None)
    };
    Evidence {
        families_total: 20_000,
        revisions_total: 200_000,
        revisions_looked_at: 200_000,
        families: (1..=3_000).map(row).collect(),
        ..nothing()
    }
}

#[test]
fn samples_for_the_schema_and_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("evidence");
    fs::create_dir_all(&folder).unwrap();
    for (name, evidence) in [
        ("nothing", nothing()),
        ("everything", everything("web")),
        ("hostile", everything(HOSTILE)),
        ("wide", everything(&"W".repeat(1_000))),
        ("usual", usual()),
    ] {
        fs::write(folder.join(format!("{name}.json")), json(&evidence)).unwrap();
        fs::write(folder.join(format!("{name}.html")), html(&evidence)).unwrap();
    }
    for (name, text) in [("scan", "web"), ("scan-hostile", HOSTILE)] {
        fs::write(folder.join(format!("{name}.html")), html(&scanned(text))).unwrap();
    }
}

/// What an auditor is given is reviewed like code: `GOLDEN=write cargo test --test it evidence` writes these. What all pages
/// have in common, style and script, is left out; of a scan's page, what a sweep's says too.
#[test]
fn the_report_of_an_account_reads_as_it_was_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/evidence");
    let body = |evidence: &Evidence| {
        let page = html(evidence);
        let body = page.split_once("<body>").unwrap().1;
        let body = body.split_once("<script").map_or(body, |(before, _)| before);
        body.replace("><", ">\n<")
    };
    for (name, evidence) in [("nothing", nothing()), ("everything", everything("web"))] {
        let document: Value = serde_json::from_str(&json(&evidence)).unwrap();
        hold_in(&folder, &format!("{name}.json"), &format!("{document:#}\n"));
        hold_in(&folder, &format!("{name}.html"), &body(&evidence));
    }
    // The rest of a scan's page is the sweep's.
    let of_the_sweep = body(&everything("web"));
    let of_the_sweep: BTreeSet<&str> = of_the_sweep.lines().collect();
    let of_the_scan = body(&scanned("web"));
    let own: Vec<&str> = of_the_scan.lines().filter(|line| !of_the_sweep.contains(line)).collect();
    hold_in(&folder, "scan.html", &format!("{}\n", own.join("\n")));
}

/// What only a sweep knows, or leaves beside its page, a scan does not speak of.
#[test]
fn the_page_of_a_scan_says_what_it_is_and_nothing_that_it_does_not_know() {
    let complete = Evidence { is_complete: true, unseen: Vec::new(), ..scanned("web") };
    let latest_only = Evidence { looker: Looker::Scan { latest_only: true }, ..scanned("web") };
    let long = Evidence { looker: Looker::Scan { latest_only: false }, ..large() };
    for page in [&complete, &latest_only, &long, &scanned("web")].map(html) {
        for words in [
            "event was missed",
            "Events were missed",
            "told of",
            "next runs",
            "latest.json",
            "dated",
            "so far",
            "yet",
            "first sweep",
        ] {
            assert!(!page.contains(words), "{words}");
        }
        assert!(page.contains("Made by <code>guardctl scan</code>, with the rights of whoever ran it"));
        assert!(page.contains("are not judged here: the report of a sweep does that"));
        assert!(page.contains("as of <strong><time datetime=\"2026-11-24T08:00:00Z\">"));
    }
    let in_part = "could not see all of it";
    assert!(html(&scanned("web")).contains(in_part) && !html(&complete).contains(in_part));
    assert!(html(&complete).contains("All were looked at"));
    assert!(html(&scanned("web")).contains("2,400 of 2,450 ACTIVE revisions looked at. There may be more"));
    assert!(html(&latest_only).contains("the latest of each family, and what runs (<code>--latest</code>)"));
    let all_of_them = "<code>guardctl scan -o json</code> and <code>guardctl exempt list</code> show all of them";
    assert!(html(&long).contains(all_of_them));
}

#[test]
fn how_a_family_stands_by_a_scan_rests_on_what_it_says() {
    let page = html(&scanned("web"));
    let row = |family: &str| {
        let row = page.split_once(&format!("<th scope=\"row\">{family}</th>")).unwrap().1;
        row.split_once("</tr>").unwrap().0
    };
    for (family, state, why) in [
        ("a-no-record", "Reported only", "no look at it is known: it has no record"),
        ("b-unread", "Reported only", "its record could not be read"),
        ("c-not-known", "Reported only", "by its record <bdi>web</bdi>, which this version does not know"),
        ("d-was-exempt", "Reported only", "it was exempt, and is not now"),
        ("e-was-copied", "Reported only", "a copy followed, and none is in force now"),
        ("f-was-followed", "Reported only", "a newer revision followed, and none is ACTIVE now"),
        ("build-agent", "Reported only", "by its record: RemediateExisting or REMEDIATE_FAMILIES leaves it alone"),
        ("checkout", "Remediated", "by its record: its copy was there already"),
        ("agent-b", "Exempt", "<small>until <time"),
        ("datadog-agent", "Exempt", "<small>for good (EXEMPT_FAMILIES)</small>"),
        ("scanner", "Failed", "by its record: the copy was not equal, and was withdrawn"),
    ] {
        let row = row(family);
        assert!(row.contains(&format!(">{state}</span>")) && row.contains(why), "{family}: {row}");
    }
}

#[test]
fn a_page_is_bounded_whatever_is_in_the_account_and_says_what_it_leaves_out() {
    let page = html(&large());
    assert!(page.len() < 9_000_000, "{}", page.len());
    assert!(page.contains("of 2,500 rows are shown"));
    assert!(page.contains("of 3,000 rows are shown"));
    assert!(page.contains("120,000 of 200,000 ACTIVE revisions looked at so far"));
    let page = html(&usual());
    assert!(page.contains("2,000 of 3,000 rows are shown"));
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn the_document_is_complete_where_the_page_is_cut() {
    let document: Value = serde_json::from_str(&json(&large())).unwrap();
    assert_eq!(document["families"].as_array().unwrap().len(), 2_500);
    assert_eq!(document["families"][6]["callable"].as_array().unwrap().len(), 100_000);
}

/// Whoever has not seen all of an account does not say that nothing is privileged in the rest.
#[test]
fn only_who_has_seen_all_calls_the_others_clean() {
    let all_seen = || Evidence { unseen: Vec::new(), ..everything("web") };
    let by_scan = |evidence| Evidence { looker: Looker::Scan { latest_only: false }, ..evidence };
    for (evidence, says) in [
        (all_seen(), "nothing privileged<"),
        (everything("web"), "nothing privileged so far<"),
        (Evidence { is_complete: false, ..all_seen() }, "nothing privileged so far<"),
        (by_scan(all_seen()), "nothing privileged<"),
        (by_scan(everything("web")), "nothing privileged was seen<"),
    ] {
        let page = html(&evidence);
        assert_eq!(page.matches(">nothing privileged").count(), 1, "{says}");
        assert!(page.contains(&format!(">{says}")), "{says}");
    }
}

/// Why a service still runs what it should not, by mode `enforce`.
#[test]
fn the_page_says_how_far_each_service_has_come_in_each_mode() {
    for (mode, does) in [
        ("alert", "reports, and changes nothing in ECS"),
        ("remediate", "what runs is not touched"),
        ("enforce", "and moves services to them"),
        ("of the future", "</bdi></strong>: .</p>"),
    ] {
        let page = html(&Evidence { mode, ..nothing() });
        assert!(page.contains(does), "{mode}: {page}");
    }
    let moved = |moved| {
        let running = vec![RunRow { moved, ..run(12, "prod", "web", true, 2) }];
        let families = vec![FamilyRow { running, ..family("checkout", Outcome::AlreadyRemediated, None) }];
        html(&Evidence { mode: "enforce", families, ..nothing() })
    };
    for (state, why) in [
        (State::Waiting, "; moved when its deployment is complete<"),
        (State::Moving, "; on its way to the copy<"),
        (State::Moved, "; moved once, and back<"),
        (State::RolledBack, "; went back, so it is not moved again<"),
        (State::Failed, "; could not be moved<"),
        (State::NotMovable, "; only its owner can move it<"),
    ] {
        assert!(moved(Some(state)).contains(why), "{}", moved(Some(state)));
    }
    assert!(moved(None).contains("in <bdi>prod</bdi>, 2 tasks<"), "{}", moved(None));
}

/// An exemption is the reason only of what is exempt by it.
#[test]
fn a_family_is_exempt_until_the_end_of_the_exemption_that_it_rests_on() {
    let with = |outcome, reason, existed_before, holds| {
        let row = FamilyRow { existed_before, ..family("web", outcome, reason) };
        html(&Evidence { families: vec![row], exemptions: vec![exemption("web", Some(24 * 60), holds)], ..nothing() })
    };
    let row = |page: String| {
        let row = page.split_once("<th scope=\"row\">web</th>").unwrap().1;
        row.split_once("</tr>").unwrap().0.to_owned()
    };
    let until = "<small>until <time";
    assert!(row(with(Outcome::Exempt, None, false, true)).contains(until));
    assert!(!row(with(Outcome::Exempt, None, false, false)).contains(until), "it does not hold");
    assert!(!row(with(Outcome::AlreadyRemediated, None, false, true)).contains(until), "it is of another container");
    let existed = "existed before the first sweep, and RemediateExisting";
    let out_of_scope = |existed_before| row(with(Outcome::Alerted, Some(Reason::OutOfScope), existed_before, false));
    assert!(out_of_scope(true).contains(existed) && !out_of_scope(false).contains(existed));
}

#[test]
fn what_was_missed_and_what_was_not_read_comes_first_and_says_what_to_check() {
    let page = html(&everything("web"));
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}"));
    let check = "Check that a trail logs write management events and that the rule is enabled";
    assert!(at("no event told of 2 privileged revisions") < at(check));
    assert!(at(check) < at("ecs:ListServices was refused"));
    assert!(at("ecs:ListServices was refused") < at("<h2 id=\"totals\">"));
    let page = html(&Evidence { looker: that_missed([]), ..everything("web") });
    let at = |words: &str| page.find(words).unwrap_or_else(|| panic!("{words}"));
    assert!(at("No event was missed") < at("ecs:ListServices was refused"));
}

#[test]
fn what_needs_a_person_comes_first_and_ends_are_marked() {
    let page = html(&everything("web"));
    let row = |family: &str| page.find(&format!("<th scope=\"row\">{family}</th>")).unwrap();
    assert!(row("scanner") < row("build-agent") && row("build-agent") < row("payments"));
    assert!(row("payments") < row("datadog-agent") && row("datadog-agent") < row("checkout"));
    for mark in
        ["Ends in 3 days", "until <time", "Ends within a day", ">Expired<", "Does not hold", "datadog-*", "and 7 more"]
    {
        assert!(page.contains(mark), "{mark}");
    }
}

#[test]
fn the_states_add_up_to_the_families() {
    let document: Value = serde_json::from_str(&json(&everything("web"))).unwrap();
    let states = document["totals"]["byState"].as_object().unwrap();
    let sum: u64 = states.values().map(|count| count.as_u64().unwrap()).sum();
    // One of them has no ACTIVE revision any more, and is not among the 300.
    assert_eq!(sum, 301);
    assert_eq!(states["clean"], 293);
    assert_eq!(document["totals"]["servicesOnPrivileged"], 3);
}
