//! The account without its wire: one request in, one reply out, nothing else looked at. Time is a field that tests set.
//! It joins the rules of the services; it has none of its own beyond who may speak.

mod budget;
mod direct;
pub mod document;
pub mod ecs;
mod part;
mod refusal;
pub mod s3;
pub mod sns;

use std::time::Duration;

use jiff::Timestamp;

pub use self::budget::Budget;
pub use self::document::Document;
pub use self::ecs::Ecs;
pub use self::refusal::Refusal;
pub use self::s3::S3;
pub use self::sns::Sns;
use super::call_log;
use super::calls::{Call, Seen, Service};
use super::faults::{self, Kind, Plans, When};
use super::http::{Request, Response};
use super::sigv4::{self, Key};
use super::trail::{self, Redaction};

/// The principal of a deployment pipeline.
pub const PIPELINE: &str = "arn:aws:sts::111122223333:assumed-role/deploy-pipeline/ci";
/// The principal of the guard.
pub const GUARD: &str = "arn:aws:sts::111122223333:assumed-role/guard-role/guard";
/// The principal of sweep.
pub const SWEEP: &str = "arn:aws:sts::111122223333:assumed-role/sweep-role/sweep";
/// The principal of backout.
pub const BACKOUT: &str = "arn:aws:sts::111122223333:assumed-role/backout-role/function";
/// The principal of a person with a terminal.
pub const OPERATOR: &str = "arn:aws:sts::111122223333:assumed-role/operator/alice";

/// The time at which an account begins: 2026-01-15T12:00:00.123Z.
pub const BEGINNING: Timestamp = Timestamp::constant(1_768_478_400, 123_000_000);

/// Which account and Region this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub partition: String,
    pub region: String,
    pub account: String,
}

impl Home {
    /// An ARN of this account and Region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

/// Who calls, when and where: what the rules of a service may know beyond the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: String,
    pub now: Timestamp,
    pub home: Home,
}

/// Everything in the account, everything planned to go wrong, everything that was called.
#[derive(Clone)]
pub struct State {
    pub home: Home,
    pub now: Timestamp,
    pub keys: Vec<Key>,
    pub ecs: Ecs,
    pub s3: S3,
    pub sns: Sns,
    /// The mode in which the product's functions run here; where it is known, their calls are logged for IAM's sake.
    pub mode: Option<String>,
    /// ECS's token buckets; none unless a test wants them.
    pub budget: Option<Budget>,
    /// How the trail hides what it hides.
    pub redaction: Redaction,
    /// The caller's process was killed: it hears nothing any more. In the process only.
    pub killed: bool,
    /// When the caller's process is killed at the latest, as Lambda does. In the process only.
    pub ends: Option<Timestamp>,
    /// A principal's request that waits, the nth from now. In the process only.
    pub holds: Option<(&'static str, usize)>,
    /// It waits until nobody says so any more.
    pub is_held: bool,
    plans: Plans,
    calls: Vec<Call>,
    trail: Vec<String>,
    deployment_events: Vec<String>,
    requests: u64,
}

/// A request that has arrived and was not worked on yet.
pub struct Arrival {
    /// How long the work waits.
    pub delay: Duration,
    request_id: String,
    service: Service,
    admitted: Result<(Call, Option<Kind>), Refusal>,
}

/// What goes back.
pub struct Reply {
    /// Nothing when the connection breaks instead.
    pub response: Option<Response>,
    /// How long the answer waits.
    pub delay: Duration,
    /// There was not even a connection.
    pub unreachable: bool,
}

impl Reply {
    fn at_once(response: Option<Response>) -> Self {
        Self { response, delay: Duration::ZERO, unreachable: false }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new("eu-west-1", "111122223333")
    }
}

impl State {
    /// An empty account in the partition `aws`, with keys for [`PIPELINE`], [`GUARD`], [`SWEEP`], [`BACKOUT`] and [`OPERATOR`].
    pub fn new(region: &str, account: &str) -> Self {
        let key = |id: &str, principal: &str| Key {
            id: id.to_owned(),
            secret: format!("secret-of-{id}"),
            principal: in_account(principal, account),
        };
        Self {
            home: Home { partition: "aws".to_owned(), region: region.to_owned(), account: account.to_owned() },
            now: BEGINNING,
            keys: vec![
                key("AKIAPIPELINE00000000", PIPELINE),
                key("AKIAGUARD00000000000", GUARD),
                key("AKIASWEEP00000000000", SWEEP),
                key("AKIABACKOUT000000000", BACKOUT),
                key("AKIAOPERATOR00000000", OPERATOR),
            ],
            ecs: Ecs::default(),
            s3: S3::default(),
            sns: Sns::default(),
            mode: None,
            budget: None,
            redaction: Redaction::default(),
            killed: false,
            ends: None,
            holds: None,
            is_held: false,
            plans: Plans::default(),
            calls: Vec::new(),
            trail: Vec::new(),
            deployment_events: Vec::new(),
            requests: 0,
        }
    }

