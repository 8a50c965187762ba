//! A call to AWS that did not do what was asked: what was tried, on what, and whether a retry can heal it.
//! It never holds AWS's message, which may echo what was sent.

use std::fmt;

use super::outcome::Reason;

/// What kept a call from succeeding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Throttled, a server error, a time-out, a broken connection or answer, a conflict: the same call may work later.
    Transient(Transient),
    /// A permission is missing; `action` is the one that AWS named, like `iam:PassRole`.
    AccessDenied {
        /// The IAM action that was refused.
        action: &'static str,
    },
    /// What was sent is not acceptable to AWS.
    InvalidParameter,
    /// A quota is used up.
    LimitExceeded,
    /// Any other refusal.
    Refused,
}

/// What a retry can heal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transient {
    /// The request rate was too high.
    Throttled,
    /// AWS had an internal error.
    ServerError,
    /// No answer in time: the work may have been done.
    TimedOut,
    /// The connection failed, or broke: the work may have been done.
    Unreachable,
    /// The answer could not be read: the work was done.
    GarbledAnswer,
    /// Another writer was in the way.
    Conflict,
    /// The function's credentials have run out; the next sandbox has new ones.
    CredentialsExpired,
    /// ECS does not show yet what must be there: what it reads from is behind.
    NotYetVisible,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// The IAM action of the call, like `ecs:RegisterTaskDefinition`.
    pub action: &'static str,
    /// What it was called on: an ARN, a family, a key.
    pub resource: String,
    /// The error code that AWS gave, if any. Codes are AWS's own words and safe to show.
    pub code: Option<String>,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
    /// What kept it from succeeding.
    pub cause: Cause,
}

impl CallFailure {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.cause, Cause::Transient(_))
    }

    /// Whether the work may have been done all the same.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match self.cause {
            Cause::Transient(
                Transient::ServerError | Transient::TimedOut | Transient::Unreachable | Transient::GarbledAnswer,
            ) => true,
            Cause::Transient(
                Transient::Throttled | Transient::Conflict | Transient::CredentialsExpired | Transient::NotYetVisible,
            )
            | Cause::AccessDenied { .. }
            | Cause::InvalidParameter
            | Cause::LimitExceeded
            | Cause::Refused => false,
        }
    }

    /// The stable name of the failure, for `errorType`, records and metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match &self.cause {
            Cause::Transient(Transient::Throttled) => "throttled",
            Cause::Transient(Transient::ServerError) => "server_error",
            Cause::Transient(Transient::TimedOut) => "timed_out",
            Cause::Transient(Transient::Unreachable) => "unreachable",
            Cause::Transient(Transient::GarbledAnswer) => "garbled_answer",
            Cause::Transient(Transient::Conflict) => "conflict",
            Cause::Transient(Transient::CredentialsExpired) => "credentials_expired",
            Cause::Transient(Transient::NotYetVisible) => "not_yet_visible",
            Cause::AccessDenied { .. } | Cause::InvalidParameter | Cause::LimitExceeded | Cause::Refused => {
                self.reason().as_str()
            }
        }
    }

    /// The reason with which a run fails because of it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match &self.cause {
            Cause::AccessDenied { .. } => Reason::AccessDenied,
            Cause::InvalidParameter => Reason::InvalidParameter,
            Cause::LimitExceeded => Reason::LimitExceeded,
            Cause::Refused | Cause::Transient(_) => Reason::Refused,
        }
    }

    /// The IAM action that is missing, where one is.
    #[must_use]
    pub fn denied_action(&self) -> Option<&'static str> {
        match self.cause {
            Cause::AccessDenied { action } => Some(action),
            Cause::Transient(_) | Cause::InvalidParameter | Cause::LimitExceeded | Cause::Refused => None,
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} failed: {}", self.action, self.resource, self.category())?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CallFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_retry_heals_and_what_may_be_done_all_the_same() {
        use Transient::{
            Conflict, CredentialsExpired, GarbledAnswer, NotYetVisible, ServerError, Throttled, TimedOut, Unreachable,
        };
        let of = |cause| {
            let (resource, code, request_id) = ("web".to_owned(), None, None);
            let failure = CallFailure { action: "ecs:RegisterTaskDefinition", resource, code, request_id, cause };
            (failure.is_transient(), failure.may_be_done())
        };
        for transient in [ServerError, TimedOut, Unreachable, GarbledAnswer] {
            assert_eq!(of(Cause::Transient(transient)), (true, true), "{transient:?}");
        }
        for transient in [Throttled, Conflict, CredentialsExpired, NotYetVisible] {
            assert_eq!(of(Cause::Transient(transient)), (true, false), "{transient:?}");
        }
        let denied = Cause::AccessDenied { action: "iam:PassRole" };
        for lasting in [denied, Cause::InvalidParameter, Cause::LimitExceeded, Cause::Refused] {
            assert_eq!(of(lasting.clone()), (false, false), "{lasting:?}");
        }
    }
}
