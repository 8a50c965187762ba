//! The policy that denies privileged registrations before they happen, with the exemptions that the guard knows. It
//! asks the same verdict as the guard; it writes no policy anywhere.
//!
//! `ecs:privileged` is a key of the request, of type String, for both registrations; the family is in the resource:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html>.
//! Containers are in neither, so an exempt family passes with any of its containers; which of them are exempt, the guard
//! judges afterwards.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::arn::{Family, Home};
use super::exemption::{self, Basis, Exemption, Found, Unreadable, Verdict};
use super::keys;
use super::policy::FamilyGlobs;

/// Backout brings originals back, so a deny that meets everybody spares its role. The path is the template's; the name
/// `CloudFormation` makes of the stack's, the resource's and a random part.
pub const BACKOUT_ROLES: &str = "arn:*:iam::*:role/ecs-privileged-guard/*-BackoutRole-*";

/// Who deploys guards where service-managed `StackSets` do; whoever else does is added by hand:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-custom-execution-role.html>.
pub const DEPLOYING_ROLES: &str = "arn:*:iam::*:role/stacksets-exec-*";

/// What only they may make, change, delete and hand on: or whoever may make roles would make one that is spared, and
/// whoever may change them would take the guard's rights, or the denies in them, away. `StackSets` makes its own as a
/// service-linked role, which a service control policy does not meet:
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>.
const MAKING: [&str; 10] = [
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:AttachRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PassRole",
];
const GUARDS_ROLES: &str = "arn:*:iam::*:role/ecs-privileged-guard/*";

/// Where the policy is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a root, an organizational unit or an account. It meets everybody there, backout too.
    ServiceControl,
    /// To the users and roles who register task definitions. Backout's role does not get it.
    Managed,
}

impl Kind {
    /// How many characters AWS takes. A service control policy's were 5,120 until May 2026.
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>,
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    #[must_use]
    pub fn length_max(self) -> usize {
        match self {
            Self::ServiceControl => 10_240,
            Self::Managed => 6_144,
        }
    }

