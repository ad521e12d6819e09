"""Which differences of two schemas are told, where, and whether callers break: tables, and properties of all schemas."""

import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.drift.differences import Difference
from mockserver.drift.rules import BOTH, LESS, MORE, NONE, RULES, Row, breaks
from mockserver.drift.survey import survey
from mockserver.engine.faults import SpecError
from mockserver.engine.keywords import KEYWORDS
from mockserver.engine.values import ABSENT, walk

CONTENT = "content/application~1json/schema"
AT = {
    "request": f"/paths/~1parcels/post/requestBody/{CONTENT}",
    "response": f"/paths/~1parcels/post/responses/200/{CONTENT}",
}


def document(schema: Any, where: str, **components: Any) -> dict[str, Any]:
    """Return an OpenAPI document of one operation, in whose request or response a schema stands."""
    content = {"content": {"application/json": {"schema": schema}}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "ok"}}}
    if where == "request":
        operation["requestBody"] = content
    else:
        operation["responses"]["200"] |= content
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parcels", "version": "1"},
        "paths": {"/parcels": {"post": operation}},
        "components": {"schemas": components},
    }


def compared(ours: Any, theirs: Any) -> tuple[Difference, ...]:
    return survey("parcel", ours, "new.json", json.dumps(theirs)).differences


def told(ours: Any, theirs: Any, where: str) -> list[tuple[str, str, bool]]:
    """Return kind, place below the schema, and whether it breaks callers, of each difference of two schemas."""
    found = compared(document(ours, where), document(theirs, where))
    return sorted((each.kind, each.pointer.removeprefix(AT[where]), each.is_breaking) for each in found)


A, B = {"type": "string"}, {"type": "integer"}
OBJECT = {"type": "object", "properties": {"a": A, "b": B}, "required": ["a"]}
CLOSED = {**OBJECT, "additionalProperties": False}

