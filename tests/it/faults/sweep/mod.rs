//! The same of sweep: trouble at each call of a sweep, then Lambda's retries and the schedule's next runs, until a run
//! finds nothing to do; and the account must end as it does without trouble, with everything told, and nothing told
//! again after that.

mod races;
pub(super) mod scenarios;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ecs_privileged_guard::domain::policy::Policy;
use ecs_privileged_guard::reconcile::SweepAnswer;
use jiff::Timestamp;
use serde_json::Value;

use super::super::account::{Calls, SWEEP, State};
use super::super::canaries;
use super::super::figures::reached;
use super::super::oracle::{Whole, judge_complete, judge_quiet, judge_whole, whole};
use super::super::story::BUCKET;
use super::super::world::World;
use super::Strikes;
use super::kinds::troubles;
use scenarios::{Scenario, Struck, scenarios};

/// Lambda tries again what fails, twice, before it dead-letters it.
const RETRIES: usize = 2;
const BEFORE_A_RETRY: Duration = Duration::from_mins(1);
/// The schedule.
const INTERVAL: Duration = Duration::from_hours(1);
/// So many scheduled runs after the one that was struck, and nothing may be left to do.
const RUNS_MAX: usize = 4;

/// The scenarios are dealt out to this many tests, for the cores that there are.
const PARTS: usize = 5;

parts!(
    every_call_of_a_sweep_survives_every_trouble: 0,
    every_call_of_the_second_share_of_sweeps_survives_every_trouble: 1,
    every_call_of_the_third_share_of_sweeps_survives_every_trouble: 2,
    every_call_of_the_fourth_share_of_sweeps_survives_every_trouble: 3,
    every_call_of_the_last_share_of_sweeps_survives_every_trouble: 4
);

