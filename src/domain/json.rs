//! JSON as text: a value is the span that it takes in its document, and is opened one level at a time.
//! It turns nothing into a data model, so nothing can be lost: numbers, escapes, order and double members stay as written.
//!
//! `serde_json` proves the grammar once (its skipping scanner keeps its own stack: depth costs no recursion), and a
//! small scanner splits what is proven. No member name has a meaning to either, `serde_json`'s magic names included.
//! Grammar: <https://www.rfc-editor.org/rfc/rfc8259>.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Not JSON. Says where, not what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON (line {line}, column {column})")]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Malformed {
    /// Where a parser gave up.
    pub(super) fn of(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// What an object of ours says. A list says nothing, though `serde` takes its elements for a struct's members in turn.
///
/// # Errors
/// Where it is not the JSON of such an object.
pub(super) fn object<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    match Json::parse(text)?.as_str().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| Malformed::of(&error)),
        false => Err(Malformed { line: 1, column: 1 }),
    }
}

/// A JSON value as it is written, without the white space around it. It has no `Debug`: it may hold a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// A value, opened one level deep.
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A text, decoded.
    Text(Text),
    /// The elements of a list.
    List(Vec<Json<'a>>),
    /// The members of an object, in order; a name that is given twice is there twice.
    Object(Vec<Member<'a>>),
}

/// One member of an object.
pub struct Member<'a> {
    /// The name as it is written, in its quotes.
    pub written_name: &'a str,
    /// The value.
    pub value: Json<'a>,
}

/// A decoded text, in UTF-16 units: JSON can escape half of a surrogate pair, which a `String` cannot hold.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<u16>);

impl<'a> Json<'a> {
    /// The value that makes up the whole of `text`.
    ///
    /// # Errors
    /// When `text` is not one JSON value.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        serde_json::from_str::<&RawValue>(text).map(|raw| Self(raw.get())).map_err(|error| Malformed::of(&error))
    }

    /// A value that the caller wrote.
    pub(super) const fn written(text: &'static str) -> Self {
        Self(text)
    }

    /// The value as it is written.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Where this value begins in `whole`, of which it is a part.
    #[must_use]
    pub fn offset_in(self, whole: Json<'_>) -> usize {
        self.0.as_ptr().addr().wrapping_sub(whole.0.as_ptr().addr())
    }

    /// Opens the value by one level.
    #[must_use]
    pub fn value(self) -> Value<'a> {
        match self.0.as_bytes().first() {
            Some(b'{') => Value::Object(members(self.0)),
            Some(b'[') => Value::List(Parts::of(self.0).map(Json).collect()),
            Some(b'"') => Value::Text(Text::decode(self.0)),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') | None => Value::Null,
            Some(_) => Value::Number(self.0),
        }
    }

    /// The text, if it is one that a `String` can hold.
    #[must_use]
    pub fn text(self) -> Option<String> {
        if !self.0.starts_with('"') {
            return None;
        }
        plain(self.0).map_or_else(|| Text::decode(self.0).to_text(), |plain| Some(plain.to_owned()))
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn elements(self) -> Option<Vec<Json<'a>>> {
        match self.value() {
            Value::List(elements) => Some(elements),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Object(_) => None,
        }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn members(self) -> Option<Vec<Member<'a>>> {
        match self.value() {
            Value::Object(members) => Some(members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        }
    }
}

impl Member<'_> {
    /// The name, decoded.
    #[must_use]
    pub fn name(&self) -> Text {
        Text::decode(self.written_name)
    }

    /// Whether the name means this text, however it is written.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        // An escape takes more bytes than what it means: most names differ by their length already.
        let length = self.written_name.len() - 2;
        length >= name.len() && plain(self.written_name).map_or_else(|| self.name().is(name), |plain| plain == name)
    }
}

