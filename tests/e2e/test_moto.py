"""A second opinion: the built guard against moto, with boto3 as the pipeline.

moto gives no registeredAt and registeredBy, ignores `sort`, and never throttles, so what depends on these is tested
against the account in tests/it only.
"""

import datetime
import json
import pathlib
import re
from copy import deepcopy as copy_of

import jsonschema

OUTPUT_ONLY = {"taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy"}


def without_output(definition):
    return {name: value for name, value in definition.items() if name not in OUTPUT_ONLY}


def test_a_privileged_registration_becomes_an_equal_copy_without_privilege(story):
    world = story("remediate")
    arn = world.register(tags=[{"key": "team", "value": "core"}])
    before = world.described("web:1")
    answer = world.deliver(arn)
    assert answer == {"outcome": "remediated", "reason": None, "taskDefinition": "web:1", "copy": "web:2", "services": [],
                      "alert": "sent"}
    copy = without_output(world.described("web:2"))
    expected = without_output(copy_of(before))
    expected["containerDefinitions"][0]["privileged"] = False
    assert copy == expected
    assert world.described("web:1") == before

    backup = world.object("backups/123456789012/us-east-1/web/1.json")
    assert world.ecs.register_task_definition(**backup)["taskDefinition"]["containerDefinitions"][0]["privileged"]
    record = world.object("records/123456789012/us-east-1/web/1.json")
    assert (record["schemaVersion"], record["outcome"], record["copy"]) == (1, "remediated", "web:2")
    [alert] = world.alerts()
    assert (alert["version"], alert["source"], alert["outcome"], alert["family"]) == ("1.0", "custom", "remediated", "web")


def test_the_same_event_again_changes_nothing(story):
    world = story("remediate")
    arn = world.register()
    world.deliver(arn)
    answer = world.deliver(arn)
    assert (answer["outcome"], answer["alert"]) == ("already_remediated", "already_sent")
    assert world.revisions() == ["web:1", "web:2"]
    assert len(world.alerts()) == 1


def test_in_mode_alert_nothing_is_changed(story):
    world = story("alert")
    answer = world.deliver(world.register())
    assert (answer["outcome"], answer["reason"], answer["alert"]) == ("alerted", "alert_mode", "sent")
    assert world.revisions() == ["web:1"]


def test_a_newer_revision_is_not_overtaken(story):
    world = story("remediate")
    arn = world.register()
    world.register(container={"image": "app:2", "privileged": False})
    assert world.deliver(arn)["outcome"] == "superseded"
    assert world.revisions() == ["web:1", "web:2"]


def test_a_clean_registration_is_compliant(story):
    world = story("remediate")
    answer = world.deliver(world.register(container={"privileged": False}))
    assert (answer["outcome"], answer["alert"]) == ("compliant", "none")
    assert world.revisions() == ["web:1"]


def recipes():
    """The filter policies of the README, out of its commands."""
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    attributes = [json.loads(text) for text in re.findall(r"--attributes '(.*?)'", readme)]
    assert all(attribute["FilterPolicyScope"] == "MessageBody" for attribute in attributes)
    return [json.loads(attribute["FilterPolicy"]) for attribute in attributes]


def passes(policy, body):
    """https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html: exact values and prefixes."""
    def matches(value, wanted):
        return value.startswith(wanted["prefix"]) if isinstance(wanted, dict) else value == wanted
    return all(any(matches(body.get(key, ""), one) for one in wanted) for key, wanted in policy.items())


def test_the_readmes_filters_give_each_subscriber_its_share(story):
    """moto filters the outer message and not the protocol's body, so the documented rules are applied here."""
    pager, team, audit = recipes()
    world = story("remediate")
    world.deliver(world.register())
    world.s3.put_object(Bucket="guard-state", Key="exemptions/123456789012/us-east-1/web.json", Body="{}")
    assert world.deliver(world.register(container={"image": "app:2"}))["reason"] == "exemption_unreadable"
    remediated, unreadable = world.alerts()
    assert [passes(policy, remediated) for policy in (pager, team, audit)] == [False, True, True]
    assert [passes(policy, unreadable) for policy in (pager, team, audit)] == [True, True, False]
    assert not passes({"family": [{"prefix": "api-"}]}, remediated)


def test_the_metric_lines_keep_the_published_schema_and_the_logs_have_what_the_readmes_queries_ask_for(story):
    world = story("remediate")
    world.deliver(world.register())
    world.deliver(world.register(container={"privileged": False}))
    lines = world.guard.lines()
    metrics = [line for line in lines if "_aws" in line]
    schema = json.loads((pathlib.Path(__file__).parent / "emf.schema.json").read_text())
    for line in metrics:
        jsonschema.validate(line, schema)
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "EcsPrivilegedGuard"
        assert all(isinstance(line[metric["Name"]], (int, float)) for metric in directive["Metrics"])
        assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
    assert len(metrics) == 2

    [remediated] = [line for line in lines if line.get("outcome") == "remediated"]
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    asked = set(re.findall(r"`?\b(outcome|reason|task_definition|copy|alert|failure|correlation_id|cold_start)\b", "".join(
        re.findall(r"```\n(fields .*?)```", readme, re.S))))
    assert asked >= {"outcome", "reason", "task_definition", "copy", "alert"}
    assert asked - set(remediated) <= {"reason", "failure"}, "these two are there only where there is something to say"


def test_an_exemption_is_honoured(story):
    world = story("remediate")
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
    exemption = {"containers": ["app"], "reason": "r", "approvedBy": "a", "expiresAt": ends.isoformat()}
    world.s3.put_object(Bucket="guard-state", Key="exemptions/123456789012/us-east-1/web.json", Body=json.dumps(exemption))
    assert world.deliver(world.register())["outcome"] == "exempt"
    assert world.revisions() == ["web:1"]
