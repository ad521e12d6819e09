"""The JSON Schema words that a spec may use.

A mock that ignores a rule lies, so that a word nobody checks stops the load: a keyword that is not in
these lists, a format without a checker, a schema that the validator cannot compile.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import jsonschema_rs

from mockserver.engine.exchange import JSON
from mockserver.engine.formats import FORMATS, IGNORED
from mockserver.engine.values import nearest, pointer_of

_ONE_SCHEMA: Final = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames",
        "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_SCHEMAS_IN_A_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS_BY_NAME: Final = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})
_ASSERTIONS: Final = frozenset(
    {
        "$ref", "const", "dependentRequired", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
        "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems",
        "minLength", "minProperties", "minimum", "multipleOf", "pattern", "required", "type", "uniqueItems",
    }
)  # fmt: skip
_NOTES: Final = frozenset(
    {
        "$comment", "$schema", "default", "deprecated", "description", "discriminator", "example", "examples",
        "externalDocs",
        "readOnly", "title", "writeOnly", "x-mock", "xml", "contentEncoding", "contentMediaType",
    }
)  # fmt: skip
KEYWORDS: Final = _ONE_SCHEMA | _SCHEMAS_IN_A_LIST | _SCHEMAS_BY_NAME | _ASSERTIONS | _NOTES


def unknown_keywords(schema: JSON, steps: list[str | int]) -> Iterator[tuple[str, str]]:
    """Yield ``(pointer, sentence)`` for every word of a schema that nothing would check."""
    if not isinstance(schema, dict):
        return
    for name in schema:
        if name not in KEYWORDS and not name.startswith("x-"):
            near = nearest(name, KEYWORDS)
            hint = f"; did you mean {near}?" if near else ""
            yield pointer_of([*steps, name]), f"the keyword {name!r} is not known{hint}"
    name = schema.get("format")
    if name is not None and not isinstance(name, str):
        yield pointer_of([*steps, "format"]), "a format is a text"
    elif name is not None and name not in FORMATS and name not in IGNORED:
        yield (
            pointer_of([*steps, "format"]),
            f"the format {name!r} has no checker; there are {', '.join(FORMATS)}",
        )
    for pattern, place in _patterns(schema, steps):
        if not _is_pattern(pattern):
            yield pointer_of(place), f"{pattern!r} is not a regular expression"
    for inner, place in _inside(schema, steps):
        yield from unknown_keywords(inner, place)


def _patterns(schema: dict[str, JSON], steps: list[str | int]) -> Iterator[tuple[str, list[str | int]]]:
    if isinstance(pattern := schema.get("pattern"), str):
        yield pattern, [*steps, "pattern"]
    if isinstance(by_pattern := schema.get("patternProperties"), dict):
        yield from ((each, [*steps, "patternProperties", each]) for each in by_pattern)


def _is_pattern(text: str) -> bool:
    """Ask the judge: regular expressions of JSON Schema are not those of Python."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": text})
    except ValueError:
        return False
    return True


def _inside(schema: dict[str, JSON], steps: list[str | int]) -> Iterator[tuple[JSON, list[str | int]]]:
    for name, value in schema.items():
        if name in _ONE_SCHEMA:
            yield value, [*steps, name]
        elif name in _SCHEMAS_IN_A_LIST and isinstance(value, list):
            yield from ((each, [*steps, name, position]) for position, each in enumerate(value))
        elif name in _SCHEMAS_BY_NAME and isinstance(value, dict):
            yield from ((each, [*steps, name, member]) for member, each in value.items())


# What is known of keywords and types

ASSERTIONS: Final = frozenset(
    {
        "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maxProperties",
        "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "pattern", "type",
        "uniqueItems",
    }
)  # fmt: skip
"""The keywords that say something about one value, whatever else stands beside them."""


def broken_by(keyword: str, value: JSON) -> frozenset[type]:
    """Return the types of values that may break a rule."""
    if keyword != "type":
        return _TYPES.get(_ABOUT.get(keyword, ""), ANY)
    names = [value] if isinstance(value, str) else value
    return ANY.difference(*(_TYPES[name] if name != "integer" else {int} for name in names))


def about(keyword: str) -> str:
    """Return the type of values that a keyword is about; empty where it is about several, or all."""
    return _ABOUT.get(keyword, "")


def types_of(schema: JSON) -> frozenset[type]:
    """Return the types of values that may meet a schema, as far as its own ``type`` says."""
    if not isinstance(schema, dict) or "type" not in schema:
        return ANY
    names = schema["type"]
    return frozenset().union(*(_TYPES[name] for name in ([names] if isinstance(names, str) else names)))


ANY: Final = frozenset({type(None), bool, int, float, str, list, dict})
_TYPES: Final[Mapping[str, frozenset[type]]] = {
    "null": frozenset({type(None)}), "boolean": frozenset({bool}), "integer": frozenset({int, float}),
    "number": frozenset({int, float}), "string": frozenset({str}), "array": frozenset({list}),
    "object": frozenset({dict}),
}  # fmt: skip
_ABOUT: Final[Mapping[str, str]] = {
    **dict.fromkeys(["format", "maxLength", "minLength", "pattern"], "string"),
    **dict.fromkeys(
        ["contains", "items", "maxItems", "minItems", "prefixItems", "unevaluatedItems", "uniqueItems"], "array"
    ),
    **dict.fromkeys(
        [
            "additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties", "minProperties",
            "patternProperties", "properties", "propertyNames", "required", "unevaluatedProperties",
        ],
        "object",
    ),
    **dict.fromkeys(["exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"], "number"),
}  # fmt: skip
"""The type of values that a keyword is about, where it is about one only."""
