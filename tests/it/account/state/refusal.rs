//! An error as the services answer it: a status, a code, a message, and how each protocol writes them.
//! It does not decide who is refused, or why.

use serde_json::json;

use super::super::calls::Service;
use super::super::http::{Response, xml};

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
