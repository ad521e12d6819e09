"""Commands, environments and servers that know nothing of the checkout they were made from."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

TOP = Path(__file__).parent.parent.parent
ENDS_WITHIN, STARTS_WITHIN, STOPS_WITHIN = 300, 30, 10  # seconds
CALLS: list[tuple[str, dict[str, str], dict[str, object], int]] = [
    ("/v1/events/trigger", {"Authorization": "ApiKey k"}, {"name": "welcome", "to": ["ada"]}, 201),
    ("/event/", {"Authorization": "Bearer k"}, {"distinct_id": "ada", "event": "e"}, 202),
    (
        "/run/event",
        {"Authorization": "Bearer k", "x-api-version": "2025-09"},
        {"event": "e", "userId": "ada", "data": {}},
        200,
    ),
    ("/events/send", {"Authorization": "Bearer k"}, {"event": "e", "email": "ada@example.com"}, 202),
]
"""A call that each API admits: path, headers, body, status."""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of this process without what leads Python back to the checkout."""
    leading = ("PYTHON", "COVERAGE", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(leading)}, **more}


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        command, cwd=cwd, env=env or clean_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=ENDS_WITHIN, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def environment_with(wheel: Path, home: Path, *without: str) -> Path:
    """Make an environment that holds a wheel and its dependencies, without some; return its folder."""
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(home)]
    run(*pip, "install", wheel, cwd=home.parent)
    if without:
        run(*pip, "uninstall", "--yes", *without, cwd=home.parent)
    return home


def program(home: Path, name: str) -> Path:
    """Return the path of a program of an environment."""
    return home / "Scripts" / f"{name}.exe" if sys.platform == "win32" else home / "bin" / name


@contextmanager
def serving(
    command: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server; yield it with the URL of its ready line."""
    with subprocess.Popen(
        command, cwd=cwd, env=env or clean_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    ) as server:  # fmt: skip
        try:
            yield server, _url_of(server)
        finally:
            server.kill()
            server.communicate()


def _url_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    assert server.stderr is not None
    deadline = Timer(STARTS_WITHIN, server.kill)
    deadline.start()
    line = server.stdout.readline().strip()
    deadline.cancel()
    assert line.startswith("mockserver ready on "), f"{line}{server.stderr.read()}"
    return line.removeprefix("mockserver ready on ")


def post(url: str, headers: Mapping[str, str], body: object) -> int:
    """Send JSON; return the status."""
    sent = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, json.dumps(body).encode(), sent)
    try:
        with _direct.open(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
