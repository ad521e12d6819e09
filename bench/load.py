"""One client that sends as fast as it is answered, before and after many calls."""

import statistics
import time
from collections.abc import Iterator

from bench.calls import HUNDRED, SMALL, Client
from bench.memory import MANY
from bench.table import Row

MOST = 4.0


def under_load(mock: Client) -> Iterator[Row]:
    """Yield throughput before and after many calls, how even the answers are, and what the process has grown by."""
    yield _throughput(mock, "fresh")
    before = mock.memory()
    request = mock.request(SMALL)
    for _ in range(MANY):
        mock.send(request)
    yield Row("growth of the process for each of them", [(mock.memory() - before) / MANY], "bytes", 0)
    yield _throughput(mock, f"after {MANY:,} calls")
    yield Row(f"p99 / p50 after {MANY:,} calls", [_unevenness(mock, request) for _ in range(5)], "", 1, MOST)


def _throughput(mock: Client, when: str) -> Row:
    request, rounds = mock.request(SMALL), []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(3000):
            mock.send(request)
        rounds.append(3000 / (time.perf_counter() - begin))
    return Row(f"one connection, {when}", rounds, "calls/s", 0)


def _unevenness(mock: Client, request: bytes) -> float:
    times = []
    for _ in range(4000):
        begin = time.perf_counter()
        mock.send(request)
        times.append(time.perf_counter() - begin)
    return statistics.quantiles(times, n=100)[98] / statistics.median(times)


def fill_up(mock: Client) -> None:
    """Fill the journal to its last byte, so that each call pushes one out."""
    large = mock.request(HUNDRED)
    for _ in range(8000):
        mock.send(large)
