//! Where we are and which task definition is meant: parsed once, never checked again further in.
//! Shows a task definition as `web:12`; it does not know what stands in one.
//!
//! Formats: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html> (family).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not what it should be. Holds what was expected, never the text itself: it may come from anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// Not `arn:partition:service:region:account:resource`.
    #[error("not an ARN of an ECS task definition (arn:PARTITION:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION)")]
    Shape,
    /// An account that is not twelve digits.
    #[error("not an AWS account id (twelve digits)")]
    Account,
    /// A Region of another form than `us-east-1`.
    #[error("not an AWS Region (letters, digits and hyphens, like us-east-1)")]
    Region,
    /// A partition that is not the Region's.
    #[error("of another partition than its Region (aws-cn in China, aws-us-gov in GovCloud, aws elsewhere)")]
    Partition,
    /// Not 1 to 255 letters, digits, hyphens and underscores.
    #[error("not a task definition family (1 to 255 letters, digits, hyphens and underscores)")]
    Family,
    /// Not a whole number from 1 to 2147483647.
    #[error("not a task definition revision (a whole number from 1 to 2147483647, without leading zeros)")]
    Revision,
    /// Not the ARN of a daemon task definition.
    #[error(
        "not an ARN of an ECS daemon task definition (arn:PARTITION:ecs:REGION:ACCOUNT:daemon-task-definition/FAMILY:REVISION)"
    )]
    Daemon,
    /// Not `service/CLUSTER/NAME`, or a name that ECS does not give.
    #[error(
        "not an ECS service with its cluster (an ARN with service/CLUSTER/NAME; letters, digits, hyphens and underscores)"
    )]
    Service,
}

/// The account, Region and partition that something belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    partition: &'static str,
    region: String,
    account: String,
}

impl Home {
    /// From a Region's name and a twelve-digit account id. The partition follows from the Region's name.
    ///
    /// # Errors
    /// When either is malformed.
    pub fn new(region: &str, account: &str) -> Result<Self, ArnError> {
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ArnError::Account);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || region.len() > 40 || !region.bytes().all(plain) {
            return Err(ArnError::Region);
        }
        Ok(Self { partition: partition_of(region), region: region.to_owned(), account: account.to_owned() })
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, …
    #[must_use]
    pub fn partition(&self) -> &'static str {
        self.partition
    }

    /// The Region's name, like `us-east-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The twelve digits of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The ARN of an ECS resource here, `resource` being like `task-definition/web:12`.
    #[must_use]
    pub fn ecs_arn(&self, resource: &str) -> String {
        format!("arn:{}:ecs:{}:{}:{resource}", self.partition, self.region, self.account)
    }
}

/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn partition_of(region: &str) -> &'static str {
    match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        r if r.starts_with("us-iso-") => "aws-iso",
        r if r.starts_with("us-isob-") => "aws-iso-b",
        r if r.starts_with("eu-isoe-") => "aws-iso-e",
        r if r.starts_with("us-isof-") => "aws-iso-f",
        r if r.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// A task definition family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Family(String);

impl Family {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family's revision of that number.
    #[must_use]
    pub fn revision(&self, revision: Revision) -> TaskDefinitionId {
        TaskDefinitionId { family: self.clone(), revision }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Family {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match (1..=255).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(ArnError::Family),
        }
    }
}

impl From<Family> for String {
    fn from(family: Family) -> Self {
        family.0
    }
}

impl TryFrom<String> for Family {
    type Error = ArnError;

    fn try_from(text: String) -> Result<Self, ArnError> {
        text.parse()
    }
}

/// The number of a revision, from 1. Numbers of a family only grow, and have no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u64")]
pub struct Revision(u32);

impl Revision {
    /// From a number.
    ///
    /// # Errors
    /// When it is 0 or above 2147483647.
    pub fn new(number: u64) -> Result<Self, ArnError> {
        match u32::try_from(number) {
            Ok(number) if number > 0 && i32::try_from(number).is_ok() => Ok(Self(number)),
            Ok(_) | Err(_) => Err(ArnError::Revision),
        }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Revision {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ArnError::Revision);
        }
        text.parse().map_err(|_| ArnError::Revision).and_then(Self::new)
    }
}

