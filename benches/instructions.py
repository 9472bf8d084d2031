#!/usr/bin/env python3
"""Counts the instructions of calls through C with callgrind; they hardly vary between runs.

    instructions.py             fails if a call takes 10 % more than instructions.txt says
    instructions.py --write     writes the present numbers to instructions.txt

WXLINK_LIB_DIR is the folder of libwxlink.so: target/release if unset. Skipped without valgrind or
a C compiler: see tools/need.sh.
"""

import sys
from typing import NamedTuple

import harness

FIGURES = harness.HERE / "instructions.txt"
ALLOWED_GROWTH = 1.10


class Counted(NamedTuple):
    """A call that is counted. The difference of two counts leaves out the start of the process."""

    what: str
    few: int
    many: int


# By command of c/driver.c.
CALLS = {
    "link": Counted("a link", 200, 1200),
    "read50": Counted("a list of 50, three fields read", 20, 120),
    "ensure": Counted("an ensure that finds it linked in a list of 50", 20, 120),
}


def measure(responder):
    """The instructions per call, by command."""
    program = harness.compile_wxlink()
    measured = {}
    for command, (_, few, many) in CALLS.items():
        run = [program, responder.url, "-", command]
        counts = [harness.instructions([*run, str(n)]) for n in (few, many)]
        measured[command] = (counts[1] - counts[0]) // (many - few)
    return measured


def limits():
    """The instructions that a call may take, by command."""
    figures = map(str.split, FIGURES.read_text().splitlines())
    return {command: int(int(n) * ALLOWED_GROWTH) for command, n in figures}


def main():
    try:
        harness.need("valgrind", harness.CC)
    except harness.MissingToolError as missing:
        # Not a failure: in `make test` this is one of many checks.
        return harness.skip("instructions per call", missing) == 1
    with harness.Responder() as responder:
        measured = measure(responder)
    if sys.argv[1:] == ["--write"]:
        FIGURES.write_text("".join(f"{command} {n}\n" for command, n in measured.items()))
    allowed = limits()
    for command, now in measured.items():
        print(f"{CALLS[command].what}: {now:,} instructions, at most {allowed[command]:,}")
    if any(now > allowed[command] for command, now in measured.items()):
        advice = "To accept them: benches/instructions.py --write"
        print(f"Too many instructions. {advice}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