    /// The characters that AWS counts: IAM leaves out white space.
    fn length(self, text: &str) -> usize {
        match self {
            Self::ServiceControl => text.len(),
            Self::Managed => text.chars().filter(|c| !c.is_whitespace()).count(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ServiceControl => "service control policy",
            Self::Managed => "managed policy",
        }
    }
}

/// The exemptions of one account and Region.
#[derive(Debug, Clone)]
pub struct Exempted {
    /// Where they hold.
    pub home: Home,
    /// The families that are exempt for good there.
    pub exempt_families: FamilyGlobs,
    /// What was found under the exemptions' keys.
    pub found: Vec<(Family, Found)>,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreventionError {
    /// An exemption that cannot be read is never taken for none.
    #[error("{key} cannot be relied on, so nobody knows whom a deny would meet: {why}")]
    Unreadable {
        /// The exemption's key in the bucket.
        key: String,
        /// What is wrong with it.
        why: Unreadable,
    },
    /// AWS would refuse it.
    #[error(
        "with these exemptions the {kind} has {length} characters, and AWS takes {}: attach one to each account, or \
         exempt families together by a glob in EXEMPT_FAMILIES", kind.length_max(), kind = kind.name()
    )]
    TooLong {
        /// Which kind was asked for.
        kind: Kind,
        /// Its length as AWS counts.
        length: usize,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: String,
    effect: &'static str,
    action: &'static [&'static str],
    #[serde(flatten)]
    on: On,
    condition: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
enum On {
    Resource(Vec<String>),
    NotResource(Vec<String>),
}

/// Both ways to a privileged container.
const REGISTRATIONS: [&str; 2] = ["ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"];

/// The policy at `now`, as text: everybody is denied to register privileged containers, but for the families that are
/// exempt. An exemption with an end is denied again from its end on, by a statement of its own, so that a policy which
/// nobody writes anew does not go on exempting.
///
/// # Errors
/// When an exemption cannot be read, or AWS would not take a policy of that length.
pub fn policy_for(kind: Kind, exempted: &[Exempted], now: Timestamp) -> Result<String, PreventionError> {
    // By the second in which they end.
    let (mut exempt, mut ending) = (Vec::new(), BTreeMap::<i64, Vec<String>>::new());
    for Exempted { home, exempt_families, found } in exempted {
        exempt.extend(exempt_families.globs().iter().map(|glob| revisions_of(home, glob)));
        for (family, found) in found {
            let named = containers_named(found);
            match exemption::verdict(exempt_families, family, &named, found, now) {
                // Its glob is in the list.
                Verdict::Exempt(Basis::Family) => {}
                Verdict::Exempt(Basis::Until(end)) | Verdict::Partly { until: end, .. } => {
                    let family = revisions_of(home, family.as_str());
                    exempt.push(family.clone());
                    ending.entry(end.as_second()).or_default().push(family);
                }
                Verdict::NotExempt(_) => {}
                Verdict::Unreadable(why) => {
                    return Err(PreventionError::Unreadable { key: keys::exemption(home, family), why });
                }
            }
        }
    }
    let on = match exempt.is_empty() {
        true => On::Resource(vec!["*".to_owned()]),
        false => On::NotResource(sorted(exempt)),
    };
    let mut statement = vec![deny(kind, "NoPrivilege".to_owned(), &REGISTRATIONS, on, None)];
    for (end, families) in ending {
        let end = Timestamp::from_second(end).unwrap_or(now);
        let sid = end.strftime("Until%Y%m%dT%H%M%SZ").to_string();
        // A daemon's task definition is never exempt.
        statement.push(deny(kind, sid, &REGISTRATIONS[..1], On::Resource(sorted(families)), Some(end)));
    }
    match kind {
        Kind::ServiceControl => statement.push(only_deployers_make_roles()),
        Kind::Managed => {}
    }
    let document = Document { version: "2012-10-17", statement };
    // Nothing in it can fail to be written.
    let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
    match kind.length(&text) {
        length if length > kind.length_max() => Err(PreventionError::TooLong { kind, length }),
        _ => Ok(text),
    }
}

fn deny(kind: Kind, sid: String, action: &'static [&'static str], on: On, from: Option<Timestamp>) -> Statement {
    let key = |name, value: &str| BTreeMap::from([(name, value.to_owned())]);
    let mut condition = BTreeMap::from([("StringEquals", key("ecs:privileged", "true"))]);
    match kind {
        Kind::ServiceControl => _ = condition.insert("ArnNotLike", key("aws:PrincipalArn", BACKOUT_ROLES)),
        Kind::Managed => {}
    }
    if let Some(from) = from {
        let from = from.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        condition.insert("DateGreaterThanEquals", key("aws:CurrentTime", &from));
    }
    Statement { sid, effect: "Deny", action, on, condition }
}

fn only_deployers_make_roles() -> Statement {
    Statement {
        sid: "OnlyDeployersMakeTheGuardsRoles".to_owned(),
        effect: "Deny",
        action: &MAKING,
        on: On::Resource(vec![GUARDS_ROLES.to_owned(), DEPLOYING_ROLES.to_owned()]),
        condition: BTreeMap::from([("ArnNotLike", BTreeMap::from([("aws:PrincipalArn", DEPLOYING_ROLES.to_owned())]))]),
    }
}

/// A family, or a glob of families; neither can hold a colon.
fn revisions_of(home: &Home, family: &str) -> String {
    home.ecs_arn(&format!("task-definition/{family}:*"))
}

/// The containers that an exemption speaks of: the question is whether it holds at all.
fn containers_named(found: &Found) -> Vec<String> {
    match found {
        Found::Object { text, .. } => Exemption::read(text).map(|it| it.containers).unwrap_or_default(),
        Found::Nothing | Found::Unreadable(_) => Vec::new(),
    }
}

fn sorted(mut resources: Vec<String>) -> Vec<String> {
    resources.sort_unstable();
    resources.dedup();
    resources
}
