//! The account that a sequence of operations goes through, and what must hold after each.

use std::collections::VecDeque;
use std::time::Duration;

use ecs_privileged_guard::domain::policy;

use super::super::super::account::state::ecs::{Revision, Status};
use super::super::super::account::{BACKOUT, Call, Calls, GUARD, OPERATOR, PIPELINE, SWEEP, State};
use super::super::super::canaries::{CLEAN, NEWER, NEWER_PRIVILEGED, ORIGINAL};
use super::super::super::faults::kinds;
use super::super::super::oracle::{judge_whole, unprivileged_meaning};
use super::super::super::story::BUCKET;
use super::super::super::world::{BACKUP, EXEMPTION, RECORD, World, exempt_until};
use super::{Beginning, Meanwhile, Mode, Operation, Version};

/// Lambda tries an event again after a minute, and after two more.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
const HOUR: Duration = Duration::from_hours(1);
/// Sweep comes by once an hour, and late at times.
const SCHEDULE: Duration = Duration::from_mins(90);
const WATERMARK: &str = "sweeps/111122223333/eu-west-1.json";
/// So many hours after the last operation, and nothing may be left to do.
const HOURS_MAX: usize = 10;

/// How many kinds of trouble there are.
pub(super) fn troubles() -> usize {
    kinds::troubles().len()
}

/// What people did that is no longer to be seen at the end.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "what happened, not a state")]
pub(super) struct Facts {
    pub(super) takes_copies_back: bool,
    pub(super) takes_originals_back: bool,
    pub(super) backs_out: bool,
    pub(super) exists_before_the_first_sweep: bool,
}

/// An account with the guard in it.
pub(super) struct Account {
    pub(super) world: World,
    pub(super) facts: Facts,
    /// Events that nobody was handed yet, oldest first.
    waiting: VecDeque<String>,
    heard: Vec<String>,
    /// How many events of either kind have come.
    calls: usize,
    deployments: usize,
}

impl Version {
    fn text(self) -> &'static str {
        match self {
            Self::Original => &ORIGINAL,
            Self::Copy => &CLEAN,
            Self::Newer => &NEWER,
            Self::NewerPrivileged => &NEWER_PRIVILEGED,
        }
    }
}

impl From<Mode> for policy::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Alert => Self::Alert,
            Mode::Remediate => Self::Remediate,
            Mode::Enforce => Self::Enforce,
        }
    }
}

