"""A simulator of WeChat's side, to test your own code against.

    with wxlink.sandbox.Server() as server, server.client() as client:
        client.link_miniprogram(server.token, server.appid, notify_users=False, show_profile=True)
        server.approve(server.appid, by="official_account")

The program `wxlink-sandbox` (package wxlink-sandbox, or `pip install wxlink[sandbox]`) runs beside
yours and ends with it. What it simulates, and what differs from WeChat, is told in its handbook.
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

from wxlink._client import Client

if TYPE_CHECKING:
    from wxlink._types import Options

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack

__all__ = ["Server", "program"]


def program() -> str:
    """The path of the program: WXLINK_SANDBOX, or where packages put their programs, or the PATH.

    Raises FileNotFoundError if there is none.
    """
    if named := os.environ.get("WXLINK_SANDBOX"):
        return named
    beside = Path(sysconfig.get_path("scripts"), "wxlink-sandbox")
    found = str(beside) if beside.exists() else shutil.which("wxlink-sandbox")
    if found is None:
        raise FileNotFoundError(
            "there is no program wxlink-sandbox: pip install wxlink[sandbox], "
            "or name one in WXLINK_SANDBOX"
        )
    return found


class Server:
    """A running sandbox, with its demo world: an account, its token, mini programs that can be linked."""

    token = "SANDBOX-TOKEN"
    """The access token of `account`."""
    account = "wx0a00000000000001"
    """An Official Account's appid. Nothing is linked to it."""
    appid = "wx0b00000000000001"
    """A mini program's appid. It can be linked."""

    def __init__(self, *arguments: str) -> None:
        """Starts it; arguments are the program's, such as "--approve", "immediate"."""
        self._process = subprocess.Popen(
            [program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._process.stdout.close()
            raise RuntimeError(f"wxlink-sandbox ended with {code} before it was ready")
        about = json.loads(line)
        self.url: str = about["http"]
        """Its address, for the option base_url."""
        self.https_url: str = about["https"]
        """The same over TLS; give `ca_file` too."""
        self.ca_file: str = about["ca_file"]
        """The certificate to trust for `https_url`."""
        self._admin: SplitResult = urlsplit(about["admin"])

    def client(self, **options: Unpack[Options]) -> Client:
        """A client whose calls come here."""
        options.setdefault("base_url", self.url)
        return Client(**options)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Asks the admin interface, as its handbook tells: `server.admin("GET", "state")`."""
        connection = http.client.HTTPConnection(self._admin.netloc, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, self._admin.path + path, content)
            answer = connection.getresponse()
            told = json.loads(answer.read() or b"null")
        finally:
            connection.close()
        if answer.status >= 400:
            raise ValueError(f"{method} {path}: {told['error']}")
        return told

    def reset(self) -> None:
        """Puts everything back as it was at the start."""
        self.admin("POST", "reset")

    def approve(
        self,
        appid: str,
        *,
        by: Literal["official_account", "mini_program"],
        decision: Literal["agree", "refuse", "vanish"] = "agree",
        account: str = account,
    ) -> None:
        """Has an administrator decide."""
        body = {"account": account, "appid": appid, "by": by, "decision": decision}
        self.admin("POST", "approvals", body)

    def fault(self, fault: object, **rule: object) -> None:
        """Has something go wrong: `server.fault({"status": {"code": 502}}, endpoint="link")`."""
        self.admin("POST", "faults", {"fault": fault, **rule})

    def counts(self) -> Any:
        """How many requests were received and took effect, for each endpoint."""
        return self.admin("GET", "journal/counts")

    def stop(self) -> None:
        """Ends it."""
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
