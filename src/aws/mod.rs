//! Talks. The only folder that names an SDK package. It decides nothing but whether a retry can heal a failure.

mod clock;
mod ecs;
#[cfg(feature = "cli")]
mod examine;
mod failure;
#[cfg(feature = "cli")]
mod operator;
mod pace;
mod raw_json;
mod s3;
mod services;
mod sns;
mod tokens;
mod usage;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

use pace::SeesThrottles;

pub use clock::{Clock, PAUSES};
pub use ecs::{BackupReceipt, DescribeError, Ecs, Listing};
#[cfg(feature = "cli")]
pub use examine::Examiner;
#[cfg(feature = "cli")]
pub use operator::{Invoked, Session, SignIn, SignInError, Stack};
pub use pace::Pace;
pub use s3::{Bucket, Expect, Listed, Object, Written};
pub use sns::Topic;

use crate::domain::arn::Home;

/// One attempt of a call takes no longer than this: ECS answers in tens of milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call with all its attempts takes no longer than this, so that a run can go on with others.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// One call and two retries; what lasts longer is waited for outside, where the deadline is known.
const ATTEMPTS_MAX: u32 = 3;

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The account and Region that are guarded.
    pub home: Home,
    /// The name of the bucket.
    pub bucket: String,
    /// The ARN of the topic.
    pub topic: String,
    /// The Region of the topic: it may be a central one.
    pub topic_region: String,
    /// `https://bucket.host/key` does not work for an endpoint of one's own: then `https://host/bucket/key`.
    pub path_style: bool,
}

/// Everything that reaches outside.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Task definitions.
    pub ecs: Ecs,
    /// Backups, records, exemptions.
    pub bucket: Bucket,
    /// Alerts.
    pub topic: Topic,
    /// Time.
    pub clock: Clock,
}

/// How the clients reach the world: a test puts its own in.
#[derive(Debug)]
pub struct Wiring {
    /// Shared by all clients, so that they share its connections and root certificates.
    pub http: SharedHttpClient,
    /// Time and waiting.
    pub clock: Clock,
    /// Whose calls they are.
    pub credentials: SharedCredentialsProvider,
    /// How fast ECS may be asked.
    pub pace: Pace,
}

impl Wiring {
    /// TLS by rustls with ring, the machine's clock, and the credentials that Lambda puts into the environment.
    #[must_use]
    pub fn live(pace: fn(&Clock) -> Pace) -> Self {
        let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
        let clock = Clock::live();
        Self { http: https(), pace: pace(&clock), clock, credentials }
    }
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// Makes the clients. Endpoints come from `AWS_ENDPOINT_URL` and the SDK's per-service forms.
pub async fn connect(places: Places, wiring: Wiring) -> Aws {
    let Wiring { http, clock, credentials, pace } = wiring;
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(places.home.region().to_owned()))
        .credentials_provider(credentials)
        .http_client(http)
        .time_source(clock.time.clone())
        .sleep_impl(clock.sleep.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .timeout_config(timeouts())
        .load()
        .await;
    clients(&config, places, clock, Arc::new(pace))
}

fn clients(config: &SdkConfig, places: Places, clock: Clock, pace: Arc<Pace>) -> Aws {
    let throttles = SharedInterceptor::new(SeesThrottles(Arc::clone(&pace)));
    let ecs = aws_sdk_ecs::config::Builder::from(config).interceptor(throttles).build();
    let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(places.path_style).build();
    let sns = aws_sdk_sns::config::Builder::from(config).region(Region::new(places.topic_region)).build();
    Aws {
        bucket: Bucket {
            client: aws_sdk_s3::Client::from_conf(s3),
            arn_prefix: format!("arn:{}:s3:::{}", places.home.partition(), places.bucket),
            name: places.bucket,
            clock: clock.clone(),
            memory: None,
        },
        topic: Topic { client: aws_sdk_sns::Client::from_conf(sns), arn: places.topic },
        ecs: Ecs { client: aws_sdk_ecs::Client::from_conf(ecs), home: places.home, pace },
        clock,
    }
}
