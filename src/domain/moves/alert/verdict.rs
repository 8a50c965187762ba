//! The alert in short: the headline, the verdict in one sentence, and in the first lines what whoever is on call asks:
//! must I act, what was changed, is it still privileged, what if I do nothing?

use super::super::super::alert::{BACK_IT_OUT, Setting};
use super::super::super::escape::plain;
use super::super::super::provenance::{Provenance, Tool};
use super::super::Reason;
use super::super::report::MoveReport;
use super::case::{Case, StillPrivileged};
use super::copy;
use super::way_back::{heading, ways};

/// For the subject and for chats. What it is comes first: long names are cut at the end.
pub(super) fn headline(case: Case, report: &MoveReport, escape: fn(&str) -> String) -> String {
    let id = format!("service {}/{}", escape(&report.service.cluster), escape(&report.service.name));
    let (original, copy) = (&report.entry.original, copy(report));
    match case {
        Case::NotPutBack(theirs) => format!("FAILED to put back on {theirs}: {id}"),
        Case::Waits => format!("Still deploying privileged {original}: {id}"),
        Case::Stuck => format!("Does not settle on {copy}: {id}"),
        Case::Moved => format!("Moved to {copy}, without privilege: {id}"),
        Case::PutBack => format!("Put back on privileged {}{}: {id}", report.back_on(), with(report.provenance.tool)),
        Case::RolledBack => format!("Back on privileged {}: {id}", report.back_on()),
        Case::DeploymentFailed => format!("FAILED to deploy {copy}, and did not go back: {id}"),
        Case::NotMovable(_) => format!("Move it by hand off privileged {original}: {id}"),
        Case::Refused(_) => format!("FAILED to move off privileged {original}: {id}"),
    }
}

fn with(tool: Tool) -> String {
    match tool == Tool::Unknown {
        true => String::new(),
        false => format!(" with {}", tool.as_str()),
    }
}

/// The verdict in one sentence.
#[must_use]
pub fn verdict(report: &MoveReport) -> String {
    of_case(Case::of(report, &[]), report, plain)
}

pub(super) fn of_case(case: Case, report: &MoveReport, escape: fn(&str) -> String) -> String {
    let at = format!("{} in cluster {}", escape(&report.service.name), escape(&report.service.cluster));
    let (original, copy, since) = (&report.entry.original, copy(report), report.since());
    match case {
        Case::NotPutBack(theirs) if theirs == original => format!(
            "Service {at} was to stay on {theirs}, by a deployment or an exemption in the moment in which the guard moved \
             it to {copy}; the guard could not put it back."
        ),
        Case::NotPutBack(theirs) => format!(
            "Service {at} was to go on with {theirs}, which was deployed in the moment in which the guard moved it to \
             {copy}; the guard could not put it back."
        ),
        Case::Waits => format!(
            "Service {at} has been deploying privileged {original} since {since}, and the guard does not interrupt a \
             deployment."
        ),
        Case::Stuck => format!("Service {at} has been on its way from {original} to {copy} since {since}."),
        Case::Moved => format!("Service {at} was moved from privileged {original} to {copy}, and has settled there."),
        Case::PutBack => format!(
            "Service {at} was moved to {copy}, and somebody has put it back on privileged {}{}: the guard respects that.",
            report.back_on(),
            with(report.provenance.tool)
        ),
        Case::RolledBack => format!(
            "Service {at} was moved to {copy}, and is back on privileged {}: the application seems to need something that \
             the flag gave it, and the guard respects that.",
            report.back_on()
        ),
        Case::DeploymentFailed => format!(
            "ECS gave up deploying {copy} to service {at}, and did not go back to {original}: the application seems to \
             need something that the flag gave it."
        ),
        Case::NotMovable(reason) => {
            format!("Service {at} runs privileged {original}, and is not the guard's to move: {}.", why(reason))
        }
        Case::Refused(reason) => {
            format!("Service {at} runs privileged {original}, and could not be moved to {copy}: {}.", why(reason))
        }
    }
}

/// Why, as the end of a sentence.
#[must_use]
pub fn why(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::CodeDeploy) => "AWS CodeDeploy deploys it",
        Some(Reason::External) => "another system deploys it by task sets",
        Some(Reason::Express) => "ECS itself manages it (Express)",
        Some(Reason::ByOwner | Reason::NotMoved) => "its owner deployed something else",
        Some(Reason::Gone) => "it is gone",
        Some(Reason::DeploymentFailed) => "its deployment failed",
        Some(Reason::Exempt) => "its family was exempted meanwhile",
        Some(Reason::CopyRemoved) => "somebody deregistered the copy meanwhile",
        Some(Reason::AccessDenied) => "a permission is missing",
        Some(Reason::InvalidParameter) => "ECS does not accept what was sent",
        Some(Reason::LimitExceeded) => "a quota of AWS is used up",
        Some(Reason::Refused) => "ECS refused the call",
        None => "it is not known why",
    }
}

