//! What an alert says beyond its golden files: each rule of its words over all the cases in which it matters.

use ecs_privileged_guard::domain::alert::{missing_statement, statement_for};
use ecs_privileged_guard::domain::exemption::Found;
use ecs_privileged_guard::domain::failure::Cause;
use ecs_privileged_guard::domain::observation::{Observation, Usage};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::plan::CopyInForce;
use ecs_privileged_guard::domain::provenance::Tool;
use ecs_privileged_guard::domain::record::{MadeCopy, Withdrawal};
use ecs_privileged_guard::domain::report::Report;
use serde_json::{Value, json};

use super::alerts::{
    call, cases, copied, failed, now, observation, of_reason, policy, provenance, report, taken_back, tools,
    with_setting, withdrawn,
};

/// What breaks a loop: by what tool it comes, from whom, how often, and which line to change.
#[test]
fn the_alert_of_a_loop_says_what_breaks_it() {
    for (tool, from) in tools() {
        let [(_, report)] = of_reason(Reason::Repeated, &from).try_into().unwrap();
        let message = with_setting(&report, None);
        let text = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let by = if from.tool == Tool::Unknown { "a tool that is not known" } else { from.tool.as_str() };
        let who = format!("Registered this time by: assumed-role/deploy/build-4711, with {by}");
        for says in
            ["at least 4 times within a day", &who, "last by assumed-role/deploy/build-4710", "Fix at the source"]
        {
            assert!(text.contains(says), "{tool}: {says}: {text}");
        }
        assert_eq!(message.json["sameContentBefore"], json!(["web:10", "web:8", "web:6"]), "{tool}");
    }
}

/// What a run made and what it withdrew may come together; what is ACTIVE afterwards is what counts.
#[test]
fn the_first_lines_say_what_is_changed_when_the_run_has_ended() {
    let from = provenance("terraform");
    let left = || vec![MadeCopy::new("13".parse().unwrap(), now(), &policy())];
    let with_a_stray = |report: Report| {
        let made = [withdrawn(Withdrawal::Stray, copied(Outcome::AlreadyRemediated, &from)).made, report.made].concat();
        Report { made, ..report }
    };
    let unread =
        Observation { exemption: Found::Object { text: "{".into(), written_at: Some(now()) }, ..observation() };
    let unread = report(Outcome::Alerted, Some(Reason::ExemptionUnreadable), unread, &from);
    let denied = of_reason(Reason::AccessDenied, &from).into_iter().find(|(name, _)| *name == "-copy-left").unwrap().1;
    let mut duplicate = left();
    duplicate[0].why = Some(Withdrawal::Duplicate.as_str().to_owned());
    let cases = vec![
        (
            "made, and a stray withdrawn",
            with_a_stray(copied(Outcome::Remediated, &from)),
            "the guard made web:13, proven",
            "Changed: web:13 was registered; nothing that runs",
        ),
        (
            "found, and a stray withdrawn",
            with_a_stray(copied(Outcome::AlreadyRemediated, &from)),
            "web:13 is there already",
            "Changed: a copy that a run had left was withdrawn; the steps",
        ),
        (
            "brought to its end for the run that made it",
            Report { made: left(), ..copied(Outcome::AlreadyRemediated, &from) },
            "the guard made web:13, proven",
            "Changed: web:13 was registered; nothing that runs",
        ),
        (
            "found, beside one that is left",
            Report {
                made: vec![MadeCopy::new("14".parse().unwrap(), now(), &policy())],
                ..copied(Outcome::AlreadyRemediated, &from)
            },
            "web:13 is there already",
            "Changed: a copy was registered and is still ACTIVE; the steps",
        ),
        (
            "made, and nobody may say whether it stays",
            Report { made: left(), ..unread },
            "a copy was registered and is still ACTIVE: the family's exemption cannot be read",
            "Changed: a copy was registered and is still ACTIVE; the steps",
        ),
        (
            "a duplicate that could not be deregistered",
            Report { made: duplicate, ..denied },
            "could not bring its copy to an end",
            "Changed: a copy was registered and is still ACTIVE; see FAILED",
        ),
        (
            "lost a race",
            withdrawn(Withdrawal::Race, report(Outcome::Superseded, Some(Reason::Race), observation(), &from)),
            "has superseded it",
            "Changed: nothing stays changed; the steps",
        ),
        (
            "made, and taken away by a person",
            withdrawn(Withdrawal::Duplicate, report(Outcome::Alerted, Some(Reason::CopyRemoved), observation(), &from)),
            "nothing stays changed: somebody deregistered its copy",
            "Changed: nothing stays changed; the steps",
        ),
    ];
    for (case, report, verdict, changed) in cases {
        let text = with_setting(&report, None).text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(verdict) && text.contains(changed), "{case}: {text}");
    }
    let unchanged = with_setting(&report(Outcome::Alerted, Some(Reason::OutOfScope), observation(), &from), None);
    assert!(unchanged.text.contains("Changed: nothing.\n"), "{}", unchanged.text);
}

