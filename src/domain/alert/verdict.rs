//! The alert in short: the headline, the verdict in one sentence, and in the first lines what whoever is on call asks:
//! what, who, changed?, must I act?, how do I undo it?

use super::super::arn::TaskDefinitionId;
use super::super::document::Described;
use super::super::escape::plain;
use super::super::outcome::{Outcome, Reason};
use super::super::plan::Then;
use super::super::policy::Mode;
use super::super::record::{MadeCopy, Withdrawal};
use super::super::report::Report;
use super::sections::{steps, undo_command, who_in_short};
use super::{COLUMNS_MAX, Setting, Severity, wrapped};

/// For the subject and for chats.
pub(super) fn headline(report: &Report) -> String {
    let id = &report.id;
    match (report.outcome, &report.copy) {
        (Outcome::Remediated | Outcome::AlreadyRemediated, Some(copy)) => {
            format!("{id} was privileged; {} is the same without", copy.id)
        }
        (Outcome::Failed, Some(copy)) => format!("FAILED on {id}, although {} is the same without privilege", copy.id),
        (Outcome::Failed, None) if is_known(report) => format!("FAILED on {id}, still privileged"),
        (Outcome::Failed, None) => format!("FAILED on {id}, which may be privileged"),
        (Outcome::Superseded, _) => format!("{id} is privileged; a newer revision superseded it"),
        (Outcome::UnfaithfulCopyWithdrawn, _) => format!("{id} is privileged; its copy was withdrawn"),
        (Outcome::Inactive, _) => format!("{id} is inactive; a copy of it was withdrawn"),
        (Outcome::Exempt, _) => format!("{id} is exempt; a copy of it was withdrawn"),
        (Outcome::Alerted, _) if left(report).is_some() => format!("{id} is inactive; a copy of it is still ACTIVE"),
        (Outcome::Alerted | Outcome::Remediated | Outcome::AlreadyRemediated, _)
        | (Outcome::FailedRegistration | Outcome::Compliant, _) => format!("{id} {}; {}", is(report), change(report)),
    }
}

/// Whether the definition was seen: one that ECS does not describe, or not to us, may be privileged or not.
pub(super) fn is_known(report: &Report) -> bool {
    report.is_daemon || report.original().is_some()
}

fn is(report: &Report) -> &'static str {
    match is_known(report) {
        true => "is privileged",
        false => "may be privileged",
    }
}

/// What a run changed that leaves no copy of its own in force.
fn change(report: &Report) -> &'static str {
    let is_stray = |copy: &MadeCopy| copy.was_withdrawn_for(Withdrawal::Stray);
    match report.made.as_slice() {
        [] => "nothing was changed",
        _ if report.copies_left().next().is_some() => "a copy was registered and is still ACTIVE",
        made if made.iter().any(is_stray) => "a copy that a run had left was withdrawn",
        _ => "nothing stays changed",
    }
}

/// Whether the run that failed was about to make a copy, or only to look.
fn was_copying(report: &Report) -> bool {
    report.finding.as_ref().is_some_and(|finding| matches!(finding.plan.then, Then::Copy(_) | Then::Finish(_)))
}

/// Whether the original is not ACTIVE any more: somebody else deregistered it, since no function of ours ever does.
pub(super) fn is_taken_back(report: &Report) -> bool {
    report.finding.is_some() && !report.original().is_some_and(Described::is_active)
}

/// The copy of such an original that nothing may withdraw while the exemption cannot be read.
pub(super) fn left(report: &Report) -> Option<&TaskDefinitionId> {
    report.finding.as_ref().filter(|_| is_taken_back(report))?.plan.left.last()
}

