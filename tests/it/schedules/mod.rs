//! Every order of every race: all parties' calls on the family's revisions and on the bucket, in each order in which
//! they can come, with one run killed at each of its calls. After each order Lambda tries again what failed, every
//! event comes once more, and the end is judged by what is in the account.
//!
//! A kill is a call that is never sent. That the call before was done and its answer lost is the same for the account.
//! One run is killed in a schedule; two at once are not tried.
//!
//! A schedule that fails is told by its seed; `SCHEDULE='name:0102' cargo test --test it schedules -- --nocapture`
//! tells it step by step.

mod aftermath;
mod exhaust;
mod gate;
mod judge;
mod ledger;
mod minds;
mod reduction;
mod scenario;
mod search;

use std::time::Instant;

use ecs_privileged_guard::domain::policy::Mode;

use self::gate::Gate;
use self::minds::Minds;
use self::scenario::{Scenario, scenarios};
use self::search::{Choice, Search};
use crate::account::{PIPELINE, State};
use crate::story::{BUCKET, PRIVILEGED};
use crate::world::guard;

/// Opens the search through a scenario.
fn open(scenario: &Scenario) -> Search<'_> {
    let mut state = State::default();
    state.s3.bucket(BUCKET);
    let topic = state.topic("alerts");
    state.register(PIPELINE, PRIVILEGED);
    (scenario.set_up)(&mut state);
    state.forget_calls();
    let gate = Gate::new(&state);
    // The SDK reads its settings on a runtime; nothing after that needs one.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let guard = runtime.block_on(guard(Mode::Remediate, topic, gate.wiring()));
    Search::new(scenario, state, Minds::new(gate, guard))
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
fn seed() -> Option<String> {
    std::env::var("SCHEDULE").ok()
}

#[expect(clippy::print_stdout, reason = "the figures that the suite reached")]
fn explore(name: &str) {
    if seed().is_some() {
        return;
    }
    let scenarios = scenarios();
    let scenario = scenarios.iter().find(|scenario| scenario.name == name).unwrap();
    let begun = Instant::now();
    let mut search = open(scenario);
    let found = search.all();
    let (accounts, calls) = search.ledger.size();
    println!(
        "{name}: {} schedules, {} points, {accounts} accounts, {calls} calls, {} sequences of answers, {} runs begun, {:.1?}",
        found.schedules,
        found.points,
        search.ledger.minds.count(),
        search.ledger.minds.begun,
        begun.elapsed()
    );
    println!("  ends: {:?}", found.shapes);
    let broken: Vec<String> = found
        .broken
        .iter()
        .map(|(rule, (times, seed))| {
            format!(
                "  {times} times: {rule}\n    SCHEDULE='{name}:{seed}' cargo test --test it schedules -- --nocapture"
            )
        })
        .collect();
    assert!(broken.is_empty(), "{name}:\n{}", broken.join("\n"));
}

/// Tells one schedule step by step.
#[test]
#[expect(clippy::print_stdout, reason = "what it is for")]
fn replay() {
    let Some(seed) = seed() else { return };
    let (name, choices) = seed.rsplit_once(':').expect("name:choices");
    let scenarios = scenarios();
    let scenario = scenarios.iter().find(|scenario| scenario.name == name).expect("a scenario");
    let mut search = open(scenario);
    let mut point = search.start.clone();
    let mut broken = Vec::new();
    for choice in choices.chars().map(|choice| Choice::read(choice).expect("a choice")) {
        let (next, step) = search.take(&point, choice).expect("a step");
        let deed = step.as_ref().map_or("dies", |step| &step.deed);
        println!("{}: {deed}", choice.party);
        broken.extend(step.and_then(|step| step.broken).map(|rule| rule.to_string()));
        point = next;
    }
    if search.choices(&point).is_empty() {
        let end = search.end(&point);
        end.told.iter().for_each(|line| println!("{line}"));
        println!("ACTIVE: {:?}, later {:?}", end.shape, end.shape_later);
        broken.extend(end.broken);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn two_guards() {
    explore("two guards");
}

#[test]
fn newer() {
    explore("newer");
}

#[test]
fn newer_privileged() {
    explore("newer privileged");
}

#[test]
fn same_again() {
    explore("same again");
}

#[test]
fn equal() {
    explore("equal");
}

#[test]
fn original_taken_back() {
    explore("original taken back");
}

#[test]
fn copy_taken_back() {
    explore("copy taken back");
}

#[test]
fn exempted() {
    explore("exempted");
}

#[test]
fn two_originals() {
    explore("two originals");
}

#[test]
fn two_equal_originals() {
    explore("two equal originals");
}

#[test]
fn two_guards_exempt_before() {
    explore("two guards, exempt before");
}

/// Points that are reached in several orders are gone on from once. That this loses no end is not believed but seen.
#[test]
#[expect(clippy::print_stdout, reason = "the figures that the suite reached")]
fn the_search_reaches_what_every_order_reaches() {
    for name in ["equal", "original taken back", "two guards, exempt before", "two equal originals"] {
        let scenarios = scenarios();
        let scenario = scenarios.iter().find(|scenario| scenario.name == name).unwrap();
        let mut search = open(scenario);
        let (all, reduced, every) = (search.all(), search.reduced(), search.every_order());
        println!("{name}: {} schedules, {} after reduction, {} points", every.schedules, reduced.schedules, all.points);
        assert!((all.schedules - every.schedules as f64).abs() < 0.5, "{name}");
        assert!(all.ends == every.ends, "{name}");
        assert!(reduced.ends == every.ends, "{name}");
    }
    let scenarios = scenarios();
    let mut search = open(&scenarios[0]);
    let (all, reduced) = (search.all(), search.reduced());
    println!(
        "{}: {} schedules, {} after reduction, {} points",
        scenarios[0].name, all.schedules, reduced.schedules, all.points
    );
    assert!(all.ends == reduced.ends);
}

#[test]
fn news_and_its_guard() {
    explore("news and its guard");
}

#[test]
fn same_again_and_its_guard() {
    explore("same again and its guard");
}

#[test]
fn two_guards_newer() {
    explore("two guards, newer");
}

#[test]
fn two_guards_equal() {
    explore("two guards, equal");
}

#[test]
fn two_guards_exempted() {
    explore("two guards, exempted");
}

#[test]
fn two_guards_original_taken_back() {
    explore("two guards, original taken back");
}

#[test]
fn two_guards_copy_taken_back() {
    explore("two guards, copy taken back");
}
