//! What a run waits for, and how long, on the account's clock: what only adds to the alert never costs the remedy, and a
//! throttle is waited out as long as a remedy could still follow.

use std::time::Duration;

use ecs_privileged_guard::domain::outcome::{Alerting, Outcome, Reason};
use ecs_privileged_guard::domain::policy::Mode;
use jiff::SignedDuration;

use super::account::state::ecs::{Service, Task};
use super::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, SWEEP, State};
use super::story::PRIVILEGED;
use super::sweep::of_family;
use super::world::World;

/// As many as the guard looks at.
const CLUSTERS: usize = 100;

fn with_clusters(state: &mut State) {
    for number in 0..CLUSTERS {
        state.ecs.cluster(&format!("cluster-{number:03}"));
    }
}

/// Each of these calls takes so long, and succeeds.
fn slow(state: &mut State, operation: &str, seconds: u64) {
    for nth in 1..=CLUSTERS {
        let calls = Calls::of(operation).by(GUARD).starting_at(nth);
        state.before(calls, move |state| state.pass(Duration::from_secs(seconds)));
    }
}

/// What a delivery comes to, and how long it takes.
async fn timed(world: &World) -> (Result<(Outcome, Alerting), String>, SignedDuration) {
    let began = world.state().now;
    let answer = world.deliver().await.map(|answer| (answer.outcome, answer.alert));
    let took = world.state().now.duration_since(began);
    (answer, took)
}

const REMEDIED: Result<(Outcome, Alerting), String> = Ok((Outcome::Remediated, Alerting::Sent));

#[tokio::test]
async fn a_walk_over_slow_clusters_ends_in_time_and_the_alert_says_what_was_not_seen() {
    let world = World::with(Mode::Remediate, PRIVILEGED, with_clusters).await;
    slow(&mut world.state(), "ListTasks", 3);
    let (answer, took) = timed(&world).await;
    assert_eq!(answer, REMEDIED);
    assert!(took < SignedDuration::from_secs(25), "{took}");
    assert!(world.mail().contains("more clusters were not looked at"), "{}", world.mail());
}

#[tokio::test]
async fn a_walk_over_clusters_that_never_answer_ends_in_time() {
    for operation in ["ListClusters", "ListTasks"] {
        let world = World::with(Mode::Remediate, PRIVILEGED, with_clusters).await;
        let hangs = Kind::DelayBefore(Duration::from_hours(1));
        world.state().inject(Fault::always(hangs, Calls::of(operation).by(GUARD)));
        let (answer, took) = timed(&world).await;
        assert_eq!(answer, REMEDIED, "{operation}");
        assert!(took < SignedDuration::from_secs(25), "{operation}: {took}");
    }
}

#[tokio::test]
async fn what_heals_by_itself_is_not_held_back_by_the_walk() {
    let world = World::with(Mode::Remediate, PRIVILEGED, with_clusters).await;
    slow(&mut world.state(), "ListTasks", 3);
    // One call with all its retries.
    let throttled = Calls::of("GetObject").by(GUARD).on("exemptions/");
    world.state().inject(Fault::times(3, Kind::Throttled, throttled));
    let (answer, took) = timed(&world).await;
    assert_eq!(answer, REMEDIED);
    assert!(took < SignedDuration::from_secs(35), "a walk in each look takes more: {took}");
}

#[tokio::test]
async fn a_family_that_moves_on_is_looked_at_again_without_another_walk() {
    let world = World::with(Mode::Remediate, PRIVILEGED, with_clusters).await;
    slow(&mut world.state(), "ListTasks", 3);
    // Another run registers its copy just before ours.
    world.state().before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
        state.register(GUARD, super::story::CLEAN);
    });
    let (answer, took) = timed(&world).await;
    assert_eq!(answer, Ok((Outcome::AlreadyRemediated, Alerting::Sent)));
    assert!(took < SignedDuration::from_secs(35), "{took}");
}

