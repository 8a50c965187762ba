//! The soak: the built binaries as Lambda runs them, several sandboxes of the guard side by side, backout and sweep, over
//! HTTP with signatures, in mode `remediate` and in mode `enforce`; mixed events at a steady rate, faults at random calls,
//! Lambda's retries and dead letters. Each event is accounted for, each family is judged by the oracle when it is
//! finished, and each process is read from start to end: memory, threads and open files stay flat.
//!
//! `make soak` is an hour of it; `make test` has a few seconds. What is chosen follows from the seed, when it happens does
//! not: a seed repeats the mixture, not the moment.
#![allow(clippy::print_stdout, reason = "the figures in tests/README.md come from here")]

mod chance;
mod deeds;
mod family;
mod flat;
mod judge;
mod ledger;
mod memory;
mod noise;
mod plan;
mod report;
mod sandbox;
mod stack;
mod trouble;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::canaries::leaks;
use chance::Chance;
use judge::Tally;
use ledger::{End, Ledger};
use memory::Series;
use noise::{NOT_JSON, Noise};
use plan::Plan;
use report::Times;
use sandbox::{Ended, Heard, Job};
use stack::{Event, Stack, To, Watched};

/// How often the conductor looks up.
const STEP: Duration = Duration::from_millis(20);

/// An event that was offered and has no end yet.
struct Offered {
    stack: usize,
    to: To,
    event: Event,
}

struct Soak {
    plan: Plan,
    chance: Chance,
    noise: Noise,
    stacks: Vec<Stack>,
    watched: Vec<Watched>,
    heard: UnboundedReceiver<Heard>,
    ledger: Ledger,
    offered: BTreeMap<u64, Offered>,
    /// Events that wait for another try.
    waits: Vec<(Instant, Job)>,
    /// Events that may come a second time.
    recent: Vec<(usize, Event)>,
    began: Instant,
    next_sweep: Instant,
    next_reading: Instant,
    next_retirement: Instant,
    next_word: Instant,
    words: usize,
    took: Times,
    waited: Times,
    faults: BTreeMap<&'static str, usize>,
    tally: Tally,
    own: Series,
    killed: usize,
    alerts: u64,
    retired: usize,
    complete_sweeps: u64,
    findings: Vec<String>,
    /// How many of them were shown.
    shown: usize,
}

