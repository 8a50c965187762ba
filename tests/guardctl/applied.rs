//! What an operator applies: the account says what is there then, and the built functions undo it.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::account::state::ecs::Task;
use super::account::{Calls, Fault, Kind, OPERATOR, PIPELINE};
use super::cloud::Cloud;
use super::sessions::session_with;
use super::story::BUCKET;

const BATCH: &str = r#","tags":[{"key":"AWSBatchServiceTag","value":"batch"}]"#;
const BACKUP: &str = "backups/111122223333/eu-west-1/web/1.json";
const UNDO: &str = "guardctl backout web:1 --yes --reason r --approved-by a";

/// Families that no event has told of yet.
async fn unheard_of(name: &str, mode: &'static str) -> Cloud {
    let mut cloud = Cloud::where_operators_apply(name, mode).await;
    for family in ["api", "db", "ops", "web"] {
        cloud.register(family, "app", "");
    }
    cloud
}

/// Whether whoever is signed in has written anything.
fn has_written(cloud: &Cloud) -> bool {
    let state = cloud.story.account.state();
    state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write())
}

fn deny(cloud: &Cloud, action: &'static str, calls: Calls) {
    cloud.story.account.state().inject(Fault::always(Kind::AccessDenied(action), calls.by(OPERATOR)));
}

fn heal(cloud: &Cloud) {
    cloud.story.account.state().heal();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_is_told_of_it() {
    let mut cloud = unheard_of("apply", "remediate").await;
    cloud.register("job", "app", BATCH);
    cloud.register("agent", "agent", "");
    cloud.exempt("agent", "agent", SignedDuration::from_hours(100));
    session_with("apply", |line| cloud.run(line));
}

/// Copy, backup and record are there, the alert names who did it, the next sweep leaves it, and backout undoes it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_shows_is_done_told_and_undone() {
    let cloud = unheard_of("applied", "remediate").await;
    let said = cloud.run("guardctl apply web:1 --yes -o json");
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    let applied: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&applied["outcome"], &applied["copy"]), (&"remediated".into(), &"web:2".into()));
    assert_eq!((&applied["alert"], &applied["backupKey"]), (&"sent".into(), &BACKUP.into()));
    assert_eq!(cloud.story.active(), [1, 2]);
    let copy: Value = serde_json::from_str(&cloud.story.account.state().described("web:2").unwrap()).unwrap();
    assert_eq!(copy["taskDefinition"]["containerDefinitions"][0]["privileged"], false);
    assert_eq!(copy["taskDefinition"]["registeredBy"], OPERATOR);
    let backup = cloud.story.object(BACKUP).unwrap();
    assert_eq!(backup["containerDefinitions"][0]["privileged"], true);
    let record = cloud.story.record("web:1").unwrap();
    assert_eq!((&record["outcome"], &record["copy"]), (&"remediated".into(), &"web:2".into()));
    assert_eq!(record["copies"].as_array().unwrap().len(), 1);
    let mail = cloud.story.mail();
    assert!(mail.contains("Applied from a terminal, says STS, by:") && mail.contains("/operator/alice"), "{mail}");
    assert!(mail.contains("Undo:") && cloud.story.alerts() == 1, "{mail}");
    assert_eq!(record["appliedBy"], OPERATOR);
    let said = cloud.run("guardctl history web -o json");
    assert!(said.stdout.contains("\"by\": \"apply\"") && said.stdout.contains("\"appliedBy\""), "{}", said.stdout);
    let said = cloud.run("guardctl history web -o csv");
    assert!(said.stdout.contains(&format!(",apply,remediated,,web:2,,{OPERATOR}\r\n")), "{}", said.stdout);
    cloud.story.sweep(&[]).await;
    assert_eq!(cloud.story.active(), [1, 2]);
    let said = cloud.run(UNDO);
    assert!(
        said.exit == Some(0) && said.stdout.contains("web:1 is in force; web:2 is deregistered"),
        "{}",
        said.stdout
    );
    assert_eq!(cloud.story.active(), [1]);
}

