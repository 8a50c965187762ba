//! What a sweep comes to in the time that it has: nothing waits for ever behind what is long, what it told is written, and
//! a look takes no longer than it may.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::reconcile::Swept;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::account::state::ecs::{Mutilation, Place, Service, Task};
use super::account::{Calls, Fault, Kind, OPERATOR, PIPELINE, SWEEP, State};
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};
use super::sweep::{WATERMARK, of_family};
use super::world::World;

/// An account of a clean family `web` and so many privileged ones from before, in which everything was looked at.
async fn at_rest(mode: Mode, families: usize) -> World {
    let world = World::with(mode, NEWER, |state| {
        for number in 0..families {
            state.register(PIPELINE, &of_family(&format!("app-{number:03}"), PRIVILEGED));
        }
        state.pass(Duration::from_hours(24));
    })
    .await;
    for _ in 0..=families / 400 {
        world.sweep().await.unwrap();
        world.state().pass(Duration::from_hours(1));
    }
    assert_eq!(watermark(&world)["complete"], true);
    world.state().forget_calls();
    world
}

/// A setting that changes no outcome: everything privileged is looked at again.
fn another_setting(policy: &mut Policy) {
    policy.settle = SignedDuration::from_mins(61);
}

async fn run(world: &World, seconds: u64, change: impl FnOnce(&mut Policy)) -> Swept {
    let swept = world.sweep_within(Duration::from_secs(seconds), change).await.unwrap();
    world.state().pass(Duration::from_hours(1));
    swept
}

fn watermark(world: &World) -> Value {
    serde_json::from_slice(world.state().s3.object(BUCKET, WATERMARK).unwrap()).unwrap()
}

fn alerts(world: &World) -> usize {
    world.state().sns.messages().len()
}

/// How many objects were read whose key ends so.
fn reads(world: &World, of: impl Fn(&str) -> bool) -> usize {
    let state = world.state();
    state.calls().iter().filter(|call| call.operation == "GetObject" && of(&call.resource)).count()
}

fn runs(world: &World, service: &str) -> String {
    world.state().ecs.service("prod", service).unwrap().task_definition.clone()
}

#[tokio::test]
async fn looks_that_record_nothing_do_not_end_a_run() {
    let world = at_rest(Mode::Remediate, 420).await;
    let swept = run(&world, 900, another_setting).await;
    assert_eq!(swept.answer.outcomes.get("alerted"), Some(&420));
    assert!(swept.answer.complete, "{swept:?}");
}

/// What was told is recorded, and there is time for so many records.
#[tokio::test]
async fn a_run_ends_when_it_has_as_much_to_record_as_it_can() {
    let world = World::with(Mode::Remediate, NEWER, |state| {
        for number in 0..410 {
            state.register(PIPELINE, &of_family(&format!("app-{number:03}"), PRIVILEGED));
        }
        state.pass(Duration::from_hours(24));
    })
    .await;
    for (alerted, complete) in [(400, false), (10, true)] {
        let swept = run(&world, 900, |_| {}).await;
        assert_eq!((swept.answer.outcomes["alerted"], swept.answer.complete), (alerted, complete), "{swept:?}");
    }
}

#[tokio::test]
async fn what_is_due_in_masses_keeps_nothing_from_its_turn_that_was_never_looked_at() {
    let world = at_rest(Mode::Remediate, 100).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, &of_family("fresh", NEWER));
        state.register(PIPELINE, &of_family("fresh", CLEAN));
        let id = state.register(PIPELINE, &of_family("in-use", PRIVILEGED));
        state.ecs.cluster("main").services.insert("in-use".into(), Service::on(&id));
        state.deregister(PIPELINE, &id);
        state.pass(Duration::from_hours(1));
    }
    let swept = run(&world, 60, another_setting).await;
    assert!(swept.answer.outcomes["alerted"] < 100 && !swept.answer.complete, "{swept:?}");
    let mark = watermark(&world);
    assert_eq!(mark["families"]["fresh"], json!([2, 1]), "{swept:?}");
    assert!(mark["privileged"].to_string().contains("inactive_in_use"), "{swept:?}");
}

