"""Types for those who check types: nothing imports them when a program runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias, TypedDict, TypeVar

T = TypeVar("T")

Token: TypeAlias = str | Callable[[], str] | None


class Limits(TypedDict, total=False):
    """What a handle may have otherwise than the client it comes from."""

    timeout: float
    connect_timeout: float
    max_retries: int
    lang: Literal["en", "zh"]
    account: str


class Options(Limits, total=False):
    """Everything a client may be told."""

    base_url: str | Iterable[str]
    keep_alive: float
    proxy: str
    ca_file: str | os.PathLike[str]
    trust: Literal["system", "bundled"]
    user_agent: str
    max_response_bytes: int
    access_token: str
    token_command: str
    component_appid: str
    component_appsecret: str
    token_store: str
