//! An event in a file, and how the guard understands it: in words, and by what it names.

use std::error::Error;

use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::event::{Event, EventError, Subject};
use ecs_privileged_guard::domain::provenance::{Provenance, Tool};
use serde::Serialize;

use crate::exit::Exit;
use crate::input::{Input, text_of};
use crate::trouble::Trouble;

/// An event of EventBridge is no larger:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>. Indented it may be some times as long.
const LENGTH_MAX: u64 = 8 << 20;

/// How an event is understood.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Understood {
    pub(super) id: Option<String>,
    pub(super) call: Option<String>,
    pub(super) at: Option<String>,
    pub(super) by: Option<String>,
    pub(super) tool: Option<&'static str>,
    /// What is looked at: `revision`, `latest_of`, `service`, `daemon`; nothing if that is not needed.
    looks_at: Option<&'static str>,
    /// Which.
    name: Option<String>,
    pub(super) meaning: String,
}

impl Understood {
    /// In words.
    pub(super) fn of(event: &Event) -> Self {
        match event {
            Event::FailedCall { task_definition, provenance } => {
                let of = task_definition.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
                let meaning = format!("the call{of} failed: nothing came of it");
                Self::by(provenance, None, task_definition.as_deref(), &meaning)
            }
            Event::Compliant { id, provenance } => {
                let meaning = format!("no container of {id} is privileged: nothing is looked at");
                Self::by(provenance, None, Some(&id.to_string()), &meaning)
            }
            Event::NotOurs { event_id } => {
                let provenance = Provenance::of_event(event_id.clone());
                Self::by(&provenance, None, None, "it is of a service that cannot be one of ours")
            }
            Event::Look { subject, provenance, .. } => {
                let (kind, name, meaning) = match subject {
                    Subject::Revision(id) => ("revision", id.to_string(), format!("{id} is looked at")),
                    Subject::LatestOf(family) => {
                        let meaning = format!("the latest ACTIVE revision of {family} is looked at");
                        ("latest_of", family.to_string(), meaning)
                    }
                    Subject::Service { id, .. } => {
                        let meaning = format!("the service {id} is looked at, and the revision that it is on");
                        ("service", id.to_string(), meaning)
                    }
                    Subject::Daemon(daemon) => {
                        let id = &daemon.id;
                        let meaning = format!("the daemon task definition {id} is looked at, and never changed");
                        ("daemon", id.to_string(), meaning)
                    }
                };
                Self::by(provenance, Some(kind), Some(&name), &meaning)
            }
        }
    }

    /// With who made the call, by the event's word. Whatever is text was written by others.
    fn by(provenance: &Provenance, kind: Option<&'static str>, name: Option<&str>, meaning: &str) -> Self {
        let shown = |text: &Option<String>| text.as_deref().map(escape::line);
        Self {
            id: shown(&provenance.event_id),
            call: shown(&provenance.call),
            at: shown(&provenance.event_time),
            by: shown(&provenance.actor_text()),
            tool: Some(provenance.tool).filter(|tool| *tool != Tool::Unknown).map(Tool::as_str),
            looks_at: kind,
            name: name.map(escape::line),
            meaning: escape::line(meaning),
        }
    }
}

/// The event's text.
pub(super) fn read(input: &Input) -> Result<String, Trouble> {
    let unread = |why: &dyn Error| Trouble::new(Exit::Failed, format!("{} could not be read", input.name)).because(why);
    let bytes = input.read(LENGTH_MAX).map_err(|error| unread(&error))?;
    let text = text_of(&bytes).map_err(|error| match error.hint() {
        Some(hint) => unread(&error).hint(hint),
        None => unread(&error),
    })?;
    Ok(text.to_owned())
}

/// The guard refuses it too.
pub(super) fn refused(input: &Input, why: &EventError) -> Trouble {
    let what = format!("the guard refuses the event in {}: {}", input.name, why.category());
    let hint = "its invocation fails, so that Lambda keeps the event in the dead-letter queue";
    Trouble::new(Exit::Failed, what).because(why).hint(hint)
}
