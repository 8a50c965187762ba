"""AWS Control Tower's proactive controls by cfn-guard: on what SAM makes of the template in each mode, and on `policies/`.

These controls know no suppression. Ours is `Metadata: guard:` at the resource, each control with its reason; one that
suppresses nothing is an error too. Rules and binary come from AWS's package for CDK, which this unpacks:
    python guard.py cdklabs_cdk_validator_cfnguard-VERSION.whl FOLDER
"""

import json
import logging
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from test_template import MODES, SOURCE, expanded, yaml_parse

logging.disable(logging.WARNING)  # the translator warns at the end that it sent no telemetry


def unpacked(wheel, folder):
    """The package of npm that the wheel carries."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
        archive.extract(name, folder)
    with tarfile.open(folder / name) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def plain(node, numbers):
    """As the rules can read it: numbers where a parameter is one, a bucket's objects as a join, and what is put together of names as its text."""
    match node:
        case {"Fn::Sub": [str(text), dict()]}:
            return text
        case {"Fn::Sub": str(text)} if found := re.fullmatch(r"\$\{(\w+)\.Arn\}(/[^$]*)", text):
            return {"Fn::Join": ["", [{"Fn::GetAtt": [found[1], "Arn"]}, found[2]]]}
        case dict():
            return {key: int(value) if key in numbers and isinstance(value, str) else plain(value, numbers) for key, value in node.items()}
        case list():
            return [plain(one, numbers) for one in node]
    return node


def resources_in(node):
    match node:
        case dict():
            path = node.get("path")
            own = {path.split("/")[2]} if isinstance(path, str) and path.startswith("/Resources/") else set()
            return own.union(*map(resources_in, node.values()))
        case list():
            return set().union(*map(resources_in, node))
    return set()


def failing(package, resources, folder):
    """Each control that fails, with each resource on which it does."""
    binary = package / "bin/ubuntu" / platform.machine() / "cfn-guard"
    rules, data = package / "rules/control-tower/cfn-guard", folder / "template.json"
    data.write_text(json.dumps({"Resources": resources}))
    run = subprocess.run([binary, "validate", "--rules", rules, "--data", data, "--structured", "--output-format", "json",
                          "--show-summary", "none"], capture_output=True, text=True)
    if run.returncode not in (0, 19):  # 19: a rule failed
        sys.exit(f"cfn-guard ended with {run.returncode}: {run.stderr}")
    found, judged = set(), 0
    for report in json.loads(run.stdout):
        judged += len(report["compliant"]) + len(report["not_compliant"])
        for rule in report["not_compliant"]:
            control = re.search(r"\[(CT\.\w+\.PR\.\d+)\]", json.dumps(rule))[1]
            found |= {(name, control) for name in resources_in(rule)}
    return found, judged


def main(wheel, folder):
    folder = pathlib.Path(folder)
    package = unpacked(wheel, folder)
    templates = [("template.yaml", SOURCE["Resources"], [expanded(EnforcementMode=mode) for mode in MODES])]
    for path in sorted((ROOT / "policies").glob("*.yaml")):
        resources = yaml_parse(path.read_text())["Resources"]
        templates.append((f"policies/{path.name}", resources, [resources]))
    is_wrong = False
    for name, source, variants in templates:
        suppressed = {(resource, control) for resource in source for control in source[resource].get("Metadata", {}).get("guard", {})}
        found, judged = set(), 0
        for resources in variants:
            of_variant, count = failing(package, plain(resources, {"RetentionInDays"}), folder)
            found, judged = found | of_variant, judged + count
        for resource, control in sorted(found - suppressed):
            print(f"{name}: {resource}: {control} fails, see docs.aws.amazon.com/controltower/latest/controlreference")
        for resource, control in sorted(suppressed - found):
            print(f"{name}: {resource}: {control} is suppressed and does not fail")
        print(f"cfn-guard: {name}: {judged} judgements, {len(found & suppressed)} suppressed with a reason")
        is_wrong |= found != suppressed or judged == 0
    sys.exit(is_wrong)


if __name__ == "__main__":
    main(*sys.argv[1:])
