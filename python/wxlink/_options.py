"""Options: keyword arguments of Python's types become the core's texts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal, TypedDict


class Limits(TypedDict, total=False):
    """What a handle may have otherwise than the client it comes from."""

    timeout: float
    connect_timeout: float
    max_retries: int
    lang: Literal["en", "zh"]


class Options(Limits, total=False):
    """Everything a client may be told."""

    base_url: str | Iterable[str]
    keep_alive: float
    proxy: str
    ca_file: str | os.PathLike[str]
    trust: Literal["system", "bundled"]
    user_agent: str
    max_response_bytes: int


# In Python times are seconds, as everywhere in its library.
_SECONDS = {
    "timeout": "timeout_ms",
    "connect_timeout": "connect_timeout_ms",
    "keep_alive": "keep_alive_ms",
}


def as_texts(options: Options | Limits) -> list[tuple[str, str]]:
    """Keys and values as the core takes them. It checks the values itself."""
    return [_as_text(key, value) for key, value in options.items() if value is not None]


def _as_text(key: str, value: object) -> tuple[str, str]:
    if key in _SECONDS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{key} must be a number of seconds, not {value!r}")
        return _SECONDS[key], f"{value * 1000:.0f}"
    if key == "base_url" and not isinstance(value, str):
        if not isinstance(value, Iterable):
            raise TypeError("base_url must be a URL or several")
        return key, ",".join(str(url) for url in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, os.PathLike):
        return key, os.fspath(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return key, str(value)
