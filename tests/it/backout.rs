//! Backout in the operator's words: what the guard did, undone with one request, whatever has happened meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::account::state::ecs::{Service, Task};
use super::account::{BACKOUT, Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE};
use super::mail;
use super::runtime_api::Failure;
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED, Story, in_words};

pub(crate) const EXEMPTION: &str = "exemptions/111122223333/eu-west-1/web.json";

/// The guard has made `web:2`, the copy of `web:1`.
pub(crate) async fn remediated() -> Story {
    let mut story = Story::begin("remediate").await;
    let original = story.register(PRIVILEGED);
    assert_eq!(in_words(&story.deliver(&original).await), "remediated web:2 sent");
    story
}

pub(crate) fn request(task_definition: &str, more: &str) -> String {
    format!(r#"{{"taskDefinition":"{task_definition}","reason":"the app breaks","approvedBy":"jane"{more}}}"#)
}

/// `outcome reason restored` of an answer, what is null left out.
pub(crate) fn told(answer: &Value) -> String {
    let words = ["outcome", "reason", "restored"].iter().filter_map(|name| answer[name].as_str());
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn by_backout(story: &Story) -> usize {
    let state = story.account.state();
    state.calls().iter().filter(|call| call.principal == BACKOUT && call.is_write()).count()
}

#[tokio::test]
async fn a_backout_brings_everything_back_and_tells_it() {
    let mut story = remediated().await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "backed_out web:1");
    assert_eq!((&answer["copy"], &answer["alert"]), (&json!("web:2"), &json!("sent")));
    assert_eq!(answer["services"], json!([{"cluster":"prod","service":"web","state":"moving"}]));
    assert_eq!((answer.get("dryRun"), answer.get("plan")), (None, None));
    assert_eq!(story.active(), [1]);
    assert_eq!(story.account.state().ecs.service("prod", "web").unwrap().task_definition, "web:1");

    let exemption = story.object(EXEMPTION).unwrap();
    assert_eq!(exemption["containers"], json!(["app"]));
    assert_eq!((&exemption["reason"], &exemption["approvedBy"]), (&json!("the app breaks"), &json!("jane")));
    let record = story.record("web:1").unwrap();
    assert_eq!(record["backedOut"]["restored"], "web:1");
    assert_eq!(record["copies"][0]["why"], "backout");
    assert_eq!(record["copy"], "web:2", "no run removes what a record holds");

    let mail = story.mail();
    for line in [
        "web:1 was backed out: web:1 is in force instead of web:2",
        "jane is claimed to have approved it",
        "Moved service web in cluster prod to web:1",
        "Deregistered web:2, the copy",
        "aws s3 rm s3://guard-state/exemptions/111122223333/eu-west-1/web.json",
    ] {
        assert!(mail.contains(line), "{line} is not in\n{mail}");
    }
    assert_eq!(in_words(&story.deliver("web:1").await), "exempt none", "the guard leaves it alone");
    assert_eq!(story.active(), [1]);
}

#[tokio::test]
async fn five_repetitions_end_in_the_same_state_and_one_alert() {
    let mut story = remediated().await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    story.back_out(&request("web:1", "")).await;
    let after = (story.object(EXEMPTION), story.record("web:1"), story.active(), story.alerts(), by_backout(&story));
    for named in ["web:1", "web:2", "web:1", "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2"] {
        assert_eq!(told(&story.back_out(&request(named, "")).await), "already_backed_out web:1", "{named}");
    }
    let again = (story.object(EXEMPTION), story.record("web:1"), story.active(), story.alerts(), by_backout(&story));
    assert_eq!(after, again);
}

#[tokio::test]
async fn the_copy_may_be_named_instead_of_the_original() {
    let mut story = remediated().await;
    assert_eq!(told(&story.back_out(&request("web:2", "")).await), "backed_out web:1");
    assert_eq!(story.active(), [1]);
}

#[tokio::test]
async fn an_original_that_is_inactive_or_gone_comes_back_from_its_backup() {
    for is_gone in [false, true] {
        let mut story = remediated().await;
        story.account.state().deregister(OPERATOR, "web:1");
        if is_gone {
            story.account.state().ecs.finish_deletion("web:1");
        }
        assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:3");
        assert_eq!(story.active(), [3]);
        {
            let state = story.account.state();
            let sent = state.calls().iter().rfind(|call| call.operation == "RegisterTaskDefinition").unwrap();
            let backup = state.s3.object(BUCKET, &Story::backup_key("web:1")).unwrap();
            assert_eq!(sent.body, backup, "what comes back is what was taken, byte for byte");
            assert_eq!(state.ecs.revision("web:3").unwrap().tags.len(), 1, "with its tags");
        }
        assert_eq!(in_words(&story.deliver("web:3").await), "exempt none", "its own event finds the exemption");
        assert_eq!(told(&story.back_out(&request("web:1", "")).await), "already_backed_out web:3");
        assert_eq!(story.active(), [3]);
    }
}

#[tokio::test]
async fn a_changed_backup_is_refused_where_it_is_needed_and_told_in_any_case() {
    for is_needed in [false, true] {
        let mut story = remediated().await;
        story.put(&Story::backup_key("web:1"), &PRIVILEGED.replace("app:1", "evil:1"));
        if is_needed {
            story.account.state().deregister(OPERATOR, "web:1");
        }
        let before = story.active();
        let answer = told(&story.back_out(&request("web:1", "")).await);
        let (expected, active) = match is_needed {
            true => ("refused backup_tampered", before),
            false => ("backed_out web:1", vec![1]),
        };
        assert_eq!((answer.as_str(), story.active()), (expected, active));
        let state = story.account.state();
        let alert = state.sns.messages().last().unwrap().delivery("sqs").body;
        let alert: Value = serde_json::from_str(&alert).unwrap();
        assert_eq!(alert["severity"], "critical");
        assert_eq!(state.s3.object(BUCKET, EXEMPTION).is_some(), !is_needed, "refused writes nothing");
    }
}

#[tokio::test]
async fn what_the_guard_never_touched_cannot_be_backed_out() {
    let mut story = Story::begin("alert").await;
    let original = story.register(PRIVILEGED);
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "nothing_to_back_out");
    story.deliver(&original).await;
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "nothing_to_back_out");
    assert_eq!(told(&story.back_out(&request("web:7", "")).await), "nothing_to_back_out");
    assert_eq!(told(&story.back_out(&request("nosuch:1", "")).await), "nothing_to_back_out");
    assert_eq!(by_backout(&story), 0);
}

