//! What the sweep changed, each with the one line that undoes it, and the copies that it took back, or could not.

use super::super::super::alert::{Line, undo, words};
use super::super::super::arn::TaskDefinitionId;
use super::super::super::outcome::Outcome;
use super::kind::{Kind, tasks};
use super::part::Part;
use super::{Digest, News, Setting};

/// The copies that are in force and were not told of: what came of each, it, and its copy.
pub(super) fn copies<'a>(digest: &'a Digest) -> impl Iterator<Item = (&'a News, &'a TaskDefinitionId)> {
    digest.of_kind(Kind::Changed).filter_map(|news| Some((news, news.copy.as_ref()?)))
}

pub(super) fn part(digest: &Digest, setting: &Setting) -> Part {
    let made: Vec<Vec<Line>> = copies(digest)
        .enumerate()
        .map(|(number, (news, copy))| {
            let how = match news.outcome {
                Outcome::Remediated => "copied, proven equal",
                Outcome::AlreadyRemediated => "copied by an earlier run, told now",
                Outcome::Alerted | Outcome::Superseded | Outcome::Failed | Outcome::UnfaithfulCopyWithdrawn => "copied",
                Outcome::Exempt | Outcome::Inactive | Outcome::Compliant | Outcome::FailedRegistration => "copied",
            };
            let running = tasks(news).map(|tasks| format!(" ({tasks})")).unwrap_or_default();
            vec![
                words(format!("{}. {}{running} -> {copy}: {how}", number + 1, news.id)),
                Line::Verbatim(undo::on_one_line(&news.id, copy, setting)),
            ]
        })
        .collect();
    let is_still =
        digest.of_kind(Kind::CouldNot).next().is_none() && others(digest).next().is_none() && digest.moves.is_empty();
    let touched = match setting.mode {
        "enforce" => "Services that run an original are moved to its copy; you hear of each when it has settled.",
        _ => "Nothing that runs was touched.",
    };
    let foot = match (made.is_empty(), setting.backout_function) {
        (true, _) if is_still => vec!["Nothing was changed.".to_owned()],
        (true, _) => vec!["No new copy is in force.".to_owned()],
        (false, Some(_)) => vec![format!(
            "{touched} Each command exempts the containers for 30 days and brings the original back; WHY and WHO \
                 are yours to say."
        )],
        (false, None) => vec![format!(
            "{touched} Each command makes the original its family's latest again; the guard respects that."
        )],
    };
    let others = others(digest).zip(made.len() + 1..).map(|(what, number)| vec![words(format!("{number}. {what}"))]);
    let items = made.iter().cloned().chain(others).collect();
    Part { items, foot: foot.into_iter().map(words).collect(), gives_way: 3, ..Part::new("CHANGED") }
}

/// What became of copies that are not in force. One that is ACTIVE all the same may be started, so it comes first.
pub(super) fn others(digest: &Digest) -> impl Iterator<Item = String> {
    let left = digest.news.iter().flat_map(|news| news.left.iter().map(move |copy| (news, copy)));
    let left = left.map(|(news, copy)| {
        format!("{copy} is still ACTIVE and not proven: the next look at {} deals with it", news.id)
    });
    let deregistered = |(news, copy, why): (&News, &TaskDefinitionId, &str)| {
        format!("Deregistered {copy}, a copy of {}: {why}", news.id)
    };
    left.chain(withdrawn(digest).map(deregistered))
}

/// Copies that were withdrawn: of which, the copy, and why.
pub(super) fn withdrawn<'a>(
    digest: &'a Digest,
) -> impl Iterator<Item = (&'a News, &'a TaskDefinitionId, &'static str)> {
    digest.news.iter().flat_map(|news| news.withdrawn.iter().map(move |(copy, why)| (news, copy, *why)))
}
