//! Whether two registrations mean the same, and if not, where they differ: paths of members, never values.
//! It compares descriptions, so it need not know how ECS rewrites what it is sent; it does not say which side is right.
//!
//! The rules (design, "Meaning"): objects have no order; lists of objects are sets, `environmentFiles` excepted; lists
//! of texts are in order, except those that ECS treats as sets; absent equals the member's empty or documented default
//! value. Numbers are compared by their exact value, texts as decoded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::document::RegisterInput;
use super::json::{Json, Text, Value};
use super::members::{Kind, Member, REGISTER_INPUT};

/// Whether tags take part: they change after registration, so recognising a copy and checking a backup leave them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// They take part.
    Compared,
    /// They do not.
    LeftOut,
}

/// Where two registrations differ, like `containerDefinitions[web].environment`. Holds names of ECS's members and of
/// containers only: it ends above names that a customer chose, like those of labels and of log options.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberPath(String);

impl MemberPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where `a` and `b` differ in meaning: sorted, each path once, none when they mean the same.
#[must_use]
pub fn differences(a: &RegisterInput, b: &RegisterInput, tags: Tags) -> Vec<MemberPath> {
    let mut paths = BTreeSet::new();
    match (document(a), document(b)) {
        (Meaning::Object(mut a), Meaning::Object(mut b)) => {
            if tags == Tags::LeftOut {
                a.retain(|name, _| !name.is("tags"));
                b.retain(|name, _| !name.is("tags"));
            }
            compare(&a, &b, REGISTER_INPUT, "", &mut paths);
        }
        // A register input is an object.
        _ => {
            paths.insert(MemberPath("?".to_owned()));
        }
    }
    paths.into_iter().collect()
}

/// Values nested deeper than this are compared as they are written, which may only find too many differences.
/// ECS's own members end at depth 7.
const DEPTH_MAX: usize = 100;

/// A value without what does not matter: equal meanings are equal values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Meaning>),
    Object(Members),
    /// As written, because it is too deep.
    Written(String),
}

/// By name; more than one value where a name is given more than once.
type Members = BTreeMap<Text, Vec<Meaning>>;

/// A decimal number by its value: `±0.digits × 10^exponent`, without zeros at either end of the digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Number {
    Exact {
        negative: bool,
        digits: String,
        exponent: i64,
    },
    /// As written: its exponent is out of all proportion.
    Written(String),
}

fn document(input: &RegisterInput) -> Meaning {
    match Json::parse(input.as_str()) {
        Ok(json) => Meaning::of(json, &What::Known(Kind::Object(REGISTER_INPUT)), 0),
        Err(_) => Meaning::Null,
    }
}

/// What a value is known to be.
#[derive(Clone, Copy)]
enum What {
    Known(Kind),
    /// A member that ECS gained after this was built, or anything inside of one.
    Unknown,
    /// A value in an object whose names are the customer's.
    Entry,
}

impl Meaning {
    fn of(json: Json<'_>, what: &What, depth: usize) -> Self {
        if depth > DEPTH_MAX {
            return Self::Written(json.as_str().to_owned());
        }
        match json.value() {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(written) => Self::Number(Number::of(written)),
            Value::Text(text) => Self::Text(text),
            Value::List(elements) => Self::of_list(&elements, what, depth),
            Value::Object(members) => {
                let mut object = Members::new();
                for member in members {
                    let name = member.name();
                    let value = Self::of(member.value, &what.member(&name), depth + 1);
                    object.entry(name).or_default().push(value);
                }
                object.retain(|name, values| what.keeps(name, values));
                Self::Object(object)
            }
        }
    }

    fn of_list(elements: &[Json<'_>], what: &What, depth: usize) -> Self {
        let mut list: Vec<Self> = elements.iter().map(|it| Self::of(*it, &what.element(), depth + 1)).collect();
        let objects_only = !list.is_empty() && elements.iter().all(|it| it.as_str().starts_with('{'));
        let (in_order, of_objects) = match what {
            What::Known(Kind::Set) => (false, false),
            What::Known(Kind::Objects(_) | Kind::Containers(_)) => (false, true),
            What::Known(Kind::Sequence(_)) => (true, true),
            What::Known(Kind::Plain | Kind::Object(_) | Kind::Map) | What::Unknown | What::Entry => {
                (!objects_only, objects_only)
            }
        };
        if of_objects {
            // An entry that says nothing is no entry.
            list.retain(|entry| !entry.is_empty());
        }
        if !in_order {
            list.sort();
        }
        Self::List(list)
    }

    /// Whether it says as much as absence.
    fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Object(members) => members.is_empty(),
            Self::Bool(_) | Self::Number(_) | Self::Written(_) => false,
        }
    }
}