impl Text {
    /// Whether it is this text.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.iter().copied().eq(text.encode_utf16())
    }

    /// Whether it begins with these ASCII letters and signs, in any case.
    #[must_use]
    pub fn begins_with_ignoring_case(&self, prefix: &str) -> bool {
        let same = |(unit, byte): (&u16, u8)| u8::try_from(*unit).is_ok_and(|unit| unit.eq_ignore_ascii_case(&byte));
        self.0.len() >= prefix.len() && self.0.iter().zip(prefix.bytes()).all(same)
    }

    /// Whether it has no characters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a `String`; `None` when half of a surrogate pair is in it.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        String::from_utf16(&self.0).ok()
    }

    /// From a text as it is written, in its quotes. Its grammar is proven, so odd escapes need no answer.
    fn decode(written: &str) -> Self {
        let mut units = Vec::with_capacity(written.len());
        let mut rest = written[1..written.len() - 1].chars();
        while let Some(character) = rest.next() {
            let meant = match character {
                '\\' => match rest.next().unwrap_or('\\') {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let (digits, after) = rest.as_str().split_at(4);
                        units.push(u16::from_str_radix(digits, 16).unwrap_or_default());
                        rest = after.chars();
                        continue;
                    }
                    itself => itself,
                },
                plain => plain,
            };
            units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
        }
        Self(units)
    }
}

/// What is in the quotes, if it means what it says: most texts hold no escape and need no decoding.
fn plain(written: &str) -> Option<&str> {
    let inner = &written[1..written.len() - 1];
    (!inner.contains('\\')).then_some(inner)
}

/// What stands in a list's or an object's first level: elements, or names and values in turn. The grammar is proven, so
/// whatever is between two of them separates them.
struct Parts<'a>(&'a str);

impl<'a> Parts<'a> {
    /// Of a list or an object as it is written.
    fn of(text: &'a str) -> Self {
        Self(&text[1..text.len() - 1])
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.0.bytes().position(|byte| !is_between(byte))?;
        let (part, rest) = self.0[start..].split_at(length_of_first(&self.0[start..]));
        self.0 = rest;
        Some(part)
    }
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':')
}

/// How long the value is with which `text` begins.
fn length_of_first(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'"') => length_of_text(text),
        Some(b'{' | b'[') => length_of_nested(text),
        // A number or a word ends where the space between begins.
        Some(_) | None => text.bytes().position(is_between).unwrap_or(text.len()),
    }
}

/// The same of a list or an object. What is nested in it is counted, not recursed into.
fn length_of_nested(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += match byte {
            b'"' => length_of_text(&text[at..]),
            _ => 1,
        };
    }
    at
}

/// The same of a text: to the first quote that is not escaped. Quotes are searched for, not
/// stepped to: texts are most of a document.
fn length_of_text(text: &str) -> usize {
    let mut at = 1;
    while let Some(quote) = text[at..].find('"') {
        at += quote + 1;
        let backslashes = text.as_bytes()[..at - 1].iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes % 2 == 0 {
            break;
        }
    }
    at
}

