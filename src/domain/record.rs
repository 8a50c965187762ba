//! What is known and was done about one original, as it stands under `records/`. Records outlive versions: members of
//! the future are kept, none is required beyond the schema's version, and merging never removes what was held.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arn::{Revision, TaskDefinitionId};
use super::json::{self, Malformed};
use super::outcome::{Outcome, Reason};
use super::policy::Policy;

/// The version of the schema that this code writes.
pub const SCHEMA_VERSION: u32 = 1;
/// The call that looks at daemon task definitions, and only at them.
const DESCRIBES_DAEMONS: &str = "ecs:DescribeDaemonTaskDefinition";

/// Why a record cannot be used. It is an error and never "no record", so it is not overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a JSON object with the members of a record.
    #[error("it is not the JSON of a record (look at line {}, column {})", .0.line, .0.column)]
    Malformed(Malformed),
    /// Written by a later version of this product.
    #[error("its schemaVersion is {0}, and this version knows {SCHEMA_VERSION}")]
    UnknownSchema(u64),
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Of this schema.
    pub schema_version: u32,
    /// The original, like `web:12`.
    #[serde(default)]
    pub task_definition: String,
    /// The mode of the last run that had something to say.
    #[serde(default)]
    pub mode: String,
    /// The contract's name of the last outcome. Text, since a later version may know more of them.
    #[serde(default)]
    pub outcome: String,
    /// The contract's name of the reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// The copy in force, like `web:13`.
    #[serde(default)]
    pub copy: Option<String>,
    /// Each copy that we made.
    #[serde(default)]
    pub copies: Vec<MadeCopy>,
    /// SHA-256 of the backup's bytes, in hexadecimal.
    #[serde(default)]
    pub backup_sha256: Option<String>,
    /// Who registered the original, by ECS's word.
    #[serde(default)]
    pub registered_by: Option<String>,
    /// CloudTrail's id of the event that told us.
    #[serde(default)]
    pub event_id: Option<String>,
    /// When the current outcome and reason were alerted.
    #[serde(default)]
    pub alerted_at: Option<Timestamp>,
    /// When this record was last written.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// What backout did about it.
    #[serde(default)]
    pub backed_out: Option<Value>,
    /// Until when the family is exempt, by what backout has told people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemption_told: Option<Timestamp>,
    /// Who had the copy made from a terminal, by STS's word; none where the guard did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<String>,
    /// The privileged containers of the original.
    #[serde(default)]
    pub privileged_containers: Vec<String>,
    /// For `failed`: the call that failed, so that another failure is alerted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_action: Option<String>,
    /// What was told of the daemon task definition of that name, which shares the key. While nothing is known of an
    /// ordinary one, the members above are the daemon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonAlert>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// The alert of a privileged daemon task definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DaemonAlert {
    /// When it was told.
    #[serde(default)]
    pub alerted_at: Option<Timestamp>,
    /// Its privileged containers.
    #[serde(default)]
    pub privileged_containers: Vec<String>,
}

/// A copy that we made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeCopy {
    /// Its number.
    pub revision: u32,
    /// When it was registered.
    pub at: Timestamp,
    /// When it was withdrawn.
    #[serde(default)]
    pub withdrawn: Option<Timestamp>,
    /// Why it was withdrawn; without `withdrawn`, why it is to be: the withdrawal did not succeed.
    #[serde(default)]
    pub why: Option<String>,
    /// When people were told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Timestamp>,
    /// The product's version and settings that made it, where that decides whether to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_under: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

impl MadeCopy {
    /// A copy that was registered at `at` under this policy.
    #[must_use]
    pub fn new(revision: Revision, at: Timestamp, policy: &Policy) -> Self {
        let made_under = Some(policy.copied_under());
        let revision = revision.number();
        Self { revision, at, withdrawn: None, why: None, told: None, made_under, unknown: BTreeMap::new() }
    }

    /// Its number, if it is one that ECS could have given.
    #[must_use]
    pub fn number(&self) -> Option<Revision> {
        Revision::new(self.revision.into()).ok()
    }

    /// Whether it is the revision of that number.
    #[must_use]
    pub fn is_revision(&self, revision: Revision) -> bool {
        self.revision == revision.number()
    }

    /// Whether it was withdrawn for that reason, or is to be.
    #[must_use]
    pub fn was_withdrawn_for(&self, why: Withdrawal) -> bool {
        self.why.as_deref() == Some(why.as_str())
    }

