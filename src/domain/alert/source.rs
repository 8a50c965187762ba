//! How to fix it where it comes from: the line to change, by the tool that registered it.

use super::super::outcome::Reason;
use super::super::provenance::Tool;
use super::super::report::Report;

/// One sentence or two, naming the containers, whose names pass through the sink's escaper.
pub(super) fn fix(report: &Report, escape: fn(&str) -> String) -> String {
    let containers = report.privileged_containers().iter().map(|name| escape(name)).collect::<Vec<_>>().join(", ");
    let of = match containers.is_empty() {
        true => "its containers".to_owned(),
        false => format!("container {containers}"),
    };
    let (id, family) = (&report.id, &report.id.family);
    match (report.reason, report.provenance.tool) {
        (Some(Reason::ManagedByBatch), _) | (_, Tool::Batch) => {
            "in the Batch job definition, take privileged: true out of the container properties, and submit again."
                .into()
        }
        (Some(Reason::ManagedByExpress), _) => {
            "update the Express service without the flag (UpdateExpressGatewayService).".into()
        }
        (Some(Reason::DaemonTaskDefinition), _) => {
            format!(
                "register {family} without privileged for {of}, and update the daemon when its hosts may be replaced."
            )
        }
        (_, Tool::Terraform) => format!(
            "in the aws_ecs_task_definition of {family}, take privileged = true out of {of} in container_definitions, and \
             apply. Until then each change registers it anew."
        ),
        (_, Tool::CloudFormation) => format!(
            "in the stack's AWS::ECS::TaskDefinition of {family}, take Privileged: true out of {of} (in CDK: privileged \
             of addContainer), and deploy."
        ),
        (_, Tool::CodePipeline) => format!(
            "CodePipeline makes its revision from the one that the service uses: deploy {} to the service once, and \
             the pipeline inherits it.",
            report
                .copy
                .as_ref()
                .map_or_else(|| format!("a revision of {family} without it"), |copy| copy.id.to_string()),
        ),
        (_, Tool::GitHubAction) => {
            format!("in the task definition file that the workflow renders, take \"privileged\": true out of {of}.")
        }
        (_, Tool::Console) => format!("create the next revision of {family} from the copy, not from {id}."),
        (_, Tool::Cli | Tool::Sdk) => {
            format!("in the file or script that registers {family}, take \"privileged\": true out of {of}.")
        }
        (_, Tool::Unknown) => format!("where {family} is defined, take privileged: true out of {of}."),
    }
}
