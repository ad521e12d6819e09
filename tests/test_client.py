"""The handle: what was sent, found in every way, on a server in this process and on one elsewhere alike."""

import dataclasses
import inspect
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from mockserver.client import (
    Answer,
    ApiView,
    Call,
    Catalogue,
    Clock,
    ControlError,
    DroppedCallsError,
    Limits,
    MockServer,
    Rule,
)
from mockserver.client.calls import Headers, read_call
from tests.handles import TRIGGER, WELCOME, send

VIEW = {
    "calls", "find", "assert_called", "assert_called_once", "assert_called_times", "assert_not_called", "wait_for",
    "wait_for_async", "respond", "delay", "fault", "retries", "assert_retries_ok", "url",
}  # fmt: skip
SURFACE: dict[type, set[str]] = {
    MockServer: VIEW | {
        "connect", "api", "clock", "limits", "catalogue", "namespace", "namespaces", "forget", "dropped", "reset", "clear",
        "export", "stop",
    },
    ApiView: VIEW | {"name"},
    Clock: {"now", "is_frozen", "advance", "set", "freeze", "release"},
    Limits: {"set", "switch_off", "enforce"},
    Catalogue: {"add", "remove", "names", "refuse_unknown", "clear"},
    Rule: {"id", "mapping", "served", "remaining", "remove"},
    Answer: {"status", "headers", "body", "json"},
    Call: {
        "number", "id", "api", "operation", "method", "path", "query", "headers", "body", "status", "outcome", "reason",
        "findings", "deviations", "repeat_of", "rule", "fault", "published", "state", "name", "recipient", "items", "received",
        "answer", "json", "text",
    },
}  # fmt: skip
"""Every public name: one more, or one less, is a change for users."""


@pytest.mark.parametrize("of", SURFACE, ids=lambda of: of.__name__)
def test_the_surface_is_what_it_is_and_described(of: type) -> None:
    named = {name for name in dir(of) if not name.startswith("_")}
    attributes = {"url", "name"} if of is ApiView else set()
    assert named | attributes == SURFACE[of]
    members = [getattr(of, name) for name in named]
    assert [each for each in members if callable(each) or isinstance(each, property)]
    assert [
        each
        for each in members
        if (inspect.isfunction(each) or isinstance(each, property)) and not inspect.getdoc(each)
    ] == []
    assert inspect.getdoc(of)


def test_calls_are_there_as_they_were_sent_and_answered(mock: MockServer) -> None:
    before = datetime.now(UTC)
    got = send(mock, WELCOME, {"X-Twice": "1", "Idempotency-Key": "k"}, path=f"{TRIGGER}?a=1&b=%20")
    (call,) = mock.calls
    assert {field.name: getattr(call, field.name) for field in dataclasses.fields(call)} == {
        "number": 1, "id": got.headers["x-mock-call-id"], "api": "novu", "operation": "EventsController_trigger",
        "method": "POST", "path": TRIGGER, "query": "a=1&b=%20", "headers": call.headers,
        "body": json.dumps(WELCOME).encode(), "status": 201, "outcome": "admitted", "reason": None, "findings": (),
        "deviations": call.deviations, "repeat_of": None, "rule": None, "fault": None, "published": True, "state": "answered",
        "name": "welcome", "recipient": "ada", "items": (), "received": call.received, "answer": call.answer,
    }  # fmt: skip
    assert call.json == WELCOME
    assert call.text == json.dumps(WELCOME)
    assert call.headers["AUTHORIZATION"] == "ApiKey s3cret-key"  # tests assert on what was really sent
    assert before.timestamp() - 0.002 <= call.received.timestamp() <= datetime.now(UTC).timestamp()
    assert call.received.tzinfo is UTC
    assert call.answer is not None
    assert (call.answer.status, call.answer.body, call.answer.json) == (201, got.body, json.loads(got.body))
    assert call.answer.headers["x-mock-call-id"] == call.id
    assert len({call, *mock.calls}) == 1
    assert mock.calls == [call]


