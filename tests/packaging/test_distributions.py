"""The wheel and the sdist: what is in them, and that the wheel alone serves, far from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

from mockserver import __version__
from tests.packaging.building import CALLS, TOP, environment_with, post, program, run, serving

# What is built and installed is built and installed once: by the worker that has this group.
pytestmark = pytest.mark.xdist_group("packaging")

NAME = f"trigger_mockserver-{__version__}"
IN_WHEEL = {"mockserver": "mockserver", "specs": "mockserver/specs", "fixtures": "mockserver/fixtures"}
IN_SDIST = [
    "mockserver", "specs", "fixtures", "tests", "bench", ".github", ".dockerignore", ".gitignore", "CHANGELOG.md", "Dockerfile",
    "LICENSE", "Makefile", "README.md", "pyproject.toml",
]  # fmt: skip
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
KINDS = {".py", ".pyi", ".yaml", ".typed", ".md"}


@dataclass(frozen=True)
class Built:
    """The wheel of the checkout, the sdist of the checkout, and the wheel of that sdist."""

    wheel: Path
    sdist: Path
    wheel_of_sdist: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    direct, by_sdist = (tmp_path_factory.mktemp(name) for name in ("direct", "by-sdist"))
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", direct, TOP, cwd=direct)
    run(sys.executable, "-m", "build", "--outdir", by_sdist, TOP, cwd=by_sdist)
    [wheel], [sdist], [again] = direct.glob("*"), by_sdist.glob("*.tar.gz"), by_sdist.glob("*.whl")
    return Built(wheel, sdist, again)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_with(built.wheel, tmp_path_factory.mktemp("installed") / "environment")


@pytest.fixture(scope="session")
def without_accelerators(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    parts = ["httptools"] if sys.platform == "win32" else ["httptools", "uvloop"]
    return environment_with(built.wheel, tmp_path_factory.mktemp("plain") / "environment", *parts)


def tracked(*paths: str) -> Iterator[str]:
    """Yield the files that git has, or would have once added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, check=True).stdout.decode()
    yield from (name for name in listed.split("\0") if name and (TOP / name).is_file())


def expected_in_wheel() -> set[str]:
    """Return every tracked file of the three folders at its place, and the metadata."""
    files = {
        f"{IN_WHEEL[top]}/{rest}" for top, _, rest in (name.partition("/") for name in tracked(*IN_WHEEL))
    }
    return files | {f"{NAME}.dist-info/{name}" for name in DIST_INFO}


@pytest.mark.parametrize("way", ["wheel", "wheel_of_sdist"])
def test_a_wheel_holds_the_package_its_data_and_nothing_else(built: Built, way: str) -> None:
    with zipfile.ZipFile(getattr(built, way)) as archive:
        names = archive.namelist()
    assert sorted(names) == sorted(expected_in_wheel())
    inside = [PurePosixPath(name) for name in names if name.startswith("mockserver/")]
    assert {path.suffix for path in inside} <= KINDS
    assert {"mockserver/py.typed", "mockserver/specs/novu.yaml", "mockserver/fixtures/README.md"} <= set(
        names
    )


def test_both_wheels_hold_the_same_bytes(built: Built) -> None:
    contents = []
    for path in (built.wheel, built.wheel_of_sdist):
        with zipfile.ZipFile(path) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


def test_the_sdist_holds_the_sources(built: Built) -> None:
    assert built.sdist.name == f"{NAME}.tar.gz"
    with tarfile.open(built.sdist) as archive:
        names = {entry.name for entry in archive.getmembers() if entry.isfile()}
    assert names == {f"{NAME}/{name}" for name in [*tracked(*IN_SDIST), "PKG-INFO"]}


def test_the_metadata(built: Built) -> None:
    assert built.wheel.name == built.wheel_of_sdist.name == f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{NAME}.dist-info/METADATA").decode())
        scripts = archive.read(f"{NAME}.dist-info/entry_points.txt").decode().split("\n")
    assert metadata["Name"] == "trigger-mockserver"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert (metadata["License-Expression"], metadata["License-File"]) == ("MIT", "LICENSE")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert [line for line in scripts if line] == [
        "[console_scripts]",
        "mockserver = mockserver.__main__:main",
        "trigger-mockserver = mockserver.__main__:main",
        "[pytest11]",
        "mockserver = mockserver.pytest_plugin",
    ]


@pytest.mark.parametrize(
    "command",
    [["mockserver"], ["trigger-mockserver"], ["python", "-m", "mockserver"], ["python", "-I", "-m", "mockserver"]],
    ids=" ".join,
)  # fmt: skip
def test_every_name_of_the_command(installed: Path, tmp_path: Path, command: list[str]) -> None:
    assert run(program(installed, command[0]), *command[1:], "--version", cwd=tmp_path).split() == [
        "mockserver,",
        "version",
        __version__,
    ]


def test_samples_are_an_extra(built: Built, installed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"{NAME}.dist-info/METADATA").decode())
    assert metadata.get_all("Provides-Extra") == ["samples"]
    (needed,) = (each for each in metadata.get_all("Requires-Dist", []) if "extra ==" in each)
    assert needed.startswith("hypothesis")
    command: list[str | Path] = [program(installed, "mockserver"), "samples", "novu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "trigger-mockserver[samples]"' in done.stderr


@pytest.mark.parametrize("environment", ["installed", "without_accelerators"])
def test_an_installed_wheel_serves_all_four_apis(
    environment: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home: Path = request.getfixturevalue(environment)
    with serving([program(home, "mockserver"), "serve", "--port", "0"], tmp_path) as (_, url):
        for path, headers, body, status in CALLS:
            assert post(url + path, headers, body) == status, path


@pytest.mark.parametrize(
    ("environment", "parts"),
    [("installed", ["httptools"] + ["uvloop"] * (os.name != "nt")), ("without_accelerators", [])],
)
def test_the_environments_are_what_they_are_called(
    environment: str, parts: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home: Path = request.getfixturevalue(environment)
    asked = "print([n for n in ('httptools', 'uvloop', 'tests', 'pytest') if importlib.util.find_spec(n)], mockserver.__file__)"
    told = run(
        program(home, "python"), "-I", "-c", f"import importlib.util, mockserver; {asked}", cwd=tmp_path
    )
    assert told.startswith(f"{parts} {home}")
