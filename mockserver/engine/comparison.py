"""Where one JSON value differs from another, by JSON Pointer.

Numbers are compared as numbers (``5`` is ``5.0``), all else by type and value. Tolerances: with ``members`` the objects
of the other value may have more of them, with ``items`` its lists may be longer, with ``any_order`` the items of a list
may stand in any order. A text of the expected value may be a placeholder:

    ${json-unit.ignore}         anything
    ${json-unit.any-string}     any text; any-number and any-boolean alike
    ${json-unit.regex}[a-z]+    a text that the expression matches as a whole
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.values import ABSENT, below, encode, json_type

PLACEHOLDER: Final = "${json-unit."
_REGEX: Final = f"{PLACEHOLDER}regex}}"
_ANY: Final[Mapping[str, frozenset[str]]] = {
    f"{PLACEHOLDER}ignore}}": frozenset({"null", "boolean", "number", "string", "array", "object"}),
    f"{PLACEHOLDER}any-string}}": frozenset({"string"}),
    f"{PLACEHOLDER}any-number}}": frozenset({"number"}),
    f"{PLACEHOLDER}any-boolean}}": frozenset({"boolean"}),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values differ; what is not there is `ABSENT`. ``weight`` values are wrong by it."""

    pointer: str
    expected: JSON
    actual: JSON
    weight: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What does not count as a difference: more ``members``, longer lists (more ``items``), items in any order."""

    members: bool = False
    items: bool = False
    any_order: bool = False


EXACT: Final = Tolerance()


def compare(expected: JSON, actual: JSON, tolerance: Tolerance = EXACT, at: str = "") -> list[Difference]:
    """Return every difference between two values, in the order of the expected one."""
    try:
        return list(_compare(expected, actual, tolerance, at))
    except RecursionError:  # nested deeper than lists can be paired: as they stand
        return list(_compare(expected, actual, replace(tolerance, any_order=False), at))


def leaves(value: JSON) -> int:
    """Return how many values there are to compare: those that hold no others, and empty ones."""
    count, level = 0, [value]
    while level:
        inside = [child for each in level for child in _children(each)]
        count += sum(1 for each in level if not _children(each))
        level = inside
    return count


def _children(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def unknown_placeholder(value: JSON) -> str | None:
    """Return the first text that begins as a placeholder and is none, or whose expression cannot be read."""
    level = [value]
    while level:
        for each in level:
            if isinstance(each, str) and each.startswith(PLACEHOLDER) and not _is_placeholder(each):
                return each
        level = [child for each in level for child in _children(each)]
    return None


def _is_placeholder(text: str) -> bool:
    if not text.startswith(_REGEX):
        return text in _ANY
    try:
        _expression(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


@lru_cache(maxsize=256)
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text.removeprefix(_REGEX), re.DOTALL)


def _compare(expected: JSON, actual: JSON, tolerance: Tolerance, at: str) -> Iterator[Difference]:
    left = [Difference(at, expected, actual)]  # what is to do: a body may be nested deeper than calls
    while left:
        pair = left.pop()
        at, expected, actual = pair.pointer, pair.expected, pair.actual
        if isinstance(expected, str) and expected.startswith(PLACEHOLDER):
            if not _stands_for(expected, actual):
                yield pair
        elif isinstance(expected, dict) and isinstance(actual, dict):
            left += reversed(list(_members(expected, actual, tolerance, at)))
        elif isinstance(expected, list) and isinstance(actual, list):
            if tolerance.any_order:
                yield from _compare_any_order(expected, actual, tolerance, at)
            else:
                left += reversed(list(_items(expected, actual, tolerance, at)))
        elif json_type(expected) != json_type(actual) or expected != actual:
            yield pair


def _stands_for(placeholder: str, actual: JSON) -> bool:
    if placeholder.startswith(_REGEX):
        return isinstance(actual, str) and _expression(placeholder).fullmatch(actual) is not None
    return json_type(actual) in _ANY.get(placeholder, frozenset())


def _members(
    expected: dict[str, JSON], actual: dict[str, JSON], tolerance: Tolerance, at: str
) -> Iterator[Difference]:
    for name, value in expected.items():
        yield Difference(below(at, name), value, actual.get(name, ABSENT))
    if not tolerance.members:
        for name, value in actual.items():
            if name not in expected:
                yield Difference(below(at, name), ABSENT, value)


def _items(expected: list[JSON], actual: list[JSON], tolerance: Tolerance, at: str) -> Iterator[Difference]:
    for position, value in enumerate(expected):
        other = actual[position] if position < len(actual) else ABSENT
        yield Difference(f"{at}/{position}", value, other)
    if not tolerance.items:
        for position in range(len(expected), len(actual)):
            yield Difference(f"{at}/{position}", ABSENT, actual[position])


def _compare_any_order(
    expected: list[JSON], actual: list[JSON], tolerance: Tolerance, at: str
) -> Iterator[Difference]:
    def fits(one: int, other: int) -> bool:
        return next(_compare(expected[one], actual[other], tolerance, ""), None) is None

    same = _equal_pairs(expected, actual)
    taken = paired(sorted(set(range(len(expected))) - set(same.values())), len(actual), fits, same)
    for position in sorted(set(range(len(expected))) - set(taken.values())):
        yield Difference(f"{at}/{position}", expected[position], ABSENT)
    if not tolerance.items:
        for position in sorted(set(range(len(actual))) - set(taken)):
            yield Difference(f"{at}/{position}", ABSENT, actual[position])


def _equal_pairs(expected: list[JSON], actual: list[JSON]) -> dict[int, int]:
    """Return the position of an expected item by that of the actual one that is the same: nearly all, as a rule."""
    free: dict[bytes, list[int]] = {}
    for other in reversed(range(len(actual))):
        free.setdefault(encode(actual[other]), []).append(other)
    return {same.pop(): one for one, value in enumerate(expected) if (same := free.get(encode(value)))}


def paired(
    ones: Iterable[int], count: int, fits: Callable[[int, int], bool], taken: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Give as many as possible an other of ``count`` that fits (Kuhn's algorithm); return the one by its other."""
    owner = dict(taken or {})

    def place(one: int, tried: set[int]) -> bool:
        for other in sorted(range(count), key=owner.__contains__):  # who is free first: else chains grow deep
            if other not in tried and fits(one, other):
                tried.add(other)
                if other not in owner or place(owner[other], tried):
                    owner[other] = one
                    return True
        return False

    for one in ones:
        place(one, set())
    return owner
