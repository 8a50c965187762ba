//! ECS: services and their deployments, the history of these, and what `EventBridge` is told of them.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    CreatedAt, Deployment, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentController,
    DeploymentControllerType, DeploymentStrategy, Service, ServiceDeploymentBrief, ServiceDeploymentStatus,
};
use serde_json::Value;

use super::super::account::http::Request;
use super::super::account::permissions::{Question, questions};
use super::super::account::state::Budget;
use super::super::account::{Account, GUARD, PIPELINE};
use super::{Clients, definition, refusal};

/// What the ARNs of this account's ECS begin with.
const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:";
const BREAKER_ROLLS_BACK: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;
const BREAKER_ONLY: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":false}}}"#;

/// An account with the cluster `prod` and the revisions web:1 to web:3.
async fn account() -> (Account, Client) {
    let account = Account::start().await;
    {
        let mut state = account.state();
        state.ecs.cluster("prod");
        for _ in 0..3 {
            state.register(PIPELINE, &definition("web", false));
        }
    }
    let ecs = Clients::of(&account, PIPELINE).ecs;
    (account, ecs)
}

/// The same with a service that is at rest on web:1.
async fn at_rest(settings: &str) -> (Account, Client) {
    let (account, ecs) = account().await;
    account.state().create_service_with(PIPELINE, "prod", "web", settings);
    assert!(account.state().complete_deployment("prod", "web"));
    (account, ecs)
}

async fn described(ecs: &Client) -> Service {
    let answer = ecs.describe_services().cluster("prod").services("web").send().await.unwrap();
    answer.services()[0].clone()
}

async fn history(ecs: &Client) -> Vec<ServiceDeploymentBrief> {
    let answer = ecs.list_service_deployments().cluster("prod").service("web").send().await.unwrap();
    answer.service_deployments().to_vec()
}

/// Like `PRIMARY web:1 IN_PROGRESS`; without the last where ECS says nothing of it.
fn in_words(deployment: &Deployment) -> String {
    let id = deployment.task_definition().unwrap().rsplit('/').next().unwrap();
    let rollout = deployment.rollout_state().map_or("", |state| state.as_str());
    format!("{} {id} {rollout}", deployment.status().unwrap()).trim_end().to_owned()
}

fn deployments(service: &Service) -> Vec<String> {
    service.deployments().iter().map(in_words).collect()
}

async fn statuses(ecs: &Client) -> Vec<String> {
    history(ecs).await.iter().map(|entry| entry.status().unwrap().as_str().to_owned()).collect()
}

/// The endings of the events' names, and the reasons, oldest first.
fn events(account: &Account) -> Vec<(String, String)> {
    let told = |event: &String| {
        let event: Value = serde_json::from_str(event).unwrap();
        let name = event["detail"]["eventName"].as_str().unwrap();
        let reason = event["detail"]["reason"].as_str().unwrap().to_owned();
        (name.trim_start_matches("SERVICE_DEPLOYMENT_").to_owned(), reason)
    };
    account.state().deployment_events().iter().map(told).collect()
}

