"""guardctl in the template's own stack, as moto makes it: the outputs and the functions' settings are the real ones."""

import datetime
import json
import os
import subprocess

import pytest
import requests

from conftest import ACCOUNT, GUARD, REGION
from test_runbook import STACK, account  # noqa: F401

GUARDCTL = GUARD.with_name("guardctl")
WEB = [{"name": "app", "image": "a", "memory": 4, "privileged": True}]


class Operator:
    """Somebody with a terminal."""

    def __init__(self, account, folder):
        self.account, self.folder = account, folder

    def run(self, *arguments, stack=STACK, session=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.account.endpoint, "COLUMNS": "80",
                       "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
                       "AWS_EC2_METADATA_DISABLED": "true", **(session or {})}
        done = subprocess.run([GUARDCTL, *arguments, "--stack", stack], env=environment, stdin=subprocess.DEVNULL,
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
    name, functions = account.output("GuardFunction"), account.client("lambda")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables = {variable: str(value) for variable, value in variables.items()} | {"GUARD_ROLES": "guard,sweep,operator"}
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
