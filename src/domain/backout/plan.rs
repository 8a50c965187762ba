//! What is to be done about a request: everything is judged before the first write, and the plan is data that says
//! each step in words. Pure.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::arn::{Revision, TaskDefinitionId};
use super::super::backup::{self, Stored};
use super::super::document::{Described, RegisterInput};
use super::super::exemption::{Exemption, Found};
use super::super::fidelity::{Tags, differences};
use super::super::observation::Held;
use super::super::policy::Policy;
use super::super::record::MadeCopy;
use super::request::Request;

/// Asking for the same again a little later does not make an exemption longer.
const SAME_END: SignedDuration = SignedDuration::from_hours(1);

/// The world around one original, as backout sees it.
#[derive(Debug)]
pub struct Seen {
    /// The original.
    pub id: TaskDefinitionId,
    /// The original as ECS describes it, if it does. It need not be ACTIVE.
    pub original: Option<Described>,
    /// The ACTIVE revisions after it, by number.
    pub later: Vec<Described>,
    /// Its record.
    pub record: Option<Held>,
    /// What lies under its backup's key.
    pub backup: Option<String>,
    /// The family's exemption, and the `ETag` under which it was read.
    pub exemption: (Found, Option<String>),
    /// Services of the account that may have to do with the family.
    pub services: Vec<Service>,
}

/// A service, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub name: String,
    /// What deploys it: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub controller: String,
    /// ECS itself manages it.
    pub is_express: bool,
    /// What it is to run, by ECS's word. None where its task sets say so, or it is no task definition of ours to read.
    pub target: Option<TaskDefinitionId>,
    /// What older deployments and task sets of it run.
    pub others: Vec<TaskDefinitionId>,
    /// Whether a deployment of it is in progress.
    pub is_deploying: bool,
}

/// Why a request is refused. Nothing is written then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The request itself is wrong.
    InvalidRequest,
    /// Another account or Region.
    OtherHome,
    /// A newer revision is the family's latest, and the original is not brought back over it.
    ForeignLatest,
    /// The original cannot be had from ECS, and there is no backup.
    BackupMissing,
    /// The original cannot be had from ECS, and the backup is not what was stored.
    BackupTampered,
    /// The record cannot be understood.
    RecordUnreadable,
    /// The exemption that is there cannot be read or understood.
    ExemptionUnreadable,
    /// A service is being moved from the copy to something else at this moment.
    DeploymentInProgress,
}

impl Refusal {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::OtherHome => "other_home",
            Self::ForeignLatest => "foreign_latest",
            Self::BackupMissing => "backup_missing",
            Self::BackupTampered => "backup_tampered",
            Self::RecordUnreadable => "record_unreadable",
            Self::ExemptionUnreadable => "exemption_unreadable",
            Self::DeploymentInProgress => "deployment_in_progress",
        }
    }
}

/// A refusal, with what is wrong and what would work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// In words.
    pub message: String,
}

/// What is to be done.
#[derive(Debug)]
#[must_use]
pub enum Plan {
    /// Nothing may be done.
    Refuse(Refused),
    /// The guard made no copy of it that still stands.
    Nothing,
    /// All of it is done already.
    Already(TaskDefinitionId),
    /// These steps.
    BackOut(Box<Steps>),
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
    /// Services to point back to it.
    pub moves: Vec<Service>,
    /// Services that run the copy and are not touched, each with what to do by hand.
    pub by_hand: Vec<(Service, ByHand)>,
    /// Copies of ours to deregister.
    pub deregister: Vec<TaskDefinitionId>,
    /// The containers that are privileged in the original.
    pub containers: Vec<String>,
    /// The backup was changed; it is not needed, but somebody must know.
    pub is_backup_tampered: bool,
}

/// How the original comes back into force.
#[derive(Debug)]
pub enum BringBack {
    /// This ACTIVE revision says it: the original itself, or a later one that is equal to it.
    Stands(TaskDefinitionId),
    /// It is registered again, with these bytes.
    Register(RegisterInput),
}

/// Why a service is not moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// Its deployment to the copy is in progress.
    Deploying,
    /// It is moving to the original already.
    Moving,
    /// AWS CodeDeploy deploys it.
    CodeDeploy,
    /// Another system deploys it, by task sets.
    External,
    /// ECS itself manages it.
    Express,
}

impl ByHand {
    /// The state in answers, by the words of a move.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Self::Deploying => "waiting",
            Self::Moving => "moving",
            Self::CodeDeploy | Self::External | Self::Express => "not_movable",
        }
    }
}

