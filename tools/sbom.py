"""Prints what is linked into packages: a CycloneDX bill of materials, or the text of the licences.

    python3 tools/sbom.py TARGET PACKAGE... [--licences]

TARGET is a target triple of Rust.
"""

import functools
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCE_FILES = ("license", "licence", "copying", "notice", "unlicense", "copyright")


def cargo(*args):
    command = [os.environ.get("CARGO", "cargo"), *args]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


@functools.cache
def linked_in(target, *packages):
    """The first package, then the crates linked into the packages: no build tools, no macros."""
    tree = cargo(
        "tree", "--locked", *(f"--package={p}" for p in packages), "--target", target,
        "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}",
    )  # fmt: skip
    names = list(dict.fromkeys(tuple(line.split()[:2]) for line in tree.splitlines() if line))
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1"))
    known = {(p["name"], "v" + p["version"]): p for p in metadata["packages"]}
    return [known[name] for name in names[:1] + sorted(names[1:])]


def standard_library():
    """The Rust standard library, which is linked into everything."""
    rustc = os.environ.get("RUSTC", "rustc")
    version = subprocess.check_output([rustc, "--version"], text=True).split()[1]
    return {
        "type": "library",
        "name": "rust-std",
        "version": version,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": f"pkg:generic/rust-std@{version}",
        "bom-ref": f"pkg:generic/rust-std@{version}",
    }


def component(package):
    purl = f"pkg:cargo/{package['name']}@{package['version']}"
    made = {
        "type": "library",
        "name": package["name"],
        "version": package["version"],
        "licenses": [{"expression": package["license"].replace("/", " OR ")}],
        "purl": purl,
        "bom-ref": purl,
    }
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def bill(target, *packages):
    """The bill of materials. The same commit and target give the same text."""
    head, *rest = linked_in(target, *packages)
    main = component(head)
    parts = [*map(component, rest), standard_library()]
    names = "\n".join([target, main["purl"], *(p["purl"] for p in parts)])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, names)}",
        "version": 1,
        "metadata": {
            "component": main,
            "properties": [{"name": "target", "value": target}],
        },
        "components": parts,
        "dependencies": [{"ref": main["bom-ref"], "dependsOn": [p["bom-ref"] for p in parts]}],
    }


def licences(target, *packages):
    """The licence texts of everything linked in, each text once."""
    texts, without = {}, []
    for crate in linked_in(target, *packages)[1:]:
        if not crate["source"]:
            continue
        name = f"{crate['name']} {crate['version']} ({crate['license']})"
        files = [
            path
            for path in sorted(Path(crate["manifest_path"]).parent.iterdir())
            if path.is_file() and path.name.lower().startswith(LICENCE_FILES)
        ]
        if not files:
            without.append(name)
        for path in files:
            text = path.read_text("utf-8", "replace").strip()
            texts.setdefault(" ".join(text.split()), (text, []))[1].append(name)
    std = standard_library()
    page = f"Third-party software in {packages[0]}, and its licences.\n\n"
    page += f"The Rust standard library {std['version']}: MIT OR Apache-2.0.\n"
    page += "LLVM's libunwind, where it is linked in: Apache-2.0 WITH LLVM-exception.\n"
    page += "https://www.rust-lang.org/policies/licenses\n"
    if without:
        page += "\nThese crates contain no licence text; their licence is:\n"
        page += "".join(f"  {name}\n" for name in without)
    for text, names in texts.values():
        rule = "-" * 80
        page += (
            f"\n{rule}\n" + "".join(f"{n}\n" for n in dict.fromkeys(names)) + f"{rule}\n\n{text}\n"
        )
    return page


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--licences" in sys.argv:
        print(licences(*words), end="")
    else:
        print(json.dumps(bill(*words), indent=2))
