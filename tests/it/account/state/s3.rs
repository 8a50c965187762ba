//! S3: objects and all their versions, and the conditions a write can make.
//! Path-style only; no multipart, no copies, no policies.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html>

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use aws_smithy_types::base64;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::super::chunks::Chunks;
use super::super::faults::precondition_failed;
use super::super::http::{Request, Response, hex, percent_decode, percent_encode, xml};
use super::{Caller, Refusal};

/// Buckets, and what the caller may know of them.
#[derive(Debug, Clone, Default)]
pub struct S3 {
    /// Without `s3:ListBucket` a missing key is 403 `AccessDenied`, not 404.
    pub hides_missing_keys: bool,
    buckets: BTreeMap<String, BTreeMap<String, Vec<Version>>>,
}

/// One version of an object. All buckets are versioned.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    /// Nothing: a delete marker.
    pub body: Option<Vec<u8>>,
    pub etag: String,
    pub last_modified: Timestamp,
    pub written_by: String,
    pub content_type: Option<String>,
}

/// Without the body, of which the `ETag` is the hash: the search for schedules compares accounts by this, often.
impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Version")
            .field("id", &self.id)
            .field("etag", &self.etag)
            .field("last_modified", &self.last_modified)
            .field("written_by", &self.written_by)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

impl S3 {
    /// One call.
    pub fn call(&mut self, operation: &str, request: &Request, caller: &Caller) -> Result<Response, Refusal> {
        let (bucket, key) = bucket_and_key(request);
        if !self.buckets.contains_key(&bucket) {
            return Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"));
        }
        match operation {
            "GetObject" | "HeadObject" => self.get(&bucket, &key, request),
            "PutObject" => self.put_checked(&bucket, &key, request, caller),
            "DeleteObject" => Ok(self.mark_deleted(&bucket, &key, caller)),
            "ListObjectsV2" => self.list(&bucket, request),
            _ => Err(not_implemented()),
        }
    }

    /// Makes an empty bucket.
    pub fn bucket(&mut self, name: &str) {
        self.buckets.entry(name.to_owned()).or_default();
    }

    /// What stands at a key now.
    pub fn object(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        self.current(bucket, key)?.body.as_deref()
    }

    /// The keys that have an object now.
    pub fn keys(&self, bucket: &str) -> Vec<&str> {
        let keys = self.buckets.get(bucket).into_iter().flat_map(BTreeMap::keys);
        keys.filter(|key| self.current(bucket, key).is_some()).map(String::as_str).collect()
    }

