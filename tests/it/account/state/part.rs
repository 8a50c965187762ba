//! Families that are done with leave the account with all that is theirs, as an account of their own: so one that lives
//! for hours stays small, and nothing is forgotten unjudged.

use std::collections::BTreeSet;

use super::State;

impl State {
    /// Takes these families out, with the services that bear their names, the objects and the calls about them. The
    /// objects under the keys in `shared` are copied. Calls about no family at all are forgotten, and older versions of
    /// what stays.
    pub fn part(&mut self, families: &BTreeSet<String>, bucket: &str, shared: &[&str]) -> Self {
        let is_taken = |name: &str| families.contains(name);
        let mut part = Self::new(&self.home.region, &self.home.account);
        (part.now, part.mode) = (self.now, self.mode.clone());
        for call in std::mem::take(&mut self.calls) {
            if names(&call.resource).any(is_taken) {
                part.calls.push(call);
            } else if names(&call.resource).any(|name| self.ecs.revisions(name).next().is_some()) {
                self.calls.push(call);
            }
        }
        part.ecs = self.ecs.part(families);
        part.s3 = self.s3.part(bucket, |key| names(key).any(is_taken));
        for key in shared {
            part.s3.copy_from(&self.s3, bucket, key);
        }
        self.s3.forget_old_versions(bucket, |key| !names(key).any(|name| self.ecs.revisions(name).next().is_some()));
        part
    }
}

/// What may be a family's name in a resource.
fn names(resource: &str) -> impl Iterator<Item = &str> {
    resource.split(['/', ':', '.'])
}
