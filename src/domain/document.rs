//! A task definition as text: who it is, which containers are privileged, what would register it again, the one edit.
//! It never becomes a struct of ECS's members: what it does not know, it keeps. It does not judge and does not compare.
//!
//! Shapes: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp, Unit};

use super::arn::{Family, TaskDefinitionArn, TaskDefinitionId};
use super::json::{Json, Member, Text, Value};
use super::members::{OUTPUT_ONLY, REGISTER_INPUT};
use super::object::Object;

pub use super::object::DocumentError;

/// An `OUTPUT_ONLY_MEMBERS` entry that `RegisterTaskDefinition` takes: leaving it out would lose a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is an input of RegisterTaskDefinition, not an output-only member")]
pub struct InputMember(pub &'static str);

/// The members that a registration leaves out: ECS gives them and does not take them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputOnly {
    extra: Vec<String>,
}

impl OutputOnly {
    /// [`OUTPUT_ONLY`], and `extra` for the day when ECS adds one.
    ///
    /// # Errors
    /// When `extra` names a member that is known to be an input.
    pub fn new(extra: impl IntoIterator<Item = String>) -> Result<Self, InputMember> {
        let extra: Vec<String> = extra.into_iter().collect();
        match REGISTER_INPUT.iter().find(|member| extra.iter().any(|name| name == member.name)) {
            Some(member) => Err(InputMember(member.name)),
            None => Ok(Self { extra }),
        }
    }

    /// The additional members.
    #[must_use]
    pub fn extra(&self) -> &[String] {
        &self.extra
    }

    fn contains(&self, name: &Text) -> bool {
        OUTPUT_ONLY.iter().any(|output| name.is(output)) || self.extra.iter().any(|extra| name.is(extra))
    }
}

/// The user that a container's process runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The definition says root.
    Root,
    /// The definition says somebody else.
    Other,
    /// The definition does not say: the image decides, and most images say root.
    Unset,
}

/// A directory or file of the host that a container sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostMount {
    /// The path on the host.
    pub host_path: String,
    /// Whether the container can only read it.
    pub read_only: bool,
}

/// What there is to know about a container's way to its host. Holds nothing that may not be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name, as written: it may come from anywhere.
    pub name: String,
    /// Whether it owns its host.
    pub privileged: bool,
    /// `linuxParameters.capabilities.add`. Without effect while it is privileged.
    pub capabilities_added: Vec<String>,
    /// `linuxParameters.capabilities.drop`. Without effect while it is privileged.
    pub capabilities_dropped: Vec<String>,
    /// Who it runs as.
    pub user: User,
    /// Whether its own file system is read-only.
    pub readonly_root_filesystem: bool,
    /// Paths on the host of the devices that it is given.
    pub devices: Vec<String>,
    /// What it sees of the host's file system.
    pub host_mounts: Vec<HostMount>,
}

/// What both a description and a registration tell.
#[derive(Clone)]
struct Facts {
    family: Family,
    roles: Vec<String>,
    network_mode: Option<String>,
    pid_mode: Option<String>,
    ipc_mode: Option<String>,
    containers: Vec<Container>,
    privileged: Vec<String>,
    /// Where each `true` of a `privileged` begins, counted from the beginning of `containerDefinitions`' value.
    privileged_at: Vec<usize>,
}

/// A member as it is written.
struct Piece {
    name: Text,
    written_name: String,
    value: String,
}

struct Tag {
    key: Text,
    value: Option<Text>,
    written: String,
}

/// A described task definition: the answer of `DescribeTaskDefinition` (with tags) or of `RegisterTaskDefinition`.
pub struct Described {
    arn: TaskDefinitionArn,
    status: String,
    registered_at: Option<Timestamp>,
    registered_by: Option<String>,
    facts: Facts,
    members: Vec<Piece>,
    tags: Vec<Tag>,
}

