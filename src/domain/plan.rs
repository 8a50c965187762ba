//! What is to be done about one revision, decided from what was observed: the rules of the design, in their order.
//! Pure and synchronous. The plan leaves `apply` no choice, and says each of its steps in words.

mod check;

use jiff::{SignedDuration, Timestamp};

use super::arn::{Revision, TaskDefinitionId};
use super::document::{Described, RegisterInput};
use super::exemption::{self, Verdict};
use super::fidelity::{self, MemberPath, Tags};
use super::observation::{Observation, Starter};
use super::outcome::{Outcome, Reason};
use super::policy::{Mode, Policy};
use super::record::Withdrawal;
use super::recurrence::{Recurrence, recurrence};
pub use check::check_plan;

/// Within this time a revision of ours that no record names can be what a run that died has left behind.
/// The bound keeps a lost bucket, or a second stack, from turning old copies into strays.
pub const STRAY_AGE_MAX: SignedDuration = SignedDuration::from_hours(6);
/// Copies of one family within an hour, after which something must be fighting us.
pub const COPIES_PER_HOUR_MAX: usize = 3;

/// What is to be done.
#[derive(Debug, Clone)]
#[must_use]
pub struct Plan {
    /// Copies of ours that have no business being ACTIVE, withdrawn first.
    pub withdraw: Vec<(TaskDefinitionId, Withdrawal)>,
    /// Such copies that stay all the same, because nothing may be changed while the exemption cannot be read.
    pub left: Vec<TaskDefinitionId>,
    /// What comes after that.
    pub then: Then,
    /// The exemption's verdict, for the alert.
    pub exemption: Verdict,
    /// The copy that is in force.
    pub copy: Option<CopyInForce>,
    /// The foreign revision that is the original's next.
    pub superseded_by: Option<TaskDefinitionId>,
    /// Members in which a copy of ours differs from the original, where it does.
    pub differences: Vec<MemberPath>,
    /// Whether something runs the original, or might.
    pub original_may_run: bool,
    /// Whether the same content came before, for the alert.
    pub recurrence: Option<Recurrence>,
}

/// What comes after the withdrawals.
#[derive(Debug, Clone)]
pub enum Then {
    /// Nothing more: the run ends so.
    End(Outcome, Option<Reason>),
    /// The original is backed up, and a copy registered and proven.
    Copy(Box<MakeCopy>),
    /// A copy that a run of ours made and did not live to tell of is taken over.
    Finish(Box<FinishCopy>),
}

/// A copy that is there, faithful, and in no record.
#[derive(Debug, Clone)]
pub struct FinishCopy {
    /// How the run ends.
    pub outcome: Outcome,
    /// The copy.
    pub copy: TaskDefinitionId,
    /// The original as registration input: the backup, which must be there.
    pub original: RegisterInput,
}

/// The texts of a copy to be made.
#[derive(Debug, Clone)]
pub struct MakeCopy {
    /// The original as registration input: the backup.
    pub original: RegisterInput,
    /// The same with `privileged: false`.
    pub copy: RegisterInput,
    /// The highest number that was listed. If the copy gets the next one, nothing came between.
    pub highest_seen: Revision,
}

/// An ACTIVE revision that says what our copy would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyInForce {
    /// Which it is.
    pub id: TaskDefinitionId,
    /// Whether one of our roles registered it.
    pub is_ours: bool,
}

/// Everything the rules ask about, each in one word.
#[expect(clippy::struct_excessive_bools, reason = "a row of the decision table, not a state")]
struct Facts {
    privileged: bool,
    active: bool,
    may_run: bool,
    copies_left: bool,
    batch: bool,
    express: bool,
    exemption: Permission,
    next: Next,
    copy_untold: bool,
    lost_race: bool,
    copy_removed: bool,
    unfaithful_before: bool,
    in_scope: bool,
    mode: Mode,
    copies_this_hour: usize,
}

enum Permission {
    Unreadable,
    Granted,
    Partly,
    Absent,
}

/// The first ACTIVE revision after the original, strays aside.
enum Next {
    None,
    Copy,
    /// A faithful copy of ours that no record names.
    Unfinished {
        of_this_run: bool,
    },
    Unfaithful,
    Foreign,
}

