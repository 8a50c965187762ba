//! Services of the whole account: who is pointed at a family's revisions, and pointing one elsewhere. No API lists
//! services by task definition, so all clusters are walked, at a pace that leaves the account's budget to others.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{
    DeploymentRolloutState, ResourceManagementType, Service as SdkService, ServiceDeploymentStatus,
};

use super::ecs::Ecs;
use super::failure::{Call, call};
use super::pace::Category;
use super::tokens::Tokens;
use crate::domain::arn::{Family, TaskDefinitionArn, TaskDefinitionId};
use crate::domain::failure::CallFailure;
use crate::domain::service::{Controller, Other, Rollout, Service, ServiceId};

/// 100 clusters a page; pages may be short.
const PAGES_MAX: usize = 1_000;
/// DescribeServices takes ten names.
pub(super) const SERVICES_A_CALL: usize = 10;

impl Ecs {
    /// The services that are pointed at a revision of the family, or that have a deployment or task set on one.
    ///
    /// # Errors
    /// When anything could not be read: a service that was not seen must not be taken for none.
    pub async fn services_of(&self, family: &Family) -> Result<Vec<Service>, CallFailure> {
        let mut found = Vec::new();
        for cluster in self.all_clusters().await? {
            let names = self.services_in(&cluster).await?;
            for names in names.chunks(SERVICES_A_CALL) {
                let services = self.described(&cluster, names).await?;
                found.extend(services.iter().filter_map(service).filter(|service| is_of(service, family)));
            }
        }
        Ok(found)
    }

    /// Some services of a cluster. What is gone by now is left out.
    pub(super) async fn described(&self, cluster: &str, names: &[String]) -> Result<Vec<SdkService>, CallFailure> {
        self.keep(Category::ServiceRead).await;
        let call = || call("ecs:DescribeServices", cluster);
        let request = self.client.describe_services().cluster(cluster).set_services(Some(names.to_vec()));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_gone(&error) => return Ok(Vec::new()),
            Err(error) => return Err(call().failure(&error)),
        };
        // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
        match answer.failures().iter().all(|failure| failure.reason() == Some("MISSING")) {
            true => Ok(answer.services.unwrap_or_default()),
            false => Err(call().refused()),
        }
    }

    pub(super) async fn all_clusters(&self) -> Result<Vec<String>, CallFailure> {
        match self.clusters(PAGES_MAX).await? {
            (clusters, false) => Ok(clusters),
            (_, true) => Err(call("ecs:ListClusters", "*").refused()),
        }
    }

    pub(super) async fn services_in(&self, cluster: &str) -> Result<Vec<String>, CallFailure> {
        let call = || call("ecs:ListServices", cluster);
        let (mut services, mut token, mut tokens) = (Vec::new(), None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            self.keep(Category::ServiceRead).await;
            let request = self.client.list_services().cluster(cluster).max_results(100);
            let page = match request.set_next_token(token).send().await {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(services),
                Err(error) => return Err(call().failure(&error)),
            };
            services.extend(page.service_arns.into_iter().flatten());
            token = page.next_token;
            if token.is_none() {
                return Ok(services);
            }
        }
        Err(call().refused())
    }

    fn call_on(&self, action: &'static str, service: &ServiceId) -> Call {
        call(action, service.arn(&self.home))
    }

    /// The service as it is now; none if it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn service(&self, id: &ServiceId) -> Result<Option<Service>, CallFailure> {
        let found = self.described(&id.cluster, std::slice::from_ref(&id.name)).await?;
        Ok(found.iter().find_map(service))
    }

    /// The same, with how far it has come also where its deployments do not say it: blue/green, linear and canary
    /// deployments have no rollout state, and one that is at work may be so for thirty days.
    ///
    /// # Errors
    /// When it cannot be read.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>
    pub async fn service_in_full(&self, id: &ServiceId) -> Result<Option<Service>, CallFailure> {
        let Some(service) = self.service(id).await? else { return Ok(None) };
        match (service.controller, service.rollout) {
            (Controller::Ecs, Rollout::Unknown) => {
                let rollout = if self.is_deploying(id).await? { Rollout::InProgress } else { Rollout::Completed };
                Ok(Some(Service { rollout, ..service }))
            }
            _ => Ok(Some(service)),
        }
    }

    /// Whether ECS is at work on the service, in either direction.
    async fn is_deploying(&self, id: &ServiceId) -> Result<bool, CallFailure> {
        self.keep(Category::ServiceDeploymentRead).await;
        let mut request = self.client.list_service_deployments().cluster(&id.cluster).service(&id.name);
        for status in ONGOING {
            request = request.status(status);
        }
        match request.send().await {
            Ok(answer) => Ok(!answer.service_deployments().is_empty() || answer.next_token().is_some()),
            Err(error) => Err(self.call_on("ecs:ListServiceDeployments", id).failure(&error)),
        }
    }

    /// Points a service at a revision. Sent once; whoever repeats it looks first.
    ///
    /// # Errors
    /// `Transient` means that it is not known whether the work was done.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
    pub async fn point_service(&self, service: &ServiceId, to: &TaskDefinitionId) -> Result<(), CallFailure> {
        self.keep(Category::ServiceWrite).await;
        let request = self.client.update_service().cluster(&service.cluster).service(&service.name);
        let once = aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled());
        let sent = request.task_definition(to.to_string()).customize().config_override(once).send().await;
        sent.map(|_| ()).map_err(|error| self.call_on("ecs:UpdateService", service).failure(&error))
    }
}

