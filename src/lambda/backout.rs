//! Backout: a person's request in, what came of it out. A request that is not valid is answered; what a retry can heal
//! and an alert that nobody got fail the invocation, and the same request again goes on where it stopped.

use std::cell::Cell;
use std::process::ExitCode;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use super::{connect, deadline};
use crate::aws::{Clock, Pace};
use crate::config::Settings;
use crate::domain::arn::ArnError;
use crate::domain::backout::answer::{Answer, Outcome};
use crate::domain::backout::request::{NotARequest, Request};
use crate::domain::metrics;
use crate::reconcile::{Guard, RunError};
use crate::telemetry;

/// The function's name in logs and metrics.
const SERVICE: &str = "backout";

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
enum InvocationError {
    /// Not a request at all.
    #[error("{0}")]
    NotARequest(NotARequest),
    /// Neither the function's ARN nor the settings say where we are.
    #[error("where this function runs is not known: AWS_REGION is {0}")]
    Home(ArnError),
    /// The run did not come to an outcome.
    #[error("{}; the same request again goes on where this one stopped", in_words(.0))]
    Run(RunError),
}

impl InvocationError {
    fn category(&self) -> &'static str {
        match self {
            Self::NotARequest(_) => "not_a_request",
            Self::Home(_) => "unknown_home",
            Self::Run(error) => error.category(),
        }
    }
}

/// What kept a run from its end. Nobody repeats it but the person who asked for it.
fn in_words(error: &RunError) -> String {
    match error {
        RunError::Transient(failure) => format!("gave up for now: {failure}"),
        RunError::OutOfTime => "too little time was left to finish what would have been begun".to_owned(),
        RunError::Unsettled => "the family kept changing while it was looked at".to_owned(),
        RunError::Unreadable(failure) => failure.to_string(),
        RunError::NotPublished(_) | RunError::NotRecorded(_) => error.to_string(),
    }
}

/// Runs backout until Lambda ends it.
pub async fn backout() -> ExitCode {
    let settings = match super::start(SERVICE) {
        Ok(settings) => settings,
        Err(stopped) => return stopped,
    };
    let function = Function { settings, guard: OnceCell::new(), is_cold: Cell::new(true), clock: Clock::live() };
    super::serve(SERVICE, |event| function.invoke(event)).await
}

struct Function {
    settings: Settings,
    guard: OnceCell<Guard>,
    is_cold: Cell<bool>,
    clock: Clock,
}

impl Function {
    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let is_cold = self.is_cold.replace(false);
        let result = self.handle(payload.get(), &context).await;
        self.log(&result, &context, is_cold);
        result.map_err(|error| Diagnostic { error_type: error.category().to_owned(), error_message: error.to_string() })
    }

    async fn handle(&self, payload: &str, context: &Context) -> Result<Answer, InvocationError> {
        let home = self.settings.home(&context.invoked_function_arn).map_err(InvocationError::Home)?;
        match Request::read(payload, &home).map_err(InvocationError::NotARequest)? {
            Err(refused) => Ok(Answer {
                reason: Some(refused.why.as_str()),
                message: Some(refused.message),
                ..Answer::bare(Outcome::Refused, None)
            }),
            Ok(request) => {
                let guard = self.guard.get_or_init(|| connect(&self.settings, home, Some(Pace::of_backout))).await;
                Box::pin(guard.back_out(&request, deadline(context))).await.map_err(InvocationError::Run)
            }
        }
    }

    /// One line for people and queries, one for metrics.
    fn log(&self, result: &Result<Answer, InvocationError>, context: &Context, is_cold: bool) {
        let (mode, now) = (self.settings.policy.mode.as_str(), self.clock.now());
        let metric = match result {
            Ok(answer) => {
                tracing::info!(
                    service = SERVICE,
                    cold_start = is_cold,
                    function_request_id = context.request_id,
                    mode,
                    outcome = answer.outcome.as_str(),
                    reason = answer.reason,
                    task_definition = answer.task_definition,
                    copy = answer.copy,
                    restored = answer.restored,
                    alert = answer.alert.as_str(),
                    dry_run = answer.dry_run,
                    "{}",
                    answer.outcome.as_str(),
                );
                match (answer.outcome, answer.dry_run) {
                    (Outcome::BackedOut, false) => ("BackedOut", 1.0),
                    (Outcome::Failed, _) => ("Failed", 1.0),
                    (Outcome::BackedOut | Outcome::AlreadyBackedOut | Outcome::NothingToBackOut, _)
                    | (Outcome::Refused, _) => ("BackedOut", 0.0),
                }
            }
            Err(error) => {
                tracing::error!(
                    service = SERVICE,
                    cold_start = is_cold,
                    function_request_id = context.request_id,
                    mode,
                    error_type = error.category(),
                    "{error}",
                );
                ("Failed", 1.0)
            }
        };
        telemetry::metrics(&metrics::line(SERVICE, mode, &[metric], now));
    }
}
