"""The drivers of a run, and what becomes of what it has seen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sdk.compatibility import README, rewritten
from tests.sdk.driving import Driver
from tests.sdk.sdks import Sdk

Driving = Callable[[Sdk], Driver]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("SDK suite")
    group.addoption("--record", action="store_true", help="write the records and the README's table anew")
    group.addoption(
        "--newest", action="store_true", help="try the newest versions instead of the pinned ones"
    )


@pytest.fixture(scope="session")
def is_recording(pytestconfig: pytest.Config) -> bool:
    """Return whether records are written instead of compared."""
    return bool(pytestconfig.getoption("record"))


@pytest.fixture(scope="session")
def newest_in(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Return the folder for the newest versions, or None where the pinned ones are tried."""
    return tmp_path_factory.mktemp("newest") if pytestconfig.getoption("newest") else None


@pytest.fixture(scope="session")
def driver_of(newest_in: Path | None) -> Iterator[Driving]:
    """Return what gives the driver of an SDK: one process for all its scenarios."""
    running: dict[str, Driver] = {}

    def driver_of(sdk: Sdk) -> Driver:
        if sdk.name not in running:
            running[sdk.name] = Driver.of(sdk, newest_in)
        return running[sdk.name]

    yield driver_of
    for driver in running.values():
        driver.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out old versions where the newest are tried, and what compares records where they are written."""
    if config.getoption("newest"):
        items[:] = [item for item in items if (sdk := _sdk_of(item)) is None or sdk.is_current]
    if config.getoption("record"):
        items[:] = [item for item in items if item.path.name != "test_compatibility.py"]


def _sdk_of(item: pytest.Item) -> Sdk | None:
    sdk = getattr(item, "callspec").params.get("sdk") if hasattr(item, "callspec") else None  # noqa: B009
    return sdk if isinstance(sdk, Sdk) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table anew, when all workers have written their records."""
    if session.config.getoption("record") and not hasattr(session.config, "workerinput"):
        readme = README.read_text(encoding="utf-8")
        README.write_text(rewritten(readme), encoding="utf-8", newline="\n")
