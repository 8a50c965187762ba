//! Stories of mode `enforce`: the guard is handed the event of a service, while others deploy it, exempt its family or
//! take the copy back, and while ECS goes on with its deployments.

use ecs_privileged_guard::domain::policy::Mode;

use super::scenario::{BACKS_OUT, Deed, Party, Scenario};
use crate::account::state::ecs::{Revision, Status};
use crate::account::{GUARD, OPERATOR, PIPELINE, State};
use crate::story::{NEWER, PRIVILEGED};
use crate::world::exempt_until;

use Party::{Guard, GuardOf};

pub(super) const CREATED: &[&str] = &["\"CreateService\""];
const UPDATED_TO_CLEAN: &[&str] = &["\"UpdateService\"", "deploy-pipeline", "web-b:1"];
const UPDATED_TO_NEWER: &[&str] = &["\"UpdateService\"", "deploy-pipeline", "web-c:1"];
pub(super) const FIRST_COMPLETED: &[&str] = &["SERVICE_DEPLOYMENT_COMPLETED", "ecs-svc/0000000000000000001"];
const SECOND_BEGAN: &[&str] = &["SERVICE_DEPLOYMENT_IN_PROGRESS", "ecs-svc/0000000000000000002"];
const SECOND_COMPLETED: &[&str] = &["SERVICE_DEPLOYMENT_COMPLETED", "ecs-svc/0000000000000000002"];
const SECOND_FAILED: &[&str] = &["SERVICE_DEPLOYMENT_FAILED", "ecs-svc/0000000000000000002"];

const BREAKER: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;

/// A service is being deployed on the original, in an account with other families.
pub(super) fn deploying(state: &mut State) {
    state.register(PIPELINE, &NEWER.replace("\"web\"", "\"web-b\""));
    state.register(PIPELINE, &PRIVILEGED.replace("\"web\"", "\"web-c\""));
    state.register(PIPELINE, &NEWER.replace("\"web\"", "\"web-d\""));
    state.create_service_with(PIPELINE, "prod", "web", BREAKER);
}

/// It is at rest there.
pub(super) fn at_rest(state: &mut State) {
    deploying(state);
    state.complete_deployment("prod", "web");
}

const fn other(name: &'static str, act: fn(&mut State) -> bool) -> Party {
    Party::Other(Deed { name, act, forbids: None, keeps: false })
}

const fn keeping(name: &'static str, act: fn(&mut State) -> bool) -> Party {
    Party::Other(Deed { name, act, forbids: None, keeps: true })
}

/// What ECS does by itself.
pub(super) const COMPLETES: Deed = Deed {
    name: "ECS completes the deployment",
    act: |state| state.complete_deployment("prod", "web"),
    forbids: None,
    keeps: false,
};
pub(super) const ECS_COMPLETES: Party = Party::Other(COMPLETES);
const ECS_ROLLS_BACK: Party = other("ECS rolls the move back", |state| {
    let is_moving = state.ecs.service("prod", "web").is_some_and(|service| service.task_definition == "web:2");
    is_moving && state.fail_deployment("prod", "web")
});
const DEPLOYS_CLEAN: Party = other("the pipeline deploys a clean version", |state| {
    state.update_service(PIPELINE, "prod", "web", "web-b:1");
    true
});
const DEPLOYS_CLEANER: Party = other("the pipeline deploys another clean version", |state| {
    state.update_service(PIPELINE, "prod", "web", "web-d:1");
    true
});
const DEPLOYS_NEWER: Party = other("the pipeline deploys another privileged version", |state| {
    state.update_service(PIPELINE, "prod", "web", "web-c:1");
    true
});
const DEPLOYS_ANEW: Party = other("the pipeline deploys the original anew", |state| {
    state.deploy_anew(PIPELINE, "prod", "web", "web:1");
    true
});
const EXEMPTS: Party = keeping("the operator exempts the family", |state| {
    exempt_until(state, 30);
    true
});
const TAKES_COPY_BACK: Party = keeping("the operator deregisters the copy", |state| {
    let is_copy = |revision: &&Revision| revision.registered_by == GUARD && revision.status == Status::Active;
    let copy = state.ecs.revisions("web").find(is_copy).map(|copy| format!("web:{}", copy.number));
    if let Some(copy) = &copy {
        state.deregister(OPERATOR, copy);
    }
    copy.is_some()
});

