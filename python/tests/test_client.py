"""The blocking client with a running simulator."""

import contextlib
import gc
import itertools
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wxlink
from wxlink.sandbox import Server

QUIET = {"notify_users": False, "show_profile": True}


def test_the_story_of_a_link(server: Server, client: wxlink.Client) -> None:
    answer = client.link_miniprogram(server.token, server.appid, **QUIET)
    assert (answer.errcode, answer.http_status, answer.json()["errcode"]) == (0, 200, 0)
    assert answer.json() == json.loads(answer.body)

    with pytest.raises(wxlink.PendingError) as caught:
        client.link_miniprogram(server.token, server.appid, **QUIET)
    error = caught.value
    assert (error.code, error.name, error.class_) == (89010, "LINK_MESSAGE_SENT", "pending")
    assert error.rid and error.rid in str(error) and error.remedy in str(error)
    assert (error.delivery, error.status, error.endpoint) == ("answered", "API", "link")

    for by, status in [
        ("official_account", wxlink.LinkStatus.AWAITING_MINI_PROGRAM),
        ("mini_program", wxlink.LinkStatus.LINKED),
    ]:
        server.approve(server.appid, by=by)
        assert [item.status for item in client.get_linked(server.token)] == [status]

    client.unlink_miniprogram(server.token, server.appid)
    with pytest.raises(wxlink.PendingError, match="89018"):
        client.unlink_miniprogram(server.token, server.appid)
    server.approve(server.appid, by="official_account")
    assert len(client.get_linked(server.token)) == 0


def test_a_list_is_a_sequence_of_typed_items(server: Server, client: wxlink.Client) -> None:
    items = client.get_linked("SANDBOX-TOKEN-3")
    assert len(items) == len(list(items)) == 6
    assert items[0] == items[-6] == items[0:1][0] != items[1]
    assert hash(items[0]) == hash(items[-6])
    assert items[::-1][0] == items[5]
    with pytest.raises(IndexError):
        items[6]
    with pytest.raises(IndexError):
        items[-7]
    with pytest.raises(TypeError):
        items["0"]  # type: ignore[call-overload]
    refused = next(i for i in items if i.status == wxlink.LinkStatus.REFUSED)
    assert refused.appid is None
    assert refused.username is not None
    assert items.find(refused.username) == refused
    assert items.find("wx-unknown") is None
    assert repr(refused) == f'MiniProgram(appid=None, username="{refused.username}", status=3)'
    linked = items[0]
    assert linked.func_infos and all(isinstance(i, wxlink.FuncInfo) for i in linked.func_infos)
    raw = items.response.json()["wxopens"]["items"][0]
    assert (linked.nickname, linked.headimg_url) == (raw["nickname"], raw["headimg_url"])
    with pytest.raises(AttributeError):
        linked.status = 2  # type: ignore[misc]


def test_ensure_and_wait(server: Server, client: wxlink.Client) -> None:
    progress = client.ensure_linked(server.token, server.appid, **QUIET)
    assert (progress.state, progress.waits_for, progress.posts) == (
        "pending",
        "official_account",
        1,
    )
    assert not progress.linked
    assert (progress.status, progress.delivery) == ("PENDING", "answered")
    assert progress.item is not None
    assert isinstance(progress.item, wxlink.MiniProgram)
    assert progress.item == client.get_linked(server.token).find(server.appid)
    assert progress.item.status == wxlink.LinkStatus.AWAITING_OFFICIAL_ACCOUNT
    server.approve(server.appid, by="official_account")
    approve = threading.Timer(0.2, server.approve, [server.appid], {"by": "mini_program"})
    approve.start()
    progress = client.wait_linked(server.token, server.appid, wait=20)
    approve.join()
    assert (progress.state, progress.status, progress.message) == ("linked", "OK", "")
    assert progress.json()["posts"] == 0
    assert server.counts()["processed"]["link"] == 1


