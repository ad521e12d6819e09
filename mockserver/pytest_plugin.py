"""The pytest plugin: a mock server for each session, fresh for each test, and its calls in the report of a failure.

It is imported in every pytest run of an environment that has this package, so nothing but pytest is imported here until
a test asks for a fixture; ``-p no:mockserver`` leaves it out. Under pytest-xdist every worker has a server of its own;
with ``--mockserver-url`` all share one that runs, and every test has a namespace of its own there.
"""

import os
import uuid
from collections.abc import Generator, Iterator
from typing import Any, Final

import pytest

import mockserver as package

SECTION: Final = "mockserver: recorded calls"

OPTIONS: Final = (
    ("url", "MOCKSERVER_URL", "URL", "use the mock server that runs there, instead of starting one"),
    ("admin-token", "MOCKSERVER_ADMIN_TOKEN", "TOKEN", "the token of that server's control plane"),
    ("config", "MOCKSERVER_CONFIG", "FILE", "the configuration file of the server that is started"),
    ("profile", "MOCKSERVER_PROFILE", "PROFILE", "the profile that it serves: observed or published"),
    ("api", "MOCKSERVER_API", "NAME[,NAME]", "serve only these APIs"),
)
"""Each is --mockserver-NAME on the command line, mockserver_NAME in the ini file, and a variable of the environment;
that is also the order in which they win."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini values."""
    group = parser.getgroup("mockserver", "a mock server for notification trigger APIs")
    for name, variable, metavar, told in OPTIONS:
        group.addoption(f"--mockserver-{name}", metavar=metavar, help=f"{told} (also {variable})")
        parser.addini(_ini(name), told)


def _ini(name: str) -> str:
    return f"mockserver_{name.replace('-', '_')}"


def _given(config: pytest.Config, name: str) -> str | None:
    """Return what is given for an option, by whom it may be given."""
    variable = next(variable for known, variable, _, _ in OPTIONS if known == name)
    typed, ini = config.getoption(_ini(name)), config.getini(_ini(name))
    return typed or ini or os.environ.get(variable) or None


@pytest.fixture(scope="session")
def mockserver_config(pytestconfig: pytest.Config) -> dict[str, Any]:
    """Return the options that the session's server is started with, those of ``MockServer``; override it for others."""
    apis = _given(pytestconfig, "api")
    options = {
        "config": _given(pytestconfig, "config"),
        "profile": _given(pytestconfig, "profile"),
        "apis": None if apis is None else apis.split(","),
    }
    return {name: value for name, value in options.items() if value is not None}


@pytest.fixture(scope="session")
def mockserver_session(pytestconfig: pytest.Config, mockserver_config: dict[str, Any]) -> Iterator[Any]:
    """Return the session's mock server, which is not reset between tests."""
    url = _given(pytestconfig, "url")
    if url is None:
        server = package.MockServer(**mockserver_config)
    else:
        server = package.MockServer.connect(url, token=_given(pytestconfig, "admin-token"))
    with server:
        yield server


@pytest.fixture
def mockserver(pytestconfig: pytest.Config, mockserver_session: Any) -> Iterator[Any]:
    """Return the mock server, as at its start; of a shared server a namespace that only this test has."""
    if _given(pytestconfig, "url") is None:
        for name in mockserver_session.namespaces():
            mockserver_session.forget(name)
        mockserver_session.reset()
        yield mockserver_session
        return
    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{uuid.uuid4().hex[:12]}"
    with mockserver_session.namespace(name) as world:
        world.reset()
        yield world
    mockserver_session.forget(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the recorded calls to the report of a test that has failed."""
    report = yield
    server = getattr(item, "funcargs", {}).get("mockserver")
    if report.failed and isinstance(server, package.MockServer):
        report.sections.append((SECTION, _recorded(server)))
    return report


def _recorded(server: Any) -> str:
    try:
        return server.export("text") or "no call was recorded"
    except (OSError, RuntimeError) as error:
        return f"the recorded calls could not be read: {error}"
