"""What `make release` puts together, and what the workflows may do; a release itself is built by `make reproducible`."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile

import boto3
import pytest
import yaml

from test_template import FUNCTIONS, SOURCE, yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/supply"))
import pack
import sbom

WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}


@pytest.fixture(scope="module", params=pack.TRIPLES)
def bill(request):
    return sbom.bill(request.param, pack.TRIPLES[request.param], {"guard": "0" * 64}, 1_700_000_000)


def test_the_zips_of_the_same_binaries_are_the_same(tmp_path):
    for name in ("one.zip", "two.zip"):
        pack.zipped(tmp_path / name, b"a binary")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    [entry] = zipfile.ZipFile(tmp_path / "one.zip").infolist()
    assert (entry.filename, entry.date_time[0], oct(entry.external_attr >> 16)) == ("bootstrap", 1980, "0o100755")


def test_the_profile_leaves_nothing_for_cargo_lambda_to_decide():
    """It sets strip, lto, codegen-units and panic of its own where the profile is silent, and panic to abort."""
    release = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"]
    assert {"strip", "lto", "codegen-units", "panic"} <= set(release) and release["panic"] == "unwind"


def test_the_functions_that_are_packed_are_those_of_the_template():
    assert pack.FUNCTIONS == sorted(function.lower() for function in FUNCTIONS)


def test_the_bill_lists_what_is_linked_and_not_what_only_tests_use(bill):
    names = sbom.names(bill)
    assert {"aws-sdk-ecs", "ring", "rustls", "serde_json", "tokio"} <= names
    assert not {"nix", "proptest", "stateright", "proc-macro2", "serde_derive", "cc"} & names
    assert "std" in {component["name"] for component in bill["components"]}


def test_each_component_of_the_bill_has_a_licence_and_each_crate_the_hash_of_the_lock(bill):
    lock = (ROOT / "Cargo.lock").read_text()
    for component in bill["components"]:
        assert component["licenses"][0]["expression"] and "/" not in component["licenses"][0]["expression"]
        if component["name"] != "std":
            assert f'checksum = "{component["hashes"][0]["content"]}"' in lock


def test_the_bill_says_what_uses_what_and_nothing_is_unreached(bill):
    uses = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    reached, ahead = set(), [bill["metadata"]["component"]["bom-ref"]]
    while ahead:
        ref = ahead.pop()
        if ref not in reached:
            reached.add(ref)
            ahead += uses[ref]
    assert reached == {component["bom-ref"] for component in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}


def test_a_bill_depends_on_nothing_but_its_contents():
    of = lambda sha256: json.dumps(sbom.bill("x86_64", pack.TRIPLES["x86_64"], {"guard": sha256}, 0))
    assert of("0" * 64) == of("0" * 64) != of("1" * 64)


@pytest.mark.parametrize("arch", pack.TRIPLES)
def test_the_template_of_a_release_deploys_its_zips_and_is_else_the_same(arch):
    zips = {name: f"{name}.zip" for name in pack.FUNCTIONS}
    released = yaml_parse(pack.template((ROOT / "template.yaml").read_text(), arch, zips))
    source = yaml_parse((ROOT / "template.yaml").read_text())
    for function in FUNCTIONS:
        assert released["Resources"][function]["Properties"].pop("CodeUri") == f"{function.lower()}.zip"
    assert source["Globals"]["Function"].pop("CodeUri") == "."
    assert source["Metadata"].pop("AWS::ServerlessRepo::Application")["ReadmeUrl"] == "README.md"
    assert released["Parameters"]["Architecture"].pop("Default") == arch and source["Parameters"]["Architecture"].pop("Default")
    assert released["Parameters"]["Architecture"].pop("AllowedValues") == [arch] and source["Parameters"]["Architecture"].pop("AllowedValues")
    assert released == source


def test_sam_takes_the_zips_of_a_release_as_they_are(moto, tmp_path):
    zips = {name: f"{name}.zip" for name in pack.FUNCTIONS}
    for name, path in zips.items():
        pack.zipped(tmp_path / path, name.encode())
    (tmp_path / "released.yaml").write_text(pack.template((ROOT / "template.yaml").read_text(), "arm64", zips))
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=moto, **keys)
    s3.create_bucket(Bucket="packaged")
    environment = {**os.environ, "AWS_ENDPOINT_URL": moto, "SAM_CLI_TELEMETRY": "0", **{name.upper(): value for name, value in keys.items()},
                   "AWS_DEFAULT_REGION": "us-east-1"}
    subprocess.run([pathlib.Path(sys.executable).with_name("sam"), "package", "--template-file", "released.yaml", "--s3-bucket", "packaged", "--output-template-file", "out.yaml"],
                   cwd=tmp_path, env=environment, check=True, capture_output=True)
    packaged = yaml_parse((tmp_path / "out.yaml").read_text())
    for function in FUNCTIONS:
        key = packaged["Resources"][function]["Properties"]["CodeUri"].removeprefix("s3://packaged/")
        assert s3.get_object(Bucket="packaged", Key=key)["Body"].read() == (tmp_path / zips[function.lower()]).read_bytes()


def jobs():
    return [(name, job) for workflow in WORKFLOWS.values() for name, job in workflow["jobs"].items()]


def test_the_workflows_use_actions_by_commit_and_begin_without_rights():
    assert set(WORKFLOWS) == {"ci.yml", "release.yml"}
    assert all(workflow["permissions"] == {} for workflow in WORKFLOWS.values())
    used = [step["uses"] for _, job in jobs() for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", one) for one in used), used
    writes = {(name, scope) for name, job in jobs() for scope, right in job["permissions"].items() if right == "write"}
    assert writes == {("publish", "contents"), ("publish", "id-token"), ("publish", "attestations")}
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    assert "secrets." not in text and "cache" not in text


@pytest.mark.parametrize("then, passes", [
    ("true", True),
    ("echo changed >built/x86_64-another/release/guard-x86_64.zip", False),  # the machines differ
    ("for one in built/arm64-*; do echo changed >$one/release/guard-arm64.zip; done", False),  # alike, and not what was summed
    ("rm built/arm64-*/release/SHA256SUMS", False),
    ("for one in built/arm64-*; do : >$one/release/SHA256SUMS; done", False),
])
def test_nothing_is_published_that_was_not_checked(tmp_path, then, passes):
    for machine in ("x86_64-one", "x86_64-another", "arm64-one", "arm64-another"):
        folder, architecture = tmp_path / "built" / machine / "release", machine.partition("-")[0]
        folder.mkdir(parents=True)
        names = [f"{function}-{architecture}.zip" for function in ("guard", "sweep")]
        for name in names:
            (folder / name).write_text(name)
        (folder / "SHA256SUMS").write_text(subprocess.check_output(["sha256sum", *names], cwd=folder, text=True))
    [step] = [step["run"] for _, job in jobs() for step in job["steps"] if step.get("name") == "Both machines came to the same"]
    subprocess.run(["bash", "-ec", then], cwd=tmp_path, check=True)
    # GitHub's shell where none is named: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
    ran = subprocess.run(["bash", "-ec", step], cwd=tmp_path, capture_output=True, check=False)
    assert (ran.returncode == 0) == passes, ran.stdout + ran.stderr
    assert not passes or {path.name for path in (tmp_path / "release").iterdir()} == {
        "guard-x86_64.zip", "guard-arm64.zip", "sweep-x86_64.zip", "sweep-arm64.zip", "SHA256SUMS"}


def test_the_workflows_run_only_targets_that_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    named = {target for _, job in jobs() for step in job["steps"] if str(step.get("run", "")).startswith("make ")
             for target in step["run"].split()[1:]}
    assert named == {"audit", "release", "trial"} and named <= targets


def test_every_finding_that_is_left_has_its_reason():
    others = [yaml_parse(path.read_text()) for path in (ROOT / "policies").glob("*.yaml")]
    for name, resource in (one for template in [SOURCE, *others] for one in template["Resources"].items()):
        metadata = resource.get("Metadata", {})
        reasons = [skip["comment"] for skip in metadata.get("checkov", {}).get("skip", [])] + list(metadata.get("guard", {}).values())
        assert all(len(reason) > 10 for reason in reasons), name