impl Described {
    /// Reads an answer, `{"taskDefinition": {…}, "tags": […]}`.
    ///
    /// # Errors
    /// When the answer is not a whole task definition with containers that have names and whose `privileged` is
    /// `true`, `false`, `null` or absent. What cannot be read is never taken for unprivileged.
    pub fn parse(answer: &str) -> Result<Self, DocumentError> {
        let answer = Object::of("", Json::parse(answer).map_err(DocumentError::Malformed)?)?;
        let task = Object::of("taskDefinition", answer.required("taskDefinition")?)?;

        let arn: TaskDefinitionArn = task
            .required_text("taskDefinitionArn")?
            .parse()
            .map_err(|_| task.unexpected("taskDefinitionArn", "the ARN of a task definition"))?;
        let facts = Facts::read(&task)?;
        if facts.family != arn.id.family {
            return Err(task.unexpected("family", "the family in taskDefinitionArn"));
        }
        // ECS gives tags beside the task definition, moto inside it as well.
        let beside = answer.optional("tags")?.map_or_else(|| Ok(Vec::new()), |tags| read_tags("tags", tags))?;
        let tags = match (beside.is_empty(), task.optional("tags")?) {
            (true, Some(tags)) => read_tags("taskDefinition.tags", tags)?,
            (true | false, _) => beside,
        };
        let members = task.members.iter().filter(|member| !member.is("tags"));
        Ok(Self {
            arn,
            status: task.required_text("status")?,
            registered_at: task.optional("registeredAt")?.and_then(instant),
            registered_by: task.optional("registeredBy")?.and_then(Json::text),
            facts,
            members: members.map(Piece::of).collect(),
            tags,
        })
    }

    /// Where it is, and which.
    #[must_use]
    pub fn arn(&self) -> &TaskDefinitionArn {
        &self.arn
    }

    /// Which it is.
    #[must_use]
    pub fn id(&self) -> &TaskDefinitionId {
        &self.arn.id
    }

    /// Whether new tasks can be started from it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// When it was registered.
    #[must_use]
    pub fn registered_at(&self) -> Option<Timestamp> {
        self.registered_at
    }

    /// The ARN of who registered it.
    #[must_use]
    pub fn registered_by(&self) -> Option<&str> {
        self.registered_by.as_deref()
    }

    /// Whether it has a tag of that key.
    #[must_use]
    pub fn has_tag_key(&self, key: &str) -> bool {
        self.tags.iter().any(|tag| tag.key.is(key))
    }

    /// The value of the tag of that key.
    #[must_use]
    pub fn tag_value(&self, key: &str) -> Option<String> {
        let tag = self.tags.iter().find(|tag| tag.key.is(key))?;
        tag.value.as_ref()?.to_text()
    }

    /// Its containers, in the order of the document.
    #[must_use]
    pub fn containers(&self) -> &[Container] {
        &self.facts.containers
    }

    /// The names of its privileged containers, in the order of the document.
    #[must_use]
    pub fn privileged_containers(&self) -> &[String] {
        &self.facts.privileged
    }

    /// The roles that whoever registers it must be allowed to pass.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.facts.roles
    }

    /// `networkMode`, as written.
    #[must_use]
    pub fn network_mode(&self) -> Option<&str> {
        self.facts.network_mode.as_deref()
    }

    /// `pidMode`, as written.
    #[must_use]
    pub fn pid_mode(&self) -> Option<&str> {
        self.facts.pid_mode.as_deref()
    }

    /// `ipcMode`, as written.
    #[must_use]
    pub fn ipc_mode(&self) -> Option<&str> {
        self.facts.ipc_mode.as_deref()
    }

    /// What registers it again: every member but the output-only ones, byte for byte and in order, and then its tags.
    /// This is the backup, usable with `aws ecs register-task-definition --cli-input-json`.
    ///
    /// Tags whose key or value begins with `aws:` are AWS's own and are refused; so is an empty list of tags
    /// ("Tags can not be empty").
    #[must_use]
    pub fn register_input(&self, output_only: &OutputOnly) -> RegisterInput {
        let mut text = String::from("{");
        let mut containers_at = 0;
        for member in self.members.iter().filter(|member| !output_only.contains(&member.name)) {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&member.written_name);
            text.push(':');
            if member.name.is("containerDefinitions") {
                containers_at = text.len();
            }
            text.push_str(&member.value);
        }
        let tags: Vec<&str> =
            self.tags.iter().filter(|tag| !tag.is_reserved()).map(|tag| tag.written.as_str()).collect();
        if !tags.is_empty() {
            text.push_str(r#","tags":["#);
            text.push_str(&tags.join(","));
            text.push(']');
        }
        text.push('}');
        RegisterInput { text, facts: self.facts.clone(), containers_at }
    }
}

impl fmt::Debug for Described {
    /// Never the document: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Described").field("id", self.id()).field("status", &self.status).finish_non_exhaustive()
    }
}

