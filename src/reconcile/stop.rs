//! What keeps a run from coming to its end: made from an edge's error, with the one question that decides what follows.

use crate::aws::DescribeError;
use crate::domain::failure::CallFailure;
use crate::domain::report::Failure;

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A retry can heal it: look again, later.
    Transient(CallFailure),
    /// A retry cannot heal it: somebody must be told.
    Failed(Failure),
    /// Too little time is left to begin a registration.
    OutOfTime,
}

impl From<CallFailure> for Stop {
    fn from(failure: CallFailure) -> Self {
        match failure.is_transient() {
            true => Self::Transient(failure),
            false => Self::Failed(Failure::Call(failure)),
        }
    }
}

impl From<DescribeError> for Stop {
    fn from(error: DescribeError) -> Self {
        match error {
            DescribeError::Call(failure) => failure.into(),
            DescribeError::Malformed { what, error } => Self::Failed(Failure::Malformed { what, error }),
        }
    }
}
