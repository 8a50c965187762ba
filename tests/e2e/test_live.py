"""`make live-check` against accounts whose answers are known: moto, moto where it is made to be as AWS documents it, and
the account of tests/it. On AWS nobody has run it yet.
"""

import http.server
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, ROOT, client, emptied
from iam import Request, is_allowed
from moto.ecs.exceptions import ECSException
from moto.core.responses import ActionResult
from moto.ecs.models import DeleteTaskDefinitionFailure, EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.events.models import events_backends
from moto.iam.responses import IamResponse
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend, Subscription
from moto.sqs.models import SQSBackend, sqs_backends
from moto.sts.models import sts_backends
from test_template import SOURCE

LIVE = ROOT / "tests/live"
sys.path.append(str(LIVE))
from events import PATTERN, logs_writes  # noqa: E402
from ledger import Ledger  # noqa: E402
from privilege import MAKES_NO_PRIVILEGE  # noqa: E402
from table import ASKED, NEVER_ASKED  # noqa: E402

# What facts are known to be otherwise in moto.
GAPS = {
    "newer-members": "enableFaultInjection",
    "attribute": "none",
    "empty-tags": "taken",
    "reserved-tags": "key: taken; value: taken",
    "registered-by": "registeredBy is None",
    "registered-by-role": "registeredBy is None",
    "latest": "revision 2, INACTIVE",
    "inactive": "it was described",
    "pages": "['1', '2', '3'] and []",
    "status": "status-on, status-off",
    "denied": "(true) allowed",
    "sns-attributes": "brought its attributes",
    "sns-body": "delivered: none",
    "sns-filter": "delivered: critical",
    "sns-subject": "100 taken, a line break taken",
}
SNS = [fact.name for fact in ASKED if fact.name.startswith("sns")]
EVENTS = [fact.name for fact in ASKED if fact.name.startswith("event")]


