"""What is being served: one world for each namespace, and who is told what happens in them.

A namespace is a world of its own, made when it is first used. All worlds stand on one blueprint, and their journals
share one room. Everything here happens in the thread of the event loop; only long reads of a journal may leave it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from mockserver.engine.journal import Row
from mockserver.engine.world import Blueprint, World

MOST_NAMESPACES: Final = 1_000

SOURCE: Final = "mockserver.source"
"""The key of a scope that says who sent a call, where it was the mock itself."""

RECORDED: Final = "recorded"
CLEARED: Final = "cleared"
RULES: Final = "mappings"
CLOCK: Final = "clock"
NAMESPACES: Final = "namespaces"
"""What watchers are told of: a call that has arrived or is complete, and changes of a namespace."""

Watcher = Callable[[World, str, Row | None], None]


class TooManyNamespacesError(Exception):
    """One more namespace than there may be; the text is a sentence."""

    def __init__(self) -> None:
        advice = "delete those that are done with: DELETE /__admin/namespaces/{name}"
        super().__init__(f"there are {MOST_NAMESPACES:,} namespaces already; {advice}")


class Stage:
    """The worlds by namespace; that without a name is always there.

    ``closing`` is set when the server stops, so that open streams end; ``stop`` ends the server, where that is for
    clients to ask.
    """

    def __init__(self, world: World) -> None:
        self.worlds = {world.namespace: world}
        self.started = time.monotonic()
        self.closing = asyncio.Event()
        self.preflights = 0
        self.watchers: set[Watcher] = set()
        self.stop: Callable[[], None] | None = None
        self._default = world.namespace

    @property
    def world(self) -> World:
        """The world of the namespace without a name."""
        return self.worlds[self._default]

    @property
    def blueprint(self) -> Blueprint:
        """What all worlds are made from."""
        return self.world.blueprint

    def world_of(self, namespace: str) -> World:
        """Return the world of a namespace, made where it is new. Raises `TooManyNamespacesError`."""
        if (world := self.worlds.get(namespace)) is None:
            if len(self.worlds) > MOST_NAMESPACES:
                raise TooManyNamespacesError
            world = self.worlds[namespace] = self.world.beside(namespace)
            self.tell(world, NAMESPACES)
        return world

    def reset(self, namespace: str = "") -> None:
        """Start a namespace afresh: journal, keys, limits, rules, settings and clock."""
        if namespace in self.worlds:
            world = self.worlds[namespace] = self.worlds[namespace].afresh()
            for what in (CLEARED, RULES, CLOCK):
                self.tell(world, what)

    def delete(self, namespace: str) -> bool:
        """Forget a namespace, and tell whether there was one."""
        if namespace == self._default or (world := self.worlds.pop(namespace, None)) is None:
            return False
        world.journal.leave()
        self.tell(world, CLEARED)
        self.tell(world, NAMESPACES)
        return True

    def replace(self, blueprint: Blueprint) -> None:
        """Serve another blueprint from the next call on; nothing that was recorded is lost."""
        self.worlds = {name: world.rebuilt(blueprint) for name, world in self.worlds.items()}

    def tell_cleared(self, world: World) -> None:
        """Tell all watchers that calls of a namespace were forgotten."""
        self.tell(world, CLEARED)

    def tell(self, world: World, what: str, row: Row | None = None) -> None:
        """Tell all watchers of something that has happened; a call is told of only while it is in the journal."""
        if row is not None and not self._has(world, row):
            return
        for watcher in list(self.watchers):
            watcher(world, what, row)

    def _has(self, world: World, row: Row) -> bool:
        """Tell whether a call is still there: it, or all, may have been forgotten while its answer was held back."""
        known = self.worlds.get(world.namespace)
        return known is not None and known.journal is world.journal and row[0] in world.journal
