//! How to take a move back, each way with what it does: the quickest first. There is none where nothing was moved.

use super::super::super::alert::{BACK_IT_OUT, Line, Setting, UNDO, undo, words};
use super::super::super::arn::TaskDefinitionId;
use super::super::super::escape::shell;
use super::super::report::MoveReport;
use super::case::Case;

/// One way, all in one pasted command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Way {
    kind: Kind,
    /// Its lines.
    pub(super) command: Vec<String>,
    does: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The deployment in progress is stopped.
    Stop,
    /// The service is pointed at the original.
    PointBack,
    /// The copy of the original is taken away, with or without the function for it.
    BackOut,
}

impl Way {
    /// Whether it takes the copy away.
    pub(super) fn is_backout(&self) -> bool {
        self.kind == Kind::BackOut
    }

    /// What a chat calls it.
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Stop => "Stop the deployment",
            Kind::PointBack => "Put the service back",
            Kind::BackOut => "Back it out",
        }
    }

    pub(super) fn lines(self) -> Vec<Line> {
        [words(self.does)].into_iter().chain(self.command.into_iter().map(Line::Verbatim)).collect()
    }

    /// Its command on one line.
    pub(super) fn on_one_line(&self) -> String {
        self.command.iter().map(|line| line.trim_end_matches('\\').trim()).collect::<Vec<_>>().join(" ")
    }
}

/// Whether the ways undo the move, or what is left of it once the service itself is back.
pub(super) fn heading(case: Case) -> &'static str {
    match case {
        Case::PutBack | Case::RolledBack => BACK_IT_OUT,
        Case::NotPutBack(_) | Case::Waits | Case::Stuck | Case::Moved | Case::DeploymentFailed => UNDO,
        Case::NotMovable(_) | Case::Refused(_) => UNDO,
    }
}

/// The command on one line, where many stand below each other.
#[must_use]
pub fn undo_on_one_line(report: &MoveReport, setting: &Setting) -> Option<String> {
    ways(Case::of(report, setting.roles), report, setting).first().map(Way::on_one_line)
}

/// All ways, the best first.
pub(super) fn ways(case: Case, report: &MoveReport, setting: &Setting) -> Vec<Way> {
    let Some(copy) = &report.entry.copy else { return Vec::new() };
    match (case, setting.backout_function) {
        (Case::Stuck, _) => vec![stop(report, setting)],
        (Case::DeploymentFailed, Some(_)) => vec![point_back(report, setting), back_out(case, copy, report, setting)],
        (Case::Moved, Some(_)) => vec![back_out(case, copy, report, setting), point_back(report, setting)],
        (Case::DeploymentFailed | Case::Moved, None) => vec![point_back(report, setting)],
        (Case::PutBack | Case::RolledBack, _) => vec![back_out(case, copy, report, setting)],
        (Case::NotPutBack(_) | Case::Waits | Case::NotMovable(_) | Case::Refused(_), _) => Vec::new(),
    }
}

/// ECS goes back by itself, even where the service is not set to:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html>. The service deployment's ARN is
/// not remembered, so it is looked up.
fn stop(report: &MoveReport, setting: &Setting) -> Way {
    let region = setting.home.region();
    Way {
        kind: Kind::Stop,
        command: vec![
            format!("aws ecs stop-service-deployment --region {region} --stop-type ROLLBACK \\"),
            "  --service-deployment-arn \"$(aws ecs list-service-deployments \\".into(),
            format!("  {} \\", named(report, setting)),
            "  --status PENDING IN_PROGRESS --output text \\".into(),
            "  --query 'serviceDeployments[0].serviceDeploymentArn')\"".into(),
        ],
        does: format!(
            "Stops the deployment in progress, and ECS goes back to what ran before, {}. The guard respects that:",
            report.entry.original
        ),
    }
}

fn point_back(report: &MoveReport, setting: &Setting) -> Way {
    Way {
        kind: Kind::PointBack,
        command: vec![point(report, setting, &report.entry.original)],
        does: format!(
            "Puts this service back on {}, and nothing else. The guard respects that:",
            report.entry.original
        ),
    }
}

fn back_out(case: Case, copy: &TaskDefinitionId, report: &MoveReport, setting: &Setting) -> Way {
    let original = &report.entry.original;
    let first = match case {
        Case::PutBack | Case::RolledBack => "If the application needs the flag",
        Case::DeploymentFailed => "Or backs it out",
        Case::NotPutBack(_) | Case::Waits | Case::Stuck | Case::Moved => "Backs it out",
        Case::NotMovable(_) | Case::Refused(_) => "Backs it out",
    };
    let does = match setting.backout_function {
        Some(_) => format!(
            "{first}: exempts the privileged containers of {original} for 30 days, makes {original} the family's latest \
             again, and brings every service on {copy} back to it:"
        ),
        None => format!(
            "{first}: deregisters {copy}, so that what names {} without a revision gets {original} again; the guard \
             respects that. Not if its owner registered {copy}:",
            original.family
        ),
    };
    Way { kind: Kind::BackOut, command: undo::command(original, copy, setting), does }
}

/// The command that points the service at a revision.
pub(super) fn point(report: &MoveReport, setting: &Setting, to: &TaskDefinitionId) -> String {
    format!("aws ecs update-service {} --task-definition {to}", named(report, setting))
}

/// The service, for a command.
pub(super) fn named(report: &MoveReport, setting: &Setting) -> String {
    let region = setting.home.region();
    format!("--region {region} --cluster {} --service {}", shell(&report.service.cluster), shell(&report.service.name))
}
