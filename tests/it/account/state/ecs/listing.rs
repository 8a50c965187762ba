//! Lists of families and revisions, page by page.
//! It shows names only.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitionFamilies.html>

use super::super::document::Document;
use super::super::{Caller, Refusal};
use super::{Ecs, Revision, Status, listed, page};

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
        let families: Vec<String> = self
            .families
            .keys()
            .filter(|known| family.as_ref().is_none_or(|family| family == *known))
            .cloned()
            .collect();
        let mut items = Vec::new();
        for family in families {
            let hidden = usize::from(self.hidden(&family, caller));
            let revisions = self.families.get(&family).map_or(&[] as &[Revision], |all| &all[..all.len() - hidden]);
            for revision in revisions.iter().filter(|revision| revision.status == status) {
                let arn = caller.home.arn("ecs", &format!("task-definition/{family}:{}", revision.number));
                items.push((format!("{family}\0{:010}", revision.number), arn));
            }
        }
        Ok(listed("taskDefinitionArns", page(items, input, &self.knobs, descending, 100)?))
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
        Ok(listed("families", page(items, input, &self.knobs, false, 100)?))
    }
}