def test_a_failed_ensure_says_what_it_knows(server: Server, client: wxlink.Client) -> None:
    server.fault({"errcode": {"code": 42001}}, endpoint="link")
    with pytest.raises(wxlink.TokenError) as caught:
        client.ensure_linked(server.token, server.appid, **QUIET)
    assert caught.value.progress is not None
    assert caught.value.progress.posts == 1


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        (89015, wxlink.PendingError, False),
        (42001, wxlink.TokenError, True),
        (-1, wxlink.BusyError, True),
        (45009, wxlink.QuotaError, True),
        (89245, wxlink.ActionRequiredError, False),
        (40013, wxlink.InvalidRequestError, False),
        (77777, wxlink.ApiError, False),
    ],
)
def test_the_kind_of_an_api_error(
    server: Server, client: wxlink.Client, code: int, kind: type, retryable: bool
) -> None:
    server.fault({"errcode": {"code": code}}, endpoint="link")
    with pytest.raises(wxlink.ApiError) as caught:
        client.link_miniprogram(server.token, server.appid, **QUIET)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("fault", "kind", "delivery"),
    [
        ({"drop": "reset"}, wxlink.OutcomeUnknownError, "unknown"),
        ("hang", wxlink.OutcomeUnknownTimeoutError, "unknown"),
        ("garbage", wxlink.BadAnswerError, "unknown"),
        ({"status": {"code": 502}}, wxlink.BadAnswerError, "unknown"),
    ],
)
def test_the_kind_of_a_fault(
    server: Server, client: wxlink.Client, fault: object, kind: type, delivery: str
) -> None:
    server.fault(fault, endpoint="link")
    with pytest.raises(wxlink.WxError) as caught:
        client.with_options(timeout=0.3).link_miniprogram(server.token, server.appid, **QUIET)
    assert type(caught.value) is kind
    assert caught.value.delivery == delivery
    assert isinstance(caught.value, TimeoutError) == (fault == "hang")
    assert server.counts()["received"]["link"] == 1


def test_what_was_never_sent() -> None:
    client = wxlink.Client(base_url="http://127.0.0.1:1", max_retries=0)
    with pytest.raises(wxlink.NotSentError) as caught:
        client.get_linked("token")
    assert (caught.value.status, caught.value.delivery) == ("CONNECT", "never sent")


def test_errors_are_pickled_whole(server: Server, client: wxlink.Client) -> None:
    with pytest.raises(wxlink.TokenError) as caught:
        client.get_linked("SANDBOX-EXPIRED")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is wxlink.TokenError
    assert (str(copy), copy.rid, copy.trace) == (
        str(caught.value),
        caught.value.rid,
        caught.value.trace,
    )


def test_no_token_is_ever_shown(server: Server, client: wxlink.Client) -> None:
    secret = "SECRET-" + "x" * 20
    for fault in [None, {"drop": "close"}, "garbage"]:
        if fault:
            server.fault(fault)
        with pytest.raises(wxlink.WxError) as caught:
            client.link_miniprogram(secret, server.appid, **QUIET)
        shown = "".join(traceback.format_exception(caught.value))
        shown += repr(caught.value) + repr(vars(caught.value)) + repr(client)
        assert secret not in shown


def test_bad_arguments_are_value_errors(client: wxlink.Client) -> None:
    for token, appid in [("", "wx1"), ("t", ""), ("t t", "wx1"), ("t", "x" * 300)]:
        with pytest.raises(wxlink.ArgumentError):
            client.link_miniprogram(token, appid, **QUIET)
    with pytest.raises(TypeError):
        client.link_miniprogram(
            "t",
            "wx1",
            notify_users=1,  # type: ignore[arg-type]
            show_profile=True,
        )
    with pytest.raises(TypeError):
        client.link_miniprogram("t", "wx1")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="seconds"):
        client.wait_linked("t", "wx1", wait=-1)


def test_an_errcode_is_looked_up() -> None:
    found = wxlink._core.explain(89010, "link")
    assert found is not None
    assert (found.name, found.class_) == ("LINK_MESSAGE_SENT", "pending")
    chinese = wxlink._core.explain(89010, "link", "zh")
    assert chinese is not None
    assert chinese.meaning != found.meaning and chinese.remedy != found.remedy
    assert wxlink._core.explain(-5) is None


