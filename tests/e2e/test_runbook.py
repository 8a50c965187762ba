"""RUNBOOK.md: complete in both directions, and its commands run, by a real AWS CLI v2, against the template in moto."""

import copy
import io
import json
import pathlib
import re
import subprocess
import zipfile

import botocore.session
import pytest
import requests
from botocore import xform_name

from cli import cli_server, shell  # noqa: F401
from conftest import REGION, client, emptied
from test_redrive import record
from test_template import SOURCE, Parser, Translator

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "RUNBOOK.md").read_text()
# A stack's own name is the shorter case; that of StackSets is longer than EventBridge takes a prefix of (64).
STACK = "StackSet-ecs-privileged-guard-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def sections():
    """Each `###` section by the `##` section that it is in: its heading, and its text without the commands."""
    found = {}
    for chapter in re.split(r"^## ", TEXT, flags=re.M)[1:]:
        name, _, text = chapter.partition("\n")
        found[name] = [(heading, re.sub(r"```.*?```", "", body, flags=re.S))
                       for heading, _, body in (part.partition("\n") for part in re.split(r"^### ", text, flags=re.M)[1:])]
    return found


SECTIONS = sections()


def slug(heading):
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def arms(path, function="as_str", enum=None):
    """The names that a Rust enum has in text."""
    source = (ROOT / "src" / path).read_text()
    if enum:
        source = source[source.index(f"impl {enum} {{"):]
        source = source[:source.index("\n}\n")]
    body = source[source.index(f"fn {function}("):]
    return set(re.findall(r'=> "([\w]+)"', body[:body.index("\n    }")]))


NAMES = {
    "Outcomes": arms("domain/outcome.rs", enum="Outcome") | arms("domain/moves/answer.rs", enum="Outcome"),
    "Reasons": arms("domain/outcome.rs", enum="Reason"),
    "Moves": arms("domain/moves/mod.rs", enum="State") | arms("domain/moves/mod.rs", enum="Reason"),
    "Backout": arms("domain/backout/answer.rs", enum="Outcome") | arms("domain/backout/refusal.rs", enum="Refusal"),
    # What is read first and cannot be (Unreadable, ServiceUnreadable) has the name of its failure's reason.
    "Errors of an invocation": arms("domain/failure.rs", "category") | arms("reconcile/mod.rs", "category", "RunError")
    | arms("domain/event.rs", "category") | set().union(*(arms(f"lambda/{name}.rs", "category") for name in ("guard", "sweep", "backout")))
    | {"access_denied", "invalid_parameter", "limit_exceeded", "refused", "malformed_definition"},
}


@pytest.mark.parametrize("chapter", NAMES)
def test_every_word_of_the_code_has_one_section_and_every_section_is_of_a_word(chapter):
    assert len(NAMES[chapter]) >= 10
    told = [name for heading, _ in SECTIONS[chapter] for name in re.findall(r"`(\w+)`", heading)]
    assert sorted(told) == sorted(NAMES[chapter])


def test_the_list_of_categories_is_the_codes_own():
    """The names that come from a reason and not from a text in `category`."""
    assert "Self::Unreadable(failure) | Self::ServiceUnreadable(failure) => failure.reason().as_str()" in (ROOT / "src/reconcile/mod.rs").read_text()


def test_every_alarm_and_tamper_rule_points_to_its_section_and_every_section_has_one():
    for chapter, kind, text in (("Alarms", "AWS::CloudWatch::Alarm", "AlarmDescription"), ("Tampering", "AWS::Events::Rule", "Description")):
        texts = [r["Properties"][text] for r in SOURCE["Resources"].values() if r["Type"] == kind and "RUNBOOK.md" in r["Properties"][text]]
        anchors = [anchor for one in texts for anchor in re.findall(r"\. RUNBOOK\.md#([\w-]+)$", one)]
        assert len(anchors) == len(texts) > 4
        assert sorted(anchors) == sorted(slug(heading) for heading, _ in SECTIONS[chapter])


