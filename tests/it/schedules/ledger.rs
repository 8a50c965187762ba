//! Accounts by what is in them, and what each call does to each of them, worked out once. Here is also what no single
//! step may ever do, so that every step of every schedule is looked at.

use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::errand::{Ended, Work};
use super::judge::judge_step;
use super::judge_service::judge_update;
use super::minds::{Mind, Minds, Next};
use super::scenario::Deed;
use crate::account::{Call, GUARD, SWEEP, State};

/// An account, by its content.
pub(super) type Books = usize;

/// What became of a step.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) books: Books,
    /// The run after it; nothing where somebody else did it.
    pub(super) mind: Option<Mind>,
    /// What was done, in words.
    pub(super) deed: Rc<str>,
    /// The call behind it.
    pub(super) call: Option<Rc<Call>>,
    /// The rule that it broke.
    pub(super) broken: Option<Rc<str>>,
}

/// All accounts and runs of a scenario.
pub(super) struct Ledger {
    pub(super) minds: Minds,
    accounts: Vec<State>,
    known: HashMap<[u8; 32], Books>,
    steps: HashMap<(Books, Mind), Step>,
    deeds: HashMap<(Books, &'static str), Option<Step>>,
    runs: HashMap<(Books, Work, Timestamp), Delivery>,
}

/// What became of a run that was handed something while nobody else did anything.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) books: Books,
    pub(super) ended: Rc<Ended>,
    pub(super) deeds: Rc<[Rc<str>]>,
    pub(super) broken: Option<Rc<str>>,
}

impl Ledger {
    pub(super) fn new(start: State, minds: Minds) -> (Self, Books) {
        let (accounts, known) = (Vec::new(), HashMap::new());
        let mut ledger =
            Self { minds, accounts, known, steps: HashMap::new(), deeds: HashMap::new(), runs: HashMap::new() };
        let books = ledger.enter(start);
        (ledger, books)
    }

    pub(super) fn account(&self, books: Books) -> &State {
        &self.accounts[books]
    }

    /// How many accounts and calls on them were met.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.accounts.len(), self.steps.len())
    }

    /// The call at which a run is held is let through. Nothing if the run is over.
    pub(super) fn step(&mut self, books: Books, mind: Mind) -> Option<Step> {
        let Next::Call(request, at) = self.minds.next(mind) else { return None };
        if let Some(step) = self.steps.get(&(books, mind)) {
            return Some(step.clone());
        }
        let before = &self.accounts[books];
        let mut after = before.clone();
        after.now = at;
        after.number_requests_from(0);
        let response = after.handle(&request).response.expect("no connection breaks here");
        let call = after.calls().last().expect("a signed call").clone();
        after.forget_calls();
        let judged = judge_step(before, &after, &call);
        let judged = judged.and_then(|()| judge_update(before, &after, &call, self.minds.last(mind)));
        let broken = judged.err().map(Rc::from);
        let deed = format!("{} {} -> {}", call.operation, call.resource, response.status).into();
        let (books_after, mind_after) = (self.enter(after), self.minds.tell(mind, &response));
        let step = Step { books: books_after, mind: Some(mind_after), deed, call: Some(Rc::new(call)), broken };
        self.steps.insert((books, mind), step.clone());
        Some(step)
    }

    /// Somebody else does something. Nothing if it cannot be done.
    pub(super) fn deed(&mut self, books: Books, deed: &Deed) -> Option<Step> {
        let key = (books, deed.name);
        if let Some(step) = self.deeds.get(&key) {
            return step.clone();
        }
        let mut after = self.accounts[books].clone();
        after.number_requests_from(1000 * (1 + numbers(&after).count() as u64));
        let step = (deed.act)(&mut after).then(|| {
            let books = self.enter(after);
            Step { books, mind: None, deed: deed.name.into(), call: None, broken: None }
        });
        self.deeds.insert(key, step.clone());
        step
    }

    /// A run is handed something, and nobody else does anything until it is done.
    pub(super) fn deliver(&mut self, books: Books, work: &Work, at: Timestamp) -> Delivery {
        let key = (books, work.clone(), at);
        if let Some(delivery) = self.runs.get(&key) {
            return delivery.clone();
        }
        let mut here = (books, self.minds.begin(work, at));
        let (mut deeds, mut broken) = (Vec::new(), None);
        while let Some(step) = self.step(here.0, here.1) {
            broken = broken.or(step.broken);
            deeds.push(step.deed);
            here = (step.books, step.mind.expect("a run's step"));
        }
        let Next::Ended(ended) = self.minds.next(here.1) else { unreachable!("it has no step left") };
        let delivery = Delivery { books: here.0, ended, deeds: deeds.into(), broken };
        self.runs.insert(key, delivery.clone());
        delivery
    }

    /// The account after what somebody did to it before the story begins.
    pub(super) fn changed(&mut self, books: Books, at: Timestamp, change: fn(&mut State)) -> Books {
        let mut state = self.accounts[books].clone();
        state.now = at;
        change(&mut state);
        state.forget_calls();
        self.enter(state)
    }

    fn enter(&mut self, state: State) -> Books {
        let key = content(&state);
        let accounts = &mut self.accounts;
        *self.known.entry(key).or_insert_with(|| {
            accounts.push(state);
            accounts.len() - 1
        })
    }
}

/// What is in an account, less its log. Who was told first does not matter.
fn content(state: &State) -> [u8; 32] {
    let mut messages: Vec<_> = state.sns.messages().iter().map(|told| (&told.subject, &told.message)).collect();
    messages.sort_unstable();
    Sha256::digest(format!("{:?}{:?}{messages:?}", state.ecs, state.s3)).into()
}

/// The event of a revision's registration, if somebody else than the guard registered it.
pub(super) fn event_of(state: &State, number: usize) -> Option<String> {
    let revision = state.ecs.revision(&format!("web:{number}"))?;
    let arn = format!(":task-definition/web:{number}\"");
    let is_its = |event: &&String| event.contains(&arn) && event.contains("\"RegisterTaskDefinition\"");
    (![GUARD, SWEEP].contains(&revision.registered_by.as_str()))
        .then(|| state.trail().iter().find(is_its).cloned())
        .flatten()
}

/// The numbers of all revisions that there ever were.
pub(super) fn numbers(state: &State) -> impl Iterator<Item = usize> {
    (1..).take_while(|number| state.ecs.revision(&format!("web:{number}")).is_some())
}
