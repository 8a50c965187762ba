//! Looks at the whole account: what exists already, and what the event path missed. Each privileged revision goes
//! through the same reconciler as an event's; people are told once for all of them, and after that the records, the
//! evidence and the watermark are written. So a run that dies repeats what it told instead of losing it.

mod account;
mod evidence;
mod keep;
mod look;
mod moves;
mod tell;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::apply::TIME_TO_FINISH;
use super::moves::News;
use super::{Guard, RunError};
use crate::aws::Expect;
use crate::domain::arn::TaskDefinitionId;
use crate::domain::failure::CallFailure;
use crate::domain::keys;
use crate::domain::moves::Move;
use crate::domain::observation::Held;
use crate::domain::outcome::Outcome;
use crate::domain::record::Record;
use crate::domain::report::Failure;
use crate::domain::service::ServiceId;
use crate::domain::sweep::blind;
use crate::domain::sweep::digest::News as RevisionNews;
use crate::domain::sweep::watermark::Watermark;

use account::{Account, NoAccount};

/// What is left at the end to publish, to record, and to write the evidence and the watermark.
const TIME_TO_TELL: SignedDuration = SignedDuration::from_secs(30);
/// A look takes no longer, also the one that is begun last: a registration needs that much.
const LOOK_MAX: SignedDuration = TIME_TO_FINISH;
/// What was told must be recorded in the time that is left for it: one object for each look that has something to write.
const WRITES_MAX: usize = 400;
/// In mode `enforce` so many of them are kept for services, and the last part of the time for looks: a quarter, a sixth.
const WRITES_FOR_SERVICES: usize = WRITES_MAX / 4;
const SHARE_OF_SERVICES: i32 = 6;
/// Copies of what existed before the first run: a team has to be able to follow.
const COPIES_OF_EXISTING_MAX: usize = 25;
/// So many unfaithful copies are no accident: a member of the definition is new to ECS or to us.
const UNFAITHFUL_MAX: usize = 2;
/// So many calls that fail one after the other: there is no use in going on.
const FAILURES_MAX: usize = 20;

/// What a sweep answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// How many revisions were looked at in this run, by what it came to.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// Privileged revisions since the first run of which no event told.
    pub missed_by_event: usize,
    /// Whether everything has been looked at by now, and nothing waits for its turn.
    pub complete: bool,
}

/// How a sweep ended.
#[derive(Debug)]
pub struct Swept {
    /// What Lambda is answered.
    pub answer: Answer,
    /// The metrics of the contract.
    pub metrics: Vec<(&'static str, f64)>,
    /// What could not be seen or done, for the log.
    pub unseen: Vec<String>,
}

/// A run.
struct Sweep {
    /// The guard, with what the walk has seen.
    guard: Guard,
    account: Account,
    /// No look begins after that.
    stop_at: Timestamp,
    /// What is looked at now may take so much.
    part: Part,
    /// What is still to be told and recorded.
    kept: Vec<Kept>,
    unseen: Vec<Unseen>,
    /// What is remembered of services, as far as it was read.
    moves: BTreeMap<ServiceId, Move>,
    /// What people are to hear of services.
    moved: Vec<News>,
    /// What was described in this run; whether it is old enough for lists to show all that was registered beside it.
    described: BTreeMap<TaskDefinitionId, bool>,
    tally: Tally,
    /// Whether something that was to be looked at was not, or not to its end.
    is_cut: bool,
    /// Whether time or another bound ended it before everything was looked at.
    ran_out: bool,
}

/// A part of what a run may take.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// No look of it begins after that.
    until: Timestamp,
    /// Nor when so many objects are to be written, by this part and those before it.
    writes: usize,
}

/// Numbers of a run.
#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<&'static str, usize>,
    metrics: BTreeMap<&'static str, f64>,
    copies_of_existing: usize,
    unfaithful: usize,
    held_back: usize,
    left_for_the_next_run: usize,
    failures_in_a_row: usize,
    /// Objects that are to be written at the end.
    writes: usize,
    /// Services that were moved, and those that have their turn in the next run.
    moves: usize,
    services_left: usize,
}

/// The end of a look, to be told and recorded.
struct Kept {
    id: TaskDefinitionId,
    news: Option<RevisionNews>,
    record: Option<Recording>,
    /// Something that decides was not seen, so the next run looks again.
    is_open: bool,
}

