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


FAITHFUL = """
class Trigger:
    def __init__(self, body):
        self.body = body

    @classmethod
    def from_json(cls, body):
        if not isinstance(body, dict) or not {"name", "to"} <= body.keys():
            raise ValueError("a trigger needs name and to")
        from tests.test_readme import is_valid
        if not is_valid(body):
            raise ValueError("the body is not a trigger")
        return cls(body)

    def to_json(self):
        return self.body
"""
LOSSY = FAITHFUL.replace(
    "return self.body", "return {name: value for name, value in self.body.items() if value}"
)
CARELESS = FAITHFUL.replace("not is_valid(body)", "False")


def is_valid(body: object) -> bool:
    """Say what an encoder of somebody else's would say that knows the whole contract."""
    from mockserver.engine.validation import Schema
    from mockserver.loading import load_bundled

    return Schema(load_bundled(["novu"])[0].operations[0].shape.body).accepts(body)


def sampled(folder: Path) -> None:
    """Run the two commands that stand above the examples."""
    commands = re.findall(r"^mockserver (samples novu .*) > (\S+)$", README, re.MULTILINE)
    assert len(commands) == 2
    for command, name in commands:
        told = run(folder, sys.executable, "-m", "mockserver", *command.split(), PYTHONPATH=str(ROOT))
        (folder / name).write_text(told, encoding="utf-8")


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        pytest.param(FAITHFUL, "100 passed", id="faithful"),
        pytest.param(LOSSY, "test_nothing_is_lost_on_the_way", id="lossy"),
        pytest.param(CARELESS, "DID NOT RAISE", id="careless"),
    ],
)
def test_the_example_for_an_encoder_finds_what_is_wrong_with_it(
    tmp_path: Path, encoder: str, told: str
) -> None:
    sampled(tmp_path)
    (tmp_path / "triggers.py").write_text(encoder, encoding="utf-8")
    (tmp_path / "test_encoder.py").write_text(block("python", "Trigger.from_json"), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:mockserver",
        "test_encoder.py",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=WITHIN, check=False,
    )  # fmt: skip
    assert told in done.stdout
    assert done.returncode == (encoder is not FAITHFUL)


@pytest.mark.parametrize(("kept", "fails"), [("value", 0), ("value === null ? undefined : value", 1)])
def test_the_example_for_an_encoder_in_node_finds_what_is_wrong_with_it(
    tmp_path: Path, kept: str, fails: int
) -> None:
    sampled(tmp_path)
    (tmp_path / "encoder.test.mjs").write_text(block("js", "node --test"), encoding="utf-8")
    encoder = f"""
        export const decode = (body) => body;
        export const encode = (trigger) => JSON.stringify(trigger, (_, value) => {kept});
    """
    (tmp_path / "triggers.mjs").write_text(encoder, encoding="utf-8")
    done = subprocess.run(
        [program("node"), "--test", "--test-reporter", "tap"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == fails, done.stdout
    assert re.search(r"^# tests 50$", done.stdout, re.MULTILINE), done.stdout[-2000:]


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
