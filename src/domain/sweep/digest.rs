//! One message a run, and only if something is new: what was found and changed, with an undo line for each change, what
//! could not be done and why, and what the sweep could not see. Golden files hold its text; it decides nothing.
//!
//! `kind` says what a revision belongs to, `verdict` all of it in short, `state` how the account stands; the sections
//! follow in their order, `part` makes them fit, and `machine` says it in JSON.

mod changed;
mod could_not;
mod ending;
mod kind;
mod machine;
mod part;
mod place;
mod services;
mod state;
mod statement;
mod unchanged;
mod unseen;
mod verdict;
mod worst;

use jiff::Timestamp;

use super::super::alert::{Message, SUBJECT_MAX, Setting, mail, words};
use super::super::arn::{Family, TaskDefinitionId};
use super::super::escape::subject;
use super::super::moves::report::MoveReport;
use super::super::outcome::{Outcome, Reason};
use super::evidence::Evidence;
use part::{Part, fit};

/// What a run tells.
#[derive(Debug)]
pub struct Digest<'a> {
    /// The state of the account, as the report has it.
    pub evidence: &'a Evidence,
    /// What is told now, and was not told before.
    pub news: &'a [News],
    /// What came of services, where people are to hear of it.
    pub moves: &'a [&'a MoveReport],
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
    /// Whether it is ours, and nobody was told of it before.
    pub copy_is_new: bool,
    /// Copies that were withdrawn in this run, each with why in words.
    pub withdrawn: Vec<(TaskDefinitionId, &'static str)>,
    /// Copies that this run registered, and could neither prove nor withdraw: they are ACTIVE.
    pub left: Vec<TaskDefinitionId>,
    /// Whether it was registered before the first run.
    pub existed_before: bool,
    /// What went wrong, for `failed`: safe to show.
    pub failure: Option<String>,
    /// The statement that a role lacks, as JSON.
    pub statement: Option<String>,
    /// How many tasks run it.
    pub tasks: u32,
}

/// What all protocols together may take; SNS takes 262,144 bytes of the whole call.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const BYTES_MAX: usize = 190_000;
/// The text goes to `default` and `email`, the document to four: see [`Message::by_protocol`].
const TEXTS: usize = 2;
const DOCUMENTS: usize = 4;

/// The message.
#[must_use]
pub fn message(digest: &Digest, setting: &Setting) -> Message {
    let title = verdict::title(digest, setting);
    let attributes = vec![
        ("outcome", "digest".to_owned()),
        ("severity", verdict::severity(digest).as_str().to_owned()),
        ("mode", setting.mode.to_owned()),
        ("family", "*".to_owned()),
        ("account", setting.home.account().to_owned()),
        ("region", setting.home.region().to_owned()),
    ];
    let text = text(digest, setting);
    // As it is inside of the message, with what must be escaped there.
    let of_texts = TEXTS * serde_json::Value::from(text.as_str()).to_string().len();
    let of_each_document = BYTES_MAX.saturating_sub(of_texts) / DOCUMENTS;
    let json = machine::document(digest, setting, &title, &attributes, of_each_document);
    Message { subject: subject(&title, SUBJECT_MAX), text, json, attributes }
}

fn text(digest: &Digest, setting: &Setting) -> String {
    let in_short = verdict::in_short(digest, setting);
    let parts = [
        Part { head: state::answers(digest.evidence).map(words).into(), ..Part::new("STATE") },
        changed::part(digest, setting),
        could_not::part(digest, setting),
        services::part(digest, setting),
        unchanged::part(digest),
        worst::part(digest.evidence),
        ending::part(digest, setting),
        unseen::part(digest),
        place::part(digest, setting),
    ];
    let sections = fit(&in_short, &parts);
    mail(in_short, &sections)
}
