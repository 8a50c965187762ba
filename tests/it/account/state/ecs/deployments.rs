//! The deployments of a service: how one begins, ends, fails and goes back, and the history that is kept of them.
//! No task runs: a deployment ends when a test says so.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>

use std::time::Duration;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::document::{Document, array, quoted, raw};
use super::super::{BEGINNING, Caller, Refusal};
use super::registration::required;
use super::revision::seconds;
use super::services::{Service, no_service};
use super::{Ecs, page, short};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>: the default page.
const SERVICE_DEPLOYMENTS_PAGE: usize = 20;
/// The history goes back 90 days.
const HISTORY: Duration = Duration::from_hours(90 * 24);

/// The states of a service deployment; which of them are its last, [`ServiceDeployment::is_ongoing`] says.
const STATUSES: [&str; 9] = [
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "STOPPED",
    "SUCCESSFUL",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_SUCCESSFUL",
    "ROLLBACK_FAILED",
];

/// A deployment of a service, as `deployments` of a described service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its number is that of the service revision too, by which clients find one from the other.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
    /// It goes back to what ran before one that failed.
    pub is_rollback: bool,
    /// It was pushed into a rollback, when nothing is COMPLETED: it launches no tasks and rolls nothing back, so that it
    /// ends neither way until a test takes this away.
    pub is_stalled: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An entry of a service's history. A rollback is no entry of its own: it is how the one that failed goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// The number of its first deployment, and of the service revision that it is to bring.
    pub number: u64,
    pub task_definition: String,
    /// One of `STATUSES`.
    pub status: String,
    pub status_reason: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// What happens when the tasks of a deployment do not come up. Off, a deployment that fails goes on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CircuitBreaker {
    pub enable: bool,
    pub rollback: bool,
}

/// What ECS tells `EventBridge` of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub deployment: String,
    /// `SERVICE_DEPLOYMENT_IN_PROGRESS`, `…_COMPLETED` or `…_FAILED`.
    pub name: &'static str,
    pub reason: String,
}

impl News {
    fn of(deployment: &Deployment, name: &'static str) -> Self {
        Self { deployment: deployment.id.clone(), name, reason: deployment.reason() }
    }
}

impl ServiceDeployment {
    /// Whether it can still change.
    pub fn is_ongoing(&self) -> bool {
        ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]
            .contains(&self.status.as_str())
    }

    fn end(&mut self, status: &str, now: Timestamp) {
        status.clone_into(&mut self.status);
        self.finished_at = Some(now);
    }

    /// The last part of its ARN.
    pub fn id(&self) -> String {
        format!("{:021}", self.number)
    }

    fn shown(&self, cluster: &str, service: &str, caller: &Caller) -> Box<RawValue> {
        let arn = |kind: &str, id: &str| quoted(&caller.home.arn("ecs", &format!("{kind}/{cluster}/{service}{id}")));
        let mut shown = Document::default();
        shown.set("serviceDeploymentArn", arn("service-deployment", &format!("/{}", self.id())));
        shown.set("serviceArn", arn("service", ""));
        shown.set("clusterArn", quoted(&caller.home.arn("ecs", &format!("cluster/{cluster}"))));
        shown.set("createdAt", seconds(self.created_at));
        for (member, at) in [("startedAt", self.started_at), ("finishedAt", self.finished_at)] {
            if let Some(at) = at {
                shown.set(member, seconds(at));
            }
        }
        shown.set("targetServiceRevisionArn", arn("service-revision", &format!("/{:019}", self.number)));
        shown.set("status", quoted(&self.status));
        if let Some(reason) = &self.status_reason {
            shown.set("statusReason", quoted(reason));
        }
        shown.to_raw()
    }
}

impl Deployment {
    fn is_in_progress(&self) -> bool {
        self.rollout_state == "IN_PROGRESS"
    }

    /// Why it is in its state, as events and `rolloutStateReason` say it.
    fn reason(&self) -> String {
        match (self.rollout_state.as_str(), self.is_rollback) {
            ("COMPLETED", _) => format!("ECS deployment {} completed.", self.id),
            ("FAILED", _) => "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
            (_, true) => format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", self.id),
            (_, false) => format!("ECS deployment {} in progress.", self.id),
        }
    }