#[tokio::test]
async fn what_stays_due_has_its_turn_in_one_run_after_the_other() {
    let world = at_rest(Mode::Remediate, 40).await;
    let records = Calls::of("PutObject").by(SWEEP).on("/records/");
    world.state().inject(Fault::always(Kind::AccessDenied("s3:PutObject"), records));
    for _ in 0..8 {
        let exempt = |policy: &mut Policy| policy.exempt_families = FamilyGlobs::narrow(["app-*"]).unwrap();
        let swept = run(&world, 54, exempt).await;
        assert!(swept.answer.outcomes["exempt"] < 20, "{swept:?}");
    }
    let state = world.state();
    let described = state.calls().iter().filter(|call| call.operation == "DescribeTaskDefinition");
    let described: BTreeSet<&str> = described.map(|call| call.resource.as_str()).collect();
    assert_eq!(described.iter().filter(|id| id.starts_with("app-")).count(), 40, "{described:?}");
}

#[tokio::test]
async fn several_runs_in_a_row_that_end_early_are_told_once() {
    let world = at_rest(Mode::Remediate, 100).await;
    let before = alerts(&world);
    let mut told = Vec::new();
    for _ in 0..5 {
        let swept = run(&world, 53, another_setting).await;
        assert!(!swept.answer.complete && swept.metrics.contains(&("SweepCompleted", 1.0)), "{swept:?}");
        told.push(alerts(&world) - before);
    }
    assert_eq!(told, [0, 0, 1, 1, 1]);
    let mail = world.mail();
    assert!(mail.contains("3 runs in a row ended before everything was looked at"), "{mail}");
    assert!(run(&world, 900, another_setting).await.answer.complete);
    assert_eq!((alerts(&world) - before, &watermark(&world)["cutRuns"]), (1, &Value::Null));
}

#[tokio::test]
async fn services_have_their_share_of_a_run() {
    let world = at_rest(Mode::Enforce, 250).await;
    deploy_privileged(&world);
    let swept = run(&world, 120, another_setting).await;
    assert!(swept.answer.outcomes["alerted"] < 250, "{swept:?}");
    assert_eq!((swept.answer.outcomes.get("move_started"), runs(&world, "web").as_str()), (Some(&1), "web:3"));
}

/// Else those at the end of the alphabet would wait for ever behind some that are refused.
#[tokio::test]
async fn services_have_their_turn_in_one_run_after_the_other() {
    let world = at_rest(Mode::Enforce, 0).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, PRIVILEGED);
        for name in ["a", "b", "c"] {
            state.create_service(PIPELINE, "prod", name, "web:2");
            state.complete_deployment("prod", name);
        }
        let updates = Calls::of("UpdateService").by(SWEEP);
        for nth in 1..40 {
            state.before(updates.clone().starting_at(nth), |state| state.pass(Duration::from_secs(20)));
        }
        state.inject(Fault::always(Kind::AccessDenied("ecs:UpdateService"), updates));
    }
    let mut served = Vec::new();
    for _ in 0..4 {
        run(&world, 60, |_| {}).await;
        served.push(watermark(&world)["servedLast"].clone());
    }
    assert_eq!(served, ["prod/a", "prod/b", "prod/c", "prod/a"]);
}

/// One big cluster would else be looked at in vain in each run, and nobody would hear of it.
#[tokio::test]
async fn a_cluster_that_is_too_big_for_a_run_is_told() {
    let world = at_rest(Mode::Remediate, 0).await;
    {
        let mut state = world.state();
        for _ in 0..300 {
            state.ecs.cluster("prod").run(Task::running("web:1", "family:web"));
        }
        for nth in 1..40 {
            let tasks = Calls::of("ListTasks").by(SWEEP).starting_at(nth);
            state.before(tasks, |state| state.pass(Duration::from_mins(3)));
        }
    }
    let before = alerts(&world);
    let swept = run(&world, 900, |_| {}).await;
    assert_eq!(alerts(&world), before + 1, "{swept:?}");
    let mail = world.mail().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(mail.contains("not every cluster could be looked at in the time of a run"), "{mail}");
}

/// The watermark comes after them.
#[tokio::test]
async fn moves_that_take_too_long_to_write_do_not_take_the_watermark_with_them() {
    let world = at_rest(Mode::Enforce, 0).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, PRIVILEGED);
        for name in ["a", "b", "c", "d"] {
            let input = r#"{"taskDefinition":"web:2","deploymentController":{"type":"CODE_DEPLOY"}}"#;
            state.create_service_with(PIPELINE, "prod", name, input);
        }
        for nth in 1..10 {
            let moves = Calls::of("PutObject").by(SWEEP).on("/moves/").starting_at(nth);
            state.before(moves, |state| state.pass(Duration::from_secs(15)));
        }
    }
    let swept = run(&world, 52, |_| {}).await;
    assert!(!swept.answer.complete, "{swept:?}");
    let written = world.state().s3.keys(BUCKET).iter().filter(|key| key.starts_with("moves/")).count();
    assert!(written < 4, "{written}");
    assert_eq!(watermark(&world)["complete"], false);
}

