"""How answers leave: status lines and headers as bytes, answers that are held back or sent bit by bit, clients that leave."""

import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.serving import TRIGGER, Running, running, until
from tests.wires import WIRES, Gate, answer_of, arm, exactly, head_of, request, rest, tasks_of, wired


@pytest.fixture(scope="module", params=WIRES)
def module_server(request: pytest.FixtureRequest) -> Iterator[Running]:
    with wired(request.param) as server:
        yield server


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture(params=WIRES)
def held(request: pytest.FixtureRequest, gate: Gate) -> Iterator[Running]:
    """A server whose delays end when the gate is opened."""
    with wired(request.param, sleep=gate) as server:
        yield server


def state_of(server: Running) -> str:
    return str(server.calls()[0]["request"]["mock"]["state"])


# The request line


@pytest.mark.parametrize(
    "origin", ["http://localhost", "HTTPS://api.example.org", "https://api.example.org:8443"]
)
@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/~proxied/event%2F/?a=%2F", "/event%2F/?a=%2F"),
        ("/~proxied//event/", "//event/"),
        ("/~proxied/event/?", "/event/"),
    ],
)
def test_a_url_that_is_asked_for_as_of_a_proxy_stands_for_its_path(
    server: Running, origin: str, path: str, logged: str
) -> None:
    arm(server, {"status": 200, "body": "here"}, "/~proxied", request={"urlPattern": ".*"})
    answer = server.send_raw(request(f"{origin}{path}", Connection="close"))
    assert answer.endswith(b"here")
    _, _, body = server.request("GET", "/~proxied/__admin/requests")
    assert [call["request"]["url"] for call in json.loads(body)["requests"]] == [logged]


# The status line and the head


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("response", "line", "length", "body", "is_kept"),
    [
        ({"status": 200, "body": "abc"}, "200 OK", "3", b"abc", True),
        ({"status": 201, "body": "abc", "statusMessage": "So be it"}, "201 So be it", "3", b"abc", False),
        ({"status": 418, "statusMessage": "~ !"}, "418 ~ !", "0", b"", False),
        ({"status": 599, "body": "x"}, "599 ", "1", b"x", True),
        ({"status": 599, "statusMessage": "Odd", "body": "x"}, "599 Odd", "1", b"x", False),
        ({"status": 100}, "100 Continue", None, b"", False),
        ({"status": 103, "headers": {"Link": "</a>"}}, "103 Early Hints", None, b"", False),
        ({"status": 199, "statusMessage": "Mine"}, "199 Mine", None, b"", False),
        ({"status": 199, "body": "never sent"}, "199 ", None, b"", False),
        ({"status": 204, "body": "never sent"}, "204 No Content", None, b"", True),
        ({"status": 204, "body": "never sent", "statusMessage": "Gone"}, "204 Gone", None, b"", False),
        ({"status": 304, "body": "never sent"}, "304 Not Modified", "0", b"", True),
    ],
)
def test_status_line_length_and_body(
    server: Running, method: str, response: Any, line: str, length: str | None, body: bytes, is_kept: bool
) -> None:
    arm(server, response)
    with server.raw() as connection:
        connection.sendall(request("/armed", method=method))
        told, pairs = head_of(connection)
        headers = dict(pairs)
        assert len(headers) == len(pairs)
        assert (told, headers.get("content-length")) == (f"HTTP/1.1 {line}", length)
        assert "transfer-encoding" not in headers
        assert headers.get("connection") == (None if is_kept else "close")
        sent = b"" if method == "HEAD" else body
        assert exactly(connection, len(sent)) == sent
        if is_kept:  # exactly this was sent: the next answer comes right behind it
            connection.sendall(request("/event/", b"{}"))
            assert head_of(connection)[0] == "HTTP/1.1 400 Bad Request"
        else:
            assert rest(connection) == (b"", "closed")
    (call,) = [call for call in server.calls() if call["request"]["url"] == "/armed"]
    assert call["response"]["status"] == response["status"]
    until(lambda: tasks_of(server) == 0)


