"""Types for those who check types: nothing imports them when a program runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Literal, TypeAlias, TypedDict, TypeVar

T = TypeVar("T")

Token: TypeAlias = str | Callable[[], str] | None


class Limits(TypedDict, total=False):
    """What a handle may have otherwise than the client it comes from."""

    timeout: float
    connect_timeout: float
    max_retries: int
    lang: Literal["en", "zh"]
    account: str


class Options(Limits, total=False):
    """Everything a client may be told."""

    base_url: str | Iterable[str]
    keep_alive: float
    proxy: str
    ca_file: str | os.PathLike[str]
    trust: Literal["system", "bundled"]
    user_agent: str
    max_response_bytes: int
    access_token: str
    token_command: str
    component_appid: str
    component_appsecret: str
    store: str


# On their way; for somebody to act; to be done again.
BulkOutcome: TypeAlias = (
    Literal["linked", "invited", "pending"]
    | Literal["declined", "refused", "no_access"]
    | Literal["deferred", "failed", "unknown"]
)
# With nothing left; with rows left.
BulkEnd: TypeAlias = Literal["finished"] | Literal["stopped", "outage", "no_access"]
BulkRow: TypeAlias = Mapping[str, Any] | tuple[Any, ...] | list[Any]
BulkRows: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | Iterable[BulkRow]


class BulkOptions(TypedDict, total=False):
    """How a job of many links is done."""

    job: str | os.PathLike[str] | None
    resume: bool
    retry_failed: bool
    notify_users: bool | None
    show_profile: bool | None
    workers: int
    rate: str
    account_rate: str
    progress: bool | Callable[[int, int, dict[BulkOutcome, int]], object] | None
