"""What an operator is given: alarms, tamper alerts, the dashboard, the emergency stops, and outputs that are commands."""

import functools
import json
import pathlib
import re
import shlex
import subprocess
import tomllib

import pytest

from iam import resolved
from test_moto import passes, recipes
from samtranslator.yaml_helper import yaml_parse
from test_template import FUNCTIONS, MODES, SOURCE, allowed, expanded, listed, matches, rules, statements

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = {path: path.read_text() for path in (ROOT / "src").rglob("*.rs")}


# Metrics.

@functools.cache
def emitted():
    """Which of our metrics each function writes, by the code."""
    def names(*paths):
        found = set()
        for path in paths:
            # Not what the tests in the file expect.
            text = SOURCES[ROOT / "src" / path].split("#[cfg(test)]")[0]
            found |= set(re.findall(r'(?:\(|insert\(|entry\()"([A-Z][A-Za-z]+)"(?:, |\))', text))
        return found
    revision, move = names("domain/metrics.rs"), names("domain/moves/report.rs")
    telling = SOURCES[ROOT / "src/reconcile/sweep/tell.rs"]
    assert 'metrics.remove("SecondsToRemedy")' in telling
    return {"guard": revision | move | names("lambda/guard.rs"),
            "sweep": (revision | move | names("lambda/sweep.rs", "reconcile/sweep/tell.rs")) - {"SecondsToRemedy"},
            "backout": names("lambda/backout.rs")}


def test_what_is_read_out_of_the_code_is_the_contracts_list():
    readme = (ROOT / "README.md").read_text()
    listing = re.search(r"Metrics are in the namespace `EcsPrivilegedGuard`, by `service` and `mode`: (.*?)\. `SweepCompleted`", readme).group(1)
    assert set().union(*emitted().values()) == set(re.findall(r"`(\w+)`", listing))
    metrics = SOURCES[ROOT / "src/domain/metrics.rs"]
    assert 'NAMESPACE: &str = "EcsPrivilegedGuard"' in metrics and '"Dimensions": [["service", "mode"]]' in metrics


# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
OF_AWS = {
    ("AWS/Lambda", "FunctionName"): {"Errors", "Throttles", "Duration", "AsyncEventAge", "DestinationDeliveryFailures"},
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible"},
    ("AWS/Events", "RuleName"): {"InvocationsFailedToBeSentToDlq"},
    ("AWS/SNS", "TopicName"): {"NumberOfMessagesPublished", "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed",
                               "NumberOfNotificationsFilteredOut"},
}
OWNERS = {"AWS/Lambda": "AWS::Lambda::Function", "AWS/SQS": "AWS::SQS::Queue", "AWS/Events": "AWS::Events::Rule", "AWS/SNS": "AWS::SNS::Topic"}


def is_real(resources, namespace, metric, dimensions):
    """Whether somebody writes such a metric, and what it is asked of is in the stack."""
    if namespace == "EcsPrivilegedGuard":
        assert set(dimensions) <= {"service", "mode"} and dimensions.get("mode", MODES[0]) in MODES
        return any(metric in metrics for service, metrics in emitted().items() if dimensions.get("service", service) == service)
    [(dimension, value)] = dimensions.items()
    return metric in OF_AWS[(namespace, dimension)] and resources[value]["Type"] == OWNERS[namespace]


def named(node):
    """The logical id of the resource that a dimension's value is of."""
    match node:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return name
    return node


def of_alarm(properties):
    """The metrics of an alarm."""
    for it in [q["MetricStat"]["Metric"] for q in properties.get("Metrics", []) if "MetricStat" in q] or [properties]:
        yield it["Namespace"], it["MetricName"], {d["Name"]: named(d["Value"]) for d in it["Dimensions"]}


