"""The control plane: what it shows, what it forgets, whom it lets in."""

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.control import plane
from mockserver.control.guard import guard, host_of
from mockserver.control.plane import ROUTES
from mockserver.engine.journal import Journal, Row
from mockserver.engine.world import Settings
from tests.serving import Running, running

SERVE_EVENT = {"id", "request", "responseDefinition", "response", "wasMatched", "timing", "subEvents"}
LOGGED_REQUEST = {
    "url", "absoluteUrl", "method", "clientIp", "headers", "cookies", "browserProxyRequest", "loggedDate", "loggedDateString",
    "body", "bodyAsBase64", "protocol", "scheme", "host", "port", "queryParams", "formParams", "mock",
}  # fmt: skip
MOCK = {
    "number", "api", "operation", "outcome", "reason", "findings", "deviations", "repeatOf", "rule", "namespace", "published",
    "source", "state", "name", "recipient", "items", "stub", "fault", "id", "status",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    with running(token="secret") as server:
        yield server


def get(server: Running, path: str) -> Any:
    status, _, body = server.request("GET", f"/__admin{path}")
    assert status == 200
    return json.loads(body)


def test_a_call_is_shown_with_closed_members(server: Running) -> None:
    server.request(
        "POST",
        "/event/?x=1&x=2",
        b'{"a": "\xc3\xa9"}',
        {"Authorization": "k", "Content-Type": "text/plain", "Cookie": "c=1; d=2"},
    )
    found = get(server, "/requests")
    assert set(found) == {"requests", "meta", "requestJournalDisabled"}
    assert found["meta"] == {"total": 1}
    (event,) = found["requests"]
    assert set(event) == SERVE_EVENT
    assert set(event["request"]) == LOGGED_REQUEST
    assert set(event["request"]["mock"]) == MOCK
    assert set(event["response"]) == {"status", "headers", "body", "bodyAsBase64"}
    request = event["request"]
    assert request["url"] == "/event/?x=1&x=2"
    assert request["absoluteUrl"] == f"{server.url}/event/?x=1&x=2"
    assert request["queryParams"] == {"x": {"key": "x", "values": ["1", "2"]}}
    assert request["cookies"] == {"c": "1", "d": "2"}
    assert (request["host"], request["port"]) == ("127.0.0.1", int(server.url.rpartition(":")[2]))
    assert request["headers"]["Content-Type"] == "text/plain"
    assert request["body"] == '{"a": "é"}'
    assert request["bodyAsBase64"] == "eyJhIjogIsOpIn0="
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", request["loggedDateString"])
    assert event["wasMatched"] is True
    assert event["responseDefinition"] == {"status": 400}
    assert get(server, f"/requests/{event['id']}") == event


def test_a_body_that_is_no_text_is_shown_as_base64(server: Running) -> None:
    server.trigger(b"\xff\x00")
    (event,) = get(server, "/requests")["requests"]
    assert (event["request"]["body"], event["request"]["bodyAsBase64"]) == ("", "/wA=")


def test_calls_are_listed_newest_first_and_can_be_narrowed(server: Running) -> None:
    for path in ("/v1/events/trigger", "/nowhere", "/event/"):
        server.request("POST", path)
    server.request("GET", "/event/")
    found = get(server, "/requests")["requests"]
    assert [event["request"]["method"] + event["request"]["url"] for event in found] == [
        "GET/event/", "POST/event/", "POST/nowhere", "POST/v1/events/trigger",
    ]  # fmt: skip
    assert [event["wasMatched"] for event in found] == [False, True, False, True]
    limited = get(server, "/requests?limit=1")
    assert (len(limited["requests"]), limited["meta"]["total"]) == (1, 4)
    assert [event["id"] for event in get(server, "/requests?unmatched=true")["requests"]] == [
        found[0]["id"],
        found[2]["id"],
    ]
    since = found[1]["request"]["loggedDateString"]
    assert found[3]["id"] not in [
        event["id"] for event in get(server, "/requests?since=2100-01-01T00:00:00Z")["requests"]
    ]
    assert len(get(server, f"/requests?since={since}")["requests"]) >= 2
    assert len(get(server, f"/requests?limit={'9' * 5000}")["requests"]) == 4
    assert len(get(server, "/requests?since=2020-01-01T00:00:00%2B02:00&limit=0")["requests"]) == 0


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("since=zz", ["since"]),
        ("limit=zz", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=x&since=y", ["limit", "since"]),
    ],
)
def test_bad_parameters_are_told(server: Running, query: str, pointers: list[str]) -> None:
    status, _, body = server.request("GET", f"/__admin/requests?{query}")
    assert status == 400
    errors = json.loads(body)["errors"]
    assert [error["source"]["pointer"] for error in errors] == pointers
    assert all(error["code"] == 10 and error["title"] for error in errors)


