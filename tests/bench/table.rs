//! What was measured, next to its bar.

use std::fmt;

/// What a figure must not exceed.
pub(crate) enum Bar {
    /// A ratio, as the median over the rounds.
    Ratio(f64),
    /// A figure of our own, in the worst round.
    Most(f64),
    /// Shown for what it is.
    None,
}

/// A figure of the guard and of what it is compared with, round by round.
pub(crate) struct Row {
    name: &'static str,
    unit: &'static str,
    other: &'static str,
    bar: Bar,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Row {
    pub(crate) const HEAD: &'static str = "| figure | guard | against | ratio | bar | |\n|---|---|---|---|---|---|";

    pub(crate) fn new(name: &'static str, unit: &'static str, other: &'static str, bar: Bar) -> Self {
        Self { name, unit, other, bar, ours: Vec::new(), theirs: Vec::new() }
    }

    pub(crate) fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.bar {
            Bar::Ratio(most) => median(&self.ratios()) <= most,
            Bar::Most(most) => self.ours.iter().all(|figure| *figure <= most),
            Bar::None => true,
        }
    }

    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, other, .. } = self;
        write!(f, "| {name} | {:.2} {unit} | ", median(&self.ours))?;
        match other.is_empty() {
            true => write!(f, "| ")?,
            false => {
                let ratios = self.ratios();
                let (least, most) =
                    ratios.iter().fold((f64::MAX, f64::MIN), |(least, most), it| (least.min(*it), most.max(*it)));
                write!(
                    f,
                    "{other} {:.2} {unit} | {:.3} [{least:.3}-{most:.3}] ",
                    median(&self.theirs),
                    median(&ratios)
                )?;
            }
        }
        match self.bar {
            Bar::Ratio(most) => write!(f, "| ratio at most {most:.3} ")?,
            Bar::Most(most) => write!(f, "| at most {most} {unit} ")?,
            Bar::None => return write!(f, "| | |"),
        }
        write!(f, "| {} |", if self.is_met() { "met" } else { "NOT met" })
    }
}

/// The middle one.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
