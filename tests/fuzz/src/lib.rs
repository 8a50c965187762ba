//! The rules alone, under the product's name: they are pure, so they need nothing of the SDK.

#[path = "../../../src/config.rs"]
pub mod config;
#[path = "../../../src/domain/mod.rs"]
pub mod domain;