impl What {
    fn known(&self, name: &Text) -> Option<&'static Member> {
        match self {
            Self::Known(Kind::Object(members) | Kind::Objects(members) | Kind::Sequence(members)) => {
                members.iter().find(|member| name.is(member.name))
            }
            Self::Known(Kind::Containers(members)) => members.iter().find(|member| name.is(member.name)),
            Self::Known(Kind::Plain | Kind::Set | Kind::Map) | Self::Unknown | Self::Entry => None,
        }
    }

    /// What a member of this object is.
    fn member(&self, name: &Text) -> Self {
        match (self, self.known(name)) {
            (_, Some(member)) => Self::Known(member.kind),
            (Self::Known(Kind::Map) | Self::Entry, None) => Self::Entry,
            (Self::Known(_) | Self::Unknown, None) => Self::Unknown,
        }
    }

    /// What an element of this list is.
    fn element(&self) -> Self {
        match self {
            Self::Known(Kind::Objects(members) | Kind::Sequence(members) | Kind::Containers(members)) => {
                Self::Known(Kind::Object(members))
            }
            Self::Known(Kind::Map) | Self::Entry => Self::Entry,
            Self::Known(Kind::Plain | Kind::Set | Kind::Object(_)) | Self::Unknown => Self::Unknown,
        }
    }

    /// Whether a member of this object says more than its absence would.
    fn keeps(&self, name: &Text, values: &[Meaning]) -> bool {
        if matches!(self, Self::Known(Kind::Map) | Self::Entry) {
            return true;
        }
        let default = self.known(name).and_then(|member| member.default);
        let default = default.map(|json| Meaning::of(json, &Self::Unknown, 0));
        !values.iter().all(|value| value.is_empty() || default.as_ref() == Some(value))
    }
}

impl Number {
    fn of(written: &str) -> Self {
        let (mantissa, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0');
        let leading_zeros = digits.len() - significant.len();
        let significant = significant.trim_end_matches('0');
        if significant.is_empty() {
            return Self::Exact { negative: false, digits: String::new(), exponent: 0 };
        }
        let point = i64::try_from(whole.len()).ok().zip(i64::try_from(leading_zeros).ok());
        let exponent = exponent.parse::<i64>().ok().zip(point);
        match exponent.and_then(|(exponent, (whole, zeros))| exponent.checked_add(whole - zeros)) {
            Some(exponent) => Self::Exact { negative, digits: significant.to_owned(), exponent },
            None => Self::Written(written.to_owned()),
        }
    }
}

fn compare(a: &Members, b: &Members, known: &[Member], path: &str, paths: &mut BTreeSet<MemberPath>) {
    let names: BTreeSet<&Text> = a.keys().chain(b.keys()).filter(|name| a.get(name) != b.get(name)).collect();
    for name in names {
        let member = known.iter().find(|member| name.is(member.name));
        let here = match path {
            "" => shown(name),
            _ => format!("{path}.{}", shown(name)),
        };
        let kind = member.map(|member| member.kind);
        if let (Some(Kind::Object(known)), Some(a), Some(b)) = (kind, object(a, name), object(b, name)) {
            compare(a, b, known, &here, paths);
        } else if let (Some(Kind::Containers(known)), Some(a), Some(b)) = (kind, list(a, name), list(b, name)) {
            containers(a, b, known, &here, paths);
        } else {
            paths.insert(MemberPath(here));
        }
    }
}

fn containers(a: &[Meaning], b: &[Meaning], known: &[Member], path: &str, paths: &mut BTreeSet<MemberPath>) {
    let (a, b) = (by_name(a), by_name(b));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).collect();
    for name in names {
        let here = format!("{path}[{}]", name.as_ref().map_or("?".to_owned(), shown));
        match (a.get(name).map(Vec::as_slice), b.get(name).map(Vec::as_slice)) {
            (Some([Meaning::Object(a)]), Some([Meaning::Object(b)])) => compare(a, b, known, &here, paths),
            _ => {
                paths.insert(MemberPath(here));
            }
        }
    }
}

/// A register input's containers have names that are texts, but two may share one.
fn by_name(containers: &[Meaning]) -> BTreeMap<Option<Text>, Vec<&Meaning>> {
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for container in containers {
        let name = match container {
            Meaning::Object(members) => members.iter().find(|(name, _)| name.is("name")),
            Meaning::Null
            | Meaning::Bool(_)
            | Meaning::Number(_)
            | Meaning::Text(_)
            | Meaning::List(_)
            | Meaning::Written(_) => None,
        };
        let name = match name.map(|(_, values)| values.as_slice()) {
            Some([Meaning::Text(name)]) => Some(name.clone()),
            Some(_) | None => None,
        };
        named.entry(name).or_default().push(container);
    }
    named
}

/// The object that is the one value of `name`; absence is an empty one.
fn object<'a>(members: &'a Members, name: &Text) -> Option<&'a Members> {
    static EMPTY: Members = Members::new();
    match members.get(name).map(Vec::as_slice) {
        None => Some(&EMPTY),
        Some([Meaning::Object(object)]) => Some(object),
        Some(_) => None,
    }
}

/// The list that is the one value of `name`; absence is an empty one.
fn list<'a>(members: &'a Members, name: &Text) -> Option<&'a [Meaning]> {
    match members.get(name).map(Vec::as_slice) {
        None => Some(&[]),
        Some([Meaning::List(list)]) => Some(list),
        Some(_) => None,
    }
}

/// A name, if it is of the letters that ECS allows for containers and uses for members; else `?`.
pub(super) fn shown(name: &Text) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let name = name.to_text().filter(|name| (1..=255).contains(&name.len()) && name.bytes().all(plain));
    name.unwrap_or_else(|| "?".to_owned())
}

#[cfg(test)]
mod tests;
