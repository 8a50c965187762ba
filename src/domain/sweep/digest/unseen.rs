//! What the sweep has not seen: what could not be read, what had to wait, and what it forgot.

use super::super::super::alert::words;
use super::super::super::escape::phrase;
use super::super::super::words::counted;
use super::Digest;
use super::part::Part;

pub(super) fn part(digest: &Digest) -> Part {
    let items = digest.evidence.unseen.iter().map(|unseen| vec![words(phrase(unseen))]).collect();
    let head = not_yet(digest).map(words).into_iter().collect();
    let foot = begun_anew(digest).map(words).into_iter().collect();
    Part { head, items, foot, ..Part::new("NOT SEEN") }
}

fn not_yet(digest: &Digest) -> Option<String> {
    let evidence = digest.evidence;
    match (evidence.revisions_total.saturating_sub(evidence.revisions_looked_at), evidence.is_complete) {
        (0, true) => None,
        // What waits has been seen, and NOT CHANGED tells it.
        (0, false) if digest.left_for_the_next_run > 0 => None,
        (0, false) => Some("Not everything could be done in this run; the next one goes on.".to_owned()),
        (left, _) => Some(format!(
            "{} not looked at yet; the next runs go on.",
            counted(left, "ACTIVE revision was", "ACTIVE revisions were")
        )),
    }
}

/// Why the sweeps know less than they did.
pub(super) fn begun_anew(digest: &Digest) -> Option<String> {
    let why = digest.started_over?;
    Some(format!("What earlier sweeps had noted (the watermark) was begun anew: {}.", phrase(why)))
}
