//! The files in `events/`, read without a network: what each asks for, who made the call, and with what.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::event::{Event, EventError, parse};
use ecs_privileged_guard::domain::provenance::Provenance;

use super::readers::asks;

/// The account in which `sam local invoke` runs a function; see `events/README.md`.
pub(crate) const ACCOUNT: &str = "012345678912";
pub(crate) const REGION: &str = "us-east-1";

/// What the guard of one Region reads in a file.
struct Row {
    /// `guard-{case}.json`.
    case: &'static str,
    region: &'static str,
    /// What is asked for, or the category of the refusal.
    asks: &'static str,
    actor: &'static str,
    tool: &'static str,
}

/// A file that the guard of us-east-1 takes.
const fn row(case: &'static str, asks: &'static str, actor: &'static str, tool: &'static str) -> Row {
    Row { case, region: REGION, asks, actor, tool }
}

/// A file that the guard of that Region refuses, so it does not say who made the call.
const fn refused(case: &'static str, region: &'static str, asks: &'static str) -> Row {
    Row { case, region, asks, actor: "", tool: "" }
}

const JANE: &str = "IAMUser jane";
const CLI: &str = "AWS CLI";
const TERRAFORM: &str = "AssumedRole terraform, session github-actions-19321";
/// Of what is looked at because of a deregistration or a deployment: the event does not say who registered it.
const UNKNOWN: &str = "not known";

const ROWS: [Row; 33] = [
    row("assumed-role", "look web:15", "AssumedRole deploy, session build-4711", "an AWS SDK"),
    row("batch", "look render-job_3:1", "AssumedRole AWSServiceRoleForBatch, session aws-batch", "AWS Batch"),
    row(
        "cdk",
        "look ShopStackSearchTaskDefE2A0C8D7:3",
        "AssumedRole cdk-hnb659fds-cfn-exec-role-012345678912-us-east-1, session AWSCloudFormation",
        "CloudFormation (or CDK, SAM)",
    ),
    refused("china", REGION, "event_of_another_home: partition"),
    Row { region: "cn-north-1", ..row("china", "look web:12", JANE, CLI) },
    row("cli", "look web:12", JANE, CLI),
    row(
        "cloudformation",
        "look ordersService8F3A2B1C:7",
        "AssumedRole orders-stack, session AWSCloudFormation",
        "CloudFormation (or CDK, SAM)",
    ),
    row("codepipeline", "look web:13", "AssumedRole pipeline-web, session 1731312003451", "CodePipeline"),
    row("compliant", "compliant web:20", JANE, CLI),
    row("compliant-by-request", "compliant web:21", JANE, CLI),
    row(
        "console",
        "look builder:4",
        "AssumedRole AWSReservedSSO_PowerUser_0123456789abcdef, session jane@example.com",
        "AWS console",
    ),
    row("create-service", "look at prod/web", JANE, CLI),
    row("daemon", "look daemon node-agent:3, privileged agent", JANE, CLI),
    row("daemon-compliant", "compliant node-agent:4", JANE, CLI),
    row("deployment-completed", "look at prod/web for ecs-svc/4669201609102990671", "", UNKNOWN),
    row("deployment-failed", "look at prod/web for ecs-svc/4669201609102990671", "", UNKNOWN),
    row("deployment-in-progress", "look at prod/web for ecs-svc/4669201609102990671", "", UNKNOWN),
    row("deregister", "look latest of web", "", UNKNOWN),
    row("failed-call", "failed call web", JANE, CLI),
    row("github-action", "look web:14", "AssumedRole github-deploy, session GitHubActions", "GitHub action"),
    refused("govcloud", REGION, "event_of_another_home: partition"),
    Row { region: "us-gov-west-1", ..row("govcloud", "look web:12", JANE, CLI) },
    row("hidden-containers", "look web:19", JANE, CLI),
    row("identity-center", "look web:16", "IdentityCenterUser 544894e8-80c1-707f-60e3-3ba6510dfac1", CLI),
    row("omitted-arn", "look latest of web", JANE, CLI),
    row("omitted-members", "look web:17", JANE, CLI),
    refused("other-account", REGION, "event_of_another_home: account"),
    refused("other-region", REGION, "event_of_another_home: Region"),
    Row { region: "eu-central-1", ..row("other-region", "look web:12", JANE, CLI) },
    refused("scheduled", REGION, "event_of_another_kind: source \"aws.ecs\""),
    row("terraform", "look agent:31", TERRAFORM, "Terraform"),
    row("update-service", "look at prod/web", TERRAFORM, "Terraform"),
    row("update-service-failed", "failed call of what is not named", JANE, CLI),
];

