"""Whom the policies in `policies/` meet: the denies that prevent, and what an organization's accounts may do centrally."""

import json
import os
import pathlib

import pytest
from samtranslator.yaml_helper import yaml_parse

from iam import Request, is_allowed, is_denied, resolved
from test_iam import Role, values_of
from test_template import MODES, SOURCE, expanded

POLICIES = pathlib.Path(__file__).parents[2] / "policies"
DEPLOYER = "arn:aws:iam::111122223333:role/deploy"
GUARDS_PATH = "arn:aws:iam::111122223333:role/ecs-privileged-guard/"
BACKOUT = GUARDS_PATH + "StackSet-guard-1a2b-BackoutRole-3C4D"
DEFINITION = "arn:aws:ecs:eu-west-1:111122223333:task-definition/"
DAEMON = "arn:aws:ecs:eu-west-1:111122223333:daemon-task-definition/"
BEFORE, AT_THE_END = "2027-01-30T23:59:59Z", "2027-01-31T00:00:00Z"


def document(name):
    return json.loads((POLICIES / name).read_text())


def template(name):
    return yaml_parse((POLICIES / name).read_text())


def denies(name, resource, action="ecs:RegisterTaskDefinition", by=DEPLOYER, at=BEFORE, privileged="true"):
    facts = {"aws:PrincipalArn": by, "aws:CurrentTime": at} | ({} if privileged is None else {"ecs:privileged": privileged})
    return is_denied(document(name)["Statement"], Request(action, resource, facts))


# What prevents.

EACH = pytest.mark.parametrize("name", ["scp.json", "managed-policy.json", "example-scp.json"])


@EACH
def test_privileged_is_denied_both_ways_and_clean_passes(name):
    for action, resource in [("ecs:RegisterTaskDefinition", DEFINITION + "shop:*"), ("ecs:RegisterDaemonTaskDefinition", DAEMON + "web:*")]:
        assert denies(name, resource, action)
        assert not denies(name, resource, action, privileged="false")
        assert not denies(name, resource, action, privileged=None), "a request that says nothing of it"
    for action in ("ecs:DeregisterTaskDefinition", "ecs:RunTask", "ecs:UpdateService"):
        assert not denies(name, DEFINITION + "shop:1", action)


@EACH
def test_it_is_only_a_deny(name):
    assert all(statement["Effect"] == "Deny" for statement in document(name)["Statement"])


def test_exempt_families_pass_until_their_end_and_only_where_they_are_exempt():
    name = "example-scp.json"
    assert not denies(name, DEFINITION + "web:*") and not denies(name, DEFINITION + "web:13")
    assert denies(name, DEFINITION + "web:*", at=AT_THE_END)
    assert not denies(name, DEFINITION + "ci:*", at=AT_THE_END) and denies(name, DEFINITION + "ci:*", at="2027-02-20T11:30:00Z")
    for forever in ("datadog-agent", "datadog-x", "falco"):
        assert not denies(name, DEFINITION + forever + ":*", at="2036-01-01T00:00:00Z")
    for other in ("was", "web2", "we", "my-web", "falco2"):
        assert denies(name, DEFINITION + other + ":*"), other
    assert denies(name, DEFINITION.replace("eu-west-1", "eu-central-1") + "web:*")
    assert denies(name, DEFINITION.replace("111122223333", "444455556666") + "web:*")
    assert denies(name, DAEMON + "web:*", "ecs:RegisterDaemonTaskDefinition")


def test_if_ecs_does_not_tell_iam_the_family_then_nobody_is_exempt():
    """What IAM is asked about at a registration, which has no number yet, is not documented."""
    for resource in ("*", DEFINITION + "*", DEFINITION + "web"):
        assert denies("example-scp.json", resource), resource


@pytest.mark.parametrize("name", ["scp.json", "example-scp.json"])
def test_backout_brings_originals_back_and_nobody_else_is_spared(name):
    for at in (BEFORE, AT_THE_END):
        assert not denies(name, DEFINITION + "shop:*", by=BACKOUT, at=at)
        for other in (DEPLOYER, BACKOUT.replace("BackoutRole", "GuardRole"), BACKOUT.replace(":role/", ":user/"), BACKOUT.replace("ecs-privileged-guard/", ""), "arn:aws:iam::111122223333:root"):
            assert denies(name, DEFINITION + "shop:*", by=other, at=at), other
    # The managed policy is not given to backout's role.
    assert "aws:PrincipalArn" not in (POLICIES / "managed-policy.json").read_text()


