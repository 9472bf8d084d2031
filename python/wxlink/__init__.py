"""Links WeChat mini programs to Official Accounts.

    import wxlink

    with wxlink.Client() as client:
        client.link_miniprogram(token, "wx0b00000000000001", notify_users=False, show_profile=True)
        for item in client.get_linked(token):
            print(item.appid, item.status)

A yes to a link means that the invitation is out: the Official Account's administrator must agree,
then the mini program's. `Client.ensure_linked` is what most callers want: it is safe to repeat.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from wxlink._client import Client
from wxlink._core import (
    Answer,
    FuncInfo,
    LinkedList,
    LinkProgress,
    MiniProgram,
    __version__,
)
from wxlink.errors import (
    ApiError,
    ArgumentError,
    BadAnswer,
    BusyError,
    CallerError,
    Cancelled,
    Forked,
    HumanError,
    InternalError,
    NotSent,
    NotSentTimeout,
    OutcomeUnknown,
    OutcomeUnknownTimeout,
    PendingError,
    QuotaError,
    TokenError,
    WxError,
)

if TYPE_CHECKING:
    from wxlink._aio import AsyncClient


class LinkStatus(IntEnum):
    """The numbers a list's item may have as its status. Others may come."""

    LINKED = 1
    AWAITING_MINI_PROGRAM = 2
    REFUSED = 3
    AWAITING_OFFICIAL_ACCOUNT = 12


def __getattr__(name: str) -> Any:
    # asyncio takes several times as long to import as all the rest: only who asks for it waits.
    if name == "AsyncClient":
        from wxlink._aio import AsyncClient

        globals()[name] = AsyncClient
        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Answer",
    "ApiError",
    "ArgumentError",
    "AsyncClient",
    "BadAnswer",
    "BusyError",
    "CallerError",
    "Cancelled",
    "Client",
    "Forked",
    "FuncInfo",
    "HumanError",
    "InternalError",
    "LinkProgress",
    "LinkStatus",
    "LinkedList",
    "MiniProgram",
    "NotSent",
    "NotSentTimeout",
    "OutcomeUnknown",
    "OutcomeUnknownTimeout",
    "PendingError",
    "QuotaError",
    "TokenError",
    "WxError",
    "__version__",
]
