"""Jobs of many links, against a running simulator."""

import asyncio
import csv
import gc
import inspect
import io
import itertools
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import wxlink
from wxlink.sandbox import Server

QUIET = {"notify_users": False, "show_profile": True}
FAST: dict[str, Any] = {"rate": "off", "account_rate": "off", **QUIET}


def account(n: int) -> str:
    return f"wx0a{n:014x}"


def appid(n: int) -> str:
    return f"wx0b{n:014x}"


class World:
    """A platform with accounts and mini programs, and a client for it."""

    secret = "SECRET-OF-THE-PLATFORM"

    def __init__(self, server: Server, accounts: int = 30, apps: int = 5) -> None:
        self.server = server
        each = range(1, accounts + 1)
        world = {
            "accounts": {account(n): {"subject": "s"} for n in each},
            "miniprograms": {appid(n): {"subject": "s"} for n in range(1, apps + 1)},
            "tokens": {},
            "component": {
                "appid": "wx0c00000000000001",
                "appsecret": self.secret,
                "ticket": "TICKET",
                "authorizers": {account(n): {"refresh_token": f"REFRESH-{n}"} for n in each},
            },
        }
        server.admin("POST", "reset", world)
        self.options: dict[str, Any] = {
            "component_appid": "wx0c00000000000001",
            "component_appsecret": self.secret,
            "timeout": 5,
        }
        self.client = server.client(**self.options)
        self.client.set_ticket("TICKET")
        # The accounts alternate, so that the rows must be sorted.
        self.rows = [(account(a), appid(p)) for p in range(1, apps + 1) for a in each]

    def posted(self) -> int:
        return self.server.counts()["received"]["link"]  # type: ignore[no-any-return]


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    world = World(server)
    with world.client:
        yield world


def test_every_row_gets_a_result_and_is_posted_once(world: World) -> None:
    with world.client.bulk(world.rows, **FAST) as bulk:
        assert len(bulk) == 150
        assert (bulk.end, bulk.counts, world.posted()) == (None, {}, 0)
        results = list(bulk)
        folder = bulk.dir
        assert folder.is_dir()
    assert (bulk.end, bulk.counts, len(bulk)) == ("finished", {"invited": 150}, 0)
    assert list(bulk) == []
    assert not folder.exists()
    assert world.posted() == 150
    assert {(r.account, r.appid) for r in results} == set(world.rows)
    assert {r.line: (r.account, r.appid) for r in results} == dict(enumerate(world.rows, 1))
    assert {r.outcome for r in results} == {"invited"}
    for n in range(1, 31):
        of_account = [r.appid for r in results if r.account == account(n)]
        assert of_account == [appid(p) for p in range(1, 6)]
    with pytest.raises(AttributeError):
        results[0].outcome = "linked"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(results[0])) == results[0]
    # Again: the invitations are found, and nothing is posted.
    assert {r.outcome for r in world.client.bulk(world.rows, **FAST)} == {"pending"}
    assert world.posted() == 150


def test_refused_rows_have_a_remedy_and_deferred_rows_a_time(world: World) -> None:
    refusing = {"subject": "s", "refuses": ["banned"]}
    world.server.admin("PUT", f"miniprograms/{appid(1)}", refusing)
    limits = {"same_subject": 100, "different_subject": 3, "monthly": 1}
    world.server.admin("PUT", f"accounts/{account(2)}", {"subject": "s", "limits": limits})
    rows = [(account(1), appid(1)), (account(2), appid(2)), (account(2), appid(3))]
    with world.client.bulk(rows, **FAST) as bulk:
        refused, invited, deferred = sorted(bulk)
    assert (refused.outcome, refused.errcode, refused.until) == ("refused", 89013, None)
    assert "ban" in refused.message
    assert refused.rid
    assert refused.rid in refused.message
    assert (invited.outcome, invited.message) == ("invited", "")
    assert deferred.outcome == "deferred"
    assert deferred.until is not None
    assert deferred.until.tzinfo is timezone.utc
    # Midnight in Beijing.
    assert (deferred.until.hour, deferred.until.minute) == (16, 0)
    assert bulk.counts == {"invited": 1, "refused": 1, "deferred": 1}


