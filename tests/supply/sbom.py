"""The bill of materials of one release: the crates that are linked into the functions, and Rust's own library.

CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), from `cargo tree`: `cargo metadata`, which the usual tools read,
unites the features of tests with those of the product, and so lists what is not shipped. Nothing in it depends on when
or where it was made; the time is that of the commit.
"""

import datetime
import json
import re
import subprocess
import tomllib
import uuid

NAME = "ecs-privileged-guard"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def crates(triple):
    """Each crate with its licence, and the crates that it uses."""
    licences, uses, above = {}, {}, []
    for line in output("cargo", "tree", "--locked", "--edges", "no-build,no-dev,no-proc-macro", "--target", triple,
                       "--prefix", "depth", "--format", "{p}|{l}").splitlines():
        depth, name, version, licence = re.fullmatch(r"(\d+)(\S+) v(\S+)[^|]*\|(.*?)(?: \(\*\))?", line).groups()
        crate = (name, version)
        # The old way to write OR is a slash.
        licences[crate] = re.sub(r"\s*/\s*", " OR ", licence)
        uses.setdefault(crate, set())
        above[int(depth):] = [crate]
        if len(above) > 1:
            uses[above[-2]].add(crate)
    return licences, uses


def component(crate, licence, checksums):
    name, version = crate
    purl = f"pkg:cargo/{name}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "scope": "required", "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": checksums[crate]}], "licenses": [{"expression": licence}]}


def rust():
    """What rustc links in by itself."""
    about = dict(line.split(": ", 1) for line in output("rustc", "-vV").splitlines() if ": " in line)
    purl = f"pkg:github/rust-lang/rust@{about['release']}"
    return {"type": "library", "bom-ref": purl, "name": "std", "version": about["release"], "scope": "required", "purl": purl,
            "description": f"Rust's standard library, commit {about['commit-hash']}",
            "licenses": [{"expression": "MIT OR Apache-2.0"}]}


def bill(arch, triple, binaries, committed):
    """`binaries`: the SHA-256 of each function; `committed`: the time of the commit, in seconds."""
    licences, uses = crates(triple)
    with open("Cargo.lock", "rb") as lock:
        checksums = {(p["name"], p["version"]): p["checksum"] for p in tomllib.load(lock)["package"] if "checksum" in p}
    own = next(crate for crate in licences if crate[0] == NAME)
    version = own[1]
    refs = {crate: f"pkg:cargo/{crate[0]}@{crate[1]}" for crate in licences}
    std = rust()
    described = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(committed, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application", "bom-ref": refs[own], "name": NAME, "version": version,
                "licenses": [{"expression": licences[own]}],
                "properties": [{"name": "architecture", "value": arch}],
                "components": [{"type": "application", "bom-ref": f"{name}-{arch}", "name": name, "version": version,
                                "hashes": [{"alg": "SHA-256", "content": sha256}]} for name, sha256 in sorted(binaries.items())],
            },
        },
        "components": [component(crate, licences[crate], checksums) for crate in sorted(licences) if crate != own] + [std],
        "dependencies": [{"ref": refs[crate], "dependsOn": sorted([refs[used] for used in uses[crate]] + [std["bom-ref"]])}
                         for crate in sorted(licences)] + [{"ref": std["bom-ref"]}],
    }
    content = json.dumps(described, sort_keys=True)
    described["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}"
    return described


def names(described):
    """The crates of a bill, Rust's own library aside."""
    return {c["name"] for c in described["components"] if c["purl"].startswith("pkg:cargo/")}
