"""Checks the types of arguments, so that a TypeError names the argument."""

from __future__ import annotations

import os
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sys
    from typing import Any

    if sys.version_info >= (3, 13):
        from typing import TypeIs
    else:
        from typing_extensions import TypeIs


def kind_of(value: object) -> str:
    """Returns the name of the value's type. The value itself may be a secret."""
    return "None" if value is None else type(value).__name__


def is_number(value: object) -> TypeIs[int | float]:
    """Whether it is a number, and not a bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_text(**values: object) -> None:
    """Raises TypeError unless all are strings."""
    for name, value in values.items():
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {kind_of(value)}")


def check_bytes(**values: object) -> None:
    """Raises TypeError unless all are bytes."""
    for name, value in values.items():
        if not isinstance(value, bytes):
            raise TypeError(f"{name} must be bytes, not {kind_of(value)}")


def check_flags(**values: object) -> None:
    """Raises TypeError unless all are bools. They are never guessed from other types."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be a bool, not {kind_of(value)}")


def check_integers(**values: object) -> None:
    """Raises TypeError unless all are integers."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {kind_of(value)}")


def check_path(**values: object) -> None:
    """Raises TypeError unless all are paths."""
    for name, value in values.items():
        if not isinstance(value, (str, os.PathLike)):
            raise TypeError(f"{name} must be a path, not {kind_of(value)}")


def check_rows(rows: object) -> None:
    """Raises TypeError unless rows can be read from it."""
    if not (rows is None or isinstance(rows, (os.PathLike, Iterable)) or hasattr(rows, "read")):
        raise TypeError(
            f"rows must be a path, an open file, an iterable of rows, or None, not {kind_of(rows)}"
        )


def check_wait(wait: object) -> None:
    """Raises TypeError or ValueError unless it is a number of seconds, 0 or more."""
    if not is_number(wait):
        raise TypeError(f"wait must be a number of seconds, not {kind_of(wait)}")
    if not 0 <= wait < float("inf"):
        raise ValueError("wait must be a number of seconds, 0 or more")


def check_token(token: Any) -> None:
    """Raises TypeError unless it is a string, a function or None."""
    if not (token is None or isinstance(token, str) or callable(token)):
        raise TypeError(
            "access_token must be a str, a function that returns one, or None, "
            f"not {kind_of(token)}"
        )


def check_returned_token(token: object) -> str:
    """Returns the token that a function returned; raises TypeError if it is not a string."""
    if isinstance(token, str):
        return token
    close = getattr(token, "close", None)
    if hasattr(token, "__await__"):
        if close is not None:
            # Python would warn of a coroutine that was never awaited.
            close()
        raise TypeError(
            "the function for access_token must return a str, not an awaitable: "
            "async functions are for AsyncClient"
        )
    raise TypeError(f"the function for access_token must return a str, not {kind_of(token)}")
