//! Somebody else does something before each call of a sweep: the account ends as if it had been before the sweep, or
//! after it.

use super::super::super::account::{Calls, OPERATOR, PIPELINE, SWEEP, State};
use super::super::super::canaries::{NEWER, NEWER_PRIVILEGED};
use super::super::super::oracle::Whole;
use super::super::super::world::exempt_until;
use super::scenarios::{Scenario, scenarios};
use super::{BEFORE_A_RETRY, Course, reached};

type Deed = fn(&mut State);

const TAKEN_BACK: &str = "the original taken back";
/// What others do between two calls.
const DEEDS: [(&str, Deed); 4] = [
    ("a newer version", |state| {
        state.register(PIPELINE, &NEWER);
    }),
    ("a newer privileged version", |state| {
        state.register(PIPELINE, &NEWER_PRIVILEGED);
    }),
    (TAKEN_BACK, |state| {
        for original in ["web:2", "web:1"] {
            if state
                .ecs
                .revision(original)
                .is_some_and(super::super::super::account::state::ecs::Revision::is_privileged)
            {
                return state.deregister(OPERATOR, original);
            }
        }
    }),
    ("an exemption", |state| exempt_until(state, 30)),
];

/// Other functions of ours, whole, between two calls.
#[derive(Debug, Clone, Copy)]
enum Other {
    Guard,
    Backout,
    Sweep,
}

impl Other {
    async fn run(self, course: &Course) {
        let world = &course.world;
        match self {
            Self::Guard => {
                let _ = world.deliver().await;
            }
            Self::Backout => {
                let request = r#"{"taskDefinition":"web:2","reason":"the app breaks","approvedBy":"jane"}"#;
                let _ = world.back_out(request).await;
            }
            Self::Sweep => {
                let _ = world.sweep_with(course.policy).await;
            }
        }
    }
}

fn named(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}

/// What the order may not change: who was told of a race that somebody lost is left out, and where an exemption was
/// written at another time, its end; and what was registered at the time of the first run, whether it was missed.
fn bare(mut end: Whole, with_missed: bool) -> Whole {
    end.exemptions.clear();
    end.records.values_mut().for_each(|(_, was_told)| *was_told = true);
    end.report.truncate(end.report.len() - usize::from(!with_missed));
    end
}

/// How many calls a sweep makes there without company.
async fn calls(scenario: &Scenario) -> usize {
    let mut course = Course::of(&scenario.prepared().await, scenario.policy).await;
    course.run().await.unwrap();
    course.calls_of_the_first_run().len()
}

#[tokio::test]
async fn what_others_do_at_any_call_of_a_sweep_is_as_before_it_or_after_it() {
    let (mut told, mut broken) = (0, Vec::new());
    for name in ["missed", "copies of existing"] {
        let scenario = named(name);
        let (prepared, calls) = (scenario.prepared().await, calls(&scenario).await);
        for (deed, does) in DEEDS {
            let mut ends = Vec::new();
            for is_first in [true, false] {
                let mut course = Course::of(&prepared, scenario.policy).await;
                course.is_strict = deed != TAKEN_BACK;
                if !is_first {
                    course.run().await.unwrap();
                }
                does(&mut course.world.state());
                course.world.state().pass(BEFORE_A_RETRY);
                let end = course.follow().await.unwrap_or_else(|what| panic!("{name} / {deed}: {what}{course}"));
                ends.push(bare(end, false));
            }
            for call in 1..=calls {
                told += 1;
                let mut course = Course::of(&prepared, scenario.policy).await;
                course.is_strict = deed != TAKEN_BACK;
                course.world.state().before(Calls::all().by(SWEEP).starting_at(call), does);
                match course.follow().await {
                    Ok(end) if ends.contains(&bare(end.clone(), false)) => {}
                    Ok(end) => broken.push(format!("{name} / {deed} / {call}: {end:#?}\nand not {ends:#?}{course}")),
                    Err(what) => broken.push(format!("{name} / {deed} / {call}: {what}{course}")),
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {told}:\n{}", broken.len(), broken.join("\n"));
    reached("schedules explored/sweep and others", told);
}

#[tokio::test]
async fn another_function_at_any_call_of_a_sweep_is_as_before_it_or_after_it() {
    let (mut told, mut broken) = (0, Vec::new());
    for (name, other) in [
        ("missed", Other::Guard),
        ("missed", Other::Sweep),
        ("missed", Other::Backout),
        ("remediated by the guard", Other::Backout),
        ("copy without a record", Other::Guard),
        ("stray, its original gone", Other::Sweep),
    ] {
        let scenario = named(name);
        let (prepared, calls) = (scenario.prepared().await, calls(&scenario).await);
        let mut ends = Vec::new();
        for is_first in [true, false] {
            let mut course = Course::of(&prepared, scenario.policy).await;
            if !is_first {
                course.run().await.unwrap();
            }
            course.is_strict = !matches!(other, Other::Backout);
            let (began, digests, calls) = course.now();
            other.run(&course).await;
            course.note(Err("another function".to_owned()), began, digests, calls);
            course.world.state().pass(BEFORE_A_RETRY);
            let end = course.follow().await.unwrap_or_else(|what| panic!("{name} / {other:?}: {what}{course}"));
            ends.push(bare(end, true));
        }
        for call in 1..=calls {
            told += 1;
            let mut course = Course::of(&prepared, scenario.policy).await;
            course.is_strict = !matches!(other, Other::Backout);
            match course.meet(other, call).await {
                Ok(end) if ends.contains(&bare(end.clone(), true)) => {}
                Ok(end) => broken.push(format!("{name} / {other:?} / {call}: {end:#?}\nand not {ends:#?}{course}")),
                Err(what) => broken.push(format!("{name} / {other:?} / {call}: {what}{course}")),
            }
        }
    }
    assert!(broken.is_empty(), "{} of {told}:\n{}", broken.len(), broken.join("\n"));
    reached("schedules explored/sweep and functions", told);
}

/// Two sweeps side by side, call by call.
#[tokio::test]
async fn two_sweeps_at_once_end_as_one_does() {
    for scenario in scenarios() {
        let prepared = scenario.prepared().await;
        let mut alone = Course::of(&prepared, scenario.policy).await;
        let expected = alone.follow().await.unwrap_or_else(|what| panic!("{}: {what}{alone}", scenario.name));
        let mut course = Course::of(&prepared, scenario.policy).await;
        let (began, digests, calls) = course.now();
        let (one, two) =
            tokio::join!(course.world.sweep_with(scenario.policy), course.world.sweep_with(scenario.policy));
        course.note(one, began, digests, calls);
        course.note(two, began, digests, calls);
        let end = match course.judge() {
            Ok(()) => course.follow().await,
            Err(what) => Err(what),
        };
        assert_eq!(end.as_ref(), Ok(&expected), "{}: {course}", scenario.name);
    }
}

impl Course {
    /// A sweep in whose middle another function does all its work.
    async fn meet(&mut self, other: Other, call: usize) -> Result<Whole, String> {
        let (began, digests, calls) = self.now();
        let sweep = self.world.sweep_with(self.policy);
        let answer = Box::pin(self.world.meanwhile(sweep, call, other.run(self))).await;
        self.note(answer, began, digests, calls);
        self.judge()?;
        self.follow().await
    }
}