@pytest.mark.parametrize("mode", MODES)
def test_every_alarm_is_on_a_metric_that_somebody_writes(mode):
    resources = expanded(EnforcementMode=mode)
    alarms = {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert len(alarms) == 11
    for name, alarm in alarms.items():
        assert all(is_real(resources, *metric) for metric in of_alarm(alarm)), name


def dashboard(**parameters):
    resources = expanded(**parameters)
    text, values = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    # As Fn::Sub does it: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html
    text = text.replace("${Nobody}", (values["Nobody"] or {"Fn::Sub": ""})["Fn::Sub"])
    text = re.sub(r"\$\{(\w[\w.:]*)\}", lambda it: it[1].split(".")[0], text).replace("${!", "${")
    return resources, json.loads(text)["widgets"]


def searched(expression):
    pattern = r"""SEARCH\('\{(\w+),service,mode\} MetricName="(\w+)"(?: service="(\w+)")?', '(Sum|p50|p99)', 300\)"""
    namespace, metric, service, stat = re.fullmatch(pattern, expression).groups()
    return namespace, metric, {"service": service} if service else {}, stat


def test_every_metric_of_the_dashboard_is_one_that_somebody_writes():
    resources, widgets = dashboard()
    seen, stats = set(), set()
    for widget in widgets:
        for line in widget["properties"].get("metrics", []):
            if len(line) == 1:
                namespace, metric, dimensions, stat = searched(line[0]["expression"])
                stats.add((metric, stat))
            else:
                namespace, metric, dimension, value, _ = line
                dimensions = {dimension: value}
            assert is_real(resources, namespace, metric, dimensions), line
            seen.add(metric)
    assert {("SecondsToRemedy", "p50"), ("SecondsToRemedy", "p99")} <= stats
    assert {"Found", "Remediated", "Failed", "Moved", "RolledBack", "SweepCompleted", "SweepRevisionsRead", "MissedByEvent",
            "ApproximateNumberOfMessagesVisible", "Errors", "Throttles"} <= seen


@pytest.mark.parametrize("topic", ["", "arn:aws:sns:eu-west-1:444455556666:central"])
def test_the_dashboard_shows_every_alarm_and_overlaps_nowhere(topic):
    resources, widgets = dashboard(AlertTopicArn=topic)
    [alarms] = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert sorted(alarms) == sorted(name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm")
    cells = [(x, y) for w in widgets for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) == 23
    assert "Dashboard" not in expanded(CreateDashboard="false")


# Tampering.

TAMPERED = {name: r["Properties"] for name, r in SOURCE["Resources"].items() if name.startswith("Tampered")}
TOPIC = "arn:aws:sns:eu-west-1:111122223333:" + "t" * 80
STACK_ID = "0a1b2c3d-1a2b-3c4d-5e6f-0123456789ab"
CENTRAL_KEY = "arn:aws:kms:eu-west-1:111122223333:key/9876fedc-12ab-34cd-56ef-1234567890ab"
FUNCTION_ARN = "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:"


def values():
    """What the template's names stand for; each of the length that AWS allows, for the pattern has a limit too."""
    of = {"AWS::StackName": "s" * 128, "AWS::StackId": f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{'s' * 128}/{STACK_ID}",
          "SweepSchedule": "schedule-".ljust(64, "1"), "Key": "1234abcd-12ab-34cd-56ef-1234567890ab", "Bucket": "b" * 63,
          "Topic": TOPIC, "AlertTopicArn": TOPIC}
    for name, r in SOURCE["Resources"].items():
        if r["Type"] in ("AWS::Events::Rule", "AWS::Serverless::Function"):
            of[name] = f"stack-{name}-".ljust(64, "1")
            of[f"{name}.Arn"] = FUNCTION_ARN + of[name]
        if r["Type"] == "AWS::SQS::Queue":
            of[name] = "https://sqs.cn-northwest-1.amazonaws.com.cn/111122223333/" + f"stack-{name}-".ljust(80, "1")
    named = {"Rule": "registrations", "ServiceRule": "services", "DeploymentRule": "deployments", "TamperedRules": "tampered-rules"}
    return of | {name: f"{prefix}-{STACK_ID}" for name, prefix in named.items()}


V = values()


@functools.cache
def pattern_of(name, mode="enforce", **parameters):
    # Fn::Sub leaves $LATEST alone: it has no braces.
    return resolved(expanded(EnforcementMode=mode, **parameters)[name]["Properties"]["EventPattern"], V)


def call(service, what, /, error=None, **parameters):
    host = f"{service}.amazonaws.com"
    detail = {"eventVersion": "1.11", "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/a/b"},
              "eventTime": "2026-11-24T08:00:00Z", "eventSource": host, "eventName": what, "sourceIPAddress": "198.51.100.17",
              "requestParameters": parameters, "responseElements": None, "eventID": "474cc777-ebe4-5497-87d0-e75a7fd2ea6b"}
    if error:
        detail["errorCode"] = error
    return {"version": "0", "source": f"aws.{service}", "detail-type": "AWS API Call via CloudTrail", "detail": detail}


def told_by(event, mode="enforce", **parameters):
    return [name for name in TAMPERED if matches(pattern_of(name, mode, **parameters), event)]


def stored(kind, key, bucket=None):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"""
    return {"version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": kind, "source": "aws.s3", "account": "111122223333",
            "time": "2026-11-24T08:00:00Z", "region": "eu-west-1", "detail": {
                "version": "0", "bucket": {"name": bucket or V["Bucket"]}, "object": {"key": key, "version-id": "IYV3p45BT0ac8hjHg1houSdS1a"},
                "request-id": "N4N7GDK58NMKJ12R", "requester": "111122223333", "source-ip-address": "198.51.100.17", "reason": "PutObject"}}


# Members as CloudTrail has them: the pages that the template cites. RemoveTargets and PutTargets name `rule`, as the
# API does: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
TELLING = [
    *(("TamperedRules", call("events", name, name=V[rule])) for name in ("PutRule", "DisableRule", "DeleteRule")
      for rule in ("Rule", "ServiceRule", "DeploymentRule", "TamperedFunctions", "TamperedBucket", "TamperedAlerts", "TamperedTrail", "TamperedObjects",
                   "TamperedWatch")),
    *(("TamperedRules", call("events", name, rule=V["Rule"], ids=["guard"])) for name in ("PutTargets", "RemoveTargets")),
    *(("TamperedFunctions", call("lambda", name, functionName=V["Guard"])) for name in (
        "UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2", "DeleteFunction20150331",
        "PutFunctionConcurrency20171031", "DeleteFunctionConcurrency20171031", "AddPermission20150331v2",
        "RemovePermission20150331v2", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig",
        "DeleteFunctionEventInvokeConfig")),
    *(("TamperedFunctions", call("lambda", "UpdateFunctionCode20150331v2", functionName=name)) for name in (
        V["Sweep"], V["Backout"], V["Sweep"] + ":$LATEST", V["Backout"] + ":$LATEST", FUNCTION_ARN + V["Guard"], FUNCTION_ARN + V["Guard"] + ":$LATEST",
        "111122223333:function:" + V["Guard"], V["Guard"] + ":$LATEST")),
    # Versions and aliases: the stack has none, and a policy of theirs lets others run the same code in the same role.
    *(("TamperedFunctions", call("lambda", name, functionName=V["Backout"])) for name in ("PublishVersion20150331", "CreateAlias20150331")),
    *(("TamperedFunctions", call("lambda", name, resourceArn=FUNCTION_ARN + V[function] + qualifier))
      for name in ("PutResourcePolicy", "PutResourcePolicy20260709", "DeleteResourcePolicy", "DeleteResourcePolicy20260709")
      for function in ("Guard", "Sweep", "Backout") for qualifier in ("", ":$LATEST", ":1", ":live")),
    *(("TamperedBucket", call("s3", name, bucketName=V["Bucket"])) for name in (
        "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketVersioning", "PutBucketLifecycle", "PutBucketReplication",
        "PutBucketEncryption", "DeleteBucketEncryption", "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "DeleteBucket",
        "DeleteBucketReplication", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "PutBucketAcl", "PutBucketNotification")),
    *(("TamperedAlerts", call("kms", name, keyId=key)) for name in ("DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy", "CreateGrant")
      for key in (V["Key"], f"arn:aws:kms:eu-west-1:111122223333:key/{V['Key']}")),
    *(("TamperedAlerts", call("sns", name, topicArn=V["Topic"])) for name in ("SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe")),
    *(("TamperedAlerts", call("sns", name, subscriptionArn=V["Topic"] + ":5be8f5a5-cc0d-4b4e-8b0e-0123456789ab")) for name in (
        "Unsubscribe", "SetSubscriptionAttributes")),
    *(("TamperedTrail", call("cloudtrail", name, name="trail")) for name in ("StopLogging", "DeleteTrail", "UpdateTrail")),
    ("TamperedTrail", call("cloudtrail", "PutEventSelectors", trailName="trail")),
    *(("TamperedWatch", call("events", name, name=V["TamperedRules"])) for name in ("PutRule", "DisableRule", "DeleteRule")),
    *(("TamperedWatch", call("events", name, rule=V["TamperedRules"])) for name in ("PutTargets", "RemoveTargets")),
    *(("TamperedWatch", call("scheduler", name, name=V["SweepSchedule"])) for name in ("UpdateSchedule", "DeleteSchedule")),
    *(("TamperedWatch", call("monitoring", name, alarmNames=["another", V["AWS::StackName"] + "-NoSweepAlarm-1ABC"]))
      for name in ("DeleteAlarms", "DisableAlarmActions")),
    ("TamperedWatch", call("monitoring", "PutMetricAlarm", alarmName=V["AWS::StackName"] + "-NoSweepAlarm-1ABC")),
    # Whatever it says of the alarms, and however.
    *(("TamperedWatch", call("monitoring", "PutAlarmMuteRule", name="night", **targets))
      for targets in ({}, {"muteTargets": {"alarmNames": [V["AWS::StackName"] + "-NoSweepAlarm-1ABC"]}})),
    *(("TamperedWatch", call("sqs", name, queueUrl=V[queue])) for name in ("SetQueueAttributes", "DeleteQueue", "PurgeQueue")
      for queue, r in SOURCE["Resources"].items() if r["Type"] == "AWS::SQS::Queue"),
]


def test_each_way_to_tamper_is_told_by_its_rule_and_no_other():
    for rule, event in TELLING:
        assert told_by(event) == [rule], event


def test_every_name_of_every_rule_is_tried():
    def names(node):
        match node:
            case dict():
                for key, value in node.items():
                    yield from value if key == "eventName" else names(value)
            case list():
                for value in node:
                    yield from names(value)
    for rule in set(TAMPERED) - {"TamperedObjects"}:
        said, tried = list(names(pattern_of(rule))), {event["detail"]["eventName"] for one, event in TELLING if one == rule}
        for one in said:
            assert any(matches([one], name) for name in tried), (rule, one)
        for name in tried:
            assert matches(said, name), (rule, name)


def test_what_others_do_what_failed_and_what_only_reads_is_not_told():
    other = call("lambda", "UpdateFunctionCode20150331v2", functionName="stack-Other-1ABC")
    for event in (
        other,
        call("lambda", "UpdateFunctionCode20150331v2", functionName=V["Guard"] + "-2"),
        call("lambda", "GetFunction20150331v2", functionName=V["Guard"]),
        call("lambda", "GetResourcePolicy", resourceArn=FUNCTION_ARN + V["Guard"]),
        call("lambda", "PutResourcePolicy", resourceArn=FUNCTION_ARN + "stack-Other-1ABC"),
        call("lambda", "PutResourcePolicy", resourceArn=FUNCTION_ARN + V["Guard"] + "-2"),
        call("lambda", "PutResourcePolicy", error="PreconditionFailedException", resourceArn=FUNCTION_ARN + V["Guard"]),
        call("lambda", "PublishVersion20150331", functionName="stack-Other-1ABC"),
        call("lambda", "UpdateFunctionCode20150331v2", error="AccessDeniedException", functionName=V["Guard"]),
        call("events", "DisableRule", name="another"),
        call("events", "EnableRule", name=V["Rule"]),
        call("events", "RemoveTargets", rule="another", ids=["guard"]),
        call("s3", "PutBucketPolicy", bucketName="another"),
        call("s3", "PutBucketPolicy", error="AccessDenied", bucketName=V["Bucket"]),
        call("kms", "DisableKey", keyId="another"),
        call("sns", "SetTopicAttributes", topicArn=V["Topic"] + "-2"),
        call("sns", "DisableKey", keyId=V["Key"]),
        call("cloudtrail", "StopLogging", error="TrailNotFoundException", name="trail"),
        call("cloudtrail", "StartLogging", name="trail"),
        call("sns", "Unsubscribe", subscriptionArn=V["Topic"] + "-2:5be8f5a5-cc0d-4b4e-8b0e-0123456789ab"),
        call("sns", "Subscribe", topicArn="another"),
        call("kms", "CreateGrant", keyId=CENTRAL_KEY),
        call("scheduler", "DeleteSchedule", name="another"),
        call("monitoring", "DeleteAlarms", alarmNames=["another"]),
        call("monitoring", "DeleteAlarmMuteRule", alarmMuteRuleName="night"),
        call("monitoring", "PutAlarmMuteRule", error="AccessDenied", name="night"),
        call("monitoring", "SetAlarmState", alarmName=V["AWS::StackName"] + "-NoSweepAlarm-1ABC"),
        call("sqs", "PurgeQueue", queueUrl="another"),
        call("sqs", "ReceiveMessage", queueUrl=V["FailureQueue"]),
    ):
        assert told_by(event) == [], event


PLANTED, GONE = stored("Object Created", "exemptions/111122223333/eu-west-1/web.json"), stored("Object Deleted", "backups/111122223333/eu-west-1/web/1.json")


def test_an_exemption_that_is_planted_and_a_backup_that_is_deleted_are_told_without_a_trail():
    exemption, backup = PLANTED["detail"]["object"]["key"], GONE["detail"]["object"]["key"]
    for event in (PLANTED, GONE, stored("Object Deleted", exemption)):
        assert told_by(event) == ["TamperedObjects"]
    for event in (stored("Object Created", backup), stored("Object Created", "reports/a"), stored("Object Deleted", "sweeps/a"),
                  stored("Object Created", exemption, "another"), stored("Object Deleted", backup, "another")):
        assert told_by(event) == [], event
    assert expanded()["Bucket"]["Properties"]["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_a_key_with_quotes_in_it_does_not_break_the_alert_that_tells_of_it():
    told = message("TamperedObjects", stored("Object Created", 'exemptions/"},"severity":"info'))
    assert told["severity"] == "critical" and told["content"]["description"].startswith(
        "Object Created by 111122223333 from 198.51.100.17 at 2026-11-24T08:00:00Z, S3 request N4N7GDK58NMKJ12R.")
    assert passes(recipes()[0], told)


def test_the_key_of_a_topic_that_exists_already_is_watched_too():
    given = {"AlertTopicArn": V["Topic"], "AlertTopicKeyArn": CENTRAL_KEY}
    for key in (CENTRAL_KEY, CENTRAL_KEY.rsplit("/", 1)[1], V["Key"]):
        assert told_by(call("kms", "PutKeyPolicy", keyId=key), **given) == ["TamperedAlerts"]


def test_rules_that_are_not_in_the_mode_are_not_watched():
    assert told_by(call("events", "DisableRule", name=V["ServiceRule"]), "remediate") == []
    assert told_by(call("events", "DisableRule", name=V["Rule"]), "alert") == ["TamperedRules"]


def test_a_pattern_is_no_longer_than_eventbridge_takes():
    """2,048 characters: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""
    for name in TAMPERED:
        for given in ({}, {"AlertTopicArn": V["Topic"], "AlertTopicKeyArn": CENTRAL_KEY}):
            assert len(json.dumps(pattern_of(name, **given), separators=(",", ":"))) <= 2048, name


def message(name, event, rules=TAMPERED):
    """What is published: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""
    [target] = rules[name]["Targets"]
    transformer = target["InputTransformer"]
    text = resolved(transformer["InputTemplate"], {"AWS::AccountId": "111122223333", "AWS::Region": "eu-west-1"})
    for variable, path in transformer["InputPathsMap"].items():
        value = event
        for part in path.removeprefix("$.").split("."):
            value = value.get(part, {})
        text = text.replace(f"<{variable}>", value or "")
    assert not re.search(r"<\w+>", text) and len(text) < 8192
    return json.loads(text)


def test_a_tamper_alert_is_read_by_people_by_chats_and_by_the_pagers_filter():
    pager, team, audit = recipes()
    for rule, event in TELLING:
        told = message(rule, event)
        assert [passes(policy, told) for policy in (pager, team, audit)] == [True, False, False]
        assert (told["version"], told["source"], told["content"]["textType"]) == ("1.0", "custom", "client-markdown")
        assert len(told["content"]["title"]) <= 250 and len(told["content"]["description"]) <= 8000
        name = event["detail"]["eventName"]
        assert told["content"]["description"].startswith(
            f"{name} by arn:aws:sts::111122223333:assumed-role/a/b from 198.51.100.17 at 2026-11-24T08:00:00Z, ")
        assert told["content"]["description"].endswith(" RUNBOOK.md#" + TAMPERED[rule]["Description"].rsplit("#")[1])


def test_the_pager_is_told_of_alarms_too():
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"""
    pager, team, audit = recipes()
    body = {"AlarmName": "stack-NoSweepAlarm-1ABC", "AlarmDescription": "", "NewStateValue": "ALARM", "OldStateValue": "OK"}
    assert [passes(policy, body) for policy in (pager, team, audit)] == [True, False, False]
    assert not passes(pager, {"severity": "info", "family": "web"})


@pytest.mark.parametrize("topic", ["", "arn:aws:sns:eu-west-1:444455556666:central"])
def test_tamper_alerts_go_straight_to_the_topic_and_what_cannot_be_published_is_kept(topic):
    resources = expanded(AlertTopicArn=topic)
    for name in TAMPERED:
        [target] = resources[name]["Properties"]["Targets"]
        assert resources[name]["Properties"]["State"] == "ENABLED"
        assert target["Arn"] == (topic or {"Ref": "Topic"}) and target["RoleArn"] == {"Fn::GetAtt": ["TamperRole", "Arn"]}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["TamperDeadLetterQueue", "Arn"]}}
    assert allowed(resources, "TamperRole") == {"sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"}
    [publishes] = [s for s in statements(resources, "TamperRole") if s["Sid"] == "Alerts"]
    assert publishes["Resource"] == (topic or {"Ref": "Topic"})
    queue = resources["TamperDeadLetterQueue"]["Properties"]
    assert queue == {"MessageRetentionPeriod": 14 * 24 * 3600, "SqsManagedSseEnabled": True}  # not the key that it tells of
    [sends] = resources["TamperDeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": [{"Fn::GetAtt": [name, "Arn"]} for name in TAMPERED]}}


