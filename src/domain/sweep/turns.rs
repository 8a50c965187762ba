//! Whose turn it is in a run: what waits for a look waits in queues, and each of them has its share of the time and of
//! what can be written, so that none waits behind one that is long. Pure.

use std::collections::BTreeMap;

use jiff::SignedDuration;

/// Why a revision waits for a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// It is known to be privileged, and rests on something else by now. After an upgrade or a changed setting that is
    /// every one of the account.
    Due,
    /// It is in use without being ACTIVE.
    InUse,
    /// It was never looked at.
    Unseen,
    /// It failed before, and may have healed.
    Failed,
}

impl Queue {
    const ALL: [Self; 4] = [Self::Due, Self::InUse, Self::Unseen, Self::Failed];

    /// How much its time counts. What failed comes again in each run, while the others come to their end.
    fn weight(self) -> i32 {
        match self {
            Self::Due | Self::InUse | Self::Unseen => 1,
            Self::Failed => 4,
        }
    }

    /// Whether all of it was looked at before.
    fn is_known(self) -> bool {
        match self {
            Self::Due | Self::Failed => true,
            Self::InUse | Self::Unseen => false,
        }
    }
}

/// The queues in which something waits, each with the time that it took.
#[derive(Debug)]
pub struct Turns {
    took: BTreeMap<Queue, SignedDuration>,
    writes_max: usize,
}

impl Turns {
    /// Before the first turn of a run that can write so many objects.
    #[must_use]
    pub fn begun(writes_max: usize) -> Self {
        Self { took: Queue::ALL.map(|queue| (queue, SignedDuration::ZERO)).into(), writes_max }
    }

    /// Whose turn it is where so many objects are to be written already: the one's that took least. Half of what can be
    /// written is kept for what was never looked at, as long as something of that waits.
    #[must_use]
    pub fn next(&self, writes: usize) -> Option<Queue> {
        let is_all_known = self.took.keys().all(|queue| queue.is_known());
        let writes_max = |queue: Queue| match queue.is_known() && !is_all_known {
            true => self.writes_max / 2,
            false => self.writes_max,
        };
        let open = self.took.iter().filter(|(queue, _)| writes < writes_max(**queue));
        open.min_by_key(|(queue, took)| (**took * queue.weight(), **queue)).map(|(queue, _)| *queue)
    }

    /// A look at what waited there took so long.
    pub fn took(&mut self, queue: Queue, time: SignedDuration) {
        if let Some(took) = self.took.get_mut(&queue) {
            *took += time;
        }
    }

    /// Nothing waits there any more.
    pub fn close(&mut self, queue: Queue) {
        self.took.remove(&queue);
    }

    /// Where something may still wait.
    #[must_use]
    pub fn open(&self) -> Vec<Queue> {
        self.took.keys().copied().collect()
    }
}

/// The same in the order in which a run goes on where the one before ended: behind `last`.
#[must_use]
pub fn behind<T: Ord>(last: Option<&T>, mut all: Vec<T>) -> Vec<T> {
    all.sort_by(|a, b| (last >= Some(a), a).cmp(&(last >= Some(b), b)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of a run of so many seconds, in which no queue ends.
    fn seconds(turns: &mut Turns, run: i64, look: impl Fn(Queue) -> i64) -> BTreeMap<Queue, i64> {
        let mut took = BTreeMap::new();
        while took.values().sum::<i64>() < run {
            let queue = turns.next(0).unwrap();
            turns.took(queue, SignedDuration::from_secs(look(queue)));
            *took.entry(queue).or_default() += look(queue);
        }
        took
    }

    #[test]
    fn each_gets_the_same_time_however_long_its_looks_take_and_what_failed_a_quarter_of_that() {
        let look = |queue| if queue == Queue::Failed { 5 } else { 1 };
        let took = seconds(&mut Turns::begun(400), 1_300, look);
        let expected = [(Queue::Due, 400), (Queue::InUse, 400), (Queue::Unseen, 400), (Queue::Failed, 100)];
        for (queue, expected) in expected {
            assert!((expected - 5..=expected + 5).contains(&took[&queue]), "{took:?}");
        }
    }

    #[test]
    fn what_others_leave_goes_to_those_that_are_left() {
        let mut turns = Turns::begun(400);
        for queue in [Queue::Due, Queue::InUse, Queue::Failed] {
            turns.close(queue);
        }
        assert_eq!(turns.open(), [Queue::Unseen]);
        assert_eq!(seconds(&mut turns, 100, |_| 1), BTreeMap::from([(Queue::Unseen, 100)]));
        turns.close(Queue::Unseen);
        assert_eq!((turns.next(0), turns.open()), (None, Vec::new()));
    }

    #[test]
    fn half_of_what_can_be_written_is_kept_for_what_was_never_looked_at() {
        let mut turns = Turns::begun(400);
        assert_eq!((turns.next(199), turns.next(200)), (Some(Queue::Due), Some(Queue::InUse)));
        assert_eq!((turns.next(399), turns.next(400)), (Some(Queue::InUse), None));
        for queue in [Queue::InUse, Queue::Unseen] {
            turns.close(queue);
        }
        assert_eq!((turns.next(399), turns.next(400)), (Some(Queue::Due), None));
    }

    #[test]
    fn a_run_goes_on_behind_the_last_and_then_from_the_beginning() {
        assert_eq!(behind(Some(&3), vec![5, 1, 3, 4]), [4, 5, 1, 3]);
        assert_eq!(behind(None, vec![5, 1]), [1, 5]);
    }
}
