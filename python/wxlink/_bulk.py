"""Jobs of many links: the objects that `Client.bulk` returns."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from shutil import get_terminal_size
from time import monotonic
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

from wxlink._arguments import (
    check_flags,
    check_integers,
    check_path,
    check_rows,
    check_text,
    kind_of,
)
from wxlink._core import Job

if TYPE_CHECKING:
    from types import TracebackType

    from wxlink._core import Handle
    from wxlink._types import BulkEncoding, BulkEnd, BulkOutcome, BulkRows

    if sys.version_info >= (3, 11):
        from typing import Self
    else:
        from typing_extensions import Self


class BulkResult(NamedTuple):
    """The result of a row."""

    line: int
    """The row's place in the input: the number of its line, or of the item, from 1."""
    account: str
    """The Official Account's appid."""
    appid: str
    """The mini program's appid."""
    outcome: BulkOutcome
    """"linked", "invited" or "pending" if nothing needs to be done; "declined", "refused" or
    "no_access" if a person must act first; "deferred", "failed" or "unknown" if the row should be
    done again."""
    errcode: int
    """WeChat's errcode, if it says more than the outcome; otherwise 0."""
    rid: str
    """The request id that WeChat's support asks for, or empty."""
    message: str
    """What happened and what to do about it, or empty."""
    until: datetime | None
    """When a deferred row is due again."""
    other: dict[str, str]
    """What the row has besides a link: its other columns or keys, by name."""


class OverQuotaAccount(NamedTuple):
    """An account with more rows to post than its quota of this month allows."""

    account: str
    """Its appid."""
    posts: int
    """How many rows would be posted for it."""


class UnreadableAccount(NamedTuple):
    """An account whose list cannot be read."""

    account: str
    """Its appid."""
    message: str
    """Why, and what to do about it."""


class BulkPlan(NamedTuple):
    """What a job would do: the number of rows for each action, and accounts that need attention."""

    post: int
    """Rows that would be posted."""
    over_quota: int
    """Rows that would be posted, but exceed the account's quota of this month."""
    linked: int
    """Rows that are already linked."""
    pending: int
    """Rows that are already invited."""
    declined: int
    """Rows that a mini program's administrator declined; they would not be posted."""
    duplicate: int
    """Rows that ask for the same link as an earlier row."""
    unreadable: int
    """Rows of accounts whose list cannot be read now."""
    notifying: int
    """Rows that would be posted and message every follower."""
    notified_accounts: int
    """Accounts whose followers would be messaged."""
    accounts_over_quota: list[OverQuotaAccount]
    """The first 20 accounts with more rows to post than their quota allows."""
    accounts_unreadable: list[UnreadableAccount]
    """The first 20 accounts whose list cannot be read."""


