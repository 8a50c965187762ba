//! A registration whose answer is lost while lists are behind: what it made must not stay in front of a newer version,
//! whatever the next look is shown.

use std::time::Duration;

use ecs_privileged_guard::domain::outcome::{Alerting, Outcome, Reason};
use ecs_privileged_guard::domain::policy::Mode;

use super::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE};
use super::oracle::judge;
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};
use super::world::{BACKUP, RECORD, World};

fn registrations() -> Calls {
    Calls::of("RegisterTaskDefinition").by(GUARD)
}

/// The pipeline is faster if asked to; nothing shows the copy for five seconds.
async fn lose_the_answer(kind: Kind, is_overtaken: bool) -> World {
    World::with(Mode::Remediate, PRIVILEGED, |state| {
        if is_overtaken {
            state.before(registrations(), |state| drop(state.register(PIPELINE, NEWER)));
        }
        state.after(registrations(), |state| {
            let end = state.now + Duration::from_secs(5);
            state.ecs.hide_newest_until("web", u32::MAX, end);
        });
        state.inject(Fault::once(kind, registrations()));
    })
    .await
}

#[tokio::test]
async fn a_copy_that_nobody_knows_of_does_not_stay_in_front_of_a_newer_version() {
    for kind in [Kind::CutAfter, Kind::Garbled, Kind::DelayAfter(Duration::from_hours(1))] {
        let world = lose_the_answer(kind.clone(), true).await;
        let answer = world.deliver().await.unwrap();
        assert_eq!((answer.outcome, answer.reason), (Outcome::Superseded, Some(Reason::Race)), "{kind:?}");
        assert_eq!(world.state().ecs.active("web"), [1, 2], "{kind:?}");
        judge(&world, &[Ok(answer)]).unwrap();
    }
}

/// A number that was deleted for good says nothing of the next one; ten numbers are asked for.
#[tokio::test]
async fn a_copy_behind_deleted_numbers_does_not_stay_in_front_of_a_newer_version() {
    for deleted in [1, 8] {
        let world = lose_the_answer(Kind::CutAfter, true).await;
        world.state().before(registrations(), move |state| {
            for _ in 0..deleted {
                let id = state.register(PIPELINE, PRIVILEGED);
                state.deregister(PIPELINE, &id);
                state.ecs.finish_deletion(&id);
            }
        });
        let answer = world.deliver().await.unwrap();
        assert_eq!((answer.outcome, answer.reason), (Outcome::Superseded, Some(Reason::Race)), "{deleted}");
        assert_eq!(world.state().ecs.active("web"), [1, 2], "{deleted}");
        assert_eq!(world.state().count("DeregisterTaskDefinition"), 1, "{deleted}");
    }
}

#[tokio::test]
async fn a_copy_that_nobody_knows_of_is_found_and_no_second_one_is_made() {
    let world = lose_the_answer(Kind::CutAfter, false).await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.copy.as_deref()), (Outcome::AlreadyRemediated, Some("web:2")));
    assert_eq!(world.state().count("RegisterTaskDefinition"), 1);
    judge(&world, &[Ok(answer)]).unwrap();
}

/// Whoever goes on with it finds there what it is about, though the run that made it wrote nothing else.
#[tokio::test]
async fn the_record_of_a_copy_that_must_go_names_what_is_privileged() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.before(registrations(), |state| drop(state.register(PIPELINE, NEWER)));
        let deregistering = Calls::of("DeregisterTaskDefinition").by(GUARD);
        state.inject(Fault::once(Kind::KilledBefore, deregistering));
    })
    .await;
    assert_eq!(world.deliver().await.unwrap_err(), "killed");
    let state = world.state();
    let record: serde_json::Value = serde_json::from_slice(state.s3.object(BUCKET, RECORD).unwrap()).unwrap();
    let (why, privileged) = (&record["copies"][0]["why"], &record["privilegedContainers"]);
    assert_eq!((why.as_str(), privileged.to_string().as_str()), (Some("race"), r#"["app"]"#), "{record}");
}

/// Sweep tells of its copies at its end. ECS shows nothing of the original by then.
#[tokio::test]
async fn a_copy_whose_run_died_before_it_told_anybody_is_told_though_its_original_is_gone() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.register(GUARD, CLEAN);
        state.put_object(GUARD, BUCKET, BACKUP, PRIVILEGED.as_bytes());
        state.put_object(GUARD, BUCKET, RECORD, RECORDED.as_bytes());
        state.deregister(OPERATOR, "web:1");
    })
    .await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.alert), (Outcome::AlreadyRemediated, Alerting::Sent));
    let mail = world.mail();
    assert!(mail.starts_with("ECS task definition web:1 was deregistered before anybody was told"), "{mail}");
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.alert), (Outcome::Inactive, Alerting::None));
    assert_eq!(world.state().ecs.active("web"), [2]);
}

const RECORDED: &str = r#"{"schemaVersion":1,"taskDefinition":"web:1","mode":"remediate","outcome":"remediated","copy":"web:2","copies":[{"revision":2,"at":"2026-01-15T11:00:00Z"}],"privilegedContainers":["app"]}"#;
