//! What a definition means, as a text that is equal for equal meanings. The product's comparison is not used: this is
//! a second opinion.

use serde_json::{Map, Value};

/// Lists of texts that ECS treats as sets.
const SETS_OF_TEXTS: [&str; 3] = ["requiresCompatibilities", "add", "drop"];
/// Lists of objects whose order counts.
const ORDERED: [&str; 1] = ["environmentFiles"];
/// Values that mean the same as nothing, beside null, false, 0 and what is empty.
fn is_default(name: &str, value: &Value) -> bool {
    name == "essential" && *value == true || name == "protocol" && *value == "tcp"
}

/// The meaning of a registration's text; tags are left out, since they change later.
pub(super) fn of_text(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut members)) => {
            members.remove("tags");
            of(&Value::Object(members)).to_string()
        }
        _ => format!("no definition: {text}"),
    }
}

/// The same of what the definition would be without privilege.
pub(crate) fn unprivileged(text: &str) -> String {
    // A default like any other: what is false is left out.
    of_text(text).replace(r#""privileged":true,"#, "").replace(r#","privileged":true"#, "")
}

fn of(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter_map(|(name, value)| {
                let value = of_member(name, value);
                (!is_default(name, &value) && !is_nothing(&value)).then(|| (name.clone(), value))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(of).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn of_member(name: &str, value: &Value) -> Value {
    let Value::Array(elements) = of(value) else { return of(value) };
    let is_set = elements.iter().all(Value::is_object) && !ORDERED.contains(&name) || SETS_OF_TEXTS.contains(&name);
    let mut elements = elements;
    if is_set {
        elements.sort_by_key(Value::to_string);
    }
    Value::Array(elements)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[test]
fn what_ecs_shows_otherwise_means_the_same() {
    let sent = r#"{"family":"web","containerDefinitions":[{"name":"a","privileged":true,"command":["x","y"]},{"name":"b"}],"tags":[]}"#;
    let shown = r#"{"containerDefinitions":[{"essential":true,"name":"b","cpu":0},{"command":["x","y"],"privileged":true,"mountPoints":[],"name":"a"}],"volumes":[],"family":"web"}"#;
    assert_eq!(of_text(sent), of_text(shown));
    assert_eq!(unprivileged(sent), of_text(&sent.replace("true", "false")));
    for (from, to) in [(r#""x","y""#, r#""y","x""#), ("\"b\"", "\"c\""), ("true", "false")] {
        assert_ne!(of_text(sent), of_text(&shown.replace(from, to)), "{to}");
    }
}
