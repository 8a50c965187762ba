//! What kind of source a document is: known by what is in it, whatever its file is called.

use ecs_privileged_guard::domain::json::Json;

use super::cloudformation;
use super::document::Document;
use super::finding::Subject;
use super::function::Parameters;
use super::look::{Found, Reading, look, look_at_containers};
use super::place::{Names, Place};
use super::terraform::{self, TerraformError};

/// Why there is nothing to look at in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceError {
    /// Something else.
    #[error("it is no task definition, template or plan")]
    Neither,
    /// Terraform's, and not to be used.
    #[error(transparent)]
    Terraform(TerraformError),
}

impl SourceError {
    /// Whether it may lie in a directory and mean nothing.
    pub(super) fn is_somebody_elses(self) -> bool {
        match self {
            Self::Neither | Self::Terraform(TerraformError::State) => true,
            Self::Terraform(TerraformError::Version) => false,
        }
    }

    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Neither => {
                "task definitions (JSON or YAML), CloudFormation and SAM templates, and terraform show -json PLAN are read"
            }
            Self::Terraform(TerraformError::State) => "terraform plan -out PLAN, then terraform show -json PLAN",
            Self::Terraform(TerraformError::Version) => "a later guardctl may know it",
        }
    }
}

/// Looks at each task definition in the document, and says what kind of source it is.
pub(super) fn read(document: &Document<'_>, residual: bool, found: &mut Found) -> Result<&'static str, SourceError> {
    let place = Place::root(document.root);
    let root = place.open();
    if cloudformation::is_template(&root) {
        cloudformation::read(&root, residual, found);
        return Ok("template");
    }
    if terraform::is_terraform(&root).map_err(SourceError::Terraform)? {
        terraform::read(&root, residual, found);
        return Ok("Terraform plan");
    }
    let parameters = Parameters::new();
    let reading = Reading { names: Names::Ecs, parameters: &parameters, residual };
    // `--container-definitions`, and what Terraform reads with `file()`.
    if let Some(elements) = place.json.elements() {
        let is_container = |element: &Json<'_>| {
            let members = element.members().unwrap_or_default();
            ["name", "image"].iter().all(|name| members.iter().any(|member| member.is(name)))
        };
        if elements.is_empty() || !elements.iter().all(is_container) {
            return Err(SourceError::Neither);
        }
        look_at_containers(reading, &place, found);
        return Ok("container definitions");
    }
    // An answer of `DescribeTaskDefinition`, or of `DescribeDaemonTaskDefinition`; else what registers one.
    let described = |name: &str| root.get(name).map(|described| described.open());
    let described = [(described("taskDefinition"), false), (described("daemonTaskDefinition"), true)];
    let definitions = described.into_iter().filter_map(|(described, is_daemon)| Some((described?, is_daemon)));
    for (definition, is_daemon) in definitions.chain([(root, false)]) {
        if definition.get("containerDefinitions").is_some() {
            look(reading, &definition, Subject { is_daemon, ..Subject::default() }, found);
            return Ok("task definition");
        }
    }
    Err(SourceError::Neither)
}