def test_every_option_is_a_keyword_with_a_documented_default() -> None:
    seconds = {
        "timeout_ms": "timeout",
        "connect_timeout_ms": "connect_timeout",
        "settle_ms": "settle",
        "keep_alive_ms": "keep_alive",
    }
    good: dict[str, object] = {"timeout": 1.5, "connect_timeout": 1, "keep_alive": 0, "settle": 2}
    good["ca_file"] = Path(__file__).with_name("nothing.pem")
    good |= {"max_retries": 0, "max_response_bytes": 1024, "reinvite": True}
    doc = wxlink.Client.__doc__ or ""
    for option in wxlink._core.options_table():
        key, default = option.key, option.default
        keyword = seconds.get(key, key)
        value = f"{int(default) / 1000:.1f}" if key in seconds else default
        assert f"\n    {keyword}: " in doc
        assert value.replace("wxlink/" + wxlink.__version__, "VERSION") in doc
        if keyword == "ca_file":
            with pytest.raises(wxlink.ArgumentError, match=r"nothing\.pem"):
                wxlink.Client(**{keyword: good[keyword]})  # type: ignore[misc]
        else:
            wxlink.Client(**{keyword: good.get(keyword, default)})  # type: ignore[misc]
        if keyword not in ("user_agent", "ca_file"):
            with pytest.raises((wxlink.ArgumentError, TypeError)):
                wxlink.Client(**{keyword: "\n"})  # type: ignore[misc]
    with pytest.raises(wxlink.ArgumentError):
        wxlink.Client(no_such_option=1)  # type: ignore[call-arg]


def test_messages_in_chinese(server: Server) -> None:
    client = server.client(lang="zh")
    with pytest.raises(wxlink.TokenError, match="微信返回 42001") as caught:
        client.get_linked("SANDBOX-EXPIRED")
    assert "获取" in caught.value.remedy or "刷新" in caught.value.remedy


def test_a_token_function_is_asked_again_once(server: Server, client: wxlink.Client) -> None:
    tokens = iter(["SANDBOX-EXPIRED", server.token])
    client.link_miniprogram(lambda: next(tokens), server.appid, **QUIET)
    tokens = itertools.repeat("SANDBOX-EXPIRED")  # type: ignore[assignment]
    with pytest.raises(wxlink.TokenError):
        client.get_linked(lambda: next(tokens))
    received = server.counts()["received"]
    assert {name: count for name, count in received.items() if count} == {"link": 2, "get": 2}


def test_a_platform_gets_its_tokens(server: Server) -> None:
    with server.client(
        component_appid="wx0c00000000000001",
        component_appsecret="SANDBOX-COMPONENT-SECRET",
        account="wx0a00000000000001",
    ) as client:
        with pytest.raises(wxlink.NotSentError, match="component_verify_ticket"):
            client.get_linked("")
        with pytest.raises(wxlink.ArgumentError, match="ticket is empty"):
            client.set_ticket("")
        client.set_ticket("REFUSED-TICKET")
        with pytest.raises(wxlink.TicketError, match="answered 61006") as refused:
            client.get_linked("")
        assert (refused.value.status, refused.value.delivery) == ("NO_TOKEN", "never sent")
        assert type(pickle.loads(pickle.dumps(refused.value))) is wxlink.TicketError
        client.set_ticket("SANDBOX-TICKET")
        client.add_account("wx0a00000000000001", "SANDBOX-REFRESH-1")
        client.get_linked("")
        other = client.account("wx0a00000000000002")
        assert len(other.get_linked()) == len(client.get_linked(None))
        other.link_miniprogram(None, server.appid, **QUIET)
        assert (len(client.get_linked()), len(other.get_linked())) == (0, 1)
        progress = other.ensure_linked(None, server.appid, **QUIET)
        assert (progress.state, progress.posts) == ("pending", 0)
        assert other.wait_linked(None, server.appid, wait=0).state == "pending"
        with pytest.raises(wxlink.InvalidRequestError):
            other.unlink_miniprogram(None, server.appid)
        with pytest.raises(wxlink.ArgumentError, match="account"):
            client.account("").get_linked()


