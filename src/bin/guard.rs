//! The guard as a Lambda function: EventBridge events in, outcomes out.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ecs_privileged_guard::lambda::guard().await
}
