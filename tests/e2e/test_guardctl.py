"""guardctl in the template's own stack, as moto makes it: the outputs and the functions' settings are the real ones."""

import datetime
import http.server
import json
import os
import subprocess
import threading
import types

import botocore.session
import pytest
import requests
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from moto.cloudformation.models import CloudFormationBackend

from cli import cli_server, shell  # noqa: F401
from conftest import ACCOUNT, GUARD, REGION
from test_runbook import STACK, account  # noqa: F401
from test_template import SOURCE

GUARDCTL = GUARD.with_name("guardctl")
WEB = [{"name": "app", "image": "a", "memory": 4, "privileged": True}]


class Operator:
    """Somebody with a terminal."""

    def __init__(self, account, folder):
        self.account, self.folder, self.endpoints = account, folder, {}

    def run(self, *arguments, stack=STACK, session=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.account.endpoint, "COLUMNS": "80",
                       "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
                       "AWS_EC2_METADATA_DISABLED": "true", **self.endpoints, **(session or {})}
        stack = ("--stack", stack) if stack else ()
        done = subprocess.run([GUARDCTL, *arguments, *stack], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def json(self, *arguments):
        code, out, err = self.run("-o", "json", *arguments)
        assert code in (0, 3), err
        return json.loads(out)


@pytest.fixture
def operator(account, tmp_path):  # noqa: F811
    account.client("ecs").register_task_definition(family="web", containerDefinitions=WEB)
    # CloudFormation makes text of a number, and cuts a role's name to 64 letters; moto does neither.
    functions = account.client("lambda")
    for name in ("GuardFunction", "SweepFunction"):
        name = account.output(name)
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables = {variable: str(value) for variable, value in variables.items()} | {"GUARD_ROLES": "guard,sweep", "APPLY_ROLES": "operator"}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    return Operator(account, tmp_path)


def test_the_stack_says_where_everything_is(operator):
    code, out, err = operator.run("status")
    assert code == 0, err
    assert f"account {ACCOUNT}, Region {REGION}: mode not known" in out
    assert "next: aws lambda invoke" in out
    assert operator.json("status")["bucket"] == operator.account.output("StateBucket")
    code, _, err = operator.run("status", stack="nobody")
    assert code == 1 and "there is no stack nobody" in err


def test_a_scan_knows_the_stacks_settings_or_needs_no_stack(operator):
    functions, name = operator.account.client("lambda"), operator.account.output("GuardFunction")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"] | {"EXEMPT_FAMILIES": "web-*,web"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    scan = operator.json("scan", "--exit-code")
    assert [(row["taskDefinition"], row["state"]) for row in scan["revisions"]] == [("web:1", "exempt")]
    code, out, err = operator.run("-o", "json", "scan", "--exit-code", "--no-guard", stack=None)
    scan = json.loads(out or "{}")
    assert code == 3 and [(row["taskDefinition"], row["state"]) for row in scan["revisions"]] == [("web:1", "privileged")], err


def test_a_plan_goes_by_the_settings_of_the_stacks_function(operator):
    plan = operator.json("plan", "web:1", "--exit-code")
    assert plan["mode"] == "enforce" and plan["changes"]
    assert plan["edits"] == [{"path": "containerDefinitions[app].privileged", "from": True, "to": False}]


def test_a_plan_is_applied_by_a_session_of_a_role_that_may_and_by_nobody_else(operator):
    account = operator.account
    code, out, err = operator.run("apply", "web:1", "--yes")
    assert (code, out) == (6, "") and ":user/moto" in err and "Nothing was changed." in err
    role = account.client("iam").create_role(RoleName="operator", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    got = account.client("sts").assume_role(RoleArn=role, RoleSessionName="alice")["Credentials"]
    alice = {"AWS_ACCESS_KEY_ID": got["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": got["SecretAccessKey"],
             "AWS_SESSION_TOKEN": got["SessionToken"]}
    code, out, err = operator.run("-o", "json", "apply", "web:1", "--yes", session=alice)
    applied = json.loads(out or "{}")
    assert (code, applied.get("outcome"), applied.get("copy")) == (0, "remediated", "web:2"), err
    assert applied["appliedBy"].endswith(":assumed-role/operator/alice")
    copy = account.client("ecs").describe_task_definition(taskDefinition="web:2")["taskDefinition"]
    assert copy["containerDefinitions"][0]["privileged"] is False
    of = lambda key: json.loads(account.client("s3").get_object(Bucket=account.output("StateBucket"), Key=key)["Body"].read())
    assert of(applied["backupKey"])["containerDefinitions"][0]["privileged"] is True
    assert of(applied["recordKey"])["copy"] == "web:2"


def test_the_policy_is_by_the_stacks_bucket_and_settings(operator):
    body = {"containers": ["app"], "reason": "r", "approvedBy": "a",
            "expiresAt": (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)).isoformat()}
    operator.account.client("s3").put_object(Bucket=operator.account.output("StateBucket"), Body=json.dumps(body),
                                             Key=f"exemptions/{ACCOUNT}/{REGION}/web.json")
    code, out, err = operator.run("policy")
    assert code == 0, err
    assert json.loads(out)["Statement"][0]["NotResource"] == [f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:*"]


def test_an_exemption_is_written_read_and_ended(operator):
    why = ("--reason", "moves in January", "--approved-by", "jane@example.com", "--yes")
    code, _, err = operator.run("exempt", "add", "web", "--until", "2099-01-31", *why)
    assert code == 6 and "more than 90 days" in err
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)).strftime("%Y-%m-%d")
    assert operator.run("exempt", "add", "web", "--until", until, *why)[0] == 0
    [row] = operator.json("exempt", "list")["exemptions"]
    assert (row["family"], row["state"], row["containers"]) == ("web", "holds", ["app"])
    stored = operator.account.client("s3").get_object(Bucket=operator.account.output("StateBucket"),
                                                      Key=f"exemptions/{ACCOUNT}/{REGION}/web.json")
    assert set(json.loads(stored["Body"].read())) == {"containers", "reason", "approvedBy", "expiresAt"}
    assert operator.json("plan", "web:1")["outcome"] == "exempt"
    assert operator.run("exempt", "add", "web", "--until", until, *why)[0] == 6
    assert operator.run("exempt", "end", "web", "--yes")[0] == 0
    assert operator.json("exempt", "list")["exemptions"][0]["state"] == "expired"


def test_backout_is_asked_of_the_stacks_function(operator):
    answer = {"outcome": "already_backed_out", "reason": None, "taskDefinition": "web:1", "copy": None, "restored": "web:1",
              "services": [], "alert": "none"}
    requests.post(f"{operator.account.endpoint}/moto-api/static/lambda-simple/response",
                  json={"account_id": ACCOUNT, "region": REGION, "results": [json.dumps(answer), "no JSON"]}, timeout=10)
    why = ("--reason", "r", "--approved-by", "a", "--yes")
    code, out, err = operator.run("backout", "web:1", *why)
    assert (code, out) == (0, "web:1: already_backed_out; web:1 is in force\n"), err
    code, _, err = operator.run("backout", "web:1", *why)
    assert code == 1 and "cannot be understood" in err and "is not known" in err


class CloudWatch(http.server.BaseHTTPRequestHandler):
    """CloudWatch as guardctl's SDK speaks to it, in CBOR (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html),
    which moto does not: botocore reads and writes it by AWS's own model, and moto answers."""

    model = botocore.session.get_session().get_service_model("cloudwatch")

    def log_message(self, *_):
        pass

    def do_POST(self):
        assert (self.headers["smithy-protocol"], self.headers["content-type"]) == ("rpc-v2-cbor", "application/cbor")
        _, service, _, operation = self.path.strip("/").split("/")
        assert (service, operation) == ("GraniteServiceVersion20100801", "DescribeAlarms")
        codec = RpcV2CBORParser()
        asked = codec.parse_data_item(codec.get_peekable_stream_from_bytes(self.rfile.read(int(self.headers["content-length"]))))
        answer = self.server.cloudwatch.describe_alarms(**asked)
        answer.pop("ResponseMetadata")
        body = bytearray()
        RpcV2CBORSerializer()._serialize_data_item(body, answer, self.model.operation_model(operation).output_shape)
        self.send_response(200)
        for name, value in (("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor"), ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(bytes(body))


@pytest.fixture
def patient(operator, monkeypatch):
    """The stack with what moto does not make of it, or nobody has made yet: alarms, a trail, somebody who is told."""
    client = operator.account.client
    alarms = {name: it["Properties"] for name, it in SOURCE["Resources"].items() if it["Type"] == "AWS::CloudWatch::Alarm"}
    for name, alarm in alarms.items():
        client("cloudwatch").put_metric_alarm(
            AlarmName=f"{STACK}-{name}", AlarmDescription=alarm["AlarmDescription"], ActionsEnabled=True, Namespace="N", MetricName="M",
            AlarmActions=[operator.account.output("AlertTopic")],
            Statistic="Sum", Period=300, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold")
        client("cloudwatch").set_alarm_state(AlarmName=f"{STACK}-{name}", StateValue="OK", StateReason="r")
    made = [types.SimpleNamespace(logical_resource_id=name, physical_resource_id=f"{STACK}-{name}", cf_resource_type="AWS::CloudWatch::Alarm")
            for name in alarms]
    listed = CloudFormationBackend.list_stack_resources

    def with_alarms(*arguments):
        stack, resources = listed(*arguments)
        return stack, [*resources, *made]

    monkeypatch.setattr(CloudFormationBackend, "list_stack_resources", with_alarms)
    client("s3").create_bucket(Bucket="trails")
    client("cloudtrail").create_trail(Name="audit", S3BucketName="trails", IsMultiRegionTrail=True)
    client("cloudtrail").start_logging(Name="audit")
    queue = client("sqs").create_queue(QueueName="pager")["QueueUrl"]
    queue = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=operator.account.output("AlertTopic"), Protocol="sqs", Endpoint=queue)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CloudWatch)
    server.cloudwatch = client("cloudwatch")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    operator.endpoints = {"AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{server.server_address[1]}"}
    yield operator
    server.shutdown()
    server.server_close()


def told(checks):
    return {(it["check"], it["state"], it["says"]) for it in checks}


def test_doctor_finds_the_templates_own_stack_well(patient):
    code, out, err = patient.run("doctor", "-o", "json")
    rows = told(json.loads(out)["checks"])
    assert code == 0, (rows, err)
    count = lambda kind: sum(it["Type"] == kind for it in SOURCE["Resources"].values())  # noqa: E731
    assert {row for row in rows if row[0] != "stack"} == {
        ("trail", "ok", "audit logs management events that write"),
        ("rules", "ok", f"enabled, with their targets: {count('AWS::Events::Rule')} rules"),
        ("functions", "ok", "can start: Guard, Sweep, Backout"),
        ("subscriptions", "ok", "1 confirmed"),
        ("queues", "ok", f"empty: {count('AWS::SQS::Queue')} dead-letter queues"),
        # Whatever the moment, no sweep has run in moto.
        ("last_sweep", "warning", "none has ended yet; one begins every 60 minutes"),
        ("alarms", "ok", f"none rings: {count('AWS::CloudWatch::Alarm')} alarms"),
    }


def test_what_doctor_says_to_type_heals(patient, tmp_path, cli_server):  # noqa: F811
    client, output = patient.account.client, patient.account.output
    physical = {it["LogicalResourceId"]: it["PhysicalResourceId"]
                for it in client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]}
    client("events").disable_rule(Name=physical["TamperedTrail"])
    client("cloudtrail").stop_logging(Name="audit")
    guard, lambda_ = output("GuardFunction"), client("lambda")
    for statement in json.loads(lambda_.get_policy(FunctionName=guard)["Policy"])["Statement"]:
        lambda_.remove_permission(FunctionName=guard, StatementId=statement["Sid"])
    code, out, _ = patient.run("doctor", "-o", "json")
    checks = json.loads(out)["checks"]
    broken = {row[2] for row in told(checks) if row[1] == "broken"}
    denied = "may not start the guard: the function's policy does not let it in"
    assert (code, broken) == (3, {"TamperedTrail is DISABLED", "audit does not log: it is stopped", f"Rule {denied}",
                                  f"ServiceRule {denied}", f"DeploymentRule {denied}"})
    environment = shell(tmp_path, {"*": patient.account.endpoint}, cli_server)
    todo = [it["todo"] for it in checks if it["state"] == "broken"]
    subprocess.run(["bash", "-euc", "\n".join(todo)], env=environment, check=True, capture_output=True, timeout=120)
    assert patient.run("doctor")[0] == 0


