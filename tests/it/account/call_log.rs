//! The log that outlives the tests: what IAM would have been asked about every call of a function in any test. Where
//! `CALLS_LOG` names a file, each question is added to it as a line of JSON, once a process.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::json;

use super::calls::Call;
use super::http::Request;
use super::permissions::questions;
use super::state::State;

struct Log {
    file: File,
    written: BTreeSet<String>,
}

static LOG: LazyLock<Option<Mutex<Log>>> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "this is a test's environment, not the product's")]
    let path = std::env::var("CALLS_LOG").ok()?;
    let file = OpenOptions::new().create(true).append(true).open(path).expect("CALLS_LOG can be written to");
    Some(Mutex::new(Log { file, written: BTreeSet::new() }))
});

/// Adds a call of a function. Others' calls are theirs; and where no mode is known, no function runs.
pub fn add(state: &State, call: &Call, request: &Request) {
    let (Some(log), Some(mode)) = (&*LOG, &state.mode) else { return };
    let role = call.principal.split('/').nth(1).unwrap_or_default();
    let Some(function) = role.strip_suffix("-role") else { return };
    let home = &state.home;
    for question in questions(state, call, request) {
        let line = json!({
            "function": function,
            "mode": mode,
            "partition": home.partition,
            "region": home.region,
            "account": home.account,
            "action": question.action,
            "resource": question.resource,
            "conditions": question.conditions,
        });
        let line = format!("{line}\n");
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.written.insert(line.clone()) {
            log.file.write_all(line.as_bytes()).expect("CALLS_LOG can be written to");
        }
    }
}
