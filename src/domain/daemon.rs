//! A daemon task definition: which of its containers are privileged. It is never copied, so nothing else is read.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemonTaskDefinition.html>

use std::collections::BTreeSet;

use super::document::DocumentError;
use super::json::{Json, Value};

/// The names of the privileged containers in an answer of `DescribeDaemonTaskDefinition`.
///
/// # Errors
/// When a container has no name, or a `privileged` that is neither true, false nor null.
pub fn privileged_containers(answer: &str) -> Result<Vec<String>, DocumentError> {
    let answer = Json::parse(answer).map_err(DocumentError::Malformed)?;
    let definition = member(answer, "daemonTaskDefinition").next().ok_or_else(malformed)?;
    let list = member(definition, "containerDefinitions").next().and_then(Json::elements).ok_or_else(malformed)?;
    let (mut privileged, mut known) = (Vec::new(), BTreeSet::new());
    for container in list {
        let name = member(container, "name").next().and_then(Json::text).ok_or_else(malformed)?;
        for value in member(container, "privileged") {
            match value.value() {
                Value::Bool(false) | Value::Null => {}
                Value::Bool(true) if known.contains(&name) => {}
                Value::Bool(true) => {
                    known.insert(name.clone());
                    privileged.push(name.clone());
                }
                Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => return Err(malformed()),
            }
        }
    }
    Ok(privileged)
}

fn malformed() -> DocumentError {
    let path = "daemonTaskDefinition.containerDefinitions".to_owned();
    DocumentError::Unexpected { path, expected: "a list of containers with a name and a clear privileged" }
}

fn member<'a>(object: Json<'a>, name: &'static str) -> impl Iterator<Item = Json<'a>> {
    let members = object.members().unwrap_or_default().into_iter();
    members.filter(move |member| member.is(name)).map(|member| member.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileged_containers_are_named_and_what_is_odd_is_an_error() {
        let of = |containers: &str| {
            privileged_containers(&format!(r#"{{"daemonTaskDefinition":{{"containerDefinitions":{containers}}}}}"#))
        };
        let two = r#"[{"name":"a","privileged":true},{"name":"b","privileged":null},{"name":"c"}]"#;
        assert_eq!(of(two), Ok(vec!["a".to_owned()]));
        let twice = r#"[{"name":"a","privileged":true},{"name":"a","privileged":true}]"#;
        assert_eq!(of(twice), Ok(vec!["a".to_owned()]));
        for odd in [r#"[{"privileged":true}]"#, r#"[{"name":"a","privileged":"true"}]"#, "{}", "null"] {
            assert_eq!(of(odd), Err(malformed()), "{odd}");
        }
        assert_eq!(privileged_containers("{}"), Err(malformed()));
    }
}
