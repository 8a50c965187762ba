//! Who does what at the same time.

use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;
use serde_json::Value;

use crate::account::http::Request;
use crate::account::state::ecs::{Revision, Service, Status};
use crate::account::{OPERATOR, PIPELINE, State};
use crate::story::{BUCKET, CLEAN, NEWER, PRIVILEGED};
use crate::world::{EXEMPTION, exempt_until};

use Party::Backout;

use super::ledger::numbers;

/// Something that somebody else does once, in one step. It answers whether it could be done.
pub(super) struct Deed {
    pub(super) name: &'static str,
    pub(super) act: fn(&mut State) -> bool,
    /// A copy that is being made must go then, unless its run has looked at this for the last time.
    pub(super) forbids: Option<fn(&Request) -> bool>,
    /// A service that is on its original then must stay there.
    pub(super) keeps: bool,
}

/// A party to a schedule.
pub(super) enum Party {
    /// The guard, handed the event of that revision.
    Guard(usize),
    /// The guard, handed the last event that has all these words, once there is one.
    GuardOf(&'static [&'static str]),
    /// Backout, asked for that.
    Backout(&'static str),
    /// A scheduled sweep.
    Sweep,
    /// The guard, handed the event of the privileged revision that somebody registers meanwhile.
    GuardOfNews,
    /// Somebody else.
    Other(Deed),
}

/// A story that is told in every order.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    /// What is there at the beginning, besides the privileged `web:1`.
    pub(super) set_up: fn(&mut State),
    /// The guard has dealt with `web:1` before the story begins, and this has happened since.
    pub(super) since_remediated: Option<fn(&mut State)>,
    pub(super) parties: Vec<Party>,
    /// How many runs are killed in one schedule, at most.
    pub(super) kills: u8,
    /// Lambda hands the event of a killed run over again while the others are still at work, not after that.
    pub(super) killed_return: bool,
}

impl Scenario {
    /// How long after the first party this one begins. Where services are moved, runs are known by when they began.
    pub(super) fn apart(&self, party: usize) -> Duration {
        match self.mode {
            Mode::Enforce => Duration::from_millis(party as u64),
            Mode::Alert | Mode::Remediate => Duration::ZERO,
        }
    }

    /// Whether a person takes copies back in it.
    pub(super) fn removes_copies(&self) -> bool {
        let removes = |party: &Party| matches!(party, Party::Other(deed) if deed.name == TAKES_COPY_BACK_NAME);
        self.parties.iter().any(removes)
    }
}

const TAKES_COPY_BACK_NAME: &str = "the operator deregisters the recorded copy";

pub(super) const fn other(name: &'static str, act: fn(&mut State) -> bool) -> Party {
    Party::Other(Deed { name, act, forbids: None, keeps: false })
}

const fn forbidding(name: &'static str, look: fn(&Request) -> bool, act: fn(&mut State) -> bool) -> Party {
    Party::Other(Deed { name, act, forbids: Some(look), keeps: false })
}

fn looks_at_exemption(request: &Request) -> bool {
    request.path.contains("/exemptions/")
}

fn looks_at_original(request: &Request) -> bool {
    request.header("x-amz-target").is_some_and(|target| target.ends_with("DescribeTaskDefinition"))
        && String::from_utf8_lossy(&request.body).contains("web:1\"")
}

fn registers(state: &mut State, input: &str) -> bool {
    state.register(PIPELINE, input);
    true
}

fn newer_privileged() -> String {
    PRIVILEGED.replace("app:1", "app:2")
}

pub(super) const REGISTERS_NEWER: Party =
    other("the pipeline registers a newer version", |state| registers(state, NEWER));
pub(super) const REGISTERS_NEWER_PRIVILEGED: Party =
    other("the pipeline registers a newer privileged version", |state| registers(state, &newer_privileged()));
pub(super) const REGISTERS_THE_SAME: Party =
    other("the pipeline registers the same again", |state| registers(state, PRIVILEGED));
pub(super) const REGISTERS_THE_COPY: Party =
    other("the pipeline registers what equals the copy", |state| registers(state, CLEAN));
pub(super) const EXEMPTS: Party = forbidding("the operator exempts the family", looks_at_exemption, |state| {
    exempt_until(state, 30);
    true
});
const ENDS_EXEMPTION: Party = other("the operator ends the exemption", |state| {
    state.delete_object(OPERATOR, BUCKET, EXEMPTION);
    true
});
pub(super) const TAKES_ORIGINAL_BACK: Party =
    forbidding("the operator deregisters the original", looks_at_original, |state| {
        state.deregister(OPERATOR, "web:1");
        true
    });
pub(super) const TAKES_COPY_BACK: Party = other(TAKES_COPY_BACK_NAME, |state| {
    let copy = numbers(state).find_map(|number| record(state, number)?["copy"].as_str().map(str::to_owned));
    let copy = copy.filter(|copy| state.ecs.revision(copy).is_some_and(|copy| copy.status == Status::Active));
    if let Some(copy) = &copy {
        state.deregister(OPERATOR, copy);
    }
    copy.is_some()
});

