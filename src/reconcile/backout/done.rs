//! What a backout has done so far: for the next look, which must not fall back behind it, and for whoever is told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::arn::{Revision, TaskDefinitionId};
use crate::domain::escape::plain;
use crate::domain::exemption::{Exemption, Found};
use crate::domain::failure::CallFailure;
use crate::domain::service::Service;

/// What a backout has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// An exemption was written, for these containers, until then.
    pub(super) exempted: Option<(Vec<String>, Timestamp)>,
    /// An exemption was sent, and perhaps written.
    pub(super) sent_exemption: Option<Exemption>,
    /// The record says that a backout has begun.
    pub(super) is_noted: bool,
    /// A registration was sent, and perhaps done.
    pub(super) has_sent_registration: bool,
    /// What was registered, by the answer or by a later look.
    pub(super) registered: Option<TaskDefinitionId>,
    /// The revision that is in force, proven.
    pub(super) restored: Option<TaskDefinitionId>,
    /// Revisions of backout's own that were deregistered again, each with the reason.
    pub(super) taken_back: BTreeMap<TaskDefinitionId, &'static str>,
    /// Services that were moved.
    pub(super) moved: Vec<Service>,
    /// Services that somebody else had moved when it was their turn.
    pub(super) on_the_way: Vec<Service>,
    /// An update of a service was sent, and perhaps done.
    pub(super) has_sent_update: bool,
    /// Services that could not be moved.
    pub(super) unmoved: Vec<(Service, CallFailure)>,
    /// Copies that were deregistered.
    pub(super) withdrawn: Vec<TaskDefinitionId>,
    /// Revisions that were seen to be there.
    pub(super) met: Vec<Revision>,
}

impl Done {
    /// Whether anything was changed that somebody must be told of, however the run ends.
    pub(super) fn has_changed_something(&self) -> bool {
        self.exempted.is_some()
            || self.sent_exemption.is_some()
            || self.has_sent_registration
            || self.has_sent_update
            || !self.taken_back.is_empty()
            || !self.withdrawn.is_empty()
    }

    /// The exemption is written.
    pub(super) fn has_exempted(&mut self, exemption: &Exemption) {
        self.exempted = Some((exemption.containers.clone(), exemption.expires_at));
        self.sent_exemption = None;
    }

    /// What a look found under the exemption's key settles whether a lost answer was a yes.
    pub(super) fn has_found(&mut self, found: &Found) {
        let Some(sent) = self.sent_exemption.take() else { return };
        if let Found::Object { text, .. } = found
            && Exemption::read(text).as_ref() == Ok(&sent)
        {
            self.has_exempted(&sent);
        }
    }

    /// Whether this run has deregistered the revision.
    pub(super) fn has_deregistered(&self, number: Revision) -> bool {
        self.taken_back.keys().chain(&self.withdrawn).any(|id| id.revision == number)
    }

    /// The services that are on their way to what is back.
    pub(super) fn pointed(&self) -> impl Iterator<Item = &Service> {
        self.moved.iter().chain(&self.on_the_way)
    }

    /// Whether the service is one of them.
    pub(super) fn has_pointed(&self, service: &Service) -> bool {
        self.pointed().any(|pointed| is_same(pointed, service))
    }

    /// What was done so far, in past-tense sentences.
    pub(super) fn steps(&self, named: &TaskDefinitionId) -> Vec<String> {
        let exempted = self.exempted.iter().map(|(containers, until)| {
            let containers: Vec<String> = containers.iter().map(|name| plain(name)).collect();
            format!("Exempted {}, containers {}, until {until}", named.family, containers.join(", "))
        });
        let sent = self.sent_exemption.iter();
        let sent = sent.map(|_| "Sent an exemption; whether it was written is not known".to_owned());
        let registered = match (&self.registered, &self.restored) {
            (Some(id), Some(restored)) if id == restored => {
                Some(format!("Registered {id}, proven equal to the original"))
            }
            // It is told as taken back.
            (Some(id), _) if self.taken_back.contains_key(id) => None,
            (Some(id), _) => Some(format!("Registered {id}, the original again; it is not proven yet")),
            (None, _) if self.has_sent_registration && self.taken_back.is_empty() => {
                Some("Sent a registration of the original; whether it was done is not known".to_owned())
            }
            (None, _) => None,
        };
        let taken_back = self.taken_back.iter();
        let taken_back = taken_back.map(|(id, why)| format!("Deregistered {id}, which backout had registered: {why}"));
        let to = self.restored.as_ref().map(ToString::to_string).unwrap_or_default();
        let moved = self.moved.iter();
        let moved = moved
            .map(|it| format!("Moved service {} in cluster {} to {to}", plain(&it.id.name), plain(&it.id.cluster)));
        let withdrawn = self.withdrawn.iter().map(|id| format!("Deregistered {id}, the copy"));
        exempted.chain(sent).chain(registered).chain(taken_back).chain(moved).chain(withdrawn).collect()
    }
}

/// Whether it is the same service, whatever has become of it.
pub(super) fn is_same(a: &Service, b: &Service) -> bool {
    a.id == b.id
}
