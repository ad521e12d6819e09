"""Bulk operations: each item judged by itself, answered in its place, with keys that hold beyond the call."""

from collections.abc import Mapping
from json import loads as parse
from typing import Any

import pytest

from mockserver.engine.dedup import MOST_ISSUED, Free, Keys, Seen
from mockserver.engine.exchange import Exchange
from mockserver.engine.world import World
from tests.engine.specs import OPERATION, api, call, request, world

KEY = "{$request.body#/key}"
ID = '{$request.body#/key || "id-{$mock.objectId#id}"}'
BULK: dict[str, Any] = {
    "operationId": "make-all",
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "200": {"description": "", "content": {"application/json": {"examples": {"all": {"value": {"made": "{$mock.each}"}}}}}},
    },
    "x-mock": {
        "success": {"status": 200, "example": "all"},
        "checks": ["parsing", "validation"],
        "each": {
            "at": "/things",
            "operation": "make",
            "checks": ["validation", "key"],
            "good": {"id": ID},
            "bad": {"reason": "{$mock.reason}", "errors": "{$mock.findings}"},
            "wording": {"required": "{$item.path} is missing"},
        },
    },
}  # fmt: skip
RULE = {"name": "key", "key": KEY, "issues": "id-{$mock.objectId#id}", "ttl": "1h", "maxLength": 5}
CHANGES: Mapping[str, Any] = {
    "/x-mock/checks": ["parsing", "validation", "key"],
    "/x-mock/answers/key-too-long": {"status": 400, "example": "error"},
    "/x-mock/dedup": [RULE],
    f"{OPERATION}/responses/201/content/application~1json/examples/made/value": {"id": ID},
    "/paths/~1all/post": BULK,
}


def made(changes: Mapping[str, Any] | None = None) -> World:
    return world(api({**CHANGES, **(changes or {})}))


def sent(where: World, *items: Any, path: str = "/all") -> tuple[Any, Exchange]:
    """Send items in a bulk call, or one alone; return the body of the answer, and the exchange."""
    body = {"things": list(items)} if path == "/all" else items[0]
    decided, exchange = call(where, request(body, path=path))
    assert decided.response is not None
    return parse(decided.response.body), exchange


@pytest.mark.parametrize(
    ("item", "answer", "found"),
    [
        ({"name": "a", "key": "k"},       {"id": "k"},                                                    []),
        ({"key": "k"},                    {"reason": "invalid", "errors": ["name is missing"]},           ["/things/1/name"]),
        ({"name": 5},                     {"reason": "invalid", "errors": ["name must be a string, not a number"]}, ["/things/1/name"]),
        ("a",                             {"reason": "invalid", "errors": ["the body must be an object, not a string"]}, ["/things/1"]),
        ({"name": "a", "key": "longer"},  {"reason": "key-too-long", "errors": ["key must have at most 5 characters"]}, ["/things/1/key"]),
    ],
)  # fmt: skip
def test_an_item_is_answered_in_its_place(item: Any, answer: Any, found: list[str]) -> None:
    body, exchange = sent(made(), {"name": "a", "key": "first"}, item, {"name": "a", "key": "last"})
    assert body == {"made": [{"id": "first"}, answer, {"id": "last"}]}
    assert exchange.outcome == "admitted"
    assert [each["pointer"] for each in exchange.findings] == found


@pytest.mark.parametrize("items", [[], None, "text", {"a": 1}])
def test_where_there_is_no_list_there_are_no_items(items: Any) -> None:
    where = made()
    _, exchange = call(where, request({"things": items}, path="/all"))
    assert exchange.response is not None
    assert parse(exchange.response.body) == {"made": []}


def test_each_item_has_fresh_ids_of_its_own() -> None:
    body, _ = sent(made(), {"name": "a"}, {"name": "b"})
    one, other = (each["id"] for each in body["made"])
    assert one != other
    assert one.startswith("id-")


def test_keys_hold_between_items_bulk_calls_and_single_ones() -> None:
    where = made()
    sent(where, {"name": "a", "key": "k-1"}, {"name": "a", "key": "k-1"})
    _, single = sent(where, {"name": "a", "key": "k-1"}, path="/things")
    assert (single.outcome, single.repeat_of, single.rule) == ("repeated", 1, "key")
    _, fresh = sent(where, {"name": "a", "key": "k-2"}, path="/things")
    assert fresh.outcome == "admitted"
    body, again = sent(where, {"name": "b", "key": "k-2"})
    assert body == {"made": [{"id": "k-2"}]}
    assert again.outcome == "admitted"


