//! What is done about a service, row by row.

use super::super::super::service::{Other, ServiceId};
use super::*;

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn id(text: &str) -> TaskDefinitionId {
    text.parse().unwrap()
}

const TIMES: fn() -> Times =
    || Times { now: now(), settle: SignedDuration::from_mins(60), begun: None, is_sent: false };

fn on(target: &str, rollout: Rollout) -> Service {
    Service {
        id: ServiceId::new("prod", "web").unwrap(),
        controller: Controller::Ecs,
        target: Some(id(target)),
        deployment: Some("ecs-svc/2".into()),
        rollout,
        others: Vec::new(),
    }
}

fn beside(deployment: &str, runs: &str) -> Vec<Other> {
    vec![Other { deployment: Some(deployment.into()), runs: id(runs), is_completed: true }]
}

fn copied(original: &str, copy: &str) -> Standing {
    Standing::Copied(Pair { original: id(original), copy: id(copy), containers: Vec::new(), backed_out: None })
}

fn held(state: State, minutes_ago: i64) -> Move {
    let since = now() - SignedDuration::from_mins(minutes_ago);
    let held = Move::new(id("web:12"), Some(id("web:13")), state, since);
    Move { deployment_id: Some("ecs-svc/2".into()), ..held }
}

/// `web:12` is an original with the copy `web:13`; all else is clean.
fn step(service: &Service, held: Option<&Move>) -> Step {
    let is_on_original = service.current() == Some(&id("web:12"));
    let standing = if is_on_original { copied("web:12", "web:13") } else { Standing::Clean };
    judge(Some(service), &standing, held, &TIMES())
}

#[test]
fn each_row_of_the_table() {
    use Rollout::{Completed, Failed, InProgress};
    use Step::{Leave, Note, Start};
    let (original, copy, other) = ("web:12", "web:13", "web:14");
    let by_owner = Note(State::Moved, Some(Reason::ByOwner));
    let no = Note(State::RolledBack, None);
    for (target, rollout, state, expected) in [
        (original, Completed, None, Start),
        (original, Failed, None, Start),
        (original, InProgress, None, Note(State::Waiting, None)),
        (copy, Completed, None, Leave),
        (other, Completed, None, Leave),
        (original, InProgress, Some(State::Waiting), Leave),
        (original, Completed, Some(State::Waiting), Start),
        (copy, InProgress, Some(State::Waiting), Leave),
        (copy, Completed, Some(State::Waiting), by_owner.clone()),
        (other, InProgress, Some(State::Waiting), Note(State::Moved, Some(Reason::NotMoved))),
        (copy, InProgress, Some(State::Moving), Leave),
        (copy, Completed, Some(State::Moving), Note(State::Moved, None)),
        (copy, Failed, Some(State::Moving), Note(State::Failed, Some(Reason::DeploymentFailed))),
        (original, InProgress, Some(State::Moving), no.clone()),
        (original, Completed, Some(State::Moving), no.clone()),
        (other, Completed, Some(State::Moving), by_owner.clone()),
        (original, Completed, Some(State::Moved), no.clone()),
        (copy, Completed, Some(State::Moved), Leave),
        (other, Completed, Some(State::Moved), Leave),
        (original, Completed, Some(State::RolledBack), Leave),
        (original, InProgress, Some(State::RolledBack), Leave),
        (other, Completed, Some(State::RolledBack), Leave),
        (copy, Completed, Some(State::RolledBack), by_owner.clone()),
        (copy, Completed, Some(State::Failed), by_owner),
        (original, Completed, Some(State::Failed), Start),
        (original, InProgress, Some(State::Failed), Note(State::Waiting, None)),
        (other, Completed, Some(State::Failed), Leave),
        (original, Completed, Some(State::NotMovable), Start),
    ] {
        let held = state.map(|state| held(state, 5));
        assert_eq!(step(&on(target, rollout), held.as_ref()), expected, "{target} {rollout:?} {state:?}");
    }
}

#[test]
fn a_service_that_said_no_is_moved_again_only_for_a_newer_original() {
    for state in [State::RolledBack, State::Moved] {
        let held = held(state, 5);
        let of = |original: &str, copy: &str| {
            judge(Some(&on(original, Rollout::Completed)), &copied(original, copy), Some(&held), &TIMES())
        };
        assert_eq!(of("web:20", "web:21"), Step::Start, "a newer one");
        assert_ne!(of("web:12", "web:13"), Step::Start, "the same");
        assert_ne!(of("web:12", "web:15"), Step::Start, "the same with another copy");
        assert_ne!(of("web:10", "web:11"), Step::Start, "an older one");
        assert_eq!(of("api:1", "api:2"), Step::Start, "of another family");
    }
}