CHANGES: list[tuple[Any, Any, str, str, str]] = [
    # ours                       theirs                       kind       at                       breaks callers in
    (A, B, "changed", "/type", "both"),
    (A, {"type": ["string", "integer"]}, "changed", "/type", "response"),
    ({"type": ["string", "integer"]}, A, "changed", "/type", "request"),
    (A, {"type": ["string", "null"]}, "changed", "/type", "response"),
    (A, {"type": "string", "nullable": True}, "changed", "/nullable", "response"),
    (B, {"type": "number"}, "changed", "/type", "response"),
    ({}, A, "added", "/type", "request"),
    (A, {}, "removed", "/type", "response"),
    ({"enum": ["a", "b"]}, {"enum": ["a"]}, "changed", "/enum", "request"),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, "changed", "/enum", "response"),
    ({"enum": ["a"]}, {"enum": ["b"]}, "changed", "/enum", "both"),
    ({"const": "a"}, {"const": "b"}, "changed", "/const", "both"),
    (A, {**A, "enum": ["a"]}, "added", "/enum", "request"),
    ({**A, "enum": ["a"]}, A, "removed", "/enum", "response"),
    (OBJECT, {**OBJECT, "required": ["a", "b"]}, "changed", "/required", "request"),
    ({**OBJECT, "required": ["a", "b"]}, OBJECT, "changed", "/required", "response"),
    (OBJECT, {**OBJECT, "required": []}, "removed", "/required", "response"),
    (OBJECT, {**OBJECT, "properties": {"a": A}}, "removed", "/properties/b", "response"),
    (CLOSED, {**CLOSED, "properties": {"a": A}}, "removed", "/properties/b", "both"),
    (OBJECT, {**OBJECT, "properties": {"a": A, "b": B, "c": A}}, "added", "/properties/c", "none"),
    (OBJECT, {**OBJECT, "properties": {"a": A, "b": B, "x-c": A}}, "added", "/properties/x-c", "none"),
    (OBJECT, {**OBJECT, "properties": {"a": A, "b": A}}, "changed", "/properties/b/type", "both"),
    (OBJECT, CLOSED, "added", "/additionalProperties", "request"),
    (CLOSED, OBJECT, "removed", "/additionalProperties", "response"),
    (CLOSED, {**OBJECT, "additionalProperties": A}, "changed", "/additionalProperties", "response"),
    ({"additionalProperties": A}, {"additionalProperties": B}, "changed", "/additionalProperties/type", "both"),
    (OBJECT, {**OBJECT, "properties": {"a": A, "b": False}}, "changed", "/properties/b", "request"),
    ({"minLength": 1}, {"minLength": 2}, "changed", "/minLength", "request"),
    ({"minLength": 2}, {"minLength": 1}, "changed", "/minLength", "response"),
    ({"maxLength": 1}, {"maxLength": 2}, "changed", "/maxLength", "response"),
    ({"maxLength": 2}, {"maxLength": 1}, "changed", "/maxLength", "request"),
    ({}, {"maxItems": 100}, "added", "/maxItems", "request"),
    ({"maxItems": 100}, {}, "removed", "/maxItems", "response"),
    ({"minProperties": 1}, {"minProperties": 2}, "changed", "/minProperties", "request"),
    ({"minimum": 1}, {"minimum": 2}, "changed", "/minimum", "request"),
    ({"minimum": 1}, {"exclusiveMinimum": 1}, "changed", "/exclusiveMinimum", "request"),
    ({"exclusiveMinimum": 1}, {"minimum": 1}, "changed", "/minimum", "response"),
    ({"maximum": 9}, {"maximum": 9, "exclusiveMaximum": True}, "changed", "/maximum", "request"),
    ({"maximum": 9}, {"exclusiveMaximum": 10}, "changed", "/exclusiveMaximum", "response"),
    ({"pattern": "a"}, {"pattern": "b"}, "changed", "/pattern", "both"),
    ({}, {"pattern": "b"}, "added", "/pattern", "request"),
    (A, {**A, "format": "uri"}, "added", "/format", "request"),
    ({"multipleOf": 2}, {"multipleOf": 3}, "changed", "/multipleOf", "both"),
    ({}, {"uniqueItems": True}, "added", "/uniqueItems", "request"),
    ({"items": A}, {"items": B}, "changed", "/items/type", "both"),
    ({"items": A}, {}, "removed", "/items", "response"),
    ({"prefixItems": [A, B]}, {"prefixItems": [A]}, "removed", "/prefixItems/1", "response"),
    ({"prefixItems": [A, B]}, {"prefixItems": [A, A]}, "changed", "/prefixItems/1/type", "both"),
    ({"contains": A}, {}, "removed", "/contains", "response"),
    ({"patternProperties": {"^a": A}}, {"patternProperties": {"^a": A, "^b": B}}, "added", "/patternProperties/^b", "request"),
    ({"dependentRequired": {"a": ["b"]}}, {"dependentRequired": {"a": ["c"]}}, "changed", "/dependentRequired", "both"),
    ({"propertyNames": {"maxLength": 9}}, {"propertyNames": {"maxLength": 8}}, "changed", "/propertyNames/maxLength", "request"),
    ({"not": {"maxLength": 9}}, {"not": {"maxLength": 8}}, "changed", "/not/maxLength", "response"),
    ({"not": A}, {}, "removed", "/not", "response"),
    ({"if": {"maxLength": 9}, "then": A}, {"if": {"maxLength": 8}, "then": A}, "changed", "/if/maxLength", "both"),
    ({"oneOf": [A, B]}, {"oneOf": [A, B, {"type": "object"}]}, "added", "/oneOf/2", "response"),
    ({"oneOf": [A, B, {"type": "object"}]}, {"oneOf": [B, A]}, "removed", "/oneOf", "request"),
    ({"anyOf": [A, OBJECT]}, {"anyOf": [{**OBJECT, "required": []}, A]}, "removed", "/anyOf/0/required", "response"),
    ({"oneOf": [A, B]}, {"anyOf": [B, A]}, "changed", "/anyOf", "response"),
    ({"anyOf": [A, B]}, {"oneOf": [B, A]}, "changed", "/oneOf", "request"),
    (A, {"oneOf": [OBJECT, A]}, "added", "/oneOf/0", "response"),
    ({"oneOf": [OBJECT, A]}, A, "removed", "", "request"),
    (OBJECT, {**OBJECT, "anyOf": [{"required": ["b"]}, {"required": ["c"]}]}, "added", "/anyOf", "request"),
    ({"allOf": [CLOSED, {"maxProperties": 9}]}, {"allOf": [{"maxProperties": 8}, CLOSED]}, "changed", "/allOf/0/maxProperties", "request"),
    (CLOSED, {"allOf": [CLOSED, {"maxProperties": 8}]}, "added", "/allOf/1", "request"),
    ({**A, "default": "a"}, {**A, "default": "b"}, "changed", "/default", "none"),
    (A, {**A, "deprecated": True}, "added", "/deprecated", "none"),
    (A, {**A, "readOnly": True}, "added", "/readOnly", "request"),
    (A, {**A, "writeOnly": True}, "added", "/writeOnly", "response"),
    (A, {**A, "nobodyKnows": 1}, "added", "/nobodyKnows", "both"),
]  # fmt: skip


