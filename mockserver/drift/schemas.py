"""One spelling for what schemas say: references followed, notes left out, OpenAPI 3.0 read as 3.1.

A `View` is a schema as it is compared: keyword by keyword, each with the place where it stands. Equal schemas have
equal views, however they are spelt:

    $ref, allOf or anyOf of one schema, allOf of several about different things   one schema
    nullable: true, anyOf with {type: 'null'}                                     'null' among the types
    exclusiveMinimum: true beside minimum                                         one limit
    const                                                                         enum of one
    format: byte, format: binary                                                  contentEncoding, contentMediaType
    what holds without being written: minLength: 0, uniqueItems: false, items: true   nothing

Views are made one level at a time, so that recursive schemas end.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from mockserver.drift.rules import Limit
from mockserver.engine.exchange import JSON
from mockserver.engine.faults import SpecError
from mockserver.engine.values import ABSENT, below, walk

NOTES: Final = frozenset(
    {
        "$anchor", "$comment", "$defs", "$id", "$schema", "bearerFormat", "definitions", "description", "example",
        "examples", "externalDocs", "operationId", "summary", "tags", "title", "xml",
    }
)  # fmt: skip
"""What is for readers only, and is not compared; so are names that begin with ``x-``."""

UNIONS: Final = ("oneOf", "anyOf")
ONE_SCHEMA: Final = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
BY_NAME: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
IN_ORDER: Final = frozenset({"allOf", "prefixItems"})
_OPEN_WHEN_ABSENT: Final = ONE_SCHEMA - {"contains", "not"}
_SWITCHES: Final = frozenset({"deprecated", "readOnly", "uniqueItems", "writeOnly"})
_FROM_ZERO: Final = frozenset({"minItems", "minLength", "minProperties"})
_CLOSING: Final = frozenset({"additionalProperties", "patternProperties", "unevaluatedProperties"})
"""What says something of the properties that the same schema does not name."""
_CONTENT: Final = {
    "byte": ("contentEncoding", "base64"),
    "binary": ("contentMediaType", "application/octet-stream"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A value, and the JSON Pointer of where it stands."""

    value: JSON
    pointer: str

    def child(self, name: str) -> "Place":
        """Return a member; ABSENT where there is none."""
        there = self.value.get(name, ABSENT) if isinstance(self.value, dict) else ABSENT
        return Place(there, below(self.pointer, name))

    def members(self) -> "dict[str, Place]":
        """Return all members; none of what is not an object."""
        return {name: self.child(name) for name in self.value} if isinstance(self.value, dict) else {}

    def items(self) -> "list[Place]":
        """Return all items; none of what is not a list."""
        listed = self.value if isinstance(self.value, list) else []
        return [Place(value, f"{self.pointer}/{position}") for position, value in enumerate(listed)]


@dataclass(frozen=True, slots=True)
class View:
    """A schema as it is compared: its keywords, and the place where it stands."""

    source: Place
    words: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI document, and the name that problems give it."""

    name: str
    root: JSON
    views: dict[tuple[str, bool], View] = field(default_factory=dict)
    """Those that were made, by place, and whether a reference stands there or what stands beside it."""

    def at(self, pointer: str) -> Place:
        """Return a place by its JSON Pointer."""
        return Place(walk(self.root, pointer), pointer)

    def followed(self, place: Place) -> Place:
        """Return what a place refers to, or the place itself. Raises `SpecError` where that leads nowhere."""
        seen = set[str]()
        while isinstance(place.value, dict) and isinstance(target := place.value.get("$ref"), str):
            seen.add(place.pointer)
            found = self.at(unquote(target[1:])) if target.startswith("#") else Place(ABSENT, "")
            if found.value is ABSENT or found.pointer in seen:
                raise SpecError([(self.name, below(place.pointer, "$ref"), _lost(target))])
            place = found
        return place

    def view(self, place: Place) -> View:
        """Return a schema as it is compared. Raises `SpecError` where a reference leads nowhere."""
        return _view(self, place, frozenset())


def _lost(target: str) -> str:
    if target.startswith("#"):
        return f"{target!r} leads nowhere in this document; it cannot be compared"
    return f"{target!r} is in another file; put all parts into one document first"


def text_of(value: JSON) -> str:
    """Return a value as JSON, the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def is_note(name: str) -> bool:
    """Tell whether a keyword is for readers only."""
    return name in NOTES or name.startswith("x-")


