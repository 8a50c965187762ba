//! Which originals nothing refers to any more: by ECS's lists, by what runs, and by what the guard has recorded. What could
//! not be read is never taken for "nothing".

use ecs_privileged_guard::aws::{Clock, Ecs, Listing};
use ecs_privileged_guard::domain::arn::{Family, TaskDefinitionId};
use ecs_privileged_guard::domain::backup::{Stored, judge};
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::exemption::{Verdict, verdict};
use ecs_privileged_guard::domain::keys;
use ecs_privileged_guard::domain::observation::AccountUsage;
use ecs_privileged_guard::domain::policy::Policy;

use crate::deployed::Deployed;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::{exempt, read};

/// An original that has a copy in force.
pub(super) struct Original {
    pub(super) id: TaskDefinitionId,
    pub(super) copy: TaskDefinitionId,
    state: State,
}

enum State {
    Retirable,
    Kept(Kept),
    Done,
}

/// Why an original is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Tasks run it, or a service is pointed at it.
    Runs,
    /// Its family may be privileged.
    Exempt,
    /// Its copy is not in force any more.
    NotCopied,
    /// It is deregistered already, or not privileged.
    NotPrivileged,
    /// It could not be brought back.
    NoBackup,
}

impl Kept {
    /// For programs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Exempt => "exempt",
            Self::NotCopied => "not_copied",
            Self::NotPrivileged => "not_privileged",
            Self::NoBackup => "no_backup",
        }
    }

    /// For people.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Runs => "something runs it",
            Self::Exempt => "its exemption holds, or cannot be read",
            Self::NotCopied => "its copy is not in force",
            Self::NotPrivileged => "it is not ACTIVE and privileged",
            Self::NoBackup => "there is no genuine backup to bring it back from",
        }
    }
}

impl Original {
    pub(super) fn is_retirable(&self) -> bool {
        matches!(self.state, State::Retirable)
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    pub(super) fn is_the_same_as(&self, other: &Self) -> bool {
        (&self.id, &self.copy) == (&other.id, &other.copy)
    }

    pub(super) fn keep(&mut self, why: Kept) {
        self.state = State::Kept(why);
    }

    pub(super) fn done(&mut self) {
        self.state = State::Done;
    }

    /// `retirable`, `kept` or `deregistered`, and why it is kept.
    pub(super) fn state(&self) -> (&'static str, Option<Kept>) {
        match self.state {
            State::Retirable => ("retirable", None),
            State::Kept(why) => ("kept", Some(why)),
            State::Done => ("deregistered", None),
        }
    }
}

/// Whoever looks, and with what.
pub(super) struct Looking<'a> {
    guard: &'a Guard,
    ecs: &'a Ecs,
    policy: Policy,
    family: Option<&'a Family>,
    clock: Clock,
}

impl<'a> Looking<'a> {
    /// With the settings of the guard's function: they say which families are exempt for good.
    pub(super) async fn begin(
        guard: &'a Guard,
        ecs: &'a Ecs,
        function: Option<&str>,
        family: Option<&'a Family>,
    ) -> Result<Self, Trouble> {
        let policy = Deployed::of(guard, function, None).await?.reconciler.policy;
        Ok(Self { guard, ecs, policy, family, clock: Clock::live() })
    }

    /// Every original that has a copy in force by its record, each with whether something keeps it.
    pub(super) async fn look(&self, output: Output) -> Result<Vec<Original>, Trouble> {
        let listing = read::listing(self.ecs, output).await?;
        output.progress("looking at what runs");
        let usage = self.ecs.usage_of_all(&self.clock, self.clock.now() + read::WALK).await;
        is_complete(&usage)?;
        let mut originals = Vec::new();
        for id in self.recorded(&listing).await? {
            output.progress(&format!("{id} is looked at"));
            let Some(copy) = self.copy_of(&id).await?.filter(|copy| is_listed(&listing, copy)) else { continue };
            let runs = usage.of(&id.family).may_run(id.revision);
            let kept = if runs { Some(Kept::Runs) } else { self.keeps(&id, &copy).await? };
            // It was never one, or is none any more.
            if kept != Some(Kept::NotPrivileged) {
                originals.push(Original { id, copy, state: kept.map_or(State::Retirable, State::Kept) });
            }
        }
        Ok(originals)
    }

