//! What keeps a run from coming to its end: made from an edge's error, with the one question that decides what follows.
//! What a retry can heal is waited for here, as long as there is time.

use std::time::Duration;

use jiff::Timestamp;

use super::apply::TIME_TO_FINISH;
use crate::aws::{Clock, DescribeError, Ecs, PAUSES};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::document::Described;
use crate::domain::failure::{CallFailure, Cause, Transient};
use crate::domain::report::Failure;

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A retry can heal it: look again, later.
    Transient(CallFailure),
    /// A retry cannot heal it: somebody must be told.
    Failed(Failure),
    /// Too little time is left to begin a registration.
    OutOfTime,
}

impl From<CallFailure> for Stop {
    fn from(failure: CallFailure) -> Self {
        match failure.is_transient() {
            true => Self::Transient(failure),
            false => Self::Failed(Failure::Call(failure)),
        }
    }
}

impl From<DescribeError> for Stop {
    fn from(error: DescribeError) -> Self {
        match error {
            DescribeError::Call(failure) => failure.into(),
            DescribeError::Malformed { what, error } => Self::Failed(Failure::Malformed { what, error }),
        }
    }
}

/// After the growing waits, while ECS throttles. It grants the whole account one registration a second, so that a
/// pipeline that registers hundreds keeps others waiting for minutes, and Lambda tries no more than three times, all
/// within a few:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
const LONG_PAUSE_MIN: Duration = Duration::from_secs(8);
/// Who was throttled together must not come back together: up to so much longer.
const LONG_PAUSE_SPREAD_MS: u64 = 7_000;

/// How long what heals by itself is waited for.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    clock: &'a Clock,
    until: Timestamp,
    pauses: std::array::IntoIter<u64, 5>,
    outlasts_throttles: bool,
}

impl<'a> Patience<'a> {
    /// Waits that end before `until`.
    pub(super) fn until(until: Timestamp, clock: &'a Clock) -> Self {
        Self { clock, until, pauses: PAUSES.into_iter(), outlasts_throttles: false }
    }

    /// The same, and throttles are waited for as long as a registration could still follow. Not for whoever has others to
    /// look at meanwhile.
    pub(super) fn lasting(self) -> Self {
        Self { outlasts_throttles: true, ..self }
    }

    /// Waits before the next attempt; the failure comes back if there is none, or no time for it.
    pub(super) async fn wait(&mut self, failure: CallFailure) -> Result<(), CallFailure> {
        let is_throttled = failure.cause == Cause::Transient(Transient::Throttled);
        let (pause, until) = match self.pauses.next() {
            Some(pause) => (Duration::from_secs(pause), self.until),
            None if self.outlasts_throttles && is_throttled => {
                (long_pause(self.clock.now()), self.until - TIME_TO_FINISH)
            }
            None => return Err(failure),
        };
        match self.clock.pause(pause, until).await {
            true => Ok(()),
            false => Err(failure),
        }
    }

    /// Repeats what a retry can heal. What comes back as `Transient` lasted longer than there was time.
    pub(super) async fn repeat<T>(mut self, attempt: impl AsyncFnMut() -> Result<T, Stop>) -> Result<T, Stop> {
        self.go_on(attempt).await
    }

    /// The same for one step of several, which share the patience.
    pub(super) async fn go_on<T>(&mut self, mut attempt: impl AsyncFnMut() -> Result<T, Stop>) -> Result<T, Stop> {
        loop {
            match attempt().await {
                Err(Stop::Transient(failure)) => self.wait(failure).await.map_err(Stop::Transient)?,
                ended => return ended,
            }
        }
    }
}

/// Between the shortest and the longest, by the last digits of the time, which hardly two runs share.
fn long_pause(now: Timestamp) -> Duration {
    let digits = u64::from(now.subsec_nanosecond().unsigned_abs());
    LONG_PAUSE_MIN + Duration::from_millis(digits % LONG_PAUSE_SPREAD_MS)
}

/// A revision as ECS describes it, for whoever looks at thousands: each has a patience of its own, so that a run is not
/// incomplete for one call that came when others were in a hurry. Waits end before `until`.
///
/// # Errors
/// When it cannot be described, or what a retry can heal lasted longer.
pub async fn describe_patiently(
    ecs: &Ecs,
    id: &TaskDefinitionId,
    until: Timestamp,
    clock: &Clock,
) -> Result<Option<Described>, DescribeError> {
    let mut patience = Patience::until(until, clock);
    loop {
        match ecs.describe(&id.to_string()).await {
            Err(DescribeError::Call(failure)) if failure.is_transient() => {
                patience.wait(failure).await.map_err(DescribeError::Call)?;
            }
            ended => return ended,
        }
    }
}
