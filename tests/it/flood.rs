//! A flood: a thousand privileged registrations within a minute, in as many families, on the account's clock. The guard
//! is the real one with its real clients; ECS throttles as it documents; Lambda's queue for asynchronous events and its
//! ten places at once are played here by what AWS says of them:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
//!
//! Assumed, since AWS does not say: the queue waits twice as long after each throttle, from 1 s to 5 min; a run takes half
//! a second beside its waits. Left out: Lambda may drop events from a queue that does not get shorter, so the sweep
//! afterwards is part of the promise. The pipelines' own registrations take no tokens here; by default ECS would not
//! even let them in: their burst is 20, then one a second.
#![allow(clippy::print_stdout, reason = "the figures in FLEET.md come from here")]

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::outcome::Outcome;
use ecs_privileged_guard::domain::policy::Mode;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};

use super::account::state::Budget;
use super::account::state::ecs::{Revision, Service};
use super::account::{Call, Calls, Fault, GUARD, Kind, PIPELINE, Seen};
use super::figures::reached;
use super::story::{BUCKET, NEWER, PRIVILEGED};
use super::sweep::of_family;
use super::world::World;

/// `ReservedConcurrency`.
const PLACES: usize = 10;
/// What a run takes beside its waits.
const RUN: Duration = Duration::from_millis(500);
/// The function's time-out.
const TIMEOUT: Duration = Duration::from_mins(2);
/// `MaximumEventAgeInSeconds`.
const AGE_MAX: Duration = Duration::from_hours(6);
const MINUTE: Duration = Duration::from_mins(1);

fn family(number: usize) -> String {
    format!("service-{number:04}")
}

/// An event in Lambda's queue.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Timestamp,
    throttles: u32,
    failures: u32,
}

/// What became of the events.
#[derive(Debug, Default)]
struct Flood {
    /// By what the guard answered.
    answered: BTreeMap<&'static str, usize>,
    /// Those in the failure queue.
    dead: BTreeSet<usize>,
    /// When each answer came, in seconds since the first registration.
    answered_after: Vec<i64>,
    /// How often Lambda found no place.
    throttled: usize,
    /// How often it tried an event again because its run failed.
    tried_again: usize,
    most_at_once: usize,
    most_waiting: usize,
}

/// Registers a family every so often, and hands each event to the guard as Lambda would.
async fn flood(world: &Rc<World>, families: usize) -> Flood {
    let clock = world.guard.aws.clock.clone();
    let began = clock.now();
    let spacing = MINUTE / u32::try_from(families).unwrap();
    let (mut events, mut queue) = (Vec::new(), BTreeMap::<(Timestamp, usize), Waiting>::new());
    let mut running = JoinSet::new();
    let mut flood = Flood::default();
    loop {
        let now = clock.now();
        while events.len() < families && began + spacing * u32::try_from(events.len()).unwrap() <= now {
            let number = events.len();
            let mut state = world.state();
            state.register(PIPELINE, &of_family(&family(number), PRIVILEGED));
            events.push(state.trail().last().unwrap().clone());
            queue.insert((now, number), Waiting { since: now, throttles: 0, failures: 0 });
        }
        while let Some(first) = queue.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, number), mut waiting) = first.remove_entry();
            if running.len() < PLACES {
                running.spawn_local(run(Rc::clone(world), number, events[number].clone(), waiting));
                continue;
            }
            let pause = Duration::from_secs(300.min(1 << waiting.throttles.min(9)));
            waiting.throttles += 1;
            flood.throttled += 1;
            match now + pause < waiting.since + AGE_MAX {
                true => _ = queue.insert((now + pause, number), waiting),
                false => _ = flood.dead.insert(number),
            }
        }
        flood.most_at_once = flood.most_at_once.max(running.len());
        flood.most_waiting = flood.most_waiting.max(queue.len());
        let registers = (events.len() < families).then(|| began + spacing * u32::try_from(events.len()).unwrap());
        let next = registers.into_iter().chain(queue.keys().next().map(|(due, _)| *due)).min();
        if next.is_none() && running.is_empty() {
            return flood;
        }
        let wait = next.map_or(Duration::MAX, |next| next.duration_since(now).try_into().unwrap_or_default());
        tokio::select! {
            Some(ended) = running.join_next() => {
                let (number, mut waiting, answer) = ended.unwrap();
                match answer {
                    Some(outcome) => {
                        *flood.answered.entry(outcome).or_default() += 1;
                        flood.answered_after.push(clock.now().duration_since(began).as_secs());
                    }
                    None if waiting.failures == 2 => _ = flood.dead.insert(number),
                    None => {
                        waiting.failures += 1;
                        flood.tried_again += 1;
                        // After one minute, and after two more.
                        queue.insert((clock.now() + MINUTE * waiting.failures, number), waiting);
                    }
                }
            }
            () = clock.sleep(wait), if next.is_some() => {}
        }
    }
}

