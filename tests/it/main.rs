//! All tests over the wire, in one binary, in reading order.

mod account;
mod runtime_api;

mod architecture;
mod conformance;
mod guard;
