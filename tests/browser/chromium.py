"""A Chromium, its tabs, and the origins that pages come from.

Playwright drives it from a thread of its own: its blocking interface keeps an event loop running in the thread that calls
it, where tests of other modules could then start none.
"""

import asyncio
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright

T = TypeVar("T")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WITHIN = 30  # seconds that anything may take
OTHER_HOST = "app.example"
ALWAYS = (
    "--disable-gpu",
    "--disable-quic",
    # Nothing outside this machine is ever asked, and the name of a host that is not loopback leads here.
    f"--host-resolver-rules=MAP {OTHER_HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE ::1, EXCLUDE localhost",
)
"""Beside Playwright's own, which leave out the sandbox and all that a browser does of itself."""

_FAILED = "^Failed to load resource: the server responded with a status of "
_LAST = "that was all"


def find_browser() -> str:
    """Return the path of a browser. Tests are skipped without one, but fail where the environment promises it."""
    promised = os.environ.get("MOCKSERVER_BROWSER")
    found = filter(None, map(shutil.which, [promised] if promised else PROGRAMS))
    if (path := next(found, None)) is not None:
        return path
    if promised:
        pytest.fail(f"MOCKSERVER_BROWSER names {promised}, and there is no such program", pytrace=False)
    pytest.skip(f"there is no browser here: none of {', '.join(PROGRAMS)} is on the PATH")


class Chromium:
    """A running browser."""

    def __init__(self, path: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="playwright")
        self._thread.start()
        self._driver = async_playwright()
        try:
            self._browser = self.wait_for(self._launch(path))
        except BaseException:
            self._end()
            raise

    async def _launch(self, path: str) -> Browser:
        driver = await self._driver.start()
        try:
            return await driver.chromium.launch(executable_path=path, args=ALWAYS)
        except BaseException:
            await self._driver.__aexit__()
            raise

    def wait_for(self, doing: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine of Playwright's does."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(WITHIN)

    @contextmanager
    def tab(self, **options: Any) -> Iterator["Tab"]:
        """Open a tab with a fresh profile; at its end it has told nothing that was not expected."""
        context = self.wait_for(self._browser.new_context(**options))
        try:
            tab = self.wait_for(self._open(context))
            yield tab
            tab.assert_quiet()
        finally:
            self.wait_for(context.close())

    async def _open(self, context: BrowserContext) -> "Tab":
        return Tab(self, await context.new_page())

    def close(self) -> None:
        """End the browser and its driver."""
        self.wait_for(self._close())
        self._end()

    async def _close(self) -> None:
        await self._browser.close()
        await self._driver.__aexit__()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Seen:
    """What a page saw of an answer: the headers that it may read, and the name of the error where it got none."""

    status: int = 0
    headers: dict[str, str] | None = None
    text: str = ""
    failed: str | None = None

    @property
    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.text)

    def __getitem__(self, header: str) -> str | None:
        """Return a header that the page can read."""
        return (self.headers or {}).get(header.lower())


class Tab:
    """A page and what it tells: in its console, and of errors that nobody caught. It is made in the browser's thread."""

    def __init__(self, chromium: Chromium, page: Page) -> None:
        self._chromium, self._page = chromium, page
        self._told: list[str] = []
        self._statuses: list[int] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._told.append(f"uncaught {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "debug":
            self._told.append(message.text)

    def open(self, url: str) -> "Tab":
        """Go to a page."""
        self._chromium.wait_for(self._page.goto(url))
        return self

    def evaluate(self, script: str, *given: Any) -> Any:
        """Return what a function of JavaScript makes of its arguments, which it gets as a list."""
        return self._chromium.wait_for(self._page.evaluate(script, list(given)))

    def call(self, api: str, base: str, **more: Any) -> Seen:
        """Call an API through the page's own module; see ``site/apis.js``."""
        return self.saw(self.evaluate("([name, base, more]) => apis[name](base, more)", api, base, more))

    def saw(self, answer: dict[str, Any]) -> Seen:
        """Return an answer of the page's module; the console tells of its status where it is an error."""
        seen = Seen(**answer)
        if seen.status >= 400:
            self._statuses.append(seen.status)
        return seen

    def hear(self, pattern: str) -> str:
        """Return a message after it has come, and take it as expected."""
        return self._chromium.wait_for(self._heard(pattern))

    async def _heard(self, pattern: str) -> str:
        def found() -> str | None:
            return next((told for told in self._told if re.search(pattern, told)), None)

        while (told := found()) is None:
            try:
                await self._page.wait_for_event("console", timeout=WITHIN * 500)
            except Error:
                raise AssertionError(f"no message has {pattern!r}: {self._told}") from None
        self._told.remove(told)
        return told

    def assert_quiet(self) -> None:
        """Assert that nothing was told but the statuses of failed calls, which Chromium tells by itself."""
        for status in self._statuses:
            self.hear(f"{_FAILED}{status} ")
        self._statuses.clear()
        self.evaluate(f"() => console.log({_LAST!r})")
        self.hear(_LAST)
        assert self._told == [], self._told


class _Pages(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a cache. With ``?public``, as a page of the public internet is treated."""

    extensions_map = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}  # noqa: RUF012

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        if self.path.endswith("?public"):
            self.send_header("Content-Security-Policy", "treat-as-public-address")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site(folder: Path) -> Iterator[Callable[[str], str]]:
    """Serve the pages of a folder; yield what tells the origin on a host."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield lambda host: f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