    /// Every version of a key, oldest first, delete markers included.
    pub fn versions(&self, bucket: &str, key: &str) -> &[Version] {
        self.buckets.get(bucket).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// Writes an object, whatever stands there; the bucket is made if need be.
    pub(super) fn put(&mut self, bucket: &str, key: &str, body: &[u8], caller: &Caller) -> &Version {
        let versions = self.buckets.entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default();
        versions.push(Version {
            id: format!("v{}", versions.len() + 1),
            body: Some(body.to_vec()),
            // Opaque, as S3's own are for encrypted objects; equal bytes have equal tags.
            etag: format!("\"{}\"", &hex(&Sha256::digest(body))[..32]),
            last_modified: caller.now,
            written_by: caller.principal.clone(),
            content_type: None,
        });
        &versions[versions.len() - 1]
    }

    /// Takes the objects with these keys out of a bucket, with all their versions.
    pub(super) fn part(&mut self, bucket: &str, is_taken: impl Fn(&str) -> bool) -> Self {
        let keys = self.buckets.entry(bucket.to_owned()).or_default();
        let (taken, kept) = std::mem::take(keys).into_iter().partition(|(key, _)| is_taken(key));
        *keys = kept;
        Self { hides_missing_keys: self.hides_missing_keys, buckets: BTreeMap::from([(bucket.to_owned(), taken)]) }
    }

    /// Forgets all versions but the newest of the objects with these keys.
    pub(super) fn forget_old_versions(&mut self, bucket: &str, is_meant: impl Fn(&str) -> bool) {
        let keys = self.buckets.get_mut(bucket).into_iter().flatten();
        for (_, versions) in keys.filter(|(key, _)| is_meant(key)) {
            versions.drain(..versions.len().saturating_sub(1));
        }
    }

    /// Takes over a copy of an object as it stands there.
    pub(super) fn copy_from(&mut self, other: &Self, bucket: &str, key: &str) {
        if let Some(version) = other.current(bucket, key) {
            self.buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), vec![version.clone()]);
        }
    }

    fn current(&self, bucket: &str, key: &str) -> Option<&Version> {
        self.versions(bucket, key).last().filter(|version| version.body.is_some())
    }

    fn get(&self, bucket: &str, key: &str, request: &Request) -> Result<Response, Refusal> {
        let version = match request.parameter("versionId") {
            Some(id) => self.versions(bucket, key).iter().find(|version| version.id == id),
            None => self.current(bucket, key),
        };
        let (Some(version), Some(body)) = (version, version.and_then(|version| version.body.clone())) else {
            return Err(match self.hides_missing_keys {
                true => Refusal::new(403, "AccessDenied", "Access Denied"),
                false => Refusal::new(404, "NoSuchKey", "The specified key does not exist."),
            });
        };
        let content_type = version.content_type.as_deref().unwrap_or("binary/octet-stream");
        let modified = version.last_modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Ok(Response::new(200, body)
            .with("content-type", content_type)
            .with("etag", &version.etag)
            .with("last-modified", modified)
            .with("x-amz-version-id", &version.id))
    }

    fn put_checked(
        &mut self,
        bucket: &str,
        key: &str,
        request: &Request,
        caller: &Caller,
    ) -> Result<Response, Refusal> {
        let body = body_of(request)?;
        let current = self.current(bucket, key);
        match (request.header("if-none-match"), request.header("if-match")) {
            (None, None) => {}
            (Some("*"), None) if current.is_none() => {}
            (Some("*"), None) => return Err(precondition_failed()),
            (None, Some(etag)) => match current {
                None => return Err(Refusal::new(404, "NoSuchKey", "The specified key does not exist.")),
                Some(version) if same_etag(&version.etag, etag) => {}
                Some(_) => return Err(precondition_failed()),
            },
            (Some(_), _) => return Err(not_implemented()),
        }
        let content_type = request.header("content-type").map(str::to_owned);
        let version = self.put(bucket, key, &body, caller);
        let response = Response::new(200, "").with("etag", &version.etag).with("x-amz-version-id", &version.id);
        if let Some(version) = self.buckets.get_mut(bucket).and_then(|keys| keys.get_mut(key)?.last_mut()) {
            version.content_type = content_type;
        }
        Ok(response)
    }

    /// Puts a delete marker on a key.
    pub(super) fn mark_deleted(&mut self, bucket: &str, key: &str, caller: &Caller) -> Response {
        let versions = self.buckets.entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default();
        let id = format!("v{}", versions.len() + 1);
        versions.push(Version {
            id: id.clone(),
            body: None,
            etag: String::new(),
            last_modified: caller.now,
            written_by: caller.principal.clone(),
            content_type: None,
        });
        Response::new(204, "").with("x-amz-delete-marker", "true").with("x-amz-version-id", id)
    }

    fn list(&self, bucket: &str, request: &Request) -> Result<Response, Refusal> {
        if request.parameter("delimiter").is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(not_implemented());
        }
        let invalid = |what: &str| Refusal::new(400, "InvalidArgument", format!("The {what} provided is incorrect"));
        let length: usize = match request.parameter("max-keys") {
            Some(number) => number.parse().map_err(|_| invalid("max-keys"))?,
            None => 1000,
        };
        let after = match request.parameter("continuation-token") {
            Some(token) => {
                let key = token.strip_prefix("after:").ok_or_else(|| invalid("continuation token"))?;
                Some(key.to_owned())
            }
            None => request.parameter("start-after"),
        };
        let prefix = request.parameter("prefix").unwrap_or_default();
        let keys: Vec<&str> = self
            .keys(bucket)
            .into_iter()
            .filter(|key| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after.as_str()))
            .collect();
        let length = length.min(1000);
        let page = &keys[..length.min(keys.len())];
        let url = request.parameter("encoding-type").as_deref() == Some("url");
        let shown = |key: &str| if url { percent_encode(key, "/") } else { xml(key) };

        let mut contents = String::new();
        for key in page {
            let Some(version) = self.current(bucket, key) else { continue };
            let _ = write!(
                contents,
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>\
                 <StorageClass>STANDARD</StorageClass></Contents>",
                shown(key),
                version.last_modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                xml(&version.etag),
                version.body.as_ref().map_or(0, Vec::len)
            );
        }
        let truncated = page.len() < keys.len();
        let token = match page.last().filter(|_| truncated) {
            Some(key) => format!("<NextContinuationToken>after:{}</NextContinuationToken>", xml(key)),
            None => String::new(),
        };
        let encoding = if url { "<EncodingType>url</EncodingType>" } else { "" };
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{length}</MaxKeys>{encoding}\
             <IsTruncated>{truncated}</IsTruncated>{token}{contents}</ListBucketResult>",
            xml(bucket),
            shown(&prefix),
            page.len()
        );
        Ok(Response::new(200, body).with("content-type", "application/xml"))
    }
}

