//! What must hold: after each step, and where nobody has a step left. These are the oracle's words, told of a smaller
//! world. Where the checker has `eventually`, it forgets at joins what was not met before them, so what must come in the
//! end is judged at each end instead, which misses nothing: no run is endless here.

use std::collections::BTreeSet;

use ecs_privileged_guard::domain::backout::note;
use ecs_privileged_guard::domain::exemption::Exemption;
use ecs_privileged_guard::domain::record::{MadeCopy, Record, Withdrawal};
use stateright::Property;

use super::backout::ORIGINAL;
use super::mind::{End, Errand, Next};
use super::play::{Deed, Party, Phase, Play, Point, Stage};
use super::texts::{record, says, small};
use super::world::{By, Call, Number, Rev, World};

/// What is ACTIVE: by the guard or not, privileged or not, and what it says.
pub(crate) type Shape = Vec<(bool, bool, u8)>;

pub(crate) fn shape(world: &World) -> Shape {
    world.active().map(|(_, rev)| (rev.by == By::Guard, rev.privileged, rev.says)).collect()
}

pub(crate) const NO_PRIVILEGE: &str = "the guard registers no privilege";
pub(crate) const BACKUP_FIRST: &str = "a copy is registered only where its backup is";
pub(crate) const ITS_OWN: &str = "a function deregisters only what functions registered";
pub(crate) const NOTHING_LOST: &str = "a record loses nothing";
pub(crate) const EXEMPT_FIRST: &str = "backout writes to ECS only what is exempt";
pub(crate) const IS_BACK: &str = "backout deregisters a copy only when the original is back";
pub(crate) const NOT_SHORTER: &str = "an exemption is never shortened";

/// The rules that this call breaks.
pub(crate) fn step(world: &World, by: By, call: &Call) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let mut must = |holds: bool, rule: &'static str| broken.extend((!holds).then_some(rule));
    let original = world.rev(ORIGINAL);
    match (by, call) {
        (By::Guard, Call::Register(input)) => {
            let (says_what, privileged) = says(input);
            must(!privileged, NO_PRIVILEGE);
            must(world.backups.values().any(|backup| says(backup) == (says_what, true)), BACKUP_FIRST);
        }
        (By::Backout, Call::Register(input)) => {
            must(world.exemption.is_some(), EXEMPT_FIRST);
            must(says(input) == (original.says, original.privileged), IS_BACK);
        }
        (By::Guard, Call::Deregister(number)) => must(world.rev(*number).by == By::Guard, ITS_OWN),
        (By::Backout, Call::Deregister(number)) => {
            must(world.rev(*number).by != By::People, ITS_OWN);
            if world.rev(*number).by == By::Guard {
                must(world.exemption.is_some(), EXEMPT_FIRST);
                must(world.active().any(|(_, rev)| is_original(world, rev)), IS_BACK);
            }
        }
        (_, Call::PutRecord { of, text, expect, is_blind }) => {
            let held = world.records.get(of).filter(|held| *is_blind || expect.as_ref() == Some(*held));
            must(held.is_none_or(|held| keeps(&record(held), &record(text))), NOTHING_LOST);
        }
        (_, Call::PutExemption { text, expect, is_blind }) if *is_blind || *expect == world.exemption => {
            let end = |text: &str| Exemption::read(text).unwrap().expires_at;
            must(world.exemption.as_ref().is_none_or(|held| end(held) <= end(text)), NOT_SHORTER);
        }
        _ => {}
    }
    broken
}

/// Whether it says what `web:1` says, privilege included.
fn is_original(world: &World, rev: Rev) -> bool {
    rev.privileged && rev.says == world.rev(ORIGINAL).says
}

fn keeps(before: &Record, after: &Record) -> bool {
    let is_kept = |copy: &MadeCopy| {
        after
            .copies
            .iter()
            .any(|it| it.revision == copy.revision && (copy.withdrawn.is_none() || it.withdrawn.is_some()))
    };
    (before.copy.is_none() || after.copy.is_some())
        && (before.backup_sha256.is_none() || after.backup_sha256 == before.backup_sha256)
        && (before.backed_out.is_none() || after.backed_out.is_some())
        && before.copies.iter().all(is_kept)
}