/// What a later revision is to the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OurCopy,
    Equal,
    Foreign,
}

/// Decides what is to be done about a request at `now`.
pub fn plan(seen: &Seen, request: &Request, policy: &Policy, now: Timestamp) -> Plan {
    let backup = judge_backup(seen, policy);
    let described = seen.original.as_ref().map(|original| original.register_input(&policy.output_only));
    // The bytes that were stored come back; where ECS still knows the original and the backup is gone, ECS's own do.
    let original = match (&backup, &described) {
        (Backup::Genuine(backup), _) => Some((**backup).clone()),
        (Backup::Missing | Backup::Tampered, Some(described)) => Some(described.clone()),
        (Backup::Missing | Backup::Tampered, None) => None,
    };
    let kinds: Vec<(&Described, Kind)> =
        seen.later.iter().map(|later| (later, kind(seen, original.as_ref(), later, policy))).collect();
    let ours: Vec<TaskDefinitionId> =
        kinds.iter().filter(|(_, kind)| *kind == Kind::OurCopy).map(|(later, _)| later.id().clone()).collect();
    let made = seen.record.iter().flat_map(|held| &held.record.copies);
    let stands = |copy: &&MadeCopy| copy.stands() || copy.condemned_for().is_some();
    let recorded: Vec<Revision> = made.clone().filter(stands).filter_map(MadeCopy::number).collect();
    let is_backed_out = seen.record.as_ref().is_some_and(|held| held.record.backed_out.is_some());
    if ours.is_empty() && recorded.is_empty() && !is_backed_out {
        return Plan::Nothing;
    }

    // What is left when our copies are gone: the family's latest must be the original in meaning.
    let latest = kinds.iter().rfind(|(_, kind)| *kind != Kind::OurCopy);
    let is_active = seen.original.as_ref().is_some_and(Described::is_active);
    let original_back = match (latest, is_active, &backup, original) {
        (Some((latest, Kind::Foreign | Kind::OurCopy)), ..) => return Plan::Refuse(foreign(seen, latest)),
        (Some((latest, Kind::Equal)), ..) => BringBack::Stands(latest.id().clone()),
        (None, true, ..) => BringBack::Stands(seen.id.clone()),
        (None, false, Backup::Genuine(_) | Backup::Missing, Some(original)) => BringBack::Register(original),
        (None, false, Backup::Tampered, _) => return Plan::Refuse(tampered(seen)),
        (None, false, Backup::Missing | Backup::Genuine(_), None) => {
            return Plan::Refuse(Refused {
                why: Refusal::BackupMissing,
                message: format!("ECS does not describe {} any more, and there is no backup of it", seen.id),
            });
        }
    };
    let containers = containers(seen, &backup);
    if containers.is_empty() {
        // Nothing was privileged, so nothing was taken away, and there is nothing to exempt.
        return Plan::Nothing;
    }
    let (exemption, until) = match exemption(seen, request, &containers, now) {
        Ok(exemption) => exemption,
        Err(refused) => return Plan::Refuse(refused),
    };

    let all_copies = made.filter_map(MadeCopy::number).chain(ours.iter().map(|id| id.revision));
    let copies: Vec<TaskDefinitionId> = all_copies.map(|number| seen.id.family.revision(number)).collect();
    let (mut moves, mut by_hand) = (Vec::new(), Vec::new());
    for service in &seen.services {
        let back = |target: &TaskDefinitionId| match &original_back {
            BringBack::Stands(id) => id == target,
            BringBack::Register(_) => false,
        };
        match service_step(service, &copies, back) {
            ServiceStep::None => {}
            ServiceStep::Move => moves.push(service.clone()),
            ServiceStep::ByHand(why) => by_hand.push((service.clone(), why)),
            ServiceStep::Elsewhere => return Plan::Refuse(elsewhere(service)),
        }
    }
    let is_done = exemption.is_none() && ours.is_empty() && moves.is_empty() && is_backed_out;
    match original_back {
        BringBack::Stands(id) if is_done => Plan::Already(id),
        original @ (BringBack::Stands(_) | BringBack::Register(_)) => Plan::BackOut(Box::new(Steps {
            exemption,
            until,
            original,
            moves,
            by_hand,
            deregister: ours,
            containers,
            is_backup_tampered: matches!(backup, Backup::Tampered),
        })),
    }
}