enum Decision {
    End(Outcome, Option<Reason>),
    Copy,
    Finish(Outcome),
}

/// The precedence of the rules, from top to bottom: the first row that applies.
fn decide(facts: &Facts) -> Decision {
    use Decision::{Copy, End, Finish};
    use Outcome::{Alerted, AlreadyRemediated, Compliant, Exempt, Inactive, Remediated, Superseded};
    match facts {
        Facts { privileged: false, .. } => End(Compliant, None),
        // A run recorded its copy and died before it told anybody: that is told first, whatever has changed by now.
        Facts { active: false, may_run: false, next: Next::Copy, copy_untold: true, .. } => {
            End(AlreadyRemediated, None)
        }
        Facts { active: false, may_run: false, copies_left: true, .. } => {
            End(Alerted, Some(Reason::ExemptionUnreadable))
        }
        Facts { active: false, may_run: false, .. } => End(Inactive, None),
        Facts { active: false, .. } => End(Alerted, Some(Reason::InactiveInUse)),
        Facts { batch: true, .. } => End(Alerted, Some(Reason::ManagedByBatch)),
        Facts { express: true, .. } => End(Alerted, Some(Reason::ManagedByExpress)),
        Facts { exemption: Permission::Unreadable, .. } => End(Alerted, Some(Reason::ExemptionUnreadable)),
        // As above.
        Facts { exemption: Permission::Granted, next: Next::Copy, copy_untold: true, .. } => {
            End(AlreadyRemediated, None)
        }
        Facts { exemption: Permission::Granted, .. } => End(Exempt, None),
        Facts { exemption: Permission::Partly, .. } => End(Alerted, Some(Reason::PartlyExempt)),
        Facts { next: Next::Copy, .. } => End(AlreadyRemediated, None),
        // Somebody took back a copy while another run was making a second one: the second one goes too.
        Facts { next: Next::Unfinished { .. }, copy_removed: true, .. } => End(Alerted, Some(Reason::CopyRemoved)),
        Facts { next: Next::Unfinished { of_this_run: false }, .. } => Finish(AlreadyRemediated),
        Facts { next: Next::Unfinished { of_this_run: true }, .. } => Finish(Remediated),
        Facts { next: Next::Unfaithful, .. } => End(Outcome::UnfaithfulCopyWithdrawn, None),
        Facts { next: Next::Foreign, lost_race: true, .. } => End(Superseded, Some(Reason::Race)),
        Facts { next: Next::Foreign, .. } => End(Superseded, None),
        Facts { copy_removed: true, .. } => End(Alerted, Some(Reason::CopyRemoved)),
        Facts { unfaithful_before: true, .. } => End(Alerted, Some(Reason::UnfaithfulBefore)),
        Facts { in_scope: false, .. } => End(Alerted, Some(Reason::OutOfScope)),
        Facts { mode: Mode::Alert, .. } => End(Alerted, Some(Reason::AlertMode)),
        Facts { copies_this_hour: COPIES_PER_HOUR_MAX.., .. } => End(Alerted, Some(Reason::Repeated)),
        Facts { next: Next::None, .. } => Copy,
    }
}

