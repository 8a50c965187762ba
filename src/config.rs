//! The environment, read once at the start through a look-up that is passed in. A wrong value stops the start with one
//! line that names the variable and what it may be; nothing has a silent default but what the contract lists.

use jiff::SignedDuration;

use crate::domain::arn::{ArnError, Home};
use crate::domain::document::OutputOnly;
use crate::domain::policy::{FamilyGlobs, GlobError, Mode, Policy, RoleName, RoleNameError};

/// A variable that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is needed and not set.
    #[error("{name} is not set: {wanted}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it may be.
        wanted: &'static str,
    },
    /// It is set to something else than it may be. The value is not shown: it may have been meant for another variable.
    #[error("{name} is not usable: {wanted}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it may be.
        wanted: String,
    },
}

/// What the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the operator decided.
    pub policy: Policy,
    /// The Region that Lambda runs in.
    pub region: String,
    /// The bucket for backups, records, exemptions.
    pub bucket: String,
    /// The ARN of the topic for alerts.
    pub topic: TopicArn,
    /// Where the operator's own instructions are.
    pub runbook_url: Option<String>,
    /// The function that the undo command invokes.
    pub backout_function: Option<String>,
    /// The name of the function that runs; Lambda sets it.
    pub function: Option<String>,
    /// Whether S3 is an endpoint of one's own, which wants the bucket in the path.
    pub path_style: bool,
}

/// The topic's ARN and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicArn {
    /// The whole ARN.
    pub arn: String,
    /// Its Region, which may be a central one.
    pub region: String,
    /// Its account, which may be a central one.
    pub account: String,
}

const MODES: &str = "alert, remediate or enforce";
const SETTLE: &str = "minutes, from 1 to 43200 (30 days)";
const SETTLE_MINUTES: u32 = 60;
/// No deployment of ECS takes longer:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>
const SETTLE_MINUTES_MAX: u32 = 43_200;
const BUCKET: &str =
    "the name of the bucket for backups and records (3 to 63 lower-case letters, digits, hyphens and dots)";
const TOPIC: &str = "the ARN of a standard SNS topic (arn:PARTITION:sns:REGION:ACCOUNT:NAME)";
const REGION: &str = "the Region that is guarded; Lambda sets it";
const ROLES: &str = "comma-separated names of the roles of guard and sweep";
const APPLY_ROLES: &str = "comma-separated names of the roles whose people may apply plans";

