//! What is remembered of a service's move, as an object in the bucket: read, and written by compare-and-swap.

use super::super::Guard;
use super::super::stop::Stop;
use crate::aws::{Expect, Written};
use crate::domain::keys;
use crate::domain::moves::Move;
use crate::domain::report::Failure;
use crate::domain::service::ServiceId;

/// A move that was read, with what compare-and-swap needs.
#[derive(Debug, Clone)]
pub(in super::super) struct HeldMove {
    pub(in super::super) entry: Move,
    pub(in super::super) etag: String,
}

/// What a write must find: what was read.
pub(super) fn expected(held: Option<&HeldMove>) -> Expect {
    held.map_or(Expect::Nothing, |held| Expect::Etag(held.etag.clone()))
}

impl Guard {
    /// The move of a service.
    ///
    /// # Errors
    /// When it cannot be read or understood: that is not "none".
    pub(in super::super) async fn read_move(&self, id: &ServiceId) -> Result<Option<HeldMove>, Stop> {
        let key = keys::service_move(&self.home, id);
        let Some(object) = self.aws.bucket.get(&key).await? else { return Ok(None) };
        match Move::parse(&object.text) {
            Ok(entry) => Ok(Some(HeldMove { entry, etag: object.etag })),
            Err(error) => Err(Stop::Failed(Failure::MoveUnreadable { key, error })),
        }
    }

    /// Writes it, unless somebody else has written meanwhile.
    ///
    /// # Errors
    /// When it is not known to be written.
    pub(in super::super) async fn write_move(
        &self,
        id: &ServiceId,
        entry: &Move,
        expect: &Expect,
    ) -> Result<Written, Stop> {
        let key = keys::service_move(&self.home, id);
        let unwritable = |error| Stop::Failed(Failure::MoveUnreadable { key: key.clone(), error });
        let text = entry.to_json().map_err(unwritable)?;
        Ok(self.aws.bucket.put(&key, &text, expect).await?)
    }
}
