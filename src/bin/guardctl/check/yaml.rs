//! YAML as JSON text with a table of where each value stood, so that all that follows knows one form only. A tag of
//! CloudFormation's short form becomes its long form (`!Ref X` -> `{"Ref": "X"}`).
//!
//! CloudFormation reads YAML 1.1, in which `yes` and `on` are true (but not `y`):
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>,
//! <https://ljmc.bearblog.dev/yaml-booleans-in-cloudformation-templates/>. It refuses aliases, but `aws cloudformation
//! package` resolves them and merge keys before: <https://github.com/aws/aws-cli/pull/3827>.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::position::Position;

/// No template is nested as deep; what is would use up the stack.
const DEPTH_MAX: usize = 200;
/// A template may have 1 MB, a task definition 64 KB:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>. Read, YAML takes many
/// times its length.
const LENGTH_MAX: usize = 8 << 20;
/// How long it may become as JSON: an alias can repeat a long text.
const JSON_LENGTH_MAX: usize = 64 << 20;
/// How many values aliases may add: a few lines of YAML can mean billions.
const ALIASED_MAX: usize = 1_000_000;

/// Why it cannot be read. The parser's messages quote nothing but single characters.
#[derive(Debug, thiserror::Error)]
pub(super) enum YamlError {
    /// Not YAML.
    #[error("not YAML: {info} ({at})")]
    Malformed {
        /// What the parser says.
        info: String,
        /// Where it gave up.
        at: Position,
    },
    /// Nested deeper than anything meant.
    #[error("nested deeper than {DEPTH_MAX} levels ({0})")]
    Deep(Position),
    /// Longer than anything AWS takes.
    #[error("YAML of more than {LENGTH_MAX} bytes, which is more than AWS takes")]
    Long,
    /// Aliases that mean more than is there.
    #[error("its aliases stand for more than {ALIASED_MAX} values or {JSON_LENGTH_MAX} bytes")]
    Expanding,
}

/// One document of a YAML file.
pub(super) struct Converted {
    /// The same as JSON.
    pub(super) json: String,
    /// Where in the JSON each value begins, in order, and where it stood in the YAML.
    pub(super) places: Vec<(usize, Position)>,
}

/// Reads each document of a file.
pub(super) fn read(text: &str) -> Result<Vec<Converted>, YamlError> {
    if text.len() > LENGTH_MAX {
        return Err(YamlError::Long);
    }
    let mut parser = Parser::new_from_str(text);
    let mut converted = Vec::new();
    let mut document = Document::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| malformed(&error))?;
        if event == Event::DocumentEnd {
            converted.push(document.write()?);
            document = Document::default();
        } else {
            document.take(event, span);
        }
    }
    Ok(converted)
}

fn malformed(error: &ScanError) -> YamlError {
    let at = Position { line: error.marker().line(), column: error.marker().col() + 1 };
    YamlError::Malformed { info: error.info().to_owned(), at }
}

struct Node<'a> {
    at: Position,
    /// The name of a short form, like `Ref`.
    function: Option<String>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// Whether it means what YAML takes it for, and not only its letters.
    Scalar {
        text: Cow<'a, str>,
        is_plain: bool,
    },
    List(Vec<usize>),
    /// Names and values.
    Map(Vec<(usize, usize)>),
}

/// The nodes of a document, each of them once: an alias is the number of its node.
#[derive(Default)]
struct Document<'a> {
    nodes: Vec<Node<'a>>,
    anchors: HashMap<usize, usize>,
    open: Vec<Open>,
    root: Option<usize>,
}

/// A list or a map whose end has not come.
struct Open {
    node: usize,
    /// In a map: the name that waits for its value.
    name: Option<usize>,
}