@pytest.mark.parametrize("where", ["request", "response"])
@pytest.mark.parametrize(("ours", "theirs", "kind", "at", "breaking"), CHANGES)
def test_what_a_change_is_and_where_it_breaks_callers(
    ours: Any, theirs: Any, kind: str, at: str, breaking: str, where: str
) -> None:
    assert told(ours, theirs, where) == [(kind, at, breaking in {where, "both"})]


SAME: list[tuple[Any, Any]] = [
    ({"enum": ["a", "b"], "type": "string"}, {"type": "string", "enum": ["b", "a"]}),
    ({"enum": ["a"]}, {"const": "a"}),
    ({"enum": ["a"]}, {"type": "string", "enum": ["a"]}),
    ({**OBJECT, "required": ["a", "b"]}, {**OBJECT, "required": ["b", "a"]}),
    ({"type": ["string", "null"]}, {"type": ["null", "string"]}),
    ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
    ({"type": ["string", "null"]}, {"anyOf": [A, {"type": "null"}]}),
    ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "string", "nullable": True, "enum": ["a"]}),
    ({"anyOf": [A, B, {"type": "null"}]}, {"anyOf": [B, A], "nullable": True}),
    (
        {"type": ["object", "null"], "properties": {"a": A}},
        {"allOf": [{"type": "object", "properties": {"a": A}}], "nullable": True},
    ),
    ({"exclusiveMinimum": 5}, {"minimum": 5, "exclusiveMinimum": True}),
    ({"minimum": 5}, {"minimum": 5, "exclusiveMinimum": False}),
    ({"minimum": 5}, {"minimum": 5.0}),
    ({"exclusiveMaximum": 5}, {"maximum": 7, "exclusiveMaximum": 5}),
    ({"contentEncoding": "base64"}, {"format": "byte"}),
    ({"contentMediaType": "application/octet-stream"}, {"format": "binary"}),
    (
        A,
        {
            **A,
            "description": "d",
            "title": "t",
            "example": 1,
            "examples": [1],
            "xml": {},
            "externalDocs": {},
            "x-a": 1,
        },
    ),
    (
        A,
        {
            **A,
            "minLength": 0,
            "deprecated": False,
            "readOnly": False,
            "uniqueItems": False,
            "nullable": False,
        },
    ),
    (OBJECT, {**OBJECT, "additionalProperties": True}),
    (OBJECT, {**OBJECT, "additionalProperties": {"description": "anything"}}),
    ({"items": A}, {"items": A, "required": []}),
    ({}, True),
    (A, {"allOf": [A]}),
    (A, {"oneOf": [A]}),
    ({**A, "maxLength": 5}, {"allOf": [A, {"maxLength": 5}]}),
    (
        OBJECT,
        {"allOf": [{"type": "object", "properties": {"a": A}, "required": ["a"]}, {"properties": {"b": B}}]},
    ),
    ({"oneOf": [A, B]}, {"oneOf": [B, A]}),
    (
        {"oneOf": [{"items": {"items": A}}, {"items": {"items": B}}]},
        {"oneOf": [{"items": {"items": B}}, {"items": {"items": A}}]},
    ),
]


@pytest.mark.parametrize("where", ["request", "response"])
@pytest.mark.parametrize(("ours", "theirs"), SAME)
def test_what_is_spelt_otherwise_is_no_difference(ours: Any, theirs: Any, where: str) -> None:
    assert told(ours, theirs, where) == []
    assert told(theirs, ours, where) == []


def test_every_keyword_of_a_schema_has_a_rule_or_is_a_note() -> None:
    from mockserver.drift.schemas import NOTES

    others = {"$ref", "const", "exclusiveMaximum", "exclusiveMinimum", "properties"}  # read as another one
    assert {each for each in KEYWORDS if not each.startswith("x-")} - NOTES - others - set(RULES) == set()


def test_a_rule_says_nothing_that_two_directions_could_not_both_mean() -> None:
    for keyword, row in RULES.items():
        assert {type(cell) for cell in row} == {frozenset}, keyword
        assert all(cell in (NONE, LESS, MORE, BOTH) for cell in row), keyword


def test_nobody_knows_what_an_unknown_keyword_does() -> None:
    assert breaks("nobodyKnows", ABSENT, 1) == breaks("nobodyKnows", 1, 2) == BOTH
    assert Row() not in [RULES["if"], RULES["type"]]


