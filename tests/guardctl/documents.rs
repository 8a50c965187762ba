//! The same containers in each form in which they can be written: whoever is privileged is found, at its place, and nobody
//! else is.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::shell::Shell;

const DEFINITIONS: u32 = 60;

/// Names and flags: absent, null, false, true.
fn containers() -> impl Strategy<Value = Vec<(String, Option<Value>)>> {
    let flag = prop_oneof![Just(None), Just(Some(Value::Null)), Just(Some(json!(false))), Just(Some(json!(true)))];
    prop::collection::vec(("[a-zA-Z][a-zA-Z0-9_-]{0,12}", flag), 1..6)
}

/// With the members as ECS names them, or as CloudFormation does.
fn definition(number: u32, containers: &[(String, Option<Value>)], is_template: bool) -> Value {
    let named = |name: &str| if is_template { name[..1].to_uppercase() + &name[1..] } else { name.to_owned() };
    let container = |(name, flag): &(String, Option<Value>)| {
        let mut container =
            json!({named("name"): name, named("image"): "{\"}\u{e9}\n", named("command"): ["\"privileged\": true"]});
        if let Some(flag) = flag {
            container[named("privileged")] = flag.clone();
        }
        container
    };
    json!({named("family"): format!("f{number}"), named("containerDefinitions"): containers.iter().map(container).collect::<Vec<_>>()})
}

/// Each form: what its files' names end in, and its text.
fn forms(number: u32, containers: &[(String, Option<Value>)]) -> Vec<(&'static str, String)> {
    let ecs = definition(number, containers, false);
    let template = json!({"Resources": {"Web": {"Type": "AWS::ECS::TaskDefinition", "Properties": definition(number, containers, true)}}});
    let quoted = ecs["containerDefinitions"].to_string();
    let change = json!({"address": "a", "mode": "managed", "type": "aws_ecs_task_definition", "change": {"actions": ["create"],
        "after": {"family": ecs["family"], "container_definitions": quoted}, "after_unknown": {}}});
    let plan = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [change]});
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    vec![
        ("input.json", pretty(&ecs)),
        ("described.json", pretty(&json!({"taskDefinition": ecs}))),
        // JSON is YAML too, and a comment makes it no JSON.
        ("input.yaml", format!("# \u{e9}\n{}", pretty(&ecs))),
        ("template.json", pretty(&template)),
        ("template.yaml", format!("---\n{}", pretty(&template))),
        ("line.json", template.to_string()),
        ("plan.json", plan.to_string()),
    ]
}

#[test]
fn who_is_privileged_is_found_in_each_form_and_at_its_place() {
    let shell = Shell::new("documents");
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let mut expected = BTreeSet::new();
    for number in 0..DEFINITIONS {
        let containers = containers().new_tree(&mut runner).unwrap().current();
        for (end, text) in forms(number, &containers) {
            let file = format!("all/{number}.{end}");
            shell.write(&file, &text);
            let privileged = containers.iter().enumerate().filter(|(_, (_, flag))| *flag == Some(json!(true)));
            expected.extend(privileged.map(|(index, (name, _))| (file.clone(), index, name.clone())));
        }
    }
    let said = shell.run("guardctl check -o json all");
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(answer["unread"], json!([]));
    assert_eq!(answer["files"], json!(DEFINITIONS * 7));
    let mut found = BTreeSet::new();
    for finding in answer["findings"].as_array().unwrap() {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        let (file, path) = (text("file"), text("path"));
        let index = path.rsplit_once('[').unwrap().1.split_once(']').unwrap().0.parse().unwrap();
        assert!(path.to_lowercase().ends_with("].privileged") && text("rule") == "privileged", "{finding}");
        found.insert((file.clone(), index, text("container")));

        let number = |name: &str| usize::try_from(finding[name].as_u64().unwrap()).unwrap();
        let source = fs::read_to_string(shell.directory.join(&file)).unwrap();
        let line = source.split('\n').nth(number("line") - 1).unwrap();
        let there: String = line.chars().skip(number("column") - 1).collect();
        // In a plan the containers are a text, which is where they are.
        let begins = if file.ends_with("plan.json") { "\"[{" } else { "true" };
        assert!(there.starts_with(begins), "{finding}: {there}");
    }
    assert!(found.len() > 100, "{}", found.len());
    assert_eq!(found, expected);
}
