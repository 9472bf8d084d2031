#!/usr/bin/env python3
"""Draws measured figures as SVGs: times per call, relative to wxlink, and throughput curves.

    benches/plot.py PICTURE...    writes the Chinese picture beside each English one

A Chinese picture is the English one with other words.
"""

import math
import re
import sys
from html import escape, unescape
from pathlib import Path

PANELS = {
    "link": "Link",
    "list50": "List of 50",
    "read50": "List of 50, three fields read",
    "list500": "List of 500",
    "TLS": "Link over TLS",
}
# In pixels: the plot and the space on both sides of it, a row, the space between panels, and the
# space above the first.
LEFT, WIDTH, RIGHT, ROW, GAP, TOP = 200, 470, 70, 24, 52, 84
# Colours: text, grid, wxlink and the others.
INK, FAINT, OURS, THEIRS = "#24292f", "#d0d7de", "#0a7d4f", "#8a5a00"
CALLS_TITLE = "Time per call, relative to wxlink from C"
CALLS_SETTING = "Further right is slower; each step is twice as long. Same responder, same run."
CALLS_DESCRIPTION = (
    "Each kind of call has a panel. In it, each way of making the call has a row, which shows its "
    "time as a multiple of that of wxlink from C. The fastest is first."
)
CURVES_TITLE = "Calls a second, by accounts in flight"
CURVES_SETTING = "Responses take 60 ms. Workers, simulator and Redis share two cores."
CURVES_DESCRIPTION = (
    "A job and a queue with one, two and four workers have a line each. A dashed line above them "
    "shows what is possible. Both axes are logarithmic. The table of the page has the figures."
)
# The words of the pictures in Chinese. Numbers stay, and these names.
NAMES = {
    "wxlink",
    "libcurl",
    "libcurl + simdjson",
    "libcurl + cJSON",
    "net/http + encoding/json",
    "requests + json",
    "p50",
    "p99",
}
CHINESE = {
    CALLS_TITLE: "每次调用的时间，以 C 程序中的 wxlink 为 1",
    CALLS_SETTING: "越靠右越慢，每格相差一倍。应答程序相同，在同一次运行中测得。",
    CALLS_DESCRIPTION: (
        "每种调用有一个分图，其中每种调用方式占一行，用时以 C 程序中 wxlink 用时的倍数表示，"
        "最快的在前。"
    ),
    "Link": "关联",
    "List of 50": "50 项的列表",
    "List of 50, three fields read": "50 项的列表，读取三个字段",
    "List of 500": "500 项的列表",
    "Link over TLS": "经 TLS 关联",
    "bare socket": "裸套接字",
    "wxlink from Go": "Go 程序中的 wxlink",
    "wxlink from Python": "Python 程序中的 wxlink",
    CURVES_TITLE: "每秒调用数，按同时处理的账号数",
    CURVES_SETTING: "应答需要 60 毫秒。工作进程、模拟器和 Redis 共用两个核。",
    CURVES_DESCRIPTION: (
        "任务，以及有一个、两个和四个工作进程的队列，各有一条线；上方的虚线为上限。"
        "两轴均为对数刻度。数据见本页的表格。"
    ),
    "accounts in flight": "同时处理的账号数",
    "possible": "上限",
    "job": "任务",
    "queue, 1 worker": "队列，1 个工作进程",
    "queue, 2 workers": "队列，2 个工作进程",
    "queue, 4 workers": "队列，4 个工作进程",
}


def text_element(x, y, words, anchor="start", size=12, fill=INK, weight="normal"):
    # What is the default anyway is left out.
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    bold = "" if weight == "normal" else f' font-weight="{weight}"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}"{where} font-size="{size}" fill="{fill}"{bold}>'
        f"{escape(words)}</text>"
    )


def picture(width, height, title, description, out):
    """An SVG with a description for screen readers and a background."""
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" role="img" '
        f'aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(description)}</desc>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    return "\n".join([*head, *out, "</svg>"]) + "\n"


