//! ECS's token buckets, one a category of actions, filled by the account's own clock.
//! It does not know what an action does.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What is left in each bucket.
#[derive(Debug, Clone, Default)]
pub struct Budget {
    left: BTreeMap<&'static str, (f64, Timestamp)>,
    taken_by_others_per_second: f64,
}

impl Budget {
    /// Full buckets, from which others take nothing.
    pub fn full() -> Self {
        Self::default()
    }

    /// Empty buckets that fill from `now`.
    pub fn empty(now: Timestamp) -> Self {
        let left = CATEGORIES.iter().map(|(name, ..)| (*name, (0.0, now))).collect();
        Self { left, ..Self::default() }
    }

    /// Others in the account use so much of each category's rate.
    pub fn shared(mut self, taken_by_others_per_second: f64) -> Self {
        self.taken_by_others_per_second = taken_by_others_per_second;
        self
    }

    /// Takes a token for the action; false when there is none.
    pub fn take(&mut self, operation: &str, now: Timestamp) -> bool {
        let Some((name, burst, rate, _)) = CATEGORIES.iter().find(|(.., actions)| actions.contains(&operation)) else {
            return true;
        };
        let (left, since) = self.left.get(name).copied().unwrap_or((*burst, now));
        let rate = (rate - self.taken_by_others_per_second).max(0.0);
        let left = (left + now.duration_since(since).as_secs_f64().max(0.0) * rate).min(*burst);
        let granted = left >= 1.0;
        self.left.insert(name, (if granted { left - 1.0 } else { left }, now));
        granted
    }
}

/// Name, burst, tokens a second, actions.
const CATEGORIES: [(&str, f64, f64, &[&str]); 8] = [
    (
        "task definition read",
        50.0,
        20.0,
        &["DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies"],
    ),
    ("task definition modify", 20.0, 1.0, &["RegisterTaskDefinition", "DeregisterTaskDefinition"]),
    ("task definition deletion", 5.0, 1.0, &["DeleteTaskDefinitions"]),
    ("service read", 100.0, 20.0, &["DescribeServices", "ListServices"]),
    ("service modify", 50.0, 5.0, &["CreateService", "UpdateService"]),
    ("service deployments read", 50.0, 20.0, &["ListServiceDeployments"]),
    ("cluster read", 50.0, 20.0, &["ListClusters"]),
    ("cluster resource read", 100.0, 20.0, &["ListTasks", "DescribeTasks"]),
];
