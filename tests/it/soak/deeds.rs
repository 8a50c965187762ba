//! What people, pipelines and ECS do in the account, at random. Each deed leaves its events by itself.

use std::time::Duration;

use super::chance::Chance;
use super::family::Family;
use super::plan::Life;
use super::stack::{Stack, end_deployment, poisons, run_task};
use crate::account::state::ecs::Status;
use crate::account::trail::Redaction;
use crate::account::{Calls, Fault, GUARD, Kind, OPERATOR, PIPELINE, State};
use crate::canaries::{CLEAN, NEWER, NEWER_PRIVILEGED, ORIGINAL};
use crate::story::BUCKET;
use crate::sweep::of_family;

#[derive(Debug, Clone, Copy)]
enum Deed {
    New,
    NewCompliant,
    NewerCompliant,
    NewerPrivileged,
    TheSameAgain,
    RemovesTheCopy,
    RemovesTheOriginal,
    Exempts,
    Deploys,
    EndsADeployment,
    IsNotSeenYet,
    CannotBeRecorded,
    CannotBeRead,
}

const DEEDS: [(usize, Deed); 13] = [
    (34, Deed::New),
    (14, Deed::NewCompliant),
    (10, Deed::NewerCompliant),
    (12, Deed::NewerPrivileged),
    (4, Deed::TheSameAgain),
    (4, Deed::RemovesTheCopy),
    (2, Deed::RemovesTheOriginal),
    (4, Deed::Exempts),
    (3, Deed::Deploys),
    (6, Deed::EndsADeployment),
    (4, Deed::IsNotSeenYet),
    (2, Deed::CannotBeRecorded),
    (1, Deed::CannotBeRead),
];

/// More calls than are made before the family is left alone; then they are healed.
const LASTING: usize = 300;
/// The trail hides what it hides in one of these ways; what hides everything names no family.
const REDACTIONS: [Redaction; 4] =
    [Redaction::EachValue, Redaction::WholeList, Redaction::Emptied, Redaction::Containers];
const BREAKER: &str = r#"{"deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":true}}}"#;

/// Somebody does something. Answers the name of the fault, if that is what it is.
pub(super) fn happen(stack: &mut Stack, life: &Life, chance: &mut Chance) -> Option<&'static str> {
    let deed = chance.weighed(&DEEDS);
    let redaction = chance.pick(&REDACTIONS).unwrap_or_default();
    stack.account.state().redaction = redaction;
    if let Deed::New | Deed::NewCompliant = deed {
        begin(stack, matches!(deed, Deed::New), life, chance);
        return None;
    }
    let name = stack.young(chance)?;
    let is_enforce = stack.is_enforce();
    let [records, revisions] = poisons(&name);
    let mut state = stack.account.state();
    let family = stack.families.get_mut(&name)?;
    family.tell(format!("{deed:?}"));
    match deed {
        Deed::New | Deed::NewCompliant => {}
        Deed::NewerCompliant => register(&mut state, family, &name, &NEWER, "app:2"),
        Deed::NewerPrivileged => register(&mut state, family, &name, &NEWER_PRIVILEGED, "app:2"),
        Deed::TheSameAgain => {
            let original = active(&state, &name, false)?;
            let input = state.ecs.revision(&original)?.input.to_json();
            state.register(PIPELINE, &input);
        }
        Deed::RemovesTheCopy => {
            let copy = active(&state, &name, true)?;
            state.deregister(OPERATOR, &copy);
            family.disturb();
        }
        Deed::RemovesTheOriginal => {
            let original = active(&state, &name, false)?;
            state.deregister(PIPELINE, &original);
            family.is_left = true;
            family.disturb();
        }
        Deed::Exempts => exempt(&mut state, family, &name, chance),
        Deed::Deploys if is_enforce => {
            let original = active(&state, &name, false)?;
            state.ecs.service("prod", &name)?;
            state.update_service(PIPELINE, "prod", &name, &original);
            family.word = Some(original);
        }
        Deed::Deploys => {}
        Deed::EndsADeployment => end_deployment(&mut state, &name, chance),
        Deed::IsNotSeenYet => {
            let end = state.now + Duration::from_secs(5);
            state.ecs.hide_newest_until(&name, 1 + u32::try_from(chance.below(3)).unwrap_or(0), end);
        }
        Deed::CannotBeRecorded => {
            let fault = Fault::times(LASTING, Kind::InvalidParameter, Calls::of("PutObject").by(GUARD).on(&records));
            state.inject(fault);
            return Some("for good: invalid parameter");
        }
        // Each try holds a sandbox for half a minute.
        Deed::CannotBeRead if !life.is_long || !chance.percent(15) => {}
        Deed::CannotBeRead => {
            let calls = Calls::of("DescribeTaskDefinition").by(GUARD).on(&revisions);
            state.inject(Fault::times(LASTING, Kind::Internal, calls));
            return Some("for good: 500");
        }
    }
    None
}

/// A pipeline registers the first revision of a family: sometimes an exempt one, sometimes with a service on it.
fn begin(stack: &mut Stack, is_privileged: bool, life: &Life, chance: &mut Chance) {
    let name = stack.name();
    let span = life.young.as_millis().try_into().unwrap_or(usize::MAX);
    let mut family = Family::young_for(life.young / 4 + Duration::from_millis(chance.below(span) as u64));
    let percent_with_service = if stack.is_enforce() { 14 } else { 4 };
    {
        let mut state = stack.account.state();
        if is_privileged && chance.percent(12) {
            exempt(&mut state, &mut family, &name, chance);
        }
        let input = of_family(&name, if is_privileged { &ORIGINAL } else { &CLEAN });
        let first = state.register(PIPELINE, &input);
        if is_privileged && chance.percent(percent_with_service) {
            let request = BREAKER.replacen('{', &format!(r#"{{"taskDefinition":"{first}","#), 1);
            state.create_service_with(PIPELINE, "prod", &name, &request);
            run_task(&mut state, &name);
            family.word = Some(first);
        }
    }
    stack.families.insert(name, family);
}

/// A new version of the application.
fn register(state: &mut State, family: &mut Family, name: &str, template: &str, version: &str) {
    family.versions += 1;
    let input = of_family(name, &template.replace(version, &format!("app:{}", family.versions)));
    state.register(PIPELINE, &input);
}

/// An operator exempts a family: well, or with a file that cannot be understood, or the wrong container.
fn exempt(state: &mut State, family: &mut Family, name: &str, chance: &mut Chance) {
    let end = state.now + jiff::SignedDuration::from_hours(24 * 7);
    let good = format!(r#"{{"containers":["app"],"reason":"r","approvedBy":"a","expiresAt":"{end}"}}"#);
    let text = match chance.below(10) {
        0 => {
            family.is_left = true;
            good[..good.len() / 2].to_owned()
        }
        1 => good.replace("\"app\"", "\"another\""),
        _ => good,
    };
    family.tell(format!("exempted with {} bytes", text.len()));
    let key = format!("exemptions/111122223333/eu-west-1/{name}.json");
    state.put_object(OPERATOR, BUCKET, &key, text.as_bytes());
}

/// The family's newest ACTIVE copy, or its newest ACTIVE original.
fn active(state: &State, family: &str, is_copy: bool) -> Option<String> {
    let wanted = state.ecs.revisions(family).filter(|it| match is_copy {
        true => it.status == Status::Active && it.registered_by == GUARD,
        false => it.status == Status::Active && it.registered_by == PIPELINE && it.is_privileged(),
    });
    wanted.last().map(|it| format!("{family}:{}", it.number))
}
