#!/usr/bin/env python3
"""Counts the instructions of one wx_link_miniprogram with callgrind; they hardly vary between runs.

    instructions.py             fails if there are 15 % more than in instructions.txt
    instructions.py --write     writes the present number to instructions.txt

WXLINK_LIB_DIR is the folder of libwxlink.so: target/release if unset. Skipped without valgrind or
a C compiler: see tools/need.sh.
"""

import sys

import harness

FIGURE = harness.HERE / "instructions.txt"
ALLOWED_GROWTH = 1.15
# The difference of two counts leaves out the start of the process.
FEW_CALLS, MANY_CALLS = 200, 1200


def main():
    try:
        harness.need("valgrind", harness.CC)
    except harness.MissingToolError as missing:
        # Not a failure: in `make test` this is one of many checks.
        return harness.skip("instructions per call", missing) == 1
    with harness.Responder() as responder:
        program = harness.compile_wxlink()
        run = [program, responder.url, "-", "link"]
        few, many = (harness.instructions([*run, str(n)]) for n in (FEW_CALLS, MANY_CALLS))
    now = (many - few) // (MANY_CALLS - FEW_CALLS)
    if sys.argv[1:] == ["--write"]:
        FIGURE.write_text(f"{now}\n")
    limit = int(int(FIGURE.read_text()) * ALLOWED_GROWTH)
    print(f"a link takes {now} instructions; {limit} are allowed (benches/instructions.txt + 15 %)")
    if now > limit:
        advice = "To accept them: benches/instructions.py --write"
        print(f"Too many instructions. {advice}", file=sys.stderr)
    return now > limit


if __name__ == "__main__":
    sys.exit(main())
