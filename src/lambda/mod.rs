//! The functions as Lambda runs them: start-up, deadline, answers and errors; one file each.

mod backout;
mod guard;
mod sweep;

use std::cell::Cell;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

pub use self::backout::backout;
pub use self::guard::guard;
pub use self::sweep::sweep;

use crate::aws::{self, Clock, Pace, Places, Wiring};
use crate::config::Settings;
use crate::domain::arn::Home;
use crate::reconcile::{Guard, Texts};
use crate::telemetry;

/// What a function keeps between invocations.
struct Sandbox {
    settings: Settings,
    /// Made for the first event that needs AWS: most registrations are compliant, and then no client is needed.
    guard: OnceCell<Guard>,
    is_cold: Cell<bool>,
    clock: Clock,
    pace: fn(&Clock) -> Pace,
}

impl Sandbox {
    /// Reads the settings, or says in one line what is wrong with them.
    fn start(service: &'static str, pace: fn(&Clock) -> Pace) -> Result<Self, ExitCode> {
        telemetry::start();
        let settings = Settings::read(environment).map_err(|error| stopped(service, &error.to_string()))?;
        Ok(Self { settings, guard: OnceCell::new(), is_cold: Cell::new(true), clock: Clock::live(), pace })
    }

    async fn guard(&self, home: Home) -> &Guard {
        self.guard.get_or_init(|| self.connect(home)).await
    }

    /// Makes the clients.
    async fn connect(&self, home: Home) -> Guard {
        let Settings { policy, bucket, topic, runbook_url, backout_function, function, path_style, region: _ } =
            self.settings.clone();
        let texts = Texts { runbook_url, backout_function, bucket: bucket.clone(), function };
        let places = Places { home: home.clone(), bucket, topic: topic.arn, topic_region: topic.region, path_style };
        Guard {
            aws: aws::connect(places, Wiring::live(self.pace)).await,
            policy,
            home,
            texts,
            usage: None,
            listed: Arc::default(),
        }
    }
}

/// Serves events until Lambda ends it.
async fn serve<A, F>(service: &'static str, answer: impl FnMut(LambdaEvent<Box<RawValue>>) -> F) -> ExitCode
where
    A: Serialize,
    F: Future<Output = Result<A, Diagnostic>>,
{
    match lambda_runtime::run(lambda_runtime::service_fn(answer)).await {
        Ok(()) => ExitCode::SUCCESS,
        // The Runtime API is gone; its error holds nothing of an event.
        Err(error) => stopped(service, &format!("the Lambda Runtime API cannot be reached: {error}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read; it is passed on")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn stopped(service: &'static str, why: &str) -> ExitCode {
    tracing::error!(service, "{why}");
    ExitCode::FAILURE
}

fn deadline(context: &Context) -> Timestamp {
    let milliseconds = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}
