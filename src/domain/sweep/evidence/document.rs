//! `latest.json`: the evidence for programs, described by `evidence.schema.json` beside this file. It is complete, where
//! the page cuts. A family, an exemption and a revision have a line each, so that two days can be compared by `diff`.

use serde_json::{Value, json};

use super::super::super::arn::{Family, Revision};
use super::super::super::escape::unicode;
use super::super::super::moves::State as MoveState;
use super::super::super::outcome::Reason;
use super::standing::Totals;
use super::{Evidence, ExemptionRow, FamilyRow, RunRow};

/// The version of the document. A reader accepts members that it does not know, and no other version.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// The evidence as JSON. Text that somebody wrote has its invisible characters spelled
/// out, and is cut where it is longer than a few lines.
#[must_use]
pub fn json(evidence: &Evidence) -> String {
    let members = [
        ("schemaVersion", json!(SCHEMA_VERSION).to_string()),
        ("account", json!(evidence.home.account()).to_string()),
        ("region", json!(evidence.home.region()).to_string()),
        ("mode", json!(evidence.mode).to_string()),
        ("at", json!(evidence.at).to_string()),
        ("firstRun", json!(evidence.first_run()).to_string()),
        ("complete", json!(evidence.is_complete).to_string()),
        ("unseen", lines(evidence.unseen.iter().map(|words| json!(unicode(words))))),
        ("missedByEvent", lines(evidence.missed_by_event().iter().map(|(family, it)| id(family, *it)))),
        ("totals", totals(evidence).to_string()),
        ("families", lines(evidence.families.iter().map(family))),
        ("exemptions", lines(evidence.exemptions.iter().map(|row| exemption(row, evidence)))),
        ("exemptFamilies", json!(all(&evidence.exempt_families)).to_string()),
    ];
    let members = members.map(|(name, value)| format!("\"{name}\": {value}"));
    format!("{{\n{}\n}}\n", members.join(",\n"))
}

/// Rendered one by one: a tree of 20,000 families would take more memory than their text.
fn lines(values: impl Iterator<Item = Value>) -> String {
    let lines: Vec<String> = values.map(|value| value.to_string()).collect();
    match lines.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n{}\n]", lines.join(",\n")),
    }
}

/// The totals, as every document for programs names them.
pub(in super::super) fn totals(evidence: &Evidence) -> Value {
    let totals = Totals::of(evidence);
    let by_state: serde_json::Map<String, Value> =
        totals.by_state.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect();
    json!({
        "families": evidence.families_total,
        "revisions": evidence.revisions_total,
        "revisionsLookedAt": evidence.revisions_looked_at,
        "byState": by_state,
        "newestPrivileged": totals.newest_privileged,
        "runningPrivileged": totals.running,
        "callablePrivileged": totals.callable,
        "servicesOnPrivileged": totals.services,
    })
}

fn family(row: &FamilyRow) -> Value {
    let name = &row.family;
    let came_to = row.look.came_to();
    json!({
        "family": name.as_str(),
        "state": row.state().as_str(),
        "outcome": came_to.map(|(outcome, _)| outcome.as_str()),
        "reason": came_to.and_then(|(_, reason)| reason).map(Reason::as_str),
        "latest": row.latest.map(|it| id(name, it)),
        "newestClean": row.latest.map(|_| row.is_newest_clean),
        "running": row.running.iter().map(|it| run(name, it)).collect::<Vec<_>>(),
        "callable": row.callable.iter().map(|it| id(name, *it)).collect::<Vec<_>>(),
        "containers": all(&row.containers),
        "existedBefore": row.existed_before,
        "copy": row.copy.map(|it| id(name, it)),
        "residualAccess": all(&row.residual),
    })
}

fn run(family: &Family, run: &RunRow) -> Value {
    json!({
        "taskDefinition": id(family, run.revision),
        "cluster": unicode(&run.cluster),
        "kind": if run.is_service { "service" } else { "other" },
        "starter": unicode(&run.starter),
        "tasks": run.tasks,
        "move": run.moved.map(MoveState::as_str),
    })
}

fn exemption(row: &ExemptionRow, evidence: &Evidence) -> Value {
    json!({
        "family": row.family.as_str(),
        "state": row.state(evidence.at).as_str(),
        "containers": all(&row.containers),
        "reason": unicode(&row.reason),
        "approvedBy": unicode(&row.approved_by),
        "expiresAt": row.ends,
    })
}

fn id(family: &Family, revision: Revision) -> Value {
    json!(family.revision(revision).to_string())
}

fn all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| unicode(text)).collect()
}
