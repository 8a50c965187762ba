//! The rules of EventBridge: those that hand registrations, services and deployments to the guard, and those that tell of
//! tampering, straight to the topic. A rule must be enabled, keep its target, and be let in by the target.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html>

use serde_json::Value;
use wildmatch::WildMatch;

use super::super::arn::Home;
use super::super::escape;
use super::functions::{Function, GUARD};
use super::row::folded;
use super::{Part, Place, Row, Seen, is_gone, of};

/// A rule that the stack has made.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name in the template.
    pub logical: String,
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub described: Seen<Described>,
    /// The ARNs of its targets.
    pub targets: Seen<Vec<String>>,
}

/// What a rule says of itself.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html>
#[derive(Debug, Clone)]
pub struct Described {
    /// Its ARN.
    pub arn: String,
    /// `ENABLED`, `DISABLED`, or enabled for events that only read, too.
    pub state: String,
    /// What it waits for.
    pub pattern: String,
}

/// The rule without which nothing happens. Of it alone the pattern is compared: those of others name what the stack made.
const REGISTRATIONS: &str = "Rule";
/// What it waits for in `template.yaml`.
pub(super) const WAITS_FOR: &str = r#"{
    "source": ["aws.ecs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["ecs.amazonaws.com"],
        "eventName": ["RegisterTaskDefinition", "RegisterDaemonTaskDefinition"]
    }
}"#;
/// Those that begin so tell the topic, and the others the guard.
const OF_TAMPERING: &str = "Tampered";
const ENABLED: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];
const PUT_BACK: &str = "a deployment that changes the rule puts it back: RUNBOOK.md#tampering-rules";

pub(super) fn judge(rules: &[Rule], functions: &[Function], topic: &str, place: Place<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if !rules.iter().any(|rule| rule.logical == REGISTRATIONS) {
        let todo = "deploy it again; --stack names the guard's stack";
        rows.push(Row::broken(Part::Rules, "the stack has no rule for registrations", todo));
    }
    let guard = functions.iter().find(|function| function.logical == GUARD);
    let sick: Vec<Row> = rules.iter().filter_map(|rule| sick(rule, guard, topic, place)).collect();
    let well = of(rules.len() - sick.len(), rules.len(), "rule", "rules");
    rows.extend(well.map(|well| Row::ok(Part::Rules, format!("enabled, with their targets: {well}"))));
    rows.extend(folded(sick));
    rows
}

/// What is wrong with it: the first thing only, since whatever puts that right is a reason to look again.
fn sick(rule: &Rule, guard: Option<&Function>, topic: &str, place: Place<'_>) -> Option<Row> {
    let Rule { logical, name, .. } = rule;
    let broken = |says: &str, todo: &str| Some(Row::broken(Part::Rules, format!("{logical} {says}"), todo));
    let described = match &rule.described {
        Ok(described) => described,
        Err(failure) if is_gone(failure) => return broken("is gone", PUT_BACK),
        Err(failure) => return Some(Row::not_seen(Part::Rules, logical, failure)),
    };
    if !ENABLED.contains(&described.state.as_str()) {
        let enable = place.aws("events enable-rule", &format!("--name {}", escape::shell(name)));
        return broken(&format!("is {}", described.state), &enable);
    }
    if logical == REGISTRATIONS && !waits_for_registrations(&described.pattern) {
        return broken("may miss registrations: its pattern is not the template's", PUT_BACK);
    }
    let targets = match &rule.targets {
        Ok(targets) => targets,
        Err(failure) if is_gone(failure) => return broken("is gone", PUT_BACK),
        Err(failure) => return Some(Row::not_seen(Part::Rules, &format!("the targets of {logical}"), failure)),
    };
    if logical.starts_with(OF_TAMPERING) {
        return match targets.iter().any(|target| target == topic) {
            true => None,
            false => broken("does not tell the alert topic", PUT_BACK),
        };
    }
    // Where there is no function, its own row says so.
    let guard = guard.filter(|guard| !guard.state.as_ref().is_err_and(is_gone))?;
    if !targets.iter().any(|target| target.ends_with(&format!(":function:{}", guard.name))) {
        return broken("does not start the guard: its target is not there", PUT_BACK);
    }
    match guard.policy.as_ref()? {
        Ok(policy) if lets_in(policy.as_deref().unwrap_or_default(), &described.arn, place.home) => None,
        Ok(_) => {
            let permit = format!(
                "--function-name {} --statement-id {logical} --action lambda:InvokeFunction --principal \
                 events.amazonaws.com --source-arn {}",
                escape::shell(&guard.name),
                escape::shell(&described.arn)
            );
            let permit = place.aws("lambda add-permission", &permit);
            broken("may not start the guard: the function's policy does not let it in", &permit)
        }
        Err(failure) => Some(Row::not_seen(Part::Rules, &format!("whether {logical} may start the guard"), failure)),
    }
}

