//! Sweep: what exists already, and what the event path missed. Pure: [`evidence`] is what an auditor is shown.

pub mod digest;
pub mod evidence;
