//! What an operator asks for: one JSON object, typed by hand at three in the morning. What is wrong with it is said in
//! words, and a member that is misspelled is wrong too: `dryrun` must not be a run.

use super::super::arn::{Home, TaskDefinitionArn, TaskDefinitionId};
use super::super::escape::plain;
use super::super::json::{Json, Malformed, Member, Value};
use super::refusal::{Refusal, Refused};

/// How long an exemption holds when the request does not say.
const DAYS_DEFAULT: i64 = 30;
/// As long as an exemption may hold.
const DAYS_MAX: i64 = 90;
/// Longer texts are not reasons.
pub(super) const TEXT_MAX: usize = 500;
const MEMBERS: [&str; 6] = ["taskDefinition", "reason", "approvedBy", "expiresInDays", "replace", "dryRun"];

/// A valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The original or its copy.
    pub named: TaskDefinitionId,
    /// Why.
    pub reason: String,
    /// Who approved it, by the caller's word.
    pub approved_by: String,
    /// For how many days the exemption is to hold.
    pub days: i64,
    /// Whether an exemption that is there may be shortened and narrowed.
    pub replace: bool,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

/// The input is no JSON object, so there is nobody who could have meant a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// Not JSON.
    #[error("the input is {0}; expected {LIKE}")]
    NotJson(Malformed),
    /// JSON, but no object.
    #[error("the input is not a JSON object; expected {LIKE}")]
    NotAnObject,
}

const LIKE: &str = r#"an object like {"taskDefinition":"web:12","reason":"…","approvedBy":"…"}"#;

impl Request {
    /// Reads a request for this account and Region.
    ///
    /// # Errors
    /// `NotARequest` when it is no JSON object; the inner refusal when it is one that is not a valid request.
    pub fn read(payload: &str, home: &Home) -> Result<Result<Self, Refused>, NotARequest> {
        let json = Json::parse(payload).map_err(NotARequest::NotJson)?;
        Ok(Self::of(&json.members().ok_or(NotARequest::NotAnObject)?, home))
    }

    /// Whether what is perhaps no valid request asks for a dry run all the same.
    #[must_use]
    pub fn asks_for_a_dry_run(payload: &str) -> bool {
        let members = Json::parse(payload).ok().and_then(Json::members).unwrap_or_default();
        members.iter().any(|member| member.is("dryRun") && member.value.as_str() == "true")
    }

    fn of(members: &[Member], home: &Home) -> Result<Self, Refused> {
        let invalid = |message: String| Refused { why: Refusal::InvalidRequest, message };
        if let Some(unknown) = members.iter().find(|member| !MEMBERS.iter().any(|known| member.is(known))) {
            let name = unknown.written_name.trim_matches('"');
            return Err(invalid(format!(
                "\"{}\" is not a member of a request; these are: {}",
                plain(name),
                MEMBERS.join(", ")
            )));
        }
        // Of two values one would be passed over, and it may be the one that was meant.
        let is_twice = |name: &&str| members.iter().filter(|member| member.is(name)).nth(1).is_some();
        if let Some(name) = MEMBERS.into_iter().find(is_twice) {
            return Err(invalid(format!("{name} is given twice")));
        }
        let given = |name: &str| members.iter().find(|member| member.is(name)).map(|member| member.value);
        let text = |name: &str| match given(name).and_then(Json::text) {
            Some(text) if !text.trim().is_empty() && text.chars().count() <= TEXT_MAX => Ok(text.trim().to_owned()),
            Some(_) | None => Err(invalid(format!("{name} must be a text of 1 to {TEXT_MAX} characters"))),
        };
        let flag = |name: &str| match given(name).map(Json::value) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Object(_)) => {
                Err(invalid(format!("{name} must be true or false")))
            }
        };
        let days = match given("expiresInDays").map(Json::as_str) {
            None | Some("null") => DAYS_DEFAULT,
            Some(days) => days
                .parse()
                .ok()
                .filter(|days| (1..=DAYS_MAX).contains(days))
                .ok_or_else(|| invalid(format!("expiresInDays must be a whole number from 1 to {DAYS_MAX}")))?,
        };
        Ok(Self {
            named: named(given("taskDefinition").and_then(Json::text).unwrap_or_default().trim(), home)?,
            reason: text("reason")?,
            approved_by: text("approvedBy")?,
            days,
            replace: flag("replace")?,
            dry_run: flag("dryRun")?,
        })
    }
}

