//! Services: made, described, moved to another revision.
//! How a deployment goes on is in `deployments.rs`.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>

use std::collections::btree_map::Entry;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::document::{Document, array, raw};
use super::super::{Caller, Refusal};
use super::cluster::{cluster_name, no_cluster};
use super::registration::{failure, required};
use super::{CircuitBreaker, Deployment, Ecs, News, ServiceDeployment, Status, listed, page, short};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html>: the default page.
const SERVICES_PAGE: usize = 10;
const SERVICES_DESCRIBED_MAX: usize = 10;
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>: so much later may the
/// ban on a deregistered revision start.
const GRACE: Duration = Duration::from_mins(10);

const CONTROLLERS: [&str; 3] = ["ECS", "CODE_DEPLOY", "EXTERNAL"];
const STRATEGIES: [&str; 4] = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"];

/// A service. Revisions are named like `web:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Empty when only its task sets have one.
    pub task_definition: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// How ECS deploys: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub strategy: String,
    pub circuit_breaker: CircuitBreaker,
    /// Made by ECS itself: an Express service.
    pub managed_by_ecs: bool,
    /// The newest first.
    pub deployments: Vec<Deployment>,
    /// The newest first.
    pub history: Vec<ServiceDeployment>,
    /// The revisions of its task sets.
    pub task_sets: Vec<String>,
}

impl Service {
    /// A service that ECS deploys, at rest on this revision.
    pub fn on(task_definition: &str) -> Self {
        let (deployment, entry) = Self::at_rest(task_definition);
        Self { deployments: vec![deployment], history: vec![entry], ..Self::bare(task_definition, "ECS") }
    }

    /// A service that nobody has deployed yet.
    fn bare(task_definition: &str, controller: &str) -> Self {
        Self {
            task_definition: task_definition.to_owned(),
            status: "ACTIVE".to_owned(),
            controller: controller.to_owned(),
            strategy: "ROLLING".to_owned(),
            circuit_breaker: CircuitBreaker::default(),
            managed_by_ecs: false,
            deployments: Vec::new(),
            history: Vec::new(),
            task_sets: Vec::new(),
        }
    }

    pub(super) fn uses(&self, id: &str) -> bool {
        self.task_definition == id
            || self.deployments.iter().any(|deployment| deployment.task_definition == id)
            || self.task_sets.iter().any(|task_definition| task_definition == id)
    }

    /// Takes over what a request says of deployments to come. That starts none.
    fn configure(&mut self, input: &Document) -> Result<(), Refusal> {
        let configuration: Document = input.read("deploymentConfiguration").unwrap_or_default();
        if let Some(strategy) = configuration.text("strategy") {
            if self.controller != "ECS" || !STRATEGIES.contains(&strategy.as_str()) {
                return Err(Refusal::parameter("Invalid deployment strategy."));
            }
            self.strategy = strategy;
        }
        if let Some(breaker) = configuration.read::<Document>("deploymentCircuitBreaker") {
            let (enable, rollback) = (breaker.read("enable"), breaker.read("rollback"));
            let (Some(enable), Some(rollback)) = (enable, rollback) else {
                return Err(Refusal::parameter("A deployment circuit breaker has enable and rollback."));
            };
            self.circuit_breaker = CircuitBreaker { enable, rollback };
        }
        Ok(())
    }

    fn shown(&self, cluster: &str, name: &str, caller: &Caller) -> Value {
        let arn = |resource: String| caller.home.arn("ecs", &resource);
        let definition = |id: &str| arn(format!("task-definition/{id}"));
        let is_by_ecs = self.controller == "ECS";
        let is_rolling = is_by_ecs && self.strategy == "ROLLING";
        let deployments: Vec<Value> = self.deployments.iter().map(|it| it.shown(is_rolling, caller)).collect();
        let task_sets: Vec<Value> =
            self.task_sets.iter().map(|id| json!({"status": "PRIMARY", "taskDefinition": definition(id)})).collect();
        let mut shown = json!({
            "serviceArn": arn(format!("service/{cluster}/{name}")),
            "serviceName": name,
            "clusterArn": arn(format!("cluster/{cluster}")),
            "status": self.status,
            "deployments": deployments,
            "deploymentController": {"type": self.controller},
            "desiredCount": 1, "runningCount": 1, "pendingCount": 0,
            "launchType": "EC2",
            "schedulingStrategy": "REPLICA",
        });
        if !self.task_definition.is_empty() {
            shown["taskDefinition"] = json!(definition(&self.task_definition));
        }
        if is_by_ecs {
            let CircuitBreaker { enable, rollback } = self.circuit_breaker;
            shown["deploymentConfiguration"] = json!({
                "strategy": self.strategy, "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": {"enable": enable, "rollback": rollback},
            });
        }
        if let Some(current) = self.current_service_deployment() {
            let resource = format!("service-deployment/{cluster}/{name}/{}", current.id());
            shown["currentServiceDeployment"] = json!(arn(resource));
        }
        if self.managed_by_ecs {
            shown["resourceManagementType"] = json!("ECS");
        }
        if !task_sets.is_empty() {
            shown["taskSets"] = json!(task_sets);
        }
        shown
    }
}

impl Ecs {
    pub(super) fn list_services(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (name, cluster) = self.cluster_of(input)?;
        let arn = |service: &String| (service.clone(), caller.home.arn("ecs", &format!("service/{name}/{service}")));
        let items = cluster.services.keys().map(arn);
        Ok(listed("serviceArns", page(items, input, &self.knobs, false, SERVICES_PAGE)?))
    }

