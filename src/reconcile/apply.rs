//! Carries a plan out, step by step, and looks at what came of it. It decides nothing: where the world has moved, it
//! withdraws what it made and asks to look again.

use jiff::{SignedDuration, Timestamp};

use super::between::active_between;
use super::observe::{exemption, read_record};
use super::presence::{PAUSES_FOR_STALE_READS, Presence};
use super::stop::Stop;
use super::{Guard, Run};
use crate::aws::{BackupReceipt, Expect, Written};
use crate::domain::arn::{Family, Revision, TaskDefinitionId};
use crate::domain::backup::{self, Stored};
use crate::domain::document::{Described, RegisterInput};
use crate::domain::exemption::{Verdict, verdict};
use crate::domain::failure::CallFailure;
use crate::domain::fidelity::MemberPath;
use crate::domain::keys;
use crate::domain::observation::Observation;
use crate::domain::outcome::{Outcome, Reason};
use crate::domain::plan::{CopyInForce, MakeCopy, Plan, Then, is_copy_of, unfaithful_members};
use crate::domain::record::{MadeCopy, Record, Withdrawal};
use crate::domain::report::Failure;

/// No registration begins with less time left: it must still be proven, alerted and recorded.
pub(super) const TIME_TO_FINISH: SignedDuration = SignedDuration::from_secs(20);

/// How a plan ended.
#[derive(Debug)]
pub(super) enum Applied {
    /// The run has come to its end.
    Ended(Ending),
    /// The world has moved: observe again.
    LookAgain,
}

/// The end of a run.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) copy: Option<CopyInForce>,
    pub(super) differences: Vec<MemberPath>,
}

/// Carries the plan out.
pub(super) async fn apply(
    guard: &Guard,
    seen: &Observation,
    plan: &Plan,
    run: &mut Run,
    deadline: Timestamp,
) -> Result<Applied, Stop> {
    for (copy, why) in &plan.withdraw {
        withdraw(guard, seen, run, copy, *why).await?;
    }
    match &plan.then {
        Then::End(outcome, reason) => Ok(Applied::Ended(Ending {
            outcome: *outcome,
            reason: *reason,
            copy: plan.copy.clone(),
            differences: plan.differences.clone(),
        })),
        Then::Copy(copy) => make_copy(guard, seen, copy, run, deadline).await,
        Then::Finish(finish) => {
            run.backup_sha256 = Some(back_up(guard, seen, &finish.original).await?.sha256);
            // Somebody took the original back meanwhile: its copy would bring it back.
            if !matches!(Presence::settled(guard, &seen.id).await?, Presence::Active(_)) {
                withdraw(guard, seen, run, &finish.copy, Withdrawal::Race).await?;
                return Ok(Applied::LookAgain);
            }
            let made = made_copy(guard, seen, run, &finish.copy);
            run.made[made].why = None;
            let (outcome, copy) = (finish.outcome, plan.copy.clone());
            Ok(Applied::Ended(Ending { outcome, reason: None, copy, differences: Vec::new() }))
        }
    }
}

/// Where the run's note of this copy is; made if need be.
pub(super) fn made_copy(guard: &Guard, seen: &Observation, run: &mut Run, copy: &TaskDefinitionId) -> usize {
    run.made.iter().position(|made| made.is_revision(copy.revision)).unwrap_or_else(|| {
        let described = seen.later.iter().find(|later| later.id() == copy);
        let at = described.and_then(Described::registered_at).unwrap_or_else(|| guard.aws.clock.now());
        run.made.push(MadeCopy::new(copy.revision, at, &guard.policy));
        run.made.len() - 1
    })
}

