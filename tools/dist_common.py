"""What the parts of dist.py share: where a release is built, running commands, and packing."""

import gzip
import re
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "target/dist"
WORK = ROOT / "target/dist-build"
VENV = ROOT / ".venv"
VERSION = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
# The parts whose skipping is a failure: all skipped parts with CI=true.
failed_skips = []


class ReleaseError(Exception):
    """A file of the release does not meet a requirement, or a command failed."""


def expect(truth, what):
    if not truth:
        raise ReleaseError(what)


def skip_because(part, reason):
    """Reports that a part is skipped: see tools/need.sh."""
    command = [ROOT / "tools/need.sh", "--skip", part, reason]
    if subprocess.run(command).returncode == 1:
        failed_skips.append(part)


def skip(part, tool):
    skip_because(part, f"{tool} is not installed")


def run(*command, **more):
    """Runs a command and returns its output. Raises ReleaseError with the output if it fails."""
    done = subprocess.run(
        [str(c) for c in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **more,
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def commit_time():
    return int(run("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def pack(folder, archive):
    """Packs a folder. The same files and commit give the same archive."""
    when = commit_time()

    def plain(info):
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        info.mtime = when
        return info

    with (
        open(archive, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=when) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=plain)