def draw(relative):
    """relative: times as long as wxlink, by (contestant, kind)."""
    panels = []
    for kind, title in PANELS.items():
        dots = [(name, ratio) for (name, k), ratio in relative.items() if k == kind]
        if dots:
            panels.append((title, sorted(dots, key=lambda dot: dot[1])))
    ratios = [ratio for _, dots in panels for _, ratio in dots]
    # Room for the outermost dots' figures.
    low, high = math.floor(math.log2(min(ratios)) - 0.7), math.ceil(math.log2(max(ratios)) + 0.2)

    def x(ratio):
        return LEFT + WIDTH * (math.log2(ratio) - low) / (high - low)

    out = []

    def text(*arguments, **style):
        out.append(text_element(*arguments, **style))

    text(16, 26, CALLS_TITLE, size=16, weight="bold")
    text(16, 45, CALLS_SETTING, fill="#57606a")
    y = TOP
    for title, dots in panels:
        bottom = y + ROW * len(dots) + 6
        for power in range(low, high + 1):
            at = x(2.0**power)
            colour = INK if power == 0 else FAINT
            out.append(
                f'<line x1="{at:.1f}" y1="{y}" x2="{at:.1f}" y2="{bottom}" stroke="{colour}"/>'
            )
            text(at, bottom + 14, f"{2**power}×" if power >= 0 else f"1/{2**-power}×", "middle", 10)
        text(16, y - 8, title, size=14, weight="bold")
        for i, (name, ratio) in enumerate(dots):
            middle = y + ROW * i + ROW / 2 + 3
            colour = OURS if name.startswith("wxlink") else THEIRS
            text(
                LEFT - 12,
                middle + 4,
                name,
                "end",
                fill=colour,
                weight="bold" if name == "wxlink" else "normal",
            )
            out.append(
                f'<line x1="{x(1):.1f}" y1="{middle}" x2="{x(ratio):.1f}" y2="{middle}" '
                f'stroke="{colour}" stroke-width="3"/>'
            )
            out.append(f'<circle cx="{x(ratio):.1f}" cy="{middle}" r="5" fill="{colour}"/>')
            left = ratio < 1
            text(
                x(ratio) + (-9 if left else 9),
                middle + 4,
                f"{ratio:.2f}",
                "end" if left else "start",
                11,
            )
        y = bottom + GAP
    width, height = LEFT + WIDTH + RIGHT, y - GAP + 28
    return picture(width, height, CALLS_TITLE, CALLS_DESCRIPTION, out)


def draw_curves(curves, possible):
    """curves: points (accounts in flight, calls a second) by series. possible: the same, at most.

    Both axes are logarithmic.
    """
    left, top, width, height, right = 72, 74, 520, 320, 150
    every = [point for points in [*curves.values(), possible] for point in points]
    steps = [[math.log2(point[axis]) for point in every] for axis in (0, 1)]
    low, high = [min(values) for values in steps], [max(values) for values in steps]

    def x(n):
        return left + width * (math.log2(n) - low[0]) / (high[0] - low[0])

    def y(rate):
        return top + height * (high[1] - math.log2(rate)) / (high[1] - low[1])

    out = []

    def text(*arguments, **style):
        out.append(text_element(*arguments, **style))

    text(16, 26, CURVES_TITLE, size=16, weight="bold")
    text(16, 45, CURVES_SETTING, fill="#57606a")
    for n, _ in possible:
        out.append(
            f'<line x1="{x(n):.1f}" y1="{top}" x2="{x(n):.1f}" y2="{top + height}" '
            f'stroke="{FAINT}"/>'
        )
        text(x(n), top + height + 16, f"{n:,}", "middle", 11)
    for power in range(math.ceil(low[1]), math.floor(high[1]) + 1, 2):
        rate = 2**power
        out.append(
            f'<line x1="{left}" y1="{y(rate):.1f}" x2="{left + width}" y2="{y(rate):.1f}" '
            f'stroke="{FAINT}"/>'
        )
        text(left - 8, y(rate) + 4, f"{rate:,}", "end", 11)
    text(left + width / 2, top + height + 36, "accounts in flight", "middle", 12)

    labels = []

    def line(name, points, colour, dashes=""):
        path = " ".join(f"{x(n):.1f},{y(rate):.1f}" for n, rate in points)
        out.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5" '
            f'stroke-dasharray="{dashes}"/>'
        )
        labels.append([y(points[-1][1]), name, colour])

    line("possible", possible, "#8c959f", "5 4")
    colours = [OURS, "#0969da", THEIRS, "#8250df"]
    for (name, points), colour in zip(curves.items(), colours, strict=False):
        if points:
            points = sorted(points)
            line(name, points, colour)
            for n, rate in points:
                out.append(f'<circle cx="{x(n):.1f}" cy="{y(rate):.1f}" r="4" fill="{colour}"/>')
    # The names stand at the ends of their lines, and below each other where those are close.
    below = 0.0
    for at, name, colour in sorted(labels):
        below = max(at, below + 16)
        text(left + width + 10, below + 4, name, fill=colour, weight="bold")
    return picture(left + width + right, top + height + 52, CURVES_TITLE, CURVES_DESCRIPTION, out)