impl Soak {
    async fn begin(plan: Plan) -> Self {
        println!("soak: {:?} at {} a second, SEED={}", plan.length, plan.rate, plan.seed);
        let mut chance = Chance::of(plan.seed);
        let (told, heard) = unbounded_channel();
        let (mut stacks, mut watched) = (Vec::new(), Vec::new());
        for mode in ["remediate", "enforce"] {
            let stack = Stack::start(mode, &plan.binaries, &mut chance, &plan.life, &told, &mut watched);
            stacks.push(stack.await);
        }
        while watched.iter().any(|it| it.process.load(Ordering::Relaxed) == 0) {
            tokio::time::sleep(STEP).await;
        }
        let now = Instant::now();
        Self {
            plan,
            chance,
            noise: Noise::new(),
            stacks,
            watched,
            heard,
            ledger: Ledger::default(),
            offered: BTreeMap::new(),
            waits: Vec::new(),
            recent: Vec::new(),
            began: now,
            next_sweep: now + Duration::from_secs(1),
            next_reading: now,
            next_retirement: now,
            next_word: now,
            words: 0,
            took: Times::default(),
            waited: Times::default(),
            faults: BTreeMap::new(),
            tally: Tally::default(),
            own: Series::of("this test with both accounts".to_owned()),
            killed: 0,
            alerts: 0,
            retired: 0,
            complete_sweeps: 0,
            findings: Vec::new(),
            shown: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.began.elapsed() >= self.plan.length
    }

    fn find(&mut self, what: String) {
        self.findings.push(what);
    }

    /// All of it. Answers what does not hold.
    async fn run(mut self) -> Vec<String> {
        let mut due = 0.0;
        loop {
            tokio::time::sleep(STEP).await;
            self.collect();
            while let Ok(heard) = self.heard.try_recv() {
                self.hear(heard);
            }
            self.try_again();
            let is_over = self.is_over();
            let until_now = self.began.elapsed().as_secs_f64() * self.plan.rate;
            while due < until_now {
                due += 1.0;
                self.offer_one(is_over);
            }
            if !is_over {
                self.sweep_when_due();
            }
            self.tend(is_over);
            self.read_when_due();
            self.say_when_due();
            self.show_findings();
            let is_done = is_over
                && self.ledger.open() == 0
                && self.stacks.iter().all(|stack| stack.bus.is_empty() && stack.families.is_empty());
            if is_done || self.began.elapsed() > self.plan.length + self.plan.life.end {
                break;
            }
        }
        self.end().await
    }

    /// What EventBridge and SNS have got.
    fn collect(&mut self) {
        for stack in &mut self.stacks {
            let mut findings = Vec::new();
            for message in stack.collect(&mut findings) {
                self.alerts += 1;
                let rest = format!("{:?} {:?}", message.subject, message.attributes);
                let found = [leaks(message.message.as_bytes()), leaks(rest.as_bytes())].concat();
                findings.extend(found.iter().map(|place| format!("{place} in an alert")));
            }
            self.findings.extend(findings);
        }
    }

    /// One event of the steady stream.
    fn offer_one(&mut self, is_over: bool) {
        let at = self.chance.below(self.stacks.len());
        if !is_over {
            if self.chance.percent(20) {
                let fault = trouble::strike(&mut self.stacks[at].account.state(), &mut self.chance);
                *self.faults.entry(fault).or_default() += 1;
            }
            match self.chance.below(100) {
                0..15 => {
                    let event = self.noise.event(&mut self.chance);
                    return self.offer(at, To::Guard, event, 3);
                }
                15..17 => {
                    let request = noise::request(&mut self.stacks[at], &mut self.chance);
                    // A person asks again, until there is an answer.
                    return self.offer(at, To::Backout, request, 8);
                }
                17..20 => return self.offer_again(),
                _ => {}
            }
        }
        // Of what EventBridge has, not always the oldest is first.
        let at = if self.stacks[at].bus.is_empty() { (at + 1) % self.stacks.len() } else { at };
        for _ in 0..10 {
            let bus = &mut self.stacks[at].bus;
            if !bus.is_empty() {
                let event = bus.remove(self.chance.below(bus.len().min(8)));
                if self.recent.len() >= 64 {
                    self.recent.remove(0);
                }
                self.recent.push((at, event.clone()));
                return self.offer(at, To::Guard, event, 3);
            }
            if is_over {
                return;
            }
            let fault = deeds::happen(&mut self.stacks[at], &self.plan.life, &mut self.chance);
            if let Some(fault) = fault {
                *self.faults.entry(fault).or_default() += 1;
            }
            self.collect();
        }
    }

    /// EventBridge delivers at least once.
    fn offer_again(&mut self) {
        let Some((at, event)) = self.recent.get(self.chance.below(self.recent.len())).cloned() else { return };
        let family = event.family.as_ref().and_then(|name| self.stacks[at].families.get_mut(name));
        // What was judged is gone for good.
        let Some(family) = family else { return };
        family.pending += 1;
        family.disturb();
        self.offer(at, To::Guard, Event { kind: "delivered twice", ..event }, 3);
    }

    fn offer(&mut self, stack: usize, to: To, event: Event, tries_max: usize) {
        let number = self.ledger.offer(event.kind, tries_max);
        let time_limit = match to {
            To::Guard => Duration::from_mins(2),
            To::Backout => Duration::from_mins(5),
            To::Sweep => self.plan.life.sweeps.1,
        };
        let job = Job { number, event: event.text.clone(), time_limit, queued: Instant::now() };
        self.offered.insert(number, Offered { stack, to, event });
        self.stacks[stack].hand_over(to, job);
    }

    fn sweep_when_due(&mut self) {
        let left = (self.began + self.plan.length).saturating_duration_since(Instant::now());
        if Instant::now() < self.next_sweep || left < self.plan.life.sweeps.1 && self.plan.life.is_long {
            return;
        }
        self.next_sweep += self.plan.life.sweeps.0;
        for at in 0..self.stacks.len() {
            if self.stacks[at].sweeps == 0 {
                self.stacks[at].sweeps += 1;
                let text = b"{\"time\":\"whatever\"}".as_slice().into();
                self.offer(at, To::Sweep, Event { kind: "sweep", text, family: None, expected: None }, 2);
            }
        }
    }

    /// What a sandbox has to tell.
    fn hear(&mut self, heard: Heard) {
        let Heard { seat, lines, job, waited, took } = heard;
        self.judge_lines(seat, &lines);
        let Some((job, ended)) = job else { return };
        let function = self.watched[seat].function;
        self.took.add(function, took);
        self.waited.add(function, waited);
        let Offered { event, .. } = &self.offered[&job.number];
        let (expected, kind) = (event.expected.clone(), event.kind);
        match ended {
            Ended::Answer(text) => {
                self.watched[seat].handled += 1;
                let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                let said = said(&answer);
                let shown = leaks(text.as_bytes());
                if !shown.is_empty() {
                    self.find(format!("{kind} is answered with {shown:?}"));
                }
                let outcome = answer["outcome"].as_str().unwrap_or_default();
                if expected.is_some_and(|expected| expected != outcome) {
                    self.find(format!("{kind} is answered with {said}: {text:.300}"));
                }
                self.end_of(&job, &End::Answered(said), &answer);
            }
            Ended::Error(text) => {
                let error: Value = serde_json::from_str(&text).unwrap_or_default();
                let category = error["errorType"].as_str().unwrap_or("an error without a type").to_owned();
                self.watched[seat].handled += usize::from(category != NOT_JSON);
                let is_known =
                    category == NOT_JSON || category.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                let shown = leaks(text.as_bytes());
                if !is_known || !shown.is_empty() {
                    self.find(format!("{kind} fails with {text:.300}: {shown:?}"));
                }
                if expected.is_some_and(|expected| expected != category) {
                    self.find(format!("{kind} fails with {text:.300}"));
                }
                self.failed(job, &category);
            }
            Ended::Killed => {
                self.killed += 1;
                self.failed(job, "killed");
            }
            Ended::TimedOut => {
                self.find(format!("{kind} was not done in time, by {function}"));
                self.failed(job, "timed out");
            }
            Ended::Died(why) => {
                self.find(format!("{kind} ended the process of {function}: {why}"));
                self.failed(job, "died");
            }
        }
    }

    /// What became of an event, for the story of its family.
    fn tell(&mut self, job: &Job, what: &str) {
        let at = self.began.elapsed().as_secs_f64();
        let Offered { stack, event, .. } = &self.offered[&job.number];
        let family = event.family.as_ref().and_then(|name| self.stacks[*stack].families.get_mut(name));
        if let Some(family) = family {
            family.tell(format!("{at:.1} s: {}: {what}", event.kind));
        }
    }

    /// Lambda tries it again, or puts it into the dead-letter queue.
    fn failed(&mut self, job: Job, category: &str) {
        self.tell(&job, category);
        match self.ledger.fail(job.number, category) {
            Ok(true) => {
                let Offered { to, .. } = self.offered[&job.number];
                let wait = match (to, self.ledger.tries(job.number)) {
                    (To::Backout, _) => self.plan.life.calm,
                    (To::Guard | To::Sweep, 1) => self.plan.life.retries[0],
                    (To::Guard | To::Sweep, _) => self.plan.life.retries[1],
                };
                self.waits.push((Instant::now() + wait, job));
            }
            Ok(false) => self.end_of(&job, &End::Dead(category.to_owned()), &Value::Null),
            Err(what) => self.find(what),
        }
    }

    fn end_of(&mut self, job: &Job, end: &End, answer: &Value) {
        if let Err(what) = self.ledger.end(job.number, end) {
            return self.find(what);
        }
        self.tell(job, &format!("{end:?}, alert {}", answer["alert"]));
        let Some(Offered { stack, to, event }) = self.offered.remove(&job.number) else { return };
        let stack = &mut self.stacks[stack];
        let is_clean = matches!(end, End::Answered(said) if said.split(' ').next() != Some("failed"));
        if let Some(family) = event.family.as_ref().and_then(|name| stack.families.get_mut(name)) {
            family.heard(is_clean);
        }
        if to == To::Sweep {
            stack.sweeps -= 1;
            self.complete_sweeps += u64::from(answer["complete"] == true);
            if !is_clean || answer["outcomes"]["failed"].is_u64() {
                stack.families.values_mut().for_each(family::Family::disturb);
            }
        }
    }

    fn try_again(&mut self) {
        let now = Instant::now();
        for (_, mut job) in self.waits.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            let Offered { stack, to, .. } = self.offered[&job.number];
            job.queued = now;
            self.stacks[stack].hand_over(to, job);
        }
    }