def test_what_became_of_calls(mock: MockServer) -> None:
    rule = mock.respond(418, when={"path": "/teapot"})
    keyed = {"Idempotency-Key": "k"}
    send(mock, WELCOME, keyed)
    send(mock, WELCOME, keyed)
    send(mock, {"name": "welcome"})
    send(mock, b"\xffno json")
    send(mock, path="/v1/event/trigger")
    send(mock, path="/teapot")
    mock.fault("EMPTY_RESPONSE")
    with pytest.raises(ConnectionError):
        send(mock)
    told = [
        (call.status, call.outcome, call.reason, call.repeat_of, call.rule, call.fault) for call in mock.calls
    ]
    assert told == [
        (201, "admitted", None, None, None, None),
        (201, "repeated", None, 1, "idempotency-key", None),
        (422, "refused", "invalid", None, None, None),
        (400, "refused", "malformed", None, None, None),
        (404, "refused", "no-route", None, None, None),
        (418, "scripted", None, None, told[5][4], None),
        (told[6][0], "scripted", None, None, told[6][4], "EMPTY_RESPONSE"),
    ]
    assert rule.served == 1
    calls = mock.calls
    assert [(each["pointer"], each["message"]) for each in calls[2].findings] == [("/to", "is required")]
    assert (calls[3].body, calls[3].text) == (b"\xffno json", "\ufffdno json")
    with pytest.raises(ValueError, match="."):
        _ = calls[3].json
    assert (calls[4].api, calls[4].operation) == (None, None)
    assert calls[6].answer is None
    assert [repr(call) for call in calls] == [
        f"<Call #1 POST {TRIGGER} 201 welcome → ada>",
        f"<Call #2 POST {TRIGGER} 201 repeated welcome → ada>",
        f"<Call #3 POST {TRIGGER} 422 invalid welcome>",
        f"<Call #4 POST {TRIGGER} 400 malformed>",
        "<Call #5 POST /v1/event/trigger 404 no-route>",
        "<Call #6 POST /teapot 418 scripted>",
        f"<Call #7 POST {TRIGGER} {told[6][0]} EMPTY_RESPONSE welcome → ada>",
    ]


def test_headers_are_found_whatever_their_case() -> None:
    headers = Headers({"X-One": "1", "X-Many": ["a", "b"]})
    assert (headers["x-one"], headers["X-MANY"], headers.get("x-none"), "x-many" in headers) == ("1", "a, b", None, True)  # fmt: skip
    assert (list(headers), len(headers), dict(headers)) == (
        ["X-One", "X-Many"],
        2,
        {"X-One": "1", "X-Many": "a, b"},
    )
    assert repr(headers) == "{'X-One': '1', 'X-Many': 'a, b'}"
    with pytest.raises(KeyError):
        headers["x-none"]


def test_a_call_that_waits_has_no_answer_yet(mock: MockServer) -> None:
    send(mock)
    found = mock._connection.ask("POST", "/requests/find?response=true", {}).value["requests"][0]
    assert read_call(found) == mock.calls[0]
    assert read_call({**found, "mock": {**found["mock"], "response": None}}).answer is None


# Which calls a pattern finds

