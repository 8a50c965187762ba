//! How to fix it where it comes from: the line to change, by the tool that registered it.

use super::super::exemption::Verdict;
use super::super::outcome::{Outcome, Reason};
use super::super::provenance::Tool;
use super::super::report::Report;

/// One sentence or two, naming the containers, whose names pass through the sink's escaper. Nothing where the flag is
/// allowed, or gone with the revision.
pub(super) fn fix(report: &Report, escape: fn(&str) -> String) -> Option<String> {
    match report.outcome {
        Outcome::Exempt | Outcome::Inactive => None,
        Outcome::FailedRegistration
        | Outcome::Compliant
        | Outcome::Alerted
        | Outcome::AlreadyRemediated
        | Outcome::Superseded
        | Outcome::Remediated
        | Outcome::UnfaithfulCopyWithdrawn
        | Outcome::Failed => Some(by_tool(report, &containers(report, escape))),
    }
}

/// Those that may not be privileged.
fn containers(report: &Report, escape: fn(&str) -> String) -> String {
    let exempt = match report.finding.as_ref().map(|finding| &finding.plan.exemption) {
        Some(Verdict::Partly { exempt, .. }) => exempt.as_slice(),
        Some(Verdict::NotExempt(_) | Verdict::Exempt(_) | Verdict::Unreadable(_)) | None => &[],
    };
    let others = report.privileged_containers().iter().filter(|name| !exempt.contains(name));
    let names: Vec<String> = others.map(|name| escape(name)).collect();
    match names.as_slice() {
        [] => "its containers".to_owned(),
        [one] => format!("container {one}"),
        more => format!("containers {}", more.join(", ")),
    }
}

fn by_tool(report: &Report, of: &str) -> String {
    let (id, family) = (&report.id, &report.id.family);
    let copy = report.copy.as_ref().map(|copy| copy.id.to_string());
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
            "the pipeline's ECS action starts from the revision that the service uses: deploy {} to the service once. \
             A blue/green action reads taskdef.json: take \"privileged\": true out of {of} there.",
            copy.unwrap_or_else(|| format!("a revision of {family} without the flag")),
        ),
        (_, Tool::GitHubAction) => {
            format!("in the task definition file that the workflow renders, take \"privileged\": true out of {of}.")
        }
        (_, Tool::Console) => match copy {
            Some(copy) => format!("create the next revision of {family} from {copy}, not from {id}."),
            None => format!("create the next revision of {family} with Privileged switched off for {of}."),
        },
        (_, Tool::Cli | Tool::Sdk) => {
            format!("in the file or script that registers {family}, take \"privileged\": true out of {of}.")
        }
        (_, Tool::Unknown) => format!("where {family} is defined, take privileged: true out of {of}."),
    }
}
