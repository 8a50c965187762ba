//! What earlier sweeps have seen, told and found, as it stands under `sweeps/`. It spares reads and repeats: without it
//! all is looked at anew. So one that cannot be used is made anew; only the time of the first run is lost with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::arn::{Family, Revision, TaskDefinitionId};
use super::super::json::{self, Json};
use super::super::outcome::{Outcome, Reason};
use super::super::report::{Failure, Report};
use super::span::Span;

/// The version of the schema that this code writes.
const SCHEMA_VERSION: u32 = 1;
/// What another machine wrote may lie a little ahead.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_mins(5);
/// An event that has not come by then is lost.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>
const EVENT_AGE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// The watermark of one account and Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watermark {
    schema_version: u32,
    /// When the first run began: what was registered before existed already.
    pub created_at: Timestamp,
    /// Whether the last run had looked at everything by its end.
    #[serde(default)]
    pub complete: bool,
    /// What was looked at of each family.
    #[serde(default)]
    pub families: BTreeMap<Family, Span>,
    /// Each privileged revision that is ACTIVE or in use.
    #[serde(default, with = "super::standings")]
    pub privileged: BTreeMap<TaskDefinitionId, Standing>,
    /// Revisions that are in use, not ACTIVE, and not privileged.
    #[serde(default)]
    pub clean_in_use: BTreeSet<TaskDefinitionId>,
    /// What was told.
    #[serde(default)]
    pub told: Told,
    /// Of what failed, the revision that was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_last: Option<TaskDefinitionId>,
    /// Of what was to be looked at again, the revision that was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_last: Option<TaskDefinitionId>,
    /// The service that was looked at last, as `CLUSTER/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_last: Option<String>,
    /// How many runs in a row ended before everything was looked at.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_runs: u32,
    /// Services whose move has settled: each with the `ETag` under which that was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settled_moves: BTreeMap<String, String>,
    /// What could not be written after the digest, so that the next one tells it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unwritten: BTreeSet<String>,
}

/// What a digest has told and is not to be repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Told {
    /// For each exemption whose end was announced: that end, and how many days before it that was.
    pub ending: BTreeMap<Family, (Timestamp, i32)>,
    /// What could not be seen.
    pub unseen: BTreeSet<String>,
}

/// What the last look at a privileged revision came to, and what it rested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "what is known of a revision, not a state")]
pub struct Standing {
    /// What it rested on: as long as that is the same, the outcome is the same. Empty: it is to be looked at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rests_on: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// For `failed`: the action that failed, so that another failure is other news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_action: Option<String>,
    /// The copy in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Revision>,
    /// Its privileged containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// Ways to the host that its copy keeps, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual: Vec<String>,
    /// When it was registered, by ECS's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
    /// Whether it was registered before the first run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existed_before: bool,
    /// Whether an event told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_event: bool,
    /// Whether people were told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_told: bool,
    /// Whether a digest has said that no event told of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed_was_told: bool,
    /// The last run found it neither listed nor in use. Lists may be behind, so it is forgotten when the next one does too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_missing: bool,
    /// When the exemption that it rests on ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt_until: Option<Timestamp>,
}

