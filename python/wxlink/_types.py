"""Types for those who check types: nothing imports them when a program runs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import IO, Any, Literal, TypeAlias, TypedDict, TypeVar

from wxlink._generated import Limits, Options, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wxlink.errors import Endpoint

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
    "ConnectionStats",
    "EndpointStats",
    "Latency",
    "LatencyBucket",
    "Limits",
    "Options",
    "PushAction",
    "Stats",
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


class LatencyBucket(TypedDict):
    """The calls that took less than `below_us`, and not less than that of the bucket before."""

    below_us: int
    calls: int


class Latency(TypedDict):
    """How long calls took, in microseconds, in ascending order. Empty buckets are left out."""

    sum_us: int
    max_us: int
    buckets: list[LatencyBucket]


class EndpointStats(TypedDict):
    """The calls of one endpoint, each with the fetch of its token, its retries and pauses."""

    calls: int
    outcomes: dict[Status, int]
    retries: int
    delivery_unknown: int
    latency: Latency


class ConnectionStats(TypedDict):
    """The connections that were opened, the attempts that reused one, and those idle now."""

    opened: int
    reused: int
    idle: int


class Stats(TypedDict):
    """What a client, and those that share its connections, have done since it was created."""

    errcode: int
    errmsg: str
    since: int
    endpoints: dict[Endpoint, EndpointStats]
    in_doubt: int
    tokens_fetched: int
    connections: ConnectionStats


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
