//! What comes after a schedule: Lambda hands over again what failed or was killed, up to twice; a deed that could not
//! be done before is done; what nobody was told of yet is told. Then the end is judged. After that every event comes
//! once more, as from a second rule or a replayed archive, and the end is judged again.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::gate::Ended;
use super::judge::{Shape, judge_end, shape};
use super::ledger::{Books, Ledger, event_of, numbers};
use super::minds::Next;
use super::scenario::{Party, Scenario};
use super::search::{Point, Stage};
use crate::account::state::ecs::Revision;

/// Lambda tries an event again that often.
const RETRIES: u32 = 2;
/// Deliveries come so far apart.
pub(super) const APART: Duration = Duration::from_mins(1);

/// What only the second deliveries broke.
pub(super) const ONCE_MORE: &str = "every event once more: ";

/// What came of a schedule.
pub(super) struct End {
    /// What is ACTIVE when each event was dealt with.
    pub(super) shape: Shape,
    /// And when each came once more.
    pub(super) shape_later: Shape,
    pub(super) broken: Vec<String>,
    pub(super) told: Vec<String>,
}

struct Aftermath<'a> {
    scenario: &'a Scenario,
    ledger: &'a mut Ledger,
    books: Books,
    at: Timestamp,
    last: BTreeMap<usize, Rc<Ended>>,
    broken: Vec<String>,
    told: Vec<String>,
}

/// From a point at which nobody has a step left.
pub(super) fn end(scenario: &Scenario, ledger: &mut Ledger, start: Books, point: &Point) -> End {
    let at = ledger.account(start).now;
    let (books, last) = (point.books, BTreeMap::new());
    let mut after = Aftermath { scenario, ledger, books, at, last, broken: Vec::new(), told: Vec::new() };
    after.retries(point);
    after.late_deeds(point);
    let unheard: Vec<usize> = after.privileged().into_iter().filter(|it| !after.last.contains_key(it)).collect();
    for number in unheard {
        after.deliver(number);
    }
    let (shape, alerts) = after.judge("");
    let active = after.ledger.account(after.books).ecs.active("web");
    let outlives = |stage: &Stage| matches!(stage, Stage::Done(Some(copy)) if active.contains(copy));
    if point.stages.iter().any(outlives) {
        after.broken.push("a copy outlives what was done against it while it was made".to_owned());
    }
    for number in after.privileged() {
        after.deliver(number);
    }
    let (shape_later, alerts_later) = after.judge(ONCE_MORE);
    // A copy that was taken back late is told only now.
    if shape == shape_later && alerts != alerts_later && !scenario.removes_copies() {
        after.broken.push(format!("{ONCE_MORE}alerts are repeated"));
    }
    End { shape, shape_later, broken: after.broken, told: after.told }
}

impl Aftermath<'_> {
    fn deliver(&mut self, number: usize) {
        let event = event_of(self.ledger.account(self.books), number).expect("an event");
        self.at += APART;
        let delivery = self.ledger.deliver(self.books, &event, self.at);
        self.books = delivery.books;
        self.broken.extend(delivery.broken.iter().map(ToString::to_string));
        self.told.extend(delivery.deeds.iter().map(|deed| format!("again web:{number}: {deed}")));
        self.told.push(format!("again web:{number}: ends {:?}", delivery.ended));
        self.last.insert(number, delivery.ended);
    }

    fn retries(&mut self, point: &Point) {
        for stage in &point.stages {
            let (number, ended) = match *stage {
                Stage::Runs(mind, number) => match self.ledger.minds.next(mind) {
                    Next::Ended(ended) => (number, ended),
                    Next::Call(..) => unreachable!("nothing is held at an end"),
                },
                Stage::Killed(number) => (number, Rc::new(Err("killed".to_owned()))),
                Stage::Awaits | Stage::Done(_) => continue,
            };
            self.told.push(format!("web:{number}: ended {ended:?}"));
            self.last.insert(number, ended);
            for _ in 0..RETRIES {
                if self.last[&number].is_err() {
                    self.deliver(number);
                }
            }
            if let Err(category) = &*self.last[&number] {
                self.broken.push(format!("a dead letter: {category}"));
            }
        }
    }

    fn late_deeds(&mut self, point: &Point) {
        for (stage, party) in point.stages.iter().zip(&self.scenario.parties) {
            if let (Stage::Awaits, Party::Other(deed)) = (stage, party)
                && let Some(step) = self.ledger.deed(self.books, deed)
            {
                self.books = step.books;
                self.told.push(format!("later: {}", step.deed));
            }
        }
    }

    /// The privileged revisions that have an event.
    fn privileged(&self) -> Vec<usize> {
        let state = self.ledger.account(self.books);
        let is_privileged = |number: &usize| {
            let revision = state.ecs.revision(&format!("web:{number}"));
            event_of(state, *number).is_some() && revision.is_some_and(Revision::is_privileged)
        };
        numbers(state).filter(is_privileged).collect()
    }

    /// Judges the end so far. Answers what is ACTIVE, and how many alerts there are.
    fn judge(&mut self, when: &str) -> (Shape, usize) {
        let state = self.ledger.account(self.books);
        let last: Vec<(usize, &Ended)> = self.last.iter().map(|(number, ended)| (*number, &**ended)).collect();
        let broken = judge_end(state, &last, self.scenario.removes_copies());
        let news = broken.into_iter().filter(|rule| !self.broken.contains(rule)).map(|rule| format!("{when}{rule}"));
        self.broken.extend(news.collect::<Vec<_>>());
        (shape(state), state.sns.messages().len())
    }
}
