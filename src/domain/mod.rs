//! Decides. Pure and synchronous: no SDK, no clock, no environment, no randomness.

pub mod arn;
