//! The `EventBridge` event that `CloudTrail` makes of an ECS write, with what it hides hidden.
//! It delivers nothing; a test takes the text and hands it to whom it wants.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use serde_json::{Value, json};

use super::calls::Call;
use super::http::Request;
use super::state::ecs::News;
use super::state::{Caller, Refusal};

/// What `CloudTrail` writes in place of a value.
pub const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
/// Larger parameters or response elements are left out entirely.
const ELEMENTS_LENGTH_MAX: usize = 100 * 1024;

/// How the trail hides environment values: all of these are seen, for this service or for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redaction {
    /// The value of each variable is replaced.
    #[default]
    EachValue,
    /// The whole list is replaced by one text.
    WholeList,
    /// The whole list is emptied to `{}`.
    Emptied,
    /// The list of containers is replaced by one text.
    Containers,
    /// Parameters and response elements are left out.
    Everything,
}

/// The event of one call: `outcome` is the body of the answer, or the error.
pub fn event(
    caller: &Caller,
    call: &Call,
    request: &Request,
    outcome: Result<&[u8], &Refusal>,
    request_id: &str,
    redaction: Redaction,
) -> String {
    let time = caller.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let user_agent = request.header("user-agent").unwrap_or("aws-cli/2.31.0");
    let event_id = request_id.replacen("00000000", "e0000000", 1);
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": identity(caller),
        "eventTime": time,
        "eventSource": "ecs.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": caller.home.region,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": user_agent,
        "requestParameters": elements(&call.body, redaction),
        "responseElements": outcome.map_or(Value::Null, |body| elements(body, redaction)),
        "requestID": request_id,
        "eventID": event_id,
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": caller.home.account,
        "eventCategory": "Management",
    });
    if let Err(refusal) = outcome {
        // CloudTrail writes IAM's denial without the ending.
        detail["errorCode"] = json!(refusal.code.replace("AccessDeniedException", "AccessDenied"));
        detail["errorMessage"] = json!(refusal.message);
    }
    let event = json!({
        "version": "0",
        "id": event_id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ecs",
        "account": caller.home.account,
        "time": time,
        "region": caller.home.region,
        // Usually empty; the ARN is in the response elements.
        "resources": [],
        "detail": detail,
    });
    event.to_string()
}

/// The event of a deployment that began, ended or failed: `SERVICE_DEPLOYMENT_IN_PROGRESS`, `…_COMPLETED`, `…_FAILED`.
///
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>
pub fn deployment_event(caller: &Caller, cluster: &str, service: &str, news: &News, number: usize) -> String {
    let time = caller.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "version": "0",
        "id": format!("d0000000-0000-4000-{:04}-{:012}", 8000 + number % 1000, caller.now.as_second()),
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": caller.home.account,
        "time": time,
        "region": caller.home.region,
        "resources": [caller.home.arn("ecs", &format!("service/{cluster}/{service}"))],
        "detail": {
            "eventType": if news.name.ends_with("FAILED") { "ERROR" } else { "INFO" },
            "eventName": news.name,
            "deploymentId": news.deployment,
            "updatedAt": time,
            "reason": news.reason,
        },
    })
    .to_string()
}

fn identity(caller: &Caller) -> Value {
    let account = &caller.home.account;
    let arn = &caller.principal;
    let Some((role, session)) = arn.split_once(":assumed-role/").and_then(|(_, role)| role.split_once('/')) else {
        return json!({"type": "IAMUser", "arn": arn, "accountId": account, "userName": arn.rsplit('/').next()});
    };
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROAEXAMPLE:{session}"),
        "arn": arn,
        "accountId": account,
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": format!("arn:{}:iam::{account}:role/{role}", caller.home.partition),
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": "2026-01-15T11:00:00Z", "mfaAuthenticated": "false"},
        },
    })
}

/// Parameters or response as the trail shows them; null when they are too large, or no JSON that a parser takes.
fn elements(body: &[u8], redaction: Redaction) -> Value {
    let mut elements: Value = match redaction {
        Redaction::Everything => Value::Null,
        _ if body.len() > ELEMENTS_LENGTH_MAX => Value::Null,
        _ => serde_json::from_slice(body).unwrap_or(Value::Null),
    };
    hide(&mut elements, redaction);
    elements
}

fn hide(value: &mut Value, redaction: Redaction) {
    let Value::Object(members) = value else {
        if let Value::Array(elements) = value {
            for element in elements {
                hide(element, redaction);
            }
        }
        return;
    };
    for (name, member) in members {
        match (name.as_str(), redaction) {
            ("environment", Redaction::EachValue) => {
                for variable in member.as_array_mut().into_iter().flatten() {
                    if let Some(variable) = variable.as_object_mut() {
                        variable.insert("value".to_owned(), json!(HIDDEN));
                    }
                }
            }
            ("environment", Redaction::WholeList) | ("containerDefinitions", Redaction::Containers) => {
                *member = json!(HIDDEN);
            }
            ("environment", Redaction::Emptied) => *member = json!({}),
            ("registeredAt" | "deregisteredAt" | "deleteRequestedAt" | "createdAt" | "updatedAt", _) => {
                *member = odd_date(member);
            }
            _ => hide(member, redaction),
        }
    }
}

/// Dates are text that no standard describes, like `Jan 15, 2026 12:00:00 PM`.
fn odd_date(seconds: &Value) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped on purpose")]
    let second = seconds.as_f64().unwrap_or_default() as i64;
    let time = jiff::Timestamp::from_second(second).unwrap_or_default();
    json!(time.strftime("%b %-d, %Y %-I:%M:%S %p").to_string())
}
