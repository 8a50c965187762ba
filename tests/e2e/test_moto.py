"""A second opinion: the built guard against moto, with boto3 as the pipeline.

moto gives no registeredAt and registeredBy, ignores `sort`, and never throttles, so what depends on these is tested
against the account in tests/it only.
"""

import datetime
import hashlib
import json
import pathlib
import re
from copy import deepcopy as copy_of

import jsonschema

ROOT = pathlib.Path(__file__).parents[2]
ALERTS = ROOT / "tests/it/alerts"
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


# As much of a task definition as ECS takes on EC2 and moto keeps (it drops enableFaultInjection).
RICH = {
    "family": "web",
    "taskRoleArn": "arn:aws:iam::123456789012:role/web",
    "executionRoleArn": "arn:aws:iam::123456789012:role/pull",
    "networkMode": "bridge",
    "pidMode": "task",
    "ipcMode": "none",
    "cpu": "512",
    "memory": "1024",
    "requiresCompatibilities": ["EC2"],
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
    "placementConstraints": [{"type": "memberOf", "expression": "attribute:ecs.instance-type =~ m7g.*"}],
    "volumes": [
        {"name": "sock", "host": {"sourcePath": "/var/run/docker.sock"}},
        {"name": "scratch", "dockerVolumeConfiguration": {"scope": "task", "driver": "local", "labels": {"a": "b"}}},
        {"name": "files", "efsVolumeConfiguration": {
            "fileSystemId": "fs-0123", "transitEncryption": "ENABLED", "authorizationConfig": {"iam": "ENABLED"}}},
    ],
    "containerDefinitions": [
        {
            "name": "app", "image": "app:1", "cpu": 256, "memory": 512, "memoryReservation": 128, "essential": True,
            "privileged": True, "user": "1000:1000", "workingDirectory": "/srv", "readonlyRootFilesystem": True,
            "entryPoint": ["sh", "-c"], "command": ["run --token \"ünïcödé\" \u2028 && exec true"],
            "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": ""}],
            "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/2.env"}, {"type": "s3", "value": "arn:aws:s3:::b/1.env"}],
            "secrets": [{"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}],
            "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "udp"}],
            "mountPoints": [{"sourceVolume": "sock", "containerPath": "/var/run/docker.sock", "readOnly": False}],
            "volumesFrom": [{"sourceContainer": "log", "readOnly": True}],
            "dependsOn": [{"containerName": "log", "condition": "HEALTHY"}],
            "linuxParameters": {
                "capabilities": {"add": ["SYS_PTRACE"], "drop": ["MKNOD"]}, "initProcessEnabled": True, "sharedMemorySize": 64,
                "devices": [{"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": ["read", "write"]}],
                "tmpfs": [{"containerPath": "/t", "size": 64, "mountOptions": ["noexec"]}]},
            "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
            "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
            "dockerLabels": {"$serde_json::private::Number": "1", "$serde_json::private::RawValue": "2", "": "empty"},
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "us-east-1"}},
            "resourceRequirements": [{"type": "GPU", "value": "1"}],
            "startTimeout": 30, "stopTimeout": 60, "restartPolicy": {"enabled": True, "ignoredExitCodes": [3]},
            "versionConsistency": "disabled",
        },
        {
            "name": "log", "image": "log@sha256:" + "0" * 64, "memory": 64, "essential": False, "privileged": False,
            "healthCheck": {"command": ["CMD", "true"], "interval": 10, "timeout": 2, "retries": 2, "startPeriod": 1},
        },
        {"name": "dind", "image": "docker:28-dind", "memory": 64, "privileged": True},
    ],
    "tags": [{"key": "team", "value": "core"}, {"key": "Ümlaut", "value": ""}],
}


