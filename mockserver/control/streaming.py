"""Live events: what happens in one namespace, as server-sent events.

A reader has a queue of its own, which the data plane fills and never waits for. A reader that does not keep up loses
what is in it, and is told to read anew (``resync``).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import Response, StreamingResponse

from mockserver.control.replies import HEADERS, Asked, compact
from mockserver.control.steering import clock_shown
from mockserver.engine.exchange import JSON
from mockserver.engine.journal import Row
from mockserver.engine.mappings import write_mapping
from mockserver.engine.world import World
from mockserver.reports.sensitive import sensitive_in
from mockserver.reports.summaries import summary
from mockserver.stage import CLEARED, CLOCK, NAMESPACES, RECORDED, RULES, Stage
from mockserver.waits import first_of

RESYNC: Final = "resync"
MOST_WAITING: Final = 512
BATCH: Final = 200
GATHERING: Final = 0.03
"""Seconds between two batches: what happens meanwhile is sent together."""
PING: Final = 15.0
"""Seconds without an event after which a reader is told that the server is still there."""


@dataclass(eq=False, slots=True)
class Reader:
    """One reader: the numbers of the calls that it has not been sent yet, in their order, and other events."""

    namespace: str
    calls: dict[int, None] = field(default_factory=dict)
    events: deque[str] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, world: World, what: str, row: Row | None) -> None:
        """Note what has happened."""
        if what != NAMESPACES and world.namespace != self.namespace:
            return
        if what == RECORDED and row is not None:
            self.calls[row[0]] = None
        else:
            if what == CLEARED:  # also where a reader is still to be told of an earlier one
                self.calls.clear()
            if what not in self.events:
                self.events.append(what)
        if len(self.calls) > MOST_WAITING:
            self.calls.clear()
            if RESYNC not in self.events:
                self.events.append(RESYNC)
        self.arrived.set()

    def taken(self) -> tuple[list[int], list[str]]:
        """Take the numbers of the next batch of calls, and all other events."""
        numbers, events = list(self.calls)[:BATCH], list(self.events)
        for number in numbers:
            del self.calls[number]
        self.events.clear()
        if not self.calls:
            self.arrived.clear()
        return numbers, events


def stream(asked: Asked) -> Response:
    """Send live events until the reader leaves or the server stops; ``Last-Event-ID`` is the last call seen."""
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    if asked.request.method == "HEAD":  # its answer would never end
        return Response(headers=headers, media_type="text/event-stream")
    return StreamingResponse(_events(asked), headers=headers, media_type="text/event-stream")


async def _events(asked: Asked) -> AsyncIterator[str]:
    stage, world = asked.stage, asked.world
    reader, newest = Reader(world.namespace), 0
    stage.watchers.add(reader.see)
    try:
        yield "retry: 1000\n\n"
        yield _event("hello", {"run": run_of(world), "namespace": world.namespace})
        yield _missed(stage, world, asked.request.headers.get("last-event-id", ""))
        while not stage.closing.is_set():
            if not await _anything(reader, stage):
                yield ": ping\n\n"
                continue
            numbers, events = reader.taken()
            current = stage.worlds.get(world.namespace, world)
            rows = [row for number in numbers if (row := current.journal.row(number)) is not None]
            for each in events:
                yield _event(each, _told(each, stage, current))
            if rows:  # calls that end late have small numbers; after a reset all have
                newest = max(min(newest, current.journal.last), *(row[0] for row in rows))
                yield _calls(current, rows, newest)
            if not stage.closing.is_set():
                await asyncio.sleep(GATHERING)
        yield _event("bye", {})
    finally:
        stage.watchers.discard(reader.see)


async def _anything(reader: Reader, stage: Stage) -> bool:
    """Wait until there is something to send; False where nothing came for a while."""
    return any(await first_of(reader.arrived.wait(), stage.closing.wait(), timeout=PING))


def _missed(stage: Stage, world: World, last: str) -> str:
    """Return the calls that a reader has missed who comes again."""
    if not last.isdecimal():
        return ""
    seen = int(last[:18])
    rows = [row for row in world.journal.rows() if row[0] > seen]
    was_forgotten = bool(seen) and seen not in world.journal  # and so may others be that are shown
    if len(rows) > MOST_WAITING or was_forgotten:
        return _event(RESYNC, {"run": run_of(world)})
    return _calls(world, rows, world.journal.last) if rows else ""


def run_of(world: World) -> str:
    """Return what tells one beginning of a namespace from another: a start of the server, or a reset."""
    return world.journal.id_of(0)


def _calls(world: World, rows: Iterable[Row], newest: int) -> str:
    sensitive = sensitive_in(world.blueprint)
    shown = [summary(world.journal.read(row), sensitive, world.blueprint) for row in rows]
    return f"id: {newest}\n{_event('calls', shown)}"


def _told(what: str, stage: Stage, world: World) -> JSON:
    if what == RULES:
        return [write_mapping(armed) for armed in world.rules]
    if what == CLOCK:
        return clock_shown(world.clock)
    return sorted(stage.worlds) if what == NAMESPACES else {}


def _event(name: str, value: JSON) -> str:
    return f"event: {name}\ndata: {compact(value)}\n\n"
