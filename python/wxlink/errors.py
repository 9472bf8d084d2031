"""The exceptions of wxlink.

The tree shows what a caller may do next::

    WxError
    ├── ArgumentError (ValueError)           an argument is invalid; nothing was sent
    ├── NotSentError                         nothing was sent: call again
    │   └── NotSentTimeoutError (TimeoutError)
    ├── OutcomeUnknownError                  sent without a verdict: read the list first
    │   ├── OutcomeUnknownTimeoutError (TimeoutError)
    │   └── BadAnswerError                   the response is not one of WeChat's
    ├── ApiError                             WeChat answered an errcode other than 0
    │   ├── PendingError                     already invited or linked: do not link again
    │   ├── TokenError                       get another access token and call again, once
    │   ├── BusyError                        wait a little and call again
    │   ├── QuotaError                       call again after the minute, day or month
    │   ├── ActionRequiredError              an administrator or operator must act first
    │   └── InvalidRequestError              correct the call
    ├── CallCancelledError                   the client was cancelled
    ├── ForkedError (RuntimeError)           created before a fork, used in its child
    └── InternalError                        a fault in wxlink

After an OutcomeUnknownError, a call that only reads can simply be repeated. No exception contains
an access token, neither in its text nor in an attribute.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    from wxlink._core import LinkProgress
    from wxlink._generated import Delivery, ErrcodeClass, Status

    Endpoint: TypeAlias = Literal[
        "link", "get", "unlink", "component_token", "authorizer_token", "authorizer_list"
    ]


class WxError(Exception):
    """Any failure of wxlink. Its text gives the reason and the remedy in the client's language."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self._fields = fields
        self.status: Status = fields["status"]
        """The name of the status, such as "API" or "TIMEOUT"."""
        self.status_code: int = fields["status_code"]
        """The number of the status, as in the C interface."""
        self.endpoint: Endpoint | None = fields["endpoint"]
        """The endpoint that was called, such as "link"; None if none was."""
        self.delivery: Delivery = fields["delivery"]
        """Whether WeChat may have seen the request: "never sent", "unknown" or "answered"."""
        self.http_status: int = fields["http_status"]
        """The HTTP status of the last response, 0 if there was none."""
        self.trace: str = fields["trace"]
        """Every attempt with host, phase and milliseconds, as JSON for logs and support."""
        self.progress: LinkProgress | None = None
        """The state that ensure_linked or wait_linked knew when it failed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._fields,)


class ArgumentError(WxError, ValueError):
    """An argument or option is invalid; nothing was sent."""


class NotSentError(WxError):
    """Nothing was sent: it is safe to call again."""


class NotSentTimeoutError(NotSentError, TimeoutError):
    """The time limit passed before anything was sent."""


class OutcomeUnknownError(WxError):
    """The request was sent, but there is no verdict: read the list before you link again."""


class OutcomeUnknownTimeoutError(OutcomeUnknownError, TimeoutError):
    """The time limit passed after the request was sent."""


class BadAnswerError(OutcomeUnknownError):
    """The response is not one of WeChat's: read the list before you link again."""


class ApiError(WxError):
    """WeChat answered an errcode other than 0."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.code: int = fields["code"]
        """WeChat's errcode."""
        self.name: str = fields["name"]
        """The name of the errcode in wxlink's table; empty for an unknown errcode."""
        self.class_: ErrcodeClass = fields["class_"]
        """What to do next; empty for an unknown errcode."""
        self.meaning: str = fields["meaning"]
        """The meaning of the errcode."""
        self.remedy: str = fields["remedy"]
        """The remedy."""
        self.retryable: bool = fields["retryable"]
        """Whether the same call may succeed later without any action."""
        self.errmsg: str = fields["errmsg"]
        """WeChat's free text. Do not base decisions on it."""
        self.rid: str = fields["rid"]
        """The request id that WeChat's support asks for."""
        self.hint: str = fields["hint"]
        """The hint in the errmsg, if there is one."""
        self.request_ip: str = fields["request_ip"]
        """The caller's address as WeChat saw it, if it is in the errmsg."""
        self.body: bytes = fields["body"]
        """The body of the response, byte for byte."""


class PendingError(ApiError):
    """Already invited, or already linked; not a failure. Wait, do not link again."""


class TokenError(ApiError):
    """WeChat refused the access token: get another one and call again, once."""


class BusyError(ApiError):
    """WeChat is busy: wait a little. After -1 it may have acted: read the list first."""


class QuotaError(ApiError):
    """A quota is used up: call again after the minute, day or month."""


class ActionRequiredError(ApiError):
    """An administrator or operator must act first."""


class InvalidRequestError(ApiError):
    """The call is invalid: correct it."""


class CallCancelledError(WxError):
    """The call was cancelled. Its text says what was done, `delivery` whether anything was sent."""


class ForkedError(WxError, RuntimeError):
    """The client was created before a fork and used in the child: create one there."""


class InternalError(WxError):
    """A fault in wxlink, or a resource that is exhausted."""


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
# A status without a type of its own has that of its group, so that new statuses have one too.
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
