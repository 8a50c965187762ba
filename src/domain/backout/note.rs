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
