//! A few lines describe a family and what is known of it; one `check` judges a request for `web:1` and compares with
//! words.

use super::super::super::document::OutputOnly;
use super::super::super::failure::Cause;
use super::super::super::policy::{FamilyGlobs, Mode};
use super::super::super::service::{Controller, Other, Rollout, ServiceId};
use super::*;

const NOW: &str = "2026-11-24T08:00:00Z";
/// When what is asked for would end.
const END: &str = "2026-12-24T08:00:00Z";
/// The record of a copy that stands.
const MADE: &str = r#","copies":[{"revision":2,"at":"2026-11-24T07:00:00Z"}]"#;
/// The record of a copy that was withdrawn.
const WITHDRAWN: &str =
    r#","copies":[{"revision":2,"at":"2026-11-24T07:00:00Z","withdrawn":"2026-11-24T07:01:00Z","why":"race"}]"#;
/// What a request for `web:1` comes to where its copy is `web:2`.
const UNDONE: &str = "exempt app until 2026-12-24, 1 stands, deregister 2";
/// The same where the record's word is all that is left of the copy.
const BACK: &str = "exempt app until 2026-12-24, 1 stands";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(number: &str) -> TaskDefinitionId {
    format!("web:{number}").parse().unwrap()
}

/// `1 privileged INACTIVE by=guard image=x tag=KEY`: number first, the rest in any order.
fn revision(line: &str) -> Described {
    let words: Vec<&str> = line.split_whitespace().collect();
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    let number = words[0];
    let status = if words.contains(&"INACTIVE") { "INACTIVE" } else { "ACTIVE" };
    let by = match value("by=") {
        Some("user") => "iam::111122223333:user/backout".to_owned(),
        // Lambda names a function's sessions so.
        Some("backout") => "sts::111122223333:assumed-role/some-role/backout".to_owned(),
        role => format!("sts::111122223333:assumed-role/{}/session", role.unwrap_or("pipeline")),
    };
    let image = value("image=").unwrap_or("app");
    let tags = value("tag=").map(|key| format!(r#"{{"key":"{key}","value":"x"}}"#)).unwrap_or_default();
    let privileged = words.contains(&"privileged");
    Described::parse(&format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:{number}",
        "family":"web","revision":{number},"status":"{status}","registeredBy":"arn:aws:{by}",
        "containerDefinitions":[{{"name":"app","image":"{image}","privileged":{privileged}}}]}},"tags":[{tags}]}}"#
    ))
    .unwrap()
}

fn policy() -> Policy {
    Policy {
        mode: Mode::Remediate,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: Vec::new(),
        guard_roles: vec!["guard".parse().unwrap()],
        apply_roles: vec!["operator".parse().unwrap()],
        settle: jiff::SignedDuration::from_mins(60),
    }
}

fn request() -> Request {
    let (reason, approved_by) = ("the app breaks".to_owned(), "jane".to_owned());
    Request { named: id("1"), reason, approved_by, days: 30, replace: false, dry_run: false }
}

