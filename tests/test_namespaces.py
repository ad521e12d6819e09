"""Namespaces over HTTP: worlds that do not notice each other, how one is named, and how many there may be."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver import stage as stage_module
from tests.serving import JSON, TRIGGER, Running, running

KEY = {"Idempotency-Key": "k"}
SENT = {"Authorization": "ApiKey k", **JSON}
RULE = {"request": {"method": "POST"}, "response": {"status": 299, "body": "ruled"}}
HEADER = "X-Mock-Namespace"


@pytest.fixture
def server() -> Iterator[Running]:
    with running() as server:
        yield server


def ask(server: Running, method: str, path: str, body: Any = None, prefix: str = "", **headers: str) -> Any:
    _, _, answered = server.request(method, f"{prefix}/__admin{path}", body, headers)
    return json.loads(answered)


def send(server: Running, prefix: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    return server.request("POST", f"{prefix}/v1/events/trigger", TRIGGER, {**SENT, **headers})


def count(server: Running, prefix: str = "") -> int:
    return int(ask(server, "GET", "/requests", prefix=prefix)["meta"]["total"])


def names(server: Running) -> list[str]:
    return [each["name"] for each in ask(server, "GET", "/namespaces")["namespaces"]]


def test_two_worlds_with_the_same_keys_do_not_notice_each_other(server: Running) -> None:
    for prefix in ("/~one", "/~two"):
        ask(server, "PUT", "/clock", {"now": "2026-01-01T00:00:00Z", "frozen": True}, prefix)
        assert "idempotency-replay" not in send(server, prefix, **KEY)[1]
    ask(server, "POST", "/clock/advance", {"by": "25h"}, "/~two")
    one, two = send(server, "/~one", **KEY)[1], send(server, "/~two", **KEY)[1]
    assert (one["idempotency-replay"], one["date"]) == ("true", "Thu, 01 Jan 2026 00:00:00 GMT")
    assert ("idempotency-replay" in two, two["date"]) == (False, "Fri, 02 Jan 2026 01:00:00 GMT")
    assert "idempotency-replay" not in send(server, **KEY)[1]
    dates = {
        prefix: [
            each["request"]["loggedDateString"]
            for each in ask(server, "GET", "/requests", prefix=prefix)["requests"]
        ]
        for prefix in ("/~one", "/~two")
    }
    assert dates == {
        "/~one": ["2026-01-01T00:00:00.000Z"] * 2,
        "/~two": ["2026-01-02T01:00:00.000Z", "2026-01-01T00:00:00.000Z"],
    }
    assert ask(server, "GET", "/clock")["offset"] == "0ms"


@pytest.mark.parametrize(
    ("method", "path", "body", "look", "changed"),
    [
        ("PUT", "/limits/novu", {"limit": 1, "window": "1h"}, "/limits/novu", {"limit": 1}),
        ("PUT", "/catalogue/novu", {"unknown": "refuse"}, "/catalogue/novu", {"unknown": "refuse"}),
        ("PUT", "/catalogue/novu/welcome", {}, "/catalogue/novu", {"names": {"welcome": {}}}),
        ("PUT", "/clock", {"frozen": True}, "/clock", {"frozen": True}),
        ("POST", "/mappings", RULE, "/mappings", {"meta": {"total": 1}}),
        ("POST", "/settings", {"fixedDelay": 1}, "/settings", {"settings": {"proxyPassThrough": False, "fixedDelay": 1}}),
        ("POST", "/mappings", {**RULE, "scenarioName": "s"}, "/scenarios", None),
    ],
)  # fmt: skip
def test_what_is_changed_is_changed_in_one_world(
    server: Running, method: str, path: str, body: Any, look: str, changed: Any
) -> None:
    before = {prefix: ask(server, "GET", look, prefix=prefix) for prefix in ("", "/~two")}
    ask(server, method, path, body, "/~one")
    shown = ask(server, "GET", look, prefix="/~one")
    if changed is None:
        assert [each["name"] for each in shown["scenarios"]] == ["s"]
    else:
        assert {name: shown[name] for name in changed} == changed
    now = {prefix: ask(server, "GET", look, prefix=prefix) for prefix in ("", "/~two")}
    if look == "/clock":
        assert [each["frozen"] for each in now.values()] == [False, False]
    else:
        assert now == before
    ask(server, "POST", "/reset", prefix="/~two")
    ask(server, "POST", "/reset")
    still = ask(server, "GET", look, prefix="/~one")
    assert {name: still[name] for name in changed or ["scenarios"]} == {
        name: shown[name] for name in changed or ["scenarios"]
    }
    ask(server, "POST", "/reset", prefix="/~one")
    if look != "/clock":
        assert ask(server, "GET", look, prefix="/~one") == before["/~two"]


def test_rules_answer_in_their_world_only(server: Running) -> None:
    ask(server, "POST", "/mappings", RULE, "/~one")
    assert [send(server, prefix)[0] for prefix in ("/~one", "/~two", "")] == [299, 201, 201]
    assert [count(server, prefix) for prefix in ("/~one", "/~two", "", "/~three")] == [1, 1, 1, 0]
    ask(server, "DELETE", "/requests", prefix="/~one")
    assert [count(server, prefix) for prefix in ("/~one", "/~two", "")] == [0, 1, 1]
    (event,) = ask(server, "GET", "/requests", prefix="/~two")["requests"]
    assert (event["request"]["url"], event["request"]["mock"]["namespace"]) == ("/v1/events/trigger", "two")
    assert server.request("GET", f"/~two/__admin/requests/{event['id']}")[0] == 200
    assert server.request("GET", f"/~one/__admin/requests/{event['id']}")[0] == 404
    assert server.request("GET", f"/__admin/requests/{event['id']}")[0] == 404


# How a world is named


@pytest.mark.parametrize(
    ("prefix", "headers", "world"),
    [
        ("", {}, ""),
        ("/~one", {}, "one"),
        ("//~one", {}, "one"),
        ("/%7Eone", {}, "one"),
        ("/%7eone", {}, "one"),
        ("", {HEADER: "one"}, "one"),
        ("", {HEADER.lower(): "one"}, "one"),
        ("/~one", {HEADER: "two"}, "one"),
        ("/~ONE", {}, "ONE"),
        ("/~a.b_c-1", {}, "a.b_c-1"),
        (f"/~{'x' * 64}", {}, "x" * 64),
    ],
)
def test_the_prefix_wins_over_the_header(
    server: Running, prefix: str, headers: dict[str, str], world: str
) -> None:
    assert send(server, prefix, **headers)[0] == 201
    listed = ask(server, "GET", "/namespaces")["namespaces"]
    assert listed == [
        {"name": "", "calls": 0 if world else 1},
        *([{"name": world, "calls": 1}] if world else []),
    ]
    found = ask(server, "GET", "/requests", None, prefix, **headers)
    assert found["requests"][0]["request"]["mock"]["namespace"] == world
    assert found["requests"][0]["request"]["url"] == "/v1/events/trigger"


NOT_A_NAME = "is not the name of a namespace; use 1 to 64 letters, digits, dots, hyphens and underscores"


@pytest.mark.parametrize(
    ("prefix", "headers", "name"),
    [
        ("/~", {}, ""),
        (f"/~{'x' * 65}", {}, "x" * 65),
        ("/~a%20b", {}, None),
        ("/~a:b", {}, "a:b"),
        ("/~a~b", {}, "a~b"),
        ("", {HEADER: ""}, ""),
        ("", {HEADER: "a b"}, "a b"),
        ("", {HEADER: "a, b"}, "a, b"),
        ("", {HEADER: "~a"}, "~a"),
        ("", {HEADER: "caf\xe9"}, "caf\xe9"),
        ("/~", {HEADER: "one"}, ""),
    ],
)
@pytest.mark.parametrize("path", ["/v1/events/trigger", "/__admin/requests/count"])
def test_names_that_none_can_have(
    server: Running, prefix: str, headers: dict[str, str], name: str | None, path: str
) -> None:
    status, answered, body = server.request("POST", prefix + path, TRIGGER, {**SENT, **headers})
    problem = json.loads(body)
    assert (status, answered["content-type"]) == (400, "application/problem+json")
    assert (problem["type"], problem["status"]) == ("urn:mockserver:namespace", 400)
    assert problem["detail"].endswith(NOT_A_NAME)
    if name is not None:
        assert problem["detail"] == f"{name!r} {NOT_A_NAME}"
    assert names(server) == [""]
    assert count(server) == 0


# When it begins, when it ends, how many there are


@pytest.mark.parametrize(
    "path",
    ["/requests", "/mappings", "/clock", "/limits/novu", "/catalogue/novu", "/scenarios", "/settings", "/health", "/namespaces", "/requests/unmatched", "/export?format=har"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_look_makes_no_world(server: Running, method: str, path: str) -> None:
    assert server.request(method, f"/~new/__admin{path}")[0] == 200
    assert server.request(method, f"/__admin{path}", headers={HEADER: "new"})[0] == 200
    assert names(server) == [""]


def test_a_call_makes_a_world(server: Running) -> None:
    assert server.request("GET", "/~new/nowhere")[0] == 404
    assert names(server) == ["", "new"]
    ask(server, "POST", "/requests/count", {}, "/~other")
    assert names(server) == ["", "new", "other"]


def test_a_deleted_world_starts_afresh(server: Running) -> None:
    send(server, "/~one", **KEY)
    ask(server, "POST", "/mappings", {**RULE, "times": 5, "after": "checks"}, "/~one")
    ask(server, "POST", "/clock/advance", {"by": "1h"}, "/~one")
    assert ask(server, "DELETE", "/namespaces/one") == {}
    assert names(server) == [""]
    status, headers, _ = send(server, "/~one", **KEY)
    assert (status, "idempotency-replay" in headers) == (201, False)
    assert (count(server, "/~one"), ask(server, "GET", "/clock", prefix="/~one")["offset"]) == (1, "0ms")


@pytest.mark.parametrize("name", ["nope", "a%20b", "~one"])
def test_a_world_that_is_not_there_cannot_be_deleted(server: Running, name: str) -> None:
    status, _, body = server.request("DELETE", f"/__admin/namespaces/{name}")
    title = f"there is no namespace {name.replace('%20', ' ')!r}"
    assert (status, json.loads(body)) == (404, {"errors": [{"code": 404, "title": title}]})


def test_there_are_only_so_many_worlds(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "MOST_NAMESPACES", 2)
    assert [send(server, f"/~{name}")[0] for name in ("one", "two", "one")] == [201, 201, 201]
    detail = (
        "there are 2 namespaces already; delete those that are done with: DELETE /__admin/namespaces/{name}"
    )
    for path in ("/~three/v1/events/trigger", "/~three/__admin/requests/count"):
        status, _, body = server.request("POST", path, TRIGGER, SENT)
        assert (status, json.loads(body)["detail"], json.loads(body)["type"]) == (
            400,
            detail,
            "urn:mockserver:namespace",
        )
    assert names(server) == ["", "one", "two"]
    assert count(server, "/~three") == 0
    assert server.request("DELETE", "/__admin/namespaces/one")[0] == 200
    assert send(server, "/~three")[0] == 201
    assert send(server)[0] == 201


def test_a_page_of_another_site_makes_no_namespace() -> None:
    with running() as server:
        for site, status in (("cross-site", 400), ("same-site", 201), ("cross-site", 201)):
            headers = {
                "Sec-Fetch-Site": site,
                "Origin": "http://page.example",
                "Authorization": "ApiKey k",
                **JSON,
            }
            got, answered, body = server.request("POST", "/~page/v1/events/trigger", TRIGGER, headers)
            assert got == status
            assert answered["access-control-allow-origin"] == "http://page.example"
            assert (b"POST /~page/__admin/reset" in body) is (status == 400)


def test_blanks_around_the_header_do_not_count() -> None:
    with running() as server:
        data = (
            b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nX-Mock-Namespace:  a \r\nContent-Length: 0\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert server.send_raw(data).startswith(b"HTTP/1.1 404 ")
        assert sorted(server.stage.worlds) == ["", "a"]
