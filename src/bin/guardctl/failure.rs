//! A call that failed, for whoever typed the command: what was tried, on what, and what to do now. Where a permission is
//! missing that is the statement to add.

use ecs_privileged_guard::domain::alert::statement_for;
use ecs_privileged_guard::domain::failure::{CallFailure, Cause, Transient};

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Codes of a signature that AWS does not know: the keys are not, or not any more, of the account.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html>
const NOT_KNOWN: [&str; 6] = [
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
/// Codes of S3 for a bucket that is elsewhere: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
const ELSEWHERE: [&str; 3] =
    ["AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"];

/// What could not be done, and why.
pub(crate) fn trouble(what: impl Into<String>, failure: &CallFailure) -> Trouble {
    trouble_passing(what, failure, &[])
}

/// The same where these roles would have been passed to what was registered.
pub(crate) fn trouble_passing(what: impl Into<String>, failure: &CallFailure, roles: &[String]) -> Trouble {
    let code = failure.code.as_deref().unwrap_or_default();
    let (exit, hint) = match &failure.cause {
        Cause::AccessDenied { action } => {
            let statement = statement_for(action, &failure.resource, roles);
            (Exit::Denied, format!("your role needs this statement: {statement}"))
        }
        Cause::Transient(Transient::CredentialsExpired) => {
            (Exit::Denied, "the session has ended: sign in again (aws sso login)".to_owned())
        }
        _ if NOT_KNOWN.contains(&code) => {
            let hint = "AWS does not know these credentials: aws sts get-caller-identity says whose they are";
            (Exit::Denied, hint.to_owned())
        }
        _ if ELSEWHERE.contains(&code) => (Exit::Failed, "it is in another Region: --region".to_owned()),
        Cause::Transient(Transient::Unreachable | Transient::TimedOut) => {
            (Exit::Failed, "nothing answers there: the network, --region and --endpoint-url decide that".to_owned())
        }
        Cause::Transient(_) => (Exit::Failed, "it may work later: try again".to_owned()),
        Cause::Refused if code == "ResourceNotFoundException" => {
            (Exit::Failed, "there is no such function: --stack or --function, and --region".to_owned())
        }
        Cause::Refused if code == "NoSuchBucket" => {
            (Exit::Failed, "--stack or --bucket, and --region, say which bucket it is".to_owned())
        }
        Cause::InvalidParameter | Cause::LimitExceeded | Cause::Refused => {
            (Exit::Failed, "aws sts get-caller-identity says who is signed in, and where".to_owned())
        }
    };
    Trouble::new(exit, what).because(failure).hint(hint)
}
