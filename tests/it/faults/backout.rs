//! The same of backout: trouble at each of its calls, the same request again as a person would, and the account must
//! end as it does without trouble.

use ecs_privileged_guard::domain::backout::answer::{Answer, Outcome};
use ecs_privileged_guard::domain::policy::Mode;

use super::super::account::state::ecs::{Revision, Service};
use super::super::account::{BACKOUT, Calls, OPERATOR, PIPELINE, State};
use super::super::canaries::{self, ORIGINAL};
use super::super::figures::reached;
use super::super::story::{BUCKET, NEWER};
use super::super::world::{EXEMPTION, RECORD, World};
use super::kinds::troubles;
use super::{Heals, ONE_IN, Strikes};

pub(super) const REQUEST: &str = r#"{"taskDefinition":"web:1","reason":"the app breaks","approvedBy":"jane"}"#;
/// As often as somebody would try who reads "the same command again goes on where this one stopped".
const TRIES: usize = 4;

pub(super) type SetUp = fn(&mut State);

/// What is different before the request, by its name.
pub(super) const SCENARIOS: [(&str, SetUp); 3] = [
    ("plain", |_| {}),
    ("original inactive", |state| state.deregister(OPERATOR, "web:1")),
    ("copy taken back", |state| state.deregister(OPERATOR, "web:2")),
];

/// The guard has made `web:2`, and a service runs it.
pub(super) async fn remediated(set_up: SetUp) -> World {
    let world = World::with(Mode::Remediate, &ORIGINAL, |_| {}).await;
    assert_eq!(world.deliver().await.unwrap().copy.as_deref(), Some("web:2"));
    {
        let mut state = world.state();
        state.ecs.cluster("prod").services.insert("web".into(), Service::on("web:2"));
        set_up(&mut state);
        state.forget_calls();
    }
    world
}

/// What is ACTIVE by its privilege, whether the service is back, what is exempt and recorded.
fn end(world: &World) -> (Vec<bool>, bool, bool, bool) {
    let state = world.state();
    let is_privileged = |id: &str| state.ecs.revision(id).is_some_and(Revision::is_privileged);
    let active = state.ecs.active("web").into_iter().map(|number| is_privileged(&format!("web:{number}"))).collect();
    let runs = state.ecs.service("prod", "web").unwrap().task_definition.clone();
    let record = state.s3.object(BUCKET, RECORD).map(|record| String::from_utf8_lossy(record).into_owned());
    let is_recorded = record.is_some_and(|record| record.contains("\"restored\""));
    (active, runs != "web:2", state.s3.object(BUCKET, EXEMPTION).is_some(), is_recorded)
}

fn writes(world: &World) -> usize {
    world.state().calls().iter().filter(|call| call.principal == BACKOUT && call.is_write()).count()
}

/// Trouble in a backout, and the same request again as a person would: how many calls it took, and what does not hold.
pub(super) async fn try_one(
    set_up: SetUp,
    strike: impl FnOnce(&mut State),
    heals: Heals,
    clean: &World,
) -> (usize, Result<(), String>) {
    let world = remediated(set_up).await;
    strike(&mut world.state());
    let (alerts, mut answers) = (world.state().sns.messages().len(), Vec::new());
    answers.push(world.back_out(REQUEST).await);
    if heals == Heals::AfterTheFirst {
        world.state().heal_faults();
    }
    let told = world.state().sns.messages().len() > alerts;
    let was_cut = matches!(&answers[0], Err(error) if ["killed", "alert_not_published"].contains(&error.as_str()));
    if writes(&world) > 0 && !told && !was_cut {
        return (0, Err(format!("it wrote and told nobody: {answers:?}")));
    }
    let is_done = |answer: &Result<Answer, String>| {
        let outcome = answer.as_ref().map(|it| it.outcome);
        matches!(outcome, Ok(Outcome::BackedOut | Outcome::AlreadyBackedOut))
    };
    while answers.len() < TRIES && !answers.last().is_some_and(is_done) {
        answers.push(world.back_out(REQUEST).await);
    }
    let calls = world.state().calls().iter().filter(|call| call.principal == BACKOUT).count();
    let leaks = canaries::leaks_of(&world.state());
    let verdict = match (end(&world), end(clean)) {
        _ if !leaks.is_empty() => Err(format!("leaks: {leaks:?}")),
        (is, should_be) if is != should_be => Err(format!("{is:?} and not {should_be:?}: {answers:?}")),
        _ => Ok(()),
    };
    (calls, verdict)
}

#[tokio::test]
async fn every_call_of_backout_survives_every_trouble() {
    let strikes = Strikes::asked();
    let (mut injected, mut broken) = (0, Vec::new());
    for (name, set_up) in SCENARIOS {
        let clean = remediated(set_up).await;
        assert_eq!(clean.back_out(REQUEST).await.unwrap().outcome, Outcome::BackedOut, "{name}");
        let calls = clean.state().calls().iter().filter(|call| call.principal == BACKOUT).count();
        for (kind, trouble) in troubles().into_iter().enumerate() {
            for call in 1..=calls {
                let seed = format!("backout / {name} / {} / {call}", trouble.name);
                if !strikes.has(&seed, kind + call, ONE_IN) {
                    continue;
                }
                injected += 1;
                let strike = |state: &mut State| (trouble.strike)(state, Calls::all().by(BACKOUT).starting_at(call));
                let (_, verdict) = try_one(set_up, strike, Heals::AfterTheFirst, &clean).await;
                broken.extend(verdict.err().map(|what| format!("{seed}: {what}")));
            }
        }
    }
    assert!(broken.is_empty(), "{} of {injected}:\n{}", broken.len(), broken.join("\n"));
    if strikes.are_many() {
        reached("faults injected/backout", injected);
    }
}

/// A pipeline registers a newer version before each call of a backout: it is never overtaken, and never taken away.
#[tokio::test]
async fn a_newer_version_at_any_call_of_backout_stays_the_latest() {
    for (name, set_up) in SCENARIOS {
        let clean = remediated(set_up).await;
        assert_eq!(clean.back_out(REQUEST).await.unwrap().outcome, Outcome::BackedOut, "{name}");
        let calls = clean.state().calls().iter().filter(|call| call.principal == BACKOUT).count();
        for call in 1..=calls {
            let world = remediated(set_up).await;
            world.state().before(Calls::all().by(BACKOUT).starting_at(call), |state| {
                state.register(PIPELINE, NEWER);
            });
            let answer = world.back_out(REQUEST).await;
            let state = world.state();
            let active = state.ecs.active("web");
            let latest = active.last().copied().unwrap_or_default();
            let latest = state.ecs.revision(&format!("web:{latest}")).expect("an ACTIVE revision");
            assert!(
                !latest.is_privileged() && latest.registered_by == PIPELINE,
                "{name} / {call}: {active:?} {answer:?}"
            );
        }
    }
}
