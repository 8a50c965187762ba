//! What a sweep sees of the account before it looks at single revisions: lists and one walk, at the pace of a sweep.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::observe::exemption_with_etag;
use super::super::stop::{Patience, Stop};
use super::super::{Guard, RunError};
use crate::aws::{Aws, Expect, Listing, Object, Written};
use crate::domain::arn::{Family, Revision, TaskDefinitionId};
use crate::domain::exemption::Found;
use crate::domain::keys;
use crate::domain::observation::AccountUsage;
use crate::domain::report::Failure;
use crate::domain::sweep::foundation::Foundation;
use crate::domain::sweep::span::Span;
use crate::domain::sweep::watermark::Watermark;

/// The walk takes this share of a run's time at most: what is not seen running is said, and the rest is looked at.
const SHARE_OF_THE_WALK: i32 = 3;

/// The account, as lists show it.
pub(super) struct Account {
    /// What earlier runs have seen, and this one so far.
    pub(super) mark: Watermark,
    /// The `ETag` of the watermark as it was read.
    pub(super) mark_etag: Option<String>,
    /// Whether the run before had looked at everything.
    pub(super) was_complete: bool,
    /// When the lists were begun: they show nothing younger for sure.
    pub(super) listed_at: Timestamp,
    /// Why the watermark was begun anew, if it was.
    pub(super) started_over: Option<&'static str>,
    /// The ACTIVE revisions of each family, in order.
    pub(super) active: BTreeMap<Family, Vec<Revision>>,
    /// What runs.
    pub(super) usage: Arc<AccountUsage>,
    /// The `ETag` of each record.
    pub(super) records: BTreeMap<TaskDefinitionId, String>,
    /// Each exemption, with its `ETag`.
    pub(super) exemptions: BTreeMap<Family, (Found, Option<String>)>,
}

/// Why the account could not be looked at.
pub(super) enum NoAccount {
    /// A retry does not help.
    Blind(Failure),
    /// It may.
    Later(RunError),
}

impl Account {
    /// Looks.
    ///
    /// # Errors
    /// When a list or the watermark cannot be read: what is not seen must not be taken for none.
    pub(super) async fn look(guard: &Guard, until: Timestamp) -> Result<Self, NoAccount> {
        let clock = &guard.aws.clock;
        let listed_at = clock.now();
        let patience = || Patience::until(until, clock);
        let mark = patience().repeat(async || watermark(guard).await);
        let usage = async {
            Ok(guard.aws.ecs.usage_of_all(clock, listed_at + until.duration_since(listed_at) / SHARE_OF_THE_WALK).await)
        };
        let (records, exemptions) =
            (patience().repeat(async || records(guard).await), patience().repeat(async || exemptions(guard).await));
        let seen =
            tokio::try_join!(mark, active(guard, until), usage, records, exemptions).map_err(|stop| match stop {
                Stop::Transient(failure) => NoAccount::Later(RunError::Transient(failure)),
                Stop::Failed(failure) => NoAccount::Blind(failure),
                Stop::OutOfTime => NoAccount::Later(RunError::OutOfTime),
            });
        let (mark, mut active, usage, records, exemptions) = seen?;
        for numbers in active.values_mut() {
            numbers.sort_unstable();
            numbers.dedup();
        }
        let mark_etag = Some(mark.etag);
        let (mark, started_over) = Watermark::read(&mark.text, listed_at);
        let was_complete = mark.complete;
        let mut account = Self {
            mark,
            mark_etag,
            was_complete,
            listed_at,
            started_over,
            active,
            usage: Arc::new(usage),
            records,
            exemptions,
        };
        account.forget_what_is_gone();
        Ok(account)
    }

    /// What is neither ACTIVE nor in use any more is of no interest, and its place is needed.
    fn forget_what_is_gone(&mut self) {
        let Self { mark, active, usage, .. } = self;
        let is_there = |id: &TaskDefinitionId| {
            active.get(&id.family).is_some_and(|numbers| numbers.binary_search(&id.revision).is_ok())
                || usage.of(&id.family).may_run(id.revision)
        };
        mark.privileged.retain(|id, standing| {
            let was_missing = std::mem::replace(&mut standing.is_missing, !is_there(id));
            !(was_missing && standing.is_missing)
        });
        mark.clean_in_use.retain(is_there);
        mark.families.retain(|family, _| active.contains_key(family));
    }

