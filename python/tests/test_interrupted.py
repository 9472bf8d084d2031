"""What an interrupted call reports: Ctrl-C and cancelled tasks."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import wxlink
from wxlink.sandbox import Server

POSTED = "An invitation was posted and is awaiting the Official Account's administrator"
UNKNOWN = (
    "An invitation was posted and its outcome is unknown: the next call reads the list first, "
    "and posts nothing while this one may take effect."
)
QUIET: Any = {"notify_users": False, "show_profile": True}


def received(server: Server, endpoint: str) -> int:
    return server.counts()["received"][endpoint]  # type: ignore[no-any-return]


def waited_for(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.01)


def ctrl_c(reached: Callable[[], bool], call: Callable[[], object]) -> KeyboardInterrupt:
    """Sends Ctrl-C when the condition holds, and returns what the call raises."""

    def press() -> None:
        waited_for(reached)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as raised:
        call()
    thread.join()
    return raised.value


def cancelled(
    server: Server, reached: Callable[[], bool], call: Callable[[wxlink.AsyncClient], Any]
) -> asyncio.CancelledError:
    """The same for a cancelled task."""

    async def story() -> asyncio.CancelledError:
        async with server.async_client(timeout=600) as client:
            task = asyncio.ensure_future(call(client))
            await asyncio.to_thread(waited_for, reached)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("it was not cancelled")

    return asyncio.run(story())


def notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


def assert_note(error: BaseException, text: str) -> None:
    if sys.version_info >= (3, 11):
        assert text in notes(error)
        assert Server.token not in notes(error)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_interrupted_ensure_says_that_an_invitation_was_posted(
    server: Server, asynchronous: bool
) -> None:
    def reached() -> bool:
        return received(server, "link") == 1 and received(server, "get") >= 3

    def ensure(client: Any) -> Any:
        return client.ensure_linked(server.token, server.appid, wait=3600, **QUIET)

    error: BaseException
    if asynchronous:
        error = cancelled(server, reached, ensure)
    else:
        with server.client(timeout=600) as client:
            error = ctrl_c(reached, lambda: ensure(client))
    progress = getattr(error, "progress", None)
    assert (progress.posts, progress.state) == (1, "pending")
    assert progress.waits_for == "official_account"
    assert POSTED in progress.message
    assert_note(error, POSTED)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_interrupted_post_has_an_unknown_outcome(server: Server, asynchronous: bool) -> None:
    server.fault("hang", endpoint="link", when="after", always=True)

    def ensure(client: Any) -> Any:
        return client.ensure_linked(server.token, server.appid, **QUIET)

    def link(client: Any) -> Any:
        return client.link_miniprogram(server.token, "wx0b00000000000002", **QUIET)

    error: BaseException
    for call, text in [(ensure, UNKNOWN), (link, "WeChat may have acted on it")]:
        before = received(server, "link")

        def reached(before: int = before) -> bool:
            return received(server, "link") > before

        if asynchronous:
            error = cancelled(server, reached, call)
        else:
            with server.client(timeout=600) as client:
                error = ctrl_c(reached, lambda call=call, client=client: call(client))
        assert_note(error, text)
        if call is ensure:
            progress = getattr(error, "progress", None)
            assert (progress.posts, progress.state) == (1, "unknown")
            assert UNKNOWN in progress.message
        else:
            assert not hasattr(error, "progress")
        server.admin("POST", "reset")
        server.fault("hang", endpoint="link", when="after", always=True)


def test_an_interrupted_wait_has_its_progress(server: Server) -> None:
    with server.client(timeout=600) as client:
        client.ensure_linked(server.token, server.appid, **QUIET)
        before = received(server, "get")
        error = ctrl_c(
            lambda: received(server, "get") >= before + 2,
            lambda: client.wait_linked(server.token, server.appid, wait=3600),
        )
    progress = getattr(error, "progress", None)
    assert (progress.posts, progress.state) == (0, "pending")
    assert_note(error, "An invitation is awaiting the Official Account's administrator.")


def test_a_time_limit_of_asyncio_has_the_progress_in_its_cause(server: Server) -> None:
    async def story() -> BaseException | None:
        async with server.async_client(timeout=600) as client:
            ensure = client.ensure_linked(server.token, server.appid, wait=3600, **QUIET)
            with pytest.raises(asyncio.TimeoutError) as raised:
                await asyncio.wait_for(ensure, 5)
            return raised.value.__cause__

    cause = asyncio.run(story())
    assert isinstance(cause, asyncio.CancelledError)
    assert getattr(cause, "progress").posts == 1  # noqa: B009
    assert_note(cause, POSTED)


def test_a_cancelled_handle_raises_what_was_done(server: Server) -> None:
    with server.client(timeout=600) as client:
        own = client.with_options()

        def cancel() -> None:
            waited_for(lambda: received(server, "link") == 1 and received(server, "get") >= 3)
            own.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(wxlink.CallCancelledError, match=POSTED) as raised:
            own.ensure_linked(server.token, server.appid, wait=3600, **QUIET)
        thread.join()
    progress = raised.value.progress
    assert progress is not None and (progress.posts, progress.state) == (1, "pending")


def test_a_call_that_waits_for_its_turn_never_begins(server: Server) -> None:
    async def story() -> None:
        server.fault("hang", endpoint="get")
        async with wxlink.AsyncClient(
            base_url=server.url, timeout=600, max_concurrency=1
        ) as client:
            first = asyncio.ensure_future(client.get_linked(server.token))
            await asyncio.to_thread(waited_for, lambda: received(server, "get") == 1)
            asked: list[str] = []

            def token() -> str:
                asked.append("")
                return server.token

            second = asyncio.ensure_future(client.link_miniprogram(token, server.appid, **QUIET))
            await asyncio.sleep(0)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert asked == []
        assert received(server, "link") == 0

    asyncio.run(story())


def test_a_token_function_that_blocks_does_not_hold_up_the_cancelling(server: Server) -> None:
    blocked, go_on = threading.Event(), threading.Event()

    def token() -> str:
        blocked.set()
        go_on.wait(60)
        return server.token

    async def story() -> None:
        async with server.async_client() as client:
            task = asyncio.ensure_future(client.get_linked(token))
            await asyncio.to_thread(blocked.wait, 60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 30)
            assert not go_on.is_set()
            go_on.set()

    asyncio.run(story())


def test_an_answer_that_is_none_is_an_unknown_outcome(server: Server) -> None:
    assert issubclass(wxlink.BadAnswerError, wxlink.OutcomeUnknownError)
    server.fault({"status": {"code": 502}}, endpoint="link", always=True)
    with server.client(timeout=5) as client:
        with pytest.raises(wxlink.OutcomeUnknownError) as raised:
            client.link_miniprogram(server.token, server.appid, **QUIET)
        assert isinstance(raised.value, wxlink.BadAnswerError)
        assert "WeChat" in str(raised.value) and raised.value.delivery == "unknown"
        server.fault("garbage", endpoint="get", always=True)
        with pytest.raises(wxlink.BadAnswerError, match="safe to call again"):
            client.get_linked(server.token)
