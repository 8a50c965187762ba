//! Every call × every trouble × every scenario: each story is told without a fault and its calls counted, then again
//! with trouble at one of its calls, delivered again as Lambda would, looked at once more later, and judged by what is
//! in the account. A new call of the guard is covered with no new test.
//!
//! A failure is named by its seed. `SEED='fresh / cut after / 3' cargo test --test it faults` tells only that one, and a part of
//! a seed all that begin so.

/// A test for each share of the scenarios, for the cores that there are.
macro_rules! parts {
    ($($name:ident: $part:literal),+) => { $(
        #[tokio::test]
        async fn $name() {
            survive($part).await;
        }
    )+ };
}

mod backout;
mod enforce;
mod enforce_sweep;
pub(crate) mod kinds;
mod known;
pub(crate) mod pairs;
mod scenarios;
mod sweep;

use std::fmt::Write as _;
use std::time::Duration;

use ecs_privileged_guard::domain::outcome::{Answer, Outcome};
use ecs_privileged_guard::reconcile::Said;

use super::account::{Calls, GUARD, State};
use super::canaries::{self, ORIGINAL};
use super::figures::reached;
use super::oracle::{End, end, judge, judge_deliveries};
use super::world::World;
use kinds::troubles;
use known::KNOWN;
use scenarios::{Scenario, scenarios};

/// Lambda tries an event three times before it dead-letters it.
const ATTEMPTS: usize = 3;
/// When the next event of the family, or the sweep, comes by.
const LATER: Duration = Duration::from_mins(30);

/// The scenarios are dealt out to this many tests, for the cores that there are.
const PARTS: usize = 4;
/// See [`Strikes::has`].
const ONE_IN: usize = 4;

parts!(
    every_call_of_every_scenario_survives_trouble: 0,
    every_call_of_the_second_share_survives_trouble: 1,
    every_call_of_the_third_share_survives_trouble: 2,
    every_call_of_the_last_share_survives_trouble: 3
);

#[test]
fn there_are_as_many_scenarios_and_kinds_as_were_asked_for() {
    assert!(scenarios().len() >= 24, "{}", scenarios().len());
    assert!(troubles().len() >= 16, "{}", troubles().len());
    for known in KNOWN {
        assert!(scenarios().iter().any(|scenario| known.is_of(scenario.name)), "{}", known.why);
    }
}

