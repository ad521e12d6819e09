"""The browser, once for all modules here, and a mock server as at its start."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mockserver import MockServer
from tests.browser.chromium import Chromium, Tab, find_browser, site


@pytest.fixture(scope="package")
def browser() -> Iterator[Chromium]:
    """Return the browser."""
    chromium = Chromium(find_browser())
    yield chromium
    chromium.close()


@pytest.fixture(scope="package")
def origin() -> Iterator[Callable[[str], str]]:
    """Return what tells the origin of the pages here on a host."""
    with site(Path(__file__).parent / "site") as told:
        yield told


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Tab]:
    """Return an empty tab."""
    with browser.tab() as opened:
        yield opened


@pytest.fixture
def mock(started: MockServer) -> MockServer:
    """Return a mock server as at its start."""
    for name in started.namespaces():
        started.forget(name)
    started.reset()
    return started
