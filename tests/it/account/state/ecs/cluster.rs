//! Clusters and their tasks: who runs a revision.
//! Nothing runs unless a test says so.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>

use std::collections::BTreeMap;

use serde_json::json;

use super::super::document::{Document, array, raw};
use super::super::{Caller, Refusal};
use super::registration::failure;
use super::services::no_service;
use super::{Ecs, Service, listed, page, short};

const TASKS_DESCRIBED_MAX: usize = 100;

/// A cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    pub services: BTreeMap<String, Service>,
    pub tasks: BTreeMap<String, Task>,
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

impl Cluster {
    /// Adds a task and answers its id.
    pub fn run(&mut self, task: Task) -> String {
        let last = self.tasks.keys().next_back().and_then(|id| u128::from_str_radix(id, 16).ok()).unwrap_or(0);
        let id = format!("{:032x}", last + 1);
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

    pub(super) fn list_tasks(&self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let (name, cluster) = self.cluster_of(input)?;
        let started_by = input.text("startedBy");
        let others = ["family", "serviceName", "containerInstance", "launchType"];
        if started_by.is_some() && others.iter().any(|filter| input.get(filter).is_some()) {
            return Err(Refusal::parameter("startedBy must be the only filter."));
        }
        let (family, service) = (input.text("family"), input.text("serviceName"));
        if service.as_ref().is_some_and(|service| !cluster.services.contains_key(short(service))) {
            return Err(no_service());
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
    pub(super) fn cluster_of(&self, input: &Document) -> Result<(String, &Cluster), Refusal> {
        let name = cluster_name(input);
        let cluster = self.clusters.get(&name).ok_or_else(no_cluster)?;
        Ok((name, cluster))
    }
}

pub(super) fn cluster_name(input: &Document) -> String {
    input.text("cluster").map_or_else(|| "default".to_owned(), |name| short(&name).to_owned())
}

pub(super) fn no_cluster() -> Refusal {
    Refusal::new(400, "ClusterNotFoundException", "Cluster not found.")
}
