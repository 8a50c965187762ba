//! Who may speak: Signature Version 4, over the bytes that arrive.

use aws_sdk_s3::primitives::ByteStream;

use super::super::account::{Account, GUARD, Key, PIPELINE, State};
use super::{ChangedAfterSigning, Clients, definition, refusal, register};

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>
#[tokio::test]
async fn a_body_changed_after_signing_is_refused_with_403() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let clients = Clients::of(&account, GUARD);

    let tampered = ChangedAfterSigning(br#"{"family":"web","containerDefinitions":[{"name":"evil"}]}"#);
    let error = clients.ecs.register_task_definition().family("web").customize().interceptor(tampered).send().await;
    assert_eq!(error.as_ref().unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(refusal(error).0, "InvalidSignatureException");

    let put = clients.s3.put_object().bucket("state").key("k").body(ByteStream::from_static(b"good"));
    let error = put.customize().interceptor(ChangedAfterSigning(b"evil")).send().await;
    assert_eq!(error.as_ref().unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(refusal(error).0, "XAmzContentSHA256Mismatch");

    let topic = account.state().topic("alerts");
    let publish = clients.sns.publish().topic_arn(topic).message("good");
    let error = publish.customize().interceptor(ChangedAfterSigning(b"Action=Publish&Message=evil")).send().await;
    assert_eq!(error.as_ref().unwrap_err().raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(refusal(error).0, "SignatureDoesNotMatch");

    let state = account.state();
    assert_eq!(state.calls().len(), 0, "what is not signed is no call");
    assert!(state.ecs.active("web").is_empty() && state.s3.keys("state").is_empty() && state.sns.messages().is_empty());
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>
#[tokio::test]
async fn an_unknown_key_a_wrong_secret_and_another_region_are_refused() {
    let account = Account::start().await;
    let key = account.state().key_of(GUARD).clone();

    let unknown = Clients::with(&account, &Key { id: "AKIANOBODY".to_owned(), ..key.clone() }, "eu-west-1");
    assert_eq!(refusal(unknown.ecs.list_clusters().send().await).0, "UnrecognizedClientException");
    assert_eq!(refusal(unknown.s3.get_object().bucket("b").key("k").send().await).0, "InvalidAccessKeyId");
    assert_eq!(refusal(unknown.sns.publish().message("m").send().await).0, "InvalidClientTokenId");

    let wrong = Clients::with(&account, &Key { secret: "guessed".to_owned(), ..key.clone() }, "eu-west-1");
    assert_eq!(refusal(wrong.ecs.list_clusters().send().await).0, "InvalidSignatureException");
    assert_eq!(refusal(wrong.s3.get_object().bucket("b").key("k").send().await).0, "SignatureDoesNotMatch");

    let elsewhere = Clients::with(&account, &key, "us-east-1");
    assert_eq!(refusal(elsewhere.ecs.list_clusters().send().await).0, "InvalidSignatureException");
    assert_eq!(refusal(elsewhere.s3.get_object().bucket("b").key("k").send().await).0, "AuthorizationHeaderMalformed");
}

/// <https://docs.aws.amazon.com/general/latest/gr/rande.html>: nothing here is tied to one account or Region.
#[tokio::test]
async fn another_account_in_another_region_has_its_own_arns() {
    let account = Account::serve(State::new("ap-southeast-2", "444455556666")).await;
    let key = account.state().key_of(GUARD).clone();
    let shown =
        register(&Clients::with(&account, &key, "ap-southeast-2").ecs, &definition("web", false)).await.unwrap();
    assert!(shown.contains("arn:aws:ecs:ap-southeast-2:444455556666:task-definition/web:1"), "{shown}");
    assert!(shown.contains("arn:aws:sts::444455556666:assumed-role/guard-role/guard"), "{shown}");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html> (registeredBy)
#[tokio::test]
async fn a_revision_is_registered_by_the_principal_of_the_key() {
    let account = Account::start().await;
    for principal in [PIPELINE, GUARD] {
        register(&Clients::of(&account, principal).ecs, &definition("web", false)).await.unwrap();
    }
    let state = account.state();
    assert_eq!(state.ecs.revision("web:1").unwrap().registered_by, PIPELINE);
    assert_eq!(state.ecs.revision("web:2").unwrap().registered_by, GUARD);
}
