//! What a report says besides its alert: what is recorded, and the fact that alerts are decided by.

use ecs_privileged_guard::domain::failure::Cause;
use ecs_privileged_guard::domain::observation::{Held, Observation};
use ecs_privileged_guard::domain::outcome::{Alerting, Outcome, Reason};
use ecs_privileged_guard::domain::plan::CopyInForce;
use ecs_privileged_guard::domain::provenance::Provenance;
use ecs_privileged_guard::domain::record::{MadeCopy, Record, Withdrawal};
use ecs_privileged_guard::domain::report::{Failure, Finding, Report};

use serde_json::json;

use super::alerts::{
    call, copied, failed, now, observation, policy, provenance, report, taken_back, unfaithful, withdrawn,
};

fn from() -> Provenance {
    provenance("terraform")
}

fn copy(revision: u32) -> MadeCopy {
    MadeCopy::new(revision.to_string().parse().unwrap(), now(), &policy())
}

/// The same report, of an observation that holds a record of these copies.
fn holding(copies: Vec<MadeCopy>, report: Report) -> Report {
    let Finding { seen, plan } = report.finding.unwrap();
    let record = Record { copies, ..Record::begun(&report.id, "remediate", &[]) };
    let seen = Observation { record: Some(Held { record, etag: "1".into() }), ..seen };
    Report { finding: Some(Finding { seen, plan }), ..report }
}

/// Numbers of the copies in the record that is written when people were told now, and whether of that copy.
fn recorded(report: &Report) -> Vec<(u32, bool)> {
    let record = report.record(Some(now()), now());
    record.copies.iter().map(|copy| (copy.revision, copy.told == Some(now()))).collect()
}

/// A copy that was withdrawn within seconds because another serves, or the family is exempt, changed nothing.
#[test]
fn what_was_done_is_recorded_whatever_the_outcome() {
    let from = from();
    let ends = |seen| report(Outcome::Inactive, None, seen, &from);
    let records = |report: &Report| [Alerting::None, Alerting::Sent].map(|alert| report.leaves_a_record(alert));
    let nothing = ends(taken_back());
    assert_eq!((nothing.has_changed_something(), records(&nothing)), (false, [false, true]));
    let withdrawals = [Withdrawal::Stray, Withdrawal::Race, Withdrawal::Duplicate, Withdrawal::Exempt];
    for (why, has_changed) in withdrawals.into_iter().zip([true, true, false, false]) {
        let report = withdrawn(why, ends(taken_back()));
        assert_eq!((report.has_changed_something(), records(&report)), (has_changed, [true, true]), "{why:?}");
    }
    let gone = vec![copy(13)];
    assert_eq!(records(&ends(Observation { gone, ..taken_back() })), [true, true]);
    assert_eq!(records(&report(Outcome::Exempt, None, observation(), &from)), [true, true]);
}

/// Only the copy in force is what an alert is about.
#[test]
fn a_copy_is_told_of_once_it_is_in_force_and_an_alert_was_sent() {
    let made = copied(Outcome::Remediated, &from());
    assert_eq!(recorded(&made), [(13, true)]);
    assert_eq!(made.record(None, now()).copies[0].told, None);
    let found = copied(Outcome::AlreadyRemediated, &from());
    assert_eq!(recorded(&found), [], "of a copy that no run of ours has recorded there is nothing to say");
    assert_eq!(recorded(&holding(vec![copy(11), copy(13)], found)), [(13, true)]);
    let lost = withdrawn(Withdrawal::Race, report(Outcome::Superseded, None, observation(), &from()));
    assert_eq!(recorded(&lost), [(14, false)]);
}

#[test]
fn a_copy_is_ours_by_ecs_or_by_the_record() {
    let is_ours = |report: &Report| report.fact().copy_is_ours;
    let of = |is_ours| {
        let found = copied(Outcome::AlreadyRemediated, &from());
        Report { copy: found.copy.clone().map(|copy| CopyInForce { is_ours, ..copy }), ..found }
    };
    assert!(is_ours(&of(true)));
    assert!(!is_ours(&of(false)));
    assert!(!is_ours(&holding(vec![copy(11)], of(false))));
    assert!(is_ours(&holding(vec![copy(13)], of(false))));
    assert!(!is_ours(&report(Outcome::Alerted, None, observation(), &from())), "none is in force");
}