ROWS = [(account(1), appid(1), False, True), (account(1), appid(2), True, False)]
TEXT = "account,appid,notify_users,show_profile\n" + "".join(
    f"{a},{p},{int(n)},{int(s)}\n" for a, p, n, s in ROWS
)
NAMES = ("account", "appid", "notify_users", "show_profile")


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [list(row) for row in ROWS],
        [dict(zip(NAMES, row, strict=True)) for row in ROWS],
        [MappingProxyType(dict(zip(NAMES, row, strict=True))) for row in ROWS],
        (row for row in ROWS),
        io.StringIO(TEXT),
        io.BytesIO(("\ufeff" + TEXT.replace(",", ";")).encode()),
        io.StringIO("".join(json.dumps(dict(zip(NAMES, r, strict=True))) + "\n" for r in ROWS)),
        "path",
        Path("path"),
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_rows_may_come_in_many_forms(world: World, tmp_path: Path, rows: Any) -> None:
    if isinstance(rows, (str, Path)):
        rows = type(rows)(tmp_path / "links.csv")
        Path(rows).write_text(TEXT)
    with world.client.bulk(rows, rate="off", account_rate="off") as bulk:
        found = [(result.account, result.appid) for result in bulk]
    assert found == [row[:2] for row in ROWS]
    entries = world.server.admin("GET", "journal")["entries"]
    sent = [json.loads(e["body"]) for e in entries if e["endpoint"] == "link"]
    choices = [(s["notify_users"], s["show_profile"]) for s in sent]
    assert choices == [(0, 1), (1, 0)]


def test_workbooks_and_gbk_are_read(world: World, tmp_path: Path) -> None:
    book = Path(__file__).parents[2] / "crates/bulk/tests/inputs/links.xlsx"
    with world.client.bulk(book, rate="off", account_rate="off") as bulk:
        results = sorted(bulk)
    assert [result.line for result in results] == [3, 6]
    assert results[0].other["日期"] == "2026-11-26"
    with pytest.raises(wxlink.ArgumentError, match=r'sheet "Third".* Choose one with sheet'):
        world.client.bulk(book, sheet="Third")

    path = tmp_path / "links.csv"
    path.write_bytes(f"公众号,小程序,备注\n{account(1)},{appid(1)},茶\n".encode("gbk"))
    for encoding in (None, "gb18030"):
        with world.client.bulk(path, encoding=encoding, **FAST) as bulk:
            (result,) = bulk
        assert result.other == {"备注": "茶"}
    with pytest.raises(wxlink.ArgumentError, match='with encoding="gb18030"'):
        world.client.bulk(path, encoding="utf-8", **FAST)


