//! Who made the call and with what tool, by the event's word: for the alert, never for a decision about privilege.
//! Everything here may be absent, and is text from outside: each sink escapes it.
//!
//! Shapes: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use super::event::{member, object, text};
use super::json::{Json, Member, Value};

/// Longer than any ARN; a user agent may be 1 KB of anything.
const LENGTH_MAX: usize = 256;

/// What an event says about the call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// CloudTrail's id of the event: the same however often it is delivered.
    pub event_id: Option<String>,
    /// The API call, like `UpdateService`.
    pub call: Option<String>,
    /// When the call was made, as written.
    pub event_time: Option<String>,
    /// Who made it.
    pub actor: Option<Actor>,
    /// With what.
    pub tool: Tool,
    /// The address that it came from, or the name of an AWS service.
    pub source_address: Option<String>,
    /// The user agent, as written.
    pub user_agent: Option<String>,
    /// The AWS service that made the call for somebody.
    pub invoked_by: Option<String>,
    /// Who had the guard's work done from a terminal, by STS's word: then no event started it.
    pub applied_by: Option<String>,
    /// Whether AWS Batch made it.
    is_by_batch: bool,
}

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What CloudTrail calls the kind of identity, like `AssumedRole`.
    pub kind: Option<String>,
    /// The name: of a role, a user, a person in Identity Center, or what comes nearest.
    pub name: String,
    /// The role session's name: for people often their mail address, for pipelines a build.
    pub session: Option<String>,
}

/// The tool that made a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tool {
    /// HashiCorp Terraform or OpenTofu.
    Terraform,
    /// A CloudFormation stack, by CDK or SAM or by itself.
    CloudFormation,
    /// A CodePipeline action.
    CodePipeline,
    /// GitHub's action for ECS deployments.
    GitHubAction,
    /// AWS Batch.
    Batch,
    /// The AWS console.
    Console,
    /// The AWS CLI.
    Cli,
    /// One of AWS's libraries.
    Sdk,
    /// Anything else.
    #[default]
    Unknown,
}

impl Tool {
    /// The tool's name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::CloudFormation => "CloudFormation (or CDK, SAM)",
            Self::CodePipeline => "CodePipeline",
            Self::GitHubAction => "GitHub action",
            Self::Batch => "AWS Batch",
            Self::Console => "AWS console",
            Self::Cli => "AWS CLI",
            Self::Sdk => "an AWS SDK",
            Self::Unknown => "not known",
        }
    }
}

impl Provenance {
    /// What is left of an event that told of AWS Batch, where only its record is known.
    #[must_use]
    pub fn of_batch() -> Self {
        Self { tool: Tool::Batch, is_by_batch: true, ..Self::default() }
    }

    /// Of a run that a person started from a terminal: nothing is known of the call but what a record says.
    #[must_use]
    pub fn of_person(who: String, is_by_batch: bool) -> Self {
        let told = if is_by_batch { Self::of_batch() } else { Self::default() };
        Self { applied_by: Some(who), ..told }
    }

    /// Of an event that says nothing of who made a call.
    #[must_use]
    pub fn of_event(event_id: Option<String>) -> Self {
        Self { event_id, ..Self::default() }
    }

    /// The same without the event: for what it tells of by the way.
    #[must_use]
    pub fn without_event(&self) -> Self {
        Self { event_id: None, event_time: None, ..self.clone() }
    }

