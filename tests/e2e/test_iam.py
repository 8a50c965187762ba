"""Least privilege, in both directions: what every test in Rust made the functions call, held against their roles.

`make rust` logs the calls (tests/it/account/call_log.rs). The roles are those of every function in the expanded
template, so a function that comes later is held to the same.
"""

import functools
import json
import os
import pathlib

import botocore.session
import pytest

from iam import Request, condition_holds, is_allowed, is_like, is_like_arn, listed, resolved
from test_template import MODES, expanded, statements

ROOT = pathlib.Path(__file__).parents[2]
LOG = pathlib.Path(os.environ.get("CALLS_LOG", ROOT / "target/calls.jsonl"))
HOME = ("aws", "eu-west-1", "111122223333")

# Allowed, and called by Lambda itself with the function's role, so no test of ours can see it.
CALLED_BY_LAMBDA = {
    "sqs:SendMessage": "hands over what the guard failed on: the failure destination of asynchronous invocations",
    "logs:CreateLogStream": "the function's output",
    "logs:PutLogEvents": "the function's output",
}


class Role:
    """The role of one function in one mode and one home."""

    def __init__(self, resources, function, home):
        self.function = function.lower()
        [name, attribute] = resources[function]["Properties"]["Role"]["Fn::GetAtt"]
        assert attribute == "Arn"
        properties = resources[name]["Properties"]
        assert "ManagedPolicyArns" not in properties and "PermissionsBoundary" not in properties
        values = values_of(resources, *home)
        self.statements = resolved(statements(resources, name), values)
        # Only the bucket's policy speaks of our roles; KMS leaves the word to IAM, by the key's first statement.
        self.denies = resolved(resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"], values)
        self.facts = {"aws:SecureTransport": "true", "aws:PrincipalArn": values[f"{name}.Arn"]}

    def may(self, action, resource="*", statements=None, **conditions):
        conditions = {key.replace("__", ":").replace("_", "-"): value for key, value in conditions.items()}
        return self.asked(Request(action, resource, conditions), statements)

    def asked(self, request, statements=None):
        request = request._replace(conditions={**self.facts, **request.conditions})
        return is_allowed(self.statements if statements is None else statements, request, self.denies)

    def actions(self):
        allowing = [statement for statement in self.statements if statement["Effect"] == "Allow"]
        return {action for statement in allowing for action in listed(statement["Action"])}


def values_of(resources, partition, region, account):
    """What the names in the policies stand for in the account of the tests."""
    arn = lambda service, resource: f"arn:{partition}:{service}:{region}:{account}:{resource}"
    values = {"AWS::Partition": partition, "AWS::Region": region, "AWS::AccountId": account}
    values |= {"Bucket": "guard-state", "Bucket.Arn": f"arn:{partition}:s3:::guard-state"}
    values |= {"Topic": arn("sns", "alerts"), "Key.Arn": arn("kms", "key/state")}
    for name, resource in resources.items():
        match resource["Type"]:
            case "AWS::IAM::Role":
                role = name.removesuffix("Role").lower() + "-role"
                values[f"{name}.Arn"] = f"arn:{partition}:iam::{account}:role/ecs-privileged-guard/{role}"
            case "AWS::Lambda::Function":
                values[f"{name}.Arn"] = arn("lambda", f"function:{name.lower()}")
            case "AWS::SQS::Queue":
                values[f"{name}.Arn"] = arn("sqs", name)
            case "AWS::Logs::LogGroup":
                values[f"{name}.Arn"] = arn("logs", f"log-group:{name}:*")
    return values


@functools.cache
def resources_of(mode):
    return expanded(EnforcementMode=mode)


@functools.cache
def role_of(function, mode, home=HOME):
    return Role(resources_of(mode), function, home)


FUNCTIONS = [name for name, resource in resources_of(MODES[0]).items() if resource["Type"] == "AWS::Lambda::Function"]
EACH = pytest.mark.parametrize(("function", "mode"), [(function, mode) for mode in MODES for function in FUNCTIONS])


@functools.cache
def logged():
    if not LOG.exists():
        pytest.fail(f"{LOG} is not there: `make rust` writes it")
    return [json.loads(line) for line in LOG.read_text().splitlines()]


def calls_of(function, mode):
    for line in logged():
        if (line["function"], line["mode"]) == (function.lower(), mode):
            home = (line["partition"], line["region"], line["account"])
            yield home, Request(line["action"], line["resource"], line["conditions"])


# What is called is allowed.

@EACH
def test_every_call_of_every_test_is_allowed(function, mode):
    denied = [request for home, request in calls_of(function, mode) if not role_of(function, mode, home).asked(request)]
    assert denied == []


def modes_to_judge(lines):
    """The modes whose roles must be used up. `enforce` is one as soon as any test runs any function in it; until then
    what it shares with `remediate` is judged there, and test_template.py says what it adds."""
    return [mode for mode in MODES if mode != "enforce" or any(line["mode"] == mode for line in lines)]


def test_every_call_is_of_a_function_and_a_mode_of_the_template_and_none_is_without_calls():
    expected = {(function.lower(), mode) for function in FUNCTIONS for mode in modes_to_judge(logged())}
    assert {(line["function"], line["mode"]) for line in logged()} == expected


def test_enforce_is_judged_for_every_function_as_soon_as_one_runs_in_it():
    of = lambda *modes: modes_to_judge([{"function": "guard", "mode": mode} for mode in modes])
    assert (of(), of("alert"), of("remediate", "enforce")) == (["alert", "remediate"], ["alert", "remediate"], MODES)


# What is allowed is called.

def without_one_thing(statements):
    """Each way of taking one action, one resource or one value of a condition away, and what was taken."""
    for place, statement in enumerate(statements):
        if statement["Effect"] != "Allow" or set(listed(statement["Action"])) <= set(CALLED_BY_LAMBDA):
            continue

        def less(changed, here=place):
            return statements[:here] + changed + statements[here + 1:]

        for part in ("Action", "Resource"):
            for one in listed(statement[part]):
                rest = [other for other in listed(statement[part]) if other != one]
                yield f"{statement['Sid']}: {one}", less([{**statement, part: rest}] if rest else [])
        for operator, keys in statement.get("Condition", {}).items():
            for key, wanted in keys.items():
                for one in listed(wanted):
                    rest = [other for other in listed(wanted) if other != one]
                    condition = {**statement["Condition"], operator: {**keys, key: rest}}
                    yield f"{statement['Sid']}: {key} {one}", less([{**statement, "Condition": condition}])


@EACH
def test_nothing_can_be_taken_away_from_a_role_without_a_call_being_denied(function, mode):
    if mode not in modes_to_judge(logged()):
        pytest.skip(f"no test in Rust runs a function in mode {mode} yet")
    role = role_of(function, mode)
    calls = [request for home, request in calls_of(function, mode) if home == HOME]
    needless = [what for what, statements in without_one_thing(role.statements)
                if all(role.asked(call, statements) for call in calls)]
    assert needless == []


def test_what_only_lambda_calls_is_still_allowed_somewhere():
    allowed = {action for function in FUNCTIONS for action in role_of(function, MODES[-1]).actions()}
    assert set(CALLED_BY_LAMBDA) <= allowed


@EACH
def test_no_action_is_allowed_by_a_pattern(function, mode):
    assert [action for action in role_of(function, mode).actions() if "*" in action or "?" in action] == []


# What must not be is denied.

BUCKET = "arn:aws:s3:::guard-state"
OF_WEB = "111122223333/eu-west-1/web"
BACKUP, RECORD = f"{BUCKET}/backups/{OF_WEB}/1.json", f"{BUCKET}/records/{OF_WEB}/1.json"
EXEMPTION = f"{BUCKET}/exemptions/{OF_WEB}.json"
MOVES = "moves/111122223333/eu-west-1/"
MOVE = f"{BUCKET}/{MOVES}prod/web.json"
DEFINITION = "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:*"
SERVICE = "arn:aws:ecs:eu-west-1:111122223333:service/prod/web"
ROLE = "arn:aws:iam::111122223333:role/web"
READS = ("Describe", "List", "Get", "Discover")


def ecs_writes(role):
    """Every action of ECS that changes something, by botocore's model, that a role may do to anything at all."""
    names = botocore.session.get_session().get_service_model("ecs").operation_names
    writes = [name for name in names if not name.startswith(READS)]
    assert {"RegisterTaskDefinition", "UpdateService", "DeleteTaskDefinitions", "RunTask"} <= set(writes)
    facts = [{}, {"ecs__privileged": "false"}, {"ecs__privileged": "true"}, {"ecs__CreateAction": "RegisterTaskDefinition"}]
    things = ["*", DEFINITION, SERVICE, "arn:aws:ecs:eu-west-1:111122223333:cluster/prod",
              "arn:aws:ecs:eu-west-1:111122223333:task/prod/1"]
    return {name for name in writes if any(role.may(f"ecs:{name}", thing, **fact) for thing in things for fact in facts)}


def test_in_mode_alert_nothing_but_backout_writes_to_ecs():
    writers = {function: ecs_writes(role_of(function, "alert")) for function in FUNCTIONS}
    assert {function for function, writes in writers.items() if writes} == {"Backout"}
    assert not any(role_of(function, "alert").may("iam:PassRole", ROLE, iam__PassedToService="ecs-tasks.amazonaws.com")
                   for function in FUNCTIONS if function != "Backout")


def test_otherwise_a_function_writes_to_ecs_what_its_work_is_and_no_more():
    copies = {"RegisterTaskDefinition", "TagResource", "DeregisterTaskDefinition"}
    for function in ("Guard", "Sweep"):
        assert ecs_writes(role_of(function, "remediate")) == copies
        assert ecs_writes(role_of(function, "enforce")) == copies | {"UpdateService"}
    assert all(ecs_writes(role_of("Backout", mode)) == copies | {"UpdateService"} for mode in MODES)


@EACH
def test_moves_are_kept_by_guard_and_sweep_in_mode_enforce_only(function, mode):
    role = role_of(function, mode)
    keeps = mode == "enforce" and function != "Backout"
    assert role.may("s3:GetObject", MOVE) == role.may("s3:PutObject", MOVE, s3__if_match="ETAG") == keeps
    # All of them, for sweep; and the one, whether S3 says the key for the prefix or nothing.
    assert role.may("s3:ListBucket", BUCKET, s3__prefix=MOVES) == keeps
    assert role.may("s3:ListBucket", BUCKET, s3__prefix=f"{MOVES}prod/web.json") == keeps
    assert role.may("ecs:ListServiceDeployments", SERVICE) == keeps
    assert not role.may("s3:ListBucket", BUCKET, s3__prefix="moves/")


@pytest.mark.parametrize("mode", MODES)
def test_only_backout_makes_privilege_and_exemptions(mode):
    registers = [function for function in FUNCTIONS
                 if role_of(function, mode).may("ecs:RegisterTaskDefinition", DEFINITION, ecs__privileged="true")]
    exempts = [function for function in FUNCTIONS if role_of(function, mode).may("s3:PutObject", EXEMPTION)]
    assert (registers, exempts) == (["Backout"], ["Backout"])


@pytest.mark.parametrize("mode", MODES)
def test_a_right_that_is_added_to_the_guard_by_mistake_still_makes_no_privilege_and_no_exemption(mode):
    guard = role_of("Guard", mode)
    everything = [*guard.statements, {"Effect": "Allow", "Action": "*", "Resource": "*"}]
    may = lambda *call, **conditions: guard.may(*call, statements=everything, **conditions)
    assert may("ecs:RegisterTaskDefinition", DEFINITION, ecs__privileged="false")
    assert not may("ecs:RegisterTaskDefinition", DEFINITION, ecs__privileged="true")
    assert not may("ecs:RegisterDaemonTaskDefinition", "*", ecs__privileged="true")
    assert not may("s3:PutObject", EXEMPTION)


@EACH
def test_nobody_deletes_not_even_with_every_right(function, mode):
    role = role_of(function, mode)
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
        for key in (BACKUP, RECORD, EXEMPTION, MOVE):
            assert not role.may(action, key)
            assert not role.may(action, key, statements=[*role.statements, *everything])
            assert not role.may(action, key, statements=everything), "the bucket's policy alone"


def test_a_backup_is_written_once_by_the_guard_and_in_no_mode_that_registers_nothing():
    once = {"s3__if_none_match": "*"}
    for mode in ("remediate", "enforce"):
        assert role_of("Guard", mode).may("s3:PutObject", BACKUP, **once)
        assert not role_of("Guard", mode).may("s3:PutObject", BACKUP), "over one that is there"
    assert not role_of("Guard", "alert").may("s3:PutObject", BACKUP, **once)
    for mode in MODES:
        backout = role_of("Backout", mode)
        everything = [*backout.statements, {"Effect": "Allow", "Action": "*", "Resource": "*"}]
        assert not backout.may("s3:PutObject", BACKUP, **once)
        assert not backout.may("s3:PutObject", BACKUP, statements=everything, **once)


@EACH
def test_roles_are_passed_to_ecs_tasks_and_to_nothing_else(function, mode):
    role = role_of(function, mode)
    for service in ("lambda.amazonaws.com", "ec2.amazonaws.com", "ecs.amazonaws.com"):
        assert not role.may("iam:PassRole", ROLE, iam__PassedToService=service)
    assert not role.may("iam:PassRole", ROLE)


@EACH
def test_another_account_or_region_is_out_of_reach(function, mode):
    role = role_of(function, mode)
    for other in ("444455556666/eu-west-1", "111122223333/us-east-1"):
        for kind in ("backups", "records", "exemptions", "moves"):
            key = f"{BUCKET}/{kind}/{other}/web/1.json"
            assert not role.may("s3:GetObject", key) and not role.may("s3:PutObject", key, s3__if_none_match="*")
            assert not role.may("s3:ListBucket", BUCKET, s3__prefix=f"{kind}/{other}/web/")
    for arn in (SERVICE, DEFINITION):
        for other in (arn.replace("eu-west-1", "us-east-1"), arn.replace("111122223333", "444455556666")):
            assert not role.may("ecs:UpdateService", other) and not role.may("ecs:ListServiceDeployments", other)
            assert not role.may("ecs:RegisterTaskDefinition", other, ecs__privileged="false")
    assert not role.may("iam:PassRole", ROLE.replace("111122223333", "444455556666"), iam__PassedToService="ecs-tasks.amazonaws.com")


@pytest.mark.parametrize("mode", MODES)
def test_an_operator_may_invoke_backout_and_do_nothing_else(mode):
    resources = resources_of(mode)
    [policy] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::ManagedPolicy"]
    assert not {"Roles", "Users", "Groups"} & set(policy), "whom it is given to is the account's business"
    values = values_of(resources, *HOME)
    statements = resolved(policy["PolicyDocument"]["Statement"], values)
    arn = values["Backout.Arn"]
    assert is_allowed(statements, Request("lambda:InvokeFunction", arn))
    for other in (values["Guard.Arn"], arn + ":1", arn + "-2", arn.replace("eu-west-1", "us-east-1"), "*"):
        assert not is_allowed(statements, Request("lambda:InvokeFunction", other)), other
    for action in ("lambda:UpdateFunctionCode", "lambda:GetFunction", "s3:PutObject", "iam:PassRole"):
        assert not is_allowed(statements, Request(action, arn)), action


def test_an_operator_can_still_write_and_end_an_exemption_by_hand():
    """The README's commands, for somebody whose own role allows them: the bucket's policy is not in the way."""
    values = values_of(resources_of("alert"), *HOME)
    denies = resolved(resources_of("alert")["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"], values)
    facts = {"aws:SecureTransport": "true", "aws:PrincipalArn": "arn:aws:iam::111122223333:role/operator"}
    own = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    assert is_allowed(own, Request("s3:PutObject", EXEMPTION, facts), denies)
    assert is_allowed(own, Request("s3:DeleteObject", EXEMPTION, facts), denies)
    assert not is_allowed(own, Request("s3:PutObject", BACKUP, facts), denies)
    assert not is_allowed(own, Request("s3:PutObject", EXEMPTION, {**facts, "aws:SecureTransport": "false"}), denies)


# The judge itself.

def allow(**parts):
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **parts}


