"""What draws one value: the parts of this package that call each other meet here."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeVar

from hypothesis import strategies as st

from mockserver.engine.exchange import JSON
from mockserver.sampling.goals import Goal
from mockserver.sampling.places import Place

T = TypeVar("T")

TRIES: Final = 6
"""How often a value is drawn anew before its whole sample is."""
DEEPEST: Final = 8
"""How deep a value is nested before it has nothing more that could be left out."""
NOWHERE: Final = Goal((-1,))
"""The goal of a value that has none: every place is as good as another."""


class Draw(Protocol):
    """How Hypothesis hands out values of a strategy."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...  # noqa: D102


class Drawer(Protocol):
    """What draws one value on the way to a goal."""

    draw: Draw
    goal: Goal

    def value(self, parts: Sequence[Place], depth: int = 0) -> JSON:
        """Return a value that meets all of the places, but for the rule that is to be broken."""

    def unbroken(self, places: list[Place], depth: int, exact: Mapping[str, JSON] | None = None) -> JSON:
        """Return a value that meets the places as far as drawing can see to it; ``exact`` are bounds to be met."""

    def wants(self, place: Place) -> bool:
        """Tell whether the goal is in a place or beyond it."""

    def judging(self, places: Sequence[Place]) -> Sequence[Place]:
        """Return the places that a value has to meet, for all that is to be broken."""

    def aside(self) -> "Drawer":
        """Return one without a goal, for what stands beside the way."""


def gathered(places: Sequence[Place], exact: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the bounds that all places set together, or the exact one that is to be met."""
    rules: dict[str, JSON] = {}
    for keyword, value in (rule for each in places for rule in each.rules.items()):
        if keyword in _LOWER:
            rules[keyword] = max(rules.get(keyword, value), value)
        elif keyword in _UPPER:
            rules[keyword] = min(rules.get(keyword, value), value)
        elif keyword == "pattern":
            rules.setdefault(keyword, []).append(value)
        elif keyword in {"format", "multipleOf"}:
            rules.setdefault(keyword, value)
    for keyword, value in exact.items():
        if keyword in {*_LOWER, *_UPPER}:
            rules |= {f"min{keyword[3:]}": value, f"max{keyword[3:]}": value}
    return rules


_LOWER: Final = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_UPPER: Final = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
