//! Task definitions as ECS holds them: described as text, listed, registered as text, deregistered.
//! What to register is decided elsewhere; the last look that nothing privileged leaves is here.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{SortOrder, TaskDefinitionField, TaskDefinitionStatus};

use super::failure::{Call, call};
use super::pace::{Category, Pace};
use super::raw_json::{LastAnswer, put_body};
use super::tokens::Tokens;
use crate::domain::arn::{Family, Home, Revision, TaskDefinitionArn, TaskDefinitionId};
use crate::domain::daemon;
use crate::domain::document::{Described, DocumentError, RegisterInput};
use crate::domain::failure::{CallFailure, Transient};

/// The account's ECS in our Region.
#[derive(Debug, Clone)]
pub struct Ecs {
    pub(super) client: aws_sdk_ecs::Client,
    pub(super) home: Home,
    pub(super) pace: Arc<Pace>,
}

/// The ACTIVE revisions of the account and Region, as far as they were listed.
#[derive(Debug, Default)]
pub struct Listing {
    /// By family; the numbers in no order.
    pub families: BTreeMap<Family, Vec<Revision>>,
    /// Whether there is no further page.
    pub is_complete: bool,
    next: Option<String>,
    tokens: Tokens,
}

/// Why there is no description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescribeError {
    /// The call failed.
    #[error(transparent)]
    Call(CallFailure),
    /// ECS answered with something that is not a task definition as we know them.
    #[error("the description of {what} cannot be understood: {error}")]
    Malformed {
        /// What was to be described.
        what: String,
        /// What is wrong with it.
        error: DocumentError,
    },
}

/// The proof that the original is backed up. Registering takes it, so that the order is compiled, not remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReceipt {
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub sha256: String,
}

impl Ecs {
    /// Describes a revision (or, of a bare family, its latest ACTIVE one) with its tags. None: ECS knows no such one.
    ///
    /// # Errors
    /// When the call fails or its answer cannot be understood.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>
    pub async fn describe(&self, what: &str) -> Result<Option<Described>, DescribeError> {
        self.keep(Category::TaskDefinitionRead).await;
        let call = call("ecs:DescribeTaskDefinition", what);
        let answer = LastAnswer::default();
        let result = self
            .client
            .describe_task_definition()
            .task_definition(what)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await;
        match (answer.take(), result) {
            (Some(bytes), _) => {
                let text = json_text(bytes, call).map_err(DescribeError::Call)?;
                let malformed = |error| DescribeError::Malformed { what: what.to_owned(), error };
                Described::parse(&text).map(Some).map_err(malformed)
            }
            (None, Err(error)) if is_unknown_definition(&error) => Ok(None),
            (None, Err(error)) => Err(DescribeError::Call(call.failure(&error))),
            (None, Ok(_)) => Err(DescribeError::Call(call.transient(Transient::GarbledAnswer))),
        }
    }

    /// The failure of a description that does not show yet what must be there.
    #[must_use]
    pub fn not_yet_visible(&self, id: &TaskDefinitionId) -> CallFailure {
        call("ecs:DescribeTaskDefinition", id.to_string()).transient(Transient::NotYetVisible)
    }

    /// Whether a daemon task definition has privileged containers, and which. None: ECS knows no such one.
    ///
    /// # Errors
    /// When the call fails or its answer cannot be understood.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeDaemonTaskDefinition.html>
    pub async fn privileged_in_daemon(&self, arn: &str) -> Result<Option<Vec<String>>, DescribeError> {
        let call = call("ecs:DescribeDaemonTaskDefinition", arn);
        let answer = LastAnswer::default();
        let request = self.client.describe_daemon_task_definition().daemon_task_definition(arn);
        let result = request.customize().interceptor(answer.clone()).send().await;
        match (answer.take(), result) {
            (Some(bytes), _) => {
                let text = json_text(bytes, call).map_err(DescribeError::Call)?;
                let malformed = |error| DescribeError::Malformed { what: arn.to_owned(), error };
                daemon::privileged_containers(&text).map(Some).map_err(malformed)
            }
            (None, Err(error)) if is_unknown_definition(&error) => Ok(None),
            (None, Err(error)) => Err(DescribeError::Call(call.failure(&error))),
            (None, Ok(_)) => Err(DescribeError::Call(call.transient(Transient::GarbledAnswer))),
        }
    }

    pub(super) async fn keep(&self, category: Category) {
        self.pace.keep(category).await;
    }

    /// Reads one more page of all ACTIVE revisions of the account and Region.
    ///
    /// # Errors
    /// When the page cannot be read, or leads back to one that was shown. What was listed stays, to go on from there.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>
    pub async fn list_on(&self, listing: &mut Listing) -> Result<(), CallFailure> {
        let call = || call("ecs:ListTaskDefinitions", "*");
        self.keep(Category::TaskDefinitionRead).await;
        let request = self.client.list_task_definitions().status(TaskDefinitionStatus::Active).max_results(100);
        let page = request.set_next_token(listing.next.clone()).send().await;
        let page = page.map_err(|error| call().failure(&error))?;
        let arns = page.task_definition_arns.into_iter().flatten();
        for id in arns.filter_map(|arn| arn.parse::<TaskDefinitionArn>().ok()).map(|arn| arn.id) {
            listing.families.entry(id.family).or_default().push(id.revision);
        }
        listing.is_complete = page.next_token.is_none();
        match listing.tokens.lead_on(page.next_token.as_ref()) {
            true => listing.next = page.next_token,
            false => return Err(call().refused()),
        }
        Ok(())
    }