/// What backout could not undo is not done.
#[tokio::test(flavor = "multi_thread")]
async fn whose_copies_are_not_the_guards_writes_nothing() {
    let mut cloud = Cloud::begin("apply-others", "remediate").await;
    cloud.register("web", "app", "");
    let said = cloud.run("guardctl apply web:1 --yes");
    assert_eq!((said.exit, said.stdout.as_str()), (Some(6), ""), "{}", said.stderr);
    assert!(said.stderr.contains("deploy the stack with ApplyRoles=operator"), "{}", said.stderr);
    assert!(said.stderr.ends_with("Nothing was changed.\n") && !has_written(&cloud), "{}", said.stderr);
    let cloud = unheard_of("apply-refused", "alert").await;
    for (line, why) in [
        ("AWS_ENDPOINT_URL_STS=$AS_A_USER guardctl apply web:1 --mode remediate --yes", "a user cannot be named there"),
        (
            "guardctl apply web:1 --mode remediate --yes --bucket guard-state --account 444455556666 --function guard",
            "is of account 111122223333, and not of 444455556666",
        ),
        (
            "guardctl apply web:1 --mode remediate --yes --stack lost --function guard",
            "keeps its backups and records in",
        ),
        ("guardctl apply web:1 --yes", "in mode alert the guard changes nothing"),
        ("guardctl apply web:1 --yes --mode alert", "in mode alert the guard changes nothing"),
    ] {
        let said = cloud.run(line);
        assert_eq!((said.exit, said.stdout.as_str()), (Some(6), ""), "{line}: {}", said.stderr);
        assert!(said.stderr.contains(why), "{line}: {}", said.stderr);
        assert!(said.stderr.ends_with("Nothing was changed.\n"), "{line}: {}", said.stderr);
    }
    let said = cloud.run("AWS_ENDPOINT_URL_STS=$NOWHERE guardctl apply web:1 --yes --mode remediate");
    assert!(said.exit == Some(1) && said.stderr.contains("sts:GetCallerIdentity"), "{}", said.stderr);
    let said = cloud.run("guardctl apply web:1 --yes --mode enforce");
    assert!(said.exit == Some(6) && said.stderr.contains("nobody would follow the services"), "{}", said.stderr);
    assert!(!has_written(&cloud));
    // The mode was said.
    let said = cloud.run("guardctl apply web:1 --yes --mode remediate");
    assert_eq!((said.exit, cloud.story.active()), (Some(0), vec![1, 2]), "{}", said.stderr);
}

/// What is denied before anything was registered is said to whoever typed it, with the statement to add, and to nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_the_persons_to_mend() {
    let cloud = unheard_of("apply-denied", "remediate").await;
    let read = [
        ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("ListTaskDefinitions", "ecs:ListTaskDefinitions"),
        ("GetObject", "s3:GetObject"),
    ];
    let write = [
        ("PutObject", "s3:PutObject"),
        ("PutObject", "kms:GenerateDataKey"),
        ("RegisterTaskDefinition", "ecs:RegisterTaskDefinition"),
        ("RegisterTaskDefinition", "iam:PassRole"),
    ];
    for (operation, action) in read.into_iter().chain(write) {
        deny(&cloud, action, Calls::of(operation));
        let said = cloud.run("guardctl apply web:1 --yes");
        heal(&cloud);
        assert_eq!(said.exit, Some(4), "{action}: {}", said.stderr);
        assert!(said.stderr.contains(&format!("\"Action\":\"{action}\"")), "{action}: {}", said.stderr);
        let world = match action {
            "ecs:RegisterTaskDefinition" | "iam:PassRole" => {
                "Nothing stays changed in ECS; a backup of web:1 is stored.\n"
            }
            _ => "Nothing was changed.\n",
        };
        assert!(said.stderr.ends_with(world), "{action}: {}", said.stderr);
        assert!(
            action != "iam:PassRole" || said.stderr.contains("arn:aws:iam::111122223333:role/web"),
            "{}",
            said.stderr
        );
        assert_eq!((cloud.story.active(), cloud.story.alerts()), (vec![1], 0), "{action}");
        assert_eq!(cloud.story.record("web:1"), None, "{action}");
    }
}

