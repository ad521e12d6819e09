"""The live events: what a reader is sent, in which order, what it is not, and what is left of it when it has gone."""

import asyncio
import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mockserver.control.replies import HEADERS
from mockserver.control.streaming import BATCH, MOST_WAITING, Reader, run_of
from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer
from mockserver.engine.exchange import Request
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled
from mockserver.stage import CLEARED, CLOCK, RECORDED, RULES, Stage
from tests.serving import Running, running, until
from tests.wires import WIRES, EventStream, Gate, arm, head_of, request, rest, tasks_of, wired


@pytest.fixture
def server(server: Running) -> Iterator[Running]:
    yield server
    until(lambda: server.stage.watchers == set())  # nothing is left of any reader


def reader(server: Running, prefix: str = "", **headers: str) -> EventStream:
    """Return a reader that has been greeted."""
    stream = EventStream(server, prefix, **headers)
    assert stream.next() == {"retry": "1000"}
    hello = stream.next()
    namespace = prefix.removeprefix("/~")
    assert hello == {
        "event": "hello",
        "data": {"run": run_of(server.stage.worlds[namespace]), "namespace": namespace},
    }
    until(lambda: len(server.stage.watchers) > 0)
    return stream


def numbers(event: dict[str, Any]) -> list[int]:
    return [call["number"] for call in event["data"]]


@pytest.mark.parametrize("wire", WIRES)
def test_what_happens_is_sent_as_it_happens(wire: str) -> None:
    with wired(wire) as server:
        with reader(server) as stream:
            headers = stream.response.headers
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
            assert headers["content-encoding"] is None
            assert {name: headers[name] for name in HEADERS} == HEADERS
            server.trigger()
            event = stream.next()
            assert (event["event"], event["id"], numbers(event)) == ("calls", "1", [1])
            (call,) = event["data"]
            shown = {name: call[name] for name in ("api", "method", "path", "status", "state", "name", "who")}
            assert shown == {
                "api": "novu", "method": "POST", "path": "/v1/events/trigger", "status": 201, "state": "answered",
                "name": "welcome", "who": "ada",
            }  # fmt: skip
            arm(server, {"status": 299}, name="odd")
            event = stream.next()
            assert (event["event"], [each["name"] for each in event["data"]]) == ("mappings", ["odd"])
            server.request("PUT", "/__admin/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
            event = stream.next()
            assert (event["event"], event["data"]["now"]) == ("clock", "2030-01-01T00:00:00.000Z")
            server.trigger(headers={"X-Mock-Namespace": "one"})
            assert stream.next() == {"event": "namespaces", "data": ["", "one"]}
            server.request("DELETE", "/__admin/requests")
            assert stream.next() == {"event": "cleared", "data": {}}
            server.trigger()
            event = stream.next()
            assert (event["id"], numbers(event)) == ("2", [2])
        until(lambda: server.stage.watchers == set())
        until(lambda: tasks_of(server) == 0)


def test_a_reset_tells_of_all_that_it_puts_back(server: Running) -> None:
    arm(server, {"status": 299})
    server.request("POST", "/__admin/clock/advance", {"by": "25h"})
    with reader(server) as stream:
        server.request("POST", "/__admin/reset")
        told = [stream.next() for _ in range(3)]
        assert [event["event"] for event in told] == ["cleared", "mappings", "clock"]
        assert (told[1]["data"], told[2]["data"]["offset"]) == ([], "0ms")
        server.trigger()
        event = stream.next()
        assert (event["id"], numbers(event)) == ("1", [1])


def test_a_call_is_sent_again_when_its_answer_is_out_and_the_id_stays_the_newest() -> None:
    gate = Gate()
    with running(sleep=gate) as server, ExitStack() as stack:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 1_000})
        stream = stack.enter_context(reader(server))
        connection = stack.enter_context(server.raw())
        connection.sendall(request("/armed"))
        event = stream.event("calls")
        (call,) = event["data"]
        assert (event["id"], call["state"], call["status"], call["delayed"]) == ("1", "waiting", None, True)
        server.trigger()
        assert stream.event("calls")["id"] == "2"
        gate.release()
        assert head_of(connection)[0] == "HTTP/1.1 200 OK"
        event = stream.event("calls")
        (call,) = event["data"]
        assert (event["id"], call["number"], call["state"], call["status"]) == ("2", 1, "answered", 200)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/requests"), ("POST", "/reset")])