async fn make_copy(
    guard: &Guard,
    seen: &Observation,
    texts: &MakeCopy,
    run: &mut Run,
    deadline: Timestamp,
) -> Result<Applied, Stop> {
    let receipt = back_up(guard, seen, &texts.original).await?;
    run.backup_sha256 = Some(receipt.sha256.clone());
    if deadline.duration_since(guard.aws.clock.now()) < TIME_TO_FINISH {
        return Err(Stop::OutOfTime);
    }
    let sent = guard.aws.ecs.register(&texts.copy, &receipt).await;
    if sent.as_ref().is_err_and(CallFailure::may_be_done) {
        run.lost_above.get_or_insert(texts.highest_seen);
    }
    let copy = sent?;
    run.made.push(MadeCopy::new(copy.revision, guard.aws.clock.now(), &guard.policy));

    match settle(guard, seen, texts, &copy, run).await {
        // It cannot be looked at, so nobody knows whether it stands in front of a newer version: it must not stay.
        Err(Stop::Failed(failure)) if run.made.last().is_some_and(MadeCopy::stands) => {
            // If that fails too, the alert names the copy as still ACTIVE; the first failure is the one to mend.
            let _ = withdraw(guard, seen, run, &copy, Withdrawal::Unproven).await;
            Err(Stop::Failed(failure))
        }
        settled => settled,
    }
}

/// Looks at what came of a registration: whether something came between, whether the copy is faithful, and whether the
/// original was deregistered or the family exempted meanwhile.
async fn settle(
    guard: &Guard,
    seen: &Observation,
    texts: &MakeCopy,
    copy: &TaskDefinitionId,
    run: &mut Run,
) -> Result<Applied, Stop> {
    let overtaken = match came_between(guard, seen, texts, copy, run).await? {
        Between::Nothing => None,
        Between::EqualCopy(number) => Some((number, Withdrawal::Duplicate)),
        Between::Foreign(number) => Some((number, Withdrawal::Race)),
    };
    if let Some((number, why)) = overtaken {
        // Lists may not show it for some seconds, and the next look must see it.
        run.met.insert(number);
        withdraw(guard, seen, run, copy, why).await?;
        return Ok(Applied::LookAgain);
    }
    let described = match Presence::settled(guard, copy).await? {
        Presence::Active(described) => described,
        // Somebody deregistered it already: the next look says whether that is a person's no.
        Presence::Inactive(_) => return Ok(Applied::LookAgain),
        Presence::Unknown => return Err(guard.aws.ecs.not_yet_visible(copy).into()),
    };
    let Some(original) = seen.original.described() else { return Ok(Applied::LookAgain) };
    let differences = unfaithful_members(original, &described, &guard.policy);
    if !differences.is_empty() {
        withdraw(guard, seen, run, copy, Withdrawal::Unfaithful).await?;
        let (outcome, reason) = (Outcome::UnfaithfulCopyWithdrawn, None);
        return Ok(Applied::Ended(Ending { outcome, reason, copy: None, differences }));
    }
    // Somebody took the original back meanwhile: its copy would bring it back.
    if !matches!(Presence::settled(guard, &seen.id).await?, Presence::Active(_)) {
        withdraw(guard, seen, run, copy, Withdrawal::Race).await?;
        return Ok(Applied::LookAgain);
    }
    if exempted_meanwhile(guard, &seen.id.family, original.privileged_containers()).await? {
        withdraw(guard, seen, run, copy, Withdrawal::Exempt).await?;
        return Ok(Applied::LookAgain);
    }
    // Another run has come to its end with a copy of its own. That one serves, or somebody took it back already; what
    // the run of another original has withdrawn under its hands does neither.
    let record = read_record(guard, &seen.id).await?;
    let mut others = record.map(|held| held.record.standing_copies()).unwrap_or_default();
    others.retain(|other, _| seen.condemned_for(*other).is_none());
    if others.keys().any(|other| *other != copy.revision) {
        run.met.extend(others.into_keys());
        withdraw(guard, seen, run, copy, Withdrawal::Duplicate).await?;
        return Ok(Applied::LookAgain);
    }
    let copy = Some(CopyInForce { id: copy.clone(), is_ours: true });
    Ok(Applied::Ended(Ending { outcome: Outcome::Remediated, reason: None, copy, differences }))
}

/// Stores the original. What lies there already is kept if it is the original in meaning, or by the record's hash.
async fn back_up(guard: &Guard, seen: &Observation, original: &RegisterInput) -> Result<BackupReceipt, Stop> {
    let key = keys::backup(&guard.home, &seen.id);
    let text = original.as_str();
    match guard.aws.bucket.put(&key, text, &Expect::Nothing).await? {
        Written::Yes(_) => Ok(BackupReceipt { sha256: backup::sha256(text) }),
        Written::Changed => {
            // Gone again between the two calls: a conflict like any other, so look again.
            let Some(stored) = guard.aws.bucket.get(&key).await? else {
                return Err(Stop::Transient(guard.aws.bucket.conflict(&key)));
            };
            let recorded = seen.record.as_ref().and_then(|held| held.record.backup_sha256.as_deref());
            match backup::judge(&stored.text, original, &guard.policy.output_only, recorded) {
                Stored::Genuine { sha256 } => Ok(BackupReceipt { sha256 }),
                Stored::Tampered => Err(Stop::Failed(Failure::BackupTampered { key })),
            }
        }
    }
}

