//! What goes wrong on demand: which call it hits, what happens to it, and how often.
//! It keeps no state but its own counters, and answers nothing itself.

use std::sync::Arc;
use std::time::Duration;

use super::calls::{Call, Service};
use super::state::{Refusal, State};

/// Which calls are meant. Says nothing: every call.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    service: Option<Service>,
    operation: Option<String>,
    principal: Option<String>,
    resource: Option<String>,
    skipped: usize,
}

impl Calls {
    /// Every call.
    pub fn all() -> Self {
        Self::default()
    }

    /// The calls of that operation.
    pub fn of(operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::default() }
    }

    /// The calls to that service.
    pub fn to(service: Service) -> Self {
        Self { service: Some(service), ..Self::default() }
    }

    /// Only those signed for this principal.
    pub fn by(mut self, principal: &str) -> Self {
        self.principal = Some(principal.to_owned());
        self
    }

    /// Only those whose resource contains this text.
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// From the nth such call on, counted from 1 and from now.
    pub fn starting_at(mut self, nth: usize) -> Self {
        self.skipped = nth.saturating_sub(1);
        self
    }

    fn contains(&self, call: &Call) -> bool {
        self.service.is_none_or(|service| service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
            && self.principal.as_ref().is_none_or(|principal| *principal == call.principal)
            && self.resource.as_ref().is_none_or(|resource| call.resource.contains(resource))
    }
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Too many requests, in the service's own words; nothing is done. S3 says 503 `SlowDown`.
    Throttled,
    /// The service's own fault, HTTP 500; nothing is done.
    Internal,
    /// The service asks for less, HTTP 503; nothing is done.
    SlowDown,
    /// IAM says no to this action, which need not be the call's own: `iam:PassRole`, `ecs:TagResource`, `kms:Decrypt`.
    AccessDenied(&'static str),
    /// The service does not like a parameter.
    InvalidParameter,
    /// A quota is used up.
    LimitExceeded,
    /// The credentials ran out.
    ExpiredToken,
    /// S3's 409: another operation on the key is under way.
    Conflict,
    /// S3's 412: the condition does not hold.
    PreconditionFailed,
    /// Another registration in the family is under way.
    TooManyConcurrentAttempts,
    /// Any other error.
    Refused(Refusal),
    /// The work is done, and the answer is 200 with its second half missing.
    Garbled,
    /// No connection comes about; on the wire it is cut.
    Unreachable,
    /// The connection breaks before the work is done.
    CutBefore,
    /// The work is done, and the connection breaks before the answer.
    CutAfter,
    /// The call waits before its work; in the process for ever, so that a time-out ends it and the work is never done.
    DelayBefore(Duration),
    /// The answer waits after the work; in the process for ever.
    DelayAfter(Duration),
    /// The caller's process ends before the work is done: nothing more is heard of it. In the process only.
    KilledBefore,
    /// The caller's process ends when the work is done. In the process only.
    KilledAfter,
}

/// A kind of fault, the calls it hits, and how many of them.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    calls: Calls,
    left: usize,
}

impl Fault {
    /// Hits the first of these calls.
    pub fn once(kind: Kind, calls: Calls) -> Self {
        Self::times(1, kind, calls)
    }

    /// Hits the first so many of these calls.
    pub fn times(left: usize, kind: Kind, calls: Calls) -> Self {
        Self { kind, calls, left }
    }

    /// Hits all of these calls.
    pub fn always(kind: Kind, calls: Calls) -> Self {
        Self::times(usize::MAX, kind, calls)
    }
}

/// Whether a hook runs before the call's work or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Something another party does, just before or after a call.
type Deed = Arc<dyn Fn(&mut State) + Send + Sync>;

#[derive(Clone)]
struct Hook {
    when: When,
    calls: Calls,
    deed: Deed,
}

/// All that is planned to go wrong or to come between.
#[derive(Clone, Default)]
pub struct Plans {
    faults: Vec<Fault>,
    hooks: Vec<Hook>,
}

impl Plans {
    /// Plans a fault.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Plans a deed at the first of these calls; it happens once.
    pub fn hook(&mut self, when: When, calls: Calls, deed: Deed) {
        self.hooks.push(Hook { when, calls, deed });
    }

