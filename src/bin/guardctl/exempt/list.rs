//! Lists what is stored, and whether it holds.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::sweep::evidence::ExemptionRow;
use ecs_privileged_guard::domain::{escape, keys};
use jiff::Timestamp;
use serde::Serialize;

use super::{found, read};
use crate::args::Format;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;
use crate::when::seconds;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    exemptions: Vec<Row>,
}

/// One of them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    family: String,
    state: &'static str,
    containers: Vec<String>,
    expires_at: Option<Timestamp>,
    approved_by: String,
    reason: String,
}

/// Shows them.
pub(crate) async fn run(guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let now = Clock::live().now();
    let prefix = keys::exemptions(&guard.home);
    let listed = guard.aws.bucket.list(&prefix).await;
    let listed = listed.map_err(|failure| trouble("the exemptions could not be listed", &failure))?;
    let mut exemptions = Vec::new();
    for family in listed.iter().filter_map(|object| keys::family_below(&prefix, &object.key)) {
        let object = read(guard, &family).await?;
        exemptions.extend(ExemptionRow::of(&family, &found(object.as_ref()), now).map(|row| Row {
            state: row.state(now).as_str(),
            family: row.family.to_string(),
            containers: row.containers.iter().map(|name| escape::unicode(name)).collect(),
            expires_at: row.ends,
            approved_by: escape::unicode(&row.approved_by),
            reason: escape::unicode(&row.reason),
        }));
    }
    let document = Document { schema_version: 1, exemptions };
    match output.format {
        Format::Table if document.exemptions.is_empty() => {}
        Format::Table => output.data(&text(&document, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document))?,
    }
    if document.exemptions.is_empty() {
        output.say("No family is exempt for a time. EXEMPT_FAMILIES may exempt some for good.");
    }
    Ok(Exit::Fine)
}

fn text(document: &Document, output: Output) -> String {
    let rows = document.exemptions.iter().map(|row| {
        let ends = row.expires_at.map(|end| seconds(end).to_string()).unwrap_or_default();
        let why = match row.reason.is_empty() {
            true => String::new(),
            false => format!("{} ({})", row.reason, row.approved_by),
        };
        vec![row.family.clone(), row.state.to_owned(), ends, row.containers.join(" "), why]
    });
    table(&["FAMILY", "STATE", "ENDS", "CONTAINERS", "WHY"], rows, &[1, 2], output.width())
}

fn csv(document: &Document) -> String {
    let mut text = csv_row(&["family", "state", "expiresAt", "containers", "approvedBy", "reason"]);
    for row in &document.exemptions {
        let ends = row.expires_at.map(|end| end.to_string()).unwrap_or_default();
        text += &csv_row(&[&row.family, row.state, &ends, &row.containers.join(" "), &row.approved_by, &row.reason]);
    }
    text
}
