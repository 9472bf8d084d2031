#!/usr/bin/env python3
"""Draws the pictures docs/terminal*.svg: the command `wxlink`, run against the simulator.

    make build
    tools/terminal_svg.py

The commands below are really run, in both languages, and what they print is drawn, in its colours.
Run it again when the command's messages change. WXLINK_LIB_DIR is the folder of `wxlink` and
`wxlink-sandbox`; target/release if it is not set.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from html import escape
from pathlib import Path
from unicodedata import east_asian_width

from with_sandbox import ROOT, Sandbox

FOLDER = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release").resolve()
ACCOUNT, TOKEN = "wx0a00000000000001", "SANDBOX-TOKEN"
APPID, REFUSING_APPID = "wx0b00000000000001", "wx0b000000000000e3"
CHOICES = "--notify-users no --show-profile yes"
AGREED = {
    "en": "# Both administrators agree on their phones. The same command again:",
    "zh": "# 两位管理员在手机上同意之后，再次执行同一命令：",
}
TITLES = {
    "terminal": {
        "en": "The command wxlink ensure in a terminal",
        "zh": "终端中的命令 wxlink ensure",
    },
    "terminal-bulk": {
        "en": "The command wxlink bulk in a terminal",
        "zh": "终端中的命令 wxlink bulk",
    },
}
DESCRIPTIONS = {
    "terminal": {
        "en": "wxlink ensure sends an invitation. After both administrators have agreed, the same "
        "command prints that the mini program is linked. A refusal is explained, and wxlink list "
        "shows the account's links.",
        "zh": "wxlink ensure 发出邀请；两位管理员同意之后，同一命令显示已关联。"
        "被拒绝时显示原因和处理办法，wxlink list 列出公众号的关联。",
    },
    "terminal-bulk": {
        "en": "wxlink bulk reads a table of links, prints its plan, makes the links, and prints "
        "how many rows have which outcome, and which file lists them.",
        "zh": "wxlink bulk 读取关联表格，显示计划，逐行关联，"
        "最后显示每种结果的行数和列出这些行的文件。",
    },
}

COLUMNS = 96
CHARACTER_WIDTH, LINE_HEIGHT, PADDING, TITLE_HEIGHT = 8.43, 20, 20, 34
BACKGROUND, TITLE_BACKGROUND = "#161b22", "#21262d"
TEXT, DIM, PROMPT = "#e6edf3", "#8b949e", "#58a6ff"
COLOURS = {"31": "#ff7b72", "32": "#3fb950", "33": "#d29922", "36": "#39c5cf", "2": DIM}
# Chinese characters and punctuation, as a range of a regular expression, and the punctuation that
# does not end or start a line.
WIDE = "\u2e80-\uffe6"
OPENING, CLOSING = "（《“", "，。；：、！？）》”"


def run(command, folder, environment):
    """Runs a command in a terminal, so that it prints in colours, and returns what remains."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command.split(),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
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
    lines = output.decode().replace("\r\n", "\n").rstrip("\n").split("\n")
    # A progress bar is drawn over itself, and erased at its end.
    return [re.split(r"\r|\x1b\[2K", line)[-1] for line in lines]


def show(command, folder, environment):
    """The lines of a command and of what it prints."""
    yield [("$ ", PROMPT, True), (command, TEXT, True)]
    for line in run(command, folder, environment):
        yield from wrap(line)
    yield []


def ensure_session(language, sandbox, folder, environment):
    """One link: invited, made; and one that is refused. Lines of (text, colour, whether bold)."""
    environment = {**environment, "WXLINK_ACCESS_TOKEN": TOKEN}
    ensure = f"wxlink ensure {APPID} {CHOICES}"
    yield from show(ensure, folder, environment)
    for administrator in ("official_account", "mini_program"):
        decision = {"by": administrator, "decision": "agree"}
        sandbox.admin("POST", "approvals", {"account": ACCOUNT, "appid": APPID, **decision})
    yield [(AGREED[language], DIM, False)]
    yield from show(ensure, folder, environment)
    yield from show(f"wxlink ensure {REFUSING_APPID} {CHOICES}", folder, environment)
    yield from show("wxlink list", folder, environment)


