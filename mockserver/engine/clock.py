"""The time that keys, limits and timestamps read: a source of seconds since the epoch that can be moved.

A clock runs beside its source, or stands still. Moving it is what a test does to see a key expire.
"""

from collections.abc import Callable


class Clock:
    """A clock over a source of real time. With ``start`` it stands still at that moment from the beginning.

    ``moves`` counts how often it was moved: between two equal counts time has run as the source did.
    """

    def __init__(self, source: Callable[[], float], start: float | None = None) -> None:
        self._source = source
        self._start = start
        self._offset = 0.0
        self._frozen = start
        self.moves = 0

    @property
    def is_frozen(self) -> bool:
        """Whether the time stands still."""
        return self._frozen is not None

    def real(self) -> float:
        """Return the seconds since the epoch of the source."""
        return self._source()

    def now(self) -> float:
        """Return the seconds since the epoch."""
        return self._source() + self._offset if self._frozen is None else self._frozen

    def read(self) -> tuple[float, float]:
        """Return the time, and that of the source."""
        real = self._source()
        return real + self._offset if self._frozen is None else self._frozen, real

    def advance(self, seconds: float) -> None:
        """Move the time forward."""
        self.moves += 1
        if self._frozen is None:
            self._offset += seconds
        else:
            self._frozen += seconds

    def set(self, at: float, *, frozen: bool) -> None:
        """Move the time to a moment, from which it runs on, or where it stands still until it is moved again."""
        self.moves += 1
        self._frozen = at if frozen else None
        self._offset = 0.0 if frozen else at - self._source()

    def reset(self) -> None:
        """Return to the time of the beginning: that of the source, or the moment it stood still at."""
        self.moves += 1
        self._offset, self._frozen = 0.0, self._start

    def beside(self) -> "Clock":
        """Return a clock at the beginning, over the same source."""
        return Clock(self._source, self._start)
