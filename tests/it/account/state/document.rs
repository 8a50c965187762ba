//! A JSON object as the ordered text that it is, so that what nobody touches comes back byte for byte.
//! It knows no member by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Members in the order they came, names and values as they were written.
#[derive(Debug, Clone, Default)]
pub struct Document(Vec<(Box<RawValue>, Box<RawValue>)>);

impl Document {
    /// From text, when it is a JSON object.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The value of a member as it was written; the last one of a name that comes twice, as parsers read it.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(known, _)| is(known, name)).map(|(_, value)| &**value)
    }

    /// A member read as a value of that type; absent when it is not one.
    pub fn read<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.read(name)
    }

    /// A member that is a list, each element as it was written.
    pub fn list(&self, name: &str) -> Option<Vec<Box<RawValue>>> {
        self.read(name)
    }

    /// All members that are texts; nothing when a name comes twice.
    pub fn texts(&self) -> Option<BTreeMap<String, String>> {
        let mut names = BTreeSet::new();
        let mut texts = BTreeMap::new();
        for (name, value) in &self.0 {
            let name: String = serde_json::from_str(name.get()).ok()?;
            if let Ok(text) = serde_json::from_str(value.get()) {
                texts.insert(name.clone(), text);
            }
            if !names.insert(name) {
                return None;
            }
        }
        Some(texts)
    }

    /// Replaces a member where it stands, or adds it at the end.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().rev().find(|(known, _)| is(known, name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((quoted(name), value)),
        }
    }

    /// Adds a member unless it is there.
    pub fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.set(name, raw(value));
        }
    }

    /// Takes a member out, as often as it is there.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !is(known, name));
    }

    /// The object's text.
    pub fn to_json(&self) -> String {
        let members: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}:{}", name.get(), value.get())).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The object as a value.
    pub fn to_raw(&self) -> Box<RawValue> {
        raw(self.to_json())
    }
}

/// Names may be written with escapes; one that is no text at all, like a lone surrogate, equals nothing.
fn is(name: &RawValue, wanted: &str) -> bool {
    serde_json::from_str::<String>(name.get()).is_ok_and(|name| name == wanted)
}

/// JSON that we wrote ourselves, as a value.
pub fn raw(json: impl Into<String>) -> Box<RawValue> {
    RawValue::from_string(json.into()).expect("the account writes JSON")
}

/// A text as a JSON value.
pub fn quoted(text: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(text).expect("a text is JSON")
}

/// A list of values.
pub fn array<'a>(elements: impl IntoIterator<Item = &'a Box<RawValue>>) -> Box<RawValue> {
    let elements: Vec<&str> = elements.into_iter().map(|element| element.get()).collect();
    raw(format!("[{}]", elements.join(",")))
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Document(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
