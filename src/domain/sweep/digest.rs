//! One message a run, and only if something is new: what was found and changed, with an undo line for each change, what
//! could not be done and why, and what the sweep could not see.

use super::super::arn::{Family, TaskDefinitionId};
use super::super::outcome::{Outcome, Reason};
use super::evidence::Evidence;
use jiff::Timestamp;

/// What a run tells.
#[derive(Debug)]
pub struct Digest<'a> {
    /// The state of the account, as the report has it.
    pub evidence: &'a Evidence,
    /// What is told now, and was not told before.
    pub news: &'a [News],
    /// How much else was looked at and is not told again, since it was told within a day (or an hour).
    pub held_back: usize,
    /// Of the revisions that no event told of, those that no digest has named yet.
    pub missed_for_the_first_time: usize,
    /// Exemptions that end within seven days, or one day, and for which that was not said yet.
    pub ending: &'a [(Family, Timestamp)],
    /// Why the watermark was made anew, if it was.
    pub started_over: Option<&'a str>,
    /// Privileged revisions from before the first run that get copies in the next runs: no more than 25 a run.
    pub left_for_the_next_run: usize,
    /// Two copies proved unfaithful in this run, so it wrote nothing more.
    pub stopped_writing: bool,
    /// The key of the report in the bucket.
    pub report: &'a str,
}

/// What came of one revision.
#[derive(Debug, Clone)]
pub struct News {
    /// The revision.
    pub id: TaskDefinitionId,
    /// What it came to.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// The copy that is in force.
    pub copy: Option<TaskDefinitionId>,
    /// Copies that were withdrawn in this run, each with why in words.
    pub withdrawn: Vec<(TaskDefinitionId, &'static str)>,
    /// Whether it was registered before the first run.
    pub existed_before: bool,
    /// What went wrong, for `failed`: safe to show.
    pub failure: Option<String>,
    /// The statement that a role lacks, as JSON.
    pub statement: Option<String>,
    /// How many tasks run it.
    pub tasks: u32,
}

/// The message.
#[must_use]
pub fn message(digest: &Digest, setting: &super::super::alert::Setting) -> super::super::alert::Message {
    let attributes = vec![
        ("outcome", "digest".to_owned()),
        ("severity", "info".to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", "*".to_owned()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    super::super::alert::Message {
        subject: "digest".into(),
        text: format!(
            "{} privileged revisions missed, watermark {:?}\n{:?} {:?} {:?}",
            digest.evidence.missed_by_event.len(),
            digest.started_over,
            digest.evidence.unseen,
            digest.news,
            digest.ending
        ),
        json: serde_json::json!({"a": 1}),
        attributes,
    }
}