fn kind(seen: &Seen, original: Option<&RegisterInput>, later: &Described, policy: &Policy) -> Kind {
    let says = later.register_input(&policy.output_only);
    let equals = |wanted: &RegisterInput| differences(wanted, &says, Tags::LeftOut).is_empty();
    let is_ours = policy.is_ours(later.registered_by());
    let is_recorded =
        seen.record.iter().any(|held| held.record.made(later.id().revision).is_some_and(|made| !is_withdrawn(made)));
    match original {
        _ if is_ours && is_recorded => Kind::OurCopy,
        Some(original) if is_ours && equals(&original.without_privilege()) => Kind::OurCopy,
        Some(original) if equals(original) => Kind::Equal,
        Some(_) | None => Kind::Foreign,
    }
}

fn is_withdrawn(made: &MadeCopy) -> bool {
    made.withdrawn.is_some()
}

enum Backup {
    Genuine(Box<RegisterInput>),
    Missing,
    Tampered,
}

/// A backup counts if it is of this family and revision, and is what was stored by the record's hash, or is the
/// original in meaning where ECS still describes that. Without both, what says privilege in this family is taken for
/// one: only the guard's role may write there.
fn judge_backup(seen: &Seen, policy: &Policy) -> Backup {
    let Some(text) = &seen.backup else { return Backup::Missing };
    let Ok(stored) = RegisterInput::parse(text) else { return Backup::Tampered };
    let record = seen.record.as_ref().map(|held| &held.record);
    let is_of_this = *stored.family() == seen.id.family
        && record
            .is_none_or(|record| record.task_definition.is_empty() || record.task_definition == seen.id.to_string())
        && !stored.privileged_containers().is_empty();
    let recorded = record.and_then(|record| record.backup_sha256.as_deref());
    let described = seen.original.as_ref().map(|original| original.register_input(&policy.output_only));
    let is_genuine = match (&described, recorded) {
        (Some(described), recorded) => matches!(backup::judge(text, described, recorded), Stored::Genuine { .. }),
        (None, Some(recorded)) => backup::sha256(text) == recorded,
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

/// The exemption to write, if the one that is there does not cover the request, and its end. One that is there is never
/// shortened or narrowed, unless the request says `replace`.
fn exemption(
    seen: &Seen,
    request: &Request,
    containers: &[String],
    now: Timestamp,
) -> Result<(Option<Exemption>, Timestamp), Refused> {
    let end = now + SignedDuration::from_hours(24 * request.days);
    // Whole seconds: people read it.
    let end = Timestamp::from_second(end.as_second()).unwrap_or(end);
    let wanted = Exemption {
        containers: containers.to_vec(),
        reason: request.reason.clone(),
        approved_by: request.approved_by.clone(),
        expires_at: end,
    };
    let unreadable = || Refused {
        why: Refusal::ExemptionUnreadable,
        message: "the family's exemption cannot be read or understood; with \"replace\": true it is written anew"
            .into(),
    };
    let held = match &seen.exemption.0 {
        Found::Nothing => None,
        Found::Object { text, .. } => match serde_json::from_str::<Exemption>(text) {
            Ok(held) => Some(held),
            Err(_) if request.replace => None,
            Err(_) => return Err(unreadable()),
        },
        Found::Unreadable(_) => return Err(unreadable()),
    };
    Ok(match held {
        None => (Some(wanted), end),
        Some(held) if request.replace => match held == (Exemption { expires_at: held.expires_at, ..wanted.clone() })
            && is_near(held.expires_at, end)
        {
            true => (None, held.expires_at),
            false => (Some(wanted), end),
        },
        // What has ended permits nothing, so there is nothing to keep.
        Some(held) if held.expires_at <= now => (Some(wanted), end),
        Some(held) => {
            let covers = containers.iter().all(|name| held.containers.contains(name));
            match covers && (held.expires_at >= end || is_near(held.expires_at, end)) {
                true => (None, held.expires_at),
                false => {
                    let missing = containers.iter().filter(|name| !held.containers.contains(name)).cloned();
                    let containers = held.containers.iter().cloned().chain(missing).collect();
                    let expires_at = held.expires_at.max(end);
                    (Some(Exemption { containers, expires_at, ..wanted }), expires_at)
                }
            }
        }
    })
}

fn is_near(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).abs() <= SAME_END
}

enum ServiceStep {
    None,
    Move,
    ByHand(ByHand),
    Elsewhere,
}

/// Only a service that ECS deploys and that is at rest is moved. A deployment in progress is never pushed over:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
fn service_step(
    service: &Service,
    copies: &[TaskDefinitionId],
    is_back: impl Fn(&TaskDefinitionId) -> bool,
) -> ServiceStep {
    let targets_copy = service.target.as_ref().is_some_and(|target| copies.contains(target));
    let runs_copy = targets_copy || service.others.iter().any(|other| copies.contains(other));
    match (service, runs_copy, targets_copy) {
        (_, false, _) => ServiceStep::None,
        (Service { is_express: true, .. }, ..) => ServiceStep::ByHand(ByHand::Express),
        (Service { controller, .. }, ..) if controller == "CODE_DEPLOY" => ServiceStep::ByHand(ByHand::CodeDeploy),
        (Service { controller, .. }, ..) if controller != "ECS" => ServiceStep::ByHand(ByHand::External),
        (Service { is_deploying: true, .. }, _, true) => ServiceStep::ByHand(ByHand::Deploying),
        (Service { is_deploying: false, .. }, _, true) => ServiceStep::Move,
        (Service { target, .. }, true, false) => match target {
            Some(target) if is_back(target) => ServiceStep::ByHand(ByHand::Moving),
            Some(_) | None => ServiceStep::Elsewhere,
        },
    }
}

fn foreign(seen: &Seen, latest: &Described) -> Refused {
    let family = &seen.id.family;
    Refused {
        why: Refusal::ForeignLatest,
        message: format!(
            "{latest} is the family's latest, and neither the original nor its copy: {original} is not brought back \
             over it. To run {original} again, register it as the family's newest from its backup, with an exemption \
             for {family}; or back out of what the guard made of {latest}",
            latest = latest.id(),
            original = seen.id,
        ),
    }
}

fn tampered(seen: &Seen) -> Refused {
    Refused {
        why: Refusal::BackupTampered,
        message: format!(
            "{} is not ACTIVE any more, and what lies under its backup's key is not what was stored: the bucket's \
             versions hold the genuine one",
            seen.id
        ),
    }
}

fn elsewhere(service: &Service) -> Refused {
    Refused {
        why: Refusal::DeploymentInProgress,
        message: format!(
            "service {} in cluster {} is being deployed from the copy to something else; if that fails, ECS goes back to \
             the copy. Run this again when the deployment has ended, or stop it first",
            service.name, service.cluster
        ),
    }
}

impl Plan {
    /// What it would do, in sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        match self {
            Self::Refuse(refused) => vec![format!("Refused: {}.", refused.message)],
            Self::Nothing => vec!["Nothing: the guard made no copy of it that still stands.".into()],
            Self::Already(id) => vec![format!("Nothing: {id} is in force already.")],
            Self::BackOut(steps) => steps.sentences(),
        }
    }
}

