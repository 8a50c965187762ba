//! Stories of the sweep, by the state that results: what existed before, what no event told of, what is told, and what
//! it costs.

use std::time::Duration;

use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode};
use serde_json::{Value, json};

use super::account::state::Budget;
use super::account::state::ecs::{Mutilation, Place, Service, Task};
use super::account::{Calls, Fault, Kind, OPERATOR, PIPELINE, SWEEP, Seen, State};
use super::story::{BUCKET, CLEAN, NEWER, PRIVILEGED, Story};
use super::world::{EXEMPTION, RECORD, World, exempt_until};

pub(crate) const WATERMARK: &str = "sweeps/111122223333/eu-west-1.json";
const LATEST: &str = "reports/111122223333/eu-west-1/latest.json";

/// An account with a privileged `web:1` from before, that was swept once.
async fn swept(mode: Mode) -> World {
    let world = World::with(mode, PRIVILEGED, |state| state.pass(Duration::from_hours(24))).await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(outcomes(&answer.outcomes), "alerted 1");
    assert!(answer.complete);
    world.state().forget_calls();
    world.state().pass(Duration::from_hours(1));
    world
}

fn outcomes(outcomes: &std::collections::BTreeMap<&'static str, usize>) -> String {
    outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn of_family(family: &str, input: &str) -> String {
    input.replace("\"family\":\"web\"", &format!("\"family\":\"{family}\""))
}

fn object(state: &State, key: &str) -> Value {
    serde_json::from_slice(state.s3.object(BUCKET, key).unwrap_or_else(|| panic!("{key}"))).unwrap()
}

fn alerts(world: &World) -> usize {
    world.state().sns.messages().len()
}

#[tokio::test]
async fn what_existed_before_the_first_run_is_reported_and_left_alone() {
    let world = swept(Mode::Remediate).await;
    let state = world.state();
    assert_eq!(state.ecs.active("web"), [1]);
    let record = object(&state, RECORD);
    assert_eq!((record["outcome"].as_str(), record["reason"].as_str()), (Some("alerted"), Some("out_of_scope")));
    assert!(state.s3.object(BUCKET, "backups/111122223333/eu-west-1/web/1.json").is_none());
    let report = object(&state, LATEST);
    assert_eq!(report["families"][0]["state"], "reported_only");
    assert_eq!(report["totals"]["newestPrivileged"], 1);
    assert_eq!(state.sns.messages().len(), 1);
}

#[tokio::test]
async fn with_remediate_existing_it_gets_copies_25_a_run() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        for number in 1..30 {
            state.register(PIPELINE, &of_family(&format!("app-{number}"), PRIVILEGED));
        }
        state.pass(Duration::from_hours(24));
    })
    .await;
    let existing = |policy: &mut ecs_privileged_guard::domain::policy::Policy| policy.remediate_existing = true;
    let answer = world.sweep_with(existing).await.unwrap();
    assert_eq!(answer.outcomes.get("remediated"), Some(&25));
    assert!(!answer.complete);
    world.state().pass(Duration::from_hours(1));
    let answer = world.sweep_with(existing).await.unwrap();
    assert_eq!(answer.outcomes.get("remediated"), Some(&5), "{answer:?}");
    assert!(answer.complete, "{answer:?}");
    assert_eq!(alerts(&world), 2);
    let report = object(&world.state(), LATEST);
    assert_eq!(report["totals"]["byState"]["remediated"], 30);
    assert_eq!(report["totals"]["newestPrivileged"], 0);
}

#[tokio::test]
async fn a_registration_of_which_no_event_told_is_remediated_and_counted() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    world.state().pass(Duration::from_mins(40));
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.outcomes.get("remediated"), answer.missed_by_event), (Some(&1), 1));
    assert_eq!(world.state().ecs.active("api"), [1, 2]);
    assert!(world.mail().lines().next().unwrap().contains("1 privileged revision"), "{}", world.mail());
    let record = object(&world.state(), "records/111122223333/eu-west-1/api/1.json");
    assert_eq!((record["outcome"].as_str(), record["copy"].as_str()), (Some("remediated"), Some("api:2")));

    // Told once, and counted as long as it is there.
    world.state().pass(Duration::from_hours(1));
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.missed_by_event, alerts(&world)), (1, 2));
}

