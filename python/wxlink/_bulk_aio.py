"""Jobs of many links for asyncio."""

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

    The job is created when `async with` is entered, or when the first result is requested. A
    function for `progress` is called on another thread.
    """

    __slots__ = ("_create", "_created", "_next")

    def __init__(
        self, handle: Handle, rows: BulkRows | None, **options: Unpack[BulkOptions]
    ) -> None:
        self._create = lambda: Bulk(handle, rows, **options)
        self._created: asyncio.Future[Bulk] | None = None
        self._next: asyncio.Future[BulkResult | None] | None = None

    async def _bulk_created(self) -> Bulk:
        if self._created is None:
            self._created = asyncio.ensure_future(asyncio.to_thread(self._create))
        # If the waiting task is cancelled, the creation continues and the next caller gets the job.
        # The same holds for the next result below.
        return await asyncio.shield(self._created)

    def _bulk(self) -> Bulk:
        if self._created is None or not self._created.done():
            raise RuntimeError("the job was not created yet: use it with `async with`")
        return self._created.result()

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
        """How many rows are left."""
        return len(self._bulk())

    def __bool__(self) -> bool:
        return True

    async def plan(self, *, monthly_links: int = 13) -> BulkPlan:
        """See `Bulk.plan`."""
        bulk = await self._bulk_created()
        return await asyncio.to_thread(bulk.plan, monthly_links=monthly_links)

    async def stop(self) -> None:
        """See `Bulk.stop`."""
        bulk = await self._bulk_created()
        await asyncio.to_thread(bulk.stop)

    async def report(self) -> Path:
        """See `Bulk.report`."""
        bulk = await self._bulk_created()
        return await asyncio.to_thread(bulk.report)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BulkResult:
        if self._next is None:
            bulk = await self._bulk_created()
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
        await self._bulk_created()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        bulk = await self._bulk_created()
        await asyncio.to_thread(bulk.__exit__, kind, error, trace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
