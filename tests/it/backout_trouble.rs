//! Backouts that meet trouble: answers that are lost, runs that die, services in motion, reads that are behind, others
//! who are faster. Nothing that was done is left untold.

use serde_json::{Value, json};

use ecs_privileged_guard::domain::policy::Mode;

use super::account::state::ecs::Service;
use super::account::{BACKOUT, Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, State};
use super::backout::{EXEMPTION, by_backout, remediated, request, told};
use super::story::{BUCKET, NEWER, PRIVILEGED, Story, in_words};
use super::world::World;

const RECORD: &str = "records/111122223333/eu-west-1/web/1.json";

/// A service in cluster `prod`, told from `web:1` at rest to something else.
fn service(story: &Story, name: &str, change: impl FnOnce(&mut Service)) {
    let mut service = Service::on("web:1");
    change(&mut service);
    story.account.state().ecs.cluster("prod").services.insert(name.into(), service);
}

fn target(story: &Story, name: &str) -> String {
    story.account.state().ecs.service("prod", name).unwrap().task_definition.clone()
}

#[track_caller]
fn holds(mail: &str, lines: &[&str]) {
    for line in lines {
        assert!(mail.contains(line), "{line} is not in\n{mail}");
    }
}

fn last_alert(state: &State) -> Value {
    serde_json::from_str(&state.sns.messages().last().unwrap().delivery("sqs").body).unwrap()
}

#[tokio::test]
async fn a_deployment_to_the_copy_that_never_ends_is_left_while_the_original_is_still_complete() {
    let mut story = remediated().await;
    service(&story, "breaking", |it| it.deploy("web:2"));
    service(&story, "given-up", |it| {
        it.deploy("web:2");
        "FAILED".clone_into(&mut it.deployments[0].rollout_state);
    });
    service(&story, "leaving", |it| {
        it.deploy("web:2");
        it.deploy("web:1");
    });
    service(&story, "draining", |it| {
        it.deploy("web:2");
        "DRAINING".clone_into(&mut it.status);
    });
    service(&story, "over", |it| {
        it.deploy("web:2");
        it.deploy("web:1");
        it.deployments[0].rollout_state = "COMPLETED".into();
        it.deployments[1].status = "INACTIVE".into();
    });
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "backed_out web:1");
    let moving = |name: &str| json!({"cluster":"prod","service":name,"state":"moving"});
    assert_eq!(answer["services"], json!([moving("breaking"), moving("given-up"), moving("leaving")]));
    assert_eq!((target(&story, "breaking"), target(&story, "given-up")), ("web:1".into(), "web:1".into()));
    assert_eq!(story.account.state().count("UpdateService"), 2, "what leaves the copy already is left alone");
    holds(&story.mail(), &["Act now? No.", "Left service leaving in cluster prod alone"]);
}

