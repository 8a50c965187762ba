"""A second opinion: the built guard against moto, with boto3 as the pipeline.

moto gives no registeredAt and registeredBy, ignores `sort`, and never throttles, so what depends on these is tested
against the account in tests/it only.
"""

from copy import deepcopy as copy_of

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


def test_an_exemption_is_honoured(story):
    import datetime
    import json

    world = story("remediate")
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
    exemption = {"containers": ["app"], "reason": "r", "approvedBy": "a", "expiresAt": ends.isoformat()}
    world.s3.put_object(Bucket="guard-state", Key="exemptions/123456789012/us-east-1/web.json", Body=json.dumps(exemption))
    assert world.deliver(world.register())["outcome"] == "exempt"
    assert world.revisions() == ["web:1"]