/// Once a copy stands it is said so, and the same command again goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_is_said_and_the_same_again_goes_on() {
    let mut cloud = unheard_of("apply-partly", "remediate").await;
    cloud.register("cron", "app", "");
    let record = || Calls::of("PutObject").on("records/");
    let (denied, slow) = (Kind::AccessDenied, Kind::SlowDown);
    let not_told = "api:2 is registered, proven, and nobody was told, nor is it recorded yet.";
    for (family, kind, calls, action, stands) in [
        ("api", denied("sns:Publish"), Calls::of("Publish"), "\"Action\":\"sns:Publish\"", not_told),
        ("db", denied("s3:PutObject"), record(), "\"Action\":\"s3:PutObject\"", "db:2 is registered, and proven."),
        ("cron", slow, record(), "", "cron:2 is registered, proven and told, and not recorded yet."),
    ] {
        cloud.story.account.state().inject(Fault::always(kind, calls.by(OPERATOR)));
        let said = cloud.run(&format!("guardctl apply {family}:1 --yes"));
        heal(&cloud);
        assert_eq!(said.exit, Some(5), "{family}: {}", said.stderr);
        assert!(said.stderr.contains(action) && said.stderr.contains(stands), "{family}: {}", said.stderr);
    }
    for family in ["api", "db", "cron"] {
        let said = cloud.run(&format!("guardctl apply {family}:1 --yes -q"));
        assert_eq!(said.exit, Some(0), "{family}: {}", said.stderr);
        assert_eq!(cloud.story.account.state().ecs.active(family), [1, 2], "{family}");
    }
    assert_eq!(cloud.story.record("api:1").unwrap()["copy"], "api:2");
    // An answer that is lost is looked for, and no second copy made.
    cloud.story.account.state().inject(Fault::once(Kind::CutAfter, Calls::of("RegisterTaskDefinition").by(OPERATOR)));
    let said = cloud.run("guardctl apply ops:1 --yes");
    heal(&cloud);
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    assert_eq!(cloud.story.account.state().ecs.active("ops"), [1, 2]);
    // Somebody has pressed Ctrl-C once ECS has registered it.
    let hangs = Kind::DelayAfter(Duration::from_mins(1));
    cloud.story.account.state().inject(Fault::always(hangs, Calls::of("RegisterTaskDefinition").by(OPERATOR)));
    let said = cloud.run("timeout --preserve-status -s INT 4 guardctl apply web:1 --yes");
    heal(&cloud);
    assert_eq!(said.exit, Some(130), "{}", said.stderr);
    assert!(said.stderr.contains("hint: guardctl apply web:1 goes on where it stopped"), "{}", said.stderr);
    assert!(said.stderr.contains("a copy registered that no record names yet"), "{}", said.stderr);
    assert_eq!((cloud.story.active(), cloud.story.record("web:1")), (vec![1, 2], None));
    let said = cloud.run("guardctl apply web:1 --yes");
    assert_eq!((said.exit, cloud.story.active()), (Some(0), vec![1, 2]), "{}", said.stderr);
    assert_eq!(cloud.story.record("web:1").unwrap()["copy"], "web:2");
}

/// Whoever sees nothing any more knows nothing, and does not say that nothing was changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_not_known_where_nothing_can_be_seen() {
    let cloud = unheard_of("apply-unknown", "remediate").await;
    let blind = Fault::always(
        Kind::AccessDenied("ecs:DescribeTaskDefinition"),
        Calls::of("DescribeTaskDefinition").by(OPERATOR),
    );
    cloud.story.account.state().after(Calls::of("Publish").by(OPERATOR), move |state| state.inject(blind.clone()));
    cloud.story.account.state().inject(Fault::always(Kind::CutAfter, Calls::of("Publish").by(OPERATOR)));
    let said = cloud.run("guardctl apply web:1 --yes");
    heal(&cloud);
    assert_eq!(said.exit, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("nobody could be told of web:1"), "{}", said.stderr);
    let unknown = "What was changed is not known here. guardctl plan web:1 shows what is left to do.\n";
    assert!(said.stderr.ends_with(unknown), "{}", said.stderr);
    assert_eq!(cloud.story.active(), [1, 2]);
}

/// A copy that must go and may not be withdrawn is told to everybody, with whose right it is that lacks.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_withdrawn_is_told_to_all() {
    let cloud = unheard_of("apply-left", "remediate").await;
    let end = cloud.now() + SignedDuration::from_hours(100);
    let exemption = json!({"containers": ["app"], "reason": "r", "approvedBy": "a", "expiresAt": end}).to_string();
    cloud.story.account.state().after(Calls::of("RegisterTaskDefinition").by(OPERATOR), move |state| {
        let key = "exemptions/111122223333/eu-west-1/web.json";
        state.put_object(PIPELINE, BUCKET, key, exemption.as_bytes());
    });
    let action = "ecs:DeregisterTaskDefinition";
    deny(&cloud, action, Calls::of("DeregisterTaskDefinition"));
    let said = cloud.run("guardctl apply web:1 --yes");
    heal(&cloud);
    assert_eq!(said.exit, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("\"Action\":\"{action}\"")), "{}", said.stderr);
    assert!(said.stderr.contains("Still ACTIVE, and not proven: web:2."), "{}", said.stderr);
    let mail = cloud.story.mail();
    assert!(mail.contains("Role: that of arn:aws:sts::111122223333:assumed-role/operator/alice"), "{mail}");
    // By now it is exempt, and the copy goes.
    let said = cloud.run("guardctl apply web:1 --yes");
    assert_eq!((said.exit, cloud.story.active()), (Some(0), vec![1]), "{}", said.stderr);
}