#[tokio::test]
async fn a_deployment_without_a_way_back_is_named_each_time_and_never_pushed_over() {
    let mut story = remediated().await;
    service(&story, "stuck", |it| {
        it.deploy("web:2");
        it.deployments.truncate(1);
    });
    let dry = story.back_out(&request("web:1", r#","dryRun":true"#)).await;
    let waiting = json!([{"cluster":"prod","service":"stuck","state":"waiting"}]);
    assert_eq!((&dry["services"], told(&dry).as_str()), (&waiting, "backed_out web:1"));
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    let again = story.back_out(&request("web:1", "")).await;
    assert_eq!((told(&again).as_str(), &again["services"]), ("already_backed_out web:1", &waiting));
    assert!(again["until"].is_string(), "{again}");
    assert_eq!(story.account.state().count("UpdateService"), 0);

    // As its alert says: when that deployment has ended, the same command moves it.
    service(&story, "stuck", |it| *it = Service::on("web:2"));
    let moved = story.back_out(&request("web:1", "")).await;
    assert_eq!(moved["services"][0]["state"], "moving", "{moved}");
    assert_eq!(target(&story, "stuck"), "web:1");
}

#[tokio::test]
async fn a_cluster_that_goes_during_the_walk_is_none() {
    let mut story = remediated().await;
    service(&story, "web", |it| *it = Service::on("web:2"));
    {
        let mut state = story.account.state();
        for (cluster, call) in [("aaa", "ListServices"), ("bbb", "DescribeServices")] {
            state.ecs.cluster(cluster).services.insert("web".into(), Service::on("web:2"));
            let gone = cluster.to_owned();
            state.before(Calls::of(call).by(BACKOUT).on(cluster), move |state| state.ecs.delete_cluster(&gone));
        }
    }
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    assert_eq!(target(&story, "web"), "web:1");
}

#[tokio::test]
async fn a_service_is_looked_at_again_before_it_is_moved() {
    let mut story = remediated().await;
    service(&story, "web", |it| *it = Service::on("web:2"));
    {
        let mut state = story.account.state();
        // Between the walk and the move somebody deploys, and it is rolled back to the copy.
        state.before(Calls::of("DescribeServices").by(BACKOUT).starting_at(2), |state| {
            let service = state.ecs.cluster("prod").services.get_mut("web").unwrap();
            service.deploy("web:2");
            service.deployments.truncate(1);
        });
    }
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(answer["services"], json!([{"cluster":"prod","service":"web","state":"waiting"}]));
    assert_eq!(story.account.state().count("UpdateService"), 0, "nothing is pushed into a rollback");
    holds(&story.mail(), &["Act now? Yes: services still run the copy"]);
}

#[tokio::test]
async fn a_lost_answer_with_a_newer_version_in_between_is_taken_back() {
    let mut story = remediated().await;
    {
        let mut state = story.account.state();
        state.deregister(OPERATOR, "web:1");
        state.before(Calls::of("RegisterTaskDefinition").by(BACKOUT), |state| {
            state.register(PIPELINE, NEWER);
        });
        state.inject(Fault::once(Kind::CutAfter, Calls::of("RegisterTaskDefinition").by(BACKOUT)));
    }
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "failed foreign_latest");
    assert_eq!(story.active(), [2, 3]);
    holds(&story.mail(), &["Exempted web", "Deregistered web:4, which backout had registered", "Exempt: web until"]);
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "refused foreign_latest", "and then all is told");
}

