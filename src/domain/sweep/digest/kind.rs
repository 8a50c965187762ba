//! What people are told of a revision falls into four: it was changed, it could not be, it was left as it is, or only a
//! copy of it was withdrawn. It also writes what many revisions have in common as one sentence.

use super::super::super::alert::in_words;
use super::super::super::outcome::{Outcome, Reason};
use super::super::super::words::{counted, number};
use super::{Digest, News};

/// So many revisions are named in one sentence.
const NAMED_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A copy of ours is in force that nobody was told of.
    Changed,
    /// A person must repair something.
    CouldNot,
    /// It stays as it is.
    Unchanged,
    /// It needs nothing; a copy of it had to go.
    Withdrawn,
}

impl Kind {
    pub(super) fn of(news: &News) -> Self {
        match (news.outcome, news.reason, &news.copy) {
            (Outcome::Remediated | Outcome::AlreadyRemediated, _, Some(_)) if news.copy_is_new => Self::Changed,
            // A person's, or one that people know: the news is what was withdrawn beside it.
            (Outcome::Remediated | Outcome::AlreadyRemediated, _, Some(_)) => Self::Withdrawn,
            (Outcome::Failed | Outcome::UnfaithfulCopyWithdrawn, _, _) => Self::CouldNot,
            (Outcome::Alerted, Some(Reason::ExemptionUnreadable), _) => Self::CouldNot,
            (Outcome::Alerted | Outcome::Superseded, _, _) => Self::Unchanged,
            // Neither is told without a copy.
            (Outcome::Remediated | Outcome::AlreadyRemediated, _, None) => Self::Unchanged,
            (Outcome::Exempt | Outcome::Inactive | Outcome::Compliant | Outcome::FailedRegistration, _, _) => {
                Self::Withdrawn
            }
        }
    }
}

impl Digest<'_> {
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &News> {
        self.news.iter().filter(move |news| Kind::of(news) == kind)
    }
}

/// Why, of one revision.
pub(super) fn because(news: &News) -> String {
    match (news.outcome, news.reason) {
        (Outcome::Superseded, Some(reason)) => format!("a newer revision has superseded it: {}", in_words(reason)),
        (_, Some(reason)) => in_words(reason).to_owned(),
        (Outcome::Superseded, None) => {
            "a newer revision has superseded it; whoever owns what runs it deploys the newer one".to_owned()
        }
        (Outcome::UnfaithfulCopyWithdrawn, None) => {
            "its copy came out different in more than the flag, and was withdrawn".to_owned()
        }
        (
            Outcome::Alerted
            | Outcome::Failed
            | Outcome::Remediated
            | Outcome::AlreadyRemediated
            | Outcome::Exempt
            | Outcome::Inactive
            | Outcome::Compliant
            | Outcome::FailedRegistration,
            None,
        ) => format!("it ended as {}", news.outcome.as_str()),
    }
}

/// `web:12, api:4 and 7 more`, each with what runs it.
pub(super) fn named<'a>(news: impl ExactSizeIterator<Item = &'a News>) -> String {
    let more = news.len().saturating_sub(NAMED_MAX);
    let named = news.take(NAMED_MAX).map(|news| {
        let copy = news.copy.as_ref().map(|copy| format!(", copy {copy}")).unwrap_or_default();
        match tasks(news) {
            None => format!("{}{copy}", news.id),
            Some(tasks) => format!("{} ({tasks}{copy})", news.id),
        }
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match more {
        0 => named,
        more => format!("{named} and {} more", number(more)),
    }
}

/// What runs it, if something does.
pub(super) fn tasks(news: &News) -> Option<String> {
    let tasks = usize::try_from(news.tasks).unwrap_or(usize::MAX);
    (tasks > 0).then(|| counted(tasks, "task", "tasks"))
}

/// What they have in common, put together in the order in which each is met first.
pub(super) fn grouped<'a, K: PartialEq>(
    news: impl Iterator<Item = &'a News>,
    key: impl Fn(&News) -> K,
) -> Vec<(K, Vec<&'a News>)> {
    let mut groups: Vec<(K, Vec<&'a News>)> = Vec::new();
    for one in news {
        let key = key(one);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(one),
            None => groups.push((key, vec![one])),
        }
    }
    // The largest first; a sort keeps the order of equals.
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups
}

/// One sentence about all of a group.
pub(super) fn sentence(group: &[&News], because: &str) -> String {
    let named = named(group.iter().copied());
    match group.len() {
        1 => format!("{named}: {because}"),
        many => format!("{} revisions, each because {because}: {named}", number(many)),
    }
}
