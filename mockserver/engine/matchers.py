"""Matchers: does one value of a request (a header, a query key, the body) meet what was asked for?

The words are those of WireMock. A matcher is one object with one operation and its options; what cannot be read is
told by JSON Pointer, and nothing is passed over. `OPERATIONS` is the table of all of them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from mockserver.engine.comparison import paired
from mockserver.engine.exchange import JSON
from mockserver.engine.json_matchers import OF_JSON, Path, is_something, path_of
from mockserver.engine.matching import Fault, Matcher, Read, Value, WholeError, short
from mockserver.engine.text_matchers import OF_TEXTS
from mockserver.engine.values import below, nearest

_DEEPEST: Final = 100
"""How many steps of a JSON Pointer lead to a matcher at most."""


def read_matcher(source: JSON, at: str, faults: list[Fault]) -> Matcher | None:
    """Read a matcher; None where it has faults, which are added to the list with pointers below ``at``."""
    if not isinstance(source, dict):
        faults.append(
            (at, f"{short(source)} is not a match operation; write an object, as in {{equalTo: …}}")
        )
        return None
    if at.count("/") > _DEEPEST:
        faults.append((at, "is nested too deep"))
        return None
    names = [name for name in source if name in OPERATIONS]
    if len(names) != 1:
        told = (
            f"has {len(names)} operations, {' and '.join(names)}; join them with and"
            if names
            else _unknown(source)
        )
        faults.append((at, f"{short(source)} {told}"))
        return None
    options = OPTIONS.get(names[0], ())
    extra = [name for name in source if name != names[0] and name not in options]
    for name in extra:
        known = ", ".join(options) or "no options"
        faults.append((below(at, name), f"{name} is no option of {names[0]}, which has {known}"))
    before = len(faults)
    try:
        found = OPERATIONS[names[0]](source[names[0]], source, at, faults)
    except ValueError as error:
        faults.append((at if isinstance(error, WholeError) else below(at, names[0]), str(error)))
        return None
    return None if extra or len(faults) > before else found


def _unknown(source: Mapping[str, JSON]) -> str:
    near = next((found for name in source if (found := nearest(name, OPERATIONS))), None)
    return (
        f"is not a valid match operation; did you mean {near}?" if near else "is not a valid match operation"
    )


def _matches_json_path(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher | None:
    if isinstance(operand, str):
        plain = path_of(operand)
        return Matcher(source, lambda value: any(map(is_something, plain.find(value.json))))
    if not isinstance(operand, dict) or not isinstance(operand.get("expression"), str):
        raise ValueError("matchesJsonPath must be a path, or an object with an expression and a matcher")
    path = path_of(operand["expression"])
    inner = read_matcher(
        {name: each for name, each in operand.items() if name != "expression"},
        below(at, "matchesJsonPath"),
        faults,
    )
    if inner is None:
        return None

    look = _as_documents if _OF_DOCUMENTS & set(operand) else _as_texts

    def on(value: Value) -> bool:
        found = look(path, path.find(value.json))
        return inner.meets([Value(_text_of(each), None, value.now, each) for each in found])

    return Matcher(source, on)


_OF_DOCUMENTS: Final = frozenset({*OF_JSON, "matchesJsonPath"})


def _as_documents(path: Path, found: list[JSON]) -> list[JSON]:
    """Return what matchers of JSON look at: each value, and the list of them where there may be several."""
    return found if path.singular or not found else [*found, found]


def _as_texts(_: Path, found: list[JSON]) -> list[JSON]:
    """Return what matchers of texts look at: of a list its items, as in WireMock; a null is nothing."""
    several = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return [each for each in several if each is not None]


def _text_of(value: JSON) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _list_of(operand: JSON, name: str, at: str, faults: list[Fault]) -> list[Matcher]:
    if not isinstance(operand, list) or not operand:
        raise ValueError(f"{name} must be a list of matchers")
    read = [read_matcher(each, f"{at}/{name}/{position}", faults) for position, each in enumerate(operand)]
    return [each for each in read if each is not None]


def _and(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    return _joined(source, _list_of(operand, "and", at, faults), all)


def _or(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    return _joined(source, _list_of(operand, "or", at, faults), any)


def _joined(source: JSON, inner: Sequence[Matcher], join: Callable[[Iterable[bool]], bool]) -> Matcher:
    """Join matchers; where one of them looks at all values of a name, each is asked about all of them."""
    looks_at_all = any(each.pairs is not None for each in inner)
    return Matcher(
        source,
        lambda value: join(each.accepts(value) for each in inner),
        (lambda values: join(each.meets(values) for each in inner)) if looks_at_all else None,
    )


def _not(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher | None:
    inner = read_matcher(operand, below(at, "not"), faults)
    if inner is None:
        return None
    pairs = None if inner.pairs is None else lambda values: not inner.meets(values)
    return Matcher(source, lambda value: not inner.accepts(value), pairs)


def _has_exactly(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    inner = _list_of(operand, "hasExactly", at, faults)
    return _on_all(source, lambda values: len(values) == len(inner) and _each_has_one(inner, values))


def _includes(operand: JSON, source: JSON, at: str, faults: list[Fault]) -> Matcher:
    inner = _list_of(operand, "includes", at, faults)
    return _on_all(source, lambda values: _each_has_one(inner, values))


def _on_all(source: JSON, holds: Callable[[Sequence[Value]], bool]) -> Matcher:
    return Matcher(source, lambda value: holds([] if value.is_absent else [value]), holds)


def _each_has_one(inner: Sequence[Matcher], values: Sequence[Value]) -> bool:
    """Tell whether each matcher has a value of its own."""
    found = paired(range(len(inner)), len(values), lambda one, other: inner[one].accepts(values[other]))
    return len(found) == len(inner)


OPERATIONS: Final[Mapping[str, Read]] = {
    **OF_TEXTS,
    **OF_JSON,
    "matchesJsonPath": _matches_json_path,
    "and": _and,
    "or": _or,
    "not": _not,
    "hasExactly": _has_exactly,
    "includes": _includes,
}
"""Every match operation, by its name."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "equalTo": ("caseInsensitive",),
    "equalToJson": ("ignoreExtraElements", "ignoreExtraMembers", "ignoreArrayOrder"),
    "matchesJsonSchema": ("schemaVersion",),
}
"""What may stand beside an operation."""