    /// The access key of a principal; the names above stand for those of any account.
    ///
    /// # Panics
    /// When it has none.
    pub fn key_of(&self, principal: &str) -> &Key {
        let principal = in_account(principal, &self.home.account);
        self.keys.iter().find(|key| key.principal == principal).expect("a key of this principal")
    }

    /// Whether this is the request that is to wait.
    pub fn begins_to_wait(&mut self, request: &Request) -> bool {
        let Some((principal, left)) = self.holds else { return false };
        let id = &self.key_of(principal).id;
        if !request.header("authorization").is_some_and(|signature| signature.contains(id)) {
            return false;
        }
        self.is_held = left <= 1;
        self.holds = (!self.is_held).then_some((principal, left - 1));
        self.is_held
    }

    /// Does one call. Delays are the wire's business.
    pub fn handle(&mut self, request: &Request) -> Reply {
        let arrival = self.arrive(request);
        self.answer(request, arrival)
    }

    /// Lets a request in or refuses it, and decides what will go wrong with it.
    pub fn arrive(&mut self, request: &Request) -> Arrival {
        self.requests += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012}", self.requests);
        let service = service_of(request);
        let admitted = match sigv4::verify(request, service.name(), &self.home.region, &self.keys) {
            Ok(key) => {
                let call = Self::call(service, request, &key.principal);
                let fault = self.plans.strike(&call);
                Ok((call, fault))
            }
            Err(forgery) => Err(refusal::forged(service, forgery)),
        };
        let delay = match admitted {
            Ok((_, Some(Kind::DelayBefore(delay)))) => delay,
            _ => Duration::ZERO,
        };
        Arrival { delay, request_id, service, admitted }
    }

    /// Does the work of a request that has arrived.
    pub fn answer(&mut self, request: &Request, arrival: Arrival) -> Reply {
        let Arrival { service, request_id, admitted, .. } = arrival;
        let (mut call, fault) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return Reply::at_once(Some(refusal.response(service, &request_id))),
        };
        self.run_deeds(When::Before, &call);
        call_log::add(self, &call, request);
        if let Some(Kind::Unreachable | Kind::CutBefore | Kind::KilledBefore) = fault {
            call.seen = Seen::Lost { done: false };
            self.calls.push(call);
            self.killed |= fault == Some(Kind::KilledBefore);
            return Reply { unreachable: fault == Some(Kind::Unreachable), ..Reply::at_once(None) };
        }

        let result = match self.refusal_of(fault.as_ref(), &call) {
            Some(refusal) => Err(refusal),
            None => self.work(&call, request, &request_id),
        };
        if service == Service::Ecs && call.is_write() {
            let outcome = result.as_ref().map(|response| response.body.as_slice());
            self.trail.push(trail::event(
                &self.caller(&call.principal),
                &call,
                request,
                outcome,
                &request_id,
                self.redaction,
            ));
        }
        let done = result.is_ok();
        call.seen = match (&result, &fault) {
            (_, Some(Kind::CutAfter | Kind::Garbled | Kind::KilledAfter | Kind::DelayAfter(_))) => Seen::Lost { done },
            (Ok(_), _) => Seen::Done,
            (Err(refusal), _) => Seen::Refused(refusal.code.clone()),
        };
        self.run_deeds(When::After, &call);
        self.calls.push(call);

