#!/usr/bin/env python3
"""Measures wxlink and its peers, all against the same responder in the same run.

    run.py [--strict] [--keep] [--rounds N] [--only NAME,...]

Prints a table. If everything was measured and there is no --keep, it also writes the figures to
docs/performance.md and draws docs/performance.svg, in Chinese too. With --strict a missed target
is a failure.

NAME is one of calls, python, go, threads, names, first, syscalls, instructions, footprint.
WXLINK_LIB_DIR is the folder of libwxlink.so: target/release if unset.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import harness
import instructions
import plot
from harness import BUILD, ENV, HERE, LIB, ROOT, Contestant, MissingToolError

PAGE = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/performance.svg"
# The system's root certificates.
ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")
# Calls in one timed round, by kind: a round of each kind takes about as long.
CALLS_PER_ROUND = {"link": 1000, "list50": 500, "read50": 500, "list500": 60}


class Table:
    def __init__(self):
        self.rows = []
        self.skipped = []

    def add(self, what, ours, peer, bound, limit, ratios, unit="µs"):
        """Adds a row: two medians, the median of the ratios, and the limit of that ratio."""
        ratio = statistics.median(ratios)
        met = ratio <= limit if bound == "≤" else ratio >= limit if bound == "≥" else ratio < limit
        self.rows.append((what, ours, peer, ratio, f"{bound} {limit:g}", met, unit))

    def note(self, what, left, right, ratios, unit="µs"):
        """Adds a row without a target, for comparison: what a peer reaches."""
        self.rows.append((what, left, right, statistics.median(ratios), "", None, unit))

    def skip(self, what, missing):
        self.skipped.append(what)
        # Not a failure in CI either: --strict decides.
        harness.skip(what, missing)

    def texts(self):
        yield "what", "wxlink", "peer", "ratio", "target", ""
        for what, ours, peer, ratio, target, met, unit in self.rows:
            texts = (
                "" if n is None else f"{n:,.{2 if n < 10 else 1 if n < 100 else 0}f} {unit}".strip()
                for n in (ours, peer)
            )
            # Some targets are for the figure itself.
            relative = peer is not None and unit != "calls"
            yield (
                what,
                *texts,
                f"{ratio:.2f}" if relative else "",
                target,
                {True: "ok", False: "missed", None: ""}[met],
            )

    def print(self):
        rows = list(self.texts())
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        for row in rows:
            print(
                "  ".join(
                    t.ljust(w) if i == 0 else t.rjust(w)
                    for i, (t, w) in enumerate(zip(row, widths, strict=True))
                )
            )

    def markdown(self):
        """The measured figures, without the targets."""
        head, *rows = (row[:4] for row in self.texts())
        return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---", *["---:"] * 3], *rows])


def interleaved(contestants, kinds, rounds):
    """Microseconds per call by contestant and kind: a list with one for each round, interleaved."""
    figures = {(name, kind): [] for name in contestants for kind in kinds}
    names = list(contestants)
    for i in range(rounds):
        for kind in kinds:
            for name in names[i % len(names) :] + names[: i % len(names)]:
                count = CALLS_PER_ROUND[kind]
                contestants[name](kind, max(3, count // 50))
                figures[name, kind].append(contestants[name](kind, count) / 1000)
    return figures


def median(figures):
    return statistics.median(figures)


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs, strict=True)]


class Bench:
    def __init__(self, responder, rounds):
        self.responder = responder
        self.rounds = rounds
        self.table = Table()
        # By contestant and kind: times as long as wxlink from C took in the same rounds.
        self.relative = {}
        self.programs = {"wxlink": harness.compile_wxlink()}
        driver = "driver.c"
        for name, package, sources, flags in (
            ("bare socket", "libssl-dev", ("bare.c",), ("-lssl", "-lcrypto")),
            ("libcurl", "libcurl4-openssl-dev", ("curl.c", "parse_none.c"), ("-lcurl",)),
            (
                "libcurl + simdjson",
                "libsimdjson-dev",
                ("curl.c", "parse_simdjson.cc"),
                ("-lcurl", "-lsimdjson"),
            ),
            ("libcurl + cJSON", "libcjson-dev", ("curl.c", "parse_cjson.c"), ("-lcurl", "-lcjson")),
        ):
            try:
                program = name.replace(" ", "").replace("+", "_")
                self.programs[name] = harness.compile_c(
                    program, driver, *sources, flags=flags, package=package
                )
            except MissingToolError as missing:
                self.table.skip(name, missing)

    def contestants(self, tls=False, only=None):
        url, ca = (self.responder.tls_url, self.responder.ca) if tls else (self.responder.url, "-")
        return {
            n: Contestant([p, url, ca])
            for n, p in self.programs.items()
            if only is None or n in only
        }

    def remember(self, figures, reference, labels, rename=None):
        for (name, kind), taken in figures.items():
            if name in labels:
                shown = (rename or {}).get(kind, kind)
                self.relative[labels[name], shown] = median(ratios(taken, figures[reference, kind]))

    def compare(self, figures, kind, what, peer, limit):
        ours, theirs = figures["wxlink", kind], figures.get((peer, kind))
        if theirs:
            self.table.add(
                f"{what} / {peer}", median(ours), median(theirs), "≤", limit, ratios(ours, theirs)
            )

    def floor(self, what, figures, name, peer):
        """What the least that can be done takes, beside the peer that a target is set by."""
        least, theirs = figures.get((name, "link")), figures.get((peer, "link"))
        if least and theirs:
            self.table.note(what, median(least), median(theirs), ratios(least, theirs))

    def overhead(self, figures):
        """What a link takes in addition to the bare socket's, beside libcurl's."""
        names = ("wxlink", "libcurl", "bare socket")
        ours, theirs, bare = (figures.get((name, "link")) for name in names)
        if theirs and bare:
            ours, theirs = (
                [a - b for a, b in zip(all_of_it, bare, strict=True)]
                for all_of_it in (ours, theirs)
            )
            self.table.add(
                "a link's time above the bare socket's / libcurl's",
                median(ours),
                median(theirs),
                "≤",
                0.5,
                ratios(ours, theirs),
            )

    def calls(self):
        running = self.contestants()
        f = interleaved(running, ["link", "list50", "list500"], self.rounds)
        self.remember(f, "wxlink", {name: name for name in running})
        self.compare(f, "link", "link", "libcurl", 0.55)
        self.floor("link / bare socket", f, "wxlink", "bare socket")
        self.floor("a bare socket's link / libcurl", f, "bare socket", "libcurl")
        self.overhead(f)
        # simdjson's lead grows with the list, and with the width of the processor's vectors.
        for kind, what, limit in (("list50", "list of 50", 1.0), ("list500", "list of 500", 1.5)):
            self.compare(f, kind, what, "libcurl + simdjson", limit)
            self.compare(f, kind, what, "libcurl + cJSON", 0.25)
        # Those that read the items.
        parsers = ("wxlink", "libcurl + simdjson", "libcurl + cJSON")
        f = interleaved({n: c for n, c in running.items() if n in parsers}, ["read50"], self.rounds)
        self.remember(f, "wxlink", {name: name for name in running})
        self.compare(f, "read50", "list of 50, three fields read", "libcurl + simdjson", 1.2)
        self.compare(f, "read50", "list of 50, three fields read", "libcurl + cJSON", 0.3)
        for c in running.values():
            c.end()
        if self.responder.ca is None:
            raise MissingToolError("openssl and libssl-dev (TLS)")
        running = self.contestants(tls=True, only=["wxlink", "libcurl", "bare socket"])
        f = interleaved(running, ["link"], self.rounds)
        self.remember(f, "wxlink", {name: name for name in running}, rename={"link": "TLS"})
        self.compare(f, "link", "link over TLS", "libcurl", 0.6)
        self.compare(f, "link", "link over TLS", "bare socket", 1.3)
        for c in running.values():
            c.end()

    def syscalls(self):
        harness.need("strace")
        for name in ("wxlink", "libcurl", "bare socket"):
            if name not in self.programs:
                continue
            few, many = (self.count_syscalls(self.programs[name], n) for n in (100, 1100))
            if name == "wxlink":
                ours = (many - few) / 1000
            elif name == "libcurl":
                theirs = (many - few) / 1000
                self.table.add(
                    "system calls per link, and libcurl's", ours, theirs, "≤", 3, [ours], "calls"
                )

    def count_syscalls(self, program, calls):
        counts = BUILD / "strace"
        command = [
            "strace",
            "-f",
            "-c",
            "-o",
            counts,
            program,
            self.responder.url,
            "-",
            "link",
            str(calls),
        ]
        if subprocess.run(command, env=ENV, capture_output=True).returncode:
            raise MissingToolError("the right to trace with strace")
        return int(re.search(r"^100\.00 +\S+ +\d* +(\d+).* total$", counts.read_text(), re.M)[1])

    def instructions(self):
        """Counted and not timed, so that other work on the machine does not matter."""
        harness.need("valgrind")
        measured = instructions.measure(self.responder)
        for command, now in measured.items():
            what = f"instructions of {instructions.CALLS[command].what}"
            limit = instructions.limits()[command]
            self.table.add(what, now, None, "≤", limit, [now], "")

    def threads_over_tls(self):
        if self.responder.ca is None:
            raise MissingToolError("openssl and libssl-dev (TLS)")
        running = self.contestants(tls=True, only=["wxlink", "libcurl"])
        if "libcurl" not in running:
            return
        ours, theirs = [], []
        for _ in range(self.rounds):
            ours.append(1e6 / running["wxlink"]("shared", 200))
            theirs.append(1e6 / running["libcurl"]("separate", 200))
        self.table.add(
            "64 threads over TLS, one client / libcurl, a handle each",
            median(ours),
            median(theirs),
            "≥",
            1.8,
            ratios(ours, theirs),
            "per ms",
        )
        for c in running.values():
            c.end()

    def threads(self):
        running = self.contestants(only=["wxlink", "libcurl", "bare socket"])
        ours, theirs, bare = running["wxlink"], running.get("libcurl"), running.get("bare socket")
        rates = {"shared": [], "separate": [], "libcurl": [], "bare socket": []}
        for i in range(self.rounds):
            turns = [("shared", ours, "shared"), ("separate", ours, "separate")]
            turns += [
                (n, c, "separate") for n, c in (("libcurl", theirs), ("bare socket", bare)) if c
            ]
            for name, contestant, command in turns[i % len(turns) :] + turns[: i % len(turns)]:
                rates[name].append(1e6 / contestant(command, 200))
        rate = {name: median(r) for name, r in rates.items() if r}
        per_ms = "per ms"
        if theirs:
            r = ratios(rates["shared"], rates["libcurl"])
            self.table.add(
                "64 threads, one client / libcurl, a handle each",
                rate["shared"],
                rate["libcurl"],
                "≥",
                1.65,
                r,
                per_ms,
            )
            if bare:
                r = ratios(rates["bare socket"], rates["libcurl"])
                self.table.note(
                    "64 threads with bare sockets / libcurl",
                    rate["bare socket"],
                    rate["libcurl"],
                    r,
                    per_ms,
                )
        r = ratios(rates["shared"], rates["separate"])
        self.table.add(
            "64 threads, one client / a client each",
            rate["shared"],
            rate["separate"],
            "≥",
            0.95,
            r,
            per_ms,
        )
        self.threads_over_tls()
        # The first bursts open the connections that the later ones are to do with.
        bursts = []
        for _ in range(5):
            fresh = Contestant([self.programs["wxlink"], self.responder.url, "-"])
            fresh("bursts", 16)
            before = self.responder.connections()
            fresh("bursts", 128)
            bursts.append((self.responder.connections() - before) / (128 * 64 / 1000))
            fresh.end()
        self.table.add(
            "new connections per 1000 calls in bursts of 64",
            median(bursts),
            None,
            "<",
            12,
            bursts,
            "",
        )
        for c in running.values():
            c.end()

    def names(self):
        harness.need("unshare", "mount")
        command = ["unshare", "--map-root-user", "--mount", "--net", "--kill-child"]
        if subprocess.run([*command, "true"], capture_output=True).returncode:
            raise MissingToolError("the right to unshare namespaces")
        out = subprocess.run(
            [*command, sys.executable, HERE / "names.py"],
            env=ENV,
            check=True,
            capture_output=True,
            text=True,
        )
        rounds = json.loads(out.stdout)["rounds"]
        named, literal = ([n / 1000 for n in column] for column in zip(*rounds, strict=True))
        self.table.add(
            "link by name, 5 ms to the name server / by address",
            median(named),
            median(literal),
            "≤",
            1.1,
            ratios(named, literal),
        )

    def first(self):
        def milliseconds(program, url, ca):
            read, write = os.pipe()
            start = time.perf_counter()
            pid = os.posix_spawn(
                program, [program, url, str(ca), "link", "1"], ENV,
                file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)],
            )  # fmt: skip
            os.close(write)
            os.read(read, 64)
            taken = time.perf_counter() - start
            os.close(read)
            if os.waitpid(pid, 0)[1]:
                sys.exit(f"{program} failed")
            return taken * 1000

        ours, theirs = str(self.programs["wxlink"]), self.programs.get("libcurl")
        plain = [milliseconds(ours, self.responder.url, "-") for _ in range(25)]
        self.table.add("first answer of a fresh process", median(plain), None, "≤", 2, plain, "ms")
        if not theirs:
            return
        if self.responder.ca is None or not ROOTS.exists():
            raise MissingToolError("ca-certificates, openssl and libssl-dev")
        # Our CA on top of the system's roots: an option here, one file with all of them there.
        combined = BUILD / "roots.pem"
        combined.write_bytes(ROOTS.read_bytes() + self.responder.ca.read_bytes())
        a, b = [], []
        for _ in range(25):
            a.append(milliseconds(ours, self.responder.tls_url, self.responder.ca))
            b.append(milliseconds(str(theirs), self.responder.tls_url, combined))
        self.table.add(
            "the same over TLS with the system's roots / libcurl",
            median(a),
            median(b),
            "≤",
            0.12,
            ratios(a, b),
            "ms",
        )

    def python(self):
        python = prepare_python()
        env = dict(ENV, PYTHONPATH=str(BUILD / "python"))
        # The first import compiles the module, as pip does when it installs one.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        url = self.responder.url
        running = {
            n: Contestant([python, HERE / "python/calls.py", n, url], env)
            for n in ("wxlink", "requests")
        }
        running["C"] = Contestant([self.programs["wxlink"], url, "-"])
        f = interleaved(running, ["link", "list500"], self.rounds)
        link, c, requests = (f[name, "link"] for name in ("wxlink", "C", "requests"))
        self.table.add(
            "Python: link / the call from C", median(link), median(c), "≤", 1.3, ratios(link, c)
        )
        self.table.add(
            "Python: link, times faster than requests",
            median(link),
            median(requests),
            "≥",
            25,
            ratios(requests, link),
        )
        ours, theirs = f["wxlink", "list500"], f["requests", "list500"]
        self.table.add(
            "Python: list of 500 read, times faster than requests",
            median(ours),
            median(theirs),
            "≥",
            5,
            ratios(theirs, ours),
        )
        self.remember(f, "C", {"wxlink": "wxlink from Python", "requests": "requests + json"})
        for contestant in running.values():
            contestant.end()

        def start(code):
            begin = time.perf_counter()
            subprocess.run([python, "-c", code], env=env, check=True)
            return (time.perf_counter() - begin) * 1000

        start("import wxlink")
        over = [start("import wxlink") - start("pass") for _ in range(20)]
        self.table.add(
            "Python: import wxlink, over bare Python", median(over), None, "≤", 8, over, "ms"
        )

    def go(self):
        program = build_go()
        running = {n: Contestant([program, n, self.responder.url]) for n in ("wxlink", "http")}
        running["C"] = Contestant([self.programs["wxlink"], self.responder.url, "-"])
        kinds = {"link": "link", "list50": "list of 50 read", "list500": "list of 500 read"}
        f = interleaved(running, kinds, self.rounds)
        for kind, what in kinds.items():
            a, b = f["wxlink", kind], f["http", kind]
            self.table.add(
                f"Go: {what} / net/http + encoding/json",
                median(a),
                median(b),
                "≤",
                0.6,
                ratios(a, b),
            )
        self.remember(f, "C", {"wxlink": "wxlink from Go", "http": "net/http + encoding/json"})
        for contestant in running.values():
            contestant.end()

    def footprint(self):
        program = Contestant([self.programs["wxlink"], self.responder.url, "-"])
        program("link", 1)
        first = program("resident", 1)
        program("link", 9999)
        last = program("resident", 1)
        program.end()
        self.table.add(
            "memory after 10,000 links / after the first",
            last / 1e6,
            first / 1e6,
            "≤",
            1.3,
            [last / first],
            "MB",
        )
        size = (LIB / "libwxlink.so").stat().st_size / 1e6
        self.table.add("libwxlink.so", size, None, "≤", 4, [size], "MB")


def prepare_python():
    """Builds the module as it is released, and installs requests, outside the checkout's .venv."""
    result = subprocess.run([ROOT / "python/install.sh"], capture_output=True, text=True)
    if result.returncode == 127:
        raise MissingToolError("python3-venv")
    if result.returncode:
        sys.exit(result.stderr)
    venv = ROOT / ".venv/bin"
    folder, wheels = BUILD / "python", BUILD / "wheel"
    # The module that python/install.sh puts into .venv is a debug build.
    command = [venv / "maturin", "build", "--release", "--locked", "--quiet", "--out", wheels]
    env = dict(ENV, CARGO_TARGET_DIR=str(ROOT / "target/python"))
    shutil.rmtree(wheels, ignore_errors=True)
    result = subprocess.run(command, cwd=ROOT / "python", env=env, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    wanted = HERE / "python/requirements.txt"
    done = folder / f"of-{wanted.read_text().strip()}"
    if not done.exists():
        pip = [
            venv / "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            folder,
            "-r",
            wanted,
        ]
        if subprocess.run(pip).returncode:
            raise MissingToolError("requests from PyPI")
        done.touch()
    shutil.rmtree(folder / "wxlink", ignore_errors=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return venv / "python"


def build_go():
    """Builds the Go program with the toolchain and the settings of the binding."""
    script = (
        'name=benches; . "$1/bindings/go/toolchain.sh"; find_go || exit 127; '
        'cd "$1/benches/go" && exec "$go" build -o "$2" .'
    )
    env = dict(os.environ, WXLINK_LIB_DIR=str(LIB))
    # toolchain.sh finds its folder from $0, which is therefore a script of the binding.
    program = BUILD / "go-calls"
    command = ["sh", "-c", script, ROOT / "bindings/go/run.sh", ROOT, program]
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    if result.returncode == 127:
        raise MissingToolError("go")
    if result.returncode:
        sys.exit(result.stderr)
    return program


def machine():
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    processor = model[1].strip() if model else platform.machine()
    return f"{os.cpu_count()} cores ({processor}), {platform.system()}"


def write_page(table, load):
    begin, end = "<!-- written by make bench -->\n", "<!-- end -->"
    page = PAGE.read_text()
    head, rest = page.split(begin)
    tail = rest.split(end)[1]
    measured = f"Measured on {machine()}, load {load:.1f} at the start."
    PAGE.write_text(f"{head}{begin}\n{table.markdown()}\n\n{measured}\n\n{end}{tail}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    parts = ["calls", "syscalls", "instructions", "python", "go", "threads", "names", "first"]
    parts.append("footprint")
    wanted = args.only.split(",") if args.only else parts
    unknown = set(wanted) - set(parts)
    if unknown:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    load = os.getloadavg()[0]
    with harness.Responder() as responder:
        bench = Bench(responder, args.rounds)
        for part in wanted:
            try:
                getattr(bench, part)()
            except MissingToolError as missing:
                bench.table.skip(part, missing)
            else:
                print(f"measured: {part}", file=sys.stderr, flush=True)
    table = bench.table
    table.print()
    missed, met = (sum(row[5] is verdict for row in table.rows) for verdict in (False, True))
    print(f"{met} targets met, {missed} missed")
    if args.keep or wanted != parts:
        pass
    elif table.skipped:
        print(f"docs/performance.md is unchanged; not measured: {', '.join(table.skipped)}")
    else:
        write_page(table, load)
        plot.write(PLOT, plot.draw(bench.relative))
    return bool(args.strict and (missed or table.skipped))


if __name__ == "__main__":
    sys.exit(main())
