//! `make demo`: the guard at work in an account inside this process, told in ten scenes. Each thing that it shows is
//! asserted; if one is not so, it ends with an error. `DEMO_PAUSE=1` waits for Enter between the scenes.
#![allow(clippy::print_stdout, reason = "showing is what it is for")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a demo that cannot go on has failed")]

#[path = "../it/account/mod.rs"]
mod account;
mod enforce;
#[path = "../it/mail.rs"]
mod mail;
#[path = "../it/paste.rs"]
mod paste;
#[path = "../it/runtime_api.rs"]
#[allow(unused_imports, reason = "without a harness its own tests are not run here; `it` runs them")]
mod runtime_api;
#[path = "../it/story.rs"]
mod story;
mod sweep;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "the demo tells one of its stories")]
mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use account::state::ecs::Service;
use account::{Calls, Fault, GUARD, Kind, PIPELINE};
use serde_json::Value;
use story::{BUCKET, NEWER, Story, in_words};

/// What a pipeline registers: one container needs the flag, says whoever wrote it.
const WEB: &str = r#"{
  "family": "web",
  "networkMode": "bridge",
  "requiresCompatibilities": ["EC2"],
  "taskRoleArn": "arn:aws:iam::111122223333:role/web-task",
  "containerDefinitions": [
    {
      "name": "app",
      "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:2026-11-20",
      "cpu": 256, "memory": 512, "essential": true, "privileged": true,
      "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
      "environment": [{"name": "DATABASE_PASSWORD", "value": "hunter2"}]
    },
    {"name": "proxy", "image": "envoy:1.36", "cpu": 64, "memory": 128, "essential": false}
  ],
  "tags": [{"key": "team", "value": "checkout"}]
}"#;

/// Alerts name the function that undoes, as a stack has it.
const DEPLOYED: &[(&str, &str)] = &[("BACKOUT_FUNCTION", "ecs-guard-backout")];

