//! What a value of a template comes to, as far as the template says: `CloudFormation`'s functions are not computed, and
//! what depends on a parameter or a condition is left open.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use std::borrow::Cow;
use std::collections::BTreeMap;

use ecs_privileged_guard::domain::json::{Json, Value};

use super::place::{Place, text_of};

/// Nobody nests conditions as deep; what does would use up the stack.
const DEPTH_MAX: usize = 50;

/// The parameters of a template, and what those that can be true or false are by default.
pub(super) type Parameters = BTreeMap<String, Option<bool>>;

/// What a value can come to.
pub(super) enum Comes<'a> {
    /// To this.
    To(Place<'a>),
    /// To nothing: as if the member were not there.
    ToNothing,
    /// Nobody knows, for this reason.
    ToUnknown(String),
}

/// Each thing that a value can come to: several, where conditions decide.
pub(super) fn outcomes<'a>(place: &Place<'a>, parameters: &Parameters) -> Vec<Comes<'a>> {
    let mut outcomes = Vec::new();
    collect(place, parameters, 0, &mut outcomes);
    outcomes
}

fn collect<'a>(place: &Place<'a>, parameters: &Parameters, depth: usize, into: &mut Vec<Comes<'a>>) {
    if place.is_null() {
        return into.push(Comes::ToNothing);
    }
    let Some((name, argument)) = function(place) else {
        return into.push(Comes::To(place.clone()));
    };
    match (&*name, argument.elements().as_slice()) {
        ("Ref", _) if argument.json.text().as_deref() == Some("AWS::NoValue") => into.push(Comes::ToNothing),
        ("Fn::If", [_, yes, no]) if depth < DEPTH_MAX => {
            collect(yes, parameters, depth + 1, into);
            collect(no, parameters, depth + 1, into);
        }
        _ => into.push(Comes::ToUnknown(reason(&name, &argument, parameters))),
    }
}

/// Why a value is open that is a function, in words.
pub(super) fn why(place: &Place<'_>, parameters: &Parameters) -> Option<String> {
    function(place).map(|(name, argument)| reason(&name, &argument, parameters))
}

fn reason(name: &str, argument: &Place<'_>, parameters: &Parameters) -> String {
    let named = argument.json.text();
    match (name, named, argument.elements().first().and_then(text_of)) {
        ("Ref", Some(name), _) => match parameters.get(&name) {
            Some(Some(default)) => format!("depends on the parameter {name}, which is {default} by default"),
            Some(None) => format!("depends on the parameter {name}"),
            None => format!("depends on {name}"),
        },
        ("Fn::If", _, Some(condition)) => format!("depends on the condition {condition}"),
        _ => format!("depends on {name}"),
    }
}

/// The name and the argument of a function: an object with that one member.
fn function<'a>(place: &Place<'a>) -> Option<(Cow<'a, str>, Place<'a>)> {
    if !place.is_object() {
        return None;
    }
    let object = place.open();
    let mut members = object.members();
    match (members.next(), members.next()) {
        (Some((name, argument)), None) if name == "Ref" || name.starts_with("Fn::") => Some((name, argument)),
        _ => None,
    }
}

/// `CloudFormation` takes the texts too: <https://awholenother.com/2020/06/20/boolean-parameters-in-cloudformation.html>.
pub(super) fn truth(json: Json<'_>) -> Option<bool> {
    match json.value() {
        Value::Bool(value) => Some(value),
        Value::Text(text) => match text.to_text()?.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::List(_) | Value::Object(_) => None,
    }
}