async fn survive(part: usize) {
    let strikes = Strikes::asked();
    let (mut injected, mut broken, mut met) = (0, Vec::new(), [false; KNOWN.len()]);
    let names = || scenarios().into_iter().skip(part).step_by(PARTS).map(|scenario| scenario.name);
    for scenario in scenarios().into_iter().skip(part).step_by(PARTS) {
        let clean = World::with(scenario.mode, &ORIGINAL, scenario.set_up).await;
        let Ok(settled) = tell(&clean, 0, Heals::AfterTheFirst).await.map_err(|what| {
            broken.push(format!("{} / no trouble: {what}", scenario.name));
        }) else {
            continue;
        };
        let (calls, expected) = (settled.calls, [end(&clean), settled.end]);
        for (kind, trouble) in troubles().into_iter().enumerate() {
            for call in 1..=calls {
                let seed = format!("{} / {} / {call}", scenario.name, trouble.name);
                if !strikes.has(&seed, kind + call, ONE_IN) {
                    continue;
                }
                injected += 1;
                let strike = |state: &mut State| (trouble.strike)(state, Calls::all().by(GUARD).starting_at(call));
                let (_, _, verdict) = try_one(&scenario, strike, Heals::AfterTheFirst, &expected).await;
                let Err(what) = verdict else { continue };
                match KNOWN.iter().position(|known| known.is(scenario.name, trouble.name, &what)) {
                    Some(known) => met[known] = true,
                    None => broken.push(format!("{seed}: {what}")),
                }
            }
        }
    }
    for known in KNOWN.iter().zip(met).filter_map(|(known, met)| (!met && strikes.are_all()).then_some(known)) {
        if names().any(|name| known.is_of(name)) {
            broken.push(format!("it is mended, and must go from KNOWN: {}", known.why));
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    if strikes.are_many() {
        reached(&format!("faults injected/{part}"), injected);
        reached(&format!("canaries looked for/{part}"), injected * canaries::count());
    }
}

/// When what was planned to go wrong is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heals {
    /// With the first delivery.
    AfterTheFirst,
    /// When all of it has struck: it may strike a retry, but not the later look.
    Itself,
}

/// Trouble in a story: the world after it, how many calls the guard made until Lambda was done, and what does not hold.
async fn try_one(
    scenario: &Scenario,
    strike: impl FnOnce(&mut State),
    heals: Heals,
    expected: &[End; 2],
) -> (World, usize, Result<(), String>) {
    let world = World::with(scenario.mode, &ORIGINAL, scenario.set_up).await;
    strike(&mut world.state());
    let (calls, verdict) = match tell(&world, ATTEMPTS - 1, heals).await {
        Ok(settled) => (settled.calls, compare(&world, &settled, expected)),
        Err(what) => (0, Err(what)),
    };
    let verdict = verdict.map_err(|what| {
        let mut text = what;
        for delivered in world.deliveries().iter() {
            let _ = write!(text, "\n    {:?}, {} alerts", delivered.answer.as_ref().map(in_words), delivered.alerts);
        }
        text
    });
    (world, calls, verdict)
}

/// A later look puts right what the last one left.
async fn heal(world: &World) -> Result<(), String> {
    world.state().heal_faults();
    world.state().pass(LATER);
    let answer = world.deliver().await;
    judge(world, &[answer]).map_err(|what| format!("does not heal: {what}"))
}

/// The end as far as Lambda cares: the last answer, and what there was then.
struct Settled {
    answer: Result<Answer, String>,
    end: End,
    alerts: usize,
    /// How many calls the guard made in all.
    calls: usize,
}

/// Delivers as Lambda does, and once more later.
async fn tell(world: &World, retries: usize, heals: Heals) -> Result<Settled, String> {
    let mut answers = vec![world.deliver().await];
    if heals == Heals::AfterTheFirst {
        world.state().heal_faults();
    }
    judge(world, &answers)?;
    for _ in 0..retries {
        if answers.last().is_some_and(Result::is_ok) {
            break;
        }
        answers.push(world.deliver().await);
        judge(world, &answers)?;
    }
    let settled = {
        let alerts = world.state().sns.messages().len();
        Settled { answer: answers[answers.len() - 1].clone(), end: end(world), alerts, calls: world.calls_by(GUARD) }
    };
    world.state().heal_faults();
    world.state().pass(LATER);
    answers.push(world.deliver().await);
    judge(world, &answers).map_err(|what| format!("later: {what}"))?;
    judge_deliveries(world)?;
    Ok(settled)
}

/// The end equals the faultless one, as it is after a later look. When Lambda was done it did too (as it is after one
/// look or after two, since it may have looked twice), or somebody was told what to do, or the event is in the
/// dead-letter queue.
fn compare(world: &World, settled: &Settled, expected: &[End; 2]) -> Result<(), String> {
    let known_to_people = match &settled.answer {
        Ok(answer) => matches!(answer.outcome, Outcome::Failed | Outcome::Alerted) && settled.alerts > 0,
        Err(_) => true,
    };
    if !expected.contains(&settled.end) && !known_to_people {
        return Err(format!("silently ends in {}", difference(&settled.end, &expected[1])));
    }
    let healed = end(world);
    if healed != expected[0] {
        return Err(format!("does not heal: {}", difference(&healed, &expected[0])));
    }
    Ok(())
}

fn difference(is: &End, should_be: &End) -> String {
    let active =
        |end: &End| end.active.iter().map(|(ours, _)| if *ours { "ours" } else { "theirs" }).collect::<Vec<_>>();
    format!(
        "{:?} and not in {:?} (same content: {}), the record {:?} and not {:?}, same backup: {}",
        active(is),
        active(should_be),
        is.active == should_be.active,
        is.record,
        should_be.record,
        is.backup == should_be.backup
    )
}

fn in_words(said: &Said) -> String {
    let (reason, copy) = (said.reason().unwrap_or_default(), said.copy().unwrap_or_default());
    format!("{} {reason} {copy} {}", said.outcome(), said.alert().as_str())
}

/// Which strikes are made: `make prove` makes all; `make test`, at each call, one kind of trouble in so many, and other
/// ones at the next call; `SEED`, those whose name begins so.
struct Strikes {
    only: Option<String>,
}

impl Strikes {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
    fn asked() -> Self {
        Self { only: std::env::var("SEED").ok() }
    }

    fn are_all(&self) -> bool {
        self.are_many() && super::prove::is_on()
    }

    fn are_many(&self) -> bool {
        self.only.is_none()
    }

    fn has(&self, seed: &str, number: usize, one_in: usize) -> bool {
        match &self.only {
            Some(only) => seed.starts_with(only),
            None => self.are_all() || number.is_multiple_of(one_in),
        }
    }
}

/// Nothing of the fault is left when the next delivery comes.
#[tokio::test]
async fn a_process_that_is_killed_makes_no_call_any_more() {
    let fresh = &scenarios()[0];
    for (trouble, calls) in [("killed before", 3), ("killed after", 3), ("3 s left", 3)] {
        let world = World::with(fresh.mode, &ORIGINAL, fresh.set_up).await;
        let trouble = troubles().into_iter().find(|known| known.name == trouble).unwrap();
        (trouble.strike)(&mut world.state(), Calls::all().by(GUARD).starting_at(calls));
        let answer = world.deliver().await;
        if trouble.name.starts_with("killed") {
            let made = |state: &State| state.calls().iter().filter(|call| call.principal == GUARD).count();
            assert_eq!((answer, made(&world.state())), (Err("killed".to_owned()), calls));
        }
    }
}