def test_every_member_of_a_rich_definition_is_in_copy_and_backup(story):
    world = story("remediate")
    before = copy_of(world.ecs.register_task_definition(**RICH) and world.described("web:1"))
    assert set(RICH) <= set(before), "moto keeps each member, or the comparison says nothing of it"
    assert set(RICH["containerDefinitions"][0]) <= set(before["containerDefinitions"][0])
    assert world.deliver(before["taskDefinitionArn"])["outcome"] == "remediated"

    expected = without_output(copy_of(before))
    for container in expected["containerDefinitions"]:
        container["privileged"] = False if "privileged" in container else container["privileged"]
    assert without_output(world.described("web:2")) == expected
    assert [container["privileged"] for container in before["containerDefinitions"]] == [True, False, True]

    backup = world.object("backups/123456789012/us-east-1/web/1.json")
    world.ecs.register_task_definition(**backup)
    assert without_output(world.described("web:3")) == without_output(before)


def test_the_record_has_the_members_of_the_contract(story):
    world = story("remediate")
    world.deliver(world.register())
    record = world.object("records/123456789012/us-east-1/web/1.json")
    backup = world.s3.get_object(Bucket="guard-state", Key="backups/123456789012/us-east-1/web/1.json")["Body"].read()
    alerted, at = (datetime.datetime.fromisoformat(record[name]) for name in ("alertedAt", "at"))
    assert alerted.tzinfo and at.tzinfo and datetime.datetime.now(datetime.UTC) - at < datetime.timedelta(minutes=1)
    [copy] = record["copies"]
    assert (copy["revision"], copy["withdrawn"], copy["why"]) == (2, None, None)
    expected = {"schemaVersion": 1, "taskDefinition": "web:1", "mode": "remediate", "outcome": "remediated", "reason": None,
                "copy": "web:2", "backupSha256": hashlib.sha256(backup).hexdigest(), "registeredBy": None, "eventId": "e-1",
                "backedOut": None}
    assert {name: record[name] for name in expected} == expected
    for text in ("app:1", '"A"', '"environment"'):
        assert text not in json.dumps(record), "nothing out of a container but its name"
    assert sorted(key["Key"] for key in world.s3.list_objects_v2(Bucket="guard-state")["Contents"]) == [
        "backups/123456789012/us-east-1/web/1.json", "records/123456789012/us-east-1/web/1.json"]


def test_an_event_of_events_is_understood_in_motos_account(story):
    world = story("remediate")
    world.register()
    event = (ROOT / "events/guard-terraform.json").read_text()
    event = event.replace("012345678912", "123456789012").replace("task-definition/agent:31", "task-definition/web:1")
    answer = world.guard.invoke(json.loads(event))
    assert (answer["outcome"], answer["taskDefinition"], answer["copy"]) == ("remediated", "web:1", "web:2")
    record = world.object("records/123456789012/us-east-1/web/1.json")
    assert record["eventId"] == json.loads(event)["detail"]["eventID"]
    [alert] = world.alerts()
    assert (alert["tool"], alert["eventId"]) == ("Terraform", record["eventId"])


def test_each_revision_of_a_pipeline_gets_its_copy_and_nothing_older_comes_back(story):
    world = story("remediate")
    first = world.register()
    assert world.deliver(first)["copy"] == "web:2"
    second = world.register(container={"image": "app:2"})
    assert world.deliver(second)["copy"] == "web:4"
    assert world.described("web:4")["containerDefinitions"][0]["image"] == "app:2"
    assert (world.deliver(first)["outcome"], world.deliver(second)["outcome"]) == ("already_remediated",) * 2
    assert world.revisions() == ["web:1", "web:2", "web:3", "web:4"]


def test_a_changed_backup_is_an_alarm_and_nothing_is_registered(story):
    world = story("remediate")
    arn = world.register()
    world.s3.put_object(Bucket="guard-state", Key="backups/123456789012/us-east-1/web/1.json", Body=json.dumps(
        {"family": "web", "containerDefinitions": [{"name": "app", "image": "evil", "memory": 128, "privileged": True}]}))
    answer = world.deliver(arn)
    assert (answer["outcome"], answer["reason"], answer["alert"]) == ("failed", "backup_tampered", "sent")
    assert world.revisions() == ["web:1"]
    assert "evil" not in json.dumps(world.alerts())