fn named(text: &str, home: &Home) -> Result<TaskDefinitionId, Refused> {
    let invalid = || Refused {
        why: Refusal::InvalidRequest,
        message: "taskDefinition must be family:revision, like web:12, or the ARN of a task definition".into(),
    };
    if !text.starts_with("arn:") {
        return text.parse().map_err(|_| invalid());
    }
    let arn: TaskDefinitionArn = text.parse().map_err(|_| invalid())?;
    match arn.home == *home {
        true => Ok(arn.id),
        false => Err(Refused {
            why: Refusal::OtherHome,
            message: format!(
                "the task definition is not of account {}, Region {}: invoke the function of its own",
                home.account(),
                home.region()
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        Home::new("eu-west-1", "111122223333").unwrap()
    }

    fn with(members: &str) -> Result<Request, Refused> {
        let given = [("taskDefinition", "web:12"), ("reason", "app breaks"), ("approvedBy", "jane")];
        let given = given.iter().filter(|(name, _)| !members.contains(&format!("\"{name}\":")));
        let given: Vec<String> = given.map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
        let all = format!("{{{}{members}}}", given.join(",")).replace("{,", "{");
        Request::read(&all, &home()).unwrap()
    }

    #[test]
    fn what_is_absent_has_the_documented_default() {
        let request = with("").unwrap();
        assert_eq!((request.days, request.replace, request.dry_run), (30, false, false));
        assert_eq!(with(r#","expiresInDays":90,"replace":true,"dryRun":true"#).unwrap().days, 90);
        assert_eq!(with(r#","expiresInDays":null,"replace":null,"dryRun":null"#).unwrap(), request);
        assert_eq!(with(r#","reason":" app breaks ","taskDefinition":" web:12 ""#).unwrap(), request);
        let arn = r#"{"taskDefinition":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12","reason":"r","approvedBy":"a"}"#;
        assert_eq!(Request::read(arn, &home()).unwrap().unwrap().named, request.named);
    }

    #[test]
    fn what_is_wrong_is_refused_in_words() {
        for (members, word) in [
            (r#","expiresInDays":0"#, "1 to 90"),
            (r#","expiresInDays":91"#, "1 to 90"),
            (r#","expiresInDays":1000"#, "1 to 90"),
            (r#","expiresInDays":1.5"#, "1 to 90"),
            (r#","expiresInDays":"30""#, "1 to 90"),
            (r#","dryrun":true"#, "dryRun"),
            (r#","dryRun":"yes""#, "true or false"),
            (r#","dryRun":{"$serde_json::private::RawValue":"true"}"#, "true or false"),
            (r#","dryRun":true,"dryRun":false"#, "twice"),
            (r#","taskDefinition":"web:12","task\u0044efinition":"api:1""#, "twice"),
            (r#","reason":"\ud800""#, "reason"),
            (r#","replace":1"#, "true or false"),
            (r#","reason":"""#, "reason"),
            (r#","reason":7"#, "reason"),
            (r#","approvedBy":"  ""#, "approvedBy"),
            (r#","taskDefinition":"web""#, "family:revision"),
            (r#","taskDefinition":"web:0""#, "family:revision"),
            (r#","taskDefinition":"arn:aws:ecs:eu-west-1:111122223333:service/web""#, "family:revision"),
            (r#","taskDefinition":null"#, "taskDefinition"),
        ] {
            let refused = with(members).unwrap_err();
            assert_eq!(refused.why, Refusal::InvalidRequest, "{members}");
            assert!(refused.message.contains(word), "{members}: {}", refused.message);
        }
        let long = format!(r#","reason":"{}""#, "x".repeat(501));
        assert!(with(&long).is_err());
        for elsewhere in ["eu-west-2:111122223333", "eu-west-1:999922223333"] {
            let members = format!(r#","taskDefinition":"arn:aws:ecs:{elsewhere}:task-definition/web:12""#);
            assert_eq!(with(&members).unwrap_err().why, Refusal::OtherHome);
        }
        assert_eq!(Request::read("{}", &home()).unwrap().unwrap_err().why, Refusal::InvalidRequest);
    }

    #[test]
    fn what_is_no_object_is_no_request() {
        for payload in ["", "[]", "null", "\"web:12\"", "{", "7"] {
            assert!(Request::read(payload, &home()).is_err(), "{payload}");
        }
    }

    #[test]
    fn a_text_may_be_as_long_as_the_documentation_says() {
        let of = |letters: usize| with(&format!(r#","reason":"{}""#, "ä".repeat(letters)));
        assert_eq!(of(500).unwrap().reason.chars().count(), 500);
        assert!(of(501).is_err());
    }

    /// What is no valid request must not be answered as a run where a dry run was meant.
    #[test]
    fn a_dry_run_is_known_in_what_is_no_valid_request_too() {
        for (payload, is_dry) in [
            (r#"{"dryRun":true}"#, true),
            (r#"{"taskDefinition":7,"dry\u0052un":true,"more":1}"#, true),
            (r#"{"dryRun":false,"dryRun":true}"#, true),
            (r#"{"dryRun":false,"replace":true}"#, false),
            (r#"{"dryRun":"true"}"#, false),
            (r#"{"dryrun":true}"#, false),
            ("{}", false),
            ("[true]", false),
            ("{", false),
        ] {
            assert_eq!(Request::asks_for_a_dry_run(payload), is_dry, "{payload}");
        }
    }
}
