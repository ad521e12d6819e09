"""Where the rules of a schema stand: each schema with the way that leads to it, through references and branches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.judge import Judge
from mockserver.engine.values import walk

Path = tuple[str | int, ...]

MOST_PLACES: Final = 2_000
"""How many places of one schema are goals; a schema that has more is exercised in these."""


@dataclass(frozen=True, eq=False, repr=False)
class Place:
    """A schema, the way that leads to it, and the document in which its references are looked up.

    The way goes through ``$ref``, so that one schema has a place wherever it is referred to.
    """

    path: Path
    schema: JSON
    root: JSON

    @property
    def rules(self) -> Mapping[str, JSON]:
        """The keywords; ``false`` forbids everything as ``not: {}`` does."""
        if isinstance(self.schema, dict):
            return self.schema
        return {"not": {}} if self.schema is False else {}

    @property
    def is_forbidding(self) -> bool:
        """Whether no value at all is taken here."""
        return self.rules.get("not") in ({}, True)

    def child(self, *steps: str | int) -> "Place":
        """Return the place of a schema that stands inside this one."""
        schema = self.schema
        for step in steps:
            schema = schema[step]
        return Place((*self.path, *steps), schema, self.root)

    def beside(self, step: str, schema: JSON) -> "Place":
        """Return the place of a schema that is not written, but follows from this one."""
        return Place((*self.path, step), schema, self.root)

    def without(self, *keywords: str) -> "Place":
        """Return this place with fewer rules."""
        return Place(
            self.path, {name: self.rules[name] for name in self.rules if name not in keywords}, self.root
        )

    def leads_to(self, path: Path) -> bool:
        """Tell whether a way goes through this place, or ends in it."""
        return path[: len(self.path)] == self.path

    @cached_property
    def is_about_presence(self) -> bool:
        """Whether it says nothing but which members there are."""
        return _says_presence(self.schema)

    @cached_property
    def judge(self) -> Judge:
        """What says yes or no to a value."""
        return self.judge_of(self.schema)

    def judge_of(self, schema: JSON) -> Judge:
        """Return the judge of another schema that stands in the same document."""
        shared = {"components": self.root["components"]} if "components" in _as_dict(self.root) else {}
        return Judge({**schema, **shared} if isinstance(schema, dict) else schema)


_PRESENCE: Final = frozenset({"required", "dependentRequired", "minProperties", "maxProperties"})


def _says_presence(schema: JSON) -> bool:
    if not isinstance(schema, dict):
        return False
    inner = [schema["not"]] if "not" in schema else []
    inner += [each for keyword in ("anyOf", "oneOf", "allOf") for each in schema.get(keyword, ())]
    own = schema.keys() - {"not", "anyOf", "oneOf", "allOf"}
    return own <= _PRESENCE and all(map(_says_presence, inner))


def _as_dict(schema: JSON) -> Mapping[str, JSON]:
    return schema if isinstance(schema, dict) else {}


def joined(parts: Iterable[Place]) -> list[Place]:
    """Return places that all hold of one value, with what they refer to and what ``allOf`` adds."""
    found = []
    for place in parts:
        found.append(place)
        found += joined(_in_any_case(place))
    return found


def _in_any_case(place: Place) -> Iterator[Place]:
    if isinstance(ref := place.rules.get("$ref"), str):
        yield place.beside("$ref", walk(place.root, ref.removeprefix("#")))
    yield from (place.child("allOf", position) for position in range(len(place.rules.get("allOf", ()))))


Choice = Sequence[Sequence[Place]]
"""Alternatives, each of places that all hold of the value."""


def choices_of(place: Place) -> Iterator[Choice]:
    """Yield what a value has to choose between: the branches of ``anyOf`` and ``oneOf``, the halves of ``if``."""
    rules = place.rules
    for keyword in ("anyOf", "oneOf"):
        if keyword in rules:
            yield [[place.child(keyword, position)] for position in range(len(rules[keyword]))]
    if "if" in rules:
        halves = {"then": rules["if"], "else": {"not": rules["if"]}}
        yield [
            [place.beside(f"if {name}", condition), *([place.child(name)] if name in rules else [])]
            for name, condition in halves.items()
        ]
    for name in rules.get("dependentSchemas", ()):
        absent = place.beside(f"without {name}", {"properties": {name: False}})
        given = place.beside(f"with {name}", {"required": [name]})
        yield [[absent], [given, place.child("dependentSchemas", name)]]


def places_in(place: Place) -> Iterator[Place]:
    """Yield a place and all that it leads to, outer ones first; a schema that contains itself is entered once."""
    yield from islice(_places_in(place, ()), MOST_PLACES)


def _places_in(place: Place, above: tuple[int, ...]) -> Iterator[Place]:
    if id(place.schema) in above:
        return
    yield place
    for each in _children(place):
        yield from _places_in(each, (*above, id(place.schema)) if isinstance(place.schema, dict) else above)


def _children(place: Place) -> Iterator[Place]:
    rules = place.rules
    yield from _in_any_case(place)
    for keyword in ("anyOf", "oneOf", "prefixItems"):
        yield from (place.child(keyword, position) for position in range(len(rules.get(keyword, ()))))
    yield from (place.child(keyword) for keyword in ("then", "else") if "if" in rules and keyword in rules)
    for keyword in ("properties", "patternProperties", "dependentSchemas"):
        yield from (place.child(keyword, name) for name in rules.get(keyword, ()))
    for keyword in ("additionalProperties", "items"):
        if keyword in rules and rules[keyword] is not False:
            yield place.child(keyword)
