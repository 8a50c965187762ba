//! What a sweep costs in a large account: the first run, all runs until everything was looked at, a run that finds
//! nothing new, and one that does. The clock is the account's, which jumps; so the seconds are those of the pace.
#![allow(clippy::print_stdout, reason = "the figures in tests/README.md come from here")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ecs_privileged_guard::domain::arn::{Family, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::observation::Usage;
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::domain::sweep::foundation::Foundation;
use ecs_privileged_guard::domain::sweep::watermark::{Standing, Watermark};
use jiff::Timestamp;

use super::account::state::ecs::{Service, Task};
use super::account::{OPERATOR, PIPELINE, State};
use super::figures::reached;
use super::story::{BUCKET, NEWER};
use super::sweep::{WATERMARK, of_family};
use super::world::World;

const FAMILIES: usize = 20_000;
const REVISIONS: usize = 10;
/// One family in fifty is privileged, in each of its revisions.
const CLEAN_TO_PRIVILEGED: usize = 50;
const PRIVILEGED: &str = r#"{"family":"web","containerDefinitions":[{"name":"app","image":"app:1","privileged":true,"memory":128,"mountPoints":[{"sourceVolume":"docker","containerPath":"/docker"}]}],"volumes":[{"name":"docker","host":{"sourcePath":"/var/run/docker.sock"}}]}"#;

fn family(number: usize) -> String {
    format!("team-{:02}-service-{number:05}", number % 37)
}

fn is_privileged(number: usize) -> bool {
    number.is_multiple_of(CLEAN_TO_PRIVILEGED)
}

/// So many families, ten revisions each, and 200 services with a task each on clean ones.
pub(crate) fn fill(state: &mut State, families: usize) {
    let years_ago = state.now - Duration::from_hours(2 * 365 * 24);
    for number in 0..families {
        let input = if is_privileged(number) { PRIVILEGED } else { NEWER };
        state.ecs.fill(&family(number), REVISIONS, input, PIPELINE, years_ago);
    }
    for (place, number) in (1..families).step_by(families / 200).filter(|it| !is_privileged(*it)).enumerate() {
        let (id, service) = (format!("{}:{REVISIONS}", family(number)), family(number));
        let cluster = state.ecs.cluster(&format!("cluster-{}", place % 5));
        cluster.run(Task::running(&id, &format!("service:{service}")));
        cluster.services.insert(service, Service::on(&id));
    }
}

async fn world(families: usize) -> World {
    World::with(Mode::Remediate, NEWER, |state| {
        fill(state, families);
        state.pass(Duration::from_hours(24));
    })
    .await
}

/// What one run cost.
#[derive(Debug)]
struct Cost {
    /// Calls to ECS, by operation.
    calls: BTreeMap<String, usize>,
    /// Calls to S3 that put, list and get; and the bytes of the watermark, the report, its dated double and its page.
    s3: [usize; 3],
    written: usize,
    seconds: i64,
    is_complete: bool,
}

impl Cost {
    fn of(&self, operation: &str) -> usize {
        self.calls.get(operation).copied().unwrap_or_default()
    }

    fn all(&self) -> usize {
        self.calls.values().sum()
    }
}

/// One run, an hour after the last.
async fn run(world: &World) -> Cost {
    let began = {
        let mut state = world.state();
        state.forget_calls();
        state.pass(Duration::from_hours(1));
        state.now
    };
    let answer = world.sweep().await.unwrap();
    let state = world.state();
    let mut calls = BTreeMap::new();
    for call in state.calls().iter().filter(|call| call.action().starts_with("ecs:")) {
        *calls.entry(call.operation.clone()).or_default() += 1;
    }
    let of_s3 =
        |operation: &str| state.calls().iter().filter(|call| call.action() == format!("s3:{operation}")).count();
    let size = |key: &str| state.s3.object(BUCKET, key).map_or(0, <[u8]>::len);
    let reports =
        ["latest.json", "latest.json", "latest.html"].map(|name| format!("reports/111122223333/eu-west-1/{name}"));
    let s3 = ["PutObject", "ListObjectsV2", "GetObject"].map(of_s3);
    let written = size(WATERMARK) + reports.iter().map(|key| size(key)).sum::<usize>();
    let cost =
        Cost { s3, written, calls, seconds: state.now.duration_since(began).as_secs(), is_complete: answer.complete };
    println!("{} calls in {} s: {cost:?}, {:?}", cost.all(), cost.seconds, answer.outcomes);
    cost
}

