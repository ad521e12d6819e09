"""A server on a real port inside the test process, and raw HTTP to talk to it."""

import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mockserver.engine.clock import Clock
from mockserver.engine.contract import Api
from mockserver.engine.world import Blueprint, Settings, World
from mockserver.loading import load_bundled
from mockserver.server.assembly import build_app
from mockserver.server.running import ServerThread
from mockserver.stage import Stage
from tests.answers import check_answer, is_control
from tests.certificates import Files
from tests.tls_socket import TlsSocket

JSON = {"Content-Type": "application/json"}
TRIGGER = {"name": "welcome", "to": ["ada"]}


class Running:
    """A running server, its stage, and its address; its control plane is held to its document.

    ``tls`` is what a client speaks TLS with, where the server does.
    """

    def __init__(self, stage: Stage, server: ServerThread, tls: ssl.SSLContext | None = None) -> None:
        self.stage, self.server, self.url = stage, server, server.url
        self.address = server.url.partition("://")[2]
        self._tls = tls

    def connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self.address, timeout=10)
        return http.client.HTTPSConnection(self.address, timeout=10, context=self._tls)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = self.connection()
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            status, received = response.status, {name.lower(): value for name, value in response.getheaders()}
            answered = response.read()
        finally:
            connection.close()
        if is_control(path):
            check_answer(method, path, status, received, answered, data)
        return status, received, answered

    def trigger(
        self, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {"Authorization": "ApiKey k", **JSON, **(headers or {})}
        return self.request("POST", "/v1/events/trigger", TRIGGER if body is None else body, sent)

    def calls(self) -> list[dict[str, Any]]:
        _, _, body = self.request("GET", "/__admin/requests")
        return list(json.loads(body)["requests"])

    def raw(self) -> socket.socket:
        host, port = self.address.split(":")
        plain = socket.create_connection((host, int(port)), timeout=10)
        return plain if self._tls is None else cast("socket.socket", TlsSocket(plain, self._tls, host))

    def send_raw(self, data: bytes) -> bytes:
        with self.raw() as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def forget(self) -> None:
        """Leave the server as at its start: nothing in the namespace without a name, and no other."""
        self.stage.reset()
        for name in [name for name in self.stage.worlds if name]:
            self.stage.delete(name)


def until(holds: Any, timeout: float = 5.0) -> None:
    """Wait for what another thread is about to do, with a deadline."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


@contextmanager
def running(
    settings: Settings | None = None,
    apis: Sequence[Api] | None = None,
    tls: Files | None = None,
    **options: Any,
) -> Iterator[Running]:
    if tls is not None:
        settings = replace(settings or Settings(), scheme="https")
    world = World(Blueprint(apis or load_bundled(), settings), Clock(time.time), random.Random(7).getrandbits)
    stage = Stage(world)
    context = None if tls is None else tls.server_context()
    server = ServerThread(build_app(stage, **options), closing=stage.closing.set, tls=context)
    try:
        yield Running(stage, server, None if tls is None else tls.client_context())
    finally:
        server.stop()


@contextmanager
def serving(*options: str, cwd: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mockserver", "serve", "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()
