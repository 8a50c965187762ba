//! The books of a soak: each event that is offered comes to exactly one end, an answer or a dead letter after all its
//! tries. They know nothing of what an event is about.

use std::collections::BTreeMap;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Its outcome, and the reason if there is one.
    Answered(String),
    /// The category of the last error.
    Dead(String),
}

/// An event that has no end yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) kind: &'static str,
    pub(super) tries: usize,
    tries_max: usize,
}

/// How many of a kind were offered, and how many came to each end, the most frequent first.
pub(super) struct Row<'a> {
    pub(super) kind: &'static str,
    pub(super) count: usize,
    pub(super) ends: Vec<(&'a str, usize)>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<u64, Open>,
    offered: BTreeMap<&'static str, usize>,
    ended: BTreeMap<(&'static str, String), usize>,
    /// Tries that failed, by their category.
    failed: BTreeMap<String, usize>,
    retries: usize,
    dead: usize,
}

impl Ledger {
    /// An event is offered; Lambda tries it so often. Answers its number.
    pub(super) fn offer(&mut self, kind: &'static str, tries_max: usize) -> u64 {
        let offered: usize = self.offered.values().sum();
        let number = offered as u64 + 1;
        self.open.insert(number, Open { kind, tries: 0, tries_max });
        *self.offered.entry(kind).or_default() += 1;
        number
    }

    /// An event was handed over and failed: whether it is to be tried again.
    pub(super) fn fail(&mut self, number: u64, category: &str) -> Result<bool, String> {
        let open = self.open.get_mut(&number).ok_or_else(|| format!("event {number} failed after its end"))?;
        open.tries += 1;
        *self.failed.entry(category.to_owned()).or_default() += 1;
        let again = open.tries < open.tries_max;
        self.retries += usize::from(again);
        Ok(again)
    }

    /// An event comes to its end. Only after all its tries is that a dead letter.
    pub(super) fn end(&mut self, number: u64, end: &End) -> Result<Open, String> {
        let open = self.open.remove(&number).ok_or_else(|| format!("event {number} ended twice"))?;
        let end = match end {
            End::Answered(outcome) => outcome.clone(),
            End::Dead(category) if open.tries == open.tries_max => {
                self.dead += 1;
                format!("dead letter: {category}")
            }
            End::Dead(category) => {
                return Err(format!("event {number} is dead after {} tries: {category}", open.tries));
            }
        };
        *self.ended.entry((open.kind, end)).or_default() += 1;
        Ok(open)
    }

    /// How often an event was tried.
    pub(super) fn tries(&self, number: u64) -> usize {
        self.open.get(&number).map_or(0, |open| open.tries)
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Nothing is open, and as many of each kind ended as were offered.
    pub(super) fn settle(&self) -> Result<(), String> {
        if let Some((number, open)) = self.open.first_key_value() {
            return Err(format!("{} events have no end, the first is event {number}, {open:?}", self.open.len()));
        }
        for (kind, offered) in &self.offered {
            let ended: usize = self.ended.iter().filter(|((of, _), _)| of == kind).map(|(_, count)| count).sum();
            if ended != *offered {
                return Err(format!("{offered} were offered of {kind}, and {ended} came to an end"));
            }
        }
        Ok(())
    }

    pub(super) fn offered(&self) -> usize {
        self.offered.values().sum()
    }

    pub(super) fn retries(&self) -> usize {
        self.retries
    }

    pub(super) fn dead(&self) -> usize {
        self.dead
    }

    /// What was offered, by kind.
    pub(super) fn table(&self) -> Vec<Row<'_>> {
        let ends = |kind: &str| {
            let of_kind = self.ended.iter().filter(|((of, _), _)| *of == kind);
            let mut ends: Vec<_> = of_kind.map(|((_, end), count)| (end.as_str(), *count)).collect();
            ends.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            ends
        };
        self.offered.iter().map(|(kind, count)| Row { kind, count: *count, ends: ends(kind) }).collect()
    }

    /// Why tries failed.
    pub(super) fn failures(&self) -> &BTreeMap<String, usize> {
        &self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Ledger};

    fn answered() -> End {
        End::Answered("remediated".to_owned())
    }

    #[test]
    fn each_event_with_one_end_is_in_order() {
        let mut ledger = Ledger::default();
        let (first, second) = (ledger.offer("registration", 3), ledger.offer("garbled", 3));
        ledger.end(first, &answered()).unwrap();
        assert_eq!([(); 3].map(|()| ledger.fail(second, "no JSON").unwrap()), [true, true, false]);
        ledger.end(second, &End::Dead("no JSON".to_owned())).unwrap();
        assert_eq!(ledger.settle(), Ok(()));
        assert_eq!((ledger.offered(), ledger.retries(), ledger.dead()), (2, 2, 1));
    }

    #[test]
    fn an_event_that_is_dropped_is_noticed() {
        let mut ledger = Ledger::default();
        let (first, _) = (ledger.offer("registration", 3), ledger.offer("registration", 3));
        ledger.end(first, &answered()).unwrap();
        assert!(ledger.settle().unwrap_err().starts_with("1 events have no end, the first is event 2"));
    }

    #[test]
    fn an_event_that_ends_twice_is_noticed() {
        let mut ledger = Ledger::default();
        let first = ledger.offer("registration", 3);
        ledger.end(first, &answered()).unwrap();
        assert_eq!(ledger.end(first, &answered()).unwrap_err(), "event 1 ended twice");
        assert!(ledger.fail(first, "late").is_err());
    }

    #[test]
    fn an_event_that_is_given_up_too_early_is_noticed() {
        let mut ledger = Ledger::default();
        let first = ledger.offer("registration", 3);
        ledger.fail(first, "throttled").unwrap();
        let early = ledger.end(first, &End::Dead("throttled".to_owned()));
        assert_eq!(early.unwrap_err(), "event 1 is dead after 1 tries: throttled");
        assert!(ledger.settle().is_err(), "and it counts as lost");
    }
}