@pytest.mark.parametrize("phrase", [{}, {"statusMessage": "Mine"}])
def test_headers_of_a_rule_are_not_doubled(server: Running, phrase: Any) -> None:
    own = {
        "Date": "Thu, 01 Jan 1970 00:00:00 GMT", "server": "me", "Access-Control-Allow-Origin": "*", "CONNECTION": "close",
    }  # fmt: skip
    arm(server, {"status": 200, "body": "x", "headers": own, **phrase})
    with server.raw() as connection:
        connection.sendall(request("/armed", Origin="http://page"))
        _, pairs = head_of(connection)
        assert rest(connection) == (b"x", "closed")
    headers = dict(pairs)
    assert len(headers) == len(pairs)
    assert {name.lower(): headers[name.lower()] for name in own} == {
        name.lower(): value for name, value in own.items()
    }
    assert {"x-mock-call-id", "matched-stub-id", "content-length"} <= set(headers)


def test_a_list_of_values_is_a_line_each_and_vary_is_added_to(server: Running) -> None:
    arm(server, {"status": 200, "headers": {"Set-Cookie": ["a=1", "b=2"], "Vary": "Accept"}})
    with server.raw() as connection:
        connection.sendall(request("/armed", Origin="http://page"))
        _, pairs = head_of(connection)
    assert [value for name, value in pairs if name == "set-cookie"] == ["a=1", "b=2"]
    assert [value for name, value in pairs if name == "vary"] == ["Accept", "Origin"]


