//! An AWS account in the process: ECS, S3 and SNS as their documentation describes them, for the real SDK clients.
//! All rules are in [`State`], which is pure: it can be driven without a socket. This handle puts it on the wire.

#![allow(dead_code, unused_imports, reason = "each test target uses another part of the account")]
#![allow(unreachable_pub, reason = "the module is shared by test targets, each of which is a crate of its own")]
#![allow(clippy::expect_used, reason = "test code outside of a #[test]; the account itself never fails on a request")]
#![allow(clippy::wildcard_enum_match_arm, reason = "most rules are about one status or fault and let the others be")]

mod call_log;
pub mod calls;
mod chunks;
pub mod faults;
pub mod http;
pub mod in_process;
pub mod permissions;
pub mod sigv4;
pub mod state;
pub mod trail;
pub mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_rustls::TlsAcceptor;

pub use self::calls::{Call, Seen, Service};
pub use self::faults::{Calls, Fault, Kind};
pub use self::sigv4::Key;
pub use self::state::{BACKOUT, GUARD, OPERATOR, PIPELINE, SWEEP, State};
use self::wire::Server;

/// An account that listens.
pub struct Account {
    state: Arc<Mutex<State>>,
    /// The SDK's variable of each address, and the address.
    endpoints: Vec<(&'static str, String)>,
    _servers: Vec<Server>,
}

impl Account {
    /// An empty account, in `eu-west-1`, on a free port.
    pub async fn start() -> Self {
        Self::serve(State::default()).await
    }

    /// This account, on a free port.
    pub async fn serve(state: State) -> Self {
        Self::listen(state, None, &["AWS_ENDPOINT_URL"]).await
    }

    /// This account over TLS, each service under an address of its own, as on AWS.
    pub async fn serve_tls(state: State, tls: TlsAcceptor) -> Self {
        let variables = ["AWS_ENDPOINT_URL_ECS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SNS"];
        Self::listen(state, Some(tls), &variables).await
    }

    async fn listen(state: State, tls: Option<TlsAcceptor>, variables: &[&'static str]) -> Self {
        let state = Arc::new(Mutex::new(state));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (mut endpoints, mut servers) = (Vec::new(), Vec::new());
        for variable in variables {
            let shared = Arc::clone(&state);
            let server = Server::start_with(tls.clone(), move |request| {
                let state = Arc::clone(&shared);
                async move {
                    let arrival = lock(&state).arrive(&request);
                    wait(arrival.delay).await;
                    let reply = lock(&state).answer(&request, arrival);
                    wait(reply.delay).await;
                    reply.response
                }
            })
            .await;
            endpoints.push((*variable, format!("{scheme}://{}", server.address())));
            servers.push(server);
        }
        Self { state, endpoints, _servers: servers }
    }

    /// The URL of all its services, or of the first.
    pub fn endpoint(&self) -> &str {
        &self.endpoints[0].1
    }

    /// The environment in which a function of this account runs as that principal.
    pub fn environment(&self, principal: &str) -> Vec<(String, String)> {
        let state = self.state();
        let key = state.key_of(principal);
        [
            ("AWS_REGION", &state.home.region),
            // Lambda sets both; Python's clients read only this one.
            ("AWS_DEFAULT_REGION", &state.home.region),
            ("AWS_ACCESS_KEY_ID", &key.id),
            ("AWS_SECRET_ACCESS_KEY", &key.secret),
        ]
        .into_iter()
        .chain(self.endpoints.iter().map(|(variable, url)| (*variable, url)))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
    }

    /// What answers a request that came in by another door.
    pub fn door(&self) -> impl Fn(&http::Request) -> http::Response + Send + Sync + use<> {
        let state = Arc::clone(&self.state);
        move |request| lock(&state).handle(request).response.unwrap_or_else(|| http::Response::new(500, ""))
    }

    /// The account's inside: questions, set-up past the wire, faults. Do not hold it across a call.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// The timer's grain is a millisecond, so no time at all would be one.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// A panic in one test's hook must not hide the state from its assertions.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
