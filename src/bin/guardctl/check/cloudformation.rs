//! The task definitions of a template of `CloudFormation` or SAM. Nested stacks are files of their own.

use super::finding::Subject;
use super::function::{Parameters, truth};
use super::look::{Found, Reading, look, open};
use super::place::{Names, Object, Place, text_of};

/// Both ways to a privileged container, and whether they are daemons'.
const TYPES: [(&str, bool); 2] = [("AWS::ECS::TaskDefinition", false), ("AWS::ECS::DaemonTaskDefinition", true)];

/// How many loops are followed into one another: without a bound they would use up the stack.
const LOOPS_MAX: usize = 20;

/// Whether it is a template: it has resources.
pub(super) fn is_template(root: &Object<'_>) -> bool {
    root.get("Resources").is_some_and(|resources| resources.is_object())
}

/// Looks at each of its task definitions.
pub(super) fn read(root: &Object<'_>, residual: bool, found: &mut Found) {
    let parameters = parameters(root);
    let reading = Reading { names: Names::CloudFormation, parameters: &parameters, residual };
    for transform in root.all("Transform") {
        let transforms = if transform.is_list() { transform.elements() } else { vec![transform] };
        for transform in &transforms {
            macros(transform, found);
        }
    }
    for resources in root.all("Resources") {
        read_resources(&resources, reading, LOOPS_MAX, found);
    }
}

fn read_resources(resources: &Place<'_>, reading: Reading<'_>, loops: usize, found: &mut Found) {
    for (id, resource) in resources.open().members() {
        // [variable, values, resources]: what it makes more of is looked at as it is written.
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
        if id.starts_with("Fn::ForEach::") {
            match resource.elements().get(2) {
                Some(pattern) if loops > 0 => read_resources(pattern, reading, loops - 1, found),
                Some(_) | None => open_template(&resource, &format!("depends on {id}"), found),
            }
            continue;
        }
        if id.starts_with("Fn::") {
            open_template(&resource, &format!("depends on what {id} brings"), found);
            continue;
        }
        read_resource(id.into_owned(), &resource.open(), reading, found);
    }
}

fn read_resource(id: String, resource: &Object<'_>, reading: Reading<'_>, found: &mut Found) {
    let kind = resource.text("Type");
    let ours = TYPES.iter().find(|(name, _)| kind.as_deref() == Some(name));
    let of = Subject { id: Some(id), family: None, is_daemon: ours.is_some_and(|(_, is_daemon)| *is_daemon) };
    // What it makes is in the registry of an account.
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-moduleversion.html
    if let Some(module) = kind.as_deref().filter(|kind| kind.ends_with("::MODULE")) {
        return open(of, &resource.place, &format!("depends on the module {module}"), found);
    }
    // Beside a type of somebody else's nothing is brought that would be ours.
    if ours.is_some() || kind.is_none() {
        for (name, included) in resource.named(|name| name.starts_with("Fn::")) {
            open(of.clone(), &included, &format!("depends on what {name} brings"), found);
        }
    }
    if let Some(properties) = resource.get("Properties").filter(|_| ours.is_some()) {
        look(reading, &properties.open(), of, found);
    }
}

/// AWS's own do nothing to task definitions, but for the one that includes; others can do anything.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html>
fn macros(transform: &Place<'_>, found: &mut Found) {
    let name = text_of(transform).or_else(|| transform.open().text("Name"));
    match name.as_deref() {
        Some("AWS::Include") | None => open_template(transform, "depends on what a transform brings", found),
        Some(name) if name.starts_with("AWS::") => {}
        Some(name) => open_template(transform, &format!("depends on the macro {name}"), found),
    }
}

fn open_template(place: &Place<'_>, why: &str, found: &mut Found) {
    open(Subject { id: Some("the template".to_owned()), ..Subject::default() }, place, why, found);
}

fn parameters(root: &Object<'_>) -> Parameters {
    let all = root.all("Parameters").into_iter().flat_map(|parameters| parameters.open().members().collect::<Vec<_>>());
    let default = |parameter: &Place<'_>| parameter.open().get("Default").and_then(|default| truth(default.json));
    all.map(|(name, parameter)| (name.into_owned(), default(&parameter))).collect()
}
