"""Token buckets: admitted or not, what is left, and when there is more."""

import pytest

from mockserver.engine.contract import RateLimit
from mockserver.engine.limits import Limits, Taken, limit_values


@pytest.mark.parametrize(
    ("limit", "times", "taken"),
    [
        # limit                             calls at             what becomes of the last one
        (RateLimit(2, 5.0, 2),              [0],                 Taken(True, 1, 3)),
        (RateLimit(2, 5.0, 2),              [0, 0],              Taken(True, 0, 5)),
        (RateLimit(2, 5.0, 2),              [0, 0, 0],           Taken(False, 0, 3)),
        (RateLimit(2, 5.0, 2),              [0, 0, 2.4],         Taken(False, 0, 1)),
        (RateLimit(2, 5.0, 2),              [0, 0, 2.5],         Taken(True, 0, 5)),
        (RateLimit(2, 5.0, 2),              [0, 0, 0, 3],        Taken(True, 0, 5)),
        (RateLimit(2, 5.0, 2),              [0, 0, 1000],        Taken(True, 1, 3)),
        (RateLimit(2, 5.0, 2),              [10, 10, 0],         Taken(False, 0, 3)),
        (RateLimit(2, 5.0, 2),              [10, 10, 0, 3],      Taken(True, 0, 5)),
        (RateLimit(300, 5.0, 330),          [0],                 Taken(True, 329, 1)),
        (RateLimit(10, 1.0, 10, cost=4),    [0, 0],              Taken(True, 2, 1)),
        (RateLimit(10, 1.0, 10, cost=4),    [0, 0, 0],           Taken(False, 2, 1)),
        (RateLimit(10, 1.0, 10, cost=100),  [0],                 Taken(True, 0, 1)),
        (RateLimit(1, 86400.0, 1),          [0, 1],              Taken(False, 0, 86399)),
    ],
)  # fmt: skip
def test_what_becomes_of_a_call(limit: RateLimit, times: list[float], taken: Taken) -> None:
    limits = Limits()
    results = [limits.take(("api", "credential"), limit, now) for now in times]
    assert results[-1] == taken


@pytest.mark.parametrize(
    "limit", [RateLimit(1, 7.0, 1), RateLimit(3, 10.0, 3), RateLimit(7, 0.3, 2), RateLimit(1, 0.9, 1)]
)
def test_waiting_exactly_as_long_as_told_is_enough(limit: RateLimit) -> None:
    limits, now = Limits(), 1795164055.651
    for _ in range(200):
        taken = limits.take(("k",), limit, now)
        if not taken.admitted:
            now += taken.reset_seconds
            assert limits.take(("k",), limit, now).admitted


def test_buckets_are_apart_and_full_ones_are_forgotten() -> None:
    limits, limit = Limits(), RateLimit(1, 1.0, 1)
    assert limits.take(("a",), limit, 0.0).admitted
    assert limits.take(("b",), limit, 0.0).admitted
    for number in range(10_100):
        limits.take((str(number),), limit, float(number))
    assert len(limits._buckets) < 200


def test_a_bucket_that_is_not_full_is_never_forgotten() -> None:
    limits, rare = Limits(), RateLimit(1, 86400.0, 1)
    assert limits.take(("rare",), rare, 0.0).admitted
    for number in range(30_000):
        limits.take((str(number),), RateLimit(1, 1.0, 1), number / 100)
    assert not limits.take(("rare",), rare, 300.0).admitted


def test_words_for_templates() -> None:
    words = limit_values(RateLimit(2, 5.0, 3, cost=9), Taken(True, 1, 3))
    assert words == {
        "limit.limit": 2, "limit.remaining": 1, "limit.resetSeconds": 3, "limit.window": 5, "limit.burst": 3, "limit.cost": 3,
    }  # fmt: skip
    assert limit_values(RateLimit(2, 0.5, 3), Taken(True, 1, 3))["limit.window"] == 0.5
