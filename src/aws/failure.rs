//! An SDK error becomes a `CallFailure`: the one home of "can a retry heal it". SDK errors go no further than this
//! folder, since their Debug and Display hold what was sent and received.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::domain::failure::{CallFailure, Cause, Transient};

/// Which call it was.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The IAM action.
    pub(super) action: &'static str,
    /// What it was called on.
    pub(super) resource: String,
}

/// The call, for its failure.
pub(super) fn call(action: &'static str, resource: impl Into<String>) -> Call {
    Call { action, resource: resource.into() }
}

impl Call {
    /// A failure that is not the service's word: nothing came back, or nothing that can be read.
    pub(super) fn transient(self, kind: Transient) -> CallFailure {
        self.failed(None, None, Cause::Transient(kind))
    }

    /// A refusal that a retry cannot heal and that has no more precise name.
    pub(super) fn refused(self) -> CallFailure {
        self.failed(None, None, Cause::Refused)
    }

    /// A permission that is missing by what an answer says, which is no error of the SDK's.
    pub(super) fn denied(self, action: &'static str) -> CallFailure {
        self.failed(None, None, Cause::AccessDenied { action })
    }

    fn failed(self, code: Option<String>, request_id: Option<String>, cause: Cause) -> CallFailure {
        let Self { action, resource } = self;
        CallFailure { action, resource, code, request_id, cause }
    }

    /// What the SDK's error means.
    pub(super) fn failure<E: ProvideErrorMetadata>(self, error: &SdkError<E, HttpResponse>) -> CallFailure {
        match error {
            SdkError::TimeoutError(_) => self.transient(Transient::TimedOut),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => self.transient(Transient::TimedOut),
            SdkError::DispatchFailure(_) => self.transient(Transient::Unreachable),
            SdkError::ResponseError(_) => self.transient(Transient::GarbledAnswer),
            SdkError::ServiceError(error) => {
                let status = error.raw().status().as_u16();
                let meta = error.err().meta();
                let cause = cause(self.action, status, meta.code(), meta.message().unwrap_or_default());
                let header = |name| error.raw().headers().get(name).map(str::to_owned);
                let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
                self.failed(meta.code().map(plain), request_id.as_deref().map(plain), cause)
            }
            // The request could not even be built: credentials or settings are missing.
            SdkError::ConstructionFailure(_) | _ => self.refused(),
        }
    }
}

/// Codes and request ids are AWS's words, but they come over the wire.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.=/+".contains(*c)).take(100).collect()
}