fn records(world: &World) -> Vec<Record> {
    world.records.values().map(record).collect()
}

fn named(world: &World) -> BTreeSet<Number> {
    records(world).iter().flat_map(|record| &record.copies).map(|copy| small(copy.revision)).collect()
}

/// ACTIVE copies that no record names.
pub(crate) fn unrecorded(world: &World) -> Vec<Number> {
    let named = named(world);
    copies(world).filter(|copy| !named.contains(copy)).collect()
}

fn copies(world: &World) -> impl Iterator<Item = Number> {
    world.active().filter(|(_, rev)| rev.by == By::Guard).map(|(number, _)| number)
}

/// What people registered last and did not take back.
fn latest_of_people(world: &World) -> Number {
    world.active().rfind(|(_, rev)| rev.by == By::People).map_or(ORIGINAL, |(number, _)| number)
}

/// The same, where there is something that each revision since must say.
fn old_version_in_front(world: &World) -> bool {
    let Some((latest, rev)) = world.active().next_back().filter(|(_, rev)| rev.by != By::People) else { return false };
    let floor = world.active().rfind(|(_, rev)| rev.by == By::People).map_or(ORIGINAL, |(number, _)| number);
    !(floor..latest).any(|number| world.rev(number).by == By::People && world.rev(number).says == rev.says)
}

fn two_copies_of_one(world: &World) -> bool {
    let gap = |copy: Number| world.active().filter(|(number, rev)| rev.by != By::Guard && *number < copy).count();
    let gaps: Vec<usize> = copies(world).map(gap).collect();
    gaps.iter().collect::<BTreeSet<_>>().len() < gaps.len()
}

fn unsaid(world: &World) -> bool {
    let named = named(world);
    world.all().any(|(number, rev)| rev.by == By::Guard && !named.contains(&number))
}

fn untold(world: &World) -> bool {
    let is_told = |by: By, number: Number| world.told.iter().any(|told| told.by == by && told.names.contains(&number));
    world.active().any(|(number, rev)| rev.by != By::People && !is_told(rev.by, number))
}

/// What backout took away, and the exemption that it wrote.
fn untold_by_backout(world: &World) -> bool {
    let by_backout = || world.told.iter().filter(|told| told.by == By::Backout);
    let is_told = |copy: &MadeCopy| by_backout().any(|told| told.names.contains(&small(copy.revision)));
    let is_undone = |copy: &&MadeCopy| copy.was_withdrawn_for(Withdrawal::BackedOut);
    let exemption = world.exemption.as_ref().map(|text| Exemption::read(text).unwrap());
    let exemption = exemption.filter(|exemption| exemption.approved_by != "operator");
    records(world).iter().flat_map(|record| &record.copies).filter(is_undone).any(|copy| !is_told(copy))
        || exemption.is_some_and(|exemption| by_backout().all(|told| told.until != Some(exemption.expires_at)))
}

fn false_in_force(world: &World) -> bool {
    records(world).iter().any(|record| {
        let Some(copy) = record.copy_revision() else { return false };
        let is_withdrawn = record.made(copy).is_some_and(|made| made.withdrawn.is_some());
        let number = small(copy.number());
        !world.rev(number).active && !is_withdrawn && !world.refused.contains(&number)
    })
}

/// The version in force is privileged, and neither a copy, an exemption nor an alert says anything of it.
fn left_in_silence(world: &World) -> bool {
    let Some((number, rev)) = world.active().rfind(|(_, rev)| rev.by != By::Guard) else { return false };
    let has_copy = copies(world).any(|copy| copy > number && world.rev(copy).says == rev.says);
    let is_told = || {
        let of_it = world.records.get(&number).map(record);
        of_it.is_some_and(|record| record.alerted_at.is_some()) || world.told.iter().any(|told| told.about == number)
    };
    rev.privileged && world.exemption.is_none() && !has_copy && !is_told()
}

