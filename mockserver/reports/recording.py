"""All calls of a run, as they were completed: also those that tests have cleared, reset or deleted since.

A test run empties journals and deletes namespaces between its tests. What is said of the run as a whole must not
depend on that, so that its calls are kept beside the journals, within the bounds of one.
"""

from collections import deque
from typing import Final

from mockserver.engine.exchange import Exchange

_OVERHEAD: Final = 2_000  # of one call: the objects around its bodies, headers and findings


class Recording:
    """The calls of a run, newest kept; ``dropped`` counts those that had no room.

    Calls are added by one thread, and read once it has ended.
    """

    def __init__(self, most_calls: int, most_bytes: int) -> None:
        self._most_calls, self._most_bytes, self._bytes = most_calls, most_bytes, 0
        self._calls: deque[Exchange] = deque()
        self.dropped = 0

    def append(self, exchange: Exchange) -> None:
        """Keep a call; the oldest go where there is no room."""
        self._calls.append(exchange)
        self._bytes += _size(exchange)
        while len(self._calls) > self._most_calls or (
            self._bytes > self._most_bytes and len(self._calls) > 1
        ):
            self._bytes -= _size(self._calls.popleft())
            self.dropped += 1

    def __len__(self) -> int:
        return len(self._calls)

    def calls(self) -> list[Exchange]:
        """Return all calls, in the order in which they arrived."""
        return sorted(self._calls, key=lambda each: each.arrived)

    def journals(self) -> list[list[Exchange]]:
        """Return the calls of each journal that there was, in the order in which they arrived.

        A reset begins a new one. Its ids differ from those before, unless they come from a seed: then its numbers do,
        which start again.
        """
        found: dict[tuple[str, str], list[list[Exchange]]] = {}
        for each in self.calls():
            journals = found.setdefault((each.namespace, each.id[:-12]), [[]])
            if journals[-1] and journals[-1][-1].number >= each.number:
                journals.append([])
            journals[-1].append(each)
        return [calls for journals in found.values() for calls in journals]


def _size(exchange: Exchange) -> int:
    answer = exchange.response.body if exchange.response is not None else b""
    return _OVERHEAD + len(exchange.request.body) + len(exchange.request.raw_headers) + len(answer)
