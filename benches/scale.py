#!/usr/bin/env python3
"""Measures how the throughput of many links grows with the accounts in flight, and draws it.

    benches/scale.py [--only SERIES] [--in-flight N,N] [--write]
    benches/scale.py --draw

Answers of the simulator take 60 ms, as WeChat's do, so that N accounts in flight make at most
N / 0.06 calls a second. The simulator, Redis and the workers share the machine. With --write the
figures are kept in benches/scale.json and written to docs/scale.md and the pictures beside it;
--draw only writes the page and the pictures again.

Needs `make build` and redis-server: skipped without it (see tools/need.sh).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import bulk
import harness
import plot
from with_sandbox import Sandbox

DELAY_MS = 60
IN_FLIGHT = [16, 64, 256, 512, 1024]
# Rows for each account in flight, and in all at most: enough for some seconds each.
ROWS_PER_WORKER, MAX_ROWS = 130, 52_000
# About as many links as WeChat allows an account in a month.
ROWS_PER_ACCOUNT = 13
FIGURES = Path(__file__).with_suffix(".json")
PICTURE = harness.ROOT / "docs/scale.svg"
PAGE = harness.ROOT / "docs/scale.md"
BEGIN, END = "<!-- written by benches/scale.py -->\n", "<!-- end -->"
# The series, and how many processes share the accounts in flight. 0: a job without a queue.
SERIES = {"job": 0, "queue, 1 worker": 1, "queue, 2 workers": 2, "queue, 4 workers": 4}


@dataclass
class Figure:
    """What one run needed. Times and switches are those of the workers' processes."""

    series: str
    in_flight: int
    calls: int
    calls_per_second: float
    switches_per_call: float
    cpu_us_per_call: float
    memory_mb: float


class Process:
    """A running worker whose resources are counted."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path):
        quiet = subprocess.DEVNULL
        self.peak_kb = 0
        self.process = subprocess.Popen(
            command, env=env, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet
        )
        self.watcher = threading.Thread(target=self._watch)
        self.watcher.start()

    def _watch(self) -> None:
        # The system's figure for an ended process includes this program's memory, from the time
        # between fork and exec.
        status = Path(f"/proc/{self.process.pid}/status")
        while True:
            try:
                lines = status.read_text().splitlines()
            except OSError:
                return
            peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
            if not peak:
                return
            self.peak_kb = max(self.peak_kb, *peak)
            time.sleep(0.02)

    def wait(self) -> resource.struct_rusage:
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.watcher.join()
        assert self.process.returncode in (0, 3), self.process.returncode
        return usage


def calls_of(simulator: Sandbox) -> int:
    """How many requests the simulator received, all of which its empty journal dropped."""
    return int(simulator.admin("GET", "journal")["dropped"])


def measure(series: str, in_flight: int) -> Figure:
    processes = SERIES[series]
    rows = min(in_flight * ROWS_PER_WORKER, MAX_ROWS)
    accounts = rows // ROWS_PER_ACCOUNT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bulk.csv(folder / "links.csv", rows, accounts)
        with (
            harness.redis(folder) as store,
            bulk.sandbox(folder, accounts, ROWS_PER_ACCOUNT, DELAY_MS) as simulator,
        ):
            env = {**bulk.environment(simulator, store), "WXLINK_QUEUE": store}
            bulk.wxlink(env, "platform", "set-ticket", folder=folder, stdin_text="TICKET\n")
            command = [str(bulk.WXLINK), "bulk"]
            if processes:
                bulk.wxlink(env, "bulk", "push", "links.csv", *bulk.UNLIMITED, folder=folder)
                command += ["work", "--workers", str(in_flight // processes)]
            else:
                command += ["links.csv", "--yes", "--workers", str(in_flight), *bulk.UNLIMITED]
            before = calls_of(simulator)
            start = time.monotonic()
            running = [Process(command, env, folder) for _ in range(max(processes, 1))]
            usages = [process.wait() for process in running]
            seconds = time.monotonic() - start
            calls = calls_of(simulator) - before
    assert calls >= rows, f"{calls} calls for {rows} rows"
    return Figure(
        series=series,
        in_flight=in_flight,
        calls=calls,
        calls_per_second=calls / seconds,
        switches_per_call=sum(usage.ru_nvcsw for usage in usages) / calls,
        cpu_us_per_call=sum(usage.ru_utime + usage.ru_stime for usage in usages) * 1e6 / calls,
        memory_mb=max(process.peak_kb for process in running) / 1024,
    )


def draw() -> None:
    figures = [Figure(**figure) for figure in json.loads(FIGURES.read_text())]
    curves = {
        series: [(f.in_flight, f.calls_per_second) for f in figures if f.series == series]
        for series in SERIES
    }
    possible = [(n, n * 1000 / DELAY_MS) for n in IN_FLIGHT]
    plot.write(PICTURE, plot.draw_curves(curves, possible))
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}{table(figures)}{END}{tail}")


def table(figures: list[Figure]) -> str:
    """The figures as a table of Markdown."""
    by_place = {(f.series, f.in_flight): f for f in figures}
    lines = [
        f"| in flight | possible | {' | '.join(SERIES)} | switches a call | CPU a call | memory |",
        "|---" * (len(SERIES) + 5) + "|",
    ]
    for n in IN_FLIGHT:
        row = [by_place.get((series, n)) for series in SERIES]
        job = by_place.get(("job", n))
        speeds = [f"{f.calls_per_second:,.0f}" if f else "" for f in row]
        of_job = ["", "", ""]
        if job:
            of_job = [
                f"{job.switches_per_call:.1f}",
                f"{job.cpu_us_per_call:.0f} µs",
                f"{job.memory_mb:.0f} MB",
            ]
        cells = [f"{n:,}", f"{n * 1000 / DELAY_MS:,.0f}", *speeds, *of_job]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\nThe last three columns are those of the job.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=SERIES, help="measure one series")
    parser.add_argument("--in-flight", help="measure these numbers of accounts in flight")
    parser.add_argument("--write", action="store_true", help="keep the figures and draw them")
    parser.add_argument("--draw", action="store_true", help="only draw the kept figures")
    args = parser.parse_args()
    if args.draw:
        draw()
        return 0
    if shutil.which("redis-server") is None:
        return int(harness.skip("the curve of many links", "redis-server") == 1)

    numbers = [int(n) for n in args.in_flight.split(",")] if args.in_flight else IN_FLIGHT
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else []
    for series in [args.only] if args.only else SERIES:
        for in_flight in numbers:
            figure = measure(series, in_flight)
            share = figure.calls_per_second * DELAY_MS / 1000 / in_flight
            print(
                f"{series:17} {in_flight:5} in flight: {figure.calls_per_second:7,.0f} calls/s, "
                f"{share:4.2f} of what is possible, {figure.switches_per_call:5.1f} switches and "
                f"{figure.cpu_us_per_call:4.0f} µs a call, {figure.memory_mb:4.0f} MB",
                flush=True,
            )
            same = (series, in_flight)
            kept = [old for old in kept if (old["series"], old["in_flight"]) != same]
            kept.append(asdict(figure))
            if args.write:
                FIGURES.write_text(json.dumps(kept, indent=1) + "\n")
                draw()
    return 0


if __name__ == "__main__":
    sys.exit(main())
