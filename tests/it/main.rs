//! All tests over the wire, in one binary, in reading order.

mod documents;