# The same in the account of the topic that an organization shares.

CENTRAL = yaml_parse((ROOT / "policies/central.yaml").read_text())["Resources"]


def test_the_central_template_tells_what_the_guards_own_cannot_see():
    resources = CENTRAL
    rule, buckets = resources["TamperedAlerts"]["Properties"], {"EvidenceBucket": "evidence", "CodeBucket": "code"}
    pattern = resolved(rule["EventPattern"], V | buckets)
    of = [(name, event) for name, event in TELLING if name == "TamperedAlerts"]
    assert len(of) > 12 and all(matches(pattern, event) for _, event in of)
    # Each call that is told of the guards' own bucket is told of both of these, and no other.
    of_buckets = [event["detail"]["eventName"] for name, event in TELLING if name == "TamperedBucket"]
    for bucket in buckets.values():
        for name in of_buckets:
            assert matches(pattern, call("s3", name, bucketName=bucket)), name
    [branch] = [one for one in pattern["detail"]["$or"] if one["eventSource"] == ["s3.amazonaws.com"]]
    assert sorted(branch["eventName"]) == sorted(of_buckets)
    assert len(json.dumps(resolved(rule["EventPattern"], V | dict.fromkeys(buckets, "b" * 63)), separators=(",", ":"))) <= 2048
    for event in (call("sns", "Unsubscribe", subscriptionArn="another:1"), call("sns", "Unsubscribe", error="AuthorizationError", subscriptionArn=V["Topic"] + ":1"),
                  call("s3", "PutBucketPolicy", bucketName="another"), call("kms", "CreateGrant", keyId="another")):
        assert not matches(pattern, event), event
    [target] = rule["Targets"]
    assert (target["Arn"], target["RoleArn"]) == ({"Ref": "Topic"}, {"Fn::GetAtt": ["TamperRole", "Arn"]})
    # The topic lets in roles on this path only.
    assert resources["TamperRole"]["Properties"]["Path"] == "/ecs-privileged-guard/"
    told = message("TamperedAlerts", of[0][1], {"TamperedAlerts": rule})
    assert passes(recipes()[0], told) and told["content"]["description"].endswith(" RUNBOOK.md#tampering-alerts")


