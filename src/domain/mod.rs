//! Decides. Pure and synchronous: no SDK, no clock, no environment, no randomness.
//!
//! In reading order: what an event says ([`event`], [`provenance`], [`arn`]), what a task definition is ([`json`],
//! [`document`], [`daemon`], [`fidelity`]), what was seen and asked for ([`observation`], [`policy`], [`exemption`], [`record`],
//! [`backup`], [`keys`], [`failure`]), what is to be done ([`plan`]), and how it is told ([`outcome`], [`report`],
//! [`noise`], [`residual`], [`hints`], [`recurrence`], [`alert`], [`escape`], [`metrics`]). [`moves`] are what becomes of a
//! [`service`] in mode `enforce`, [`backout`] is the way back, [`sweep`] looks at the whole account; each has its own
//! alert. [`prevention`] is the policy that denies beforehand what is not exempt. [`pipe`] judges whether all of it is alive.
//! [`words`] are counts and lengths.

pub mod alert;
pub mod arn;
pub mod backout;
pub mod backup;
pub mod daemon;
pub mod document;
pub mod escape;
pub mod event;
pub mod exemption;
pub mod failure;
pub mod fidelity;
pub mod hints;
pub mod json;
pub mod keys;
pub mod members;
pub mod metrics;
pub mod moves;
pub mod noise;
mod object;
pub mod observation;
pub mod outcome;
pub mod pipe;
pub mod plan;
pub mod policy;
pub mod prevention;
pub mod provenance;
pub mod record;
pub mod recurrence;
pub mod report;
pub mod residual;
pub mod service;
pub mod sweep;
pub mod words;
