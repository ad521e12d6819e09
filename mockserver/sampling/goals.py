"""What samples are to exercise, one after the other, and what they are to break: the places and rules of a schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mockserver.engine.exchange import JSON
from mockserver.engine.keywords import ASSERTIONS
from mockserver.sampling.places import Path, Place, places_in

LONGEST: Final = 1_000
"""The longest text, and the longest list, that is made to exercise or to break a bound."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A place that the value goes through, and there a rule: with which ``detail`` it is met, or what breaks it.

    Without a ``keyword`` it is enough to be there. ``breaks`` tells which of the two is wanted.
    """

    path: Path
    keyword: str = ""
    detail: JSON = None
    breaks: bool = False


def valid_goals(place: Place) -> Iterator[Goal]:
    """Yield what valid samples exercise: every place, and there every type, listed value and bound."""
    for each in places_in(place):
        if each.is_forbidding:
            continue
        yield Goal(each.path)
        for keyword, value in each.rules.items():
            yield from (Goal(each.path, keyword, detail) for detail in _details(keyword, value))


def _details(keyword: str, value: JSON) -> Iterator[JSON]:
    if keyword == "enum":
        yield from value
    elif keyword == "type":
        yield from (name for name in types_named(value) if isinstance(value, list))
    elif keyword in _BOUNDS and value <= _BOUNDS[keyword]:
        yield value


_BOUNDS: Final[Mapping[str, float]] = {
    "minLength": LONGEST, "maxLength": LONGEST, "minItems": LONGEST, "maxItems": 200,
    "minimum": float("inf"), "maximum": float("inf"), "minProperties": LONGEST, "maxProperties": 200,
}  # fmt: skip
"""The bounds that are exercised themselves, as far as a sample stays one that can be looked at."""


def broken_goals(place: Place) -> Iterator[Goal]:
    """Yield every single rule that a sample can break."""
    for each in places_in(place):
        for keyword, value in each.rules.items():
            yield from (Goal(each.path, keyword, detail, breaks=True) for detail in _ways(keyword, value))


def _ways(keyword: str, value: JSON) -> Iterator[JSON]:
    """Yield the ways to break a rule; None where there is but one."""
    if keyword == "required":
        yield from value
    elif keyword == "dependentRequired":
        yield from ([name, missing] for name, names in value.items() for missing in names)
    elif keyword == "oneOf":
        yield from ("none", "several")
    elif keyword in _COUNTS:
        if _COUNTS[keyword] <= value <= LONGEST:
            yield None
    elif keyword in {"additionalProperties", "unevaluatedProperties", "items"}:
        if value is False:
            yield None
    elif keyword in _BREAKABLE:
        yield None


_COUNTS: Final = {
    "minLength": 1, "minItems": 1, "minProperties": 1, "maxLength": 0, "maxItems": 0, "maxProperties": 0
}  # fmt: skip
"""The bounds on counts, each with the least that can be broken: nothing has fewer than no items."""
_BREAKABLE: Final = (ASSERTIONS - {*_COUNTS}) | {
    "anyOf",
    "not",
    "contains",
    "propertyNames",
    "unevaluatedItems",
}


def types_named(value: JSON) -> list[str]:
    """Return the types that ``type`` names."""
    return [value] if isinstance(value, str) else list(value)
