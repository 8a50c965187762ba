//! A run is what it has been answered: its protocol is a plain function that is told anew from where it is, and halts
//! at the first call that has no answer yet. Between the parts of a run only what the next part is given is kept, so
//! two ways to the same knowledge are one.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::Timestamp;

use super::breaks::Break;
use super::world::{Answer, By, Call, Number, Rev, Text};
use super::{backout, guard, texts};

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Errand {
    Event(Number),
    /// A backout of `web:1`, for so many days.
    Request(i64),
}

impl Errand {
    pub(crate) fn by(self) -> By {
        match self {
            Self::Event(_) => By::Guard,
            Self::Request(_) => By::Backout,
        }
    }

    fn part(self) -> Part {
        match self {
            Self::Event(_) => Part::Guard(guard::Part::default()),
            Self::Request(_) => Part::Backout(backout::Part::default()),
        }
    }
}

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Guard(guard::Part),
    Backout(backout::Part),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Guard {
        outcome: &'static str,
        reason: Option<&'static str>,
        is_sent: bool,
        changed: bool,
    },
    Backout(&'static str),
    /// The family kept changing.
    Unsettled,
}

pub(crate) enum Halt {
    Asks(Call),
    Becomes(Box<Part>),
}

pub(crate) type Flow<T> = Result<T, Halt>;

/// The answers so far.
pub(crate) struct Io<'a> {
    answers: std::slice::Iter<'a, Answer>,
    pub(crate) breaks: Break,
}