/// The operation that method, path and query mean.
pub fn operation_of(request: &Request) -> String {
    let (_, key) = bucket_and_key(request);
    let listing = request.parameter("list-type").as_deref() == Some("2");
    let operation = match (request.method.as_str(), key.is_empty()) {
        ("GET", true) if listing => "ListObjectsV2",
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("PUT", false) => "PutObject",
        ("DELETE", false) => "DeleteObject",
        _ => "UnknownOperation",
    };
    operation.to_owned()
}

/// `bucket/key`; of a list, `bucket/prefix`.
pub fn resource_of(request: &Request) -> String {
    let (bucket, key) = bucket_and_key(request);
    let key = if key.is_empty() { request.parameter("prefix").unwrap_or_default() } else { key };
    format!("{bucket}/{key}")
}

fn bucket_and_key(request: &Request) -> (String, String) {
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (percent_decode(bucket), percent_decode(key))
}

fn same_etag(known: &str, given: &str) -> bool {
    known.trim_matches('"') == given.trim_matches('"')
}

fn not_implemented() -> Refusal {
    Refusal::new(
        501,
        "NotImplemented",
        "A header or parameter you provided implies functionality that is not implemented",
    )
}

/// The object's bytes: the body, or what its frames hold. A CRC32, before or after them, must be theirs; other
/// algorithms are not looked at.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
fn body_of(request: &Request) -> Result<Vec<u8>, Refusal> {
    let framed = request.header("x-amz-content-sha256").is_some_and(|stated| stated.starts_with("STREAMING-"));
    let incomplete = || Refusal::new(400, "IncompleteBody", "The request body terminated unexpectedly");
    let chunks = framed.then(|| Chunks::parse(&request.body).ok_or_else(incomplete)).transpose()?;
    let body = chunks.as_ref().map_or_else(|| request.body.clone(), Chunks::bytes);
    let trailer = chunks.and_then(|chunks| chunks.trailer(CRC32));
    match request.header(CRC32).or(trailer) {
        Some(stated) if stated != base64::encode(crc32(&body).to_be_bytes()) => {
            Err(Refusal::new(400, "BadDigest", "The CRC32 you specified did not match the calculated checksum."))
        }
        _ => Ok(body),
    }
}

const CRC32: &str = "x-amz-checksum-crc32";

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}
