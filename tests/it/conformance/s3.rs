//! S3: conditions, versions, lists.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::{PutObjectError, PutObjectOutput};
use aws_sdk_s3::primitives::ByteStream;

use super::super::account::{Account, GUARD};
use super::{Clients, refusal};

async fn put(
    s3: &aws_sdk_s3::Client,
    key: &str,
    body: &'static str,
    condition: (&str, &str),
) -> Result<PutObjectOutput, SdkError<PutObjectError>> {
    let put = s3.put_object().bucket("state").key(key).body(ByteStream::from_static(body.as_bytes()));
    match condition {
        ("none-match", value) => put.if_none_match(value).send().await,
        ("match", value) => put.if_match(value).send().await,
        _ => put.send().await,
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
#[tokio::test]
async fn a_conditional_write_succeeds_only_when_its_condition_holds() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;

    let first = put(&s3, "a/b c+ü.json", "one", ("none-match", "*")).await.unwrap();
    assert_eq!(refusal(put(&s3, "a/b c+ü.json", "two", ("none-match", "*")).await).0, "PreconditionFailed");
    assert_eq!(refusal(put(&s3, "a/b c+ü.json", "two", ("match", "\"stale\"")).await).0, "PreconditionFailed");
    assert_eq!(refusal(put(&s3, "none", "two", ("match", "\"stale\"")).await).0, "NoSuchKey");
    let second = put(&s3, "a/b c+ü.json", "two", ("match", first.e_tag().unwrap())).await.unwrap();
    assert_ne!(first.e_tag(), second.e_tag());

    let state = account.state();
    assert_eq!(state.s3.object("state", "a/b c+ü.json"), Some(&b"two"[..]));
    let versions = state.s3.versions("state", "a/b c+ü.json");
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].written_by, GUARD);
    assert_eq!(state.calls()[0].condition.as_deref(), Some("if-none-match: *"));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html>: a marker counts as nothing there.
#[tokio::test]
async fn after_a_delete_marker_the_key_is_free_and_the_old_version_is_kept() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    let first = put(&s3, "k", "one", ("none-match", "*")).await.unwrap();
    s3.delete_object().bucket("state").key("k").send().await.unwrap();
    assert_eq!(refusal(s3.get_object().bucket("state").key("k").send().await).0, "NoSuchKey");
    put(&s3, "k", "two", ("none-match", "*")).await.unwrap();
    assert_eq!(account.state().s3.versions("state", "k").len(), 3);
    let old = s3.get_object().bucket("state").key("k").version_id(first.version_id().unwrap()).send().await.unwrap();
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"one");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
#[tokio::test]
async fn a_missing_key_is_404_or_403_where_the_bucket_cannot_be_listed() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    let get = || s3.get_object().bucket("state").key("none").send();
    assert_eq!(get().await.unwrap_err().raw_response().unwrap().status().as_u16(), 404);
    assert_eq!(refusal(get().await).0, "NoSuchKey");
    assert!(s3.head_object().bucket("state").key("none").send().await.unwrap_err().into_service_error().is_not_found());
    account.state().s3.hides_missing_keys = true;
    assert_eq!(refusal(get().await).0, "AccessDenied");
    assert_eq!(refusal(s3.get_object().bucket("other").key("k").send().await).0, "NoSuchBucket");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
#[tokio::test]
async fn an_object_comes_with_its_tag_and_time() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    let written = put(&s3, "k", "body", ("", "")).await.unwrap();
    let read = s3.get_object().bucket("state").key("k").send().await.unwrap();
    assert_eq!(read.e_tag(), written.e_tag());
    assert_eq!(read.last_modified().unwrap().secs(), 1_768_478_400);
    let head = s3.head_object().bucket("state").key("k").send().await.unwrap();
    assert_eq!((head.e_tag(), head.content_length()), (written.e_tag(), Some(4)));
    assert_eq!(read.body.collect().await.unwrap().to_vec(), b"body");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
#[tokio::test]
async fn a_checksum_that_is_not_the_objects_is_refused() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    let put =
        s3.put_object().bucket("state").key("k").body(ByteStream::from_static(b"body")).checksum_crc32("AAAAAA==");
    assert_eq!(refusal(put.send().await).0, "BadDigest");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
#[tokio::test]
async fn a_body_that_comes_in_chunks_is_kept_without_their_frames() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    let file = ByteStream::from_path("Cargo.toml").await.unwrap();
    s3.put_object().bucket("state").key("k").body(file).send().await.unwrap();
    let state = account.state();
    let kept = state.s3.object("state", "k").unwrap();
    assert_eq!(kept, std::fs::read("Cargo.toml").unwrap());
    assert_ne!(kept, state.calls()[0].body, "the SDK sent it in chunks");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
#[tokio::test]
async fn keys_are_listed_by_prefix_in_pages() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let s3 = Clients::of(&account, GUARD).s3;
    for key in ["records/a", "records/b&<c>", "records/d", "reports/a"] {
        put(&s3, key, "x", ("", "")).await.unwrap();
    }
    s3.delete_object().bucket("state").key("records/d").send().await.unwrap();
    let page = s3.list_objects_v2().bucket("state").prefix("records/").max_keys(1).send().await.unwrap();
    assert_eq!((page.is_truncated(), page.contents()[0].key()), (Some(true), Some("records/a")));
    let token = page.next_continuation_token().unwrap();
    let rest = s3.list_objects_v2().bucket("state").prefix("records/").continuation_token(token).send().await.unwrap();
    assert_eq!((rest.is_truncated(), rest.contents().len()), (Some(false), 1));
    let object = &rest.contents()[0];
    assert_eq!((object.key(), object.size()), (Some("records/b&<c>"), Some(1)));
    assert!(object.e_tag().is_some() && object.last_modified().is_some());
    let after = s3.list_objects_v2().bucket("state").start_after("records/b&<c>").send().await.unwrap();
    assert_eq!(after.contents()[0].key(), Some("reports/a"));
}