#[tokio::test]
async fn a_newer_version_is_never_overtaken() {
    let mut story = remediated().await;
    story.register(NEWER);
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "refused foreign_latest");
    assert!(answer["message"].as_str().unwrap().contains("web:3 is the family's latest"), "{answer}");
    assert_eq!((story.active(), by_backout(&story)), (vec![1, 2, 3], 0));
}

#[tokio::test]
async fn a_latest_that_is_equal_to_the_original_is_not_foreign() {
    let mut story = remediated().await;
    story.register(PRIVILEGED);
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1", "it is ACTIVE itself");
    assert_eq!(story.active(), [1, 3]);
}

#[tokio::test]
async fn an_equal_copy_that_somebody_else_registered_is_left_alone() {
    let mut story = Story::begin("remediate").await;
    let original = story.register(PRIVILEGED);
    story.register(CLEAN);
    assert_eq!(in_words(&story.deliver(&original).await), "already_remediated web:2 none");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "nothing_to_back_out");
    assert_eq!((story.active(), by_backout(&story)), (vec![1, 2], 0));
}

#[tokio::test]
async fn a_record_of_the_future_is_refused_and_left_alone() {
    let mut story = remediated().await;
    let key = "records/111122223333/eu-west-1/web/1.json";
    story.put(key, r#"{"schemaVersion":9}"#);
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "refused record_unreadable");
    assert_eq!(story.object(key).unwrap(), json!({"schemaVersion":9}));
    assert_eq!(by_backout(&story), 0);
}

