//! One run of the guard, of backout or of sweep, held at a gate at each call that matters until somebody says what it is
//! answered. One thread, no runtime: a run is polled while it is woken, and then waits at the gate, or has ended. Of
//! calls that are made side by side, as sweep begins, the first comes first.
//!
//! A run's time is its own. It stands still while a call is held, so that no time-out can strike, and jumps over the
//! guard's own pauses: whatever others do in a pause, they also do while the next call is held.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use ecs_privileged_guard::aws::{Clock, Pace, Wiring};
use ecs_privileged_guard::domain::backout::request::Request as Asked;
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::reconcile::Guard;
use jiff::Timestamp;

use super::errand::{Ended, Said, Work};
use crate::account::State;
use crate::account::http::{Request, Response};
use crate::account::in_process::{received, sent};

/// How long Lambda lets a run go on.
const TIME_OUT: Duration = Duration::from_mins(2);
const TIME_OUT_OF_SWEEP: Duration = Duration::from_mins(15);

/// Where a run has come to.
pub(super) enum Rest {
    /// This call is held.
    Held(Request),
    /// It is over.
    Ended(Ended),
}

/// What both sides of the gate know of a run.
struct Cell {
    sees_services: bool,
    now: Timestamp,
    /// The calls that wait, each under its number, in the order in which they came.
    held: VecDeque<(u64, Request)>,
    held_so_far: u64,
    answers: BTreeMap<u64, Response>,
    waiting: BTreeMap<u64, Waker>,
    timers: BTreeMap<u64, (Timestamp, Option<Waker>)>,
    timers_so_far: u64,
}

impl Cell {
    fn new(sees_services: bool, now: Timestamp) -> Shared {
        Arc::new(Mutex::new(Self {
            sees_services,
            now,
            held: VecDeque::new(),
            held_so_far: 0,
            answers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            timers: BTreeMap::new(),
            timers_so_far: 0,
        }))
    }
}

type Shared = Arc<Mutex<Cell>>;

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The gate that all runs share: one of each function, each with one set of clients.
#[derive(Clone)]
pub(super) struct Gate {
    /// The run that is being polled: calls, timers and looks at the clock are its own.
    current: Arc<Mutex<Shared>>,
    /// What answers calls that nobody's writes touch.
    others: Arc<Mutex<State>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    pub(super) fn new(start: &State) -> Self {
        Self { current: Arc::new(Mutex::new(Cell::new(false, start.now))), others: Arc::new(Mutex::new(start.clone())) }
    }

    /// The ways outside of one of them: all through this gate. No answer has a `Date`, so no clock is corrected; no call is
    /// retried, so neither jitter nor the process's retry tokens can make two runs differ.
    pub(super) fn wiring(&self, principal: &str) -> Wiring {
        let key = lock(&self.others).key_of(principal).clone();
        let connector = SharedHttpConnector::new(self.clone());
        let clock = Clock::new(self.clone(), self.clone());
        Wiring {
            http: http_client_fn(move |_, _| connector.clone()),
            pace: Pace::unlimited(&clock),
            clock,
            credentials: SharedCredentialsProvider::new(Credentials::new(key.id, key.secret, None, None, "test")),
        }
    }

    fn cell(&self) -> Shared {
        Arc::clone(&lock(&self.current))
    }
}

/// The family's revisions, everything in the bucket, and the alerts. What runs a family is written by backout alone, and
/// in mode `enforce` by the guard, which elsewhere does not decide by it; which services there are is nobody's write.
fn matters(request: &Request, sees_services: bool) -> bool {
    let of_service = [".DescribeServices", ".UpdateService", ".ListServiceDeployments"];
    let is_of_service = |target: &str| of_service.iter().any(|operation| target.ends_with(operation));
    let is_decisive = |target: &str| target.contains("TaskDefinition") || sees_services && is_of_service(target);
    request.header("x-amz-target").is_none_or(is_decisive)
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (cell, others) = (self.cell(), Arc::clone(&self.others));
        HttpConnectorFuture::new(async move {
            let request = received(request).await?;
            let sees_services = lock(&cell).sees_services;
            let response = match matters(&request, sees_services) {
                true => Some(Held::at(cell, request).await),
                false => lock(&others).handle(&request).response,
            };
            sent(response, false)
        })
    }
}

/// A call at the gate.
struct Held {
    cell: Shared,
    number: u64,
}

impl Held {
    fn at(cell: Shared, request: Request) -> Self {
        let mut inside = lock(&cell);
        inside.held_so_far += 1;
        let number = inside.held_so_far;
        inside.held.push_back((number, request));
        drop(inside);
        Self { cell, number }
    }
}

