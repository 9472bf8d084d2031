"""Types for those who check types: nothing imports them when a program runs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import IO, Any, Literal, TypeAlias, TypedDict, TypeVar

from wxlink._generated import Limits, Options

__all__ = [
    "AsyncToken",
    "BulkEnd",
    "BulkOptions",
    "BulkOutcome",
    "BulkRow",
    "BulkRows",
    "Limits",
    "Options",
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
BulkRow: TypeAlias = Mapping[str, Any] | tuple[Any, ...] | list[Any]
BulkRows: TypeAlias = str | os.PathLike[str] | IO[bytes] | IO[str] | Iterable[BulkRow]


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
    progress: bool | Callable[[int, int, dict[BulkOutcome, int]], object] | None
