//! What the tests reached, counted while they ran: `make test` ends with the table, and `tests/README.md` may not say more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Writes a figure down. What several tests reach together, each reaches under `figure/its part`.
pub(crate) fn reached(figure: &str, number: usize) {
    let figures = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("figures");
    let file = figures.join(format!("{figure}.txt"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, number.to_string()).unwrap();
}

/// Counts one more of a figure in a test that does not count itself.
pub(crate) fn one_more(figure: &'static str) {
    static COUNTS: Mutex<BTreeMap<&str, usize>> = Mutex::new(BTreeMap::new());
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(figure).or_default();
    *count += 1;
    reached(figure, *count);
}