def bulk_session(_language, sandbox, folder, environment):
    """Many links: three mini programs for each of a hundred accounts, some linked before."""
    mini_programs = [f"wx0b0000000000000{number}" for number in (1, 2, 3)]
    rows = ["account,appid,notify_users,show_profile"]
    for number in range(101, 201):
        account = f"wx0a{number:014}"
        wanted = list(mini_programs)
        links = []
        if number % 3 == 0:
            links.append({"appid": wanted[0], "state": "linked"})
        if number % 9 == 0:
            links.append({"appid": wanted[1], "state": "waiting_mini_program"})
        if number % 25 == 0:
            wanted[2] = REFUSING_APPID
        sandbox.admin("PUT", f"accounts/{account}", {"links": links})
        sandbox.admin("PUT", f"tokens/TOKEN-{account}", {"account": account, "kind": "good"})
        rows += [f"{account},{appid},0,1" for appid in wanted]
    Path(folder, "links.csv").write_text("\n".join(rows) + "\n")
    environment = {
        **environment,
        "WXLINK_TOKEN_COMMAND": 'read -r line; echo "TOKEN-${line#account=}"',
    }
    yield from show("head -4 links.csv", folder, environment)
    yield from show("wxlink bulk links.csv", folder, environment)


SESSIONS = {"terminal": ensure_session, "terminal-bulk": bulk_session}


def session(picture, language):
    """The lines of a picture's terminal."""
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": f"{FOLDER}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "WXLINK_BASE_URL": sandbox.base_url,
            "WXLINK_LANG": language,
            # Neither the settings nor the store of the person who runs this.
            "HOME": "/nonexistent",
            "WXLINK_STORE": "memory",
        }
        lines = list(SESSIONS[picture](language, sandbox, folder, environment))
    while not lines[-1]:
        lines.pop()
    return lines


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
    # A long message is wrapped at blanks and between Chinese characters.
    row, column = [], 0
    for text, *style in pieces:
        row.append(("", *style))
        for word in words(text):
            if column > 0 and column + columns(word.rstrip(" ")) > COLUMNS:
                yield row
                row, column = [("", *style)], 0
            row[-1] = (row[-1][0] + word, *style)
            column += columns(word)
    yield row


def words(text):
    """The pieces between which a line may be broken, each with the blanks after it."""
    return re.findall(rf"[{OPENING}]*(?:[{WIDE}]|[^ {WIDE}]+)[{CLOSING}]* *| +", text)


def columns(text):
    """The columns that a text takes in a terminal."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def draw(picture, language, lines):
    """The SVG of a terminal window with these lines."""
    width = round(COLUMNS * CHARACTER_WIDTH + 2 * PADDING)
    height = TITLE_HEIGHT + len(lines) * LINE_HEIGHT + 2 * PADDING
    lang = ' lang="zh-CN"' if language == "zh" else ""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg"{lang} width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">'
    )
    yield f'<title id="title">{TITLES[picture][language]}</title>'
    yield f'<desc id="desc">{DESCRIPTIONS[picture][language]}</desc>'
    yield f'<rect width="{width}" height="{height}" rx="10" fill="{BACKGROUND}"/>'
    yield (
        f'<path d="M0 {TITLE_HEIGHT}V10a10 10 0 0 1 10-10h{width - 20}a10 10 0 0 1 10 10'
        f'v{TITLE_HEIGHT - 10}z" fill="{TITLE_BACKGROUND}"/>'
    )
    for x, fill in ((20, "#ff5f57"), (40, "#febc2e"), (60, "#28c840")):
        yield f'<circle cx="{x}" cy="{TITLE_HEIGHT // 2}" r="6" fill="{fill}"/>'
    fonts = (
        "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,"
        "PingFang SC,Microsoft YaHei,Noto Sans CJK SC,monospace"
    )
    yield f'<g font-family="{fonts}" font-size="14" fill="{TEXT}">'
    y = TITLE_HEIGHT + PADDING + 14
    for line in lines:
        column = 0
        for text, colour, bold in line:
            # Blanks are drawn as distances, and each group of words or of Chinese characters has a
            # fixed width: the columns stay aligned in every viewer and font.
            for part in re.findall(rf" +|[{WIDE}]+|[^ {WIDE}]+(?: [^ {WIDE}]+)*", text):
                if part.strip():
                    x = PADDING + column * CHARACTER_WIDTH
                    length = columns(part) * CHARACTER_WIDTH
                    fill = f' fill="{colour}"' if colour != TEXT else ""
                    weight = ' font-weight="bold"' if bold else ""
                    # A Chinese character keeps its form, with a little room around it.
                    is_wide = part[0] >= WIDE[0]
                    form = 'font-size="16"' if is_wide else 'lengthAdjust="spacingAndGlyphs"'
                    yield (
                        f'<text x="{x:.1f}" y="{y}"{fill}{weight} '
                        f'textLength="{length:.1f}" {form}>{escape(part, quote=False)}</text>'
                    )
                column += columns(part)
        y += LINE_HEIGHT
    yield "</g>"
    yield "</svg>"


def main():
    for picture in SESSIONS:
        for language, suffix in (("en", ""), ("zh", "-zh")):
            svg = "\n".join(draw(picture, language, session(picture, language))) + "\n"
            (ROOT / f"docs/{picture}{suffix}.svg").write_text(svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
