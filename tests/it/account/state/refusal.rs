//! An error as the services answer it: a status, a code, a message, and how each protocol writes them.
//! It does not decide who is refused.

use serde_json::json;

use super::super::calls::Service;
use super::super::http::{Response, xml};
use super::super::sigv4::Forgery;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    /// An error with that HTTP status, code and message.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// ECS's error for nearly everything.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new(400, "ClientException", message)
    }

    /// A parameter that ECS does not accept.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterException", message)
    }

    /// In the service's protocol: awsJson1.1 for ECS, bare XML for S3, query XML for SNS.
    pub fn response(&self, service: Service, request_id: &str) -> Response {
        let (code, message) = (xml(&self.code), xml(&self.message));
        match service {
            Service::Ecs => {
                let body = json!({"__type": self.code, "message": self.message}).to_string();
                Response::new(self.status, body)
                    .with("content-type", "application/x-amz-json-1.1")
                    .with("x-amzn-errortype", &self.code)
                    .with("x-amzn-requestid", request_id)
            }
            Service::S3 => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
                     <RequestId>{request_id}</RequestId><HostId>account</HostId></Error>"
                );
                Response::new(self.status, body)
                    .with("content-type", "application/xml")
                    .with("x-amz-request-id", request_id)
            }
            Service::Sns => {
                let kind = if self.status < 500 { "Sender" } else { "Receiver" };
                let body = format!(
                    "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{kind}</Type>\
                     <Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
                );
                Response::new(self.status, body).with("content-type", "text/xml").with("x-amzn-requestid", request_id)
            }
        }
    }
}

/// How each service refuses whom it does not know. AWS's own statuses differ here and there; all are 403 but S3's 400.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>
pub(super) fn forged(service: Service, forgery: Forgery) -> Refusal {
    let mismatch = "The request signature we calculated does not match the signature you provided.";
    let unknown = "The security token included in the request is invalid.";
    let scope = "Credential should be scoped to a valid region and to this service.";
    let (status, code, message) = match (service, forgery) {
        (_, Forgery::Malformed) if service == Service::S3 => (403, "AccessDenied", "Access Denied"),
        (_, Forgery::Malformed) => (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (Service::Ecs, Forgery::UnknownKey) => (403, "UnrecognizedClientException", unknown),
        (Service::S3, Forgery::UnknownKey) => (403, "InvalidAccessKeyId", unknown),
        (Service::Sns, Forgery::UnknownKey) => (403, "InvalidClientTokenId", unknown),
        (Service::Ecs, Forgery::WrongScope) => (403, "InvalidSignatureException", scope),
        (Service::S3, Forgery::WrongScope) => (400, "AuthorizationHeaderMalformed", scope),
        (Service::Sns, Forgery::WrongScope) => (403, "SignatureDoesNotMatch", scope),
        (Service::S3, Forgery::UnsignedHeader) => {
            (403, "AccessDenied", "There were headers present which were not signed")
        }
        (Service::S3, Forgery::ChangedBody) => (
            403,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ),
        (Service::Ecs, _) => (403, "InvalidSignatureException", mismatch),
        (Service::S3 | Service::Sns, _) => (403, "SignatureDoesNotMatch", mismatch),
    };
    Refusal::new(status, code, message)
}
