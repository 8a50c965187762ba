//! The events that `CloudTrail` makes of writes.

use serde_json::Value;

use super::super::account::state::ecs::Service;
use super::super::account::trail::{HIDDEN, Redaction};
use super::super::account::{Account, PIPELINE};
use super::{Clients, definition, describe, register};

const SECRET: &str = r#"{"family":"web","containerDefinitions":[{"name":"app","privileged":true,"environment":[{"name":"PASSWORD","value":"hunter2"}]}]}"#;

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>
#[tokio::test]
async fn each_write_leaves_an_event_and_no_read_does() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    register(&ecs, SECRET).await.unwrap();
    describe(&ecs, "web").await.unwrap();
    register(&ecs, &definition("we b", true)).await.unwrap_err();
    let events: Vec<Value> = account.state().trail().iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let [done, failed] = events.as_slice() else { panic!("two events: {events:?}") };

    assert_eq!(done["source"], "aws.ecs");
    assert_eq!(done["detail-type"], "AWS API Call via CloudTrail");
    let detail = &done["detail"];
    assert_eq!(detail["eventName"], "RegisterTaskDefinition");
    assert_eq!(detail["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"], "deploy-pipeline");
    assert_eq!(
        detail["responseElements"]["taskDefinition"]["taskDefinitionArn"],
        "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1"
    );
    assert_eq!(detail["responseElements"]["taskDefinition"]["registeredAt"], "Jan 15, 2026 12:00:00 PM");
    assert_eq!(detail["requestParameters"]["containerDefinitions"][0]["environment"][0]["value"], HIDDEN);
    assert!(detail.get("errorCode").is_none());
    assert!(detail["userAgent"].as_str().unwrap().contains("aws-sdk-rust"));

    assert_eq!(failed["detail"]["errorCode"], "ClientException");
    assert_eq!(failed["detail"]["responseElements"], Value::Null);
    assert_ne!(done["id"], failed["id"]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
#[tokio::test]
async fn a_deployment_has_events_of_its_own() {
    let account = Account::start().await;
    account.state().ecs.cluster("prod").services.insert("web".to_owned(), Service::on("web:1"));
    let event = account.state().deployment_event("prod", "web", "SERVICE_DEPLOYMENT_FAILED");
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(event["detail-type"], "ECS Deployment State Change");
    assert_eq!(event["resources"][0], "arn:aws:ecs:eu-west-1:111122223333:service/prod/web");
    assert_eq!(event["detail"]["eventType"], "ERROR");
    assert_eq!(event["detail"]["deploymentId"], account.state().ecs.service("prod", "web").unwrap().deployments[0].id);
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>: four
/// ways of hiding are seen in other services' events
#[tokio::test]
async fn a_value_is_hidden_in_every_way_of_hiding() {
    for redaction in
        [Redaction::EachValue, Redaction::WholeList, Redaction::Emptied, Redaction::Containers, Redaction::Everything]
    {
        let account = Account::start().await;
        account.state().redaction = redaction;
        account.state().register(PIPELINE, SECRET);
        let state = account.state();
        assert!(!state.trail()[0].contains("hunter2"), "{redaction:?}");
    }
}
