//! Backout: what a guard did to one original, undone, because a person says so. Everything here is pure: what was
//! asked ([`request`]), what is to be done about it ([`plan`], [`service`], [`refusal`]), what the record says of
//! it ([`note`]), and what people are told ([`alert`], [`answer`]).

pub mod alert;
mod allow;
pub mod answer;
pub mod note;
pub mod plan;
pub mod refusal;
pub mod request;
mod sentences;
pub mod service;

#[cfg(test)]
mod tests;
