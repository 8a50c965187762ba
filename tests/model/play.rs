//! A scene as a model for the checker: who is there, what each can do next, and what follows from it.

use std::collections::{BTreeSet, HashSet};

use stateright::{Model, Property};

use super::breaks::Break;
use super::judge;
use super::mind::{End, Errand, Id, Minds, Next};
use super::texts::{record, small};
use super::world::{Answer, By, Call, Number, World};

/// A run that failed is tried again so often.
const RETRIES: u8 = 2;

/// What people do, each in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Registers {
        says: u8,
        privileged: bool,
    },
    TakesOriginalBack,
    /// The copy that a record names.
    TakesCopyBack,
    Exempts,
    EndsExemption,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    /// The guard, handed the event of this revision.
    Guard(Number),
    /// The same of the first privileged revision that somebody registers meanwhile.
    News,
    /// Backout, asked for so many days.
    Backout(i64),
    /// They act in this order.
    People(&'static [Deed]),
}

#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// What people have done after they registered the privileged `web:1`.
    pub(crate) before: &'static [Deed],
    /// Whether the guard has dealt with `web:1` before all that.
    pub(crate) is_remediated: bool,
    pub(crate) parties: Vec<Party>,
    /// How many runs die, answers are lost and lists are old, at most.
    pub(crate) faults: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Of people: so much is done.
    Waits(usize),
    /// What was registered before it was handed its errand for the last time, up to that number, every list shows.
    Runs { errand: Errand, mind: Id, tries: u8, shown: Number },
}

/// How far the scene is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    Played,
    /// Every event was heard.
    Heard,
    /// Each backout was asked for once more, and nobody disturbed it.
    Asked,
    /// Each event was heard once more.
    HeardAgain,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    pub(crate) world: World,
    pub(crate) stages: Vec<Stage>,
    pub(crate) faults: u8,
    pub(crate) phase: Phase,
    /// What the deliveries of this phase came to.
    pub(crate) said: Vec<(Errand, End)>,
    /// What was ACTIVE before this phase.
    pub(crate) before: judge::Shape,
    /// Copies in the making against which somebody has said something in time.
    pub(crate) doomed: BTreeSet<Number>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Goes(usize),
    /// Killed before its next call; it is handed the same again.
    Dies(usize),
    /// Its call is done, and the answer does not come.
    Loses(usize),
    /// Its list does not show the newest revision yet.
    SeesAnOldList(usize),
    /// Nobody has a step left.
    Rests,
}

pub(crate) struct Play {
    pub(crate) scene: Scene,
    pub(crate) minds: Minds,
    /// What is ACTIVE at the end of the orders without overlap.
    pub(crate) allowed: HashSet<judge::Shape>,
}

impl Play {
    pub(crate) fn new(scene: Scene, breaks: Break) -> Self {
        let honest = Self { scene, minds: Minds::default(), allowed: HashSet::new() };
        let mut allowed = HashSet::new();
        honest.one_after_the_other(&honest.start(), &mut allowed);
        Self { allowed, minds: Minds::that_break(breaks), ..honest }
    }

    fn start(&self) -> Point {
        let mut world = World::default();
        world.register(1, true, By::People);
        let mut point = Point {
            world,
            stages: Vec::new(),
            faults: self.scene.faults,
            phase: Phase::Played,
            said: Vec::new(),
            before: Vec::new(),
            doomed: BTreeSet::new(),
        };
        if self.scene.is_remediated {
            self.hand_over(&mut point.world, Errand::Event(1));
        }
        for deed in self.scene.before {
            self.act(&mut point, *deed);
        }
        let stage = |party: &Party| match *party {
            Party::Guard(number) => self.begin(&point, Errand::Event(number), 0, 0),
            Party::Backout(days) => self.begin(&point, Errand::Request(days), 0, 0),
            Party::News | Party::People(_) => Stage::Waits(0),
        };
        point.stages = self.scene.parties.iter().map(stage).collect();
        Point { doomed: BTreeSet::new(), ..point }
    }

    fn begin(&self, point: &Point, errand: Errand, tries: u8, shown: Number) -> Stage {
        Stage::Runs { errand, mind: self.minds.begin(errand, point.world.count()), tries, shown }
    }

    /// A run from its beginning to its end while nobody else does anything.
    fn hand_over(&self, world: &mut World, errand: Errand) -> End {
        let mut mind = self.minds.begin(errand, world.count());
        loop {
            match self.minds.next(mind) {
                Next::Ended(end) => return end,
                Next::Asks(call) => {
                    let answer = world.serve(errand.by(), &call);
                    mind = self.minds.answered(mind, answer, world.count());
                }
            }
        }
    }