/// An input of `RegisterTaskDefinition`, as text.
#[derive(Clone)]
pub struct RegisterInput {
    text: String,
    facts: Facts,
    /// Where the value of `containerDefinitions` begins.
    containers_at: usize,
}

impl RegisterInput {
    /// Reads a backup, as one that is stored now would be: a member may have become known as output-only since, and ECS
    /// does not take it.
    ///
    /// # Errors
    /// As for [`Described::parse`].
    pub fn stored(text: &str, output_only: &OutputOnly) -> Result<Self, DocumentError> {
        let input = Object::of("", Json::parse(text).map_err(DocumentError::Malformed)?)?;
        let (left_out, kept): (Vec<_>, Vec<_>) =
            input.members.iter().partition(|member| output_only.contains(&member.name()));
        if left_out.is_empty() {
            return Self::parse(text);
        }
        let kept: Vec<String> =
            kept.iter().map(|member| format!("{}:{}", member.written_name, member.value.as_str())).collect();
        Self::parse(&format!("{{{}}}", kept.join(",")))
    }

    /// Reads an input.
    ///
    /// # Errors
    /// As for [`Described::parse`].
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let whole = Json::parse(text).map_err(DocumentError::Malformed)?;
        let input = Object::of("", whole)?;
        let facts = Facts::read(&input)?;
        let containers_at = input.required("containerDefinitions")?.offset_in(whole);
        Ok(Self { text: whole.as_str().to_owned(), facts, containers_at })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The family that it is registered in.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.facts.family
    }

    /// The roles that whoever registers it must be allowed to pass.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.facts.roles
    }

    /// Its containers, in the order of the document.
    #[must_use]
    pub fn containers(&self) -> &[Container] {
        &self.facts.containers
    }

    /// The names of its privileged containers, in the order of the document.
    #[must_use]
    pub fn privileged_containers(&self) -> &[String] {
        &self.facts.privileged
    }

    /// The one edit: each `privileged: true` becomes `false`. Every other byte stays.
    #[must_use]
    pub fn without_privilege(&self) -> Self {
        let mut text = String::with_capacity(self.text.len() + self.facts.privileged_at.len());
        let mut copied = 0;
        for at in self.facts.privileged_at.iter().map(|at| self.containers_at + at) {
            text.push_str(&self.text[copied..at]);
            text.push_str("false");
            copied = at + "true".len();
        }
        text.push_str(&self.text[copied..]);

        let mut facts = Facts { privileged: Vec::new(), privileged_at: Vec::new(), ..self.facts.clone() };
        for container in &mut facts.containers {
            container.privileged = false;
        }
        Self { text, facts, containers_at: self.containers_at }
    }
}

impl fmt::Debug for RegisterInput {
    /// Never the document: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterInput")
            .field("family", self.family())
            .field("privileged", &self.facts.privileged)
            .finish_non_exhaustive()
    }
}

impl Facts {
    fn read(task: &Object<'_>) -> Result<Self, DocumentError> {
        let family = task.required_text("family")?;
        let list = task.required("containerDefinitions")?;
        let elements = list.elements().filter(|elements| !elements.is_empty());
        let elements = elements.ok_or_else(|| task.unexpected("containerDefinitions", "a list of containers"))?;

        let (mut containers, mut privileged_at) = (Vec::new(), Vec::new());
        let volumes = host_volumes(task);
        for (index, element) in elements.into_iter().enumerate() {
            let container = Object::of(&format!("{}[{index}]", task.at("containerDefinitions")), element)?;
            let privileges = privileges(&container)?;
            containers.push(Container::read(&container, !privileges.is_empty(), &volumes)?);
            privileged_at.extend(privileges.into_iter().map(|literal| literal.offset_in(list)));
        }
        let roles = ["taskRoleArn", "executionRoleArn"].into_iter().filter_map(|name| task.shown_text(name));
        Ok(Self {
            family: family.parse().map_err(|_| task.unexpected("family", "the name of a family"))?,
            roles: roles.filter(|role| !role.is_empty()).collect(),
            network_mode: task.shown_text("networkMode"),
            pid_mode: task.shown_text("pidMode"),
            ipc_mode: task.shown_text("ipcMode"),
            privileged: containers.iter().filter(|it| it.privileged).map(|it| it.name.clone()).collect(),
            containers,
            privileged_at,
        })
    }
}

