//! The originals that have a copy in force: those that can go or have gone, and those that are kept, with the reason.

use serde::Serialize;

use super::look::{Kept, Original};
use crate::args::Format;
use crate::output::{Output, csv_row};
use crate::paint::cell;
use crate::table::table;
use crate::trouble::Trouble;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    dry_run: bool,
    originals: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    task_definition: String,
    copy: String,
    state: &'static str,
    why: Option<&'static str>,
}

/// For people, who are asked then.
pub(super) fn list(originals: &[Original], output: Output) -> Result<(), Trouble> {
    if originals.is_empty() || output.format != Format::Table {
        return Ok(());
    }
    let rows = originals.iter().map(|original| {
        let (state, kept) = original.state();
        let why = kept.map(Kept::in_words).unwrap_or_default();
        vec![original.id.to_string(), original.copy.to_string(), cell(state), why.to_owned()]
    });
    output.data(&table(&["ORIGINAL", "COPY", "STATE", "WHY"], rows, &[2], output.width()))
}

/// For programs, once it is known what came of each.
pub(super) fn show(originals: &[Original], dry_run: bool, output: Output) -> Result<(), Trouble> {
    let row = |original: &Original| {
        let (state, kept) = original.state();
        let (task_definition, copy) = (original.id.to_string(), original.copy.to_string());
        Row { task_definition, copy, state, why: kept.map(Kept::as_str) }
    };
    let originals: Vec<Row> = originals.iter().map(row).collect();
    match output.format {
        Format::Table => Ok(()),
        Format::Json => output.json(&Document { schema_version: 1, dry_run, originals }),
        Format::Csv => {
            let row = |it: &Row| csv_row(&[&it.task_definition, &it.copy, it.state, it.why.unwrap_or_default()]);
            let rows: String = originals.iter().map(row).collect();
            output.data(&(csv_row(&["taskDefinition", "copy", "state", "why"]) + &rows))
        }
    }
}
