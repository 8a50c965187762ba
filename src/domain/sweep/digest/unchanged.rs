//! What stays as it is, by why, and what has to wait for the next run.

use super::super::super::alert::words;
use super::super::super::outcome::Reason;
use super::super::super::words::{counted, number};
use super::kind::{Kind, because, grouped, named, sentence};
use super::part::Part;
use super::{Digest, News};

/// One sentence for each why.
pub(super) fn groups(digest: &Digest) -> Vec<String> {
    let key = |news: &News| (news.outcome, news.reason, is_old(news));
    let groups = grouped(digest.of_kind(Kind::Unchanged), key);
    groups.iter().map(|(_, group)| of_group(digest, group)).collect()
}

pub(super) fn part(digest: &Digest) -> Part {
    let items = groups(digest).into_iter().map(|group| vec![words(group)]).collect();
    let foot = waiting(digest).map(words).into_iter().collect();
    Part { items, foot, ..Part::new("NOT CHANGED") }
}

/// Whether it stays as it is for its age. It may be out of scope besides: that is known only when its turn comes.
fn is_old(news: &News) -> bool {
    news.existed_before && news.reason == Some(Reason::OutOfScope)
}

fn of_group(digest: &Digest, group: &[&News]) -> String {
    let Some(first) = group.first() else { return String::new() };
    if !is_old(first) {
        return sentence(group, &because(first));
    }
    let (stay, get) = match group.len() {
        1 => ("it stays as it is", "gives it a copy"),
        _ => ("they stay as they are", "gives them copies"),
    };
    format!(
        "{} existed before the first run ({}), so {stay}. REMEDIATE_EXISTING=true {get}, 25 a run, where \
         REMEDIATE_FAMILIES names the family: {}",
        counted(group.len(), "revision", "revisions"),
        digest.evidence.first_run().map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default(),
        named(group.iter().copied()),
    )
}

/// What has its turn later.
pub(super) fn waiting(digest: &Digest) -> Option<String> {
    let why = match digest.stopped_writing {
        true => "this one stopped making copies",
        false => "of what existed before the first run, 25 a run get copies",
    };
    let waiting = digest.left_for_the_next_run;
    let waits = if waiting == 1 { "waits" } else { "wait" };
    let what = if waiting == 1 { "privileged revision" } else { "privileged revisions" };
    (waiting > 0).then(|| format!("{} more {what} {waits} for the next runs: {why}.", number(waiting)))
}
