//! Every order of every race: all parties' calls on the family's revisions and on the bucket, in each order in which
//! they can come, with one run killed at each of its calls. After each order Lambda tries again what failed, every
//! event comes once more, and the end is judged by what is in the account.
//!
//! A kill is a call that is never sent. That the call before was done and its answer lost is the same for the account.
//! What bounds the search: two runs are killed in a schedule, one where two runs overlap from the beginning. Where two
//! parties meet, the event of a killed run comes again while the other is at work; where three meet, after that.
//!
//! A schedule that fails is told by its seed; `SCHEDULE='name:0102' cargo test --test it schedules -- --nocapture`
//! tells it step by step.

mod aftermath;
mod errand;
mod exhaust;
mod gate;
mod judge;
mod judge_backout;
mod judge_service;
mod known;
mod ledger;
mod minds;
mod reduction;
mod scenario;
mod search;
mod services;
mod settle;
mod three;

use std::time::Instant;

use self::exhaust::Found;
use self::gate::{Functions, Gate};
use self::known::{known, known_of};
use self::minds::Minds;
use self::scenario::{Scenario, scenarios};
use self::search::{Choice, Search};
use crate::account::{BACKOUT, GUARD, PIPELINE, SWEEP, State};
use crate::figures::reached;
use crate::prove::{all_hold, unit};
use crate::story::{BUCKET, PRIVILEGED};
use crate::world::guard;

/// With more schedules, not every order is tried beside the two short cuts.
const EVERY_ORDER_MAX: u128 = 200_000;

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
    let guard_as = |principal| runtime.block_on(guard(scenario.mode, topic.clone(), gate.wiring(principal)));
    let mut functions = Functions { guard: guard_as(GUARD), backout: guard_as(BACKOUT), sweep: guard_as(SWEEP) };
    // By its own name backout knows what it has registered itself.
    functions.backout.texts.function = Some("function".into());
    Search::new(scenario, state, Minds::new(gate, functions))
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
fn seed() -> Option<String> {
    std::env::var("SCHEDULE").ok()
}

fn explore(name: &str) {
    if seed().is_some() {
        return;
    }
    let found = look(name).unwrap_or_else(|what| panic!("{what}"));
    // Each order counts, also where it comes to points at which others were before: those are gone on from once.
    reached(&format!("schedules explored/{name}"), usize::try_from(found.schedules).unwrap_or(usize::MAX));
    reached(&format!("points that schedules came to/{name}"), found.points);
}

/// Explores one that takes minutes, unless it is known to hold.
fn prove(name: &str) -> Result<(), String> {
    unit("three at once", name, || {
        let found = look(name)?;
        // Of schedules there are more than fit into a table; the points are what was done.
        Ok(vec![("points", found.points)])
    })
}

/// All of a scenario, or what does not hold.
#[expect(clippy::print_stdout, reason = "the figures that the suite reached")]
fn look(name: &str) -> Result<Found, String> {
    let scenario = scenario(name);
    let begun = Instant::now();
    let mut search = open(&scenario);
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
    let seed = |seed: &str| format!("SCHEDULE='{name}:{seed}' cargo test --test it schedules -- --nocapture");
    let mut wrong = Vec::new();
    for (rule, (times, shortest)) in &found.broken {
        match known(name, rule) {
            Some(reason) => println!("  {times} times, known: {rule} ({reason})"),
            None => wrong.push(format!("  {times} times: {rule}\n    {}", seed(shortest))),
        }
    }
    let mended = known_of(name).filter(|rule| !found.broken.contains_key(*rule));
    wrong.extend(mended.map(|rule| format!("  holds by now, so take it out of known.rs: {rule}")));
    if wrong.is_empty() { Ok(found) } else { Err(format!("{name}:\n{}", wrong.join("\n"))) }
}

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).expect("a scenario")
}

/// Tells one schedule step by step.
#[test]
#[expect(clippy::print_stdout, reason = "what it is for")]
fn replay() {
    let Some(seed) = seed() else { return };
    let (name, choices) = seed.rsplit_once(':').expect("name:choices");
    let scenario = scenario(name);
    let mut search = open(&scenario);
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
    for name in ["equal", "original taken back", "two guards, exempt before", "two equal originals", "two guards"] {
        let scenario = scenario(name);
        let mut search = open(&scenario);
        let (all, reduced) = (search.all(), search.reduced());
        println!("{name}: {} schedules, {} after reduction, {} points", all.schedules, reduced.schedules, all.points);
        assert!(all.ends == reduced.ends, "{name}");
        if all.schedules < EVERY_ORDER_MAX {
            let every = search.every_order();
            assert_eq!(all.schedules, every.schedules, "{name}");
            assert!(all.ends == every.ends, "{name}");
        }
    }
}

