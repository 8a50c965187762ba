//! Clusters, their services and tasks: who runs a revision, and the move of a service to another.
//! Nothing runs, and no deployment ends, unless a test says so.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::document::{Document, array, raw};
use super::super::{Caller, Refusal};
use super::registration::{failure, required};
use super::{Ecs, Status, listed, page, short};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html>: the default page.
const SERVICES_PAGE: usize = 10;
const SERVICES_DESCRIBED_MAX: usize = 10;
const TASKS_DESCRIBED_MAX: usize = 100;

/// A cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    pub services: BTreeMap<String, Service>,
    pub tasks: BTreeMap<String, Task>,
}

/// A service. Revisions are named like `web:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub task_definition: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// Made by ECS itself: an Express service.
    pub managed_by_ecs: bool,
    pub deployments: Vec<Deployment>,
    /// The revisions of its task sets.
    pub task_sets: Vec<String>,
}

/// A deployment of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: String,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "a task has a task definition: ECS's words")]
pub struct Task {
    pub task_definition: String,
    /// `service:web`, `family:web`, or another name.
    pub group: String,
    pub started_by: Option<String>,
    /// `RUNNING` or `STOPPED`: what ECS wants it to be.
    pub desired_status: String,
    pub last_status: String,
    pub launch_type: String,
}

impl Task {
    /// A running task on EC2.
    pub fn running(task_definition: &str, group: &str) -> Self {
        Self {
            task_definition: task_definition.to_owned(),
            group: group.to_owned(),
            started_by: None,
            desired_status: "RUNNING".to_owned(),
            last_status: "RUNNING".to_owned(),
            launch_type: "EC2".to_owned(),
        }
    }
}

impl Service {
    /// A service that ECS deploys, at rest on this revision.
    pub fn on(task_definition: &str) -> Self {
        Self {
            task_definition: task_definition.to_owned(),
            status: "ACTIVE".to_owned(),
            controller: "ECS".to_owned(),
            managed_by_ecs: false,
            deployments: vec![Deployment {
                id: "ecs-svc/0000000000000000001".to_owned(),
                status: "PRIMARY".to_owned(),
                task_definition: task_definition.to_owned(),
                rollout_state: "COMPLETED".to_owned(),
            }],
            task_sets: Vec::new(),
        }
    }

    /// The newest deployment has reached its goal; the others are gone.
    pub fn complete(&mut self) {
        self.deployments.truncate(1);
        for deployment in &mut self.deployments {
            "COMPLETED".clone_into(&mut deployment.rollout_state);
        }
    }

    /// The circuit breaker gave up: a new deployment goes back to the revision of the one before.
    pub fn roll_back(&mut self) {
        let Some(previous) = self.deployments.get(1).map(|deployment| deployment.task_definition.clone()) else {
            return;
        };
        "FAILED".clone_into(&mut self.deployments[0].rollout_state);
        self.deploy(&previous);
    }

    /// A new deployment begins; those before go on until it ends.
    pub fn deploy(&mut self, task_definition: &str) {
        for deployment in &mut self.deployments {
            "ACTIVE".clone_into(&mut deployment.status);
        }
        let number = self.deployments.iter().filter_map(|it| it.id.rsplit('/').next()?.parse::<u64>().ok()).max();
        self.deployments.insert(
            0,
            Deployment {
                id: format!("ecs-svc/{:019}", number.unwrap_or(0) + 1),
                status: "PRIMARY".to_owned(),
                task_definition: task_definition.to_owned(),
                rollout_state: "IN_PROGRESS".to_owned(),
            },
        );
        task_definition.clone_into(&mut self.task_definition);
    }

    fn uses(&self, id: &str) -> bool {
        self.task_definition == id
            || self.deployments.iter().any(|deployment| deployment.task_definition == id)
            || self.task_sets.iter().any(|task_definition| task_definition == id)
    }

    fn shown(&self, cluster: &str, name: &str, caller: &Caller) -> Value {
        let arn = |resource: String| caller.home.arn("ecs", &resource);
        let definition = |id: &str| arn(format!("task-definition/{id}"));
        let deployments: Vec<Value> = self
            .deployments
            .iter()
            .map(|it| {
                json!({"id": it.id, "status": it.status, "taskDefinition": definition(&it.task_definition),
                    "rolloutState": it.rollout_state, "desiredCount": 1, "runningCount": 1, "pendingCount": 0})
            })
            .collect();
        let task_sets: Vec<Value> =
            self.task_sets.iter().map(|id| json!({"status": "PRIMARY", "taskDefinition": definition(id)})).collect();
        let mut shown = json!({
            "serviceArn": arn(format!("service/{cluster}/{name}")),
            "serviceName": name,
            "clusterArn": arn(format!("cluster/{cluster}")),
            "status": self.status,
            "taskDefinition": definition(&self.task_definition),
            "deployments": deployments,
            "deploymentController": {"type": self.controller},
            "desiredCount": 1, "runningCount": 1, "pendingCount": 0,
            "launchType": "EC2",
            "schedulingStrategy": "REPLICA",
        });
        if self.managed_by_ecs {
            shown["resourceManagementType"] = json!("ECS");
        }
        if !task_sets.is_empty() {
            shown["taskSets"] = json!(task_sets);
        }
        shown
    }
}