    /// `rolloutState` is there for rolling updates only.
    pub(super) fn shown(&self, is_rolling: bool, caller: &Caller) -> Value {
        let definition = caller.home.arn("ecs", &format!("task-definition/{}", self.task_definition));
        let time = |at: Timestamp| serde_json::from_str::<Value>(seconds(at).get()).unwrap_or_default();
        let mut shown = json!({
            "id": self.id, "status": self.status, "taskDefinition": definition,
            "createdAt": time(self.created_at), "updatedAt": time(self.updated_at),
            "desiredCount": 1, "runningCount": 1, "pendingCount": 0, "failedTasks": 0,
        });
        if is_rolling {
            shown["rolloutState"] = json!(self.rollout_state);
            shown["rolloutStateReason"] = json!(self.reason());
        }
        shown
    }
}

/// What happens to a service that a test holds in its hands, at the time when the account begins.
impl Service {
    /// A new deployment begins; those before go on until it ends.
    pub fn deploy(&mut self, task_definition: &str) {
        self.begin(task_definition, BEGINNING);
    }

    /// The newest deployment has reached its goal; the others are gone.
    pub fn complete(&mut self) {
        self.succeed(BEGINNING);
    }

    /// The circuit breaker gave up: a new deployment goes back to the last one that was COMPLETED.
    pub fn roll_back(&mut self) {
        let breaker = std::mem::replace(&mut self.circuit_breaker, CircuitBreaker { enable: true, rollback: true });
        self.fail(BEGINNING);
        self.circuit_breaker = breaker;
    }
}

impl Service {
    /// The history of a service that has been at rest on this revision since the account began.
    pub(super) fn at_rest(task_definition: &str) -> (Deployment, ServiceDeployment) {
        let (mut deployment, mut entry) =
            (deployment(1, task_definition, BEGINNING), entry(1, task_definition, BEGINNING));
        "COMPLETED".clone_into(&mut deployment.rollout_state);
        entry.end("SUCCESSFUL", BEGINNING);
        (deployment, entry)
    }

    /// A new deployment begins, and the one in progress is to stop.
    pub(super) fn begin(&mut self, task_definition: &str, now: Timestamp) -> Vec<News> {
        let is_stalled =
            self.deployments.first().is_some_and(|it| it.is_in_progress() && (it.is_rollback || it.is_stalled));
        for entry in &mut self.history {
            match entry.status.as_str() {
                "PENDING" | "IN_PROGRESS" => "STOP_REQUESTED".clone_into(&mut entry.status),
                // What a rollback that is displaced ends as is not documented.
                "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => entry.end("ROLLBACK_FAILED", now),
                _ => {}
            }
        }
        let number = self.launch(task_definition, now);
        self.deployments[0].is_stalled = is_stalled;
        self.history.insert(0, entry(number, task_definition, now));
        vec![News::of(&self.deployments[0], "SERVICE_DEPLOYMENT_IN_PROGRESS")]
    }

