//! The trails that log this Region, shadows of other Regions' and of an organization's trails included.

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{AdvancedFieldSelector, EventSelector, ReadWriteType, Trail as SdkTrail};

use super::Examiner;
use crate::aws::failure::call;
use crate::domain::pipe::Seen;
use crate::domain::pipe::trail::{Field, Selector, Selectors, Trail};

impl Examiner {
    /// Each trail that is in sight, with what it logs, as far as it says.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn trails(&self) -> Seen<Vec<Trail>> {
        let client = Client::new(&self.config);
        let listed = client.describe_trails().include_shadow_trails(true).send().await;
        let listed = listed.map_err(|error| call("cloudtrail:DescribeTrails", "*").failure(&error))?;
        let mut trails = Vec::new();
        for trail in listed.trail_list() {
            trails.push(looked_at(&client, trail).await);
        }
        Ok(trails)
    }
}

/// A shadow is known by its ARN only:
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>
async fn looked_at(client: &Client, trail: &SdkTrail) -> Trail {
    let arn = trail.trail_arn().unwrap_or_default();
    let status = client.get_trail_status().name(arn).send().await;
    let selectors = client.get_event_selectors().trail_name(arn).send().await;
    Trail {
        arn: arn.to_owned(),
        name: trail.name().unwrap_or(arn).to_owned(),
        home_region: trail.home_region().unwrap_or_default().to_owned(),
        is_multi_region: trail.is_multi_region_trail().unwrap_or_default(),
        is_logging: match status {
            Ok(status) => Ok(status.is_logging().unwrap_or_default()),
            Err(error) => Err(call("cloudtrail:GetTrailStatus", arn).failure(&error)),
        },
        selectors: match selectors {
            Ok(found) => Ok(Selectors {
                simple: found.event_selectors().iter().map(selector).collect(),
                advanced: found
                    .advanced_event_selectors()
                    .iter()
                    .map(|one| one.field_selectors().iter().map(field).collect())
                    .collect(),
            }),
            Err(error) => Err(call("cloudtrail:GetEventSelectors", arn).failure(&error)),
        },
    }
}

/// What it leaves out has a default: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
fn selector(shown: &EventSelector) -> Selector {
    Selector {
        management: shown.include_management_events().unwrap_or(true),
        read_write: shown.read_write_type().unwrap_or(&ReadWriteType::All).as_str().to_owned(),
        excluded: shown.exclude_management_event_sources().to_vec(),
    }
}

fn field(shown: &AdvancedFieldSelector) -> Field {
    let others = [shown.starts_with(), shown.ends_with(), shown.not_starts_with(), shown.not_ends_with()];
    Field {
        name: shown.field().to_owned(),
        equals: shown.equals().to_vec(),
        not_equals: shown.not_equals().to_vec(),
        has_more: others.iter().any(|texts| !texts.is_empty()),
    }
}