# References


def test_a_reference_is_what_it_refers_to_whatever_the_name_of_the_component() -> None:
    ours = document({"$ref": "#/components/schemas/A"}, "request", A=OBJECT)
    for theirs in (
        document(OBJECT, "request"),
        document({"$ref": "#/components/schemas/B~1C"}, "request", **{"B/C": OBJECT}),
        document(
            {"$ref": "#/components/schemas/B"}, "request", B={"$ref": "#/components/schemas/C"}, C=OBJECT
        ),
        document({"$ref": "#/components/schemas/B%20C"}, "request", **{"B C": OBJECT}),
    ):
        assert compared(ours, theirs) == ()
        assert compared(theirs, ours) == ()


def test_a_change_of_a_shared_component_is_told_once_and_breaks_if_it_breaks_anywhere() -> None:
    ours, theirs = (
        document({"$ref": "#/components/schemas/A"}, "request", A={"type": "string", "maxLength": most})
        for most in (10, 20)
    )
    for each in (ours, theirs):
        operation = each["paths"]["/parcels"]["post"]
        operation["responses"]["200"]["content"] = operation["requestBody"]["content"]
        operation["parameters"] = [{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/A"}}]
    (found,) = compared(ours, theirs)
    assert (found.pointer, found.where, found.is_breaking) == ("/components/schemas/A/maxLength", BOTH, True)


TREE = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Tree"}, "name": A}}


@pytest.mark.parametrize(
    ("theirs", "at"),
    [
        ({"Tree": TREE}, []),
        ({"Tree": {"type": "object", "properties": {"next": TREE, "name": A}}}, []),
        (
            {"Tree": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Twig"}, "name": A}}, "Twig": TREE},
            [],
        ),
        ({"Tree": {**TREE, "required": ["name"]}}, ["/components/schemas/Tree/required"]),
        (
            {"Tree": {"type": "object", "properties": {"next": {**TREE, "required": ["name"]}, "name": A}}},
            ["/components/schemas/Tree/properties/next/required"],
        ),
        ({"Tree": {"allOf": [{"$ref": "#/components/schemas/Tree"}, TREE]}}, []),
        ({"Tree": {"anyOf": [{"$ref": "#/components/schemas/Tree"}]}}, None),
    ],
)  # fmt: skip
def test_recursion_ends(theirs: dict[str, Any], at: list[str] | None) -> None:
    root = {"$ref": "#/components/schemas/Tree"}
    found = compared(document(root, "request", Tree=TREE), document(root, "request", **theirs))
    assert at is None or [each.pointer for each in found] == at


def test_a_long_chain_and_many_ways_to_a_schema_are_no_trouble() -> None:
    chain = {f"S{i}": {"properties": {"a": {"$ref": f"#/components/schemas/S{i + 1}"}}} for i in range(2000)}
    wide = {
        f"W{i}": {
            "anyOf": [
                {"properties": {name: {"$ref": f"#/components/schemas/W{i + 1}"}}} for name in ("a", "b", "c")
            ]
        }
        for i in range(30)
    }
    wrapped = {
        f"N{i}": {"anyOf": [{"$ref": f"#/components/schemas/N{i + 1}"}, {"type": "null"}]} for i in range(40)
    }
    schemas = {**chain, **wide, **wrapped, "S2000": A, "W30": A, "N40": A}
    starts = {"properties": {name: {"$ref": f"#/components/schemas/{name}"} for name in ("S0", "W0", "N0")}}
    changed = copy.deepcopy(schemas) | {"S2000": B}
    assert compared(document(starts, "request", **schemas), document(starts, "request", **schemas)) == ()
    (found,) = compared(document(starts, "request", **schemas), document(starts, "request", **changed))
    assert found.pointer == "/components/schemas/S2000/type"


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"$ref": "#/components/schemas/Gone"}, "'#/components/schemas/Gone' leads nowhere in this document"),
        ({"$ref": "#/components/schemas/Own"}, "'#/components/schemas/Own' leads nowhere in this document"),
        (
            {"$ref": "other.yaml#/A"},
            "'other.yaml#/A' is in another file; put all parts into one document first",
        ),
    ],
)
def test_a_reference_that_cannot_be_followed_is_told(schema: Any, sentence: str) -> None:
    own = {"$ref": "#/components/schemas/Own"}
    with pytest.raises(SpecError) as caught:
        compared(document(A, "request"), document(schema, "request", Own=own))
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("new.json: /")


# Properties

