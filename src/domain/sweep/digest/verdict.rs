//! The digest in short: how much it matters, the headline, what no event told of, the verdict in one sentence, and
//! whether somebody must act now.

use super::super::super::alert::{SUBJECT_MAX, Severity, wrapped};
use super::super::super::outcome::Outcome;
use super::super::super::words::{counted, number};
use super::kind::Kind;
use super::state::is_partial;
use super::{Digest, Setting, services};

/// Revisions that are named in the first sentence.
const NAMED_MAX: usize = 5;

/// The worst of what it tells. Events that were missed, or a part that was not seen, are worse than they look.
pub(super) fn severity(digest: &Digest) -> Severity {
    let of_news = digest.news.iter().map(|news| Severity::of(news.outcome, news.reason)).max();
    let is_doubtful = !digest.evidence.missed_by_event().is_empty()
        || !digest.evidence.unseen.is_empty()
        || digest.started_over.is_some();
    let doubt = if is_doubtful { Severity::Warning } else { Severity::Info };
    of_news.unwrap_or(Severity::Info).max(services::severity(digest)).max(doubt)
}

/// For the subject and for chats: what matters most comes first, and what does not fit is left out.
pub(super) fn title(digest: &Digest, setting: &Setting) -> String {
    let count = |kind| digest.of_kind(kind).count();
    let withdrawn = digest.news.iter().map(|news| news.withdrawn.len()).sum();
    let counts = [
        (count(Kind::CouldNot), "FAILED", "FAILED"),
        (digest.evidence.missed_by_event().len(), "missed", "missed"),
        (services::count(digest, services::Kind::NotMoved), "service not moved", "services not moved"),
        (services::count(digest, services::Kind::WentBack), "rolled back", "rolled back"),
        (count(Kind::Changed), "copied", "copied"),
        (services::count(digest, services::Kind::Moved), "moved", "moved"),
        (withdrawn, "withdrawn", "withdrawn"),
        (count(Kind::Unchanged), "unchanged", "unchanged"),
        (digest.evidence.unseen.len(), "not seen", "not seen"),
        (digest.ending.len(), "exemption ends", "exemptions end"),
    ];
    let mut parts: Vec<String> = Vec::new();
    let with = |parts: &[String]| {
        let what = if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") };
        format!("[ECS privileged guard] sweep of {} {}: {what}", setting.home.account(), setting.home.region())
    };
    for (count, one, many) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        parts.push(counted(count, one, many));
        if with(&parts).len() > SUBJECT_MAX {
            parts.pop();
        }
    }
    with(&parts)
}

/// What no event told of, and what to check: nothing else in the message is as certain to come again.
pub(super) fn missed(digest: &Digest, setting: &Setting) -> Option<[String; 2]> {
    let missed = digest.evidence.missed_by_event();
    let new = match digest.missed_for_the_first_time {
        0 => "all named before".to_owned(),
        new if new >= missed.len() => "not named before".to_owned(),
        new => format!("{} not named before", number(new)),
    };
    let ids = missed.iter().take(NAMED_MAX).map(|(family, number)| family.revision(*number).to_string());
    let ids = ids.collect::<Vec<_>>().join(", ");
    let more = match missed.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {} more", number(more)),
    };
    (!missed.is_empty()).then(|| {
        [
            format!(
                "MISSED: no event told of {} ({new}): {ids}{more}.",
                counted(missed.len(), "privileged revision", "privileged revisions"),
            ),
            format!(
                "Check in {}: a trail logs write management events; the EventBridge rule is enabled.",
                setting.home.region()
            ),
        ]
    })
}

/// The verdict in one sentence.
pub(super) fn verdict(digest: &Digest, setting: &Setting) -> String {
    let changed = |outcome| digest.of_kind(Kind::Changed).filter(move |news| news.outcome == outcome).count();
    let revisions = |count| counted(count, "privileged revision", "privileged revisions");
    let withdrawn = digest.news.iter().map(|news| news.withdrawn.len()).sum();
    let services = |count| counted(count, "service", "services");
    let parts: Vec<String> = [
        (digest.of_kind(Kind::CouldNot).count(), "could not deal with", &revisions as &dyn Fn(usize) -> String),
        (changed(Outcome::Remediated), "made", &|count| {
            counted(count, "copy without privilege", "copies without privilege")
        }),
        (changed(Outcome::AlreadyRemediated), "found", &|count| {
            counted(count, "copy that was not told of", "copies that were not told of")
        }),
        (withdrawn, "withdrew", &|count| counted(count, "copy", "copies")),
        (digest.of_kind(Kind::Unchanged).count(), "left unchanged", &revisions),
        (services::count(digest, services::Kind::Moved), "moved", &services),
        (services::count(digest, services::Kind::WentBack), "found", &|count| {
            format!("{} back on the original", services(count))
        }),
        (services::count(digest, services::Kind::NotMoved), "did not move", &services),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, verb, what)| format!("{verb} {}", what(count)))
    .collect();
    let what = match parts.as_slice() {
        [] => "changed nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let seen = if is_partial(digest.evidence) { "; it has not seen everything" } else { "" };
    format!("The sweep of account {}, Region {} {what}{seen}.", setting.home.account(), setting.home.region())
}

/// Whether somebody must act now.
pub(super) fn must_act(digest: &Digest) -> &'static str {
    match (severity(digest), digest.ending.is_empty()) {
        (Severity::Critical, _) if services::severity(digest) == Severity::Critical => {
            match digest.of_kind(Kind::CouldNot).next() {
                Some(_) => "Act now? Yes: see COULD NOT and SERVICES.",
                None => "Act now? Yes: see SERVICES.",
            }
        }
        (Severity::Critical, _) => "Act now? Yes: see COULD NOT.",
        (Severity::Warning, true) => "Act now? No; look at it in working hours.",
        (Severity::Warning, false) => "Act now? No; look at it in working hours, and at ENDING before the end.",
        (Severity::Info, true) => "Act now? No.",
        (Severity::Info, false) => "Act now? Only if an exemption is still needed: see ENDING.",
    }
}

/// The first lines.
pub(super) fn in_short(digest: &Digest, setting: &Setting) -> Vec<String> {
    let missed = missed(digest, setting).into_iter().flatten();
    let lines = missed.chain([verdict(digest, setting), must_act(digest).to_owned()]);
    lines.flat_map(|line| wrapped(&line, "", "  ")).collect()
}
