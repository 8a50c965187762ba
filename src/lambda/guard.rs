//! The guard: `EventBridge` events in, outcomes out. What a retry can heal, input that we refuse, and a report that nobody
//! got become errors, so that Lambda retries and then keeps the event; everything else is an answer.

use std::process::ExitCode;

use jiff::SignedDuration;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde_json::value::RawValue;

use super::{Sandbox, deadline};
use crate::aws::Pace;
use crate::domain::arn::ArnError;
use crate::domain::event::{self, Event, EventError};
use crate::domain::metrics;
use crate::domain::outcome::Outcome;
use crate::reconcile::{Concluded, RunError, Said};
use crate::telemetry;

/// The function's name in logs and metrics.
const SERVICE: &str = "guard";

/// A call that hangs at the end of the time must not take the line that says so with it. For what was begun it is as if
/// Lambda had ended the process: its retry goes on.
const TIME_TO_LOG: SignedDuration = SignedDuration::from_secs(1);

/// Why an invocation fails.
#[derive(Debug, thiserror::Error)]
enum InvocationError {
    /// The event is not for us.
    #[error("{0}")]
    Event(EventError),
    /// Neither the function's ARN nor the settings say where we are.
    #[error("where this function runs is not known: AWS_REGION is {0}")]
    Home(ArnError),
    /// The run did not come to an outcome. Lambda retries it and then keeps the event in the dead-letter queue.
    #[error("{0}; Lambda tries again")]
    Run(RunError),
}

impl InvocationError {
    fn category(&self) -> &'static str {
        match self {
            Self::Event(error) => error.category(),
            Self::Home(_) => "unknown_home",
            Self::Run(error) => error.category(),
        }
    }
}

/// Runs the guard until Lambda ends it.
pub async fn guard() -> ExitCode {
    let function = match Sandbox::start(SERVICE, Pace::unlimited) {
        Ok(sandbox) => Function(sandbox),
        Err(stopped) => return stopped,
    };
    super::serve(SERVICE, |event| function.invoke(event)).await
}

struct Function(Sandbox);

impl Function {
    async fn invoke(&self, event: LambdaEvent<Box<RawValue>>) -> Result<Said, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let is_cold = self.0.is_cold.replace(false);
        let result = self.handle(payload.get(), &context).await;
        self.log(&result, &context, is_cold);
        match result {
            Ok((concluded, _)) => Ok(concluded.said),
            Err((error, _)) => {
                Err(Diagnostic { error_type: error.category().to_owned(), error_message: error.to_string() })
            }
        }
    }

    async fn handle(&self, payload: &str, context: &Context) -> Result<Ended, (InvocationError, Option<String>)> {
        let home = self.0.settings.home(&context.invoked_function_arn);
        let home = home.map_err(|error| (InvocationError::Home(error), None))?;
        let event =
            event::parse(payload, &home).map_err(|error| (InvocationError::Event(error), event::id(payload)))?;
        match event {
            Event::FailedCall { task_definition, provenance } => {
                Ok((Concluded::silent(Outcome::FailedRegistration, task_definition), provenance.event_id))
            }
            Event::Compliant { id, provenance } => {
                Ok((Concluded::silent(Outcome::Compliant, Some(id.to_string())), provenance.event_id))
            }
            Event::NotOurs { event_id } => Ok((Concluded::not_ours(None), event_id)),
            Event::Look { subject, provenance, event_id } => {
                let guard = self.0.guard(home).await;
                let deadline = deadline(context);
                let look = guard.look(&subject, &provenance, deadline);
                let looked = self.0.clock.until(deadline - TIME_TO_LOG, look).await;
                match looked.unwrap_or(Err(RunError::OutOfTime)) {
                    Ok(concluded) => Ok((concluded, event_id)),
                    Err(error) => Err((InvocationError::Run(error), event_id)),
                }
            }
        }
    }

    /// One line for people and queries, one for metrics.
    fn log(&self, result: &Result<Ended, (InvocationError, Option<String>)>, context: &Context, is_cold: bool) {
        let (mode, now) = (self.0.settings.policy.mode.as_str(), self.0.clock.now());
        let metrics = match result {
            Ok((concluded, event_id)) => {
                let Concluded { said, report, metrics: of_moves, not_moved } = concluded;
                let plan = report.as_ref().and_then(|report| report.finding.as_ref());
                let plan = plan.map(|finding| finding.plan.sentences().join(" "));
                let failure = report.as_ref().and_then(|report| report.failure.as_ref()).map(ToString::to_string);
                let failure = failure.or_else(|| not_moved.first().map(|(_, failure)| failure.to_string()));
                tracing::info!(
                    service = SERVICE,
                    cold_start = is_cold,
                    function_request_id = context.request_id,
                    correlation_id = event_id.as_deref(),
                    mode,
                    outcome = said.outcome(),
                    reason = said.reason(),
                    task_definition = said.task_definition(),
                    copy = said.copy(),
                    services = said.services_in_words(),
                    alert = said.alert().as_str(),
                    failure,
                    plan,
                    "{}",
                    said.outcome(),
                );
                let found = || match said {
                    Said::Revision(_) => vec![("Found", 0.0)],
                    Said::Service(_) => Vec::new(),
                };
                let of_revision = report.as_ref().map_or_else(found, |report| metrics::of_report(report, now));
                of_revision.into_iter().chain(of_moves.iter().copied()).collect()
            }
            Err((error, event_id)) => {
                tracing::error!(
                    service = SERVICE,
                    cold_start = is_cold,
                    function_request_id = context.request_id,
                    correlation_id = event_id.as_deref(),
                    mode,
                    error_type = error.category(),
                    "{error}",
                );
                vec![("Failed", 1.0)]
            }
        };
        telemetry::metrics(&metrics::line(SERVICE, mode, &metrics, now));
    }
}

type Ended = (Concluded, Option<String>);