def test_a_bad_item_uses_no_key_up() -> None:
    where = made()
    sent(where, {"key": "k-1"})
    _, exchange = sent(where, {"name": "a", "key": "k-1"}, path="/things")
    assert exchange.outcome == "admitted"


@pytest.mark.parametrize("path", ["/all", "/things"])
def test_a_key_that_was_issued_is_known(path: str) -> None:
    where = made()
    body, _ = sent(where, {"name": "a"}, path=path)
    issued = (body["made"][0] if path == "/all" else body)["id"]
    where.clock.advance(3599)
    longer = {"/x-mock/dedup": [{**RULE, "maxLength": 50}]}
    assert sent(where, {"name": "a", "key": issued}, path="/things")[1].reason == "key-too-long"
    where = made(longer)
    body, _ = sent(where, {"name": "a"}, path=path)
    issued = (body["made"][0] if path == "/all" else body)["id"]
    answer, exchange = sent(where, {"name": "a", "key": issued}, path="/things")
    assert (answer, exchange.outcome, exchange.repeat_of) == ({"id": issued}, "repeated", 1)
    where.clock.advance(3601)
    assert sent(where, {"name": "a", "key": issued}, path="/things")[1].outcome == "admitted"


def test_a_repeat_has_the_ids_that_were_made_the_first_time() -> None:
    labelled = "{$mock.uuid#message}"
    where = made(
        {
            f"{OPERATION}/responses/201/content/application~1json/examples/made/value": {"message": labelled},
            "/paths/~1all/post": {
                **BULK,
                "x-mock": {**BULK["x-mock"], "each": {**BULK["x-mock"]["each"], "good": {"id": labelled}}},
            },
        }
    )
    body, _ = sent(where, {"name": "a", "key": "bulk"}, {"name": "a", "key": "bulk"})
    one, other = body["made"]
    assert one == other
    assert sent(where, {"name": "a", "key": "bulk"}, path="/things")[0] == {"message": one["id"]}
    alone, _ = sent(where, {"name": "a", "key": "alone"}, path="/things")
    assert sent(where, {"name": "a", "key": "alone"})[0] == {"made": [{"id": alone["message"]}]}


def test_a_forced_answer_judges_no_items() -> None:
    where = made()
    decided, exchange = call(
        where,
        request({"things": [{"name": "a", "key": "k-1"}]}, {"prefer": "example=all"}, path="/all"),
    )
    assert exchange.outcome == "scripted"
    assert decided.response is not None
    assert parse(decided.response.body) == {}
    assert sent(where, {"name": "a", "key": "k-1"}, path="/things")[1].outcome == "admitted"


def test_not_more_than_fifty_findings_are_told() -> None:
    body, exchange = sent(made(), *[{}] * 100)
    assert len(body["made"]) == 100
    assert len(exchange.findings) == 50


def test_items_lean_on_deviations_of_their_operation() -> None:
    loosened = {
        "id": "any-name",
        "at": "/components/schemas/Thing/properties/name",
        "observed": True,
        "evidence": "seen in a test",
    }
    _, exchange = sent(made({"/x-mock/deviations": [loosened]}), {"name": 5}, {"name": 6}, {"name": "a"})
    assert exchange.deviations == ("any-name",)


def test_a_rule_that_holds_keys_holds_none_for_items() -> None:
    where = made(
        {
            "/x-mock/dedup": [{**RULE, "inFlightTtl": "1m"}],
            "/x-mock/answers/in-flight": {"status": 409, "example": "error"},
        }
    )
    sent(where, {"key": "k-1"}, {"name": "a", "key": "k-2"})
    assert sent(where, {"name": "a", "key": "k-1"}, path="/things")[1].outcome == "admitted"
    assert sent(where, {"name": "a", "key": "k-2"}, path="/things")[1].outcome == "repeated"


# Issued keys


def test_issued_keys_expire() -> None:
    keys = Keys()
    keys.issue(("a",), 7, 10.0, (("uuid#m", "1"),))
    assert keys.judge(("a",), "whatever", 9.9) == Seen(None, 7, (("uuid#m", "1"),))
    assert keys.judge(("a",), "", 10.0) == keys.judge(("b",), "", 0.0) == Free()


def test_the_oldest_issued_keys_make_room() -> None:
    keys = Keys()
    for number in range(MOST_ISSUED + 1):
        keys.issue((str(number),), number, 10.0)
    assert keys.judge(("0",), "", 0.0) == Free()
    assert keys.judge(("1",), "", 0.0) == Seen(None, 1)
    assert keys.forgotten == 0