@pytest.mark.parametrize(
    ("id_", "status", "body"),
    [
        ("00000000-0000-4000-8000-000000000001", 404, b""),
        ("zz", 400, b'{"errors":[{"code":10,"title":"zz is not a valid UUID"}]}'),
    ],
)
def test_unknown_calls(server: Running, id_: str, status: int, body: bytes) -> None:
    got, _, answered = server.request("GET", f"/__admin/requests/{id_}")
    assert (got, answered) == (status, body)


def test_clearing_empties_the_journal_only_and_resetting_everything(server: Running) -> None:
    sent = {"Idempotency-Key": "k"}
    server.trigger(headers=sent)
    status, _, body = server.request("DELETE", "/__admin/requests")
    assert (status, body) == (200, b"{}")
    assert server.calls() == []
    assert server.trigger(headers=sent)[1]["idempotency-replay"] == "true"
    assert server.calls()[0]["request"]["mock"]["number"] == 2
    status, _, body = server.request("POST", "/__admin/reset")
    assert (status, body) == (200, b"{}")
    assert "idempotency-replay" not in server.trigger(headers=sent)[1]
    assert server.calls()[0]["request"]["mock"]["number"] == 1


def test_what_was_dropped_is_told() -> None:
    with running(Settings(most_calls=2)) as server:
        for _ in range(5):
            server.trigger()
        _, headers, body = server.request("GET", "/__admin/requests")
        assert headers["x-mock-dropped"] == "3"
        assert len(json.loads(body)["requests"]) == 2
        assert "2 calls recorded, 3 dropped" in get(server, "/health")["message"]
        server.request("POST", "/__admin/reset")
        assert "x-mock-dropped" not in server.request("GET", "/__admin/requests")[1]


def test_health_and_landing_answer_get_and_head_and_are_not_journaled(server: Running) -> None:
    for path in ("/", "/__admin/health"):
        for method in ("GET", "HEAD"):
            status, headers, body = server.request(method, path)
            assert status == 200
            assert (body == b"") is (method == "HEAD")
            assert headers["content-type"].startswith("application/json")
    health = get(server, "/health")
    assert set(health) == {"status", "message", "version", "uptimeInSeconds", "timestamp"}
    assert health["status"] == "healthy"
    assert server.calls() == []


def test_the_landing_is_a_page_for_a_person_and_a_list_for_a_program(server: Running) -> None:
    _, headers, body = server.request("GET", "/", headers={"Accept": "text/html,*/*"})
    assert headers["content-type"].startswith("text/html")
    assert b"/v1/events/trigger" in body
    listed = json.loads(server.request("GET", "/")[2])
    assert {api["name"] for api in listed["apis"]} == {"alloy", "novu", "opensend", "suprsend"}
    assert {"method": "POST", "path": "/v2/event", "operation": "v2-event"} in [
        route for api in listed["apis"] for route in api["routes"]
    ]
    assert server.request("POST", "/")[0] == 404


