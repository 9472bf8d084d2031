from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, final, overload

from wxlink._types import BulkEnd, BulkOutcome

__all__ = [
    "Answer",
    "FuncInfo",
    "Handle",
    "Job",
    "LinkProgress",
    "LinkList",
    "MiniProgram",
    "__version__",
    "check_option",
    "command",
    "explain",
    "options_table",
    "read_list",
]

__version__: str

@final
class Answer:
    @property
    def errcode(self) -> int: ...
    @property
    def errmsg(self) -> str: ...
    @property
    def rid(self) -> str: ...
    @property
    def http_status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def trace(self) -> str: ...
    def json(self) -> Any: ...

@final
class LinkList:
    @property
    def answer(self) -> Answer: ...
    def find(self, appid_or_username: str) -> MiniProgram | None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> MiniProgram: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[MiniProgram, ...]: ...
    def __iter__(self) -> Iterator[MiniProgram]: ...

@final
class MiniProgram:
    @property
    def status(self) -> int | None: ...
    @property
    def username(self) -> str | None: ...
    @property
    def appid(self) -> str | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def nickname(self) -> str | None: ...
    @property
    def selected(self) -> int | None: ...
    @property
    def nearby_display_status(self) -> int | None: ...
    @property
    def released(self) -> int | None: ...
    @property
    def headimg_url(self) -> str | None: ...
    @property
    def func_infos(self) -> tuple[FuncInfo, ...]: ...
    @property
    def copy_verify_status(self) -> int | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def extra(self) -> dict[str, Any]: ...
    def is_(self, appid_or_username: str) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class FuncInfo:
    @property
    def id(self) -> int | None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def name(self) -> str | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class LinkProgress:
    @property
    def status(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def linked(self) -> bool: ...
    @property
    def waits_for(self) -> str: ...
    @property
    def posts(self) -> int: ...
    @property
    def item(self) -> dict[str, Any] | None: ...
    @property
    def message(self) -> str: ...
    @property
    def trace(self) -> str: ...
    def json(self) -> Any: ...

@final
class Handle:
    def __new__(cls, pairs: Sequence[tuple[str, str]]) -> Handle: ...
    def derive(self, pairs: Sequence[tuple[str, str]]) -> Handle: ...
    def set_ticket(self, ticket: str) -> None: ...
    def add_account(self, appid: str, refresh_token: str) -> None: ...
    def cancel(self) -> None: ...
    def link_miniprogram(
        self, access_token: str | None, appid: str, notify_users: bool, show_profile: bool
    ) -> Answer: ...
    def get_linked(self, access_token: str | None) -> LinkList: ...
    def unlink_miniprogram(self, access_token: str | None, appid: str) -> Answer: ...
    def ensure_linked(
        self, access_token: str | None, appid: str, notify_users: bool, show_profile: bool, wait: float
    ) -> LinkProgress: ...
    def wait_linked(
        self, access_token: str | None, appid_or_username: str, wait: float
    ) -> LinkProgress: ...

class _JobSettings(TypedDict):
    notify_users: bool | None
    show_profile: bool | None
    workers: int
    rate: str
    account_rate: str

class _ResultFields(TypedDict):
    line: int
    account: str
    appid: str
    outcome: BulkOutcome
    errcode: int
    rid: str
    message: str
    until: int | None

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

def check_option(key: str, value: str) -> None: ...
def command(arguments: Sequence[str]) -> int: ...
def options_table() -> list[tuple[str, str, str, str]]: ...
def explain(
    errcode: int, endpoint: str | None = None, lang: str = "en"
) -> tuple[str, str, str, str] | None: ...
def read_list(body: bytes) -> LinkList: ...
