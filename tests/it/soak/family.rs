//! A family's life in a soak: it is young, and people work at it; then it is left alone until nothing about it is on
//! its way; then each of its privileged revisions is looked at once more; then it is judged and leaves the account.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// More looks than any trouble lasts.
const LOOKS_MAX: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Young,
    /// Nobody does anything to it any more.
    Settling,
    /// The last looks are on their way.
    Looked,
    Finished,
}

#[derive(Debug)]
pub(super) struct Family {
    pub(super) stage: Stage,
    young_until: Instant,
    /// Events about it that have no end yet.
    pub(super) pending: usize,
    /// When the last of them ended, or something happened.
    touched: Instant,
    /// Whether nothing has gone wrong, and nobody else has done anything, since the last looks began.
    pub(super) is_clean: bool,
    looks: usize,
    /// The events of its privileged revisions.
    pub(super) originals: Vec<Arc<str>>,
    /// The last event of people about its service.
    pub(super) of_service: Option<Arc<str>>,
    /// What its service was pointed at last, by people.
    pub(super) word: Option<String>,
    /// Nobody is to put it in order: an original was deregistered under its copy, or its exemption cannot be read.
    pub(super) is_left: bool,
    /// How many versions of the application there are.
    pub(super) versions: usize,
    /// What happened, for whoever has to find out why something does not hold.
    pub(super) story: Vec<String>,
}

/// What is to be done about a family now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Wait,
    /// What ECS still does is to come to its end.
    Settle,
    /// These events are to be handed over once more.
    Look(Vec<Arc<str>>),
    /// It does not come to rest.
    GiveUp,
}

impl Family {
    pub(super) fn young_for(time: Duration) -> Self {
        let now = Instant::now();
        Self {
            stage: Stage::Young,
            young_until: now + time,
            pending: 0,
            touched: now,
            is_clean: true,
            looks: 0,
            originals: Vec::new(),
            of_service: None,
            word: None,
            is_left: false,
            versions: 1,
            story: Vec::new(),
        }
    }

    pub(super) fn tell(&mut self, what: String) {
        self.story.push(what);
    }

    pub(super) fn is_young(&self) -> bool {
        self.stage == Stage::Young
    }

    /// An event about it came to its end.
    pub(super) fn heard(&mut self, is_clean: bool) {
        self.pending = self.pending.saturating_sub(1);
        self.touched = Instant::now();
        self.is_clean &= is_clean;
    }

    /// Somebody does something to it, or may have.
    pub(super) fn disturb(&mut self) {
        self.is_clean = false;
        self.touched = Instant::now();
        if self.stage == Stage::Finished {
            self.stage = Stage::Settling;
        }
    }

    /// Where it goes from here. `calm`: so long nothing must have happened before the last looks. `is_moving`: ECS is at
    /// work on its service.
    pub(super) fn turn(&mut self, calm: Duration, is_moving: bool) -> Turn {
        if self.pending > 0 {
            return Turn::Wait;
        }
        match self.stage {
            Stage::Young if Instant::now() < self.young_until => Turn::Wait,
            Stage::Finished => Turn::Wait,
            Stage::Young | Stage::Settling | Stage::Looked if is_moving => {
                self.stage = self.stage.max_settling();
                Turn::Settle
            }
            Stage::Looked if self.is_clean => {
                self.stage = Stage::Finished;
                Turn::Wait
            }
            Stage::Looked if self.looks >= LOOKS_MAX => Turn::GiveUp,
            Stage::Young | Stage::Settling | Stage::Looked if self.touched.elapsed() < calm => Turn::Wait,
            Stage::Young | Stage::Settling | Stage::Looked => {
                (self.stage, self.is_clean) = (Stage::Looked, true);
                self.looks += 1;
                Turn::Look(self.originals.iter().chain(&self.of_service).map(Arc::clone).collect())
            }
        }
    }
}

impl Stage {
    fn max_settling(self) -> Self {
        if self == Self::Young { Self::Settling } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, Stage, Turn};
    use std::time::Duration;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn it_is_finished_when_its_last_looks_have_ended_well() {
        let mut family = Family::young_for(NOW);
        family.originals.push("the event".into());
        family.pending = 1;
        assert_eq!(family.turn(NOW, false), Turn::Wait, "something is on its way");
        family.heard(false);
        assert_eq!(family.turn(NOW, true), Turn::Settle);
        let Turn::Look(events) = family.turn(NOW, false) else { panic!("a look") };
        family.pending += events.len();
        family.heard(false);
        assert!(matches!(family.turn(NOW, false), Turn::Look(_)), "it went wrong");
        assert_eq!((family.turn(NOW, false), family.stage), (Turn::Wait, Stage::Finished));
        family.disturb();
        assert!(matches!(family.turn(NOW, false), Turn::Look(_)), "somebody was there");
    }
}
