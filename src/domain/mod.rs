//! Decides. Pure and synchronous: no SDK, no clock, no environment, no randomness.

pub mod arn;
pub mod document;
pub mod fidelity;
pub mod json;
pub mod members;
