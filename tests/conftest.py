"""Settings of the whole suite, the server of a module, and the two ways to hold a mock server."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from mockserver.client import MockServer
from tests.serving import Running, running, serving

collect_ignore = ["contract_project"]  # tests of the example project, which `mockserver run` runs

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="module")
def module_server() -> Iterator[Running]:
    """Return a server that all tests of a module share; a module that needs another kind has its own fixture."""
    with running() as server:
        yield server


@pytest.fixture
def server(module_server: Running) -> Running:
    """Return the server of the module, as at its start."""
    module_server.forget()
    return module_server


@pytest.fixture(scope="session")
def started() -> Iterator[MockServer]:
    """Return the handle of a server in a thread of this process."""
    with MockServer() as handle:
        yield handle


@pytest.fixture(scope="session")
def connected() -> Iterator[MockServer]:
    """Return the handle of a server in another process."""
    with (
        serving("--log", "off") as (_, ready),
        MockServer.connect(ready.removeprefix("mockserver ready on ")) as handle,
    ):
        yield handle


@pytest.fixture(params=["started", "connected"])
def mock(request: pytest.FixtureRequest) -> MockServer:
    """Return a mock server as at its start, held in each of the two ways: both have the same surface."""
    handle: MockServer = request.getfixturevalue(request.param)
    for name in handle.namespaces():
        handle.forget(name)
    handle.reset()
    return handle
