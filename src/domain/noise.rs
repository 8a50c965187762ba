//! Whether an alert is due: at least once for each fact, and no more often than people can bear. Pure; it publishes
//! nothing.

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Alerting, Outcome, Reason};
use super::record::Record;

/// The end of a run, as far as it matters to whether somebody must hear of it.
#[derive(Debug, Clone)]
pub struct Fact<'a> {
    /// What the run came to.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// For a failure: the action that failed.
    pub failed_action: Option<&'a str>,
    /// The privileged containers of the original.
    pub containers: &'a [String],
    /// Whether this run registered or withdrew something that is to be told. (A copy that was withdrawn within
    /// seconds because an equal one serves, or because the family is exempt, is not.)
    pub has_changed_something: bool,
    /// When people were told of the copy that is in force, if they were.
    pub copy_told: Option<Timestamp>,
    /// Whether the copy in force is ours.
    pub copy_is_ours: bool,
    /// Whether something runs the original, or might.
    pub original_may_run: bool,
}

/// The same news about a family is not repeated within this time, as long as nothing is changed.
fn quiet_time(reason: Option<Reason>) -> SignedDuration {
    match reason {
        Some(Reason::Repeated) => SignedDuration::from_hours(1),
        Some(_) | None => SignedDuration::from_hours(24),
    }
}

/// What is due, and by which alert the fact is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Whether the fact is to be published: `Sent` says yes.
    pub alert: Alerting,
    /// When the fact was told: now, or by the alert that told it, so that the newest record alone can say so.
    pub told_at: Option<Timestamp>,
}

/// Whether the fact is to be published.
#[must_use]
pub fn due(fact: &Fact, own: Option<&Record>, family: &[Record], now: Timestamp) -> Due {
    let calls_for_one = fact.has_changed_something
        || match fact.outcome {
            Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive | Outcome::Exempt => false,
            Outcome::AlreadyRemediated => fact.copy_is_ours,
            // A lost race means that a copy was withdrawn, in this run or in an earlier one that could not tell.
            Outcome::Superseded => fact.original_may_run || fact.reason == Some(Reason::Race),
            Outcome::Alerted | Outcome::Remediated | Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed => true,
        };
    let reason = fact.reason.map(Reason::as_str);
    let told = |record: &Record| match record.has_alerted(fact.outcome.as_str(), reason, fact.failed_action) {
        true => record.alerted_at,
        false => None,
    };
    let recently = |record: &&Record| {
        record.alerted_at.is_some_and(|at| now.duration_since(at) < quiet_time(fact.reason))
            && same_containers(&record.privileged_containers, fact.containers)
    };
    let send = Due { alert: Alerting::Sent, told_at: Some(now) };
    let told_by = |told_at| Due { alert: Alerting::AlreadySent, told_at: Some(told_at) };
    match (fact, own.and_then(told), family.iter().filter(recently).filter_map(told).max()) {
        _ if !calls_for_one => Due { alert: Alerting::None, told_at: None },
        (Fact { has_changed_something: true, .. }, _, _) => send,
        (_, Some(own), _) => told_by(own),
        (Fact { outcome: Outcome::AlreadyRemediated, copy_told: Some(told), .. }, _, _) => told_by(*told),
        // A change that an earlier run made and could not tell must be told, whatever the family was told before.
        (Fact { outcome: Outcome::AlreadyRemediated | Outcome::Remediated, .. }, _, _) => send,
        (_, None, Some(family)) => told_by(family),
        (_, None, None) => send,
    }
}

fn same_containers(a: &[String], b: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    };
    sorted(a) == sorted(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    fn fact(outcome: Outcome, reason: Option<Reason>) -> Fact<'static> {
        Fact {
            outcome,
            reason,
            failed_action: None,
            containers: &[],
            has_changed_something: false,
            copy_told: None,
            copy_is_ours: true,
            original_may_run: false,
        }
    }

    fn alerted(outcome: &str, reason: Option<&str>, hours_ago: i64) -> Record {
        let at = now() - SignedDuration::from_hours(hours_ago);
        let reason = serde_json::to_string(&reason).unwrap();
        Record::parse(&format!(r#"{{"schemaVersion":1,"outcome":"{outcome}","reason":{reason},"alertedAt":"{at}"}}"#))
            .unwrap()
    }

    #[track_caller]
    fn check(fact: &Fact, own: Option<&Record>, family: &[Record], expected: Alerting) {
        assert_eq!(due(fact, own, family, now()).alert, expected);
    }

    #[test]
    fn the_same_news_about_a_family_is_told_once_a_day() {
        let news = fact(Outcome::Alerted, Some(Reason::AlertMode));
        check(&news, None, &[], Alerting::Sent);
        check(&news, None, &[alerted("alerted", Some("alert_mode"), 23)], Alerting::AlreadySent);
        check(&news, None, &[alerted("alerted", Some("alert_mode"), 24)], Alerting::Sent);
        check(&news, None, &[alerted("alerted", Some("out_of_scope"), 1)], Alerting::Sent);
        let other = Fact { containers: &[String::new()], ..news };
        check(&other, None, &[alerted("alerted", Some("alert_mode"), 1)], Alerting::Sent);
    }

    #[test]
    fn a_fight_is_told_once_an_hour() {
        let fight = fact(Outcome::Alerted, Some(Reason::Repeated));
        check(&fight, None, &[alerted("alerted", Some("repeated"), 0)], Alerting::AlreadySent);
        check(&fight, None, &[alerted("alerted", Some("repeated"), 1)], Alerting::Sent);
    }

    #[test]
    fn what_a_revisions_own_record_holds_is_never_told_again() {
        let news = fact(Outcome::Alerted, Some(Reason::AlertMode));
        check(&news, Some(&alerted("alerted", Some("alert_mode"), 1000)), &[], Alerting::AlreadySent);
        let again = fact(Outcome::AlreadyRemediated, None);
        check(&again, Some(&alerted("remediated", None, 1000)), &[], Alerting::AlreadySent);
    }

    #[test]
    fn a_copy_is_told_once_whatever_was_recorded_since() {
        let again = Fact { copy_told: Some(now()), ..fact(Outcome::AlreadyRemediated, None) };
        check(&again, Some(&alerted("exempt", None, 1)), &[], Alerting::AlreadySent);
        check(&Fact { copy_told: None, ..again }, Some(&alerted("exempt", None, 1)), &[], Alerting::Sent);
    }

    #[test]
    fn a_change_is_always_told() {
        let change = Fact { has_changed_something: true, ..fact(Outcome::Superseded, Some(Reason::Race)) };
        check(&change, Some(&alerted("superseded", Some("race"), 1)), &[], Alerting::Sent);
        check(&fact(Outcome::AlreadyRemediated, None), None, &[alerted("remediated", None, 1)], Alerting::Sent);
    }

    #[test]
    fn another_failure_is_other_news() {
        let denied = Fact { failed_action: Some("ecs:RegisterTaskDefinition"), ..fact(Outcome::Failed, None) };
        check(&denied, Some(&alerted("failed", None, 1)), &[], Alerting::Sent);
    }

    #[test]
    fn what_calls_for_no_alert_gets_none() {
        for outcome in [Outcome::Compliant, Outcome::Inactive, Outcome::Exempt, Outcome::Superseded] {
            check(&fact(outcome, None), None, &[], Alerting::None);
        }
        check(&Fact { copy_is_ours: false, ..fact(Outcome::AlreadyRemediated, None) }, None, &[], Alerting::None);
        check(&Fact { original_may_run: true, ..fact(Outcome::Superseded, None) }, None, &[], Alerting::Sent);
    }
}
