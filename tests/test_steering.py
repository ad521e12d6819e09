"""Clock, limits and catalogue over HTTP: what is taken, what is refused, and what calls notice of it."""

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.serving import TRIGGER, Running

NEW_YEAR = "2026-01-01T00:00:00Z"
AT = {"now": NEW_YEAR, "frozen": True}
KEY = {"Idempotency-Key": "k"}


def ask(server: Running, method: str, path: str, body: Any = None, prefix: str = "") -> tuple[int, Any]:
    status, _, answered = server.request(method, f"{prefix}/__admin{path}", body)
    return status, json.loads(answered)


def told(answer: tuple[int, Any]) -> list[tuple[str, str]]:
    """Return place and sentence of each fault of a refusal."""
    status, body = answer
    assert status == 422
    assert {(each["code"], each["title"]) for each in body["errors"]} == {(10, "Error parsing JSON")}
    return [(each["source"]["pointer"], each["detail"]) for each in body["errors"]]


# The clock


@pytest.mark.parametrize(
    ("moves", "now", "frozen"),
    [
        ([("PUT", "", AT)],                                                        "2026-01-01T00:00:00.000Z", True),
        ([("PUT", "", {"now": "2026-01-01T01:00:00+01:00", "frozen": True})],      "2026-01-01T00:00:00.000Z", True),
        ([("PUT", "", {"now": "2026-01-01", "frozen": True})],                     "2026-01-01T00:00:00.000Z", True),
        ([("PUT", "", AT), ("POST", "/advance", {"by": "25h"})],                   "2026-01-02T01:00:00.000Z", True),
        ([("PUT", "", AT), ("POST", "/advance", {"by": "250ms"})],                 "2026-01-01T00:00:00.250Z", True),
        ([("PUT", "", AT), ("POST", "/advance", {"by": "1.5d"})],                  "2026-01-02T12:00:00.000Z", True),
        ([("PUT", "", AT), ("PUT", "", {"now": "2027-01-01T00:00:00Z"})],          "2027-01-01T00:00:00.000Z", True),
        ([("PUT", "", AT), ("PUT", "", {})],                                       "2026-01-01T00:00:00.000Z", True),
        ([("PUT", "", AT), ("PUT", "", {"frozen": False}), ("PUT", "", {"frozen": True})], "2026-01-01T00:00:0", True),
        ([("PUT", "", AT), ("PUT", "", {"frozen": False})],                        "2026-01-01T00:00:0", False),
        ([("PUT", "", {**AT, "frozen": None})],                                    "2026-01-01T00:00:0", False),
    ],
)  # fmt: skip
def test_the_clock_is_moved(server: Running, moves: list[Any], now: str, frozen: bool) -> None:
    real = ask(server, "GET", "/clock")
    assert (real[0], real[1]["offset"], real[1]["frozen"]) == (200, "0ms", False)
    for method, path, body in moves:
        status, shown = ask(server, method, f"/clock{path}", body)
        assert (status, set(shown)) == (200, {"now", "offset", "frozen"})
    assert shown["now"].startswith(now)
    assert shown["frozen"] is frozen
    if frozen:
        assert ask(server, "GET", "/clock")[1]["now"] == shown["now"]
    status, released = ask(server, "DELETE", "/clock")
    assert (status, released["offset"], released["frozen"]) == (200, "0ms", False)


def test_the_offset_is_a_duration(server: Running) -> None:
    assert ask(server, "POST", "/clock/advance", {"by": "25h"})[1]["offset"] == "25h"
    assert ask(server, "POST", "/clock/advance", {"by": "30m"})[1]["offset"] == "1530m"
    assert ask(server, "PUT", "/clock", AT)[1]["offset"].startswith("-")


