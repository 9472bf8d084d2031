"""Types for those who check types: nothing imports them when a program runs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import IO, Any, Literal, TypeAlias, TypedDict, TypeVar

from wxlink._generated import Limits, Options

__all__ = [
    "AcceptedPush",
    "AccountInfo",
    "AsyncToken",
    "Authorization",
    "AuthorizationUrl",
    "BulkEncoding",
    "BulkEnd",
    "BulkOptions",
    "BulkOutcome",
    "BulkRow",
    "BulkRows",
    "Limits",
    "Options",
    "PushAction",
    "T",
    "Token",
]

T = TypeVar("T")

Token: TypeAlias = str | Callable[[], str] | None
AsyncToken: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]] | None


# Done or pending; an action is required; to be repeated.
BulkOutcome: TypeAlias = (
    Literal["linked", "invited", "pending"]
    | Literal["declined", "refused", "no_access"]
    | Literal["deferred", "failed", "unknown"]
)
# No rows are left; rows are left.
BulkEnd: TypeAlias = Literal["finished"] | Literal["stopped", "outage", "no_access"]
# Of CSV and JSON; gb18030 includes GBK.
BulkEncoding: TypeAlias = Literal["utf-8", "utf-16", "gb18030"]
BulkRow: TypeAlias = Mapping[str, Any] | tuple[Any, ...] | list[Any]
BulkRows: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | Iterable[BulkRow]


PushAction: TypeAlias = (
    Literal["ticket_stored", "account_added", "code_stored", "code_refused", "account_removed"]
    | Literal["repeated", "outdated", "unhandled"]
)


class AcceptedPush(TypedDict):
    """A push of WeChat's that has to be answered with `success`."""

    errcode: int
    errmsg: str
    event: str
    account: str | None
    create_time: int
    action: PushAction
    reason: str
    fields: dict[str, Any] | None


class AuthorizationUrl(TypedDict):
    """The URLs of the pages on which an account authorises the platform. They are secret."""

    errcode: int
    errmsg: str
    computer_url: str
    phone_url: str
    expires_in: int


class Authorization(TypedDict):
    """An account that has authorised the platform."""

    errcode: int
    errmsg: str
    account: str
    permission_sets: list[int] | None
    may_link: bool | None


class AccountInfo(TypedDict):
    """What WeChat says about an account."""

    errcode: int
    errmsg: str
    account: str
    name: str
    gh_id: str
    subject: str
    kind: Literal["official_account", "mini_program"]
    service_type: int | None
    status: Literal["normal", "closed", "banned", "warned", "frozen", "unknown"]
    permission_sets: list[int] | None
    may_link: bool | None


class BulkOptions(TypedDict, total=False):
    """How a job of many links is run."""

    job: str | os.PathLike[str] | None
    resume: bool
    retry_failed: bool
    notify_users: bool | None
    show_profile: bool | None
    workers: int
    rate: str
    account_rate: str
    encoding: BulkEncoding | None
    sheet: str | None
    progress: bool | Callable[[int, int, dict[BulkOutcome, int]], object] | None
