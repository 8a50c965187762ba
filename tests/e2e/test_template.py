"""The promises of template.yaml, on what SAM makes of it, with its conditions resolved by mode."""

import copy
import json
import os
import pathlib
import re
import shlex
import tomllib

import pytest
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one and calls nothing

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
SOURCE = yaml_parse((ROOT / "template.yaml").read_text())
ECS_WRITES = {"ecs:RegisterTaskDefinition", "ecs:DeregisterTaskDefinition", "ecs:UpdateService", "ecs:TagResource",
              "ecs:RegisterDaemonTaskDefinition", "ecs:DeleteTaskDefinitions"}


def expanded(**parameters):
    """The CloudFormation template for these parameters, without what their conditions leave out."""
    source = copy.deepcopy(SOURCE)
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/function.zip"
    values = {name: str(parameters.get(name, p.get("Default", ""))) for name, p in source["Parameters"].items()}
    translated = Translator({}, Parser()).translate(source, dict(values))
    conditions = translated["Conditions"]

    def holds(name):
        return condition(conditions[name])

    def condition(node):
        [(function, arguments)] = node.items()
        match function:
            case "Fn::Equals":
                left, right = (str(resolve(argument)) for argument in arguments)
                return left == right
            case "Fn::Not":
                return not condition(arguments[0])
            case "Fn::And":
                return all(map(condition, arguments))
        raise AssertionError(function)

    def resolve(node):
        match node:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": name} if name in values:
                return values[name]
            case {"Fn::Join": [separator, parts]}:
                parts = resolve(parts)
                if not isinstance(parts, list):
                    return parts
                is_known = all(isinstance(part, str) for part in parts)
                return separator.join(parts) if is_known else {"Fn::Join": [separator, parts]}
            case {"Fn::If": [name, then, otherwise]}:
                return resolve(then if holds(name) else otherwise)
            case dict():
                resolved = {key: resolve(value) for key, value in node.items()}
                return {key: value for key, value in resolved.items() if value is not None}
            case list():
                return [value for value in map(resolve, node) if value is not None]
        return node

    resources = {name: resource for name, resource in translated["Resources"].items()
                 if "Condition" not in resource or holds(resource["Condition"])}
    return {name: resolve(resource) for name, resource in resources.items()}


