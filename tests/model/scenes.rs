//! Who meets whom.

use super::breaks::Break;
use super::judge;
use super::play::Deed::{EndsExemption, Exempts, Registers, TakesCopyBack, TakesOriginalBack};
use super::play::Party::{Backout, Guard, News, People};
use super::play::{Deed, Party, Scene};

const NEWER: Deed = Registers { says: 2, privileged: false };
const NEWER_PRIVILEGED: Deed = Registers { says: 2, privileged: true };
const SAME_AGAIN: Deed = Registers { says: 1, privileged: true };
const EQUAL: Deed = Registers { says: 1, privileged: false };
const NEWEST: Deed = Registers { says: 3, privileged: false };
const NEWEST_PRIVILEGED: Deed = Registers { says: 3, privileged: true };

fn fresh(name: &'static str, faults: u8, parties: Vec<Party>) -> Scene {
    Scene { name, before: &[], is_remediated: false, parties, faults }
}

fn remediated(name: &'static str, faults: u8, parties: Vec<Party>) -> Scene {
    Scene { is_remediated: true, ..fresh(name, faults, parties) }
}

/// What `make test` has time for.
pub(crate) fn small() -> Vec<Scene> {
    let with = |before: &'static [Deed], scene: Scene| Scene { before, ..scene };
    vec![
        fresh("two guards", 1, vec![Guard(1), Guard(1)]),
        fresh("newer", 2, vec![Guard(1), People(&[NEWER])]),
        fresh("newer privileged and its guard", 0, vec![Guard(1), People(&[NEWER_PRIVILEGED]), News]),
        fresh("same again and its guard", 0, vec![Guard(1), People(&[SAME_AGAIN]), News]),
        fresh("equal", 1, vec![Guard(1), People(&[EQUAL])]),
        fresh("newer twice", 1, vec![Guard(1), People(&[NEWER, NEWEST])]),
        fresh("newer and equal", 1, vec![Guard(1), People(&[NEWER, EQUAL])]),
        fresh("original taken back", 1, vec![Guard(1), People(&[TakesOriginalBack])]),
        fresh("copy taken back", 1, vec![Guard(1), People(&[TakesCopyBack])]),
        fresh("exempted", 1, vec![Guard(1), People(&[Exempts])]),
        fresh("exempted for a moment", 1, vec![Guard(1), People(&[Exempts, EndsExemption])]),
        fresh("two guards, newer", 0, vec![Guard(1), Guard(1), People(&[NEWER])]),
        with(&[SAME_AGAIN], fresh("two equal originals", 1, vec![Guard(1), Guard(2)])),
        remediated("backout and guard", 1, vec![Backout(30), Guard(1)]),
        fresh("backout and guard at work", 1, vec![Backout(30), Guard(1)]),
        remediated("backout, newer", 2, vec![Backout(30), People(&[NEWER])]),
        remediated("backout, same again", 1, vec![Backout(30), People(&[SAME_AGAIN])]),
        remediated("backout, copy taken back", 1, vec![Backout(30), People(&[TakesCopyBack])]),
        remediated("backout, original taken back", 1, vec![Backout(30), People(&[TakesOriginalBack])]),
        with(&[TakesOriginalBack], remediated("backout of inactive, newer", 2, vec![Backout(30), People(&[NEWER])])),
        with(&[TakesOriginalBack], remediated("backout of inactive and its guard", 1, vec![Backout(30), News])),
    ]
}

/// What takes minutes: more of everybody.
pub(crate) fn large() -> Vec<Scene> {
    let with = |before: &'static [Deed], scene: Scene| Scene { before, ..scene };
    vec![
        fresh("two guards, newer, a fault", 1, vec![Guard(1), Guard(1), People(&[NEWER])]),
        fresh("newer, three faults", 3, vec![Guard(1), People(&[NEWER])]),
        fresh("newer privileged and its guard, a fault", 1, vec![Guard(1), People(&[NEWER_PRIVILEGED]), News]),
        fresh("same again and its guard, a fault", 1, vec![Guard(1), People(&[SAME_AGAIN]), News]),
        fresh("two guards, newer twice", 0, vec![Guard(1), Guard(1), People(&[NEWER, NEWEST_PRIVILEGED])]),
        fresh("two guards, copy taken back", 1, vec![Guard(1), Guard(1), People(&[TakesCopyBack])]),
        fresh("two guards, original taken back", 1, vec![Guard(1), Guard(1), People(&[TakesOriginalBack])]),
        fresh("two guards, exempted for a moment", 0, vec![Guard(1), Guard(1), People(&[Exempts, EndsExemption])]),
        fresh("pipeline, operator", 1, vec![Guard(1), People(&[NEWER]), People(&[TakesOriginalBack])]),
        remediated("backout, guard, newer", 1, vec![Backout(30), Guard(1), People(&[NEWER])]),
        remediated("backout, guard, newer privileged", 1, vec![Backout(30), Guard(1), People(&[NEWER_PRIVILEGED])]),
        remediated("two backouts", 1, vec![Backout(30), Backout(60)]),
        with(&[TakesOriginalBack], remediated("two backouts of inactive", 1, vec![Backout(30), Backout(60)])),
        with(
            &[TakesOriginalBack],
            remediated("two backouts of inactive, newer", 0, vec![Backout(30), Backout(60), People(&[NEWER])]),
        ),
        remediated("backout, two guards, newer", 0, vec![Backout(30), Guard(1), Guard(1), People(&[NEWER])]),
        remediated("backout and guard, two faults", 2, vec![Backout(30), Guard(1)]),
        remediated("two backouts, newer privileged", 0, vec![Backout(30), Backout(60), People(&[NEWER_PRIVILEGED])]),
    ]
}

