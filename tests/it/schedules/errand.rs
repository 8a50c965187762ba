//! What a run is handed: the guard an event, backout a person's request, sweep nothing.

use ecs_privileged_guard::domain::backout::answer as backout;
use ecs_privileged_guard::reconcile;

use super::ledger::event_of;
use crate::account::State;

/// What a run is about; whoever dies is handed the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Errand {
    /// The guard, and the event of that revision.
    Event(usize),
    /// The guard, and the last event that has all these words.
    Told(&'static [&'static str]),
    /// Backout, and what an operator asks of it.
    Request(&'static str),
    /// Sweep, by the schedule.
    Sweep,
}

impl Errand {
    /// What is handed over, word by word. Nothing where there is no such event.
    pub(super) fn work(self, state: &State) -> Option<Work> {
        match self {
            Self::Event(number) => event_of(state, number).map(Work::Event),
            Self::Told(words) => told(state, words).map(Work::Event),
            Self::Request(request) => Some(Work::Request(request)),
            Self::Sweep => Some(Work::Sweep),
        }
    }

    /// In short.
    pub(super) fn name(self) -> String {
        match self {
            Self::Event(number) => format!("web:{number}"),
            Self::Told(words) => words.join(" "),
            Self::Request(request) => format!("backout {request}"),
            Self::Sweep => "sweep".to_owned(),
        }
    }
}

/// The last event about a service or a call that has all these words.
fn told(state: &State, words: &[&str]) -> Option<String> {
    let is_it = |event: &&String| words.iter().all(|word| event.contains(word));
    state.trail().iter().chain(state.deployment_events()).rfind(is_it).cloned()
}

/// The input of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Event(String),
    Request(&'static str),
    Sweep,
}

/// What a run answers.
#[derive(Debug, Clone)]
pub(super) enum Said {
    Guard(reconcile::Said),
    Backout(backout::Answer),
    Sweep(reconcile::SweepAnswer),
}

/// How a run ended: an answer, or the category of the error that its caller gets.
pub(super) type Ended = Result<Said, String>;