pub(super) const BACKS_OUT: Party =
    Backout(r#"{"taskDefinition":"web:1","reason":"the app breaks","approvedBy":"jane"}"#);
/// Somebody else, who names the copy.
const BACKS_OUT_TOO: Party =
    Backout(r#"{"taskDefinition":"web:2","reason":"it crashes","approvedBy":"joe","expiresInDays":60}"#);
/// The same of the original, which takes fewer calls.
const BACKS_OUT_LONGER: Party =
    Backout(r#"{"taskDefinition":"web:1","reason":"it crashes","approvedBy":"joe","expiresInDays":60}"#);

/// The record of a revision.
pub(super) fn record(state: &State, number: usize) -> Option<Value> {
    object(state, "records", number)
}

/// An object about a revision.
pub(super) fn object(state: &State, folder: &str, number: usize) -> Option<Value> {
    let text = state.s3.object(BUCKET, &format!("{folder}/111122223333/eu-west-1/web/{number}.json"))?;
    serde_json::from_slice(text).ok()
}

/// All of them.
pub(super) fn scenarios() -> Vec<Scenario> {
    use Party::{Guard, GuardOfNews};
    // Two deaths, and the event of a dead run comes again while the pipeline or the operator is still to act.
    let of = |name, parties| Scenario {
        name,
        mode: Mode::Remediate,
        set_up: |_| {},
        since_remediated: None,
        parties,
        kills: 2,
        killed_return: true,
    };
    let two_runs = |name, parties| Scenario { kills: 1, ..of(name, parties) };
    // With a third party, the event of a dead run comes again when the others are done: else there are too many points.
    let three = |name, parties| Scenario { killed_return: false, ..of(name, parties) };
    vec![
        two_runs("two guards", vec![Guard(1), Guard(1)]),
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
            ..two_runs("two originals", vec![Guard(1), Guard(2)])
        },
        Scenario {
            set_up: |state| {
                registers(state, PRIVILEGED);
            },
            ..two_runs("two equal originals", vec![Guard(1), Guard(2)])
        },
        Scenario {
            set_up: |state| exempt_until(state, 30),
            ..two_runs("two guards, exempt before", vec![Guard(1), Guard(1)])
        },
        Scenario {
            set_up: |state| exempt_until(state, 30),
            ..three("two guards, exemption ends", vec![Guard(1), Guard(1), ENDS_EXEMPTION])
        },
        three("news and its guard", vec![Guard(1), REGISTERS_NEWER_PRIVILEGED, GuardOfNews]),
        three("same again and its guard", vec![Guard(1), REGISTERS_THE_SAME, GuardOfNews]),
        three("two guards, newer", vec![Guard(1), Guard(1), REGISTERS_NEWER]),
        three("two guards, equal", vec![Guard(1), Guard(1), REGISTERS_THE_COPY]),
        three("two guards, exempted", vec![Guard(1), Guard(1), EXEMPTS]),
        three("two guards, original taken back", vec![Guard(1), Guard(1), TAKES_ORIGINAL_BACK]),
        three("two guards, copy taken back", vec![Guard(1), Guard(1), TAKES_COPY_BACK]),
    ]
    .into_iter()
    .chain(of_backout())
    .chain(super::services::scenarios())
    .chain(super::three::scenarios())
    .collect()
}

/// Those in which somebody asks for a backout.
fn of_backout() -> Vec<Scenario> {
    use Party::{Guard, GuardOfNews};
    let fresh = |name, parties| Scenario {
        name,
        mode: Mode::Remediate,
        set_up: |_| {},
        since_remediated: None,
        parties,
        kills: 1,
        killed_return: true,
    };
    let remediated =
        |name, since: fn(&mut State), parties| Scenario { since_remediated: Some(since), ..fresh(name, parties) };
    let nothing: fn(&mut State) = |_| {};
    let inactive: fn(&mut State) = |state| state.deregister(OPERATOR, "web:1");
    // Two of the longest runs there are: with the dead one at work again beside the other, there are too many points.
    let one_death = |name, since, parties| Scenario { killed_return: false, ..remediated(name, since, parties) };
    let newer_comes = |name, since, newer| Scenario { kills: 2, ..remediated(name, since, vec![BACKS_OUT, newer]) };
    vec![
        Scenario { kills: 2, ..remediated("backout and guard", nothing, vec![BACKS_OUT, Guard(1)]) },
        fresh("backout and guard at work", vec![BACKS_OUT, Guard(1)]),
        one_death("two backouts", nothing, vec![BACKS_OUT, BACKS_OUT_TOO]),
        newer_comes("backout, newer", nothing, REGISTERS_NEWER),
        newer_comes("backout, newer privileged", nothing, REGISTERS_NEWER_PRIVILEGED),
        newer_comes("backout, same again", nothing, REGISTERS_THE_SAME),
        newer_comes("backout, equal", nothing, REGISTERS_THE_COPY),
        newer_comes("backout of inactive, newer", inactive, REGISTERS_NEWER),
        newer_comes("backout of inactive, newer privileged", inactive, REGISTERS_NEWER_PRIVILEGED),
        newer_comes("backout of inactive, same again", inactive, REGISTERS_THE_SAME),
        newer_comes("backout, copy taken back", nothing, TAKES_COPY_BACK),
        newer_comes("backout, original taken back", nothing, TAKES_ORIGINAL_BACK),
        one_death("two backouts of inactive", inactive, vec![BACKS_OUT, BACKS_OUT_LONGER]),
        remediated("backout of inactive and its guard", inactive, vec![BACKS_OUT, GuardOfNews]),
        Scenario {
            set_up: |state| {
                state.ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
            },
            ..remediated("backout of a service, newer", nothing, vec![BACKS_OUT, REGISTERS_NEWER])
        },
    ]
}

/// The privileged revision that somebody registered meanwhile.
pub(super) fn news(state: &State) -> Option<usize> {
    let is_news = |number: &usize| state.ecs.revision(&format!("web:{number}")).is_some_and(Revision::is_privileged);
    numbers(state).filter(|number| *number > 1).find(is_news)
}
