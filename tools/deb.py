"""Builds the Debian packages in target/deb from what `make build` built, and the Python module.

    python3 tools/deb.py [--version VERSION] [--out FOLDER]

tools/install.sh installs the files, and debhelper sorts them into packages by packaging/debian.
This program writes what comes from elsewhere: the change log (from CHANGELOG.md), the symbols file
(from abi/) and the copyright files (from the crates that are linked in).

DEBFULLNAME and DEBEMAIL name the maintainer of the packages: the author of the last commit if they
are not set. The same commit, maintainer and compilers give the same packages.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

import sbom
from dist import Target, get_tools
from dist_common import ROOT, VENV, VERSION, ReleaseError, commit_time, expect, run

FOLDER = ROOT / "target/deb"
# The version in Cargo.toml, as Debian writes it: 1.0.0-rc.1 is older than 1.0.0.
RELEASE = VERSION
# What is linked into each package, as arguments of tools/sbom.py.
CRATES = {
    "libwxlink1": ["wxlink"],
    "libwxlink-dev": ["wxlink"],
    "wxlink": ["wxlink-cli"],
    "wxlink-sandbox": ["wxlink-sandbox"],
    "python3-wxlink": ["wxlink-python"],
}
APACHE = re.compile(
    r"[ \t]*Apache License\s+Version 2\.0, January 2004\s.*?END OF TERMS AND CONDITIONS"
    r"(?P<appendix>\s+APPENDIX: How to apply .*?limitations under the License\.)?",
    re.DOTALL,
)
COPYRIGHT_TEMPLATE = r"[\[{](yyyy|name of copyright owner)[\]}]"


def host():
    """The platform of this machine, as Rust names it."""
    return re.search(r"^host: (.+)$", run("rustc", "-vV"), re.M)[1]


def maintainer():
    author = run("git", "-C", ROOT, "log", "-1", "--format=%an%n%ae").splitlines()
    name = os.environ.get("DEBFULLNAME") or author[0]
    return f"{name} <{os.environ.get('DEBEMAIL') or author[1]}>"


def changelog(version):
    """Debian's change log, with the entries of this release in CHANGELOG.md."""
    page = (ROOT / "CHANGELOG.md").read_text()
    section = re.search(rf"^## {re.escape(RELEASE)}\b.*?\n(.*?)(?=^## |\Z)", page, re.M | re.DOTALL)
    expect(section, f"CHANGELOG.md has no section for {RELEASE}")
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", section[1]).replace("**", "").replace("`", "")
    entries = [" ".join(entry.split()) for entry in re.split(r"^- ", text, flags=re.M)[1:]]
    expect(entries, f"CHANGELOG.md has no changes of {RELEASE}")
    lines = [
        textwrap.fill(
            entry, 78, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False
        )
        for entry in entries
    ]
    when = format_datetime(datetime.fromtimestamp(commit_time(), timezone.utc))
    head, changes = f"wxlink ({version}) unstable; urgency=medium", "\n".join(lines)
    return f"{head}\n\n{changes}\n\n -- {maintainer()}  {when}\n"


def symbols():
    """The symbols file: the exported functions, and the version that each came with."""
    # Not those of the functions that only Windows has, such as 0.1.windows.symbols.
    files = [p for p in (ROOT / "abi").glob("*.symbols") if re.fullmatch(r"[\d.]+", p.stem)]
    versions = sorted(files, key=lambda path: [int(n) for n in path.stem.split(".")])
    since = {}
    for path in versions:
        for name in re.findall(r"(wx_\w+)\(", path.read_text()):
            since.setdefault(name, path.stem)
    header = (ROOT / "include/wxlink.h").read_text()
    abi = re.search(r"^#define WX_ABI_VERSION (\d+)", header, re.M)[1]
    head = f"libwxlink.so.{abi} libwxlink{abi} #MINVER#\n* Build-Depends-Package: libwxlink-dev\n"
    return head + "".join(f" {name}@Base {version}\n" for name, version in sorted(since.items()))


def without_apache(text):
    """Replaces the text of the Apache License, which is part of every Debian system."""

    def reference(match):
        lines = (match["appendix"] or "").splitlines()
        notices = [
            line.strip()
            for line in lines
            if re.match(r"\s*Copyright\b", line) and not re.search(COPYRIGHT_TEMPLATE, line)
        ]
        place = "Apache License, Version 2.0: see /usr/share/common-licenses/Apache-2.0"
        return "\n".join([place, *notices])

    return APACHE.sub(reference, text)


def copyright_text(triple, crates):
    licence = (ROOT / "LICENSE-MIT").read_text().strip()
    return f"""wxlink links WeChat mini programs to Official Accounts.

It is licensed under the MIT License or the Apache License, Version 2.0, at your
option. On Debian systems the latter is /usr/share/common-licenses/Apache-2.0.

{licence}

{without_apache(sbom.licences(triple, *crates))}"""


def build_module(triple):
    """Builds the Python module with the features of the wheels. Returns the wheel."""
    wheels = FOLDER / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    env = Target(triple).env | {"CARGO_TARGET_DIR": str(FOLDER / "cargo")}
    run(
        VENV / "bin/maturin", "build", "--locked", "--release", "--compatibility", "linux",
        "--interpreter", "/usr/bin/python3", "--out", wheels, cwd=ROOT / "python", env=env,
    )  # fmt: skip
    (wheel,) = wheels.glob("*.whl")
    return wheel


def unpack_module(wheel, folder):
    """Unpacks the module as Debian installs modules.

    The command is a package of its own. pip's list of installed files and the licences, which are
    in the copyright file, are left out.
    """
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    (about,) = folder.glob("*.dist-info")
    for name in ["RECORD", "sboms", "licenses"]:
        path = about / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    (about / "INSTALLER").write_text("debian\n")
    entry_points = about / "entry_points.txt"
    sections = re.split(r"^(?=\[)", entry_points.read_text(), flags=re.M)
    kept = [s for s in sections if not s.startswith("[console_scripts]")]
    expect(len(kept) == len(sections) - 1, "the wheel has no command")
    entry_points.write_text("".join(kept))


def fill(debian, triple, version):
    """Writes the generated files of the folder `debian`."""
    control = debian / "control"
    control.write_text(control.read_text().replace("@MAINTAINER@", maintainer()))
    (debian / "changelog").write_text(changelog(version))
    (debian / "libwxlink1.symbols").write_text(symbols())
    for package, crates in CRATES.items():
        (debian / f"{package}.copyright").write_text(copyright_text(triple, crates))
        # Files of the same name are the same in every architecture: libwxlink1 can be installed
        # for several.
        bill = debian / "sbom" / package / f"sbom-{triple}.cdx.json"
        bill.parent.mkdir(parents=True)
        bill.write_text(json.dumps(sbom.bill(triple, *crates), indent=2) + "\n")
        (debian / f"{package}.docs").write_text(f"{bill.relative_to(debian.parent)}\n")


def build_packages(out, version, wheel, triple):
    source = out / "source"
    shutil.rmtree(source, ignore_errors=True)
    for old in out.glob("*.deb"):
        old.unlink()
    source.mkdir(parents=True)
    shutil.copytree(ROOT / "packaging/debian", source / "debian")
    fill(source / "debian", triple, version)
    unpack_module(wheel, source / "python")
    # Only Debian's programs, and no setting of a make that runs this program.
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": os.environ.get("HOME", "/nonexistent"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(commit_time()),
        # The programs are stripped when they are linked.
        "DEB_BUILD_OPTIONS": "nocheck noautodbgsym",
        "WXLINK_ROOT": str(ROOT),
    }
    log = run("dpkg-buildpackage", "--build=binary", "--no-sign", cwd=source, env=env)
    (out / "build.log").write_text(log)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", default=RELEASE.replace("-", "~"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    args = parser.parse_args()
    for tool in ["dpkg-buildpackage", "dh_python3"]:
        expect(shutil.which(tool), f"no {tool}: install dpkg-dev, debhelper and dh-python")
    triple = host()
    get_tools()
    build_packages(args.out.resolve(), args.version, build_module(triple), triple)
    for package in sorted(args.out.glob("*.deb")):
        print(f"made\t{package.name}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (ReleaseError, OSError, subprocess.SubprocessError) as e:
        sys.exit(f"deb: {e}")
