//! The stack: what it says of itself, and what it has made. Nothing is guessed by name: the stack's own list says which
//! rule, function, queue and alarm is which.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html>

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::escape;
use super::super::words::counted;
use super::{Part, Place, Row, Seen};

/// What the stack says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// When it was created, if that is known.
    pub created: Option<Timestamp>,
    /// What it was told.
    pub parameters: BTreeMap<String, String>,
    /// What it tells.
    pub outputs: BTreeMap<String, String>,
}

/// Something that it has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the template.
    pub logical: String,
    /// Its name in the account; empty while it has none.
    pub physical: String,
    /// `AWS::Events::Rule` and the like.
    pub kind: String,
    /// Its status.
    pub status: String,
}

/// Without the parameter the template's default.
const INTERVAL_HOURS: i64 = 1;

impl Stack {
    /// An output of it.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// The time between two sweeps.
    #[must_use]
    pub fn interval(&self) -> SignedDuration {
        let hours = self.parameters.get("SweepIntervalHours").and_then(|hours| hours.parse().ok());
        SignedDuration::from_hours(hours.filter(|hours| (1..=24).contains(hours)).unwrap_or(INTERVAL_HOURS))
    }

    /// How long it has been there.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.created.map(|created| now.duration_since(created))
    }
}

/// What a status means: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>. A rollback
/// that came to its end left the stack as it was before the update, or, of a creation, nothing at all.
pub(super) fn judge(stack: &Stack, resources: &Seen<Vec<Resource>>, place: Place<'_>) -> Vec<Row> {
    let (name, status) = (&stack.name, &stack.status);
    let look = place.aws("cloudformation describe-stack-events", &format!("--stack-name {}", escape::shell(name)));
    let look = format!("{look} says why");
    let resources = match resources {
        Ok(resources) => resources,
        Err(failure) => {
            let what = format!("{name}: {status}; rules, functions, queues and alarms were not looked at");
            return vec![Row::not_seen(Part::Stack, &what, failure)];
        }
    };
    let sick: Vec<&str> = resources.iter().filter(|it| is_sick(it)).map(|it| it.logical.as_str()).collect();
    let all = counted(resources.len(), "resource", "resources");
    let row = match status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" if sick.is_empty() => {
            Row::ok(Part::Stack, format!("{name}: {status}, {all}"))
        }
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            Row::broken(Part::Stack, format!("{name}: {status}, but not {}", sick.join(", ")), look)
        }
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => {
            let says = format!("{name}: {status}: the last change failed, and all is as before it");
            Row::warning(Part::Stack, says, look)
        }
        _ if status.ends_with("_IN_PROGRESS") && !status.starts_with("DELETE") => {
            let says = format!("{name}: {status}: what is seen now may change");
            Row::warning(Part::Stack, says, "ask again when it has come to its end")
        }
        _ => Row::broken(Part::Stack, format!("{name}: {status}"), look),
    };
    vec![row]
}

/// What failed, or is not there any more.
fn is_sick(resource: &Resource) -> bool {
    resource.status.ends_with("_FAILED") || resource.status.starts_with("DELETE")
}