@pytest.mark.parametrize("chapter", ["Alarms", "Tampering", *NAMES])
def test_every_section_says_what_it_means_how_to_look_what_to_do_and_when_it_is_over(chapter):
    for heading, body in SECTIONS[chapter]:
        lines = [line for line in body.splitlines() if line]
        assert [re.match(r"- \*\*(\w+)\*\*: .+[.?]$", line).group(1) for line in lines] == ["Means", "Look", "Do", "Over"], heading


def test_every_link_leads_somewhere():
    headings = [slug(heading) for heading in re.findall(r"^#+ (.*)$", TEXT, re.M)]
    assert {link for link in re.findall(r"\]\(#([^)]+)\)", TEXT)} <= set(headings)
    assert "](http" not in TEXT and len(re.findall(r"\]\(#", TEXT)) > 10
    fleet = [slug(heading) for heading in re.findall(r"^## (.*)$", (ROOT / "FLEET.md").read_text(), re.M)]
    others = {link for link in re.findall(r"\]\(([^#][^)]+)\)", TEXT)}
    assert {"FLEET.md#stop-everywhere"} <= others <= {f"FLEET.md#{name}" for name in fleet}


def test_every_output_and_parameter_that_is_named_exists():
    assert set(re.findall(r"output ([A-Z]\w+)", TEXT)) <= set(SOURCE["Outputs"])
    for name in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)(?:=\w+)?`", TEXT):
        calls = {"PutFunctionConcurrency", "DeregisterTaskDefinition"}
        fields = {"CodeSha256", "IsLogging", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency"}
        assert name in set(SOURCE["Parameters"]) | set(SOURCE["Outputs"]) | calls | fields, name


def test_every_command_that_is_named_in_passing_is_one_of_the_cli():
    session, known = botocore.session.get_session(), 0
    for service, operation in re.findall(r"`(?:aws )([\w-]+) ([\w-]+)[^`]*`", TEXT):
        service = {"s3api": "s3"}.get(service, service)
        operations = {xform_name(name, "-") for name in session.get_service_model(service).operation_names}
        assert operation in operations, (service, operation)
        known += 1
    assert known > 12


def blocks():
    return re.findall(r"^```bash\n(.*?)^```$", TEXT, re.S | re.M)


def test_every_command_is_one_that_bash_can_read():
    assert len(blocks()) == TEXT.count("```") / 2 > 15
    for block in blocks():
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)


def test_no_command_takes_the_stacks_name_for_given_or_for_the_beginning_of_others():
    """moto takes any length; AWS cuts the names that it makes, and takes prefixes of rules up to 64."""
    assert 64 < len(STACK) <= 128
    assert re.findall(r"^STACK=(.)", TEXT, re.M) == ["$"] and "--name-prefix" not in TEXT


def test_what_only_aws_can_answer_is_marked_and_little():
    assert [block.count("aws ") for block in blocks() if block.startswith("# needs AWS\n")] == [2, 3]


