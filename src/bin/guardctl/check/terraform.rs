//! The task definitions of a plan, as `terraform show -json PLAN` writes it (OpenTofu too): as they will be when it has
//! been applied, what stays as it is included.
//!
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use super::finding::Subject;
use super::function::Parameters;
use super::look::{Found, Reading, look, open};
use super::place::{Names, Object, Place};

/// Why a document of Terraform's is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TerraformError {
    /// `terraform show -json` without a plan, or a file of state.
    #[error("it is Terraform's state, not a plan")]
    State,
    /// The format asks readers to refuse what they do not know.
    #[error("it is a plan of a format later than 1")]
    Version,
}

/// The types of resources that hold containers, and whether they are daemons'. Those of `awscc` have the members of
/// CloudFormation's, whose containers are objects in `container_definitions`:
/// <https://github.com/hashicorp/terraform-provider-awscc/blob/17eef47e0d928382bed59fb89c0ec5fc9e295714/internal/aws/ecs/daemon_task_definition_resource_gen.go>
const TYPES: [(&str, bool); 4] = [
    ("aws_ecs_task_definition", false),
    ("awscc_ecs_task_definition", false),
    ("aws_ecs_daemon_task_definition", true),
    ("awscc_ecs_daemon_task_definition", true),
];

/// Whether it is Terraform's: a plan, or what is taken for one.
pub(super) fn is_terraform(root: &Object<'_>) -> Result<bool, TerraformError> {
    let has = |name: &str| root.get(name).is_some();
    let is_plan = has("format_version") && (has("planned_values") || has("resource_changes"));
    let is_state = has("terraform_version") && (has("values") || has("lineage"));
    let version = root.text("format_version").unwrap_or_default();
    match (is_plan, is_state) {
        (true, _) if version.starts_with("0.") || version.starts_with("1.") => Ok(true),
        (true, _) => Err(TerraformError::Version),
        (false, true) => Err(TerraformError::State),
        (false, false) => Ok(false),
    }
}

/// Looks at each of its task definitions.
pub(super) fn read(root: &Object<'_>, residual: bool, found: &mut Found) {
    let parameters = Parameters::new();
    let reading = Reading { names: Names::Terraform, parameters: &parameters, residual };
    if let Some(errored) = root.get("errored").filter(|errored| errored.json.as_str() == "true") {
        let plan = Subject { id: Some("the plan".to_owned()), ..Subject::default() };
        open(plan, &errored, "cannot be told: planning failed before it came to an end", found);
    }
    for change in root.get("resource_changes").iter().flat_map(Place::elements) {
        read_change(&change.open(), reading, found);
    }
    // What waits for a later plan.
    for deferred in root.get("deferred_changes").iter().flat_map(Place::elements) {
        if let Some(change) = deferred.open().get("resource_change") {
            read_change(&change.open(), reading, found);
        }
    }
}

fn read_change(resource: &Object<'_>, reading: Reading<'_>, found: &mut Found) {
    let kind = resource.text("type");
    let Some((kind, is_daemon)) = TYPES.iter().find(|(name, _)| kind.as_deref() == Some(name)) else { return };
    let Some(change) = resource.get("change").filter(|_| resource.text("mode").as_deref() != Some("data")) else {
        return;
    };
    let change = change.open();
    // Of what is destroyed nothing is left.
    let Some(after) = change.get("after").filter(Place::is_object) else { return };
    let after = after.open();
    let of = Subject { id: resource.text("address"), family: None, is_daemon: *is_daemon };
    look(reading, &after, of.clone(), found);
    if let Some(unknown) = change.get("after_unknown") {
        read_unknown(&unknown.open(), kind, &Subject { family: after.text("family"), ..of }, found);
    }
}

/// In `after_unknown`, `true` stands for each value that is known only after the plan was applied.
fn read_unknown(unknown: &Object<'_>, kind: &str, of: &Subject, found: &mut Found) {
    for name in ["container_definitions", "container_definition"] {
        let Some(containers) = unknown.get(name) else { continue };
        let is_open = |place: &Place<'_>| place.json.as_str() == "true";
        // All that `awscc` knows is computed, so it calls unknown what was left out: of a flag that says nothing there.
        let is_flag_open = |container: &Place<'_>| {
            kind.starts_with("aws_") && container.open().get("privileged").is_some_and(|flag| is_open(&flag))
        };
        let is_one_open = |container: Place<'_>| is_open(&container) || is_flag_open(&container);
        if is_open(&containers) || containers.elements().into_iter().any(is_one_open) {
            open(of.clone(), &containers, "is known only after the plan was applied", found);
        }
    }
}