    /// Whether it could be done.
    fn act(&self, point: &mut Point, deed: Deed) -> bool {
        let world = &mut point.world;
        match deed {
            Deed::Registers { says, privileged } => {
                world.register(says, privileged, By::People);
            }
            Deed::TakesOriginalBack => {
                world.deregister(1);
                let is_looked_at = |answer: &Answer| matches!(answer, Answer::Rev(1, _));
                self.doom(point, |mind| !self.minds.is_looking(mind) && self.minds.was_answered(mind, is_looked_at));
            }
            Deed::TakesCopyBack => {
                let mut records = world.records.values().map(record);
                let copy = records.find_map(|record| record.copy_revision()).map(|copy| small(copy.number()));
                let Some(copy) = copy.filter(|copy| world.rev(*copy).active) else { return false };
                world.deregister(copy);
                world.refused.insert(copy);
            }
            Deed::Exempts => {
                world.exemption = Some(EXEMPTION.into());
                self.doom(point, |mind| self.minds.has_read_exemption(mind));
            }
            Deed::EndsExemption => {
                world.exemption = None;
                point.doomed.clear();
            }
        }
        true
    }

    /// Copies that no record names must go, unless somebody has looked for the last time.
    fn doom(&self, point: &mut Point, has_looked: impl Fn(Id) -> bool) {
        let is_late = point.stages.iter().any(|stage| match stage {
            Stage::Runs { errand: Errand::Event(_), mind, .. } => {
                !matches!(self.minds.next(*mind), Next::Ended(_))
                    && (self.minds.is_reporting(*mind) || has_looked(*mind))
            }
            Stage::Runs { .. } | Stage::Waits(_) => false,
        });
        if !is_late {
            point.doomed.extend(judge::unrecorded(&point.world));
        }
    }

    /// The privileged revision that nobody has heard of.
    fn news(&self, point: &Point) -> Option<Number> {
        let first = 1 + self.scene.before.len() + usize::from(self.scene.is_remediated);
        let mut news = point.world.all().skip(first).filter(|(_, rev)| rev.privileged && rev.by != By::Guard);
        news.next().map(|(number, _)| number)
    }

    /// What a party can do next, faults aside.
    fn goes(&self, point: &Point, party: usize) -> bool {
        match (&point.stages[party], self.scene.parties[party]) {
            (Stage::Waits(done), Party::People(deeds)) => {
                deeds.get(*done).is_some_and(|deed| self.act(&mut point.clone(), *deed))
            }
            (Stage::Waits(_), _) => self.news(point).is_some(),
            (Stage::Runs { mind, .. }, _) => matches!(self.minds.next(*mind), Next::Asks(_)),
        }
    }

    /// Whether nobody has a step left.
    pub(crate) fn is_at_rest(&self, point: &Point) -> bool {
        (0..point.stages.len()).all(|party| !self.goes(point, party))
    }

    fn go(&self, point: &mut Point, act: Act) {
        match act {
            Act::Rests => self.rest(point),
            Act::Goes(party) => match (point.stages[party].clone(), self.scene.parties[party]) {
                (Stage::Waits(done), Party::People(deeds)) => {
                    self.act(point, deeds[done]);
                    point.stages[party] = Stage::Waits(done + 1);
                }
                (Stage::Waits(_), _) => {
                    let news = self.news(point).unwrap();
                    point.stages[party] = self.begin(point, Errand::Event(news), 0, 0);
                    self.go(point, act);
                }
                (Stage::Runs { errand, mind, .. }, _) => {
                    let Next::Asks(call) = self.minds.next(mind) else { unreachable!() };
                    let answer = point.world.serve(errand.by(), &call);
                    if matches!((&call, &answer), (Call::PutExemption { .. }, Answer::Written(true))) {
                        self.doom(point, |mind| self.minds.has_read_exemption(mind));
                    }
                    self.answer(point, party, answer);
                }
            },
            // It is handed the same again a minute later, when every list shows what is there.
            Act::Dies(party) => {
                let Stage::Runs { errand, tries, .. } = point.stages[party] else { unreachable!() };
                point.stages[party] = self.begin(point, errand, tries, point.world.count());
                point.faults -= 1;
            }
            Act::Loses(party) | Act::SeesAnOldList(party) => {
                let Stage::Runs { errand, mind, .. } = point.stages[party] else { unreachable!() };
                let Next::Asks(call) = self.minds.next(mind) else { unreachable!() };
                let answer = match point.world.serve(errand.by(), &call) {
                    Answer::Numbers(mut numbers) => {
                        numbers.retain(|number| *number != point.world.count());
                        Answer::Numbers(numbers)
                    }
                    // What was refused is answered: nothing was done.
                    Answer::Written(false) => Answer::Written(false),
                    _ => Answer::Lost,
                };
                point.faults -= 1;
                self.answer(point, party, answer);
            }
        }
    }