/// Whether the service is on a privileged revision.
pub(super) fn is_on_original(state: &State) -> bool {
    let service = state.ecs.service("prod", "web");
    service.is_some_and(|service| state.ecs.revision(&service.task_definition).is_some_and(Revision::is_privileged))
}

/// Whether the guard registered it.
pub(super) fn is_copy(state: &State, id: &str) -> bool {
    state.ecs.revision(id).is_some_and(|revision| revision.registered_by == GUARD)
}

/// All of them. The guard has made the copy before, unless the story is of a new original.
pub(super) fn scenarios() -> Vec<Scenario> {
    let resting: fn(&mut State) = at_rest;
    let nothing: fn(&mut State) = |_| {};
    let of = |name, since: fn(&mut State), parties| Scenario {
        name,
        mode: Mode::Enforce,
        set_up: |_| {},
        since_remediated: Some(since),
        parties,
        kills: 1,
        killed_return: true,
    };
    let fresh = |name, parties| Scenario { set_up: at_rest, since_remediated: None, ..of(name, nothing, parties) };
    let no_death = |scenario| Scenario { kills: 0, ..scenario };
    vec![
        fresh("service, new original", vec![GuardOf(CREATED)]),
        of("service, two guards", resting, vec![GuardOf(CREATED), GuardOf(FIRST_COMPLETED)]),
        no_death(of("service, same event twice", resting, vec![GuardOf(CREATED), GuardOf(CREATED)])),
        of("service, clean version", resting, vec![GuardOf(CREATED), DEPLOYS_CLEAN]),
        no_death(of("service, another original", resting, vec![GuardOf(CREATED), DEPLOYS_NEWER])),
        of("service, deployed anew", resting, vec![GuardOf(CREATED), DEPLOYS_ANEW]),
        of("service, deploying", deploying, vec![GuardOf(CREATED), ECS_COMPLETES]),
        of("service, completes", resting, vec![GuardOf(CREATED), ECS_COMPLETES]),
        of("service, rolls back", resting, vec![GuardOf(CREATED), ECS_ROLLS_BACK]),
        of("service, exempted", resting, vec![GuardOf(CREATED), EXEMPTS]),
        of("service, copy taken back", resting, vec![GuardOf(CREATED), TAKES_COPY_BACK]),
        no_death(of("service, backout", resting, vec![GuardOf(CREATED), BACKS_OUT])),
        no_death(of("service, two versions", resting, vec![GuardOf(CREATED), DEPLOYS_CLEAN, DEPLOYS_CLEANER])),
        no_death(of("service, version and anew", resting, vec![GuardOf(CREATED), DEPLOYS_CLEAN, DEPLOYS_ANEW])),
        no_death(of(
            "service, deploying and its guard",
            deploying,
            vec![GuardOf(CREATED), ECS_COMPLETES, GuardOf(FIRST_COMPLETED)],
        )),
        no_death(of(
            "service, clean version and its guard",
            resting,
            vec![GuardOf(CREATED), DEPLOYS_CLEAN, GuardOf(UPDATED_TO_CLEAN)],
        )),
        no_death(of(
            "service, another original and its guard",
            resting,
            vec![GuardOf(CREATED), DEPLOYS_NEWER, GuardOf(UPDATED_TO_NEWER)],
        )),
        no_death(of(
            "service, rolls back and its guard",
            resting,
            vec![GuardOf(CREATED), ECS_ROLLS_BACK, GuardOf(SECOND_FAILED)],
        )),
        no_death(of(
            "service, completes and its guard",
            resting,
            vec![GuardOf(CREATED), ECS_COMPLETES, GuardOf(SECOND_COMPLETED)],
        )),
        no_death(of("service, begins and exempted", resting, vec![GuardOf(CREATED), GuardOf(SECOND_BEGAN), EXEMPTS])),
        no_death(Scenario {
            set_up: at_rest,
            ..of("service, registration too", nothing, vec![Guard(1), GuardOf(CREATED)])
        }),
    ]
}
