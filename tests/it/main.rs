//! All tests over the wire, in one binary, in reading order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod account;
mod canaries;
mod figures;
mod mail;
mod oracle;
mod paste;
mod readers;
mod runtime_api;
mod story;
mod sweep;
mod sweep_scale;
mod sweep_turns;
mod world;

mod alerts;
mod architecture;
mod backout;
mod backout_alerts;
mod backout_memory;
mod backout_trouble;
mod bad_inputs;
mod big_inputs;
mod binary;
mod conformance;
mod digests;
mod documents;
mod enforce;
mod enforce_binary;
mod enforce_sweep;
mod events;
mod evidence;
mod faults;
mod flood;
mod guard;
mod hostile;
mod iam;
mod lost;
mod move_alerts;
mod patience;
mod prevention;
mod prove;
mod random_inputs;
mod schedules;
mod served;
mod soak;
