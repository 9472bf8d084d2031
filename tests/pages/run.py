#!/usr/bin/env python3
"""Runs the shell commands of the English pages against the simulator.

    tests/pages/run.py [PAGE...]      docs/command.md; all pages if none is named

Every block marked `sh` of README.md and docs/ is run, unless NOT_RUN gives a reason. The blocks of
a page are one script, which stops at the first command that fails. It runs in a folder that looks
like the checkout, with the programs of WXLINK_LIB_DIR (target/release if unset) and a home of its
own. A line that starts the simulator is run first, on a free port, which replaces port 8080.
Another free port replaces 8000, that of the service, and the simulator stands for WeChat's host.

A command may exit with the code in PENDING, which is that of links that administrators must agree
to. An HTTP request fails if its status is 4xx or 5xx, or if WeChat's errcode is not 0.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox  # noqa: E402

PROGRAMS = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release").resolve()
PAGE_TIMEOUT_SECONDS = 600

# The blocks that are not run: the page, how the block starts, and the reason.
BUILDS = "builds or installs the project, as other targets of make do"
PACKAGES = "installs a package of the release, as tests/packages/run.py does"
RELEASE = "works on a release, which tools/dist.py --check tests"
NOT_RUN = [
    ("README.md", "make build ", BUILDS),
    ("README.md", "python3 -m venv", BUILDS),
    ("docs/installing.md", "make build", BUILDS + "; tests/install/test.sh tests it"),
    ("docs/installing.md", "cc program.c", "needs make install; tests/install/test.sh tests it"),
    ("docs/installing.md", "cargo build", BUILDS),
    ("docs/installing.md", "tar xf wxlink-0.1.0-x86_64", RELEASE),
    ("docs/installing.md", "mvn ", PACKAGES),
    ("docs/installing.md", "unzip ", PACKAGES),
    ("docs/installing.md", "tar xf wxlink-0.1.0-go", PACKAGES),
    ("docs/installing.md", "pip install", PACKAGES),
    ("docs/installing.md", "for crate in", PACKAGES),
    ("docs/windows.md", "gcc program.c", "is for Windows; tests/windows/test.py tests it"),
    ("docs/installing.md", "make dist", BUILDS),
    ("docs/installing.md", "sudo apt install", "installs packages; tests/deb/test.sh tests it"),
    ("docs/go.md", "go mod edit", "edits a program's module; bindings/go/test.sh tests it"),
    ("docs/java.md", "make build", BUILDS + "; bindings/java/test.sh is the test"),
    ("docs/node.md", "bindings/node/build.sh", BUILDS + "; bindings/node/test.sh tests it"),
    ("docs/php.md", "make build", BUILDS + "; bindings/php/test.sh is the test"),
    ("docs/postgresql.md", "make build", BUILDS + "; bindings/postgresql/test.sh is the test"),
    ("docs/python.md", "python3 -m venv", BUILDS + "; python/test.sh tests it"),
    ("docs/performance.md", "make bench", "measures for minutes"),
    ("docs/serve.md", "sudo install", "changes the system; tests/deb/test.sh tests the unit"),
    ("docs/serve.md", "make demo", "is run by tools/test_languages.sh"),
    (
        "docs/sandbox.md",
        "curl $ADMIN/authorizations",
        "needs a pre-auth code; crates/sandbox/tests/authorization.rs tests it",
    ),
    (
        "docs/sandbox.md",
        "wxlink-sandbox --port 8080 --tls-name",
        "starts a second simulator; crates/sandbox/tests/tls.rs tests it",
    ),
]

# Lines that are left out of blocks that are run.
LEFT_OUT = {"make build"}
# Options of the simulator, if no line of the page starts it.
AGREES = ["--approve", "immediate"]
SIMULATOR = {"docs/bulk.md": AGREES, "docs/scale.md": AGREES}
PENDING = {
    "README.md": 3,
    "docs/bulk.md": 3,
    "docs/scale.md": 3,
    "docs/cobol.md": 4,
}
# Commands that do not end by themselves: what they print when they work, and further arguments.
# With an `&` they run until the page ends.
ENDLESS = {
    "wxlink serve ": ("Listening", "--listen 127.0.0.1:0"),
    "curl -N ": ("data:", ""),
}
# What a page's first program is called in its commands, by the language of its code block.
FIRST_PROGRAMS = {
    "c": "first.c",
    "cpp": "first.cpp",
    "csharp": "First.cs",
    "pascal": "first.pas",
    "cobol": "first.cob",
}
# The program that the commands of a page need, besides those of `make build`.
NEEDED = {
    "docs/cpp.md": "c++",
    "docs/csharp.md": "mcs",
    "docs/cobol.md": "cobc",
    "docs/pascal.md": "fpc",
    "docs/go.md": "go",
    "docs/scale.md": "redis-server",
}

ACCOUNT = "wx0a00000000000001"
APPID = "wx0b00000000000001"

# Reports the failing command. A command whose failure is part of a condition does not count.
PRELUDE = """
on_error() {
    [ "$1" = "$PENDING" ] || { echo "exit code $1: $2" >&2; exit 1; }
}
trap 'on_error $? "$BASH_COMMAND"' ERR
trap 'kill $(jobs -p) 2> /dev/null || :' EXIT
once_it_prints() { # TEXT COMMAND...: runs the command in the background, and waits for the text
    local text=$1
    shift
    (exec "$@") > endless.out & pid=$!
    until grep -q -e "$text" endless.out; do
        if ! kill -0 $pid 2> /dev/null; then echo "$* ended" >&2; exit 1; fi
        sleep 0.05
    done
}
until_it_prints() { # the same, and ends the command then
    once_it_prints "$@"
    kill $pid
    wait $pid || :
}
curl() { # a refusal of WeChat is a failure too
    local output
    output=$(command curl "$@") || return
    printf '%s\\n' "$output"
    [[ $* != */cgi-bin/* || ! $output =~ \\"errcode\\":-?[1-9] ]]
}
"""


class PageError(Exception):
    """A page whose commands do not work."""


def blocks(text):
    """The code blocks of a page: language and content."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def reason(page, block):
    """Why a block is not run, or None."""
    for name, start, why in NOT_RUN:
        if name == page and block.startswith(start):
            return why
    return None


def is_simulator(line):
    return re.match(r"(target/release/|)wxlink(-| )sandbox .*&", line)


def split(block):
    """The commands of a block. A line that ends in a backslash or an open quote goes on."""
    command = ""
    for line in block.splitlines():
        command += line + "\n"
        try:
            # What shlex cannot end is not complete.
            shlex.split(command.replace("\\\n", " "), comments=True)
        except ValueError:
            continue
        if not line.endswith("\\"):
            yield command.rstrip()
            command = ""
    if command:
        raise PageError(f"not complete: {command}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Redis:
    """A Redis on a free port, in a `with` statement."""

    def __init__(self, folder):
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        self.log = Path(folder, "redis.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(["redis-server", *options], stdout=log, stderr=log)

    def __enter__(self):
        # Its own log and not its port: another program may have the port.
        while "Ready to accept connections" not in self.log.read_text():
            if self.process.poll() is not None:
                raise PageError(f"redis-server: {self.log.read_text()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def write_files(folder, text):
    """Writes what the commands of the pages use: the checkout, settings, tokens and rows."""
    release = folder / "target/release"
    release.mkdir(parents=True)
    for name in ("libwxlink.so", "wxlink", "wxlink-sandbox"):
        (release / name).symlink_to(PROGRAMS / name)
    # A program looks for the library by its soname.
    (release / "libwxlink.so.1").symlink_to("libwxlink.so")
    # Copies, because compilers write beside the sources.
    not_committed = shutil.ignore_patterns("node_modules", "prebuilds")
    for name in ("include", "bindings", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=not_committed)
    for language, code in reversed(blocks(text)):
        if language in FIRST_PROGRAMS:
            (folder / FIRST_PROGRAMS[language]).write_text(code, "utf-8")
    config = folder / ".config/wxlink/config.toml"
    config.parent.mkdir(parents=True)
    config.touch(0o600)
    config.write_text(
        'component_appid = "wx0c00000000000001"\n'
        'component_appsecret = "SANDBOX-COMPONENT-SECRET"\n'
        f'store = "file:{folder}/store"\n'
        'push_token = "sandboxpushtoken"\n'
        f'push_aes_key = "{"A" * 43}"\n'
    )
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
    (folder / "token.txt").write_text("SANDBOX-TOKEN\n")
    rows = f"{ACCOUNT},{APPID},0,1\nwx0a00000000000003,{APPID},0,1\n"
    (folder / "links.csv").write_text("account,appid,notify_users,show_profile\n" + rows)
    (folder / "orders.txt").write_text(f"LINK {APPID} 0 1\nLIST\n")


def script(page, commands, port):
    """The page's commands as a script of bash."""
    lines = [PRELUDE]
    service = f"127.0.0.1:{free_port()}"
    for command in commands:
        for start, (text, arguments) in ENDLESS.items():
            if command.startswith(start):
                command, _, _ = command.partition(" #")
                runs = "until_it_prints"
                if command.endswith(" &"):
                    command, runs = command.removesuffix(" &"), "once_it_prints"
                    arguments = arguments.replace("127.0.0.1:0", service)
                command = f"{runs} {shlex.quote(text)} {command} {arguments}"
        command = command.replace("TOKEN=... ", "TOKEN=SANDBOX-TOKEN ")
        command = command.replace("https://api.weixin.qq.com", "http://127.0.0.1:8080")
        command = command.replace("127.0.0.1:8000", service)
        lines.append(command.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    return "\n".join(lines) + "\n"


def rid(environment):
    """The rid of a request that was refused."""
    link = ["wxlink", "link", "wx0000000000000000", "--notify-users", "no", "--show-profile", "yes"]
    command = [*link, "--json", "--token-file", "token.txt"]
    output = subprocess.run(
        command, env=environment, cwd=environment["HOME"], capture_output=True, check=False
    )
    return json.loads(output.stdout)["rid"]


def run_script(text, environment, folder):
    """Runs a script in a process group of its own, which ends with it."""
    path = folder / "page.sh"
    path.write_text(text, "utf-8")
    process = subprocess.Popen(
        ["bash", str(path)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=PAGE_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        raise PageError(f"not finished after {PAGE_TIMEOUT_SECONDS} s\n{output}") from None
    if process.returncode != 0:
        raise PageError(output)


def run_page(page, text, commands):
    starts = [command for command in commands if is_simulator(command)]
    if len(starts) > 1:
        raise PageError("more than one simulator is started")
    commands = [command for command in commands if command not in starts]
    options = ["--port", "0", *SIMULATOR.get(page, [])]
    if starts:
        line = starts[0].partition("&")[0].replace("--port 8080", "--port 0")
        if line == starts[0].partition("&")[0]:
            raise PageError(f"not on port 8080: {line}")
        _, _, options = line.partition("sandbox ")
        options = shlex.split(options)
    with tempfile.TemporaryDirectory(prefix="wxlink-pages-") as name, Sandbox(*options) as sandbox:
        folder = Path(name)
        write_files(folder, text)
        port = sandbox.base_url.rpartition(":")[2]
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
        environment = {key: os.environ[key] for key in kept if key in os.environ}
        environment |= {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": name,
            "WXLINK_LIB_DIR": str(folder / "target/release"),
            "WXLINK_BASE_URL": sandbox.base_url,
            "GOCACHE": str(ROOT / "target/go-cache"),
            "PENDING": str(PENDING.get(page, "")),
        }
        stored = subprocess.run(
            ["wxlink", "platform", "set-ticket"],
            env=environment,
            input="SANDBOX-TICKET\n",
            text=True,
            capture_output=True,
            check=False,
        )
        if stored.returncode != 0:
            raise PageError(stored.stderr)
        body = script(page, commands, port)
        if "61932a5b-0e248764-42d1c1b2" in body:
            body = body.replace("61932a5b-0e248764-42d1c1b2", rid(environment))
        if "redis://queue.internal" not in body:
            return run_script(body, environment, folder)
        with Redis(name) as redis:
            address = f"redis://127.0.0.1:{redis.port}"
            return run_script(body.replace("redis://queue.internal", address), environment, folder)


def main():
    pages = ["README.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
    chosen = sys.argv[1:] or pages
    used, failures, ran = set(), 0, 0
    for page in chosen:
        text = (ROOT / page).read_text("utf-8")
        commands = []
        for language, block in blocks(text):
            if language != "sh":
                continue
            why = reason(page, block)
            if why is None:
                commands += [c for c in split(block) if c and not c.startswith("#")]
            else:
                used.add((page, why))
                print(f"{page}: not run: {block.splitlines()[0]}: {why}")
        commands = [c for c in commands if c.partition("#")[0].strip() not in LEFT_OUT]
        if not commands:
            continue
        needed = NEEDED.get(page)
        if needed and shutil.which(needed) is None:
            need = subprocess.run([str(ROOT / "tools/need.sh"), page, needed], check=False)
            failures += need.returncode != 77
            continue
        try:
            run_page(page, text, commands)
            print(f"{page}: {len(commands)} commands")
            ran += len(commands)
        except PageError as failure:
            print(f"{page}: {failure}", file=sys.stderr)
            failures += 1
    stale = {(page, why) for page, _, why in NOT_RUN if page in chosen} - used
    for page, why in sorted(stale):
        print(f"{page}: NOT_RUN names no block: {why}", file=sys.stderr)
    print(f"{ran} commands of the pages were run, {failures} pages failed")
    return 1 if failures or stale else 0


if __name__ == "__main__":
    sys.exit(main())
