//! The exemption of a backout: whether the one that is there covers the request, and what is to be written if not. The
//! verdict on what is there is the guard's own, so that nothing counts here that would not hold there.

use jiff::{SignedDuration, Timestamp};

use super::super::exemption::{Exemption, Found, LONGEST, Unreadable, Verdict, of_object};
use super::super::failure::CallFailure;
use super::refusal::{Refusal, Refused};
use super::request::{Request, TEXT_MAX};

/// Asking for the same again a little later does not make an exemption longer.
const SAME_END: SignedDuration = SignedDuration::from_hours(1);
/// S3's clock, by which the length of an exemption is judged, may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// What is to be done about the exemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allow {
    /// The one that is there covers the request, until then.
    Holds(Timestamp),
    /// This is to be written.
    Write(Exemption),
}

/// Why nothing may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotAllowed {
    /// What is there cannot be understood.
    Refused(Refused),
    /// S3 does not give it.
    Failed(CallFailure),
}

/// One that holds is never shortened or narrowed, unless the request says `replace`. One that does not hold permits
/// nothing, so there is nothing to keep.
pub(super) fn allow(
    found: &Found,
    request: &Request,
    containers: &[String],
    now: Timestamp,
) -> Result<Allow, NotAllowed> {
    let wanted = Exemption {
        containers: containers.to_vec(),
        reason: request.reason.clone(),
        approved_by: request.approved_by.clone(),
        expires_at: whole_seconds((now + SignedDuration::from_hours(24 * request.days)).min(latest_end(now))),
    };
    let verdict = of_object(containers, found, now);
    let held = match (verdict, found) {
        (_, Found::Unreadable(failure)) => return Err(NotAllowed::Failed(failure.clone())),
        (Verdict::Unreadable(_), _) if request.replace => None,
        (Verdict::Unreadable(why), _) => return Err(NotAllowed::Refused(unreadable(&why))),
        (Verdict::NotExempt(lapse), _) if !lapse.holds_for_others() => None,
        (Verdict::NotExempt(_) | Verdict::Partly { .. } | Verdict::Exempt(_), Found::Object { text, .. }) => {
            Exemption::read(text).ok()
        }
        (Verdict::NotExempt(_) | Verdict::Partly { .. } | Verdict::Exempt(_), Found::Nothing) => None,
    };
    Ok(match held {
        None => Allow::Write(wanted),
        Some(held) => against(held, wanted, request.replace, now),
    })
}

fn against(held: Exemption, wanted: Exemption, replace: bool, now: Timestamp) -> Allow {
    let covers = wanted.containers.iter().all(|name| held.containers.contains(name));
    let is_near = held.expires_at.duration_since(wanted.expires_at).abs() <= SAME_END;
    if replace {
        let is_same = held == Exemption { expires_at: held.expires_at, ..wanted.clone() };
        return if is_same && is_near { Allow::Holds(held.expires_at) } else { Allow::Write(wanted) };
    }
    if covers && (held.expires_at >= wanted.expires_at || is_near) {
        return Allow::Holds(held.expires_at);
    }
    let missing: Vec<String> =
        wanted.containers.iter().filter(|name| !held.containers.contains(name)).cloned().collect();
    Allow::Write(Exemption {
        reason: both(&held.reason, &wanted.reason),
        approved_by: both(&held.approved_by, &wanted.approved_by),
        expires_at: whole_seconds(held.expires_at.max(wanted.expires_at).min(latest_end(now))),
        containers: held.containers.into_iter().chain(missing).collect(),
    })
}

/// What is written must hold by S3's clock too.
fn latest_end(now: Timestamp) -> Timestamp {
    now + LONGEST - CLOCKS_DIFFER
}

/// People read it.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The old text and the new one; where both are too long, the beginning of the old one is kept.
fn both(old: &str, new: &str) -> String {
    if old == new || old.ends_with(&format!("; {new}")) {
        return old.to_owned();
    }
    let room = TEXT_MAX.saturating_sub(new.chars().count() + 2);
    match room {
        0 => new.to_owned(),
        room => format!("{}; {new}", old.chars().take(room).collect::<String>()),
    }
}

fn unreadable(why: &Unreadable) -> Refused {
    Refused {
        why: Refusal::ExemptionUnreadable,
        message: format!("the family's exemption: {why}; with \"replace\": true it is written anew"),
    }
}
