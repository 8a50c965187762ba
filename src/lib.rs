//! Takes `privileged: true` out of Amazon ECS task definitions.

pub mod domain;
