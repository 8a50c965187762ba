//! What `make prove` runs for minutes to hours, beside what `make test` runs in seconds: more of the same kinds of
//! search. Each unit of it is written down once it holds, under the sources that it was proven of; a run that is
//! interrupted goes on with the next unit.

mod round_trips;
mod sequences;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

/// What a unit reached, by figure.
pub(crate) type Figures = Vec<(&'static str, usize)>;

/// A number that `PROVE_SEED` sets; the same seed makes the same search.
#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
pub(crate) fn seed() -> u64 {
    std::env::var("PROVE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Whether this is `make prove`.
pub(crate) fn is_on() -> bool {
    kept_in().is_some()
}

/// Where `make prove` keeps what holds; elsewhere nothing is kept.
fn kept_in() -> Option<PathBuf> {
    std::env::var_os("PROVE").map(PathBuf::from)
}

/// One unit of the proof: done unless it is known to hold.
#[expect(clippy::print_stdout, reason = "what was reached, while it takes hours")]
pub(crate) fn unit(part: &str, name: &str, prove: impl FnOnce() -> Result<Figures, String>) -> Result<(), String> {
    let file = kept_in().map(|folder| folder.join(part).join(format!("{}.txt", name.replace('/', "-"))));
    if file.as_deref().is_some_and(Path::exists) {
        println!("{part}: {name}: holds, by an earlier run");
        return Ok(());
    }
    let begun = Instant::now();
    let figures = prove().map_err(|what| format!("{part}: {name}: {what}")).inspect_err(|what| println!("{what}"))?;
    let seconds = begun.elapsed().as_secs();
    let told: Vec<String> = figures.iter().map(|(figure, number)| format!("{figure}: {number}")).collect();
    println!("{part}: {name}: {}, in {seconds} s", told.join(", "));
    if let Some(file) = file {
        let lines = told
            .iter()
            .map(String::as_str)
            .chain([format!("seconds: {seconds}").as_str()])
            .collect::<Vec<_>>()
            .join("\n");
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, lines).expect("a file");
    }
    Ok(())
}

/// Tries so many cases of that seed: the simplest that does not hold, with what does not.
pub(crate) fn search<S: Strategy>(
    seed: u64,
    cases: u32,
    strategy: &S,
    holds: impl Fn(S::Value) -> TestCaseResult,
) -> Result<(), String> {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        // What is no case at all: a definition that ECS refuses, or that is not privileged.
        max_global_rejects: 10 * cases,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    match runner.run(strategy, holds) {
        Ok(()) => Ok(()),
        Err(TestError::Fail(what, case)) => Err(format!("{case:?}\n    {what}")),
        Err(TestError::Abort(what)) => Err(format!("not searched: {what}")),
    }
}

/// Fails with all that does not hold.
pub(crate) fn all_hold(verdicts: impl IntoIterator<Item = Result<(), String>>) {
    let broken: Vec<String> = verdicts.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// On a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