class Account:
    """The template as CloudFormation makes it, in moto, with a little life in it."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as file:
            file.writestr("bootstrap", "")
        s3, formation = self.client("s3"), self.client("cloudformation")
        s3.create_bucket(Bucket="code")
        s3.put_object(Bucket="code", Key="function.zip", Body=zipped.getvalue())
        source = copy.deepcopy(SOURCE)
        source["Globals"]["Function"]["CodeUri"] = "s3://code/function.zip"
        # moto knows no dashboard in a stack.
        parameters = {name: str(parameter.get("Default", "")) for name, parameter in SOURCE["Parameters"].items()}
        parameters |= {"Architecture": "x86_64", "EnforcementMode": "enforce", "CreateDashboard": "false"}
        template = Translator({}, Parser()).translate(source, dict(parameters))
        formation.create_stack(StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"],
                               Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()])

    def client(self, service):
        return client(service, self.endpoint)

    def stack(self):
        [stack] = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return stack

    def output(self, name):
        return next(it["OutputValue"] for it in self.stack()["Outputs"] if it["OutputKey"] == name)

    def parameter(self, name):
        return next(it["ParameterValue"] for it in self.stack()["Parameters"] if it["ParameterKey"] == name)

    def live(self):
        s3, ecs, sqs, logs = map(self.client, ("s3", "ecs", "sqs", "logs"))
        home = f"123456789012/{REGION}"
        for key in ("records/{}/web/12.json", "exemptions/{}/web.json", "moves/{}/prod/checkout.json", "reports/{}/latest.html", "backups/{}/web/12.json"):
            s3.put_object(Bucket=self.output("StateBucket"), Key=key.format(home), Body=b"{}")
        for _ in range(12):
            ecs.register_task_definition(family="web", containerDefinitions=[{"name": "app", "image": "a", "memory": 4, "privileged": True}])
        ecs.create_cluster(clusterName="prod")
        ecs.create_service(cluster="prod", serviceName="checkout", taskDefinition="web:12", desiredCount=1)
        event = json.loads((ROOT / "events/guard-cli.json").read_text())
        sqs.send_message(QueueUrl=self.output("FailureQueueUrl"), MessageBody=json.dumps(record(event)))
        for name in ("RuleDeadLetterQueueUrl", "TamperDeadLetterQueueUrl"):
            sqs.send_message(QueueUrl=self.output(name), MessageBody=json.dumps(event),
                             MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NO_RESOURCE"}})
        sqs.send_message(QueueUrl=self.output("SweepDeadLetterQueueUrl"), MessageBody="{}")
        for group in self.output("LogGroups").split():
            logs.create_log_stream(logGroupName=group, logStreamName="s")


@pytest.fixture
def account(moto):
    emptied(moto)
    requests.post(f"{moto}/moto-api/config", json={"lambda": {"use_docker": False}}, timeout=10)
    return Account(moto)


def test_the_commands_do_what_they_say(account, tmp_path, monkeypatch, cli_server):
    monkeypatch.setenv("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false")  # SQS purges once a minute
    account.live()
    queues = ("FailureQueueUrl", "RuleDeadLetterQueueUrl", "SweepDeadLetterQueueUrl")
    (tmp_path / "redrive.sh").symlink_to(ROOT / "redrive.sh")
    environment = shell(tmp_path, {"*": account.endpoint}, cli_server)
    lambda_ = account.client("lambda")
    concurrency = lambda: [lambda_.get_function_concurrency(FunctionName=account.output(name)).get("ReservedConcurrentExecutions")
                           for name in ("GuardFunction", "SweepFunction", "BackoutFunction")]
    begin, *rest = [block.replace("eu-west-1", REGION) for block in blocks() if not block.startswith("# needs AWS\n")]
    [remove] = [rest.pop(place) for place, block in enumerate(rest) if "delete-stack" in block]
    stop = next(place for place, block in enumerate(rest) if "StopCommand" in block)

    def run(*some):
        script = "set -euo pipefail\n" + "\n".join(f"echo '@@' >&2\n{block}" for block in (begin, *some))
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
        number = done.stderr.count("@@") - 1
        assert done.returncode == 0, f"{([begin, *some])[number]}\n{done.stdout}\n{done.stderr.rsplit('@@')[-1]}"
        return done.stdout

    out = run(*rest[:stop + 1])
    assert account.parameter("EnforcementMode") == "alert" and account.parameter("Architecture") == "x86_64"
    assert concurrency() == [0, 0, None]
    assert (tmp_path / "latest.html").read_text() == "{}"
    assert out.count("handed over") == 2 and out.count("1 handed over") == 2
    assert '"condition": "ZeroReservedConcurrency"' in out and '"rule": "NO_RESOURCE"' in out

    out = run(*rest[stop + 1:])
    assert concurrency() == [10, 1, None]
    assert '"eventName": "RegisterTaskDefinition"' in out
    rules = {rule["Name"] for rule in account.client("events").list_rules()["Rules"]}
    assert set(re.findall(r"^(\S+)\tENABLED$", out, re.M)) == rules and len(rules) > 5
    counts = [account.client("sqs").get_queue_attributes(QueueUrl=account.output(name), AttributeNames=["ApproximateNumberOfMessages"])
              ["Attributes"]["ApproximateNumberOfMessages"] for name in queues]
    assert counts == ["0", "0", "0"]

    run(remove)
    assert account.client("cloudformation").list_stacks()["StackSummaries"][0]["StackStatus"] == "DELETE_COMPLETE"