impl Cluster {
    /// Adds a task and answers its id.
    pub fn run(&mut self, task: Task) -> String {
        let id = format!("{:032x}", self.tasks.len() + 1);
        self.tasks.insert(id.clone(), task);
        id
    }

    /// Whether a service, or a task that is not to stop, is on this revision.
    pub fn uses(&self, id: &str) -> bool {
        self.services.values().any(|service| service.uses(id))
            || self.tasks.values().any(|task| task.task_definition == id && task.desired_status != "STOPPED")
    }
}

impl Ecs {
    pub(super) fn list_clusters(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let arn = |name: &String| (name.clone(), caller.home.arn("ecs", &format!("cluster/{name}")));
        let items = self.clusters.keys().map(arn);
        Ok(listed("clusterArns", page(items, input, &self.knobs, false, 100)?))
    }

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

    pub(super) fn update_service(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster, service) = (cluster_name(input), short(&required(input, "service")?).to_owned());
        let wanted = input.text("taskDefinition");
        let target = match &wanted {
            None => None,
            Some(name) => {
                let missing = || Refusal::client("TaskDefinition not found.");
                let (family, number) = Self::named(name, caller).ok_or_else(missing)?;
                let id = match number {
                    Some(number) => format!("{family}:{number}"),
                    None => self.latest(&family).ok_or_else(missing)?,
                };
                match self.revision(&id).ok_or_else(missing)?.status {
                    Status::Active => Some(id),
                    _ => return Err(Refusal::client("TaskDefinition is inactive")),
                }
            }
        };
        let Some(found) = self.clusters.get_mut(&cluster).ok_or_else(no_cluster)?.services.get_mut(&service) else {
            return Err(Refusal::new(400, "ServiceNotFoundException", "Service not found."));
        };
        if let Some(target) = target {
            if found.controller != "ECS" {
                return Err(Refusal::parameter(format!(
                    "Unable to update task definition on services with a {} deployment controller.",
                    found.controller
                )));
            }
            if found.task_definition != target {
                found.deploy(&target);
            }
        }
        Ok(format!("{{\"service\":{}}}", found.shown(&cluster, &service, caller)))
    }

    pub(super) fn list_tasks(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (name, cluster) = self.cluster_of(input)?;
        let started_by = input.text("startedBy");
        let others = ["family", "serviceName", "containerInstance", "launchType"];
        if started_by.is_some() && others.iter().any(|filter| input.get(filter).is_some()) {
            return Err(Refusal::parameter("startedBy must be the only filter."));
        }
        let (family, service) = (input.text("family"), input.text("serviceName"));
        if service.as_ref().is_some_and(|service| !cluster.services.contains_key(short(service))) {
            return Err(Refusal::new(400, "ServiceNotFoundException", "Service not found."));
        }
        let desired = input.text("desiredStatus").unwrap_or_else(|| "RUNNING".to_owned());
        let launch_type = input.text("launchType");
        let wanted = |task: &Task| {
            task.desired_status == desired
                && family.as_ref().is_none_or(|family| task.task_definition.split(':').next() == Some(family))
                && service.as_ref().is_none_or(|service| task.group == format!("service:{}", short(service)))
                && launch_type.as_ref().is_none_or(|launch_type| task.launch_type == *launch_type)
                && (started_by.is_none() || task.started_by == started_by)
        };
        let items = cluster
            .tasks
            .iter()
            .filter(|(_, task)| wanted(task))
            .map(|(id, _)| (id.clone(), caller.home.arn("ecs", &format!("task/{name}/{id}"))));
        Ok(listed("taskArns", page(items, input, &self.knobs, false, 100)?))
    }

    pub(super) fn describe_tasks(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (cluster_name, cluster) = self.cluster_of(input)?;
        let names: Vec<String> = input.read("tasks").unwrap_or_default();
        if names.is_empty() || names.len() > TASKS_DESCRIBED_MAX {
            return Err(Refusal::parameter("Specify between 1 and 100 tasks."));
        }
        let arn = |resource: String| caller.home.arn("ecs", &resource);
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            let id = short(&name);
            let Some(task) = cluster.tasks.get(id) else {
                failures.push(failure(&name, "MISSING"));
                continue;
            };
            let mut shown = json!({
                "taskArn": arn(format!("task/{cluster_name}/{id}")),
                "clusterArn": arn(format!("cluster/{cluster_name}")),
                "taskDefinitionArn": arn(format!("task-definition/{}", task.task_definition)),
                "group": task.group,
                "desiredStatus": task.desired_status,
                "lastStatus": task.last_status,
                "launchType": task.launch_type,
            });
            if let Some(started_by) = &task.started_by {
                shown["startedBy"] = json!(started_by);
            }
            found.push(raw(shown.to_string()));
        }
        let mut answer = Document::default();
        answer.set("tasks", array(&found));
        answer.set("failures", array(&failures));
        Ok(answer.to_json())
    }

    /// The cluster of a request; `default` when it names none.
    fn cluster_of(&self, input: &Document) -> Result<(String, &Cluster), Refusal> {
        let name = cluster_name(input);
        let cluster = self.clusters.get(&name).ok_or_else(no_cluster)?;
        Ok((name, cluster))
    }
}

fn cluster_name(input: &Document) -> String {
    input.text("cluster").map_or_else(|| "default".to_owned(), |name| short(&name).to_owned())
}

fn no_cluster() -> Refusal {
    Refusal::new(400, "ClusterNotFoundException", "Cluster not found.")
}
