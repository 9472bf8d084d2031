"""The blocking client."""

from __future__ import annotations

from wxlink._arguments import (
    check_bytes,
    check_flags,
    check_returned_token,
    check_text,
    check_token,
    check_wait,
)
from wxlink._core import Handle
from wxlink._observe import observed
from wxlink._options import as_texts
from wxlink.errors import TokenError, before_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sys
    from collections.abc import Callable
    from types import TracebackType

    from wxlink._bulk import Bulk
    from wxlink._core import LinkList, LinkProgress, Response
    from wxlink._types import (
        AcceptedPush,
        AccountInfo,
        Authorization,
        AuthorizationUrl,
        BulkOptions,
        BulkRows,
        Limits,
        Options,
        Stats,
        T,
        Token,
    )

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack


class Client:
    """A client for WeChat. Any number of threads may share it.

    Options, all by keyword (times in seconds):

    base_url: str or several, "https://api.weixin.qq.com"
        WeChat's API hosts, the preferred one first. If a request could not be sent to one host, the
        next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
        http://HOST[:PORT] if HOST is a loopback address.
    timeout: float, 10.0
        Time limit for a whole call: name resolution, connecting, retries and reading the response.
        Takes 0.001 to 3600 s.
    connect_timeout: float, 3.0
        Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes. Takes
        0.001 to 3600 s.
    max_retries: int, 2
        How often a call retries automatically. Only requests that cannot take effect twice are
        retried: those that were never sent, and reads. Takes 0 to 10.
    settle: float, 90.0
        How long after a post no other one is made for the same account and mini program by the
        calls that ensure a link: an invitation may take effect long after its request seemed to
        fail. See reliability.md. Takes 0 to 3600 s; 0 switches link claims and the memory of
        invitations off.
    reinvite: bool, False
        Whether a mini program whose earlier invitation is no longer in the list is invited again.
        The store remembers invitations for 90 days. Takes True or False.
    keep_alive: float, 15.0
        How long an idle connection is kept open for later calls. Takes 0 to 3600 s; 0 opens a new
        connection for every call.
    proxy: str, "none"
        The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and
        NO_PROXY once, when it is created, by curl's rules. Plain http is used for loopback hosts
        only and never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
        socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and PASSWORD.
    ca_file: path, none
        CA certificates to trust in addition to the roots that trust selects. Read when the client
        is created. Takes a path to a PEM file; empty for none.
    trust: str, "system"
        The root certificates to trust: system uses the operating system's, and the bundled ones if
        it has none; bundled uses Mozilla's, which are part of the library. Takes system or bundled.
    user_agent: str, "wxlink/VERSION"
        The User-Agent header of every request. Takes 1 to 256 printable ASCII characters.
    max_response_bytes: int, 4194304
        The largest response that is read. A call fails if the response is larger. Takes 1024 to
        1073741824 bytes.
    lang: str, "en"
        The language of messages: English or Chinese. Takes en or zh.
    account: str, none
        The Official Account for calls that pass no access token. Its token comes from one of three
        sources: access_token, token_command or component_appid. Of a token that is passed it names
        the owner, so that invitations are remembered. Takes the appid of an Official Account; empty
        for none.
    access_token: str, none
        Token source 1: this access token, for calls that pass none. Takes an access token; empty
        for none.
    token_command: str, none
        Token source 2: a program that prints an access token. It reads the lines account=APPID and
        refused_token=TOKEN, then an empty line, from standard input. It prints the token alone, or
        the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two fields. It is
        killed after timeout_ms. See tokens.md. Takes a shell command; empty for none.
    component_appid: str, none
        Token source 3: this third-party platform. The client fetches and refreshes the access
        tokens of the accounts that authorised it. Needs component_appsecret. Takes the appid of a
        third-party platform; empty for none.
    component_appsecret: str, none
        The appsecret of the platform that component_appid names. Takes the platform's appsecret;
        empty for none.
    push_token: str, none
        The token in the platform's settings that signs WeChat's pushes. To change it, set the new
        one and the previous one: pushes signed with either are accepted. See authorization.md.
        Takes 1 to 8 tokens separated by commas, the current one first; empty for none.
    push_aes_key: str, none
        The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it,
        set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by
        commas, the current one first; empty for none.
    store: str, "memory"
        Where link claims, and a platform's tickets and tokens, are kept: memory for this process
        only, file for all processes of one machine, redis or rediss (TLS) for several machines.
        Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…

    An access token may be a string, or a function that returns one; if WeChat refuses the token,
    the function is called again, once. With None the client gets the token from its source.

    An argument of a wrong type raises a TypeError that names it. A closed client raises
    `CallCancelledError`.

    Ctrl-C ends a running call within 100 ms. A note of the KeyboardInterrupt (from Python 3.11)
    says what the call had done; after `ensure_linked` and `wait_linked` it has an attribute
    `progress` too. A client created before a fork raises `ForkedError` in the child.

    Each call makes a DEBUG record of the logger "wxlink", with its status, duration and trace. A
    program that uses OpenTelemetry gets a span of each call. Neither contains a token.

    When the interpreter exits, it waits for token refreshes that are running, at most for the
    client's time limit.
    """

    __slots__ = ("_handle", "_is_closed", "_lang")

    def __init__(self, **options: Unpack[Options]) -> None:
        self._handle = Handle(as_texts(options))
        self._lang = options.get("lang", "en")
        self._is_closed = False

    def with_options(self, **options: Unpack[Limits]) -> Self:
        """Returns a client on the same connections, with options and cancellation of its own.

        Takes timeout, connect_timeout, max_retries, settle, reinvite, lang and account; the others
        are inherited.
        """
        self._check_open()
        client = type(self).__new__(type(self))
        client._handle = self._handle.derive(as_texts(options, derived=True))
        client._lang = options.get("lang", self._lang)
        client._is_closed = False
        return client

    def _check_open(self) -> None:
        if self._is_closed:
            raise before_call(
                "CANCELLED",
                "客户端已关闭；未发送任何请求。请新建客户端"
                if self._lang == "zh"
                else "the client is closed; nothing was sent. Create another one",
            )

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
        self._is_closed = True
        self.cancel()

    def set_ticket(self, ticket: str) -> None:
        """Stores the ticket that WeChat pushes to the platform every 10 minutes."""
        check_text(ticket=ticket)
        self._check_open()
        observed("set_ticket", lambda: self._handle.set_ticket(ticket))

    def add_account(self, appid: str, refresh_token: str) -> None:
        """Stores the refresh token of an account that has authorised the platform."""
        check_text(appid=appid, refresh_token=refresh_token)
        self._check_open()
        observed("add_account", lambda: self._handle.add_account(appid, refresh_token))

    def accept_push(self, query: str, body: bytes) -> AcceptedPush:
        """Accepts a push of WeChat's to the platform: verifies, decrypts and stores it.

        `query` is the raw query string of WeChat's request to the platform's URL, and `body` its
        body, both unchanged. Needs the options push_token and push_aes_key. Answer with HTTP 200
        and the body `success` if the method returns, with 403 if it raises an ArgumentError whose
        status is BAD_PUSH, else with 503, so that WeChat sends the push again.
        """
        check_text(query=query)
        check_bytes(body=body)
        self._check_open()
        return observed("accept_push", lambda: self._handle.accept_push(query, body))

    def authorization_url(self, redirect_uri: str, account: str | None = None) -> AuthorizationUrl:
        """Makes the URLs of the pages on which an account authorises the platform.

        With `account`, an appid, only that account can. Call it when the administrator clicks: the
        URLs contain a code that is valid once and for `expires_in` seconds. WeChat opens its page
        only from a link on the domain that is registered for the platform.
        """
        check_text(redirect_uri=redirect_uri)
        if account is not None:
            check_text(account=account)
        self._check_open()
        return observed(
            "authorization_url", lambda: self._handle.authorization_url(redirect_uri, account)
        )

    def accept_authorization(self, code: str) -> Authorization:
        """Exchanges the code of a redirect (auth_code) for the account's tokens and stores them.

        The same code may be passed again, and may be that of a push.
        """
        check_text(code=code)
        self._check_open()
        return observed("accept_authorization", lambda: self._handle.accept_authorization(code))

    def account_info(self, appid: str) -> AccountInfo:
        """Describes an account that has authorised the platform."""
        check_text(appid=appid)
        self._check_open()
        return observed("account_info", lambda: self._handle.account_info(appid))

    def stats(self) -> Stats:
        """Returns what the client has done so far, in numbers. Makes no request.

        Clients on the same connections share the numbers. Durations are in microseconds.
        """
        self._check_open()
        return self._handle.stats()

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

        Posts once. Success means that the invitation is pending: the list shows when the
        administrators have agreed.

        access_token: the account's access token, a function that returns one, or None
        appid: the appid of the mini program
        notify_users: whether WeChat messages every follower of the account
        show_profile: whether the account's page shows the mini program

        Raises `PendingError` if it is already invited or linked, `OutcomeUnknownError` if the
        outcome is unknown (read the list before you link again), and the other `WxError`s.
        """
        check_text(appid=appid)
        check_flags(notify_users=notify_users, show_profile=show_profile)
        return self._with_token(
            "link_miniprogram",
            access_token,
            lambda token: self._handle.link_miniprogram(token, appid, notify_users, show_profile),
        )

    def get_linked(self, access_token: Token = None) -> LinkList:
        """Returns the mini programs that are linked to the account or pending, as a sequence.

        It is safe to call again after any error.
        """
        return self._with_token("get_linked", access_token, self._handle.get_linked)

    def unlink_miniprogram(self, access_token: Token, appid: str) -> Response:
        """Asks the Official Account's administrator to unlink a mini program.

        The mini program stays in the list until the administrator agrees. Raises `PendingError` if
        the administrator was asked before.
        """
        check_text(appid=appid)
        return self._with_token(
            "unlink_miniprogram",
            access_token,
            lambda token: self._handle.unlink_miniprogram(token, appid),
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
        """Links a mini program unless it is already linked or pending.

        Calls that share a store (option `store`; the default is this process's memory) can repeat
        it safely after any failure.

        Reads the list and invites if the mini program is not in it. With a `wait` (seconds) it then
        waits for the administrators. Takes at most the time limit plus the wait.

        Returns the state: linked, pending (and who must act), declined or vanished. Raises a
        `WxError` if the state cannot be determined; its `progress`, like that of a
        KeyboardInterrupt, shows what is known.
        """
        check_text(appid=appid)
        check_flags(notify_users=notify_users, show_profile=show_profile)
        check_wait(wait)
        return self._with_token(
            "ensure_linked",
            access_token,
            lambda token: self._handle.ensure_linked(
                token, appid, notify_users, show_profile, wait
            ),
        )

    def wait_linked(self, access_token: Token, appid_or_gh_id: str, *, wait: float) -> LinkProgress:
        """Waits (seconds) until a mini program is linked, declined or vanished. Does not invite.

        The mini program is named by its appid or its original id (`gh_…`). Returns and raises like
        `ensure_linked`.
        """
        check_text(appid_or_gh_id=appid_or_gh_id)
        check_wait(wait)
        return self._with_token(
            "wait_linked",
            access_token,
            lambda token: self._handle.wait_linked(token, appid_or_gh_id, wait),
        )

    def bulk(self, rows: BulkRows | None, **how: Unpack[BulkOptions]) -> Bulk:
        """Links many mini programs to many Official Accounts.

            with client.bulk("links.csv", job="links.job") as bulk:
                for result in bulk:
                    print(result.account, result.appid, result.outcome)

        rows: a path or an open file with CSV, XLSX or JSON that has account, appid, notify_users
            and show_profile; or an iterable of mappings with these keys, or of tuples in this
            order. Other columns and keys are kept in the results and the report. All rows are
            read first; if some are invalid, `ArgumentError` names their lines.

        By keyword:

        job: path, None
            The folder of the job; with None a temporary one, which is removed at the end.
        resume: bool, False
            Continues the job in that folder. The rows may then be None.
        retry_failed: bool, False
            Continues the job and repeats the rows that failed.
        notify_users: bool, None
            The value for rows that have none. There is no default: it messages every follower.
        show_profile: bool, None
            The value for rows that have none.
        workers: int, 16
            How many accounts are processed at the same time.
        rate: str, "100/s"
            The most calls in total per second (s), minute (m), hour (h) or day (d), or "off".
        account_rate: str, "5/s"
            The most calls for each account.
        encoding: str, None
            The encoding of CSV or JSON in a path or a binary file: "utf-8", "utf-16" or "gb18030",
            which includes GBK. With None, it is detected.
        sheet: str, None
            The sheet of an XLSX workbook; with None, the first visible one.
        progress: bool or function, None
            True draws a bar on stderr. A function is called with the number of finished rows, the
            number of all rows, and the number of rows for each outcome.

        Returns an iterator of results, whose length is the number of open rows. The work starts
        with the first one. The rows of an account are processed in their order. Leaving the block,
        Ctrl-C and `stop` end the work and keep its results. Requires a client with the option
        token_command or component_appid.
        """
        from wxlink._bulk import Bulk

        self._check_open()
        return Bulk(self._handle, rows, **how)

    def _with_token(self, name: str, token: Token, call: Callable[[str | None], T]) -> T:
        """Calls, and once again with a new token if WeChat refused one that a function returned."""
        check_token(token)
        self._check_open()
        if token is None or isinstance(token, str):
            return observed(name, lambda: call(token))
        first = check_returned_token(token())
        try:
            return observed(name, lambda: call(first))
        except TokenError:
            second = check_returned_token(token())
        return observed(name, lambda: call(second))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
