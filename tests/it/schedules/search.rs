//! Every order of a scenario's steps. A point is an account and how far each party is; points that are reached in
//! several orders are gone on from once, since nothing that comes after can tell them apart.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::gate::Ended;
use super::judge::{Shape, judge_end, shape};
use super::ledger::{Books, Ledger, Step, event_of, numbers};
use super::minds::{Mind, Minds, Next};
use super::scenario::{Party, Scenario, news};
use crate::account::State;

/// Lambda tries an event again that often.
const RETRIES: u32 = 2;
/// Deliveries come so far apart.
const APART: Duration = Duration::from_mins(1);

/// How far a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Not begun.
    Awaits,
    /// A run of the guard, and the revision of its event.
    Runs(Mind, usize),
    /// The run was killed; its event will come again.
    Killed(usize),
    /// Somebody else has done what they do.
    Done,
}

/// An account, and how far each party is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Point {
    pub(super) books: Books,
    pub(super) stages: Vec<Stage>,
    kills: u8,
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

/// What came of a schedule after Lambda tried again and every event came once more.
pub(super) struct End {
    pub(super) shape: Shape,
    pub(super) broken: Vec<String>,
    pub(super) told: Vec<String>,
}

/// The search through one scenario.
pub(super) struct Search<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) ledger: Ledger,
    pub(super) start: Point,
}

impl<'a> Search<'a> {
    pub(super) fn new(scenario: &'a Scenario, start: State, minds: Minds) -> Self {
        let (mut ledger, books) = Ledger::new(start, minds);
        let stages = scenario.parties.iter().map(|party| match party {
            Party::Guard(number) => {
                let state = ledger.account(books);
                let (event, now) = (event_of(state, *number).expect("an event"), state.now);
                Stage::Runs(ledger.minds.begin(&event, now), *number)
            }
            Party::GuardOfNews | Party::Other(_) => Stage::Awaits,
        });
        let start = Point { books, stages: stages.collect(), kills: scenario.kills };
        Self { scenario, ledger, start }
    }

    /// Where a choice leads. Nothing if there is no such choice here.
    pub(super) fn take(&mut self, point: &Point, choice: Choice) -> Option<(Point, Option<Step>)> {
        let mut next = point.clone();
        let stage = next.stages.get_mut(choice.party)?;
        let party = &self.scenario.parties[choice.party];
        if choice.dies {
            let Stage::Runs(mind, number) = *stage else { return None };
            let is_held = matches!(self.ledger.minds.next(mind), Next::Call(..));
            next.kills = next.kills.checked_sub(1).filter(|_| is_held)?;
            *stage = Stage::Killed(number);
            return Some((next, None));
        }
        let (mind, number) = match (*stage, party) {
            (Stage::Awaits, Party::Other(deed)) => {
                let step = self.ledger.deed(point.books, deed)?;
                *stage = Stage::Done;
                next.books = step.books;
                return Some((next, Some(step)));
            }
            (Stage::Awaits, Party::GuardOfNews | Party::Guard(_)) => {
                let state = self.ledger.account(point.books);
                let number = news(state)?;
                let (event, now) = (event_of(state, number)?, self.ledger.account(self.start.books).now);
                (self.ledger.minds.begin(&event, now), number)
            }
            (Stage::Runs(mind, number), _) => (mind, number),
            (Stage::Killed(_) | Stage::Done, _) => return None,
        };
        let step = self.ledger.step(point.books, mind)?;
        *stage = Stage::Runs(step.mind.expect("a run's step"), number);
        next.books = step.books;
        Some((next, Some(step)))
    }

    /// All choices of a point and where they lead.
    pub(super) fn choices(&mut self, point: &Point) -> Vec<(Choice, Point, Option<Step>)> {
        let all = (0..point.stages.len()).flat_map(|party| [false, true].map(|dies| Choice { party, dies }));
        all.filter_map(|choice| self.take(point, choice).map(|(next, step)| (choice, next, step))).collect()
    }

