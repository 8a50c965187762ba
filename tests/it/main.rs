//! All tests over the wire, in one binary, in reading order.

mod account;
mod conformance;
mod runtime_api;
