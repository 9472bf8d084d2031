"""Types from the library's tables; only type checkers import them.

Written by `make generate`; do not edit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal, TypeAlias, TypedDict

StatusName: TypeAlias = Literal[
    "OK",
    "NULL_POINTER",
    "NOT_UTF8",
    "BAD_VALUE",
    "BAD_OPTION",
    "BUFFER",
    "NOT_FOUND",
    "RESOLVE",
    "CONNECT",
    "TLS",
    "PROXY",
    "TIMEOUT_UNSENT",
    "NO_TOKEN",
    "TIMEOUT",
    "CONNECTION_LOST",
    "BAD_ANSWER",
    "TOO_LARGE",
    "API",
    "PENDING",
    "DECLINED",
    "VANISHED",
    "CANCELLED",
    "FORKED",
    "INTERNAL",
]
"""How a call ended."""

ErrorClass: TypeAlias = Literal[
    "",
    "ok",
    "pending",
    "token",
    "busy",
    "quota",
    "action_required",
    "invalid_request",
    "ticket",
]
"""What to do next about WeChat's errcode; empty if WeChat did not answer."""

DeliveryWord: TypeAlias = Literal["never sent", "unknown", "answered"]
"""Whether WeChat may have received the request."""


class Limits(TypedDict, total=False):
    """The options that a derived client may have for itself. Times are in seconds."""

    timeout: float
    """Time limit of a whole call: names, connections, retries and the answer included. Takes
    0.001 to 3600 s. Default: 10.0."""
    connect_timeout: float
    """Time limit of one attempt to get a connection: name, TCP, proxy and TLS together. Takes
    0.001 to 3600 s. Default: 3.0."""
    max_retries: int
    """How often a call tries again by itself, and only what cannot happen twice: requests never
    sent, and reads. Takes 0 to 10. Default: 2."""
    lang: Literal["en", "zh"]
    """The language of messages and remedies. Takes en or zh. Default: "en"."""
    account: str
    """The Official Account that calls without an access_token are for; its token comes from the
    source that is set. Takes an appid; empty for none."""


class Options(Limits, total=False):
    """The options of a client. Times are in seconds."""

    base_url: str | Iterable[str]
    """WeChat's entry hosts in order of preference; what was never sent may move on to the next.
    Takes 1 to 16 URLs, separated by commas: https://HOST[:PORT], or http://HOST[:PORT] on
    loopback. Default: "https://api.weixin.qq.com"."""
    keep_alive: float
    """How long an idle connection is kept for the next call. Takes 0 to 3600 s; 0 opens a
    connection for every call. Default: 15.0."""
    proxy: str
    """The proxy for https hosts; env reads HTTPS_PROXY, else ALL_PROXY, and NO_PROXY as curl
    does, when the client is created. Plain http goes to loopback and never through a proxy.
    Takes none, env, http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT;
    special characters of a user or password percent-encoded. Default: "none"."""
    ca_file: str | os.PathLike[str]
    """CA certificates trusted besides the roots; read when the client is made. Takes a path to a
    PEM file; empty for none."""
    trust: Literal["system", "bundled"]
    """The roots: the system's, or Mozilla's as bundled with the library, which also serve where
    the system has none. Takes system or bundled. Default: "system"."""
    user_agent: str
    """The User-Agent header. Takes 1 to 256 printable ASCII characters. Default:
    "wxlink/VERSION"."""
    max_response_bytes: int
    """The largest answer that is read. Takes 1024 to 1073741824 bytes. Default: 4194304."""
    access_token: str
    """A source of tokens: this one, for calls without an access_token. Takes a token; empty for
    none."""
    token_command: str
    """A source of tokens: a program that reads lines on its input (account=, refused_token=, an
    empty line) and prints the token alone, lines access_token= and expires_in= (s), or JSON
    such as WeChat's; killed after timeout_ms. See tokens.md. Takes a shell command; empty for
    none."""
    component_appid: str
    """A source of tokens: this third-party platform, which gets and renews its accounts' tokens
    from WeChat. Takes an appid; empty for none."""
    component_appsecret: str
    """The platform's appsecret. Takes a secret; empty for none."""
    store: str
    """Where the platform's tickets and tokens are kept: for this client alone, for the processes
    of a machine, or for many machines. Takes memory, file:PATH,
    redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default: "memory"."""
