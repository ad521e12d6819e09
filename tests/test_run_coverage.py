"""Coverage of the contract: what can be exercised of an operation, and what a call exercises of it."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockserver.engine.contract import Api
from mockserver.engine.exchange import Exchange, Request
from mockserver.engine.world import Blueprint
from mockserver.loading import load_bundled, load_spec
from mockserver.reports.coverage import (
    ENUM_VALUE,
    KINDS,
    MEMBER,
    OPERATION,
    STATUS,
    Coverage,
    coverage_of,
    parts_of,
    totals,
)
from mockserver.yamltext import write_yaml
from tests.runs import covered, recorded


def api_with(folder: Path, schema: Any, parameters: Any = (), responses: Any = None) -> Api:
    operation = {
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "parameters": list(parameters),
        "responses": responses or {"201": {"description": "Done."}},
    }
    path = folder / "own.yaml"
    document = {
        "openapi": "3.1.0", "info": {"title": "Own", "version": "1"}, "paths": {"/own": {"post": operation}},
        "components": {"schemas": {"Tree": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}}},
    }  # fmt: skip
    path.write_text(write_yaml(document), "utf-8")
    return load_spec(path, "own")


def call(
    body: bytes = b"", query: str = "", headers: dict[str, str] | None = None, **members: Any
) -> Exchange:
    request = Request("POST", "/own", query, headers or {}, b"", body)
    known: dict[str, Any] = {"outcome": "admitted", "api": "own", "operation": "post /own"}
    return Exchange(1, "p-000000000001", 1.0, request, **{**known, **members})


def named(api: Api, kind: str) -> list[str]:
    (operation,) = api.operations
    return [part.name for part in parts_of(operation) if part.kind == kind]


A = {"type": "object", "properties": {"a": {"enum": ["x", 1, None, True]}}}


@pytest.mark.parametrize(
    ("schema", "members", "values"),
    [
        # a schema; the members that it speaks of; the values that it lists
        ({}, [], []),
        (True, [], []),
        (A, ["/a"], ["/a: x", "/a: 1", "/a: null", "/a: true"]),
        ({"properties": {"a/b~": {"const": 5}}}, ["/a~1b~0"], ["/a~1b~0: 5"]),
        ({"properties": {"a": {"type": "boolean"}, "no": False}}, ["/a"], []),
        ({"items": A}, ["/*/a"], ["/*/a: x", "/*/a: 1", "/*/a: null", "/*/a: true"]),
        ({"items": {"enum": ["x"]}}, [], ["/*: x"]),
        ({"prefixItems": [{}, A | {"properties": {"b": {}}}]}, ["/1/b"], []),
        ({"additionalProperties": {"properties": {"b": {}}}}, ["/*/b"], []),
        ({"anyOf": [{"properties": {"b": {}}}, {"items": {"properties": {"b": {}}}}]}, ["/b", "/*/b"], []),
        ({"oneOf": [{"properties": {"b": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, ["/b"], ["/b: 1", "/b: 2"]),
        ({"allOf": [{"properties": {"b": {}}}], "properties": {"a": {}}}, ["/a", "/b"], []),
        ({"if": {"required": ["a"]}, "then": {"properties": {"b": {}}}, "else": {"properties": {"c": {}}}}, ["/b", "/c"], []),
        ({"dependentSchemas": {"a": {"properties": {"b": {}}}}}, ["/b"], []),
        ({"not": {"properties": {"b": {}}}}, [], []),
        ({"$ref": "#/components/schemas/Tree"}, ["/name", "/children"], []),
    ],
)  # fmt: skip
def test_what_can_be_exercised(tmp_path: Path, schema: Any, members: list[str], values: list[str]) -> None:
    api = api_with(tmp_path, schema)
    assert (named(api, MEMBER), named(api, ENUM_VALUE)) == (members, values)


WIDE = {
    "properties": {
        "to": {"anyOf": [{"type": "array", "items": A}, A]},
        "level": {"enum": [1, 2.5]},
        "data": {"additionalProperties": {"properties": {"kind": {"const": "k"}}}},
        "tree": {"$ref": "#/components/schemas/Tree"},
    }
}


@pytest.mark.parametrize(
    ("body", "exercised"),
    [
        (b"", []),
        (b"{", []),
        (b"7", []),
        (b'{"unknown": 1}', []),
        (b'{"to": []}', ["/to"]),
        (b'{"to": [{"a": 2}, {}]}', ["/to", "/to/*/a"]),
        (b'{"to": {"a": "x"}}', ["/to", "/to/a", "/to/a: x"]),
        (b'{"to": [{"a": null}], "level": 1.0}', ["/level", "/level: 1", "/to", "/to/*/a", "/to/*/a: null"]),
        (b'{"level": "1"}', ["/level", "/level: 1"]),  # told alike, whatever the type
        (b'{"level": 2.50}', ["/level", "/level: 2.5"]),
        (b'{"data": {"mine": {"kind": "k"}, "other": 1}}', ["/data", "/data/*/kind", "/data/*/kind: k"]),
        (b'{"data": [{"kind": "k"}]}', ["/data"]),
        (b'{"tree": {"children": [{"name": "deep"}]}}', ["/tree", "/tree/children"]),
    ],
)
def test_what_a_body_exercises(tmp_path: Path, body: bytes, exercised: list[str]) -> None:
    (found,) = coverage_of([call(body)], Blueprint([api_with(tmp_path, WIDE)]))
    kinds = {MEMBER, ENUM_VALUE}
    assert (
        sorted(part.name for part, calls in found.parts.items() if calls and part.kind in kinds) == exercised
    )


PARAMETERS = [
    {"name": "colour", "in": "query", "schema": {"enum": ["red", "blue"]}},
    {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
    {"name": "ids", "in": "query", "explode": False, "schema": {"type": "array", "items": {"enum": [1, 2]}}},
    {"name": "X-Mode", "in": "header", "schema": {"const": "fast"}},
]


@pytest.mark.parametrize(
    ("query", "headers", "exercised"),
    [
        ("", {}, []),
        ("colour=red", {}, ["query colour", "query colour: red"]),
        ("colour=green", {}, ["query colour"]),
        ("tag=a&tag=b", {}, ["query tag", "query tag/*: a", "query tag/*: b"]),
        ("ids=2,3", {}, ["query ids", "query ids/*: 2"]),
        ("", {"x-mode": "fast"}, ["header x-mode", "header x-mode: fast"]),
    ],
)
def test_what_parameters_exercise(
    tmp_path: Path, query: str, headers: dict[str, str], exercised: list[str]
) -> None:
    blueprint = Blueprint([api_with(tmp_path, {}, PARAMETERS)])
    (found,) = coverage_of([call(b"", query, headers)], blueprint)
    assert (
        sorted(part.name for part, calls in found.parts.items() if calls and part.kind != OPERATION)
        == exercised
    )


@pytest.mark.parametrize(
    ("members", "calls"),
    [
        ({}, 1),
        ({"outcome": "refused", "reason": "invalid", "status": 422}, 1),  # whatever became of it
        ({"outcome": "scripted"}, 1),
        ({"operation": None}, 0),
        ({"api": None, "operation": None}, 0),
        ({"request": Request("PUT", "/own"), "outcome": "refused", "reason": "wrong-method"}, 0),
        ({"request": Request("OPTIONS", "/own")}, 0),
    ],
)
def test_which_calls_exercise_an_operation(tmp_path: Path, members: dict[str, Any], calls: int) -> None:
    found = coverage_of([replace(call(), **members)], Blueprint([api_with(tmp_path, WIDE)]))
    assert [each.counts(OPERATION) for each in found] == ([(1, 1)] if calls else [])


def exercised(found: Coverage, kind: str) -> list[str]:
    return [part.name for part, calls in found.parts.items() if calls and part.kind == kind]


def test_statuses_and_the_items_of_bulk_calls() -> None:
    with recorded() as run:
        run.novu()
        run.novu({"name": 5})
        run.novu(Prefer="code=429")
        run.send(
            "/v1/events/trigger/bulk",
            {"events": [{"name": "w", "to": {"type": "Topic", "topicKey": "t"}}, 7]},
        )
        trigger, bulk, *others = covered(run.verdict())
    assert exercised(trigger, STATUS) == ["201", "422", "429"]
    assert exercised(bulk, STATUS) == ["201"]
    assert {"/to/topicKey", "/to/type", "/name"} <= set(exercised(trigger, MEMBER))
    assert "/to/type: Topic" in exercised(trigger, ENUM_VALUE)
    assert "/events/*/to/topicKey" in exercised(bulk, MEMBER)
    assert trigger.parts[next(iter(trigger.parts))] == 3  # the operation itself: not by items
    assert not any(calls for other in others for calls in other.parts.values())
    assert {each.api for each in (trigger, bulk, *others)} == {"novu"}


def test_an_alias_exercises_its_operation_and_problem_documents_are_no_part_of_a_contract(
    tmp_path: Path,
) -> None:
    with recorded() as run:
        run.send("/v2/event", {"distinct_id": "a", "event": "e"})
        found = covered(run.verdict())
    assert [each.operation for each in found if each.counts(OPERATION)[0]]
    assert named(api_with(tmp_path, WIDE), STATUS) == ["201"]


def test_totals_add_up() -> None:
    with recorded() as run:
        run.novu()
        run.send("/event/", {"distinct_id": "a", "event": "e"})
        found = covered(run.verdict())
    for kind, (made, total) in totals(found).items():
        assert kind in KINDS
        assert total - made == sum(len(each.missed(kind)) for each in found)
        assert made > 0 or kind == ENUM_VALUE


def test_ten_thousand_calls_are_counted_at_once() -> None:
    blueprint = Blueprint(load_bundled(["novu"]))
    operation = next(each.id for each in blueprint.apis[0].operations)
    body = b'{"name": "w", "to": [{"subscriberId": "a", "email": "b"}, "c"], "payload": {"x": [1, 2, 3]}}'
    one = replace(call(body), api="novu", operation=operation)
    calls = [
        replace(one, request=Request("POST", "/v1/events/trigger", "", {}, b"", body)) for _ in range(10_000)
    ]
    begun = time.process_time()
    found = coverage_of(calls, blueprint)
    assert time.process_time() - begun < 2
    assert max(found[0].parts.values()) == 10_000
