//! One row a family with privilege, what needs a person first; and what still runs on a privileged revision.

use jiff::Timestamp;

use super::super::super::super::arn::{Family, Revision};
use super::super::super::super::moves::State as MoveState;
use super::super::super::super::outcome::{Outcome, Reason};
use super::super::{Evidence, FamilyRow, Look, Looker, Past, RunRow};
use super::bar::name;
use super::{counted, list, number, rows, some, time, words};

/// Of one cell: revisions, runs, containers, ways to the host.
const REVISIONS_MAX: usize = 3;
const RUNS_MAX: usize = 3;
const CONTAINERS_MAX: usize = 10;
const RESIDUAL_MAX: usize = 6;

pub(super) fn table(evidence: &Evidence) -> String {
    let mut families: Vec<&FamilyRow> = evidence.families.iter().collect();
    families.sort_by_key(|row| row.state());
    if families.is_empty() {
        return "<section aria-labelledby=\"families\">\n<h2 id=\"families\">Families with a privileged revision</h2>\n\
                <p>None was found.</p>\n</section>\n"
            .to_owned();
    }
    let (body, cut) = rows(families.into_iter().map(|it| row(it, evidence)), &evidence.looker);
    format!(
        "<section aria-labelledby=\"families\">\n<h2 id=\"families\">Families with a privileged revision</h2>\n\
         <p>By state, what needs a person first. Security Hub and AWS Config see the answer to the first question \
         only.</p>\n{cut}\
         <table class=\"families\">\n<thead><tr><th scope=\"col\">Family</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Newest revision clean?</th><th scope=\"col\">Running privileged?</th>\
         <th scope=\"col\">Callable privileged?</th><th scope=\"col\">Privileged containers</th>\
         <th scope=\"col\">Copy in force</th><th scope=\"col\">Ways to the host that a copy keeps</th></tr></thead>\n\
         <tbody>\n{body}</tbody>\n</table>\n</section>\n"
    )
}

fn row(row: &FamilyRow, evidence: &Evidence) -> String {
    let family = &row.family;
    let newest = match row.latest {
        None => "No revision is ACTIVE".to_owned(),
        Some(latest) => answer(row.is_newest_clean, row.is_newest_clean, &format!("revision {latest}")),
    };
    let running = answer(!row.running.is_empty(), row.running.is_empty(), &list(row.running.iter().map(run), RUNS_MAX));
    // The newest first: that is the one that somebody would start.
    let callable = some(row.callable.iter().rev().map(Revision::to_string), REVISIONS_MAX, ", ");
    let callable = match row.callable.len() {
        0 => String::new(),
        1 => format!("revision {callable}"),
        _ => format!("revisions {callable}"),
    };
    let callable = answer(!row.callable.is_empty(), row.callable.is_empty(), &callable);
    let cells = [
        state(row, evidence),
        newest,
        running,
        callable,
        some(row.containers.iter().map(|name| words(name)), CONTAINERS_MAX, ", "),
        row.copy.map_or_else(|| "None".to_owned(), |copy| format!("revision {copy}")),
        match row.residual.is_empty() {
            true => "None known".to_owned(),
            false => list(row.residual.iter().map(|way| words(way)), RESIDUAL_MAX),
        },
    ];
    format!("<tr><th scope=\"row\">{family}</th><td>{}</td></tr>\n", cells.join("</td><td>"))
}

/// `Yes` or `No`, marked where it is not as it should be, and what it rests on.
fn answer(is_yes: bool, is_good: bool, detail: &str) -> String {
    let word = if is_yes { "Yes" } else { "No" };
    let word = match is_good {
        true => word.to_owned(),
        false => marked(word),
    };
    match detail.is_empty() {
        true => word,
        false => format!("{word}: {detail}"),
    }
}

