"""What the demos share: headings, and checks of what they show."""

import os
import sys

BOLD = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class UnexpectedResultError(Exception):
    """A step has another result than expected."""


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if BOLD else f"\n{text}", flush=True)


def expect(condition, message):
    if not condition:
        raise UnexpectedResultError(message)
