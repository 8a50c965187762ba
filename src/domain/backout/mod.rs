//! Backout: what a guard did to one original, undone, because a person says so. Everything here is pure: what was
//! asked ([`request`]), what is to be done about it ([`plan`]), and what people are told ([`alert`], [`answer`]).

pub mod alert;
pub mod answer;
pub mod plan;
pub mod request;

#[cfg(test)]
mod tests;
