//! The import rules that `src/lib.rs` states: what a folder never names.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files below a folder of `src`, or the one file.
fn sources(place: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place);
    if path.is_file() {
        return vec![path];
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&path).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(path.to_str().unwrap())),
            false => files.push(path),
        }
    }
    files
}

/// The lines of code that hold one of the words. Comments may speak of anything.
fn offences(places: &[&str], words: &[&str]) -> Vec<String> {
    let mut offences = Vec::new();
    for file in places.iter().flat_map(|place| sources(place)) {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                offences.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    offences
}

#[track_caller]
fn never(places: &[&str], words: &[&str]) {
    assert_eq!(offences(places, words), Vec::<String>::new());
}

#[test]
fn the_domain_decides_and_does_not_reach_out() {
    never(
        &["domain"],
        &[
            "aws_sdk",
            "aws_smithy",
            "aws_config",
            "aws_credential",
            "tokio",
            "lambda_runtime",
            // The crate: the kernel has a folder of that name.
            "tracing::",
            "std::env",
            "SystemTime",
            "Timestamp::now",
            "std::fs",
            "std::net",
            "crate::aws",
            "crate::reconcile",
            "crate::config",
            "crate::lambda",
            "crate::telemetry",
            "async ",
            "rand",
        ],
    );
}

#[test]
fn only_the_aws_folder_names_the_sdk() {
    never(
        &["domain", "reconcile", "config.rs", "lambda", "telemetry.rs", "bin"],
        &["aws_sdk", "aws_smithy", "aws_config", "aws_credential"],
    );
}

#[test]
fn the_aws_folder_knows_neither_settings_nor_the_reconciler() {
    never(&["aws"], &["crate::reconcile", "crate::config", "crate::lambda", "std::env"]);
}

#[test]
fn the_reconciler_reads_no_environment() {
    never(&["reconcile"], &["std::env", "crate::config", "crate::lambda", "lambda_runtime"]);
}

#[test]
fn an_offence_would_be_found() {
    assert!(!offences(&["aws"], &["aws_sdk_ecs"]).is_empty());
    assert!(!offences(&["domain/plan.rs"], &["fn decide"]).is_empty());
}