    /// The newest deployment reaches its goal and the others are gone; nothing, if it is at its end or stalled.
    pub(in super::super) fn succeed(&mut self, now: Timestamp) -> Vec<News> {
        let Some(newest) = self.deployments.first_mut().filter(|it| it.is_in_progress() && !it.is_stalled) else {
            return Vec::new();
        };
        "COMPLETED".clone_into(&mut newest.rollout_state);
        newest.updated_at = now;
        let status = if newest.is_rollback { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
        let news = News::of(newest, "SERVICE_DEPLOYMENT_COMPLETED");
        self.deployments.truncate(1);
        self.settle(status, now);
        vec![news]
    }

    /// The tasks of the newest deployment do not come up, as often as its circuit breaker wants to see. Nothing happens
    /// without a breaker, and to a deployment that is at its end or stalled.
    pub(in super::super) fn fail(&mut self, now: Timestamp) -> Vec<News> {
        let breaker = self.circuit_breaker;
        let Some(newest) = self.deployments.first_mut().filter(|it| it.is_in_progress() && !it.is_stalled) else {
            return Vec::new();
        };
        if !breaker.enable {
            return Vec::new();
        }
        "FAILED".clone_into(&mut newest.rollout_state);
        newest.updated_at = now;
        let was_rollback = newest.is_rollback;
        let reason = newest.reason();
        let mut news = vec![News::of(newest, "SERVICE_DEPLOYMENT_FAILED")];
        // While it goes back nothing is COMPLETED.
        let completed = self.deployments.iter_mut().find(|it| it.rollout_state == "COMPLETED" && breaker.rollback);
        let goal = completed.map(|it| {
            "IN_PROGRESS".clone_into(&mut it.rollout_state);
            it.task_definition.clone()
        });
        match goal {
            Some(goal) => {
                self.settle("ROLLBACK_IN_PROGRESS", now);
                self.launch(&goal, now);
                self.deployments[0].is_rollback = true;
                news.push(News::of(&self.deployments[0], "SERVICE_DEPLOYMENT_IN_PROGRESS"));
            }
            None => self.settle(if breaker.rollback || was_rollback { "ROLLBACK_FAILED" } else { "STOPPED" }, now),
        }
        if let Some(entry) = self.history.first_mut() {
            entry.status_reason = Some(reason);
        }
        news
    }

    /// The newest entry takes this status, and what was to stop before it has stopped.
    fn settle(&mut self, status: &str, now: Timestamp) {
        let mut entries = self.history.iter_mut();
        if let Some(newest) = entries.next() {
            status.clone_into(&mut newest.status);
            newest.finished_at = (!newest.is_ongoing()).then_some(now);
        }
        for entry in entries.filter(|entry| entry.status == "STOP_REQUESTED") {
            entry.end("STOPPED", now);
        }
    }

    /// Puts a deployment before the others, which go on until it ends. Answers its number.
    fn launch(&mut self, task_definition: &str, now: Timestamp) -> u64 {
        for deployment in &mut self.deployments {
            "ACTIVE".clone_into(&mut deployment.status);
        }
        let numbers = self.deployments.iter().filter_map(|it| it.id.rsplit('/').next()?.parse::<u64>().ok());
        let number = numbers.chain(self.history.iter().map(|it| it.number)).max().unwrap_or(0) + 1;
        self.deployments.insert(0, deployment(number, task_definition, now));
        task_definition.clone_into(&mut self.task_definition);
        number
    }

    /// The entry of the history that can still change.
    pub fn current_service_deployment(&self) -> Option<&ServiceDeployment> {
        self.history.first().filter(|it| it.is_ongoing() && self.controller == "ECS")
    }
}

fn deployment(number: u64, task_definition: &str, now: Timestamp) -> Deployment {
    Deployment {
        id: format!("ecs-svc/{number:019}"),
        status: "PRIMARY".to_owned(),
        task_definition: task_definition.to_owned(),
        rollout_state: "IN_PROGRESS".to_owned(),
        is_rollback: false,
        is_stalled: false,
        created_at: now,
        updated_at: now,
    }
}

fn entry(number: u64, task_definition: &str, now: Timestamp) -> ServiceDeployment {
    ServiceDeployment {
        number,
        task_definition: task_definition.to_owned(),
        status: "IN_PROGRESS".to_owned(),
        status_reason: None,
        created_at: now,
        started_at: Some(now),
        finished_at: None,
    }
}

impl Ecs {
    pub(super) fn list_service_deployments(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster_name, cluster) = self.cluster_of(input)?;
        let name = short(&required(input, "service")?).to_owned();
        let service = cluster.services.get(&name).ok_or_else(no_service)?;
        let statuses: Vec<String> = input.read("status").unwrap_or_default();
        if statuses.iter().any(|status| !STATUSES.contains(&status.as_str())) {
            return Err(Refusal::parameter("Invalid status"));
        }
        let bounds: Document = input.read("createdAt").unwrap_or_default();
        let (before, after) = (bounds.read::<f64>("before"), bounds.read::<f64>("after"));
        let wanted = |entry: &&ServiceDeployment| {
            let created_at = entry.created_at.as_duration().as_secs_f64();
            (statuses.is_empty() || statuses.contains(&entry.status))
                && before.is_none_or(|before| created_at < before)
                && after.is_none_or(|after| created_at > after)
                && caller.now.duration_since(entry.created_at).unsigned_abs() <= HISTORY
        };
        // Only what ECS itself deploys has a history.
        let history = service.history.iter().filter(|_| service.controller == "ECS").filter(wanted);
        let items = history.map(|it| (it.id(), it.shown(&cluster_name, &name, caller).get().to_owned()));
        let (shown, token) = page(items, input, &self.knobs, true, SERVICE_DEPLOYMENTS_PAGE)?;
        let shown: Vec<_> = shown.into_iter().map(raw).collect();
        let mut answer = Document::default();
        answer.set("serviceDeployments", array(&shown));
        if let Some(token) = token {
            answer.set("nextToken", quoted(&token));
        }
        Ok(answer.to_json())
    }
}
