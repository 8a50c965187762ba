//! Every call × every fault × every scenario: each run is counted clean, then repeated with one fault at one of its
//! calls, delivered again as Lambda would, and judged by what is in the account at the end. A new call of the guard is
//! covered with no new test. The guard runs without sockets, on a clock that jumps over its waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use ecs_privileged_guard::aws::{Clock, Places, Wiring, connect};
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::document::OutputOnly;
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::outcome::{Alerting, Answer, Outcome};
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::reconcile::{Guard, Texts};

use super::account::state::ecs::{Mutilation, Place, Task};
use super::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, State, in_process};
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};

/// More turns than a call needs, with its credentials, its body and its signature.
const PATIENCE: usize = 200;

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account's time; whoever waits moves it.
#[derive(Clone)]
struct Jumping(Shared);

impl std::fmt::Debug for Jumping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jumping")
    }
}

impl TimeSource for Jumping {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(lock(&self.0).now).unwrap()
    }
}

impl AsyncSleep for Jumping {
    fn sleep(&self, duration: Duration) -> Sleep {
        let state = Arc::clone(&self.0);
        Sleep::new(async move {
            // A time-out races with its call, which answers as soon as it is asked: it is asked often enough first.
            for _ in 0..PATIENCE {
                tokio::task::yield_now().await;
            }
            lock(&state).pass(duration);
        })
    }
}

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

const EXEMPTION: &str = "exemptions/111122223333/eu-west-1/web.json";
const BACKUP: &str = "backups/111122223333/eu-west-1/web/1.json";
const RECORD: &str = "records/111122223333/eu-west-1/web/1.json";

fn exempt_until(state: &mut State, days: i64) {
    let end = state.now + jiff::SignedDuration::from_hours(24 * days);
    let text = format!(r#"{{"containers":["app"],"reason":"r","approvedBy":"a","expiresAt":"{end}"}}"#);
    state.put_object(OPERATOR, BUCKET, EXEMPTION, text.as_bytes());
}

fn newer(state: &State, number: usize) -> bool {
    state.ecs.revision(&format!("web:{number}")).is_some_and(|revision| revision.input.to_json().contains("app:2"))
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

struct World {
    state: Shared,
    guard: Guard,
    event: String,
}

impl World {
    async fn of(scenario: &Scenario) -> Self {
        let mut state = State::default();
        state.s3.bucket(BUCKET);
        let topic = state.topic("alerts");
        state.register(PIPELINE, PRIVILEGED);
        let event = state.trail()[0].clone();
        (scenario.set_up)(&mut state);
        state.forget_calls();
        let key = state.key_of(GUARD).clone();
        let state = Arc::new(Mutex::new(state));
        let home = Home::new("eu-west-1", "111122223333").unwrap();
        let jumping = Jumping(Arc::clone(&state));
        let wiring = Wiring {
            http: in_process::client(Arc::clone(&state)),
            clock: Clock::new(jumping.clone(), jumping),
            credentials: SharedCredentialsProvider::new(Credentials::new(key.id, key.secret, None, None, "test")),
        };
        let places = Places {
            home: home.clone(),
            bucket: BUCKET.into(),
            topic,
            topic_region: "eu-west-1".into(),
            path_style: true,
        };
        let policy = Policy {
            mode: scenario.mode,
            remediate_families: FamilyGlobs::new(["*"]).unwrap(),
            exempt_families: FamilyGlobs::default(),
            output_only: OutputOnly::default(),
            owner_tag_keys: Vec::new(),
            guard_roles: vec!["guard-role".parse().unwrap()],
        };
        let texts = Texts { bucket: BUCKET.into(), ..Texts::default() };
        Self { guard: Guard { aws: connect(places, wiring).await, policy, home, texts }, state, event }
    }

    /// One delivery.
    async fn deliver(&self) -> Result<Answer, String> {
        let Event::Look { subject, provenance } = parse(&self.event, &self.guard.home).unwrap() else { panic!("look") };
        let deadline = self.guard.aws.clock.now() + Duration::from_mins(2);
        let concluded = self.guard.look(&subject, &provenance, deadline).await;
        concluded.map(|concluded| concluded.answer).map_err(|error| error.category().to_owned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What is ACTIVE, by who registered it and with which image and privilege: numbers may differ.
    fn shape(&self) -> Vec<(bool, bool, bool)> {
        let state = self.state();
        let active = state.ecs.active("web");
        let of = |number: usize| {
            let revision = state.ecs.revision(&format!("web:{number}")).unwrap();
            (revision.registered_by.contains("guard-role"), revision.is_privileged(), newer(&state, number))
        };
        active.into_iter().map(of).collect()
    }
}

/// What must hold at every end, written without the planner's code.
fn judge(world: &World, answers: &[Result<Answer, String>]) -> Result<(), String> {
    let state = world.state();
    let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let by_guard =
        |number: &usize| state.ecs.revision(&format!("web:{number}")).unwrap().registered_by.contains("guard-role");
    let active = state.ecs.active("web");

    must(
        state.calls().iter().all(|call| call.principal != GUARD || call.privileged != Some(true)),
        "the guard registered privilege",
    )?;
    let copies: Vec<usize> = active.iter().copied().filter(by_guard).collect();
    must(copies.len() <= 1, "more than one copy is ACTIVE")?;
    if let Some(latest) = active.last().filter(|latest| by_guard(latest)) {
        let before = active.iter().rev().find(|number| !by_guard(number));
        must(
            before.is_some_and(|before| !newer(&state, *before)),
            &format!("web:{latest} brought an old version back"),
        )?;
        must(state.s3.object(BUCKET, BACKUP).is_some(), "a copy without a backup")?;
        must(state.s3.object(BUCKET, RECORD).is_some(), "a copy without a record")?;
        must(!state.sns.messages().is_empty(), "a copy that nobody was told of")?;
    }
    let last = answers.last().expect("a delivery");
    if let Ok(answer) = last {
        let told =
            answers.iter().flatten().any(|answer| answer.alert == Alerting::Sent) || !state.sns.messages().is_empty();
        let must_tell = matches!(answer.outcome, Outcome::Alerted | Outcome::Failed | Outcome::Remediated);
        must(!must_tell || told, "an outcome that nobody was told of")?;
        let is_readable =
            state.s3.object(BUCKET, RECORD).is_none_or(|record| !String::from_utf8_lossy(record).contains(":9}"));
        let must_record = answer.outcome.is_recorded() && answer.outcome != Outcome::Failed && is_readable;
        must(!must_record || state.s3.object(BUCKET, RECORD).is_some(), "an outcome without a record")?;
    }
    Ok(())
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
        let clean = World::of(&scenario).await;
        let answers = [clean.deliver().await, clean.deliver().await];
        let calls = clean.state().calls().iter().filter(|call| call.principal == GUARD).count();
        if let Err(what) = judge(&clean, &answers) {
            broken.push(format!("{} clean: {what}: {answers:?}", scenario.name));
        }
        for (name, trouble) in kinds() {
            for call in 1..=calls {
                injected += 1;
                let world = World::of(&scenario).await;
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
