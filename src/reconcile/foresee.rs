//! What a look at a revision would lead to: observe and plan, and nothing after that. It writes nothing and tells nobody.

use jiff::Timestamp;

use super::observe::observe;
use super::stop::Stop;
use super::{Guard, Run};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::observation::Observation;
use crate::domain::outcome::Reason;
use crate::domain::plan::{Plan, plan};
use crate::domain::report::Failure;

/// Why nothing can be foreseen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeseeError {
    /// Something that decides could not be read.
    #[error("{0}")]
    Failed(Failure),
    /// It lasted too long.
    #[error("too little time was left to go on")]
    OutOfTime,
}

impl Guard {
    /// What there is, and what the guard would do about it by its policy.
    ///
    /// # Errors
    /// When something that decides could not be read.
    pub async fn foresee(
        &self,
        id: &TaskDefinitionId,
        deadline: Timestamp,
    ) -> Result<(Observation, Plan), ForeseeError> {
        let (mut seen, plan) = self.foresee_by(id, false, deadline).await?;
        // The event that told of AWS Batch is gone; its record is not, and a sweep takes its word too.
        let reason = seen.record.as_ref().and_then(|held| held.record.reason.as_deref());
        if reason == Some(Reason::ManagedByBatch.as_str()) && !seen.batch_by_event {
            seen.batch_by_event = true;
            let plan = self::plan(&seen, &self.policy, self.aws.clock.now());
            return Ok((seen, plan));
        }
        Ok((seen, plan))
    }

    /// The same by an event that says whether AWS Batch made the call.
    pub(super) async fn foresee_by(
        &self,
        id: &TaskDefinitionId,
        batch_by_event: bool,
        deadline: Timestamp,
    ) -> Result<(Observation, Plan), ForeseeError> {
        let run = Run::default();
        let look = async || observe(self, id, &run, batch_by_event, deadline).await;
        let seen = self.patience(deadline).repeat(look).await.map_err(unforeseen)?;
        let plan = plan(&seen, &self.policy, self.aws.clock.now());
        Ok((seen, plan))
    }
}

pub(super) fn unforeseen(stop: Stop) -> ForeseeError {
    match stop {
        Stop::Transient(failure) => ForeseeError::Failed(Failure::Call(failure)),
        Stop::Failed(failure) => ForeseeError::Failed(failure),
        Stop::OutOfTime => ForeseeError::OutOfTime,
    }
}
