//! What is to be done about a request: everything is judged before the first write, and the plan is data that says
//! each step in words. Pure.

use jiff::Timestamp;

use super::super::arn::{Revision, TaskDefinitionId};
use super::super::backup::{self, Stored};
use super::super::document::{Described, RegisterInput};
use super::super::exemption::{Exemption, Found, Verdict, of_object};
use super::super::failure::CallFailure;
use super::super::fidelity::{MemberPath, Tags, differences};
use super::super::observation::Held;
use super::super::policy::Policy;
use super::super::record::{MadeCopy, Record};
use super::super::service::Service;
use super::allow::{Allow, NotAllowed, allow};
use super::note;
use super::refusal::{self, Refused};
use super::request::Request;
use super::service::{ByHand, ServiceStep};

/// The world around one original, as backout sees it.
#[derive(Debug)]
pub struct Seen {
    /// The original.
    pub id: TaskDefinitionId,
    /// The original as ECS describes it, if it does. It need not be ACTIVE.
    pub original: Option<Described>,
    /// The ACTIVE revisions after it, by number.
    pub later: Vec<Described>,
    /// Copies that its record names and that are not ACTIVE any more.
    pub gone: Vec<Revision>,
    /// Its record.
    pub record: Option<Held>,
    /// The records of later revisions of the family, as far as they can be read.
    pub other_records: Vec<(TaskDefinitionId, Record)>,
    /// What lies under its backup's key.
    pub backup: Option<String>,
    /// The family's exemption, and the `ETag` under which it was read.
    pub exemption: (Found, Option<String>),
    /// Services of the account that may have to do with the family.
    pub services: Vec<Service>,
}

/// What follows from a request and what was seen.
#[derive(Debug)]
#[must_use]
pub struct Judged {
    /// What is to be done, once there is nothing to take back.
    pub plan: Plan,
    /// What a backout before has registered and did not live to prove.
    pub take_back: Vec<TakeBack>,
    /// What a backout before has registered, and no record says so: it died before it could tell anybody.
    pub left: Vec<TaskDefinitionId>,
    /// A backout before has begun, or exempted the family, and nobody was told of it yet.
    pub is_untold: bool,
    /// Until when the family is exempt as it was seen.
    pub until: Option<Timestamp>,
    /// The backup was changed. Somebody must know, whatever comes of the request.
    pub is_backup_tampered: bool,
}

impl Judged {
    /// What follows where nothing could be looked at.
    pub fn without_a_look(plan: Plan) -> Self {
        let (take_back, left) = (Vec::new(), Vec::new());
        Self { plan, take_back, left, is_untold: false, until: None, is_backup_tampered: false }
    }
}

/// A revision of backout's own that must not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeBack {
    /// Which.
    pub id: TaskDefinitionId,
    /// Where it differs from what was to be registered; nothing, if another revision came before it.
    pub differences: Vec<MemberPath>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Plan {
    /// Nothing may be done.
    Refuse(Refused),
    /// S3 refuses to say whether the family is exempt.
    Fail(CallFailure),
    /// The guard made no copy of it that still stands.
    Nothing,
    /// All of it is done already.
    Already(Box<Standing>),
    /// These steps.
    BackOut(Box<Steps>),
}

/// What stands after a backout.
#[derive(Debug)]
pub struct Standing {
    /// The revision that is in force.
    pub restored: TaskDefinitionId,
    /// Until when the family is exempt.
    pub until: Timestamp,
    /// The services that had to do with a copy.
    pub services: Services,
}

/// The services that have to do with a copy, by what is to be done about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// To be pointed at what is back.
    pub moves: Vec<Service>,
    /// On their way there already.
    pub moving: Vec<Service>,
    /// Run the copy and are not touched, each with what to do by hand.
    pub by_hand: Vec<(Service, ByHand)>,
}

/// The steps of a backout, in their order.
#[derive(Debug)]
pub struct Steps {
    /// The exemption to write, unless the one that is there covers it.
    pub exemption: Option<Exemption>,
    /// Until when the family is exempt then.
    pub until: Timestamp,
    /// How the original comes back.
    pub original: BringBack,
    /// Services that run the copy.
    pub services: Services,
    /// Copies of ours to deregister.
    pub deregister: Vec<TaskDefinitionId>,
    /// The containers that are privileged in the original.
    pub containers: Vec<String>,
    /// Every copy of the original, whatever became of it: by these a service is judged again before it is moved.
    pub copies: Vec<TaskDefinitionId>,
    /// The original, and the ACTIVE revisions that are equal to it.
    pub equals: Vec<TaskDefinitionId>,
}

