"""The pytest plugin, in pytest runs of its own: what it starts, resets, reports, and leaves alone."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver import MockServer
from tests.handles import send

pytest_plugins = ["pytester"]

TOP = Path(__file__).parent.parent
Run = Callable[..., pytest.RunResult]

SEND = """
import http.client, json
from urllib.parse import urlsplit

def send(url, name="welcome", **headers):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    headers = {"Authorization": "ApiKey s3cret-key", "Content-Type": "application/json", **headers}
    body = json.dumps({"name": name, "to": ["ada"]})
    connection.request("POST", parts.path + "/v1/events/trigger", body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs pytest on a test file: with this checkout's plugin, which its entry point loads, and xdist's."""
    monkeypatch.setenv("PYTHONPATH", f"{TOP}{os.pathsep}{pytester.path}")
    for name in [name for name in os.environ if name.startswith(("MOCKSERVER_", "PYTEST_"))]:
        monkeypatch.delenv(name)
    pytester.makepyfile(sending=SEND)

    def run(
        source: str, *arguments: str, conftest: str | None = None, is_apart: bool = False
    ) -> pytest.RunResult:
        if conftest is not None:
            pytester.makeconftest(conftest)
        pytester.makepyfile(test_it=f"from sending import send\n{source}")
        others = ("randomly", "cacheprovider", "schemathesis", "hypothesispytest", "anyio")
        options = [*(f"-pno:{name}" for name in others), "-W", "error", *arguments]
        result = (pytester.runpytest_subprocess if is_apart else pytester.runpytest_inprocess)(*options)
        reported = "\n".join(line for lines in sections(result) for line in lines)
        assert "s3cret" not in reported
        return result

    return run


@pytest.fixture
def shared() -> Iterator[MockServer]:
    with MockServer() as mock:
        yield mock


def sections(result: pytest.RunResult) -> list[list[str]]:
    """Return the lines of each report section with recorded calls."""
    found: list[list[str]] = []
    inside = False
    for line in result.stdout.lines:
        if re.fullmatch("-+ mockserver: recorded calls -+", line):
            found.append([])
            inside = True
        elif re.match("[-=_]{3,}", line):
            inside = False
        elif inside:
            found[-1].append(line)
    return found


CALL = "   #{}  201  novu      {} → ada"

# What a test is given


def test_each_test_begins_anew_on_the_one_server_of_the_session(run: Run) -> None:
    result = run(
        """
        seen = []

        def test_first(mockserver, mockserver_session):
            from mockserver import MockServer
            assert isinstance(mockserver, MockServer)
            assert mockserver is mockserver_session
            seen.append(mockserver.url)
            mockserver.respond(503, times=None)
            mockserver.clock.advance("2d")
            mockserver.limits["novu"] = "1/1h"
            mockserver.namespace("left").reset()
            assert send(mockserver.url) == 503

        def test_second(mockserver):
            assert seen == [mockserver.url]
            assert mockserver.calls == []
            assert mockserver.namespaces() == []
            assert send(mockserver.url, **{"Idempotency-Key": "k"}) == 201

        def test_third(mockserver):
            assert send(mockserver.url, **{"Idempotency-Key": "k"}) == 201
            assert mockserver.assert_called_once().outcome == "admitted"
        """.replace("\n        ", "\n")
    )
    result.assert_outcomes(passed=3)


def test_the_session_is_not_reset(run: Run) -> None:
    result = run("""
def test_first(mockserver_session):
    send(mockserver_session.url)

def test_second(mockserver_session):
    assert len(mockserver_session.calls) == 1
""")
    result.assert_outcomes(passed=2)


def test_it_does_nothing_where_nobody_asks_for_it(run: Run) -> None:
    source = """
import sys, threading
def test_nothing():
    assert [name for name in sys.modules if name.startswith("mockserver.")] == ["mockserver.pytest_plugin"]
    assert [thread.name for thread in threading.enumerate() if "mockserver" in thread.name] == []

def test_fails():
    assert False

def test_still_nothing():
    assert "mockserver.client" not in sys.modules
"""
    result = run(source, is_apart=True)
    result.assert_outcomes(passed=2, failed=1)
    assert sections(result) == []
    source = """
import sys
def test_nothing():
    assert 'mockserver' not in sys.modules

def test_its_fixture(mockserver):
    pass
"""
    run(source, "-p", "no:mockserver", is_apart=True).assert_outcomes(passed=1, errors=1)


# The report of a failed test

FAILING = """
import pytest

def test_fails(mockserver):
    send(mockserver.url, "of-the-test")
    mockserver.api("novu").assert_called_once(body={"name": "other"})

def test_passes(mockserver):
    send(mockserver.url, "unseen")

def test_is_skipped(mockserver):
    send(mockserver.url, "unseen")
    pytest.skip("for a reason")

def test_without_calls(mockserver):
    assert not mockserver

@pytest.fixture
def broken_setup(mockserver):
    send(mockserver.url, "of-the-setup")
    raise RuntimeError("broken")

def test_setup(broken_setup):
    pass

@pytest.fixture
def broken_teardown(mockserver):
    yield
    send(mockserver.url, "of-the-teardown")
    raise RuntimeError("broken")

def test_asked_for_later(request):
    send(request.getfixturevalue("mockserver").url, "of-a-fixture-asked-for")
    assert False

def test_without_it():
    assert False

def test_of_the_session(mockserver_session):
    send(mockserver_session.url, "of-the-session")
    assert False

def test_teardown(broken_teardown):  # the last one: its server ends with it
    pass
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_failed_test_reports_its_calls(run: Run, workers: list[str]) -> None:
    result = run(FAILING, "-rP", *workers)
    result.assert_outcomes(passed=2, failed=5, errors=2, skipped=1)
    found = sorted(lines[-1] for lines in sections(result))
    expected = [
        CALL.format(1, name)
        for name in ("of-a-fixture-asked-for", "of-the-setup", "of-the-teardown", "of-the-test")
    ]
    assert [line for line in found if "session" not in line] == [*expected, "no call was recorded"]
    assert sum("of-the-session" in line for line in found) == 1
    result.stdout.fnmatch_lines([
        'E  *AssertionError: expected 1 call to novu with body.name == "other", got 0 of 1 recorded call',
        "E  *nearest: POST /v1/events/trigger (call #1), 1 difference",
        'E  * /body/name: expected "other", got "of-the-test"',
    ])  # fmt: skip
    assert "view.py" not in result.stdout.str()  # a failed assertion is shown where the test stands


def test_a_failed_test_on_a_shared_server_reports_its_calls(run: Run, shared: MockServer) -> None:
    result = run(FAILING, "--mockserver-url", shared.url)
    result.assert_outcomes(passed=2, failed=5, errors=2, skipped=1)
    told = {re.sub("~[a-z_]+-[0-9a-f]{12} ", "", lines[-1]) for lines in sections(result)}
    assert {CALL.format(1, name) for name in ("of-the-test", "of-the-setup", "of-the-teardown")} <= told
    assert shared.namespaces() == []


def test_of_very_many_calls_the_newest_are_reported(run: Run) -> None:
    source = """
import pytest
@pytest.fixture(scope="session")
def mockserver_config():
    return {"keep": "150"}

def test_it(mockserver):
    for number in range(160):
        send(mockserver.url, f"n-{number}")
    assert False
"""
    (lines,) = sections(run(source))
    assert lines[:2] == ["10 calls were dropped by the journal", "50 calls before these"]
    assert (len(lines), lines[2].split()[3], lines[-1].split()[3]) == (102, "n-60", "n-159")


def test_a_server_that_was_stopped_is_told(run: Run) -> None:
    result = run("""
def test_stops(mockserver):
    mockserver.stop()
    assert False

def test_next(mockserver):
    pass
""")
    result.assert_outcomes(failed=1, errors=1)
    assert all("was stopped" in lines[-1] for lines in sections(result))
    result.stdout.fnmatch_lines(["*ConnectionError: the handle of the mock server at * was stopped*"])


# What it can be told

PROFILED = """
def test_it(mockserver_config):
    assert mockserver_config == {expected}
"""
INI = "[pytest]\nmockserver_{} = {}\n"


@pytest.mark.parametrize(
    ("typed", "ini", "environment", "expected"),
    [
        ([], "", {}, {}),
        (["--mockserver-profile=published"], "", {}, {"profile": "published"}),
        ([], "mockserver_profile = published", {}, {"profile": "published"}),
        ([], "", {"MOCKSERVER_PROFILE": "published"}, {"profile": "published"}),
        ([], "mockserver_profile = published", {"MOCKSERVER_PROFILE": "observed"}, {"profile": "published"}),
        (["--mockserver-profile=published"], "mockserver_profile = observed", {"MOCKSERVER_PROFILE": "observed"}, {"profile": "published"}),
        (["--mockserver-api=novu, alloy"], "mockserver_api = suprsend", {}, {"apis": ["novu", "alloy"]}),
        ([], "mockserver_api = novu", {"MOCKSERVER_API": "alloy", "MOCKSERVER_PROFILE": ""}, {"apis": ["novu"]}),
        ([], "", {"MOCKSERVER_CONFIG": "m.yaml"}, {"config": "m.yaml"}),
        (["--mockserver-config=m.yaml"], "mockserver_config = other.yaml", {}, {"config": "m.yaml"}),
    ],
)  # fmt: skip
def test_who_says_what_it_is_told(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, typed: list[str], ini: str,
    environment: dict[str, str], expected: dict[str, Any],
) -> None:  # fmt: skip
    pytester.path.joinpath("m.yaml").write_text("keep: '5'\n", encoding="utf-8")
    pytester.makeini(f"[pytest]\n{ini}\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run(PROFILED.format(expected=expected), *typed).assert_outcomes(passed=1)


def test_a_file_of_the_ini_file_is_looked_for_beside_it(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nmockserver_config = mocks/m.yaml\n")
    pytester.mkdir("mocks").joinpath("m.yaml").write_text("keys: {novu: other}\n", encoding="utf-8")
    source = "def test_it(mockserver):\n    assert send(mockserver.url) == 401"
    run(source).assert_outcomes(passed=1)
    monkeypatch.chdir(pytester.mkdir("below"))
    run(source, str(pytester.path / "test_it.py")).assert_outcomes(passed=1)


def test_a_conftest_can_say_more(run: Run) -> None:
    conftest = """
import pytest
@pytest.fixture(scope="session")
def mockserver_config(mockserver_config):
    return {**mockserver_config, "keys": {"novu": "other"}}
"""
    source = """
def test_it(mockserver):
    assert send(mockserver.url) == 401
    assert [api["name"] for api in mockserver._connection.get("/apis")["apis"]] == ["novu"]
"""
    run(source, "--mockserver-api", "novu", conftest=conftest).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "config", "told"),
    [
        (["--mockserver-config=m.yaml"], "kepe: 5\nport: x\n", ['*m.yaml:1: /kepe: *Did you mean "keep"?*', "*m.yaml:2: /port: must be an integer*"]),
        (["--mockserver-config=nowhere.yaml"], "", ["*nowhere.yaml: cannot be read: No such file or directory*"]),
        (["--mockserver-profile=x"], "", ['*/profile: must be one of "observed", "published"*']),
        (["--mockserver-api=nova"], "", ["*/apis: there is no API named 'nova'; did you mean novu?*"]),
        (["--mockserver-url=127.0.0.1:1"], "", ["*'127.0.0.1:1' is not the URL of a mock server; write it as http://127.0.0.1:4747*"]),
        (["--mockserver-url=http://127.0.0.1:1"], "", ["*no mock server answers at http://127.0.0.1:1: *"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_without_a_traceback(
    run: Run, pytester: pytest.Pytester, arguments: list[str], config: str, told: list[str]
) -> None:
    pytester.path.joinpath("m.yaml").write_text(config, encoding="utf-8")
    result = run("def test_one(mockserver):\n    pass\n\ndef test_two():\n    pass", *arguments)
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*the mock server of the fixture is not there: *"])
    result.stdout.fnmatch_lines(told)
    assert "Traceback" not in result.stdout.str()
    assert ".py:" not in result.stdout.str().partition("= ERRORS")[2].partition("= short test")[0]


def test_a_wrong_option_in_a_conftest_is_told(run: Run) -> None:
    conftest = "import pytest\n@pytest.fixture(scope='session')\ndef mockserver_config():\n    return {'profil': 'x'}"  # fmt: skip
    result = run("def test_it(mockserver):\n    pass", conftest=conftest)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*profil is no option of a mock server; did you mean profile?*"])


def test_its_options_are_described(run: Run) -> None:
    result = run("", "--help")
    for name in ("url", "admin-token", "config", "profile", "api"):
        result.stdout.fnmatch_lines([f"*--mockserver-{name}=*", f"*mockserver_{name.replace('-', '_')} (string):*"])  # fmt: skip
    fixtures = run("", "--fixtures")
    fixtures.stdout.fnmatch_lines_random(["mockserver_config *", "mockserver_session *", "mockserver -- *"])


def test_options_for_a_server_that_is_started_are_refused_where_one_is_named(run: Run) -> None:
    result = run("", "--mockserver-url", "http://127.0.0.1:1", "--mockserver-profile", "published")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = (
        "*--mockserver-profile is for a server that is started here, and --mockserver-url names one that runs"
    )
    result.stderr.fnmatch_lines([told])


# A server that several runs share

SHARING = """
import pytest

SEEN = []

@pytest.mark.parametrize("number", range(6))
def test_it(mockserver, mockserver_session, number):
    assert mockserver.calls == []
    assert mockserver.url not in SEEN  # nor is it the one of another run
    SEEN.append(mockserver.url)
    assert mockserver.url.startswith(mockserver_session.url + "/~")
    assert mockserver.url.rpartition("~")[2] in mockserver_session.namespaces()
    mockserver.clock.advance("1h")
    for _ in range(3):  # the keys of other tests and workers are none of ours
        send(mockserver.url, **{"Idempotency-Key": "same"})
    assert [call.outcome for call in mockserver.calls] == ["admitted", "repeated", "repeated"]
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_on_a_shared_server_each_test_has_a_namespace(
    run: Run, shared: MockServer, workers: list[str]
) -> None:
    send(shared)
    shared.namespace("of-somebody-else").reset()
    run(SHARING, f"--mockserver-url={shared.url}/", *workers).assert_outcomes(passed=6)
    assert len(shared.calls) == 1
    assert shared.namespaces() == ["of-somebody-else"]


def test_a_guarded_server_is_shared_with_its_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockServer(admin_token="t0ken") as guarded:
        monkeypatch.setenv("MOCKSERVER_URL", guarded.url)
        result = run(SHARING)
        result.assert_outcomes(errors=6)
        result.stdout.fnmatch_lines([f"*the control plane of {guarded.url} asks for a token; *"])
        run(SHARING, "--mockserver-admin-token", "t0ken").assert_outcomes(passed=6)
        monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "t0ken")
        run(SHARING).assert_outcomes(passed=6)


def test_two_workers_have_a_server_each(run: Run) -> None:
    source = """
import pytest
@pytest.mark.parametrize("number", range(10))
def test_it(mockserver, number, tmp_path_factory):
    (tmp_path_factory.getbasetemp().parent / mockserver.url.rpartition(":")[2]).touch()
    assert send(mockserver.url, **{"Idempotency-Key": "same"}) == 201
    assert mockserver.assert_called_once().outcome == "admitted"
"""
    run(source, "-n", "2").assert_outcomes(passed=10)


# What it costs


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(
        [sys.executable, *options, "-c", code], env=environment, capture_output=True, text=True, check=True
    )


HEAVY = "asyncio jsonschema jsonschema_rs starlette uvicorn yaml click"


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import pytest, mockserver.pytest_plugin", f"{HEAVY} http uuid mockserver.client mockserver.launch mockserver.engine mockserver.server"),
        ("import mockserver.client", "jsonschema jsonschema_rs starlette uvicorn yaml click uuid mockserver.launch mockserver.engine mockserver.server mockserver.loading"),
    ],
)  # fmt: skip
def test_nothing_heavy_is_imported(code: str, heavy: str) -> None:
    """Of what pytest itself has not imported already."""
    told = python(f"import pytest, sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))")  # fmt: skip
    loaded = set(told.stdout.split())
    assert loaded >= {"mockserver"}
    assert loaded & set(heavy.split()) == set()


def test_loading_it_takes_less_than_20_ms() -> None:
    def cost() -> float:
        told = python("import pytest, mockserver.pytest_plugin", "-X", "importtime").stderr
        lines = [line.split("|") for line in told.splitlines()]
        (package, plugin) = (
            int(line[1]) for line in lines if line[-1].strip() in {"mockserver", "mockserver.pytest_plugin"}
        )
        return (package + plugin) / 1000

    assert min(cost() for _ in range(3)) < 20