    /// The ACTIVE revisions of a family.
    pub(super) fn active(&self, family: &Family) -> &[Revision] {
        self.active.get(family).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a revision is ACTIVE.
    pub(super) fn is_active(&self, id: &TaskDefinitionId) -> bool {
        self.active(&id.family).binary_search(&id.revision).is_ok()
    }

    /// Whether a revision was looked at, now or earlier.
    pub(super) fn has_seen(&self, id: &TaskDefinitionId) -> bool {
        self.mark.families.get(&id.family).is_some_and(|span| span.has(id.revision)) || self.has_seen_in_use(id)
    }

    /// Whether a revision that is not ACTIVE was looked at. The span says nothing of it: it tells of ACTIVE ones.
    pub(super) fn has_seen_in_use(&self, id: &TaskDefinitionId) -> bool {
        self.mark.privileged.contains_key(id) || self.mark.clean_in_use.contains(id)
    }

    /// Notes that a revision was looked at.
    pub(super) fn saw(&mut self, id: &TaskDefinitionId) {
        let span = self.mark.families.get(&id.family).copied();
        let span = Span::with(span, self.active(&id.family), id.revision);
        self.mark.families.insert(id.family.clone(), span);
    }

    /// What a look at a revision rests on.
    pub(super) fn foundation(&self, guard: &Guard, id: &TaskDefinitionId) -> String {
        let usage = self.usage.of(&id.family);
        let exemption = self.exemptions.get(&id.family).and_then(|(_, etag)| etag.as_deref());
        let record = self.records.get(id).map(String::as_str);
        Foundation { id, policy: &guard.policy, active: self.active(&id.family), exemption, record, usage: &usage }
            .text()
    }
}

/// Each page has a patience of its own: thousands of them are not begun again for one that failed.
async fn active(guard: &Guard, until: Timestamp) -> Result<BTreeMap<Family, Vec<Revision>>, Stop> {
    let (Aws { ecs, clock, .. }, mut listing) = (&guard.aws, Listing::default());
    while !listing.is_complete {
        if clock.now() >= until {
            return Err(Stop::OutOfTime);
        }
        Patience::until(until, clock).repeat(async || Ok(ecs.list_on(&mut listing).await?)).await?;
    }
    Ok(listing.families)
}

/// The watermark as it is stored. One that cannot be used is read once more before it is given up: nothing else holds the
/// time of the first run. So the first run stores that before it does anything else.
async fn watermark(guard: &Guard) -> Result<Object, Stop> {
    let (key, now) = (keys::watermark(&guard.home), guard.aws.clock.now());
    let is_usable = |object: &Object| Watermark::read(&object.text, now).1.is_none();
    match guard.aws.bucket.get(&key).await? {
        Some(object) if is_usable(&object) => return Ok(object),
        Some(_) => {}
        None => {
            let begun = Watermark::begun(now).to_json();
            // Another first run may have been faster; its time counts.
            let _: Written = guard.aws.bucket.put(&key, &begun, &Expect::Nothing).await?;
        }
    }
    match guard.aws.bucket.get(&key).await? {
        Some(object) => Ok(object),
        None => Err(Stop::Transient(guard.aws.bucket.conflict(&key))),
    }
}

async fn records(guard: &Guard) -> Result<BTreeMap<TaskDefinitionId, String>, Stop> {
    let listed = guard.aws.bucket.list(&keys::records(&guard.home)).await?;
    let id = |key: &str| keys::id_below(&keys::records(&guard.home), key);
    Ok(listed.into_iter().filter_map(|object| Some((id(&object.key)?, object.etag))).collect())
}

async fn exemptions(guard: &Guard) -> Result<BTreeMap<Family, (Found, Option<String>)>, Stop> {
    let prefix = keys::exemptions(&guard.home);
    let mut exemptions = BTreeMap::new();
    for object in guard.aws.bucket.list(&prefix).await? {
        let Some(family) = keys::family_below(&prefix, &object.key) else { continue };
        let exemption = exemption_with_etag(guard, &family).await?;
        exemptions.insert(family, exemption);
    }
    Ok(exemptions)
}
