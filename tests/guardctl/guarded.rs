//! Sessions at a prompt whose operator is signed in to an account with a guard.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::account::state::ecs::{Service, Task};
use super::account::{BACKOUT, Call, Calls, Fault, Kind, OPERATOR, PIPELINE};
use super::cloud::{Cloud, timeless};
use super::sessions::{lines_of_an_account, session_with};
use super::story::BUCKET;

const BATCH: &str = r#","tags":[{"key":"AWSBatchServiceTag","value":"batch"}]"#;
const CLEAN: &str = r#"{"family":"clean","containerDefinitions":[{"name":"app","image":"app:1","memory":128}]}"#;
const NEWER: &str = r#"{"family":"api","containerDefinitions":[{"name":"app","image":"app:2","memory":128}]}"#;

const DAEMON: &str =
    r#"{"family":"agent","containerDefinitions":[{"name":"a","image":"agent:1","memory":64,"privileged":true}]}"#;

/// A little more than so many: what is left of it says so for hours.
fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days + 6)
}

/// An account after a sweep: one family is exempt, one has a copy, one is Batch's; of another nobody has heard yet.
pub(crate) async fn swept(name: &str) -> Cloud {
    let mut cloud = Cloud::where_operators_apply(name, "remediate").await;
    cloud.exempt("agent", "agent", days(5));
    cloud.remedy("agent", "agent", "").await;
    cloud.remedy("db", "app", BATCH).await;
    cloud.remedy("web", "app", "").await;
    cloud.story.account.state().create_service(PIPELINE, "prod", "agent", "agent:1");
    cloud.story.sweep(&[]).await;
    cloud.register("api", "app", "");
    cloud.shell.write("event.json", cloud.story.event_of("api:1"));
    cloud
}

