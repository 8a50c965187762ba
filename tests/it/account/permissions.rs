//! What IAM is asked about a call: action, resource, condition values; of the call itself, and of what AWS asks besides.
//! It judges nothing. `tests/e2e/test_iam.py` holds the template's roles against what tests log.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>

use std::collections::BTreeMap;

use super::calls::{Call, Service};
use super::http::Request;
use super::state::{Document, State};

/// One question to IAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub action: String,
    pub resource: String,
    pub conditions: BTreeMap<&'static str, String>,
}

impl Question {
    fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), conditions: BTreeMap::new() }
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.conditions.insert(key, value.into());
        self
    }
}

/// Everything that IAM is asked about a call that was just admitted.
pub fn questions(state: &State, call: &Call, request: &Request) -> Vec<Question> {
    match call.service {
        Service::Ecs => ecs(state, call, &Document::parse(&request.body).unwrap_or_default()),
        Service::S3 => s3(state, call, request),
        // The topic is encrypted with the product's key: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        Service::Sns => vec![
            Question::new(call.action(), &call.resource),
            key(state, "kms:GenerateDataKey"),
            key(state, "kms:Decrypt"),
        ],
    }
}

fn ecs(state: &State, call: &Call, input: &Document) -> Vec<Question> {
    let arn = |resource: String| state.home.arn("ecs", &resource);
    let cluster = short(&input.text("cluster").unwrap_or_else(|| "default".to_owned())).to_owned();
    let in_cluster = |question: Question| question.with("ecs:cluster", arn(format!("cluster/{cluster}")));
    let service = |name: &str| arn(format!("service/{cluster}/{}", short(name)));
    let each = |kind: &str, member: &str| -> Vec<Question> {
        let names: Vec<String> = input.read(member).unwrap_or_default();
        let arn = |name: &String| arn(format!("{kind}/{cluster}/{}", short(name)));
        names.iter().map(|name| in_cluster(Question::new(call.action(), arn(name)))).collect()
    };
    match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            // The number is not given yet when IAM is asked.
            let definition = arn(format!("task-definition/{}:*", call.resource));
            let privileged = call.privileged.unwrap_or_default().to_string();
            let registering = Question::new(call.action(), &definition).with("ecs:privileged", privileged);
            let is_tagged = input.list("tags").is_some_and(|tags| !tags.is_empty());
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
            let tagging = is_tagged.then(|| {
                Question::new("ecs:TagResource", &definition).with("ecs:CreateAction", "RegisterTaskDefinition")
            });
            [registering].into_iter().chain(tagging).chain(roles(state, input)).collect()
        }
        "CreateService" | "UpdateService" => {
            let named = input.text("service").or_else(|| input.text("serviceName")).unwrap_or_default();
            let changing = in_cluster(Question::new(call.action(), service(&named)));
            // A family without a number is resolved before IAM is asked.
            let wanted = input.text("taskDefinition").map(|name| short(&name).to_owned());
            let wanted = wanted.map(|name| state.ecs.latest(&name).unwrap_or(name));
            let target = wanted.as_ref().and_then(|id| state.ecs.revision(id));
            let passed = target.map(|revision| roles(state, &revision.input)).unwrap_or_default();
            let changing = match &wanted {
                Some(id) => changing.with("ecs:task-definition", arn(format!("task-definition/{id}"))),
                None => changing,
            };
            [changing].into_iter().chain(passed).collect()
        }
        "ListServiceDeployments" => {
            let named = input.text("service").unwrap_or_default();
            vec![in_cluster(Question::new(call.action(), service(&named)))]
        }
        "DescribeServices" => each("service", "services"),
        "DescribeTasks" => each("task", "tasks"),
        // These know the cluster as a condition only.
        "ListServices" | "ListTasks" => vec![in_cluster(Question::new(call.action(), "*"))],
        // The others know no resource.
        _ => vec![Question::new(call.action(), "*")],
    }
}

/// The roles that a task definition carries are passed to ECS tasks.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
fn roles(state: &State, definition: &Document) -> Vec<Question> {
    let named = ["taskRoleArn", "executionRoleArn"].iter().filter_map(|member| definition.text(member));
    let arn = |role: String| match role.starts_with("arn:") {
        true => role,
        false => format!("arn:{}:iam::{}:role/{role}", state.home.partition, state.home.account),
    };
    let passed = |role| Question::new("iam:PassRole", arn(role)).with("iam:PassedToService", "ecs-tasks.amazonaws.com");
    named.map(passed).collect()
}

fn s3(state: &State, call: &Call, request: &Request) -> Vec<Question> {
    let (bucket, key_or_prefix) = call.resource.split_once('/').unwrap_or((&call.resource, ""));
    let bucket_arn = format!("arn:{}:s3:::{bucket}", state.home.partition);
    let object = format!("{bucket_arn}/{key_or_prefix}");
    let listing = || Question::new("s3:ListBucket", &bucket_arn);
    match call.operation.as_str() {
        "ListObjectsV2" => vec![listing().with("s3:prefix", key_or_prefix)],
        "GetObject" | "HeadObject" => {
            let reading = Question::new("s3:GetObject", object);
            match state.s3.object(bucket, key_or_prefix) {
                Some(_) => vec![reading, key(state, "kms:Decrypt")],
                // Only who may list is told that nothing is there. Which prefix S3 takes for that is not documented:
                // none, or the key; a role must be allowed either way.
                None => vec![reading, listing(), listing().with("s3:prefix", key_or_prefix)],
            }
        }
        "PutObject" => {
            let mut writing = Question::new(call.action(), &object);
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
            if let Some(value) = request.header("if-none-match") {
                writing = writing.with("s3:if-none-match", value);
            }
            let mut comparing = None;
            if request.header("if-match").is_some() {
                writing = writing.with("s3:if-match", "ETAG");
                comparing = Some(Question::new("s3:GetObject", &object));
            }
            [writing, key(state, "kms:GenerateDataKey")].into_iter().chain(comparing).collect()
        }
        _ => vec![Question::new(call.action(), object)],
    }
}

/// The product's key. The account encrypts nothing; what encryption would ask for is asked all the same.
fn key(state: &State, action: &str) -> Question {
    Question::new(action, state.home.arn("kms", "key/state"))
}

/// The last part of a name or ARN.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
