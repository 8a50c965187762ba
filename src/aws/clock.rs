//! The only place that reads the time and waits. Both are given from outside, so that a test can hold them.

use std::time::{Duration, SystemTime};

use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource, TimeSource};
use jiff::{SignedDuration, Timestamp};

/// Growing waits between attempts at what heals by itself, in seconds.
pub const PAUSES: [u64; 5] = [1, 2, 4, 8, 8];

/// Time and waiting, shared with the SDK's clients.
#[derive(Debug, Clone)]
pub struct Clock {
    pub(super) time: SharedTimeSource,
    pub(super) sleep: SharedAsyncSleep,
}

impl Clock {
    /// The machine's clock and tokio's timer.
    #[must_use]
    pub fn live() -> Self {
        Self { time: SharedTimeSource::new(SystemTimeSource::new()), sleep: SharedAsyncSleep::new(TokioSleep::new()) }
    }

    /// A clock of one's own: a test holds time in its hand.
    pub fn new(time: impl TimeSource + 'static, sleep: impl AsyncSleep + 'static) -> Self {
        Self { time: SharedTimeSource::new(time), sleep: SharedAsyncSleep::new(sleep) }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp(self.time.now())
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    /// Waits before another attempt, if that ends before `until`; else not at all. Answers whether it has waited.
    pub async fn pause(&self, pause: Duration, until: Timestamp) -> bool {
        let left = until.duration_since(self.now());
        let is_time = SignedDuration::try_from(pause).is_ok_and(|pause| pause < left);
        if is_time {
            self.sleep(pause).await;
        }
        is_time
    }

    /// What `future` gives, unless it takes until `end`.
    pub async fn until<T>(&self, end: Timestamp, future: impl Future<Output = T>) -> Option<T> {
        self.within(end.duration_since(self.now()).try_into().unwrap_or_default(), future).await
    }

    /// What `future` gives, unless it takes longer than `limit`.
    pub async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let future = std::pin::pin!(future);
        Timeout::new(future, self.sleep.sleep(limit)).await.ok()
    }
}

/// A time outside jiff's range (the years -9999 to 9999) cannot come from a working clock; it counts as the epoch.
fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}
