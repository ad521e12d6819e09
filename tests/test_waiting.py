"""Waiting for calls over HTTP: at once, in time, too late; what is forgotten meanwhile; who leaves; and many calls at once."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from mockserver.control import plane, waiting
from mockserver.control.waiting import Waiter
from mockserver.engine.journal import Journal, Row
from mockserver.engine.patterns import Known, Pattern, read_pattern
from mockserver.engine.world import Settings, World
from mockserver.stage import CLEARED, NAMESPACES, RECORDED, RULES
from tests.serving import Running, running, until
from tests.wires import WIRES, EventStream, Gate, arm, request, rest, tasks_of, wired

NOVU = {"api": "novu"}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def wait(server: Running, asks: Any, prefix: str = "") -> tuple[int, dict[str, str], Any]:
    status, headers, body = server.request("POST", f"{prefix}/__admin/requests/wait", asks)
    return status, headers, json.loads(body)


def begun(
    pool: ThreadPoolExecutor, server: Running, asks: Any, prefix: str = ""
) -> "Future[tuple[int, dict[str, str], Any]]":
    """Begin to wait, and return when the server knows."""
    before = len(server.stage.watchers)
    waiting = pool.submit(wait, server, asks, prefix)
    until(lambda: len(server.stage.watchers) > before or waiting.done())
    return waiting


def numbers(answer: Any) -> list[int]:
    return [call["mock"]["number"] for call in answer["requests"]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_calls_that_are_there_are_not_waited_for(server: Running, count: int) -> None:
    for _ in range(3):
        server.trigger()
    status, headers, answer = wait(server, {**NOVU, "count": count, "timeoutMilliseconds": 0})
    assert (status, answer["count"], numbers(answer)) == (200, 3, [1, 2, 3])
    assert set(answer) == {"count", "requests"}
    assert "x-mock-dropped" not in headers
    assert server.stage.watchers == set()


def test_a_wait_ends_with_the_call_that_it_waits_for(server: Running, pool: ThreadPoolExecutor) -> None:
    waiting = begun(pool, server, {**NOVU, "count": 2, "timeoutMilliseconds": 60_000})
    server.trigger()
    server.request("POST", "/event/", {})
    assert not waiting.done()
    server.trigger()
    status, _, answer = waiting.result(5)
    assert (status, answer["count"], numbers(answer)) == (200, 2, [1, 3])
    assert server.stage.watchers == set()


def test_a_wait_that_is_too_long_tells_what_came_near(server: Running) -> None:
    server.trigger({"name": "welcom", "to": ["ada"]})
    server.request("POST", "/v1/events/triger", {})
    asks = {
        "method": "POST", "urlPath": "/v1/events/trigger", "count": 2, "timeoutMilliseconds": 20,
        "bodyPatterns": [{"matchesJsonPath": {"expression": "$.name", "equalTo": "welcome"}}],
    }  # fmt: skip
    start = time.perf_counter()
    status, _, answer = wait(server, asks)
    assert time.perf_counter() - start >= 0.02
    assert (status, answer["count"], answer["requests"]) == (408, 0, [])
    assert answer["errors"] == [{"code": 408, "title": "0 of 2 calls after 20 ms"}]
    near = [miss["request"]["mock"]["number"] for miss in answer["nearMisses"]]
    assert (near[0], len(near)) == (1, 2)
    assert "welcom" in json.dumps(answer["nearMisses"][0]["matchResult"])
    assert server.stage.watchers == set()


def test_who_gives_no_time_is_answered_at_once(server: Running) -> None:
    start = time.perf_counter()
    for _ in range(5):
        status, _, answer = wait(server, {**NOVU, "timeoutMilliseconds": 0})
        assert (status, answer["errors"][0]["title"]) == (408, "0 of 1 calls after 0 ms")
    assert time.perf_counter() - start < 2.5


@pytest.mark.parametrize(
    ("asks", "pointers"),
    [
        ({"count": 0}, ["/count"]),
        ({"count": True}, ["/count"]),
        ({"timeoutMilliseconds": 60_001}, ["/timeoutMilliseconds"]),
        ({"timeoutMilliseconds": -1, "count": "x"}, ["/count", "/timeoutMilliseconds"]),
        ({"timeoutMilliseconds": 1.5}, ["/timeoutMilliseconds"]),
        ([], [""]),
        ({"metod": "GET"}, ["/metod"]),
    ],
)
def test_a_wait_that_cannot_be_read_is_refused(server: Running, asks: Any, pointers: list[str]) -> None:
    status, _, answer = wait(server, asks)
    assert (status, [error["source"]["pointer"] for error in answer["errors"]]) == (422, pointers)
    assert server.stage.watchers == set()


# What is forgotten meanwhile


def clear(server: Running) -> None:
    server.request("DELETE", "/__admin/requests")


def remove(server: Running) -> None:
    server.request("POST", "/__admin/requests/remove", NOVU)


def delete(server: Running) -> None:
    server.request("DELETE", f"/__admin/requests/{server.calls()[-1]['id']}")


def reset(server: Running) -> None:
    server.request("POST", "/__admin/reset")


@pytest.mark.parametrize(
    ("forget", "kept"), [(clear, [3, 4]), (remove, [3, 4]), (delete, [2, 3]), (reset, [1, 2])]
)
def test_a_call_that_was_forgotten_does_not_count(
    server: Running, pool: ThreadPoolExecutor, forget: Callable[[Running], None], kept: list[int]
) -> None:
    server.trigger()
    waiting = begun(pool, server, {**NOVU, "count": 3, "timeoutMilliseconds": 60_000})
    server.trigger()
    forget(server)
    server.trigger()
    if len(kept) == 2 and kept[0] != 2:
        assert not waiting.done()
        server.trigger()
    assert not waiting.done()
    server.trigger()
    status, _, answer = waiting.result(5)
    assert (status, answer["count"]) == (200, 3)
    assert numbers(answer)[:2] == kept


@pytest.mark.parametrize("forget", [clear, remove, delete, reset])
def test_a_call_that_was_forgotten_is_not_counted_when_the_time_is_up(
    server: Running, forget: Callable[[Running], None]
) -> None:
    stage = server.stage
    server.trigger()
    with ThreadPoolExecutor(1) as pool:
        waiting = begun(pool, server, {**NOVU, "count": 2, "timeoutMilliseconds": 300})
        forget(server)
        status, _, answer = waiting.result(5)
    assert (status, answer["count"], answer["nearMisses"]) == (408, 0, [])
    assert len(stage.world.journal) == 0


def test_a_namespace_that_is_deleted_begins_anew(server: Running, pool: ThreadPoolExecutor) -> None:
    sent = {"X-Mock-Namespace": "one"}
    server.trigger(headers=sent)
    waiting = begun(pool, server, {**NOVU, "count": 2, "timeoutMilliseconds": 60_000}, "/~one")
    server.request("DELETE", "/__admin/namespaces/one")
    server.trigger(headers=sent)
    assert not waiting.done()
    server.trigger(headers=sent)
    assert numbers(waiting.result(5)[2]) == [1, 2]


def test_a_call_of_before_a_reset_that_ends_after_it_does_not_count() -> None:
    gate = Gate()
    with running(sleep=gate) as server, ThreadPoolExecutor(2) as pool:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 1_000}, request=NOVU)
        held = pool.submit(server.trigger)
        gate.reached(1)
        reset(server)
        server.request("POST", "/event/", {})
        waiting = begun(pool, server, {"count": 2, "timeoutMilliseconds": 60_000})
        gate.release()
        assert held.result(5)[0] == 200
        assert not waiting.done()
        server.request("GET", "/event/")
        status, _, answer = waiting.result(5)
        assert (status, [call["url"] for call in answer["requests"]]) == (200, ["/event/", "/event/"])


def test_what_has_been_reached_stays_so(server: Running) -> None:
    """Between the call that was waited for and the answer to who waits, another client may empty the journal."""
    server.trigger()
    stage = server.stage
    waiter = Waiter(stage.world, read_pattern(NOVU, stage.blueprint.known), 2)
    stage.watchers.add(waiter.see)
    server.trigger()
    assert waiter.reached.is_set()
    reset(server)
    server.request("POST", "/event/", {})
    stage.watchers.discard(waiter.see)
    assert [row[0] for row in waiter.rows] == [1, 2]


def test_a_call_of_another_world_moves_no_waiter(server: Running) -> None:
    stage = server.stage
    server.trigger()
    (row,) = stage.world.journal.rows()
    old = stage.world
    stage.reset()
    waiter = Waiter(stage.world, read_pattern(NOVU, stage.blueprint.known), 1)
    stage.watchers.add(waiter.see)
    stage.tell(old, RECORDED, row)
    stage.watchers.discard(waiter.see)
    assert (waiter.world, waiter.numbers) == (stage.world, set())


def test_calls_that_were_dropped_are_told_and_not_counted() -> None:
    with running(Settings(most_calls=2)) as server, ThreadPoolExecutor(1) as pool:
        waiting = begun(pool, server, {**NOVU, "count": 3, "timeoutMilliseconds": 300})
        for _ in range(5):
            server.trigger()
        status, headers, answer = waiting.result(5)
        assert (status, headers["x-mock-dropped"], answer["dropped"]) == (408, "3", 3)
        assert (answer["count"], numbers(answer)) == (2, [4, 5])
        status, headers, answer = wait(server, {**NOVU, "count": 2})
        assert (status, headers["x-mock-dropped"], answer["dropped"]) == (200, "3", 3)
        waiting = begun(pool, server, {**NOVU, "count": 4, "timeoutMilliseconds": 300})
        reset(server)
        for _ in range(3):
            server.trigger()
        status, headers, answer = waiting.result(5)
        assert (status, headers["x-mock-dropped"], answer["dropped"]) == (408, "1", 1)
        waiting = begun(pool, server, {**NOVU, "count": 3, "timeoutMilliseconds": 300})
        reset(server)
        server.trigger()
        status, headers, answer = waiting.result(5)
        assert (status, answer["count"]) == (408, 1)
        assert "dropped" not in answer
        assert "x-mock-dropped" not in headers


# Who leaves, and when the server does


@pytest.mark.parametrize("wire", WIRES)
def test_a_client_that_leaves_ends_its_wait(wire: str) -> None:
    body = b'{"timeoutMilliseconds": 60000}'
    with wired(wire) as server:
        with server.raw() as connection:
            connection.sendall(request("/__admin/requests/wait", body))
            until(lambda: len(server.stage.watchers) == 1)
            assert server.trigger()[0] == 201  # counted, and the wait is over
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            connection.sendall(
                request("/__admin/requests/wait", b'{"count": 9, "timeoutMilliseconds": 60000}')
            )
            until(lambda: len(server.stage.watchers) == 1)
        until(lambda: server.stage.watchers == set())
        until(lambda: tasks_of(server) == 0)


@pytest.mark.parametrize("wire", WIRES)
def test_a_stop_does_not_wait_for_those_who_wait(wire: str) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(wired(wire))
        connections = [stack.enter_context(server.raw()) for _ in range(5)]
        for connection in connections:
            connection.sendall(request("/__admin/requests/wait", b'{"timeoutMilliseconds": 60000}'))
        until(lambda: len(server.stage.watchers) == 5)
        start = time.perf_counter()
        server.server.stop()
        assert time.perf_counter() - start < 1.0
        assert [rest(connection)[0] for connection in connections] == [b""] * 5
        assert server.stage.watchers == set()


@pytest.mark.parametrize("wire", WIRES)
def test_a_client_that_leaves_in_the_middle_of_what_it_asks_is_no_error(
    wire: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with wired(wire) as server:
        with server.raw() as connection:
            connection.sendall(request("/__admin/requests/wait", b'{"count": 1}')[:-3])
            until(lambda: tasks_of(server) == 1)
        until(lambda: tasks_of(server) == 0)
    assert (capfd.readouterr().err, caplog.records) == ("", [])


@pytest.mark.parametrize("path", ["/__admin/mappings", "/~one/__admin/mappings"])
def test_what_is_asked_is_about_the_world_of_when_it_was_asked_to_the_end(server: Running, path: str) -> None:
    """Not the one that was reset while the body was still under way."""
    whole = request(
        path, b'{"request": {"urlPath": "/armed"}, "response": {"status": 299}}', Connection="close"
    )
    prefix = path.partition("/__admin")[0]
    server.request("POST", f"{prefix}/__admin/reset")
    with server.raw() as connection:
        connection.sendall(whole[:-9])
        until(lambda: tasks_of(server) == 1)
        server.request("POST", f"{prefix}/__admin/reset")
        connection.sendall(whole[-9:])
        assert rest(connection)[0].startswith(b"HTTP/1.1 201")
    assert server.request("GET", f"{prefix}/armed")[0] == 299


# Many at once

CALLS, CONNECTIONS = 2_000, 64


async def client(address: str, prefix: str, number: int, count: int) -> list[int]:
    """Send calls on one connection, each as soon as the last one is answered, and return the statuses."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    statuses = []
    for index in range(count):
        body = json.dumps({"name": f"{number}-{index}", "to": ["ada"]}).encode()
        sent = {"Authorization": "ApiKey k", "Content_Type": "application/json"}
        writer.write(request(f"{prefix}/v1/events/trigger", body, **sent))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r")[0]))
        statuses.append(int(head.split()[1]))
    writer.close()
    await writer.wait_closed()
    return statuses