/// How the original comes back into force.
#[derive(Debug)]
pub enum BringBack {
    /// This ACTIVE revision says it: the original itself, or a later one that is equal to it.
    Stands(TaskDefinitionId),
    /// It is registered again, with these bytes.
    Register(RegisterInput),
}

/// What a later revision is to the original.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    OurCopy,
    /// What our copy would say, but the record of that other original names it as its copy.
    CopyOf(TaskDefinitionId),
    Equal,
    Foreign,
}

/// Decides what is to be done about a request at `now`. `function` is backout's own name, by which it knows what it
/// has registered itself.
pub fn plan(seen: &Seen, request: &Request, policy: &Policy, function: Option<&str>, now: Timestamp) -> Judged {
    let backup = judge_backup(seen, policy);
    let described = seen.original.as_ref().map(|original| original.register_input(&policy.output_only));
    // The bytes that were stored come back; where ECS still knows the original and the backup is gone, ECS's own do.
    let original = match (&backup, described) {
        (Backup::Genuine(backup), _) => Some((**backup).clone()),
        (Backup::Missing | Backup::Tampered, described) => described,
    };
    let mut kinds: Vec<(&Described, Kind)> =
        seen.later.iter().map(|later| (later, kind(seen, original.as_ref(), later, policy))).collect();
    let unproven = unproven(seen, &kinds, function);
    let take_back = to_take_back(&unproven, &kinds, original.as_ref(), policy);
    kinds.retain(|(later, _)| !take_back.iter().any(|unproven| unproven.id == *later.id()));
    let plan = decide(seen, request, original, &backup, &kinds, &unproven, now).unwrap_or_else(|plan| plan);
    let take_back = match plan {
        Plan::Nothing => Vec::new(),
        Plan::Refuse(_) | Plan::Fail(_) | Plan::Already(_) | Plan::BackOut(_) => take_back,
    };
    let is_left = |id: &&TaskDefinitionId| !take_back.iter().any(|unproven| unproven.id == **id);
    let left = unproven.iter().filter(is_left).cloned().collect();
    let until = held(seen, now).map(|exemption| exemption.expires_at);
    let is_backup_tampered = matches!(backup, Backup::Tampered);
    Judged { plan, take_back, left, is_untold: is_untold(seen, request, now), until, is_backup_tampered }
}

/// The exemption, as long as it holds by the guard's own verdict.
fn held(seen: &Seen, now: Timestamp) -> Option<Exemption> {
    let (found, _) = &seen.exemption;
    let Found::Object { text, .. } = found else { return None };
    let exemption = Exemption::read(text).ok()?;
    matches!(of_object(&exemption.containers, found, now), Verdict::Exempt(_)).then_some(exemption)
}

/// Until when the family is exempt, by what people were told.
fn told_until(record: &Record) -> Option<Timestamp> {
    record.exemption_told.or_else(|| note::until(record.backed_out.as_ref()?))
}

/// Whether a run before has written something and died before it could tell anybody. An exemption is told by whoever
/// asks for the same again; what others wrote there is theirs to tell.
fn is_untold(seen: &Seen, request: &Request, now: Timestamp) -> bool {
    let record = seen.record.as_ref().map(|held| &held.record);
    let is_of_this = |exemption: &Exemption| {
        exemption.reason.ends_with(&request.reason) && exemption.approved_by.ends_with(&request.approved_by)
    };
    record.and_then(|record| record.backed_out.as_ref()).is_some_and(note::is_untold)
        || held(seen, now)
            .filter(is_of_this)
            .is_some_and(|exemption| record.and_then(told_until) != Some(exemption.expires_at))
}

