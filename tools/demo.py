"""The whole story of a link, told by the samples of one language against a live sandbox.

    python3 tools/demo.py DIR [LANGUAGE]     DIR holds libwxlink.so and wxlink-sandbox

The language is c (the default) or another that bindings/ has, or python. Exits with 0 if the story went
as it should, with 1 and the step that did not, or with 127 if the language's tools are missing.
"""

import json
import os
import subprocess
import sys
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
        code = self.process.wait(timeout=60)
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
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)

    def decide(self, appid, by, decision):
        self.admin(
            "approvals",
            {"account": ACCOUNT, "appid": appid, "by": by, "decision": decision},
        )


class Missing(Exception):
    """The language's tools are not there."""


class Samples:
    """The four samples of a language, run as its `run` script does."""

    def __init__(self, language, libraries, url):
        self.script = ROOT / ("python" if language == "python" else f"bindings/{language}") / "run"
        if not self.script.exists():
            known = sorted(p.parent.name for p in ROOT.glob("bindings/*/run"))
            raise Wrong(f"there is no language {language!r}: {', '.join([*known, 'python'])}")
        self.env = dict(
            os.environ, WXLINK_TOKEN=TOKEN, WXLINK_BASE_URL=url, WXLINK_LIB_DIR=str(libraries)
        )

    def __call__(self, name, *args):
        """Runs a sample, shows what it says, and answers exit code and words."""
        print("$ " + " ".join([str(self.script.relative_to(ROOT)), name, *args]), flush=True)
        done = subprocess.run(
            [str(self.script), name, *args],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode == 127:
            raise Missing(done.stdout.strip())
        expect(TOKEN not in done.stdout, f"{name} showed the token")
        return done.returncode, done.stdout


def tell(sandbox, run):
    def link(appid):
        return run("link", appid, "0", "1")

    def listed(status):
        code, words = run("list")
        expect(code == 0 and status in words, f"the list does not say {status!r}")

    heading("1. A program links a mini program. Nobody's followers are told (notify_users is 0).")
    code, words = link(MINI_PROGRAM)
    expect((code, words) == (0, "The invitation is out.\n"), "the link was not accepted")
    listed("waiting for the Official Account's administrator")

    heading("2. Calling again does no harm: the invitation is out already.")
    code, words = link(MINI_PROGRAM)
    expect(code == 0 and "89010" in words, "a repeated link is not told as pending")

    heading("3. The Official Account's administrator agrees.")
    sandbox.decide(MINI_PROGRAM, "official_account", "agree")
    listed("waiting for the mini program's administrator")

    heading("4. The mini program's administrator agrees: it is linked.")
    sandbox.decide(MINI_PROGRAM, "mini_program", "agree")
    listed("linked")

    heading("5. Another mini program does not let itself be linked; the message says what to do.")
    code, words = run("refusal", FORBIDS_LINKING)
    expect(code == 1 and words.startswith("action_required: ") and "89245" in words, "the refusal is not told")

    heading("6. The link is to end; the Official Account's administrator agrees.")
    code, words = run("unlink", MINI_PROGRAM)
    asked = "The Official Account's administrator has been asked.\n"
    expect((code, words) == (0, asked), "unlinking was not accepted")
    sandbox.decide(MINI_PROGRAM, "official_account", "agree")
    listed("(none)")

    heading("7. A slip of the pen, and an access token that has expired.")
    expect(run("link", MINI_PROGRAM, "yes", "1")[0] == 2, "a wrong flag is not refused")
    run.env["WXLINK_TOKEN"] = "SANDBOX-EXPIRED"
    code, words = run("refusal", MINI_PROGRAM)
    expect((code, words.split(":")[0]) == (3, "token"), "the expired token is not told")
    print()


def main():
    libraries = Path(sys.argv[1]).resolve()
    language = sys.argv[2] if len(sys.argv) > 2 else "c"
    with Sandbox(libraries / "wxlink-sandbox") as sandbox:
        print(f"The sandbox plays WeChat at {sandbox.url}", flush=True)
        tell(sandbox, Samples(language, libraries, sandbox.url))
    print("The demo went as it should.")


if __name__ == "__main__":
    try:
        main()
    except Missing as e:
        print(e, file=sys.stderr)
        sys.exit(127)
    except (Wrong, subprocess.SubprocessError, OSError) as e:
        sys.exit(f"demo: {e}")
