//! One revision: what was registered, and how ECS shows it.
//! It does not decide whether it may be registered or seen.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::super::Caller;
use super::super::document::{Document, array, quoted, raw};
use super::{Knobs, privileged};

/// A revision's state. Nothing leads back to `Active`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Active,
    Inactive,
    DeleteInProgress,
    /// Deleted. Only its number remains, so that nobody gets it again.
    Gone,
}

impl Status {
    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::Gone => "DELETED",
        }
    }
}

/// A tag, key and value as they were written.
#[derive(Debug, Clone)]
pub struct Tag {
    pub key: Box<RawValue>,
    pub value: Option<Box<RawValue>>,
}

/// A revision.
#[derive(Debug, Clone)]
pub struct Revision {
    pub number: usize,
    pub status: Status,
    /// As it was registered, without the tags.
    pub input: Document,
    pub tags: Vec<Tag>,
    pub registered_by: String,
    pub registered_at: Timestamp,
    pub deregistered_at: Option<Timestamp>,
    pub delete_requested_at: Option<Timestamp>,
}

impl Revision {
    /// Whether a container has `privileged: true`.
    pub fn is_privileged(&self) -> bool {
        privileged(&self.input)
    }

    /// `taskDefinition` of an answer.
    pub fn shown(&self, family: &str, knobs: &Knobs, caller: &Caller) -> Box<RawValue> {
        let mut shown = self.input.clone();
        let containers = shown.list("containerDefinitions").unwrap_or_default();
        let containers: Vec<_> = containers.iter().map(|container| shown_container(container, knobs)).collect();
        shown.set("containerDefinitions", array(&containers));
        if knobs.adds_defaults {
            shown.set_default("volumes", "[]");
            shown.set_default("placementConstraints", "[]");
        }
        if knobs.reorders_sets {
            for list in ["containerDefinitions", "volumes", "placementConstraints", "requiresCompatibilities"] {
                reverse(&mut shown, list);
            }
        }
        let arn = caller.home.arn("ecs", &format!("task-definition/{family}:{}", self.number));
        shown.set("taskDefinitionArn", quoted(&arn));
        shown.set("revision", raw(self.number.to_string()));
        shown.set("status", quoted(self.status.name()));
        shown.set("requiresAttributes", self.required_attributes());
        shown.set("compatibilities", self.compatibilities());
        shown.set("registeredAt", seconds(self.registered_at));
        shown.set("registeredBy", quoted(&self.registered_by));
        if let Some(at) = self.deregistered_at {
            shown.set("deregisteredAt", seconds(at));
        }
        if let Some(at) = self.delete_requested_at {
            shown.set("deleteRequestedAt", seconds(at));
        }
        shown.to_raw()
    }

    /// `daemonTaskDefinition` of an answer.
    pub fn shown_daemon(&self, family: &str, caller: &Caller) -> Box<RawValue> {
        let mut shown = self.input.clone();
        let arn = caller.home.arn("ecs", &format!("daemon-task-definition/{family}:{}", self.number));
        shown.set("daemonTaskDefinitionArn", quoted(&arn));
        shown.set("revision", raw(self.number.to_string()));
        shown.set("status", quoted(self.status.name()));
        shown.set("registeredAt", seconds(self.registered_at));
        shown.set("registeredBy", quoted(&self.registered_by));
        shown.to_raw()
    }

    /// `tags` of an answer.
    pub fn shown_tags(&self) -> Box<RawValue> {
        let tag = |tag: &Tag| {
            let mut shown = Document::default();
            shown.set("key", tag.key.clone());
            if let Some(value) = &tag.value {
                shown.set("value", value.clone());
            }
            shown.to_raw()
        };
        let tags: Vec<_> = self.tags.iter().map(tag).collect();
        array(&tags)
    }

    fn required_attributes(&self) -> Box<RawValue> {
        let mut names = vec!["com.amazonaws.ecs.capability.docker-remote-api.1.18"];
        if self.is_privileged() {
            names.push("com.amazonaws.ecs.capability.privileged-container");
        }
        let attributes: Vec<_> = names.iter().map(|name| raw(format!("{{\"name\":{}}}", quoted(name)))).collect();
        array(&attributes)
    }

