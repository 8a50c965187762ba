//! An EventBridge event becomes a revision to look at, nothing to do, or a refusal with its reason. It says *which*
//! revision, never *what to do*; only the proof that nothing is privileged may end the work early. Of a container it
//! reads the name and `privileged`, and nothing else.
//!
//! CloudTrail may leave out, hide or replace any member, so nothing here is a rigid struct:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use super::arn::{ArnError, Family, Home, TaskDefinitionArn, TaskDefinitionId, ecs_resource};
use super::json::{Json, Malformed, Member, Value};
use super::provenance::Provenance;
use super::service::ServiceId;

mod service;

pub use service::Occasion;

/// What an event asks for.
#[derive(Debug)]
pub enum Event {
    /// The call failed: nothing was registered.
    FailedCall {
        /// The family that the call named, if it named one.
        task_definition: Option<String>,
        /// Who made the call.
        provenance: Provenance,
    },
    /// The event proves that nothing is privileged.
    Compliant {
        /// What was registered.
        id: TaskDefinitionId,
        /// Who made the call.
        provenance: Provenance,
    },
    /// The deployment of a service that cannot be one of ours, or cannot be found.
    NotOurs {
        /// The event's id.
        event_id: Option<String>,
    },
    /// Something to look at.
    Look {
        /// What.
        subject: Subject,
        /// Who made the call that made it; by an event of another call that is not known.
        provenance: Provenance,
        /// The event's id.
        event_id: Option<String>,
    },
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A revision.
    Revision(TaskDefinitionId),
    /// The latest ACTIVE revision of a family: the event left the ARN out, or tells that another one went.
    LatestOf(Family),
    /// A service, and the revision that it is on.
    Service {
        /// Which.
        id: ServiceId,
        /// What was said of it.
        occasion: Occasion,
    },
    /// A daemon task definition, which has ARNs and operations of its own.
    Daemon(DaemonTaskDefinition),
}

/// A revision of a daemon task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonTaskDefinition {
    /// Its family and number.
    pub id: TaskDefinitionId,
    /// Names of the containers that are privileged by the event's word.
    pub privileged_by_event: Vec<String>,
}

impl DaemonTaskDefinition {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self, home: &Home) -> String {
        home.ecs_arn(&format!("daemon-task-definition/{}", self.id))
    }
}

/// Why an event is refused. It fails the invocation, so that the event is kept in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON.
    #[error("the event is {0}; expected an EventBridge event")]
    NotJson(Malformed),
    /// JSON, but not an object.
    #[error("the event is not a JSON object; expected an EventBridge event")]
    NotAnObject,
    /// An object without an event's members.
    #[error("the event lacks {0}; expected an EventBridge event with {KINDS}")]
    Lacks(&'static str),
    /// Another kind of event.
    #[error("the event is of another kind; expected {0}")]
    OtherKind(&'static str),
    /// An event of another account, Region or partition.
    #[error("the event is of another {0} than this function guards")]
    OtherHome(&'static str),
    /// An identifier that cannot be one.
    #[error("{member} is {error}")]
    Unusable {
        /// Which member of the event.
        member: &'static str,
        /// What is wrong with it.
        error: ArnError,
    },
    /// Neither an ARN nor a family.
    #[error("the event names no task definition: neither an ARN in responseElements nor a family in requestParameters")]
    NamesNothing,
}

impl EventError {
    /// The stable name, for `errorType` and metrics.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "event_not_json",
            Self::NotAnObject => "event_not_an_object",
            Self::Lacks(_) => "event_incomplete",
            Self::OtherKind(_) => "event_of_another_kind",
            Self::OtherHome(_) => "event_of_another_home",
            Self::Unusable { .. } => "event_unusable",
            Self::NamesNothing => "event_names_nothing",
        }
    }
}

const KINDS: &str = "detail-type \"AWS API Call via CloudTrail\" or \"ECS Deployment State Change\"";
const CALLS: &str = "eventName RegisterTaskDefinition, RegisterDaemonTaskDefinition, DeregisterTaskDefinition, CreateService or UpdateService";

