//! What goes wrong at random: any kind of fault that the wire can carry, at some call to come of some function.

use std::time::Duration;

use super::chance::Chance;
use crate::account::{BACKOUT, Calls, Fault, GUARD, Kind, SWEEP, Service, State};

/// Longer than the functions wait for an attempt, so that it is given up and made again.
const TOO_LONG: Duration = Duration::from_secs(6);

/// Plans one fault; answers its name.
pub(super) fn strike(state: &mut State, chance: &mut Chance) -> &'static str {
    let moment = Duration::from_millis(10 + chance.below(1500) as u64);
    let kinds = [
        (5, "throttled"),
        (4, "500"),
        (3, "503"),
        (2, "unreachable"),
        (3, "cut before"),
        (4, "cut after"),
        (2, "garbled"),
        (4, "late, not done yet"),
        (4, "late, done"),
        (1, "too late, not done yet"),
        (1, "too late, done"),
        (1, "access denied"),
        (1, "invalid parameter"),
        (1, "limit exceeded"),
        (2, "expired token"),
        (2, "conflict"),
        (1, "precondition failed"),
        (1, "concurrent attempts"),
    ];
    let name = chance.weighed(&kinds);
    let kind = match name {
        "throttled" => Kind::Throttled,
        "500" => Kind::Internal,
        "503" => Kind::SlowDown,
        "unreachable" => Kind::Unreachable,
        "cut before" => Kind::CutBefore,
        "cut after" => Kind::CutAfter,
        "garbled" => Kind::Garbled,
        "late, not done yet" => Kind::DelayBefore(moment),
        "late, done" => Kind::DelayAfter(moment),
        "too late, not done yet" => Kind::DelayBefore(TOO_LONG),
        "too late, done" => Kind::DelayAfter(TOO_LONG),
        "access denied" => Kind::AccessDenied("ecs:Anything"),
        "invalid parameter" => Kind::InvalidParameter,
        "limit exceeded" => Kind::LimitExceeded,
        "expired token" => Kind::ExpiredToken,
        "conflict" => Kind::Conflict,
        "precondition failed" => Kind::PreconditionFailed,
        _ => Kind::TooManyConcurrentAttempts,
    };
    let calls = match name {
        "conflict" | "precondition failed" => Calls::of("PutObject"),
        "concurrent attempts" => Calls::of("RegisterTaskDefinition"),
        _ => match chance.below(5) {
            0 => Calls::to(Service::Ecs),
            1 => Calls::to(Service::S3),
            2 => Calls::to(Service::Sns),
            _ => Calls::all(),
        },
    };
    let principal = chance.weighed(&[(80, GUARD), (8, BACKOUT), (12, SWEEP)]);
    state.inject(Fault::once(kind, calls.by(principal).starting_at(1 + chance.below(20))));
    name
}
