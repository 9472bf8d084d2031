"""Converts keyword arguments to the option texts of the core."""

from __future__ import annotations

import os

from wxlink._arguments import check_flags, check_integers, check_path, is_number, kind_of
from wxlink.errors import before_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wxlink._types import Limits, Options

# BEGIN generated: options. Written by `make generate`; do not edit.
# The lowest and the highest number of seconds.
_TIMES = {
    "timeout": (0.001, 3600.0),
    "connect_timeout": (0.001, 3600.0),
    "settle": (0.0, 3600.0),
    "keep_alive": (0.0, 3600.0),
}
_INTEGERS = [
    "max_retries",
    "max_response_bytes",
]
_FLAGS = [
    "reinvite",
]
_TEXTS = [
    "base_url",
    "proxy",
    "ca_file",
    "trust",
    "user_agent",
    "lang",
    "account",
    "access_token",
    "token_command",
    "component_appid",
    "component_appsecret",
    "push_token",
    "push_aes_key",
    "store",
]
# Those that a derived client may have for itself.
_LIMITS = [
    "timeout",
    "connect_timeout",
    "max_retries",
    "settle",
    "reinvite",
    "lang",
    "account",
]
# END generated: options.


def as_texts(options: Options | Limits, *, derived: bool = False) -> list[tuple[str, str]]:
    """Returns keys and values for the core, which checks all values but times.

    derived: for a client that shares the connections of another
    """
    is_chinese = options.get("lang") == "zh"
    for key in options:
        if message := _check_key(key, derived, is_chinese):
            raise before_call("BAD_OPTION", message)
    return [_as_text(key, value, is_chinese) for key, value in options.items() if value is not None]


def _check_key(key: str, derived: bool, is_chinese: bool) -> str:
    """Returns why an option cannot be set; empty if it can."""
    all_keys = [*_TIMES, *_INTEGERS, *_FLAGS, *_TEXTS]
    keys = _LIMITS if derived else all_keys
    if key in keys:
        return ""
    listed = ", ".join(keys)
    if key in all_keys:
        if is_chinese:
            return f"选项 {key} 由共享连接的客户端共用。with_options 可用的选项有 {listed}"
        return (
            f"option {key} is the same for all clients that share connections. "
            f"with_options takes {listed}"
        )
    # Takes long to import.
    from difflib import get_close_matches

    near = get_close_matches(key.lower().removesuffix("_ms"), keys, 1)
    if is_chinese:
        advice = f"是否想写 {near[0]}？" if near else f"可用的选项有 {listed}"
        return f"未知选项 {key}；{advice}"
    advice = f"do you mean {near[0]}?" if near else f"expected one of {listed}"
    return f"unknown option {key}; {advice}"


def _as_text(key: str, value: object, is_chinese: bool) -> tuple[str, str]:
    if key in _TIMES:
        if not is_number(value):
            raise TypeError(f"{key} must be a number of seconds, not {kind_of(value)}")
        low, high = _TIMES[key]
        if not low <= value <= high:
            raise before_call(
                "BAD_OPTION",
                f"选项 {key} 应为 {low:g} 至 {high:g} 秒"
                if is_chinese
                else f"option {key} takes {low:g} to {high:g} s",
            )
        # The core counts whole milliseconds. A short time does not become none.
        return f"{key}_ms", f"{max(value * 1000, 1 if value else 0):.0f}"
    if key in _INTEGERS:
        check_integers(**{key: value})
        return key, str(value)
    if key in _FLAGS:
        check_flags(**{key: value})
        return key, "yes" if value else "no"
    if isinstance(value, str):
        return key, value
    if key == "base_url":
        from collections.abc import Iterable

        urls: list[object] = list(value) if isinstance(value, Iterable) else [value]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        texts = [url for url in urls if isinstance(url, str)]
        if len(texts) < len(urls):
            wrong = next(url for url in urls if not isinstance(url, str))
            raise TypeError(f"base_url must be a str or several, not {kind_of(wrong)}")
        return key, ",".join(texts)
    if key == "ca_file":
        check_path(ca_file=value)
        return key, os.fsdecode(value)  # type: ignore[arg-type]  # pyright: ignore
    raise TypeError(f"{key} must be a str, not {kind_of(value)}")
