"""A small value that a JSON Schema takes, for examples: what must be there, and no more."""

import re
from collections.abc import Mapping
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, walk

_DEEPEST: Final = 8
FORMATS: Final = {
    "uri": "https://example.com/file.pdf", "date-time": "2026-11-20T12:00:00Z", "date": "2026-11-20",
    "email": "ada@example.com", "uuid": "520784e2-887d-4c25-b53c-4ad46ad38100", "hostname": "example.com",
}  # fmt: skip
"""A text of each format."""


def sample_of(schema: JSON, root: JSON, depth: int = 0) -> JSON:
    """Return a value for a schema of a document: its own example where it has one, else the least that it asks for.

    A best effort: patterns, and rules that play together, may refuse it.
    """
    schema = resolved(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    for name in ("const", "default", "example"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    for name in ("oneOf", "anyOf"):
        if schema.get(name):
            branch = resolved(schema[name][0], root)
            return sample_of(_joined(_without(schema, name), branch), root, depth + 1)
    return _of_type(schema, root, depth)


def resolved(schema: JSON, root: JSON) -> JSON:
    """Follow a reference, and lay the parts of ``allOf`` over each other; of ``if`` and ``else`` take the latter."""
    if not isinstance(schema, dict):
        return schema
    if isinstance(ref := schema.get("$ref"), str):
        found = walk(root, ref.removeprefix("#"))
        schema = {**(found if found is not ABSENT else {}), **_without(schema, "$ref")}
    parts = [*schema.get("allOf", []), *([schema["else"]] if "else" in schema else [])]
    whole: JSON = {
        name: value for name, value in schema.items() if name not in {"allOf", "if", "then", "else"}
    }
    for part in parts:
        whole = _joined(whole, resolved(part, root))
    return whole


def _joined(ours: Mapping[str, JSON], theirs: JSON) -> dict[str, JSON]:
    """Return a schema that asks for what two ask for, as far as a sample needs it."""
    if not isinstance(theirs, dict):
        return dict(ours)
    joined = {**ours, **theirs}
    if "required" in ours and "required" in theirs:
        joined["required"] = [*ours["required"], *theirs["required"]]
    if "properties" in ours and "properties" in theirs:
        mine, other = ours["properties"], theirs["properties"]
        shared = {
            name: _joined(mine[name], other[name])
            for name in mine
            if name in other and mine[name] is not True
        }
        joined["properties"] = {**mine, **other, **shared}
    return joined


def _without(schema: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    return {key: value for key, value in schema.items() if key != name}


def _of_type(schema: Mapping[str, JSON], root: JSON, depth: int) -> JSON:
    kinds = schema.get("type", "object" if "properties" in schema or "required" in schema else "string")
    match kinds[0] if isinstance(kinds, list) else kinds:
        case "object":
            wanted = schema.get("required", [])
            properties = schema.get("properties", {})
            return {name: sample_of(properties.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            return [sample_of(schema.get("items", {}), root, depth + 1)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _text(schema)


def _text(schema: Mapping[str, JSON]) -> str:
    text = FORMATS.get(schema.get("format", ""), "text")
    if "pattern" in schema and (plain := re.fullmatch(r"\^([A-Za-z0-9 _-]+)\$?", schema["pattern"])):
        text = plain[1]
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 200)]
