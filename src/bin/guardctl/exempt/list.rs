//! Lists what is stored, and whether it holds.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::Family;
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::exemption::{Exemption, Found};
use ecs_privileged_guard::domain::sweep::evidence::ExemptionRow;
use jiff::Timestamp;
use serde::Serialize;

use super::{all, found};
use crate::args::Format;
use crate::exit::Exit;
use crate::output::{Output, csv_row};
use crate::paint::cell;
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
    let mut exemptions = Vec::new();
    for (family, object) in all(guard).await? {
        exemptions.extend(row(&family, &found(object.as_ref()), now));
    }
    let document = Document { schema_version: 1, exemptions };
    match output.format {
        Format::Table if document.exemptions.is_empty() => {}
        Format::Table => output.data(&text(&document, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document.exemptions))?,
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
        vec![row.family.clone(), cell(row.state), ends, row.containers.join(" "), why]
    });
    table(&["FAMILY", "STATE", "ENDS", "CONTAINERS", "WHY"], rows, &[1, 2], output.width())
}

/// One of them, whose object says no time yet, as it would be listed.
pub(super) fn csv_of(family: &Family, exemption: &Exemption, now: Timestamp) -> String {
    let written = Found::Object { text: exemption.to_json(), written_at: Some(now) };
    csv(row(family, &written, now).as_slice())
}

fn row(family: &Family, found: &Found, now: Timestamp) -> Option<Row> {
    ExemptionRow::of(family, found, now).map(|row| Row {
        state: row.state(now).as_str(),
        family: row.family.to_string(),
        containers: row.containers.iter().map(|name| escape::unicode(name)).collect(),
        expires_at: row.ends,
        approved_by: escape::unicode(&row.approved_by),
        reason: escape::unicode(&row.reason),
    })
}

fn csv(exemptions: &[Row]) -> String {
    let mut text = csv_row(&["family", "state", "expiresAt", "containers", "approvedBy", "reason"]);
    for row in exemptions {
        let ends = row.expires_at.map(|end| end.to_string()).unwrap_or_default();
        text += &csv_row(&[&row.family, row.state, &ends, &row.containers.join(" "), &row.approved_by, &row.reason]);
    }
    text
}