/// The event of a daemon task definition tells nothing of the ordinary one of that name, with which it shares the record.
#[tokio::test]
async fn the_event_of_a_daemon_task_definition_tells_of_no_other() {
    let daemon = |family| {
        format!(r#"{{"family":"{family}","containerDefinitions":[{{"name":"a","image":"i","privileged":true}}]}}"#)
    };
    let tell = async |world: &World, family| {
        world.state().register_daemon(PIPELINE, &daemon(family));
        let event = world.state().trail().last().unwrap().clone();
        world.hand_over(&event).await.unwrap();
    };
    // What existed before the first run is left alone.
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| state.pass(Duration::from_hours(24))).await;
    tell(&world, "web").await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(outcomes(&answer.outcomes), "alerted 1");
    assert_eq!(world.state().ecs.active("web"), [1]);
    assert_eq!(object(&world.state(), RECORD)["reason"], "out_of_scope");

    // And an event that did not come is missed.
    world.state().pass(Duration::from_hours(1));
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    tell(&world, "api").await;
    world.state().pass(Duration::from_mins(40));
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.outcomes.get("remediated"), answer.missed_by_event), (Some(&1), 1));
}

#[tokio::test]
async fn what_the_guard_has_dealt_with_is_no_news() {
    let mut world = swept(Mode::Remediate).await;
    let before = alerts(&world);
    world.state().register(PIPELINE, &PRIVILEGED.replace("app:1", "app:2"));
    let event = world.state().trail().last().unwrap().clone();
    world.event = event;
    let _ = world.deliver().await.unwrap();
    world.state().pass(Duration::from_hours(1));
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.missed_by_event, alerts(&world)), (0, before + 1));
    assert_eq!(world.state().ecs.active("web"), [1, 2, 3]);
}

#[tokio::test]
async fn an_unchanged_account_costs_lists_only() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.register(PIPELINE, &of_family("api", CLEAN));
        state.register(PIPELINE, &of_family("api", NEWER));
        exempt_until(state, 30);
        state.pass(Duration::from_hours(24));
    })
    .await;
    world.sweep().await.unwrap();
    world.state().pass(Duration::from_hours(1));
    world.state().forget_calls();
    let answer = world.sweep().await.unwrap();
    assert!(answer.complete && answer.outcomes.is_empty(), "{answer:?}");
    let state = world.state();
    assert_eq!(state.count("DescribeTaskDefinition"), 0);
    assert_eq!((state.count("ListTaskDefinitions"), state.count("Publish")), (1, 0));
}

#[tokio::test]
async fn an_exemption_that_ends_is_told_before_and_then_remediated() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &PRIVILEGED.replace("app:1", "app:2"));
    exempt_until(&mut world.state(), 8);
    let mut told = Vec::new();
    for _ in 0..10 {
        let before = alerts(&world);
        let answer = world.sweep().await.unwrap();
        told.push((outcomes(&answer.outcomes), alerts(&world) - before));
        world.state().pass(Duration::from_hours(23) + Duration::from_mins(58));
    }
    let days: Vec<usize> = told.iter().map(|(_, told)| *told).collect();
    // No event told of web:2; then seven days before the end, one day before it, and the end.
    assert_eq!(days, [0, 1, 1, 0, 0, 0, 0, 0, 1, 1], "{told:?}");
    assert_eq!(world.state().ecs.active("web"), [1, 2, 3]);
}

#[tokio::test]
async fn with_all_events_dropped_one_full_sweep_deals_with_everything() {
    let world = swept(Mode::Remediate).await;
    for number in 0..12 {
        let mut state = world.state();
        state.register(PIPELINE, &of_family(&format!("app-{number}"), PRIVILEGED));
        state.register(PIPELINE, &of_family(&format!("clean-{number}"), NEWER));
    }
    let answer = world.sweep().await.unwrap();
    assert!(answer.complete, "{answer:?}");
    assert_eq!(answer.outcomes.get("remediated"), Some(&12));
    let state = world.state();
    for number in 0..12 {
        assert_eq!(state.ecs.active(&format!("app-{number}")), [1, 2]);
        assert_eq!(state.ecs.active(&format!("clean-{number}")), [1]);
    }
}

#[tokio::test]
async fn an_older_privileged_revision_that_runs_is_told_with_who_runs_it() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.register(PIPELINE, NEWER);
        state.ecs.cluster("main").services.insert("web".into(), Service::on("web:1"));
        state.ecs.cluster("main").run(Task::running("web:1", "service:web"));
        state.pass(Duration::from_hours(24));
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(outcomes(&answer.outcomes), "compliant 1, superseded 1");
    let report = object(&world.state(), LATEST);
    let family = &report["families"][0];
    assert_eq!((family["newestClean"].as_bool(), family["state"].as_str()), (Some(true), Some("superseded")));
    assert_eq!(family["running"][0]["taskDefinition"], "web:1");
    assert_eq!(
        (family["running"][0]["starter"].as_str(), family["running"][0]["tasks"].as_u64()),
        (Some("web"), Some(1))
    );
    assert_eq!(family["callable"][0], "web:1");
}

