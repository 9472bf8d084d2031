"""Types from the library's tables; only type checkers import them.

Written by `make generate`; do not edit.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal, TypeAlias, TypedDict

Status: TypeAlias = Literal[
    "OK",
    "NULL_POINTER",
    "NOT_UTF8",
    "BAD_VALUE",
    "BAD_OPTION",
    "BUFFER",
    "NOT_FOUND",
    "BAD_PUSH",
    "RESOLVE",
    "CONNECT",
    "TLS",
    "PROXY",
    "TIMEOUT_UNSENT",
    "NO_TOKEN",
    "STORE",
    "TIMEOUT",
    "CONNECTION_LOST",
    "IN_DOUBT",
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

ErrcodeClass: TypeAlias = Literal[
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

Delivery: TypeAlias = Literal["never sent", "unknown", "answered"]
"""Whether WeChat may have received the request."""


class Limits(TypedDict, total=False):
    """The options that a derived client may have for itself. Times are in seconds."""

    timeout: float
    """Time limit for a whole call: name resolution, connecting, retries and reading the
    response. Takes 0.001 to 3600 s. Default: 10.0."""
    connect_timeout: float
    """Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes.
    Takes 0.001 to 3600 s. Default: 3.0."""
    max_retries: int
    """How often a call retries automatically. Only requests that cannot take effect twice are
    retried: those that were never sent, and reads. Takes 0 to 10. Default: 2."""
    settle: float
    """How long after a post no other one is made for the same account and mini program by the
    calls that ensure a link: an invitation may take effect long after its request seemed to
    fail. See reliability.md. Takes 0 to 3600 s; 0 switches link claims and the memory of
    invitations off. Default: 90.0."""
    reinvite: bool
    """Whether a mini program whose earlier invitation is no longer in the list is invited again.
    The store remembers invitations for 90 days. Takes True or False. Default: False."""
    lang: Literal["en", "zh"]
    """The language of messages: English or Chinese. Takes en or zh. Default: "en"."""
    account: str
    """The Official Account for calls that pass no access token. Its token comes from one of
    three sources: access_token, token_command or component_appid. Of a token that is passed
    it names the owner, so that invitations are remembered. Takes the appid of an Official
    Account; empty for none."""


class Options(Limits, total=False):
    """The options of a client. Times are in seconds."""

    base_url: str | Iterable[str]
    """WeChat's API hosts, the preferred one first. If a request could not be sent to one host,
    the next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
    http://HOST[:PORT] if HOST is a loopback address. Default: "https://api.weixin.qq.com"."""
    keep_alive: float
    """How long an idle connection is kept open for later calls. Takes 0 to 3600 s; 0 opens a new
    connection for every call. Default: 15.0."""
    proxy: str
    """The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and
    NO_PROXY once, when it is created, by curl's rules. Plain http is used for loopback hosts
    only and never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
    socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and
    PASSWORD. Default: "none"."""
    ca_file: str | os.PathLike[str]
    """CA certificates to trust in addition to the roots that trust selects. Read when the client
    is created. Takes a path to a PEM file; empty for none."""
    trust: Literal["system", "bundled"]
    """The root certificates to trust: system uses the operating system's, and the bundled ones
    if it has none; bundled uses Mozilla's, which are part of the library. Takes system or
    bundled. Default: "system"."""
    user_agent: str
    """The User-Agent header of every request. Takes 1 to 256 printable ASCII characters.
    Default: "wxlink/VERSION"."""
    max_response_bytes: int
    """The largest response that is read. A call fails if the response is larger. Takes 1024 to
    1073741824 bytes. Default: 4194304."""
    access_token: str
    """Token source 1: this access token, for calls that pass none. Takes an access token; empty
    for none."""
    token_command: str
    """Token source 2: a program that prints an access token. It reads the lines account=APPID
    and refused_token=TOKEN, then an empty line, from standard input. It prints the token
    alone, or the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two
    fields. It is killed after timeout_ms. See tokens.md. Takes a shell command; empty for
    none."""
    component_appid: str
    """Token source 3: this third-party platform. The client fetches and refreshes the access
    tokens of the accounts that authorised it. Needs component_appsecret. Takes the appid of a
    third-party platform; empty for none."""
    component_appsecret: str
    """The appsecret of the platform that component_appid names. Takes the platform's appsecret;
    empty for none."""
    push_token: str
    """The token in the platform's settings that signs WeChat's pushes. To change it, set the new
    one and the previous one: pushes signed with either are accepted. See authorization.md.
    Takes 1 to 8 tokens separated by commas, the current one first; empty for none."""
    push_aes_key: str
    """The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it,
    set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by
    commas, the current one first; empty for none."""
    store: str
    """Where link claims, and a platform's tickets and tokens, are kept: memory for this process
    only, file for all processes of one machine, redis or rediss (TLS) for several machines.
    Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default:
    "memory"."""
