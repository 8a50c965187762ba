//! An AWS account in the process: ECS, S3 and SNS as their documentation describes them, for the real SDK clients.
//! All rules are in [`State`], which is pure: it can be driven without a socket. This handle puts it on the wire.

#![allow(dead_code, unused_imports, reason = "each test target uses another part of the account")]
#![allow(unreachable_pub, reason = "the module is shared by test targets, each of which is a crate of its own")]
#![allow(clippy::expect_used, reason = "test code outside of a #[test]; the account itself never fails on a request")]
#![allow(clippy::wildcard_enum_match_arm, reason = "most rules are about one status or fault and let the others be")]

pub mod calls;
mod chunks;
pub mod faults;
pub mod http;
pub mod in_process;
mod sigv4;
pub mod state;
pub mod trail;
pub mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::calls::{Call, Seen, Service};
pub use self::faults::{Calls, Fault, Kind};
pub use self::sigv4::Key;
pub use self::state::{GUARD, OPERATOR, PIPELINE, State};
use self::wire::Server;

/// An account that listens.
pub struct Account {
    state: Arc<Mutex<State>>,
    endpoint: String,
    _server: Server,
}

impl Account {
    /// An empty account, in `eu-west-1`, on a free port.
    pub async fn start() -> Self {
        Self::serve(State::default()).await
    }

    /// This account, on a free port.
    pub async fn serve(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| {
            let state = Arc::clone(&shared);
            async move {
                let arrival = lock(&state).arrive(&request);
                tokio::time::sleep(arrival.delay).await;
                let reply = lock(&state).answer(&request, arrival);
                tokio::time::sleep(reply.delay).await;
                reply.response
            }
        })
        .await;
        Self { state, endpoint: format!("http://{}", server.address()), _server: server }
    }

    /// The URL of all its services.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The environment in which a function of this account runs as that principal.
    pub fn environment(&self, principal: &str) -> Vec<(String, String)> {
        let state = self.state();
        let key = state.key_of(principal);
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_REGION", &state.home.region),
            // Lambda sets both; Python's clients read only this one.
            ("AWS_DEFAULT_REGION", &state.home.region),
            ("AWS_ACCESS_KEY_ID", &key.id),
            ("AWS_SECRET_ACCESS_KEY", &key.secret),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .to_vec()
    }

    /// The account's inside: questions, set-up past the wire, faults. Do not hold it across a call.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A panic in one test's hook must not hide the state from its assertions.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
