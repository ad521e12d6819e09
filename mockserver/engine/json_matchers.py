"""Matchers of JSON: structure, schema, and what a JSONPath finds."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from mockserver.engine.comparison import Difference, Tolerance, compare, leaves, unknown_placeholder
from mockserver.engine.exchange import JSON
from mockserver.engine.judge import without_surrogates
from mockserver.engine.matching import Fault, Matcher, Read, Value, flag_of, short
from mockserver.engine.parsing import DEEPEST, MalformedError, parse_json
from mockserver.engine.values import ABSENT, cut


def _document(operand: JSON, name: str) -> JSON:
    """Return an operand that may be JSON, or JSON as a text. Raises ValueError."""
    if not isinstance(operand, str):
        return operand
    try:
        return parse_json(operand.encode("utf-8", "surrogatepass"))
    except MalformedError as error:
        raise ValueError(
            f"{name} operand {cut(operand)!r} {error}; quote a text twice, as in '\"x\"'"
        ) from None


def _equal_to_json(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    wanted = _document(operand, "equalToJson")
    extra, members, any_order = (
        flag_of(source, name, at, faults)
        for name in ("ignoreExtraElements", "ignoreExtraMembers", "ignoreArrayOrder")
    )
    tolerance = Tolerance(extra or members, extra, any_order)
    if (unknown := unknown_placeholder(wanted)) is not None:
        raise ValueError(
            f"{cut(unknown)!r} is not a placeholder that is known, or its expression cannot be read"
        )

    def differences(value: Value) -> list[Difference]:
        return [] if value.json is ABSENT else compare(wanted, value.json, tolerance)

    def on(value: Value) -> bool:
        return value.json is not ABSENT and not compare(wanted, value.json, tolerance)

    return Matcher(source, on, differences=differences, weight=max(1, leaves(wanted)))


def is_something(found: JSON) -> bool:
    """Tell whether a value that was found counts; an empty list does, as it is there."""
    return found is not None and found != {} and not (isinstance(found, str) and not found)


@dataclass(frozen=True, slots=True)
class Path:
    """A JSONPath: ``find`` returns what it leads to in a document. One that is ``singular`` leads to one place."""

    find: Callable[[JSON], list[JSON]]
    singular: bool


def path_of(text: str) -> Path:
    """Compile a JSONPath. Raises ValueError."""
    import jsonpath  # noqa: PLC0415 - takes 60 ms, and most patterns have none

    try:
        compiled = _dialect().compile(text)
    except (jsonpath.JSONPathError, re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{cut(text)!r} is not a JSONPath that is understood: {_first_line(error)}"
        ) from None
    if not isinstance(compiled, jsonpath.JSONPath):
        raise ValueError(
            f"{cut(text)!r} joins several paths; write one matcher for each, and join them with or"
        )

    def find(document: JSON) -> list[JSON]:
        if document is ABSENT:
            return []
        found: Iterable[Any] = [
            jsonpath.JSONPathMatch(
                filter_context={}, obj=document, parent=None, path="$", parts=(), root=document
            )
        ]
        try:
            for segment in compiled.segments:
                found = segment.resolve(map(_listed, found) if _filters(segment) else found)
            return [each.obj for each in found]
        except (jsonpath.JSONPathError, re.error, RecursionError):
            return []

    return Path(find, compiled.singular_query())


@lru_cache(maxsize=1)
def _dialect() -> Any:
    import jsonpath  # noqa: PLC0415

    environment = jsonpath.JSONPathEnvironment()
    environment.max_recursion_depth = DEEPEST
    return environment


def _filters(segment: Any) -> bool:
    return all(type(selector).__name__ == "Filter" for selector in segment.selectors)


def _listed(node: Any) -> Any:
    """Return an object as the one item of a list: in WireMock's dialect a filter tests an object itself.

    RFC 9535 would test its members instead, of which a negative filter accepts nearly any.
    """
    return node.new_child([node.obj], 0) if isinstance(node.obj, dict) else node


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


_DRAFTS: Final[Mapping[str, Any]] = {
    "V4": jsonschema_rs.Draft4Validator,
    "V6": jsonschema_rs.Draft6Validator,
    "V7": jsonschema_rs.Draft7Validator,
    "V201909": jsonschema_rs.Draft201909Validator,
    "V202012": jsonschema_rs.Draft202012Validator,
}


def _matches_json_schema(operand: JSON, source: JSON, _: str, __: list[Fault]) -> Matcher:
    schema, version = _document(operand, "matchesJsonSchema"), source.get("schemaVersion", "V202012")
    if not isinstance(version, str) or version not in _DRAFTS:
        raise ValueError(f"schemaVersion must be one of {', '.join(_DRAFTS)}, not {short(version)}")
    try:
        validator = _DRAFTS[version](schema, retriever=_retrieve_nothing)
    except ValueError as error:
        raise ValueError(f"is not a JSON Schema: {cut(str(error).partition(chr(10))[0], 200)}") from None

    def on(value: Value) -> bool:
        if value.is_absent:
            return False
        document = value.text if value.json is ABSENT else value.json
        try:
            return bool(validator.is_valid(document))
        except UnicodeEncodeError:
            return bool(validator.is_valid(without_surrogates(document)))
        except ValueError:
            return False

    return Matcher(source, on)


def _retrieve_nothing(uri: str) -> JSON:
    raise ValueError(f"the reference {uri!r} leads out of the schema")


OF_JSON: Final[Mapping[str, Read]] = {
    "equalToJson": _equal_to_json,
    "matchesJsonSchema": _matches_json_schema,
}
"""The match operations of one JSON document each, by name."""
