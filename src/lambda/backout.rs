//! Backout: a person's request in, what came of it out. A request that is not valid is answered; what a retry can heal
//! and an alert that nobody got fail the invocation, and the same request again goes on where it stopped.

use std::process::ExitCode;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::value::RawValue;

use super::{Sandbox, deadline};
use crate::aws::Pace;
use crate::domain::arn::ArnError;
use crate::domain::backout::answer::{Answer, Outcome};
use crate::domain::backout::request::{NotARequest, Request};
use crate::domain::escape::plain;
use crate::domain::metrics;
use crate::reconcile::RunError;
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
    #[error("{0}; the same request again goes on where this one stopped")]
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

/// Runs backout until Lambda ends it.
pub async fn backout() -> ExitCode {
    let function = match Sandbox::start(SERVICE, Pace::of_backout) {
        Ok(sandbox) => Function(sandbox),
        Err(stopped) => return stopped,
    };
    super::serve(SERVICE, |event| function.invoke(event)).await
}

struct Function(Sandbox);

impl Function {
    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let is_cold = self.0.is_cold.replace(false);
        let result = self.handle(payload.get(), &context).await;
        self.log(&result, &context, is_cold);
        result.map_err(|error| Diagnostic { error_type: error.category().to_owned(), error_message: error.to_string() })
    }

    async fn handle(&self, payload: &str, context: &Context) -> Result<Answer, InvocationError> {
        let home = self.0.settings.home(&context.invoked_function_arn).map_err(InvocationError::Home)?;
        match Request::read(payload, &home).map_err(InvocationError::NotARequest)? {
            Err(refused) => Ok(Answer::of_invalid(refused, Request::asks_for_a_dry_run(payload))),
            Ok(request) => {
                let guard = self.0.guard(home).await;
                Box::pin(guard.back_out(&request, deadline(context))).await.map_err(InvocationError::Run)
            }
        }
    }

    /// One line for people and queries, one for metrics.
    fn log(&self, result: &Result<Answer, InvocationError>, context: &Context, is_cold: bool) {
        let (mode, now) = (self.0.settings.policy.mode.as_str(), self.0.clock.now());
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
                    until = answer.until.map(|until| until.to_string()),
                    failure = answer.message.as_deref().map(plain),
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
