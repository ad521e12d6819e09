"""The examples of the README for web pages, as they stand there: fetch in a page, and a real Vite with its proxy."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from mockserver import MockServer
from tests.browser.chromium import WITHIN, Tab, site
from tests.installing import installed_npm, program
from tests.test_readme import README, block

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HERE = Path(__file__).parent
PAGES = HERE / "site"
MOCK = "http://127.0.0.1:4747"
WELCOME = """([user]) => import("/welcome.js").then(({ welcome }) => welcome(user)).catch((error) => error.message)"""


@pytest.fixture
def page(tab: Tab, mock: MockServer, tmp_path: Path) -> Iterator[Tab]:
    """Return a page that has the example for fetch beside it."""
    shutil.copy(PAGES / "empty.html", tmp_path)
    (tmp_path / "welcome.js").write_text(
        block("js", "// welcome.js").replace(MOCK, mock.url), encoding="utf-8"
    )
    with site(tmp_path) as origin:
        yield tab.open(f"{origin('localhost')}/empty.html")


def test_the_example_for_fetch_comes_again_when_it_is_told_to(page: Tab, mock: MockServer) -> None:
    mock.respond(status=429, retry_after=1, times=1)
    assert page.evaluate(WELCOME, "ada")["data"]["acknowledged"] is True
    page.hear("status of 429")
    assert [call.status for call in mock.find(recipient="ada")] == [429, 201]
    mock.assert_retries_ok()


def test_the_example_for_fetch_tells_what_the_api_says(page: Tab, mock: MockServer) -> None:
    told = page.evaluate(WELCOME, 5)
    page.hear("status of 422")
    assert told.startswith('422: {"message":"Validation Error","errors":{')
    assert "to.0" in told


@contextmanager
def vite(tab: Tab, folder: Path, config: str) -> Iterator[Tab]:
    """Serve the pages by Vite with a configuration, to a tab that leaves them before Vite ends."""
    for path in PAGES.iterdir():
        shutil.copy(path, folder)
    (folder / "vite.config.js").write_text(config, encoding="utf-8")
    script = installed_npm("browser-npm", HERE) / "vite" / "bin" / "vite.js"
    process = subprocess.Popen(
        [program("node"), script, "--host", "127.0.0.1", "--port", "0"], cwd=folder, env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    impatient = Timer(WITHIN, process.kill)
    impatient.start()
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if found := re.search(r"Local: +(http://[^/\s]+)", line):
                break
        else:
            pytest.fail("".join(told), pytrace=False)
        impatient.cancel()
        yield tab.open(found[1])
        tab.assert_quiet()
        tab.open("about:blank")
    finally:
        impatient.cancel()
        process.kill()
        process.communicate()


def test_the_example_for_vite_takes_the_prefix_away_and_has_the_key(
    tab: Tab, mock: MockServer, tmp_path: Path
) -> None:
    mock.respond(status=429, retry_after=2, times=1)
    with vite(tab, tmp_path, block("js", "rewrite:").replace(MOCK, mock.url)):
        seen = [tab.call("novu", "/novu", headers={"Authorization": None}) for _ in range(2)]
        assert [each.status for each in seen] == [429, 201]
        assert seen[0]["Retry-After"] == "2"
        assert tab.call("novu", "/novu", headers={"Authorization": None}, body="{}").status == 422
    (_, sent, _) = mock.calls
    assert (sent.path, sent.headers["Authorization"]) == ("/v1/events/trigger", "ApiKey any")
    assert sent.headers["Host"] == mock.url.removeprefix("http://")


def test_with_prefixes_the_example_for_vite_is_a_line(tab: Tab, tmp_path: Path) -> None:
    (command,) = re.findall(r"`mockserver serve ((?:--prefix [^`]+)+)`", README)
    prefixes = dict(pair.split("=") for pair in re.findall(r"--prefix (\S+)", command))
    config = block("js", '"/mock"')
    with MockServer(prefixes=prefixes) as mock, vite(tab, tmp_path, config.replace(MOCK, mock.url)):
        seen = {api: tab.call(api, prefix).status for api, prefix in prefixes.items()}
        assert seen == {"novu": 201, "suprsend": 202}
        assert [call.api for call in mock.find(outcome="admitted")] == list(prefixes)
