//! The alarms: none rings, and each would tell somebody. One that has no data yet is well where nothing has happened yet:
//! those of the template take missing data for good, but for the one that misses a sweep.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>

use jiff::Timestamp;

use super::super::arn::Home;
use super::super::escape;
use super::stack::{Resource, Stack};
use super::{Part, Row, Seen, of};

/// An alarm: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Whether it tells anybody.
    pub has_actions: bool,
    /// What the template says of it; it ends with where the runbook does.
    pub description: String,
}

/// What resources of this kind are called.
pub const KIND: &str = "AWS::CloudWatch::Alarm";
/// The one whose data must come.
const NO_SWEEP: &str = "NoSweepAlarm";
/// What it waits for, in intervals of the sweep.
const KNOWS_AFTER: i32 = 3;

pub(super) fn judge(
    resources: &[Resource],
    alarms: &Seen<Vec<Alarm>>,
    stack: &Stack,
    home: &Home,
    now: Timestamp,
) -> Vec<Row> {
    let made: Vec<&Resource> = resources.iter().filter(|it| it.kind == KIND).collect();
    let alarms = match alarms {
        Ok(alarms) => alarms,
        Err(failure) => return vec![Row::not_seen(Part::Alarms, "whether an alarm rings", failure)],
    };
    let mut without_data = 0;
    let sick: Vec<Row> = made
        .iter()
        .filter_map(|resource| {
            let Some(alarm) = alarms.iter().find(|alarm| alarm.name == resource.physical) else {
                let todo = "deploy the stack again: RUNBOOK.md#tampering-watch";
                return Some(Row::broken(Part::Alarms, format!("{} is gone", resource.logical), todo));
            };
            without_data += usize::from(alarm.state == "INSUFFICIENT_DATA");
            look(&resource.logical, alarm, stack, home, now)
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

fn look(logical: &str, alarm: &Alarm, stack: &Stack, home: &Home, now: Timestamp) -> Option<Row> {
    let knows = || stack.age(now).is_some_and(|age| age > stack.interval().saturating_mul(KNOWS_AFTER));
    match alarm.state.as_str() {
        "ALARM" => {
            let section = section(&alarm.description).map(|section| format!("RUNBOOK.md#{section}"));
            let todo = section.unwrap_or_else(|| "look at why in CloudWatch".to_owned());
            Some(Row::broken(Part::Alarms, format!("{logical} rings"), todo))
        }
        _ if !alarm.has_actions => {
            let enable = format!(
                "aws cloudwatch enable-alarm-actions --region {} --alarm-names {}",
                home.region(),
                escape::shell(&alarm.name)
            );
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