def test_control_answers_are_never_cached_nor_shared(server: Running) -> None:
    for path in ("/__admin/health", "/__admin/requests", "/__admin/nowhere"):
        _, headers, _ = server.request("GET", path, headers={"Origin": "http://page"})
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/__admin/nowhere", 404, None),
        ("GET", "/__admin", 404, None),
        ("GET", "/__admin/", 404, None),
        ("PUT", "/__admin/requests", 405, "DELETE, GET, HEAD"),
        ("POST", "/__admin/health", 405, "GET, HEAD"),
        ("GET", "/__admin/reset", 405, "POST"),
        ("POST", "/__admin/requests/x", 405, "DELETE, GET, HEAD"),
    ],
)
def test_unknown_control_routes_and_methods(
    server: Running, method: str, path: str, status: int, allow: str | None
) -> None:
    got, headers, body = server.request(method, path)
    assert (got, headers.get("allow")) == (status, allow)
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("urn:mockserver:control", status)
    assert server.calls() == []


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/send", {"api": "novu", "sample": []}, ["/sample"]),
        ("/send", {"api": "novu", "sample": {}}, ["/sample"]),
        ("/near-misses/request", {"bodyAsBase64": "é"}, ["/bodyAsBase64"]),
        ("/near-misses/request", {"bodyAsBase64": "="}, ["/bodyAsBase64"]),
        ("/near-misses/request", {"headers": []}, ["/headers"]),
        ("/near-misses/request", {"url": []}, [""]),
        ("/mappings/import", {"importOptions": {"deleteAll": True}}, ["/importOptions/deleteAll"]),
        (
            "/mappings/import",
            {"importOptions": {"duplicatePolicy": [], "deleteAllNotInImport": "no"}},
            ["/importOptions/duplicatePolicy", "/importOptions/deleteAllNotInImport"],
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(
    server: Running, path: str, body: Any, pointers: list[str]
) -> None:
    status, _, answered = server.request("POST", f"/__admin{path}", body)
    assert status == 422
    assert [error["source"]["pointer"] for error in json.loads(answered)["errors"]] == pointers


def test_what_is_null_counts_as_absent(server: Running) -> None:
    options = {"duplicatePolicy": None, "deleteAllNotInImport": None}
    assert server.request("POST", "/__admin/mappings/import", {"importOptions": options})[0] == 200
    sent = {"url": "/event/", "method": "POST", "headers": {"Host": "mock"}}
    nulls = {**sent, "body": None, "bodyAsBase64": None, "clientIp": None}
    found = []
    for body in (sent, nulls, {**nulls, "method": None}, {**sent, "method": "GET"}):
        answered = server.request("POST", "/__admin/near-misses/request", body)[2]
        found.append([each["matchResult"] for each in json.loads(answered)["nearMisses"]])
    assert found[0] == found[1] != found[2] == found[3]


def test_a_path_that_only_begins_like_the_control_plane_is_a_call(server: Running) -> None:
    assert json.loads(server.request("GET", "/__administration")[2])["type"] == "urn:mockserver:no-route"
    assert len(server.calls()) == 1


# The guard

HERE = "127.0.0.1:4747"
BROWSER = {"sec-fetch-site": "same-origin", "content-type": "application/json", "content-length": "2"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        # programs that are no browsers
        ("GET", {"host": HERE}, None),
        ("POST", {"host": HERE}, None),
        ("DELETE", {"host": "localhost:4747"}, None),
        ("POST", {"host": HERE, "content-type": "application/x-www-form-urlencoded", "content-length": "2"}, None),
        # who this machine is
        ("GET", {"host": "LOCALHOST"}, None),
        ("GET", {"host": "localhost."}, None),
        ("GET", {"host": "app.localhost:4747"}, None),
        ("GET", {"host": "127.9.9.9"}, None),
        ("GET", {"host": "[::1]:4747"}, None),
        ("GET", {"host": "mock:4747"}, None),
        ("GET", {"host": "evil.example:4747"}, 400),
        ("GET", {"host": "127.0.0.1.evil.example"}, 400),
        ("GET", {"host": "192.168.0.1"}, 400),
        ("GET", {"host": "[fe80::1]"}, 400),
        ("GET", {"host": ""}, 400),
        ("GET", {}, 400),
        # reads of a browser
        ("GET", {"host": HERE, "origin": "http://evil.example", "sec-fetch-site": "cross-site"}, None),
        ("HEAD", {"host": HERE, "sec-fetch-site": "same-site"}, None),
        # writes of a browser
        ("POST", {"host": HERE, **BROWSER}, None),
        ("POST", {"host": HERE, **BROWSER, "origin": f"http://{HERE}"}, None),
        ("POST", {"host": HERE, **BROWSER, "origin": f"https://{HERE}"}, None),
        ("POST", {"host": HERE, **BROWSER, "sec-fetch-site": "none"}, None),
        ("POST", {"host": HERE, **BROWSER, "sec-fetch-site": "same-site"}, 403),
        ("POST", {"host": HERE, **BROWSER, "sec-fetch-site": "cross-site"}, 403),
        ("DELETE", {"host": HERE, "sec-fetch-site": "cross-site"}, 403),
        ("POST", {"host": HERE, "origin": "http://127.0.0.1:3000"}, 403),
        ("POST", {"host": HERE, "origin": "http://evil.example"}, 403),
        ("POST", {"host": HERE, "origin": "null"}, 403),
        ("POST", {"host": HERE, "origin": "http://["}, 403),
        ("POST", {"host": HERE, **BROWSER, "content-type": "text/plain"}, 415),
        ("POST", {"host": HERE, **BROWSER, "content-type": ""}, 415),
        ("POST", {"host": HERE, **BROWSER, "content-type": "application/json; charset=utf-8"}, None),
        ("POST", {"host": HERE, **BROWSER, "content-type": "text/plain", "content-length": "0"}, None),
        ("POST", {"host": HERE, "sec-fetch-mode": "no-cors", "content-type": "text/plain", "transfer-encoding": "chunked"}, 415),
        # preflights
        ("OPTIONS", {"host": HERE, "origin": "http://evil.example", "access-control-request-method": "POST"}, 403),
    ],
)  # fmt: skip
def test_whom_the_guard_lets_in(method: str, headers: dict[str, str], status: int | None) -> None:
    barred = guard(method, "/requests", headers, ["mock"])
    assert (barred.status if barred else None) == status


