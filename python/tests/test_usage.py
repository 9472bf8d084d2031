"""What users of Python's HTTP clients expect: names, types and closing."""

import asyncio
import contextvars
import functools
import inspect
import pydoc
import subprocess
import sys
import threading
from typing import Any

import pytest

import wxlink
from wxlink.sandbox import Server

QUIET = {"notify_users": False, "show_profile": True}


def test_the_simulator_needs_no_import_of_its_own() -> None:
    code = """
import wxlink
with wxlink.sandbox.Server() as server, server.client() as client:
    print(len(client.get_linked(server.token)), "sandbox" in dir(wxlink))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "0 True\n"


WRONG_ARGUMENTS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("get_linked", (7,), {}, "access_token must be a str, a function that returns one, or None"),
    ("get_linked", (b"SECRET",), {}, "or None, not bytes"),
    ("get_linked", (lambda: 7,), {}, "the function for access_token must return a str, not int"),
    ("get_linked", (lambda: None,), {}, "must return a str, not None"),
    ("unlink_miniprogram", ("t", None), {}, "appid must be a str, not None"),
    ("unlink_miniprogram", ("t", 7), {}, "appid must be a str, not int"),
    ("set_ticket", (b"SECRET",), {}, "ticket must be a str, not bytes"),
    ("add_account", (7, "SECRET"), {}, "appid must be a str, not int"),
    ("add_account", ("wx0a", 7), {}, "refresh_token must be a str, not int"),
    ("accept_push", (7, b""), {}, "query must be a str, not int"),
    ("accept_push", ("", "SECRET"), {}, "body must be bytes, not str"),
    ("authorization_url", (7,), {}, "redirect_uri must be a str, not int"),
    ("authorization_url", ("", 7), {}, "account must be a str, not int"),
    ("accept_authorization", (b"SECRET",), {}, "code must be a str, not bytes"),
    ("account_info", (7,), {}, "appid must be a str, not int"),
    ("wait_linked", ("t", 7), {"wait": 1}, "appid_or_gh_id must be a str, not int"),
    ("wait_linked", ("t", "wx0b"), {"wait": "1"}, "wait must be a number of seconds, not str"),
    ("wait_linked", ("t", "wx0b"), {"wait": True}, "wait must be a number of seconds, not bool"),
    *(
        case
        for name in ("link_miniprogram", "ensure_linked")
        for case in (
            (name, ("t", 7), QUIET, "appid must be a str, not int"),
            (
                name,
                ("t", "wx0b"),
                {"notify_users": 1, "show_profile": True},
                "notify_users must be a bool, not int",
            ),
            (
                name,
                ("t", "wx0b"),
                {"notify_users": False, "show_profile": "yes"},
                "show_profile must be a bool, not str",
            ),
            (
                name,
                ("t", "wx0b"),
                {"notify_users": None, "show_profile": True},
                "notify_users must be a bool, not None",
            ),
        )
    ),
]


@pytest.mark.parametrize(("method", "positional", "named", "message"), WRONG_ARGUMENTS)
def test_a_type_error_names_the_argument(
    server: Server,
    method: str,
    positional: tuple[Any, ...],
    named: dict[str, Any],
    message: str,
) -> None:
    with server.client() as client, pytest.raises(TypeError, match=message) as caught:
        getattr(client, method)(*positional, **named)
    assert "SECRET" not in str(caught.value)

    async def asynchronous() -> None:
        async with server.async_client() as client:
            with pytest.raises(TypeError, match=message):
                await getattr(client, method)(*positional, **named)

    asyncio.run(asynchronous())
    assert not any(server.counts()["received"].values())


@pytest.mark.parametrize("wait", [-1, float("nan"), float("inf")])
def test_a_wait_is_a_number_from_0(client: wxlink.Client, wait: float) -> None:
    with pytest.raises(ValueError, match="wait must be a number of seconds, 0 or more"):
        client.wait_linked("t", "wx0b", wait=wait)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": "10"}, "timeout must be a number of seconds, not str"),
        ({"timeout": True}, "timeout must be a number of seconds, not bool"),
        ({"max_retries": "2"}, "max_retries must be an int, not str"),
        ({"max_retries": True}, "max_retries must be an int, not bool"),
        ({"reinvite": "yes"}, "reinvite must be a bool, not str"),
        ({"lang": 1}, "lang must be a str, not int"),
        ({"access_token": b"SECRET"}, "access_token must be a str, not bytes"),
        ({"ca_file": 1}, "ca_file must be a path, not int"),
        ({"base_url": 1}, "base_url must be a str or several, not int"),
        ({"base_url": ["https://a", 1]}, "base_url must be a str or several, not int"),
    ],
)
def test_an_option_of_a_wrong_type_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        wxlink.Client(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "option timeout takes 0.001 to 3600 s"),
        ({"timeout": float("nan")}, "option timeout takes 0.001 to 3600 s"),
        ({"connect_timeout": 3601}, "option connect_timeout takes 0.001 to 3600 s"),
        ({"keep_alive": -1, "lang": "zh"}, "选项 keep_alive 应为 0 至 3600 秒"),
        ({"max_retries": 11}, "option max_retries takes a whole number from 0 to 10"),
        ({"timeout_ms": 1000}, "unknown option timeout_ms; do you mean timeout?"),
        ({"time_out": 10}, "unknown option time_out; do you mean timeout?"),
        ({"retries": 2, "lang": "zh"}, "未知选项 retries；是否想写 max_retries？"),
        ({"zzz": 2}, "unknown option zzz; expected one of timeout, connect_timeout, settle"),
    ],
)
def test_an_invalid_option_is_reported_in_pythons_names_and_units(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(wxlink.ArgumentError) as caught:
        wxlink.Client(**options)
    assert message in str(caught.value)
    assert "_ms" not in str(caught.value).replace("option timeout_ms;", "")
    assert (caught.value.status, caught.value.delivery) == ("BAD_OPTION", "never sent")


def test_a_shared_option_of_a_derived_client_is_reported(client: wxlink.Client) -> None:
    with pytest.raises(
        wxlink.ArgumentError, match="option keep_alive is the same for all"
    ) as caught:
        client.with_options(keep_alive=1)  # type: ignore[call-arg]
    assert "timeout, " in str(caught.value)
    assert "_ms" not in str(caught.value)


def test_a_passed_limit_is_reported_in_pythons_name(server: Server) -> None:
    server.fault("hang", endpoint="get")
    passed = pytest.raises(wxlink.OutcomeUnknownTimeoutError, match="timeout passed")
    with server.client(timeout=0.3) as client, passed as caught:
        client.get_linked(server.token)
    assert "timeout_ms" not in str(caught.value)


def test_a_closed_client_raises_one_class(server: Server) -> None:
    client = server.client()
    closed = "the client is closed; nothing was sent"
    client.close()
    client.close()
    asked = []
    for call in (
        lambda: client.get_linked(server.token),
        lambda: client.get_linked(lambda: asked.append(1) or server.token),
        lambda: client.link_miniprogram(server.token, server.appid, **QUIET),
        lambda: client.ensure_linked(server.token, server.appid, **QUIET),
        lambda: client.wait_linked(server.token, server.appid, wait=1),
        lambda: client.unlink_miniprogram(server.token, server.appid),
        lambda: client.set_ticket("t"),
        lambda: client.add_account("wx0a", "t"),
        lambda: client.with_options(timeout=1),
        lambda: client.account("wx0a"),
        lambda: client.bulk([]),
    ):
        with pytest.raises(wxlink.CallCancelledError, match=closed) as caught:
            call()
        assert (caught.value.status, caught.value.delivery) == ("CANCELLED", "never sent")
    with pytest.raises(wxlink.CallCancelledError, match=closed), client:
        client.get_linked(server.token)

    async def asynchronous() -> None:
        client = server.async_client(lang="zh")
        derived = client.account(server.account)
        other = client.with_options(timeout=5)
        await other.aclose()
        with pytest.raises(wxlink.CallCancelledError, match="客户端已关闭"):
            await other.get_linked(server.token)
        # Closing a derived client ends no other.
        await derived.get_linked(server.token)
        await client.get_linked(server.token)
        await client.aclose()
        await client.aclose()

        async def token() -> str:
            asked.append(1)
            return server.token

        for closed in (client, derived):
            for call in (
                lambda closed=closed: closed.get_linked(server.token),
                lambda closed=closed: closed.get_linked(token),
                lambda closed=closed: closed.ensure_linked(server.token, server.appid, **QUIET),
                lambda closed=closed: closed.set_ticket("t"),
            ):
                with pytest.raises(wxlink.CallCancelledError, match="客户端已关闭"):
                    await call()
            with pytest.raises(wxlink.CallCancelledError, match="客户端已关闭"):
                closed.bulk([])

    asyncio.run(asynchronous())
    assert not asked
    assert server.counts()["received"]["link"] == 0


def test_a_closed_client_ends_the_calls_of_derived_ones(server: Server) -> None:
    async def story() -> None:
        server.fault("hang", endpoint="get")
        client = server.async_client(timeout=60)
        derived = client.with_options(timeout=50)
        call = asyncio.create_task(derived.get_linked(server.token))
        while server.counts()["received"]["get"] == 0:
            await asyncio.sleep(0.01)
        await client.aclose()
        with pytest.raises(wxlink.CallCancelledError):
            await call

    asyncio.run(story())


@pytest.mark.parametrize(
    ("rows", "how", "message"),
    [
        (5, {}, "rows must be a path, an open file, an iterable of rows, or None, not int"),
        ([], {"workers": "16"}, "workers must be an int, not str"),
        ([], {"workers": True}, "workers must be an int, not bool"),
        ([], {"rate": 100}, "rate must be a str, not int"),
        ([], {"account_rate": None}, "account_rate must be a str, not None"),
        ([], {"notify_users": 0}, "notify_users must be a bool, not int"),
        ([], {"show_profile": "yes"}, "show_profile must be a bool, not str"),
        ([], {"resume": 1, "job": "the.job"}, "resume must be a bool, not int"),
        ([], {"job": 1}, "job must be a path, not int"),
        ([], {"progress": 1}, "progress must be a bool or a function, not int"),
    ],
)
def test_a_wrong_argument_of_a_job_is_named(
    client: wxlink.Client, rows: Any, how: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        client.bulk(rows, **how)
    assert str(caught.value) == message


def test_a_token_function_may_be_async(server: Server) -> None:
    caller = contextvars.ContextVar("caller", default="none")
    seen: list[tuple[str, bool]] = []

    def note() -> None:
        seen.append((caller.get(), threading.current_thread() is threading.main_thread()))

    async def token(which: str = server.token) -> str:
        await asyncio.sleep(0)
        note()
        return which

    class Tokens:
        async def __call__(self) -> str:
            return await token()

    def plain() -> str:
        note()
        return server.token

    async def story() -> None:
        caller.set("story")
        async with server.async_client() as client:
            for function in (token, functools.partial(token), Tokens(), lambda: token()):
                assert len(await client.get_linked(function)) == 0
            await client.get_linked(plain)
            # Asked again once, for a refused token.
            tokens = iter(["SANDBOX-EXPIRED", server.token])
            await client.ensure_linked(lambda: token(next(tokens)), server.appid, **QUIET)
            with pytest.raises(wxlink.TokenError):
                await client.get_linked(lambda: token("SANDBOX-EXPIRED"))

    asyncio.run(story())
    # Async functions run in the caller's loop, plain ones elsewhere; both in its context.
    assert seen[:5] == [("story", True)] * 4 + [("story", False)]
    assert len(seen) == 9
    assert server.counts()["received"]["link"] == 1


def test_an_async_token_function_is_named_in_the_blocking_client(client: wxlink.Client) -> None:
    async def token() -> str:
        return "t"

    # A warning of a coroutine that was never awaited would fail the test.
    with pytest.raises(TypeError, match="async functions are for AsyncClient"):
        client.get_linked(token)  # type: ignore[arg-type]


def test_an_exception_of_a_token_function_is_raised_unchanged(server: Server) -> None:
    async def fails() -> str:
        raise LookupError("no token today")

    async def number() -> int:
        return 7

    async def story() -> None:
        async with server.async_client() as client:
            with pytest.raises(LookupError, match="no token today"):
                await client.get_linked(fails)
            with pytest.raises(TypeError, match="must return a str, not int"):
                await client.get_linked(number)  # type: ignore[arg-type]

    asyncio.run(story())
    assert server.counts()["received"]["get"] == 0


def test_cancelling_ends_an_async_token_function(server: Server) -> None:
    ended = []

    async def story() -> None:
        started = asyncio.Event()

        async def token() -> str:
            started.set()
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(1)
            return server.token

        async with server.async_client() as client:
            call = asyncio.create_task(client.get_linked(token))
            await started.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert ended
            assert len(await client.get_linked(server.token)) == 0

    asyncio.run(story())
    assert server.counts()["received"]["get"] == 1


def test_help_shows_the_attributes_of_exceptions(server: Server, client: wxlink.Client) -> None:
    shown = pydoc.plain(pydoc.render_doc(wxlink.ApiError))
    with pytest.raises(wxlink.ApiError) as caught:
        client.get_linked("SANDBOX-EXPIRED")
    attributes = caught.value._fields.keys() - {"message"} | {"progress"}
    for name in attributes:
        assert f"\n |  {name}\n" in shown, name
        documented = inspect.getattr_static(wxlink.ApiError, name)
        assert documented.__doc__, name
        assert getattr(caught.value, name) == caught.value._fields.get(name)
    assert "WeChat's errcode." in shown


def test_everything_public_is_documented() -> None:
    for name in wxlink.__all__:
        found = getattr(wxlink, name)
        if name.startswith("__"):
            continue
        assert inspect.getdoc(found), name
        members = vars(found).items() if inspect.isclass(found) else ()
        for member, value in members:
            is_api = not member.startswith("_") and not isinstance(value, (int, str))
            if is_api:
                assert inspect.getdoc(value), f"{name}.{member}"