    fn answer(&self, point: &mut Point, party: usize, answer: Answer) {
        let Stage::Runs { errand, mind, tries, shown } = point.stages[party] else { unreachable!() };
        let mind = self.minds.answered(mind, answer, point.world.count());
        let is_again = match self.minds.next(mind) {
            Next::Ended(End::Unsettled | End::Backout("failed")) => tries < RETRIES,
            Next::Ended(_) | Next::Asks(_) => false,
        };
        point.stages[party] = match is_again {
            true => self.begin(point, errand, tries + 1, point.world.count()),
            false => Stage::Runs { errand, mind, tries, shown },
        };
    }

    /// What comes after the last step, one delivery after the other.
    fn rest(&self, point: &mut Point) {
        point.before = judge::shape(&point.world);
        point.said.clear();
        let of = |by: By| {
            let mine = point.stages.iter().filter_map(move |stage| match stage {
                Stage::Runs { errand, .. } if errand.by() == by => Some(*errand),
                Stage::Runs { .. } | Stage::Waits(_) => None,
            });
            mine.collect::<BTreeSet<Errand>>()
        };
        let privileged = point.world.all().filter(|(_, rev)| rev.privileged && rev.by != By::Guard);
        let events: BTreeSet<Errand> = privileged.map(|(number, _)| Errand::Event(number)).collect();
        let (phase, errands): (Phase, Vec<Errand>) = match point.phase {
            Phase::Played => (Phase::Heard, events.difference(&of(By::Guard)).copied().collect()),
            Phase::Heard => (Phase::Asked, of(By::Backout).into_iter().collect()),
            Phase::Asked | Phase::HeardAgain => (Phase::HeardAgain, events.into_iter().collect()),
        };
        point.phase = phase;
        for errand in errands {
            let end = self.hand_over(&mut point.world, errand);
            point.said.push((errand, end));
        }
    }

    fn one_after_the_other(&self, point: &Point, shapes: &mut HashSet<judge::Shape>) {
        let mut is_end = true;
        for party in (0..point.stages.len()).filter(|party| self.goes(point, *party)) {
            is_end = false;
            let mut next = point.clone();
            self.go(&mut next, Act::Goes(party));
            while matches!(next.stages[party], Stage::Runs { .. }) && self.goes(&next, party) {
                self.go(&mut next, Act::Goes(party));
            }
            self.one_after_the_other(&next, shapes);
        }
        if is_end {
            let mut end = point.clone();
            while end.phase != Phase::HeardAgain {
                self.rest(&mut end);
                shapes.insert(judge::shape(&end.world));
            }
        }
    }
}

/// As an operator would write it.
const EXEMPTION: &str =
    r#"{"containers":["app"],"reason":"r","approvedBy":"operator","expiresAt":"2026-12-01T00:00:00Z"}"#;

impl Model for Play {
    type State = Point;
    type Action = Act;

    fn init_states(&self) -> Vec<Point> {
        vec![self.start()]
    }

    fn actions(&self, point: &Point, acts: &mut Vec<Act>) {
        for party in (0..point.stages.len()).filter(|party| self.goes(point, *party)) {
            acts.push(Act::Goes(party));
            let Stage::Runs { errand, mind, shown, .. } = point.stages[party] else { continue };
            let Next::Asks(call) = self.minds.next(mind) else { continue };
            if point.faults == 0 {
                continue;
            }
            if mind != self.minds.begin(errand, point.world.count()) {
                acts.push(Act::Dies(party));
            }
            if call.is_write() {
                acts.push(Act::Loses(party));
            }
            let may_be_hidden = point.world.count() > shown && point.world.rev(point.world.count()).active;
            if call == Call::List && may_be_hidden {
                acts.push(Act::SeesAnOldList(party));
            }
        }
        if acts.is_empty() && point.phase != Phase::HeardAgain {
            acts.push(Act::Rests);
        }
    }

    fn next_state(&self, point: &Point, act: Act) -> Option<Point> {
        let mut next = point.clone();
        self.go(&mut next, act);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        judge::properties()
    }
}
