"""Bulk operations: each item judged by itself, answered in its place, with keys that hold beyond the call."""

from collections.abc import Mapping
from dataclasses import replace
from json import loads as parse
from typing import Any

import pytest

from mockserver.engine.case import Case
from mockserver.engine.decide import open_case
from mockserver.engine.dedup import Free, Keys, Seen
from mockserver.engine.exchange import Exchange
from mockserver.engine.issued import BLOCK, MOST_ISSUED
from mockserver.engine.items import judge_items
from mockserver.engine.mappings import read_mapping
from mockserver.engine.patterns import read_pattern
from mockserver.engine.routing import Found
from mockserver.engine.sightings import sighting_of
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


@pytest.mark.parametrize("by", ["prefer", "rule before checks", "rule after checks"])
def test_a_forced_success_tells_of_items_and_uses_no_key_up(by: str) -> None:
    where = made()
    if by != "prefer":
        document = {"request": {"operation": "make-all"}, "response": {"status": 200}}
        after = "checks" if "after" in by else "nothing"
        where.rules.put(read_mapping({**document, "after": after}, where.blueprint.known, lambda: "r"))
    headers = {"prefer": "example=all"} if by == "prefer" else {}
    for _ in range(2):
        decided, exchange = call(
            where, request({"things": [{"name": "a", "key": "k-1"}, {}]}, headers, path="/all")
        )
        assert (exchange.outcome, exchange.items, exchange.findings) == ("scripted", (), ())
        assert decided.response is not None
        assert parse(decided.response.body) == {
            "made": [{"id": "k-1"}, {"reason": "invalid", "errors": ["name is missing"]}]
        }
    assert sent(where, {"name": "a", "key": "k-1"}, path="/things")[1].outcome == "admitted"


def test_an_array_may_be_judged_as_what_its_operation_takes_alone() -> None:
    own = {"at": "", "operation": "make", "checks": ["key"]}
    alone = {name: value for name, value in CHANGES.items() if name != "/paths/~1all/post"}
    where = world(api({**alone, f"{OPERATION}/x-mock/each": own, "/components/schemas/Thing": {}}))
    call(where, request([{"key": "k-1"}, {"key": "k-1"}]))
    _, exchange = call(where, request({"key": "k-1"}))
    assert (exchange.outcome, exchange.repeat_of) == ("repeated", 1)
    (bulk,) = list(where.journal.newest_first())[1:]
    assert [each["outcome"] for each in bulk.items] == ["admitted", "repeated"]


def test_what_became_of_each_item_is_told() -> None:
    named = {
        f"{OPERATION}/x-mock/catalogue": {"name": "{$request.body#/name}"},
        f"{OPERATION}/x-mock/recipient": "{$request.body#/to}",
    }
    reasons = {
        f"/x-mock/answers/{reason}": {"status": 400, "example": "error"}
        for reason in ("not-in-catalogue", "payload-invalid")
    }
    where = made({**named, **reasons})
    sent(where, {"name": "a", "key": "k"}, path="/things")
    _, exchange = sent(where, {}, {"name": "a", "to": "ada", "key": "k"}, {"name": "b", "to": "bob"})
    told = [tuple(each.values()) for each in exchange.items]
    assert told == [
        ("refused", "invalid", None, None, None, None),
        ("repeated", None, "key", 1, "a", "ada"),
        ("admitted", None, None, None, "b", "bob"),
    ]
    assert (exchange.name, exchange.recipient) == ("a", "ada")
    for pattern, count in (
        ({"name": "a"}, 2), ({"name": "b"}, 1), ({"recipient": "bob"}, 1), ({"name": ["c", "b"]}, 1), ({"name": "c"}, 0),
    ):  # fmt: skip
        asked = read_pattern(pattern, where.blueprint.known)
        seen = [sighting_of(row, 0.0, where.blueprint.describe) for row in where.journal.rows()]
        assert sum(map(asked.matches, seen)) == count, pattern
        assert all(bool(asked.differences(each)) is not asked.matches(each) for each in seen)
    assert where.blueprint.key_of(exchange) == "k"


def test_an_item_that_cannot_be_answered_uses_no_keys_up() -> None:
    """A template may fail, which is a bug: nothing was answered, and so nothing is remembered."""
    where = made()
    operation = where.blueprint.operations["things", "make-all"]
    assert operation.each is not None

    def fail(facts: Any) -> Any:
        if facts.body["key"] == "k-2":
            raise ZeroDivisionError
        return {}

    with pytest.raises(ZeroDivisionError):
        judge_items(where, opened(where), replace(operation.each, good=fail), keeps=True)
    assert sent(where, {"name": "a", "key": "k-1"}, path="/things")[1].outcome == "admitted"


