"""What the documents claim, held against what they speak of."""

import json
import os
import pathlib
import re
import shlex
import subprocess

import botocore.session
import pytest
from botocore import xform_name

from test_template import FUNCTIONS, MODES, SOURCE, allowed, expanded

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def section(heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.S | re.M).group(1)


def test_every_parameter_is_documented_with_its_default():
    settings = section("Settings")
    for name, parameter in SOURCE["Parameters"].items():
        default = str(parameter.get("Default", ""))
        assert f"| `{name}`" + (f" (`{default}`)" if default else "") in settings, name


def test_every_mode_has_its_row():
    assert re.findall(r"^\| `(\w+)` \|", section("Modes").split("###")[0], re.M) == MODES


def test_every_variable_is_documented():
    resources = expanded()
    variables = {name for function in FUNCTIONS for name in resources[function]["Properties"]["Environment"]["Variables"]}
    assert [name for name in variables if f"`{name}`" not in section("Settings")] == []


def test_every_permission_is_explained_for_each_function_and_mode_and_none_that_is_not_there():
    table = [row for row in section("Permissions, each with its reason").splitlines() if row.startswith("|")]
    heading, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in table)
    assert heading[1:-1] == [function.lower() for function in FUNCTIONS]
    for mode in MODES:
        resources = expanded(EnforcementMode=mode)
        for column, function in enumerate(FUNCTIONS, 1):
            granted = [row[0] for row in rows if {"always", f"`{mode}`"} & set(row[column].split(", "))]
            explained = {action for cell in granted for action in re.findall(r"`(\w+:\w+)`", cell)}
            assert explained == allowed(resources, f"{function}Role"), (function, mode)


def test_the_outputs_that_deploying_speaks_of_exist():
    named = set(re.findall(r"[Oo]utput `(\w+)`", section("Deploy")))
    assert named == {"BackoutOperatorsPolicy", "BackoutCommand", "SubscribeCommand", "TailCommand"} and named <= set(SOURCE["Outputs"])


def test_deploying_is_three_commands_and_the_third_is_the_output():
    build, deploy, subscribe = commands(blocks(section("Deploy"))[0])
    assert (build, deploy) == ("sam build", "sam deploy --guided")
    text, _ = SOURCE["Outputs"]["SubscribeCommand"]["Value"]["Fn::Sub"]
    assert subscribe == text.replace("${AWS::Region}", "REGION").replace("${Arn}", "TOPIC")


def blocks(text):
    """The commands; what is shown otherwise (an alert, a query, a document) is no `bash`."""
    return re.findall(r"^```bash\n(.*?)^```$", text, re.S | re.M)


def commands(block):
    lines = block.replace("\\\n", " ").split("\n") if "'[{" not in block else re.split(r"(?<=[^\\,])\n", block.replace("\\\n", " "))
    return [line for line in lines if line and not line.startswith("#")]


# What is run here: the demo by `cargo test`, the alert's undo by tests/it/paste.rs, the others below.
PLAN = "AWS_REGION=eu-west-1 make live-check PLAN=1\n"
RUN = ("make demo\n", "aws lambda invoke ", "sha256sum ", PLAN)


def test_every_command_is_run_here_or_says_what_it_needs():
    assert README.count("```") == 2 * len(re.findall(r"^```(?:bash|json)?\n.*?^```$", README, re.S | re.M))
    shown = re.findall(r"^```\n(.*?)^```$", README, re.S | re.M)
    assert [text for text in shown if re.match(r"(#|aws|sam|gh|make|sha256sum|\./)", text)] == []
    marks = [re.match(r"# needs (AWS|GitHub)\n", block) for block in blocks(README)]
    unmarked = [block for block, mark in zip(blocks(README), marks) if not mark]
    assert len(unmarked) == len(RUN) and all(sum(block.startswith(one) for block in unmarked) == 1 for one in RUN), unmarked
    assert sum(mark is not None for mark in marks) >= 7


def test_every_command_is_one_that_bash_can_read_and_that_aws_knows():
    session, known = botocore.session.get_session(), 0
    for block in blocks(README):
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)
        for command in commands(block):
            words = shlex.split(command)
            if words[0] != "aws":
                continue
            model = session.get_service_model(words[1]).operation_model(
                next(name for name in session.get_service_model(words[1]).operation_names if xform_name(name, "-") == words[2]))
            members = {xform_name(name, "-") for name in model.input_shape.members}
            assert {word[2:] for word in words if word.startswith("--")} <= members | {"region", "query", "output", "cli-read-timeout", "cli-binary-format", "notification-endpoint"}
            known += 1
    assert known >= 11


