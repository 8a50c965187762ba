//! Who does what at the same time.

use crate::account::{GUARD, OPERATOR, PIPELINE, State};
use crate::story::{CLEAN, NEWER, PRIVILEGED};
use crate::world::exempt_until;

use super::ledger::numbers;

/// Something that somebody else does once, in one step. It answers whether it could be done.
pub(super) struct Deed {
    pub(super) name: &'static str,
    pub(super) act: fn(&mut State) -> bool,
}

/// A party to a schedule.
pub(super) enum Party {
    /// The guard, handed the event of that revision.
    Guard(usize),
    /// The guard, handed the event of the privileged revision that somebody registers meanwhile.
    GuardOfNews,
    /// Somebody else.
    Other(Deed),
}

/// A story that is told in every order.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// What is there at the beginning, besides the privileged `web:1`.
    pub(super) set_up: fn(&mut State),
    pub(super) parties: Vec<Party>,
    /// How many runs are killed in one schedule, at most.
    pub(super) kills: u8,
}

const fn other(name: &'static str, act: fn(&mut State) -> bool) -> Party {
    Party::Other(Deed { name, act })
}

fn registers(state: &mut State, input: &str) -> bool {
    state.register(PIPELINE, input);
    true
}

fn newer_privileged() -> String {
    PRIVILEGED.replace("app:1", "app:2")
}

const REGISTERS_NEWER: Party = other("the pipeline registers a newer version", |state| registers(state, NEWER));
const REGISTERS_NEWER_PRIVILEGED: Party =
    other("the pipeline registers a newer privileged version", |state| registers(state, &newer_privileged()));
const REGISTERS_THE_SAME: Party = other("the pipeline registers the same again", |state| registers(state, PRIVILEGED));
const REGISTERS_THE_COPY: Party = other("the pipeline registers what equals the copy", |state| registers(state, CLEAN));
const EXEMPTS: Party = other("the operator exempts the family", |state| {
    exempt_until(state, 30);
    true
});
const TAKES_ORIGINAL_BACK: Party = other("the operator deregisters the original", |state| {
    state.deregister(OPERATOR, "web:1");
    true
});
const TAKES_COPY_BACK: Party = other("the operator deregisters the first ACTIVE copy", |state| {
    let is_copy = |number: &usize| state.ecs.revision(&format!("web:{number}")).unwrap().registered_by == GUARD;
    let copy = state.ecs.active("web").into_iter().find(is_copy);
    if let Some(number) = copy {
        state.deregister(OPERATOR, &format!("web:{number}"));
    }
    copy.is_some()
});

/// All of them.
pub(super) fn scenarios() -> Vec<Scenario> {
    use Party::{Guard, GuardOfNews};
    let of = |name, parties| Scenario { name, set_up: |_| {}, parties, kills: 1 };
    vec![
        of("two guards", vec![Guard(1), Guard(1)]),
        of("newer", vec![Guard(1), REGISTERS_NEWER]),
        of("newer privileged", vec![Guard(1), REGISTERS_NEWER_PRIVILEGED]),
        of("same again", vec![Guard(1), REGISTERS_THE_SAME]),
        of("equal", vec![Guard(1), REGISTERS_THE_COPY]),
        of("original taken back", vec![Guard(1), TAKES_ORIGINAL_BACK]),
        of("copy taken back", vec![Guard(1), TAKES_COPY_BACK]),
        of("exempted", vec![Guard(1), EXEMPTS]),
        Scenario {
            set_up: |state| {
                registers(state, &newer_privileged());
            },
            ..of("two originals", vec![Guard(1), Guard(2)])
        },
        Scenario {
            set_up: |state| {
                registers(state, PRIVILEGED);
            },
            ..of("two equal originals", vec![Guard(1), Guard(2)])
        },
        of("news and its guard", vec![Guard(1), REGISTERS_NEWER_PRIVILEGED, GuardOfNews]),
        of("same again and its guard", vec![Guard(1), REGISTERS_THE_SAME, GuardOfNews]),
        of("two guards, newer", vec![Guard(1), Guard(1), REGISTERS_NEWER]),
        of("two guards, equal", vec![Guard(1), Guard(1), REGISTERS_THE_COPY]),
        of("two guards, exempted", vec![Guard(1), Guard(1), EXEMPTS]),
        of("two guards, original taken back", vec![Guard(1), Guard(1), TAKES_ORIGINAL_BACK]),
        of("two guards, copy taken back", vec![Guard(1), Guard(1), TAKES_COPY_BACK]),
    ]
}

/// The privileged revision that somebody registered meanwhile.
pub(super) fn news(state: &State) -> Option<usize> {
    let is_news = |number: &usize| state.ecs.revision(&format!("web:{number}")).is_some_and(|it| it.is_privileged());
    numbers(state).filter(|number| *number > 1).find(is_news)
}
