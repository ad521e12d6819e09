"""One part of a request pattern: the place of a call that it looks at, its verdict, and where the call differs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mockserver.engine.comparison import Difference
from mockserver.engine.exchange import JSON
from mockserver.engine.matching import Matcher, Value
from mockserver.engine.sightings import Sighting
from mockserver.engine.values import ABSENT

Explain = Callable[[Sighting], list[Difference]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pattern; ``cost`` orders the parts, ``weight`` is the number of values that it compares."""

    cost: int
    accepts: Callable[[Sighting], bool]
    explain: Explain
    weight: int = 1


def on_value(
    cost: int, place: str, expected: JSON, read: Callable[[Sighting], JSON], holds: Callable[[JSON], bool]
) -> Part:
    """Return a part that looks at one value of a call."""

    def explain(sighting: Sighting) -> list[Difference]:
        found = read(sighting)
        return [] if holds(found) else [Difference(place, expected, ABSENT if found is None else found)]

    return Part(cost, lambda sighting: holds(read(sighting)), explain)


def on_any(
    cost: int,
    place: str,
    expected: JSON,
    read: Callable[[Sighting], Sequence[JSON]],
    holds: Callable[[JSON], bool],
) -> Part:
    """Return a part that looks at something that a call may have several of; one is enough."""

    def explain(sighting: Sighting) -> list[Difference]:
        found = read(sighting)
        if any(map(holds, found)):
            return []
        there = [each for each in found if each is not None]
        told = there if len(there) > 1 else there[0] if there else ABSENT
        return [Difference(place, expected, told)]

    return Part(cost, lambda sighting: any(map(holds, read(sighting))), explain)


def on_matcher(cost: int, place: str, matcher: Matcher, read: Callable[[Sighting], Sequence[Value]]) -> Part:
    """Return a part that asks a matcher about the values of one place."""
    return Part(
        cost,
        lambda sighting: matcher.meets(read(sighting)),
        lambda sighting: matcher.explain(read(sighting), place),
        matcher.weight,
    )