    pub(super) fn describe_services(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster_name, cluster) = self.cluster_of(input)?;
        let names: Vec<String> = input.read("services").unwrap_or_default();
        if names.is_empty() || names.len() > SERVICES_DESCRIBED_MAX {
            return Err(Refusal::parameter("Specify between 1 and 10 services."));
        }
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match cluster.services.get(short(&name)) {
                Some(service) => found.push(raw(service.shown(&cluster_name, short(&name), caller).to_string())),
                None => failures.push(failure(&name, "MISSING")),
            }
        }
        let mut answer = Document::default();
        answer.set("services", array(&found));
        answer.set("failures", array(&failures));
        Ok(answer.to_json())
    }

    pub(super) fn create_service(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster, name) = (cluster_name(input), required(input, "serviceName")?);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.len() > 255 || !name.bytes().all(plain) {
            return Err(Refusal::parameter("Service names are 1 to 255 letters, numbers, hyphens and underscores."));
        }
        let controller = input.read::<Document>("deploymentController").and_then(|it| it.text("type"));
        let controller = controller.unwrap_or_else(|| "ECS".to_owned());
        let target = match (controller.as_str(), input.text("taskDefinition")) {
            (known, _) if !CONTROLLERS.contains(&known) => {
                return Err(Refusal::parameter("Unsupported deployment controller type."));
            }
            ("EXTERNAL", None) => None,
            // Task sets have what is of a task's business: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateTaskSet.html
            ("EXTERNAL", Some(_)) => {
                return Err(Refusal::parameter(
                    "A service with an EXTERNAL deployment controller has no task definition.",
                ));
            }
            (_, None) => return Err(Refusal::parameter("TaskDefinition cannot be blank.")),
            (_, Some(definition)) => Some(self.deployable(&definition, caller)?),
        };
        let mut service = Service::bare(target.as_deref().unwrap_or_default(), &controller);
        service.configure(input)?;
        let news = match target {
            Some(target) if controller == "ECS" => service.begin(&target, caller.now),
            target => {
                service.task_sets.extend(target);
                Vec::new()
            }
        };
        let services = &mut self.clusters.get_mut(&cluster).ok_or_else(no_cluster)?.services;
        let created = match services.entry(name.clone()) {
            // On AWS the very same request is answered again; nobody asks for that here.
            Entry::Occupied(taken) if taken.get().status != "INACTIVE" => {
                return Err(Refusal::parameter("Creation of service was not idempotent."));
            }
            Entry::Occupied(mut deleted) => {
                deleted.insert(service);
                deleted.into_mut()
            }
            Entry::Vacant(free) => free.insert(service),
        };
        let answer = format!("{{\"service\":{}}}", created.shown(&cluster, &name, caller));
        self.announce(&cluster, &name, news);
        Ok(answer)
    }

    pub(super) fn update_service(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster, service) = (cluster_name(input), short(&required(input, "service")?).to_owned());
        let wanted = input.text("taskDefinition");
        let target = wanted.map(|name| self.deployable(&name, caller)).transpose()?;
        let is_forced = input.read("forceNewDeployment").unwrap_or(false);
        let services = &mut self.clusters.get_mut(&cluster).ok_or_else(no_cluster)?.services;
        let found = services.get_mut(&service).ok_or_else(no_service)?;
        if found.status != "ACTIVE" {
            return Err(Refusal::new(400, "ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let refused = |what: &str| {
            let controller = &found.controller;
            Refusal::parameter(format!("Unable to {what} on services with a {controller} deployment controller."))
        };
        match found.controller.as_str() {
            "ECS" => {}
            _ if target.is_some() => return Err(refused("update task definition")),
            _ if is_forced => return Err(refused("force a new deployment")),
            _ => {}
        }
        found.configure(input)?;
        let moves = target.as_ref().is_some_and(|target| *target != found.task_definition);
        let news = match moves || is_forced {
            true => found.begin(&target.unwrap_or_else(|| found.task_definition.clone()), caller.now),
            false => Vec::new(),
        };
        let answer = format!("{{\"service\":{}}}", found.shown(&cluster, &service, caller));
        self.announce(&cluster, &service, news);
        Ok(answer)
    }

    /// The revision that a service may be pointed at by this name.
    fn deployable(&self, name: &str, caller: &Caller) -> Result<String, Refusal> {
        let missing = || Refusal::client("TaskDefinition not found.");
        let (family, number) = Self::named(name, caller).ok_or_else(missing)?;
        let id = match number {
            Some(number) => format!("{family}:{number}"),
            None => self.latest(&family).ok_or_else(missing)?,
        };
        let revision = self.revision(&id).ok_or_else(missing)?;
        let is_recent = revision.deregistered_at.is_some_and(|at| caller.now < at + GRACE);
        match revision.status {
            Status::Active => Ok(id),
            Status::Inactive if self.knobs.deploys_recently_deregistered && is_recent => Ok(id),
            _ => Err(Refusal::client("TaskDefinition is inactive")),
        }
    }

    /// Something happens to a service's deployments; answers whether anything did.
    pub(in super::super) fn turn(
        &mut self,
        cluster: &str,
        service: &str,
        change: impl FnOnce(&mut Service) -> Vec<News>,
    ) -> Option<bool> {
        let news = change(self.clusters.get_mut(cluster)?.services.get_mut(service)?);
        let any = !news.is_empty();
        self.announce(cluster, service, news);
        Some(any)
    }

    fn announce(&mut self, cluster: &str, service: &str, news: Vec<News>) {
        self.news.extend(news.into_iter().map(|news| (cluster.to_owned(), service.to_owned(), news)));
    }
}

pub(super) fn no_service() -> Refusal {
    Refusal::new(400, "ServiceNotFoundException", "Service not found.")
}