    /// Each line is JSON, tells no secret and of no panic; each run counts itself once.
    fn judge_lines(&mut self, seat: usize, lines: &str) {
        let found = leaks(lines.as_bytes());
        if !found.is_empty() || lines.contains("panicked") || lines.contains(super::binary::CANARY) {
            self.find(format!("{} logs {found:?}: {lines:.1000}", self.watched[seat].function));
        }
        for line in lines.lines() {
            match serde_json::from_str::<Value>(line) {
                Ok(line) => self.watched[seat].counted += usize::from(line["_aws"].is_object()),
                Err(_) if self.watched[seat].is_mortal => {}
                Err(_) => {
                    self.find(format!("{} logs a line that is no JSON: {line:.300}", self.watched[seat].function));
                }
            }
        }
    }

    fn tend(&mut self, is_over: bool) {
        for stack in &mut self.stacks {
            stack.tend(&self.plan.life, is_over, &mut self.chance, &mut self.findings);
        }
        if Instant::now() >= self.next_retirement {
            self.next_retirement = Instant::now() + self.plan.life.readings * 2;
            for stack in &mut self.stacks {
                let has_time = self.plan.life.is_long;
                self.retired += stack.retire(has_time, &mut self.tally, &mut self.findings);
            }
        }
    }

    /// Not once it is over: then there is less and less to do.
    fn read_when_due(&mut self) {
        if Instant::now() < self.next_reading || self.is_over() {
            return;
        }
        self.next_reading += self.plan.life.readings;
        for watched in &mut self.watched {
            watched.series.read(watched.process.load(Ordering::Relaxed));
        }
        self.own.read(std::process::id());
    }

