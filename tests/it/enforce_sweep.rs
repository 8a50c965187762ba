//! Sweep in mode `enforce`: the moves that no event led to, and the ends that no event told of.

use ecs_privileged_guard::domain::policy::Mode;
use serde_json::Value;

use super::account::state::ecs::Service;
use super::account::{Calls, Fault, Kind, PIPELINE, SWEEP, State};
use super::enforce::{at_rest, runs, stored};
use super::story::{BUCKET, PRIVILEGED};
use super::world::World;

/// The account after a first sweep that found nothing; the revisions since are new.
async fn after_the_first(set_up: impl FnOnce(&mut State)) -> World {
    let world = World::with(Mode::Enforce, super::story::CLEAN, |_| {}).await;
    let first = world.sweep().await.unwrap();
    assert!(first.complete, "{first:?}");
    world.state().pass(std::time::Duration::from_hours(1));
    set_up(&mut world.state());
    world
}

fn deploys_privileged(state: &mut State) {
    state.register(PIPELINE, PRIVILEGED);
    state.create_service(PIPELINE, "prod", "web", "web:2");
    state.complete_deployment("prod", "web");
}

#[tokio::test]
async fn what_no_event_told_of_is_copied_moved_and_settled() {
    let world = after_the_first(deploys_privileged).await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(
        (answer.outcomes.get("remediated"), answer.outcomes.get("move_started")),
        (Some(&1), Some(&1)),
        "{answer:?}"
    );
    assert_eq!((runs(&world).as_str(), stored(&world)["state"].as_str()), ("web:3", Some("moving")));

    world.state().complete_deployment("prod", "web");
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("move_settled"), Some(&1), "{answer:?}");
    assert_eq!(stored(&world)["state"], "moved");
    let mail = world.mail();
    assert!(mail.contains("SERVICES") && mail.contains("was moved from privileged web:2 to web:3"), "{mail}");
    assert!(mail.contains("\"taskDefinition\":\"web:2\""), "the undo line: {mail}");

    let alerts = world.state().sns.messages().len();
    let updates = world.state().count("UpdateService");
    let answer = world.sweep().await.unwrap();
    assert!(answer.complete && !answer.outcomes.keys().any(|name| name.starts_with("move_")), "{answer:?}");
    assert_eq!(world.state().count("UpdateService"), updates);
    assert_eq!(world.state().sns.messages().len(), alerts);
}

#[tokio::test]
async fn a_service_that_deploys_has_its_turn_when_it_is_done() {
    let world = after_the_first(|state| {
        state.register(PIPELINE, PRIVILEGED);
        state.create_service(PIPELINE, "prod", "web", "web:2");
    })
    .await;
    world.sweep().await.unwrap();
    assert_eq!((runs(&world).as_str(), stored(&world)["state"].as_str()), ("web:2", Some("waiting")));
    world.state().complete_deployment("prod", "web");
    world.sweep().await.unwrap();
    assert_eq!((runs(&world).as_str(), stored(&world)["state"].as_str()), ("web:3", Some("moving")));
}

#[tokio::test]
async fn what_existed_before_the_first_run_is_moved_only_where_it_is_copied() {
    let world = at_rest(|state| state.pass(std::time::Duration::from_hours(1))).await;
    world.sweep().await.unwrap();
    world.sweep().await.unwrap();
    assert_eq!((runs(&world).as_str(), stored(&world)), ("web:1", Value::Null));
    world.sweep_with(|policy| policy.remediate_existing = true).await.unwrap();
    assert_eq!(runs(&world), "web:2");
}

#[tokio::test]
async fn no_more_than_twenty_five_services_are_moved_in_one_run() {
    let world = after_the_first(|state| {
        deploys_privileged(state);
        for number in 0..30 {
            let service = Service::on("web:2");
            state.ecs.cluster("prod").services.insert(format!("web-{number:02}"), service);
        }
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.outcomes.get("move_started"), answer.complete), (Some(&25), false), "{answer:?}");
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("move_started"), Some(&6), "{answer:?}");
}

#[tokio::test]
async fn a_rollback_that_no_event_told_of_is_respected_and_told_with_the_others() {
    let world = after_the_first(|state| {
        state.register(PIPELINE, PRIVILEGED);
        let breaker = r#"{"taskDefinition":"web:2","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;
        state.create_service_with(PIPELINE, "prod", "web", breaker);
        state.complete_deployment("prod", "web");
    })
    .await;
    world.sweep().await.unwrap();
    assert!(world.state().fail_deployment("prod", "web"));
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("move_settled"), Some(&1), "{answer:?}");
    assert!(world.mail().contains("found 1 service back on"), "{}", world.mail());
    world.state().complete_deployment("prod", "web");
    for _ in 0..3 {
        let answer = world.sweep().await.unwrap();
        assert!(answer.complete && !answer.outcomes.keys().any(|name| name.starts_with("move_")), "{answer:?}");
    }
    assert_eq!((runs(&world).as_str(), world.state().count("UpdateService")), ("web:2", 1));
}

