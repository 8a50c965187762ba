//! What the operator asked for: the mode, the families in scope, the exemptions for good. It reads no environment;
//! `config` does.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use wildmatch::WildMatch;

use super::arn::Family;
use super::document::OutputOnly;

/// What the guard may write. Named by `ENFORCEMENT_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Records only: nothing in ECS is changed.
    Alert,
    /// Copies are registered.
    Remediate,
    /// The same, and services on an original are moved to its copy.
    Enforce,
}

impl Mode {
    /// The contract's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Remediate => "remediate",
            Self::Enforce => "enforce",
        }
    }

    /// Whether copies may be registered and withdrawn.
    #[must_use]
    pub fn makes_copies(self) -> bool {
        match self {
            Self::Alert => false,
            Self::Remediate | Self::Enforce => true,
        }
    }
}

/// Names of families with `*` and `?`, comma-separated in the environment.
#[derive(Debug, Clone, Default)]
pub struct FamilyGlobs(Vec<WildMatch>);

/// A glob that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// A character that no family's name has.
    #[error("a family glob holds letters, digits, hyphens, underscores, * and ? only")]
    Character,
    /// So short that it would exempt half the account.
    #[error("each glob needs at least three literal characters")]
    TooWide,
}

impl FamilyGlobs {
    /// Globs of any width.
    ///
    /// # Errors
    /// On a character that no family's name has.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, GlobError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_*?".contains(c);
        globs
            .into_iter()
            .map(|glob| match glob.chars().all(plain) {
                true => Ok(WildMatch::new(glob)),
                false => Err(GlobError::Character),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Globs that each name something: at least three literal characters.
    ///
    /// # Errors
    /// On a character that no family's name has, or a glob that is too wide.
    pub fn narrow<'a>(globs: impl IntoIterator<Item = &'a str> + Clone) -> Result<Self, GlobError> {
        let literals = |glob: &str| glob.chars().filter(|c| !matches!(c, '*' | '?')).count();
        match globs.clone().into_iter().all(|glob| literals(glob) >= 3) {
            true => Self::new(globs),
            false => Err(GlobError::TooWide),
        }
    }

    /// Them as they were given.
    #[must_use]
    pub fn globs(&self) -> Vec<String> {
        self.0.iter().map(WildMatch::pattern).collect()
    }

    /// Whether one of them names the family.
    #[must_use]
    pub fn match_family(&self, family: &Family) -> bool {
        self.0.iter().any(|glob| glob.matches(family.as_str()))
    }
}

/// Everything the operator decided beforehand.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What may be written.
    pub mode: Mode,
    /// Families that get copies; others get alerts only.
    pub remediate_families: FamilyGlobs,
    /// Whether copies are made. Where they are not, what a run of ours has left behind is withdrawn all the same.
    pub makes_copies: bool,
    /// Whether sweep makes copies of what was registered before its first run.
    pub remediate_existing: bool,
    /// Families that are exempt for good.
    pub exempt_families: FamilyGlobs,
    /// Members of a described task definition that registration does not take.
    pub output_only: OutputOnly,
    /// Keys of tags whose values may be shown, because they say who owns a definition.
    pub owner_tag_keys: Vec<String>,
    /// The roles of guard and sweep: what they registered is ours.
    pub guard_roles: Vec<RoleName>,
    /// The roles of people who may apply a plan from a terminal. Such a person registers other things, too, so of it only
    /// what a record names, or what says the same as the copy would, is taken for a copy of ours.
    pub apply_roles: Vec<RoleName>,
    /// How long a service may be on its way to a copy before people are told.
    pub settle: SignedDuration,
}

impl Policy {
    /// Whether a principal, as ECS gives it in `registeredBy`, is one of our own roles.
    #[must_use]
    pub fn is_ours(&self, registered_by: Option<&str>) -> bool {
        names(&self.guard_roles, registered_by)
    }

    /// Whether it is a role of somebody who may apply a plan: what they registered may be a copy of ours.
    #[must_use]
    pub fn may_be_applied(&self, registered_by: Option<&str>) -> bool {
        names(&self.apply_roles, registered_by)
    }

    /// Whether the guard changes anything of a family, exemptions aside.
    #[must_use]
    pub fn changes(&self, family: &Family) -> bool {
        self.mode.makes_copies() && self.remediate_families.match_family(family)
    }

    /// Whether services of a family are moved to copies.
    #[must_use]
    pub fn moves_services_of(&self, family: &Family) -> bool {
        self.mode == Mode::Enforce && self.makes_copies && self.remediate_families.match_family(family)
    }

    /// What an unfaithful copy was made under: it is tried again when this changes.
    #[must_use]
    pub fn copied_under(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let extra = self.output_only.extra().join(",");
        match extra.is_empty() {
            true => version.to_owned(),
            false => format!("{version} without {extra}"),
        }
    }
}

/// The name of an IAM role, without path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName(String);

/// Not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role's name has 1 to 64 letters, digits and _+=.@- (the name, not the ARN)")]
pub struct RoleNameError;

impl FromStr for RoleName {
    type Err = RoleNameError;

    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
        match (1..=64).contains(&text.len()) && text.chars().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(RoleNameError),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn names(roles: &[RoleName], principal: Option<&str>) -> bool {
    principal.and_then(role_of).is_some_and(|name| roles.iter().any(|role| role.0 == name))
}

/// The role behind `arn:aws:sts::111122223333:assumed-role/NAME/SESSION` or `arn:aws:iam::111122223333:role/PATH/NAME`.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
#[must_use]
pub fn role_of(principal: &str) -> Option<&str> {
    let resource = principal.splitn(6, ':').nth(5)?;
    match resource.split_once('/')? {
        ("assumed-role", rest) => rest.split('/').next(),
        ("role", rest) => rest.rsplit('/').next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_that_would_exempt_everything_is_refused() {
        for wide in ["*", "a*", "*b?", "**", ""] {
            assert_eq!(FamilyGlobs::narrow([wide]).unwrap_err(), GlobError::TooWide, "{wide}");
        }
        assert_eq!(FamilyGlobs::narrow(["web/*"]).unwrap_err(), GlobError::Character);
        let agents = FamilyGlobs::narrow(["datadog-*", "falco"]).unwrap();
        for (family, exempt) in [("datadog-agent", true), ("falco", true), ("falco2", false), ("my-datadog-", false)] {
            assert_eq!(agents.match_family(&family.parse().unwrap()), exempt, "{family}");
        }
    }

    #[test]
    fn the_role_is_read_from_both_forms_of_principal() {
        for (principal, role) in [
            ("arn:aws:sts::111122223333:assumed-role/guard-role/guard", Some("guard-role")),
            ("arn:aws:iam::111122223333:role/guard-role", Some("guard-role")),
            ("arn:aws:iam::111122223333:role/security/guard-role", Some("guard-role")),
            ("arn:aws:iam::111122223333:user/guard-role", None),
            ("arn:aws:iam::111122223333:root", None),
            ("guard-role", None),
        ] {
            assert_eq!(role_of(principal), role, "{principal}");
        }
    }
}
