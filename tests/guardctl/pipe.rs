//! What a guard rests on, besides ECS, S3 and its functions: what its stack has made, trails, rules, queues, subscriptions,
//! alarms. It only answers what `doctor` asks. A physical name says how what bears it is; an address that ends with `denied`
//! denies, one that ends with `none` has nothing.
//!
//! The protocols are those of the SDK: form and XML (CloudFormation, SNS), JSON 1.1 (CloudTrail, EventBridge), JSON 1.0 (SQS),
//! REST and JSON (Lambda), and CBOR (CloudWatch): <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>

use serde_json::{Value, json};

use super::account::http::{Request, Response, form};
use super::account::sigv4::{self, Key};

/// Names in the template, kinds, and physical names, of a stack that is well.
const MADE: [(&str, &str, &str); 13] = [
    ("Guard", "AWS::Lambda::Function", "guard"),
    ("Sweep", "AWS::Lambda::Function", "sweep"),
    ("Backout", "AWS::Lambda::Function", "backout"),
    ("Rule", "AWS::Events::Rule", "registrations"),
    ("TamperedRules", "AWS::Events::Rule", "tampered"),
    ("RuleDeadLetterQueue", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/rule"),
    ("FailureQueue", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/failures"),
    ("SweepDeadLetterQueue", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/sweeps"),
    ("TamperDeadLetterQueue", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/tampering"),
    ("FailuresAlarm", "AWS::CloudWatch::Alarm", "failures"),
    ("NoSweepAlarm", "AWS::CloudWatch::Alarm", "no-sweep"),
    ("MissedEventsAlarm", "AWS::CloudWatch::Alarm", "missed-events"),
    ("Bucket", "AWS::S3::Bucket", "guard-state"),
];
/// What is otherwise in one that is sick, and in one whose alerts go to a central account.
const OTHERWISE: [(&str, &str, &str); 10] = [
    ("sick", "Sweep", "stopped"),
    ("sick", "Rule", "disabled"),
    ("sick", "FailureQueue", "https://sqs.eu-west-1.amazonaws.com/111122223333/stuck"),
    ("sick", "FailuresAlarm", "ringing"),
    ("sick", "MissedEventsAlarm", "silenced"),
    ("sick", "NoSweepAlarm", "mute"),
    ("central", "TamperedRules", "tampered-central"),
    ("central", "FailuresAlarm", "failures-central"),
    ("central", "NoSweepAlarm", "no-sweep-central"),
    ("central", "MissedEventsAlarm", "missed-events-central"),
];
/// The topic of the central account.
pub(super) const CENTRAL: &str = "arn:aws:sns:eu-west-1:999999999999:central";

/// Who answers, and whom.
pub(super) struct Pipe {
    pub(super) key: Key,
    pub(super) region: String,
    pub(super) account: String,
}

impl Pipe {
    /// None: it is not asked.
    pub(super) fn answer(&self, request: &Request) -> Option<Response> {
        let asked = form(&request.body);
        let value = |name: &str| asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let target = request.header("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let service = match (target, value("Action"), request.header("smithy-protocol")) {
            (Some((service, _)), ..) if service.ends_with("CloudTrail_20131101") => "cloudtrail",
            (Some(("AWSEvents", _)), ..) => "events",
            (Some(("AmazonSQS", _)), ..) => "sqs",
            (_, Some("ListStackResources"), _) => "cloudformation",
            (_, Some("ListSubscriptionsByTopic"), _) => "sns",
            (.., Some("rpc-v2-cbor")) => "monitoring",
            (..) if request.path.ends_with("/concurrency") || request.path.ends_with("/policy") => "lambda",
            (..) => return None,
        };
        sigv4::verify(request, service, &self.region, std::slice::from_ref(&self.key)).expect("a genuine signature");
        if request.path.starts_with("/denied") || value("StackName") == Some("unlisted") {
            return Some(denied(service));
        }
        let operation = target.map(|(_, operation)| operation);
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let named = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Some(match (service, operation) {
            ("cloudformation", _) => resources(value("StackName").unwrap_or_default()),
            // Its policy lets this account publish, and no more.
            ("sns", _) if value("TopicArn") == Some(CENTRAL) => {
                query_denied("AuthorizationError", "User: CANARY is not authorized")
            }
            ("sns", _) => self.subscriptions(value("TopicArn").unwrap_or_default()),
            ("cloudtrail", Some("DescribeTrails")) if request.path.starts_with("/none") => {
                of_json(&json!({"trailList": []}))
            }
            ("cloudtrail", Some("DescribeTrails")) => trails(),
            ("cloudtrail", Some("GetTrailStatus")) => of_json(&json!({"IsLogging": true})),
            ("cloudtrail", Some("GetEventSelectors")) => of_json(&json!({"AdvancedEventSelectors": [
                {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]},
                {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
            ]})),
            ("events", Some("DescribeRule")) => self.rule(&named("Name")),
            ("events", Some("ListTargetsByRule")) => self.targets(&named("Rule")),
            ("sqs", Some("GetQueueAttributes")) => messages(&named("QueueUrl")),
            ("monitoring", _) => self.alarms(&request.body),
            ("lambda", _) => self.function(&request.path),
            (service, operation) => panic!("nobody asks {service} {operation:?}"),
        })
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    fn subscriptions(&self, topic: &str) -> Response {
        let (pending, confirmed) = ("PendingConfirmation", format!("{topic}:0f1e2d3c"));
        // Somebody who subscribes chooses the words.
        let told: &[(&str, &str, &str)] = match topic.ends_with("unconfirmed") {
            true => &[
                (pending, "email", "&#x9b;2J\u{202e}ecila@example.com"),
                (pending, "https", "https://hooks.example.com/CANARY"),
            ],
            false => &[(&confirmed, "email", "jane@example.com")],
        };
        let members = told.iter().fold(String::new(), |xml, (arn, protocol, endpoint)| {
            xml + &format!(
                "<member><TopicArn>{topic}</TopicArn><Protocol>{protocol}</Protocol><SubscriptionArn>{arn}\
                 </SubscriptionArn><Owner>{}</Owner><Endpoint>{endpoint}</Endpoint></member>",
                self.account
            )
        });
        of_xml("ListSubscriptionsByTopic", &format!("<Subscriptions>{members}</Subscriptions>"))
    }

    fn rule(&self, name: &str) -> Response {
        of_json(&json!({
            "Name": name,
            "Arn": self.arn("events", &format!("rule/{name}")),
            "EventPattern": json!({
                "source": ["aws.ecs"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventSource": ["ecs.amazonaws.com"],
                    "eventName": ["RegisterTaskDefinition", "RegisterDaemonTaskDefinition"],
                },
            }).to_string(),
            "State": if name == "disabled" { "DISABLED" } else { "ENABLED" },
            "EventBusName": "default",
        }))
    }

    fn targets(&self, rule: &str) -> Response {
        let target = match rule {
            "tampered" => self.arn("sns", "alerts"),
            "tampered-central" => CENTRAL.to_owned(),
            _ => self.arn("lambda", "function:guard"),
        };
        of_json(&json!({"Targets": [{"Id": "1", "Arn": target}]}))
    }

    /// Those that were asked for.
    fn alarms(&self, asked: &[u8]) -> Response {
        let (alerts, others) = (self.arn("sns", "alerts"), self.arn("sns", "unconfirmed"));
        let states = [
            ("failures", "OK", vec![&*alerts]),
            ("missed-events", "INSUFFICIENT_DATA", vec![&alerts]),
            ("no-sweep", "OK", vec![&alerts]),
            ("ringing", "ALARM", vec![&others]),
            ("silenced", "OK", vec![&others]),
            ("mute", "OK", vec![]),
            ("failures-central", "OK", vec![CENTRAL]),
            ("missed-events-central", "OK", vec![CENTRAL]),
            ("no-sweep-central", "OK", vec![CENTRAL]),
        ];
        let is_asked = |name: &str| asked.windows(name.len()).any(|window| window == name.as_bytes());
        let alarms = states.iter().filter(|(name, ..)| is_asked(name)).map(|(name, state, actions)| {
            json!({
                "AlarmName": name,
                "AlarmDescription": "Something is so. RUNBOOK.md#alarm-failures",
                "ActionsEnabled": *name != "silenced",
                "AlarmActions": actions,
                "StateValue": state,
            })
        });
        of_cbor(200, &json!({"MetricAlarms": alarms.collect::<Vec<_>>(), "CompositeAlarms": []}))
    }

    fn function(&self, path: &str) -> Response {
        let name = path.rsplit('/').nth(1).unwrap_or_default();
        let concurrency = match name {
            "stopped" => json!({"ReservedConcurrentExecutions": 0}),
            "guard" => json!({"ReservedConcurrentExecutions": 10}),
            _ => json!({}),
        };
        of_json(&match path.ends_with("/policy") {
            false => concurrency,
            true => {
                json!({"RevisionId": "r", "Policy": json!({"Version": "2012-10-17", "Id": "default", "Statement": [{
                "Sid": "RuleInvokesGuard",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": self.arn("lambda", "function:guard"),
                "Condition": {"ArnLike": {"AWS:SourceArn": self.arn("events", "rule/registrations")}},
            }]}).to_string()})
            }
        })
    }
}

fn resources(stack: &str) -> Response {
    let members = MADE.iter().fold(String::new(), |xml, (logical, kind, physical)| {
        let other = OTHERWISE.iter().find(|(of, name, _)| *of == stack && name == logical);
        let physical = other.map_or(*physical, |(.., physical)| physical);
        xml + &format!(
            "<member><LogicalResourceId>{logical}</LogicalResourceId><PhysicalResourceId>{physical}\
             </PhysicalResourceId><ResourceType>{kind}</ResourceType><ResourceStatus>UPDATE_COMPLETE</ResourceStatus>\
             <LastUpdatedTimestamp>2026-01-15T12:00:00Z</LastUpdatedTimestamp></member>"
        )
    });
    of_xml("ListStackResources", &format!("<StackResourceSummaries>{members}</StackResourceSummaries>"))
}

fn trails() -> Response {
    of_json(&json!({"trailList": [{
        "Name": "organization",
        "TrailARN": "arn:aws:cloudtrail:us-east-1:999999999999:trail/organization",
        "HomeRegion": "us-east-1",
        "IsMultiRegionTrail": true,
        "IsOrganizationTrail": true,
    }]}))
}

fn messages(url: &str) -> Response {
    let (seen, held) = if url.ends_with("/stuck") { ("2", "1") } else { ("0", "0") };
    of_json(&json!({"Attributes": {
        "ApproximateNumberOfMessages": seen,
        "ApproximateNumberOfMessagesNotVisible": held,
        "ApproximateNumberOfMessagesDelayed": "0",
    }}))
}

fn denied(service: &str) -> Response {
    let (code, message) = ("AccessDenied", "User: CANARY is not authorized");
    match service {
        "cloudformation" | "sns" => query_denied(code, message),
        "monitoring" => of_cbor(403, &json!({"__type": code, "message": message})),
        _ => Response::new(400, json!({"__type": format!("{code}Exception"), "message": message}).to_string())
            .with("x-amzn-errortype", format!("{code}Exception")),
    }
}

fn query_denied(code: &str, message: &str) -> Response {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Response::new(403, format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>"))
        .with("content-type", "text/xml")
}

fn of_json(body: &Value) -> Response {
    Response::new(200, body.to_string())
}

fn of_xml(operation: &str, result: &str) -> Response {
    let body = format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>");
    Response::new(200, body).with("content-type", "text/xml")
}

fn of_cbor(status: u16, body: &Value) -> Response {
    let mut bytes = Vec::new();
    cbor(body, &mut bytes);
    let response = Response::new(status, bytes).with("content-type", "application/cbor");
    response.with("smithy-protocol", "rpc-v2-cbor")
}

/// What is needed of it: <https://www.rfc-editor.org/rfc/rfc8949.html#section-3.1>
fn cbor(value: &Value, bytes: &mut Vec<u8>) {
    let head = |kind: u8, length: usize| {
        let length = u16::try_from(length).unwrap().to_be_bytes();
        [(kind << 5) | 0x19, length[0], length[1]]
    };
    match value {
        Value::Bool(is) => bytes.push(if *is { 0xf5 } else { 0xf4 }),
        Value::String(text) => {
            bytes.extend(head(3, text.len()));
            bytes.extend(text.as_bytes());
        }
        Value::Array(values) => {
            bytes.extend(head(4, values.len()));
            for value in values {
                cbor(value, bytes);
            }
        }
        Value::Object(members) => {
            bytes.extend(head(5, members.len()));
            for (name, value) in members {
                cbor(&json!(name), bytes);
                cbor(value, bytes);
            }
        }
        Value::Null | Value::Number(_) => panic!("no answer holds {value}"),
    }
}