class Bulk:
    """A job of many links, and an iterator over its results. See `Client.bulk`."""

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
        encoding: BulkEncoding | None = None,
        sheet: str | None = None,
        progress: bool | Callable[[int, int, dict[BulkOutcome, int]], object] | None = None,
    ) -> None:
        check_flags(resume=resume, retry_failed=retry_failed)
        check_integers(workers=workers)
        check_text(rate=rate, account_rate=account_rate)
        if notify_users is not None:
            check_flags(notify_users=notify_users)
        if show_profile is not None:
            check_flags(show_profile=show_profile)
        if encoding is not None:
            check_text(encoding=encoding)
        if sheet is not None:
            check_text(sheet=sheet)
        if job is not None:
            check_path(job=job)
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise TypeError(f"progress must be a bool or a function, not {kind_of(progress)}")
        check_rows(rows)
        if (resume or retry_failed) and job is None:
            raise TypeError("resume and retry_failed require the job's folder: job=...")
        mode: Literal["pending", "failed"] | None = None
        if retry_failed:
            mode = "failed"
        elif resume:
            mode = "pending"
        source: AbstractContextManager[object] = nullcontext(rows)
        if isinstance(rows, (str, os.PathLike)):
            source = Path(rows).open("rb")  # noqa: SIM115 -- closed by `with source`
        with source as opened:
            self._job = Job(
                handle,
                opened,
                None if job is None else Path(job).absolute(),
                mode,
                {
                    "notify_users": notify_users,
                    "show_profile": show_profile,
                    "workers": workers,
                    "rate": rate,
                    "account_rate": account_rate,
                    "encoding": encoding,
                    "sheet": sheet,
                },
            )
        self._bar: _Bar | None = None
        if progress is True:
            self._bar = _Bar(sys.stderr, self._job.done, self._job.rows)
        self._progress = progress if callable(progress) else None

    @property
    def dir(self) -> Path:
        """The job's folder."""
        return self._job.dir

    @property
    def counts(self) -> dict[BulkOutcome, int]:
        """How many rows have each outcome, including results not iterated over yet."""
        return self._job.counts()

    @property
    def end(self) -> BulkEnd | None:
        """How the work ended; None if it has not.

        "finished": no row is left that is due. "stopped": a stop was requested. "outage": no call
        got through any more. "no_access": many accounts in a row denied access.
        """
        return self._job.end

    def plan(self, *, monthly_links: int = 13) -> BulkPlan:
        """Reads the lists of all accounts that have rows left, and returns what would be done.

        Posts nothing.

        monthly_links: how many links an account may request in a month
        """
        check_integers(monthly_links=monthly_links)
        fields = self._job.plan(monthly_links)
        return BulkPlan(
            post=fields["post"],
            over_quota=fields["over_quota"],
            linked=fields["linked"],
            pending=fields["pending"],
            declined=fields["declined"],
            duplicate=fields["duplicate"],
            unreadable=fields["unreadable"],
            notifying=fields["notifying"],
            notified_accounts=fields["notified_accounts"],
            accounts_over_quota=[OverQuotaAccount(**a) for a in fields["accounts_over_quota"]],
            accounts_unreadable=[UnreadableAccount(**a) for a in fields["accounts_unreadable"]],
        )

    def stop(self) -> None:
        """Stops the work: rows in progress are completed, no others are started.

        Waits until they are, which takes no longer than the client's time limit. Results that
        exist by then can still be iterated over.
        """
        self._job.stop()
        self._job.check()

    def report(self) -> Path:
        """Writes a CSV file for each outcome and returns their folder, `report` within the job's.

        Each file can be the input of another job.
        """
        return self._job.report()

    def __len__(self) -> int:
        """How many rows are left."""
        return self._job.left

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BulkResult:
        fields = self._job.next()
        if fields is None:
            self._draw(last=True)
            raise StopIteration
        self._draw()
        if self._progress is not None:
            self._progress(self._job.done, self._job.rows, self._job.counts())
        until = fields["until"]
        return BulkResult(
            line=fields["line"],
            account=fields["account"],
            appid=fields["appid"],
            outcome=fields["outcome"],
            errcode=fields["errcode"],
            rid=fields["rid"],
            message=fields["message"],
            until=None if until is None else datetime.fromtimestamp(until, timezone.utc),
            other=fields["other"],
        )

    def _draw(self, *, last: bool = False) -> None:
        if self._bar is not None and self._bar.is_due(last):
            self._bar.draw(self._job.done, self._job.rows, self._job.counts())
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
        return f"<{type(self).__name__} {self._job.done} of {self._job.rows}>"


class _Bar:
    """Shows the progress of a job on stderr: a bar on a terminal, a line every 10 s elsewhere."""

    def __init__(self, out: IO[str] | None, done: int, rows: int) -> None:
        self._out = out
        self._terminal = out is not None and out.isatty()
        self._interval = 0.1 if self._terminal else 10.0
        self._done_at_start = done
        self._started_at = self._drawn_at = monotonic()

    def is_due(self, last: bool) -> bool:
        """Whether it is time to draw."""
        return self._out is not None and (last or monotonic() - self._drawn_at >= self._interval)

    def draw(self, done: int, rows: int, counts: dict[BulkOutcome, int]) -> None:
        """Draws the bar, or writes a line."""
        assert self._out is not None
        self._drawn_at = monotonic()
        elapsed = self._drawn_at - self._started_at
        rate = (done - self._done_at_start) / elapsed if elapsed else 0.0
        left = _clock((rows - done) / rate) if rate else "?"
        share = done / rows if rows else 1.0
        summary = ", ".join(f"{outcome} {number}" for outcome, number in counts.items())
        text = f"{done}/{rows} [{_clock(elapsed)}<{left}, {rate:.2f} rows/s] {summary}"
        if self._terminal:
            bar = "#" * int(share * 20)
            text = f"{share:4.0%}|{bar:20}| {text}"[: get_terminal_size().columns - 1]
            self._out.write(f"\r{text}\033[K")
        else:
            self._out.write(f"{share:.0%} {text}\n")
        self._out.flush()

    def end(self) -> None:
        """Ends the line of the bar. Nothing is drawn afterwards."""
        if self._terminal and self._out is not None:
            self._out.write("\n")
        self._out = None


def _clock(seconds: float) -> str:
    """A duration as MM:SS, or H:MM:SS."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