CLOCK_TIME = "is not a time; write it as 2026-11-20T12:00:00Z"
RANGE = "is not a time that a clock shows; choose one from 1970 to 9000"
DURATION = "is not a duration; write a number and a unit: 250ms, 1s, 5m, 24h, 2d"


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer", "detail"),
    [
        ("PUT", "", {"now": "soon"}, "/now", f"'soon' {CLOCK_TIME}"),
        ("PUT", "", {"now": 5}, "/now", f"'5' {CLOCK_TIME}"),
        ("PUT", "", {"now": "1969-12-31T23:59:59Z"}, "/now", f"'1969-12-31T23:59:59Z' {RANGE}"),
        ("PUT", "", {"now": "9999-01-01T00:00:00Z"}, "/now", f"'9999-01-01T00:00:00Z' {RANGE}"),
        ("PUT", "", {"frozen": "yes"}, "/frozen", 'must be true or false, not "yes"'),
        ("PUT", "", {"froze": True}, "/froze", "froze is not known here; there are now, frozen"),
        ("PUT", "", [], "", "the body must be an object"),
        ("PUT", "", b"", "/", "the body is empty; send JSON"),
        ("POST", "/advance", {"by": "0s"}, "/by", "'0s' must be longer than nothing"),
        ("POST", "/advance", {"by": "-1h"}, "/by", f"'-1h' {DURATION}"),
        ("POST", "/advance", {"by": "25 hours"}, "/by", f"'25 hours' {DURATION}"),
        ("POST", "/advance", {"by": 25}, "/by", f"25 {DURATION}"),
        ("POST", "/advance", {"by": "4000d"}, "/by", "'4000d' is longer than ten years"),
        ("POST", "/advance", {}, "/by", f"'' {DURATION}"),
        ("POST", "/advance", {"a/b": "1s"}, "/a~1b", "a/b is not known here; there are by"),
    ],
)  # fmt: skip
def test_how_the_clock_cannot_be_moved(
    server: Running, method: str, path: str, body: Any, pointer: str, detail: str
) -> None:
    assert told(ask(server, method, f"/clock{path}", body)) == [(pointer, detail)]
    assert ask(server, "GET", "/clock")[1]["offset"] == "0ms"


def test_the_end_of_time_is_not_passed(server: Running) -> None:
    ask(server, "PUT", "/clock", {"now": "8999-06-01T00:00:00Z", "frozen": True})
    ((pointer, detail),) = told(ask(server, "POST", "/clock/advance", {"by": "365d"}))
    assert (pointer, RANGE in detail) == ("/by", True)