    /// Reads what there is.
    pub(super) fn read(event: &[Member], detail: &[Member]) -> Self {
        let short = |of: &[Member], name: &str| text(of, name).map(cut);
        let identity = object(detail, "userIdentity");
        let user_agent = short(detail, "userAgent");
        let source_address = short(detail, "sourceIPAddress");
        let invoked_by = identity.as_ref().and_then(|identity| short(identity, "invokedBy"));
        let is_from_console = text(detail, "sessionCredentialFromConsole").is_some_and(|text| text == "true");
        let is_by_batch = invoked_by.as_deref() == Some("batch.amazonaws.com") || has_batch_tag(detail);
        Self {
            event_id: short(detail, "eventID").or_else(|| short(event, "id")),
            call: short(detail, "eventName"),
            event_time: short(detail, "eventTime"),
            actor: identity.and_then(|identity| Actor::read(&identity)),
            tool: match is_by_batch {
                true => Tool::Batch,
                false => tool(&[&user_agent, &invoked_by, &source_address], is_from_console),
            },
            source_address,
            user_agent,
            invoked_by,
            applied_by: None,
            is_by_batch,
        }
    }

    /// Whether AWS Batch made the call. Its service role may register only with this tag:
    /// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/BatchServiceRolePolicy.html>
    #[must_use]
    pub fn by_batch(&self) -> bool {
        self.is_by_batch
    }

    /// Who made the call, in words.
    #[must_use]
    pub fn actor_text(&self) -> Option<String> {
        let actor = self.actor.as_ref()?;
        let kind = actor.kind.as_deref().unwrap_or("identity");
        Some(match &actor.session {
            Some(session) => format!("{kind} {}, session {session}", actor.name),
            None => format!("{kind} {}", actor.name),
        })
    }
}

impl Actor {
    /// The best name that there is, from the most telling to the least.
    fn read(identity: &[Member]) -> Option<Self> {
        let short = |of: &[Member], name: &str| text(of, name).filter(|text| !text.is_empty()).map(cut);
        let issuer = object(identity, "sessionContext").and_then(|context| object(&context, "sessionIssuer"));
        let person = object(identity, "onBehalfOf").and_then(|person| short(&person, "userId"));
        let arn = short(identity, "arn");
        let principal = short(identity, "principalId");
        // An assumed role's ARN ends with the session; so does its principal id, after a colon.
        let of_arn = arn.as_deref().filter(|arn| arn.contains(":assumed-role/")).and_then(|arn| arn.rsplit('/').next());
        let of_principal = principal.as_deref().and_then(|id| id.split_once(':')).map(|(_, session)| session);
        let session = of_arn.or(of_principal).map(str::to_owned);
        let name = issuer
            .and_then(|issuer| short(&issuer, "userName"))
            .or(person)
            .or_else(|| short(identity, "userName"))
            .or(arn)
            .or(principal)
            .or_else(|| short(identity, "invokedBy"))
            .or_else(|| short(identity, "accountId"));
        Some(Self { kind: short(identity, "type"), name: name.or_else(|| short(identity, "type"))?, session })
    }
}

/// By what public samples of user agents hold; they are matched as parts, since tools wrap each other.
fn tool(says: &[&Option<String>; 3], is_from_console: bool) -> Tool {
    let holds = |part: &str| says.iter().any(|text| text.as_deref().is_some_and(|text| text.contains(part)));
    match () {
        () if holds("cloudformation.amazonaws.com") => Tool::CloudFormation,
        () if holds("codepipeline.amazonaws.com") => Tool::CodePipeline,
        () if holds("Terraform/") || holds("terraform-provider-aws") || holds("OpenTofu") => Tool::Terraform,
        () if holds("github-actions") => Tool::GitHubAction,
        () if is_from_console || holds("console.amazonaws.com") || holds("console.aws") => Tool::Console,
        () if holds("aws-cli/") => Tool::Cli,
        () if holds("aws-sdk-") || holds("Boto3/") || holds("Botocore/") => Tool::Sdk,
        () => Tool::Unknown,
    }
}

fn has_batch_tag(detail: &[Member]) -> bool {
    let tags = object(detail, "requestParameters").and_then(|request| member(&request, "tags"));
    let tags = tags.and_then(Json::elements).unwrap_or_default();
    tags.into_iter().filter_map(Json::members).any(|tag| {
        member(&tag, "key").is_some_and(|key| matches!(key.value(), Value::Text(key) if key.is("AWSBatchServiceTag")))
    })
}

fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LENGTH_MAX) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(detail: &str) -> Provenance {
        Provenance::read(&[], &Json::parse(detail).unwrap().members().unwrap())
    }

    #[test]
    fn who_is_the_most_telling_name_that_there_is() {
        for (identity, expected) in [
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/deploy/build-7","principalId":"AROA:build-7",
                    "sessionContext":{"sessionIssuer":{"userName":"deploy"}}}"#,
                Some("AssumedRole deploy, session build-7"),
            ),
            (r#"{"type":"IAMUser","userName":"jane","arn":"arn:aws:iam::1:user/jane"}"#, Some("IAMUser jane")),
            (r#"{"type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1"}}"#, Some("IdentityCenterUser u-1")),
            (r#"{"type":"AWSService","invokedBy":"batch.amazonaws.com"}"#, Some("AWSService batch.amazonaws.com")),
            (r#"{"type":"Root","userName":"","accountId":"1"}"#, Some("Root 1")),
            (r#"{"type":"Unknown"}"#, Some("Unknown Unknown")),
            ("{}", None),
            (r#""hidden""#, None),
        ] {
            let provenance = read(&format!(r#"{{"userIdentity":{identity}}}"#));
            assert_eq!(provenance.actor_text().as_deref(), expected, "{identity}");
        }
    }

    #[test]
    fn the_tool_is_found_wherever_it_names_itself() {
        let agent = |agent: &str| format!(r#"{{"userAgent":"{agent}"}}"#);
        for (detail, tool) in [
            (
                agent("APN/1.0 HashiCorp/1.0 Terraform/1.9.0 (+https://www.terraform.io) aws-sdk-go-v2/1.30"),
                Tool::Terraform,
            ),
            (agent("[aws-sdk-go-v2/1.2 terraform-provider-aws/5.60]"), Tool::Terraform),
            (agent("cloudformation.amazonaws.com"), Tool::CloudFormation),
            (r#"{"userIdentity":{"invokedBy":"cloudformation.amazonaws.com"}}"#.into(), Tool::CloudFormation),
            (agent("codepipeline.amazonaws.com"), Tool::CodePipeline),
            (agent("amazon-ecs-deploy-task-definition-for-github-actions"), Tool::GitHubAction),
            (r#"{"userAgent":"Mozilla/5.0","sessionCredentialFromConsole":"true"}"#.into(), Tool::Console),
            (agent("aws-cli/2.15.0 md/awscrt#0.19.19"), Tool::Cli),
            (agent("Boto3/1.34 md/Botocore#1.34"), Tool::Sdk),
            (r#"{"userIdentity":{"invokedBy":"batch.amazonaws.com"}}"#.into(), Tool::Batch),
            (r#"{"requestParameters":{"tags":[{"key":"AWSBatchServiceTag","value":"x"}]}}"#.into(), Tool::Batch),
            (agent("curl/8"), Tool::Unknown),
        ] {
            assert_eq!(read(&detail).tool, tool, "{detail}");
        }
    }

    #[test]
    fn a_long_text_from_outside_is_cut() {
        let long = format!(r#"{{"userAgent":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(read(&long).user_agent.unwrap().len(), LENGTH_MAX);
    }

    #[test]
    fn what_is_left_of_an_event_says_no_more_than_it_knows() {
        let of_batch = Provenance::of_batch();
        assert_eq!((of_batch.tool, of_batch.is_by_batch, of_batch.actor), (Tool::Batch, true, None));
        let whole = Provenance { event_time: Some("t".into()), ..Provenance::of_event(Some("e-1".into())) };
        let whole = Provenance { source_address: Some("198.51.100.17".into()), ..whole };
        let left = whole.without_event();
        assert_eq!((left.event_id, left.event_time, left.source_address), (None, None, whole.source_address));
    }
}
