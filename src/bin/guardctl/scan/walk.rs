//! Which revisions a scan looks at, in which order, and which it has seen. A revision costs it its number and nothing more:
//! an account may hold a million of them.

use std::collections::{BTreeMap, BTreeSet};

use ecs_privileged_guard::domain::arn::{Family, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::observation::AccountUsage;

use crate::when::counted;

/// Nobody reads more names than these.
const NAMED_MAX: usize = 100;

/// A scan's way through the account.
pub(super) struct Walk {
    /// The ACTIVE revisions by family, ascending.
    pub(super) active: BTreeMap<Family, Vec<Revision>>,
    runs: BTreeSet<TaskDefinitionId>,
    latest_only: bool,
    missed: BTreeSet<TaskDefinitionId>,
}

impl Walk {
    /// Of what is ACTIVE and what runs; `latest_only` leaves out what is neither the latest of its family nor runs.
    pub(super) fn new(mut active: BTreeMap<Family, Vec<Revision>>, usage: &AccountUsage, latest_only: bool) -> Self {
        for numbers in active.values_mut() {
            numbers.sort_unstable();
            numbers.dedup();
        }
        Self { active, runs: usage.revisions().collect(), latest_only, missed: BTreeSet::new() }
    }

    /// The latest of each family first, then what else runs, then the others.
    pub(super) fn ids(&self) -> impl Iterator<Item = TaskDefinitionId> {
        let latest = self.active.iter().filter_map(|(family, numbers)| Some(family.revision(*numbers.last()?)));
        let runs = self.runs.iter().filter(|id| !self.is_latest(id)).cloned();
        let others = self.active.iter().filter(|_| !self.latest_only).flat_map(|(family, numbers)| {
            let older = numbers.split_last().map(|(_, older)| older);
            older.into_iter().flatten().map(|number| family.revision(*number))
        });
        latest.chain(runs).chain(others.filter(|id| !self.runs.contains(id)))
    }

    /// Whether it is the latest ACTIVE revision of its family.
    pub(super) fn is_latest(&self, id: &TaskDefinitionId) -> bool {
        self.latest_of(&id.family) == Some(id.revision)
    }

    /// Whether it is ACTIVE.
    pub(super) fn is_active(&self, id: &TaskDefinitionId) -> bool {
        self.active.get(&id.family).is_some_and(|numbers| numbers.binary_search(&id.revision).is_ok())
    }

    /// The latest ACTIVE revision of a family.
    pub(super) fn latest_of(&self, family: &Family) -> Option<Revision> {
        self.active.get(family).and_then(|numbers| numbers.last()).copied()
    }

    /// As it was gone: but for what could not be looked at.
    pub(super) fn but_for(self, missed: BTreeSet<TaskDefinitionId>) -> Self {
        Self { missed, ..self }
    }

    /// How many were looked at.
    pub(super) fn looked_at(&self) -> usize {
        self.ids().count() - self.missed.len()
    }

    /// What was not looked at although it was to be: the first by name, and how many more.
    pub(super) fn unseen(&self) -> Vec<String> {
        let mut unseen: Vec<String> = self.missed.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let more = self.missed.len().saturating_sub(NAMED_MAX);
        unseen.extend((more > 0).then(|| counted(more, "more revision", "more revisions")));
        unseen
    }

    /// How many families there are of what is ACTIVE or runs.
    pub(super) fn families(&self) -> usize {
        let runs: BTreeSet<&Family> = self.runs.iter().map(|id| &id.family).collect();
        self.active.len() + runs.iter().filter(|family| !self.active.contains_key(**family)).count()
    }

    /// Whether an ACTIVE revision was looked at.
    pub(super) fn has_looked_at(&self, id: &TaskDefinitionId) -> bool {
        (!self.latest_only || self.is_latest(id) || self.runs.contains(id)) && !self.missed.contains(id)
    }
}
