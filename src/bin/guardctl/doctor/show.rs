//! How each part is, and below it what to do: a command is no use in a column that wraps it.

use std::fmt::Write as _;

use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::pipe::{Health, Row};
use serde::Serialize;

use crate::args::Format;
use crate::output::{Output, csv_row};
use crate::table::table;
use crate::trouble::Trouble;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    checks: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    check: &'static str,
    state: &'static str,
    says: String,
    todo: Option<String>,
}

/// For people, who may be asked then.
pub(super) fn list(rows: &[Row], output: Output) -> Result<(), Trouble> {
    if output.format != Format::Table {
        return Ok(());
    }
    let cells = rows
        .iter()
        .map(|row| vec![row.part.in_words().to_owned(), row.health.in_words().to_owned(), escape::line(&row.says)]);
    let mut text = table(&["CHECK", "STATE", "SEEN"], cells, &[0, 1], output.width());
    let mut todos: Vec<String> = Vec::new();
    for row in rows {
        let todo = row.todo.as_ref().map(|todo| format!("{}: {}", row.part.in_words(), escape::line(todo)));
        todos.extend(todo.filter(|todo| !todos.contains(todo)));
    }
    if !todos.is_empty() {
        text += "\nwhat to do:\n";
    }
    for todo in todos {
        let _ = writeln!(text, "- {todo}");
    }
    output.data(&text)
}

/// For programs, once all is known.
pub(super) fn show(rows: &[Row], output: Output) -> Result<(), Trouble> {
    let checks = rows.iter().map(|row| Shown {
        check: row.part.as_str(),
        state: row.health.as_str(),
        says: escape::line(&row.says),
        todo: row.todo.as_deref().map(escape::line),
    });
    match output.format {
        Format::Table => Ok(()),
        Format::Json => output.json(&Document { schema_version: 1, checks: checks.collect() }),
        Format::Csv => {
            let row = |it: Shown| csv_row(&[it.check, it.state, &it.says, it.todo.as_deref().unwrap_or_default()]);
            output.data(&checks.map(row).fold(csv_row(&["check", "state", "says", "todo"]), |text, row| text + &row))
        }
    }
}

/// In a sentence.
pub(super) fn sum(rows: &[Row]) -> String {
    let count = |health| rows.iter().filter(|row| row.health == health).count();
    let words: Vec<String> = [Health::Broken, Health::NotSeen, Health::Warning, Health::Ok]
        .into_iter()
        .filter(|health| count(*health) > 0)
        .map(|health| match (count(health), health) {
            (1, Health::Warning) => "1 warning".to_owned(),
            (count, Health::Warning) => format!("{count} warnings"),
            (count, health) => format!("{count} {}", health.in_words()),
        })
        .collect();
    format!("{}.", words.join(", "))
}