/// Whoever is on call sees what was not looked at, and that a list was cut.
#[test]
fn what_runs_the_family_is_listed_up_to_six_and_what_was_not_seen_is_said() {
    let from = provenance("terraform");
    let run = observation().usage.runs[0].clone();
    let text = |runs: usize, left_out: usize| {
        let usage = Usage { runs: vec![run.clone(); runs], clusters_left_out: left_out, ..Usage::default() };
        let report = report(Outcome::Alerted, Some(Reason::OutOfScope), Observation { usage, ..observation() }, &from);
        with_setting(&report, None).text
    };
    let none = "No running task of the family was found.";
    let lists = |text: &str| text.matches("web:12: 3 tasks in cluster prod, service web").count();
    assert!(text(0, 0).contains(none) && !text(0, 0).contains("were not looked at"), "{}", text(0, 0));
    assert!(!text(0, 2).contains(none) && text(0, 2).contains("2 more clusters were not looked at"), "{}", text(0, 2));
    for (runs, listed, more) in [(5, 5, None), (6, 6, None), (7, 6, Some("and 1 more")), (9, 6, Some("and 3 more"))] {
        let text = text(runs, 0);
        assert_eq!(lists(&text), listed, "{text}");
        assert_eq!(text.lines().map(str::trim).find(|line| line.ends_with(" more")), more, "{text}");
    }
}

/// A command of a copy that is not ours, or not in force, would undo somebody else's work.
#[test]
fn only_our_copy_in_force_has_a_command_that_undoes_it() {
    let from = provenance("terraform");
    let undo = |report: &Report| with_setting(report, None).json["undo"].is_string();
    let ours = copied(Outcome::AlreadyRemediated, &from);
    let theirs = Report {
        copy: ours.copy.clone().map(|copy| CopyInForce { is_ours: false, ..copy }),
        ..copied(Outcome::AlreadyRemediated, &from)
    };
    let superseded = Report { outcome: Outcome::Superseded, ..copied(Outcome::AlreadyRemediated, &from) };
    assert_eq!([undo(&ours), undo(&theirs), undo(&superseded)], [true, false, false]);
}

/// A long name makes a long command, and that stands once, where there is room for it.
#[test]
fn a_command_that_does_not_fit_the_first_lines_stands_below() {
    let from = provenance("terraform");
    let named = |family: String| {
        let report = copied(Outcome::AlreadyRemediated, &from);
        let copy = CopyInForce { id: format!("{family}:13").parse().unwrap(), is_ours: true };
        with_setting(&Report { id: format!("{family}:12").parse().unwrap(), copy: Some(copy), ..report }, None).text
    };
    assert!(named("f".repeat(255)).contains("Undo: with the one command under UNDO."));
    assert!(named("f".into()).contains("Undo: aws ecs deregister-task-definition"));
    assert!(with_setting(&copied(Outcome::AlreadyRemediated, &from), Some("b")).text.contains("Undo: with the one"));
}

/// Where no copy is in force, none can be built upon.
#[test]
fn the_console_is_told_to_start_from_the_copy_only_where_there_is_one() {
    for (name, report) in cases(&provenance("console")) {
        let text = with_setting(&report, None).text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.contains("from web:13, not from web:12."), report.copy.is_some(), "{name}: {text}");
    }
}

/// A digest, and whoever wants no more, get the same statement without its alert.
#[test]
fn the_statement_is_of_what_was_denied_and_there_is_none_of_anything_else() {
    let from = provenance("cli");
    let register = "arn:aws:ecs:us-east-1:012345678912:task-definition/web:*";
    let lacks = |cause| missing_statement(&failed(call("ecs:RegisterTaskDefinition", register, "E", cause), &from));
    let pass = lacks(Cause::AccessDenied { action: "iam:PassRole" }).unwrap();
    let expected = json!({
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": ["arn:aws:iam::012345678912:role/web"],
        "Condition": { "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
    });
    assert_eq!(serde_json::from_str::<Value>(&pass).unwrap(), expected);
    assert_eq!(lacks(Cause::Refused), None);
    assert_eq!(missing_statement(&report(Outcome::Inactive, None, taken_back(), &from)), None);
    let of_no_role: Value = serde_json::from_str(&statement_for("iam:PassRole", register, &[])).unwrap();
    assert_eq!(of_no_role["Resource"], "*", "which roles they are was not seen");
}

#[test]
fn a_statement_about_an_object_heals_all_revisions() {
    let denied = of_reason(Reason::AccessDenied, &provenance("cli"));
    let text = denied.iter().map(|(_, report)| with_setting(report, None).text).collect::<String>();
    assert!(text.contains(r#""Resource":"arn:aws:s3:::guard-state/records/012345678912/us-east-1/*""#), "{text}");
}

/// Cut, it would have an open quote, and be no command.
#[test]
fn an_undo_command_that_is_too_long_for_a_chat_is_left_to_the_mail() {
    for (length, is_shown) in [(8, true), (200, false)] {
        let function = "f".repeat(length);
        let message = with_setting(&copied(Outcome::Remediated, &provenance("cli")), Some(&function));
        let steps = message.json["content"]["nextSteps"].as_array().unwrap();
        let step = steps.iter().filter_map(Value::as_str).find(|step| step.starts_with("Undo: ")).unwrap();
        assert_eq!(step.ends_with(r#""approvedBy":"WHO"}'"#), is_shown, "{step}");
        assert_eq!(step == "Undo: with the command in the mail, or in the fields of this alert.", !is_shown, "{step}");
    }
}

#[test]
fn the_undo_command_invokes_backout_where_there_is_one() {
    let message = with_setting(&copied(Outcome::Remediated, &provenance("cli")), Some("guard-Backout-1ABC"));
    let undo = message.json["undo"].as_str().unwrap();
    assert!(undo.contains("aws lambda invoke --region us-east-1 --function-name guard-Backout-1ABC"), "{undo}");
    assert!(undo.contains(r#"'{"taskDefinition":"web:12","reason":"WHY","approvedBy":"WHO"}'"#), "{undo}");
}
