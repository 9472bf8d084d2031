"""A simulator and a browser for each test, and what every page must keep to.

A page must not send a request to anything but its simulator, and must not log an error.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox  # noqa: E402

# How long a page may take to show something, on a busy machine.
TIMEOUT_MS = 60_000


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"],
            # No name is resolved: a request to another host fails, and a test with it.
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


class Pages:
    """Opens pages, each in a browser context of its own."""

    def __init__(self, browser, sandbox):
        self._browser = browser
        self._sandbox = sandbox
        self._contexts = []
        self.errors = []
        self.strangers = []

    def open(self, view="link", *, locale="en-GB", width=1440, height=900, **options):
        context = self._browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, **options
        )
        self._contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.on("request", self._check)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{self._sandbox.base_url}/#{view}")
        page.locator("#live.on").wait_for()
        return page

    def _check(self, request):
        url = urlsplit(request.url)
        # A `blob:` or `data:` URL leads nowhere.
        if url.netloc and f"{url.scheme}://{url.netloc}" != self._sandbox.base_url:
            self.strangers.append(request.url)

    def _note(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def close(self):
        for context in self._contexts:
            context.close()


@pytest.fixture
def pages(browser, sandbox):
    pages = Pages(browser, sandbox)
    yield pages
    pages.close()
    assert pages.strangers == []
    assert pages.errors == []
