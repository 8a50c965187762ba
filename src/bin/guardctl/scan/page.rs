//! The page of a scan: what it saw, as the evidence that a sweep writes, and what the bucket says of it. A scan remembers
//! nothing, so how a family stands is read from the guard's record; what cannot be read is said on the page.

use std::collections::BTreeMap;

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::{Family, Revision};
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::exemption::{Found, Verdict, verdict};
use ecs_privileged_guard::domain::moves::State as MoveState;
use ecs_privileged_guard::domain::observation::{AccountUsage, Run, Starter};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::policy::{Mode, Policy};
use ecs_privileged_guard::domain::record::Record;
use ecs_privileged_guard::domain::residual;
use ecs_privileged_guard::domain::service::ServiceId;
use ecs_privileged_guard::domain::sweep::evidence::{
    Evidence, ExemptionRow, FamilyRow, Look, Looker, RunRow, Sight, html,
};
use jiff::Timestamp;

use super::place::Place;
use super::walk::Walk;
use crate::exit::Exit;
use crate::output::Output;
use crate::read;
use crate::session::Guard;
use crate::trouble::Trouble;

/// A page that is to be written.
pub(super) struct Page {
    place: Place,
    policy: Policy,
    latest_only: bool,
    privileged: BTreeMap<Family, BTreeMap<Revision, Privileged>>,
}

/// What is kept of a privileged revision: nothing but what is shown.
struct Privileged {
    is_active: bool,
    containers: Vec<String>,
    residual: Vec<String>,
}

/// What a scan has seen besides.
pub(super) struct Seen<'a> {
    pub(super) walk: &'a Walk,
    pub(super) usage: &'a AccountUsage,
    pub(super) exemptions: &'a BTreeMap<Family, Found>,
    pub(super) unseen: &'a [String],
}

/// What could not be read of the bucket.
struct Missing<'a> {
    guard: &'a Guard,
    unseen: Vec<String>,
    troubles: Vec<Trouble>,
}

impl Page {
    /// One of which nothing was seen yet.
    pub(super) fn new(place: Place, policy: Policy, latest_only: bool) -> Self {
        Self { place, policy, latest_only, privileged: BTreeMap::new() }
    }

    /// Keeps what is shown of a privileged revision.
    pub(super) fn saw(&mut self, described: &Described) {
        let containers = described.privileged_containers();
        let kept = Privileged {
            is_active: described.is_active(),
            containers: containers.to_vec(),
            residual: residual::access(described, containers),
        };
        let id = described.id();
        self.privileged.entry(id.family.clone()).or_default().insert(id.revision, kept);
    }

    /// Writes it; what went wrong. Where something is denied nothing is written.
    pub(super) async fn write(&self, seen: &Seen<'_>, guard: &Guard, output: Output) -> Vec<Trouble> {
        match self.evidence(seen, guard, output).await {
            Err(denied) => vec![denied],
            Ok((evidence, missing)) => {
                let written = self.place.write(&html(&evidence));
                if written.is_ok() {
                    output.say(&format!("The page is in {}.", self.place.name()));
                }
                missing.into_iter().chain(written.err()).collect()
            }
        }
    }

    /// All that is known; with what could not be read of the bucket.
    async fn evidence(
        &self,
        seen: &Seen<'_>,
        guard: &Guard,
        output: Output,
    ) -> Result<(Evidence, Vec<Trouble>), Trouble> {
        let now = Clock::live().now();
        let mut missing = Missing { guard, unseen: seen.unseen.to_vec(), troubles: Vec::new() };
        let mut families = Vec::new();
        for (count, (family, privileged)) in self.privileged.iter().enumerate() {
            output.progress(&format!("{count} of {} records read", self.privileged.len()));
            families.extend(self.row(family, privileged, seen, now, &mut missing).await?);
        }
        let active = &seen.walk.active;
        let looked_at = |(family, numbers): (&Family, &Vec<Revision>)| {
            numbers.iter().filter(|number| seen.walk.has_looked_at(&family.revision(**number))).count()
        };
        let not_looked_at = |(family, numbers): &(&Family, &Vec<Revision>)| {
            !self.privileged.contains_key(*family) && looked_at((*family, *numbers)) < numbers.len()
        };
        let (revisions_total, revisions_looked_at) =
            (active.values().map(Vec::len).sum(), active.iter().map(looked_at).sum());
        let exemptions = seen.exemptions.iter().filter_map(|(family, found)| ExemptionRow::of(family, found, now));
        let evidence = Evidence {
            looker: Looker::Scan { latest_only: self.latest_only },
            home: guard.home.clone(),
            mode: self.policy.mode.as_str(),
            at: now,
            is_complete: revisions_looked_at == revisions_total,
            unseen: missing.unseen,
            families_total: active.len(),
            families_not_looked_at: active.iter().filter(not_looked_at).count(),
            revisions_total,
            revisions_looked_at,
            families,
            exemptions: exemptions.collect(),
            exempt_families: self.policy.exempt_families.globs(),
        };
        Ok((evidence, missing.troubles))
    }

