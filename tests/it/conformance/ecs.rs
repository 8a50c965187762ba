//! ECS: task definitions as text, their life, lists, clusters.

use aws_sdk_ecs::types::{DesiredStatus, SortOrder, TaskDefinitionFamilyStatus, TaskDefinitionStatus};

use super::super::account::state::ecs::{Mutilation, Place, Service, Task};
use super::super::account::{Account, GUARD, PIPELINE};
use super::{Clients, definition, describe, refusal, register};

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>: the JSON that is
/// answered has what was registered. Whether ECS itself keeps every number's spelling is not documented; a client that
/// loses nothing must pass here.
#[tokio::test]
async fn every_member_is_kept_byte_for_byte() {
    let account = Account::start().await;
    account.state().ecs.knobs.reorders_sets = false;
    account.state().ecs.knobs.adds_defaults = false;
    let container = r#"{"name":"app","ratio":1.0,"big":1152921504606846976,"exp":1e2,"neg":-0,"huge":1e999,"lone":"\ud800","esc":"\u0061","\u0062":[1 , 2],"dockerLabels":{"$serde_json::private::RawValue":"x","$serde_json::private::Number":"1"},"privileged":true,"twice":1,"twice":2}"#;
    let rest = r#""new\u0041":{"deep":[{"z":1,"a":2.50}]},"\udfff":null"#;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let input = format!(r#"{{"containerDefinitions":[{container}],"family":"web",{rest}}}"#);

    let answer = register(&ecs, &input).await.unwrap();
    let kept = format!(r#"{{"taskDefinition":{{"containerDefinitions":[{container}],"family":"web",{rest},"#);
    assert!(answer.starts_with(&kept), "{answer}");
    let answer = describe(&ecs, "web:1").await.unwrap();
    assert!(answer.starts_with(&kept), "{answer}");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>
#[tokio::test]
async fn answers_have_the_members_that_only_answers_have_and_the_tags_beside() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let tagged = definition("web", true).replacen('{', r#"{"tags":[{"key":"team","value":"a"}],"#, 1);
    register(&ecs, &tagged).await.unwrap();

    let answer = ecs.describe_task_definition().task_definition("web").send().await.unwrap();
    assert!(answer.tags().is_empty(), "tags come only when they are asked for");
    let shown = answer.task_definition().unwrap();
    assert_eq!(shown.task_definition_arn(), Some("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1"));
    assert_eq!((shown.revision(), shown.status()), (1, Some(&TaskDefinitionStatus::Active)));
    assert_eq!(shown.registered_by(), Some(PIPELINE));
    assert_eq!(format!("{:.3}", shown.registered_at().unwrap().as_secs_f64()), "1768478400.123");
    assert!(shown.deregistered_at().is_none());
    let attributes: Vec<_> = shown.requires_attributes().iter().map(aws_sdk_ecs::types::Attribute::name).collect();
    assert!(attributes.contains(&"com.amazonaws.ecs.capability.privileged-container"));
    assert!(!shown.compatibilities().is_empty());
    assert!(describe(&ecs, "web").await.unwrap().ends_with(r#""tags":[{"key":"team","value":"a"}]}"#));
}

/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/container_definitions.go>, which
/// the most used client relies on
#[tokio::test]
async fn sets_come_back_in_another_order_and_with_defaults() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let input = r#"{"family":"web","requiresCompatibilities":["EC2","EXTERNAL"],"containerDefinitions":[{"name":"a","command":["x","y"],"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"environmentFiles":[{"value":"1"},{"value":"2"}]},{"name":"b","portMappings":[{"containerPort":80}]}]}"#;
    register(&ecs, input).await.unwrap();
    let shown = describe(&ecs, "web").await.unwrap();
    for part in [
        r#""containerDefinitions":[{"name":"b","portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}],"cpu":0,"essential":true,"#,
        r#"{"name":"a","command":["x","y"],"environment":[{"name":"B","value":"2"},{"name":"A","value":"1"}],"environmentFiles":[{"value":"1"},{"value":"2"}],"#,
        r#""mountPoints":[],"volumesFrom":[],"#,
        r#""requiresCompatibilities":["EXTERNAL","EC2"]"#,
        r#""volumes":[],"placementConstraints":[]"#,
    ] {
        assert!(shown.contains(part), "{part}\nis not in\n{shown}");
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>, and for `tags: []`
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/task_definition.go>
#[tokio::test]
async fn registrations_that_ecs_refuses_are_refused() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let with = |member: &str| definition("web", false).replacen('{', &format!("{{{member},"), 1);
    let many: Vec<String> = (0..51).map(|number| format!(r#"{{"key":"k{number}","value":"v"}}"#)).collect();
    for (input, code) in [
        (with(r#""tags":[]"#), "ClientException"),
        (with(r#""tags":[{"key":"aws:x","value":"v"}]"#), "InvalidParameterException"),
        (with(r#""tags":[{"key":"AWS:x","value":"v"}]"#), "InvalidParameterException"),
        (with(r#""tags":[{"key":"k","value":"aWs:v"}]"#), "InvalidParameterException"),
        (with(&format!(r#""tags":[{}]"#, many.join(","))), "InvalidParameterException"),
        (with(r#""revision":1"#), "ClientException"),
        (with(r#""registeredBy":"me""#), "ClientException"),
        (with(&format!(r#""x":"{}""#, "x".repeat(65_536))), "ClientException"),
        (definition("we b", false), "ClientException"),
        (definition(&"w".repeat(256), false), "ClientException"),
        (r#"{"family":"web"}"#.to_owned(), "ClientException"),
        (r#"{"family":"web","containerDefinitions":[]}"#.to_owned(), "ClientException"),
        (r#"{"family":"web","containerDefinitions":[{"name":"a"},{"name":"a"}]}"#.to_owned(), "ClientException"),
        (r#"{"family":"web""#.to_owned(), "SerializationException"),
    ] {
        let (refused, message) = register(&ecs, &input).await.unwrap_err();
        assert_eq!(refused, code, "{message}: {input:.90}");
    }
    assert_eq!(register(&ecs, &with(r#""tags":[]"#)).await.unwrap_err().1, "Tags can not be empty.");
    account.state().ecs.knobs.accepts_output_members = true;
    assert!(register(&ecs, &with(r#""revision":7"#)).await.unwrap().contains(r#""revision":1,"#));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html> (cpu, memory)
#[tokio::test]
async fn cpu_and_memory_with_units_become_whole_numbers() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let input = definition("web", false).replacen('{', r#"{"cpu":"1 vCPU","memory":"0.5GB","#, 1);
    let shown = register(&ecs, &input).await.unwrap();
    assert!(shown.contains(r#""cpu":"1024","memory":"512""#), "{shown}");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tag-resources.html> (system tags)
#[tokio::test]
async fn aws_itself_may_set_tags_that_nobody_else_may() {
    let account = Account::start().await;
    account.state().register(PIPELINE, &definition("web", false));
    account.state().ecs.tag("web:1", "aws:cloudformation:stack-name", "shop");
    let shown = describe(&Clients::of(&account, GUARD).ecs, "web:1").await.unwrap();
    assert!(shown.ends_with(r#""tags":[{"key":"aws:cloudformation:stack-name","value":"shop"}]}"#), "{shown}");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-definition-state.html>
#[tokio::test]
async fn revision_numbers_are_dense_and_only_grow() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    for number in 1..=3 {
        assert!(register(&ecs, &definition("web", false)).await.unwrap().contains(&format!(r#""revision":{number},"#)));
    }
    ecs.deregister_task_definition().task_definition("web:3").send().await.unwrap();
    ecs.delete_task_definitions().task_definitions("web:3").send().await.unwrap();
    account.state().ecs.finish_deletion("web:3");
    assert!(register(&ecs, &definition("web", false)).await.unwrap().contains(r#""revision":4,"#));
    assert_eq!(account.state().ecs.active("web"), [1, 2, 4]);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>
#[tokio::test]
async fn a_bare_family_is_its_latest_active_revision() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    for _ in 0..3 {
        account.state().register(PIPELINE, &definition("web", false));
    }
    account.state().deregister(PIPELINE, "web:3");
    for name in ["web", "web:2", "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2"] {
        assert!(describe(&ecs, name).await.unwrap().contains(r#""revision":2,"#), "{name}");
    }
    for name in ["web:9", "nothing", "web:x", "arn:aws:ecs:us-east-1:111122223333:task-definition/web:2", "web:0"] {
        let (code, message) = describe(&ecs, name).await.unwrap_err();
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("ClientException", "Unable to describe task definition."),
            "{name}"
        );
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html> says the first,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html> the second
#[tokio::test]
async fn an_inactive_revision_is_described_while_it_is_used_or_where_the_knob_says_so() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    account.state().register(PIPELINE, &definition("web", true));
    account.state().deregister(PIPELINE, "web:1");
    assert!(describe(&ecs, "web:1").await.is_err());
    assert!(describe(&ecs, "web").await.is_err());

    let task = account.state().ecs.cluster("prod").run(Task::running("web:1", "service:web"));
    let shown = describe(&ecs, "web:1").await.unwrap();
    assert!(
        shown.contains(r#""status":"INACTIVE""#) && shown.contains(r#""deregisteredAt":1768478400.123"#),
        "{shown}"
    );
    account.state().ecs.cluster("prod").tasks.get_mut(&task).unwrap().desired_status = "STOPPED".to_owned();
    assert!(describe(&ecs, "web:1").await.is_err());
    account.state().ecs.cluster("prod").services.insert("web".to_owned(), Service::on("web:1"));
    assert!(describe(&ecs, "web:1").await.is_ok());
    account.state().ecs.cluster("prod").services.clear();
    account.state().ecs.knobs.describes_inactive = true;
    assert!(describe(&ecs, "web:1").await.is_ok());
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteTaskDefinitions.html>
#[tokio::test]
async fn deregistration_wants_a_revision_and_deletion_an_inactive_one() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    account.state().register(PIPELINE, &definition("web", false));
    let bare = ecs.deregister_task_definition().task_definition("web").send().await;
    assert_eq!(refusal(bare).0, "InvalidParameterException");

    let early = ecs.delete_task_definitions().task_definitions("web:1").send().await.unwrap();
    assert!(early.task_definitions().is_empty() && early.failures().len() == 1);
    for _ in 0..2 {
        let answer = ecs.deregister_task_definition().task_definition("web:1").send().await.unwrap();
        assert_eq!(answer.task_definition().unwrap().status(), Some(&TaskDefinitionStatus::Inactive));
    }
    let deleted = ecs.delete_task_definitions().task_definitions("web:1").send().await.unwrap();
    assert_eq!(deleted.task_definitions()[0].status(), Some(&TaskDefinitionStatus::DeleteInProgress));
    assert!(describe(&ecs, "web:1").await.unwrap().contains("deleteRequestedAt"));
    account.state().ecs.finish_deletion("web:1");
    assert!(describe(&ecs, "web:1").await.is_err());
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>
#[tokio::test]
async fn definitions_are_listed_by_exact_family_status_and_order_in_pages() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    for family in ["web", "webshop"] {
        for _ in 0..11 {
            account.state().register(PIPELINE, &definition(family, false));
        }
    }
    account.state().deregister(PIPELINE, "web:5");
    let revisions =
        |arns: &[String]| arns.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>();

    let web = ecs.list_task_definitions().family_prefix("web").send().await.unwrap();
    let ascending = revisions(web.task_definition_arns());
    assert_eq!(ascending.len(), 10);
    assert_eq!((ascending[0].as_str(), ascending[9].as_str()), ("web:1", "web:11"), "by number, not by letters");
    let inactive = ecs.list_task_definitions().family_prefix("web").status(TaskDefinitionStatus::Inactive).send().await;
    assert_eq!(revisions(inactive.unwrap().task_definition_arns()), ["web:5"]);
    let newest = ecs.list_task_definitions().sort(SortOrder::Desc).max_results(1).send().await.unwrap();
    assert_eq!(revisions(newest.task_definition_arns()), ["webshop:11"]);
    assert!(newest.next_token().is_some());
    let too_many = ecs.list_task_definitions().max_results(101).send().await;
    assert_eq!(refusal(too_many).0, "InvalidParameterException");

    account.state().ecs.knobs.page_length_max = 3;
    account.state().ecs.knobs.empty_pages = true;
    for (sort, first) in [(SortOrder::Asc, "web:1"), (SortOrder::Desc, "webshop:11")] {
        let (mut seen, mut token, mut empty) = (Vec::new(), None, 0);
        loop {
            let page = ecs.list_task_definitions().sort(sort.clone()).set_next_token(token).send().await.unwrap();
            empty += usize::from(page.task_definition_arns().is_empty());
            seen.extend(revisions(page.task_definition_arns()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), seen[0].as_str(), empty > 1), (21, first, true), "{seen:?}");
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitionFamilies.html>
#[tokio::test]
async fn families_are_listed_by_prefix_and_status() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    for family in ["api", "web", "webshop"] {
        account.state().register(PIPELINE, &definition(family, false));
    }
    account.state().deregister(PIPELINE, "web:1");
    let list = || ecs.list_task_definition_families();
    assert_eq!(list().send().await.unwrap().families(), ["api", "web", "webshop"]);
    assert_eq!(list().family_prefix("web").send().await.unwrap().families(), ["web", "webshop"]);
    let active = list().status(TaskDefinitionFamilyStatus::Active).send().await.unwrap();
    assert_eq!(active.families(), ["api", "webshop"]);
    let inactive = list().status(TaskDefinitionFamilyStatus::Inactive).send().await.unwrap();
    assert_eq!(inactive.families(), ["web"]);
}

/// Eventual consistency; <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/Welcome.html> promises no more.
#[tokio::test]
async fn the_newest_revision_can_be_hidden_from_the_next_reads() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    for _ in 0..2 {
        account.state().register(PIPELINE, &definition("web", false));
    }
    account.state().ecs.hide_newest("web", 3);
    assert!(describe(&ecs, "web").await.unwrap().contains(r#""revision":1,"#));
    assert!(describe(&ecs, "web:2").await.is_err());
    assert_eq!(ecs.list_task_definitions().send().await.unwrap().task_definition_arns().len(), 1);
    assert!(describe(&ecs, "web").await.unwrap().contains(r#""revision":2,"#));
}

/// No page: the unfaithful copy that the guard must notice.
#[tokio::test]
async fn a_mutilated_registration_loses_or_changes_what_the_knob_says() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    account.state().ecs.knobs.mutilates = Some(Mutilation::loses(Place::Containers, "image"));
    assert!(!register(&ecs, &definition("web", false)).await.unwrap().contains("app:1"));
    account.state().ecs.knobs.mutilates = Some(Mutilation::changes(Place::Definition, "pidMode", r#""host""#));
    assert!(register(&ecs, &definition("web", false)).await.unwrap().contains(r#""pidMode":"host""#));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>
#[tokio::test]
async fn tasks_are_found_by_family_service_starter_and_desired_status() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, GUARD).ecs;
    {
        let mut state = account.state();
        let cluster = state.ecs.cluster("prod");
        cluster.services.insert("web".to_owned(), Service::on("web:1"));
        cluster.run(Task::running("web:1", "service:web"));
        cluster.run(Task { started_by: Some("cron".to_owned()), ..Task::running("web:2", "family:web") });
        cluster.run(Task { desired_status: "STOPPED".to_owned(), ..Task::running("api:1", "family:api") });
    }
    let list = || ecs.list_tasks().cluster("prod");
    assert_eq!(ecs.list_clusters().send().await.unwrap().cluster_arns().len(), 1);
    assert_eq!(list().send().await.unwrap().task_arns().len(), 2);
    assert_eq!(list().family("web").send().await.unwrap().task_arns().len(), 2);
    assert_eq!(list().family("api").send().await.unwrap().task_arns().len(), 0);
    assert_eq!(list().desired_status(DesiredStatus::Stopped).send().await.unwrap().task_arns().len(), 1);
    assert_eq!(list().service_name("web").send().await.unwrap().task_arns().len(), 1);
    let cron = list().started_by("cron").send().await.unwrap();
    assert_eq!(refusal(list().started_by("cron").family("web").send().await).0, "InvalidParameterException");
    assert_eq!(refusal(ecs.list_tasks().cluster("none").send().await).0, "ClusterNotFoundException");

    let tasks = ecs.describe_tasks().cluster("prod").tasks(&cron.task_arns()[0]).tasks("gone").send().await.unwrap();
    assert_eq!(tasks.failures()[0].reason(), Some("MISSING"));
    let task = &tasks.tasks()[0];
    assert_eq!(task.task_definition_arn(), Some("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:2"));
    assert_eq!((task.group(), task.started_by()), (Some("family:web"), Some("cron")));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
#[tokio::test]
async fn a_service_moves_by_a_deployment_and_rolls_back_by_another() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, GUARD).ecs;
    {
        let mut state = account.state();
        for _ in 0..3 {
            state.register(PIPELINE, &definition("web", false));
        }
        state.deregister(PIPELINE, "web:3");
        let services = &mut state.ecs.cluster("prod").services;
        services.insert("web".to_owned(), Service::on("web:1"));
        services.insert("blue".to_owned(), Service { controller: "CODE_DEPLOY".to_owned(), ..Service::on("web:1") });
        services.insert("express".to_owned(), Service { managed_by_ecs: true, ..Service::on("web:1") });
    }
    let listed = ecs.list_services().cluster("prod").send().await.unwrap();
    assert_eq!(listed.service_arns().len(), 3);
    let shown = ecs.describe_services().cluster("prod").services("express").services("none").send().await.unwrap();
    assert_eq!(shown.services()[0].resource_management_type().unwrap().as_str(), "ECS");
    assert_eq!(shown.failures()[0].reason(), Some("MISSING"));

    let update = |service: &str, definition: &str| {
        ecs.update_service().cluster("prod").service(service).task_definition(definition).send()
    };
    assert_eq!(
        refusal(update("web", "web:3").await),
        ("ClientException".to_owned(), "TaskDefinition is inactive".to_owned())
    );
    assert_eq!(refusal(update("blue", "web:2").await).0, "InvalidParameterException");
    let moved = update("web", "web:2").await.unwrap();
    let deployments = moved.service().unwrap().deployments();
    assert_eq!(deployments.len(), 2);
    assert_eq!(deployments[0].rollout_state().unwrap().as_str(), "IN_PROGRESS");
    account.state().ecs.cluster("prod").services.get_mut("web").unwrap().roll_back();
    account.state().ecs.cluster("prod").services.get_mut("web").unwrap().complete();
    assert_eq!(account.state().ecs.service("prod", "web").unwrap().task_definition, "web:1");
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterDaemonTaskDefinition.html>
#[tokio::test]
async fn daemon_task_definitions_have_their_own_names() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    let container = aws_sdk_ecs::types::DaemonContainerDefinition::builder()
        .name("agent")
        .image("a:1")
        .privileged(true)
        .build()
        .unwrap();
    let answer =
        ecs.register_daemon_task_definition().family("agent").container_definitions(container).send().await.unwrap();
    let arn = answer.daemon_task_definition_arn().unwrap();
    assert_eq!(arn, "arn:aws:ecs:eu-west-1:111122223333:daemon-task-definition/agent:1");
    let shown = ecs.describe_daemon_task_definition().daemon_task_definition(arn).send().await.unwrap();
    assert_eq!(shown.daemon_task_definition().unwrap().registered_by(), Some(PIPELINE));
    assert_eq!(account.state().calls()[0].privileged, Some(true));
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>
#[tokio::test]
async fn an_operation_that_the_account_does_not_know_is_an_error_not_a_panic() {
    let account = Account::start().await;
    let ecs = Clients::of(&account, PIPELINE).ecs;
    assert_eq!(refusal(ecs.list_container_instances().send().await).0, "UnknownOperationException");
}