#[tokio::main]
async fn main() {
    let began = Instant::now();
    let files = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo");
    fs::create_dir_all(&files).unwrap();

    let mut story = Story::with("remediate", DEPLOYED).await;
    scene(1, "A pipeline registers a privileged task definition");
    let original = story.register(WEB);
    let before = story.account.state().described(&original).unwrap();
    println!("The pipeline registered {original}; its container \"app\" is privileged.");
    println!("CloudTrail's event goes to the guard, the built binary, as Lambda would run it. It answers:\n");
    let answer = story.deliver(&original).await;
    println!("  {answer}\n");
    so(in_words(&answer) == "remediated web:2 sent", "the guard made a copy and sent an alert");
    println!("\nThe alert, as it arrives by mail:\n");
    let (subject, mail, machine) = last_alert(&story);
    println!("  | Subject: {subject}\n  |");
    mail.lines().for_each(|line| println!("  | {line}"));
    so(!mail.contains("hunter2") && !machine.contains("hunter2"), "no value of the environment is in it");
    so(mail.lines().count() <= 60, "it is at most 60 lines long");

    scene(2, "The account before and after");
    let after = story.account.state().described("web:2").unwrap();
    let (before, after) = (members(&before), members(&after));
    println!("before: web:1 ACTIVE\nafter:  web:1 ACTIVE, web:2 ACTIVE (the latest: what names the family uses it)\n");
    println!("web:1 and web:2, member by member, what ECS itself adds aside:\n");
    let different: Vec<_> = before.iter().filter(|member| !after.contains(member)).collect();
    for (path, value) in &different {
        let now = &after.iter().find(|(other, _)| other == path).expect("the member is there").1;
        println!("  - {path}: {value}\n  + {path}: {now}");
    }
    println!();
    so(different.len() == 1 && before.len() == after.len(), "exactly one member differs");
    so(different[0].0.ends_with(".privileged"), "it is `privileged`");
    let written = write_files(&story, &files, &subject, &mail, &machine);

    scene(3, "A newer revision is registered while the guard works");
    let mut race = Story::begin("remediate").await;
    let original = race.register(WEB);
    race.account.state().before(Calls::of("RegisterTaskDefinition").by(GUARD), |state| {
        state.register(PIPELINE, NEWER);
    });
    let answer = race.deliver(&original).await;
    println!("web:2 came between, so the guard's copy web:3 was a step back. It answers:\n\n  {answer}\n");
    so(in_words(&answer) == "superseded race sent", "the copy is withdrawn");
    so(race.active() == [1, 2], "web:2 is the latest again");

    scene(4, "The same event again, as EventBridge and Lambda may deliver it");
    let again = story.deliver("web:1").await;
    println!("  {again}\n");
    so(in_words(&again) == "already_remediated web:2 already_sent", "nothing is done twice");
    so((story.active(), story.alerts()) == (vec![1, 2], 1), "no second copy, no second alert");

    scene(5, "A permission is missing");
    let mut denied = Story::with("remediate", DEPLOYED).await;
    let original = denied.register(WEB);
    let registering = Calls::of("RegisterTaskDefinition").by(GUARD);
    denied.account.state().inject(Fault::always(Kind::AccessDenied("iam:PassRole"), registering));
    let answer = denied.deliver(&original).await;
    println!("  {answer}\n");
    so(in_words(&answer) == "failed access_denied sent", "the guard says that it failed");
    let (_, mail, _) = last_alert(&denied);
    let failed = mail.split("\n\n").find(|part| part.starts_with("FAILED\n")).expect("a section FAILED");
    failed.lines().for_each(|line| println!("  | {line}"));
    so(mail.contains(r#""Action":"iam:PassRole""#), "the alert holds the statement to add");
    denied.account.state().heal();
    let healed = denied.deliver(&original).await;
    so(in_words(&healed) == "remediated web:2 sent", "once the permission is there, the next look remedies it");

    back_out().await;
    let swept = sweep::scene(&files).await;
    enforce::scenes().await;

    println!("\nAll of it is so. It took {:.1} s. The files:", began.elapsed().as_secs_f64());
    for path in written.into_iter().chain(swept) {
        println!("  {}", path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path).display());
    }
}

/// The command of the alert is run as it stands, and nothing is left of the guard's work but the exemption.
async fn back_out() {
    scene(6, "The application breaks: the command of the alert is pasted");
    let mut story = Story::with("remediate", DEPLOYED).await;
    let original = story.register(WEB);
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:1"));
    let world = |story: &Story| {
        let state = story.account.state();
        let runs = state.ecs.service("prod", "web").unwrap().task_definition.clone();
        (state.ecs.active("web"), state.described("web:1"), runs)
    };
    let before = world(&story);
    story.deliver(&original).await;
    story.account.state().ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
    let command = mail::command(&last_alert(&story).1);
    println!("Somebody deployed web:2 to the service, and it does not come up. From the alert:\n");
    command.lines().for_each(|line| println!("  |{line}"));
    if paste::aws_cli().is_none() {
        println!("\n  (no AWS CLI v2 on this machine, so the same request is handed to the function directly)");
        let request = command.rsplit_once('{').and_then(|(_, rest)| rest.split_once('}')).expect("a request").0;
        story.back_out(&format!("{{{request}}}")).await;
    } else {
        let began = Instant::now();
        let output = story.lambda("ecs-guard-backout").await.paste(&command).await;
        println!("\nThe AWS CLI shows, after {:.1} s:\n", began.elapsed().as_secs_f64());
        String::from_utf8_lossy(&output.stdout).lines().for_each(|line| println!("  | {line}"));
        so(output.status.success(), "the command works as it stands");
        so(began.elapsed().as_secs() < 60, "undone in less than a minute");
    }
    println!();
    so(world(&story) == before, "the account is as it was before the guard");
    so(story.exemption().is_some(), "but for the exemption, which the next event finds");
    let answer = story.deliver(&original).await;
    so(in_words(&answer) == "exempt none", "and so the guard leaves it alone");
    println!("\nThe alert about it begins:\n");
    last_alert(&story).1.lines().take(9).for_each(|line| println!("  | {line}"));
}

fn scene(number: u8, title: &str) {
    if number > 1 && std::env::var_os("DEMO_PAUSE").is_some_and(|pause| pause == "1") {
        println!("\n(Enter goes on)");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
    println!("\n=== {number}. {title} ===\n");
}

/// Says what holds, and ends the demo if it does not.
#[track_caller]
fn so(holds: bool, what: &str) {
    assert!(holds, "NOT SO: {what}");
    println!("  ok: {what}");
}

fn last_alert(story: &Story) -> (String, String, String) {
    let state = story.account.state();
    let message = state.sns.messages().last().expect("an alert");
    let (mail, machine) = (message.delivery("email"), message.delivery("sqs"));
    (mail.subject.unwrap_or_default(), mail.body, machine.body)
}

/// The members of a description by their paths, without what ECS adds to every revision.
fn members(description: &str) -> Vec<(String, String)> {
    let mut description: Value = serde_json::from_str(description).unwrap();
    let definition = description["taskDefinition"].as_object_mut().unwrap();
    for added in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        definition.remove(added);
    }
    let mut members = Vec::new();
    flatten(&description, "", &mut members);
    members.sort();
    members
}

fn flatten(value: &Value, path: &str, members: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                flatten(value, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, members);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                let name = value["name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                flatten(value, &format!("{path}[{name}]"), members);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            members.push((path.to_owned(), value.to_string()));
        }
    }
}

fn write_files(story: &Story, folder: &Path, subject: &str, mail: &str, machine: &str) -> Vec<PathBuf> {
    let state = story.account.state();
    let object = |key: &str| String::from_utf8(state.s3.object(BUCKET, key).expect("an object").to_vec()).unwrap();
    let record = "records/111122223333/eu-west-1/web/1.json";
    [
        ("mail.txt", format!("Subject: {subject}\n\n{mail}")),
        ("alert.json", machine.to_owned()),
        ("record.json", object(record)),
        ("backup.json", object(&Story::backup_key("web:1"))),
    ]
    .map(|(name, text)| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    })
    .to_vec()
}
