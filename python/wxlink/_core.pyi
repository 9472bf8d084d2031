from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, final, overload

from wxlink._generated import Delivery, ErrcodeClass, Status
from wxlink._types import (
    AcceptedPush,
    AccountInfo,
    Authorization,
    AuthorizationUrl,
    BulkEncoding,
    BulkEnd,
    BulkOutcome,
    Stats,
)
from wxlink.errors import Endpoint

__all__ = [
    "ErrcodeEntry",
    "FuncInfo",
    "Handle",
    "Job",
    "LinkList",
    "LinkProgress",
    "MiniProgram",
    "OptionEntry",
    "Response",
    "__version__",
    "check_option",
    "command",
    "explain",
    "options_table",
    "read_list",
]

__version__: str

@final
class Response:
    """WeChat's response to a successful call."""

    @property
    def errcode(self) -> int:
        """WeChat's errcode: 0, or another one that counts as success."""
    @property
    def errmsg(self) -> str:
        """WeChat's free text. Do not base decisions on it."""
    @property
    def rid(self) -> str:
        """The request id that WeChat's support asks for; empty if there is none."""
    @property
    def http_status(self) -> int:
        """The HTTP status."""
    @property
    def body(self) -> bytes:
        """The body, byte for byte."""
    @property
    def trace(self) -> str:
        """Every attempt with host, phase and milliseconds, as JSON for logs and support."""
    def json(self) -> Any:
        """Returns the body as Python objects."""

@final
class LinkList:
    """The mini programs that are linked to an account or pending: an immutable sequence."""

    @property
    def response(self) -> Response:
        """The response that contained the list."""
    def find(self, appid_or_gh_id: str) -> MiniProgram | None:
        """Returns the item with this appid or original id (`gh_…`), or None."""
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> MiniProgram: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[MiniProgram, ...]: ...
    def __iter__(self) -> Iterator[MiniProgram]: ...

@final
class MiniProgram:
    """An item of the list. A field that WeChat left out, or sent with another type, is None."""

    @property
    def status(self) -> int | None:
        """The state of the link, a `LinkStatus`; WeChat may add other numbers."""
    @property
    def username(self) -> str | None:
        """The original id (`gh_…`)."""
    @property
    def appid(self) -> str | None:
        """The appid. A refused item has none."""
    @property
    def source(self) -> str | None:
        """Seen as "SOURCE_NORMAL"; WeChat does not document its meaning."""
    @property
    def nickname(self) -> str | None:
        """The display name."""
    @property
    def selected(self) -> int | None:
        """1: shown on the Official Account's page."""
    @property
    def nearby_display_status(self) -> int | None:
        """1: shown in "nearby mini programs", which forbids unlinking."""
    @property
    def released(self) -> int | None:
        """1: published."""
    @property
    def headimg_url(self) -> str | None:
        """The URL of the picture."""
    @property
    def func_infos(self) -> tuple[FuncInfo, ...]:
        """WeChat verification (id 1), WeChat Pay (id 2) and the like."""
    @property
    def copy_verify_status(self) -> int | None:
        """Seen as 1; WeChat does not document its meaning."""
    @property
    def email(self) -> str | None:
        """The e-mail address of the mini program."""
    @property
    def extra(self) -> dict[str, Any]:
        """All other fields, and fields whose value has an unexpected type."""
    def matches_id(self, appid_or_gh_id: str) -> bool:
        """Whether the item has this appid or original id (`gh_…`)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class FuncInfo:
    """A capability of a mini program."""

    @property
    def id(self) -> int | None:
        """1: WeChat verification; 2: WeChat Pay."""
    @property
    def status(self) -> int | None:
        """0: closed; 1: open."""
    @property
    def name(self) -> str | None:
        """The name, in Chinese."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class LinkProgress:
    """The state of a link, as `ensure_linked` and `wait_linked` determined it."""

    @property
    def status(self) -> Status:
        """OK, PENDING, DECLINED, VANISHED or IN_DOUBT; of a failed call, its error's status."""
    @property
    def state(self) -> Literal["linked", "pending", "declined", "vanished", "in_doubt", "unknown"]:
        """The state of the link."""
    @property
    def linked(self) -> bool:
        """Whether the mini program is linked."""
    @property
    def waits_for(self) -> Literal["", "official_account", "mini_program"]:
        """Whose administrator has to act; empty if no action is awaited."""
    @property
    def posts(self) -> int:
        """How many links were posted of which WeChat may have seen anything."""
    @property
    def retry_after(self) -> float:
        """Seconds for which an earlier invitation may still take effect; 0 unless in doubt."""
    @property
    def item(self) -> MiniProgram | None:
        """The list's item as it was last seen; None if it was not in the list."""
    @property
    def message(self) -> str:
        """What happened and what to do; empty if linked."""
    @property
    def delivery(self) -> Delivery:
        """Whether WeChat may have seen the request: "never sent", "unknown" or "answered"."""
    @property
    def trace(self) -> str:
        """Every attempt with host, phase and milliseconds, as JSON for logs and support."""
    def json(self) -> Any:
        """Returns all of it as Python objects."""