/// Whether somebody must act now.
pub(super) fn must_act(case: Case) -> &'static str {
    match case {
        Case::NotPutBack(_) => "Act now? Yes: put it back, with the command under BY HAND.",
        Case::DeploymentFailed => "Act now? Yes: nothing brings it back by itself. The first command under UNDO does.",
        Case::Refused(_) => "Act now? Yes: the guard could not do its work. The service itself runs as before.",
        Case::Stuck => "Act now? Only if the service lacks tasks: then stop the deployment, as under UNDO.",
        Case::Waits => "Act now? Only if the service lacks tasks: then its owner must. The guard has not touched it.",
        Case::PutBack => "Act now? No: it runs as before. In working hours take the flag out at its source.",
        Case::RolledBack => "Act now? No, if it has its tasks again. In working hours back it out, or fix it.",
        Case::NotMovable(_) => "Act now? No; move it in working hours, as under BY HAND.",
        Case::Moved => "Act now? No.",
    }
}

/// What was changed.
pub(super) fn changed(case: Case, report: &MoveReport) -> String {
    let (original, copy) = (&report.entry.original, copy(report));
    match case {
        Case::Moved => format!("the service runs {copy} instead of {original}."),
        Case::PutBack | Case::RolledBack => format!(
            "nothing stays changed in the service; while {copy} is ACTIVE, whatever names {} without a revision uses it.",
            original.family
        ),
        Case::NotPutBack(_) | Case::Stuck | Case::DeploymentFailed => format!("the service was pointed at {copy}."),
        Case::Waits | Case::NotMovable(_) | Case::Refused(_) => "nothing; the service is as it was.".to_owned(),
    }
}

/// Whether it still runs what is privileged.
pub(super) fn still_privileged(case: Case, report: &MoveReport) -> String {
    match case.still_privileged() {
        StillPrivileged::Yes => "yes".to_owned(),
        StillPrivileged::No => "no".to_owned(),
        StillPrivileged::Partly => format!("its tasks of {}, as long as they run", report.entry.original),
    }
}

/// What comes of it if nobody does anything.
pub(super) fn if_nobody_acts(case: Case, report: &MoveReport) -> String {
    let copy = copy(report);
    match case {
        Case::NotPutBack(theirs) => {
            format!("ECS goes on deploying {copy}, and {theirs} does not come back by itself.")
        }
        Case::Waits => {
            format!("it stays privileged. When that deployment is complete, the guard moves it to {copy}.")
        }
        Case::Stuck => {
            "ECS goes on trying, without a circuit breaker for ever. You hear when it has settled.".to_owned()
        }
        Case::Moved => format!(
            "it stays on {copy}. Whoever points it at {} again is respected, and you hear of that.",
            report.entry.original
        ),
        Case::PutBack | Case::RolledBack => {
            "it stays privileged, and is not moved again until its family has a newer privileged revision. That one is \
             copied, and its services are moved."
                .to_owned()
        }
        // "will transition to a failed state and stop launching new tasks":
        // https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html
        Case::DeploymentFailed => {
            "ECS launches no new tasks for it until somebody deploys something; the guard does not.".to_owned()
        }
        Case::NotMovable(_) => {
            "it stays privileged. You hear of it again when its family has a newer privileged revision.".to_owned()
        }
        Case::Refused(_) => {
            "it stays privileged. Each sweep tries it again, and you hear only of another failure.".to_owned()
        }
    }
}

/// Who made the call that told of it, with what tool: all of it by the event's word only.
pub(super) fn who(provenance: &Provenance) -> Option<String> {
    let actor = provenance.actor_text()?;
    let tool = match provenance.tool == Tool::Unknown {
        true => "a tool that is not known",
        false => provenance.tool.as_str(),
    };
    Some(format!("{}, with {tool}", plain(&actor)))
}

/// The first lines.
pub(super) fn in_short(case: Case, report: &MoveReport, setting: &Setting) -> Vec<String> {
    let mut lines = vec![
        of_case(case, report, plain),
        must_act(case).to_owned(),
        format!("Changed: {}", changed(case, report)),
        format!("Still privileged: {}", still_privileged(case, report)),
        format!("If nobody acts: {}", if_nobody_acts(case, report)),
    ];
    if let (Case::PutBack, Some(who)) = (case, who(&report.provenance)) {
        lines.push(format!("Who: {who} (only the event says so)"));
    }
    lines.extend((!ways(case, report, setting).is_empty()).then(|| match heading(case) {
        BACK_IT_OUT => format!("Back it out: with the command under {BACK_IT_OUT}."),
        heading => format!("Undo: with the command under {heading}."),
    }));
    lines
}
