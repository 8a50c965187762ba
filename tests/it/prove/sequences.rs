//! Sequences of what people, pipelines and time do to an account with the guard in it, generated in the way of Acto: each
//! operation on what the last one left, with trouble and company at any call, judged after each function's run and by
//! what is there at the end. What does not hold is shortened to the operations that it takes.
//!
//! <https://www.usenix.org/conference/nsdi24/presentation/gu> (Acto: end-to-end tests of operators by state transitions)

mod account;
mod end;

use proptest::prelude::*;
use proptest::sample::select;

use super::super::figures::reached;
use super::{Figures, all_hold, block_on, seed, unit};
use account::Account;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Operation {
    /// A pipeline registers one of the versions.
    Register(Version),
    /// The oldest event that waits is handed over, as Lambda does: up to three times.
    Deliver,
    /// The newest comes first.
    DeliverNewest,
    /// One that was handed over before comes again.
    DeliverAgain,
    /// CloudTrail or EventBridge loses the oldest that waits.
    Lose,
    /// The schedule.
    Sweep,
    /// Minutes.
    Pass(u16),
    /// An operator exempts the family for so many days; negative ones are over.
    Exempt(i8),
    /// An operator takes the exemption away.
    EndExemption,
    /// An operator asks to back out what is in force.
    BackOut,
    /// Security changes the mode and deploys.
    Switch(Mode),
    /// An operator deregisters the newest copy.
    TakeCopyBack,
    /// A team deregisters its newest privileged revision.
    TakeOriginalBack,
    /// A team deploys the newest of its revisions to its service.
    Deploy,
    /// ECS is done with the deployment.
    Complete,
    /// It fails, and goes back where the service was.
    Fail,
    /// The next run meets that at that call of its own.
    Trouble(usize, usize),
    /// Somebody registers or exempts at that call of the next run.
    Meanwhile(Meanwhile, usize),
}

#[derive(Debug, Clone, Copy)]
enum Version {
    Original,
    Copy,
    Newer,
    NewerPrivileged,
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Alert,
    Remediate,
    Enforce,
}

#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Registers(Version),
    Exempts,
    TakesOriginalBack,
}

/// How an account begins.
#[derive(Debug, Clone, Copy)]
enum Beginning {
    /// Nobody has swept it.
    Installed,
    /// A sweep has.
    Swept,
    /// An earlier version has made a copy and written a record with the members that it knew.
    Upgraded,
}

const VERSIONS: [Version; 4] = [Version::Original, Version::Copy, Version::Newer, Version::NewerPrivileged];
/// A run makes about so many calls.
const CALLS: usize = 40;

fn operations(with_trouble: bool) -> impl Strategy<Value = Vec<Operation>> {
    use Operation::{
        BackOut, Complete, Deliver, DeliverAgain, DeliverNewest, Deploy, EndExemption, Exempt, Fail, Lose, Pass,
        Register, Sweep, Switch, TakeCopyBack, TakeOriginalBack, Trouble,
    };
    let version = || select(&VERSIONS[..]);
    let quiet = prop_oneof![
        4 => version().prop_map(Register),
        5 => Just(Deliver),
        1 => Just(DeliverNewest),
        1 => Just(DeliverAgain),
        1 => Just(Lose),
        3 => Just(Sweep),
        2 => select(vec![1, 35, 90, 26 * 60, 32 * 24 * 60]).prop_map(Pass),
        1 => select(vec![-1_i8, 1, 30]).prop_map(Exempt),
        1 => Just(EndExemption),
        2 => Just(BackOut),
        1 => select(vec![Mode::Alert, Mode::Remediate, Mode::Enforce]).prop_map(Switch),
        1 => Just(TakeCopyBack),
        1 => Just(TakeOriginalBack),
        1 => Just(Deploy),
        1 => Just(Complete),
        1 => Just(Fail),
    ];
    let meanwhile = prop_oneof![
        2 => version().prop_map(Meanwhile::Registers),
        1 => Just(Meanwhile::Exempts),
        1 => Just(Meanwhile::TakesOriginalBack),
    ];
    let kinds = account::troubles();
    let trouble = prop_oneof![
        (0..kinds, 1..CALLS).prop_map(|(kind, call)| Trouble(kind, call)),
        (meanwhile, 1..CALLS).prop_map(|(deed, call)| Operation::Meanwhile(deed, call)),
    ];
    let weight = if with_trouble { 6 } else { 0 };
    proptest::collection::vec(prop_oneof![26 => quiet, weight => trouble], 3..16)
}

fn beginnings() -> impl Strategy<Value = (Beginning, Mode)> {
    let mode = select(vec![Mode::Alert, Mode::Remediate, Mode::Remediate, Mode::Enforce]);
    (select(vec![Beginning::Installed, Beginning::Swept, Beginning::Upgraded]), mode)
}

/// So many sequences of that seed; the shortest that does not hold, with what does not.
fn search(seed: u64, sequences: u32, with_trouble: bool) -> Result<Figures, String> {
    let done = std::cell::Cell::new(0);
    let strategy = (beginnings(), operations(with_trouble));
    super::search(seed, sequences, &strategy, |((beginning, mode), operations)| {
        done.set(done.get() + operations.len());
        let told = std::panic::catch_unwind(|| block_on(tell(beginning, mode, &operations)));
        let told = told.unwrap_or_else(|_| Err("it panics".to_owned()));
        told.map_err(TestCaseError::fail)
    })?;
    Ok(vec![("sequences", sequences as usize), ("operations", done.get())])
}

async fn tell(beginning: Beginning, mode: Mode, operations: &[Operation]) -> Result<(), String> {
    let mut account = Account::begin(beginning, mode).await;
    for operation in operations {
        account.go_on(*operation).await.map_err(|what| format!("{operation:?}: {what}"))?;
    }
    account.come_to_rest().await.map_err(|what| format!("in the end: {what}"))
}

#[test]
fn sequences_end_as_they_must() {
    let figures = search(20_261_129, 120, false).unwrap_or_else(|what| panic!("{what}"));
    reached("sequences of operations/quiet", figures[0].1);
}

#[test]
fn sequences_with_trouble_end_as_they_must() {
    let figures = search(20_261_130, 120, true).unwrap_or_else(|what| panic!("{what}"));
    reached("sequences of operations/trouble", figures[0].1);
}

/// So many units, so that an interrupted run loses little.
const UNITS: u64 = 40;
const SEQUENCES: u32 = 500;

#[test]
#[ignore = "make prove"]
fn many_sequences() {
    let of = |number| (seed().wrapping_mul(1_000_000) + number, format!("{} {number}", seed()));
    all_hold((0..UNITS).map(of).map(|(seed, name)| unit("sequences", &name, || search(seed, SEQUENCES, false))));
}

#[test]
#[ignore = "make prove"]
fn many_sequences_with_trouble() {
    let of = |number| (seed().wrapping_mul(2_000_000) + number, format!("{} {number}", seed()));
    all_hold((0..UNITS).map(of).map(|(seed, name)| unit("random search", &name, || search(seed, SEQUENCES, true))));
}