@pytest.mark.parametrize("mode", MODES)
def test_the_role_that_is_spared_is_the_one_that_the_template_makes(mode):
    """CloudFormation names it after the stack, its logical ID and a random part."""
    resources = expanded(EnforcementMode=mode)
    assert resources["Backout"]["Properties"]["Role"] == {"Fn::GetAtt": ["BackoutRole", "Arn"]}
    properties = resources["BackoutRole"]["Properties"]
    assert "RoleName" not in properties and f":role{properties['Path']}" in BACKOUT


STACKSETS = "arn:aws:iam::111122223333:role/stacksets-exec-0123456789abcdef"
# Whatever makes a role, gives it rights, takes rights or a bound of its from it, takes it away, or hands it on.
MAKING = ("iam:CreateRole", "iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy",
          "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary", "iam:PassRole")


@pytest.mark.parametrize("name", ["scp.json", "example-scp.json"])
def test_nobody_but_whoever_deploys_makes_or_passes_a_role_that_is_spared(name):
    for action in MAKING:
        for role in (BACKOUT, GUARDS_PATH + "any", STACKSETS):
            assert denies(name, role, action, privileged=None), (action, role)
            assert not denies(name, role, action, by=STACKSETS, privileged=None), (action, role)
        assert not denies(name, "arn:aws:iam::111122223333:role/app", action, privileged=None)
    assert not denies(name, BACKOUT, "iam:GetRole", privileged=None)
    # StackSets itself is not spared of the first statement.
    assert denies(name, DEFINITION + "shop:*", by=STACKSETS)


def of_template(**lists):
    """The service control policy that the template makes, with these parameters."""
    prevention = template("prevention.yaml")
    defaults = {name: parameter["Default"].split(",") for name, parameter in prevention["Parameters"].items()}
    return resolved(prevention["Resources"]["ServiceControlPolicy"]["Properties"]["Content"], defaults | lists)


def test_the_optional_template_holds_the_same_documents():
    says, scp = of_template(), document("scp.json")
    for statement in says["Statement"]:  # of a parameter with one value, too, a template makes a list
        spared = statement["Condition"]["ArnNotLike"]
        [spared["aws:PrincipalArn"]] = spared["aws:PrincipalArn"]
    assert says == scp
    assert template("prevention.yaml")["Resources"]["ManagedPolicy"]["Properties"]["PolicyDocument"] == document("managed-policy.json")


def test_a_deploying_role_that_is_added_is_spared_and_nobody_else_makes_one_of_its_name():
    stacksets, deploying = template("prevention.yaml")["Parameters"]["DeployingRoles"]["Default"], "arn:*:iam::*:role/deploy"
    statements = of_template(DeployingRoles=[stacksets, deploying])["Statement"]
    asked = lambda action, role, by: is_denied(statements, Request(action, role, {"aws:PrincipalArn": by}))
    for action in MAKING:
        for role in (BACKOUT, GUARDS_PATH + "any", STACKSETS, DEPLOYER):
            assert not asked(action, role, DEPLOYER) and not asked(action, role, STACKSETS), (action, role)
            assert asked(action, role, "arn:aws:iam::111122223333:role/developer"), (action, role)
        assert not asked(action, "arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/developer"), action
    # Who follows FLEET.md gets this policy.
    assert f"DeployingRoles={stacksets},{deploying}'" in (POLICIES.parent / "FLEET.md").read_text()


# What the accounts of an organization may do centrally.

ORGANIZATION, OTHERS = {"aws:PrincipalOrgID": "o-exampleorgid"}, {"aws:PrincipalOrgID": "o-otherorgid"}
GUARD, ANYBODY = GUARDS_PATH + "stack-GuardRole-1A2B", {"aws__PrincipalArn": DEPLOYER}
CENTRAL = ("aws", "eu-west-1", "444455556666")
TOPIC = "arn:aws:sns:eu-west-1:444455556666:alerts"
KEY = "arn:aws:kms:eu-west-1:444455556666:key/central"
EVIDENCE = "arn:aws:s3:::evidence"
VALUES = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "444455556666", "AWS::StackName": "central",
          "AWS::URLSuffix": "amazonaws.com", "OrganizationId": "o-exampleorgid", "Topic": TOPIC, "EvidenceBucket.Arn": EVIDENCE,
          "CodeBucket.Arn": "arn:aws:s3:::code"}
GUARDS = {"AlertTopicArn": TOPIC, "AlertTopicKeyArn": KEY, "EvidenceBucketArn": EVIDENCE, "EvidenceKeyArn": KEY}