/// A copy that says what people took back, although they have registered nothing since.
fn made_again(world: &World) -> bool {
    let is_news = |from: Number, to: Number| (from..to).any(|number| world.rev(number).by != By::Guard);
    world.refused.iter().any(|refused| {
        let is_it = |copy: Number| world.rev(copy).says == world.rev(*refused).says && !is_news(*refused, copy);
        copies(world).any(|copy| copy > *refused && is_it(copy))
    })
}

/// What was asked for once more and was not disturbed must be so.
fn backed_out(world: &World, outcome: &str) -> bool {
    let people = latest_of_people(world);
    let is_overtaken = people > ORIGINAL && !is_original(world, world.rev(people));
    let is_back = world.active().next_back().is_some_and(|(_, rev)| is_original(world, rev));
    let is_undone = copies(world).next().is_none() && is_back;
    match (is_overtaken, outcome) {
        (true, "refused" | "nothing_to_back_out") => {
            !world.active().any(|(number, rev)| rev.by == By::Backout && number > people)
        }
        (false, "nothing_to_back_out") => is_undone,
        (false, "backed_out" | "already_backed_out") => {
            let record = world.records.get(&ORIGINAL).map(record).unwrap();
            let restored = record.backed_out.as_ref().filter(|backed_out| note::is_finished(backed_out));
            let restored = restored.and_then(|note| note["restored"].as_str()?.strip_prefix("web:")?.parse().ok());
            let is_in_force = restored
                .is_some_and(|number: Number| world.rev(number).active && is_original(world, world.rev(number)));
            is_undone
                && is_in_force
                && world.exemption.is_some()
                && record.copies.iter().all(|it| it.withdrawn.is_some())
        }
        _ => false,
    }
}

impl Play {
    fn ends<'a>(&'a self, point: &'a Point) -> impl Iterator<Item = (Errand, End)> + 'a {
        let of_stages = point.stages.iter().filter_map(|stage| match stage {
            Stage::Runs { errand, mind, .. } => match self.minds.next(*mind) {
                Next::Ended(end) => Some((*errand, end)),
                Next::Asks(_) => None,
            },
            Stage::Waits(_) => None,
        });
        of_stages.chain(point.said.iter().cloned())
    }

    fn people_do(&self, deed: Deed) -> bool {
        self.scene.parties.iter().any(|party| matches!(party, Party::People(deeds) if deeds.contains(&deed)))
    }

    /// The end of an exemption is no event: what follows from it comes with the next look.
    fn is_over_silently(&self) -> bool {
        self.people_do(Deed::EndsExemption)
    }
}

macro_rules! at_each_step {
    ($rule:expr) => {
        Property::always($rule, |_: &Play, point: &Point| !point.world.broken.contains($rule))
    };
}

macro_rules! at_rest {
    ($rule:expr, $holds:expr) => {
        Property::always($rule, |play: &Play, point: &Point| {
            let holds: fn(&Play, &Point) -> bool = $holds;
            !play.is_at_rest(point) || holds(play, point)
        })
    };
}

pub(crate) const NO_OLD_VERSION: &str = "no old version stands in front of a newer one";
pub(crate) const ONE_COPY: &str = "no version has two copies";
pub(crate) const RECORDED: &str = "each copy is in a record, whatever became of it";
pub(crate) const TOLD: &str = "whatever a function registered and is ACTIVE was told";
pub(crate) const BACKOUT_TOLD: &str = "what backout took away and exempted was told";
pub(crate) const IN_FORCE: &str = "a record's copy in force is ACTIVE, or said to be withdrawn";
pub(crate) const NO_SILENCE: &str = "no privileged version in force is left without copy, exemption or alert";
pub(crate) const OWN_NO: &str = "the guard takes its own withdrawal for nobody's no";
pub(crate) const NOT_AGAIN: &str = "what people took back is not made again";
pub(crate) const NO_OUTLIVES: &str = "no copy outlives what was said against it in time";
pub(crate) const SETTLES: &str = "every run comes to its end";
pub(crate) const SERIAL: &str = "it ends as some order without overlap does";
pub(crate) const IDEMPOTENT: &str = "each event once more changes nothing and tells nobody";
pub(crate) const ONCE_BACK: &str = "backout brings the original back once";
pub(crate) const AS_ASKED: &str = "an undisturbed backout does what was asked";
pub(crate) const STAYS_BACK: &str = "the guard does not undo a backout";

