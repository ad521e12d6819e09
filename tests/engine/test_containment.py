"""What is proven to cover what; that a proof is right is tried out on every bundled contract."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.containment import covers
from mockserver.engine.contract import Operation
from mockserver.loading import load_bundled

TEXT, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (None, TEXT),
        (TEXT, TEXT),
        ({"type": ["string", "null"]}, TEXT),
        ({"anyOf": [TEXT, NUMBER]}, {"oneOf": [TEXT, NUMBER]}),
        ({"properties": {"a": {}}}, {"properties": {"a": TEXT, "oneOf": TEXT}, "required": ["a"]}),
        ({"items": TEXT}, {"items": TEXT, "maxItems": 5}),
        ({"not": NUMBER}, {"not": NUMBER, "minLength": 2}),
        ({}, {"dependentRequired": {"oneOf": ["a"]}, "const": {"oneOf": []}}),
    ],
)
def test_proven(wide: Any, narrow: Any) -> None:
    assert covers(wide, narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (TEXT, None),
        ({"const": 1}, {"const": True}),
        (TEXT, {"type": ["string", "null"]}),
        ({"oneOf": [TEXT, {"minLength": 2}]}, {"anyOf": [TEXT, {"minLength": 2}]}),
        ({"type": "string", "format": "uri"}, TEXT),
        ({"not": {"anyOf": [TEXT, NUMBER]}}, {"not": {"oneOf": [TEXT, NUMBER, TEXT]}}),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"unevaluatedProperties": False, "oneOf": [{}]}),
        ({"const": {"anyOf": []}}, {"const": {"oneOf": []}}),
        ({"$ref": "#/components/schemas/A", "components": {"schemas": {"A": TEXT}}},
         {"$ref": "#/components/schemas/A", "components": {"schemas": {"A": NUMBER}}}),
    ],
)  # fmt: skip
def test_not_proven(wide: Any, narrow: Any) -> None:
    assert not covers(wide, narrow)


def test_without_the_experiment_nothing_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(jsonschema_rs, "canonicalize")
    assert not covers({"type": ["string", "null"]}, TEXT)
    assert covers(TEXT, TEXT)


PROVEN = [
    operation
    for api in load_bundled()
    for operation in api.operations
    if operation.published is not None and covers(operation.shape.body, operation.published.body)
]


def test_most_bundled_contracts_are_proven() -> None:
    assert len(PROVEN) >= 3


@pytest.mark.parametrize("operation", PROVEN, ids=lambda operation: operation.id)
@given(data=st.data())
def test_a_proof_is_right(operation: Operation, data: st.DataObject) -> None:
    assert operation.published is not None
    narrow, wide = operation.published.body, operation.shape.body
    value = data.draw(near(jsonschema_rs.dereference(narrow)))
    if jsonschema_rs.is_valid(narrow, value):
        assert jsonschema_rs.is_valid(wide, value)


SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=3)


def near(schema: Any) -> st.SearchStrategy[Any]:
    """Return values that often meet a schema, and otherwise nearly do."""
    branches = [near(each) for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, [])]
    if "properties" in schema:
        members = {name: near(each) for name, each in schema["properties"].items()}
        required = {name: members[name] for name in schema.get("required", []) if name in members}
        others = {name: each for name, each in members.items() if name not in required}
        branches.append(st.fixed_dictionaries(required, optional=others))
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        branches += _of_type(kind, schema)
    branches += [st.sampled_from(schema["enum"])] if "enum" in schema else []
    return st.one_of(*branches, SCALARS) if branches else SCALARS


def _of_type(kind: str, schema: Any) -> list[st.SearchStrategy[Any]]:
    if kind == "array":
        return [st.lists(near(schema.get("items", {})), max_size=3)]
    simple = {"string": st.text("ab:/@.", max_size=5), "boolean": st.booleans(), "null": st.none()}
    return [simple[kind]] if kind in simple else []