impl Watermark {
    /// The watermark of a first run that begins at `now`.
    #[must_use]
    pub fn begun(now: Timestamp) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            created_at: now,
            complete: false,
            families: BTreeMap::new(),
            privileged: BTreeMap::new(),
            clean_in_use: BTreeSet::new(),
            told: Told::default(),
            tried_last: None,
            looked_last: None,
            served_last: None,
            cut_runs: 0,
            settled_moves: BTreeMap::new(),
            unwritten: BTreeSet::new(),
        }
    }

    /// Reads a watermark. One that cannot be used is begun anew, with the time of the first run if that can be read;
    /// the second part then says why.
    #[must_use]
    pub fn read(text: &str, now: Timestamp) -> (Self, Option<&'static str>) {
        let is_past = |at: &Timestamp| *at <= now + CLOCKS_DIFFER_BY;
        match json::object::<Self>(text) {
            Ok(watermark) if watermark.schema_version == SCHEMA_VERSION && is_past(&watermark.created_at) => {
                (watermark, None)
            }
            Ok(_) | Err(_) => {
                // As text: what is out of bounds for a number or too deep elsewhere must not cost the time as well.
                let members = Json::parse(text).ok().and_then(Json::members).unwrap_or_default();
                // Of two values none is it.
                let member = |name| {
                    let mut given = members.iter().filter(|member| member.is(name)).map(|member| member.value);
                    given.next().filter(|_| given.next().is_none())
                };
                let is_other =
                    member("schemaVersion").is_some_and(|version| version.as_str() != SCHEMA_VERSION.to_string());
                let created_at =
                    member("createdAt").and_then(Json::text).and_then(|at| at.parse().ok()).filter(is_past);
                let why = match (created_at, is_other) {
                    (Some(_), true) => "it is of another schemaVersion; the time of the first run was kept",
                    (Some(_), false) => "it could not be understood; the time of the first run was kept",
                    (None, _) => {
                        "it could not be understood, so what was registered before now counts as having existed before \
                         the first run"
                    }
                };
                (Self::begun(created_at.unwrap_or(now)), Some(why))
            }
        }
    }

    /// The watermark as it is stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Maps with texts as keys and nothing that can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Privileged revisions since the first run of which no event told, although it had time to come.
    pub fn missed(&self, now: Timestamp) -> impl Iterator<Item = (&TaskDefinitionId, &Standing)> {
        let created_at = self.created_at;
        let is_missed = move |standing: &Standing| {
            let old_enough = |at| created_at <= at && now.duration_since(at) > EVENT_AGE_MAX;
            !standing.by_event && !standing.is_missing && standing.registered_at.is_some_and(old_enough)
        };
        self.privileged.iter().filter(move |(_, standing)| is_missed(standing))
    }
}

impl Standing {
    /// Whether people were told of the same before.
    #[must_use]
    pub fn has_told(&self, report: &Report) -> bool {
        let copy = report.copy.as_ref().map(|copy| copy.id.revision);
        let failed_action = report.failure.as_ref().and_then(Failure::action);
        self.was_told
            && self.failed_action.as_deref() == failed_action
            && (one_fact(self.outcome), self.reason, self.copy) == (one_fact(report.outcome), report.reason, copy)
    }

    /// Whether it may come out differently although nothing has changed that can be seen.
    #[must_use]
    pub fn may_heal(&self) -> bool {
        match (self.outcome, self.reason) {
            (Outcome::Failed, _) => true,
            (_, Some(Reason::Repeated | Reason::ExemptionUnreadable)) => true,
            (_, _) => false,
        }
    }

