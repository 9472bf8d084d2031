import signal
import tempfile
import threading
from collections.abc import Iterator

import pytest

import wxlink
from wxlink.sandbox import Server

# A process that is started in the background ignores SIGINT, and the tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def server(wxlink_sandbox: Server) -> Server:
    return wxlink_sandbox


@pytest.fixture
def client(server: Server) -> Iterator[wxlink.Client]:
    with server.client(timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def temporary_folders(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bulk job that does not finish leaves its folder: here, and not in the system's folder."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr(tempfile, "tempdir", folder)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    # The threads of an AsyncClient end by themselves once it is closed.
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive(), thread
