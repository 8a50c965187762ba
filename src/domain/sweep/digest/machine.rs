//! The digest as one JSON document, like the alert's: flat fields with a `schemaVersion` for programs, and the members of
//! a custom notification for Amazon Q Developer in chat. What a chat renders is our own words and validated ids; other
//! text passes the chat's escaper.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use serde_json::{Map, Value, json};

use super::super::super::alert::notification::{Notification, STEP_MAX, members};
use super::super::super::alert::undo;
use super::super::super::escape::{chat, phrase, plain};
use super::super::super::moves::alert::{statement, undo_on_one_line, verdict as move_verdict};
use super::super::super::outcome::Reason;
use super::super::evidence::totals;
use super::changed::{copies, others, withdrawn};
use super::kind::{Kind, because, grouped, sentence};
use super::place::reports;
use super::state::answers;
use super::statement::together;
use super::verdict::{missed, must_act, verdict};
use super::{Digest, News, Setting, ending, services, unchanged, unseen};

/// Changes and sentences that a chat shows: it has a link to nothing, so it says how many there are more.
const SHOWN_MAX: usize = 5;

/// A list for programs, of which as much is kept as there is room for.
struct List {
    name: &'static str,
    items: Vec<Value>,
}

/// The document, in at most so many bytes of a JSON string, if without lists it is not longer.
pub(super) fn document(
    digest: &Digest,
    setting: &Setting,
    title: &str,
    attributes: &[(&'static str, String)],
    bytes_max: usize,
) -> Value {
    let [page, report] = reports(digest, setting);
    let mut fields = members(attributes);
    let mut context = fields.clone();
    context.insert("report".to_owned(), json!(report));
    let evidence = digest.evidence;
    let notification = Notification {
        title,
        description: description(digest, setting),
        next_steps: next_steps(digest, setting, &page),
        keywords: vec!["digest", setting.home.account(), setting.home.region()],
        thread: "sweep",
        context,
    };
    let more = json!({
        "at": evidence.at,
        "firstRun": evidence.first_run(),
        "complete": evidence.is_complete,
        "totals": totals(evidence),
        "missedByEvent": evidence.missed_by_event().len(),
        "missedForTheFirstTime": digest.missed_for_the_first_time,
        "heldBack": digest.held_back,
        "leftForTheNextRun": digest.left_for_the_next_run,
        "stoppedWriting": digest.stopped_writing,
        "startedOver": digest.started_over.map(phrase),
        "report": report,
    });
    let lists = lists(digest, setting);
    let left_out: Map<String, Value> =
        lists.iter().map(|list| (list.name.to_owned(), json!(list.items.len()))).collect();
    let names: Map<String, Value> = lists.iter().map(|list| (list.name.to_owned(), json!([]))).collect();
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields.extend(names);
    fields.insert("leftOut".to_owned(), Value::Object(left_out));
    let mut document = notification.document(fields);
    let room = bytes_max.saturating_sub(size(&json!(document)));
    let (kept, left_out) = share(lists, room);
    document.extend(kept);
    document.insert("leftOut".to_owned(), Value::Object(left_out));
    Value::Object(document)
}

/// How many bytes a document takes as a string inside of JSON, with a comma.
fn size(value: &Value) -> usize {
    json!(value.to_string()).to_string().len()
}

/// What is kept of each list, and how many of its items are not: one item of each in turn, so that a long list does not
/// push out a short one.
fn share(lists: Vec<List>, mut room: usize) -> (Map<String, Value>, Map<String, Value>) {
    let mut open: Vec<_> =
        lists.into_iter().map(|list| (list.name, list.items.len(), list.items.into_iter(), Vec::new(), true)).collect();
    while open.iter().any(|(.., is_open)| *is_open) {
        for (_, _, items, kept, is_open) in open.iter_mut().filter(|(.., is_open)| *is_open) {
            match items.next().map(|item| (size(&item), item)) {
                Some((size, item)) if size <= room => {
                    room -= size;
                    kept.push(item);
                }
                // The rest is counted: a list from whose middle something is missing would be read as whole.
                Some(_) | None => *is_open = false,
            }
        }
    }
    let left_out = open.iter().map(|(name, all, _, kept, _)| ((*name).to_owned(), json!(all - kept.len()))).collect();
    (open.into_iter().map(|(name, _, _, kept, _)| (name.to_owned(), json!(kept))).collect(), left_out)
}

fn lists(digest: &Digest, setting: &Setting) -> Vec<List> {
    let of = |news: &News| {
        json!({
            "taskDefinition": news.id.to_string(),
            "outcome": news.outcome.as_str(),
            "reason": news.reason.map(Reason::as_str),
            "tasks": news.tasks,
        })
    };
    let and = |mut item: Value, more: Value| {
        if let (Some(item), Value::Object(more)) = (item.as_object_mut(), more) {
            item.extend(more);
        }
        item
    };
    let changed = copies(digest).map(|(news, copy)| {
        and(of(news), json!({ "copy": copy.to_string(), "undo": undo::on_one_line(&news.id, copy, setting) }))
    });
    let failed = digest.of_kind(Kind::CouldNot).map(|news| {
        let copy = news.copy.as_ref().map(ToString::to_string);
        let statement = news.statement.as_deref().and_then(|text| together([text].into_iter()));
        and(of(news), json!({ "copy": copy, "failure": news.failure.as_deref().map(phrase), "statement": statement.map(|(text, _)| text) }))
    });
    let not_changed = digest.of_kind(Kind::Unchanged);
    let withdrawn = withdrawn(digest).map(
        |(news, copy, why)| json!({ "taskDefinition": news.id.to_string(), "copy": copy.to_string(), "why": why }),
    );
    let missed = digest.evidence.missed_by_event().iter();
    let ending = digest.ending.iter().map(|(family, end)| json!({ "family": family.as_str(), "expiresAt": end }));
    let services = services::in_order(digest).into_iter().map(|report| {
        json!({
            "cluster": plain(&report.service.cluster),
            "service": plain(&report.service.name),
            "state": report.entry.state.as_str(),
            "reason": report.reason(),
            "taskDefinition": report.entry.original.to_string(),
            "copy": report.entry.copy.as_ref().map(ToString::to_string),
            "failure": report.failure.as_ref().map(|failure| phrase(&failure.to_string())),
            "statement": statement(report, setting),
            "undo": undo_on_one_line(report, setting),
        })
    });
    vec![
        List { name: "services", items: services.collect() },
        List { name: "changed", items: changed.collect() },
        List { name: "failed", items: failed.collect() },
        List { name: "withdrawn", items: withdrawn.collect() },
        List {
            name: "notChanged",
            items: not_changed.map(|news| and(of(news), json!({ "existedBefore": news.existed_before }))).collect(),
        },
        List { name: "missed", items: missed.map(|(family, it)| json!(family.revision(*it).to_string())).collect() },
        List { name: "ending", items: ending.collect() },
        List { name: "unseen", items: digest.evidence.unseen.iter().map(|unseen| json!(phrase(unseen))).collect() },
    ]
}

/// For a chat: the mail without what is to be pasted.
fn description(digest: &Digest, setting: &Setting) -> String {
    let missed = missed(digest, setting).into_iter().flatten();
    let changed: Vec<String> =
        copies(digest).map(|(news, copy)| format!("{copy} is the copy of {}", news.id)).collect();
    let failed = grouped(digest.of_kind(Kind::CouldNot), |news| (news.outcome, news.reason));
    let failed = failed.iter().map(|(_, group)| {
        let because = group.first().map(|news| because(news)).unwrap_or_default();
        format!("COULD NOT: {}", sentence(group, &because))
    });
    let ending = digest.ending.iter().map(|it| format!("ENDING: {}", ending::line(it, digest.evidence.at)));
    let unseen = digest.evidence.unseen.iter().map(|unseen| format!("Not seen: {}", chat(unseen)));
    let of_services = services::in_order(digest).into_iter().map(|report| chat(&move_verdict(report)));
    let lists: [Vec<String>; 7] = [
        failed.collect(),
        of_services.collect(),
        changed,
        others(digest).collect(),
        unchanged::groups(digest).into_iter().chain(unchanged::waiting(digest)).collect(),
        ending.collect(),
        unseen.chain(unseen::begun_anew(digest)).collect(),
    ];
    let lists = lists.into_iter().flat_map(|list| {
        let more = list.len().saturating_sub(SHOWN_MAX);
        let more = (more > 0).then(|| format!("and {more} more like this"));
        list.into_iter().take(SHOWN_MAX).chain(more)
    });
    missed.chain([verdict(digest, setting)]).chain(answers(digest.evidence)).chain(lists).collect::<Vec<_>>().join("\n")
}

/// What to do now. A command that would be cut is left out.
fn next_steps(digest: &Digest, setting: &Setting, page: &str) -> Vec<String> {
    let undo = copies(digest).take(SHOWN_MAX).map(|(news, copy)| undo::on_one_line(&news.id, copy, setting));
    let undo = undo.map(|command| format!("Undo: {command}")).filter(|step| step.chars().count() <= STEP_MAX);
    let report = format!("Read the report: {page}");
    [must_act(digest).to_owned()].into_iter().chain(undo).chain([report]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_does_not_push_out_a_short_one_and_what_is_cut_is_counted() {
        let list = |name, count, text: &str| List { name, items: vec![json!(text); count] };
        let long = "x".repeat(50);
        let (kept, left_out) = share(vec![list("long", 100, &long), list("short", 3, "y")], 1_000);
        assert_eq!(kept["short"].as_array().unwrap().len(), 3);
        let many = kept["long"].as_array().unwrap().len();
        assert!((10..20).contains(&many), "{many}");
        assert_eq!((left_out["long"].as_u64().unwrap(), left_out["short"].as_u64()), (100 - many as u64, Some(0)));
    }

    #[test]
    fn a_size_is_that_inside_of_a_text() {
        assert_eq!(size(&json!({ "a": "\"" })), r#""{\"a\":\"\\\"\"}""#.len());
    }
}