    /// Whether it stands: it is neither withdrawn nor to be.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.withdrawn.is_none() && self.why.is_none()
    }

    /// Why it must not be ACTIVE, if we know: it is to be withdrawn, or was. What backout withdraws is backout's, and a
    /// reason of the future is not for us to act on.
    #[must_use]
    pub fn condemned_for(&self) -> Option<Withdrawal> {
        let known = Withdrawal::ALL.into_iter().find(|known| self.was_withdrawn_for(*known));
        known.filter(|why| *why != Withdrawal::BackedOut)
    }
}

/// Why a copy of ours was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// A newer revision was registered, or the original deregistered, while it was being made.
    Race,
    /// An equal copy was there already.
    Duplicate,
    /// The proof found a difference.
    Unfaithful,
    /// The family was exempted while it was being made.
    Exempt,
    /// A run died before it could withdraw it.
    Stray,
    /// It could not be looked at after it was registered.
    Unproven,
    /// Backout brought the original back.
    BackedOut,
}

impl Withdrawal {
    /// Every one of them.
    pub const ALL: [Self; 7] =
        [Self::Race, Self::Duplicate, Self::Unfaithful, Self::Exempt, Self::Stray, Self::Unproven, Self::BackedOut];

    /// The name in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Race => "race",
            Self::Duplicate => "duplicate",
            Self::Unfaithful => "unfaithful",
            Self::Exempt => "exempt",
            Self::Stray => "stray",
            Self::Unproven => "unproven",
            Self::BackedOut => "backout",
        }
    }

    /// The reason as the end of a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Race => "the family moved on meanwhile",
            Self::Duplicate => "an earlier equal copy serves",
            Self::Unfaithful => "it is not the original without privilege",
            Self::Exempt => "the family is exempt by now",
            Self::Stray => "a run of the guard died before it could withdraw it",
            Self::Unproven => "it could not be looked at, and so not be proven",
            Self::BackedOut => "the original was brought back",
        }
    }
}

