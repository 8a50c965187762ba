//! The real texts of a small family: what a revision says is one number, which is its image.

use ecs_privileged_guard::domain::document::{Described, OutputOnly, RegisterInput};
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::domain::record::Record;
use jiff::{SignedDuration, Timestamp};

use super::world::{By, Number, Rev, Text};

/// Backout's own name, by which it knows what it has registered itself.
pub(crate) const FUNCTION: &str = "function";

/// A registration is what makes time go by: revision 3 is registered at second 3, and between two registrations there
/// is one moment.
pub(crate) fn registered_at(number: Number) -> Timestamp {
    let begin: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(number.into())
}

/// The moment after that many registrations.
pub(crate) fn moment(registrations: Number) -> Timestamp {
    registered_at(registrations) + SignedDuration::from_millis(500)
}

/// A number as the product has it.
pub(crate) fn small(number: u32) -> Number {
    number.try_into().unwrap()
}

pub(crate) fn described(number: Number, rev: Rev) -> Described {
    let by = match rev.by {
        By::People => "pipeline/s",
        By::Guard => "guard-role/guard",
        By::Backout => "backout-role/function",
    };
    let (status, at) = (if rev.active { "ACTIVE" } else { "INACTIVE" }, registered_at(number).as_second());
    let (says, privileged) = (rev.says, rev.privileged);
    let text = format!(
        r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:{number}",
        "family":"web","revision":{number},"status":"{status}","registeredAt":{at},
        "registeredBy":"arn:aws:sts::111122223333:assumed-role/{by}",
        "containerDefinitions":[{{"name":"app","image":"v{says}","privileged":{privileged}}}]}},"tags":[]}}"#
    );
    Described::parse(&text).unwrap()
}

/// What an input says, and whether it is privileged.
pub(crate) fn says(input: &str) -> (u8, bool) {
    let input = RegisterInput::parse(input).unwrap();
    let text = input.as_str();
    let at = text.find(r#""image":"v"#).unwrap() + r#""image":"v"#.len();
    (text[at..=at].parse().unwrap(), !input.privileged_containers().is_empty())
}

pub(crate) fn record(text: &Text) -> Record {
    Record::parse(text).unwrap()
}

pub(crate) fn text(record: &Record) -> Text {
    record.to_json().unwrap().into()
}

pub(crate) fn policy() -> Policy {
    Policy {
        mode: Mode::Remediate,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: Vec::new(),
        guard_roles: vec!["guard-role".parse().unwrap()],
        apply_roles: Vec::new(),
        settle: SignedDuration::from_mins(60),
    }
}
