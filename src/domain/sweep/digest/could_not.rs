//! What the sweep could not do: what failed for the same reason is told once, with one failure in full and the statement
//! that heals all of it.

use std::cmp::Reverse;

use super::super::super::alert::{Line, Severity, words};
use super::super::super::escape::{phrase, plain};
use super::super::super::outcome::{Outcome, Reason};
use super::super::super::words::counted;
use super::kind::{Kind, because, grouped, sentence};
use super::part::Part;
use super::statement::{together, without_resources};
use super::{Digest, News, Setting};

pub(super) fn part(digest: &Digest, setting: &Setting) -> Part {
    let key = |news: &News| (news.outcome, news.reason, news.statement.as_deref().and_then(without_resources));
    let mut groups = grouped(digest.of_kind(Kind::CouldNot), key);
    // What must be repaired now comes first; of equals the larger group.
    groups.sort_by_key(|((outcome, reason, _), _)| Reverse(Severity::of(*outcome, *reason)));
    let items = groups.iter().map(|(_, group)| of_group(group, setting)).collect();
    Part { items, foot: foot(digest), gives_way: 1, ..Part::new("COULD NOT") }
}

fn of_group(group: &[&News], setting: &Setting) -> Vec<Line> {
    let because = group.first().map(|news| because(news)).unwrap_or_default();
    let mut lines = vec![words(sentence(group, &because))];
    let failure = group.iter().find_map(|news| Some((&news.id, news.failure.as_ref()?)));
    lines.extend(failure.map(|(id, failure)| match group.len() {
        1 => words(phrase(failure)),
        _ => words(format!("What failed for {id}: {}", phrase(failure))),
    }));
    if let Some((statement, left_out)) = together(group.iter().filter_map(|news| news.statement.as_deref())) {
        let roles = setting.roles.iter().map(|role| plain(&role.to_string())).collect::<Vec<_>>().join(" or ");
        let role = if roles.is_empty() { "the sweep's role".to_owned() } else { format!("role {roles}") };
        lines.push(words(format!("Unless a policy denies it on purpose, add this statement to {role}:")));
        lines.push(Line::Verbatim(statement));
        if left_out > 0 {
            let more = counted(left_out, "more resource", "more resources");
            lines.push(words(format!("It leaves out {more} of the same kind, to be added too.")));
        }
    }
    let hint = match group.first().and_then(|news| news.reason) {
        Some(Reason::LimitExceeded) => Some("Raise the quota in Service Quotas, or free some of it."),
        Some(Reason::ExemptionUnreadable) => Some("Mend the exemption: nothing is changed until it can be read."),
        Some(Reason::InvalidParameter | Reason::Refused) => {
            Some("Why, says AWS's message in CloudTrail: look for the request id.")
        }
        Some(Reason::BackupTampered) => {
            Some("The bucket's versions say who wrote it. Nothing is registered meanwhile.")
        }
        Some(Reason::RecordUnreadable) => Some("Deploy the version that wrote it, or move it away."),
        Some(Reason::AccessDenied | Reason::MalformedDefinition) => None,
        Some(Reason::InactiveInUse | Reason::DaemonTaskDefinition | Reason::ManagedByBatch) => None,
        Some(Reason::ManagedByExpress | Reason::PartlyExempt | Reason::Race | Reason::CopyRemoved) => None,
        Some(Reason::UnfaithfulBefore | Reason::OutOfScope | Reason::AlertMode | Reason::Repeated) | None => None,
    };
    lines.extend(hint.map(words));
    lines
}

fn foot(digest: &Digest) -> Vec<Line> {
    let is_any = |outcome| digest.of_kind(Kind::CouldNot).any(|news| news.outcome == outcome);
    let stopped = digest.stopped_writing.then_some("Two copies came out different, so this run made no more.");
    let set_by_ecs = (digest.stopped_writing || is_any(Outcome::UnfaithfulCopyWithdrawn))
        .then_some("Does ECS itself set what differs? Name it in OUTPUT_ONLY_MEMBERS.");
    let open = digest.of_kind(Kind::CouldNot).any(|news| news.copy.is_none());
    let open = open.then_some("What has no copy in force is as privileged as it was.");
    let again = is_any(Outcome::Failed).then_some("Each sweep tries again what failed, without a new message.");
    let lines = [stopped, set_by_ecs, open, again].into_iter().flatten();
    lines.map(words).collect()
}