        let mut response = result.unwrap_or_else(|refusal| refusal.response(service, &request_id));
        if request.method == "HEAD" {
            let length = response.body.len().to_string();
            response = Response { body: Vec::new(), ..response }.with("content-length", length);
        }
        match fault {
            Some(Kind::CutAfter) => Reply::at_once(None),
            Some(Kind::KilledAfter) => {
                self.killed = true;
                Reply::at_once(None)
            }
            Some(Kind::Garbled) => {
                response.body.truncate(response.body.len() / 2);
                response.status = 200;
                Reply::at_once(Some(response))
            }
            Some(Kind::DelayAfter(delay)) => Reply { delay, ..Reply::at_once(Some(response)) },
            _ => Reply::at_once(Some(response)),
        }
    }

    fn work(&mut self, call: &Call, request: &Request, request_id: &str) -> Result<Response, Refusal> {
        let caller = self.caller(&call.principal);
        match call.service {
            Service::Ecs => {
                let input = Document::parse(&request.body)
                    .ok_or_else(|| Refusal::new(400, "SerializationException", "Could not parse the request body"))?;
                let body = self.ecs.call(&call.operation, &input, &caller)?;
                self.tell_news();
                Ok(Response::new(200, body)
                    .with("content-type", "application/x-amz-json-1.1")
                    .with("x-amzn-requestid", request_id))
            }
            Service::S3 => Ok(self.s3.call(&call.operation, request, &caller)?.with("x-amz-request-id", request_id)),
            Service::Sns => {
                let body = self.sns.call(request, request_id)?;
                Ok(Response::new(200, body).with("content-type", "text/xml").with("x-amzn-requestid", request_id))
            }
        }
    }

    /// Makes events of what happened to deployments.
    fn tell_news(&mut self) {
        let caller = self.caller(GUARD);
        for (cluster, service, news) in self.ecs.take_news() {
            let number = self.deployment_events.len() + 1;
            self.deployment_events.push(trail::deployment_event(&caller, &cluster, &service, &news, number));
        }
    }

    /// The fault, or an empty token bucket.
    fn refusal_of(&mut self, fault: Option<&Kind>, call: &Call) -> Option<Refusal> {
        let arn = match call.service {
            _ if call.resource.is_empty() => "*".to_owned(),
            Service::Ecs if call.resource.starts_with("arn:") => call.resource.clone(),
            Service::Ecs => self.home.arn("ecs", &format!("task-definition/{}", call.resource)),
            Service::S3 => format!("arn:{}:s3:::{}", self.home.partition, call.resource),
            Service::Sns => call.resource.clone(),
        };
        let refusal = |kind| faults::refusal(kind, call.service, &call.operation, &call.principal, &arn);
        fault.and_then(refusal).or_else(|| {
            let budget = self.budget.as_mut().filter(|_| call.service == Service::Ecs)?;
            (!budget.take(&call.operation, self.now)).then(|| refusal(&Kind::Throttled)).flatten()
        })
    }

    fn call(service: Service, request: &Request, principal: &str) -> Call {
        let (operation, resource) = match service {
            Service::Ecs => (ecs::operation_of(request), ecs::resource_of(&request.body)),
            Service::S3 => (s3::operation_of(request), s3::resource_of(request)),
            Service::Sns => (sns::operation_of(request), sns::resource_of(request)),
        };
        let registers = service == Service::Ecs && operation.starts_with("Register");
        let condition = ["if-none-match", "if-match"]
            .iter()
            .find_map(|name| Some(format!("{name}: {}", request.header(name)?)))
            .filter(|_| service == Service::S3);
        Call {
            service,
            operation,
            principal: principal.to_owned(),
            resource,
            privileged: registers.then(|| Document::parse(&request.body).is_some_and(|input| ecs::privileged(&input))),
            condition,
            body: request.body.clone(),
            seen: Seen::Done,
        }
    }

    fn run_deeds(&mut self, when: When, call: &Call) {
        for deed in self.plans.deeds(when, call) {
            deed(self);
        }
    }

    /// What the services' rules know of this principal's call now.
    pub fn caller(&self, principal: &str) -> Caller {
        Caller { principal: principal.to_owned(), now: self.now, home: self.home.clone() }
    }
}

/// A principal of the default account as one of this account.
fn in_account(principal: &str, account: &str) -> String {
    principal.replace("111122223333", account)
}

/// All services share one endpoint: ECS names its target, SNS sends forms, the rest is S3.
fn service_of(request: &Request) -> Service {
    let form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
    if request.header("x-amz-target").is_some() {
        Service::Ecs
    } else if request.header("content-type").is_some_and(form) {
        Service::Sns
    } else {
        Service::S3
    }
}
