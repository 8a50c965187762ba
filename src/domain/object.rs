//! An object in a document that a person or AWS wrote, and where it stands: a member that decides must be clear, and what
//! is wrong with it is said by its path, never by what stands there.

use super::json::{Json, Malformed, Member, Text, Value};

/// Why a document cannot be used. Says what is wrong and at which member, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The text is not JSON.
    #[error("the document is {0}")]
    Malformed(Malformed),
    /// A member that must be there is not, or is `null`.
    #[error("{path} is missing")]
    Missing {
        /// Which member.
        path: String,
    },
    /// A member is not what it must be.
    #[error("{path} is not {expected}")]
    Unexpected {
        /// Which member.
        path: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A member is there twice, so that readers can disagree about its value.
    #[error("{path} is given twice")]
    Twice {
        /// Which member.
        path: String,
    },
}

/// An object and where it stands, for errors.
#[derive(Default)]
pub(super) struct Object<'a> {
    pub(super) path: String,
    pub(super) members: Vec<Member<'a>>,
}

impl<'a> Object<'a> {
    pub(super) fn of(path: &str, json: Json<'a>) -> Result<Self, DocumentError> {
        let path = path.to_owned();
        match json.members() {
            Some(members) => Ok(Self { path, members }),
            None if path.is_empty() => {
                Err(DocumentError::Unexpected { path: "the document".into(), expected: "an object" })
            }
            None => Err(DocumentError::Unexpected { path, expected: "an object" }),
        }
    }

    pub(super) fn at(&self, name: &str) -> String {
        match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        }
    }

    pub(super) fn missing(&self, name: &str) -> DocumentError {
        DocumentError::Missing { path: self.at(name) }
    }

    pub(super) fn unexpected(&self, name: &str, expected: &'static str) -> DocumentError {
        DocumentError::Unexpected { path: self.at(name), expected }
    }

    /// Every value that is given for `name`.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = Json<'a>> {
        self.members.iter().filter(move |member| member.is(name)).map(|member| member.value)
    }

    /// The one value of `name`; `null` is none.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Json<'a>>, DocumentError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(DocumentError::Twice { path: self.at(name) }),
            (value, None) => Ok(value.filter(|value| !matches!(value.value(), Value::Null))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<Json<'a>, DocumentError> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<Text>, DocumentError> {
        match self.optional(name)?.map(Json::value) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_)) => {
                Err(self.unexpected(name, "a text"))
            }
        }
    }

    pub(super) fn required_text(&self, name: &str) -> Result<String, DocumentError> {
        let text = self.required(name)?.text();
        text.ok_or_else(|| self.unexpected(name, "a text"))
    }

    // What follows is for what is only shown: what is odd is left out, and never stops the remedy. Of a member that is
    // given twice the last counts, as in most readers.

    pub(super) fn shown_text(&self, name: &str) -> Option<String> {
        self.all(name).last().and_then(Json::text)
    }

    pub(super) fn shown_texts(&self, name: &str) -> Vec<String> {
        let elements = self.all(name).last().and_then(Json::elements).unwrap_or_default();
        elements.into_iter().filter_map(Json::text).collect()
    }

    pub(super) fn shown_object(&self, name: &str) -> Object<'a> {
        self.all(name).last().and_then(|json| Self::of("", json).ok()).unwrap_or_default()
    }

    pub(super) fn shown_objects(&self, name: &str) -> Vec<Object<'a>> {
        let elements = self.all(name).last().and_then(Json::elements).unwrap_or_default();
        elements.into_iter().filter_map(|json| Self::of("", json).ok()).collect()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.all(name).last().is_some_and(|json| json.as_str() == "true")
    }
}