def central(resource):
    properties = template("central.yaml")["Resources"][resource]["Properties"]
    return resolved(properties.get("KeyPolicy") or properties["PolicyDocument"], VALUES)


def lets_in(resource, action, on, service=None, **facts):
    facts = {"aws:SecureTransport": "true", **({} if service else {"aws:PrincipalArn": GUARD})} | {
        key.replace("__", ":"): value for key, value in facts.items()}
    return is_allowed(central(resource)["Statement"], Request(action, on, facts, service))


@pytest.mark.parametrize(("name", "resource"), [("central-topic-policy.json", "TopicPolicy"), ("central-key-policy.json", "Key")])
def test_the_policies_for_a_topic_that_exists_already_are_the_templates(name, resource):
    if os.environ.get("GOLDEN") == "write":
        (POLICIES / name).write_text(json.dumps(central(resource), indent=2) + "\n")
    assert document(name) == central(resource)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("function", ["Guard", "Sweep", "Backout"])
def test_each_function_of_each_account_publishes_to_the_central_topic(function, mode):
    role = Role(expanded(EnforcementMode=mode, **GUARDS), function, ("aws", "eu-west-1", "111122223333"))
    through = {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}
    for action, on, resource, more in [("sns:Publish", TOPIC, "TopicPolicy", {}), ("kms:GenerateDataKey", KEY, "Key", through), ("kms:Decrypt", KEY, "Key", through)]:
        # Of another account, both its own policy and the resource's must let it.
        assert role.asked(Request(action, on, more))
        assert lets_in(resource, action, on, **ORGANIZATION, **more, aws__PrincipalArn=role.facts["aws:PrincipalArn"])
        assert lets_in(resource, action, on, **ORGANIZATION, **more)
        assert not lets_in(resource, action, on, **OTHERS, **more)
        assert not lets_in(resource, action, on, **more), "of no organization"
        assert not lets_in(resource, action, on, **ORGANIZATION, **more, **ANYBODY), "of the organization, and no guard"
    assert not role.asked(Request("sns:Publish", TOPIC + "2"))
    assert not lets_in("TopicPolicy", "sns:Publish", TOPIC, **ORGANIZATION, aws__SecureTransport="false")
    assert not lets_in("TopicPolicy", "sns:Subscribe", TOPIC, **ORGANIZATION)
    assert not lets_in("Key", "kms:Decrypt", KEY, **ORGANIZATION), "not through SNS"


def test_the_organizations_alarms_publish_and_others_do_not():
    alarms = "cloudwatch.amazonaws.com"
    assert lets_in("TopicPolicy", "sns:Publish", TOPIC, alarms, aws__SourceOrgID="o-exampleorgid")
    assert not lets_in("TopicPolicy", "sns:Publish", TOPIC, alarms, aws__SourceOrgID="o-otherorgid")
    assert not lets_in("TopicPolicy", "sns:Publish", TOPIC, alarms)
    assert not lets_in("TopicPolicy", "sns:Publish", TOPIC, "events.amazonaws.com", aws__SourceOrgID="o-exampleorgid")
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert lets_in("Key", action, KEY, alarms, aws__SourceOrgID="o-exampleorgid")
        assert lets_in("Key", action, KEY, alarms), "where CloudWatch does not say for whom"
        assert not lets_in("Key", action, KEY, alarms, aws__SourceOrgID="o-otherorgid")
        assert not lets_in("Key", action, KEY, "events.amazonaws.com", aws__SourceOrgID="o-exampleorgid")


def replication(**parameters):
    resources = expanded(**{**GUARDS, **parameters})
    values = values_of(resources, "aws", "eu-west-1", "111122223333") | {
        "EvidenceBucketArn": EVIDENCE, "EvidenceKeyArn": KEY, "AWS::URLSuffix": "amazonaws.com"}
    return resolved(resources["ReplicatesReports"]["Properties"]["PolicyDocument"]["Statement"], values)