/// On a terminal it asks, and does what was shown or nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_the_plan_and_is_asked() {
    let cloud = unheard_of("apply-asked", "remediate").await;
    let ask = |answer: &str, line: &str| {
        let said = cloud.run(&format!("(sleep 2; echo {answer}) | script -qefc \"guardctl {line}\" /dev/null"));
        (said.exit, said.stdout)
    };
    let (exit, said) = ask("n", "apply web:1");
    assert!(exit == Some(1) && said.contains("+ containerDefinitions[app].privileged: false"), "{said}");
    assert!(said.contains("Apply this to web:1, as operator/alice? [y/N]"), "{said}");
    assert!(said.contains("Nothing was changed.") && !has_written(&cloud), "{said}");
    // Once it has read all, the family is exempted.
    let key = "exemptions/111122223333/eu-west-1/web.json";
    let end = cloud.now() + SignedDuration::from_hours(100);
    let exemption = json!({"containers": ["app"], "reason": "r", "approvedBy": "a", "expiresAt": end}).to_string();
    cloud.story.account.state().after(Calls::of("GetObject").by(OPERATOR).on("exemptions/"), move |state| {
        state.put_object(PIPELINE, BUCKET, key, exemption.as_bytes());
    });
    let (exit, said) = ask("y", "apply web:1");
    assert!(exit == Some(1) && said.contains("has changed since it was shown") && !has_written(&cloud), "{said}");
    heal(&cloud);
    cloud.story.account.state().delete_object(PIPELINE, BUCKET, key);
    let (exit, said) = ask("y", "apply web:1 -o json");
    assert!(exit == Some(0) && said.contains("Back up the original of web"), "{said}");
    assert!(said.contains("\"copy\": \"web:2\"") && cloud.story.active() == [1, 2], "{said}");
}

/// In mode enforce the services that run the original are moved.
#[tokio::test(flavor = "multi_thread")]
async fn services_are_moved_in_mode_enforce() {
    let cloud = unheard_of("apply-enforce", "enforce").await;
    {
        let mut state = cloud.story.account.state();
        state.create_service(PIPELINE, "prod", "web", "web:1");
        state.complete_deployment("prod", "web");
        state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
    }
    let said = cloud.run("guardctl apply web:1 --yes -o json");
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    let applied: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(applied["services"][0]["state"], "moving", "{}", said.stdout);
    cloud.story.account.state().complete_deployment("prod", "web");
    let said = cloud.run("guardctl apply web:1 --yes -o json");
    let applied: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((said.exit, &applied["outcome"]), (Some(0), &"already_remediated".into()), "{}", said.stderr);
}

/// A guard's run leaves what is beyond ten to the next; nobody comes after a person.
#[tokio::test(flavor = "multi_thread")]
async fn all_services_are_moved_however_many_there_are() {
    let cloud = unheard_of("apply-many", "enforce").await;
    for number in 1..=12 {
        let (mut state, name) = (cloud.story.account.state(), format!("web-{number}"));
        state.create_service(PIPELINE, "prod", &name, "web:1");
        state.complete_deployment("prod", &name);
        state.ecs.cluster("prod").run(Task::running("web:1", &format!("service:{name}")));
    }
    let said = cloud.run("guardctl apply web:1 --yes -o json");
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    let applied: Value = serde_json::from_str(&said.stdout).unwrap();
    let services = applied["services"].as_array().unwrap();
    assert!(services.len() == 12 && services.iter().all(|it| it["state"] == "moving"), "{}", said.stdout);
    let state = cloud.story.account.state();
    let moved = state.calls().iter().filter(|call| call.principal == OPERATOR && call.operation == "UpdateService");
    assert_eq!(moved.count(), 12);
}

/// Whoever may not move them is told which right is missing, and the alert names whose.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_may_not_be_moved_are_said_with_the_right_that_is_missing() {
    let cloud = unheard_of("apply-unmoved", "enforce").await;
    {
        let mut state = cloud.story.account.state();
        state.create_service(PIPELINE, "prod", "web", "web:1");
        state.complete_deployment("prod", "web");
        state.ecs.cluster("prod").run(Task::running("web:1", "service:web"));
    }
    deny(&cloud, "ecs:UpdateService", Calls::of("UpdateService"));
    let said = cloud.run("guardctl apply web:1 --yes");
    heal(&cloud);
    assert_eq!(said.exit, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains("the service prod/web could not be moved"), "{}", said.stderr);
    assert!(said.stderr.contains("\"Action\":\"ecs:UpdateService\""), "{}", said.stderr);
    let mail = cloud.story.mail();
    assert!(mail.contains("Role: that of arn:aws:sts::111122223333:assumed-role/operator/alice"), "{mail}");
}
