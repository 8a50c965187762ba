//! The account for somebody outside of this process: `tests/e2e/test_live.py` asks it what `make live-check` asks of AWS.
#![allow(clippy::print_stdout, reason = "that is how its address is told")]

use std::io;

use serde_json::json;

use super::account::{Account, PIPELINE};

/// Prints one line of JSON, the environment in which its clients run and who they are, and serves until stdin ends.
#[tokio::test]
#[ignore = "serves until stdin ends: tests/e2e/test_live.py"]
async fn the_account() {
    let account = Account::start().await;
    let environment: serde_json::Map<_, _> =
        account.environment(PIPELINE).into_iter().map(|(name, value)| (name, value.into())).collect();
    let home = account.state().home.account.clone();
    println!("{}", json!({"environment": environment, "account": home, "principal": PIPELINE}));
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await.unwrap().unwrap();
}
