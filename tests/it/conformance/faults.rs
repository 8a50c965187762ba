//! What can go wrong, and what others do in between.

use std::time::Duration;

use aws_sdk_ecs::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;

use super::super::account::state::Budget;
use super::super::account::{Account, Calls, Fault, GUARD, Kind, PIPELINE, Seen, Service};
use super::{Clients, definition, describe, refusal, register};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>
#[tokio::test]
async fn a_category_that_is_used_up_throttles_until_its_bucket_fills() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let now = account.state().now;
    account.state().budget = Some(Budget::empty(now));
    let refused = register(&ecs, &definition("web", false)).await.unwrap_err();
    assert_eq!(refused, ("ThrottlingException".to_owned(), "Rate exceeded".to_owned()));
    account.state().pass(Duration::from_secs(1));
    register(&ecs, &definition("web", false)).await.unwrap();
    let answer = ecs.deregister_task_definition().task_definition("web:1").send().await;
    assert_eq!(refusal(answer).0, "ThrottlingException", "both share one bucket");
    describe(&ecs, "web").await.unwrap();
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>
#[tokio::test]
async fn each_service_refuses_in_its_own_words() {
    let account = Account::start().await;
    account.state().s3.bucket("state");
    let clients = Clients::of(&account, GUARD);
    for (kind, ecs, s3, sns) in [
        (Kind::Throttled, "ThrottlingException", "SlowDown", "Throttled"),
        (Kind::Internal, "ServerException", "InternalError", "InternalError"),
        (Kind::AccessDenied("x:Y"), "AccessDeniedException", "AccessDenied", "AuthorizationError"),
        (Kind::InvalidParameter, "InvalidParameterException", "InvalidArgument", "InvalidParameter"),
        (Kind::ExpiredToken, "ExpiredTokenException", "ExpiredToken", "ExpiredToken"),
        (Kind::LimitExceeded, "LimitExceededException", "LimitExceeded", "LimitExceeded"),
    ] {
        account.state().heal();
        account.state().inject(Fault::always(kind, Calls::all()));
        assert_eq!(describe(&clients.ecs, "web").await.unwrap_err().0, ecs);
        assert_eq!(refusal(clients.s3.get_object().bucket("state").key("k").send().await).0, s3);
        assert_eq!(refusal(clients.sns.publish().message("m").send().await).0, sns);
    }
    account.state().heal();
    for (kind, code) in
        [(Kind::Conflict, "ConditionalRequestConflict"), (Kind::PreconditionFailed, "PreconditionFailed")]
    {
        account.state().inject(Fault::once(kind, Calls::of("PutObject")));
        let put = || clients.s3.put_object().bucket("state").key("k").body(ByteStream::from_static(b"x")).send();
        assert_eq!(refusal(put().await).0, code);
        put().await.unwrap();
    }
    account.state().inject(Fault::once(Kind::TooManyConcurrentAttempts, Calls::of("RegisterTaskDefinition")));
    let (code, message) = register(&clients.ecs, &definition("web", false)).await.unwrap_err();
    assert_eq!(code, "ClientException");
    assert!(message.starts_with("Too many concurrent attempts to create a new revision"), "{message}");
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[tokio::test]
async fn a_denial_names_principal_action_and_resource() {
    let account = Account::start().await;
    account
        .state()
        .inject(Fault::once(Kind::AccessDenied("iam:PassRole"), Calls::of("RegisterTaskDefinition").by(GUARD)));
    register(&Clients::of(&account, PIPELINE).ecs, &definition("web", false)).await.unwrap();
    let (_, message) = register(&Clients::of(&account, GUARD).ecs, &definition("web", false)).await.unwrap_err();
    assert_eq!(
        message,
        format!(
            "User: {GUARD} is not authorized to perform: iam:PassRole on resource: \
             arn:aws:ecs:eu-west-1:111122223333:task-definition/web because no identity-based policy allows the \
             iam:PassRole action"
        )
    );
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>: a lost answer says nothing about
/// the work.
#[tokio::test]
async fn an_answer_can_be_lost_before_the_work_after_it_or_half_way() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, GUARD).ecs;
    for (kind, registered) in [(Kind::CutBefore, 0), (Kind::CutAfter, 1), (Kind::Garbled, 2)] {
        account.state().inject(Fault::once(kind.clone(), Calls::of("RegisterTaskDefinition")));
        let result = ecs
            .register_task_definition()
            .family("web")
            .container_definitions(aws_sdk_ecs::types::ContainerDefinition::builder().name("app").build())
            .send()
            .await;
        match result.unwrap_err() {
            SdkError::DispatchFailure(_) if kind != Kind::Garbled => {}
            SdkError::ResponseError(error) if kind == Kind::Garbled => assert_eq!(error.raw().status().as_u16(), 200),
            other => panic!("{kind:?}: {other:?}"),
        }
        let state = account.state();
        assert_eq!(state.ecs.active("web").len(), registered, "{kind:?}");
        assert_eq!(state.calls().last().unwrap().seen, Seen::Lost { done: registered > 0 });
    }
}

/// No page: the account's own counting.
#[tokio::test]
async fn a_fault_hits_the_nth_call_and_so_many_after_it() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, GUARD).ecs;
    account.state().inject(Fault::times(2, Kind::Throttled, Calls::to(Service::Ecs).starting_at(2)));
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(ecs.list_clusters().send().await.is_ok());
    }
    assert_eq!(answers, [true, false, false, true, true]);
}

/// No page: a delay on the wire makes a client's time-out real.
#[tokio::test]
async fn a_delay_after_the_work_leaves_it_done() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, GUARD).ecs;
    account.state().inject(Fault::once(Kind::DelayAfter(Duration::from_mins(10)), Calls::of("RegisterTaskDefinition")));
    let waited = tokio::time::timeout(Duration::from_millis(200), register(&ecs, &definition("web", false))).await;
    assert!(waited.is_err());
    assert_eq!(account.state().ecs.active("web"), [1]);
    account
        .state()
        .inject(Fault::once(Kind::DelayBefore(Duration::from_mins(10)), Calls::of("RegisterTaskDefinition")));
    let waited = tokio::time::timeout(Duration::from_millis(200), register(&ecs, &definition("web", false))).await;
    assert!(waited.is_err());
    assert_eq!(account.state().ecs.active("web"), [1]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>: nothing locks a family.
#[tokio::test]
async fn somebody_else_can_come_between_two_calls() {
    let account = Account::start().await;
    account.state().register(PIPELINE, &definition("web", true));
    account.state().before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
        state.register(PIPELINE, &definition("web", true));
    });
    account.state().after(Calls::of("RegisterTaskDefinition").by(GUARD), |state| state.deregister(PIPELINE, "web:1"));
    let answer = register(&Clients::of(&account, GUARD).ecs, &definition("web", false)).await.unwrap();
    assert!(answer.contains(r#""revision":3,"#), "{answer}");
    let state = account.state();
    assert_eq!(state.ecs.active("web"), [2, 3]);
    assert_eq!((state.count("RegisterTaskDefinition"), state.calls()[0].privileged), (1, Some(false)));
}