#[tokio::test]
async fn a_copy_that_is_gone_already_is_no_obstacle() {
    let mut story = remediated().await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    story.account.state().deregister(OPERATOR, "web:2");
    assert_eq!(in_words(&story.deliver("web:1").await), "alerted copy_removed sent");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    assert_eq!(story.account.state().ecs.service("prod", "web").unwrap().task_definition, "web:1");
    assert!(story.object(EXEMPTION).is_some());
}

#[tokio::test]
async fn without_a_record_the_copy_is_found_by_its_content() {
    for named in ["web:1", "web:2"] {
        let mut story = remediated().await;
        story.account.state().delete_object(OPERATOR, BUCKET, "records/111122223333/eu-west-1/web/1.json");
        assert_eq!(told(&story.back_out(&request(named, "")).await), "backed_out web:1", "{named}");
        assert_eq!(story.active(), [1]);
        assert_eq!(story.record("web:1").unwrap()["backedOut"]["restored"], "web:1");
    }
}

#[tokio::test]
async fn an_exemption_is_never_shortened_or_narrowed_unless_asked() {
    let mut story = remediated().await;
    let end = (story.account.state().now + Duration::from_hours(24 * 60)).strftime("%Y-%m-%dT00:00:00Z").to_string();
    story.exempt(r#""app","side""#, &end);
    let held = story.object(EXEMPTION);
    assert_eq!(told(&story.back_out(&request("web:1", r#","expiresInDays":1"#)).await), "backed_out web:1");
    assert_eq!(story.object(EXEMPTION), held);
    let replaced = request("web:1", r#","expiresInDays":1,"replace":true"#);
    assert_eq!(told(&story.back_out(&replaced).await), "backed_out web:1");
    let exemption = story.object(EXEMPTION).unwrap();
    assert_eq!(exemption["containers"], json!(["app"]));
    assert!(exemption["expiresAt"].as_str().unwrap() < end.as_str(), "{exemption}");

    let mut story = remediated().await;
    story.exempt(r#""side""#, &end);
    story.back_out(&request("web:1", r#","expiresInDays":1"#)).await;
    let exemption = story.object(EXEMPTION).unwrap();
    assert_eq!(exemption["containers"], json!(["side", "app"]), "added to, not replaced");
    assert_eq!(exemption["expiresAt"], end);
}

#[tokio::test]
async fn an_exemption_that_cannot_be_understood_is_refused_unless_replaced() {
    let mut story = remediated().await;
    story.put(EXEMPTION, "{");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "refused exemption_unreadable");
    assert_eq!(by_backout(&story), 0);
    assert_eq!(told(&story.back_out(&request("web:1", r#","replace":true"#)).await), "backed_out web:1");
}

#[tokio::test]
async fn when_the_exemption_ends_the_original_is_like_a_new_one() {
    let mut story = remediated().await;
    story.back_out(&request("web:1", "")).await;
    story.exempt(r#""app""#, "2026-01-01T00:00:00Z");
    assert_eq!(in_words(&story.deliver("web:1").await), "remediated web:3 sent");
    story.account.state().deregister(OPERATOR, "web:3");
    assert_eq!(in_words(&story.deliver("web:1").await), "alerted copy_removed sent", "a person's no is a no again");
}

#[tokio::test]
async fn services_are_moved_where_that_is_safe_and_named_where_it_is_not() {
    let mut story = remediated().await;
    {
        let mut state = story.account.state();
        let cluster = state.ecs.cluster("prod");
        let on = |revision: &str| Service::on(revision);
        cluster.services.insert("plain".into(), on("web:2"));
        cluster.services.insert("code-deploy".into(), Service { controller: "CODE_DEPLOY".into(), ..on("web:2") });
        let external = Service { controller: "EXTERNAL".into(), task_sets: vec!["web:2".into()], ..on("web:1") };
        cluster.services.insert("external".into(), external);
        cluster.services.insert("express".into(), Service { managed_by_ecs: true, ..on("web:2") });
        cluster.services.insert("other".into(), on("web:1"));
        let mut deploying = on("web:2");
        deploying.deployments[0].rollout_state = "IN_PROGRESS".into();
        cluster.services.insert("deploying".into(), deploying);
        cluster.run(Task::running("web:2", "service:plain"));
        for number in 0..25 {
            state.ecs.cluster("other").services.insert(format!("s{number}"), Service::on("web:1"));
        }
        state.ecs.knobs.page_length_max = 3;
        state.ecs.knobs.empty_pages = true;
    }
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "backed_out web:1");
    let states: Vec<String> =
        answer["services"].as_array().unwrap().iter().map(|it| format!("{} {}", it["service"], it["state"])).collect();
    let expected =
        ["plain moving", "code-deploy not_movable", "deploying waiting", "express not_movable", "external not_movable"];
    assert_eq!(states.join(", ").replace('"', ""), expected.join(", "));
    let mail = story.mail();
    for line in [
        "Act now? Yes: services still run the copy",
        "Deploy web:1 to it with CodeDeploy.",
        "aws ecs list-service-deployments --region eu-west-1 --cluster prod --service deploying --status PENDING IN_PROGRESS",
        "Create a task set with web:1",
        "express in cluster prod",
    ] {
        assert!(mail.contains(line), "{line} is not in\n{mail}");
    }
    let state = story.account.state();
    let updates: Vec<_> = state.calls().iter().filter(|call| call.operation == "UpdateService").collect();
    assert_eq!(updates.len(), 1, "nothing is pushed into a deployment");
}

#[tokio::test]
async fn a_service_that_is_leaving_the_copy_for_something_else_keeps_its_way_back() {
    let mut story = remediated().await;
    story.account.state().register(PIPELINE, &NEWER.replace("\"web\"", "\"api\""));
    let state = story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    drop(state);
    {
        let mut state = story.account.state();
        let service = state.ecs.cluster("prod").services.get_mut("web").unwrap();
        let mut newer = service.deployments[0].clone();
        newer.task_definition = "api:1".into();
        newer.rollout_state = "IN_PROGRESS".into();
        service.deployments[0].status = "ACTIVE".into();
        service.deployments.insert(0, newer);
        service.task_definition = "api:1".into();
    }
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "refused deployment_in_progress");
    assert_eq!(by_backout(&story), 0);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let mut story = remediated().await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    let alerts = story.alerts();
    let answer = story.back_out(&request("web:1", r#","dryRun":true"#)).await;
    assert_eq!((told(&answer).as_str(), &answer["dryRun"]), ("backed_out web:1", &json!(true)));
    let plan = answer["plan"].as_array().unwrap();
    assert_eq!(plan.len(), 4, "{answer}");
    assert!(plan[0].as_str().unwrap().starts_with("Exempt app until "), "{answer}");
    assert_eq!(plan[2], "Move service web in prod to web:1.");
    assert_eq!(plan[3], "Deregister web:2.");
    assert_eq!((by_backout(&story), story.alerts()), (0, alerts));

    story.register(NEWER);
    let answer = story.back_out(&request("web:1", r#","dryRun":true"#)).await;
    assert_eq!((told(&answer).as_str(), &answer["dryRun"]), ("refused foreign_latest", &json!(true)));
}

#[tokio::test]
async fn what_is_no_valid_request_is_refused_in_words_and_what_is_none_fails() {
    let mut story = remediated().await;
    for (request, reason) in [
        (request("web", ""), "invalid_request"),
        (request("arn:aws:ecs:eu-west-1:111122223333:cluster/web", ""), "invalid_request"),
        (request("arn:aws:ecs:eu-west-1:999922223333:task-definition/web:1", ""), "other_home"),
        (request("arn:aws:ecs:us-east-1:111122223333:task-definition/web:1", ""), "other_home"),
        (request("web:1", r#","expiresInDays":0"#), "invalid_request"),
        (request("web:1", r#","expiresInDays":1000"#), "invalid_request"),
        (request("web:1", r#","dryrun":true"#), "invalid_request"),
        (r#"{"taskDefinition":"web:1","reason":"","approvedBy":"jane"}"#.to_owned(), "invalid_request"),
        ("{}".to_owned(), "invalid_request"),
    ] {
        let answer = story.back_out(&request).await;
        assert_eq!(told(&answer), format!("refused {reason}"), "{request}");
        assert!(!answer["message"].as_str().unwrap().is_empty());
    }
    for nothing in ["[]", "7", "\"web:1\"", "null"] {
        assert!(matches!(story.invoke_backout(nothing).await, Err(Failure::Error(_))), "{nothing}");
    }
    assert_eq!(by_backout(&story), 0);
}

#[tokio::test]
async fn a_service_that_may_not_be_moved_keeps_its_copy_and_the_second_try_goes_on() {
    let mut story = remediated().await;
    {
        let mut state = story.account.state();
        state.ecs.cluster("prod").services.insert("a".into(), Service::on("web:2"));
        state.ecs.cluster("prod").services.insert("b".into(), Service::on("web:2"));
        let first = Calls::of("UpdateService").by(BACKOUT);
        state.inject(Fault::once(Kind::AccessDenied("ecs:UpdateService"), first));
    }
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "failed access_denied web:1");
    assert_eq!(story.active(), [1, 2], "the copy stays while a service runs it");
    let mail = story.mail();
    assert!(mail.contains(r#""Action":"ecs:UpdateService""#) && mail.contains("Moved service b"), "{mail}");
    let service = r#""Resource":"arn:aws:ecs:eu-west-1:111122223333:service/prod/a""#;
    assert!(mail.contains(service), "{service} is not in\n{mail}");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    assert_eq!(story.active(), [1]);
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_not_repeated() {
    let mut story = remediated().await;
    {
        let mut state = story.account.state();
        state.deregister(OPERATOR, "web:1");
        state.inject(Fault::once(Kind::CutAfter, Calls::of("RegisterTaskDefinition").by(BACKOUT)));
    }
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:3");
    assert_eq!(story.active(), [3]);
    let mail = story.mail();
    assert!(mail.contains("Registered web:3, proven equal to the original"), "{mail}");
    assert!(!mail.contains("a backout that did not end"), "{mail}");
}

#[tokio::test]
async fn a_newer_version_that_comes_between_is_not_overtaken() {
    let mut story = remediated().await;
    {
        let mut state = story.account.state();
        state.deregister(OPERATOR, "web:1");
        state.before(Calls::of("RegisterTaskDefinition").by(BACKOUT), |state| {
            state.register(PIPELINE, NEWER);
        });
    }
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "failed foreign_latest", "an exemption was written, so it is no mere refusal");
    assert_eq!(story.active(), [2, 3], "what was registered over it is taken back");
    let mail = story.mail();
    for line in
        ["Exempted web, containers app", "Deregistered web:4, which backout had registered", "Exempt: web until"]
    {
        assert!(mail.contains(line), "{line} is not in\n{mail}");
    }
}

#[tokio::test]
async fn nothing_that_others_registered_is_deregistered() {
    let mut story = remediated().await;
    story.back_out(&request("web:1", "")).await;
    let state = story.account.state();
    let withdrawn = state.calls().iter().filter(|call| call.operation == "DeregisterTaskDefinition");
    for call in withdrawn {
        assert!(state.ecs.revision(&call.resource).is_none_or(|it| it.registered_by == GUARD), "{}", call.resource);
    }
}

#[tokio::test]
async fn the_command_of_the_alert_is_pasted_and_the_account_is_as_it_was() {
    let mut story = Story::with("remediate", &[("BACKOUT_FUNCTION", "ecs-guard-backout")]).await;
    let original = story.register(PRIVILEGED);
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:1"));
    let before = {
        let state = story.account.state();
        (
            state.ecs.active("web"),
            state.described("web:1"),
            state.ecs.service("prod", "web").unwrap().task_definition.clone(),
        )
    };
    story.deliver(&original).await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));

    let command = mail::command(&story.mail());
    let output = story.lambda("ecs-guard-backout").await.paste(&command).await;
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains(r#""outcome":"backed_out""#) && shown.contains(r#""StatusCode": 200"#), "{shown}");
    let state = story.account.state();
    let after = (
        state.ecs.active("web"),
        state.described("web:1"),
        state.ecs.service("prod", "web").unwrap().task_definition.clone(),
    );
    assert_eq!(before, after);
    assert!(state.s3.object(BUCKET, EXEMPTION).is_some(), "exemption aside");
}