#[tokio::test]
async fn what_a_run_registered_before_it_died_is_proven_before_it_counts() {
    let untagged = PRIVILEGED.replace(r#","tags":[{"key":"team","value":"core"}]"#, "");
    for (registered, newer, expected, active) in [
        (PRIVILEGED, None, "backed_out web:3", vec![3]),
        (PRIVILEGED, Some(NEWER), "failed foreign_latest", vec![2, 3]),
        // Somebody else was faster, and theirs serves.
        (PRIVILEGED, Some(PRIVILEGED), "backed_out web:3", vec![3]),
        (untagged.as_str(), None, "failed unfaithful_before", vec![2]),
    ] {
        let mut story = remediated().await;
        story.account.state().deregister(OPERATOR, "web:1");
        if let Some(newer) = newer {
            story.register(newer);
        }
        story.account.state().register(BACKOUT, registered);
        let dry = story.back_out(&request("web:1", r#","dryRun":true"#)).await;
        assert_eq!(told(&dry), expected, "a dry run answers what a run would");
        let plan = dry["plan"].to_string();
        let is_kept = active == [3] && newer.is_none();
        assert_eq!(plan.contains("a backout left it"), !is_kept, "{plan}");
        assert_eq!(told(&story.back_out(&request("web:1", "")).await), expected);
        assert_eq!(story.active(), active, "{expected}");
        let mail = story.mail();
        assert_eq!(mail.contains("web:3 is ACTIVE: a backout that did not end had registered it"), is_kept, "{mail}");
    }
}

#[tokio::test]
async fn what_a_record_names_as_restored_is_not_judged_again() {
    let mut story = remediated().await;
    story.account.state().deregister(OPERATOR, "web:1");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:3");
    story.account.state().ecs.tag("web:3", "cost", "7");
    assert_eq!(told(&story.back_out(&request("web:1", r#","expiresInDays":60"#)).await), "backed_out web:3");
    assert_eq!(story.active(), [3], "its tags may change");
}

#[tokio::test]
async fn a_run_that_gives_up_after_a_write_tells_what_stands() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert!(world.deliver().await.is_ok());
    world.state().inject(Fault::always(Kind::Internal, Calls::of("DeregisterTaskDefinition").by(BACKOUT)));
    assert_eq!(world.back_out(&request("web:1", "")).await, Err("server_error".to_owned()));
    holds(
        &world.mail(),
        &["FAILED to back web:1 out", "1. Exempted web, containers app", "gave up for now", "Exempt: web until"],
    );
    world.state().heal();
    let told = world.state().sns.messages().len();
    assert!(world.back_out(&request("web:1", "")).await.is_ok());
    assert_eq!(world.state().ecs.active("web"), [1]);
    assert_eq!(world.state().sns.messages().len(), told + 1);
}

#[tokio::test]
async fn an_exemption_whose_answer_is_lost_is_told_all_the_same() {
    let mut story = remediated().await;
    let write = Calls::of("PutObject").by(BACKOUT).on("exemptions/");
    story.account.state().inject(Fault::once(Kind::CutAfter, write));
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    holds(&story.mail(), &["1. Exempted web, containers app", "Exempt: web until"]);
}

#[tokio::test]
async fn a_run_that_gives_up_before_any_write_is_silent() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert!(world.deliver().await.is_ok());
    world.state().inject(Fault::always(Kind::Throttled, Calls::of("ListClusters").by(BACKOUT)));
    let told = world.state().sns.messages().len();
    assert!(world.back_out(&request("web:1", "")).await.is_err());
    assert_eq!(world.state().sns.messages().len(), told);
}

/// Whoever waits for it has nobody else to look at meanwhile.
#[tokio::test]
async fn a_throttle_is_waited_out_as_long_as_the_work_could_still_be_done() {
    for operation in ["ListServices", "RegisterTaskDefinition"] {
        let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
            state.ecs.cluster("prod");
        })
        .await;
        assert!(world.deliver().await.is_ok());
        world.state().deregister(OPERATOR, "web:1");
        let end = world.state().now + std::time::Duration::from_mins(1);
        world.state().inject(Fault::always(Kind::Throttled, Calls::of(operation).by(BACKOUT)));
        for nth in 1..200 {
            world.state().before(Calls::of(operation).by(BACKOUT).starting_at(nth), move |state| {
                if state.now >= end {
                    state.heal_faults();
                }
            });
        }
        let answer = world.back_out(&request("web:1", "")).await.unwrap();
        assert_eq!((answer.outcome.as_str(), answer.restored.as_deref()), ("backed_out", Some("web:3")), "{operation}");
    }
}

/// A registration that was only throttled was not done, whoever registers the same then.
#[tokio::test]
async fn what_was_throttled_was_not_done() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert!(world.deliver().await.is_ok());
    world.state().deregister(OPERATOR, "web:1");
    world.state().inject(Fault::once(Kind::Throttled, Calls::of("RegisterTaskDefinition").by(BACKOUT)));
    world.state().after(Calls::of("RegisterTaskDefinition").by(BACKOUT), |state| {
        if state.ecs.active("web") == [2] {
            state.register(PIPELINE, PRIVILEGED);
        }
    });
    let answer = world.back_out(&request("web:1", "")).await.unwrap();
    assert_eq!((answer.outcome.as_str(), answer.restored.as_deref()), ("backed_out", Some("web:3")));
    assert!(!world.mail().contains("Registered web:3"), "{}", world.mail());
}

#[tokio::test]
async fn the_clock_is_looked_at_between_two_moves() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert!(world.deliver().await.is_ok());
    {
        let mut state = world.state();
        for name in ["a", "b"] {
            state.ecs.cluster("prod").services.insert(name.into(), Service::on("web:2"));
        }
        state.after(Calls::of("UpdateService").by(BACKOUT), |state| state.pass(std::time::Duration::from_secs(110)));
    }
    assert_eq!(world.back_out(&request("web:1", "")).await, Err("out_of_time".to_owned()));
    holds(&world.mail(), &["Moved service a in cluster prod to web:1", "b in cluster prod: not moved yet"]);
    assert_eq!(world.state().ecs.active("web"), [1, 2], "the copy stays while a service runs it");
}

/// Lambda does not wait for a look that hangs, and what was begun before it would be told by nobody.
#[tokio::test]
async fn a_look_that_hangs_ends_while_there_is_time_to_tell() {
    for (call, resource) in [("GetObject", RECORD), ("ListClusters", "")] {
        let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
        assert!(world.deliver().await.is_ok());
        world.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
        // The family is exempt by now. Between the walk and the move somebody deploys, so that all is looked at again.
        world.state().before(Calls::of("DescribeServices").by(BACKOUT).starting_at(2), move |state| {
            state.ecs.cluster("prod").services.get_mut("web").unwrap().deploy("web:2");
            state.pass(std::time::Duration::from_secs(112));
            let hangs = Kind::DelayBefore(std::time::Duration::from_hours(1));
            state.inject(Fault::always(hangs, Calls::of(call).by(BACKOUT).on(resource)));
            state.before(Calls::of("Publish").by(BACKOUT), State::heal_faults);
        });
        assert_eq!(world.back_out(&request("web:1", "")).await, Err("out_of_time".to_owned()), "{call}");
        holds(&world.mail(), &["Exempted web, containers app", "too little time was left"]);
    }
}

#[tokio::test]
async fn a_backout_that_died_is_gone_on_with_and_the_guard_sees_no_persons_no() {
    let mut story = remediated().await;
    // It dies between its last write to ECS and its alert.
    story.account.state().inject(Fault::always(Kind::AccessDenied("sns:Publish"), Calls::of("Publish").by(BACKOUT)));
    assert!(story.invoke_backout(&request("web:1", "")).await.is_err());
    assert_eq!(story.active(), [1]);
    let record = story.record("web:1").unwrap();
    assert_eq!((&record["backedOut"]["begun"], &record["backedOut"]["restored"]), (&json!(true), &Value::Null));
    assert_eq!(in_words(&story.deliver("web:1").await), "exempt none");
    story.account.state().heal();

    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!((told(&answer).as_str(), &answer["copy"]), ("backed_out web:1", &json!("web:2")));
    let mail = story.mail();
    holds(&mail, &["It went on with a backout that was begun at 20", "web:2, the copy, was not ACTIVE any more"]);
    assert!(!mail.contains("Nothing was changed"), "{mail}");
    let alert = last_alert(&story.account.state());
    assert!(alert["content"]["description"].as_str().unwrap().starts_with("It went on with a backout"), "{alert}");
    assert_eq!(story.record("web:1").unwrap()["copies"][0]["why"], "backout");
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "already_backed_out web:1");
}

