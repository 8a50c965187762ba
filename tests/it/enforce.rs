//! Mode `enforce`, told as stories: a service, what somebody or ECS does to it, and where it ends. Each event is handed
//! over as CloudTrail or ECS sends it; what is judged is what is in the account.

use ecs_privileged_guard::domain::outcome::Answer;
use ecs_privileged_guard::domain::policy::Mode;
use serde_json::Value;

use super::account::state::ecs::Task;
use super::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, State};
use super::story::{BUCKET, NEWER, PRIVILEGED, in_words};
use super::world::World;

pub(crate) const MOVE: &str = "moves/111122223333/eu-west-1/prod/web.json";
const BREAKER: &str = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;

/// An account in which `web:1` was privileged before anybody looked, and a service runs it.
pub(crate) async fn at_rest(set_up: impl FnOnce(&mut State)) -> World {
    World::with(Mode::Enforce, PRIVILEGED, |state| {
        state.create_service_with(PIPELINE, "prod", "web", BREAKER);
        state.complete_deployment("prod", "web");
        set_up(state);
    })
    .await
}

/// The last event of a call in the trail, by its name.
pub(crate) fn last(world: &World, call: &str) -> String {
    let state = world.state();
    let name = format!("\"eventName\":\"{call}\"");
    state.trail().iter().rfind(|event| event.contains(&name)).expect("an event").clone()
}

/// The last event of a deployment.
pub(crate) fn last_of_deployment(world: &World) -> String {
    world.state().deployment_events().last().expect("an event").clone()
}

async fn hand(world: &World, event: &str) -> String {
    let said = serde_json::to_value(world.hand_over(event).await.expect("an answer")).unwrap();
    let services = said["services"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap());
    let services: Vec<&str> = services.collect();
    format!("{} [{}]", in_words(&said), services.join(" "))
}

pub(crate) fn stored(world: &World) -> Value {
    let state = world.state();
    state.s3.object(BUCKET, MOVE).map_or(Value::Null, |body| serde_json::from_slice(body).unwrap())
}

pub(crate) fn runs(world: &World) -> String {
    world.state().ecs.service("prod", "web").expect("a service").task_definition.clone()
}

fn updates(world: &World) -> usize {
    world.state().count("UpdateService")
}

#[tokio::test]
async fn a_pipeline_that_registers_and_updates_at_once_ends_on_the_copy() {
    let world = World::with(Mode::Enforce, PRIVILEGED, |state| {
        state.create_service(PIPELINE, "prod", "web", "web:1");
    })
    .await;
    // The registration is told first, or the call: the order of events is nobody's.
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "remediated web:2 sent [waiting]");
    assert_eq!(world.deliver().await.unwrap().outcome.as_str(), "already_remediated");
    assert_eq!((runs(&world).as_str(), updates(&world)), ("web:1", 0), "its own deployment is not interrupted");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours in_progress web:2 none [waiting]");

    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_started web:2 none [moving]");
    assert_eq!((runs(&world).as_str(), updates(&world)), ("web:2", 1));
    let own = last(&world, "UpdateService");
    assert_eq!(hand(&world, &own).await, "compliant none [moving]", "the guard's own call comes back as an event");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours in_progress web:2 none [moving]");

    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_settled web:2 sent [moved]");
    assert!(world.mail().contains("Service web in cluster prod was moved from privileged web:1 to web:2"));
    let entry = stored(&world);
    let deployment = world.state().ecs.service("prod", "web").unwrap().deployments[0].id.clone();
    assert_eq!((entry["state"].as_str(), entry["deploymentId"].as_str()), (Some("moved"), Some(&*deployment)));
    assert_eq!((entry["original"].as_str(), entry["copy"].as_str()), (Some("web:1"), Some("web:2")));
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_settled web:2 already_sent [moved]");
    assert_eq!(updates(&world), 1);
}

