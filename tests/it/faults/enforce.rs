//! The same of mode `enforce`: trouble at each call of one event's run, Lambda's retries, then what ECS goes on to do
//! and each event that follows from it; and the service must end where it ends without trouble, moved once at most.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::reconcile::Said;
use serde_json::Value;

use super::super::account::state::ecs::Task;
use super::super::account::{Calls, Fault, GUARD, Kind, PIPELINE, Seen, State};
use super::super::canaries::{self, ORIGINAL};
use super::super::enforce::{MOVE, last, last_of_deployment, stored};
use super::super::figures::reached;
use super::super::oracle::judge_deliveries;
use super::super::story::{BUCKET, NEWER};
use super::super::world::{EXEMPTION, World, exempt_until};
use super::kinds::{Trouble, troubles};
use super::{Heals, Strikes, in_words};

/// Lambda tries again after a minute, and after two more.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// ECS is done with a deployment, and another event comes by.
const LATER: Duration = Duration::from_mins(3);
/// So many deployments follow from an event at most: the one that was in progress, the move, a way back, and none.
const TURNS_MAX: usize = 4;

/// The scenarios are dealt out to this many tests, for the cores that there are.
const PARTS: usize = 2;
/// See [`Strikes::has`]; other ones in the next scenario too.
const ONE_IN: usize = 15;

parts!(
    every_call_of_a_move_survives_every_trouble: 0,
    every_call_of_the_other_moves_survives_every_trouble: 1
);

pub(super) type Prepared = Pin<Box<dyn Future<Output = World>>>;

/// An account, and the event that is handed over in trouble: the world's own.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) prepare: fn() -> Prepared,
    /// What is planned besides the trouble, for the first delivery only.
    plan: fn(&mut State),
}

const BREAKER: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;
const BREAKER_WITHOUT_ROLLBACK: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":false}}}"#;
const BLUE_GREEN: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"strategy":"BLUE_GREEN"}}"#;
const CODE_DEPLOY: &str = r#"{"taskDefinition":"web:1","deploymentController":{"type":"CODE_DEPLOY"}}"#;

/// A service is being deployed on the original.
async fn deploying(input: &'static str) -> World {
    let set_up = |state: &mut State| state.create_service_with(PIPELINE, "prod", "web", input);
    let world = World::with(Mode::Enforce, &ORIGINAL, set_up).await;
    let event = last(&world, "CreateService");
    with(world, event)
}

/// It is at rest there, and nobody has looked yet.
async fn at_rest(input: &'static str) -> World {
    let world = deploying(input).await;
    world.state().complete_deployment("prod", "web");
    world
}

/// Another event is its own.
fn with(mut world: World, event: String) -> World {
    world.event = event;
    world
}

/// The event is handed over, something happens, and the next event is the one to look at.
async fn then(world: World, happens: fn(&mut State), event: fn(&World) -> String) -> World {
    world.hand_over(&world.event).await.expect("an answer");
    happens(&mut world.state());
    let event = event(&world);
    with(world, event)
}

fn completes(state: &mut State) {
    assert!(state.complete_deployment("prod", "web"));
}

fn fails(state: &mut State) {
    assert!(state.fail_deployment("prod", "web"));
}

fn goes_back(state: &mut State) {
    state.update_service(PIPELINE, "prod", "web", "web:1");
}

fn last_failed(world: &World) -> String {
    world.state().deployment_events().iter().rfind(|it| it.contains("_FAILED")).expect("an event").clone()
}