enum Between {
    Nothing,
    EqualCopy(Revision),
    Foreign(Revision),
}

/// Looks at what was registered between the highest number that was seen and the copy's own.
async fn came_between(
    guard: &Guard,
    seen: &Observation,
    texts: &MakeCopy,
    copy: &TaskDefinitionId,
    run: &Run,
) -> Result<Between, Stop> {
    let is_ours_and_done = |number: u32| {
        let known = seen.copies_of_original();
        known.iter().chain(&run.made).any(|made| made.revision == number && made.withdrawn.is_some())
    };
    let family = &seen.id.family;
    for between in active_between(guard, family, texts.highest_seen, copy.revision, is_ours_and_done).await? {
        match is_equal_copy(guard, seen, &between) {
            true => return Ok(Between::EqualCopy(between.id().revision)),
            false if !guard.policy.is_ours(between.registered_by()) => {
                return Ok(Between::Foreign(between.id().revision));
            }
            // Ours, and not a copy of this original: its own run deals with it.
            false => {}
        }
    }
    Ok(Between::Nothing)
}

fn is_equal_copy(guard: &Guard, seen: &Observation, candidate: &Described) -> bool {
    seen.original.described().is_some_and(|original| is_copy_of(original, candidate, &guard.policy))
}

/// Whether the family has been exempted since it was observed. An exemption that cannot be read by now counts: nothing
/// may then be changed.
pub(super) async fn exempted_meanwhile(guard: &Guard, family: &Family, privileged: &[String]) -> Result<bool, Stop> {
    let found = exemption(guard, family).await?;
    let now = guard.aws.clock.now();
    Ok(!matches!(verdict(&guard.policy.exempt_families, family, privileged, &found, now), Verdict::NotExempt(_)))
}

/// Deregisters a copy of ours. That it must go is recorded first, so that whoever finds it, ACTIVE or not, knows why;
/// without that record it goes all the same.
async fn withdraw(
    guard: &Guard,
    seen: &Observation,
    run: &mut Run,
    copy: &TaskDefinitionId,
    why: Withdrawal,
) -> Result<(), Stop> {
    let made = made_copy(guard, seen, run, copy);
    run.made[made].why = Some(why.as_str().to_owned());
    let held = seen.record.as_ref().map(|held| held.record.clone());
    let begun = || Record::begun(&seen.id, guard.policy.mode.as_str(), privileged_containers(seen));
    let intent = Record { copies: vec![run.made[made].clone()], ..held.unwrap_or_else(begun) };
    // What keeps it from being written keeps the run's own record from being written too, and is told then.
    let _ = guard.merge_record(&seen.id, seen.record.clone(), &intent, false).await;
    deregister(guard, copy).await?;
    run.made[made].withdrawn = Some(guard.aws.clock.now());
    Ok(())
}

fn privileged_containers(seen: &Observation) -> &[String] {
    seen.original.described().map(Described::privileged_containers).unwrap_or_default()
}

/// Deregisters what one of our functions registered. Whatever ECS answers, what counts is what is there then: another
/// run may have been faster, and an answer may be lost.
pub(super) async fn deregister(guard: &Guard, copy: &TaskDefinitionId) -> Result<(), Stop> {
    let mut pauses = PAUSES_FOR_STALE_READS.into_iter();
    while let Err(failure) = guard.aws.ecs.deregister(copy).await {
        match (Presence::of(guard, copy).await?, pauses.next()) {
            (Presence::Inactive(_), _) => break,
            (Presence::Active(_) | Presence::Unknown, Some(pause)) if failure.is_transient() => {
                guard.aws.clock.sleep(pause).await;
            }
            (Presence::Active(_) | Presence::Unknown, _) => return Err(failure.into()),
        }
    }
    Ok(())
}