@final
class Handle:
    """A client of the core. Methods that may wait release the GIL. See `wxlink.Client`."""

    def __new__(cls, pairs: Sequence[tuple[str, str]]) -> Handle:
        """Creates a client from the keys and values of its options."""
    def derive(self, pairs: Sequence[tuple[str, str]]) -> Handle:
        """Returns a handle on the same connections with options and cancellation of its own."""
    def set_ticket(self, ticket: str) -> None:
        """See `wxlink.Client.set_ticket`."""
    def add_account(self, appid: str, refresh_token: str) -> None:
        """See `wxlink.Client.add_account`."""
    def accept_push(self, query: str, body: bytes) -> AcceptedPush:
        """See `wxlink.Client.accept_push`."""
    def authorization_url(self, redirect_uri: str, account: str | None) -> AuthorizationUrl:
        """See `wxlink.Client.authorization_url`."""
    def accept_authorization(self, code: str) -> Authorization:
        """See `wxlink.Client.accept_authorization`."""
    def account_info(self, account: str) -> AccountInfo:
        """See `wxlink.Client.account_info`."""
    def stats(self) -> Stats:
        """See `wxlink.Client.stats`."""
    def cancel(self) -> None:
        """Ends the calls of this handle and makes later ones fail. Others are not affected."""
    def link_miniprogram(
        self, access_token: str | None, appid: str, notify_users: bool, show_profile: bool
    ) -> Response:
        """See `wxlink.Client.link_miniprogram`."""
    def get_linked(self, access_token: str | None) -> LinkList:
        """See `wxlink.Client.get_linked`."""
    def unlink_miniprogram(self, access_token: str | None, appid: str) -> Response:
        """See `wxlink.Client.unlink_miniprogram`."""
    def ensure_linked(
        self,
        access_token: str | None,
        appid: str,
        notify_users: bool,
        show_profile: bool,
        wait: float,
    ) -> LinkProgress:
        """See `wxlink.Client.ensure_linked`; `wait` is in seconds."""
    def wait_linked(
        self, access_token: str | None, appid_or_gh_id: str, wait: float
    ) -> LinkProgress:
        """See `wxlink.Client.wait_linked`; `wait` is in seconds."""

class _JobSettings(TypedDict):
    notify_users: bool | None
    show_profile: bool | None
    workers: int
    rate: str
    account_rate: str
    encoding: BulkEncoding | None
    sheet: str | None

class _ResultFields(TypedDict):
    line: int
    account: str
    appid: str
    outcome: BulkOutcome
    errcode: int
    rid: str
    message: str
    until: int | None
    other: dict[str, str]

class _OverQuotaAccount(TypedDict):
    account: str
    posts: int

class _UnreadableAccount(TypedDict):
    account: str
    message: str

class _PlanFields(TypedDict):
    post: int
    over_quota: int
    linked: int
    pending: int
    declined: int
    duplicate: int
    unreadable: int
    notifying: int
    notified_accounts: int
    accounts_over_quota: list[_OverQuotaAccount]
    accounts_unreadable: list[_UnreadableAccount]

@final
class Job:
    """A job of many links. `wxlink.Bulk` is its public face."""

    def __new__(
        cls,
        handle: Handle,
        rows: object,
        folder: Path | None,
        resume: Literal["pending", "failed"] | None,
        settings: _JobSettings,
    ) -> Job:
        """Creates or opens a job in a folder; without a folder, in a temporary one.

        resume: opens an existing job; "pending" does the rows that are left, "failed" does failed
            rows again too
        """

    def next(self) -> _ResultFields | None:
        """The next result; None at the end. The first call starts the work."""

    def plan(self, monthly_links: int) -> _PlanFields:
        """What the job would do, found out without posting anything."""

    def stop(self) -> None:
        """Stops the work: rows in progress are completed, no others are started."""

    def close(self) -> None:
        """Stops the work, discards waiting results, and releases the folder."""

    def check(self) -> None:
        """Raises the failure of the work, once."""

    def report(self) -> Path:
        """Writes a CSV file for each outcome and returns their folder."""

    def counts(self) -> dict[BulkOutcome, int]:
        """How many rows have each outcome."""

    @property
    def done(self) -> int:
        """How many rows have an outcome."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    @property
    def left(self) -> int:
        """How many rows are left."""

    @property
    def dir(self) -> Path:
        """The job's folder."""

    @property
    def end(self) -> BulkEnd | None:
        """How the work ended; None if it has not."""

def check_option(key: str, value: str) -> None:
    """Raises ArgumentError if the option does not accept the value."""

def command(arguments: Sequence[str]) -> int:
    """Runs the command `wxlink` and returns its exit code."""

@final
class OptionEntry:
    """An option of a client, as the core's table describes it."""

    @property
    def key(self) -> str:
        """The key, such as "timeout_ms"."""
    @property
    def default(self) -> str:
        """The default; empty for none."""
    @property
    def takes(self) -> str:
        """The values that the option takes."""
    @property
    def doc(self) -> str:
        """What the option is for."""

def options_table() -> list[OptionEntry]:
    """Returns every option, in the order of the documentation."""

@final
class ErrcodeEntry:
    """What is known of one of WeChat's errcodes."""

    @property
    def name(self) -> str:
        """The name, such as "LINK_MESSAGE_SENT"."""
    @property
    def class_(self) -> ErrcodeClass:
        """What to do next."""
    @property
    def meaning(self) -> str:
        """The meaning, in the language that was asked for."""
    @property
    def remedy(self) -> str:
        """The remedy, in the language that was asked for."""

def explain(
    errcode: int,
    endpoint: Endpoint | None = None,
    lang: Literal["en", "zh"] = "en",
) -> ErrcodeEntry | None:
    """Looks up an errcode; None if it is unknown.

    endpoint: the endpoint that answered; None for the entry that holds for every endpoint
    lang: the language of the meaning and the remedy
    """

def read_list(body: bytes) -> LinkList:
    """Reads the list from the body of a response, as `get_linked` does.

    Raises ValueError if the body contains no valid list.
    """
