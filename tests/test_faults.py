"""Faults, byte by byte: what a client sees on its socket, what its library makes of it, and what the journal says."""

import http.client
import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from mockserver.engine.rules import FAULTS
from mockserver.server.delivery import _SENT
from tests.serving import JSON, TRIGGER, Running, running, serving, until
from tests.wires import WIRES, Gate, answer_of, arm, request, rest, tasks_of, wired

MALFORMED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"this is no chunk of a body\r\n"
)
BYTES = {
    "EMPTY_RESPONSE": (b"", "closed"),
    "CONNECTION_RESET_BY_PEER": (b"", "reset"),
    "MALFORMED_RESPONSE_CHUNK": (MALFORMED, "closed"),
    "RANDOM_DATA_THEN_CLOSE": (bytes(range(128, 256)) + b"\r\nthis is no HTTP\r\n", "closed"),
}


def ending(fault: str) -> set[str]:
    """Return how a connection may end. On Windows, asyncio shuts a socket down before it closes it: either is right."""
    how = BYTES[fault][1]
    return {"reset", "closed"} if sys.platform == "win32" and how == "reset" else {how}


@pytest.fixture(scope="module", params=WIRES)
def module_server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with wired(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture
def plain(plain_server: Running) -> Running:
    plain_server.stage.reset()
    return plain_server


def send_whole(connection: socket.socket) -> None:
    connection.sendall(request("/armed"))


def send_in_packets(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = request("/armed", b"{}" * 30)
    for at in range(0, len(whole), 7):
        connection.sendall(whole[at : at + 7])


def send_much(connection: socket.socket) -> None:
    connection.sendall(request("/armed", b"x" * 300_000))


def send_in_chunks(connection: socket.socket) -> None:
    connection.sendall(request("/armed", method="PUT", Transfer_Encoding="chunked"))
    for piece in (b"2\r\n{}\r\n", b"1\r\n \r\n", b"0\r\n\r\n"):
        connection.sendall(piece)


def send_after_a_good_one(connection: socket.socket) -> None:
    connection.sendall(request("/event/", b"{}"))
    assert answer_of(connection)[0].startswith("HTTP/1.1 4")
    connection.sendall(request("/armed"))


def send_three_at_once(connection: socket.socket) -> None:
    connection.sendall(request("/armed") * 3)


def test_every_fault_is_looked_at() -> None:
    assert list(BYTES) == list(FAULTS)
    assert set(_SENT) == set(FAULTS)


@pytest.mark.parametrize(
    "send",
    [send_whole, send_in_packets, send_much, send_in_chunks, send_after_a_good_one, send_three_at_once],
)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_on_the_socket(
    server: Running,
    fault: str,
    send: Any,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    arm(server, {"fault": fault})
    with server.raw() as connection:
        send(connection)
        data, end = rest(connection)
    assert (data, end in ending(fault)) == (BYTES[fault][0], True)
    assert server.calls()[0]["request"]["mock"]["fault"] == fault
    assert len([call for call in server.calls() if call["request"]["url"] == "/armed"]) == 1
    with server.raw() as connection:  # others are served
        connection.sendall(request("/event/", b"{}"))
        assert answer_of(connection)[0] == "HTTP/1.1 400 Bad Request"
    until(lambda: tasks_of(server) == 0)
    assert (capfd.readouterr().err, caplog.records) == ("", [])


def test_the_journal_has_the_fault_as_the_answer(plain: Running) -> None:
    for number, fault in enumerate(FAULTS):
        stub = arm(plain, {"fault": fault}, request={"urlPath": f"/armed-{number}"}, name=fault.title())
        with plain.raw() as connection:
            connection.sendall(request(f"/armed-{number}"))
            rest(connection)
        call = plain.calls()[0]
        mock = call["request"]["mock"]
        expected = {
            "fault": fault,
            "outcome": "scripted",
            "reason": None,
            "rule": fault.title(),
            "stub": stub,
        }
        assert {name: mock[name] for name in expected} == expected
        assert (mock["state"], mock["published"]) == ("answered", None)
        assert call["response"] == {
            "status": 0, "headers": {}, "body": "", "bodyAsBase64": "", "fault": fault,
        }  # fmt: skip
        assert call["responseDefinition"] == {"status": 0, "fault": fault}
        assert call["wasMatched"] is True
        assert call["stubMapping"]["response"] == {"fault": fault}


@pytest.mark.parametrize("beside", [
    {"status": 503, "body": "never seen"},
    {"status": 200, "statusMessage": "Never seen", "headers": {"X": "y"}},
    {"status": 200, "body": "abc", "chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 30_000}},
    {"chunkedDribbleDelay": {"numberOfChunks": 3, "totalDuration": 30_000}},
])  # fmt: skip
def test_a_fault_wins_over_what_stands_beside_it(server: Running, beside: dict[str, Any]) -> None:
    arm(server, {"fault": "EMPTY_RESPONSE", **beside})
    assert server.send_raw(request("/armed")) == b""
    (call,) = server.calls()
    assert (call["response"]["status"], call["request"]["mock"]["state"]) == (0, "answered")


@pytest.mark.parametrize(
    ("method", "path", "after", "outcome"),
    [
        ("GET", "/no/api/has/this", "nothing", None),
        ("POST", "/v1/events/trigger", "nothing", "novu"),
        ("POST", "/v1/events/trigger", "checks", "novu"),
        ("HEAD", "/v1/events/trigger", "nothing", "novu"),
        ("DELETE", "/v1/events/trigger", "nothing", "novu"),
    ],
)
def test_where_a_fault_may_be(
    plain: Running, method: str, path: str, after: str, outcome: str | None
) -> None:
    arm(plain, {"fault": "EMPTY_RESPONSE"}, request={"urlPath": path, "method": method}, after=after)
    body = json.dumps(TRIGGER).encode() if method == "POST" else b""
    sent = request(path, body, method, Authorization="ApiKey k", Content_Type="application/json")
    assert plain.send_raw(sent) == b""
    (call,) = plain.calls()
    assert (call["request"]["mock"]["api"], call["request"]["mock"]["fault"]) == (outcome, "EMPTY_RESPONSE")


def test_a_fault_after_the_checks_leaves_refused_calls_alone_and_no_key_held(plain: Running) -> None:
    arm(plain, {"fault": "EMPTY_RESPONSE"}, request={"api": "novu"}, after="checks", times=1)
    assert plain.trigger({})[0] == 422
    sent = {"Idempotency-Key": "k"}
    with pytest.raises(http.client.RemoteDisconnected):
        plain.trigger(headers=sent)
    status, headers, _ = plain.trigger(headers=sent)
    assert (status, headers.get("idempotency-replay")) == (201, None)


def test_a_fault_steps_aside_after_so_many_times(server: Running) -> None:
    arm(server, {"status": 200, "body": "fine"}, priority=9)
    arm(server, {"fault": "CONNECTION_RESET_BY_PEER"}, times=2)
    seen = []
    for _ in range(4):
        with server.raw() as connection:
            connection.sendall(request("/armed", Connection="close"))
            seen.append(rest(connection)[1])
    assert seen[2:] == ["closed", "closed"]
    assert set(seen[:2]) <= ending("CONNECTION_RESET_BY_PEER")
    assert [call["response"]["status"] for call in reversed(server.calls())] == [0, 0, 200, 200]


def test_a_fault_in_one_namespace_only(plain: Running) -> None:
    arm(plain, {"fault": "EMPTY_RESPONSE"}, "/~one")
    assert plain.send_raw(request("/~one/armed")) == b""
    assert plain.send_raw(request("/armed", X_Mock_Namespace="one")) == b""
    assert plain.send_raw(request("/~two/armed", Connection="close")).startswith(b"HTTP/1.1 404")
    assert plain.send_raw(request("/armed", Connection="close")).startswith(b"HTTP/1.1 404")
    found = json.loads(plain.request("GET", "/~one/__admin/requests")[2])["requests"]
    assert [call["response"]["fault"] for call in found] == ["EMPTY_RESPONSE"] * 2
    assert len(plain.calls()) == 1


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_held_back_and_the_journal_says_so(wire: str, fault: str) -> None:
    gate = Gate()
    with wired(wire, sleep=gate) as server:
        arm(server, {"fault": fault, "fixedDelayMilliseconds": 7_000})
        with server.raw() as connection:
            connection.sendall(request("/armed"))
            gate.reached(1)
            (call,) = server.calls()
            assert (call["request"]["mock"]["state"], "response" in call) == ("waiting", False)
            gate.release()
            data, end = rest(connection)
        assert (data, end in ending(fault)) == (BYTES[fault][0], True)
        (call,) = server.calls()
        assert (call["request"]["mock"]["state"], call["timing"]["addedDelay"]) == ("answered", 7_000)
        assert gate.asked == [7.0]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_may_see_the_head_of_a_fault(server: Running, fault: str) -> None:
    """The one that has a head: a page is told of its status, and then of a body that ends in error."""
    arm(server, {"fault": fault})
    with server.raw() as connection:
        connection.sendall(request("/armed", Origin="http://page"))
        data, _ = rest(connection)
    head, _, body = BYTES[fault][0].partition(b"\r\n\r\n")
    if body:
        told, _, rubbish = data.partition(b"\r\n\r\n")
        assert told.startswith(head + b"\r\naccess-control-allow-origin: http://page\r\n")
        assert rubbish == body
    else:
        assert data == head


def with_http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", "/armed", b"{}", JSON)
        connection.getresponse().read()
    finally:
        connection.close()


def with_httpx(url: str) -> None:
    with httpx2.Client(trust_env=False) as client:
        client.post(f"{url}/armed", json={})


ERRORS = [
    ("EMPTY_RESPONSE", with_http_client, http.client.RemoteDisconnected),
    ("CONNECTION_RESET_BY_PEER", with_http_client, ConnectionResetError),  # RemoteDisconnected is one as well
    ("MALFORMED_RESPONSE_CHUNK", with_http_client, http.client.IncompleteRead),
    ("RANDOM_DATA_THEN_CLOSE", with_http_client, http.client.BadStatusLine),
    ("EMPTY_RESPONSE", with_httpx, httpx2.RemoteProtocolError),
    ("CONNECTION_RESET_BY_PEER", with_httpx, httpx2.ReadError),
    ("MALFORMED_RESPONSE_CHUNK", with_httpx, httpx2.RemoteProtocolError),
    ("RANDOM_DATA_THEN_CLOSE", with_httpx, httpx2.RemoteProtocolError),
]


@pytest.mark.parametrize(("fault", "client", "error"), ERRORS)
def test_what_clients_make_of_it(plain: Running, fault: str, client: Any, error: type[Exception]) -> None:
    arm(plain, {"fault": fault})
    allowed = (
        (error, httpx2.RemoteProtocolError) if "reset" in ending(fault) and sys.platform == "win32" else error
    )
    with pytest.raises(allowed):
        client(plain.url)


def test_a_fault_for_a_call_of_the_mock_itself_is_told(plain: Running) -> None:
    """It has no connection to break."""
    arm(plain, {"fault": "EMPTY_RESPONSE"}, request={"api": "novu"})
    status, _, body = plain.request("POST", "/__admin/send", {"api": "novu"})
    assert (status, json.loads(body)["status"]) == (200, 500)
    (call,) = plain.calls()
    assert call["response"]["fault"] == "EMPTY_RESPONSE"


def test_the_command_makes_every_fault_and_says_nothing_of_it() -> None:
    with serving("--log", "off") as (process, ready):
        url = ready.rpartition(" ")[2]
        for fault in FAULTS:
            rule = {"request": {"urlPath": f"/{fault}"}, "response": {"fault": fault}}
            assert httpx2.post(f"{url}/__admin/mappings", json=rule, trust_env=False).status_code == 201
            host, _, port = url.removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(request(f"/{fault}", b"{}"))
                data, end = rest(connection)
            assert (data, end in ending(fault)) == (BYTES[fault][0], True)
        assert httpx2.post(f"{url}/__admin/shutdown", trust_env=False).json() == {}
        _, told = process.communicate(timeout=10)
        assert (process.returncode, told) == (0, "")


def test_a_rule_is_not_used_up_by_a_client_that_went_away_in_its_body() -> None:
    with running() as server:
        made = server.request(
            "POST", "/__admin/mappings", {"request": {"api": "novu"}, "response": {"status": 503}, "times": 1}
        )
        assert made[0] == 201
        with server.raw() as client:
            client.sendall(b"POST /v1/events/trigger HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
        until(lambda: len(server.stage.world.journal) == 1)
        assert [server.trigger()[0], server.trigger()[0]] == [503, 201]