fn watermark(world: &World) -> String {
    let state = world.state();
    String::from_utf8(state.s3.object(BUCKET, WATERMARK).unwrap().to_vec()).unwrap()
}

/// Runs until everything was looked at: how many, and how many descriptions that took.
async fn cover(world: &World) -> (usize, usize) {
    let mut described = 0;
    for number in 1..200 {
        let run = run(world).await;
        described += run.of("DescribeTaskDefinition");
        if run.is_complete {
            println!("{number} runs, {described} descriptions");
            return (number, described);
        }
    }
    panic!("it never ends");
}

/// The watermark of an account in which everything was looked at: nobody waits here for the ninety runs before it.
fn finished(world: &World) -> Watermark {
    let now = world.state().now;
    let (mut mark, _) = Watermark::read(&watermark(world), now);
    let number = |number: usize| Revision::new(number.try_into().unwrap()).unwrap();
    mark.families.insert("web".parse().unwrap(), (number(1), number(1)).into());
    let active: Vec<Revision> = (1..=REVISIONS).map(number).collect();
    for family_number in 0..FAMILIES {
        let family: Family = family(family_number).parse().unwrap();
        mark.families.insert(family.clone(), (number(REVISIONS), number(1)).into());
        for id in active.iter().map(|number| family.revision(*number)).filter(|_| is_privileged(family_number)) {
            let standing = standing(world, &id, &active, now);
            mark.privileged.entry(id).or_insert(standing);
        }
    }
    mark
}

fn standing(world: &World, id: &TaskDefinitionId, active: &[Revision], now: Timestamp) -> Standing {
    let (policy, usage) = (&world.guard.policy, &Usage::default());
    let (outcome, reason) = match active.last() {
        Some(latest) if *latest == id.revision => (Outcome::Alerted, Some(Reason::OutOfScope)),
        Some(_) | None => (Outcome::Superseded, None),
    };
    Standing {
        rests_on: Foundation { id, policy, active, exemption: None, record: None, usage }.text(),
        outcome,
        reason,
        failed_action: None,
        copy: None,
        containers: vec!["app".into()],
        residual: vec![
            "app: host path /var/run/docker.sock, writable".into(),
            "app: runs as root (Security Hub ECS.20)".into(),
        ],
        registered_at: Some(now),
        existed_before: true,
        by_event: false,
        was_told: reason.is_some(),
        missed_was_told: false,
        is_missing: false,
        exempt_until: None,
    }
}

