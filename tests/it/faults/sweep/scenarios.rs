//! The accounts that are swept while something goes wrong. Every definition of `web` is full of canaries.

use std::time::Duration;

use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};

use super::super::super::account::state::ecs::{Service, Task};
use super::super::super::account::{Calls, Fault, Kind, OPERATOR, PIPELINE, SWEEP, State};
use super::super::super::canaries::{CLEAN, NEWER, ORIGINAL};
use super::super::super::story::BUCKET;
use super::super::super::world::{World, exempt_until};

/// What happens before the sweep that is struck.
enum Step {
    Do(fn(&mut State)),
    Sweep,
    /// The guard gets the event of the last registration.
    Guard,
    Pass(Duration),
}
use Step::{Do, Guard, Pass, Sweep};

/// Which calls are struck, and by what: lists, the walk and the reports are the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Struck {
    /// All of them by everything.
    Everything,
    /// The looks and what follows, by everything.
    Looks,
    /// The same by every fourth kind, other ones at each call: the calls are those of another account.
    Samples,
}

/// One account.
pub(in super::super) struct Scenario {
    pub(in super::super) name: &'static str,
    /// Registered as `web:1`.
    first: &'static str,
    steps: Vec<Step>,
    pub(in super::super) policy: fn(&mut Policy),
    pub(in super::super) struck: Struck,
}

const WATERMARK: &str = "sweeps/111122223333/eu-west-1.json";
const BACKUP: &str = "backups/111122223333/eu-west-1/web/2.json";

impl Scenario {
    /// The account just before the sweep that is struck.
    pub(in super::super) async fn prepared(&self) -> World {
        let mut world = World::with(Mode::Remediate, self.first, |_| {}).await;
        for step in &self.steps {
            match step {
                Do(deed) => deed(&mut world.state()),
                Sweep => {
                    world.sweep_with(self.policy).await.unwrap();
                }
                Guard => {
                    let event = world.state().trail().last().unwrap().clone();
                    world.event = event;
                    let _ = world.deliver().await.unwrap();
                }
                Pass(time) => world.state().pass(*time),
            }
        }
        let of_original = |event: &&String| {
            event.contains(":task-definition/web:2\"") && event.contains("\"RegisterTaskDefinition\"")
        };
        let event = world.state().trail().iter().find(of_original).cloned();
        world.event = event.unwrap_or(world.event);
        world
    }
}

fn register_original(state: &mut State) {
    state.register(PIPELINE, &ORIGINAL);
}

fn run_web(state: &mut State) {
    state.ecs.cluster("prod").services.insert("web".into(), Service::on("web:1"));
    state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// Long enough for an event to be missed.
const A_WHILE: Duration = Duration::from_mins(40);

pub(in super::super) fn scenarios() -> Vec<Scenario> {
    vec![first(), missed(), finished(), stray(), denied(), unusable(), existing(), ended(), exempt(), guards(), older()]
}

fn of(name: &'static str, first: &'static str, steps: Vec<Step>) -> Scenario {
    Scenario { name, first, steps, policy: |_| {}, struck: Struck::Looks }
}

/// The first sweep of an account with a privileged revision that runs.
fn first() -> Scenario {
    Scenario { struck: Struck::Everything, ..of("first sweep", &ORIGINAL, vec![Do(run_web), Pass(DAY)]) }
}

/// A watermark is no watermark, and a registration was missed.
fn unusable() -> Scenario {
    let spoil = |state: &mut State| {
        let text = br#"{"schemaVersion":7,"createdAt":"2026-01-15T11:00:00Z"}"#;
        state.put_object(OPERATOR, BUCKET, WATERMARK, text);
    };
    let steps = vec![Sweep, Pass(HOUR), Do(register_original), Do(spoil), Pass(A_WHILE)];
    Scenario { struck: Struck::Samples, ..of("watermark unusable", &CLEAN, steps) }
}

fn missed() -> Scenario {
    of("missed", &CLEAN, vec![Sweep, Pass(HOUR), Do(register_original), Pass(A_WHILE)])
}

fn existing() -> Scenario {
    let scenario = of("copies of existing", &ORIGINAL, vec![Pass(DAY)]);
    Scenario { policy: |policy| policy.remediate_existing = true, struck: Struck::Samples, ..scenario }
}

/// A sweep died after it had registered the copy.
fn finished() -> Scenario {
    let died = |state: &mut State| {
        state.put_object(SWEEP, BUCKET, BACKUP, ORIGINAL.as_bytes());
        state.register(SWEEP, &CLEAN);
    };
    of("copy without a record", &CLEAN, vec![Sweep, Pass(HOUR), Do(register_original), Do(died), Pass(A_WHILE)])
}

/// The same, it lost a race, and its original is gone by now.
fn stray() -> Scenario {
    let died = |state: &mut State| {
        state.put_object(SWEEP, BUCKET, BACKUP, ORIGINAL.as_bytes());
        state.register(PIPELINE, &NEWER);
        state.register(SWEEP, &CLEAN);
        state.deregister(PIPELINE, "web:2");
    };
    of("stray, its original gone", &CLEAN, vec![Sweep, Pass(HOUR), Do(register_original), Do(died), Pass(A_WHILE)])
}

fn ended() -> Scenario {
    let steps = vec![Sweep, Do(register_original), Do(|state| exempt_until(state, 1)), Pass(A_WHILE), Sweep, Pass(DAY)];
    Scenario { struck: Struck::Samples, ..of("exemption ended", &CLEAN, steps) }
}

fn exempt() -> Scenario {
    let scenario = of("exempt family", &CLEAN, vec![Sweep, Do(register_original), Pass(A_WHILE)]);
    let policy = |policy: &mut Policy| policy.exempt_families = FamilyGlobs::narrow(["web"]).unwrap();
    Scenario { policy, struck: Struck::Samples, ..scenario }
}

fn guards() -> Scenario {
    let steps = vec![Sweep, Pass(HOUR), Do(register_original), Guard, Pass(A_WHILE)];
    Scenario { struck: Struck::Samples, ..of("remediated by the guard", &CLEAN, steps) }
}

fn denied() -> Scenario {
    let deny = |state: &mut State| {
        let calls = Calls::of("RegisterTaskDefinition").by(SWEEP);
        state.inject(Fault::always(Kind::AccessDenied("iam:PassRole"), calls));
    };
    let steps = vec![
        Sweep,
        Pass(HOUR),
        Do(register_original),
        Do(deny),
        Pass(A_WHILE),
        Sweep,
        Do(State::heal_faults),
        Pass(HOUR),
    ];
    // Its calls are those of the others, twice over.
    Scenario { struck: Struck::Samples, ..of("denied, and mended", &CLEAN, steps) }
}

/// What a newer version replaced still runs.
fn older() -> Scenario {
    let replace = |state: &mut State| {
        state.register(PIPELINE, &NEWER);
    };
    let steps = vec![Do(run_web), Do(replace), Pass(DAY)];
    Scenario { struck: Struck::Samples, ..of("an older one runs", &ORIGINAL, steps) }
}
