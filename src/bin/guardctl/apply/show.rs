//! What an apply came to: the outcome, the copy, where its backup is, and the command that undoes it.

use ecs_privileged_guard::domain::outcome::{Outcome, ServiceState};
use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::domain::{escape, keys};
use ecs_privileged_guard::reconcile::Concluded;
use serde::Serialize;

use crate::args::Format;
use crate::exit::Exit;
use crate::output::{Output, csv_row};
use crate::paint::word;
use crate::plan;
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;

/// What it came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    schema_version: u32,
    task_definition: String,
    mode: &'static str,
    applied_by: String,
    outcome: &'static str,
    reason: Option<&'static str>,
    copy: Option<String>,
    services: Vec<Service>,
    alert: &'static str,
    backup_key: Option<String>,
    backup_sha256: Option<String>,
    record_key: Option<String>,
    undo: Option<String>,
    #[serde(skip)]
    pub(super) exit: Exit,
}

/// A service that was looked at for a move.
#[derive(Serialize)]
struct Service {
    cluster: String,
    #[serde(rename = "service")]
    name: String,
    state: String,
}

impl Done {
    /// Nothing was to be done: the plan is this outcome.
    pub(super) fn nothing(shown: &plan::Document, outcome: Outcome, person: &str) -> Self {
        Self {
            schema_version: 1,
            task_definition: shown.task_definition.clone(),
            mode: shown.mode,
            applied_by: escape::unicode(person),
            outcome: shown.outcome,
            reason: shown.reason,
            copy: shown.copy.clone(),
            services: Vec::new(),
            alert: "none",
            backup_key: None,
            backup_sha256: None,
            record_key: None,
            undo: None,
            exit: exit_of(outcome),
        }
    }

    /// A run came to its end, and nothing failed.
    pub(super) fn of(concluded: &Concluded, mode: Mode, person: &str, guard: &Guard) -> Self {
        let said = &concluded.said;
        let report = concluded.report.as_deref();
        let outcome = report.map(|report| report.outcome);
        let copy = report.and_then(|report| report.copy.as_ref());
        let id = report.map(|report| &report.id);
        let backup_sha256 = report.and_then(|report| report.backup_sha256.clone());
        let service = |it: &ServiceState| Service {
            cluster: escape::unicode(&it.cluster),
            name: escape::unicode(&it.service),
            state: escape::unicode(&it.state),
        };
        let services: Vec<Service> = said.services().iter().map(service).collect();
        let exit = match (outcome.map_or(Exit::Failed, exit_of), services.iter().any(|it| it.state == "failed")) {
            (Exit::Fine, true) => Exit::Partly,
            (exit, _) => exit,
        };
        let undo = |id| guard.command(&format!("backout {id} --reason WHY --approved-by WHO"));
        Self {
            schema_version: 1,
            task_definition: said.task_definition().unwrap_or_default().to_owned(),
            mode: mode.as_str(),
            applied_by: escape::unicode(person),
            outcome: said.outcome(),
            reason: said.reason(),
            copy: copy.map(|copy| copy.id.to_string()),
            services,
            alert: said.alert().as_str(),
            backup_key: id.filter(|_| backup_sha256.is_some()).map(|id| keys::backup(&guard.home, id)),
            backup_sha256,
            record_key: id.map(|id| keys::record(&guard.home, id)),
            undo: id.filter(|_| copy.is_some_and(|copy| copy.is_ours)).map(undo),
            exit,
        }
    }
}

/// How the command ends: well, if nothing of it stays privileged that must not.
fn exit_of(outcome: Outcome) -> Exit {
    match outcome {
        Outcome::Remediated | Outcome::AlreadyRemediated => Exit::Fine,
        Outcome::Exempt | Outcome::Compliant | Outcome::Inactive => Exit::Fine,
        Outcome::Alerted | Outcome::Superseded | Outcome::UnfaithfulCopyWithdrawn => Exit::Failed,
        Outcome::Failed | Outcome::FailedRegistration => Exit::Failed,
    }
}

/// Shows it. For people the plan was shown before; where nothing was done it says all.
pub(super) fn show(done: &Done, guard: &Guard, output: Output) -> Result<(), Trouble> {
    match output.format {
        Format::Table if done.record_key.is_none() => Ok(()),
        Format::Table => output.data(&text(done, guard, output)),
        Format::Json => output.json(done),
        Format::Csv => {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let (copy, backup) = (text(&done.copy), text(&done.backup_key));
            let row = csv_row(&[
                done.outcome,
                done.reason.unwrap_or_default(),
                &done.task_definition,
                &copy,
                done.alert,
                &backup,
            ]);
            output.data(&(csv_row(&["outcome", "reason", "taskDefinition", "copy", "alert", "backupKey"]) + &row))
        }
    }
}

fn text(done: &Done, guard: &Guard, output: Output) -> String {
    let reason = done.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let address = |key: &Option<String>| key.as_deref().map(|key| guard.address(key));
    let alert = match done.alert {
        "sent" => "sent",
        "already_sent" => "sent before",
        _ => "none",
    };
    let service = |it: &Service| format!("{}/{} {}", it.cluster, it.name, it.state);
    let services: Vec<String> = done.services.iter().map(service).collect();
    let rows = [
        ("copy", done.copy.clone()),
        ("services", (!services.is_empty()).then(|| services.join(", "))),
        ("alert", Some(alert.to_owned())),
        ("backup", address(&done.backup_key)),
        ("record", address(&done.record_key)),
        ("undo", done.undo.clone()),
    ];
    let rows = rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), escape::line(&value?)]));
    let sentence = format!("\n{}: {}{reason}\n", done.task_definition, word(done.outcome));
    sentence + &table(&[], rows, &[0], output.width())
}