LEAVES: Any = st.sampled_from(
    [A, B, {"type": "string", "maxLength": 5}, {"enum": ["a", "b"]}, {"type": ["string", "null"]}, {"type": "object"}, {}, {"minimum": 3}]
)  # fmt: skip
SCHEMAS: Any = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties, required: {
                "type": "object",
                "properties": properties,
                "required": [*required],
            },
            st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3),
            st.sets(st.sampled_from("abcd")),
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda name, branches: {name: branches},
            st.sampled_from(["oneOf", "anyOf"]),
            st.lists(inner, min_size=1, max_size=3, unique_by=json.dumps),
        ),
        st.builds(lambda extra: {"type": "object", "additionalProperties": extra}, inner),
    ),
    max_leaves=12,
)


def respelt(schema: Any, chance: random.Random, components: dict[str, Any]) -> Any:
    """Return the same schema in another order, with notes, with some parts moved to components."""
    if isinstance(schema, list):
        return [respelt(each, chance, components) for each in schema]
    if not isinstance(schema, dict):
        return schema
    members = [(name, each) for name, each in schema.items()]
    chance.shuffle(members)
    other: dict[str, Any] = {}
    for name, value in members:
        if name == "properties":
            inner = [(each, respelt(value[each], chance, components)) for each in value]
            chance.shuffle(inner)
            other[name] = dict(inner)
        elif name in {"oneOf", "anyOf", "required", "enum"}:
            listed = respelt(value, chance, components) if "Of" in name else [*value]
            chance.shuffle(listed)
            other[name] = listed
        else:
            other[name] = respelt(value, chance, components) if name not in {"type"} else value
    if chance.random() < 0.3:
        other |= {"description": "Other words.", "x-other": chance.random()}
    if chance.random() < 0.3:
        name = f"Component{len(components)}"
        components[name] = other
        return {"$ref": f"#/components/schemas/{name}"}
    return other


@given(SCHEMAS, st.randoms(use_true_random=False), st.sampled_from(["request", "response"]))
def test_spelling_order_and_names_are_no_difference(schema: Any, chance: random.Random, where: str) -> None:
    components: dict[str, Any] = {}
    other = respelt(schema, chance, components)
    assert compared(document(schema, where), document(other, where, **components)) == ()
    assert compared(document(other, where, **components), document(schema, where)) == ()


@given(SCHEMAS, SCHEMAS)
def test_what_breaks_requests_one_way_is_told_the_other_way_too(one: Any, other: Any) -> None:
    forth = compared(document(one, "request"), document(other, "request"))
    back = compared(document(other, "request"), document(one, "request"))
    assert bool(forth) == bool(back)


def places(value: Any, pointer: str = "") -> Iterator[str]:
    if pointer:
        yield pointer
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(each, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from places(each, f"{pointer}/{position}")


ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "a",
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    {"$ref": 5},
    {"$ref": "#/info"},
    {"type": {}},
    10**40,
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_in_a_document_is_compared_or_refused_with_a_sentence(odd: Any) -> None:
    rich = document(
        {
            "$ref": "#/components/schemas/A",
            "maxLength": 5,
        },
        "request",
        A={**CLOSED, "oneOf": [A, B], "allOf": [OBJECT], "nullable": True, "minimum": 3, "exclusiveMinimum": True, "enum": ["a"],
           "const": 1, "not": A, "prefixItems": [A], "discriminator": {"propertyName": "a"}, "dependentRequired": {"a": ["b"]},
           "patternProperties": {"a": A}, "format": "byte", "anyOf": [A, {"type": "null"}]},
    )  # fmt: skip
    operation = rich["paths"]["/parcels"]["post"]
    operation |= {
        "security": [{"key": ["a"]}],
        "servers": [{"url": "https://example.com"}],
        "deprecated": True,
    }
    operation["parameters"] = [
        {"name": "q", "in": "query", "style": "form", "explode": True, "schema": A},
        {"name": "h", "in": "header", "content": {"a/b": {"schema": A}}},
    ]
    operation["responses"]["200"] |= {
        "headers": {"a": {"schema": A}},
        "content": {"a/b": {"schema": A, "encoding": {}}},
    }
    rich["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "k"}}
    assert compared(rich, rich) == ()
    for pointer in places(rich):
        theirs = copy.deepcopy(rich)
        parent, _, last = pointer.rpartition("/")
        holder = walk(theirs, parent)
        holder[int(last) if isinstance(holder, list) else last.replace("~1", "/").replace("~0", "~")] = odd
        with suppress(SpecError):
            compared(rich, theirs)
