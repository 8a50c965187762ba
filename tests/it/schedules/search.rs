//! The points of a scenario, and the choices that lead from one to the next.

use std::fmt;
use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;
use jiff::Timestamp;

use super::aftermath::{APART, End, end};
use super::errand::Errand;
use super::judge::{Shape, unrecorded_copy};
use super::ledger::{Books, Ledger, Step};
use super::minds::{Mind, Minds, Next};
use super::scenario::{Party, Scenario, news};
use super::services::is_on_original;
use super::settle::settle;
use crate::account::State;
use crate::account::http::Request;

/// What happened before the story is so long ago.
const LATER: Duration = Duration::from_mins(10);

/// How far a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Not begun.
    Awaits,
    /// A run, and what it is about.
    Runs(Mind, Errand),
    /// The run was killed; it will be handed the same again.
    Killed(Errand),
    /// Somebody else has done what they do, and this copy must go.
    Done(Option<usize>),
    /// Somebody has said, while the service was on its original, that it is to stay there.
    Kept,
}

/// An account, and how far each party is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Point {
    pub(super) books: Books,
    pub(super) stages: Vec<Stage>,
    pub(super) kills: u8,
}

/// Who goes on, or dies instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) party: usize,
    pub(super) dies: bool,
}

impl fmt::Display for Choice {
    /// `0`, `1`, … go on; `a`, `b`, … die.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dies {
            false => write!(f, "{}", self.party),
            true => write!(f, "{}", char::from(b'a' + u8::try_from(self.party).expect("a few parties"))),
        }
    }
}

impl Choice {
    pub(super) fn read(text: char) -> Option<Self> {
        let party = |first: u8| usize::try_from(u32::from(text)).ok()?.checked_sub(usize::from(first));
        match text {
            '0'..='9' => Some(Self { party: party(b'0')?, dies: false }),
            'a'..='z' => Some(Self { party: party(b'a')?, dies: true }),
            _ => None,
        }
    }
}

/// The search through one scenario.
pub(super) struct Search<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) ledger: Ledger,
    pub(super) start: Point,
    /// When all begin that are there from the beginning.
    pub(super) at: Timestamp,
}

impl<'a> Search<'a> {
    pub(super) fn new(scenario: &'a Scenario, start: State, minds: Minds) -> Self {
        let mut at = start.now;
        let (mut ledger, mut books) = Ledger::new(start, minds);
        if let Some(since) = scenario.since_remediated {
            let work = Errand::Event(1).work(ledger.account(books)).expect("an event");
            let delivery = ledger.deliver(books, &work, at);
            assert!(delivery.ended.is_ok() && delivery.broken.is_none(), "{:?}", delivery.ended);
            at += LATER;
            books = ledger.changed(delivery.books, at, since);
        }
        let stages = scenario.parties.iter().enumerate().map(|(number, party)| {
            let errand = match party {
                Party::Guard(number) => Errand::Event(*number),
                Party::Backout(request) => Errand::Request(request),
                Party::Sweep => Errand::Sweep,
                Party::GuardOf(words) if Errand::Told(words).work(ledger.account(books)).is_some() => {
                    Errand::Told(words)
                }
                Party::GuardOf(_) => return Stage::Awaits,
                Party::GuardOfNews | Party::Other(_) => return Stage::Awaits,
            };
            let work = errand.work(ledger.account(books)).expect("an event");
            Stage::Runs(ledger.minds.begin(&work, at + scenario.apart(number)), errand)
        });
        let start = Point { books, stages: stages.collect(), kills: scenario.kills };
        Self { scenario, ledger, start, at }
    }

    /// A run is handed something, for the first time or again.
    fn begin(&mut self, books: Books, party: usize, errand: Errand, deaths: u8) -> Option<Mind> {
        let work = errand.work(self.ledger.account(books))?;
        let at = self.at + self.scenario.apart(party) + APART * u32::from(deaths);
        Some(self.ledger.minds.begin(&work, at))
    }

