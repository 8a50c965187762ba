//! The one command that undoes a copy: the alert about it and a sweep's digest hand out the same. All that stands in it
//! is validated, so it needs no quotes but those that JSON wants.

use super::super::arn::TaskDefinitionId;
use super::Setting;

/// Its lines. Where no function is known that could bring the original back, the copy is deregistered.
pub(in super::super) fn command(
    original: &TaskDefinitionId,
    copy: &TaskDefinitionId,
    setting: &Setting,
) -> Vec<String> {
    let region = setting.home.region();
    match setting.backout_function {
        Some(function) => vec![
            format!("aws lambda invoke --region {region} --function-name {function} \\"),
            // A run may take minutes; the CLI would give up after one, and send it again.
            "  --cli-read-timeout 0 --cli-binary-format raw-in-base64-out \\".into(),
            "  /dev/stdout --payload \\".into(),
            format!("  '{{\"taskDefinition\":\"{original}\",\"reason\":\"WHY\",\"approvedBy\":\"WHO\"}}'"),
        ],
        None => vec![format!("aws ecs deregister-task-definition --region {region} --task-definition {copy}")],
    }
}

/// The same on one line, where many stand below each other.
pub(in super::super) fn on_one_line(original: &TaskDefinitionId, copy: &TaskDefinitionId, setting: &Setting) -> String {
    let lines = command(original, copy, setting);
    lines.iter().map(|line| line.trim_end_matches('\\').trim()).collect::<Vec<_>>().join(" ")
}
