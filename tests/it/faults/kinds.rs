//! What a call can meet: once, or from there to the end of the delivery. A new kind is one line here.

use std::time::Duration;

use super::super::account::{Calls, Fault, Kind, State};

/// A kind of trouble, and how it strikes the first of these calls, or all of them.
pub(crate) struct Trouble {
    pub(crate) name: &'static str,
    pub(crate) strike: fn(&mut State, Calls),
}

/// Longer than any time-out.
const FOR_EVER: Duration = Duration::from_hours(1);

fn once(state: &mut State, calls: Calls, kind: Kind) {
    state.inject(Fault::once(kind, calls));
}

fn from_here(state: &mut State, calls: Calls, kind: Kind) {
    state.inject(Fault::always(kind, calls));
}

/// The newest revision is not seen by so many reads, or for five seconds.
fn stale(state: &mut State, calls: Calls, reads: u32) {
    state.before(calls, move |state| {
        let end = state.now + Duration::from_secs(5);
        state.ecs.hide_newest_until("web", reads, end);
    });
}

/// Only so much time is left when the call comes; the next delivery has all of it.
fn late(state: &mut State, calls: Calls, left: Duration) {
    state.before(calls, move |state| {
        let end = state.ends.unwrap_or(state.now);
        state.now = state.now.max(end - left);
    });
}

pub(crate) fn troubles() -> Vec<Trouble> {
    let of = |name, strike| Trouble { name, strike };
    vec![
        of("throttled", |state, calls| once(state, calls, Kind::Throttled)),
        of("500", |state, calls| once(state, calls, Kind::Internal)),
        of("503", |state, calls| once(state, calls, Kind::SlowDown)),
        of("too slow, not done", |state, calls| once(state, calls, Kind::DelayBefore(FOR_EVER))),
        of("too slow, done", |state, calls| once(state, calls, Kind::DelayAfter(FOR_EVER))),
        of("unreachable", |state, calls| once(state, calls, Kind::Unreachable)),
        of("cut before", |state, calls| once(state, calls, Kind::CutBefore)),
        of("cut after", |state, calls| once(state, calls, Kind::CutAfter)),
        of("garbled", |state, calls| once(state, calls, Kind::Garbled)),
        of("access denied", |state, calls| once(state, calls, Kind::AccessDenied("ecs:Anything"))),
        of("invalid parameter", |state, calls| once(state, calls, Kind::InvalidParameter)),
        of("limit exceeded", |state, calls| once(state, calls, Kind::LimitExceeded)),
        of("expired credentials", |state, calls| once(state, calls, Kind::ExpiredToken)),
        of("conflict", |state, calls| once(state, calls, Kind::Conflict)),
        of("precondition failed", |state, calls| once(state, calls, Kind::PreconditionFailed)),
        of("concurrent attempts", |state, calls| once(state, calls, Kind::TooManyConcurrentAttempts)),
        of("stale for two reads", |state, calls| stale(state, calls, 2)),
        of("stale for five seconds", |state, calls| stale(state, calls, u32::MAX)),
        of("killed before", |state, calls| once(state, calls, Kind::KilledBefore)),
        of("killed after", |state, calls| once(state, calls, Kind::KilledAfter)),
        of("15 s left", |state, calls| late(state, calls, Duration::from_secs(15))),
        of("3 s left", |state, calls| late(state, calls, Duration::from_secs(3))),
        of("throttled from here", |state, calls| from_here(state, calls, Kind::Throttled)),
        of("unreachable from here", |state, calls| from_here(state, calls, Kind::Unreachable)),
        of("too slow from here", |state, calls| from_here(state, calls, Kind::DelayBefore(FOR_EVER))),
        of("denied from here", |state, calls| from_here(state, calls, Kind::AccessDenied("ecs:Anything"))),
    ]
}
