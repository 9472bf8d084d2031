"""What the demos share: their language, headings, and checks of what they show."""

import os
import sys

BOLD = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def chosen_language():
    """`zh` or `en`, as the command wxlink chooses it."""
    if (language := os.environ.get("WXLINK_LANG")) is not None:
        return language
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, names), "").startswith("zh") else "en"


LANGUAGE = chosen_language()


def text(english, chinese):
    return chinese if LANGUAGE == "zh" else english


class UnexpectedResultError(Exception):
    """A step has another result than expected."""


def heading(english, chinese):
    words = text(english, chinese)
    print(f"\n\033[1m{words}\033[0m" if BOLD else f"\n{words}", flush=True)


def announce(sandbox):
    start = text("The simulator stands for WeChat at", "模拟器代替微信，地址为")
    print(f"{start} {sandbox.base_url}", flush=True)


def expect(condition, message):
    if not condition:
        raise UnexpectedResultError(message)
