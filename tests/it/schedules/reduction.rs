//! Two other ways through the same schedules, against which the search is checked. One tries every order from its
//! beginning to its end and knows no short cut; the other leaves out, by sleep sets, orders that differ only in
//! neighbours that do not touch the same. All three must end in the same points.

use std::collections::HashSet;
use std::rc::Rc;

use super::ledger::Step;
use super::search::{Choice, Point, Search};
use crate::account::Call;

/// What was found.
#[derive(Default)]
pub(super) struct Reached {
    pub(super) schedules: u128,
    pub(super) ends: HashSet<Point>,
}

/// A step that is possible, with what it touches.
type Possible = (Choice, Option<Rc<Footprint>>);

/// What a step reads and writes. Nobody knows it of what others do: that counts as everything.
#[derive(Debug, PartialEq, Eq)]
enum Footprint {
    Reads(String),
    Writes(Vec<String>),
    Everything,
}

impl Footprint {
    /// Of a step; nothing where it touches nothing, as a death or an alert, whose order nobody can see.
    fn of(step: Option<&Step>) -> Option<Rc<Self>> {
        let call = match step {
            None => return None,
            Some(Step { call: None, .. }) => return Some(Rc::new(Self::Everything)),
            Some(Step { call: Some(call), .. }) => call,
        };
        Self::of_call(call).map(Rc::new)
    }

    fn of_call(call: &Call) -> Option<Self> {
        let (numbers, resource) = ("numbers".to_owned(), call.resource.clone());
        match call.operation.as_str() {
            "DescribeTaskDefinition" | "GetObject" | "ListObjectsV2" => Some(Self::Reads(resource)),
            "ListTaskDefinitions" => Some(Self::Reads(numbers)),
            // Nobody asks for a number before it is given.
            "RegisterTaskDefinition" => Some(Self::Writes(vec![numbers])),
            "DeregisterTaskDefinition" => Some(Self::Writes(vec![numbers, resource])),
            "PutObject" => Some(Self::Writes(vec![resource])),
            "Publish" => None,
            _ => Some(Self::Everything),
        }
    }

    fn is_independent(&self, other: &Self) -> bool {
        // A list of objects reads a prefix of what a write names.
        match (self, other) {
            (Self::Reads(_), Self::Reads(_)) => true,
            (Self::Everything, _) | (_, Self::Everything) => false,
            (Self::Reads(read), Self::Writes(written)) | (Self::Writes(written), Self::Reads(read)) => {
                !written.iter().any(|written| written.starts_with(read))
            }
            (Self::Writes(one), Self::Writes(other)) => !one.iter().any(|it| other.contains(it)),
        }
    }
}

fn is_independent((a, of_a): &Possible, (b, of_b): &Possible) -> bool {
    // Two deaths share the number of deaths that are left.
    a.party != b.party
        && !(a.dies && b.dies)
        && match (of_a.as_deref(), of_b.as_deref()) {
            (Some(a), Some(b)) => a.is_independent(b),
            // Which run lives when somebody else acts decides what must become of its copy.
            (Some(Footprint::Everything), None) | (None, Some(Footprint::Everything)) => false,
            (_, None) | (None, _) => true,
        }
}

impl Search<'_> {
    /// Tries every order.
    pub(super) fn every_order(&mut self) -> Reached {
        let mut reached = Reached::default();
        let mut open = vec![self.start.clone()];
        while let Some(point) = open.pop() {
            let choices = self.choices(&point);
            if choices.is_empty() {
                reached.schedules += 1;
                reached.ends.insert(point);
            }
            open.extend(choices.into_iter().map(|(_, next, _)| next));
        }
        reached
    }

    /// Tries one of all orders that differ only in independent neighbours.
    pub(super) fn reduced(&mut self) -> Reached {
        let mut reached = Reached::default();
        let mut open = vec![(self.start.clone(), Vec::<Possible>::new())];
        while let Some((point, mut asleep)) = open.pop() {
            let choices = self.choices(&point);
            if choices.is_empty() {
                reached.schedules += 1;
                reached.ends.insert(point);
                continue;
            }
            for (choice, next, step) in choices {
                let possible = (choice, Footprint::of(step.as_ref()));
                if asleep.iter().any(|(sleeping, _)| *sleeping == choice) {
                    continue;
                }
                let still_asleep = asleep.iter().filter(|other| is_independent(other, &possible)).cloned();
                open.push((next, still_asleep.collect()));
                asleep.push(possible);
            }
        }
        reached
    }
}