impl Record {
    /// A record of a revision that has none: nothing is known of it but what it is.
    #[must_use]
    pub fn begun(id: &TaskDefinitionId, mode: &str, containers: &[String]) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            task_definition: id.to_string(),
            mode: mode.to_owned(),
            outcome: String::new(),
            reason: None,
            copy: None,
            copies: Vec::new(),
            backup_sha256: None,
            registered_by: None,
            event_id: None,
            alerted_at: None,
            at: None,
            backed_out: None,
            exemption_told: None,
            applied_by: None,
            privileged_containers: containers.to_vec(),
            failed_action: None,
            daemon: None,
            unknown: BTreeMap::new(),
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not a record, or of a schema that this version does not know.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u64,
        }
        let Version { schema_version } = json::object(text).map_err(RecordError::Malformed)?;
        match schema_version == u64::from(SCHEMA_VERSION) {
            true => json::object(text).map_err(RecordError::Malformed),
            false => Err(RecordError::UnknownSchema(schema_version)),
        }
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// When a member that this version does not know cannot be written again.
    pub fn to_json(&self) -> Result<String, RecordError> {
        serde_json::to_string_pretty(self).map_err(|error| RecordError::Malformed(Malformed::of(&error)))
    }

    /// The copy in force, as a revision of the same family.
    #[must_use]
    pub fn copy_revision(&self) -> Option<Revision> {
        self.copy.as_deref()?.rsplit_once(':')?.1.parse().ok()
    }

    /// Numbers of the copies that stand by this record's word, each with the time from which on it did.
    #[must_use]
    pub fn standing_copies(&self) -> BTreeMap<Revision, Option<Timestamp>> {
        let stands = |copy: &&MadeCopy| copy.stands() && !self.is_backed_out_since(Some(copy.at));
        let made = self.copies.iter().filter(stands).filter_map(|copy| Some((copy.number()?, Some(copy.at))));
        // A copy in force that we did not make.
        let in_force = self.copy_revision().filter(|copy| self.made(*copy).is_none());
        let in_force = in_force.filter(|_| !self.is_backed_out_since(self.at)).map(|copy| (copy, self.at));
        in_force.into_iter().chain(made).collect()
    }

    /// Whether backout undid what was there at that time. It says itself when it was; without that, it undid all.
    fn is_backed_out_since(&self, at: Option<Timestamp>) -> bool {
        let Some(note) = &self.backed_out else { return false };
        let backed_out_at = note.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        match (at, backed_out_at) {
            (Some(at), Some(backed_out_at)) => at <= backed_out_at,
            (None, _) | (_, None) => true,
        }
    }

    /// What we know of a copy of ours with this number.
    #[must_use]
    pub fn made(&self, revision: Revision) -> Option<&MadeCopy> {
        self.copies.iter().find(|copy| copy.revision == revision.number())
    }

    /// Whether its outcome is that of a daemon task definition, of which there may be one beside each ordinary revision:
    /// the two have numbers of their own, and one key.
    #[must_use]
    pub fn is_of_daemon(&self) -> bool {
        self.reason.as_deref() == Some(Reason::DaemonTaskDefinition.as_str())
            || self.failed_action.as_deref() == Some(DESCRIBES_DAEMONS)
    }

    /// What it says of an ordinary revision: nothing of what an event, an alert or a look said of a daemon's.
    #[must_use]
    pub fn of_ordinary(self) -> Self {
        if !self.is_of_daemon() {
            return self;
        }
        let was_told = self.reason.as_deref() == Some(Reason::DaemonTaskDefinition.as_str());
        let Self { alerted_at, privileged_containers, daemon, .. } = self;
        Self {
            mode: String::new(),
            outcome: String::new(),
            reason: None,
            event_id: None,
            alerted_at: None,
            privileged_containers: Vec::new(),
            failed_action: None,
            daemon: if was_told { Some(DaemonAlert { alerted_at, privileged_containers }) } else { daemon },
            ..self
        }
    }

    /// What it says of a daemon's revision.
    #[must_use]
    pub fn of_daemon(self) -> Self {
        match &self.daemon {
            Some(DaemonAlert { alerted_at, privileged_containers }) if !self.is_of_daemon() => Self {
                outcome: Outcome::Alerted.as_str().to_owned(),
                reason: Some(Reason::DaemonTaskDefinition.as_str().to_owned()),
                alerted_at: *alerted_at,
                privileged_containers: privileged_containers.clone(),
                failed_action: None,
                ..self
            },
            Some(_) | None => self,
        }
    }

    /// What `news` adds to what was held: nothing that says what we made, backed up or backed out is ever removed. News
    /// that yields leaves the outcome that was held as it is, and news of a daemon that of an ordinary revision.
    #[must_use]
    pub fn merged(held: Option<Self>, news: Self, yields: bool) -> Self {
        let Some(held) = held else { return news };
        match (held.is_of_daemon(), news.is_of_daemon()) {
            (false, true) => return Self { daemon: news.of_ordinary().daemon.or(held.daemon), ..held },
            (true, false) => return Self::merged(Some(held.of_ordinary()), news, false),
            (true, true) | (false, false) => {}
        }
        let same_fact = facts(&held) == facts(&news);
        let news = match (yields || news.knows_less_than(&held)) && !same_fact {
            true => Self {
                mode: held.mode.clone(),
                outcome: held.outcome.clone(),
                reason: held.reason.clone(),
                failed_action: held.failed_action.clone(),
                alerted_at: held.alerted_at,
                copy: held.copy.clone(),
                ..news
            },
            false => news,
        };
        Self {
            copy: news.copy.or(held.copy),
            copies: merged_copies(held.copies, news.copies),
            backup_sha256: held.backup_sha256.or(news.backup_sha256),
            registered_by: news.registered_by.or(held.registered_by),
            event_id: held.event_id.or(news.event_id),
            alerted_at: match same_fact {
                true => news.alerted_at.max(held.alerted_at),
                false => news.alerted_at,
            },
            // Backout writes these itself, and what a run of the guard knows of them may be old.
            backed_out: held.backed_out.or(news.backed_out),
            exemption_told: held.exemption_told.or(news.exemption_told),
            applied_by: news.applied_by.or(held.applied_by),
            daemon: news.daemon.or(held.daemon),
            // A run that could not look does not know them.
            privileged_containers: match news.privileged_containers.is_empty() {
                true => held.privileged_containers,
                false => news.privileged_containers,
            },
            unknown: held.unknown.into_iter().chain(news.unknown).collect(),
            ..news
        }
    }

    /// Whether it is of a look that did not see yet that a copy lost a race, which people were told by now: a later look
    /// knows that by the record, so without it they would be told twice.
    fn knows_less_than(&self, held: &Self) -> bool {
        let is_superseded = |record: &Self, reason| {
            record.outcome == Outcome::Superseded.as_str() && record.reason.as_deref() == reason
        };
        held.alerted_at.is_some()
            && is_superseded(held, Some(Reason::Race.as_str()))
            && self.alerted_at.is_none()
            && is_superseded(self, None)
    }

    /// Whether two records say the same, apart from when they were written.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        Self { at: None, ..self.clone() } == Self { at: None, ..other.clone() }
    }

    /// Whether this record holds the alert of that outcome. `remediated` and `already_remediated` are one fact.
    #[must_use]
    pub fn has_alerted(&self, outcome: &str, reason: Option<&str>, failed_action: Option<&str>) -> bool {
        self.alerted_at.is_some()
            && one_fact(&self.outcome) == one_fact(outcome)
            && self.reason.as_deref() == reason
            && self.failed_action.as_deref() == failed_action
    }
}

