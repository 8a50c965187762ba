//! Tells how a run ended: first the alert, then the record, so that a crash between the two repeats an alert instead
//! of losing it.

use jiff::{SignedDuration, Timestamp};

use super::observe::read_record;
use super::stop::{Patience, Stop};
use super::{Concluded, Guard, RunError};
use crate::aws::{Expect, Written};
use crate::domain::alert::{self, Message};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::keys;
use crate::domain::noise::{Due, due};
use crate::domain::observation::Held;
use crate::domain::outcome::{Alerting, Outcome};
use crate::domain::record::Record;
use crate::domain::report::{Failure, Report};

/// How often a record is merged anew because somebody else wrote it meanwhile.
const MERGES_MAX: usize = 8;

/// What is left for the answer once the record is written.
const TIME_TO_ANSWER: SignedDuration = SignedDuration::from_secs(1);

/// What was told and done before, by the records.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The original's own record.
    pub(super) own: Option<Held>,
    /// Other records of the family.
    pub(super) family: Vec<Record>,
}

/// What alerts say besides the facts.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// Where the operator's own instructions are.
    pub runbook_url: Option<String>,
    /// The function that the undo command invokes.
    pub backout_function: Option<String>,
    /// The bucket, for the place of backup and record.
    pub bucket: String,
    /// The name of the function that runs: the session under which it registers.
    pub function: Option<String>,
}

impl Guard {
    /// Publishes what is due, and writes the record.
    pub(super) async fn report(&self, report: Report, past: Past, deadline: Timestamp) -> Result<Concluded, RunError> {
        let now = self.aws.clock.now();
        let Past { own, family } = past;
        let Due { alert, told_at } = due(&report.fact(), own.as_ref().map(|held| &held.record), &family, now);
        if alert == Alerting::Sent {
            self.publish(&alert::message(&report, &self.setting()), deadline).await?;
        }
        let recorded = match report.leaves_a_record(alert) {
            true => {
                let write = async || self.record(&report, own.clone(), told_at, now).await;
                self.until_the_end(deadline).repeat(write).await
            }
            false => Ok(()),
        };
        match recorded {
            Ok(()) => Ok(Concluded::of(report.answer(alert), report)),
            Err(Stop::Transient(failure)) => Err(RunError::NotRecorded(failure.to_string())),
            Err(Stop::OutOfTime) => Err(RunError::OutOfTime),
            Err(Stop::Failed(failure)) => self.report_unrecorded(report, failure, alert, deadline).await,
        }
    }

    /// Publishes a message, and does not come back before SNS has it or there is no time left.
    pub(super) async fn publish(&self, message: &Message, deadline: Timestamp) -> Result<(), RunError> {
        let mut patience = self.until_the_end(deadline);
        loop {
            match self.aws.topic.publish(message).await {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_transient() => {
                    patience.wait(failure).await.map_err(RunError::NotPublished)?;
                }
                Err(failure) => return Err(RunError::NotPublished(failure)),
            }
        }
    }

    pub(super) fn until_the_end(&self, deadline: Timestamp) -> Patience<'_> {
        Patience::until(deadline - TIME_TO_ANSWER, &self.aws.clock)
    }

    pub(super) fn setting(&self) -> alert::Setting<'_> {
        alert::Setting {
            home: &self.home,
            mode: self.policy.mode.as_str(),
            bucket: &self.texts.bucket,
            runbook_url: self.texts.runbook_url.as_deref(),
            backout_function: self.texts.backout_function.as_deref(),
            roles: &self.policy.guard_roles,
            owner_tag_keys: &self.policy.owner_tag_keys,
        }
    }

    /// Writes the record: what somebody else wrote meanwhile is read and merged, never overwritten.
    async fn record(
        &self,
        report: &Report,
        mut held: Option<Held>,
        told_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Stop> {
        // Where the revision could not be looked at, a record that could not be read either passes for none.
        if report.finding.is_none() {
            held = read_record(self, &report.id).await?;
        }
        let is_news = told_at == Some(now) || !report.made.is_empty();
        self.merge_record(&report.id, held, &report.record(told_at, now), is_news).await.map(|_| ())
    }

    /// Adds to a record by compare-and-swap. `held` is what was read of it last. Where somebody else wrote meanwhile, what
    /// is no news leaves their outcome as it is: their look may have been the later one.
    pub(super) async fn merge_record(
        &self,
        id: &TaskDefinitionId,
        held: Option<Held>,
        news: &Record,
        is_news: bool,
    ) -> Result<(String, bool), Stop> {
        let change = |held, is_overtaken: bool| Record::merged(held, news.clone(), is_overtaken && !is_news);
        self.update_record(id, held, change).await
    }

    /// Changes a record by compare-and-swap. `held` is what was read of it last; where somebody else wrote meanwhile, the
    /// newest one is changed instead, and the change is told so. Answers the `ETag` under which it lies then, and
    /// whether somebody else wrote.
    pub(super) async fn update_record(
        &self,
        id: &TaskDefinitionId,
        mut held: Option<Held>,
        change: impl Fn(Option<Record>, bool) -> Record,
    ) -> Result<(String, bool), Stop> {
        let key = keys::record(&self.home, id);
        let mut is_overtaken = false;
        for _ in 0..MERGES_MAX {
            let merged = change(held.as_ref().map(|held| held.record.clone()), is_overtaken);
            let expect = match &held {
                Some(held) if held.record.says_the_same_as(&merged) => {
                    return Ok((held.etag.clone(), is_overtaken));
                }
                Some(held) => Expect::Etag(held.etag.clone()),
                None => Expect::Nothing,
            };
            let text = merged
                .to_json()
                .map_err(|error| Stop::Failed(Failure::RecordUnreadable { key: key.clone(), error }))?;
            match self.aws.bucket.put(&key, &text, &expect).await? {
                Written::Yes(etag) => return Ok((etag, is_overtaken)),
                Written::Changed => {
                    is_overtaken = true;
                    held = read_record(self, id).await?;
                }
            }
        }
        Err(Stop::Transient(self.aws.bucket.conflict(&key)))
    }

    /// The record cannot be written, and a retry does not help. Who must know has been told what was done; now they
    /// are told this, unless it is what they were told.
    async fn report_unrecorded(
        &self,
        report: Report,
        failure: Failure,
        alert: Alerting,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let report = match report.outcome {
            Outcome::Failed => report,
            Outcome::FailedRegistration
            | Outcome::Compliant
            | Outcome::Inactive
            | Outcome::Alerted
            | Outcome::Exempt
            | Outcome::AlreadyRemediated
            | Outcome::Superseded
            | Outcome::Remediated
            | Outcome::UnfaithfulCopyWithdrawn => {
                let reason = Some(failure.reason());
                let report = Report { outcome: Outcome::Failed, reason, failure: Some(failure), ..report };
                self.publish(&alert::message(&report, &self.setting()), deadline).await?;
                return Ok(Concluded::of(report.answer(Alerting::Sent), report));
            }
        };
        match alert {
            Alerting::Sent => Ok(Concluded::of(report.answer(alert), report)),
            Alerting::AlreadySent | Alerting::None => Err(RunError::NotRecorded(failure.to_string())),
        }
    }
}