async fn survive(part: usize) {
    let strikes = Strikes::asked();
    let (mut injected, mut broken) = (0, Vec::new());
    for scenario in scenarios().into_iter().skip(part).step_by(PARTS) {
        let prepared = scenario.prepared().await;
        let mut clean = Course::of(&prepared, scenario.policy).await;
        let expected = clean.follow().await;
        let Ok(expected) =
            expected.map_err(|what| broken.push(format!("{} / no trouble: {what}{clean}", scenario.name)))
        else {
            continue;
        };
        for call in calls_to_strike(&scenario, &clean.calls_of_the_first_run()) {
            for (kind, trouble) in troubles().into_iter().enumerate() {
                let one_in = if scenario.struck == Struck::Samples { 8 } else { 4 };
                let seed = format!("sweep / {} / {} / {call}", scenario.name, trouble.name);
                if !strikes.has(&seed, kind + call, one_in) {
                    continue;
                }
                injected += 1;
                let mut course = Course::of(&prepared, scenario.policy).await;
                course.lists_are_true = !trouble.name.starts_with("stale");
                let calls = Calls::all().by(SWEEP).starting_at(call);
                (trouble.strike)(&mut course.world.state(), calls);
                if let Err(what) = ends_as(&mut course, &expected).await {
                    broken.push(format!("{seed}: {what}{course}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    if strikes.are_many() {
        reached(&format!("faults injected/sweep {part}"), injected);
        reached(&format!("canaries looked for/sweep {part}"), injected * canaries::count());
    }
}

/// What does not hold when that course was followed.
pub(super) async fn ends_as(course: &mut Course, expected: &Whole) -> Result<(), String> {
    let end = course.follow().await?;
    match end == *expected {
        true => Ok(()),
        false => Err(format!("ends in {end:#?}\nand not in {expected:#?}")),
    }
}

/// The numbers of the calls that are worth a strike: what every sweep does alike is struck in one scenario, once an
/// operation.
fn calls_to_strike(scenario: &Scenario, calls: &[(String, String)]) -> Vec<usize> {
    let mut met = BTreeSet::new();
    let of_looks = calls.iter().position(|(operation, _)| operation == "DescribeTaskDefinition");
    let mut is_worth_it = |at: usize, operation: &str, resource: &str| {
        let is_alike = at < of_looks.unwrap_or(calls.len()) && !resource.contains("/exemptions/")
            || resource.contains("/reports/");
        !is_alike
            || scenario.struck == Struck::Everything
                && met.insert((operation.to_owned(), resource.contains("/reports/")))
    };
    let numbered = calls.iter().enumerate();
    numbered.filter(|(at, (operation, resource))| is_worth_it(*at, operation, resource)).map(|(at, _)| at + 1).collect()
}

/// One run of sweep, as far as somebody noticed.
struct Ran {
    answer: Result<SweepAnswer, String>,
    began: Timestamp,
    /// How many digests were published.
    digests: usize,
    /// The operation and the resource of each of its calls.
    calls: Vec<(String, String)>,
}

/// The runs of an account.
pub(super) struct Course {
    pub(super) world: World,
    policy: fn(&mut Policy),
    /// Whether each copy is one of something ACTIVE at the end: not where people take originals back.
    is_strict: bool,
    /// Whether lists show all that is older than some minutes.
    pub(super) lists_are_true: bool,
    /// When it began: what records say of an earlier time is not judged.
    begins: Timestamp,
    runs: Vec<Ran>,
}

impl std::fmt::Display for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for run in &self.runs {
            write!(f, "\n    {} {:?}, {} digests", run.began, run.answer, run.digests)?;
        }
        Ok(())
    }
}

impl Course {
    pub(super) async fn of(prepared: &World, policy: fn(&mut Policy)) -> Self {
        let world = prepared.again().await;
        let begins = world.state().now;
        Self { world, policy, is_strict: true, lists_are_true: true, begins, runs: Vec::new() }
    }

    pub(super) fn calls_of_the_first_run(&self) -> Vec<(String, String)> {
        self.runs.first().map(|run| run.calls.clone()).unwrap_or_default()
    }

    /// Sweeps as the schedule and Lambda do, until a run has found nothing to do; what was planned to go wrong strikes
    /// the first run only.
    pub(super) async fn follow(&mut self) -> Result<Whole, String> {
        for _ in 0..=RUNS_MAX {
            for _ in 0..=RETRIES {
                self.run().await?;
                if self.runs.last().is_some_and(|run| run.answer.is_ok()) {
                    break;
                }
                self.world.state().pass(BEFORE_A_RETRY);
            }
            self.world.state().pass(INTERVAL);
            if self.is_quiet() && self.runs.len() > 1 {
                return self.end();
            }
        }
        Err("never comes to rest".to_owned())
    }

    /// Nothing was told, and nothing is left to do.
    fn is_quiet(&self) -> bool {
        let Some(Ran { answer: Ok(answer), digests: 0, .. }) = self.runs.last() else { return false };
        answer.complete && answer.outcomes.is_empty()
    }

    /// After a run that had nothing to tell.
    fn end(&self) -> Result<Whole, String> {
        let last = self.runs.last().expect("a run");
        let written = |(operation, resource): &&(String, String)| {
            let is_kept = ["/reports/", "/sweeps/"].iter().any(|at| resource.contains(at));
            operation == "RegisterTaskDefinition" || operation == "PutObject" && !is_kept
        };
        if let Some(call) = last.calls.iter().find(written) {
            return Err(format!("has nothing to do, and writes: {call:?}"));
        }
        let state = self.world.state();
        if self.is_strict {
            judge_quiet(&state)?;
        }
        Ok(whole(&state))
    }

    /// One run, and what must hold after each.
    async fn run(&mut self) -> Result<(), String> {
        let (began, digests, calls) = self.now();
        let ran = self.world.sweep_within(Duration::from_mins(15), self.policy).await;
        let said = match &ran {
            Ok(swept) => {
                let answer = serde_json::to_string(&swept.answer).unwrap();
                format!("{answer}\n{:?}\n{}", swept.metrics, swept.unseen.join("\n"))
            }
            Err(error) => error.clone(),
        };
        self.note(ran.map(|swept| swept.answer), began, digests, calls);
        self.world.state().heal_faults();
        let leaks = canaries::leaks(said.as_bytes());
        if !leaks.is_empty() {
            return Err(format!("leaks in what Lambda was told: {leaks:?}"));
        }
        self.judge()
    }

    /// The time, how many messages were published so far, and how many calls were made.
    fn now(&self) -> (Timestamp, usize, usize) {
        let state = self.world.state();
        (state.now, state.sns.messages().len(), state.calls().len())
    }

    fn note(&mut self, answer: Result<SweepAnswer, String>, began: Timestamp, digests: usize, calls: usize) {
        let ran = {
            let state = self.world.state();
            let calls = state.calls()[calls..].iter().filter(|call| call.principal == SWEEP);
            let calls = calls.map(|call| (call.operation.clone(), call.resource.clone())).collect();
            let digests = state.sns.messages().len() - digests;
            Ran { answer, began, digests, calls }
        };
        self.runs.push(ran);
    }

    fn judge(&self) -> Result<(), String> {
        let state = self.world.state();
        judge_whole(&state)?;
        let last = self.runs.last().expect("a run");
        if last.answer.as_ref().is_ok_and(|answer| answer.complete) && self.lists_are_true {
            judge_complete(&state)?;
        }
        self.judge_told(&state)
    }

    /// A record says that people were told only where a digest was published by then.
    fn judge_told(&self, state: &State) -> Result<(), String> {
        let mut broken = String::new();
        for key in state.s3.keys(BUCKET).into_iter().filter(|key| key.starts_with("records/")) {
            let record: Value = serde_json::from_slice(state.s3.object(BUCKET, key).unwrap_or_default()).unwrap();
            let copies = record["copies"].as_array().into_iter().flatten().map(|copy| &copy["told"]);
            let times = copies.chain([&record["alertedAt"]]).filter_map(|at| at.as_str()?.parse().ok());
            for at in times.filter(|at: &Timestamp| *at >= self.begins) {
                let told = |run: &Ran| run.digests > 0 && run.began <= at;
                if !self.runs.iter().any(told) {
                    let _ = write!(broken, "{key} says that people were told at {at}, and nobody was; ");
                }
            }
        }
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }
}
