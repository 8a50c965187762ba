//! Every order of a scenario's steps. Points that are reached in several orders are gone on from once, since nothing
//! that comes after can tell them apart. That is exact, and needs no claim about which calls depend on each other.

use std::collections::{BTreeMap, HashMap, HashSet};

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

/// The points so far, each with how it was first reached and where it leads.
struct Map {
    points: Vec<Place>,
    known: HashMap<Point, usize>,
}

struct Place {
    point: Point,
    first: Option<(usize, Choice)>,
    next: Vec<usize>,
}

impl Map {
    fn place_of(&mut self, point: Point, first: Option<(usize, Choice)>) -> usize {
        let points = &mut self.points;
        *self.known.entry(point.clone()).or_insert_with(|| {
            points.push(Place { point, first, next: Vec::new() });
            points.len() - 1
        })
    }

    /// The choices that first led there, and one more.
    fn seed(&self, mut here: usize, last: Option<Choice>) -> String {
        let mut choices = Vec::from_iter(last);
        while let Some((before, choice)) = self.points[here].first {
            choices.push(choice);
            here = before;
        }
        choices.iter().rev().map(ToString::to_string).collect()
    }

    /// How many ways lead from the first point to an end.
    fn ways(&self) -> u128 {
        let mut open_ways_in = vec![0_usize; self.points.len()];
        self.points.iter().flat_map(|place| &place.next).for_each(|next| open_ways_in[*next] += 1);
        let mut ways = vec![0_u128; self.points.len()];
        ways[0] = 1;
        let (mut open, mut ends) = (vec![0], 0);
        while let Some(here) = open.pop() {
            let next = &self.points[here].next;
            if next.is_empty() {
                ends += ways[here];
            }
            for there in next {
                ways[*there] += ways[here];
                open_ways_in[*there] -= 1;
                if open_ways_in[*there] == 0 {
                    open.push(*there);
                }
            }
        }
        ends
    }
}

impl Search<'_> {
    /// Goes through all schedules, the shortest first.
    pub(super) fn all(&mut self) -> Found {
        let mut found = Found::default();
        let allowed = self.one_after_the_other();
        let mut map = Map { points: Vec::new(), known: HashMap::new() };
        map.place_of(self.start.clone(), None);
        let mut here = 0;
        while here < map.points.len() {
            let point = map.points[here].point.clone();
            let choices = self.choices(&point);
            if choices.is_empty() {
                for rule in self.judge(&point, &allowed, &mut found) {
                    found.broken.entry(rule).or_insert_with(|| (0, map.seed(here, None))).0 += 1;
                }
                found.ends.insert(point);
            }
            for (choice, next, step) in choices {
                if let Some(rule) = step.and_then(|step| step.broken) {
                    let seed = || (0, map.seed(here, Some(choice)));
                    found.broken.entry(rule.to_string()).or_insert_with(seed).0 += 1;
                }
                let there = map.place_of(next, Some((here, choice)));
                map.points[here].next.push(there);
            }
            here += 1;
        }
        (found.points, found.schedules) = (map.points.len(), map.ways());
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
