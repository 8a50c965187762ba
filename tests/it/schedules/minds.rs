//! What the guard or backout does next, for each sequence of answers that it can get. A run depends on nothing but its input, the
//! time at which it began and the answers to its calls, so the real code is run once for each such sequence, and looked
//! up after that: a search meets the same sequences again and again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use jiff::Timestamp;

use super::errand::{Ended, Work};
use super::gate::{Functions, Gate, Rest, Run};
use crate::account::http::{Request, Response};

/// So many runs are kept where they are, to go on from there instead of from the beginning.
const PARKED_MAX: usize = 1024;

/// A run, by what it was told so far.
pub(super) type Mind = usize;

/// Where a run is after what it was told.
#[derive(Clone)]
pub(super) enum Next {
    /// At this call, at that time.
    Call(Rc<Request>, Timestamp),
    /// At its end.
    Ended(Rc<Ended>),
}

struct Node {
    /// The run before its last answer, and that answer.
    before: Option<(Mind, Response)>,
    next: Next,
    told: HashMap<u64, Mind>,
}

/// All runs that were seen.
pub(super) struct Minds {
    gate: Gate,
    functions: Functions,
    nodes: Vec<Node>,
    first: HashMap<(Work, Timestamp), Mind>,
    parked: HashMap<Mind, Run>,
    /// How often one was really begun.
    pub(super) begun: usize,
}

impl Minds {
    pub(super) fn new(gate: Gate, functions: Functions) -> Self {
        Self { gate, functions, nodes: Vec::new(), first: HashMap::new(), parked: HashMap::new(), begun: 0 }
    }

    /// A run that is handed this at that time.
    pub(super) fn begin(&mut self, work: &Work, at: Timestamp) -> Mind {
        let key = (work.clone(), at);
        if let Some(mind) = self.first.get(&key) {
            return *mind;
        }
        self.begun += 1;
        let run = Run::begin(&self.gate, &self.functions, work, at);
        let mind = self.settle(run, None);
        self.first.insert(key, mind);
        mind
    }

    /// Where that run is.
    pub(super) fn next(&self, mind: Mind) -> Next {
        self.nodes[mind].next.clone()
    }

    /// The call before that one, and its answer.
    pub(super) fn last(&self, mind: Mind) -> Option<(&Request, &Response)> {
        let (before, answer) = self.nodes[mind].before.as_ref()?;
        match &self.nodes[*before].next {
            Next::Call(request, _) => Some((request, answer)),
            Next::Ended(_) => None,
        }
    }

    /// Whether the run has made such a call since it registered a copy, or at all if it has registered none.
    pub(super) fn has_looked(&self, mind: Mind, look: fn(&Request) -> bool) -> bool {
        let registers = |request: &Request| {
            request.header("x-amz-target").is_some_and(|it| it.ends_with(".RegisterTaskDefinition"))
        };
        let before = std::iter::successors(Some(mind), |mind| Some(self.nodes[*mind].before.as_ref()?.0)).skip(1);
        let calls = before.filter_map(|mind| match &self.nodes[mind].next {
            Next::Call(request, _) => Some(request),
            Next::Ended(_) => None,
        });
        calls.take_while(|request| !registers(request)).any(|request| look(request))
    }

    /// How many sequences of answers were seen.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The run after one more answer.
    pub(super) fn tell(&mut self, mind: Mind, response: &Response) -> Mind {
        let key = meaning(response);
        if let Some(next) = self.nodes[mind].told.get(&key) {
            return *next;
        }
        let mut run = self.parked.remove(&mind).unwrap_or_else(|| self.again(mind));
        run.answer(response.clone());
        let next = self.settle(run, Some((mind, response.clone())));
        self.nodes[mind].told.insert(key, next);
        next
    }

    fn settle(&mut self, mut run: Run, before: Option<(Mind, Response)>) -> Mind {
        let mind = self.nodes.len();
        let next = match run.rest() {
            Rest::Ended(ended) => Next::Ended(Rc::new(ended)),
            Rest::Held(request) => {
                let next = Next::Call(Rc::new(request), run.now());
                if self.parked.len() >= PARKED_MAX {
                    self.parked.clear();
                }
                self.parked.insert(mind, run);
                next
            }
        };
        self.nodes.push(Node { before, next, told: HashMap::new() });
        mind
    }

    /// The same run, told the same once more.
    fn again(&mut self, mind: Mind) -> Run {
        let mut answers = Vec::new();
        let mut first = mind;
        while let Some((before, answer)) = &self.nodes[first].before {
            answers.push(answer.clone());
            first = *before;
        }
        let (work, at) = self.first.iter().find(|(_, mind)| **mind == first).expect("a run begins").0;
        self.begun += 1;
        let mut run = Run::begin(&self.gate, &self.functions, work, *at);
        for answer in answers.into_iter().rev() {
            assert!(matches!(run.rest(), Rest::Held(_)), "the same answers lead elsewhere");
            run.answer(answer);
        }
        assert!(matches!(run.rest(), Rest::Held(_)), "the same answers lead elsewhere");
        run
    }
}

/// All of an answer that a run can act on: ids of requests are as many as there are requests.
fn meaning(response: &Response) -> u64 {
    let mut hasher = DefaultHasher::new();
    (response.status, &response.body).hash(&mut hasher);
    response.headers.iter().filter(|(name, _)| !name.contains("request")).for_each(|header| header.hash(&mut hasher));
    hasher.finish()
}
