"""A simulator of WeChat for the tests of your own code.

    with wxlink.sandbox.Server() as server, server.client() as client:
        client.link_miniprogram(server.token, server.appid, notify_users=False, show_profile=True)
        server.approve(server.appid, by="official_account")

The program `wxlink-sandbox` (package wxlink-sandbox, or `pip install wxlink[sandbox]`) runs as a
child process. docs/sandbox.md describes what it simulates and how it differs from WeChat.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, urlsplit

from wxlink._aio import AsyncClient
from wxlink._client import Client

if TYPE_CHECKING:
    from wxlink._types import Options

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack

__all__ = ["Server", "program"]


def program() -> str:
    """Returns the path of the program.

    It is WXLINK_SANDBOX, or among the environment's scripts, or in the PATH.

    Raises FileNotFoundError if there is none.
    """
    if named := os.environ.get("WXLINK_SANDBOX"):
        return named
    beside = Path(sysconfig.get_path("scripts"), "wxlink-sandbox")
    found = str(beside) if beside.exists() else shutil.which("wxlink-sandbox")
    if found is None:
        raise FileNotFoundError(
            "wxlink-sandbox is not installed: run `pip install wxlink[sandbox]`, "
            "or set WXLINK_SANDBOX to its path"
        )
    return found


class Server:
    """A running simulator with a demo world: an account, its token, and mini programs to link."""

    token = "SANDBOX-TOKEN"
    """The access token of `account`."""
    account = "wx0a00000000000001"
    """The appid of an Official Account. Nothing is linked to it."""
    appid = "wx0b00000000000001"
    """The appid of a mini program that can be linked."""

    def __init__(self, *arguments: str) -> None:
        """Starts the program with these arguments, such as "--approve", "immediate"."""
        self._process = subprocess.Popen(
            [program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._process.stdout.close()
            raise RuntimeError(f"wxlink-sandbox exited with {code} before it was ready")
        about = json.loads(line)
        self.url: str = about["http"]
        """The address for the option base_url."""
        self.https_url: str = about["https"]
        """The address for TLS; use it with `ca_file`."""
        self.ca_file: str = about["ca_file"]
        """The file with the certificate to trust for `https_url`."""
        self._admin: SplitResult = urlsplit(about["admin"])

    def client(self, **options: Unpack[Options]) -> Client:
        """Returns a client that calls this simulator.

        Link claims would outlive a reset of the simulator, so they are off unless `settle` is set.
        """
        return Client(**self._with_defaults(options))

    def async_client(self, *, max_concurrency: int = 32, **options: Unpack[Options]) -> AsyncClient:
        """Returns an `AsyncClient` that calls this simulator; see `client`."""
        options = self._with_defaults(options)
        return AsyncClient(max_concurrency=max_concurrency, **options)

    def _with_defaults(self, options: Options) -> Options:
        options.setdefault("base_url", self.url)
        options.setdefault("settle", 0)
        return options

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Calls the admin interface (see docs/sandbox.md): `server.admin("GET", "state")`."""
        connection = http.client.HTTPConnection(self._admin.netloc, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, self._admin.path + path, content)
            response = connection.getresponse()
            result = json.loads(response.read() or b"null")
        finally:
            connection.close()
        if response.status >= 400:
            raise ValueError(f"{method} {path}: {result['error']}")
        return result

    def reset(self) -> None:
        """Restores the state of the start."""
        self.admin("POST", "reset")

    def approve(
        self,
        appid: str,
        *,
        by: Literal["official_account", "mini_program"],
        decision: Literal["agree", "refuse", "vanish"] = "agree",
        account: str = account,
    ) -> None:
        """Makes an administrator decide."""
        body = {"account": account, "appid": appid, "by": by, "decision": decision}
        self.admin("POST", "approvals", body)

    def fault(self, fault: object, **rule: object) -> None:
        """Injects a fault: `server.fault({"status": {"code": 502}}, endpoint="link")`."""
        self.admin("POST", "faults", {"fault": fault, **rule})

    def counts(self) -> Any:
        """Returns how many requests were received and took effect, per endpoint."""
        return self.admin("GET", "journal/counts")

    def stop(self) -> None:
        """Stops the program."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server at {self.url}>"