def test_a_call_that_was_forgotten_while_it_was_held_back_is_not_sent_again(method: str, path: str) -> None:
    gate = Gate()
    with running(sleep=gate) as server, ExitStack() as stack:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 1_000})
        connection = stack.enter_context(server.raw())
        connection.sendall(request("/armed"))
        gate.reached(1)
        stream = stack.enter_context(reader(server))
        server.request(method, f"/__admin{path}")
        assert stream.event("cleared")
        gate.release()
        assert head_of(connection)[0] == "HTTP/1.1 200 OK"
        server.request("GET", "/after-it")
        assert [call["path"] for call in stream.event("calls")["data"]] == ["/after-it"]


def test_a_fault_is_sent_as_one(server: Running) -> None:
    with reader(server) as stream:
        arm(server, {"fault": "EMPTY_RESPONSE"})
        server.send_raw(request("/armed"))
        (call,) = stream.event("calls")["data"]
        assert (call["fault"], call["status"], call["outcome"]) == ("EMPTY_RESPONSE", None, "scripted")


def test_readers_of_a_namespace_see_what_is_in_it(server: Running) -> None:
    with reader(server, "/~one") as one, reader(server, "/~two") as two, reader(server) as none:
        for name, path in (("one", "/1"), ("two", "/2"), ("one", "/3")):
            server.request("GET", f"/~{name}{path}")
        server.request("GET", "/4")
        arm(server, {"status": 299}, "/~two")
        server.request("POST", "/~one/__admin/clock/advance", {"by": "1h"})
        server.request("DELETE", "/~one/__admin/requests")
        server.request("GET", "/~one/5")
        paths: dict[str, list[str]] = {}
        others: dict[str, set[str]] = {}
        for name, stream, last in (("one", one, "/5"), ("two", two, "/2"), ("", none, "/4")):
            while last not in paths.setdefault(name, []):
                event = stream.next()
                if event["event"] == "calls":
                    paths[name] += [call["path"] for call in event["data"]]
                    assert event["data"][0]["number"] == 1 or name == "one"
                else:
                    others.setdefault(name, set()).add(event["event"])
        assert paths["two"] == ["/2"]
        assert paths[""] == ["/4"]
        assert set(paths["one"]) <= {"/1", "/3", "/5"}
        assert others["one"] - {"namespaces"} == {"cleared", "clock"}
        assert two.event("mappings")["data"][0]["response"] == {"status": 299}
        assert others.get("", set()) <= {"namespaces"}


def test_two_readers_are_sent_the_same(server: Running) -> None:
    with reader(server) as one, reader(server) as other:
        until(lambda: len(server.stage.watchers) == 2)
        server.trigger()
        assert one.event("calls") == other.event("calls")
        one.__exit__()
        until(lambda: len(server.stage.watchers) == 1)
        server.trigger()
        assert numbers(other.event("calls")) == [2]


# Coming again


@pytest.mark.parametrize(
    ("last", "event", "expected"),
    [
        ("0", "calls", [1, 2, 3]),
        ("1", "calls", [2, 3]),
        ("3", "none", []),
        ("4", "resync", []),
        ("9" * 5000, "resync", []),
        ("x", "none", []),
        ("-1", "none", []),
        ("", "none", []),
    ],
)
def test_who_comes_again_is_sent_what_came_meanwhile(
    server: Running, last: str, event: str, expected: list[int]
) -> None:
    for _ in range(3):
        server.trigger()
    with reader(server, Last_Event_ID=last) as stream:
        if event != "none":
            told = stream.next()
            assert told["event"] == event
            if event == "calls":
                assert (told["id"], numbers(told)) == ("3", expected)
        server.trigger()
        assert numbers(stream.next()) == [4]