    /// Plans no fault any more.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Plans no fault any more for the calls on this resource alone.
    pub fn clear_faults_on(&mut self, resource: &str) {
        self.faults.retain(|fault| fault.calls.resource.as_deref() != Some(resource));
    }

    /// How many faults are planned and have not struck as often as they are to.
    pub fn faults_left(&self) -> usize {
        self.faults.len()
    }

    /// Forgets everything that is planned.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What happens to this call; the fault that was planned first wins, and only it is used up.
    pub fn strike(&mut self, call: &Call) -> Option<Kind> {
        let mut struck = None;
        for fault in self.faults.iter_mut().filter(|fault| fault.left > 0 && fault.calls.contains(call)) {
            if fault.calls.skipped > 0 {
                fault.calls.skipped -= 1;
            } else if struck.is_none() {
                // "For ever" stays for ever: usize::MAX calls are never made.
                fault.left -= 1;
                struck = Some(fault.kind.clone());
            }
        }
        self.faults.retain(|fault| fault.left > 0);
        struck
    }

    /// What others do at this call.
    pub fn deeds(&mut self, when: When, call: &Call) -> Vec<Deed> {
        let mut due = Vec::new();
        self.hooks.retain_mut(|hook| match hook.when == when && hook.calls.contains(call) {
            false => true,
            true if hook.calls.skipped > 0 => {
                hook.calls.skipped -= 1;
                true
            }
            true => {
                due.push(Arc::clone(&hook.deed));
                false
            }
        });
        due
    }
}

/// The error of a fault that is one. `resource` is an ARN, as IAM's messages name it.
pub fn refusal(kind: &Kind, service: Service, operation: &str, principal: &str, resource: &str) -> Option<Refusal> {
    let ours = |status: u16, ecs: &str, s3: &str, sns: &str, message: &str| {
        let code = match service {
            Service::Ecs => ecs,
            Service::S3 => s3,
            Service::Sns => sns,
        };
        Some(Refusal::new(status, code, message))
    };
    match kind {
        Kind::Throttled => match service {
            Service::Ecs => Some(Refusal::new(400, "ThrottlingException", "Rate exceeded")),
            Service::S3 => Some(Refusal::new(503, "SlowDown", "Please reduce your request rate.")),
            Service::Sns => Some(Refusal::new(429, "Throttled", "Rate exceeded")),
        },
        Kind::Internal => ours(500, "ServerException", "InternalError", "InternalError", "Service Unavailable."),
        Kind::SlowDown => ours(
            503,
            "ServiceUnavailableException",
            "SlowDown",
            "ServiceUnavailable",
            "Please reduce your request rate.",
        ),
        Kind::AccessDenied(action) => {
            let (status, code) = match service {
                Service::Ecs => (400, "AccessDeniedException"),
                Service::S3 => (403, "AccessDenied"),
                Service::Sns => (403, "AuthorizationError"),
            };
            let message = format!(
                "User: {principal} is not authorized to perform: {action} on resource: {resource} \
                 because no identity-based policy allows the {action} action"
            );
            Some(Refusal::new(status, code, message))
        }
        Kind::InvalidParameter => ours(
            400,
            "InvalidParameterException",
            "InvalidArgument",
            "InvalidParameter",
            &format!("Invalid parameter in {operation}"),
        ),
        Kind::LimitExceeded => {
            ours(400, "LimitExceededException", "LimitExceeded", "LimitExceeded", "The limit is exceeded.")
        }
        Kind::ExpiredToken => ours(
            if service == Service::Sns { 403 } else { 400 },
            "ExpiredTokenException",
            "ExpiredToken",
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        Kind::Conflict => Some(Refusal::new(
            409,
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation against this resource.",
        )),
        Kind::PreconditionFailed => Some(precondition_failed()),
        Kind::TooManyConcurrentAttempts => {
            Some(Refusal::client("Too many concurrent attempts to create a new revision of the specified family."))
        }
        Kind::Refused(refusal) => Some(refusal.clone()),
        Kind::Garbled | Kind::DelayBefore(_) | Kind::DelayAfter(_) => None,
        Kind::Unreachable | Kind::CutBefore | Kind::CutAfter | Kind::KilledBefore | Kind::KilledAfter => None,
    }
}

/// S3's 412.
pub fn precondition_failed() -> Refusal {
    Refusal::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}