/// A run of the equal newer original takes a copy over that its own run is withdrawing. The next look mends it.
const TAKEN_OVER: [&str; 3] = [judge::IN_FORCE, judge::SERIAL, judge::IDEMPOTENT];
/// The same; and a run died whose copy stands behind that of the newer original, which its own run does not see any more.
/// The next look mends that too.
const LEFT_BEHIND: [&str; 6] =
    [judge::IN_FORCE, judge::SERIAL, judge::IDEMPOTENT, judge::RECORDED, judge::TOLD, judge::ONE_COPY];
/// Between the last look at the original and the call that deregisters the copy nothing can be done.
const ONE_CALL: [&str; 1] = [judge::IS_BACK];
/// A backout that is stopped by a newer version leaves what it wrote and brought back before.
const STOPPED_HALF_WAY: [&str; 2] = [judge::SERIAL, judge::MENDED];

/// Two backouts are stopped by a newer version. The one that tells of the shorter exemption notes that last, over the note
/// that the longer one was told; whoever asks for that again is told once more, and answered `failed` for `refused`.
const TOLD_ONCE_MORE: [&str; 1] = [judge::AS_ASKED];

/// What is known to be broken, as in the world's `known.rs`: a test fails when one of these rules holds.
pub(crate) fn known(scene: &str) -> &'static [&'static str] {
    match scene {
        "same again and its guard" | "two equal originals" => &TAKEN_OVER,
        "same again and its guard, a fault" => &LEFT_BEHIND,
        "backout, original taken back" => &ONE_CALL,
        "backout of inactive, newer" | "backout, guard, newer privileged" => &STOPPED_HALF_WAY,
        "two backouts of inactive, newer" => &TOLD_ONCE_MORE,
        _ => &[],
    }
}

/// Each break with a scene in which it shows, and a rule that it breaks there.
pub(crate) fn broken() -> Vec<(Break, Scene, &'static str)> {
    let newer = |faults| fresh("newer", faults, vec![Guard(1), People(&[NEWER])]);
    let two = |faults| fresh("two guards", faults, vec![Guard(1), Guard(1)]);
    let people = |deeds| fresh("people", 0, vec![Guard(1), People(deeds)]);
    let no = || fresh("no", 0, vec![Guard(1), Guard(1), People(&[TakesCopyBack])]);
    let again = || fresh("again", 0, vec![Guard(1), People(&[SAME_AGAIN]), News]);
    let backout = |faults, deeds| remediated("backout", faults, vec![Backout(30), People(deeds)]);
    let undone = || remediated("undone", 0, vec![Backout(30), Guard(1)]);
    let backouts = |before| Scene { before, ..remediated("backouts", 0, vec![Backout(30), Backout(60)]) };
    vec![
        (Break::LooksAtNothingBetween, newer(0), judge::NO_OLD_VERSION),
        (Break::IgnoresWhatIsNext, newer(0), judge::NO_OLD_VERSION),
        (Break::LeavesStrays, newer(1), judge::NO_OLD_VERSION),
        (Break::ForgetsALostAnswer, newer(2), judge::NO_OLD_VERSION),
        (Break::ForgetsALostAnswer, newer(2), judge::IDEMPOTENT),
        (Break::LooksAtNothingBetween, newer(0), judge::SERIAL),
        (Break::LooksAtNothingBetween, two(0), judge::ONE_COPY),
        (Break::LooksAtNoOriginal, people(&[TakesOriginalBack]), judge::NO_OUTLIVES),
        (Break::LooksAtNoExemption, people(&[Exempts]), judge::NO_OUTLIVES),
        (Break::LooksAtNoRecord, no(), judge::NOT_AGAIN),
        (Break::ForgetsANo, no(), judge::NOT_AGAIN),
        (Break::TrustsItsOwnRecord, again(), judge::MENDED),
        (Break::BacksNothingUp, newer(0), judge::BACKUP_FIRST),
        (Break::KeepsPrivilege, newer(0), judge::NO_PRIVILEGE),
        (Break::TakesTheOtherAway, newer(0), judge::ITS_OWN),
        (Break::WithdrawsUnsaid, Scene { faults: 1, ..again() }, judge::OWN_NO),
        (Break::ReadsTheExemptionEarly, Scene { faults: 1, ..undone() }, judge::OWN_NO),
        (Break::WithdrawsUnsaid, newer(1), judge::RECORDED),
        (Break::OverwritesRecords, two(0), judge::NOTHING_LOST),
        (Break::TellsLast, two(1), judge::TOLD),
        (Break::TellsNobody, people(&[TakesCopyBack]), judge::NO_SILENCE),
        (Break::NeverFinishes, newer(1), judge::SETTLES),
        (Break::KnowsNoExemption, undone(), judge::STAYS_BACK),
        (Break::ExemptsNothing, backout(0, &[NEWER]), judge::EXEMPT_FIRST),
        (Break::BringsBackLast, backout(0, &[TakesOriginalBack]), judge::IS_BACK),
        (Break::ExemptsNothing, undone(), judge::AS_ASKED),
        (Break::BeginsUnsaid, backout(1, &[NEWER]), judge::IN_FORCE),
        (Break::TellsLast, backout(1, &[NEWER]), judge::BACKOUT_TOLD),
        (Break::OverwritesExemptions, backouts(&[]), judge::NOT_SHORTER),
        (Break::LooksAtNothingBetween, backouts(&[TakesOriginalBack]), judge::ONCE_BACK),
    ]
}
