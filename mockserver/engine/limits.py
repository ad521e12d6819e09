"""Token buckets.

A bucket holds ``burst`` tokens at most and gains ``limit`` of them in every ``window``. A call takes
``cost`` tokens, at most the whole bucket; where there are too few it is refused and takes none. Time is an
argument, in seconds since the epoch; a clock that is set back refills nothing, and a bucket gains tokens again from
the next call on.
"""

import math
from dataclasses import dataclass
from typing import Final

from mockserver.engine.contract import RateLimit
from mockserver.engine.exchange import JSON

_MOST_BUCKETS: Final = 10_000
_EPSILON: Final = 1e-6  # what adding up fractions of tokens may lose

BucketKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one call at its bucket.

    ``remaining`` are the whole tokens left. ``reset_seconds``, rounded up: of an admitted call until the
    bucket is full, of a refused one until this call would be admitted, at least 1.
    """

    admitted: bool
    remaining: int
    reset_seconds: int


class Limits:
    """The buckets of one namespace; one that is full again takes no room."""

    def __init__(self) -> None:
        self._buckets: dict[BucketKey, tuple[float, float, float]] = {}
        self._sweep_at = _MOST_BUCKETS

    def take(self, key: BucketKey, limit: RateLimit, now: float) -> Taken:
        """Take the tokens of one call from a bucket."""
        rate, cost = limit.limit / limit.window, min(limit.cost, limit.burst)
        tokens, since, _ = self._buckets.get(key, (float(limit.burst), now, now))
        tokens = min(float(limit.burst), tokens + max(0.0, now - since) * rate)
        admitted = tokens + _EPSILON >= cost
        if admitted:
            tokens = max(0.0, tokens - cost)
        self._buckets[key] = (tokens, now, now + (limit.burst - tokens) / rate)
        if len(self._buckets) > self._sweep_at:
            self._drop_full(now)
        wait = (limit.burst - tokens if admitted else cost - tokens) / rate
        return Taken(
            admitted, math.floor(tokens + _EPSILON), max(0 if admitted else 1, math.ceil(wait - _EPSILON))
        )

    def least(self, api: str, limit: RateLimit, now: float) -> int:
        """Return the tokens that are left in the emptiest bucket of an API."""
        rate = limit.limit / limit.window
        left = [
            tokens + max(0.0, now - since) * rate
            for key, (tokens, since, _) in self._buckets.items()
            if key[0] == api
        ]
        return math.floor(min([float(limit.burst), *left]) + _EPSILON)

    def forget(self, api: str) -> None:
        """Fill the buckets of an API."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if key[0] != api}

    def _drop_full(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket[2] > now}
        self._sweep_at = max(_MOST_BUCKETS, 2 * len(self._buckets))  # so that a sweep is paid by many calls


def limit_values(limit: RateLimit, taken: Taken) -> dict[str, JSON]:
    """Return the ``$mock.limit.`` names of one call."""
    window = int(limit.window) if limit.window.is_integer() else limit.window
    return {
        "limit.limit": limit.limit,
        "limit.remaining": taken.remaining,
        "limit.resetSeconds": taken.reset_seconds,
        "limit.window": window,
        "limit.burst": limit.burst,
        "limit.cost": min(limit.cost, limit.burst),
    }
