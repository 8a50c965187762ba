//! A stack of the product in an account of its own: several sandboxes of the guard, one of backout, one of sweep, and
//! what EventBridge brings them, by the rules of `template.yaml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::chance::Chance;
use super::family::{Family, Stage, Turn};
use super::judge;
use super::judge::Tally;
use super::memory::Series;
use super::plan::Life;
use super::sandbox::{Heard, Job, Queue, Seat};
use crate::account::state::ecs::{Revision, Task};
use crate::account::state::sns::Published;
use crate::account::{Account, BACKOUT, GUARD, PIPELINE, SWEEP, State};
use crate::story::BUCKET;
use crate::sweep::WATERMARK;

/// Sandboxes of the guard that live as long as the soak, and one that is killed now and then.
const GUARDS: usize = 4;
/// The first letters of each family's name; by them an event is known to be about it.
const FAMILY: &str = "soak-";
const FAMILY_LENGTH: usize = FAMILY.len() + 7;

/// An event that waits to be offered.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) kind: &'static str,
    pub(super) text: Arc<[u8]>,
    pub(super) family: Option<String>,
    /// What it must come to, where that is known: an outcome or a category.
    pub(super) expected: Option<String>,
}

/// Where an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum To {
    Guard,
    Backout,
    Sweep,
}

pub(super) struct Stack {
    pub(super) mode: &'static str,
    pub(super) account: Account,
    queues: [UnboundedSender<Job>; 3],
    workers: Vec<JoinHandle<()>>,
    /// Events that EventBridge has and did not deliver yet.
    pub(super) bus: Vec<Event>,
    pub(super) families: BTreeMap<String, Family>,
    born: usize,
    pub(super) sweeps: usize,
}

/// A sandbox as the conductor sees it.
pub(super) struct Watched {
    pub(super) function: &'static str,
    pub(super) process: Arc<AtomicU32>,
    pub(super) series: Series,
    pub(super) is_mortal: bool,
    /// Invocations that reached the function, and lines of metrics that it wrote.
    pub(super) handled: usize,
    pub(super) counted: usize,
}