fn last_update(world: &World) -> String {
    last(world, "UpdateService")
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let of = |name, prepare| Scenario { name, prepare, plan: |_| {} };
    vec![
        of("waits", || {
            Box::pin(async {
                let world = World::with(Mode::Enforce, &ORIGINAL, |state| {
                    state.register(PIPELINE, &NEWER.replace("\"web\"", "\"old\""));
                    state.create_service(PIPELINE, "prod", "web", "old:1");
                    state.complete_deployment("prod", "web");
                    state.update_service(PIPELINE, "prod", "web", "web:1");
                })
                .await;
                let event = last_update(&world);
                with(world, event)
            })
        }),
        of("starts", || Box::pin(at_rest(BREAKER))),
        of("completed, starts", || {
            Box::pin(async { then(deploying(BREAKER).await, completes, last_of_deployment).await })
        }),
        of("completed, moved", || {
            Box::pin(async { then(at_rest(BREAKER).await, completes, last_of_deployment).await })
        }),
        of("rolled back", || Box::pin(async { then(at_rest(BREAKER).await, fails, last_failed).await })),
        of("failed, not rolled back", || {
            Box::pin(async { then(at_rest(BREAKER_WITHOUT_ROLLBACK).await, fails, last_failed).await })
        }),
        of("put back", || {
            Box::pin(async {
                let moved = then(at_rest(BREAKER).await, completes, last_of_deployment).await;
                then(moved, goes_back, last_update).await
            })
        }),
        of("put back while it moves", || {
            Box::pin(async { then(at_rest(BREAKER).await, goes_back, last_update).await })
        }),
        of("CODE_DEPLOY", || Box::pin(deploying(CODE_DEPLOY))),
        Scenario {
            plan: |state| {
                let denied = Kind::AccessDenied("ecs:UpdateService");
                state.inject(Fault::always(denied, Calls::of("UpdateService").by(GUARD)));
            },
            ..of("refused", || Box::pin(at_rest(BREAKER)))
        },
        of("overdue", || {
            Box::pin(async {
                let late: fn(&mut State) = |state| state.pass(Duration::from_mins(61));
                then(at_rest(BREAKER).await, late, last_of_deployment).await
            })
        }),
        of("blue/green, waits", || Box::pin(deploying(BLUE_GREEN))),
        of("blue/green, starts", || {
            Box::pin(async { then(deploying(BLUE_GREEN).await, completes, last_of_deployment).await })
        }),
        Scenario {
            plan: |state| {
                state.before(Calls::of("UpdateService").by(GUARD), |state| {
                    state.register(PIPELINE, &NEWER.replace("\"web\"", "\"other\""));
                    state.update_service(PIPELINE, "prod", "web", "other:1");
                });
            },
            ..of("deployed in the same moment", || Box::pin(at_rest(BREAKER)))
        },
        Scenario {
            plan: |state| state.after(Calls::of("UpdateService").by(GUARD), |state| exempt_until(state, 30)),
            ..of("exempted in the same moment", || Box::pin(at_rest(BREAKER)))
        },
        of("registration, runs already", || {
            Box::pin(async {
                let world = at_rest(BREAKER).await;
                let task = Task::running("web:1", "service:web");
                world.state().ecs.cluster("prod").run(task);
                let event = world.state().trail()[0].clone();
                with(world, event)
            })
        }),
    ]
}

/// Where a service came to, by content: numbers may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    runs: String,
    /// Of its move: the state and the reason.
    entry: [Value; 2],
    original: String,
    copy: String,
}

/// A revision by who registered it.
fn named(state: &State, id: &str) -> String {
    match state.ecs.revision(id).is_some_and(|revision| revision.registered_by == GUARD) {
        true => "a copy".to_owned(),
        false => id.to_owned(),
    }
}

fn end(world: &World) -> End {
    let entry = stored(world);
    let state = world.state();
    let service = state.ecs.service("prod", "web").expect("a service");
    let (runs, name) = (&service.task_definition, |member: &str| entry[member].as_str().unwrap_or_default().to_owned());
    // Whether it was on its way before its family was exempted, or waits while it is, comes to the same.
    let is_exempt = state.s3.object(BUCKET, EXEMPTION).is_some() && *runs == name("original");
    // Whether the copy ran for a moment before its owner's word was put back, or never, comes to the same too.
    let of_entry = ["state", "reason"].map(|member| match entry[member].as_str() {
        _ if is_exempt => Value::Null,
        Some("not_moved") => "by_owner".into(),
        Some(_) | None => entry[member].clone(),
    });
    End { runs: named(&state, runs), entry: of_entry, original: name("original"), copy: named(&state, &name("copy")) }
}

