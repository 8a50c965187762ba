//! Sweep: what exists already, and what the event path missed. Pure: `watermark` is what earlier runs have seen and told,
//! `span` and `foundation` what need not be looked at again, `turns` what is looked at next, `digest` what people are told
//! (`blind`, where nothing could be seen), `evidence` what an auditor is shown.

pub mod blind;
pub mod digest;
pub mod evidence;
pub mod foundation;
pub mod span;
mod standings;
pub mod turns;
pub mod watermark;
