//! One reader under libFuzzer: the one that `READER` names. What a reader promises, it checks itself, and panics.
#![no_main]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../it/readers.rs"]
mod readers;

use std::sync::LazyLock;

use readers::{READERS, Reader};

static CHOSEN: LazyLock<&Reader> = LazyLock::new(|| {
    let name = std::env::var("READER").unwrap_or_default();
    READERS.iter().find(|reader| reader.name == name).expect("READER names a folder of tests/bad")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = CHOSEN.answer(&String::from_utf8_lossy(bytes));
});