def test_a_deregistered_revision_that_nothing_runs_is_let_be(story):
    world = story("remediate")
    arn = world.register()
    world.ecs.deregister_task_definition(taskDefinition="web:1")
    assert world.deliver(arn)["outcome"] == "inactive"
    assert world.revisions() == []
    assert world.alerts() == []


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
    """https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html: exact values, prefixes and `$or`."""
    def matches(value, wanted):
        return value.startswith(wanted["prefix"]) if isinstance(wanted, dict) else value == wanted
    return all(any(passes(one, body) if key == "$or" else matches(body.get(key, ""), one) for one in wanted)
               for key, wanted in policy.items())


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
    # As the golden files have them.
    golden = lambda name: json.loads(re.search(r"^\{$.*^\}$", (ALERTS / f"{name}.txt").read_text(), re.S | re.M)[0])
    for name, expected in {"digest-changed": [False, True, True], "backout-backed_out": [False, True, True],
                           "move-moved": [False, True, True], "exempt-stray": [False, True, True]}.items():
        assert [passes(policy, golden(name)) for policy in (pager, team, audit)] == expected, name


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


def test_a_sweep_reports_what_existed_and_copies_what_came_since(story):
    """moto says neither when nor by whom a revision was registered: what an earlier full sweep did not see came since."""
    world = story("remediate")
    world.register()
    assert world.sweep() == {"outcomes": {"alerted": 1}, "missedByEvent": 0, "complete": True}
    assert world.revisions() == ["web:1"]
    world.register(container={"image": "app:2"})
    swept = world.sweep()
    assert (swept["outcomes"]["remediated"], swept["complete"]) == (1, True)
    assert world.revisions() == ["web:1", "web:2", "web:3"]
    assert world.described("web:3")["containerDefinitions"][0]["privileged"] is False
    assert world.object("records/123456789012/us-east-1/web/2.json")["copy"] == "web:3"
    report = world.object("reports/123456789012/us-east-1/latest.json")
    assert (report["totals"]["newestPrivileged"], report["totals"]["callablePrivileged"]) == (0, 1)
    assert len(world.alerts()) == 2


def test_a_sweep_copies_what_existed_where_that_is_asked_for(story):
    world = story("remediate")
    world.register()
    assert world.sweep(REMEDIATE_EXISTING="true")["outcomes"] == {"remediated": 1}
    assert world.revisions() == ["web:1", "web:2"]


def test_a_services_beginning_is_what_the_account_in_tests_it_shows(story):
    """moto's services never move, and it knows neither strategies nor service deployments (conformance/services.rs)."""
    world = story("alert")
    world.register()
    world.ecs.create_cluster(clusterName="prod")

    def created(controller, **rest):
        return world.ecs.create_service(cluster="prod", serviceName=controller.lower(), desiredCount=1,
                                        deploymentController={"type": controller}, **rest)["service"]

    rolling = created("ECS", taskDefinition="web")
    arn = "arn:aws:ecs:us-east-1:123456789012"
    assert (rolling["serviceArn"], rolling["clusterArn"]) == (f"{arn}:service/prod/ecs", f"{arn}:cluster/prod")
    [deployment] = rolling["deployments"]
    assert deployment["id"].startswith("ecs-svc/")
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} in progress."
    assert deployment["taskDefinition"] == rolling["taskDefinition"] == f"{arn}:task-definition/web:1"
    assert created("CODE_DEPLOY", taskDefinition="web")["deployments"] == []
    external = created("EXTERNAL")
    assert (external["deployments"], external.get("taskDefinition")) == ([], None)
    assert world.ecs.describe_services(cluster="prod", services=["none"])["failures"][0]["reason"] == "MISSING"