/// Decides what is to be done about the observed original at `now`.
pub fn plan(seen: &Observation, policy: &Policy, now: Timestamp) -> Plan {
    let original = seen.original.described();
    let privileged = original.map(Described::privileged_containers).unwrap_or_default();
    let exemption = exemption::verdict(&policy.exempt_families, &seen.id.family, privileged, &seen.exemption, now);
    let writes = policy.changes(&seen.id.family);
    let may_write = writes && !matches!(exemption, Verdict::Unreadable(_));
    let later = judge_later(seen, policy, now);
    let next = next(&later);
    let left: Vec<TaskDefinitionId> = match writes && !may_write {
        true => later.iter().filter(|later| later.must_be_withdrawn()).map(|later| later.id.clone()).collect(),
        false => Vec::new(),
    };
    let facts = facts(seen, policy, now, &exemption, &later, may_write, !left.is_empty());

    let input = |original: &Described| original.register_input(&policy.output_only);
    let then = match (decide(&facts), original, next) {
        (Decision::End(outcome, reason), _, _) => Then::End(outcome, reason),
        (Decision::Copy, Some(original), _) => {
            let original = input(original);
            let copy = original.without_privilege();
            Then::Copy(Box::new(MakeCopy { original, copy, highest_seen: seen.highest_listed }))
        }
        (Decision::Finish(outcome), Some(original), Some(next)) => {
            Then::Finish(Box::new(FinishCopy { outcome, copy: next.id.clone(), original: input(original) }))
        }
        // Not reached: what is not described is not active. It is safe, should the rules ever change.
        (Decision::Copy | Decision::Finish(_), _, _) => Then::End(Outcome::Inactive, None),
    };
    let withdraw = match may_write {
        true => withdrawals(&later, next, &facts),
        false => Vec::new(),
    };
    let in_force = |next: &&Later| next.is_copy() && !withdraw.iter().any(|(id, _)| *id == next.id);
    Plan {
        copy: next.filter(in_force).map(|next| CopyInForce { id: next.id.clone(), is_ours: next.is_ours }),
        superseded_by: next.filter(|next| matches!(next.kind, Kind::Foreign)).map(|next| next.id.clone()),
        differences: match next.map(|next| &next.kind) {
            Some(Kind::Unfinished { differences }) => differences.clone(),
            Some(Kind::Stray | Kind::Condemned(_) | Kind::Foreign | Kind::Copy) | None => Vec::new(),
        },
        original_may_run: facts.may_run,
        recurrence: recurrence(seen, &policy.output_only, now),
        left,
        then,
        exemption,
        withdraw,
    }
}

fn facts(
    seen: &Observation,
    policy: &Policy,
    now: Timestamp,
    exemption: &Verdict,
    later: &[Later],
    may_write: bool,
    copies_left: bool,
) -> Facts {
    let original = seen.original.described();
    let next = next(later);
    let copies = seen.copies_of_original();
    let any_withdrawn_for = |why| copies.iter().any(|copy| copy.was_withdrawn_for(why));
    Facts {
        // What ECS does not know any more may have been privileged.
        privileged: original.is_none_or(|original| !original.privileged_containers().is_empty()),
        active: original.is_some_and(Described::is_active),
        may_run: seen.usage.may_run(seen.id.revision),
        copies_left,
        batch: seen.batch_by_event || original.is_some_and(|original| original.has_tag_key(BATCH_TAG)),
        express: seen.usage.runs.iter().any(|run| matches!(run.starter, Starter::Service { is_express: true, .. })),
        exemption: match exemption {
            Verdict::Unreadable(_) => Permission::Unreadable,
            Verdict::Exempt(_) => Permission::Granted,
            Verdict::Partly { .. } => Permission::Partly,
            Verdict::NotExempt(_) => Permission::Absent,
        },
        next: match next.map(|next| (&next.kind, next)) {
            None | Some((Kind::Stray | Kind::Condemned(_), _)) => Next::None,
            Some((Kind::Foreign, _)) => Next::Foreign,
            Some((Kind::Unfinished { differences }, _)) if may_write && !differences.is_empty() => Next::Unfaithful,
            Some((Kind::Unfinished { .. }, next)) if may_write => {
                Next::Unfinished { of_this_run: seen.made.iter().any(|copy| copy.is_revision(next.id.revision)) }
            }
            Some((Kind::Unfinished { .. } | Kind::Copy, _)) => Next::Copy,
        },
        copy_untold: next.is_some_and(|next| seen.is_untold(next.id.revision)),
        lost_race: later.iter().any(Later::lost_a_race)
            || any_withdrawn_for(Withdrawal::Race)
            || any_withdrawn_for(Withdrawal::Stray),
        // A person's no: a copy that stood is gone, and neither we nor backout withdrew it.
        copy_removed: !seen.removed.is_empty(),
        unfaithful_before: copies.iter().any(|copy| {
            copy.was_withdrawn_for(Withdrawal::Unfaithful)
                && copy.made_under.as_deref() == Some(policy.copied_under().as_str())
        }),
        in_scope: policy.makes_copies && policy.remediate_families.match_family(&seen.id.family),
        mode: policy.mode,
        copies_this_hour: seen.copies_since(now - SignedDuration::from_hours(1)),
    }
}

/// The members in which a copy is not the original without privilege: the proof after the write. Empty is proven.
#[must_use]
pub fn unfaithful_members(original: &Described, copy: &Described, policy: &Policy) -> Vec<MemberPath> {
    differences(original, copy, policy, Tags::Compared)
}

