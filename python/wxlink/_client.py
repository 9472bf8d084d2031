"""The blocking client."""

from __future__ import annotations

from wxlink._core import Handle
from wxlink._options import as_texts
from wxlink.errors import TokenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sys
    from collections.abc import Callable
    from types import TracebackType

    from wxlink._bulk import Bulk
    from wxlink._core import Response, LinkList, LinkProgress
    from wxlink._types import BulkOptions, BulkRows, Limits, Options, T, Token

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack


class Client:
    """A client for WeChat. Any number of threads may share it.

    Options, all by keyword (times in seconds):

    base_url: str or several, "https://api.weixin.qq.com"
        The entry hosts in order of preference. A request that was never sent moves on to the next.
    timeout: float, 10.0
        The time limit of a call, name resolution and retries included.
    connect_timeout: float, 3.0
        The time limit of opening one connection.
    max_retries: int, 2
        How often a request is retried. Only requests that cannot take effect twice are.
    keep_alive: float, 15.0
        How long an idle connection is kept open; 0 closes it at once.
    proxy: str, "none"
        "none", "env", or an http or socks5 URL.
    ca_file: path, none
        A PEM file with CA certificates that are trusted in addition to the roots.
    trust: str, "system"
        The trusted roots: "system" (or the bundled ones if there are none), or "bundled".
    user_agent: str, "wxlink/VERSION"
    max_response_bytes: int, 4194304
    lang: str, "en"
        "en" or "zh": the language of messages and remedies.
    account: str, none
        The appid of the account for calls without an access token; see `account`.
    access_token: str, none
        The source of tokens for such calls: this token,
    token_command: str, none
        or a program that prints a token,
    component_appid: str, none
        or the third-party platform with this appid;
    component_appsecret: str, none
        its appsecret,
    store: str, "memory"
        and the store of its tokens: "memory", "file:PATH", "redis://…" or "rediss://…".

    An access token may be a string, or a function that returns one; if WeChat refuses the token, the
    function is called again, once. With None the client gets the token from its source.

    Ctrl-C ends a running call within 100 ms. A note of the KeyboardInterrupt (from Python 3.11) says what
    the call had done; after `ensure_linked` and `wait_linked` it has an attribute `progress` too. A
    client created before a fork raises `ForkedError` in the child.

    When the interpreter exits, it waits for token refreshes that are running, at most for the client's
    time limit.
    """

    __slots__ = ("_handle",)

    def __init__(self, **options: Unpack[Options]) -> None:
        self._handle = Handle(as_texts(options))

    @classmethod
    def _from_handle(cls, handle: Handle) -> Self:
        client = cls.__new__(cls)
        client._handle = handle
        return client

    def with_options(self, **options: Unpack[Limits]) -> Self:
        """Returns a client that shares the connections and has options (and a cancellation) of its own.

        Takes timeout, connect_timeout, max_retries, lang and account; the others are inherited.
        """
        return self._from_handle(self._handle.derive(as_texts(options)))

    def account(self, appid: str) -> Self:
        """Returns a client for calls to this account without an access token.

        The same as `with_options(account=appid)`. It is cheap: you can create one per call.
        """
        return self.with_options(account=appid)

    def cancel(self) -> None:
        """Ends running calls within 100 ms, and all later calls, with `CallCancelledError`.

        Other clients on the same connections (`with_options`) continue.
        """
        self._handle.cancel()

    def close(self) -> None:
        """The same as `cancel`. Connections close when no client uses them any more."""
        self.cancel()

    def set_ticket(self, ticket: str) -> None:
        """Stores the component_verify_ticket that WeChat pushes to the platform every 10 minutes."""
        self._handle.set_ticket(ticket)

    def add_account(self, appid: str, refresh_token: str) -> None:
        """Stores the refresh token of an account that has authorised the platform."""
        self._handle.add_account(appid, refresh_token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def link_miniprogram(
        self, access_token: Token, appid: str, *, notify_users: bool, show_profile: bool
    ) -> Response:
        """Invites a mini program to be linked to the Official Account of the token.

        Posts once. Success means that the invitation is pending: the list shows when the administrators
        have agreed.

        access_token: the account's access token, a function that returns one, or None
        appid: the appid of the mini program
        notify_users: whether WeChat messages every follower of the account
        show_profile: whether the account's page shows the mini program

        Raises `PendingError` if it is pending or linked already, `OutcomeUnknownError` if the outcome is
        unknown (read the list before you link again), and the other `WxError`s.
        """
        return _with_token(
            access_token,
            lambda token: self._handle.link_miniprogram(token, appid, notify_users, show_profile),
        )

    def get_linked(self, access_token: Token = None) -> LinkList:
        """Returns the mini programs that are linked to the account or pending, as a sequence.

        It is safe to call again after any error.
        """
        return _with_token(access_token, self._handle.get_linked)

    def unlink_miniprogram(self, access_token: Token, appid: str) -> Response:
        """Asks the Official Account's administrator to unlink a mini program.

        The mini program stays in the list until the administrator agrees. Raises `PendingError` if the
        administrator was asked before.
        """
        return _with_token(
            access_token, lambda token: self._handle.unlink_miniprogram(token, appid)
        )

    def ensure_linked(
        self,
        access_token: Token,
        appid: str,
        *,
        notify_users: bool,
        show_profile: bool,
        wait: float = 0.0,
    ) -> LinkProgress:
        """Links a mini program unless it is linked or pending already. Safe to repeat after any failure.

        Reads the list and invites if the mini program is not in it. With a `wait` (seconds) it then waits
        for the administrators. Takes at most the time limit plus the wait.

        Returns the state: linked, pending (and who must act), declined or vanished. Raises a `WxError` if
        the state cannot be determined; its `progress`, like that of a KeyboardInterrupt, shows what is
        known.
        """
        return _with_token(
            access_token,
            lambda token: self._handle.ensure_linked(
                token, appid, notify_users, show_profile, wait
            ),
        )

    def wait_linked(
        self, access_token: Token, appid_or_username: str, *, wait: float
    ) -> LinkProgress:
        """Waits (seconds) until a mini program is linked, declined or vanished. Does not invite.

        The mini program is named by its appid or its original id (`gh_…`). Returns and raises like
        `ensure_linked`.
        """
        return _with_token(
            access_token,
            lambda token: self._handle.wait_linked(token, appid_or_username, wait),
        )

    def bulk(self, rows: BulkRows | None, **how: Unpack[BulkOptions]) -> Bulk:
        """Sees to it that many mini programs are linked to many Official Accounts.

            with client.bulk("links.csv", job="links.job") as bulk:
                for result in bulk:
                    print(result.account, result.appid, result.outcome)

        rows: a path, or an open file, of CSV or JSON lines with account, appid, notify_users and
            show_profile; or an iterable of mappings with these, or of tuples in this order. All of
            them are read here; if some make no sense, `ArgumentError` tells their lines.

        By keyword:

        job: path, None
            The folder of the job; None is a temporary one, removed at the end.
        resume: bool, False
            Goes on with the job in that folder. The rows may then be None.
        retry_failed: bool, False
            The same, and does again what failed.
        notify_users: bool, None
            What rows have that do not say. There is no other default: it messages every follower.
        show_profile: bool, None
            The same.
        workers: int, 16
            How many accounts are dealt with at once.
        rate: str, "100/s"
            How many calls at most, in all: per second (s), minute (m), hour (h) or day (d), or "off".
        account_rate: str, "5/s"
            The same for each account.
        progress: bool or function, None
            True draws a bar on stderr; a function gets how many rows have come to something, how
            many there are, and how many came to which outcome.

        Gives an iterator of results, whose length is how many rows are left; work begins with the
        first. Rows of an account are dealt with in their order. Leaving the block, Ctrl-C and `stop`
        end the work and keep what was done. Needs a client with one of the sources of tokens
        token_command and component_appid.
        """
        from wxlink._bulk import Bulk

        return Bulk(self._handle, rows, **how)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _with_token(token: Token, call: Callable[[str | None], T]) -> T:
    """Calls, and once again with a new token if WeChat refused one that a function returned."""
    if token is None or isinstance(token, str):
        return call(token)
    try:
        return call(token())
    except TokenError:
        return call(token())