impl From<Revision> for u32 {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

impl TryFrom<u64> for Revision {
    type Error = ArnError;

    fn try_from(number: u64) -> Result<Self, ArnError> {
        Self::new(number)
    }
}

/// A family and a revision, shown as `web:12`. Safe in a shell, an S3 key and a mail: it is validated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TaskDefinitionId {
    /// The family.
    pub family: Family,
    /// The revision's number.
    pub revision: Revision,
}

impl fmt::Display for TaskDefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.revision)
    }
}

impl FromStr for TaskDefinitionId {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let (family, revision) = text.split_once(':').ok_or(ArnError::Shape)?;
        Ok(Self { family: family.parse()?, revision: revision.parse()? })
    }
}

impl From<TaskDefinitionId> for String {
    fn from(id: TaskDefinitionId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TaskDefinitionId {
    type Error = ArnError;

    fn try_from(text: String) -> Result<Self, ArnError> {
        text.parse()
    }
}

/// The ARN of a task definition: where it is, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDefinitionArn {
    /// Where it is.
    pub home: Home,
    /// Which it is.
    pub id: TaskDefinitionId,
}

impl fmt::Display for TaskDefinitionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.home.ecs_arn(&format!("task-definition/{}", self.id)))
    }
}

impl FromStr for TaskDefinitionArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let (home, resource) = ecs_resource(text)?;
        let id = resource.strip_prefix("task-definition/").ok_or(ArnError::Shape)?;
        Ok(Self { home, id: id.parse()? })
    }
}

/// Splits the ARN of any ECS resource into where it is and the rest, like `cluster/prod`.
///
/// # Errors
/// When the text is not such an ARN, or its partition is not the Region's.
pub fn ecs_resource(text: &str) -> Result<(Home, &str), ArnError> {
    let mut parts = text.splitn(6, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(partition), Some("ecs"), Some(region), Some(account), Some(resource)) => {
            let home = Home::new(region, account)?;
            match home.partition == partition {
                true => Ok((home, resource)),
                false => Err(ArnError::Partition),
            }
        }
        _ => Err(ArnError::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_survives_the_way_there_and_back() {
        for text in [
            "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12",
            "arn:aws-cn:ecs:cn-north-1:111122223333:task-definition/web_a-B:1",
            "arn:aws-us-gov:ecs:us-gov-west-1:111122223333:task-definition/web:2147483647",
        ] {
            assert_eq!(text.parse::<TaskDefinitionArn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn each_region_is_in_its_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(Home::new(region, "111122223333").unwrap().partition(), partition, "{region}");
        }
    }

    #[test]
    fn what_is_not_quite_an_arn_is_refused_with_what_was_expected() {
        for (text, error) in [
            ("", ArnError::Shape),
            ("web:12", ArnError::Shape),
            ("arn:aws:s3:eu-west-1:111122223333:task-definition/web:12", ArnError::Shape),
            ("arn:aws:ecs:eu-west-1:111122223333:daemon-task-definition/web:12", ArnError::Shape),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web", ArnError::Shape),
            ("arn:aws-cn:ecs:eu-west-1:111122223333:task-definition/web:12", ArnError::Partition),
            ("arn:aws:ecs:EU WEST:111122223333:task-definition/web:12", ArnError::Region),
            ("arn:aws:ecs:eu-west-1:11112222333x:task-definition/web:12", ArnError::Account),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/a/b:12", ArnError::Family),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web\0:12", ArnError::Family),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:0", ArnError::Revision),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:012", ArnError::Revision),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:9223372036854775808", ArnError::Revision),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:+1", ArnError::Revision),
            ("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:", ArnError::Revision),
        ] {
            assert_eq!(text.parse::<TaskDefinitionArn>().unwrap_err(), error, "{text:?}");
        }
        assert_eq!("a".repeat(256).parse::<Family>().unwrap_err(), ArnError::Family);
        assert!("a".repeat(255).parse::<Family>().is_ok());
    }
}
