//! The stories that are broken at each of their calls: each outcome, mode, state of the exemption and earlier history.
//! Every definition in them is full of canaries.

use ecs_privileged_guard::domain::policy::Mode;

use super::super::account::state::ecs::{Mutilation, Place, Service, Task};
use super::super::account::{Calls, GUARD, OPERATOR, PIPELINE, State};
use super::super::canaries::{CLEAN, NEWER, NEWER_PRIVILEGED, ORIGINAL};
use super::super::story::BUCKET;
use super::super::world::{BACKUP, EXEMPTION, RECORD, exempt_until, newer};

/// One story.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    pub(super) set_up: fn(&mut State),
}

pub(super) fn scenarios() -> Vec<Scenario> {
    let of = |(name, set_up)| Scenario { name, mode: Mode::Remediate, set_up };
    let alert = |(name, set_up)| Scenario { name, mode: Mode::Alert, set_up };
    let remediate = quiet().into_iter().chain(races()).chain(strays()).chain(exemptions()).chain(earlier_runs());
    remediate.map(of).chain(alerts_only().into_iter().map(alert)).collect()
}

type Story = (&'static str, fn(&mut State));

/// Nothing moves while the guard works.
fn quiet() -> Vec<Story> {
    vec![
        ("fresh", |_| {}),
        ("in use", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
        }),
        ("in use by an Express service", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
            let express = Service { managed_by_ecs: true, ..Service::on("web:1") };
            state.ecs.cluster("prod").services.insert("web".into(), express);
        }),
        ("made by Batch", |state| state.ecs.tag("web:1", "AWSBatchServiceTag", "batch")),
        ("superseded", |state| {
            state.register(PIPELINE, &NEWER);
        }),
        ("superseded by privileged", |state| {
            state.register(PIPELINE, &NEWER_PRIVILEGED);
        }),
        ("equal copy there", |state| {
            state.register(PIPELINE, &CLEAN);
        }),
        ("unfaithful", |state| {
            state.ecs.knobs.mutilates = Some(Mutilation::loses(Place::Definition, "taskRoleArn"));
        }),
        ("unfaithful in values", |state| {
            state.ecs.knobs.mutilates = Some(Mutilation::changes(Place::Containers, "environment", "[]"));
        }),
        ("inactive", |state| state.deregister(PIPELINE, "web:1")),
        ("inactive in use", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
            state.deregister(PIPELINE, "web:1");
        }),
        ("pages short", |state| {
            state.ecs.knobs.page_length_max = 1;
            state.ecs.knobs.empty_pages = true;
            state.register(PIPELINE, &NEWER);
        }),
        ("stale read", |state| {
            state.register(PIPELINE, &NEWER);
            state.ecs.hide_newest("web", 2);
        }),
    ]
}

/// Somebody else is faster.
fn races() -> Vec<Story> {
    vec![
        ("race lost", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if !state.ecs.active("web").iter().any(|number| newer(state, *number)) {
                    state.register(PIPELINE, &NEWER);
                }
            });
        }),
        ("equal copy comes between", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").len() == 1 {
                    state.register(PIPELINE, &CLEAN);
                }
            });
        }),
        ("another guard comes between", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").len() == 1 {
                    state.register(GUARD, &CLEAN);
                }
            });
        }),
        ("deregistered in the middle", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").contains(&1) {
                    state.deregister(PIPELINE, "web:1");
                }
            });
        }),
    ]
}

/// A run before this one died.
fn strays() -> Vec<Story> {
    vec![
        ("stray", |state| {
            state.register(PIPELINE, &NEWER);
            state.register(GUARD, &CLEAN);
        }),
        ("copy without a record", |state| {
            state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
            state.register(GUARD, &CLEAN);
        }),
        ("two copies without a record", |state| {
            state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
            state.register(GUARD, &CLEAN);
            state.register(GUARD, &CLEAN);
        }),
    ]
}

fn exemptions() -> Vec<Story> {
    vec![
        ("exempt", |state| exempt_until(state, 30)),
        ("expired", |state| exempt_until(state, -1)),
        ("exempted in the middle", |state| {
            state.after(Calls::of("RegisterTaskDefinition").by(GUARD), |state| exempt_until(state, 30));
        }),
        ("exemption garbled", |state| {
            state.put_object(OPERATOR, BUCKET, EXEMPTION, b"{");
        }),
    ]
}

/// Backups and records of earlier runs are there.
fn earlier_runs() -> Vec<Story> {
    vec![
        ("backup there", |state| state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes())),
        ("backup tampered", |state| state.put_object(OPERATOR, BUCKET, BACKUP, CLEAN.as_bytes())),
        ("record of the future", |state| {
            state.put_object(GUARD, BUCKET, RECORD, br#"{"schemaVersion":9}"#);
        }),
        ("remediated before", |state| {
            state.register(GUARD, &CLEAN);
            state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
            state.put_object(GUARD, BUCKET, RECORD, REMEDIATED.as_bytes());
        }),
        ("copy removed", |state| {
            state.register(GUARD, &CLEAN);
            state.deregister(OPERATOR, "web:2");
            state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
            state.put_object(GUARD, BUCKET, RECORD, REMEDIATED.as_bytes());
        }),
    ]
}

const REMEDIATED: &str = r#"{"schemaVersion":1,"taskDefinition":"web:1","mode":"remediate","outcome":"remediated","copy":"web:2","copies":[{"revision":2,"at":"2026-01-15T11:00:00Z","ofTheFuture":1}],"alertedAt":"2026-01-15T11:00:00Z","ofTheFuture":{"a":1}}"#;

fn alerts_only() -> Vec<Story> {
    vec![
        ("mode alert", |_| {}),
        ("mode alert, remediated before", |state| {
            state.register(GUARD, &CLEAN);
            state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
            state.put_object(GUARD, BUCKET, RECORD, REMEDIATED.as_bytes());
        }),
        ("mode alert, in use", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
        }),
    ]
}
