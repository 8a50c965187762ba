//! Whether a family's containers may be privileged: one function gives the verdict. It reads and writes nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::arn::Family;
use super::fidelity::shown;
use super::json::Json;
use super::object::{DocumentError, Object};
use super::policy::FamilyGlobs;

const MEMBERS: [&str; 4] = ["containers", "reason", "approvedBy", "expiresAt"];

/// An exemption ends at the latest this long after it was written.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An exemption as it stands under `exemptions/`: all members are required, and no others are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// Exact names of the containers that may be privileged.
    pub containers: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who approved it, by the word of whoever wrote it.
    pub approved_by: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Exemption {
    /// Reads an exemption.
    ///
    /// # Errors
    /// When it is not the documented JSON, or a member is blank.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        Self::of(text).map_err(Unreadable::Malformed)
    }

    fn of(text: &str) -> Result<Self, DocumentError> {
        let object = Object::of("", Json::parse(text).map_err(DocumentError::Malformed)?)?;
        if let Some(other) = object.members.iter().find(|member| !MEMBERS.iter().any(|known| member.is(known))) {
            return Err(object.unexpected(&shown(&other.name()), "one of these members"));
        }
        let says = |name| {
            let text = object.required_text(name)?;
            match text.trim().is_empty() {
                true => Err(object.unexpected(name, "a text that says something")),
                false => Ok(text),
            }
        };
        let names = object.required("containers")?.elements().unwrap_or_default();
        let containers: Vec<String> = names.iter().map_while(|name| name.text()).collect();
        if containers.is_empty() || containers.len() < names.len() {
            return Err(object.unexpected("containers", "a list of containers' names"));
        }
        let end = object.required_text("expiresAt")?.parse();
        Ok(Self {
            containers,
            reason: says("reason")?,
            approved_by: says("approvedBy")?,
            expires_at: end.map_err(|_| object.unexpected("expiresAt", "a time like 2026-12-31T18:00:00Z"))?,
        })
    }

    /// The exemption as it is stored.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({
            "containers": self.containers,
            "reason": self.reason,
            "approvedBy": self.approved_by,
            "expiresAt": self.expires_at,
        })
        .to_string()
    }
}

/// What was found under the family's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// S3 said that there is no such key.
    Nothing,
    /// The object's text and the time at which S3 says it was written.
    Object {
        /// The text, as stored.
        text: String,
        /// `LastModified`; absent if S3 did not say.
        written_at: Option<Timestamp>,
    },
    /// It could not be read, and a retry does not help.
    Unreadable(super::failure::CallFailure),
}

/// The answer to "may these containers be privileged?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody exempted anything.
    NotExempt(Lapse),
    /// All the privileged containers are exempt.
    Exempt(Basis),
    /// Only these are; the others are not.
    Partly {
        /// Privileged containers that are exempt.
        exempt: Vec<String>,
        /// When that ends.
        until: Timestamp,
    },
    /// Nothing is known, so nothing may be changed.
    Unreadable(Unreadable),
}

/// What an exemption rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// `EXEMPT_FAMILIES`: for good.
    Family,
    /// The family's exemption, until its end.
    Until(Timestamp),
}

/// Whether there was an exemption that does not hold (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// There was none.
    None,
    /// It has ended.
    Expired(Timestamp),
    /// It would hold longer than 90 days from when it was written.
    TooLong,
    /// It names other containers only.
    OtherContainers,
}

/// Why an exemption cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// S3 refused to give it.
    #[error("it could not be read from the bucket")]
    Refused,
    /// Not the documented JSON.
    #[error(
        "it is not the documented JSON (containers, reason, approvedBy, expiresAt; all of them, and no others): {0}"
    )]
    Malformed(DocumentError),
    /// S3 did not say when it was written.
    #[error("the bucket did not say when it was written")]
    NoDate,
}

impl Lapse {
    /// Whether there is an exemption that holds, although for none of the containers that were asked about.
    #[must_use]
    pub fn holds_for_others(self) -> bool {
        match self {
            Self::OtherContainers => true,
            Self::None | Self::Expired(_) | Self::TooLong => false,
        }
    }
}

/// The verdict on a family's privileged containers at `now`; `exempt_families` are exempt for good.
#[must_use]
pub fn verdict(
    exempt_families: &FamilyGlobs,
    family: &Family,
    privileged: &[String],
    found: &Found,
    now: Timestamp,
) -> Verdict {
    match exempt_families.match_family(family) {
        true => Verdict::Exempt(Basis::Family),
        false => of_object(privileged, found, now),
    }
}

/// The verdict by the stored object alone.
#[must_use]
pub fn of_object(privileged: &[String], found: &Found, now: Timestamp) -> Verdict {
    let (text, written_at) = match found {
        Found::Nothing => return Verdict::NotExempt(Lapse::None),
        Found::Unreadable(_) => return Verdict::Unreadable(Unreadable::Refused),
        Found::Object { written_at: None, .. } => return Verdict::Unreadable(Unreadable::NoDate),
        Found::Object { text, written_at: Some(written_at) } => (text, *written_at),
    };
    let exemption = match Exemption::read(text) {
        Ok(exemption) => exemption,
        Err(why) => return Verdict::Unreadable(why),
    };
    let (exempt, others): (Vec<_>, Vec<_>) =
        privileged.iter().cloned().partition(|name| exemption.containers.contains(name));
    match exemption.expires_at {
        end if end <= now => Verdict::NotExempt(Lapse::Expired(end)),
        end if end.duration_since(written_at) > LONGEST => Verdict::NotExempt(Lapse::TooLong),
        _ if exempt.is_empty() => Verdict::NotExempt(Lapse::OtherContainers),
        end if others.is_empty() => Verdict::Exempt(Basis::Until(end)),
        end => Verdict::Partly { exempt, until: end },
    }
}