/// What is to be added to a record.
struct Recording {
    news: Record,
    held: Option<Held>,
    is_news: bool,
}

impl Recording {
    /// Whether it says anything that is not in the record already.
    fn is_written(&self) -> bool {
        self.held.as_ref().is_none_or(|Held { record, .. }| {
            !record.says_the_same_as(&Record::merged(Some(record.clone()), self.news.clone(), false))
        })
    }
}

/// Something that could not be seen.
struct Unseen {
    words: String,
    /// A retry does not heal it, so somebody is to be told.
    lasts: bool,
}

impl Unseen {
    fn of(failure: &CallFailure) -> Self {
        // Without the request's id: it differs each time, and the same news is told once.
        let words = format!("{} on {}: {}", failure.action, failure.resource, failure.category());
        Self { words, lasts: !failure.is_transient() }
    }
}

impl Guard {
    /// One sweep over the account and Region.
    ///
    /// # Errors
    /// When what a retry can heal lasted longer than the run, or nobody could be told.
    pub async fn sweep(&self, deadline: Timestamp) -> Result<Swept, RunError> {
        let stop_at = deadline - TIME_TO_TELL - LOOK_MAX;
        let account = match Account::look(self, stop_at).await {
            Ok(account) => account,
            Err(NoAccount::Blind(failure)) => return self.tell_that_nothing_was_seen(&failure, deadline).await,
            Err(NoAccount::Later(error)) => return Err(error),
        };
        let mut guard = Self { usage: Some(account.usage.clone()), ..self.clone() };
        // Each look at a revision of a family lists the family's records.
        guard.aws.bucket = guard.aws.bucket.remembering();
        let unread = account.usage.unread.iter().map(Unseen::of);
        let late = (account.usage.clusters_left_out > 0).then(|| Unseen {
            words: "not every cluster could be looked at in the time of a run: what the others run is not known".into(),
            lasts: true,
        });
        let unwritten = account.mark.unwritten.iter().map(|words| Unseen { words: words.clone(), lasts: true });
        let unseen = unread.chain(late).chain(unwritten).collect();
        let (kept, described, tally) = (Vec::new(), BTreeMap::new(), Tally::default());
        let moves = BTreeMap::new();
        let part = Part { until: stop_at, writes: WRITES_MAX };
        let (is_cut, ran_out) = (false, false);
        let mut sweep = Sweep {
            guard,
            account,
            stop_at,
            part,
            kept,
            unseen,
            moves,
            moved: Vec::new(),
            described,
            tally,
            is_cut,
            ran_out,
        };
        sweep.look_around().await;
        sweep.look_at_services().await;
        sweep.tell(deadline).await
    }

    /// A retry does not help, so people are told, once: the watermark remembers it, if that can be read.
    async fn tell_that_nothing_was_seen(&self, failure: &Failure, deadline: Timestamp) -> Result<Swept, RunError> {
        let words = format!("{} {}", failure.reason().as_str(), failure.action().unwrap_or_default());
        let key = keys::watermark(&self.home);
        let held = self.aws.bucket.get(&key).await.ok().flatten();
        // One that cannot be used is left for a run that can say so.
        let usable = |text: &str| match Watermark::read(text, self.aws.clock.now()) {
            (mark, None) => Some(mark),
            (_, Some(_)) => None,
        };
        let mut mark = held.as_ref().and_then(|held| usable(&held.text));
        if !mark.as_ref().is_some_and(|mark| mark.told.unseen.contains(&words)) {
            self.publish(&blind::message(failure, &self.setting(), mark.is_some()), deadline).await?;
        }
        if let (Some(held), Some(mark)) = (held, &mut mark) {
            mark.told.unseen.insert(words);
            // Where it cannot be written, the next run tells it again.
            let _ = self.aws.bucket.put(&key, &mark.to_json(), &Expect::Etag(held.etag)).await;
        }
        let outcomes = BTreeMap::from([(Outcome::Failed.as_str(), 1)]);
        Ok(Swept {
            answer: Answer { outcomes, missed_by_event: 0, complete: false },
            metrics: vec![("Failed", 1.0), ("SweepCompleted", 0.0)],
            unseen: vec![failure.to_string()],
        })
    }
}
