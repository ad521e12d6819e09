"""How much of the contract a run has exercised: operations, statuses, request members and enum values.

An API that was not called at all is not counted. A member is exercised when a call sent it at its place, whatever
became of the call, and so is each value of an ``enum`` or ``const``; a status when a call was answered with it. The
items of a bulk call exercise the operation that judges them. Statuses are those that the document has as it is served
and those of the API's own answers; the mock's problem documents are no part of a contract.

What the schema of a body speaks of is laid out as a tree of `Place` once. Each body is then gone through beside it, so
that a call costs as much as its body is long, however large the contract is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from mockserver.engine.contract import Each, Operation, Parameter
from mockserver.engine.exchange import JSON, Exchange, Request
from mockserver.engine.parameters import texts_of
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.routing import Found
from mockserver.engine.values import ABSENT, as_text, below, walk
from mockserver.engine.world import Blueprint


class Part(NamedTuple):
    """Something that can be exercised: its kind, and what it is called within its operation."""

    kind: str
    name: str


OPERATION: Final = "operation"
STATUS: Final = "status"
MEMBER: Final = "member"
ENUM_VALUE: Final = "enum value"
KINDS: Final = {
    OPERATION: "operations", STATUS: "statuses", MEMBER: "request members", ENUM_VALUE: "enum values",
}  # fmt: skip
"""What is counted, in this order, with its plural."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one operation has to exercise, and how many calls exercised each part."""

    api: str
    operation: str
    method: str
    path: str
    parts: Mapping[Part, int]

    def missed(self, kind: str) -> list[str]:
        """Return the names of the parts of a kind that no call has exercised."""
        return [part.name for part, calls in self.parts.items() if part.kind == kind and not calls]

    def counts(self, kind: str) -> tuple[int, int]:
        """Return how many parts of a kind were exercised, and how many there are."""
        calls = [number for part, number in self.parts.items() if part.kind == kind]
        return sum(1 for number in calls if number), len(calls)


def coverage_of(calls: Iterable[Exchange], blueprint: Blueprint) -> tuple[Coverage, ...]:
    """Return the coverage of every operation of the APIs that were called."""
    exercised: dict[Operation, Counter[Part]] = {}
    for call in calls:
        operation = blueprint.operations.get((call.api or "", call.operation or ""))
        if operation is not None and operation.method == call.request.method:
            for each, parts in _exercised(operation, call, blueprint):
                exercised.setdefault(each, Counter()).update(parts)
    called = {operation.api for operation in exercised}
    return tuple(
        _covered(operation, exercised.get(operation, Counter()))
        for operation in blueprint.operations.values()
        if operation.api in called
    )


def totals(covered: Sequence[Coverage]) -> dict[str, tuple[int, int]]:
    """Return, for each kind, how many parts were exercised, and how many there are."""
    counts = {kind: [each.counts(kind) for each in covered] for kind in KINDS}
    return {
        kind: (sum(made for made, _ in each), sum(all_ for _, all_ in each)) for kind, each in counts.items()
    }


def coverage_lines(each: Coverage) -> Iterator[str]:
    """Yield the coverage of an operation as lines for a person, with all that no call has exercised."""
    yield f"{each.method} {each.path} ({each.operation})"
    for kind, plural in KINDS.items():
        made, total = each.counts(kind)
        if total:
            missed = each.missed(kind)
            yield f"  {plural}: {made} of {total}" + (f"; not {', '.join(missed)}" if missed else "")


def _covered(operation: Operation, exercised: Mapping[Part, int]) -> Coverage:
    parts = {part: exercised.get(part, 0) for part in parts_of(operation)}
    return Coverage(operation.api, operation.id, operation.method, operation.path, parts)


# What can be exercised


@dataclass(slots=True, eq=False)
class Place:
    """A place in a body that its schema speaks of, with the values that an enum or a constant lists for it.

    ``name`` is the pointer that leads there, with ``*`` for each of the ``items`` of a list, and for ``others``, the
    members that have no name in the schema; only one that has a name counts by itself.
    """

    name: str
    is_named: bool = False
    values: dict[str, Part] = field(default_factory=dict)
    members: "dict[str, Place]" = field(default_factory=dict)
    items: "Place | None" = None
    others: "Place | None" = None

    def parts(self) -> Iterator[Part]:
        """Yield what can be exercised here and below."""
        if self.is_named:
            yield Part(MEMBER, self.name)
        yield from self.values.values()
        for place in (*self.members.values(), self.items, self.others):
            yield from place.parts() if place is not None else ()

    def sent(self, value: JSON) -> Iterator[Part]:
        """Yield what a value that stands here exercises, here and below."""
        if self.is_named:
            yield Part(MEMBER, self.name)
        if self.values and (part := self.values.get(_text(value))) is not None:
            yield part
        if isinstance(value, dict):
            inside = [(self.members.get(name, self.others), each) for name, each in value.items()]
        elif isinstance(value, list):
            inside = [(self.members.get(str(index), self.items), each) for index, each in enumerate(value)]
        else:
            return
        for place, each in inside:
            if place is not None:
                yield from place.sent(each)