    /// Where a choice leads. Nothing if there is no such choice here.
    pub(super) fn take(&mut self, point: &Point, choice: Choice) -> Option<(Point, Option<Step>)> {
        let mut next = point.clone();
        let stage = next.stages.get_mut(choice.party)?;
        let party = &self.scenario.parties[choice.party];
        if choice.dies {
            let Stage::Runs(mind, errand) = *stage else { return None };
            let is_held = matches!(self.ledger.minds.next(mind), Next::Call(..));
            next.kills = next.kills.checked_sub(1).filter(|_| is_held)?;
            *stage = Stage::Killed(errand);
            return Some((next, None));
        }
        let (mind, errand) = match (*stage, party) {
            (Stage::Awaits, Party::Other(deed)) => {
                let step = self.ledger.deed(point.books, deed)?;
                *stage = match deed.keeps && is_on_original(self.ledger.account(point.books)) {
                    true => Stage::Kept,
                    false => Stage::Done(deed.forbids.and_then(|look| self.copy_in_the_making(point, look))),
                };
                next.books = step.books;
                return Some((next, Some(step)));
            }
            (Stage::Awaits, Party::GuardOf(words)) => {
                let errand = Errand::Told(words);
                (self.begin(point.books, choice.party, errand, 0)?, errand)
            }
            (Stage::Awaits, Party::GuardOfNews | Party::Guard(_) | Party::Backout(_) | Party::Sweep) => {
                let errand = Errand::Event(news(self.ledger.account(point.books))?);
                (self.begin(point.books, choice.party, errand, 0)?, errand)
            }
            (Stage::Killed(errand), _) if self.scenario.killed_return => {
                (self.begin(point.books, choice.party, errand, self.scenario.kills - point.kills)?, errand)
            }
            (Stage::Runs(mind, errand), _) => (mind, errand),
            (Stage::Killed(_) | Stage::Done(_) | Stage::Kept, _) => return None,
        };
        let step = self.ledger.step(point.books, mind)?;
        *stage = Stage::Runs(step.mind.expect("a run's step"), errand);
        next.books = step.books;
        Some((next, Some(step)))
    }

    /// The ACTIVE copy that no record names, unless a run has looked for the last time.
    fn copy_in_the_making(&self, point: &Point, look: fn(&Request) -> bool) -> Option<usize> {
        let has_looked = |stage: &Stage| match *stage {
            Stage::Runs(mind, _) => self.ledger.minds.has_looked(mind, look),
            Stage::Awaits | Stage::Killed(_) | Stage::Done(_) | Stage::Kept => false,
        };
        let copy = unrecorded_copy(self.ledger.account(point.books));
        copy.filter(|_| !point.stages.iter().any(has_looked))
    }

    /// All choices of a point and where they lead.
    pub(super) fn choices(&mut self, point: &Point) -> Vec<(Choice, Point, Option<Step>)> {
        let all = (0..point.stages.len()).flat_map(|party| [false, true].map(|dies| Choice { party, dies }));
        all.filter_map(|choice| self.take(point, choice).map(|(next, step)| (choice, next, step))).collect()
    }

    /// What comes of a point at which nobody has a step left.
    pub(super) fn end(&mut self, point: &Point) -> End {
        match self.scenario.mode {
            Mode::Enforce => settle(self.scenario, &mut self.ledger, self.at, point),
            Mode::Alert | Mode::Remediate => end(self.scenario, &mut self.ledger, self.at, point),
        }
    }

    /// The ends of the orders in which each party does all it does before the next one begins, and nobody dies.
    pub(super) fn one_after_the_other(&mut self) -> Vec<Shape> {
        let (mut shapes, mut open) = (Vec::new(), vec![self.start.clone()]);
        while let Some(point) = open.pop() {
            let mut is_end = true;
            for party in 0..point.stages.len() {
                let (mut here, mut goes) = (point.clone(), false);
                while let Some((next, _)) = self.take(&here, Choice { party, dies: false }) {
                    (here, goes) = (next, true);
                }
                if goes {
                    is_end = false;
                    open.push(here);
                }
            }
            if is_end {
                let end = self.end(&point);
                shapes.extend([end.shape, end.shape_later]);
            }
        }
        shapes
    }
}
