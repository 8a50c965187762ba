//! How a run ended, in numbers: one line in CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::document::Described;
use super::outcome::Outcome;
use super::report::Report;

/// The namespace of the contract.
pub const NAMESPACE: &str = "EcsPrivilegedGuard";

/// The metrics of a run, by their names in the contract.
#[must_use]
pub fn of_report(report: &Report, now: Timestamp) -> Vec<(&'static str, f64)> {
    let withdrawn = report.made.iter().filter(|copy| copy.withdrawn.is_some()).count();
    let is_found = !matches!(report.outcome, Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive);
    let mut metrics = vec![("Found", f64::from(u8::from(is_found)))];
    metrics.push(match report.outcome {
        Outcome::Remediated => ("Remediated", 1.0),
        Outcome::AlreadyRemediated => ("AlreadyRemediated", 1.0),
        Outcome::Superseded => ("Superseded", 1.0),
        Outcome::Exempt => ("ExemptionUsed", 1.0),
        Outcome::Failed => ("Failed", 1.0),
        Outcome::Alerted | Outcome::UnfaithfulCopyWithdrawn => ("Alerted", 1.0),
        Outcome::FailedRegistration | Outcome::Compliant | Outcome::Inactive => ("Alerted", 0.0),
    });
    if withdrawn > 0 {
        metrics.push(("Withdrawn", u32::try_from(withdrawn).map_or(f64::MAX, f64::from)));
    }
    let registered_at = report.original().and_then(Described::registered_at);
    if let (Outcome::Remediated, Some(registered_at)) = (report.outcome, registered_at) {
        metrics.push(("SecondsToRemedy", now.duration_since(registered_at).as_secs_f64().max(0.0)));
    }
    metrics
}

/// The line for the log. What is named twice, of a revision and of its services, is summed: a name stands there once.
#[must_use]
pub fn line(service: &str, mode: &str, metrics: &[(&'static str, f64)], now: Timestamp) -> String {
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    for (name, value) in metrics {
        match sums.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((name, *value)),
        }
    }
    let metrics = sums;
    let unit = |name: &str| match name {
        "SecondsToRemedy" => "Seconds",
        _ => "Count",
    };
    let definitions: Vec<Value> = metrics.iter().map(|(name, _)| json!({ "Name": name, "Unit": unit(name) })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["service", "mode"]], "Metrics": definitions },
            ],
        }),
    );
    line.insert("service".into(), json!(service));
    line.insert("mode".into(), json!(mode));
    line.extend(metrics.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_line_has_its_value_beside_it() {
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let line: Value =
            serde_json::from_str(&line("guard", "alert", &[("Found", 1.0), ("SecondsToRemedy", 2.5)], now)).unwrap();
        let definition = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(definition["Namespace"], NAMESPACE);
        let metrics = definition["Metrics"].as_array().unwrap();
        let units = metrics.iter().map(|metric| metric["Unit"].as_str().unwrap());
        assert_eq!(units.collect::<Vec<_>>(), ["Count", "Seconds"]);
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_number());
        }
        for dimension in definition["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string());
        }
    }

    /// A line has each name once; a second value would hide the first.
    #[test]
    fn what_is_counted_of_a_revision_and_of_its_services_is_summed() {
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let metrics = [("Failed", 1.0), ("Found", 1.0), ("Failed", 2.0)];
        let line: Value = serde_json::from_str(&line("guard", "enforce", &metrics, now)).unwrap();
        assert_eq!((&line["Failed"], &line["Found"]), (&json!(3.0), &json!(1.0)));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len(), 2);
    }
}