#[tokio::test(flavor = "multi_thread")]
async fn how_it_stands_and_what_would_be_done() {
    let cloud = swept("status").await;
    session_with("status", |line| cloud.run(line));
    session_with("colour", |line| cloud.run(line));
    // Nothing was written by any of that.
    let state = cloud.story.account.state();
    assert!(!state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_the_pipe_is_alive() {
    let cloud = swept("doctor").await;
    session_with("doctor", |line| cloud.run(line));
    // Looking changes nothing.
    let state = cloud.story.account.state();
    assert!(!state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_event_leads_to() {
    let mut cloud = swept("replay").await;
    cloud.story.register(CLEAN);
    for (file, revision) in [("web", "web:1"), ("agent", "agent:1"), ("clean", "clean:1")] {
        cloud.shell.write(&format!("{file}.json"), cloud.story.event_of(revision));
    }
    for (file, event) in [
        ("failed", include_str!("../../events/guard-failed-call.json")),
        ("elsewhere", include_str!("../../events/guard-other-account.json")),
        ("daemon", include_str!("../../events/guard-daemon.json")),
        ("deployment", include_str!("../../events/guard-deployment-completed.json")),
    ] {
        cloud.shell.write(&format!("{file}.json"), event);
    }
    let steering = cloud.story.event_of("api:1").replace("\"deploy-pipeline\"", r#""\u001b[2J\u202e,=cmd""#);
    cloud.shell.write("steering.json", &steering);
    for options in ["", "-o json", "-o csv", "--offline"] {
        let said = cloud.run(&format!("guardctl replay {options} steering.json"));
        let all = said.stdout + &said.stderr;
        assert!(said.exit == Some(0) && !all.contains(['\u{1b}', '\u{202e}']), "{options}: {all:?}");
    }
    let idle = cloud.register("idle", "app", "");
    cloud.story.account.state().deregister(PIPELINE, &idle);
    let deregistered = |event: &&String| event.contains("\"DeregisterTaskDefinition\"");
    let deregistered = cloud.story.account.state().trail().iter().find(deregistered).unwrap().clone();
    cloud.shell.write("deregistered.json", deregistered);
    let created = |event: &&String| event.contains("\"CreateService\"");
    let created = cloud.story.account.state().trail().iter().find(created).unwrap().clone();
    cloud.shell.write("service.json", created);
    let told = cloud.story.alerts();
    session_with("replay", |line| cloud.run(line));
    assert_eq!(cloud.story.alerts(), told);
    let state = cloud.story.account.state();
    assert!(!state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write()));
}

/// What was foretold is what the guard does then: its calls that write, in their order, and the alert where it is shown.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_foretold_happens() {
    for mode in ["alert", "remediate"] {
        let mut cloud = Cloud::begin(&format!("foretold-{mode}"), mode).await;
        for (family, more) in [("web", ""), ("db", BATCH), ("web", ""), ("agent", "daemon")] {
            let (id, event) = match more {
                "daemon" => {
                    let mut state = cloud.story.account.state();
                    let id = state.register_daemon(PIPELINE, DAEMON);
                    (id, state.trail().last().unwrap().clone())
                }
                more => {
                    let id = cloud.register(family, "app", more);
                    let event = cloud.story.event_of(&id);
                    (id, event)
                }
            };
            cloud.shell.write("event.json", &event);
            let said = cloud.run("guardctl replay -q -o json event.json");
            assert_eq!(said.exit, Some(0), "{mode} {id}: {}", said.stderr);
            let foretold: Value = serde_json::from_str(&said.stdout).unwrap();
            let before = cloud.story.account.state().calls().len();
            let told = cloud.story.alerts();
            let answer = cloud.story.hand_over(&event).await;
            assert_eq!(answer["outcome"], foretold["outcome"], "{mode} {id}");
            assert_eq!(answer["reason"], foretold["reason"], "{mode} {id}");
            assert_eq!(answer["alert"], foretold["alert"]["alert"], "{mode} {id}");
            let actions = |call: &Value| call["action"].as_str().unwrap().to_owned();
            let actions: Vec<_> = foretold["calls"].as_array().unwrap().iter().map(actions).collect();
            let state = cloud.story.account.state();
            let writes = state.calls()[before..].iter().filter(|call| call.is_write());
            assert_eq!(actions, writes.map(Call::action).collect::<Vec<_>>(), "{mode} {id}");
            drop(state);
            if cloud.story.alerts() > told && foretold["alert"]["asInModeAlert"] == false {
                assert_eq!(foretold["alert"]["text"], timeless(&cloud.story.mail()), "{mode} {id}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_sweep() {
    let cloud = Cloud::begin("fresh", "alert").await;
    session_with("fresh", |line| cloud.run(line));
}

#[tokio::test(flavor = "multi_thread")]
async fn exemptions_are_written_only_if_they_hold() {
    let mut cloud = Cloud::begin("exempt", "remediate").await;
    cloud.register("web", "app", "");
    cloud.story.register(CLEAN);
    cloud.story.put("exemptions/111122223333/eu-west-1/broken.json", "{}");
    session_with("exempt", |line| {
        let line = cloud.shell.dated(line);
        cloud.run(&line)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_did_is_undone_and_the_services_are_followed() {
    let mut cloud = Cloud::begin("backout", "remediate").await;
    cloud.remedy("web", "app", "").await;
    cloud.remedy("api", "app", "").await;
    cloud.story.register(NEWER);
    cloud.serve_the_copy(2);
    session_with("backout", |line| cloud.run(line));
    assert_eq!(cloud.story.active(), [1]);
}

/// From that look of the operator's on the service has come to rest on this revision.
fn shows(cloud: &Cloud, look: usize, revision: &'static str) {
    let looks = Calls::of("DescribeServices").by(OPERATOR).starting_at(look);
    cloud.story.account.state().before(looks, move |state| {
        state.ecs.cluster("prod").services.insert("web".into(), Service::on(revision));
    });
}

/// ECS may go back to what ran before, and somebody may deploy something else; a deployment that is complete is no proof.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_runs_something_else_is_not_back() {
    let mut cloud = Cloud::begin("not-back", "remediate").await;
    cloud.remedy("web", "app", "").await;
    cloud.serve_the_copy(100);
    shows(&cloud, 1, "web:2");
    let said = cloud.run("guardctl backout web:1 --yes --reason r --approved-by a");
    assert_eq!(said.exit, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains("Service prod/web did not come back: it runs web:2."), "{}", said.stderr);
}

/// Right after the call a read may still show what was before.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_shown_as_it_was_is_looked_at_once_more() {
    let mut cloud = Cloud::begin("shown-late", "remediate").await;
    cloud.remedy("web", "app", "").await;
    cloud.serve_the_copy(100);
    shows(&cloud, 1, "web:2");
    shows(&cloud, 2, "web:1");
    let said = cloud.run("guardctl backout web:1 --yes --reason r --approved-by a");
    assert_eq!((said.exit, said.stderr.trim()), (Some(0), "Service prod/web is back."), "{}", said.stdout);
}

/// Whoever takes 1 for "nothing was done" would leave a family exempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_backout_that_stops_behind_its_exemption_is_partly_done() {
    let mut cloud = Cloud::begin("stopped-behind", "remediate").await;
    cloud.remedy("web", "app", "").await;
    cloud.story.account.state().deregister(OPERATOR, "web:1");
    let registering = Calls::of("RegisterTaskDefinition").by(BACKOUT);
    cloud.story.account.state().inject(Fault::always(Kind::AccessDenied("iam:PassRole"), registering));
    let said = cloud.run("guardctl backout web:1 --yes --reason r --approved-by a");
    assert_eq!(said.exit, Some(5), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("exempt until"), "{}", said.stdout);
    let mail = cloud.story.mail().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(mail.contains(r#""Resource":["arn:aws:iam::111122223333:role/web"]"#), "{mail}");
}

/// In mode `enforce` a copy is not the end, unless the guard leaves the services alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_services_that_would_be_moved_and_no_others() {
    let mut cloud = Cloud::begin("plan-services", "enforce").await;
    cloud.remedy("web", "app", "").await;
    let plan = |cloud: &Cloud| {
        let said = cloud.run("guardctl plan web:1 --exit-code");
        (said.exit, said.stdout.contains("Then look at each service"))
    };
    assert_eq!(plan(&cloud), (Some(0), true), "none runs it");
    {
        let mut state = cloud.story.account.state();
        state.create_service(PIPELINE, "prod", "web", "web:1");
        state.complete_deployment("prod", "web");
        state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
    }
    assert_eq!(plan(&cloud), (Some(3), true));
    cloud.exempt("web", "app", days(5));
    assert_eq!(plan(&cloud), (Some(0), false));
}

/// A key that may not be used is no empty environment.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_decrypted_are_not_taken_for_none() {
    let cloud = Cloud::begin("sealed", "remediate").await;
    let said = cloud.run("guardctl plan web:1 --function sealed");
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains("\"Action\":\"kms:Decrypt\""), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_and_where_nothing_is() {
    let cloud = Cloud::begin("signing-in", "remediate").await;
    let key = cloud.story.account.state().key_of(OPERATOR).clone();
    cloud.shell.write(
        ".aws/config",
        format!(
            "[profile operator]\nregion = eu-west-1\naws_access_key_id = {}\naws_secret_access_key = {}\n\
             [profile ended]\nregion = eu-west-1\nsso_session = corporate\nsso_account_id = 111122223333\n\
             sso_role_name = operator\n[sso-session corporate]\nsso_region = eu-west-1\n\
             sso_start_url = https://example.com/start\n",
            key.id, key.secret
        ),
    );
    session_with("signing-in", |line| cloud.run(line));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policy_an_account_gets() {
    let cloud = Cloud::with("policy-account", "remediate", &[("EXEMPT_FAMILIES", "datadog-*,falco")]).await;
    cloud.exempt("agent", "agent", days(5));
    cloud.exempt("ended", "app", days(-1));
    session_with("policy-account", |line| cloud.run(line));
    // An exemption that cannot be read is never taken for none.
    cloud.story.put("exemptions/111122223333/eu-west-1/web.json", "{}");
    let said = cloud.run("guardctl policy");
    assert_eq!((said.exit, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
    assert!(said.stderr.contains("exemptions/111122223333/eu-west-1/web.json cannot be relied on"), "{}", said.stderr);
}

/// A denial of one action says which, on what, and what to add; and nothing that could not be read is taken for none.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_never_taken_for_none() {
    let cloud = swept("denied").await;
    for (line, operation, action) in [
        ("status", "GetObject", "s3:GetObject"),
        ("history", "ListObjectsV2", "s3:ListBucket"),
        ("history", "GetObject", "s3:GetObject"),
        ("show web:1", "GetObject", "s3:GetObject"),
        ("show web:2", "ListObjectsV2", "s3:ListBucket"),
        ("exempt list", "ListObjectsV2", "s3:ListBucket"),
        ("exempt list", "GetObject", "s3:GetObject"),
        ("exempt end agent --yes", "PutObject", "s3:PutObject"),
        ("plan api:1", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("plan api:1", "ListTaskDefinitions", "ecs:ListTaskDefinitions"),
        ("replay event.json", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("replay event.json", "GetObject", "s3:GetObject"),
        ("retire --yes", "ListTaskDefinitions", "ecs:ListTaskDefinitions"),
        ("retire --yes", "ListObjectsV2", "s3:ListBucket"),
        ("retire --yes", "GetObject", "s3:GetObject"),
        ("retire --yes", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("scan", "ListTaskDefinitions", "ecs:ListTaskDefinitions"),
        ("scan", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("scan", "GetObject", "s3:GetObject"),
        ("scan --html page.html", "ListObjectsV2", "s3:ListBucket"),
        ("scan --html page.html", "GetObject", "s3:GetObject"),
        ("policy", "ListObjectsV2", "s3:ListBucket"),
        ("policy", "GetObject", "s3:GetObject"),
    ] {
        let denied = Fault::always(Kind::AccessDenied(action), Calls::of(operation).by(OPERATOR));
        cloud.story.account.state().inject(denied);
        let said = cloud.run(&format!("guardctl {line}"));
        cloud.story.account.state().heal();
        assert_eq!(said.exit, Some(4), "{line}: {}", said.stderr);
        assert_eq!(said.stdout, "", "{line}");
        assert!(said.stderr.contains(&format!("\"Action\":\"{action}\"")), "{line}: {}", said.stderr);
        assert!(said.stderr.ends_with("Nothing was changed.\n"), "{line}: {}", said.stderr);
    }
}

const PROBE: &str = "ecs-privileged-guard-doctor";

/// How the exemption of doctor's own family stands: it is there, and has ended.
fn probe_is_taken_back(cloud: &Cloud) -> bool {
    let exemption = cloud.story.object(&format!("exemptions/111122223333/eu-west-1/{PROBE}.json")).unwrap();
    let end: jiff::Timestamp = exemption["expiresAt"].as_str().unwrap().parse().unwrap();
    let is_active = !cloud.story.account.state().ecs.active(PROBE).is_empty();
    // The account's clock stands still, and the machine's does not.
    !is_active && end < cloud.now() + SignedDuration::from_mins(30)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_is_tried_and_nothing_stays() {
    let mut cloud = swept("doctor-live").await;
    let told = cloud.story.alerts();
    for (run, options) in [(1, "-o json"), (2, "")] {
        cloud.run(&format!("(guardctl doctor {options} --live --yes --wait 60 >out 2>err; echo $? >code) >log 2>&1 &"));
        while cloud.story.account.state().ecs.active(PROBE).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // Meanwhile the family is exempt.
        let answer = cloud.story.deliver(&format!("{PROBE}:{run}")).await;
        assert_eq!(answer["outcome"], "exempt");
        let said = cloud
            .run("until test -s code; do sleep 0.1; done; cat out; cat err >&2; code=$(cat code); rm code; exit $code");
        assert_eq!(said.exit, Some(0), "{}{}", said.stdout, said.stderr);
        if options.is_empty() {
            let lines = ["CHECK", "live", "ok", "the guard has answered"];
            assert!(lines.iter().all(|words| said.stdout.contains(words)), "{}", said.stdout);
        } else {
            let document: Value = serde_json::from_str(&said.stdout).unwrap();
            let live = document["checks"].as_array().unwrap().last().unwrap();
            assert_eq!((&live["check"], &live["state"]), (&"live".into(), &"ok".into()), "{live}");
        }
        assert!(said.stderr.contains("an alert of the guard itself is published is not proven"), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("{PROBE}:{run} is deregistered, and its exemption has ended.")));
        assert!(probe_is_taken_back(&cloud));
    }
    assert_eq!(cloud.story.alerts(), told);
    assert!(cloud.story.record(&format!("{PROBE}:2")).unwrap()["copy"].is_null());
}

/// Whatever happens to it, nothing stays; and what does is said, with how it goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_tried_is_taken_back_whatever_happens() {
    let cloud = swept("doctor-taken-back").await;
    let live = "guardctl doctor --live --yes";
    let said = cloud.run(&format!("{live} --wait 1"));
    assert_eq!(said.exit, Some(3), "{}", said.stderr);
    assert!(said.stdout.contains("the guard has not answered to ecs-privileged-guard-doctor:1"), "{}", said.stdout);
    assert!(probe_is_taken_back(&cloud));
    for (signal, revision) in [("INT", 2), ("TERM", 3), ("HUP", 4)] {
        let said = cloud.run(&format!("timeout --preserve-status -s {signal} 4 {live}"));
        assert_eq!(said.exit, Some(130), "{signal}: {}", said.stderr);
        let world = format!(":{revision} is deregistered, and its exemption has ended.");
        assert!(said.stderr.contains(&world), "{signal}: {}", said.stderr);
        assert!(probe_is_taken_back(&cloud), "{signal}");
    }
    let register = || Calls::of("RegisterTaskDefinition").by(OPERATOR);
    for (kind, exit, revision) in [
        (Kind::AccessDenied("ecs:RegisterTaskDefinition"), 4, None),
        // The work is done, and nobody has heard of it.
        (Kind::CutAfter, 1, Some(5)),
        (Kind::Garbled, 1, Some(6)),
    ] {
        cloud.story.account.state().inject(Fault::once(kind.clone(), register()));
        let said = cloud.run(live);
        cloud.story.account.state().heal();
        assert_eq!(said.exit, Some(exit), "{kind:?}: {}", said.stderr);
        let world = match revision {
            Some(revision) => format!("{PROBE}:{revision} is deregistered, and its exemption has ended.\n"),
            None => format!("Nothing is registered, and the exemption of {PROBE} has ended.\n"),
        };
        assert!(said.stderr.ends_with(&world), "{kind:?}: {}", said.stderr);
        let names_both = said.stderr.contains("\"Action\":\"ecs:RegisterTaskDefinition\"")
            && said.stderr.contains("must leave out the family ecs-privileged-guard-doctor,");
        assert_eq!(names_both, exit == 4, "{kind:?}: {}", said.stderr);
        assert!(probe_is_taken_back(&cloud), "{kind:?}");
    }
    let denied = Kind::AccessDenied("s3:PutObject");
    cloud.story.account.state().inject(Fault::always(denied, Calls::of("PutObject").by(OPERATOR)));
    let said = cloud.run(live);
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains("\"Action\":\"s3:PutObject\""), "{}", said.stderr);
    assert!(said.stderr.ends_with("\nNothing was changed.\n"), "{}", said.stderr);
    // It was written, and nobody has heard of it.
    cloud.story.account.state().inject(Fault::once(Kind::CutAfter, Calls::of("PutObject").by(OPERATOR)));
    let said = cloud.run(live);
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(1), "{}", said.stderr);
    let world = format!("\nNothing is registered, and the exemption of {PROBE} has ended.\n");
    assert!(said.stderr.ends_with(&world), "{}", said.stderr);
    assert!(probe_is_taken_back(&cloud));
}

/// What cannot be taken back is said, and takes the place of nothing else that there is to say.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_hides_nothing() {
    let cloud = swept("doctor-left").await;
    let live = "guardctl doctor --live --yes";
    let denied = || Kind::AccessDenied("ecs:DeregisterTaskDefinition");
    let calls = || Calls::of("DeregisterTaskDefinition").by(OPERATOR);
    cloud.story.account.state().inject(Fault::always(denied(), calls()));
    let said = cloud.run(&format!("{live} --wait 1"));
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    let left = "ecs-privileged-guard-doctor:1 may still be ACTIVE: aws ecs deregister-task-definition --region eu-west-1 \
                --task-definition ecs-privileged-guard-doctor:1; its exemption has ended\n";
    assert!(said.stderr.ends_with(left), "{}", said.stderr);
    assert!(said.stdout.contains("the guard has not answered to ecs-privileged-guard-doctor:1"), "{}", said.stdout);
    let said = cloud.run(&format!("{live} --wait 1 -o json"));
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["checks"].as_array().unwrap().last().unwrap()["check"], "live");
    // Somebody who pressed Ctrl-C reads why it ended, too.
    let said = cloud.run(&format!("timeout --preserve-status -s INT 4 {live}"));
    assert_eq!(said.exit, Some(130), "{}", said.stderr);
    for words in [
        "error: ecs-privileged-guard-doctor:3 could not be deregistered",
        "  cause: interrupted while the guard was waited for",
        "\"Action\":\"ecs:DeregisterTaskDefinition\"",
        "ecs-privileged-guard-doctor:3 may still be ACTIVE",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    cloud.story.account.state().heal();
    // The next run leaves them alone, and names the last.
    let said = cloud.run(&format!("{live} --wait 1"));
    assert!(said.stderr.contains("ecs-privileged-guard-doctor:3 is ACTIVE already"), "{}", said.stderr);
    assert_eq!(cloud.story.account.state().ecs.active(PROBE), [1, 2, 3]);
}

/// Two at once: whoever ends first leaves the other exempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_its_own_exemption_and_no_others() {
    let cloud = swept("doctor-two").await;
    let key = format!("exemptions/111122223333/eu-west-1/{PROBE}.json");
    let another = serde_json::json!({
        "containers": ["doctor"],
        "reason": "guardctl doctor --live: nothing runs it, and it is taken back",
        "approvedBy": "guardctl doctor",
        "expiresAt": cloud.now() + SignedDuration::from_mins(40),
    });
    // The other began later, and has written over ours.
    let (at, text) = (key.clone(), another.to_string());
    let register = Calls::of("RegisterTaskDefinition").by(OPERATOR);
    let write = move |state: &mut super::account::State| state.put_object(PIPELINE, BUCKET, &at, text.as_bytes());
    cloud.story.account.state().after(register, write);
    let said = cloud.run("guardctl doctor --live --yes --wait 1");
    let world = format!("{PROBE}:1 is deregistered, and its exemption is not this run's any more.");
    assert!(said.stderr.contains(&world), "{}", said.stderr);
    assert_eq!(cloud.story.object(&key).as_ref(), Some(&another));
    // It began earlier, and still rests on what we wrote over.
    let said = cloud.run("guardctl doctor --live --yes --wait 1");
    let world = format!("{PROBE}:2 is deregistered, and its exemption is what it was before, until YYYY-");
    assert!(said.stderr.contains(&world), "{}", said.stderr);
    assert_eq!(cloud.story.object(&key).as_ref(), Some(&another));
    assert!(cloud.story.account.state().ecs.active(PROBE).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_asks_before_it_registers() {
    let cloud = swept("doctor-asks").await;
    let said = cloud.run("guardctl doctor --live");
    assert_eq!(said.exit, Some(2), "{}", said.stderr);
    assert!(said.stderr.contains("hint: --yes goes on without asking"), "{}", said.stderr);
    let said = cloud.run("(sleep 1; echo n) | script -qefc \"guardctl doctor --live\" /dev/null");
    assert_eq!(said.exit, Some(1), "{}", said.stdout);
    assert!(
        said.stdout.contains("take it back? [y/N]") && said.stdout.contains("Nothing was changed."),
        "{}",
        said.stdout
    );
    let state = cloud.story.account.state();
    assert!(!state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write()));
}

/// What could not be seen is said, and the scan has failed, whatever else it found.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_blind_says_so() {
    let cloud = swept("blind").await;
    for (operation, action) in [("ListClusters", "ecs:ListClusters"), ("ListServices", "ecs:ListServices")] {
        let denied = Fault::always(Kind::AccessDenied(action), Calls::of(operation).by(OPERATOR));
        cloud.story.account.state().inject(denied);
        let said = cloud.run("guardctl scan --exit-code");
        cloud.story.account.state().heal();
        assert_eq!(said.exit, Some(4), "{operation}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("\"Action\":\"{action}\"")), "{operation}: {}", said.stderr);
        assert!(said.stdout.contains("api:1"), "{operation}: {}", said.stdout);
    }
}

/// What was seen before something was denied is shown, and what was not seen is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_denied_midway_shows_what_it_saw() {
    let cloud = swept("denied-midway").await;
    let action = "ecs:DescribeTaskDefinition";
    let denied = Fault::always(Kind::AccessDenied(action), Calls::of("DescribeTaskDefinition").on("db:1").by(OPERATOR));
    cloud.story.account.state().inject(denied);
    let said = cloud.run("guardctl scan --exit-code -o json");
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    let scan: Value = serde_json::from_str(&said.stdout).unwrap();
    let seen: Vec<_> = scan["revisions"].as_array().unwrap().iter().map(|row| &row["taskDefinition"]).collect();
    assert_eq!(seen, ["agent:1", "api:1"], "{}", said.stdout);
    assert_eq!((&scan["unseen"], &scan["revisionsLookedAt"]), (&json!(["db:1", "web:1", "web:2"]), &json!(2)));
}

/// What others can write is read as what it is not, or as nothing, never as good news.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_in_the_bucket_is_said() {
    let cloud = swept("broken-state").await;
    for (key, line) in [
        ("reports/111122223333/eu-west-1/latest.json", "status"),
        ("records/111122223333/eu-west-1/web/1.json", "show web:1"),
        ("records/111122223333/eu-west-1/web/1.json", "history"),
    ] {
        for text in ["", "{}", "[]", r#"{"schemaVersion":2}"#, "\u{1b}[2J"] {
            cloud.story.put(key, text);
            let said = cloud.run(&format!("guardctl {line}"));
            assert_eq!(said.exit, Some(1), "{line} {text}: {}", said.stderr);
            assert!(said.stderr.contains("could not be read"), "{line} {text}: {}", said.stderr);
        }
    }
    let steering = r#"{"schemaVersion":1,"outcome":"\u001b[2J","reason":"\u202e","registeredBy":"=cmd"}"#;
    cloud.story.put("records/111122223333/eu-west-1/web/1.json", steering);
    for line in
        ["history", "history -o json", "history -o csv", "show web:1", "show -o json web:1", "show -o csv web:1"]
    {
        let said = cloud.run(&format!("guardctl {line}"));
        let all = said.stdout + &said.stderr;
        assert!(!all.contains(['\u{1b}', '\u{202e}']) && !all.contains(",=cmd"), "{line}: {all:?}");
    }
}

/// On a terminal it asks, and does nothing unless somebody says yes.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked() {
    let cloud = swept("asked").await;
    let ask = |answer: &str, line: &str| {
        let said = cloud.run(&format!("(sleep 1; echo {answer}) | script -qefc \"guardctl {line}\" /dev/null"));
        (said.exit, said.stdout)
    };
    let (exit, said) = ask("n", "exempt end agent");
    assert!(exit == Some(1) && said.contains("End it now? [y/N]") && said.contains("Nothing was changed."), "{said}");
    let (exit, said) = ask("y", "exempt end agent");
    assert!(exit == Some(0) && said.contains("has ended"), "{said}");
    let (exit, said) = ask("no", "backout web:1 --reason r --approved-by a");
    assert!(exit == Some(1) && said.contains("Back out web:1? [y/N]"), "{said}");
    assert_eq!(cloud.story.active(), [1, 2]);
    let (exit, said) = ask("y", "backout web:1 --reason r --approved-by a");
    assert!(exit == Some(0) && said.contains("web:1 is in force"), "{said}");
    assert_eq!(cloud.story.active(), [1]);
}

/// What runs, is exempt, or could not be brought back is kept; what is taken can be brought back.
#[tokio::test(flavor = "multi_thread")]
async fn originals_that_nothing_refers_to_are_retired() {
    let mut cloud = Cloud::begin("retire", "remediate").await;
    for family in ["exempt", "gone", "lost", "runs", "web"] {
        cloud.remedy(family, "app", "").await;
    }
    cloud.register("api", "app", "");
    cloud.exempt("exempt", "app", days(5));
    cloud.story.put("backups/111122223333/eu-west-1/lost/1.json", "{}");
    cloud.story.account.state().create_service(PIPELINE, "prod", "runs", "runs:1");
    cloud.story.account.state().deregister(PIPELINE, "gone:2");
    session_with("retire", |line| cloud.run(line));
    // Backout has brought it back from its backup.
    assert_eq!(cloud.story.active(), [3]);
    let state = cloud.story.account.state();
    let writes = state.calls().iter().filter(|call| call.principal == OPERATOR && call.is_write());
    assert_eq!(writes.map(|call| call.operation.as_str()).collect::<Vec<_>>(), ["DeregisterTaskDefinition"]);
    for family in ["api", "exempt", "gone", "lost", "runs"] {
        assert!(state.ecs.active(family).contains(&1), "{family}");
    }
}

/// What could not be seen may run any of them; what fails ends it, and it is said what was done.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_retired_blindly() {
    let mut cloud = Cloud::begin("retire-blind", "remediate").await;
    cloud.remedy("api", "app", "").await;
    cloud.remedy("web", "app", "").await;
    cloud.story.account.state().create_service(PIPELINE, "prod", "web", "web:2");
    for (operation, action) in [
        ("ListClusters", "ecs:ListClusters"),
        ("ListTasks", "ecs:ListTasks"),
        ("ListServices", "ecs:ListServices"),
        ("DescribeServices", "ecs:DescribeServices"),
    ] {
        let denied = Fault::always(Kind::AccessDenied(action), Calls::of(operation).by(OPERATOR));
        cloud.story.account.state().inject(denied);
        for options in ["--yes", "--dry-run"] {
            let said = cloud.run(&format!("guardctl retire {options}"));
            assert_eq!(said.exit, Some(6), "{operation}: {}", said.stderr);
            assert!(said.stderr.contains(action) && said.stderr.ends_with("Nothing was changed.\n"), "{}", said.stderr);
        }
        cloud.story.account.state().heal();
    }
    let ask = |answer: &str, family: &str| {
        let line = format!("(sleep 1; echo {answer}) | script -qefc \"guardctl retire {family}\" /dev/null");
        let said = cloud.run(&line);
        (said.exit, said.stdout)
    };
    let (exit, said) = ask("n", "api");
    assert!(exit == Some(1) && said.contains("Deregister 1 original? [y/N]"), "{said}");
    assert_eq!(cloud.story.active(), [1, 2]);
    let action = "ecs:DeregisterTaskDefinition";
    let denied = Fault::always(Kind::AccessDenied(action), Calls::of("DeregisterTaskDefinition").by(OPERATOR));
    cloud.story.account.state().inject(denied);
    let said = cloud.run("guardctl retire --yes");
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains(action) && said.stderr.ends_with("Nothing was changed.\n"), "{}", said.stderr);
    // The second one is denied.
    let denied =
        Fault::always(Kind::AccessDenied(action), Calls::of("DeregisterTaskDefinition").by(OPERATOR).starting_at(2));
    cloud.story.account.state().inject(denied);
    let said = cloud.run("guardctl retire --yes -o csv");
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(5), "{}", said.stderr);
    assert!(said.stdout.contains("api:1,api:2,deregistered,") && said.stdout.contains("web:1,web:2,retirable,"));
    assert!(said.stderr.ends_with("Deregistered: api:1. guardctl retire goes on.\n"), "{}", said.stderr);
    assert_eq!(cloud.story.active(), [1, 2]);
    let (exit, said) = ask("y", "web");
    assert!(exit == Some(0) && said.contains("Deregistered: web:1."), "{said}");
    assert_eq!(cloud.story.active(), [2]);
}

/// An answer that is lost is looked for; what was at work when somebody pressed Ctrl-C is not known, and said so.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_retired_is_known_or_said_not_to_be() {
    let mut cloud = Cloud::begin("retire-lost", "remediate").await;
    for family in ["api", "ops", "web"] {
        cloud.remedy(family, "app", "").await;
    }
    let calls = || Calls::of("DeregisterTaskDefinition").by(OPERATOR);
    cloud.story.account.state().inject(Fault::once(Kind::CutAfter, calls()));
    let said = cloud.run("guardctl retire api --yes");
    cloud.story.account.state().heal();
    assert_eq!((said.exit, said.stderr.lines().last()), (Some(0), Some("Deregistered: api:1.")), "{}", said.stderr);
    let hangs = Kind::DelayBefore(std::time::Duration::from_mins(1));
    cloud.story.account.state().inject(Fault::always(hangs, calls().starting_at(2)));
    let said = cloud.run("timeout --preserve-status -s INT 6 guardctl retire --yes -o csv");
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(130), "{}", said.stderr);
    assert!(said.stdout.contains("ops:1,ops:2,deregistered,"), "{}", said.stdout);
    let world = "Deregistered: ops:1. Whether web:1 was is not known; guardctl retire says, and goes on.\n";
    assert!(said.stderr.ends_with(world), "{}", said.stderr);
}

