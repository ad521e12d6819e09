"""How long it takes until there is a server: a command, and a second server in a process that has had one."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.calls import SMALL, Client, module, running
from bench.memory import MANY, fill
from bench.mock import stage
from bench.table import Row
from mockserver import MockServer
from mockserver.server.assembly import build_app
from mockserver.server.running import ServerThread

COMMAND = [str(Path(sys.executable).with_name("mockserver")), "serve", "--port", "0"]
ROUNDS = 9


def cold() -> Iterator[Row]:
    """Yield what the command takes, in milliseconds, against an echo that is started in the same way."""
    rounds = [(_start(COMMAND), _start(module("echo"))) for _ in range(ROUNDS)]
    yield Row("command to ready line", [ours[0] for ours, _ in rounds], "ms", 0, 400)
    yield Row("command to first answer", [ours[1] for ours, _ in rounds], "ms", 0, 400)
    yield Row("the same of a bare echo", [theirs[1] for _, theirs in rounds], "ms", 0)
    yield Row("first answer / that of the echo", [ours[1] / theirs[1] for ours, theirs in rounds])


def wrapped() -> Iterator[Row]:
    """Yield what ``mockserver run`` takes around a command that does nothing, against loading the specs alone."""
    run, load = [COMMAND[0], "run", "--", "true"], [COMMAND[0], "serve", "--show-config"]
    rounds = [(_whole(run), _whole(load)) for _ in range(ROUNDS)]
    yield Row("mockserver run -- true, as a whole", [ours for ours, _ in rounds], "ms", 0, 500)
    yield Row("the same / loading the specs only", [ours / loading for ours, loading in rounds], target=1.5)


def _whole(command: list[str]) -> float:
    """Return how long a command takes from its start to its end, in milliseconds."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - begin) * 1e3


def _start(command: list[str]) -> tuple[float, float]:
    begin = time.perf_counter()
    with running(command) as client:
        ready = time.perf_counter() - begin
        client.send(client.request(SMALL))
        return ready * 1e3, (time.perf_counter() - begin) * 1e3


def second() -> Iterator[Row]:
    """Yield what each server after the first takes in one process, in milliseconds."""
    _start_and_stop()
    rounds = [_start_and_stop() for _ in range(ROUNDS)]
    yield Row("second server in a process: start to first 2xx", [start for start, _ in rounds], "ms", 1, 5)
    yield Row("stop of a server in a process", [stop for _, stop in rounds], "ms", 1, 20)
    for what, request in _OPEN.items():
        yield Row(f"the same with {what}", [_stop_with(request) for _ in range(ROUNDS)], "ms", 1, 100)


_OPEN = {
    "an open stream": b"GET /__admin/stream HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a half-sent body": b"POST /v1/events/trigger HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
}


def _stop_with(request: bytes) -> float:
    """Return how long a stop takes, in milliseconds, while a request is open."""
    served = stage()
    server = ServerThread(build_app(served), closing=served.closing.set)
    client, other = Client(server.url), Client(server.url)
    client.socket.sendall(request)
    other.send(other.request(SMALL))  # answered after the request was read
    begin = time.perf_counter()
    server.stop()
    taken = time.perf_counter() - begin
    client.close()
    other.close()
    return taken * 1e3


def handles() -> Iterator[Row]:
    """Yield what each handle of a server after the first takes in one process, in milliseconds."""
    rounds = [_hold() for _ in range(ROUNDS + 1)][1:]
    yield Row("second MockServer() in a process", [start for start, _ in rounds], "ms", 1, 5)
    yield Row("its stop, a client's connection open", [stop for _, stop in rounds], "ms", 1, 20)


def _hold() -> tuple[float, float]:
    begin = time.perf_counter()
    mock = MockServer()
    started = time.perf_counter()
    client = Client(mock.url)
    client.send(client.request(SMALL))
    mock.assert_called_once()
    stopping = time.perf_counter()
    mock.stop()
    stopped = time.perf_counter()
    client.close()
    return (started - begin) * 1e3, (stopped - stopping) * 1e3


def _start_and_stop() -> tuple[float, float]:
    begin = time.perf_counter()
    server = ServerThread(build_app(stage()))
    client = Client(server.url)
    client.send(client.request(SMALL))
    answered = time.perf_counter()
    server.stop()
    stopped = time.perf_counter()
    client.close()
    return (answered - begin) * 1e3, (stopped - answered) * 1e3


def reset() -> Row:
    """Return what a reset takes with many calls stored, in milliseconds."""
    rounds = []
    for _ in range(3):
        full = stage()
        asyncio.run(fill(full, MANY))
        begin = time.perf_counter()
        full.reset()
        rounds.append((time.perf_counter() - begin) * 1e3)
    return Row(f"reset with {MANY:,} calls stored", rounds, "ms", 2, 1)
