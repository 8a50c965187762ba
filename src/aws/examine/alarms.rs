//! Alarms, by their names.

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};

use super::Examiner;
use crate::aws::failure::call;
use crate::domain::pipe::Seen;
use crate::domain::pipe::alarms::Alarm;

/// As many as CloudWatch takes at a time.
const NAMES_MAX: usize = 100;

impl Examiner {
    /// Those of these alarms that are there. CloudWatch passes over names that it does not know.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn alarms(&self, names: &[String]) -> Seen<Vec<Alarm>> {
        let client = aws_sdk_cloudwatch::Client::new(&self.config);
        let mut alarms = Vec::new();
        // Without names it would describe every alarm of the account.
        for names in names.chunks(NAMES_MAX) {
            let request = client.describe_alarms().alarm_types(AlarmType::MetricAlarm).max_records(100);
            let answer = request.set_alarm_names(Some(names.to_vec())).send().await;
            let call = || call("cloudwatch:DescribeAlarms", self.arn("cloudwatch", "alarm:*"));
            let answer = answer.map_err(|error| call().failure(&error))?;
            alarms.extend(answer.metric_alarms.into_iter().flatten().map(|it| Alarm {
                state: it.state_value().map(StateValue::as_str).unwrap_or_default().to_owned(),
                is_enabled: it.actions_enabled().unwrap_or(true),
                actions: it.alarm_actions().to_vec(),
                description: it.alarm_description().unwrap_or_default().to_owned(),
                name: it.alarm_name.unwrap_or_default(),
            }));
        }
        Ok(alarms)
    }
}
