//! A value in a document, with its path and where it begins; and the three ways in which sources name the members that
//! `RegisterTaskDefinition` knows, and leave open what they are.

use std::borrow::Cow;

use ecs_privileged_guard::domain::json::{Json, Member, Value};

/// A value, its path for people, and where it begins in the document's root.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) json: Json<'a>,
    pub(super) path: String,
    pub(super) at: usize,
    /// Set where the value stands in a text of the document: all in it begins where that text begins.
    is_quoted: bool,
}

impl<'a> Place<'a> {
    pub(super) fn root(json: Json<'a>) -> Self {
        Self { json, path: String::new(), at: 0, is_quoted: false }
    }

    /// The value that this text holds.
    pub(super) fn quoted<'b>(&self, json: Json<'b>) -> Place<'b> {
        Place { json, path: self.path.clone(), at: self.at, is_quoted: true }
    }

    fn child(&self, json: Json<'a>, path: String) -> Self {
        let at = if self.is_quoted { self.at } else { self.at + json.offset_in(self.json) };
        Self { json, path, at, is_quoted: self.is_quoted }
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Vec<Self> {
        let elements = self.json.elements().unwrap_or_default().into_iter().enumerate();
        elements.map(|(index, json)| self.child(json, format!("{}[{index}]", self.path))).collect()
    }

    /// The members of an object, of which anything else has none.
    pub(super) fn open(&self) -> Object<'a> {
        Object { members: self.json.members().unwrap_or_default(), place: self.clone() }
    }

    pub(super) fn is_object(&self) -> bool {
        self.json.as_str().starts_with('{')
    }

    pub(super) fn is_list(&self) -> bool {
        self.json.as_str().starts_with('[')
    }

    pub(super) fn is_null(&self) -> bool {
        self.json.as_str() == "null"
    }
}

/// An object, opened once: each time takes as long as the object is.
pub(super) struct Object<'a> {
    pub(super) place: Place<'a>,
    members: Vec<Member<'a>>,
}

impl<'a> Object<'a> {
    /// All members, with their names.
    pub(super) fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Place<'a>)> {
        self.named(|_| true)
    }

    /// Those whose names are meant.
    pub(super) fn named(&self, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = (Cow<'a, str>, Place<'a>)> {
        let named = self.members.iter().map(|member| (name_of(member), member.value));
        named.filter(move |(name, _)| is_meant(name)).map(|(name, value)| {
            let path = &self.place.path;
            let path = if path.is_empty() { name.clone().into_owned() } else { format!("{path}.{name}") };
            (name, self.place.child(value, path))
        })
    }

    /// Each value that is given for a name which is written so.
    pub(super) fn all(&self, name: &str) -> Vec<Place<'a>> {
        self.named(|written| written == name).map(|(_, value)| value).collect()
    }

    /// The last of them: what most readers take.
    pub(super) fn get(&self, name: &str) -> Option<Place<'a>> {
        self.named(|written| written == name).last().map(|(_, value)| value)
    }

    /// The same as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).as_ref().and_then(text_of)
    }
}

/// Most names hold no escape and need no decoding.
fn name_of<'a>(member: &Member<'a>) -> Cow<'a, str> {
    match member.written_name.get(1..member.written_name.len() - 1) {
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        Some(_) | None => Cow::Owned(member.name().to_text().unwrap_or_else(|| "?".to_owned())),
    }
}

/// Whose names a source uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// ECS's own, to the letter.
    Ecs,
    /// `CloudFormation`'s: the same with a capital.
    CloudFormation,
    /// Terraform's. Its provider reads `container_definitions` into Go structs, for which the case of a name counts for
    /// nothing; its resources for daemons, and those of `awscc`, have `linux_parameters` and `mount_point`.
    /// <https://pkg.go.dev/encoding/json#Unmarshal>
    Terraform,
}

impl Names {
    /// Whether a member is the one that ECS calls `name`.
    pub(super) fn are_the_same(self, written: &str, name: &str) -> bool {
        match self {
            Self::Ecs => written == name,
            Self::CloudFormation => {
                written.len() == name.len()
                    && written.starts_with(|first: char| first.is_ascii_uppercase())
                    && written.get(..1).zip(name.get(..1)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
                    && written.get(1..) == name.get(1..)
            }
            Self::Terraform => letters(written).eq(letters(name)),
        }
    }
}

/// Of a name, without its case, its underscores and the s of the plural.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    let singular = name.strip_suffix('s').unwrap_or(name);
    singular.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase())
}

/// A text or a number, as text.
pub(super) fn text_of(place: &Place<'_>) -> Option<String> {
    match place.json.value() {
        Value::Text(text) => text.to_text(),
        Value::Number(number) => Some(number.to_owned()),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => None,
    }
}
