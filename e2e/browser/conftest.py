"""Browsers for tests: a Chromium per test module, a profile per test; nothing that a page complains about goes unseen."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from devstack.settings import read_settings
from gateway_e2e.chromium import find_chromium
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
LAUNCH_TIMEOUT_MS = 60_000
DEFAULT_TIMEOUT_MS = 10_000
expect.set_options(timeout=DEFAULT_TIMEOUT_MS)
# The checkout asks every 2 s how a payment went, the dashboard every 4 s for what is new. Most tests are not about that:
# they wait a quarter as long.
ASK_SOONER = """
const { setTimeout: setRealTimeout, setInterval: setRealInterval } = window;
window.setTimeout = (callback, delayMs, ...rest) => setRealTimeout(callback, delayMs === 2000 ? 500 : delayMs, ...rest);
window.setInterval = (callback, delayMs, ...rest) => setRealInterval(callback, delayMs === 4000 ? 1000 : delayMs, ...rest);
"""
PHONE = {"viewport": {"width": 375, "height": 812}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Ends with the module: until then its event loop counts as running, and tests elsewhere run loops of their own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    folder = read_settings(REPOSITORY, os.environ).home / "chromium"
    chromium = find_chromium(Path(playwright.chromium.executable_path), folder, print)
    launched = playwright.chromium.launch(
        executable_path=chromium.executable,
        args=chromium.flags,
        env={**os.environ, **chromium.environment},
        timeout=LAUNCH_TIMEOUT_MS,
    )
    yield launched
    launched.close()


class PageErrors:
    """What the pages of a test complained of, and every request that left the platform.

    ``watch`` hears a page's console and the errors that it threw, and all requests of its profile.
    """

    def __init__(self) -> None:
        self.own_addresses: set[str] = set()
        self._found: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        """Expects complaints in which the pattern is found, for a test that provokes them."""
        self._allowed.append(re.compile(pattern))

    @property
    def unexpected(self) -> list[str]:
        return [text for text in self._found if not any(pattern.search(text) for pattern in self._allowed)]

    def add_own(self, url: str) -> None:
        """Lets pages ask this address."""
        self.own_addresses.add(_address(url))

    def watch_requests(self, context: BrowserContext) -> None:
        context.on("request", self._note_request)

    def watch(self, page: Page) -> None:
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self._found.append(f"thrown: {error}"))

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _note_request(self, request: Request) -> None:
        # What has no network behind it (data:, blob:) may come from anywhere.
        if urlsplit(request.url).scheme in ("http", "https", "ws", "wss") and _address(request.url) not in self.own_addresses:
            self._found.append(f"request to another host: {request.url}")


def _address(url: str) -> str:
    """Host and port; the names of this machine are one."""
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in ("127.0.0.1", "::1") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme in ('https', 'wss') else 80)}"


@pytest.fixture
def page_errors(platform: Any) -> Iterator[PageErrors]:
    """Fails the test, once its pages are closed, for whatever they complained of and the test did not expect."""
    errors = PageErrors()
    for url in (platform.api, platform.dashboard, platform.checkout):
        errors.add_own(url)
    yield errors
    assert errors.unexpected == []


class NewPage(Protocol):
    def __call__(self, *, real_time: bool = False, **options: Any) -> Page: ...


@pytest.fixture
def new_page(browser: Browser, page_errors: PageErrors) -> Iterator[NewPage]:
    """``new_page(color_scheme="dark")``: a page with a profile of its own, made with Playwright's options of a context.

    ``real_time`` leaves the pages' intervals as people have them.
    """
    contexts: list[BrowserContext] = []

    def make(*, real_time: bool = False, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(DEFAULT_TIMEOUT_MS)
        if not real_time:
            context.add_init_script(ASK_SOONER)
        page_errors.watch_requests(context)
        page = context.new_page()
        page_errors.watch(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(viewport={"width": 1280, "height": 800})


@pytest.fixture
def real_time_page(new_page: NewPage) -> Page:
    """For what is seen while a payment is being processed."""
    return new_page(viewport={"width": 1280, "height": 800}, real_time=True)


@pytest.fixture
def dark_page(new_page: NewPage) -> Page:
    return new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")


@pytest.fixture
def phone_page(new_page: NewPage) -> Page:
    return new_page(**PHONE)


class MerchantPageHandler(BaseHTTPRequestHandler):
    """Serves ``pages``: HTML and a Content-Security-Policy by path."""

    pages: dict[str, tuple[str, str | None]]

    def do_GET(self) -> None:
        # Anything else is the icon that a browser asks for by itself.
        html, policy = self.pages.get(self.path, ("", None))
        content = html.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
        """Silence: what a test reads is its page."""


@dataclass
class MerchantServer:
    origin: str
    pages: dict[str, tuple[str, str | None]]


@pytest.fixture(scope="module")
def merchant_server() -> Iterator[MerchantServer]:
    """Outlives the pages of every test: a browser asks for a page's icon whenever it likes."""
    pages: dict[str, tuple[str, str | None]] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (MerchantPageHandler,), {"pages": pages}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield MerchantServer(f"http://127.0.0.1:{server.server_port}", pages)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve_merchant_page(page_errors: PageErrors, merchant_server: MerchantServer) -> Callable[..., str]:
    """``serve_merchant_page(html, policy)``: the address, on an origin of its own, of a page with that Content-Security-Policy.

    A real server and not a page made up by Playwright: Chromium lets no page of an unknown address frame one of this machine.
    """
    page_errors.add_own(merchant_server.origin)

    def serve(html: str, policy: str | None = None) -> str:
        path = f"/shop-{len(merchant_server.pages)}"
        merchant_server.pages[path] = (html, policy)
        return f"{merchant_server.origin}{path}"

    return serve


@pytest.fixture
def merchant_site(platform: Any, serve_merchant_page: Callable[..., str]) -> Callable[[str], str]:
    """``merchant_site(html)``: the same for a body, in a page that has loaded the SDK from the platform's checkout."""

    def serve(body: str) -> str:
        sdk = f'<script src="{platform.checkout}/checkout.js"></script>'
        head = f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>A shop</title>{sdk}'
        return serve_merchant_page(f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>')

    return serve
