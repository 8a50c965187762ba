//! Statements that a role lacks, put together: twenty denials of one action are one statement to paste, with the
//! resources of all.

use serde_json::{Map, Value, json};

use super::super::super::escape::arn;

/// Resources that are written out; more than that is a line that nobody can paste.
const RESOURCES_MAX: usize = 8;

/// A statement without its resources: what is equal in it can be put together.
pub(super) fn without_resources(statement: &str) -> Option<String> {
    let mut members: Map<String, Value> = serde_json::from_str(statement).ok()?;
    members.remove("Resource");
    Some(Value::Object(members).to_string())
}

/// One statement for all of them, and how many resources it leaves out.
pub(super) fn together<'a>(statements: impl Iterator<Item = &'a str>) -> Option<(String, usize)> {
    let parsed: Vec<Map<String, Value>> = statements.filter_map(|text| serde_json::from_str(text).ok()).collect();
    let mut resources: Vec<String> = Vec::new();
    for resource in parsed.iter().filter_map(|members| members.get("Resource")).flat_map(texts) {
        let resource = arn(resource);
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    if resources.iter().any(|resource| resource == "*") {
        resources = vec!["*".to_owned()];
    }
    let left_out = resources.len().saturating_sub(RESOURCES_MAX);
    resources.truncate(RESOURCES_MAX);
    let mut statement = parsed.into_iter().next()?;
    statement.insert(
        "Resource".to_owned(),
        match resources.as_slice() {
            [one] => json!(one),
            many => json!(many),
        },
    );
    Some((Value::Object(statement).to_string(), left_out))
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(action: &str, resource: &Value) -> String {
        json!({ "Effect": "Allow", "Action": action, "Resource": resource }).to_string()
    }

    #[test]
    fn one_action_is_one_statement_with_each_resource_once() {
        let all = [json!("a"), json!(["b", "a"]), json!("c")].map(|resource| statement("x:Y", &resource));
        assert_eq!(
            together(all.iter().map(String::as_str)),
            Some((r#"{"Action":"x:Y","Effect":"Allow","Resource":["a","b","c"]}"#.to_owned(), 0))
        );
        assert_eq!(without_resources(&all[0]), without_resources(&all[1]));
        assert_ne!(without_resources(&all[0]), without_resources(&statement("x:Z", &json!("a"))));
    }

    #[test]
    fn all_is_all_and_too_many_are_counted() {
        let any = [statement("x:Y", &json!("a")), statement("x:Y", &json!("*"))];
        assert_eq!(together(any.iter().map(String::as_str)).unwrap().0, statement("x:Y", &json!("*")));
        let many: Vec<String> = (0..20).map(|number| statement("x:Y", &json!(number.to_string()))).collect();
        assert_eq!(together(many.iter().map(String::as_str)).unwrap().1, 12);
        assert_eq!(together(["garbage"].into_iter()), None);
    }
}