fn members(object: &str) -> Vec<Member<'_>> {
    let mut parts = Parts::of(object);
    let mut members = Vec::new();
    while let (Some(written_name), Some(value)) = (parts.next(), parts.next()) {
        members.push(Member { written_name, value: Json(value) });
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn texts(json: &str) -> Vec<&str> {
        match Json::parse(json).unwrap().value() {
            Value::List(elements) => elements.into_iter().map(Json::as_str).collect(),
            Value::Object(members) => members.into_iter().flat_map(|it| [it.written_name, it.value.as_str()]).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => panic!("a list or an object"),
        }
    }

    #[test]
    fn a_value_opens_into_the_texts_of_its_first_level() {
        for (json, expected) in [
            ("[]", &[][..]),
            (" { } ", &[]),
            ("[1.0,\t-0 ,1e2]", &["1.0", "-0", "1e2"]),
            (r#"[ [1,[2]] , {"a":[3,4]} ]"#, &["[1,[2]]", r#"{"a":[3,4]}"#]),
            (r#"{"a" : 1,"a":2 , "b":{"c":":,"}}"#, &[r#""a""#, "1", r#""a""#, "2", r#""b""#, r#"{"c":":,"}"#]),
            (r#"["\"],[","\\",":,{"]"#, &[r#""\"],[""#, r#""\\""#, r#"":,{""#]),
            (r#"["é😀","\ud800"]"#, &[r#""é😀""#, r#""\ud800""#]),
            (r#"["","\\","\\\\","\\\"","\"\""]"#, &[r#""""#, r#""\\""#, r#""\\\\""#, r#""\\\"""#, r#""\"\"""#]),
            (r#"{"a\\":"\\","\"":["\\\"]"]}"#, &[r#""a\\""#, r#""\\""#, r#""\"""#, r#"["\\\"]"]"#]),
            ("[\r\n\t true\r,\tfalse ,null\n]", &["true", "false", "null"]),
            ("[ [ ] , { } ,[\n[ ]\t] ]", &["[ ]", "{ }", "[\n[ ]\t]"]),
            (r#"[{"a":"}"},["]"],7]"#, &[r#"{"a":"}"}"#, r#"["]"]"#, "7"]),
        ] {
            assert_eq!(texts(json), expected, "{json}");
        }
    }

    #[test]
    fn the_magic_names_of_serde_json_are_names_like_others() {
        for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
            for value in [r#""1""#, r#""{\"privileged\":false}""#, "{}", "7"] {
                let json = format!(r#"{{"{name}":{value}}}"#);
                assert_eq!(texts(&json), [format!("\"{name}\"").as_str(), value]);
                assert_eq!(Json::parse(&json).unwrap().as_str(), json);
            }
        }
    }

    #[test]
    fn texts_are_decoded_to_utf_16_so_that_half_a_pair_is_a_text_too() {
        for (written, text) in [
            (r#""""#, ""),
            (r#""plain""#, "plain"),
            (r#""\"\\\/\b\f\n\r\t\u00e9\u00E9""#, "\"\\/\u{8}\u{c}\n\r\téé"),
            (r#""\ud83d\ude00😀""#, "😀😀"),
            (r#""\"""#, "\""),
            (r#""\\\"""#, "\\\""),
        ] {
            assert!(Text::decode(written).is(text), "{written}");
            assert_eq!(Json::parse(written).unwrap().text().as_deref(), Some(text));
        }
        assert!(Text::decode(r#""\ud800""#) == Text::decode(r#""\uD800""#));
        assert!(Text::decode(r#""\ud800""#) != Text::decode(r#""\ud801""#));
        assert_eq!(Text::decode(r#""\ud800""#).to_text(), None);
    }

    #[test]
    fn a_members_name_is_what_it_means() {
        let is = |written: &str, name: &str| {
            let json = format!("{{{written}:0}}");
            Json::parse(&json).unwrap().members().unwrap()[0].is(name)
        };
        for (written, name) in [
            (r#""privileged""#, "privileged"),
            (r#""\u0070rivileged""#, "privileged"),
            (r#""privilege\u0064""#, "privileged"),
            (r#""""#, ""),
            (r#""\\""#, "\\"),
            (r#""\/""#, "/"),
            (r#""é\ud83d\ude00""#, "é😀"),
        ] {
            assert!(is(written, name), "{written}");
        }
        for (written, name) in [
            (r#""Privileged""#, "privileged"),
            (r#""privileged ""#, "privileged"),
            (r#""privilege""#, "privileged"),
            (r#""\u0070""#, r"\u0070"),
            (r#""\\n""#, "\n"),
            (r#""\ud800""#, "\u{fffd}"),
        ] {
            assert!(!is(written, name), "{written}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Json::parse(&deep).unwrap().elements().unwrap().len(), 1);
        let deep = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
        assert_eq!(Json::parse(&deep).unwrap().members().unwrap().len(), 1);
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn what_is_not_one_json_value_is_refused_with_the_place() {
        for json in ["", "{", "[1,]", "{'a':1}", "[01]", "[1] 2", "\"\u{1}\"", r#"["\x"]"#, r#"["\u12"]"#, "nul"] {
            assert!(Json::parse(json).is_err(), "{json}");
        }
        assert_eq!(Json::parse("[\n secret]").err(), Some(Malformed { line: 2, column: 2 }));
    }
}
