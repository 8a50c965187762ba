//! Sweep as Lambda runs it.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ecs_privileged_guard::lambda::sweep().await
}
