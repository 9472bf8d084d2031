#!/usr/bin/env python3
"""Runs a command against a WeChat simulator of its own and stops the simulator afterwards.

    tools/with_sandbox.py COMMAND [ARGUMENT...]
    tools/with_sandbox.py SIMULATOR-OPTION... -- COMMAND [ARGUMENT...]

The simulator is `wxlink-sandbox` in WXLINK_LIB_DIR (target/release if unset). The command finds it
in these environment variables:

    WXLINK_BASE_URL         the address that stands for WeChat, over HTTP
    WXLINK_SANDBOX_HTTPS    the same over HTTPS
    WXLINK_SANDBOX_CA_FILE  the CA certificate to trust for HTTPS
    WXLINK_SANDBOX_ADMIN    the admin interface, which ends in a slash (docs/sandbox.md)

The exit code is the command's: 128 + N after signal N, 127 if it cannot be started; and 1 if the
simulator fails. Signals go to the command. Python scripts import `Sandbox` and `request`.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT_SECONDS = 30


class SandboxError(Exception):
    """The simulator did not start, failed, or refused an admin request."""


def request(admin_url, method, path, body=None):
    """Sends one request to the admin interface and returns the JSON of the response."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    message = urllib.request.Request(admin_url + path, content, headers, method=method)
    # The simulator is on this machine: a proxy in the environment does not apply.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise SandboxError(f"{method} {path}: {error.read().decode()}") from None


class Sandbox:
    """A running simulator. Use it in a `with` statement, which stops it.

    If this process dies, the simulator notices and stops by itself.
    """

    def __init__(self, *options):
        """Starts the simulator and waits until it is ready.

        The options are those of wxlink-sandbox. Raises SandboxError if it does not start.
        """
        folder = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release")
        command = [str(folder / "wxlink-sandbox"), *map(str, options)]
        try:
            # A session of its own: Ctrl-C must not stop the simulator before its user.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"{command[0]}: {error.strerror}. Run make build.") from None
        # It prints one line of JSON when it is ready.
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._process.stdout.close()
            raise SandboxError(f"{command[0]} ended with {code} before it was ready")
        addresses = json.loads(line)
        self.base_url = addresses["http"]
        self.https_url = addresses["https"]
        self.ca_file = addresses["ca_file"]
        self.admin_url = addresses["admin"]

    def environment(self):
        """The environment variables that lead a command to this simulator."""
        return {
            "WXLINK_BASE_URL": self.base_url,
            "WXLINK_SANDBOX_HTTPS": self.https_url,
            "WXLINK_SANDBOX_CA_FILE": self.ca_file,
            "WXLINK_SANDBOX_ADMIN": self.admin_url,
        }

    def admin(self, method, path, body=None):
        """Sends one request to the admin interface and returns the JSON of the response."""
        return request(self.admin_url, method, path, body)

    def stop(self):
        """Stops the simulator. Raises SandboxError if it had ended before or does not stop."""
        if self._process.poll() is not None:
            self._process.stdout.close()
            raise SandboxError(f"wxlink-sandbox ended too early, with {self._process.returncode}")
        self._process.terminate()
        try:
            code = self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process.stdout.close()
        if code != 0:
            raise SandboxError(f"wxlink-sandbox ended with {code}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class SignalForwarder:
    """Passes the signals that ask this process to end on to the command it runs."""

    def __init__(self):
        self.command = None
        self.pending = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A signal that was ignored from the start, as nohup does, stays ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._received)

    def _received(self, number, _frame):
        if self.command is None:
            self.pending = number
        else:
            self.command.send_signal(number)

    def run(self, arguments, environment):
        """Runs a command to its end and returns its exit code, as a shell would report it."""
        if self.pending is not None:
            return 128 + self.pending
        try:
            self.command = subprocess.Popen(arguments, env=environment)
        except OSError as error:
            print(f"with_sandbox: {arguments[0]}: {error.strerror}", file=sys.stderr)
            return 127
        if self.pending is not None:
            self.command.send_signal(self.pending)
        code = self.command.wait()
        return 128 - code if code < 0 else code


def main():
    options, command = [], sys.argv[1:]
    if command and command[0].startswith("-") and "--" in command:
        split = command.index("--")
        options, command = command[:split], command[split + 1 :]
    if not command or command[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    signals = SignalForwarder()
    code = 1
    try:
        with Sandbox(*options) as sandbox:
            code = signals.run(command, {**os.environ, **sandbox.environment()})
    except SandboxError as error:
        print(f"with_sandbox: {error}", file=sys.stderr)
        return code or 1
    return code


if __name__ == "__main__":
    sys.exit(main())