def test_who_has_missed_too_much_reads_anew(server: Running) -> None:
    record(server.stage, MOST_WAITING + 1)
    with reader(server, Last_Event_ID="0") as stream:
        assert stream.next() == {"event": "resync", "data": {"run": run_of(server.stage.world)}}
    with reader(server, Last_Event_ID="1") as stream:
        assert len(stream.next()["data"]) == MOST_WAITING


def test_who_comes_again_after_all_was_forgotten_reads_anew(server: Running) -> None:
    for _ in range(3):
        server.trigger()
    server.request("DELETE", "/__admin/requests")
    server.trigger()
    with reader(server, Last_Event_ID="3") as stream:
        assert stream.next()["event"] == "resync"
    with reader(server, Last_Event_ID="0") as stream:
        assert numbers(stream.next()) == [4]


# Readers that are slow


def record(stage: Stage, count: int) -> None:
    """Record calls as the data plane does, without deciding each of them."""
    journal = stage.world.journal
    row = answer(stage.world, Request("GET", "/nowhere", "", {}, b"", b"", "127.0.0.1")).row
    stage.tell(stage.world, RECORDED, row)
    for _ in range(count - 1):
        row = (journal.next_number(), *row[1:])
        journal.put(row)
        stage.tell(stage.world, RECORDED, row)


def fresh_stage() -> Stage:
    return Stage(World(Blueprint(load_bundled()), Clock(time.time), random.Random(1).getrandbits))


def test_what_waits_for_a_reader_that_never_reads_is_bounded() -> None:
    stage = fresh_stage()
    slow = Reader("")
    stage.watchers.add(slow.see)
    for _ in range(20):
        record(stage, 1_000)
        stage.tell(stage.world, RULES)
        stage.tell(stage.world, CLOCK)
        assert len(slow.calls) <= MOST_WAITING
    assert sorted(slow.events) == ["clock", "mappings", "resync"]
    numbers, events = slow.taken()
    assert sorted(events) == ["clock", "mappings", "resync"]
    assert numbers == list(range(numbers[0], numbers[0] + BATCH))


def test_a_reader_takes_batches_and_each_call_in_its_newest_state() -> None:
    stage = fresh_stage()
    slow = Reader("")
    stage.watchers.add(slow.see)
    record(stage, BATCH + 10)
    for row in stage.world.journal.rows():
        stage.tell(stage.world, RECORDED, row)
    assert [len(slow.taken()[0]) for _ in range(3)] == [BATCH, 10, 0]
    assert not slow.arrived.is_set()


def test_what_was_cleared_before_it_was_sent_is_not_sent() -> None:
    stage = fresh_stage()
    slow = Reader("")
    stage.watchers.add(slow.see)
    record(stage, 3)
    stage.world.journal.clear()
    stage.tell_cleared(stage.world)
    record(stage, 1)
    assert slow.taken() == ([4], ["cleared"])


def in_loop(server: Running, work: Any) -> None:
    async def run() -> None:
        work()

    assert server.server._loop is not None
    asyncio.run_coroutine_threadsafe(run(), server.server._loop).result(30)


@pytest.mark.parametrize("wire", [WIRES[0], WIRES[3]])
def test_a_reader_that_never_reads_costs_little_and_leaves_nothing(wire: str) -> None:
    with wired(wire) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        host, port = server.address.split(":")
        connection.connect((host, int(port)))
        connection.sendall(request("/__admin/stream"))
        until(lambda: len(server.stage.watchers) == 1)
        (watcher,) = server.stage.watchers
        slow: Reader = watcher.__self__  # type: ignore[attr-defined]
        # until it takes nothing any more: the connection is full
        while True:
            in_loop(server, lambda: record(server.stage, MOST_WAITING))
            before = time.monotonic()
            while slow.calls and time.monotonic() < before + 0.2:
                time.sleep(0.01)
            if slow.calls:
                break
        for _ in range(20):
            in_loop(server, lambda: record(server.stage, 1_000))
            assert len(slow.calls) <= MOST_WAITING
        assert set(slow.events) <= {"resync"}
        assert server.trigger()[0] == 201  # nobody waits for it
        connection.close()
        until(lambda: server.stage.watchers == set())
        until(lambda: tasks_of(server) == 0)


