//! Plans that the planner never makes: each breaks one rule of [`check_plan`], which must say so. Every test build asks it
//! about every plan, so a rule that it does not hold is held by nobody.

use super::*;

/// What is done to a plan that is right.
type Wrong = fn(&mut Plan);

fn id(revision: &str) -> TaskDefinitionId {
    "web".parse::<crate::domain::arn::Family>().unwrap().revision(revision.parse().unwrap())
}

fn withdraws(plan: &mut Plan, revision: &str) {
    plan.withdraw.push((id(revision), Withdrawal::Stray));
}

fn copies(plan: &mut Plan, edit: impl FnOnce(&mut MakeCopy)) {
    let Then::Copy(copy) = &mut plan.then else { panic!("{plan:?}") };
    edit(copy);
}

fn finishes(plan: &mut Plan, edit: impl FnOnce(&mut FinishCopy)) {
    let Then::Finish(finish) = &mut plan.then else { panic!("{plan:?}") };
    edit(finish);
}

fn of_another_family(input: &RegisterInput) -> RegisterInput {
    RegisterInput::parse(&input.as_str().replace(r#""web""#, r#""api""#)).unwrap()
}

/// The plan is right for what was seen; what is done to it is not, or what was seen is otherwise than it was planned for.
#[track_caller]
fn breaks(planned_for: &Observation, seen: &Observation, policy: &Policy, wrong: Wrong, rule: &'static str) {
    let remediate = self::policy(Mode::Remediate);
    let mut plan = plan(planned_for, &remediate, now());
    assert_eq!(check_plan(planned_for, &remediate, &plan), Ok(()));
    wrong(&mut plan);
    assert_eq!(check_plan(seen, policy, &plan), Err(rule), "{plan:?}");
}

#[test]
fn what_the_policy_leaves_alone_is_not_written_to() {
    let copied = family(&["12 privileged ACTIVE"]);
    let finished = family(&["12 privileged ACTIVE", "13 ACTIVE ours"]);
    // It withdraws, and does nothing else.
    let withdrawn = family(&["12 privileged ACTIVE", "13 ACTIVE image=new", "14 ACTIVE ours"]);
    let others = FamilyGlobs::new(["api-*"]).unwrap();
    for seen in [&copied, &finished, &withdrawn] {
        breaks(seen, seen, &policy(Mode::Alert), |_| (), "mode alert writes nothing to ECS");
        let out_of_scope = Policy { remediate_families: others.clone(), ..policy(Mode::Remediate) };
        breaks(seen, seen, &out_of_scope, |_| (), "families out of scope are left alone");
    }
}

#[test]
fn only_what_is_ours_beyond_doubt_is_withdrawn() {
    let remediate = policy(Mode::Remediate);
    let seen = |next: &str| family(&["12 privileged ACTIVE", "13 ACTIVE image=new", next]);
    let fourteen: Wrong = |plan| withdraws(plan, "14");

    let not_seen = "only what was seen is withdrawn";
    breaks(&seen("14 ACTIVE"), &seen("14 ACTIVE"), &remediate, |plan| withdraws(plan, "15"), not_seen);

    let not_ours = "what neither our roles registered nor a person who applied a plan is never withdrawn";
    for others in ["14 ACTIVE", "14 ACTIVE persons"] {
        breaks(&seen(others), &seen(others), &remediate, fourteen, not_ours);
    }
    // A record that names another revision, and one that names what neither we nor a person with that role registered.
    let named = |revision: u32| format!(r#","copies":[{{"revision":{revision},"at":"{NOW}","why":"race"}}]"#);
    let of_another = Observation { record: Some(held(&named(15))), ..seen("14 ACTIVE persons") };
    breaks(&of_another, &of_another, &remediate, fourteen, not_ours);
    let of_a_pipeline = Observation { record: Some(held(&named(14))), ..seen("14 ACTIVE") };
    breaks(&of_a_pipeline, &of_a_pipeline, &remediate, fourteen, not_ours);
    // A role whose name begins with the name of ours is not ours.
    let ours = seen("14 ACTIVE ours old");
    let shorter = Policy { guard_roles: vec!["guard".parse().unwrap()], ..policy(Mode::Remediate) };
    breaks(&ours, &ours, &shorter, fourteen, not_ours);

    let stands = Observation {
        record: Some(held(&format!(r#","copies":[{{"revision":14,"at":"{NOW}"}}]"#))),
        ..seen("14 ACTIVE ours")
    };
    breaks(&stands, &stands, &remediate, fourteen, "a copy that was proven and recorded is not withdrawn");
    // What another record of the family says of another revision is no reason.
    let beside = Observation { family_records: vec![record(&named(15))], ..stands };
    breaks(&beside, &beside, &remediate, fourteen, "a copy that was proven and recorded is not withdrawn");

    // By the word of any record of the family both may go.
    let condemned = |next: &str, members: &str| Observation {
        record: Some(held(members)),
        family_records: vec![record(&named(14))],
        ..seen(next)
    };
    let copy = format!(r#","copies":[{{"revision":14,"at":"{NOW}"}}]"#);
    for seen in [condemned("14 ACTIVE ours", &copy), condemned("14 ACTIVE persons", "")] {
        check(&seen, &remediate, "withdraw 14 race, superseded race");
    }
}

#[test]
fn a_copy_is_made_of_what_is_privileged_and_active() {
    let remediate = policy(Mode::Remediate);
    let (copied, finished) = (family(&["12 privileged ACTIVE"]), family(&["12 privileged ACTIVE", "13 ACTIVE ours"]));
    for (planned_for, later) in [(&copied, None), (&finished, Some("13 ACTIVE ours"))] {
        let inactive: Vec<&str> = ["12 privileged INACTIVE"].into_iter().chain(later).collect();
        let gone = Observation { original: Original::Gone, ..family(&inactive) };
        for seen in [family(&inactive), gone] {
            breaks(planned_for, &seen, &remediate, |_| (), "only an ACTIVE original has a copy");
        }
    }

    let no_need = "what is not privileged needs no copy";
    let clean: Wrong = |plan| copies(plan, |copy| copy.original = copy.original.without_privilege());
    breaks(&copied, &copied, &remediate, clean, no_need);
    let clean: Wrong = |plan| finishes(plan, |finish| finish.original = finish.original.without_privilege());
    breaks(&finished, &finished, &remediate, clean, no_need);

    let same_family = "the backup is of the same family";
    let other: Wrong = |plan| copies(plan, |copy| copy.original = of_another_family(&copy.original));
    breaks(&copied, &copied, &remediate, other, same_family);
    let other: Wrong = |plan| finishes(plan, |finish| finish.original = of_another_family(&finish.original));
    breaks(&finished, &finished, &remediate, other, same_family);
}

#[test]
fn what_is_registered_is_clean_and_overtakes_nothing() {
    let remediate = policy(Mode::Remediate);
    let seen = family(&["12 privileged mixed ACTIVE"]);
    let privileged: Wrong = |plan| copies(plan, |copy| copy.copy = copy.original.clone());
    breaks(&seen, &seen, &remediate, privileged, "the guard registers no privilege");
    let other: Wrong = |plan| copies(plan, |copy| copy.copy = of_another_family(&copy.copy));
    breaks(&seen, &seen, &remediate, other, "the copy is of the same family");
    // Somebody registered it after the plan was made.
    let newer = family(&["12 privileged mixed ACTIVE", "13 ACTIVE image=new"]);
    breaks(&seen, &newer, &remediate, |_| (), "a copy would overtake a newer revision");
    let taken_back = Observation { removed: vec!["13".parse().unwrap()], ..family(&["12 privileged mixed ACTIVE"]) };
    breaks(&seen, &taken_back, &remediate, |_| (), "what a person took back is not made again");
}

#[test]
fn the_copy_in_force_is_one_that_stays() {
    let remediate = policy(Mode::Remediate);
    let rule = "the copy in force is one that stays";
    let seen = family(&["12 privileged ACTIVE", "13 ACTIVE ours"]);
    breaks(&seen, &seen, &remediate, |plan| withdraws(plan, "13"), rule);
    let unseen: Wrong = |plan| plan.copy = Some(CopyInForce { id: id("14"), is_ours: true });
    breaks(&seen, &seen, &remediate, unseen, rule);
}