impl Settings {
    /// Reads the environment; an empty variable counts as not set.
    ///
    /// # Errors
    /// On the first variable that cannot be used.
    pub fn read(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| look_up(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let need = |name: &'static str, wanted| get(name).ok_or(ConfigError::Missing { name, wanted });
        let list = |name: &str| -> Vec<String> {
            let value = get(name).unwrap_or_default();
            value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let mode = match need("ENFORCEMENT_MODE", MODES)?.as_str() {
            "alert" => Mode::Alert,
            "remediate" => Mode::Remediate,
            "enforce" => Mode::Enforce,
            _ => return Err(invalid("ENFORCEMENT_MODE", MODES)),
        };
        let bucket = need("BACKUP_BUCKET", BUCKET)?;
        if !is_bucket_name(&bucket) {
            return Err(invalid("BACKUP_BUCKET", BUCKET));
        }
        let topic =
            TopicArn::parse(&need("ALERT_TOPIC_ARN", TOPIC)?).ok_or_else(|| invalid("ALERT_TOPIC_ARN", TOPIC))?;
        let roles = |name, wanted: &str| {
            let roles = list(name).iter().map(|role| role.parse()).collect::<Result<Vec<RoleName>, RoleNameError>>();
            roles.map_err(|error| invalid(name, &format!("{wanted}; {error}")))
        };
        need("GUARD_ROLES", ROLES)?;
        let guard_roles = roles("GUARD_ROLES", ROLES)?;
        if guard_roles.is_empty() {
            return Err(invalid("GUARD_ROLES", ROLES));
        }
        let remediate = match get("REMEDIATE_FAMILIES") {
            None => vec!["*".to_owned()],
            Some(_) => list("REMEDIATE_FAMILIES"),
        };
        // Commas alone would switch the guard off without a word.
        if remediate.is_empty() {
            return Err(invalid("REMEDIATE_FAMILIES", "comma-separated families, * for all"));
        }
        let exempt = list("EXEMPT_FAMILIES");
        let globs = |name, result: Result<FamilyGlobs, GlobError>| {
            result.map_err(|error| invalid(name, &format!("comma-separated families, * and ? allowed; {error}")))
        };
        let remediate_existing = match get("REMEDIATE_EXISTING").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("REMEDIATE_EXISTING", "true or false")),
        };
        let minutes = get("SETTLE_MINUTES").map_or(Ok(SETTLE_MINUTES), |minutes| minutes.parse::<u32>());
        let settle = match minutes {
            Ok(minutes @ 1..=SETTLE_MINUTES_MAX) => SignedDuration::from_mins(minutes.into()),
            Ok(_) | Err(_) => return Err(invalid("SETTLE_MINUTES", SETTLE)),
        };
        let policy = Policy {
            mode,
            guard_roles,
            apply_roles: roles("APPLY_ROLES", APPLY_ROLES)?,
            remediate_families: globs("REMEDIATE_FAMILIES", FamilyGlobs::new(remediate.iter().map(String::as_str)))?,
            makes_copies: true,
            remediate_existing,
            exempt_families: globs("EXEMPT_FAMILIES", FamilyGlobs::narrow(exempt.iter().map(String::as_str)))?,
            output_only: OutputOnly::new(members(list("OUTPUT_ONLY_MEMBERS"))?)
                .map_err(|error| invalid("OUTPUT_ONLY_MEMBERS", &error.to_string()))?,
            owner_tag_keys: list("OWNER_TAG_KEYS"),
            settle,
        };
        let runbook_url = get("RUNBOOK_URL");
        let is_link =
            |url: &String| url.starts_with("https://") && url.len() <= 300 && url.bytes().all(|b| b.is_ascii_graphic());
        if !runbook_url.iter().all(is_link) {
            return Err(invalid("RUNBOOK_URL", "an https:// address of at most 300 printable characters"));
        }
        let backout_function = get("BACKOUT_FUNCTION");
        let is_function =
            |name: &String| name.len() <= 170 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b));
        if !backout_function.iter().all(is_function) {
            return Err(invalid("BACKOUT_FUNCTION", "the name or ARN of a Lambda function"));
        }
        let region = need("AWS_REGION", REGION)?;
        Home::new(&region, &topic.account).map_err(|error| invalid("AWS_REGION", &format!("{REGION}; {error}")))?;
        Ok(Self {
            policy,
            region,
            bucket,
            topic,
            runbook_url,
            backout_function,
            function: get("AWS_LAMBDA_FUNCTION_NAME"),
            path_style: get("AWS_ENDPOINT_URL").or_else(|| get("AWS_ENDPOINT_URL_S3")).is_some(),
        })
    }

    /// The account and Region that are guarded. The account stands in the ARN under which Lambda invokes the function.
    ///
    /// Emulators put something else there; then the topic's account counts. On AWS the first case always applies:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
    ///
    /// # Errors
    /// When `AWS_REGION` is not a Region.
    pub fn home(&self, invoked_function_arn: &str) -> Result<Home, ArnError> {
        let of_function = || {
            let mut parts = invoked_function_arn.split(':').skip(2);
            match (parts.next(), parts.next(), parts.next()) {
                (Some("lambda"), Some(_), Some(account)) => Home::new(&self.region, account).ok(),
                _ => None,
            }
        };
        of_function().map_or_else(|| Home::new(&self.region, &self.topic.account), Ok)
    }
}

impl TopicArn {
    fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        match (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?) {
            ("arn", partition, "sns", region, account, name) => {
                let home = Home::new(region, account).ok()?;
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                let is_name = (1..=256).contains(&name.len()) && name.bytes().all(plain);
                (is_name && home.partition() == partition).then(|| Self {
                    arn: arn.to_owned(),
                    region: region.to_owned(),
                    account: account.to_owned(),
                })
            }
            _ => None,
        }
    }
}

/// Whether it could be a bucket's name: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
#[must_use]
pub fn is_bucket_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    (3..=63).contains(&name.len()) && name.bytes().all(plain)
}

fn members(names: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let is_member = |name: &String| name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match names.iter().all(is_member) {
        true => Ok(names),
        false => Err(invalid("OUTPUT_ONLY_MEMBERS", "comma-separated names of members, like registeredAt")),
    }
}