    async fn row(
        &self,
        family: &Family,
        privileged: &BTreeMap<Revision, Privileged>,
        seen: &Seen<'_>,
        now: Timestamp,
        missing: &mut Missing<'_>,
    ) -> Result<Option<FamilyRow>, Trouble> {
        let Some((number, newest)) = privileged.last_key_value() else { return Ok(None) };
        let id = family.revision(*number);
        let is_active = |number: Revision| seen.walk.is_active(&family.revision(number));
        let latest = seen.walk.latest_of(family);
        let record = read::record(missing.guard, &id).await;
        let record = missing.unless_read(record, || format!("the record of {id}"))?;
        let is_copy = |it: &Revision| it > number && is_active(*it) && !privileged.contains_key(it);
        let copy = record.iter().flatten().find_map(Record::copy_revision).filter(is_copy);
        let found = seen.exemptions.get(family).unwrap_or(&Found::Nothing);
        let verdict = verdict(&self.policy.exempt_families, family, &newest.containers, found, now);
        let sight = Sight {
            is_active: newest.is_active,
            exemption: by_exemption(&verdict),
            is_followed: latest > Some(*number),
            has_copy: copy.is_some(),
        };
        let mut running = Vec::new();
        let runs = seen.usage.families.get(family).into_iter().flatten();
        for run in runs.filter(|run| privileged.contains_key(&run.revision)) {
            running.push(RunRow::of(run, self.move_of(family, run, missing).await?));
        }
        Ok(Some(FamilyRow {
            family: family.clone(),
            latest,
            is_newest_clean: latest
                .is_some_and(|it| !privileged.contains_key(&it) && seen.walk.has_looked_at(&family.revision(it))),
            running,
            callable: privileged.keys().copied().filter(|number| is_active(*number)).collect(),
            containers: newest.containers.clone(),
            residual: newest.residual.clone(),
            look: record.as_ref().map_or(Look::Unread, |record| Look::by_record(record.as_ref(), sight)),
            // A scan does not know when the first sweep was.
            existed_before: false,
            copy,
        }))
    }

    /// How far a service's move from the revision that it runs has come. Only mode enforce moves any.
    async fn move_of(
        &self,
        family: &Family,
        run: &Run,
        missing: &mut Missing<'_>,
    ) -> Result<Option<MoveState>, Trouble> {
        let id = match &run.starter {
            Starter::Service { name, .. } if self.policy.mode == Mode::Enforce => {
                ServiceId::new(&run.cluster, name).ok()
            }
            Starter::Service { .. } | Starter::Other(_) => None,
        };
        let Some(id) = id else { return Ok(None) };
        let held = read::service_move(missing.guard, &id).await;
        let held = missing.unless_read(held, || format!("the move of the service {id}"))?.flatten();
        Ok(held.filter(|held| held.original == family.revision(run.revision)).map(|held| held.state))
    }
}

/// What the guard would come to by the exemption alone.
fn by_exemption(verdict: &Verdict) -> Option<(Outcome, Option<Reason>)> {
    match verdict {
        Verdict::Exempt(_) => Some((Outcome::Exempt, None)),
        Verdict::Partly { .. } => Some((Outcome::Alerted, Some(Reason::PartlyExempt))),
        Verdict::Unreadable(_) => Some((Outcome::Alerted, Some(Reason::ExemptionUnreadable))),
        Verdict::NotExempt(_) => None,
    }
}

impl Missing<'_> {
    /// What was read. What could not be is said, and is not none; a denial would be the same for all that come after it.
    fn unless_read<T>(
        &mut self,
        read: Result<T, Trouble>,
        what: impl FnOnce() -> String,
    ) -> Result<Option<T>, Trouble> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(trouble) if trouble.exit == Exit::Denied => Err(trouble),
            Err(trouble) => {
                self.unseen.push(format!("{} could not be read", what()));
                self.troubles.push(trouble);
                Ok(None)
            }
        }
    }
}
