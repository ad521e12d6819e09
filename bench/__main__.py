"""``make bench``: CPU per call as a ratio to the echo, and how even the answers are after 100,000 calls.

While the journal grows, each call also pays for memory that the process never had before; once it is full,
memory is used again, as in any long run. Both are measured.

Every figure is a median of rounds in which both servers take turns, so that a machine that speeds up or
slows down does so for both. Ratios can be compared between machines; microseconds cannot.
"""

import json
import platform
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATH = "/v1/events/trigger"
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
CASES = [
    ("valid", SMALL, {}, 4000),
    ("100 recipients", HUNDRED, {}, 1500),
    ("invalid", INVALID, {}, 1500),
    ("replay", SMALL, {"Idempotency-Key": "k-1"}, 4000),
]
ROUNDS = 7


class Client:
    """One kept connection to a server."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.host = f"{host}:{port}"
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self, body: object, headers: dict[str, str], path: str = PATH) -> bytes:
        """Return the bytes of a request as an SDK would send it."""
        data = json.dumps(body).encode()
        lines = {
            "Host": self.host, "Authorization": "ApiKey bench", "Content-Type": "application/json",
            "Accept": "*/*", "User-Agent": "bench/1", "Content-Length": str(len(data)), **headers,
        }  # fmt: skip
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data

    def send(self, request: bytes) -> bytes:
        """Send a request and return the answer."""
        self.socket.sendall(request)
        answer = self.receive()
        while b"\r\n\r\n" not in answer:
            answer += self.receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < length:
            body += self.receive()
        return body

    def receive(self) -> bytes:
        """Return what has arrived. Raises ConnectionError when the server has hung up."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def cpu(self) -> float:
        """Return the CPU seconds that the server has used."""
        return float(json.loads(self.send(self.request({}, {}, "/cpu"))))


@contextmanager
def server(kind: str) -> Iterator[Client]:
    """Run one of the two servers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.serving", kind], stdout=subprocess.PIPE, text=True
    )
    if process.stdout is None:
        raise RuntimeError("the server has no output")
    try:
        yield Client(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait()


def cost(client: Client, request: bytes, calls: int) -> float:
    """Return the CPU microseconds of one call."""
    before = client.cpu()
    for _ in range(calls):
        client.send(request)
    return (client.cpu() - before) / calls * 1e6


def compare(mock: Client, echo: Client, title: str) -> None:
    """Print the cost of each kind of call, and its ratio to the echo."""
    print(f"\n{title:20}{'mock µs':>9}{'echo µs':>9}{'mock/echo':>11}{'lowest':>8}{'highest':>9}")
    for name, body, headers, calls in CASES:
        request, plain = mock.request(body, headers), echo.request(body, headers)
        cost(mock, request, 500), cost(echo, plain, 500)
        rounds = [(cost(mock, request, calls), cost(echo, plain, calls)) for _ in range(ROUNDS)]
        ratios = sorted(ours / theirs for ours, theirs in rounds)
        ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
        median = statistics.median(ratios)
        print(f"{name:20}{ours:9.1f}{theirs:9.1f}{median:11.2f}{ratios[0]:8.2f}{ratios[-1]:9.2f}")


def fill(mock: Client) -> None:
    """Send 100,000 calls, then print how much slower the slowest hundredth of calls is."""
    request = mock.request(SMALL, {})
    for _ in range(100_000):
        mock.send(request)
    times = []
    for _ in range(20_000):
        start = time.perf_counter()
        mock.send(request)
        times.append(time.perf_counter() - start)
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    print(f"\nafter 100,000 calls: p50 {p50 * 1e6:.0f} µs, p99 {p99 * 1e6:.0f} µs, p99/p50 {p99 / p50:.1f}")
    large = mock.request(HUNDRED, {})
    for _ in range(8_000):  # what it takes to fill the journal's 128 MiB with large calls
        mock.send(large)


def main() -> None:
    """Measure and print."""
    print(
        f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()} {platform.system()}"
    )
    with server("mock") as mock, server("echo") as echo:
        compare(mock, echo, "journal growing")
        fill(mock)
        compare(mock, echo, "journal full")


main()
