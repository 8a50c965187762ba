//! Takes `privileged: true` out of Amazon ECS task definitions: on each registration, by registering a copy without
//! it, proving the copy, and telling people how to undo that.
//!
//! # Tenets, in order
//! Lose nothing. Leak nothing. Never bring an old version back. Never be silent. Always undoable. Then fast. Then small.
//!
//! # The picture
//! ```text
//! RegisterTaskDefinition (CloudTrail -> EventBridge) -> guard -> observe -> plan -> apply -> report
//!                                                                (reads)   (pure)  (writes)  (SNS, record, log, metrics)
//! a service's deployment (EventBridge), in enforce -> guard -> look -> judge -> move or note -> report
//! EventBridge Scheduler, hourly -> sweep -> the same for every revision; told once, then recorded
//! operator: aws lambda invoke -> backout -> observe -> plan -> apply -> report
//! ```
//! An event names *which* revision to look at, never *what to do*. What is done follows from what is: running the same
//! event twice, in parallel, out of order, or again after a crash ends in the same state.
//!
//! # Words
//! *original*: the privileged revision. *copy*: the revision with `privileged: false` and nothing else changed.
//! *next*: the first ACTIVE revision after the original, strays aside. *foreign*: a next that is not equal in meaning to
//! our copy. *superseded*: the original's next is foreign. *stray*: a revision of ours that a run which died has left.
//! *backup*: the original as registration input. *record*: what is known and was done about one original. *exemption*:
//! permission for named containers of a family to be privileged, with a reason and an end. *move*: pointing a service from
//! the original to the copy, in mode `enforce`.
//!
//! # The map, in reading order
//! - [`domain`] decides: events, documents, the plan, records, alerts. Pure.
//! - [`aws`] talks: the SDK's clients, as text in and out.
//! - [`reconcile`] joins them: observe, plan, apply, report; the same for services that are moved, for backout, and for the
//!   whole account in sweep.
//! - [`config`] reads the environment, [`telemetry`] writes the log, [`lambda`] is what the functions' binaries run.
//! - `src/bin/guardctl` is the operator's command line, behind the feature `cli`: it asks [`domain`], or a guard's own
//!   bucket and functions, and prints. Of [`reconcile`] it foresees and foretells, and runs it at a person's word.
//!
//! # Invariants of absence
//! - `domain` names no SDK, no runtime, no clock, no environment, no randomness. It cannot wait and cannot fail to reach.
//! - No SDK error or type leaves `aws`: they hold what was sent and received.
//! - A task definition is never a struct. What is not touched is sent byte for byte.
//! - No function but backout registers a privileged container, and none deregisters what our roles did not register.
//! - No second update is pushed into a deployment, unless that is our own, seconds old, and covers a newer word.
//! - No lock, no lease, no marker tag, no cache between invocations but connections.
//!
//! `tests/it/architecture.rs` holds the first two.

pub mod domain;

pub mod aws;
pub mod reconcile;

pub mod config;
pub mod lambda;
pub mod telemetry;
