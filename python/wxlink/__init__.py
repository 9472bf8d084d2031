"""Links WeChat mini programs to Official Accounts.

    import wxlink

    with wxlink.Client() as client:
        progress = client.ensure_linked(
            token, "wx0b00000000000001", notify_users=False, show_profile=True
        )
        print(progress.state, progress.waits_for)  # pending official_account

A link starts with an invitation: the administrator of the Official Account must agree, then that of
the mini program. `Client.ensure_linked` can be repeated after any failure by calls that share a
store.
"""

from __future__ import annotations

from wxlink._client import Client
from wxlink._core import (
    FuncInfo,
    LinkList,
    LinkProgress,
    MiniProgram,
    Response,
    __version__,
)
from wxlink.errors import (
    ActionRequiredError,
    ApiError,
    ArgumentError,
    BadAnswerError,
    BusyError,
    CallCancelledError,
    ForkedError,
    InternalError,
    InvalidRequestError,
    NotSentError,
    NotSentTimeoutError,
    OutcomeUnknownError,
    OutcomeUnknownTimeoutError,
    PendingError,
    QuotaError,
    TicketError,
    TokenError,
    WxError,
)

# Modules that take long to import are imported on first use. `typing` is one of them, so it is not
# imported here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wxlink import sandbox
    from wxlink._aio import AsyncClient
    from wxlink._bulk import Bulk, BulkPlan, BulkResult, OverQuotaAccount, UnreadableAccount
    from wxlink._bulk_aio import AsyncBulk
    from wxlink._status import LinkStatus


def __getattr__(name: str) -> Any:
    found: object
    if name == "sandbox":
        # `from wxlink import sandbox` would call this function again.
        from importlib import import_module

        found = import_module("wxlink.sandbox")
    elif name == "AsyncClient":
        from wxlink._aio import AsyncClient

        found = AsyncClient
    elif name == "AsyncBulk":
        from wxlink._bulk_aio import AsyncBulk

        found = AsyncBulk
    elif name in ("Bulk", "BulkPlan", "BulkResult", "OverQuotaAccount", "UnreadableAccount"):
        from wxlink import _bulk

        found = getattr(_bulk, name)
    elif name == "LinkStatus":
        from wxlink._status import LinkStatus

        found = LinkStatus
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "ActionRequiredError",
    "ApiError",
    "ArgumentError",
    "AsyncBulk",
    "AsyncClient",
    "BadAnswerError",
    "Bulk",
    "BulkPlan",
    "BulkResult",
    "BusyError",
    "CallCancelledError",
    "Client",
    "ForkedError",
    "FuncInfo",
    "InternalError",
    "InvalidRequestError",
    "LinkList",
    "LinkProgress",
    "LinkStatus",
    "MiniProgram",
    "NotSentError",
    "NotSentTimeoutError",
    "OutcomeUnknownError",
    "OutcomeUnknownTimeoutError",
    "OverQuotaAccount",
    "PendingError",
    "QuotaError",
    "Response",
    "TicketError",
    "TokenError",
    "UnreadableAccount",
    "WxError",
    "__version__",
    "sandbox",
]