def test_a_refused_appsecret_is_readable(server: Server) -> None:
    with server.client(
        component_appid="wx0c00000000000001",
        component_appsecret="HUSH-HUSH-HUSH",
        account="wx0a00000000000001",
    ) as client:
        client.set_ticket("SANDBOX-TICKET")
        client.add_account("wx0a00000000000001", "SANDBOX-REFRESH-1")
        with pytest.raises(wxlink.NotSentError, match="answered 40125") as raised:
            client.get_linked()
    error = raised.value
    assert "(rid " in str(error)
    assert "[" not in str(error)
    assert "HUSH" not in f"{error} {error!r} {error.trace}"


def test_without_a_source_a_token_is_missed(client: wxlink.Client) -> None:
    with pytest.raises(wxlink.ArgumentError, match="access_token"):
        client.get_linked()


def test_with_options_shares_the_connections(server: Server, client: wxlink.Client) -> None:
    client.get_linked(server.token)
    other = client.with_options(timeout=2)
    answer = other.get_linked(server.token).response
    assert json.loads(answer.trace)["attempts"][0]["reused"]
    server.fault("hang", endpoint="get", times=1)
    with pytest.raises(wxlink.OutcomeUnknownTimeoutError):
        other.get_linked(server.token)
    with pytest.raises(wxlink.ArgumentError, match="connections"):
        client.with_options(proxy="none")  # type: ignore[call-arg]


@contextlib.contextmanager
def under_way(server: Server, act: Callable[[], None]) -> Iterator[None]:
    """Calls a function as soon as a list was requested."""

    def run() -> None:
        while server.counts()["received"]["get"] == 0:
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(60)


def test_cancelling_ends_a_call_and_leaves_the_others(
    server: Server, client: wxlink.Client
) -> None:
    server.fault("hang", endpoint="get")
    handle = client.with_options(timeout=60)
    started = time.monotonic()
    with under_way(server, handle.cancel), pytest.raises(wxlink.CallCancelledError) as caught:
        handle.get_linked(server.token)
    assert time.monotonic() - started < 30
    assert caught.value.delivery == "unknown"
    with pytest.raises(wxlink.CallCancelledError):
        handle.get_linked(server.token)
    client.get_linked(server.token)


@pytest.mark.parametrize("verb", ["get_linked", "wait_linked"])
def test_ctrl_c_ends_a_call_and_the_client_goes_on(
    server: Server, client: wxlink.Client, verb: str
) -> None:
    if verb == "get_linked":
        server.fault("hang", endpoint="get")
        call = lambda: client.with_options(timeout=60).get_linked(server.token)  # noqa: E731
    else:
        client.link_miniprogram(server.token, server.appid, **QUIET)
        call = lambda: client.wait_linked(server.token, server.appid, wait=60)  # noqa: E731
    raised = 0.0

    def interrupt() -> None:
        nonlocal raised
        raised = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    with under_way(server, interrupt), pytest.raises(KeyboardInterrupt):
        call()
    # What is promised is 100 ms; the rest is for a busy machine. The call would take a minute.
    assert time.monotonic() - raised < 30
    client.get_linked(server.token)


def test_other_threads_run_while_a_call_waits(server: Server, client: wxlink.Client) -> None:
    server.fault({"delay_ms": 500}, endpoint="get")
    beats = 0
    over = threading.Event()

    def beat() -> None:
        nonlocal beats
        while not over.wait(0.01):
            beats += 1

    thread = threading.Thread(target=beat)
    thread.start()
    client.get_linked(server.token)
    over.set()
    thread.join()
    assert beats > 5


