//! In mode `enforce`: services on an original that no event led to are moved to its copy, and open moves are settled. The
//! walk has seen every service; one is described anew only where something is to be done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::moves::{Did, Look, Tended, Tending};
use super::super::stop::{Patience, Stop};
use super::{LOOK_MAX, Part, Sweep, UNFAITHFUL_MAX, Unseen, WRITES_MAX};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::keys;
use crate::domain::moves::judge::{Pair, Standing, Step, Times, judge};
use crate::domain::moves::{Move, State};
use crate::domain::outcome::Outcome;
use crate::domain::policy::Mode;
use crate::domain::provenance::Provenance;
use crate::domain::service::{Rollout, Service, ServiceId};
use crate::domain::sweep::turns::behind;
use crate::domain::sweep::watermark::Standing as Known;

/// Services that are moved in one run: a team has to be able to follow.
const MOVES_MAX: usize = 25;

impl Sweep {
    /// Looks at every service that is on an original, or was.
    pub(super) async fn look_at_services(&mut self) {
        if self.guard.policy.mode != Mode::Enforce {
            return;
        }
        self.part = Part { until: self.stop_at, writes: WRITES_MAX };
        let listed = match self.listed_moves().await {
            Ok(listed) => listed,
            Err(unseen) => {
                self.is_cut = true;
                self.unseen.push(unseen);
                return;
            }
        };
        let usage = Arc::clone(&self.account.usage);
        let seen: BTreeMap<&ServiceId, &Service> = usage.services.iter().map(|it| (&it.id, it)).collect();
        let is_on_original = |service: &&Service| service.revisions().any(|id| self.is_privileged(id));
        let on_originals: BTreeSet<ServiceId> =
            usage.services.iter().filter(is_on_original).map(|service| service.id.clone()).collect();
        let ids: BTreeMap<String, &ServiceId> =
            on_originals.iter().chain(listed.keys()).map(|id| (id.to_string(), id)).collect();
        for name in behind(self.account.mark.served_last.as_ref(), ids.keys().cloned().collect()) {
            let Some(id) = ids.get(&name) else { continue };
            if self.is_over() {
                self.run_out();
                return;
            }
            let etag = listed.get(id);
            // What has settled, and was not written since, is read only where the service is on an original again.
            let is_settled = etag.is_some() && self.account.mark.settled_moves.get(&name) == etag;
            if is_settled && !on_originals.contains(id) {
                continue;
            }
            self.look_at_service(id, seen.get(id).copied(), etag.map(String::as_str)).await;
        }
        self.account.mark.settled_moves.retain(|id, etag| {
            let known = listed.iter().find(|(service, _)| service.to_string() == *id);
            known.is_some_and(|(_, listed)| listed == etag)
        });
    }

    /// The services of which a move is stored, each with its `ETag`.
    async fn listed_moves(&self) -> Result<BTreeMap<ServiceId, String>, Unseen> {
        let prefix = keys::moves(&self.guard.home);
        let list = async || Ok(self.guard.aws.bucket.list(&prefix).await?);
        match Patience::until(self.stop_at, &self.guard.aws.clock).repeat(list).await {
            Ok(listed) => {
                let of = |object: crate::aws::Listed| Some((keys::service_below(&prefix, &object.key)?, object.etag));
                Ok(listed.into_iter().filter_map(of).collect())
            }
            Err(stop) => Err(unseen(&prefix, &stop)),
        }
    }

    async fn look_at_service(&mut self, id: &ServiceId, service: Option<&Service>, etag: Option<&str>) {
        let entry = match etag {
            None => None,
            Some(_) => {
                let read = async || self.guard.read_move(id).await;
                let patience = Patience::until(self.stop_at, &self.guard.aws.clock);
                match self.in_time(patience.repeat(read)).await.unwrap_or(Err(Stop::OutOfTime)) {
                    Ok(held) => held.map(|held| held.entry),
                    Err(stop) => return self.could_not_tend(id, &stop),
                }
            }
        };
        if let Some(entry) = &entry {
            self.moves.insert(id.clone(), entry.clone());
        }
        if !self.has_something_to_do(service, entry.as_ref()) {
            if let (Some(entry), Some(etag)) = (&entry, etag)
                && !is_open(entry)
            {
                self.account.mark.settled_moves.insert(id.to_string(), etag.to_owned());
            }
            return;
        }
        if self.tally.moves >= MOVES_MAX {
            self.tally.services_left += 1;
            return;
        }
        self.account.mark.served_last = Some(id.to_string());
        let tended = {
            let guard = &self.guard;
            let known = |id: &TaskDefinitionId| self.standing(id);
            let provenance = Provenance::default();
            let deadline = self.stop_at + LOOK_MAX;
            let mut tending = Tending::new(guard, id, &known, &provenance, deadline);
            tending.may_start = self.tally.unfaithful < UNFAITHFUL_MAX;
            let look = tending.look_patiently(Patience::until(self.stop_at, &guard.aws.clock));
            self.in_time(look).await.unwrap_or(Err(Stop::OutOfTime))
        };
        match tended {
            Ok(Tended::Done(look)) => self.keep_look(id, *look),
            // It has moved on since it was listed: the next run sees where to.
            Ok(Tended::Elsewhere) => self.is_cut = true,
            Err(stop) => self.could_not_tend(id, &stop),
        }
    }

