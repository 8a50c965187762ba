//! The top of the page: what it is about, what it may not show, the totals; and its foot. First comes what would make
//! the rest worth less: events that were missed, and what could not be read.

use super::super::Evidence;
use super::super::standing::Totals;
use super::{counted, list, number, some, time, words};

/// Revisions and sentences that are named one by one.
const NAMED_MAX: usize = 20;

pub(super) fn header(evidence: &Evidence) -> String {
    let does = match evidence.mode {
        "alert" => "reports, and changes nothing in ECS",
        "remediate" => "registers copies without privilege; what runs is not touched",
        "enforce" => "registers copies without privilege, and moves services to them",
        _ => "",
    };
    format!(
        "<header>\n<h1>Privileged containers in Amazon ECS</h1>\n\
         <p>Account <strong>{}</strong>, Region <strong>{}</strong>, as of <strong>{}</strong>. \
         Mode <strong>{}</strong>: {does}.</p>\n</header>\n",
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
    let since = time(evidence.first_run);
    match evidence.missed_by_event.len() {
        0 => notes.push(format!(
            "<p><strong>No event was missed.</strong> An event told of each privileged revision that was registered \
             since {since} and has been looked at; the last 30 minutes are not judged yet.</p>"
        )),
        count => {
            let ids = evidence.missed_by_event.iter().map(|(family, it)| code(&family.revision(*it).to_string()));
            alarms.push(format!(
                "<p><strong>Events were missed:</strong> no event told of {} registered since {since}; this sweep found \
                 {}. Check that a trail logs write management events and that the rule is enabled. {}</p>",
                counted(count, "privileged revision", "privileged revisions"),
                if count == 1 { "it" } else { "them" },
                some(ids, NAMED_MAX, ", "),
            ));
        }
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
    match evidence.is_complete {
        true => notes.push(format!("<p><strong>All were looked at:</strong> {seen}.</p>")),
        false => alarms.push(format!(
            "<p><strong>Not complete yet:</strong> {seen} looked at so far. The next runs go on; until then there may \
             be more than this page shows.</p>"
        )),
    }
    // What was missed stands first, whether it is an alarm or not.
    let (first, then) = match evidence.missed_by_event.is_empty() {
        true => (notice("ok", &notes[..1]) + &notice("warn", &alarms), notice("ok", &notes[1..])),
        false => (notice("warn", &alarms), notice("ok", &notes)),
    };
    format!(
        "<section aria-labelledby=\"caveats\">\n<h2 id=\"caveats\">How far this page can be trusted</h2>\n{first}{then}</section>\n"
    )
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

pub(super) fn footer() -> String {
    "<footer>\n<p>Made by ecs-privileged-guard from what AWS answered. Out of task definitions \
     it shows names of containers, and the modes, capabilities and host paths that give access to the host; nothing \
     else. For programs: <code>latest.json</code> beside this file; earlier states: the dated files.</p>\n\
     </footer>\n"
        .to_owned()
}

fn code(validated: &str) -> String {
    format!("<code>{validated}</code>")
}