def test_what_the_central_template_cannot_publish_is_kept_and_alarmed():
    [target] = CENTRAL["TamperedAlerts"]["Properties"]["Targets"]
    arn = {"Fn::GetAtt": ["TamperDeadLetterQueue", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": arn}
    # The same queue as in the guards' own template, for the same reasons.
    for given in ("Properties", "Metadata"):
        assert CENTRAL["TamperDeadLetterQueue"][given] == SOURCE["Resources"]["TamperDeadLetterQueue"][given]
    policy = CENTRAL["TamperDeadLetterQueuePolicy"]["Properties"]
    [sends] = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == [{"Ref": "TamperDeadLetterQueue"}]
    assert (sends["Effect"], sends["Principal"], sends["Action"], sends["Resource"]) == (
        "Allow", {"Service": "events.amazonaws.com"}, "sqs:SendMessage", arn)
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["TamperedAlerts", "Arn"]}}}
    alarm, own = CENTRAL["TamperDeadLettersAlarm"]["Properties"], SOURCE["Resources"]["TamperDeadLettersAlarm"]["Properties"]
    total, *each = alarm["Metrics"]
    assert total["Expression"] == " + ".join(one["Id"] for one in each) and total.get("ReturnData", True)
    assert sorted(of_alarm(alarm), key=str) == sorted([
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "TamperDeadLetterQueue"}),
        ("AWS/Events", "InvocationsFailedToBeSentToDlq", {"RuleName": "TamperedAlerts"})], key=str)
    assert all(is_real(CENTRAL, *metric) for metric in of_alarm(alarm))
    for same in ("EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData"):
        assert alarm[same] == own[same]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == ([{"Ref": "Topic"}], [{"Ref": "Topic"}])
    assert alarm["AlarmDescription"].endswith(" RUNBOOK.md#alarm-tamper-dead-letters")


