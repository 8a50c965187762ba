//! What a call can meet: once, or from there to the end of the delivery. A new kind is one line here.

use std::time::Duration;

use super::super::account::{Calls, Fault, GUARD, Kind, State};

/// A kind of trouble, and how it strikes a call of the guard that is counted from 1.
pub(super) struct Trouble {
    pub(super) name: &'static str,
    pub(super) strike: fn(&mut State, usize),
}

/// Longer than any time-out.
const FOR_EVER: Duration = Duration::from_hours(1);

fn at(call: usize) -> Calls {
    Calls::all().by(GUARD).starting_at(call)
}

fn once(state: &mut State, call: usize, kind: Kind) {
    state.inject(Fault::once(kind, at(call)));
}

fn from_here(state: &mut State, call: usize, kind: Kind) {
    state.inject(Fault::always(kind, at(call)));
}

/// The newest revision is not seen by so many reads, or for five seconds.
fn stale(state: &mut State, call: usize, reads: u32) {
    state.before(at(call), move |state| {
        let end = state.now + Duration::from_secs(5);
        state.ecs.hide_newest_until("web", reads, end);
    });
}

/// Only so much time is left when the call comes; the next delivery has all of it.
fn late(state: &mut State, call: usize, left: Duration) {
    state.before(at(call), move |state| {
        let end = state.ends.unwrap_or(state.now);
        state.now = state.now.max(end - left);
    });
}

pub(super) fn troubles() -> Vec<Trouble> {
    let of = |name, strike| Trouble { name, strike };
    vec![
        of("throttled", |state, call| once(state, call, Kind::Throttled)),
        of("500", |state, call| once(state, call, Kind::Internal)),
        of("503", |state, call| once(state, call, Kind::SlowDown)),
        of("too slow, not done", |state, call| once(state, call, Kind::DelayBefore(FOR_EVER))),
        of("too slow, done", |state, call| once(state, call, Kind::DelayAfter(FOR_EVER))),
        of("unreachable", |state, call| once(state, call, Kind::Unreachable)),
        of("cut before", |state, call| once(state, call, Kind::CutBefore)),
        of("cut after", |state, call| once(state, call, Kind::CutAfter)),
        of("garbled", |state, call| once(state, call, Kind::Garbled)),
        of("access denied", |state, call| once(state, call, Kind::AccessDenied("ecs:Anything"))),
        of("invalid parameter", |state, call| once(state, call, Kind::InvalidParameter)),
        of("limit exceeded", |state, call| once(state, call, Kind::LimitExceeded)),
        of("expired credentials", |state, call| once(state, call, Kind::ExpiredToken)),
        of("conflict", |state, call| once(state, call, Kind::Conflict)),
        of("precondition failed", |state, call| once(state, call, Kind::PreconditionFailed)),
        of("concurrent attempts", |state, call| once(state, call, Kind::TooManyConcurrentAttempts)),
        of("stale for two reads", |state, call| stale(state, call, 2)),
        of("stale for five seconds", |state, call| stale(state, call, u32::MAX)),
        of("killed before", |state, call| once(state, call, Kind::KilledBefore)),
        of("killed after", |state, call| once(state, call, Kind::KilledAfter)),
        of("15 s left", |state, call| late(state, call, Duration::from_secs(15))),
        of("3 s left", |state, call| late(state, call, Duration::from_secs(3))),
        of("throttled from here", |state, call| from_here(state, call, Kind::Throttled)),
        of("unreachable from here", |state, call| from_here(state, call, Kind::Unreachable)),
        of("too slow from here", |state, call| from_here(state, call, Kind::DelayBefore(FOR_EVER))),
        of("denied from here", |state, call| from_here(state, call, Kind::AccessDenied("ecs:Anything"))),
    ]
}