/// The meaning of an answer that is an error. The message is looked at here and shown nowhere.
///
/// - Throttling of ECS is HTTP 400 `ThrottlingException`:
///   <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>
/// - `ClientException` covers much; "Too many concurrent attempts to create a new revision of the specified family"
///   heals by itself: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
/// - 409 of a conditional write is to be repeated:
///   <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
fn cause(action: &'static str, status: u16, code: Option<&str>, message: &str) -> Cause {
    match (code.unwrap_or_default(), status) {
        ("ThrottlingException" | "Throttling" | "ThrottledException" | "Throttled" | "TooManyRequestsException", _)
        | ("RequestLimitExceeded" | "SlowDown" | "RequestThrottled" | "KMSThrottling" | "KMSThrottlingException", _)
        | (_, 429) => Cause::Transient(Transient::Throttled),
        ("ExpiredToken" | "ExpiredTokenException" | "RequestExpired", _) => {
            Cause::Transient(Transient::CredentialsExpired)
        }
        ("RequestTimeout" | "RequestTimeoutException", _) => Cause::Transient(Transient::TimedOut),
        // Not implemented: an endpoint that is not AWS.
        (_, 501) => Cause::Refused,
        (_, 500..) => Cause::Transient(Transient::ServerError),
        ("ServerException" | "InternalError" | "InternalFailure" | "ServiceUnavailable", _) => {
            Cause::Transient(Transient::ServerError)
        }
        ("ConditionalRequestConflict" | "OperationAborted" | "UpdateInProgressException", _) | (_, 409) => {
            Cause::Transient(Transient::Conflict)
        }
        ("ClientException", _) if message.contains("Too many concurrent attempts") => {
            Cause::Transient(Transient::Conflict)
        }
        ("LimitExceededException" | "LimitExceeded", _) => Cause::LimitExceeded,
        ("InvalidParameterException" | "InvalidParameter" | "InvalidParameterValue" | "ValidationException", _)
        | ("ValidationError" | "InvalidArgument" | "InvalidRequest", _) => Cause::InvalidParameter,
        ("SignatureDoesNotMatch" | "InvalidSignatureException" | "UnrecognizedClientException", _)
        | ("InvalidClientTokenId" | "InvalidAccessKeyId", _) => Cause::Refused,
        ("AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "AuthorizationErrorException", _)
        | ("KMSAccessDenied" | "KMSAccessDeniedException", _)
        | (_, 403) => Cause::AccessDenied { action: denied_action(message).unwrap_or(action) },
        (_, 400) if message.contains("is not authorized to perform") => {
            Cause::AccessDenied { action: denied_action(message).unwrap_or(action) }
        }
        _ => Cause::Refused,
    }
}

/// Actions that AWS may name in the place of the one that was called.
const ACTIONS_BEHIND_A_CALL: [&str; 5] =
    ["iam:PassRole", "ecs:TagResource", "kms:GenerateDataKey", "kms:Decrypt", "s3:ListBucket"];

fn denied_action(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let named = rest.split_whitespace().next()?;
    ACTIONS_BEHIND_A_CALL.into_iter().find(|action| *action == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, message: &str, expected: &Cause) {
        assert_eq!(cause("ecs:RegisterTaskDefinition", status, Some(code), message), *expected, "{status} {code}");
    }

    #[test]
    fn what_a_retry_can_heal_is_transient() {
        let concurrent = "Too many concurrent attempts to create a new revision of the specified family.";
        for (status, code, message, kind) in [
            (400, "ThrottlingException", "Rate exceeded", Transient::Throttled),
            (503, "SlowDown", "Please reduce your request rate.", Transient::Throttled),
            (500, "ServerException", "", Transient::ServerError),
            (502, "", "", Transient::ServerError),
            (400, "ClientException", concurrent, Transient::Conflict),
            (409, "ConditionalRequestConflict", "", Transient::Conflict),
            (400, "ExpiredTokenException", "", Transient::CredentialsExpired),
            (403, "ExpiredToken", "", Transient::CredentialsExpired),
        ] {
            check(status, code, message, &Cause::Transient(kind));
        }
    }

    #[test]
    fn what_a_retry_cannot_heal_has_a_name() {
        check(400, "LimitExceededException", "", &Cause::LimitExceeded);
        check(400, "InvalidParameterException", "", &Cause::InvalidParameter);
        check(400, "ClientException", "Tags can not be empty.", &Cause::Refused);
        check(403, "InvalidSignatureException", "", &Cause::Refused);
        check(400, "AccessDeniedException", "", &Cause::AccessDenied { action: "ecs:RegisterTaskDefinition" });
    }

    #[test]
    fn the_action_that_is_missing_is_the_one_that_aws_names_if_we_know_it() {
        let denied = |action: &str| {
            format!("User: arn:aws:sts::1:assumed-role/g/g is not authorized to perform: {action} on resource: x")
        };
        check(400, "AccessDeniedException", &denied("iam:PassRole"), &Cause::AccessDenied { action: "iam:PassRole" });
        check(400, "ClientException", &denied("iam:PassRole"), &Cause::AccessDenied { action: "iam:PassRole" });
        let own = Cause::AccessDenied { action: "ecs:RegisterTaskDefinition" };
        check(400, "AccessDeniedException", &denied("<script>"), &own);
    }
}
