//! What the account does, proven through the real SDK clients: each behaviour with the AWS page it comes from.
//! Nothing here is about the guard.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code outside of a #[test]")]
#![expect(clippy::wildcard_enum_match_arm, reason = "an error of another kind fails the test")]

mod ecs;
mod faults;
mod pure;
mod s3;
mod services;
mod signatures;
mod sns;
mod trail;

use std::sync::{Arc, Mutex};

use aws_config::BehaviorVersion;
use aws_sdk_ecs::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_ecs::config::{ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;

use super::account::{Account, Key};

/// The three clients of one principal. They do not retry: each call is one request.
struct Clients {
    ecs: aws_sdk_ecs::Client,
    s3: aws_sdk_s3::Client,
    sns: aws_sdk_sns::Client,
}

impl Clients {
    fn of(account: &Account, principal: &str) -> Self {
        let key = account.state().key_of(principal).clone();
        Self::with(account, &key, "eu-west-1")
    }

    fn with(account: &Account, key: &Key, region: &'static str) -> Self {
        Self::through(plain_http(), account.endpoint(), key, region)
    }

    fn through(http: SharedHttpClient, endpoint: &str, key: &Key, region: &'static str) -> Self {
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(endpoint)
            .credentials_provider(aws_sdk_ecs::config::SharedCredentialsProvider::new(Credentials::new(
                &key.id,
                &key.secret,
                None,
                None,
                "test",
            )))
            .http_client(http)
            .retry_config(RetryConfig::disabled())
            .build();
        Self {
            ecs: aws_sdk_ecs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(
                aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build(),
            ),
            sns: aws_sdk_sns::Client::new(&config),
        }
    }
}

fn plain_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Code and message of a refused call.
#[track_caller]
fn refusal<O: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R>(
    result: Result<O, SdkError<E, R>>,
) -> (String, String) {
    match result.unwrap_err() {
        SdkError::ServiceError(error) => {
            let error = error.into_err();
            (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
        }
        other => panic!("no answer of the service: {other}"),
    }
}

/// Changes the body after it was signed, as somebody between client and service would.
#[derive(Debug)]
struct ChangedAfterSigning(&'static [u8]);

impl Intercept for ChangedAfterSigning {
    fn name(&self) -> &'static str {
        "ChangedAfterSigning"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *context.request_mut().body_mut() = SdkBody::from(self.0);
        context.request_mut().headers_mut().insert("content-length", self.0.len().to_string());
        Ok(())
    }
}

/// Keeps the bytes of the last answer.
#[derive(Debug, Clone, Default)]
struct Answer(Arc<Mutex<String>>);

impl Answer {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Intercept for Answer {
    fn name(&self) -> &'static str {
        "Answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap() = String::from_utf8_lossy(bytes).into_owned();
        Ok(())
    }
}

/// Registers this very text, past the typed client's members. The raw answer, or code and message.
async fn register(client: &aws_sdk_ecs::Client, input: &str) -> Result<String, (String, String)> {
    let (answer, body) = (Answer::default(), input.to_owned());
    let result = client
        .register_task_definition()
        .customize()
        .mutate_request(move |request| {
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body.as_str());
        })
        .interceptor(answer.clone())
        .send()
        .await;
    match result {
        // The typed client cannot read every text that ECS may answer; the bytes are there all the same.
        Ok(_) | Err(SdkError::ResponseError(_)) => Ok(answer.text()),
        Err(_) => Err(refusal(result)),
    }
}

/// Describes with tags. The raw answer, or code and message.
async fn describe(client: &aws_sdk_ecs::Client, name: &str) -> Result<String, (String, String)> {
    let answer = Answer::default();
    let request =
        client.describe_task_definition().task_definition(name).include(aws_sdk_ecs::types::TaskDefinitionField::Tags);
    let result = request.customize().interceptor(answer.clone()).send().await;
    match result {
        // The typed client cannot read every text that ECS may answer; the bytes are there all the same.
        Ok(_) | Err(SdkError::ResponseError(_)) => Ok(answer.text()),
        Err(_) => Err(refusal(result)),
    }
}

/// A definition with one container, privileged or not.
fn definition(family: &str, privileged: bool) -> String {
    format!(
        r#"{{"family":"{family}","containerDefinitions":[{{"name":"app","image":"app:1","memory":128,"privileged":{privileged}}}]}}"#
    )
}