@pytest.mark.parametrize("document", ["README.md", "RUNBOOK.md", "FLEET.md"])
def test_no_list_of_selectors_takes_the_management_events_away(document):
    """PutEventSelectors replaces all: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html"""
    text = (ROOT / document).read_text()
    lists = [json.loads(shlex.split(found)[0]) for found in re.findall(r"--advanced-event-selectors[\s\\]+('.*?')", text, re.S)]
    assert len(lists) == text.count("put-event-selectors --") == (document == "README.md")
    for selectors in lists:
        assert selectors[0]["FieldSelectors"] == [{"Field": "eventCategory", "Equals": ["Management"]}]


def test_the_undo_that_is_shown_is_the_one_of_the_alerts():
    [shown] = commands(blocks(section("Undo"))[0])
    golden = re.search(r"aws lambda invoke .*", (ROOT / "tests/it/alerts/digest-changed.txt").read_text())[0]
    placeholder = lambda text: [re.sub(r"^guard-Backout-\w+$", "BACKOUT", word.replace("checkout:", "web:")) for word in shlex.split(text)]
    assert placeholder(golden) == shlex.split(shown)


def test_who_downloads_one_architecture_can_check_it(tmp_path):
    [check] = [block for block in blocks(section("Verify a release")) if block.startswith("sha256sum")]
    for name in ("guard-0.1.0-arm64.zip", "guard-0.1.0-x86_64.zip"):
        (tmp_path / name).write_text(name)
    (tmp_path / "SHA256SUMS").write_text(subprocess.check_output("sha256sum *", shell=True, cwd=tmp_path, text=True))
    (tmp_path / "guard-0.1.0-x86_64.zip").unlink()
    run = lambda: subprocess.run(["bash", "-ec", check], cwd=tmp_path, capture_output=True, check=False).returncode
    assert run() == 0
    (tmp_path / "guard-0.1.0-arm64.zip").write_text("changed")
    assert run() != 0


def test_the_plan_of_live_check_asks_for_nothing(tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    out = subprocess.run(["bash", "-ec", PLAN], cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert "guard-live-check-" in out


def anchors(text):
    """As GitHub makes them: https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax"""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.M)}


@pytest.mark.parametrize("document", ["README.md", "GUARDCTL.md", "FLEET.md", "SECURITY.md", "tests/README.md"])
def test_every_link_leads_somewhere(document):
    path = ROOT / document
    links = re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", path.read_text())
    assert links
    for file, anchor in links:
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), file
        assert not anchor or anchor in anchors(target.read_text()), (file, anchor)


def test_every_outcome_and_reason_is_listed():
    source = (ROOT / "src/domain/outcome.rs").read_text()
    names = set(re.findall(r'Self::\w+ => "(\w+)"', source)) - {"sent", "already_sent", "none"}
    assert {name for name in names if f"`{name}`" not in section("What it answers")} == set()


def test_what_readme_shows_of_guardctl_is_on_its_page_and_each_command_there_is_named():
    """There it is run: tests/guardctl/sessions.rs."""
    page = (ROOT / "GUARDCTL.md").read_text()
    shown = re.findall(r"^```\n.*?^```$", section("guardctl"), re.S | re.M)
    assert len(shown) == 2 and all(block in page for block in shown)
    variants = (ROOT / "src/bin/guardctl/args.rs").read_text().split("enum Command {")[1].split("\n}")[0]
    commands = re.findall(r"^    (\w+)(?:\(| \{)", variants, re.M)
    named = {name for cell in re.findall(r"^\| (`.*?) \|", section("guardctl"), re.M) for name in re.findall(r"`(\w+)", cell)}
    assert len(named) > 10 and {name.lower() for name in commands} - {"completions", "help"} <= named


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`(?:DEMO_PAUSE=1 )?make ([\w-]+)[^`]*`", README + (ROOT / "tests/README.md").read_text()))
    assert named <= targets and len(named) > 8


def test_the_compiler_that_is_asked_for_is_the_one_the_package_asks_for():
    version = re.search(r'rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text()).group(1)
    assert f"Rust {version} or later" in README


def test_every_event_file_has_its_line():
    listed = set(re.findall(r"^\| (guard-[\w-]+\.json) \|", (ROOT / "events/README.md").read_text(), re.M))
    assert listed == {path.name for path in (ROOT / "events").glob("*.json")}


def test_events_are_of_the_account_that_the_emulator_claims():
    event = json.loads((ROOT / "events/guard-cli.json").read_text())
    assert (event["account"], event["region"]) == ("012345678912", "us-east-1")


def test_the_alert_that_is_shown_is_the_golden_one():
    shown = re.search(r"```\n(Subject: .*?)\n```", README, re.S).group(1)
    assert (ROOT / "tests/it/alerts/remediated.txt").read_text().startswith(shown)
