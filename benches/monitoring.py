#!/usr/bin/env python3
"""Draws what a Prometheus sees of a bulk run, for docs/monitoring.md.

    benches/monitoring.py [--write]
    benches/monitoring.py --draw

Two workers of a queue serve their metrics, and a real Prometheus scrapes them every second. The
second worker joins later; then the simulator answers slower for a while. At the end Prometheus is
asked for the expressions that docs/monitoring.md lists. With --write the figures are kept in
benches/monitoring.json and drawn as docs/monitoring.svg and docs/monitoring-zh.svg; --draw only
draws the kept ones.

Needs `make build`, redis-server and prometheus: skipped without them (see tools/need.sh).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import bulk
import harness
import plot

FIGURES = Path(__file__).with_suffix(".json")
PAGE = harness.ROOT / "docs/monitoring.md"
PICTURE = harness.ROOT / "docs/monitoring.svg"
WORKERS = 8
DELAY_MS, SLOW_DELAY_MS = 60, 240
# When the second worker starts, and when the answers become slower and fast again.
JOIN_S, SLOW_S, FAST_S = 20, 40, 60
# As many rows as keep the workers busy for some time after that.
ROWS_PER_ACCOUNT, ACCOUNTS = 13, 1300
# Scrapes after the last row.
REST_S = 5
STEP_S = 1


@dataclass
class Panel:
    """A panel of the picture: its title, and the name of each expression's curve."""

    title: str
    curves: list[str]
    unit: float = 1


# In the order of the expressions in docs/monitoring.md.
PANELS = [
    Panel("Calls a second", [""]),
    Panel("Calls in flight", [""]),
    Panel("Duration of a call, ms", ["p99", "p50"], unit=1000),
    Panel("Rows that wait", [""]),
]
TITLE = "A bulk run, as Prometheus sees it"
SETTING = (
    f"One worker of a queue, then two, each with {WORKERS} accounts in flight. "
    f"Answers take {DELAY_MS} ms, for a while {SLOW_DELAY_MS} ms."
)
DESCRIPTION = (
    "Four panels over the seconds of the run: calls a second, calls in flight, the median and the "
    "99th percentile of a call's duration, and the rows that wait. Dashed lines show when the "
    "second worker started, and when the answers became slower and fast again."
)
MARKS = {"joined": "second worker", "slow": "slow answers", "fast": "fast again"}
SECONDS = "seconds"
CHINESE = {
    "Calls a second": "每秒调用数",
    "Calls in flight": "进行中的调用",
    "Duration of a call, ms": "调用用时，毫秒",
    "Rows that wait": "等待的行",
    TITLE: "Prometheus 所见的一次批量关联",
    SETTING: f"队列先由一个、后由两个工作进程处理，每个进程同时处理 {WORKERS} 个账号；"
    f"应答需要 {DELAY_MS} 毫秒，其间一度为 {SLOW_DELAY_MS} 毫秒。",
    DESCRIPTION: "四个分图以运行的秒数为横轴：每秒调用数、进行中的调用、"
    "调用用时的中位数和 99 百分位数、等待的行。"
    "虚线标出第二个工作进程启动、应答变慢和恢复正常的时刻。",
    "second worker": "第二个工作进程",
    "slow answers": "应答变慢",
    "fast again": "恢复正常",
    SECONDS: "秒",
}