#[tokio::test]
async fn an_inactive_revision_in_use_is_looked_at() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| {
        state.ecs.cluster("main").services.insert("web".into(), Service::on("web:1"));
        state.deregister(OPERATOR, "web:1");
        state.pass(Duration::from_hours(24));
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(outcomes(&answer.outcomes), "alerted 1");
    let report = object(&world.state(), LATEST);
    assert_eq!(report["families"][0]["reason"], "inactive_in_use");
    world.state().pass(Duration::from_hours(1));
    world.state().forget_calls();
    assert_eq!(outcomes(&world.sweep().await.unwrap().outcomes), "");
    assert_eq!(world.state().count("DescribeTaskDefinition"), 0);
}

/// A run made `web:4` of `web:2` and died; a newer version came between, and somebody deregistered the original.
async fn with_a_stray() -> World {
    let world = World::with(Mode::Remediate, CLEAN, |_| {}).await;
    world.sweep().await.unwrap();
    {
        let mut state = world.state();
        let original = state.register(PIPELINE, PRIVILEGED);
        let input = String::from_utf8(PRIVILEGED.as_bytes().to_vec()).unwrap();
        state.put_object(SWEEP, BUCKET, "backups/111122223333/eu-west-1/web/2.json", input.as_bytes());
        state.register(PIPELINE, NEWER);
        state.register(SWEEP, CLEAN);
        state.deregister(PIPELINE, &original);
        assert_eq!(state.ecs.active("web"), [1, 3, 4]);
    }
    world
}

#[tokio::test]
async fn a_stray_whose_original_is_gone_is_withdrawn() {
    let world = with_a_stray().await;
    let answer = world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("web"), [1, 3], "{answer:?}");
    assert_eq!(alerts(&world), 1, "{}", world.mail());
}

/// As its alert says.
#[tokio::test]
async fn it_is_withdrawn_when_the_exemption_can_be_read_again() {
    let world = with_a_stray().await;
    world.state().put_object(OPERATOR, BUCKET, EXEMPTION, b"{");
    let answer = world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("web"), [1, 3, 4], "{answer:?}");
    assert_eq!(alerts(&world), 1, "{}", world.mail());
    world.state().pass(Duration::from_hours(1));
    world.state().delete_object(OPERATOR, BUCKET, EXEMPTION);
    let answer = world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("web"), [1, 3], "{answer:?}");
}

/// What people registered themselves is theirs: no command is handed out that would undo it as if it were a new copy.
#[tokio::test]
async fn a_persons_own_revision_is_no_new_copy_where_a_stray_is_withdrawn_beside_it() {
    let world = World::with(Mode::Remediate, NEWER, |_| {}).await;
    world.sweep().await.unwrap();
    {
        let mut state = world.state();
        state.register(PIPELINE, PRIVILEGED);
        state.put_object(SWEEP, BUCKET, "backups/111122223333/eu-west-1/web/2.json", PRIVILEGED.as_bytes());
        state.register(PIPELINE, CLEAN);
        state.register(SWEEP, &CLEAN.replace("app:1", "broken:1"));
        assert_eq!(state.ecs.active("web"), [1, 2, 3, 4]);
    }
    let answer = world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("web"), [1, 2, 3], "{answer:?}");
    let mail = world.mail();
    assert!(mail.contains("Deregistered web:4, a copy of web:2") && mail.contains("No new copy"), "{mail}");
    assert!(!mail.contains("-> web:3"), "{mail}");
}

/// The next look deals with it; until then it is ACTIVE, and may be started.
#[tokio::test]
async fn a_copy_that_can_neither_be_proven_nor_withdrawn_is_named() {
    let world = swept(Mode::Remediate).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, &of_family("api", PRIVILEGED));
        state.ecs.knobs.mutilates = Some(Mutilation::loses(Place::Definition, "taskRoleArn"));
        let deregistering = Calls::of("DeregisterTaskDefinition").by(SWEEP);
        state.inject(Fault::always(Kind::AccessDenied("ecs:DeregisterTaskDefinition"), deregistering));
    }
    let answer = world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("api"), [1, 2], "{answer:?}");
    assert!(world.mail().contains("api:2 is still ACTIVE and not proven"), "{}", world.mail());
}

#[tokio::test]
async fn a_watermark_that_cannot_be_used_is_made_anew_and_that_is_said() {
    for garbage in ["garbage", r#"{"schemaVersion":2,"createdAt":"2020-01-01T00:00:00Z"}"#] {
        let world = swept(Mode::Remediate).await;
        world.state().put_object(OPERATOR, BUCKET, WATERMARK, garbage.as_bytes());
        let before = alerts(&world);
        let answer = world.sweep().await.unwrap();
        assert!(answer.complete, "{answer:?}");
        assert_eq!(alerts(&world), before + 1);
        assert!(world.mail().contains("watermark"), "{}", world.mail());
        assert_eq!(object(&world.state(), WATERMARK)["schemaVersion"], 1);
        world.sweep().await.unwrap();
        assert_eq!(alerts(&world), before + 1);
    }
}

