//! The exemptions of a file: a list of those objects that the bucket holds, each with its family; or those of the bucket.
//! The guard's own verdict judges them. A file has no time at which an entry was written, so its 90 days count from now.

use std::collections::BTreeMap;

use ecs_privileged_guard::domain::arn::{ArnError, Family};
use ecs_privileged_guard::domain::exemption::{Basis, Exemption, Found, Lapse, Unreadable, Verdict, of_object};
use ecs_privileged_guard::domain::json::Json;
use jiff::Timestamp;

use super::finding::{Finding, Rule};

/// Why a file of exemptions cannot be relied on. Then nothing is exempt, and nothing is looked at.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExemptionsError {
    /// Not a list of objects.
    #[error("it is not a list of objects with family, containers, reason, approvedBy and expiresAt")]
    Shape,
    /// An entry without a family.
    #[error("entry {0} has no family, which is a text")]
    NoFamily(usize),
    /// An entry whose family ECS would not take.
    #[error("the family of entry {entry} is {why}")]
    Family {
        /// Which, from 1.
        entry: usize,
        /// What it is not.
        why: ArnError,
    },
    /// A family that is there twice.
    #[error("entry {0} is of a family that an entry before it is of")]
    Twice(usize),
    /// An entry that is no exemption.
    #[error("entry {entry} cannot be relied on: {why}")]
    Unreadable {
        /// Which, from 1.
        entry: usize,
        /// Why.
        why: Unreadable,
    },
}

/// The exemptions, by family.
#[derive(Default)]
pub(crate) struct Exemptions(BTreeMap<Family, Found>);

impl Exemptions {
    /// Reads a file's document.
    pub(super) fn read(root: Json<'_>, now: Timestamp) -> Result<Self, ExemptionsError> {
        let mut exemptions = BTreeMap::new();
        for (index, json) in root.elements().ok_or(ExemptionsError::Shape)?.into_iter().enumerate() {
            let entry = index + 1;
            let members = json.members().ok_or(ExemptionsError::Shape)?;
            let (family, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| member.is("family"));
            let [family] = family.as_slice() else { return Err(ExemptionsError::NoFamily(entry)) };
            let family = family.value.text().ok_or(ExemptionsError::NoFamily(entry))?;
            let family: Family = family.parse().map_err(|why| ExemptionsError::Family { entry, why })?;
            let others: Vec<String> =
                others.iter().map(|member| format!("{}:{}", member.written_name, member.value.as_str())).collect();
            let text = format!("{{{}}}", others.join(","));
            Exemption::read(&text).map_err(|why| ExemptionsError::Unreadable { entry, why })?;
            let found = Found::Object { text, written_at: Some(now) };
            if exemptions.insert(family, found).is_some() {
                return Err(ExemptionsError::Twice(entry));
            }
        }
        Ok(Self(exemptions))
    }

    /// Those that lie in a bucket.
    pub(crate) fn found(found: Vec<(Family, Found)>) -> Self {
        Self(found.into_iter().collect())
    }

    /// What would lie in the bucket for each family.
    pub(crate) fn into_found(self) -> Vec<(Family, Found)> {
        self.0.into_iter().collect()
    }

    /// Those that do not hold, in sentences.
    pub(crate) fn lapsed(&self, now: Timestamp) -> Vec<String> {
        let sentence = |(family, found): (&Family, &Found)| {
            let Found::Object { text, .. } = found else { return None };
            match of_object(&Exemption::read(text).ok()?.containers, found, now) {
                Verdict::NotExempt(lapse) => Some(format!("{family} is not exempt: {}.", of_lapse(lapse)?)),
                Verdict::Exempt(_) | Verdict::Partly { .. } | Verdict::Unreadable(_) => None,
            }
        };
        self.0.iter().filter_map(sentence).collect()
    }

    /// What they make of a finding.
    pub(super) fn judge(&self, finding: &mut Finding, now: Timestamp) {
        let is_open = match finding.rule {
            Rule::Privileged => false,
            Rule::Unknown => true,
            Rule::Exempt | Rule::Residual => return,
        };
        let (Some(family), Some(container)) = (&finding.of.family, &finding.container) else { return };
        let Some(found) = family.parse().ok().and_then(|family: Family| self.0.get(&family)) else { return };
        if finding.of.is_daemon {
            finding.message.push_str("; the exemption of that family does not hold for daemons");
            return;
        }
        let says = match of_object(std::slice::from_ref(container), found, now) {
            Verdict::Exempt(Basis::Until(end)) => {
                finding.rule = Rule::Exempt;
                match is_open {
                    true => format!("; if it is, it is exempt until {end}"),
                    false => format!(", and exempt until {end}"),
                }
            }
            Verdict::NotExempt(lapse) => match of_lapse(lapse) {
                Some(why) => format!("; {why}"),
                None => return,
            },
            // Each entry was read, and asked about one container.
            Verdict::Exempt(Basis::Family) | Verdict::Partly { .. } | Verdict::Unreadable(_) => return,
        };
        finding.message.push_str(&says);
    }
}

/// Why an exemption does not hold, if there is one.
fn of_lapse(lapse: Lapse) -> Option<String> {
    match lapse {
        Lapse::None => None,
        Lapse::Expired(end) => Some(format!("its exemption ended at {end}")),
        Lapse::TooLong => Some("its exemption would end in more than 90 days".to_owned()),
        Lapse::OtherContainers => Some("its family's exemption is for other containers".to_owned()),
    }
}
