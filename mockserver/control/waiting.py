"""Waiting for calls: an answer as soon as enough of them match, or what came near when the time is up.

Waiting costs the data plane one look at each call that arrives while somebody waits. Time is real, never the mock's.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.responses import Response

from mockserver.control.calls import matching, near_misses, requests_of
from mockserver.control.replies import Asked, RefusedError, nothing, of_journal, unreadable
from mockserver.engine.exchange import JSON
from mockserver.engine.journal import Row
from mockserver.engine.matching import Fault, short
from mockserver.engine.patterns import Pattern, read_pattern
from mockserver.engine.sightings import sighting_of
from mockserver.engine.world import World
from mockserver.stage import CLEARED, CLOCK
from mockserver.waits import first_of, gone

LONGEST: Final = 60_000
"""Milliseconds that somebody may wait."""


@dataclass(eq=False, slots=True)
class Waiter:
    """Counts the calls of one namespace that match, until there are enough; ``rows`` are those that were."""

    world: World
    pattern: Pattern
    count: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    numbers: set[int] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._count_anew(self.world)

    def see(self, world: World, what: str, row: Row | None) -> None:
        """Look at what has happened; calls that were forgotten count no more."""
        if world.namespace != self.world.namespace or self.reached.is_set():
            return
        if what in {CLEARED, CLOCK} or world.journal is not self.world.journal:
            self._count_anew(world)
        elif row is not None and self.pattern.matches(
            sighting_of(row, world.clock.now(), world.journal.describe)
        ):
            self.numbers.add(row[0])
            self._check()

    def _count_anew(self, world: World) -> None:
        self.world = world
        self.numbers = {row[0] for row in matching(world, self.pattern)}
        self._check()

    def _check(self) -> None:
        if len(self.numbers) >= self.count:
            self.numbers = {number for number in self.numbers if number in self.world.journal}
            if len(self.numbers) >= self.count:
                self.rows = self.found()
                self.reached.set()

    def found(self) -> list[Row]:
        """Return the calls that match and are still there, oldest first."""
        return [row for row in self.world.journal.rows() if row[0] in self.numbers]


async def wait(asked: Asked) -> Response:
    """Wait until so many calls match: 200 with them, 408 with those that came near when the time is up."""
    pattern, count, milliseconds = _read(asked)
    waiter = Waiter(asked.world, pattern, count)
    asked.stage.watchers.add(waiter.see)
    try:
        if not waiter.reached.is_set():
            _, has_left = await first_of(
                waiter.reached.wait(), gone(asked.request.receive), timeout=milliseconds / 1000
            )
            if has_left:
                return nothing(499)
    finally:
        asked.stage.watchers.discard(waiter.see)
    world, dropped = waiter.world, waiter.world.journal.dropped
    asked = replace(asked, world=world)  # it may have been reset meanwhile
    rows = waiter.rows if waiter.reached.is_set() else waiter.found()
    about: dict[str, JSON] = {"count": len(rows), "requests": requests_of(asked, rows)}
    if dropped:
        about["dropped"] = dropped
    if waiter.reached.is_set():
        return of_journal(asked, about)
    title = f"{len(rows)} of {count} calls after {milliseconds} ms"
    about = {"errors": [{"code": 408, "title": title}], **about, "nearMisses": near_misses(asked, pattern)}
    return of_journal(asked, about, 408)


def _read(asked: Asked) -> tuple[Pattern, int, int]:
    """Read pattern, count and time-out. Raises `PatternError` and `RefusedError`."""
    document = asked.document()
    if not isinstance(document, dict):
        raise RefusedError(unreadable([("", "the body must be an object")]))
    asks = {name: value for name, value in document.items() if value is not None}
    count, milliseconds = asks.pop("count", 1), asks.pop("timeoutMilliseconds", 5000)
    faults: list[Fault] = []
    for name, value, least, most in (
        ("count", count, 1, 10**9),
        ("timeoutMilliseconds", milliseconds, 0, LONGEST),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            faults.append((f"/{name}", f"must be a whole number from {least} to {most}, not {short(value)}"))
    if faults:
        raise RefusedError(unreadable(faults))
    return read_pattern(asks, asked.stage.blueprint.known), count, milliseconds
