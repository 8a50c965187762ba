"""What the documents claim, held against what they speak of."""

import json
import pathlib
import re

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
    named = set(re.findall(r"output `(\w+)`", section("Deploy")))
    assert named == {"BackoutOperatorsPolicy", "BackoutCommand"} and named <= set(SOURCE["Outputs"])


def test_every_outcome_and_reason_is_listed():
    source = (ROOT / "src/domain/outcome.rs").read_text()
    names = set(re.findall(r'Self::\w+ => "(\w+)"', source)) - {"sent", "already_sent", "none"}
    assert {name for name in names if f"`{name}`" not in section("What it answers")} == set()


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`(?:DEMO_PAUSE=1 )?make ([\w-]+)`", README)) <= targets


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
