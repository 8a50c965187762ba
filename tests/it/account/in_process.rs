//! An HTTP client for the SDK whose network is a function call: the pure account without a socket.
//! A delay lasts for ever here, since time moves only where somebody waits: the caller's time-out ends it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;

use super::http::{Request, Response};
use super::state::State;

/// A client whose requests end in this state. Any endpoint will do.
pub fn client(state: Arc<Mutex<State>>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess(state));
    http_client_fn(move |_, _| connector.clone())
}

struct InProcess(Arc<Mutex<State>>);

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let state = Self(Arc::clone(&self.0));
        HttpConnectorFuture::new(async move {
            let request = received(request).await?;
            if state.lock().begins_to_wait(&request) {
                while state.lock().is_held {
                    tokio::task::yield_now().await;
                }
            }
            match state.answer(&request) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

impl InProcess {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing: no answer ever.
    fn answer(&self, request: &Request) -> Option<Result<HttpResponse, ConnectorError>> {
        let mut state = self.lock();
        let now = state.now;
        state.killed |= state.ends.is_some_and(|end| now >= end);
        if state.killed {
            return None;
        }
        let arrival = state.arrive(request);
        if !arrival.delay.is_zero() {
            return None;
        }
        let reply = state.answer(request, arrival);
        let is_heard = !state.killed && reply.delay.is_zero();
        is_heard.then(|| sent(reply.response, reply.unreachable))
    }
}

/// As a client would have read it. Nothing: the connection breaks, or nobody listens.
pub fn sent(response: Option<Response>, is_refused: bool) -> Result<HttpResponse, ConnectorError> {
    let error = match is_refused {
        true => io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens, on purpose"),
        false => io::Error::new(io::ErrorKind::ConnectionReset, "the connection breaks on purpose"),
    };
    let response = response.ok_or_else(|| ConnectorError::io(error.into()))?;
    let status = response.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(response.body));
    for (name, value) in response.headers {
        answer.headers_mut().append(name, value);
    }
    Ok(answer)
}

/// As a server would have read it. A body may be made while it is sent: with a checksum at its end.
pub async fn received(mut request: HttpRequest) -> Result<Request, ConnectorError> {
    let body = request.take_body().collect().await.map_err(|error| ConnectorError::other(error, None))?;
    let uri = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
    let (host, target) = uri.split_at(uri.find(['/', '?']).unwrap_or(uri.len()));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = request.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Ok(Request {
        method: request.method().to_owned(),
        path: if path.is_empty() { "/" } else { path }.to_owned(),
        query: query.to_owned(),
        headers: headers.chain([("host".to_owned(), host.to_owned())]).collect(),
        body: body.to_bytes().to_vec(),
    })
}
