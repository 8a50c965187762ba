//! What a record says of a backout: that it has begun, and that it came to its end. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::arn::TaskDefinitionId;
use super::request::Request;

/// The record's note that a backout has begun, before its first write to ECS: a copy that is missing from then on was
/// not taken away by a person. What an earlier backout restored stays named.
#[must_use]
pub fn begun(held: Option<&Value>, request: &Request, now: Timestamp) -> Value {
    let before: Vec<&str> = held.into_iter().flat_map(restored_by).collect();
    json!({
        "at": now,
        "begun": true,
        "before": before.last(),
        "reason": request.reason,
        "approvedBy": request.approved_by,
    })
}

/// The record's note of a backout that came to its end.
#[must_use]
pub fn finished(restored: &TaskDefinitionId, until: Timestamp, request: &Request, now: Timestamp) -> Value {
    json!({
        "at": now,
        "restored": restored.to_string(),
        "until": until,
        "reason": request.reason,
        "approvedBy": request.approved_by,
    })
}

/// The note of a backout that was begun, once people were told that it did not come to its end. None: it is no such note.
#[must_use]
pub fn told(note: &Value, now: Timestamp) -> Option<Value> {
    let mut note = note.clone();
    begun_at(&note)?;
    note.as_object_mut()?.insert("told".to_owned(), json!(now));
    Some(note)
}

/// Whether a backout was begun of which nobody was told anything yet.
#[must_use]
pub(super) fn is_untold(note: &Value) -> bool {
    begun_at(note).is_some() && note.get("told").is_none()
}

/// Until when the family is exempt by that backout.
#[must_use]
pub(super) fn until(note: &Value) -> Option<Timestamp> {
    note.get("until").and_then(Value::as_str)?.parse().ok()
}

/// When a backout was begun, or came to its end.
#[must_use]
pub fn at(note: &Value) -> Option<Timestamp> {
    note.get("at").and_then(Value::as_str)?.parse().ok()
}

/// When a backout was begun that did not come to its end, in whole seconds: people read it.
#[must_use]
pub fn begun_at(note: &Value) -> Option<Timestamp> {
    let at = at(note)?;
    match is_finished(note) {
        true => None,
        false => Timestamp::from_second(at.as_second()).ok(),
    }
}

/// Whether it is the note of a backout that came to its end.
#[must_use]
pub fn is_finished(note: &Value) -> bool {
    note.get("restored").is_some_and(Value::is_string)
}

/// The revisions that a note names as registered and proven.
pub(super) fn restored_by(note: &Value) -> impl Iterator<Item = &str> {
    ["before", "restored"].into_iter().filter_map(|name| note.get(name).and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn request() -> Request {
        let (reason, approved_by) = ("the app breaks".to_owned(), "jane".to_owned());
        Request { named: "web:2".parse().unwrap(), reason, approved_by, days: 30, replace: false, dry_run: false }
    }

    fn begun_after(held: Option<&Value>) -> Value {
        begun(held, &request(), time("2026-11-24T08:00:00.5Z"))
    }

    fn finished_with(restored: &str) -> Value {
        let (until, now) = (time("2026-12-24T08:00:00Z"), time("2026-11-24T08:01:00.5Z"));
        finished(&restored.parse().unwrap(), until, &request(), now)
    }

    /// Records outlive versions, and `guardctl` shows these.
    #[test]
    fn a_note_says_who_asked_for_what_and_why() {
        let expected = json!({
            "at": "2026-11-24T08:00:00.5Z",
            "begun": true,
            "before": null,
            "reason": "the app breaks",
            "approvedBy": "jane",
        });
        assert_eq!(begun_after(None), expected);
        let expected = json!({
            "at": "2026-11-24T08:01:00.5Z",
            "restored": "web:1",
            "until": "2026-12-24T08:00:00Z",
            "reason": "the app breaks",
            "approvedBy": "jane",
        });
        assert_eq!(finished_with("web:1"), expected);
    }

    #[test]
    fn a_backout_is_untold_from_its_beginning_until_somebody_hears_of_it_or_it_ends() {
        let note = begun_after(None);
        assert_eq!((begun_at(&note), is_finished(&note)), (Some(time("2026-11-24T08:00:00Z")), false));
        assert_eq!((at(&note), until(&note)), (Some(time("2026-11-24T08:00:00.5Z")), None));
        assert!(is_untold(&note));

        let heard = told(&note, time("2026-11-24T08:05:00Z")).unwrap();
        assert!(!is_untold(&heard));
        assert_eq!(heard["told"], "2026-11-24T08:05:00Z");
        assert_eq!((begun_at(&heard), is_finished(&heard)), (begun_at(&note), false), "it has still not ended");
        assert!(is_untold(&begun_after(Some(&heard))), "another one has begun");

        let end = finished_with("web:1");
        assert_eq!((begun_at(&end), is_finished(&end), is_untold(&end)), (None, true, false));
        assert_eq!((at(&end), until(&end)), (Some(time("2026-11-24T08:01:00.5Z")), Some(time("2026-12-24T08:00:00Z"))));
        assert_eq!(told(&end, time("2026-11-24T08:05:00Z")), None);
    }

    #[test]
    fn what_an_earlier_backout_restored_stays_named_while_later_ones_begin() {
        let named = |note: &Value| restored_by(note).map(str::to_owned).collect::<Vec<_>>();
        let once = begun_after(Some(&finished_with("web:3")));
        assert_eq!(named(&once), ["web:3"]);
        assert_eq!(named(&begun_after(Some(&once))), ["web:3"], "the one before died, too");
        assert_eq!(named(&json!({"before": "web:3", "restored": "web:5"})), ["web:3", "web:5"]);
        assert_eq!(named(&begun_after(None)), [""; 0]);
    }

    /// Whoever writes a record by hand, or with a later version, breaks nothing.
    #[test]
    fn what_is_no_note_says_nothing() {
        for odd in [json!(null), json!("web:1"), json!({}), json!({"at": "soon", "until": 7, "restored": true})] {
            assert_eq!((at(&odd), until(&odd), begun_at(&odd)), (None, None, None), "{odd}");
            assert_eq!((is_finished(&odd), is_untold(&odd)), (false, false), "{odd}");
            assert_eq!(told(&odd, time("2026-11-24T08:05:00Z")), None, "{odd}");
            assert_eq!(restored_by(&odd).count(), 0, "{odd}");
        }
    }
}
