"""The whole story of a link, told by the C programs of bindings/c against a live sandbox.

    python3 tools/demo.py DIR       DIR holds libwxlink.so and wxlink-sandbox

Exits with 0 if the story went as it should, else with 1 and the step that did not.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "wx0a00000000000001"
TOKEN = "SANDBOX-TOKEN"
MINI_PROGRAM = "wx0b00000000000001"
FORBIDS_LINKING = "wx0b000000000000e3"
LINES = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class Wrong(Exception):
    """A step of the story did not go as it should."""


def heading(text):
    print(f"\n\033[1m{text}\033[0m" if LINES else f"\n{text}", flush=True)


def expect(truth, what):
    if not truth:
        raise Wrong(what)


class Sandbox:
    """The simulator, running as a program of its own."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        expect(line, "the sandbox did not start")
        self.about = json.loads(line)
        self.url = self.about["http"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        if code != 0:
            print(f"the sandbox ended with {code}", file=sys.stderr)

    def admin(self, path, body):
        request = urllib.request.Request(
            self.about["admin"] + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        # Whatever proxy the environment names, the sandbox is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def decide(self, appid, by, decision):
        self.admin(
            "approvals",
            {"account": ACCOUNT, "appid": appid, "by": by, "decision": decision},
        )


class Programs:
    """The C programs, compiled as a user would compile them."""

    def __init__(self, libraries, folder, url):
        self.libraries, self.folder = libraries, folder
        self.env = dict(os.environ, WXLINK_TOKEN=TOKEN, WXLINK_BASE_URL=url)
        # The dynamic linker asks for the library by the name it was given.
        (folder / "libwxlink.so.1").symlink_to(libraries / "libwxlink.so")

    def compile(self, name):
        command = ["cc", f"bindings/c/{name}.c", "-Iinclude", f"-L{self.libraries}", "-lwxlink"]
        shown = " ".join(command).replace(str(ROOT) + "/", "")
        print(f"$ {shown} -o {name}", flush=True)
        command += ["-o", str(self.folder / name), f"-Wl,-rpath,{self.folder}"]
        subprocess.run(command, cwd=ROOT, check=True)

    def run(self, name, *args):
        """Runs a program, shows what it says, and answers exit code and words."""
        print("$ " + " ".join([name, *args]), flush=True)
        done = subprocess.run(
            [str(self.folder / name), *args],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        print(done.stdout, end="", flush=True)
        expect(TOKEN not in done.stdout, f"{name} showed the token")
        return done.returncode, done.stdout


def tell(sandbox, programs):
    def link(appid):
        return programs.run("link", appid, "0", "1")

    def listed(status):
        code, words = programs.run("list")
        expect(code == 0 and status in words, f"the list does not say {status!r}")

    heading("1. A C program is compiled with the system's compiler.")
    programs.compile("link")
    programs.compile("list")

    heading("2. It links a mini program. Nobody's followers are told (notify_users is 0).")
    code, words = link(MINI_PROGRAM)
    expect(code == 0 and "invitation is out" in words, "the link was not accepted")
    listed("waiting for the Official Account's administrator")

    heading("3. Calling again does no harm: the invitation is out already.")
    code, words = link(MINI_PROGRAM)
    expect(code == 0 and "89010" in words, "a repeated link is not told as pending")

    heading("4. The Official Account's administrator agrees.")
    sandbox.decide(MINI_PROGRAM, "official_account", "agree")
    listed("waiting for the mini program's administrator")

    heading("5. The mini program's administrator agrees: it is linked.")
    sandbox.decide(MINI_PROGRAM, "mini_program", "agree")
    listed("linked")

    heading("6. Another mini program does not let itself be linked; the message says what to do.")
    code, words = link(FORBIDS_LINKING)
    expect(code == 1 and "89245" in words, "the refusal is not told")
    print()


def main():
    libraries = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="wxlink-demo-") as folder:
        with Sandbox(libraries / "wxlink-sandbox") as sandbox:
            print(f"The sandbox plays WeChat at {sandbox.url}", flush=True)
            tell(sandbox, Programs(libraries, Path(folder), sandbox.url))
    print("The demo went as it should.")


if __name__ == "__main__":
    try:
        main()
    except (Wrong, subprocess.SubprocessError, OSError) as e:
        sys.exit(f"demo: {e}")
