//! A second opinion on the protocol: the order of calls told anew in a few pages, the product's pure functions called
//! for every judgement, and a model checker that goes through all that several guards, a pipeline, an operator and
//! backout can do at the same time. The oracle's rules are its properties. What the world in `tests/it` has and this has
//! not: the wire, services, the clock, sweep. What this has: more of everybody at once, lost answers and old lists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(clippy::wildcard_enum_match_arm, reason = "of all answers, a call has one or two")]

mod backout;
mod breaks;
mod guard;
mod judge;
mod mind;
mod play;
mod scenes;
mod texts;
mod world;

use std::collections::BTreeSet;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Path};

use self::breaks::Break;
use self::mind::{Errand, Next};
use self::play::{Act, Party, Play, Point, Scene, Stage};
use self::scenes::{broken, known, large, small};

/// A counterexample, call by call.
fn told(play: &Play, path: Path<Point, Act>) -> String {
    let steps = path.into_vec();
    let lines = steps.iter().filter_map(|(point, act)| Some(told_step(play, point, (*act)?)));
    let last = &steps.last().unwrap().0;
    let active: Vec<String> = last.world.active().map(|(number, rev)| format!("{number} {rev:?}")).collect();
    let records = last.world.records.iter().map(|(of, text)| format!("record of {of}: {text}"));
    let lines: Vec<String> = lines.chain(active).chain(records).chain([format!("{:?}", last.said)]).collect();
    let one_line = |line: &String| line.replace("\\n", "").replace('\n', "").replace("  ", "");
    lines.iter().map(one_line).collect::<Vec<_>>().join("\n    ")
}

fn told_step(play: &Play, point: &Point, act: Act) -> String {
    let (Act::Goes(party) | Act::Dies(party) | Act::Loses(party) | Act::SeesAnOldList(party)) = act else {
        return format!("{:?} is over", point.phase);
    };
    let what = match (&point.stages[party], play.scene.parties[party]) {
        (Stage::Waits(done), Party::People(deeds)) => format!("people: {:?}", deeds[*done]),
        (Stage::Waits(_), _) => "the guard begins with the news".to_owned(),
        (Stage::Runs { errand, mind, .. }, _) => match (errand, play.minds.next(*mind)) {
            (Errand::Event(of), Next::Asks(call)) => format!("guard of web:{of}: {call:?}"),
            (Errand::Request(days), Next::Asks(call)) => format!("backout of {days}: {call:?}"),
            (_, Next::Ended(end)) => format!("{end:?}"),
        },
    };
    format!("{party} {} {}", format!("{act:?}").split('(').next().unwrap_or_default(), what)
}

/// Goes through all of a scene: how many states it has, and what does not hold.
#[expect(clippy::print_stdout, reason = "the figures that the model reached")]
fn explore(scene: Scene) -> (usize, Vec<String>) {
    let begun = Instant::now();
    let (name, faults) = (scene.name, scene.faults);
    let checker = Play::new(scene, Break::Nothing).checker().threads(1).spawn_bfs().join();
    let (unique, all, depth) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
    let minds = checker.model().minds.count();
    println!(
        "{name}, {faults} faults: {unique} states, {all} steps, depth {depth}, {minds} minds, {:.1?}",
        begun.elapsed()
    );
    let found = checker.discoveries();
    let expected: BTreeSet<&str> = known(name).iter().copied().collect();
    let mended = expected.iter().filter(|rule| !found.contains_key(*rule));
    let mut wrong: Vec<String> = mended.map(|rule| format!("{name}: holds by now: {rule}")).collect();
    for (rule, path) in found {
        let counterexample = told(checker.model(), path);
        match expected.contains(rule) {
            true => println!("  known: {rule}"),
            false => wrong.push(format!("{name}: {rule}\n    {counterexample}")),
        }
    }
    (unique, wrong)
}

fn explore_all(scenes: Vec<Scene>) -> usize {
    let (states, wrong): (Vec<usize>, Vec<Vec<String>>) = scenes.into_iter().map(explore).unzip();
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    states.into_iter().sum()
}

#[test]
fn the_protocol_keeps_every_rule() {
    // What tests/README.md says.
    let states = explore_all(small());
    assert!(states > 97_000, "{states}");
}

/// Minutes: `cargo test --test model -- --ignored --nocapture`. `SCENE` names one.
#[test]
#[ignore = "minutes: cargo test --test model -- --ignored --nocapture"]
#[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
fn the_protocol_keeps_every_rule_with_more_of_everybody() {
    let only = std::env::var("SCENE").ok();
    explore_all(large().into_iter().filter(|scene| only.as_ref().is_none_or(|only| scene.name == only)).collect());
}

/// A model that cannot fail proves nothing.
#[test]
#[expect(clippy::print_stdout, reason = "what the breaks lead to")]
fn a_protocol_that_breaks_a_rule_is_found_out() {
    // What tests/README.md says.
    assert!(broken().len() >= 30, "{}", broken().len());
    let mut unbroken = Vec::new();
    for (breaks, scene, rule) in broken() {
        let name = scene.name;
        let until = HasDiscoveries::AnyOf(BTreeSet::from([rule]));
        let checker = Play::new(scene, breaks).checker().threads(1).finish_when(until).spawn_bfs().join();
        let found = checker.discoveries();
        let steps = found.get(rule).map(|path| path.clone().into_actions().len());
        match steps {
            Some(steps) => println!("{breaks:?} in {name}, {steps} steps: {rule}"),
            None => unbroken.push(format!("{breaks:?} in {name} breaks not {rule:?}, only {:?}", found.keys())),
        }
    }
    assert!(unbroken.is_empty(), "{}", unbroken.join("\n"));
}
