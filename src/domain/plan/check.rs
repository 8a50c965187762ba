//! What no plan may do, whatever the rules come to. Written without the planner's code: it looks at the observation's
//! plain facts and at the plan, and every test build asks it about every plan.

use super::{Plan, Then};
use crate::domain::document::{Described, RegisterInput};
use crate::domain::observation::Observation;
use crate::domain::policy::{Mode, Policy, RoleName};
use crate::domain::record::{MadeCopy, Record};

/// Finds what the plan must not do.
///
/// # Errors
/// The first rule that it breaks, in words.
pub fn check_plan(seen: &Observation, policy: &Policy, plan: &Plan) -> Result<(), &'static str> {
    let must = |holds: bool, rule: &'static str| if holds { Ok(()) } else { Err(rule) };
    let writes = !plan.withdraw.is_empty() || !matches!(plan.then, Then::End(..));
    must(!writes || policy.mode != Mode::Alert, "mode alert writes nothing to ECS")?;
    must(!writes || policy.remediate_families.match_family(&seen.id.family), "families out of scope are left alone")?;

    for (id, _) in &plan.withdraw {
        let Some(revision) = seen.later.iter().find(|later| later.id() == id) else {
            return Err("only what was seen is withdrawn");
        };
        let by = revision.registered_by().unwrap_or_default();
        // Between its slashes: another role's name may begin with that of ours.
        let is_by = |roles: &[RoleName]| roles.iter().any(|role| format!("{by}/").contains(&format!("role/{role}/")));
        let names = |record: &Record, holds: fn(&MadeCopy) -> bool| {
            record.copies.iter().any(|copy| copy.is_revision(id.revision) && holds(copy))
        };
        let is_named = seen.record.iter().map(|held| &held.record).chain(&seen.family_records);
        let is_named = is_named.into_iter().any(|record| names(record, |_| true));
        let is_ours = is_by(&policy.guard_roles) || (is_by(&policy.apply_roles) && is_named);
        must(is_ours, "what neither our roles registered nor a person who applied a plan is never withdrawn")?;
        let is_recorded_and_stands = seen.record.iter().any(|held| names(&held.record, MadeCopy::stands))
            && !seen.family_records.iter().any(|record| names(record, |copy| copy.why.is_some()));
        must(!is_recorded_and_stands, "a copy that was proven and recorded is not withdrawn")?;
    }

    let stays: Vec<&Described> =
        seen.later.iter().filter(|later| !plan.withdraw.iter().any(|(id, _)| id == later.id())).collect();
    let (original, registers) = match &plan.then {
        Then::End(..) => (None, None),
        Then::Copy(copy) => (Some(&copy.original), Some(&copy.copy)),
        Then::Finish(finish) => (Some(&finish.original), None),
    };
    if let Some(original) = original {
        must(seen.original.described().is_some_and(Described::is_active), "only an ACTIVE original has a copy")?;
        must(!original.privileged_containers().is_empty(), "what is not privileged needs no copy")?;
        must(original.family() == &seen.id.family, "the backup is of the same family")?;
    }
    if let Some(copy) = registers {
        let is_clean = |text: &str| RegisterInput::parse(text).is_ok_and(|it| it.privileged_containers().is_empty());
        must(is_clean(copy.as_str()), "the guard registers no privilege")?;
        must(copy.family() == &seen.id.family, "the copy is of the same family")?;
        must(stays.is_empty(), "a copy would overtake a newer revision")?;
        must(seen.removed.is_empty(), "what a person took back is not made again")?;
    }
    if let Some(copy) = &plan.copy {
        must(stays.iter().any(|later| *later.id() == copy.id), "the copy in force is one that stays")?;
    }
    Ok(())
}