    /// Revisions that are ACTIVE and have a record. Their family's latest has no copy after it.
    async fn recorded(&self, listing: &Listing) -> Result<Vec<TaskDefinitionId>, Trouble> {
        let all = keys::records(&self.guard.home);
        let prefix = self.family.map_or_else(|| all.clone(), |family| keys::records_of(&self.guard.home, family));
        let listed = self.guard.aws.bucket.list(&prefix).await;
        let listed = listed.map_err(|failure| trouble("the records could not be listed", &failure))?;
        let ids = listed.iter().filter_map(|object| keys::id_below(&all, &object.key));
        let mut ids: Vec<_> = ids.filter(|id| is_listed(listing, id) && !is_latest(listing, id)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The copy that is in force by the original's record.
    async fn copy_of(&self, id: &TaskDefinitionId) -> Result<Option<TaskDefinitionId>, Trouble> {
        let Some(record) = read::record(self.guard, id).await? else { return Ok(None) };
        let stands = |copy: &_| *copy > id.revision && record.standing_copies().contains_key(copy);
        Ok(record.copy_revision().filter(stands).map(|copy| id.family.revision(copy)))
    }

    /// Why an original must be kept, whatever runs. It is looked at afresh.
    pub(super) async fn keeps(&self, id: &TaskDefinitionId, copy: &TaskDefinitionId) -> Result<Option<Kept>, Trouble> {
        let Some(original) = self.describe(id).await?.filter(|it| !it.privileged_containers().is_empty()) else {
            return Ok(Some(Kept::NotPrivileged));
        };
        if self.copy_of(id).await?.as_ref() != Some(copy) || self.describe(copy).await?.is_none() {
            return Ok(Some(Kept::NotCopied));
        }
        let found = exempt::found(exempt::read(self.guard, &id.family).await?.as_ref());
        let (families, privileged) = (&self.policy.exempt_families, original.privileged_containers());
        match verdict(families, &id.family, privileged, &found, self.clock.now()) {
            Verdict::NotExempt(_) => {}
            Verdict::Exempt(_) | Verdict::Partly { .. } | Verdict::Unreadable(_) => return Ok(Some(Kept::Exempt)),
        }
        Ok((!self.is_backed_up(id, &original).await?).then_some(Kept::NoBackup))
    }

    async fn is_backed_up(&self, id: &TaskDefinitionId, original: &Described) -> Result<bool, Trouble> {
        let key = keys::backup(&self.guard.home, id);
        let failed = || format!("the backup of {id}, {}, could not be read", self.guard.address(&key));
        let stored = self.guard.aws.bucket.get(&key).await.map_err(|failure| trouble(failed(), &failure))?;
        let output_only = &self.policy.output_only;
        let original = original.register_input(output_only);
        let is_genuine = |text: &str| matches!(judge(text, &original, output_only, None), Stored::Genuine { .. });
        Ok(stored.is_some_and(|object| is_genuine(&object.text)))
    }

    /// Whether ECS describes it as ACTIVE.
    pub(super) async fn is_active(&self, id: &TaskDefinitionId) -> Result<bool, Trouble> {
        Ok(self.describe(id).await?.is_some())
    }

    async fn describe(&self, id: &TaskDefinitionId) -> Result<Option<Described>, Trouble> {
        Ok(read::revision(self.ecs, &self.clock, id).await?.filter(Described::is_active))
    }
}

/// What was not seen may run any of them.
fn is_complete(usage: &AccountUsage) -> Result<(), Trouble> {
    let what = "not all that runs could be seen, so nothing is safe to deregister";
    if let Some(failure) = usage.unread.first() {
        return Err(trouble(what, failure).ends(Exit::Refused));
    }
    match usage.clusters_left_out {
        0 => Ok(()),
        count => Err(Trouble::new(Exit::Refused, what).cause(&format!("{count} clusters were not walked in time"))),
    }
}

fn is_listed(listing: &Listing, id: &TaskDefinitionId) -> bool {
    listing.families.get(&id.family).is_some_and(|numbers| numbers.contains(&id.revision))
}

fn is_latest(listing: &Listing, id: &TaskDefinitionId) -> bool {
    listing.families.get(&id.family).and_then(|numbers| numbers.iter().max()) == Some(&id.revision)
}
