"""Shows the life of a link with the samples of one language, against the WeChat simulator.

    python3 tools/demo.py [LANGUAGE]
    python3 tools/demo.py platform

LANGUAGE is c (the default), another folder of bindings/, or python. `platform` shows the commands
of a third-party platform instead: demo_platform.py. WXLINK_LIB_DIR is the folder of the libraries
and programs: target/release if unset. The demo is in the language of WXLINK_LANG or the locale,
except for what the samples print. Exits with 1 if a step has another result than expected, and
with 127 if a tool of the language is not installed.
"""

import os
import subprocess
import sys

import demo_platform
from demo_steps import UnexpectedResultError, announce, expect, heading, text
from with_sandbox import ROOT, Sandbox, SandboxError

ACCOUNT = "wx0a00000000000001"
TOKEN = "SANDBOX-TOKEN"
MINI_PROGRAM = "wx0b00000000000001"
FORBIDS_LINKING = "wx0b000000000000e3"


class ToolMissingError(Exception):
    """A tool of the language is not installed."""


class Samples:
    """The programs link, list, refusal and unlink of one language."""

    def __init__(self, command, environment):
        """`command` returns the words that run the sample of a name."""
        self.command = command
        self.environment = environment

    def run(self, name, *arguments, token=TOKEN):
        """Runs a sample, prints its output, and returns its exit code and output."""
        command = [*map(str, self.command(name)), *arguments]
        shown = " ".join(command).removeprefix(f"{ROOT}/")
        print(f"$ {shown}", flush=True)
        done = subprocess.run(
            command,
            env={**self.environment, "WXLINK_ACCESS_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        print(done.stdout, end="", flush=True)
        if done.returncode == 127:
            raise ToolMissingError(done.stdout.strip())
        expect(token not in done.stdout, f"{name} printed the token")
        return done.returncode, done.stdout


def samples_of(language):
    """What runs a sample of the checkout: the language's script run.sh."""
    folder = "python" if language == "python" else f"bindings/{language}"
    script = ROOT / folder / "run.sh"
    if not script.exists():
        known = sorted(path.parent.name for path in ROOT.glob("bindings/*/run.sh"))
        expected = ", ".join([*known, "python", "platform"])
        raise UnexpectedResultError(f"unknown language {language!r}; expected one of {expected}")
    return lambda name: [script, name]


def play(sandbox, samples):
    def link(appid):
        return samples.run("link", appid, "0", "1")

    def decide(by, decision):
        body = {"account": ACCOUNT, "appid": MINI_PROGRAM, "by": by, "decision": decision}
        sandbox.admin("POST", "approvals", body)

    def expect_in_list(status):
        code, output = samples.run("list")
        expect(code == 0 and status in output, f"the list does not contain {status!r}")

    heading(
        "1. A program links a mini program. Followers get no message (notify_users is 0).",
        "1. 程序邀请一个小程序关联，不向粉丝发送消息（notify_users 为 0）。",
    )
    code, output = link(MINI_PROGRAM)
    expect((code, output) == (0, "The invitation is out.\n"), "the link was not accepted")
    expect_in_list("waiting for the Official Account's administrator")

    heading(
        "2. The program calls again. That is harmless: the invitation was already sent.",
        "2. 程序再次调用。这没有影响：邀请已经发出。",
    )
    code, output = link(MINI_PROGRAM)
    expect(code == 0 and "89010" in output, "the repeated link is not reported as pending")

    heading("3. The Official Account's administrator agrees.", "3. 公众号管理员同意。")
    decide("official_account", "agree")
    expect_in_list("waiting for the mini program's administrator")

    heading(
        "4. The mini program's administrator agrees: the mini program is linked.",
        "4. 小程序管理员同意：小程序已关联。",
    )
    decide("mini_program", "agree")
    expect_in_list("linked")

    heading(
        "5. Another mini program does not accept links. The message explains what to do.",
        "5. 另一个小程序不允许被关联。提示信息说明处理办法。",
    )
    code, output = samples.run("refusal", FORBIDS_LINKING)
    refused = output.startswith("action_required: ") and "89245" in output
    expect(code == 1 and refused, "the refusal is not reported")

    heading(
        "6. The program unlinks the mini program; the Official Account's administrator agrees.",
        "6. 程序申请解除关联，公众号管理员同意。",
    )
    code, output = samples.run("unlink", MINI_PROGRAM)
    asked = "The Official Account's administrator has been asked.\n"
    expect((code, output) == (0, asked), "unlinking was not accepted")
    decide("official_account", "agree")
    expect_in_list("(none)")

    heading(
        "7. An invalid argument, and an expired access token.",
        "7. 无效的参数，以及已过期的 access_token。",
    )
    code, _ = samples.run("link", MINI_PROGRAM, "yes", "1")
    expect(code == 2, "the invalid flag was accepted")
    code, output = samples.run("refusal", MINI_PROGRAM, token="SANDBOX-EXPIRED")
    expect((code, output.split(":")[0]) == (3, "token"), "the expired token is not reported")
    print()


def main():
    language = sys.argv[1] if len(sys.argv) > 1 else "c"
    if language == "platform":
        demo_platform.main()
    else:
        command = samples_of(language)
        with Sandbox() as sandbox:
            samples = Samples(command, {**os.environ, **sandbox.environment()})
            announce(sandbox)
            play(sandbox, samples)
    print(text("The demo ran as expected.", "演示按预期完成。"))


if __name__ == "__main__":
    try:
        main()
    except ToolMissingError as error:
        print(error, file=sys.stderr)
        sys.exit(127)
    except (UnexpectedResultError, SandboxError, subprocess.SubprocessError, OSError) as error:
        sys.exit(f"demo: {error}")