#[tokio::test]
async fn twenty_thousand_families_cost_what_is_new_and_their_watermark_is_small() {
    let world = world(FAMILIES).await;
    let first = run(&world).await;
    assert!(!first.is_complete && first.seconds <= 15 * 60, "{first:?}");
    assert!((4_000..=4_500).contains(&(first.of("ListTaskDefinitions") + first.of("DescribeTaskDefinition"))));

    let text = finished(&world).to_json();
    world.state().put_object(OPERATOR, BUCKET, WATERMARK, text.as_bytes());
    let unchanged = run(&world).await;
    assert!(unchanged.is_complete, "{unchanged:?}");
    assert_eq!(unchanged.of("DescribeTaskDefinition"), 0, "{unchanged:?}");
    // As tests/e2e/cost.py counts it.
    assert_eq!(unchanged.s3, [4, 2, 1]);
    assert!(unchanged.written < 1_700_000, "{unchanged:?}");
    let pages = (FAMILIES * REVISIONS).div_ceil(100) + 1;
    assert_eq!(unchanged.of("ListTaskDefinitions"), pages);
    assert!(unchanged.all() - pages < 100, "one walk: {unchanged:?}");

    let text = watermark(&world);
    let began = Instant::now();
    let (read, why) = Watermark::read(&text, world.state().now);
    let took = began.elapsed();
    println!("watermark: {} bytes, read in {took:?}", text.len());
    assert_eq!((read.families.len(), why), (FAMILIES + 1, None));
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    assert!(took < Duration::from_millis(100), "{took:?}");

    // Three of them privileged: each is remediated, and its family's older ones, privileged too, are looked at again.
    let new: Vec<usize> = (0..FAMILIES).step_by(199).collect();
    for number in &new {
        let input = if is_privileged(*number) { PRIVILEGED } else { NEWER };
        world.state().register(PIPELINE, &of_family(&family(*number), input));
    }
    let changed = run(&world).await;
    assert!(changed.is_complete, "{changed:?}");
    let most = new.len() + 3 * 6 * (REVISIONS + 1);
    assert!((new.len()..most).contains(&changed.of("DescribeTaskDefinition")), "{changed:?}");
    reached("families in one sweep", FAMILIES);
    reached("revisions in one sweep", FAMILIES * REVISIONS);
}

#[tokio::test]
async fn a_tenth_of_that_is_covered_in_a_few_runs_each_revision_described_about_once() {
    let world = world(FAMILIES / 10).await;
    let (runs, described) = cover(&world).await;
    assert!(runs <= 7, "{runs} runs");
    // A privileged one is described by its look and by the reconciler's, beside its neighbours.
    let revisions = FAMILIES / 10 * REVISIONS;
    assert!((revisions..revisions + 3 * revisions / CLEAN_TO_PRIVILEGED + 10).contains(&described), "{described}");
    let unchanged = run(&world).await;
    assert_eq!((unchanged.of("DescribeTaskDefinition"), unchanged.is_complete), (0, true));
}

#[tokio::test]
#[ignore = "takes minutes: how many runs it takes to look at all of 200,000 revisions"]
async fn all_of_it_is_covered_in_a_hundred_runs() {
    let world = world(FAMILIES).await;
    let (runs, _) = cover(&world).await;
    println!("watermark: {} bytes", watermark(&world).len());
    assert!(runs <= 100, "{runs} runs");
}

#[tokio::test]
async fn a_family_of_100_000_revisions_is_looked_at_bit_by_bit_behind_the_latest_of_all() {
    let world = World::with(Mode::Remediate, NEWER, |state| {
        let years_ago = state.now - Duration::from_hours(2 * 365 * 24);
        state.ecs.fill("a-pipeline", 40, PRIVILEGED, PIPELINE, years_ago);
        state.ecs.fill("a-pipeline", 100_000 - 40, NEWER, PIPELINE, years_ago);
        state.pass(Duration::from_hours(24));
    })
    .await;
    let mut looked_at = Vec::new();
    for _ in 0..3 {
        let cost = run(&world).await;
        assert!(!cost.is_complete && cost.seconds <= 15 * 60, "{cost:?}");
        let mark: serde_json::Value = serde_json::from_str(&watermark(&world)).unwrap();
        assert_eq!(mark["families"]["web"], serde_json::json!([1, 1]));
        looked_at.push(100_001 - mark["families"]["a-pipeline"][1].as_u64().unwrap());
    }
    assert!(looked_at[0] > 2_000 && looked_at[1] > looked_at[0] + 2_000 && looked_at[2] > looked_at[1] + 2_000);

    // The end of it, where the privileged ones are: the reconciler asks for all that came after each.
    let text = watermark(&world).replace(&format!("[100000,{}]", 100_001 - looked_at[2]), "[100000,42]");
    world.state().put_object(OPERATOR, BUCKET, WATERMARK, text.as_bytes());
    let cost = run(&world).await;
    assert!(cost.is_complete && cost.seconds <= 15 * 60, "{cost:?}");
    assert!(cost.of("ListTaskDefinitions") < 1_001 + 3 * 40, "{cost:?}");
}
