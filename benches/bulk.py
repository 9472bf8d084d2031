#!/usr/bin/env python3
"""Measures many links: rows a second and memory on one machine, and 1, 2 and 4 workers of a queue.

    benches/bulk.py [--rows N] [--accounts N] [--strict]

Needs `make build`, and redis-server for the platform's tokens and the queue: skipped without it
(see tools/need.sh). With --strict a missed target is a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import harness

sys.path.append(str(harness.ROOT / "tools"))
from with_sandbox import Sandbox

WXLINK = harness.LIB / "wxlink"
UNLIMITED = ["--rate", "off", "--account-rate", "off"]
# The targets.
MIN_ROWS_PER_SECOND, MAX_MEMORY_MB = 5000, 100


def account(n: int) -> str:
    return f"wx0a{n:014x}"


def world(accounts: int, apps: int) -> dict[str, object]:
    """A platform with this many accounts, whose quotas are never reached."""
    limits = {"same_subject": 10**9, "different_subject": 10**9, "monthly": 10**9}
    names = [account(n) for n in range(1, accounts + 1)]
    return {
        "accounts": {a: {"subject": "s", "limits": limits} for a in names},
        "miniprograms": {f"wx0b{n:014x}": {"subject": "s"} for n in range(1, apps + 1)},
        "tokens": {},
        "component": {
            "appid": "wx0c00000000000001",
            "appsecret": "SECRET",
            "ticket": "TICKET",
            "authorizers": {a: {"refresh_token": f"R-{a}"} for a in names},
        },
    }


def csv(path: Path, rows: int, accounts: int) -> None:
    """Writes rows in which the accounts take turns: the most unsorted order."""
    with path.open("w") as file:
        file.write("account,appid,notify_users,show_profile\n")
        for n in range(rows):
            file.write(f"{account(n % accounts + 1)},wx0b{n // accounts + 1:014x},0,1\n")


@contextlib.contextmanager
def sandbox(folder: Path, accounts: int, apps: int, delay_ms: int = 0) -> Iterator[Sandbox]:
    """A simulator with a world of its own, each of whose responses takes delay_ms.

    It keeps no journal: hiding secrets there would be a quarter of its work.
    """
    (folder / "world.json").write_text(json.dumps(world(accounts, apps)))
    with Sandbox("--world", folder / "world.json", "--journal", "0") as running:
        if delay_ms:
            rule = {"always": True, "fault": {"delay_ms": delay_ms}}
            running.admin("POST", "faults", rule)
        yield running


def environment(simulator: Sandbox, store: str) -> dict[str, str]:
    options = {
        "BASE_URL": simulator.base_url,
        "COMPONENT_APPID": "wx0c00000000000001",
        "COMPONENT_APPSECRET": "SECRET",
        "STORE": store,
    }
    return {**os.environ, **{f"WXLINK_{key}": value for key, value in options.items()}}


def wxlink(env: dict[str, str], *arguments: str, folder: Path, stdin_text: str = "") -> float:
    """Runs the command and returns the most memory it had (MB)."""
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as output:
        stdin.write(stdin_text)
        stdin.seek(0)
        process = subprocess.Popen(
            [WXLINK, *arguments], env=env, cwd=folder, stdin=stdin, stdout=output, stderr=output
        )
        most = 0.0
        while process.poll() is None:
            # The system's own figure for an ended process includes this program's memory, from
            # the time between fork and exec.
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
                most = max([most, *(int(kb) / 1024 for kb in peak)])
            time.sleep(0.02)
        output.seek(0)
        assert process.returncode in (0, 3), (arguments, process.returncode, output.read())
    return most


def one_machine(rows: int, accounts: int) -> tuple[float, float]:
    """Rows a second and the most memory (MB) of a whole job, from the file to the report."""
    apps = -(-rows // accounts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        csv(folder / "links.csv", rows, accounts)
        with harness.redis(folder) as store, sandbox(folder, accounts, apps) as simulator:
            env = environment(simulator, store)
            wxlink(env, "platform", "set-ticket", folder=folder, stdin_text="TICKET\n")
            start = time.monotonic()
            memory = wxlink(env, "bulk", "links.csv", "--yes", *UNLIMITED, folder=folder)
            seconds = time.monotonic() - start
        with (folder / "links.csv.job/report/invited.csv").open() as file:
            invited = sum(1 for _ in file) - 1
        assert invited == rows, f"{invited} of {rows} rows were invited"
    return rows / seconds, memory


def queue(workers: int, rows: int, accounts: int, delay_ms: int, threads: int) -> float:
    """Rows a second of this many worker processes."""
    apps = -(-rows // accounts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        csv(folder / "links.csv", rows, accounts)
        with harness.redis(folder) as store, sandbox(folder, accounts, apps, delay_ms) as simulator:
            env = {**environment(simulator, store), "WXLINK_QUEUE": store}
            wxlink(env, "platform", "set-ticket", folder=folder, stdin_text="TICKET\n")
            wxlink(env, "bulk", "push", "links.csv", *UNLIMITED, folder=folder)
            command = [WXLINK, "bulk", "work", "--workers", str(threads)]
            quiet = subprocess.DEVNULL
            start = time.monotonic()
            processes = [
                subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet)
                for _ in range(workers)
            ]
            for process in processes:
                assert process.wait() == 0, process.returncode
            seconds = time.monotonic() - start
            wxlink(env, "bulk", "collect", folder=folder)
        with (folder / "bulk.results/invited.csv").open() as file:
            invited = sum(1 for _ in file) - 1
        assert invited == rows, f"{invited} of {rows} rows were invited"
    return rows / seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=77_000)
    parser.add_argument("--strict", action="store_true", help="a missed target is a failure")
    args = parser.parse_args()
    if shutil.which("redis-server") is None:
        return int(harness.skip("many links", "redis-server") == 1)

    speed, memory = one_machine(args.rows, args.accounts)
    print(f"{args.rows:,} rows of {args.accounts:,} accounts, from the file to the report")
    print(f"  {speed:,.0f} rows/s (target {MIN_ROWS_PER_SECOND:,}), ", end="")
    print(f"{memory:.0f} MB at most (target {MAX_MEMORY_MB})")
    small, little = one_machine(args.rows // 10, args.accounts // 10)
    print(f"a tenth of it\n  {small:,.0f} rows/s, {little:.0f} MB at most")

    missed = speed < MIN_ROWS_PER_SECOND or memory > MAX_MEMORY_MB
    for delay_ms, rows, threads in [(20, 6_000, 4), (0, 60_000, 4)]:
        what = f"{delay_ms} ms" if delay_ms else "no time, so that the two cores are the limit"
        print(f"queue, {threads} accounts at once each, responses take {what}")
        for workers in (1, 2, 4):
            speed = queue(workers, rows, rows // 10, delay_ms, threads)
            print(f"  {workers} worker{'s' if workers > 1 else ' '}  {speed:8,.0f} rows/s")
    return int(args.strict and missed)


if __name__ == "__main__":
    sys.exit(main())
