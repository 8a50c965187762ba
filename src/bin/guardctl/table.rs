//! Rows as columns, for people. Every cell has passed the escaper; what `paint` gave a colour has it, and no width for it.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

use crate::paint::{coloured, is_mark};

/// A word up to this long stays whole in any column: no state and no reason is longer. Names of families may be.
const WORD_MAX: usize = 25;
/// Columns between two cells.
const GAP: u16 = 2;

/// Columns as wide as what stands in them. On a terminal that is too narrow cells are wrapped, but for those of the columns
/// that are `whole`: half a time is none.
pub(crate) fn table(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    whole: &[usize],
    width: Option<u16>,
) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let mut table = Table::new();
    table.load_style(NOTHING);
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    table.add_rows(&rows);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        let gap = if index == last { 0 } else { GAP };
        column.set_padding((0, gap));
        column.set_constraint(match whole.contains(&index) {
            true => ColumnConstraint::ContentWidth,
            false => ColumnConstraint::LowerBoundary(Width::Fixed(longest_word(header, &rows, index) + gap)),
        });
    }
    coloured(&table.trim_fmt()) + "\n"
}

/// How long the longest word of a column is, but for words that must be split somewhere.
fn longest_word(header: &[&str], rows: &[Vec<String>], index: usize) -> u16 {
    let cells = rows.iter().filter_map(|row| row.get(index)).map(String::as_str).chain(header.get(index).copied());
    let words = cells.flat_map(str::split_whitespace).map(|word| word.chars().filter(|c| !is_mark(*c)).count());
    words.filter(|length| *length <= WORD_MAX).max().and_then(|length| length.try_into().ok()).unwrap_or(1)
}

/// A sentence, its words whole, what does not fit below its beginning.
pub(crate) fn sentence(indent: &str, text: &str, width: Option<u16>) -> String {
    let width = width.map_or(usize::MAX, usize::from);
    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        let is_first = line.trim().is_empty();
        if !is_first && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(format!("{indent}  {word}"));
            continue;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join("\n") + "\n"
}
