"""The pytest plugin: a mock server for each session, fresh for each test, and its calls in the report of a failure.

It is imported in every pytest run of an environment that has this package, so nothing but pytest is imported here until
a test asks for a fixture; ``-p no:mockserver`` leaves it out. Under pytest-xdist every worker has a server of its own;
with ``--mockserver-url`` all share one that runs, and every test has a namespace of its own there.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import pytest

import mockserver as package

SECTION: Final = "mockserver: recorded calls"
_MOST_LINES: Final = 100
_SERVER: Final = pytest.StashKey[Any]()
_RECORDED: Final = pytest.StashKey[str]()

OPTIONS: Final = (
    ("url", "MOCKSERVER_URL", "URL", "use the mock server that runs there, instead of starting one"),
    ("admin-token", "MOCKSERVER_ADMIN_TOKEN", "TOKEN", "the token of that server's control plane"),
    ("config", "MOCKSERVER_CONFIG", "FILE", "the configuration file of the server that is started"),
    ("profile", "MOCKSERVER_PROFILE", "PROFILE", "the profile that it serves: observed or published"),
    ("api", "MOCKSERVER_API", "NAME[,NAME]", "serve only these APIs"),
)
"""Each is --mockserver-NAME on the command line, mockserver_NAME in the ini file, and a variable of the environment;
that is also the order in which they win. A file that the ini file names is looked for beside it."""


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
    if not typed and ini and name == "config" and config.inipath is not None:
        return str(config.inipath.parent / ini)
    return typed or ini or os.environ.get(variable) or None


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options for a server that is started, where one that runs is to be used. Raises ``pytest.UsageError``."""
    if _given(config, "url") is None:
        return
    typed = {name: config.getoption(_ini(name)) for name, *_ in OPTIONS[2:]}
    if useless := [f"--mockserver-{name}" for name, value in typed.items() if value]:
        told = "is for a server that is started here, and --mockserver-url names one that runs"
        raise pytest.UsageError(f"{', '.join(useless)} {told}")


@pytest.fixture(scope="session")
def mockserver_config(pytestconfig: pytest.Config) -> dict[str, Any]:
    """Return the options that the session's server is started with, those of ``MockServer``; override it for others."""
    apis = _given(pytestconfig, "api")
    options = {
        "config": _given(pytestconfig, "config"),
        "profile": _given(pytestconfig, "profile"),
        "apis": None if apis is None else [name.strip() for name in apis.split(",")],
    }
    return {name: value for name, value in options.items() if value is not None}


@pytest.fixture(scope="session")
def mockserver_session(pytestconfig: pytest.Config, mockserver_config: dict[str, Any]) -> Iterator[Any]:
    """Return the session's mock server, which is not reset between tests."""
    url = _given(pytestconfig, "url")
    if url is None:
        server = _begun(lambda: package.MockServer(**mockserver_config))
    else:
        server = _begun(lambda: package.MockServer.connect(url, token=_given(pytestconfig, "admin-token")))
    pytestconfig.stash[_SERVER] = server
    with server:
        yield server
        pytestconfig.stash[_RECORDED] = _recorded(server)  # for a test that fails while all is torn down


def _begun(begin: Callable[[], Any]) -> Any:
    """Return the server; what keeps it from being there is told without a traceback."""
    from mockserver.engine.faults import SpecError  # noqa: PLC0415 - nothing is imported until a test asks

    try:
        return begin()
    except (SpecError, OSError, RuntimeError, TypeError, ValueError) as error:
        token = (
            "; the plugin's option is --mockserver-admin-token" if getattr(error, "status", 0) == 401 else ""
        )
        told = f"the mock server of the fixture is not there: {error}{token}"
    pytest.fail(told, pytrace=False)


def _slug(name: str) -> str:
    """Return the name of a test as a part of that of a namespace, so that its calls can be told by it."""
    return re.sub("[^A-Za-z0-9._-]+", "-", name)[:50].strip("-.") or "test"


@pytest.fixture
def mockserver(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, mockserver_session: Any
) -> Iterator[Any]:
    """Return the mock server, as at its start; of a shared server a namespace that only this test has."""
    if _given(pytestconfig, "url") is None:
        for name in mockserver_session.namespaces():
            mockserver_session.forget(name)
        mockserver_session.reset()
        request.node.stash[_SERVER] = mockserver_session
        yield mockserver_session
        return
    name = f"{_slug(request.node.name)}-{os.urandom(6).hex()}"
    world = mockserver_session.namespace(name)
    world.reset()
    request.node.stash[_SERVER] = world
    yield world
    request.node.stash[_RECORDED] = _recorded(world)  # for a test that fails while it is torn down
    mockserver_session.forget(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the recorded calls to the report of a test that has failed."""
    report = yield
    if report.failed and (server := _server_of(item)) is not None:
        kept = item.stash.get(_RECORDED, None) or item.config.stash.get(_RECORDED, None)
        report.sections.append((SECTION, kept or _recorded(server)))
    return report


def _server_of(item: pytest.Item) -> Any:
    """Return what a test was given, None for one that asked for no mock server."""
    whole = (
        item.config.stash.get(_SERVER, None)
        if "mockserver_session" in getattr(item, "fixturenames", ())
        else None
    )
    return item.stash.get(_SERVER, whole)


def _recorded(server: Any) -> str:
    """Return the newest calls, one on each line."""
    try:
        lines, dropped = server.export("text").splitlines(), server.dropped
    except (OSError, RuntimeError) as error:
        return f"the recorded calls could not be read: {error}"
    earlier = len(lines[:-_MOST_LINES])
    notes = [
        *([f"{dropped} calls were dropped by the journal"] if dropped else []),
        *([f"{earlier} calls before these"] if earlier else []),
    ]
    return "\n".join([*notes, *lines[-_MOST_LINES:]]) or "no call was recorded"
