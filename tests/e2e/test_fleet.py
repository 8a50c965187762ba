"""FLEET.md: its commands run by AWS CLI v2 against moto, and its figures held to what computes them."""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

import pytest
from moto.organizations.models import FakeDelegatedAdministrator

import conftest
import cost
from cli import cli
from conftest import emptied
from test_template import SOURCE

ROOT = pathlib.Path(__file__).parents[2]
FLEET = (ROOT / "FLEET.md").read_text()
REGION, ANOTHER = "eu-west-1", "eu-central-1"
# moto makes no policies of topics and buckets; test_policies.py judges them.
pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def checkout(endpoint, folder):
    """What `make stackset` needs of a checkout, with a `sam build` that makes functions of a line: cargo is not asked."""
    built, tools = folder / "built", folder / ".venv/bin"
    (built / "code").mkdir(parents=True)
    (built / "code/bootstrap").write_text("#!/bin/sh\n")
    for named in ("LICENSE", "README.md"):  # by the template's metadata
        shutil.copy(ROOT / named, built)
    template = (ROOT / "template.yaml").read_text().replace("CodeUri: .", "CodeUri: code")
    (built / "template.yaml").write_text(re.sub(r"      BuildMethod.*\n      BuildProperties.*\n", "", template))
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tests").symlink_to(ROOT / "tests")
    tools.mkdir(parents=True)
    script(tools / "python", f"""#!/bin/sh
exec {sys.executable} "$@"
""")
    # Without the Region of the environment: the recipe has to name it.
    script(tools / "sam", f"""#!/bin/sh
if [ "$*" = build ]; then mkdir -p .aws-sam && cp -r {built} .aws-sam/build; exit; fi
echo "$*" >>{folder}/sam.log
exec env -u AWS_DEFAULT_REGION AWS_ENDPOINT_URL={endpoint} {pathlib.Path(sys.executable).with_name("sam")} "$@"
""")
    (folder / ".venv/installed").touch()


