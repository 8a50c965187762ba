//! The parts of a digest's text, and how they share the lines of a mail. What does not fit goes item by item, and each
//! part says how much it left out: half a list that looks whole misleads.

use super::super::super::alert::{LINES_MAX, Line, Section, height, words};
use super::super::super::words::number;

/// A section whose items may be left out from the end.
pub(super) struct Part {
    pub(super) heading: &'static str,
    /// Stands before the items.
    pub(super) head: Vec<Line>,
    /// What may be left out.
    pub(super) items: Vec<Vec<Line>>,
    /// Stands after the items.
    pub(super) foot: Vec<Line>,
    /// Where the rest can be seen; none where nobody misses it.
    pub(super) rest_is_in: Option<&'static str>,
    /// A part gives way before another whose items take less than so many times as many lines.
    pub(super) gives_way: usize,
}

impl Part {
    pub(super) fn new(heading: &'static str) -> Self {
        let (head, items, foot) = (Vec::new(), Vec::new(), Vec::new());
        Self { heading, head, items, foot, rest_is_in: Some("the report"), gives_way: 4 }
    }

    fn lines_of_items(&self, shown: usize) -> usize {
        let lines = self.items.iter().take(shown).flatten().cloned().collect();
        height(&Section { heading: self.heading, lines })
    }

    fn section(&self, shown: usize) -> Section {
        let more = self.items.len() - shown;
        let more = self.rest_is_in.filter(|_| more > 0).map(|place| match shown {
            0 => format!("{} left out here: see {place}", number(more)),
            _ => format!("and {} more: see {place}", number(more)),
        });
        let items = self.items.iter().take(shown).flatten();
        let lines = self.head.iter().chain(items).cloned().chain(more.map(words)).chain(self.foot.iter().cloned());
        Section { heading: self.heading, lines: lines.collect() }
    }
}

/// As much of the parts as a mail has lines for.
pub(super) fn fit(in_short: &[String], parts: &[Part]) -> Vec<Section> {
    let mut shown: Vec<usize> = parts.iter().map(|part| part.items.len().min(LINES_MAX)).collect();
    loop {
        let sections: Vec<Section> = parts.iter().zip(&shown).map(|(part, shown)| part.section(*shown)).collect();
        let heights: Vec<usize> =
            sections.iter().map(|it| if it.lines.is_empty() { 0 } else { height(it) + 1 }).collect();
        if in_short.len() + heights.iter().sum::<usize>() <= LINES_MAX {
            return sections;
        }
        // Of equals the later one gives way.
        let open = parts.iter().zip(&mut shown).filter(|(_, shown)| **shown > 0);
        match open.max_by_key(|(part, shown)| part.gives_way * part.lines_of_items(**shown)) {
            Some((_, shown)) => *shown -= 1,
            None => return sections,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(items: usize, gives_way: usize) -> Part {
        Part { items: (0..items).map(|_| vec![words("x")]).collect(), gives_way, ..Part::new("PART") }
    }

    fn fitted(parts: &[Part]) -> Vec<usize> {
        fit(&[String::new()], parts).iter().map(|section| section.lines.len()).collect()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        assert_eq!(fitted(&[part(28, 1), part(27, 1)]), [28, 27]);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_matters_less_gives_way_first() {
        let lines = fitted(&[part(4_000, 1), part(4_000, 4)]);
        assert_eq!(lines.iter().sum::<usize>() + 1 + 2 * 2, LINES_MAX);
        assert!(lines[0] > lines[1] + 10, "{lines:?}");
        let sections = fit(&[], &[part(100, 1)]);
        let Some(Line::Words(more)) = sections[0].lines.last() else { panic!("a line") };
        assert_eq!(more, "and 43 more: see the report");
    }

    #[test]
    fn what_may_not_be_left_out_stays_however_long_it_is() {
        let long = Part { head: vec![words("x"); LINES_MAX], ..part(3, 1) };
        assert_eq!(fitted(&[part(3, 4), long]), [1, LINES_MAX + 1]);
    }
}
