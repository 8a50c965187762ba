//! A few lines describe a family and what is known; one `check` plans and compares with the plan's own words.

use super::*;
use crate::domain::document::OutputOnly;
use crate::domain::exemption::Found;
use crate::domain::observation::{Held, Original, Run};
use crate::domain::policy::FamilyGlobs;
use crate::domain::record::{MadeCopy, Record};

const NOW: &str = "2026-11-24T08:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// `12 privileged ACTIVE ours old image=x tag=KEY age=SECONDS`: number first, the rest in any order.
fn revision(line: &str) -> Described {
    let words: Vec<&str> = line.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    let number = words[0];
    let status = if has("ACTIVE") { "ACTIVE" } else { "INACTIVE" };
    let role = match () {
        () if has("ours") => "guard-role",
        () if has("persons") => "operator",
        () => "pipeline",
    };
    let age = if has("old") { 7 * 3600 } else { 60 };
    let age = value("age=").map_or(age, |age| age.parse().unwrap());
    let registered_at = now().as_second() - age;
    let image = value("image=").unwrap_or("app");
    let tags = value("tag=").map(|key| format!(r#"{{"key":"{key}","value":"x"}}"#)).unwrap_or_default();
    let (privileged, other) = (has("privileged"), has("mixed"));
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:{number}",
        "family":"web","revision":{number},"status":"{status}","registeredAt":{registered_at},
        "registeredBy":"arn:aws:sts::111122223333:assumed-role/{role}/s",
        "containerDefinitions":[{{"name":"app","image":"{image}","privileged":{privileged}}},
        {{"name":"side","image":"side","privileged":{other}}}]}},"tags":[{tags}]}}"#
    ))
    .unwrap()
}

fn policy(mode: Mode) -> Policy {
    Policy {
        mode,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: Vec::new(),
        guard_roles: vec!["guard-role".parse().unwrap()],
        apply_roles: vec!["operator".parse().unwrap()],
        settle: jiff::SignedDuration::from_mins(60),
    }
}

/// The first line is the original, the others are its later revisions.
fn family(lines: &[&str]) -> Observation {
    let original = revision(lines[0]);
    Observation {
        later: lines[1..].iter().map(|line| revision(line)).collect(),
        ..Observation::of(original.id().clone(), Original::Described(Box::new(original)))
    }
}

