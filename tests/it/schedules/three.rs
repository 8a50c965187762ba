//! Three at once: the guard, sweep or backout, and a pipeline or an operator between any two of their calls. Most of
//! these take minutes: `make prove` searches them, `make test` the pairs that they grow from.

use ecs_privileged_guard::domain::policy::Mode;
use jiff::SignedDuration;

use super::scenario::{
    BACKS_OUT, EXEMPTS, Party, REGISTERS_NEWER, REGISTERS_NEWER_PRIVILEGED, REGISTERS_THE_COPY, REGISTERS_THE_SAME,
    Scenario, TAKES_COPY_BACK, TAKES_ORIGINAL_BACK,
};
use super::services;
use crate::account::{OPERATOR, State};
use crate::story::BUCKET;

use Party::{Guard, GuardOf, Sweep};

const WATERMARK: &str = "sweeps/111122223333/eu-west-1.json";
/// By then an event that has not come is missed, and sweep sees to the revision itself.
const MISSED_AFTER: std::time::Duration = std::time::Duration::from_mins(40);

/// An account that was swept before `web:1` was registered, and whose event is late.
fn swept_before(state: &mut State) {
    let before = state.now - SignedDuration::from_hours(1);
    let text = format!(r#"{{"schemaVersion":1,"createdAt":"{before}","complete":true}}"#);
    state.put_object(OPERATOR, BUCKET, WATERMARK, text.as_bytes());
    state.pass(MISSED_AFTER);
}

fn with_sweep(name: &'static str, parties: Vec<Party>) -> Scenario {
    Scenario {
        name,
        mode: Mode::Remediate,
        set_up: swept_before,
        since_remediated: None,
        parties,
        kills: 1,
        killed_return: false,
    }
}

/// Two runs and somebody else.
pub(super) fn scenarios() -> Vec<Scenario> {
    let remediated = |name, parties| Scenario { since_remediated: Some(|_| {}), ..with_sweep(name, parties) };
    let in_enforce = |name, set_up, parties| Scenario { set_up, mode: Mode::Enforce, ..with_sweep(name, parties) };
    let since_copied =
        |name, parties| Scenario { since_remediated: Some(services::deploying), ..in_enforce(name, |_| {}, parties) };
    vec![
        with_sweep("sweep alone, newer", vec![Sweep, REGISTERS_NEWER]),
        with_sweep("sweep and guard", vec![Sweep, Guard(1)]),
        with_sweep("sweep, guard, newer", vec![Sweep, Guard(1), REGISTERS_NEWER]),
        with_sweep("sweep, guard, newer privileged", vec![Sweep, Guard(1), REGISTERS_NEWER_PRIVILEGED]),
        with_sweep("sweep, guard, same again", vec![Sweep, Guard(1), REGISTERS_THE_SAME]),
        with_sweep("sweep, guard, equal", vec![Sweep, Guard(1), REGISTERS_THE_COPY]),
        with_sweep("sweep, guard, exempted", vec![Sweep, Guard(1), EXEMPTS]),
        with_sweep("sweep, guard, original taken back", vec![Sweep, Guard(1), TAKES_ORIGINAL_BACK]),
        with_sweep("sweep, guard, copy taken back", vec![Sweep, Guard(1), TAKES_COPY_BACK]),
        with_sweep("two sweeps", vec![Sweep, Sweep]),
        remediated("sweep and backout", vec![Sweep, BACKS_OUT]),
        remediated("sweep, backout, newer", vec![Sweep, BACKS_OUT, REGISTERS_NEWER]),
        remediated("sweep, backout, same again", vec![Sweep, BACKS_OUT, REGISTERS_THE_SAME]),
        remediated("guard, backout, newer", vec![Guard(1), BACKS_OUT, REGISTERS_NEWER]),
        remediated("guard, backout, newer privileged", vec![Guard(1), BACKS_OUT, REGISTERS_NEWER_PRIVILEGED]),
        remediated("guard, backout, same again", vec![Guard(1), BACKS_OUT, REGISTERS_THE_SAME]),
        remediated("guard, backout, copy taken back", vec![Guard(1), BACKS_OUT, TAKES_COPY_BACK]),
        remediated("guard, backout, original taken back", vec![Guard(1), BACKS_OUT, TAKES_ORIGINAL_BACK]),
        // Of a copy that is there: with one that all three would make these are more points than can be gone through.
        since_copied("two guards and a deployment", vec![Guard(1), Guard(1), GuardOf(services::CREATED)]),
        since_copied(
            "two guards, the deployment completes",
            vec![GuardOf(services::CREATED), GuardOf(services::CREATED), services::ECS_COMPLETES],
        ),
        in_enforce(
            "two guards and a completed deployment",
            services::at_rest,
            vec![Guard(1), Guard(1), GuardOf(services::FIRST_COMPLETED)],
        ),
        in_enforce(
            "guard, deployment, original taken back",
            services::at_rest,
            vec![Guard(1), GuardOf(services::FIRST_COMPLETED), TAKES_ORIGINAL_BACK],
        ),
    ]
}
