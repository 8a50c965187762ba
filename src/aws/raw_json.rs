//! Bytes in and out of a typed SDK call, and nothing else. The SDK keeps endpoint, credentials, signing, retries and
//! errors; its types never see the document, so they cannot drop what they do not know.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

/// Keeps the bytes of the last attempt's answer, if its status was 200.
///
/// A typed parse can fail after the service did the work: whoever asked looks here, not at the typed result.
#[derive(Debug, Clone, Default)]
pub(super) struct LastAnswer(Arc<Mutex<Option<Vec<u8>>>>);

impl LastAnswer {
    /// The bytes; none if the last attempt was not answered with status 200.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, bytes: Option<Vec<u8>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for LastAnswer {
    fn name(&self) -> &'static str {
        "LastAnswer"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.set(None);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        if response.status().as_u16() == 200 {
            self.set(response.body().bytes().map(<[u8]>::to_vec));
        }
        Ok(())
    }
}

/// Puts `body` in the place of what the SDK's types made. It runs before signing, on each attempt, so the signature
/// covers these bytes.
pub(super) fn put_body(request: &mut HttpRequest, body: &[u8]) {
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}
