//! The state of the account by all that a run knows at its end: what digest and report are made of.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Sweep;
use crate::domain::arn::{Family, Revision, TaskDefinitionId};
use crate::domain::moves::State;
use crate::domain::observation::Starter;
use crate::domain::service::ServiceId;
use crate::domain::sweep::evidence::{Evidence, ExemptionRow, FamilyRow, Look, Looker, RunRow};

impl Sweep {
    /// The state of the account by all that is known now.
    pub(super) fn evidence(&self, now: Timestamp) -> Evidence {
        let account = &self.account;
        let ids =
            |family: &Family, active: &[Revision]| active.iter().map(|it| family.revision(*it)).collect::<Vec<_>>();
        let looked_at = |(family, active): (&Family, &Vec<Revision>)| {
            ids(family, active).iter().filter(|id| self.has_looked_at(id)).count()
        };
        let not_looked_at = |(family, active): &(&Family, &Vec<Revision>)| {
            let ids = ids(family, active);
            let is_privileged = ids.iter().any(|id| account.mark.privileged.contains_key(id));
            !is_privileged && !ids.iter().all(|id| self.has_looked_at(id))
        };
        let mut families: BTreeMap<&Family, Vec<Revision>> = BTreeMap::new();
        let there = account.mark.privileged.iter().filter(|(_, standing)| !standing.is_missing);
        for id in there.map(|(id, _)| id) {
            families.entry(&id.family).or_default().push(id.revision);
        }
        let missed_by_event = account.mark.missed(now).map(|(id, _)| (id.family.clone(), id.revision)).collect();
        Evidence {
            looker: Looker::Sweep { first_run: account.mark.created_at, missed_by_event },
            home: self.guard.home.clone(),
            mode: self.guard.policy.mode.as_str(),
            at: now,
            is_complete: !self.is_cut,
            unseen: self.unseen.iter().map(|unseen| unseen.words.clone()).collect(),
            families_total: account.active.len(),
            families_not_looked_at: account.active.iter().filter(not_looked_at).count(),
            revisions_total: account.active.values().map(Vec::len).sum(),
            revisions_looked_at: account.active.iter().map(looked_at).sum(),
            families: families.into_iter().filter_map(|(family, numbers)| self.family_row(family, &numbers)).collect(),
            exemptions: account
                .exemptions
                .iter()
                .filter_map(|(family, (found, _))| ExemptionRow::of(family, found, now))
                .collect(),
            exempt_families: self.guard.policy.exempt_families.globs(),
        }
    }

    /// How far a service's move has come.
    fn move_of(&self, cluster: &str, starter: &Starter) -> Option<State> {
        match starter {
            Starter::Service { name, .. } => {
                let id = ServiceId { cluster: cluster.to_owned(), name: name.clone() };
                self.moves.get(&id).map(|entry| entry.state)
            }
            Starter::Other(_) => None,
        }
    }

    /// Whether a revision was looked at, in this run or an earlier one.
    fn has_looked_at(&self, id: &TaskDefinitionId) -> bool {
        self.account.has_seen(id) || self.described.contains_key(id)
    }

    fn family_row(&self, family: &Family, privileged: &[Revision]) -> Option<FamilyRow> {
        let account = &self.account;
        let active = account.active(family);
        let latest = active.last().copied();
        let newest = account.mark.privileged.get(&family.revision(*privileged.last()?))?;
        let runs = account.usage.families.get(family).into_iter().flatten();
        let runs = runs.filter(|run| privileged.contains(&run.revision));
        Some(FamilyRow {
            family: family.clone(),
            latest,
            is_newest_clean: latest
                .is_some_and(|it| !privileged.contains(&it) && self.has_looked_at(&family.revision(it))),
            running: runs.map(|run| RunRow::of(run, self.move_of(&run.cluster, &run.starter))).collect(),
            callable: privileged.iter().copied().filter(|number| active.binary_search(number).is_ok()).collect(),
            containers: newest.containers.clone(),
            residual: newest.residual.clone(),
            look: Look::CameTo(newest.outcome, newest.reason),
            existed_before: newest.existed_before,
            copy: newest.copy,
        })
    }
}
