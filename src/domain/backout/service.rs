//! What a service runs, and what a backout does about it. ECS's own controller alone takes a new task definition; and
//! what it has in hand decides whether it may be given one now.

use super::super::arn::TaskDefinitionId;

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
    /// What it runs.
    pub runs: TaskDefinitionId,
    /// Whether it had reached its goal, so that ECS can go back to it.
    pub is_completed: bool,
}

/// A service, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
    /// What deploys it: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub controller: String,
    /// ECS itself manages it.
    pub is_express: bool,
    /// What it is to run, by ECS's word. None where its task sets say so, or it is no task definition of ours to read.
    pub target: Option<TaskDefinitionId>,
    /// How far its primary deployment has come.
    pub rollout: Rollout,
    /// Its other deployments and its task sets.
    pub others: Vec<Other>,
}

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
        match (self.controller.as_str(), runs_copy, targets_copy) {
            (_, false, _) => ServiceStep::None,
            _ if self.is_express => ServiceStep::ByHand(ByHand::Express),
            ("CODE_DEPLOY", ..) => ServiceStep::ByHand(ByHand::CodeDeploy),
            ("ECS", _, true) => match self.rollout {
                Rollout::Completed | Rollout::Failed => ServiceStep::Move,
                Rollout::InProgress if has_way_back => ServiceStep::Move,
                // The gradual strategies: while one is at work there is more than one deployment.
                Rollout::Unknown if self.others.is_empty() => ServiceStep::Move,
                Rollout::InProgress | Rollout::Unknown => ServiceStep::ByHand(ByHand::Deploying),
            },
            ("ECS", true, false) => match &self.target {
                Some(target) if is_back(target) => ServiceStep::Moving,
                Some(_) | None => ServiceStep::Elsewhere,
            },
            _ => ServiceStep::ByHand(ByHand::External),
        }
    }
}