#[tokio::test]
async fn what_code_deploy_deploys_is_named_in_one_digest() {
    let world = after_the_first(|state| {
        state.register(PIPELINE, PRIVILEGED);
        let input = r#"{"taskDefinition":"web:2","deploymentController":{"type":"CODE_DEPLOY"}}"#;
        state.create_service_with(PIPELINE, "prod", "web", input);
    })
    .await;
    world.sweep().await.unwrap();
    let mail = world.mail();
    assert!(mail.contains("AWS CodeDeploy deploys it") && mail.contains("AppSpec"), "{mail}");
    let alerts = world.state().sns.messages().len();
    world.sweep().await.unwrap();
    assert_eq!(stored(&world)["state"], "not_movable");
    assert_eq!(world.state().sns.messages().len(), alerts);
    let report: Value =
        serde_json::from_slice(world.state().s3.object(BUCKET, "reports/111122223333/eu-west-1/latest.json").unwrap())
            .unwrap();
    assert_eq!(report["families"][0]["running"][0]["move"], "not_movable", "{report}");
}

#[tokio::test]
async fn a_refused_call_is_told_once_and_heals_by_itself() {
    let world = after_the_first(deploys_privileged).await;
    let denied = Fault::always(Kind::AccessDenied("ecs:UpdateService"), Calls::of("UpdateService").by(SWEEP));
    world.state().inject(denied);
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("move_failed"), Some(&1), "{answer:?}");
    let mail = world.mail();
    assert!(mail.contains("Act now? Yes") && mail.contains(r#""Action":"ecs:UpdateService""#), "{mail}");
    let alerts = world.state().sns.messages().len();
    world.sweep().await.unwrap();
    assert_eq!(world.state().sns.messages().len(), alerts);
    world.state().heal();
    world.sweep().await.unwrap();
    assert_eq!(runs(&world), "web:3");
}

#[tokio::test]
async fn a_blue_green_move_settles_although_its_deployments_do_not_say_how_far_they_are() {
    let world = after_the_first(|state| {
        state.register(PIPELINE, PRIVILEGED);
        let input = r#"{"taskDefinition":"web:2","deploymentConfiguration":{"strategy":"BLUE_GREEN"}}"#;
        state.create_service_with(PIPELINE, "prod", "web", input);
        state.complete_deployment("prod", "web");
    })
    .await;
    world.sweep().await.unwrap();
    assert_eq!(stored(&world)["state"], "moving");
    world.sweep().await.unwrap();
    assert_eq!(stored(&world)["state"], "moving");
    world.state().pass(std::time::Duration::from_hours(1));
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("move_failed"), Some(&1), "it does not settle: {answer:?}");
    world.state().complete_deployment("prod", "web");
    world.sweep().await.unwrap();
    assert_eq!(stored(&world)["state"], "moved");
}

#[tokio::test]
async fn a_service_that_is_gone_ends_its_move_without_a_word() {
    let world = after_the_first(deploys_privileged).await;
    world.sweep().await.unwrap();
    let alerts = world.state().sns.messages().len();
    world.state().ecs.cluster("prod").services.clear();
    world.sweep().await.unwrap();
    assert_eq!((stored(&world)["state"].clone(), stored(&world)["reason"].clone()), ("failed".into(), "gone".into()));
    assert_eq!(world.state().sns.messages().len(), alerts);
}

#[tokio::test]
async fn what_backout_brought_back_stays_until_its_exemption_ends() {
    let world = after_the_first(deploys_privileged).await;
    world.sweep().await.unwrap();
    world.state().complete_deployment("prod", "web");
    world.sweep().await.unwrap();
    let request = r#"{"taskDefinition":"web:2","reason":"r","approvedBy":"a"}"#;
    assert_eq!(world.back_out(request).await.unwrap().outcome.as_str(), "backed_out");
    world.state().complete_deployment("prod", "web");
    for _ in 0..2 {
        world.state().pass(std::time::Duration::from_hours(1));
        world.sweep().await.unwrap();
        assert_eq!(runs(&world), "web:2");
    }
    world.state().pass(std::time::Duration::from_hours(31 * 24));
    world.sweep().await.unwrap();
    assert_eq!(runs(&world), "web:4");
}