#[tokio::test]
async fn a_cluster_that_cannot_be_read_is_named_and_the_rest_goes_on() {
    let world = swept(Mode::Remediate).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, &of_family("api", PRIVILEGED));
        state.ecs.cluster("dark").run(Task::running("web:1", "family:web"));
        state.inject(Fault::always(Kind::AccessDenied("ecs:ListTasks"), Calls::of("ListTasks")));
    }
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("remediated"), Some(&1), "{answer:?}");
    assert!(world.mail().contains("ecs:ListTasks"), "{}", world.mail());
    world.state().pass(Duration::from_hours(1));
    // No event told of api:1.
    world.sweep().await.unwrap();
    let before = alerts(&world);
    world.sweep().await.unwrap();
    assert_eq!(alerts(&world), before, "the same is told once: {}", world.mail());
}

/// What is not known to run nothing may run something, so that all of these would be told: of each revision once and
/// never again.
#[tokio::test]
async fn a_walk_that_a_throttle_interrupts_tells_nothing_that_runs_nowhere() {
    let world = swept(Mode::Remediate).await;
    world.state().ecs.cluster("prod");
    for input in [PRIVILEGED, NEWER] {
        world.state().register(PIPELINE, &of_family("api", input));
    }
    assert_eq!(world.sweep().await.unwrap().outcomes.get("superseded"), Some(&1));
    // That no event told of them is told by the next run.
    world.state().pass(Duration::from_hours(1));
    world.sweep().await.unwrap();
    let before = alerts(&world);
    for operation in ["ListClusters", "ListTasks", "ListServices"] {
        world.state().pass(Duration::from_hours(1));
        // As often as the SDK tries.
        world.state().inject(Fault::times(3, Kind::Throttled, Calls::of(operation).by(SWEEP)));
        let answer = world.sweep().await.unwrap();
        assert_eq!(
            (answer.complete, answer.outcomes.get("superseded"), alerts(&world)),
            (true, None, before),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn two_unfaithful_copies_stop_the_writes_of_a_run() {
    let world = swept(Mode::Remediate).await;
    {
        let mut state = world.state();
        for number in 0..4 {
            state.register(PIPELINE, &of_family(&format!("app-{number}"), PRIVILEGED));
        }
        state.ecs.knobs.mutilates = Some(Mutilation::loses(Place::Definition, "taskRoleArn"));
    }
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("unfaithful_copy_withdrawn"), Some(&2), "{answer:?}");
    assert!(!answer.complete);
    let state = world.state();
    assert!((0..4).all(|number| state.ecs.active(&format!("app-{number}")) == [1]));
}

#[tokio::test]
async fn a_copy_of_a_sweep_that_died_before_its_digest_is_told_although_the_family_is_exempt_by_now() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    world.state().inject(Fault::once(Kind::KilledBefore, Calls::of("Publish").by(SWEEP)));
    let existing = |policy: &mut ecs_privileged_guard::domain::policy::Policy| policy.remediate_existing = true;
    assert!(world.sweep_with(existing).await.is_err());
    assert_eq!(world.state().ecs.active("web"), [1, 2]);
    assert_eq!(alerts(&world), 0);
    exempt_until(&mut world.state(), 30);
    world.state().pass(Duration::from_hours(1));
    assert_eq!(outcomes(&world.sweep().await.unwrap().outcomes), "already_remediated 1, compliant 1");
    assert_eq!(world.state().ecs.active("web"), [1, 2]);
    assert_eq!(alerts(&world), 1);
    assert!(world.mail().contains("web:2"), "{}", world.mail());
    // Told once: from then on the family is exempt like any other.
    world.state().pass(Duration::from_hours(1));
    world.sweep().await.unwrap();
    assert_eq!(alerts(&world), 1);
}

#[tokio::test]
async fn families_out_of_scope_and_exempt_families_stay() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    world.state().register(PIPELINE, &of_family("datadog-agent", PRIVILEGED));
    let answer = world
        .sweep_with(|policy| {
            policy.remediate_families = FamilyGlobs::new(["other-*"]).unwrap();
            policy.exempt_families = FamilyGlobs::narrow(["datadog-*"]).unwrap();
        })
        .await
        .unwrap();
    assert_eq!(answer.outcomes.get("exempt"), Some(&1));
    assert_eq!(answer.outcomes.get("remediated"), None);
    assert_eq!(object(&world.state(), LATEST)["exemptFamilies"][0], "datadog-*");
}

