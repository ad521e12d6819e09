"""How much of the contract a run has exercised: operations, statuses, request members and enum values.

An API that was not called at all is not counted. A member is exercised when a call sent it, at that place, whatever
became of the call; a status when a call was answered with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from mockserver.engine.contract import Operation
from mockserver.engine.exchange import JSON, Exchange
from mockserver.engine.parameters import texts_of
from mockserver.engine.parsing import MalformedError, parse_json
from mockserver.engine.routing import Found
from mockserver.engine.values import ABSENT, as_text, pointer_of, walk
from mockserver.engine.world import Blueprint

ITEM: Final = "*"
"""The step of a pattern that stands for each item of a list."""

_DEEPEST: Final = 8


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

    def as_json(self) -> dict[str, JSON]:
        """Return it as reports write it."""
        return {
            "api": self.api,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "parts": [{"kind": part.kind, "name": part.name, "calls": n} for part, n in self.parts.items()],
        }


def coverage_of(calls: Iterable[Exchange], blueprint: Blueprint) -> tuple[Coverage, ...]:
    """Return the coverage of every operation of the APIs that were called."""
    by_operation: dict[tuple[str, str], list[Exchange]] = {}
    for each in calls:
        if each.api is not None and each.operation is not None:
            by_operation.setdefault((each.api, each.operation), []).append(each)
    called = {api for api, _ in by_operation}
    return tuple(
        _covered(operation, by_operation.get((api.name, operation.id), []), blueprint)
        for api in blueprint.apis
        if api.name in called
        for operation in api.operations
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


def _covered(operation: Operation, calls: Sequence[Exchange], blueprint: Blueprint) -> Coverage:
    parts = dict.fromkeys(_parts_of(operation), 0)
    for call in calls:
        for part in set(_exercised(operation, call, blueprint)):
            if part in parts:
                parts[part] += 1
    return Coverage(operation.api, operation.id, operation.method, operation.path, parts)


def _parts_of(operation: Operation) -> Iterator[Part]:
    yield Part(OPERATION, operation.id)
    answers = [operation.success, *operation.answers.values()]
    for status in sorted(operation.statuses | {each.status for each in answers}):
        yield Part(STATUS, str(status))
    for parameter in operation.shape.parameters:
        yield Part(MEMBER, f"{parameter.place} {parameter.name}")
        yield from (
            Part(ENUM_VALUE, f"{parameter.place} {parameter.name}: {value}")
            for value in _enum(parameter.schema)
        )
    for pattern, values in members_of(operation):
        yield Part(MEMBER, pattern)
        yield from (Part(ENUM_VALUE, f"{pattern}: {value}") for value in values)


def _exercised(operation: Operation, call: Exchange, blueprint: Blueprint) -> Iterator[Part]:
    yield Part(OPERATION, operation.id)
    if call.response is not None:
        yield Part(STATUS, str(call.status))
    for parameter in operation.shape.parameters:
        texts = texts_of(parameter, _Sent(call, blueprint))
        if texts:
            yield Part(MEMBER, f"{parameter.place} {parameter.name}")
        yield from (Part(ENUM_VALUE, f"{parameter.place} {parameter.name}: {text}") for text in texts)
    body = _body_of(call)
    for pattern, values in members_of(operation):
        found = list(_found(body, pattern.split("/")[1:]))
        if found:
            yield Part(MEMBER, pattern)
        if values:
            yield from (Part(ENUM_VALUE, f"{pattern}: {as_text(value)}") for value in found)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A recorded call as parameters are read from it."""

    call: Exchange
    blueprint: Blueprint

    request = property(lambda self: self.call.request)
    body = ABSENT
    sent = b""

    @property
    def _found(self) -> Found | None:
        found = self.blueprint.router.route(self.call.request.method, self.call.request.path)
        return found if isinstance(found, Found) else None

    @property
    def path_values(self) -> Mapping[str, str]:
        """The variables of the path."""
        return self._found.values if self._found is not None else {}

    @property
    def supplied(self) -> Mapping[str, str]:
        """The parameters that the path supplies."""
        return self._found.supplied if self._found is not None else {}


def _body_of(call: Exchange) -> JSON:
    try:
        return parse_json(call.request.body) if call.request.body else ABSENT
    except MalformedError:
        return ABSENT


def _found(value: JSON, steps: Sequence[str]) -> Iterator[JSON]:
    """Yield what stands at the places that a pattern names."""
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == ITEM and isinstance(value, list):
        for item in value:
            yield from _found(item, rest)
    elif isinstance(value, dict) and (name := step.replace("~1", "/").replace("~0", "~")) in value:
        yield from _found(value[name], rest)


# What the schema of a body speaks of


@lru_cache(maxsize=256)
def members_of(operation: Operation) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the places of a body that its schema speaks of, as patterns, each with the values of its enum."""
    found: dict[str, dict[str, None]] = {}
    _collect(operation.shape.body, operation.shape.body, [], found, 0)
    return tuple((pattern, tuple(values)) for pattern, values in found.items())


_BRANCHES: Final = ("allOf", "anyOf", "oneOf")
_CONDITIONS: Final = ("then", "else")


def _collect(
    schema: JSON, root: JSON, steps: list[str | int], found: dict[str, dict[str, None]], depth: int
) -> None:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    if isinstance(ref := schema.get("$ref"), str):
        _collect(walk(root, ref.removeprefix("#")), root, steps, found, depth + 1)
    if steps:
        values = found.setdefault(pointer_of(steps), {})
        values.update(dict.fromkeys(_enum(schema)))
    for name, inner in schema.get("properties", {}).items():
        _collect(inner, root, [*steps, name], found, depth + 1)
        found.setdefault(pointer_of([*steps, name]), {})
    if isinstance(schema.get("items"), dict):
        _collect_items(schema["items"], root, [*steps, ITEM], found, depth + 1)
    branches = [each for name in _BRANCHES for each in schema.get(name, [])]
    for branch in [*branches, *(schema[name] for name in _CONDITIONS if name in schema)]:
        _collect(branch, root, steps, found, depth + 1)


def _collect_items(
    schema: JSON, root: JSON, steps: list[str | int], found: dict[str, dict[str, None]], depth: int
) -> None:
    """Collect what stands in the items of a list; an item is no member by itself."""
    inner: dict[str, dict[str, None]] = {}
    _collect(schema, root, steps, inner, depth)
    at = pointer_of(steps)
    for pattern, values in inner.items():
        if pattern != at or values:
            found.setdefault(pattern, {}).update(values)


def _enum(schema: JSON) -> list[str]:
    if not isinstance(schema, dict):
        return []
    return [as_text(value) for value in schema.get("enum", [])]