    async fn end(mut self) -> Vec<String> {
        let lasted = self.began.elapsed();
        if let Err(what) = self.ledger.settle() {
            self.find(what);
        }
        let left: Vec<String> = self
            .stacks
            .iter()
            .flat_map(|stack| stack.families.iter())
            .map(|(name, family)| format!("{name} is not finished: {:?}, {} pending", family.stage, family.pending))
            .collect();
        self.findings.extend(left);
        let in_accounts = self.in_accounts();
        for stack in std::mem::take(&mut self.stacks) {
            stack.stop().await;
        }
        while let Ok(heard) = self.heard.try_recv() {
            self.hear(heard);
        }
        for watched in &self.watched {
            self.findings.extend(watched.series.judge());
            if !watched.is_mortal && watched.handled != watched.counted {
                let (name, handled, counted) = (&watched.series.name, watched.handled, watched.counted);
                self.findings.push(format!("{name}: {handled} invocations, and {counted} lines of metrics"));
            }
        }
        println!("{}", self.report(lasted, &in_accounts));
        self.findings
    }
}

/// What an answer says, in words.
fn said(answer: &Value) -> String {
    let words: Vec<&str> = ["outcome", "reason"].iter().filter_map(|member| answer[*member].as_str()).collect();
    match (words.is_empty(), answer["complete"].as_bool()) {
        (true, Some(true)) => "complete".to_owned(),
        (true, Some(false)) => "not complete".to_owned(),
        (true, None) => "an answer without an outcome".to_owned(),
        (false, _) => words.join(" "),
    }
}

#[tokio::test]
async fn a_few_seconds_of_it() {
    let findings = Soak::begin(Plan::of_seconds()).await.run().await;
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test]
#[ignore = "takes an hour: make soak"]
async fn an_hour() {
    let findings = Soak::begin(Plan::of_the_environment()).await.run().await;
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
