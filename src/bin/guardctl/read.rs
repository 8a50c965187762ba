//! What several commands read: the account's revisions, one of them, its record, a service's move. What could not be read is
//! a trouble, and never "none".

use std::error::Error;

use ecs_privileged_guard::aws::{Clock, DescribeError, Ecs, Listing};
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::keys;
use ecs_privileged_guard::domain::moves::Move;
use ecs_privileged_guard::domain::record::Record;
use ecs_privileged_guard::domain::service::ServiceId;
use ecs_privileged_guard::reconcile::describe_patiently;
use jiff::SignedDuration;

use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;

/// The walk over the clusters takes this long at most; what it did not see is said.
pub(crate) const WALK: SignedDuration = SignedDuration::from_mins(30);
/// What one description may wait for: what lasts longer is said.
const PATIENCE: SignedDuration = SignedDuration::from_secs(16);

const NOT_UNDERSTOOD: &str = "a later guardctl may know it; the bucket's versions hold what was there before";

/// The ACTIVE revisions of the account.
pub(crate) async fn listing(ecs: &Ecs, output: Output) -> Result<Listing, Trouble> {
    let mut listing = Listing::default();
    while !listing.is_complete {
        let count: usize = listing.families.values().map(Vec::len).sum();
        output.progress(&format!("{count} revisions listed"));
        let page = ecs.list_on(&mut listing).await;
        page.map_err(|failure| trouble("the task definitions could not be listed", &failure))?;
    }
    Ok(listing)
}

/// A revision as ECS describes it; none if ECS knows no such one.
pub(crate) async fn revision(ecs: &Ecs, clock: &Clock, id: &TaskDefinitionId) -> Result<Option<Described>, Trouble> {
    let failed = || format!("{id} could not be looked at");
    describe_patiently(ecs, id, clock.now() + PATIENCE, clock).await.map_err(|error| match error {
        DescribeError::Call(failure) => trouble(failed(), &failure),
        why @ DescribeError::Malformed { .. } => Trouble::new(Exit::Failed, failed()).because(&why),
    })
}

/// The record of a revision; none if there is none.
pub(crate) async fn record(guard: &Guard, id: &TaskDefinitionId) -> Result<Option<Record>, Trouble> {
    let key = keys::record(&guard.home, id);
    object(guard, &key, &format!("the record of {id}"), Record::parse).await
}

/// What is remembered of a service's move; none if nothing is.
pub(crate) async fn service_move(guard: &Guard, id: &ServiceId) -> Result<Option<Move>, Trouble> {
    let key = keys::service_move(&guard.home, id);
    object(guard, &key, &format!("the move of the service {id}"), Move::parse).await
}

/// What lies under a key, understood; none if nothing does.
async fn object<T, E: Error>(
    guard: &Guard,
    key: &str,
    what: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Trouble> {
    let failed = || format!("{what}, {}, could not be read", guard.address(key));
    let object = guard.aws.bucket.get(key).await.map_err(|failure| trouble(failed(), &failure))?;
    let held = object.map(|object| parse(&object.text)).transpose();
    held.map_err(|why| Trouble::new(Exit::Failed, failed()).because(&why).hint(NOT_UNDERSTOOD))
}