    /// Whether it must be looked at again: something that it rests on has changed, its exemption has ended, or what
    /// failed may work by now.
    #[must_use]
    pub fn is_due(&self, rests_on: &str, now: Timestamp) -> bool {
        self.may_heal() || self.rests_on != rests_on || self.exempt_until.is_some_and(|end| end <= now)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Who made the copy is no news.
fn one_fact(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::AlreadyRemediated => Outcome::Remediated,
        other @ (Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive | Outcome::Alerted) => other,
        other @ (Outcome::Exempt | Outcome::Superseded | Outcome::Remediated) => other,
        other @ (Outcome::UnfaithfulCopyWithdrawn | Outcome::Failed) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{CallFailure, Cause};
    use crate::domain::plan::CopyInForce;
    use crate::domain::policy::Mode;
    use crate::domain::provenance::Provenance;

    const NOW: &str = "2026-11-24T08:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn standing(registered_at: &str) -> Standing {
        Standing {
            rests_on: "x".into(),
            outcome: Outcome::Remediated,
            reason: None,
            failed_action: None,
            copy: None,
            containers: vec!["app".into()],
            residual: Vec::new(),
            registered_at: Some(registered_at.parse().unwrap()),
            existed_before: false,
            by_event: false,
            was_told: false,
            missed_was_told: false,
            is_missing: false,
            exempt_until: None,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_members_of_the_future_aside() {
        let mut watermark = Watermark::begun(now());
        watermark
            .families
            .insert("web".parse().unwrap(), Span::from((Revision::new(12).unwrap(), Revision::new(3).unwrap())));
        watermark.privileged.insert("web:12".parse().unwrap(), standing("2026-11-24T07:00:00Z"));
        watermark.clean_in_use.insert("api:1".parse().unwrap());
        watermark.told.ending.insert("web".parse().unwrap(), (now(), 7));
        watermark.cut_runs = 2;
        let text = watermark.to_json();
        assert_eq!(Watermark::read(&text, now()), (watermark.clone(), None));
        let later = text.replacen('{', r#"{"memberOfTheFuture":{"a":1},"#, 1);
        assert_eq!(Watermark::read(&later, now()), (watermark, None));
    }

    #[test]
    fn what_is_the_same_of_a_familys_revisions_is_written_once() {
        let mut watermark = Watermark::begun(now());
        for (id, rests_on) in [("web:1", "x"), ("web:2", "y"), ("web:10", "z"), ("api:1", "x")] {
            let standing = Standing { rests_on: rests_on.into(), ..standing("2026-11-24T07:00:00Z") };
            watermark.privileged.insert(id.parse().unwrap(), standing);
        }
        let exempt = Standing { outcome: Outcome::Exempt, ..standing("2026-11-24T07:00:00Z") };
        watermark.privileged.insert("web:3".parse().unwrap(), exempt);
        let text = watermark.to_json();
        assert_eq!(text.matches("remediated").count(), 3, "{text}");
        assert_eq!(Watermark::read(&text, now()), (watermark, None));
    }

    #[test]
    fn the_time_of_the_first_run_alone_is_a_watermark() {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let text = r#"{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z"}"#;
        assert_eq!(Watermark::read(text, now()), (Watermark::begun(first), None));
    }

    #[test]
    fn one_that_cannot_be_used_is_begun_anew_with_the_first_runs_time_where_that_can_be_read() {
        let first = "2026-01-01T00:00:00Z";
        let other = "it is of another schemaVersion; the time of the first run was kept";
        let odd = "it could not be understood; the time of the first run was kept";
        let lost = "it could not be understood, so what was registered before now counts as having existed before the first \
                    run";
        for (text, created_at, expected) in [
            (r#"{"schemaVersion":2,"createdAt":"2026-01-01T00:00:00Z"}"#, first, other),
            (
                r#"{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z","families":{"web":"x"},"privileged":{}}"#,
                first,
                odd,
            ),
            (r#"{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z","families":1e999}"#, first, odd),
            (r#"{"createdAt":"2026-01-01T00:00:00Z"}"#, first, odd),
            // Of two times none is the first run's.
            (r#"{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z","createdAt":"2026-02-01T00:00:00Z"}"#, NOW, lost),
            (r#"{"schemaVersion":1,"createdAt":"2099-01-01T00:00:00Z"}"#, NOW, lost),
            // Another clock may be ahead by five minutes.
            (r#"{"schemaVersion":2,"createdAt":"2026-11-24T08:05:00Z"}"#, "2026-11-24T08:05:00Z", other),
            (r#"{"schemaVersion":1,"createdAt":"2026-11-24T08:05:01Z"}"#, NOW, lost),
            (r#"[1,"2026-01-01T00:00:00Z"]"#, NOW, lost),
            ("garbage", NOW, lost),
            ("", NOW, lost),
            ("[]", NOW, lost),
        ] {
            let (watermark, why) = Watermark::read(text, now());
            assert_eq!(watermark, Watermark::begun(created_at.parse().unwrap()), "{text}");
            assert_eq!(why, Some(expected), "{text}");
        }
    }

    /// There may be 20,000 families: what is not so is left out, and what nobody asks for.
    #[test]
    fn what_there_is_nothing_to_say_of_is_not_written() {
        let mut watermark = Watermark::begun(now());
        let existed = Standing { existed_before: true, ..standing("2026-11-24T07:00:00Z") };
        watermark.privileged.insert("web:12".parse().unwrap(), existed);
        let text = r#"{"schemaVersion":1,"createdAt":"2026-11-24T08:00:00Z","complete":false,"families":{},"privileged":{"web":[{"revisions":[[12,"x",null]],"standing":{"outcome":"remediated","containers":["app"],"existedBefore":true}}]},"cleanInUse":[],"told":{"ending":{},"unseen":[]}}"#;
        assert_eq!(watermark.to_json(), text);
    }

    #[test]
    fn an_event_is_missed_half_an_hour_after_a_registration_since_the_first_run() {
        let mut watermark = Watermark::begun("2026-11-24T06:00:00Z".parse().unwrap());
        for (family, standing) in [
            ("before", standing("2026-11-24T05:59:59Z")),
            ("missed", standing("2026-11-24T06:00:00Z")),
            ("young", standing("2026-11-24T07:30:00Z")),
            ("told", Standing { by_event: true, ..standing("2026-11-24T07:00:00Z") }),
            ("unknown", Standing { registered_at: None, ..standing("2026-11-24T07:00:00Z") }),
        ] {
            watermark.privileged.insert(format!("{family}:1").parse().unwrap(), standing);
        }
        let missed: Vec<String> = watermark.missed(now()).map(|(id, _)| id.to_string()).collect();
        assert_eq!(missed, ["missed:1"]);
    }

    #[test]
    fn what_may_heal_and_what_has_changed_is_due() {
        let unchanged = standing("2026-11-24T07:00:00Z");
        assert!(!unchanged.is_due("x", now()));
        assert!(unchanged.is_due("y", now()));
        let exempt = |end: &str| Standing { exempt_until: Some(end.parse().unwrap()), ..unchanged.clone() };
        assert!(!exempt("2026-11-24T08:00:01Z").is_due("x", now()));
        assert!(exempt("2026-11-24T08:00:00Z").is_due("x", now()));
        assert!(Standing { outcome: Outcome::Failed, ..unchanged.clone() }.is_due("x", now()));
        assert!(Standing { reason: Some(Reason::Repeated), ..unchanged }.is_due("x", now()));
    }
    /// A record may not have been written, so the watermark is asked, too.
    #[test]
    fn the_same_is_told_once() {
        let denied = |action| {
            Failure::Call(CallFailure {
                action,
                resource: "web:12".into(),
                code: None,
                request_id: None,
                cause: Cause::AccessDenied { action },
            })
        };
        let told = Standing { was_told: true, ..standing(NOW) };
        let copied = || {
            let id = "web:12".parse().unwrap();
            let copy = CopyInForce { id: "web:13".parse().unwrap(), is_ours: true };
            let report = Report::of_daemon(id, Vec::new(), Provenance::default(), Mode::Remediate);
            Report { outcome: Outcome::Remediated, reason: None, copy: Some(copy), ..report }
        };
        let of_copy = Standing { copy: Some(Revision::new(13).unwrap()), ..told.clone() };
        assert!(of_copy.has_told(&copied()));
        // Who made the copy is no news.
        assert!(of_copy.has_told(&Report { outcome: Outcome::AlreadyRemediated, ..copied() }));
        assert!(!Standing { was_told: false, ..of_copy.clone() }.has_told(&copied()));
        assert!(!of_copy.has_told(&Report { copy: None, ..copied() }));
        assert!(!of_copy.has_told(&Report { outcome: Outcome::Superseded, ..copied() }));

        let failed = |action| Report {
            outcome: Outcome::Failed,
            reason: Some(Reason::AccessDenied),
            copy: None,
            failure: Some(denied(action)),
            ..copied()
        };
        let of_failure = Standing {
            outcome: Outcome::Failed,
            reason: Some(Reason::AccessDenied),
            failed_action: Some("s3:PutObject".into()),
            ..told
        };
        assert!(of_failure.has_told(&failed("s3:PutObject")));
        // Another permission is missing now.
        assert!(!of_failure.has_told(&failed("ecs:RegisterTaskDefinition")));
        assert!(!of_failure.has_told(&Report { reason: Some(Reason::Refused), ..failed("s3:PutObject") }));
    }
}