#[test]
fn two_guards_exemption_ends() {
    explore("two guards, exemption ends");
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
fn two_guards_copy_taken_back() {
    explore("two guards, copy taken back");
}

#[test]
fn backout_and_guard() {
    explore("backout and guard");
}

#[test]
fn backout_and_guard_at_work() {
    explore("backout and guard at work");
}

#[test]
fn two_backouts() {
    explore("two backouts");
}

#[test]
fn backout_newer() {
    explore("backout, newer");
}

#[test]
fn backout_newer_privileged() {
    explore("backout, newer privileged");
}

#[test]
fn backout_same_again() {
    explore("backout, same again");
}

#[test]
fn backout_equal() {
    explore("backout, equal");
}

#[test]
fn backout_copy_taken_back() {
    explore("backout, copy taken back");
}

#[test]
fn backout_original_taken_back() {
    explore("backout, original taken back");
}

#[test]
fn backout_of_inactive_and_its_guard() {
    explore("backout of inactive and its guard");
}

#[test]
fn backout_of_a_service_newer() {
    explore("backout of a service, newer");
}

#[test]
fn service_new_original() {
    explore("service, new original");
}

#[test]
fn service_two_guards() {
    explore("service, two guards");
}

#[test]
fn service_same_event_twice() {
    explore("service, same event twice");
}

#[test]
fn service_clean_version() {
    explore("service, clean version");
}

#[test]
fn service_another_original() {
    explore("service, another original");
}

#[test]
fn service_deployed_anew() {
    explore("service, deployed anew");
}

#[test]
fn service_deploying() {
    explore("service, deploying");
}

#[test]
fn service_completes() {
    explore("service, completes");
}

#[test]
fn service_rolls_back() {
    explore("service, rolls back");
}

#[test]
fn service_exempted() {
    explore("service, exempted");
}

#[test]
fn service_copy_taken_back() {
    explore("service, copy taken back");
}

#[test]
fn service_backout() {
    explore("service, backout");
}

#[test]
fn service_deploying_and_its_guard() {
    explore("service, deploying and its guard");
}

#[test]
fn service_clean_version_and_its_guard() {
    explore("service, clean version and its guard");
}

#[test]
fn service_rolls_back_and_its_guard() {
    explore("service, rolls back and its guard");
}

#[test]
fn service_completes_and_its_guard() {
    explore("service, completes and its guard");
}

#[test]
fn service_begins_and_exempted() {
    explore("service, begins and exempted");
}

#[test]
fn service_registration_too() {
    explore("service, registration too");
}

#[test]
fn service_two_versions() {
    explore("service, two versions");
}

#[test]
fn service_version_and_anew() {
    explore("service, version and anew");
}

/// A test for each scenario that takes minutes.
macro_rules! explored_by_make_prove {
    ($($test:ident: $name:literal),+ $(,)?) => { $(
        #[test]
        #[ignore = "make prove"]
        fn $test() {
            all_hold([prove($name)]);
        }
    )+ };
}

explored_by_make_prove!(
    two_guards_newer: "two guards, newer",
    two_guards_equal: "two guards, equal",
    two_guards_exempted: "two guards, exempted",
    two_backouts_of_inactive: "two backouts of inactive",
    backout_of_inactive_newer: "backout of inactive, newer",
    backout_of_inactive_newer_privileged: "backout of inactive, newer privileged",
    backout_of_inactive_same_again: "backout of inactive, same again",
    two_guards_original_taken_back: "two guards, original taken back",
    service_another_original_and_its_guard: "service, another original and its guard",
    sweep_alone_newer: "sweep alone, newer",
    sweep_and_guard: "sweep and guard",
    sweep_guard_newer: "sweep, guard, newer",
    sweep_guard_newer_privileged: "sweep, guard, newer privileged",
    sweep_guard_same_again: "sweep, guard, same again",
    sweep_guard_equal: "sweep, guard, equal",
    sweep_guard_exempted: "sweep, guard, exempted",
    sweep_guard_original_taken_back: "sweep, guard, original taken back",
    sweep_guard_copy_taken_back: "sweep, guard, copy taken back",
    two_sweeps: "two sweeps",
    sweep_and_backout: "sweep and backout",
    sweep_backout_newer: "sweep, backout, newer",
    sweep_backout_same_again: "sweep, backout, same again",
    guard_backout_newer: "guard, backout, newer",
    guard_backout_newer_privileged: "guard, backout, newer privileged",
    guard_backout_same_again: "guard, backout, same again",
    guard_backout_copy_taken_back: "guard, backout, copy taken back",
    guard_backout_original_taken_back: "guard, backout, original taken back",
    two_guards_and_a_deployment: "two guards and a deployment",
    two_guards_the_deployment_completes: "two guards, the deployment completes",
    two_guards_and_a_completed_deployment: "two guards and a completed deployment",
    guard_deployment_original_taken_back: "guard, deployment, original taken back",
);