#[test]
fn a_service_that_never_ran_the_copy_has_not_said_no_to_it() {
    let never_moved = Move { reason: Some(Reason::NotMoved), ..held(State::Moved, 5) };
    assert_eq!(step(&on("web:12", Rollout::InProgress), Some(&never_moved)), Step::Note(State::Waiting, None));
    assert_eq!(step(&on("web:12", Rollout::Completed), Some(&never_moved)), Step::Start);
}

#[test]
fn a_no_ends_with_the_exemption_of_a_backout() {
    let back = on("web:12", Rollout::Completed);
    let said_no = held(State::RolledBack, 60);
    let backed_out = |minutes_ago| {
        let backed_out = Some(now() - SignedDuration::from_mins(minutes_ago));
        Standing::Copied(Pair { original: id("web:12"), copy: id("web:15"), containers: Vec::new(), backed_out })
    };
    assert_eq!(judge(Some(&back), &backed_out(30), Some(&said_no), &TIMES()), Step::Start);
    assert_eq!(judge(Some(&back), &backed_out(90), Some(&said_no), &TIMES()), Step::Leave);
    for state in [State::Moving, State::Moved, State::RolledBack] {
        assert_eq!(judge(Some(&back), &Standing::Exempt, Some(&held(state, 60)), &TIMES()), Step::Leave);
    }
    let ours = Move { reason: Some(Reason::Exempt), ..said_no };
    assert_eq!(step(&back, Some(&ours)), Step::Start, "taken back by us for an exemption that is gone");
}

#[test]
fn a_failed_deployment_that_somebody_ends_by_going_back_is_a_no() {
    let failed = Move { reason: Some(Reason::DeploymentFailed), ..held(State::Failed, 5) };
    assert_eq!(step(&on("web:12", Rollout::InProgress), Some(&failed)), Step::Note(State::RolledBack, None));
    let denied = Move { reason: Some(Reason::AccessDenied), ..held(State::Failed, 5) };
    assert_eq!(step(&on("web:12", Rollout::Completed), Some(&denied)), Step::Start, "a denied call is not");
}

#[test]
fn what_a_run_that_died_has_asked_for_is_seen_by_what_ecs_has_in_hand() {
    let of =
        |minutes_ago| Move { begun: Some(now() - SignedDuration::from_mins(minutes_ago)), ..held(State::Waiting, 30) };
    let untouched = on("web:12", Rollout::Completed);
    assert_eq!(step(&untouched, Some(&of(0))), Step::Leave, "somebody else is at it");
    assert_eq!(step(&untouched, Some(&of(1))), Step::Start, "or was");
    let own = Times { begun: of(0).begun, ..TIMES() };
    let standing = copied("web:12", "web:13");
    assert_eq!(judge(Some(&untouched), &standing, Some(&of(0)), &own), Step::Start, "this run itself");
    let redeployed = Service { deployment: Some("ecs-svc/4".into()), ..untouched };
    assert_eq!(step(&redeployed, Some(&of(1))), Step::Note(State::RolledBack, None));
    let there = Service { deployment: Some("ecs-svc/3".into()), ..on("web:13", Rollout::InProgress) };
    let there = |others| Service { others, ..there.clone() };
    assert_eq!(step(&there(beside("ecs-svc/2", "web:12")), Some(&of(1))), Step::Note(State::Moving, None));
    let theirs = [beside("ecs-svc/9", "web:14"), beside("ecs-svc/2", "web:12")].concat();
    assert_eq!(step(&there(theirs), Some(&of(1))), Step::PutBack(id("web:14")));
}

#[test]
fn what_this_run_has_not_asked_for_no_deployment_answers() {
    let begun = Move { begun: Some(now()), ..held(State::Waiting, 30) };
    let anew = |rollout| Service { deployment: Some("ecs-svc/4".into()), ..on("web:12", rollout) };
    let standing = copied("web:12", "web:13");
    let of = |service: &Service, is_sent| {
        let times = Times { begun: Some(now()), is_sent, ..TIMES() };
        judge(Some(service), &standing, Some(&begun), &times)
    };
    assert_eq!(of(&anew(Rollout::InProgress), false), Step::Note(State::Waiting, None), "nobody said no");
    assert_eq!(of(&anew(Rollout::Completed), false), Step::Start);
    assert_eq!(of(&anew(Rollout::InProgress), true), Step::Note(State::RolledBack, None));
}

#[test]
fn what_another_run_has_begun_is_left_to_it_whatever_the_service_is_on() {
    let begun = Move { begun: Some(now()), ..held(State::Waiting, 30) };
    for target in ["web:12", "web:13", "web:14"] {
        for rollout in [Rollout::InProgress, Rollout::Completed] {
            assert_eq!(step(&on(target, rollout), Some(&begun)), Step::Leave, "{target}");
            let newer = judge(Some(&on(target, rollout)), &copied(target, "web:99"), Some(&begun), &TIMES());
            assert_eq!(newer, Step::Leave, "a newer original, {target}");
        }
    }
    let old = Move { begun: Some(now() - SENDING_MAX), ..begun };
    assert_ne!(step(&on("web:14", Rollout::Completed), Some(&old)), Step::Leave);
}