impl<'a> Document<'a> {
    fn take(&mut self, event: Event<'a>, span: Span) {
        let at = Position { line: span.start.line(), column: span.start.col() + 1 };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                let is_plain = match tag.filter(|tag| tag.is_yaml_core_schema()) {
                    Some(tag) => tag.suffix != "str",
                    None => style == ScalarStyle::Plain,
                };
                self.add(at, anchor, tag, Kind::Scalar { text, is_plain });
            }
            Event::SequenceStart(anchor, tag) => self.begin(at, anchor, tag.as_deref(), Kind::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.begin(at, anchor, tag.as_deref(), Kind::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => _ = self.open.pop(),
            // The parser has refused an anchor that is not known.
            Event::Alias(anchor) => {
                if let Some(node) = self.anchors.get(&anchor) {
                    self.put(*node);
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }

    fn begin(&mut self, at: Position, anchor: usize, tag: Option<&Tag>, kind: Kind<'a>) {
        let node = self.add(at, anchor, tag, kind);
        self.open.push(Open { node, name: None });
    }

    fn add(&mut self, at: Position, anchor: usize, tag: Option<&Tag>, kind: Kind<'a>) -> usize {
        let function = tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty()).map(|tag| tag.suffix.clone());
        let node = self.nodes.len();
        self.nodes.push(Node { at, function, kind });
        if anchor > 0 {
            self.anchors.insert(anchor, node);
        }
        self.put(node);
        node
    }

    /// Where it belongs.
    fn put(&mut self, node: usize) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut self.nodes[open.node].kind {
            Kind::List(elements) => elements.push(node),
            Kind::Map(members) => match open.name.take() {
                Some(name) => members.push((name, node)),
                None => open.name = Some(node),
            },
            Kind::Scalar { .. } => {}
        }
    }

    fn write(&self) -> Result<Converted, YamlError> {
        let mut writer = Writer { document: self, json: String::new(), places: Vec::new(), depth: 0, visited: 0 };
        match self.root {
            Some(root) => writer.node(root)?,
            None => writer.json.push_str("null"),
        }
        Ok(Converted { json: writer.json, places: writer.places })
    }
}

struct Writer<'a> {
    document: &'a Document<'a>,
    json: String,
    places: Vec<(usize, Position)>,
    depth: usize,
    /// How much merging went through: a map that merges the same map twice, and so on, goes through it in vain.
    visited: usize,
}

impl<'a> Writer<'a> {
    fn node(&mut self, index: usize) -> Result<(), YamlError> {
        let node = &self.document.nodes[index];
        if self.places.len() > self.document.nodes.len() + ALIASED_MAX || self.json.len() > JSON_LENGTH_MAX {
            return Err(YamlError::Expanding);
        }
        self.depth += 1;
        // An alias within its own anchor has no end.
        if self.depth > DEPTH_MAX {
            return Err(YamlError::Deep(node.at));
        }
        self.places.push((self.json.len(), node.at));
        if let Some(function) = &node.function {
            let prefix = if function == "Ref" { "" } else { "Fn::" };
            self.json.push('{');
            self.text(&format!("{prefix}{function}"));
            self.json.push(':');
        }
        match &node.kind {
            Kind::Scalar { text, is_plain: true } => self.plain(text),
            Kind::Scalar { text, is_plain: false } => self.text(text),
            Kind::List(elements) => {
                self.json.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.comma(index);
                    self.node(*element)?;
                }
                self.json.push(']');
            }
            Kind::Map(members) => {
                self.json.push('{');
                let merged = self.with_merged(members)?;
                for (index, (name, value)) in merged.into_iter().enumerate() {
                    self.comma(index);
                    self.text(name);
                    self.json.push(':');
                    self.node(value)?;
                }
                self.json.push('}');
            }
        }
        if node.function.is_some() {
            self.json.push('}');
        }
        self.depth -= 1;
        Ok(())
    }

    /// The members of a map, and those of the maps that it merges, as far as it does not say otherwise.
    /// <https://yaml.org/type/merge.html>
    fn with_merged(&mut self, members: &'a [(usize, usize)]) -> Result<Vec<(&'a str, usize)>, YamlError> {
        let (mut own, merges) = self.split(members);
        let mut known: HashSet<&str> = own.iter().map(|(name, _)| *name).collect();
        let mut waiting = merges;
        while let Some(next) = waiting.pop() {
            let node = &self.document.nodes[next];
            self.visited += 1;
            if self.visited > self.document.nodes.len() + ALIASED_MAX {
                return Err(YamlError::Expanding);
            }
            match &node.kind {
                Kind::Map(members) => {
                    let (named, merges) = self.split(members);
                    self.visited += named.len();
                    own.extend(named.into_iter().filter(|(name, _)| known.insert(name)));
                    waiting.extend(merges);
                }
                // The first of them comes first.
                Kind::List(elements) => waiting.extend(elements.iter().rev()),
                Kind::Scalar { .. } => {}
            }
        }
        Ok(own)
    }

    /// What a map names, and what it merges.
    fn split(&self, members: &'a [(usize, usize)]) -> (Vec<(&'a str, usize)>, Vec<usize>) {
        let (mut named, mut merges) = (Vec::new(), Vec::new());
        for (name, value) in members {
            match &self.document.nodes[*name].kind {
                Kind::Scalar { text, is_plain: true } if text == "<<" => merges.push(*value),
                Kind::Scalar { text, .. } => named.push((&**text, *value)),
                // A name that is a list or a map has no meaning to anyone here.
                Kind::List(_) | Kind::Map(_) => named.push(("?", *value)),
            }
        }
        (named, merges)
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.json.push(',');
        }
    }

    fn plain(&mut self, text: &str) {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => self.json.push_str("null"),
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => self.json.push_str("true"),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => self.json.push_str("false"),
            // A number decides nothing here.
            _ => self.text(text),
        }
    }

    fn text(&mut self, text: &str) {
        self.json.push_str(&serde_json::Value::from(text).to_string());
    }
}
