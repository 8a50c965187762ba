//! What backout believes and what it remembers: backups and records that may not be what they seem, what a run before
//! has left, and what people were told already.

use serde_json::{Value, json};

use ecs_privileged_guard::domain::backout::answer::Outcome;
use ecs_privileged_guard::domain::policy::Mode;

use super::account::state::ecs::{Mutilation, Place, Service};
use super::account::{BACKOUT, Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE};
use super::backout::{request, told};
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};
use super::world::{BACKUP, EXEMPTION, RECORD, World, exempt_until};

const UNTAGGED: (&str, &str) = (r#","tags":[{"key":"team","value":"core"}]"#, "");

/// The guard has made `web:2`, the copy of `web:1`.
async fn remediated() -> World {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert_eq!(world.deliver().await.unwrap().copy.as_deref(), Some("web:2"));
    world
}

/// The same, and `web:1` is not ACTIVE any more.
async fn without_original() -> World {
    let world = remediated().await;
    world.state().deregister(OPERATOR, "web:1");
    world
}

/// What one request comes to: `outcome reason restored`, or the category of an error.
async fn ask(world: &World, more: &str) -> String {
    match world.back_out(&request("web:1", more)).await {
        Ok(answer) => told(&serde_json::to_value(answer).unwrap()),
        Err(category) => category,
    }
}

fn object(world: &World, key: &str) -> Option<Value> {
    world.state().s3.object(BUCKET, key).map(|body| serde_json::from_slice(body).unwrap())
}

fn put(world: &World, key: &str, text: &str) {
    world.state().put_object(PIPELINE, BUCKET, key, text.as_bytes());
}

fn change_record(world: &World, change: impl FnOnce(&mut Value)) {
    let mut record = object(world, RECORD).unwrap();
    change(&mut record);
    put(world, RECORD, &record.to_string());
}

fn add_service(world: &World, name: &str, service: Service) {
    world.state().ecs.cluster("prod").services.insert(name.into(), service);
}

fn target(world: &World, name: &str) -> String {
    world.state().ecs.service("prod", name).unwrap().task_definition.clone()
}

fn alerts(world: &World) -> usize {
    world.state().sns.messages().len()
}

fn active(world: &World) -> Vec<usize> {
    world.state().ecs.active("web")
}

/// What backout wrote to ECS and S3, and its alerts.
fn writes(world: &World) -> Vec<String> {
    let state = world.state();
    let writes = state.calls().iter().filter(|call| call.principal == BACKOUT && call.is_write());
    writes.map(|call| call.operation.clone()).collect()
}

#[tokio::test]
async fn without_a_recorded_hash_a_backup_must_be_of_this_revision_and_privileged() {
    let other_family = PRIVILEGED.replace(r#""family":"web""#, r#""family":"api""#);
    for (named_by_record, backup) in
        [("web:1", other_family.as_str()), ("web:1", CLEAN), ("web:7", PRIVILEGED), ("web:1", "{")]
    {
        let world = without_original().await;
        world.state().ecs.finish_deletion("web:1");
        change_record(&world, |record| {
            record["backupSha256"] = Value::Null;
            record["taskDefinition"] = json!(named_by_record);
        });
        put(&world, BACKUP, backup);
        assert_eq!(ask(&world, "").await, "refused backup_tampered", "{named_by_record} {backup}");
        assert_eq!((active(&world), object(&world, EXEMPTION)), (vec![2], None));
    }
}

#[tokio::test]
async fn without_a_recorded_hash_a_backup_must_say_what_ecs_says() {
    let world = remediated().await;
    change_record(&world, |record| record["backupSha256"] = Value::Null);
    put(&world, BACKUP, &PRIVILEGED.replace("app:1", "evil:1"));
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert!(world.mail().contains("aws s3api list-object-versions"), "{}", world.mail());
}

#[tokio::test]
async fn a_changed_backup_is_not_passed_over_where_ecs_still_describes_the_original() {
    let world = without_original().await;
    world.state().ecs.knobs.describes_inactive = true;
    put(&world, BACKUP, &PRIVILEGED.replace("app:1", "evil:1"));
    let dry = world.back_out(&request("web:1", r#","dryRun":true"#)).await.unwrap();
    assert!(dry.plan.unwrap_or_default().contains(&"Tell that the backup was changed.".to_owned()));
    assert_eq!(ask(&world, "").await, "refused backup_tampered");
    assert_eq!(active(&world), [2]);
}

#[tokio::test]
async fn a_record_makes_no_copy_of_what_others_registered() {
    let world = remediated().await;
    world.state().register(PIPELINE, CLEAN);
    change_record(&world, |record| {
        let mut copy = record["copies"][0].clone();
        copy["revision"] = json!(3);
        record["copies"].as_array_mut().unwrap().push(copy);
    });
    assert_eq!(ask(&world, "").await, "refused foreign_latest");
    assert_eq!(active(&world), [1, 2, 3]);
}

#[tokio::test]
async fn where_nothing_was_privileged_there_is_nothing_to_exempt() {
    let world = World::with(Mode::Remediate, CLEAN, |_| {}).await;
    let claim = r#"{"schemaVersion":1,"taskDefinition":"web:1","copies":[{"revision":2,"at":"2026-01-01T00:00:00Z"}]}"#;
    put(&world, RECORD, claim);
    assert_eq!(ask(&world, "").await, "nothing_to_back_out");
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test]
async fn what_backout_left_stays_where_the_guard_has_nothing_to_undo() {
    let world = without_original().await;
    {
        let mut state = world.state();
        state.deregister(OPERATOR, "web:2");
        state.register(BACKOUT, &PRIVILEGED.replace(UNTAGGED.0, UNTAGGED.1));
        state.delete_object(OPERATOR, BUCKET, RECORD);
    }
    assert_eq!(ask(&world, "").await, "nothing_to_back_out");
    assert_eq!((active(&world), writes(&world)), (vec![3], vec![]));
}

#[tokio::test]
async fn what_somebody_of_the_functions_name_registered_is_not_taken_back() {
    let world = without_original().await;
    world.state().register("arn:aws:iam::111122223333:user/function", &PRIVILEGED.replace(UNTAGGED.0, UNTAGGED.1));
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    assert_eq!(active(&world), [3]);
}

#[tokio::test]
async fn an_exemption_that_others_made_longer_is_told_once() {
    let world = remediated().await;
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    exempt_until(&mut world.state(), 60);
    let before = alerts(&world);
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!(ask(&world, "").await, "already_backed_out web:1");
    assert_eq!(alerts(&world), before + 1);
}

#[tokio::test]
async fn a_service_that_came_to_the_copy_afterwards_is_moved_too() {
    let world = remediated().await;
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    add_service(&world, "late", Service::on("web:2"));
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!(target(&world, "late"), "web:1");
}

#[tokio::test]
async fn a_service_may_fall_back_on_any_revision_that_is_equal() {
    let world = remediated().await;
    world.state().register(PIPELINE, PRIVILEGED);
    let mut service = Service::on("web:3");
    service.deploy("web:2");
    add_service(&world, "web", service);
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!(target(&world, "web"), "web:1");
}

#[tokio::test]
async fn it_is_not_backed_out_already_while_nobody_was_told_what_is_in_force() {
    let world = without_original().await;
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    {
        let mut state = world.state();
        state.deregister(OPERATOR, "web:3");
        state.register(BACKOUT, PRIVILEGED);
    }
    assert_eq!(ask(&world, "").await, "backed_out web:4");
    assert_eq!(object(&world, RECORD).unwrap()["backedOut"]["restored"], "web:4");
}

#[tokio::test]
async fn a_backout_that_a_person_ended_by_hand_is_recorded_all_the_same() {
    let world = remediated().await;
    let denied = Kind::AccessDenied("ecs:DeregisterTaskDefinition");
    world.state().inject(Fault::once(denied, Calls::of("DeregisterTaskDefinition").by(BACKOUT)));
    assert_eq!(ask(&world, "").await, "failed access_denied web:1");
    assert!(object(&world, RECORD).unwrap()["backedOut"]["told"].is_string());
    world.state().deregister(OPERATOR, "web:2");
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    let record = object(&world, RECORD).unwrap();
    assert_eq!((&record["backedOut"]["restored"], &record["copies"][0]["why"]), (&json!("web:1"), &json!("backout")));
}

#[tokio::test]
async fn what_a_dead_backout_did_is_told_even_where_nothing_more_can_be_done() {
    // It dies with its exemption written; or with nothing but its beginning noted.
    for is_exempt_before in [false, true] {
        let world = remediated().await;
        if is_exempt_before {
            exempt_until(&mut world.state(), 60);
        }
        let step = if is_exempt_before { "records/" } else { "exemptions/" };
        world.state().inject(Fault::once(Kind::KilledAfter, Calls::of("PutObject").by(BACKOUT).on(step)));
        assert_eq!(ask(&world, "").await, "killed");
        world.state().heal();
        world.state().register(PIPELINE, NEWER);
        let before = alerts(&world);
        let dry = world.back_out(&request("web:1", r#","dryRun":true"#)).await.unwrap();
        assert_eq!((dry.outcome, dry.reason), (Outcome::Failed, Some("foreign_latest")), "what a run would answer");
        let untold = "Tell what a backout before has begun.".to_owned();
        assert!(dry.plan.unwrap_or_default().contains(&untold), "{is_exempt_before}");
        assert_eq!(ask(&world, "").await, "failed foreign_latest");
        assert!(world.mail().contains("Exempt: web until"), "{}", world.mail());
        assert_eq!(ask(&world, "").await, "refused foreign_latest", "and then all is told");
        assert_eq!(alerts(&world), before + 1);
    }
}

#[tokio::test]
async fn an_exemption_of_others_or_one_that_has_ended_is_not_this_ones_to_tell() {
    let ended =
        r#"{"containers":["app"],"reason":"the app breaks","approvedBy":"jane","expiresAt":"2026-01-14T00:00:00Z"}"#;
    for is_ended in [false, true] {
        let world = remediated().await;
        world.state().register(PIPELINE, NEWER);
        match is_ended {
            true => put(&world, EXEMPTION, ended),
            false => exempt_until(&mut world.state(), 60),
        }
        assert_eq!(ask(&world, "").await, "refused foreign_latest");
        assert_eq!(writes(&world), [""; 0]);
    }
}

#[tokio::test]
async fn a_second_backout_that_dies_forgets_nothing_that_the_first_has_proven() {
    let world = without_original().await;
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    world.state().ecs.tag("web:3", "cost", "7");
    add_service(&world, "late", Service::on("web:2"));
    world.state().inject(Fault::once(Kind::KilledAfter, Calls::of("UpdateService").by(BACKOUT)));
    assert_eq!(ask(&world, "").await, "killed");
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    assert_eq!(active(&world), [3]);
}

/// Its own revision was proven by the first backout, whatever the second one has restored and people have tagged since.
#[tokio::test]
async fn a_third_backout_leaves_what_the_first_has_proven() {
    let world = without_original().await;
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    world.state().register(PIPELINE, PRIVILEGED);
    add_service(&world, "early", Service::on("web:2"));
    assert_eq!(ask(&world, "").await, "backed_out web:4");
    let before = alerts(&world);
    world.state().ecs.tag("web:3", "cost", "7");
    add_service(&world, "late", Service::on("web:2"));
    assert_eq!(ask(&world, "").await, "backed_out web:4");
    assert_eq!((active(&world), alerts(&world)), (vec![3, 4], before + 1));
    assert!(!world.mail().contains("web:3"), "{}", world.mail());
}

#[tokio::test]
async fn an_exemption_that_comes_between_is_kept() {
    let world = remediated().await;
    let side = r#"{"containers":["side"],"reason":"r","approvedBy":"a","expiresAt":"2026-03-01T00:00:00Z"}"#;
    world.state().before(Calls::of("PutObject").by(BACKOUT).on("exemptions/"), move |state| {
        state.put_object(PIPELINE, BUCKET, EXEMPTION, side.as_bytes());
    });
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!(object(&world, EXEMPTION).unwrap()["containers"], json!(["side", "app"]));
}

#[tokio::test]
async fn an_exemption_that_was_refused_is_not_told_as_sent() {
    let world = remediated().await;
    let write = Calls::of("PutObject").by(BACKOUT).on("exemptions/");
    world.state().inject(Fault::once(Kind::AccessDenied("s3:PutObject"), write));
    assert_eq!(ask(&world, "").await, "failed access_denied");
    assert!(world.mail().contains("Nothing was changed."), "{}", world.mail());
}

#[tokio::test]
async fn an_exemption_that_never_gets_an_answer_is_told_as_sent() {
    let world = remediated().await;
    let side = r#"{"containers":["side"],"reason":"r","approvedBy":"a","expiresAt":"2026-03-01T00:00:00Z"}"#;
    put(&world, EXEMPTION, side);
    let write = Calls::of("PutObject").by(BACKOUT).on("exemptions/");
    world.state().inject(Fault::always(Kind::CutBefore, write));
    let before = alerts(&world);
    ask(&world, "").await;
    assert_eq!(alerts(&world), before + 1);
    let mail = world.mail();
    assert!(mail.contains("1. Sent an exemption; whether it was written is not known"), "{mail}");
    assert!(!mail.contains("Exempted web"), "{mail}");
}

#[tokio::test]
async fn what_may_have_been_done_is_told_whatever_is_exempt() {
    for (operation, line) in [
        ("RegisterTaskDefinition", "Sent a registration of the original; whether it was done is not known"),
        ("UpdateService", "web in cluster prod: not moved yet"),
    ] {
        let world = if operation == "UpdateService" { remediated().await } else { without_original().await };
        exempt_until(&mut world.state(), 60);
        add_service(&world, "web", Service::on("web:2"));
        world.state().inject(Fault::always(Kind::Internal, Calls::of(operation).by(BACKOUT)));
        let before = alerts(&world);
        assert_eq!(ask(&world, "").await, "server_error", "{operation}");
        assert_eq!(alerts(&world), before + 1, "{operation}");
        assert!(world.mail().contains(line), "{}", world.mail());
    }
}

#[tokio::test]
async fn of_two_copies_the_one_that_went_is_told() {
    for lasts in [false, true] {
        let world = remediated().await;
        world.state().register(GUARD, CLEAN);
        exempt_until(&mut world.state(), 60);
        let second = Calls::of("DeregisterTaskDefinition").by(BACKOUT).starting_at(2);
        let times = if lasts { usize::MAX } else { 1 };
        world.state().inject(Fault::times(times, Kind::Internal, second));
        let before = alerts(&world);
        assert_eq!(ask(&world, "").await, if lasts { "server_error" } else { "backed_out web:1" });
        assert_eq!(alerts(&world), before + 1);
        let mail = world.mail();
        assert!(mail.contains("Deregistered web:2, the copy"), "{mail}");
        assert!(!mail.contains("was not ACTIVE any more"), "{mail}");
    }
}

#[tokio::test]
async fn the_writes_come_in_the_order_in_which_a_run_may_die() {
    let world = without_original().await;
    add_service(&world, "web", Service::on("web:2"));
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    let exemption_note = ["PutObject", "PutObject"];
    let ecs = ["RegisterTaskDefinition", "UpdateService", "DeregisterTaskDefinition"];
    let told_recorded = ["Publish", "PutObject"];
    assert_eq!(writes(&world), [exemption_note.as_slice(), &ecs, &told_recorded].concat());
}

/// What its record says is of then, and not of the run before.
#[tokio::test]
async fn the_note_of_a_backout_says_when_it_was_written() {
    let world = remediated().await;
    world.state().pass(std::time::Duration::from_hours(1));
    let registering = Calls::of("RegisterTaskDefinition").by(BACKOUT);
    world.state().inject(Fault::once(Kind::KilledBefore, registering));
    let now = world.state().now;
    ask(&world, "").await;
    let at: jiff::Timestamp = object(&world, RECORD).unwrap()["at"].as_str().unwrap().parse().unwrap();
    assert!(now.duration_since(at) < jiff::SignedDuration::from_mins(1), "{at}");
}

#[tokio::test]
async fn a_copy_that_no_record_named_is_noted_before_it_goes() {
    let world = remediated().await;
    world.state().delete_object(OPERATOR, BUCKET, RECORD);
    world.state().pass(std::time::Duration::from_hours(2));
    let now = world.state().now;
    world.state().inject(Fault::once(Kind::KilledAfter, Calls::of("DeregisterTaskDefinition").by(BACKOUT)));
    assert_eq!(ask(&world, "").await, "killed");
    let record = object(&world, RECORD).unwrap();
    assert_eq!(record["copies"][0]["revision"], 2, "{record}");
    let at: jiff::Timestamp = record["copies"][0]["at"].as_str().unwrap().parse().unwrap();
    assert!(now.duration_since(at) > jiff::SignedDuration::from_hours(1), "by ECS's word: {record}");
}

#[tokio::test]
async fn what_came_out_different_is_taken_back_and_told() {
    for mutilation in [Mutilation::loses(Place::Tags, ""), Mutilation::loses(Place::Definition, "taskRoleArn")] {
        let world = without_original().await;
        world.state().ecs.knobs.mutilates = Some(mutilation.clone());
        let answer = ask(&world, "").await;
        assert!(answer.starts_with("failed unfaithful"), "{mutilation:?}: {answer}");
        assert_eq!(active(&world), [2], "{mutilation:?}");
        assert!(world.mail().contains("Deregistered web:3, which backout had registered"), "{}", world.mail());
    }
}

#[tokio::test]
async fn a_registration_that_reads_do_not_show_yet_is_not_repeated() {
    let world = without_original().await;
    world.state().after(Calls::of("RegisterTaskDefinition").by(BACKOUT), |state| {
        state.ecs.hide_newest("web", 20);
    });
    assert_eq!(ask(&world, "").await, "backed_out web:3");
    assert_eq!(active(&world), [3]);
    assert_eq!(writes(&world).iter().filter(|operation| *operation == "RegisterTaskDefinition").count(), 1);
}

#[tokio::test]
async fn a_copy_of_the_guards_in_between_is_no_newer_version() {
    let world = without_original().await;
    world.state().before(Calls::of("RegisterTaskDefinition").by(BACKOUT), |state| {
        state.register(GUARD, CLEAN);
    });
    assert_eq!(ask(&world, "").await, "backed_out web:4");
}

#[tokio::test]
async fn a_service_that_somebody_else_moves_meanwhile_is_left_alone() {
    let world = remediated().await;
    add_service(&world, "web", Service::on("web:2"));
    world.state().before(Calls::of("DescribeServices").by(BACKOUT).starting_at(2), |state| {
        state.ecs.cluster("prod").services.insert("web".into(), Service::on("web:1"));
    });
    let answer = world.back_out(&request("web:1", "")).await.unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["services"], json!([{"cluster":"prod","service":"web","state":"moving"}]));
    assert_eq!(world.state().count("UpdateService"), 0);
    assert!(!world.mail().contains("Moved service"), "{}", world.mail());
}

#[tokio::test]
async fn a_move_whose_answer_is_lost_is_told_as_ours() {
    let world = remediated().await;
    add_service(&world, "web", Service::on("web:2"));
    world.state().inject(Fault::once(Kind::CutAfter, Calls::of("UpdateService").by(BACKOUT)));
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert!(world.mail().contains("Moved service web in cluster prod to web:1"), "{}", world.mail());
    assert_eq!(world.state().count("UpdateService"), 1);
}

#[tokio::test]
async fn a_move_that_was_refused_and_then_done_is_no_failure() {
    let world = remediated().await;
    add_service(&world, "a", Service::on("web:2"));
    add_service(&world, "b", Service::on("web:2"));
    {
        let mut state = world.state();
        let first = Calls::of("UpdateService").by(BACKOUT);
        state.inject(Fault::once(Kind::AccessDenied("ecs:UpdateService"), first));
        // The walk is the first look, that at `a` the second.
        state.before(Calls::of("DescribeServices").by(BACKOUT).starting_at(3), |state| {
            let service = state.ecs.cluster("prod").services.get_mut("b").unwrap();
            service.deploy("web:2");
            service.deployments.truncate(1);
        });
    }
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!((target(&world, "a"), target(&world, "b")), ("web:1".to_owned(), "web:2".to_owned()));
    assert!(!world.mail().contains("It went on with a backout"), "its own beginning is no earlier one's");
}

#[tokio::test]
async fn with_too_little_time_left_nothing_is_begun() {
    let world = remediated().await;
    world.state().after(Calls::of("ListClusters").by(BACKOUT), |state| {
        state.pass(std::time::Duration::from_secs(105));
    });
    assert_eq!(ask(&world, "").await, "out_of_time");
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test]
async fn a_dry_run_that_fails_tells_nobody() {
    let world = remediated().await;
    let walk = Calls::of("ListClusters").by(BACKOUT);
    world.state().inject(Fault::always(Kind::AccessDenied("ecs:ListClusters"), walk));
    assert_eq!(ask(&world, r#","dryRun":true"#).await, "failed access_denied");
    assert_eq!(writes(&world), [""; 0]);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_does_not_tell_it_twice() {
    let world = remediated().await;
    let record = Calls::of("PutObject").by(BACKOUT).on("records/").starting_at(2);
    world.state().inject(Fault::always(Kind::Internal, record));
    let before = alerts(&world);
    assert!(world.back_out(&request("web:1", "")).await.is_err());
    assert_eq!(alerts(&world), before + 1);
}

#[tokio::test]
async fn a_copy_is_known_by_any_record_that_names_it() {
    let world = remediated().await;
    change_record(&world, |record| record["copy"] = Value::Null);
    world.state().delete_object(OPERATOR, BUCKET, BACKUP);
    let answer = world.back_out(&request("web:2", "")).await.unwrap();
    assert_eq!(told(&serde_json::to_value(answer).unwrap()), "backed_out web:1");
}

#[tokio::test]
async fn a_later_record_that_cannot_be_read_is_no_hindrance() {
    let world = remediated().await;
    put(&world, "records/111122223333/eu-west-1/web/2.json", r#"{"schemaVersion":9}"#);
    assert_eq!(ask(&world, "").await, "backed_out web:1");
}

#[tokio::test]
async fn a_copy_that_came_meanwhile_goes_too_and_is_recorded() {
    let world = remediated().await;
    add_service(&world, "web", Service::on("web:2"));
    world.state().before(Calls::of("DescribeServices").by(BACKOUT).starting_at(2), |state| {
        state.register(GUARD, CLEAN);
        state.ecs.cluster("prod").services.insert("web".into(), Service::on("web:3"));
    });
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!((active(&world), target(&world, "web")), (vec![1], "web:1".to_owned()));
    let record = object(&world, RECORD).unwrap();
    assert_eq!((&record["copies"][1]["revision"], &record["copies"][1]["why"]), (&json!(3), &json!("backout")));
}

#[tokio::test]
async fn what_another_backout_has_told_meanwhile_is_kept() {
    let world = remediated().await;
    let later = "2026-04-01T00:00:00Z";
    world.state().before(Calls::of("PutObject").by(BACKOUT).on("records/").starting_at(2), move |state| {
        let mut record: Value = serde_json::from_slice(state.s3.object(BUCKET, RECORD).unwrap()).unwrap();
        record["exemptionTold"] = json!(later);
        state.put_object(BACKOUT, BUCKET, RECORD, record.to_string().as_bytes());
    });
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    assert_eq!(object(&world, RECORD).unwrap()["exemptionTold"], later);
}

#[tokio::test]
async fn a_backout_that_never_began_changes_nothing_that_the_record_says() {
    let denied =
        || Fault::always(Kind::AccessDenied("s3:GetObject"), Calls::of("GetObject").by(BACKOUT).on("exemptions/"));
    let world = remediated().await;
    world.state().deregister(OPERATOR, "web:2");
    world.state().inject(denied());
    assert_eq!(ask(&world, "").await, "failed access_denied");
    assert_eq!(object(&world, RECORD).unwrap()["copies"][0]["withdrawn"], Value::Null, "it is still a person's no");

    let world = remediated().await;
    assert_eq!(ask(&world, "").await, "backed_out web:1");
    world.state().inject(denied());
    assert_eq!(ask(&world, "").await, "failed access_denied");
    assert_eq!(object(&world, RECORD).unwrap()["backedOut"].get("told"), None, "that one came to its end");
}

#[tokio::test]
async fn an_exemption_that_nobody_heard_of_is_told_even_without_a_copy() {
    let world = remediated().await;
    let write = Calls::of("PutObject").by(BACKOUT).on("exemptions/");
    world.state().inject(Fault::once(Kind::KilledAfter, write));
    assert_eq!(ask(&world, "").await, "killed");
    {
        let mut state = world.state();
        state.deregister(OPERATOR, "web:2");
        state.delete_object(OPERATOR, BUCKET, RECORD);
    }
    assert_eq!(ask(&world, r#","dryRun":true"#).await, "failed nothing_to_back_out");
    assert_eq!(ask(&world, "").await, "failed nothing_to_back_out");
    assert!(world.mail().contains("Exempt: web until"), "{}", world.mail());
}
