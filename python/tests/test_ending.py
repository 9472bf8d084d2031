"""The exit of the interpreter, and subinterpreters."""

import subprocess
import sys
import textwrap
from typing import Any

import pytest

from wxlink.sandbox import Server

PLATFORM = {
    "appid": "wx0c00000000000001",
    "appsecret": "SECRET",
    "ticket": "TICKET",
}


def account(n: int) -> str:
    return f"wx0a{n:014x}"


def python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def platform(server: Server) -> None:
    each = range(1, 31)
    authorizers = {account(n): {"refresh_token": f"REFRESH-{n}"} for n in each}
    world: dict[str, Any] = {
        "accounts": {account(n): {"subject": "s"} for n in each},
        "miniprograms": {f"wx0b{n:014x}": {"subject": "s"} for n in range(1, 6)},
        "tokens": {},
        "component": PLATFORM | {"authorizers": authorizers},
    }
    server.admin("POST", "reset", world)


SUBINTERPRETERS = """
    import sys
    try:
        import _interpreters as interpreters
        def create():
            return interpreters.create("legacy")
    except ImportError:
        import _xxsubinterpreters as interpreters
        def create():
            if sys.version_info >= (3, 12):
                return interpreters.create(isolated=False)
            return interpreters.create()

    TRY = '''
    import sys
    try:
        import wxlink
    except ImportError as error:
        print("refused:", error)
    else:
        try:
            wxlink.Client(timeout=-1)
        except wxlink.ArgumentError:
            print("served")
    '''
    import textwrap
    TRY = textwrap.dedent(TRY)

    def there():
        return interpreters.run_string(create(), TRY)
"""


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("exec(TRY); there(); there(); exec(TRY)", ["served", "refused", "refused", "served"]),
        ("there(); exec(TRY); there()", ["served", "refused", "refused"]),
    ],
)
def test_one_interpreter_of_a_process_is_served(order: str, expected: list[str]) -> None:
    program = textwrap.dedent(SUBINTERPRETERS) + "\n" + order.replace("; ", "\n")
    ran = python(program)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == expected, ran.stdout
    for line in lines:
        assert "served" in line or "one interpreter of a process" in line


DAEMON = """
    import sys, threading, time
    import wxlink

    url, kind, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
    client = wxlink.Client(base_url=url, component_appid="wx0c00000000000001",
                           component_appsecret="SECRET", timeout=5)
    client.set_ticket("TICKET")
    rows = [(f"wx0a{a:014x}", f"wx0b{p:014x}", False, True)
            for p in range(1, 6) for a in range(1, 31)]
    quick = {"rate": "off", "account_rate": "off"}
    started = threading.Event()

    def endless():
        while True:
            yield from rows

    def run():
        with client.bulk(rows, **quick) as bulk:
            for _ in bulk:
                pass

    def plan():
        client.bulk(rows, **quick).plan()

    def begin():
        client.bulk(endless(), **quick)

    def lists():
        client.account(rows[0][0]).get_linked().items

    def work():
        started.set()
        while True:
            try:
                globals()[kind]()
            except (wxlink.WxError, AttributeError):
                pass

    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    started.wait()
    time.sleep(delay)
"""


@pytest.mark.parametrize("kind", ["run", "plan", "begin", "lists"])
def test_the_end_with_a_daemon_thread_in_a_call_is_quiet(server: Server, kind: str) -> None:
    platform(server)
    for n in range(10):
        ran = python(DAEMON, server.url, kind, str(n * 0.02))
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", ""), n


LEAVES = """
    import sys, threading, time
    import wxlink

    url, store, how, admin = sys.argv[1:]
    client = wxlink.Client(base_url=url, component_appid="wx0c00000000000001",
                           component_appsecret="SECRET", store=store, timeout=60)
    client.set_ticket("TICKET")
    client.add_account("wx0a00000000000001", "REFRESH-1")
    account = client.account("wx0a00000000000001")
    call = threading.Thread(target=account.get_linked, daemon=True)
    if how == "cancelled":
        def quiet():
            try:
                account.get_linked()
            except wxlink.CallCancelledError:
                pass
        call = threading.Thread(target=quiet, daemon=True)
    call.start()
    sys.stdout.write("called\\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if how == "cancelled":
        account.cancel()
        call.join()
        del account, client
"""


@pytest.mark.parametrize("how", ["in a daemon", "cancelled"])
def test_the_end_waits_for_a_token_that_is_being_renewed(
    server: Server, how: str, tmp_path: Any
) -> None:
    platform(server)
    server.fault({"delay_ms": 1500}, endpoint="authorizer_token")
    store = f"file:{tmp_path}/tokens"
    program = [sys.executable, "-c", textwrap.dedent(LEAVES), server.url, store, how, ""]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "called\n"
        while server.counts()["received"]["authorizer_token"] == 0:
            assert process.poll() is None
        _, err = process.communicate("\n", timeout=60)
    assert (process.returncode, err) == (0, "")
    # The token is in the store, and with it the new refresh token.
    again = """
        import sys, wxlink
        client = wxlink.Client(base_url=sys.argv[1], component_appid="wx0c00000000000001",
                               component_appsecret="SECRET", store=sys.argv[2])
        client.account("wx0a00000000000001").get_linked()
    """
    ran = python(again, server.url, store)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert server.counts()["received"]["authorizer_token"] == 1
