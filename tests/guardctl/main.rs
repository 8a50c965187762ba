//! Runs the built `guardctl`. Each file of `sessions` is a session at a prompt: its commands are run again, in a directory
//! with the files of `files`, and must say the same. Those
//! that need an account have one over HTTP, with the built functions of a guard in it. `GOLDEN=write cargo test --features cli --test guardctl` writes them
//! anew, to be reviewed like code; a line with a new command is a new case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../it/account/mod.rs"]
mod account;
mod applied;
mod bad;
mod cloud;
mod documents;
mod guarded;
mod large;
#[path = "../it/paste.rs"]
mod paste;
mod pipe;
#[path = "../it/runtime_api.rs"]
mod runtime_api;
mod scanned;
mod sessions;
mod shell;
#[path = "../it/story.rs"]
mod story;