fn state(row: &FamilyRow, evidence: &Evidence) -> String {
    let state = row.state();
    let why = match (&row.look, &evidence.looker) {
        (Look::CameTo(outcome, reason), Looker::Sweep { .. }) => because(row, *outcome, *reason, evidence),
        (Look::CameTo(outcome, reason), Looker::Scan { .. }) => by_record(row, *outcome, *reason, evidence),
        (Look::Over(past), _) => format!("by its record {}", marked(was(*past))),
        (Look::NotKnown(text), _) => {
            format!("by its record {}, which this version does not know", words(text))
        }
        (Look::Unread, _) => marked("its record could not be read"),
        (Look::NoRecord, _) => "no look at it is known: it has no record".to_owned(),
    };
    format!("<span class=\"state {}\">{}</span><small>{why}</small>", state.as_str(), name(state))
}

/// Why it is in its state, by whoever looked last.
fn because(row: &FamilyRow, outcome: Outcome, reason: Option<Reason>, evidence: &Evidence) -> String {
    match (reason, end_of_exemption(row, outcome, evidence)) {
        (Some(Reason::OutOfScope), _) if row.existed_before => {
            "existed before the first sweep, and RemediateExisting or REMEDIATE_FAMILIES leaves it alone".to_owned()
        }
        (Some(reason), _) => format!("{} <code>{}</code>", why(reason), reason.as_str()),
        (None, Some(end)) => format!("until {}", time(end)),
        (None, None) => came_to(outcome).to_owned(),
    }
}

/// The same where somebody else looks again, who has seen only the exemption.
fn by_record(row: &FamilyRow, outcome: Outcome, reason: Option<Reason>, evidence: &Evidence) -> String {
    match (outcome, reason, end_of_exemption(row, outcome, evidence)) {
        (Outcome::Exempt, None, None) => "for good (EXEMPT_FAMILIES)".to_owned(),
        (Outcome::Exempt, _, _) => because(row, outcome, reason, evidence),
        // A record does not say which of them it was.
        (_, Some(Reason::OutOfScope), _) => format!(
            "by its record: RemediateExisting or REMEDIATE_FAMILIES leaves it alone <code>{}</code>",
            Reason::OutOfScope.as_str()
        ),
        (_, _, _) => format!("by its record: {}", because(row, outcome, reason, evidence)),
    }
}

/// What is not so any more.
fn was(past: Past) -> &'static str {
    match past {
        Past::Exempt => "it was exempt, and is not now",
        Past::Copied => "a copy followed, and none is in force now",
        Past::Followed => "a newer revision followed, and none is ACTIVE now",
    }
}

fn marked(words: &str) -> String {
    format!("<strong class=\"bad\">{words}</strong>")
}

/// When the exemption ends that an exempt family rests on. Exemptions are in order of their family.
fn end_of_exemption(row: &FamilyRow, outcome: Outcome, evidence: &Evidence) -> Option<Timestamp> {
    let place = evidence.exemptions.binary_search_by(|exemption| exemption.family.cmp(&row.family)).ok()?;
    let exemption = evidence.exemptions.get(place).filter(|it| it.holds && outcome == Outcome::Exempt)?;
    exemption.ends
}

fn run(run: &RunRow) -> String {
    let kind = if run.is_service { "service" } else { "started by" };
    format!(
        "revision {}: {kind} {} in {}, {}{}",
        run.revision,
        words(&run.starter),
        words(&run.cluster),
        tasks(run.tasks),
        run.moved.map(|state| format!("; {}", is_moved(state))).unwrap_or_default(),
    )
}

/// Why a service is still there, in mode `enforce`.
fn is_moved(state: MoveState) -> &'static str {
    match state {
        MoveState::Waiting => "moved when its deployment is complete",
        MoveState::Moving => "on its way to the copy",
        MoveState::Moved => "moved once, and back",
        MoveState::RolledBack => "went back, so it is not moved again",
        MoveState::Failed => "could not be moved",
        MoveState::NotMovable => "only its owner can move it",
    }
}

fn tasks(count: u32) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "task", "tasks")
}

/// Validated: nothing in it is markup.
fn id(family: &Family, revision: Revision) -> String {
    family.revision(revision).to_string()
}