/// What a version of before wrote about `web:1` and its copy: no `madeUnder`, no `privilegedContainers`, no backup's hash.
fn upgraded(state: &mut State) {
    state.put_object(GUARD, BUCKET, BACKUP, ORIGINAL.as_bytes());
    state.register(GUARD, &CLEAN);
    let now = state.now;
    let record = format!(
        r#"{{"schemaVersion":1,"taskDefinition":"web:1","outcome":"remediated","copy":"web:2","copies":[{{"revision":2,"at":"{now}","told":"{now}"}}],"alertedAt":"{now}","at":"{now}"}}"#
    );
    state.put_object(GUARD, BUCKET, RECORD, record.as_bytes());
    let mark = format!(r#"{{"schemaVersion":1,"createdAt":"{now}"}}"#);
    state.put_object(SWEEP, BUCKET, WATERMARK, mark.as_bytes());
    state.pass(HOUR);
}

/// The newest ACTIVE revision of which that is so.
fn newest(state: &State, is_it: impl Fn(&Revision) -> bool) -> Option<String> {
    let of = |number: usize| state.ecs.revision(&format!("web:{number}"));
    let number = state.ecs.active("web").into_iter().rev().find(|number| of(*number).is_some_and(&is_it))?;
    Some(format!("web:{number}"))
}

pub(super) fn is_copy(revision: &Revision) -> bool {
    [GUARD, SWEEP].contains(&revision.registered_by.as_str())
}

pub(super) fn is_by_people(revision: &Revision) -> bool {
    !is_copy(revision) && revision.registered_by != BACKOUT
}

fn take_back(state: &mut State, is_it: impl Fn(&Revision) -> bool) -> bool {
    let found = newest(state, is_it);
    found.inspect(|id| state.deregister(OPERATOR, id)).is_some()
}

fn is_original(revision: &Revision) -> bool {
    is_by_people(revision) && revision.is_privileged()
}

impl Account {
    pub(super) async fn begin(beginning: Beginning, mode: Mode) -> Self {
        let (first, set_up): (&str, fn(&mut State)) = match beginning {
            Beginning::Installed => (&ORIGINAL, |_| {}),
            Beginning::Swept => (&CLEAN, |_| {}),
            Beginning::Upgraded => (&ORIGINAL, upgraded),
        };
        let world = World::with(mode.into(), first, set_up).await;
        if matches!(beginning, Beginning::Swept) {
            world.sweep().await.expect("a first sweep");
            world.state().pass(HOUR);
        }
        let facts =
            Facts { exists_before_the_first_sweep: matches!(beginning, Beginning::Installed), ..Facts::default() };
        let mut account = Self { world, facts, waiting: VecDeque::new(), heard: Vec::new(), calls: 0, deployments: 0 };
        account.collect();
        if !matches!(beginning, Beginning::Installed) {
            account.heard.extend(account.waiting.drain(..));
        }
        account
    }

    /// One operation; what does not hold after it.
    pub(super) async fn go_on(&mut self, operation: Operation) -> Result<(), String> {
        match operation {
            Operation::Register(version) => {
                self.world.state().register(PIPELINE, version.text());
            }
            Operation::Deliver => self.deliver(VecDeque::pop_front).await?,
            Operation::DeliverNewest => self.deliver(VecDeque::pop_back).await?,
            Operation::DeliverAgain => {
                if let Some(event) = self.heard.last().cloned() {
                    self.hand_over(&event).await?;
                }
            }
            Operation::Lose => {
                self.waiting.pop_front();
            }
            Operation::Sweep => {
                self.sweep().await?;
            }
            Operation::Pass(minutes) => {
                let time = Duration::from_mins(minutes.into());
                self.world.state().pass(time.min(SCHEDULE));
                // A longer time does not pass without the schedule.
                if time > SCHEDULE {
                    self.sweep().await?;
                    self.world.state().pass(time.saturating_sub(SCHEDULE));
                }
            }
            Operation::Exempt(days) => exempt_until(&mut self.world.state(), days.into()),
            Operation::EndExemption => {
                let mut state = self.world.state();
                if state.s3.object(BUCKET, EXEMPTION).is_some() {
                    state.delete_object(OPERATOR, BUCKET, EXEMPTION);
                }
            }
            Operation::BackOut => self.back_out().await?,
            Operation::Switch(mode) => {
                self.world.guard.policy.mode = mode.into();
                self.world.state().mode = Some(policy::Mode::from(mode).as_str().to_owned());
            }
            Operation::TakeCopyBack => {
                self.facts.takes_copies_back |= take_back(&mut self.world.state(), is_copy);
            }
            Operation::TakeOriginalBack => {
                self.facts.takes_originals_back |= take_back(&mut self.world.state(), is_original);
            }
            Operation::Deploy => self.deploy(),
            Operation::Complete => self.on_service(|state| state.complete_deployment("prod", "web")),
            Operation::Fail => self.on_service(|state| state.fail_deployment("prod", "web")),
            Operation::Trouble(kind, call) => {
                (kinds::troubles()[kind].strike)(&mut self.world.state(), Calls::all().starting_at(call));
            }
            Operation::Meanwhile(deed, call) => self.plan(deed, call),
        }
        self.collect();
        judge_whole(&self.world.state())
    }

    fn on_service(&self, act: fn(&mut State) -> bool) {
        let mut state = self.world.state();
        if state.ecs.service("prod", "web").is_some() {
            act(&mut state);
        }
    }

    fn deploy(&self) {
        let mut state = self.world.state();
        let Some(id) = newest(&state, is_by_people) else { return };
        match state.ecs.service("prod", "web").is_some() {
            true => state.update_service(PIPELINE, "prod", "web", &id),
            false => {
                let breaker = r#"{"enable":true,"rollback":true}"#;
                let input = format!(
                    r#"{{"taskDefinition":"{id}","deploymentConfiguration":{{"deploymentCircuitBreaker":{breaker}}}}}"#
                );
                state.create_service_with(PIPELINE, "prod", "web", &input);
            }
        }
    }

    fn plan(&mut self, deed: Meanwhile, call: usize) {
        let at = Calls::all().starting_at(call);
        let mut state = self.world.state();
        match deed {
            Meanwhile::Registers(version) => state.before(at, move |state| {
                state.register(PIPELINE, version.text());
            }),
            Meanwhile::Exempts => state.before(at, |state| exempt_until(state, 30)),
            Meanwhile::TakesOriginalBack => {
                self.facts.takes_originals_back = true;
                state.before(at, |state| {
                    take_back(state, is_original);
                });
            }
        }
    }

    /// The events that have come since.
    fn collect(&mut self) {
        let state = self.world.state();
        let is_enforced = self.world.guard.policy.mode == policy::Mode::Enforce;
        let is_ruled = |event: &&String| is_enforced || event.contains("\"RegisterTaskDefinition\"");
        self.waiting.extend(state.trail()[self.calls..].iter().filter(is_ruled).cloned());
        if is_enforced {
            self.waiting.extend(state.deployment_events()[self.deployments..].iter().cloned());
        }
        (self.calls, self.deployments) = (state.trail().len(), state.deployment_events().len());
    }

    async fn deliver(&mut self, which: fn(&mut VecDeque<String>) -> Option<String>) -> Result<(), String> {
        let Some(event) = which(&mut self.waiting) else { return Ok(()) };
        self.hand_over(&event).await?;
        self.heard.push(event);
        Ok(())
    }

    /// As Lambda does; what is planned to go wrong strikes the first time only.
    async fn hand_over(&mut self, event: &str) -> Result<(), String> {
        let before = self.served();
        let mut answer = self.world.hand_over(event).await;
        self.world.state().heal();
        for pause in RETRIES {
            if answer.is_err() {
                self.world.state().pass(pause);
                answer = self.world.hand_over(event).await;
            }
        }
        self.kept(before.as_ref(), "the guard")
    }

    async fn sweep(&mut self) -> Result<bool, String> {
        let (before, told) = (self.served(), self.world.state().sns.messages().len());
        let mut answer = self.world.sweep().await;
        self.world.state().heal();
        for pause in RETRIES {
            if answer.is_err() {
                self.world.state().pass(pause);
                answer = self.world.sweep().await;
            }
        }
        self.kept(before.as_ref(), "sweep")?;
        let is_quiet = self.world.state().sns.messages().len() == told;
        Ok(is_quiet && answer.is_ok_and(|answer| answer.complete && answer.outcomes.is_empty()))
    }

    async fn back_out(&mut self) -> Result<(), String> {
        let target = {
            let state = self.world.state();
            newest(&state, is_copy).or_else(|| newest(&state, is_original))
        };
        let Some(target) = target else { return Ok(()) };
        self.facts.backs_out = true;
        let before = self.served();
        let request = format!(r#"{{"taskDefinition":"{target}","reason":"it breaks","approvedBy":"jane"}}"#);
        let _ = self.world.back_out(&request).await;
        self.world.state().heal();
        self.kept(before.as_ref(), "backout")
    }

    /// What the service runs, privilege aside.
    fn served(&self) -> Option<String> {
        let state = self.world.state();
        let service = state.ecs.service("prod", "web")?;
        let revision = state.ecs.revision(&service.task_definition)?;
        Some(unprivileged_meaning(&revision.input.to_json()))
    }

    /// No function of ours deploys another version.
    fn kept(&self, before: Option<&String>, who: &str) -> Result<(), String> {
        match self.served().as_ref() == before {
            true => Ok(()),
            false => Err(format!("{who} has deployed another version")),
        }
    }

    /// Everything that waits is handed over, and the schedule goes on, until nothing is left to do; then the end is judged.
    pub(super) async fn come_to_rest(&mut self) -> Result<(), String> {
        self.world.state().heal();
        for _ in 0..HOURS_MAX {
            while !self.waiting.is_empty() {
                self.deliver(VecDeque::pop_front).await?;
                self.collect();
            }
            self.on_service(|state| state.complete_deployment("prod", "web"));
            self.collect();
            self.world.state().pass(HOUR);
            let is_quiet = self.sweep().await?;
            self.collect();
            judge_whole(&self.world.state())?;
            if is_quiet && self.waiting.is_empty() {
                let judged = super::end::judge(&self.world.state(), self.world.guard.policy.mode, self.facts);
                return judged.map_err(|what| format!("{what}\n{}", self.story()));
            }
        }
        Err("never comes to rest".to_owned())
    }
}

impl Account {
    /// What the functions did, for whoever has to find out why.
    fn story(&self) -> String {
        let state = self.world.state();
        let of_ours = |call: &&Call| call.is_write() && ![PIPELINE, OPERATOR].contains(&call.principal.as_str());
        let writes = state.calls().iter().filter(of_ours);
        let line = |call: &Call| {
            let who = call.principal.rsplit('/').nth(1).unwrap_or_default().to_owned();
            format!("    {who} {} {} {:?}", call.operation, call.resource, call.seen)
        };
        writes.map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Whether a revision can be deployed.
pub(super) fn is_active(revision: &Revision) -> bool {
    revision.status == Status::Active
}
