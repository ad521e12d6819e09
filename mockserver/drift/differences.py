"""How two schemas differ, keyword by keyword, and which of the differences break callers.

Schemas are compared level by level: what stands below waits in a queue, and a pair that was compared once is not
compared again, so that recursive schemas end and a shared component is told once.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from mockserver.drift.pairing import Branch, paired
from mockserver.drift.rules import BOTH, REQUEST, RESPONSE, Directions, Limit, breaks
from mockserver.drift.schemas import BY_NAME, ONE_SCHEMA, UNIONS, Contract, Place, View, text_of
from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, below, json_type

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of a vendor's document from the published contract of a spec."""

    kind: str
    subject: str
    """What was added, removed or changed: a keyword, a property, a status."""
    pointer: str
    """Where it stands in the vendor's document; of what was removed, where it would stand."""
    place: str
    """Where it stands in the spec; of what was added, where it would stand."""
    before: JSON
    after: JSON
    where: Directions
    """In requests, in responses, or in both."""
    is_breaking: bool
    operation: str = ""
    line: int = 0
    """The line of the spec where it is to be looked at; 0 if unknown."""


@dataclass(slots=True)
class Sides:
    """The two documents, and the pairs of schemas that are to be compared and that have been."""

    ours: Contract
    theirs: Contract
    waiting: deque[tuple[View, View, Directions]] = field(default_factory=deque)
    seen: set[tuple[str, str, Directions]] = field(default_factory=set)

    def compare(self, ours: Place, theirs: Place, where: Directions) -> None:
        """Have two schemas compared."""
        self.waiting.append((self.ours.view(ours), self.theirs.view(theirs), where))


def difference(keyword: str, before: Place, after: Place, where: Directions, subject: str = "") -> Difference:
    """Return a difference, judged by the rule of a keyword."""
    is_there = before.value is not ABSENT, after.value is not ABSENT
    return Difference(
        kind={(False, True): ADDED, (True, False): REMOVED}.get(is_there, CHANGED),
        subject=subject or keyword,
        pointer=after.pointer,
        place=before.pointer,
        before=_plain(keyword, before.value),
        after=_plain(keyword, after.value),
        where=where,
        is_breaking=bool(breaks(keyword, before.value, after.value) & where),
    )


def absent(place: Place, *names: str) -> Place:
    """Return the place below another one at which something is missing."""
    pointer = place.pointer
    for name in names:
        pointer = below(pointer, name)
    return Place(ABSENT, pointer)


def are_same(one: JSON, other: JSON) -> bool:
    """Tell whether two values are the same to JSON."""
    if json_type(one) == json_type(other) == "number":
        return bool(one == other)
    if isinstance(one, frozenset | Limit) or one is ABSENT or other is ABSENT:
        return bool(one == other)
    return text_of(one) == text_of(other)


def schema_differences(sides: Sides) -> Iterator[Difference]:
    """Yield how the schemas differ that wait to be compared, and all below them."""
    while sides.waiting:
        ours, theirs, where = sides.waiting.popleft()
        key = (ours.source.pointer, theirs.source.pointer, where)
        if key not in sides.seen:
            sides.seen.add(key)
            yield from _level(sides, ours, theirs, where)


def _plain(keyword: str, value: JSON) -> JSON:
    """Return a value as it is shown: as JSON."""
    if isinstance(value, frozenset):
        if keyword == "enum":
            return [json.loads(text) for text in sorted(value)]
        listed = sorted(value - {"integer"} if keyword == "type" and "number" in value else value)
        return listed[0] if keyword == "type" and len(listed) == 1 else listed
    if isinstance(value, Limit):
        return {"exclusive": value.number} if value.strictness else value.number
    if isinstance(value, Place):
        return _plain("", value.value)
    if isinstance(value, dict):
        return {name: _plain("", each) for name, each in value.items()}
    return [_plain("", each) for each in value] if isinstance(value, list) else value


# One level


def _level(sides: Sides, ours: View, theirs: View, where: Directions) -> Iterator[Difference]:
    if ("false" in ours.words) != ("false" in theirs.words):
        yield _closing(ours, theirs, where)
        return
    if (wrapped := _wrapped(sides, ours, theirs)) is not None:
        yield from _branch_differences(sides, *wrapped, where)
        return
    both = [next((name for name in UNIONS if name in view.words), "") for view in (ours, theirs)]
    if all(both):
        before, after = ours.words[both[0]], theirs.words[both[1]]
        if both[0] != both[1]:
            yield difference(both[0], Place(both[0], before.pointer), Place(both[1], after.pointer), where)
        lists = _union(sides.ours, before), _union(sides.theirs, after)
        yield from _branch_differences(sides, both[1], *lists, where)
    for name in dict.fromkeys([*theirs.words, *ours.words]):
        if not (all(both) and name in both):
            yield from _word_differences(sides, name, ours, theirs, where)


def _closing(ours: View, theirs: View, where: Directions) -> Difference:
    """Return the difference where one of two schemas takes nothing at all."""
    before, after = (view.words.get("false", absent(view.source)) for view in (ours, theirs))
    is_breaking = difference("false", before, after, where).is_breaking
    told = difference("schema", ours.source, theirs.source, where)
    return replace(told, is_breaking=is_breaking)


def _word(view: View, name: str) -> Place:
    return view.words.get(name, absent(view.source, name))