#[tokio::test]
async fn a_copy_that_a_dead_backout_took_away_is_no_persons_no() {
    let mut story = remediated().await;
    story.account.state().inject(Fault::always(Kind::AccessDenied("sns:Publish"), Calls::of("Publish").by(BACKOUT)));
    assert!(story.invoke_backout(&request("web:1", "")).await.is_err());
    story.account.state().heal();
    story.exempt(r#""app""#, "2026-01-01T00:00:00Z");
    assert_eq!(in_words(&story.deliver("web:1").await), "remediated web:3 sent");
}

#[tokio::test]
async fn what_others_write_to_the_record_meanwhile_is_kept() {
    let mut story = remediated().await;
    story.account.state().before(Calls::of("PutObject").by(BACKOUT).on("records/"), |state| {
        let body = state.s3.object(BUCKET, RECORD).unwrap().to_vec();
        let mut record: Value = serde_json::from_slice(&body).unwrap();
        record["outcome"] = json!("exempt");
        record["alertedAt"] = json!("2026-11-24T01:00:00Z");
        state.put_object(GUARD, BUCKET, RECORD, record.to_string().as_bytes());
    });
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    let record = story.record("web:1").unwrap();
    assert_eq!((&record["outcome"], &record["alertedAt"]), (&json!("exempt"), &json!("2026-11-24T01:00:00Z")));
    assert_eq!(record["backedOut"]["restored"], "web:1");
}

#[tokio::test]
async fn a_failed_alert_tells_when_the_exemption_ends_and_what_is_left() {
    let mut story = remediated().await;
    service(&story, "express", |it| *it = Service { managed_by_ecs: true, ..Service::on("web:2") });
    service(&story, "web", |it| *it = Service::on("web:2"));
    let denied = Calls::of("UpdateService").by(BACKOUT);
    story.account.state().inject(Fault::once(Kind::AccessDenied("ecs:UpdateService"), denied));
    let answer = story.back_out(&request("web:2", "")).await;
    assert_eq!((told(&answer).as_str(), &answer["taskDefinition"]), ("failed access_denied web:1", &json!("web:1")));
    let states = json!([
        {"cluster":"prod","service":"web","state":"failed"},
        {"cluster":"prod","service":"express","state":"not_movable"}
    ]);
    assert_eq!(answer["services"], states);
    let end = story.object(EXEMPTION).unwrap()["expiresAt"].as_str().unwrap().to_owned();
    assert_eq!(answer["until"], end.as_str());
    let mail = story.mail();
    holds(
        &mail,
        &[
            "FAILED to back web:1 out",
            &format!("Exempt: web until {end}"),
            "express in cluster prod: ECS itself manages it",
            "web in cluster prod: not moved yet",
            "The same command again",
            "aws s3 rm",
        ],
    );
    let alert = last_alert(&story.account.state());
    assert_eq!((&alert["until"], &alert["backupTampered"]), (&json!(end), &json!(false)));
    assert_eq!(alert["byHand"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_exemption_that_s3_does_not_give_fails_before_any_write() {
    let mut story = remediated().await;
    let read = Calls::of("GetObject").by(BACKOUT).on("exemptions/");
    story.account.state().inject(Fault::always(Kind::AccessDenied("s3:GetObject"), read));
    for more in ["", r#","replace":true"#] {
        assert_eq!(told(&story.back_out(&request("web:1", more)).await), "failed access_denied");
    }
    let state = story.account.state();
    let writes = state.calls().iter().filter(|call| call.principal == BACKOUT && call.is_write());
    assert!(writes.into_iter().all(|call| call.operation == "Publish"));
    assert!(state.sns.messages().last().unwrap().delivery("email").body.contains(r#""Action":"s3:GetObject""#));
}

#[tokio::test]
async fn a_changed_backup_is_told_whatever_comes_of_it_and_meaning_does_not_overrule_the_hash() {
    let mut story = remediated().await;
    story.back_out(&request("web:1", "")).await;
    let same = PRIVILEGED.replace(r#"{"family":"web","#, r#"{ "family":"web","#);
    story.put(&Story::backup_key("web:1"), &same);
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!((told(&answer).as_str(), &answer["alert"]), ("already_backed_out web:1", &json!("sent")));
    let alert = last_alert(&story.account.state());
    assert_eq!((&alert["severity"], &alert["backupTampered"]), (&json!("critical"), &json!(true)));
    holds(
        &story.mail(),
        &[
            "the backup of web:1 was changed",
            "aws s3api list-object-versions --bucket guard-state --prefix backups/1111",
        ],
    );
    assert!(!story.mail().contains("The same command again"));
    story.register(NEWER);
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!((told(&answer).as_str(), &answer["alert"]), ("refused foreign_latest", &json!("sent")));
}

#[tokio::test]
async fn a_copy_that_reads_do_not_show_yet_is_waited_for() {
    let mut story = remediated().await;
    story.account.state().ecs.hide_newest("web", 4);
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:1");
    assert_eq!(story.active(), [1]);
}

#[tokio::test]
async fn the_copy_of_a_newer_equal_original_is_not_this_ones() {
    let mut story = Story::begin("remediate").await;
    let older = story.register(PRIVILEGED);
    let newer = story.register(PRIVILEGED);
    assert_eq!(in_words(&story.deliver(&older).await), "superseded none");
    assert_eq!(in_words(&story.deliver(&newer).await), "remediated web:3 sent");
    let answer = story.back_out(&request("web:1", "")).await;
    assert_eq!(told(&answer), "refused foreign_latest");
    assert!(answer["message"].as_str().unwrap().contains("back web:2 out instead"), "{answer}");
    assert_eq!((story.active(), by_backout(&story)), (vec![1, 2, 3], 0));
    assert_eq!(told(&story.back_out(&request("web:3", "")).await), "backed_out web:2");
}

#[tokio::test]
async fn a_copys_own_record_does_not_make_it_an_original() {
    let mut story = remediated().await;
    let looked_at = r#"{"schemaVersion":1,"taskDefinition":"web:2","outcome":"alerted"}"#;
    story.put("records/111122223333/eu-west-1/web/2.json", looked_at);
    assert_eq!(told(&story.back_out(&request("web:2", "")).await), "backed_out web:1");
}

#[tokio::test]
async fn one_record_that_cannot_be_read_hides_no_other() {
    let mut story = Story::begin("remediate").await;
    story.register(PRIVILEGED);
    let original = story.register(PRIVILEGED);
    assert_eq!(in_words(&story.deliver(&original).await), "remediated web:3 sent");
    let future = r#"{"schemaVersion":9}"#;
    story.put(RECORD, future);
    assert_eq!(told(&story.back_out(&request("web:3", "")).await), "backed_out web:2");

    let mut story = remediated().await;
    story.account.state().delete_object(OPERATOR, BUCKET, &Story::backup_key("web:1"));
    story.put(RECORD, future);
    assert_eq!(
        told(&story.back_out(&request("web:2", "")).await),
        "refused record_unreadable",
        "nothing else is found"
    );
}

#[tokio::test]
async fn a_dry_run_that_is_no_valid_request_is_a_dry_run_all_the_same() {
    let mut story = remediated().await;
    let answer = story.back_out(&request("web:1", r#","dryRun":true,"expiresInDays":0"#)).await;
    assert_eq!((told(&answer).as_str(), &answer["dryRun"]), ("refused invalid_request", &json!(true)));
    assert!(answer["plan"][0].as_str().unwrap().contains("1 to 90"), "{answer}");
}

#[tokio::test]
async fn the_log_says_why_a_request_was_refused() {
    let mut story = remediated().await;
    story.register(NEWER);
    story.back_out(&request("web:1", "")).await;
    let log = story.log_of_backout().await;
    assert!(log.contains(r#""failure":"web:3 is the family's latest"#), "{log}");
}

#[tokio::test]
async fn a_copy_goes_only_while_the_original_is_still_there() {
    let mut story = remediated().await;
    story.account.state().before(Calls::of("PutObject").by(BACKOUT).on("records/"), |state| {
        if state.ecs.active("web").contains(&1) {
            state.deregister(OPERATOR, "web:1");
        }
    });
    assert_eq!(told(&story.back_out(&request("web:1", "")).await), "backed_out web:3");
    assert_eq!(story.active(), [3], "it was brought back from the backup before the copy went");
    let state = story.account.state();
    let writes = state.calls().iter().filter(|call| call.principal == BACKOUT && call.action().starts_with("ecs:"));
    let writes: Vec<&str> = writes.filter(|call| call.is_write()).map(|call| call.operation.as_str()).collect();
    assert_eq!(writes, ["RegisterTaskDefinition", "DeregisterTaskDefinition"]);
}