/// One run of the function: the outcome, or nothing if it failed.
async fn run(
    world: Rc<World>,
    number: usize,
    event: String,
    waiting: Waiting,
) -> (usize, Waiting, Option<&'static str>) {
    let Event::Look { subject, provenance, .. } = parse(&event, &world.guard.home).unwrap() else {
        panic!("a privileged registration is looked at")
    };
    let deadline = world.guard.aws.clock.now() + TIMEOUT;
    let concluded = world.guard.look(&subject, &provenance, deadline).await;
    world.guard.aws.clock.sleep(RUN).await;
    assert!(world.guard.aws.clock.now() < deadline, "Lambda would have ended the run of {number}");
    (number, waiting, concluded.ok().map(|concluded| concluded.said.outcome()))
}

/// The families whose alerts were published, in that order. A digest counts for none.
fn told(world: &World) -> Vec<String> {
    let document = |body: String| serde_json::from_str::<Value>(&body).unwrap();
    let messages = world.state().sns.messages().iter().map(|it| it.delivery("sqs").body).collect::<Vec<_>>();
    let names = messages.into_iter().map(document).filter_map(|it| it["taskDefinition"].as_str().map(str::to_owned));
    names.map(|name| name.split(':').next().unwrap().to_owned()).collect()
}

async fn account(mode: Mode) -> Rc<World> {
    let world = World::with(mode, NEWER, |state| {
        for number in 0..5 {
            let cluster = state.ecs.cluster(&format!("cluster-{number}"));
            cluster.services.insert("web".into(), Service::on("web:1"));
        }
        state.pass(Duration::from_hours(24));
    })
    .await;
    assert!(world.sweep().await.unwrap().complete);
    {
        let mut state = world.state();
        state.pass(Duration::from_mins(10));
        state.forget_calls();
        (state.budget, state.ends) = (Some(Budget::full()), None);
    }
    Rc::new(world)
}