/// Whether `candidate` says what our copy of `original` would say. Tags are left out: they change after registration.
#[must_use]
pub fn is_copy_of(original: &Described, candidate: &Described, policy: &Policy) -> bool {
    differences(original, candidate, policy, Tags::LeftOut).is_empty()
}

fn differences(original: &Described, candidate: &Described, policy: &Policy, tags: Tags) -> Vec<MemberPath> {
    let wanted = original.register_input(&policy.output_only).without_privilege();
    fidelity::differences(&wanted, &candidate.register_input(&policy.output_only), tags)
}

/// The tag that AWS Batch must put on each task definition it registers.
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/BatchServiceRolePolicy.html>
const BATCH_TAG: &str = "AWSBatchServiceTag";

/// A revision after the original.
struct Later {
    id: TaskDefinitionId,
    is_ours: bool,
    /// Somebody else registered it, and no record says that it was by applying a plan: it is never withdrawn. So the copy
    /// of an apply that dies when a newer version came between stays; a person's own fix must.
    may_be_a_persons: bool,
    kind: Kind,
}

/// What a later revision is to the original.
enum Kind {
    /// Left behind by a run of ours that died.
    Stray,
    /// A copy of ours that could not be withdrawn when it should have been.
    Condemned(Withdrawal),
    /// Not what we would make of the original.
    Foreign,
    /// What we would make of the original.
    Copy,
    /// The same, but the run that made it has not come to its end: it is still to be proven, tags included.
    Unfinished { differences: Vec<MemberPath> },
}

impl Later {
    /// A newer revision may have been registered while its run was at work.
    fn lost_a_race(&self) -> bool {
        matches!(self.kind, Kind::Stray | Kind::Condemned(Withdrawal::Race | Withdrawal::Stray))
    }

    /// For what it is, whatever the exemption says.
    fn must_go(&self) -> bool {
        matches!(self.kind, Kind::Stray | Kind::Condemned(_))
    }

    /// What a person registered never is.
    fn must_be_withdrawn(&self) -> bool {
        self.must_go() && !self.may_be_a_persons
    }

    fn is_copy(&self) -> bool {
        match &self.kind {
            Kind::Copy => true,
            Kind::Unfinished { differences } => differences.is_empty(),
            Kind::Stray | Kind::Condemned(_) | Kind::Foreign => false,
        }
    }
}

/// The first that is not to be withdrawn for what it is.
fn next(later: &[Later]) -> Option<&Later> {
    later.iter().find(|later| !later.must_go())
}

