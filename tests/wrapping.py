"""``mockserver run`` around small commands: in this process, which is quick, or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from mockserver.cli import main

TOP = Path(__file__).parent.parent
FOREIGN = ("MOCKSERVER_", "GITHUB_", "PYTEST_", "NO_PROXY", "no_proxy", "RESEND_", "OPENSEND_")
SEND = """
import http.client, json, os, sys

def send(body={"name": "welcome", "to": ["ada"]}, path="/v1/events/trigger", method="POST", url=None):
    scheme, _, rest = (url or os.environ["MOCKSERVER_URL"]).partition("://")
    address, _, prefix = rest.partition("/")
    connection = http.client.HTTPConnection(address, timeout=20)
    headers = {"Authorization": "ApiKey k", "Content-Type": "application/json"}
    connection.request(method, (prefix and "/" + prefix) + path, json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status

"""
"""What a command of Python begins with, that calls the server as it finds it."""
INVALID = "send({'name': 5, 'to': ['ada']})"
DEVIATING = "send({'name': 'welcome', 'to': 'ada'})"


def python(code: str) -> list[str]:
    """Return the command that runs some code."""
    return [sys.executable, "-c", code]


def inside(*arguments: str) -> Result:
    """Run the wrapper in this process; output of its command goes where that of the tests goes."""
    return CliRunner().invoke(main, ["run", *arguments])


def environment(**more: str) -> dict[str, str]:
    """Return the environment of the tests, but for what a wrapper or a runner has put there."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**own, "PYTHONPATH": str(TOP), "PYTHONIOENCODING": "utf-8", **more}


def wrapper(*arguments: str) -> list[str]:
    """Return the command that runs the wrapper."""
    return [sys.executable, "-m", "mockserver", "run", *arguments]


def begun(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.Popen[str]":
    """Start the wrapper in a process, with pipes as its streams."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        wrapper(*arguments), encoding="utf-8", cwd=cwd, env=environment(**(env or {})), **{**pipes, **options}
    )


def ended(process: "subprocess.Popen[str]", text: str | None = None) -> tuple[int, str, list[str]]:
    """Wait for the wrapper; return its exit code, what is on standard output, and the lines on standard error."""
    try:
        out, err = process.communicate(text, timeout=60)
    finally:
        process.kill()
    return process.returncode, out or "", (err or "").splitlines()
