"""The explanations are those of the oracle, for bodies that are nearly right, by every schema that we have."""

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.engine.validation import BEYOND, TOO_DEEP, Schema
from mockserver.loading import bundled_names, load_bundled
from tests.engine import oracle

PACKAGE = Path(__file__).parent.parent.parent / "mockserver"

# Schemas, and bodies that meet them

NOVU_LIKE = {
    "name": "welcome",
    "to": [{"subscriberId": "ada", "email": "ada@example.com"}, "bob"],
    "payload": {"a": 1},
}
BODIES: list[Any] = [
    NOVU_LIKE,
    {**NOVU_LIKE, "to": {"subscriberId": "ada", "channels": [{"providerId": "fcm", "credentials": {"deviceTokens": ["t"]}}]}},
    {**NOVU_LIKE, "to": [{"topicKey": "news", "type": "Topic"}], "actor": {"subscriberId": "x"}, "tenant": {"identifier": "y"},
     "overrides": {}, "transactionId": "t-1"},
    {"distinct_id": "ada", "event": "Order Placed", "properties": {"total": 5, "$attachments": [{"filename": "a.pdf", "url": "https://example.com/a.pdf"}]},
     "$idempotency_key": "k-1", "$insert_id": "520784e2-887d-4c25-b53c-4ad46ad38100", "$time": 1795176000000, "$user_operations": [{"$set": {"a": 1}}]},
    {"event": "contact.created", "userId": "u-1", "data": {"id": 1, "list": [1, {}]}},
    {"event": "user.signed_up", "email": "ada@example.com", "payload": {"plan": "pro"}},
    {"event": "user.signed_up", "contact_id": "520784e2-887d-4c25-b53c-4ad46ad38100", "payload": {}},
]  # fmt: skip
BUNDLED = {
    f"{name}-{profile}-{operation.id}": operation.shape.body
    for name in bundled_names()
    for profile in ("observed", "published")
    for operation in load_bundled([name], profile)[0].operations
    if operation.shape.body is not None
}
WORDS_SCHEMA = yaml.safe_load((PACKAGE / "x-mock.schema.yaml").read_text(encoding="utf-8"))
OWN = {
    f"x-mock-{level}": {**schema, "components": WORDS_SCHEMA["components"]}
    for level, schema in WORDS_SCHEMA["levels"].items()
} | {"config": yaml.safe_load((PACKAGE / "config.schema.yaml").read_text(encoding="utf-8"))}
WORDS = [
    {"checks": ["parsing", "validation"], "answers": {"invalid": {"status": 400, "example": "error"}}, "deviations": [
        {"id": "a-b", "at": "/paths", "observed": {}, "evidence": "seen somewhere"}]},
    {"success": {"status": 201, "example": "made"}, "catalogue": {"name": "{$request.body#/name}"}},
    {"message": {"required": ["should not be null"], "type": {"string": "x"}}, "field": "general"},
    {"keys": {"novu": "secret", "opensend": {"a": "allowed", "b": "forbidden"}}, "limits": {"suprsend": "100/1m"},
     "catalogue": {"novu": {"unknown": "refuse", "names": {"welcome": {}, "paused": {"status": "x", "payload": {"type": "object"}}}}}},
]  # fmt: skip
TREE = {
    "type": "object",
    "required": ["value"],
    "properties": {
        "value": {"type": ["integer", "string"], "minimum": 1},
        "next": {"$ref": "#/components/schemas/Tree"},
        "all": {
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "string"}]},
        },
        "gone": False,
    },
}
PET = {
    "type": "object",
    "title": "Pet",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "kind": {"const": "pet"}},
}
CAR = {
    "type": "object",
    "required": ["plate", "seats"],
    "properties": {"seats": {"type": "integer"}, "kind": {"enum": ["car", "van", 5, None]}},
}
WRITTEN: dict[str, Any] = {
    "numbers": {"properties": {"a": {"minimum": 1, "maximum": 3}, "b": {"exclusiveMinimum": 0, "exclusiveMaximum": 3}, "name": {"multipleOf": 2}, "x": {"multipleOf": 0.5}}},
    "texts": {"properties": {"a": {"minLength": 2, "maxLength": 3, "pattern": "^a"}, "b": {"format": "email"}, "name": {"format": "uri"}, "x": {"const": "b"}, "email": {"format": "uuid"}}},
    "constants": {"properties": {"a": {"const": {"k": [1, "x"]}}, "b": {"enum": [1, "one", None, [True], {"a": 1}]}, "name": {"const": False}, "x": {"enum": [0]}}},
    "lists": {"properties": {"a": {"minItems": 2, "maxItems": 3, "uniqueItems": True}, "b": {"prefixItems": [{"type": "string"}, False], "items": {"type": "integer"}},
                             "name": {"prefixItems": [{"type": "string"}], "items": False}, "x": {"items": {"items": {"type": "string"}}}}},
    "contains": {"properties": {"a": {"contains": {"type": "string"}}, "b": {"contains": {"type": "integer"}, "minContains": 2, "maxContains": 3}, "x": {"contains": {"minimum": 3}, "minContains": 0}}},
    "members": {"minProperties": 2, "maxProperties": 4, "required": ["a", "b"], "properties": {"a": {}, "b": False, "name": {}}, "additionalProperties": False},
    "names": {"propertyNames": {"pattern": "^[a-n]", "maxLength": 4}, "patternProperties": {"^a": {"type": "string"}, "^.$": {"minLength": 2}}, "additionalProperties": {"type": ["integer", "null"]}},
    "patterned": {"properties": {"a": {}}, "patternProperties": {"^x": False, "^n": {"type": "string"}}, "additionalProperties": False},
    "dependent": {"dependentRequired": {"a": ["b", "x"], "name": ["a"]}, "dependentSchemas": {"b": {"required": ["name"], "properties": {"x": {"type": "string"}}}, "email": False}},
    "conditions": {"if": {"properties": {"kind": {"const": "pet"}}, "required": ["kind"]}, "then": {"required": ["name"]}, "else": {"properties": {"name": False, "a": {"type": "string"}}}},
    "never": {"if": {"required": ["a"]}, "then": {"not": {}}},
    "nots": {"not": {"required": ["a", "b"]}, "properties": {"x": {"not": {"type": "string"}}, "name": {"not": {}}}},
    "all": {"allOf": [PET, {"properties": {"x": {"type": "string"}}}, {"required": ["a"]}, {"properties": {"x": {"type": "integer"}}}]},
    "any": {"properties": {"a": {"anyOf": [PET, CAR, {"type": "string", "maxLength": 2}]}, "b": {"anyOf": [False, {"enum": ["x"]}, {"minimum": 3}]}, "name": {"anyOf": [{"type": "array", "items": PET}, PET]}}},
    "one": {"oneOf": [PET, CAR, {"required": ["a", "b"], "properties": {"b": {"oneOf": [{"type": "string"}, {"const": "x"}, {"type": "array"}]}}}]},
    "one-in-any": {"anyOf": [{"oneOf": [PET, {"type": "object", "required": ["x"]}]}, {"type": "array", "items": {"oneOf": [{"type": "string"}, CAR]}}]},
    "unevaluated": {"allOf": [{"properties": {"a": {}}}], "anyOf": [{"properties": {"b": {"type": "string"}}, "required": ["b"]}, True],
                    "if": {"required": ["name"]}, "then": {"properties": {"name": True}}, "else": {"properties": {"x": {}}}, "patternProperties": {"^k": True},
                    "dependentSchemas": {"a": {"properties": {"email": True}}}, "unevaluatedProperties": False},
    "unevaluated-integers": {"$ref": "#/$defs/some", "unevaluatedProperties": {"type": "integer"}, "$defs": {"some": {"properties": {"a": True, "x": {"type": "string"}}}}},
    "unevaluated-items": {"properties": {"a": {"allOf": [{"prefixItems": [{"type": "string"}]}], "contains": {"const": 5}, "unevaluatedItems": False},
                                         "b": {"anyOf": [{"items": {"type": "string"}}, True], "unevaluatedItems": {"type": "integer"}}}},
    "defined": {"$defs": {"n": {"type": "integer", "title": "N"}, "m": {"oneOf": [{"$ref": "#/$defs/n"}, {"type": "array", "items": {"$ref": "#/$defs/m"}}]}}, "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/m"}, "x": {"$ref": "#"}}},
    "recursive": {"$ref": "#/components/schemas/Tree", "components": {"schemas": {"Tree": TREE}}},
    "worded": {"required": ["a", "b"], "properties": {"a": {"type": "string", "x-mock": {"message": {"required": ["no a", "none"], "type": {"string": "not text"}}}}, "b": {"type": "array", "x-mock": {"field": "bees", "message": "bad"}}}},
}  # fmt: skip
SAMPLES: list[Any] = [
    {"a": "ab", "b": "ada@example.com", "name": "https://example.com", "x": "b", "email": "520784e2-887d-4c25-b53c-4ad46ad38100"},
    {"a": 2, "b": 1, "name": 4, "x": 0}, {"a": [1, 2], "b": ["x", 5, 6], "name": ["x"], "x": [["a"], []]},
    {"a": {"name": "x", "kind": "pet"}, "b": "x", "name": [{"name": "y"}]}, {"plate": "A", "seats": 3, "kind": "van"}, [{"plate": 1, "seats": "2"}, "x"],
    {"value": 1, "next": {"value": 0, "next": {"value": "x"}}, "all": [{"value": 2}, "x", {"next": {}}]},
    {"a": "x", "b": [1, [2, [3]]], "x": {"a": 1, "x": {"b": "x"}}}, {"a": {"k": [1, "x"]}, "b": [True], "name": False}, {},
]  # fmt: skip

