//! The life of a task definition: registered, described, deregistered, deleted; and that of a daemon's.
//! It does not list, and does not know who runs what.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-definition-state.html>

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::super::document::{Document, array, quoted, raw};
use super::super::{Caller, Refusal};
use super::{Ecs, Revision, Status, Tag};

/// A definition may be 64 KB.
const LENGTH_MAX: usize = 64 * 1024;
/// <https://docs.aws.amazon.com/general/latest/gr/ecs-service.html>
const CONTAINERS_MAX: usize = 10;
const TAGS_MAX: usize = 50;
/// Ten definitions a call of `DeleteTaskDefinitions`.
const DELETIONS_MAX: usize = 10;

/// Members that only answers have.
pub const OUTPUT_MEMBERS: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

impl Ecs {
    pub(super) fn register(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let mut input = input.clone();
        for member in OUTPUT_MEMBERS {
            match self.knobs.accepts_output_members {
                true => input.remove(member),
                false if input.get(member).is_some() => {
                    return Err(Refusal::client(format!("{member} is not a parameter of RegisterTaskDefinition.")));
                }
                false => {}
            }
        }
        for (member, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
            if let Some(text) = input.text(member) {
                input.set(member, in_whole_units(&text, unit).map_or_else(|| quoted(&text), |number| quoted(&number)));
            }
        }
        let revision = revision(input, caller)?;
        let family = revision.input.text("family").unwrap_or_default();
        let mut revision = Revision { number: self.families.get(&family).map_or(0, Vec::len) + 1, ..revision };
        if let Some(mutilation) = &self.knobs.mutilates {
            mutilation.apply(&mut revision);
        }
        let answer = shown(&revision, &family, self, caller, true);
        self.families.entry(family).or_default().push(revision);
        Ok(answer)
    }

    pub(super) fn describe(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let name = required(input, "taskDefinition")?;
        let (family, number) = Self::named(&name, caller).ok_or_else(unable_to_describe)?;
        let revisions = self.families.get(&family).ok_or_else(unable_to_describe)?;
        let seen = &revisions[..revisions.len() - usize::from(hidden(&mut self.stale, &family, caller))];
        let revision = match number {
            Some(number) => number.checked_sub(1).and_then(|index| seen.get(index)),
            None => seen.iter().rev().find(|revision| revision.status == Status::Active),
        };
        let revision = revision.ok_or_else(unable_to_describe)?;
        let visible = match revision.status {
            Status::Active | Status::DeleteInProgress => true,
            Status::Inactive => self.knobs.describes_inactive || self.in_use(&family, revision.number),
            Status::Gone => false,
        };
        let with_tags =
            input.read::<Vec<String>>("include").is_some_and(|include| include.iter().any(|it| it == "TAGS"));
        match visible {
            true => Ok(shown(revision, &family, self, caller, with_tags)),
            false => Err(unable_to_describe()),
        }
    }

    pub(super) fn deregister(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let name = required(input, "taskDefinition")?;
        let id = match Self::named(&name, caller) {
            Some((_, None)) => return Err(Refusal::parameter("Revision is missing in the task definition.")),
            Some((family, Some(number))) => format!("{family}:{number}"),
            None => return Err(Refusal::client("The specified task definition does not exist.")),
        };
        let missing = || Refusal::client("The specified task definition does not exist.");
        let revision = self.revision_mut(&id).ok_or_else(missing)?;
        match revision.status {
            Status::Active => {
                revision.status = Status::Inactive;
                revision.deregistered_at = Some(caller.now);
            }
            // To repeat it is harmless.
            Status::Inactive => {}
            Status::DeleteInProgress | Status::Gone => {
                return Err(Refusal::parameter("The specified task definition is in DELETE_IN_PROGRESS status."));
            }
        }
        let family = id.split(':').next().unwrap_or_default();
        let revision = self.revision(&id).ok_or_else(missing)?;
        Ok(shown(revision, family, self, caller, false))
    }

    pub(super) fn delete(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let names: Vec<String> = input.read("taskDefinitions").unwrap_or_default();
        if names.is_empty() || names.len() > DELETIONS_MAX {
            return Err(Refusal::parameter("Specify between 1 and 10 task definitions."));
        }
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let id =
                Self::named(&name, caller).and_then(|(family, number)| Some((format!("{family}:{}", number?), family)));
            let revision = id.as_ref().and_then(|(id, _)| self.revision_mut(id));
            let reason = match revision {
                None => Some("MISSING"),
                Some(revision) if revision.status == Status::Active => {
                    Some("The specified task definition is still in ACTIVE status.")
                }
                Some(revision) => {
                    revision.status = Status::DeleteInProgress;
                    revision.delete_requested_at.get_or_insert(caller.now);
                    None
                }
            };
            match (reason, &id) {
                (None, Some((id, family))) => {
                    deleted.extend(self.revision(id).map(|it| it.shown(family, &self.knobs, caller)));
                }
                (reason, _) => failures.push(failure(&name, reason.unwrap_or("MISSING"))),
            }
        }
        let mut answer = Document::default();
        answer.set("taskDefinitions", array(&deleted));
        answer.set("failures", array(&failures));
        Ok(answer.to_json())
    }

    pub(super) fn register_daemon(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let revision = revision(input.clone(), caller)?;
        let family = revision.input.text("family").unwrap_or_default();
        let revisions = self.daemons.entry(family.clone()).or_default();
        revisions.push(Revision { number: revisions.len() + 1, ..revision });
        let arn = caller.home.arn("ecs", &format!("daemon-task-definition/{family}:{}", revisions.len()));
        let mut answer = Document::default();
        answer.set("daemonTaskDefinitionArn", quoted(&arn));
        Ok(answer.to_json())
    }

    pub(super) fn describe_daemon(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let name = required(input, "daemonTaskDefinition")?;
        let here = caller.home.arn("ecs", "daemon-task-definition/");
        let id = name.strip_prefix(&here).unwrap_or(&name);
        let (family, number) = id.split_once(':').map_or((id, None), |(family, number)| (family, Some(number)));
        let wanted = |revision: &&Revision| number.is_none_or(|number| revision.number.to_string() == number);
        let revision = self.daemons.get(family).and_then(|revisions| revisions.iter().rev().find(wanted));
        let revision = revision.ok_or_else(|| Refusal::client("Unable to describe daemon task definition."))?;
        let mut answer = Document::default();
        answer.set("daemonTaskDefinition", revision.shown_daemon(family, caller));
        Ok(answer.to_json())
    }

    /// Family and revision of a name or ARN; nothing when it is not of this account and Region, or no name at all.
    pub(super) fn named(name: &str, caller: &Caller) -> Option<(String, Option<usize>)> {
        let here = caller.home.arn("ecs", "task-definition/");
        let id = if name.starts_with("arn:") { name.strip_prefix(&here)? } else { name };
        match id.split_once(':') {
            Some((family, number)) => Some((family.to_owned(), Some(number.parse().ok()?))),
            None => Some((id.to_owned(), None)),
        }
    }
}