#[tokio::test]
async fn in_a_cluster_that_is_deleted_meanwhile_nothing_runs() {
    for operation in ["ListTasks", "DescribeTasks"] {
        let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
            state.deregister(OPERATOR, "web:1");
            let cluster = state.ecs.cluster("old");
            cluster.services.insert("web".into(), Service::on("web:1"));
            cluster.run(Task::running("web:1", "service:web"));
            state.before(Calls::of(operation).by(GUARD), |state| {
                state.ecs.delete_cluster("old");
            });
        })
        .await;
        let (answer, _) = timed(&world).await;
        assert_eq!(answer, Ok((Outcome::Inactive, Alerting::None)), "{operation}");
    }
}

#[tokio::test]
async fn a_throttle_is_waited_out() {
    for operation in ["RegisterTaskDefinition", "DescribeTaskDefinition"] {
        let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
        // As a pipeline that registers hundreds keeps it up: for a minute and more.
        let end = world.state().now + Duration::from_secs(70);
        world.state().inject(Fault::always(Kind::Throttled, Calls::of(operation).by(GUARD)));
        for nth in 1..200 {
            world.state().before(Calls::of(operation).by(GUARD).starting_at(nth), move |state| {
                if state.now >= end {
                    state.heal_faults();
                }
            });
        }
        let (answer, took) = timed(&world).await;
        assert_eq!(answer, REMEDIED, "{operation} {took}");
        assert_eq!(world.state().ecs.active("web"), [1, 2]);
    }
}

#[tokio::test]
async fn a_throttle_that_lasts_is_given_back_to_lambda_in_time() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    let registering = Calls::of("RegisterTaskDefinition").by(GUARD);
    world.state().inject(Fault::always(Kind::Throttled, registering));
    let (answer, took) = timed(&world).await;
    assert_eq!(answer, Err("throttled".to_owned()));
    let span = SignedDuration::from_secs(80)..SignedDuration::from_secs(100);
    assert!(span.contains(&took), "{took}");
    assert_eq!(world.state().sns.messages().len(), 0);
}

/// What else heals by itself has the two tries that come after this one: the whole of the function's time is no help.
#[tokio::test]
async fn an_outage_is_given_back_to_lambda_sooner() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    let registering = Calls::of("RegisterTaskDefinition").by(GUARD);
    world.state().inject(Fault::always(Kind::Internal, registering));
    let (answer, took) = timed(&world).await;
    assert_eq!(answer, Err("server_error".to_owned()));
    assert!(took < SignedDuration::from_secs(60), "{took}");
}

#[tokio::test]
async fn a_sweep_that_has_others_to_look_at_does_not_wait_for_one_that_is_throttled() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| state.pass(Duration::from_hours(24))).await;
    world.sweep().await.unwrap();
    world.state().pass(Duration::from_hours(1));
    for family in ["api", "zebra"] {
        world.state().register(PIPELINE, &of_family(family, PRIVILEGED));
    }
    let backups = Calls::of("PutObject").by(SWEEP).on("backups/111122223333/eu-west-1/api/");
    world.state().inject(Fault::always(Kind::Throttled, backups));
    let began = world.state().now;
    world.sweep().await.unwrap();
    let took = world.state().now.duration_since(began);
    let state = world.state();
    assert_eq!((state.ecs.active("api"), state.ecs.active("zebra")), (vec![1], vec![1, 2]));
    assert!(took < SignedDuration::from_mins(3), "{took}");
}

#[tokio::test]
async fn what_is_in_use_is_told_though_the_time_was_short() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.deregister(OPERATOR, "web:1");
        state.ecs.cluster("main").run(Task::running("web:1", "family:web"));
        state.inject(Fault::times(24, Kind::Throttled, Calls::of("ListTaskDefinitions").by(GUARD)));
    })
    .await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.reason), (Outcome::Alerted, Some(Reason::InactiveInUse)));
    assert!(world.mail().contains("1 task in cluster main"), "{}", world.mail());
}