async fn of(mode: Mode, families: usize) -> Flood {
    let world = account(mode).await;
    let flood = flood(&world, families).await;
    let mut calls = BTreeMap::<String, usize>::new();
    for call in world.state().calls() {
        *calls.entry(call.action()).or_default() += 1;
    }
    let is_throttled = |call: &&Call| call.seen == Seen::Refused("ThrottlingException".into());
    let throttled = world.state().calls().iter().filter(is_throttled).count();
    println!("{calls:?}, {throttled} throttled by ECS");
    println!(
        "by Lambda {}, tried again {}, at once {}, waiting {}",
        flood.throttled, flood.tried_again, flood.most_at_once, flood.most_waiting
    );
    let after = |share: usize| flood.answered_after.get(families * share / 100).or(flood.answered_after.last());
    println!(
        "{:?}, dead {}; half after {:?} s, nine in ten {:?} s, all {:?} s",
        flood.answered,
        flood.dead.len(),
        after(50),
        after(90),
        after(100)
    );
    assert_eq!(flood.answered.values().sum::<usize>() + flood.dead.len(), families, "each event has one end");
    assert!(flood.most_at_once <= PLACES);

    // Whoever was answered was told of once, and has a copy; whoever was not is in the queue, and found by sweep.
    let alerts = told(&world);
    let known: BTreeSet<&String> = alerts.iter().collect();
    assert_eq!(known.len(), alerts.len(), "nobody is told twice");
    for number in (0..families).filter(|number| !flood.dead.contains(number)) {
        assert!(is_done(&world, mode, number) && known.contains(&family(number)), "{}", family(number));
    }
    let is_overtaken = |(place, family): &(usize, &String)| alerts[..*place].iter().max() > Some(*family);
    let overtaken = alerts.iter().enumerate().filter(is_overtaken).count();
    println!("{} alerts, {overtaken} of them after one of a later registration", alerts.len());
    for hour in 1.. {
        let left = (0..families).filter(|number| !is_done(&world, mode, *number)).count();
        if left == 0 {
            return flood;
        }
        assert!(hour < 10, "{left} are never dealt with");
        world.state().pass(Duration::from_hours(1));
        world.sweep().await.unwrap();
    }
    flood
}

/// The original is there still, one copy after it if the mode makes any, and a record says that somebody was told.
fn is_done(world: &World, mode: Mode, number: usize) -> bool {
    let (state, family) = (world.state(), family(number));
    let is_privileged =
        |number: usize| state.ecs.revision(&format!("{family}:{number}")).is_some_and(Revision::is_privileged);
    let revisions: &[usize] = if mode.makes_copies() { &[1, 2] } else { &[1] };
    let record = state.s3.object(BUCKET, &format!("records/111122223333/eu-west-1/{family}/1.json"));
    let record = record.and_then(|record| serde_json::from_slice::<Value>(record).ok());
    state.ecs.active(&family) == revisions
        && is_privileged(1)
        && !is_privileged(2)
        && record.is_some_and(|record| record["alertedAt"].is_string())
}

#[tokio::test]
async fn a_hundred_registrations_a_minute_are_each_remedied_and_told() {
    let flood = LocalSet::new().run_until(of(Mode::Remediate, 100)).await;
    assert_eq!(flood.answered, BTreeMap::from([("remediated", 100)]));
    reached("registrations in a flood", 100);
}

#[tokio::test]
#[ignore = "takes half a minute: what FLEET.md says of a flood"]
async fn a_thousand_registrations_a_minute_are_each_told_and_remedied() {
    for (mode, outcome, minutes) in [(Mode::Alert, "alerted", 5..=10), (Mode::Remediate, "remediated", 45..=65)] {
        let flood = LocalSet::new().run_until(of(mode, 1_000)).await;
        assert_eq!(flood.answered, BTreeMap::from([(outcome, 1_000)]));
        assert!(minutes.contains(&(flood.answered_after.last().unwrap() / 60)), "{:?}", flood.answered_after.last());
    }
}

#[tokio::test]
async fn the_records_of_a_familys_flood_are_read_several_at_a_time() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        for number in 100..160 {
            let key = format!("records/111122223333/eu-west-1/web/{number}.json");
            let text = format!(r#"{{"schemaVersion":1,"taskDefinition":"web:{number}","outcome":"exempt"}}"#);
            state.put_object(GUARD, BUCKET, &key, text.as_bytes());
            // Each takes the five seconds of a time-out.
            let read = Calls::of("GetObject").by(GUARD).on(&key);
            state.inject(Fault::once(Kind::DelayBefore(Duration::from_secs(1)), read));
        }
    })
    .await;
    let began = world.state().now;
    assert_eq!(world.deliver().await.unwrap().outcome, Outcome::Remediated);
    let took = world.state().now.duration_since(began).as_secs();
    assert!(took < 60, "{took} s");
}