def _word_differences(
    sides: Sides, name: str, ours: View, theirs: View, where: Directions
) -> Iterator[Difference]:
    before, after = _word(ours, name), _word(theirs, name)
    is_in_both = before.value is not ABSENT and after.value is not ABSENT
    if name == "properties":
        yield from _property_differences(sides, ours, theirs, where)
    elif name == "type":
        yield from _type_differences(ours, theirs, where)
    elif is_in_both and name in ONE_SCHEMA:
        sides.compare(before, after, _inner(name, where))
    elif is_in_both and name in BY_NAME:
        yield from _named_differences(sides, name, before, after, where)
    elif is_in_both and name == "prefixItems":
        yield from _named_differences(sides, name, _by_position(before), _by_position(after), where)
    elif is_in_both and name in _KEYWORDS:
        lists = _union(sides.ours, before), _union(sides.theirs, after)
        yield from _branch_differences(sides, name, *lists, where)
    elif not are_same(before.value, after.value):
        yield difference(name, before, after, where)


def _inner(name: str, where: Directions) -> Directions:
    """Return where what stands below a keyword counts; to refuse less is to take more."""
    if name == "not":
        return frozenset({RESPONSE if each == REQUEST else REQUEST for each in where})
    return BOTH if name == "if" else where


def _by_position(place: Place) -> Place:
    return Place({str(position): each for position, each in enumerate(place.value)}, place.pointer)


def _named_differences(
    sides: Sides, name: str, before: Place, after: Place, where: Directions
) -> Iterator[Difference]:
    """Yield how schemas differ that have names."""
    for member in dict.fromkeys([*after.value, *before.value]):
        one, other = (side.value.get(member, absent(side, member)) for side in (before, after))
        if one.value is ABSENT or other.value is ABSENT:
            yield difference(name, one, other, where, f"{name} {member}")
        else:
            sides.compare(one, other, where)


def _property_differences(sides: Sides, ours: View, theirs: View, where: Directions) -> Iterator[Difference]:
    known, named = (
        view.words["properties"].value if "properties" in view.words else {} for view in (ours, theirs)
    )
    closing = theirs.words.get("additionalProperties")
    is_closed = closing is not None and closing.value is False
    for name in dict.fromkeys([*named, *known]):
        one = known.get(name, absent(ours.source, "properties", name))
        other = named.get(name, absent(theirs.source, "properties", name))
        if name in known and name in named:
            sides.compare(one, other, where)
        else:
            keyword = "property of a closed object" if is_closed else "property"
            yield difference(keyword, one, other, where, f"property {name}")


def _type_differences(ours: View, theirs: View, where: Directions) -> Iterator[Difference]:
    before, after = _types(ours), _types(theirs)
    if not are_same(before.value, after.value):
        nullable = theirs.source.child("nullable")
        if ABSENT not in (before.value, after.value) and before.value ^ after.value == {"null"}:
            after = Place(after.value, nullable.pointer if nullable.value is not ABSENT else after.pointer)
        yield difference("type", before, after, where)


def _types(view: View) -> Place:
    """Return the types of a schema; where none are written, those of its enum."""
    if "type" in view.words or "enum" not in view.words:
        return _word(view, "type")
    kinds = {_kind_of(json.loads(text)) for text in view.words["enum"].value}
    return Place(frozenset(kinds), below(view.source.pointer, "type"))


def _kind_of(value: JSON) -> str:
    return "integer" if isinstance(value, int) and not isinstance(value, bool) else json_type(value)


# Unions


class Union(NamedTuple):
    """A list of schemas whose order says nothing, and where it stands."""

    branches: list[Branch]
    pointer: str


def _union(contract: Contract, place: Place) -> Union:
    return Union([(each, contract.view(each)) for each in place.value], place.pointer)


def _wrapped(sides: Sides, ours: View, theirs: View) -> tuple[str, Union, Union] | None:
    """Return the lists where one side is a list and the other is not: that one is read as a list of itself."""
    if ours.words and (name := _only_list(theirs)) and not _has_list(ours):
        return name, _union_of_itself(ours), _union(sides.theirs, theirs.words[name])
    if theirs.words and (name := _only_list(ours)) and not _has_list(theirs):
        return name, _union(sides.ours, ours.words[name]), _union_of_itself(theirs)
    return None


def _union_of_itself(view: View) -> Union:
    return Union([(view.source, view)], view.source.pointer)


def _has_list(view: View) -> bool:
    return not view.words.keys().isdisjoint(_KEYWORDS)


def _only_list(view: View) -> str:
    """Return the name of the list of schemas that is all that a schema says; empty where there is more, or none."""
    return next((name for name in _KEYWORDS if view.words.keys() == {name}), "")


_KEYWORDS: Final = {"oneOf": "branch", "anyOf": "branch", "allOf": "allOf"}
"""By which rule an item of a list is judged that is there on one side only."""


def _branch_differences(
    sides: Sides, name: str, ours: Union, theirs: Union, where: Directions
) -> Iterator[Difference]:
    """Yield how lists of schemas differ whose order says nothing."""
    for one, other in paired(ours.branches, theirs.branches, (sides.ours, sides.theirs)):
        if one is not None and other is not None:
            sides.waiting.append((one[1], other[1], where))
        else:
            gone = one[0] if one is not None else Place(ABSENT, ours.pointer)
            come = other[0] if other is not None else Place(ABSENT, theirs.pointer)
            yield difference(_KEYWORDS[name], gone, come, where)