pub(crate) const MENDED: &str = "whatever was amiss, the next look mends it";

pub(crate) fn properties() -> Vec<Property<Play>> {
    vec![
        at_each_step!(NO_PRIVILEGE),
        at_each_step!(BACKUP_FIRST),
        at_each_step!(ITS_OWN),
        at_each_step!(NOTHING_LOST),
        at_each_step!(EXEMPT_FIRST),
        at_each_step!(IS_BACK),
        at_each_step!(NOT_SHORTER),
        at_rest!(NO_OLD_VERSION, |_, point| !old_version_in_front(&point.world)),
        at_rest!(ONE_COPY, |_, point| !two_copies_of_one(&point.world)),
        at_rest!(RECORDED, |_, point| !unsaid(&point.world)),
        at_rest!(TOLD, |_, point| !untold(&point.world)),
        at_rest!(BACKOUT_TOLD, |_, point| !untold_by_backout(&point.world)),
        at_rest!(IN_FORCE, |_, point| !false_in_force(&point.world)),
        at_rest!(NO_SILENCE, |play, point| {
            point.phase < Phase::Heard || play.is_over_silently() || !left_in_silence(&point.world)
        }),
        at_rest!(OWN_NO, |play, point| {
            let is_no = |end: &End| matches!(end, End::Guard { reason: Some("copy_removed"), .. });
            play.people_do(Deed::TakesCopyBack) || !play.ends(point).any(|(_, end)| is_no(&end))
        }),
        at_rest!(NOT_AGAIN, |_, point| !made_again(&point.world)),
        at_rest!(NO_OUTLIVES, |_, point| !point.doomed.iter().any(|copy| point.world.rev(*copy).active)),
        at_rest!(SETTLES, |play, point| !play.ends(point).any(|(_, end)| end == End::Unsettled)),
        at_rest!(SERIAL, |play, point| { point.phase < Phase::Heard || play.allowed.contains(&shape(&point.world)) }),
        at_rest!(IDEMPOTENT, |play, point| {
            let is_news = |end: &End| matches!(end, End::Guard { is_sent: true, .. });
            let is_told = !play.people_do(Deed::TakesCopyBack) && point.said.iter().any(|(_, end)| is_news(end));
            play.is_over_silently()
                || point.phase < Phase::HeardAgain
                || point.before == shape(&point.world) && !is_told
        }),
        at_rest!(MENDED, |play, point| {
            let world = &point.world;
            point.phase < Phase::HeardAgain
                || !old_version_in_front(world)
                    && !two_copies_of_one(world)
                    && !unsaid(world)
                    && !untold(world)
                    && !false_in_force(world)
                    && (play.is_over_silently() || !left_in_silence(world))
                    && play.allowed.contains(&shape(world))
        }),
        at_rest!(ONCE_BACK, |_, point| point.world.active().filter(|(_, rev)| rev.by == By::Backout).count() <= 1),
        at_rest!(AS_ASKED, |_, point| {
            let is_so = |end: &End| matches!(end, End::Backout(outcome) if backed_out(&point.world, outcome));
            point.phase != Phase::Asked || point.said.iter().all(|(_, end)| is_so(end))
        }),
        at_rest!(STAYS_BACK, |play, point| {
            let is_back = |end: &End| matches!(end, End::Backout("backed_out" | "already_backed_out"));
            let of_original = |copy: Number| point.world.rev(copy).says == point.world.rev(ORIGINAL).says;
            !play.ends(point).any(|(_, end)| is_back(&end)) || !copies(&point.world).any(of_original)
        }),
    ]
}