fn record(members: &str) -> Record {
    Record::parse(&format!(r#"{{"schemaVersion":1{members}}}"#)).unwrap()
}

fn held_record(members: &str) -> Held {
    Held { record: record(members), etag: "e".into() }
}

/// What would be stored of such a revision.
fn stored(line: &str) -> String {
    revision(line).register_input(&OutputOnly::default()).as_str().to_owned()
}

/// The first line is the original, the others are the ACTIVE revisions after it. Its backup is genuine.
fn family(lines: &[&str]) -> Seen {
    Seen {
        id: id("1"),
        original: Some(revision(lines[0])),
        later: lines[1..].iter().map(|line| revision(line)).collect(),
        gone: Vec::new(),
        record: None,
        other_records: Vec::new(),
        backup: Some(stored(lines[0])),
        exemption: (Found::Nothing, None),
        services: Vec::new(),
    }
}

fn with(record: &str, lines: &[&str]) -> Seen {
    Seen { record: Some(held_record(record)), ..family(lines) }
}

fn exemption(reason: &str, approved_by: &str, ends: &str) -> (Found, Option<String>) {
    let exemption = Exemption {
        containers: vec!["app".into()],
        reason: reason.into(),
        approved_by: approved_by.into(),
        expires_at: time(ends),
    };
    (Found::Object { text: exemption.to_json(), written_at: Some(time(NOW)) }, None)
}

/// A service under ECS's own controller that is pointed at a revision and, beside it, still runs another.
fn service(name: &str, target: &str, rollout: Rollout, other: Option<(&str, bool)>) -> Service {
    let other = other.map(|(runs, is_completed)| Other { deployment: None, runs: id(runs), is_completed });
    Service {
        id: ServiceId::new("prod", name).unwrap(),
        controller: Controller::Ecs,
        target: Some(id(target)),
        deployment: None,
        rollout,
        others: other.into_iter().collect(),
    }
}

fn judged(seen: &Seen) -> Judged {
    plan(seen, &request(), &policy(), Some("backout"), time(NOW))
}

fn in_words(judged: &Judged) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let take_back = judged.take_back.iter().map(|it| match it.differences.is_empty() {
        true => format!("take {} back, overtaken", it.id.revision),
        false => format!("take {} back, different", it.id.revision),
    });
    let left = judged.left.iter().map(|id| format!("left {}", id.revision));
    let seen = [("untold", judged.is_untold), ("tampered", judged.is_backup_tampered)];
    let seen = seen.into_iter().filter(|(_, is_so)| *is_so).map(|(word, _)| word.to_owned());
    let of = |services: &Services| -> Vec<String> {
        let moves = services.moves.iter().map(|it| format!("move {}", it.id.name));
        let moving = services.moving.iter().map(|it| format!("moving {}", it.id.name));
        let by_hand = services.by_hand.iter().map(|(it, _)| format!("by hand {}", it.id.name));
        moves.chain(moving).chain(by_hand).collect()
    };
    let then = match &judged.plan {
        Plan::Refuse(refused) => vec![format!("refuse {}", refused.why.as_str())],
        Plan::Fail(failure) => vec![format!("fail {}", failure.action)],
        Plan::Nothing => vec!["nothing".to_owned()],
        Plan::Already(standing) => {
            let already = format!("already {} until {}", standing.restored.revision, day(standing.until));
            [already].into_iter().chain(of(&standing.services)).collect()
        }
        Plan::BackOut(steps) => {
            let exempt = match &steps.exemption {
                Some(exemption) => format!("exempt {} until {}", exemption.containers.join("+"), day(steps.until)),
                None => format!("exempt until {}", day(steps.until)),
            };
            let original = match &steps.original {
                BringBack::Stands(id) => format!("{} stands", id.revision),
                BringBack::Register(input) => {
                    let image = input.as_str().split(r#""image":""#).nth(1).and_then(|rest| rest.split('"').next());
                    format!("register {}", image.unwrap_or_default())
                }
            };
            let deregister = steps.deregister.iter().map(|id| format!("deregister {}", id.revision));
            [exempt, original].into_iter().chain(of(&steps.services)).chain(deregister).collect()
        }
    };
    take_back.chain(left).chain(seen).chain(then).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(seen: &Seen, expected: &str) {
    assert_eq!(in_words(&judged(seen)), expected);
}

#[test]
fn a_copy_of_ours_is_what_a_record_names_or_what_says_what_our_copy_would() {
    for (record, copy, expected) in [
        ("", "2 by=guard", UNDONE),
        (MADE, "2 by=guard", UNDONE),
        (MADE, "2 by=guard image=changed", UNDONE),
        (MADE, "2 by=operator image=changed", UNDONE),
        ("", "2 by=operator", UNDONE),
        (WITHDRAWN, "2 by=guard", UNDONE),
        ("", "2 by=guard image=changed", "nothing"),
        (WITHDRAWN, "2 by=guard image=changed", "nothing"),
        // What others registered is no copy of ours, whatever a record says and whatever it is.
        (MADE, "2", "refuse foreign_latest"),
        (MADE, "2 image=changed", "refuse foreign_latest"),
        ("", "2", "nothing"),
    ] {
        let seen = with(record, &["1 privileged", copy]);
        assert_eq!(in_words(&judged(&seen)), expected, "{record} {copy}");
    }
    check(&family(&["1 privileged", "2 by=guard"]), UNDONE);
    let twice = with(MADE, &["1 privileged", "2 by=guard", "3 by=guard"]);
    check(&twice, &format!("{UNDONE}, deregister 3"));
}

#[test]
fn nothing_is_brought_back_over_a_newer_version() {
    for (lines, expected) in [
        (&["1 privileged", "2 by=guard", "3 image=new"][..], "refuse foreign_latest"),
        (&["1 privileged", "2 by=guard", "3 privileged image=new"], "refuse foreign_latest"),
        (&["1 privileged", "2 image=new", "3 by=guard"], "refuse foreign_latest"),
        (&["1 privileged", "2 by=guard", "3 image=new", "4 privileged"], UNDONE),
        (&["1 privileged", "2 by=guard", "3 privileged"], UNDONE),
    ] {
        assert_eq!(in_words(&judged(&with(MADE, lines))), expected, "{lines:?}");
    }
    let refused = |seen: &Seen| {
        let Plan::Refuse(refused) = judged(seen).plan else { panic!("it is newer") };
        refused.message
    };
    let newer = with(MADE, &["1 privileged", "2 by=guard", "3 privileged image=new", "4 by=guard image=new"]);
    assert!(refused(&newer).starts_with("web:4 is the family's latest, and neither"), "{}", refused(&newer));
    let copied = Seen { other_records: vec![(id("3"), record(r#","copy":"web:4""#))], ..newer };
    let back_out =
        "web:4, the family's latest, is the copy of web:3, which is newer than web:1: back web:3 out instead";
    assert_eq!(refused(&copied), back_out);
}

/// The next original is equal to this one, so its copy says what ours would.
#[test]
fn the_copy_of_a_newer_equal_original_is_not_this_ones() {
    let lines = ["1 privileged", "2 privileged", "3 by=guard"];
    let of_another = |own: &str, other: &str| {
        let other_records = vec![(id("2"), record(other))];
        in_words(&judged(&Seen { other_records, ..with(own, &lines) }))
    };
    let made = |more: &str| format!(r#","copy":"web:3","copies":[{{"revision":3,"at":"{NOW}"{more}}}]"#);
    let withdrawn = format!(r#","withdrawn":"{NOW}""#);
    let undone = UNDONE.replace("deregister 2", "deregister 3");
    for (own, other, expected) in [
        ("", made(""), "refuse foreign_latest"),
        // It did not make it and has seen it in force.
        ("", r#","copy":"web:3""#.to_owned(), "refuse foreign_latest"),
        ("", r#","copy":"web:4""#.to_owned(), &undone),
        ("", made(&withdrawn), &undone),
        // Its own record's word goes before.
        (&made(""), made(""), &undone),
        (&made(&withdrawn), made(""), "refuse foreign_latest"),
    ] {
        assert_eq!(of_another(own, &other), expected, "{own} {other}");
    }
    // What came after that copy, and is equal, is no newer version.
    let other_records = vec![(id("2"), record(&made("")))];
    let later = ["1 privileged", "2 privileged", "3 by=guard", "4 privileged"];
    let later = Seen { other_records, ..with(&made("").replace('3', "5"), &later) };
    check(&later, BACK);
}

#[test]
fn only_what_the_guard_took_away_is_brought_back() {
    let alone = ["1 privileged"];
    let begun = format!(r#","backedOut":{{"begun":true,"at":"{NOW}","told":"{NOW}"}}"#);
    for (record, expected) in [("", "nothing"), (WITHDRAWN, "nothing"), (MADE, BACK), (&begun, BACK)] {
        assert_eq!(in_words(&judged(&with(record, &alone))), expected, "{record}");
    }
    check(&family(&alone), "nothing");
    // A newer version is no hindrance to what need not be done.
    check(&with("", &["1 privileged", "2 image=new"]), "nothing");
    // Nothing was privileged, whatever a record says: there is nothing to exempt.
    check(&Seen { backup: None, ..with(MADE, &["1", "2 by=guard"]) }, "nothing");
}

#[test]
fn an_original_that_is_not_active_comes_back_from_the_surest_source() {
    let names = format!(r#"{MADE},"privilegedContainers":["app"]"#);
    let changed = stored("1 privileged image=evil");
    let genuine = stored("1 privileged");
    let hash = format!(r#"{names},"backupSha256":"{}""#, backup::sha256(&genuine));
    let again = "exempt app until 2026-12-24, register app, deregister 2";
    for (original, record, backup, expected) in [
        (Some("1 privileged"), &names, None, UNDONE),
        (Some("1 privileged"), &names, Some(&changed), &format!("tampered, {UNDONE}")),
        (Some("1 privileged INACTIVE"), &names, Some(&genuine), again),
        (Some("1 privileged INACTIVE image=other"), &hash, Some(&genuine), again),
        // ECS's own word, where the backup is gone.
        (Some("1 privileged INACTIVE"), &names, None, again),
        (Some("1 privileged INACTIVE"), &names, Some(&changed), "tampered, refuse backup_tampered"),
        (Some("1 privileged INACTIVE"), &hash, Some(&changed), "tampered, refuse backup_tampered"),
        (None, &hash, Some(&genuine), again),
        (None, &names, Some(&genuine), again),
        (None, &MADE.to_owned(), Some(&genuine), again),
        (None, &hash, Some(&changed), "tampered, refuse backup_tampered"),
        (None, &names, None, "refuse backup_missing"),
        (None, &MADE.to_owned(), None, "nothing"),
    ] {
        let seen = with(record, &["1 privileged", "2 by=guard"]);
        let seen = Seen { original: original.map(revision), backup: backup.cloned(), ..seen };
        assert_eq!(in_words(&judged(&seen)), expected, "{original:?} {record} {backup:?}");
    }
    let unknown = Seen { original: None, ..with(MADE, &["1 privileged", "2 by=guard"]) };
    let Plan::BackOut(steps) = judged(&unknown).plan else { panic!("it can be had from its backup") };
    assert!(matches!(steps.original, BringBack::Register(input) if input.as_str() == genuine), "byte for byte");
    assert_eq!(steps.containers, ["app"]);

    let inactive = |lines: &[&str]| with(MADE, &[&["1 privileged INACTIVE", "2 by=guard"], lines].concat());
    check(&inactive(&["3 privileged"]), "exempt app until 2026-12-24, 3 stands, deregister 2");
    check(&inactive(&["3 privileged", "4 privileged"]), "exempt app until 2026-12-24, 4 stands, deregister 2");
}

#[test]
fn a_backup_counts_if_it_is_of_this_original_and_what_was_stored() {
    let genuine = stored("1 privileged");
    let hash = |of: &str| format!(r#","backupSha256":"{}""#, backup::sha256(of));
    let reordered = genuine.replace(r#""name":"app","image":"app""#, r#""image":"app","name":"app""#);
    let (changed, of_another) = (stored("1 privileged image=evil"), genuine.replace("web", "api"));
    assert_ne!(reordered, genuine);
    for (is_described, record, backup, is_genuine) in [
        (true, String::new(), &genuine, true),
        (true, String::new(), &reordered, true),
        (true, String::new(), &changed, false),
        (true, String::new(), &of_another, false),
        (true, String::new(), &"{".to_owned(), false),
        // The hash decides, and meaning does not overrule it.
        (true, hash(&changed), &changed, true),
        (true, hash(&genuine), &reordered, false),
        (false, hash(&genuine), &genuine, true),
        (false, hash(&genuine), &changed, false),
        (false, hash(&of_another), &of_another, false),
        (false, hash(&stored("1")), &stored("1"), false),
        // With neither, what says privilege in this family.
        (false, String::new(), &changed, true),
        (false, String::new(), &of_another, false),
        (false, String::new(), &stored("1"), false),
        (false, r#","taskDefinition":"web:1""#.to_owned(), &genuine, true),
        (false, r#","taskDefinition":"web:7""#.to_owned(), &genuine, false),
    ] {
        let seen = with(&record, &["1 privileged"]);
        let original = seen.original.filter(|_| is_described);
        let seen = Seen { original, backup: Some(backup.clone()), ..seen };
        assert_eq!(judged(&seen).is_backup_tampered, !is_genuine, "{is_described} {record} {backup}");
    }
    let unrecorded = Seen { original: None, ..family(&["1 privileged", "2 by=guard"]) };
    check(&unrecorded, "exempt app until 2026-12-24, register app, deregister 2");
}

#[test]
fn nothing_is_done_where_the_exemption_cannot_be_written() {
    let exempt = |found| in_words(&judged(&Seen { exemption: (found, None), ..with(MADE, &["1 privileged"]) }));
    let (long, _) = exemption("the app breaks", "jane", "2027-01-24T08:00:00Z");
    assert_eq!(exempt(long), "untold, exempt until 2027-01-24, 1 stands");
    let malformed = Found::Object { text: "{".into(), written_at: Some(time(NOW)) };
    assert_eq!(exempt(malformed), "refuse exemption_unreadable");
    let denied = CallFailure {
        action: "s3:GetObject",
        resource: "key".into(),
        code: None,
        request_id: None,
        cause: Cause::AccessDenied { action: "s3:GetObject" },
    };
    assert_eq!(exempt(Found::Unreadable(denied)), "fail s3:GetObject");
}

#[test]
fn services_that_have_to_do_with_any_copy_are_seen_to() {
    use Rollout::{Completed, InProgress};
    let made = r#","copies":[{"revision":2,"at":"2026-11-24T07:00:00Z"},
        {"revision":3,"at":"2026-11-24T07:00:00Z","withdrawn":"2026-11-24T07:01:00Z","why":"race"}]"#;
    let lines = ["1 privileged", "2 by=guard", "4 privileged", "5 by=guard"];
    let code_deploy = Service { controller: Controller::CodeDeploy, ..service("code-deploy", "2", Completed, None) };
    let services = vec![
        service("recorded", "2", Completed, None),
        service("on-a-withdrawn-one", "3", Completed, None),
        service("unrecorded", "5", Completed, None),
        service("back-on-an-equal-one", "4", InProgress, Some(("2", true))),
        service("from-an-equal-one", "2", InProgress, Some(("4", true))),
        service("from-the-original", "2", InProgress, Some(("1", true))),
        service("without-a-way-back", "2", InProgress, None),
        service("other", "9", Completed, None),
        code_deploy,
    ];
    let expected = "exempt app until 2026-12-24, 1 stands, move recorded, move on-a-withdrawn-one, move unrecorded, \
        move from-an-equal-one, move from-the-original, moving back-on-an-equal-one, by hand without-a-way-back, \
        by hand code-deploy, deregister 2, deregister 5";
    check(&Seen { services: services.clone(), ..with(made, &lines) }, expected);
    let leaving = [services, vec![service("leaving", "9", InProgress, Some(("2", true)))]].concat();
    check(&Seen { services: leaving, ..with(made, &lines) }, "refuse deployment_in_progress");
}

/// The record of a backout that came to its end, and of what people were told.
fn finished(restored: &str, until: &str, exemption_told: &str) -> String {
    let told = match exemption_told {
        "" => String::new(),
        told => format!(r#","exemptionTold":"{told}""#),
    };
    format!(r#"{WITHDRAWN},"backedOut":{{"at":"{NOW}","restored":"web:{restored}","until":"{until}"}}{told}"#)
}

#[test]
fn it_is_backed_out_already_only_once_all_is_done_and_told() {
    let exempt = |ends: &str| exemption("the app breaks", "jane", ends);
    let done = |record: &str, lines: &[&str]| Seen { exemption: exempt(END), ..with(record, lines) };
    let (alone, later) = (["1 privileged"], "2027-01-01T00:00:00Z");
    let by_note = finished("1", END, "");
    check(&done(&by_note, &alone), "already 1 until 2026-12-24");
    // What people were told last is what they know.
    check(&done(&finished("1", later, END), &alone), "already 1 until 2026-12-24");
    check(&done(&finished("1", END, later), &alone), "untold, exempt until 2026-12-24, 1 stands");
    check(&done(&finished("1", later, ""), &alone), "untold, exempt until 2026-12-24, 1 stands");
    let begun = by_note.replace(r#""restored":"web:1""#, &format!(r#""begun":true,"told":"{NOW}""#));
    check(&done(&begun, &alone), "exempt until 2026-12-24, 1 stands");
    check(&done(&by_note, &["1 privileged", "3 by=guard"]), "exempt until 2026-12-24, 1 stands, deregister 3");
    check(&Seen { exemption: (Found::Nothing, None), ..done(&by_note, &alone) }, BACK);

    let on = |target: &str, rollout, other| {
        let services = vec![service("late", target, rollout, other)];
        in_words(&judged(&Seen { services, ..done(&by_note, &alone) }))
    };
    assert_eq!(on("2", Rollout::Completed, None), "exempt until 2026-12-24, 1 stands, move late");
    // These are seen to as far as they can be.
    let moving = on("1", Rollout::InProgress, Some(("2", true)));
    assert_eq!(moving, "already 1 until 2026-12-24, moving late");
    assert_eq!(on("2", Rollout::InProgress, None), "already 1 until 2026-12-24, by hand late");

    let again = ["1 privileged INACTIVE", "3 privileged"];
    check(&done(&by_note.replace("web:1", "web:3"), &again), "already 3 until 2026-12-24");
    let of_ours = ["1 privileged INACTIVE", "3 privileged by=backout"];
    check(&done(&by_note.replace("web:1", "web:3"), &of_ours), "already 3 until 2026-12-24");
    check(&done(&by_note, &of_ours), "left 3, exempt until 2026-12-24, 3 stands");
    check(&done(&by_note, &["1 privileged INACTIVE"]), "exempt until 2026-12-24, register app");
}

#[test]
fn what_a_run_before_began_or_exempted_is_untold_until_somebody_hears_of_it() {
    let begun = format!(r#","backedOut":{{"begun":true,"at":"{NOW}"}}"#);
    let told_of = format!(r#","backedOut":{{"begun":true,"at":"{NOW}","told":"{NOW}"}}"#);
    let told_until = |until: &str| format!(r#","exemptionTold":"{until}""#);
    let nothing = || (Found::Nothing, None);
    let exempt = |reason: &str, by: &str| exemption(reason, by, END);
    let ours = || exempt("the app breaks", "jane");
    for (record, exemption, is_untold) in [
        (String::new(), nothing(), false),
        (begun.clone(), nothing(), true),
        (told_of.clone(), nothing(), false),
        (finished("1", END, END), ours(), false),
        (String::new(), ours(), true),
        (told_of, ours(), true),
        (begun, ours(), true),
        (told_until(END), ours(), false),
        (told_until("2027-01-01T00:00:00Z"), ours(), true),
        // Added to what others had written.
        (String::new(), exempt("an agent; the app breaks", "joe; jane"), true),
        // What others wrote is theirs to tell, and what has ended nobody's.
        (String::new(), exempt("an agent", "jane"), false),
        (String::new(), exempt("the app breaks", "joe"), false),
        (String::new(), self::exemption("the app breaks", "jane", NOW), false),
    ] {
        let seen = Seen { exemption: exemption.clone(), ..with(&record, &["1 privileged"]) };
        assert_eq!(judged(&seen).is_untold, is_untold, "{record} {exemption:?}");
    }
    let unrecorded = Seen { exemption: ours(), ..family(&["1 privileged"]) };
    check(&unrecorded, "untold, nothing");
}

#[test]
fn what_a_backout_has_left_is_proven_before_it_counts() {
    let again = "exempt app until 2026-12-24";
    for (lines, expected) in [
        (&["3 privileged by=backout"][..], format!("left 3, {again}, 3 stands")),
        // It lost a tag on the way, which only the proof looks at.
        (&["3 privileged by=backout tag=cost"], format!("take 3 back, different, {again}, register app")),
        // Somebody was faster, with something newer or with the same.
        (&["3 image=new", "4 privileged by=backout"], "take 4 back, overtaken, refuse foreign_latest".to_owned()),
        (&["3 privileged", "4 privileged by=backout"], format!("take 4 back, overtaken, {again}, 3 stands")),
        (
            &["3 privileged by=backout", "4 privileged by=backout"],
            format!("take 4 back, overtaken, left 3, {again}, 3 stands"),
        ),
        (&["3 privileged by=backout", "4 privileged"], format!("left 3, {again}, 4 stands")),
        // A copy of the guard's is no newer version.
        (&["2 by=guard", "3 privileged by=backout"], format!("left 3, {again}, 3 stands, deregister 2")),
        // What others registered is theirs, under whatever name.
        (&["3 privileged by=user tag=cost"], format!("{again}, 3 stands")),
        (&["3 privileged tag=cost"], format!("{again}, 3 stands")),
        (&["3 by=backout image=new"], "refuse foreign_latest".to_owned()),
    ] {
        let lines = [&["1 privileged INACTIVE"], lines].concat();
        assert_eq!(in_words(&judged(&with(MADE, &lines))), expected, "{lines:?}");
    }
    let left = family(&["1 privileged INACTIVE", "3 privileged by=backout tag=cost"]);
    check(&left, "left 3, nothing");
    let nameless = plan(
        &with(MADE, &["1 privileged INACTIVE", "3 privileged by=backout"]),
        &request(),
        &policy(),
        None,
        time(NOW),
    );
    assert_eq!(in_words(&nameless), format!("{again}, 3 stands"));
}

/// Somebody may have tagged it since.
#[test]
fn what_any_record_names_as_restored_is_not_judged_again() {
    let lines = ["1 privileged INACTIVE", "3 privileged by=backout tag=cost"];
    let note = |members: &str| format!(r#"{MADE},"backedOut":{{"at":"{NOW}","told":"{NOW}",{members}}}"#);
    let again = "exempt app until 2026-12-24";
    let (stands, taken_back) = (format!("{again}, 3 stands"), format!("take 3 back, different, {again}, register app"));
    for (members, expected) in [
        (r#""restored":"web:3""#, &stands),
        (r#""begun":true,"before":"web:3""#, &stands),
        (r#""begun":true,"before":null"#, &taken_back),
    ] {
        check(&with(&note(members), &lines), expected);
    }
    let other_records = vec![(id("2"), record(&note(r#""restored":"web:3""#)))];
    check(&Seen { other_records, ..with(MADE, &lines) }, &stands);
}

/// `web:4` was restored after `web:3`, which may have been tagged since.
#[test]
fn what_was_there_before_what_a_backout_restored_was_judged_by_it() {
    let lines = ["1 privileged INACTIVE", "3 privileged by=backout tag=cost", "4 privileged"];
    let note = r#","backedOut":{"at":"2026-11-24T07:30:00Z","restored":"web:4"}"#;
    let again = "exempt app until 2026-12-24, 4 stands";
    check(&with(note, &lines), again);
    check(&with(MADE, &lines), &format!("take 3 back, different, {again}"));
    // What another original's backout restored says nothing of what came before.
    let other_records = vec![(id("2"), record(note))];
    check(&Seen { other_records, ..with(MADE, &lines) }, &format!("take 3 back, different, {again}"));
    let newer = ["1 privileged INACTIVE", "5 privileged by=backout tag=cost"];
    check(&with(note, &newer), "take 5 back, different, exempt app until 2026-12-24, register app");
}

/// What the guard does not honour is no exemption, and people are not told of one.
#[test]
fn people_are_told_until_when_the_family_is_exempt_while_it_is() {
    let judged_with =
        |(found, etag)| judged(&Seen { exemption: (found, etag), ..family(&["1 privileged", "2 image=new"]) });
    let until = |ends: &str| judged_with(exemption("the app breaks", "jane", ends)).until;
    assert_eq!((until(END), until(NOW)), (Some(time(END)), None));
    assert_eq!(
        (until("2027-02-22T08:00:00Z"), until("2027-02-22T08:00:01Z")),
        (Some(time("2027-02-22T08:00:00Z")), None)
    );
    assert_eq!(judged(&family(&["1 privileged"])).until, None);
    let (Found::Object { text, .. }, _) = exemption("the app breaks", "jane", END) else { panic!("an object") };
    let undated = judged_with((Found::Object { text, written_at: None }, None));
    assert_eq!((undated.until, undated.is_untold), (None, false));
}

/// ECS gave a member before anybody knew that it does not take it: a backup of that time is the original all the same.
#[test]
fn a_member_that_is_known_as_output_only_by_now_is_not_sent_and_makes_no_difference() {
    let known = Policy { output_only: OutputOnly::new(["foo".to_owned()]).unwrap(), ..policy() };
    let backup = stored("1 privileged").replace(r#""family""#, r#""foo":{"at":1},"family""#);
    let record = MADE.replace(r#","copies""#, &format!(r#","backupSha256":"{}","copies""#, backup::sha256(&backup)));
    let seen = |lines: &[&str]| Seen { backup: Some(backup.clone()), ..with(&record, lines) };
    let judged = |seen: &Seen, policy: &Policy| plan(seen, &request(), policy, Some("backout"), time(NOW));
    let gone = judged(&seen(&["1 privileged INACTIVE", "2 by=guard"]), &known);
    assert_eq!(in_words(&gone), "exempt app until 2026-12-24, register app, deregister 2");
    let Plan::BackOut(steps) = gone.plan else { panic!("it is undone") };
    let BringBack::Register(input) = steps.original else { panic!("it is registered") };
    assert_eq!(input.as_str(), stored("1 privileged"));
    // A later revision is equal to it, and no other version.
    let equal = seen(&["1 privileged", "2 by=guard", "3 privileged"]);
    assert_eq!(in_words(&judged(&equal, &known)), UNDONE);
    assert_eq!(in_words(&judged(&equal, &policy())), "refuse foreign_latest");
}