fn facts(record: &Record) -> (&str, Option<&str>, Option<&str>) {
    (one_fact(&record.outcome), record.reason.as_deref(), record.failed_action.as_deref())
}

fn one_fact(outcome: &str) -> &str {
    match outcome {
        "already_remediated" => "remediated",
        other => other,
    }
}

fn merged_copies(held: Vec<MadeCopy>, news: Vec<MadeCopy>) -> Vec<MadeCopy> {
    let mut copies: BTreeMap<u32, MadeCopy> = BTreeMap::new();
    for copy in held.into_iter().chain(news) {
        match copies.get_mut(&copy.revision) {
            Some(known) => {
                let told = known.told.or(copy.told);
                if known.withdrawn.is_none() && (copy.withdrawn.is_some() || copy.why.is_some()) {
                    *known = MadeCopy { at: known.at, ..copy };
                }
                known.told = told;
            }
            None => {
                copies.insert(copy.revision, copy);
            }
        }
    }
    copies.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(members: &str) -> Record {
        Record::parse(&format!("{{\"schemaVersion\":1{members}}}")).unwrap()
    }

    #[test]
    fn a_copy_is_known_by_its_number() {
        let record = record(r#","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}]"#);
        let is = |number: &str| record.copies[0].is_revision(number.parse().unwrap());
        assert_eq!((is("13"), is("14")), (true, false));
    }

    #[test]
    fn news_that_yields_leaves_the_outcome_that_was_held() {
        let held = record(r#","outcome":"superseded","reason":"race","alertedAt":"2026-11-24T09:00:01Z""#);
        let news = record(r#","outcome":"superseded","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}]"#);
        let merged = Record::merged(Some(held.clone()), news.clone(), true);
        assert_eq!((merged.reason, merged.alerted_at), (held.reason.clone(), held.alerted_at));
        assert_eq!(merged.copies, news.copies);
        let told = record(r#","outcome":"superseded","alertedAt":"2026-11-24T09:00:02Z""#);
        assert_eq!(Record::merged(Some(held), told, false).reason, None);
    }

    #[test]
    fn news_that_yields_leaves_all_that_was_told() {
        let held = record(
            r#","mode":"enforce","outcome":"failed","reason":"access_denied","failedAction":"ecs:RegisterTaskDefinition",
               "alertedAt":"2026-11-24T09:00:01Z""#,
        );
        let news = record(r#","mode":"remediate","outcome":"remediated","copy":"web:13""#);
        assert_eq!(Record::merged(Some(held.clone()), news, true), held);
    }

    /// A sweep and the guard withdraw the same copy, and the sweep saw another reason for it.
    #[test]
    fn a_lost_race_that_was_told_is_not_forgotten_by_whoever_did_not_see_it() {
        let held = record(r#","outcome":"superseded","reason":"race","alertedAt":"2026-11-24T09:00:01Z""#);
        let news = record(r#","outcome":"superseded","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}]"#);
        let merged = Record::merged(Some(held.clone()), news.clone(), false);
        assert!(merged.has_alerted("superseded", Some("race"), None));
        assert_eq!(merged.copies, news.copies);
        let untold = Record { alerted_at: None, ..held };
        assert_eq!(Record::merged(Some(untold), news, false).reason, None, "nobody was told of it");
        // Another fact is news.
        let other = record(r#","outcome":"alerted""#);
        let told = record(r#","outcome":"superseded","reason":"race","alertedAt":"2026-11-24T09:00:01Z""#);
        assert_eq!(Record::merged(Some(told), other, false).outcome, "alerted");
    }

    #[test]
    fn a_record_that_says_no_more_is_not_written_again() {
        let of = |at: &str, outcome: &str| record(&format!(r#","at":"2026-11-24T{at}:00Z","outcome":"{outcome}""#));
        assert!(of("08:00", "exempt").says_the_same_as(&of("09:00", "exempt")));
        assert!(!of("08:00", "exempt").says_the_same_as(&of("08:00", "alerted")));
    }

    #[test]
    fn a_record_of_the_future_is_an_error_and_never_none() {
        assert_eq!(Record::parse(r#"{"schemaVersion":2}"#), Err(RecordError::UnknownSchema(2)));
        for text in ["", "null", "[]", "[2]", "{}", r#"{"schemaVersion":"1"}"#, r#"{"schemaVersion":1,"copies":{}}"#] {
            assert!(matches!(Record::parse(text), Err(RecordError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn members_of_the_future_survive() {
        let held = record(r#","moon":"full","copies":[{"revision":3,"at":"2026-11-24T08:00:00Z","sun":1}]"#);
        let merged = Record::merged(Some(held), record(r#","outcome":"failed""#), false);
        let text = serde_json::to_string(&merged).unwrap();
        assert!(text.contains(r#""moon":"full""#) && text.contains(r#""sun":1"#), "{text}");
    }

    #[test]
    fn merging_never_removes_what_was_made_backed_up_or_backed_out() {
        let held = record(
            r#","outcome":"remediated","copy":"web:13","backupSha256":"aa","backedOut":{"at":1},"eventId":"e1",
               "copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}],"alertedAt":"2026-11-24T08:00:00Z""#,
        );
        let news = record(r#","outcome":"alerted","reason":"alert_mode","eventId":"e2""#);
        let merged = Record::merged(Some(held.clone()), news, false);
        assert_eq!(merged.copy, held.copy);
        assert_eq!(merged.copies, held.copies);
        assert_eq!(merged.backup_sha256, held.backup_sha256);
        assert_eq!(merged.backed_out, held.backed_out);
        let stale = record(r#","backedOut":{"begun":true}"#);
        let merged_stale = Record::merged(Some(held.clone()), stale, false);
        assert_eq!(merged_stale.backed_out, held.backed_out, "a run of the guard may know an old one");
        assert_eq!(merged.event_id, held.event_id);
        assert_eq!((merged.outcome.as_str(), merged.alerted_at), ("alerted", None), "the news was not alerted yet");
    }

    #[test]
    fn what_a_later_run_does_not_know_stays() {
        let held = record(
            r#","registeredBy":"deploy","appliedBy":"jane","privilegedContainers":["app"],
               "exemptionTold":"2026-11-24T08:00:00Z","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}]"#,
        );
        let news = record(
            r#","copies":[{"revision":13,"at":"2026-11-24T09:00:00Z","withdrawn":"2026-11-24T09:00:00Z","why":"race"}]"#,
        );
        let merged = Record::merged(Some(held.clone()), news, false);
        assert_eq!((&merged.registered_by, &merged.applied_by), (&held.registered_by, &held.applied_by));
        assert_eq!(merged.exemption_told, held.exemption_told);
        assert_eq!(merged.privileged_containers, held.privileged_containers);
        assert_eq!((merged.copies[0].at, merged.copies[0].stands()), (held.copies[0].at, false));
    }

    const OF_DAEMON: &str = r#","outcome":"alerted","reason":"daemon_task_definition","alertedAt":"2026-11-24T08:00:00Z",
        "eventId":"of-daemon","privilegedContainers":["agent"]"#;

    #[test]
    fn news_of_a_daemon_task_definition_leaves_what_is_known_of_the_ordinary_one() {
        let held = record(r#","outcome":"remediated","copy":"web:13","privilegedContainers":["app"]"#);
        let merged = Record::merged(Some(held.clone()), record(OF_DAEMON), false);
        assert!(merged.clone().of_daemon().has_alerted("alerted", Some("daemon_task_definition"), None));
        assert_eq!(merged.clone().of_daemon().privileged_containers, ["agent"]);
        assert_eq!(Record { daemon: None, ..merged.clone() }, held);
        let later = Record::merged(Some(merged.clone()), record(r#","outcome":"already_remediated""#), false);
        assert_eq!(later.daemon, merged.daemon);
        // One that could not be looked at was told as another failure, and is no alert of its privilege.
        let failed = record(r#","outcome":"failed","failedAction":"ecs:DescribeDaemonTaskDefinition""#);
        assert_eq!(Record::merged(Some(merged.clone()), failed, false), merged);
    }

    #[test]
    fn what_is_said_of_a_daemon_is_of_its_alert_alone() {
        let daemon = r#","daemon":{"alertedAt":"2026-11-23T08:00:00Z","privilegedContainers":["old"]}"#;
        let of_daemon = record(&format!("{OF_DAEMON}{daemon}"));
        assert_eq!(of_daemon.clone().of_daemon(), of_daemon);
        let failed = r#","outcome":"failed","failedAction":"ecs:RegisterTaskDefinition""#;
        let of_daemon = record(&format!("{failed}{daemon}")).of_daemon();
        assert_eq!((of_daemon.outcome.as_str(), of_daemon.failed_action), ("alerted", None));
    }

    #[test]
    fn news_of_an_ordinary_revision_takes_nothing_from_that_of_a_daemon_task_definition() {
        let news = record(r#","outcome":"exempt","privilegedContainers":["app"]"#);
        for yields in [false, true] {
            let merged = Record::merged(Some(record(OF_DAEMON)), news.clone(), yields);
            assert_eq!(Record { daemon: None, ..merged.clone() }, news);
            let of_daemon = merged.of_daemon();
            assert!(of_daemon.has_alerted("alerted", Some("daemon_task_definition"), None), "{of_daemon:?}");
        }
    }

    #[test]
    fn a_record_of_an_earlier_version_may_say_both_and_what_was_made_of_the_ordinary_one_stays() {
        let held = record(&format!(r#"{OF_DAEMON},"copy":"web:13","backupSha256":"aa""#)).of_ordinary();
        assert_eq!((held.copy.as_deref(), held.backup_sha256.as_deref()), (Some("web:13"), Some("aa")));
        assert_eq!((held.event_id, held.alerted_at, held.outcome.as_str()), (None, None, ""));
    }

    #[test]
    fn an_alert_of_the_same_fact_is_remembered() {
        let held = record(r#","outcome":"remediated","alertedAt":"2026-11-24T08:00:00Z""#);
        let merged = Record::merged(Some(held.clone()), record(r#","outcome":"already_remediated""#), false);
        assert_eq!(merged.alerted_at, held.alerted_at);
        assert!(merged.has_alerted("remediated", None, None));
    }

    #[test]
    fn a_copy_stands_until_we_or_backout_withdraw_it() {
        let copy = r#","copy":"web:13","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z""#;
        for (rest, stands) in [
            ("}]", true),
            (r#","withdrawn":"2026-11-24T08:00:01Z","why":"exempt"}]"#, false),
            (r#","why":"race"}]"#, false),
            (r#"}],"backedOut":{"at":"2026-11-24T09:00:00Z"}"#, false),
            (r#"}],"backedOut":{"at":"2026-11-24T07:00:00Z"}"#, true),
            (r#"}],"backedOut":true"#, false),
        ] {
            assert_eq!(record(&format!("{copy}{rest}")).standing_copies().len(), usize::from(stands), "{rest}");
        }
    }

    #[test]
    fn a_withdrawal_is_added_to_the_copy_that_was_made() {
        let held = record(r#","copies":[{"revision":13,"at":"2026-11-24T08:00:00Z"}]"#);
        let news = record(
            r#","copies":[{"revision":13,"at":"2026-11-24T08:00:05Z","withdrawn":"2026-11-24T08:00:05Z","why":"race"}]"#,
        );
        for merged in
            [Record::merged(Some(held.clone()), news.clone(), false), Record::merged(Some(news), held.clone(), false)]
        {
            assert_eq!(merged.copies.len(), 1);
            assert_eq!(merged.copies[0].why.as_deref(), Some("race"));
        }
        // One that could not be withdrawn has its reason too; and the first to withdraw it knows why.
        let left = record(r#","copies":[{"revision":13,"at":"2026-11-24T08:00:05Z","why":"race"}]"#);
        let merged = Record::merged(Some(held), left, false);
        assert_eq!(merged.copies[0].why.as_deref(), Some("race"));
        let withdrawn = |why: &str| {
            let at = "2026-11-24T08:00:05Z";
            record(&format!(r#","copies":[{{"revision":13,"at":"{at}","withdrawn":"{at}","why":"{why}"}}]"#))
        };
        let merged = Record::merged(Some(withdrawn("race")), withdrawn("exempt"), false);
        assert_eq!(merged.copies[0].why.as_deref(), Some("race"));
    }
}
