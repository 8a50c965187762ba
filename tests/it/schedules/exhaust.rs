//! Every order of a scenario's steps. Points that are reached in several orders are gone on from once, since nothing
//! that comes after can tell them apart. That is exact, and needs no claim about which calls depend on each other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::aftermath::ONCE_MORE;
use super::judge::Shape;
use super::search::{Choice, Point, Search};

/// What one order after another decides: who overlaps may do no worse.
const ASTRAY: &str = "it ends as no order without overlap does";

/// What was found on the way through all schedules.
#[derive(Default)]
pub(super) struct Found {
    /// How many schedules there are.
    pub(super) schedules: u128,
    /// How many points were gone on from.
    pub(super) points: usize,
    pub(super) ends: HashSet<Point>,
    /// What is ACTIVE at them, and at how many.
    pub(super) shapes: HashMap<Shape, usize>,
    /// Each broken rule: at how many ends or steps, and the shortest schedule that leads there.
    pub(super) broken: BTreeMap<String, (usize, String)>,
}

/// The points that so many steps lead to. Each step takes a party further, so none of them comes again later, and those
/// before are let go.
#[derive(Default)]
struct Layer {
    places: Vec<Place>,
    known: HashMap<Rc<Point>, usize>,
}

struct Place {
    point: Rc<Point>,
    /// How many ways lead there.
    ways: u128,
    first: Way,
}

/// A way through the layers, by its last step; nothing at the beginning.
type Way = Option<usize>;

/// The ways by which points were first reached: of each step the way before it, and the choice.
#[derive(Default)]
struct FirstWays(Vec<(Way, Choice)>);

impl FirstWays {
    /// The step after a way.
    fn step(&mut self, before: Way, choice: Choice) -> usize {
        self.0.push((before, choice));
        self.0.len() - 1
    }

    /// The choices of a way.
    fn seed(&self, way: Way) -> String {
        let steps = std::iter::successors(way, |step| self.0[*step].0);
        let choices: Vec<String> = steps.map(|step| self.0[step].1.to_string()).collect();
        choices.into_iter().rev().collect()
    }
}

impl Layer {
    fn reach(&mut self, point: Point, ways: u128, first: impl FnOnce() -> Way) {
        match self.known.get(&point) {
            Some(place) => self.places[*place].ways += ways,
            None => {
                let point = Rc::new(point);
                self.known.insert(Rc::clone(&point), self.places.len());
                self.places.push(Place { point, ways, first: first() });
            }
        }
    }
}

impl Search<'_> {
    /// Goes through all schedules, the shortest first.
    pub(super) fn all(&mut self) -> Found {
        let mut found = Found::default();
        let allowed = self.one_after_the_other();
        let (mut layer, mut first_ways) = (Layer::default(), FirstWays::default());
        layer.reach(self.start.clone(), 1, || None);
        while !layer.places.is_empty() {
            let places = std::mem::take(&mut layer).places;
            found.points += places.len();
            for Place { point, ways, first } in places {
                let choices = self.choices(&point);
                if choices.is_empty() {
                    found.schedules += ways;
                    for rule in self.judge(&point, &allowed, &mut found) {
                        found.broken.entry(rule).or_insert_with(|| (0, first_ways.seed(first))).0 += 1;
                    }
                    found.ends.insert(Rc::unwrap_or_clone(point));
                    continue;
                }
                for (choice, next, step) in choices {
                    if let Some(rule) = step.and_then(|step| step.broken) {
                        let seed = || (0, format!("{}{choice}", first_ways.seed(first)));
                        found.broken.entry(rule.to_string()).or_insert_with(seed).0 += 1;
                    }
                    layer.reach(next, ways, || Some(first_ways.step(first, choice)));
                }
            }
        }
        found
    }

    /// What an end breaks.
    fn judge(&mut self, point: &Point, allowed: &[Shape], found: &mut Found) -> Vec<String> {
        let end = self.end(point);
        let mut broken = end.broken;
        let is_astray = |shape: &Shape| !allowed.contains(shape);
        broken.extend(is_astray(&end.shape).then(|| ASTRAY.to_owned()));
        broken.extend(is_astray(&end.shape_later).then(|| format!("{ONCE_MORE}{ASTRAY}")));
        *found.shapes.entry(end.shape).or_default() += 1;
        match point.kills < self.scenario.kills {
            true => broken.into_iter().map(|rule| format!("{rule} (killed)")).collect(),
            false => broken,
        }
    }
}
