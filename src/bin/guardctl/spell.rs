//! JSON that lies where others can write, for a program that may show it: what is invisible in a text is spelled out.

use ecs_privileged_guard::domain::escape;
use serde_json::Value;

/// Every text in it, names included.
pub(crate) fn spell(value: &mut Value) {
    match value {
        Value::String(text) => *text = escape::unicode(text),
        Value::Array(values) => values.iter_mut().for_each(spell),
        Value::Object(members) => {
            let spelled = std::mem::take(members).into_iter().map(|(name, mut value)| {
                spell(&mut value);
                (escape::unicode(&name), value)
            });
            *members = spelled.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
