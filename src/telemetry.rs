//! What goes to the log: JSON lines with `timestamp` and `level` at the top, as Lambda's own filter needs them, and
//! metric lines. The filter lets through our own lines and the runtime's errors, and nothing can widen it: at finer
//! levels the SDK and the runtime log request bodies and events.
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>

use std::io::Write as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sets the subscriber up, once a process.
pub fn start() {
    let filter = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO)
        .with_target("lambda_runtime", LevelFilter::ERROR)
        // It logs each error that a handler returns; ours are logged with their context already.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stdout);
    // A second subscriber in the same process: the first one stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Writes a metric line. It carries no level, so it must not go through the subscriber.
pub fn metrics(line: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::error!(%error, "a metric line could not be written");
    }
}
