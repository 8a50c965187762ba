//! A file as JSON, whatever it was written in, and where in the file each value of it stands.

use ecs_privileged_guard::domain::json::{Json, Malformed};

use super::files::Called;
use super::position::{Position, Walker};
use super::yaml::{self, YamlError};
use crate::input::{self, TextError};

/// Why a file has no documents.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// What `terraform plan -out` writes, and every archive.
    #[error("it is a zip archive")]
    Zip,
    /// No text at all.
    #[error(transparent)]
    Text(TextError),
    /// JSON that is broken.
    #[error("not JSON ({0})")]
    Json(Position),
    /// YAML that is broken.
    #[error(transparent)]
    Yaml(YamlError),
}

impl DocumentError {
    /// Where in the file.
    pub(super) fn position(&self) -> Option<Position> {
        match self {
            Self::Json(at) => Some(*at),
            Self::Yaml(YamlError::Malformed { at, .. } | YamlError::Deep(at)) => Some(*at),
            Self::Yaml(YamlError::Long | YamlError::Expanding) | Self::Zip | Self::Text(_) => None,
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Zip => Some("a plan that Terraform saved is read from terraform show -json FILE"),
            Self::Text(error) => error.hint(),
            Self::Json(_) | Self::Yaml(_) => None,
        }
    }
}

/// What was read of a file. Documents borrow from it.
pub(super) enum Texts<'a> {
    Json { text: &'a str, root: Json<'a> },
    Yaml(Vec<yaml::Converted>),
}

/// One document of a file, as JSON.
pub(super) struct Document<'a> {
    /// The whole of it.
    pub(super) root: Json<'a>,
    origin: Origin<'a>,
}

enum Origin<'a> {
    /// The root is in this text.
    Text(&'a str),
    /// The root was made of something else: where in it each value begins, in order, and where that stood.
    Places(&'a [(usize, Position)]),
}

/// The text of a file, without its mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, DocumentError> {
    match bytes.starts_with(b"PK\x03\x04") {
        true => Err(DocumentError::Zip),
        false => input::text_of(bytes).map_err(DocumentError::Text),
    }
}

impl<'a> Texts<'a> {
    /// JSON is known by how it begins, since it can come from a pipe. What is not quite JSON can still be YAML.
    pub(super) fn read(text: &'a str, called: Called) -> Result<Self, DocumentError> {
        let as_yaml = || yaml::read(text).map(Self::Yaml).map_err(DocumentError::Yaml);
        if !text.trim_start().starts_with(['{', '[']) {
            return as_yaml();
        }
        match (Json::parse(text), called) {
            (Ok(root), _) => Ok(Self::Json { text, root }),
            (Err(_), Called::Yaml) => as_yaml(),
            (Err(at), Called::Json) => Err(DocumentError::Json(in_characters(text, at))),
            (Err(at), Called::Either) => as_yaml().map_err(|_| DocumentError::Json(in_characters(text, at))),
        }
    }

    /// Each of them.
    pub(super) fn documents(&self) -> Vec<Document<'_>> {
        match self {
            Self::Json { text, root } => vec![Document { root: *root, origin: Origin::Text(text) }],
            Self::Yaml(all) => {
                // What was written as JSON here is JSON.
                let roots = all.iter().filter_map(|one| Some((Json::parse(&one.json).ok()?, &one.places)));
                roots.map(|(root, places)| Document { root, origin: Origin::Places(places) }).collect()
            }
        }
    }
}

/// `serde_json` counts bytes.
fn in_characters(text: &str, at: Malformed) -> Position {
    let line = text.split('\n').nth(at.line.saturating_sub(1)).unwrap_or_default();
    let before = line.get(..at.column.saturating_sub(1)).map_or(at.column, |before| before.chars().count() + 1);
    Position { line: at.line, column: before.max(1) }
}

impl Document<'_> {
    /// Where in the file the values stand that begin at these bytes of the root, which come in order.
    pub(super) fn positions(&self, bytes: impl Iterator<Item = usize>) -> Vec<Position> {
        match self.origin {
            Origin::Places(places) => bytes.map(|byte| place_of(places, byte)).collect(),
            Origin::Text(text) => {
                let begin = text.len() - text.trim_start().len();
                let mut walker = Walker::new(text);
                bytes.map(|byte| walker.go_to(begin + byte)).collect()
            }
        }
    }
}

fn place_of(places: &[(usize, Position)], byte: usize) -> Position {
    let after = places.partition_point(|(begin, _)| *begin <= byte);
    places[..after].last().map_or(Position { line: 1, column: 1 }, |(_, position)| *position)
}