def test_other_keys_are_kept_in_results_and_the_report(world: World, tmp_path: Path) -> None:
    link = {"account": account(1), "appid": appid(1)}
    rows = [{"备注": "茶", "id": 10**30, **link, "tags": ["a", {"b": None}], "none": None, 7: "x"}]
    kept = {"备注": "茶", "id": "1" + "0" * 30, "tags": '["a", {"b": null}]', "none": ""}
    with world.client.bulk(rows, job=tmp_path / "job", **FAST) as bulk:
        (result,) = bulk
        report = bulk.report()
    assert result.other == kept
    assert list(result.other) == list(kept)
    with (report / "invited.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row)[10:] == list(kept)
    assert {name: row[name] for name in kept} == kept
    # A result is a row, too. What it has besides the link is not the user's.
    again = [result._asdict()]
    with world.client.bulk(again, **FAST) as bulk:
        (result,) = bulk
    assert (result.outcome, result.other) == ("pending", kept)


def test_invalid_rows_are_all_listed_before_anything_is_sent(world: World, tmp_path: Path) -> None:
    good = world.rows[0]
    rows = [good, ("", appid(1)), good, (account(1), None), (account(1), float("nan")), 7, "text"]
    with pytest.raises(wxlink.ArgumentError) as caught:
        world.client.bulk(rows, **FAST)  # type: ignore[arg-type]
    lines = re.findall(r"line (\d+): (.+)", str(caught.value))
    assert [int(n) for n, _ in lines] == [2, 4, 5, 6, 7]
    assert [why for _, why in lines][:2] == ["account is empty", "missing appid"]
    with pytest.raises(wxlink.ArgumentError, match="line 1: missing notify_users"):
        world.client.bulk([good], show_profile=True)
    with pytest.raises(wxlink.ArgumentError, match="no rows"):
        world.client.bulk([], job=tmp_path / "job")
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv"):
        world.client.bulk(tmp_path / "nothing.csv")
    with pytest.raises(UnicodeDecodeError):
        world.client.bulk(io.TextIOWrapper(io.BytesIO(TEXT.encode() + b"\xff"), "utf-8"))
    with pytest.raises(TypeError):
        world.client.bulk(7, **FAST)  # type: ignore[arg-type]
    assert not any(world.server.counts()["received"].values())


def test_ambiguous_rows_are_refused_with_their_line(world: World, tmp_path: Path) -> None:
    head = "account,appid,notify_users,show_profile,note\n"
    first, second = (f"{account(n)},{appid(1)},0,1," for n in (1, 2))
    fields = json.dumps({"account": account(1), "appid": appid(1), "notify_users": 0})[:-1]
    rows: Any
    for rows, why in [
        (
            io.StringIO(f'{head}{first}"Beijing\n{second}x\n'),
            "line 2: a quote is opened and never closed",
        ),
        (io.StringIO(f'{head}{first}"Beijing\n{second}x"\n'), "line 2: .* on line 3"),
        (io.StringIO(f'{fields}, "notify_users": 1}}\n'), 'line 1: .*duplicate key "notify_users"'),
        (
            [{"account": account(1), "appid": appid(1), "notify_users": 0, "Notify-Users": 1}],
            "line 1: .*both mean notify_users",
        ),
    ]:
        with pytest.raises(wxlink.ArgumentError, match=why):
            world.client.bulk(rows, job=tmp_path / "job", **FAST)
    assert list(tmp_path.iterdir()) == []
    assert not any(world.server.counts()["received"].values())


def test_the_user_s_files_are_neither_replaced_nor_removed(world: World, tmp_path: Path) -> None:
    mine = tmp_path / "rows.jsonl"
    mine.write_text(json.dumps({"account": account(1), "appid": appid(1), "note": "mine"}))
    before = mine.read_text()
    rows: Any
    for rows in (world.rows, mine):
        with pytest.raises(wxlink.ArgumentError, match=r"\(job\)"):
            world.client.bulk(rows, job=tmp_path, **FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
    assert mine.read_text() == before
    # A report file that the user changed stays too.
    with world.client.bulk(world.rows[:2], job=tmp_path / "job", **FAST) as bulk:
        list(bulk)
        changed = bulk.report() / "invited.csv"
        changed.write_text("mine")
        with pytest.raises(wxlink.WxError, match=r"invited\.csv is in the way"):
            bulk.report()
    assert changed.read_text() == "mine"


def test_exceptions_of_the_input_are_raised_and_nothing_is_sent(
    world: World, tmp_path: Path
) -> None:
    def rows() -> Iterator[tuple[str, str]]:
        yield from world.rows[:3]
        raise LookupError("the database is gone")

    class Unreadable(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            raise OSError("the disk is gone")

    with pytest.raises(LookupError, match="database"):
        world.client.bulk(rows(), job=tmp_path / "job", **FAST)
    with pytest.raises(OSError, match="disk"):
        world.client.bulk(Unreadable(), job=tmp_path / "job", **FAST)
    assert not any(world.server.counts()["received"].values())
    # The folder holds no job, so one can be created there.
    with world.client.bulk(world.rows[:1], job=tmp_path / "job", **FAST) as bulk:
        assert next(bulk).outcome == "invited"


def test_options_are_checked(world: World, server: Server, tmp_path: Path) -> None:
    row = world.rows[:1]
    for invalid, why in [
        ({"workers": 0}, "workers must be"),
        ({"rate": "fast"}, "invalid rate .* 60/m"),
        ({"account_rate": "1/w"}, "invalid account_rate"),
        ({"job": tmp_path, "resume": True}, "no job to resume"),
        ({"encoding": "latin-1"}, 'invalid encoding "latin-1": expected one of utf-8'),
    ]:
        with pytest.raises(wxlink.ArgumentError, match=why):
            world.client.bulk(row, **{**FAST, **invalid})  # type: ignore[misc]
    for invalid in [
        {"resume": True},
        {"retry_failed": True},
        {"worker": 1},
        {"rate": 5},
        {"sheet": 1},
    ]:
        with pytest.raises(TypeError):
            world.client.bulk(row, **{**FAST, **invalid})  # type: ignore[misc]
    with pytest.raises(wxlink.ArgumentError, match="no rows"):
        world.client.bulk(None, job=tmp_path / "job")
    for options in [{}, {"access_token": "T"}]:
        with (
            server.client(**options) as client,  # type: ignore[arg-type]
            pytest.raises(wxlink.ArgumentError, match="token_command"),
        ):
            client.bulk(row, **FAST)
    with server.client(token_command="echo TOKEN") as client, client.bulk(row, **FAST) as bulk:
        assert next(bulk).outcome == "no_access"


def test_every_option_is_documented_with_its_default() -> None:
    doc = wxlink.Client.bulk.__doc__ or ""
    keywords = inspect.signature(wxlink.Bulk).parameters.values()
    keywords = [k for k in keywords if k.kind is k.KEYWORD_ONLY]  # type: ignore[assignment]
    assert len(keywords) == 11
    for keyword in keywords:
        default = json.dumps(keyword.default) if keyword.default else keyword.default
        assert re.search(rf"\n        {keyword.name}: [a-z ]+, {re.escape(str(default))}\n", doc)


def test_a_stopped_job_is_resumed(world: World, tmp_path: Path) -> None:
    job = tmp_path / "links.job"
    with world.client.bulk(world.rows, job=str(job), workers=2, **FAST) as bulk:
        for _ in bulk:
            break
    assert bulk.end == "stopped"
    done = sum(bulk.counts.values())
    assert 1 <= done < 150
    assert bulk.dir == job
    assert world.posted() == done
    with pytest.raises(wxlink.ArgumentError, match=r"resume=True.*\(job\)"):
        world.client.bulk(world.rows, job=job, **FAST)
    with pytest.raises(wxlink.ArgumentError, match="other rows"):
        world.client.bulk(world.rows[1:], job=job, resume=True, **FAST)

    with world.client.bulk(world.rows, job=job, resume=True, workers=2, **FAST) as bulk:
        assert len(bulk) == 150 - done
        # Nothing else can open the job meanwhile.
        with pytest.raises(wxlink.ArgumentError, match="another process"):
            world.client.bulk(None, job=job, resume=True)
        next(bulk)
        bulk.stop()
        assert (bulk.end, bulk.counts) == ("stopped", {"invited": 150 - len(bulk)})
        # Results that exist by then can still be iterated over.
        assert len(list(bulk)) == 149 - done - len(bulk)

    with world.client.bulk(None, job=job, resume=True, rate="off", account_rate="off") as bulk:
        rest = list(bulk)
        assert {r.outcome for r in rest} == {"invited"}
        report = bulk.report()
    assert bulk.counts == {"invited": 150}
    assert world.posted() == 150
    assert report == job / "report"
    assert len((report / "invited.csv").read_text().splitlines()) == 151
    # A file of a report can be the input of another job.
    assert {r.outcome for r in world.client.bulk(report / "invited.csv", **FAST)} == {"pending"}


def test_failed_rows_are_done_again_with_retry_failed(world: World, tmp_path: Path) -> None:
    job = tmp_path / "job"
    world.server.admin("PUT", f"miniprograms/{appid(1)}", {"subject": "s", "refuses": ["banned"]})
    with world.client.bulk(world.rows[:31], job=job, **FAST) as bulk:
        list(bulk)
    assert bulk.counts == {"refused": 30, "invited": 1}
    world.server.admin("PUT", f"miniprograms/{appid(1)}", {"subject": "s"})
    with world.client.bulk(None, job=job, resume=True) as bulk:
        assert (len(bulk), list(bulk), bulk.end) == (0, [], "finished")
    with world.client.bulk(None, job=job, retry_failed=True, **FAST) as bulk:
        assert len(bulk) == 30
        assert {r.outcome for r in bulk} == {"invited"}
    assert bulk.counts == {"invited": 31}
    assert world.posted() == 61


def test_a_plan_posts_nothing(world: World, tmp_path: Path) -> None:
    links = [{"appid": appid(1), "state": "linked"}]
    world.server.admin("PUT", f"accounts/{account(1)}", {"subject": "s", "links": links})
    world.server.admin("DELETE", f"authorizers/{account(3)}")
    rows = [*world.rows, world.rows[1]]
    with world.client.bulk(rows, notify_users=True, show_profile=True, rate="off") as bulk:
        plan = bulk.plan(monthly_links=4)
        assert (plan.linked, plan.unreadable, plan.duplicate) == (1, 5, 1)
        assert (plan.post, plan.over_quota, plan.pending, plan.declined) == (116, 28, 0, 0)
        assert (plan.notifying, plan.notified_accounts) == (144, 29)
        assert len(plan.accounts_over_quota) == 20
        assert isinstance(plan.accounts_over_quota[0], wxlink.OverQuotaAccount)
        assert plan.accounts_over_quota[0].posts == 5
        assert isinstance(plan.accounts_unreadable[0], wxlink.UnreadableAccount)
        assert plan.accounts_unreadable[0].account == account(3)
        assert "authorise" in plan.accounts_unreadable[0].message
        assert (len(bulk), bulk.end, world.posted()) == (151, None, 0)
        bulk.stop()
        with pytest.raises(wxlink.CallCancelledError):
            bulk.plan()
    assert (bulk.end, list(bulk)) == (None, [])


def test_ctrl_c_interrupts_the_reading_of_rows(world: World, tmp_path: Path) -> None:
    starting = threading.Event()
    ctrl_c = CtrlC(starting.is_set)
    with pytest.raises(KeyboardInterrupt):
        starting.set()
        world.client.bulk(itertools.repeat(world.rows[0]), job=tmp_path / "job", **FAST)
    ctrl_c.join()
    assert time.monotonic() - ctrl_c.at < 30
    assert not (tmp_path / "job" / "job.json").exists()


class CtrlC(threading.Thread):
    """Sends Ctrl-C to this process when a condition becomes true, and keeps the time."""

    def __init__(self, when: Callable[[], bool]) -> None:
        super().__init__()
        self.when = when
        self.at = float("inf")
        self.start()

    def run(self) -> None:
        until(self.when)
        self.at = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("what", ["next", "plan"])
def test_ctrl_c_stops_a_job_and_keeps_its_work(world: World, tmp_path: Path, what: str) -> None:
    job = tmp_path / "job"
    world.server.fault({"delay_ms": 2000}, endpoint="get", always=True)
    ctrl_c = CtrlC(lambda: world.server.counts()["received"]["get"] > 0)
    with (
        pytest.raises(KeyboardInterrupt),
        world.client.bulk(world.rows, job=job, workers=1, **FAST) as bulk,
    ):
        if what == "plan":
            bulk.plan()
        next(bulk)
    ctrl_c.join()
    # The call in progress was completed.
    assert 0.3 < time.monotonic() - ctrl_c.at < 30
    assert bulk.end == (None if what == "plan" else "stopped")
    with world.client.bulk(None, job=job, resume=True, **FAST) as again:
        assert len(again) == 150 - world.posted() == 150 - sum(bulk.counts.values())


def test_after_a_second_ctrl_c_the_job_ends_by_itself(world: World) -> None:
    world.server.fault("hang", endpoint="get", always=True)
    client = world.client.with_options(timeout=20)
    bulk = client.bulk(world.rows, workers=1, **FAST)
    ctrl_c = CtrlC(lambda: world.server.counts()["received"]["get"] > 0)
    with pytest.raises(KeyboardInterrupt):
        next(bulk)
    first = ctrl_c.at
    stopping = threading.Event()
    again = CtrlC(stopping.is_set)
    with pytest.raises(KeyboardInterrupt):
        stopping.set()
        while True:
            bulk.stop()
    assert again.at - first < 15
    folder = bulk.dir
    del bulk
    ctrl_c.join()
    again.join()
    assert time.monotonic() - first < 15
    until(lambda: not folder.exists())


def test_an_exception_in_the_loop_is_raised_and_stops_the_job(world: World, tmp_path: Path) -> None:
    with pytest.raises(LookupError), world.client.bulk(world.rows, **FAST) as bulk:
        for result in bulk:
            raise LookupError(result.appid)
    assert bulk.end in ("stopped", "finished")
    assert not bulk.dir.exists()
    assert list(bulk) == []


def test_a_job_without_references_is_stopped(world: World) -> None:
    bulk = world.client.bulk(world.rows, workers=2, **FAST)
    next(bulk)
    folder = bulk.dir
    assert folder.exists()
    del bulk
    gc.collect()
    assert not folder.exists()
    posted = world.posted()
    assert posted < 150
    until(lambda: not any(name.startswith("wxlink-bulk") for name in threads()))
    assert world.posted() == posted


def until(condition: Callable[[], bool]) -> None:
    """Waits until a condition is true."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end


def threads() -> list[str]:
    """The names of the system's threads of this process."""
    return [Path(entry, "comm").read_text().strip() for entry in Path("/proc/self/task").iterdir()]


def test_workers_wait_when_results_are_not_taken(world: World) -> None:
    with world.client.bulk(world.rows, workers=2, **FAST) as bulk:
        next(bulk)
        # The workers continue until 64 results wait, and one more of each worker.
        until(lambda: len(bulk) == 150 - 1 - 64 - 2)
        # The job does not continue while another one is run from start to end.
        rows = [(account(30), appid(n)) for n in range(1, 6)] * 100
        assert sum(1 for _ in world.client.bulk(rows, **FAST)) == 500
        assert len(bulk) == 150 - 1 - 64 - 2
        assert sum(1 for _ in bulk) == 149


def test_other_threads_run_and_can_take_results_too(world: World) -> None:
    bulk = world.client.bulk(world.rows, **FAST)
    taken: list[list[wxlink.BulkResult]] = [[] for _ in range(4)]
    threads = [
        threading.Thread(target=lambda to=to: to.extend(bulk))  # type: ignore[misc]
        for to in taken
    ]
    for thread in threads:
        thread.start()
    beats = sum(1 for _ in iter(lambda: threads[0].is_alive(), False))
    for thread in threads:
        thread.join()
    assert beats > 5
    assert sorted(r.line for r in itertools.chain(*taken)) == list(range(1, 151))


def test_when_all_accounts_deny_access_the_run_ends(world: World) -> None:
    world.server.fault({"errcode": {"code": 61004}}, endpoint="get", always=True)
    with world.client.bulk(world.rows, workers=2, **FAST) as bulk:
        assert {r.outcome for r in bulk} == {"no_access"}
    assert bulk.end == "no_access"
    assert len(bulk) > 0


def test_an_unusable_folder_is_reported_with_a_remedy(world: World, tmp_path: Path) -> None:
    (tmp_path / "job").write_text("no folder")
    with pytest.raises(wxlink.ArgumentError, match=r"cannot be a job's folder.*\(job\)"):
        world.client.bulk(world.rows, job=tmp_path / "job", **FAST)
    with world.client.bulk(world.rows, job=tmp_path / "other", **FAST) as bulk:
        (bulk.dir / "rows.jsonl").unlink()
        with pytest.raises(wxlink.InternalError, match=r"rows\.jsonl.*resume=True"):
            next(bulk)
        assert list(bulk) == []
    assert bulk.end is None


def test_progress_is_reported(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[int, int, dict[str, int]]] = []
    for _ in world.client.bulk(world.rows, progress=lambda *t: calls.append(t), **FAST):
        pass
    assert len(calls) == 150
    assert calls[-1] == (150, 150, {"invited": 150})
    assert [c[0] for c in calls] == sorted(c[0] for c in calls)
    capfd.readouterr()
    with world.client.bulk(world.rows, progress=True, **FAST) as bulk:
        list(bulk)
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"100% 150/150 \[00:\d\d<00:00, [\d.]+ rows/s\] pending 150\n", err)


def test_a_bar_is_drawn_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wxlink import _bulk

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    now = 100.0
    monkeypatch.setattr(_bulk, "monotonic", lambda: now)
    monkeypatch.setenv("COLUMNS", "80")
    for out, interval in [(Terminal(), 0.1), (io.StringIO(), 10)]:
        now = 100.0
        bar = _bulk._Bar(out, 10, 7210)
        assert not bar.is_due(last=False)
        now += interval * 1.01
        assert bar.is_due(last=False)
        now = 110.0
        bar.draw(1010, 7210, {"linked": 10, "invited": 1000})
        line = "1010/7210 [00:10<01:02, 100.00 rows/s] linked 10, invited 1000"
        if out.isatty():
            # One column narrower than the terminal.
            assert out.getvalue() == f"\r {f' 14%|##                  | {line}'[1:79]}\033[K"
        else:
            assert out.getvalue() == f"14% {line}\n"
        bar.end()
        assert not bar.is_due(last=True)
        assert out.getvalue().endswith("\n")
    assert _bulk._clock(3725.9) == "1:02:05"
    assert not _bulk._Bar(None, 0, 1).is_due(last=True)


def test_no_secret_appears_in_results_output_or_files(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = ""
    world.server.fault({"errcode": {"code": 42001}}, endpoint="link", times=3)
    with world.client.bulk(world.rows, job=tmp_path / "job", progress=True, **FAST) as bulk:
        shown += "".join(map(repr, bulk)) + repr(bulk) + str(bulk.counts)
        bulk.report()
    shown += "".join(capfd.readouterr())
    files = [path for path in (tmp_path / "job").rglob("*") if path.is_file()]
    assert {"journal.jsonl", "invited.csv"} <= {path.name for path in files}
    shown += "".join(path.read_text() for path in files)
    tokens = re.findall(r"access_token=([\w-]+)", json.dumps(world.server.admin("GET", "journal")))
    assert len(tokens) > 150
    for secret in {world.secret, "TICKET", "REFRESH-1", *tokens}:
        assert secret not in shown


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_only_the_parent_continues_the_job(world: World) -> None:
    bulk = world.client.bulk(world.rows, workers=2, **FAST)
    next(bulk)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for call in (lambda: next(bulk), lambda: world.client.bulk(world.rows, **FAST)):
                with pytest.raises(wxlink.ForkedError):
                    call()
            del bulk
            gc.collect()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert bulk.dir.exists()
    assert sum(1 for _ in bulk) == 149
    assert bulk.end == "finished"


def test_memory_stays_flat_over_many_rows(server: Server) -> None:
    # In a separate process, so that nothing else uses its memory.
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from test_bulk import FAST, World, account, appid
from test_client import resident
from wxlink.sandbox import Server

with Server() as server:
    world = World(server, 20, 1)
    rows = ((account(n % 20 + 1), appid(1)) for n in range(20_000))
    with world.client.bulk(rows, **FAST) as bulk:
        for n, result in enumerate(bulk):
            if n == 2_000:
                before = resident()
    print(bulk.counts, bulk.end, resident() - before)
"""
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code, here], capture_output=True, text=True, check=True
    )
    printed = re.fullmatch(r"\{'invited': 20, 'pending': 19980\} finished (-?\d+)\n", done.stdout)
    assert printed is not None, done.stdout
    # Keeping a result for each row would take some 10,000 KiB.
    assert int(printed[1]) < 4096


def test_jobs_for_asyncio(world: World, tmp_path: Path) -> None:
    async def story() -> None:
        async with world.server.async_client(**world.options) as client:
            await client.set_ticket("TICKET")
            beats = 0

            async def beat() -> None:
                nonlocal beats
                while True:
                    await asyncio.sleep(0)
                    beats += 1

            beating = asyncio.create_task(beat())
            job = tmp_path / "job"
            async with client.bulk(world.rows, job=job, **FAST) as bulk:
                assert (await bulk.plan()).post == 150
                async for result in bulk:
                    assert result.outcome == "invited"
                    if len(bulk) < 100:
                        break
            assert bulk.end == "stopped"
            bulk = client.bulk(None, job=job, resume=True, **FAST)
            with pytest.raises(RuntimeError, match="not created"):
                _ = bulk.counts
            # After a cancelled wait, the next one gets the result.
            waiting = asyncio.ensure_future(bulk.__anext__())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            async with bulk:
                left = len(bulk)
                assert left <= 100
                rest = [result async for result in bulk]
                files = await asyncio.to_thread(list, (await bulk.report()).glob("*.csv"))
            assert [file.name for file in files] == ["invited.csv"]
            assert (len(rest), bulk.end, bulk.counts) == (left, "finished", {"invited": 150})
            with pytest.raises(wxlink.ArgumentError, match="line 1"):
                async with client.bulk([world.rows[0]]):
                    pass
            beating.cancel()
            assert beats > 150

    asyncio.run(story())
    assert world.posted() == 150
