"""Many links at once: what `Client.bulk` gives."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from shutil import get_terminal_size
from time import monotonic
from typing import IO, TYPE_CHECKING, NamedTuple

from wxlink._core import Job

if TYPE_CHECKING:
    from types import TracebackType

    from wxlink._core import Handle
    from wxlink._types import BulkEnd, BulkOutcome, BulkRows

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self


class BulkResult(NamedTuple):
    """What became of a row."""

    line: int
    """The row's line in the input, or how many-th it is."""
    account: str
    """The Official Account's appid."""
    appid: str
    """The mini program's appid."""
    outcome: BulkOutcome
    """"linked", "invited" or "pending"; "declined", "refused" or "no_access", where somebody has to act;
    "deferred", "failed" or "unknown", which are to be done again."""
    errcode: int
    """WeChat's code, if that says more than the outcome; else 0."""
    rid: str
    """The id WeChat's support asks for, or an empty text."""
    message: str
    """What happened and what to do about it, or an empty text."""
    until: datetime | None
    """When a deferred row is due again."""


class BulkPlan(NamedTuple):
    """What a job would do: how many rows there are of each kind, and what is worth a look."""

    post: int
    """Rows that would be posted."""
    over_quota: int
    """Rows that would be posted, but this month's quota of the account would not do."""
    linked: int
    """Rows that are linked already."""
    pending: int
    """Rows with an invitation that is out already."""
    declined: int
    """Rows a mini program's administrator refused; nothing would be posted."""
    duplicate: int
    """Rows that ask for the same as an earlier one."""
    unreadable: int
    """Rows of accounts whose list cannot be read now."""
    notifying: int
    """Rows that would be posted and message every follower."""
    notified_accounts: int
    """Accounts whose followers would be messaged."""
    accounts_over_quota: list[tuple[str, int]]
    """Accounts with more to post than their quota, and how many; the first twenty."""
    accounts_unreadable: list[tuple[str, str]]
    """Accounts whose list cannot be read, and why; the first twenty."""


class Bulk:
    """A job of many links: an iterator of its results. See `Client.bulk`."""

    __slots__ = ("_bar", "_job", "_progress")

    def __init__(
        self,
        handle: Handle,
        rows: BulkRows | None,
        *,
        job: str | os.PathLike[str] | None = None,
        resume: bool = False,
        retry_failed: bool = False,
        notify_users: bool | None = None,
        show_profile: bool | None = None,
        workers: int = 16,
        rate: str = "100/s",
        account_rate: str = "5/s",
        progress: bool | Callable[[int, int, dict[BulkOutcome, int]], object] | None = None,
    ) -> None:
        if (resume or retry_failed) and job is None:
            raise TypeError("resume and retry_failed need the job's folder: job=...")
        reopen = retry_failed if resume or retry_failed else None
        source: AbstractContextManager[object] = (
            open(rows, "rb") if isinstance(rows, (str, os.PathLike)) else nullcontext(rows)
        )
        with source as opened:
            self._job = Job(
                handle,
                opened,
                None if job is None else Path(job).absolute(),
                reopen,
                (notify_users, show_profile),
                (workers, rate, account_rate),
            )
        self._bar = _Bar(sys.stderr, *self._job.done()) if progress is True else None
        self._progress = progress if callable(progress) else None

    @property
    def dir(self) -> Path:
        """The job's folder."""
        return self._job.dir

    @property
    def counts(self) -> dict[BulkOutcome, int]:
        """How many rows of the job have come to which outcome, those not iterated over yet included."""
        return self._job.counts()

    @property
    def end(self) -> BulkEnd | None:
        """How the work ended; None if it has not.

        "finished": all rows have come to something. "stopped": somebody asked for it. "outage": nothing
        gets through any more. "no_access": no account lets us in. But for the first, rows are left.
        """
        return self._job.end

    def plan(self, *, monthly: int = 13) -> BulkPlan:
        """Reads the lists of all accounts with rows that are left, and says what would be done. Posts nothing.

        monthly: how many links an account may ask for in a month
        """
        planned = self._job.plan(monthly)
        return BulkPlan(*planned[0], *planned[1:])

    def stop(self) -> None:
        """Ends the work: rows that are being dealt with come to an end, no others begin.

        Waits for that, which takes no longer than the client's time limit. Results that are there by
        then can still be iterated over.
        """
        self._job.stop()
        self._job.check()

    def report(self) -> Path:
        """Writes a CSV for each outcome, and returns the folder they are in, `report` within the job's.

        Each can be the rows of another job.
        """
        return self._job.report()

    def __len__(self) -> int:
        """How many rows are left to do."""
        return self._job.left

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BulkResult:
        told = self._job.next()
        if told is None:
            self._draw(last=True)
            raise StopIteration
        self._draw()
        if self._progress is not None:
            self._progress(*self._job.done(), self._job.counts())
        until = told[7]
        due = None if until is None else datetime.fromtimestamp(until, timezone.utc)
        return BulkResult(*told[:7], due)

    def _draw(self, *, last: bool = False) -> None:
        if self._bar is not None and self._bar.is_due(last):
            self._bar.draw(*self._job.done(), self._job.counts())
            if last:
                self._bar.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._job.close()
        self._draw(last=True)
        if kind is None:
            self._job.check()

    def __repr__(self) -> str:
        done, rows = self._job.done()
        return f"<{type(self).__name__} {done} of {rows}>"


class _Bar:
    """How far a job is, on stderr: drawn over and over on a terminal, a line now and then elsewhere."""

    def __init__(self, out: IO[str] | None, done: int, rows: int) -> None:
        self._out = out
        self._terminal = out is not None and out.isatty()
        self._every = 0.1 if self._terminal else 10.0
        self._before = done
        self._began = self._drawn = monotonic()

    def is_due(self, last: bool) -> bool:
        """Whether it is to be drawn now."""
        return self._out is not None and (last or monotonic() - self._drawn >= self._every)

    def draw(self, done: int, rows: int, counts: dict[BulkOutcome, int]) -> None:
        """Draws it."""
        assert self._out is not None
        self._drawn = monotonic()
        passed = self._drawn - self._began
        pace = (done - self._before) / passed if passed else 0.0
        left = _clock((rows - done) / pace) if pace else "?"
        part = done / rows if rows else 1.0
        told = ", ".join(f"{outcome} {number}" for outcome, number in counts.items())
        text = f"{done}/{rows} [{_clock(passed)}<{left}, {pace:.2f} rows/s] {told}"
        if self._terminal:
            bar = "#" * int(part * 20)
            text = f"{part:4.0%}|{bar:20}| {text}"[: get_terminal_size().columns - 1]
            self._out.write(f"\r{text}\033[K")
        else:
            self._out.write(f"{part:.0%} {text}\n")
        self._out.flush()

    def end(self) -> None:
        """Leaves it as it is."""
        if self._terminal and self._out is not None:
            self._out.write("\n")
        self._out = None


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
