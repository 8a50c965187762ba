"""SECURITY.md, held: each test that it names exists and runs, and what it says of the template's trust is so."""

import pathlib
import re
import tomllib

import pytest

from samtranslator.yaml_helper import yaml_parse
from test_template import FUNCTIONS, MODES, expanded, listed

ROOT = pathlib.Path(__file__).parents[2]
TABLE = re.findall(r"^\| (.*) \|$", (ROOT / "SECURITY.md").read_text(), re.M)[2:]
NOT_HELD = "**not held by a test**"


def runs(file, name):
    """Whether `make test` runs it: a test of Rust that is not ignored, or one of Python that is not skipped."""
    path = ROOT / file
    if not path.is_file():
        return False
    text = path.read_text()
    if path.suffix == ".py":
        marks = re.search(rf"^((?:@.*\n(?:[ )\]].*\n)*)*)def {name}\(", text, re.M)
        in_pytest = path.parent == ROOT / "tests/e2e" and path.name.startswith("test_") and name.startswith("test_")
        return in_pytest and marks is not None and not re.search("skip|xfail", marks[1])
    attributes = re.search(rf"^((?: *#\[.*\]\n)+) *(?:async )?fn {name}\(\)", text, re.M)
    return attributes is not None and re.search(r"test[\](]", attributes[1]) is not None and "ignore" not in attributes[1]


def test_every_test_that_is_named_runs():
    named = [tuple(one.split("::")) for row in TABLE for one in re.findall(r"`(\S+?::\S+?)`", row)]
    assert len(named) > 60
    assert [one for one in named if not runs(*one)] == []


def test_every_counter_measure_is_held_or_said_not_to_be():
    for row in TABLE:
        _attack, _counter, held = row.split(" | ")
        assert re.fullmatch(r"`\S+::\w+`(?: `\S+::\w+`)*", held) or NOT_HELD in row, row


def test_the_attacks_that_were_asked_for_are_there():
    attacks = " ".join(row.split(" | ")[0] for row in TABLE).lower()
    for asked in ("forged event", "forged invocation", "planted or changed backup", "planted record", "exemption abuse",
                  "races", "floods", "injection through names", "passrole as confused deputy", "tampering", "dead letters",
                  "secrets leak", "supply chain", "stolen role", "another account", "denial of wallet"):
        assert asked in attacks, asked


@pytest.mark.parametrize(("file", "name"), [
    ("tests/it/guard.rs", "there_is_no_such_test"),
    ("tests/it/no_such_file.rs", "quiet"),
    ("tests/it/guard.rs", "in_words"),  # a function that is no test
    ("tests/it/soak/mod.rs", "an_hour"),  # ignored
    ("tests/e2e/test_template.py", "expanded"),
])
def test_what_does_not_run_would_be_noticed(file, name):
    assert not runs(file, name)


# The confused deputy: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html. The exception is EventBridge at
# the key, for which the template gives its reason.
UNBOUND = {"EventBridgeSendsDeadLetters"}


def policies_of_resources(resources):
    for resource in resources.values():
        for name in ("PolicyDocument", "KeyPolicy"):
            if resource["Type"] not in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy") and name in resource["Properties"]:
                yield resource["Properties"][name]


def allows_of(resources):
    """Who is let in besides the account itself: each statement, and the keys of its conditions."""
    statements = [s for policy in policies_of_resources(resources) for s in policy["Statement"]]
    allows = [s for s in statements if s["Effect"] == "Allow" and s["Sid"] != "TheAccountsPoliciesDecide"]
    return [(s, {key for keys in s.get("Condition", {}).values() for key in keys}) for s in allows]


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_a_policy_lets_in_is_bound_to_us(mode):
    allows = allows_of(expanded(EnforcementMode=mode))
    assert len(allows) >= 4 and all(set(s["Principal"]) == {"Service"} for s, _ in allows), "nobody else is let in"
    assert {s["Sid"] for s, keys in allows if not {"aws:SourceArn", "aws:SourceAccount"} & keys} == UNBOUND


def test_whoever_the_central_policies_let_in_is_bound_to_the_organization_and_to_the_guards_path():
    allows = allows_of(yaml_parse((ROOT / "policies/central.yaml").read_text())["Resources"])
    services = [(s["Sid"], keys) for s, keys in allows if "Service" in s["Principal"]]
    everybody = {s["Sid"]: keys for s, keys in allows if s["Principal"] == {"AWS": "*"}}
    assert {sid for sid, keys in services if "aws:SourceOrgID" in keys} == {"TheOrganizationsAlarmsPublish", "AlarmsPublish"}
    # What cannot be published is kept by this account's own rule.
    assert [(sid, keys) for sid, keys in services if "aws:SourceOrgID" not in keys] == [("TheRuleSends", {"aws:SourceArn"})]
    assert len(services) + len(everybody) == len(allows) and all("aws:PrincipalOrgID" in keys for keys in everybody.values())
    # The code is no secret within the organization.
    assert {sid for sid, keys in everybody.items() if "aws:PrincipalArn" not in keys} == {"TheOrganizationReads"}


def test_only_the_service_that_needs_it_takes_a_role():
    trusts = {name: resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
              for name, resource in expanded(EnforcementMode="enforce").items() if resource["Type"] == "AWS::IAM::Role"}
    assert set(trusts) >= {f"{function}Role" for function in FUNCTIONS}
    for name, statements in trusts.items():
        [trust] = statements
        others = {"SweepScheduleRole": "scheduler.amazonaws.com", "TamperRole": "events.amazonaws.com"}
        service = others.get(name, "lambda.amazonaws.com")
        assert (trust["Effect"], trust["Principal"], listed(trust["Action"])) == ("Allow", {"Service": service}, ["sts:AssumeRole"])


def test_no_release_build_can_log_below_info():
    features = tomllib.loads((ROOT / "Cargo.toml").read_text())["dependencies"]["tracing"]["features"]
    assert [feature for feature in features if "max_level" in feature] == ["release_max_level_info"]