/// The files, by case.
pub(crate) fn files() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        (name.strip_prefix("guard-").unwrap_or(name).to_owned(), fs::read_to_string(path).unwrap())
    });
    named.collect()
}

fn read(text: &str, region: &str) -> (String, Option<Provenance>) {
    match parse(text, &Home::new(region, ACCOUNT).unwrap()) {
        Ok(event) => {
            let asks = asks(&event);
            let provenance = match event {
                Event::NotOurs { .. } => None,
                Event::FailedCall { provenance, .. } | Event::Compliant { provenance, .. } => Some(provenance),
                Event::Look { provenance, event_id, .. } => {
                    assert!(event_id.is_some(), "the log names the event");
                    Some(provenance)
                }
            };
            (asks, provenance)
        }
        Err(error) => {
            let what = match &error {
                EventError::OtherHome(what) | EventError::OtherKind(what) | EventError::Lacks(what) => what,
                EventError::NotJson(_)
                | EventError::NotAnObject
                | EventError::Unusable { .. }
                | EventError::NamesNothing => "",
            };
            (format!("{}: {what}", error.category()), None)
        }
    }
}

#[test]
fn each_file_has_a_row_and_each_row_a_file() {
    let files = files();
    let mut cases: Vec<&str> = ROWS.iter().map(|row| row.case).collect();
    cases.dedup();
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), cases);
}

#[test]
fn each_file_asks_for_what_its_row_says() {
    let files = files();
    for Row { case, region, asks, actor, tool } in &ROWS {
        let (words, provenance) = read(&files[*case], region);
        assert_eq!(words, *asks, "{case} in {region}");
        let Some(provenance) = provenance else {
            assert_eq!((*actor, *tool), ("", ""), "{case} in {region} is refused");
            continue;
        };
        assert_eq!(provenance.actor_text().unwrap_or_default(), *actor, "{case}");
        assert_eq!(provenance.tool.as_str(), *tool, "{case}");
        assert_eq!(provenance.by_batch(), *case == "batch", "{case}");
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
#[test]
fn each_file_is_a_whole_event_with_an_id_of_its_own() {
    let mut ids = BTreeMap::new();
    for (case, text) in files() {
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["version"], "0", "{case}");
        for member in ["id", "detail-type", "source", "account", "time", "region"] {
            assert!(event[member].is_string(), "{case}: {member}");
        }
        assert!(event["resources"].is_array(), "{case}");
        assert!(event["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{case}");
        let id = event["id"].as_str().unwrap().to_owned();
        assert_eq!(ids.insert(id, case.clone()), None, "{case} shares its id");

        let detail = &event["detail"];
        if event["detail-type"] == "AWS API Call via CloudTrail" {
            assert_eq!(detail["recipientAccountId"], event["account"], "{case}");
            assert_eq!(detail["awsRegion"], event["region"], "{case}");
            assert_eq!(detail["readOnly"], false, "{case}");
            for member in ["eventID", "requestID", "eventVersion", "eventTime", "sourceIPAddress", "userAgent"] {
                assert!(detail[member].is_string(), "{case}: {member}");
            }
        }
    }
}