def opened(where: World) -> Case:
    sent_ = request({"things": [{"name": "a", "key": "k-1"}, {"name": "a", "key": "k-2"}]}, path="/all")
    found = where.blueprint.router.route("POST", "/all")
    assert isinstance(found, Found)
    case = open_case(where, sent_, found)
    case.body = parse(sent_.body)
    return case


def test_a_repeat_on_another_route_is_answered_in_its_form() -> None:
    labelled, other = "{$mock.uuid#message}", "/paths/~1others/post"
    bare = {
        "operationId": "other",
        "responses": {
            "200": {"description": "", "content": {"application/json": {"example": {"other": labelled}}}}
        },
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
    where = made(
        {
            f"{OPERATION}/responses/201/content/application~1json/examples/made/value": {"plain": True},
            other: {**bare, "requestBody": body},
        }
    )
    thing = {"name": "a", "key": "k"}
    assert sent(where, thing, path="/things")[0] == {"plain": True}
    there, exchange = sent(where, thing, path="/others")
    assert (exchange.outcome, exchange.repeat_of) == ("repeated", 1)
    assert sent(where, thing, path="/others")[0] == there
    assert sent(where, thing, path="/things")[0] == {"plain": True}


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


def test_an_error_that_is_remembered_is_repeated_on_other_routes_as_it_was() -> None:
    other = {"operationId": "other", "responses": {"200": {"description": ""}}}
    body: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}
    where = made(
        {
            "/paths/~1others/post": {**other, "requestBody": body},
            "/x-mock/checks": ["parsing", "key", "validation"],
            "/x-mock/dedup": [{**RULE, "remembers": ["success", "error"]}],
        }
    )
    refused, exchange = sent(where, {"key": "k"}, path="/things")
    assert exchange.outcome == "refused"
    again, exchange = sent(where, {"key": "k"}, path="/others")
    assert (again, exchange.outcome, exchange.status) == (refused, "repeated", 400)


# Issued keys


def test_issued_keys_expire() -> None:
    keys = Keys()
    keys.issue(("a",), 7, 10.0, (("uuid#m", "1"),))
    assert keys.judge(("a",), "whatever", 9.9) == Seen(None, 7, (("uuid#m", "1"),))
    assert keys.judge(("a",), "", 10.0) == keys.judge(("b",), "", 0.0) == Free()


def test_the_oldest_issued_keys_make_room() -> None:
    keys = Keys()
    for number in range(MOST_ISSUED + BLOCK):
        keys.issue((str(number),), number, 10.0)
    assert keys.judge(("0",), "", 0.0) == Seen(None, 0)
    keys.issue(("one more",), MOST_ISSUED + BLOCK, 10.0)
    known = [number for number in range(MOST_ISSUED + BLOCK) if keys.judge((str(number),), "", 0.0) != Free()]
    assert known == list(range(BLOCK, MOST_ISSUED + BLOCK))
    assert keys.judge(("one more",), "", 0.0) == Seen(None, MOST_ISSUED + BLOCK)
    assert keys.forgotten == 0


def test_issued_keys_are_known_whenever_they_are_asked_for() -> None:
    """Also those that were issued after a first question, twice, or at once with others, and those that were forgotten."""
    keys, made = Keys(), (("uuid#m", "1"), ("objectId#t", "ä"))
    for number in range(7):
        keys.issue(("api", str(number)), number, 10.0, made[: number % 3])
        for earlier in range(number + 1):
            assert keys.judge(("api", str(earlier)), "", 0.0) == Seen(None, earlier, made[: earlier % 3])
        assert keys.judge(("api", str(number + 1)), "", 0.0) == Free()
    keys.issue(("api", "2"), 8, 20.0, made)
    keys.issue(("api", "3"), 9, 20.0)
    assert keys.judge(("api", "2"), "", 15.0) == Seen(None, 8, made)
    keys.forget(("api", "2"))
    keys.forget(("api", "6"))
    keys.issue(("api", "4"), 10, 20.0)
    told = [keys.judge(("api", str(number)), "", 0.0) != Free() for number in range(7)]
    assert told == [True, True, False, True, True, True, False]
