"""One client that sends as fast as it is answered, before and after many calls."""

import statistics
import time
from collections.abc import Iterator

from bench.calls import SMALL, Client
from bench.memory import MANY
from bench.table import Row

MOST = 4.0


def under_load(mock: Client, echo: Client) -> Iterator[Row]:
    """Yield throughput before and after many calls, how even the answers are, and what the process has grown by."""
    yield _throughput(mock, "one connection, fresh")
    before = mock.memory()
    request = mock.request(SMALL)
    for _ in range(MANY):
        mock.send(request)
    yield Row("growth of the process for each of them", [(mock.memory() - before) / MANY], "bytes", 0)
    yield _throughput(mock, f"one connection, after {MANY:,} calls")
    yield _throughput(echo, "the same of a bare echo")
    rounds = [(_unevenness(mock), _unevenness(echo)) for _ in range(5)]
    yield Row(f"p99 / p50 after {MANY:,} calls", [ours for ours, _ in rounds], "", 1, MOST)
    yield Row("the same of a bare echo", [theirs for _, theirs in rounds], "", 1)


def _throughput(client: Client, what: str) -> Row:
    request, rounds = client.request(SMALL), []
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(3000):
            client.send(request)
        rounds.append(3000 / (time.perf_counter() - begin))
    return Row(what, rounds, "calls/s", 0)


def _unevenness(client: Client) -> float:
    request, times = client.request(SMALL), []
    for _ in range(4000):
        begin = time.perf_counter()
        client.send(request)
        times.append(time.perf_counter() - begin)
    return statistics.quantiles(times, n=100)[98] / statistics.median(times)