#[tokio::test]
async fn an_update_to_an_original_that_has_settled_by_now_is_moved_at_once() {
    let world = at_rest(|_| {}).await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "move_started web:2 sent [moving]");
    assert_eq!(runs(&world), "web:2");
}

#[tokio::test]
async fn a_registration_is_followed_to_the_services_that_run_it_already() {
    let world = at_rest(|state| {
        let task = Task::running("web:1", "service:web");
        state.ecs.cluster("prod").run(task);
    })
    .await;
    let answer = world.deliver().await.unwrap();
    assert_eq!((answer.outcome.as_str(), answer.services.len()), ("remediated", 1));
    assert_eq!((answer.services[0].state.as_str(), runs(&world).as_str()), ("moving", "web:2"));
}

#[tokio::test]
async fn what_the_circuit_breaker_rolled_back_is_never_moved_again() {
    let world = at_rest(|_| {}).await;
    hand(&world, &last(&world, "CreateService")).await;
    assert!(world.state().fail_deployment("prod", "web"));
    assert_eq!(runs(&world), "web:1", "ECS went back by itself");
    let failed = world.state().deployment_events().iter().rfind(|it| it.contains("_FAILED")).unwrap().clone();
    assert_eq!(hand(&world, &failed).await, "move_settled rolled_back web:2 sent [rolled_back]");
    let mail = world.mail();
    for words in ["is back on privileged", "WHAT MAY REPLACE THE FLAG", "BACK IT OUT", "not moved again"] {
        assert!(mail.contains(words), "{words}: {mail}");
    }
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours other_deployment web:2 none [rolled_back]");
    let _: Answer = world.deliver().await.unwrap();
    hand(&world, &last(&world, "CreateService")).await;
    assert_eq!((updates(&world), runs(&world).as_str()), (1, "web:1"));

    // A newer original is a new question.
    world.state().register(PIPELINE, &PRIVILEGED.replace("app:1", "app:2"));
    world.state().update_service(PIPELINE, "prod", "web", "web:3");
    assert_eq!(hand(&world, &last(&world, "UpdateService")).await, "remediated web:4 sent [waiting]");
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_started web:4 none [moving]");
}

#[tokio::test]
async fn terraform_that_points_a_moved_service_back_has_said_no() {
    let world = at_rest(|_| {}).await;
    hand(&world, &last(&world, "CreateService")).await;
    world.state().complete_deployment("prod", "web");
    hand(&world, &last_of_deployment(&world)).await;
    world.state().update_service(PIPELINE, "prod", "web", "web:1");
    let said = hand(&world, &last(&world, "UpdateService")).await;
    assert_eq!(said, "move_settled rolled_back web:2 sent [rolled_back]");
    let mail = world.mail();
    assert!(mail.contains("somebody has put it back") && mail.contains("deploy-pipeline"), "{mail}");
    world.state().complete_deployment("prod", "web");
    hand(&world, &last_of_deployment(&world)).await;
    assert_eq!((updates(&world), runs(&world).as_str()), (1, "web:1"));
}

/// Its alert names what runs now, not what the service was moved from.
#[tokio::test]
async fn a_service_that_is_put_back_on_an_older_original_is_told_as_on_that() {
    let world = at_rest(|_| {}).await;
    hand(&world, &last(&world, "CreateService")).await;
    world.state().complete_deployment("prod", "web");
    hand(&world, &last_of_deployment(&world)).await;
    world.state().register(PIPELINE, &PRIVILEGED.replace("app:1", "app:2"));
    world.state().update_service(PIPELINE, "prod", "web", "web:3");
    hand(&world, &last(&world, "UpdateService")).await;
    for ends in ["move_started web:4 none [moving]", "move_settled web:4 sent [moved]"] {
        world.state().complete_deployment("prod", "web");
        assert_eq!(hand(&world, &last_of_deployment(&world)).await, ends);
    }
    world.state().update_service(OPERATOR, "prod", "web", "web:1");
    let said = hand(&world, &last(&world, "UpdateService")).await;
    assert_eq!((said.as_str(), runs(&world).as_str()), ("move_settled rolled_back web:4 sent [rolled_back]", "web:1"));
    assert!(world.mail().contains("put it back\n  on privileged web:1"), "{}", world.mail());
}