# Mutations

NAMES = [
    "a",
    "b",
    "x",
    "name",
    "kind",
    "nam",
    "email",
    "k1",
    "",
    "a/b~",
    "é",
    "\ud800",
    "payload",
    "to",
    "type",
    "next",
    "value",
    "all",
]
LEAVES: list[Any] = [
    None, True, False, 0, 1, 5, -3, 2.5, 1.0, 10**30, 1e300, "", "x", "ab", "pet", "van", "Topic", "topic", "ada@example.com", "https://example.com/a",
    "520784e2-887d-4c25-b53c-4ad46ad38100", "a\n", "é\U0001f600", "\ud800", "a\ud800", "x" * 200, [], {}, [1, 1], [1, True, 1.0], ["\ud800", "\ud801"],
    {"a": 1}, {"kind": "pet"}, {"name": 5, "plate": "x"}, [[[]]], {"\udfff": "x", "a": {"b": [None] * 30}}, ["x"] * 40, {"type": "Topic"},
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place that holds a value, as its holder and name or position."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        yield value, name
        yield from places(member)


@st.composite
def nearly(draw: st.DrawFn, bodies: list[Any]) -> Any:
    """A body with up to three changes."""
    holder = [copy.deepcopy(draw(st.sampled_from(bodies)))]
    for _ in range(draw(st.integers(1, 3))):
        inside, name = draw(st.sampled_from(list(places(holder))))
        match draw(st.sampled_from(["replace", "drop", "add", "wrap"])):
            case "replace":
                inside[name] = copy.deepcopy(draw(st.sampled_from(LEAVES)))
            case "drop" if isinstance(inside, dict) or inside is not holder:
                del inside[name]
            case "wrap":
                inside[name] = [inside[name]]
            case _ if isinstance(inside[name], dict):
                inside[name][draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(st.sampled_from(LEAVES)))
            case _ if isinstance(inside[name], list):
                inside[name].append(copy.deepcopy(draw(st.sampled_from(LEAVES))))
            case _:
                pass
    return holder[0]


CASES = (
    [(name, schema, BODIES) for name, schema in BUNDLED.items()]
    + [(name, schema, [*WORDS, *SAMPLES]) for name, schema in OWN.items()]
    + [(name, schema, SAMPLES) for name, schema in WRITTEN.items()]
)


@pytest.mark.parametrize(("name", "source", "bodies"), CASES, ids=[name for name, *_ in CASES])
@settings(max_examples=settings().max_examples // 3)
@given(data=st.data())
def test_what_is_found_is_what_the_oracle_finds(name: str, source: Any, bodies: list[Any], data: Any) -> None:
    schema, value = Schema(source), data.draw(nearly(bodies))
    assert schema.findings(value) == oracle.explain(source, value)


# Where the oracle is no help


def test_what_is_forbidden_is_found_at_its_place() -> None:
    (finding,) = Schema({"if": {"required": ["a"]}, "then": False}).findings({"a": 1})
    assert (finding.keyword, finding.schema_path) == ("false", "#/then")
    schema = Schema({"$ref": "#/components/schemas/Tree", "components": {"schemas": {"Tree": TREE}}})
    (finding,) = schema.findings({"value": 1, "next": {"value": 1, "gone": 5}})
    assert (finding.pointer, finding.schema_path) == ("/next/gone", "#/properties/next/properties/gone")


def test_a_reference_that_leads_nowhere_known_is_told_by_the_judge() -> None:
    schema = Schema(
        {"$defs": {"n": {"$anchor": "here", "type": "integer"}}, "properties": {"a": {"$ref": "#here"}}}
    )
    (finding,) = schema.findings({"a": "x"})
    assert (finding.pointer, finding.message) == ("/a", "fails the rule type")


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud800\ud801"])
def test_lone_surrogates_are_characters_like_others(text: str) -> None:
    rules = {"b": {"enum": ["x"]}, "c": {"uniqueItems": True}}
    schema = Schema({"properties": rules, "additionalProperties": {"maxLength": 1}})
    found = schema.findings({text: text, "b": text, "c": [text, "\udbff"]})
    assert [each.pointer for each in found] == ["/b", *([f"/{text}"] if len(text) > 1 else [])]
    assert found[0].value == text
    assert schema.findings({"c": [text, text]})[0].keyword == "uniqueItems"


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"next": value}
    return value


def test_what_is_nested_too_deep_is_refused_all_the_same() -> None:
    node = {
        "anyOf": [
            {
                "type": "object",
                "properties": {"next": {"$ref": "#/components/schemas/N"}},
                "required": ["next"],
            },
            False,
        ]
    }
    schema = Schema({"$ref": "#/components/schemas/N", "components": {"schemas": {"N": node}}})
    assert schema.findings(deep(100))[0].pointer == "/next" * 101
    assert schema.findings(deep(220))[0].message == "fails the rule anyOf"
    assert schema.findings(deep(499)) == [TOO_DEEP]


def test_what_the_judge_cannot_compare_is_let_pass() -> None:
    assert Schema({"uniqueItems": True}).accepts([deep(400), deep(400)])


def test_a_large_body_is_explained_in_no_time() -> None:
    schema = Schema(BUNDLED["novu-observed-EventsController_trigger"])
    start = time.perf_counter()
    assert len(schema.findings({"name": "x", "to": [{"email": "a"}] * 100_000})) == 50
    assert schema.findings({"name": "x", "to": [*["a"] * 100_000, 5]}) == [BEYOND]
    assert time.perf_counter() - start < 1.0


# One keyword at a time

S, N = {"type": "string"}, {"type": "integer"}
REFS = {"components": {"schemas": {"A": {"properties": {"r": True}}}}}
ONE_BY_ONE: list[tuple[Any, list[Any]]] = [
    ({"unevaluatedProperties": False}, [{}, {"a": 1}, [], 5]),
    ({"properties": {"a": S}, "unevaluatedProperties": False}, [{"a": "x"}, {"a": "x", "b": 1}, {"a": 1}]),
    ({"patternProperties": {"^a": S}, "unevaluatedProperties": False}, [{"ab": "x"}, {"b": 1}, {"ab": "x", "b": 1}]),
    ({"properties": {"a": S}, "patternProperties": {"^b": S}, "unevaluatedProperties": False}, [{"a": "x", "b": "x"}, {"a": "x", "c": 1}]),
    ({"additionalProperties": N, "unevaluatedProperties": False}, [{"a": 1}, {"a": "x"}]),
    ({"allOf": [{"properties": {"a": S}}, {"properties": {"b": S}}], "unevaluatedProperties": False}, [{"a": "x", "b": "x"}, {"c": 1}]),
    ({"anyOf": [{"properties": {"a": S}, "required": ["a"]}, {"properties": {"b": S}, "required": ["b"]}], "unevaluatedProperties": False}, [{"a": "x"}, {"b": "x"}, {"a": "x", "b": 1}, {"a": "x", "b": "x"}]),
    ({"oneOf": [{"properties": {"a": N}, "required": ["a"]}, {"properties": {"b": N}, "required": ["b"]}], "unevaluatedProperties": False}, [{"a": 1}, {"a": 1, "c": 1}]),
    ({"if": {"properties": {"a": {"const": 1}}, "required": ["a"]}, "then": {"properties": {"b": N}}, "else": {"properties": {"c": N}}, "unevaluatedProperties": False}, [{"a": 1, "b": 1}, {"a": 1, "c": 1}, {"c": 1}, {"b": 1}]),
    ({"dependentSchemas": {"a": {"properties": {"a": True, "b": True}}}, "unevaluatedProperties": False}, [{"a": 1, "b": 1}, {"b": 1}]),
    ({"$ref": "#/components/schemas/A", "unevaluatedProperties": False, **REFS}, [{"r": 1}, {"x": 1}]),
    ({"unevaluatedItems": False}, [[], [1], {}]),
    ({"prefixItems": [S, N], "unevaluatedItems": False}, [["x", 1], ["x", 1, 2], ["x"]]),
    ({"items": N, "unevaluatedItems": False}, [[1, 2], ["x"]]),
    ({"contains": N, "unevaluatedItems": False}, [[1], [1, "x"], ["x"]]),
    ({"allOf": [{"prefixItems": [S]}], "unevaluatedItems": False}, [["x"], ["x", 1]]),
    ({"contains": N}, [[], [1], ["x"], {}]),
    ({"contains": N, "minContains": 2}, [[1], [1, 2], []]),
    ({"contains": N, "minContains": 0, "maxContains": 0}, [[], ["x"], [1]]),
    ({"contains": N, "maxContains": 1}, [[1], [1, 2]]),
    ({"prefixItems": [S, N], "items": S}, [["x", 1, "y"], ["x", 1, 2], [1]]),
    ({"items": False}, [[], [1]]),
    ({"propertyNames": {"pattern": "^a"}}, [{"a": 1}, {"b": 1}, []]),
    ({"dependentRequired": {"a": ["b", "c"]}}, [{"a": 1}, {"a": 1, "b": 1, "c": 1}, {"b": 1}, {"a": 1, "b": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{"a": 1}, {"a": 1, "b": 1}, {"b": 1}]),
    ({"if": N, "then": {"minimum": 3}, "else": S}, [5, 1, "x", []]),
    ({"if": N, "then": {"minimum": 3}}, [1, "x"]),
    ({"not": N}, [1, "x"]),
    ({"not": {"required": ["a"]}}, [{"a": 1}, {}]),
    ({"patternProperties": {"^a": S, "b$": N}}, [{"ab": 1}, {"ax": 1}, {"xb": "y"}]),
    ({"additionalProperties": False, "properties": {"name": S}, "patternProperties": {"^x-": {}}}, [{"name": "a"}, {"nam": 1}, {"x-a": 1, "z": 1}]),
    ({"additionalProperties": N}, [{"a": 1}, {"a": "x"}]),
    ({"multipleOf": 3}, [6, 7, "x"]),
    ({"uniqueItems": True}, [[1, 2], [1, 1]]),
    ({"minProperties": 1, "maxProperties": 2}, [{}, {"a": 1}, {"a": 1, "b": 1, "c": 1}]),
    ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [1, 2, 3]),
    ({"const": {"a": 1}}, [{"a": 1}, {"a": 2}]),
]  # fmt: skip


BESIDE = {"required": ["zz"], "minItems": 9, "minimum": 99, "minLength": 9}
"""What every value breaks, so that it is seen as well what a keyword does not say."""


@pytest.mark.parametrize("beside", [{}, BESIDE], ids=["alone", "beside-another"])
@pytest.mark.parametrize(("schema", "values"), ONE_BY_ONE)
def test_each_keyword_is_explained_as_by_the_oracle(schema: Any, values: list[Any], beside: Any) -> None:
    schema = {**beside, **schema}
    compiled = Schema(schema)
    refused = 0
    for value in values:
        expected = oracle.explain(schema, value)
        assert compiled.findings(value) == expected, value
        assert compiled.accepts(value) is not bool(expected), value
        refused += bool(expected)
    assert refused, "one of the values at least is to be refused"