# Secrets


def test_no_secret_is_sent(server: Running) -> None:
    secret = "sk-sentinel-0123456789"
    with reader(server) as stream:
        arm(server, {"status": 200})
        sent = {"Authorization": f"ApiKey {secret}", "Cookie": f"s={secret}", "Idempotency-Key": secret}
        server.trigger({"name": f"n {secret}", "to": [secret]}, sent)
        server.request("GET", f"/nowhere/{secret}?token={secret}", headers={"X-Api-Key": secret})
        server.request(
            "POST", "/event/", {"distinct_id": secret, "event": secret}, {"Authorization": f"Bearer {secret}"}
        )
        server.request("GET", "/last")
        while stream.event("calls")["data"][-1]["path"] != "/last":
            pass
        told = "".join(stream.raw)
    assert told.count("[redacted]") >= 5
    assert "sentinel" not in told


# The end


@pytest.mark.parametrize("wire", WIRES)
def test_at_a_stop_readers_are_told_and_let_go(wire: str) -> None:
    with wired(wire) as server, reader(server) as one, reader(server, "/~one") as two:
        until(lambda: len(server.stage.watchers) == 2)
        start = time.perf_counter()
        server.server.stop()
        assert time.perf_counter() - start < 1.0
        for stream in (one, two):
            assert stream.event("bye") == {"event": "bye", "data": {}}
            assert stream.response.read() == b""
        assert server.stage.watchers == set()


def test_a_reader_is_told_that_the_server_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.control.streaming.PING", 0.01)
    with running() as server, reader(server) as stream:
        while True:
            line = stream.response.readline()
            if line != b"\n":
                break
        assert line == b": ping\n"


@pytest.mark.parametrize("wire", WIRES)
def test_a_head_request_to_the_stream_is_over_at_once(wire: str) -> None:
    with wired(wire) as server, server.raw() as connection:
        connection.sendall(request("/__admin/stream", method="HEAD"))
        line, headers = head_of(connection)
        assert (line, dict(headers)["content-type"]) == (
            "HTTP/1.1 200 OK",
            "text/event-stream; charset=utf-8",
        )
        connection.sendall(request("/__admin/health", Connection="close"))
        assert rest(connection)[0].startswith(b"HTTP/1.1 200")
        assert server.stage.watchers == set()


def ended(server: Running, kind: str, stack: ExitStack) -> None:
    """Have a connection of some kind open when the server stops."""
    if kind == "stream":
        stack.enter_context(reader(server))
        return
    connection = stack.enter_context(server.raw())
    if kind == "idle":
        connection.sendall(request("/__admin/health"))
        head_of(connection)
    else:
        connection.sendall(request("/event/", json.dumps({"event": "x" * 100}).encode())[:-50])
        until(lambda: tasks_of(server) == 1)


@pytest.mark.parametrize(("kind", "most"), [("idle", 0.2), ("stream", 1.0), ("half-sent body", 1.0)])
def test_a_stop_is_quick_whatever_is_open(kind: str, most: float) -> None:
    """Under 20 ms with idle connections, under 100 ms otherwise; ten times as much is allowed here."""
    taken = []
    for _ in range(5):
        with ExitStack() as stack:
            server = stack.enter_context(running())
            ended(server, kind, stack)
            start = time.perf_counter()
            server.server.stop()
            taken.append(time.perf_counter() - start)
    assert sorted(taken)[2] < most, taken


def test_a_call_between_two_clearings_is_not_shown(server: Running) -> None:
    record(server.stage, 1)
    (row,) = server.stage.world.journal.rows()
    reader_of_none = Reader("")
    for what, seen in ((CLEARED, None), (RECORDED, row), (CLEARED, None)):
        reader_of_none.see(server.stage.world, what, seen)
    assert reader_of_none.taken()[0] == []
