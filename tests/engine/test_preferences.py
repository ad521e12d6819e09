"""``Prefer`` and its query keys: what is read, what is answered, what cannot be met."""

import json
from typing import Any

import pytest

from mockserver.engine.exchange import Reason
from mockserver.engine.preferences import Preferences, read_preferences
from tests.engine.specs import OPERATION, WORDS, api, call, request, world


@pytest.mark.parametrize(
    ("header", "query", "asked", "in_header"),
    [
        ("code=409", "", {"code": "409"}, True),
        ("code=409,example=other", "", {"code": "409", "example": "other"}, True),
        (" CODE = 409 , Example = other ", "", {"code": "409", "example": "other"}, True),
        ('example="two words"', "", {"example": "two words"}, True),
        ('example="a,b", wait=1', "", {"example": "a,b", "wait": "1"}, True),
        (r'example="a\"b"', "", {"example": 'a"b'}, True),
        ("code=201;example=other", "", {"code": "201"}, True),
        ("code=201; example=other, wait=2", "", {"code": "201", "wait": "2"}, True),
        ("code=409, code=429", "", {"code": "409"}, True),
        ("code=409", "__code=429", {"code": "409"}, True),
        ("example=good", "__code=409", {"example": "good"}, True),
        ("respond-async, return=minimal", "__code=409", None, True),
        ("dynamic=true, seed=5", "", None, True),
        ("", "__code=409", None, True),
        (None, "__code=409&__example=a%20b", {"code": "409", "example": "a b"}, False),
        (None, "__wait=2&x=1", {"wait": "2"}, False),
        (None, "code=409", None, False),
        (None, "a__code=409", None, False),
        (None, "__dynamic=true", None, False),
    ],
)
def test_what_is_read(header: str | None, query: str, asked: dict[str, str] | None, in_header: bool) -> None:
    preferences = read_preferences(request(headers={} if header is None else {"prefer": header}, query=query))
    assert preferences == (None if asked is None else Preferences(asked, in_header))


TEAPOT = {
    "description": "",
    "content": {"application/json": {"examples": {"short": {"value": "s"}, "stout": {"value": "t"}}}},
}
CHANGES = {
    f"{OPERATION}/responses/418": TEAPOT,
    f"{OPERATION}/responses/204": {"description": "nothing"},
    f"{OPERATION}/responses/201/content/application~1json/examples/other": {"value": {"id": "other"}},
    "/x-mock/answers/rate-limited/headers": {"Retry-After": "{$mock.limit.resetSeconds || 1}"},
}


@pytest.mark.parametrize(
    ("prefer", "status", "body", "applied", "outcome"),
    [
        ("code=201",                 201, {"id": ...},              "code=201", "scripted"),
        ("example=other",            201, {"id": "other"},          "example=other", "scripted"),
        ("example=stout",            418, "t",                      "example=stout", "scripted"),
        ("code=418",                 418, "s",                      "code=418", "scripted"),
        ("code=418, example=stout",  418, "t",                      "code=418, example=stout", "scripted"),
        ("code=429",                 429, {"error": "rate-limited"}, "code=429", "scripted"),
        ("code=400",                 400, {"error": "malformed"},   "code=400", "scripted"),
        ("code=204",                 204, None,                     "code=204", "scripted"),
        ("wait=0",                   201, {"id": ...},              "wait=0", "admitted"),
        ("status=418",               201, {"id": ...},              None, "admitted"),
        ("code=418;example=stout",   418, "s",                      "code=418", "scripted"),
    ],
)  # fmt: skip
def test_what_is_answered(prefer: str, status: int, body: Any, applied: str | None, outcome: str) -> None:
    decided, exchange = call(world(api(CHANGES)), request(headers={"prefer": prefer}))
    response = decided.response
    assert response is not None
    assert (response.status, exchange.outcome) == (status, outcome)
    got = json.loads(response.body) if response.body else None
    assert (set(got or ()) == {"id"}) if body == {"id": ...} else (got == body)
    headers = dict(response.headers)
    assert headers.get("preference-applied") == applied
    assert headers.get("vary") == ("Prefer" if applied else None)
    assert headers.get("Retry-After") == ("1" if status == 429 else None)


@pytest.mark.parametrize(
    ("prefer", "status", "told"),
    [
        ("code=500", 404, "there are 201, 204, 400, 413, 415, 418, 429"),
        ("example=nope", 404, "there are made, other, error, short, stout"),
        ("code=201, example=stout", 404, "there are made, other"),
        ("code=abc", 422, "a status of three digits"),
        ("code=4029", 422, "a status of three digits"),
        ("wait=soon", 422, "a number of seconds"),
        ("wait=-1", 422, "a number of seconds"),
        ("wait=", 422, "a number of seconds"),
    ],
)
def test_what_cannot_be_met(prefer: str, status: int, told: str) -> None:
    decided, exchange = call(world(api(CHANGES)), request(headers={"prefer": prefer}))
    assert decided.response is not None
    assert decided.response.status == status
    assert exchange.reason == Reason.PREFERENCE
    document = json.loads(decided.response.body)
    assert document["type"] == "urn:mockserver:preference"
    assert document["status"] == status
    assert told in document["detail"]
    assert document["instance"] == f"/__admin/requests/{exchange.id}"


@pytest.mark.parametrize(("wait", "delay"), [("2", 2.0), ("0.25", 0.25), ("600", 60.0)])
def test_waiting(wait: str, delay: float) -> None:
    decided, exchange = call(world(api(CHANGES)), request(headers={"prefer": f"wait={wait}"}))
    assert decided.delay == delay
    assert (exchange.outcome, exchange.delay) == ("admitted", delay)


def test_a_broken_request_stays_broken() -> None:
    decided, exchange = call(world(api(CHANGES)), request(5, {"prefer": "code=201"}))
    assert (exchange.outcome, exchange.reason) == ("refused", "invalid")
    assert decided.response is not None
    assert "preference-applied" not in dict(decided.response.headers)


def test_the_latency_of_an_operation_adds_to_the_wait() -> None:
    decided, _ = call(world(api({f"{WORDS}/latency": "250ms"})), request(headers={"prefer": "wait=1"}))
    assert decided.delay == 1.25