def test_nothing_is_allowed_unless_said_and_a_deny_is_the_last_word():
    request = Request("s3:GetObject", "arn:aws:s3:::b/k")
    assert not is_allowed([], request)
    assert is_allowed([allow()], request)
    assert is_allowed([allow(Action="s3:get*")], request), "actions have no case"
    assert not is_allowed([allow(Action="s3:PutObject")], request)
    assert not is_allowed([allow(Resource="arn:aws:s3:::b/K")], request), "resources have"
    assert not is_allowed([allow(), allow(Effect="Deny")], request)
    assert not is_allowed([allow()], request, [allow(Effect="Deny", Principal="*")])
    assert not is_allowed([], request, [allow(Principal="*")]), "a resource's policy only denies here"


def test_wildcards_cross_slashes_and_colons_but_not_the_parts_of_an_arn():
    assert is_like("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y:z") and is_like("a?c", "abc")
    assert not is_like("a?c", "ac") and not is_like("a.c", "abc") and not is_like("b", "abc")
    assert is_like_arn("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/a/b")
    assert not is_like_arn("arn:aws:*:role/x", "arn:aws:iam::1:role/x")


@pytest.mark.parametrize(("condition", "values", "holds"), [
    ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
    ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
    ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
    ({"StringEquals": {"k": "a"}}, {}, False),
    ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
    ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
    ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
    ({"StringLikeIfExists": {"k": "a*"}}, {"k": "b"}, False),
    ({"ArnEquals": {"k": "arn:aws:iam::1:role/x"}}, {"k": "arn:aws:iam::1:role/x"}, True),
    ({"ArnEquals": {"k": "arn:aws:iam::1:role/x"}}, {"k": "arn:aws:iam::1:role/y"}, False),
    ({"Null": {"k": "true"}}, {}, True),
    ({"Null": {"k": "true"}}, {"k": "*"}, False),
    ({"Null": {"k": "false"}}, {"k": "*"}, True),
    ({"Bool": {"k": "false"}}, {"k": "true"}, False),
    ({"Bool": {"k": "false"}}, {"k": "False"}, True),
    ({"Bool": {"k": "false"}}, {}, False),
    ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
    ({"StringEquals": {"k": "a"}, "Null": {"l": "true"}}, {"k": "a", "l": "b"}, False),
])
def test_conditions(condition, values, holds):
    assert condition_holds(condition, values) == holds


@pytest.mark.parametrize("statement", [
    allow(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}),
    allow(Condition={"ForAnyValue:StringEquals": {"k": "a"}}),
    {**allow(), "NotAction": "s3:PutObject"},
    allow(Principal={"AWS": "arn:aws:iam::1:role/x"}),
])
def test_what_the_judge_does_not_know_fails_instead_of_passing(statement):
    with pytest.raises(ValueError):
        is_allowed([statement], Request("s3:GetObject", "arn:aws:s3:::b/k", {"k": "a"}))


def test_names_are_resolved_and_unknown_ones_fail():
    values = {"Bucket": "b", "Bucket.Arn": "arn:aws:s3:::b"}
    node = {"Resource": [{"Fn::Sub": "${Bucket.Arn}/x"}, {"Fn::GetAtt": ["Bucket", "Arn"]}, {"Ref": "Bucket"}]}
    assert resolved(node, values) == {"Resource": ["arn:aws:s3:::b/x", "arn:aws:s3:::b", "b"]}
    with pytest.raises(KeyError):
        resolved({"Fn::Sub": "${Other}"}, values)
    with pytest.raises(ValueError):
        resolved({"Fn::ImportValue": "x"}, values)
