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
