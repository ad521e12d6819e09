"""The workflows: what they call is there, what they use is pinned, and only the publishing job may publish."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.loading import read_yaml

TOP = Path(__file__).parent.parent
FOLDER = TOP / ".github" / "workflows"
NAMES = ["ci.yml", "release.yml", "sdks.yml"]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIN = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def workflow(name: str) -> Any:
    return read_yaml(FOLDER / name, name)


def jobs() -> Iterator[tuple[str, str, Any]]:
    for name in NAMES:
        for title, job in workflow(name)["jobs"].items():
            yield name, title, job


def used(name: str) -> list[str]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.findall(r"^\s*(?:- )?uses: *(.*?)\s*$", text, re.MULTILINE)


def commands(job: Any) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_every_workflow_is_looked_at() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_with_its_version(name: str) -> None:
    assert used(name)
    assert [each for each in used(name) if not PIN.fullmatch(each)] == []


def test_an_action_has_one_pin() -> None:
    pins = {each for name in NAMES for each in used(name)}
    assert len({each.partition("@")[0] for each in pins}) == len(pins)


@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_read_only(name: str) -> None:
    assert workflow(name)["permissions"] == {"contents": "read"}


def test_only_the_publishing_job_has_more() -> None:
    more = {(name, title): job["permissions"] for name, title, job in jobs() if "permissions" in job}
    assert more == {("release.yml", "publish"): {"id-token": "write"}}


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_and_no_foreign_text_reaches_a_command(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert set(re.findall(r"\$\{\{ *(.*?) *\}\}", text)) <= {"github.ref", "matrix.os", "matrix.python"}
    assert not [each for _, _, job in jobs() for each in commands(job) if "${{" in each]


def test_no_job_runs_for_ever_or_keeps_credentials() -> None:
    for name, title, job in jobs():
        assert job["timeout-minutes"] <= 30, (name, title)
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, (name, title)


def test_the_matrix_is_what_the_project_declares() -> None:
    strategy = workflow("ci.yml")["jobs"]["test"]["strategy"]
    listed = [
        each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: Python :: 3\.\d+$", each)
    ]
    assert strategy["matrix"]["python"] == listed
    assert PROJECT["requires-python"] == f">={listed[0]}"
    assert strategy["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert strategy["fail-fast"] is False


def test_what_is_outdated_is_cancelled_but_a_release_is_not() -> None:
    assert [workflow(name)["concurrency"]["cancel-in-progress"] for name in NAMES] == [True, False, True]


def test_every_target_that_is_called_exists() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    called = {
        target
        for _, _, job in jobs()
        for each in commands(job)
        for target in re.findall(r"^make ([a-z-]+)", each, re.MULTILINE)
    }
    assert called == {
        "lint",
        "types",
        "test",
        "test-sdk",
        "test-sdk-newest",
        "contract",
        "plain",
        "image",
        "check",
        "dist",
    }
    assert called <= targets


def test_the_newest_sdks_are_tried_every_week_and_on_demand() -> None:
    on = workflow("sdks.yml")["on"]
    (each,) = on["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", each["cron"])
    assert "workflow_dispatch" in on
    assert [each.split()[1] for _, job in workflow("sdks.yml")["jobs"].items() for each in commands(job)] == [
        "test-sdk-newest"
    ]


def test_a_release_is_checked_built_and_only_then_published() -> None:
    release = workflow("release.yml")
    build, publish = release["jobs"]["build"], release["jobs"]["publish"]
    assert release["on"] == {"release": {"types": ["published"]}}
    ran = commands(build)
    assert (
        '"$GITHUB_REF_NAME" = "v$(python -c \'import mockserver; print(mockserver.__version__)\')"' in ran[0]
    )
    assert [each.partition("  #")[0].split()[1] for each in ran[1:]] == ["check", "dist"]
    assert (publish["needs"], publish["environment"]) == ("build", "pypi")
    assert "run" not in {
        key for step in publish["steps"] for key in step
    }  # what may publish runs no code of ours
    handed = [
        step["with"]
        for job in (build, publish)
        for step in job["steps"]
        if "artifact@" in step.get("uses", "")
    ]
    assert [(each["name"], each["path"]) for each in handed] == [("dist", "dist/")] * 2
