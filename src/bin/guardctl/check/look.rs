//! Looks at one task definition, whatever source it stands in: which containers are privileged, of which nobody can know,
//! and, if asked, which ways to the host remain. It reads no file and decides nothing about exemptions.

use std::collections::BTreeMap;

use ecs_privileged_guard::domain::document::{Container, HostMount, User};
use ecs_privileged_guard::domain::json::{Json, Value};
use ecs_privileged_guard::domain::residual;

use super::finding::{Finding, Rule, Subject};
use super::function::{self, Comes, Parameters, outcomes};
use super::place::{Names, Object, Place, text_of};

/// What was found, and how much was looked at.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    pub(super) definitions: usize,
}

/// How a source is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'p> {
    /// Whose names its members have.
    pub(super) names: Names,
    /// The template's.
    pub(super) parameters: &'p Parameters,
    /// Whether ways to the host that remain are asked for.
    pub(super) residual: bool,
}

/// Looks at the definition with these members. `of` says what is known of it but its family.
pub(super) fn look(reading: Reading<'_>, definition: &Object<'_>, of: Subject, found: &mut Found) {
    let mut look = Look { reading, of, found };
    look.found.definitions += 1;
    look.of.family = match look.one(definition, "family") {
        One::Value(family) => text_of(&family),
        One::Absent | One::Unknown(..) => None,
    };
    look.includes(definition);
    let lists = look.members(definition, "containerDefinitions");
    let volumes = if reading.residual { look.volumes(definition) } else { BTreeMap::new() };
    if reading.residual {
        look.modes(definition);
    }
    for list in lists {
        look.containers(&list, &volumes);
    }
}

/// Looks at a list of containers whose definition is elsewhere.
pub(super) fn look_at_containers(reading: Reading<'_>, list: &Place<'_>, found: &mut Found) {
    found.definitions += 1;
    Look { reading, of: Subject::default(), found }.containers(list, &BTreeMap::new());
}

/// That nobody can know of any container of a definition.
pub(super) fn open(of: Subject, place: &Place<'_>, why: &str, found: &mut Found) {
    let message = format!("whether a container of {} is privileged {why}", of.name());
    found.findings.push(Finding {
        rule: Rule::Unknown,
        at: place.at,
        path: place.path.clone(),
        of,
        container: None,
        message,
    });
}

struct Look<'p, 'f> {
    reading: Reading<'p>,
    of: Subject,
    found: &'f mut Found,
}