def draw_times(title, setting, description, seconds_word, seconds, panels, marks):
    """panels: (title, [(name, points (second, value))]), below each other. marks: (second, words).

    All panels have the same time axis, and each a linear axis from 0.
    """
    left, top, width, height, gap, right = 64, 118, 630, 84, 40, 24
    out = []

    def text(*arguments, **style):
        out.append(text_element(*arguments, **style))

    def x(second):
        return left + width * second / seconds

    text(16, 26, title, size=16, weight="bold")
    text(16, 45, setting, fill="#57606a")
    bottom = top + len(panels) * (height + gap) - gap
    for second, words in marks:
        out.append(
            f'<line x1="{x(second):.1f}" y1="{top - 52}" x2="{x(second):.1f}" y2="{bottom}" '
            f'stroke="#57606a" stroke-dasharray="3 3"/>'
        )
        text(x(second) + 4, top - 42, words, size=11, fill="#57606a")
    for nth, (name, series) in enumerate(panels):
        floor = top + nth * (height + gap) + height
        most = round_up(max(value for _, points in series for _, value in points))
        for share in (0, 0.5, 1):
            at = floor - height * share
            out.append(
                f'<line x1="{left}" y1="{at:.1f}" x2="{left + width}" y2="{at:.1f}" '
                f'stroke="{INK if share == 0 else FAINT}"/>'
            )
            text(left - 8, at + 4, f"{most * share:,.0f}", "end", 11)
        text(left, floor - height - 6, name, size=13, weight="bold")
        for nth_curve, ((word, points), colour) in enumerate(
            zip(series, (OURS, "#0969da"), strict=False)
        ):
            path = " ".join(f"{x(at):.1f},{floor - height * v / most:.1f}" for at, v in points)
            out.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-linejoin="round"/>'
            )
            at = left + width - 36 * (len(series) - 1 - nth_curve)
            text(at, floor - height - 6, word, "end", fill=colour, weight="bold")
    for second in range(0, int(seconds) + 1, 10):
        text(x(second), bottom + 16, f"{second}", "middle", 11)
    text(left + width / 2, bottom + 34, seconds_word, "middle", 12)
    return picture(left + width + right, bottom + 48, title, description, out)


def round_up(most):
    """The next number that is not smaller and whose half is short too."""
    unit = 10 ** math.floor(math.log10(most))
    return next(n * unit for n in (1, 2, 3, 4, 6, 8, 10) if n * unit >= most)


def in_chinese(drawn, chinese):
    """The same picture with Chinese words."""

    def words(match):
        word = unescape(match[2])
        stays = word in NAMES or re.fullmatch("[0-9.,/×]*", word)
        return match[1] + escape(word if stays else chinese[word]) + match[3]

    drawn = drawn.replace(" width=", ' lang="zh-CN" width=', 1)
    return re.sub(r"(<(?:text|title|desc) [^>]*>)([^<]*)(</)", words, drawn)


def write(path, drawn, chinese=CHINESE):
    """Writes a picture, and beside it the Chinese one."""
    drawn = re.sub(r'(="-?\d+)\.0"', r'\1"', drawn)
    path.write_text(drawn)
    path.with_stem(path.stem + "-zh").write_text(in_chinese(drawn, chinese))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write(Path(name), Path(name).read_text())
