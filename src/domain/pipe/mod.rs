//! Whether the pipe is alive, from a registration to somebody who reads the alert: what was seen of each part of it, judged.
//! What could not be seen is never taken for well, nor for broken.
//!
//! In the order of the pipe: the [`stack`] that made it, the [`trail`] that tells of registrations, the [`rules`] that hand
//! them on, the [`functions`], whoever is subscribed to the [`topic`], the [`queues`] of what got stuck, the last sweep
//! ([`swept`]), the [`alarms`].

pub mod alarms;
pub mod functions;
pub mod queues;
mod row;
pub mod rules;
pub mod stack;
pub mod swept;
pub mod topic;
pub mod trail;
mod typed;

use jiff::Timestamp;

pub use self::row::{Health, Part, Row};
use self::typed::Place;
pub use self::typed::Typed;
use super::arn::Home;
use super::failure::CallFailure;
use super::sweep::evidence::{Shown, Unreadable};
use super::words::counted;

/// What was asked for, or why it is not known.
pub type Seen<T> = Result<T, CallFailure>;

/// All that was seen of it.
#[derive(Debug, Clone)]
pub struct Pipe {
    /// The account and Region.
    pub home: Home,
    /// What was typed to find it.
    pub typed: Typed,
    /// The stack itself.
    pub stack: stack::Stack,
    /// What it has made. Unknown: then rules, functions, queues and alarms have no names to ask for.
    pub resources: Seen<Vec<stack::Resource>>,
    /// The trails that are in sight of this Region.
    pub trails: Seen<Vec<trail::Trail>>,
    /// The rules.
    pub rules: Vec<rules::Rule>,
    /// The functions.
    pub functions: Vec<functions::Function>,
    /// The ARN of the topic of the alerts, and its subscriptions.
    pub topic: (String, Seen<Vec<topic::Subscription>>),
    /// The dead-letter queues.
    pub queues: Vec<queues::Queue>,
    /// The report of the last sweep; none if none has ended yet.
    pub last_report: Seen<Option<Result<Shown, Unreadable>>>,
    /// The alarms that were found, of those that the stack has made.
    pub alarms: Seen<Vec<alarms::Alarm>>,
}

/// How each part of it is, in the order of the pipe. Every part has a row, and everything that is not well has one of its
/// own.
#[must_use]
pub fn judge(pipe: &Pipe, now: Timestamp) -> Vec<Row> {
    let Pipe { home, typed, stack, .. } = pipe;
    let place = Place { home, typed };
    let (topic, subscriptions) = &pipe.topic;
    let mut rows = stack::judge(stack, &pipe.resources, place);
    rows.push(trail::judge(&pipe.trails, place));
    if pipe.resources.is_ok() {
        rows.extend(rules::judge(&pipe.rules, &pipe.functions, topic, place));
        rows.extend(functions::judge(&pipe.functions, place));
    }
    rows.extend(topic::judge(topic, subscriptions, stack.output("SubscribeCommand"), place));
    if pipe.resources.is_ok() {
        rows.extend(queues::judge(&pipe.queues, stack.output("RedriveCommand")));
    }
    rows.extend(swept::judge(&pipe.last_report, stack, &pipe.resources, place, now));
    if let Ok(resources) = &pipe.resources {
        let made = alarms::Made { resources, stack, topic };
        rows.extend(alarms::judge(&made, &pipe.alarms, place, now));
    }
    rows
}

/// What a name of AWS's is gone by: EventBridge, Lambda; SNS; SQS.
const GONE: [&str; 5] = [
    "ResourceNotFoundException",
    "NotFound",
    "NotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
];

/// Whether it is AWS's word that there is no such thing, which is an answer.
fn is_gone(failure: &CallFailure) -> bool {
    failure.code.as_deref().is_some_and(|code| GONE.contains(&code))
}

/// `10 rules`, or `8 of 10 rules`; nothing where none is.
fn of(well: usize, all: usize, one: &str, many: &str) -> Option<String> {
    match (well, counted(all, one, many)) {
        (0, _) => None,
        (well, all_of_them) if well == all => Some(all_of_them),
        (well, all_of_them) => Some(format!("{well} of {all_of_them}")),
    }
}

#[cfg(test)]
mod tests;