#[tokio::test]
async fn in_mode_alert_everything_is_looked_at_and_nothing_changed() {
    let world = swept(Mode::Alert).await;
    {
        let mut state = world.state();
        state.register(PIPELINE, &of_family("api", PRIVILEGED));
        state.ecs.cluster("main").services.insert("web".into(), Service::on("web:1"));
        state.ecs.cluster("main").run(Task::running("web:1", "service:web"));
        state.pass(Duration::from_hours(1));
    }
    let answer = world.sweep().await.unwrap();
    assert_eq!(outcomes(&answer.outcomes), "alerted 2", "web:1 because it runs by now");
    assert!(answer.complete);
    let state = world.state();
    assert_eq!((state.ecs.active("web"), state.ecs.active("api")), (vec![1], vec![1]));
    assert_eq!(object(&state, LATEST)["families"][0]["reason"], "alert_mode");
    assert_eq!(state.sns.messages().len(), 2);
}

#[tokio::test]
async fn a_backup_that_a_dead_run_has_left_is_read_back_and_serves() {
    let world = swept(Mode::Remediate).await;
    let original = of_family("api", PRIVILEGED);
    world.state().register(PIPELINE, &original);
    world.state().put_object(SWEEP, BUCKET, "backups/111122223333/eu-west-1/api/1.json", original.as_bytes());
    let answer = world.sweep().await.unwrap();
    assert_eq!(answer.outcomes.get("remediated"), Some(&1), "{answer:?}");
}

#[tokio::test]
async fn an_account_that_cannot_be_listed_is_told_once_with_the_statement_to_add() {
    let world = swept(Mode::Remediate).await;
    let lists = Calls::of("ListTaskDefinitions").by(SWEEP);
    world.state().inject(Fault::always(Kind::AccessDenied("ecs:ListTaskDefinitions"), lists));
    let before = alerts(&world);
    let watermark = object(&world.state(), WATERMARK);
    for _ in 0..3 {
        let answer = world.sweep().await.unwrap();
        assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("failed 1", false));
    }
    assert_eq!(alerts(&world), before + 1);
    let mail = world.mail();
    assert!(mail.contains(r#""Action":"ecs:ListTaskDefinitions""#) && mail.contains("Act now? Yes"), "{mail}");
    assert!(mail.contains("with each sweep, without a new"), "{mail}");
    assert_eq!(object(&world.state(), WATERMARK)["families"], watermark["families"], "nothing is forgotten");
    world.state().heal_faults();
    assert!(world.sweep().await.unwrap().complete);
    assert_eq!(alerts(&world), before + 1);
}

/// It cannot be remembered then, and its words say so.
#[tokio::test]
async fn a_watermark_that_cannot_be_read_is_told_each_time() {
    let world = swept(Mode::Remediate).await;
    let reads = Calls::of("GetObject").by(SWEEP).on(WATERMARK);
    world.state().inject(Fault::always(Kind::AccessDenied("s3:GetObject"), reads));
    let before = alerts(&world);
    for run in 1..=2 {
        world.sweep().await.unwrap();
        assert_eq!(alerts(&world), before + run);
        assert!(world.mail().contains("with each sweep, and told"), "{}", world.mail());
    }
}

#[tokio::test]
async fn the_built_function_sweeps_answers_and_logs() {
    let mut story = Story::begin("remediate").await;
    story.register(PRIVILEGED);
    let (first, _) = story.sweep(&[]).await;
    assert_eq!(first, json!({"outcomes": {"alerted": 1}, "missedByEvent": 0, "complete": true}));
    let (again, log) = story.sweep(&[("REMEDIATE_EXISTING", "true")]).await;
    assert_eq!(again, json!({"outcomes": {"remediated": 1}, "missedByEvent": 0, "complete": true}));
    assert_eq!((story.active(), story.alerts()), (vec![1, 2], 2));
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [swept, metrics] = &lines[..] else { panic!("{log}") };
    assert_eq!((swept["service"].as_str(), swept["level"].as_str()), (Some("sweep"), Some("INFO")));
    assert_eq!((metrics["Remediated"].as_f64(), metrics["SweepCompleted"].as_f64()), (Some(1.0), Some(1.0)));
    let page = story.account.state().s3.object(BUCKET, "reports/111122223333/eu-west-1/latest.html").unwrap().to_vec();
    assert!(String::from_utf8(page).unwrap().contains("<title>Privileged Amazon ECS containers"));
}

#[tokio::test]
async fn a_sweep_that_can_tell_nobody_fails_by_its_name() {
    let mut story = Story::begin("remediate").await;
    story.register(PRIVILEGED);
    let denied = Kind::AccessDenied("sns:Publish");
    story.account.state().inject(Fault::always(denied, Calls::of("Publish").by(SWEEP)));
    assert_eq!(story.fail_to_sweep().await, "alert_not_published");
}

/// What is registered while the first run begins is none of what was there before anybody looked.
#[tokio::test]
async fn what_comes_with_the_first_run_did_not_exist_before() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |_| {}).await;
    assert_eq!(outcomes(&world.sweep().await.unwrap().outcomes), "remediated 1");
}

