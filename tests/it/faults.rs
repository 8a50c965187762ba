//! Every call × every fault × every scenario: each run is counted clean, then repeated with one fault at one of its
//! calls, delivered again as Lambda would, and judged by what is in the account at the end. A new call of the guard is
//! covered with no new test.

use ecs_privileged_guard::domain::policy::Mode;

use super::account::state::ecs::{Mutilation, Place, Task};
use super::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, State};
use super::oracle::judge;
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};
use super::world::{BACKUP, EXEMPTION, RECORD, World, exempt_until, newer};

/// One story to be broken at each of its calls.
struct Scenario {
    name: &'static str,
    mode: Mode,
    set_up: fn(&mut State),
}

fn scenarios() -> Vec<Scenario> {
    let of = |name, set_up| Scenario { name, mode: Mode::Remediate, set_up };
    vec![
        of("fresh", |_| {}),
        Scenario { name: "mode alert", mode: Mode::Alert, set_up: |_| {} },
        of("in use", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
        }),
        of("superseded", |state| {
            state.register(PIPELINE, NEWER);
        }),
        of("superseded by privileged", |state| {
            state.register(PIPELINE, &PRIVILEGED.replace("app:1", "app:2"));
        }),
        of("race lost", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if !state.ecs.active("web").iter().any(|number| newer(state, *number)) {
                    state.register(PIPELINE, NEWER);
                }
            });
        }),
        of("equal copy there", |state| {
            state.register(PIPELINE, CLEAN);
        }),
        of("equal copy comes between", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").len() == 1 {
                    state.register(PIPELINE, CLEAN);
                }
            });
        }),
        of("another guard comes between", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").len() == 1 {
                    state.register(GUARD, CLEAN);
                }
            });
        }),
        of("stray", |state| {
            state.register(PIPELINE, NEWER);
            state.register(GUARD, CLEAN);
        }),
        of("unfaithful", |state| {
            state.ecs.knobs.mutilates = Some(Mutilation::loses(Place::Definition, "taskRoleArn"));
        }),
        of("exempt", |state| exempt_until(state, 30)),
        of("expired", |state| exempt_until(state, -1)),
        of("exempted in the middle", |state| {
            state.after(Calls::of("RegisterTaskDefinition").by(GUARD), |state| exempt_until(state, 30));
        }),
        of("exemption garbled", |state| {
            state.put_object(OPERATOR, BUCKET, EXEMPTION, b"{");
        }),
        of("inactive", |state| state.deregister(PIPELINE, "web:1")),
        of("inactive in use", |state| {
            state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
            state.deregister(PIPELINE, "web:1");
        }),
        of("deregistered in the middle", |state| {
            state.before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
                if state.ecs.active("web").contains(&1) {
                    state.deregister(PIPELINE, "web:1");
                }
            });
        }),
        of("backup there", |state| {
            state.put_object(GUARD, BUCKET, BACKUP, PRIVILEGED.as_bytes());
        }),
        of("backup tampered", |state| {
            state.put_object(OPERATOR, BUCKET, BACKUP, CLEAN.as_bytes());
        }),
        of("record of the future", |state| {
            state.put_object(GUARD, BUCKET, RECORD, br#"{"schemaVersion":9}"#);
        }),
        of("copy removed", |state| {
            let record = r#"{"schemaVersion":1,"outcome":"remediated","copy":"web:2","copies":[{"revision":2,"at":"2026-01-01T00:00:00Z"}]}"#;
            state.register(GUARD, CLEAN);
            state.deregister(OPERATOR, "web:2");
            state.put_object(GUARD, BUCKET, RECORD, record.as_bytes());
        }),
        of("stale read", |state| {
            state.register(PIPELINE, NEWER);
            state.ecs.hide_newest("web", 2);
        }),
        of("pages short", |state| {
            state.ecs.knobs.page_length_max = 1;
            state.ecs.knobs.empty_pages = true;
            state.register(PIPELINE, NEWER);
        }),
    ]
}

/// What a call can meet. `FAULTS=all` tries every kind; the others are variations of the first five.
fn kinds() -> Vec<(&'static str, Trouble)> {
    let once = |kind| Trouble::Once(kind);
    let mut kinds = vec![
        ("throttled", once(Kind::Throttled)),
        ("access denied", once(Kind::AccessDenied("ecs:Anything"))),
        ("garbled", once(Kind::Garbled)),
        ("cut after", once(Kind::CutAfter)),
        // A process that is killed makes no call any more: to the account that is as if each one were cut.
        ("killed after", Trouble::FromNext(Kind::CutBefore)),
    ];
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not a setting of the product")]
    if std::env::var("FAULTS").is_ok_and(|value| value == "all") {
        kinds.extend([
            ("500", once(Kind::Internal)),
            ("invalid parameter", once(Kind::InvalidParameter)),
            ("limit exceeded", once(Kind::LimitExceeded)),
            ("expired token", once(Kind::ExpiredToken)),
            ("conflict", once(Kind::Conflict)),
            ("precondition failed", once(Kind::PreconditionFailed)),
            ("too many concurrent attempts", once(Kind::TooManyConcurrentAttempts)),
            ("cut before", once(Kind::CutBefore)),
            ("killed before", Trouble::FromHere(Kind::CutBefore)),
        ]);
    }
    kinds
}

enum Trouble {
    Once(Kind),
    FromHere(Kind),
    FromNext(Kind),
}

impl Trouble {
    fn strike(&self, state: &mut State, call: usize) {
        let at = |nth| Calls::all().by(GUARD).starting_at(nth);
        state.inject(match self {
            Self::Once(kind) => Fault::once(kind.clone(), at(call)),
            Self::FromHere(kind) => Fault::always(kind.clone(), at(call)),
            Self::FromNext(kind) => Fault::always(kind.clone(), at(call + 1)),
        });
    }
}

#[tokio::test]
async fn every_call_of_every_scenario_survives_every_fault() {
    survive(scenarios().into_iter().step_by(2)).await;
}

/// The other half, on the other core.
#[tokio::test]
async fn every_call_of_every_other_scenario_survives_every_fault() {
    survive(scenarios().into_iter().skip(1).step_by(2)).await;
}

async fn survive(scenarios: impl Iterator<Item = Scenario>) {
    let (mut injected, mut broken) = (0, Vec::new());
    for scenario in scenarios {
        let clean = World::of(scenario.mode, scenario.set_up).await;
        let answers = [clean.deliver().await, clean.deliver().await];
        let calls = clean.state().calls().iter().filter(|call| call.principal == GUARD).count();
        if let Err(what) = judge(&clean, &answers) {
            broken.push(format!("{} clean: {what}: {answers:?}", scenario.name));
        }
        for (name, trouble) in kinds() {
            for call in 1..=calls {
                injected += 1;
                let world = World::of(scenario.mode, scenario.set_up).await;
                trouble.strike(&mut world.state(), call);
                let mut answers = vec![world.deliver().await];
                world.state().heal_faults();
                // Lambda tries an error twice more; what was told and healed is looked at again by whoever comes next.
                answers.push(world.deliver().await);
                answers.push(world.deliver().await);
                let seed = format!("{} / {name} at call {call}", scenario.name);
                if let Err(what) = judge(&world, &answers) {
                    broken.push(format!("{seed}: {what}: {answers:?}"));
                }
                if world.shape() != clean.shape() {
                    let shapes = (world.shape(), clean.shape());
                    broken.push(format!("{seed}: ends in {:?} and not in {:?}: {answers:?}", shapes.0, shapes.1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    assert!(injected > 500, "{injected} faults are fewer than there were");
}
