"""Converts keyword arguments to the option texts of the core."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wxlink._types import Limits, Options

# Times are seconds, as in Python's standard library.
# BEGIN generated: times. Written by `make generate`; do not edit.
_SECONDS = {
    "timeout": "timeout_ms",
    "connect_timeout": "connect_timeout_ms",
    "settle": "settle_ms",
    "keep_alive": "keep_alive_ms",
}
# END generated: times.


def as_texts(options: Options | Limits) -> list[tuple[str, str]]:
    """Returns keys and values for the core, which checks the values."""
    return [_as_text(key, value) for key, value in options.items() if value is not None]


def _as_text(key: str, value: object) -> tuple[str, str]:
    if key in _SECONDS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{key} must be a number of seconds, not {value!r}")
        return _SECONDS[key], f"{value * 1000:.0f}"
    if key == "base_url" and not isinstance(value, str):
        from collections.abc import Iterable

        if not isinstance(value, Iterable):
            raise TypeError("base_url must be a URL or an iterable of URLs")
        return key, ",".join(str(url) for url in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, bool):
        return key, "yes" if value else "no"
    if isinstance(value, os.PathLike):
        return key, os.fspath(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return key, str(value)
