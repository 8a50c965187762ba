//! Looks at what the guard rests on, for `guardctl doctor`: one service a file, domain values out. It only reads. It is
//! behind the feature `cli`; no function carries any of it.

mod alarms;
mod functions;
mod queues;
mod rules;
mod stack;
mod topic;
mod trail;

use aws_config::SdkConfig;

use super::operator::Session;
use crate::domain::arn::Home;

/// Whoever looks, with an operator's rights.
#[derive(Debug, Clone)]
pub struct Examiner {
    config: SdkConfig,
    home: Home,
}

impl Session {
    /// Looks at what a guard in this account rests on.
    #[must_use]
    pub fn examiner(&self, home: Home) -> Examiner {
        Examiner { config: self.config.clone(), home }
    }
}

impl Examiner {
    /// The ARN of something in this account and Region.
    fn arn(&self, service: &str, resource: &str) -> String {
        let (partition, region, account) = (self.home.partition(), self.home.region(), self.home.account());
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}
