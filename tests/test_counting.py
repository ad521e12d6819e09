"""Counting, finding, waiting and removing over HTTP: the same table of patterns that the engine is held to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pattern_table import ALL, IDS, TABLE, play
from tests.serving import Running, running

AT_NOON = {"now": "2026-11-20T12:00:00Z", "frozen": True}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as server:
        server.request("PUT", "/__admin/clock", AT_NOON)
        play(server.address)
        yield server


def ask(server: Running, path: str, body: Any, prefix: str = "") -> tuple[int, Any]:
    status, _, answered = server.request("POST", f"{prefix}/__admin{path}", body)
    return status, json.loads(answered)


def numbers(requests: list[Any]) -> list[int]:
    return [each["mock"]["number"] for each in requests]


@pytest.mark.parametrize(("pattern", "matched"), TABLE, ids=IDS)
def test_what_matches_is_counted_found_and_waited_for(
    server: Running, pattern: dict[str, Any], matched: set[int]
) -> None:
    count = len(matched)
    assert ask(server, "/requests/count", pattern) == (200, {"count": count, "requestJournalDisabled": False})
    status, found = ask(server, "/requests/find", pattern)
    assert (status, numbers(found["requests"])) == (200, sorted(matched))
    if count:
        status, waited = ask(server, "/requests/wait", {**pattern, "count": count})
        assert (status, waited["count"], waited["requests"]) == (200, count, found["requests"])
    status, waited = ask(server, "/requests/wait", {**pattern, "count": count + 1, "timeoutMilliseconds": 0})
    assert (status, waited["count"], waited["requests"]) == (408, count, found["requests"])
    assert waited["errors"] == [{"code": 408, "title": f"{count} of {count + 1} calls after 0 ms"}]


@pytest.mark.parametrize(("pattern", "matched"), TABLE, ids=IDS)
def test_what_matches_is_removed(server: Running, pattern: dict[str, Any], matched: set[int]) -> None:
    prefix = "/~removing"
    server.request("PUT", f"{prefix}/__admin/clock", AT_NOON)
    play(server.address, prefix)
    try:
        status, removed = ask(server, "/requests/remove", pattern, prefix)
        assert status == 200
        assert set(numbers([each["request"] for each in removed["serveEvents"]])) == matched
        left = ask(server, "/requests/find", {}, prefix)[1]["requests"]
        assert set(numbers(left)) == ALL - matched
        assert ask(server, "/requests/count", pattern, prefix)[1]["count"] == 0
    finally:
        server.request("DELETE", "/__admin/namespaces/removing")


@pytest.mark.parametrize("path", ["count", "find", "remove", "wait", "near-misses/request-pattern"])
@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"foo": 1}, {"/foo": "foo is no member of a request pattern"}),
        ({"a/b~": 1}, {"/a~1b~0": "a/b~ is no member of a request pattern"}),
        ({"bodyPatterns": [{"foo": 1}]}, {"/bodyPatterns/0": '{"foo":1} is not a valid match operation'}),
        (
            {"headers": {"X-A": {"equalTo": 5}}, "method": 5, "outcome": "x", "api": "novo"},
            {
                "/headers/X-A": "equalTo operand must be a non-null string",
                "/method": "must be a text, not 5",
                "/outcome": '"x" is no outcome; there are admitted, repeated, refused, scripted',
                "/api": '"novo" is no api; did you mean novu?',
            },
        ),
        (b"", {"/": "the body is empty; send JSON"}),
        (b" \n", {"/": "the body is empty; send JSON"}),
        (b"{", {None: "the body is not valid JSON: expecting property name enclosed in double quotes at line 1, column 2"}),
        (b"\xff", {None: "the body is not valid UTF-8 at byte 0"}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(
    server: Running, path: str, body: Any, faults: dict[str | None, str]
) -> None:
    status, answered = ask(server, f"/requests/{path}", body)
    assert status == 422
    assert {each["source"].get("pointer"): each["detail"] for each in answered["errors"]} == faults
    assert {(each["code"], each["title"]) for each in answered["errors"]} == {(10, "Error parsing JSON")}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"count": 0}, ["/count"]),
        ({"count": True}, ["/count"]),
        ({"count": "1"}, ["/count"]),
        ({"count": 1.5}, ["/count"]),
        ({"timeoutMilliseconds": -1}, ["/timeoutMilliseconds"]),
        ({"timeoutMilliseconds": 60001}, ["/timeoutMilliseconds"]),
        ({"count": [], "timeoutMilliseconds": "5s"}, ["/count", "/timeoutMilliseconds"]),
        ([], [""]),
    ],
)
def test_how_long_and_for_how_many_can_be_waited(server: Running, body: Any, pointers: list[str]) -> None:
    status, answered = ask(server, "/requests/wait", body)
    assert status == 422
    assert [each["source"]["pointer"] for each in answered["errors"]] == pointers


def test_nulls_are_not_sent(server: Running) -> None:
    asked = {"method": "DELETE", "count": None, "timeoutMilliseconds": None}
    assert ask(server, "/requests/wait", asked)[0] == 200


# What came near


def test_calls_that_come_near_a_pattern(server: Running) -> None:
    pattern = {"method": "POST", "urlPath": "/event/", "api": "suprsend", "outcome": "repeated", "url": None}
    answers = [
        ask(server, path, pattern)
        for path in ("/near-misses/request-pattern", "/requests/near-misses/request-pattern")
    ]
    assert answers[0] == answers[1]
    misses = answers[0][1]["nearMisses"]
    assert all(set(each) == {"request", "requestPattern", "matchResult"} for each in misses)
    assert [each["requestPattern"] for each in misses] == [{"method": "POST", "urlPath": "/event/"}] * 3
    assert [each["matchResult"]["distance"] for each in misses] == [0.25, 0.25, 0.5]
    assert numbers([each["request"] for each in misses]) == [6, 4, 8]
    told = {"pointer": "/mock/outcome", "expected": "repeated", "actual": "refused"}
    difference = {"type": "DIFFERENCE", "timeOffsetNanos": 0, "data": told}
    assert misses[0]["matchResult"] == {"distance": 0.25, "subEvents": [difference], "diffDescriptions": []}


@pytest.mark.parametrize(
    ("request_", "names", "distances"),
    [
        ({"url": "/event/", "method": "GET"}, ["suprsend event-api"], [0.5]),
        ({"url": "/v1/events/trigge", "method": "POST"}, ["novu EventsController_trigger"], [0.5]),
        ({"url": "/zzz", "method": "POST", "headers": {"X-Rule": ["a", "b"]}, "body": "x"}, ["the rule"], [0.3333]),
        ({"url": "/ruled?x=1", "method": "POST", "headers": {"x-rule": "b"}, "bodyAsBase64": "eA=="}, ["the rule"], [0.0]),
    ],
)  # fmt: skip
def test_rules_and_operations_that_come_near_a_request(
    server: Running, request_: Any, names: list[str], distances: list[float]
) -> None:
    prefix = "/~near"
    rule = {
        "name": "the rule",
        "request": {
            "urlPath": "/ruled",
            "headers": {"X-Rule": {"equalTo": "b"}},
            "bodyPatterns": [{"equalTo": "x"}],
        },
    }
    ask(server, "/reset", {}, prefix)
    ask(server, "/mappings", rule, prefix)
    status, found = ask(server, "/near-misses/request", request_, prefix)
    misses = found["nearMisses"][: len(names)]
    assert (status, [each["stubMapping"]["name"] for each in misses]) == (200, names)
    assert all(each["request"] == request_ and len(found["nearMisses"]) <= 3 for each in misses)
    assert [each["matchResult"]["distance"] for each in misses] == distances


def test_of_rules_that_are_equally_near_the_likest_path_comes_first(server: Running) -> None:
    prefix = "/~alike"
    for path in ("/payments", "/orders", "/invoices"):
        ask(server, "/mappings", {"name": path, "request": {"method": "PUT", "urlPath": path}}, prefix)
    misses = ask(server, "/near-misses/request", {"url": "/payment", "method": "PUT"}, prefix)[1][
        "nearMisses"
    ]
    assert misses[0]["stubMapping"]["name"] == "/payments"
    assert {each["matchResult"]["distance"] for each in misses} == {0.5}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({"url": 5}, ""),
        ({"url": "/", "headers": ["a"]}, "/headers"),
        ({"url": "/", "bodyAsBase64": "!"}, "/bodyAsBase64"),
        ({"url": "/", "bodyAsBase64": "é"}, "/bodyAsBase64"),
    ],
)
def test_a_request_that_cannot_be_read(server: Running, body: Any, pointer: str) -> None:
    status, answered = ask(server, "/near-misses/request", body)
    assert (status, [each["source"]["pointer"] for each in answered["errors"]]) == (422, [pointer])


def test_what_nobody_took_was_meant_for_something(server: Running) -> None:
    status, _, body = server.request("GET", "/__admin/requests/unmatched/near-misses")
    misses = json.loads(body)["nearMisses"]
    assert status == 200
    assert {each["request"]["mock"]["number"] for each in misses} <= {7, 8, 10, 11, 12}
    meant = [each for each in misses if each["request"]["mock"]["number"] == 8]
    assert meant[0]["stubMapping"] == {
        "name": "suprsend event-api", "request": {"method": "POST", "urlPath": "/event/"}, "response": {"status": 202},
    }  # fmt: skip
    assert set(meant[0]) == {"request", "stubMapping", "matchResult"}
