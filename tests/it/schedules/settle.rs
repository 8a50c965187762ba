//! What comes after a schedule with a service: Lambda hands over again what failed or was killed; each event that came
//! of what was done is handed over, ECS completes what is in progress, and so on until nothing follows. Then the end is
//! judged.

use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::Timestamp;

use super::aftermath::{APART, End};
use super::errand::{Ended, Work};
use super::judge::shape;
use super::judge_backout::may_be_asked_again;
use super::judge_service;
use super::ledger::{Books, Ledger};
use super::minds::Next;
use super::scenario::{Party, Scenario};
use super::search::{Point, Stage};
use super::services::COMPLETES;
use crate::account::State;

/// Lambda tries an event again that often.
const RETRIES: u32 = 2;
/// One deployment that was in progress, the move, a way back, and none.
const TURNS_MAX: usize = 4;

struct Settling<'a> {
    ledger: &'a mut Ledger,
    books: Books,
    at: Timestamp,
    broken: BTreeSet<String>,
    told: Vec<String>,
    heard: BTreeSet<String>,
}

/// From a point at which nobody has a step left.
pub(super) fn settle(scenario: &Scenario, ledger: &mut Ledger, at: Timestamp, point: &Point) -> End {
    let (broken, heard) = (BTreeSet::new(), BTreeSet::new());
    let mut settling = Settling { ledger, books: point.books, at, broken, told: Vec::new(), heard };
    settling.retries(point);
    for (stage, party) in point.stages.iter().zip(&scenario.parties) {
        if let (Stage::Awaits, Party::Other(deed)) = (stage, party)
            && let Some(step) = settling.ledger.deed(settling.books, deed)
        {
            settling.books = step.books;
            settling.told.push(format!("later: {}", step.deed));
        }
    }
    for _ in 0..TURNS_MAX {
        settling.hear();
        let Some(step) = settling.ledger.deed(settling.books, &COMPLETES) else { break };
        settling.books = step.books;
        settling.told.push(format!("later: {}", step.deed));
    }
    let is_kept = point.stages.contains(&Stage::Kept);
    let state = settling.ledger.account(settling.books);
    settling.broken.extend(judge_service::judge_end(state, is_kept));
    let mut shape = shape(state);
    shape.push(judge_service::shape(state));
    let (shape_later, broken) = (shape.clone(), settling.broken.into_iter().collect());
    End { shape, shape_later, broken, told: settling.told }
}

impl Settling<'_> {
    fn hand_over(&mut self, name: &str, work: &Work) -> Rc<Ended> {
        self.at += APART;
        let delivery = self.ledger.deliver(self.books, work, self.at);
        self.books = delivery.books;
        self.broken.extend(delivery.broken.iter().map(ToString::to_string));
        self.told.extend(delivery.deeds.iter().map(|deed| format!("again {name}: {deed}")));
        self.told.push(format!("again {name}: ends {:?}", delivery.ended));
        if let Work::Event(event) = work {
            self.heard.insert(event.clone());
        }
        delivery.ended
    }

    fn retries(&mut self, point: &Point) {
        for stage in &point.stages {
            let (errand, mut ended) = match *stage {
                Stage::Runs(mind, errand) => match self.ledger.minds.next(mind) {
                    Next::Ended(ended) => (errand, ended),
                    Next::Call(..) => unreachable!("nothing is held at an end"),
                },
                Stage::Killed(errand) => (errand, Rc::new(Err("killed".to_owned()))),
                Stage::Awaits | Stage::Done(_) | Stage::Kept => continue,
            };
            self.told.push(format!("{}: ended {ended:?}", errand.name()));
            let work = errand.work(self.ledger.account(self.books)).expect("an event");
            if let Work::Event(event) = &work {
                self.heard.insert(event.clone());
            }
            for _ in 0..RETRIES {
                if may_be_asked_again(&ended) {
                    ended = self.hand_over(&errand.name(), &work);
                }
            }
            if let Err(category) = &*ended {
                self.broken.insert(format!("a dead letter: {category}"));
            }
        }
    }

    /// Hands over what nobody has heard yet, until nothing new comes of it.
    fn hear(&mut self) {
        loop {
            let news = self.unheard();
            if news.is_empty() {
                return;
            }
            for event in news {
                let ended = self.hand_over("news", &Work::Event(event));
                if let Err(category) = &*ended {
                    self.broken.insert(format!("a dead letter: {category}"));
                }
            }
        }
    }

    fn unheard(&self) -> Vec<String> {
        let state: &State = self.ledger.account(self.books);
        let names = ["\"UpdateService\"", "\"DeregisterTaskDefinition\""];
        let is_of_service = |event: &&String| names.iter().any(|name| event.contains(name));
        let calls = state.trail().iter().filter(is_of_service).filter(|event| !event.contains("\"errorCode\""));
        let events = calls.chain(state.deployment_events());
        events.filter(|event| !self.heard.contains(*event)).cloned().collect()
    }
}
