"""The command in the wheel. The tests of its subcommands are in crates/cli."""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

import wxlink
from wxlink.sandbox import Server, program

SCRIPT = [str(Path(sysconfig.get_path("scripts"), "wxlink"))]
MODULE = [sys.executable, "-m", "wxlink"]
CHOICES = ["--notify-users", "no", "--show-profile", "yes"]


def start(*arguments: str, called: list[str] = SCRIPT, **more: Any) -> subprocess.Popen[str]:
    """Starts the command with a token in its environment and pipes for its output."""
    environment = {"PATH": os.environ["PATH"], "WXLINK_ACCESS_TOKEN": Server.token}
    # The tests share a simulator, and so they would share link claims.
    environment["WXLINK_STORE"] = "memory"
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    more["env"] = environment | more.get("env", {})
    return subprocess.Popen([*called, *arguments], text=True, **given | more)


def run(*arguments: str, **more: Any) -> tuple[int, str, str]:
    with start(*arguments, **more) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def at(server: Server, **more: str) -> dict[str, str]:
    return {"WXLINK_BASE_URL": server.url, **more}


@pytest.mark.parametrize("called", [SCRIPT, MODULE], ids=["script", "module"])
def test_it_is_there_in_both_ways(called: list[str]) -> None:
    assert run("--version", called=called) == (0, f"wxlink {wxlink.__version__}\n", "")
    code, out, err = run("--help", called=called)
    assert (code, err) == (0, "") and "Usage: wxlink" in out


def test_its_exit_codes_and_lines_are_the_commands(server: Server) -> None:
    def run_json(*arguments: str, **more: str) -> tuple[int, Any]:
        code, out, err = run(*arguments, "--json", env=at(server, **more))
        assert err == ""
        return code, json.loads(out)

    link = ["link", server.appid, *CHOICES]
    code, line = run_json(*link)
    assert (code, line["errcode"]) == (0, 0)
    code, line = run_json(*link)
    assert (code, line["class"]) == (3, "pending")
    code, line = run_json("link", server.appid)
    assert (code, line["status"]) == (2, "BAD_VALUE")
    code, line = run_json("list", WXLINK_ACCESS_TOKEN="unknown")
    assert (code, line["class"]) == (4, "token")


def test_a_token_comes_by_stdin(server: Server) -> None:
    with start(
        "list",
        "--json",
        "--token-file",
        "-",
        stdin=subprocess.PIPE,
        env=at(server, WXLINK_ACCESS_TOKEN=""),
    ) as process:
        out, err = process.communicate("SANDBOX-TOKEN-3\n")
    assert (process.returncode, len(out.splitlines()), err) == (0, 6, "")


def test_an_argument_need_not_be_text() -> None:
    code, _, err = run("list", "--token-file", os.fsdecode(b"/nonexistent/\xff"))
    assert code == 2 and "UnicodeEncodeError" not in err


def test_an_interrupt_is_reported_and_ends_with_130(server: Server) -> None:
    server.fault("hang", always=True)
    with start("list", "--timeout-ms", "3600000", env=at(server)) as process:
        while server.counts()["received"]["get"] == 0:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "CANCELLED" in err and "Traceback" not in err


def test_a_second_interrupt_ends_it_at_once(server: Server) -> None:
    # More than fits into the pipe to a reader that reads one character and no more.
    items = [{"appid": server.appid, "status": 1, "nickname": "x" * 1000}] * 2000
    answer = {"errcode": 0, "errmsg": "ok", "wxopens": {"items": items}}
    server.fault({"body": {"text": json.dumps(answer)}}, always=True)
    with start("list", "--json", env=at(server)) as process:
        assert process.stdout is not None and process.stdout.read(1) == "{"
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)
    assert process.returncode == 130


def test_an_interrupt_ends_what_only_reads() -> None:
    with start("list", "--token-file", "-", stdin=subprocess.PIPE) as process:
        tasks = Path(f"/proc/{process.pid}/task")
        # It has a thread that reads.
        while "wxlink-input\n" not in [(task / "comm").read_text() for task in tasks.iterdir()]:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        # Before communicate(), which closes the input: its end is an event of its own.
        process.wait(timeout=120)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "interrupted while waiting for input; nothing was sent" in err and "Traceback" not in err


def test_a_signal_ignored_at_the_start_stays_ignored(server: Server) -> None:
    server.fault("hang", always=True)
    for ignored, sent, code in [("INT", signal.SIGTERM, 143), ("HUP", signal.SIGINT, 130)]:
        before = server.counts()["received"]["get"]
        shell = ["sh", "-c", f"trap '' {ignored}; exec \"$@\"", "sh", *SCRIPT]
        more = {"called": shell, "env": at(server)}
        with start("list", "--timeout-ms", "3600000", **more) as process:
            while server.counts()["received"]["get"] == before:
                time.sleep(0.01)
            ignores = _mask(process.pid, "SigIgn") >> (getattr(signal, f"SIG{ignored}") - 1) & 1
            process.send_signal(sent)
            _, err = process.communicate(timeout=60)
        assert (ignores, process.returncode) == (1, code), err


def _mask(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(mask, 16)


def test_who_stops_reading_hears_no_complaint(server: Server) -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    code, _, err = run("list", stdout=ours, env=at(server, WXLINK_ACCESS_TOKEN="SANDBOX-TOKEN-3"))
    os.close(ours)
    assert (code, err) == (0, "")


def test_a_closed_stream_is_not_reused() -> None:
    """Otherwise results would be written to the first file that is opened."""
    code = (
        "import os, sys; from wxlink._core import command; command(sys.argv[1:]); "
        "print([os.readlink(f'/proc/self/fd/{fd}') for fd in (0, 1)], file=sys.stderr)"
    )
    shell = ["sh", "-c", 'exec "$0" "$@" <&- >&-', sys.executable, "-c", code, "wxlink"]
    assert run("--version", called=shell) == (0, "", "['/dev/null', '/dev/null']\n")


def test_the_sandbox_is_found_beside_it_or_in_the_path(tmp_path: Path) -> None:
    (tmp_path / "wxlink-sandbox").symlink_to(program())
    printed = subprocess.run(
        [program(), "--help"], capture_output=True, text=True, check=True
    ).stdout
    code = "import sys; from wxlink._core import command; sys.exit(command(sys.argv[1:]))"
    beside = [sys.executable, "-c", code, str(tmp_path / "wxlink")]
    nowhere = {"PATH": "/nonexistent"}
    assert run("sandbox", "--help", called=beside, env=nowhere) == (0, printed, "")
    assert run("sandbox", "--help", env={"PATH": str(tmp_path)}) == (0, printed, "")
    code, out, err = run("sandbox", "--help", env=nowhere)
    assert (code, out) == (2, "") and "pip install wxlink-sandbox" in err
