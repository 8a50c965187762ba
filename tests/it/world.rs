//! The guard without sockets: the real clients joined to the in-process account by a function call, on a clock that
//! jumps over its waits. What is judged at the end is what is in the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use ecs_privileged_guard::aws::{Clock, Pace, Places, Wiring, connect};
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::backout;
use ecs_privileged_guard::domain::document::OutputOnly;
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::outcome::{Answer, Outcome};
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::reconcile::{Concluded, Guard, Said, SweepAnswer, Swept, Texts};
use jiff::Timestamp;

use super::account::{BACKOUT, GUARD, OPERATOR, PIPELINE, SWEEP, State, in_process};
use super::story::BUCKET;

/// More turns than a call needs, with its credentials, its body and its signature.
pub(crate) const PATIENCE: usize = 30;

pub(crate) type Shared = Arc<Mutex<State>>;

pub(crate) fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account's time. When nothing else goes on, it jumps to the end of the shortest wait that somebody is in.
#[derive(Clone)]
struct Jumping {
    state: Shared,
    /// The end of each wait, under a number of its own.
    waits: Arc<Mutex<BTreeMap<u64, Timestamp>>>,
}

impl std::fmt::Debug for Jumping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jumping")
    }
}

impl TimeSource for Jumping {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(lock(&self.state).now).unwrap()
    }
}

impl AsyncSleep for Jumping {
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Sleep::new(async move {
            let wait = Wait::begin(&clock, duration);
            // A time-out races with its call, which answers as soon as it is asked: it is asked often enough first.
            let (mut quiet, mut before) = (0, clock.progress());
            while before.1 < wait.end {
                if quiet >= PATIENCE && wait.is_first() {
                    lock(&clock.state).now = wait.end;
                    return;
                }
                tokio::task::yield_now().await;
                let progress = clock.progress();
                quiet = if progress == before { quiet + 1 } else { 0 };
                before = progress;
            }
        })
    }
}

impl Jumping {
    fn progress(&self) -> (u64, Timestamp) {
        let state = lock(&self.state);
        (state.requests(), state.now)
    }

    fn waits(&self) -> MutexGuard<'_, BTreeMap<u64, Timestamp>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait that somebody is in; nobody is, once it is dropped.
struct Wait<'a> {
    clock: &'a Jumping,
    number: u64,
    end: Timestamp,
}

impl<'a> Wait<'a> {
    fn begin(clock: &'a Jumping, duration: Duration) -> Self {
        let end = lock(&clock.state).now + duration;
        let mut waits = clock.waits();
        let number = waits.last_key_value().map_or(0, |(last, _)| last + 1);
        waits.insert(number, end);
        Self { clock, number, end }
    }

    fn is_first(&self) -> bool {
        self.clock.waits().values().all(|end| self.end <= *end)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.clock.waits().remove(&self.number);
    }
}

const TOPIC: &str = "alerts";
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

/// The guard of the account, wired as one likes.
pub(crate) async fn guard(mode: Mode, topic: String, wiring: Wiring) -> Guard {
    let home = Home::new("eu-west-1", "111122223333").unwrap();
    let places =
        Places { home: home.clone(), bucket: BUCKET.into(), topic, topic_region: "eu-west-1".into(), path_style: true };
    let policy = Policy {
        mode,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: Vec::new(),
        guard_roles: vec!["guard-role".parse().unwrap(), "sweep-role".parse().unwrap()],
        apply_roles: Vec::new(),
        settle: jiff::SignedDuration::from_mins(60),
    };
    let texts = Texts { bucket: BUCKET.into(), ..Texts::default() };
    Guard { aws: connect(places, wiring).await, policy, home, texts, usage: None, listed: Arc::default() }
}

/// As a principal of the account.
fn wiring(state: &Shared, principal: &str, pace: fn(&Clock) -> Pace) -> Wiring {
    let key = lock(state).key_of(principal).clone();
    let jumping = Jumping { state: Arc::clone(state), waits: Arc::default() };
    let clock = Clock::new(jumping.clone(), jumping);
    Wiring {
        http: in_process::client(Arc::clone(state)),
        pace: pace(&clock),
        clock,
        credentials: SharedCredentialsProvider::new(Credentials::new(key.id, key.secret, None, None, "test")),
    }
}

/// What one delivery came to, and what it left behind.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) answer: Result<Said, String>,
    /// How many alerts were published meanwhile.
    pub(crate) alerts: usize,
    /// Everything that Lambda was told, as text.
    pub(crate) said: String,
    /// How many calls the guard had made by then.
    pub(crate) calls: usize,
}

pub(crate) struct World {
    pub(crate) state: Shared,
    pub(crate) guard: Guard,
    pub(crate) event: String,
    deliveries: Mutex<Vec<Delivered>>,
}

impl World {
    /// An account in which somebody has registered this original, of the family `web`, and what else the set-up says.
    pub(crate) async fn with(mode: Mode, original: &str, set_up: impl FnOnce(&mut State)) -> Self {
        let mut state = State::default();
        state.s3.bucket(BUCKET);
        state.mode = Some(mode.as_str().to_owned());
        let topic = state.topic(TOPIC);
        state.register(PIPELINE, original);
        let event = state.trail()[0].clone();
        set_up(&mut state);
        state.forget_calls();
        Self { event, ..Self::resumed(mode, state, topic).await }
    }

    /// Another world in the state in which this one is now.
    pub(crate) async fn again(&self) -> Self {
        let mut state = self.state().clone();
        let topic = state.topic(TOPIC);
        Self { event: self.event.clone(), ..Self::resumed(self.guard.policy.mode, state, topic).await }
    }