/// The verdict in one sentence.
pub(super) fn verdict(report: &Report) -> String {
    let id = &report.id;
    let what = match report.is_daemon {
        true => "Daemon task definition",
        false => "ECS task definition",
    };
    let because = report.reason.map(|reason| format!(": {}", in_words(reason))).unwrap_or_default();
    if let (Outcome::Alerted, Some(left)) = (report.outcome, left(report)) {
        return format!(
            "{what} {id} was deregistered, and {left}, which a run made of it, is still ACTIVE; nothing was \
             changed{because}."
        );
    }
    match (report.outcome, &report.copy) {
        (Outcome::AlreadyRemediated, Some(copy)) if is_taken_back(report) => format!(
            "{what} {id} was deregistered before anybody was told of {}, the same without privilege, which an earlier \
             run made.",
            copy.id
        ),
        (Outcome::AlreadyRemediated, Some(copy)) if !report.has_made_the_copy() => format!(
            "{what} {id} is privileged, which gives its containers the whole host; {} is there already, equal but for \
             that flag.",
            copy.id
        ),
        (Outcome::Remediated | Outcome::AlreadyRemediated, Some(copy)) => format!(
            "{what} {id} is privileged, which gives its containers the whole host; the guard made {}, proven equal but \
             for that flag.",
            copy.id
        ),
        (Outcome::Failed, Some(copy)) => format!(
            "{what} {id} is privileged and {} is the same without, but the guard could not finish{because}.",
            copy.id
        ),
        (Outcome::Failed, None) if report.copies_left().next().is_some() => {
            format!("{what} {id} is privileged, and the guard could not bring its copy to an end{because}.")
        }
        (Outcome::Failed, None) if was_copying(report) => {
            format!("{what} {id} is privileged, and the guard could not make a copy without that flag{because}.")
        }
        (Outcome::Failed, None) => {
            format!("{what} {id} {}, and the guard could not finish with it{because}.", is(report))
        }
        (Outcome::UnfaithfulCopyWithdrawn, _) => {
            format!("{what} {id} is privileged; its copy came out different in more than that flag, and was withdrawn.")
        }
        (Outcome::Superseded, _) => {
            let by = report.finding.as_ref().and_then(|finding| finding.plan.superseded_by.as_ref());
            let by = by.map_or_else(|| "a newer revision".to_owned(), ToString::to_string);
            format!("{what} {id} is privileged, and {by} has superseded it{because}.")
        }
        (Outcome::Inactive | Outcome::Exempt, _) => {
            let state = report.outcome.as_str();
            format!("{what} {id} is {state} by now, so the copy that a run had made of it was withdrawn.")
        }
        (Outcome::Alerted | Outcome::Remediated | Outcome::AlreadyRemediated, _)
        | (Outcome::FailedRegistration | Outcome::Compliant, _) => {
            format!(
                "{what} {id} {}, which {} its containers the whole host; {}{because}.",
                is(report),
                if is_known(report) { "gives" } else { "would give" },
                change(report),
            )
        }
    }
}

/// Why, of one revision, in words.
#[must_use]
pub fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::InactiveInUse => "it is not ACTIVE any more, but something still runs it, or might",
        Reason::DaemonTaskDefinition => "a copy would replace every instance that runs the daemon",
        Reason::ManagedByBatch => "AWS Batch made it, so the job definition is the place to fix",
        Reason::ManagedByExpress => "an Express service runs it, which ECS itself manages",
        Reason::ExemptionUnreadable => "the family's exemption cannot be read or understood",
        Reason::PartlyExempt => "only some of its privileged containers are exempt",
        Reason::Race => "it came first, so the guard's copy was withdrawn",
        Reason::CopyRemoved => "somebody deregistered its copy, and the guard respects that",
        Reason::UnfaithfulBefore => "a copy of it came out different before, so none is made again",
        Reason::OutOfScope => "its family is not among REMEDIATE_FAMILIES",
        Reason::AlertMode => "the guard runs in mode alert",
        Reason::Repeated => "three copies within an hour, so something keeps bringing it back",
        Reason::AccessDenied => "a permission is missing",
        Reason::InvalidParameter => "AWS does not accept what was sent",
        Reason::LimitExceeded => "a quota of AWS is used up",
        Reason::BackupTampered => "somebody put or changed the backup",
        Reason::RecordUnreadable => "its record cannot be understood",
        Reason::MalformedDefinition => "its description cannot be understood",
        Reason::Refused => "AWS refused a call",
    }
}

/// Whether somebody must act now.
pub(super) fn must_act(report: &Report) -> &'static str {
    match Severity::of(report.outcome, report.reason) {
        Severity::Info => "Act now? No.",
        Severity::Warning => "Act now? No; look at it in working hours.",
        Severity::Critical => "Act now? Yes: the guard could not do its work.",
    }
}

/// The first lines.
pub(super) fn in_short(report: &Report, setting: &Setting) -> Vec<String> {
    let mut lines = wrapped(&verdict(report), "", "");
    lines.push(must_act(report).to_owned());
    let changed = match &report.copy {
        Some(copy) if report.has_made_the_copy() => match report.mode {
            Mode::Enforce => format!("{} was registered; services on {} are moved to it next.", copy.id, report.id),
            Mode::Alert | Mode::Remediate => format!("{} was registered; nothing that runs was touched.", copy.id),
        },
        _ if report.made.is_empty() && steps(report).is_empty() => "nothing.".to_owned(),
        _ if report.made.is_empty() => "nothing in ECS; a backup was stored.".to_owned(),
        _ if report.failure.is_some() => format!("{}; see FAILED.", change(report)),
        _ => format!("{}; the steps are below.", change(report)),
    };
    let changed = format!("Changed: {changed}");
    lines.extend(wrapped(&changed, "", ""));
    lines.extend(wrapped(&format!("Who: {}", plain(&who_in_short(report))), "", "  "));
    if let Some(command) = undo_command(report, setting) {
        let undo = format!("Undo: {}", command.join(" "));
        match undo.len() <= 2 * COLUMNS_MAX && command.len() == 1 {
            true => lines.push(undo),
            false => lines.push("Undo: with the one command under UNDO.".to_owned()),
        }
    }
    lines
}
