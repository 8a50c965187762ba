//! The tests of `tests/it` that need no account.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "what the tests of `it` use, these do not all")]

#[path = "it/alert_words.rs"]
mod alert_words;
#[path = "it/alerts.rs"]
mod alerts;
#[path = "it/backout_alerts.rs"]
mod backout_alerts;
#[path = "it/bad_inputs.rs"]
mod bad_inputs;
#[path = "it/canaries"]
mod canaries {
    mod definition;
    mod needles;

    pub(crate) use definition::ORIGINAL;
    pub(crate) use needles::{canary, leaks};
}
#[path = "it/digests.rs"]
mod digests;
#[path = "it/documents.rs"]
mod documents;
#[path = "it/events.rs"]
mod events;
#[path = "it/evidence.rs"]
mod evidence;
#[path = "it/figures.rs"]
mod figures;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/mail.rs"]
mod mail;
#[path = "it/move_alerts.rs"]
mod move_alerts;
#[path = "it/prevention.rs"]
mod prevention;
#[path = "it/readers.rs"]
mod readers;
#[path = "it/reports.rs"]
mod reports;
