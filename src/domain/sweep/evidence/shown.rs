//! `latest.json` as somebody reads it who was not there: what a sweep has shown of its account. Members that are not known
//! are passed over, and a document of another version is an error, never an empty account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::super::json::{self, Malformed};
use super::document::SCHEMA_VERSION;

/// Why it cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not the documented JSON.
    #[error("it is not the JSON of a report (look at line {}, column {})", .0.line, .0.column)]
    Malformed(Malformed),
    /// Written by a later version of this product.
    #[error("its schemaVersion is {0}, and this version knows {SCHEMA_VERSION}")]
    UnknownSchema(u32),
}

/// What is shown of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    schema_version: u32,
    /// The mode.
    pub mode: String,
    /// When the sweep ended.
    pub at: Timestamp,
    /// Whether every ACTIVE revision had been looked at by then.
    pub complete: bool,
    /// What could not be read, in words.
    pub unseen: Vec<String>,
    /// Revisions that no event told of.
    pub missed_by_event: Vec<String>,
    /// The totals.
    pub totals: TotalsShown,
    /// Each family with a privileged revision that is ACTIVE or runs.
    pub families: Vec<FamilyShown>,
    /// Each exemption that is stored.
    pub exemptions: Vec<ExemptionShown>,
    /// The globs of the families that are exempt for good.
    pub exempt_families: Vec<String>,
}

/// The totals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalsShown {
    /// Families that have an ACTIVE revision.
    pub families: usize,
    /// ACTIVE revisions.
    pub revisions: usize,
    /// Those of them that were looked at.
    pub revisions_looked_at: usize,
    /// Families by their state.
    pub by_state: BTreeMap<String, usize>,
    /// Families whose latest ACTIVE revision is privileged.
    pub newest_privileged: usize,
    /// Families of which something privileged runs.
    pub running_privileged: usize,
    /// Families with a privileged revision that can be started by its number.
    pub callable_privileged: usize,
    /// Services on a privileged revision.
    pub services_on_privileged: usize,
}

/// A family with a privileged revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyShown {
    /// Its name.
    pub family: String,
    /// How it stands.
    pub state: String,
    /// What the last look at its newest privileged revision came to.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// Its latest ACTIVE revision.
    pub latest: Option<String>,
    /// Whether that one is without privilege.
    pub newest_clean: Option<bool>,
    /// What runs a privileged revision.
    pub running: Vec<RunShown>,
    /// Its privileged revisions that are ACTIVE.
    pub callable: Vec<String>,
    /// The privileged containers of the newest privileged revision.
    pub containers: Vec<String>,
    /// The copy that is in force.
    pub copy: Option<String>,
}

/// Tasks or a service on a privileged revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunShown {
    /// The revision.
    pub task_definition: String,
    /// The cluster.
    pub cluster: String,
    /// `service`, or something else.
    pub kind: String,
    /// The service, or who started the tasks.
    pub starter: String,
    /// How many tasks.
    pub tasks: u32,
}

/// A stored exemption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExemptionShown {
    /// The family.
    pub family: String,
    /// How it stood.
    pub state: String,
    /// The containers that it names.
    pub containers: Vec<String>,
    /// Why, by the word of whoever wrote it.
    pub reason: String,
    /// Who approved it, by the same word.
    pub approved_by: String,
    /// When it ends; none where it cannot be understood.
    pub expires_at: Option<Timestamp>,
}

impl Shown {
    /// Reads a report.
    ///
    /// # Errors
    /// When it is none, or of a schema that this version does not know.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = json::object(text).map_err(Unreadable::Malformed)?;
        match schema_version == SCHEMA_VERSION {
            true => json::object(text).map_err(Unreadable::Malformed),
            false => Err(Unreadable::UnknownSchema(schema_version)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::arn::Home;
    use super::super::super::super::outcome::{Outcome, Reason};
    use super::super::{Evidence, ExemptionRow, FamilyRow, Look, Looker, RunRow, json};
    use super::*;

    fn evidence() -> Evidence {
        let at = "2026-11-24T08:00:00Z".parse().unwrap();
        let revision = |id: &str| id.parse().unwrap();
        let missed_by_event = vec![("web".parse().unwrap(), revision("12"))];
        Evidence {
            looker: Looker::Sweep { first_run: at, missed_by_event },
            home: Home::new("eu-west-1", "111122223333").unwrap(),
            mode: "alert",
            at,
            is_complete: true,
            unseen: vec!["services of cluster prod".into()],
            families_total: 2,
            families_not_looked_at: 0,
            revisions_total: 3,
            revisions_looked_at: 3,
            families: vec![FamilyRow {
                family: "web".parse().unwrap(),
                latest: Some(revision("12")),
                is_newest_clean: false,
                running: vec![RunRow {
                    revision: revision("12"),
                    cluster: "prod".into(),
                    starter: "web".into(),
                    is_service: true,
                    tasks: 2,
                    moved: None,
                }],
                callable: vec![revision("12")],
                containers: vec!["app".into()],
                residual: Vec::new(),
                look: Look::CameTo(Outcome::Alerted, Some(Reason::AlertMode)),
                existed_before: false,
                copy: None,
            }],
            exemptions: vec![ExemptionRow {
                family: "agent".parse().unwrap(),
                containers: vec!["agent".into()],
                reason: "devices".into(),
                approved_by: "jane".into(),
                ends: Some(at),
                holds: false,
            }],
            exempt_families: vec!["datadog-*".into()],
        }
    }

    #[test]
    fn what_was_written_is_read_members_of_the_future_aside() {
        let text = json(&evidence());
        let shown = Shown::read(&text).unwrap();
        assert_eq!((shown.mode.as_str(), shown.complete, shown.unseen.len()), ("alert", true, 1));
        assert_eq!((shown.totals.families, shown.totals.services_on_privileged), (2, 1));
        let web = &shown.families[0];
        assert_eq!((web.state.as_str(), web.running[0].tasks, web.newest_clean), ("reported_only", 2, Some(false)));
        assert_eq!(shown.exemptions[0].state, "expired");
        assert_eq!(shown.missed_by_event, ["web:12"]);
        assert_eq!(Shown::read(&text.replacen('{', r#"{"moon":{"a":1},"#, 1)), Ok(shown));
    }

    #[test]
    fn what_is_no_report_is_an_error_and_never_an_empty_account() {
        let other = json(&evidence()).replace("\"schemaVersion\": 1", "\"schemaVersion\": 2");
        assert_eq!(Shown::read(&other), Err(Unreadable::UnknownSchema(2)));
        for text in ["", "[]", "{}", r#"{"schemaVersion":1}"#] {
            assert!(matches!(Shown::read(text), Err(Unreadable::Malformed(_))), "{text}");
        }
    }
}