impl Container {
    /// `name` and `privileged` decide what is done and must be clear; the rest is only shown.
    fn read(
        container: &Object<'_>,
        privileged: bool,
        volumes: &BTreeMap<String, String>,
    ) -> Result<Self, DocumentError> {
        let linux = container.shown_object("linuxParameters");
        let capabilities = linux.shown_object("capabilities");
        let mounts = container.shown_objects("mountPoints").into_iter().filter_map(|mount| {
            let host_path = volumes.get(&mount.shown_text("sourceVolume")?)?;
            Some(HostMount { host_path: host_path.clone(), read_only: mount.is_true("readOnly") })
        });
        Ok(Self {
            name: container.required_text("name")?,
            privileged,
            capabilities_added: capabilities.shown_texts("add"),
            capabilities_dropped: capabilities.shown_texts("drop"),
            user: container.shown_text("user").map_or(User::Unset, |user| User::of(&user)),
            readonly_root_filesystem: container.is_true("readonlyRootFilesystem"),
            devices: linux.shown_objects("devices").iter().filter_map(|it| it.shown_text("hostPath")).collect(),
            host_mounts: mounts.collect(),
        })
    }
}

impl User {
    /// Of `user`, `user:group`, `uid` and so on.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text.split(':').next().unwrap_or_default() {
            "" => Self::Unset,
            "root" => Self::Root,
            uid if uid.bytes().all(|digit| digit == b'0') => Self::Root,
            _ => Self::Other,
        }
    }
}

/// The `true`s of a container's `privileged`. A member that is given twice counts each time.
fn privileges<'a>(container: &Object<'a>) -> Result<Vec<Json<'a>>, DocumentError> {
    let mut found = Vec::new();
    for value in container.all("privileged") {
        match value.value() {
            Value::Bool(true) => found.push(value),
            Value::Bool(false) | Value::Null => {}
            Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => {
                return Err(container.unexpected("privileged", "true or false"));
            }
        }
    }
    Ok(found)
}

/// Names of the volumes that are paths of the host, and the paths.
fn host_volumes(task: &Object<'_>) -> BTreeMap<String, String> {
    let volumes = task.shown_objects("volumes");
    let paths = volumes.iter().filter_map(|volume| {
        let path = volume.shown_object("host").shown_text("sourcePath").filter(|path| !path.is_empty());
        Some((volume.shown_text("name")?, path.or_else(|| bound_path(volume))?))
    });
    paths.collect()
}

/// Docker's own driver mounts a path of the host where its options are those of a bind mount.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DockerVolumeConfiguration.html>,
/// <https://docs.docker.com/reference/cli/docker/volume/create/#driver-specific-options>
fn bound_path(volume: &Object<'_>) -> Option<String> {
    let options = volume.shown_object("dockerVolumeConfiguration").shown_object("driverOpts");
    let is_bind = options.shown_text("o").is_some_and(|o| o.split(',').any(|o| matches!(o.trim(), "bind" | "rbind")));
    options.shown_text("device").filter(|device| is_bind && !device.is_empty())
}

fn read_tags(path: &str, tags: Json<'_>) -> Result<Vec<Tag>, DocumentError> {
    let elements = tags.elements().ok_or(DocumentError::Unexpected { path: path.to_owned(), expected: "a list" })?;
    let tag = |(index, element): (usize, Json<'_>)| {
        let tag = Object::of(&format!("{path}[{index}]"), element)?;
        let key = tag.optional_text("key")?.ok_or_else(|| tag.missing("key"))?;
        Ok(Tag { key, value: tag.optional_text("value")?, written: element.as_str().to_owned() })
    };
    elements.into_iter().enumerate().map(tag).collect()
}

impl Tag {
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>: "Do not use `aws:`, `AWS:`, or any
    /// upper or lowercase combination of such as a prefix for either keys or values".
    fn is_reserved(&self) -> bool {
        let reserved = |text: &Text| text.begins_with_ignoring_case("aws:");
        reserved(&self.key) || self.value.as_ref().is_some_and(reserved)
    }
}

/// Seconds since 1970, as the JSON protocol writes a time; ECS gives milliseconds, which a float only comes near to.
fn instant(seconds: Json<'_>) -> Option<Timestamp> {
    let seconds: f64 = seconds.as_str().parse().ok()?;
    let instant = Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
    instant.round(Unit::Millisecond).ok()
}

impl Piece {
    fn of(member: &Member<'_>) -> Self {
        Self {
            name: member.name(),
            written_name: member.written_name.to_owned(),
            value: member.value.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