def test_doctor_sees_what_got_stuck_was_stopped_or_rings(patient):
    client, output = patient.account.client, patient.account.output
    for name in ("FailureQueueUrl", "SweepDeadLetterQueueUrl"):
        client("sqs").send_message(QueueUrl=output(name), MessageBody="{}")
    # Somebody holds it, and so it is not visible.
    assert client("sqs").receive_message(QueueUrl=output("FailureQueueUrl"), VisibilityTimeout=600)["Messages"]
    client("lambda").put_function_concurrency(FunctionName=output("SweepFunction"), ReservedConcurrentExecutions=0)
    client("cloudwatch").set_alarm_state(AlarmName=f"{STACK}-FailuresAlarm", StateValue="ALARM", StateReason="r")
    client("cloudwatch").delete_alarms(AlarmNames=[f"{STACK}-ErrorsAlarm"])
    client("cloudwatch").put_metric_alarm(
        AlarmName=f"{STACK}-NoSweepAlarm", AlarmDescription="d", ActionsEnabled=True, Namespace="N", MetricName="M", Statistic="Sum",
        Period=300, EvaluationPeriods=1, Threshold=0, ComparisonOperator="GreaterThanThreshold", OKActions=[output("AlertTopic")])
    client("cloudwatch").set_alarm_state(AlarmName=f"{STACK}-NoSweepAlarm", StateValue="OK", StateReason="r")
    [rule] = [it["PhysicalResourceId"] for it in client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
              if it["LogicalResourceId"] == "Rule"]
    pattern = json.loads(client("events").describe_rule(Name=rule)["EventPattern"])
    pattern["detail"]["requestParameters"] = {"family": ["one"]}
    client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
    client("sns").unsubscribe(SubscriptionArn=client("sns").list_subscriptions()["Subscriptions"][0]["SubscriptionArn"])
    client("cloudtrail").put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}])
    code, out, _ = patient.run("doctor", "-o", "json")
    checks = json.loads(out)["checks"]
    broken = {row[2]: it["todo"] for row, it in ((next(iter(told([it]))), it) for it in checks) if it["state"] == "broken"}
    assert code == 3
    assert set(broken) == {
        "FailureQueue holds 1 message", "SweepDeadLetterQueue holds 1 message", "Sweep is stopped: its reserved concurrency is 0",
        "FailuresAlarm rings", "ErrorsAlarm is gone", "NoSweepAlarm does not tell the alert topic",
        "Rule may miss registrations: its pattern is not the template's", f"nobody is subscribed to {output('AlertTopic').rsplit(':', 1)[1]}",
        "no trail logs registrations: audit leaves out management events that write"}
    assert broken["FailuresAlarm rings"] == "RUNBOOK.md#alarm-failures"
    assert output("RedriveCommand") in broken["FailureQueue holds 1 message"]


def test_doctor_says_of_what_was_deleted_that_it_is_gone(patient):
    """Each service has words of its own for that."""
    client, output = patient.account.client, patient.account.output
    physical = {it["LogicalResourceId"]: it["PhysicalResourceId"]
                for it in client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]}
    client("events").remove_targets(Rule=physical["TamperedBucket"], Ids=["topic"])
    client("events").delete_rule(Name=physical["TamperedBucket"])
    client("sqs").delete_queue(QueueUrl=output("FailureQueueUrl"))
    client("lambda").delete_function(FunctionName=output("GuardFunction"))
    client("sns").delete_topic(TopicArn=output("AlertTopic"))
    client("cloudtrail").delete_trail(Name="audit")
    code, out, _ = patient.run("doctor", "-o", "json")
    checks = json.loads(out)["checks"]
    topic = output("AlertTopic").rsplit(":", 1)[1]
    assert (code, {it["says"] for it in checks if it["state"] not in ("ok", "warning")}) == (3, {
        "TamperedBucket is gone", "FailureQueue is gone", "Guard is gone", f"the topic {topic} is gone", "no trail logs this Region"})