fn invalid(name: &'static str, wanted: &str) -> ConfigError {
    ConfigError::Invalid { name, wanted: wanted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("ENFORCEMENT_MODE", "remediate"),
        ("BACKUP_BUCKET", "guard-state"),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-west-1:444455556666:alerts"),
        ("GUARD_ROLES", "guard-role, sweep-role"),
        ("AWS_REGION", "eu-west-1"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let of = |pairs: &[(&str, &str)], name: &str| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read(|name| of(changes, name).or_else(|| of(&GOOD, name)))
    }

    #[test]
    fn the_contracts_defaults_hold() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.policy.mode, Mode::Remediate);
        assert!(settings.policy.remediate_families.match_family(&"anything".parse().unwrap()));
        assert!(!settings.policy.exempt_families.match_family(&"anything".parse().unwrap()));
        assert!(!settings.path_style);
        assert_eq!(settings.policy.settle, SignedDuration::from_hours(1));
        assert!(settings.policy.apply_roles.is_empty());
        assert_eq!(read(&[("APPLY_ROLES", "operator, on-call")]).unwrap().policy.apply_roles.len(), 2);
        assert_eq!(read(&[("SETTLE_MINUTES", "90")]).unwrap().policy.settle, SignedDuration::from_mins(90));
        assert!(read(&[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")]).unwrap().path_style);
    }

    #[test]
    fn each_mode_is_read_as_it_says_itself() {
        for mode in [Mode::Alert, Mode::Remediate, Mode::Enforce] {
            assert_eq!(read(&[("ENFORCEMENT_MODE", mode.as_str())]).unwrap().policy.mode, mode);
        }
    }

    #[test]
    fn what_is_allowed_is_taken_up_to_its_length_and_not_beyond() {
        let topic = |length| format!("arn:aws:sns:eu-west-1:444455556666:{}", "a".repeat(length));
        let url = |length: usize| format!("https://{}", "a".repeat(length - 8));
        for (name, taken, refused) in [
            ("BACKUP_BUCKET", "a.1".to_owned(), "ab".to_owned()),
            ("BACKUP_BUCKET", "a-".repeat(31) + "a", "a-".repeat(32)),
            ("BACKUP_BUCKET", "guard-state.1".to_owned(), "guard_state".to_owned()),
            ("ALERT_TOPIC_ARN", topic(256), topic(257)),
            ("ALERT_TOPIC_ARN", topic(1) + "-_A1", topic(0)),
            ("RUNBOOK_URL", url(300), url(301)),
            ("BACKOUT_FUNCTION", "x".repeat(170), "x".repeat(171)),
            (
                "BACKOUT_FUNCTION",
                "arn:aws:lambda:eu-west-1:111122223333:function:back-out_1".to_owned(),
                "back out".to_owned(),
            ),
            ("OUTPUT_ONLY_MEMBERS", "a".repeat(64), "a".repeat(65)),
            ("SETTLE_MINUTES", "1".to_owned(), "0".to_owned()),
            ("SETTLE_MINUTES", "43200".to_owned(), "43201".to_owned()),
            ("REMEDIATE_EXISTING", "true".to_owned(), "yes".to_owned()),
        ] {
            assert!(read(&[(name, &taken)]).is_ok(), "{name}={taken}");
            assert!(read(&[(name, &refused)]).is_err(), "{name}={refused}");
        }
        assert!(read(&[("REMEDIATE_EXISTING", "true")]).unwrap().policy.remediate_existing);
        assert!(!read(&[("REMEDIATE_EXISTING", "false")]).unwrap().policy.remediate_existing);
    }

    #[test]
    fn a_wrong_value_stops_the_start_and_the_line_names_the_variable() {
        for (name, value) in [
            ("ENFORCEMENT_MODE", ""),
            ("ENFORCEMENT_MODE", "Remediate"),
            ("ENFORCEMENT_MODE", "observe"),
            ("SETTLE_MINUTES", "1h"),
            ("BACKUP_BUCKET", ""),
            ("BACKUP_BUCKET", "s3://state"),
            ("ALERT_TOPIC_ARN", "alerts"),
            ("ALERT_TOPIC_ARN", "arn:aws-cn:sns:eu-west-1:444455556666:alerts"),
            ("GUARD_ROLES", " , "),
            ("GUARD_ROLES", "arn:aws:iam::1:role/x"),
            ("APPLY_ROLES", "arn:aws:iam::1:role/x"),
            ("EXEMPT_FAMILIES", "*"),
            ("REMEDIATE_FAMILIES", "we b"),
            ("REMEDIATE_FAMILIES", ","),
            ("OUTPUT_ONLY_MEMBERS", "a.b"),
            ("OUTPUT_ONLY_MEMBERS", "volumes"),
            ("RUNBOOK_URL", "http://x"),
            ("BACKOUT_FUNCTION", "x; rm -rf"),
            ("AWS_REGION", ""),
            ("AWS_REGION", "EU WEST"),
        ] {
            let line = read(&[(name, value)]).unwrap_err().to_string();
            assert!(line.starts_with(name) && !line.contains('\n'), "{name}={value}: {line}");
        }
        assert!(read(&[("ENFORCEMENT_MODE", "off")]).unwrap_err().to_string().contains("alert, remediate or enforce"));
    }

    #[test]
    fn the_account_is_the_functions_own() {
        let settings = read(&[]).unwrap();
        let of = |arn: &str| settings.home(arn).unwrap().account().to_owned();
        assert_eq!(of("arn:aws:lambda:eu-west-1:111122223333:function:guard"), "111122223333");
        assert_eq!(of("function-arn"), "444455556666", "an emulator's word is no ARN");
    }
}
