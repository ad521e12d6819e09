"""Other people's packages in environments of their own, whose dependencies are none of the mock's.

Each is installed below ``.cache`` once, however many workers of a test run ask for it at the same time, and anew when
what it is made from changes.
"""

import hashlib
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
INSTALLS_WITHIN = 300  # seconds


def installed(name: str, made_from: bytes, install: Callable[[Path], None]) -> Path:
    """Return the folder of an installation, after making it where it is not complete."""
    home = CACHE / f"{name}-{hashlib.sha256(made_from).hexdigest()[:16]}"
    home.parent.mkdir(exist_ok=True)
    with locked(home.with_suffix(".lock")):
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            install(home)
            (home / "complete").touch()
    return home


def installed_python(name: str, requirements: Path) -> Path:
    """Return the Python of an environment that has what a file of requirements names."""

    def install(home: Path) -> None:
        fresh_python(home, "-r", requirements)

    return _python_of(installed(name, requirements.read_bytes() + sys.version.encode(), install))


def fresh_python(home: Path, *wanted: str | Path) -> Path:
    """Make an environment in a folder, and return its Python; ``wanted`` is what pip is told to install."""
    run_or_fail(sys.executable, "-m", "venv", home)
    run_or_fail(_python_of(home), "-m", "pip", "--disable-pip-version-check", "install", *wanted)
    return _python_of(home)


def installed_npm(name: str, folder: Path, *options: str) -> Path:
    """Return the folder of the npm packages that ``package.json`` in a folder names, and its lock if it has one."""
    sources = [path for name in ("package.json", "package-lock.json") if (path := folder / name).exists()]
    command = ["ci"] if len(sources) > 1 else ["install", "--no-package-lock"]

    def install(home: Path) -> None:
        home.mkdir()
        for source in sources:
            shutil.copy(source, home)
        run_or_fail(
            program("npm"), *command, "--ignore-scripts", "--no-audit", "--no-fund", *options, cwd=home
        )

    return installed(name, b"".join(source.read_bytes() for source in sources), install) / "node_modules"


def fresh_npm(home: Path, *wanted: str) -> Path:
    """Install packages of npm into a folder, in their newest versions, and return the folder that holds them."""
    home.mkdir()
    (home / "package.json").write_text("{}", encoding="utf-8")
    run_or_fail(program("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", *wanted, cwd=home)
    return home / "node_modules"


def unpacked_sdist(requirement: str, *members: str) -> Path:
    """Return the folder of some files of a package's source distribution, which is not installed."""

    def unpack(home: Path) -> None:
        home.mkdir()
        run_or_fail(
            sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps",
            "--no-binary", ":all:", "--dest", home, requirement,
        )  # fmt: skip
        with tarfile.open(next(home.glob("*.tar.gz"))) as archive:
            for member in archive.getmembers():
                path = member.name.partition("/")[2]
                if path in members and (source := archive.extractfile(member)) is not None:
                    (home / Path(path).name).write_bytes(source.read())

    return installed(requirement.partition("=")[0] + "-sdist", f"{requirement} {members}".encode(), unpack)


def program(name: str) -> str:
    """Return the path of a program; those that are asked for are promised by every machine that runs the tests."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is needed for this test, and not on the PATH", pytrace=False)
    return path


def run_or_fail(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command; one that fails is the test's failure, with all that it wrote."""
    done = subprocess.run(
        command, cwd=cwd,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=INSTALLS_WITHIN, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}", pytrace=False)


def _python_of(home: Path) -> Path:
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes, within a deadline; SQLite's, since a killed process lets go of it."""
    with closing(sqlite3.connect(path, timeout=INSTALLS_WITHIN, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
