"""Logs each call, and makes a span of it if the program uses OpenTelemetry.

Neither `logging` nor OpenTelemetry is imported here: a program that has not imported them cannot
have configured them.
"""

from __future__ import annotations

import sys
from time import perf_counter

from wxlink._core import LinkList, LinkProgress, Response, __version__
from wxlink.errors import WxError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from typing import Any

    from wxlink._types import T


def observed(name: str, call: Callable[[], T]) -> T:
    """Runs a call of the library, and observes it if anything listens."""
    logger = _logger()
    tracer = _tracer()
    if logger is None and tracer is None:
        return call()
    if tracer is None:
        return _logged(logger, name, call, None)
    from opentelemetry.trace import SpanKind

    with tracer.start_as_current_span(
        f"wxlink {name}",
        kind=SpanKind.CLIENT,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        return _logged(logger, name, call, span)


def _logger() -> logging.Logger | None:
    """The logger, if it writes DEBUG records."""
    imported = sys.modules.get("logging")
    if imported is None:
        return None
    logger: logging.Logger = imported.getLogger("wxlink")
    return logger if logger.isEnabledFor(imported.DEBUG) else None


def _tracer() -> Any:
    trace = sys.modules.get("opentelemetry.trace")
    return trace.get_tracer("wxlink", __version__) if trace else None


def _logged(logger: logging.Logger | None, name: str, call: Callable[[], T], span: Any) -> T:
    started = perf_counter()
    fields: dict[str, Any] = {}
    try:
        result = call()
        fields = _fields_of(result)
        return result
    except BaseException as error:
        fields = _fields_of_error(error)
        raise
    finally:
        if span is not None and span.is_recording():
            _complete(span, fields)
        if logger is not None:
            fields = {"call": name, "duration": perf_counter() - started, **fields}
            logger.debug(
                "%s: %s in %.0f ms %s",
                name,
                fields.get("status", ""),
                fields["duration"] * 1000,
                fields.get("trace", ""),
                extra={f"wxlink_{key}": value for key, value in fields.items()},
            )


def _complete(span: Any, fields: dict[str, Any]) -> None:
    from opentelemetry.trace import StatusCode

    for key, value in fields.items():
        span.set_attribute(f"wxlink.{key}", value)
    if "message" in fields:
        span.set_status(StatusCode.ERROR, fields["message"])


def _fields_of(result: object) -> dict[str, Any]:
    if isinstance(result, LinkList):
        result = result.response
    if isinstance(result, Response):
        return {
            "status": "OK",
            "errcode": result.errcode,
            "delivery": "answered",
            "rid": result.rid,
            "trace": result.trace,
        }
    if isinstance(result, LinkProgress):
        return {
            "status": result.status,
            "state": result.state,
            "posts": result.posts,
            "delivery": result.delivery,
            "trace": result.trace,
        }
    return {"status": "OK"}


def _fields_of_error(error: BaseException) -> dict[str, Any]:
    """Has no text of an exception that is not the library's: it may be anything."""
    if not isinstance(error, WxError):
        return {"status": type(error).__name__, "message": type(error).__name__}
    fields: dict[str, Any] = {
        "status": error.status,
        "delivery": error.delivery,
        "trace": error.trace,
        "message": str(error),
    }
    code, rid = getattr(error, "code", None), getattr(error, "rid", "")
    if code is not None:
        fields["errcode"] = code
        fields["rid"] = rid
    if error.progress is not None:
        fields["state"] = error.progress.state
        fields["posts"] = error.progress.posts
        fields["trace"] = error.progress.trace
    return fields
