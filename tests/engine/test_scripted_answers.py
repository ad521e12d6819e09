"""What a rule answers: its own bytes, or the API's answer for a status or an example."""

import json
import random
from typing import Any

import pytest

from mockserver.engine.clock import Clock
from mockserver.engine.decide import answer
from mockserver.engine.exchange import Exchange, Request, Response
from mockserver.engine.headers import packed
from mockserver.engine.mappings import read_mapping
from mockserver.engine.rendering import perform
from mockserver.engine.world import Blueprint, World
from mockserver.loading import load_bundled
from tests.engine.specs import NOON

BLUEPRINT = Blueprint(load_bundled())
PATHS = {
    "novu": ("/v1/events/trigger", {"authorization": "ApiKey k"}, {"name": "welcome", "to": [{"subscriberId": "ada"}], "payload": {}}),
    "suprsend": ("/event/", {"authorization": "Bearer k"}, {"distinct_id": "ada", "event": "bought"}),
    "alloy": ("/run/event", {"authorization": "bearer k", "x-api-version": "2025-09"}, {"event": "e", "userId": "u", "data": {}}),
    "opensend": ("/events/send", {"authorization": "Bearer k"}, {"event": "e.f", "email": "ada@example.com"}),
}  # fmt: skip
NOT_OURS = {"matched-stub-id", "matched-stub-name"}


def sent(api: str, method: str = "POST", path: str | None = None, **more: str) -> Request:
    known, credentials, body = PATHS[api]
    headers = {"content-type": "application/json", **credentials, **more}
    lines = packed([(name.encode(), value.encode()) for name, value in headers.items()])
    return Request(method, path or known, "", headers, lines, json.dumps(body).encode())


def answered(mapping: dict[str, Any], request: Request | None = None) -> tuple[Response, Exchange]:
    """Return what is answered where one rule is in force, and the call as the journal has it."""
    here = World(BLUEPRINT, Clock(lambda: NOON), random.Random(7).getrandbits)
    here.rules.put(read_mapping({"name": "a rule", **mapping}, BLUEPRINT.known, lambda: "some-id"))
    decided = answer(here, request or sent("novu"))
    assert decided.response is not None
    return decided.response, here.journal.read(decided.row)


def lowered(response: Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers if name.lower() not in NOT_OURS}


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("after", ["nothing", "checks"])
@pytest.mark.parametrize("status", [429, 401, 413, 503])
def test_a_status_alone_is_the_answer_that_the_api_documents(api: str, after: str, status: int) -> None:
    asked, _ = answered({"request": {"method": "PUT"}}, sent(api, prefer=f"code={status}"))
    ruled, exchange = answered({"response": {"status": status}, "after": after}, sent(api))
    assert (ruled.status, ruled.body) == (status, asked.body)
    assert ruled.body
    expected = lowered(asked)
    assert expected.pop("preference-applied") == f"code={status}"
    expected.pop("vary")
    assert lowered(ruled) == expected
    assert (exchange.outcome, exchange.rule, exchange.stub, exchange.api) == (
        "scripted",
        "a rule",
        "some-id",
        api,
    )


@pytest.mark.parametrize("api", PATHS)
def test_the_answer_that_throttles_says_how_long(api: str) -> None:
    ruled, _ = answered({"response": {"status": 429}}, sent(api))
    assert lowered(ruled)["retry-after"] == "1"
    ruled, _ = answered({"response": {"status": 429, "headers": {"retry-AFTER": "7"}}}, sent(api))
    assert [value for name, value in ruled.headers if name.lower() == "retry-after"] == ["7"]


