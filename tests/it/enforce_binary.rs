//! Mode `enforce` through the built guard, over HTTP with signatures: the whole life of a move, from a pipeline that
//! registers and creates at once to a service that runs the copy.

use serde_json::{Value, json};

use super::account::state::ecs::{Status, Task};
use super::account::{Calls, Fault, GUARD, Kind, PIPELINE};
use super::enforce::MOVE;
use super::story::{PRIVILEGED, Story, in_words};

const BREAKER: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;

/// What the contract says of the object of a move, and nothing else.
const MEMBERS: [&str; 7] = ["copy", "deploymentId", "original", "reason", "schemaVersion", "since", "state"];

/// The answer in words, and the state of the service in it.
fn with_state(answer: &Value) -> String {
    let services = answer["services"].as_array().unwrap();
    let of_web = |it: &&Value| it["cluster"] == "prod" && it["service"] == "web";
    assert!(services.iter().all(|it| of_web(&it)), "{answer}");
    let states: Vec<&str> = services.iter().map(|it| it["state"].as_str().unwrap()).collect();
    format!("{} [{}]", in_words(answer), states.join(" "))
}

#[tokio::test]
async fn a_service_that_a_pipeline_creates_on_its_original_ends_on_the_copy() {
    let mut story = Story::begin("enforce").await;
    let original = story.register(PRIVILEGED);
    story.account.state().create_service_with(PIPELINE, "prod", "web", BREAKER);
    let created = story.account.state().trail().last().unwrap().clone();
    story.account.state().forget_calls();

    assert_eq!(with_state(&story.deliver(&original).await), "remediated web:2 sent []");
    assert_eq!(with_state(&story.hand_over(&created).await), "already_remediated web:2 already_sent [waiting]");
    let waiting = story.object(MOVE).unwrap();
    let of_the_pipeline = story.account.state().ecs.service("prod", "web").unwrap().deployments[0].id.clone();
    assert_eq!(
        (waiting["state"].as_str(), waiting["deploymentId"].as_str()),
        (Some("waiting"), Some(&*of_the_pipeline))
    );

    let mut told = Vec::new();
    for _ in ["of the pipeline", "of the guard"] {
        assert!(story.account.state().complete_deployment("prod", "web"));
        let ended = story.account.state().deployment_events().last().unwrap().clone();
        told.push(with_state(&story.hand_over(&ended).await));
    }
    assert_eq!(told, ["move_started web:2 none [moving]", "move_settled web:2 sent [moved]"]);

    let kept = story.object(MOVE).unwrap();
    let members: Vec<&String> = kept.as_object().unwrap().keys().collect();
    assert_eq!(members, MEMBERS, "{kept}");
    let state = story.account.state();
    let service = state.ecs.service("prod", "web").unwrap();
    assert_eq!((service.task_definition.as_str(), service.deployments.len()), ("web:2", 1));
    let expected = json!({
        "schemaVersion": 1, "original": "web:1", "copy": "web:2", "deploymentId": service.deployments[0].id,
        "state": "moved", "reason": null, "since": kept["since"],
    });
    assert_eq!(kept, expected);
    assert!(kept["since"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{kept}");

    let by_guard = state.calls().iter().filter(|call| call.principal == GUARD && call.operation == "UpdateService");
    let sent: Vec<Value> = by_guard.map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    assert_eq!(sent, [json!({"cluster": "prod", "service": "web", "taskDefinition": "web:2"})], "and nothing else");
    assert_eq!(state.ecs.revision("web:1").unwrap().status, Status::Active, "the original stays");
    assert_eq!(state.sns.messages().len(), 2, "one about the copy, one about the service");
}

/// What a registration's event led to is counted and logged as what an event of the service does.
#[tokio::test]
async fn a_move_that_is_refused_on_the_way_from_a_registration_is_counted_and_logged() {
    let mut story = Story::begin("enforce").await;
    let original = story.register(PRIVILEGED);
    {
        let mut state = story.account.state();
        state.create_service_with(PIPELINE, "prod", "web", BREAKER);
        state.complete_deployment("prod", "web");
        state.ecs.cluster("prod").run(Task::running(&original, "service:web"));
        let updates = Calls::of("UpdateService").by(GUARD);
        state.inject(Fault::always(Kind::AccessDenied("ecs:UpdateService"), updates));
    }
    assert_eq!(with_state(&story.deliver(&original).await), "remediated web:2 sent [failed]");
    let output = story.guard.stop().await;
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let [log, metrics] = lines.try_into().unwrap();
    assert_eq!(log["copy"], "web:2", "{log}");
    assert!(log["failure"].as_str().is_some_and(|failure| failure.starts_with("ecs:UpdateService on ")), "{log}");
    assert_eq!((&metrics["Remediated"], &metrics["Failed"]), (&json!(1.0), &json!(1.0)), "{metrics}");
}
