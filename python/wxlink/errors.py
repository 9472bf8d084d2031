"""The exceptions of wxlink.

The tree shows what a caller may do next::

    WxError
    ├── ArgumentError (ValueError)           an argument is invalid; nothing was sent
    ├── NotSentError                         nothing was sent: call again
    │   ├── NotSentTimeoutError (TimeoutError)
    │   └── TicketError                      pass the ticket that WeChat pushes, call again
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
    ├── CallCancelledError                   the client was cancelled or is closed
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
        "link",
        "get",
        "unlink",
        "component_token",
        "authorizer_token",
        "authorizer_list",
        "create_preauthcode",
        "query_auth",
        "authorizer_info",
        "rid",
    ]


class WxError(Exception):
    """Any failure of wxlink. Its text gives the reason and the remedy in the client's language."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields["message"])
        self._fields = fields
        self._progress: LinkProgress | None = None

    @property
    def status(self) -> Status:
        """The name of the status, such as "API" or "TIMEOUT"."""
        return self._fields["status"]  # type: ignore[no-any-return]

    @property
    def status_code(self) -> int:
        """The number of the status, as in the C interface."""
        return self._fields["status_code"]  # type: ignore[no-any-return]

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint that was called, such as "link"; None if none was."""
        return self._fields["endpoint"]  # type: ignore[no-any-return]

    @property
    def delivery(self) -> Delivery:
        """Whether WeChat may have seen the request: "never sent", "unknown" or "answered"."""
        return self._fields["delivery"]  # type: ignore[no-any-return]

    @property
    def http_status(self) -> int:
        """The HTTP status of the last response, 0 if there was none."""
        return self._fields["http_status"]  # type: ignore[no-any-return]

    @property
    def trace(self) -> str:
        """Every attempt with host, phase and milliseconds, as JSON for logs and support."""
        return self._fields["trace"]  # type: ignore[no-any-return]

    @property
    def progress(self) -> LinkProgress | None:
        """The state that ensure_linked or wait_linked knew when it failed; otherwise None."""
        return self._progress

    def __reduce__(self) -> tuple[Any, ...]:
        return _make, (self._fields,)


class ArgumentError(WxError, ValueError):
    """An argument or option is invalid; nothing was sent."""


class NotSentError(WxError):
    """Nothing was sent: it is safe to call again."""


class NotSentTimeoutError(NotSentError, TimeoutError):
    """The time limit passed before anything was sent."""


class TicketError(NotSentError):
    """WeChat refuses the platform's ticket, so there is no access token.

    Pass the component_verify_ticket that WeChat pushes to `set_ticket`, then call again.
    """


class OutcomeUnknownError(WxError):
    """The request was sent, but there is no verdict: read the list before you call again."""


class OutcomeUnknownTimeoutError(OutcomeUnknownError, TimeoutError):
    """The time limit passed after the request was sent."""


class BadAnswerError(OutcomeUnknownError):
    """The response is not one of WeChat's: read the list before you call again."""


class ApiError(WxError):
    """WeChat answered an errcode other than 0."""

    @property
    def code(self) -> int:
        """WeChat's errcode."""
        return self._fields["code"]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The name of the errcode in wxlink's table; empty for an unknown errcode."""
        return self._fields["name"]  # type: ignore[no-any-return]

    @property
    def class_(self) -> ErrcodeClass:
        """What to do next; empty for an unknown errcode."""
        return self._fields["class_"]  # type: ignore[no-any-return]

    @property
    def meaning(self) -> str:
        """The meaning of the errcode."""
        return self._fields["meaning"]  # type: ignore[no-any-return]

    @property
    def remedy(self) -> str:
        """The remedy."""
        return self._fields["remedy"]  # type: ignore[no-any-return]

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without any action."""
        return self._fields["retryable"]  # type: ignore[no-any-return]

    @property
    def errmsg(self) -> str:
        """WeChat's free text. Do not base decisions on it."""
        return self._fields["errmsg"]  # type: ignore[no-any-return]

    @property
    def rid(self) -> str:
        """The request id that WeChat's support asks for."""
        return self._fields["rid"]  # type: ignore[no-any-return]

    @property
    def hint(self) -> str:
        """The hint in the errmsg, if there is one."""
        return self._fields["hint"]  # type: ignore[no-any-return]

    @property
    def request_ip(self) -> str:
        """The caller's address as WeChat saw it, if it is in the errmsg."""
        return self._fields["request_ip"]  # type: ignore[no-any-return]

    @property
    def body(self) -> bytes:
        """The body of the response, byte for byte."""
        return self._fields["body"]  # type: ignore[no-any-return]


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
    """The client was cancelled during the call, or closed before it.

    The text says what was done, `delivery` whether anything was sent.
    """


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
    if fields["status"] == "NO_TOKEN" and fields.get("class_") == "ticket":
        return TicketError
    if fields["status"] in _BY_STATUS:
        return _BY_STATUS[fields["status"]]
    groups = (kind for last, kind in _BY_GROUP if fields["status_code"] >= last)
    return next(groups, InternalError)


def _make(fields: dict[str, Any]) -> WxError:
    return _kind(fields)(fields)


# BEGIN generated: statuses. Written by `make generate`; do not edit.
_STATUS_CODES: dict[Status, int] = {
    "OK": 0,
    "NULL_POINTER": -1,
    "NOT_UTF8": -2,
    "BAD_VALUE": -3,
    "BAD_OPTION": -4,
    "BUFFER": -5,
    "NOT_FOUND": -6,
    "BAD_PUSH": -7,
    "RESOLVE": -20,
    "CONNECT": -21,
    "TLS": -22,
    "PROXY": -23,
    "TIMEOUT_UNSENT": -24,
    "NO_TOKEN": -25,
    "STORE": -26,
    "TIMEOUT": -40,
    "CONNECTION_LOST": -41,
    "IN_DOUBT": -42,
    "BAD_ANSWER": -60,
    "TOO_LARGE": -61,
    "API": -70,
    "PENDING": -80,
    "DECLINED": -81,
    "VANISHED": -82,
    "CANCELLED": -90,
    "FORKED": -91,
    "INTERNAL": -99,
}
# END generated: statuses.


def before_call(status: Status, message: str) -> WxError:
    """Returns the exception for a failure before a call was made."""
    return _make(
        {
            "message": message,
            "status": status,
            "status_code": _STATUS_CODES[status],
            "endpoint": None,
            "delivery": "never sent",
            "http_status": 0,
            "trace": "{}",
        }
    )