/// The states of a service deployment that has not come to its end.
const ONGOING: [ServiceDeploymentStatus; 5] = [
    ServiceDeploymentStatus::Pending,
    ServiceDeploymentStatus::InProgress,
    ServiceDeploymentStatus::StopRequested,
    ServiceDeploymentStatus::RollbackRequested,
    ServiceDeploymentStatus::RollbackInProgress,
];

/// The cluster was deleted since it was listed.
pub(super) fn is_gone(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ClusterNotFoundException")
}

fn is_of(service: &Service, family: &Family) -> bool {
    service.revisions().any(|id| id.family == *family)
}

/// A service as it matters here; none if it is being deleted. INACTIVE deployments are history, and a DRAINING task set
/// is on its way there. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
pub(super) fn service(shown: &SdkService) -> Option<Service> {
    if shown.status() != Some("ACTIVE") {
        return None;
    }
    let deployments = shown.deployments().iter().filter(|deployment| deployment.status() != Some("INACTIVE"));
    let (primary, others): (Vec<_>, Vec<_>) =
        deployments.partition(|deployment| deployment.status() == Some("PRIMARY"));
    let rollout = match primary.first().and_then(|deployment| deployment.rollout_state()) {
        Some(DeploymentRolloutState::Completed) => Rollout::Completed,
        Some(DeploymentRolloutState::Failed) => Rollout::Failed,
        Some(DeploymentRolloutState::InProgress) => Rollout::InProgress,
        Some(_) | None => Rollout::Unknown,
    };
    let others = others.into_iter().filter_map(|deployment| {
        let is_completed = deployment.rollout_state() == Some(&DeploymentRolloutState::Completed);
        let runs = id(deployment.task_definition()?)?;
        Some(Other { deployment: deployment.id().map(str::to_owned), runs, is_completed })
    });
    let task_sets = shown.task_sets().iter().filter(|task_set| task_set.status() != Some("DRAINING"));
    let task_sets = task_sets.filter_map(|task_set| id(task_set.task_definition()?));
    let task_sets = task_sets.map(|runs| Other { deployment: None, runs, is_completed: false });
    let controller = shown.deployment_controller().map_or("ECS", |controller| controller.r#type().as_str());
    let is_express = shown.resource_management_type() == Some(&ResourceManagementType::Ecs);
    let cluster = shown.cluster_arn().unwrap_or_default();
    Some(Service {
        id: ServiceId {
            cluster: cluster.rsplit('/').next().unwrap_or(cluster).to_owned(),
            name: shown.service_name().unwrap_or_default().to_owned(),
        },
        controller: match controller {
            _ if is_express => Controller::Express,
            "ECS" => Controller::Ecs,
            "CODE_DEPLOY" => Controller::CodeDeploy,
            _ => Controller::External,
        },
        target: shown.task_definition().and_then(id),
        deployment: primary.first().and_then(|deployment| deployment.id()).map(str::to_owned),
        rollout,
        others: others.chain(task_sets).collect(),
    })
}

fn id(arn: &str) -> Option<TaskDefinitionId> {
    arn.parse::<TaskDefinitionArn>().ok().map(|arn| arn.id)
}
