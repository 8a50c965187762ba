//! The alarms: none rings, and each would tell the alert topic. One that has no data yet is well where nothing has happened
//! yet: those of the template take missing data for good, but for the one that misses a sweep.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>

use jiff::Timestamp;

use super::super::escape;
use super::stack::{Resource, Stack};
use super::{Part, Place, Row, Seen, of};

/// An alarm: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Whether it does anything when it begins to ring.
    pub is_enabled: bool,
    /// What it does then: ARNs, of topics and others.
    pub actions: Vec<String>,
    /// What the template says of it; it ends with where the runbook does.
    pub description: String,
}

/// What resources of this kind are called.
pub const KIND: &str = "AWS::CloudWatch::Alarm";
/// The one whose data must come.
const NO_SWEEP: &str = "NoSweepAlarm";
const PUT_BACK: &str = "deploy the stack again: RUNBOOK.md#tampering-watch";
/// What it waits for, in intervals of the sweep.
const KNOWS_AFTER: i32 = 3;

/// What they are measured by.
pub(super) struct Made<'a> {
    pub(super) resources: &'a [Resource],
    pub(super) stack: &'a Stack,
    /// The ARN of the topic of the alerts.
    pub(super) topic: &'a str,
}

pub(super) fn judge(by: &Made<'_>, alarms: &Seen<Vec<Alarm>>, place: Place<'_>, now: Timestamp) -> Vec<Row> {
    let made: Vec<&Resource> = by.resources.iter().filter(|it| it.kind == KIND && !it.physical.is_empty()).collect();
    let alarms = match alarms {
        Ok(alarms) => alarms,
        Err(failure) => return vec![Row::not_seen(Part::Alarms, "whether an alarm rings", failure)],
    };
    let mut without_data = 0;
    let sick: Vec<Row> = made
        .iter()
        .filter_map(|resource| {
            let Some(alarm) = alarms.iter().find(|alarm| alarm.name == resource.physical) else {
                return Some(Row::broken(Part::Alarms, format!("{} is gone", resource.logical), PUT_BACK));
            };
            let sick = look(&resource.logical, alarm, by, place, now);
            without_data += usize::from(sick.is_none() && alarm.state == "INSUFFICIENT_DATA");
            sick
        })
        .collect();
    if made.is_empty() {
        let todo = "deploy it again; --stack names the guard's stack";
        return vec![Row::broken(Part::Alarms, "the stack has no alarm", todo)];
    }
    let silent = match without_data {
        0 => String::new(),
        count => format!("; {count} without data yet"),
    };
    let well = of(made.len() - sick.len(), made.len(), "alarm", "alarms");
    let well = well.map(|well| Row::ok(Part::Alarms, format!("none rings: {well}{silent}")));
    well.into_iter().chain(sick).collect()
}

fn look(logical: &str, alarm: &Alarm, by: &Made<'_>, place: Place<'_>, now: Timestamp) -> Option<Row> {
    let stack = by.stack;
    let knows = || stack.age(now).is_some_and(|age| age > stack.interval().saturating_mul(KNOWS_AFTER));
    match alarm.state.as_str() {
        "ALARM" => {
            let section = section(&alarm.description).map(|section| format!("RUNBOOK.md#{section}"));
            let todo = section.unwrap_or_else(|| "look at why in CloudWatch".to_owned());
            Some(Row::broken(Part::Alarms, format!("{logical} rings"), todo))
        }
        // What it was given to do: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>
        _ if !alarm.actions.iter().any(|action| action == by.topic) => {
            let says = format!("{logical} does not tell the alert topic");
            Some(Row::broken(Part::Alarms, says, PUT_BACK))
        }
        _ if !alarm.is_enabled => {
            let name = format!("--alarm-names {}", escape::shell(&alarm.name));
            let enable = place.aws("cloudwatch enable-alarm-actions", &name);
            Some(Row::broken(Part::Alarms, format!("{logical} tells nobody: its actions are disabled"), enable))
        }
        "INSUFFICIENT_DATA" if logical == NO_SWEEP && knows() => {
            let todo = "RUNBOOK.md#alarm-no-sweep";
            Some(Row::warning(Part::Alarms, format!("{logical} has no data, and should have by now"), todo))
        }
        _ => None,
    }
}

/// Where the runbook tells of it, by its description.
fn section(description: &str) -> Option<&str> {
    let (_, section) = description.rsplit_once("RUNBOOK.md#")?;
    let is_one = !section.is_empty() && section.bytes().all(|it| it.is_ascii_lowercase() || it == b'-');
    is_one.then_some(section)
}