SENT: list[dict[str, Any]] = [
    {"body": {"name": "welcome", "to": ["ada"], "payload": {"items": [1, 2, 3]}}},
    {"body": {"name": "bye", "to": ["bob"]}, "path": f"{TRIGGER}?dry=true&tag=a&tag=b"},
    {"body": {"name": "welcome"}, "headers": {"X-Kind": "test"}},
    {"path": "/event/", "body": b"\x00\xff", "headers": {"Content-Type": "text/plain"}},
    {"path": "/nowhere", "method": "PUT", "body": "text"},
    {"body": b"null"},
]
FOUND: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4, 5, 6]),
    ({"api": "novu"}, [1, 2, 3, 6]),
    ({"api": None, "method": None, "path": None, "query": None, "headers": None, "matching": None, "reason": None}, [1, 2, 3, 4, 5, 6]),
    ({"operation": "EventsController_trigger"}, [1, 2, 3, 6]),
    ({"method": "put"}, [5]),
    ({"path": TRIGGER}, [1, 2, 3, 6]),
    ({"path": f"{TRIGGER}?dry=true"}, []),
    ({"query": {"dry": "true"}}, [2]),
    ({"query": {"dry": True}}, [2]),
    ({"query": {"dry": None}}, [1, 3, 4, 5, 6]),
    ({"query": {"tag": "b"}}, [2]),
    ({"query": {"tag": ["b", "a"]}}, [2]),
    ({"query": {"tag": ["a"]}}, []),
    ({"query": {"tag": {"matches": "[xa]"}}}, [2]),
    ({"headers": {"x-kind": "test"}}, [3]),
    ({"headers": {"X-Kind": None}}, [1, 2, 4, 5, 6]),
    ({"headers": {"Content-Type": {"contains": "plain"}}}, [4]),
    ({"headers": {"Content-Length": 4}}, [6]),
    ({"body": {"name": "welcome"}}, [1, 3]),
    ({"body": {"name": "welcome", "payload": {}}}, [1]),
    ({"body": {"payload": {"items": [1, 2]}}}, []),
    ({"body": {"payload": {"items": [1, 2, 3]}}}, [1]),
    ({"status": 201, "name": "welcome"}, [1]),
    ({"body": {"payload": {"items": [1, 3]}}}, []),
    ({"body": b"\x00\xff"}, [4]),
    ({"body": "text"}, [5]),
    ({"body": None}, [6]),
    ({"outcome": "refused", "api": "novu"}, [3, 6]),
    ({"reason": "no-route"}, [5]),
    ({"matching": {"urlPathPattern": "/n.*"}}, [5]),
    ({"body": {"name": "welcome"}, "matching": {"bodyPatterns": [{"matchesJsonPath": "$.to"}]}}, [1]),
    ({"query": {"dry": "true"}, "matching": {"queryParameters": {"tag": {"equalTo": "c"}}}}, []),
    ({"headers": {"X-Kind": "test"}, "matching": {"headers": {"Accept-Encoding": {"matches": ".*"}}}}, [3]),
]  # fmt: skip


@pytest.mark.parametrize("namespace", [None, "a-1"])
def test_a_pattern_finds(mock: MockServer, namespace: str | None) -> None:
    world = mock if namespace is None else mock.namespace(namespace)
    for each in SENT:
        send(world, **each)
    assert [
        (pattern, numbers)
        for pattern, numbers in FOUND
        if [call.number for call in world.find(**pattern)] != numbers
    ] == []
    assert world.calls == world.find() == world.wait_for(6) == world.assert_called()
    assert mock.dropped == 0


def test_of_one_api_only_its_calls_are_seen(mock: MockServer) -> None:
    for each in SENT:
        send(mock, **each)
    novu = mock.api("novu")
    assert (novu.name, novu.url) == ("novu", mock.url)
    assert [call.number for call in novu.calls] == [1, 2, 3, 6]
    assert [call.number for call in novu.find(method="POST", body={"name": "welcome"})] == [1, 3]
    assert novu.assert_called_once(body={"name": "bye"}).number == 2
    assert [call.number for call in novu.assert_called_times(2, body={"name": "welcome"})] == [1, 3]
    assert [call.number for call in novu.assert_called(outcome="admitted")] == [1, 2]
    assert [call.number for call in novu.wait_for(4, timeout=0)] == [1, 2, 3, 6]
    novu.assert_not_called(path="/event/")
    mock.api("alloy").assert_not_called()


# Namespaces, and beginning anew


def test_a_namespace_is_a_world_of_its_own(mock: MockServer) -> None:
    one, two = mock.namespace("one"), mock.namespace("two.2_-")
    assert (one.url, one.api("novu").url) == (f"{mock.url}/~one", f"{mock.url}/~one")
    for world in (mock, one, one):
        send(world)
    one.api("novu").respond(503)
    one.clock.advance("2d")
    one.limits["novu"] = "1/1h"
    one.catalogue.add("novu", "known")
    assert [len(world.calls) for world in (mock, one, two)] == [1, 2, 0]
    assert [send(world).status for world in (mock, two, one)] == [201, 201, 503]
    assert (two.clock.now() - mock.clock.now()).total_seconds() < 1
    assert mock.namespaces() == ["one", "two.2_-"]
    assert two.namespace("one").calls == one.calls
    one.reset()
    assert (one.calls, len(mock.calls), send(one).status) == ([], 2, 201)
    with one as held:
        held.stop()
    assert len(one.calls) == 1  # only who has started a server stops it
    mock.forget("one")
    assert mock.namespaces() == ["two.2_-"]
    assert MockServer.connect(f"{mock.url}/~two.2_-/").calls == two.calls


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 65, "~a"])
def test_a_name_that_no_namespace_can_have(mock: MockServer, name: str) -> None:
    for use in (mock.namespace, mock.forget):
        with pytest.raises(ValueError, match="is not the name of a namespace; use 1 to 64 letters, digits"):
            use(name)