impl Stack {
    /// Starts the account, and each function in front of it.
    pub(super) async fn start(
        mode: &'static str,
        binaries: &Path,
        chance: &mut Chance,
        life: &Life,
        heard: &UnboundedSender<Heard>,
        watched: &mut Vec<Watched>,
    ) -> Self {
        let mut state = State::default();
        (state.now, state.mode) = (now(), Some(mode.to_owned()));
        state.s3.bucket(BUCKET);
        state.ecs.cluster("prod");
        let topic = state.topic("alerts");
        let account = Account::serve(state).await;
        let settings = [
            ("ENFORCEMENT_MODE", mode),
            ("BACKUP_BUCKET", BUCKET),
            ("ALERT_TOPIC_ARN", &topic),
            ("GUARD_ROLES", "guard-role,sweep-role"),
            ("BACKOUT_FUNCTION", "ecs-guard-backout"),
            ("RUST_LOG", "trace"),
            ("RUST_BACKTRACE", "full"),
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ];
        let mut workers = Vec::new();
        let mut seat = |function: &'static str, principal: &str, queue: &Queue, is_mortal: Option<Chance>| {
            let process = Arc::new(AtomicU32::new(0));
            let mut environment = account.environment(principal);
            environment.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let place = watched.len();
            let name = format!("{function} in {mode} {}", if is_mortal.is_some() { "(killed)" } else { "" });
            watched.push(Watched {
                function,
                process: Arc::clone(&process),
                series: Series::of(name.trim().to_owned()),
                is_mortal: is_mortal.is_some(),
                handled: 0,
                counted: 0,
            });
            let arn = account.state().home.arn("lambda", "function:function");
            let binary: PathBuf = binaries.join(function);
            let seat = Seat { number: place, binary, environment, arn, process, is_mortal };
            workers.push(tokio::spawn(seat.work(Arc::clone(queue), heard.clone())));
        };
        let (guards, of_guards) = queue();
        for _ in 0..GUARDS {
            seat("guard", GUARD, &of_guards, None);
        }
        if life.is_long {
            seat("guard", GUARD, &of_guards, Some(chance.split()));
        }
        let (backout, of_backout) = queue();
        seat("backout", BACKOUT, &of_backout, None);
        let (sweep, of_sweep) = queue();
        seat("sweep", SWEEP, &of_sweep, None);
        Self {
            mode,
            account,
            queues: [guards, backout, sweep],
            workers,
            bus: Vec::new(),
            families: BTreeMap::new(),
            born: 0,
            sweeps: 0,
        }
    }

    pub(super) fn is_enforce(&self) -> bool {
        self.mode == "enforce"
    }

    pub(super) fn hand_over(&self, to: To, job: Job) {
        self.queues[to as usize].send(job).expect("somebody works");
    }

    /// A name that no family had before.
    pub(super) fn name(&mut self) -> String {
        self.born += 1;
        format!("{FAMILY}{}{:06}", &self.mode[..1], self.born)
    }

    /// A family that people still work at.
    pub(super) fn young(&self, chance: &mut Chance) -> Option<String> {
        let young: Vec<&String> = self.families.iter().filter(|(_, it)| it.is_young()).map(|(name, _)| name).collect();
        chance.pick(&young).cloned()
    }

    /// Takes over what ECS has told and what was published since; what of the latter is to be judged comes back.
    pub(super) fn collect(&mut self, findings: &mut Vec<String>) -> Vec<Published> {
        let (events, messages) = {
            let mut state = self.account.state();
            state.now = now();
            (state.take_events(), state.sns.take_messages())
        };
        for text in events {
            if let Some(event) = self.event(&text, findings) {
                self.bus.push(event);
            }
        }
        messages
    }

    /// What the rules let through.
    fn event(&mut self, text: &str, findings: &mut Vec<String>) -> Option<Event> {
        let event: Value = serde_json::from_str(text).expect("an event is JSON");
        let detail = &event["detail"];
        let principal = detail["userIdentity"]["arn"].as_str().unwrap_or_default();
        let is_ours = [GUARD, SWEEP].contains(&principal);
        let name = detail["eventName"].as_str().unwrap_or_default();
        let names_one = detail["requestParameters"]["taskDefinition"].is_string();
        let family = family_in(text).unwrap_or_default();
        let revision = detail["responseElements"]["taskDefinition"]["taskDefinitionArn"].as_str();
        let revision = revision.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let privileged = self.account.state().ecs.revision(revision).is_some_and(Revision::is_privileged);
        let kind = match name {
            "RegisterTaskDefinition" if detail["errorCode"].is_string() => "registration that failed",
            "RegisterTaskDefinition" if is_ours => "our own copy",
            "RegisterTaskDefinition" if principal == BACKOUT => "brought back by backout",
            "RegisterTaskDefinition" if privileged => "privileged registration",
            "RegisterTaskDefinition" => "compliant registration",
            _ if !self.is_enforce() => return None,
            "CreateService" | "UpdateService" if !names_one => return None,
            "CreateService" | "UpdateService" if is_ours => "our own move",
            "CreateService" | "UpdateService" => "service call",
            "DeregisterTaskDefinition" if names_one => "deregistration",
            "SERVICE_DEPLOYMENT_COMPLETED" | "SERVICE_DEPLOYMENT_FAILED" => "end of a deployment",
            _ => return None,
        };
        let Some(known) = self.families.get_mut(family) else {
            findings.push(format!("{kind}: {family} was judged, and somebody goes on: {name} by {principal}"));
            return None;
        };
        known.pending += 1;
        if principal != GUARD && !name.starts_with("SERVICE_") {
            known.disturb();
        }
        if privileged && !is_ours {
            known.originals.push(text.into());
        }
        if kind == "service call" && principal == PIPELINE {
            known.of_service = Some(text.into());
        }
        Some(Event { kind, text: text.as_bytes().into(), family: Some(family.to_owned()), expected: None })
    }

    /// Lets each family go on in its life.
    pub(super) fn tend(&mut self, life: &Life, is_over: bool, chance: &mut Chance, findings: &mut Vec<String>) {
        let is_enforce = self.is_enforce();
        let mut state = self.account.state();
        for (name, family) in &mut self.families {
            if is_over && family.stage == Stage::Young {
                family.stage = Stage::Settling;
            }
            let is_moving = is_at_work(&state, name);
            let calm = if is_enforce { life.calm_of_services } else { life.calm };
            match family.turn(calm, is_moving) {
                Turn::Wait => {}
                Turn::Settle => {
                    end_deployment(&mut state, name, chance);
                }
                Turn::Look(events) => {
                    for poisoned in poisons(name) {
                        state.heal_faults_on(&poisoned);
                    }
                    family.pending += events.len();
                    let event = |text: Arc<str>| Event {
                        kind: "once more",
                        text: text.as_bytes().into(),
                        family: Some(name.clone()),
                        expected: None,
                    };
                    self.bus.extend(events.into_iter().map(event));
                }
                Turn::GiveUp => {
                    findings.push(format!("{name} does not come to rest: {family:?}").chars().take(400).collect());
                    family.stage = Stage::Finished;
                }
            }
        }
    }

    /// Takes what is finished out of the account, and judges it. Nobody may be on the way to it.
    pub(super) fn retire(&mut self, has_time: bool, tally: &mut Tally, findings: &mut Vec<String>) -> usize {
        if self.sweeps > 0 {
            return 0;
        }
        let mut retired = 0;
        for is_left in [false, true] {
            let is_due =
                |family: &Family| family.stage == Stage::Finished && family.pending == 0 && family.is_left == is_left;
            let due: BTreeMap<String, Family> = self.families.extract_if(.., |_, family| is_due(family)).collect();
            if due.is_empty() {
                continue;
            }
            retired += due.len();
            let names = due.keys().cloned().collect();
            let part = self.account.state().part(&names, BUCKET, &[WATERMARK]);
            judge::judge(&part, &due, is_left, has_time, tally, findings);
        }
        retired
    }

    /// Ends all sandboxes, when they are done with what they have.
    pub(super) async fn stop(self) {
        drop(self.queues);
        for worker in self.workers {
            worker.await.expect("a sandbox ends");
        }
    }
}