def _is_open(value: JSON) -> bool:
    """Tell whether a schema allows everything."""
    return value is True or (isinstance(value, dict) and all(map(is_note, value)))


# Views


def _view(contract: Contract, place: Place, above: frozenset[str]) -> View:
    """Return the view of a schema that holds with those ``above``; one that is a part of itself says nothing."""
    key = (place.pointer, isinstance(place.value, dict) and "$ref" in place.value)
    if key not in contract.views:
        target = contract.followed(place)
        if target.pointer in above or not isinstance(target.value, dict):
            return View(target, {"false": target} if target.value is False else {})
        words = _words(contract, place, target, above | {target.pointer})
        says_more = next(_beside(place, target), None) is not None
        contract.views[key] = View(place if says_more else target, words)
    return contract.views[key]


def _words(contract: Contract, place: Place, target: Place, above: frozenset[str]) -> Mapping[str, Place]:
    """Return what a schema says, with all that holds as well: beside a reference, in allOf, in an only branch."""
    own, parts = _own_words(contract, target), [*_beside(place, target), *target.child("allOf").items()]
    takes_null = target.value.get("nullable") is True
    for name in UNIONS:
        branches = target.child(name).items()
        if (only := _only_branch(contract, branches, above)) is not None:
            parts.append(only)
            own.pop(name, None)
            takes_null |= len(branches) > 1
    words = _merged([own, *(_view(contract, part, above).words for part in parts)])
    if words is None:
        words = {**own, "allOf": Place(parts, below(target.pointer, "allOf"))}
    return _with_null(words, target) if takes_null else words


def _beside(place: Place, target: Place) -> Iterator[Place]:
    """Yield what stands beside a reference, as OpenAPI 3.1 allows it."""
    if place.pointer != target.pointer:
        beside = {name: value for name, value in place.value.items() if name != "$ref" and not is_note(name)}
        if beside:
            yield Place(beside, place.pointer)


def _only_branch(contract: Contract, branches: list[Place], above: frozenset[str]) -> Place | None:
    """Return the only branch of a union, or the only one beside null where its types can take null in."""
    others = [each for each in branches if not _is_null(contract, each)]
    if len(branches) == 1:
        return branches[0]
    is_nullable = len(others) == 1 == len(branches) - 1 and "type" in _view(contract, others[0], above).words
    return others[0] if is_nullable else None


def _is_null(contract: Contract, place: Place) -> bool:
    value = contract.followed(place).value
    return isinstance(value, dict) and value.get("type") in ("null", ["null"])


def _with_null(words: Mapping[str, Place], target: Place) -> Mapping[str, Place]:
    """Return the words of a schema that takes null as well."""
    if "type" in words:
        also = {name: frozenset({"null"}) for name in ("type", "enum") if name in words}
        return {
            **words,
            **{name: Place(words[name].value | null, words[name].pointer) for name, null in also.items()},
        }
    null = Place({"type": "null"}, below(target.pointer, "nullable"))
    unions = {
        name: Place([*words[name].value, null], words[name].pointer) for name in UNIONS if name in words
    }
    return {**words, **unions}


def _merged(parts: Iterable[Mapping[str, Place]]) -> dict[str, Place] | None:
    """Return the words of several schemas that all hold, or None where they do not fit into one."""
    words: dict[str, Place] = {}
    speaking = [part for part in parts if part]
    if len(speaking) > 1 and any(not _CLOSING.isdisjoint(part) for part in speaking):
        return None
    for part in speaking:
        for name, place in part.items():
            joined = _joined(name, words[name], place) if name in words else place
            if joined is None:
                return None
            words[name] = joined
    return words