/// What people were told of, by outcome.
fn told(world: &World) -> BTreeSet<String> {
    let state = world.state();
    let outcomes = state.sns.messages().iter().filter_map(|it| it.attributes.get("outcome"));
    outcomes.map(|(_, outcome)| outcome.replace("already_", "")).collect()
}

/// The events that came up from a time on.
struct Mailbox {
    calls: usize,
    deployments: usize,
}

impl Mailbox {
    fn from_now(world: &World) -> Self {
        let state = world.state();
        Self { calls: state.trail().len(), deployments: state.deployment_events().len() }
    }

    fn take(&mut self, world: &World) -> Vec<String> {
        let state = world.state();
        let is_news = |event: &&String| event.contains("\"UpdateService\"") && !event.contains("guard-role");
        let calls = state.trail()[self.calls..].iter().filter(is_news);
        // What began says nothing that the event itself, handed over again, would not.
        let ends = state.deployment_events()[self.deployments..].iter().filter(|it| !it.contains("_IN_PROGRESS"));
        let events = calls.chain(ends).cloned().collect();
        (self.calls, self.deployments) = (state.trail().len(), state.deployment_events().len());
        events
    }
}

/// Delivers as Lambda does; then ECS goes on, and each event comes.
async fn tell(world: &World, heals: Heals) -> Result<Told, String> {
    let mut mailbox = Mailbox::from_now(world);
    let before = world.calls_by(GUARD);
    let mut answer = world.hand_over(&world.event).await;
    if heals == Heals::AfterTheFirst {
        world.state().heal_faults();
    }
    for pause in RETRIES {
        if answer.is_err() {
            world.state().pass(pause);
            answer = world.hand_over(&world.event).await;
        }
    }
    let told = Told { is_dead_letter: answer.is_err(), calls: world.calls_by(GUARD) - before };
    world.state().heal_faults();
    world.state().pass(LATER);
    deliver(world, &world.event).await?;
    for _ in 0..TURNS_MAX {
        loop {
            let events = mailbox.take(world);
            if events.is_empty() {
                break;
            }
            for event in &events {
                deliver(world, event).await?;
            }
        }
        world.state().pass(LATER);
        if !world.state().complete_deployment("prod", "web") {
            break;
        }
    }
    judge(world)?;
    Ok(told)
}

/// What came of the event.
struct Told {
    is_dead_letter: bool,
    /// How many calls the guard made until Lambda was done.
    calls: usize,
}

async fn deliver(world: &World, event: &str) -> Result<Said, String> {
    world.hand_over(event).await.map_err(|error| format!("does not heal: {error}"))
}

/// What must hold whatever went wrong.
fn judge(world: &World) -> Result<(), String> {
    judge_deliveries(world)?;
    let state = world.state();
    let leaks = canaries::leaks_of(&state);
    let entry: Value =
        state.s3.object(BUCKET, MOVE).map_or(Value::Null, |body| serde_json::from_slice(body).expect("JSON"));
    let service = state.ecs.service("prod", "web").expect("a service");
    let deployed = service.history.iter().filter(|entry| named(&state, &entry.task_definition) == "a copy").count();
    match (leaks.is_empty(), entry["begun"].is_null(), deployed) {
        (false, ..) => Err(format!("leaks: {leaks:?}")),
        (_, false, _) => Err(format!("nobody is at it, and it is said so: {entry}")),
        (true, true, 0 | 1) => Ok(()),
        (true, true, _) => Err(format!("a copy was deployed {deployed} times")),
    }
}