/// Services that are still on a privileged revision, and tasks that no service started.
pub(super) fn running(evidence: &Evidence) -> String {
    let of_kind = |is_service: bool| {
        let all = evidence.families.iter().flat_map(|row| row.running.iter().map(move |run| (row, run)));
        all.filter(|(_, run)| run.is_service == is_service).collect::<Vec<_>>()
    };
    let looker = &evidence.looker;
    let services = part(&of_kind(true), "services", "Services still on a privileged revision", "Service", looker);
    let others = part(&of_kind(false), "tasks", "Other tasks on a privileged revision", "Started by", looker);
    format!("{services}{others}")
}

fn part(runs: &[(&FamilyRow, &RunRow)], anchor: &str, title: &str, column: &str, looker: &Looker) -> String {
    let head = format!("<section aria-labelledby=\"{anchor}\">\n<h2 id=\"{anchor}\">{title}</h2>\n");
    if runs.is_empty() {
        return format!("{head}<p>None was found.</p>\n</section>\n");
    }
    let tasks_total: usize = runs.iter().map(|(_, run)| usize::try_from(run.tasks).unwrap_or(usize::MAX)).sum();
    let row = |(family, run): &(&FamilyRow, &RunRow)| {
        let cells = [
            words(&run.cluster),
            id(&family.family, run.revision),
            number(usize::try_from(run.tasks).unwrap_or(usize::MAX)),
            newest(family),
            match run.moved {
                Some(moved) => format!("{}<small>{}</small>", name(family.state()), is_moved(moved)),
                None => name(family.state()).to_owned(),
            },
        ];
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", words(&run.starter), cells.join("</td><td>"))
    };
    let (body, cut) = rows(runs.iter().map(row), looker);
    format!(
        "{head}<p>{} in all.</p>\n{cut}<table class=\"runs {anchor}\">\n<thead><tr><th scope=\"col\">{column}</th>\
         <th scope=\"col\">Cluster</th><th scope=\"col\">Runs</th><th scope=\"col\">Tasks</th>\
         <th scope=\"col\">Newest revision</th><th scope=\"col\">State of the family</th></tr></thead>\n\
         <tbody>\n{body}</tbody>\n</table>\n</section>\n",
        counted(tasks_total, "task", "tasks"),
    )
}

fn newest(row: &FamilyRow) -> String {
    match row.latest {
        None => "none is ACTIVE".to_owned(),
        Some(latest) => {
            let is = if row.is_newest_clean { "clean" } else { "privileged" };
            format!("{}, {is}", id(&row.family, latest))
        }
    }
}

fn came_to(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive => "nothing was done yet",
        Outcome::Alerted => "an alert was sent",
        Outcome::Exempt => "for good (EXEMPT_FAMILIES), unless its exemption has just ended",
        Outcome::AlreadyRemediated => "its copy was there already",
        Outcome::Superseded => "the newer one is not ours, and is left alone",
        Outcome::Remediated => "the copy was proven equal but for the flag",
        Outcome::UnfaithfulCopyWithdrawn => "the copy was not equal, and was withdrawn",
        Outcome::Failed => "see the alert",
    }
}

fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::InactiveInUse => "not ACTIVE any more, but runs",
        Reason::DaemonTaskDefinition => "a daemon task definition",
        Reason::ManagedByBatch => "AWS Batch made it: fix the job definition",
        Reason::ManagedByExpress => "an Express service runs it: fix it there",
        Reason::ExemptionUnreadable => "its exemption could not be read",
        Reason::PartlyExempt => "only some of its containers are exempt",
        Reason::Race => "a newer revision came while the copy was made",
        Reason::CopyRemoved => "somebody deregistered the copy",
        Reason::UnfaithfulBefore => "a copy was not equal before",
        Reason::OutOfScope => "not among REMEDIATE_FAMILIES",
        Reason::AlertMode => "the mode only reports",
        Reason::Repeated => "three copies within an hour",
        Reason::AccessDenied => "AWS refused a call: a permission is missing",
        Reason::InvalidParameter => "AWS refused what was sent",
        Reason::LimitExceeded => "a quota of AWS is used up",
        Reason::BackupTampered => "the stored backup is not the original",
        Reason::RecordUnreadable => "its record could not be understood",
        Reason::MalformedDefinition => "the definition could not be understood",
        Reason::Refused => "AWS refused a call",
    }
}