class Live:
    """The command in an account."""

    def __init__(self, endpoint, account=ACCOUNT, **environment):
        self.account = account
        keys = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": REGION}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS"))}
        self.environment = {**kept, **keys, "AWS_ENDPOINT_URL": endpoint or "", **environment}

    def start(self, *arguments):
        # The shortest that it can wait for: these accounts answer at once.
        command = [sys.executable, LIVE, self.account, "--minutes", "0.05", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def make(self, *arguments, **environment):
        """The same by its target, as a process group of its own, like that of a terminal."""
        command = ["make", "--no-print-directory", "live-check", "MINUTES=0.05", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env={**self.environment, **environment}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def asked(self, *names, **more):
        """By name, verdict and evidence; and the whole."""
        options = [part for name, value in more.items() for part in (f"--{name}", str(value))]
        code, out, err = self.run("--json", *options, *(["--only", *names] if names else []))
        report = json.loads(out or "null") or pytest.fail(err)
        assert code == report["exit"]
        return {fact["name"]: (fact["verdict"], fact["evidence"]) for fact in report["facts"] if fact["name"]}, report

    def verdicts(self, *names, **more):
        return {name: verdict for name, (verdict, _) in self.asked(*names, **more)[0].items()}


class Sts(http.server.BaseHTTPRequestHandler):
    """Says who the caller is, and nothing else: the account of tests/it knows no STS."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        is_known = form["Action"] == ["GetCallerIdentity"]
        body = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
            <Arn>{self.server.arn}</Arn><UserId>AROAEXAMPLE:ci</UserId><Account>{self.server.arn.split(":")[4]}</Account>
            </GetCallerIdentityResult></GetCallerIdentityResponse>""" if is_known else """<ErrorResponse
            xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Code>InvalidAction</Code></Error></ErrorResponse>"""
        self.send_response(200 if is_known else 400)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def embedded():
    """The command in the account of tests/it, which verifies every signature."""
    build = ["cargo", "test", "--quiet", "--locked", "--features", "cli", "--test", "it", "--no-run", "--message-format", "json"]
    built = subprocess.run(build, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    [binary] = filter(None, (json.loads(line).get("executable") for line in built.splitlines() if '"name":"it"' in line))
    serve = [binary, "served::the_account", "--exact", "--ignored", "--nocapture"]
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as account:
        told = json.loads(next(line for line in account.stdout if line.startswith("{")))
        sts = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sts)
        sts.arn = told["principal"]
        threading.Thread(target=sts.serve_forever, daemon=True).start()
        yield Live(None, told["account"], **told["environment"], AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{sts.server_port}")
        sts.shutdown()
        # Its stdin ends, and what it still has to say is read.
        account.communicate(timeout=30)
    assert account.returncode == 0


def test_the_account_of_tests_it_differs_where_it_is_meant_to_and_nowhere_else(embedded):
    facts, report = embedded.asked()
    # It keeps every member, so that tests can tell what happens to those that ECS will add.
    assert {name for name, (verdict, _) in facts.items() if verdict == "differs"} == {"unknown-members"}
    assert "output-only: registeredBy was refused" in facts["unknown-members"][1]
    held = {name for name, (verdict, _) in facts.items() if verdict == "holds"}
    ecs_itself = {fact.name for fact in ASKED if fact.check.__module__ == "ecs"}
    assert held == ecs_itself - {"unknown-members"}
    assert {verdict for name, (verdict, _) in facts.items() if name not in ecs_itself} == {"not asked"}
    assert (report["exit"], report["leftBehind"], report["made"]) == (3, [], [f"task definitions {report['run']}-*"])


@pytest.fixture
def live(moto):
    return Live(emptied(moto))


def left_in(moto):
    """What the account holds of runs."""
    asks = [("ecs", "list_task_definitions", "taskDefinitionArns", {"status": status}) for status in ("ACTIVE", "INACTIVE")]
    asks += [("sqs", "list_queues", "QueueUrls", {}), ("sns", "list_topics", "Topics", {}),
             ("sns", "list_subscriptions", "Subscriptions", {}), ("events", "list_rules", "Rules", {}),
             ("iam", "list_roles", "Roles", {})]
    return [thing for service, ask, member, how in asks for thing in getattr(client(service, moto), ask)(**how).get(member, [])]


def test_moto_differs_where_it_is_known_to_and_nowhere_else(moto, live):
    facts, report = live.asked()
    differing = {name: evidence for name, (verdict, evidence) in facts.items() if verdict == "differs"}
    assert differing.keys() == GAPS.keys()
    assert [name for name in GAPS if GAPS[name] not in differing[name]] == []
    assert {name for name, (verdict, _) in facts.items() if verdict == "not asked"} == {"simulated", *EVENTS}
    assert "no trail logs" in facts["event"][1]
    assert [fact["verdict"] for fact in report["facts"] if not fact["name"]] == ["not asked"] * len(NEVER_ASKED)
    assert (report["exit"], report["leftBehind"], left_in(moto)) == (3, [], [])
    assert unplanned(live, report) == [] and 30 <= report["revisions"] <= 45


def unplanned(live, report):
    """What a run made and the plan did not name. The plan itself creates nothing."""
    code, told, _ = live.run("--plan")
    named = [word.strip(",;:") for word in told.replace("guard-live-check-RANDOM", report["run"]).split()]
    assert code == 0 and "up to 45 revisions" in told and report["made"]
    return [made for made in report["made"] if made.split()[-1] not in named]


def test_what_no_account_here_does_otherwise_is_found_out_too(live, monkeypatch):
    registers, last = (getattr(EC2ContainerServiceBackend, name) for name in
                       ("register_task_definition", "_get_last_task_definition_revision_id"))

    def privileges(self, family, containers, **more):
        return registers(self, family, [{**one, "privileged": True} for one in containers], **more)

    def fails(*_):
        raise ECSException("ClientException", "There is none.")

    monkeypatch.setattr(EC2ContainerServiceBackend, "register_task_definition", privileges)
    monkeypatch.setattr(EC2ContainerServiceBackend, "_get_last_task_definition_revision_id", lambda *of: (last(*of) or 0) + 1)
    monkeypatch.setattr(EC2ContainerServiceBackend, "describe_task_definition", fails)
    names = ("false", "numbers", "missing")
    assert live.verdicts(*names) == dict.fromkeys(names, "differs")


def test_what_was_done_though_the_answer_was_a_fault_is_cleaned_up(moto, live, monkeypatch):
    registers = EC2ContainerServiceBackend.register_task_definition

    def faulty(self, *of, **more):
        registers(self, *of, **more)
        raise RuntimeError("which moto's server answers by 500")

    def fails(*_):
        raise RuntimeError

    monkeypatch.setattr(EC2ContainerServiceBackend, "register_task_definition", faulty)
    monkeypatch.setattr(EC2ContainerServiceBackend, "describe_task_definition", fails)
    assert live.verdicts("attribute", "empty-tags", "missing") == {
        "attribute": "failed", "empty-tags": "failed", "missing": "failed"}, "and a fault is no refusal"
    assert left_in(moto) == []


def deny_as_iam(monkeypatch, value):
    """Sessions of roles are judged by their policy; `value` gives `ecs:privileged` of the containers, or nothing."""
    registers = EC2ContainerServiceResponse.register_task_definition

    def judged(self):
        sessions = sts_backends[ACCOUNT]["aws"].assumed_roles
        policies = [one.policy for one in sessions if one.access_key_id == self.access_key]
        given = value([one.get("privileged") for one in self._get_param("containerDefinitions")])
        request = Request("ecs:RegisterTaskDefinition", "*", {} if given is None else {"ecs:privileged": given})
        if policies and not is_allowed(json.loads(policies[0])["Statement"], request):
            raise ECSException("AccessDeniedException", "with an explicit deny in a session policy")
        return registers(self)

    monkeypatch.setattr(EC2ContainerServiceResponse, "register_task_definition", judged)


def of_any(privileged):
    return "true" if True in privileged else "false" if False in privileged else None


def test_denials_that_are_as_the_product_hopes_hold(live, monkeypatch):
    deny_as_iam(monkeypatch, of_any)
    facts, _ = live.asked("denied", "allowed", "registered-by-role")
    assert (facts["denied"][0], facts["allowed"][0]) == ("holds", "holds")
    assert facts["allowed"][1].endswith("where the member is absent, the key is not there")


@pytest.mark.parametrize("value, denied, allowed, seen", [
    (lambda privileged: of_any(privileged[:1]), "differs", "holds", "(absent, true) allowed"),
    (lambda privileged: of_any(privileged[-1:]), "differs", "holds", "(true, absent) allowed"),
    (lambda privileged: of_any([one or False for one in privileged]), "holds", "holds", 'the key is "false" too'),
    (lambda privileged: "true", "not asked", "differs", "(absent) denied"),
])
def test_denials_that_are_otherwise_are_found_out(live, monkeypatch, value, denied, allowed, seen):
    deny_as_iam(monkeypatch, value)
    facts, _ = live.asked("denied", "allowed")
    assert (facts["denied"][0], facts["allowed"][0]) == (denied, allowed)
    assert seen in facts["denied"][1] + facts["allowed"][1]


def test_a_denial_of_somebody_elses_is_no_answer(live, monkeypatch):
    registers = EC2ContainerServiceResponse.register_task_definition

    def prevented(self):
        if "privileged" in str(self.body):
            raise ECSException("AccessDeniedException", "with an explicit deny in a service control policy")
        return registers(self)

    monkeypatch.setattr(EC2ContainerServiceResponse, "register_task_definition", prevented)
    assert live.verdicts("denied", "attribute", "missing") == {
        "denied": "not asked", "attribute": "not asked", "missing": "holds"}


def test_the_simulator_is_asked_for_each_value(live, monkeypatch):
    def simulate(self):
        [policy] = self._get_param("PolicyInputList")
        context = {one["ContextKeyName"]: one["ContextKeyValues"][0] for one in self._get_param("ContextEntries") or []}
        asked.append(context)
        allowed = is_allowed(json.loads(policy)["Statement"], Request(self._get_param("ActionNames")[0], "*", context))
        decision = "allowed" if allowed else denial
        return ActionResult({"IsTruncated": False, "EvaluationResults": [{"EvalActionName": "x", "EvalDecision": decision}]})

    asked, denial = [], "explicitDeny"
    monkeypatch.setattr(IamResponse, "simulate_custom_policy", simulate, raising=False)
    assert live.verdicts("simulated") == {"simulated": "holds"}
    assert asked == [{"ecs:privileged": "true"}, {"ecs:privileged": "false"}, {}]
    denial = "allowed"
    assert live.verdicts("simulated") == {"simulated": "differs"}


def deliver_as_documented(monkeypatch):
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html, and the body by protocol is what is filtered."""
    delivers, publishes = Subscription.publish, SNSBackend.publish

    def deliver(self, message, *rest, message_structure=None, **more):
        if message_structure == "json":
            message, more["message_attributes"] = json.loads(message)[self.protocol], {}
        return delivers(self, message, *rest, **more)

    def publish(self, *rest, subject=None, **more):
        if subject and (len(subject) > 99 or not subject.isprintable()):
            raise SNSInvalidParameter("Invalid parameter: Subject")
        return publishes(self, *rest, subject=subject, **more)

    monkeypatch.setattr(Subscription, "publish", deliver)
    monkeypatch.setattr(SNSBackend, "publish", publish)


def test_deliveries_as_documented_hold(live, monkeypatch):
    deliver_as_documented(monkeypatch)
    assert live.verdicts(*SNS) == dict.fromkeys(SNS, "holds")


def test_a_filter_that_is_not_in_effect_yet_is_no_answer(live, monkeypatch):
    deliver_as_documented(monkeypatch)
    monkeypatch.setattr("moto.sns.models.FilterPolicyMatcher.matches", lambda *_: True)
    facts, report = live.asked("sns-body", "sns-filter")
    assert {verdict for verdict, _ in facts.values()} == {"not asked"}
    assert (report["exit"], report["trouble"]) == (1, "Nothing could be asked.")


def trail_events(monkeypatch, endpoint, *changes, organization=False):
    """A trail that makes an event of each registration, as this product takes them to be but for these changes."""
    client("s3", endpoint).create_bucket(Bucket="trail")
    trails = client("cloudtrail", endpoint)
    trails.create_trail(Name="trail", S3BucketName="trail", IsOrganizationTrail=organization)
    trails.start_logging(Name="trail")
    registers, sent = EC2ContainerServiceResponse.register_task_definition, []

    def recorded(self):
        asked = json.loads(self.body)
        for container in asked["containerDefinitions"]:
            for variable in container.get("environment", []):
                variable["value"] = "HIDDEN_DUE_TO_SECURITY_REASONS"
        roles = [one.role_arn for one in sts_backends[ACCOUNT]["aws"].assumed_roles if one.access_key_id == self.access_key]
        issuer = {"sessionContext": {"sessionIssuer": {"userName": roles[0].rsplit("/", 1)[1]}}} if roles else {}
        detail = {"eventSource": "ecs.amazonaws.com", "eventName": "RegisterTaskDefinition", "awsRegion": REGION,
                  "recipientAccountId": ACCOUNT, "userIdentity": issuer, "requestParameters": asked, "responseElements": None}
        try:
            answer = registers(self)
            arn = answer.result["taskDefinition"].arn
            detail["responseElements"] = {"taskDefinition": {**asked, "taskDefinitionArn": arn}}
            return answer
        except ECSException as error:
            detail["errorCode"] = error.code
            raise
        finally:
            for change in changes:
                change(detail, json.loads(self.body))
            deliver({"source": "aws.ecs", "detail-type": "AWS API Call via CloudTrail", "account": ACCOUNT, "region": REGION,
                     "detail": detail})

    def deliver(event):
        """By the bus's rules, and past moto's own delivery, which drops the account."""
        sent.append(json.dumps(event))
        rules = events_backends[ACCOUNT][REGION].describe_event_bus("default").rules.values()
        for target in [target for rule in rules if rule.event_pattern.matches_event(event) for target in rule.targets]:
            sqs_backends[ACCOUNT][REGION].send_message(target["Arn"].rsplit(":", 1)[1], sent[-1])

    monkeypatch.setattr(EC2ContainerServiceResponse, "register_task_definition", recorded)
    return sent


def test_events_that_are_as_the_product_takes_them_hold_and_one_is_saved_as_it_came(live, monkeypatch, moto, tmp_path):
    sent = trail_events(monkeypatch, moto, organization=True)
    verdicts, report = live.asked(*EVENTS, fixture=tmp_path / "event.json")
    assert {name: verdict for name, (verdict, _) in verdicts.items()} == dict.fromkeys(EVENTS, "holds")
    saved = tmp_path / "event.json"
    assert saved.read_text() in sent and report["fixture"] == str(saved)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert unplanned(live, report) == [] and left_in(moto) == []


def without_response(detail, _):
    detail["responseElements"] = None


def with_environment(detail, asked):
    detail["requestParameters"] = asked


def without_issuer(detail, _):
    detail["userIdentity"] = {}


def without_containers(detail, _):
    for of in [detail["requestParameters"], (detail["responseElements"] or {}).get("taskDefinition", {})]:
        of["containerDefinitions"] = "HIDDEN_DUE_TO_SECURITY_REASONS"


def with_an_answer_to_failures(detail, _):
    if "errorCode" in detail:
        detail["responseElements"] = {"message": "no"}


@pytest.mark.parametrize("changes, differing", [
    ((without_response, with_environment, without_issuer), {"event-arn", "event-containers", "event-environment", "event-role"}),
    ((without_containers, with_an_answer_to_failures), {"event-containers", "event-commands", "event-failed"}),
])
def test_events_that_are_otherwise_are_found_out(live, monkeypatch, moto, changes, differing):
    trail_events(monkeypatch, moto, *changes)
    verdicts = live.verdicts(*EVENTS)
    assert {name for name, verdict in verdicts.items() if verdict == "differs"} == differing
    assert {name for name, verdict in verdicts.items() if verdict == "not asked"} == {"event-organization"}


def test_a_trail_that_logs_no_writes_is_none():
    def advanced(**fields):
        fields = [{"Field": name, "Equals": [value]} for name, value in fields.items()]
        return {"AdvancedEventSelectors": [{"FieldSelectors": fields}]}

    def simple(*selectors):
        return {"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": manages} for kind, manages in selectors]}

    assert logs_writes({}) and logs_writes(advanced(eventCategory="Management"))
    assert logs_writes(simple(("ReadOnly", True), ("WriteOnly", True))) and logs_writes(simple(("All", True)))
    assert logs_writes(advanced(eventCategory="Management", readOnly="false"))
    assert not logs_writes(advanced(eventCategory="Management", readOnly="true"))
    assert not logs_writes(advanced(eventCategory="Data"))
    assert not logs_writes(simple(("ReadOnly", True), ("All", False)))


def test_no_event_in_time_is_no_answer_and_writes_no_file(live, monkeypatch, moto, tmp_path):
    trail_events(monkeypatch, moto)
    monkeypatch.setattr(SQSBackend, "send_message", lambda *_: None)
    code, out, _ = live.run("--only", "event", "missing", "--fixture", str(tmp_path / "event.json"))
    assert (code, list(tmp_path.iterdir())) == (0, [])
    assert re.search(r"not asked  A registration raises [^-]+- no event of it arrived within \d seconds", out)
    assert "was not written." in " ".join(out.split())


def test_the_readme_says_as_many_sentences_as_there_are():
    readme = (ROOT / "README.md").read_text()
    assert f"in {len(ASKED)} sentences such as" in readme and f"where {len(GAPS)} of the sentences differ" in readme
    assert f'"{next(fact.sentence for fact in ASKED if fact.name == "denied")[:-1]}"' in readme


def test_the_rule_and_the_denial_are_the_templates():
    assert SOURCE["Resources"]["Rule"]["Properties"]["EventPattern"] == PATTERN
    assert MAKES_NO_PRIVILEGE in SOURCE["Resources"]["Never"]["Properties"]["PolicyDocument"]["Statement"]


def test_what_is_printed_fits_a_terminal(live):
    _, out, err = live.run("--only", "missing", "denied", "numbers")
    wide = [line for line in out.splitlines() if len(line) > 80]
    assert (wide, err) == ([], "")
    _, out, err = live.run("--json", "--only", "missing")
    assert json.loads(out) and "Unable to describe" in err


@pytest.mark.parametrize("arguments, why", [
    (["--only", "nothing"], "does not ask nothing"),
    (["--fixture", __file__], "is there already"),
])
def test_it_refuses_what_it_cannot_do(moto, live, arguments, why):
    code, out, err = live.run(*arguments)
    assert (code, out, left_in(moto)) == (1, "", []) and why in " ".join(err.split())


@pytest.mark.parametrize("given, why", [
    (["ACCOUNT=111122223333"], f"of account {ACCOUNT}, not of 111122223333"),
    (["ACCOUNT=12"], "whose account may it use?"),
    ([], "whose account may it use?"),
])
def test_it_runs_in_no_account_but_the_one_that_is_repeated_on_the_command_line(moto, live, given, why):
    done = live.make(*given, ACCOUNT=ACCOUNT).communicate(timeout=60)
    assert (done[0], left_in(moto)) == ("", []) and why in " ".join(done[1].split())


def test_it_runs_nowhere_without_credentials(live):
    live.environment = {name: value for name, value in live.environment.items() if not name.startswith("AWS_ACCESS")}
    live.environment |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nowhere"}
    code, _, err = live.run("--only", "missing")
    assert code == 1 and "STS does not say" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_cleans_up(moto, live, monkeypatch, number):
    """Ctrl-C goes to make and Python alike, here twice; whoever ends a process ends it once."""
    creating, creates = threading.Event(), SQSBackend.create_queue

    def slow(self, name, *rest, **more):
        """Done, and not answered when the run is stopped."""
        queue = creates(self, name, *rest, **more)
        if name.endswith("sns-body"):
            creating.set()
            time.sleep(0.5)
        return queue

    monkeypatch.setattr(SQSBackend, "create_queue", slow)
    if by_make := number == signal.SIGINT:
        process = live.make(f"ACCOUNT={ACCOUNT}", "JSON=1")
    else:
        process = live.start("--json", "--only", "registered-by-role", "sns-body")
    assert creating.wait(30) and left_in(moto)
    for _ in range(2) if by_make else range(1):
        os.killpg(process.pid, number) if by_make else process.send_signal(number)
        time.sleep(0.2)
    out, _ = process.communicate(timeout=60)
    report = json.loads(out)
    assert (report["exit"], report["trouble"], report["leftBehind"]) == (1, "It was stopped.", [])
    assert process.returncode != 0
    assert {made.split()[0] for made in report["made"]} == {"task", "role", "policy", "topic", "queue"}
    assert left_in(moto) == []


def test_nothing_stops_the_cleaning(moto, live, monkeypatch):
    deleting, deletes = threading.Event(), SNSBackend.delete_topic

    def slow(self, arn):
        deleting.set()
        time.sleep(0.5)
        deletes(self, arn)

    monkeypatch.setattr(SNSBackend, "delete_topic", slow)
    process = live.start("--only", "twice", "sns-subject")
    assert deleting.wait(30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err, left_in(moto)) == (3, "It is cleaning up.\n", [])


def test_a_run_that_nobody_reads_any_more_cleans_up(moto, live):
    process = live.start("--only", "registered-by-role", "twice", "missing")
    assert process.stdout.readline().startswith("Will create"), "so it has begun"
    process.stdout.close()
    assert process.wait(60) == 1 and left_in(moto) == []


def test_what_aws_refused_was_not_made_and_what_ended_otherwise_may_have_been():
    for status, kept in ((400, []), (403, []), (500, ["rule x"]), (503, ["rule x"])):
        ledger = Ledger()
        with pytest.raises(ClientError), ledger.making("rule", "x", lambda: None):
            raise ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutRule")
        assert ledger.made() == kept
    ledger, undone = Ledger(), []
    ledger.write("one", "x", lambda: undone.append("one"))
    ledger.write("two", "x", lambda: {}["answer"])
    ledger.write("three", "x", lambda: undone.append("three"))
    assert (ledger.clean(), undone) == (["two x: 'answer'"], ["three", "one"])


def test_what_cannot_be_cleaned_up_is_said_and_the_rest_is_gone(moto, live, monkeypatch):
    deregisters = EC2ContainerServiceBackend.deregister_task_definition

    def refuse(self, name):
        if "registered-by" in name or "sns" in name:
            raise ECSException("ClientException", "not today")
        return deregisters(self, name)

    def keep(self, task_definitions):
        return [], [DeleteTaskDefinitionFailure("in use", name, ACCOUNT, REGION) for name in task_definitions]

    monkeypatch.setattr(EC2ContainerServiceBackend, "deregister_task_definition", refuse)
    monkeypatch.setattr(EC2ContainerServiceBackend, "delete_task_definitions", keep)
    monkeypatch.setattr(SNSBackend, "delete_topic", refuse)
    code, out, _ = live.run("--only", "registered-by", "registered-by-role", "sns-body")
    assert code == 1 and "COULD NOT BE CLEANED UP" in out and "in use" in out
    # The subscriptions of a topic go with it.
    left = {thing if isinstance(thing, str) else thing["TopicArn"] for thing in left_in(moto)}
    assert len(left) == 3 and [thing for thing in left if thing.split(":", 5)[-1].split("/")[-1] not in out] == []


def test_where_nothing_can_be_deregistered_twice_cleaning_does_not_try(moto, live, monkeypatch):
    deregisters = EC2ContainerServiceBackend.deregister_task_definition

    def once(self, name):
        if self.describe_task_definition(name).status == "INACTIVE":
            raise ECSException("ClientException", "The specified task definition is INACTIVE.")
        return deregisters(self, name)

    monkeypatch.setattr(EC2ContainerServiceBackend, "deregister_task_definition", once)
    assert live.verdicts("twice", "inactive") == {"twice": "differs", "inactive": "differs"}
    assert left_in(moto) == []


def test_a_copy_that_a_guard_made_of_it_goes_too(moto, live, monkeypatch):
    registers = EC2ContainerServiceResponse.register_task_definition
    ecs = client("ecs", moto)

    def guarded(self):
        answer = registers(self)
        asked = json.loads(self.body)
        if asked["containerDefinitions"][0].get("privileged"):
            copy = [{"name": "c1", "image": "i", "memory": 128}]
            ecs.register_task_definition(family=asked["family"], containerDefinitions=copy)
        return answer

    monkeypatch.setattr(EC2ContainerServiceResponse, "register_task_definition", guarded)
    assert live.verdicts("attribute") == {"attribute": "differs"}
    assert left_in(moto) == []
