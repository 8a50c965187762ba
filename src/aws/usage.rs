//! What runs a family: tasks by cluster, by who started them, by revision. It is context for the alert, so it is
//! bounded, in time too, and what cannot be read is part of the answer instead of an error.
//!
//! No API lists services by task definition; a family's tasks show every service that has one running.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{ResourceManagementType, Task};
use jiff::Timestamp;

use super::clock::Clock;
use super::ecs::Ecs;
use super::failure::call;
use super::pace::Category;
use super::services::{SERVICES_A_CALL, is_gone};
use super::tokens::Tokens;
use crate::domain::arn::{Family, Revision, TaskDefinitionArn, TaskDefinitionId};
use crate::domain::failure::{CallFailure, Transient};
use crate::domain::observation::{Run, Starter, Usage};

/// Each cluster costs a call; the account's budget for them is 20 a second.
const CLUSTERS_MAX: usize = 100;
/// 100 clusters a page, and a page may be short: what there is beyond would not be looked at either.
const CLUSTER_PAGES_MAX: usize = 20;
/// A call that hangs or is throttled takes up to 15 s, and the remedy waits for it: this many are enough.
const FAILURES_MAX: usize = 2;
/// 100 tasks a page: what more there is of one family in one cluster would not change what a person does.
const TASK_PAGES_MAX: usize = 10;

impl Ecs {
    /// What runs the family's revisions, as far as it can be seen until `until`: calls that are slow, or throttled and
    /// then answered, fail in no way that could be counted.
    pub async fn usage(&self, family: &Family, clock: &Clock, until: Timestamp) -> Usage {
        let mut usage = Usage::default();
        let list = || call("ecs:ListClusters", "*").transient(Transient::TimedOut);
        let listed = clock.until(until, self.clusters(CLUSTER_PAGES_MAX)).await;
        let clusters = match listed.unwrap_or_else(|| Err(list())) {
            Ok((clusters, is_cut_short)) => {
                usage.is_cut_short = is_cut_short;
                clusters
            }
            Err(failure) => {
                usage.unread.push(failure);
                return usage;
            }
        };
        let mut looked_at = 0;
        for cluster in clusters.iter().take(CLUSTERS_MAX) {
            if clock.now() >= until {
                break;
            }
            match clock.until(until, self.runs_in(cluster, family)).await {
                Some(Ok((runs, is_cut_short))) => {
                    usage.runs.extend(runs);
                    usage.is_cut_short |= is_cut_short;
                }
                Some(Err(failure)) => usage.unread.push(failure),
                None => break,
            }
            looked_at += 1;
            if usage.unread.len() >= FAILURES_MAX {
                break;
            }
        }
        usage.clusters_left_out = clusters.len() - looked_at;
        usage
    }

    /// The clusters on so many pages, and whether there are more.
    pub(super) async fn clusters(&self, pages_max: usize) -> Result<(Vec<String>, bool), CallFailure> {
        let mut clusters = Vec::new();
        let (mut token, mut tokens) = (None, Tokens::default());
        for _ in 0..pages_max {
            if !tokens.lead_on(token.as_ref()) {
                return Err(call("ecs:ListClusters", "*").refused());
            }
            self.keep(Category::ClusterRead).await;
            let page = self.client.list_clusters().max_results(100).set_next_token(token).send().await;
            let page = page.map_err(|error| call("ecs:ListClusters", "*").failure(&error))?;
            clusters.extend(page.cluster_arns.into_iter().flatten());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok((clusters, token.is_some()))
    }

    /// What runs the family in a cluster, and whether there is more of it. In one that is gone by now nothing does.
    async fn runs_in(&self, cluster: &str, family: &Family) -> Result<(Vec<Run>, bool), CallFailure> {
        let mut tasks: BTreeMap<(Starter, Revision), u32> = BTreeMap::new();
        let mut token = None;
        for _ in 0..TASK_PAGES_MAX {
            let request = self.client.list_tasks().cluster(cluster).family(family.as_str());
            let page = match request.max_results(100).set_next_token(token).send().await {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok((Vec::new(), false)),
                Err(error) => return Err(call("ecs:ListTasks", cluster).failure(&error)),
            };
            let arns = page.task_arns.unwrap_or_default();
            if !arns.is_empty() {
                let described = self.client.describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await;
                let described = match described {
                    Ok(described) => described,
                    Err(error) if is_gone(&error) => return Ok((Vec::new(), false)),
                    Err(error) => return Err(call("ecs:DescribeTasks", cluster).failure(&error)),
                };
                for (starter, revision) in described.tasks.iter().flatten().filter_map(|task| run_of(task, family)) {
                    *tasks.entry((starter, revision)).or_default() += 1;
                }
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        let express = self.express_services(cluster, tasks.keys().map(|(starter, _)| starter)).await?;
        let name = cluster.rsplit('/').next().unwrap_or(cluster);
        let run = |((starter, revision), tasks)| Run {
            cluster: name.to_owned(),
            starter: mark_express(starter, &express),
            revision,
            tasks,
        };
        Ok((tasks.into_iter().map(run).collect(), token.is_some()))
    }

    /// The names of those services that ECS itself manages.
    async fn express_services(
        &self,
        cluster: &str,
        starters: impl Iterator<Item = &Starter>,
    ) -> Result<Vec<String>, CallFailure> {
        let mut names: Vec<String> = starters
            .filter_map(|starter| match starter {
                Starter::Service { name, .. } => Some(name.clone()),
                Starter::Other(_) => None,
            })
            .collect();
        names.dedup();
        let mut express = Vec::new();
        for names in names.chunks(SERVICES_A_CALL) {
            let services = self.described(cluster, names).await?;
            let managed = services
                .into_iter()
                .filter(|service| service.resource_management_type() == Some(&ResourceManagementType::Ecs));
            express.extend(managed.filter_map(|service| service.service_name));
        }
        Ok(express)
    }
}

fn run_of(task: &Task, family: &Family) -> Option<(Starter, Revision)> {
    let (id, starter) = self::task(task)?;
    (id.family == *family).then_some((starter, id.revision))
}

/// What a task runs, and who started it. Whether ECS manages the service itself, the task does not say.
pub(super) fn task(task: &Task) -> Option<(TaskDefinitionId, Starter)> {
    let id = task.task_definition_arn()?.parse::<TaskDefinitionArn>().ok()?.id;
    let starter = match task.group().and_then(|group| group.strip_prefix("service:")) {
        Some(service) => Starter::Service { name: service.to_owned(), is_express: false },
        None => Starter::Other(task.started_by().or(task.group()).unwrap_or("unknown").to_owned()),
    };
    Some((id, starter))
}

pub(super) fn mark_express(starter: Starter, express: &[String]) -> Starter {
    match starter {
        Starter::Service { name, .. } => Starter::Service { is_express: express.contains(&name), name },
        Starter::Other(text) => Starter::Other(text),
    }
}
