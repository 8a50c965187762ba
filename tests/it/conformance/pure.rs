//! The account without a socket: the same clients, signatures and rules.

use std::sync::{Arc, Mutex};

use aws_sdk_ecs::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;

use super::super::account::http::Request;
use super::super::account::state::Document;
use super::super::account::state::ecs::{Service, Task};
use super::super::account::{Calls, Fault, GUARD, Kind, State, in_process};
use super::{Clients, definition, refusal, register};

/// No page: exhaustive search runs thousands of stories, and a socket each would take minutes.
#[tokio::test]
async fn the_same_clients_speak_to_the_state_without_a_socket() {
    let state = Arc::new(Mutex::new(State::default()));
    let key = state.lock().unwrap().key_of(GUARD).clone();
    let topic = {
        let mut state = state.lock().unwrap();
        state.s3.bucket("state");
        state.topic("alerts")
    };
    let clients = Clients::through(in_process::client(Arc::clone(&state)), "http://account", &key, "eu-west-1");

    register(&clients.ecs, &definition("web", true)).await.unwrap();
    let put = || clients.s3.put_object().bucket("state").key("a b").body(ByteStream::from_static(b"x"));
    put().if_none_match("*").send().await.unwrap();
    assert_eq!(refusal(put().if_none_match("*").send().await).0, "PreconditionFailed");
    clients.sns.publish().topic_arn(topic).message("m").send().await.unwrap();
    state.lock().unwrap().inject(Fault::once(Kind::CutAfter, Calls::of("DeregisterTaskDefinition")));
    let cut = clients.ecs.deregister_task_definition().task_definition("web:1").send().await;
    assert!(matches!(cut, Err(SdkError::DispatchFailure(_))));

    let state = state.lock().unwrap();
    assert!(state.ecs.active("web").is_empty());
    assert_eq!((state.s3.keys("state"), state.sns.messages().len()), (vec!["a b"], 1));
}

/// No page: a copy of the state is another account, so that a search can go back and try another order.
#[test]
fn a_copy_of_the_state_goes_its_own_way() {
    let mut first = State::default();
    first.register(GUARD, &definition("web", true));
    let mut second = first.clone();
    second.deregister(GUARD, "web:1");
    assert_eq!((first.ecs.active("web").len(), second.ecs.active("web").len()), (1, 0));
}

/// No page: an account that lives for hours lets go of what is done with.
#[test]
fn a_family_leaves_with_all_that_is_its_own() {
    let mut state = State::default();
    for family in ["web", "other"] {
        state.register(GUARD, &definition(family, true));
        state.create_service(GUARD, "prod", family, &format!("{family}:1"));
        state.ecs.cluster("prod").run(Task::running(&format!("{family}:1"), &format!("service:{family}")));
        state.put_object(GUARD, "state", &format!("records/{family}/1.json"), b"1");
        state.put_object(GUARD, "state", &format!("records/{family}/1.json"), b"2");
    }
    for text in [b"1", b"2"] {
        state.put_object(GUARD, "state", "sweeps/all.json", text);
    }
    let mut part = state.part(&["web".to_owned()].into(), "state", &["sweeps/all.json"]);
    for (it, family) in [(&mut part, "web"), (&mut state, "other")] {
        assert_eq!(it.ecs.families().collect::<Vec<_>>(), [family]);
        assert!(it.ecs.service("prod", family).is_some());
        assert_eq!(it.ecs.cluster("prod").tasks.len(), 1);
        let record = format!("records/{family}/1.json");
        assert_eq!(it.s3.keys("state"), [&record, "sweeps/all.json"]);
        assert_eq!(it.s3.versions("state", &record).len(), 2, "they are judged one by one");
        assert_eq!(it.s3.versions("state", "sweeps/all.json").len(), 1);
    }
    assert!(state.ecs.service("prod", "web").is_none());
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>
#[test]
fn no_request_however_odd_makes_the_account_panic() {
    let mut state = State::default();
    let authorization = |text: &str| ("authorization".to_owned(), text.to_owned());
    for (method, path, query) in
        [("", "", ""), ("GET", "/%zz%", "list-type=2&&="), ("PUT", "//", "%"), ("HEAD", "/ü", "a")]
    {
        for header in
            ["", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=AKIAGUARD00000000000/x,SignedHeaders=,Signature="]
        {
            let headers = vec![authorization(header), ("x-amz-date".to_owned(), "ü".to_owned())];
            let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
            let reply = state.handle(&Request { method, path, query, headers, body: vec![0xff] });
            assert_eq!(reply.response.unwrap().status, 403);
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>
#[test]
fn no_input_however_odd_makes_ecs_panic() {
    let mut state = State::default();
    state.register(GUARD, &definition("web", true));
    state.ecs.cluster("default").services.insert("web".to_owned(), Service::on("web:1"));
    let caller = state.caller(GUARD);
    let odd = [
        "null",
        "0",
        "\"\"",
        "\":\"",
        "\"web:18446744073709551616\"",
        "[]",
        "[null]",
        "[{}]",
        "{}",
        "\"e\"",
        "\"kzz\"",
        "\"ü\"",
    ];
    for operation in OPERATIONS {
        for member in MEMBERS {
            for value in odd {
                let input =
                    format!("{{\"family\":\"web\",\"cluster\":\"default\",\"service\":\"web\",\"{member}\":{value}}}");
                let input = Document::parse(input.as_bytes()).unwrap();
                if let Err(refusal) = state.ecs.call(operation, &input, &caller) {
                    assert_eq!(refusal.status, 400, "{operation} {member} {value}");
                }
            }
        }
    }
}

const OPERATIONS: [&str; 16] = [
    "RegisterTaskDefinition",
    "DescribeTaskDefinition",
    "DeregisterTaskDefinition",
    "DeleteTaskDefinitions",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
    "RegisterDaemonTaskDefinition",
    "DescribeDaemonTaskDefinition",
    "ListClusters",
    "ListServices",
    "DescribeServices",
    "ListServiceDeployments",
    "CreateService",
    "UpdateService",
    "ListTasks",
    "DescribeTasks",
];

const MEMBERS: [&str; 21] = [
    "family",
    "containerDefinitions",
    "tags",
    "taskDefinition",
    "taskDefinitions",
    "include",
    "familyPrefix",
    "nextToken",
    "maxResults",
    "sort",
    "cluster",
    "services",
    "service",
    "serviceName",
    "status",
    "createdAt",
    "deploymentConfiguration",
    "deploymentController",
    "forceNewDeployment",
    "tasks",
    "daemonTaskDefinition",
];
