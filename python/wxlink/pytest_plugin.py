"""A pytest fixture with a simulator: `def test_it(wxlink_sandbox): …`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wxlink.sandbox import Server


@pytest.fixture(scope="session")
def wxlink_sandbox_server() -> Iterator[Server]:
    """One simulator for all tests of a run."""
    with Server() as server:
        yield server


@pytest.fixture
def wxlink_sandbox(wxlink_sandbox_server: Server) -> Server:
    """A simulator in its initial state."""
    wxlink_sandbox_server.reset()
    return wxlink_sandbox_server
