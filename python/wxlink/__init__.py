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

from wxlink._client import Client
from wxlink._core import (
    Response,
    FuncInfo,
    LinkList,
    LinkProgress,
    MiniProgram,
    __version__,
)
from wxlink.errors import (
    ApiError,
    ArgumentError,
    BadAnswerError,
    BusyError,
    InvalidRequestError,
    CallCancelledError,
    ForkedError,
    ActionRequiredError,
    InternalError,
    NotSentError,
    NotSentTimeoutError,
    OutcomeUnknownError,
    OutcomeUnknownTimeoutError,
    PendingError,
    QuotaError,
    TokenError,
    WxError,
)

# What takes longer to import than all the rest is imported when somebody asks for it; typing itself is
# that, so the module does without.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wxlink._aio import AsyncClient
    from wxlink._bulk import Bulk, BulkPlan, BulkResult
    from wxlink._bulk_aio import AsyncBulk
    from wxlink._status import LinkStatus


def __getattr__(name: str) -> Any:
    asked_for: type
    if name == "AsyncClient":
        from wxlink._aio import AsyncClient

        asked_for = AsyncClient
    elif name == "AsyncBulk":
        from wxlink._bulk_aio import AsyncBulk

        asked_for = AsyncBulk
    elif name in ("Bulk", "BulkPlan", "BulkResult"):
        from wxlink import _bulk

        asked_for = getattr(_bulk, name)
    elif name == "LinkStatus":
        from wxlink._status import LinkStatus

        asked_for = LinkStatus
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = asked_for
    return asked_for


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Response",
    "ApiError",
    "ArgumentError",
    "AsyncBulk",
    "AsyncClient",
    "BadAnswerError",
    "Bulk",
    "BulkPlan",
    "BulkResult",
    "BusyError",
    "InvalidRequestError",
    "CallCancelledError",
    "Client",
    "ForkedError",
    "FuncInfo",
    "ActionRequiredError",
    "InternalError",
    "LinkProgress",
    "LinkStatus",
    "LinkList",
    "MiniProgram",
    "NotSentError",
    "NotSentTimeoutError",
    "OutcomeUnknownError",
    "OutcomeUnknownTimeoutError",
    "PendingError",
    "QuotaError",
    "TokenError",
    "WxError",
    "__version__",
]