/// Ctrl-C ends the waiting, not the work: it is said what goes on, and how to go on with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_says_what_has_been_done_and_how_to_go_on() {
    let mut cloud = Cloud::begin("interrupted", "remediate").await;
    cloud.remedy("web", "app", "").await;
    cloud.serve_the_copy(1_000);
    let undo = "backout web:1 --yes --reason 'needs the host' --approved-by jane";
    let said = cloud.run(&format!("timeout --preserve-status -s INT 5 guardctl {undo} --stack slow"));
    assert_eq!(said.exit, Some(130), "{}", said.stderr);
    assert!(said.stderr.contains("hint: guardctl backout web:1 --reason 'needs the host'"), "{}", said.stderr);
    assert!(said.stderr.contains("slow goes on without this terminal"), "{}", said.stderr);
    // Once the function has answered.
    let when_done = "until grep -q 'in force' out; do sleep 0.1; done; sleep 0.5; kill -INT $!; wait $!";
    let said = cloud.run(&format!("touch out; guardctl {undo} >out & {when_done}; code=$?; cat out; exit $code"));
    assert_eq!(said.exit, Some(130), "{}", said.stderr);
    assert!(said.stdout.contains("web:1 is in force"), "{}", said.stdout);
    assert!(said.stderr.contains("The backout is done; on their way back: prod/web."), "{}", said.stderr);
    let look = "aws ecs describe-services --region eu-west-1 --cluster prod --services web";
    assert!(said.stderr.contains(look), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_help_runs_in_an_account() {
    let mut cloud = swept("account-examples").await;
    cloud.exempt("api", "app", days(30));
    cloud.register("other", "app", "");
    for command in [
        "doctor",
        "status",
        "history",
        "show",
        "plan",
        "replay",
        "scan",
        "apply",
        "exempt list",
        "exempt end",
        "exempt add",
        "policy",
        "retire",
        "backout",
    ] {
        let help = cloud.shell.run(&format!("guardctl help {command}")).stdout;
        let examples = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: no examples")).1;
        // Nobody hands the guard its event here.
        let examples = examples.replace("\\\n", "").replace("--wait 1800", "--wait 1");
        let examples = examples.replace("2027-01-31T18:00:00Z", "IN_30_DAYS");
        let examples = cloud.shell.dated(&examples.replace("2027-01-31", "IN_30_DAYS"));
        let examples: Vec<&str> = examples.lines().filter(|line| !line.trim().is_empty()).collect();
        assert!(examples.len() > 2, "{command}");
        for line in examples {
            let said = cloud.run(line.trim());
            assert!(matches!(said.exit, Some(0 | 3)), "{line}: {:?}\n{}", said.exit, said.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_page_shows_what_is_said() {
    let mut cloud = swept("account-page").await;
    cloud.register("ops", "app", "");
    let (lines, shown) = lines_of_an_account();
    assert!(lines.len() > 4 && !shown.is_empty());
    for (line, expected) in shown {
        assert_eq!(cloud.run(&line).stdout, timeless(&expected), "{line}");
    }
    for line in lines {
        let line = cloud.shell.dated(&line.replace("2027-01-31", "IN_30_DAYS"));
        let said = cloud.run(&line);
        assert!(matches!(said.exit, Some(0 | 3)), "{line}: {:?}\n{}", said.exit, said.stderr);
    }
}
