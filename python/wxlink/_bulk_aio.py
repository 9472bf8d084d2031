"""Many links at once, for asyncio."""

from __future__ import annotations

import asyncio

from wxlink._bulk import Bulk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sys
    from pathlib import Path
    from types import TracebackType

    from wxlink._bulk import BulkPlan, BulkResult
    from wxlink._core import Handle
    from wxlink._types import BulkEnd, BulkOptions, BulkOutcome, BulkRows

    if sys.version_info >= (3, 11):
        from typing import Self, Unpack
    else:
        from typing_extensions import Self, Unpack


class AsyncBulk:
    """`Bulk` for asyncio. See `AsyncClient.bulk`.

    The job is begun when `async with` is entered, or with the first result. A function for `progress` is
    called on a thread.
    """

    __slots__ = ("_begin", "_beginning", "_next")

    def __init__(self, handle: Handle, rows: BulkRows | None, **how: Unpack[BulkOptions]) -> None:
        self._begin = lambda: Bulk(handle, rows, **how)
        self._beginning: asyncio.Future[Bulk] | None = None
        self._next: asyncio.Future[BulkResult | None] | None = None

    async def _begun(self) -> Bulk:
        if self._beginning is None:
            self._beginning = asyncio.ensure_future(asyncio.to_thread(self._begin))
        # A task that is cancelled leaves it, and the next result, to whoever asks next.
        return await asyncio.shield(self._beginning)

    def _bulk(self) -> Bulk:
        if self._beginning is None or not self._beginning.done():
            raise RuntimeError("the job has not begun: use it with `async with`")
        return self._beginning.result()

    @property
    def dir(self) -> Path:
        """See `Bulk.dir`."""
        return self._bulk().dir

    @property
    def counts(self) -> dict[BulkOutcome, int]:
        """See `Bulk.counts`."""
        return self._bulk().counts

    @property
    def end(self) -> BulkEnd | None:
        """See `Bulk.end`."""
        return self._bulk().end

    def __len__(self) -> int:
        """How many rows are left to do."""
        return len(self._bulk())

    def __bool__(self) -> bool:
        return True

    async def plan(self, *, monthly: int = 13) -> BulkPlan:
        """See `Bulk.plan`."""
        bulk = await self._begun()
        return await asyncio.to_thread(bulk.plan, monthly=monthly)

    async def stop(self) -> None:
        """See `Bulk.stop`."""
        bulk = await self._begun()
        await asyncio.to_thread(bulk.stop)

    async def report(self) -> Path:
        """See `Bulk.report`."""
        bulk = await self._begun()
        return await asyncio.to_thread(bulk.report)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BulkResult:
        if self._next is None:
            bulk = await self._begun()
            self._next = asyncio.ensure_future(asyncio.to_thread(next, bulk, None))
        try:
            result = await asyncio.shield(self._next)
        finally:
            if self._next.done():
                self._next = None
        if result is None:
            raise StopAsyncIteration
        return result

    async def __aenter__(self) -> Self:
        await self._begun()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        bulk = await self._begun()
        await asyncio.to_thread(bulk.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
