"""What is sent, and who sends it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PATH = "/v1/events/trigger"
HEADERS = {
    "Authorization": "ApiKey bench",
    "Content-Type": "application/json",
    "Accept": "*/*",
    "User-Agent": "bench/1",
}
RECIPIENT = {
    "email": "ada@example.com",
    "firstName": "Ada Augusta",
    "lastName": "Lovelace",
    "data": {"plan": "pro"},
}
SMALL = {
    "name": "welcome",
    "to": [{"subscriberId": "ada", "email": "ada@example.com"}],
    "payload": {"text": "x" * 160},
}
HUNDRED = {"name": "welcome", "to": [{"subscriberId": f"ada-{index}", **RECIPIENT} for index in range(100)]}
INVALID = {"name": 5, "to": [{"email": "ada@example.com"}], "payload": {"text": "x" * 160}}
KEYED = {"Idempotency-Key": "k-1"}


class Client:
    """One kept connection to a server in another process."""

    def __init__(self, url: str, pid: int = 0) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.host, self.pid = f"{host}:{port}", pid
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, body: object, headers: dict[str, str] | None = None, path: str = PATH) -> bytes:
        """Return the bytes of a request as an SDK would send it."""
        data = json.dumps(body).encode()
        lines = {"Host": self.host, **HEADERS, "Content-Length": str(len(data)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data

    def send(self, request: bytes) -> bytes:
        """Send a request and return the answer's body."""
        self.socket.sendall(request)
        answer = self._receive()
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        return body

    def cpu(self) -> float:
        """Return the CPU seconds that the server has used."""
        return float(json.loads(self.send(self.request({}, path="/cpu"))))

    def memory(self) -> int:
        """Return the bytes of memory that the server holds."""
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, check=True)
        return int(told.stdout) * 1024

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _receive(self) -> bytes:
        """Return what has arrived. Raises ConnectionError when the server has hung up."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


@contextmanager
def running(command: list[str]) -> Iterator[Client]:
    """Run a server whose first line ends with its address."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        client = Client(line.split()[-1], process.pid)
        yield client
        client.close()
    finally:
        process.terminate()
        process.wait()


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this folder."""
    return [sys.executable, "-m", f"bench.{name}", *arguments]