/// The resources under which a family's calls fail for good.
pub(super) fn poisons(family: &str) -> [String; 2] {
    [format!("records/111122223333/eu-west-1/{family}/"), format!("{family}:")]
}

/// Whether ECS is at work on a family's service, and will come to an end.
fn is_at_work(state: &State, family: &str) -> bool {
    let newest = state.ecs.service("prod", family).and_then(|service| service.deployments.first());
    newest.is_some_and(|newest| newest.rollout_state == "IN_PROGRESS" && !newest.is_stalled)
}

/// The newest deployment of a family's service ends well, or not: a copy's now and then does not.
pub(super) fn end_deployment(state: &mut State, family: &str, chance: &mut Chance) {
    let Some(service) = state.ecs.service("prod", family) else { return };
    let is_clean = !state.ecs.revision(&service.task_definition).is_some_and(Revision::is_privileged);
    let fails = is_clean && chance.percent(25) && state.fail_deployment("prod", family);
    if !fails && state.complete_deployment("prod", family) {
        run_task(state, family);
    }
}

/// The task of a family's service is on the revision on which the service is.
pub(super) fn run_task(state: &mut State, family: &str) {
    let Some(service) = state.ecs.service("prod", family) else { return };
    let task = Task::running(&service.task_definition, &format!("service:{family}"));
    let cluster = state.ecs.cluster("prod");
    cluster.tasks.retain(|_, other| other.group != task.group);
    cluster.run(task);
}

/// The family that a text is about.
pub(super) fn family_in(text: &str) -> Option<&str> {
    text.get(text.find(FAMILY)?..)?.get(..FAMILY_LENGTH)
}

fn queue() -> (UnboundedSender<Job>, Queue) {
    let (sender, receiver): (_, UnboundedReceiver<Job>) = unbounded_channel();
    (sender, Arc::new(Mutex::new(receiver)))
}

#[expect(clippy::disallowed_methods, reason = "the built functions use the machine's clock, so the account must too")]
fn now() -> Timestamp {
    SystemTime::now().try_into().expect("a time that jiff knows")
}