/// An error is the plan, too: one that ends before all was asked.
fn decide(
    seen: &Seen,
    request: &Request,
    original: Option<RegisterInput>,
    backup: &Backup,
    kinds: &[(&Described, Kind)],
    unproven: &[TaskDefinitionId],
    now: Timestamp,
) -> Result<Plan, Plan> {
    let of_kind =
        |wanted: Kind| kinds.iter().filter(move |(_, kind)| *kind == wanted).map(|(later, _)| later.id().clone());
    let deregister: Vec<TaskDefinitionId> = of_kind(Kind::OurCopy).collect();
    let made: Vec<&MadeCopy> = seen.record.iter().flat_map(|held| &held.record.copies).collect();
    let note = seen.record.as_ref().and_then(|held| held.record.backed_out.as_ref());
    // What is left when our copies are gone: the family's latest must be the original in meaning.
    let latest = kinds.iter().rfind(|(_, kind)| *kind != Kind::OurCopy);
    let is_touched = !deregister.is_empty() || made.iter().any(|made| made.withdrawn.is_none()) || note.is_some();
    let foreign =
        |latest: &Described| Plan::Refuse(refusal::foreign(seen, latest.id(), owner(seen, latest.id().revision)));
    match latest {
        Some((latest, Kind::CopyOf(_))) => return Err(foreign(latest)),
        _ if !is_touched => return Err(Plan::Nothing),
        Some((latest, Kind::Foreign)) => return Err(foreign(latest)),
        Some((_, Kind::OurCopy | Kind::Equal)) | None => {}
    }
    let containers = containers(seen, backup);
    if containers.is_empty() {
        // Nothing was privileged, so nothing was taken away, and there is nothing to exempt.
        return Err(Plan::Nothing);
    }
    let is_active = seen.original.as_ref().is_some_and(Described::is_active);
    let original = match (is_active, latest, original) {
        (true, _, _) => BringBack::Stands(seen.id.clone()),
        (false, Some((latest, _)), _) => BringBack::Stands(latest.id().clone()),
        (false, None, Some(original)) if !matches!(backup, Backup::Tampered) => BringBack::Register(original),
        (false, None, _) => return Err(Plan::Refuse(no_original(&seen.id, backup))),
    };
    let (exemption, until) = match allow(&seen.exemption.0, request, &containers, now) {
        Ok(Allow::Holds(until)) => (None, until),
        Ok(Allow::Write(exemption)) => {
            let until = exemption.expires_at;
            (Some(exemption), until)
        }
        Err(NotAllowed::Refused(refused)) => return Err(Plan::Refuse(refused)),
        Err(NotAllowed::Failed(failure)) => return Err(Plan::Fail(failure)),
    };
    let all_made = made.iter().filter_map(|made| made.number()).map(|number| seen.id.family.revision(number));
    let copies: Vec<TaskDefinitionId> = all_made.chain(deregister.iter().cloned()).collect();
    let equals: Vec<TaskDefinitionId> = [seen.id.clone()].into_iter().chain(of_kind(Kind::Equal)).collect();
    let services =
        services(&seen.services, &copies, &equals).map_err(|service| Plan::Refuse(refusal::elsewhere(service)))?;
    let is_told = seen.record.as_ref().and_then(|held| told_until(&held.record)) == Some(until);
    let is_done = exemption.is_none() && is_told && deregister.is_empty() && services.moves.is_empty();
    Ok(match original {
        BringBack::Stands(restored)
            if is_done && !unproven.contains(&restored) && note.is_some_and(note::is_finished) =>
        {
            Plan::Already(Box::new(Standing { restored, until, services }))
        }
        original @ (BringBack::Stands(_) | BringBack::Register(_)) => Plan::BackOut(Box::new(Steps {
            exemption,
            until,
            original,
            services,
            deregister,
            containers,
            copies,
            equals,
        })),
    })
}

/// The services by what is to be done about them; the one that is on its way elsewhere, if there is one.
fn services<'a>(
    all: &'a [Service],
    copies: &[TaskDefinitionId],
    equals: &[TaskDefinitionId],
) -> Result<Services, &'a Service> {
    let mut services = Services::default();
    for service in all {
        match service.step(copies, |id| equals.contains(id)) {
            ServiceStep::None => {}
            ServiceStep::Move => services.moves.push(service.clone()),
            ServiceStep::Moving => services.moving.push(service.clone()),
            ServiceStep::ByHand(why) => services.by_hand.push((service.clone(), why)),
            ServiceStep::Elsewhere => return Err(service),
        }
    }
    Ok(services)
}

fn kind(seen: &Seen, original: Option<&RegisterInput>, later: &Described, policy: &Policy) -> Kind {
    let number = later.id().revision;
    let says = later.register_input(&policy.output_only);
    let equals = |wanted: &RegisterInput| differences(wanted, &says, Tags::LeftOut).is_empty();
    let is_ours = policy.is_ours(later.registered_by()) || policy.may_be_applied(later.registered_by());
    let recorded = seen.record.as_ref().and_then(|held| held.record.made(number));
    let is_copy = original.is_some_and(|original| equals(&original.without_privilege()));
    match original {
        _ if is_ours && recorded.is_some_and(|made| made.withdrawn.is_none()) => Kind::OurCopy,
        Some(_) if is_ours && is_copy => owner(seen, number).map_or(Kind::OurCopy, |owner| Kind::CopyOf(owner.clone())),
        Some(original) if equals(original) => Kind::Equal,
        Some(_) | None => Kind::Foreign,
    }
}

/// The later original whose record names the revision as its copy.
fn owner(seen: &Seen, number: Revision) -> Option<&TaskDefinitionId> {
    let names = |record: &Record| match record.made(number) {
        Some(made) => made.withdrawn.is_none(),
        None => record.copy_revision() == Some(number),
    };
    seen.other_records.iter().find(|(_, record)| names(record)).map(|(id, _)| id)
}

