"""An example project under `mockserver run`: with a broken contract it fails, and every report says why; mended it passes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from junitparser import JUnitXml

from mockserver import loading
from tests.answers import faults_of
from tests.published_schemas import annotation_of, har_faults, junit_faults, parsed, tables_of

PROJECT = Path(__file__).parent / "contract_project"
PARCEL = Path(__file__).parent / "parcel" / "parcel.yaml"
OPERATION = "EventsController_trigger"
SECRET = "key-of-the-tests"
REPORTS = "junit=mock.xml,har=calls.har,jsonl=calls.jsonl,markdown=mock.md,github"


class Ended(NamedTuple):
    """A run that has ended: its exit code, what it wrote, and the folder it was in."""

    code: int
    stdout: str
    stderr: list[str]
    folder: Path

    def read(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")


def run_project(
    folder: Path, *options: str, client: str = "welcome.py", command: tuple[str, ...] = ()
) -> Ended:
    for name in ("mockserver.yaml", "test_welcome.py"):
        shutil.copy(PROJECT / name, folder)
    shutil.copy(PROJECT / client, folder / "welcome.py")
    env = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("MOCKSERVER_", "GITHUB_", "COV_"))
    }
    env |= {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "PYTHONIOENCODING": "utf-8"}
    tests = command or (sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")
    arguments = [sys.executable, "-m", "mockserver", "run", *options, "--", *tests]
    done = subprocess.run(
        arguments, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    told = [
        line.removeprefix("mockserver: ")
        for line in done.stderr.splitlines()
        if line.startswith("mockserver: ")
    ]
    return Ended(done.returncode, done.stdout, told, folder)


@pytest.fixture(scope="module", params=["broken", "mended", "silent"])
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Return each run: of the broken client, of the mended one, and of a command that calls nothing."""
    client = "welcome_broken.py" if request.param == "broken" else "welcome.py"
    command = (sys.executable, "-c", "pass") if request.param == "silent" else ()
    folder = tmp_path_factory.mktemp(request.param)
    return run_project(folder, "--strict", "--report", REPORTS, client=client, command=command)


def test_reports_are_what_their_schemas_say_and_hold_no_secret(ended: Ended) -> None:
    assert not junit_faults(ended.read("mock.xml"))
    assert not har_faults(json.loads(ended.read("calls.har")))
    for line in ended.read("calls.jsonl").splitlines():
        assert not faults_of("#/components/schemas/ServeEvent")(json.loads(line))
    assert parsed(ended.read("mock.md"))
    assert ended.read("summary.md") == ended.read("mock.md")
    written = [
        path.read_text("utf-8")
        for path in ended.folder.iterdir()
        if path.name[:5] in {"mock.", "calls", "summa"}
    ]
    assert SECRET not in "".join([*written, ended.stdout, *ended.stderr])
    assert len(ended.stderr) <= 20


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("broken")
    return run_project(
        folder, "--strict", "--report", REPORTS, "--expect-calls", "novu=2", client="welcome_broken.py"
    )


PROBLEM = "must be an object, not a string"


def test_a_broken_client_fails_the_run_though_its_tests_pass(broken: Ended) -> None:
    assert broken.code == 3
    assert "2 passed" in broken.stdout
    calls, failure, coverage = broken.stderr
    assert calls == "2 calls (novu 2): 2 refused (2 invalid)"
    assert re.fullmatch(
        rf"FAIL invalid       call 1 \(and 1 more call\)  POST /v1/events/trigger  /payload: {PROBLEM}.*  \[.*novu\.yaml:[0-9]+\]",
        failure,
    )
    assert coverage.startswith("exercised 1 of 1 operations, 1 of ")


def test_the_line_that_is_told_is_that_of_the_rule(broken: Ended) -> None:
    path, _, line = re.findall(r"\[(.*)\]", broken.stderr[1])[0].rpartition(":")
    assert path == "mockserver/specs/novu.yaml"  # that of the package, wherever it is installed
    lines = loading.read_text(loading.bundled()["novu"]).splitlines()
    assert [each.strip() for each in lines[int(line) - 2 : int(line)]] == ["payload:", "type: object"]