impl Io<'_> {
    pub(crate) fn call(&mut self, call: Call) -> Flow<Answer> {
        self.answers.next().cloned().ok_or(Halt::Asks(call))
    }

    /// A revision, if it is ACTIVE.
    pub(crate) fn look(&mut self, number: Number) -> Flow<Option<Rev>> {
        let Answer::Rev(_, rev) = self.call(Call::Look(number))? else { unreachable!() };
        Ok(rev)
    }

    /// A revision that there may not be.
    pub(crate) fn look_beyond(&mut self, number: Number) -> Flow<Option<Rev>> {
        let Answer::Rev(_, rev) = self.call(Call::LookBeyond(number))? else { unreachable!() };
        Ok(rev)
    }

    pub(crate) fn numbers(&mut self, call: Call) -> Flow<Vec<Number>> {
        let Answer::Numbers(numbers) = self.call(call)? else { unreachable!() };
        Ok(numbers)
    }

    pub(crate) fn text(&mut self, call: Call) -> Flow<Option<Text>> {
        let Answer::Text(text) = self.call(call)? else { unreachable!() };
        Ok(text)
    }

    pub(crate) fn now(&mut self) -> Flow<Timestamp> {
        let Answer::Now(registrations) = self.call(Call::Now)? else { unreachable!() };
        Ok(texts::moment(registrations))
    }

    /// Whether the answer of a registration came.
    pub(crate) fn register(&mut self, input: Text) -> Flow<Option<Number>> {
        match self.call(Call::Register(input))? {
            Answer::Registered(number) => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// The ACTIVE revisions between two numbers. INACTIVE is for good, so only those are looked at that may be ACTIVE.
    pub(crate) fn between(
        &mut self,
        after: Number,
        before: Number,
        is_known: impl Fn(Number) -> bool,
    ) -> Flow<Vec<(Number, Rev)>> {
        let mut active = Vec::new();
        if self.breaks == Break::LooksAtNothingBetween {
            return Ok(active);
        }
        for number in (after + 1..before).filter(|number| !is_known(*number)) {
            active.extend(self.look(number)?.map(|rev| (number, rev)));
        }
        Ok(active)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mind {
    errand: Errand,
    part: Part,
    answers: Vec<Answer>,
}

/// What a run does next.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    Asks(Call),
    Ended(End),
}

/// The name of a mind.
pub(crate) type Id = u32;

#[derive(Default)]
struct Book {
    minds: Vec<(Mind, Next)>,
    ids: HashMap<Mind, Id>,
    steps: HashMap<(Id, Answer, Number), Id>,
}

/// All minds that there were, each told once.
#[derive(Default)]
pub(crate) struct Minds {
    book: Mutex<Book>,
    breaks: Break,
}

impl Minds {
    pub(crate) fn that_break(breaks: Break) -> Self {
        Self { book: Mutex::default(), breaks }
    }

    pub(crate) fn begin(&self, errand: Errand, now: Number) -> Id {
        let mind = Mind { errand, part: errand.part(), answers: Vec::new() };
        self.settle(&mut self.book.lock().unwrap(), mind, now)
    }

    pub(crate) fn next(&self, id: Id) -> Next {
        self.book.lock().unwrap().minds[id as usize].1.clone()
    }

    /// Whether its present part has been answered so.
    pub(crate) fn was_answered(&self, id: Id, is_it: impl Fn(&Answer) -> bool) -> bool {
        self.book.lock().unwrap().minds[id as usize].0.answers.iter().any(is_it)
    }

    /// Whether it has not made its plan yet.
    pub(crate) fn is_looking(&self, id: Id) -> bool {
        matches!(self.book.lock().unwrap().minds[id as usize].0.part, Part::Guard(guard::Part::Look(_)))
    }

    /// Whether it has nothing left but to tell.
    pub(crate) fn is_reporting(&self, id: Id) -> bool {
        matches!(self.book.lock().unwrap().minds[id as usize].0.part, Part::Guard(guard::Part::Report(..)))
    }

    /// Whether it has read the exemption for the last time, as far as it knows.
    pub(crate) fn has_read_exemption(&self, id: Id) -> bool {
        let book = self.book.lock().unwrap();
        let mind = &book.minds[id as usize].0;
        let is_text = |answer: &Answer| matches!(answer, Answer::Text(_));
        match (&mind.part, mind.answers.iter().rposition(|answer| matches!(answer, Answer::Registered(_)))) {
            // The record, then the exemption.
            (Part::Guard(guard::Part::Look(_)), _) => mind.answers.iter().filter(|answer| is_text(answer)).count() > 1,
            (_, Some(registered)) => mind.answers[registered..].iter().any(is_text),
            (_, None) => true,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.book.lock().unwrap().minds.len()
    }

    pub(crate) fn answered(&self, id: Id, answer: Answer, now: Number) -> Id {
        let mut book = self.book.lock().unwrap();
        if let Some(known) = book.steps.get(&(id, answer.clone(), now)) {
            return *known;
        }
        let mut mind = book.minds[id as usize].0.clone();
        mind.answers.push(answer.clone());
        let next = self.settle(&mut book, mind, now);
        book.steps.insert((id, answer, now), next);
        next
    }

    /// Goes on to the next call that others can come before.
    fn settle(&self, book: &mut Book, mut mind: Mind, now: Number) -> Id {
        loop {
            if let Some(known) = book.ids.get(&mind) {
                return *known;
            }
            let mut io = Io { answers: mind.answers.iter(), breaks: self.breaks };
            let flow = match (mind.errand, mind.part.clone()) {
                (Errand::Event(id), Part::Guard(part)) => guard::go(id, part, &mut io),
                (Errand::Request(days), Part::Backout(part)) => backout::go(days, part, &mut io),
                _ => unreachable!(),
            };
            let next = match flow {
                Err(Halt::Asks(Call::Now)) => {
                    mind.answers.push(Answer::Now(now));
                    continue;
                }
                Err(Halt::Becomes(part)) => {
                    mind = Mind { part: *part, answers: Vec::new(), ..mind };
                    continue;
                }
                Err(Halt::Asks(call)) => Next::Asks(call),
                Ok(end) => Next::Ended(end),
            };
            let id = Id::try_from(book.minds.len()).unwrap();
            book.minds.push((mind.clone(), next));
            book.ids.insert(mind, id);
            return id;
        }
    }
}
