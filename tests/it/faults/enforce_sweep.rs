//! The same of a sweep that moves services: trouble at each of its calls, Lambda's retry, then what ECS goes on to do and
//! the next scheduled runs; and the service must end where it ends without trouble, moved once at most, and told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;

use super::super::account::{Calls, PIPELINE, SWEEP, State};
use super::super::canaries::{self, CLEAN, ORIGINAL};
use super::super::enforce::{runs, stored};
use super::super::figures::reached;
use super::super::world::World;
use super::Strikes;
use super::kinds::{Trouble, troubles};

/// See [`Strikes::has`].
const ONE_IN: usize = 12;
/// So many scheduled runs after the one that was struck.
const RUNS: usize = 4;

/// The service's way, and what ECS does between two runs.
struct Scenario {
    name: &'static str,
    /// Clean sweeps before the one that is struck.
    runs_before: usize,
    between: fn(&mut State),
    /// Whether the service must end on the original, and the state of its move.
    ends: (bool, &'static str),
    /// What people must have read.
    told: &'static str,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario { name: "starts", runs_before: 0, between: completes, ends: (false, "moved"), told: "has settled there" },
    Scenario { name: "settles", runs_before: 1, between: completes, ends: (false, "moved"), told: "has settled there" },
    Scenario {
        name: "respects",
        runs_before: 1,
        between: fails,
        ends: (true, "rolled_back"),
        told: "back on the original",
    },
];

fn completes(state: &mut State) {
    state.complete_deployment("prod", "web");
}

/// What moved it fails; whatever else is deployed completes.
fn fails(state: &mut State) {
    let is_back = state.ecs.service("prod", "web").is_some_and(|service| service.task_definition == "web:2");
    match is_back {
        true => state.complete_deployment("prod", "web"),
        false => state.fail_deployment("prod", "web"),
    };
}

async fn prepared(scenario: &Scenario) -> World {
    let world = World::with(Mode::Enforce, &CLEAN, |_| {}).await;
    world.sweep().await.expect("a clean sweep");
    {
        let mut state = world.state();
        state.pass(Duration::from_hours(1));
        state.register(PIPELINE, &ORIGINAL);
        let breaker = r#"{"taskDefinition":"web:2","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;
        state.create_service_with(PIPELINE, "prod", "web", breaker);
        state.complete_deployment("prod", "web");
    }
    for _ in 0..scenario.runs_before {
        world.sweep().await.expect("a clean sweep");
        pass(&world, scenario);
    }
    world.state().forget_calls();
    world
}

fn pass(world: &World, scenario: &Scenario) {
    let mut state = world.state();
    (scenario.between)(&mut state);
    state.pass(Duration::from_hours(1));
}

/// The run that is struck, its retry, and the next ones; what does not hold then.
async fn follow(world: &World, scenario: &Scenario) -> Result<(), String> {
    if world.sweep().await.is_err() {
        world.state().pass(Duration::from_mins(1));
        let _ = world.sweep().await;
    }
    world.state().heal();
    for _ in 0..RUNS {
        pass(world, scenario);
        world.sweep().await.map_err(|category| format!("nobody heals an error: {category}"))?;
    }
    let entry = stored(world);
    let state = world.state();
    let service = state.ecs.service("prod", "web").expect("a service");
    let moves = service.history.iter().filter(|it| it.task_definition != "web:2").count();
    let told: Vec<String> = state.sns.messages().iter().map(|message| message.delivery("email").body).collect();
    let mut broken = String::new();
    let end = (service.task_definition == "web:2", entry["state"].as_str().unwrap_or_default());
    if end != scenario.ends {
        let _ = write!(broken, "ends on {} {end:?} and not {:?}; ", service.task_definition, scenario.ends);
    }
    // A copy that could not be proven was withdrawn, and another one made.
    if !end.0 && entry["copy"] != service.task_definition.as_str() {
        let _ = write!(broken, "ends on {}, and the move says {}; ", service.task_definition, entry["copy"]);
    }
    if moves != 1 {
        let _ = write!(broken, "deployed to the copy {moves} times; ");
    }
    if !told.iter().any(|text| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(scenario.told)) {
        let _ = write!(broken, "nobody was told; ");
    }
    let leaks: BTreeSet<_> = told.iter().flat_map(|text| canaries::leaks(text.as_bytes())).collect();
    if !leaks.is_empty() {
        let _ = write!(broken, "leaks {leaks:?}; ");
    }
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

#[tokio::test]
async fn every_call_of_a_sweep_that_moves_survives_every_trouble() {
    let strikes = Strikes::asked();
    let (mut injected, mut broken) = (0, Vec::new());
    for scenario in SCENARIOS {
        let clean = prepared(&scenario).await;
        let before = clean.again().await;
        clean.sweep().await.expect("a clean sweep");
        let calls = clean.state().calls().len();
        assert!(calls > 10 && !runs(&clean).is_empty(), "{}", scenario.name);
        assert_eq!(follow(&before.again().await, &scenario).await, Ok(()), "{} without trouble", scenario.name);
        for call in 1..=calls {
            for (kind, Trouble { name, strike }) in troubles().into_iter().enumerate() {
                let seed = format!("enforce sweep / {} / {name} / {call}", scenario.name);
                if !strikes.has(&seed, kind + call, ONE_IN) {
                    continue;
                }
                injected += 1;
                let world = before.again().await;
                strike(&mut world.state(), Calls::all().by(SWEEP).starting_at(call));
                if let Err(what) = follow(&world, &scenario).await {
                    broken.push(format!("{seed}: {what}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    if strikes.are_many() {
        reached("faults injected/enforce sweep", injected);
        reached("canaries looked for/enforce sweep", injected * canaries::count());
    }
}