def test_an_account_replicates_its_own_reports_and_nothing_else():
    statements = replication()
    may = lambda action, on, **facts: is_allowed(statements, Request(action, on, facts))
    own, theirs = (f"{EVIDENCE}/reports/{account}/eu-west-1/latest.html" for account in ("111122223333", "777788889999"))
    assert may("s3:ReplicateObject", own) and not may("s3:ReplicateObject", theirs)
    for account in ("111122223333", "777788889999"):
        facts = {**ORGANIZATION, "aws__PrincipalAccount": account}
        assert lets_in("EvidenceBucketPolicy", "s3:ReplicateObject", own, **facts) == (account == "111122223333")
    assert not lets_in("EvidenceBucketPolicy", "s3:ReplicateObject", own, **OTHERS, aws__PrincipalAccount="111122223333")
    assert not lets_in("EvidenceBucketPolicy", "s3:ReplicateObject", own, **ORGANIZATION), "whose account is not told"
    assert not lets_in("EvidenceBucketPolicy", "s3:ReplicateObject", own, **ORGANIZATION, aws__PrincipalAccount="111122223333", **ANYBODY)
    for action in ("s3:ReplicateDelete", "s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not may(action, own), action
        assert not lets_in("EvidenceBucketPolicy", action, own, **ORGANIZATION, aws__PrincipalAccount="111122223333"), action
    for kind in ("backups", "records", "exemptions", "moves", "sweeps"):
        of = lambda bucket: f"{bucket}/{kind}/111122223333/eu-west-1/web/1.json"
        assert not may("s3:GetObjectVersionForReplication", of("arn:aws:s3:::guard-state")), kind
        assert not may("s3:ReplicateObject", of(EVIDENCE)), kind
        assert not lets_in("EvidenceBucketPolicy", "s3:ReplicateObject", of(EVIDENCE), **ORGANIZATION, aws__PrincipalAccount="111122223333"), kind
    assert may("s3:GetObjectVersionForReplication", "arn:aws:s3:::guard-state/reports/111122223333/eu-west-1/latest.html")
    # Both keys: its own to read, the central one to write.
    through = {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}
    assert may("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/state", **through)
    assert not may("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/state") and not may("kms:Decrypt", KEY, **through)
    assert may("kms:Encrypt", KEY) and lets_in("Key", "kms:Encrypt", KEY, **ORGANIZATION, **through)


def test_a_report_that_is_written_anew_stays_for_as_long_as_the_page_says():
    [rule] = template("central.yaml")["Resources"]["EvidenceBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    days = rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert (rule["Prefix"], set(rule)) == ("reports/", {"Id", "Status", "Prefix", "NoncurrentVersionExpiration"})
    assert f"the version before stays for {days} days." in (POLICIES.parent / "FLEET.md").read_text()


def test_the_organization_reads_the_code_and_writes_none():
    code = "arn:aws:s3:::code/0123.zip"
    assert lets_in("CodeBucketPolicy", "s3:GetObject", code, **ORGANIZATION)
    assert not lets_in("CodeBucketPolicy", "s3:GetObject", code, **OTHERS)
    assert not lets_in("CodeBucketPolicy", "s3:PutObject", code, **ORGANIZATION)
    assert not lets_in("CodeBucketPolicy", "s3:GetObject", code, **ORGANIZATION, aws__SecureTransport="false")


def test_the_central_outputs_are_the_guards_parameters():
    assert set(template("central.yaml")["Outputs"]) == {*GUARDS, "CodeBucket"}


@pytest.mark.parametrize("bucket", ["EvidenceBucket", "CodeBucket"])
def test_the_central_buckets_are_versioned_private_and_kept(bucket):
    resource = template("central.yaml")["Resources"][bucket]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    properties = resource["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(properties["PublicAccessBlockConfiguration"].values())


# The parameters of the guard's own template.

def test_nothing_is_replicated_unless_a_bucket_and_its_key_are_named():
    for parameters in ({}, {"EvidenceBucketArn": EVIDENCE}, {"EvidenceKeyArn": KEY}):
        resources = expanded(**parameters)
        assert "ReplicationConfiguration" not in resources["Bucket"]["Properties"]
        assert not {"EvidenceRole", "ReplicatesReports"} & set(resources)
    # A bucket without its key does not deploy at all.
    rule = SOURCE["Rules"]["EvidenceNeedsItsKey"]
    is_named = lambda name: {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
    assert rule["RuleCondition"] == is_named("EvidenceBucketArn")
    assert [assertion["Assert"] for assertion in rule["Assertions"]] == [is_named("EvidenceKeyArn")]


def test_the_reports_are_replicated_and_deletions_are_not():
    configuration = expanded(**GUARDS)["Bucket"]["Properties"]["ReplicationConfiguration"]
    [rule] = configuration["Rules"]
    assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": "reports/"})
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    # Without this S3 leaves out what is under a KMS key, which is everything here.
    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    assert rule["Destination"] == {"Bucket": EVIDENCE, "EncryptionConfiguration": {"ReplicaKmsKeyID": KEY}}