#[tokio::test]
async fn the_time_of_the_first_run_is_that_of_its_beginning_also_where_it_died() {
    let world = World::with(Mode::Remediate, PRIVILEGED, |state| state.pass(Duration::from_hours(24))).await;
    let first = world.state().now;
    world.state().inject(Fault::always(Kind::AccessDenied("sns:Publish"), Calls::of("Publish").by(SWEEP)));
    assert_eq!(world.sweep().await, Err("alert_not_published".to_owned()));
    world.state().pass(Duration::from_mins(10));
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    world.state().heal_faults();
    world.state().pass(Duration::from_hours(1));
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.outcomes.get("remediated"), answer.missed_by_event), (Some(&1), 1), "{answer:?}");
    assert_eq!(object(&world.state(), WATERMARK)["createdAt"], json!(first));
}

#[tokio::test]
async fn a_partial_exemption_that_ends_is_noticed() {
    let both = of_family("web", PRIVILEGED).replace(
        r#""containerDefinitions":["#,
        r#""containerDefinitions":[{"name":"agent","image":"agent:1","privileged":true,"memory":64},"#,
    );
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &both);
    exempt_until(&mut world.state(), 8);
    let answer = world.sweep().await.unwrap();
    assert_eq!(object(&world.state(), LATEST)["families"][0]["reason"], "partly_exempt", "{answer:?}");
    world.state().pass(Duration::from_hours(24 * 9));
    world.sweep().await.unwrap();
    assert_eq!(world.state().ecs.active("web"), [1, 2, 3]);
}

#[tokio::test]
async fn a_deployment_that_goes_back_to_an_inactive_revision_is_seen() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, NEWER);
    world.state().deregister(OPERATOR, "web:1");
    world.state().pass(Duration::from_hours(1));
    for _ in 0..3 {
        world.sweep().await.unwrap();
        world.state().pass(Duration::from_hours(1));
    }
    assert_eq!(object(&world.state(), LATEST)["families"], json!([]));
    world.state().ecs.cluster("main").services.insert("web".into(), Service::on("web:1"));
    world.sweep().await.unwrap();
    assert_eq!(object(&world.state(), LATEST)["families"][0]["reason"], "inactive_in_use");
}

#[tokio::test]
async fn records_that_cannot_be_written_are_told_by_the_next_digest_and_the_run_is_not_complete() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    let records = Calls::of("PutObject").by(SWEEP).on("guard-state/records/111122223333/eu-west-1/api/1.json");
    world.state().inject(Fault::always(Kind::AccessDenied("s3:PutObject"), records));
    let swept = world.sweep_within(Duration::from_mins(15), |_| {}).await.unwrap();
    assert!(!swept.answer.complete && swept.metrics.contains(&("SweepCompleted", 0.0)), "{swept:?}");
    world.state().pass(Duration::from_hours(1));
    world.sweep().await.unwrap();
    assert!(world.mail().contains("records could not be written: access_denied"), "{}", world.mail());
    let before = alerts(&world);
    world.sweep().await.unwrap();
    assert_eq!(alerts(&world), before, "the same is told once: {}", world.mail());
    world.state().heal_faults();
    assert!(world.sweep().await.unwrap().complete);
    assert_eq!((alerts(&world), world.state().ecs.active("api")), (before, vec![1, 2]));
}

/// Whose watermark it is that lies there, S3 does not say: the run looks.
#[tokio::test]
async fn a_watermark_whose_answer_was_lost_is_ours_and_one_of_another_run_stays() {
    const THEIRS: &str = r#"{"schemaVersion":1,"createdAt":"2026-01-14T12:00:00Z"}"#;
    let world = swept(Mode::Remediate).await;
    let writes = || Calls::of("PutObject").by(SWEEP).on(WATERMARK);
    world.state().inject(Fault::once(Kind::CutAfter, writes()));
    assert!(world.sweep().await.unwrap().complete);
    assert!(object(&world.state(), WATERMARK)["families"].is_object());
    world.state().before(writes(), |state| state.put_object(OPERATOR, BUCKET, WATERMARK, THEIRS.as_bytes()));
    let swept = world.sweep_within(Duration::from_mins(15), |_| {}).await.unwrap();
    assert!(!swept.answer.complete, "{swept:?}");
    assert!(swept.unseen.iter().any(|words| words.contains("was written by another run meanwhile")), "{swept:?}");
    assert_eq!(world.state().s3.object(BUCKET, WATERMARK), Some(THEIRS.as_bytes()));
}

