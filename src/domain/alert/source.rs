//! How to fix it where it comes from: the line to change, by the tool that registered it.

use super::super::arn::TaskDefinitionId;
use super::super::exemption::Verdict;
use super::super::outcome::{Outcome, Reason};
use super::super::provenance::Tool;
use super::super::report::Report;

/// Of what ECS itself manages.
pub(in super::super) const EXPRESS: &str = "update the Express service without the flag (UpdateExpressGatewayService).";

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
        | Outcome::Failed => Some(of_report(report, containers(report, escape))),
    }
}

/// Those that may not be privileged.
fn containers(report: &Report, escape: fn(&str) -> String) -> String {
    let exempt = match report.finding.as_ref().map(|finding| &finding.plan.exemption) {
        Some(Verdict::Partly { exempt, .. }) => exempt.as_slice(),
        Some(Verdict::NotExempt(_) | Verdict::Exempt(_) | Verdict::Unreadable(_)) | None => &[],
    };
    let others = report.privileged_containers().iter().filter(|name| !exempt.contains(name));
    in_words(others, escape)
}

/// Containers as the object of a sentence.
pub(in super::super) fn in_words<'a>(
    containers: impl Iterator<Item = &'a String>,
    escape: impl Fn(&str) -> String,
) -> String {
    let names: Vec<String> = containers.map(|name| escape(name)).collect();
    match names.as_slice() {
        [] => "its containers".to_owned(),
        [one] => format!("container {one}"),
        more => format!("containers {}", more.join(", ")),
    }
}

fn of_report(report: &Report, containers: String) -> String {
    let (copy, tool) = (report.copy.as_ref().map(|copy| &copy.id), report.provenance.tool);
    let origin = |tool, containers| Origin { id: &report.id, copy, tool, containers };
    match (report.reason, tool) {
        (Some(Reason::ManagedByBatch), _) | (_, Tool::Batch) => origin(Tool::Batch, containers).line_to_change(),
        (Some(Reason::ManagedByExpress), _) => EXPRESS.into(),
        (Some(Reason::DaemonTaskDefinition), _) => format!(
            "register {} without privileged for {containers}, and update the daemon when its hosts may be replaced.",
            report.id.family
        ),
        (_, tool) => origin(tool, containers).line_to_change(),
    }
}

/// What a revision comes from: its family, the revision, the copy to build upon where there is one, and the tool.
pub(in super::super) struct Origin<'a> {
    pub(in super::super) id: &'a TaskDefinitionId,
    pub(in super::super) copy: Option<&'a TaskDefinitionId>,
    pub(in super::super) tool: Tool,
    /// Of what the flag is to be taken out, in words that the sink bears.
    pub(in super::super) containers: String,
}

impl Origin<'_> {
    /// The line to change, by the tool.
    pub(in super::super) fn line_to_change(&self) -> String {
        let Self { id, copy, tool, containers: of } = self;
        let family = &id.family;
        match tool {
            Tool::Batch => "in the Batch job definition, take privileged: true out of the container properties, and \
                            submit again."
                .into(),
            Tool::Terraform => format!(
                "in the aws_ecs_task_definition of {family}, take privileged = true out of {of} in \
                 container_definitions, and apply. Until then each change registers it anew."
            ),
            Tool::CloudFormation => format!(
                "in the stack's AWS::ECS::TaskDefinition of {family}, take Privileged: true out of {of} (in CDK: \
                 privileged of addContainer), and deploy."
            ),
            Tool::CodePipeline => format!(
                "the pipeline's ECS action starts from the revision that the service uses: deploy {} to the service \
                 once. A blue/green action reads taskdef.json: take \"privileged\": true out of {of} there.",
                copy.map_or_else(|| format!("a revision of {family} without the flag"), ToString::to_string),
            ),
            Tool::GitHubAction => {
                format!("in the task definition file that the workflow renders, take \"privileged\": true out of {of}.")
            }
            Tool::Console => match copy {
                Some(copy) => format!("create the next revision of {family} from {copy}, not from {id}."),
                None => format!("create the next revision of {family} with Privileged switched off for {of}."),
            },
            Tool::Cli | Tool::Sdk => {
                format!("in the file or script that registers {family}, take \"privileged\": true out of {of}.")
            }
            Tool::Unknown => format!("where {family} is defined, take privileged: true out of {of}."),
        }
    }
}
