"""Clients at the level of bytes, on each parser of HTTP and each event loop that a server may run with."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mockserver.server import running as running_module
from mockserver.server.plain import PlainProtocol
from tests.certificates import certificate
from tests.serving import Running, running

PLAIN_WIRES = ["asyncio and its parser", "asyncio and h11", "uvloop and its parser", "uvloop and h11"]
TLS_WIRES = [f"{wire}, TLS" for wire in PLAIN_WIRES]
WIRES = [*PLAIN_WIRES, *TLS_WIRES]
"""Each event loop with each parser, without and with TLS. Where uvloop or httptools are not installed, what `serve` takes instead is tested."""


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=running_module._loop_factory()) as runner:
        runner.run(main)


@contextmanager
def wired(wire: str, **options: Any) -> Iterator[Running]:
    """Run a server on one of the wires."""
    with pytest.MonkeyPatch.context() as patch:
        if "h11" in wire:
            patch.setattr(running_module, "_http_protocol", lambda: PlainProtocol)
        if wire.startswith("uvloop"):
            patch.setattr(asyncio, "run", _run)
        context = running(tls=certificate() if wire in TLS_WIRES else None, **options)
        server = context.__enter__()
    try:
        yield server
    finally:
        context.__exit__(None, None, None)


def request(path: str, body: bytes = b"", method: str = "", **headers: str) -> bytes:
    """Return the bytes of a request."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    verb = method or ("POST" if body else "GET")
    length = f"Content-Length: {len(body)}\r\n" if verb == "POST" else ""
    return f"{verb} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}{length}\r\n".encode() + body


def arm(server: Running, response: Any, namespace: str = "", **mapping: Any) -> str:
    """Send a rule, for the path /armed where it does not say another, and return its id."""
    rule = {"request": {"urlPath": "/armed"}, "response": response, **mapping}
    status, _, body = server.request("POST", f"{namespace}/__admin/mappings", rule)
    assert status == 201, body
    return str(json.loads(body)["id"])


def rest(connection: socket.socket) -> tuple[bytes, str]:
    """Return what still comes on a connection, and how it ends: closed, reset, or cut, where TLS had not announced it."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        return data, "reset"
    except ssl.SSLEOFError:
        return data, "cut"
    return data, "closed"


def exactly(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"the connection was closed after {data!r}"
        data += piece
    return data


def head_of(connection: socket.socket) -> tuple[str, list[tuple[str, str]]]:
    """Read the head of an answer: its status line, and the headers in lower case, in their order."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += exactly(connection, 1)
    line, *lines = data.decode("latin-1").split("\r\n")[:-2]
    pairs = (line.partition(": ") for line in lines)
    return line, [(name.lower(), value) for name, _, value in pairs]


def answer_of(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Read an answer whose length is told."""
    line, headers = head_of(connection)
    assert len(dict(headers)) == len(headers), f"a header is doubled: {headers}"
    return line, dict(headers), exactly(connection, int(dict(headers).get("content-length", 0)))


class Gate:
    """A wait that takes until it is let go, and no time of its own."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self._held: list[Callable[[], object]] = []
        self._changed = threading.Condition()

    async def __call__(self, seconds: float) -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        with self._changed:
            self.asked.append(seconds)
            self._held.append(lambda: loop.call_soon_threadsafe(event.set))
            self._changed.notify_all()
        await event.wait()

    def release(self) -> None:
        """Let the longest wait go, as soon as there is one."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._held, timeout=5), "nobody waits"
            self._held.pop(0)()

    def reached(self, count: int) -> None:
        """Wait until so many waits have begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, timeout=5), self.asked


class EventStream:
    """A reader of server-sent events."""

    def __init__(self, server: Running, prefix: str = "", **headers: str) -> None:
        self._connection = server.connection()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", f"{prefix}/__admin/stream", headers=sent)
        self.response = self._connection.getresponse()
        self.raw: list[str] = []

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self._connection.close()

    def next(self) -> dict[str, Any]:
        """Return the fields of the next block; ``data`` as what it says."""
        fields: dict[str, Any] = {}
        while (line := self._line()) or not fields:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = json.loads(value) if name == "data" else value
        return fields

    def event(self, *names: str) -> dict[str, Any]:
        """Return the next event that has one of some names."""
        while (fields := self.next()).get("event") not in names:
            pass
        return fields

    def _line(self) -> str:
        line = self.response.readline()
        assert line, "the stream has ended"
        self.raw.append(line.decode())
        return self.raw[-1].rstrip("\n")


def tasks_of(server: Running) -> int:
    """Return how many tasks the server has besides its own: one for each request that is not done with."""
    loop = server.server._loop
    assert loop is not None
    found: list[int] = []
    done = threading.Event()

    def count() -> None:
        found.append(len(asyncio.all_tasks(loop)) - 1)
        done.set()

    loop.call_soon_threadsafe(count)
    assert done.wait(5)
    return found[0]