/// Whether it lets through all that the template's does, for all that is known: an operator, even one that would let more
/// through, is taken for one that lets less.
fn waits_for_registrations(pattern: &str) -> bool {
    let parse = |pattern| serde_json::from_str::<Value>(pattern).unwrap_or_default();
    let pattern = parse(pattern);
    // What is empty asks for nothing, and would be as wide as can be; but it is none.
    pattern.pointer("/detail/eventName").is_some() && is_as_wide(&pattern, &parse(WAITS_FOR))
}

/// Members must all match, of the values in a list one is enough: a member more is narrower, and so is a value less.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html>
fn is_as_wide(pattern: &Value, template: &Value) -> bool {
    match (pattern, template) {
        (Value::Object(pattern), Value::Object(template)) => {
            pattern.iter().all(|(name, asked)| template.get(name).is_some_and(|ours| is_as_wide(asked, ours)))
        }
        (Value::Array(pattern), Value::Array(template)) => template.iter().all(|value| pattern.contains(value)),
        (_, _) => false,
    }
}

/// Whether a statement of the function's policy lets EventBridge start it for this rule. A condition that is not known is
/// taken for one that does not hold.
/// <https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
fn lets_in(policy: &str, rule: &str, home: &Home) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = one_or_many(policy.get("Statement"));
    statements.iter().any(|statement| {
        let service = statement.get("Principal").and_then(|principal| principal.get("Service"));
        let is_eventbridge = one_or_many(service).iter().any(|name| *name == "events.amazonaws.com");
        let actions = one_or_many(statement.get("Action"));
        let may_invoke = actions.iter().filter_map(|action| action.as_str()).any(|action| {
            let action = action.to_ascii_lowercase();
            WildMatch::new(&action).matches("lambda:invokefunction")
        });
        let is_allowed = statement.get("Effect").is_some_and(|effect| effect == "Allow");
        is_allowed && is_eventbridge && may_invoke && conditions_hold(statement.get("Condition"), rule, home)
    })
}

fn conditions_hold(conditions: Option<&Value>, rule: &str, home: &Home) -> bool {
    let Some(conditions) = conditions else { return true };
    let operators = conditions.as_object().into_iter().flatten();
    operators.into_iter().all(|(operator, keys)| {
        let is_known = ["ArnLike", "ArnEquals", "StringLike", "StringEquals"].contains(&operator.as_str());
        is_known
            && keys.as_object().into_iter().flatten().all(|(key, values)| {
                let value = match key.to_ascii_lowercase().as_str() {
                    "aws:sourcearn" => rule,
                    "aws:sourceaccount" => home.account(),
                    _ => return false,
                };
                let patterns = one_or_many(Some(values));
                patterns.iter().filter_map(|it| it.as_str()).any(|pattern| match operator.as_str() {
                    // To the letter, an asterisk too.
                    "StringEquals" => pattern == value,
                    _ => WildMatch::new(pattern).matches(value),
                })
            })
    })
}

/// Policies leave out the brackets around what is alone.
fn one_or_many(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
        None => Vec::new(),
    }
}
