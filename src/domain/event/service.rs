//! Events about services: calls that point one at a task definition, a deregistration, and what ECS says of a deployment.
//! They name what to look at, and nothing else of them counts.

use super::super::arn::{ArnError, Family, Home, TaskDefinitionArn, ecs_resource};
use super::super::json::Member;
use super::super::provenance::Provenance;
use super::super::service::ServiceId;
use super::{Event, EventError, Subject, failed_call, has_failed, is_home, is_of, look, object, text};

/// What was said of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody created it, or updated it.
    Call,
    /// One of its deployments began, or came to an end.
    Deployment {
        /// The deployment.
        id: Option<String>,
    },
}

/// `CreateService` and `UpdateService`.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub(super) fn call(
    event: &[Member],
    detail: &[Member],
    provenance: Provenance,
    home: &Home,
) -> Result<Event, EventError> {
    if has_failed(detail) {
        return failed_call(event, detail, provenance, home);
    }
    let shown = object(detail, "responseElements").and_then(|response| object(&response, "service"));
    let arn = shown.as_ref().and_then(|shown| text(shown, "serviceArn"));
    let id = match arn.as_deref().map(ServiceId::of_arn) {
        Some(Ok((of, id))) => {
            is_home(home, &of)?;
            id
        }
        // Hidden, left out, or of the old form, which names no cluster: then the request does.
        Some(Err(_)) | None => {
            is_of(home, event, detail)?;
            named(detail, home)?
        }
    };
    Ok(look(Subject::Service { id, occasion: Occasion::Call }, provenance))
}

/// The service by the request's word, which may be a name or an ARN. Without a cluster it is the one named `default`.
fn named(detail: &[Member], home: &Home) -> Result<ServiceId, EventError> {
    const MEMBER: &str = "requestParameters.service, serviceName or cluster";
    let request = object(detail, "requestParameters").unwrap_or_default();
    let service =
        text(&request, "service").or_else(|| text(&request, "serviceName")).ok_or(EventError::NamesNothing)?;
    if let Ok((of, id)) = ServiceId::of_arn(&service) {
        is_home(home, &of)?;
        return Ok(id);
    }
    let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let cluster = text(&request, "cluster").map_or_else(|| "default".to_owned(), |cluster| short(&cluster));
    ServiceId::new(&cluster, &short(&service)).map_err(|error| EventError::Unusable { member: MEMBER, error })
}

/// `DeregisterTaskDefinition`: what is the family's latest now was not, perhaps. Who deregistered it says nothing of who
/// registered that one, so their names are left out.
pub(super) fn deregistration(
    event: &[Member],
    detail: &[Member],
    provenance: Provenance,
    home: &Home,
) -> Result<Event, EventError> {
    if has_failed(detail) {
        return failed_call(event, detail, provenance, home);
    }
    let shown = object(detail, "responseElements").and_then(|response| object(&response, "taskDefinition"));
    let arn = shown.as_ref().and_then(|shown| text(shown, "taskDefinitionArn"));
    let named = object(detail, "requestParameters").and_then(|request| text(&request, "taskDefinition"));
    let named = arn.filter(|arn| arn.starts_with("arn:")).or(named).ok_or(EventError::NamesNothing)?;
    let unusable = |error| EventError::Unusable { member: "requestParameters.taskDefinition", error };
    let family = match named.parse::<TaskDefinitionArn>() {
        Ok(arn) => {
            is_home(home, &arn.home)?;
            arn.id.family
        }
        Err(error) if named.starts_with("arn:") => return Err(unusable(error)),
        Err(_) => {
            is_of(home, event, detail)?;
            family_of(&named).map_err(unusable)?
        }
    };
    let subject = Subject::LatestOf(family);
    Ok(Event::Look { subject, provenance: Provenance::default(), event_id: provenance.event_id })
}

fn family_of(name: &str) -> Result<Family, ArnError> {
    name.split_once(':').map_or(name, |(family, _)| family).parse()
}

/// *ECS Deployment State Change*. The service stands in `resources`.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
pub(super) fn deployment(event: &[Member], detail: &[Member], home: &Home) -> Result<Event, EventError> {
    let event_id = text(event, "id");
    let resources = super::member(event, "resources").and_then(super::Json::elements).unwrap_or_default();
    let arn = resources.into_iter().next().and_then(super::Json::text).ok_or(EventError::Lacks("resources"))?;
    let unusable = |error| EventError::Unusable { member: "resources[0]", error };
    let (of, id) = match ServiceId::of_arn(&arn) {
        Ok(named) => named,
        // The old form names no cluster, so no move can be found. Sweep finds the service.
        Err(_) if is_old_form(&arn) => return Ok(Event::NotOurs { event_id }),
        Err(error) => return Err(unusable(error)),
    };
    is_home(home, &of)?;
    let occasion = Occasion::Deployment { id: text(detail, "deploymentId") };
    let provenance = Provenance::of_event(event_id.clone());
    Ok(Event::Look { subject: Subject::Service { id, occasion }, provenance, event_id })
}

/// `service/NAME`: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-arn-migration.html>
fn is_old_form(arn: &str) -> bool {
    ecs_resource(arn)
        .is_ok_and(|(_, resource)| resource.strip_prefix("service/").is_some_and(|name| !name.contains('/')))
}