def test_the_rule_of_rules_watches_all_others():
    watched = pattern_of("TamperedRules")["detail"]["$or"]
    others = [V[name] for name, r in SOURCE["Resources"].items() if r["Type"] == "AWS::Events::Rule" and name != "TamperedRules"]
    assert [sorted(one["requestParameters"][key]) for one, key in zip(watched, ("name", "rule"))] == [sorted(others)] * 2


def test_two_rules_watch_each_other_and_a_name_that_is_given_is_the_stacks_own():
    assert told_by(call("events", "DisableRule", name=V["TamperedRules"])) == ["TamperedWatch"]
    assert told_by(call("events", "DisableRule", name=V["TamperedWatch"])) == ["TamperedRules"]
    names = {other: r["Properties"]["Name"] for other, r in SOURCE["Resources"].items()
             if r["Type"] == "AWS::Events::Rule" and "Name" in r["Properties"]}
    assert set(names) == {"Rule", "ServiceRule", "DeploymentRule", "TamperedRules"}
    for other, name in names.items():
        assert resolved(name, V) == V[other] and re.fullmatch(rf"[a-z-]+-{STACK_ID}", V[other]) and len(V[other]) <= 64


# The two emergency stops.

def test_in_mode_alert_writes_stop_and_alerts_go_on():
    stopped, before = expanded(EnforcementMode="alert"), expanded(EnforcementMode="enforce")
    for role in ("GuardRole", "SweepRole"):
        gone = allowed(before, role) - allowed(stopped, role)
        assert {"ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition", "ecs:UpdateService", "iam:PassRole"} <= gone
        assert {"sns:Publish", "kms:GenerateDataKey", "s3:PutObject"} <= allowed(stopped, role)
    assert set(rules(stopped)) == {"Rule"} and stopped["Rule"] == before["Rule"]
    alarms = lambda resources: {name for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert alarms(stopped) == alarms(before)
    assert statements(stopped, "BackoutRole") == statements(before, "BackoutRole")


def test_at_concurrency_0_events_go_to_queues_that_keep_them_and_backout_goes_on():
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html: new events go to the
    destination without a retry."""
    resources = expanded(ReservedConcurrency=0)
    assert [resources[name]["Properties"].get("ReservedConcurrentExecutions") for name in FUNCTIONS] == ["0", 0, None]
    for function, queue in (("Guard", "FailureQueue"), ("Sweep", "SweepDeadLetterQueue")):
        [config] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::EventInvokeConfig"
                    and r["Properties"]["FunctionName"] == {"Ref": function}]
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [queue, "Arn"]}
        # Lambda sends with the function's role, into a queue under the stack's key.
        own = statements(resources, f"{function}Role")
        assert any("sqs:SendMessage" in listed(s["Action"]) and s["Resource"] == {"Fn::GetAtt": [queue, "Arn"]} for s in own)
        assert any("kms:GenerateDataKey" in listed(s["Action"]) and {"Fn::GetAtt": ["Key", "Arn"]} in listed(s["Resource"]) for s in own)
        assert resources[queue]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_times_that_the_runbook_and_the_dashboard_speak_of_are_the_functions_own():
    runbook, (resources, _) = (ROOT / "RUNBOOK.md").read_text(), dashboard()
    of = {name: resources[name]["Properties"]["Timeout"] for name in ("Guard", "Sweep")}
    assert of == {"Guard": 120, "Sweep": 900} and "within two minutes (guard) or fifteen (sweep)" in runbook
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    assert f"guard, of {of['Guard']} s" in body and f"sweep, of {of['Sweep']} s" in body
    [config] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::EventInvokeConfig"
                and r["Properties"]["FunctionName"] == {"Ref": "Guard"}]
    assert config["MaximumEventAgeInSeconds"] == 6 * 3600 and "after six hours at the latest" in runbook
    # Three runs, with a minute and two between them: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    assert config["MaximumRetryAttempts"] == 2 and 3 * of["Guard"] + 60 + 120 < 600 and "within ten minutes" in runbook
    throttles = resources["ThrottlesAlarm"]["Properties"]
    assert throttles["Period"] * throttles["EvaluationPeriods"] == 15 * 60 and "for a quarter of an hour there were more events" in runbook


# Outputs, parameters, metadata.

def test_every_output_that_is_a_command_is_one_line_that_a_shell_can_read():
    commands = {name: output["Value"] for name, output in SOURCE["Outputs"].items() if name.endswith("Command")}
    assert set(commands) == {"BackoutCommand", "LookCommand", "RedriveCommand", "ReportCommand", "StopCommand", "SubscribeCommand",
                             "SweepCommand", "TailCommand"}
    for name, value in commands.items():
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        assert "\n" not in text
        subprocess.run(["bash", "-n"], input=re.sub(r"\$\{[\w:.]+\}", "x", text), text=True, check=True)
        assert "${AWS::Region}" in text, name


def test_the_emergency_stop_stops_sweep_even_where_the_guard_is_gone():
    command = re.sub(r"\$\{([\w:]+)\}", r"\1", SOURCE["Outputs"]["StopCommand"]["Value"]["Fn::Sub"])
    ran = subprocess.run(["bash", "-c", f'aws() {{ echo "$*"; return 1; }}; {command}'], capture_output=True, text=True, check=False)
    assert [line.split("--function-name ")[1] for line in ran.stdout.splitlines()] == [
        f"{name} --reserved-concurrent-executions 0" for name in ("Guard", "Sweep")]


def test_redrive_is_handed_every_queue_that_holds_events_for_the_guard():
    program, region, function, *queues = shlex.split(SOURCE["Outputs"]["RedriveCommand"]["Value"]["Fn::Sub"])
    assert (ROOT / program).stat().st_mode & 0o111 and (region, function) == ("${AWS::Region}", "${Guard}")
    assert queues == ["${RuleDeadLetterQueue}", "${FailureQueue}"]
    look = SOURCE["Outputs"]["LookCommand"]["Value"]["Fn::Sub"]
    every = [f"${{{name}}}" for name, r in SOURCE["Resources"].items() if r["Type"] == "AWS::SQS::Queue"]
    assert sorted(re.findall(r"\$\{\w+Queue\}", look)) == sorted(every)


def test_every_parameter_is_in_one_group_and_says_what_it_is_and_what_it_may_be():
    groups = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(SOURCE["Parameters"])
    for name, parameter in SOURCE["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        assert {"AllowedValues", "AllowedPattern", "MinValue", "MaxLength"} & set(parameter) and parameter["ConstraintDescription"], name


def test_a_permissions_boundary_is_that_of_every_role():
    boundary = "arn:aws:iam::111122223333:policy/boundary"
    of = lambda **parameters: {r["Properties"].get("PermissionsBoundary") for r in expanded(**parameters).values() if r["Type"] == "AWS::IAM::Role"}
    assert (of(), of(PermissionsBoundary=boundary)) == ({None}, {boundary})


def test_only_what_each_sweep_writes_anew_expires_and_only_its_old_versions():
    lifecycle = expanded()["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Prefix"] for rule in lifecycle} == {"sweeps/", "reports/"}
    assert all(set(rule) == {"Id", "Status", "Prefix", "NoncurrentVersionExpiration"} for rule in lifecycle)


@pytest.mark.parametrize(("parameter", "good", "bad"), [
    ("PassableRoles", ["", "arn:aws:iam::111122223333:role/app-*", "arn:aws-cn:iam::111122223333:role/path/a"],
     ["*", "app", "arn:aws:iam::*:role/a", "arn:aws:iam::111122223333:user/a"]),
    ("ApplyRoles", ["", "operator", "AWSReservedSSO_Ops_0123abcd, on-call", "a+=.@-_b"],
     [",", "a,", "a b", "*", "arn:aws:iam::111122223333:role/a", "path/a", "a" * 65, "a\nb"]),
    ("AlertTopicArn", ["", "arn:aws-us-gov:sns:us-gov-west-1:111122223333:a_b-c"], ["alerts", "arn:aws:sns:eu-west-1:111122223333:a.fifo"]),
    ("RunbookUrl", ["", "https://wiki.example.com/a#b"], ["http://wiki", "javascript:alert(1)", "https://a b"]),
    ("RemediateFamilies", ["*", "web-*, api", "a , b,c"], ["", " ", ",", "web,", ",web", "a b", "a;b", "a\nb"]),
    ("ExemptFamilies", ["", "web", "abc*, ?falco-*", "*a*b*c*"], [",", "*", "ab", "ab*", "web,", "web,*", "a;bc", "web\n"]),
])
def test_a_parameter_takes_what_it_should_and_nothing_else(parameter, good, bad):
    pattern = SOURCE["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, text) for text in good) and not any(re.fullmatch(pattern, text) for text in bad)


def test_the_repositorys_metadata_keeps_its_limits_and_the_packages_version():
    """https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html"""
    application = SOURCE["Metadata"]["AWS::ServerlessRepo::Application"]
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    assert application["SemanticVersion"] == package["version"] and application["SpdxLicenseId"] == package["license"]
    assert application["Name"] == package["name"] and re.fullmatch(r"[a-zA-Z0-9-]{1,140}", application["Name"])
    assert 1 <= len(application["Description"]) <= 256
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", application["Author"])
    assert len(application["Labels"]) <= 10 and all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in application["Labels"])
    assert all((ROOT / application[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