def _joined(name: str, first: Place, second: Place) -> Place | None:
    if name == "required":
        return Place(first.value | second.value, first.pointer)
    if name == "properties" and first.value.keys().isdisjoint(second.value):
        return Place({**first.value, **second.value}, first.pointer)
    return first if first.value == second.value else None


# Single words


def _own_words(contract: Contract, place: Place) -> dict[str, Place]:
    """Return what a schema itself says, in one spelling; allOf and what it refers to are read elsewhere."""
    words: dict[str, Place] = {}
    for name, at in place.members().items():
        if name in {"$ref", "allOf", "nullable"} or is_note(name):
            continue
        if name not in _OPEN_WHEN_ABSENT or not _is_open(contract.followed(at).value):
            words |= _word(name, at, place)
    return words


def _word(name: str, at: Place, place: Place) -> dict[str, Place]:
    """Return one keyword as it is compared: under its name, under another, or not at all."""
    value = at.value
    if name in _SWITCHES or name in _FROM_ZERO:
        return {name: at} if value else {}
    if name in BY_NAME:
        return {name: Place(members, at.pointer)} if (members := at.members()) else {}
    if name in IN_ORDER or name in UNIONS:
        return {name: Place(items, at.pointer)} if (items := at.items()) else {}
    if name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        return _limit(name, at, place)
    reader = _READERS.get(name)
    return reader(at) if reader is not None else {name: at}


def _limit(name: str, at: Place, place: Place) -> dict[str, Place]:
    """Return a limit that counts: of two that a schema has, the stricter one."""
    side = name.removeprefix("exclusive").lower()
    sign = 1 if side == "minimum" else -1
    exclusive = place.child(f"exclusive{side.capitalize()}")
    limits = [
        Place(Limit(each.value, sign * strict), each.pointer)
        for each, strict in ((place.child(side), exclusive.value is True), (exclusive, True))
        if isinstance(each.value, int | float) and not isinstance(each.value, bool)
    ]
    strictest = max(limits, key=lambda limit: (sign * limit.value[0], sign * limit.value[1]), default=None)
    return {side: strictest} if strictest is not None else {}


def _types(at: Place) -> dict[str, Place]:
    kinds = frozenset([at.value] if isinstance(at.value, str) else map(str, _listed(at)))
    return {"type": Place(kinds | {"integer"} if "number" in kinds else kinds, at.pointer)}


def _listed(at: Place) -> list[JSON]:
    return at.value if isinstance(at.value, list) else []


def _enum(at: Place) -> dict[str, Place]:
    return {"enum": Place(frozenset(map(text_of, _listed(at))), at.pointer)}


def _const(at: Place) -> dict[str, Place]:
    return {"enum": Place(frozenset({text_of(at.value)}), at.pointer)}


def _required(at: Place) -> dict[str, Place]:
    return {"required": Place(frozenset(map(str, _listed(at))), at.pointer)} if at.value else {}


def _format(at: Place) -> dict[str, Place]:
    name, value = _CONTENT.get(str(at.value), ("format", at.value))
    return {name: Place(value, at.pointer)}


def _discriminator(at: Place) -> dict[str, Place]:
    """Read which property tells the branches apart; its mapping names components, which may be renamed."""
    name = at.child("propertyName")
    return {"discriminator": name} if name.value is not ABSENT else {}


def _dependent(at: Place) -> dict[str, Place]:
    read = {name: sorted(map(str, _listed(each))) for name, each in at.members().items()}
    return {"dependentRequired": Place(read, at.pointer)}


_READERS: Final = {
    "type": _types,
    "enum": _enum,
    "const": _const,
    "required": _required,
    "format": _format,
    "discriminator": _discriminator,
    "dependentRequired": _dependent,
}
