"""Licences, sources and bans of deny.toml, held without cargo-deny, which takes longer to build than the product."""

import json
import pathlib
import re
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).parents[2]
DENY = tomllib.loads((ROOT / "deny.toml").read_text())


def packages(*features):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", *features]
    for target in DENY["graph"]["targets"]:
        command += ["--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]


def is_allowed(expression):
    """SPDX: every part of an AND, one part of an OR; the old way to write OR is a slash."""
    expression = expression.replace("/", " OR ").replace("(", "").replace(")", "")
    either = [part.strip() for part in re.split(r"\bOR\b", expression)]
    return any(all(one.strip() in DENY["licenses"]["allow"] for one in re.split(r"\bAND\b", part)) for part in either)


def test_every_dependency_has_an_allowed_licence():
    refused = [f"{p['name']}: {p['license']}" for p in packages("--all-features") if p["source"] and not is_allowed(p["license"] or "?")]
    assert refused == []


def test_every_dependency_comes_from_the_registry():
    other = [p["name"] for p in packages("--all-features") if p["source"] and not p["source"].startswith("registry+")]
    assert other == []


def test_what_is_banned_is_not_there():
    banned = {ban["crate"] for ban in DENY["bans"]["deny"]}
    assert banned & {p["name"] for p in packages("--all-features")} == set()


def test_the_functions_carry_nothing_of_guardctl():
    """`sam build` builds without features."""
    features = tomllib.loads((ROOT / "Cargo.toml").read_text())["features"]
    of_guardctl = {feature.removeprefix("dep:") for feature in features["cli"] if feature.startswith("dep:")}
    # aws-config brings it to whoever takes credentials.
    of_all = {"aws-sdk-sts"}
    assert of_guardctl - of_all and of_guardctl & {p["name"] for p in packages()} == of_all
    assert of_guardctl <= {p["name"] for p in packages("--all-features")}


def test_an_odd_licence_would_be_refused():
    assert not is_allowed("GPL-3.0-only")
    assert not is_allowed("MIT AND GPL-3.0-only")
    assert is_allowed("GPL-3.0-only OR MIT")
