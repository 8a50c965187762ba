//! How fast the account's ECS is asked: token buckets by the categories in which ECS itself counts, so that consoles,
//! pipelines and the event path keep most of the account's budget.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::clock::Clock;

/// What ECS counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Task definitions, read.
    TaskDefinitionRead,
    /// Task definitions, registered and deregistered.
    TaskDefinitionWrite,
    /// Clusters, read.
    ClusterRead,
    /// Tasks, read.
    ClusterResourceRead,
    /// Services, read.
    ServiceRead,
    /// Services, changed.
    ServiceWrite,
    /// Service deployments, read.
    ServiceDeploymentRead,
}

const CATEGORIES: [Category; 7] = [
    Category::TaskDefinitionRead,
    Category::TaskDefinitionWrite,
    Category::ClusterRead,
    Category::ClusterResourceRead,
    Category::ServiceRead,
    Category::ServiceWrite,
    Category::ServiceDeploymentRead,
];

/// A throttle halves the rate, down to an eighth.
const SLOWNESS_MAX: u32 = 8;
/// So many calls without a throttle double it again: whoever was in a hurry is done, and a sweep has to come to its end.
const QUIET_CALLS: u32 = 50;

type Bucket = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// Token buckets, one for each category.
#[derive(Debug)]
pub struct Pace {
    clock: Clock,
    /// In the order of [`Category`]; none for whoever is not to wait.
    buckets: Option<[Bucket; 7]>,
    /// How many tokens a call takes: 1, twice as many after each throttle, and fewer again when it is quiet.
    slowness: AtomicU32,
    /// Calls since the last throttle, or since the rate was doubled.
    quiet: AtomicU32,
}

impl Pace {
    /// No pace: an event waits for nobody.
    #[must_use]
    pub fn unlimited(clock: &Clock) -> Self {
        Self { clock: clock.clone(), buckets: None, slowness: AtomicU32::new(1), quiet: AtomicU32::new(0) }
    }

    /// Five reads a second in each category, ten at once; one write in two seconds. A quarter of what ECS sustains.
    #[must_use]
    pub fn of_sweep(clock: &Clock) -> Self {
        let reads = Quota::per_second(tokens(5)).allow_burst(tokens(10));
        let writes = Quota::per_minute(tokens(30)).allow_burst(tokens(1));
        Self::new(clock, reads, writes)
    }

    /// Ten a second in each category, forty at once: a person waits.
    #[must_use]
    pub fn of_backout(clock: &Clock) -> Self {
        let quota = Quota::per_second(tokens(10)).allow_burst(tokens(40));
        Self::new(clock, quota, quota)
    }

    fn new(clock: &Clock, reads: Quota, writes: Quota) -> Self {
        let bucket = |category| {
            let quota = match category {
                Category::TaskDefinitionWrite | Category::ServiceWrite => writes,
                Category::TaskDefinitionRead | Category::ClusterRead | Category::ClusterResourceRead => reads,
                Category::ServiceRead | Category::ServiceDeploymentRead => reads,
            };
            RateLimiter::direct_with_clock(quota, Ticks(clock.clone()))
        };
        Self {
            clock: clock.clone(),
            buckets: Some(CATEGORIES.map(bucket)),
            slowness: AtomicU32::new(1),
            quiet: AtomicU32::new(0),
        }
    }

    /// Waits until a call of this category may be made.
    pub async fn keep(&self, category: Category) {
        let Some(buckets) = &self.buckets else { return };
        let bucket = &buckets[category as usize];
        if self.quiet.fetch_add(1, Ordering::Relaxed) >= QUIET_CALLS {
            self.set(|slowness| (slowness / 2).max(1));
        }
        for _ in 0..self.slowness.load(Ordering::Relaxed) {
            while let Err(not_yet) = bucket.check() {
                self.clock.sleep(not_yet.wait_time_from(Ticks(self.clock.clone()).now())).await;
            }
        }
    }

    fn slow_down(&self) {
        self.set(|slowness| (slowness * 2).min(SLOWNESS_MAX));
    }

    fn set(&self, change: impl Fn(u32) -> u32) {
        self.quiet.store(0, Ordering::Relaxed);
        // The closure never declines.
        let _ = self.slowness.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |slowness| Some(change(slowness)));
    }
}

fn tokens(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// Our clock, as the token buckets read it.
#[derive(Debug, Clone)]
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        u64::try_from(self.0.now().as_nanosecond()).unwrap_or_default().into()
    }
}

/// Sees each throttle, also those that the SDK's own retries heal.
#[derive(Debug)]
pub(super) struct SeesThrottles(pub(super) std::sync::Arc<Pace>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for SeesThrottles {
    fn name(&self) -> &'static str {
        "SeesThrottles"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        let says_throttled = || body.windows(10).any(|window| window == b"Throttling");
        if response.status().as_u16() == 429 || (response.status().as_u16() == 400 && says_throttled()) {
            self.0.slow_down();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::{Duration, SystemTime};

    use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
    use aws_smithy_async::time::TimeSource;

    use super::*;

    /// A clock that stands still but for the waits.
    #[derive(Debug, Clone)]
    struct Waits(Arc<Mutex<SystemTime>>);

    impl TimeSource for Waits {
        fn now(&self) -> SystemTime {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl AsyncSleep for Waits {
        fn sleep(&self, duration: Duration) -> Sleep {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) += duration;
            Sleep::new(std::future::ready(()))
        }
    }

    fn clock() -> Clock {
        let waits = Waits(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_hours(480_000))));
        Clock::new(waits.clone(), waits)
    }

    /// How long so many calls take, in seconds.
    async fn seconds(pace: &Pace, category: Category, calls: usize) -> f64 {
        let began = pace.clock.now();
        for _ in 0..calls {
            pace.keep(category).await;
        }
        pace.clock.now().duration_since(began).as_secs_f64()
    }

    #[tokio::test]
    async fn a_sweep_reads_ten_at_once_and_then_five_a_second_in_each_category() {
        let pace = Pace::of_sweep(&clock());
        assert!(seconds(&pace, Category::TaskDefinitionRead, 10).await < 0.01);
        let took = seconds(&pace, Category::TaskDefinitionRead, 100).await;
        assert!((19.9..20.3).contains(&took), "{took}");
        assert!(seconds(&pace, Category::ServiceRead, 10).await < 0.01, "another bucket");
    }

    #[tokio::test]
    async fn a_sweep_writes_once_in_two_seconds() {
        let took = seconds(&Pace::of_sweep(&clock()), Category::TaskDefinitionWrite, 11).await;
        assert!((19.9..20.3).contains(&took), "{took}");
    }

    #[tokio::test]
    async fn a_throttle_halves_the_rate_until_it_has_been_quiet() {
        let pace = Pace::of_sweep(&clock());
        seconds(&pace, Category::TaskDefinitionRead, 10).await;
        pace.slow_down();
        let took = seconds(&pace, Category::TaskDefinitionRead, 50).await;
        assert!((19.5..20.5).contains(&took), "{took}");
        let took = seconds(&pace, Category::TaskDefinitionRead, 50).await;
        assert!((9.5..10.5).contains(&took), "{took}");
    }

    #[tokio::test]
    async fn an_event_waits_for_nobody() {
        let pace = Pace::unlimited(&clock());
        pace.slow_down();
        assert!(seconds(&pace, Category::TaskDefinitionWrite, 1_000).await < 0.01);
    }
}