MODES = SOURCE["Parameters"]["EnforcementMode"]["AllowedValues"]
FUNCTIONS = [name for name, resource in SOURCE["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"]


def listed(value):
    return value if isinstance(value, list) else [value]


def policies(resources, role):
    """The documents of a role: its own, and those that it shares."""
    own = resources[role]["Properties"]["Policies"]
    shared = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::Policy"]
    return [policy["PolicyDocument"] for policy in [*own, *(p for p in shared if {"Ref": role} in p["Roles"])]]


def statements(resources, role="GuardRole"):
    return [statement for document in policies(resources, role) for statement in document["Statement"]]


def allowed(resources, role="GuardRole"):
    return {action for s in statements(resources, role) if s["Effect"] == "Allow" for action in listed(s["Action"])}


def statement_of(statements, sid):
    return next(s for s in statements if s.get("Sid") == sid)


def test_the_default_mode_is_alert_and_can_write_nothing_to_ecs():
    assert SOURCE["Parameters"]["EnforcementMode"]["Default"] == "alert"
    assert allowed(expanded()) & ECS_WRITES == set()
    assert "iam:PassRole" not in allowed(expanded())
    puts = [s for s in statements(expanded()) if s["Effect"] == "Allow" and s["Action"] == "s3:PutObject"]
    assert len(puts) == 1 and "/records/" in json.dumps(puts)


@pytest.mark.parametrize("role", ["GuardRole", "SweepRole"])
def test_remediate_adds_exactly_what_a_copy_needs(role):
    more = allowed(expanded(EnforcementMode="remediate"), role) - allowed(expanded(), role)
    assert more == {"ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:DeregisterTaskDefinition", "iam:PassRole"}


@pytest.mark.parametrize("role", ["GuardRole", "SweepRole"])
def test_enforce_adds_exactly_what_a_move_needs(role):
    of = {mode: statements(expanded(EnforcementMode=mode), role) for mode in MODES}
    assert all(statement in of["enforce"] for statement in of["remediate"])
    more = [statement for statement in of["enforce"] if statement not in of["remediate"]]
    assert all(statement["Effect"] == "Allow" for statement in more)
    services = {"Fn::Sub": "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:service/*"}
    moves = "moves/${AWS::AccountId}/${AWS::Region}/*"
    assert [(listed(s["Action"]), s["Resource"], s.get("Condition")) for s in more] == [
        (["ecs:UpdateService"], services, None),
        (["ecs:ListServiceDeployments"], services, None),
        (["s3:GetObject", "s3:PutObject"], {"Fn::Sub": "${Bucket.Arn}/" + moves}, None),
        (["s3:ListBucket"], {"Fn::GetAtt": ["Bucket", "Arn"]}, {"StringLikeIfExists": {"s3:prefix": {"Fn::Sub": moves}}})]


@pytest.mark.parametrize("mode", MODES)
def test_only_in_enforce_is_there_anything_about_services_and_moves(mode):
    resources = expanded(EnforcementMode=mode)
    is_enforce = mode == "enforce"
    for role in ("GuardRole", "SweepRole"):
        assert ({"ecs:UpdateService", "ecs:ListServiceDeployments"} <= allowed(resources, role)) == is_enforce
        assert bool({"ecs:UpdateService", "ecs:ListServiceDeployments"} & allowed(resources, role)) == is_enforce
        assert ("/moves/" in json.dumps(statements(resources, role))) == is_enforce
    assert "moves/" not in json.dumps(statements(resources, "BackoutRole"))
    assert set(rules(resources)) == ({"Rule", "ServiceRule", "DeploymentRule"} if is_enforce else {"Rule"})


@pytest.mark.parametrize("mode", MODES)
def test_the_role_makes_no_privilege_exempts_nobody_deletes_nothing(mode):
    denied = [s for s in statements(expanded(EnforcementMode=mode)) if s["Effect"] == "Deny"]
    privilege = statement_of(denied, "MakesNoPrivilege")
    assert set(privilege["Action"]) == {"ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"}
    assert privilege["Resource"] == "*" and privilege["Condition"] == {"StringEquals": {"ecs:privileged": "true"}}
    assert "/exemptions/*" in json.dumps(statement_of(denied, "ExemptsNobody"))
    assert set(statement_of(denied, "DeletesNothing")["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}


WRITING = pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "alert"])


@WRITING
def test_roles_are_passed_to_ecs_tasks_only_and_can_be_narrowed(mode):
    passing = statement_of(statements(expanded(EnforcementMode=mode)), "CopiesCarryTheOriginalsRoles")
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    narrow = "arn:aws:iam::111122223333:role/app-*"
    passing = statement_of(statements(expanded(EnforcementMode=mode, PassableRoles=narrow)), "CopiesCarryTheOriginalsRoles")
    assert listed(passing["Resource"]) == [narrow]


@WRITING
def test_copies_are_tagged_at_registration_only(mode):
    tagging = statement_of(statements(expanded(EnforcementMode=mode)), "TagsCopiesAtRegistration")
    assert tagging["Condition"] == {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}


def test_tasks_are_listed_by_cluster_which_no_resource_but_all_allows():
    [listing] = [s for s in statements(expanded()) if "ecs:ListTasks" in listed(s["Action"])]
    assert listed(listing["Resource"]) == ["*"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_missing_can_be_told_from_denied_wherever_a_role_reads(function, mode):
    of = lambda action: [s for s in statements(expanded(EnforcementMode=mode), f"{function}Role") if action in listed(s["Action"])]
    kinds = lambda node: set(re.findall(r"(\w+)/\$", json.dumps(node).replace("${Bucket.Arn}/", "")))
    prefixes = [s["Condition"]["StringLikeIfExists"]["s3:prefix"] for s in of("s3:ListBucket")]
    assert kinds(prefixes) == kinds([s["Resource"] for s in of("s3:GetObject")]) >= {"records", "exemptions"}


def test_the_environment_is_the_contract():
    contract = {"ENFORCEMENT_MODE", "BACKUP_BUCKET", "ALERT_TOPIC_ARN", "GUARD_ROLES", "APPLY_ROLES", "REMEDIATE_FAMILIES",
                "EXEMPT_FAMILIES", "OWNER_TAG_KEYS", "OUTPUT_ONLY_MEMBERS", "RUNBOOK_URL"}
    resources = expanded()
    variables = {function: resources[function]["Properties"]["Environment"]["Variables"] for function in FUNCTIONS}
    both = {"BACKOUT_FUNCTION", "SETTLE_MINUTES"}
    more = {"Guard": both, "Sweep": both | {"REMEDIATE_EXISTING"}, "Backout": set()}
    assert {function: set(of) - contract for function, of in variables.items()} == more
    assert all(contract <= set(of) for of in variables.values())
    assert all(of.get("BACKOUT_FUNCTION", {"Ref": "Backout"}) == {"Ref": "Backout"} for of in variables.values())
    # What backout brings back is the original, and no copy of ours.
    ours = {"Fn::Join": [",", [{"Ref": "GuardRole"}, {"Ref": "SweepRole"}]]}
    assert all(of["GUARD_ROLES"] == ours for of in variables.values())
    # What an operator applied must be undone, and not be taken for somebody's newer version.
    applied = expanded(ApplyRoles="operator,on-call")
    roles = {applied[function]["Properties"]["Environment"]["Variables"]["APPLY_ROLES"] for function in FUNCTIONS}
    assert roles == {"operator,on-call"}
    assert {of["ENFORCEMENT_MODE"] for of in variables.values()} == {"alert"}
    existing = expanded(RemediateExisting="true")["Sweep"]["Properties"]["Environment"]["Variables"]
    assert (variables["Sweep"]["REMEDIATE_EXISTING"], existing["REMEDIATE_EXISTING"]) == ("false", "true")


def test_a_move_has_an_hour_to_settle_or_what_the_operator_says_within_a_week():
    of = lambda name, **parameters: expanded(**parameters)[name]["Properties"]["Environment"]["Variables"]["SETTLE_MINUTES"]
    for function in ("Guard", "Sweep"):
        assert (of(function), of(function, SettleMinutes=5)) == ("60", "5")
    parameter = SOURCE["Parameters"]["SettleMinutes"]
    assert (parameter["Type"], parameter["MinValue"], parameter["MaxValue"]) == ("Number", 5, 7 * 24 * 60)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_arm64_by_default_and_can_be_x86_64(function):
    assert expanded()[function]["Properties"]["Architectures"] == ["arm64"]
    properties = expanded(Architecture="x86_64")[function]["Properties"]
    assert (properties["Architectures"], properties["Runtime"], properties["Handler"]) == (["x86_64"], "provided.al2023", "bootstrap")


def test_each_function_has_its_own_binary_role_and_log():
    resources = expanded()
    binaries, roles, logs = set(), set(), set()
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    for function in FUNCTIONS:
        metadata, properties = SOURCE["Resources"][function]["Metadata"], resources[function]["Properties"]
        assert (metadata["BuildMethod"], metadata["BuildProperties"]) == ("rust-cargolambda", {"Binary": function.lower()})
        binaries.add(metadata["BuildProperties"]["Binary"])
        roles.add(properties["Role"]["Fn::GetAtt"][0])
        logging = properties["LoggingConfig"]
        assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", "INFO")
        logs.add(logging["LogGroup"]["Ref"])
    assert len(roles) == len(logs) == len(FUNCTIONS)
    assert binaries <= {binary["name"] for binary in manifest["bin"]}
    assert all(resources[log]["DeletionPolicy"] == "RetainExceptOnCreate" for log in logs)


@pytest.mark.parametrize("mode", MODES)
def test_backouts_role_is_the_same_in_every_mode_and_denies_itself_backups_and_deleting(mode):
    of_mode = statements(expanded(EnforcementMode=mode), "BackoutRole")
    assert of_mode == statements(expanded(), "BackoutRole")
    denied = [s for s in of_mode if s["Effect"] == "Deny"]
    assert "/backups/*" in json.dumps(statement_of(denied, "MakesNoBackup"))
    assert set(statement_of(denied, "DeletesNothing")["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}


def test_the_command_to_undo_is_one_that_backout_understands_and_waits_for_it():
    text = SOURCE["Outputs"]["BackoutCommand"]["Value"]["Fn::Sub"]
    words = shlex.split(text)
    assert words[:3] == ["aws", "lambda", "invoke"] and words[-1] == "/dev/stdout" and "\n" not in text
    options = dict(zip(words[3:-1:2], words[4:-1:2]))
    assert (options["--function-name"], options["--region"]) == ("${Backout}", "${AWS::Region}")
    assert options["--cli-binary-format"] == "raw-in-base64-out"
    request = json.loads(options["--payload"])
    assert (set(request), request["expiresInDays"]) == ({"taskDefinition", "reason", "approvedBy", "expiresInDays"}, 30)
    # The CLI gives up after 60 s unless told, and then sends the request again.
    assert options["--cli-read-timeout"] == "0", "without an end, as in the alerts"


def test_the_policy_for_operators_is_an_output():
    assert SOURCE["Resources"]["BackoutOperators"]["Type"] == "AWS::IAM::ManagedPolicy"
    assert SOURCE["Outputs"]["BackoutOperatorsPolicy"]["Value"] == {"Ref": "BackoutOperators"}
    assert SOURCE["Outputs"]["BackoutFunction"]["Value"] == {"Ref": "Backout"}


def test_concurrency_is_reserved_and_can_be_zero_or_unreserved():
    def of(value):
        resources = expanded(ReservedConcurrency=value)
        return [resources[name]["Properties"].get("ReservedConcurrentExecutions") for name in ("Guard", "Sweep")]

    assert (of("10"), of("0"), of("-1")) == (["10", 1], ["0", 0], [None, None])


@pytest.mark.parametrize("queue", ["RuleDeadLetterQueue", "FailureQueue", "SweepDeadLetterQueue"])
def test_the_queues_are_encrypted_keep_14_days_and_have_an_alarm_that_reaches_the_topic(queue):
    resources = expanded()
    properties = resources[queue]["Properties"]
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert properties["KmsMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
    name = {"Fn::GetAtt": [queue, "QueueName"]}
    [alarm] = [r for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"
               and r["Properties"].get("Dimensions", [{}])[0].get("Value") == name]
    assert alarm["Properties"]["AlarmActions"] == [{"Ref": "Topic"}]


def test_every_alarm_says_in_one_sentence_what_it_means_and_reaches_the_topic():
    topic = "arn:aws:sns:eu-west-1:444455556666:central"
    alarms = [r["Properties"] for r in expanded(AlertTopicArn=topic).values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) == 10
    for alarm in alarms:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
        assert re.fullmatch(r"[A-Z][^.]+\. RUNBOOK\.md#alarm-[a-z-]+", alarm["AlarmDescription"])


def rules(resources):
    """Those that start the guard; the others tell of tampering (test_operate.py)."""
    of = lambda r: [target["Arn"] for target in r["Properties"]["Targets"]]
    return {name: r["Properties"] for name, r in resources.items()
            if r["Type"] == "AWS::Events::Rule" and of(r) == [{"Fn::GetAtt": ["Guard", "Arn"]}]}


@pytest.mark.parametrize("mode", MODES)
def test_events_that_fail_are_kept_on_both_sides_of_the_function(mode):
    resources = expanded(EnforcementMode=mode)
    for rule in rules(resources).values():
        [target] = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["Guard", "Arn"]}
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": ["RuleDeadLetterQueue", "Arn"]}
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}
    [config] = [r for r in resources.values() if r["Type"] == "AWS::Lambda::EventInvokeConfig"
                and r["Properties"]["FunctionName"] == {"Ref": "Guard"}]
    assert config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["FailureQueue", "Arn"]}
    assert config["Properties"]["MaximumRetryAttempts"] == 2
    [sends] = resources["RuleDeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (sends["Principal"], sends["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert sends["Condition"] == {"ArnEquals": {"aws:SourceArn": arns_of(rules(resources))}}


def arns_of(rules):
    """By their names, which are known before they are there."""
    identity = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
    prefixes = [rule["Name"]["Fn::Join"][1][0] for rule in rules.values()]
    assert [rule["Name"] for rule in rules.values()] == [{"Fn::Join": ["-", [prefix, identity]]} for prefix in prefixes]
    arn = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/"
    return [{"Fn::Sub": [f"{arn}{prefix}-${{Id}}", {"Id": identity}]} for prefix in prefixes]


@pytest.mark.parametrize("mode", MODES)
def test_each_rule_is_enabled_and_may_start_the_guard_and_nothing_else_may(mode):
    resources = expanded(EnforcementMode=mode)
    assert all(rule["State"] == "ENABLED" for rule in rules(resources).values())
    permissions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::Permission"]
    assert [permission.pop("SourceArn") for permission in permissions] == arns_of(rules(resources))
    assert all(permission == {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Guard"},
                              "Principal": "events.amazonaws.com"} for permission in permissions)


@pytest.mark.parametrize("mode", MODES)
def test_a_rule_waits_until_it_may_start_the_guard_and_use_its_queue(mode):
    resources = expanded(EnforcementMode=mode)
    for name in rules(resources):
        assert {f"{name}InvokesGuard", "RuleDeadLetterQueuePolicy"} <= set(resources[name]["DependsOn"])


def test_a_rule_of_enforce_waits_until_the_roles_have_the_rights_of_enforce():
    resources = expanded(EnforcementMode="enforce")
    assert all("Enforces" in resources[name]["DependsOn"] for name in ("ServiceRule", "DeploymentRule"))


@pytest.mark.parametrize(("mode", "policies"), [
    ("alert", ["", ""]), ("remediate", [{"Ref": "Remediates"}, ""]), ("enforce", [{"Ref": "Remediates"}, {"Ref": "Enforces"}])])
def test_the_variable_says_a_mode_only_after_the_roles_have_its_rights(mode, policies):
    for name in ("Guard", "Sweep"):
        assert expanded(EnforcementMode=mode)[name]["Metadata"]["WaitsFor"] == policies


@pytest.mark.parametrize("hours", SOURCE["Parameters"]["SweepIntervalHours"]["AllowedValues"])
def test_the_alarm_misses_a_sweep_after_two_of_the_intervals_in_which_it_is_started(hours):
    interval = SOURCE["Mappings"]["Sweeps"][str(hours)]
    assert interval == {"Schedule": f"rate({60 * hours} minutes)", "Seconds": 3600 * hours}
    resources = expanded(SweepIntervalHours=hours)
    of = lambda name: {"Fn::FindInMap": ["Sweeps", str(hours), name]}
    assert resources["SweepSchedule"]["Properties"]["ScheduleExpression"] == of("Schedule")
    alarm = resources["NoSweepAlarm"]["Properties"]
    assert {m["MetricStat"]["Period"]["Fn::FindInMap"][2] for m in alarm["Metrics"] if "MetricStat" in m} == {"Seconds"}
    assert all(m["MetricStat"]["Period"] == of("Seconds") for m in alarm["Metrics"] if "MetricStat" in m)
    assert alarm["EvaluationPeriods"] == 2
    assert (alarm["Threshold"], alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (1, "LessThanThreshold", "breaching")


def test_the_alarms_look_at_the_metrics_that_sweep_writes():
    source = (ROOT / "src/domain/metrics.rs").read_text() + (ROOT / "src/reconcile/sweep/tell.rs").read_text()
    of = lambda mode: [{"Name": "service", "Value": "sweep"}, {"Name": "mode", "Value": mode}]
    assert '"SweepCompleted"' in source and '"MissedByEvent"' in source
    for mode in MODES:
        resources = expanded(EnforcementMode=mode)
        missed = resources["MissedEventsAlarm"]["Properties"]
        assert (missed["Namespace"], missed["MetricName"], missed["Dimensions"]) == ("EcsPrivilegedGuard", "MissedByEvent", of(mode))
        # A sweep in any mode is one: a change of mode rings nobody.
        total, *each = resources["NoSweepAlarm"]["Properties"]["Metrics"]
        assert total["Expression"] == " + ".join(one["Id"] for one in each) and [one["Id"] for one in each] == MODES
        assert [one["MetricStat"]["Metric"] for one in each] == [
            {"Namespace": "EcsPrivilegedGuard", "MetricName": "SweepCompleted", "Dimensions": of(one)} for one in MODES]


@pytest.mark.parametrize("mode", MODES)
def test_an_event_or_a_tamper_alert_that_no_queue_took_is_seen_of_every_rule(mode):
    resources = expanded(EnforcementMode=mode)
    every = {name for name, r in resources.items() if r["Type"] == "AWS::Events::Rule"}
    watched = []
    for alarm in ("LostEventsAlarm", "TamperDeadLettersAlarm"):
        total, *each = resources[alarm]["Properties"]["Metrics"]
        assert total["Expression"] == " + ".join(one["Id"] for one in each)
        of_rules = [one["MetricStat"] for one in each if one["MetricStat"]["Metric"]["Namespace"] == "AWS/Events"]
        assert all(one["Metric"]["MetricName"] == "InvocationsFailedToBeSentToDlq" and one["Stat"] == "Sum" for one in of_rules)
        watched += [one["Metric"]["Dimensions"][0]["Value"]["Ref"] for one in of_rules]
        assert len(each) <= 10  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
    assert sorted(watched) == sorted(every)


def test_a_sweep_that_cannot_be_started_or_fails_is_kept():
    resources = expanded()
    queue = {"Fn::GetAtt": ["SweepDeadLetterQueue", "Arn"]}
    target = resources["SweepSchedule"]["Properties"]["Target"]
    assert (target["Arn"], target["DeadLetterConfig"]["Arn"]) == ({"Fn::GetAtt": ["Sweep", "Arn"]}, queue)
    [config] = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::EventInvokeConfig"
                and r["Properties"]["FunctionName"] == {"Ref": "Sweep"}]
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == queue
    starts = statements(resources, "SweepScheduleRole")
    assert {action for s in starts for action in listed(s["Action"])} == {
        "lambda:InvokeFunction", "sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"}
    assert statement_of(starts, "StartsSweeps")["Resource"] == {"Fn::GetAtt": ["Sweep", "Arn"]}


def test_a_topic_of_ours_that_nobody_listens_to_is_seen_and_another_accounts_topic_is_not_ours_to_watch():
    alarm = expanded()["NobodyListensAlarm"]["Properties"]
    assert {m["Id"] for m in alarm["Metrics"]} == {"nobody", "published", "delivered", "failed", "filtered"}
    assert "NobodyListensAlarm" not in expanded(AlertTopicArn="arn:aws:sns:eu-west-1:444455556666:central")


def test_the_bucket_is_versioned_encrypted_private_and_kept():
    bucket = expanded()["Bucket"]
    for kept in (bucket, expanded()["BucketPolicy"], expanded()["Key"]):
        # A first deployment that fails leaves nothing.
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    properties = bucket["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(properties["PublicAccessBlockConfiguration"].values())
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": ["Key", "Arn"]}


def test_the_bucket_takes_tls_only_writes_backups_once_and_lets_our_roles_delete_nothing():
    policy = expanded()["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement_of(policy, "OnlyOverTls")["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    once = statement_of(policy, "BackupsAreWrittenOnce")
    assert once["Condition"] == {"Null": {"s3:if-none-match": "true"}} and "/backups/*" in json.dumps(once["Resource"])
    deletes = statement_of(policy, "OurRolesDeleteNothing")
    assert deletes["Principal"] == "*"  # a role that is gone cannot be a principal, and this policy outlives it
    assert deletes["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [
        {"Fn::GetAtt": [f"{function}Role", "Arn"]} for function in FUNCTIONS]}}
    assert all(s["Effect"] == "Deny" for s in policy)


def test_a_topic_is_created_only_where_none_is_given():
    assert expanded()["Topic"]["Properties"]["KmsMasterKeyId"] == {"Ref": "Key"}
    assert "Topic" not in expanded(AlertTopicArn="arn:aws:sns:eu-west-1:444455556666:central")


ABSENT = object()


def matches(pattern, event):
    """EventBridge's matching, as far as the rules use it: exact values, beginnings and ends of values, that a member is there or not,
    and one of several patterns. Of a list in the event, one value.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    if isinstance(pattern, list):
        return any(matches_one(wanted, event) for wanted in pattern)
    event = event if isinstance(event, dict) else {}
    return all(any(matches(one, event) for one in inner) if name == "$or" else matches(inner, event.get(name, ABSENT))
               for name, inner in pattern.items())


def matches_one(wanted, event):
    match wanted:
        case {"exists": True}:
            return event is not ABSENT and not isinstance(event, dict)  # it works on leaves only
        case {"exists": False}:
            return event is ABSENT
        case _ if isinstance(event, list):
            return any(matches_one(wanted, one) for one in event)
        case {"prefix": str(start)}:
            return isinstance(event, str) and event.startswith(start)
        case {"suffix": str(end)}:
            return isinstance(event, str) and event.endswith(end)
        case str():
            return event == wanted
    raise ValueError(f"{wanted} is not known here")


def matched_by(event, mode):
    return [name for name, rule in rules(expanded(EnforcementMode=mode)).items() if matches(rule["EventPattern"], event)]


def files():
    return {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("guard-*.json"))}


# The files that the rule of registrations does not match, and the rule that does in mode enforce.
OF_ENFORCE = {
    "guard-create-service": ["ServiceRule"],
    "guard-update-service": ["ServiceRule"],
    "guard-update-service-failed": ["ServiceRule"],
    "guard-deregister": ["ServiceRule"],
    "guard-deployment-completed": ["DeploymentRule"],
    "guard-deployment-failed": ["DeploymentRule"],
    "guard-deployment-in-progress": [],
    "guard-scheduled": [],
}


@pytest.mark.parametrize("mode", MODES)
def test_the_rule_matches_every_registration_in_events_and_nothing_else(mode):
    matched = {name: matched_by(event, mode) for name, event in files().items()}
    assert len(matched) > 27 and set(OF_ENFORCE) <= set(matched)
    of_enforce = OF_ENFORCE if mode == "enforce" else dict.fromkeys(OF_ENFORCE, [])
    assert matched == {name: of_enforce.get(name, ["Rule"]) for name in matched}


def test_an_update_of_a_service_without_a_task_definition_starts_nothing():
    event = files()["guard-update-service"]
    assert matched_by(event, "enforce") == ["ServiceRule"]
    del event["detail"]["requestParameters"]["taskDefinition"]
    assert matched_by(event, "enforce") == []
    event["detail"]["requestParameters"] = None
    assert matched_by(event, "enforce") == []


@pytest.mark.parametrize(("source", "type_", "name"), [
    ("aws.ecs", "AWS API Call via CloudTrail", "DeleteService"),
    ("aws.ecs", "AWS API Call via CloudTrail", "RunTask"),
    ("aws.ecs", "ECS Service Action", "SERVICE_DEPLOYMENT_COMPLETED"),
    ("other", "AWS API Call via CloudTrail", "UpdateService"),
])
def test_what_is_of_another_kind_starts_nothing(source, type_, name):
    detail = {"eventSource": "ecs.amazonaws.com", "eventName": name, "requestParameters": {"taskDefinition": "web:12"}}
    assert matched_by({"source": source, "detail-type": type_, "detail": detail}, "enforce") == []


def test_every_role_is_on_the_path_that_an_organizations_policies_name():
    roles = [r["Properties"] for r in expanded(EvidenceBucketArn="arn:aws:s3:::e", EvidenceKeyArn="k").values() if r["Type"] == "AWS::IAM::Role"]
    assert len(roles) == 6 and {role["Path"] for role in roles} == {"/ecs-privileged-guard/"}


def test_sam_deploy_needs_no_more_than_it_says():
    config = (ROOT / "samconfig.toml").read_text()
    assert 'capabilities = "CAPABILITY_IAM"' in config
    assert not any({"RoleName", "ManagedPolicyName"} & set(r.get("Properties", {})) for r in SOURCE["Resources"].values())
