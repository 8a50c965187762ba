//! A registration whose answer is lost while lists are behind: what it made must not stay in front of a newer version,
//! whatever the next look is shown.

use std::time::Duration;

use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::policy::Mode;

use super::account::{Calls, Fault, GUARD, Kind, PIPELINE};
use super::oracle::judge;
use super::story::{NEWER, PRIVILEGED};
use super::world::World;

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

/// A number that was deleted for good says nothing of the next one.
#[tokio::test]
async fn a_copy_behind_a_deleted_number_does_not_stay_in_front_of_a_newer_version() {
    let world = lose_the_answer(Kind::CutAfter, true).await;
    world.state().before(registrations(), |state| {
        let id = state.register(PIPELINE, PRIVILEGED);
        state.deregister(PIPELINE, &id);
        state.ecs.finish_deletion(&id);
    });
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.reason), (Outcome::Superseded, Some(Reason::Race)));
    assert_eq!(world.state().ecs.active("web"), [1, 2]);
    assert_eq!(world.state().count("DeregisterTaskDefinition"), 1, "web:4");
}

#[tokio::test]
async fn a_copy_that_nobody_knows_of_is_found_and_no_second_one_is_made() {
    let world = lose_the_answer(Kind::CutAfter, false).await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome, answer.copy.as_deref()), (Outcome::AlreadyRemediated, Some("web:2")));
    assert_eq!(world.state().count("RegisterTaskDefinition"), 1);
    judge(&world, &[Ok(answer)]).unwrap();
}