async def storm(address: str, prefixes: list[str]) -> Counter[int]:
    shares = [CALLS // CONNECTIONS + (number < CALLS % CONNECTIONS) for number in range(CONNECTIONS)]
    clients = (
        client(address, prefixes[number % len(prefixes)], number, share)
        for number, share in enumerate(shares)
    )
    return Counter(status for statuses in await asyncio.gather(*clients) for status in statuses)


def check_names(names: list[str]) -> None:
    """Check that no call is there twice, and that those of each connection stand in their order."""
    assert len(set(names)) == len(names)
    for number in {name.partition("-")[0] for name in names}:
        own = [int(name.partition("-")[2]) for name in names if name.partition("-")[0] == number]
        assert own == list(range(len(own)))


@pytest.mark.parametrize(("wire", "prefixes"), [(WIRES[0], [""]), (WIRES[3], ["/~one", "/~two"])])
def test_two_thousand_calls_at_once_are_all_seen_by_everybody(wire: str, prefixes: list[str]) -> None:
    each = CALLS // len(prefixes)
    with wired(wire) as server, ThreadPoolExecutor(6) as pool:
        asks = {**NOVU, "count": each, "timeoutMilliseconds": 60_000}
        waits = [begun(pool, server, asks, prefix) for prefix in [*prefixes, prefixes[0]]]
        late = begun(pool, server, {**asks, "count": each + 1, "timeoutMilliseconds": 60_000}, prefixes[0])
        streams = [EventStream(server, prefix) for prefix in prefixes]
        seen: list[set[int]] = [set() for _ in prefixes]

        def read(index: int) -> None:
            while len(seen[index]) < each:
                event = streams[index].event("calls", "resync")
                seen[index] |= {call["number"] for call in event["data"]}
                if event["event"] == "resync":  # it came too fast for this reader, who reads anew
                    found = server.request("GET", f"{prefixes[index]}/__admin/requests")[2]
                    seen[index] |= {
                        call["request"]["mock"]["number"] for call in json.loads(found)["requests"]
                    }

        reading = [threading.Thread(target=read, args=[index], daemon=True) for index in range(len(prefixes))]
        for thread in reading:
            thread.start()
        assert asyncio.run(storm(server.address, prefixes)) == {201: CALLS}
        for waiting in waits:
            status, headers, answer = waiting.result(20)
            assert (status, answer["count"], numbers(answer)) == (200, each, list(range(1, each + 1)))
            assert "x-mock-dropped" not in headers
            check_names([json.loads(call["body"])["name"] for call in answer["requests"]])
        for prefix in prefixes:
            world = server.stage.worlds[prefix.removeprefix("/~")]
            exchanges = list(world.journal.newest_first())[::-1]
            assert [exchange.number for exchange in exchanges] == list(range(1, each + 1))
            check_names([exchange.name or "" for exchange in exchanges])
            times = [exchange.received for exchange in exchanges]
            assert times == sorted(times)
        for thread in reading:
            thread.join(20)
        assert [len(numbers_) for numbers_ in seen] == [each] * len(prefixes)
        for stream in streams:
            stream.__exit__()
        assert not late.done()
        server.trigger(headers={"X-Mock-Namespace": prefixes[0].removeprefix("/~")} if prefixes[0] else {})
        assert late.result(20)[2]["count"] == each + 1
        until(lambda: server.stage.watchers == set())


def test_a_rule_that_serves_calls_makes_nobody_count_anew(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def count(world: World, _: Pattern) -> list[Row]:
        counted.append(world.namespace)
        return []

    monkeypatch.setattr(waiting, "matching", count)
    waiter = waiting.Waiter(server.stage.world, read_pattern({}, Known()), 5)
    for what in (RULES, NAMESPACES, RECORDED):
        waiter.see(server.stage.world, what, None)
    assert counted == [""]
    waiter.see(server.stage.world, CLEARED, None)
    assert counted == ["", ""]


def test_a_stop_waits_for_nobody_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, let_go = threading.Event(), threading.Event()
    rows = Journal.rows

    def read(journal: Journal) -> list[Row]:
        reading.set()
        let_go.wait(30)
        return rows(journal)

    monkeypatch.setattr(plane, "MANY", -1)
    monkeypatch.setattr(Journal, "rows", read)
    with running() as server:
        client = server.raw()
        client.sendall(b"GET /__admin/requests HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reading.wait(10)
        began = time.perf_counter()
        server.server.stop()
        assert time.perf_counter() - began < 5  # it is some milliseconds
        let_go.set()
        client.close()
