//! The top of the page: what it is about, what it may not show, the totals; and its foot. First comes what would make
//! the rest worth less: events that were missed, and what could not be read.

use jiff::Timestamp;

use super::super::super::super::arn::{Family, Revision};
use super::super::standing::Totals;
use super::super::{Evidence, Looker};
use super::{counted, list, number, some, time, words};

/// Revisions and sentences that are named one by one.
const NAMED_MAX: usize = 20;

const SCANNED: &str =
    "<p>Made by <code>guardctl scan</code>, with the rights of whoever ran it. It changed nothing.</p>\n";
const SCANNED_IN_PART: &str = "<p>Made by <code>guardctl scan</code>, with the rights of whoever ran it, <strong>who could \
                               not see all of it</strong>: what is missing comes first. It changed nothing.</p>\n";

pub(super) fn header(evidence: &Evidence) -> String {
    let does = match evidence.mode {
        "alert" => "reports, and changes nothing in ECS",
        "remediate" => "registers copies without privilege; what runs is not touched",
        "enforce" => "registers copies without privilege, and moves services to them",
        _ => "",
    };
    let made_by = match (&evidence.looker, evidence.unseen.is_empty()) {
        (Looker::Sweep { .. }, _) => "",
        (Looker::Scan { .. }, true) => SCANNED,
        (Looker::Scan { .. }, false) => SCANNED_IN_PART,
    };
    format!(
        "<header>\n<h1>Privileged containers in Amazon ECS</h1>\n\
         <p>Account <strong>{}</strong>, Region <strong>{}</strong>, as of <strong>{}</strong>. \
         Mode <strong>{}</strong>: {does}.</p>\n{made_by}</header>\n",
        evidence.home.account(),
        evidence.home.region(),
        time(evidence.at),
        words(evidence.mode),
    )
}

/// What was missed, what could not be read, what has not been looked at.
pub(super) fn caveats(evidence: &Evidence) -> String {
    let mut alarms = Vec::new();
    let mut notes = Vec::new();
    match &evidence.looker {
        Looker::Sweep { first_run, missed_by_event } if missed_by_event.is_empty() => notes.push(format!(
            "<p><strong>No event was missed.</strong> An event told of each privileged revision that was registered \
             since {} and has been looked at; the last 30 minutes are not judged yet.</p>",
            time(*first_run)
        )),
        Looker::Sweep { first_run, missed_by_event } => alarms.push(missed(*first_run, missed_by_event)),
        Looker::Scan { .. } => {}
    }
    if !evidence.unseen.is_empty() {
        alarms.push(format!(
            "<p><strong>This could not be read,</strong> so there may be more than this page shows:</p>\n{}",
            list(evidence.unseen.iter().map(|unseen| words(unseen)), NAMED_MAX)
        ));
    }
    let seen = format!(
        "{} of {}",
        number(evidence.revisions_looked_at),
        counted(evidence.revisions_total, "ACTIVE revision", "ACTIVE revisions")
    );
    match (evidence.is_complete, &evidence.looker) {
        (true, _) => notes.push(format!("<p><strong>All were looked at:</strong> {seen}.</p>")),
        (false, looker) => alarms.push(not_complete(&seen, looker)),
    }
    // What was missed stands first, whether it is an alarm or not; a scan says what it cannot judge after the rest.
    let (first, then) = match &evidence.looker {
        Looker::Sweep { missed_by_event, .. } if missed_by_event.is_empty() => {
            (notice("ok", &notes[..1]) + &notice("warn", &alarms), notice("ok", &notes[1..]))
        }
        Looker::Sweep { .. } => (notice("warn", &alarms), notice("ok", &notes)),
        Looker::Scan { .. } => (notice("warn", &alarms), notice("ok", &notes) + BY_RECORD),
    };
    format!(
        "<section aria-labelledby=\"caveats\">\n<h2 id=\"caveats\">How far this page can be trusted</h2>\n{first}{then}</section>\n"
    )
}