def test_without_its_own_a_rule_has_the_date_of_the_mock(server: Running) -> None:
    arm(server, {"status": 200, "statusMessage": "Mine"})
    server.request("PUT", "/__admin/clock", {"now": "2031-02-03T04:05:06Z", "frozen": True})
    with server.raw() as connection:
        connection.sendall(request("/armed"))
        headers = dict(head_of(connection)[1])
    assert headers["server"] == "mockserver"
    assert parsedate_to_datetime(headers["date"]).isoformat() == "2031-02-03T04:05:06+00:00"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("a\x01b\x7fc", "a b c"),
        ("\x1b[31mred\x0b\x0c\x08", "[31mred"),
        ("  padded\t ", "padded"),
        ("a\tb\x85\xa0c", "a\tb\x85\xa0c"),
        ("", ""),
    ],
)
def test_no_value_breaks_a_header_line(
    server: Running, value: str, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    arm(server, {"status": 200, "headers": {"X-Value": value}}, name=value)
    with server.raw() as connection:
        connection.sendall(request("/armed"))
        line, headers, _ = answer_of(connection)
    assert (line, headers["x-value"]) == ("HTTP/1.1 200 OK", sent)
    assert headers.get("matched-stub-name", "") == sent
    assert caplog.records == []


def test_the_api_answers_a_head_request_as_it_did_before(server: Running) -> None:
    """And one to a rule has the head of the GET, length included."""
    arm(server, {"status": 200, "jsonBody": {"a": 1}})
    with server.raw() as connection:
        heads = []
        for method in ("GET", "HEAD", "GET"):
            connection.sendall(request("/armed", method=method))
            line, pairs = head_of(connection)
            headers = dict(pairs)
            if method == "GET":
                assert exactly(connection, int(headers["content-length"])) == b'{"a":1}'
            heads.append((line, headers["content-length"], headers["content-type"]))
    assert heads == [("HTTP/1.1 200 OK", "7", "application/json")] * 3


# Held back


def trigger(**headers: str) -> bytes:
    sent = {"Authorization": "ApiKey k", "Content_Type": "application/json", **headers}
    return request("/v1/events/trigger", json.dumps(TRIGGER).encode(), **sent)


def test_a_call_that_is_held_back_is_in_the_journal_and_counted(held: Running, gate: Gate) -> None:
    arm(held, {"fixedDelayMilliseconds": 1_500}, request={"api": "novu"}, after="checks")
    held.request("POST", "/__admin/settings", {"fixedDelay": 500})
    pattern = {"api": "novu", "outcome": "admitted"}
    with held.raw() as connection:
        connection.sendall(trigger())
        gate.reached(1)
        (call,) = held.calls()
        assert (call["request"]["mock"]["state"], "response" in call) == ("waiting", False)
        for route, found in (("count", {"count": 1}), ("find", None), ("wait", {"count": 1})):
            status, _, body = held.request("POST", f"/__admin/requests/{route}", pattern)
            shown = json.loads(body)
            assert status == 200
            assert shown.get("count") == (found or shown).get("count")
            for each in shown.get("requests", ()):
                assert each["mock"]["state"] == "waiting"
        gate.release()
        assert answer_of(connection)[0] == "HTTP/1.1 201 Created"
    (call,) = held.calls()
    assert (call["request"]["mock"]["state"], call["response"]["status"]) == ("answered", 201)
    assert (gate.asked, call["timing"]["addedDelay"]) == ([2.0], 2_000)


@pytest.mark.parametrize("more", [b"", trigger(), trigger() * 2])
def test_a_client_that_leaves_during_a_delay_is_noticed(held: Running, gate: Gate, more: bytes) -> None:
    """Also one that had already sent its next requests."""
    arm(held, {"status": 200, "body": "never read", "fixedDelayMilliseconds": 60_000})
    with held.raw() as connection:
        connection.sendall(request("/armed") + more)
        gate.reached(1)
    until(lambda: state_of(held) == "aborted")
    (call,) = held.calls()
    assert "response" not in call
    until(lambda: tasks_of(held) == 0)


def test_a_key_is_held_during_a_delay(held: Running, gate: Gate) -> None:
    arm(held, {"fixedDelayMilliseconds": 60_000}, request={"api": "novu"}, after="checks", times=1)
    with held.raw() as connection:
        connection.sendall(trigger(Idempotency_Key="k"))
        gate.reached(1)
        assert held.trigger(headers={"Idempotency-Key": "k"})[0] == 409
        assert held.trigger(headers={"Idempotency-Key": "other"})[0] == 201
        gate.release()
        assert answer_of(connection)[0] == "HTTP/1.1 201 Created"
    status, headers, _ = held.trigger(headers={"Idempotency-Key": "k"})
    assert (status, headers["idempotency-replay"]) == (201, "true")
    reasons = [call["request"]["mock"]["reason"] for call in reversed(held.calls())]
    assert reasons == [None, "in-flight", None, None]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/requests"), ("POST", "/reset")])
def test_what_was_forgotten_while_it_was_held_back_stays_forgotten(
    held: Running, gate: Gate, method: str, path: str
) -> None:
    arm(held, {"status": 200, "fixedDelayMilliseconds": 60_000})
    with held.raw() as connection:
        connection.sendall(request("/armed"))
        gate.reached(1)
        assert held.request(method, f"/__admin{path}")[0] == 200
        gate.release()
        assert answer_of(connection)[0] == "HTTP/1.1 200 OK"
    assert held.calls() == []


# Bit by bit


def drip(pieces: int, body: str, **more: Any) -> dict[str, Any]:
    dribble = {"numberOfChunks": pieces, "totalDuration": 6_000}
    return {"status": 200, "body": body, "chunkedDribbleDelay": dribble, **more}


@pytest.mark.parametrize("phrase", ["", "Drop by drop"])
def test_the_pieces_of_a_body_come_one_by_one(held: Running, gate: Gate, phrase: str) -> None:
    arm(held, drip(3, "abcdefgh", fixedDelayMilliseconds=1_000, statusMessage=phrase))
    with held.raw() as connection:
        connection.sendall(request("/armed", Connection="close"))
        gate.release()  # the delay before it
        line, headers = head_of(connection)
        assert (line, dict(headers)["content-length"]) == (f"HTTP/1.1 200 {phrase or 'OK'}", "8")
        for number, piece in enumerate((b"ab", b"cde", b"fgh"), 1):
            gate.reached(1 + number)
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
            connection.settimeout(10)
            assert state_of(held) == "waiting"
            gate.release()
            assert exactly(connection, len(piece)) == piece
        assert rest(connection) == (b"", "closed")
    until(lambda: state_of(held) == "answered")
    assert gate.asked == [1.0, 2.0, 2.0, 2.0]
    assert held.calls()[0]["response"]["body"] == "abcdefgh"
    until(lambda: tasks_of(held) == 0)


@pytest.mark.parametrize(
    ("pieces", "body", "pauses"),
    [
        (1, "abc", [6.0]),
        (2, "abc", [3.0, 3.0]),
        (7, "abcdefghij", [6 / 7] * 7),
        (5, "ab", [3.0, 3.0]),  # a piece has a byte at least
        (10**12, "abcd", [1.5] * 4),
        (3, "", [6.0]),
    ],
)
@pytest.mark.parametrize("wire", WIRES[:2])
def test_how_many_pieces_there_are(wire: str, pieces: int, body: str, pauses: list[float]) -> None:
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    with wired(wire, sleep=sleep) as server:
        arm(server, drip(pieces, body))
        assert server.request("GET", "/armed")[2] == body.encode()
        until(lambda: state_of(server) == "answered")
        assert asked == pytest.approx(pauses)
        asked.clear()
        assert server.request("HEAD", "/armed")[1]["content-length"] == str(len(body))
        until(lambda: state_of(server) == "answered")
        assert asked == [6.0]


@pytest.mark.parametrize("status", [100, 199, 204, 304])
def test_a_status_that_has_no_body_is_not_sent_in_pieces(server: Running, status: int) -> None:
    arm(
        server,
        {
            **drip(2, "never sent"),
            "status": status,
            "chunkedDribbleDelay": {"numberOfChunks": 2, "totalDuration": 1},
        },
    )
    data = server.send_raw(request("/armed", Connection="close"))
    assert data.startswith(b"HTTP/1.1 %d" % status)
    assert data.endswith(b"\r\n\r\n")
    until(lambda: state_of(server) == "answered")


def test_the_answer_of_the_api_can_be_sent_in_pieces_too(held: Running, gate: Gate) -> None:
    arm(held, {"chunkedDribbleDelay": {"numberOfChunks": 2, "totalDuration": 100}}, request={"api": "novu"})
    with held.raw() as connection:
        connection.sendall(trigger())
        line, pairs = head_of(connection)
        length = int(dict(pairs)["content-length"])
        gate.release()
        first = exactly(connection, length // 2)
        gate.release()
        body = json.loads(first + exactly(connection, length - length // 2))
    assert (line, body["data"]["acknowledged"]) == ("HTTP/1.1 201 Created", True)


@pytest.mark.parametrize("sent", [0, 1])
@pytest.mark.parametrize("phrase", ["", "Drop by drop"])
def test_a_client_that_leaves_in_the_middle_of_the_pieces_is_journaled(
    held: Running, gate: Gate, sent: int, phrase: str
) -> None:
    arm(held, drip(3, "abc", statusMessage=phrase))
    with held.raw() as connection:
        connection.sendall(request("/armed"))
        head_of(connection)
        for _ in range(sent):
            gate.release()
            exactly(connection, 1)
        gate.reached(sent + 1)
        assert state_of(held) == "waiting"
    until(lambda: state_of(held) == "aborted")
    assert "response" not in held.calls()[0]
    until(lambda: tasks_of(held) == 0)


# Stopping


def test_what_is_held_back_when_the_server_stops_is_aborted_and_not_answered_with_an_error(
    gate: Gate,
) -> None:
    calls: list[str] = []
    with running(sleep=gate, on_call=lambda exchange: calls.append(exchange.state)) as server:
        arm(server, {"status": 200, "fixedDelayMilliseconds": 60_000})
        with server.raw() as connection:
            connection.sendall(request("/armed"))
            gate.reached(1)
            server.server.stop()
            assert rest(connection)[0] == b""
    assert calls == ["aborted"]


def test_a_call_in_two_halves_of_which_the_second_never_comes_is_not_answered_with_an_error() -> None:
    with running() as server, server.raw() as connection:
        connection.sendall(request("/event/", b"{}")[:-1])
        until(lambda: tasks_of(server) == 1)
        server.server.stop()
        assert rest(connection)[0] == b""


def test_the_table_of_the_control_plane_knows_the_length_of_its_answers(server: Running) -> None:
    with server.raw() as connection:
        connection.sendall(request("/__admin/health") + request("/__admin/version"))
        for _ in range(2):
            line, headers, body = answer_of(connection)
            assert (line, len(body) > 0) == ("HTTP/1.1 200 OK", True)
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", headers["date"])
