//! What may be ACTIVE in the family, what was done to get there, and the backup behind it.

use super::super::account::state::ecs::{Revision, Status};
use super::super::account::{Call, GUARD, Seen, State};
use super::super::story::BUCKET;
use super::super::world::BACKUP;
use super::{Verdict, is_ours, meaning, must};

/// An ACTIVE revision by who registered it and what it means.
pub(crate) type Shape = (bool, String);

pub(super) fn shapes(state: &State) -> Vec<Shape> {
    shapes_of(state, "web")
}

pub(super) fn shapes_of(state: &State, family: &str) -> Vec<Shape> {
    active(state, family).map(|revision| (is_ours(&revision.registered_by), meaning_of(revision))).collect()
}

/// What is ACTIVE when a run has come to its end.
pub(super) fn judge(state: &State) -> Verdict {
    judge_family(state, "web")?;
    judge_backup(state)
}

/// The same of any family, its backups aside.
pub(super) fn judge_family(state: &State, family: &str) -> Verdict {
    let mut people: Option<&Revision> = None;
    let mut copy: Option<&Revision> = None;
    for revision in active(state, family) {
        match is_ours(&revision.registered_by) {
            false => (people, copy) = (Some(revision), None),
            true => {
                let number = revision.number;
                must(copy.is_none(), || format!("{family}:{number} is a second ACTIVE copy"))?;
                copy = Some(revision);
                let original =
                    people.ok_or_else(|| format!("{family}:{number} is a copy of nothing that is ACTIVE"))?;
                let wanted = meaning::unprivileged(&original.input.to_json());
                let is_it = meaning_of(revision) == wanted;
                let older =
                    || format!("{family}:{number} is not what people registered last, {family}:{}", original.number);
                must(is_it, older)?;
            }
        }
    }
    Ok(())
}

/// Nothing privileged is registered, nothing of others deregistered, the backup comes before the copy, and exemptions
/// are read only.
pub(super) fn judge_calls(state: &State) -> Verdict {
    let mut backup_was_seen = false;
    for call in state.calls().iter().filter(|call| call.principal == GUARD) {
        match call.operation.as_str() {
            "RegisterTaskDefinition" => {
                must(call.privileged == Some(false), || "the guard registered privilege".to_owned())?;
                must(backup_was_seen, || "a copy was registered before the backup was there".to_owned())?;
            }
            "DeregisterTaskDefinition" => {
                let revision = state.ecs.revision(&call.resource);
                let ours = revision.is_some_and(|revision| is_ours(&revision.registered_by));
                must(ours, || format!("{} is not ours, and the guard deregistered it", call.resource))?;
            }
            "PutObject" | "DeleteObject" | "GetObject" => {
                let key = call.resource.split_once('/').map_or("", |(_, key)| key);
                backup_was_seen |= key == BACKUP && has_settled(call);
                let may = ["backups/", "records/"].iter().any(|folder| key.starts_with(folder));
                must(may || call.operation == "GetObject", || format!("the guard wrote {key}"))?;
                must(call.operation != "DeleteObject", || format!("the guard deleted {key}"))?;
            }
            _ => {
                must(!call.is_write() || call.operation == "Publish", || {
                    format!("the guard called {}", call.action())
                })?;
            }
        }
    }
    Ok(())
}

/// Whether the caller knows by this call that the object is there.
pub(super) fn has_settled(call: &Call) -> bool {
    matches!(call.seen, Seen::Done | Seen::Lost { done: true })
}

fn judge_backup(state: &State) -> Verdict {
    let versions = state.s3.versions(BUCKET, BACKUP);
    must(versions.len() <= 1, || "the backup was written over".to_owned())?;
    let has_registered = state
        .calls()
        .iter()
        .any(|call| call.principal == GUARD && call.operation == "RegisterTaskDefinition" && call.seen == Seen::Done);
    let serves = active(state, "web").any(|revision| is_ours(&revision.registered_by));
    // A copy that is there from before the story has its backup, or gets it.
    if has_registered || serves && super::records::newest(state, super::RECORD).is_some() {
        let body = versions.first().and_then(|version| version.body.as_deref()).ok_or("a copy without a backup")?;
        let original = state.ecs.revisions("web").find(|revision| revision.number == 1).expect("the original");
        let stored = meaning::of_text(&String::from_utf8_lossy(body));
        must(stored == meaning_of(original), || "the backup is not the original".to_owned())?;
    }
    Ok(())
}

pub(super) fn active<'a>(state: &'a State, family: &str) -> impl Iterator<Item = &'a Revision> {
    state.ecs.revisions(family).filter(|revision| revision.status == Status::Active)
}

pub(super) fn meaning_of(revision: &Revision) -> String {
    meaning::of_text(&revision.input.to_json())
}