    async fn resumed(mode: Mode, state: State, topic: String) -> Self {
        let state = Arc::new(Mutex::new(state));
        Self {
            guard: guard(mode, topic, wiring(&state, GUARD, Pace::unlimited)).await,
            state,
            event: String::new(),
            deliveries: Mutex::default(),
        }
    }

    /// Does something else, all of it, before that call of a sweep that runs.
    pub(crate) async fn meanwhile<T>(
        &self,
        sweep: impl Future<Output = T>,
        call: usize,
        other: impl Future<Output = ()>,
    ) -> T {
        self.state().holds = Some((SWEEP, call));
        let mut sweep = std::pin::pin!(sweep);
        let ended = std::future::poll_fn(|context| match sweep.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.state().is_held => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        let ends = self.state().ends;
        self.state().holds = None;
        other.await;
        {
            let mut state = self.state();
            (state.is_held, state.ends) = (false, ends);
        }
        match ended {
            Some(ended) => ended,
            None => sweep.await,
        }
    }

    /// An operator asks backout for something: the answer, or why there is none.
    pub(crate) async fn back_out(&self, request: &str) -> Result<backout::answer::Answer, String> {
        let topic = self.state().topic(TOPIC);
        let mut backout = guard(self.guard.policy.mode, topic, wiring(&self.state, BACKOUT, Pace::of_backout)).await;
        backout.texts.function = Some("function".into());
        let request = backout::request::Request::read(request, &backout.home).unwrap().unwrap();
        let deadline = backout.aws.clock.now() + Duration::from_mins(2);
        {
            let mut state = self.state();
            (state.killed, state.ends) = (false, Some(deadline));
        }
        let run = self.unless_killed(backout.back_out(&request, deadline)).await;
        run.map_or_else(|| Err("killed".to_owned()), |ended| ended.map_err(|error| error.category().to_owned()))
    }

    /// One sweep, by a function of 15 minutes: its answer, or why there is none.
    pub(crate) async fn sweep(&self) -> Result<SweepAnswer, String> {
        self.sweep_with(|_| {}).await
    }

    /// The same under another policy.
    pub(crate) async fn sweep_with(&self, change: impl FnOnce(&mut Policy)) -> Result<SweepAnswer, String> {
        self.sweep_within(Duration::from_mins(15), change).await.map(|swept| swept.answer)
    }

    /// The same in another time.
    pub(crate) async fn sweep_within(&self, time: Duration, change: impl FnOnce(&mut Policy)) -> Result<Swept, String> {
        let topic = self.state().topic(TOPIC);
        let mut sweep = guard(self.guard.policy.mode, topic, wiring(&self.state, SWEEP, Pace::of_sweep)).await;
        sweep.texts.backout_function = Some("ecs-guard-backout".into());
        change(&mut sweep.policy);
        let deadline = sweep.aws.clock.now() + time;
        {
            let mut state = self.state();
            (state.killed, state.ends) = (false, Some(deadline));
        }
        let run = self.unless_killed(sweep.sweep(deadline)).await;
        run.map_or_else(|| Err("killed".to_owned()), |ended| ended.map_err(|error| error.category().to_owned()))
    }

    /// What a run comes to; none if its process is killed before that.
    async fn unless_killed<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        let mut run = std::pin::pin!(run);
        std::future::poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.state().killed => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// The text of the last alert, as a mail.
    pub(crate) fn mail(&self) -> String {
        self.state().sns.messages().last().expect("an alert").delivery("email").body
    }

    /// One delivery, to a process that Lambda kills after two minutes.
    pub(crate) async fn deliver(&self) -> Result<Answer, String> {
        match self.hand_over(&self.event).await? {
            Said::Revision(answer) => Ok(answer),
            Said::Service(answer) => panic!("a registration is about a revision: {answer:?}"),
        }
    }

    /// One delivery of any event.
    pub(crate) async fn hand_over(&self, event: &str) -> Result<Said, String> {
        let (subject, provenance) = match parse(event, &self.guard.home).unwrap() {
            Event::Look { subject, provenance, .. } => (subject, provenance),
            Event::NotOurs { .. } => return Ok(Concluded::not_ours(None).said),
            Event::Compliant { id, .. } => return Ok(Concluded::silent(Outcome::Compliant, Some(id.to_string())).said),
            Event::FailedCall { task_definition, .. } => {
                return Ok(Concluded::silent(Outcome::FailedRegistration, task_definition).said);
            }
        };
        let (end, alerts_before) = {
            let mut state = self.state();
            let end = state.now + Duration::from_mins(2);
            (state.killed, state.ends) = (false, Some(end));
            (end, state.sns.messages().len())
        };
        let ended = self.unless_killed(self.guard.look(&subject, &provenance, end)).await;
        let ended = ended.filter(|_| self.state().now < end);
        let (answer, text) = match ended {
            Some(Ok(concluded)) => {
                let text = serde_json::to_string(&concluded.said).unwrap();
                (Ok(concluded.said), text)
            }
            Some(Err(error)) => (Err(error.category().to_owned()), format!("{error}\n{error:?}")),
            None => (Err("killed".to_owned()), String::new()),
        };
        let alerts = self.state().sns.messages().len() - alerts_before;
        let calls = self.calls_by(GUARD);
        self.deliveries().push(Delivered { answer: answer.clone(), alerts, said: text, calls });
        answer
    }

    /// How many calls it has made so far.
    pub(crate) fn calls_by(&self, principal: &str) -> usize {
        self.state().calls().iter().filter(|call| call.principal == principal).count()
    }

    /// What the deliveries so far came to.
    pub(crate) fn deliveries(&self) -> MutexGuard<'_, Vec<Delivered>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
