//! The seventh scene: an account with 300 families, of which no event told, is swept. The account's clock jumps over the
//! waits, so the real sweep takes seconds here and keeps to its pace in the account's time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecs_privileged_guard::domain::policy::Mode;

use super::account::state::ecs::{Service, Task};
use super::account::{OPERATOR, PIPELINE, State};
use super::story::BUCKET;
use super::world::World;
use super::{WEB, scene as begin, so};

const FAMILIES: usize = 300;
const HOUR: Duration = Duration::from_hours(1);

/// Tells the scene, and answers the files that it wrote.
pub(super) async fn scene(files: &Path) -> Vec<PathBuf> {
    begin(7, "The whole account is swept, and no event told of anything");
    let world = World::with(Mode::Remediate, WEB, settle).await;
    let answer = world.sweep().await.expect("the first sweep");
    println!("{FAMILIES} families exist already; seven of them are privileged. The first sweep answers:\n");
    println!("  {}\n", serde_json::to_string(&answer).unwrap());
    so(answer.complete && world.state().ecs.active("web") == [1], "what existed before is reported and left alone");

    world.state().pass(HOUR);
    for family in ["billing", "search"] {
        let input = WEB.replace("\"web\"", &format!("\"{family}\""));
        world.state().register(PIPELINE, &input);
    }
    world.state().pass(HOUR);
    let began = world.state().now;
    let answer = world.sweep().await.expect("the second sweep");
    let seconds = world.state().now.duration_since(began).as_secs_f64();
    println!(
        "\nA pipeline registered two more, and no event came. The next sweep took {seconds:.0} s at its pace, and answers:\n"
    );
    println!("  {}\n", serde_json::to_string(&answer).unwrap());
    so(answer.outcomes.get("remediated") == Some(&2), "both have a copy now");
    so(answer.missed_by_event == 2, "that no event came is counted");

    let (subject, mail) = {
        let state = world.state();
        let mail = state.sns.messages().last().expect("a digest").delivery("email");
        (mail.subject.unwrap_or_default(), mail.body)
    };
    println!("\nThe digest, as it arrives by mail:\n");
    println!("  | Subject: {subject}\n  |");
    mail.lines().for_each(|line| println!("  | {line}"));
    so(mail.lines().count() <= 60 && !mail.contains("hunter2"), "it is at most 60 lines long, without any value");

    let again = world.sweep().await.expect("a third sweep");
    so(again.complete && world.state().sns.messages().len() == 2, "nothing new, so the next sweep is silent");
    let page = world.state().s3.object(BUCKET, "reports/111122223333/eu-west-1/latest.html").unwrap().to_vec();
    let path = files.join("report.html");
    fs::write(&path, page).unwrap();
    println!("\nThe report for the auditor is a page: open it in a browser.");
    vec![path]
}

/// Years of task definitions.
fn settle(state: &mut State) {
    for number in 1..FAMILIES {
        let family = format!("service-{number:03}");
        let clean = WEB.replace("\"web\"", &format!("\"{family}\""));
        let is_privileged = number % 43 == 0;
        let input = if is_privileged { clean } else { clean.replace("\"privileged\": true", "\"privileged\": false") };
        state.register(PIPELINE, &input);
        if is_privileged || number % 50 == 0 {
            state.ecs.cluster("prod").services.insert(family.clone(), Service::on(&format!("{family}:1")));
            state.ecs.cluster("prod").run(Task::running(&format!("{family}:1"), &format!("service:{family}")));
        }
    }
    let end = state.now + 24 * 40 * HOUR;
    let exemption = format!(
        r#"{{"containers":["app"],"reason":"builds images until it moves to Fargate","approvedBy":"jane@example.com","expiresAt":"{end}"}}"#
    );
    state.put_object(OPERATOR, BUCKET, "exemptions/111122223333/eu-west-1/service-043.json", exemption.as_bytes());
    state.pass(24 * HOUR);
}
