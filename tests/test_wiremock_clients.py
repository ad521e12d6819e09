"""WireMock's clients, unmodified, against the running server: every method of each, and every answer looked at.

Who knows WireMock should find its clients working here, so the ones of PyPI and npm and the Java one (from the jar in
npm's ``wiremock``) are installed in environments of their own. A script per client in ``tests/wiremock`` plays
scenarios and prints what it got back, step by step; beside it stands a table of what is expected.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.installing import installed_npm, installed_python, program
from tests.serving import running
from tests.wiremock import captain_expected, java_expected, python_expected, rest_expected
from tests.wiremock.expected import Expected, Part, at_least, each, named, opens_with, refusal, text, written

SCRIPTS = Path(__file__).parent / "wiremock"
CALLS_WITHIN = 120  # seconds
JAVA_IS_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

Step = tuple[str, Any]


@pytest.fixture(scope="session")
def python() -> Path:
    """Return the Python that has the client."""
    return installed_python("wiremock-python", SCRIPTS / "requirements.txt")


@pytest.fixture(scope="session")
def modules() -> Path:
    """Return the folder with the packages of npm."""
    return installed_npm("wiremock-npm", SCRIPTS, "--omit=optional")


@pytest.fixture(scope="module")
def java_steps(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Step]]:
    """Return what the Java client saw, by scenario; one process for all, as a virtual machine is slow to start."""
    java = _java()
    if java is None:
        pytest.skip("there is no Java here; where the environment has CI this is a failure")
    [jar] = (modules / "wiremock" / "build").glob("*.jar")
    script = SCRIPTS / "JavaClient.java"
    with running() as server:
        arguments = [server.url, *java_expected.EXPECTED, "surface"]
        command: list[str | Path] = [
            java,
            *JAVA_IS_QUICK,
            "-Dfile.encoding=UTF-8",
            "-cp",
            jar,
            script,
            *arguments,
        ]
        lines = _lines_of(command, {}, tmp_path_factory.mktemp("java"))
    scenarios: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if "scenario" in line:
            current = scenarios.setdefault(line["scenario"], [])
        else:
            current.append(line)
    return {scenario: _steps(told) for scenario, told in scenarios.items()}


@cache
def _java() -> str | None:
    """Return a Java that can run a source file; a machine that has CI in its environment promises one."""
    homes = [value for name, value in sorted(os.environ.items()) if name.startswith("JAVA_HOME") and value]
    found = [shutil.which("java", path=str(Path(home) / "bin")) for home in homes] + [shutil.which("java")]
    for java in filter(None, found):
        # Java 8 does not know the option, and macOS has a java that only says how to get one.
        if subprocess.run([java, "--version"], capture_output=True, check=False).returncode == 0:
            return java
    if os.environ.get("CI"):
        pytest.fail(
            "there is no Java of version 11 or later, on the PATH or in a variable JAVA_HOME…", pytrace=False
        )
    return None


def _lines_of(
    command: list[str | Path], environment: Mapping[str, str], folder: Path
) -> list[dict[str, Any]]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("WRC_", "JAVA_TOOL_"))
    }
    done = subprocess.run(
        command, cwd=folder, env={**inherited, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **environment},
        capture_output=True, encoding="utf-8", timeout=CALLS_WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def _steps(lines: list[dict[str, Any]]) -> list[Step]:
    names: dict[str, str] = {}
    return [(line["call"], named(line.get("got"), names)) for line in lines]


def _assert_steps(steps: list[Step], expected: Expected) -> None:
    """Compare step by step: the first that differs is told with those before it."""
    for number, (got, wanted) in enumerate(zip(steps, expected, strict=False)):
        assert got == wanted, f"step {number}, after {[call for call, _ in steps[:number]]}"
    assert [call for call, _ in steps] == [call for call, _ in expected]


def _assert_surface(steps: list[Step], expected: Mapping[str, Expected]) -> None:
    """Compare what a client offers with what the scenarios call."""
    called = {call for scenario in expected.values() for call, _ in scenario}
    offered = {call for call, _ in steps}
    assert offered
    assert offered <= called, "a method that no scenario calls"


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        ({"a": 1}, Part(a=2)),
        ({"b": 1}, Part(a=1)),
        ([{"a": 1, "b": 2}], [Part(a=1, b=3)]),
        ({"a": {"b": 1}}, Part(a=Part(b=2))),
        (1, at_least(2)),
        (None, at_least(2)),
        ("a b", text("a", "c")),
        ("{}", written([])),
        ("no JSON", written({})),
        ([1, 2], opens_with(2)),
        ([], opens_with(1)),
        ([], each(1)),
        ([1, 2], each(1)),
        ({"errors": [{"source": {"pointer": "/a"}}]}, refusal("/b")),
        ({"errors": [{"source": {"pointer": "/a"}}, {"source": {"pointer": "/b"}}]}, refusal("/a")),
        (named({"id": "11111111-1111-4111-8111-111111111111"}, {}), Part(id="#2")),
    ],
)
def test_a_step_that_differs_is_seen(got: Any, wanted: Any) -> None:
    with pytest.raises(AssertionError):
        _assert_steps([("call", got)], [("call", wanted)])


@pytest.mark.parametrize("steps", [[], [("other", 1)], [("call", 1), ("call", 1)]])
def test_steps_that_are_missing_or_too_many_are_seen(steps: list[Step]) -> None:
    with pytest.raises(AssertionError):
        _assert_steps(steps, [("call", 1)])


# Python


def _python_steps(python: Path, scenario: str, folder: Path) -> list[Step]:
    with running() as server:
        command: list[str | Path] = [
            python,
            "-I",
            "-X",
            "utf8",
            SCRIPTS / "python_client.py",
            server.url,
            scenario,
        ]
        return _steps(_lines_of(command, {}, folder))


@pytest.mark.parametrize("scenario", python_expected.EXPECTED)
def test_python(python: Path, tmp_path: Path, scenario: str) -> None:
    _assert_steps(_python_steps(python, scenario, tmp_path), python_expected.EXPECTED[scenario])


def test_python_is_called_whole(python: Path, tmp_path: Path) -> None:
    _assert_surface(_python_steps(python, "surface", tmp_path), python_expected.EXPECTED)


# Node


def _node_steps(modules: Path, script: str, scenario: str, folder: Path) -> list[Step]:
    with running() as server:
        command: list[str | Path] = [program("node"), SCRIPTS / script, server.url, scenario]
        return _steps(_lines_of(command, {"NODE_PATH": str(modules)}, folder))


@pytest.mark.parametrize("scenario", rest_expected.EXPECTED)
def test_rest_client(modules: Path, tmp_path: Path, scenario: str) -> None:
    steps = _node_steps(modules, "rest_client.cjs", scenario, tmp_path)
    _assert_steps(steps, rest_expected.EXPECTED[scenario])


def test_rest_client_is_called_whole(modules: Path, tmp_path: Path) -> None:
    _assert_surface(_node_steps(modules, "rest_client.cjs", "surface", tmp_path), rest_expected.EXPECTED)


def test_rest_client_loads_folders_from_the_command_line(modules: Path, tmp_path: Path) -> None:
    (tmp_path / "stubs").mkdir()
    stub = {"request": {"url": "/shop/loaded"}, "response": {"status": 204}}
    (tmp_path / "stubs" / "loaded.json").write_text(json.dumps(stub), encoding="utf-8")
    script = modules / "wiremock-rest-client" / "bin" / "index.js"
    with running() as server:
        subprocess.run(
            [program("node"), script, "load", "--folders", "stubs", "--uri", server.url],
            cwd=tmp_path, timeout=CALLS_WITHIN, check=True, capture_output=True,
        )  # fmt: skip
        assert server.request("GET", "/shop/loaded")[0] == 204


@pytest.mark.parametrize("scenario", captain_expected.EXPECTED)
def test_captain(modules: Path, tmp_path: Path, scenario: str) -> None:
    steps = _node_steps(modules, "captain.cjs", scenario, tmp_path)
    _assert_steps(steps, captain_expected.EXPECTED[scenario])


def test_captain_is_called_whole(modules: Path, tmp_path: Path) -> None:
    _assert_surface(_node_steps(modules, "captain.cjs", "surface", tmp_path), captain_expected.EXPECTED)


# Java


@pytest.mark.xdist_group("java")
@pytest.mark.parametrize("scenario", java_expected.EXPECTED)
def test_java(java_steps: dict[str, list[Step]], scenario: str) -> None:
    _assert_steps(java_steps[scenario], java_expected.EXPECTED[scenario])


@pytest.mark.xdist_group("java")
def test_java_is_called_whole(java_steps: dict[str, list[Step]]) -> None:
    _assert_surface(java_steps["surface"], java_expected.EXPECTED)
