//! Bad inputs, each a file under `tests/bad/{reader}/`, and what each must come to in `tests/bad/{reader}.txt`, so a change
//! of an error is reviewed like code. `GOLDEN=write cargo test --test it -- bad_inputs` writes those.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::alerts::writes_golden;
use super::figures::reached;
use super::readers::{CANARY, READERS};

/// As many as there must be.
const COUNT_MIN: usize = 600;
/// What the runtime refuses never reaches a function.
const NOT_UTF_8: &str = "not UTF-8: Lambda's runtime fails the invocation";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// The files of a folder, by name.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// What reaches a reader: the payload of an invocation as it is, and of an object in the bucket what `aws/s3.rs` makes of
/// it.
fn text(reader: &str, bytes: &[u8]) -> Option<String> {
    match (reader, std::str::from_utf8(bytes)) {
        (_, Ok(text)) => Some(text.to_owned()),
        ("event" | "request", Err(_)) => {
            assert!(serde_json::from_slice::<Box<RawValue>>(bytes).is_err());
            None
        }
        (_, Err(_)) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[test]
fn each_bad_input_comes_to_what_was_reviewed() {
    let mut count = 0;
    for reader in &READERS {
        let mut table = String::new();
        for (name, bytes) in files(&folder().join(reader.name)) {
            let said = match text(reader.name, &bytes).map(|text| reader.answer(&text)) {
                None => NOT_UTF_8.to_owned(),
                Some(Err(error)) => error,
                Some(Ok(taken)) => format!("taken: {taken}"),
            };
            assert!(!said.contains(CANARY), "{}/{name}: {said}", reader.name);
            table.extend([name.as_str(), "\n    ", &said, "\n"]);
            count += 1;
        }
        let file = folder().join(format!("{}.txt", reader.name));
        if writes_golden() {
            fs::write(&file, &table).unwrap();
        }
        let reviewed = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(table, reviewed, "{}: if this is meant, GOLDEN=write and review the difference", reader.name);
    }
    assert!(count >= COUNT_MIN, "{count} bad inputs");
    reached("bad inputs tried/files", count);
}

#[test]
fn no_folder_is_without_its_reader_and_no_input_is_there_twice() {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    let expected: Vec<&str> = READERS.iter().flat_map(|reader| [reader.name; 2]).collect();
    assert_eq!(names, expected, "a folder and a table for each reader");
    for reader in &READERS {
        let mut known = BTreeMap::new();
        for (name, bytes) in files(&folder().join(reader.name)) {
            assert_eq!(known.insert(bytes, name.clone()), None, "{}/{name} is the same as another", reader.name);
        }
    }
}
