"""The examples of the README for tests, run as they stand there: pytest with an SDK, the handle, unittest, Vitest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver import MockServer
from tests.installing import ROOT, installed_npm, installed_python, program
from tests.serving import running

README = (ROOT / "README.md").read_text(encoding="utf-8")
WITHIN = 120  # seconds


def block(language: str, word: str) -> str:
    """Return the one block of a language that has a word in it."""
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if word in text)
    return str(found)


def run(folder: Path, *command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "NO_PROXY": "127.0.0.1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_example_for_pytest_passes_with_a_real_sdk(tmp_path: Path) -> None:
    python = installed_python("sdk-novu-py", ROOT / "tests" / "sdk" / "pins" / "novu-py.txt")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = run(tmp_path, python, "-I", "-c", ask).strip()
    (tmp_path / "test_welcome.py").write_text(
        block("python", "def test_a_new_user_is_welcomed"), encoding="utf-8"
    )
    path = os.pathsep.join([str(ROOT), packages])
    told = run(
        tmp_path,
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "test_welcome.py",
        PYTHONPATH=path,
    )
    assert "2 passed" in told


def test_the_example_of_the_handle_runs() -> None:
    exec(compile(block("python", "mock.clock.release()"), "README.md", "exec"), {})  # noqa: S102 - it is ours


def test_the_example_for_unittest_passes(tmp_path: Path) -> None:
    (tmp_path / "test_welcome.py").write_text(block("python", "import unittest"), encoding="utf-8")
    told = run(tmp_path, sys.executable, "-m", "unittest", "test_welcome", PYTHONPATH=str(ROOT))
    assert "OK" in told


def test_a_failed_assertion_says_what_the_readme_shows() -> None:
    (shown,) = re.findall(r"```\nAssertionError: (.*?)\n```", README, re.DOTALL)
    with running() as server:
        server.trigger({"name": "welcom"})
        with pytest.raises(AssertionError) as error:
            MockServer.connect(server.url).api("novu").assert_called_once(body={"name": "welcome"})
    assert str(error.value) == shown


def test_the_example_for_vitest_passes(tmp_path: Path) -> None:
    modules = installed_npm("readme-npm", ROOT / "tests" / "readme")
    (tmp_path / "node_modules").symlink_to(modules, target_is_directory=True)
    (tmp_path / "welcome.test.js").write_text(block("js", "vitest"), encoding="utf-8")
    with running() as server:
        vitest = modules / "vitest" / "vitest.mjs"
        told = run(tmp_path, program("node"), vitest, "run", MOCKSERVER_URL=server.url, CI="1", NO_COLOR="1")
        assert server.calls() == []
    assert re.search(r"Tests +1 passed", told), told