    fn compatibilities(&self) -> Box<RawValue> {
        raw(if self.is_privileged() {
            "[\"EXTERNAL\",\"EC2\"]"
        } else {
            "[\"EXTERNAL\",\"EC2\",\"MANAGED_INSTANCES\"]"
        })
    }
}

/// A container with ECS's defaults, and its sets in another order.
fn shown_container(container: &RawValue, knobs: &Knobs) -> Box<RawValue> {
    let Some(mut container) = Document::parse(container.get().as_bytes()) else { return container.to_owned() };
    if knobs.adds_defaults {
        container.set_default("cpu", "0");
        container.set_default("essential", "true");
        for list in ["environment", "mountPoints", "volumesFrom", "portMappings", "systemControls"] {
            container.set_default(list, "[]");
        }
        let mappings = container.list("portMappings").unwrap_or_default();
        let mappings: Vec<_> = mappings.iter().map(|mapping| shown_port(mapping)).collect();
        container.set("portMappings", array(&mappings));
    }
    if knobs.reorders_sets {
        for list in SETS_OF_A_CONTAINER {
            reverse(&mut container, list);
        }
        if let Some(mut linux) = container.read::<Document>("linuxParameters") {
            reverse(&mut linux, "devices");
            if let Some(mut capabilities) = linux.read::<Document>("capabilities") {
                reverse(&mut capabilities, "add");
                reverse(&mut capabilities, "drop");
                linux.set("capabilities", capabilities.to_raw());
            }
            container.set("linuxParameters", linux.to_raw());
        }
    }
    container.to_raw()
}

const SETS_OF_A_CONTAINER: [&str; 8] = [
    "environment",
    "secrets",
    "portMappings",
    "mountPoints",
    "volumesFrom",
    "ulimits",
    "systemControls",
    "resourceRequirements",
];

fn shown_port(mapping: &RawValue) -> Box<RawValue> {
    let Some(mut mapping) = Document::parse(mapping.get().as_bytes()) else { return mapping.to_owned() };
    mapping.set_default("hostPort", "0");
    mapping.set_default("protocol", "\"tcp\"");
    mapping.to_raw()
}

fn reverse(document: &mut Document, list: &str) {
    if let Some(elements) = document.list(list) {
        document.set(list, array(elements.iter().rev()));
    }
}

/// Seconds since the epoch with a fraction, as awsJson writes times.
pub fn seconds(at: Timestamp) -> Box<RawValue> {
    raw(format!("{}.{:03}", at.as_second(), at.subsec_millisecond()))
}

/// Where a mutilation strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A member of the definition.
    Definition,
    /// A member of every container.
    Containers,
    /// All tags.
    Tags,
}

/// An unfaithful registration: ECS stores something other than what it was given.
#[derive(Debug, Clone)]
pub struct Mutilation {
    pub place: Place,
    pub member: String,
    /// The JSON it becomes; nothing: it is lost.
    pub becomes: Option<String>,
}

impl Mutilation {
    /// A member that is lost.
    pub fn loses(place: Place, member: &str) -> Self {
        Self { place, member: member.to_owned(), becomes: None }
    }

    /// A member that becomes this JSON.
    pub fn changes(place: Place, member: &str, json: &str) -> Self {
        Self { becomes: Some(json.to_owned()), ..Self::loses(place, member) }
    }

    /// Strikes.
    pub fn apply(&self, revision: &mut Revision) {
        match self.place {
            Place::Definition => self.strike(&mut revision.input),
            Place::Tags => revision.tags.clear(),
            Place::Containers => {
                let strike = |container: &RawValue| {
                    let mut container = Document::parse(container.get().as_bytes()).unwrap_or_default();
                    self.strike(&mut container);
                    container.to_raw()
                };
                let containers = revision.input.list("containerDefinitions").unwrap_or_default();
                let containers: Vec<_> = containers.iter().map(|container| strike(container)).collect();
                revision.input.set("containerDefinitions", array(&containers));
            }
        }
    }

    fn strike(&self, document: &mut Document) {
        match &self.becomes {
            Some(json) => document.set(&self.member, raw(json)),
            None => document.remove(&self.member),
        }
    }
}