/// What AWS writes in the place of what CloudTrail is not to tell:
/// <https://docs.aws.amazon.com/singlesignon/latest/userguide/username-sign-in-cloudtrail-events.html>.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Reads an event for the function that guards `home`.
///
/// # Errors
/// When it is not an event of a call or a deployment that the guard knows, in this account and Region.
pub fn parse(payload: &str, home: &Home) -> Result<Event, EventError> {
    let event = Json::parse(payload).map_err(EventError::NotJson)?;
    // Opened once: an object is scanned anew each time that it is opened.
    let event = &event.members().ok_or(EventError::NotAnObject)?;
    let kind = text(event, "detail-type").ok_or(EventError::Lacks("detail-type"))?;
    if text(event, "source").is_none_or(|source| source != "aws.ecs") {
        return Err(EventError::OtherKind("source \"aws.ecs\""));
    }
    let detail = &object(event, "detail").ok_or(EventError::Lacks("detail"))?;
    match kind.as_str() {
        "AWS API Call via CloudTrail" => api_call(event, detail, home),
        "ECS Deployment State Change" => service::deployment(event, detail, home),
        _ => Err(EventError::OtherKind(KINDS)),
    }
}

fn api_call(event: &[Member], detail: &[Member], home: &Home) -> Result<Event, EventError> {
    if text(detail, "eventSource").is_none_or(|source| source != "ecs.amazonaws.com") {
        return Err(EventError::OtherKind("eventSource \"ecs.amazonaws.com\""));
    }
    let read = match text(detail, "eventName").as_deref() {
        Some("RegisterTaskDefinition") => registration,
        Some("RegisterDaemonTaskDefinition") => daemon_registration,
        Some("CreateService" | "UpdateService") => service::call,
        Some("DeregisterTaskDefinition") => service::deregistration,
        Some(_) | None => return Err(EventError::OtherKind(CALLS)),
    };
    read(event, detail, Provenance::read(event, detail), home)
}

/// The id of an event, also of one that is refused: who looks for a dead letter in the log looks for it.
#[must_use]
pub fn id(payload: &str) -> Option<String> {
    let event = Json::parse(payload).ok()?.members()?;
    Provenance::read(&event, &object(&event, "detail").unwrap_or_default()).event_id
}

/// The account and Region that an event says it is of, for whoever has no others to go by.
///
/// # Errors
/// When it is no event, or says nothing of them that can be.
pub fn home(payload: &str) -> Result<Home, EventError> {
    let event = Json::parse(payload).map_err(EventError::NotJson)?;
    let event = &event.members().ok_or(EventError::NotAnObject)?;
    let account = text(event, "account").ok_or(EventError::Lacks("account"))?;
    let region = text(event, "region").ok_or(EventError::Lacks("region"))?;
    Home::new(&region, &account).map_err(|error| EventError::Unusable { member: "account or region", error })
}

/// Who made the call is who made what is to be looked at.
fn look(subject: Subject, provenance: Provenance) -> Event {
    let event_id = provenance.event_id.clone();
    Event::Look { subject, provenance, event_id }
}

fn registration(event: &[Member], detail: &[Member], provenance: Provenance, home: &Home) -> Result<Event, EventError> {
    const ARN: &str = "responseElements.taskDefinition.taskDefinitionArn";
    let request = object(detail, "requestParameters");
    let answer = object(detail, "responseElements").unwrap_or_default();
    let response = object(&answer, "taskDefinition");
    if has_failed(detail) && !is_given_twice(detail, "errorCode") {
        return failed_call(event, detail, provenance, home);
    }
    let Some(arn) =
        response.as_ref().and_then(|response| text(response, "taskDefinitionArn")).filter(|text| is_arn(text))
    else {
        is_of(home, event, detail)?;
        let family = family(detail)?.ok_or(EventError::NamesNothing)?;
        return Ok(look(Subject::LatestOf(family), provenance));
    };
    let arn: TaskDefinitionArn = arn.parse().map_err(|error| EventError::Unusable { member: ARN, error })?;
    is_home(home, &arn.home)?;
    let lists = [response, request].map(|definition| Containers::of(definition.as_deref()));
    let is_doubtful = is_doubtful(event, detail) || is_given_twice(&answer, "taskDefinition");
    Ok(match proves_compliance(&lists) && !is_doubtful {
        true => Event::Compliant { id: arn.id, provenance },
        false => look(Subject::Revision(arn.id), provenance),
    })
}

