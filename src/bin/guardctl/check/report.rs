//! What was found, for people, programs and spreadsheets. Names in it were written by others: they pass the escaper of
//! each.

use std::error::Error;
use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::words::number;
use serde::Serialize;

use super::finding::{Finding, Rule};
use super::position::Position;
use crate::args::Format;
use crate::exit::Exit;
use crate::output::{csv_row, json};
use crate::trouble::{Trouble, causes};
use crate::when::counted;

/// What a run found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Located>,
    pub(super) unread: Vec<Unread>,
    pub(super) files: usize,
    pub(super) definitions: usize,
}

/// A finding, and where it is.
pub(super) struct Located {
    pub(super) file: String,
    pub(super) position: Position,
    pub(super) finding: Finding,
}

/// A file that should have been looked at, and was not.
pub(super) struct Unread {
    file: String,
    position: Option<Position>,
    causes: Vec<String>,
    hint: Option<&'static str>,
}

impl Unread {
    /// Why, and where in it.
    pub(super) fn of(file: &str, position: Option<Position>, error: &dyn Error, hint: Option<&'static str>) -> Self {
        Self { file: file.to_owned(), position, causes: causes(error), hint }
    }

    /// For people.
    pub(super) fn trouble(&self) -> Trouble {
        let place = self.position.map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
        let trouble = Trouble::new(Exit::Failed, format!("{}{place} could not be checked", self.file));
        let trouble = self.causes.iter().map(String::as_str).fold(trouble, Trouble::cause);
        match self.hint {
            Some(hint) => trouble.hint(hint),
            None => trouble,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    findings: Vec<Row<'a>>,
    unread: Vec<UnreadRow<'a>>,
    files: usize,
    definitions: usize,
}

/// A finding as data. The file is as it is called, so that it can be opened: what would steer a terminal is escaped as the
/// whole is written.
#[derive(Serialize)]
struct Row<'a> {
    rule: &'static str,
    file: &'a str,
    line: usize,
    column: usize,
    path: String,
    definition: Option<String>,
    family: Option<String>,
    container: Option<String>,
    message: String,
}

#[derive(Serialize)]
struct UnreadRow<'a> {
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

impl Report {
    /// How many findings are of a kind.
    pub(super) fn count(&self, rule: Rule) -> usize {
        self.findings.iter().filter(|located| located.finding.rule == rule).count()
    }

    /// For stdout.
    pub(super) fn data(&self, format: Format) -> String {
        match format {
            Format::Table => self.lines(),
            Format::Json => self.json(),
            Format::Csv => self.csv(),
        }
    }

    /// A line a finding, as compilers write them, and under it the member.
    fn lines(&self) -> String {
        let mut text = String::new();
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        for Located { file, position, finding } in &self.findings {
            let style = match finding.rule {
                Rule::Privileged => AnsiColor::Red.on_default().bold(),
                Rule::Unknown => AnsiColor::Yellow.on_default().bold(),
                Rule::Exempt => AnsiColor::Green.on_default(),
                Rule::Residual => AnsiColor::Cyan.on_default(),
            };
            let (file, rule) = (escape::line(file), finding.rule.as_str());
            let (line, column) = (position.line, position.column);
            let (path, message) = (escape::line(&finding.path), escape::line(&finding.message));
            let _ = writeln!(text, "{bold}{file}:{line}:{column}:{bold:#} {style}{rule}:{style:#} {message}");
            let _ = writeln!(text, "  {dim}{path}{dim:#}");
        }
        text
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.findings.iter().map(|Located { file, position, finding }| Row {
            rule: finding.rule.as_str(),
            file,
            line: position.line,
            column: position.column,
            path: escape::line(&finding.path),
            definition: finding.of.id.as_deref().map(escape::line),
            family: finding.of.family.as_deref().map(escape::line),
            container: finding.container.as_deref().map(escape::line),
            message: escape::line(&finding.message),
        })
    }

    fn json(&self) -> String {
        let unread = self.unread.iter().map(|unread| UnreadRow {
            file: &unread.file,
            line: unread.position.map(|at| at.line),
            column: unread.position.map(|at| at.column),
            message: unread.causes.join(": "),
        });
        let document = Document {
            schema_version: 1,
            findings: self.rows().collect(),
            unread: unread.collect(),
            files: self.files,
            definitions: self.definitions,
        };
        json(&document)
    }

    fn csv(&self) -> String {
        let header = ["rule", "file", "line", "column", "path", "definition", "family", "container", "message"];
        let mut text = csv_row(&header);
        for row in self.rows() {
            let (line, column) = (row.line.to_string(), row.column.to_string());
            let [definition, family, container] =
                [row.definition, row.family, row.container].map(Option::unwrap_or_default);
            let names = [row.path, definition, family, container, row.message];
            let names = names.iter().map(String::as_str);
            text += &csv_row(&[row.rule, row.file, &line, &column].into_iter().chain(names).collect::<Vec<_>>());
        }
        text
    }

    /// For people, on stderr.
    pub(super) fn summary(&self, is_strict: bool) -> String {
        let definitions = counted(self.definitions, "task definition", "task definitions");
        let files = counted(self.files, "file", "files");
        let mut text = format!("{definitions} in {files}: {} privileged", number(self.count(Rule::Privileged)));
        for rule in [Rule::Exempt, Rule::Unknown] {
            if self.count(rule) > 0 {
                let _ = write!(text, ", {} {}", number(self.count(rule)), rule.as_str());
            }
        }
        if !self.unread.is_empty() {
            let _ = write!(text, "; {} could not be checked", counted(self.unread.len(), "file", "files"));
        }
        text.push('.');
        if self.count(Rule::Unknown) > 0 && !is_strict {
            text.push_str(" What is unknown fails the check with --strict only.");
        }
        text
    }
}