def test_the_guard_stands_before_every_route(server: Running) -> None:
    server.trigger()
    for method, path, _ in ROUTES:
        got, headers, body = server.request(method, f"/__admin{path}", headers={"Host": "evil.example"})
        assert (got, json.loads(body)["type"]) == (400, "urn:mockserver:bad-host")
        assert "--allow-host" in json.loads(body)["detail"]
        assert not [name for name in headers if name.startswith("access-control-")]
    assert server.request("POST", "/__admin/reset", headers={"Origin": "http://evil.example"})[0] == 403
    assert len(server.calls()) == 1


TOKEN = "t0ken with a space"
HAS = {"host": HERE, "authorization": f"Bearer {TOKEN}"}
EVIL = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        # the token
        ("GET", "/requests", HAS, None),
        ("POST", "/requests/wait", HAS, None),
        ("GET", "/requests", {**HAS, "authorization": f"bearer {TOKEN}"}, None),
        ("GET", "/requests", {**HAS, "authorization": f"BEARER   {TOKEN} "}, None),
        ("GET", "/requests", {"host": HERE}, 401),
        ("HEAD", "/requests", {"host": HERE}, 401),
        ("DELETE", "/requests", {"host": HERE}, 401),
        ("OPTIONS", "/requests", {"host": HERE}, 401),
        ("GET", "/requests", {**HAS, "authorization": ""}, 401),
        ("GET", "/requests", {**HAS, "authorization": "Bearer"}, 401),
        ("GET", "/requests", {**HAS, "authorization": "Bearer "}, 401),
        ("GET", "/requests", {**HAS, "authorization": TOKEN}, 401),
        ("GET", "/requests", {**HAS, "authorization": f"Bearer {TOKEN}x"}, 401),
        ("GET", "/requests", {**HAS, "authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        ("GET", "/requests", {**HAS, "authorization": f"Bearer {TOKEN.upper()}"}, 401),
        ("GET", "/requests", {**HAS, "authorization": "Bearer \xe9\udcff"}, 401),
        ("GET", "/requests", {**HAS, "authorization": f"Basic {TOKEN}"}, 401),
        ("GET", "/requests", {**HAS, "authorization": f"ApiKey {TOKEN}"}, 401),
        ("GET", "/requests", {"host": HERE, "x-api-key": TOKEN}, 401),
        # what is open, and what only looks so
        ("GET", "/health", {"host": HERE}, None),
        ("HEAD", "/health", {"host": HERE}, None),
        ("POST", "/health", {"host": HERE}, None),
        ("GET", "/health", {"host": HERE, **EVIL}, None),
        ("POST", "/health", {"host": HERE, **EVIL}, 403),
        ("GET", "/health/", {"host": HERE}, 401),
        ("GET", "/healthy", {"host": HERE}, 401),
        ("GET", "/Health", {"host": HERE}, 401),
        ("GET", "", {"host": HERE}, 401),
        ("GET", "/stream", {"host": HERE}, 401),
        ("POST", "/shutdown", {"host": HERE}, 401),
        # in which order
        ("GET", "/health", {"host": "evil.example"}, 400),
        ("GET", "/requests", {**HAS, "host": "evil.example"}, 400),
        ("GET", "/requests", {"host": "evil.example"}, 400),
        ("POST", "/requests", {"host": HERE, **EVIL}, 401),
        ("OPTIONS", "/health", {"host": "evil.example", "access-control-request-method": "GET"}, 403),
        # who has the token is guarded all the same
        ("POST", "/mappings", {**HAS, **EVIL}, 403),
        ("POST", "/mappings", {**HAS, **BROWSER}, None),
        ("POST", "/mappings", {**HAS, **BROWSER, "content-type": "text/plain"}, 415),
        ("GET", "/requests", {**HAS, **EVIL}, None),
        # reads that hold a connection
        ("GET", "/stream", HAS, None),
        ("GET", "/stream", {**HAS, "sec-fetch-site": "same-origin"}, None),
        ("GET", "/stream", {**HAS, "sec-fetch-site": "none", "origin": f"http://{HERE}"}, None),
        ("GET", "/stream", {**HAS, "sec-fetch-site": "cross-site"}, 403),
        ("GET", "/stream", {**HAS, "sec-fetch-site": "same-site"}, 403),
        ("HEAD", "/stream", {**HAS, "sec-fetch-site": "same-site"}, 403),
        ("GET", "/stream", {**HAS, "origin": "http://127.0.0.1:3000"}, 403),
        ("GET", "/stream", {**HAS, "origin": "null"}, 403),
    ],
)  # fmt: skip
def test_whom_a_token_lets_in(method: str, path: str, headers: dict[str, str], status: int | None) -> None:
    barred = guard(method, path, headers, [], TOKEN)
    assert (barred.status if barred else None) == status
    assert barred is None or TOKEN not in barred.detail
    if status != 401:  # nobody is asked for a token where there is none
        without = guard(method, path, headers, [])
        assert (without.status if without else None) == status


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/requests", {"Authorization": "Bearer secret"}, 200),
        ("GET", "/requests", {}, 401),
        ("GET", "/requests", {"Authorization": "Bearer wrong"}, 401),
        ("GET", "/nowhere", {}, 401),
        ("GET", "/health", {}, 200),
        ("POST", "/reset", {"Authorization": "Bearer secret", "Origin": "http://127.0.0.1:3000"}, 403),
        ("GET", "/stream", {"Authorization": "Bearer secret", "Origin": "http://127.0.0.1:3000"}, 403),
        ("GET", "/stream", {"Authorization": "Bearer secret", "Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/reset", {"Authorization": "Bearer secret"}, 200),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/~one"])
def test_the_token_over_http(
    guarded: Running, prefix: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    got, answered, body = guarded.request(method, f"{prefix}/__admin{path}", headers=headers)
    assert got == status
    assert answered.get("www-authenticate") == ("Bearer" if status == 401 else None)
    if status == 401:
        assert json.loads(body)["type"] == "urn:mockserver:token"
        assert "--admin-token" in json.loads(body)["detail"]
    assert guarded.stage.watchers == set()


def test_the_token_is_not_asked_of_the_apis_nor_on_the_first_page(guarded: Running) -> None:
    assert guarded.trigger()[0] == 201
    assert guarded.request("GET", "/")[0] == 200


def test_a_page_of_another_origin_can_not_hold_a_stream(server: Running) -> None:
    """Nor with the address of this machine and another port, for which browsers send cookies."""
    for headers in ({"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        got, answered, body = server.request("GET", "/__admin/stream", headers=headers)
        assert (got, json.loads(body)["type"]) == (403, "urn:mockserver:cross-origin")
        assert "access-control-allow-origin" not in answered
    assert server.stage.watchers == set()


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("A.b:1", "a.b"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("x.", "x"),
        ("", ""),
        ("[::1].evil.com", ""),
        ("localhost:x.evil.com", ""),
        ("localhost:80@evil.com", ""),
        ("a, b", ""),
        ("[::1%lo]", ""),
        ("0.0.0.0", "0.0.0.0"),
    ],
)
def test_hosts(value: str, host: str) -> None:
    assert host_of(value) == host


def test_a_long_journal_is_read_beside_the_calls(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = []
    rows = Journal.rows

    def read(journal: Journal) -> list[Row]:
        readers.append(threading.current_thread().name)
        return rows(journal)

    monkeypatch.setattr(Journal, "rows", read)
    server.trigger()
    for most, expected in ((1, "mockserver"), (0, "mockserver reading")):
        monkeypatch.setattr(plane, "MANY", most)
        assert get(server, "/requests")["meta"]["total"] == 1
        assert readers.pop() == expected
    monkeypatch.undo()


def test_a_near_miss_shows_no_secret_of_either_side(server: Running) -> None:
    server.trigger(headers={"Authorization": "ApiKey the-secret-of-the-call"})
    asked = {
        "urlPath": "/elsewhere",
        "headers": {"Authorization": {"equalTo": "ApiKey the-secret-that-was-asked-for"}},
        "basicAuthCredentials": {"username": "u", "password": "the-secret-of-basic"},
        "cookies": {"session": {"equalTo": "the-secret-of-the-session"}},
    }
    shown = server.request("POST", "/__admin/near-misses/request-pattern?redact=true", asked)[2]
    assert b"the-secret" not in shown
    assert b"[redacted]" in shown
    assert shown.count(b"the-secret") < server.request("POST", "/__admin/near-misses/request-pattern", asked)[
        2
    ].count(b"the-secret")


def test_a_bug_of_the_control_plane_is_answered_as_one(
    server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Journal) -> list[Row]:
        raise ZeroDivisionError

    monkeypatch.setattr(Journal, "rows", fail)
    data = server.send_raw(b"GET /__admin/requests HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert json.loads(body)["type"] == "urn:mockserver:bug"
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/~ab%63/__admin/requests", "/~ab%63/v1/events/trigger"])
def test_a_name_is_read_alike_by_both_planes(server: Running, path: str) -> None:
    assert server.request("GET", path)[0] == 400


@pytest.mark.parametrize("name", ["Host", "Origin", "Sec-Fetch-Site"])
def test_a_header_of_the_guard_that_comes_twice_is_neither(server: Running, name: str) -> None:
    good = {"Host": "localhost", "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    twice = {**good, name: f"{good[name]}\r\n{name}: evil.example"}
    head = "".join(f"{each}: {value}\r\n" for each, value in twice.items())
    data = f"POST /__admin/reset HTTP/1.1\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
    assert server.send_raw(data).split(b" ")[1] in {b"400", b"403"}