fn names(account: &Account) -> Vec<String> {
    events(account).into_iter().map(|(name, _)| name).collect()
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
#[tokio::test]
async fn a_new_service_begins_with_a_deployment_and_its_event() {
    let (account, ecs) = account().await;
    let answer = ecs.create_service().cluster("prod").service_name("web").task_definition("web").send().await.unwrap();
    let service = answer.service().unwrap();
    assert_eq!(deployments(service), ["PRIMARY web:3 IN_PROGRESS"], "the family's latest");
    assert_eq!(service.service_arn(), Some("arn:aws:ecs:eu-west-1:111122223333:service/prod/web"));
    let reason = format!("ECS deployment {} in progress.", service.deployments()[0].id().unwrap());
    assert_eq!(service.deployments()[0].rollout_state_reason(), Some(reason.as_str()));
    let configuration = service.deployment_configuration().unwrap();
    assert_eq!(configuration.strategy(), Some(&DeploymentStrategy::Rolling));
    assert!(!configuration.deployment_circuit_breaker().unwrap().enable());

    let event: Value = serde_json::from_str(&account.state().deployment_events()[0]).unwrap();
    assert_eq!(event["detail-type"], "ECS Deployment State Change");
    assert_eq!(event["resources"][0], "arn:aws:ecs:eu-west-1:111122223333:service/prod/web");
    assert_eq!((&event["detail"]["eventType"], &event["detail"]["reason"]), (&"INFO".into(), &reason.into()));
    assert_eq!(event["detail"]["deploymentId"], *service.deployments()[0].id().unwrap());
    let trail: Value = serde_json::from_str(account.state().trail().last().unwrap()).unwrap();
    assert_eq!(trail["detail"]["eventName"], "CreateService");

    account.state().complete_deployment("prod", "web");
    assert_eq!(names(&account), ["IN_PROGRESS", "COMPLETED"]);
    assert_eq!(deployments(&described(&ecs).await), ["PRIMARY web:3 COMPLETED"]);
    assert!(!account.state().complete_deployment("prod", "web"), "what is at its end does not end again");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>
#[tokio::test]
async fn a_service_that_others_deploy_has_task_sets_and_no_deployments() {
    let (account, ecs) = account().await;
    let by = |name: &str, controller: DeploymentControllerType| {
        let controller = DeploymentController::builder().r#type(controller).build().unwrap();
        ecs.create_service().cluster("prod").service_name(name).deployment_controller(controller)
    };
    let blue = by("blue", DeploymentControllerType::CodeDeploy).task_definition("web:1").send().await.unwrap();
    let blue = blue.service().unwrap();
    assert!(blue.deployments().is_empty() && blue.deployment_configuration().is_none());
    let arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1";
    assert_eq!((blue.task_sets()[0].status(), blue.task_sets()[0].task_definition()), (Some("PRIMARY"), Some(arn)));
    let external = by("external", DeploymentControllerType::External).send().await.unwrap();
    assert_eq!(external.service().unwrap().task_definition(), None);
    assert!(external.service().unwrap().task_sets().is_empty());
    assert!(account.state().deployment_events().is_empty());

    let refused = by("none", DeploymentControllerType::External).task_definition("web:1").send().await;
    assert_eq!(refusal(refused).0, "InvalidParameterException");
    assert_eq!(refusal(by("none", DeploymentControllerType::CodeDeploy).send().await).0, "InvalidParameterException");
    let forced = ecs.update_service().cluster("prod").service("blue").force_new_deployment(true).send().await;
    assert_eq!(refusal(forced).0, "InvalidParameterException");
    let counted = ecs.update_service().cluster("prod").service("blue").desired_count(2).send().await;
    assert!(counted.unwrap().service().unwrap().deployments().is_empty());
    let listed = ecs.list_service_deployments().cluster("prod").service("blue").send().await.unwrap();
    assert!(listed.service_deployments().is_empty());
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
#[tokio::test]
async fn services_are_refused_what_they_cannot_run() {
    let (account, ecs) = account().await;
    account.state().deregister(PIPELINE, "web:3");
    let create = |cluster: &str, name: &str, definition: &str| {
        ecs.create_service().cluster(cluster).service_name(name).task_definition(definition).send()
    };
    let inactive = ("ClientException".to_owned(), "TaskDefinition is inactive".to_owned());
    assert_eq!(refusal(create("prod", "web", "web:3").await), inactive);
    assert_eq!(refusal(create("prod", "web", "web:4").await).0, "ClientException");
    assert_eq!(refusal(create("none", "web", "web:1").await).0, "ClusterNotFoundException");
    assert_eq!(refusal(create("prod", "w b", "web:1").await).0, "InvalidParameterException");
    create("prod", "web", "web").await.unwrap();
    assert_eq!(account.state().ecs.service("prod", "web").unwrap().task_definition, "web:2");
    let twice = ("InvalidParameterException".to_owned(), "Creation of service was not idempotent.".to_owned());
    assert_eq!(refusal(create("prod", "web", "web:1").await), twice);

    account.state().ecs.cluster("prod").services.get_mut("web").unwrap().status = "DRAINING".to_owned();
    let update = ecs.update_service().cluster("prod").service("web").task_definition("web:1").send().await;
    assert_eq!(refusal(update).0, "ServiceNotActiveException");
    assert_eq!(names(&account), ["IN_PROGRESS"]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>: the ban on a
/// deregistered revision may start up to ten minutes late
#[tokio::test]
async fn a_deregistered_revision_may_be_deployed_for_ten_minutes_more() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    account.state().deregister(PIPELINE, "web:2");
    let update = || ecs.update_service().cluster("prod").service("web").task_definition("web:2").send();
    let create = |name: &str| ecs.create_service().cluster("prod").service_name(name).task_definition("web:2").send();
    assert_eq!(refusal(update().await).1, "TaskDefinition is inactive");
    account.state().ecs.knobs.deploys_recently_deregistered = true;
    account.state().pass(Duration::from_secs(599));
    create("late").await.unwrap();
    assert_eq!(deployments(update().await.unwrap().service().unwrap())[0], "PRIMARY web:2 IN_PROGRESS");
    account.state().pass(Duration::from_secs(1));
    account.state().update_service(PIPELINE, "prod", "web", "web:1");
    assert_eq!(refusal(update().await).1, "TaskDefinition is inactive");
    assert_eq!(refusal(create("later").await).1, "TaskDefinition is inactive");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>: `rolloutState` is for rolling updates
#[tokio::test]
async fn only_rolling_updates_have_a_rollout_state() {
    for strategy in ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"] {
        let (account, ecs) = account().await;
        let wanted = DeploymentStrategy::from(strategy);
        let configuration = DeploymentConfiguration::builder().strategy(wanted.clone()).build();
        let create = ecs.create_service().cluster("prod").service_name("web").task_definition("web:1");
        let answer = create.deployment_configuration(configuration).send().await.unwrap();
        let service = answer.service().unwrap();
        assert_eq!(service.deployment_configuration().unwrap().strategy(), Some(&wanted));
        let expected = if strategy == "ROLLING" { "PRIMARY web:1 IN_PROGRESS" } else { "PRIMARY web:1" };
        assert_eq!(deployments(service), [expected], "{strategy}");
        assert_eq!(statuses(&ecs).await, ["IN_PROGRESS"], "the history knows every strategy's");
        account.state().complete_deployment("prod", "web");
        assert_eq!(statuses(&ecs).await, ["SUCCESSFUL"]);
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
#[tokio::test]
async fn a_deployment_starts_for_another_revision_or_when_it_is_forced() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    let update = || ecs.update_service().cluster("prod").service("web");
    let same = update().task_definition("web:1").send().await.unwrap();
    assert_eq!(deployments(same.service().unwrap()), ["PRIMARY web:1 COMPLETED"]);
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    let configuration = DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
    let configured = update().deployment_configuration(configuration).send().await.unwrap();
    let configured = configured.service().unwrap();
    assert!(configured.deployment_configuration().unwrap().deployment_circuit_breaker().unwrap().rollback());
    assert_eq!((deployments(configured).len(), configured.current_service_deployment()), (1, None));
    assert_eq!(names(&account), ["IN_PROGRESS", "COMPLETED"]);

    let forced = update().force_new_deployment(true).send().await.unwrap();
    let expected = ["PRIMARY web:1 IN_PROGRESS", "ACTIVE web:1 COMPLETED"];
    assert_eq!(deployments(forced.service().unwrap()), expected, "the answer shows the service right after");
    assert_eq!(statuses(&ecs).await, ["IN_PROGRESS", "SUCCESSFUL"]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>
#[tokio::test]
async fn a_newer_deployment_stops_the_one_in_progress_which_stays_until_the_newest_is_complete() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    account.state().pass(Duration::from_secs(30));
    account.state().update_service(PIPELINE, "prod", "web", "web:3");
    let service = described(&ecs).await;
    assert_eq!(
        deployments(&service),
        ["PRIMARY web:3 IN_PROGRESS", "ACTIVE web:2 IN_PROGRESS", "ACTIVE web:1 COMPLETED"]
    );
    assert_eq!(statuses(&ecs).await, ["IN_PROGRESS", "STOP_REQUESTED", "SUCCESSFUL"]);
    let newest = history(&ecs).await.remove(0);
    assert_eq!(service.current_service_deployment(), newest.service_deployment_arn());

    account.state().pass(Duration::from_secs(30));
    account.state().complete_deployment("prod", "web");
    let service = described(&ecs).await;
    assert_eq!(deployments(&service), ["PRIMARY web:3 COMPLETED"]);
    assert_eq!(service.current_service_deployment(), None);
    assert_eq!(statuses(&ecs).await, ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
    assert_eq!(names(&account), ["IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]);
    let trail = account.state().trail().iter().filter(|event| event.contains(r#""eventName":"UpdateService""#)).count();
    assert_eq!(trail, 2, "what is done past the wire leaves its event too");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentBrief.html>. That the revision's ARN
/// has the deployment's number is what Terraform's provider finds one from the other by:
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service.go>
#[tokio::test]
async fn an_entry_of_the_history_says_what_when_and_how_it_ended() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    account.state().pass(Duration::from_mins(1));
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    account.state().pass(Duration::from_mins(1));
    let entry = history(&ecs).await.remove(0);
    let arn = |kind: &str| format!("arn:aws:ecs:eu-west-1:111122223333:{kind}/prod");
    assert!(entry.service_deployment_arn().unwrap().starts_with(&format!("{}/web/", arn("service-deployment"))));
    assert_eq!(entry.service_arn().unwrap(), format!("{}/web", arn("service")));
    assert_eq!(entry.cluster_arn().unwrap(), arn("cluster"));
    let id = described(&ecs).await.deployments()[0].id().unwrap().replace("ecs-svc/", "");
    assert_eq!(entry.target_service_revision_arn().unwrap(), format!("{}/web/{id}", arn("service-revision")));
    assert_eq!(entry.created_at().unwrap().secs(), 1_768_478_460);
    assert_eq!((entry.started_at(), entry.finished_at()), (entry.created_at(), None));
    account.state().complete_deployment("prod", "web");
    assert_eq!(history(&ecs).await[0].finished_at().unwrap().secs(), 1_768_478_520);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>. That the newest comes
/// first is what clients rely on; the page does not say it.
#[tokio::test]
async fn the_history_is_listed_newest_first_in_pages_and_by_status_and_time() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    for number in 0..24 {
        account.state().pass(Duration::from_mins(1));
        account.state().update_service(PIPELINE, "prod", "web", if number % 2 == 0 { "web:2" } else { "web:1" });
    }
    let list = || ecs.list_service_deployments().cluster("prod").service("web");
    let first = list().send().await.unwrap();
    assert_eq!(first.service_deployments().len(), 20, "unless it is told otherwise");
    let second = list().set_next_token(first.next_token().map(str::to_owned)).send().await.unwrap();
    assert_eq!((second.service_deployments().len(), second.next_token()), (5, None));
    let all: Vec<_> = first.service_deployments().iter().chain(second.service_deployments()).collect();
    assert!(all.windows(2).all(|pair| pair[0].created_at() > pair[1].created_at()));
    let in_progress = list().status(ServiceDeploymentStatus::InProgress).send().await.unwrap();
    assert_eq!(in_progress.service_deployments(), [all[0].clone()]);
    let either = list().status(ServiceDeploymentStatus::InProgress).status(ServiceDeploymentStatus::Successful);
    assert_eq!(either.send().await.unwrap().service_deployments().len(), 2);
    let third = *all[2].created_at().unwrap();
    let after = list().created_at(CreatedAt::builder().after(third).build()).send().await.unwrap();
    assert_eq!(after.service_deployments().len(), 2);
    let before = CreatedAt::builder().before(DateTime::from_secs(1_768_478_401)).build();
    assert_eq!(list().created_at(before).send().await.unwrap().service_deployments().len(), 1);

    let refused = list().status(ServiceDeploymentStatus::from("DONE")).send().await;
    assert_eq!(refusal(refused).0, "InvalidParameterException");
    assert_eq!(refusal(list().max_results(101).send().await).0, "InvalidParameterException");
    let none = ecs.list_service_deployments().cluster("prod").service("none").send().await;
    assert_eq!(refusal(none).0, "ServiceNotFoundException");
    account.state().pass(Duration::from_hours(91 * 24));
    assert!(history(&ecs).await.is_empty(), "the history goes back 90 days");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
#[tokio::test]
async fn the_circuit_breaker_rolls_back_to_what_was_completed_last() {
    let (account, ecs) = at_rest(BREAKER_ROLLS_BACK).await;
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    account.state().update_service(PIPELINE, "prod", "web", "web:3");
    let failing = described(&ecs).await.deployments()[0].id().unwrap().to_owned();
    assert!(account.state().fail_deployment("prod", "web"));

    let service = described(&ecs).await;
    assert_eq!(deployments(&service)[..2], ["PRIMARY web:1 IN_PROGRESS", "ACTIVE web:3 FAILED"]);
    assert!(deployments(&service).iter().all(|it| !it.ends_with("COMPLETED")), "nothing is, while it goes back");
    assert_eq!(service.task_definition().unwrap().rsplit('/').next(), Some("web:1"));
    assert_eq!(
        statuses(&ecs).await,
        ["ROLLBACK_IN_PROGRESS", "STOPPED", "SUCCESSFUL"],
        "a rollback is no entry of its own"
    );
    assert_eq!(service.current_service_deployment(), history(&ecs).await[0].service_deployment_arn());
    let told = events(&account);
    assert_eq!(told[told.len() - 2].0, "FAILED");
    assert_eq!(told[told.len() - 1].0, "IN_PROGRESS");
    let goal = service.deployments()[0].id().unwrap();
    assert!(goal != failing && told[told.len() - 1].1.ends_with(&format!("rolling back to deploymentId {goal}.")));
    let failed: Value = serde_json::from_str(&account.state().deployment_events()[told.len() - 2]).unwrap();
    assert_eq!((&failed["detail"]["eventType"], &failed["detail"]["deploymentId"]), (&"ERROR".into(), &failing.into()));

    assert!(account.state().complete_deployment("prod", "web"));
    assert_eq!(deployments(&described(&ecs).await), ["PRIMARY web:1 COMPLETED"]);
    assert_eq!(statuses(&ecs).await, ["ROLLBACK_SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
    assert_eq!(names(&account).last().unwrap(), "COMPLETED");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>: what stops without a rollback
#[tokio::test]
async fn a_circuit_breaker_without_rollback_only_stops() {
    let (account, ecs) = at_rest(BREAKER_ONLY).await;
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    assert!(account.state().fail_deployment("prod", "web"));
    let service = described(&ecs).await;
    assert_eq!(deployments(&service), ["PRIMARY web:2 FAILED", "ACTIVE web:1 COMPLETED"]);
    assert_eq!((statuses(&ecs).await[0].as_str(), service.current_service_deployment()), ("STOPPED", None));
    assert_eq!(names(&account).last().unwrap(), "FAILED");
    assert!(!account.state().complete_deployment("prod", "web") && !account.state().fail_deployment("prod", "web"));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-failure-detection.html>: a rollback needs a
/// deployment that is COMPLETED
#[tokio::test]
async fn a_first_deployment_has_nothing_to_go_back_to() {
    let (account, ecs) = account().await;
    account.state().create_service_with(PIPELINE, "prod", "web", BREAKER_ROLLS_BACK);
    assert!(account.state().fail_deployment("prod", "web"));
    assert_eq!(deployments(&described(&ecs).await), ["PRIMARY web:1 FAILED"]);
    assert_eq!(statuses(&ecs).await, ["ROLLBACK_FAILED"]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
#[tokio::test]
async fn without_a_circuit_breaker_a_failing_deployment_goes_on_and_nobody_is_told() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    assert!(!account.state().fail_deployment("prod", "web"));
    assert_eq!(deployments(&described(&ecs).await), ["PRIMARY web:2 IN_PROGRESS", "ACTIVE web:1 COMPLETED"]);
    assert_eq!(names(&account).last().unwrap(), "IN_PROGRESS");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>: while a rollback runs
/// nothing is COMPLETED
#[tokio::test]
async fn a_deployment_that_is_pushed_into_a_rollback_stalls_and_so_do_those_after_it() {
    let (account, ecs) = at_rest(BREAKER_ROLLS_BACK).await;
    account.state().update_service(PIPELINE, "prod", "web", "web:2");
    account.state().fail_deployment("prod", "web");
    for revision in ["web:3", "web:2"] {
        account.state().update_service(GUARD, "prod", "web", revision);
        assert!(!account.state().complete_deployment("prod", "web"), "it launches no tasks");
        assert!(!account.state().fail_deployment("prod", "web"), "it rolls nothing back");
        assert_eq!(deployments(&described(&ecs).await)[0], format!("PRIMARY {revision} IN_PROGRESS"));
    }
    assert_eq!(statuses(&ecs).await, ["IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_FAILED", "SUCCESSFUL"]);
    account.state().ecs.cluster("prod").services.get_mut("web").unwrap().deployments[0].is_stalled = false;
    assert!(account.state().complete_deployment("prod", "web"), "somebody has seen to it");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>: 50 at once, 20 a second
#[tokio::test]
async fn reads_of_service_deployments_have_a_token_bucket_of_their_own() {
    let (account, ecs) = at_rest(r#"{"taskDefinition":"web:1"}"#).await;
    account.state().budget = Some(Budget::full());
    for _ in 0..50 {
        history(&ecs).await;
    }
    let list = || ecs.list_service_deployments().cluster("prod").service("web").send();
    assert_eq!(refusal(list().await).0, "ThrottlingException");
    described(&ecs).await;
    account.state().pass(Duration::from_millis(50));
    list().await.unwrap();
}

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>: the revision is resolved before
/// IAM is asked
#[tokio::test]
async fn iam_is_asked_about_the_service_its_revision_and_the_roles_that_are_passed() {
    let (account, ecs) = account().await;
    let with_role = definition("web", false).replacen('{', r#"{"taskRoleArn":"web","#, 1);
    account.state().register(PIPELINE, &with_role);
    let asked = || {
        let state = account.state();
        let call = state.calls().last().unwrap();
        let asked = questions(&state, call, &Request { body: call.body.clone(), ..Request::default() });
        let words = |question: Question| {
            let conditions: Vec<_> = question.conditions.into_values().map(|it| it.replace(ARN, "")).collect();
            format!("{} {} {}", question.action, question.resource.replace(ARN, ""), conditions.join(" "))
        };
        asked.into_iter().map(words).collect::<Vec<_>>()
    };
    let role = "iam:PassRole arn:aws:iam::111122223333:role/web ecs-tasks.amazonaws.com";
    ecs.create_service().cluster("prod").service_name("web").task_definition("web").send().await.unwrap();
    assert_eq!(asked(), ["ecs:CreateService service/prod/web cluster/prod task-definition/web:4", role]);
    ecs.update_service().cluster("prod").service("web").task_definition("web:4").send().await.unwrap();
    assert_eq!(asked(), ["ecs:UpdateService service/prod/web cluster/prod task-definition/web:4", role]);
    history(&ecs).await;
    assert_eq!(asked(), ["ecs:ListServiceDeployments service/prod/web cluster/prod"]);
}