/// A copy that somebody else deregistered is not left.
#[test]
fn a_copy_is_left_until_it_is_in_force_withdrawn_or_removed() {
    let left = |report: &Report| report.copies_left().map(|copy| copy.to_string()).collect::<Vec<_>>();
    let alone = |removed: &[u32]| {
        let removed = removed.iter().map(|number| number.to_string().parse().unwrap()).collect();
        let seen = Observation { removed, ..observation() };
        Report { made: vec![copy(13)], ..report(Outcome::Alerted, None, seen, &from()) }
    };
    assert_eq!(left(&alone(&[])), ["web:13"]);
    assert_eq!(left(&alone(&[11])), ["web:13"]);
    assert!(left(&alone(&[11, 13])).is_empty());
    assert!(left(&copied(Outcome::Remediated, &from())).is_empty());
    assert!(left(&withdrawn(Withdrawal::Race, alone(&[]))).is_empty());
}

/// One that stands unproven goes unnamed, so that the next look deals with it.
#[test]
fn only_a_copy_of_which_it_is_known_what_became_of_it_is_recorded() {
    let made = |outcome| Report { outcome, made: vec![copy(13), copy(14)], ..copied(Outcome::Remediated, &from()) };
    for (outcome, expected) in [
        (Outcome::Remediated, &[(13, true)][..]),
        (Outcome::AlreadyRemediated, &[(13, true)]),
        (Outcome::Failed, &[]),
        (Outcome::Alerted, &[]),
    ] {
        assert_eq!(recorded(&made(outcome)), expected, "{outcome:?}");
    }
    let removed_by_a_person = |reason| {
        let seen = Observation { removed: vec!["13".parse().unwrap()], ..observation() };
        Report { made: vec![copy(13), copy(14)], ..report(Outcome::Alerted, Some(reason), seen, &from()) }
    };
    assert_eq!(recorded(&removed_by_a_person(Reason::CopyRemoved)), [(13, false)]);
    assert_eq!(recorded(&removed_by_a_person(Reason::AlertMode)), []);
}

#[test]
fn the_record_says_what_the_run_came_to() {
    let mut from = from();
    from.applied_by = Some("arn:aws:sts::012345678912:assumed-role/operator/jane".into());
    let denied = Cause::AccessDenied { action: "s3:PutObject" };
    let report = Report {
        outcome: Outcome::Failed,
        reason: Some(Reason::AccessDenied),
        failure: Some(call("s3:PutObject", "arn:aws:s3:::guard-state/records/a", "AccessDenied", denied)),
        ..copied(Outcome::Remediated, &from)
    };
    let record = serde_json::to_value(report.record(Some(now()), now())).unwrap();
    assert_eq!(
        record,
        json!({
            "schemaVersion": 1,
            "taskDefinition": "web:12",
            "mode": "remediate",
            "outcome": "failed",
            "reason": "access_denied",
            "copy": "web:13",
            "copies": [],
            "backupSha256": "ab".repeat(32),
            "registeredBy": "arn:aws:sts::012345678912:assumed-role/deploy/build-4711",
            "eventId": from.event_id,
            "alertedAt": "2026-11-24T08:00:05Z",
            "at": "2026-11-24T08:00:05Z",
            "backedOut": null,
            "appliedBy": "arn:aws:sts::012345678912:assumed-role/operator/jane",
            "privilegedContainers": ["app"],
            "failedAction": "s3:PutObject",
        })
    );
    assert!(from.event_id.is_some_and(|id| !id.is_empty()));
}

/// The action is what IAM calls the permission, where one is missing.
#[test]
fn a_failure_says_what_call_it_was_and_where_a_copy_differs() {
    let register = |cause| call("ecs:RegisterTaskDefinition", "web", "AccessDeniedException", cause);
    for (cause, action) in [
        (Cause::Refused, "ecs:RegisterTaskDefinition"),
        (Cause::AccessDenied { action: "iam:PassRole" }, "iam:PassRole"),
    ] {
        let report = failed(register(cause), &from());
        assert_eq!(report.fact().failed_action, Some(action));
        assert_eq!(report.record(None, now()).failed_action.as_deref(), Some(action));
    }
    let differences = unfaithful(&from()).differences;
    let what = "web:14".to_owned();
    let failure = Failure::Unfaithful { what, differences };
    assert_eq!(
        failure.to_string(),
        "web:14 came out different from what was registered, and was taken back: \
         containerDefinitions[app].environment, containerDefinitions[app].user"
    );
    assert_eq!(failed(failure, &from()).fact().failed_action, None);
}
