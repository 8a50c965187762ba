//! Stories that call, in both modes, everything that the functions may be allowed to call. What IAM would be asked is
//! logged (`account/call_log.rs`); `tests/e2e/test_iam.py` holds the template's roles against it.

use serde_json::Value;

use super::account::state::ecs::{Service, Task};
use super::account::{BACKOUT, Calls, OPERATOR, PIPELINE};
use super::runtime_api::Function;
use super::story::{BUCKET, PRIVILEGED, Story, in_words};

/// With roles that are passed, and a tag.
const WITH_ROLES: &str = r#"{"family":"web","taskRoleArn":"web","executionRoleArn":"arn:aws:iam::111122223333:role/pull","containerDefinitions":[{"name":"app","image":"app:1","privileged":true,"memory":128}],"tags":[{"key":"team","value":"core"}]}"#;

/// Backout as Lambda runs it, in the account of a story.
async fn back_out(story: &Story, mode: &str, named: &str) -> String {
    let mut environment = story.account.environment(BACKOUT);
    let topic = story.account.state().topic("alerts");
    let contract = [
        ("ENFORCEMENT_MODE", mode),
        ("BACKUP_BUCKET", BUCKET),
        ("ALERT_TOPIC_ARN", &topic),
        ("GUARD_ROLES", "guard-role,sweep-role"),
    ];
    environment.extend(contract.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut backout = Function::start(env!("CARGO_BIN_EXE_backout"), &environment).await;
    let request = format!(r#"{{"taskDefinition":"{named}","reason":"it broke","approvedBy":"jane"}}"#);
    let answer = backout.invoke(request.as_bytes()).await.expect("an answer");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    in_words(&answer)
}

/// A story in which the guard has made web:2 of web:1, and a service runs it.
async fn remediated() -> Story {
    let mut story = Story::begin("remediate").await;
    story.register(WITH_ROLES);
    story.account.state().ecs.cluster("prod").run(Task::running("web:1", "service:web"));
    assert_eq!(in_words(&story.deliver("web:1").await), "remediated web:2 sent");
    story.account.state().ecs.cluster("prod").services.insert("web".to_owned(), Service::on("web:2"));
    story
}

#[tokio::test]
async fn backout_in_either_mode_with_the_original_there_or_not() {
    for mode in ["alert", "remediate"] {
        for is_gone in [false, true] {
            let story = remediated().await;
            story.account.state().mode = Some(mode.to_owned());
            if is_gone {
                story.account.state().deregister(OPERATOR, "web:1");
            }
            assert_eq!(back_out(&story, mode, "web:2").await, "backed_out web:2 sent");
            let service = story.account.state().ecs.service("prod", "web").unwrap().clone();
            assert_eq!(service.task_definition, if is_gone { "web:3" } else { "web:1" });
        }
    }
}

#[tokio::test]
async fn backout_with_a_lost_record_finds_the_copy_by_its_content() {
    for mode in ["alert", "remediate"] {
        let story = remediated().await;
        {
            let mut state = story.account.state();
            state.mode = Some(mode.to_owned());
            state.delete_object(OPERATOR, BUCKET, "records/111122223333/eu-west-1/web/1.json");
        }
        assert_eq!(back_out(&story, mode, "web:2").await, "backed_out web:2 sent");
    }
}

#[tokio::test]
async fn the_guard_in_mode_alert_looks_at_all_there_is() {
    let mut story = Story::begin("alert").await;
    story.register(PRIVILEGED);
    {
        let mut state = story.account.state();
        let cluster = state.ecs.cluster("prod");
        cluster.services.insert("web".to_owned(), Service::on("web:1"));
        cluster.run(Task::running("web:1", "service:web"));
    }
    assert_eq!(in_words(&story.deliver("web:1").await), "alerted alert_mode sent");

    let daemon = r#"{"family":"agent","containerDefinitions":[{"name":"agent","image":"a","privileged":true}]}"#;
    story.account.state().register_daemon(PIPELINE, daemon);
    let event = story.account.state().trail().last().unwrap().clone();
    assert_eq!(in_words(&story.hand_over(&event).await), "alerted daemon_task_definition sent");
}

#[tokio::test]
async fn a_backup_that_is_gone_when_it_is_read_back_is_written_again() {
    let mut story = Story::begin("remediate").await;
    story.register(PRIVILEGED);
    let key = Story::backup_key("web:1");
    story.put(&key, "{}");
    let reading_back = Calls::of("GetObject").on(&format!("{BUCKET}/{key}"));
    let gone = key.clone();
    story.account.state().before(reading_back, move |state| {
        state.delete_object(OPERATOR, BUCKET, &gone);
    });
    assert_eq!(in_words(&story.deliver("web:1").await), "remediated web:2 sent");
    assert_eq!(story.object(&key).unwrap()["family"], "web");
}