#[test]
fn the_original_deployed_anew_in_the_same_moment_is_not_put_back() {
    let begun = Move { begun: Some(now()), ..held(State::Waiting, 30) };
    let own = Times { begun: Some(now()), is_sent: true, ..TIMES() };
    for theirs in ["web:12", "web:13"] {
        let before = [beside("ecs-svc/8", "web:14"), beside("ecs-svc/2", "web:12")].concat();
        let others = [beside("ecs-svc/9", theirs), before].concat();
        let there = Service { others, deployment: Some("ecs-svc/10".into()), ..on("web:13", Rollout::InProgress) };
        let step = judge(Some(&there), &Standing::Clean, Some(&begun), &own);
        assert_eq!(step, Step::Note(State::Moving, None), "{theirs}");
    }
}

#[test]
fn what_is_taken_back_is_taken_back_whoever_finishes_it() {
    for reason in [Reason::Exempt, Reason::CopyRemoved] {
        let begun = Some(now() - SENDING_MAX);
        let back = Move { reason: Some(reason), begun, ..held(State::RolledBack, 5) };
        assert_eq!(step(&on("web:13", Rollout::InProgress), Some(&back)), Step::TakeBack(reason));
        let there = on("web:12", Rollout::InProgress);
        assert_eq!(step(&there, Some(&back)), Step::Note(State::RolledBack, Some(reason)));
        assert_eq!(step(&on("web:14", Rollout::Completed), Some(&back)), Step::Leave, "its owner was quicker");
        let ended = Move { begun: None, ..back };
        assert_eq!(step(&there, Some(&ended)), Step::Leave);
    }
}

#[test]
fn what_a_dead_run_began_is_forgotten_where_nothing_is_to_be_moved() {
    let dead = Move { begun: Some(now() - SENDING_MAX), ..held(State::Waiting, 30) };
    for standing in [Standing::Exempt, Standing::NotCopied] {
        let step = judge(Some(&on("web:12", Rollout::Completed)), &standing, Some(&dead), &TIMES());
        assert_eq!(step, Step::Note(State::Waiting, None), "{standing:?}");
    }
}

#[test]
fn what_ecs_does_not_deploy_is_named_once() {
    for (controller, reason) in [
        (Controller::CodeDeploy, Reason::CodeDeploy),
        (Controller::External, Reason::External),
        (Controller::Express, Reason::Express),
    ] {
        let service = Service { controller, ..on("web:12", Rollout::Completed) };
        assert_eq!(step(&service, None), Step::Note(State::NotMovable, Some(reason)));
        let by_task_set = Service { target: None, others: beside("", "web:12"), ..service.clone() };
        assert_eq!(step(&by_task_set, None), Step::Note(State::NotMovable, Some(reason)));
        let named = Move { reason: Some(reason), ..held(State::NotMovable, 5) };
        assert_eq!(step(&service, Some(&named)), Step::Leave);
        let another = if reason == Reason::External { Reason::CodeDeploy } else { Reason::External };
        let of_another = Move { reason: Some(another), ..named };
        for before in [of_another, held(State::Waiting, 5), held(State::Failed, 5)] {
            let step = step(&service, Some(&before));
            assert_eq!(step, Step::Note(State::NotMovable, Some(reason)), "something else deploys it now: {before:?}");
        }
    }
    let express = Service { controller: Controller::Express, ..on("web:12", Rollout::Completed) };
    let named = Step::Note(State::NotMovable, Some(Reason::Express));
    assert_eq!(judge(Some(&express), &Standing::NotCopied, None, &TIMES()), named);
    for standing in [Standing::Exempt, Standing::Clean] {
        assert_eq!(judge(Some(&express), &standing, None, &TIMES()), Step::Leave, "{standing:?}");
    }
}

#[test]
fn what_is_not_copied_is_not_moved() {
    for standing in [Standing::Exempt, Standing::NotCopied, Standing::Clean] {
        for state in [None, Some(State::Waiting), Some(State::Failed), Some(State::NotMovable)] {
            let held = state.map(|state| held(state, 500));
            let service = on("web:12", Rollout::Completed);
            assert_eq!(judge(Some(&service), &standing, held.as_ref(), &TIMES()), Step::Leave, "{standing:?}");
        }
    }
}

