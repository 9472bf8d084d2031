#!/usr/bin/env python3
"""Draws docs/terminal.svg: the command `wxlink` in a terminal, run against the simulator.

    make build
    tools/terminal_svg.py > docs/terminal.svg

The commands below are really run, and what they print is drawn, in its colours. Run it again when
the command's messages change. WXLINK_LIB_DIR is the folder of `wxlink` and `wxlink-sandbox`;
target/release if it is not set.
"""

import os
import pty
import re
import subprocess
import sys
import textwrap
from html import escape
from pathlib import Path

from with_sandbox import ROOT, Sandbox

FOLDER = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release").resolve()
ACCOUNT, TOKEN = "wx0a00000000000001", "SANDBOX-TOKEN"
APPID, REFUSING_APPID = "wx0b00000000000001", "wx0b000000000000e3"
CHOICES = "--notify-users no --show-profile yes"

COLUMNS = 96
CHARACTER_WIDTH, LINE_HEIGHT, PADDING, TITLE_HEIGHT = 8.43, 20, 20, 34
BACKGROUND, TITLE_BACKGROUND = "#161b22", "#21262d"
TEXT, DIM, PROMPT = "#e6edf3", "#8b949e", "#58a6ff"
COLOURS = {"31": "#ff7b72", "32": "#3fb950", "33": "#d29922", "36": "#39c5cf", "2": DIM}


def run(command, environment):
    """Runs a command in a terminal, so that it prints in colours, and returns what it printed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command.split(), env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # The terminal is closed when the command ends.
            break
        if not block:
            break
        output += block
    os.close(ours)
    process.wait()
    return output.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def session():
    """The lines of the terminal: lists of (text, colour, whether bold)."""
    with Sandbox() as sandbox:
        environment = {
            "PATH": f"{FOLDER}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "WXLINK_BASE_URL": sandbox.base_url,
            "WXLINK_ACCESS_TOKEN": TOKEN,
            # Neither the settings nor the store of the person who runs this.
            "HOME": "/nonexistent",
            "WXLINK_STORE": "memory",
        }

        def show(command):
            yield [("$ ", PROMPT, True), (command, TEXT, True)]
            for line in run(command, environment):
                yield from wrap(line)
            yield []

        yield from show(f"wxlink ensure {APPID} {CHOICES}")
        for administrator in ("official_account", "mini_program"):
            decision = {"by": administrator, "decision": "agree"}
            sandbox.admin("POST", "approvals", {"account": ACCOUNT, "appid": APPID, **decision})
        yield [("# Both administrators agree on their phones. The same command again:", DIM, False)]
        yield from show(f"wxlink ensure {APPID} {CHOICES}")
        yield from show(f"wxlink ensure {REFUSING_APPID} {CHOICES}")
        yield from show("wxlink list")


def wrap(line):
    """One printed line as lines of the drawing, with colours from its escape sequences."""
    pieces, colour, bold = [], TEXT, False
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        code = re.fullmatch(r"\x1b\[([\d;]*)m", part)
        if code is None:
            if part:
                pieces.append((part, colour, bold))
        elif code[1] in ("", "0"):
            colour, bold = TEXT, False
        else:
            for number in code[1].split(";"):
                bold = bold or number == "1"
                colour = COLOURS.get(number, colour)
    plain = "".join(text for text, _, _ in pieces)
    if len(plain) <= COLUMNS:
        yield pieces
        return
    # A long message is wrapped at blanks; its colours end with its first line.
    first, *rest = textwrap.wrap(plain, COLUMNS, break_on_hyphens=False)
    head, room = [], len(first)
    for text, colour, bold in pieces:
        if room > 0:
            head.append((text[:room], colour, bold))
            room -= len(text)
    yield head
    for line in rest:
        yield [(line, TEXT, False)]


def columns(text):
    """The columns that a text takes in a terminal: Chinese characters take two."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def draw(lines):
    """The SVG of a terminal window with these lines."""
    width = round(COLUMNS * CHARACTER_WIDTH + 2 * PADDING)
    height = TITLE_HEIGHT + len(lines) * LINE_HEIGHT + 2 * PADDING
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">'
    )
    yield '<title id="title">The command wxlink in a terminal</title>'
    yield f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>'
    yield (
        f'<path d="M0 {TITLE_HEIGHT}V10a10 10 0 0 1 10-10h{width - 20}a10 10 0 0 1 10 10'
        f'v{TITLE_HEIGHT - 10}z" fill="{TITLE_BACKGROUND}"/>'
    )
    for x, fill in ((20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")):
        yield f'<circle cx="{x}" cy="{TITLE_HEIGHT // 2}" r="6" fill="{fill}"/>'
    fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
    yield f'<g font-family="{fonts}" font-size="14">'
    y = TITLE_HEIGHT + PADDING + 14
    for line in lines:
        column = 0
        for text, colour, bold in line:
            # Blanks are drawn as distances, and each word group has a fixed width: the columns stay
            # aligned in every viewer and font.
            for part in re.split(r"(^ +| {2,}| +$)", text):
                x = PADDING + column * CHARACTER_WIDTH
                length = columns(part) * CHARACTER_WIDTH
                if part.strip():
                    weight = ' font-weight="bold"' if bold else ""
                    yield (
                        f'<text x="{x:.1f}" y="{y}" fill="{colour}"{weight} '
                        f'textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs">'
                        f"{escape(part, quote=False)}</text>"
                    )
                column += columns(part)
        y += LINE_HEIGHT
    yield "</g>"
    yield "</svg>"


def main():
    lines = list(session())
    while not lines[-1]:
        lines.pop()
    print("\n".join(draw(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
