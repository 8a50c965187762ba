//! Lists of families and revisions, page by page.
//! It shows names only.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitionFamilies.html>

use std::ops::Bound::{Included, Unbounded};

use super::super::document::Document;
use super::super::{Caller, Refusal};
use super::registration::hidden;
use super::{Ecs, Revision, Status, Token, listed, page};

impl Ecs {
    pub(super) fn list_task_definitions(&mut self, input: &Document, caller: &Caller) -> Result<String, Refusal> {
        let status = match input.text("status").as_deref() {
            None | Some("ACTIVE") => Status::Active,
            Some("INACTIVE") => Status::Inactive,
            Some("DELETE_IN_PROGRESS") => Status::DeleteInProgress,
            Some(_) => return Err(Refusal::parameter("Invalid status")),
        };
        let descending = match input.text("sort").as_deref() {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(_) => return Err(Refusal::parameter("Invalid sort")),
        };
        // In spite of its name this is the whole family.
        let family = input.text("familyPrefix");
        // Accounts may be large: a page begins where the one before has ended.
        let last = Token::of(input)?.last.unwrap_or_default();
        let (at, number) = last.split_once('\0').unwrap_or_default();
        let bounds = match (family.as_deref(), descending) {
            (Some(family), _) => (Included(family), Included(family)),
            (None, true) if !at.is_empty() => (Unbounded, Included(at)),
            (None, true) => (Unbounded, Unbounded),
            (None, false) => (Included(at), Unbounded),
        };
        let Self { families, stale, knobs, .. } = self;
        let families = families.range::<str, _>(bounds);
        let families: Box<dyn Iterator<Item = _>> =
            if descending { Box::new(families.rev()) } else { Box::new(families) };
        let items = families.flat_map(|(family, revisions)| {
            let seen = &revisions[..revisions.len() - usize::from(hidden(stale, family, caller))];
            let number = number.parse().ok().filter(|_| family == at);
            let left = match number.map(|number: usize| seen.split_at(number.min(seen.len()))) {
                None => seen,
                Some((shown, _)) if descending => shown,
                Some((_, left)) => left,
            };
            let in_order = (0..left.len()).map(move |at| &left[if descending { left.len() - 1 - at } else { at }]);
            in_order.filter(|revision| revision.status == status).map(move |revision| {
                let arn = caller.home.arn("ecs", &format!("task-definition/{family}:{}", revision.number));
                (format!("{family}\0{:010}", revision.number), arn)
            })
        });
        Ok(listed("taskDefinitionArns", page(items, input, knobs, descending, 100)?))
    }

    pub(super) fn list_families(&self, input: &Document) -> Result<String, Refusal> {
        let prefix = input.text("familyPrefix").unwrap_or_default();
        let has = |revisions: &[Revision], status: Status| revisions.iter().any(|revision| revision.status == status);
        let wanted = |revisions: &[Revision]| match input.text("status").as_deref() {
            None | Some("ALL") => Ok(has(revisions, Status::Active) || has(revisions, Status::Inactive)),
            Some("ACTIVE") => Ok(has(revisions, Status::Active)),
            Some("INACTIVE") => Ok(!has(revisions, Status::Active) && has(revisions, Status::Inactive)),
            Some(_) => Err(Refusal::parameter("Invalid status")),
        };
        let mut items = Vec::new();
        for (family, revisions) in &self.families {
            if wanted(revisions)? && family.starts_with(&prefix) {
                items.push((family.clone(), family.clone()));
            }
        }
        Ok(listed("families", page(items.into_iter(), input, &self.knobs, false, 100)?))
    }
}