/// Whether this read does not see a family's newest revision yet. Each one asked about brings the end nearer.
pub(super) fn hidden(stale: &mut BTreeMap<String, (u32, Timestamp)>, family: &str, caller: &Caller) -> bool {
    match stale.get_mut(family) {
        Some((reads, end)) if *reads > 0 && caller.now < *end => {
            *reads -= 1;
            true
        }
        _ => false,
    }
}

/// Whether a container of a registration has `privileged: true`.
pub fn privileged(input: &Document) -> bool {
    let containers: Vec<Document> = input.read("containerDefinitions").unwrap_or_default();
    containers.iter().any(|container| container.get("privileged").is_some_and(|value| value.get() == "true"))
}

/// The revision that a registration makes, its number aside.
fn revision(mut input: Document, caller: &Caller) -> Result<Revision, Refusal> {
    if input.to_json().len() > LENGTH_MAX {
        return Err(Refusal::client(format!(
            "Task definition is too long. Max allowed length is '{LENGTH_MAX}' bytes."
        )));
    }
    let family = input.text("family").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=255).contains(&family.len()) || !family.bytes().all(plain) {
        return Err(Refusal::client("Family should be 1 to 255 letters, numbers, hyphens and underscores."));
    }
    let containers: Vec<Document> = input.read("containerDefinitions").unwrap_or_default();
    if containers.is_empty() || containers.len() > CONTAINERS_MAX {
        return Err(Refusal::client("A task definition has 1 to 10 container definitions."));
    }
    let names: BTreeSet<_> =
        containers.iter().filter_map(|it| it.text("name").filter(|name| !name.is_empty())).collect();
    if names.len() != containers.len() {
        return Err(Refusal::client("Container definitions need names, each another one."));
    }
    let tags = tags(&input)?;
    input.remove("tags");
    Ok(Revision {
        number: 0,
        status: Status::Active,
        input,
        tags,
        registered_by: caller.principal.clone(),
        registered_at: caller.now,
        deregistered_at: None,
        delete_requested_at: None,
    })
}

fn tags(input: &Document) -> Result<Vec<Tag>, Refusal> {
    let malformed = || Refusal::parameter("Tags are a list of objects with a key.");
    let tags: Vec<Document> = match input.get("tags") {
        None => return Ok(Vec::new()),
        Some(_) => input.read("tags").ok_or_else(malformed)?,
    };
    if tags.is_empty() {
        return Err(Refusal::client("Tags can not be empty."));
    }
    if tags.len() > TAGS_MAX {
        return Err(Refusal::parameter("The maximum number of tags is 50."));
    }
    let reserved = |text: Option<String>| text.is_some_and(|text| text.to_ascii_lowercase().starts_with("aws:"));
    if tags.iter().any(|tag| reserved(tag.text("key")) || reserved(tag.text("value"))) {
        return Err(Refusal::parameter("Tag keys and values cannot begin with aws:, which is reserved."));
    }
    tags.iter()
        .map(|tag| {
            let key =
                tag.get("key").filter(|key| key.get().starts_with('"') && key.get() != "\"\"").ok_or_else(malformed)?;
            Ok(Tag { key: key.to_owned(), value: tag.get("value").map(RawValue::to_owned) })
        })
        .collect()
}

/// `1 vCPU` is 1024 and `0.5 GB` is 512; what has no unit stays as it is.
fn in_whole_units(text: &str, unit: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let thousandths: f64 = lower.strip_suffix(unit)?.trim().parse().ok()?;
    Some(format!("{:.0}", thousandths * 1024.0))
}

fn shown(revision: &Revision, family: &str, ecs: &Ecs, caller: &Caller, with_tags: bool) -> String {
    let mut answer = Document::default();
    answer.set("taskDefinition", revision.shown(family, &ecs.knobs, caller));
    if with_tags {
        answer.set("tags", revision.shown_tags());
    }
    answer.to_json()
}

pub(super) fn required(input: &Document, member: &str) -> Result<String, Refusal> {
    let missing = || Refusal::parameter(format!("{member} can not be blank."));
    input.text(member).filter(|text| !text.is_empty()).ok_or_else(missing)
}

pub(super) fn failure(arn: &str, reason: &str) -> Box<RawValue> {
    raw(format!("{{\"arn\":{},\"reason\":{}}}", quoted(arn), quoted(reason)))
}

fn unable_to_describe() -> Refusal {
    Refusal::client("Unable to describe task definition.")
}
