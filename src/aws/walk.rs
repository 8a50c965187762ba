//! What runs the whole account's task definitions: one walk over clusters, tasks and services, instead of one a family.
//! A service that is pointed at a revision counts, whether or not it has a task now.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{ResourceManagementType, Service as SdkService};
use jiff::Timestamp;

use super::clock::{Clock, PAUSES};
use super::ecs::Ecs;
use super::failure::call;
use super::pace::Category;
use super::services::{SERVICES_A_CALL, is_gone, service};
use super::tokens::Tokens;
use super::usage::{mark_express, task};
use crate::domain::arn::{Family, Revision};
use crate::domain::failure::{CallFailure, Cause, Transient};
use crate::domain::observation::{AccountUsage, Run, Starter};
use crate::domain::service::{Controller, Service};

type Tasks = BTreeMap<(Family, Starter, Revision), u32>;

impl Ecs {
    /// What runs every family, as far as it can be seen until `until`. A cluster that cannot be read is part of the
    /// answer, and the others are looked at all the same.
    pub async fn usage_of_all(&self, clock: &Clock, until: Timestamp) -> AccountUsage {
        let mut usage = AccountUsage::default();
        // What is given up on leaves every family unseen: what nothing runs would be looked at again, and told.
        let mut pauses = PAUSES.into_iter().map(Duration::from_secs);
        let clusters = match again(clock, until, &mut pauses, async || self.all_clusters().await).await {
            Ok(clusters) => clusters,
            Err(failure) => {
                usage.unread.push(failure);
                return usage;
            }
        };
        let is_late = || clock.now() >= until;
        let mut left = clusters.iter();
        for cluster in left.by_ref() {
            if is_late() {
                usage.clusters_left_out = left.len() + 1;
                break;
            }
            let runs = again(clock, until, &mut pauses, async || self.all_runs_in(cluster, &is_late).await).await;
            match runs {
                Ok((tasks, services)) => {
                    usage.services.extend(services);
                    let name = cluster.rsplit('/').next().unwrap_or(cluster);
                    for ((family, starter, revision), tasks) in tasks {
                        let run = Run { cluster: name.to_owned(), starter, revision, tasks };
                        usage.families.entry(family).or_default().push(run);
                    }
                }
                // It has more than can be looked at in the time, and the next run would come no further.
                Err(failure) if is_late() && failure.cause == Cause::Transient(Transient::TimedOut) => {
                    usage.clusters_left_out = left.len() + 1;
                    break;
                }
                Err(failure) => usage.unread.push(failure),
            }
        }
        usage
    }

    async fn all_runs_in(
        &self,
        cluster: &str,
        is_late: &dyn Fn() -> bool,
    ) -> Result<(Tasks, Vec<Service>), CallFailure> {
        let tasks = self.all_tasks_in(cluster, is_late);
        let (tasks, services) = tokio::join!(tasks, self.all_services_in(cluster, is_late));
        let (tasks, services) = (tasks?, services?);
        let is_express =
            |service: &&SdkService| service.resource_management_type() == Some(&ResourceManagementType::Ecs);
        let express: Vec<String> =
            services.iter().filter(is_express).filter_map(|service| service.service_name.clone()).collect();
        let mut runs: Tasks = BTreeMap::new();
        for ((family, starter, revision), count) in tasks {
            *runs.entry((family, mark_express(starter, &express), revision)).or_default() += count;
        }
        let services: Vec<Service> = services.iter().filter_map(service).collect();
        for service in &services {
            for id in service.revisions() {
                let starter = Starter::Service {
                    name: service.id.name.clone(),
                    is_express: service.controller == Controller::Express,
                };
                runs.entry((id.family.clone(), starter, id.revision)).or_default();
            }
        }
        Ok((runs, services))
    }

    async fn all_tasks_in(&self, cluster: &str, is_late: &dyn Fn() -> bool) -> Result<Tasks, CallFailure> {
        let list = || call("ecs:ListTasks", cluster);
        let (mut tasks, mut token, mut tokens) = (Tasks::new(), None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            if is_late() {
                return Err(list().transient(Transient::TimedOut));
            }
            self.keep(Category::ClusterResourceRead).await;
            let request = self.client.list_tasks().cluster(cluster).max_results(100);
            let page = match request.set_next_token(token).send().await {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(tasks),
                Err(error) => return Err(list().failure(&error)),
            };
            let arns = page.task_arns.unwrap_or_default();
            if !arns.is_empty() {
                self.keep(Category::ClusterResourceRead).await;
                let described = self.client.describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await;
                let described = match described {
                    Ok(described) => described,
                    Err(error) if is_gone(&error) => return Ok(tasks),
                    Err(error) => return Err(call("ecs:DescribeTasks", cluster).failure(&error)),
                };
                for (id, starter) in described.tasks.iter().flatten().filter_map(task) {
                    *tasks.entry((id.family, starter, id.revision)).or_default() += 1;
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(tasks);
            }
        }
        Err(list().refused())
    }

    async fn all_services_in(&self, cluster: &str, is_late: &dyn Fn() -> bool) -> Result<Vec<SdkService>, CallFailure> {
        let names = self.services_in(cluster).await?;
        let mut services = Vec::new();
        for names in names.chunks(SERVICES_A_CALL) {
            if is_late() {
                return Err(call("ecs:DescribeServices", cluster).transient(Transient::TimedOut));
            }
            services.extend(self.described(cluster, names).await?);
        }
        Ok(services)
    }
}

/// Tries again what a retry can heal, as long as there are pauses, and time for them.
async fn again<T>(
    clock: &Clock,
    until: Timestamp,
    pauses: &mut impl Iterator<Item = Duration>,
    mut attempt: impl AsyncFnMut() -> Result<T, CallFailure>,
) -> Result<T, CallFailure> {
    loop {
        let failure = match attempt().await {
            Err(failure) if failure.is_transient() => failure,
            ended => return ended,
        };
        match pauses.next() {
            Some(pause) if clock.pause(pause, until).await => {}
            Some(_) | None => return Err(failure),
        }
    }
}
