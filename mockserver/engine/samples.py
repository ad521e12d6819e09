"""A small value that a JSON Schema takes, for examples: what must be there, and no more."""

import re
from collections.abc import Mapping
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.sentences import FORMAT_SAMPLES
from mockserver.engine.values import walk

_DEEPEST: Final = 8


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
        schema = {**(found if isinstance(found, dict) else {}), **_without(schema, "$ref")}
    parts = [*schema.get("allOf", []), *([schema["else"]] if "else" in schema else [])]
    whole: JSON = {
        name: value for name, value in schema.items() if name not in {"allOf", "if", "then", "else"}
    }
    for part in parts:
        whole = _joined(whole, resolved(part, root))
    return whole


def _joined(ours: JSON, theirs: JSON) -> JSON:
    """Return a schema that asks for what two ask for, as far as a sample needs it."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return ours if isinstance(ours, dict) else theirs
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
            return [sample_of(schema.get("items", {}), root, depth + 1)] * _bounded(
                schema.get("minItems", 1), 1
            )
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _text(schema)


def _text(schema: Mapping[str, JSON]) -> str:
    text = FORMAT_SAMPLES.get(schema.get("format", ""), "text")
    if "pattern" in schema and (plain := re.fullmatch(r"\^([A-Za-z0-9 _-]+)\$?", schema["pattern"])):
        text = plain[1]
    return text.ljust(_bounded(schema.get("minLength", 0), 0), "x")[
        : _bounded(schema.get("maxLength", _MOST), 0)
    ]


_MOST: Final = 1000


def _bounded(count: JSON, least: int) -> int:
    """Return a count as it may stand in a schema (2.0 is 2), but not so many that the sample would be no sample."""
    return min(max(least, int(count)), _MOST)