/// Judges each later revision, the earliest first.
fn judge_later(seen: &Observation, policy: &Policy, now: Timestamp) -> Vec<Later> {
    let original = seen.original.described();
    let recorded = seen.recorded_copies();
    // The nearest earlier ACTIVE revision that is not ours: what an unfinished revision of ours must be a copy of.
    let mut nearest = original.filter(|original| original.is_active()).or(seen.earlier.as_ref());
    // Whether that one has its copy already.
    let mut nearest_is_copied = false;
    let mut judged = Vec::new();
    for revision in &seen.later {
        let is_young = revision.registered_at().is_some_and(|at| now.duration_since(at) < STRAY_AGE_MAX);
        let is_recorded = recorded.contains(&revision.id().revision.number());
        // Where ECS does not show the original any more, what nobody was told of is a copy by the record's word.
        let is_copy = original
            .map_or_else(|| seen.is_untold(revision.id().revision), |original| is_copy_of(original, revision, policy));
        let is_by_our_roles = policy.is_ours(revision.registered_by());
        let is_applied = policy.may_be_applied(revision.registered_by());
        let condemned = seen.condemned_for(revision.id().revision).filter(|_| is_by_our_roles || is_applied);
        let is_named = is_recorded || condemned.is_some();
        let may_be_a_persons = !(is_by_our_roles || (is_applied && is_named));
        // Unnamed, it is taken for the copy of an apply that died before its record only if it is one to the letter.
        let is_exact = || original.is_some_and(|original| unfaithful_members(original, revision, policy).is_empty());
        let may_be_ours = is_by_our_roles || (is_applied && (is_named || (is_copy && is_exact())));
        let is_unfinished = may_be_ours && is_young && !is_recorded;
        let kind = match (condemned, is_unfinished, nearest, original) {
            (Some(why), ..) => Kind::Condemned(why),
            (_, true, Some(nearest), _) if !may_be_a_persons && !is_copy_of(nearest, revision, policy) => Kind::Stray,
            (_, true, None, _) if !may_be_a_persons => Kind::Stray,
            (_, true, Some(nearest), _) if !may_be_a_persons && nearest_is_copied && nearest.id() != &seen.id => {
                Kind::Condemned(Withdrawal::Duplicate)
            }
            // What says the same of a nearer revision belongs to that one's run, which may still be at work on it.
            (_, true, Some(nearest), Some(original))
                if is_copy && (nearest.id() == original.id() || is_copy_of(original, nearest, policy)) =>
            {
                Kind::Unfinished { differences: unfaithful_members(original, revision, policy) }
            }
            (_, false, _, _) if is_copy => Kind::Copy,
            (_, true, _, _) if may_be_a_persons => Kind::Copy,
            (_, true | false, _, _) => Kind::Foreign,
        };
        let is_ours = !may_be_a_persons || matches!(kind, Kind::Unfinished { .. });
        match is_ours {
            true => {
                nearest_is_copied |=
                    is_recorded && nearest.is_some_and(|nearest| is_copy_of(nearest, revision, policy));
            }
            false => (nearest, nearest_is_copied) = (Some(revision), false),
        }
        judged.push(Later { id: revision.id().clone(), is_ours, may_be_a_persons, kind });
    }
    judged
}

/// The revisions of ours that must go: strays; whatever a run that has not come to its end made of a family that is
/// exempt by now; what proved unfaithful; and what repeats a copy that is there already.
fn withdrawals(later: &[Later], next: Option<&Later>, facts: &Facts) -> Vec<(TaskDefinitionId, Withdrawal)> {
    let why = |revision: &Later| match (&revision.kind, &facts.exemption, next) {
        (Kind::Stray, _, _) => Some(Withdrawal::Stray),
        (Kind::Condemned(why), _, _) => Some(*why),
        (Kind::Foreign | Kind::Copy, _, _) => None,
        (Kind::Unfinished { .. }, Permission::Granted | Permission::Partly, _) => Some(Withdrawal::Exempt),
        (Kind::Unfinished { differences }, _, _) if !differences.is_empty() => Some(Withdrawal::Unfaithful),
        (Kind::Unfinished { .. }, _, _) if facts.copy_removed => Some(Withdrawal::Duplicate),
        (Kind::Unfinished { .. }, _, Some(next)) if next.id != revision.id => Some(Withdrawal::Duplicate),
        (Kind::Unfinished { .. }, _, _) => None,
    };
    let ours = later.iter().filter(|revision| !revision.may_be_a_persons);
    ours.filter_map(|revision| why(revision).map(|why| (revision.id.clone(), why))).collect()
}

impl Plan {
    /// The steps in words that a person can read.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let withdrawals = self.withdraw.iter().map(|(id, why)| format!("Withdraw {id}: {}.", why.in_words()));
        let then = match &self.then {
            Then::Copy(copy) => copy.sentences(),
            Then::Finish(finish) => vec![format!("Record {}, the copy that a run before made.", finish.copy)],
            Then::End(outcome, None) => vec![format!("Change nothing more: {}.", outcome.as_str())],
            Then::End(outcome, Some(reason)) => {
                vec![format!("Change nothing more: {}, {}.", outcome.as_str(), reason.as_str())]
            }
        };
        withdrawals.chain(then).collect()
    }
}

impl MakeCopy {
    /// The steps of a copy in words.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let family = self.original.family();
        let mut sentences = vec![
            format!("Back up the original of {family} as it would be registered again."),
            format!("Register a copy of it as the next revision of {family}, with this and no other change:"),
        ];
        let edits = self.original.privileged_containers().iter();
        sentences.extend(edits.map(|name| format!("containerDefinitions[{name}].privileged: true -> false")));
        sentences
            .push("Describe the copy and prove that nothing else differs; if it does, deregister the copy.".into());
        sentences
    }
}

#[cfg(test)]
mod tests;
