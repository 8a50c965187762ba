//! An ECS service, as far as it matters here: what deploys it, what it is to run, and how far that has come. It judges
//! nothing; `moves` and `backout` do.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::arn::{ArnError, Home, TaskDefinitionId, ecs_resource};

/// A cluster's and a service's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceId {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
}

impl ServiceId {
    /// Of two names.
    ///
    /// # Errors
    /// When one of them cannot be ECS's: up to 255 letters, digits, hyphens and underscores.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
    pub fn new(cluster: &str, name: &str) -> Result<Self, ArnError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_name = |text: &str| (1..=255).contains(&text.len()) && text.bytes().all(plain);
        match is_name(cluster) && is_name(name) {
            true => Ok(Self { cluster: cluster.to_owned(), name: name.to_owned() }),
            false => Err(ArnError::Service),
        }
    }

    /// Of an ARN, and where that is. ARNs of the old form name no cluster.
    ///
    /// # Errors
    /// When it is not the ARN of a service that names its cluster.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html>
    pub fn of_arn(text: &str) -> Result<(Home, Self), ArnError> {
        let (home, resource) = ecs_resource(text).map_err(|error| match error == ArnError::Shape {
            true => ArnError::Service,
            false => error,
        })?;
        match resource.split('/').collect::<Vec<_>>().as_slice() {
            ["service", cluster, name] => Ok((home, Self::new(cluster, name)?)),
            _ => Err(ArnError::Service),
        }
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self, home: &Home) -> String {
        home.ecs_arn(&format!("service/{self}"))
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.name)
    }
}

/// What deploys a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Controller {
    /// ECS, and so by `UpdateService`.
    Ecs,
    /// AWS CodeDeploy.
    CodeDeploy,
    /// Another system, by task sets.
    External,
    /// ECS itself manages the service: an Express service.
    Express,
}

/// How far a deployment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollout {
    /// It has reached its goal.
    Completed,
    /// It was given up.
    Failed,
    /// It is at work, and may be for ever: without a circuit breaker nothing ends a deployment whose tasks break.
    InProgress,
    /// ECS does not say: only rolling updates have such a state.
    Unknown,
}

/// A deployment or task set beside the primary one that is not INACTIVE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The deployment's id; none of a task set.
    pub deployment: Option<String>,
    /// What it runs.
    pub runs: TaskDefinitionId,
    /// Whether it had reached its goal, so that ECS can go back to it.
    pub is_completed: bool,
}

/// A service, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which it is.
    pub id: ServiceId,
    /// What deploys it.
    pub controller: Controller,
    /// What it is to run, by ECS's word. None where its task sets say so, or it is no task definition of ours to read.
    pub target: Option<TaskDefinitionId>,
    /// The id of its primary deployment.
    pub deployment: Option<String>,
    /// How far its primary deployment has come.
    pub rollout: Rollout,
    /// Its other deployments and its task sets, the newest first.
    pub others: Vec<Other>,
}

impl Service {
    /// Every revision that it is pointed at, or still runs.
    pub fn revisions(&self) -> impl Iterator<Item = &TaskDefinitionId> {
        self.target.iter().chain(self.others.iter().map(|other| &other.runs))
    }

    /// The revision that it is to run; where only task sets say so, the first one's.
    #[must_use]
    pub fn current(&self) -> Option<&TaskDefinitionId> {
        self.revisions().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_its_arn_and_nothing_that_leaves_its_place_in_a_key() {
        let (home, id) = ServiceId::of_arn("arn:aws:ecs:eu-west-1:111122223333:service/prod/web").unwrap();
        assert_eq!((home.account(), id.to_string().as_str()), ("111122223333", "prod/web"));
        assert_eq!(id.arn(&home), "arn:aws:ecs:eu-west-1:111122223333:service/prod/web");
        for text in ["service/web", "service/prod/..", "service/prod/a/b", "service/prod/", "cluster/prod"] {
            let arn = format!("arn:aws:ecs:eu-west-1:111122223333:{text}");
            assert_eq!(ServiceId::of_arn(&arn).unwrap_err(), ArnError::Service, "{text}");
        }
    }
}
