//! Services of the whole account: who is pointed at a family's revisions, and pointing one elsewhere. No API lists
//! services by task definition, so all clusters are walked, at a pace that leaves the account's budget to others.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::types::{DeploymentRolloutState, ResourceManagementType, Service as SdkService};

use super::ecs::Ecs;
use super::failure::{Call, call};
use super::pace::Category;
use crate::domain::arn::{Family, TaskDefinitionArn, TaskDefinitionId};
use crate::domain::backout::plan::Service;
use crate::domain::failure::CallFailure;

/// 100 clusters or services a page; pages may be short.
const PAGES_MAX: usize = 1_000;
/// DescribeServices takes ten names.
const SERVICES_A_CALL: usize = 10;

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
                self.keep(Category::ServiceRead).await;
                let call = call("ecs:DescribeServices", &cluster);
                let request = self.client.describe_services().cluster(&cluster).set_services(Some(names.to_vec()));
                let answer = request.send().await.map_err(|error| call.failure(&error))?;
                found.extend(answer.services.iter().flatten().filter_map(|service| of_family(service, family)));
            }
        }
        Ok(found)
    }

    pub(super) async fn all_clusters(&self) -> Result<Vec<String>, CallFailure> {
        let call = || call("ecs:ListClusters", "*");
        let (mut clusters, mut token) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            self.keep(Category::ClusterRead).await;
            let page = self.client.list_clusters().max_results(100).set_next_token(token).send().await;
            let page = page.map_err(|error| call().failure(&error))?;
            clusters.extend(page.cluster_arns.into_iter().flatten());
            token = page.next_token;
            if token.is_none() {
                return Ok(clusters);
            }
        }
        Err(call().refused())
    }

    pub(super) async fn services_in(&self, cluster: &str) -> Result<Vec<String>, CallFailure> {
        let call = || call("ecs:ListServices", cluster);
        let (mut services, mut token) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            self.keep(Category::ServiceRead).await;
            let request = self.client.list_services().cluster(cluster).max_results(100);
            let page = request.set_next_token(token).send().await.map_err(|error| call().failure(&error))?;
            services.extend(page.service_arns.into_iter().flatten());
            token = page.next_token;
            if token.is_none() {
                return Ok(services);
            }
        }
        Err(call().refused())
    }

    fn call_on(&self, action: &'static str, service: &Service) -> Call {
        call(action, self.home.ecs_arn(&format!("service/{}/{}", service.cluster, service.name)))
    }

    /// What a service is to run now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn target_of(&self, service: &Service) -> Result<Option<TaskDefinitionId>, CallFailure> {
        let request = self.client.describe_services().cluster(&service.cluster).services(&service.name);
        let answer =
            request.send().await.map_err(|error| self.call_on("ecs:DescribeServices", service).failure(&error))?;
        Ok(answer.services.iter().flatten().next().and_then(SdkService::task_definition).and_then(id))
    }

    /// Points a service at a revision. Sent once; whoever repeats it looks first.
    ///
    /// # Errors
    /// `Transient` means that it is not known whether the work was done.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
    pub async fn point_service(&self, service: &Service, to: &TaskDefinitionId) -> Result<(), CallFailure> {
        let request = self.client.update_service().cluster(&service.cluster).service(&service.name);
        let once = aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled());
        let sent = request.task_definition(to.to_string()).customize().config_override(once).send().await;
        sent.map(|_| ()).map_err(|error| self.call_on("ecs:UpdateService", service).failure(&error))
    }
}

fn of_family(service: &SdkService, family: &Family) -> Option<Service> {
    let deployments = service.deployments();
    let primary = deployments.iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    let others = deployments.iter().filter_map(|deployment| deployment.task_definition());
    let others = others.chain(service.task_sets().iter().filter_map(|task_set| task_set.task_definition()));
    let of_family = |arn: &str| id(arn).filter(|id| id.family == *family);
    let others: Vec<TaskDefinitionId> = others.filter_map(of_family).collect();
    let target = service.task_definition().and_then(id);
    if others.is_empty() && target.as_ref().is_none_or(|target| target.family != *family) {
        return None;
    }
    let rollout = primary.and_then(|deployment| deployment.rollout_state());
    let controller = service.deployment_controller().map_or("ECS", |controller| controller.r#type().as_str());
    let cluster = service.cluster_arn().unwrap_or_default();
    Some(Service {
        cluster: cluster.rsplit('/').next().unwrap_or(cluster).to_owned(),
        name: service.service_name().unwrap_or_default().to_owned(),
        controller: controller.to_owned(),
        is_express: service.resource_management_type() == Some(&ResourceManagementType::Ecs),
        target,
        others,
        // The gradual strategies have no rollout state; while one is at work there is more than one deployment.
        is_deploying: deployments.len() > 1 || rollout.is_some_and(|state| *state != DeploymentRolloutState::Completed),
    })
}

fn id(arn: &str) -> Option<TaskDefinitionId> {
    arn.parse::<TaskDefinitionArn>().ok().map(|arn| arn.id)
}