impl Steps {
    fn sentences(&self) -> Vec<String> {
        let names = self.containers.join(", ");
        let exemption = match &self.exemption {
            Some(_) => format!("Exempt {names} until {}.", self.until),
            None => format!("Leave the exemption as it is: it holds until {}.", self.until),
        };
        let (original, back) = match &self.original {
            BringBack::Stands(id) => (format!("Leave {id} as it is: it is ACTIVE."), id.to_string()),
            BringBack::Register(input) => (
                format!("Register the original again from its backup, as the next revision of {}.", input.family()),
                "it".to_owned(),
            ),
        };
        let moves = self.moves.iter().map(|it| format!("Move service {} in {} to {back}.", it.name, it.cluster));
        let by_hand = self
            .by_hand
            .iter()
            .map(|(it, why)| format!("Leave service {} in {} alone: {}.", it.name, it.cluster, why.in_words()));
        let deregister = self.deregister.iter().map(|id| format!("Deregister {id}."));
        [exemption, original].into_iter().chain(moves).chain(by_hand).chain(deregister).collect()
    }
}

impl ByHand {
    /// Why, as the end of a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Deploying => "its deployment to the copy is in progress",
            Self::Moving => "it is moving to the original already",
            Self::CodeDeploy => "AWS CodeDeploy deploys it",
            Self::External => "another system deploys it by task sets",
            Self::Express => "ECS itself manages it (Express)",
        }
    }
}

/// The record's note of a backout.
#[must_use]
pub fn note(restored: &TaskDefinitionId, until: Timestamp, request: &Request, now: Timestamp) -> serde_json::Value {
    json!({
        "at": now,
        "restored": restored.to_string(),
        "until": until,
        "reason": request.reason,
        "approvedBy": request.approved_by,
    })
}
