//! The bucket: conditional writes, reads that tell "nothing there" from "not allowed to know", listing by prefix.
//! It knows bytes and keys; what they mean is decided elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;

use super::clock::Clock;
use super::failure::call;
use crate::domain::failure::{CallFailure, Transient};

/// A body is read in this time, or the read has failed: the SDK's own time-outs end with the headers.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// 1,000 keys a page: a million records of one family are more than ECS allows revisions.
const PAGES_MAX: usize = 1_000;
/// So many objects are remembered, and none that is longer: records of about a kilobyte, in a function of 256 MB.
const REMEMBERED_MAX: usize = 10_000;
const REMEMBERED_LENGTH_MAX: usize = 8 * 1024;

/// The bucket that holds backups, records and exemptions.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub(super) client: aws_sdk_s3::Client,
    pub(super) name: String,
    pub(super) arn_prefix: String,
    pub(super) clock: Clock,
    /// What was read, for whoever lists the same keys again and again.
    pub(super) memory: Option<Arc<Mutex<BTreeMap<String, Object>>>>,
}

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The bytes, as text; what is not UTF-8 cannot be ours and is replaced.
    pub text: String,
    /// The `ETag`, for a write that must find it unchanged.
    pub etag: String,
    /// When S3 says it was written.
    pub written_at: Option<Timestamp>,
}

/// What a write must find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing under the key (`If-None-Match: *`).
    Nothing,
    /// The object with this `ETag` (`If-Match`).
    Etag(String),
}

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is stored, under this `ETag`.
    Yes(String),
    /// Something else than expected is there; nothing was written.
    Changed,
}

/// A key that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// Its `ETag`.
    pub etag: String,
    /// When S3 says it was written.
    pub written_at: Option<Timestamp>,
}

impl Bucket {
    /// The ARN of an object, for an IAM statement.
    #[must_use]
    pub fn arn(&self, key: &str) -> String {
        format!("{}/{key}", self.arn_prefix)
    }

    /// Reads an object. Only S3's own `NoSuchKey` is "none".
    ///
    /// # Errors
    /// On everything else: without `s3:ListBucket` S3 answers 403 for a missing key, and that is not "none" either.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub async fn get(&self, key: &str) -> Result<Option<Object>, CallFailure> {
        let call = call("s3:GetObject", self.arn(key));
        let answer = self.client.get_object().bucket(&self.name).key(key).send().await;
        let output = match answer {
            Ok(output) => output,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(call.failure(&error)),
        };
        let (etag, written_at) = (output.e_tag.unwrap_or_default(), output.last_modified.and_then(timestamp));
        match self.clock.within(BODY_TIMEOUT, output.body.collect()).await {
            Some(Ok(body)) => {
                let text = String::from_utf8_lossy(&body.to_vec()).into_owned();
                Ok(Some(Object { text, etag, written_at }))
            }
            Some(Err(_)) => Err(call.transient(Transient::Unreachable)),
            None => Err(call.transient(Transient::TimedOut)),
        }
    }

    /// The same bucket, which reads no object again that is listed as it was read.
    #[must_use]
    pub fn remembering(&self) -> Self {
        Self { memory: Some(Arc::default()), ..self.clone() }
    }

    /// Reads an object that was listed just now. Nothing stale comes of what is remembered: another content has another
    /// `ETag`, and a list shows what was written before it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>,
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel>
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_listed(&self, listed: &Listed) -> Result<Option<Object>, CallFailure> {
        let memory = || self.memory.as_ref().map(|memory| memory.lock().unwrap_or_else(PoisonError::into_inner));
        let remembered = memory().and_then(|memory| memory.get(&listed.key).cloned());
        if let Some(object) = remembered.filter(|object| !listed.etag.is_empty() && object.etag == listed.etag) {
            return Ok(Some(object));
        }
        let read = self.get(&listed.key).await?;
        let short = read.as_ref().filter(|object| object.text.len() <= REMEMBERED_LENGTH_MAX);
        if let (Some(mut memory), Some(object)) = (memory(), short) {
            if memory.len() >= REMEMBERED_MAX {
                memory.clear();
            }
            memory.insert(listed.key.clone(), object.clone());
        }
        Ok(read)
    }

    /// Writes an object if the key holds what is expected.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    ///
    /// # Errors
    /// When it is not known to be written, and not known to have been refused for the condition.
    pub async fn put(&self, key: &str, text: &str, expect: &Expect) -> Result<Written, CallFailure> {
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(text.as_bytes().to_vec()));
        let request = match expect {
            Expect::Nothing => request.if_none_match("*"),
            Expect::Etag(etag) => request.if_match(etag),
        };
        match request.send().await {
            Ok(answer) => Ok(Written::Yes(answer.e_tag.unwrap_or_default())),
            Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                Some(412) => Ok(Written::Changed),
                // With `If-Match`: the object is gone.
                Some(404) if error.code() == Some("NoSuchKey") => Ok(Written::Changed),
                Some(_) | None => Err(call("s3:PutObject", self.arn(key)).failure(&error)),
            },
        }
    }

    /// Writes an object, whatever the key holds.
    ///
    /// # Errors
    /// When it is not known to be written.
    pub async fn replace(&self, key: &str, text: String, content_type: &str) -> Result<(), CallFailure> {
        let request = self.client.put_object().bucket(&self.name).key(key).content_type(content_type);
        let sent = request.body(ByteStream::from(text.into_bytes())).send().await;
        sent.map(|_| ()).map_err(|error| call("s3:PutObject", self.arn(key)).failure(&error))
    }

    /// The failure of a write that others keep overtaking.
    #[must_use]
    pub fn conflict(&self, key: &str) -> CallFailure {
        call("s3:PutObject", self.arn(key)).transient(Transient::Conflict)
    }

    /// All keys below a prefix.
    ///
    /// # Errors
    /// When a page cannot be read, or there are more than a million keys.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, CallFailure> {
        let call = || call("s3:ListBucket", self.arn_prefix.clone());
        let mut listed = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            let page = request.set_continuation_token(token).send().await.map_err(|error| call().failure(&error))?;
            listed.extend(page.contents.into_iter().flatten().filter_map(|object| {
                Some(Listed {
                    key: object.key?,
                    etag: object.e_tag.unwrap_or_default(),
                    written_at: object.last_modified.and_then(timestamp),
                })
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(listed);
            }
        }
        Err(call().refused())
    }
}

fn timestamp(time: aws_sdk_s3::primitives::DateTime) -> Option<Timestamp> {
    Timestamp::from_second(time.secs()).ok()
}
