"""The client for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakSet

from wxlink._arguments import check_returned_token, check_token
from wxlink._client import Client
from wxlink._core import LinkProgress
from wxlink.errors import TokenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sys
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from wxlink._bulk_aio import AsyncBulk
    from wxlink._core import LinkList, Response
    from wxlink._types import (
        AcceptedPush,
        AccountInfo,
        AsyncToken,
        Authorization,
        AuthorizationUrl,
        BulkOptions,
        BulkRows,
        Limits,
        Options,
        Stats,
        T,
    )

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack


class AsyncClient:
    """`Client` for asyncio: the same options, methods and errors, to be awaited.

    Cancelling the task ends the call within 100 ms. A note of the CancelledError (from Python 3.11)
    says what the call had done; after `ensure_linked` and `wait_linked` it has an attribute
    `progress` too.

    Calls run on the client's own threads, at most `max_concurrency` at the same time. Further calls
    wait; the wait does not count against their time limit. An access token may also be an async
    function, which runs in the caller's event loop. A plain function is called on one of the
    threads, so it may block.
    """

    __slots__ = ("__weakref__", "_client", "_running", "_shared")

    def __init__(self, *, max_concurrency: int = 32, **options: Unpack[Options]) -> None:
        self._client = Client(**options)
        self._running: set[Client] = set()
        self._shared = _Shared(self._client, max_concurrency)

    def with_options(self, **options: Unpack[Limits]) -> Self:
        """Returns a client that shares the connections and threads and has options of its own.

        It ends with the client that it was derived from. Closing it ends only its own calls.
        """
        other = type(self).__new__(type(self))
        other._client = self._client.with_options(**options)
        other._running = set()
        other._shared = self._shared
        self._shared.derived.add(other)
        return other

    def account(self, appid: str) -> Self:
        """See `Client.account`."""
        return self.with_options(account=appid)

    async def set_ticket(self, ticket: str) -> None:
        """See `Client.set_ticket`."""
        await self._call(lambda client: client.set_ticket(ticket))

    async def add_account(self, appid: str, refresh_token: str) -> None:
        """See `Client.add_account`."""
        await self._call(lambda client: client.add_account(appid, refresh_token))

    async def accept_push(self, query: str, body: bytes) -> AcceptedPush:
        """See `Client.accept_push`."""
        return await self._call(lambda client: client.accept_push(query, body))

    async def authorization_url(
        self, redirect_uri: str, account: str | None = None
    ) -> AuthorizationUrl:
        """See `Client.authorization_url`."""
        return await self._call(lambda client: client.authorization_url(redirect_uri, account))

    async def accept_authorization(self, code: str) -> Authorization:
        """See `Client.accept_authorization`."""
        return await self._call(lambda client: client.accept_authorization(code))

    async def account_info(self, appid: str) -> AccountInfo:
        """See `Client.account_info`."""
        return await self._call(lambda client: client.account_info(appid))

    def stats(self) -> Stats:
        """See `Client.stats`."""
        return self._client.stats()

    async def aclose(self) -> None:
        """Ends the running calls, derived clients, and the threads. Later calls raise.

        Running and later calls raise `CallCancelledError`.
        """
        self._close()
        if self._shared.owner is self._client:
            for client in self._shared.derived:
                client._close()
            self._shared.threads.shutdown(wait=False)

    def _close(self) -> None:
        for handle in self._running:
            handle.cancel()
        self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def link_miniprogram(
        self, access_token: AsyncToken, appid: str, *, notify_users: bool, show_profile: bool
    ) -> Response:
        """See `Client.link_miniprogram`."""
        return await self._with_token(
            access_token,
            lambda client, token: client.link_miniprogram(
                token, appid, notify_users=notify_users, show_profile=show_profile
            ),
        )

    async def get_linked(self, access_token: AsyncToken = None) -> LinkList:
        """See `Client.get_linked`."""
        return await self._with_token(access_token, Client.get_linked)

    async def unlink_miniprogram(self, access_token: AsyncToken, appid: str) -> Response:
        """See `Client.unlink_miniprogram`."""
        return await self._with_token(
            access_token, lambda client, token: client.unlink_miniprogram(token, appid)
        )

    async def ensure_linked(
        self,
        access_token: AsyncToken,
        appid: str,
        *,
        notify_users: bool,
        show_profile: bool,
        wait: float = 0.0,
    ) -> LinkProgress:
        """See `Client.ensure_linked`."""
        return await self._with_token(
            access_token,
            lambda client, token: client.ensure_linked(
                token, appid, notify_users=notify_users, show_profile=show_profile, wait=wait
            ),
        )

    async def wait_linked(
        self, access_token: AsyncToken, appid_or_gh_id: str, *, wait: float
    ) -> LinkProgress:
        """See `Client.wait_linked`."""
        return await self._with_token(
            access_token,
            lambda client, token: client.wait_linked(token, appid_or_gh_id, wait=wait),
        )

    def bulk(self, rows: BulkRows | None, **how: Unpack[BulkOptions]) -> AsyncBulk:
        """See `Client.bulk`; with `async with` and `async for`."""
        from wxlink._bulk_aio import AsyncBulk

        self._client._check_open()  # pyright: ignore[reportPrivateUsage]
        return AsyncBulk(self._client._handle, rows, **how)  # pyright: ignore[reportPrivateUsage]

    async def _with_token(self, token: AsyncToken, call: Callable[[Client, str | None], T]) -> T:
        """Calls, and once again with a new token if WeChat refused one that a function returned."""
        check_token(token)
        if token is None or isinstance(token, str):
            return await self._call(lambda client: call(client, token))
        first = await self._token_of(token)
        try:
            return await self._call(lambda client: call(client, first))
        except TokenError:
            second = await self._token_of(token)
        return await self._call(lambda client: call(client, second))

    async def _token_of(self, function: Callable[[], str | Awaitable[str]]) -> str:
        if _is_async(function):
            self._client._check_open()  # pyright: ignore[reportPrivateUsage]
            returned = function()
        else:
            returned = await self._call(lambda _: function())
        # A plain function may return an awaitable, too.
        if inspect.isawaitable(returned):
            returned = await returned
        return check_returned_token(returned)

    async def _call(self, call: Callable[[Client], T]) -> T:
        # A handle of its own, so that cancelling it ends only this call.
        handle = self._client.with_options()
        # Context variables of the caller are those of a token function, too.
        context = contextvars.copy_context()
        queued = self._shared.threads.submit(context.run, call, handle)
        running = asyncio.wrap_future(queued)
        self._running.add(handle)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError as cancelled:
            handle.cancel()
            running.add_done_callback(_forget)
            # A queued call is not started.
            if not queued.cancel():
                await _ended(running)
                _report(running, cancelled)
            raise
        finally:
            self._running.discard(handle)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Shared:
    """What a client and those derived from it share."""

    __slots__ = ("derived", "owner", "threads")

    def __init__(self, owner: Client, max_concurrency: int) -> None:
        self.owner = owner
        self.threads = ThreadPoolExecutor(max_concurrency, thread_name_prefix="wxlink")
        # Those that are still in use.
        self.derived: WeakSet[AsyncClient] = WeakSet()


def _is_async(function: Callable[[], object]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 -- an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


async def _ended(running: asyncio.Future[T]) -> None:
    """Waits for a cancelled call, unless the function for its token does not return."""
    # If it is cancelled again it returns without waiting.
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait([running], timeout=1.0)


def _report(running: asyncio.Future[T], cancelled: asyncio.CancelledError) -> None:
    """Adds to the exception what the call had done."""
    if not running.done() or running.cancelled():
        return
    error = running.exception()
    done = running.result() if error is None else error
    progress = done if isinstance(done, LinkProgress) else getattr(done, "progress", None)
    if progress is not None:
        cancelled.progress = progress  # type: ignore[attr-defined]  # pyright: ignore
    if isinstance(done, LinkProgress):
        note = done.message or "The mini program is linked."
    elif error is None:
        note = "The call had finished."
    else:
        note = str(error)
    if hasattr(cancelled, "add_note"):
        cancelled.add_note(note)


def _forget(ended: asyncio.Future[T]) -> None:
    """Retrieves an exception that is no longer needed; asyncio would log it otherwise."""
    if not ended.cancelled():
        ended.exception()
