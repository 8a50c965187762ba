//! The last three scenes: mode `enforce`, in which services follow. One is moved, one says no, one is somebody else's.

use serde_json::Value;

use super::account::{GUARD, PIPELINE};
use super::story::{Story, in_words};
use super::{WEB, last_alert, scene, so};

/// The version before: it never had the flag.
const UNPRIVILEGED: [&str; 2] = ["\"privileged\": true", "\"privileged\": false"];
/// The version after: it mounts a bucket as a file system, for which it does need something.
const MOUNTS: [&str; 2] = [
    "\"privileged\": true,",
    "\"privileged\": true,\n      \"linuxParameters\": {\"devices\": [{\"hostPath\": \"/dev/fuse\"}]},",
];
const BREAKER: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;
const OF_CODE_DEPLOY: &str = r#"{"taskDefinition":"web:1","deploymentController":{"type":"CODE_DEPLOY"}}"#;

/// Tells them.
pub(super) async fn scenes() {
    let mut story = Story::with("enforce", &[("BACKOUT_FUNCTION", "ecs-guard-backout")]).await;
    story.register(&WEB.replace(UNPRIVILEGED[0], UNPRIVILEGED[1]));
    story.account.state().create_service_with(PIPELINE, "prod", "web", BREAKER);
    story.account.state().complete_deployment("prod", "web");
    moved(&mut story).await;
    rolled_back(&mut story).await;
    code_deploys().await;
}

async fn moved(story: &mut Story) {
    scene(8, "Mode enforce: a pipeline registers, and updates its service at once");
    story.register(WEB);
    println!("The service runs web:1. The pipeline registered web:2, privileged, and deploys it:\n");
    let said = update(story, "web:2").await;
    so(said == "remediated web:3 sent [waiting]", "there is a copy; the service waits");
    so((runs(story).as_str(), updates(story)) == ("web:2", 0), "the pipeline's own deployment is not interrupted");
    println!("\nIt has ended, says ECS:\n");
    let said = complete(story).await;
    so(said == "move_started web:3 none [moving]", "now the service is pointed at the copy");
    println!("\nSo has the deployment of the copy:\n");
    let said = complete(story).await;
    so(said == "move_settled web:3 sent [moved]", "it has settled");
    so((runs(story).as_str(), updates(story)) == ("web:3", 1), "the service runs the copy, by one call");
    println!("\nThe alert begins:\n");
    show(story, &["Service", "FOUND"]);
}

async fn rolled_back(story: &mut Story) {
    scene(9, "The next version needs the flag: ECS rolls back, and the guard respects that");
    story.register(&WEB.replace(MOUNTS[0], MOUNTS[1]).replace("2026-11-20", "2026-11-21"));
    println!("The pipeline registered web:4, which mounts a bucket as a file system, and deploys it:\n");
    update(story, "web:4").await;
    println!("\nThat deployment has ended:\n");
    let said = complete(story).await;
    so(said == "move_started web:5 none [moving]", "a newer version is a new question: it is moved");
    println!("\nThe tasks of the copy do not come up. The circuit breaker gives up, and goes back to web:4:\n");
    assert!(story.account.state().fail_deployment("prod", "web"));
    so(runs(story) == "web:4", "ECS has done that by itself");
    let failed = {
        let state = story.account.state();
        state.deployment_events().iter().rfind(|event| event.contains("_FAILED")).expect("an event").clone()
    };
    let said = hand_over(story, &failed).await;
    so(said == "move_settled rolled_back web:5 sent [rolled_back]", "that is the application's no");
    println!("\nOf the alert:\n");
    show(story, &["Service", "WHAT MAY REPLACE THE FLAG", "BACK IT OUT"]);
    println!();
    so(last_alert(story).1.contains("/dev/fuse"), "it says what the definition hints at");
    so(!last_alert(story).1.contains("hunter2"), "and no value of the environment");
    println!("\nThe rollback ends, and the pipeline's event comes again:\n");
    complete(story).await;
    let updated = last_of_trail(story, "UpdateService", PIPELINE);
    hand_over(story, &updated).await;
    so((runs(story).as_str(), updates(story)) == ("web:4", 2), "it is not moved again");
}

async fn code_deploys() {
    scene(10, "A service that AWS CodeDeploy deploys is named, and left alone");
    let mut story = Story::begin("enforce").await;
    story.register(WEB);
    story.account.state().create_service_with(PIPELINE, "prod", "web", OF_CODE_DEPLOY);
    let created = last_of_trail(&story, "CreateService", PIPELINE);
    println!("A pipeline registered web:1, privileged, and created a service that CodeDeploy deploys:\n");
    let said = hand_over(&mut story, &created).await;
    so(said == "remediated web:2 sent [not_movable]", "there is a copy, and the service is not the guard's to move");
    so((runs(&story).as_str(), updates(&story)) == ("web:1", 0), "it is as it was");
    println!("\nOf the alert:\n");
    show(&story, &["Service", "BY HAND"]);
    let alerts = story.alerts();
    println!("\nThe same event again:\n");
    hand_over(&mut story, &created).await;
    so(story.alerts() == alerts, "that is said once");
}

/// The pipeline points its service at a revision, and CloudTrail tells the guard.
async fn update(story: &mut Story, revision: &str) -> String {
    story.account.state().update_service(PIPELINE, "prod", "web", revision);
    let event = last_of_trail(story, "UpdateService", PIPELINE);
    hand_over(story, &event).await
}

/// The newest deployment ends well, and ECS tells the guard.
async fn complete(story: &mut Story) -> String {
    assert!(story.account.state().complete_deployment("prod", "web"));
    let event = story.account.state().deployment_events().last().expect("an event").clone();
    hand_over(story, &event).await
}

async fn hand_over(story: &mut Story, event: &str) -> String {
    let answer = story.hand_over(event).await;
    println!("  {answer}");
    let states = answer["services"].as_array().expect("a list").iter().filter_map(|it| it["state"].as_str());
    format!("{} [{}]", in_words(&answer), states.collect::<Vec<_>>().join(" "))
}

fn last_of_trail(story: &Story, call: &str, by: &str) -> String {
    let state = story.account.state();
    let is_it = |event: &&String| {
        let event: Value = serde_json::from_str(event).unwrap();
        event["detail"]["eventName"] == call && event["detail"]["userIdentity"]["arn"] == by
    };
    state.trail().iter().rfind(is_it).expect("an event of the call").clone()
}

fn runs(story: &Story) -> String {
    story.account.state().ecs.service("prod", "web").expect("a service").task_definition.clone()
}

/// How often the guard has pointed the service somewhere.
fn updates(story: &Story) -> usize {
    let state = story.account.state();
    state.calls().iter().filter(|call| call.operation == "UpdateService" && call.principal == GUARD).count()
}

/// The parts of the last alert that begin so.
fn show(story: &Story, beginnings: &[&str]) {
    let (subject, mail, _) = last_alert(story);
    println!("  | Subject: {subject}");
    for beginning in beginnings {
        let part = mail.split("\n\n").find(|part| part.starts_with(beginning));
        println!("  |");
        part.expect("a part of the alert").lines().for_each(|line| println!("  | {line}"));
    }
}
