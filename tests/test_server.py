"""The server on a real port: hostile bytes, clients that leave, many at once, starting and stopping."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import pytest

from mockserver.engine.decide import answer
from mockserver.server import app as app_module
from mockserver.server.cors import ALWAYS_EXPOSED
from mockserver.server.running import ServerThread, _run, bind, has_ipv6, url_of
from tests.serving import JSON, TRIGGER, Running, running, until

# What is on the wire


def test_an_answer_carries_its_length_one_date_one_server_and_its_id(server: Running) -> None:
    head, _, body = server.send_raw(
        b"POST /event/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\n"
        b'Content-Length: 31\r\nConnection: close\r\n\r\n{"distinct_id":"a","event":"b"}'
    ).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "http/1.1 202 accepted"
    names = sorted(line.partition(":")[0] for line in lines[1:])
    assert names == ["connection", "content-length", "content-type", "date", "server", "x-mock-call-id"]
    assert "server: mockserver" in lines
    assert body == b'{"message":"OK"}'


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/events/trigger",
        "/event/",
        "/v2/event",
        "/run/event",
        "/2024-03/run/event",
        "/events/send",
        "/api/events/send",
    ],
)
def test_405_with_allow_for_every_path_and_method(server: Running, path: str, method: str) -> None:
    status, headers, body = server.request(method, path, headers={"Origin": "http://page"})
    assert (status, headers["allow"]) == (405, "OPTIONS, POST")
    assert headers["access-control-allow-origin"] == "http://page"
    assert body == b"" or (method != "HEAD" and json.loads(body)["type"] == "urn:mockserver:wrong-method")


def test_plain_options_and_a_preflight_side_by_side(server: Running) -> None:
    status, headers, body = server.request("OPTIONS", "/event/")
    assert (status, headers["allow"], body) == (204, "OPTIONS, POST", b"")
    asked = {
        "Origin": "http://page", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type", "Access-Control-Request-Private-Network": "true",
    }  # fmt: skip
    status, headers, body = server.request("OPTIONS", "/anything", headers=asked)
    assert (status, body) == (204, b"")
    allowed = {
        name.removeprefix("access-control-"): value
        for name, value in headers.items()
        if name.startswith("access-control-")
    }
    assert allowed == {
        "allow-origin": "http://page", "allow-methods": "POST", "allow-headers": "authorization,content-type",
        "allow-credentials": "true", "max-age": "0", "allow-private-network": "true",
    }  # fmt: skip
    assert headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert [call["request"]["method"] for call in server.calls()] == ["OPTIONS"]
    assert server.stage.preflights == 1


@pytest.mark.parametrize(
    ("status", "path", "body", "headers"),
    [
        (201, "/v1/events/trigger", TRIGGER, {}),
        (400, "/v1/events/trigger", b"{", {}),
        (401, "/v1/events/trigger", TRIGGER, {"Authorization": ""}),
        (404, "/nowhere", TRIGGER, {}),
        (409, "/v1/events/trigger", TRIGGER, {"Prefer": "code=409"}),
        (413, "/event/", b"x" * 820_000, {}),
        (422, "/v1/events/trigger", {}, {}),
        (429, "/v1/events/trigger", TRIGGER, {"Prefer": "code=429"}),
        (503, "/v1/events/trigger", TRIGGER, {"Prefer": "code=503"}),
    ],
)
@pytest.mark.parametrize("origin", ["http://page:3000", "null"])
def test_cors_on_every_status(
    server: Running, status: int, path: str, body: Any, headers: dict[str, str], origin: str
) -> None:
    sent = {"Authorization": "ApiKey k", **JSON, "Origin": origin, **headers}
    got, answered, _ = server.request("POST", path, body, sent)
    assert got == status
    assert answered["access-control-allow-origin"] == origin
    assert answered["access-control-allow-credentials"] == "true"
    exposed = answered["access-control-expose-headers"].split(", ")
    assert set(ALWAYS_EXPOSED) <= set(exposed)
    assert "Origin" in answered["vary"]


@pytest.mark.parametrize(
    ("response", "more"),
    [
        ({"status": 429}, ""),
        ({"status": 200, "headers": {"X-Mine": "1", "x-other": "2", "retry-after": "3", "Cache-Control": "no-store"}}, ", X-Mine, x-other"),
    ],
)  # fmt: skip
def test_a_page_may_read_what_rules_add(server: Running, response: dict[str, Any], more: str) -> None:
    asked = {"Origin": "http://page"}
    _, headers, _ = server.trigger(headers=asked)
    rule = {"name": "mine", "request": {"api": "novu"}, "response": response}
    assert server.request("POST", "/__admin/mappings", rule)[0] == 201
    _, scripted, _ = server.trigger(headers=asked)
    exposed = "access-control-expose-headers"
    assert scripted[exposed] == headers[exposed] + more


def test_without_origin_there_is_no_cors_header(server: Running) -> None:
    _, headers, _ = server.trigger()
    assert not [name for name in headers if name.startswith("access-control-") or name == "vary"]


def test_cors_can_be_switched_off() -> None:
    with running(cors=False) as server:
        _, headers, _ = server.trigger(headers={"Origin": "http://page"})
        assert "access-control-allow-origin" not in headers
        asked = {"Origin": "http://page", "Access-Control-Request-Method": "POST"}
        status, headers, _ = server.request("OPTIONS", "/v1/events/trigger", headers=asked)
        assert (status, headers.get("access-control-allow-origin")) == (405, None)


def test_a_bug_is_answered_journaled_and_told(
    server: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(app_module, "answer", broken)
    status, headers, body = server.trigger(headers={"Origin": "http://page"})
    assert (status, headers["access-control-allow-origin"]) == (500, "http://page")
    problem = json.loads(body)
    assert problem["type"] == "urn:mockserver:bug"
    assert "ZeroDivisionError" in problem["detail"]
    monkeypatch.setattr(app_module, "answer", answer)
    assert [call["request"]["mock"]["reason"] for call in server.calls()] == ["bug"]
    assert "ZeroDivisionError: oops" in capfd.readouterr().err


# Hostile bytes


def post(path: str, headers: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode("latin-1") + body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post("/v1/events/trigger", "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nAuthorization: ApiKey k\r\n", b'8\r\n{"name":\r\n13\r\n"welcome","to":"a"}\r\n0\r\n\r\n'), 201),
        (post("/v1/events/trigger", "Content-Length: 2\r\nContent-Type: application/json; charset=\xff\r\nAuthorization: ApiKey \xe9\r\n", b"{}"), 415),
        (post("/v1/events/trigger", "Content-Length: 2\r\nContent-Type: application/json\r\nAuthorization: ApiKey \xe9\r\n", b"{}"), 422),
        (post("/event/", "Content-Length: 4\r\nContent-Type: multipart/form-data\r\nAuthorization: k\r\n", b"----"), 400),
        (post("/event/", "Content-Length: 2\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nAuthorization: k\r\n", b"{}"), 400),
        (post("/events/send", "Content-Length: 4\r\nAuthorization: Bearer k\r\n", b"\xff\xfe\x00{"), 400),
        (post("/%00%ff/..//%2e%2e/", "Content-Length: 0\r\n", b""), 404),
        (post("/event/?%ff&__code=%ff", "Content-Length: 0\r\n", b""), 400),
    ],
)  # fmt: skip
def test_hostile_requests(server: Running, sent: bytes, status: int) -> None:
    assert server.send_raw(sent).split(b"\r\n")[0].split()[1] == str(status).encode()
    assert len(server.calls()) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_and_the_connection_closed(server: Running, chunked: bool) -> None:
    size = 21 * 1024 * 1024
    with server.raw() as connection:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        connection.sendall(
            f"POST /v1/events/trigger HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n".encode()
        )
        if chunked:
            connection.sendall(f"{size:x}\r\n".encode())
        connection.sendall(b"x" * size)
        if chunked:
            connection.sendall(b"\r\n0\r\n\r\n")
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    head = data.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 413")
    assert b"connection: close" in head
    (call,) = server.calls()
    assert call["request"]["mock"]["reason"] == "too-large"


def test_a_body_that_waits_for_leave_or_is_hopelessly_large_is_refused_at_once(server: Running) -> None:
    for headers in ("Expect: 100-continue\r\nContent-Length: 30000000", f"Content-Length: {10**9}"):
        data = server.send_raw(f"POST /event/ HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
        assert data.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in data.lower()


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "foo"])
def test_an_offered_upgrade_is_ignored_and_the_body_read(server: Running, upgrade: str) -> None:
    offer = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABk\r\n"
    body = json.dumps({"distinct_id": "ada", "event": "POST /x HTTP/1.1\r\nUpgrade: no\r\n\r\n"}).encode()
    head = f"POST /event/ HTTP/1.1\r\nHost: x\r\nAuthorization: k\r\nContent-Type: application/json\r\n{offer}Content-Length: {len(body)}\r\n\r\n".encode()
    last = b"GET /event/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"  # the connection goes on
    plain = head.replace(offer.encode(), b"") + body
    assert answered(server, head + body + last) == [202, 405]
    assert answered(server, plain + head + body + head + body + last) == [202, 202, 202, 405]
    calls = server.calls()
    assert len(calls) == 6
    assert calls[1]["request"]["headers"]["Upgrade"] == upgrade
    assert {call["request"]["body"].encode() for call in calls if call["request"]["method"] == "POST"} == {
        body
    }


def answered(server: Running, data: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 ([0-9]+)", server.send_raw(data))]


needs_httptools = pytest.mark.skipif(
    find_spec("httptools") is None, reason="reads with httptools, which this environment is without"
)


@needs_httptools
def test_an_offer_is_found_wherever_the_bytes_are_cut() -> None:
    body = b'{"a": "\r\nUpgrade: no\r\n\r\n"}'
    head = (
        b"POST /p HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUPGRADE: h2c\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    )
    whole = head + body + b"GET /q HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: y\r\n\r\n"
    expected = [[b"/p", b"h2c", body], [b"/q", b"y", b""]]
    for cut in range(1, len(whole)):
        assert parsed([whole[:cut], whole[cut:]]) == expected, cut
    assert parsed([bytes([byte]) for byte in whole]) == expected


@needs_httptools
@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"POST / HTTP/1.1\r\ncontent-length:0\r\nHost: x\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nUpgrade: h2c\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", False),
        (b"GET / HTTP/1.1\r\n\r\n", False),
        (b"PO", False),
        (b"POS", False),
        (b"", False),
    ],
)
def test_what_comes_whole_is_known(data: bytes, is_one: bool) -> None:
    from mockserver.server.protocol import _is_one_request  # httptools may not be installed

    assert _is_one_request(data) is is_one


def parsed(parts: list[bytes]) -> list[list[bytes]]:
    """Return path, offer and body of each request that the protocol reads from some pieces of bytes."""
    import httptools  # not at the top: every other test here also runs without it

    from mockserver.server.protocol import Protocol

    found: list[list[bytes]] = []
    protocol = Protocol.__new__(Protocol)

    class Recorder:
        def on_message_begin(self) -> None:
            protocol.headers = []
            found.append([b"", b"", b""])

        def on_url(self, url: bytes) -> None:
            found[-1][0] += url

        def on_header(self, name: bytes, value: bytes) -> None:
            protocol.headers.append((name.lower(), value))

        def on_headers_complete(self) -> None:
            protocol._note_head()
            found[-1][1] = dict(protocol.headers)[b"upgrade"]

        def on_body(self, body: bytes) -> None:
            found[-1][2] += body

        def on_message_complete(self) -> None:
            protocol._in_body = False

    parser = httptools.HttpRequestParser(Recorder())
    for part in parts:
        for piece in protocol._pieces(part):
            parser.feed_data(piece)
    return found


def test_a_header_is_echoed_as_it_came(server: Running) -> None:
    key = b"\xe2\x82\xac\x85\xa0 \tend"
    body = json.dumps(TRIGGER).encode()
    data = server.send_raw(
        b"POST /v1/events/trigger HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: ApiKey k\r\n"
        b"Content-Type: application/json\r\nIdempotency-Key: "
        + key
        + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body
    )
    assert b"idempotency-key: " + key + b"\r\n" in data.replace(b"Idempotency-Key", b"idempotency-key")


def test_strange_hosts_and_origins_break_nothing(server: Running) -> None:
    for host in ("h:" + "9" * 5000, "[::1]", "", ":::", "h:x"):
        server.request("POST", "/x", headers={"Host": host})
    assert [call["request"]["host"] for call in server.calls()[::-1]][1:4] == ["[::1]", "", ":::"]
    assert server.request("DELETE", "/__admin/requests", headers={"Origin": "http://["})[0] == 403
    prefix = server.calls()[0]["id"][:24]
    for tail in ("_00000000001", "0000000_0001", "00000000000G"):
        assert server.request("GET", f"/__admin/requests/{prefix}{tail}")[0] == 400


def test_a_body_of_a_hundred_thousand_faults_is_not_explained_to_its_end(server: Running) -> None:
    body = json.dumps({"name": "a", "to": [{}] * 100_000}).encode()
    start = time.perf_counter()
    status, _, _ = server.trigger(body)
    assert status == 422
    assert time.perf_counter() - start < 10.0  # to explain each of them takes half a minute
    valid = [{"subscriberId": "a"}] * 20_000
    assert server.trigger({"name": "a", "to": [*valid, {}]})[0] == 422
    assert server.calls()[0]["request"]["mock"]["findings"][0]["keyword"] == "items"


@pytest.mark.parametrize(
    "text",
    ["a" * 60_000 + '"', "a;" + "b" * 60_000 + '"', "a=" + " " * 60_000 + ';"', '"' * 60_000, ",;=" * 20_000],
)
def test_a_long_preference_is_read_in_one_pass(server: Running, text: str) -> None:
    start = time.perf_counter()
    assert server.trigger(headers={"Prefer": text})[0] == 201
    assert time.perf_counter() - start < 5.0  # read again from each character it takes minutes


# Clients that leave


def test_a_client_that_leaves_while_its_answer_is_held_back_leaves_no_key_held(server: Running) -> None:
    sent = {"Authorization": "ApiKey k", **JSON, "Idempotency-Key": "left", "Prefer": "wait=30"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    body = json.dumps(TRIGGER).encode()
    connection = server.raw()
    connection.sendall(
        f"POST /v1/events/trigger HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    until(lambda: len(server.stage.world.journal) == 1)
    (waiting,) = server.calls()
    assert waiting["request"]["mock"]["state"] == "waiting"
    assert "response" not in waiting
    assert server.trigger(headers={"Idempotency-Key": "left"})[0] == 409
    connection.close()
    until(lambda: server.calls()[-1]["request"]["mock"]["state"] == "aborted")
    status, headers, _ = server.trigger(headers={"Idempotency-Key": "left"})
    assert (status, headers["idempotency-replay"]) == (201, "true")


def test_a_client_that_leaves_in_the_middle_of_its_body_is_journaled(server: Running) -> None:
    with server.raw() as connection:
        connection.sendall(b"POST /event/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{half")
    until(lambda: len(server.stage.world.journal) == 1)
    (call,) = server.calls()
    mock = call["request"]["mock"]
    assert (mock["outcome"], mock["reason"], mock["state"]) == ("refused", "malformed", "aborted")
    assert mock["findings"][0]["message"] == "ends after 5 bytes: the client went away"
    assert call["request"]["body"] == "{half"


def test_a_call_that_arrives_while_the_server_is_reset_is_in_the_new_journal(server: Running) -> None:
    with server.raw() as connection:
        connection.sendall(
            b"POST /event/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{ha"
        )
        assert server.request("POST", "/__admin/reset")[0] == 200
        connection.sendall(b"lf")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert [call["request"]["body"] for call in server.calls()] == ["{half"]


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    one = b"POST /event/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    last = one.replace(b"Host: x", b"Host: x\r\nConnection: close").replace(b"/event/", b"/nowhere")
    data = server.send_raw(one * 3 + last)
    assert re.findall(rb"HTTP/1.1 ([0-9]+)", data) == [b"400"] * 3 + [b"404"]
    assert [call["request"]["mock"]["number"] for call in server.calls()] == [4, 3, 2, 1]


# Many at once


def test_two_thousand_requests_from_64_connections_are_all_journaled_once_in_order(server: Running) -> None:
    def worker(number: int) -> None:
        import http.client

        connection = http.client.HTTPConnection(server.address, timeout=30)
        for index in range(2000 // 64 + (number < 2000 % 64)):
            body = json.dumps({"name": f"{number}-{index}", "to": ["ada"]})
            connection.request("POST", "/v1/events/trigger", body, {"Authorization": "ApiKey k", **JSON})
            assert connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(worker, range(64)))
    exchanges = list(server.stage.world.journal.newest_first())
    assert [exchange.number for exchange in exchanges] == list(range(2000, 0, -1))
    names = [exchange.name or "" for exchange in reversed(exchanges)]
    assert len(set(names)) == 2000
    for number in range(64):
        own = [int(name.split("-")[1]) for name in names if name.startswith(f"{number}-")]
        assert own == sorted(own)
    times = [exchange.received for exchange in reversed(exchanges)]
    assert times == sorted(times)


def test_fifty_calls_on_one_connection_take_no_second(server: Running) -> None:
    import http.client

    connection = http.client.HTTPConnection(server.address, timeout=10)
    start = time.perf_counter()
    for _ in range(50):
        connection.request("POST", "/event/", b"{}", JSON)
        connection.getresponse().read()
    connection.close()
    assert time.perf_counter() - start < 1.0


# Starting and stopping


def test_both_loopback_addresses_answer_on_one_port(server: Running) -> None:
    port = int(server.address.split(":")[1])
    hosts = ["127.0.0.1", *(["::1"] if has_ipv6() else [])]
    for host in hosts:
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(
                b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_busy_port_is_told_where_the_server_is_started(server: Running) -> None:
    port = int(server.address.split(":")[1])
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", port)


def test_the_url_of_an_ipv6_socket() -> None:
    if not has_ipv6():
        with pytest.raises(OSError, match="."):
            bind("::1", 0)
        return
    sockets = bind("::1", 0)
    assert url_of(sockets).startswith("http://[::1]:")
    for listener in sockets:
        listener.close()


def test_twenty_servers_start_and_stop_within_a_second_with_open_connections() -> None:
    before, start = threading.active_count(), time.perf_counter()
    for turn in range(20):
        with running() as server:
            assert server.request("GET", "/__admin/health")[0] == 200
            idle = server.raw()
            if turn % 5 == 0:
                idle.sendall(b"POST /event/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{half")
        idle.close()
    assert time.perf_counter() - start < 5.0
    assert threading.active_count() == before


@pytest.mark.parametrize("turns", range(8))
def test_a_connection_made_while_the_server_stops_is_closed(turns: int) -> None:
    """However far the event loop has come with it: before that, a client could wait for ever."""

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nothing was asked")

    async def main() -> None:
        sockets, ready, stopping = bind("127.0.0.1", 0), asyncio.Event(), asyncio.Event()
        server = asyncio.create_task(_run(app, sockets, stopping, ready.set, lambda: None))
        await ready.wait()
        with socket.create_connection(sockets[0].getsockname(), timeout=1) as client:
            for _ in range(turns):
                await asyncio.sleep(0)
            stopping.set()
            await server
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""

    asyncio.run(main())


def test_what_keeps_a_server_from_starting_is_raised() -> None:
    with pytest.raises(OSError, match=r"203\.0\.113\.1|assign"):
        ServerThread(lambda *_: None, host="203.0.113.1")  # type: ignore[arg-type]