    /// Lambda hands over again what failed or was killed, up to twice; then every event of the family comes once more.
    pub(super) fn end(&mut self, point: &Point) -> End {
        let (mut books, mut broken, mut told) = (point.books, Vec::new(), Vec::new());
        let mut last: BTreeMap<usize, Rc<Ended>> = BTreeMap::new();
        let mut at = self.ledger.account(self.start.books).now;
        let mut deliver = |ledger: &mut Ledger, number: usize, broken: &mut Vec<String>| {
            let event = event_of(ledger.account(books), number).expect("an event");
            at += APART;
            let delivery = ledger.deliver(books, &event, at);
            books = delivery.books;
            broken.extend(delivery.broken.iter().map(ToString::to_string));
            told.extend(delivery.deeds.iter().map(|deed| format!("again web:{number}: {deed}")));
            told.push(format!("again web:{number}: ends {:?}", delivery.ended));
            delivery.ended
        };
        for stage in &point.stages {
            let (number, mut ended) = match *stage {
                Stage::Runs(mind, number) => match self.ledger.minds.next(mind) {
                    Next::Ended(ended) => (number, ended),
                    Next::Call(..) => unreachable!("nothing is held at an end"),
                },
                Stage::Killed(number) => (number, Rc::new(Err("killed".to_owned()))),
                Stage::Awaits | Stage::Done => continue,
            };
            for _ in 0..RETRIES {
                if ended.is_err() {
                    ended = deliver(&mut self.ledger, number, &mut broken);
                }
            }
            last.insert(number, ended);
        }
        let state = self.ledger.account(point.books);
        let privileged = |number: &usize| {
            event_of(state, *number).is_some() && state.ecs.revision(&format!("web:{number}")).unwrap().is_privileged()
        };
        let again: Vec<usize> = numbers(state).filter(privileged).collect();
        for number in again {
            let ended = deliver(&mut self.ledger, number, &mut broken);
            last.insert(number, ended);
        }
        let state = self.ledger.account(books);
        let last: Vec<(usize, &Ended)> = last.iter().map(|(number, ended)| (*number, &**ended)).collect();
        broken.extend(judge_end(state, &last, self.scenario.name.contains("copy taken back")));
        End { shape: shape(state), broken, told }
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
                shapes.push(self.end(&point).shape);
            }
        }
        shapes
    }
}

/// What was found on the way through all schedules.
#[derive(Default)]
pub(super) struct Found {
    /// How many schedules there are; those that meet in a point are counted from there on as often as they do.
    pub(super) schedules: f64,
    /// How many points were gone on from.
    pub(super) points: usize,
    pub(super) ends: HashMap<Shape, usize>,
    /// Each broken rule: at how many ends or steps, and the shortest schedule that leads there.
    pub(super) broken: BTreeMap<String, (usize, String)>,
}

impl Search<'_> {
    /// Goes through all schedules, the shortest first.
    pub(super) fn all(&mut self) -> Found {
        let mut found = Found::default();
        let allowed = self.one_after_the_other();
        let mut points = vec![(self.start.clone(), None::<(usize, Choice)>, 1.0)];
        let mut known = HashMap::from([(self.start.clone(), 0)]);
        let mut here = 0;
        while here < points.len() {
            let (point, _, ways) = points[here].clone();
            let choices = self.choices(&point);
            if choices.is_empty() {
                found.schedules += ways;
                let end = self.end(&point);
                let mut broken = end.broken;
                if !allowed.contains(&end.shape) {
                    broken.push(format!("it ends as no order without overlap does: {:?}", end.shape));
                }
                *found.ends.entry(end.shape).or_default() += 1;
                for rule in broken {
                    found.broken.entry(rule).or_insert_with(|| (0, seed(&points, here, None))).0 += 1;
                }
            }
            for (choice, next, step) in choices {
                if let Some(rule) = step.and_then(|step| step.broken) {
                    let seed = || (0, seed(&points, here, Some(choice)));
                    found.broken.entry(rule.to_string()).or_insert_with(seed).0 += 1;
                }
                match known.get(&next) {
                    Some(there) => points[*there].2 += ways,
                    None => {
                        known.insert(next.clone(), points.len());
                        points.push((next, Some((here, choice)), ways));
                    }
                }
            }
            here += 1;
        }
        found.points = points.len();
        found
    }
}

fn seed(points: &[(Point, Option<(usize, Choice)>, f64)], end: usize, last: Option<Choice>) -> String {
    let (mut here, mut choices) = (end, Vec::from_iter(last));
    while let Some((before, choice)) = points[here].1 {
        choices.push(choice);
        here = before;
    }
    choices.iter().rev().map(ToString::to_string).collect()
}