JSON_TYPE = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("response", "status", "headers", "body"),
    [
        ({"status": 418},                                       418, {},            b""),
        ({"status": 299, "body": "x"},                          299, {},            b"x"),
        ({"status": 429, "body": ""},                           429, {},            b""),
        ({"body": "é"},                                         200, {},            "é".encode()),
        ({"jsonBody": {"a": [1]}},                              200, JSON_TYPE,     b'{"a":[1]}'),
        ({"jsonBody": None},                                    200, JSON_TYPE,     b"null"),
        ({"jsonBody": None, "body": "x"},                       200, {},            b"x"),
        ({"jsonBody": False, "status": 429},                    429, JSON_TYPE,     b"false"),
        ({"jsonBody": 1, "headers": {"content-TYPE": "a/b"}},   200, {"content-type": "a/b"}, b"1"),
        ({"base64Body": "/wA="},                                200, {},            b"\xff\x00"),
        ({"status": 299, "headers": {"X-A": "b"}},              299, {"x-a": "b"},  b""),
        ({"status": 299, "headers": {"X-A": 5}},                299, {"x-a": "5"},  b""),
        ({"status": 204, "body": "x"},                          204, {},            b""),
        ({"status": 304, "jsonBody": 1},                        304, JSON_TYPE,     b""),
        ({"status": 204},                                       204, {},            b""),
        ({"status": 205, "body": "x"},                          205, {},            b"x"),
        ({"status": 100, "body": "x"},                          100, {},            b""),
    ],
)  # fmt: skip
def test_what_is_answered(response: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    made, exchange = answered({"response": response})
    assert (made.status, lowered(made), made.body) == (status, headers, body)
    assert len(made.headers) == len(headers) + len(NOT_OURS)
    assert (exchange.status, exchange.outcome) == (status, "scripted")


@pytest.mark.parametrize(
    ("mapping", "status", "error"),
    [
        ({"example": "in-flight"}, 409, True),
        ({"example": "processed"}, 201, False),
        ({"example": "invalid"}, 422, True),
        ({"example": "invalid", "response": {"status": 422}}, 422, True),
        ({"example": "invalid", "response": {"status": 500}}, 500, True),
        ({"metadata": {"mock": {"example": "in-flight"}}}, 409, True),
        ({"response": {"status": 201}}, 201, False),
        ({"response": {"status": 409}}, 409, True),
    ],
)
def test_an_example_is_the_apis_own_answer(mapping: dict[str, Any], status: int, error: bool) -> None:
    made, _ = answered(mapping)
    assert made.status == status
    assert ("message" in json.loads(made.body)) is error
    assert lowered(made)["content-type"].startswith("application/json")


def test_a_header_of_the_rule_replaces_all_of_the_apis_and_may_be_several() -> None:
    plain, _ = answered({"response": {"status": 409}})
    assert dict(plain.headers)["Link"]
    made, _ = answered(
        {"response": {"status": 409, "headers": {"link": ["</a>", "</b>"], "CONTENT-type": "a/b"}}}
    )
    assert [value for name, value in made.headers if name.lower() == "link"] == ["</a>", "</b>"]
    assert [value for name, value in made.headers if name.lower() == "content-type"] == ["a/b"]
    assert made.body == plain.body


@pytest.mark.parametrize("name", ["", "a rule"])
def test_an_answer_names_its_rule(name: str) -> None:
    made, _ = answered({"name": name, "response": {"status": 200, "body": "x"}})
    named = [("Matched-Stub-Id", "some-id")] + ([("Matched-Stub-Name", name)] if name else [])
    assert list(made.headers[-len(named) :]) == named
    held, _ = answered({"response": {"fixedDelayMilliseconds": 5}})
    assert not {name.lower() for name, _ in held.headers} & NOT_OURS


@pytest.mark.parametrize(
    ("method", "path", "api"),
    [
        ("GET", "/nowhere", None),
        ("POST", "/nowhere/else?", None),
        ("PUT", "/v1/events/trigger", "novu"),
        ("OPTIONS", "/v1/events/trigger", "novu"),
        ("GET", "/event/", "suprsend"),
    ],
)
def test_rules_take_calls_that_no_operation_takes(method: str, path: str, api: str | None) -> None:
    mapping = {"request": {"urlPath": path}, "response": {"status": 299, "jsonBody": {"ok": True}}}
    made, exchange = answered(mapping, sent("novu", method, path))
    assert (made.status, made.body) == (299, b'{"ok":true}')
    assert (exchange.outcome, exchange.reason, exchange.api, exchange.stub) == (
        "scripted",
        None,
        api,
        "some-id",
    )
    made, exchange = answered({**mapping, "after": "checks"}, sent("novu", method, path))
    assert made.status in {404, 405, 204}
    assert exchange.stub is None


@pytest.mark.parametrize(("status", "body"), [(429, True), (418, False)])
def test_a_status_on_a_wrong_method_is_that_of_the_operation(status: int, body: bool) -> None:
    made, _ = answered({"response": {"status": status}}, sent("novu", "PUT"))
    assert (made.status, bool(made.body)) == (status, body)
    nowhere, _ = answered({"response": {"status": status}}, sent("novu", "PUT", "/nowhere"))
    assert (nowhere.status, nowhere.body, lowered(nowhere)) == (status, b"", {})


@pytest.mark.parametrize("fault", ["EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER"])
@pytest.mark.parametrize("path", ["/v1/events/trigger", "/nowhere"])
def test_a_fault_wins_over_status_and_body(fault: str, path: str) -> None:
    made, exchange = answered(
        {"response": {"status": 201, "body": "x", "fault": fault}}, sent("novu", "POST", path)
    )
    assert (made.status, made.body) == (0, b"")
    assert (exchange.fault, exchange.status, exchange.published) == (fault, 0, None)
    ruled = read_mapping({"response": {"fault": fault}}, BLUEPRINT.known, lambda: "id")
    assert perform(ruled, None) == Response(0, (), b"")


@pytest.mark.parametrize(("status", "published"), [(201, True), (418, False)])
def test_the_journal_knows_whether_the_contract_lists_the_status(status: int, published: bool) -> None:
    assert answered({"response": {"status": status}})[1].published is published