#[tokio::test]
async fn what_fails_every_time_keeps_nothing_else_from_its_turn() {
    let world = World::with(Mode::Remediate, &of_family("zebra", PRIVILEGED), |state| {
        state.ecs.cluster("main").services.insert("zebra".into(), Service::on("zebra:1"));
        state.deregister(PIPELINE, "zebra:1");
    })
    .await;
    world.sweep().await.unwrap();
    world.state().pass(Duration::from_hours(1));
    for number in 0..5 {
        world.state().register(PIPELINE, &of_family(&format!("app-{number}"), PRIVILEGED));
    }
    let registering = Calls::of("RegisterTaskDefinition").by(SWEEP);
    world.state().inject(Fault::always(Kind::AccessDenied("iam:PassRole"), registering));
    world.sweep().await.unwrap();
    // The next run has time for one of those that failed, and the one after it goes on with the next.
    let tried = |world: &World| object(&world.state(), WATERMARK)["triedLast"].clone();
    let mut in_turn = Vec::new();
    for _ in 0..3 {
        world.state().pass(Duration::from_hours(1));
        world.sweep_within(Duration::from_secs(52), |_| {}).await.unwrap();
        in_turn.push(tried(&world));
    }
    in_turn.dedup();
    assert_eq!(in_turn.len(), 3, "{in_turn:?}");
}

#[tokio::test]
async fn a_record_of_a_later_version_is_told_once_and_left_as_it_is() {
    const LATER: &[u8] = br#"{"schemaVersion":2,"later":true}"#;
    let world = swept(Mode::Remediate).await;
    let before = alerts(&world);
    world.state().register(PIPELINE, &of_family("api", PRIVILEGED));
    world.state().put_object(OPERATOR, BUCKET, "records/111122223333/eu-west-1/api/1.json", LATER);
    for _ in 0..3 {
        let swept = world.sweep_within(Duration::from_mins(15), |_| {}).await.unwrap();
        assert_eq!(swept.answer.outcomes.get("failed"), Some(&1), "{swept:?}");
        assert!(swept.metrics.contains(&("SweepCompleted", 1.0)), "{swept:?}");
        world.state().pass(Duration::from_mins(5));
    }
    assert_eq!(alerts(&world), before + 1, "{}", world.mail());
    let state = world.state();
    assert_eq!(state.s3.object(BUCKET, "records/111122223333/eu-west-1/api/1.json"), Some(LATER));
    assert_eq!(state.ecs.active("api"), [1]);
}

#[tokio::test]
async fn what_aws_batch_made_by_an_events_word_stays_batchs() {
    let world = swept(Mode::Remediate).await;
    world.state().register(PIPELINE, &of_family("job", PRIVILEGED));
    let record = r#"{"schemaVersion":1,"taskDefinition":"job:1","outcome":"alerted","reason":"managed_by_batch","eventId":"e-1"}"#;
    world.state().put_object(SWEEP, BUCKET, "records/111122223333/eu-west-1/job/1.json", record.as_bytes());
    let answer = world.sweep().await.unwrap();
    assert_eq!((answer.outcomes.get("alerted"), world.state().ecs.active("job")), (Some(&1), vec![1]), "{answer:?}");
}

