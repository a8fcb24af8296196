#!/usr/bin/python3
"""Holds that the bill of materials names exactly what is built, and is the same every time.

Comes from: deploy/sbom, `cargo tree`, Cargo.lock; with a binary on the command line also the list that cargo-auditable put into it.
Goes to: standard output; exit 1 when something is wrong.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WRONG = []


def expect(condition, sentence):
    if not condition:
        WRONG.append(sentence)


def output(*line):
    return subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def locked():
    with open(ROOT / "Cargo.lock", "rb") as lock:
        return {(one["name"], one["version"]): one.get("checksum") for one in tomllib.load(lock)["package"]}


def check_components(bom, checksums):
    # Another road to the same set than the script's own: the whole of what cargo would compile, without the tests.
    shown = output("cargo", "tree", "--locked", "--no-default-features", "-e", "no-dev", "--prefix", "none", "-f", "{p}")
    built = {tuple(line.split()[:2]) for line in shown.splitlines()}
    parts = [*bom["components"], bom["metadata"]["component"]]
    named = {(one["name"], "v" + one["version"]) for one in parts}
    expect(named == built, "the same packages as cargo tree: %s" % sorted(named ^ built))
    expect(len(parts) == len(named), "each of them once")
    for one in bom["components"]:
        digest = one["hashes"][0]["content"]
        expect(digest == checksums[(one["name"], one["version"])], "%s has the checksum of the lock file" % one["name"])
        expect(one.get("licenses"), "%s has a licence" % one["name"])
    references = {one["bom-ref"] for one in parts}
    expect({one["ref"] for one in bom["dependencies"]} == references, "the dependencies of each")
    targets = {on for one in bom["dependencies"] for on in one["dependsOn"]}
    expect(targets <= references, "nothing outside of it is depended on")
    expect(references - targets == {bom["metadata"]["component"]["bom-ref"]}, "everything is there for something")


def check_form(bom):
    expect((bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.5", 1), "the form")
    expect(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bom["serialNumber"]), "a serial number")
    for one in bom["components"]:
        expect(re.fullmatch(r"pkg:cargo/[\w-]+@[\w.+%-]+", one["purl"]), "a package URL: %s" % one["purl"])


def check_binary(binary, bom):
    """The list in the binary (rust-secure-code/cargo-auditable, PARSING.md: zlib in the section .dep-v0)."""
    with tempfile.NamedTemporaryFile() as section:
        output("objcopy", "--dump-section", ".dep-v0=" + section.name, binary, "/dev/null")
        listed = json.loads(zlib.decompress(pathlib.Path(section.name).read_bytes()))["packages"]
    inside = {(one["name"], one["version"]) for one in listed}
    named = {(one["name"], one["version"]) for one in bom["components"]}
    expect(named <= inside, "the binary lists every part: %s" % sorted(named - inside))
    print("%d packages are listed in the binary" % len(inside))


def main():
    text = output(str(ROOT / "deploy" / "sbom"))
    expect(text == output(str(ROOT / "deploy" / "sbom")), "the same every time")
    bom = json.loads(text)
    check_form(bom)
    check_components(bom, locked())
    for binary in sys.argv[1:]:
        check_binary(binary, bom)
    for sentence in WRONG:
        print("not so: %s" % sentence)
    print("%d components, %d wrong" % (len(bom["components"]), len(WRONG)))
    sys.exit(1 if WRONG else 0)


main()
