//! Stories that call, in every mode, everything that the functions may be allowed to call. What IAM would be asked is
//! logged (`account/call_log.rs`); `tests/e2e/test_iam.py` holds the template's roles against it.

use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;
use serde_json::Value;

use super::account::state::ecs::{Service, Task};
use super::account::{BACKOUT, Calls, GUARD, OPERATOR, PIPELINE, SWEEP, State};
use super::runtime_api::Function;
use super::story::{BUCKET, NEWER, PRIVILEGED, Story, in_words};
use super::world::{BACKUP, World};

const MODES: [&str; 3] = ["alert", "remediate", "enforce"];

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
async fn backout_in_every_mode_with_the_original_there_or_not() {
    for mode in MODES {
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
    for mode in MODES {
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
async fn the_guard_looks_at_all_there_is_also_where_it_registers_nothing() {
    for (mode, expected) in [("alert", "alerted alert_mode sent"), ("enforce", "remediated web:2 sent")] {
        let mut story = Story::begin(mode).await;
        story.register(PRIVILEGED);
        {
            let mut state = story.account.state();
            let cluster = state.ecs.cluster("prod");
            cluster.services.insert("web".to_owned(), Service::on("web:1"));
            cluster.run(Task::running("web:1", "service:web"));
        }
        assert_eq!(in_words(&story.deliver("web:1").await), expected);

        let daemon = r#"{"family":"agent","containerDefinitions":[{"name":"agent","image":"a","privileged":true}]}"#;
        story.account.state().register_daemon(PIPELINE, daemon);
        let event = story.account.state().trail().last().unwrap().clone();
        assert_eq!(in_words(&story.hand_over(&event).await), "alerted daemon_task_definition sent");
    }
}

#[tokio::test]
async fn a_backup_that_is_gone_when_it_is_read_back_is_written_again() {
    for mode in ["remediate", "enforce"] {
        let mut story = Story::begin(mode).await;
        story.register(PRIVILEGED);
        let key = Story::backup_key("web:1");
        story.put(&key, "{}");
        gone_when_it_is_read_back(&mut story.account.state(), &key);
        assert_eq!(in_words(&story.deliver("web:1").await), "remediated web:2 sent");
        assert_eq!(story.object(&key).unwrap()["family"], "web");
    }
}

fn gone_when_it_is_read_back(state: &mut State, key: &str) {
    let reading_back = Calls::of("GetObject").on(&format!("{BUCKET}/{key}"));
    let gone = key.to_owned();
    state.before(reading_back, move |state| {
        state.delete_object(OPERATOR, BUCKET, &gone);
    });
}

/// The deployments of such a service do not say how far they are, so its history is asked.
#[tokio::test]
async fn the_guard_in_mode_enforce_waits_moves_and_sees_it_settle() {
    let mut story = Story::begin("enforce").await;
    story.register(WITH_ROLES);
    let input = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"strategy":"BLUE_GREEN"}}"#;
    story.account.state().create_service_with(PIPELINE, "prod", "web", input);
    let created = story.account.state().trail().last().unwrap().clone();
    assert_eq!(in_words(&story.hand_over(&created).await), "remediated web:2 sent");
    for expected in ["move_started web:2 none", "move_settled web:2 sent"] {
        story.account.state().complete_deployment("prod", "web");
        let ended = story.account.state().deployment_events().last().unwrap().clone();
        assert_eq!(in_words(&story.hand_over(&ended).await), expected);
    }
    assert_eq!(story.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    assert_ne!(story.account.state().count("ListServiceDeployments"), 0);
}

#[tokio::test]
async fn the_guard_in_mode_enforce_withdraws_a_copy_that_lost_a_race() {
    let mut story = Story::begin("enforce").await;
    story.register(PRIVILEGED);
    newer_before_the_copy(&mut story.account.state(), GUARD);
    assert_eq!(in_words(&story.deliver("web:1").await), "superseded race sent");
    assert_eq!(story.active(), [1, 2]);
}

fn newer_before_the_copy(state: &mut State, by: &str) {
    state.before(Calls::of("RegisterTaskDefinition").by(by), |state| {
        state.register(PIPELINE, NEWER);
    });
}

/// What no event told of, with all that can be in the way of its copy.
#[tokio::test]
async fn a_sweep_in_modes_that_write_makes_copies_withdraws_them_and_reads_backups_back() {
    for mode in [Mode::Remediate, Mode::Enforce] {
        let world = World::with(mode, &WITH_ROLES.replace("\"web\",\"taskRole", "\"old\",\"taskRole"), |state| {
            state.create_service(PIPELINE, "prod", "old", "old:1");
            state.complete_deployment("prod", "old");
            state.ecs.cluster("prod").run(Task::running("old:1", "service:old"));
        })
        .await;
        assert!(world.sweep().await.unwrap().complete);
        world.state().pass(Duration::from_hours(1));
        world.state().register(PIPELINE, WITH_ROLES);
        world.state().put_object(PIPELINE, BUCKET, BACKUP, b"{}");
        gone_when_it_is_read_back(&mut world.state(), BACKUP);
        world.state().pass(Duration::from_mins(40));
        let answer = world.sweep().await.unwrap();
        assert_eq!(answer.outcomes.get("remediated"), Some(&1), "{answer:?}");

        world.state().register(PIPELINE, &WITH_ROLES.replace("app:1", "app:2"));
        newer_before_the_copy(&mut world.state(), SWEEP);
        world.state().pass(Duration::from_mins(40));
        let answer = world.sweep().await.unwrap();
        assert_eq!(answer.outcomes.get("superseded"), Some(&1), "{answer:?}");
        assert_eq!(world.state().ecs.active("web"), [1, 2, 3, 4]);
    }
}
