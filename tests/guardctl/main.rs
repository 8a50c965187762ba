//! Runs the built `guardctl`. Each file of `sessions` is a session at a prompt: its commands are run again, in a directory
//! with the files of `files`, and must say the same. `GOLDEN=write cargo test --features cli --test guardctl` writes them
//! anew, to be reviewed like code; a line with a new command is a new case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bad;
mod documents;
mod large;
mod sessions;
mod shell;