impl Future for Held {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let mut cell = lock(&self.cell);
        cell.waiting.insert(self.number, context.waker().clone());
        cell.answers.remove(&self.number).map_or(Poll::Pending, Poll::Ready)
    }
}

impl TimeSource for Gate {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(lock(&self.cell()).now).unwrap()
    }
}

impl AsyncSleep for Gate {
    fn sleep(&self, duration: Duration) -> Sleep {
        let cell = self.cell();
        let mut inside = lock(&cell);
        inside.timers_so_far += 1;
        let (number, due) = (inside.timers_so_far, inside.now + duration);
        inside.timers.insert(number, (due, None));
        drop(inside);
        Sleep::new(Timer { cell, number, due })
    }
}

struct Timer {
    cell: Shared,
    number: u64,
    due: Timestamp,
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut cell = lock(&self.cell);
        if cell.now >= self.due {
            return Poll::Ready(());
        }
        cell.timers.insert(self.number, (self.due, Some(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        lock(&self.cell).timers.remove(&self.number);
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Running = Pin<Box<dyn Future<Output = Ended>>>;

fn looks(guard: Guard, event: &str, deadline: Timestamp) -> Running {
    let Event::Look { subject, provenance, .. } = parse(event, &guard.home).unwrap() else {
        panic!("an event that needs a look")
    };
    Box::pin(async move {
        let concluded = guard.look(&subject, &provenance, deadline).await;
        concluded.map(|concluded| Said::Guard(concluded.said)).map_err(|error| error.category().to_owned())
    })
}

fn backs_out(backout: Guard, request: &str, deadline: Timestamp) -> Running {
    let request = Asked::read(request, &backout.home).unwrap().unwrap();
    Box::pin(async move {
        let answer = backout.back_out(&request, deadline).await;
        answer.map(Said::Backout).map_err(|error| error.category().to_owned())
    })
}

fn sweeps(sweep: Guard, deadline: Timestamp) -> Running {
    Box::pin(async move {
        let swept = sweep.sweep(deadline).await;
        swept.map(|swept| Said::Sweep(swept.answer)).map_err(|error| error.category().to_owned())
    })
}

/// All functions.
pub(super) struct Functions {
    pub(super) guard: Guard,
    pub(super) backout: Guard,
    pub(super) sweep: Guard,
}

/// A run of one of them.
pub(super) struct Run {
    future: Running,
    cell: Shared,
    woken: Arc<Woken>,
    gate: Gate,
}

impl Run {
    /// One of them is handed something at that time.
    pub(super) fn begin(gate: &Gate, functions: &Functions, work: &Work, at: Timestamp) -> Self {
        let (future, sees_services) = match work {
            Work::Event(event) => {
                let sees_services = functions.guard.policy.mode == Mode::Enforce;
                (looks(functions.guard.clone(), event, at + TIME_OUT), sees_services)
            }
            Work::Request(request) => (backs_out(functions.backout.clone(), request, at + TIME_OUT), true),
            Work::Sweep => (sweeps(functions.sweep.clone(), at + TIME_OUT_OF_SWEEP), false),
        };
        let cell = Cell::new(sees_services, at);
        Self { future, cell, woken: Arc::new(Woken(AtomicBool::new(true))), gate: gate.clone() }
    }

    /// Lets it go on until it is held or over.
    pub(super) fn rest(&mut self) -> Rest {
        *lock(&self.gate.current) = Arc::clone(&self.cell);
        let waker = Waker::from(Arc::clone(&self.woken));
        loop {
            while self.woken.0.swap(false, Ordering::Relaxed) {
                if let Poll::Ready(ended) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Rest::Ended(ended);
                }
            }
            let mut cell = lock(&self.cell);
            if let Some((_, held)) = cell.held.front() {
                return Rest::Held(held.clone());
            }
            let earliest = cell.timers.values().map(|(due, _)| *due).min().expect("a run waits for something");
            cell.now = cell.now.max(earliest);
            let due: Vec<Waker> = cell
                .timers
                .values_mut()
                .filter(|(due, _)| *due <= earliest)
                .filter_map(|(_, waker)| waker.take())
                .collect();
            drop(cell);
            due.into_iter().for_each(Waker::wake);
        }
    }

    /// When it is for this run.
    pub(super) fn now(&self) -> Timestamp {
        lock(&self.cell).now
    }

    /// Answers the call that is held.
    pub(super) fn answer(&mut self, response: Response) {
        let mut cell = lock(&self.cell);
        let (number, _) = cell.held.pop_front().expect("a call that is held");
        cell.answers.insert(number, response);
        let waiting = cell.waiting.remove(&number);
        drop(cell);
        waiting.into_iter().for_each(Waker::wake);
    }
}