#[tokio::test]
async fn an_empty_account_is_swept_in_silence() {
    let world = World::with(Mode::Remediate, NEWER, |state| {
        state.deregister(PIPELINE, "web:1");
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert!(answer.complete && answer.outcomes.is_empty(), "{answer:?}");
    assert_eq!((alerts(&world), world.state().s3.object(BUCKET, EXEMPTION)), (0, None));
}

/// An account of a clean family and some privileged ones, from before.
async fn several(families: usize, set_up: impl FnOnce(&mut State)) -> World {
    World::with(Mode::Remediate, NEWER, |state| {
        for number in 0..families {
            state.register(PIPELINE, &of_family(&format!("app-{number:03}"), PRIVILEGED));
        }
        state.pass(Duration::from_hours(24));
        set_up(state);
    })
    .await
}

#[tokio::test]
async fn short_and_empty_pages_end_with_the_last_token_only() {
    let world = several(12, |state| {
        state.ecs.knobs.page_length_max = 5;
        state.ecs.knobs.empty_pages = true;
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("alerted 12, compliant 1", true));
    assert!(world.state().count("ListTaskDefinitions") > 12);
}

#[tokio::test]
async fn pages_that_go_round_end_the_run_with_an_error() {
    for (pages, length) in [("one that leads to itself", 100), ("A, B, A, B", 9), ("A, B, C, A, B, C", 5)] {
        let world = several(12, |state| {
            state.ecs.knobs.page_length_max = length;
            state.ecs.knobs.goes_round = true;
        })
        .await;
        let began = world.state().now;
        let answer = world.sweep().await.unwrap();
        assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("failed 1", false), "{pages}");
        assert_eq!(alerts(&world), 1, "{pages}");
        let state = world.state();
        assert!(state.now.duration_since(began).as_secs() < 60, "{pages}: {}", state.now);
        assert!(state.count("ListTaskDefinitions") <= 8, "{pages}");
        assert_eq!(object(&state, WATERMARK)["families"], json!({}), "{pages}");
    }
}

#[tokio::test]
async fn a_revision_that_vanishes_after_it_was_listed_is_the_next_runs_to_judge() {
    let world = several(3, |state| {
        state
            .before(Calls::of("DescribeTaskDefinition").on("app-001"), |state| state.deregister(PIPELINE, "app-001:1"));
    })
    .await;
    let answer = world.sweep().await.unwrap();
    assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("alerted 2, compliant 1", false));
    world.state().pass(Duration::from_hours(1));
    let answer = world.sweep().await.unwrap();
    assert!(answer.complete && answer.outcomes.is_empty(), "{answer:?}");
    assert_eq!(object(&world.state(), LATEST)["totals"]["newestPrivileged"], 2);
}

#[tokio::test]
async fn a_run_that_is_out_of_time_goes_on_in_the_next_and_tells_nothing_twice() {
    let world = several(200, |_| {}).await;
    let mut told = Vec::new();
    for _ in 0..20 {
        let began = world.state().now;
        let answer = world.sweep_within(Duration::from_secs(90), |_| {}).await.unwrap().answer;
        assert!(world.state().now.duration_since(began).as_secs() < 90);
        told.push(answer.outcomes.get("alerted").copied().unwrap_or_default());
        world.state().pass(Duration::from_hours(1));
        if answer.complete {
            break;
        }
    }
    assert!(told.len() > 1 && told.iter().sum::<usize>() == 200, "{told:?}");
    let told_of = |id: &str| {
        let state = world.state();
        let messages = state.sns.messages();
        messages.iter().filter(|message| message.delivery("email").body.contains(id)).count()
    };
    // The digest names the ten worst; more of them are in the report.
    assert!((0..200).all(|number| told_of(&format!("app-{number:03}:1")) <= 1));
    assert_eq!(alerts(&world), told.iter().filter(|count| **count > 0).count());
    assert_eq!(world.sweep().await.unwrap().outcomes.len(), 0);
}

#[tokio::test]
async fn a_look_that_reads_on_and_on_does_not_take_the_others_with_it() {
    let world = several(3, |state| {
        for _ in 0..600 {
            let id = state.register(PIPELINE, &of_family("busy", PRIVILEGED));
            if id != "busy:1" {
                state.deregister(PIPELINE, &id);
            }
        }
        state.ecs.knobs.page_length_max = 1;
        // It is gone when the reconciler looks, who then reads the list of all that is.
        let second = Calls::of("DescribeTaskDefinition").on("busy:1").starting_at(2);
        state.before(second, |state| state.deregister(PIPELINE, "busy:1"));
        // SNS takes its time besides.
        let publishing = Calls::of("Publish").by(SWEEP);
        state.inject(Fault::times(3, Kind::DelayBefore(Duration::from_secs(1)), publishing));
    })
    .await;
    let answer = world.sweep_within(Duration::from_secs(90), |_| {}).await.unwrap().answer;
    assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("alerted 3", false));
    let record = object(&world.state(), "records/111122223333/eu-west-1/app-000/1.json");
    assert_eq!((alerts(&world), record["outcome"].as_str()), (1, Some("alerted")));
    let answer = world.sweep().await.unwrap();
    assert_eq!((outcomes(&answer.outcomes).as_str(), answer.complete), ("compliant 1", true));
}

#[tokio::test]
async fn beside_others_who_use_most_of_the_budget_it_slows_down_and_comes_through() {
    for taken in [16.0, 18.0, 19.0] {
        let world = several(100, |state| {
            let budget = Budget::empty(state.now).shared(taken);
            state.budget = Some(budget);
            state.ecs.knobs.page_length_max = 1;
        })
        .await;
        let swept = world.sweep_within(Duration::from_mins(15), |_| {}).await.unwrap();
        let answer = swept.answer;
        let (state, refusal) = (world.state(), Seen::Refused("ThrottlingException".into()));
        let throttled = state.calls().iter().filter(|call| call.seen == refusal).count();
        let calls = state.count("ListTaskDefinitions") + state.count("DescribeTaskDefinition");
        assert!(throttled > 0 && throttled * 10 < calls, "{throttled} of {calls} at {taken}");
        assert!(answer.complete, "{answer:?}: {}", object(&state, LATEST)["unseen"]);
    }
}