fn record(members: &str) -> Record {
    Record::parse(&format!(r#"{{"schemaVersion":1{members}}}"#)).unwrap()
}

fn held(members: &str) -> Held {
    Held { record: record(members), etag: "e".into() }
}

fn exemption(containers: &str, ends: &str) -> Found {
    let text = format!(r#"{{"containers":[{containers}],"reason":"r","approvedBy":"a","expiresAt":"{ends}"}}"#);
    Found::Object { text, written_at: Some(now()) }
}

fn in_words(plan: &Plan) -> String {
    let withdrawals = plan.withdraw.iter().map(|(id, why)| format!("withdraw {} {}", id.revision, why.as_str()));
    let then = match &plan.then {
        Then::End(outcome, None) => outcome.as_str().to_owned(),
        Then::End(outcome, Some(reason)) => format!("{} {}", outcome.as_str(), reason.as_str()),
        Then::Copy(_) => "copy".to_owned(),
        Then::Finish(finish) => format!("finish {}", finish.outcome.as_str()),
    };
    let copy = plan.copy.iter().map(|copy| format!("in force {}", copy.id.revision));
    withdrawals.chain([then]).chain(copy).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(seen: &Observation, policy: &Policy, expected: &str) {
    let plan = plan(seen, policy, now());
    assert_eq!(check_plan(seen, policy, &plan), Ok(()));
    assert_eq!(in_words(&plan), expected);
}

#[test]
fn a_privileged_revision_without_a_next_is_copied() {
    check(&family(&["12 privileged ACTIVE"]), &policy(Mode::Remediate), "copy");
    check(&family(&["12 privileged ACTIVE"]), &policy(Mode::Alert), "alerted alert_mode");
}

#[test]
fn a_clean_revision_is_compliant_whatever_its_status() {
    check(&family(&["12 ACTIVE"]), &policy(Mode::Remediate), "compliant");
    check(&family(&["12 INACTIVE"]), &policy(Mode::Remediate), "compliant");
}

#[test]
fn a_later_active_revision_is_never_overtaken() {
    for next in
        ["13 ACTIVE image=new", "13 privileged ACTIVE image=new", "13 privileged ACTIVE", "19 ACTIVE old image=new"]
    {
        check(&family(&["12 privileged ACTIVE", next]), &policy(Mode::Remediate), "superseded");
    }
}

#[test]
fn a_copy_is_recognised_by_its_content_whoever_registered_it() {
    check(&family(&["12 privileged ACTIVE", "13 ACTIVE"]), &policy(Mode::Remediate), "already_remediated, in force 13");
    check(
        &family(&["12 privileged ACTIVE", "13 ACTIVE ours"]),
        &policy(Mode::Alert),
        "already_remediated, in force 13",
    );
    let later = ["12 privileged ACTIVE", "13 ACTIVE ours old", "14 ACTIVE image=new"];
    check(&family(&later), &policy(Mode::Remediate), "already_remediated, in force 13");
}

#[test]
fn a_copy_of_this_run_is_remediated_and_of_an_earlier_one_already() {
    let mut seen = family(&["12 privileged ACTIVE", "13 ACTIVE ours"]);
    seen.made = vec![MadeCopy::new("13".parse().unwrap(), now(), &policy(Mode::Remediate))];
    check(&seen, &policy(Mode::Remediate), "finish remediated, in force 13");
}

/// A person with a role of `APPLY_ROLES` registers other things, too.
#[test]
fn what_a_person_registered_is_ours_only_as_a_copy_and_withdrawn_only_by_a_records_word() {
    let remediate = policy(Mode::Remediate);
    // An apply that died before its record.
    let died = ["12 privileged ACTIVE", "13 ACTIVE persons"];
    check(&family(&died), &remediate, "finish already_remediated, in force 13");
    let by_hand = ["12 privileged ACTIVE tag=team", "13 ACTIVE persons"];
    check(&family(&by_hand), &remediate, "already_remediated, in force 13");
    let exempted = Observation { exemption: exemption(r#""app""#, "2026-12-24T08:00:00Z"), ..family(&died) };
    check(&exempted, &remediate, "exempt, in force 13");
    // A fix, or a step back, over somebody else's newer version.
    for fix in ["14 ACTIVE persons image=fix", "14 ACTIVE persons", "14 privileged ACTIVE persons image=fix"] {
        check(&family(&["12 privileged ACTIVE", "13 ACTIVE image=new", fix]), &remediate, "superseded");
    }
    check(&family(&["12 privileged ACTIVE", "13 ACTIVE persons image=fix"]), &remediate, "superseded");
    let mut condemned = family(&["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE persons"]);
    condemned.record = Some(held(r#","copies":[{"revision":14,"at":"2026-11-24T07:59:00Z","why":"race"}]"#));
    check(&condemned, &remediate, "withdraw 14 race, superseded race");
}

#[test]
fn a_stray_is_withdrawn_before_anything_else_is_judged() {
    let lost_race = ["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours"];
    check(&family(&lost_race), &policy(Mode::Remediate), "withdraw 14 stray, superseded race");
    check(&family(&lost_race), &policy(Mode::Alert), "superseded race");
    let unfaithful = ["12 privileged ACTIVE", "13 ACTIVE ours image=broken"];
    check(&family(&unfaithful), &policy(Mode::Remediate), "withdraw 13 stray, copy");
}

#[test]
fn what_could_not_be_withdrawn_is_withdrawn_later_however_old_it_is() {
    let mut seen = family(&["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours old"]);
    seen.record = Some(held(&format!(r#","copies":[{{"revision":14,"at":"{NOW}","why":"race"}}]"#)));
    check(&seen, &policy(Mode::Remediate), "withdraw 14 race, superseded race");
    check(&seen, &policy(Mode::Alert), "superseded race");
    let mut alone = family(&["12 privileged ACTIVE", "13 ACTIVE ours old"]);
    alone.record = Some(held(&format!(r#","copies":[{{"revision":13,"at":"{NOW}","why":"sunshine"}}]"#)));
    check(&alone, &policy(Mode::Remediate), "already_remediated, in force 13");
}

#[test]
fn what_is_old_or_recorded_is_no_stray() {
    let old = ["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours old"];
    check(&family(&old), &policy(Mode::Remediate), "superseded");
    let mut recorded = family(&["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours"]);
    recorded.family_records = vec![record(&format!(r#","copies":[{{"revision":14,"at":"{NOW}"}}]"#))];
    check(&recorded, &policy(Mode::Remediate), "superseded");
}

#[test]
fn a_run_that_died_is_cleared_up_after_for_six_hours() {
    for (age, expected) in [(21_599, "withdraw 13 stray, copy"), (21_600, "superseded")] {
        let stray = format!("13 ACTIVE ours image=broken age={age}");
        check(&family(&["12 privileged ACTIVE", &stray]), &policy(Mode::Remediate), expected);
    }
}

#[test]
fn a_race_that_was_lost_before_is_still_told_as_one() {
    for why in ["race", "stray"] {
        let mut seen = family(&["12 privileged ACTIVE", "13 ACTIVE image=new"]);
        let copies = format!(r#","copies":[{{"revision":14,"at":"{NOW}","withdrawn":"{NOW}","why":"{why}"}}]"#);
        seen.record = Some(held(&copies));
        check(&seen, &policy(Mode::Remediate), "superseded race");
    }
}

#[test]
fn what_repeats_the_recorded_copy_of_a_nearer_original_goes() {
    let mut seen =
        family(&["12 privileged ACTIVE image=old", "13 privileged ACTIVE", "14 ACTIVE ours", "15 ACTIVE ours"]);
    // While neither is recorded, the run of that original decides.
    check(&seen, &policy(Mode::Remediate), "superseded");
    seen.family_records = vec![record(&format!(r#","copies":[{{"revision":14,"at":"{NOW}"}}]"#))];
    check(&seen, &policy(Mode::Remediate), "withdraw 15 duplicate, superseded");
}

#[test]
fn of_an_inactive_original_a_persons_copy_is_no_stray_and_what_is_an_earlier_ones_no_copy() {
    let remediate = policy(Mode::Remediate);
    let applied = family(&["12 privileged INACTIVE", "13 ACTIVE persons"]);
    check(&applied, &remediate, "inactive, in force 13");
    let after = |earlier: &str, seen: Observation| Observation { earlier: Some(revision(earlier)), ..seen };
    check(&after("11 privileged ACTIVE image=other", applied), &remediate, "inactive, in force 13");
    let of_another = family(&["12 privileged INACTIVE image=other", "13 ACTIVE ours"]);
    check(&after("11 privileged ACTIVE", of_another), &remediate, "inactive");
}

#[test]
fn of_two_copies_of_ours_the_earlier_one_serves() {
    let twice = ["12 privileged ACTIVE", "13 ACTIVE ours", "14 ACTIVE ours"];
    check(&family(&twice), &policy(Mode::Remediate), "withdraw 14 duplicate, finish already_remediated, in force 13");
}

#[test]
fn a_copy_of_an_equal_nearer_original_is_left_to_its_own_run() {
    let twins = ["12 privileged ACTIVE", "13 privileged ACTIVE", "14 ACTIVE ours"];
    check(&family(&twins), &policy(Mode::Remediate), "superseded");
    let tagged = ["12 privileged ACTIVE tag=build", "13 privileged ACTIVE", "14 ACTIVE ours"];
    check(&family(&tagged), &policy(Mode::Remediate), "superseded");
    let replaced = ["12 privileged INACTIVE", "13 privileged ACTIVE", "14 ACTIVE ours"];
    check(&family(&replaced), &policy(Mode::Remediate), "inactive");
}

#[test]
fn an_unfinished_copy_is_proven_with_its_tags() {
    let lost_tag = ["12 privileged ACTIVE tag=team", "13 ACTIVE ours"];
    check(&family(&lost_tag), &policy(Mode::Remediate), "withdraw 13 unfaithful, unfaithful_copy_withdrawn");
    let mut recorded = family(&lost_tag);
    recorded.record = Some(held(&format!(r#","copy":"web:13","copies":[{{"revision":13,"at":"{NOW}"}}]"#)));
    check(&recorded, &policy(Mode::Remediate), "already_remediated, in force 13");
}

#[test]
fn an_inactive_original_matters_only_while_something_runs_it() {
    let mut seen = family(&["12 privileged INACTIVE"]);
    check(&seen, &policy(Mode::Remediate), "inactive");
    let revision = seen.id.revision;
    let starter = Starter::Other("me".into());
    seen.usage.runs = vec![Run { cluster: "c".into(), starter, revision, tasks: 1 }];
    check(&seen, &policy(Mode::Remediate), "alerted inactive_in_use");
    seen.usage.runs.clear();
    seen.usage.clusters_left_out = 1;
    check(&seen, &policy(Mode::Remediate), "alerted inactive_in_use");
    seen.usage.clusters_left_out = 0;
    seen.original = Original::Gone;
    check(&seen, &policy(Mode::Remediate), "inactive");
}

#[test]
fn a_stray_is_withdrawn_even_if_its_original_is_inactive_by_now() {
    let seen = family(&["12 privileged INACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours"]);
    check(&seen, &policy(Mode::Remediate), "withdraw 14 stray, inactive");
    let alone = family(&["12 privileged INACTIVE", "13 ACTIVE ours"]);
    check(&alone, &policy(Mode::Remediate), "withdraw 13 stray, inactive");
}

#[test]
fn a_stray_that_may_not_be_withdrawn_is_told() {
    let mut seen = family(&["12 privileged INACTIVE", "13 ACTIVE ours"]);
    seen.exemption = exemption("1", "x");
    check(&seen, &policy(Mode::Remediate), "alerted exemption_unreadable");
    check(&seen, &policy(Mode::Alert), "inactive");
    // A copy that stands, and what people registered, may stay.
    for other in ["13 ACTIVE ours old", "13 ACTIVE", "13 ACTIVE image=new"] {
        let seen = Observation { exemption: seen.exemption.clone(), ..family(&["12 privileged INACTIVE", other]) };
        let plan = plan(&seen, &policy(Mode::Remediate), now());
        assert!(in_words(&plan).starts_with("inactive"), "{other}: {}", in_words(&plan));
    }
}

#[test]
fn exemptions_are_exact() {
    let later = "2026-12-01T00:00:00Z";
    let both = "12 privileged mixed ACTIVE";
    for (line, containers, ends, expected) in [
        ("12 privileged ACTIVE", r#""app""#, later, "exempt"),
        ("12 privileged ACTIVE", r#""app","other""#, later, "exempt"),
        ("12 privileged ACTIVE", r#""ap""#, later, "copy"),
        ("12 privileged ACTIVE", r#""*""#, later, "copy"),
        ("12 privileged ACTIVE", r#""app""#, NOW, "copy"),
        ("12 privileged ACTIVE", r#""app""#, "2027-02-22T08:00:00Z", "exempt"),
        ("12 privileged ACTIVE", r#""app""#, "2027-02-22T08:00:01Z", "copy"),
        ("12 privileged ACTIVE", "", later, "alerted exemption_unreadable"),
        ("12 privileged ACTIVE", r#""app""#, "soon", "alerted exemption_unreadable"),
        (both, r#""app""#, later, "alerted partly_exempt"),
        (both, r#""app","side""#, later, "exempt"),
    ] {
        let mut seen = family(&[line]);
        seen.exemption = exemption(containers, ends);
        check(&seen, &policy(Mode::Remediate), expected);
    }
    let unknown_member =
        r#"{"containers":["app"],"reason":"r","approvedBy":"a","expiresAt":"2026-12-01T00:00:00Z","x":1}"#;
    let mut seen = family(&["12 privileged ACTIVE"]);
    seen.exemption = Found::Object { text: unknown_member.into(), written_at: Some(now()) };
    check(&seen, &policy(Mode::Remediate), "alerted exemption_unreadable");
}

#[test]
fn a_copy_of_an_unfinished_run_goes_when_the_family_is_exempt_by_now() {
    let mut seen = family(&["12 privileged ACTIVE", "13 ACTIVE ours"]);
    seen.exemption = exemption(r#""app""#, "2026-12-01T00:00:00Z");
    check(&seen, &policy(Mode::Remediate), "withdraw 13 exempt, exempt");
    seen.record = Some(held(&format!(r#","copy":"web:13","copies":[{{"revision":13,"at":"{NOW}","told":"{NOW}"}}]"#)));
    check(&seen, &policy(Mode::Remediate), "exempt, in force 13");
}

#[test]
fn a_copy_that_nobody_was_told_of_is_told_first_exempt_by_now_or_not() {
    let mut seen = family(&["12 privileged ACTIVE", "13 ACTIVE ours"]);
    seen.exemption = exemption(r#""app""#, "2026-12-01T00:00:00Z");
    let mut with = |members: &str, expected: &str| {
        let copies = format!(r#","copies":[{{"revision":13,"at":"{NOW}"}}]"#);
        seen.record = Some(held(&format!("{copies}{members}")));
        check(&seen, &policy(Mode::Remediate), expected);
        check(&seen, &policy(Mode::Alert), expected);
    };
    with("", "already_remediated, in force 13");
    // Backout tells of the copy that it takes back.
    with(r#","backedOut":{"begun":true}"#, "exempt, in force 13");
}

#[test]
fn a_copy_that_nobody_was_told_of_is_told_though_its_original_was_taken_back() {
    let untold = format!(r#","copies":[{{"revision":13,"at":"{NOW}"}}]"#);
    let told = format!(r#","copy":"web:13","copies":[{{"revision":13,"at":"{NOW}","told":"{NOW}"}}]"#);
    let inactive = || family(&["12 privileged INACTIVE", "13 ACTIVE ours"]);
    // ECS shows what is INACTIVE only while something runs it.
    let gone = || Observation { original: Original::Gone, ..inactive() };
    let with = |record: &str, seen: Observation, expected: &str| {
        let seen = Observation { record: Some(held(record)), ..seen };
        check(&seen, &policy(Mode::Remediate), expected);
        check(&seen, &policy(Mode::Alert), expected);
    };
    with(&untold, inactive(), "already_remediated, in force 13");
    with(&untold, gone(), "already_remediated, in force 13");
    with(&told, inactive(), "inactive, in force 13");
    with(&told, gone(), "inactive");
}

#[test]
fn a_persons_no_is_a_no() {
    let copy = r#","copy":"web:13","copies":[{"revision":13,"at":"2026-11-01T00:00:00Z""#;
    let mut seen = family(&["12 privileged ACTIVE"]);
    seen.removed = vec!["13".parse().unwrap()];
    seen.record = Some(held(&format!("{copy}}}]")));
    check(&seen, &policy(Mode::Remediate), "alerted copy_removed");
    // Another run was making a second one meanwhile.
    seen.later = vec![revision("14 ACTIVE ours")];
    check(&seen, &policy(Mode::Remediate), "withdraw 14 duplicate, alerted copy_removed");
}

#[test]
fn what_proved_unfaithful_is_tried_again_only_under_another_version() {
    let made_under = policy(Mode::Remediate).copied_under();
    let copies = |under: &str| {
        format!(
            r#","copies":[{{"revision":13,"at":"{NOW}","withdrawn":"{NOW}","why":"unfaithful","madeUnder":"{under}"}}]"#
        )
    };
    let mut seen = family(&["12 privileged ACTIVE"]);
    seen.record = Some(held(&copies(&made_under)));
    check(&seen, &policy(Mode::Remediate), "alerted unfaithful_before");
    let mut other = policy(Mode::Remediate);
    other.output_only = OutputOnly::new(["newMember".to_owned()]).unwrap();
    check(&seen, &other, "copy");
}

#[test]
fn at_most_three_copies_an_hour() {
    let mut seen = family(&["12 privileged ACTIVE"]);
    let made = |minutes: [u32; 3]| {
        let copies = minutes.map(|ago| {
            let at = now() - SignedDuration::from_mins(ago.into());
            format!(r#"{{"revision":{ago},"at":"{at}","withdrawn":"{at}","why":"race"}}"#)
        });
        record(&format!(r#","copies":[{}]"#, copies.join(",")))
    };
    seen.family_records = vec![made([1, 30, 60])];
    check(&seen, &policy(Mode::Remediate), "alerted repeated");
    seen.family_records = vec![made([1, 30, 61])];
    check(&seen, &policy(Mode::Remediate), "copy");
}

#[test]
fn what_is_somebody_elses_is_only_alerted() {
    check(
        &family(&["12 privileged ACTIVE tag=AWSBatchServiceTag"]),
        &policy(Mode::Remediate),
        "alerted managed_by_batch",
    );
    let mut seen = family(&["12 privileged ACTIVE"]);
    seen.batch_by_event = true;
    check(&seen, &policy(Mode::Remediate), "alerted managed_by_batch");
    seen.batch_by_event = false;
    let starter = Starter::Service { name: "api".into(), is_express: true };
    seen.usage.runs = vec![Run { cluster: "c".into(), starter, revision: "3".parse().unwrap(), tasks: 1 }];
    check(&seen, &policy(Mode::Remediate), "alerted managed_by_express");
}

#[test]
fn a_family_out_of_scope_is_only_alerted() {
    let mut pilot = policy(Mode::Remediate);
    pilot.remediate_families = FamilyGlobs::new(["api-*"]).unwrap();
    check(&family(&["12 privileged ACTIVE"]), &pilot, "alerted out_of_scope");
    let stray = ["12 privileged ACTIVE", "13 ACTIVE ours image=broken"];
    check(&family(&stray), &pilot, "alerted out_of_scope");
}

#[test]
fn services_are_moved_in_enforce_to_copies_of_their_family() {
    let web = "web".parse().unwrap();
    for mode in [Mode::Alert, Mode::Remediate, Mode::Enforce] {
        assert_eq!(policy(mode).moves_services_of(&web), mode == Mode::Enforce, "{mode:?}");
    }
    let other = FamilyGlobs::new(["api-*"]).unwrap();
    assert!(!Policy { remediate_families: other, ..policy(Mode::Enforce) }.moves_services_of(&web));
    assert!(!Policy { makes_copies: false, ..policy(Mode::Enforce) }.moves_services_of(&web));
}

#[test]
fn a_plan_says_each_of_its_steps() {
    let says = |lines: &[&str], sentences: &[&str]| {
        assert_eq!(plan(&family(lines), &policy(Mode::Remediate), now()).sentences(), sentences);
    };
    says(
        &["12 privileged ACTIVE"],
        &[
            "Back up the original of web as it would be registered again.",
            "Register a copy of it as the next revision of web, with this and no other change:",
            "containerDefinitions[app].privileged: true -> false",
            "Describe the copy and prove that nothing else differs; if it does, deregister the copy.",
        ],
    );
    let finished = ["Record web:13, the copy that a run before made."];
    says(&["12 privileged ACTIVE", "13 ACTIVE ours"], &finished);
    says(
        &["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours"],
        &[
            "Withdraw web:14: a run of the guard died before it could withdraw it.",
            "Change nothing more: superseded, race.",
        ],
    );
    says(&["12 ACTIVE"], &["Change nothing more: compliant."]);
}

/// Every combination of what the rules ask about, against one expected `match`.
#[test]
fn the_rules_apply_in_the_order_of_the_contract() {
    let yes_no = [false, true];
    for mode in [Mode::Alert, Mode::Remediate, Mode::Enforce] {
        for (active, used) in [(true, true), (true, false), (false, true), (false, false)] {
            for exempt in ["", "all", "some", "garbage"] {
                for next in ["", "13 ACTIVE", "13 ACTIVE image=new"] {
                    for in_scope in yes_no {
                        for removed in yes_no {
                            let status = if active { "ACTIVE" } else { "INACTIVE" };
                            let original = format!("12 privileged mixed {status}");
                            let lines: Vec<&str> =
                                [original.as_str(), next].into_iter().filter(|l| !l.is_empty()).collect();
                            let mut seen = family(&lines);
                            let starter = Starter::Other("x".into());
                            if used {
                                let revision = seen.id.revision;
                                seen.usage.runs = vec![Run { cluster: "c".into(), starter, revision, tasks: 1 }];
                            }
                            seen.exemption = match exempt {
                                "all" => exemption(r#""app","side""#, "2026-12-01T00:00:00Z"),
                                "some" => exemption(r#""app""#, "2026-12-01T00:00:00Z"),
                                "garbage" => exemption("1", "x"),
                                _ => Found::Nothing,
                            };
                            if removed {
                                seen.removed = vec!["13".parse().unwrap()];
                                seen.record = Some(held(
                                    r#","copy":"web:14","copies":[{"revision":14,"at":"2026-11-01T00:00:00Z"}]"#,
                                ));
                            }
                            let mut policy = policy(mode);
                            if !in_scope {
                                policy.remediate_families = FamilyGlobs::new(["other"]).unwrap();
                            }
                            let expected = match (active, used, exempt, next, removed, in_scope, mode) {
                                (false, false, ..) => "inactive",
                                (false, true, ..) => "alerted inactive_in_use",
                                (_, _, "garbage", ..) => "alerted exemption_unreadable",
                                (_, _, "all", ..) => "exempt",
                                (_, _, "some", ..) => "alerted partly_exempt",
                                (_, _, _, "13 ACTIVE", ..) => "already_remediated",
                                (_, _, _, "13 ACTIVE image=new", ..) => "superseded",
                                (_, _, _, _, true, ..) => "alerted copy_removed",
                                (_, _, _, _, _, false, _) => "alerted out_of_scope",
                                (.., Mode::Alert) => "alerted alert_mode",
                                (.., Mode::Remediate | Mode::Enforce) => "copy",
                            };
                            let plan = plan(&seen, &policy, now());
                            assert_eq!(check_plan(&seen, &policy, &plan), Ok(()));
                            let words = in_words(&plan);
                            let words = words.split(", in force").next().unwrap();
                            assert_eq!(
                                words, expected,
                                "{lines:?} {mode:?} used={used} exempt={exempt} removed={removed}"
                            );
                        }
                    }
                }
            }
        }
    }
}

mod wrong_plans;
