//! `guardctl history`: what the guard did and what people undid, newest first, by the records. A record is written anew
//! when something happens, so the newest ones are those that S3 wrote last, and only they are read.

use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::backout::note;
use ecs_privileged_guard::domain::record::Record;
use ecs_privileged_guard::domain::{escape, keys};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::args::{Format, HistoryArgs};
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::paint::cell;
use crate::read;
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;
use crate::when::seconds;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    entries: Vec<Entry>,
    records: usize,
    records_read: usize,
}

/// One thing that happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    at: Option<Timestamp>,
    task_definition: String,
    by: &'static str,
    outcome: String,
    reason: Option<String>,
    copy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_by: Option<String>,
    approved_by: Option<String>,
}

/// Shows it.
pub(crate) async fn run(args: &HistoryArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let all = keys::records(&guard.home);
    let prefix = args.family.as_ref().map_or_else(|| all.clone(), |family| keys::records_of(&guard.home, family));
    let listed = guard.aws.bucket.list(&prefix).await;
    let listed = listed.map_err(|failure| trouble("the records could not be listed", &failure))?;
    let found = listed.into_iter().filter_map(|object| Some((object.written_at, keys::id_below(&all, &object.key)?)));
    let mut found: Vec<(Option<Timestamp>, TaskDefinitionId)> = found.collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    let records = found.len();
    found.truncate(args.limit);
    let (mut entries, mut troubles) = (Vec::new(), Vec::new());
    for (_, id) in &found {
        match read::record(guard, id).await {
            Ok(Some(record)) => entries.extend(entries_of(id, &record)),
            // It was listed: somebody has deleted it since.
            Ok(None) => {}
            Err(trouble) if trouble.exit == Exit::Denied => return Err(trouble),
            Err(trouble) => troubles.push(trouble),
        }
    }
    // What says no time comes first: nobody may think that there is none.
    entries.sort_by(|a, b| b.at.unwrap_or(Timestamp::MAX).cmp(&a.at.unwrap_or(Timestamp::MAX)));
    let document = Document { schema_version: 1, entries, records, records_read: found.len() };
    match output.format {
        Format::Table => output.data(&text(&document, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document))?,
    }
    output.troubles(&troubles);
    if document.records == 0 {
        let of = args.family.as_ref().map(|family| format!(" of {family}")).unwrap_or_default();
        output.say(&format!("There is no record{of}: no privileged revision was looked at."));
    } else if document.records > document.records_read {
        let (read, records) = (document.records_read, document.records);
        output.say(&format!("The newest {read} of {records} records are shown; --limit shows more."));
    }
    Ok(if troubles.is_empty() { Exit::Fine } else { Exit::Failed })
}

/// What the guard did last, and what backout did.
fn entries_of(id: &TaskDefinitionId, record: &Record) -> Vec<Entry> {
    let shown = |text: &Option<String>| text.as_deref().map(escape::unicode);
    let made = record.copies.iter().map(|copy| copy.at).max();
    let guard = Entry {
        // The record's own time is backout's, where that wrote it last.
        at: record.alerted_at.or(made).or(record.at),
        task_definition: id.to_string(),
        by: if record.applied_by.is_some() { "apply" } else { "guard" },
        applied_by: shown(&record.applied_by),
        outcome: escape::unicode(&record.outcome),
        reason: shown(&record.reason),
        copy: shown(&record.copy),
        approved_by: None,
    };
    let says = |note: &Value, name: &str| note.get(name).and_then(Value::as_str).map(escape::unicode);
    let backout = record.backed_out.as_ref().map(|told| Entry {
        at: note::at(told),
        task_definition: id.to_string(),
        by: "backout",
        outcome: if note::is_finished(told) { "backed_out" } else { "backout_begun" }.to_owned(),
        reason: says(told, "reason"),
        copy: None,
        applied_by: None,
        approved_by: says(told, "approvedBy"),
    });
    backout.into_iter().chain([guard]).collect()
}

fn text(document: &Document, output: Output) -> String {
    if document.entries.is_empty() {
        return String::new();
    }
    let rows = document.entries.iter().map(|entry| {
        let at = entry.at.map(|at| seconds(at).to_string()).unwrap_or_default();
        let [reason, copy] = [&entry.reason, &entry.copy].map(|text| text.clone().unwrap_or_default());
        vec![at, entry.task_definition.clone(), cell(&entry.outcome), copy, reason]
    });
    table(&["AT", "REVISION", "WHAT", "COPY", "WHY"], rows, &[0, 2], output.width())
}

fn csv(document: &Document) -> String {
    let mut text = csv_row(&["at", "taskDefinition", "by", "outcome", "reason", "copy", "approvedBy", "appliedBy"]);
    for entry in &document.entries {
        let at = entry.at.map(|at| at.to_string()).unwrap_or_default();
        let [reason, copy, approved, applied] = [&entry.reason, &entry.copy, &entry.approved_by, &entry.applied_by]
            .map(|text| text.as_deref().unwrap_or_default());
        text += &csv_row(&[&at, &entry.task_definition, entry.by, &entry.outcome, reason, copy, approved, applied]);
    }
    text
}