/// A pipeline registers the privileged `web:2`, and the service `web` comes to run it.
fn deploy_privileged(world: &World) {
    let mut state = world.state();
    state.register(PIPELINE, PRIVILEGED);
    state.create_service(PIPELINE, "prod", "web", "web:2");
    state.complete_deployment("prod", "web");
}

/// Every other of these calls gets no answer to its first attempt.
fn every_other_hangs(state: &mut State, calls: &Calls) {
    for nth in (1..60).step_by(2) {
        state.inject(Fault::once(Kind::DelayBefore(Duration::from_secs(1)), calls.clone().starting_at(nth)));
    }
}

#[tokio::test]
async fn a_service_that_is_looked_at_on_and_on_does_not_take_what_is_told_and_written_with_it() {
    let world = at_rest(Mode::Enforce, 0).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, PRIVILEGED);
        state.create_service(PIPELINE, "prod", "web", "web:2");
        // It is to be noted that it waits, which others always overtake.
        state.inject(Fault::always(Kind::PreconditionFailed, Calls::of("PutObject").by(SWEEP).on("/moves/")));
        every_other_hangs(&mut state, &Calls::of("GetObject").by(SWEEP).on("/moves/"));
        every_other_hangs(&mut state, &Calls::of("DescribeServices").by(SWEEP));
    }
    let swept = run(&world, 60, |_| {}).await;
    assert!(!swept.answer.complete && swept.unseen.iter().any(|words| words.contains("in time")), "{swept:?}");
    assert_eq!(alerts(&world), 1);
    assert!(world.state().s3.object(BUCKET, "records/111122223333/eu-west-1/web/2.json").is_some());
}

#[tokio::test]
async fn two_unfaithful_copies_stop_the_moves_of_a_run_and_not_their_ends() {
    let world = at_rest(Mode::Enforce, 0).await;
    deploy_privileged(&world);
    assert_eq!(run(&world, 900, |_| {}).await.answer.outcomes.get("move_started"), Some(&1));
    {
        let mut state = world.state();
        state.complete_deployment("prod", "web");
        state.create_service(PIPELINE, "prod", "late", "web:2");
        state.complete_deployment("prod", "late");
        state.register(PIPELINE, &of_family("api", PRIVILEGED));
        state.register(PIPELINE, &of_family("job", PRIVILEGED));
        state.ecs.knobs.mutilates = Some(Mutilation::loses(Place::Definition, "taskRoleArn"));
    }
    let answer = run(&world, 900, |_| {}).await.answer;
    assert_eq!(answer.outcomes.get("unfaithful_copy_withdrawn"), Some(&2), "{answer:?}");
    assert_eq!((answer.outcomes.get("move_started"), answer.complete), (None, false), "{answer:?}");
    assert_eq!((answer.outcomes.get("move_settled"), runs(&world, "late").as_str()), (Some(&1), "web:2"));
    let answer = run(&world, 900, |_| {}).await.answer;
    assert_eq!((answer.outcomes.get("move_started"), runs(&world, "late").as_str()), (Some(&1), "web:3"), "{answer:?}");
}

#[tokio::test]
async fn a_familys_records_are_read_once_in_a_run_and_again_where_they_have_changed() {
    const REVISIONS: usize = 40;
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        for _ in 1..REVISIONS {
            state.register(PIPELINE, PRIVILEGED);
        }
        state.pass(Duration::from_hours(24));
    })
    .await;
    run(&world, 900, |_| {}).await;
    world.state().forget_calls();
    world.state().before(Calls::of("DescribeTaskDefinition").on("web:20"), |state| {
        let key = "records/111122223333/eu-west-1/web/1.json";
        let text = String::from_utf8(state.s3.object(BUCKET, key).unwrap().to_vec()).unwrap();
        state.put_object(OPERATOR, BUCKET, key, text.replacen('{', r#"{"moon":"full","#, 1).as_bytes());
    });
    let swept = run(&world, 900, another_setting).await;
    let looks: usize = swept.answer.outcomes.values().sum();
    assert_eq!(looks, REVISIONS, "{swept:?}");
    let of = |number: usize| {
        reads(&world, |key| key.ends_with(&format!("/records/111122223333/eu-west-1/web/{number}.json")))
    };
    // What the look at a revision reads of its own record, and once what the looks at the others do.
    assert_eq!((of(3), of(2), of(1)), (of(2), 3, 4));
}