/// What a scan knows of what came before it, and what it does not.
const BY_RECORD: &str = "\
<p><strong>The state and the copy of a family</strong> are what the guard's record of its newest privileged revision \
says, where what was seen now bears it out. Exemptions are judged as of now.</p>
<p><strong>Events that were missed</strong> are not judged here: the report of a sweep does that.</p>\n";

fn missed(first_run: Timestamp, missed: &[(Family, Revision)]) -> String {
    let ids = missed.iter().map(|(family, it)| code(&family.revision(*it).to_string()));
    format!(
        "<p><strong>Events were missed:</strong> no event told of {} registered since {}; this sweep found \
         {}. Check that a trail logs write management events and that the rule is enabled. {}</p>",
        counted(missed.len(), "privileged revision", "privileged revisions"),
        time(first_run),
        if missed.len() == 1 { "it" } else { "them" },
        some(ids, NAMED_MAX, ", "),
    )
}

fn not_complete(seen: &str, looker: &Looker) -> String {
    match looker {
        Looker::Sweep { .. } => format!(
            "<p><strong>Not complete yet:</strong> {seen} looked at so far. The next runs go on; until then there may \
             be more than this page shows.</p>"
        ),
        Looker::Scan { latest_only: true } => format!(
            "<p><strong>Not complete:</strong> {seen} looked at: the latest of each family, and what runs \
             (<code>--latest</code>). There may be more than this page shows.</p>"
        ),
        Looker::Scan { latest_only: false } => {
            format!("<p><strong>Not complete:</strong> {seen} looked at. There may be more than this page shows.</p>")
        }
    }
}

fn notice(class: &str, paragraphs: &[String]) -> String {
    match paragraphs {
        [] => String::new(),
        paragraphs => format!("<div class=\"notice {class}\">\n{}\n</div>\n", paragraphs.join("\n")),
    }
}

pub(super) fn totals(evidence: &Evidence, totals: &Totals) -> String {
    let exempt = evidence.exemptions.iter().filter(|row| row.holds).count();
    let figures = [
        (totals.newest_privileged, "whose newest revision is privileged", "families"),
        (totals.running, "of which something privileged runs", "families"),
        (totals.callable, "of which something privileged can be started", "families"),
        (totals.services, "still on a privileged revision", "services"),
        (exempt, "that hold now", "exemptions"),
    ];
    let figures = figures.map(|(count, what, whose)| {
        let class = if count == 0 { "" } else { " class=\"some\"" };
        format!("<div{class}><dt><b>{whose}</b> {what}</dt><dd>{}</dd></div>\n", number(count))
    });
    format!(
        "<section aria-labelledby=\"totals\">\n<h2 id=\"totals\">Totals</h2>\n\
         <p>{} with an ACTIVE revision, {} in all. Three different questions, three answers:</p>\n\
         <dl class=\"figures\">\n{}</dl>\n</section>\n",
        counted(evidence.families_total, "family", "families"),
        counted(evidence.revisions_total, "ACTIVE revision", "ACTIVE revisions"),
        figures.concat(),
    )
}

pub(super) fn footer(looker: &Looker) -> String {
    let (by, beside) = match looker {
        Looker::Sweep { .. } => (
            "ecs-privileged-guard from what AWS answered",
            "For programs: <code>latest.json</code> beside this file; earlier states: the dated files.",
        ),
        Looker::Scan { .. } => (
            "<code>guardctl scan</code> of ecs-privileged-guard from what AWS answered to whoever ran it",
            "It is one look, and no report of the guard's own: its sweeps write those into the bucket. For programs: \
             <code>guardctl scan -o json</code>.",
        ),
    };
    format!(
        "<footer>\n<p>Made by {by}. Out of task definitions \
         it shows names of containers, and the modes, capabilities and host paths that give access to the host; nothing \
         else. {beside}</p>\n\
         </footer>\n"
    )
}

fn code(validated: &str) -> String {
    format!("<code>{validated}</code>")
}