/// The answer holds the ARN only; the containers stand in the request.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterDaemonTaskDefinition.html>
fn daemon_registration(
    event: &[Member],
    detail: &[Member],
    provenance: Provenance,
    home: &Home,
) -> Result<Event, EventError> {
    const ARN: &str = "responseElements.daemonTaskDefinitionArn";
    let unusable = |error| EventError::Unusable { member: ARN, error };
    if has_failed(detail) && !is_given_twice(detail, "errorCode") {
        return failed_call(event, detail, provenance, home);
    }
    let response = object(detail, "responseElements");
    let arn = response.and_then(|response| text(&response, "daemonTaskDefinitionArn")).filter(|text| is_arn(text));
    let arn = arn.ok_or(EventError::NamesNothing)?;
    let (of, resource) = ecs_resource(&arn).map_err(unusable)?;
    let id = resource.strip_prefix("daemon-task-definition/").ok_or_else(|| unusable(ArnError::Daemon))?;
    let id: TaskDefinitionId = id.parse().map_err(unusable)?;
    is_home(home, &of)?;
    let request = object(detail, "requestParameters");
    let privileged_by_event = match Containers::of(request.as_deref()) {
        Containers::Clean if !is_doubtful(event, detail) => return Ok(Event::Compliant { id, provenance }),
        Containers::Clean | Containers::Unknown => Vec::new(),
        Containers::NotClean { privileged } => privileged,
    };
    Ok(look(Subject::Daemon(DaemonTaskDefinition { id, privileged_by_event }), provenance))
}

/// Whether something that decides is given twice: of two values one was not looked at.
fn is_doubtful(event: &[Member], detail: &[Member]) -> bool {
    let in_detail = ["errorCode", "requestParameters", "responseElements"];
    is_given_twice(event, "detail") || in_detail.into_iter().any(|name| is_given_twice(detail, name))
}

fn is_given_twice(of: &[Member], name: &str) -> bool {
    of.iter().filter(|member| member.is(name)).nth(1).is_some()
}

/// `errorMessage` may be missing, so `errorCode` counts; an empty one says nothing.
fn has_failed(detail: &[Member]) -> bool {
    member(detail, "errorCode").is_some_and(|code| match code.value() {
        Value::Null => false,
        Value::Text(code) => !code.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => true,
    })
}

fn failed_call(event: &[Member], detail: &[Member], provenance: Provenance, home: &Home) -> Result<Event, EventError> {
    is_of(home, event, detail)?;
    // What the failed call asked for may be the very thing that was wrong with it.
    let task_definition = family(detail).ok().flatten().map(|family| family.to_string());
    Ok(Event::FailedCall { task_definition, provenance })
}

fn family(detail: &[Member]) -> Result<Option<Family>, EventError> {
    let named = object(detail, "requestParameters").and_then(|request| text(&request, "family"));
    let unusable = |error| EventError::Unusable { member: "requestParameters.family", error };
    named.map(|family| family.parse().map_err(unusable)).transpose()
}

/// A hidden ARN is as good as none.
fn is_arn(text: &str) -> bool {
    text.starts_with("arn:")
}