@pytest.fixture(scope="module")
def deployed(moto, tmp_path_factory):
    """The organization after all commands of the page, and what each printed."""
    folder = tmp_path_factory.mktemp("fleet")
    emptied(moto)
    client = lambda service, region=REGION: conftest.client(service, moto, region)
    organizations = client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    admin = organizations.create_account(Email="security@example.com", AccountName="security")["CreateAccountStatus"]["AccountId"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    pilot, target = (organizations.create_organizational_unit(ParentId=root, Name=name)["OrganizationalUnit"]["Id"] for name in ("pilot", "everyone"))

    # It is deployed once more below: moto shows no outputs of a stack that a change set made.
    for region in (REGION, ANOTHER):
        client("cloudformation", region).create_stack(
            StackName="ecs-privileged-guard-central", TemplateBody=(ROOT / "policies/central.yaml").read_text() + "# before\n",
            Parameters=[{"ParameterKey": "OrganizationId", "ParameterValue": organization}])

    (folder / "bin").mkdir()
    # moto knows StackSets as a trusted service only.
    FakeDelegatedAdministrator.SUPPORTED_SERVICES.append("member.org.stacksets.cloudformation.amazonaws.com")
    # moto does not know this call, nor does the CLI of Debian 12; the API's model does.
    assert client("cloudformation").meta.service_model.operation_model("ActivateOrganizationsAccess")
    script(folder / "bin/aws", f"""#!/bin/sh
case "$*" in "cloudformation activate-organizations-access --region {REGION}") exit 0 ;; esac
exec {cli()} --endpoint-url {moto} "$@"
""")
    checkout(moto, folder)
    shutil.copytree(ROOT / "policies", folder / "policies")

    text = "\n".join(re.findall(r"^```sh\n(.*?)^```", FLEET, re.S | re.M))
    for there, here in [("444455556666", admin), ("ou-ab12-pilot000", pilot), ("ou-ab12-everyone", target)]:
        assert there in text
        text = text.replace(there, here)
    # What is there before it is removed.
    removal = "aws cloudformation delete-stack-instances"
    text = text.replace(removal, f"aws cloudformation describe-stack-set --stack-set-name ecs-privileged-guard >seen.json\n{removal}")
    # Followed once more after `make clean`, the page keeps the mode that was chosen; in another Region it begins anew.
    [parameters] = re.findall(r"^```sh\n(test -s .*?)^```", FLEET, re.S | re.M)
    stop = "set_parameter EnforcementMode alert"
    assert text.count(stop) == 1
    text = text.replace(stop, f"mv target kept\n{parameters}\n(REGION={ANOTHER}\n{parameters})\n"
                              f"cp fleet-parameters-{REGION}.json before-the-stop.json\nmv kept target\n{stop}")
    environment = {**KEYS, "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "AWS_PAGER": "", "AWS_DEFAULT_REGION": REGION}
    ran = subprocess.run(["bash", "-xeuo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder, client, admin, text


def test_every_command_of_the_page_is_taken_and_does_what_it_says(deployed):
    folder, client, admin, text = deployed
    delegated = client("organizations").list_delegated_administrators()["DelegatedAdministrators"]
    assert [account["Id"] for account in delegated] == [admin]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in client("cloudformation").describe_stacks(
        StackName="ecs-privileged-guard-central")["Stacks"][0]["Outputs"]}
    [package] = (folder / "sam.log").read_text().splitlines()
    assert f"--s3-bucket {outputs['CodeBucket']} --region {REGION} " in package
    assert client("s3").get_object(Bucket=outputs["CodeBucket"], Key="stackset.json")["Body"].read()

    seen = json.loads((folder / "seen.json").read_text())["StackSet"]
    assert seen["PermissionModel"] == "SERVICE_MANAGED"
    of = lambda listed: {each["ParameterKey"]: each["ParameterValue"] for each in listed}
    parameters, before = of(seen["Parameters"]), of(json.loads((folder / "before-the-stop.json").read_text()))
    assert before == parameters | {"EnforcementMode": "remediate"}
    assert parameters.items() >= {"EnforcementMode": "alert", **{name: value for name, value in outputs.items() if name != "CodeBucket"}}.items()
    for name, value in parameters.items():
        assert re.fullmatch(SOURCE["Parameters"][name].get("AllowedPattern", ".*"), value), name
    assert {each["Status"] for each in client("cloudformation").list_stack_sets()["Summaries"]} == {"DELETED"}


def test_a_second_region_gets_its_own_topic_and_buckets_and_each_file_is_ignored(deployed):
    folder, client, *_ = deployed
    for region in (REGION, ANOTHER):
        outputs = client("cloudformation", region).describe_stacks(StackName="ecs-privileged-guard-central")["Stacks"][0]["Outputs"]
        made = {each["ParameterKey"]: each["ParameterValue"] for each in json.loads((folder / f"fleet-parameters-{region}.json").read_text())}
        assert made.items() >= {each["OutputKey"]: each["OutputValue"] for each in outputs if each["OutputKey"] != "CodeBucket"}.items()
        assert f":{region}:" in made["AlertTopicArn"]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    kept = [path.name for path in folder.glob("fleet-*")]
    assert len(kept) == 2 and all(any(fnmatch.fnmatch(f"/{name}", line) for line in ignored) for name in kept)


# StackSets that take three looks to stop an operation, and then begin the next: what moto, where all is done at once, does not show.
OPERATIONS = """#!{python}
import json, pathlib, sys
import jmespath
words, file = dict(zip(sys.argv[3::2], sys.argv[4::2])), pathlib.Path("operations.json")
assert words["--call-as"] == "DELEGATED_ADMIN" and words["--stack-set-name"] == "ecs-privileged-guard"
operations = json.loads(file.read_text())
if sys.argv[2] == "list-stack-set-operations":
    for row in jmespath.search(words["--query"], {{"Summaries": operations}}):
        print(*(row if isinstance(row, list) else [row]), sep="\t")
    for one in operations:
        if one["Status"] == "STOPPING":
            one["Looks"] += 1
            one["Status"] = "STOPPED" if one["Looks"] == 3 else "STOPPING"
    waiting = [one for one in operations if one["Status"] == "QUEUED"]
    if waiting and all(one["Status"] in ("QUEUED", "STOPPED", "SUCCEEDED") for one in operations):
        waiting[0]["Status"] = "RUNNING"
else:
    assert sys.argv[2] == "stop-stack-set-operation"
    [one] = [one for one in operations if one["OperationId"] == words["--operation-id"]]
    assert one["Status"] == "RUNNING", one
    one["Status"] = "STOPPING"
file.write_text(json.dumps(operations))
"""


def test_what_is_queued_is_stopped_too_before_the_stop_is_sent(tmp_path):
    [block] = re.findall(r"^```sh\n((?:(?!```).)*?stop-stack-set-operation.*?)^set_parameter", FLEET, re.S | re.M)
    (tmp_path / "operations.json").write_text(json.dumps([
        {"OperationId": name, "Status": status, "Looks": 0} for name, status in
        [("done", "SUCCEEDED"), ("first", "RUNNING"), ("second", "QUEUED"), ("third", "QUEUED")]]))
    script(tmp_path / "aws", OPERATIONS.format(python=sys.executable))
    script(tmp_path / "sleep", "#!/bin/sh\necho $1 >>slept\n")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REGION": REGION}
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    ended = {one["OperationId"]: one["Status"] for one in json.loads((tmp_path / "operations.json").read_text())}
    assert ended["done"] == "SUCCEEDED" and set(ended.values()) <= {"SUCCEEDED", "STOPPED", "STOPPING"}, ended
    assert set((tmp_path / "slept").read_text().split()) == {"5"}


def test_a_delegated_administrator_says_so_each_time_and_each_change_has_its_bounds():
    calls = re.findall(r"^aws cloudformation ([\w-]+) (.*?)(?<!\\)$", FLEET, re.S | re.M)
    of_the_set = [(name, words) for name, words in calls if "--stack-set-name" in words]
    assert len(of_the_set) == 9
    for name, words in of_the_set:
        assert "--call-as DELEGATED_ADMIN" in words, name
        assert ("--operation-preferences" in words) == (name in ("create-stack-instances", "update-stack-set", "delete-stack-instances")), name


def test_the_plain_template_is_the_whole_template_without_its_transform(deployed):
    folder, client, *_ = deployed
    template = json.loads((folder / "target/stackset.json").read_text())
    assert "Transform" not in template and set(template) >= {"Parameters", "Rules", "Mappings", "Conditions", "Outputs"}
    assert template["Parameters"] == SOURCE["Parameters"] and template["Outputs"] == SOURCE["Outputs"]
    assert not any(resource["Type"].startswith("AWS::Serverless") for resource in template["Resources"].values())
    assert set(SOURCE["Resources"]) <= set(template["Resources"])
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            assert resource["Properties"]["Code"]["S3Bucket"] in (folder / "sam.log").read_text(), name
            assert resource["Properties"]["Architectures"] == [{"Ref": "Architecture"}], "still each stack's own"


def test_the_plain_template_passes_the_linter(deployed):
    folder, *_ = deployed
    lint = [pathlib.Path(sys.executable).with_name("cfn-lint"), "--non-zero-exit-code", "error", folder / "target/stackset.json"]
    assert subprocess.run(lint, capture_output=True).returncode == 0


def test_the_costs_are_what_the_arithmetic_gives():
    assert cost.shown() == cost.table(), "PYTHONPATH=tests/e2e GOLDEN=write python tests/e2e/cost.py"


def test_a_run_logs_no_more_than_the_costs_count(story):
    it = story("remediate")
    assert it.deliver(it.register())["outcome"] == "remediated"
    lines = it.guard.lines()
    assert len(lines) == 2
    # CloudWatch counts 26 bytes more for each: https://aws.amazon.com/cloudwatch/pricing/
    assert sum(len(json.dumps(line)) + 26 for line in lines) <= cost.BYTES_A_RUN
