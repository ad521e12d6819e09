"""jsonschema, made ready to explain: schemas in the form that it tells best, and patterns as the judge reads them."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from mockserver.engine.exchange import JSON
from mockserver.engine.formats import FORMATS

FORMAT_CHECKER: Final = FormatChecker(formats=())
for _name, _check in FORMATS.items():
    FORMAT_CHECKER.checks(_name)(lambda value, check=_check: not isinstance(value, str) or check(value))


class _Identity:
    """A schema as a cache key: a dict cannot be hashed, but the same one is the same schema."""

    __slots__ = ("schema",)

    def __init__(self, schema: JSON) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.schema is self.schema


def validator_of(schema: JSON) -> Any:
    """Return the jsonschema validator that explains what a schema refuses; made once for each schema."""
    return _validator(_Identity(schema))


@lru_cache(maxsize=256)
def _validator(key: _Identity) -> Any:
    return Explainer(_explainable(key.schema, key.schema, ()), format_checker=FORMAT_CHECKER)


@lru_cache(maxsize=512)
def _judge_of(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def matches_pattern(pattern: str, text: str) -> bool:
    """Ask the judge: Python's regular expressions differ from those of JSON Schema, and may take for ever."""
    try:
        return bool(_judge_of(pattern).is_valid(text))
    except ValueError:  # a lone surrogate
        return re.search(pattern, text) is not None


def _check_pattern(validator: Any, pattern: str, instance: JSON, _: JSON) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not matches_pattern(pattern, instance):
        yield ValidationError(f"does not match {pattern}")


def _check_pattern_properties(
    validator: Any, patterns: Mapping[str, JSON], instance: JSON, _: JSON
) -> Iterator[Any]:
    for pattern, subschema in patterns.items() if validator.is_type(instance, "object") else ():
        for name, value in instance.items():
            if matches_pattern(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


Explainer: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _check_pattern, "patternProperties": _check_pattern_properties}
)


def _explainable(node: JSON, root: JSON, inside: tuple[str, ...]) -> JSON:
    """Return a schema that jsonschema explains better and twice as fast.

    References are replaced by what they lead to, under its name as title, but for those within themselves;
    what is forbidden is written ``{not: {}}``, since of a plain ``false`` jsonschema does not tell the place.
    """
    if isinstance(node, list):
        return [_explainable(each, root, inside) for each in node]
    if not isinstance(node, dict):
        return node
    ref = node.get("$ref")
    if isinstance(ref, str) and ref not in inside and (found := followed(node, root)) is not None:
        others = {name: value for name, value in node.items() if name != "$ref"}
        title = {"title": ref.rpartition("/")[2]}
        return _explainable({**title, **found, **others}, root, (*inside, ref))
    inner = {
        name: _explainable(value, root, inside) for name, value in node.items() if name not in _NOT_RULES
    }
    for name in _SCHEMAS_BY_NAME & inner.keys():
        inner[name] = {member: _written_out(each) for member, each in inner[name].items()}
    for name in _SCHEMAS_IN_A_LIST & inner.keys():
        inner[name] = [_written_out(each) for each in inner[name]]
    return {**inner, **{name: node[name] for name in _NOT_RULES if name in node}}


def _written_out(schema: JSON) -> JSON:
    return {"not": {}} if schema is False else schema


_SCHEMAS_BY_NAME: Final = {"properties", "patternProperties", "dependentSchemas"}
_SCHEMAS_IN_A_LIST: Final = {"allOf", "anyOf", "oneOf", "prefixItems"}
_MOST_HOPS: Final = 20  # references that lead to references; more of them lead in a circle
_NOT_RULES: Final = ("components", "const", "default", "enum", "examples", "x-mock")


def followed(node: JSON, root: JSON) -> JSON:
    """Follow the references of a schema object to ``#/components/schemas/…``."""
    for _ in range(_MOST_HOPS):
        if not isinstance(node, dict) or not str(node.get("$ref", "")).startswith("#/components/schemas/"):
            break
        node = root.get("components", {}).get("schemas", {}).get(node["$ref"].rpartition("/")[2])
    return node
