//! What a backout does about a service. ECS's own controller alone takes a new task definition; and what it has in hand
//! decides whether it may be given one now.

use super::super::arn::TaskDefinitionId;
use super::super::service::{Controller, Rollout, Service};

/// Why a service is not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// Its deployment to the copy is in progress, and nothing that it could go back to is complete.
    Deploying,
    /// AWS CodeDeploy deploys it.
    CodeDeploy,
    /// Another system deploys it, by task sets.
    External,
    /// ECS itself manages it.
    Express,
}

impl ByHand {
    /// The state in answers, by the words of a move.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Deploying => "waiting",
            Self::CodeDeploy | Self::External | Self::Express => "not_movable",
        }
    }

    /// Why, as the end of a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Deploying => "its deployment to the copy is in progress",
            Self::CodeDeploy => "AWS CodeDeploy deploys it",
            Self::External => "another system deploys it by task sets",
            Self::Express => "ECS itself manages it (Express)",
        }
    }
}

/// What is to be done about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStep {
    /// Nothing: it does not run a copy.
    None,
    /// It is pointed at what is back.
    Move,
    /// Nothing: it is on its way there already.
    Moving,
    /// Nothing that we may do.
    ByHand(ByHand),
    /// It is leaving a copy for something else, and would fall back on the copy.
    Elsewhere,
}

impl Service {
    /// What is to be done about it. A deployment in progress is pushed over only while something that is back is
    /// complete: that is what ECS then falls back on. While a rollback runs nothing is complete:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
    #[must_use]
    pub fn step(&self, copies: &[TaskDefinitionId], is_back: impl Fn(&TaskDefinitionId) -> bool) -> ServiceStep {
        let targets_copy = self.target.as_ref().is_some_and(|target| copies.contains(target));
        let runs_copy = targets_copy || self.others.iter().any(|other| copies.contains(&other.runs));
        let has_way_back = self.others.iter().any(|other| other.is_completed && is_back(&other.runs));
        match (self.controller, runs_copy, targets_copy) {
            (_, false, _) => ServiceStep::None,
            (Controller::Express, ..) => ServiceStep::ByHand(ByHand::Express),
            (Controller::CodeDeploy, ..) => ServiceStep::ByHand(ByHand::CodeDeploy),
            (Controller::External, ..) => ServiceStep::ByHand(ByHand::External),
            (Controller::Ecs, _, true) => match self.rollout {
                Rollout::Completed | Rollout::Failed => ServiceStep::Move,
                Rollout::InProgress if has_way_back => ServiceStep::Move,
                // The gradual strategies: while one is at work there is more than one deployment.
                Rollout::Unknown if self.others.is_empty() => ServiceStep::Move,
                Rollout::InProgress | Rollout::Unknown => ServiceStep::ByHand(ByHand::Deploying),
            },
            (Controller::Ecs, true, false) => match &self.target {
                Some(target) if is_back(target) => ServiceStep::Moving,
                Some(_) | None => ServiceStep::Elsewhere,
            },
        }
    }
}