def test_keys_expire_and_dates_follow_the_clock(server: Running) -> None:
    ask(server, "PUT", "/clock", AT)
    assert server.trigger(headers=KEY)[1]["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    ask(server, "POST", "/clock/advance", {"by": "23h"})
    assert server.trigger(headers=KEY)[1]["idempotency-replay"] == "true"
    ask(server, "POST", "/clock/advance", {"by": "2h"})
    status, headers, _ = server.trigger(headers=KEY)
    assert (status, "idempotency-replay" in headers) == (201, False)
    assert parsedate_to_datetime(headers["date"]).isoformat() == "2026-01-02T01:00:00+00:00"
    newest = server.calls()[0]["request"]
    assert (newest["loggedDateString"], newest["loggedDate"]) == ("2026-01-02T01:00:00.000Z", 1767315600000)
    assert len(ask(server, "GET", "/requests?since=2026-01-02T00:00:00Z")[1]["requests"]) == 1


# Limits


@pytest.mark.parametrize(
    ("api", "puts", "shown"),
    [
        ("suprsend", [], {"limit": None, "window": None, "burst": None, "enforced": False, "remaining": None}),
        ("novu", [], {"limit": 300, "window": "5s", "burst": 330, "enforced": False, "remaining": None}),
        ("suprsend", [{"limit": 5, "window": "1s"}], {"limit": 5, "window": "1s", "burst": 5, "enforced": True, "remaining": 5}),
        ("suprsend", [{"limit": 5, "window": "1s", "burst": 9}], {"limit": 5, "window": "1s", "burst": 9, "enforced": True, "remaining": 9}),
        ("suprsend", [{"limit": 5, "window": "1s", "burst": 9}, {"window": "2m"}], {"limit": 5, "window": "2m", "burst": 9, "enforced": True, "remaining": 9}),
        ("suprsend", [{"limit": 5, "window": "1s", "burst": 9}, {"limit": 6}], {"limit": 6, "window": "1s", "burst": 6, "enforced": True, "remaining": 6}),
        ("suprsend", [{"limit": 5, "window": "1s"}, {"enforced": False}], {"limit": 5, "window": "1s", "burst": 5, "enforced": False, "remaining": None}),
        ("novu", [{}], {"limit": 300, "window": "5s", "burst": 330, "enforced": True, "remaining": 330}),
        ("novu", [{"enforced": True}], {"limit": 300, "window": "5s", "burst": 330, "enforced": True, "remaining": 330}),
        ("novu", [{"limit": 5, "burst": None, "window": None, "remaining": 3}], {"limit": 5, "window": "5s", "burst": 5, "enforced": True, "remaining": 5}),
        ("novu", [{"burst": 400}], {"limit": 300, "window": "5s", "burst": 400, "enforced": True, "remaining": 400}),
    ],
)  # fmt: skip
def test_a_limit_is_set(server: Running, api: str, puts: list[Any], shown: Any) -> None:
    before = ask(server, "GET", f"/limits/{api}")
    for body in puts:
        put = ask(server, "PUT", f"/limits/{api}", body)
        assert put == ask(server, "GET", f"/limits/{api}")
    assert ask(server, "GET", f"/limits/{api}") == (200, shown)
    assert ask(server, "DELETE", f"/limits/{api}") == before


@pytest.mark.parametrize(
    ("api", "body", "faults"),
    [
        ("suprsend", {"limit": 5}, [("", "needs limit and window: no limit of this API is known")]),
        ("suprsend", {"window": "1s"}, [("", "needs limit and window: no limit of this API is known")]),
        ("suprsend", {"enforced": False}, [("", "needs limit and window: no limit of this API is known")]),
        ("novu", {"limit": 0}, [("/limit", "must be a whole number from 1, not 0")]),
        ("novu", {"limit": True}, [("/limit", "must be a whole number from 1, not true")]),
        ("novu", {"limit": 10**9 + 1}, [("/limit", "must be a whole number from 1, not 1000000001")]),
        ("novu", {"burst": "9"}, [("/burst", 'must be a whole number from 1, not "9"')]),
        ("novu", {"window": "1"}, [("/window", f"'1' {DURATION}")]),
        ("novu", {"window": "0s"}, [("/window", "'0s' must be longer than nothing")]),
        ("novu", {"enforced": 1}, [("/enforced", "must be true or false, not 1")]),
        ("novu", {"limits": 1}, [("/limits", "limits is not known here; there are limit, window, burst, enforced, remaining")]),
        ("novu", {"limit": 0, "burst": 0, "window": "x", "enforced": "x"}, [
            ("/limit", "must be a whole number from 1, not 0"), ("/burst", "must be a whole number from 1, not 0"),
            ("/window", f"'x' {DURATION}"), ("/enforced", 'must be true or false, not "x"')]),
    ],
)  # fmt: skip
def test_a_limit_that_is_none(server: Running, api: str, body: Any, faults: list[tuple[str, str]]) -> None:
    before = ask(server, "GET", f"/limits/{api}")
    assert told(ask(server, "PUT", f"/limits/{api}", body)) == faults
    assert ask(server, "GET", f"/limits/{api}") == before


def test_calls_notice_a_limit(server: Running) -> None:
    ask(server, "PUT", "/clock", AT)
    assert server.trigger()[0] == 201
    ask(server, "PUT", "/limits/novu", {"limit": 2, "window": "10s"})
    assert [server.trigger()[0] for _ in range(3)] == [201, 201, 429]
    assert server.trigger()[1]["retry-after"] == "5"
    assert ask(server, "GET", "/limits/novu")[1]["remaining"] == 0
    ask(server, "POST", "/clock/advance", {"by": "5s"})
    assert ask(server, "GET", "/limits/novu")[1]["remaining"] == 1
    assert [server.trigger()[0] for _ in range(2)] == [201, 429]
    ask(server, "PUT", "/limits/novu", {"limit": 2, "window": "10s"})  # its buckets are full again
    assert [server.trigger()[0] for _ in range(3)] == [201, 201, 429]
    ask(server, "PUT", "/limits/novu", {"enforced": False})
    assert server.trigger()[0] == 201
    ask(server, "PUT", "/limits/novu", {"limit": 1})
    ask(server, "DELETE", "/limits/novu")
    assert [server.trigger()[0] for _ in range(3)] == [201, 201, 201]
    ask(server, "PUT", "/limits/novu", {"limit": 1, "window": "1h"})
    ask(server, "POST", "/reset")
    assert [server.trigger()[0] for _ in range(2)] == [201, 201]


@pytest.mark.parametrize("path", ["/limits/nope", "/catalogue/nope", "/catalogue/nope/x"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_api_that_is_not_served(server: Running, method: str, path: str) -> None:
    status, body = ask(server, method, path, {})
    title = "no API named 'nope' is served; there are alloy, novu, opensend, suprsend"
    assert (status, body) == (404, {"errors": [{"code": 404, "title": title}]})


# The catalogue

STATUSES = "processed, trigger_not_active, no_workflow_steps_defined, no_workflow_active_steps_defined, no_tenant_found"


@pytest.mark.parametrize(
    ("path", "body", "faults"),
    [
        ("novu", {"unknown": "no"}, [("/unknown", 'must be one of accept, refuse, not "no"')]),
        ("novu", {"unknown": []}, [("/unknown", "must be one of accept, refuse, not []")]),
        ("novu", {"names": ["a"]}, [("/names", "must be an object")]),
        ("novu", {"names": {"a": 5}}, [("/names/a", "an entry is an object of payload and status, not 5")]),
        ("novu", {"names": {"a/b": {"x": 5}}}, [("/names/a~1b", 'an entry is an object of payload and status, not {"x":5}')]),
        ("novu", {"names": {"a": {"status": "x"}}}, [("/names/a/status", f"'x' is not a status of the catalogue; there are {STATUSES}")]),
        ("novu", {"names": {"a": 5, "b": {}, "c/d": {"status": "x"}}}, [
            ("/names/a", "an entry is an object of payload and status, not 5"),
            ("/names/c~1d/status", f"'x' is not a status of the catalogue; there are {STATUSES}")]),
        ("novu", {"known": {}}, [("/known", "known is not known here; there are unknown, names")]),
        ("novu/a", {"payload": 5}, [("/payload", 'is not a JSON Schema: 5 is not of types "boolean", "object"')]),
        ("novu/a", {"status": "x"}, [("/status", f"'x' is not a status of the catalogue; there are {STATUSES}")]),
        ("novu/a", {"schema": {}}, [("/schema", "schema is not known here; there are payload, status")]),
        ("novu/a", [], [("", "the body must be an object")]),
        ("novu/a%20b", {"status": 5}, [("/status", f"5 is not a status of the catalogue; there are {STATUSES}")]),
        ("suprsend", {"unknown": "refuse"}, [("", "suprsend has no catalogue: its checks do not look names up")]),
        ("suprsend/a", {}, [("", "suprsend has no catalogue: its checks do not look names up")]),
    ],
)  # fmt: skip
def test_a_catalogue_that_is_none(
    server: Running, path: str, body: Any, faults: list[tuple[str, str]]
) -> None:
    assert told(ask(server, "PUT", f"/catalogue/{path}", body)) == faults
    assert ask(server, "GET", "/catalogue/novu") == (200, {"unknown": "accept", "names": {}})


def test_calls_notice_a_catalogue(server: Running) -> None:
    def outcomes() -> list[int]:
        bodies = [{**TRIGGER, "name": name} for name in ("welcome", "other")]
        return [server.trigger(body)[0] for body in bodies]

    assert outcomes() == [201, 201]
    assert ask(server, "PUT", "/catalogue/novu/welcome") == (200, {})
    assert outcomes() == [201, 201]
    assert ask(server, "PUT", "/catalogue/novu", {"unknown": "refuse"}) == (
        200,
        {"unknown": "refuse", "names": {"welcome": {}}},
    )
    assert outcomes() == [201, 422]
    payload = {"type": "object", "required": ["plan"]}
    assert ask(server, "PUT", "/catalogue/novu/welcome", {"payload": payload}) == (200, {"payload": payload})
    assert ask(server, "GET", "/catalogue/novu/welcome") == (200, {"payload": payload})
    assert outcomes() == [400, 422]
    assert server.trigger({**TRIGGER, "payload": {"plan": "pro"}})[0] == 201
    ask(server, "PUT", "/catalogue/novu/other", {"status": "trigger_not_active"})
    assert (
        json.loads(server.trigger({**TRIGGER, "name": "other"})[2])["data"]["status"] == "trigger_not_active"
    )
    assert ask(server, "DELETE", "/catalogue/novu/welcome") == (200, {})
    missing = {"errors": [{"code": 404, "title": "'welcome' is not in the catalogue of novu"}]}
    assert ask(server, "GET", "/catalogue/novu/welcome") == (404, missing)
    assert ask(server, "DELETE", "/catalogue/novu/welcome") == (404, missing)
    assert outcomes() == [422, 201]
    assert ask(server, "PUT", "/catalogue/novu", {"names": {"welcome": {}}})[1] == {
        "unknown": "refuse",
        "names": {"welcome": {}},
    }
    assert outcomes() == [201, 422]
    assert ask(server, "DELETE", "/catalogue/novu") == (200, {"unknown": "accept", "names": {}})
    assert outcomes() == [201, 201]


@pytest.mark.parametrize("name", ["a b", "Zoë", "a.b", "~x"])
def test_names_may_hold_anything_but_a_slash(server: Running, name: str) -> None:
    from urllib.parse import quote

    assert ask(server, "PUT", f"/catalogue/novu/{quote(name)}", {}) == (200, {})
    assert list(ask(server, "GET", "/catalogue/novu")[1]["names"]) == [name]


def test_changes_survive_another_blueprint(server: Running) -> None:
    from mockserver.engine.world import Blueprint
    from mockserver.loading import load_bundled

    ask(server, "PUT", "/limits/novu", {"limit": 1, "window": "1h"})
    ask(server, "PUT", "/catalogue/novu", {"unknown": "refuse"})
    ask(server, "PUT", "/clock", AT)
    server.stage.replace(Blueprint(load_bundled()))
    assert ask(server, "GET", "/limits/novu")[1]["limit"] == 1
    assert ask(server, "GET", "/catalogue/novu")[1]["unknown"] == "refuse"
    assert ask(server, "GET", "/clock")[1]["frozen"] is True
    assert [server.trigger()[0] for _ in range(2)] == [422, 429]