def test_many_threads_share_a_client(server: Server, client: wxlink.Client) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(16)

    def work(number: int) -> None:
        token, items = [("SANDBOX-TOKEN-2", 0), ("SANDBOX-TOKEN-3", 6)][number % 2]
        try:
            start.wait()
            for _ in range(50):
                assert len(client.get_linked(token)) == items
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[n]) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_is_noticed(server: Server, client: wxlink.Client) -> None:
    client.get_linked(server.token)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            client.get_linked(server.token)
        except wxlink.ForkedError:
            with server.client() as own:
                code = len(own.get_linked(server.token))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0
    client.get_linked(server.token)


def test_nothing_leaks_over_many_calls(server: Server, client: wxlink.Client) -> None:
    def calls(number: int) -> None:
        for n in range(number):
            if n % 2:
                list(client.get_linked("SANDBOX-TOKEN-3"))
                continue
            try:
                client.with_options().link_miniprogram("SANDBOX-EXPIRED", "wx1", **QUIET)
            except wxlink.TokenError as error:
                assert error.code == 42001
            else:
                raise AssertionError

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    calls(1_000)
    gc.collect()
    memory, files = resident(), descriptors()
    calls(10_000)
    gc.collect()
    assert descriptors() <= files + 2
    assert resident() < memory * 1.1 + 2048, (memory, resident())


def resident() -> int:
    """Resident memory (KiB)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024


def test_importing_brings_nothing_heavy_in() -> None:
    heavy = ("asyncio", "enum", "http", "json", "pytest", "re", "typing")
    code = f"import sys, wxlink; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout


def test_a_token_command_prints_a_token_or_json_and_nothing_else(server: Server) -> None:
    token = server.token
    account = "wx0a00000000000001"
    for printed in [token, json.dumps({"access_token": token, "expires_in": 7200})]:
        command = f"printf %s '{printed}'"
        with server.client(token_command=command, account=account) as client:
            assert len(client.get_linked()) == len(client.get_linked())
    for printed, match in [
        ('{"errcode":40001,"errmsg":"HUSHHUSH"}', "errcode 40001"),
        ("Bearer HUSHHUSH", "Bearer"),
        ("null", "null"),
    ]:
        command = f"printf %s '{printed}'"
        with server.client(token_command=command, account=account) as client:
            with pytest.raises(wxlink.NotSentError, match=match) as caught:
                client.get_linked()
            assert "HUSHHUSH" not in str(caught.value)


def test_ctrl_c_ends_the_wait_for_a_token_and_not_the_command(
    server: Server, tmp_path: Path
) -> None:
    started, may_end = tmp_path / "started", tmp_path / "may_end"
    command = (
        f"touch '{started}'; while ! [ -e '{may_end}' ]; do sleep 0.05; done; echo {server.token}"
    )
    client = server.client(token_command=command, account="wx0a00000000000001", timeout=60)

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    with client:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.get_linked()
        thread.join()
        may_end.touch()
        client.get_linked()


def platform_options(server: Server, store: str) -> dict[str, str]:
    return {
        "base_url": server.url,
        "component_appid": "wx0c00000000000001",
        "component_appsecret": "SANDBOX-COMPONENT-SECRET",
        "account": "wx0a00000000000001",
        "store": store,
    }


def test_a_damaged_token_store_is_an_error_with_its_path(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    with wxlink.Client(**platform_options(server, f"file:{path}")) as client:
        client.set_ticket("SANDBOX-TICKET")
        client.get_linked()
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with wxlink.Client(**platform_options(server, f"file:{path}")) as client:
            for call in (lambda: client.set_ticket("T"), client.get_linked):
                with pytest.raises(wxlink.WxError, match="is damaged") as caught:
                    call()
                assert str(path) in str(caught.value)
        assert path.read_bytes() == whole[:length]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_puts_nothing(server: Server, tmp_path: Path) -> None:
    with wxlink.Client(**platform_options(server, f"file:{tmp_path / 'tokens'}")) as client:
        client.set_ticket("SANDBOX-TICKET")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                client.set_ticket("OF-THE-CHILD")
            except wxlink.ForkedError:
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert status == 0
        client.get_linked()