def test_the_junit_report_of_a_broken_client(broken: Ended) -> None:
    report = JUnitXml.fromfile(str(broken.folder / "mock.xml"))
    assert (report.failures, report.errors, report.skipped) == (1, 0, 0)
    cases = {f"{case.classname}: {case.name}": case.result for suite in report for case in suite}
    assert {name: [each.type for each in result] for name, result in cases.items()} == {
        f"mockserver.novu.{OPERATION}: what is sent meets the contract": ["invalid"],
        f"mockserver.novu.{OPERATION}: no call leans on a deviation": [],
        f"mockserver.novu.{OPERATION}: credentials are accepted": [],
        "mockserver.routes: every call has a route": [],
        "mockserver.expected-calls: 2 calls to novu": [],
        "mockserver.verdict: every call was seen": [],
    }
    (failure,) = cases[f"mockserver.novu.{OPERATION}: what is sent meets the contract"]
    assert failure.message.startswith(f"call 1  POST /v1/events/trigger  /payload: {PROBLEM}")
    assert failure.message.endswith(" (and 1 more)")
    assert len(failure.message) <= 200
    facts = dict(line.split(": ", 1) for line in failure.text.splitlines()[:9] if ": " in line)
    assert facts["operation"] == f"novu {OPERATION}"
    assert (facts["pointer"], facts["expected"], facts["received"]) == ("/payload", "object", "string")
    assert 'Authorization: ApiKey \'"$NOVU_API_KEY"' in failure.text
    assert [suite.name for suite in report] == ["mockserver.novu", "mockserver"]
    assert "; not /overrides, " in broken.read("mock.xml")


def test_the_archive_and_the_lines_of_a_broken_client(broken: Ended) -> None:
    entries = json.loads(broken.read("calls.har"))["log"]["entries"]
    lines = [json.loads(line) for line in broken.read("calls.jsonl").splitlines()]
    assert [each["response"]["status"] for each in entries] == [422, 422]
    assert [each["request"]["mock"]["outcome"] for each in lines] == ["refused", "refused"]
    for finding in (entries[0]["_findings"][0], lines[0]["request"]["mock"]["findings"][0]):
        assert (finding["pointer"], finding["expected"], finding["received"]) == (
            "/payload",
            "object",
            "string",
        )


def test_the_markdown_of_a_broken_client(broken: Ended) -> None:
    by_api, problems, coverage = tables_of(broken.read("mock.md"))
    assert by_api == [
        ["API", "calls", "admitted", "repeated", "refused", "scripted", "problems"],
        ["novu", "2", "0", "0", "2", "0", "2"],
    ]
    ((kind, call, where, problem, rule),) = problems[1:]
    assert (kind, call, where) == ("invalid", "call 1 (and 1 more call)  POST /v1/events/trigger", "/payload")
    assert problem.startswith(PROBLEM)
    assert re.fullmatch(r".*novu\.yaml:[0-9]+", rule)
    assert coverage[1][:2] == ["novu POST /v1/events/trigger", "1 of 1"]
    assert next(token.info for token in parsed(broken.read("mock.md")) if token.type == "fence") == "sh"


def test_the_annotations_of_a_broken_client(broken: Ended) -> None:
    (annotation,) = [annotation_of(line) for line in broken.stdout.splitlines() if line.startswith("::")]
    assert (annotation.level, annotation.parameters) == ("error", {"title": "novu: invalid"})
    assert re.search(rf"/payload: {PROBLEM}.*\(.*novu\.yaml:[0-9]+\)$", annotation.message)


def test_the_mended_client_passes(tmp_path: Path) -> None:
    mended = run_project(tmp_path, "--strict", "--report", REPORTS, "--expect-calls", "novu=2")
    assert mended.code == 0, mended
    assert mended.stderr[0] == "2 calls (novu 2): 2 admitted"
    assert not [line for line in mended.stdout.splitlines() if line.startswith("::")]
    assert JUnitXml.fromfile(str(tmp_path / "mock.xml")).failures == 0
    assert "2 calls, no problem." in mended.read("mock.md")


def test_a_run_without_calls_says_where_the_server_was(tmp_path: Path) -> None:
    silent = run_project(tmp_path, "--report", REPORTS, command=(sys.executable, "-c", "pass"))
    assert silent.code == 0
    (told,) = silent.stderr
    assert told.startswith(
        "no call came; is the client told where the server is? It stands in MOCKSERVER_URL"
    )
    assert JUnitXml.fromfile(str(tmp_path / "mock.xml")).tests == 2
    assert silent.read("calls.jsonl") == ""


CALL = """
import os, urllib.request, urllib.error
url = os.environ["MOCKSERVER_PARCEL_URL"] + "/parcels/north?stamp=1&token=t"
headers = {"Content-Type": "application/json"}
try:
    urllib.request.urlopen(urllib.request.Request(url, b"{}", headers, method="PUT"))
except urllib.error.HTTPError:
    pass
"""


def test_an_annotation_of_a_spec_of_the_project_names_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "contract").mkdir()
    shutil.copy(PARCEL, tmp_path / "contract")
    options = ("--spec", "contract/parcel.yaml", "--api", "parcel", "--report", "github")
    done = run_project(tmp_path, *options, command=(sys.executable, "-c", CALL))
    found = [annotation_of(line) for line in done.stdout.splitlines() if line.startswith("::")]
    assert (done.code, {each.parameters["file"] for each in found}) == (3, {"contract/parcel.yaml"})
    lines = (tmp_path / "contract" / "parcel.yaml").read_text("utf-8").splitlines()
    assert all("required" in lines[int(each.parameters["line"]) - 1] for each in found)