#[tokio::test]
async fn blue_green_holds_the_original_for_a_day_and_is_not_disturbed() {
    let world = World::with(Mode::Enforce, PRIVILEGED, |state| {
        let input = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"strategy":"BLUE_GREEN"}}"#;
        state.create_service_with(PIPELINE, "prod", "web", input);
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "remediated web:2 sent [waiting]");
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_started web:2 none [moving]");
    for hour in 1..=24 {
        world.state().pass(std::time::Duration::from_hours(1));
        let event = last_of_deployment(&world);
        let expected = match hour {
            1 => "move_failed not_settled web:2 sent [moving]",
            _ => "not_ours in_progress web:2 none [moving]",
        };
        assert_eq!(hand(&world, &event).await, expected, "hour {hour}");
    }
    assert!(world.mail().contains("stop-service-deployment"), "the operator's quickest way back: {}", world.mail());
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_settled web:2 sent [moved]");
    assert_eq!(updates(&world), 1);
}

/// A page may be short, and an empty one with a token is no end.
#[tokio::test]
async fn a_deployment_behind_an_empty_page_is_not_disturbed() {
    let world = World::with(Mode::Enforce, PRIVILEGED, |state| {
        let input = r#"{"taskDefinition":"web:1","deploymentConfiguration":{"strategy":"BLUE_GREEN"}}"#;
        state.create_service_with(PIPELINE, "prod", "web", input);
        state.ecs.knobs.empty_pages = true;
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "remediated web:2 sent [waiting]");
    assert_eq!(updates(&world), 0);
}

#[tokio::test]
async fn what_code_deploy_or_another_system_deploys_is_named_once_and_left_alone() {
    for (controller, words) in [("CODE_DEPLOY", "AWS CodeDeploy deploys it"), ("EXTERNAL", "by task sets")] {
        let world = World::with(Mode::Enforce, PRIVILEGED, |state| {
            let named = if controller == "EXTERNAL" { "" } else { r#""taskDefinition":"web:1","# };
            let input = format!(r#"{{{named}"deploymentController":{{"type":"{controller}"}}}}"#);
            state.create_service_with(PIPELINE, "prod", "web", &input);
            let service = state.ecs.cluster("prod").services.get_mut("web").unwrap();
            service.task_sets = vec!["web:1".to_owned()];
        })
        .await;
        assert_eq!(hand(&world, &last(&world, "CreateService")).await, "remediated web:2 sent [not_movable]");
        assert!(world.mail().contains(words) && world.mail().contains("BY HAND"), "{}", world.mail());
        assert_eq!(stored(&world)["reason"], controller);
        let alerts = world.state().sns.messages().len();
        let again = hand(&world, &last(&world, "CreateService")).await;
        assert_eq!(again, "already_remediated web:2 already_sent [not_movable]");
        assert_eq!((updates(&world), world.state().sns.messages().len()), (0, alerts));
    }
}

#[tokio::test]
async fn a_service_of_ecs_itself_is_named_by_its_revision_and_left_alone() {
    let world = at_rest(|state| {
        let cluster = state.ecs.cluster("prod");
        cluster.services.get_mut("web").unwrap().managed_by_ecs = true;
        cluster.run(Task::running("web:1", "service:web"));
    })
    .await;
    let said = hand(&world, &last(&world, "CreateService")).await;
    assert_eq!(said, "alerted managed_by_express sent [not_movable]");
    assert_eq!((stored(&world)["reason"].as_str(), updates(&world)), (Some("Express"), 0));
    assert_eq!(world.state().sns.messages().len(), 1, "the alert of the revision tells of the service");
}

#[tokio::test]
async fn a_service_on_a_superseded_original_is_named_and_left_to_its_owner() {
    let world = at_rest(|state| {
        state.register(PIPELINE, NEWER);
    })
    .await;
    let said = hand(&world, &last(&world, "CreateService")).await;
    assert_eq!(said, "superseded none [not_movable]");
    assert_eq!((updates(&world), stored(&world)), (0, Value::Null));
}

#[tokio::test]
async fn an_event_of_another_service_costs_one_read_and_no_call_to_ecs() {
    let world = at_rest(|state| {
        state.create_service(PIPELINE, "prod", "other", "web:1");
        state.complete_deployment("prod", "other");
    })
    .await;
    world.state().forget_calls();
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours none []");
    let calls: Vec<String> = world.state().calls().iter().map(super::account::Call::action).collect();
    assert_eq!(calls, ["s3:GetObject"]);
}

#[tokio::test]
async fn a_service_on_a_clean_revision_is_compliant() {
    let world = at_rest(|state| {
        state.register(PIPELINE, NEWER);
        state.create_service(PIPELINE, "prod", "web2", "web:2");
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "compliant none []");
}

#[tokio::test]
async fn a_refused_call_is_told_once_and_tried_again() {
    let world = at_rest(|_| {}).await;
    world.state().inject(Fault::always(Kind::AccessDenied("ecs:UpdateService"), Calls::of("UpdateService").by(GUARD)));
    let event = last(&world, "CreateService");
    assert_eq!(hand(&world, &event).await, "move_failed access_denied web:2 sent [failed]");
    let mail = world.mail();
    assert!(mail.contains("ecs:UpdateService") && mail.contains("Still privileged: yes"), "{mail}");
    let alerts = world.state().sns.messages().len();
    assert_eq!(hand(&world, &event).await, "move_failed access_denied web:2 already_sent [failed]");
    assert_eq!(world.state().sns.messages().len(), alerts);
    world.state().heal();
    assert_eq!(hand(&world, &event).await, "move_started web:2 none [moving]");
    assert_eq!(runs(&world), "web:2");
}

#[tokio::test]
async fn what_was_deployed_in_the_same_moment_is_put_back() {
    let world = at_rest(|state| {
        state.register(PIPELINE, &NEWER.replace("web", "web-b"));
        // A pipeline's update lands between the guard's last look and its own.
        state.before(Calls::of("UpdateService").by(GUARD), |state| {
            state.update_service(PIPELINE, "prod", "web", "web-b:1");
        });
    })
    .await;
    let said = hand(&world, &last(&world, "CreateService")).await;
    assert_eq!(runs(&world), "web-b:1", "the pipeline's word is the newer one");
    assert_eq!(said, "move_settled not_moved web:2 sent [moved]");
    assert_eq!(updates(&world), 2, "once there, once back");
}

#[tokio::test]
async fn what_was_deployed_in_the_same_moment_and_may_not_be_put_back_is_told_with_why() {
    let world = at_rest(|state| {
        state.register(PIPELINE, &NEWER.replace("web", "web-b"));
        state.before(Calls::of("UpdateService").by(GUARD), |state| {
            state.update_service(PIPELINE, "prod", "web", "web-b:1");
        });
        let second = Calls::of("UpdateService").by(GUARD).starting_at(2);
        state.inject(Fault::always(Kind::AccessDenied("ecs:UpdateService"), second));
    })
    .await;
    let said = hand(&world, &last(&world, "CreateService")).await;
    assert!(said.ends_with("[failed]"), "{said}");
    let entry = stored(&world);
    assert_eq!((entry["state"].as_str(), entry["reason"].as_str()), (Some("failed"), Some("access_denied")), "{entry}");
    assert!(world.mail().contains("web-b:1"), "{}", world.mail());
}

#[tokio::test]
async fn what_was_exempted_in_the_same_moment_is_taken_back() {
    let world = at_rest(|state| {
        state.after(Calls::of("UpdateService").by(GUARD), |state| super::world::exempt_until(state, 30));
    })
    .await;
    hand(&world, &last(&world, "CreateService")).await;
    assert_eq!(runs(&world), "web:1");
    assert_eq!(
        (stored(&world)["state"].as_str(), stored(&world)["reason"].as_str()),
        (Some("rolled_back"), Some("exempt"))
    );
}

/// Before it has asked ECS for anything, no deployment can be an answer to it.
#[tokio::test]
async fn an_original_deployed_anew_before_the_move_is_asked_for_is_no_no() {
    let world = at_rest(|state| {
        state.after(Calls::of("PutObject").by(GUARD).on("moves/"), |state| {
            state.deploy_anew(PIPELINE, "prod", "web", "web:1");
        });
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "remediated web:2 sent [waiting]");
    assert_eq!((updates(&world), stored(&world)["begun"].is_null()), (0, true));
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "move_started web:2 none [moving]");
}

/// Nor is one that comes after another version, while the run judges that one.
#[tokio::test]
async fn a_version_and_the_original_anew_before_the_move_is_asked_for_are_no_no() {
    let world = at_rest(|state| {
        state.register(PIPELINE, &NEWER.replace("web", "web-b"));
        state.after(Calls::of("PutObject").by(GUARD).on("moves/"), |state| {
            state.update_service(PIPELINE, "prod", "web", "web-b:1");
            state.before(Calls::of("DescribeServices").by(GUARD).starting_at(4), |state| {
                state.update_service(PIPELINE, "prod", "web", "web:1");
            });
        });
    })
    .await;
    let said = hand(&world, &last(&world, "CreateService")).await;
    assert!(["[waiting]", "[moved]"].iter().any(|state| said.ends_with(state)), "{said}");
    assert!(stored(&world)["begun"].is_null());
    world.state().complete_deployment("prod", "web");
    hand(&world, &last(&world, "UpdateService")).await;
    assert_eq!(runs(&world), "web:2");
}

#[tokio::test]
async fn an_original_deployed_anew_in_the_same_moment_is_moved_once() {
    let world = at_rest(|state| {
        state.before(Calls::of("UpdateService").by(GUARD), |state| {
            state.deploy_anew(PIPELINE, "prod", "web", "web:1");
        });
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "move_started web:2 sent [moving]");
    assert_eq!((runs(&world).as_str(), updates(&world)), ("web:2", 1));
}

#[tokio::test]
async fn a_move_whose_intent_was_stored_and_the_answer_lost_is_made() {
    let world = at_rest(|state| {
        state.inject(Fault::once(Kind::CutAfter, Calls::of("PutObject").by(GUARD).on("moves/")));
    })
    .await;
    assert_eq!(hand(&world, &last(&world, "CreateService")).await, "move_started web:2 sent [moving]");
}

#[tokio::test]
async fn what_is_taken_back_is_no_no_of_the_application_though_the_answer_is_lost() {
    let world = at_rest(|state| {
        state.after(Calls::of("UpdateService").by(GUARD), |state| {
            super::world::exempt_until(state, 30);
            state.inject(Fault::once(Kind::CutAfter, Calls::of("UpdateService").by(GUARD)));
        });
    })
    .await;
    hand(&world, &last(&world, "CreateService")).await;
    let entry = stored(&world);
    assert_eq!((runs(&world).as_str(), entry["state"].as_str()), ("web:1", Some("rolled_back")));
    assert_eq!((entry["reason"].as_str(), entry["begun"].is_null()), (Some("exempt"), true));
    assert_eq!(world.state().sns.messages().len(), 1, "only the copy was told of");
}

#[tokio::test]
async fn an_exemption_that_cannot_be_read_takes_no_good_move_back() {
    let world = at_rest(|state| {
        state.after(Calls::of("UpdateService").by(GUARD), |state| {
            let denied = Kind::AccessDenied("s3:GetObject");
            state.inject(Fault::once(denied, Calls::of("GetObject").by(GUARD).on("exemptions/")));
        });
    })
    .await;
    let event = last(&world, "CreateService");
    assert_eq!(world.hand_over(&event).await.unwrap_err(), "access_denied");
    assert_eq!(runs(&world), "web:2");
    world.state().pass(std::time::Duration::from_mins(1));
    assert_eq!(hand(&world, &event).await, "compliant none [moving]");
    assert_eq!(updates(&world), 1);
}

#[tokio::test]
async fn a_copy_that_is_deregistered_in_the_same_moment_is_a_persons_no() {
    // ECS may refuse it by then, or still deploy it for ten minutes.
    for is_late in [false, true] {
        let world = at_rest(|state| {
            state.ecs.knobs.deploys_recently_deregistered = is_late;
            state.before(Calls::of("UpdateService").by(GUARD), |state| state.deregister(OPERATOR, "web:2"));
        })
        .await;
        let said = hand(&world, &last(&world, "CreateService")).await;
        assert!(said.starts_with("alerted copy_removed"), "{said}");
        assert_eq!((runs(&world).as_str(), stored(&world)["begun"].is_null()), ("web:1", true));
        assert!(!world.mail().contains("could not be moved"), "{}", world.mail());
    }
}

/// What a run has begun and another one has moved counts as that one's.
#[tokio::test]
async fn what_another_run_moved_is_not_counted_twice() {
    let world = at_rest(|_| {}).await;
    let event = last(&world, "CreateService");
    world.state().inject(Fault::always(Kind::AccessDenied("ecs:UpdateService"), Calls::of("UpdateService").by(GUARD)));
    assert_eq!(hand(&world, &event).await, "move_failed access_denied web:2 sent [failed]");
    world.state().heal();
    // The guard's call is lost. Before it looks again, another run has begun anew, asked ECS, and died a minute ago.
    world.state().inject(Fault::always(Kind::CutBefore, Calls::of("UpdateService").by(GUARD)));
    world.state().before(Calls::of("UpdateService").by(GUARD), |state| {
        state.before(Calls::of("GetObject").by(GUARD).on("moves/"), |state| {
            let mut entry: Value = serde_json::from_slice(state.s3.object(BUCKET, MOVE).unwrap()).unwrap();
            entry["begun"] = state.now.to_string().into();
            state.put_object(GUARD, BUCKET, MOVE, entry.to_string().as_bytes());
            state.update_service(GUARD, "prod", "web", "web:2");
            state.pass(std::time::Duration::from_mins(1));
        });
    });
    let said = hand(&world, &event).await;
    assert_eq!((runs(&world).as_str(), said.as_str()), ("web:2", "already_remediated web:2 already_sent [moving]"));
}

/// Whoever has looked later may have written before: what was seen earlier is not written over it, and not left either.
#[tokio::test]
async fn what_another_run_wrote_meanwhile_is_looked_at_again() {
    let world = at_rest(|_| {}).await;
    hand(&world, &last(&world, "CreateService")).await;
    world.state().complete_deployment("prod", "web");
    let event = last_of_deployment(&world);
    // While it is told that the service has settled, another run writes the same state anew.
    world.state().after(Calls::of("Publish").by(GUARD), |state| {
        let body = state.s3.object(BUCKET, MOVE).map(<[u8]>::to_vec).unwrap_or_default();
        let text = String::from_utf8_lossy(&body).replace("\"since\"", "\"later\":1,\"since\"");
        state.put_object(GUARD, BUCKET, MOVE, text.as_bytes());
    });
    hand(&world, &event).await;
    assert_eq!(stored(&world)["state"], "moved");
}

#[tokio::test]
async fn a_deregistered_copy_is_a_persons_no_and_is_told_by_its_event() {
    let world = World::with(Mode::Enforce, PRIVILEGED, |_| {}).await;
    let _: Answer = world.deliver().await.unwrap();
    world.state().deregister(OPERATOR, "web:2");
    let said = hand(&world, &last(&world, "DeregisterTaskDefinition")).await;
    assert_eq!(said, "alerted copy_removed sent []");
    assert_eq!(world.state().ecs.active("web"), [1]);
}

#[tokio::test]
async fn what_backout_brought_back_is_not_moved_again_while_the_exemption_holds() {
    let world = at_rest(|_| {}).await;
    hand(&world, &last(&world, "CreateService")).await;
    world.state().complete_deployment("prod", "web");
    hand(&world, &last_of_deployment(&world)).await;
    let request = r#"{"taskDefinition":"web:1","reason":"r","approvedBy":"a"}"#;
    assert_eq!(world.back_out(request).await.unwrap().outcome.as_str(), "backed_out");
    assert_eq!(runs(&world), "web:1");
    assert_eq!(hand(&world, &last(&world, "UpdateService")).await, "exempt none [moved]");
    world.state().complete_deployment("prod", "web");
    assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours other_deployment web:2 none [moved]");
    assert_eq!(runs(&world), "web:1");

    // Its end makes the original like a new one.
    world.state().pass(std::time::Duration::from_hours(31 * 24));
    assert_eq!(hand(&world, &last(&world, "UpdateService")).await, "move_started web:3 sent [moving]");
    assert_eq!(runs(&world), "web:3");
}

#[tokio::test]
async fn a_fight_stops_after_three_copies_and_moves_no_more() {
    let world = World::with(Mode::Enforce, PRIVILEGED, |state| {
        state.create_service(PIPELINE, "prod", "web", "web:1");
    })
    .await;
    let mut said = Vec::new();
    for round in 1..=5 {
        if round > 1 {
            let id = world.state().register(PIPELINE, PRIVILEGED);
            world.state().update_service(PIPELINE, "prod", "web", &id);
        }
        let call = if round == 1 { "CreateService" } else { "UpdateService" };
        let event = last(&world, call);
        said.push(hand(&world, &event).await);
        world.state().complete_deployment("prod", "web");
        hand(&world, &last_of_deployment(&world)).await;
        world.state().complete_deployment("prod", "web");
        hand(&world, &last_of_deployment(&world)).await;
    }
    let copied = |copy: usize| format!("remediated web:{copy} sent [waiting]");
    assert_eq!(said[..3], [copied(2), copied(4), copied(6)]);
    assert!(said[3].starts_with("alerted repeated sent"), "{said:?}");
    assert!(said[4].starts_with("alerted repeated already_sent"), "{said:?}");
    assert_eq!((updates(&world), runs(&world).as_str()), (3, "web:8"));
}

#[tokio::test]
async fn in_other_modes_an_event_about_a_service_is_one_about_its_revision() {
    for (mode, expected) in [(Mode::Alert, "alerted alert_mode sent []"), (Mode::Remediate, "remediated web:2 sent []")]
    {
        let world = World::with(mode, PRIVILEGED, |state| {
            state.create_service(PIPELINE, "prod", "web", "web:1");
            state.complete_deployment("prod", "web");
        })
        .await;
        assert_eq!(hand(&world, &last(&world, "CreateService")).await, expected);
        assert_eq!(hand(&world, &last_of_deployment(&world)).await, "not_ours none []");
        assert_eq!((updates(&world), stored(&world)), (0, Value::Null));
    }
}

#[tokio::test]
async fn a_move_that_is_not_understood_is_an_error_and_is_not_overwritten() {
    for text in ["{}", r#"{"schemaVersion":9}"#] {
        let world = at_rest(|state| state.put_object(OPERATOR, BUCKET, MOVE, text.as_bytes())).await;
        assert_eq!(world.hand_over(&last(&world, "CreateService")).await.unwrap_err(), "record_unreadable");
        assert_eq!((updates(&world), world.state().s3.object(BUCKET, MOVE).unwrap()), (0, text.as_bytes()));
    }
}
