//! Backout as a Lambda function: a person's request in, what came of it out.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ecs_privileged_guard::lambda::backout().await
}