/// As of the guard's stories: the world after it, how many calls were made until Lambda was done, and what does not hold.
pub(super) async fn try_one(
    prepared: &World,
    scenario: &Scenario,
    strike: impl FnOnce(&mut State),
    heals: Heals,
    clean: &Clean,
) -> (World, usize, Result<(), String>) {
    let world = prepared.again().await;
    strike(&mut world.state());
    (scenario.plan)(&mut world.state());
    let (calls, verdict) = match tell(&world, heals).await {
        Ok(told) => (told.calls, compare(&world, scenario, told.is_dead_letter, clean)),
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

pub(super) struct Clean {
    end: End,
    told: BTreeSet<String>,
}

fn compare(world: &World, scenario: &Scenario, is_dead_letter: bool, clean: &Clean) -> Result<(), String> {
    let (end, told) = (end(world), told(world));
    // What was refused, and cannot be done later, somebody was told to do.
    let is_refused = world.state().calls().iter().any(|call| {
        let is_kept_from = matches!(&call.seen, Seen::Refused(_));
        call.principal == GUARD && call.operation == "UpdateService" && is_kept_from
    });
    if end != clean.end && !(is_refused && told.contains("move_failed")) {
        return Err(format!("ends in {end:?}\n    and not in {:?}", clean.end));
    }
    let mut to_tell = clean.told.clone();
    // What Lambda's retry was not refused any more, or the run's own next look, nobody needs to hear of; and what kept the
    // run from going on after it was refused, another alert says.
    let has_begun = |answer: &Said| answer.outcome() == "move_started";
    let is_healed = world.deliveries().first().is_some_and(|it| it.answer.as_ref().map_or(true, has_begun));
    let is_told = told.contains("failed") || told.contains("alerted");
    if (is_healed || is_told || !is_refused) && scenario.name == "refused" {
        to_tell.remove("move_failed");
    }
    // Of a copy people may hear by an alert about something else that names it: an exemption that could not be read again.
    let names_the_copy = |said: &Said| said.outcome() == "alerted" && said.copy().is_some();
    if world.deliveries().iter().any(|it| it.alerts > 0 && it.answer.as_ref().is_ok_and(names_the_copy)) {
        to_tell.remove("remediated");
    }
    match told.is_superset(&to_tell) || is_dead_letter {
        true => Ok(()),
        false => Err(format!("told {told:?} and not {to_tell:?}")),
    }
}

/// The number of the guard's calls in the first delivery.
async fn calls_of_the_first(prepared: &World, scenario: &Scenario) -> usize {
    let world = prepared.again().await;
    (scenario.plan)(&mut world.state());
    world.state().forget_calls();
    world.hand_over(&world.event).await.expect("an answer");
    world.calls_by(GUARD)
}

pub(super) async fn clean(prepared: &World, scenario: &Scenario) -> Result<Clean, String> {
    let world = prepared.again().await;
    (scenario.plan)(&mut world.state());
    tell(&world, Heals::AfterTheFirst).await?;
    Ok(Clean { end: end(&world), told: told(&world) })
}

async fn survive(part: usize) {
    let strikes = Strikes::asked();
    let (mut injected, mut broken) = (0, Vec::new());
    for (number, scenario) in scenarios().into_iter().enumerate().skip(part).step_by(PARTS) {
        let prepared = (scenario.prepare)().await;
        let clean = match clean(&prepared, &scenario).await {
            Ok(clean) => clean,
            Err(what) => {
                broken.push(format!("{} / no trouble: {what}", scenario.name));
                continue;
            }
        };
        for call in 1..=calls_of_the_first(&prepared, &scenario).await {
            for (kind, trouble) in troubles().into_iter().enumerate() {
                let seed = format!("enforce / {} / {} / {call}", scenario.name, trouble.name);
                if !strikes.has(&seed, kind + 3 * call + number, ONE_IN) {
                    continue;
                }
                injected += 1;
                let Trouble { strike, .. } = trouble;
                let struck = |state: &mut State| strike(state, Calls::all().by(GUARD).starting_at(call));
                if let (_, _, Err(what)) = try_one(&prepared, &scenario, struck, Heals::AfterTheFirst, &clean).await {
                    broken.push(format!("{seed}: {what}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    if strikes.are_many() {
        reached(&format!("faults injected/enforce {part}"), injected);
        reached(&format!("canaries looked for/enforce {part}"), injected * canaries::count());
    }
}
