//! Random texts through every door: arbitrary bytes, arbitrary JSON, and what is nearly good. None may stop a reader; what
//! each reader promises of what it takes, and of its errors, is checked by the reader itself.

use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

use super::bad_inputs::files;
use super::big_inputs::{MILLISECONDS_MAX, milliseconds};
use super::figures::one_more;
use super::readers::{CANARY, READERS, Reader};

/// Good and bad texts of each reader, in the order of [`READERS`].
static CORPUS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |reader: &Reader| {
        let folders = [root.join("tests/fuzz/seeds").join(reader.name), root.join("tests/bad").join(reader.name)];
        let events = Some(root.join("events")).filter(|_| reader.name == "event");
        let folders = folders.into_iter().filter(|folder| folder.exists()).chain(events);
        let texts = folders.flat_map(|folder| files(&folder).into_values());
        texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    };
    READERS.iter().map(of).collect()
});

/// Values that stand where another type is expected.
const ODD: [&str; 22] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "1.0",
    "1e2",
    "1e999",
    "2147483648",
    "18446744073709551616",
    "\"\"",
    "\"CANARY\"",
    "\"2026-11-24T08:00:00\"",
    "\"2026-11-24T08:00:00Z\"",
    r#""\ud800""#,
    "[]",
    "[null]",
    "{}",
    r#"{"$serde_json::private::RawValue":"true"}"#,
];

/// Parts that lead a reader deeper than letters do.
const PARTS: [&str; 20] = [
    "\"privileged\":true",
    "\"name\":\"a\"",
    "\"containerDefinitions\":[",
    "\"taskDefinition\":{",
    "\"schemaVersion\":1",
    "\"containers\":[\"a\"]",
    "\"tags\":[{\"key\":\"CANARY\"}]",
    "\"at\":\"2026-11-24T08:00:00Z\"",
    "arn:aws:ecs:us-east-1:012345678912:",
    "task-definition/web:12",
    "service/prod/web",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\u{feff}",
];

fn read(reader: &Reader, text: &str) {
    let began = milliseconds();
    let _ = reader.answer(text);
    assert!(milliseconds() - began <= MILLISECONDS_MAX, "{}: {text:.200}", reader.name);
    one_more("bad inputs tried/random");
}

/// Any JSON, with names that mean something to one reader or another.
fn json() -> impl Strategy<Value = Value> {
    let names: Vec<String> = CORPUS.iter().flatten().flat_map(|text| names(text)).collect();
    let odd: Vec<Value> = ODD.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let leaf = prop_oneof![select(odd), any::<f64>().prop_map(Value::from), ".{0,12}".prop_map(Value::from)];
    let name = prop_oneof![8 => select(names), 1 => ".{0,6}"];
    leaf.prop_recursive(6, 40, 6, move |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => vec((name.clone(), inner), 0..6).prop_map(|members| Map::from_iter(members).into()),
        ]
    })
}

fn names(text: &str) -> Vec<String> {
    fn gather(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                into.push(name.clone());
                gather(value, into);
            }),
            Value::Array(elements) => elements.iter().for_each(|element| gather(element, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut names = Vec::new();
    gather(&serde_json::from_str(text).unwrap_or_default(), &mut names);
    names.retain(|name| !name.contains(CANARY));
    names
}

/// One change of a text.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, &'static str),
    Splice(Index, Index, Index),
    Double(Index, Index),
    /// The member of that place is gone.
    Delete(Index),
    Retype(Index, &'static str),
    /// It is given again, before itself.
    Twice(Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), select(PARTS.to_vec())).prop_map(|(at, part)| Change::Insert(at, part)),
        1 => (at(), at(), at()).prop_map(|(at, other, from)| Change::Splice(at, other, from)),
        1 => (at(), at()).prop_map(|(from, to)| Change::Double(from, to)),
        1 => at().prop_map(Change::Delete),
        3 => (at(), select(ODD.to_vec())).prop_map(|(at, odd)| Change::Retype(at, odd)),
        2 => (at(), select(ODD.to_vec())).prop_map(|(at, odd)| Change::Twice(at, odd)),
    ]
}

/// Where the members' names begin: quotes whose text is followed by a colon.
fn members(text: &str) -> Vec<usize> {
    let starts = text.match_indices('"').map(|(at, _)| at);
    starts.filter(|at| text[at + 1..].split_once('"').is_some_and(|(_, rest)| rest.starts_with(':'))).collect()
}

fn changed(text: &str, change: &Change, corpus: &[String]) -> String {
    let bytes = text.as_bytes();
    let place = |at: &Index| at.index(bytes.len() + 1);
    let join = |parts: &[&[u8]]| String::from_utf8_lossy(&parts.concat()).into_owned();
    // What a member is: from its name to the next comma, or to what closes its object.
    let member = |at: &Index| {
        let all = members(text);
        let start = *all.get(at.index(all.len().max(1)))?;
        let value = start + text[start..].find(':')? + 1;
        let ends = text[value..].char_indices().scan(0_i32, |depth, (at, c)| {
            *depth += i32::from("[{".contains(c)) - i32::from("]}".contains(c));
            Some((at, c, *depth))
        });
        let mut ends = ends.filter(|(_, c, depth)| *depth < 0 || (*depth == 0 && *c == ','));
        let end = ends.next().map_or(text.len(), |(at, ..)| value + at);
        Some((start, value, end))
    };
    match change {
        Change::Flip(at, byte) => {
            let mut flipped = bytes.to_vec();
            if let Some(place) = flipped.get_mut(at.index(bytes.len().max(1))) {
                *place ^= byte;
            }
            join(&[&flipped])
        }
        Change::Cut(at) => join(&[&bytes[..place(at)]]),
        Change::Insert(at, part) => join(&[&bytes[..place(at)], part.as_bytes(), &bytes[place(at)..]]),
        Change::Splice(at, other, from) => {
            let other = corpus[other.index(corpus.len())].as_bytes();
            join(&[&bytes[..place(at)], &other[from.index(other.len() + 1)..]])
        }
        Change::Double(from, to) => {
            let (from, to) = (place(from).min(place(to)), place(from).max(place(to)));
            join(&[&bytes[..to], &bytes[from..to], &bytes[to..]])
        }
        Change::Delete(at) => member(at).map_or_else(String::new, |(start, _, end)| {
            let rest = text[end..].strip_prefix(',').unwrap_or(&text[end..]);
            format!("{}{rest}", &text[..start])
        }),
        Change::Retype(at, odd) => {
            member(at).map_or_else(String::new, |(_, value, end)| format!("{}{odd}{}", &text[..value], &text[end..]))
        }
        Change::Twice(at, odd) => member(at).map_or_else(String::new, |(start, value, _)| {
            format!("{}{}{odd},{}", &text[..start], &text[start..value], &text[start..])
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_stop_a_reader(bytes in vec(any::<u8>(), 0..200), parts in vec(select(PARTS.to_vec()), 0..12)) {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), parts.concat()] {
            for reader in &READERS {
                read(reader, &text);
            }
        }
    }

    #[test]
    fn no_json_stops_a_reader(json in json()) {
        for reader in &READERS {
            read(reader, &json.to_string());
        }
    }

    #[test]
    fn what_is_nearly_good_stops_no_reader(from in any::<Index>(), changes in vec(change(), 1..4)) {
        for (reader, corpus) in READERS.iter().zip(&*CORPUS) {
            let good = corpus[from.index(corpus.len())].clone();
            let text = changes.iter().fold(good, |text, change| changed(&text, change, corpus));
            read(reader, &text);
        }
    }
}
