//! SNS: topics, what was published to them, and what each kind of subscriber gets of it.
//! Nobody subscribes; a test asks for a protocol's share.
//!
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>

use std::collections::{BTreeMap, BTreeSet};

use super::super::http::{Request, form};
use super::document::Document;
use super::{Home, Refusal};

/// Message, attributes and all.
const LENGTH_MAX: usize = 262_144;
const SUBJECT_LENGTH_MAX: usize = 99;
/// Queues with raw delivery drop a message that has more.
const ATTRIBUTES_MAX: usize = 10;

/// Topics and messages.
#[derive(Debug, Clone, Default)]
pub struct Sns {
    topics: BTreeSet<String>,
    messages: Vec<Published>,
}

/// A message as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub topic: String,
    pub subject: Option<String>,
    /// The message, or the JSON object with one body for each protocol.
    pub message: String,
    /// Name to type and value.
    pub attributes: BTreeMap<String, (String, String)>,
    structured: Option<BTreeMap<String, String>>,
}

/// What one subscriber gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub subject: Option<String>,
    pub body: String,
    /// Empty when the message has a structure: SNS then delivers none.
    pub attributes: BTreeMap<String, String>,
}

impl Published {
    /// What a subscriber of that protocol (`email`, `sqs`, `lambda`, `https`, …) gets.
    pub fn delivery(&self, protocol: &str) -> Delivery {
        let values = |attributes: &BTreeMap<String, (String, String)>| {
            attributes.iter().map(|(name, (_, value))| (name.clone(), value.clone())).collect()
        };
        let (body, attributes) = match &self.structured {
            Some(bodies) => (bodies.get(protocol).unwrap_or(&bodies["default"]).clone(), BTreeMap::new()),
            None => (self.message.clone(), values(&self.attributes)),
        };
        Delivery { subject: self.subject.clone(), body, attributes }
    }
}

impl Sns {
    /// Makes a topic and answers its ARN.
    pub(super) fn topic(&mut self, home: &Home, name: &str) -> String {
        let arn = home.arn("sns", name);
        self.topics.insert(arn.clone());
        arn
    }

    /// Everything published, oldest first.
    pub fn messages(&self) -> &[Published] {
        &self.messages
    }

    /// Takes what was published since this was asked last.
    pub fn take_messages(&mut self) -> Vec<Published> {
        std::mem::take(&mut self.messages)
    }

    /// Forgets what was published.
    pub fn forget_messages(&mut self) {
        self.messages.clear();
    }

    /// One call.
    pub fn call(&mut self, request: &Request, request_id: &str) -> Result<String, Refusal> {
        let fields: BTreeMap<String, String> = form(&request.body).into_iter().collect();
        match fields.get("Action").map(String::as_str) {
            Some("Publish") => {}
            _ => return Err(Refusal::new(400, "InvalidAction", "The action or operation requested is invalid.")),
        }
        let published = published(&fields)?;
        if !self.topics.contains(&published.topic) {
            return Err(Refusal::new(404, "NotFound", "Topic does not exist"));
        }
        self.messages.push(published);
        Ok(format!(
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{request_id}\
             </MessageId></PublishResult><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></PublishResponse>"
        ))
    }
}

/// The operation that a form names.
pub fn operation_of(request: &Request) -> String {
    field(request, "Action").unwrap_or_else(|| "UnknownOperation".to_owned())
}

/// The topic's ARN.
pub fn resource_of(request: &Request) -> String {
    field(request, "TopicArn").unwrap_or_default()
}

fn field(request: &Request, name: &str) -> Option<String> {
    form(&request.body).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn published(fields: &BTreeMap<String, String>) -> Result<Published, Refusal> {
    let invalid = |what: &str| Refusal::new(400, "InvalidParameter", format!("Invalid parameter: {what}"));
    let message =
        fields.get("Message").filter(|message| !message.is_empty()).ok_or_else(|| invalid("Empty message"))?;
    let subject = fields.get("Subject").cloned();
    let printable = |subject: &String| {
        (1..=SUBJECT_LENGTH_MAX).contains(&subject.len()) && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    if !subject.as_ref().is_none_or(printable) {
        return Err(invalid("Subject"));
    }

    let mut attributes = BTreeMap::new();
    for number in 1.. {
        let entry = format!("MessageAttributes.entry.{number}");
        if !fields.keys().any(|name| name.starts_with(&format!("{entry}."))) {
            break;
        }
        let part = |name: &str| fields.get(&format!("{entry}.{name}")).filter(|part| !part.is_empty()).cloned();
        let value = part("Value.StringValue").or_else(|| part("Value.BinaryValue"));
        let (Some(name), Some(kind), Some(value)) = (part("Name"), part("Value.DataType"), value) else {
            return Err(Refusal::new(
                400,
                "ParameterValueInvalid",
                "Name, type and value of an attribute must not be empty.",
            ));
        };
        attributes.insert(name, (kind, value));
    }
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(invalid("more than 10 message attributes"));
    }
    let attributes_length: usize =
        attributes.iter().map(|(name, (kind, value))| name.len() + kind.len() + value.len()).sum();
    if message.len() + attributes_length > LENGTH_MAX {
        return Err(invalid("Message too long"));
    }

    let structured = match fields.get("MessageStructure").map(String::as_str) {
        None => None,
        Some("json") => {
            let object = Document::parse(message.as_bytes())
                .ok_or_else(|| invalid("Message Structure - JSON message body failed to parse"))?;
            let bodies = object.texts().ok_or_else(|| invalid("Message Structure - Duplicate keys"))?;
            if !bodies.contains_key("default") {
                return Err(invalid("Message Structure - No default entry in JSON message body"));
            }
            Some(bodies)
        }
        Some(_) => return Err(invalid("MessageStructure")),
    };
    let topic = fields.get("TopicArn").cloned().ok_or_else(|| invalid("TopicArn"))?;
    Ok(Published { topic, subject, message: message.clone(), attributes, structured })
}