/// What backout itself has registered and no record names: its answer was lost, or its run died, before anybody looked
/// whether a newer version came between and whether nothing was lost. That is looked at now.
fn unproven(seen: &Seen, kinds: &[(&Described, Kind)], function: Option<&str>) -> Vec<TaskDefinitionId> {
    let Some(function) = function else { return Vec::new() };
    let restored_by = |record: &Record| -> Vec<TaskDefinitionId> {
        record.backed_out.iter().flat_map(note::restored_by).filter_map(|restored| restored.parse().ok()).collect()
    };
    // A backout of this original that came to its end has looked at all that was there before what it restored.
    let own: Vec<TaskDefinitionId> = seen.record.iter().flat_map(|held| restored_by(&held.record)).collect();
    let of_others: Vec<TaskDefinitionId> =
        seen.other_records.iter().flat_map(|(_, record)| restored_by(record)).collect();
    let is_proven = |id: &TaskDefinitionId| own.iter().any(|restored| restored >= id) || of_others.contains(id);
    let unproven = kinds.iter().filter(|(later, kind)| {
        *kind == Kind::Equal && is_session(later.registered_by(), function) && !is_proven(later.id())
    });
    unproven.map(|(later, _)| later.id().clone()).collect()
}

/// Those of them that must not stay.
fn to_take_back(
    unproven: &[TaskDefinitionId],
    kinds: &[(&Described, Kind)],
    original: Option<&RegisterInput>,
    policy: &Policy,
) -> Vec<TakeBack> {
    let Some(original) = original else { return Vec::new() };
    let unproven = kinds.iter().filter(|(later, _)| unproven.contains(later.id()));
    let judged = unproven.filter_map(|(later, _)| {
        // Newer than what was to be brought back, or the same by somebody who was faster.
        let is_between = |(other, kind): &(&Described, Kind)| {
            matches!(kind, Kind::Foreign | Kind::Equal) && other.id().revision < later.id().revision
        };
        let differences = match kinds.iter().any(is_between) {
            true => Vec::new(),
            false => match differences(original, &later.register_input(&policy.output_only), Tags::Compared) {
                none if none.is_empty() => return None,
                differences => differences,
            },
        };
        Some(TakeBack { id: later.id().clone(), differences })
    });
    judged.collect()
}

/// Whether a principal is a session of that name; Lambda gives a function's sessions the function's own name.
fn is_session(principal: Option<&str>, name: &str) -> bool {
    principal.is_some_and(|arn| arn.contains(":assumed-role/") && arn.rsplit('/').next() == Some(name))
}

enum Backup {
    Genuine(Box<RegisterInput>),
    Missing,
    Tampered,
}

/// A backup counts if it is of this family and revision, and is what was stored by the record's hash. Without a hash it
/// must be the original in meaning, where ECS still describes that. Without both, what says privilege in this family is
/// taken for one: only the guard's role may write there.
fn judge_backup(seen: &Seen, policy: &Policy) -> Backup {
    let Some(text) = &seen.backup else { return Backup::Missing };
    let Ok(stored) = RegisterInput::stored(text, &policy.output_only) else { return Backup::Tampered };
    let record = seen.record.as_ref().map(|held| &held.record);
    let is_of_this = *stored.family() == seen.id.family
        && record
            .is_none_or(|record| record.task_definition.is_empty() || record.task_definition == seen.id.to_string())
        && !stored.privileged_containers().is_empty();
    let recorded = record.and_then(|record| record.backup_sha256.as_deref());
    let is_genuine = match (recorded, &seen.original) {
        (Some(recorded), _) => backup::sha256(text) == recorded,
        (None, Some(original)) => {
            let described = original.register_input(&policy.output_only);
            matches!(backup::judge(text, &described, &policy.output_only, None), Stored::Genuine { .. })
        }
        (None, None) => true,
    };
    match is_of_this && is_genuine {
        true => Backup::Genuine(Box::new(stored)),
        false => Backup::Tampered,
    }
}

fn containers(seen: &Seen, backup: &Backup) -> Vec<String> {
    match (&seen.original, backup) {
        (Some(original), _) => original.privileged_containers().to_vec(),
        (None, Backup::Genuine(backup)) => backup.privileged_containers().to_vec(),
        (None, Backup::Missing | Backup::Tampered) => {
            seen.record.as_ref().map(|held| held.record.privileged_containers.clone()).unwrap_or_default()
        }
    }
}

fn no_original(id: &TaskDefinitionId, backup: &Backup) -> Refused {
    match backup {
        Backup::Tampered => refusal::tampered(id),
        Backup::Missing | Backup::Genuine(_) => refusal::no_backup(id),
    }
}

#[cfg(test)]
mod tests;