    fn keep_look(&mut self, id: &ServiceId, look: Look) {
        self.tally.moves += usize::from(look.did == Did::Start);
        self.tally.services_left += usize::from(look.did == Did::HoldBack);
        self.tally.writes += usize::from(look.news.is_some());
        let outcome = match &look.news {
            Some(news) => Some(news.report.outcome().as_str()),
            None => match look.did {
                Did::Start => Some("move_started"),
                Did::FailAgain => Some("move_failed"),
                Did::Settle | Did::HoldBack | Did::Nothing => None,
            },
        };
        if let Some(outcome) = outcome {
            *self.tally.outcomes.entry(outcome).or_default() += 1;
        }
        if let Some(entry) = look.entry {
            self.moves.insert(id.clone(), entry);
        }
        if let Some(news) = look.news {
            for (name, value) in news.report.metrics() {
                *self.tally.metrics.entry(name).or_default() += value;
            }
            self.moved.push(news);
        }
    }

    fn could_not_tend(&mut self, id: &ServiceId, stop: &Stop) {
        self.is_cut = true;
        let place = format!("service {id}");
        self.unseen.push(unseen(&place, stop));
    }

    /// Whether anything follows for the service as the walk has seen it. Where that does not say how far a deployment has
    /// come, an open move is looked at.
    fn has_something_to_do(&self, service: Option<&Service>, entry: Option<&Move>) -> bool {
        let standing = match service.and_then(Service::current) {
            None => Standing::Clean,
            Some(current) if entry.is_some_and(|entry| entry.copy.as_ref() == Some(current)) => Standing::Clean,
            Some(current) => match self.standing(current) {
                Some(standing) => standing,
                None => return entry.is_some_and(is_open),
            },
        };
        let is_dark = service.is_some_and(|service| service.rollout == Rollout::Unknown);
        let times =
            Times { now: self.guard.aws.clock.now(), settle: self.guard.policy.settle, begun: None, is_sent: false };
        let is_restored = |entry: &Move| entry.state == State::RolledBack && matches!(standing, Standing::Copied(_));
        judge(service, &standing, entry, &times) != Step::Leave
            || is_dark && entry.is_some_and(is_open)
            // Whether an operator has backed it out since is in the record.
            || entry.is_some_and(is_restored)
    }

    fn is_privileged(&self, id: &TaskDefinitionId) -> bool {
        self.account.mark.privileged.contains_key(id)
    }

    /// What this sweep knows of a revision. None: it was not looked at yet.
    fn standing(&self, id: &TaskDefinitionId) -> Option<Standing> {
        let Some(known) = self.account.mark.privileged.get(id) else {
            return self.account.has_seen(id).then_some(Standing::Clean);
        };
        Some(match (known.outcome, known.copy) {
            (Outcome::Exempt, _) => Standing::Exempt,
            (Outcome::Remediated | Outcome::AlreadyRemediated, Some(copy)) if self.may_move(id, known) => {
                Standing::Copied(Pair {
                    original: id.clone(),
                    copy: id.family.revision(copy),
                    containers: known.containers.clone(),
                    backed_out: None,
                })
            }
            _ => Standing::NotCopied,
        })
    }

    /// What existed before the first run is moved only where it would be copied.
    fn may_move(&self, id: &TaskDefinitionId, known: &Known) -> bool {
        let policy = &self.guard.policy;
        policy.moves_services_of(&id.family) && (!known.existed_before || policy.remediate_existing)
    }
}

/// Whether a move has not come to its end.
fn is_open(entry: &Move) -> bool {
    match entry.state {
        State::Waiting | State::Moving => true,
        State::Moved | State::RolledBack | State::Failed | State::NotMovable => entry.begun.is_some(),
    }
}

fn unseen(what: &str, stop: &Stop) -> Unseen {
    match stop {
        Stop::Transient(failure) => Unseen::of(failure),
        Stop::Failed(failure) => {
            let words = match failure.action() {
                Some(action) => format!("{what}: {} {action}", failure.reason().as_str()),
                None => format!("{what}: {}", failure.reason().as_str()),
            };
            Unseen { words, lasts: true }
        }
        Stop::OutOfTime => Unseen { words: format!("{what} could not be looked at in time"), lasts: false },
    }
}
