"""Why a call did not end with a yes.

The tree says what you may do next::

    WxError
    ├── ArgumentError (ValueError)       correct the call; nothing was sent
    ├── NotSentError                          nothing was sent: call again
    │   └── NotSentTimeoutError (TimeoutError)
    ├── OutcomeUnknownError                   it was sent and no verdict came: read the list first;
    │   │                                a call that only reads may simply be repeated
    │   ├── OutcomeUnknownTimeoutError (TimeoutError)
    │   └── BadAnswerError                    what came is no answer of WeChat's
    ├── ApiError                         WeChat answered another errcode
    │   ├── PendingError                 on its way or done: wait, do not link again
    │   ├── TokenError                   get another access token and call again, once
    │   ├── BusyError                    wait a little and call again
    │   ├── QuotaError                   call again when the minute, day or month is over
    │   ├── ActionRequiredError                   an administrator or operator must act first
    │   └── InvalidRequestError                  correct the call
    ├── CallCancelledError                        the handle was cancelled
    ├── ForkedError (RuntimeError)            made before a fork, used in the child: make another
    └── InternalError                    a fault in wxlink

No exception ever holds an access token, in no attribute and no text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wxlink._core import LinkProgress


class WxError(Exception):
    """Any failure of wxlink. Its text is one sentence with the remedy, in the client's language."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self._fields = fields
        self.status: str = fields["status"]
        """The status' name, such as "API" or "TIMEOUT"."""
        self.status_code: int = fields["status_code"]
        """The status' number, as in the C interface."""
        self.endpoint: str | None = fields["endpoint"]
        """What was called: "link", "get", "unlink", or None if it did not come to that."""
        self.delivery: str = fields["delivery"]
        """Whether WeChat may have seen the request: "never sent", "unknown" or "answered"."""
        self.http_status: int = fields["http_status"]
        """The HTTP status of the last answer, 0 if there was none."""
        self.trace: str = fields["trace"]
        """Every attempt with host, phase and milliseconds, as JSON for logs and support."""
        self.progress: LinkProgress | None = None
        """What ensure_linked or wait_linked knew when it failed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._fields,)


class ArgumentError(WxError, ValueError):
    """An argument or option is wrong; nothing was sent."""


class NotSentError(WxError):
    """Nothing was sent: calling again cannot do anything twice."""


class NotSentTimeoutError(NotSentError, TimeoutError):
    """The time ran out before anything was sent."""


class OutcomeUnknownError(WxError):
    """It was sent and no verdict came back: read the list before you link again."""


class OutcomeUnknownTimeoutError(OutcomeUnknownError, TimeoutError):
    """The time ran out after it was sent."""


class BadAnswerError(OutcomeUnknownError):
    """What came back is no answer of WeChat's: read the list before you link again."""


class ApiError(WxError):
    """WeChat answered an errcode other than 0."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.code: int = fields["code"]
        """WeChat's errcode."""
        self.name: str = fields["name"]
        """Its name in the catalogue, empty for a code nobody has described."""
        self.class_: str = fields["class_"]
        """What to do in a word: "ok", "pending", "token", "busy", "quota", "action_required", "invalid_request" or ""."""
        self.meaning: str = fields["meaning"]
        """What it means."""
        self.remedy: str = fields["remedy"]
        """What to do about it."""
        self.retryable: bool = fields["retryable"]
        """Whether the same call may succeed later without anybody acting."""
        self.errmsg: str = fields["errmsg"]
        """WeChat's free text. Never decide by it."""
        self.rid: str = fields["rid"]
        """The id WeChat's support asks for."""
        self.hint: str = fields["hint"]
        """The hint some answers carry."""
        self.request_ip: str = fields["request_ip"]
        """The calling address as WeChat saw it, where it said so."""
        self.body: bytes = fields["body"]
        """The answer byte for byte."""


class PendingError(ApiError):
    """On its way already, or done already: no failure. Wait, do not link again."""


class TokenError(ApiError):
    """WeChat refused the access token: get another one and call again, once."""


class BusyError(ApiError):
    """WeChat is busy: wait a little. After -1 it may have acted: read the list before you link again."""


class QuotaError(ApiError):
    """A quota is used up: call again when the minute, day or month is over."""


class ActionRequiredError(ApiError):
    """An administrator or operator must act first."""


class InvalidRequestError(ApiError):
    """The call is wrong: correct it."""


class CallCancelledError(WxError):
    """The call was cancelled; its text says what was done, and `delivery` whether anything was sent."""


class ForkedError(WxError, RuntimeError):
    """The client was made before a fork and used in the child: make one there."""


class InternalError(WxError):
    """wxlink could not do its part."""


_BY_CLASS: dict[str, type[ApiError]] = {
    "ok": PendingError,
    "pending": PendingError,
    "token": TokenError,
    "busy": BusyError,
    "quota": QuotaError,
    "action_required": ActionRequiredError,
    "invalid_request": InvalidRequestError,
}
_BY_STATUS: dict[str, type[WxError]] = {
    "TIMEOUT_UNSENT": NotSentTimeoutError,
    "TIMEOUT": OutcomeUnknownTimeoutError,
    "CONNECTION_LOST": OutcomeUnknownError,
    "CANCELLED": CallCancelledError,
    "FORKED": ForkedError,
    "INTERNAL": InternalError,
}
# A status that is not told by name is told by its group, so that new ones have a place.
_BY_GROUP: list[tuple[int, type[WxError]]] = [
    (-19, ArgumentError),
    (-39, NotSentError),
    (-59, OutcomeUnknownError),
    (-69, BadAnswerError),
]


def _kind(fields: dict[str, Any]) -> type[WxError]:
    if fields["status"] == "API":
        return _BY_CLASS.get(fields["class_"], ApiError)
    if fields["status"] in _BY_STATUS:
        return _BY_STATUS[fields["status"]]
    groups = (kind for last, kind in _BY_GROUP if fields["status_code"] >= last)
    return next(groups, InternalError)


def _make(fields: dict[str, Any]) -> WxError:
    return _kind(fields)(fields)