def expressions() -> list[str]:
    """The expressions that the page lists."""
    found = re.search(r"```promql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found, f"{PAGE} has no block of promql"
    lines = [line.partition("#")[0].strip() for line in found[1].splitlines()]
    return [line for line in lines if line]


def announced(output: IO[str], start: str) -> str:
    """The rest of the first line that contains this, after it. Later lines are read and dropped."""
    for line in output:
        if start in line:
            threading.Thread(target=output.read, daemon=True).start()
            return line.partition(start)[2].strip()
    raise AssertionError(f"the program ended without {start!r}")


@contextlib.contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """Runs a program whose stderr is read, and stops it."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


class Prometheus:
    """A Prometheus that scrapes the targets every second."""

    def __init__(self, folder: Path, url: str):
        self.targets, self.list, self.url = [], folder / "targets.json", url

    def add(self, address: str) -> None:
        self.targets.append(address)
        # It must not read half a list.
        new = self.list.with_suffix(".new")
        new.write_text(json.dumps([{"targets": self.targets}]))
        new.rename(self.list)

    def ask(self, path: str, **parameters: object) -> dict:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=60) as response:
            return json.load(response)["data"]

    def curve(self, expression: str, start: float, end: float) -> list[list[float]]:
        """Its values, by seconds from the start."""
        found = self.ask("query_range", query=expression, start=start, end=end, step=STEP_S)
        series = found["result"]
        assert len(series) == 1, f"{expression} has {len(series)} series"
        points = [(float(at) - start, float(value)) for at, value in series[0]["values"]]
        # Before the first calls there is no quantile.
        return [[round(at, 1), float(f"{value:.4g}")] for at, value in points if value == value]


@contextlib.contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    (folder / "targets.json").write_text("[]")
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        "- job_name: wxlink\n"
        "  file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n"
    )
    command = ["prometheus", f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:0"]
    with running(command, env=harness.ENV) as process:
        address = announced(process.stderr, 'msg="Listening on" address=')
        yield Prometheus(folder, f"http://{address}")


def measure() -> dict:
    """Runs the job. Returns when what happened, and the curve of each expression."""
    rows = ACCOUNTS * ROWS_PER_ACCOUNT
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        bulk.csv(folder / "links.csv", rows, ACCOUNTS)
        store = stack.enter_context(harness.redis(folder))
        simulator = stack.enter_context(bulk.sandbox(folder, ACCOUNTS, ROWS_PER_ACCOUNT))
        scraper = stack.enter_context(prometheus(folder))
        env = {**bulk.environment(simulator, store), "WXLINK_QUEUE": store, "WXLINK_LANG": "en"}
        bulk.wxlink(env, "platform", "set-ticket", folder=folder, stdin_text="TICKET\n")
        bulk.wxlink(env, "bulk", "push", "links.csv", *bulk.UNLIMITED, folder=folder)

        def answers_take(milliseconds: int) -> None:
            simulator.admin("DELETE", "faults")
            rule = {"always": True, "fault": {"delay_ms": milliseconds}}
            simulator.admin("POST", "faults", rule)

        def start_worker() -> None:
            command = [str(bulk.WXLINK), "bulk", "work", "--stay", "--workers", str(WORKERS)]
            command += ["--metrics", "127.0.0.1:0"]
            process = stack.enter_context(running(command, env=env, cwd=folder))
            url = announced(process.stderr, "Metrics at http://")
            scraper.add(url.removesuffix("/metrics"))

        def wait_until(seconds: float) -> float:
            time.sleep(max(0, start + seconds - time.time()))
            return round(time.time() - start, 1)

        marks = {}
        answers_take(DELAY_MS)
        start = time.time()
        start_worker()
        marks["joined"] = wait_until(JOIN_S)
        start_worker()
        marks["slow"] = wait_until(SLOW_S)
        answers_take(SLOW_DELAY_MS)
        marks["fast"] = wait_until(FAST_S)
        answers_take(DELAY_MS)
        status = [str(bulk.WXLINK), "bulk", "status", "--json"]
        while True:
            found = subprocess.run(status, env=env, check=True, capture_output=True, text=True)
            queue = json.loads(found.stdout)
            if queue["waiting"] == 0:
                break
            time.sleep(1)
        assert queue["ended"] == [{"outcome": "invited", "rows": rows}], queue
        time.sleep(REST_S)
        end = time.time()
        curves = [scraper.curve(expression, start, end) for expression in expressions()]
    return {"seconds": round(end - start, 1), "marks": marks, "curves": curves}


def draw(figures: dict) -> None:
    curves = iter(figures["curves"])
    panels = []
    for panel in PANELS:
        series = []
        for name in panel.curves:
            points = [(at, value * panel.unit) for at, value in next(curves)]
            series.append((name, points))
        panels.append((panel.title, series))
    marks = [(at, MARKS[name]) for name, at in figures["marks"].items()]
    drawn = plot.draw_times(TITLE, SETTING, DESCRIPTION, SECONDS, figures["seconds"], panels, marks)
    plot.write(PICTURE, drawn, CHINESE)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the figures and draw them")
    parser.add_argument("--draw", action="store_true", help="only draw the kept figures")
    args = parser.parse_args()
    if args.draw:
        draw(json.loads(FIGURES.read_text()))
        return 0
    for tool in ("redis-server", "prometheus"):
        if shutil.which(tool) is None:
            return int(harness.skip("the picture of a bulk run in Prometheus", tool) == 1)
    figures = measure()
    for expression, curve in zip(expressions(), figures["curves"], strict=True):
        values = [value for _, value in curve]
        print(f"{expression}: {len(values)} values, at most {max(values):.3g}")
    if args.write:
        FIGURES.write_text(json.dumps(figures) + "\n")
        draw(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
