//! The guard without sockets: the real clients joined to the in-process account by a function call, on a clock that
//! jumps over its waits. What is judged at the end is what is in the account.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use ecs_privileged_guard::aws::{Clock, Places, Wiring, connect};
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::document::OutputOnly;
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::outcome::Answer;
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::reconcile::{Guard, Texts};

use super::account::{GUARD, OPERATOR, PIPELINE, State, in_process};
use super::story::{BUCKET, PRIVILEGED};

/// More turns than a call needs, with its credentials, its body and its signature.
pub(crate) const PATIENCE: usize = 200;

pub(crate) type Shared = Arc<Mutex<State>>;

pub(crate) fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account's time; whoever waits moves it.
#[derive(Clone)]
struct Jumping(Shared);

impl std::fmt::Debug for Jumping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jumping")
    }
}

impl TimeSource for Jumping {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(lock(&self.0).now).unwrap()
    }
}

impl AsyncSleep for Jumping {
    fn sleep(&self, duration: Duration) -> Sleep {
        let state = Arc::clone(&self.0);
        Sleep::new(async move {
            // A time-out races with its call, which answers as soon as it is asked: it is asked often enough first.
            for _ in 0..PATIENCE {
                tokio::task::yield_now().await;
            }
            lock(&state).pass(duration);
        })
    }
}

pub(crate) const EXEMPTION: &str = "exemptions/111122223333/eu-west-1/web.json";
pub(crate) const BACKUP: &str = "backups/111122223333/eu-west-1/web/1.json";
pub(crate) const RECORD: &str = "records/111122223333/eu-west-1/web/1.json";

pub(crate) fn exempt_until(state: &mut State, days: i64) {
    let end = state.now + jiff::SignedDuration::from_hours(24 * days);
    let text = format!(r#"{{"containers":["app"],"reason":"r","approvedBy":"a","expiresAt":"{end}"}}"#);
    state.put_object(OPERATOR, BUCKET, EXEMPTION, text.as_bytes());
}

pub(crate) fn newer(state: &State, number: usize) -> bool {
    state.ecs.revision(&format!("web:{number}")).is_some_and(|revision| revision.input.to_json().contains("app:2"))
}

pub(crate) struct World {
    pub(crate) state: Shared,
    pub(crate) guard: Guard,
    pub(crate) event: String,
}

impl World {
    pub(crate) async fn of(mode: Mode, set_up: impl FnOnce(&mut State)) -> Self {
        let mut state = State::default();
        state.s3.bucket(BUCKET);
        let topic = state.topic("alerts");
        state.register(PIPELINE, PRIVILEGED);
        let event = state.trail()[0].clone();
        set_up(&mut state);
        state.forget_calls();
        let key = state.key_of(GUARD).clone();
        let state = Arc::new(Mutex::new(state));
        let home = Home::new("eu-west-1", "111122223333").unwrap();
        let jumping = Jumping(Arc::clone(&state));
        let wiring = Wiring {
            http: in_process::client(Arc::clone(&state)),
            clock: Clock::new(jumping.clone(), jumping),
            credentials: SharedCredentialsProvider::new(Credentials::new(key.id, key.secret, None, None, "test")),
            pace: None,
        };
        let places = Places {
            home: home.clone(),
            bucket: BUCKET.into(),
            topic,
            topic_region: "eu-west-1".into(),
            path_style: true,
        };
        let policy = Policy {
            mode,
            remediate_families: FamilyGlobs::new(["*"]).unwrap(),
            exempt_families: FamilyGlobs::default(),
            output_only: OutputOnly::default(),
            owner_tag_keys: Vec::new(),
            guard_roles: vec!["guard-role".parse().unwrap()],
        };
        let texts = Texts { bucket: BUCKET.into(), ..Texts::default() };
        Self { guard: Guard { aws: connect(places, wiring).await, policy, home, texts }, state, event }
    }

    /// One delivery.
    pub(crate) async fn deliver(&self) -> Result<Answer, String> {
        let Event::Look { subject, provenance } = parse(&self.event, &self.guard.home).unwrap() else { panic!("look") };
        let deadline = self.guard.aws.clock.now() + Duration::from_mins(2);
        let concluded = self.guard.look(&subject, &provenance, deadline).await;
        concluded.map(|concluded| concluded.answer).map_err(|error| error.category().to_owned())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What is ACTIVE, by who registered it and with which image and privilege: numbers may differ.
    pub(crate) fn shape(&self) -> Vec<(bool, bool, bool)> {
        let state = self.state();
        let active = state.ecs.active("web");
        let of = |number: usize| {
            let revision = state.ecs.revision(&format!("web:{number}")).unwrap();
            (revision.registered_by.contains("guard-role"), revision.is_privileged(), newer(&state, number))
        };
        active.into_iter().map(of).collect()
    }
}