#[test]
fn what_does_not_settle_is_told_once() {
    for (state, target) in [(State::Moving, "web:13"), (State::Waiting, "web:12")] {
        let service = on(target, Rollout::InProgress);
        assert_eq!(step(&service, Some(&held(state, 59))), Step::Leave);
        assert_eq!(step(&service, Some(&held(state, 60))), Step::Overdue);
        let told = Move { overdue_was_told: true, ..held(state, 600) };
        assert_eq!(step(&service, Some(&told)), Step::Leave);
    }
}

#[test]
fn a_second_update_is_never_pushed_into_a_deployment() {
    let states = [State::Waiting, State::Moving, State::Moved, State::RolledBack, State::Failed, State::NotMovable];
    for state in states.into_iter().map(Some).chain([None]) {
        let held = state.map(|state| held(state, 5));
        for busy in [
            on("web:12", Rollout::InProgress),
            Service { others: beside("ecs-svc/1", "web:11"), ..on("web:12", Rollout::Completed) },
        ] {
            assert_ne!(step(&busy, held.as_ref()), Step::Start, "{state:?}");
        }
    }
}

#[test]
fn a_service_that_is_gone_ends_its_move() {
    let gone = Step::Note(State::Failed, Some(Reason::Gone));
    assert_eq!(judge(None, &Standing::Clean, Some(&held(State::Moving, 5)), &TIMES()), gone);
    assert_eq!(judge(None, &Standing::Clean, Some(&held(State::Moved, 5)), &TIMES()), Step::Leave);
    assert_eq!(judge(None, &Standing::Clean, None, &TIMES()), Step::Leave);
}

/// Whoever reads that a service was moved takes it for the guard's work.
#[test]
fn a_failed_move_that_ends_on_the_copy_is_the_guards_only_where_it_had_moved_it() {
    let of = |reason| Move { reason: Some(reason), ..held(State::Failed, 5) };
    let on_copy = on("web:13", Rollout::Completed);
    assert_eq!(step(&on_copy, Some(&of(Reason::DeploymentFailed))), Step::Note(State::Moved, None));
    let refused = [Reason::AccessDenied, Reason::InvalidParameter, Reason::LimitExceeded, Reason::Refused];
    for reason in refused.into_iter().chain([Reason::Gone]) {
        let by_owner = Step::Note(State::Moved, Some(Reason::ByOwner));
        assert_eq!(step(&on_copy, Some(&of(reason))), by_owner, "{reason:?}, and then its owner deployed the copy");
        assert_eq!(step(&on("web:13", Rollout::InProgress), Some(&of(reason))), Step::Leave, "{reason:?}");
    }
}

/// What is in the middle of it still runs privileged.
#[test]
fn a_move_is_at_its_end_when_nothing_of_the_original_runs_any_more() {
    let old = Service { others: beside("ecs-svc/1", "web:12"), ..on("web:13", Rollout::Completed) };
    assert_eq!(step(&old, Some(&held(State::Moving, 5))), Step::Leave);
    assert_eq!(step(&old, Some(&held(State::Moving, 60))), Step::Overdue);
    let gone = on("web:13", Rollout::Completed);
    assert_eq!(step(&gone, Some(&held(State::Moving, 60))), Step::Note(State::Moved, None), "late is no matter then");
}

/// What was never asked for, nobody has said no to: if the original comes back, it is moved.
#[test]
fn what_is_deployed_over_a_move_is_a_word_against_it_only_where_ecs_may_have_been_asked() {
    let begun = |state, at| Move { begun: at, ..held(state, 30) };
    let (just_now, long_ago) = (Some(now()), Some(now() - SENDING_MAX));
    let own = |is_sent| Times { begun: just_now, is_sent, ..TIMES() };
    for (held, times, reason, what) in [
        (begun(State::Waiting, None), TIMES(), Reason::NotMoved, "nobody has begun"),
        (begun(State::Waiting, just_now), own(false), Reason::NotMoved, "this run has begun, and not asked"),
        (begun(State::Failed, just_now), own(false), Reason::NotMoved, "not after a refusal either"),
        (begun(State::Waiting, just_now), own(true), Reason::ByOwner, "this run has asked"),
        (begun(State::Waiting, long_ago), TIMES(), Reason::ByOwner, "a run that died may have asked"),
    ] {
        let step = judge(Some(&on("web:14", Rollout::Completed)), &Standing::Clean, Some(&held), &times);
        assert_eq!(step, Step::Note(State::Moved, Some(reason)), "{what}");
    }
    let closed = |reason| Move { reason: Some(reason), ..held(State::Moved, 5) };
    let back = on("web:12", Rollout::Completed);
    assert_eq!(step(&back, Some(&closed(Reason::NotMoved))), Step::Start);
    assert_eq!(step(&back, Some(&closed(Reason::ByOwner))), Step::Note(State::RolledBack, None));
}
