//! The functions as Lambda runs them: start-up, deadline, answers and errors; one file each.

mod backout;
mod guard;

use std::future::Future;
use std::process::ExitCode;

use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::value::RawValue;

pub use self::backout::backout;
pub use self::guard::guard;

use crate::aws::{self, Clock, Pace, Places, Wiring};
use crate::config::Settings;
use crate::domain::arn::Home;
use crate::reconcile::{Guard, Texts};
use crate::telemetry;

/// Reads the settings, or says in one line what is wrong with them.
fn start(service: &'static str) -> Result<Settings, ExitCode> {
    telemetry::start();
    Settings::read(environment).map_err(|error| stopped(service, &error.to_string()))
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

/// Makes the clients, for the first event that needs them.
async fn connect(settings: &Settings, home: Home, pace: Option<fn(&Clock) -> Pace>) -> Guard {
    let Settings { policy, bucket, topic, runbook_url, backout_function, path_style, region: _ } = settings.clone();
    let texts = Texts { runbook_url, backout_function, bucket: bucket.clone() };
    let places = Places { home: home.clone(), bucket, topic: topic.arn, topic_region: topic.region, path_style };
    Guard { aws: aws::connect(places, Wiring { pace, ..Wiring::live() }).await, policy, home, texts }
}

fn deadline(context: &Context) -> Timestamp {
    let milliseconds = i64::try_from(context.deadline).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}
