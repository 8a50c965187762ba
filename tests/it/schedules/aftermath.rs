//! What comes after a schedule: Lambda hands over again what failed or was killed, up to twice, and an operator asks
//! backout again as often; a deed that could not be done before is done; what nobody was told of yet is told. Then the
//! end is judged. After that backout is asked once more, which must end in what was asked for; every event comes once
//! more, as from a second rule or a replayed archive, and the end is judged again.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::errand::{Ended, Errand, Said};
use super::judge::{Shape, judge_end, shape};
use super::judge_backout::{judge_repeated, judge_told, may_be_asked_again};
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
    last: BTreeMap<Errand, Rc<Ended>>,
    broken: Vec<String>,
    told: Vec<String>,
}

/// From a point at which nobody has a step left.
pub(super) fn end(scenario: &Scenario, ledger: &mut Ledger, at: Timestamp, point: &Point) -> End {
    let (books, last) = (point.books, BTreeMap::new());
    let mut after = Aftermath { scenario, ledger, books, at, last, broken: Vec::new(), told: Vec::new() };
    after.retries(point);
    after.late_deeds(point);
    let unheard: Vec<Errand> = after.events().into_iter().filter(|it| !after.last.contains_key(it)).collect();
    for event in unheard {
        after.hand_over(event);
    }
    let (shape, alerts) = after.judge("");
    let active = after.ledger.account(after.books).ecs.active("web");
    let outlives = |stage: &Stage| matches!(stage, Stage::Done(Some(copy)) if active.contains(copy));
    if point.stages.iter().any(outlives) {
        after.broken.push("a copy outlives what was done against it while it was made".to_owned());
    }
    after.ask_again();
    let undone = after.ledger.account(after.books).ecs.active("web");
    for event in after.events() {
        after.hand_over(event);
    }
    let (shape_later, alerts_later) = after.judge(ONCE_MORE);
    if after.is_exempt() && after.ledger.account(after.books).ecs.active("web") != undone {
        after.broken.push(format!("{ONCE_MORE}the guard changes what is exempt"));
    }
    // A copy that was taken back late is told only now.
    if shape == shape_later && alerts != alerts_later && !scenario.removes_copies() {
        after.broken.push(format!("{ONCE_MORE}alerts are repeated"));
    }
    End { shape, shape_later, broken: after.broken, told: after.told }
}

impl Aftermath<'_> {
    fn hand_over(&mut self, errand: Errand) {
        let work = errand.work(self.ledger.account(self.books)).expect("an event");
        self.at += APART;
        let delivery = self.ledger.deliver(self.books, &work, self.at);
        self.books = delivery.books;
        self.broken.extend(delivery.broken.iter().map(ToString::to_string));
        let name = errand.name();
        self.told.extend(delivery.deeds.iter().map(|deed| format!("again {name}: {deed}")));
        self.told.push(format!("again {name}: ends {:?}", delivery.ended));
        self.last.insert(errand, delivery.ended);
    }

    fn retries(&mut self, point: &Point) {
        for stage in &point.stages {
            let (errand, ended) = match *stage {
                Stage::Runs(mind, errand) => match self.ledger.minds.next(mind) {
                    Next::Ended(ended) => (errand, ended),
                    Next::Call(..) => unreachable!("nothing is held at an end"),
                },
                Stage::Killed(errand) => (errand, Rc::new(Err("killed".to_owned()))),
                Stage::Awaits | Stage::Done(_) | Stage::Kept => continue,
            };
            self.told.push(format!("{}: ended {ended:?}", errand.name()));
            self.last.insert(errand, ended);
            for _ in 0..RETRIES {
                if may_be_asked_again(&self.last[&errand]) {
                    self.hand_over(errand);
                }
            }
            if let Err(category) = &*self.last[&errand] {
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

    /// Each request once more, while nobody else does anything.
    fn ask_again(&mut self) {
        let requests: Vec<Errand> = self.last.keys().copied().filter(|it| matches!(it, Errand::Request(_))).collect();
        for request in requests {
            self.hand_over(request);
            let state = self.ledger.account(self.books);
            let broken = match &*self.last[&request] {
                Ok(Said::Backout(answer)) => judge_repeated(state, answer, self.at),
                Ok(Said::Guard(_) | Said::Sweep(_)) => unreachable!("backout answers"),
                Err(category) => vec![format!("backout once more: {category}")],
            };
            self.note(broken, "");
        }
    }

    fn is_exempt(&self) -> bool {
        let asked = |(errand, ended): (&Errand, &Rc<Ended>)| {
            let is_backed_out = matches!(&**ended, Ok(Said::Backout(answer)) if answer.until.is_some());
            matches!(errand, Errand::Request(_)) && is_backed_out
        };
        self.last.iter().any(asked)
    }

    /// The events of the privileged revisions that have one.
    fn events(&self) -> Vec<Errand> {
        let state = self.ledger.account(self.books);
        let is_privileged = |number: &usize| {
            let revision = state.ecs.revision(&format!("web:{number}"));
            event_of(state, *number).is_some() && revision.is_some_and(Revision::is_privileged)
        };
        numbers(state).filter(is_privileged).map(Errand::Event).collect()
    }

    /// Judges the end so far. Answers what is ACTIVE, and how many alerts there are.
    fn judge(&mut self, when: &str) -> (Shape, usize) {
        let state = self.ledger.account(self.books);
        let last: Vec<(Errand, &Ended)> = self.last.iter().map(|(errand, ended)| (*errand, &**ended)).collect();
        let mut broken = judge_end(state, &last, self.scenario.removes_copies());
        broken.extend(judge_told(state));
        let judged = (shape(state), state.sns.messages().len());
        self.note(broken, when);
        judged
    }

    fn note(&mut self, broken: Vec<String>, when: &str) {
        let news = broken.into_iter().filter(|rule| !self.broken.contains(rule)).map(|rule| format!("{when}{rule}"));
        self.broken.extend(news.collect::<Vec<_>>());
    }
}