    /// The numbers of a family's ACTIVE revisions, all of those above `floor` and perhaps some below, from the highest.
    ///
    /// # Errors
    /// When a page cannot be read.
    pub async fn active_revisions(&self, family: &Family, floor: Revision) -> Result<Vec<Revision>, CallFailure> {
        self.list(family, &TaskDefinitionStatus::Active, floor).await
    }

    /// The same of INACTIVE revisions, which can never become ACTIVE again.
    ///
    /// # Errors
    /// When a page cannot be read.
    pub async fn inactive_revisions(&self, family: &Family, floor: Revision) -> Result<Vec<Revision>, CallFailure> {
        self.list(family, &TaskDefinitionStatus::Inactive, floor).await
    }

    /// `familyPrefix` is, in spite of its name, the exact family. A page may be short or empty: only a missing token
    /// is the end. <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>
    async fn list(
        &self,
        family: &Family,
        status: &TaskDefinitionStatus,
        floor: Revision,
    ) -> Result<Vec<Revision>, CallFailure> {
        let call = || call("ecs:ListTaskDefinitions", family.as_str());
        let mut revisions = Vec::new();
        let (mut token, mut tokens) = (None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            self.keep(Category::TaskDefinitionRead).await;
            let request = self.client.list_task_definitions().family_prefix(family.as_str());
            let request = request.status(status.clone()).sort(SortOrder::Desc).max_results(100);
            let page = request.set_next_token(token).send().await.map_err(|error| call().failure(&error))?;
            let ids = page.task_definition_arns.into_iter().flatten();
            let ids = ids.filter_map(|arn| arn.parse::<TaskDefinitionArn>().ok()).map(|arn| arn.id);
            revisions.extend(ids.filter(|id| id.family == *family).map(|id| id.revision));
            token = page.next_token;
            let reached_the_floor = revisions.iter().any(|revision| *revision <= floor);
            if token.is_none() || reached_the_floor {
                revisions.sort_unstable_by(|a, b| b.cmp(a));
                revisions.dedup();
                return Ok(revisions);
            }
        }
        Err(call().refused())
    }

    /// Registers a copy, byte for byte as given. Sent once: the SDK's retries would repeat a registration whose answer
    /// was lost.
    ///
    /// # Errors
    /// `Transient` means that it is not known whether the work was done. Nothing is sent if a container is privileged.
    pub async fn register(&self, copy: &RegisterInput, _: &BackupReceipt) -> Result<TaskDefinitionId, CallFailure> {
        // The last look, at the very bytes that are sent.
        match RegisterInput::parse(copy.as_str()) {
            Ok(sent) if sent.privileged_containers().is_empty() => self.send_registration(copy).await,
            Ok(_) | Err(_) => Err(self.registration_of(copy).refused()),
        }
    }

    /// Registers an original again, with its privilege: of the functions only backout may, and only its role can. An
    /// operator's doctor registers one that nothing runs.
    ///
    /// # Errors
    /// As for [`Ecs::register`].
    pub async fn register_original(&self, original: &RegisterInput) -> Result<TaskDefinitionId, CallFailure> {
        self.send_registration(original).await
    }

    fn registration_of(&self, input: &RegisterInput) -> Call {
        let resource = self.home.ecs_arn(&format!("task-definition/{}:*", input.family()));
        call("ecs:RegisterTaskDefinition", resource)
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
    async fn send_registration(&self, input: &RegisterInput) -> Result<TaskDefinitionId, CallFailure> {
        self.keep(Category::TaskDefinitionWrite).await;
        let call = self.registration_of(input);
        let body = input.as_str().as_bytes().to_vec();
        let answer = LastAnswer::default();
        let result = self
            .client
            .register_task_definition()
            .family(input.family().as_str())
            .set_container_definitions(Some(Vec::new()))
            .customize()
            .config_override(aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled()))
            .interceptor(answer.clone())
            .mutate_request(move |request| put_body(request, &body))
            .send()
            .await;
        match (answer.take(), result) {
            (Some(bytes), _) => {
                let text = json_text(bytes, call.clone())?;
                // It was registered; which number it got is then looked up by observing again.
                let described = Described::parse(&text).map_err(|_| call.transient(Transient::GarbledAnswer))?;
                Ok(described.id().clone())
            }
            (None, Err(error)) => Err(call.failure(&error)),
            (None, Ok(_)) => Err(call.transient(Transient::GarbledAnswer)),
        }
    }

    /// Deregisters a revision: a function only a copy of ours, an operator an original too. Sent once; repeating it is
    /// harmless, but whoever repeats looks first.
    ///
    /// # Errors
    /// `Transient` means that it is not known whether the work was done.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>
    pub async fn deregister(&self, id: &TaskDefinitionId) -> Result<(), CallFailure> {
        self.keep(Category::TaskDefinitionWrite).await;
        let answer = LastAnswer::default();
        let result = self
            .client
            .deregister_task_definition()
            .task_definition(id.to_string())
            .customize()
            .config_override(aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled()))
            .interceptor(answer.clone())
            .send()
            .await;
        match (answer.take(), result) {
            (Some(_), _) | (None, Ok(_)) => Ok(()),
            (None, Err(error)) => Err(call("ecs:DeregisterTaskDefinition", id.to_string()).failure(&error)),
        }
    }
}

/// Cut or garbled JSON is a matter of transport; JSON of another shape is not.
fn json_text(bytes: Vec<u8>, call: Call) -> Result<String, CallFailure> {
    match String::from_utf8(bytes) {
        Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => Ok(text),
        Ok(_) | Err(_) => Err(call.transient(Transient::GarbledAnswer)),
    }
}

/// ECS has no error of its own for an unknown task definition: it is a `ClientException` with this message.
fn is_unknown_definition(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ClientException")
        && error.message().is_some_and(|message| message.contains("Unable to describe"))
}