@lru_cache(maxsize=256)
def parts_of(operation: Operation) -> tuple[Part, ...]:
    """Return all that can be exercised of an operation."""
    answers = [operation.success, *operation.answers.values()]
    statuses = sorted(operation.statuses | {each.status for each in answers})
    parts = [Part(OPERATION, operation.id), *(Part(STATUS, str(status)) for status in statuses)]
    places = [*map(_parameter_place, operation.shape.parameters), _body_place(operation)]
    return tuple(dict.fromkeys([*parts, *(part for place in places for part in place.parts())]))


@lru_cache(maxsize=256)
def _body_place(operation: Operation) -> Place:
    place, schema = Place(""), operation.shape.body
    _lay_out(schema, schema, place, ())
    return place


@lru_cache(maxsize=256)
def _parameter_place(parameter: Parameter) -> Place:
    place = Place(f"{parameter.place} {parameter.name}", is_named=True)
    _lay_out(parameter.schema, parameter.schema, place, ())
    return place


def _lay_out(schema: JSON, root: JSON, place: Place, inside: tuple[str, ...]) -> None:
    """Add what a schema says of a place and of those below it; ``inside`` are the references that led here."""
    if not isinstance(schema, dict):
        return
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref not in inside:
        _lay_out(walk(root, unquote(ref.removeprefix("#"))), root, place, (*inside, ref))
    for text in map(_text, [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]):
        place.values.setdefault(text, Part(ENUM_VALUE, f"{place.name}: {text}"))
    for name, inner in _members(schema):
        _lay_out(
            inner, root, place.members.setdefault(name, Place(below(place.name, name), is_named=True)), inside
        )
    for index, inner in enumerate(schema.get("prefixItems", ())):
        _lay_out(inner, root, place.members.setdefault(str(index), Place(f"{place.name}/{index}")), inside)
    for inner in _schemas(schema, "items", "unevaluatedItems"):
        place.items = place.items or Place(f"{place.name}/*")
        _lay_out(inner, root, place.items, inside)
    for inner in _schemas(schema, "additionalProperties", "unevaluatedProperties"):
        place.others = place.others or Place(f"{place.name}/*")
        _lay_out(inner, root, place.others, inside)
    for branch in _branches(schema):
        _lay_out(branch, root, place, inside)


def _schemas(schema: Mapping[str, JSON], *keywords: str) -> list[JSON]:
    return [schema[keyword] for keyword in keywords if isinstance(schema.get(keyword), dict)]


def _members(schema: Mapping[str, JSON]) -> Iterator[tuple[str, JSON]]:
    """Yield the members that a schema names; one that it forbids cannot be sent."""
    for name, inner in schema.get("properties", {}).items():
        if inner is not False:
            yield name, inner


def _branches(schema: Mapping[str, JSON]) -> Iterator[JSON]:
    """Yield the schemas that speak of the same place."""
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(keyword, ())
    yield from (schema[keyword] for keyword in ("then", "else") if keyword in schema)
    yield from schema.get("dependentSchemas", {}).values()


def _text(value: JSON) -> str:
    """Return how a value is told; numbers that are equal are told in one way."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else as_text(value)


# What a call has exercised


def _exercised(
    operation: Operation, call: Exchange, blueprint: Blueprint
) -> Iterator[tuple[Operation, set[Part]]]:
    """Yield what a call exercises of its operation, and where it is a bulk call, its items of theirs."""
    body = _parsed(call)
    parts = {Part(OPERATION, operation.id), *_of_parameters(operation, call, blueprint)}
    if call.response is not None and call.fault is None:
        parts.add(Part(STATUS, str(call.status)))
    yield operation, parts.union(() if body is ABSENT else _body_place(operation).sent(body))
    if operation.each is not None and body is not ABSENT:
        item = blueprint.operations[operation.api, operation.each.operation]
        yield item, {part for each in _items(body, operation.each) for part in _body_place(item).sent(each)}


def _items(body: JSON, each: Each) -> list[JSON]:
    found = walk(body, each.at)
    return found if isinstance(found, list) else []


class _Source(NamedTuple):
    """A recorded call as parameters are read from it."""

    request: Request
    path_values: Mapping[str, str]
    supplied: Mapping[str, str]


def _of_parameters(operation: Operation, call: Exchange, blueprint: Blueprint) -> Iterator[Part]:
    if not operation.shape.parameters:
        return
    found = blueprint.router.route(call.request.method, call.request.path)
    source = (
        _Source(call.request, found.values, found.supplied)
        if isinstance(found, Found)
        else _Source(call.request, {}, {})
    )
    for parameter in operation.shape.parameters:
        place, texts = _parameter_place(parameter), texts_of(parameter, source)
        for text in texts:
            yield from place.sent(text)
            if place.items is not None:
                yield from place.sent([text] if parameter.explode else text.split(","))


def _parsed(call: Exchange) -> JSON:
    try:
        return parse_json(call.request.body) if call.request.body else ABSENT
    except MalformedError:
        return ABSENT