def test_a_namespace_that_is_not_there_cannot_be_forgotten(mock: MockServer) -> None:
    with pytest.raises(ControlError, match="there is no namespace 'gone'") as caught:
        mock.forget("gone")
    assert caught.value.status == 404


def test_clearing_forgets_calls_and_resetting_everything(mock: MockServer) -> None:
    send(mock, headers={"Idempotency-Key": "k"})
    mock.respond(503, times=None)
    mock.clear()
    assert (mock.calls, send(mock).status, mock.calls[0].number) == ([], 503, 2)
    mock.reset()
    assert mock.calls == []
    assert (send(mock, headers={"Idempotency-Key": "k"}).status, mock.calls[0].outcome) == (201, "admitted")


# What leaves


@pytest.mark.parametrize("form", ["har", "jsonl", "curl", "pytest", "text"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_calls_in_every_form(mock: MockServer, form: Any, count: int) -> None:
    for number in range(count):
        send(mock, {"name": f"n-{number}", "to": ["ada"]})
    text = mock.export(form)
    assert "s3cret" not in text
    assert [f"n-{number}" in text for number in range(4)] == [number < count for number in range(4)]
    if form == "har":
        assert len(json.loads(text)["log"]["entries"]) == count
    if form in {"jsonl", "text"}:
        assert len(text.splitlines()) == count
    if count == 3:
        narrowed = mock.export(form, "n-1")
        assert ["n-1" in narrowed, "n-2" in narrowed] == [True, False]


def test_an_export_that_cannot_be(mock: MockServer) -> None:
    with pytest.raises(ControlError, match="format: 'zip' is not a format; there are har, jsonl, curl, text, pytest"):  # fmt: skip
        mock.export("zip")  # type: ignore[arg-type]
    with pytest.raises(ControlError, match="."):
        mock.export("text", "status:(")


def test_retries_are_audited(mock: MockServer) -> None:
    mock.api("novu").respond(429, retry_after=60)
    send(mock, headers={"Idempotency-Key": "k"})
    mock.assert_retries_ok()
    send(mock, headers={"Idempotency-Key": "k"})
    (audited,) = mock.retries()
    assert [attempt["status"] for attempt in audited["attempts"]] == [429, 201]
    assert mock.api("novu").retries() == [audited]
    assert mock.api("alloy").retries() == []
    with pytest.raises(AssertionError) as caught:
        mock.assert_retries_ok()
    assert re.fullmatch(
        r"1 rule of retrying broken\n"
        r"  retry-after-honoured: retried [0-9.]+ s after a 429 that asked for 60 s \(call #2\)",
        str(caught.value),
    )
    mock.api("alloy").assert_retries_ok()


def test_what_was_dropped_is_said_where_it_matters() -> None:
    with MockServer(keep="2") as mock:
        for _ in range(2):
            send(mock)
        assert (mock.dropped, len(mock.calls)) == (0, 2)
        mock.assert_called_times(2)
        send(mock)
        assert (mock.dropped, mock.export("text").count("\n")) == (1, 2)
        told = "the journal has dropped 1 call, so this cannot be told; keep more of them"
        uncertain = [
            lambda: mock.calls,
            mock.find,
            mock.retries,
            lambda: mock.assert_called(path="/nowhere"),
            lambda: mock.assert_called_times(2),
            lambda: mock.assert_called_times(3),
            lambda: mock.assert_called_once(path="/nowhere"),
            lambda: mock.assert_not_called(path="/nowhere"),
            lambda: mock.wait_for(3, timeout=0),
            mock.assert_retries_ok,
        ]
        for ask in uncertain:
            with pytest.raises(DroppedCallsError, match=told) as caught:
                ask()
            assert caught.value.dropped == 1
        assert len(mock.assert_called()) == len(mock.wait_for(2, timeout=0)) == 2
        with pytest.raises(AssertionError, match="expected 1 call, got 2 of 2 recorded calls"):
            mock.assert_called_once()
        with pytest.raises(AssertionError, match="expected 0 calls, got 2"):
            mock.assert_not_called()