/// What one member is.
enum One<'a> {
    Absent,
    Value(Place<'a>),
    /// Its place, and why.
    Unknown(Place<'a>, String),
}

/// Whether a container is privileged.
enum Flag {
    No,
    Yes,
    Unknown(String),
}

impl Look<'_, '_> {
    /// Each value that is given for a member.
    fn members<'a>(&self, object: &Object<'a>, name: &str) -> Vec<Place<'a>> {
        object.named(|written| self.reading.names.are_the_same(written, name)).map(|(_, value)| value).collect()
    }

    /// What a value can come to. Only templates leave that open.
    fn outcomes<'a>(&self, place: &Place<'a>) -> Vec<Comes<'a>> {
        match self.reading.names {
            Names::CloudFormation => outcomes(place, self.reading.parameters),
            Names::Ecs | Names::Terraform if place.is_null() => vec![Comes::ToNothing],
            Names::Ecs | Names::Terraform => vec![Comes::To(place.clone())],
        }
    }

    /// What a member is, of which the last counts that is given.
    fn one<'a>(&self, object: &Object<'a>, name: &str) -> One<'a> {
        let Some(member) = self.members(object, name).pop() else { return One::Absent };
        let mut outcomes = self.outcomes(&member);
        match (outcomes.pop(), outcomes.is_empty()) {
            (Some(Comes::To(value)), true) => One::Value(value),
            (Some(Comes::ToNothing) | None, true) => One::Absent,
            (Some(Comes::ToUnknown(why)), true) => One::Unknown(member, why),
            (_, false) => {
                let why = function::why(&member, self.reading.parameters).unwrap_or_default();
                One::Unknown(member, why)
            }
        }
    }

    fn containers(&mut self, list: &Place<'_>, volumes: &BTreeMap<String, String>) {
        for outcome in self.outcomes(list) {
            match outcome {
                Comes::ToNothing => {}
                Comes::ToUnknown(why) => open(self.of.clone(), list, &why, self.found),
                Comes::To(place) if place.is_list() => {
                    for element in place.elements() {
                        self.element(&element, volumes);
                    }
                }
                // Terraform's provider takes the list as JSON in a text.
                Comes::To(place) => match (self.reading.names, place.json.text()) {
                    (Names::Terraform, Some(text)) => self.quoted(&place, &text, volumes),
                    _ => open(self.of.clone(), &place, "cannot be told: this is no list", self.found),
                },
            }
        }
    }

    fn quoted(&mut self, place: &Place<'_>, text: &str, volumes: &BTreeMap<String, String>) {
        match Json::parse(text) {
            Ok(json) if json.as_str().starts_with('[') => {
                for element in place.quoted(json).elements() {
                    self.element(&element, volumes);
                }
            }
            Ok(_) | Err(_) => open(self.of.clone(), place, "cannot be told: this is no JSON list", self.found),
        }
    }

    fn element(&mut self, element: &Place<'_>, volumes: &BTreeMap<String, String>) {
        for outcome in self.outcomes(element) {
            match outcome {
                Comes::ToNothing => {}
                Comes::ToUnknown(why) => open(self.of.clone(), element, &why, self.found),
                Comes::To(container) if container.is_object() => self.container(&container.open(), volumes),
                Comes::To(other) => open(self.of.clone(), &other, "cannot be told: this is no object", self.found),
            }
        }
    }

    fn container(&mut self, container: &Object<'_>, volumes: &BTreeMap<String, String>) {
        let name = match self.one(container, "name") {
            One::Value(name) => text_of(&name),
            One::Absent | One::Unknown(..) => None,
        };
        let called = self.of.container(name.as_deref());
        self.includes(container);
        // A member that is given twice counts each time.
        for member in self.members(container, "privileged") {
            let (rule, message) = match self.flag(&member) {
                Flag::No => continue,
                Flag::Yes => (Rule::Privileged, format!("{called} is privileged")),
                Flag::Unknown(why) => (Rule::Unknown, format!("whether {called} is privileged {why}")),
            };
            self.push(rule, &member, name.clone(), message);
        }
        if self.reading.residual {
            self.residual(container, name.as_deref(), volumes);
        }
    }

    fn push(&mut self, rule: Rule, place: &Place<'_>, container: Option<String>, message: String) {
        let (at, path, of) = (place.at, place.path.clone(), self.of.clone());
        self.found.findings.push(Finding { rule, at, path, of, container, message });
    }

    /// Beside other members, a function brings more of them: `Fn::Transform` with `AWS::Include`.
    fn includes(&mut self, object: &Object<'_>) {
        if self.reading.names != Names::CloudFormation {
            return;
        }
        for (name, included) in object.named(|name| name.starts_with("Fn::")) {
            open(self.of.clone(), &included, &format!("depends on what {name} brings"), self.found);
        }
    }

    fn flag(&self, member: &Place<'_>) -> Flag {
        let mut flags = self.outcomes(member).into_iter().map(|outcome| match outcome {
            Comes::ToNothing => Flag::No,
            Comes::ToUnknown(why) => Flag::Unknown(why),
            Comes::To(value) => self.literal(value.json),
        });
        let Some(first) = flags.next() else { return Flag::No };
        flags.fold(first, |all, next| match (all, next) {
            (Flag::No, Flag::No) => Flag::No,
            (Flag::Yes, Flag::Yes) => Flag::Yes,
            // The outermost condition is why.
            _ => Flag::Unknown(function::why(member, self.reading.parameters).unwrap_or_default()),
        })
    }

    /// `RegisterTaskDefinition` and Terraform take true and false only.
    fn literal(&self, json: Json<'_>) -> Flag {
        let truth = match (self.reading.names, json.value()) {
            (Names::CloudFormation, _) => function::truth(json),
            (Names::Ecs | Names::Terraform, Value::Bool(value)) => Some(value),
            (Names::Ecs | Names::Terraform, _) => None,
        };
        match truth {
            Some(true) => Flag::Yes,
            Some(false) => Flag::No,
            None => Flag::Unknown("cannot be told: this is neither true nor false".to_owned()),
        }
    }

    // What remains without the flag. ----------------------------------------------------------------------------------

    fn modes(&mut self, definition: &Object<'_>) {
        for member in ["pidMode", "ipcMode", "networkMode"] {
            let Some(mode) = self.value(definition, member, None) else { continue };
            if let Some(way) = text_of(&mode).and_then(|mode| residual::of_mode(member, &mode)) {
                let message = format!("{}: {way}", self.of.name());
                self.push(Rule::Residual, &mode, None, message);
            }
        }
    }

    /// Names of the volumes that are paths of the host, and the paths.
    fn volumes(&mut self, definition: &Object<'_>) -> BTreeMap<String, String> {
        let mut paths = BTreeMap::new();
        for volume in self.objects(definition, "volumes", None) {
            let host = self.object(&volume, "host", None);
            let path = host.and_then(|host| self.text(&host, "sourcePath", None));
            // Terraform's own resource has it one level higher.
            let path = path.or_else(|| self.text(&volume, "hostPath", None)).filter(|path| !path.is_empty());
            if let Some((name, path)) = self.text(&volume, "name", None).zip(path) {
                paths.insert(name, path);
            }
        }
        paths
    }

    fn residual(&mut self, container: &Object<'_>, of: Option<&str>, volumes: &BTreeMap<String, String>) {
        let linux = self.object(container, "linuxParameters", of);
        let capabilities = linux.as_ref().and_then(|linux| self.object(linux, "capabilities", of));
        let added = capabilities.map(|capabilities| self.texts(&capabilities, "add", of)).unwrap_or_default();
        let devices = linux.map(|linux| self.objects(&linux, "devices", of)).unwrap_or_default();
        let devices = devices.iter().filter_map(|device| self.text(device, "hostPath", of)).collect();
        let mut host_mounts = Vec::new();
        for mount in self.objects(container, "mountPoints", of) {
            let volume = self.text(&mount, "sourceVolume", of);
            if let Some(host_path) = volume.and_then(|volume| volumes.get(&volume)).cloned() {
                let read_only = self.value(&mount, "readOnly", of);
                let read_only = read_only.is_some_and(|value| function::truth(value.json) == Some(true));
                host_mounts.push(HostMount { host_path, read_only });
            }
        }
        // Of a user that is open nothing is said but that.
        let user = match self.one(container, "user") {
            One::Absent => User::Unset,
            One::Value(user) => text_of(&user).map_or(User::Unset, |user| User::of(&user)),
            One::Unknown(place, why) => {
                self.left_open(&place, "user", of, &why);
                User::Other
            }
        };
        let ways = residual::of_container(&Container {
            name: String::new(),
            privileged: false,
            capabilities_added: added,
            capabilities_dropped: Vec::new(),
            user,
            readonly_root_filesystem: false,
            devices,
            host_mounts,
        });
        for way in ways {
            let message = format!("{}: {way}", self.of.container(of));
            self.push(Rule::Residual, &container.place, of.map(str::to_owned), message);
        }
    }

    /// A member's value; that it is open is said.
    fn value<'a>(&mut self, object: &Object<'a>, name: &str, container: Option<&str>) -> Option<Place<'a>> {
        match self.one(object, name) {
            One::Absent => None,
            One::Value(value) => Some(value),
            One::Unknown(place, why) => {
                self.left_open(&place, name, container, &why);
                None
            }
        }
    }

    fn left_open(&mut self, place: &Place<'_>, name: &str, container: Option<&str>, why: &str) {
        let of = container.map_or_else(|| self.of.name(), |container| self.of.container(Some(container)));
        self.push(Rule::Residual, place, container.map(str::to_owned), format!("{of}: {name} {why}"));
    }

    fn text(&mut self, object: &Object<'_>, name: &str, container: Option<&str>) -> Option<String> {
        self.value(object, name, container).as_ref().and_then(text_of)
    }

    /// An object; a block of Terraform is a list of one.
    fn object<'a>(&mut self, object: &Object<'a>, name: &str, container: Option<&str>) -> Option<Object<'a>> {
        let value = self.value(object, name, container)?;
        let value = if value.is_list() { value.elements().pop()? } else { value };
        value.is_object().then(|| value.open())
    }

    /// The elements of a list. Those that depend on a condition are there.
    fn elements<'a>(&mut self, object: &Object<'a>, name: &str, container: Option<&str>) -> Vec<Place<'a>> {
        let Some(list) = self.value(object, name, container) else { return Vec::new() };
        let mut all = Vec::new();
        for element in list.elements() {
            for outcome in self.outcomes(&element) {
                match outcome {
                    Comes::To(value) => all.push(value),
                    Comes::ToNothing => {}
                    Comes::ToUnknown(why) => self.left_open(&element, name, container, &why),
                }
            }
        }
        all
    }

    fn objects<'a>(&mut self, object: &Object<'a>, name: &str, container: Option<&str>) -> Vec<Object<'a>> {
        let elements = self.elements(object, name, container).into_iter();
        elements.filter(Place::is_object).map(|element| element.open()).collect()
    }

    fn texts(&mut self, object: &Object<'_>, name: &str, container: Option<&str>) -> Vec<String> {
        self.elements(object, name, container).iter().filter_map(text_of).collect()
    }
}
