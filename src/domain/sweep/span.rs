//! Which of a family's ACTIVE revisions were looked at: all of them between two numbers. Two numbers a family are little
//! enough to keep for 20,000 families; revisions are immutable, so none is looked at twice.

use serde::{Deserialize, Serialize};

use super::super::arn::Revision;

/// Every ACTIVE revision of a family from `down` to `top` was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(Revision, Revision)", from = "(Revision, Revision)")]
pub struct Span {
    top: Revision,
    down: Revision,
}

impl From<(Revision, Revision)> for Span {
    fn from((top, down): (Revision, Revision)) -> Self {
        Self { top, down }
    }
}

impl From<Span> for (Revision, Revision) {
    fn from(span: Span) -> Self {
        (span.top, span.down)
    }
}

impl Span {
    /// Whether a revision was looked at.
    #[must_use]
    pub fn has(self, number: Revision) -> bool {
        (self.down..=self.top).contains(&number)
    }

    /// The span after one more revision was looked at; `active` are the family's ACTIVE ones, in order. What does not
    /// adjoin it is not held: it will be looked at again when its turn comes.
    #[must_use]
    pub fn with(span: Option<Self>, active: &[Revision], number: Revision) -> Self {
        let Some(span) = span else { return Self { top: number, down: number } };
        let above = active.iter().find(|other| **other > span.top);
        let below = active.iter().rev().find(|other| **other < span.down);
        match (above == Some(&number), below == Some(&number)) {
            (true, _) => Self { top: number, ..span },
            (_, true) => Self { down: number, ..span },
            (false, false) => span,
        }
    }

    /// The ACTIVE revisions that are left to look at, in the order that makes the span grow: the new ones upwards, then
    /// the old ones downwards.
    #[must_use]
    pub fn left(span: Option<Self>, active: &[Revision]) -> Vec<Revision> {
        let Some(span) = span else { return active.iter().rev().copied().collect() };
        let above = active.iter().filter(|number| **number > span.top);
        let below = active.iter().rev().filter(|number| **number < span.down);
        above.chain(below).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &[u64]) -> Vec<Revision> {
        numbers.iter().map(|number| Revision::new(*number).unwrap()).collect()
    }

    fn span(top: u64, down: u64) -> Span {
        Span { top: Revision::new(top).unwrap(), down: Revision::new(down).unwrap() }
    }

    #[test]
    fn what_is_left_makes_the_span_grow_until_nothing_is_left() {
        let active = numbers(&[1, 3, 4, 7, 9]);
        for start in [None, Some(span(4, 3)), Some(span(4, 4)), Some(span(8, 2))] {
            let mut grown = start;
            for number in Span::left(start, &active) {
                grown = Some(Span::with(grown, &active, number));
            }
            assert_eq!(Span::left(grown, &active), [], "{start:?}");
            assert!(active.iter().all(|number| grown.unwrap().has(*number)), "{start:?}");
        }
        assert_eq!(Span::left(Some(span(4, 4)), &active), numbers(&[7, 9, 3, 1]));
    }

    #[test]
    fn a_revision_beyond_one_that_was_not_looked_at_is_not_held() {
        let active = numbers(&[1, 2, 3, 4]);
        let held = Span::with(Some(span(2, 2)), &active, Revision::new(4).unwrap());
        assert!(!held.has(Revision::new(3).unwrap()) && !held.has(Revision::new(4).unwrap()));
    }

    #[test]
    fn it_is_stored_as_two_numbers() {
        assert_eq!(serde_json::to_string(&span(12, 3)).unwrap(), "[12,3]");
        assert_eq!(serde_json::from_str::<Span>("[12,3]").unwrap(), span(12, 3));
        assert!(serde_json::from_str::<Span>("[0,3]").is_err());
    }
}