fn is_home(home: &Home, of: &Home) -> Result<(), EventError> {
    match of {
        of if of.partition() != home.partition() => Err(EventError::OtherHome("partition")),
        of if of.region() != home.region() => Err(EventError::OtherHome("Region")),
        of if of.account() != home.account() => Err(EventError::OtherHome("account")),
        _ => Ok(()),
    }
}

/// Where there is no ARN to go by: the account that got the event (`recipientAccountId` can differ from the caller's),
/// and the Region of the call.
fn is_of(home: &Home, event: &[Member], detail: &[Member]) -> Result<(), EventError> {
    let account = text(detail, "recipientAccountId").or_else(|| text(event, "account"));
    let region = text(detail, "awsRegion").or_else(|| text(event, "region"));
    let unusable = |error| EventError::Unusable { member: "awsRegion or recipientAccountId", error };
    let account = account.ok_or(EventError::Lacks("recipientAccountId"))?;
    let region = region.ok_or(EventError::Lacks("awsRegion"))?;
    is_home(home, &Home::new(&region, &account).map_err(unusable)?)
}

/// What a list of containers in an event says.
#[derive(Debug, PartialEq, Eq)]
enum Containers {
    /// A complete list, and no container is privileged.
    Clean,
    /// No list: left out, hidden, replaced by a text.
    Unknown,
    /// A list in which something is privileged, or odd enough to be described.
    NotClean {
        /// Names of those that are privileged.
        privileged: Vec<String>,
    },
}

impl Containers {
    /// Of a task definition in the event. A list that is given twice proves nothing.
    fn of(definition: Option<&[Member]>) -> Self {
        let members = definition.unwrap_or_default().iter();
        let mut lists = members.filter(|member| member.is("containerDefinitions"));
        match (lists.next(), lists.next()) {
            (_, Some(_)) => Self::NotClean { privileged: Vec::new() },
            (list, None) => Self::read(list.map(|list| list.value)),
        }
    }

    fn read(list: Option<Json>) -> Self {
        let Some(elements) = list.and_then(Json::elements) else { return Self::Unknown };
        let mut privileged = Vec::new();
        let mut is_clean = !elements.is_empty();
        for container in elements {
            let members = container.members().unwrap_or_default();
            let name = members.iter().find(|member| member.is("name")).and_then(|member| member.value.text());
            is_clean &= name.as_ref().is_some_and(|name| !name.is_empty());
            // Given twice, each counts.
            for member in members.iter().filter(|member| member.is("privileged")) {
                match member.value.value() {
                    Value::Bool(false) | Value::Null => {}
                    Value::Bool(true) => {
                        is_clean = false;
                        privileged.extend(name.clone());
                    }
                    Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Object(_) => is_clean = false,
                }
            }
        }
        match is_clean {
            true => Self::Clean,
            false => Self::NotClean { privileged },
        }
    }
}

/// Rule 1: what was answered, else what was asked for, is a complete list without privilege, and neither says
/// otherwise. A list that is odd says otherwise; one that is hidden says nothing.
fn proves_compliance(lists: &[Containers; 2]) -> bool {
    match lists {
        [Containers::NotClean { .. }, _] | [_, Containers::NotClean { .. }] => false,
        [Containers::Clean, Containers::Clean | Containers::Unknown] | [Containers::Unknown, Containers::Clean] => true,
        [Containers::Unknown, Containers::Unknown] => false,
    }
}

/// The first member of that name.
pub(super) fn member<'a>(of: &[Member<'a>], name: &str) -> Option<Json<'a>> {
    of.iter().find(|member| member.is(name)).map(|member| member.value)
}

/// The members of an object in an object.
pub(super) fn object<'a>(of: &[Member<'a>], name: &str) -> Option<Vec<Member<'a>>> {
    member(of, name).and_then(Json::members)
}

/// One that is hidden says nothing, though it could be the name of a family.
pub(super) fn text(of: &[Member], name: &str) -> Option<String> {
    member(of, name).and_then(Json::text).filter(|text| text != HIDDEN)
}

#[cfg(test)]
mod tests;
