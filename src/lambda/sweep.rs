//! Sweep: a schedule starts it, and its input is not read. What a retry can heal fails the invocation; so does an alert
//! that nobody got.

use std::process::ExitCode;

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::value::RawValue;

use super::{Sandbox, deadline};
use crate::aws::Pace;
use crate::domain::arn::ArnError;
use crate::domain::metrics;
use crate::reconcile::{RunError, SweepAnswer, Swept};
use crate::telemetry;

/// The function's name in logs and metrics.
const SERVICE: &str = "sweep";

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
enum InvocationError {
    /// Neither the function's ARN nor the settings say where we are.
    #[error("where this function runs is not known: AWS_REGION is {0}")]
    Home(ArnError),
    /// The run did not come to its end.
    #[error("{0}; the next run goes on from where the last complete one left off")]
    Run(RunError),
}

impl InvocationError {
    fn category(&self) -> &'static str {
        match self {
            Self::Home(_) => "unknown_home",
            Self::Run(error) => error.category(),
        }
    }
}

/// Runs sweep until Lambda ends it.
pub async fn sweep() -> ExitCode {
    let function = match Sandbox::start(SERVICE, Pace::of_sweep) {
        Ok(sandbox) => Function(sandbox),
        Err(stopped) => return stopped,
    };
    super::serve(SERVICE, |event| function.invoke(event)).await
}

struct Function(Sandbox);

impl Function {
    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<SweepAnswer, Diagnostic> {
        let is_cold = self.0.is_cold.replace(false);
        let result = self.handle(&event.context).await;
        self.log(&result, &event.context, is_cold);
        result
            .map(|swept| swept.answer)
            .map_err(|error| Diagnostic { error_type: error.category().to_owned(), error_message: error.to_string() })
    }

    async fn handle(&self, context: &Context) -> Result<Swept, InvocationError> {
        let home = self.0.settings.home(&context.invoked_function_arn).map_err(InvocationError::Home)?;
        // Made anew for each run: one that was throttled slowed down, and the next one begins at its own pace.
        let guard = self.0.connect(home).await;
        Box::pin(guard.sweep(deadline(context))).await.map_err(InvocationError::Run)
    }

    /// One line for people and queries, one for metrics.
    fn log(&self, result: &Result<Swept, InvocationError>, context: &Context, is_cold: bool) {
        let (mode, now) = (self.0.settings.policy.mode.as_str(), self.0.clock.now());
        let metrics = match result {
            Ok(Swept { answer, metrics, unseen }) => {
                tracing::info!(
                    service = SERVICE,
                    cold_start = is_cold,
                    function_request_id = context.request_id,
                    mode,
                    outcomes = serde_json::to_string(&answer.outcomes).unwrap_or_default(),
                    missed_by_event = answer.missed_by_event,
                    complete = answer.complete,
                    unseen = unseen.join("; "),
                    "swept",
                );
                metrics.clone()
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
                vec![("Failed", 1.0), ("SweepCompleted", 0.0)]
            }
        };
        telemetry::metrics(&metrics::line(SERVICE, mode, &metrics, now));
    }
}
