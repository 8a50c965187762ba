"""Puts what was built into the files of a release: zips, template, bill of materials and checksums.

    python3 tests/supply/pack.py ARCHITECTURE BUILT INTO, from the top of the repository; SOURCE_DATE_EPOCH is the time
of the commit. The zips hold no time and no owner.
"""

import hashlib
import json
import os
import pathlib
import re
import sys
import tomllib
import zipfile

import sbom

FUNCTIONS = ["backout", "guard", "sweep"]
TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def zipped(path, binary):
    """One executable `bootstrap`, as Lambda wants it, of the first day that a zip can name."""
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, binary, compresslevel=9)


def once(pattern, replacement, text):
    text, count = re.subn(pattern, replacement, text, flags=re.M)
    assert count == 1, f"{pattern} is in the template {count} times"
    return text


def template(source, arch, zips):
    """The template that deploys these zips: nothing is left to build."""
    # What the Serverless Application Repository asks for names files that are not beside these zips.
    text = once(r"^  # \S*publishing-applications-metadata\S*\n  AWS::ServerlessRepo::Application:\n(?:    .*\n)+", "", source)
    text = once(r"^    CodeUri: \.\n", "", text)
    text = once(r"^(  Architecture:\n    Type: String\n    Default: )\w+\n    AllowedValues: .*$", rf"\g<1>{arch}\n    AllowedValues: [{arch}]", text)
    for name, path in zips.items():
        text = once(rf"^(      BuildProperties: {{Binary: {name}}}\n(?:      .*\n)*    Properties:\n)", rf"\g<1>      CodeUri: {path}\n", text)
    return text


def compiled(built, triple):
    """The crates whose libraries cargo built for the target."""
    prints = (built / triple / "release/.fingerprint").iterdir()
    return {re.sub(r"-[0-9a-f]{16}$", "", one.name) for one in prints if any(one.glob("lib-*"))}


def main(arch, built, into):
    built, into, triple = pathlib.Path(built), pathlib.Path(into), TRIPLES[arch]
    version = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["package"]["version"]
    into.mkdir(parents=True, exist_ok=True)
    binaries = {name: (built / "lambda" / name / "bootstrap").read_bytes() for name in FUNCTIONS}
    zips = {name: f"{name}-{version}-{arch}.zip" for name in FUNCTIONS}
    for name, binary in binaries.items():
        for folder in {os.path.expanduser("~"), os.getcwd(), os.environ.get("CARGO_HOME", os.getcwd())}:
            assert f"{folder}/".encode() not in binary, f"{name} tells that it was built in {folder}"
        zipped(into / zips[name], binary)
    bill = sbom.bill(arch, triple, {name: sha256(binary) for name, binary in binaries.items()},
                     int(os.environ["SOURCE_DATE_EPOCH"]))
    listed = sbom.names(bill) | {sbom.NAME}
    if listed != compiled(built, triple):
        sys.exit(f"the bill of materials is not what was compiled: {sorted(listed ^ compiled(built, triple))}")
    (into / f"{sbom.NAME}-{version}-{arch}.cdx.json").write_text(json.dumps(bill, indent=1) + "\n")
    (into / f"{sbom.NAME}-{version}-{arch}.yaml").write_text(template(pathlib.Path("template.yaml").read_text(), arch, zips))
    files = sorted(path for path in into.iterdir() if path.name != "SHA256SUMS")
    (into / "SHA256SUMS").write_text("".join(f"{sha256(path.read_bytes())}  {path.name}\n" for path in files))
    print(f"{into}: {', '.join(path.name for path in files)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
